//! What is to be so of an account (enabled, unlocked, to change its password), in the directory's own attributes.
//!
//! Some of these share one attribute there, and a request may write that attribute by its own name as well. So all of a
//! request are decided together, one write for each attribute: bits stand beside each other, and disabled wins over
//! unlocked. Two words that say different things about one attribute are refused rather than one of them lost.

use crate::changes::{What, Write};
use crate::dialect::Dialect;
use crate::operational::{
    AD_CONTROL, AD_DISABLED, AD_NORMAL, AD_PASSWORD_NEVER_EXPIRES, CHANGE_NOW, LOCKED_FOR_GOOD, Operational,
    is_for_good,
};
use crate::password::LOCKED;
use crate::{entry, time};
use hawser_sdk::ldap::Entry;
use hawser_sdk::{Error, Result, Value};

/// An operational attribute and its new value, if it is to have one.
pub(crate) type Wanted<'a> = (Operational, Option<&'a Value>);

/// What a request writes: `given` by the directory's own names, and what is `wanted` of the account. `current` is the
/// entry as it is, if there is one.
///
/// # Errors
/// `invalid-attribute-value`, naming the attribute, for a value that it does not take, and for one that contradicts what
/// is given.
pub(crate) fn written(
    dialect: Dialect,
    current: Option<&Entry>,
    mut wanted: Vec<Wanted<'_>>,
    given: Vec<Write>,
) -> Result<Vec<Write>> {
    // Last, because nothing else of a request enables who is to be disabled.
    wanted.sort_by_key(|(operational, _)| *operational == Operational::Enabled);
    let mut state = State { dialect, current, given: given.len(), writes: given };
    for (operational, value) in wanted {
        let writes = state.of(operational, value)?.ok_or_else(|| unfit(operational))?;
        writes.into_iter().try_for_each(|write| state.put(operational, write))?;
    }
    Ok(state.writes)
}

/// What has been decided so far.
struct State<'a> {
    dialect: Dialect,
    current: Option<&'a Entry>,
    writes: Vec<Write>,
    /// So many of the writes, the first ones, are the request's own.
    given: usize,
}

impl State<'_> {
    /// What one attribute comes to; nothing for a value that it does not take.
    fn of(&self, operational: Operational, value: Option<&Value>) -> Result<Option<Vec<Write>>> {
        match self.dialect {
            Dialect::OpenLdap => Ok(self.of_openldap(operational, value)),
            Dialect::Ds389 => Ok(self.of_389(operational, value)),
            Dialect::ActiveDirectory | Dialect::Samba => self.of_ad(operational, value),
        }
    }

    fn put(&mut self, operational: Operational, write: Write) -> Result<()> {
        let at = self.writes.iter().position(|held| held.name.eq_ignore_ascii_case(&write.name));
        let Some((at, held)) = at.and_then(|at| Some((at, self.writes.get_mut(at)?))) else {
            self.writes.push(write);
            return Ok(());
        };
        // Bits were set over what is given.
        if at < self.given && *held != write && write.name != AD_CONTROL {
            return Err(contradicted(operational, &write.name));
        }
        *held = write;
        Ok(())
    }

    /// The bits of Active Directory's control with one of them set or not.
    fn bit(&self, operational: Operational, bit: i64, set: bool) -> Result<Vec<Write>> {
        let written = self.writes.iter().find(|write| write.name.eq_ignore_ascii_case(AD_CONTROL));
        let bits = match written {
            Some(write) => bits(write).ok_or_else(|| contradicted(operational, AD_CONTROL))?,
            None => self.current.and_then(|entry| entry::integer(entry, AD_CONTROL)).unwrap_or(AD_NORMAL),
        };
        Ok(Write::one(AD_CONTROL, (if set { bits | bit } else { bits & !bit }).to_string()))
    }

    fn of_ad(&self, operational: Operational, value: Option<&Value>) -> Result<Option<Vec<Write>>> {
        Ok(Some(match (operational, value) {
            (Operational::Enabled, Some(Value::Boolean(enabled))) => self.bit(operational, AD_DISABLED, !enabled)?,
            (Operational::PasswordNeverExpires, Some(Value::Boolean(never))) => {
                self.bit(operational, AD_PASSWORD_NEVER_EXPIRES, *never)?
            }
            (Operational::DisableDate, None) => Write::one("accountExpires", "0"),
            (Operational::DisableDate, Some(Value::Instant(micros))) => match time::to_filetime(*micros) {
                Some(units) => Write::one("accountExpires", units.to_string()),
                None => return Ok(None),
            },
            (Operational::LockedOut, None | Some(Value::Boolean(false))) => Write::one("lockoutTime", "0"),
            (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => Write::one("pwdLastSet", "0"),
            // Back to now: to keep the old date is not in its power.
            (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => Write::one("pwdLastSet", "-1"),
            _ => return Ok(None),
        }))
    }

    fn of_openldap(&self, operational: Operational, value: Option<&Value>) -> Option<Vec<Write>> {
        let since = self.current.and_then(|entry| entry::text(entry, LOCKED));
        let cleared_if = |holds: bool| if holds { vec![Write::clear(LOCKED)] } else { Vec::new() };
        Some(match (operational, value) {
            (Operational::Enabled, Some(Value::Boolean(false))) => Write::one(LOCKED, LOCKED_FOR_GOOD),
            (Operational::Enabled, Some(Value::Boolean(true))) => cleared_if(since.is_some_and(is_for_good)),
            (Operational::LockedOut, None | Some(Value::Boolean(false))) => {
                cleared_if(since.is_some_and(|since| !is_for_good(since)))
            }
            (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => Write::one("pwdReset", "TRUE"),
            (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => vec![Write::clear("pwdReset")],
            (Operational::EnableDate | Operational::DisableDate, value) => {
                let name = operational.natives(Dialect::OpenLdap).first()?;
                match value {
                    None => vec![Write::clear(name)],
                    Some(Value::Instant(micros)) => Write::one(name, time::to_generalized(*micros)?),
                    Some(_) => return None,
                }
            }
            _ => return None,
        })
    }

    fn of_389(&self, operational: Operational, value: Option<&Value>) -> Option<Vec<Write>> {
        const EXPIRY: &str = "passwordExpirationTime";
        // Any other moment is when the password really expires.
        let is_forced = || self.current.and_then(|entry| entry::text(entry, EXPIRY)) == Some(CHANGE_NOW);
        Some(match (operational, value) {
            (Operational::Enabled, Some(Value::Boolean(false))) => Write::one("nsAccountLock", "true"),
            (Operational::Enabled, Some(Value::Boolean(true))) => vec![Write::clear("nsAccountLock")],
            (Operational::LockedOut, None | Some(Value::Boolean(false))) => {
                vec![Write::clear("accountUnlockTime"), Write::clear("passwordRetryCount")]
            }
            (Operational::ForcePasswordChange, Some(Value::Boolean(true))) => Write::one(EXPIRY, CHANGE_NOW),
            (Operational::ForcePasswordChange, None | Some(Value::Boolean(false))) => {
                if is_forced() {
                    vec![Write::clear(EXPIRY)]
                } else {
                    Vec::new()
                }
            }
            _ => return None,
        })
    }
}

/// The bits that a write gives, if it gives any.
fn bits(write: &Write) -> Option<i64> {
    let What::Replace(values) = &write.what else { return None };
    std::str::from_utf8(values.first()?).ok()?.parse().ok()
}

fn unfit(operational: Operational) -> Error {
    let message = match operational {
        Operational::LockedOut => "`locked-out` can only be set to false: the server locks by itself".to_owned(),
        other => format!("`{}` does not take this value", other.name()),
    };
    Error::invalid_attribute_value(message).attribute(operational.name())
}

fn contradicted(operational: Operational, native: &str) -> Error {
    let message = format!("`{}` and `{native}` say different things; give one of them", operational.name());
    Error::invalid_attribute_value(message).attribute(operational.name()).attribute(native)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;

    type Told = Vec<(String, Vec<String>)>;

    fn told(writes: Vec<Write>) -> Told {
        let one = |write: Write| match write.what {
            What::Replace(values) => {
                (write.name, values.into_iter().map(|it| String::from_utf8(it).unwrap()).collect())
            }
            What::Edit { .. } => panic!("operational attributes are replaced"),
        };
        writes.into_iter().map(one).collect()
    }

    /// What these are, all of one request, for an account with these attributes.
    fn together(dialect: Dialect, wanted: &[(Operational, Value)], current: &[(&str, &str)]) -> Told {
        let wanted = wanted.iter().map(|(operational, value)| (*operational, Some(value))).collect();
        told(written(dialect, Some(&entry("cn=a", current)), wanted, Vec::new()).unwrap())
    }

    fn alone(operational: Operational, dialect: Dialect, value: Option<&Value>, current: &[(&str, &str)]) -> Told {
        let wanted = vec![(operational, value)];
        told(written(dialect, Some(&entry("cn=a", current)), wanted, Vec::new()).unwrap())
    }

    fn is(name: &str, value: &str) -> Told {
        vec![(name.to_owned(), vec![value.to_owned()])]
    }

    fn cleared(name: &str) -> Told {
        vec![(name.to_owned(), Vec::new())]
    }

    #[test]
    fn what_only_the_server_does_is_refused_with_the_attribute() {
        for dialect in Dialect::ALL {
            let refused = |operational, value: Value| {
                written(dialect, None, vec![(operational, Some(&value))], Vec::new()).unwrap_err()
            };
            assert_eq!(refused(Operational::LockedOut, true.into()).attributes(), ["locked-out"]);
            refused(Operational::LastLogin, Value::Instant(0));
            refused(Operational::Enabled, "yes".into());
        }
    }

    #[test]
    fn who_is_disabled_and_unlocked_at_once_is_disabled() {
        let both = [(Operational::Enabled, Value::from(false)), (Operational::LockedOut, false.into())];
        let reversed = [both[1].clone(), both[0].clone()];
        for wanted in [&both, &reversed] {
            for since in ["20260101000000Z", LOCKED_FOR_GOOD] {
                let writes = together(Dialect::OpenLdap, wanted, &[("pwdAccountLockedTime", since)]);
                assert_eq!(writes, is("pwdAccountLockedTime", LOCKED_FOR_GOOD), "{since}");
            }
            let names: Vec<String> = together(Dialect::Ds389, wanted, &[]).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["accountUnlockTime", "passwordRetryCount", "nsAccountLock"]);
        }
    }

    #[test]
    fn who_is_enabled_and_unlocked_at_once_is_both() {
        let wanted = [(Operational::Enabled, Value::from(true)), (Operational::LockedOut, false.into())];
        for since in ["20260101000000Z", LOCKED_FOR_GOOD] {
            let writes = together(Dialect::OpenLdap, &wanted, &[("pwdAccountLockedTime", since)]);
            assert_eq!(writes, cleared("pwdAccountLockedTime"), "{since}");
        }
    }

    #[test]
    fn bits_of_one_request_stand_beside_each_other_and_every_other_bit_stays() {
        let (enabled, never) = (Operational::Enabled, Operational::PasswordNeverExpires);
        let written =
            |wanted: &[(Operational, Value)], bits| together(Dialect::Samba, wanted, &[("userAccountControl", bits)]);
        assert_eq!(written(&[(enabled, true.into())], "66050"), is("userAccountControl", "66048"));
        assert_eq!(written(&[(enabled, false.into()), (never, true.into())], "512"), is("userAccountControl", "66050"));
        assert_eq!(written(&[(never, false.into()), (enabled, true.into())], "66050"), is("userAccountControl", "512"));
        assert_eq!(alone(enabled, Dialect::Samba, Some(&false.into()), &[]), is("userAccountControl", "514"));
    }

    #[test]
    fn bits_are_set_over_those_that_the_request_gives_by_their_own_name() {
        let given = |bits: &str| vec![Write::replace("userAccountControl", vec![bits.as_bytes().to_vec()])];
        let entry = entry("cn=a", &[("userAccountControl", "512")]);
        let disabled = |given| {
            let wanted = vec![(Operational::Enabled, Some(&Value::Boolean(false)))];
            written(Dialect::ActiveDirectory, Some(&entry), wanted, given)
        };
        assert_eq!(told(disabled(given("66048")).unwrap()), is("userAccountControl", "66050"));
        let error = disabled(given("many")).unwrap_err();
        assert_eq!(error.attributes(), ["enabled", "userAccountControl"]);
    }

    #[test]
    fn two_words_that_differ_about_one_attribute_are_refused() {
        let given = |text: &str| vec![Write::replace("accountExpires", vec![text.as_bytes().to_vec()])];
        let never = |given| written(Dialect::Samba, None, vec![(Operational::DisableDate, None)], given);
        assert_eq!(never(given("1")).unwrap_err().attributes(), ["disable-date", "accountExpires"]);
        assert_eq!(told(never(given("0")).unwrap()), is("accountExpires", "0"), "they agree");
    }

    #[test]
    fn unlocking_enables_nobody_and_enabling_unlocks_nobody() {
        let dialect = Dialect::OpenLdap;
        let (disabled, locked) =
            (&[("pwdAccountLockedTime", LOCKED_FOR_GOOD)][..], &[("pwdAccountLockedTime", "20260101000000Z")][..]);
        assert!(alone(Operational::LockedOut, dialect, Some(&false.into()), disabled).is_empty());
        assert!(alone(Operational::Enabled, dialect, Some(&true.into()), locked).is_empty());
        assert_eq!(
            alone(Operational::LockedOut, dialect, Some(&false.into()), locked),
            cleared("pwdAccountLockedTime")
        );
        assert_eq!(alone(Operational::Enabled, dialect, Some(&true.into()), disabled), cleared("pwdAccountLockedTime"));
    }

    #[test]
    fn who_need_not_change_the_password_keeps_the_day_it_expires() {
        let written = |expiry: &str| {
            let current = [("passwordExpirationTime", expiry)];
            alone(Operational::ForcePasswordChange, Dialect::Ds389, Some(&false.into()), &current)
        };
        assert!(written("20270101000000Z").is_empty());
        assert_eq!(written(CHANGE_NOW), cleared("passwordExpirationTime"));
    }

    #[test]
    fn a_date_that_is_taken_away_means_never() {
        assert_eq!(alone(Operational::DisableDate, Dialect::Samba, None, &[]), is("accountExpires", "0"));
        assert_eq!(alone(Operational::DisableDate, Dialect::OpenLdap, None, &[]), cleared("pwdEndTime"));
        let day = Some(Value::Instant(0));
        assert_eq!(
            alone(Operational::DisableDate, Dialect::OpenLdap, day.as_ref(), &[]),
            is("pwdEndTime", "19700101000000Z")
        );
    }
}
