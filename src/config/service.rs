//! `services` and `serviceBindings`: JavaScript beside the gateway, and other Workers.

use super::code::Code;
use super::diagnostic::nearest;
use super::reader::{
    Findings, ObjectReader, Place, TextsByName, Written, choose, index_names, note_if_empty, read_array, shown, told,
};

/// The older gateway's word for the type of an RPC, of which there is one.
pub(super) const RPC_TYPE: &str = "service_binding";

/// The key of a module's name.
const ENTRYPOINT: &str = "entrypoint";

/// A function of another Worker.
#[derive(Clone)]
pub struct Rpc {
    /// The binding of the Worker.
    pub binding: String,
    /// The function's name.
    pub function: String,
}

/// The services that paths may name, by alias.
pub(super) struct Services<'s> {
    modules: TextsByName<'s>,
    bindings: TextsByName<'s>,
    lists: &'s ServiceLists,
}

/// The sections as they stand.
#[derive(Default)]
pub(super) struct ServiceLists {
    /// Modules: alias and name.
    modules: Vec<(String, String)>,
    /// Other Workers: alias and binding.
    bindings: Vec<(String, String)>,
    /// The names of those modules, and the bindings, that take each path as it is written.
    strict_modules: Vec<String>,
    strict_bindings: Vec<String>,
}

/// Reads the sections.
pub(super) fn read_services(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> ServiceLists {
    let mut lists = ServiceLists::default();
    lists.modules = read_aliases(root, "services", ENTRYPOINT, &mut lists.strict_modules, findings);
    // The older gateway's former name is the second; of an alias in both, this one counts less.
    for section in ["serviceBindings", "servicesBindings"] {
        lists.bindings.extend(read_aliases(root, section, "binding", &mut lists.strict_bindings, findings));
    }
    lists
}

/// Gives the name of the module at an entry point: `./services/a.js` and `services/a` are the same.
pub(crate) fn module_name(entrypoint: &str) -> &str {
    let mut name = entrypoint;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    name.strip_suffix(".js").unwrap_or(name)
}

fn read_aliases(
    root: &mut ObjectReader<'_>,
    section: &'static str,
    target_key: &'static str,
    strict: &mut Vec<String>,
    findings: &mut Findings<'_>,
) -> Vec<(String, String)> {
    let place = Place::Key(root.place(), section);
    let items = root.node(section).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut aliases: Vec<(String, String)> = Vec::new();
    let mut written_at = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&place, index);
        let Some(mut object) = ObjectReader::open(item, &place, findings) else { continue };
        let alias = object.required_text("alias", findings);
        let target = object.required_text(target_key, findings);
        for (key, written) in [("alias", &alias), (target_key, &target)] {
            note_if_empty(written.as_ref(), &Place::Key(&place, key), findings);
        }
        let strict_paths = object.boolean("strict_paths", false, findings);
        object.finish(findings);
        let (Some(alias), Some(target)) = (alias, target) else { continue };
        let name = alias.value().unwrap_or_default();
        let target = target.value().unwrap_or_default();
        let target = if target_key == ENTRYPOINT { module_name(target) } else { target };
        if strict_paths {
            strict.push(target.to_owned());
        }
        aliases.push((name.to_owned(), target.to_owned()));
        written_at.push((index, alias.offset, shown(&alias).to_owned()));
    }
    let names = index_names(aliases.iter().map(|(name, _)| name.as_str()));
    for (at, ((name, _), (index, offset, shown))) in aliases.iter().zip(written_at).enumerate() {
        if names.get(name.as_str()).is_some_and(|first| *first != at) && !findings.is_full() {
            let message = format!("a second entry is called \"{shown}\"");
            let help = told(|| "give one of them another alias".to_owned());
            let place = Place::Index(&place, index);
            findings.note(offset, &Place::Key(&place, "alias"), Code::DuplicateAlias, message, help);
        }
    }
    aliases
}

impl<'s> Services<'s> {
    /// Prepares the look-up by alias.
    pub(super) fn of(lists: &'s ServiceLists) -> Self {
        Self { modules: TextsByName::of(&lists.modules), bindings: TextsByName::of(&lists.bindings), lists }
    }

    /// Tells whether a module, by its name, takes each path as it is written.
    pub(super) fn is_strict_module(&self, name: &str) -> bool {
        self.lists.strict_modules.iter().any(|strict| strict == name)
    }

    /// Tells whether another Worker, by its binding, takes each path as it is written.
    pub(super) fn is_strict_binding(&self, binding: &str) -> bool {
        self.lists.strict_bindings.iter().any(|strict| strict == binding)
    }

    /// Reads the `binding` of an integration, which is the alias of a module.
    pub(super) fn read_module(&self, object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Option<String> {
        read_alias(object, &self.modules, "services", findings)
    }

    /// Reads the `binding` of an object, which is the alias of another Worker, and its `function`.
    pub(super) fn read_binding(
        &self,
        object: &mut ObjectReader<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<(String, Option<String>)> {
        let binding = read_alias(object, &self.bindings, "serviceBindings", findings);
        let function = object.text("function", findings);
        if let Some(written) = &function {
            note_function(written, &Place::Key(object.place(), "function"), findings);
        }
        let function = function.and_then(|written| written.value().map(str::to_owned));
        Some((binding?, function))
    }

    /// Reads the function of another Worker that the object has at `key`; `None` where it has none.
    pub(super) fn read_rpc(
        &self,
        object: &mut ObjectReader<'_>,
        key: &'static str,
        findings: &mut Findings<'_>,
    ) -> Option<Rpc> {
        let node = object.node(key)?;
        let place = Place::Key(object.place(), key);
        let mut reader = ObjectReader::open(node, &place, findings)?;
        if let Some(kind) = reader.text("type", findings) {
            choose(&kind, &[(RPC_TYPE, ())], &Place::Key(&place, "type"), findings);
        }
        reader.required("function", findings);
        let found = self.read_binding(&mut reader, findings);
        reader.finish(findings);
        let (binding, function) = found?;
        Some(Rpc { binding, function: function? })
    }
}

/// What every object or stub has, and nobody calls on purpose.
pub(super) const UNCALLABLE: [&str; 11] = [
    "__proto__",
    "connect",
    "constructor",
    "dup",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "then",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Notes what could be no method of a Worker's entry point.
fn note_function(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    let Some(name) = written.value() else { return };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if !is_name || UNCALLABLE.contains(&name) {
        let message = format!("\"{}\" is no name of a function to call", shown(written));
        let help = told(|| "name a method of the Worker's entry point".to_owned());
        findings.note(written.offset, place, Code::InvalidName, message, help);
    }
}

fn read_alias(
    object: &mut ObjectReader<'_>,
    known: &TextsByName<'_>,
    section: &str,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let written = object.required_text("binding", findings)?;
    let alias = written.value()?;
    if let Some(target) = known.get(alias) {
        return Some(target.to_owned());
    }
    let help = told(|| match nearest(alias, known.names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add it to \"{section}\""),
    });
    let message = format!("no entry of \"{section}\" is called \"{}\"", shown(&written));
    findings.note(written.offset, &Place::Key(object.place(), "binding"), Code::UnknownService, message, help);
    None
}
