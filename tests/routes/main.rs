//! How a request finds its route: tables of routes, requests and answers, and properties in `routes/properties.rs`.
//!
//! A route is written `METHOD pattern`, with its host before the pattern if it has one, as requests have theirs, with `+%2F` after it if it allows encoded slashes, `~` if its path is read loosely, and
//! words for its demands, of which a number is one with a limit. An answer is the route as it is written, or `404`, or `405` with
//! the `Allow` header, or `400` with the reason for the log.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use bargate::route::{
    Allow, Conflict, Found, Guard, Host, MAX_PATTERN_BYTES, MAX_SEGMENTS, Match, Method, MethodRule, Pattern,
    RouteSpec, RouteTable,
};

mod properties;

fn spec(route: &str) -> RouteSpec {
    let mut words = route.split(' ');
    let method = MethodRule::parse(words.next().unwrap()).unwrap();
    let place = words.next().unwrap();
    let (host, pattern) = place.split_at(place.find('/').unwrap());
    let (host, pattern) = (Host::parse(host).unwrap_or_default(), Pattern::parse(pattern).unwrap());
    let words: Vec<&str> = words.collect();
    let mut guard = Guard::new(words.contains(&"~"));
    for demand in words.iter().filter(|word| !["~", "+%2F"].contains(word)) {
        match demand.parse() {
            Ok(at_most) => guard.limit("at most", at_most),
            Err(_) => guard.demand("demand", demand),
        }
    }
    RouteSpec { method, host, pattern, encoded_slashes: words.contains(&"+%2F"), guard }
}

fn table(routes: &[&str]) -> RouteTable {
    RouteTable::build(routes.iter().map(|route| spec(route)).collect()).unwrap()
}

fn answer(routes: &[&str], request: &str) -> String {
    let (method, place) = request.split_once(' ').unwrap();
    let (host, path) = place.split_at(place.find('/').unwrap_or_default());
    match table(routes).find(method, host, path) {
        Found::Route(found) => routes[found.index].to_owned(),
        Found::MethodNotAllowed(allow) => format!("405 {allow}"),
        Found::NotFound => "404".to_owned(),
        Found::Ambiguous(ambiguity) => format!("400 {ambiguity}"),
    }
}

type Row<'a> = (&'a str, &'a [&'a str], &'a str, &'a str);

/// Checks each row with its routes in the order written and in the opposite one.
fn check(rows: &[Row<'_>]) {
    for (message, routes, request, expected) in rows {
        let mut routes = routes.to_vec();
        assert_eq!(answer(&routes, request), *expected, "{message}: {request}");
        routes.reverse();
        assert_eq!(answer(&routes, request), *expected, "{message}, reversed: {request}");
    }
}

fn matched<'t, 'p>(table: &'t RouteTable, path: &'p str) -> Match<'t, 'p> {
    match table.find("GET", "", path) {
        Found::Route(found) => found,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_more_specific_route_wins_whatever_the_order_of_the_file() {
    check(&[
        ("literal before parameter", &["GET /a", "GET /{x}"], "GET /a", "GET /a"),
        ("literal before wildcard", &["GET /a", "GET /{.+}"], "GET /a", "GET /a"),
        ("literal before its own wildcard", &["GET /a", "GET /a/{.+}"], "GET /a", "GET /a"),
        ("slash before its own wildcard", &["GET /a/", "GET /a/{.+}"], "GET /a/", "GET /a/"),
        ("parameter before wildcard", &["GET /{x}", "GET /{.+}"], "GET /a", "GET /{x}"),
        ("parameter before the wildcard below it", &["GET /{x}", "GET /{x}/{.+}"], "GET /a", "GET /{x}"),
        ("the first literal from the left decides", &["GET /a/{x}", "GET /{x}/b"], "GET /a/b", "GET /a/{x}"),
        ("and so on to the right", &["GET /a/b/{x}", "GET /a/{x}/c"], "GET /a/b/c", "GET /a/b/{x}"),
        ("no wildcard before any literal", &["GET /a/{x}/{y}", "GET /a/b/{.+}"], "GET /a/b/c", "GET /a/{x}/{y}"),
        ("parameters alone before literals and a wildcard", &["GET /{x}/{y}", "GET /a/b/{.+}"], "GET /a/b", "GET /{x}/{y}"),
        ("the longer wildcard", &["GET /a/{.+}", "GET /a/b/{.+}"], "GET /a/b/c", "GET /a/b/{.+}"),
        ("the longer wildcard by a parameter", &["GET /a/{.+}", "GET /a/{x}/{.+}"], "GET /a/b/c", "GET /a/{x}/{.+}"),
        ("the longer wildcard matching nothing", &["GET /a/{.+}", "GET /a/{x}/{.+}"], "GET /a/b", "GET /a/{x}/{.+}"),
        ("a literal in a wildcard before a longer one", &["GET /a/{.+}", "GET /{x}/b/{.+}"], "GET /a/b/c", "GET /a/{.+}"),
        ("a literal in a wildcard before a parameter", &["GET /a/{.+}", "GET /{x}/{.+}"], "GET /a/b", "GET /a/{.+}"),
        ("the exact method before ANY", &["GET /a", "ANY /a"], "GET /a", "GET /a"),
        ("ANY for other methods", &["GET /a", "ANY /a"], "POST /a", "ANY /a"),
        ("the exact method before ANY on a parameter", &["GET /{x}", "ANY /{x}"], "GET /a", "GET /{x}"),
        ("the exact method before ANY on a wildcard", &["GET /{.+}", "ANY /{.+}"], "GET /a", "GET /{.+}"),
        ("the pattern before the method", &["ANY /a", "GET /{x}"], "GET /a", "ANY /a"),
        ("a parameter before the method", &["ANY /{x}", "GET /{.+}"], "GET /a", "ANY /{x}"),
        ("the longer pattern before the method", &["ANY /a/{x}/{.+}", "GET /a/{.+}"], "GET /a/b", "ANY /a/{x}/{.+}"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_search_goes_on_where_a_better_pattern_ends_in_nothing() {
    check(&[
        ("another method on the literal", &["GET /a/b", "POST /a/{x}"], "POST /a/b", "POST /a/{x}"),
        ("another method on the parameter", &["GET /{x}", "POST /{.+}"], "POST /a", "POST /{.+}"),
        ("another method on the longer wildcard", &["GET /a/{.+}", "POST /{.+}"], "POST /a/b", "POST /{.+}"),
        ("the literal leads nowhere", &["GET /a/b/c", "GET /{x}/b/d"], "GET /a/b/d", "GET /{x}/b/d"),
        ("two literals lead nowhere", &["GET /a/b/c", "GET /a/{x}/{y}"], "GET /a/b/d", "GET /a/{x}/{y}"),
        ("back to a wildcard", &["GET /a/b/c", "GET /a/{.+}"], "GET /a/b/d", "GET /a/{.+}"),
        ("back to the root", &["GET /a/b/c", "GET /{.+}"], "GET /a/b", "GET /{.+}"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn a_trailing_slash_makes_another_path() {
    check(&[
        ("without, asked with", &["GET /a"], "GET /a/", "404"),
        ("with, asked without", &["GET /a/"], "GET /a", "404"),
        ("each its own", &["GET /a", "GET /a/"], "GET /a/", "GET /a/"),
        ("a parameter is not empty", &["GET /a/{x}"], "GET /a/", "404"),
        ("a slash after a parameter", &["GET /{x}/"], "GET /a/", "GET /{x}/"),
        ("a slash after a parameter, asked without", &["GET /{x}/"], "GET /a", "404"),
        ("the root", &["GET /"], "GET /", "GET /"),
        ("the root is not a parameter", &["GET /{x}"], "GET /", "404"),
        ("a wildcard matches the bare prefix", &["GET /a/{.+}"], "GET /a", "GET /a/{.+}"),
        ("a wildcard matches the prefix and a slash", &["GET /a/{.+}"], "GET /a/", "GET /a/{.+}"),
        ("a wildcard matches a slash at the end", &["GET /a/{.+}"], "GET /a/b/", "GET /a/{.+}"),
        ("a wildcard needs its prefix as a segment", &["GET /a/{.+}"], "GET /ab", "404"),
        ("a wildcard at the root matches everything", &["GET /{.+}"], "GET /", "GET /{.+}"),
        ("a parameter before a wildcard is not empty", &["GET /{x}/{.+}"], "GET /", "404"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn empty_segments_are_refused_where_merging_them_changes_the_route() {
    check(&[
        ("at the front", &["GET /admin", "GET /{.+}"], "GET //admin", "400 readings_differ"),
        ("inside", &["GET /a/admin", "GET /{.+}"], "GET /a//admin", "400 readings_differ"),
        ("at the end", &["GET /a/", "GET /{.+}"], "GET /a//", "400 readings_differ"),
        ("many", &["GET /a/admin", "GET /{.+}"], "GET ///a////admin", "400 readings_differ"),
        ("found only when merged", &["GET /admin"], "GET //admin", "400 readings_differ"),
        ("found only by another method when merged", &["GET /admin", "POST /{.+}"], "POST //admin", "POST /{.+}"),
        ("the same route both ways", &["GET /{.+}"], "GET //a//b", "GET /{.+}"),
        ("nothing both ways", &["GET /a"], "GET //b", "404"),
        ("one slash at the end is not an empty segment", &["GET /a/", "GET /{.+}"], "GET /a/", "GET /a/"),
        ("a parameter does not match one", &["GET /a/{x}/b"], "GET /a//b", "404"),
        ("slashes alone are the root", &["GET /", "GET /{.+}"], "GET //", "400 readings_differ"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn encoded_slashes_are_refused_unless_the_route_admits_them() {
    let files = &["GET /files/{x} +%2F", "GET /{.+}"];
    check(&[
        ("upper case", &["GET /{x}"], "GET /a%2Fb", "400 encoded_slash"),
        ("lower case", &["GET /{x}"], "GET /a%2fb", "400 encoded_slash"),
        ("in a rest", &["GET /a/{.+}"], "GET /a/b/c%2Fd", "400 encoded_slash"),
        ("before a not found", &["GET /a"], "GET /b%2Fc", "400 encoded_slash"),
        ("before a method not allowed", &["POST /{x}"], "GET /a%2Fb", "400 encoded_slash"),
        ("a method not allowed that admits it", &["POST /{x} +%2F", "PUT /{.+}"], "GET /a%2Fb", "405 POST"),
        ("encoded twice is text", &["GET /{x}"], "GET /a%252Fb", "GET /{x}"),
        ("admitted", files, "GET /files/a%2Fb", "GET /files/{x} +%2F"),
        ("admitted in lower case", files, "GET /files/a%2fb", "GET /files/{x} +%2F"),
        ("admitted by another route only", files, "GET /other/a%2Fb", "400 encoded_slash"),
        ("the best route decides, not the next", &["GET /{x}", "GET /{.+} +%2F"], "GET /a%2Fb", "400 encoded_slash"),
        ("admitted, but not a backslash", files, "GET /files/a%5Cb", "400 backslash"),
        ("admitted, but not dots before it", files, "GET /files/..%2Fadmin", "400 dot_segment"),
        ("admitted, but not dots after it", files, "GET /files/a%2F%2E%2e", "400 dot_segment"),
        ("admitted, but not dots with a parameter", files, "GET /files/a%2F..;v%2Fb", "400 dot_segment"),
        ("admitted in a rest", &["GET /a/{.+} +%2F"], "GET /a/b%2Fc/d", "GET /a/{.+} +%2F"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn what_another_server_could_read_otherwise_is_refused() {
    let all = &["GET /{.+}"];
    let public = &["GET /pub/{.+}", "GET /admin"];
    check(&[
        ("a dot segment", all, "GET /a/./b", "400 dot_segment"),
        ("two dots", all, "GET /a/../b", "400 dot_segment"),
        ("two dots at the end", all, "GET /a/..", "400 dot_segment"),
        ("an encoded dot", all, "GET /a/%2e", "400 dot_segment"),
        ("encoded dots, mixed case", all, "GET /a/%2e%2E/b", "400 dot_segment"),
        ("half encoded dots", all, "GET /a/.%2e/b", "400 dot_segment"),
        ("dots encoded twice are text", all, "GET /a/%252e%252e/b", "GET /{.+}"),
        ("three dots are a name", all, "GET /a/.../b", "GET /{.+}"),
        ("a hidden file is a name", all, "GET /.well-known/x", "GET /{.+}"),
        ("dots and a parameter", all, "GET /a/..;x/b", "400 dot_segment"),
        ("dots and an encoded parameter", all, "GET /a/..%3Bx/b", "400 dot_segment"),
        ("a dot and an empty parameter", all, "GET /a/.;/b", "400 dot_segment"),
        ("dots and an encoded slash", public, "GET /pub/..%2fadmin", "400 dot_segment"),
        ("a backslash", all, "GET /a\\b", "400 backslash"),
        ("an encoded backslash", all, "GET /a%5Cb", "400 backslash"),
        ("an encoded backslash in lower case", all, "GET /a%5cb", "400 backslash"),
        ("dots and an encoded backslash", public, "GET /pub/..%5cadmin", "400 backslash"),
        ("a backslash encoded twice is text", all, "GET /a%255Cb", "GET /{.+}"),
        ("an encoded NUL", all, "GET /a%00", "400 control_character"),
        ("an encoded line feed", all, "GET /a%0Ab", "400 control_character"),
        ("an encoded delete", all, "GET /a%7f", "400 control_character"),
        ("a raw control character", all, "GET /a\u{1}", "400 control_character"),
        ("an encoded space is text", all, "GET /a%20b", "GET /{.+}"),
        ("a percent sign alone", all, "GET /100%", "400 malformed_escape"),
        ("a percent sign and one digit", all, "GET /a%4/b", "400 malformed_escape"),
        ("a percent sign and no digits", all, "GET /%zz", "400 malformed_escape"),
        ("the escape of one old server", all, "GET /%u002e%u002e/b", "400 malformed_escape"),
        ("refused though nothing is there", &["GET /a"], "GET /b/%2e%2e/c", "400 dot_segment"),
        ("refused though the method is wrong", &["POST /{.+}"], "GET /b/%5C", "400 backslash"),
        ("not a path", all, "GET a", "400 not_normalised"),
        ("no path at all", all, "GET ", "400 not_normalised"),
        ("the asterisk form", all, "OPTIONS *", "400 not_normalised"),
        ("a query", all, "GET /a?b", "400 not_normalised"),
        ("a fragment", all, "GET /a#b", "400 not_normalised"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn readings_that_lead_to_different_routes_are_refused() {
    let admin = &["GET /admin", "GET /{.+}"];
    check(&[
        ("a needless escape", admin, "GET /%61dmin", "400 readings_differ"),
        ("found only when decoded", &["GET /admin"], "GET /%61dmin", "400 readings_differ"),
        ("a needless escape in a parameter", &["GET /users/{id}"], "GET /users/%61lice", "GET /users/{id}"),
        ("an escape on the way to another literal", &["GET /a/{x}", "GET /a/me"], "GET /a/m%65", "400 readings_differ"),
        ("a parameter of a segment", admin, "GET /admin;v=1", "400 readings_differ"),
        ("an encoded semicolon", admin, "GET /admin%3Bv=1", "400 readings_differ"),
        ("a parameter in a parameter", &["GET /users/{id}"], "GET /users/7;v=1", "GET /users/{id}"),
        ("a segment that is all parameter", &["GET /{x}/{.+}", "GET /{.+}"], "GET /;x/b", "400 readings_differ"),
        ("all of it at once", &["GET /a/admin", "GET /{.+}"], "GET /%61;v//adm%69n;w", "400 readings_differ"),
        ("hex digits in lower case are no other reading", &["GET /café", "GET /{x}"], "GET /caf%c3%a9", "GET /café"),
        ("hex digits in upper case", &["GET /café", "GET /{x}"], "GET /caf%C3%A9", "GET /café"),
        ("an escape in the config in lower case", &["GET /caf%c3%a9"], "GET /caf%C3%A9", "GET /caf%c3%a9"),
        ("a needless escape in the config", &["GET /%61dmin"], "GET /admin", "GET /%61dmin"),
        ("an encoded space", &["GET /a%20b", "GET /{x}"], "GET /a%20b", "GET /a%20b"),
        ("a circumflex, which parsers spell in two ways", &["GET /a^b"], "GET /a%5Eb", "GET /a^b"),
        ("a circumflex as it is", &["GET /a^b"], "GET /a^b", "GET /a^b"),
        ("not UTF-8 in a parameter", &["GET /{x}"], "GET /%FF%fe", "GET /{x}"),
        ("not UTF-8 in a literal", &["GET /%ff", "GET /{x}"], "GET /%FF", "GET /%ff"),
        ("an encoded percent sign", &["GET /100%25", "GET /{x}"], "GET /100%25", "GET /100%25"),
        ("upper and lower case letters differ", &["GET /admin", "GET /{x}"], "GET /Admin", "GET /{x}"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn a_path_that_is_read_loosely_is_refused_where_another_reading_asks_for_more() {
    let order = &["GET /api/orders/{id} auth", "ANY /{.+} ~"];
    let (open, refused) = ("ANY /{.+} ~", "400 stricter_reading");
    check(&[
        ("as the pattern has it", order, "GET /api/orders/7", "GET /api/orders/{id} auth"),
        ("a last slash", order, "GET /api/orders/7/", refused),
        ("letter case", order, "GET /api/Orders/7", refused),
        ("both at once", order, "GET /API/orders/7/", refused),
        ("two last slashes", order, "GET /api/orders/7//", refused),
        ("letter case and a needless escape", order, "GET /%41pi/orders/7", refused),
        ("letter case and an empty segment", order, "GET /Api//orders/7", refused),
        ("letter case of a parameter", order, "GET /api/orders/A", "GET /api/orders/{id} auth"),
        ("another method", order, "DELETE /api/Orders/7", open),
        ("HEAD, which is answered as GET is", order, "HEAD /api/Orders/7", refused),
        ("a longer path", order, "GET /api/Orders/7/lines", open),
        ("nothing like it", order, "GET /API/Other", open),
        ("no route as it stands", &["GET /api/orders/{id} auth", "GET /b ~"], "GET /api/orders/7/", "404"),
        ("no method as it stands", &["GET /a auth", "POST /{.+} ~"], "GET /A", "405 POST"),
        ("a pattern in upper case", &["GET /api/Orders auth", "ANY /{.+} ~"], "GET /api/orders", refused),
        ("a pattern with a last slash", &["GET /a/ auth", "ANY /{.+} ~"], "GET /a", refused),
        ("a slash behind a parameter", &["GET /{x}/ auth", "ANY /{.+} ~"], "GET /a", refused),
        ("letters beyond ASCII", &["GET /café auth", "ANY /{.+} ~"], "GET /CAF%C3%89", refused),
        ("a wildcard", &["ANY /api/{.+} auth", "ANY /{.+} ~"], "GET /API", refused),
        ("a longer wildcard", &["ANY /api/admin/{.+} admin", "ANY /api/{.+} ~"], "GET /api/Admin/x", refused),
        ("the root", &["GET / auth", "GET /{.+} ~"], "GET /", "GET / auth"),
        ("two that differ by case alone", &["GET /A auth", "GET /a ~"], "GET /a", refused),
        ("the stricter of the two", &["GET /A auth ~", "GET /a ~"], "GET /A", "GET /A auth ~"),
        ("two that differ by a slash alone", &["GET /a/ auth", "GET /a ~"], "GET /a", refused),
        ("the same with another method", &["ANY /A auth", "GET /a ~"], "GET /a", refused),
        ("the method decides within one pattern", &["ANY /a auth ~", "GET /a ~"], "GET /a", "GET /a ~"),
        ("an exception within what is guarded", &["GET /a/{x} auth", "GET /a/b ~", "ANY /{.+} ~"], "GET /a/b", "GET /a/b ~"),
        ("the same in upper case", &["GET /a/{x} auth", "GET /a/b ~", "ANY /{.+} ~"], "GET /a/B", "GET /a/{x} auth"),
        ("letter case, where each pattern has a last slash", &["GET /a/ auth", "GET /{x}/ ~"], "GET /A/", refused),
        ("what follows it is not before it", &["GET /a/{.+} ~", "ANY /{.+} auth"], "GET /a/X", "GET /a/{.+} ~"),
        ("nor is a wildcard that begins like it", &["GET /{x} ~", "ANY /a/{.+} auth"], "GET /A", "GET /{x} ~"),
        ("a parameter comes before a wildcard", &["GET /a/{.+} ~", "GET /{x}/b auth"], "GET /a/B", refused),
        ("a literal that lacks the method", &["POST /ab/c ~", "GET /ab/{y} auth", "GET /{x}/{y} ~"], "GET /Ab/c", refused),
        ("the method decides in another case, too", &["ANY /{x} auth ~", "GET /{x} ~"], "GET /A", "GET /{x} ~"),
        ("only the case is ignored", &["GET /a auth", "ANY /{x}/{.+} auth", "ANY /{.+} ~"], "GET /A/", "ANY /{x}/{.+} auth"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn what_asks_for_more_is_what_has_a_demand_that_the_other_lacks() {
    let refused = "400 stricter_reading";
    check(&[
        ("nothing", &["GET /a", "GET /{.+} ~"], "GET /A", "GET /{.+} ~"),
        ("the same", &["GET /a auth", "GET /{.+} auth ~"], "GET /A", "GET /{.+} auth ~"),
        ("less", &["GET /a", "GET /{.+} auth ~"], "GET /A", "GET /{.+} auth ~"),
        ("more", &["GET /a auth scope", "GET /{.+} auth ~"], "GET /A", refused),
        ("something else", &["GET /a scope", "GET /{.+} other ~"], "GET /A", refused),
        ("a lower limit", &["GET /a 10", "GET /{.+} 100 ~"], "GET /A", refused),
        ("a higher limit", &["GET /a 100", "GET /{.+} 10 ~"], "GET /A", "GET /{.+} 10 ~"),
        ("more, and another reads the path as it stands", &["GET /a auth", "GET /{.+}"], "GET /A", "GET /{.+}"),
        ("more, of one that nobody reads loosely", &["GET /a auth ~", "GET /{.+}", "GET /b ~"], "GET /A", "GET /{.+}"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_habits_of_servers_lead_no_request_past_a_guard() {
    let admin = &["GET /admin auth", "GET /admin/{x} auth", "GET /{.+} ~"];
    let (open, refused) = ("GET /{.+} ~", "400 stricter_reading");
    check(&[
        ("an encoded question mark", admin, "GET /admin%3Fx", refused),
        ("one in lower case", admin, "GET /admin%3fx=1/y", refused),
        ("an encoded fragment", admin, "GET /admin%23", refused),
        ("an encoded question mark elsewhere", admin, "GET /wiki/Who%3F", open),
        ("a question mark in a parameter", admin, "GET /admin/Who%3F", "GET /admin/{x} auth"),
        ("a space at an end", admin, "GET /admin%20", refused),
        ("spaces at the end of a segment", admin, "GET /admin%20%20/7", refused),
        ("a space within", admin, "GET /ad%20min", open),
        ("a dot at an end", admin, "GET /admin.", refused),
        ("dots at the end of a segment", admin, "GET /admin.../7", refused),
        ("a dot within", admin, "GET /admin.html", open),
        ("a name of dots, which may lead anywhere", admin, "GET /.../x", refused),
        ("a slash that is encoded twice", admin, "GET /x%252fadmin", open),
        ("the same before the guarded", admin, "GET /admin%252f7", refused),
        ("an address that is encoded twice", admin, "GET /image/https%253A%252F%252Fe.example", open),
        ("two slashes before the guarded", admin, "GET /%252f%252fadmin", refused),
        ("a slash that is kept, and a catch-all", &["GET /{x} ~", "GET /{.+} auth"], "GET /%252FB", refused),
        ("two slashes within it", admin, "GET /admin%252f%252F7", refused),
        ("dots between them", admin, "GET /x%252f%252f..%252fadmin", refused),
        ("an address that is encoded once", &["GET /admin auth", "GET /{x} +%2F ~"], "GET /https%3A%2F%2Fe%2F", "GET /{x} +%2F ~"),
        ("such slashes before the guarded", &["GET /admin auth", "GET /{x} +%2F ~"], "GET /%2F%2Fadmin%2F", refused),
        ("a letter that is encoded twice", admin, "GET /%2561dmin", refused),
        ("dots that are encoded twice", admin, "GET /x/%252e%252e/admin", refused),
        ("a backslash that is encoded twice", admin, "GET /x%255Cadmin", refused),
        ("a percent sign", admin, "GET /100%25", open),
        ("an escape that is none", admin, "GET /100%25zz", open),
        ("all of it at once", admin, "GET /%2541dmin%2520%253Fx", refused),
        ("one habit and not the other", &["GET /a/{x}/c auth", "GET /{.+} ~"], "GET /A/b%3F/c", refused),
        ("where nothing asks for more", &["GET /admin", "GET /{.+} ~"], "GET /admin%3Fx", "GET /{.+} ~"),
        ("overlong UTF-8, whatever the routes are", &["GET /{.+}"], "GET /x%c0%afadmin", "400 overlong_encoding"),
        ("overlong UTF-8 of three bytes", &["GET /{.+}"], "GET /x%e0%80%af", "400 overlong_encoding"),
        ("overlong UTF-8 of four bytes", &["GET /{.+}"], "GET /x%f0%80%80%af", "400 overlong_encoding"),
        ("Latin-1, which is no UTF-8 at all", &["GET /{.+}"], "GET /%c0%20la%e0", "GET /{.+}"),
        ("UTF-8 of three bytes", &["GET /{.+}"], "GET /%e0%a4%a8", "GET /{.+}"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn methods_fall_back_to_get_and_any() {
    check(&[
        ("HEAD itself", &["HEAD /a", "GET /a", "ANY /a"], "HEAD /a", "HEAD /a"),
        ("HEAD by GET", &["GET /a", "ANY /a"], "HEAD /a", "GET /a"),
        ("HEAD by ANY", &["POST /a", "ANY /a"], "HEAD /a", "ANY /a"),
        ("HEAD by the better pattern", &["GET /a", "HEAD /{x}"], "HEAD /a", "GET /a"),
        ("GET not by HEAD", &["HEAD /a"], "GET /a", "405 HEAD"),
        ("OPTIONS itself", &["OPTIONS /a", "ANY /a"], "OPTIONS /a", "OPTIONS /a"),
        ("an unknown method by ANY", &["GET /a", "ANY /a"], "PROPFIND /a", "ANY /a"),
        ("an unknown method by nothing", &["GET /a"], "PROPFIND /a", "405 GET, HEAD"),
        ("methods are case-sensitive", &["GET /a"], "get /a", "405 GET, HEAD"),
        ("the method ANY is unknown", &["GET /a", "ANY /{x}"], "ANY /a", "ANY /{x}"),
        ("an empty method", &["GET /a"], " /a", "405 GET, HEAD"),
    ]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn allow_lists_every_method_of_the_path() {
    check(&[
        ("GET brings HEAD", &["GET /a"], "POST /a", "405 GET, HEAD"),
        ("in a fixed order", &["DELETE /a", "PATCH /a", "PUT /a", "POST /a"], "GET /a", "405 POST, PUT, PATCH, DELETE"),
        ("of all patterns", &["GET /a/b", "PUT /a/{x}", "POST /{.+}"], "DELETE /a/b", "405 GET, HEAD, POST, PUT"),
        ("and of no other path", &["GET /a", "PUT /b"], "POST /a", "405 GET, HEAD"),
        ("of a wildcard's bare prefix", &["GET /a/{.+}"], "POST /a", "405 GET, HEAD"),
        ("no path, no methods", &["GET /a"], "POST /b", "404"),
        ("no routes, no path", &[], "GET /", "404"),
    ]);
    let mut allow = Allow::default();
    assert!(allow.is_empty() && !allow.contains(Method::Get), "nothing is allowed at first");
    allow.insert(MethodRule::Exact(Method::Get));
    assert_eq!(allow.to_string(), "GET, HEAD", "GET brings HEAD");
    allow.insert(MethodRule::Any);
    assert_eq!(allow.to_string(), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "ANY lists all");
    assert!(Method::ALL.into_iter().eq(allow.iter()), "iter agrees with Display");
}

#[test]
#[rustfmt::skip] // One row a line.
fn very_long_paths_are_matched_like_short_ones() {
    let deep = "/a".repeat(8 * 1024);
    let wide = format!("/{}", "a".repeat(16 * 1024));
    let slashes = "/".repeat(16 * 1024);
    let escapes = "/%61".repeat(4 * 1024);
    let routes = ["GET /{.+}", "GET /a/{x}/{y}/{.+}", "GET /a/a/{x}/b", "GET /{x}", "GET /{x}/{y}/a/a/b"];
    for (message, path, expected) in [
        ("many segments", &deep, "GET /a/{x}/{y}/{.+}"),
        ("one long segment", &wide, "GET /{x}"),
        ("slashes alone", &slashes, "GET /{.+}"),
        ("many escapes", &escapes, "400 readings_differ"),
    ] {
        assert_eq!(answer(&routes, &format!("GET {path}")), expected, "{message}");
    }
    assert_eq!(answer(&["GET /a"], &format!("GET {deep}")), "404", "many segments, no route");
}

#[test]
fn patterns_that_overlap_everywhere_are_searched_in_bounded_time() {
    // Each of the 4,096 mixes of literals and parameters is a prefix that matches, and none leads to the end.
    let routes: Vec<String> = (0..4096_u32)
        .map(|mix| {
            let segments = (0..12).map(|bit| if mix >> bit & 1 == 0 { "/a".into() } else { format!("/{{p{bit}}}") });
            format!("GET {}/end", segments.collect::<String>())
        })
        .collect();
    let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
    assert_eq!(answer(&routes, &format!("GET {}/no", "/a".repeat(12))), "404");
    assert_eq!(answer(&routes, &format!("GET {}", "/a".repeat(8 * 1024))), "404");
    assert_eq!(answer(&routes, &format!("GET {}/end", "/a".repeat(12))), routes[0]);
}

#[test]
#[rustfmt::skip] // One row a line.
fn the_path_that_matched_is_forwarded_less_its_prefix() {
    for (message, route, path, forwarded) in [
        ("no wildcard", "GET /a/{x}", "/a/b", "/a/b"),
        ("the rest", "GET /a/b/{.+}", "/a/b/c/d", "/c/d"),
        ("a named rest", "GET /a/b/{rest+}", "/a/b/c/d", "/c/d"),
        ("none of it", "GET /a/b/{.+}", "/a/b", "/"),
        ("a slash", "GET /a/b/{.+}", "/a/b/", "/"),
        ("a slash at the end", "GET /a/{.+}", "/a/b/", "/b/"),
        ("no prefix", "GET /{.+}", "/a/b", "/a/b"),
        ("no prefix, root", "GET /{.+}", "/", "/"),
        ("a parameter before it", "GET /a/{id}/{.+}", "/a/b/c", "/a/b/c"),
        ("a parameter before it, none of it", "GET /{id}/{.+}", "/a", "/a"),
        ("nothing is decoded", "GET /a/{.+}", "/a/%62/c%20d", "/%62/c%20d"),
        ("a prefix spelled otherwise", "GET /café/a^b/{.+}", "/caf%c3%a9/a%5eb/c", "/c"),
        ("a prefix spelled shorter", "GET /a^b/{.+}", "/a^b/c", "/c"),
        ("empty segments stay", "GET /a/{.+}", "/a//b", "//b"),
        ("non-ASCII as a careless caller sends it", "GET /é/{.+}", "/é/ü", "/ü"),
    ] {
        let table = table(&[route]);
        let found = matched(&table, path);
        let by_default = found.literal_prefix().unwrap_or_default();
        assert_eq!(found.forward_path(by_default), forwarded, "{message}");
        assert_eq!(found.forward_path(""), path, "{message}: whole");
    }
    for (message, route, prefix, path, forwarded) in [
        ("a parameter behind it", "GET /api/users/{id}", "/api", "/api/users/7", "/users/7"),
        ("the parameter as it was sent", "GET /api/{id}", "/api", "/api/%2e%2e%41;v=1", "/%2e%2e%41;v=1"),
        ("all but a parameter", "GET /api/users/{id}", "/api/users", "/api/users/7", "/7"),
        ("all of it", "GET /api/users", "/api/users", "/api/users", "/"),
        ("all but the last slash", "GET /api/users/", "/api/users", "/api/users/", "/"),
        ("less than the wildcard's own", "ANY /api/users/{.+}", "/api", "/api/users/a/b", "/users/a/b"),
        ("less, and none of the rest", "ANY /api/users/{.+}", "/api", "/api/users", "/users"),
        ("before a parameter and a wildcard", "ANY /api/{id}/{.+}", "/api", "/api/7/a", "/7/a"),
        ("a prefix spelled otherwise", "GET /café/{id}", "/café", "/caf%c3%a9/7", "/7"),
        ("a prefix with needless escapes", "GET /api/{id}", "/%61pi", "/api/7", "/7"),
        ("empty segments behind it stay", "ANY /api/{.+}", "/api", "/api//evil.example", "//evil.example"),
    ] {
        let table = table(&[route]);
        let found = matched(&table, path);
        let prefix = spec(route).pattern.prefix(prefix).unwrap();
        assert_eq!(found.forward_path(&prefix), forwarded, "{message}");
    }
}

#[test]
fn a_prefix_is_the_first_segments_of_a_pattern_and_literal() {
    let pattern = Pattern::parse("/api/v1/{id}/é/{.+}").unwrap();
    for prefix in ["", "/api", "/api/v1", "/%61pi"] {
        assert!(pattern.prefix(prefix).is_some(), "{prefix}");
    }
    for prefix in
        ["/", "/api/", "api", "/ap", "/v1", "/api/v1/{id}", "/api/v1/7", "/api/{.+}", "/{.+}", "/api/v1/../v1", "//"]
    {
        assert_eq!(pattern.prefix(prefix), None, "{prefix}");
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn parameters_are_named_by_the_pattern_and_not_decoded() {
    for (message, route, path, expected) in [
        ("none", "GET /a", "/a", ""),
        ("one", "GET /a/{id}", "/a/7", "id=7"),
        ("many", "GET /{a}/x/{b_1}/{c-d}", "/1/x/2/3", "a=1 b_1=2 c-d=3"),
        ("raw", "GET /{id}", "/%61;v=1", "id=%61;v=1"),
        ("a named rest", "GET /{id}/{rest+}", "/7/b/c/", "id=7 rest=b/c/"),
        ("an empty rest", "GET /a/{rest+}", "/a", "rest="),
        ("an empty rest after a slash", "GET /a/{rest+}", "/a/", "rest="),
        ("a rest without a name", "GET /{id}/{.+}", "/7/b", "id=7"),
    ] {
        let table = table(&[route]);
        let found = matched(&table, path);
        let params: Vec<String> = found.params().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(params.join(" "), expected, "{message}");
        assert!(spec(route).pattern.param_names().eq(found.params().map(|(name, _)| name)), "{message}: names");
    }
}

#[test]
fn what_a_wildcard_matched_is_the_rest_without_its_first_slash() {
    for (route, path, expected) in [
        ("GET /a", "/a", ""),
        ("GET /a/{id}", "/a/7", ""),
        ("GET /a/{rest+}", "/a/b/c/", "b/c/"),
        ("GET /a/{id}/{rest+}", "/a/7/b", "b"),
        ("GET /a/{.+}", "/a", ""),
        ("GET /a/{.+}", "/a/", ""),
        ("GET /a/{.+}", "/a//b", "/b"),
        ("GET /{.+}", "/", ""),
    ] {
        assert_eq!(matched(&table(&[route]), path).rest(), expected, "{route}: {path}");
    }
}

#[test]
fn a_route_is_called_by_its_method_its_host_and_its_pattern() {
    for route in ["GET /orders/{id}", "ANY api.example.com/{.+}"] {
        let spec = spec(route);
        assert_eq!(spec.name(), route);
        assert!(route.ends_with(&spec.pattern.to_string()), "{route}");
    }
    assert!(table(&[]).is_empty() && !table(&["GET /a"]).is_empty());
}

#[test]
#[rustfmt::skip] // One row a line.
fn routes_that_no_request_can_tell_apart_conflict() {
    for (message, routes, expected) in [
        ("the same twice", &["GET /a", "GET /a"][..], &[(0, 1)][..]),
        ("other parameter names", &["GET /{a}/b", "GET /{b}/b"], &[(0, 1)]),
        ("other wildcard names", &["GET /a/{.+}", "GET /a/{rest+}"], &[(0, 1)]),
        ("other spellings", &["GET /café", "GET /caf%c3%a9"], &[(0, 1)]),
        ("one admits encoded slashes", &["GET /{a}", "GET /{a} +%2F"], &[(0, 1)]),
        ("ANY twice", &["ANY /a", "GET /a", "ANY /a"], &[(0, 2)]),
        ("all at once, each with the first", &["GET /a", "GET /b", "GET /a", "GET /b", "GET /a"], &[(0, 2), (1, 3), (0, 4)]),
        ("other methods", &["GET /a", "HEAD /a", "ANY /a"], &[]),
        ("a trailing slash", &["GET /a", "GET /a/", "GET /a/{.+}"], &[]),
        ("a literal and a parameter", &["GET /a", "GET /{a}"], &[]),
        ("the same under one host", &["GET a.example/{a}", "GET A.Example./{b}"], &[(0, 1)]),
        ("other hosts", &["GET /a", "GET a.example/a", "GET b.example/a", "GET *.example/a"], &[]),
    ] {
        let built = RouteTable::build(routes.iter().map(|route| spec(route)).collect());
        let conflicts: Vec<Conflict> = built.err().unwrap_or_default();
        let expected: Vec<Conflict> = expected.iter().map(|&(first, second)| Conflict { first, second }).collect();
        assert_eq!(conflicts, expected, "{message}");
    }
}

#[test]
#[rustfmt::skip] // One row a line.
fn a_whole_host_comes_before_a_star_and_that_before_every_name() {
    let three = &["GET a.example/{.+}", "GET *.example/x", "ANY /x"][..];
    check(&[
        ("its own host, although another path is more exact", three, "GET a.example/x", "GET a.example/{.+}"),
        ("the star", three, "GET b.example/x", "GET *.example/x"),
        ("every name", three, "GET a.b.example/x", "ANY /x"),
        ("a star is one label", three, "GET example/x", "ANY /x"),
        ("a port says nothing", three, "GET a.example:8443/y", "GET a.example/{.+}"),
        ("nor a dot at the end", three, "GET a.example./y", "GET a.example/{.+}"),
        ("nor several", three, "GET a.example..:8443/y", "GET a.example/{.+}"),
        ("nor both", three, "GET b.example.:80/x", "GET *.example/x"),
        ("a path of another host is unknown", three, "GET b.example/y", "404"),
        ("a host that begins like it", three, "GET a.example.evil/y", "404"),
        ("a name that ends like it", &["GET example.com/x"], "GET evilexample.com/x", "404"),
        ("the text of the star itself", three, "GET *.example/y", "404"),
        ("no host", three, "GET /y", "404"),
        ("an address in brackets", three, "GET [::1]:8787/y", "404"),
        ("a method that another host has", &["GET a.example/x", "POST b.example/x"], "POST a.example/x", "405 GET, HEAD"),
        ("a method that every name has", &["GET a.example/x", "POST /x"], "POST a.example/x", "POST /x"),
        ("the methods of all that match", &["GET a.example/x", "PUT *.example/x", "POST /x"], "DELETE a.example/x", "405 GET, HEAD, POST, PUT"),
        ("loosely, a guard of the same host", &["GET a.example/x auth", "GET a.example/{.+} ~"], "GET a.example/X", "400 stricter_reading"),
        ("a guard of every name", &["GET /x auth", "GET a.example/{.+} ~"], "GET a.example/X", "GET a.example/{.+} ~"),
        ("a guard that comes before every name", &["GET a.example/x auth", "GET /{.+} ~"], "GET a.example/X", "400 stricter_reading"),
        ("a guard of another host", &["GET b.example/x auth", "GET /{.+} ~"], "GET a.example/X", "GET /{.+} ~"),
        ("folded patterns keep their hosts", &["GET b.example/X auth", "GET a.example/X auth", "GET /{.+} ~"], "GET a.example/x", "400 stricter_reading"),
        ("and are those of no other", &["GET b.example/X auth", "GET /{.+} ~"], "GET a.example/x", "GET /{.+} ~"),
        ("readings differ only within a host", &["GET b.example/a/b", "GET /a/{.+}"], "GET a.example/a//b", "GET /a/{.+}"),
    ]);
}

#[test]
fn a_table_tells_the_pattern_of_a_match() {
    let table = table(&["GET /{x}", "POST /a"]);
    assert_eq!((table.len(), table.is_empty()), (2, false));
    let found = matched(&table, "/b");
    assert_eq!((found.index, found.rule, found.pattern), (0, MethodRule::Exact(Method::Get), "/{x}"));
    assert_eq!(table.pattern(found.place), Some("/{x}"));
    assert_eq!(table.pattern(2), None);
}

#[test]
#[rustfmt::skip] // One row a line.
fn patterns_are_stored_as_a_browser_requests_them() {
    for (message, text, stored, prefix) in [
        ("plain", "/a/b", "/a/b", None),
        ("root", "/", "/", None),
        ("non-ASCII", "/café", "/caf%C3%A9", None),
        ("a space and quotes", "/a \"b\"", "/a%20%22b%22", None),
        ("hex digits in lower case", "/caf%c3%a9", "/caf%C3%A9", None),
        ("needless escapes", "/%61%2D%7e", "/a-~", None),
        ("braces as text", "/%7Bid%7D", "/%7Bid%7D", None),
        ("an encoded percent sign", "/100%25", "/100%25", None),
        ("a verb after a colon", "/jobs:run", "/jobs:run", None),
        ("a wildcard", "/a/é/{.+}", "/a/%C3%A9/{.+}", Some("/a/%C3%A9")),
        ("a wildcard at the root", "/{.+}", "/{.+}", Some("")),
        ("a named wildcard", "/a/{rest+}", "/a/{rest+}", Some("/a")),
        ("a parameter before a wildcard", "/{a}/{.+}", "/{a}/{.+}", None),
    ] {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.as_str(), stored, "{message}");
        assert_eq!(pattern.literal_prefix(), prefix, "{message}: prefix");
        assert_eq!(Pattern::parse(stored).unwrap(), pattern, "{message}: parsing what is stored changes nothing");
    }
    assert_eq!(Pattern::parse("/%2A/%3Aid").unwrap().as_str(), "/*/:id", "an escape makes text of another router's syntax");
}

#[test]
#[rustfmt::skip] // One row a line.
fn a_wrong_pattern_is_told_what_to_write_instead() {
    let long = format!("/{}", "é".repeat(MAX_PATTERN_BYTES / 6 + 1));
    let deep = "/a".repeat(MAX_SEGMENTS + 1);
    for (message, text, parts) in [
        ("empty", "", ["does not begin with `/`", "write \"/\""]),
        ("relative", "api/x", ["does not begin with `/`", "\"/api/x\""]),
        ("a URL", "https://example.com/a", ["whole URL", "only its path"]),
        ("an empty segment", "/a//b/", ["double slash", "\"/a/b/\""]),
        ("an open brace", "/a/{id", ["\"{id\"", "`%7B`"]),
        ("a closing brace", "/id}", ["\"id}\"", "unpaired"]),
        ("a brace within braces", "/{{id}}", ["unpaired", "`{name}`"]),
        ("two opening braces in a part", "/a{{b}", ["unpaired", "`{name}`"]),
        ("a slash within braces", "/{a/b}", ["\"{a\"", "unpaired"]),
        ("a part of a segment", "/a-{id}", ["\"a-{id}\"", "whole segment"]),
        ("two in a segment", "/{a}{b}", ["\"{a}{b}\"", "whole segment"]),
        ("no name", "/{}", ["no name", "`{name}`"]),
        ("no name in a wildcard", "/{+}", ["no name", "`{.+}`"]),
        ("a digit first", "/{1a}", ["\"1a\"", "letters, digits"]),
        ("a dot in a name", "/{a.b}", ["\"a.b\"", "`{order_id}`"]),
        ("not ASCII in a name", "/{é}", ["\"é\"", "ASCII"]),
        ("an optional parameter", "/{id?}", ["\"id?\"", "not a parameter name"]),
        ("a name twice", "/{id}/b/{id}", ["`id`", "`{id_2}`"]),
        ("a name twice with a wildcard", "/{id}/{id+}", ["`id`", "another name"]),
        ("a wildcard inside", "/a/{.+}/b", ["follows the wildcard", "`{name}` for a single"]),
        ("a wildcard and a slash", "/a/{rest+}/", ["follows the wildcard", "end the pattern there"]),
        ("an asterisk", "/a/*", ["\"*\"", "`{.+}`"]),
        ("two asterisks", "/**", ["\"**\"", "`%2A`"]),
        ("a colon", "/users/:id", ["\":id\"", "`{id}`"]),
        ("a query", "/a?b=c", ["query or a fragment", "`%3F`"]),
        ("a fragment", "/a#b", ["query or a fragment", "`%23`"]),
        ("a dot segment", "/a/../b", ["\"..\"", "leads to"]),
        ("an encoded dot segment", "/a/%2e%2E", ["dot segment", "leads to"]),
        ("an encoded slash", "/a%2fb", ["\"a%2fb\"", "encoded_slashes"]),
        ("an encoded backslash", "/a%5Cb", ["\"a%5Cb\"", "backslash"]),
        ("a backslash", "/a\\b", ["backslash", "write `/`"]),
        ("a semicolon", "/a;v=1", ["\"a;v=1\"", "remove the `;`"]),
        ("an encoded semicolon", "/a%3b", ["`;`", "`{name}`"]),
        ("a control character", "/a\n", ["a\n", "control character"]),
        ("an encoded control character", "/%7F", ["control character", "remove it"]),
        ("a malformed escape", "/100%", ["two hex digits", "`%25`"]),
        ("too long once encoded", &long, ["2053 bytes", "2048"]),
        ("too many segments", &deep, ["33 segments", "`{.+}`"]),
    ] {
        let text = Pattern::parse(text).expect_err(message).to_string();
        for part in parts {
            assert!(text.contains(part), "{message}: {part:?} is not in {text:?}");
        }
    }
    assert!(Pattern::parse(&"/a".repeat(MAX_SEGMENTS)).is_ok(), "the limit itself is allowed");
    let longest = format!("/{}", "a".repeat(MAX_PATTERN_BYTES - 1));
    assert!(Pattern::parse(&longest).is_ok(), "so is that of its length");
    let full = format!("{}/{{.+}}", "/a".repeat(MAX_SEGMENTS - 1));
    assert!(Pattern::parse(&full).is_ok(), "the wildcard counts as the last segment");
    let over = format!("{}/{{.+}}", "/a".repeat(MAX_SEGMENTS));
    assert!(Pattern::parse(&over).is_err(), "and not as one for free");
}

#[test]
fn methods_are_parsed_as_they_are_written() {
    for method in Method::ALL {
        assert_eq!(Method::parse(method.as_str()), Some(method), "{method}");
        assert_eq!(MethodRule::parse(method.as_str()), Some(MethodRule::Exact(method)), "{method}");
        assert_eq!(method.to_string(), method.as_str());
    }
    assert_eq!(MethodRule::parse("ANY"), Some(MethodRule::Any));
    assert_eq!(MethodRule::Any.to_string(), "ANY");
    for text in ["", "get", "Get", "any", "ANY ", "TRACE", "CONNECT", "*"] {
        assert_eq!(MethodRule::parse(text), None, "{text:?}");
    }
    assert_eq!(Method::parse("ANY"), None, "ANY is a rule and not a method");
}
