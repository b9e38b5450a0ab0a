//! Hawser.
