//! Dates (RFC 9110 section 5.6.7).

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// From 1 March of the year 0, from which the days are counted, to 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

/// Parses a date into seconds since 1970; `None` if it is not one, or does not say that it is of Greenwich, as C's `asctime` does not.
pub fn parse_date(text: &str) -> Option<i64> {
    let behind_weekday = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut parts = behind_weekday.split([' ', '-', ':']).filter(|part| !part.is_empty());
    let day = number(parts.next()?, 1, 31)?;
    let month = parts.next()?.as_bytes();
    let month = MONTHS.chunks(3).position(|known| known == month)? as u64;
    let year = parts.next()?;
    let year = match (year.len(), number(year, 0, 9999)?) {
        (4, year) => year,
        (2, year @ ..50) => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    let (hours, minutes) = (number(parts.next()?, 0, 23)?, number(parts.next()?, 0, 59)?);
    let seconds = number(parts.next()?, 0, 60)?;
    if parts.next()? != "GMT" || parts.next().is_some() {
        return None;
    }
    // A year that begins in March has its leap day at the end.
    let (year, month) = if month < 2 { (year.checked_sub(1)?, month + 10) } else { (year, month - 2) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let of_day = (hours * 60 + minutes) * 60 + seconds;
    Some((days.cast_signed() - DAYS_BEFORE_1970.cast_signed()) * 86_400 + of_day.cast_signed())
}

fn number(text: &str, least: u64, most: u64) -> Option<u64> {
    text.parse().ok().filter(|number| (least..=most).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_in_the_forms_that_say_gmt() {
        let table = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777), "as it is written today"),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777), "as RFC 850 had it"),
            ("06 Nov 1994 08:49:37 GMT", Some(784_111_777), "without a weekday"),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0), "the first of Unix"),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199), "a leap day"),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200), "the day behind it"),
            ("Thu, 01 Oct 2026 12:00:00 GMT", Some(1_790_856_000), "in October"),
            ("Wed, 01 Jan 1969 00:00:00 GMT", Some(-31_536_000), "before 1970"),
            ("Friday, 01-Jan-49 00:00:00 GMT", Some(2_493_072_000), "a short year of this century"),
            ("Sun Nov  6 08:49:37 1994", None, "asctime, which says no zone"),
            ("Sun, 06 Nov 1994 08:49:37 +0000", None, "another zone's form"),
            ("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:38 GMT", None, "two dates"),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None, "no day"),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None, "no hour"),
            ("Sun, 06 nov 1994 08:49:37 GMT", None, "no month"),
            ("Sun, 06 Nov 199 08:49:37 GMT", None, "no year"),
            ("0", None, "a number"),
            ("", None, "nothing"),
        ];
        for (text, expected, message) in table {
            assert_eq!(parse_date(text), expected, "{message}");
        }
    }
}
