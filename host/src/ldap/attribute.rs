//! Attribute descriptions (RFC 4512, 2.5): which of them hold passwords, and which a guest may say at all.
//!
//! A server takes a number wherever it takes a name: `2.5.4.35` is `userPassword`. Which numbers are passwords' cannot be
//! listed, since everybody makes schemas of his own, and a server may read `OID.2.5.4.35` or blanks around it as well. So a
//! guest says attributes by their names, which is all a connector needs: what is no name is refused where it is asked, and
//! left out where it is answered. A schema's attribute without a name is lost to connectors; the standard ones all have one.

use crate::model::{Failure, FailureKind};

/// Attributes that hold passwords, keys or their hashes, in lower case.
const PASSWORDS: [&str; 22] = [
    "userpassword",
    "unicodepwd",
    "authpassword",
    "pwdhistory",
    "passwordhistory",
    "dbcspwd",
    "lmpwdhistory",
    "ntpwdhistory",
    "supplementalcredentials",
    "msds-managedpassword",
    "ms-mcs-admpwd",
    "mslaps-password",
    "mslaps-encryptedpassword",
    "mslaps-encryptedpasswordhistory",
    "sambantpassword",
    "sambalmpassword",
    "sambapasswordhistory",
    "krbprincipalkey",
    "ipanthash",
    "nsds5replicacredentials",
    "clearpassword",
    "olcrootpw",
];

/// Does the attribute hold passwords? Options and case make no difference.
pub(super) fn is_password(description: &str) -> bool {
    PASSWORDS.iter().any(|password| base(description).eq_ignore_ascii_case(password))
}

/// Is it Active Directory's, which wants it quoted and in UTF-16?
pub(super) fn is_unicode_password(description: &str) -> bool {
    description.eq_ignore_ascii_case("unicodePwd")
}

/// May its values be handed to a guest? Not those of passwords, nor those of what has no name.
pub(super) fn is_told(description: &str) -> bool {
    is_named(description) && !is_password(description)
}

/// May a guest say it?
///
/// # Errors
/// `credential-denied` for what is no name.
pub(super) fn named(description: &str) -> Result<(), Failure> {
    if is_named(description) {
        return Ok(());
    }
    let why = "an attribute is said by its name: what is none, like a number, might be a password's";
    Err(Failure::new(FailureKind::CredentialDenied, format!("{description:?} is no name of an attribute; {why}")))
}

/// May a guest ask about it?
///
/// # Errors
/// `credential-denied` for a password, and for what is no name.
pub(super) fn asked_about(description: &str) -> Result<(), Failure> {
    named(description)?;
    if !is_password(description) {
        return Ok(());
    }
    let message = format!("{description:?} holds passwords: nothing can be asked about it, only written to it");
    Err(Failure::new(FailureKind::CredentialDenied, message))
}

/// A short name (RFC 4512, 1.4, and the underscores of some servers), perhaps with options.
fn is_named(description: &str) -> bool {
    let base = base(description);
    let begins = base.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    begins && base.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Without its options.
fn base(description: &str) -> &str {
    description.split(';').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_attribute_is_said_by_its_name_and_by_nothing_else() {
        for odd in [
            "2.5.4.35",
            "2.5.4.35;binary",
            "OID.2.5.4.35",
            "oid.2.5.4.35;x",
            "1.2.840.113556.1.4.90",
            " userPassword",
            "userPassword ",
            "userPassword\0",
            "uѕerPassword",
            "35",
            "",
            ";binary",
        ] {
            assert_eq!(named(odd).unwrap_err().kind, FailureKind::CredentialDenied, "{odd:?}");
            assert!(asked_about(odd).is_err() && !is_told(odd), "{odd:?}");
        }
        for name in ["cn", "userPassword", "member;range=0-1499", "cn;lang-de", "msDS-User_x", "x-1"] {
            assert!(named(name).is_ok(), "{name:?}");
        }
        assert!(is_told("pwdChangedTime") && !is_told("PWDHISTORY;x"));
    }

    proptest! {
        #[test]
        fn what_can_be_asked_about_is_no_number_and_no_password_in_any_spelling(
            description in prop_oneof![
                "([oO][iI][dD]\\.)?[0-2](\\.[0-9]{1,4}){1,6}(;[a-z]{1,3})?",
                "[ ]?(userPassword|unicodePwd|dBCSPwd|sambaNTPassword)[ ]?(;[a-z]{0,3})?",
                "\\PC{0,12}",
            ],
            upper in any::<u64>(),
        ) {
            let mixed: String = description.chars().enumerate()
                .map(|(at, c)| if upper >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect();
            if asked_about(&mixed).is_ok() {
                let base = mixed.split(';').next().unwrap();
                prop_assert!(!base.contains('.') && !base.is_empty());
                let plain = base.trim().to_ascii_lowercase();
                prop_assert!(!PASSWORDS.contains(&plain.as_str()), "{mixed}");
                prop_assert_eq!(plain.len(), base.len());
            }
        }
    }
}
