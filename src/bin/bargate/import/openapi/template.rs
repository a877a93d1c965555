//! Path templates of OpenAPI as path patterns of Bargate, and which requests one could take from another.

use bargate::route::Pattern;

/// A template that is a pattern.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// The pattern, with parameter names that Bargate takes.
    pub pattern: String,
    /// The pattern without the names: templates with the same shape match the same paths.
    pub shape: String,
    /// What a reader should know of it.
    pub hint: Option<&'static str>,
}

impl Template {
    /// Reads a key of `paths`.
    ///
    /// # Errors
    /// Why no pattern matches the same paths.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut names: Vec<String> = Vec::new();
        let mut hint = None;
        let mut segments = Vec::new();
        for segment in text.strip_prefix('/').ok_or("it does not begin with a slash")?.split('/') {
            if !segment.contains(['{', '}']) {
                segments.push(segment.to_owned());
                continue;
            }
            let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(name) = inside.filter(|name| !name.contains(['{', '}'])) else {
                return Err(match segment.matches('{').count() {
                    0 | 1 => format!("a parameter is only a part of the segment \"{segment}\""),
                    _ => format!("the segment \"{segment}\" has more than one parameter"),
                });
            };
            if name.ends_with(['+', '*']) {
                hint = Some(
                    "a parameter of OpenAPI is one segment; for the whole rest of the path write {name+} at its end",
                );
            }
            let name = free_name(name, &names);
            segments.push(format!("{{{name}}}"));
            names.push(name);
        }
        let pattern = format!("/{}", segments.join("/"));
        let parsed = Pattern::parse(&pattern).map_err(|error| error.to_string())?;
        let shape = parsed.as_str().split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        Ok(Self { shape: shape.collect::<Vec<_>>().join("/"), pattern, hint })
    }

    /// Tells whether a request for the path that `other` describes could take this route instead, because a parameter of
    /// this one stands where `other` is more specific. `other` need not be a pattern.
    pub fn covers(&self, other: &str) -> bool {
        let (mut ours, mut others) = (self.shape.split('/'), other.split('/'));
        let mut wider = false;
        loop {
            match (ours.next(), others.next()) {
                (None, None) => return wider,
                (Some("{}"), Some(other)) => {
                    let whole = other.starts_with('{') && other.find('}') == Some(other.len() - 1);
                    wider |= !whole;
                }
                (Some(our), Some(other)) if may_be(other, our) => {}
                (Some(_), _) | (None, Some(_)) => return false,
            }
        }
    }
}

/// Makes a parameter name that a pattern takes and that is not among `taken`.
fn free_name(name: &str, taken: &[String]) -> String {
    let mut free: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if !free.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        free.insert(0, '_');
    }
    while taken.contains(&free) {
        free.push('_');
    }
    free
}

/// Tells whether a segment of a template, with parameters in it or none, may stand for a literal one.
fn may_be(segment: &str, literal: &str) -> bool {
    match (segment.find('{'), segment.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            let (head, tail) = (segment.get(..open).unwrap_or(""), segment.get(close + 1..).unwrap_or(""));
            literal.len() > head.len() + tail.len() && literal.starts_with(head) && literal.ends_with(tail)
        }
        _ => segment == literal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_patterns() {
        let table = [
            ("the root", "/", "/", "/"),
            ("literals", "/a/b.json", "/a/b.json", "/a/b.json"),
            ("a slash at the end", "/a/", "/a/", "/a/"),
            ("a parameter", "/users/{id}", "/users/{id}", "/users/{}"),
            ("names that Bargate has not", "/a/{user.id}/{1st}/{}", "/a/{user_id}/{_1st}/{_}", "/a/{}/{}/{}"),
            ("a name twice", "/a/{id}/b/{id}", "/a/{id}/b/{id_}", "/a/{}/b/{}"),
            ("a greedy one of another gateway", "/a/{proxy+}", "/a/{proxy_}", "/a/{}"),
            ("a colon inside", "/orders:batch", "/orders:batch", "/orders:batch"),
            ("two spellings of a literal", "/caf%c3%a9", "/caf%c3%a9", "/caf%C3%A9"),
        ];
        for (message, text, pattern, shape) in table {
            let template = Template::read(text).unwrap();
            assert_eq!((template.pattern.as_str(), template.shape.as_str()), (pattern, shape), "{message}");
            assert_eq!(template.hint.is_some(), text.contains('+'), "{message}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_with_its_segment() {
        let table = [
            ("/a/{x}.json", "a part of the segment \"{x}.json\""),
            ("/report-{id}", "a part of the segment \"report-{id}\""),
            ("/{from}..{to}", "\"{from}..{to}\" has more than one parameter"),
            ("/{a}{b}", "more than one"),
            ("/{a", "a part of"),
            ("/a?b={c}", "part of the segment"),
            ("/a?b=c", "?"),
            ("/a//b", "two slashes"),
            ("/*", "\"*\""),
            ("a", "does not begin"),
            ("/a/../b", ".."),
        ];
        for (text, expected) in table {
            let error = Template::read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_route_covers_what_its_parameter_would_take() {
        let table = [
            ("/{page}", "/report-{id}", true, "a parameter for a part of a segment"),
            ("/a/{x}", "/a/{y}.json", true, "below a literal"),
            ("/a/{x}", "/b/{y}.json", false, "below another literal"),
            ("/{x}", "/a/{y}.json", false, "of another length"),
            ("/report-5", "/report-{id}", false, "a literal is the more specific one, in OpenAPI too"),
            ("/{x}/list", "/{y}.json/list", true, "before a literal"),
            ("/{x}/list.csv", "/report-{id}/{name}.csv", true, "a literal that the other may be"),
            ("/{x}/list.json", "/report-{id}/{name}.csv", false, "a literal that the other cannot be"),
        ];
        for (route, other, expected, message) in table {
            assert_eq!(Template::read(route).unwrap().covers(other), expected, "{message}: {route}, {other}");
        }
    }
}
