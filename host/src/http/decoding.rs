//! Bodies that come compressed: decompressed piece by piece, never more at once than is asked for.

use bytes::{Buf as _, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};

/// The window of gzip, as a power of two.
const WINDOW_BITS: u8 = 15;

/// How a body is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    /// With the frame of zlib (RFC 9110, 8.4.1.2).
    Deflate,
}

/// A body on its way to what it was before.
pub(super) struct Decoder {
    coding: Coding,
    inflate: Decompress,
    /// Nothing came yet.
    untouched: bool,
    /// What came is whole.
    ended: bool,
    /// There was no room for more than was given out.
    full: bool,
}

/// It is not what its head says.
pub(super) struct Garbled;

impl Decoder {
    /// What the head says that it takes; the headers that are not true afterwards go. None: the body is plain.
    ///
    /// # Errors
    /// What nobody asked for, one coding on top of another among it.
    pub(super) fn of(headers: &mut HeaderMap) -> Result<Option<Self>, Garbled> {
        let mut codings = headers.get_all(CONTENT_ENCODING).into_iter();
        let (first, more) = (codings.next(), codings.next().is_some());
        let coding = match first.map(|coding| coding.as_bytes().trim_ascii().to_ascii_lowercase()) {
            None => return Ok(None),
            Some(_) if more => return Err(Garbled),
            Some(coding) => match coding.as_slice() {
                b"" | b"identity" => return Ok(None),
                b"gzip" | b"x-gzip" => Coding::Gzip,
                b"deflate" => Coding::Deflate,
                _ => return Err(Garbled),
            },
        };
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        Ok(Some(Self { coding, inflate: coding.begin(), untouched: true, ended: false, full: false }))
    }

    /// At most `max` bytes of what came; none where more has to come first.
    ///
    /// # Errors
    /// It cannot be decompressed.
    pub(super) fn decode(&mut self, came: &mut Bytes, max: usize) -> Result<Bytes, Garbled> {
        while !came.is_empty() || self.full {
            if self.ended {
                self.next_member()?;
            }
            let mut piece = Vec::with_capacity(max);
            let before = self.inflate.total_in();
            let status = self.inflate.decompress_vec(came, &mut piece, FlushDecompress::None).map_err(|_| Garbled)?;
            let used = usize::try_from(self.inflate.total_in() - before).map_err(|_| Garbled)?;
            came.advance(used.min(came.len()));
            self.untouched = false;
            self.ended = status == Status::StreamEnd;
            self.full = !self.ended && piece.len() == max;
            if !piece.is_empty() {
                return Ok(piece.into());
            }
            if used == 0 && !self.ended && !came.is_empty() {
                return Err(Garbled);
            }
        }
        Ok(Bytes::new())
    }

    /// Is what came whole? An answer to `HEAD` is, without anything.
    pub(super) fn is_whole(&self) -> bool {
        self.untouched || self.ended
    }

    /// Gzip may come in several members (RFC 1952, 2.2).
    fn next_member(&mut self) -> Result<(), Garbled> {
        if self.coding != Coding::Gzip {
            return Err(Garbled);
        }
        (self.inflate, self.ended) = (self.coding.begin(), false);
        Ok(())
    }
}

impl Coding {
    fn begin(self) -> Decompress {
        match self {
            Self::Gzip => Decompress::new_gzip(WINDOW_BITS),
            Self::Deflate => Decompress::new(true),
        }
    }
}
