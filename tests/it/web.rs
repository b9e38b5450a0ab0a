//! Web servers that nobody here wrote, as the harness starts them, and the proxy that misbehaves before them: what the
//! connectors' tests build on.

mod chaos;
mod rest;
mod scim;
mod servers;
