//! The rotation protocol, checked exhaustively: every order in which clients, isolates, objects and the provider can act, with what is lost,
//! broken off, late or twice, as far as a configuration lets it.
//!
//! What the actors decide is the core's, which the Worker runs. What is here is the order of their steps, as `src/edge/` has it; a step ends
//! where that code waits for what others can see. `world.rs` has the properties, and what excuses a run from one: the bounds that
//! docs/refresh.md and docs/sessions.md state. `mutation.rs` has the mistakes by which the properties are tested.
//!
//! The small configurations are a part of `make test`. The large ones take some minutes:
//! `cargo test --release --locked --test model -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod configurations;
mod exchange;
mod explore;
mod mutation;
mod provider;
mod sessions;
mod tabs;
mod walks;
mod world;

use configurations::{clients_large, clients_small, mutations, sessions_large, sessions_small};
use explore::explore;
use world::{Rules, World};

fn check(all: Vec<Rules>) {
    let mut failures = String::new();
    for rules in all {
        let name = rules.name;
        let report = explore(&World::new(rules));
        println!("{name}: {report}");
        if let Some(violation) = report.violation {
            failures += &format!("{name}: {}\n{}\n", violation.property, violation.schedule);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn no_client_that_holds_its_tokens_is_logged_out_by_what_the_gateway_does() {
    check(clients_small());
}

#[test]
fn no_session_is_lost_by_what_the_gateway_does_and_none_outlives_its_logout() {
    check(sessions_small());
}

#[test]
#[ignore = "minutes"]
fn so_it_is_for_clients_with_more_of_everything() {
    check(clients_large());
}

#[test]
#[ignore = "minutes"]
fn so_it_is_for_sessions_with_more_of_everything() {
    check(sessions_large());
}

#[test]
fn each_mistake_of_the_protocol_violates_a_property() {
    let mut missed = String::new();
    for (mutation, property, mut rules) in mutations() {
        rules.mutation = Some(mutation);
        let report = explore(&World::new(rules));
        let found = report.violation.as_ref().map_or("nothing", |violation| violation.property);
        let schedule = report.violation.as_ref().map_or("", |violation| &violation.schedule);
        println!("{mutation:?}: {found}\n  {report}\n{schedule}");
        if found != property {
            missed += &format!("{mutation:?}: {found}, not {property}\n");
        }
    }
    assert!(missed.is_empty(), "{missed}");
}
