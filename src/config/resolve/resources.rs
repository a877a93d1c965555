//! The metadata of protected resources: which paths belong to each, and what it says of them.

use std::rc::Rc;

use super::path::ResolvedPath;
use crate::config::authorizer::Authorizer;
use crate::config::integration::Integration;
use crate::config::path::Path;
use crate::config::protected_resource::{ProtectedResource, WrittenResource};
use crate::config::reader::{NameIndex, index_names};
use crate::config::tree::ConfigTree;
use crate::route::{Guard, Method, MethodRule, RouteSpec};

/// A section, with the place of its path in `paths`; `None` for the gateway's own.
type Placed<'n> = (Option<usize>, WrittenResource<'n>);

/// Takes the sections out of the tree.
pub(super) fn written<'n>(tree: &mut ConfigTree<'n>) -> Vec<Placed<'n>> {
    let own = tree.protected_resource.take().map(|written| (None, written));
    let of_paths = tree.paths.iter_mut().filter_map(|path| Some((Some(path.index), path.protected_resource.take()?)));
    own.into_iter().chain(of_paths).collect()
}

/// Makes the metadata: returns the paths that answer with it, and gives each path that of the resource it belongs to.
pub(super) fn describe(
    written: Vec<Placed<'_>>,
    authorizers: &[Option<Rc<Authorizer>>],
    paths: &mut [ResolvedPath],
) -> Vec<ResolvedPath> {
    let mut members = vec![Vec::new(); written.len()];
    let owners = Owners::of(&written);
    for (place, resolved) in paths.iter().enumerate() {
        let owner = resolved.path.as_ref().and_then(|path| owners.find(path.pattern.as_str()));
        if let Some(members) = owner.and_then(|owner| members.get_mut(owner)) {
            members.push(place);
        }
    }
    let mut added = Vec::with_capacity(written.len());
    for ((index, written), members) in written.into_iter().zip(members) {
        let entry_is_shown = index.is_none_or(|index| paths.get(index).is_some_and(|path| path.shown.is_some()));
        let is_shown = written.is_in_file && entry_is_shown;
        let (offset, pattern) = (written.offset, written.pattern.clone());
        let own = members.iter().filter_map(|place| paths.get(*place)?.path.as_ref());
        let all = paths.iter().filter_map(|path| path.path.as_ref());
        let trusted = authorizers.iter().flatten().filter(|authorizer| {
            let opens =
                |path: &Path| path.access.as_ref().is_some_and(|access| Rc::ptr_eq(&access.authorizer, authorizer));
            // The gateway's own also has those that no path names.
            own.clone().any(opens) || index.is_none() && !all.clone().any(opens)
        });
        let issuers = trusted.map(|authorizer| authorizer.issuer.as_str());
        let described = Rc::new(metadata(written, issuers, own.clone()));
        for place in members {
            if let Some(path) = paths.get_mut(place).and_then(|path| path.path.as_mut()) {
                path.protected_resource = Some(Rc::clone(&described));
            }
        }
        let method = MethodRule::Exact(Method::Get);
        let route = RouteSpec { method, pattern, encoded_slashes: false, guard: Guard::default() };
        added.push(ResolvedPath {
            index,
            is_metadata: true,
            offset,
            shown: is_shown.then(|| route.name()),
            path: Some(Path::open(&route, Integration::ProtectedResource(described))),
            route: Some(route),
        });
    }
    added
}

/// Finds the section that a path belongs to.
struct Owners<'w> {
    /// The sections of paths, by the paths of their resources.
    by_path: NameIndex<'w>,
    /// The section of all other paths.
    rest: Option<usize>,
}

impl<'w> Owners<'w> {
    fn of(written: &'w [Placed<'_>]) -> Self {
        let paths = written.iter().map(|(index, section)| index.map_or("", |_| section.path()));
        let whole = written.iter().position(|(index, section)| index.is_some() && section.path().is_empty());
        let own = written.iter().position(|(index, _)| index.is_none());
        Self { by_path: index_names(paths), rest: whole.or(own) }
    }

    /// Returns the section of the longest path that contains a pattern, or else that of the rest.
    fn find(&self, pattern: &str) -> Option<usize> {
        let mut path = pattern;
        loop {
            match (self.by_path.get(path), path.rsplit_once('/')) {
                (Some(owner), _) => return Some(*owner),
                (None, Some((above, _))) => path = above,
                (None, None) => return self.rest,
            }
        }
    }
}

fn metadata<'p>(
    written: WrittenResource<'_>,
    issuers: impl Iterator<Item = &'p str>,
    paths: impl Iterator<Item = &'p Path>,
) -> ProtectedResource {
    let WrittenResource { resource, pattern, mut metadata, scopes, .. } = written;
    let mut list = |name: &str, values: &mut dyn Iterator<Item = &str>| {
        let values: Vec<&str> = values.collect();
        let first = index_names(values.iter().copied());
        let distinct = values.into_iter().enumerate().filter(|(index, value)| first.get(value) == Some(index));
        let distinct: Vec<&str> = distinct.map(|(_, value)| value).collect();
        // What has no value is left out (RFC 9728 section 3.2).
        if !distinct.is_empty() {
            metadata.insert(name.to_owned(), distinct.into());
        }
    };
    list("authorization_servers", &mut issuers.filter(|issuer| issuer.starts_with("http")));
    let needed = paths.filter_map(|path| Some(&path.access.as_ref()?.requirements));
    let named = needed.flat_map(|needed| needed.scopes.iter().chain(&needed.any_scopes)).map(String::as_str);
    match &scopes {
        Some(scopes) => list("scopes_supported", &mut scopes.iter().map(String::as_str)),
        None => list("scopes_supported", &mut { named }),
    }
    list("bearer_methods_supported", &mut std::iter::once("header"));
    ProtectedResource { resource, path: pattern.as_str().to_owned(), metadata }
}
