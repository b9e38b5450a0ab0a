//! The connector hawser/csv: accounts, groups and memberships from CSV files of one permitted folder, as untidy as
//! they are in the real world.
//!
//! How a file is read: `dialect` finds out how it is written, `table` opens it and names its columns, `scanner`
//! goes through its records and knows where each one stands, `walk` sets aside what is no record of its own (ragged,
//! without a key, a key for the second time), `columns` turns cells into values and back.
//!
//! How it is written: `splice` replaces ranges of bytes and copies every other byte as it is, atomically and only
//! over the version that was read.
//!
//! What it offers stands on top: `listing` and `lookup` read, `provision`, `membership` and `password` write,
//! `schema` and `probe` describe.

mod cells;
mod checkpoint;
mod columns;
mod dialect;
mod listing;
mod lookup;
mod membership;
mod options;
mod password;
mod probe;
mod provision;
mod scanner;
mod schema;
mod seen;
mod splice;
mod table;
mod walk;

use hawser_sdk::{Connector, Error, Result, export};
pub use options::Options;

/// The connector: options that make sense together. Files are opened by the calls that need them.
pub struct Csv {
    options: Options,
}

impl Connector for Csv {
    type Options = Options;

    fn open(options: Options) -> Result<Self> {
        options.check()?;
        Ok(Self { options })
    }
}

export!(Csv: Probe, Schema, Source, Provision, Entitlements, Passwords);

/// The object classes, by the names the contract uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Account,
    Group,
}

impl Class {
    const ACCOUNT: &'static str = "account";
    const GROUP: &'static str = "group";

    fn parse(name: &str) -> Result<Self> {
        match name {
            Self::ACCOUNT => Ok(Self::Account),
            Self::GROUP => Ok(Self::Group),
            _ => Err(Error::schema_violation(format!("there is no class `{name}`; there are account and group"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Account => Self::ACCOUNT,
            Self::Group => Self::GROUP,
        }
    }
}
