//! Points in time for people: in UTC, and relative to now.

use jiff::Timestamp;

/// Units from the longest, in seconds; a year is 365 days.
const UNITS: [(i64, &str); 5] =
    [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// Parses a time: RFC 3339, or seconds since 1970.
///
/// # Errors
/// What was expected.
pub fn parse_time(text: &str) -> Result<i64, String> {
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok().map(|_| seconds),
        Err(_) => text.parse::<Timestamp>().ok().map(|time| time.as_millisecond().div_euclid(1000)),
    };
    seconds.ok_or_else(|| "not a time: write it as 2026-01-31T12:00:00Z, or in seconds since 1970".to_owned())
}

/// Returns a time in UTC (RFC 3339); `None` if it is beyond the calendar.
pub fn utc(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Returns how far a time is from `now`, in its largest unit, rounded down.
pub fn relative(seconds: i64, now: i64) -> String {
    let distance = seconds.saturating_sub(now);
    let length = distance.unsigned_abs();
    let unit = UNITS.into_iter().find_map(|(size, name)| match length / size.unsigned_abs() {
        0 => None,
        1 => Some(format!("1 {name}")),
        count => Some(format!("{count} {name}s")),
    });
    match unit {
        None => "just now".to_owned(),
        Some(length) if distance > 0 => format!("in {length}"),
        Some(length) => format!("{length} ago"),
    }
}

/// Returns a time as a number, in UTC, and from `now`.
pub fn described(seconds: i64, now: i64) -> String {
    let utc = utc(seconds).unwrap_or_else(|| "beyond the calendar".to_owned());
    format!("{seconds}, {utc}, {}", relative(seconds, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn a_time_is_read_in_either_form_and_nothing_else_is() {
        let table = [
            ("1700000000", Some(NOW), "seconds"),
            ("0", Some(0), "1970"),
            ("-1", Some(-1), "before 1970"),
            ("2023-11-14T22:13:20Z", Some(NOW), "RFC 3339"),
            ("2023-11-14T23:13:20+01:00", Some(NOW), "another zone"),
            ("2023-11-14t22:13:20z", Some(NOW), "in small letters"),
            ("2023-11-14T22:13:20.999Z", Some(NOW), "a fraction is dropped"),
            ("1969-12-31T23:59:59.5Z", Some(-1), "a fraction before 1970 is rounded down"),
            ("99999999999999", None, "beyond the calendar"),
            ("2023-11-14T22:13:20", None, "no zone"),
            ("2023-11-14", None, "a date alone"),
            ("1.7e9", None, "a float"),
            ("tomorrow", None, "a word"),
            ("", None, "nothing"),
        ];
        for (text, expected, message) in table {
            assert_eq!(parse_time(text).ok(), expected, "{message}");
        }
    }

    #[test]
    fn a_distance_is_told_in_its_largest_unit() {
        let table = [
            (0, "just now"),
            (1, "in 1 second"),
            (59, "in 59 seconds"),
            (60, "in 1 minute"),
            (299, "in 4 minutes"),
            (3_600, "in 1 hour"),
            (86_399, "in 23 hours"),
            (86_400, "in 1 day"),
            (365 * 86_400, "in 1 year"),
            (-1, "1 second ago"),
            (-2 * 86_400 - 1, "2 days ago"),
            (-730 * 86_400, "2 years ago"),
        ];
        for (distance, expected) in table {
            assert_eq!(relative(NOW + distance, NOW), expected, "{distance} seconds");
        }
        assert!(relative(i64::MAX, i64::MIN).starts_with("in "), "no distance overflows");
        assert!(relative(i64::MIN, i64::MAX).ends_with(" ago"), "nor one into the past");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_told_without_one() {
        assert_eq!(described(NOW, NOW), "1700000000, 2023-11-14T22:13:20Z, just now");
        let far = 9_007_199_254_740_991;
        assert!(
            described(far, NOW).starts_with("9007199254740991, beyond the calendar, in "),
            "{}",
            described(far, NOW)
        );
    }
}
