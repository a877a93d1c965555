//! One path: what it names, and what it asks.

use crate::config::code::Code;
use std::rc::Rc;

use super::guard::guard;
use super::links::{Links, Variables};
use super::login::Logins;
#[cfg(not(target_os = "unknown"))]
use super::mcp;
use super::sessions::check_sessions;
#[cfg(not(target_os = "unknown"))]
use super::upstream_tokens::check_path;
use crate::config::access::Access;
use crate::config::address::WrittenUrl;
use crate::config::authorizer::Authorizer;
use crate::config::client::CLIENT_SECRET;
use crate::config::document::Origin;
use crate::config::dpop::Dpop;
use crate::config::integration::keys::{self, Kind};
use crate::config::integration::{
    CallbackResponse, Integration, ProfileSource, Settings, WrittenAnswer, WrittenIntegration, WrittenResponse,
};
use crate::config::mapping::{Mapping, WrittenMapping, WrittenVariable, is_of_query};
use crate::config::mcp::{Mcp, WrittenMcp};
use crate::config::path::keys::{INTEGRATION, MCP, PRE_PROCESS};
use crate::config::path::{Path, WrittenPath};
use crate::config::provider::{REDIRECT_URI, SCOPE, SEALING_KEY};
use crate::config::reader::{Findings, Help, Place, Written, advice};
use crate::config::root;
use crate::config::server::WrittenServer;
use crate::config::service::{Rpc, WrittenCall, WrittenService};
use crate::config::session::Session;
use crate::route::RouteSpec;
use crate::secret::Secret;

/// What paths are resolved with.
pub(super) struct Context<'t> {
    /// What they name of other sections.
    pub links: Links<'t>,
    /// The authorizers, as far as they are known.
    pub authorizers: &'t [Option<Rc<Authorizer>>],
    /// The provider that people log in at.
    pub logins: Logins<'t>,
    /// Whether the file has a session.
    pub has_session: bool,
    /// The session, if all of it is known.
    pub session: Option<Rc<Session>>,
    /// Which pages of other origins paths without their own `cors` let in; `None` if no guard differs by that: without a session, or
    /// if no path has its own.
    pub cors_of_others: Option<String>,
}

/// The part of a config that a route is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// An entry of the section.
    Path,
    /// The metadata of a resource.
    Resource,
    /// The authorization server.
    AuthorizationServer,
}

/// A path with its route, as far as they are known.
pub(super) struct ResolvedPath {
    /// The place of its entry in the section; `None` for one that comes from another section.
    pub index: Option<usize>,
    /// What it is of.
    pub part: Part,
    /// Byte offset of its entry.
    pub offset: usize,
    /// How messages may call the route; `None` if the path came from a binding.
    pub shown: Option<String>,
    /// The route.
    pub route: Option<RouteSpec>,
    /// The path.
    pub path: Option<Path>,
}

/// What an answer names of another section.
enum Link<'t> {
    Server(&'t WrittenServer<'t>),
    Worker(&'t WrittenService<'t>),
    Module(&'t WrittenService<'t>),
    /// Nothing, or something that is not known here.
    Nothing,
}

impl<'t> Context<'t> {
    /// Resolves a path, and reports the names that nothing has, and what it needs and the config has not.
    pub fn path(&self, written: WrittenPath<'_>, findings: &mut Findings<'_>) -> ResolvedPath {
        let section = root::PATHS.at(&Place::Root);
        let place = Place::Index(&section, written.index);
        let authorizers = written.access.as_ref().map(|access| self.links.authorizers(access, &place, findings));
        let authorizers = authorizers.unwrap_or_default();
        let mut known = Vec::with_capacity(authorizers.len());
        for index in &authorizers {
            known.extend(self.authorizers.get(*index).and_then(Option::as_ref));
        }
        let integration_place = INTEGRATION.at(&place);
        let link = match written.integration() {
            Some(integration) => self.link(integration, &integration_place, findings),
            None => Link::Nothing,
        };
        if let Some(integration) = written.integration().filter(|one| one.kind == Kind::Sessions) {
            let at = (integration.name.offset, &keys::TYPE.at(&integration_place));
            check_sessions(&written, &known, self.logins.provider.as_deref(), at, findings);
        }
        #[cfg(not(target_os = "unknown"))]
        if let Link::Server(server) = &link {
            let by_keys_only = !known.is_empty()
                && known.len() == authorizers.len()
                && known.iter().all(|authorizer| authorizer.api_keys().is_some());
            check_path(server, &written, by_keys_only, &place, findings);
        }
        #[cfg(not(target_os = "unknown"))]
        mcp::check_path(&written, &place, findings);
        let (loosely, cors_of_others) = (self.is_read_loosely(&link), self.cors_of_others.as_deref());
        let guard = guard(&written, &authorizers, loosely, cors_of_others);
        let WrittenPath { index, offset, method, host, path, pattern, encoded_slashes, .. } = written;
        let route = method.zip(host).zip(pattern);
        let route = route.map(|((method, host), pattern)| RouteSpec { method, host, pattern, encoded_slashes, guard });
        let in_file = path.is_some_and(|path| path.text.origin == Origin::File);
        let shown = route.as_ref().filter(|_| in_file).map(RouteSpec::name);

        let mcp = written.mcp.as_ref().map(|mcp| self.mcp(mcp, &link, &place, findings));
        let integration = match written.answer {
            Some(WrittenAnswer::Response(fixed)) => Some(Integration::Fixed(fixed.into())),
            Some(WrittenAnswer::Integration(written)) => self.integration(written, link, &integration_place, findings),
            None => None,
        };
        let mapping = self.mapping(written.mapping, &written.variables, &place, findings);
        let pre_process = self.call(written.pre_process, &PRE_PROCESS.at(&place), findings);
        let access = written.access.map(|access| {
            let first = known.first().filter(|_| known.len() == authorizers.len())?;
            let mut several = Vec::new();
            if known.len() > 1 {
                several.extend(known.iter().map(|authorizer| Rc::clone(authorizer)));
            }
            let dpop = access.dpop.or_else(|| Dpop::of_all(known.iter().filter_map(|one| one.dpop.as_ref())));
            Some(Access { authorizer: Rc::clone(first), several, requirements: access.requirements, dpop })
        });
        let access = access.map_or(Some(None), |access| access.map(Some));
        let mcp = mcp.map_or(Some(None), |mcp| mcp.map(Some));
        let path = match (&route, access, integration, pre_process, mcp) {
            (Some(_), Some(access), Some(mut integration), Some(pre_process), Some(mcp)) => Some(Path {
                access,
                protected_resource: None,
                integration: {
                    if let Integration::HttpProxy { close_at_expiry, .. } = &mut integration {
                        *close_at_expiry |= mcp.is_some();
                    }
                    integration
                },
                mcp,
                mapping,
                pre_process,
                rules: written.rules,
                cors: written.cors,
                response_headers: written.response_headers,
            }),
            _ => None,
        };
        ResolvedPath { index: Some(index), part: Part::Path, offset, shown, route, path }
    }

    /// Returns what is done for the MCP server behind a path; `None` if a part of it is not known here, or nothing binds its sessions.
    fn mcp(
        &self,
        written: &WrittenMcp<'_>,
        link: &Link<'_>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Mcp> {
        let login = self.logins.authorizer;
        let provider = login.and_then(|authorizer| authorizer.provider.as_ref());
        let of_login = || provider.and_then(|provider| provider.sealing_key.or(provider.client.secret));
        let key = written.session_key.or_else(of_login);
        // An authorizer of a type that is not known here may have one.
        if key.is_none() && login.is_none_or(|authorizer| authorizer.kind.is_some()) {
            let message = format_args!("nothing binds the sessions of the MCP server to their users");
            let help = advice(
                "write \"mcp\": { \"session_key\": \"$secret.MCP_SESSION_KEY\" }, a secret made with `openssl rand -base64 48`",
            );
            findings.note(written.node.offset, &MCP.at(place), Code::MissingKey, message, help);
        }
        let gets_own_token = match link {
            Link::Server(server) => server.server.as_ref()?.token.is_some(),
            _ => false,
        };
        Some(Mcp { session_key: Secret::new(key?.to_text()?), keeps_token: !written.forward_token && !gets_own_token })
    }

    fn link(&self, integration: &WrittenIntegration<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Link<'t> {
        match &integration.settings {
            Settings::HttpProxy { server, .. } => self.links.server(*server, place, findings).map(Link::Server),
            Settings::ServiceBinding(call) => self.links.worker(call.binding, place, findings).map(Link::Worker),
            Settings::Service(alias) => self.links.module(*alias, place, findings).map(Link::Module),
            _ => None,
        }
        .unwrap_or(Link::Nothing)
    }

    /// Checks whether requests go, path and all, to someone who does not say that each path is taken as it is written.
    fn is_read_loosely(&self, link: &Link<'_>) -> bool {
        match link {
            Link::Server(server) => !server.strict_paths,
            Link::Worker(worker) => !self.links.is_strict_worker(worker),
            Link::Module(module) => !self.links.is_strict_module(module),
            // Nobody else reads an answer of the gateway itself.
            Link::Nothing => false,
        }
    }

    fn integration(
        &self,
        written: WrittenIntegration<'_>,
        link: Link<'_>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Integration> {
        let WrittenIntegration { name, kind, settings, node } = written;
        let mut needs = |present: bool, code: Code, message: &str, help: Help| {
            if !present {
                let place = keys::TYPE.at(place);
                findings.note(name.offset, &place, code, format_args!("{message}"), help);
            }
        };
        if kind.needs_provider() {
            let message = "no authorizer names a provider";
            let help = advice("add an \"authorizer\" of type auth0 or oidc, with a \"client_id\"");
            needs(self.logins.authorizer.is_some(), Code::AuthorizerMissing, message, help);
        }
        match kind {
            Kind::Login => {
                let provider = self.logins.authorizer.and_then(|authorizer| authorizer.provider.as_ref());
                let sealed = provider.is_none_or(|of| of.sealing_key.or(of.client.secret).is_some());
                let help = advice("give the authorizer a \"client_secret\" or a \"sealing_key\"");
                let help = help.about([CLIENT_SECRET.name, SEALING_KEY.name]);
                needs(sealed, Code::MissingKey, "no key seals the login state", help);
            }
            Kind::Logout | Kind::BackchannelLogout | Kind::FrontchannelLogout | Kind::Sessions => {
                let message = "the config has no \"session\"";
                needs(self.has_session, Code::SessionMissing, message, advice("add a \"session\" section"));
            }
            _ => {}
        }
        let provider = || self.logins.provider.clone();
        Some(match settings {
            Settings::HttpProxy { prefix, close_at_expiry, target, .. } => {
                let Link::Server(server) = link else { return None };
                if !self.has_session {
                    target.note_without_session(place, findings);
                }
                let target = target.or(server.token_target).target();
                Integration::HttpProxy { server: server.server.clone()?, prefix, close_at_expiry, target: target? }
            }
            Settings::ServiceBinding(call) => {
                let Link::Worker(worker) = link else { return None };
                let function = call.function.map_or(Some(None), |function| function.to_text().map(Some))?;
                Integration::ServiceBinding { binding: worker.leads_to?.to_owned(), function }
            }
            Settings::Service(_) => {
                let Link::Module(module) = link else { return None };
                Integration::Service(module.leads_to?.to_owned())
            }
            Settings::Fixed(fixed) => Integration::Fixed(fixed.into()),
            Settings::Redirect(redirect) => Integration::Redirect(redirect?),
            Settings::Login { redirect_uri, return_to_origins } => {
                let redirect_uri = self.redirect_uri(redirect_uri, node.offset, place, findings);
                Integration::Login { login: self.logins.login.clone()?, redirect_uri: redirect_uri?, return_to_origins }
            }
            Settings::Callback { redirect_uri, response, post_process } => {
                let redirect_uri = self.redirect_uri(redirect_uri, node.offset, place, findings);
                let post_process = self.call(post_process, &keys::callback::POST_PROCESS.at(place), findings);
                let response = self.callback_response(response, place, findings);
                let login = if self.logins.begin_here { Some(self.logins.login.clone()?) } else { None };
                Integration::Callback {
                    provider: provider()?,
                    login,
                    redirect_uri: redirect_uri?,
                    response: response?,
                    post_process: post_process?,
                }
            }
            Settings::Userinfo(written) => {
                let source = written.map_or(Some(ProfileSource::Userinfo), |(_, source)| source);
                if let Some((written, Some(ProfileSource::IdToken | ProfileSource::Both))) = written {
                    self.check_id_tokens(written, &keys::userinfo::SOURCE.at(place), findings);
                }
                Integration::Userinfo { provider: provider()?, source: source? }
            }
            Settings::Refresh { targets, .. } => Integration::Refresh { provider: provider()?, targets: targets? },
            Settings::Supabase(supabase) => Integration::Supabase(supabase?),
            Settings::Health(checks_objects) => Integration::Health { checks_objects },
            Settings::None => match kind {
                Kind::Revocation => Integration::Revocation(provider()?),
                Kind::Logout => Integration::Logout(self.session.clone()?),
                Kind::BackchannelLogout => Integration::BackchannelLogout(provider()?),
                Kind::FrontchannelLogout => Integration::FrontchannelLogout(self.session.clone()?),
                _ => Integration::Sessions(self.session.clone()?),
            },
        })
    }

    /// Reports what keeps a session's profile from being in an ID token.
    fn check_id_tokens(&self, written: Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) {
        let scope = self.logins.authorizer.and_then(|authorizer| authorizer.provider.as_ref()?.scope);
        if !self.has_session {
            let message = format_args!("only sessions keep ID tokens, and the config has no \"session\"");
            let help = advice("add a \"session\" section, or write \"userinfo\"");
            findings.note(written.offset, place, Code::SessionMissing, message, help);
        } else if scope
            .is_some_and(|scope| scope.value().is_some_and(|scopes| scopes.split(' ').all(|one| one != "openid")))
        {
            let message =
                format_args!("logins bring no ID token, because the authorizer's \"scope\" has no \"openid\"");
            let help =
                advice("add \"openid\" to the authorizer's \"scope\", or write \"userinfo\"").about([SCOPE.name]);
            findings.note(written.offset, place, Code::UnusedKey, message, help);
        }
    }

    /// Returns the callback's address: the integration's own, or else the authorizer's. Reports it if neither has one.
    fn redirect_uri(
        &self,
        own: Option<WrittenUrl<'_>>,
        offset: usize,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<String> {
        let provider = self.logins.authorizer.and_then(|authorizer| authorizer.provider.as_ref());
        if let Some(own) = own {
            if provider.is_some_and(|provider| provider.posts_responses) {
                own.refuse_posts(&REDIRECT_URI.at(place), findings);
            }
            return own.url;
        }
        let provider = provider?;
        if provider.redirect_uri.is_none() {
            let message = format_args!("neither this integration nor the authorizer has a \"redirect_uri\"");
            let help = advice("add the callback's address, as the provider knows it").about([REDIRECT_URI.name]);
            findings.note(offset, place, Code::MissingKey, message, help);
        }
        provider.redirect_uri.as_ref()?.url.clone()
    }

    fn callback_response(
        &self,
        written: Option<WrittenResponse<'_>>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<CallbackResponse> {
        Some(match written? {
            WrittenResponse::Json => CallbackResponse::Json,
            WrittenResponse::WebMessage(target_origin) => CallbackResponse::WebMessage { target_origin },
            WrittenResponse::Unsaid if !self.has_session => CallbackResponse::Json,
            WrittenResponse::Unsaid => CallbackResponse::Session(self.session.clone()?),
            WrittenResponse::Session(written) => {
                if !self.has_session {
                    let message = format_args!("the config has no \"session\"");
                    let help = advice("add a \"session\" section");
                    let place = keys::callback::RESPONSE.at(place);
                    findings.note(written.offset, &place, Code::SessionMissing, message, help);
                }
                CallbackResponse::Session(self.session.clone()?)
            }
        })
    }

    /// Returns the function of another Worker, if one is named; `None` if it is not known here.
    #[expect(clippy::option_option, reason = "one says whether it is known, the other whether there is any")]
    fn call(
        &self,
        written: Option<WrittenCall<'_>>,
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Option<Rpc>> {
        let Some(call) = written else { return Some(None) };
        let worker = self.links.worker(call.binding, place, findings)?;
        Some(Some(Rpc { binding: worker.leads_to?.to_owned(), function: call.function?.to_text()? }))
    }

    fn mapping(
        &self,
        written: WrittenMapping<'_>,
        variables: &[WrittenVariable<'_>],
        place: &Place<'_>,
        findings: &mut Findings<'_>,
    ) -> Mapping {
        let variables = Variables::of(variables);
        let mut mapping = Mapping { remove: written.remove, ..Mapping::default() };
        for value in written.values {
            if findings.is_full() {
                break;
            }
            let list = if is_of_query(value.list) { &mut mapping.query } else { &mut mapping.headers };
            let name = value.name.clone();
            list.extend(self.links.source(value, &variables, place, findings).map(|source| (name, source)));
        }
        mapping
    }
}
