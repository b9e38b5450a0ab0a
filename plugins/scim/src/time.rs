//! Moments: microseconds to the texts of SCIM (RFC 3339) and back, and the date of a response.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// The microseconds of a `dateTime` (RFC 7643, 2.3.5); nothing if it is none. One without an offset is taken for UTC.
pub(crate) fn read(text: &str) -> Option<i64> {
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.or_else(|| format!("{text}Z").parse().ok());
    moment.map(Timestamp::as_microsecond)
}

/// Microseconds as a `dateTime`; nothing outside of the years -9999 to 9999.
pub(crate) fn write(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(|moment| moment.to_string())
}

/// The microseconds of a `Date` header (RFC 9110, 5.6.7).
pub(crate) fn read_http(text: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(text).ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "2026-02-30T00:00:00Z", "2026-01-01", "12:00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read_http("yesterday"), None);
        assert_eq!(write(i64::MAX), None);
    }

    #[test]
    fn times_of_real_servers_are_read() {
        for text in ["2026-11-22T13:08:29.285715Z", "2026-11-22T14:08:29.285715+01:00", "2026-11-22T13:08:29.2857150"] {
            assert_eq!(read(text), Some(1_795_352_909_285_715), "{text}");
        }
        assert_eq!(read_http("Sun, 22 Nov 2026 13:08:29 GMT"), Some(1_795_352_909_000_000));
    }

    proptest! {
        #[test]
        fn a_moment_survives_its_text(micros in -62_135_596_800_000_000_i64..253_402_300_799_000_000) {
            prop_assert_eq!(write(micros).as_deref().and_then(read), Some(micros));
        }
    }
}
