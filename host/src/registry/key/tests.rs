//! Key files: what is refused, and what other tools make of ours.

use super::*;

/// The example of RFC 8410 (sections 10.1 and 10.3), as openssl writes it too.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
/// Made with `openssl genpkey -algorithm x25519`: as long, and no key to sign with.
const X25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAM8NfYp3tqDqDlJZtmhAwVyhIpCGJsa7v00AIOewqRHs=\n-----END PUBLIC KEY-----\n";

fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
    use std::os::unix::fs::PermissionsExt as _;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    file
}

#[track_caller]
fn unreadable(text: &str, mode: u32, reason: &str) {
    let error = SigningKey::read(file(text, mode).path()).err().unwrap();
    assert!(error.message.contains(reason), "{error}");
}

#[test]
fn a_private_key_that_others_can_read_is_refused_with_the_remedy() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        unreadable(PRIVATE, mode, "chmod 600");
    }
    for mode in [0o600, 0o400] {
        SigningKey::read(file(PRIVATE, mode).path()).unwrap();
    }
}

#[test]
fn what_is_no_private_key_is_refused() {
    unreadable("", 0o600, "no PEM block");
    unreadable(PUBLIC, 0o600, "\"PRIVATE KEY\" is wanted");
    unreadable(&format!("{PRIVATE}{PRIVATE}"), 0o600, "more than one");
    unreadable(&PRIVATE.replace("MC4C", "MC4D"), 0o600, "no Ed25519 key");
    unreadable(&PRIVATE.repeat(100), 0o600, "at most 4096 bytes");
}

#[test]
fn what_is_no_public_key_is_refused() {
    let refused = |text: &str, reason: &str| {
        let error = PublicKey::from_pem(text).unwrap_err();
        assert!(error.message.contains(reason), "{error}");
    };
    refused("MCowBQYDK2VwAyEA", "no PEM block");
    refused(PRIVATE, "\"PUBLIC KEY\" is wanted");
    refused(X25519_PUBLIC, "no Ed25519 key");
    refused(&format!("{PUBLIC}{X25519_PUBLIC}"), "more than one");
}

#[test]
fn a_private_key_is_written_for_its_owner_alone_and_never_over_another() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("publisher.key");
    let key = SigningKey::generate().unwrap();
    key.write(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(SigningKey::generate().unwrap().write(&path).is_err());
    assert_eq!(SigningKey::read(&path).unwrap().public().unwrap(), key.public().unwrap());
}

#[test]
fn the_key_of_the_standard_is_read_and_has_the_id_that_openssl_gives_it() {
    let private = SigningKey::read(file(PRIVATE, 0o600).path()).unwrap();
    let public = PublicKey::from_pem(PUBLIC).unwrap();
    assert_eq!(private.public().unwrap(), public);
    assert_eq!(public.to_pem(), PUBLIC);
    // `openssl pkey -pubin -outform DER | sha256sum`
    assert_eq!(public.id().to_string(), "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
}

#[test]
fn only_the_keys_own_signature_over_these_bytes_verifies() {
    let key = SigningKey::generate().unwrap();
    let public = key.public().unwrap();
    let signature = key.sign(b"message").unwrap();
    assert!(public.verifies(b"message", &signature));
    assert!(!public.verifies(b"messagE", &signature));
    assert!(!SigningKey::generate().unwrap().public().unwrap().verifies(b"message", &signature));
    assert!(!public.verifies(b"message", &second_form(&signature)));
}

/// The other number that satisfies the equation: S plus the order of the group (RFC 8032, section 5.1.7, forbids it).
fn second_form(signature: &[u8]) -> Vec<u8> {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    let sum = signature[32..].iter().zip(order).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(b) + carry;
        carry = sum >> 8;
        u8::try_from(sum & 0xff).unwrap()
    });
    signature[..32].iter().copied().chain(sum.collect::<Vec<_>>()).collect()
}
