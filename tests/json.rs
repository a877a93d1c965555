//! The gateway's own reader and writer of JSON, against those of `serde_json`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt;

use bargate::json::{ToText as _, parse};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::Index;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A value of `serde_json`'s; `None` if the text is not JSON to it, or has a duplicate key.
fn theirs(text: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(text).ok()?;
    has_each_key_once(text).then_some(value)
}

/// Checks that no object has a key twice: the tree of configs keeps both.
fn has_each_key_once(text: &[u8]) -> bool {
    struct Strict(bool);
    impl<'de> Deserialize<'de> for Strict {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(StrictVisitor)
        }
    }
    struct StrictVisitor;
    impl<'de> Visitor<'de> for StrictVisitor {
        type Value = Strict;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }
        fn visit_unit<E>(self) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
            Ok(Strict(true))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
            let mut is_strict = true;
            while let Some(Strict(item)) = seq.next_element()? {
                is_strict &= item;
            }
            Ok(Strict(is_strict))
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
            let (mut keys, mut is_strict) = (BTreeSet::new(), true);
            while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
                is_strict &= value & keys.insert(key);
            }
            Ok(Strict(is_strict))
        }
    }
    serde_json::from_slice(text).is_ok_and(|Strict(strict)| strict)
}

/// Compares what is read of a text, and what is written of that.
fn compare(text: &[u8]) -> bool {
    let (own, other) = (parse(text), theirs(text));
    let shown = String::from_utf8_lossy(text);
    assert_eq!(own.is_some(), other.is_some(), "{shown:?}");
    if let Some((own, other)) = own.as_ref().zip(other.as_ref()) {
        assert_eq!(own, other, "{shown:?}");
        check_writing(own);
    }
    own.is_some()
}

/// Checks that what is written of a value is that value to both, and without floats, which the two write in different forms, the same text.
fn check_writing(value: &Value) {
    let text = value.to_text();
    assert_eq!(parse(text.as_bytes()).as_ref(), Some(value), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *value, "{text}");
    if !has_float(value) {
        assert_eq!(text, serde_json::to_string(value).unwrap());
    }
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(members) => members.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

#[test]
fn numbers_are_those_of_serde_json() {
    let table = [
        "0",
        "-0",
        "7",
        "-7",
        "00",
        "01",
        "-01",
        "+1",
        "-",
        "--1",
        "1.",
        ".5",
        "1.5",
        "-1.5",
        "1.e5",
        "1e",
        "1e+",
        "1E-2",
        "1e5",
        "1e+5",
        "0e0",
        "0.0",
        "-0.0",
        "1e999",
        "-1e999",
        "1e-999",
        "-1e-999",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551614",
        "1.7976931348623158e308",
        "1.7976931348623158079e308",
        "2.2250738585072011e-308",
        "9007199254740993",
        "0.1",
        "123456789.123456789e-7",
        "1e400",
        "1e23",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        "184467440737095516150",
        "99999999999999999999",
        "123456789012345678901234567890",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "5e-324",
        "2e-324",
        "0x10",
        "1_000",
        "1,0",
        "NaN",
        "Infinity",
        "1 2",
        "1a",
        "0.1e1",
        "9007199254740993.0",
        "1e16",
        "1e21",
        "0.000001",
        "\u{661}",
        "1\u{0}",
    ];
    let taken = table.iter().filter(|text| compare(text.as_bytes())).count();
    assert!((20..table.len() - 10).contains(&taken), "of each kind some: {taken}");
}

#[test]
fn strings_are_those_of_serde_json() {
    let long = "\u{e9}".repeat(5_000);
    let inside = [
        "",
        "a",
        "\u{e9}\u{20ac}\u{1f389}",
        "\u{7f}",
        "\u{feff}",
        "\n",
        "\u{0}",
        "\u{1f}",
        "\t",
        r#"\""#,
        r"\\",
        r"\/",
        r"\b\f\n\r\t",
        r"\a",
        r"\'",
        r"\",
        r"\u",
        r"\u00e9",
        r"\u00E9",
        r"\u00g0",
        r"\u+0e9",
        r"\u 0e9",
        r"\u00e",
        r"\U00e9",
        r"\u0000",
        r"\u001f",
        r"\ud83c\udf89",
        r"\uD83C\uDF89",
        r"\ud83c",
        r"\ud83cx",
        r"\ud83c\n",
        r"\ud83c\ud83c",
        r"\udf89",
        r"\udf89\ud83c",
        r"\ud83cudf89",
        r"\ud83c\\udf89",
        r"\ud83c\u0041",
        r"\uffff",
        r"\ufdd0",
        r"\ue000",
        r"\udbff\udfff",
        r"\ud800\udc00",
        "a\\\u{e9}",
        r"x\u0041y\u0042z",
        r#"a\"b"#,
        &long,
    ];
    let taken = inside.iter().filter(|text| compare(["\"", text, "\""].concat().as_bytes())).count();
    assert!((20..inside.len() - 10).contains(&taken), "of each kind some: {taken}");
    for bytes in
        [&b"\"\xff\""[..], b"\"\xc3\"", b"\"\xed\xa0\x80\"", b"\"\xc0\x80\"", b"\xff1", b"1\xff", b"\"a", b"\"", b"'a'"]
    {
        assert!(!compare(bytes), "{bytes:?}");
    }
}

#[test]
fn what_is_around_values_is_that_of_serde_json() {
    let table = [
        "",
        " ",
        "null",
        " null ",
        "nul",
        "nulll",
        "Null",
        "true",
        "false",
        "tru",
        "truefalse",
        "[]",
        "[ ]",
        "[,]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "[1",
        "[",
        "]",
        "[]]",
        "{}",
        "{ }",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" : 1 , \"b\":2}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{null:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "[1}",
        "{\"a\":1}{}",
        "{} x",
        "{}\u{0}",
        "\u{feff}{}",
        "\u{a0}1",
        "\u{b}1",
        "\u{c}1",
        "\t\r\n 1\t\r\n ",
        "//a\n1",
        "/**/1",
        "[1]#",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1},\"b\":{\"b\":1}}",
        "{\"\":0}",
        "{\"\":0,\"\":0}",
        "{\"__proto__\":{\"a\":1}}",
        "[[[{\"a\":[]}]]]",
        "\"a\":1",
        "[\"a\":1]",
    ];
    let taken = table.iter().filter(|text| compare(text.as_bytes())).count();
    assert!((10..table.len() - 10).contains(&taken), "of each kind some: {taken}");
}

#[test]
fn nesting_ends_where_that_of_serde_json_does() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [1, 2, 126, 127, 128, 129, 100_000] {
            let inner = if open == "[" { "" } else { "1" };
            let text = [&open.repeat(depth), inner, &close.repeat(depth)].concat();
            assert_eq!(parse(text.as_bytes()).is_some(), depth <= 127, "{open} {depth}");
            assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), depth <= 127, "{open} {depth}");
            assert!(parse(open.repeat(depth).as_bytes()).is_none(), "{open} {depth}, left open");
        }
    }
}

/// Every value of a few levels, of texts with what is special somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        r#"["\\\x00-\x20\x7fu/]{0,8}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,4}", inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_and_read_again_is_that_of_serde_json(value in any_value()) {
        check_writing(&value);
        prop_assert!(compare(value.to_text().as_bytes()));
        prop_assert!(compare(serde_json::to_string_pretty(&value).unwrap().as_bytes()));
    }

    #[test]
    fn a_text_that_was_changed_somewhere_is_what_it_is_to_serde_json(
        value in any_value(), at in any::<Index>(), by in r#"["\\\[\]{}:,0-9eE+.u \n-]{0,3}"#, less in 0..4_usize
    ) {
        let mut text = value.to_text().into_bytes();
        let start = at.index(text.len());
        let end = text.len().min(start + less);
        text.splice(start..end, by.bytes());
        compare(&text);
    }
}

/// Those of the runtime are in `tests/e2e/config/numbers.test.mjs`.
#[test]
fn floats_have_the_bits_that_they_have_in_the_runtime() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("fixtures/floats.json")).unwrap();
    for row in &rows {
        let [text, bits, written] = ["text", "bits", "written"].map(|name| row[name].as_str().unwrap());
        for text in [text, written] {
            let read = parse(text.as_bytes()).unwrap();
            assert!(read.is_f64(), "{text}");
            assert_eq!(format!("{:016x}", read.as_f64().unwrap().to_bits()), bits, "{text}");
            assert_eq!(read.to_text(), written, "as the Worker writes it: {text}");
        }
    }
    assert!(rows.len() > 30, "{}", rows.len());
}
