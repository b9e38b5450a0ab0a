//! What a directory's answers mean to this connector: the host has turned them into failures with a code, and here is
//! told apart what only the connector can know (already so, gone, start over).

use hawser_sdk::{Error, FailureKind};

pub(crate) const SIZE_LIMIT_EXCEEDED: u32 = 4;
pub(crate) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(crate) const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
pub(crate) const INVALID_DN_SYNTAX: u32 = 34;
pub(crate) const INSUFFICIENT_ACCESS: u32 = 50;
pub(crate) const UNWILLING_TO_PERFORM: u32 = 53;
pub(crate) const OBJECT_CLASS_VIOLATION: u32 = 65;
pub(crate) const ENTRY_ALREADY_EXISTS: u32 = 68;
pub(crate) const ASSERTION_FAILED: u32 = 122;
pub(crate) const SYNC_REFRESH_REQUIRED: u32 = 4096;
/// Windows' ERROR_MEMBER_NOT_IN_ALIAS and ERROR_MEMBER_NOT_IN_GROUP.
const NOT_A_MEMBER: [u32; 2] = [0x561, 0x529];
/// Windows' ERROR_MEMBER_IN_ALIAS and ERROR_MEMBER_IN_GROUP.
const A_MEMBER: [u32; 2] = [0x562, 0x528];

/// The result code of LDAP behind an error, if there is one.
pub(crate) fn code(error: &Error) -> Option<u32> {
    error.target_code()?.strip_prefix("ldap:")?.split(':').next()?.parse().ok()
}

pub(crate) fn is(error: &Error, wanted: u32) -> bool {
    code(error) == Some(wanted)
}

/// Active Directory's own code, which it writes in hex.
fn windows_code(error: &Error) -> Option<u32> {
    let hex = error.target_code()?.strip_prefix("ldap:")?.split(':').nth(1)?;
    u32::from_str_radix(hex, 16).ok()
}

/// Did the value to be added stand there already?
pub(crate) fn is_there_already(error: &Error) -> bool {
    match code(error) {
        Some(ATTRIBUTE_OR_VALUE_EXISTS | ENTRY_ALREADY_EXISTS) => true,
        _ => windows_code(error).is_some_and(|code| A_MEMBER.contains(&code)),
    }
}

/// Was the value to be removed gone already?
pub(crate) fn is_gone_already(error: &Error) -> bool {
    is(error, NO_SUCH_ATTRIBUTE) || windows_code(error).is_some_and(|code| NOT_A_MEMBER.contains(&code))
}

/// Was the old password wrong? (Windows' ERROR_INVALID_PASSWORD)
pub(crate) fn is_wrong_password(error: &Error) -> bool {
    windows_code(error) == Some(0x56)
}

/// The same failure of another kind and with words of its own.
pub(crate) fn renamed(error: &Error, kind: FailureKind, message: impl Into<String>) -> Error {
    let renamed = Error::new(kind, message).with_effect(error.effect());
    match error.target_code() {
        Some(code) => renamed.code(code),
        None => renamed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str) -> Error {
        Error::conflict("no").code(code)
    }

    #[test]
    fn a_code_of_another_kind_is_none() {
        assert_eq!(code(&failed("http:409")), None);
        assert_eq!(code(&failed("ldap:x")), None);
        assert_eq!(code(&Error::conflict("no")), None);
        assert!(!is_there_already(&failed("ldap:53:00000561")) && !is_gone_already(&failed("ldap:53:00000562")));
    }

    #[test]
    fn already_so_is_told_in_every_dialect() {
        for there in ["ldap:20", "ldap:68", "ldap:68:00000562", "ldap:53:00000562"] {
            assert!(is_there_already(&failed(there)), "{there}");
        }
        for gone in ["ldap:16", "ldap:53:00000561"] {
            assert!(is_gone_already(&failed(gone)), "{gone}");
        }
    }
}
