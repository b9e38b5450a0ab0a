//! Web servers that nobody here wrote, as the harness starts them: what the
//! connectors' tests build on.

mod servers;
