//! `services` and `serviceBindings`: JavaScript beside the gateway, and other Workers.

use super::integration::keys::service_binding;
use super::key::{Key, Text, Value};
use super::reader::{Findings, ObjectReader, Place, Written, advice, index_names, read_array, shown};
use super::root;
use super::section::section;
use super::server::target;
use crate::config::code::Code;

/// SAG's name for the type of an RPC, of which there is one.
pub(super) const RPC_TYPE: &str = "service_binding";

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
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenService<'n> {
    /// Its place in its section.
    index: usize,
    /// The name by which paths call it.
    pub alias: Written<'n>,
    /// The entry point of the module, or the binding of the other Worker.
    pub target: Written<'n>,
    /// The module's name, or the binding, if that is known here.
    pub leads_to: Option<&'n str>,
    /// Whether it reads each path as it is written.
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
}

/// Reads `services`, the modules.
pub(super) fn read_modules<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    read_section(root, &root::SERVICES, &module::ALIAS, &module::ENTRYPOINT, module_name, findings)
}

/// Reads `serviceBindings`, the other Workers. The second key is SAG's former name; for an alias in both, the first takes
/// precedence.
pub(super) fn read_workers<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    let mut workers = Vec::new();
    for section in [&root::SERVICE_BINDINGS, &root::SERVICES_BINDINGS] {
        workers.extend(read_section(
            root,
            section,
            &bound_worker::ALIAS,
            &bound_worker::BINDING,
            |binding| binding,
            findings,
        ));
    }
    workers
}

/// What the name of a module's file may end in.
const MODULE_ENDINGS: [&str; 4] = [".js", ".ts", ".mjs", ".mts"];

/// Returns the name of the module at an entry point: `./services/a.js` and `services/a` are the same.
pub(crate) fn module_name(entrypoint: &str) -> &str {
    let mut name = entrypoint;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    MODULE_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn read_section<'n>(
    root: &mut ObjectReader<'n, '_>,
    section: &Key<Value>,
    alias_key: &Key<Text>,
    target_key: &Key<Text>,
    leads_to: fn(&str) -> &str,
    findings: &mut Findings<'_>,
) -> Vec<WrittenService<'n>> {
    let place = section.at(root.place());
    let items = root.node(section).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut services: Vec<WrittenService<'n>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let place = Place::Index(&place, index);
        let Some(mut object) = ObjectReader::open(item, &place, findings) else { continue };
        let alias = object.text(alias_key, findings);
        let target = object.text(target_key, findings);
        let strict_paths = object.boolean(&target::STRICT_PATHS, findings);
        object.finish(findings);
        let (Some(alias), Some(target)) = (alias, target) else { continue };
        let leads_to = target.value().map(leads_to);
        services.push(WrittenService { index, alias, target, leads_to, strict_paths });
    }
    let names = index_names(services.iter().map(WrittenService::name));
    for (at, service) in services.iter().enumerate() {
        if names.get(service.name()).is_some_and(|first| first != at) && !findings.is_full() {
            let message = format_args!("another entry is called \"{}\"", shown(&service.alias));
            let help = advice("give one of them another alias");
            let place = Place::Index(&place, service.index);
            findings.note(service.alias.offset, &alias_key.at(&place), Code::DuplicateAlias, message, help);
        }
    }
    services
}

/// Reads the `binding` of an integration, which is the alias of another Worker, and its `function`.
pub(super) fn read_worker<'n>(object: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> WrittenCall<'n> {
    read_call(object, &service_binding::BINDING, &service_binding::FUNCTION, findings)
}

fn read_call<'n>(
    object: &mut ObjectReader<'n, '_>,
    binding: &Key<Text>,
    function: &Key<Text>,
    findings: &mut Findings<'_>,
) -> WrittenCall<'n> {
    let binding = object.text(binding, findings);
    let named = object.text(function, findings);
    if let Some(written) = &named {
        note_function(written, &function.at(object.place()), findings);
    }
    WrittenCall { binding, function: named }
}

/// Reads the function of another Worker that the object has at `key`; `None` if it has none.
pub(super) fn read_rpc<'n>(
    object: &mut ObjectReader<'n, '_>,
    key: &Key<Value>,
    findings: &mut Findings<'_>,
) -> Option<WrittenCall<'n>> {
    let node = object.node(key)?;
    let place = key.at(object.place());
    let mut reader = ObjectReader::open(node, &place, findings)?;
    reader.choice(&rpc::TYPE, findings);
    let call = read_call(&mut reader, &rpc::BINDING, &rpc::FUNCTION, findings);
    reader.finish(findings);
    Some(call)
}

/// Methods that every object or stub has, which are never called on purpose.
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

/// Reports a name that cannot be a method of a Worker's entry point.
fn note_function(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
    let Some(name) = written.value() else { return };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if !is_name || UNCALLABLE.contains(&name) {
        let wrong = "is not a function to call";
        let help = advice("name a method of the Worker's entry point");
        findings.refuse(written, place, Code::InvalidName, wrong, help);
    }
}

/// The keys of an entry of `services`.
pub(crate) mod module {
    use super::*;

    section! {
        Section::new(
            "service",
            "services",
            "A JavaScript module in `services/` that is bundled and deployed with the gateway. Its default export is \
             an object with `fetch`, or a class, of which each request gets an instance.",
        )
            .example(
                r#"{
                        "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
                        "paths": [{ "method": "GET", "path": "/greeting", "integration": { "type": "service", "binding": "greeting" } }]
                    }"#,
            );

        ALIAS: Text = text("alias", NotEmpty).required(), Elsewhere,
            "The name by which integrations of type `service` refer to it.",
            example("greeting");
        ENTRYPOINT: Text = text("entrypoint", NotEmpty).required(), Elsewhere,
            "The module. `./services/greeting` and an ending (`.js`, `.ts`, `.mjs`, `.mts`) mean the same.",
            example("services/greeting");
        ..target::entries();
    }
}

/// The keys of an entry of `serviceBindings`.
pub(crate) mod bound_worker {
    use super::*;

    section! {
        Section::new(
            "service_binding",
            "serviceBindings",
            "Another Worker of the account, bound under `[[services]]` in `wrangler.toml`.",
        )
            .example(
                r#"{
                        "serviceBindings": [{ "alias": "orders", "binding": "ORDERS" }],
                        "paths": [
                            { "method": "GET", "path": "/orders", "integration": { "type": "service_binding", "binding": "orders" } }
                        ]
                    }"#,
            );

        ALIAS: Text = text("alias", NotEmpty).required(), Elsewhere,
            "The name by which integrations, `pre_process` and `post_process` refer to it.",
            example("orders");
        BINDING: Text = text("binding", NotEmpty).required(), Elsewhere,
            "The name of the service binding in `wrangler.toml`.",
            example("ORDERS");
        ..target::entries();
    }
}

/// The keys of `pre_process` and `post_process`.
pub(crate) mod rpc {
    use super::*;

    section! {
        Section::new(
            "rpc",
            "pre_process and post_process",
            "A function of another Worker. It is called with the request, an empty object as JSON text, and the \
             context (route, parameters, verified claims) as JSON text.\n\n`pre_process` of a path is called before the \
             integration, and may read the body: `true` lets the request continue, a `Response` is the answer, anything \
             else is 502 `service_failed`. `post_process` of a callback is called when the gateway has the tokens. Its \
             answer is dropped; if it throws, nobody is logged in.",
        )
            .example(
                r#"{
                        "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
                        "paths": [
                            { "method": "GET", "path": "/a", "pre_process": { "binding": "guard", "function": "allow" }, "response": {} }
                        ]
                    }"#,
            );

        TYPE: Choice<()> = choice("type", &[(RPC_TYPE, ())]), Harmless("it has one value"),
            "The type, which may be omitted.",
            example(RPC_TYPE);
        BINDING: Text = text("binding", Any).required(), Elsewhere,
            "The alias of the Worker, of those in `serviceBindings`.",
            example("guard");
        FUNCTION: Text = text("function", Function).required(), Different("calls another function"),
            "The method of its entry point that is called.",
            example("allow");
    }
}
