//! The forms in which secrets usually leak, in the middle of other words.

/// How a secret is written.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    Plain,
    Base64,
    Url,
    Json,
    #[serde(rename = "utf-16")]
    Utf16,
}

impl Form {
    pub(crate) fn write(self, secret: &[u8]) -> Vec<u8> {
        let text = || String::from_utf8_lossy(secret).into_owned();
        match self {
            Self::Plain => [b"it is ", secret, b" indeed"].concat(),
            Self::Base64 => base64(&[b"user:", secret, b"\n"].concat()).into_bytes(),
            Self::Url => secret.iter().map(|byte| format!("%{byte:02X}")).collect::<String>().into_bytes(),
            Self::Json => text().encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes(),
            Self::Utf16 => text().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }
}

/// RFC 4648, 4; without padding. Written here because a guest of the tests needs nothing else of a crate for it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let word = (0..3).fold(0_usize, |word, at| word << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        (0..=chunk.len()).map(move |digit| word >> (18 - 6 * digit) & 63)
    });
    digits.filter_map(|digit| ALPHABET.get(digit)).map(|letter| char::from(*letter)).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, 10.
        for (plain, written) in [("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            assert_eq!(super::base64(plain.as_bytes()), written);
        }
    }
}
