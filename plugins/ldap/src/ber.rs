//! As much of BER (X.690) as the values of controls need: definite lengths, small numbers, no recursion.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Reads one element after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, if it has this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (len.iter().try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len).filter(|_| *found == tag)?;
        self.0 = rest;
        Some(content)
    }

    pub(crate) fn open(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }

    pub(crate) fn number(&mut self, tag: u8) -> Option<i64> {
        let content = self.take(tag).filter(|content| (1..=8).contains(&content.len()))?;
        let negative = content.first().is_some_and(|byte| byte & 0x80 != 0);
        Some(content.iter().fold(if negative { -1 } else { 0 }, |sum, byte| sum << 8 | i64::from(*byte)))
    }

    pub(crate) fn boolean(&mut self) -> Option<bool> {
        self.take(BOOLEAN).and_then(|content| content.first()).map(|byte| *byte != 0)
    }
}

/// An element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let len = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    match content.len() {
        0..=0x7f => bytes.extend(len.last()),
        _ => {
            bytes.push(0x84);
            bytes.extend(len);
        }
    }
    bytes.extend(content);
    bytes
}

/// A whole number in as few bytes as it takes.
pub(crate) fn number(tag: u8, number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let spare =
        |pair: &[u8]| matches!(pair, [0, next] if next & 0x80 == 0) || matches!(pair, [0xff, next] if next & 0x80 != 0);
    let skip = bytes.windows(2).take_while(|pair| spare(pair)).count();
    element(tag, bytes.get(skip..).unwrap_or(&bytes))
}

/// A sequence of elements.
pub(crate) fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_promises_more_than_it_has_is_nothing() {
        for bytes in
            [&[][..], &[4], &[4, 2, 0], &[4, 0x80], &[4, 0x85, 0, 0, 0, 0, 1], &[4, 0x84, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(Reader::new(bytes).take(OCTETS), None, "{bytes:?}");
        }
        assert_eq!(Reader::new(&[4, 1, 7]).take(SET), None);
        assert_eq!(Reader::new(&[2, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]).number(INTEGER), None);
    }

    #[test]
    fn numbers_are_as_short_as_the_standard_wants_them() {
        assert_eq!(number(INTEGER, 0), [2, 1, 0]);
        assert_eq!(number(INTEGER, 128), [2, 2, 0, 128]);
        assert_eq!(number(INTEGER, i64::from(i32::MIN)), [2, 4, 0x80, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn elements_survive(value in any::<i64>(), octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let bytes = sequence(&[number(INTEGER, value), element(OCTETS, &octets)]);
            let mut inner = Reader::new(&bytes).open(SEQUENCE).unwrap();
            prop_assert_eq!(inner.number(INTEGER), Some(value));
            prop_assert_eq!(inner.take(OCTETS), Some(&*octets));
            prop_assert_eq!(inner.peek(), None);
        }

        #[test]
        fn no_bytes_are_more_than_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader::new(&bytes);
            while let Some(tag) = reader.peek() {
                if reader.take(tag).is_none() {
                    break;
                }
            }
        }
    }
}
