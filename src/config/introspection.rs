//! The part of an authorizer that asks the provider about access tokens (RFC 7662).

use super::address::read_https;
#[cfg(not(target_os = "unknown"))]
use super::authorizer::algorithm::algorithm_names;
use super::authorizer::algorithm::read_algorithm;
#[cfg(not(target_os = "unknown"))]
use super::client::public_client;
use super::client::{CLIENT_SECRET, PRIVATE_KEY, WrittenClient};
use super::code::Code;
#[cfg(not(target_os = "unknown"))]
use super::grammar::{Json, absent, object, refused, wherever};
use super::reader::{Findings, ObjectReader, Place, advice, host_help, shown};
use super::section::section;
use crate::algorithm::Algorithm;

/// Which access tokens the provider is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Those that are not JWTs.
    Opaque,
    /// All.
    All,
}

impl Asked {
    /// Every choice by its name.
    pub const NAMES: [(&'static str, Self); 2] = [("opaque", Self::Opaque), ("all", Self::All)];
}

/// How the provider is asked about access tokens.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// Which tokens it is asked about.
    pub asked: Asked,
    /// The introspection endpoint, if the config has one.
    pub endpoint: Option<String>,
    /// Whether an answer that names no type of token may be about an access token.
    pub without_token_type: bool,
    /// The algorithm that answers are signed with (RFC 9701), if they have to be.
    pub signed_by: Option<Algorithm>,
}

/// Reads how the provider is asked by a client; `None` if the config says nothing of it, and `Some(None)` if it is wrong, or not known
/// here.
pub(super) fn read_introspection(
    object: &mut ObjectReader<'_, '_>,
    client: &WrittenClient<'_>,
    findings: &mut Findings<'_>,
) -> Option<Option<Introspection>> {
    let place = object.place();
    let chosen = object.choice(&INTROSPECTION, findings);
    let written_endpoint = object.text(&INTROSPECTION_ENDPOINT, findings);
    let endpoint =
        written_endpoint.as_ref().map(|written| read_https(written, &INTROSPECTION_ENDPOINT.at(place), findings));
    let without_token_type = object.boolean(&INTROSPECTION_WITHOUT_TOKEN_TYPE, findings);
    let written_algorithm = object.text(&INTROSPECTION_SIGNED_RESPONSE_ALG, findings);
    let signed_by = written_algorithm
        .as_ref()
        .map(|written| read_algorithm(written, false, &INTROSPECTION_SIGNED_RESPONSE_ALG.at(place), findings));
    let Some((written, asked)) = chosen else {
        let untyped = object.node(&INTROSPECTION_WITHOUT_TOKEN_TYPE).filter(|_| without_token_type);
        for (key, offset) in [
            (INTROSPECTION_ENDPOINT.name, written_endpoint.map(|written| written.offset)),
            (INTROSPECTION_WITHOUT_TOKEN_TYPE.name, untyped.map(|node| node.offset)),
            (INTROSPECTION_SIGNED_RESPONSE_ALG.name, written_algorithm.map(|written| written.offset)),
        ] {
            let Some(offset) = offset else { continue };
            let message = format_args!("\"{key}\" has no effect without \"introspection\"");
            let help = host_help(|| format!("add \"introspection\": \"opaque\", or remove \"{key}\""));
            findings.note(offset, &Place::Key(place, key), Code::UnusedKey, message, help);
        }
        return None;
    };
    // RFC 7662 section 2.1: nobody may try out tokens there without showing who asks.
    if client.is_public() {
        let message = format_args!("introspection \"{}\" needs a client that authenticates", shown(&written));
        let help = advice("add \"client_secret\", or \"private_key\" with \"private_key_jwt\"");
        let help = help.about([CLIENT_SECRET.name, PRIVATE_KEY.name]);
        findings.note(written.offset, &INTROSPECTION.at(place), Code::MissingKey, message, help);
    }
    Some(asked.and_then(|asked| {
        let endpoint = endpoint.map_or(Some(None), |known| known.map(Some))?;
        let signed_by = signed_by.map_or(Some(None), |known| known.map(Some))?;
        Some(Introspection { asked, endpoint, without_token_type, signed_by })
    }))
}

/// Returns the schemas that refuse what has no effect, and require that the client authenticates.
#[cfg(not(target_os = "unknown"))]
pub(super) fn conditions() -> [Json; 4] {
    let useless = "It has no effect without \"introspection\".";
    let unasked = || object! { "properties": object! { [INTROSPECTION]: false } };
    [
        wherever(
            "an introspection endpoint is asked",
            unasked(),
            object! { "properties": object! { [INTROSPECTION_ENDPOINT]: absent(useless) } },
        ),
        wherever(
            "signed answers are asked for",
            unasked(),
            object! { "properties": object! { [INTROSPECTION_SIGNED_RESPONSE_ALG]: absent(useless) } },
        ),
        wherever(
            "answers without a type of token are asked for",
            unasked(),
            object! {
                "properties": object! {
                    [INTROSPECTION_WITHOUT_TOKEN_TYPE]: refused(object! { "const": true }, useless)
                }
            },
        ),
        wherever(
            "who asks about tokens authenticates",
            public_client(),
            object! {
                "properties": object! {
                    [INTROSPECTION]: absent("Introspection needs a client that authenticates: add the client_secret.")
                }
            },
        ),
    ]
}

section! {
    entries;

    INTROSPECTION: Choice<Asked> = choice("introspection", &Asked::NAMES),
        Different("lets the provider say whether other access tokens are valid"),
        "Which access tokens the gateway asks the provider about (RFC 7662): `opaque` means those that are not JWTs, while \
         JWTs are verified here; `all` means JWTs too, which are then not verified here. The client needs a secret or \
         a private key.",
        default_words("none: an opaque token is refused"), example("opaque");
    INTROSPECTION_ENDPOINT: Text = text("introspection_endpoint", HttpsUrl),
        Different("asks about access tokens at another address"),
        "The introspection endpoint (RFC 7662), if the provider's discovery document has none.",
        default_words("the provider's"), example("https://id.example.com/introspect");
    INTROSPECTION_WITHOUT_TOKEN_TYPE: Boolean = boolean("introspection_without_token_type"),
        On("accepts a token of which the provider does not say that it is an access token"),
        "Whether an answer needs no `token_type`. Without one, some providers describe refresh tokens. So write `true` \
         only if the provider's endpoint knows no other tokens than access tokens, as that of django-oauth-toolkit and \
         LemonLDAP::NG.",
        example(true);
    INTROSPECTION_SIGNED_RESPONSE_ALG: Text = text("introspection_signed_response_alg", Any),
        Different("accepts answers about access tokens that are signed in another way"),
        "The algorithm that the provider signs its answers with (RFC 9701), as the client is registered there. The gateway \
         then asks for signed answers, and accepts no others.",
        shape(algorithm_names(false)), default_words("none: answers are not signed"), example("ES256");
}
