//! Names, and their targets in other sections.

use crate::config::access::{self, NamedAuthorizers, WrittenAccess};
use crate::config::authorizer::WrittenAuthorizer;
use crate::config::code::Code;
use crate::config::diagnostic::{listed, nearest};
use crate::config::document::Origin;
use crate::config::integration::keys::http_proxy;
use crate::config::mapping::{Source, WrittenSource, WrittenValue, WrittenVariable};
use crate::config::path::keys::AUTH;
use crate::config::reader::{Findings, Place, Written, advice, index_names, shown};
use crate::config::root;
use crate::config::server::WrittenServer;
use crate::config::service::{WrittenService, rpc};
use crate::config::tree::ConfigTree;
use crate::places::Places;

/// Entries, found by their names.
struct ByName<'t, T> {
    entries: &'t [T],
    places: Places<'t>,
}

impl<'t, T> ByName<'t, T> {
    fn of(entries: &'t [T], name: impl Fn(&'t T) -> &'t str) -> Self {
        Self { entries, places: index_names(entries.iter().map(name)) }
    }

    /// Returns the entry of a name, of a duplicate name the first.
    fn get(&self, name: &str) -> Option<&'t T> {
        self.entries.get(self.places.get(name)?)
    }
}

/// What paths name of other sections.
pub(super) struct Links<'t> {
    servers: ByName<'t, WrittenServer<'t>>,
    modules: ByName<'t, WrittenService<'t>>,
    workers: ByName<'t, WrittenService<'t>>,
    /// The modules of which an entry says that they take each path as it is written.
    strict_modules: Vec<&'t str>,
    /// The bindings of Workers of which an entry says the same.
    strict_workers: Vec<&'t str>,
    authorizers: ByName<'t, WrittenAuthorizer<'t>>,
    variables: Variables<'t>,
}

impl<'t> Links<'t> {
    /// Prepares the look-up.
    pub fn of(tree: &'t ConfigTree<'t>) -> Self {
        let strict = |services: &'t [WrittenService<'t>]| {
            services.iter().filter(|service| service.strict_paths).filter_map(|service| service.leads_to).collect()
        };
        Self {
            strict_modules: strict(&tree.modules),
            strict_workers: strict(&tree.workers),
            servers: ByName::of(&tree.servers, WrittenServer::name),
            modules: ByName::of(&tree.modules, WrittenService::name),
            workers: ByName::of(&tree.workers, WrittenService::name),
            authorizers: ByName::of(&tree.authorizers, |authorizer| authorizer.name),
            variables: Variables::of(&tree.variables),
        }
    }

    /// Returns the server of an alias, and reports an alias that none has.
    pub fn server(
        &self,
        alias: Option<Written<'_>>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<&'t WrittenServer<'t>> {
        let written = alias?;
        let name = written.value()?;
        let found = self.servers.get(name);
        let aliases = self.servers.entries.iter().filter_map(|server| server.alias);
        // An alias that is not known here may be the one that is meant.
        let all_known = || aliases.clone().all(|alias| alias.value().is_some());
        if found.is_none() && !findings.is_full() && all_known() {
            let aliases = aliases.filter(|alias| alias.text.origin == Origin::File);
            let aliases = aliases.filter_map(|alias| alias.value());
            let help = findings.searched_help(|| match nearest(name, aliases.clone()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if aliases.clone().next().is_none() => "add it to \"servers\"".to_owned(),
                None => format!("one of: {}", listed(aliases)),
            });
            let message = format_args!("no server is called \"{}\"", shown(&written));
            findings.note(written.offset, &http_proxy::SERVER.at(place), Code::UnknownServer, message, help);
        }
        found
    }

    /// Returns the module of an alias, and reports an alias that none has.
    pub fn module(
        &self,
        alias: Option<Written<'_>>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<&'t WrittenService<'t>> {
        service(&self.modules, root::SERVICES.name, alias, place, findings)
    }

    /// Returns the Worker of an alias, and reports an alias that none has.
    pub fn worker(
        &self,
        alias: Option<Written<'_>>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<&'t WrittenService<'t>> {
        service(&self.workers, root::SERVICE_BINDINGS.name, alias, place, findings)
    }

    /// Checks whether a module takes each path as it is written.
    pub fn is_strict_module(&self, module: &WrittenService<'_>) -> bool {
        module.leads_to.is_some_and(|name| self.strict_modules.contains(&name))
    }

    /// Checks whether a Worker takes each path as it is written.
    pub fn is_strict_worker(&self, worker: &WrittenService<'_>) -> bool {
        worker.leads_to.is_some_and(|binding| self.strict_workers.contains(&binding))
    }

    /// Returns the indices of the authorizers that an `auth` means, at least one, and reports a name that none has; 0 for what is not
    /// known here.
    pub fn authorizers(
        &self,
        access: &WrittenAccess<'_>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Vec<usize> {
        let place = AUTH.at(place);
        let (names, in_object, in_list) = match &access.authorizers {
            NamedAuthorizers::Named { names, in_object, in_list } => (names, *in_object, *in_list),
            NamedAuthorizers::First => {
                if self.authorizers.entries.is_empty() {
                    let help = advice("add an \"authorizer\", or remove \"auth\"");
                    let message = format_args!("the path needs a token, and there is no authorizer");
                    findings.note(access.offset, &place, Code::AuthorizerMissing, message, help);
                }
                return vec![0];
            }
            NamedAuthorizers::Unreadable => return vec![0],
        };
        let in_key = access::AUTHORIZER.at(&place);
        let place = if in_object { &in_key } else { &place };
        let mut indices = Vec::with_capacity(names.len());
        for (at, written) in names.iter().enumerate() {
            let item = Place::Index(place, at);
            let place = if in_list { &item } else { place };
            let index = self.authorizer(written, place, findings);
            if index.is_some_and(|index| indices.iter().any(|known| self.are_confused(*known, index))) {
                let help = advice(
                    "give each an issuer or a prefix of its own, and let only one be asked about opaque tokens; or name only one here",
                );
                let wrong = "cannot be told from another one here by the form of a token or key";
                findings.refuse(written, place, Code::AmbiguousAuthorizers, wrong, help);
            }
            indices.push(index.unwrap_or_default());
        }
        indices
    }

    /// Checks whether nothing tells the credentials of two authorizers apart.
    fn are_confused(&self, one: usize, other: usize) -> bool {
        let entries = self.authorizers.entries;
        let Some((first, second)) = entries.get(one).zip(entries.get(other)) else { return false };
        let marks = second.marks();
        one == other
            || first.introspection.is_some() && second.introspection.is_some()
            || first.marks().iter().any(|mark| marks.contains(mark))
    }

    /// Returns the index of the authorizer of a name, and reports a name that none has; `None` if it is not known here.
    fn authorizer(&self, written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<usize> {
        let name = written.value()?;
        if let Some(index) = self.authorizers.places.get(name) {
            return Some(index);
        }
        let names = self.authorizers.entries.iter().map(|authorizer| authorizer.name);
        let parts = || name.split(',').map(str::trim);
        let help = findings.searched_help(|| match nearest(name, names.clone()) {
            _ if parts().count() > 1 && parts().all(|part| names.clone().any(|known| known == part)) => {
                format!("write [\"{}\"]", parts().collect::<Vec<_>>().join("\", \""))
            }
            Some(near) => format!("did you mean \"{near}\"?"),
            None if ["true", "false"].contains(&name) => {
                format!("write {name} without quotes, or one of: {}", listed(names))
            }
            None => format!("one of: {}", listed(names)),
        });
        let message = format_args!("no authorizer is called \"{}\"", shown(written));
        findings.note(written.offset, place, Code::UnknownAuthorizer, message, help);
        None
    }

    /// Returns where a mapped value comes from, and reports a variable that neither the path nor the config has.
    pub fn source(
        &self,
        value: WrittenValue<'_>,
        of_path: &Variables<'_>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Source> {
        let name = match value.source {
            WrittenSource::Known(source) => return Some(source),
            WrittenSource::Variable(name) => name,
        };
        if let Some(value) = of_path.0.get(name).or_else(|| self.variables.0.get(name)) {
            return Some(Source::Text(value.value.clone()));
        }
        let known = of_path.names().chain(self.variables.names());
        let help = findings.searched_help(|| match nearest(name, known) {
            Some(near) => format!("did you mean \"$config.{near}\"?"),
            None => "add it to \"variables\"".to_owned(),
        });
        let [section, list] = value.list;
        let place = section.at(place);
        let place = list.at(&place);
        let message = format_args!("no variable is called \"{name}\"");
        findings.note(value.node.offset, &Place::Key(&place, value.key), Code::UnknownVariable, message, help);
        None
    }
}

/// Constants, found by their names.
pub(super) struct Variables<'t>(ByName<'t, WrittenVariable<'t>>);

impl<'t> Variables<'t> {
    /// Prepares the look-up.
    pub fn of(variables: &'t [WrittenVariable<'t>]) -> Self {
        Self(ByName::of(variables, |variable| variable.name))
    }

    fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.entries.iter().map(|variable| variable.name)
    }
}

fn service<'t>(
    services: &ByName<'t, WrittenService<'t>>,
    section: &str,
    alias: Option<Written<'_>>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<&'t WrittenService<'t>> {
    let written = alias?;
    let alias = written.value()?;
    let found = services.get(alias);
    if found.is_none() {
        let help = findings.searched_help(|| match nearest(alias, services.entries.iter().map(WrittenService::name)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("add it to \"{section}\""),
        });
        let message = format_args!("no entry of \"{section}\" is called \"{}\"", shown(&written));
        findings.note(written.offset, &rpc::BINDING.at(place), Code::UnknownService, message, help);
    }
    found
}
