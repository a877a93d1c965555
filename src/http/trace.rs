//! W3C Trace Context: the place of a request in a trace that may have begun before the gateway.

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// The place of a request in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What upstreams get.
    pub traceparent: String,
    /// Whether it continues the client's own, so that its `tracestate` means something.
    pub continued: bool,
}

impl Trace {
    /// Continues the trace of a `traceparent` if it is valid, or begins one, which is sampled if it `is_recorded`; `random` are 24 fresh
    /// bytes.
    pub fn of(header: Option<&str>, random: &[u8; 24], is_recorded: bool) -> Self {
        let digits = hex(random);
        let (fresh_trace, fresh_parent) = digits.split_at_checked(32).unwrap_or_default();
        let valid = header.and_then(parse);
        let (trace, flags) = valid.unwrap_or((fresh_trace, if is_recorded { "01" } else { "00" }));
        Self { traceparent: ["00", trace, fresh_parent, flags].join("-"), continued: valid.is_some() }
    }

    /// Returns the trace's id.
    pub fn id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Returns the trace's id and the flags of a valid header (Trace Context section 3.2).
fn parse(header: &str) -> Option<(&str, &'static str)> {
    let header = header.trim();
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let mut parts = header.splitn(5, '-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let is_set = |text: &str| text.bytes().any(|b| b != b'0');
    // A later version may have more behind a hyphen.
    let fits = version != "ff" && (version != "00" || header.len() == LENGTH);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (well_formed && fits && is_set(trace) && is_set(parent)).then_some((trace, if sampled { "01" } else { "00" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_trace_goes_on_and_any_other_header_begins_one() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let valid = format!("00-{trace}-b7ad6b7169203331-01");
        let random: [u8; 24] = std::array::from_fn(|index| index as u8 + 1);
        let fresh = "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-00";
        let went_on = Trace::of(Some(&valid), &random, false);
        assert_eq!(went_on.traceparent, format!("00-{trace}-1112131415161718-01"));
        assert_eq!((went_on.id(), went_on.continued), (trace, true));
        let unsampled = Trace::of(Some(&valid.replace("-01", "-00")), &random, true);
        assert!(unsampled.traceparent.ends_with("-00"), "the client's own word counts");
        let later = format!("cc-{trace}-b7ad6b7169203331-01-what");
        assert!(Trace::of(Some(&later), &random, false).continued, "a later version with more behind it");
        let refused = [
            (String::new(), "nothing"),
            (format!("{valid}-x"), "more behind version 00"),
            (valid.replace("00-", "ff-"), "version ff"),
            (valid.to_uppercase(), "upper case"),
            (valid.replace(trace, &"0".repeat(32)), "a trace of zeros"),
            (valid.replace("b7ad6b7169203331", &"0".repeat(16)), "a parent of zeros"),
            (valid.replace("-01", "-1"), "flags of one digit"),
            (valid.replace('-', "_"), "other separators"),
        ];
        for (header, message) in refused {
            let begun = Trace::of(Some(&header), &random, false);
            assert_eq!((begun.traceparent.as_str(), begun.continued), (fresh, false), "{message}");
            let recorded = Trace::of(Some(&header), &random, true);
            assert_eq!(recorded.traceparent, fresh.replace("-00", "-01"), "{message}");
        }
    }
}
