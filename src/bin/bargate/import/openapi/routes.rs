//! The operations of a description as entries of `paths`.

use std::collections::HashMap;

use super::access::{Access, Requirement};
use super::one_line;
use super::reference::follow;
use super::schemes::Schemes;
use super::servers::Servers;
use super::template::Template;
use crate::ordered_json::Json;

/// The most operations of a description; it bounds how long they are compared, and the largest have a tenth of it.
const OPERATIONS_MAX: usize = 50_000;

/// The most operations that no pattern matches, each of which is compared with every path.
const LEFT_OUT_MAX: usize = 1_000;

/// Methods of OpenAPI that a config has.
const METHODS: [(&str, &str); 7] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
];

/// Keys of a path item that are no methods.
const ITEM_KEYS: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];

/// Stands for every method.
const ANY: &str = "ANY";

/// The entries, as they are read.
pub struct Routes<'d> {
    description: &'d Json,
    schemes: &'d Schemes,
    /// The upstreams that they are sent to.
    pub servers: Servers,
    /// The entries, in the order of the description.
    pub list: Vec<Route>,
    /// What could not be taken over, or not as it is.
    pub notes: Vec<String>,
    /// What makes the whole description unfit.
    pub reasons: Vec<String>,
    /// How many operations the description has.
    pub operations: usize,
    /// How many of them have an entry.
    pub taken: usize,
    by_shape: HashMap<(&'static str, String), usize>,
    /// By where it stands in the description.
    requirements: HashMap<Option<*const Json>, Result<Requirement, String>>,
    left_out: Vec<LeftOut>,
}

/// An entry of `paths`.
pub struct Route {
    summary: Option<String>,
    review: Vec<String>,
    method: &'static str,
    template: Template,
    /// What opens it.
    pub access: Option<Access>,
    /// What answers it.
    pub answer: Answer,
}

/// What answers an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The upstream at this index.
    Upstream(usize),
    /// Nothing: the description says elsewhere what would, and no other entry may step in.
    Nothing,
}

/// An operation whose paths no pattern matches.
struct LeftOut {
    method: &'static str,
    template: String,
    access: Option<Access>,
}

impl Route {
    /// Gives the entry; `authorizer` names the authorizer of what opens it, where there are several.
    pub fn to_json<'n>(&self, authorizer: impl Fn(&Access) -> Option<&'n str>) -> Json {
        let mut members = Vec::new();
        members.extend(self.summary.as_deref().map(|text| ("x-summary".to_owned(), text.into())));
        if !self.review.is_empty() {
            members.push(("x-review".to_owned(), Json::texts(&self.review)));
        }
        members.push(("method".to_owned(), self.method.into()));
        members.push(("path".to_owned(), self.template.pattern.as_str().into()));
        members.extend(self.access.as_ref().map(|access| ("auth".to_owned(), access.to_json(authorizer(access)))));
        let integration = match self.answer {
            Answer::Upstream(index) => {
                Json::object([("type", "http_proxy".into()), ("server", Json::Text(Servers::alias(index)))])
            }
            Answer::Nothing => Json::object([
                ("type", "static".into()),
                ("status", Json::Number("501".to_owned())),
                ("body", "Not taken over from the description.".into()),
            ]),
        };
        members.push(("integration".to_owned(), integration));
        Json::Object(members)
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.template.pattern)
    }
}

impl<'d> Routes<'d> {
    /// Begins without any.
    pub fn new(description: &'d Json, schemes: &'d Schemes, servers: Servers) -> Self {
        Self {
            description,
            schemes,
            servers,
            list: Vec::new(),
            notes: Vec::new(),
            reasons: Vec::new(),
            operations: 0,
            taken: 0,
            by_shape: HashMap::new(),
            requirements: HashMap::new(),
            left_out: Vec::new(),
        }
    }

    /// Reads every operation.
    pub fn read(&mut self) {
        // Once, so that a mistake in what they all inherit is told once.
        if let Err(reason) = self.requirement(self.description.get("security")) {
            self.reasons.push(format!("security: {reason}"));
            return;
        }
        match self.description.get("paths") {
            None | Some(Json::Null) => {}
            Some(Json::Object(items)) => {
                for (template, item) in items.iter().filter(|(template, _)| !template.starts_with("x-")) {
                    self.read_item(template, item);
                    if self.operations > OPERATIONS_MAX || self.left_out.len() > LEFT_OUT_MAX {
                        let too_many = match self.operations > OPERATIONS_MAX {
                            true => format!("paths: there are more than {OPERATIONS_MAX} operations"),
                            false => {
                                format!("paths: more than {LEFT_OUT_MAX} operations have a path that is no pattern")
                            }
                        };
                        self.reasons.push(too_many);
                        return;
                    }
                }
            }
            Some(_) => self.reasons.push("paths: is no object".to_owned()),
        }
        for (name, _) in self.description.get("webhooks").map(Json::members).unwrap_or_default() {
            self.notes.push(format!("webhooks.{name}: not taken over: the API sends it, past the gateway"));
        }
        self.guard_what_is_left_out();
        if self.taken == 0 && self.reasons.is_empty() {
            self.reasons.append(&mut self.notes);
            self.reasons.push("paths: no operation can be taken over".to_owned());
        }
    }

    fn read_item(&mut self, template: &str, item: &'d Json) {
        match follow(self.description, item) {
            Ok(target) => self.read_operations(template, target),
            Err(reason) => {
                self.operations += 1;
                let review = format!("not taken over: the path {reason}");
                self.notes.push(format!("{template}: {review}; it answers 501"));
                match Template::read(template) {
                    Ok(template) => self.block(ANY, template, review),
                    Err(_) => self.reasons.push(format!("{template}: nothing can be told of what it asks for")),
                }
            }
        }
        // OpenAPI leaves open what the keys beside a reference mean.
        if item.get("$ref").is_some() {
            self.read_operations(template, item);
        }
    }

    fn read_operations(&mut self, template: &str, item: &'d Json) {
        if !matches!(item, Json::Object(_) | Json::Null) {
            self.reasons.push(format!("{template}: is no object"));
        }
        for (key, operation) in item.members() {
            let lower = key.to_ascii_lowercase();
            if let Some((_, method)) = METHODS.iter().find(|(name, _)| *name == lower) {
                self.operations += 1;
                self.read_operation(template, item, method, operation);
            } else if lower == "trace" {
                self.operations += 1;
                self.notes.push(format!("TRACE {template}: not taken over: no path answers TRACE"));
            } else if !ITEM_KEYS.contains(&key.as_str()) && !key.starts_with("x-") {
                self.notes.push(format!("{template}: not taken over: \"{key}\" is no method"));
            }
        }
    }

    fn read_operation(&mut self, template: &str, item: &'d Json, method: &'static str, operation: &'d Json) {
        let place = format!("{method} {template}");
        let operation = match follow(self.description, operation) {
            Ok(operation) => operation,
            Err(reason) => {
                let review = format!("not taken over: the operation {reason}");
                self.notes.push(format!("{place}: {review}; it answers 501"));
                match Template::read(template) {
                    Ok(template) => self.block(method, template, review),
                    Err(_) => self.reasons.push(format!("{place}: nothing can be told of what it asks for")),
                }
                return;
            }
        };
        if !matches!(operation, Json::Object(_) | Json::Null) {
            return self.reasons.push(format!("{place}: is no object"));
        }
        let security = operation.get("security").or_else(|| self.description.get("security"));
        let Requirement { access, notes: mut review } = match self.requirement(security) {
            Ok(requirement) => requirement,
            Err(reason) => return self.reasons.push(format!("{place}: {reason}")),
        };
        let read = match Template::read(template) {
            Ok(read) => read,
            Err(reason) => {
                self.notes.push(format!("{place}: not taken over: {reason}"));
                self.left_out.push(LeftOut { method, template: template.to_owned(), access });
                return;
            }
        };
        review.extend(read.hint.map(str::to_owned));
        for (name, _) in operation.get("callbacks").map(Json::members).unwrap_or_default() {
            self.notes.push(format!("{place}: callback \"{name}\" not taken over: the API sends it, past the gateway"));
        }
        let (server, of_its_own) = self.server_of(template, item, &place, operation);
        review.extend(of_its_own);
        self.notes.extend(review.iter().map(|note| format!("{place}: {note}")));
        self.taken += 1;
        let summary = [operation.text("operationId"), operation.text("summary")];
        let summary: Vec<_> = summary.into_iter().flatten().map(one_line).filter(|text| !text.is_empty()).collect();
        let summary = (!summary.is_empty()).then(|| summary.join(": "));
        let answer = Answer::Upstream(server);
        self.insert(Route { summary, review, method, template: read, access, answer });
    }

    /// Reads a requirement, once for all operations that inherit or refer to it.
    fn requirement(&mut self, security: Option<&'d Json>) -> Result<Requirement, String> {
        let known = security.map(std::ptr::from_ref);
        self.requirements.entry(known).or_insert_with(|| Requirement::read(security, self.schemes)).clone()
    }

    /// Gives the upstream of an operation, and what a reader should know of it.
    fn server_of(&mut self, template: &str, item: &Json, place: &str, operation: &Json) -> (usize, Option<String>) {
        let (at, servers, own) = match (operation.get("servers"), item.get("servers")) {
            (Some(own), _) => (place.to_owned(), Some(own), true),
            (None, Some(shared)) => (template.to_owned(), Some(shared), true),
            (None, None) => ("servers".to_owned(), self.description.get("servers"), false),
        };
        let (index, notes) = self.servers.take(&at, servers);
        self.notes.extend(notes.iter().map(|note| format!("{at}: {note}")));
        let told = own.then(|| match self.servers.is_wished() {
            true => "its own servers are set aside for --server".to_owned(),
            false => format!("has servers of its own: \"{}\"", Servers::alias(index)),
        });
        (index, told)
    }

    /// Adds an entry, or makes the one that takes the same requests as strict as both.
    fn insert(&mut self, route: Route) {
        let key = (route.method, route.template.shape.clone());
        let Some(first) = self.by_shape.get(&key).and_then(|index| self.list.get_mut(*index)) else {
            self.by_shape.insert(key, self.list.len());
            self.list.push(route);
            return;
        };
        let (name, other) = (route.name(), first.name());
        match Access::both(first.access.as_ref(), route.access.as_ref()) {
            Ok(access) => {
                let where_to = if route.answer == first.answer { "" } else { ", which go where its own go" };
                let review = format!(
                    "no request tells {name} from this: it takes both{where_to}, and asks for what both ask for"
                );
                self.notes.push(format!("{other}: {review}"));
                first.access = access;
                first.review.push(review);
            }
            Err(reason) => self.reasons.push(format!("{name}: no request can tell it from {other}, and {reason}")),
        }
    }

    /// Adds an entry that answers nothing, so that no other takes its requests.
    fn block(&mut self, method: &'static str, template: Template, review: String) {
        let key = (method, template.shape.clone());
        if let Some(first) = self.by_shape.get(&key).and_then(|index| self.list.get_mut(*index)) {
            first.answer = Answer::Nothing;
            first.review.push(review);
            return;
        }
        self.by_shape.insert(key, self.list.len());
        let answer = Answer::Nothing;
        self.list.push(Route { summary: None, review: vec![review], method, template, access: None, answer });
    }

    /// Makes each entry that would get the requests of an operation without one as strict as that operation.
    fn guard_what_is_left_out(&mut self) {
        for left in &self.left_out {
            // `GET` answers `HEAD` where nothing else does.
            let methods = [left.method, if left.method == "HEAD" { "GET" } else { left.method }];
            let covering = self.list.iter_mut().filter(|route| route.answer != Answer::Nothing);
            for route in
                covering.filter(|route| methods.contains(&route.method) && route.template.covers(&left.template))
            {
                let name = format!("{} {}", left.method, left.template);
                match Access::both(route.access.as_ref(), left.access.as_ref()) {
                    // Nothing to add where it is as strict already, but for tokens that were optional on both sides.
                    Ok(access) if access == route.access => {}
                    Ok(access) if left.access.is_some() => {
                        route.access = access;
                        let review = format!("asks for what {name} asks for, too, whose requests come here");
                        self.notes.push(format!("{}: {review}", route.name()));
                        route.review.push(review);
                    }
                    Ok(_) => {}
                    Err(reason) => {
                        self.reasons.push(format!("{}: gets the requests of {name}, and {reason}", route.name()));
                    }
                }
            }
        }
    }
}
