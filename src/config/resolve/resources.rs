//! The metadata of protected resources: which paths belong to each, and what it says of them.

use std::rc::Rc;

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

/// Makes the metadata: returns the paths that answer with it, and gives each path that of the resource it belongs to. `front`
/// is the authorizer whose authorization server the gateway is for clients, and the issuer that they know it by.
pub(super) fn describe(
    written: Vec<Placed<'_>>,
    authorizers: &[Option<Rc<Authorizer>>],
    front: Option<(&Authorizer, &str)>,
    paths: &mut [ResolvedPath],
) -> Vec<ResolvedPath> {
    let owners = ResourceOwners::of(written.iter().map(|(index, section)| (index.is_some(), section)));
    let owner = |route: &RouteSpec| owners.find(&route.host, &route.pattern);
    let owners: Vec<_> = paths.iter().map(|path| owner(path.route.as_ref()?)).collect();
    // The authorizers that open the paths of each, the scopes that these paths name, and whether any takes bound tokens, and each no
    // others.
    let mut named = vec![(Vec::new(), Vec::new(), (false, true)); written.len()];
    // The hosts under which each is published: where a path of another host takes its requests, its own would not be found.
    let mut hosts: Vec<_> = written.iter().map(|(_, section)| vec![section.host.clone()]).collect();
    for (path, owner) in paths.iter().zip(&owners) {
        if let Some((route, hosts)) = path.route.as_ref().zip(owner.and_then(|owner| hosts.get_mut(owner)))
            && !hosts.contains(&route.host)
        {
            hosts.push(route.host.clone());
        }
        let access = path.path.as_ref().and_then(|path| path.access.as_ref());
        let Some((access, (openers, scopes, (takes_proofs, requires_proofs)))) =
            access.zip(owner.and_then(|owner| named.get_mut(owner)))
        else {
            continue;
        };
        *takes_proofs |= access.dpop.is_some();
        *requires_proofs &= access.dpop.as_ref().is_some_and(|dpop| dpop.is_required);
        for opener in access.authorizers() {
            if !openers.iter().any(|known: &&Authorizer| std::ptr::eq(*known, &**opener)) {
                openers.push(&**opener);
            }
        }
        let Requirements { scopes: all, any_scopes: any, .. } = &access.requirements;
        for scope in [all, any].into_iter().flatten() {
            scopes.push(scope.as_str());
        }
    }
    let mut added = Vec::with_capacity(written.len());
    let mut described = Vec::with_capacity(written.len());
    for (((index, written), (mut openers, scopes, proofs)), hosts) in written.into_iter().zip(named).zip(hosts) {
        if index.is_none() {
            openers.clear();
            for authorizer in authorizers.iter().flatten() {
                openers.push(authorizer);
            }
        }
        let mut issuers = Vec::new();
        for authorizer in &openers {
            for issuer in authorizer.issuers() {
                let before = front.filter(|(provider, _)| provider.accepts_issuer(issuer));
                issuers.push(before.map_or(issuer, |(_, own)| own));
            }
        }
        let entry_is_shown = index.is_none_or(|index| paths.get(index).is_some_and(|path| path.shown.is_some()));
        let is_shown = written.is_in_file && entry_is_shown;
        let (offset, pattern) = (written.offset, written.pattern.clone());
        let resource = Rc::new(metadata(written, issuers, scopes, proofs));
        for host in hosts {
            let method = MethodRule::Exact(Method::Get);
            let integration = Integration::ProtectedResource(Rc::clone(&resource), host.clone());
            let route =
                RouteSpec { method, host, pattern: pattern.clone(), encoded_slashes: false, guard: Guard::default() };
            added.push(ResolvedPath {
                index,
                part: Part::Resource,
                offset,
                shown: is_shown.then(|| route.name()),
                path: Some(Path::open(integration)),
                route: Some(route),
            });
        }
        described.push(resource);
    }
    for (resolved, owner) in paths.iter_mut().zip(owners) {
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
    written: WrittenResource<'_>,
    mut issuers: Vec<&str>,
    scopes: Vec<&str>,
    (takes_proofs, requires_proofs): (bool, bool),
) -> ProtectedResource {
    let WrittenResource { resource, pattern, mut metadata, scopes: own_scopes, .. } = written;
    issuers.retain(|issuer| issuer.starts_with("http"));
    let scopes = match &own_scopes {
        Some(own) => own.iter().map(String::as_str).collect(),
        None => scopes,
    };
    let mut proof_algorithms = Vec::new();
    if takes_proofs {
        let names = Algorithm::NAMES.iter().filter(|(_, algorithm)| Algorithm::ASYMMETRIC.contains(algorithm));
        proof_algorithms.extend(names.map(|(name, _)| *name));
    }
    if takes_proofs && requires_proofs {
        metadata.insert("dpop_bound_access_tokens_required".to_owned(), true.into());
    }
    for (name, mut values) in [
        ("authorization_servers", issuers),
        (SCOPES_SUPPORTED, scopes),
        ("bearer_methods_supported", vec!["header"]),
        ("dpop_signing_alg_values_supported", proof_algorithms),
    ] {
        let mut seen = Places::default();
        values.retain(|value| seen.add((*value).into(), 0).is_none());
        // What has no value is left out (RFC 9728 section 3.2).
        if !values.is_empty() {
            metadata.insert(name.to_owned(), values.into());
        }
    }
    ProtectedResource { resource, path: pattern.as_str().to_owned(), metadata }
}
