//! BER as LDAP has it (RFC 4511, 5.1): definite lengths, tags of one byte.
//!
//! Reading never recurs: every function here looks at one level and hands out the bytes of the next, so that nesting costs
//! a hostile server as many bytes as it costs anybody, and no stack. Writing wipes what it leaves behind, because
//! passwords pass through here.

use zeroize::Zeroizing;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A tag of more than one byte; LDAP has none.
const LONG_TAG: u8 = 0x1f;
/// Bytes of a length, beyond which nothing fits into memory anyway.
const LENGTH_BYTES_MAX: usize = 8;

/// Bytes that are no BER, or not the BER that stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Where the first element of some bytes ends: the length of its header and of its content, or nothing while the header
/// is not complete.
pub(super) fn measure(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let [tag, first, rest @ ..] = bytes else { return Ok(None) };
    if tag & LONG_TAG == LONG_TAG {
        return Err(Malformed);
    }
    if *first < 0x80 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > LENGTH_BYTES_MAX {
        return Err(Malformed);
    }
    let Some(digits) = rest.get(..count) else { return Ok(None) };
    let length = digits.iter().fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
    Ok(Some((2 + count, usize::try_from(length).map_err(|_| Malformed)?)))
}

/// The elements of one level, from the first to the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and its content.
    pub(super) fn element(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (header, content) = measure(self.0)?.ok_or(Malformed)?;
        let tag = *self.0.first().ok_or(Malformed)?;
        let end = header.checked_add(content).ok_or(Malformed)?;
        let element = self.0.get(header..end).ok_or(Malformed)?;
        self.0 = self.0.get(end..).ok_or(Malformed)?;
        Ok((tag, element))
    }

    /// The content of the next element, which has to have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        self.optional(tag)?.ok_or(Malformed)
    }

    /// The content of the next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() != Some(&tag) {
            return Ok(None);
        }
        self.element().map(|(_, content)| Some(content))
    }

    /// The elements of the next element, which has to have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.expect(tag).map(Reader::new)
    }

    pub(super) fn text(&mut self, tag: u8) -> Result<String, Malformed> {
        self.expect(tag).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self, tag: u8) -> Result<u32, Malformed> {
        number(self.expect(tag)?)
    }
}

/// The value of an INTEGER or an ENUMERATED that is not negative.
pub(super) fn number(content: &[u8]) -> Result<u32, Malformed> {
    match content {
        [] => Err(Malformed),
        [first, ..] if first & 0x80 != 0 => Err(Malformed),
        digits => digits.iter().try_fold(0_u32, |number, digit| {
            number.checked_mul(256).map(|number| number | u32::from(*digit)).ok_or(Malformed)
        }),
    }
}

/// Elements being written.
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    /// Room for the bytes to come, which spares copies.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// An element of elements.
    pub(super) fn nested(&mut self, tag: u8, write: impl FnOnce(&mut Self)) {
        // The length is not known yet, and takes as many bytes as any may take.
        self.push(&[tag, 0x84, 0, 0, 0, 0]);
        let begin = self.0.len();
        write(self);
        let length = u32::try_from(self.0.len() - begin).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(place) = self.0.get_mut(begin - length.len()..begin) {
            place.copy_from_slice(&length);
        }
    }

    pub(super) fn octets(&mut self, tag: u8, content: &[u8]) {
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => self.push(&[tag, short]),
            _ => {
                let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
                self.push(&[tag, 0x84]);
                self.push(&length);
            }
        }
        self.push(content);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.octets(OCTETS, text.as_bytes());
    }

    pub(super) fn boolean(&mut self, tag: u8, value: bool) {
        self.push(&[tag, 1, if value { 0xff } else { 0 }]);
    }

    /// A number, in as few bytes as it needs.
    pub(super) fn number(&mut self, tag: u8, value: u32) {
        let digits = u64::from(value).to_be_bytes();
        let needed = (value.max(1).ilog2() / 8 + 1) as usize;
        // One more where the first bit would say that it is negative.
        let count = needed + usize::from(value >> (needed * 8 - 1) & 1 == 1);
        self.octets(tag, digits.get(digits.len() - count..).unwrap_or_default());
    }

    /// What was written as BER already.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }

    /// Vec's own growth would leave the old bytes behind as they are.
    fn push(&mut self, bytes: &[u8]) {
        let wanted = self.0.len() + bytes.len();
        if wanted > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(wanted.max(self.0.capacity() * 2)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_cut_off_or_of_another_kind_is_malformed_and_never_read_in_part() {
        assert_eq!(measure(&[]), Ok(None));
        assert_eq!(measure(&[0x30]), Ok(None));
        assert_eq!(measure(&[0x30, 0x82, 1]), Ok(None));
        assert_eq!(measure(&[0x30, 0x82, 1, 0]), Ok(Some((4, 256))));
        assert_eq!(measure(&[0x30, 0x84, 0, 0, 0, 5]), Ok(Some((6, 5))));
        // Indefinite lengths, long tags, lengths of nine bytes.
        for bytes in [&[0x30, 0x80][..], &[0x1f, 0x81, 1, 0], &[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(measure(bytes), Err(Malformed), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[0x04, 3, 1, 2]).element(), Err(Malformed));
        assert_eq!(Reader::new(&[0x04, 1, 1]).expect(BOOLEAN), Err(Malformed));
        assert_eq!(
            Reader::new(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).element(),
            Err(Malformed)
        );
        assert_eq!(
            (number(&[]), number(&[0x80]), number(&[1, 0, 0, 0, 0])),
            (Err(Malformed), Err(Malformed), Err(Malformed))
        );
    }

    #[test]
    fn numbers_take_as_few_bytes_as_they_need_and_stay_positive() {
        for (value, bytes) in
            [(0, &[2, 1, 0][..]), (127, &[2, 1, 127]), (128, &[2, 2, 0, 128]), (65_535, &[2, 3, 0, 255, 255])]
        {
            let mut writer = Writer::with_capacity(0);
            writer.number(INTEGER, value);
            assert_eq!(writer.finish().as_slice(), bytes);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number in any::<u32>(), octets in prop::collection::vec(any::<u8>(), 0..400), yes: bool) {
            let mut writer = Writer::with_capacity(0);
            writer.nested(SEQUENCE, |writer| {
                writer.number(INTEGER, number);
                writer.nested(SET, |writer| writer.octets(OCTETS, &octets));
                writer.boolean(BOOLEAN, yes);
            });
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes).enter(SEQUENCE).unwrap();
            prop_assert_eq!(reader.number(INTEGER), Ok(number));
            prop_assert_eq!(reader.enter(SET).unwrap().expect(OCTETS), Ok(octets.as_slice()));
            prop_assert_eq!(reader.expect(BOOLEAN), Ok(&[if yes { 0xff } else { 0 }][..]));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while reader.element().is_ok() {}
        }
    }
}
