//! The metadata of protected resources: which paths belong to each, and what it says of them.

use std::rc::Rc;

use serde_json::Value;

use super::path::{Part, ResolvedPath};
use crate::algorithm::Algorithm;
use crate::config::access::Requirements;
use crate::config::authorizer::Authorizer;
use crate::config::integration::Integration;
use crate::config::path::Path;
use crate::config::protected_resource::{ProtectedResource, SCOPES_SUPPORTED, WrittenResource};
use crate::config::tree::ConfigTree;
use crate::places::Places;
use crate::route::{Guard, Host, Method, MethodRule, Pattern, RouteSpec};
use crate::split::split_last;

/// A section, with the place of its path in `paths`; `None` for the gateway's own.
type Placed<'n> = (Option<usize>, WrittenResource<'n>);

/// Takes the sections out of the tree.
pub(super) fn written<'n>(tree: &mut ConfigTree<'n>) -> Vec<Placed<'n>> {
    let own = tree.protected_resource.take().map(|written| (None, written));
    let of_paths = tree.paths.iter_mut().filter_map(|path| Some((Some(path.index), path.protected_resource.take()?)));
    own.into_iter().chain(of_paths).collect()
}

/// What the paths of a resource add to its metadata.
struct Gathered<'p> {
    /// The authorizers that open them, each once.
    openers: Vec<&'p Authorizer>,
    /// The scopes that they name.
    scopes: Vec<&'p str>,
    /// Whether any takes bound tokens.
    takes_proofs: bool,
    /// Whether each takes no others.
    requires_proofs: bool,
    /// The hosts under which it is published: where a path of another host takes its requests, its own would not be found.
    hosts: Vec<&'p Host>,
}

impl<'p> Gathered<'p> {
    fn add(&mut self, path: &'p ResolvedPath) {
        if let Some(route) = &path.route
            && !self.hosts.contains(&&route.host)
        {
            self.hosts.push(&route.host);
        }
        let Some(access) = path.path.as_ref().and_then(|path| path.access.as_ref()) else { return };
        self.takes_proofs |= access.dpop.is_some();
        self.requires_proofs &= access.dpop.as_ref().is_some_and(|dpop| dpop.is_required);
        for opener in access.authorizers() {
            if !self.openers.iter().any(|known| std::ptr::eq(*known, &**opener)) {
                self.openers.push(opener);
            }
        }
        let Requirements { scopes: all, any_scopes: any, .. } = &access.requirements;
        for scope in [all, any].into_iter().flatten() {
            self.scopes.push(scope);
        }
    }
}

/// Makes the metadata: returns the paths that answer with it, and gives each path that of the resource it belongs to. `front`
/// is the authorizer whose authorization server the gateway is for clients, and the issuer that they know it by.
pub(super) fn describe(
    written: &[Placed<'_>],
    authorizers: &[Option<Rc<Authorizer>>],
    front: Option<(&Authorizer, &str)>,
    paths: &mut [ResolvedPath],
) -> Vec<ResolvedPath> {
    let owners = ResourceOwners::of(written.iter().map(|(index, section)| (index.is_some(), section)));
    let (mut gathered, mut owned_by) = (Vec::with_capacity(written.len()), Vec::with_capacity(paths.len()));
    for (_, section) in written {
        let hosts = vec![&section.host];
        let (openers, scopes) = (Vec::new(), Vec::new());
        gathered.push(Gathered { openers, scopes, takes_proofs: false, requires_proofs: true, hosts });
    }
    for path in paths.iter() {
        let owner = path.route.as_ref().and_then(|route| owners.find(&route.host, &route.pattern));
        owned_by.push(owner);
        if let Some(gathered) = owner.and_then(|owner| gathered.get_mut(owner)) {
            gathered.add(path);
        }
    }
    let (mut added, mut described) = (Vec::with_capacity(written.len()), Vec::with_capacity(written.len()));
    for ((index, section), gathered) in written.iter().zip(&mut gathered) {
        if index.is_none() {
            gathered.openers.clear();
            for authorizer in authorizers.iter().flatten() {
                gathered.openers.push(authorizer);
            }
        }
        let entry_is_shown = index.is_none_or(|index| paths.get(index).is_some_and(|path| path.shown.is_some()));
        let is_shown = section.is_in_file && entry_is_shown;
        let resource = Rc::new(metadata(section, gathered, front));
        for host in &gathered.hosts {
            let host = Host::clone(host);
            let integration = Integration::ProtectedResource(Rc::clone(&resource), host.clone());
            let (method, pattern) = (MethodRule::Exact(Method::Get), section.pattern.clone());
            let route = RouteSpec { method, host, pattern, encoded_slashes: false, guard: Guard::default() };
            added.push(ResolvedPath {
                index: *index,
                part: Part::Resource,
                offset: section.offset,
                shown: is_shown.then(|| route.name()),
                path: Some(Path::open(integration)),
                route: Some(route),
            });
        }
        described.push(resource);
    }
    for (resolved, owner) in paths.iter_mut().zip(owned_by) {
        if let Some(path) = &mut resolved.path {
            path.protected_resource = owner.and_then(|owner| described.get(owner).cloned());
        }
    }
    added
}

/// Finds the section that a path belongs to.
pub(crate) struct ResourceOwners {
    /// The sections of paths, by the hosts and the paths of their resources.
    by_place: Places<'static>,
    /// The gateway's own, for all other paths.
    own: Option<usize>,
}

impl ResourceOwners {
    /// Numbers sections in their order, each with whether it is one of a path.
    pub(crate) fn of<'w, 'n: 'w>(written: impl Iterator<Item = (bool, &'w WrittenResource<'n>)>) -> Self {
        let (mut by_place, mut own) = (Places::default(), None);
        for (at, (is_of_path, section)) in written.enumerate() {
            if is_of_path {
                let _ = by_place.add([section.host.as_str(), section.path()].concat().into(), at);
            } else {
                own = Some(at);
            }
        }
        Self { by_place, own }
    }

    /// Returns the section of the longest path that contains that of a route, under its host or else under a wider one, or else that of the
    /// rest.
    pub(crate) fn find(&self, host: &Host, pattern: &Pattern) -> Option<usize> {
        let hosts = host.with_wider();
        hosts.iter().find_map(|host| self.containing(&[host.as_str(), pattern.as_str()].concat())).or(self.own)
    }

    fn containing(&self, mut place: &str) -> Option<usize> {
        loop {
            match (self.by_place.get(place), split_last(place, b'/')) {
                (Some(owner), _) => return Some(owner),
                (None, Some((above, _))) => place = above,
                (None, None) => return None,
            }
        }
    }
}

fn metadata(
    written: &WrittenResource<'_>,
    gathered: &Gathered<'_>,
    front: Option<(&Authorizer, &str)>,
) -> ProtectedResource {
    let mut metadata = written.metadata.clone();
    let mut issuers = Vec::new();
    for authorizer in &gathered.openers {
        for issuer in authorizer.issuers() {
            let before = front.filter(|(provider, _)| provider.accepts_issuer(issuer));
            let issuer = before.map_or(issuer, |(_, own)| own);
            if issuer.starts_with("http") {
                issuers.push(issuer);
            }
        }
    }
    let (mut own_scopes, mut proof_algorithms) = (Vec::new(), Vec::new());
    for scope in written.scopes.iter().flatten() {
        own_scopes.push(scope.as_str());
    }
    if gathered.takes_proofs {
        for (name, algorithm) in &Algorithm::NAMES {
            if Algorithm::ASYMMETRIC.contains(algorithm) {
                proof_algorithms.push(*name);
            }
        }
        if gathered.requires_proofs {
            metadata.insert("dpop_bound_access_tokens_required".to_owned(), true.into());
        }
    }
    for (name, values) in [
        ("authorization_servers", &issuers[..]),
        (SCOPES_SUPPORTED, if written.scopes.is_some() { &own_scopes } else { &gathered.scopes }),
        ("bearer_methods_supported", &["header"]),
        ("dpop_signing_alg_values_supported", &proof_algorithms),
    ] {
        let (mut seen, mut once) = (Places::default(), Vec::new());
        for value in values {
            if seen.add((*value).into(), 0).is_none() {
                once.push((*value).into());
            }
        }
        // What has no value is left out (RFC 9728 section 3.2).
        if !once.is_empty() {
            metadata.insert(name.to_owned(), Value::Array(once));
        }
    }
    ProtectedResource { resource: written.resource.clone(), path: written.pattern.as_str().to_owned(), metadata }
}
