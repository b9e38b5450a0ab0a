//! Where a secret may be written, and how it stands there.

use zeroize::Zeroizing;

use super::attribute::{is_password, is_unicode_password};
use crate::model::{Failure, FailureKind, Secret};

/// A secret as the value of an attribute: Active Directory's `unicodePwd` takes it quoted and in UTF-16 (MS-ADTS
/// 3.1.1.3.1.5), every other password attribute as it is.
///
/// # Errors
/// `credential-denied` where it could be read; `invalid-attribute-value` for bytes that `unicodePwd` cannot hold.
pub fn placed(attribute: &str, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !is_password(attribute) {
        let message =
            format!("{attribute:?} is no password attribute; a secret is written to those only, e.g. userPassword");
        return Err(Failure::new(FailureKind::CredentialDenied, message));
    }
    if !is_unicode_password(attribute) {
        return Ok(Zeroizing::new(secret.expose().to_vec()));
    }
    let text = std::str::from_utf8(secret.expose()).map_err(|_| {
        let message = "a password of this directory is text, and this one is no UTF-8";
        Failure { attributes: vec!["password".to_owned()], ..Failure::new(FailureKind::InvalidAttributeValue, message) }
    })?;
    // Room for all of it at once: what a vector leaves behind when it grows is not wiped.
    let mut value = Zeroizing::new(Vec::with_capacity(text.len() * 2 + 4));
    for unit in "\"".encode_utf16().chain(text.encode_utf16()).chain("\"".encode_utf16()) {
        value.extend_from_slice(&unit.to_le_bytes());
    }
    Ok(value)
}

/// May bytes of the guest's be used like that? A password attribute can be written with them (a hash, for a server that
/// takes one), and cleared; to delete one value of it, or to add one, is to ask whether it is there.
///
/// # Errors
/// `credential-denied`.
pub fn guesses(operation: super::Operation, attribute: &str) -> Result<(), Failure> {
    if operation == super::Operation::Replace || !is_password(attribute) {
        return Ok(());
    }
    let message = format!(
        "to delete or to add one value of {attribute:?} is to guess at it; replace them, or hand over the secret that arrived"
    );
    Err(Failure::new(FailureKind::CredentialDenied, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldap::Operation;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_secret_goes_to_a_password_attribute_or_nowhere() {
        for attribute in ["description", "userPasswordHint", "", "x;userPassword", "2.5.4.13", "2.5.4.35"] {
            assert_eq!(placed(attribute, &secret("s")).unwrap_err().kind, FailureKind::CredentialDenied, "{attribute}");
        }
        assert_eq!(placed("userPassword", &secret("pä")).unwrap().as_slice(), "pä".as_bytes());
    }

    #[test]
    fn active_directory_has_it_quoted_and_in_utf_16() {
        assert_eq!(
            placed("unicodePwd", &secret("aé\u{1f600}")).unwrap().as_slice(),
            b"\"\0a\0\xe9\0\x3d\xd8\x00\xde\"\0"
        );
        let binary = Secret::new(vec![0xff]).unwrap();
        assert_eq!(placed("UNICODEPWD", &binary).unwrap_err().attributes, ["password"]);
    }

    #[test]
    fn one_value_of_a_password_is_not_deleted_nor_added_to_see_whether_it_was_there() {
        for operation in [Operation::Delete, Operation::Add] {
            assert_eq!(guesses(operation, "userPassword").unwrap_err().kind, FailureKind::CredentialDenied);
            assert!(guesses(operation, "member").is_ok());
        }
        assert!(guesses(Operation::Replace, "userPassword").is_ok());
    }
}
