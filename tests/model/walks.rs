//! More requests than can be explored, in orders by chance.

use proptest::prelude::*;

use crate::configurations::{requests_of_a_session, tabs_with_own_memory};
use crate::world::{Rules, World};

/// Takes the steps that `choices` names until nothing is left to do.
fn walk(rules: Rules, choices: &[usize]) -> World {
    let mut world = World::new(rules);
    let mut choices = choices.iter();
    for _ in 0..10_000 {
        let actions = world.actions();
        if world.is_at_rest(&actions) {
            assert_eq!(world.violation_at_rest(), None);
            return world;
        }
        let choice = choices.next().copied().unwrap_or_default();
        world.take(&actions[choice % actions.len()]);
        assert_eq!(world.violation(), None);
    }
    panic!("it never ends");
}

/// Returns how many targets there are among those that are wanted.
fn count(wanted: &[usize]) -> usize {
    (0..5).filter(|target| wanted.contains(target)).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn twenty_tabs_make_one_token_request_for_each_api_in_any_order(
        wanted in prop::collection::vec(0..5_usize, 1..20),
        choices in prop::collection::vec(0_usize..64, 0..200),
    ) {
        let world = walk(tabs_with_own_memory(&wanted), &choices);
        prop_assert_eq!(world.token_requests(), count(&wanted));
    }

    #[test]
    fn twenty_requests_of_a_session_make_one_for_each_api_and_one_more_for_each_restart_at_most(
        wanted in prop::collection::vec(0..5_usize, 1..20),
        choices in prop::collection::vec(0_usize..64, 0..200),
        restarts in 0..3_u8,
    ) {
        let world = walk(requests_of_a_session(&wanted, restarts), &choices);
        prop_assert!(world.token_requests() <= count(&wanted) + usize::from(restarts), "{}", world.token_requests());
    }
}
