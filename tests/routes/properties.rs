//! What holds for every table and every path, checked against a matcher that knows no tree and no tricks.

use bargate::route::{
    Ambiguity, Found, Guard, Host, MAX_SEGMENTS, Method, MethodRule, Pattern, PatternError, RouteSpec, RouteTable,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A route as text, as the reference matcher takes it; before its path it may have a host.
type Route = (MethodRule, String);

/// Hosts that routes may have.
const HOSTS: [&str; 5] = ["", "a.example", "b.example", "*.example", "*.a.example"];

/// Returns the host of a route, and its path.
fn place(text: &str) -> (&str, &str) {
    text.split_at(text.find('/').unwrap())
}

/// Returns how far behind the best a host comes for requests of a name; `None` if it does not have the name.
fn host_rank(host: &str, name: &str) -> Option<u8> {
    match (host, host.strip_prefix('*'), name.split_once('.')) {
        ("", ..) => Some(2),
        (_, Some(behind), Some((_, rest))) => (behind.strip_prefix('.') == Some(rest)).then_some(1),
        (_, None, _) => (host == name).then_some(0),
        _ => None,
    }
}

/// Returns what decides between two routes that match: wildcards last, then kinds from the left, then the method.
fn rank(route: &Route, method: &str) -> (bool, Vec<u8>, u8) {
    let kinds: Vec<u8> = route.1.split('/').skip(1).map(kind).collect();
    let own = route.0.as_str();
    (kinds.contains(&2), kinds, if own == method { 0 } else { 1 + u8::from(own == "ANY") })
}

fn kind(segment: &str) -> u8 {
    match segment {
        "{.+}" => 2,
        segment if segment.starts_with('{') => 1,
        _ => 0,
    }
}

fn pattern_matches(pattern: &str, segments: &[Vec<u8>]) -> bool {
    let pattern: Vec<&str> = pattern.split('/').skip(1).collect();
    for (position, part) in pattern.iter().enumerate() {
        let matches = match (kind(part), segments.get(position)) {
            (2, _) => return true,
            (1, Some(segment)) => !segment.is_empty(),
            (_, Some(segment)) => segment == part.as_bytes(),
            (_, None) => false,
        };
        if !matches {
            return false;
        }
    }
    pattern.len() == segments.len()
}

fn method_matches(rule: MethodRule, method: &str) -> bool {
    rule == MethodRule::Any || rule.as_str() == method || (rule.as_str() == "GET" && method == "HEAD")
}

/// Finds the best route by looking at each.
fn reference(routes: &[Route], method: &str, segments: &[Vec<u8>]) -> Option<usize> {
    (0..routes.len())
        .filter(|&index| method_matches(routes[index].0, method) && pattern_matches(&routes[index].1, segments))
        .min_by_key(|&index| rank(&routes[index], method))
}

fn build(routes: &[Route]) -> RouteTable {
    build_guarded(routes, |_| Guard::default())
}

fn build_guarded(routes: &[Route], guard: impl Fn(usize) -> Guard) -> RouteTable {
    let spec = |(index, (method, pattern)): (usize, &Route)| RouteSpec {
        method: *method,
        host: Host::parse(place(pattern).0).unwrap_or_default(),
        pattern: Pattern::parse(place(pattern).1).unwrap(),
        encoded_slashes: false,
        guard: guard(index),
    };
    RouteTable::build(routes.iter().enumerate().map(spec).collect()).unwrap()
}

/// Makes a guard of one of four sets of demands, as the bits of a number say.
fn guard_of(bits: u8) -> Guard {
    let mut guard = Guard::new(true);
    for (bit, demand) in [(1, "one"), (2, "other")] {
        if bits & bit > 0 {
            guard.demand("demand", demand);
        }
    }
    guard
}

/// What a server ignores that reads paths loosely, and what it does to them besides.
#[derive(Debug, Clone, Copy)]
struct Looseness {
    case: bool,
    slash: bool,
    cut: bool,
    trim: bool,
    twice: bool,
}

/// Every selection.
fn all_loosenesses() -> impl Iterator<Item = Looseness> {
    (0..32_u8).map(|bits| {
        let has = |bit: u8| bits >> bit & 1 == 1;
        Looseness { case: has(0), slash: has(1), cut: has(2), trim: has(3), twice: has(4) }
    })
}

/// Reads a path as such a server does, which decodes it; `None` if it comes to dots or nothing, and so to anywhere.
fn read_loosely(path: &str, how: Looseness) -> Option<Vec<Vec<u8>>> {
    let segments = read(path, &[Step::Merge, Step::Cut, Step::Decode, Step::Cut]);
    let mut found = Vec::new();
    for segment in segments {
        let segment = if how.twice { cut(&decode(&segment)) } else { segment };
        for piece in segment.split(|byte| how.twice && *byte == b'/') {
            let end = piece.iter().position(|byte| how.cut && b"?#".contains(byte));
            let mut name = piece[..end.unwrap_or(piece.len())].to_vec();
            while how.trim && !name.is_empty() && b" .".contains(name.last()?) {
                name.pop();
            }
            if how.case {
                name.make_ascii_lowercase();
            }
            if [&b"."[..], b".."].contains(&&*name)
                || name.is_empty() && how.trim && !piece.is_empty() && end != Some(0)
            {
                return None;
            }
            found.push(name);
            if end.is_some() {
                return Some(without_slash(found, how));
            }
        }
    }
    Some(without_slash(found, how))
}

fn without_slash(mut segments: Vec<Vec<u8>>, how: Looseness) -> Vec<Vec<u8>> {
    if how.slash && segments.len() > 1 && segments.last().is_some_and(Vec::is_empty) {
        segments.pop();
    }
    segments
}

/// Finds the routes, looking at each, that such a server takes a path for: several if it cannot distinguish their patterns.
fn loose_reference(routes: &[Route], method: &str, segments: &[Vec<u8>], how: Looseness) -> Vec<usize> {
    let shape = |pattern: &str| {
        let pattern = if how.case { pattern.to_ascii_lowercase() } else { pattern.to_owned() };
        if how.slash && pattern.len() > 1 { pattern.trim_end_matches('/').to_owned() } else { pattern }
    };
    let loose: Vec<Route> = routes.iter().map(|(rule, pattern)| (*rule, shape(pattern))).collect();
    let Some(best) = reference(&loose, method, segments) else { return Vec::new() };
    let twins =
        (0..routes.len()).filter(|&index| loose[index].1 == loose[best].1 && method_matches(routes[index].0, method));
    // Of one pattern, the method decides.
    twins
        .filter(|&index| {
            let of_pattern = (0..routes.len()).filter(|&other| routes[other].1 == routes[index].1);
            let taken = of_pattern.filter(|&other| method_matches(routes[other].0, method));
            taken.min_by_key(|&other| rank(&routes[other], method)) == Some(index)
        })
        .collect()
}

fn segments(path: &str) -> Vec<Vec<u8>> {
    path.split('/').skip(1).map(|segment| segment.as_bytes().to_vec()).collect()
}

fn decode(segment: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < segment.len() {
        let hex = |at: usize| segment.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (segment[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

fn cut(segment: &[u8]) -> Vec<u8> {
    segment.split(|byte| *byte == b';').next().unwrap().to_vec()
}

/// What a server may do to a path, in the order in which this one does it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Merge,
    Cut,
    Decode,
}

fn read(path: &str, steps: &[Step]) -> Vec<Vec<u8>> {
    steps.iter().fold(segments(path), |mut segments, step| match step {
        Step::Cut => segments.iter().map(|segment| cut(segment)).collect(),
        Step::Decode => segments.iter().map(|segment| decode(segment)).collect(),
        Step::Merge => {
            let last = segments.pop().unwrap();
            segments.retain(|segment| !segment.is_empty());
            segments.push(last);
            segments
        }
    })
}

/// Every order of every selection of steps, with two cuts, because a server may cut before and after it decodes.
fn all_readings() -> Vec<Vec<Step>> {
    let mut readings = vec![vec![]];
    let mut from = 0;
    for _ in 0..4 {
        let to = readings.len();
        for at in from..to {
            for step in [Step::Merge, Step::Cut, Step::Decode] {
                // Decoding twice is another reading: of `%2561`, which is text once decoded, and no server's business.
                if !matches!(step, Step::Decode) || !readings[at].iter().any(|step| matches!(step, Step::Decode)) {
                    readings.push(readings[at].iter().copied().chain([step]).collect());
                }
            }
        }
        from = to;
    }
    readings
}

fn routes() -> impl Strategy<Value = Vec<Route>> {
    let rule = select(vec!["GET", "GET", "HEAD", "POST", "OPTIONS", "ANY"]);
    let segment = select(vec!["a", "b", "admin", "{}"]);
    let ending = select(vec!["", "", "/", "/{.+}"]);
    let route = (rule, prop::collection::vec(segment, 0..4), ending).prop_map(|(rule, segments, ending)| {
        let mut pattern = String::new();
        for (position, segment) in segments.into_iter().enumerate() {
            pattern.push('/');
            pattern.push_str(&segment.replace("{}", &format!("{{p{position}}}")));
        }
        pattern.push_str(if pattern.is_empty() && ending.is_empty() { "/" } else { ending });
        (MethodRule::parse(rule).unwrap(), pattern)
    });
    prop::collection::vec(route, 1..16).prop_map(|mut routes| {
        routes.sort();
        routes.dedup();
        routes
    })
}

fn path_of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let segment = prop::collection::vec(select(pieces), 0..3).prop_map(|pieces| pieces.concat());
    prop::collection::vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn plain_path() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!["a", "b", "admin", "x"]), 0..5).prop_flat_map(|segments| {
        let path = format!("/{}", segments.join("/"));
        prop_oneof![Just(format!("{}/", path.trim_end_matches('/'))), Just(path)]
    })
}

/// Paths with little in them but what servers treat differently, each piece often enough to meet a route.
fn odd_path() -> impl Strategy<Value = String> {
    prop_oneof![
        path_of(&["a", "%61", "%62", "b", "admin", ";", ";v", "%3B"]),
        path_of(&["a", "admin", "adm%69n", "%25", "%2561", "%252F", ".", "x", ";a"]),
        path_of(&["a", ".", "%2e", "%2F", "%5c", "\\", ";", "%00", "\u{7f}", "%FF", "%", "%4", "é", "^", " ", "?"]),
    ]
}

/// Paths that servers read loosely, of pieces that meet the routes of [`mixed_routes`].
fn loose_path() -> impl Strategy<Value = String> {
    prop_oneof![
        path_of(&["a", "A", "b", "B", "admin", "Admin"]),
        path_of(&["a", "A", "%20", ".", "%3F", "%23", "b"]),
        path_of(&["a", "%2541", "%252F", "%253f", "%252e", "%2520", "B"]),
    ]
    .prop_flat_map(|path| prop_oneof![Just(format!("{path}/")), Just(path)])
}

/// Routes of which some have upper case, each with the bits of a guard.
fn mixed_routes() -> impl Strategy<Value = Vec<(Route, u8)>> {
    (routes(), prop::collection::vec((any::<bool>(), 0..4_u8), 16)).prop_map(|(routes, choices)| {
        let mut mixed: Vec<(Route, u8)> = routes
            .into_iter()
            .zip(choices)
            .map(|((rule, pattern), (upper, bits))| {
                ((rule, if upper { pattern.replace("/a", "/A") } else { pattern }), bits)
            })
            .collect();
        mixed.sort();
        mixed.dedup_by(|one, other| one.0 == other.0);
        mixed
    })
}

/// Returns what may be taken off the beginning of a pattern's paths, from nothing to the most.
fn prefixes(pattern: &str) -> Vec<String> {
    let pattern = Pattern::parse(pattern).unwrap();
    let text = pattern.as_str();
    let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
    ends.filter_map(|end| pattern.prefix(&text[..end])).collect()
}

fn method() -> impl Strategy<Value = &'static str> {
    select(vec!["GET", "GET", "HEAD", "POST", "OPTIONS", "PUT", "PROPFIND", "get", ""])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_file_never_matters(
        (routes, shuffled) in routes().prop_flat_map(|routes| (Just(routes.clone()), Just(routes).prop_shuffle())),
        method in method(),
        path in prop_oneof![plain_path(), odd_path()],
    ) {
        let (one, other) = (build(&routes), build(&shuffled));
        match (one.find(method, "", &path), other.find(method, "", &path)) {
            (Found::Route(one), Found::Route(other)) => {
                prop_assert_eq!(&routes[one.index], &shuffled[other.index]);
                let prefix = one.literal_prefix().unwrap_or_default();
                prop_assert_eq!(one.forward_path(prefix), other.forward_path(prefix));
            }
            (one, other) => prop_assert_eq!(one, other),
        }
    }

    #[test]
    fn the_tree_agrees_with_a_look_at_every_route(routes in routes(), method in method(), path in plain_path()) {
        let found = build(&routes).find(method, "", &path).index();
        let segments = segments(&path);
        let expected = match reference(&routes, method, &segments) {
            Some(index) => Ok(index),
            None => Err(Method::ALL.into_iter()
                .filter(|method| reference(&routes, method.as_str(), &segments).is_some())
                .map(Method::as_str).collect::<Vec<_>>().join(", ")),
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn hosts_are_decided_upon_before_paths(
        routes in routes(), choices in prop::collection::vec(select(&HOSTS[..]), 16),
        name in select(vec!["a.example", "b.example", "c.example", "x.a.example", "a.b.c", ""]),
        method in method(), path in plain_path(),
    ) {
        let hosted: Vec<Route> =
            routes.iter().zip(&choices).map(|((rule, pattern), host)| (*rule, format!("{host}{pattern}"))).collect();
        let taker = |method: &str| {
            let ranks = choices.iter().zip(0..routes.len()).filter_map(|(host, index)| Some((host_rank(host, name)?, index)));
            let mut ranks: Vec<_> = ranks.collect();
            ranks.sort();
            // Those of one rank are a config of their own.
            ranks.chunk_by(|(one, _), (other, _)| one == other).find_map(|alike| {
                let own: Vec<Route> = alike.iter().map(|(_, index)| routes[*index].clone()).collect();
                reference(&own, method, &segments(&path)).map(|index| alike[index].1)
            })
        };
        let expected = taker(method).ok_or_else(|| {
            let methods = Method::ALL.into_iter().filter(|method| taker(method.as_str()).is_some());
            methods.map(Method::as_str).collect::<Vec<_>>().join(", ")
        });
        prop_assert_eq!(build(&hosted).find(method, name, &path).index(), expected);
    }

    #[test]
    fn routes_that_all_have_one_host_are_found_under_it_as_if_there_were_no_other(
        routes in mixed_routes(), method in method(), path in loose_path(),
    ) {
        let (routes, guards): (Vec<Route>, Vec<u8>) = routes.into_iter().unzip();
        let guard = |index: usize| guard_of(guards[index]);
        let plain = build_guarded(&routes, guard);
        for (host, name, other) in [("a.example", "a.example:8443", "b.example"), ("*.example", "a.example.", "example")] {
            let hosted: Vec<Route> = routes.iter().map(|(rule, path)| (*rule, format!("{host}{path}"))).collect();
            let hosted = build_guarded(&hosted, guard);
            prop_assert_eq!(hosted.find(method, name, &path).index(), plain.find(method, "", &path).index());
            prop_assert!(!matches!(hosted.find(method, other, &path), Found::Route(_) | Found::MethodNotAllowed(_)));
        }
    }

    #[test]
    fn every_reading_of_a_path_that_is_routed_leads_to_the_same_route(
        routes in routes(), method in method(), path in odd_path(),
    ) {
        if let Found::Route(found) = build(&routes).find(method, "", &path) {
            for steps in all_readings() {
                let expected = reference(&routes, method, &read(&path, &steps));
                prop_assert_eq!(Some(found.index), expected, "{} read with {:?}", path, steps);
            }
        }
    }

    #[test]
    fn no_loose_reading_of_a_path_that_is_routed_leads_to_a_route_that_asks_for_more(
        routes in mixed_routes(), method in method(), path in loose_path(),
    ) {
        let (routes, guards): (Vec<Route>, Vec<u8>) = routes.into_iter().unzip();
        let guard = |index: usize| guard_of(guards[index]);
        let (plain, guarded) = (build(&routes), build_guarded(&routes, guard));
        match guarded.find(method, "", &path) {
            Found::Route(found) => {
                for how in all_loosenesses() {
                    let Some(read) = read_loosely(&path, how) else { continue };
                    for index in loose_reference(&routes, method, &read, how) {
                        let more = guard(index).asks_more_than(&guard(found.index));
                        prop_assert!(!more, "{} read with {:?} leads to {:?}", path, how, routes[index]);
                    }
                }
            }
            // What is refused would be routed if no route asked for more.
            Found::Ambiguous(Ambiguity::StricterReading) => {
                let Found::Route(found) = plain.find(method, "", &path) else { panic!("no route as it stands") };
                let anywhere = path.contains("%25") || all_loosenesses().any(|how| read_loosely(&path, how).is_none());
                let stricter = (0..routes.len()).any(|index| guard(index).asks_more_than(&guard(found.index)));
                prop_assert!(anywhere || stricter);
            }
            other => prop_assert_eq!(other.index(), plain.find(method, "", &path).index()),
        }
    }

    #[test]
    fn a_path_of_lower_case_without_a_last_slash_is_never_refused_by_routes_of_the_same(
        routes in routes(), method in method(), path in plain_path(),
    ) {
        let routes: Vec<Route> = routes.into_iter().filter(|(_, pattern)| pattern == "/" || !pattern.ends_with('/')).collect();
        let path = if path == "/" { &path } else { path.trim_end_matches('/') };
        let guarded = build_guarded(&routes, |index| guard_of(u8::try_from(index % 4).unwrap()));
        prop_assert_eq!(guarded.find(method, "", path).index(), build(&routes).find(method, "", path).index());
    }

    #[test]
    fn a_path_that_is_routed_forwards_nothing_that_moves_a_segment(
        routes in routes(), method in method(), path in odd_path(),
    ) {
        if let Found::Route(found) = build(&routes).find(method, "", &path) {
            for prefix in prefixes(&routes[found.index].1) {
                let forwarded = found.forward_path(&prefix);
                prop_assert!(path.ends_with(forwarded) || forwarded == "/", "{}", forwarded);
                prop_assert!(forwarded.starts_with('/'));
                for segment in segments(forwarded) {
                    let decoded = decode(&segment);
                    prop_assert!(![&b"."[..], b".."].contains(&&*cut(&decoded)), "{} has a dot segment", forwarded);
                    let moves = |byte: &u8| matches!(byte, b'/' | b'\\' | 0x7f) || *byte < 0x20;
                    prop_assert!(!decoded.iter().any(moves), "{} has a separator", forwarded);
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_module_panic(
        routes in routes(), method in any::<String>(), path in any::<String>(), pattern in "[/a{}.+%;2F]{0,24}",
    ) {
        let table = build(&routes);
        for path in [path.clone(), format!("/{path}"), format!("/a/{path}"), pattern.clone()] {
            for method in ["GET", &method] {
                if let Found::Route(found) = table.find(method, "", &path) {
                    let longest = prefixes(&routes[found.index].1).pop().unwrap_or_default();
                    prop_assert!(found.forward_path(&longest).len() <= path.len());
                    prop_assert!(found.params().count() < MAX_SEGMENTS);
                }
            }
            if let Err(error) = Pattern::parse(&path) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
        if let Ok(pattern) = Pattern::parse(&pattern) {
            match Pattern::parse(pattern.as_str()) {
                // Escaped it is meant as it stands; plain, people mean other routers' wildcards and parameters by it.
                Err(PatternError::ForeignSyntax { segment }) => prop_assert!(segment.starts_with(['*', ':'])),
                again => prop_assert_eq!(again, Ok(pattern)),
            }
        }
    }
}

/// Turns an answer into what the reference matcher can say: a route, or the methods of the path.
trait Answer {
    fn index(self) -> Result<usize, String>;
}

impl Answer for Found<'_, '_> {
    fn index(self) -> Result<usize, String> {
        match self {
            Found::Route(found) => Ok(found.index),
            Found::MethodNotAllowed(allow) => Err(allow.to_string()),
            Found::NotFound => Err(String::new()),
            Found::Ambiguous(ambiguity) => Err(ambiguity.as_str().to_owned()),
        }
    }
}
