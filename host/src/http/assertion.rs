//! A client's proof by its private key (RFC 7523, 2.2 and 3): made for one token endpoint, once, and for a minute.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use super::failure::denied;
use super::limits::ASSERTION_LIFE;
use crate::clock::Clock;
use crate::model::{Failure, Secret};
use crate::signing::{Algorithm, signature};

/// What it is called in a request (RFC 7523, 2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion of a client, for an audience.
///
/// # Errors
/// `credential-denied` where the secret is no private key that signs.
pub(super) async fn assertion(key: Secret, client: &str, audience: &str, clock: &Clock) -> Result<Secret, Failure> {
    let now = clock.now().as_second();
    let claims = json!({
        "iss": client,
        "sub": client,
        "aud": audience,
        "jti": Uuid::new_v4().to_string(),
        "iat": now,
        "exp": now + i64::try_from(ASSERTION_LIFE.as_secs()).unwrap_or_default(),
    });
    // A signature by RSA takes a millisecond, which is not to be taken from everybody else.
    let signed = tokio::task::spawn_blocking(move || signed(key.expose(), &claims)).await;
    signed.ok().flatten().ok_or_else(unfit)
}

fn signed(key: &[u8], claims: &serde_json::Value) -> Option<Secret> {
    let algorithm = Algorithm::of(key)?;
    let header = json!({ "alg": name(algorithm), "typ": "JWT" });
    let part = |value: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(value);
    let message = format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
    let signature = signature(key, algorithm, message.as_bytes())?;
    Secret::new(format!("{message}.{}", part(&signature)).into_bytes())
}

/// As JWTs call it (RFC 7518, 3.1; RFC 8037, 3.1).
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HmacSha256 => "HS256",
        Algorithm::HmacSha512 => "HS512",
        Algorithm::Rs256 => "RS256",
        Algorithm::Es256 => "ES256",
        Algorithm::Ed25519 => "EdDSA",
    }
}

fn unfit() -> Failure {
    denied("the client's secret is no unencrypted private key in PKCS#8 (RSA, P-256 or Ed25519), as PEM or DER")
}
