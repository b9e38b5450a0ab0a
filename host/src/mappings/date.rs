//! Points in time and dates as targets write them: as numbers since an epoch, as LDAP's GeneralizedTime, as ISO texts, by
//! a pattern. What has no offset is UTC; what has no time of day is a date.

use std::borrow::Cow;

use jiff::civil;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

use super::datum::{DAY, Datum, Reason, integer};
use crate::model::DateFormat;

/// From 1601-01-01 to 1970-01-01, in microseconds.
const FILETIME_EPOCH: i64 = 11_644_473_600_000_000;
/// The two file times that mean never.
const NEVER: [i64; 2] = [0, i64::MAX];
/// What jiff and RFC 3339 can say, in microseconds: the years 0 to 9999.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_207_200_000_000;

/// Reads a time or a date as `format` says.
pub(super) fn read<'a>(format: &DateFormat, value: &Datum<'a>) -> Result<Datum<'a>, Reason> {
    match format {
        DateFormat::AdFiletime => filetime(number(value)?),
        DateFormat::Unix => micros(number(value)?.checked_mul(1_000_000)),
        DateFormat::UnixMs => micros(number(value)?.checked_mul(1_000)),
        DateFormat::GeneralizedTime => generalized(written(value)?),
        DateFormat::Iso => iso(written(value)?),
        DateFormat::Pattern(pattern) => by_pattern(pattern, written(value)?),
    }
}

/// An ISO 8601 text: an instant with an offset, a date and time in UTC, or a date.
pub(super) fn iso<'a>(text: &str) -> Result<Datum<'a>, Reason> {
    // A name of a zone is no ISO 8601 (RFC 9557 has it), and passing it over would tell another time.
    let pieces = Some(text.trim()).filter(|text| !text.contains('[')).and_then(|text| Pieces::parse(text).ok());
    let pieces = pieces.ok_or_else(|| refused("ISO 8601"))?;
    // A date alone is a date, not its midnight.
    let Some(time) = pieces.time() else { return date(pieces.date()) };
    let offset = pieces.to_numeric_offset().map_or(0, |offset| i64::from(offset.seconds()) * 1_000_000);
    micros(utc_micros(pieces.date(), time).and_then(|at| at.checked_sub(offset)))
}

fn filetime<'a>(ticks: i64) -> Result<Datum<'a>, Reason> {
    if NEVER.contains(&ticks) {
        return Ok(Datum::Null);
    }
    micros((ticks / 10).checked_sub(FILETIME_EPOCH))
}

/// RFC 4517, 3.3.13: `YYYYMMDDHH[MM[SS]][(.|,)fraction](Z|(+|-)HH[MM])`; the fraction is one of the last unit given.
fn generalized<'a>(text: &str) -> Result<Datum<'a>, Reason> {
    let text = text.trim();
    micros(Some(parts(text).ok_or_else(|| refused("a GeneralizedTime"))?))
}

/// The microseconds a GeneralizedTime says.
fn parts(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (moment, rest) = text.split_at_checked(digits)?;
    let unit: i64 = match digits {
        10 => 3_600_000_000,
        12 => 60_000_000,
        14 => 1_000_000,
        _ => return None,
    };
    let field = |from: usize, to: usize| moment.get(from..to).map_or(Some(0), |digits| digits.parse::<i8>().ok());
    let day = civil::Date::new(moment.get(0..4)?.parse().ok()?, field(4, 6)?, field(6, 8)?).ok()?;
    // A leap second is the last one of its minute here, as everywhere in jiff.
    let second = field(12, 14).filter(|second| *second <= 60)?.min(59);
    let time = civil::Time::new(field(8, 10)?, field(10, 12)?, second, 0).ok()?;
    let (fraction, zone) = fraction(rest, unit)?;
    utc_micros(day, time)?.checked_add(fraction)?.checked_sub(offset(zone)?)
}

/// A fraction of a unit of so many microseconds, and what follows it.
fn fraction(rest: &str, unit: i64) -> Option<(i64, &str)> {
    let Some(digits) = rest.strip_prefix(['.', ',']) else { return Some((0, rest)) };
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = digits.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let mut at = unit;
    let mut micros = 0;
    for digit in digits.bytes() {
        at /= 10;
        micros += at * i64::from(digit - b'0');
    }
    Some((micros, rest))
}

/// The offset of a zone, in microseconds.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(0..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Some(0), |digits| digits.parse().ok())?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

fn by_pattern<'a>(pattern: &str, text: &str) -> Result<Datum<'a>, Reason> {
    let refused = || refused("what its pattern says");
    let broken = BrokenDownTime::parse(pattern, text.trim()).map_err(|_| refused())?;
    if let Ok(instant) = broken.to_timestamp() {
        return micros(Some(instant.as_microsecond()));
    }
    if broken.hour().is_some() {
        return utc(broken.to_datetime().map_err(|_| refused())?);
    }
    date(broken.to_date().map_err(|_| refused())?)
}

/// Can this pattern be one at all? `strftime`'s words are known only where they are used.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let sample = civil::date(2021, 12, 31).at(13, 59, 58, 0).to_zoned(TimeZone::UTC);
    let sample = sample.map_err(|why| why.to_string())?;
    let text = jiff::fmt::strtime::format(pattern, &sample);
    let text = text.map_err(|why| format!("the pattern {pattern:?} is none of strftime: {why}"))?;
    match by_pattern(pattern, &text) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("the pattern {pattern:?} does not say a whole date: it needs a year, a month and a day")),
    }
}

fn utc<'a>(moment: civil::DateTime) -> Result<Datum<'a>, Reason> {
    micros(utc_micros(moment.date(), moment.time()))
}

/// Also beyond what is an instant, so that such a time is told from what is none.
fn utc_micros(date: civil::Date, time: civil::Time) -> Option<i64> {
    let midnight = i64::from(days(date)?).checked_mul(DAY)?;
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    midnight.checked_add(seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1_000)
}

fn days(date: civil::Date) -> Option<i32> {
    civil::date(1970, 1, 1).until(date).ok().map(|days| days.get_days())
}

fn date<'a>(date: civil::Date) -> Result<Datum<'a>, Reason> {
    days(date).map(Datum::Date).ok_or_else(out_of_range)
}

/// An instant within its range.
pub(super) fn micros<'a>(micros: Option<i64>) -> Result<Datum<'a>, Reason> {
    micros.filter(|micros| INSTANTS.contains(micros)).map(Datum::Instant).ok_or_else(out_of_range)
}

/// A number, or a text that says one: files have no numbers.
fn number(value: &Datum<'_>) -> Result<i64, Reason> {
    match value {
        Datum::Integer(number) => Ok(*number),
        Datum::Text(text) => integer(text),
        other => Err(Cow::Owned(format!("{} is no number of a date", other.noun()))),
    }
}

fn written<'d>(value: &'d Datum<'_>) -> Result<&'d str, Reason> {
    match value {
        Datum::Text(text) => Ok(text),
        other => Err(Cow::Owned(format!("{} is no text of a date", other.noun()))),
    }
}

fn refused(what: &str) -> Reason {
    Cow::Owned(format!("the text is not {what}"))
}

const fn out_of_range() -> Reason {
    Cow::Borrowed("the date is out of range")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::PropertyKind;

    fn text(text: &str) -> Datum<'_> {
        Datum::Text(Cow::Borrowed(text))
    }

    fn at(text: &str) -> Datum<'static> {
        Datum::Instant(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let refused = |format: DateFormat, given: &str| assert!(read(&format, &text(given)).is_err(), "{given}");
        for given in [
            "",
            "2021",
            "20211231",
            "20211231240000Z",
            "20211301000000Z",
            "202112310000",
            "20211231235960,Z",
            "20211231235961Z",
            "20211231235999Z",
            "20211231235959+1",
            "20211231235959+2400",
            "20211231235959Zx",
            "2021123123595Z",
            "２０２１1231000000Z",
        ] {
            refused(DateFormat::GeneralizedTime, given);
        }
        for given in
            ["", "yesterday", "2021-13-01", "2021-12-31T25:00", "9999999-01-01", "2020-01-01T12:00:00[Europe/Berlin]"]
        {
            refused(DateFormat::Iso, given);
        }
        refused(DateFormat::Pattern("%d.%m.%Y".to_owned()), "2021-12-31");
        refused(DateFormat::AdFiletime, "1.5");
        assert!(read(&DateFormat::Unix, &Datum::Integer(i64::MAX)).is_err());
        assert!(read(&DateFormat::AdFiletime, &Datum::Integer(i64::MAX - 1)).is_err());
    }

    #[test]
    fn a_file_time_counts_from_1601_and_two_of_them_mean_never() {
        let filetime = |ticks| read(&DateFormat::AdFiletime, &Datum::Integer(ticks));
        assert_eq!(filetime(0), Ok(Datum::Null));
        assert_eq!(filetime(0x7FFF_FFFF_FFFF_FFFF), Ok(Datum::Null));
        assert_eq!(filetime(116_444_736_000_000_000), Ok(Datum::Instant(0)));
        assert_eq!(filetime(132_223_104_000_000_001), Ok(at("2020-01-01T00:00:00Z")));
        assert_eq!(read(&DateFormat::AdFiletime, &text("9223372036854775807")), Ok(Datum::Null));
    }

    #[test]
    fn a_generalized_time_may_be_short_or_have_an_offset() {
        for (given, expected) in [
            ("20211231235959Z", "2021-12-31T23:59:59Z"),
            ("20211231235959.5Z", "2021-12-31T23:59:59.5Z"),
            ("20211231235959,25+0130", "2021-12-31T22:29:59.25Z"),
            ("202112312359-05", "2022-01-01T04:59:00Z"),
            ("2021123112.5Z", "2021-12-31T12:30:00Z"),
            ("20211231235960Z", "2021-12-31T23:59:59Z"),
            ("19941216103200.0Z", "1994-12-16T10:32:00Z"),
        ] {
            assert_eq!(read(&DateFormat::GeneralizedTime, &text(given)), Ok(at(expected)), "{given}");
        }
    }

    #[test]
    fn a_text_without_a_time_is_a_date_and_one_without_an_offset_is_utc() {
        assert_eq!(iso("1970-02-01"), Ok(Datum::Date(31)));
        assert_eq!(iso("2020-01-01T12:00:00"), Ok(at("2020-01-01T12:00:00Z")));
        assert_eq!(iso("2020-01-01 12:00:00+02:00"), Ok(at("2020-01-01T10:00:00Z")));
        let pattern = |pattern: &str, given| read(&DateFormat::Pattern(pattern.to_owned()), &text(given));
        assert_eq!(pattern("%d.%m.%Y", "01.02.1970"), Ok(Datum::Date(31)));
        assert_eq!(pattern("%Y%m%d %H:%M", "20200101 12:00"), Ok(at("2020-01-01T12:00:00Z")));
        assert_eq!(pattern("%Y-%m-%d %H:%M %z", "2020-01-01 12:00 +0200"), Ok(at("2020-01-01T10:00:00Z")));
    }

    #[test]
    fn the_end_of_time_is_a_date_and_as_an_instant_out_of_range() {
        assert_eq!(iso("9999-12-31").and_then(|date| date.cast(PropertyKind::Instant)), Err(out_of_range()));
        assert_eq!(iso("9999-12-31T23:59:59Z"), Err(out_of_range()));
        assert_eq!(iso("9999-12-31T23:59:59"), Err(out_of_range()));
        let generalized = |given| read(&DateFormat::GeneralizedTime, &text(given));
        assert_eq!(generalized("99991231235959Z"), Err(out_of_range()));
        assert_eq!(generalized("99991230215959Z"), Ok(at("9999-12-30T21:59:59Z")));
        let pattern = DateFormat::Pattern("%Y-%m-%d %H:%M".to_owned());
        assert_eq!(read(&pattern, &text("9999-12-31 23:59")), Err(out_of_range()));
    }

    #[test]
    fn a_pattern_that_never_says_a_date_is_refused() {
        for pattern in ["%Q", "%", "%H:%M", "%d.%m.", "day"] {
            assert!(check_pattern(pattern).is_err(), "{pattern}");
        }
        for pattern in ["%d.%m.%Y", "%Y%m%d%H%M%S", "%F %T %z", "%s", "%b %d, %Y"] {
            assert_eq!(check_pattern(pattern), Ok(()), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_text_of_a_date_panics(given in any::<String>(), digits in "[0-9]{0,16}[.,+Z-]?[0-9]{0,6}Z?") {
            for given in [given, digits] {
                for format in [DateFormat::AdFiletime, DateFormat::Unix, DateFormat::UnixMs,
                    DateFormat::GeneralizedTime, DateFormat::Iso, DateFormat::Pattern("%d.%m.%Y".to_owned())] {
                    let _read = read(&format, &text(&given));
                }
            }
        }

        #[test]
        fn a_generalized_time_says_what_an_iso_text_says(seconds in -62_135_596_800_i64..253_402_207_200) {
            let zoned = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC);
            let given = zoned.strftime("%Y%m%d%H%M%SZ").to_string();
            prop_assert_eq!(read(&DateFormat::GeneralizedTime, &text(&given)), Ok(Datum::Instant(seconds * 1_000_000)));
        }
    }
}
