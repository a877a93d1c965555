//! Reads typed values out of the tree and gathers every mistake on the way.
//!
//! A reader never stops at the first mistake: it records it and continues, so that one run reports them all. The keys an object
//! may have are those that it was asked for, and only declared ones can be asked for ([`super::key`]).

use crate::config::code::Code;
use crate::json::number_text;
use crate::places::Places;
use std::borrow::Cow;
use std::fmt;

use super::diagnostic::{Diagnostic, LineIndex, nearest};
use super::document::{Member, Node, Origin, Text, Value};
use super::form::Form;
use super::host_only::HostOnly;
use super::key::{self, Boolean, Choice, Integer, Key, Limit, OneOf, Texts};
pub use super::place::Place;
#[cfg(not(target_os = "unknown"))]
use super::right_form::{right_form, right_place};

/// The most mistakes that are reported for one file: a hostile one could have millions.
const MISTAKES_MAX: usize = 1_000;

/// The mistakes found so far.
#[derive(Clone)]
pub struct Findings<'s> {
    lines: LineIndex<'s>,
    /// With the offset of each, in the order of the file.
    found: Vec<(usize, Diagnostic)>,
}

impl<'s> Findings<'s> {
    /// Begins with none.
    pub fn new(source: &'s str) -> Self {
        Self { lines: LineIndex::new(source), found: Vec::new() }
    }

    /// Notes a mistake or a warning at a byte offset; of more than [`MISTAKES_MAX`], the first that were found.
    pub fn note(&mut self, offset: usize, place: &Place<'_>, code: Code, message: fmt::Arguments<'_>, help: Help) {
        if self.is_full() {
            return;
        }
        let (line, column) = self.lines.locate(offset);
        let (path, message) = (printable(place.to_string()), printable(message.to_string()));
        let Advice { text, keys } = help.into_inner();
        #[cfg(not(target_os = "unknown"))]
        let text = right_form(code, place, &keys).map(str::to_owned).or(text);
        let (help, keys) = (text.map(printable), HostOnly::of(|| keys));
        let diagnostic = Diagnostic { code, path, offset, line, column, message, help, keys };
        let after = self.found.partition_point(|(before, _)| *before <= offset);
        self.found.insert(after, (offset, diagnostic));
    }

    /// Notes what is wrong with a text, which the message shows if it may.
    pub fn refuse(&mut self, written: &Written<'_>, place: &Place<'_>, code: Code, wrong: &str, help: Help) {
        let message = format_args!("\"{}\" {wrong}", shown(written));
        self.note(written.offset, place, code, message, help);
    }

    /// Checks whether no more will be reported, so that nothing more need be looked for.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MISTAKES_MAX
    }

    /// As [`host_help`], for what is looked for among many names: no help if no more will be reported.
    #[inline(always)]
    pub fn searched_help(&self, text: impl FnOnce() -> String) -> Help {
        host_help(|| if self.is_full() { String::new() } else { text() })
    }

    /// Returns line and column of a byte offset.
    pub fn locate(&self, offset: usize) -> (usize, usize) {
        self.lines.locate(offset)
    }

    /// Checks whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the mistakes in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}

/// The longest that a message is, in bytes: what it quotes may be megabytes.
const MESSAGE_MAX_BYTES: usize = 1_000;

/// Cuts what is too long, and escapes control characters, which would break a line or move a terminal's cursor.
fn printable(mut text: String) -> String {
    if text.len() > MESSAGE_MAX_BYTES {
        text.truncate(text.floor_char_boundary(MESSAGE_MAX_BYTES));
        text.push('…');
    }
    if !text.chars().any(char::is_control) {
        return text;
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.push_str(&c.escape_default().to_string());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// What is said of a mistake besides its message, on the host.
pub type Help = HostOnly<Advice>;

/// What is said of a mistake besides its message.
#[derive(Default)]
pub struct Advice {
    /// What to do about it.
    text: Option<String>,
    /// The keys that it is about, as [`Diagnostic`] has them.
    keys: Vec<&'static str>,
}

impl Help {
    /// Names the keys that the mistake is about.
    #[inline(always)]
    pub fn about(self, keys: impl IntoIterator<Item = &'static str>) -> Self {
        Self::of(|| Advice { keys: keys.into_iter().collect(), ..self.into_inner() })
    }
}

/// Returns the help for a mistake, on the host only: `bargate check` prints it; the Worker's log has code, place and message.
#[inline(always)]
pub fn host_help(text: impl FnOnce() -> String) -> Help {
    HostOnly::of(|| Advice { text: Some(text()), ..Advice::default() })
}

/// Returns help of fixed words, on the host only.
#[inline(always)]
pub fn advice(words: &str) -> Help {
    host_help(|| words.to_owned())
}

/// Returns a part of a help: on the host the text, in the Worker an empty one.
#[inline(always)]
pub const fn host_text(text: &'static str) -> &'static str {
    if cfg!(target_os = "unknown") { "" } else { text }
}

/// A text of the config with the place to blame for it.
#[derive(Clone, Copy)]
pub struct Written<'n> {
    /// The text and its origin.
    pub text: &'n Text<'n>,
    /// Byte offset in the source.
    pub offset: usize,
}

impl<'n> Written<'n> {
    /// Returns the text, or `None` while its reference has no value.
    pub fn value(&self) -> Option<&'n str> {
        self.text.value.as_deref()
    }

    /// Returns the text, if it is in the file and not a reference.
    #[cfg(not(target_os = "unknown"))]
    pub fn in_file(&self) -> Option<&'n str> {
        self.value().filter(|_| self.text.origin == Origin::File)
    }

    /// Returns the text as an own one, or `None` while its reference has no value.
    pub fn to_text(self) -> Option<String> {
        self.value().map(str::to_owned)
    }
}

#[cfg(not(target_os = "unknown"))]
impl<'s> Node<'s> {
    /// Returns what an object has at a key.
    pub fn at<S>(&self, key: &Key<S>) -> Option<&Self> {
        self.get(key.name)
    }

    /// Returns the text of a string with its place.
    pub fn written(&self) -> Option<Written<'_>> {
        match &self.value {
            Value::Text(text) => Some(Written { text, offset: self.offset }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// Reads the members of one object.
pub struct ObjectReader<'n, 'p> {
    node: &'n Node<'n>,
    members: &'n [Member<'n>],
    place: &'p Place<'p>,
    known: Vec<&'static str>,
}

impl<'n, 'p> ObjectReader<'n, 'p> {
    /// Begins to read `node`, and reports it if it is not an object or has a key twice.
    pub fn open(node: &'n Node<'n>, place: &'p Place<'p>, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Object(members) = &node.value else {
            note_type(node, place, "an object", findings);
            return None;
        };
        let mut first_places = Places::default();
        for member in members {
            if let Some(first) = first_places.add((&*member.key).into(), member.key_offset)
                && !findings.is_full()
            {
                let (line, column) = findings.locate(first);
                let message = format_args!("the key \"{}\" is a duplicate; first at {line}:{column}", member.key);
                findings.note(member.key_offset, place, Code::DuplicateKey, message, advice("keep one of the two"));
            }
        }
        Some(Self { node, members, place, known: Vec::new() })
    }

    /// Returns the place of this object.
    pub fn place(&self) -> &'p Place<'p> {
        self.place
    }

    /// Returns the offset of this object.
    pub fn offset(&self) -> usize {
        self.node.offset
    }

    /// Returns the object itself.
    pub fn itself(&self) -> &'n Node<'n> {
        self.node
    }

    /// Returns the number of keys that the object was asked for.
    pub fn known_keys(&self) -> usize {
        self.known.len()
    }

    /// Returns the first member whose key it was asked for after so many others.
    pub fn first_present_since(&self, known_keys: usize) -> Option<&'n Member<'n>> {
        let since = self.known.get(known_keys..)?;
        self.members.iter().find(|member| since.contains(&&*member.key))
    }

    /// Returns the value of `key` if the object has it; `null` is one, for else a key that restricts could be lost in silence.
    pub fn node<S>(&mut self, key: &Key<S>) -> Option<&'n Node<'n>> {
        self.member(key.name)
    }

    fn member(&mut self, name: &'static str) -> Option<&'n Node<'n>> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.members.iter().find(|member| member.key == name).map(|member| &member.node)
    }

    /// Returns the value of `key` and reports it if it is absent.
    pub fn required<S>(&mut self, key: &Key<S>, findings: &mut Findings<'_>) -> Option<&'n Node<'n>> {
        self.needed(key.name, true, findings)
    }

    fn needed(&mut self, name: &'static str, is_required: bool, findings: &mut Findings<'_>) -> Option<&'n Node<'n>> {
        let node = self.member(name);
        if node.is_none() && is_required {
            let message = format_args!("the key \"{name}\" is missing");
            findings.note(self.node.offset, self.place, Code::MissingKey, message, Help::default().about([name]));
        }
        node
    }

    /// Returns the string at `key`, and reports one that is empty if the key's form is [`Form::NotEmpty`].
    pub fn text(&mut self, key: &Key<key::Text>, findings: &mut Findings<'_>) -> Option<Written<'n>> {
        let node = self.needed(key.name, key.is_required, findings)?;
        let written = read_text(node, &key.at(self.place), findings)?;
        if key.shape.0 == Form::NotEmpty && written.value() == Some("") {
            findings.note(
                written.offset,
                &key.at(self.place),
                Code::EmptyValue,
                format_args!("the value is empty"),
                Help::default(),
            );
        }
        Some(written)
    }

    /// Returns the string at `key` and its meaning; reports one without a meaning.
    pub fn choice<T: Copy>(
        &mut self,
        key: &Key<Choice<T>>,
        findings: &mut Findings<'_>,
    ) -> Option<(Written<'n>, Option<T>)> {
        let node = self.needed(key.name, key.is_required, findings)?;
        let place = key.at(self.place);
        let written = read_text(node, &place, findings)?;
        let chosen = choose(&written, key.shape.0, &place, findings);
        Some((written, chosen))
    }

    /// Returns the boolean at `key`, or false if it is absent.
    pub fn boolean(&mut self, key: &Key<Boolean>, findings: &mut Findings<'_>) -> bool {
        match self.node(key) {
            None => false,
            Some(Node { value: Value::Bool(value), .. }) => *value,
            Some(node) => {
                note_type(node, &key.at(self.place), "true or false", findings);
                false
            }
        }
    }

    /// Returns the whole number at `key`, or its default if it is absent.
    pub fn integer(&mut self, key: &Key<Integer>, findings: &mut Findings<'_>) -> u32 {
        let Integer { min, max, default } = key.shape;
        self.number(key.name, false, min, max, findings).unwrap_or(default)
    }

    /// Returns the whole number at `key`.
    pub fn limit(&mut self, key: &Key<Limit>, findings: &mut Findings<'_>) -> Option<u32> {
        let Limit { min, max } = key.shape;
        self.number(key.name, key.is_required, min, max, findings)
    }

    fn number(
        &mut self,
        name: &'static str,
        is_required: bool,
        min: u32,
        max: u32,
        findings: &mut Findings<'_>,
    ) -> Option<u32> {
        let node = self.needed(name, is_required, findings)?;
        let value = whole_number(node).filter(|value| (min..=max).contains(value));
        if value.is_none() {
            let expected = format!("a whole number from {min} to {max}");
            note_type(node, &Place::Key(self.place, name), &expected, findings);
        }
        value
    }

    /// Returns the whole number at `key`, which must be one of its choices, or its default if it is absent.
    pub fn one_of(&mut self, key: &Key<OneOf>, findings: &mut Findings<'_>) -> u32 {
        let OneOf { choices, default } = key.shape;
        let Some(node) = self.node(key) else { return default };
        whole_number(node).filter(|value| choices.contains(value)).unwrap_or_else(|| {
            let choices: Vec<_> = choices.iter().map(u32::to_string).collect();
            note_type(node, &key.at(self.place), &format!("one of {}", choices.join(", ")), findings);
            default
        })
    }

    /// Returns the strings of the array at `key`; none if it is absent.
    pub fn texts(&mut self, key: &Key<Texts>, findings: &mut Findings<'_>) -> Vec<Written<'n>> {
        let place = key.at(self.place);
        let node = self.needed(key.name, key.is_required, findings);
        let items = node.map(|node| read_array(node, &place, findings)).unwrap_or_default();
        let items = items.iter().enumerate();
        items
            .map_while(|(index, item)| {
                (!findings.is_full()).then(|| read_text(item, &Place::Index(&place, index), findings))
            })
            .flatten()
            .collect()
    }

    /// Reads `allow`, the codes of warnings that are not reported for this object: only the review reads them.
    pub fn allowed_warnings(&mut self, findings: &mut Findings<'_>) -> HostOnly<Vec<Written<'n>>> {
        let codes = self.texts(&key::ALLOW, findings);
        HostOnly::of(|| codes)
    }

    /// Returns all members; for objects with free keys, in which a key that begins with `x-` is one like others.
    pub fn free_members(&self) -> &'n [Member<'n>] {
        self.members
    }

    /// Reports each unknown key, except the user's own.
    pub fn finish(self, findings: &mut Findings<'_>) {
        self.note_unknown(None, findings);
    }

    /// Reports each key that was not read, in an object in which a name from one level below would look like a key of the user's
    /// own: headers begin with `x-`, too. `belongs` says where.
    pub fn finish_beside_names(self, belongs: &'static str, findings: &mut Findings<'_>) {
        self.note_unknown(Some(belongs), findings);
    }

    fn note_unknown(self, belongs: Option<&'static str>, findings: &mut Findings<'_>) {
        for member in self.members {
            let own = belongs.is_none() && member.key.starts_with("x-");
            if own || self.known.contains(&member.key.as_ref()) {
                continue;
            }
            if findings.is_full() {
                return;
            }
            let help = HostOnly::of(|| {
                let meant = nearest(&member.key, self.known.iter().copied());
                #[cfg(not(target_os = "unknown"))]
                if let Some(place) = right_place(self.place, &member.key) {
                    return Advice { text: Some(place), keys: Vec::new() };
                }
                let text = match (meant, belongs) {
                    (Some(key), _) => format!("did you mean \"{key}\"?"),
                    (None, Some(belongs)) => format!("{belongs}; your own keys are errors here"),
                    (None, None) => {
                        format!("known keys: {}; keys of your own begin with \"x-\"", self.known.join(", "))
                    }
                };
                Advice { text: Some(text), keys: meant.into_iter().collect() }
            });
            let message = format_args!("unknown key \"{}\"", member.key);
            findings.note(member.key_offset, self.place, Code::UnknownKey, message, help);
        }
    }
}

/// Returns the string in `node` and reports it if it is something else.
pub fn read_text<'n>(node: &'n Node<'n>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Written<'n>> {
    match &node.value {
        Value::Text(text) => Some(Written { text, offset: node.offset }),
        _ => {
            note_type(node, place, "a string", findings);
            None
        }
    }
}

fn whole_number(node: &Node<'_>) -> Option<u32> {
    match &node.value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    }
}

/// Checks whether a section is there that may be `true`, `false` or an object.
#[inline(never)]
pub fn is_on(node: &Node<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> bool {
    match &node.value {
        Value::Bool(is_on) => *is_on,
        Value::Object(_) => true,
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Array(_) => {
            note_type(node, place, "true, false or an object", findings);
            false
        }
    }
}

/// Returns the items of the array in `node`; none, and a mistake, if it is something else.
pub fn read_array<'n>(node: &'n Node<'n>, place: &Place<'_>, findings: &mut Findings<'_>) -> &'n [Node<'n>] {
    match &node.value {
        Value::Array(items) => items,
        _ => {
            note_type(node, place, "an array", findings);
            &[]
        }
    }
}

/// Notes that a value has the wrong type or size.
pub fn note_type(node: &Node<'_>, place: &Place<'_>, expected: &str, findings: &mut Findings<'_>) {
    let found: Cow<'_, str> = match &node.value {
        Value::Number(number) => number_text(number).into(),
        value => value.type_name().into(),
    };
    let message = format_args!("expected {expected}, found {found}");
    let help = HostOnly::of(|| Advice { text: brackets(&node.value, expected), ..Advice::default() });
    findings.note(node.offset, place, Code::WrongType, message, help);
}

/// Returns the help for missing or needless brackets; `None` for other values.
fn brackets(value: &Value<'_>, expected: &str) -> Option<String> {
    Some(match (value, expected) {
        (Value::Text(Text { origin: Origin::File, value: Some(text), .. }), "an array") => {
            let items = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
            let items: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
            format!("put it into brackets: [{}]", items.join(", "))
        }
        (Value::Text(_) | Value::Object(_), "an array") => "put it into brackets".to_owned(),
        (Value::Array(items), "a string" | "an object") if items.len() == 1 => "remove the brackets".to_owned(),
        _ => return None,
    })
}

/// Returns the value of the choice that `written` names, and reports it if it names none.
pub fn choose<T: Copy>(
    written: &Written<'_>,
    choices: &[(&'static str, T)],
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let value = written.value()?;
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == value) {
        return Some(*choice);
    }
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let help = host_help(|| match nearest(value, names.iter().copied()) {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => format!("one of: {}", names.join(", ")),
    });
    findings.refuse(written, place, Code::UnknownValue, "is not known here", help);
    None
}

/// Returns the place of each name, of a duplicate the first; an empty name has none.
pub fn index_names<'v>(names: impl Iterator<Item = &'v str>) -> Places<'v> {
    let mut index = Places::default();
    for (place, name) in names.enumerate().filter(|(_, name)| !name.is_empty()) {
        index.add(name.into(), place);
    }
    index
}

/// Returns a text as a message may show it: never one that came from a binding.
pub fn shown<'w>(written: &'w Written<'_>) -> &'w str {
    match (written.text.origin, written.value()) {
        (Origin::File, Some(value)) => value,
        (Origin::Secret, _) => "[secret]",
        (Origin::Env, _) | (_, None) => "[variable]",
    }
}
