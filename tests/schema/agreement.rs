//! The schema and the parser give the same verdict on every fixture, wherever a schema can express what is wrong.

use std::collections::BTreeSet;

use crate::verdict::{EXPRESSIBLE, IN_PART, INEXPRESSIBLE, Judge, fixtures, valid_configs};

#[test]
fn every_valid_config_passes_the_schema() {
    let judge = Judge::new();
    for (name, config) in valid_configs() {
        let judged = judge.judge(&config);
        assert!(judged.mistakes.is_empty(), "{name}: {}", judged.mistakes[0]);
        assert!(judged.passes, "{name}: {}", judge.refusals(&config));
    }
}

#[test]
fn an_invalid_config_is_refused_by_the_schema_if_and_only_if_a_schema_can_express_why() {
    let judge = Judge::new();
    let (mut refused, mut passed) = (0, 0);
    let mut disagreements = Vec::new();
    for (name, config) in fixtures("invalid").into_iter().chain(fixtures("warned")) {
        let judged = judge.judge(&config);
        disagreements.extend(judge.disagreement(&config, &judged).map(|text| format!("{name}: {text}")));
        if judged.passes { passed += 1 } else { refused += 1 }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(refused >= 25 && passed >= 10, "{refused} refused, {passed} passed");
}

#[test]
fn each_code_of_a_fixture_is_either_expressible_or_not() {
    let lists = [&EXPRESSIBLE[..], &IN_PART, &INEXPRESSIBLE];
    let known: Vec<_> = lists.into_iter().flatten().collect();
    assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len(), "each stands in one list");
    for (name, config) in fixtures("invalid") {
        for mistake in Judge::new().judge(&config).mistakes {
            assert!(known.contains(&&mistake.code), "{name}: {mistake}");
        }
    }
}
