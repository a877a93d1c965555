//! What a match costs with 10, 1,000 and 10,000 routes, and with as many under 100 hosts, in one run: `cargo bench --bench routes`.
//!
//! The sizes are measured in turn, round after round, so that a machine that slows down slows all of them; the fastest round
//! counts, being the one that was least disturbed. It prints nanoseconds and ratios and asserts nothing about either.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bargate::route::{Found, Guard, Host, MethodRule, Pattern, RouteSpec, RouteTable};

/// How many routes there are, and under how many hosts; none for every name.
const SIZES: [(usize, usize); 4] = [(10, 0), (1_000, 0), (10_000, 0), (10_000, 100)];
/// Rounds of each measurement; each is short, so that some of them run undisturbed.
const ROUNDS: u32 = 200;
/// Matches in a round: enough that reading the clock does not count.
const MATCHES_PER_ROUND: u32 = 1_000;
/// Different requests to each measurement, spread over the whole table, so that no few of its routes are always at hand.
const REQUESTS: usize = 1_000;

/// The routes of one resource, as an API has them; `{}` stands for its number.
const SHAPES: [(&str, &str); 5] = [
    ("GET", "/api/v1/resource{}"),
    ("POST", "/api/v1/resource{}"),
    ("GET", "/api/v1/resource{}/{id}"),
    ("DELETE", "/api/v1/resource{}/{id}/items/{item}"),
    ("ANY", "/api/v1/resource{}/files/{.+}"),
];

/// What is asked for; `{}` stands for the number of a resource.
const CASES: [(&str, &str, &str); 8] = [
    ("literal", "GET", "/api/v1/resource{}"),
    ("parameter", "GET", "/api/v1/resource{}/4711"),
    ("two parameters", "DELETE", "/api/v1/resource{}/4711/items/42"),
    ("wildcard", "GET", "/api/v1/resource{}/files/2026/report.pdf"),
    ("escapes in a parameter", "GET", "/api/v1/resource{}/caf%C3%A9"),
    ("other method (405)", "PUT", "/api/v1/resource{}"),
    ("miss at the end (404)", "GET", "/api/v1/resource{}/4711/none"),
    ("miss at a literal (404)", "GET", "/api/v1/none{}"),
];

fn main() {
    let tables = SIZES.map(|size| RouteTable::build(specs(size)).unwrap_or_else(|_| unreachable!("no conflicts")));
    println!("one match, nanoseconds, by number of routes");
    print_row("", ["10", "1,000", "10,000", "100 hosts"].map(str::to_owned), "10,000 : 10");
    for (name, method, path) in CASES {
        let mut best = SIZES.map(|_| Duration::MAX);
        let requests = SIZES.map(|size| requests(path, size));
        for _ in 0..ROUNDS {
            for ((table, requests), best) in tables.iter().zip(&requests).zip(&mut best) {
                *best = measure_matches(table, method, requests).min(*best);
            }
        }
        print_times(name, best.map(|time| time / MATCHES_PER_ROUND), "ns", Duration::as_nanos);
    }
    let mut best = SIZES.map(|_| Duration::MAX);
    for _ in 0..10 {
        for (size, best) in SIZES.into_iter().zip(&mut best) {
            *best = measure_build(size).min(*best);
        }
    }
    print_times("building the table", best, "µs", Duration::as_micros);
    let hostile = format!("/api/v1{}", "/a".repeat(8 * 1024));
    let escaped = format!("/api/v1{}", "/%61".repeat(4 * 1024));
    for (name, path) in [("16 KiB of /a (404)", hostile), ("16 KiB of /%61 (404)", escaped)] {
        let mut best = SIZES.map(|_| Duration::MAX);
        for _ in 0..ROUNDS {
            for (table, best) in tables.iter().zip(&mut best) {
                let start = Instant::now();
                black_box(table.find("GET", "api7.example.com", black_box(&path)));
                *best = start.elapsed().min(*best);
            }
        }
        print_times(name, best, "ns", Duration::as_nanos);
    }
}

fn specs((size, hosts): (usize, usize)) -> Vec<RouteSpec> {
    let routes = (0..).flat_map(|resource| SHAPES.map(|(method, shape)| (method, resource, numbered(shape, resource))));
    routes
        .take(size)
        .filter_map(|(method, resource, pattern)| {
            let host = Host::parse(&host(resource, hosts)).unwrap_or_default();
            let (method, pattern) = (MethodRule::parse(method)?, Pattern::parse(&pattern).ok()?);
            Some(RouteSpec { method, host, pattern, encoded_slashes: false, guard: Guard::default() })
        })
        .collect()
}

/// Returns requests to resources all over a table; their strings are as many for a small table as for a large one.
fn requests(path: &str, (size, hosts): (usize, usize)) -> Vec<(String, String)> {
    let resources = size / SHAPES.len();
    let resources = (0..REQUESTS).map(|request| request * 7919 % resources);
    resources.map(|resource| (host(resource, hosts), numbered(path, resource))).collect()
}

/// Returns the host of a resource, of so many; an empty text if there are none.
fn host(resource: usize, hosts: usize) -> String {
    resource.checked_rem(hosts).map(|host| format!("api{host}.example.com")).unwrap_or_default()
}

/// Numbers have five digits in every table, so that paths are as long in each.
fn numbered(text: &str, resource: usize) -> String {
    text.replace("{}", &format!("{resource:05}"))
}

fn measure_matches(table: &RouteTable, method: &str, requests: &[(String, String)]) -> Duration {
    let start = Instant::now();
    for (host, path) in requests.iter().cycle().take(MATCHES_PER_ROUND as usize) {
        if let Found::Route(found) = black_box(table.find(black_box(method), black_box(host), black_box(path))) {
            black_box(found.forward_path(found.literal_prefix().unwrap_or_default()));
        }
    }
    start.elapsed()
}

fn measure_build(size: (usize, usize)) -> Duration {
    let specs = specs(size);
    let start = Instant::now();
    let table = RouteTable::build(black_box(specs));
    let elapsed = start.elapsed();
    drop(black_box(table));
    elapsed
}

fn print_times(name: &str, times: [Duration; 4], unit: &str, count: fn(&Duration) -> u128) {
    let [few, _, many, _] = times;
    let ratio = many.as_secs_f64() / few.as_secs_f64().max(f64::MIN_POSITIVE);
    print_row(name, times.map(|time| format!("{} {unit}", count(&time))), &format!("{ratio:.2}"));
}

fn print_row(name: &str, [few, more, many, hosts]: [String; 4], ratio: &str) {
    println!("{name:<26}{few:>12}{more:>12}{many:>12}{hosts:>12}{ratio:>14}");
}
