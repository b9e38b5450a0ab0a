//! The steps of the story, by what they are about.

pub(super) mod accounts;
pub(super) mod audit;
pub(super) mod entitlements;
pub(super) mod imports;
pub(super) mod mapping;
pub(super) mod passwords;
pub(super) mod read_back;
pub(super) mod refusals;
pub(super) mod setup;
pub(super) mod trust;
