//! The ways directories write a moment: GeneralizedTime (RFC 4517, 3.3.13), UTCTime (3.3.34), whose years have two digits,
//! and Windows' count of 100 ns since 1601. All become microseconds since 1970, and back. Days follow the Gregorian calendar without end.

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Seconds from 1601-01-01 to 1970-01-01.
const SINCE_1601: i64 = 11_644_473_600;
/// Units of 100 ns in a microsecond.
const UNITS: i64 = 10;
/// The values of a Windows time that mean "never".
const NEVER: [i64; 2] = [0, i64::MAX];

/// A GeneralizedTime as microseconds; nothing if it is none.
pub(crate) fn from_generalized(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    let field = |from: usize, len: usize| digits.get(from..from + len).map_or(Some(0), |text| text.parse::<i64>().ok());
    if !matches!(digits.len(), 10 | 12 | 14) {
        return None;
    }
    let (year, month, day) = (field(0, 4)?, field(4, 2)?, field(6, 2)?);
    let (hour, minute, second) = (field(8, 2)?, field(10, 2)?, field(12, 2)?);
    // 60 is a leap second, which is taken for the one after it.
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let unit = match digits.len() {
        10 => 3_600 * SECOND,
        12 => 60 * SECOND,
        _ => SECOND,
    };
    let (fraction, zone) = fraction(rest, unit)?;
    let seconds = days(year, month, day) * DAY + hour * 3_600 + minute * 60 + second - zone_seconds(zone)?;
    Some(seconds * SECOND + fraction)
}

/// A UTCTime as microseconds; nothing if it is none. Years from 50 on are of the century before (RFC 5280, 4.1.2.5.1).
/// Servers that write all four digits of a year are believed.
pub(crate) fn from_utc(text: &str) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (_, rest) = text.split_at_checked(digits)?;
    if digits == 14 {
        return from_generalized(text);
    }
    if !matches!(digits, 10 | 12) || rest.starts_with(['.', ',']) {
        return None;
    }
    let century = if text < "50" { "20" } else { "19" };
    from_generalized(&format!("{century}{text}"))
}

/// Microseconds as a UTCTime of whole seconds; nothing outside of the years 1950 to 2049.
pub(crate) fn to_utc(micros: i64) -> Option<String> {
    let text = to_generalized(micros)?;
    let (year, _) = text.split_at_checked(4)?;
    if ("1950"..="2049").contains(&year) { text.get(2..).map(str::to_owned) } else { None }
}

/// The fraction of the last unit, and what stands behind it.
fn fraction(rest: &str, unit: i64) -> Option<(i64, &str)> {
    let Some(rest) = rest.strip_prefix(['.', ',']) else { return Some((0, rest)) };
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at_checked(len)?;
    if digits.is_empty() {
        return None;
    }
    let digits = digits.get(..digits.len().min(9))?;
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    let fraction = i128::from(digits.parse::<i64>().ok()?) * i128::from(unit) / scale;
    Some((i64::try_from(fraction).ok()?, zone))
}

/// How far a zone is ahead of UTC, in seconds.
fn zone_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    if !matches!(rest.len(), 2 | 4) || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    Some(sign * (hours.parse::<i64>().ok()? * 3_600 + minutes * 60))
}

/// Microseconds as a GeneralizedTime of whole seconds; nothing outside of the years 0 to 9999.
pub(crate) fn to_generalized(micros: i64) -> Option<String> {
    let seconds = micros.div_euclid(SECOND);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    (0..=9999).contains(&year).then(|| format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z"))
}

/// A Windows time as microseconds; nothing if it means "never" or is no time.
pub(crate) fn from_filetime(units: i64) -> Option<i64> {
    if NEVER.contains(&units) || units < 0 {
        return None;
    }
    (units / UNITS).checked_sub(SINCE_1601 * SECOND)
}

/// Microseconds as a Windows time; nothing before 1601 or after the year 30828.
pub(crate) fn to_filetime(micros: i64) -> Option<i64> {
    let units = micros.checked_add(SINCE_1601 * SECOND)?.checked_mul(UNITS)?;
    (units > 0 && units < i64::MAX).then_some(units)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026",
            "20260101",
            "20261301000000Z",
            "20260230000000Z",
            "20260101240000Z",
            "20260101000000",
            "20260101000000+1",
            "20260101000000.Z",
            "2026010100000Z",
            "20260101000000X",
            "20260101000000+0a",
        ] {
            assert_eq!(from_generalized(text), None, "{text}");
        }
        assert_eq!(from_filetime(0), None);
        assert_eq!(from_filetime(i64::MAX), None);
        assert_eq!(from_filetime(-1), None);
        assert_eq!(to_filetime(i64::MAX), None);
    }

    #[test]
    fn times_of_real_servers_are_read() {
        for (text, seconds) in [
            ("19700101000000Z", 0),
            ("20260228235959Z", 1_772_323_199),
            ("20240229120000.0Z", 1_709_208_000),
            ("16010101000000.0Z", -11_644_473_600),
            ("20260101020000+0200", 1_767_225_600),
            ("202601010000Z", 1_767_225_600),
            ("2026010100Z", 1_767_225_600),
            ("2026010100.5Z", 1_767_227_400),
        ] {
            assert_eq!(from_generalized(text), Some(seconds * SECOND), "{text}");
        }
        assert_eq!(from_generalized("19700101000000.123456Z"), Some(123_456));
        assert_eq!(from_generalized("000001010000Z"), Some(-62_167_219_200 * SECOND));
        assert_eq!(from_filetime(116_444_736_000_000_000), Some(0));
    }

    #[test]
    fn a_year_of_two_digits_is_of_this_century_or_the_last() {
        for (text, seconds) in [
            ("260101000000Z", 1_767_225_600),
            ("2601010200+0200", 1_767_225_600),
            ("700101000000Z", 0),
            ("20260101000000Z", 1_767_225_600),
        ] {
            assert_eq!(from_utc(text), Some(seconds * SECOND), "{text}");
        }
        for text in ["", "26", "260101", "26010100Z", "260101000000", "2601010000.5Z", "261301000000Z"] {
            assert_eq!(from_utc(text), None, "{text}");
        }
        assert_eq!(to_utc(-11_644_473_600 * SECOND), None, "1601 has no UTCTime");
    }

    proptest! {
        #[test]
        fn a_moment_survives_utc_time(seconds in -631_152_000_i64..2_524_608_000) {
            let micros = seconds * SECOND;
            prop_assert_eq!(to_utc(micros).as_deref().and_then(from_utc), Some(micros));
        }

        #[test]
        fn a_moment_survives_generalized_time(seconds in -62_167_219_200_i64..253_402_300_800) {
            let micros = seconds * SECOND;
            prop_assert_eq!(to_generalized(micros).as_deref().and_then(from_generalized), Some(micros));
        }

        #[test]
        fn a_moment_survives_windows_time(micros in -11_644_473_599_000_000_i64..900_000_000_000_000_000) {
            prop_assert_eq!(to_filetime(micros).and_then(from_filetime), Some(micros));
        }

        #[test]
        fn every_text_is_read_or_refused(text in "[0-9.,Z+-]{0,24}") {
            let _ = (from_generalized(&text), from_utc(&text));
        }
    }
}
