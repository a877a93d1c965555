//! What the cache of verified tokens remembers, and for how long.

use std::rc::Rc;

use bargate::token::{ASKED, TokenCache, TokenError, VerifiedClaims};

use crate::host_verifier::{NOW, Tenant, baseline_claims, verify};

fn claims() -> Rc<VerifiedClaims> {
    let tenant = Tenant::new();
    Rc::new(verify(&tenant.sign_claims(&baseline_claims()), &tenant.key_set()).unwrap())
}

#[test]
fn a_token_is_found_by_its_whole_text_under_its_generation_until_it_expires() {
    let claims = claims();
    let table = [
        ("header.payload.signature", 7, NOW, true, "as it was inserted"),
        ("header.payload.signature", 7, NOW + 99, true, "a second before it expires"),
        ("header.payload.signature", 7, NOW + 100, false, "at the second it expires"),
        ("header.payload.signature", 8, NOW, false, "after the key set changed"),
        ("header.payload.signature", 6, NOW, false, "under an older key set"),
        ("header.payload.signaturX", 7, NOW, false, "another signature"),
        ("header.payload.signatur", 7, NOW, false, "a part of it"),
        ("header.payload.signature ", 7, NOW, false, "with more behind it"),
        ("", 7, NOW, false, "nothing"),
    ];
    for (token, generation, now, found, message) in table {
        let mut cache = TokenCache::default();
        cache.insert("header.payload.signature", Ok(Rc::clone(&claims)), 7, NOW + 100, 0);
        let known = cache.get(token, generation, now);
        assert_eq!(known.is_some(), found, "{message}");
        assert!(
            known.is_none_or(|known| known.is_ok_and(|known| Rc::ptr_eq(&known, &claims))),
            "{message}: its own claims"
        );
    }
}

#[test]
fn a_token_inserted_again_takes_the_later_generation_and_expiry() {
    let (mut cache, claims) = (TokenCache::default(), claims());
    cache.insert("token", Ok(Rc::clone(&claims)), 1, NOW + 10, 0);
    cache.insert("token", Ok(Rc::clone(&claims)), 2, NOW + 20, 0);
    assert!(cache.get("token", 1, NOW).is_none(), "the older key set");
    assert!(cache.get("token", 2, NOW + 15).is_some(), "the later key set and expiry");
}

#[test]
fn a_refusal_is_found_as_one_and_apart_from_what_a_key_set_verified() {
    let (mut cache, claims) = (TokenCache::default(), claims());
    cache.insert("made up", Err(TokenError::Inactive.into()), ASKED, NOW + 5, 0);
    cache.insert("verified", Ok(claims), 1, NOW + 5, 0);
    assert_eq!(cache.get("made up", ASKED, NOW + 4).unwrap().unwrap_err(), TokenError::Inactive.into());
    assert!(cache.get("made up", ASKED, NOW + 5).is_none(), "it is asked about again");
    assert!(cache.get("made up", 1, NOW).is_none(), "no key set refused it");
    assert!(cache.get("verified", ASKED, NOW).is_none(), "nobody was asked");
}

/// Inserts `count` tokens of `bytes` each, using `token` every fifty; gives how often it was found.
fn fill_while_using(
    cache: &mut TokenCache,
    token: &str,
    claims: &Rc<VerifiedClaims>,
    count: usize,
    bytes: usize,
) -> usize {
    let mut found = 0;
    for index in 0..count {
        cache.insert(&format!("{index:0>bytes$}"), Ok(Rc::clone(claims)), 1, NOW + 100, 0);
        if index % 50 == 0 && cache.get(token, 1, NOW).is_some() {
            found += 1;
        }
    }
    found
}

#[test]
fn a_token_in_recent_use_survives_any_number_of_others() {
    let (mut cache, claims) = (TokenCache::default(), claims());
    cache.insert("in use", Ok(Rc::clone(&claims)), 1, NOW + 100, 0);
    cache.insert("left alone", Ok(Rc::clone(&claims)), 1, NOW + 100, 0);
    let found = fill_while_using(&mut cache, "in use", &claims, 50_000, 20);
    assert_eq!(found, 1_000, "found at every use");
    assert!(cache.get("left alone", 1, NOW).is_none(), "the other made room");
}

#[test]
fn the_number_of_tokens_held_is_bounded() {
    let (mut cache, claims) = (TokenCache::default(), claims());
    let held_by_us = Rc::strong_count(&claims);
    let mut most = 0;
    for index in 0..20_000 {
        cache.insert(&format!("token {index}"), Ok(Rc::clone(&claims)), 1, NOW + 100, 0);
        most = most.max(Rc::strong_count(&claims) - held_by_us);
    }
    assert!(most <= 2_000, "{most} tokens were held at once");
    assert!(most >= 500, "{most} tokens are too few to be of use");
    assert!(cache.get("token 19999", 1, NOW).is_some(), "the last one is there");
}

#[test]
fn the_bytes_held_are_bounded_where_tokens_or_the_answers_about_them_are_long() {
    const LONG_BYTES: usize = 16 * 1024;
    for (token_bytes, answer_bytes, message) in [(LONG_BYTES, 0, "tokens"), (4, LONG_BYTES, "answers")] {
        let (mut cache, claims) = (TokenCache::default(), claims());
        let held_by_us = Rc::strong_count(&claims);
        let mut most = 0;
        for index in 0..2_000 {
            let token = format!("{index:0>token_bytes$}");
            cache.insert(&token, Ok(Rc::clone(&claims)), 1, NOW + 100, answer_bytes);
            most = most.max(Rc::strong_count(&claims) - held_by_us);
        }
        assert!(most * LONG_BYTES <= 4 * 1024 * 1024, "{most} {message} of 16 KiB were held at once");
        assert!(most >= 200, "{most} {message} are too few to be of use");
    }
}

#[test]
fn one_token_inserted_over_and_over_drives_no_other_out() {
    let (mut cache, claims) = (TokenCache::default(), claims());
    cache.insert("left alone", Ok(Rc::clone(&claims)), 1, NOW + 100, 0);
    for _ in 0..10_000 {
        cache.insert("again", Ok(Rc::clone(&claims)), 1, NOW + 100, 0);
    }
    assert!(cache.get("left alone", 1, NOW).is_some());
}
