//! Where a redirect of the config leads.

use crate::config::{LocationPart, Redirect};
use crate::problem::Problem;
use crate::route::{Ambiguity, Match};

/// Returns the address of a redirect with the parts of the path put in.
///
/// # Errors
/// [`Problem::PathAmbiguous`] if a browser would take the result for another host.
pub fn redirect_location(redirect: &Redirect, matched: &Match<'_, '_>) -> Result<String, Problem> {
    let mut location = String::new();
    for part in &redirect.location {
        let value = match part {
            LocationPart::Text(text) => {
                location.push_str(text);
                continue;
            }
            LocationPart::Rest => matched.rest(),
            LocationPart::Parameter(name) => {
                matched.params().find(|(known, _)| known == name).map_or("", |(_, value)| value)
            }
        };
        if location.as_bytes().contains(&b'?') && !location.as_bytes().contains(&b'#') {
            // In a query it is one value, whatever signs it has.
            location.push_str(&value.replace('&', "%26").replace('+', "%2B").replace(';', "%3B"));
        } else {
            location.push_str(value);
        }
    }
    if location.starts_with("//") {
        return Err(Problem::PathAmbiguous(Ambiguity::ReadingsDiffer));
    }
    Ok(location)
}
