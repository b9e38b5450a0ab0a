//! Binary identifiers of Microsoft's directories as the texts people know.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::datum::Reason;
use crate::model::expression::GuidForm;

/// The most sub-authorities of a security identifier (MS-DTYP, 2.4.2).
const SUB_AUTHORITIES_MAX: u8 = 15;

/// The text of a security identifier (MS-DTYP, 2.4.2.1): revision 1, a count, the authority in six bytes, big-endian, then
/// as many little-endian numbers of four bytes. An authority of 2^32 and more is written in hexadecimal digits.
pub(super) fn sid(bytes: &[u8]) -> Result<String, Reason> {
    let wrong = || Cow::Borrowed("the bytes are no security identifier");
    let ([1, count, a, b, c, d, e, f], rest) = bytes.split_first_chunk::<8>().ok_or_else(wrong)? else {
        return Err(wrong());
    };
    if *count > SUB_AUTHORITIES_MAX || rest.len() != usize::from(*count) * 4 {
        return Err(wrong());
    }
    let authority = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
    let mut text = match u32::try_from(authority) {
        Ok(authority) => format!("S-1-{authority}"),
        Err(_) => format!("S-1-0x{authority:012X}"),
    };
    for part in rest.as_chunks::<4>().0 {
        write!(text, "-{}", u32::from_le_bytes(*part)).map_err(|_| wrong())?;
    }
    Ok(text)
}

/// The text of a GUID, in lower case.
pub(super) fn guid(form: GuidForm, bytes: &[u8]) -> Result<String, Reason> {
    let bytes = bytes.try_into().map_err(|_| Cow::Borrowed("a GUID has 16 bytes"))?;
    let guid = match form {
        GuidForm::Microsoft => uuid::Uuid::from_bytes_le(bytes),
        GuidForm::Rfc4122 => uuid::Uuid::from_bytes(bytes),
    };
    Ok(guid.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sid_that_is_cut_long_or_of_another_revision_is_refused() {
        let administrators = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0];
        assert_eq!(sid(&administrators).unwrap(), "S-1-5-32-544");
        assert!(sid(&administrators[..15]).is_err());
        assert!(sid(&[&administrators[..], &[0]].concat()).is_err());
        assert!(sid(&[2, 0, 0, 0, 0, 0, 0, 5]).is_err());
        assert!(sid(&[1, 16, 0, 0, 0, 0, 0, 5]).is_err());
        assert!(sid(&[]).is_err());
    }

    #[test]
    fn a_sid_is_written_as_windows_writes_it() {
        assert_eq!(sid(&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).unwrap(), "S-1-1-0");
        let mut domain = vec![1, 5, 0, 0, 0, 0, 0, 5];
        for part in [21_u32, 3_623_811_015, 3_361_044_348, 30_300_820, 1013] {
            domain.extend(part.to_le_bytes());
        }
        assert_eq!(sid(&domain).unwrap(), "S-1-5-21-3623811015-3361044348-30300820-1013");
        assert_eq!(sid(&[1, 0, 0, 1, 0, 0, 0, 0]).unwrap(), "S-1-0x000100000000");
    }

    #[test]
    fn a_guid_has_16_bytes_in_one_of_two_orders() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(guid(GuidForm::Microsoft, &bytes).unwrap(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(guid(GuidForm::Rfc4122, &bytes).unwrap(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert!(guid(GuidForm::Microsoft, &bytes[..15]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let _texts = (sid(&bytes), guid(GuidForm::Rfc4122, &bytes));
        }
    }
}
