//! The schema and the parser give the same verdict on every fixture, wherever a schema can express what is wrong.

use std::collections::BTreeSet;

use crate::verdict::{EXPRESSIBLE, IN_PART, INEXPRESSIBLE, Schema, fixtures, valid_configs};

#[test]
fn every_valid_config_passes_the_schema() {
    let schema = Schema::new();
    for (name, config) in valid_configs() {
        let verdict = schema.verdict(&config);
        assert!(verdict.mistakes.is_empty(), "{name}: {}", verdict.mistakes[0]);
        assert!(verdict.passes, "{name}: {}", schema.refusals(&config));
    }
}

#[test]
fn an_invalid_config_is_refused_by_the_schema_if_and_only_if_a_schema_can_express_why() {
    let schema = Schema::new();
    let (mut refused, mut passed) = (0, 0);
    let mut disagreements = Vec::new();
    for (name, config) in fixtures("invalid").into_iter().chain(fixtures("warned")) {
        let verdict = schema.verdict(&config);
        disagreements.extend(schema.disagreement(&config, &verdict).map(|text| format!("{name}: {text}")));
        if verdict.passes { passed += 1 } else { refused += 1 }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(refused >= 25 && passed >= 10, "{refused} refused, {passed} passed");
}

#[test]
fn each_code_of_a_fixture_is_either_expressible_or_not() {
    let lists = [&EXPRESSIBLE[..], &IN_PART, &INEXPRESSIBLE];
    let known: Vec<_> = lists.into_iter().flatten().collect();
    assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len(), "each stands in one list");
    let schema = Schema::new();
    for (name, config) in fixtures("invalid") {
        for mistake in schema.verdict(&config).mistakes {
            assert!(known.contains(&&mistake.code), "{name}: {mistake}");
        }
    }
}
