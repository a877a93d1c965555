//! `services` and `serviceBindings`: JavaScript beside the gateway, and other Workers.

use super::document::Node;
use super::host_only::HostOnly;
use super::reader::{
    Findings, ObjectReader, Place, Written, choose, index_names, note_if_empty, read_array, shown, told,
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

/// An entry of one of the sections.
#[derive(Clone)]
pub(crate) struct WrittenService<'n> {
    /// Its place in its section.
    index: usize,
    /// The name by which paths call it.
    pub alias: Written<'n>,
    /// The entry point of the module, or the binding of the other Worker.
    pub target: Written<'n>,
    /// The module's name, or the binding, if that is known here.
    pub leads_to: Option<&'n str>,
    /// Whether it takes each path as it is written.
    pub strict_paths: bool,
}

impl WrittenService<'_> {
    /// Returns the alias; an empty text if it is not known here.
    pub fn name(&self) -> &str {
        self.alias.value().unwrap_or_default()
    }
}

/// A function of another Worker, as a path names it.
#[derive(Clone)]
pub(crate) struct WrittenCall<'n> {
    /// The alias of the Worker.
    pub binding: Option<Written<'n>>,
    /// The function's name.
    pub function: Option<Written<'n>>,
    /// The object that names it.
    pub node: HostOnly<&'n Node<'n>>,
}

/// Reads `services`, the modules.
pub(super) fn read_modules<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    read_section(root, "services", ENTRYPOINT, findings)
}

/// Reads `serviceBindings`, the other Workers. The older gateway's former name is the second; of an alias in both, this one
/// counts less.
pub(super) fn read_workers<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    let mut workers = read_section(root, "serviceBindings", "binding", findings);
    workers.extend(read_section(root, "servicesBindings", "binding", findings));
    workers
}

/// Gives the name of the module at an entry point: `./services/a.js` and `services/a` are the same.
pub(crate) fn module_name(entrypoint: &str) -> &str {
    let mut name = entrypoint;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    name.strip_suffix(".js").unwrap_or(name)
}

fn read_section<'n>(
    root: &mut ObjectReader<'n, '_>,
    section: &'static str,
    target_key: &'static str,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    let place = Place::Key(root.place(), section);
    let items = root.node(section).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut services: Vec<WrittenService<'n>> = Vec::new();
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
        let leads_to = target.value().map(|target| if target_key == ENTRYPOINT { module_name(target) } else { target });
        services.push(WrittenService { index, alias, target, leads_to, strict_paths });
    }
    let names = index_names(services.iter().map(WrittenService::name));
    for (at, service) in services.iter().enumerate() {
        if names.get(service.name()).is_some_and(|first| *first != at) && !findings.is_full() {
            let message = format!("a second entry is called \"{}\"", shown(&service.alias));
            let help = told(|| "give one of them another alias".to_owned());
            let place = Place::Index(&place, service.index);
            findings.note(service.alias.offset, &Place::Key(&place, "alias"), "duplicate_alias", message, help);
        }
    }
    services
}

/// Reads the `binding` of an object, which is the alias of another Worker, and its `function`.
pub(super) fn read_call<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> WrittenCall<'n> {
    let binding = object.required_text("binding", findings);
    let function = object.text("function", findings);
    if let Some(written) = &function {
        note_function(written, &Place::Key(object.place(), "function"), findings);
    }
    let node = object.itself();
    WrittenCall { binding, function, node: HostOnly::of(|| node) }
}

/// Reads the function of another Worker that the object has at `key`; `None` if it has none.
pub(super) fn read_rpc<'n>(
    object: &mut ObjectReader<'n, '_>,
    key: &'static str,
    findings: &mut Findings<'_>,
) -> Option<WrittenCall<'n>> {
    let node = object.node(key)?;
    let place = Place::Key(object.place(), key);
    let mut reader = ObjectReader::open(node, &place, findings)?;
    if let Some(kind) = reader.text("type", findings) {
        choose(&kind, &[(RPC_TYPE, ())], &Place::Key(&place, "type"), findings);
    }
    reader.required("function", findings);
    let call = read_call(&mut reader, findings);
    reader.finish(findings);
    Some(call)
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
        findings.note(written.offset, place, "invalid_name", message, help);
    }
}
