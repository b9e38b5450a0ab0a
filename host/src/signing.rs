//! Signatures with keys that are secrets: what a guest asks for by a handle, and what the host signs itself.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

/// How a key in PEM begins (RFC 7468).
const PEM_BEGIN: &[u8] = b"-----BEGIN";
/// The label of an unencrypted PKCS#8 key (RFC 7468, 10).
const PEM_LABEL: &str = "PRIVATE KEY";

/// How a message is signed (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    HmacSha256,
    HmacSha512,
    Rs256,
    Es256,
    Ed25519,
}

impl Algorithm {
    /// What a private key signs with; none if it is none in PKCS#8, as PEM or DER.
    pub fn of(key: &[u8]) -> Option<Self> {
        let key = pkcs8(key)?;
        if RsaKeyPair::from_pkcs8(&key).is_ok() {
            Some(Self::Rs256)
        } else if EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key).is_ok() {
            Some(Self::Es256)
        } else {
            Ed25519KeyPair::from_pkcs8(&key).is_ok().then_some(Self::Ed25519)
        }
    }
}

/// The signature of a message; none if the key is none for that algorithm.
pub fn signature(key: &[u8], algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        Algorithm::HmacSha256 => Some(hmac::sign(&hmac::Key::new(HMAC_SHA256, key), message).as_ref().to_vec()),
        Algorithm::HmacSha512 => Some(hmac::sign(&hmac::Key::new(HMAC_SHA512, key), message).as_ref().to_vec()),
        Algorithm::Rs256 => rs256(&pkcs8(key)?, message),
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8(key)?).ok()?;
            Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec())
        }
        Algorithm::Ed25519 => Some(Ed25519KeyPair::from_pkcs8(&pkcs8(key)?).ok()?.sign(message).as_ref().to_vec()),
    }
}

fn rs256(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(key).ok()?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}

/// The DER of a key in either form.
fn pkcs8(key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !key.trim_ascii_start().starts_with(PEM_BEGIN) {
        return Some(Zeroizing::new(key.to_vec()));
    }
    let pem = pem::parse(key).ok().filter(|pem| pem.tag() == PEM_LABEL)?;
    Some(Zeroizing::new(pem.into_contents()))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    };

    use super::*;

    const MESSAGE: &[u8] = b"header.payload";

    /// What a key is for, the key as PKCS#8, its public half, and what verifies with it.
    type Pair = (Algorithm, Vec<u8>, Vec<u8>, &'static dyn VerificationAlgorithm);

    fn pairs() -> [Pair; 3] {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec();
        let ec_public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec).unwrap();
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec();
        let ed_public = Ed25519KeyPair::from_pkcs8(&ed).unwrap();
        let rsa_private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        [
            (
                Algorithm::Rs256,
                rsa_private.as_ref().to_vec(),
                rsa.public_key().as_ref().to_vec(),
                &RSA_PKCS1_2048_8192_SHA256,
            ),
            (Algorithm::Es256, ec, ec_public.public_key().as_ref().to_vec(), &ECDSA_P256_SHA256_FIXED),
            (Algorithm::Ed25519, ed, ed_public.public_key().as_ref().to_vec(), &ED25519),
        ]
    }

    #[test]
    fn a_signature_verifies_with_the_public_key_whether_the_private_one_is_pem_or_der() {
        for (algorithm, der, public, verifier) in pairs() {
            let pem = pem::encode(&pem::Pem::new(PEM_LABEL, der.clone()));
            for key in [der, pem.into_bytes()] {
                let signature = signature(&key, algorithm, MESSAGE).unwrap();
                UnparsedPublicKey::new(verifier, &public).verify(MESSAGE, &signature).unwrap();
            }
        }
    }

    #[test]
    fn a_private_key_says_what_it_signs_with() {
        for (algorithm, der, ..) in pairs() {
            assert_eq!(Algorithm::of(&der), Some(algorithm));
            assert_eq!(Algorithm::of(pem::encode(&pem::Pem::new(PEM_LABEL, der)).as_bytes()), Some(algorithm));
        }
        assert_eq!(Algorithm::of(b"password"), None);
    }

    #[test]
    fn a_key_of_another_kind_signs_nothing() {
        let pairs = pairs();
        for (of, key, ..) in &pairs {
            for (algorithm, ..) in pairs.iter().filter(|(algorithm, ..)| algorithm != of) {
                assert_eq!(signature(key, *algorithm, MESSAGE), None, "{of:?} key, {algorithm:?}");
            }
        }
        let [(_, rsa, ..), ..] = &pairs;
        let mislabelled = pem::encode(&pem::Pem::new("RSA PRIVATE KEY", rsa.clone()));
        for key in [mislabelled.as_bytes(), b"-----BEGIN PRIVATE KEY-----", b"password"] {
            assert_eq!(signature(key, Algorithm::Rs256, MESSAGE), None);
        }
    }

    #[test]
    fn hmac_is_that_of_the_standard() {
        // RFC 4231, 4.3.
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let message = b"what do ya want for nothing?";
        let short = hex(signature(b"Jefe", Algorithm::HmacSha256, message).unwrap());
        assert_eq!(short, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = hex(signature(b"Jefe", Algorithm::HmacSha512, message).unwrap());
        assert!(long.starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"), "{long}");
    }
}
