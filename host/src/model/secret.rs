//! Bytes nobody may see: a type without `Debug`, `Display` or `Serialize`, wiped when dropped.

use zeroize::Zeroizing;

/// The longest secret accepted, in bytes: a private key in PEM fits.
pub const SECRET_BYTES_MAX: usize = 16 * 1024;

/// A password or another secret on its way to where it is needed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over. An empty one is refused: bound with, it would log in anonymously and succeed
    /// (RFC 4513, section 5.1.2).
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        (!bytes.is_empty() && bytes.len() <= SECRET_BYTES_MAX).then_some(Self(bytes))
    }

    /// The bytes, for the place that writes them where they belong.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Secret> for Zeroizing<Vec<u8>> {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}
