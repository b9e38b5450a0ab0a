//! The operations of the contract: which interface each needs, and what its failing means.

use super::limits::{CALL_TRANSFER_BYTES_MAX, PAGE_TRANSFER_BYTES_MAX};
use crate::model::Export;

/// One operation of the contract.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// As people read it, e.g. `source.get`.
    pub(super) name: &'static str,
    pub(super) needs: Export,
    /// It changes the target: if it breaks off, nobody knows how far it came.
    pub(super) writes: bool,
    /// Bytes the guest may hand over.
    pub(super) transfer_bytes: usize,
    /// Its deadline is the page's.
    pub(super) page: bool,
}

const fn read(name: &'static str, needs: Export) -> Operation {
    Operation { name, needs, writes: false, transfer_bytes: CALL_TRANSFER_BYTES_MAX, page: false }
}

const fn write(name: &'static str, needs: Export) -> Operation {
    Operation { writes: true, ..read(name, needs) }
}

const fn rows(name: &'static str, needs: Export, page: bool) -> Operation {
    Operation { transfer_bytes: PAGE_TRANSFER_BYTES_MAX, page, ..read(name, needs) }
}

pub(super) const CHECK: Operation = read("probe.check", Export::Probe);
pub(super) const SUGGEST: Operation = read("probe.suggest", Export::Probe);
pub(super) const GET_SCHEMA: Operation = read("schema.get-schema", Export::Schema);
pub(super) const GET: Operation = rows("source.get", Export::Source, false);
pub(super) const GET_MANY: Operation = rows("source.get-many", Export::Source, false);
pub(super) const OPEN_LISTING: Operation = read("source.open-listing", Export::Source);
pub(super) const NEXT_ROWS: Operation = rows("source.listing.next", Export::Source, true);
pub(super) const OPEN_EDGES: Operation = read("source.open-edges", Export::Source);
pub(super) const NEXT_EDGES: Operation = rows("source.edge-listing.next", Export::Source, true);
pub(super) const LATEST_TOKEN: Operation = read("feed.latest-token", Export::Feed);
pub(super) const OPEN_CHANGES: Operation = read("feed.open", Export::Feed);
pub(super) const NEXT_CHANGES: Operation = rows("feed.changes.next", Export::Feed, true);
pub(super) const CREATE: Operation = write("provision.create", Export::Provision);
pub(super) const UPDATE: Operation = write("provision.update", Export::Provision);
pub(super) const DELETE: Operation = write("provision.delete", Export::Provision);
pub(super) const POLL: Operation = read("provision.poll", Export::Provision);
pub(super) const GRANT: Operation = write("entitlements.grant", Export::Entitlements);
pub(super) const REVOKE: Operation = write("entitlements.revoke", Export::Entitlements);
pub(super) const LIST_GRANTED: Operation = read("entitlements.list-granted", Export::Entitlements);
pub(super) const SET_PASSWORD: Operation = write("passwords.set-password", Export::Passwords);
pub(super) const CHANGE_PASSWORD: Operation = write("passwords.change-password", Export::Passwords);
pub(super) const AUTHENTICATE: Operation = read("passwords.authenticate", Export::Passwords);
