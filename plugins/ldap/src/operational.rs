//! Attributes with a meaning of their own in every target: enabled, locked, expired and the like, and what each kind of
//! directory makes of them.

use crate::dialect::Dialect;
use crate::entry;
use crate::time;
use hawser_sdk::ldap::Entry;
use hawser_sdk::{Cell, Syntax};

/// The confidential one, which has a way of its own.
pub(crate) const PASSWORD: &str = "password";

/// Where Active Directory keeps the bits of an account.
pub(crate) const AD_CONTROL: &str = "userAccountControl";
/// The bit of it that disables.
pub(crate) const AD_DISABLED: i64 = 0x2;
/// An account like any other; disabled with [`AD_DISABLED`].
pub(crate) const AD_NORMAL: i64 = 0x200;
/// The bit whose password stays good whatever the policy says (MS-ADTS 2.2.16, `ADS_UF_DONT_EXPIRE_PASSWD`).
pub(crate) const AD_PASSWORD_NEVER_EXPIRES: i64 = 0x1_0000;
/// The bits of the computed control.
const AD_LOCKED_OUT: i64 = 0x10;
const AD_PASSWORD_EXPIRED: i64 = 0x80_0000;
const AD_COMPUTED: &str = "msDS-User-Account-Control-Computed";
const AD_EXPIRY: &str = "msDS-UserPasswordExpiryTimeComputed";
/// What OpenLDAP's policy takes for "locked for good".
pub(crate) const LOCKED_FOR_GOOD: &str = "000001010000Z";
/// What 389-ds takes for "must be changed now".
pub(crate) const CHANGE_NOW: &str = "19700101000000Z";

/// An attribute of the contract's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operational {
    Enabled,
    EnableDate,
    DisableDate,
    LockedOut,
    PasswordExpired,
    PasswordExpiresAt,
    PasswordNeverExpires,
    ForcePasswordChange,
    LastLogin,
    LastPasswordChange,
}

impl Operational {
    pub(crate) const ALL: [Self; 10] = [
        Self::Enabled,
        Self::EnableDate,
        Self::DisableDate,
        Self::LockedOut,
        Self::PasswordExpired,
        Self::PasswordExpiresAt,
        Self::PasswordNeverExpires,
        Self::ForcePasswordChange,
        Self::LastLogin,
        Self::LastPasswordChange,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::EnableDate => "enable-date",
            Self::DisableDate => "disable-date",
            Self::LockedOut => "locked-out",
            Self::PasswordExpired => "password-expired",
            Self::PasswordExpiresAt => "password-expires-at",
            Self::PasswordNeverExpires => "password-never-expires",
            Self::ForcePasswordChange => "force-password-change",
            Self::LastLogin => "last-login",
            Self::LastPasswordChange => "last-password-change",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operational| operational.name() == name)
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::EnableDate => "Enabled from",
            Self::DisableDate => "Disabled from",
            Self::LockedOut => "Locked out",
            Self::PasswordExpired => "Password expired",
            Self::PasswordExpiresAt => "Password expires",
            Self::PasswordNeverExpires => "Password never expires",
            Self::ForcePasswordChange => "Must change password",
            Self::LastLogin => "Last login",
            Self::LastPasswordChange => "Password changed",
        }
    }

    pub(crate) const fn syntax(self) -> Syntax {
        match self {
            Self::Enabled
            | Self::LockedOut
            | Self::PasswordExpired
            | Self::PasswordNeverExpires
            | Self::ForcePasswordChange => Syntax::Boolean,
            _ => Syntax::Instant,
        }
    }

    /// What has to be read to know it; none where the dialect does not say it.
    pub(crate) const fn natives(self, dialect: Dialect) -> &'static [&'static str] {
        match dialect {
            Dialect::OpenLdap => self.of_openldap(),
            Dialect::Ds389 => self.of_389(),
            Dialect::ActiveDirectory | Dialect::Samba => self.of_ad(),
        }
    }

    const fn of_openldap(self) -> &'static [&'static str] {
        match self {
            Self::Enabled | Self::LockedOut => &["pwdAccountLockedTime"],
            Self::EnableDate => &["pwdStartTime"],
            Self::DisableDate => &["pwdEndTime"],
            Self::ForcePasswordChange => &["pwdReset"],
            Self::LastLogin => &["pwdLastSuccess", "authTimestamp"],
            Self::LastPasswordChange => &["pwdChangedTime"],
            Self::PasswordExpired | Self::PasswordExpiresAt | Self::PasswordNeverExpires => &[],
        }
    }

    const fn of_389(self) -> &'static [&'static str] {
        match self {
            Self::Enabled => &["nsAccountLock"],
            Self::LockedOut => &["accountUnlockTime"],
            Self::PasswordExpiresAt | Self::ForcePasswordChange => &["passwordExpirationTime"],
            Self::LastLogin => &["lastLoginTime"],
            Self::LastPasswordChange => &["pwdUpdateTime"],
            Self::EnableDate | Self::DisableDate | Self::PasswordExpired | Self::PasswordNeverExpires => &[],
        }
    }

    const fn of_ad(self) -> &'static [&'static str] {
        match self {
            Self::Enabled | Self::PasswordNeverExpires => &[AD_CONTROL],
            Self::DisableDate => &["accountExpires"],
            Self::LockedOut => &["lockoutTime", AD_COMPUTED],
            Self::PasswordExpired => &[AD_COMPUTED],
            Self::PasswordExpiresAt => &[AD_EXPIRY],
            Self::ForcePasswordChange | Self::LastPasswordChange => &["pwdLastSet"],
            Self::LastLogin => &["lastLogonTimestamp"],
            Self::EnableDate => &[],
        }
    }

    /// Can it be changed?
    pub(crate) const fn is_writable(self) -> bool {
        matches!(
            self,
            Self::Enabled
                | Self::EnableDate
                | Self::DisableDate
                | Self::LockedOut
                | Self::PasswordNeverExpires
                | Self::ForcePasswordChange
        )
    }

    /// Its value in an entry that was read with [`Self::natives`].
    pub(crate) fn read(self, dialect: Dialect, entry: &Entry) -> Cell {
        match dialect {
            Dialect::OpenLdap => self.read_openldap(entry),
            Dialect::Ds389 => self.read_389(entry),
            Dialect::ActiveDirectory | Dialect::Samba => self.read_ad(entry),
        }
    }

    fn read_openldap(self, entry: &Entry) -> Cell {
        let locked = entry::text(entry, "pwdAccountLockedTime");
        match self {
            Self::Enabled => (!locked.is_some_and(is_for_good)).into(),
            Self::LockedOut => locked.is_some_and(|since| !is_for_good(since)).into(),
            Self::ForcePasswordChange => is_true(entry, "pwdReset").into(),
            _ => self.of_openldap().iter().find_map(|name| moment(entry, name)).into(),
        }
    }

    fn read_389(self, entry: &Entry) -> Cell {
        let expiry = || entry::text(entry, "passwordExpirationTime");
        match self {
            Self::Enabled => (!is_true(entry, "nsAccountLock")).into(),
            Self::LockedOut => entry::find(entry, "accountUnlockTime").is_some().into(),
            Self::ForcePasswordChange => (expiry() == Some(CHANGE_NOW)).into(),
            Self::PasswordExpiresAt if expiry() == Some(CHANGE_NOW) => Cell::Absent,
            _ => self.of_389().iter().find_map(|name| moment(entry, name)).into(),
        }
    }

    fn read_ad(self, entry: &Entry) -> Cell {
        let windows = |name: &str| Moment(entry::integer(entry, name).and_then(time::from_filetime)).into();
        let computed = |bit: i64| entry::integer(entry, AD_COMPUTED).map(|bits| bits & bit != 0);
        let control = |bit: i64| entry::integer(entry, AD_CONTROL).map(|bits| bits & bit != 0);
        match self {
            Self::Enabled => control(AD_DISABLED).map(|disabled| !disabled).into(),
            Self::PasswordNeverExpires => control(AD_PASSWORD_NEVER_EXPIRES).into(),
            // The time of a lock-out stays when its duration has passed; what is computed knows better, where it is.
            Self::LockedOut => computed(AD_LOCKED_OUT)
                .unwrap_or_else(|| entry::integer(entry, "lockoutTime").is_some_and(|time| time != 0))
                .into(),
            Self::PasswordExpired => computed(AD_PASSWORD_EXPIRED).into(),
            Self::ForcePasswordChange => entry::integer(entry, "pwdLastSet").map(|time| time == 0).into(),
            _ => self.of_ad().first().map_or(Cell::Absent, |name| windows(name)),
        }
    }

    /// A filter for this boolean, if one loses no entry; the second says whether it also finds no other.
    pub(crate) fn filter(self, dialect: Dialect, wanted: bool) -> Option<(String, bool)> {
        let (yes, exact) = match (self, dialect) {
            (Self::Enabled, Dialect::ActiveDirectory | Dialect::Samba) => {
                return Some((with_bit(AD_DISABLED, !wanted), false));
            }
            (Self::PasswordNeverExpires, Dialect::ActiveDirectory | Dialect::Samba) => {
                return Some((with_bit(AD_PASSWORD_NEVER_EXPIRES, wanted), false));
            }
            (Self::Enabled, Dialect::OpenLdap) => {
                let disabled = format!("(pwdAccountLockedTime={LOCKED_FOR_GOOD})");
                return Some((if wanted { format!("(!{disabled})") } else { disabled }, true));
            }
            (Self::LockedOut, Dialect::ActiveDirectory | Dialect::Samba) => ("(lockoutTime>=1)", false),
            (Self::LockedOut, Dialect::OpenLdap) => ("(pwdAccountLockedTime=*)", false),
            (Self::LockedOut, Dialect::Ds389) => ("(accountUnlockTime=*)", false),
            (Self::ForcePasswordChange, Dialect::ActiveDirectory | Dialect::Samba) => ("(pwdLastSet=0)", true),
            (Self::ForcePasswordChange, Dialect::OpenLdap) => ("(pwdReset=TRUE)", true),
            _ => return None,
        };
        match (wanted, exact) {
            (true, _) => Some((yes.to_owned(), exact)),
            // An entry of Active Directory without the attribute is neither.
            (false, true) => Some((format!("(!{yes})"), !dialect.is_ad())),
            (false, false) => None,
        }
    }
}

/// Accounts of Active Directory with a bit of their control set or not; without a control, it is not set.
fn with_bit(bit: i64, set: bool) -> String {
    let filter = format!("({AD_CONTROL}:1.2.840.113556.1.4.803:={bit})");
    if set { filter } else { format!("(!{filter})") }
}

/// A moment for a cell.
struct Moment(Option<i64>);

impl From<Moment> for Cell {
    fn from(moment: Moment) -> Self {
        moment.0.map_or(Self::Absent, Self::Instant)
    }
}

fn moment(entry: &Entry, name: &str) -> Option<Cell> {
    entry::text(entry, name).and_then(time::from_generalized).map(Cell::Instant)
}

/// Is it the moment that stands for "for good", however it is written?
pub(crate) fn is_for_good(since: &str) -> bool {
    time::from_generalized(since) == time::from_generalized(LOCKED_FOR_GOOD)
}

fn is_true(entry: &Entry, name: &str) -> bool {
    entry::text(entry, name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    fn read(dialect: Dialect, operational: Operational, attributes: &[(&str, &str)]) -> Cell {
        operational.read(dialect, &entry("cn=a", attributes))
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_neither_true_nor_false() {
        assert_eq!(read(Dialect::Samba, Operational::Enabled, &[]), Cell::Absent);
        assert_eq!(read(Dialect::Samba, Operational::ForcePasswordChange, &[("pwdLastSet", "x")]), Cell::Absent);
        assert_eq!(read(Dialect::ActiveDirectory, Operational::PasswordExpired, &[]), Cell::Absent);
    }

    #[test]
    fn never_is_no_moment() {
        for never in ["0", "9223372036854775807"] {
            assert_eq!(read(Dialect::Samba, Operational::DisableDate, &[("accountExpires", never)]), Cell::Absent);
        }
        let expiry = &[("passwordExpirationTime", CHANGE_NOW)];
        assert_eq!(read(Dialect::Ds389, Operational::PasswordExpiresAt, expiry), Cell::Absent);
        assert_eq!(read(Dialect::Ds389, Operational::ForcePasswordChange, expiry), Cell::Boolean(true));
    }

    #[test]
    fn the_bits_of_active_directory_are_read() {
        let bits = |control| read(Dialect::ActiveDirectory, Operational::Enabled, &[("useraccountcontrol", control)]);
        assert_eq!(bits("514"), Cell::Boolean(false));
        assert_eq!(bits("66048"), Cell::Boolean(true));
        let never = |control| read(Dialect::Samba, Operational::PasswordNeverExpires, &[(AD_CONTROL, control)]);
        assert_eq!((never("66050"), never("514")), (Cell::Boolean(true), Cell::Boolean(false)));
        let locked = [("lockoutTime", "133000000000000000"), (AD_COMPUTED, "0")];
        assert_eq!(read(Dialect::Samba, Operational::LockedOut, &locked), Cell::Boolean(false), "its time has passed");
        assert_eq!(read(Dialect::Samba, Operational::LockedOut, &locked[..1]), Cell::Boolean(true));
    }

    #[test]
    fn the_policy_of_openldap_tells_disabled_from_locked() {
        let state = |since: &str| {
            let attributes = [("pwdAccountLockedTime", since)];
            let read = |operational| read(Dialect::OpenLdap, operational, &attributes);
            (read(Operational::Enabled), read(Operational::LockedOut))
        };
        assert_eq!(state(LOCKED_FOR_GOOD), (Cell::Boolean(false), Cell::Boolean(false)));
        assert_eq!(state("20260101000000Z"), (Cell::Boolean(true), Cell::Boolean(true)));
    }

    #[test]
    fn a_filter_that_could_lose_an_entry_is_none() {
        assert_eq!(Operational::LockedOut.filter(Dialect::Samba, false), None);
        assert_eq!(Operational::Enabled.filter(Dialect::Ds389, false), None, "roles disable without the attribute");
        let (filter, exact) = Operational::Enabled.filter(Dialect::ActiveDirectory, true).unwrap();
        assert_eq!((filter.as_str(), exact), ("(!(userAccountControl:1.2.840.113556.1.4.803:=2))", false));
        let never = Operational::PasswordNeverExpires.filter(Dialect::Samba, true);
        assert_eq!(never, Some(("(userAccountControl:1.2.840.113556.1.4.803:=65536)".to_owned(), false)));
    }
}
