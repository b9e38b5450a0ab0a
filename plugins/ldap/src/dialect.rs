//! Which kind of directory it is, and what the kinds call the same things.

use crate::dn::Letters;
use crate::entry;
use hawser_sdk::ldap::Entry;

/// A kind of directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenLdap,
    Ds389,
    ActiveDirectory,
    Samba,
}

/// The capability by which Active Directory, and whoever speaks like it, is told.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

impl Dialect {
    pub(crate) const ALL: [Self; 4] = [Self::OpenLdap, Self::Ds389, Self::ActiveDirectory, Self::Samba];

    /// What a root DSE says of itself; nothing if it says nothing that is known.
    pub(crate) fn detect(root: &Entry) -> Option<Self> {
        let vendor = entry::text(root, "vendorName").unwrap_or_default();
        let is_ad = entry::texts(root, "supportedCapabilities").any(|oid| oid == ACTIVE_DIRECTORY);
        if vendor.to_lowercase().contains("samba") {
            Some(Self::Samba)
        } else if is_ad {
            Some(Self::ActiveDirectory)
        } else if entry::texts(root, "objectClass").any(|class| class.eq_ignore_ascii_case("OpenLDAProotDSE")) {
            Some(Self::OpenLdap)
        } else {
            vendor.contains("389").then_some(Self::Ds389)
        }
    }

    /// The spelling of the option `dialect`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenLdap => "openldap",
            Self::Ds389 => "389-ds",
            Self::ActiveDirectory => "active-directory",
            Self::Samba => "samba",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// Does it speak as Active Directory does? Samba does.
    pub(crate) const fn is_ad(self) -> bool {
        matches!(self, Self::ActiveDirectory | Self::Samba)
    }

    /// The attribute that holds the uid.
    pub(crate) const fn uid(self) -> &'static str {
        match self {
            Self::OpenLdap => "entryUUID",
            Self::Ds389 => "nsUniqueId",
            Self::ActiveDirectory | Self::Samba => "objectGUID",
        }
    }

    /// The attribute that changes whenever the entry does.
    pub(crate) const fn revision(self) -> &'static str {
        match self {
            Self::OpenLdap => "entryCSN",
            Self::Ds389 => "modifyTimestamp",
            Self::ActiveDirectory | Self::Samba => "uSNChanged",
        }
    }

    /// The attribute by which a filter speaks of an entry's name.
    pub(crate) const fn entry_dn(self) -> &'static str {
        match self {
            Self::OpenLdap => "entryDN",
            Self::Ds389 => "entrydn",
            Self::ActiveDirectory | Self::Samba => "distinguishedName",
        }
    }

    /// The attribute a password is written to.
    pub(crate) const fn password(self) -> &'static str {
        match self {
            Self::OpenLdap | Self::Ds389 => "userPassword",
            Self::ActiveDirectory | Self::Samba => "unicodePwd",
        }
    }

    pub(crate) const fn letters(self) -> Letters {
        match self {
            Self::OpenLdap | Self::Ds389 => Letters::Lower,
            Self::ActiveDirectory | Self::Samba => Letters::Upper,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(attributes: &[(&str, &str)]) -> Entry {
        entry::tests::entry("", attributes)
    }

    #[test]
    fn a_server_that_says_nothing_known_is_no_dialect() {
        assert_eq!(Dialect::detect(&root(&[("vendorName", "Example"), ("objectClass", "top")])), None);
    }

    #[test]
    fn each_server_is_told_by_its_root_entry() {
        for (attributes, dialect) in [
            (&[("objectClass", "top"), ("objectClass", "OpenLDAProotDSE")][..], Dialect::OpenLdap),
            (&[("vendorName", "389 Project")], Dialect::Ds389),
            (&[("supportedCapabilities", ACTIVE_DIRECTORY)], Dialect::ActiveDirectory),
            (
                &[("vendorname", "Samba Team (https://www.samba.org)"), ("supportedCapabilities", ACTIVE_DIRECTORY)],
                Dialect::Samba,
            ),
        ] {
            assert_eq!(Dialect::detect(&root(attributes)), Some(dialect));
            assert_eq!(Dialect::parse(dialect.name()), Some(dialect));
        }
    }
}
