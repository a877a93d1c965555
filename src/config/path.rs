//! The `paths` section: which requests are answered, which need a token, and by what.

pub(crate) mod keys;

use super::access::{Access, read_access};
use super::authorizer::ReadAuthorizer;
use super::document::{Node, Origin};
use super::guard::read_guard;
use super::headers::{HeaderRules, read_response_headers};
use super::integration::{Integration, read_answer};
use super::mapping::{Mapping, Scope, read_mapping, read_variables};
use super::provider::ProviderKeys;
use super::reader::{Findings, NameIndex, ObjectReader, Place, TextsByName, Written, read_array, shown};
use super::root;
use super::rules::{Rules, read_rules};
use super::server::ReadServer;
use super::service::{Rpc, Services};
use crate::route::{Method, MethodRule, Pattern, RouteSpec};

/// One entry of `paths`.
#[derive(Clone)]
pub struct Path {
    /// The method it answers.
    pub method: MethodRule,
    /// The paths it answers.
    pub pattern: Pattern,
    /// Whether a segment may hold an encoded slash.
    pub encoded_slashes: bool,
    /// What opens it; without this it is open to everyone.
    pub access: Option<Access>,
    /// What answers it.
    pub integration: Integration,
    /// What the upstream gets besides what the client sent.
    pub mapping: Mapping,
    /// What is called before the integration, and may answer in its place.
    pub pre_process: Option<Rpc>,
    /// What is asked of a request besides.
    pub rules: Rules,
    /// What is done to the headers of what the integration answers.
    pub response_headers: HeaderRules,
}

impl Path {
    /// Gives the address of an open path with `GET` that begins a login.
    pub(super) fn begins_login(&self) -> Option<&str> {
        // One that asks for a login first would lead to itself, and one with a parameter to nowhere.
        let open = self.access.is_none() && !self.pattern.as_str().contains('{');
        let begins = self.takes_get() && open && matches!(self.integration, Integration::Login(_));
        begins.then(|| self.pattern.as_str())
    }

    /// Tells whether it has `GET`.
    pub(super) fn takes_get(&self) -> bool {
        matches!(self.method, MethodRule::Any | MethodRule::Exact(Method::Get))
    }

    /// Tells whether it answers whoever comes with something that is its own, and leads nowhere else.
    pub(super) fn shows_something(&self) -> bool {
        let shows = matches!(
            self.integration,
            Integration::Fixed(_)
                | Integration::HttpProxy { .. }
                | Integration::Service(_)
                | Integration::ServiceBinding { .. }
        );
        shows && self.access.is_none()
    }

    /// Makes a path that is open to everyone.
    pub(super) fn open(route: &RouteSpec, integration: Integration) -> Self {
        let RouteSpec { method, pattern, encoded_slashes, .. } = route.clone();
        Self {
            method,
            pattern,
            encoded_slashes,
            access: None,
            integration,
            mapping: Mapping::default(),
            pre_process: None,
            rules: Rules::default(),
            response_headers: HeaderRules::default(),
        }
    }
}

/// The sections that paths refer to.
pub(super) struct Context<'c> {
    pub servers: &'c [ReadServer],
    /// Their places by alias.
    pub server_names: &'c NameIndex<'c>,
    pub services: &'c Services<'c>,
    pub authorizers: &'c [ReadAuthorizer],
    /// Their places by name.
    pub authorizer_names: &'c NameIndex<'c>,
    /// What is known of the provider that people log in at.
    pub provider: Option<ProviderKeys>,
    pub variables: TextsByName<'c>,
    pub has_session: bool,
}

/// What could be read of an entry, and where it stands.
pub(super) struct ReadPath {
    /// Its place in the section; `None` for one that comes from another.
    pub index: Option<usize>,
    pub offset: usize,
    /// How messages may call the route; `None` where the path came from a binding.
    pub shown: Option<String>,
    /// The route, where both its method and its path are known.
    pub route: Option<RouteSpec>,
    /// The whole entry, where all of it is known.
    pub path: Option<Path>,
}

/// Says how to name a path: as an address has it, where it stands in another spelling, or else by `help`.
pub(super) fn spelling_help(text: &str, help: &str) -> String {
    match Pattern::parse(text) {
        Ok(pattern) if pattern.as_str() != text => format!("write \"{pattern}\", as it stands in addresses"),
        _ => help.to_owned(),
    }
}

/// Reads the section.
pub(super) fn read_paths(
    root: &mut ObjectReader<'_>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> Vec<ReadPath> {
    let place = root::PATHS.at(root.place());
    let items =
        root.required(&root::PATHS, findings).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut paths = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        paths.push(read_path(item, index, &Place::Index(&place, index), context, findings));
    }
    paths
}

fn read_path<'n>(
    node: &'n Node<'n>,
    index: usize,
    place: &'n Place<'n>,
    context: &Context<'_>,
    findings: &mut Findings<'_>,
) -> ReadPath {
    let Some(mut object) = ObjectReader::open(node, place, findings) else {
        return ReadPath { index: Some(index), offset: node.offset, shown: None, route: None, path: None };
    };
    let method = object.choice(&keys::METHOD, findings).and_then(|(_, method)| method);
    let written_path = object.text(&keys::PATH, findings);
    let pattern = written_path.as_ref().and_then(|written| read_pattern(written, &keys::PATH.at(place), findings));
    object.allowed_warnings(findings);
    let encoded_slashes = object.boolean(&keys::ENCODED_SLASHES, findings);
    let access = read_access(&mut object, context, findings);
    let integration = read_answer(&mut object, context, pattern.as_ref(), access.is_some(), findings);
    let path_variables = read_variables(&mut object, &keys::VARIABLES, findings);
    let gets = matches!(method, None | Some(MethodRule::Any | MethodRule::Exact(Method::Get)))
        && matches!(integration, None | Some(Integration::HttpProxy { .. }));
    let rules = read_rules(&mut object, access.is_some(), gets, findings);
    let scope = Scope {
        path_variables: TextsByName::of(&path_variables),
        variables: context.variables.clone(),
        authenticated: access.is_some(),
        for_all: rules.cache.as_ref().is_some_and(|cache| !cache.per_user),
    };
    let mapping = read_mapping(&mut object, &scope, findings);
    let response_headers = read_response_headers(&mut object, findings);
    let pre_process = context.services.read_rpc(&mut object, &keys::PRE_PROCESS, findings);
    let guard = read_guard(node, access.as_ref(), integration.as_ref(), &rules, context);
    object.finish(findings);
    let route = method.zip(pattern).map(|(method, pattern)| RouteSpec { method, pattern, encoded_slashes, guard });
    let in_file = written_path.is_some_and(|written| written.text.origin == Origin::File);
    let shown = route.as_ref().filter(|_| in_file).map(|route| format!("{} {}", route.method, route.pattern.as_str()));
    let path = route.clone().zip(integration).map(|(RouteSpec { method, pattern, .. }, integration)| Path {
        method,
        pattern,
        encoded_slashes,
        access,
        integration,
        mapping,
        pre_process,
        rules,
        response_headers,
    });
    ReadPath { index: Some(index), offset: node.offset, shown, route, path }
}

fn read_pattern(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Pattern> {
    let error = match Pattern::parse(written.value()?) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    // The error quotes what it found, which a binding's value must not be.
    let message = match written.text.origin {
        Origin::File => error.to_string(),
        Origin::Env | Origin::Secret => format!("the value of {} is no path", shown(written)),
    };
    findings.note(written.offset, place, "invalid_path", message, None);
    None
}
