//! Makes path patterns from path templates of OpenAPI, and tells which requests one could take from another.
//!
//! Descriptions have templates that OpenAPI does not: those of other gateways, of RFC 6570 and of routers. A parameter for several
//! segments is read as that. A template that is not a pattern becomes a form: the requests that it may mean.

use std::borrow::Cow;

use crate::config::holds_reference;
use crate::route::{Host, MethodRule, Pattern, in_order_of_precedence};

/// A segment of a shape that is a parameter.
pub const PARAMETER: &str = "{}";

/// The last segment of a shape that stands for the rest of a path.
pub const REST: &str = "{.+}";

/// A template that is a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The pattern, with parameter names that Bargate takes.
    pub pattern: String,
    /// The pattern without the names: templates with the same shape match the same paths.
    pub shape: String,
    /// The note about it.
    pub hint: Option<&'static str>,
}

/// The paths that a template which is no pattern may be about, in every way to read it.
#[derive(Debug)]
pub struct Reach(Vec<Vec<Piece>>);

/// A segment of such a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// This text.
    Literal(String),
    /// Any text with this before and behind it.
    Text { head: String, tail: String },
    /// Any text with this before it, slashes included, or none.
    Anything { head: String },
}

/// The content of braces.
enum Expression<'t> {
    /// One segment, or a part of one.
    One(&'t str),
    /// The rest of the path.
    Rest(&'t str),
    /// A query or a fragment, which is not part of a path.
    Beyond,
    /// Something else: a text that may hold slashes, or be absent.
    Unknown,
}

impl<'t> Expression<'t> {
    fn read(inside: &'t str) -> Self {
        if inside.starts_with(['?', '&', '#']) {
            return Self::Beyond;
        }
        if let Some((name, rule)) = inside.split_once(':') {
            // Of regular expressions, those that match no slash.
            let of_a_segment = |c: char| c.is_ascii_alphanumeric() || "_-[]+*?()|".contains(c);
            return match rule {
                ".*" | ".+" | "path" | "*" | "**" => Self::Rest(name),
                rule if rule.replace("\\d", "").replace("\\w", "").chars().all(of_a_segment) => Self::One(name),
                _ => Self::Unknown,
            };
        }
        if let Some((name, rule)) = inside.split_once('=') {
            return match rule {
                "**" => Self::Rest(name),
                "*" => Self::One(name),
                _ => Self::Unknown,
            };
        }
        let name = inside.trim_start_matches(['+', '*']).trim_end_matches(['+', '*']);
        let name = name.strip_suffix("...").unwrap_or(name);
        match name.contains(|c: char| "+*?&;,/#|!@^=".contains(c)) || name.starts_with('.') {
            true => Self::Unknown,
            false if name.len() < inside.len() => Self::Rest(name),
            false => Self::One(name),
        }
    }
}

impl<'t> Expression<'t> {
    /// Reads what stands between angle brackets, as routers in Python have it: `<id>`, `<int:id>`, `<path:rest>`.
    fn of_router(inside: &'t str) -> Self {
        match inside.split_once(':') {
            Some(("path", name)) => Self::Rest(name),
            Some((_, name)) => Self::One(name),
            None => Self::One(inside),
        }
    }
}

/// A part of a template's text.
enum Part<'t> {
    Text(&'t str),
    Slash,
    Expression(Expression<'t>),
}

/// Splits a template into parts, up to the end of its path; returns whether something follows.
fn parts(text: &str) -> (Vec<Part<'_>>, bool) {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(c) = rest.chars().next() {
        let closed = match c {
            '{' => rest.find('}'),
            '<' => rest.find('>'),
            _ => None,
        };
        let (part, length) = match (c, closed) {
            ('?' | '#', _) => return (parts, true),
            ('/', _) => (Part::Slash, 1),
            ('<', Some(end)) => {
                (Part::Expression(Expression::of_router(rest.get(1..end).unwrap_or_default())), end + 1)
            }
            (_, Some(end)) => (Part::Expression(Expression::read(rest.get(1..end).unwrap_or_default())), end + 1),
            _ => {
                let end =
                    rest.char_indices().skip(1).find(|(_, c)| "/{<?#".contains(*c)).map_or(rest.len(), |(at, _)| at);
                (Part::Text(rest.get(..end).unwrap_or_default()), end)
            }
        };
        parts.push(part);
        rest = rest.get(length..).unwrap_or_default();
    }
    let beyond = parts.iter().any(|part| matches!(part, Part::Expression(Expression::Beyond)));
    (parts, beyond)
}

impl Template {
    /// Reads a key of `paths`.
    ///
    /// # Errors
    /// Why no pattern matches the same paths.
    pub fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("the path does not begin with a slash".to_owned());
        }
        let (parts, beyond) = parts(text);
        if beyond {
            return Err("the path has a query or a fragment".to_owned());
        }
        let mut names: Vec<String> = Vec::new();
        let mut hint = None;
        let mut segments = Vec::new();
        let mut pieces = parts.split(|part| matches!(part, Part::Slash)).skip(1).peekable();
        while let Some(segment) = pieces.next() {
            let is_last = pieces.peek().is_none();
            match segment {
                [] => segments.push(String::new()),
                [Part::Text(literal)] if !literal.contains(['{', '}']) => segments.push((*literal).to_owned()),
                [Part::Expression(Expression::One(name))] => {
                    let name = free_name(name, &names);
                    segments.push(format!("{{{name}}}"));
                    names.push(name);
                }
                [Part::Expression(Expression::Rest(name))] if is_last => {
                    hint = Some("its last parameter matches the rest of the path, slashes included");
                    segments.push(format!("{{{}+}}", free_name(name, &names)));
                }
                [Part::Expression(Expression::Rest(name))] => {
                    return Err(format!("the parameter \"{name}\" stands for several segments, but is not at the end"));
                }
                [Part::Expression(_)] => return Err("a parameter is more than a name".to_owned()),
                parts => {
                    let count = parts.iter().filter(|part| matches!(part, Part::Expression(_))).count();
                    return Err(match count {
                        0 | 1 => {
                            format!("a parameter is only a part of the segment \"{}\"", shown(text, segments.len()))
                        }
                        _ => format!("the segment \"{}\" has more than one parameter", shown(text, segments.len())),
                    });
                }
            }
        }
        let pattern = format!("/{}", segments.join("/"));
        let parsed = Pattern::parse(&pattern).map_err(|error| error.to_string())?;
        if holds_reference(&pattern) {
            return Err("in a config, a part of the path would be a reference to a binding".to_owned());
        }
        Ok(Self { shape: shape(&parsed), pattern, hint })
    }

    /// Returns the template of a shape.
    pub fn of_shape(shape: &str) -> Self {
        let mut count = 0;
        let segments = shape.split('/').map(|segment| match segment {
            PARAMETER => {
                count += 1;
                format!("{{p{count}}}")
            }
            segment => segment.to_owned(),
        });
        Self { pattern: segments.collect::<Vec<_>>().join("/"), shape: shape.to_owned(), hint: None }
    }

    /// Returns the segments of its shape.
    pub fn segments(&self) -> Vec<&str> {
        self.shape.split('/').skip(1).collect()
    }

    /// Checks whether it has no parameter.
    pub fn is_literal(&self) -> bool {
        !self.segments().iter().any(|segment| [PARAMETER, REST].contains(segment))
    }

    /// Checks whether a request that a template which is no pattern describes could take this route instead: because a parameter
    /// stands here, or because it is for the very path of this one.
    pub fn covers(&self, other: &Reach) -> bool {
        other.0.iter().any(|form| (is_literal(form) || !self.is_literal()) && takes(&self.segments(), form))
    }

    /// Does the same if no operation stands here that would be the more specific one.
    pub fn meets(&self, other: &Reach) -> bool {
        other.0.iter().any(|form| takes(&self.segments(), form))
    }

    /// Checks whether it matches every request that a template which is no pattern describes.
    pub fn holds(&self, other: &Reach) -> bool {
        other.0.iter().all(|form| holds(&self.segments(), form))
    }

    /// Checks whether it takes the requests that another one matches as well.
    pub fn comes_before(&self, other: &Self) -> bool {
        let [one, other] = [self, other].map(|template| Pattern::parse(&template.pattern));
        let every = Host::default();
        let patterns = other.iter().chain(&one).map(|pattern| (&every, pattern, MethodRule::Any));
        in_order_of_precedence(patterns) == [1, 0]
    }
}

impl Reach {
    /// Reads a key of `paths` that is no pattern.
    pub fn read(text: &str) -> Self {
        // Tools put a slash before a key that has none.
        let text = if text.starts_with('/') { Cow::from(text) } else { Cow::from(format!("/{text}")) };
        let (parts, _) = parts(&text);
        // What may be absent is read as both; an upstream may take two slashes for one.
        let mut forms: Vec<Vec<Piece>> = [false, true].map(|without| form(&parts, without)).into();
        forms.extend(forms.clone().into_iter().map(|mut form| {
            form.retain(|piece| *piece != Piece::Literal(String::new()));
            form
        }));
        Self(forms)
    }
}

/// Returns the segments of a template, without what may be absent or with it.
fn form(parts: &[Part<'_>], without: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let segments = parts.split(|part| matches!(part, Part::Slash)).skip(1);
    'segments: for segment in segments {
        let (mut head, mut tail, mut has_text) = (String::new(), String::new(), false);
        for part in segment {
            match part {
                Part::Text(text) if has_text => tail.push_str(text),
                Part::Text(text) => head.push_str(text),
                Part::Expression(Expression::One(_)) => {
                    has_text = true;
                    tail.clear();
                }
                Part::Expression(Expression::Rest(_) | Expression::Unknown) if !without => {
                    pieces.push(Piece::Anything { head });
                    break 'segments;
                }
                Part::Expression(_) | Part::Slash => {}
            }
        }
        match head.replace("%2e", ".").replace("%2E", ".").as_str() {
            // As the parser of a client's address takes them (URL Standard, path state).
            "." if !has_text => {}
            ".." if !has_text => {
                pieces.pop();
            }
            _ if has_text => pieces.push(Piece::Text { head: literal(&head), tail: literal(&tail) }),
            _ => pieces.push(Piece::Literal(literal(&head))),
        }
    }
    pieces
}

/// Returns a literal as a pattern would have it.
fn literal(text: &str) -> String {
    let pattern = Pattern::parse(&format!("/{text}"));
    pattern
        .ok()
        .and_then(|pattern| pattern.as_str().strip_prefix('/').map(str::to_owned))
        .unwrap_or_else(|| text.to_owned())
}

fn is_literal(form: &[Piece]) -> bool {
    form.iter().all(|piece| matches!(piece, Piece::Literal(_)))
}

/// Checks whether a route with these segments takes some request of the form.
fn takes(segments: &[&str], form: &[Piece]) -> bool {
    match (segments, form) {
        ([REST], _) | ([], []) => true,
        ([], [Piece::Anything { head }]) => head.is_empty(),
        ([first, ..], [Piece::Anything { head }]) => *first == PARAMETER || first.starts_with(head.as_str()),
        ([first, segments @ ..], [piece, form @ ..]) => {
            let fits = match piece {
                Piece::Literal(text) => *first == PARAMETER && !text.is_empty() || first == text,
                Piece::Text { .. } if *first == PARAMETER => true,
                Piece::Text { head, tail } => {
                    first.len() > head.len() + tail.len()
                        && first.starts_with(head.as_str())
                        && first.ends_with(tail.as_str())
                }
                Piece::Anything { .. } => true,
            };
            fits && takes(segments, form)
        }
        ([], _) | (_, []) => false,
    }
}

/// Checks whether a route with these segments matches every request of the form.
fn holds(segments: &[&str], form: &[Piece]) -> bool {
    match (segments, form) {
        ([REST], _) | ([], []) => true,
        ([first, segments @ ..], [piece, form @ ..]) => {
            let fits = match piece {
                Piece::Literal(text) => *first == PARAMETER && !text.is_empty() || first == text,
                Piece::Text { .. } => *first == PARAMETER,
                Piece::Anything { .. } => false,
            };
            fits && holds(segments, form)
        }
        ([], _) | (_, []) => false,
    }
}

fn shape(pattern: &Pattern) -> String {
    let segments = pattern.as_str().split('/').map(|segment| match segment {
        _ if !segment.starts_with('{') => segment,
        _ if segment.ends_with("+}") => REST,
        _ => PARAMETER,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Returns the segment of a template at an index, as it is written.
fn shown(text: &str, index: usize) -> &str {
    text.split('/').nth(index + 1).unwrap_or(text)
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
            ("a greedy one of another gateway", "/a/{proxy+}", "/a/{proxy+}", "/a/{.+}"),
            ("one of RFC 6570", "/a/{+name}", "/a/{name+}", "/a/{.+}"),
            ("one of a router", "/a/{*path}", "/a/{path+}", "/a/{.+}"),
            ("one with a rule", "/a/{name=**}", "/a/{name+}", "/a/{.+}"),
            ("one with an expression", "/a/{name:.*}", "/a/{name+}", "/a/{.+}"),
            ("an expression for a segment", "/a/{id:[0-9]+}/b", "/a/{id}/b", "/a/{}/b"),
            ("one in angle brackets", "/a/<int:id>/<b>", "/a/{id}/{b}", "/a/{}/{}"),
            ("a rest in angle brackets", "/a/<path:rest>", "/a/{rest+}", "/a/{.+}"),
            ("a colon inside", "/orders:batch", "/orders:batch", "/orders:batch"),
            ("two spellings of a literal", "/caf%c3%a9", "/caf%c3%a9", "/caf%C3%A9"),
        ];
        for (message, text, pattern, shape) in table {
            let template = Template::read(text).unwrap();
            assert_eq!((template.pattern.as_str(), template.shape.as_str()), (pattern, shape), "{message}");
            assert_eq!(template.hint.is_some(), shape.ends_with(REST), "{message}");
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
            ("/a?b={c}", "has a query or a fragment"),
            ("/a?b=c", "has a query or a fragment"),
            ("/a#b", "has a query or a fragment"),
            ("/a{?b,c}", "has a query or a fragment"),
            ("/a/{b+}/c", "\"b\" stands for several segments"),
            ("/a/{+b}/c", "\"b\" stands for several segments"),
            ("/a/{;b}", "more than a name"),
            ("/a/{b:[^a]+}", "more than a name"),
            ("/a{/b}", "a part of the segment"),
            ("/a//b", "double slash"),
            ("/*", "\"*\""),
            ("a", "does not begin"),
            ("/a/../b", ".."),
            ("/a/$env.B/c", "a reference"),
            ("/a/b$secret.C", "a reference"),
        ];
        for (text, expected) in table {
            let error = Template::read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_route_covers_what_it_would_take() {
        let table = [
            ("/{page}", "/report-{id}", true, "a parameter for a part of a segment"),
            ("/a/{x}", "/a/{y}.json", true, "below a literal"),
            ("/a/{x}", "/b/{y}.json", false, "below another literal"),
            ("/{x}", "/a/{y}.json", false, "of another length"),
            ("/report-5", "/report-{id}", false, "a literal is the more specific one, in OpenAPI too"),
            ("/{x}/list", "/{y}.json/list", true, "before a literal"),
            ("/{x}/list.csv", "/report-{id}/{name}.csv", true, "a literal that the other may be"),
            ("/{x}/list.json", "/report-{id}/{name}.csv", false, "a literal that the other cannot be"),
            ("/reports", "/reports?kind=salary", true, "a query is no part of a path"),
            ("/reports", "/reports#salary", true, "nor is a fragment"),
            ("/reports", "/reports{?kind}", true, "nor is an expression for a query"),
            ("/reports/{x}", "/reports?kind=salary", false, "of another length, without its query"),
            ("/b", "/a/../b", true, "dot segments, as clients resolve them"),
            ("/b", "/%2E/b", true, "dot segments, encoded"),
            ("/a/b", "/a//b", true, "two slashes, which an upstream may take for one"),
            ("/a/{x}/{y}", "/a/{rest+}/b", true, "some of several segments"),
            ("/a/{rest+}", "/a/{x}/{y}.csv", true, "the rest"),
            ("/{rest+}", "/a/{;x}", true, "the rest, of what is no name"),
            ("/a/{x}", "/a{/x}", true, "a slash out of an expression"),
            ("/a", "/a{;x}", true, "an expression that may be absent"),
            ("/{x}", "a", true, "a path without its slash"),
            ("/{x}", "/report-<id>", true, "a part of a segment, in angle brackets"),
            ("/caf%c3%a9", "/café?x=1", true, "two spellings of a literal"),
        ];
        for (route, other, expected, message) in table {
            let reach = Reach::read(other);
            assert_eq!(Template::read(route).unwrap().covers(&reach), expected, "{message}: {route}, {other}");
        }
    }
}
