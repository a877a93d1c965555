//! The rooms of the source: no modules name each other in a circle, and each room names only those that it may.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod modules;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use modules::{Modules, Names};

/// The rooms of the core. Each may name those before it. Those of [`HOST`] are among them.
const CORE: [&str; 31] = [
    "json",
    "secret",
    "encoding",
    "excerpt",
    "split",
    "printable",
    "text_file",
    "address",
    "algorithm",
    "places",
    "recent",
    "route",
    "http",
    "jwks",
    "config",
    "token",
    "problem",
    "cors",
    "mapping",
    "proxy",
    "answer",
    "oauth",
    "session",
    "objects",
    "authoring",
    "explain",
    "walk",
    "import",
    "review",
    "deployment",
    "edge",
];

/// The rooms of the core that the command line has for itself: the edge names none of them.
const HOST: [&str; 8] = ["printable", "text_file", "authoring", "explain", "walk", "import", "review", "deployment"];

/// The rooms of the edge, and which others of them each may name. All may name the core, less what it has for the command line.
const EDGE: [(&str, &[&str]); 9] = [
    ("edge::runtime", &[]),
    ("edge::gateway", &["edge::runtime"]),
    ("edge::request", &["edge::gateway", "edge::runtime"]),
    ("edge::session", &["edge::request", "edge::gateway", "edge::runtime"]),
    ("edge::auth", &["edge::session", "edge::request", "edge::gateway", "edge::runtime"]),
    ("edge::objects", &["edge::auth", "edge::gateway", "edge::runtime"]),
    ("edge::integrations", &["edge::auth", "edge::session", "edge::request", "edge::gateway", "edge::runtime"]),
    (
        "edge::handler",
        &["edge::integrations", "edge::auth", "edge::session", "edge::request", "edge::gateway", "edge::runtime"],
    ),
    ("edge", &["edge::handler", "edge::objects", "edge::request", "edge::runtime"]),
];

/// Which modules each module names.
type Named = BTreeMap<Names, BTreeSet<Names>>;

fn read(root: &str) -> Named {
    Modules::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root)).named()
}

fn shown(module: &Names) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// Returns a circle of each group of modules that lead to each other, the shortest through the first of them.
fn circles(named: &Named) -> Vec<String> {
    let mut left: BTreeSet<&Names> = named.keys().collect();
    let mut circles = Vec::new();
    while let Some(module) = left.pop_first() {
        let Some(circle) = circle(named, module) else { continue };
        let group: BTreeSet<_> =
            reached(named, module).into_iter().filter(|other| reached(named, other).contains(module)).collect();
        left.retain(|other| !group.contains(other));
        let circle: Vec<_> = circle.into_iter().map(shown).collect();
        circles.push(format!("{} ({} modules)", circle.join(" -> "), group.len()));
    }
    circles
}

/// Returns the shortest way from a module back to itself.
fn circle<'n>(named: &'n Named, module: &'n Names) -> Option<Vec<&'n Names>> {
    let mut ways = VecDeque::from([vec![module]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in &named[*way.last()?] {
            let longer = [way.as_slice(), &[next]].concat();
            if next == module {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

fn reached<'n>(named: &'n Named, module: &Names) -> BTreeSet<&'n Names> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<_> = named[module].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(&named[module]);
        }
    }
    reached
}

/// Returns the room of a module: the first name of its path, and of the edge's the second too.
fn room(module: &Names) -> String {
    let names = if module.first().is_some_and(|name| name == "edge") { 2 } else { 1 };
    module.iter().take(names).map(String::as_str).collect::<Vec<_>>().join("::")
}

fn may_name(room: &str, other: &str) -> bool {
    if let Some((_, others)) = EDGE.iter().find(|(edge, _)| *edge == room) {
        return others.contains(&other) || CORE.contains(&other) && !HOST.contains(&other);
    }
    let place = |room: &str| CORE.iter().position(|known| *known == room);
    place(room).zip(place(other)).is_some_and(|(place, other)| other < place)
}

/// Returns what is named by a room that may not.
fn trespasses(named: &Named) -> Vec<String> {
    let pairs = named.iter().flat_map(|(module, others)| others.iter().map(move |other| (module, other)));
    let pairs = pairs.filter(|(module, other)| !module.is_empty() && room(module) != room(other));
    pairs
        .filter(|(module, other)| !may_name(&room(module), &room(other)))
        .map(|(module, other)| format!("{} names {}", shown(module), shown(other)))
        .collect()
}

#[test]
fn no_modules_name_each_other_in_a_circle() {
    for root in ["src/lib.rs", "src/bin/bargate/main.rs"] {
        let circles = circles(&read(root));
        assert!(circles.is_empty(), "{root} has circles:\n{}", circles.join("\n"));
    }
}

#[test]
fn a_room_names_only_those_that_it_may() {
    let trespasses = trespasses(&read("src/lib.rs"));
    assert!(trespasses.is_empty(), "{}", trespasses.join("\n"));
}

#[test]
fn every_room_has_its_place_in_the_order() {
    let named = read("src/lib.rs");
    let rooms: BTreeSet<_> = named.keys().filter(|module| !module.is_empty()).map(room).collect();
    let placed: BTreeSet<_> = CORE.into_iter().chain(EDGE.iter().map(|(room, _)| *room)).map(str::to_owned).collect();
    assert_eq!(rooms, placed);
    assert!(named.len() > 100, "the modules are found");
}

#[test]
fn a_circle_is_found_whatever_way_a_module_is_named() {
    let table = [
        ("mod a { use crate::b::B; } mod b { use crate::a::A; }", "a -> b -> a (2 modules)", "use"),
        (
            "mod a { fn f() { crate::b::g(); } } mod b { fn g() { super::a::f(); } }",
            "a -> b -> a (2 modules)",
            "a path",
        ),
        (
            "mod a { use super::{b::{self, B}, c}; } mod b { use crate::a; } mod c {}",
            "a -> b -> a (2 modules)",
            "braces",
        ),
        ("pub use b::B; mod a { use crate::B; } mod b { use crate::a::A; }", "a -> b -> a (2 modules)", "a re-export"),
        (
            "mod a { use crate::C as D; } pub(crate) use b::B as C; mod b { use crate::a::A; }",
            "a -> b -> a (2 modules)",
            "an alias",
        ),
        (
            "mod a { mod b; use b::B; struct A; mod b { use super::A; } }",
            "a -> a::b -> a (2 modules)",
            "a parent's own",
        ),
        ("struct R; use a::A; mod a { use crate::R; }", "the root -> a -> the root (2 modules)", "the root's own"),
        (
            "mod a { use crate::b; } mod b { use crate::c; } mod c { use crate::a; }",
            "a -> b -> c -> a (3 modules)",
            "three",
        ),
    ];
    for (source, expected, message) in table {
        assert_eq!(circles(&Modules::of(source).named()), [expected], "{message}");
    }
}

#[test]
fn what_is_no_circle_is_not_taken_for_one() {
    let table = [
        ("mod a { use crate::b::B; } mod b { #[cfg(test)] mod tests { use crate::a::A; } }", "a test"),
        ("mod a { use crate::b::B; } mod b { #[cfg(test)] use crate::a::A; }", "a line for tests"),
        ("mod a { use crate::b::B; } mod b { /* crate::a */ const A: &str = \"crate::a\"; }", "a comment and a text"),
        (
            "mod a { pub use b::B; pub use c::C; mod b { use crate::a::C; } mod c {} }",
            "a sibling that the parent passes on",
        ),
        ("mod a { use crate::b::B; } mod b { use other::a::A; }", "a module of another crate"),
    ];
    for (source, message) in table {
        assert_eq!(circles(&Modules::of(source).named()), [""; 0], "{message}");
    }
    let file = "use a::A; struct B; mod a { use super::B; use super::b::C; } mod b { use super::a::A; }";
    assert_eq!(circles(&Modules::of_file(file).named()), [""; 0], "parts of one file");
}

#[test]
fn a_room_that_names_what_it_may_not_is_told() {
    let source = "mod config { use crate::oauth::A; } mod oauth { use crate::edge::runtime::B; }
        mod edge { use crate::config::C; mod runtime { use crate::edge::gateway::D; use crate::json::E; } mod gateway { use crate::review; } }
        mod json {} mod review {}";
    let expected = [
        "config names oauth",
        "edge::gateway names review",
        "edge::runtime names edge::gateway",
        "oauth names edge::runtime",
    ];
    assert_eq!(trespasses(&Modules::of(source).named()), expected);
}
