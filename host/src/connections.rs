//! Connections: a connector, configured for one system.
mod draft;
mod intake;
mod options;
