//! What patterns have in common, and paths and methods as examples of what a route takes.

use crate::route::{Host, Method, MethodRule, Pattern};

/// Returns the pattern without the names of its parameters.
pub fn shape(pattern: &Pattern) -> String {
    let segments = pattern.as_str().split('/').map(|segment| match segment {
        _ if !segment.starts_with('{') => segment,
        _ if segment.ends_with("+}") => "{.+}",
        _ => "{}",
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Returns the named methods that a route answers.
pub fn methods(rule: MethodRule) -> Vec<Method> {
    match rule {
        MethodRule::Exact(method) => vec![method],
        MethodRule::Any => Method::ALL.to_vec(),
    }
}

/// Returns a path that a pattern matches, and of all patterns only those that match whatever it matches.
pub fn example_path(pattern: &Pattern) -> String {
    example_of(pattern.as_str())
}

/// Returns such a path for the text of a pattern.
pub fn example_of(pattern: &str) -> String {
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "~" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Returns paths that the text of a pattern matches, and that others match only if they match all such paths.
pub fn example_paths(pattern: &str) -> Vec<String> {
    let example = example_of(pattern);
    if !pattern.ends_with("+}") {
        return vec![example];
    }
    let none = example.strip_suffix("/~").unwrap_or(&example).to_owned();
    vec![
        example.clone(),
        format!("{example}/~"),
        format!("{none}/"),
        if none.is_empty() { "/".to_owned() } else { none },
    ]
}

/// Returns the one of two hosts whose names both have; `None` if they have none in common.
pub fn common_host<'h>(one: &'h Host, other: &'h Host) -> Option<&'h Host> {
    [(one, other), (other, one)].into_iter().find_map(|(one, other)| one.contains(other).then_some(other))
}

/// Returns the pattern of all paths that both patterns match, with the names of either; `None` if there is none.
pub fn common_pattern(one: &Pattern, other: &Pattern) -> Option<String> {
    let mut pattern = String::new();
    let (mut ones, mut others) = (one.as_str().split('/').skip(1), other.as_str().split('/').skip(1));
    loop {
        let (one, other) = match (ones.next(), others.next()) {
            (None, None) => return Some(pattern),
            // A rest may be none at all.
            (None, Some(other)) => return is_rest(other).then_some(pattern),
            (Some(one), None) => return is_rest(one).then_some(pattern),
            (Some(one), Some(other)) => (one, other),
        };
        if is_rest(one) || is_rest(other) {
            let rest: Vec<_> = if is_rest(one) {
                std::iter::once(other).chain(others).collect()
            } else {
                std::iter::once(one).chain(ones).collect()
            };
            for segment in rest {
                pattern.push('/');
                pattern.push_str(segment);
            }
            return Some(pattern);
        }
        pattern.push('/');
        pattern.push_str(match (is_parameter(one), is_parameter(other)) {
            (true, true) => one,
            // No parameter is empty.
            (true, false) if !other.is_empty() => other,
            (false, true) if !one.is_empty() => one,
            (false, false) if one == other => one,
            (_, _) => return None,
        });
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

fn is_rest(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with("+}")
}
