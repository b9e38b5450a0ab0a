//! The registry as its callers see it, on a real store and a real compiling process.
