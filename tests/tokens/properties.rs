//! Whatever is sent, nothing panics and nothing but a signed token is believed.

use std::sync::LazyLock;

use bargate::jwks::KeySet;
use bargate::token::{SignatureVerified, UnverifiedToken};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::host_verifier::{ALL_ALGORITHMS, EXPECTATIONS, NOW, Tenant, baseline_claims, encode, verify};

static SIGNED: LazyLock<(String, String)> = LazyLock::new(|| {
    let tenant = Tenant::new();
    let keys = serde_json::json!({ "keys": [tenant.public_key()] }).to_string();
    (tenant.sign_claims(&baseline_claims()), keys)
});

/// Ways to alter a token; each may leave it as it was.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, char),
    Insert(Index, char),
    Remove(Index),
    Truncate(Index),
    Repeat(Index, Index),
    SwapParts(Index, Index),
    ReplacePart(Index, Vec<u8>),
    FlipBit(Index, Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    let character = || prop_oneof![prop::char::range('-', 'z'), any::<char>()];
    prop_oneof![
        (place(), character()).prop_map(|(at, with)| Mutation::Replace(at, with)),
        (place(), character()).prop_map(|(at, with)| Mutation::Insert(at, with)),
        place().prop_map(Mutation::Remove),
        place().prop_map(Mutation::Truncate),
        (place(), place()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        (place(), place()).prop_map(|(one, other)| Mutation::SwapParts(one, other)),
        (place(), any::<Vec<u8>>()).prop_map(|(part, bytes)| Mutation::ReplacePart(part, bytes)),
        (place(), place(), 0..8_u8).prop_map(|(part, byte, bit)| Mutation::FlipBit(part, byte, bit)),
    ]
}

fn apply(token: &str, mutation: &Mutation) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    if characters.is_empty() {
        return String::new();
    }
    let joined = |parts: Vec<String>| parts.join(".");
    match mutation {
        Mutation::Replace(at, with) => {
            let at = at.index(characters.len());
            characters[at] = *with;
        }
        Mutation::Insert(at, with) => characters.insert(at.index(characters.len() + 1), *with),
        Mutation::Remove(at) => {
            characters.remove(at.index(characters.len()));
        }
        Mutation::Truncate(at) => characters.truncate(at.index(characters.len())),
        Mutation::Repeat(from, to) => {
            let (from, to) = (from.index(characters.len()), to.index(characters.len()));
            let piece = characters[from.min(to)..=from.max(to)].to_vec();
            characters.extend(piece);
        }
        Mutation::SwapParts(one, other) => {
            let (one, other) = (one.index(parts.len()), other.index(parts.len()));
            parts.swap(one, other);
            return joined(parts);
        }
        Mutation::ReplacePart(part, bytes) => {
            let part = part.index(parts.len());
            parts[part] = encode(bytes);
            return joined(parts);
        }
        Mutation::FlipBit(part, byte, bit) => {
            use base64::Engine as _;
            let part = part.index(parts.len());
            let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&parts[part]);
            if let Some(mut bytes) = decoded.ok().filter(|bytes| !bytes.is_empty()) {
                let byte = byte.index(bytes.len());
                bytes[byte] ^= 1 << bit;
                parts[part] = encode(bytes);
            }
            return joined(parts);
        }
    }
    characters.into_iter().collect()
}

/// Reads a text as far as one can, signature aside, to find what panics behind the signature.
fn read_as_if_signed(token: &str) {
    if let Ok(token) = UnverifiedToken::parse(token, &ALL_ALGORITHMS) {
        let _ = (token.key_id(), token.signature(), token.signed_bytes());
        let claims = token.into_verified(SignatureVerified::attest(None), &EXPECTATIONS, NOW);
        let _ = claims.map(|claims| claims.get("a.b.c").cloned()).map_err(|error| error.to_string());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn no_text_panics_or_is_believed(text in any::<String>()) {
        let keys = KeySet::parse(&SIGNED.1).unwrap();
        prop_assert!(verify(&text, &keys).is_err());
        read_as_if_signed(&text);
    }

    #[test]
    fn no_three_parts_panic_or_are_believed(
        header in "\\{(\"alg\":\"(EdDSA|none|RS256)\",?)?(\"kid\":\"tenant-1\")?.{0,20}\\}?",
        payload in ".{0,80}",
        signature in any::<Vec<u8>>(),
    ) {
        let keys = KeySet::parse(&SIGNED.1).unwrap();
        let token = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
        prop_assert!(verify(&token, &keys).is_err());
        read_as_if_signed(&token);
    }

    #[test]
    fn a_signed_token_altered_in_any_way_is_not_believed(mutations in prop::collection::vec(mutation(), 1..4)) {
        let (good, keys) = &*SIGNED;
        let keys = KeySet::parse(keys).unwrap();
        let altered = mutations.iter().fold(good.clone(), |token, mutation| apply(&token, mutation));
        read_as_if_signed(&altered);
        prop_assert_eq!(verify(&altered, &keys).is_ok(), altered == *good);
    }

    #[test]
    fn no_document_panics_as_a_key_set(text in any::<String>(), members in "[{}\\[\\]\",:a-z0-9]{0,200}") {
        let _ = KeySet::parse(&text);
        let _ = KeySet::parse(&format!("{{\"keys\":[{{\"kty\":\"RSA\",{members}}}]}}"));
    }
}
