//! What a token must look like before anything in it is believed (RFC 7515 sections 3, 4 and 7.1).

use bargate::algorithm::Algorithm;
use bargate::jwks::KeySet;
use bargate::token::{Expectations, TOKEN_MAX_BYTES, TokenError};
use ring::hmac;
use serde_json::{Value, json};

use crate::host_verifier::{
    EXPECTATIONS, NOW, Tenant, baseline_claims, baseline_header, decode, encode, verify, verify_against, with,
};

fn not_allowed(actual: &str) -> TokenError {
    TokenError::AlgorithmNotAllowed { actual: actual.to_owned() }
}

#[test]
fn the_parts_are_three_base64url_texts_with_one_spelling_each() {
    let tenant = Tenant::new();
    let good = tenant.sign_claims(&baseline_claims());
    assert!(verify(&good, &tenant.key_set()).is_ok(), "the baseline");
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    // `>>>???` holds bytes that base64url spells with `-` and `_`, and base64 with `+` and `/`.
    let odd = encode(with(baseline_claims(), "x", Some(json!(">>>???>>>"))).to_string());
    let in_standard_alphabet = odd.replace('-', "+").replace('_', "/");
    assert_ne!(odd, in_standard_alphabet, "the row is what it says");
    let in_standard_alphabet = tenant.sign_parts(header, &in_standard_alphabet);
    // 64 bytes are 86 characters, the last of which carries 2 bits: its next neighbour spells the same bytes.
    let last = signature.chars().last().unwrap();
    let neighbour = char::from(u8::try_from(last).unwrap() + 1);
    let other_spelling = format!("{}{neighbour}", &good[..good.len() - 1]);

    use TokenError::{NotBase64Url, NotThreeParts};
    let table = [
        (String::new(), NotThreeParts, "empty"),
        (" ".to_owned(), NotThreeParts, "a space"),
        (header.to_owned(), NotThreeParts, "1 part"),
        (format!("{header}.{payload}"), NotThreeParts, "2 parts"),
        (format!("{good}."), NotThreeParts, "4 parts, the last empty"),
        (format!(".{good}"), NotThreeParts, "4 parts, the first empty"),
        (format!("{good}.{signature}"), NotThreeParts, "4 parts"),
        (format!("{good}.{signature}.{signature}"), NotThreeParts, "5 parts, as a JWE has"),
        ("..".to_owned(), TokenError::MalformedHeader, "3 empty parts"),
        (format!("{header}..{signature}"), TokenError::BadSignature, "an empty payload that nobody signed"),
        (format!("{header}.{payload}."), TokenError::BadSignature, "an empty signature"),
        (tenant.sign_parts(&format!("{header}="), payload), NotBase64Url, "padding of the header, signed"),
        (tenant.sign_parts(header, &format!("{payload}==")), NotBase64Url, "padding of the payload, signed"),
        (tenant.sign_parts(header, "e30AA"), NotBase64Url, "no bytes that a payload could be, signed"),
        (tenant.sign_parts(header, "e30 "), NotBase64Url, "a space in the payload, signed"),
        (format!("{good}=="), NotBase64Url, "padding of the signature"),
        (in_standard_alphabet, NotBase64Url, "the standard alphabet, signed"),
        (other_spelling, NotBase64Url, "bits behind the last byte"),
        (format!("{good}AAA"), NotBase64Url, "a length that no bytes have"),
        (format!("{good}A"), TokenError::BadSignature, "a byte more in the signature"),
        (format!("{good}\n"), NotBase64Url, "a line break behind it"),
        (format!(" {good}"), NotBase64Url, "a space before it"),
        (good.replace(signature, "sïgnature"), NotBase64Url, "no ASCII"),
        (good.replace(signature, "a%2Eb"), NotBase64Url, "percent-encoding"),
    ];
    for (token, expected, message) in table {
        assert_eq!(verify(&token, &tenant.key_set()).unwrap_err(), expected, "{message}");
    }
}

#[test]
fn a_header_is_an_object_with_an_allowed_algorithm_and_nothing_that_must_be_understood() {
    use TokenError::{ContentType, CriticalExtension, MalformedHeader, OtherKind};
    let set = |key: &str, value: Value| with(baseline_header(), key, Some(value)).to_string();
    let no_key = |kid: &str| TokenError::NoKey { kid: Some(kid.to_owned()) };
    let tenant = Tenant::new();
    let own_key = tenant.public_key();
    let table: Vec<(String, Option<TokenError>, &str)> = vec![
        (baseline_header().to_string(), None, "the baseline"),
        (with(baseline_header(), "typ", None).to_string(), None, "no typ"),
        (set("typ", json!("at+jwt")), None, "a typ of RFC 9068"),
        (set("typ", json!("application/AT+JWT")), None, "the same, written out and in another case"),
        (set("typ", json!("jwt")), None, "a typ in small letters"),
        (set("typ", json!("at+jwt; v=1")), None, "the same with a parameter"),
        (set("typ", json!("JOSE")), None, "a typ that names no kind"),
        (set("typ", json!("logout+jwt")), Some(OtherKind), "a logout token (RFC 8725 section 3.11)"),
        (set("typ", json!(" Application/Logout+JWT ;v=1")), Some(OtherKind), "the same with all that means nothing"),
        (set("typ", json!("dc+sd-jwt")), Some(OtherKind), "a kind whose name ends in another way"),
        (set("typ", json!("at+jwt+x")), Some(OtherKind), "a kind whose name begins like ours"),
        (set("typ", json!("SecEvent+JWT")), Some(OtherKind), "a security event, in another case"),
        (set("typ", json!("application/dpop+jwt")), Some(OtherKind), "a proof, written out"),
        (with(baseline_header(), "kid", None).to_string(), None, "no kid, and one key"),
        (set("jku", json!("https://evil.example/keys")), None, "a jku, which nobody follows"),
        (set("jwk", own_key), None, "a jwk, which nobody reads"),
        (set("b64", json!(false)), None, "a b64 that crit does not name counts for nothing (RFC 7797 section 3)"),
        ("{".to_owned(), Some(MalformedHeader), "not JSON"),
        ("null".to_owned(), Some(MalformedHeader), "null"),
        (json!([baseline_header()]).to_string(), Some(MalformedHeader), "an array"),
        ("\"EdDSA\"".to_owned(), Some(MalformedHeader), "a string"),
        (format!("{}x", baseline_header()), Some(MalformedHeader), "text behind the object"),
        (with(baseline_header(), "alg", None).to_string(), Some(MalformedHeader), "no alg"),
        (set("alg", json!(null)), Some(MalformedHeader), "an alg of null"),
        (set("alg", json!(["EdDSA"])), Some(MalformedHeader), "an alg in an array"),
        (set("alg", json!(256)), Some(MalformedHeader), "an alg that is a number"),
        (set("alg", json!("")), Some(not_allowed("")), "an empty alg"),
        (set("alg", json!("none")), Some(not_allowed("none")), "none"),
        (set("alg", json!("None")), Some(not_allowed("None")), "None"),
        (set("alg", json!("NONE")), Some(not_allowed("NONE")), "NONE"),
        (set("alg", json!("eddsa")), Some(not_allowed("eddsa")), "another case"),
        (set("alg", json!("EdDSA ")), Some(not_allowed("EdDSA ")), "a space behind it"),
        (set("alg", json!("Ed448")), Some(not_allowed("Ed448")), "a name that is not on the list"),
        (set("alg", json!("HS256")), Some(not_allowed("HS256")), "an HMAC"),
        (set("alg", json!("x".repeat(1_000))), Some(not_allowed(&"x".repeat(64))), "a long one is cut for the log"),
        (set("alg", json!("a\n\u{1b}[31mb")), Some(not_allowed("a[31mb")), "no control character reaches the log"),
        (set("alg", json!("RS256")), Some(no_key("tenant-1")), "allowed, and not of the key's type"),
        (set("kid", json!("other")), Some(no_key("other")), "another kid"),
        (set("kid", json!("")), Some(no_key("")), "an empty kid"),
        (set("kid", json!("TENANT-1")), Some(no_key("TENANT-1")), "a kid in another case"),
        (set("kid", json!("k".repeat(1_000))), Some(no_key(&"k".repeat(64))), "a long kid is cut for the log"),
        (set("kid", json!("../../etc/passwd")), Some(no_key("../../etc/passwd")), "a kid that would be a path"),
        (set("kid", json!(1)), Some(MalformedHeader), "a kid that is a number"),
        (set("kid", json!(["tenant-1"])), Some(MalformedHeader), "a kid in an array"),
        (set("kid", json!({})), Some(MalformedHeader), "a kid that is an object"),
        (set("typ", json!(1)), Some(OtherKind), "a typ that is a number"),
        (set("crit", json!(["exp"])), Some(CriticalExtension), "crit with a name of a claim"),
        (set("crit", json!(["b64"])), Some(CriticalExtension), "crit with b64"),
        (set("crit", json!([])), Some(CriticalExtension), "an empty crit"),
        (set("crit", json!(null)), Some(CriticalExtension), "a crit of null"),
        (set("crit", json!("exp")), Some(CriticalExtension), "a crit that is a string"),
        (set("cty", json!("JWT")), Some(ContentType), "a nested token (RFC 7519 section 5.2)"),
        (set("cty", json!("jwt")), Some(ContentType), "a nested token, in small letters"),
        (set("cty", json!("")), Some(ContentType), "an empty cty"),
    ];
    for (header, expected, message) in table {
        let token = tenant.sign_text(&header, &baseline_claims().to_string());
        assert_eq!(verify(&token, &tenant.key_set()).err(), expected, "{message}: {header}");
    }
}

#[test]
fn a_key_named_twice_in_the_header_is_refused_at_every_depth() {
    let tenant = Tenant::new();
    let table = [
        (r#"{"alg":"EdDSA","alg":"EdDSA","kid":"tenant-1"}"#, "alg"),
        (r#"{"alg":"none","alg":"EdDSA","kid":"tenant-1"}"#, "alg, none first"),
        (r#"{"alg":"EdDSA","alg":"none","kid":"tenant-1"}"#, "alg, none last"),
        (r#"{"alg":"EdDSA","\u0061lg":"none","kid":"tenant-1"}"#, "alg through an escape"),
        (r#"{"alg":"EdDSA","kid":"other","kid":"tenant-1"}"#, "kid"),
        (r#"{"alg":"EdDSA","kid":"tenant-1","ki\u0064":"other"}"#, "kid through an escape"),
        (r#"{"alg":"EdDSA","kid":"tenant-1","typ":"JWT","typ":"JWT"}"#, "typ"),
        (r#"{"alg":"EdDSA","kid":"tenant-1","x":1,"x":1}"#, "a name that nobody knows"),
        (r#"{"alg":"EdDSA","kid":"tenant-1","x":{"y":1,"y":2}}"#, "in an object"),
        (r#"{"alg":"EdDSA","kid":"tenant-1","x":[[{"y":1,"\u0079":2}]]}"#, "in arrays, through an escape"),
    ];
    for (header, message) in table {
        let token = tenant.sign_text(header, &baseline_claims().to_string());
        assert_eq!(verify(&token, &tenant.key_set()).unwrap_err(), TokenError::MalformedHeader, "{message}");
    }
}

#[test]
fn a_payload_is_one_object_without_duplicates() {
    let tenant = Tenant::new();
    let claims = baseline_claims().to_string();
    let behind = |members: &str| format!("{},{members}}}", claims.trim_end_matches('}'));
    let deep = |levels: usize| behind(&format!("\"x\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    let table = [
        (String::new(), "empty"),
        ("It is a dangerous business".to_owned(), "not JSON"),
        ("null".to_owned(), "null"),
        ("7".to_owned(), "a number"),
        (format!("[{claims}]"), "an array"),
        (format!("{:?}", "claims"), "a string"),
        (format!("{claims}{claims}"), "two objects"),
        (format!("{claims} x"), "text behind the object"),
        (behind("\"sub\":\"auth0|2\""), "sub twice"),
        (behind("\"exp\":1"), "exp twice"),
        (behind("\"s\\u0075b\":\"auth0|2\""), "sub twice, once through an escape"),
        (behind("\"org\":{\"id\":1,\"id\":2}"), "twice in an object"),
        (behind("\"org\":[{\"id\":1,\"\\u0069d\":2}]"), "twice in an array, through an escape"),
        (behind("\"x\":\"\\ud800\""), "a lone surrogate"),
        (behind("\"x\":01"), "a number with a zero before it"),
        (behind("\"x\":NaN"), "no number"),
        (deep(5_000), "nested 5,000 levels deep"),
    ];
    for (payload, message) in table {
        let token = tenant.sign_text(&baseline_header().to_string(), &payload);
        assert_eq!(verify(&token, &tenant.key_set()).unwrap_err(), TokenError::MalformedClaims, "{message}");
    }
    let not_utf8 = tenant.sign_parts(&encode(baseline_header().to_string()), &encode([b'{', 0xff, b'}']));
    assert_eq!(verify(&not_utf8, &tenant.key_set()).unwrap_err(), TokenError::MalformedClaims, "no UTF-8");
    let fine = tenant.sign_text(&baseline_header().to_string(), &deep(50));
    assert!(verify(&fine, &tenant.key_set()).is_ok(), "nested 50 levels deep");
}

#[test]
fn the_length_is_bounded_before_anything_is_decoded() {
    let tenant = Tenant::new();
    let claims = |filler: usize| with(baseline_claims(), "x", Some(json!("x".repeat(filler))));
    let longest = (12_000..12_300)
        .map(|filler| tenant.sign_claims(&claims(filler)))
        .take_while(|token| token.len() <= TOKEN_MAX_BYTES)
        .last();
    let longest = longest.filter(|token| token.len() > TOKEN_MAX_BYTES - 4).expect("one that just fits");
    assert!(verify(&longest, &tenant.key_set()).is_ok(), "{} bytes", longest.len());
    let of_dots = verify(&".".repeat(16 * 1024), &tenant.key_set()).unwrap_err();
    assert_eq!(of_dots, TokenError::NotThreeParts, "what is no longer than a token may be is read");
    for (token, message) in [
        (tenant.sign_claims(&claims(12_300)), "a genuine one"),
        (".".repeat(16 * 1024 + 1), "dots"),
        ("x".repeat(10_000_000), "10 MB"),
    ] {
        let bytes = token.len();
        assert_eq!(verify(&token, &tenant.key_set()).unwrap_err(), TokenError::TooLong { bytes }, "{message}");
    }
}

#[test]
fn a_public_key_is_never_the_secret_of_an_hmac() {
    let fixture = format!("{}/tests/fixtures/tokens/rfc.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(fixture).unwrap()).unwrap();
    let key = with(vectors["RFC 7515 appendix A.2 (RS256)"]["key"].clone(), "kid", Some(json!("k")));
    let keys = KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap();
    let secrets = [
        ("the modulus", decode(key["n"].as_str().unwrap())),
        ("the modulus as text", key["n"].as_str().unwrap().as_bytes().to_vec()),
        ("the exported key", keys.keys()[0].jwk.expose().clone().into_bytes()),
        ("nothing", Vec::new()),
    ];
    let algorithms = [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];
    for (name, algorithm) in algorithms {
        for (message, secret) in &secrets {
            let header = json!({ "alg": name, "kid": "k" }).to_string();
            let signed = format!("{}.{}", encode(header), encode(baseline_claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
            let token = format!("{signed}.{}", encode(tag));
            assert_eq!(verify(&token, &keys).unwrap_err(), not_allowed(name), "{name} with {message}");
            let as_rsa = token.replace(
                &encode(json!({ "alg": name, "kid": "k" }).to_string()),
                &encode(r#"{"alg":"RS256","kid":"k"}"#),
            );
            assert_eq!(verify(&as_rsa, &keys).unwrap_err(), TokenError::BadSignature, "{name} called RS256");
        }
    }
}

#[test]
fn an_algorithm_off_the_list_is_refused_though_its_signature_is_right() {
    let tenant = Tenant::new();
    let token = tenant.sign_claims(&baseline_claims());
    for allowed in [&[][..], &[Algorithm::Rs256], &[Algorithm::Es256, Algorithm::Es384, Algorithm::Ps512]] {
        let verdict =
            verify_against(&token, &tenant.key_set(), &Expectations { algorithms: allowed, ..EXPECTATIONS }, NOW);
        assert_eq!(verdict.unwrap_err(), not_allowed("EdDSA"), "{allowed:?}");
    }
}

#[test]
fn a_token_without_kid_is_by_the_only_key_of_its_type_or_by_none() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let set = |keys: Value| KeySet::parse(&json!({ "keys": keys }).to_string()).unwrap();
    let token = tenant.sign(&with(baseline_header(), "kid", None), &baseline_claims());
    let (first, second) = (tenant.public_key(), with(other.public_key(), "kid", Some(json!("tenant-2"))));
    assert!(verify(&token, &set(json!([first]))).is_ok(), "one key");
    let two = set(json!([first, second]));
    assert_eq!(verify(&token, &two).unwrap_err(), TokenError::NoKey { kid: None }, "two keys");
    let wrong = set(json!([second]));
    assert_eq!(verify(&token, &wrong).unwrap_err(), TokenError::BadSignature, "one key of somebody else");
}

#[test]
fn two_keys_of_one_name_are_both_tried() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let token = tenant.sign_claims(&baseline_claims());
    for keys in [[other.public_key(), tenant.public_key()], [tenant.public_key(), other.public_key()]] {
        let keys = KeySet::parse(&json!({ "keys": keys }).to_string()).unwrap();
        assert!(verify(&token, &keys).is_ok());
    }
    let others = [other.public_key(), Tenant::new().public_key()];
    let keys = KeySet::parse(&json!({ "keys": others }).to_string()).unwrap();
    assert_eq!(verify(&token, &keys).unwrap_err(), TokenError::BadSignature);
}
