//! The description of a config: sections, their keys, and the shape of each value. The schema, the reference and the review
//! of a change are made of it. No byte of this is part of the Worker.

mod change;
mod prose;
mod tree;

use std::ops::RangeInclusive;

use super::form::Form;
use super::key::{self, Boolean, Choice, Integer, Key, Limit, OneOf, Text, Texts};
pub(crate) use change::Change;
use prose::{first_paragraph, plain};
pub use tree::Json;
pub(crate) use tree::{list, member_name, object};

/// An object of the config.
pub struct Section {
    /// Its name among the `$defs`.
    pub name: &'static str,
    /// Its heading in the reference.
    pub title: String,
    /// What it is for, in Markdown; a blank line parts paragraphs, and the first is what editors show.
    pub about: String,
    /// The keys that it may have.
    pub keys: Vec<Entry>,
    /// Whether keys that begin with `x-` are the user's own.
    pub has_notes: bool,
    /// Schemas that apply in addition.
    pub conditions: Vec<Json>,
    /// A whole config that contains it; empty if another section's example shows it.
    pub example: &'static str,
}

/// Objects of one place, whose `type` says which of them one is.
pub struct Union {
    /// Its name among the `$defs`.
    pub name: &'static str,
    /// Its heading in the reference.
    pub title: &'static str,
    /// What it is for, as of a section.
    pub about: String,
    /// What it may be.
    pub sections: Vec<Section>,
}

/// What the config has a definition of.
pub enum Part {
    /// One object.
    One(Section),
    /// Several of one place.
    OneOf(Union),
}

/// A key of an object, with its description.
pub struct Entry {
    /// The key.
    pub name: &'static str,
    /// What a change of it can expose.
    pub change: Change,
    /// What its value may be.
    pub shape: Shape,
    /// Whether the object needs it.
    pub required: bool,
    /// What its absence means, if that is a value.
    pub default: Option<Json>,
    /// The same in words, if it is not a value.
    pub default_words: &'static str,
    /// What its absence means to the review of a change, if that is not the default.
    pub absent_as: Option<Json>,
    /// What it means, in Markdown of one line.
    pub about: String,
    /// Values of it.
    pub examples: Vec<Json>,
    /// What to write instead, if it is another name of something.
    pub deprecated: Option<&'static str>,
}

/// What a value may be. A string may always be a reference instead.
pub enum Shape {
    /// A string.
    Text(Form),
    /// One of these strings.
    Choice(Vec<&'static str>),
    /// One of these strings, and no reference in its place.
    Exactly(Vec<&'static str>),
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer(RangeInclusive<u32>),
    /// One of these numbers.
    Numbers(Vec<u32>),
    /// An array of at least so many items.
    List(Box<Shape>, u32),
    /// An object with free keys, which may have to be of a form.
    Map(Option<Form>, Box<Shape>),
    /// A section, or a union of them, by name.
    Section(&'static str),
    /// Any of several.
    Either(Vec<Shape>),
    /// A number, whole or not.
    Number,
    /// Any JSON.
    Any,
    /// The code of a warning.
    Warning,
}

impl Section {
    /// Begins a section.
    pub fn new(name: &'static str, title: impl Into<String>, about: impl Into<String>) -> Self {
        let (title, about) = (title.into(), about.into());
        Self { name, title, about, keys: Vec::new(), has_notes: true, conditions: Vec::new(), example: "" }
    }

    /// Returns it a key that is declared elsewhere, before its own.
    pub fn key(mut self, key: Entry) -> Self {
        self.keys.push(key);
        self
    }

    /// Takes the user's own keys for names that belong one level below, and so for mistakes.
    pub fn without_notes(mut self) -> Self {
        self.has_notes = false;
        self
    }

    /// Returns it a schema that applies in addition.
    pub fn condition(mut self, condition: Json) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Returns it several.
    pub fn conditions(mut self, conditions: impl IntoIterator<Item = Json>) -> Self {
        self.conditions.extend(conditions);
        self
    }

    /// Returns it a whole config as an example.
    pub fn example(mut self, config: &'static str) -> Self {
        self.example = config;
        self
    }

    /// Returns its `type`, and its names, if it is one of several.
    pub fn kinds(&self) -> Option<(&Entry, Vec<&'static str>)> {
        self.keys.iter().find_map(|key| match &key.shape {
            Shape::Exactly(names) if key.name == "type" => Some((key, names.clone())),
            _ => None,
        })
    }

    /// Returns its entry among the `$defs`.
    pub fn definition(&self) -> Json {
        let mut schema = object! { "description": plain(first_paragraph(&self.about)), "type": "object" };
        let required: Vec<_> = self.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
        if !required.is_empty() {
            schema.set("required", required);
        }
        let properties = self.keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect();
        schema.set("properties", Json::Object(properties));
        if self.has_notes {
            schema.set("patternProperties", object! { "^x-": true });
        }
        schema.set("additionalProperties", false);
        if !self.conditions.is_empty() {
            schema.set("allOf", self.conditions.clone());
        }
        schema
    }
}

impl Union {
    /// Returns the keys of the objects whose `type` is this; none of a type that is not known.
    pub fn keys_of(self, kind: &str) -> Vec<Entry> {
        let is_meant = |section: &Section| section.kinds().is_some_and(|(_, names)| names.contains(&kind));
        self.sections.into_iter().find(is_meant).map(|section| section.keys).unwrap_or_default()
    }

    /// Returns its entry among the `$defs`. Of a type that comes from a binding the other keys are not known.
    ///
    /// Each type is its own condition, so that an editor offers the keys of the given type, and names every type
    /// if it is not one of them.
    pub fn definition(&self) -> Json {
        let (mut names, mut meanings, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        for section in &self.sections {
            let Some((key, of_section)) = section.kinds() else { continue };
            conditions.push(object! {
                "if": object! { "required": list!["type"], "properties": object! { "type": object! { "enum": of_section.clone() } } },
                "then": object! { "$ref": pointer(section.name) },
            });
            meanings.extend(of_section.iter().map(|_| plain(&key.about)));
            names.extend(of_section);
        }
        let example: Vec<_> = names.iter().copied().take(1).collect();
        let known = object! { "enum": names, "enumDescriptions": meanings };
        object! {
            "description": plain(first_paragraph(&self.about)),
            "type": "object",
            "required": list!["type"],
            "properties": object! {
                "type": object! {
                    "description": "Which it is; the other keys go by this one.",
                    "type": "string",
                    "anyOf": list![known, object! { "$ref": Form::Reference.pointer() }],
                    "examples": example,
                }
            },
            "allOf": conditions,
        }
    }
}

impl Extend<Entry> for Section {
    fn extend<I: IntoIterator<Item = Entry>>(&mut self, entries: I) {
        self.keys.extend(entries);
    }
}

/// What a key's declaration says of its values.
pub trait Declared {
    /// Returns what a value may be.
    fn shape(&self) -> Shape;

    /// Returns what an absent value means.
    fn default(&self) -> Option<Json> {
        None
    }
}

impl Declared for Text {
    fn shape(&self) -> Shape {
        Shape::Text(self.0)
    }
}

impl Declared for Texts {
    fn shape(&self) -> Shape {
        Shape::list(Shape::Text(self.0))
    }
}

impl Declared for Boolean {
    fn shape(&self) -> Shape {
        Shape::Boolean
    }

    fn default(&self) -> Option<Json> {
        Some(false.into())
    }
}

impl Declared for Integer {
    fn shape(&self) -> Shape {
        Shape::Integer(self.min..=self.max)
    }

    fn default(&self) -> Option<Json> {
        Some(self.default.into())
    }
}

impl Declared for Limit {
    fn shape(&self) -> Shape {
        Shape::Integer(self.min..=self.max)
    }
}

impl Declared for OneOf {
    fn shape(&self) -> Shape {
        Shape::Numbers(self.choices.to_vec())
    }

    fn default(&self) -> Option<Json> {
        Some(self.default.into())
    }
}

impl<T> Declared for Choice<T> {
    fn shape(&self) -> Shape {
        Shape::Choice(self.0.iter().map(|(name, _)| *name).collect())
    }
}

impl Declared for key::Value {
    fn shape(&self) -> Shape {
        Shape::Any
    }
}

impl<S: Declared> Key<S> {
    /// Returns it with what a change of it can expose, and what it means.
    pub fn entry(&self, change: Change, about: impl Into<String>) -> Entry {
        Entry {
            name: self.name,
            change,
            shape: self.shape.shape(),
            required: self.is_required,
            default: self.shape.default(),
            default_words: if self.is_required { "required" } else { "none" },
            absent_as: None,
            about: about.into(),
            examples: Vec::new(),
            deprecated: None,
        }
    }
}

impl<T: Copy + PartialEq> Key<Choice<T>> {
    /// Returns the first of its names; an empty text if it has none.
    pub fn name_of(&self, value: T) -> &'static str {
        self.shape.0.iter().find(|(_, choice)| *choice == value).map_or("", |(name, _)| name)
    }
}

impl Entry {
    /// Describes the allowed values, if the declaration does not.
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Makes it one that the object needs.
    pub fn required(mut self) -> Self {
        self.required = true;
        self.default_words = "required";
        self
    }

    /// Sets what its absence means.
    pub fn default(mut self, value: impl Into<Json>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Sets what its absence means in the review of a change.
    pub fn absent_as(mut self, value: impl Into<Json>) -> Self {
        self.absent_as = Some(value.into());
        self
    }

    /// Sets the words for its absence.
    pub fn default_words(mut self, words: &'static str) -> Self {
        self.default_words = words;
        self
    }

    /// Returns it a value as an example, besides those that it has.
    pub fn example(mut self, value: impl Into<Json>) -> Self {
        self.examples.push(value.into());
        self
    }

    /// Marks it as another name of something, and says what to write.
    pub fn deprecated(mut self, advice: &'static str) -> Self {
        self.deprecated = Some(advice);
        self
    }

    /// Returns its schema.
    pub fn schema(&self) -> Json {
        let mut schema = object! { "description": plain(&self.about) };
        self.shape.describe(&mut schema);
        if let Some(default) = &self.default {
            schema.set("default", default.clone());
        }
        schema.set("examples", self.examples.clone());
        if let Some(advice) = self.deprecated {
            schema.set("deprecated", true);
            schema.set("deprecationMessage", plain(advice));
        }
        schema
    }
}

impl Shape {
    /// Makes a list of items of one shape.
    pub fn list(items: Self) -> Self {
        Self::List(Box::new(items), 0)
    }

    /// Makes an object with free keys.
    pub fn map(values: Self) -> Self {
        Self::Map(None, Box::new(values))
    }

    /// Makes an object whose keys are names of headers.
    pub fn headers(values: Self) -> Self {
        Self::Map(Some(Form::HeaderKey), Box::new(values))
    }

    /// Returns the name of the section that a value may be.
    pub fn section(&self) -> Option<&'static str> {
        match self {
            Self::Section(name) => Some(name),
            Self::Either(shapes) => shapes.iter().find_map(Self::section),
            _ => None,
        }
    }

    /// Makes an object of constants with free names.
    pub fn scalars() -> Self {
        Self::map(Self::Either(vec![Self::Text(Form::Any), Self::Number, Self::Boolean]))
    }

    fn schema(&self) -> Json {
        let mut schema = object! {};
        self.describe(&mut schema);
        schema
    }

    /// Adds to `schema` what it says of a value.
    fn describe(&self, schema: &mut Json) {
        match self {
            Self::Text(form) => {
                schema.set("type", "string");
                schema.set("$ref", form.pointer());
            }
            Self::Choice(names) => {
                schema.set("type", "string");
                let choices = list![object! { "enum": names.clone() }, object! { "$ref": Form::Reference.pointer() }];
                schema.set("anyOf", choices);
            }
            Self::Exactly(names) => match names.as_slice() {
                [name] => schema.set("const", *name),
                _ => schema.set("enum", names.clone()),
            },
            Self::Boolean => schema.set("type", "boolean"),
            Self::Integer(range) => {
                schema.set("type", "integer");
                schema.set("minimum", *range.start());
                schema.set("maximum", *range.end());
            }
            Self::Numbers(numbers) => {
                schema.set("enum", numbers.iter().map(|number| (*number).into()).collect::<Vec<Json>>());
            }
            Self::List(items, at_least) => {
                schema.set("type", "array");
                schema.set("items", items.schema());
                if *at_least > 0 {
                    schema.set("minItems", *at_least);
                }
            }
            Self::Map(names, values) => {
                schema.set("type", "object");
                if let Some(form) = names {
                    schema.set("propertyNames", object! { "$ref": form.pointer() });
                }
                schema.set("additionalProperties", values.schema());
            }
            Self::Section(name) => schema.set("$ref", pointer(name)),
            Self::Either(shapes) => schema.set("anyOf", shapes.iter().map(Self::schema).collect::<Vec<_>>()),
            Self::Number => schema.set("type", "number"),
            Self::Any => schema.set("$ref", pointer(ANY_JSON)),
            Self::Warning => schema.set("$ref", pointer(WARNING)),
        }
    }
}

/// Name among the `$defs` of the codes of warnings.
pub const WARNING: &str = "warning";

/// Returns `allow`, of the config and of some of its parts.
pub fn allow(about: &str) -> Entry {
    let about = format!("Codes of warnings that `bargate check` is not to tell of {about}. See [warnings](#warnings).");
    let change = Change::Harmless("it silences warnings, and this comparison judges what they warn of");
    let entry = key::ALLOW.entry(change, about).shape(Shape::list(Shape::Warning));
    entry.example(list!["unauthenticated_route"])
}

/// Name among the `$defs` of JSON that is the user's own, in which references are resolved.
pub const ANY_JSON: &str = "json";

/// Returns the entry of that name, which only refuses text that looks like a reference and is not one.
pub fn any_json() -> Json {
    object! {
        "$ref": Form::Words.pointer(),
        "items": object! { "$ref": pointer(ANY_JSON) },
        "additionalProperties": object! { "$ref": pointer(ANY_JSON) },
    }
}

/// Returns the schema by which `condition` implies `consequence`, and says why in `comment`.
///
/// Editors offer the keys that an `if` names, and not those behind a `not`.
pub fn wherever(comment: &str, condition: Json, consequence: Json) -> Json {
    object! { "$comment": comment, "if": object! { "not": condition }, "else": consequence }
}

/// Returns the schema of an object whose `key`, if it is there, fits `schema`.
pub fn with<S>(key: &Key<S>, schema: Json) -> Json {
    object! { "properties": object! { [key]: schema } }
}

/// Returns the schema of an object that has `key`, which fits `schema`.
pub fn having<S>(key: &Key<S>, schema: Json) -> Json {
    object! { "required": list![key.name], "properties": object! { [key]: schema } }
}

/// Returns the schema of an object that has `key`.
pub fn present<S>(key: &Key<S>) -> Json {
    object! { "required": list![key.name] }
}

/// Returns the schema that refuses what `schema` takes, with what an editor is to say of it.
pub fn refused(schema: Json, message: &str) -> Json {
    object! { "not": schema, "errorMessage": message }
}

/// Returns the schema of a key that must be absent, with an editor's message if it is not.
pub fn absent(message: &str) -> Json {
    refused(object! {}, message)
}

/// Returns the address of an entry of the `$defs`.
pub fn pointer(name: &str) -> String {
    format!("#/$defs/{name}")
}
