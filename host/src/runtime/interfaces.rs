//! What a component imports and exports, read off it before a byte of it runs, and what a manifest allows it.

use std::collections::BTreeSet;

use crate::model::{Export, Import};

/// The interfaces of a component by their full names, e.g. `wasi:io/poll@0.2.6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interfaces {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

/// What a manifest allows: the host's interfaces the component may import, and exactly those it has to export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    pub imports: BTreeSet<Import>,
    pub exports: BTreeSet<Export>,
}
