//! References in the values of `.env`, expanded as wrangler does it (dotenv-expand 12.0.2): `$NAME`, `${NAME}`, `${NAME:-default}`
//! and their kin, to variables above them or of the process.
//!
//! What is odd there is as odd here: a value that is put in is looked through again, and `$$` in it is one dollar sign.

use std::collections::HashSet;

use super::variables::Variables;

/// How many references one value is followed through; beyond that, they are taken to have no end.
const STEPS_MAX: usize = 1_000;

/// The longest that a value becomes, in bytes; Cloudflare takes 5 KB.
const VALUE_MAX_BYTES: usize = 64 * 1024;

/// What divides a reference that says none of the signs: a JavaScript program splits there at the text of its `null`.
const NO_SIGN: &str = "null";

/// Variables with their references expanded.
#[derive(Default)]
pub struct Expanded {
    /// The values.
    pub values: Variables,
    /// The names that are referred to.
    pub referred: HashSet<String>,
}

/// Expands the variables of `.env`, one by one.
///
/// # Errors
/// The name of one whose references have no end.
pub fn expand(written: &Variables, process: &Variables) -> Result<Expanded, String> {
    let mut expanded = Expanded::default();
    for (name, value) in written.iter() {
        let own = process.get(name).filter(|own| !own.is_empty() && *own != value);
        let value = match own {
            Some(own) => own.to_owned(),
            None => expand_value(value, &mut expanded, process).ok_or(name)?,
        };
        expanded.values.set(name, value.replace("\\$", "$"));
    }
    Ok(expanded)
}

fn expand_value(value: &str, expanded: &mut Expanded, process: &Variables) -> Option<String> {
    let Expanded { values: above, referred } = expanded;
    let known = |name: &str| process.get(name).or_else(|| above.get(name)).filter(|value| !value.is_empty());
    let mut result = value.to_owned();
    let mut seen = HashSet::new();
    for _ in 0..STEPS_MAX {
        let Some((template, expression)) = first_reference(&result) else { return Some(result) };
        let (name, sign, default) = divided(expression);
        referred.insert(name.to_owned());
        let replacement = match (sign, known(name)) {
            (":+" | "+", Some(_)) => default,
            (":+" | "+", None) => "",
            (_, Some(value)) if value != result && !seen.contains(value) => value,
            (_, _) => default,
        };
        let next = replaced(&result, template, replacement);
        let is_over = above.get(name) == Some(next.as_str());
        seen.insert(std::mem::replace(&mut result, next));
        if is_over {
            return Some(result);
        }
        if result.len() > VALUE_MAX_BYTES {
            return None;
        }
    }
    None
}

/// Finds the first reference without a backslash before it: its text, and its contents.
fn first_reference(text: &str) -> Option<(&str, &str)> {
    let mut places = text.match_indices('$').map(|(at, _)| at);
    places.find_map(|at| {
        let (before, rest) = text.split_at(at);
        if before.ends_with('\\') {
            return None;
        }
        let behind = rest.get(1..)?;
        if let Some(inner) = behind.strip_prefix('{') {
            let end = inner.find(['{', '}']).filter(|end| *end > 0)?;
            inner.get(end..)?.strip_prefix('}')?;
            return Some((rest.get(..end + 3)?, inner.get(..end)?));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = behind.get(..behind.find(|c| !is_name(c)).unwrap_or(behind.len()))?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_name.then_some((rest.get(..name.len() + 1)?, name))
    })
}

/// Takes a reference apart: the name, the sign behind it, and what follows that.
fn divided(expression: &str) -> (&str, &str, &str) {
    let sign = expression.char_indices().find_map(|(at, _)| {
        let rest = expression.get(at..)?;
        [":+", "+", ":-", "-"].into_iter().find(|sign| rest.starts_with(sign))
    });
    let sign = sign.unwrap_or(NO_SIGN);
    let (name, default) = expression.split_once(sign).unwrap_or((expression, ""));
    (name, sign, default)
}

/// Puts a text in the place of the first `template`, as JavaScript's `replace` does it: there `$$`, `$&`, `` $` `` and `$'` have a
/// special meaning.
fn replaced(text: &str, template: &str, replacement: &str) -> String {
    let Some((before, after)) = text.split_once(template) else { return text.to_owned() };
    let mut result = before.to_owned();
    let mut rest = replacement;
    while let Some((plain, behind)) = rest.split_once('$') {
        let (meant, length) = match behind.chars().next() {
            Some('$') => ("$", 1),
            Some('&') => (template, 1),
            Some('`') => (before, 1),
            Some('\'') => (after, 1),
            _ => ("$", 0),
        };
        result.push_str(plain);
        result.push_str(meant);
        rest = behind.get(length..).unwrap_or_default();
    }
    result + rest + after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_are_too_many_are_told_by_the_name_that_holds_them() {
        let of = |count: usize| -> Variables {
            let many = "$A ".repeat(count);
            [("A", "1"), ("MANY", &many)].map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
        };
        let expanded = expand(&of(STEPS_MAX - 1), &Variables::default()).ok().unwrap();
        assert_eq!(expanded.values.get("MANY"), Some("1 ".repeat(STEPS_MAX - 1).as_str()));
        assert_eq!(expand(&of(STEPS_MAX), &Variables::default()).err().as_deref(), Some("MANY"));
    }
}
