//! `services` and `serviceBindings`: JavaScript beside the gateway, and other Workers.

use super::diagnostic::nearest;
use super::integration::keys::{service, service_binding};
use super::key::{Key, Text, Value, section};
use super::reader::{Findings, ObjectReader, Place, TextsByName, Written, index_names, read_array, shown, told};
use super::root;
use super::server::target;

/// The older gateway's word for the type of an RPC, of which there is one.
pub(super) const RPC_TYPE: &str = "service_binding";

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
    let modules = read_aliases(root, &root::SERVICES, &module::ALIAS, &module::ENTRYPOINT, findings);
    for (alias, entrypoint, strict) in modules {
        let name = module_name(&entrypoint).to_owned();
        lists.strict_modules.extend(strict.then(|| name.clone()));
        lists.modules.push((alias, name));
    }
    // The older gateway's former name is the second; of an alias in both, this one counts less.
    for section in [&root::SERVICE_BINDINGS, &root::SERVICES_BINDINGS] {
        for (alias, binding, strict) in read_aliases(root, section, &worker::ALIAS, &worker::BINDING, findings) {
            lists.strict_bindings.extend(strict.then(|| binding.clone()));
            lists.bindings.push((alias, binding));
        }
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

/// Gives each entry of a section: its alias, what that leads to, and whether this takes each path as it is written.
fn read_aliases(
    root: &mut ObjectReader<'_>,
    section: &Key<Value>,
    alias_key: &Key<Text>,
    target_key: &Key<Text>,
    findings: &mut Findings<'_>,
) -> Vec<(String, String, bool)> {
    let place = section.at(root.place());
    let items = root.node(section).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut aliases: Vec<(String, String, bool)> = Vec::new();
    let mut written_at = Vec::new();
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
        let name = alias.value().unwrap_or_default();
        let target = target.value().unwrap_or_default();
        aliases.push((name.to_owned(), target.to_owned(), strict_paths));
        written_at.push((index, alias.offset, shown(&alias).to_owned()));
    }
    let names = index_names(aliases.iter().map(|(name, ..)| name.as_str()));
    for (at, ((name, ..), (index, offset, shown))) in aliases.iter().zip(written_at).enumerate() {
        if names.get(name.as_str()).is_some_and(|first| *first != at) && !findings.is_full() {
            let message = format!("a second entry is called \"{shown}\"");
            let help = told(|| "give one of them another alias".to_owned());
            let place = Place::Index(&place, index);
            findings.note(offset, &alias_key.at(&place), "duplicate_alias", message, help);
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
        read_alias(object, &service::BINDING, &self.modules, root::SERVICES.name, findings)
    }

    /// Reads the `binding` of an integration, which is the alias of another Worker, and its `function`.
    pub(super) fn read_worker(
        &self,
        object: &mut ObjectReader<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<(String, Option<String>)> {
        self.read_binding(object, &service_binding::BINDING, &service_binding::FUNCTION, findings)
    }

    fn read_binding(
        &self,
        object: &mut ObjectReader<'_>,
        binding: &Key<Text>,
        function_key: &Key<Text>,
        findings: &mut Findings<'_>,
    ) -> Option<(String, Option<String>)> {
        let binding = read_alias(object, binding, &self.bindings, root::SERVICE_BINDINGS.name, findings);
        let function = object.text(function_key, findings);
        if let Some(written) = &function {
            note_function(written, &function_key.at(object.place()), findings);
        }
        let function = function.and_then(|written| written.value().map(str::to_owned));
        Some((binding?, function))
    }

    /// Reads the function of another Worker that the object has at `key`; `None` where it has none.
    pub(super) fn read_rpc(
        &self,
        object: &mut ObjectReader<'_>,
        key: &Key<Value>,
        findings: &mut Findings<'_>,
    ) -> Option<Rpc> {
        let node = object.node(key)?;
        let place = key.at(object.place());
        let mut reader = ObjectReader::open(node, &place, findings)?;
        reader.choice(&rpc::TYPE, findings);
        let found = self.read_binding(&mut reader, &rpc::BINDING, &rpc::FUNCTION, findings);
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
        findings.note(written.offset, place, "invalid_name", message, help);
    }
}

fn read_alias(
    object: &mut ObjectReader<'_>,
    key: &Key<Text>,
    known: &TextsByName<'_>,
    section: &str,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let written = object.text(key, findings)?;
    let alias = written.value()?;
    if let Some(target) = known.get(alias) {
        return Some(target.to_owned());
    }
    let help = told(|| match nearest(alias, known.names()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("add it to \"{section}\""),
    });
    let message = format!("no entry of \"{section}\" is called \"{}\"", shown(&written));
    findings.note(written.offset, &key.at(object.place()), "unknown_service", message, help);
    None
}

/// The keys of an entry of `services`.
pub(crate) mod module {
    use super::*;

    section! {
        Section::new(
            "service",
            "services",
            "A JavaScript module in `services/` that is bundled and deployed with the gateway. Its default export is \
             an object with `fetch`, or a class that is made with `new` for each request.",
        )
            .example(
                r#"{
                        "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
                        "paths": [{ "method": "GET", "path": "/greeting", "integration": { "type": "service", "binding": "greeting" } }]
                    }"#,
            );

        ALIAS: Text = text("alias", NotEmpty).required(), Elsewhere,
            "The name by which integrations of type `service` call it.",
            example("greeting");
        ENTRYPOINT: Text = text("entrypoint", NotEmpty).required(), Elsewhere,
            "The module. `./services/greeting` and a `.js` at the end mean the same.",
            example("services/greeting");
        ..target::entries();
    }
}

/// The keys of an entry of `serviceBindings`.
pub(crate) mod worker {
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
            "The name by which integrations, `pre_process` and `post_process` call it.",
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
             context (route, parameters, verified claims) as JSON text.\n\n`pre_process` of a path is asked before the \
             integration, and may read the body: `true` lets the request go on, a `Response` is the answer, anything \
             else is 502 `service_failed`. `post_process` of a callback is called once the tokens have come; its \
             answer is dropped, and if it throws, nobody is logged in.",
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
            "Says what it is, which goes without saying.",
            example(RPC_TYPE);
        BINDING: Text = text("binding", Any).required(), Elsewhere,
            "The alias of the Worker, of those in `serviceBindings`.",
            example("guard");
        FUNCTION: Text = text("function", Function).required(), Different("calls another function"),
            "The method of its entry point that is called.",
            example("allow");
    }
}
