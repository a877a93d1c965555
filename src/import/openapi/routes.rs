//! Makes entries of `paths` from the operations of a description.

use std::collections::{HashMap, HashSet};

use super::access::{Access, Requirement};
use super::notes::{AlsoIn, Kind, Notes, one_line};
use super::reference::{Lost, follow};
use super::schemes::Schemes;
use super::servers::Servers;
use super::shared::Shapes;
use super::template::{REST, Reach, Template};
use super::vendor::{ANY_METHOD, Extensions, MORE_PATHS, guard, guard_beside_keys};
use crate::authoring::Json;
use crate::config::IntegrationKind;
use crate::config::integration::keys::{TYPE, fixed, http_proxy};
use crate::config::path::keys;

/// The most operations of a description; it bounds the time of comparisons, and the largest descriptions have a tenth of it.
const OPERATIONS_MAX: usize = 50_000;

/// The most operations whose template is not a pattern; each is compared with every path.
const LEFT_OUT_MAX: usize = 1_000;

/// The most entries for requests that two operations match; people's descriptions have few.
const PARTED_MAX: usize = 5_000;

/// Methods of OpenAPI that a config has, and the method for all.
const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    (ANY_METHOD, ANY),
];

/// Keys of a path item that are not methods.
const ITEM_KEYS: [&str; 6] = ["$ref", "summary", "description", "servers", "parameters", "security"];

/// Stands for every method.
const ANY: &str = "ANY";

/// The entries, as they are read.
pub struct Routes<'d> {
    description: &'d Json,
    schemes: &'d Schemes,
    /// The upstreams of the entries.
    pub servers: Servers,
    /// The entries, in the order of the description.
    pub list: Vec<Route>,
    /// What could not be taken over, or was changed.
    pub notes: Notes,
    /// Why the whole description cannot be imported.
    pub reasons: Vec<String>,
    /// How many operations the description has.
    pub operations: usize,
    by_shape: HashMap<(&'static str, String), usize>,
    /// Requirements that were read, by their place in the description.
    requirements: HashMap<Option<*const Json>, Result<Requirement, String>>,
    left_out: Vec<LeftOut>,
    extensions: Extensions,
}

/// An entry of `paths`.
#[derive(Clone)]
pub struct Route {
    summary: Option<String>,
    review: Vec<String>,
    method: &'static str,
    template: Template,
    /// The keys of `paths` that it is from; empty if it was made for requests that several match.
    origins: Vec<String>,
    /// What it requires.
    pub access: Option<Access>,
    /// What answers it.
    pub answer: Answer,
}

/// What answers an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The upstream at this index.
    Upstream(usize),
    /// Nothing: the operation was not taken over, and no other entry may take its requests.
    Nothing,
}

/// An entry for requests that two others match.
struct Parted {
    route: Route,
    /// Whether it requires more than the entry that would take them.
    needed: bool,
}

/// An operation whose template is not a pattern.
struct LeftOut {
    method: &'static str,
    template: String,
    reach: Reach,
    /// What it requires; `None` if that is unknown.
    access: Option<Option<Access>>,
}

impl Route {
    /// Returns the entry as JSON; `authorizers` names those of its `auth`, if the config has several.
    pub fn to_json<'n>(&self, authorizers: impl Fn(&Access) -> Vec<&'n str>) -> Json {
        let mut members = Vec::new();
        members.extend(self.summary.as_deref().map(|text| ("x-summary".to_owned(), text.into())));
        if !self.review.is_empty() {
            members.push(("x-review".to_owned(), Json::texts(&self.review)));
        }
        members.push((keys::METHOD.name.to_owned(), self.method.into()));
        members.push((keys::PATH.name.to_owned(), self.template.pattern.as_str().into()));
        let auth = self.access.as_ref().map(|access| access.to_json(&authorizers(access)));
        members.extend(auth.map(|auth| (keys::AUTH.name.to_owned(), auth)));
        let integration = match self.answer {
            Answer::Upstream(index) => Json::object([
                (TYPE.name, IntegrationKind::HttpProxy.name().into()),
                (http_proxy::SERVER.name, Json::Text(Servers::alias(index))),
            ]),
            Answer::Nothing => Json::object([
                (TYPE.name, IntegrationKind::Static.name().into()),
                (fixed::STATUS.name, Json::Number("501".to_owned())),
                (fixed::BODY.name, "Not taken over from the description.".into()),
            ]),
        };
        members.push((keys::INTEGRATION.name.to_owned(), integration));
        Json::Object(members)
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.template.pattern)
    }

    /// Admits only those whom another requirement admits too; nobody if no request can meet both, or if the other is unknown.
    fn restrict(&mut self, access: Option<&Access>, answer: Answer, schemes: &Schemes) {
        match Access::both(self.access.as_ref(), access, schemes) {
            Ok(both) if answer != Answer::Nothing => self.access = both,
            Ok(_) | Err(_) => self.answer = Answer::Nothing,
        }
    }
}

impl<'d> Routes<'d> {
    /// Creates an empty list.
    pub fn new(description: &'d Json, schemes: &'d Schemes, servers: Servers) -> Self {
        Self {
            description,
            schemes,
            servers,
            list: Vec::new(),
            notes: Notes::default(),
            reasons: Vec::new(),
            operations: 0,
            by_shape: HashMap::new(),
            requirements: HashMap::new(),
            left_out: Vec::new(),
            extensions: Extensions::default(),
        }
    }

    /// Reads every operation.
    pub fn read(&mut self) {
        self.extensions.count(self.description);
        for section in ["paths", MORE_PATHS] {
            self.read_paths(section);
            if !self.reasons.is_empty() {
                return;
            }
        }
        for (name, _) in self.description.get("webhooks").map(Json::members).unwrap_or_default() {
            let place = format!("webhooks.{name}");
            self.notes.add(AlsoIn::Nothing, &place, "not taken over: the API sends it, not through the gateway");
        }
        self.part_shared_requests();
        self.guard_what_is_left_out();
        self.note_scopes_of_keys();
        if let Some(note) = self.extensions.note() {
            self.notes.add(AlsoIn::Nothing, "", note);
        }
        if self.taken() == 0 && self.reasons.is_empty() {
            self.reasons = self.notes.lines(false);
            self.reasons.push("paths: no operation can be taken over".to_owned());
        }
    }

    /// Returns how many operations have an entry with an upstream.
    pub fn taken(&self) -> usize {
        let proxied = self.list.iter().filter(|route| route.answer != Answer::Nothing);
        proxied.map(|route| route.origins.len()).sum()
    }

    fn read_paths(&mut self, section: &str) {
        match self.description.get(section) {
            None | Some(Json::Null) => {}
            Some(Json::Object(items)) => {
                if let Some(paths) = self.description.get(section) {
                    self.extensions.count(paths);
                }
                for (template, item) in items.iter().filter(|(template, _)| !template.starts_with("x-")) {
                    self.read_item(template, item);
                    if self.operations > OPERATIONS_MAX || self.left_out.len() > LEFT_OUT_MAX {
                        let too_many = match self.operations > OPERATIONS_MAX {
                            true => format!("paths: there are more than {OPERATIONS_MAX} operations"),
                            false => {
                                format!("paths: more than {LEFT_OUT_MAX} operations have a path that is not a pattern")
                            }
                        };
                        self.reasons.push(too_many);
                        return;
                    }
                }
            }
            Some(_) => self.reasons.push(format!("{section}: is not an object")),
        }
    }

    fn read_item(&mut self, template: &str, item: &'d Json) {
        match follow(self.description, item) {
            Ok(target) => self.read_operations(template, target),
            Err(lost) => {
                self.operations += 1;
                self.skip_lost(ANY, template, template, "the path", &lost);
            }
        }
        // OpenAPI leaves open what the keys beside a reference mean.
        if item.get("$ref").is_some() {
            self.read_operations(template, item);
        }
    }

    fn read_operations(&mut self, template: &str, item: &'d Json) {
        if !matches!(item, Json::Object(_) | Json::Null) {
            self.operations += 1;
            return self.skip(ANY, template, template, "not taken over: the path is not an object".to_owned());
        }
        self.extensions.count(item);
        for (key, operation) in item.members() {
            let lower = key.to_ascii_lowercase();
            if let Some((_, method)) = METHODS.iter().find(|(name, _)| *name == lower) {
                self.operations += 1;
                self.read_operation(template, item, method, operation);
            } else if lower == "trace" {
                self.operations += 1;
                let place = format!("TRACE {template}");
                self.notes.add(AlsoIn::Nothing, &place, "not taken over: the gateway does not support TRACE");
            } else if !ITEM_KEYS.contains(&key.as_str()) && !key.starts_with("x-") {
                self.notes.add(AlsoIn::Nothing, template, format!("not taken over: \"{key}\" is not a method"));
            }
        }
    }

    fn read_operation(&mut self, template: &str, item: &'d Json, method: &'static str, operation: &'d Json) {
        let place = format!("{method} {template}");
        let operation = match follow(self.description, operation) {
            Ok(operation) => operation,
            Err(lost) => return self.skip_lost(method, template, &place, "the operation", &lost),
        };
        if !matches!(operation, Json::Object(_) | Json::Null) {
            return self.skip(method, template, &place, "not taken over: the operation is not an object".to_owned());
        }
        self.extensions.count(operation);
        let (access, mut review) = match self.access_of(item, operation) {
            Ok(access) => access,
            Err(reason) => return self.skip(method, template, &place, format!("not taken over: {reason}")),
        };
        let read = match Template::read(template) {
            Ok(read) => read,
            Err(reason) => {
                self.notes.add(AlsoIn::Nothing, &place, format!("not taken over: {reason}"));
                return self.leave_out(method, template, Some(access));
            }
        };
        review.extend(read.hint.map(str::to_owned));
        for (name, _) in operation.get("callbacks").map(Json::members).unwrap_or_default() {
            let note = format!("callback \"{name}\" not taken over: the API sends it, not through the gateway");
            self.notes.add(AlsoIn::Nothing, &place, note);
        }
        let (server, of_its_own) = self.server_of(template, item, &place, operation);
        review.extend(of_its_own);
        for note in &review {
            self.notes.add(AlsoIn::Entry, &place, note.as_str());
        }
        let summary = [operation.text("operationId"), operation.text("summary")];
        let summary: Vec<_> = summary.into_iter().flatten().map(one_line).filter(|text| !text.is_empty()).collect();
        let summary = (!summary.is_empty()).then(|| summary.join(": "));
        let answer = Answer::Upstream(server);
        self.insert(Route {
            summary,
            review,
            method,
            template: read,
            origins: vec![template.to_owned()],
            access,
            answer,
        });
    }

    /// Makes an operation or a path answer 501, because it is unknown what it requires.
    fn skip(&mut self, method: &'static str, template: &str, place: &str, review: String) {
        self.skip_of(None, method, template, place, review);
    }

    /// Does the same if a reference cannot be followed.
    fn skip_lost(&mut self, method: &'static str, template: &str, place: &str, what: &str, lost: &Lost) {
        let kind = lost.is_elsewhere.then_some(Kind::Elsewhere);
        self.skip_of(kind, method, template, place, format!("not taken over: {what} {}", lost.reason));
    }

    fn skip_of(&mut self, kind: Option<Kind>, method: &'static str, template: &str, place: &str, review: String) {
        match Template::read(template) {
            Ok(read) => {
                self.notes.add_of(kind, AlsoIn::BlockedEntry, place, review.clone());
                self.block(method, read, template, review);
            }
            Err(_) => {
                self.notes.add_of(kind, AlsoIn::Nothing, place, review);
                self.leave_out(method, template, None);
            }
        }
    }

    fn leave_out(&mut self, method: &'static str, template: &str, access: Option<Option<Access>>) {
        let (template, reach) = (template.to_owned(), Reach::read(template));
        self.left_out.push(LeftOut { method, template, reach, access });
    }

    /// Returns what an operation requires, and the notes about that.
    fn access_of(&mut self, item: &'d Json, operation: &'d Json) -> Result<(Option<Access>, Vec<String>), String> {
        let security = operation.get("security").or_else(|| self.description.get("security"));
        let Requirement { mut access, notes: mut review, by_other_means } = self.requirement(security)?;
        if let Some(of_path) = item.get("security") {
            // OpenAPI has no such key there. Its author meant to keep somebody out, so it can only add requirements.
            let of_path = self.requirement(Some(of_path))?;
            access = Access::both(access.as_ref(), of_path.access.as_ref(), self.schemes)?;
            review.push("\"security\" of a path item, which OpenAPI does not define, is required as well".to_owned());
        }
        let levels = [operation, item, self.description];
        let guard = match &access {
            Some(access) if !access.optional && access.has_keys(self.schemes) => guard_beside_keys(levels),
            Some(access) if !access.optional => None,
            _ => guard(levels),
        };
        if let Some(name) = guard {
            access = Some(access.unwrap_or_default().by_token(self.schemes));
            review.push(format!("{name}: the gateway does not know it, and requires a token"));
        }
        if by_other_means && access.as_ref().is_some_and(|access| access.optional) {
            review.push("credentials are optional, because the description admits requests without them".to_owned());
        }
        Ok((access, review))
    }

    /// Reads a requirement once for all operations that inherit it or refer to it.
    fn requirement(&mut self, security: Option<&'d Json>) -> Result<Requirement, String> {
        let known = security.map(std::ptr::from_ref);
        self.requirements.entry(known).or_insert_with(|| Requirement::read(security, self.schemes)).clone()
    }

    /// Returns the upstream of an operation, and the notes about it.
    fn server_of(&mut self, template: &str, item: &Json, place: &str, operation: &Json) -> (usize, Option<String>) {
        let (at, servers, own) = match (operation.get("servers"), item.get("servers")) {
            (Some(own), _) => (place.to_owned(), Some(own), true),
            (None, Some(shared)) => (template.to_owned(), Some(shared), true),
            (None, None) => ("servers".to_owned(), self.description.get("servers"), false),
        };
        let (index, notes) = self.servers.take(&at, servers);
        for note in notes {
            self.notes.add(AlsoIn::Entry, &at, note);
        }
        let note = own.then(|| match self.servers.is_wished() {
            true => "--server replaces its own servers".to_owned(),
            false => format!("has servers of its own: \"{}\"", Servers::alias(index)),
        });
        (index, note)
    }

    /// Adds an entry; if one matches the same requests, makes that as strict as both.
    fn insert(&mut self, route: Route) {
        let key = (route.method, route.template.shape.clone());
        let Some(first) = self.by_shape.get(&key).and_then(|index| self.list.get_mut(*index)) else {
            self.by_shape.insert(key, self.list.len());
            self.list.push(route);
            return;
        };
        let (name, other) = (route.name(), first.name());
        let was_blocked = first.answer == Answer::Nothing;
        let (also_in, review) = match Access::both(first.access.as_ref(), route.access.as_ref(), self.schemes) {
            Ok(access) if !was_blocked => {
                let where_to = if route.answer == first.answer { "" } else { " and sends them to its upstream" };
                first.access = access;
                let asks = "and requires what both require";
                (AlsoIn::Entry, format!("{name} matches the same requests: this entry takes both{where_to}, {asks}"))
            }
            Ok(_) => (AlsoIn::BlockedEntry, format!("{name} matches the same requests: neither is taken over")),
            Err(reason) => {
                first.answer = Answer::Nothing;
                (AlsoIn::BlockedEntry, format!("{name} matches the same requests, and {reason}: neither is taken over"))
            }
        };
        self.notes.add_of(Some(Kind::Shared), also_in, &other, review.clone());
        first.review.push(review);
        first.origins.extend(route.origins);
    }

    /// Adds an entry that answers 501, so that no other entry takes its requests.
    fn block(&mut self, method: &'static str, template: Template, origin: &str, review: String) {
        let key = (method, template.shape.clone());
        if let Some(first) = self.by_shape.get(&key).and_then(|index| self.list.get_mut(*index)) {
            first.answer = Answer::Nothing;
            first.review.push(review);
            first.origins.push(origin.to_owned());
            return;
        }
        self.by_shape.insert(key, self.list.len());
        let answer = Answer::Nothing;
        let origins = vec![origin.to_owned()];
        self.list.push(Route { summary: None, review: vec![review], method, template, origins, access: None, answer });
    }

    /// Adds entries for requests that two entries match, if the gateway would choose another one than the
    /// description means or may mean.
    fn part_shared_requests(&mut self) {
        self.tighten_beside_any();
        let described = self.list.len();
        // Each turn adds entries or makes some stricter, so the loop ends.
        while self.part_once() {
            if self.list.len() - described > PARTED_MAX {
                let reason = format!("paths: requests that two operations match need more than {PARTED_MAX} entries");
                return self.reasons.push(reason);
            }
        }
    }

    /// Makes an entry for a method as strict as the entry for every method that matches the same requests.
    fn tighten_beside_any(&mut self) {
        let beside: Vec<_> = self.list.iter().filter(|route| route.method == ANY).cloned().collect();
        for any in beside {
            let name = any.name();
            let named =
                METHODS.iter().filter_map(|(_, method)| self.by_shape.get(&(*method, any.template.shape.clone())));
            for index in named.copied().collect::<Vec<_>>() {
                let Some(route) = self
                    .list
                    .get_mut(index)
                    .filter(|route| route.answer != Answer::Nothing)
                    .filter(|route| any.origins.iter().any(|origin| !route.origins.contains(origin)))
                else {
                    continue;
                };
                let (also_in, review) = match Access::both(route.access.as_ref(), any.access.as_ref(), self.schemes) {
                    Ok(_) if any.answer == Answer::Nothing => {
                        route.answer = Answer::Nothing;
                        (AlsoIn::BlockedEntry, format!("{name} matches the same requests, and is not taken over"))
                    }
                    Ok(both) if both == route.access => continue,
                    Ok(both) => {
                        route.access = both;
                        (
                            AlsoIn::Entry,
                            format!("{name} matches the same requests: this entry requires what that requires, too"),
                        )
                    }
                    Err(reason) => {
                        route.answer = Answer::Nothing;
                        (AlsoIn::BlockedEntry, format!("{name} matches the same requests, and {reason}"))
                    }
                };
                self.notes.add_of(Some(Kind::Shared), also_in, &route.name(), review.clone());
                route.review.push(review);
            }
        }
    }

    /// Adds the entries that shared requests lack, or makes them as strict as needed; returns whether that changed anything.
    fn part_once(&mut self) -> bool {
        let shapes: Vec<String> = self.list.iter().map(|route| route.template.shape.clone()).collect();
        let segments: Vec<Vec<&str>> = shapes.iter().map(|shape| shape.split('/').skip(1).collect()).collect();
        let mut known = Shapes::default();
        for (index, segments) in segments.iter().enumerate() {
            known.insert(segments, index);
        }
        let mut parted: Vec<Parted> = Vec::new();
        for (index, (route, segments)) in self.list.iter().zip(&segments).enumerate() {
            if route.answer == Answer::Nothing {
                continue;
            }
            for shared in known.sharing(segments) {
                let Some(other) = self.list.get(shared.other).filter(|_| shared.other != index) else { continue };
                if takes_head_of(route.method, other.method) {
                    self.part("HEAD", &route.template.shape, route, other, &mut parted);
                }
                // An added entry takes requests of such a rest, which no description mentions.
                let made = shared.behind_literal && route.origins.is_empty();
                if let Some(method) = common_method(route.method, other.method).filter(|_| shared.crossing || made) {
                    self.part(method, &shared.shape, route, other, &mut parted);
                }
            }
            // A rest may be empty, which elsewhere is less specific than any segment.
            if let [base @ .., REST] = segments.as_slice() {
                let shape: String = base.iter().flat_map(|segment| ["/", segment]).collect();
                let over = known.over(base);
                let answered = |method: &str| {
                    let mut over = over.iter().filter_map(|index| self.list.get(*index));
                    over.any(|route| [method, ANY].contains(&route.method))
                };
                let wider = known.rests_over(base).into_iter().filter_map(|other| self.list.get(other));
                let wider: Vec<_> = wider
                    .filter_map(|other| Some((other, common_method(other.method, route.method)?)))
                    .filter(|(_, method)| !answered(method))
                    .collect();
                // An entry for every method would take requests of single methods from a pattern with a parameter here.
                let over = over.iter().filter_map(|index| self.list.get(*index));
                let beside: Vec<_> = wider.iter().map(|(other, _)| *other).chain(over).collect();
                for (_, method) in &wider {
                    for other in &beside {
                        self.part(method, &shape, route, other, &mut parted);
                    }
                }
            }
        }
        // An entry that requires no more is needed beside those that do: theirs for every method would take its requests.
        let needed: HashSet<String> =
            parted.iter().filter(|parted| parted.needed).map(|parted| parted.route.template.shape.clone()).collect();
        let mut parted: Vec<Route> = parted.into_iter().map(|parted| parted.route).collect();
        parted.retain(|route| needed.contains(&route.template.shape));
        let of_every_method: Vec<Route> = parted.iter().filter(|route| route.method == ANY).cloned().collect();
        for route in &mut parted {
            let beside = of_every_method.iter().find(|any| any.template.shape == route.template.shape);
            beside.into_iter().for_each(|any| route.restrict(any.access.as_ref(), any.answer, self.schemes));
        }
        for mut route in parted {
            let (also_in, ending) = match route.answer {
                Answer::Nothing => (AlsoIn::BlockedEntry, "no requirement is known that meets both"),
                Answer::Upstream(_) => (AlsoIn::Entry, "requires what both require"),
            };
            for review in &mut route.review {
                review.push_str(ending);
                self.notes.add_of(
                    Some(Kind::Shared),
                    also_in,
                    &format!("{} {}", route.method, route.template.pattern),
                    review.clone(),
                );
            }
            let key = (route.method, route.template.shape.clone());
            match self.by_shape.get(&key).and_then(|index| self.list.get_mut(*index)) {
                Some(known) => known.restrict(route.access.as_ref(), route.answer, self.schemes),
                None => {
                    self.by_shape.insert(key, self.list.len());
                    self.list.push(route);
                }
            }
        }
        !needed.is_empty()
    }

    /// Adds an entry for requests that go to `route` although `other` may be meant, if that requires more.
    fn part(&self, method: &'static str, shape: &str, route: &Route, other: &Route, parted: &mut Vec<Parted>) {
        let at = |method| self.by_shape.get(&(method, shape.to_owned())).and_then(|index| self.list.get(*index));
        let (own, any) = (at(method), at(ANY));
        // An entry of the description for these requests stays.
        let is_said = |known: &Route| !known.origins.is_empty();
        if own.is_some_and(is_said)
            || own.is_none() && any.is_some_and(is_said) && !(method == "HEAD" && at("GET").is_some())
        {
            return;
        }
        // The end depends on the entry's fate.
        let review = format!("both {} and {} may be meant: ", route.name(), other.name());
        let mut both = Route {
            summary: None,
            review: vec![review],
            method,
            template: Template::of_shape(shape),
            origins: Vec::new(),
            access: route.access.clone(),
            answer: other.answer,
        };
        both.restrict(other.access.as_ref(), other.answer, self.schemes);
        for made in [own, any].into_iter().flatten() {
            both.restrict(made.access.as_ref(), made.answer, self.schemes);
        }
        let get = at("GET").filter(|_| method == "HEAD");
        let taker = own.or(get).or(any).unwrap_or(route);
        let mut stricter = taker.clone();
        stricter.restrict(both.access.as_ref(), both.answer, self.schemes);
        let refuses = |route: &Route| route.answer == Answer::Nothing;
        let needed = !refuses(taker) && (refuses(&stricter) || stricter.access != taker.access);
        let is_same = |known: &&mut Parted| known.route.method == method && known.route.template.shape == shape;
        match parted.iter_mut().find(is_same) {
            Some(known) => {
                known.needed |= needed;
                known.route.restrict(both.access.as_ref(), both.answer, self.schemes);
            }
            None => parted.push(Parted { route: both, needed }),
        }
    }

    /// Notes where API keys need scopes that the description asks only of tokens.
    fn note_scopes_of_keys(&mut self) {
        for route in self.list.iter_mut().filter(|route| route.answer != Answer::Nothing) {
            if route.access.as_ref().is_some_and(|access| access.asks_scopes_of_keys_as_of_tokens(self.schemes)) {
                let note = "API keys need the same scopes as tokens here";
                self.notes.add(AlsoIn::Entry, &route.name(), note);
                route.review.push(note.to_owned());
            }
        }
    }

    /// Makes each entry that would take the requests of an operation without an entry as strict as that operation.
    fn guard_what_is_left_out(&mut self) {
        let with_head: HashSet<String> =
            self.list.iter().filter(|route| route.method == "HEAD").map(|route| route.template.shape.clone()).collect();
        for left in &self.left_out {
            // An entry that takes all of these requests leaves none for those behind it.
            let takes_all =
                |route: &&Route| [left.method, ANY].contains(&route.method) && route.template.holds(&left.reach);
            let first: Vec<_> = self.list.iter().filter(takes_all).map(|route| route.template.clone()).collect();
            for route in self.list.iter_mut().filter(|route| route.answer != Answer::Nothing) {
                // No operation says what `HEAD` requires for an entry with `GET`, and none says anything of an added entry.
                let head = takes_head_of(route.method, left.method) && !with_head.contains(&route.template.shape);
                let common = common_method(route.method, left.method).is_some();
                let is_covered = match route.origins.is_empty() {
                    true => common && route.template.meets(&left.reach),
                    false => common && route.template.covers(&left.reach),
                };
                let is_meant = is_covered || head && route.template.meets(&left.reach);
                if !is_meant || first.iter().any(|first| first.comes_before(&route.template)) {
                    continue;
                }
                let name = format!("{} {}", left.method, left.template);
                let both = left
                    .access
                    .as_ref()
                    .map(|access| (access, Access::both(route.access.as_ref(), access.as_ref(), self.schemes)));
                let (also_in, review) = match both {
                    // There is nothing to add if it is as strict already, except if tokens were optional on both sides.
                    Some((_, Ok(access))) if access == route.access => continue,
                    Some((None, Ok(_))) => continue,
                    Some((Some(_), Ok(access))) => {
                        route.access = access;
                        (AlsoIn::Entry, format!("takes the requests of {name}, and requires what that requires, too"))
                    }
                    Some((_, Err(reason))) => {
                        route.answer = Answer::Nothing;
                        (AlsoIn::BlockedEntry, format!("takes the requests of {name}, and {reason}"))
                    }
                    None => {
                        route.answer = Answer::Nothing;
                        (AlsoIn::BlockedEntry, format!("takes the requests of {name}, whose requirements are unknown"))
                    }
                };
                self.notes.add_of(Some(Kind::Shared), also_in, &route.name(), review.clone());
                route.review.push(review);
            }
        }
    }
}

/// Returns the method of requests that two entries' methods share.
fn common_method(one: &'static str, other: &'static str) -> Option<&'static str> {
    match (one, other) {
        (ANY, method) | (method, ANY) => Some(method),
        (one, other) => (one == other).then_some(one),
    }
}

/// Checks whether an entry takes `HEAD` requests of another: `GET` does if its pattern has no entry for `HEAD`.
fn takes_head_of(method: &str, other: &str) -> bool {
    method == "GET" && ["HEAD", ANY].contains(&other)
}
