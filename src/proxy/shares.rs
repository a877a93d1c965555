//! Which of a server's addresses a caller is sent to, if the addresses have weights.
//!
//! Each address draws as many numbers for a caller as its weight says, and the caller is that of the greatest (rendezvous hashing). The
//! numbers depend on the caller and the address only. So an address whose weight grows can only win callers, one whose weight shrinks
//! can only lose some, and nobody moves between the others.
//!
//! It does **not** know which addresses can be reached.

use crate::config::{Target, Targets};

/// Returns the addresses in the order in which a caller is sent to them: if one cannot be reached, its callers are spread over the others
/// by their weights.
pub fn ranked<'t>(targets: &'t Targets, caller: &str) -> Vec<&'t Target> {
    let mut ranked: Vec<(u64, &Target)> = Vec::new();
    for target in targets.iter() {
        let own = greatest_draw(target, caller);
        let place = ranked.partition_point(|(other, _)| *other >= own);
        ranked.insert(place, (own, target));
    }
    ranked.into_iter().map(|(_, target)| target).collect()
}

/// Returns the greatest number that an address draws for a caller.
fn greatest_draw(target: &Target, caller: &str) -> u64 {
    let seed = [caller, &target.origin, &target.base_path].into_iter().flat_map(|text| text.bytes().chain([0]));
    // FNV-1a, then SplitMix64: both are exact in 64 bits, so every isolate and every build draws the same.
    let seed =
        seed.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let draw = |count: u32| {
        let mut number = seed.wrapping_add(u64::from(count).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    };
    (1..=target.weight).map(draw).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;

    use super::*;

    const CALLERS: usize = 1_000;

    fn targets(weights: &[(&str, u32)]) -> Targets {
        let mut targets = weights.iter().map(|(name, weight)| Target {
            origin: format!("https://{name}.example"),
            base_path: String::new(),
            weight: *weight,
        });
        Targets { first: targets.next().unwrap(), others: targets.collect() }
    }

    /// Returns the address of each of 1,000 callers.
    fn addresses(weights: &[(&str, u32)]) -> Vec<String> {
        let targets = targets(weights);
        (0..CALLERS).map(|caller| ranked(&targets, &format!("auth0|{caller}"))[0].origin.clone()).collect()
    }

    fn count(addresses: &[String], name: &str) -> usize {
        addresses.iter().filter(|origin| **origin == format!("https://{name}.example")).count()
    }

    #[test]
    fn each_address_gets_its_share_of_the_callers() {
        // Within three standard deviations of what chance would give.
        type Of<T> = &'static [(&'static str, T)];
        let table: [(Of<u32>, Of<RangeInclusive<usize>>); 5] = [
            (&[("a", 1), ("b", 1)], &[("a", 453..=547), ("b", 453..=547)]),
            (&[("a", 95), ("b", 5)], &[("a", 930..=970), ("b", 30..=70)]),
            (&[("a", 999), ("b", 1)], &[("b", 0..=4)]),
            (&[("a", 50), ("b", 30), ("c", 20)], &[("a", 453..=547), ("b", 257..=343), ("c", 163..=237)]),
            (&[("a", 7)], &[("a", 1_000..=1_000)]),
        ];
        for (weights, expected) in table {
            let addresses = addresses(weights);
            for (name, range) in expected {
                assert!(range.contains(&count(&addresses, name)), "{weights:?} {name}: {}", count(&addresses, name));
            }
        }
    }

    #[test]
    fn a_weight_that_grows_only_wins_callers_and_one_that_shrinks_only_loses_some() {
        let steps: [&[(&str, u32)]; 6] = [
            &[("a", 100), ("b", 40)],
            &[("a", 95), ("b", 40), ("c", 5)],
            &[("a", 90), ("b", 40), ("c", 10)],
            &[("a", 90), ("b", 40), ("c", 100)],
            &[("b", 40), ("c", 100)],
            &[("c", 100)],
        ];
        for step in steps.windows(2) {
            let (before, after) = (addresses(step[0]), addresses(step[1]));
            let weight = |weights: &[(&str, u32)], origin: &str| {
                weights.iter().find(|(name, _)| origin == format!("https://{name}.example")).map_or(0, |one| one.1)
            };
            let moved: Vec<_> = before.iter().zip(&after).filter(|(was, is)| was != is).collect();
            assert!(!moved.is_empty(), "{step:?}");
            for (was, is) in moved {
                let grown = |origin: &str| weight(step[1], origin).cmp(&weight(step[0], origin));
                assert!(grown(was).is_lt() || grown(is).is_gt(), "{step:?}: from {was} to {is}");
            }
        }
        let (five, ten) = (addresses(&[("a", 95), ("c", 5)]), addresses(&[("a", 90), ("c", 10)]));
        let stays = |(before, after): (&String, &String)| before == "https://a.example" || before == after;
        assert!(five.iter().zip(&ten).all(stays), "whoever is in the canary at 5 % stays in it at 10 %");
    }

    #[test]
    fn the_order_of_the_file_says_nothing_and_those_of_an_address_that_fails_are_spread() {
        let (one, other) = (targets(&[("a", 60), ("b", 20), ("c", 20)]), targets(&[("c", 20), ("a", 60), ("b", 20)]));
        let without = targets(&[("b", 20), ("c", 20)]);
        for caller in (0..CALLERS).map(|caller| caller.to_string()) {
            let order = ranked(&one, &caller);
            assert_eq!(order, ranked(&other, &caller));
            let others: Vec<_> = order.into_iter().filter(|target| target.origin != "https://a.example").collect();
            assert_eq!(others, ranked(&without, &caller), "as if it were not there");
        }
    }

    #[test]
    fn every_build_sends_a_caller_to_the_same_address() {
        let drawn: Vec<_> =
            ["", "auth0|1", "2001:db8::/64"].map(|caller| greatest_draw(&targets(&[("a", 3)]).first, caller)).into();
        assert_eq!(drawn, [0x948d_b1c5_a6ba_8fc2, 0xfdb6_ba0c_929b_b4f1, 0xd735_efc5_44b4_c0d7]);
    }
}
