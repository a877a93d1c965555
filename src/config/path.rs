//! The `paths` section: which requests are answered, which need a token, and by what.

pub(crate) mod keys;

use std::rc::Rc;

use super::access::{Access, WrittenAccess, read_access};
use super::cors::{Cors, read_cors};
use super::document::{Node, Origin};
use super::headers::{HeaderRules, read_response_headers};
use super::host_only::HostOnly;
#[cfg(not(target_os = "unknown"))]
use super::integration::Settings;
use super::integration::keys::Kind;
use super::integration::{Integration, WrittenAnswer, WrittenIntegration, read_answer};
use super::mapping::{Mapping, Scope, WrittenMapping, WrittenVariable, read_mapping, read_variables};
use super::mcp::{Mcp, WrittenMcp, read_mcp};
use super::protected_resource::{ProtectedResource, WrittenResource, read_resource_of_path};
use super::reader::{Findings, Help, ObjectReader, Place, Written, host_help, read_array, shown};
use super::root;
use super::rules::{Rules, read_rules};
use super::service::{Rpc, WrittenCall, read_rpc};
use crate::address::Address;
use crate::config::code::Code;
use crate::route::{Host, Method, MethodRule, Pattern};

/// What is done with the requests that a route takes; several routes may share it.
pub struct Path {
    /// What opens it; without this it is open to everyone.
    pub access: Option<Access>,
    /// The metadata of the resource that it belongs to, if that is published.
    pub protected_resource: Option<Rc<ProtectedResource>>,
    /// What is done for the MCP server that it leads to, if it leads to one.
    pub mcp: Option<Mcp>,
    /// What answers it.
    pub integration: Integration,
    /// What the upstream gets besides what the client sent.
    pub mapping: Mapping,
    /// What is called before the integration, and may answer in its place.
    pub pre_process: Option<Rpc>,
    /// What is asked of a request besides.
    pub rules: Rules,
    /// The rule for other origins, if it has its own.
    pub cors: Option<Cors>,
    /// What is done to the headers of what the integration answers.
    pub response_headers: HeaderRules,
}

impl Path {
    /// Checks whether it takes tokens that are bound to a key, and so proofs of possession.
    pub fn takes_proofs(&self) -> bool {
        self.access.as_ref().is_some_and(|access| access.dpop.is_some())
    }

    /// Makes a path that is open to everyone.
    pub(super) fn open(integration: Integration) -> Self {
        Self {
            access: None,
            protected_resource: None,
            mcp: None,
            integration,
            mapping: Mapping::default(),
            pre_process: None,
            rules: Rules::default(),
            cors: None,
            response_headers: HeaderRules::default(),
        }
    }
}

/// An entry as it is written.
#[derive(Clone)]
pub(crate) struct WrittenPath<'n> {
    /// Its place in the section.
    pub index: usize,
    /// Byte offset of the entry.
    pub offset: usize,
    /// The method it answers, if that is known here.
    pub method: Option<MethodRule>,
    /// The same as it is written.
    pub written_method: HostOnly<Option<Written<'n>>>,
    /// The names it answers under, if they are known here.
    pub host: Option<Host>,
    /// The paths it answers, as they are written.
    pub path: Option<Written<'n>>,
    /// The paths it answers, if they are known here.
    pub pattern: Option<Pattern>,
    /// Whether a segment may have an encoded slash.
    pub encoded_slashes: bool,
    /// What opens it; `None` if it is open to everyone.
    pub access: Option<WrittenAccess<'n>>,
    /// The metadata of the resource that begins here, if there is one.
    pub protected_resource: Option<WrittenResource<'n>>,
    /// What is done for an MCP server.
    pub mcp: Option<WrittenMcp<'n>>,
    /// What answers it; `None` if that is not known here.
    pub answer: Option<WrittenAnswer<'n>>,
    /// Its own constants.
    pub variables: Vec<WrittenVariable<'n>>,
    /// What the upstream gets besides what the client sent.
    pub mapping: WrittenMapping<'n>,
    /// What is called before the integration.
    pub pre_process: Option<WrittenCall<'n>>,
    /// What is asked of a request besides.
    pub rules: Rules,
    /// The rule for other origins, if it has its own.
    pub cors: Option<Cors>,
    /// What is done to the headers of what the integration answers.
    pub response_headers: HeaderRules,
    /// The codes of warnings that are not reported of it.
    pub allow: HostOnly<Vec<Written<'n>>>,
    /// The entry.
    pub node: &'n Node<'n>,
}

impl<'n> WrittenPath<'n> {
    /// Returns its integration, if it has one and its type is known.
    pub fn integration(&self) -> Option<&WrittenIntegration<'n>> {
        match &self.answer {
            Some(WrittenAnswer::Integration(integration)) => Some(integration),
            Some(WrittenAnswer::Response(_)) | None => None,
        }
    }

    /// Returns the type of what answers it, if that is known; a `response` is a fixed answer too.
    #[cfg(not(target_os = "unknown"))]
    pub fn kind(&self) -> Option<Kind> {
        match self.answer.as_ref()? {
            WrittenAnswer::Response(_) => Some(Kind::Static),
            WrittenAnswer::Integration(integration) => Some(integration.kind),
        }
    }

    /// Checks whether an address is that of its path, under a host that it has.
    #[cfg(not(target_os = "unknown"))]
    pub fn is_called_at(&self, url: &Address) -> bool {
        self.path.and_then(|written| written.value()) == Some(url.path()) && self.has_host_of(url)
    }

    /// Checks whether it has the host of an address.
    #[cfg(not(target_os = "unknown"))]
    pub fn has_host_of(&self, url: &Address) -> bool {
        let called = url.host_and_port().split(':').next().and_then(Host::parse);
        self.host.as_ref().is_none_or(|host| host.contains(&called.unwrap_or_default()))
    }

    /// Yields the functions of other Workers that it calls.
    #[cfg(not(target_os = "unknown"))]
    pub fn calls(&self) -> impl Iterator<Item = &WrittenCall<'n>> {
        let of_integration = self.integration().and_then(|integration| match &integration.settings {
            Settings::ServiceBinding(call) => Some(call),
            Settings::Callback { post_process, .. } => post_process.as_ref(),
            _ => None,
        });
        self.pre_process.iter().chain(of_integration)
    }

    /// Checks whether it has `GET`.
    pub fn takes_get(&self) -> bool {
        matches!(self.method, Some(MethodRule::Any | MethodRule::Exact(Method::Get)))
    }

    /// Checks whether it is known what it answers, and with what.
    pub fn is_known(&self) -> bool {
        self.method.is_some() && self.host.is_some() && self.pattern.is_some() && self.answer.is_some()
    }

    /// Returns the address of an open path with `GET` that begins a login.
    pub fn begins_login(&self) -> Option<&str> {
        // A page that requires a login would redirect to itself, and one with a parameter would not be found.
        let begins = self.takes_get() && self.access.is_none() && self.integration()?.kind == Kind::Login;
        let pattern = self.pattern.as_ref().filter(|pattern| begins && !pattern.as_str().as_bytes().contains(&b'{'));
        pattern.map(Pattern::as_str)
    }

    /// Checks whether it gives everyone its own answer, and does not redirect.
    pub fn shows_something(&self) -> bool {
        let shows = match &self.answer {
            Some(WrittenAnswer::Response(_)) => true,
            Some(WrittenAnswer::Integration(WrittenIntegration { kind, .. })) => {
                matches!(kind, Kind::Static | Kind::HttpProxy | Kind::Service | Kind::ServiceBinding)
            }
            None => false,
        };
        shows && self.access.is_none()
    }
}

/// Reads the section.
pub(super) fn read_paths<'n>(root: &mut ObjectReader<'n, '_>, findings: &mut Findings<'_>) -> Vec<WrittenPath<'n>> {
    let place = root::PATHS.at(root.place());
    let items =
        root.required(&root::PATHS, findings).map(|node| read_array(node, &place, findings)).unwrap_or_default();
    let mut paths = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        paths.push(read_path(item, index, &Place::Index(&place, index), findings));
    }
    paths
}

fn read_path<'n>(node: &'n Node<'n>, index: usize, place: &Place<'_>, findings: &mut Findings<'_>) -> WrittenPath<'n> {
    let mut read = WrittenPath {
        index,
        offset: node.offset,
        method: None,
        written_method: HostOnly::default(),
        host: None,
        path: None,
        pattern: None,
        encoded_slashes: false,
        access: None,
        protected_resource: None,
        mcp: None,
        answer: None,
        variables: Vec::new(),
        mapping: WrittenMapping::default(),
        pre_process: None,
        rules: Rules::default(),
        cors: None,
        response_headers: HeaderRules::default(),
        allow: HostOnly::default(),
        node,
    };
    let Some(mut object) = ObjectReader::open(node, place, findings) else { return read };
    let method = object.choice(&keys::METHOD, findings);
    read.written_method = HostOnly::of(|| method.map(|(written, _)| written));
    read.method = method.and_then(|(_, method)| method);
    read.path = object.text(&keys::PATH, findings);
    read.pattern = read.path.and_then(|written| read_pattern(&written, &keys::PATH.at(place), findings));
    read.host = match object.text(&keys::HOST, findings) {
        Some(written) => read_host(&written, &keys::HOST.at(place), findings),
        None => Some(Host::default()),
    };
    read.allow = object.allowed_warnings(findings);
    read.encoded_slashes = object.boolean(&keys::ENCODED_SLASHES, findings);
    read.access = read_access(&mut object, findings);
    let authenticated = read.access.is_some();
    read.protected_resource =
        read_resource_of_path(&mut object, read.host.as_ref(), read.pattern.as_ref(), authenticated, findings);
    read.answer = read_answer(&mut object, read.pattern.as_ref(), authenticated, findings);
    read.variables = read_variables(&mut object, &keys::VARIABLES, findings);
    let asks_upstream = match &read.answer {
        Some(WrittenAnswer::Integration(integration)) => integration.kind == Kind::HttpProxy,
        Some(WrittenAnswer::Response(_)) => false,
        // It may be meant to.
        None => true,
    };
    let gets = (read.method.is_none() || read.takes_get()) && asks_upstream;
    read.rules = read_rules(&mut object, authenticated, gets, findings);
    read.cors = read_cors(&mut object, &keys::CORS, findings);
    read.mcp = read_mcp(&mut object, findings);
    let for_all = read.rules.cache.as_ref().is_some_and(|cache| !cache.per_user);
    let scope = Scope { pattern: read.pattern.as_ref(), authenticated, for_all };
    read.mapping = read_mapping(&mut object, scope, findings);
    read.response_headers = read_response_headers(&mut object, findings);
    read.pre_process = read_rpc(&mut object, &keys::PRE_PROCESS, findings);
    object.finish(findings);
    read
}

fn read_host(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Host> {
    let text = written.value()?;
    // Some are other ways to write an address, such as 127.1, and some are nothing, such as 1.2.3.4.5: no request comes by either.
    let is_of_addresses = |host: &Host| {
        let name = host.as_str().strip_prefix("*.").unwrap_or(host.as_str());
        Address::parse(&["https://", name].concat()).is_some_and(|url| url.host_and_port() == name)
    };
    let host = Host::parse(text).filter(is_of_addresses);
    if host.is_none() {
        let help = host_help(|| spelling_of_host(text));
        findings.refuse(written, place, Code::InvalidHost, "is not the name of a host", help);
    }
    host
}

/// Returns how to write the host that a text may mean.
fn spelling_of_host(text: &str) -> String {
    let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let name = Address::parse(&url).and_then(|url| url.host_and_port().split(':').next().map(str::to_owned));
    match name.filter(|name| Host::parse(name).is_some()) {
        Some(name) => format!("write \"{name}\", which is the same with every port"),
        None => "write it as api.example.com, or as *.example.com for all names with one more label".to_owned(),
    }
}

fn read_pattern(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Pattern> {
    let error = match Pattern::parse(written.value()?) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error,
    };
    // The error quotes what it found, which a binding's value must not be.
    let message = match written.text.origin {
        Origin::File => format_args!("{error}"),
        Origin::Env | Origin::Secret => format_args!("the value of {} is not a path", shown(written)),
    };
    findings.note(written.offset, place, Code::InvalidPath, message, Help::default());
    None
}
