//! `otlp`: where spans and measurements are sent.

use super::address::{Scheme, read_url};
use super::code::Code;
use super::headers::{checked_value, read_header_texts};
use super::reader::{Findings, ObjectReader, advice};
use super::root;
use super::section::section;
use crate::http::header_lines::HeaderChanges;
use crate::secret::Secret;
use crate::split::without_last;

/// Where spans and measurements are sent, as lines: the endpoint, the name of the service, and the headers as changes to an empty list.
#[derive(Clone)]
pub struct Otlp(pub Secret<String>);

/// The name of the service, unless the config says another.
const SERVICE_DEFAULT: &str = "bargate";

/// Reads the section; `None` if there is none.
pub(super) fn read_otlp(root: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> Option<Otlp> {
    let node = root.node(&root::OTLP)?;
    let place = root::OTLP.at(root.place());
    let mut object = ObjectReader::open(node, &place, findings)?;
    let endpoint = object.text(&ENDPOINT, findings);
    let service = object.text(&SERVICE_NAME, findings);
    let service = service.map(|service| checked_value(&service, &SERVICE_NAME.at(&place), findings));
    let texts = read_header_texts(&mut object, &HEADERS, findings);
    object.finish(findings);
    let endpoint = endpoint?;
    let place = ENDPOINT.at(&place);
    let url = read_url(&endpoint, Scheme::Https, &place, findings)?;
    if url.query().is_some() {
        let message = format_args!("an endpoint has no query");
        findings.note(endpoint.offset, &place, Code::InvalidUrl, message, advice("put its secret into \"headers\""));
    }
    let mut headers = HeaderChanges::default();
    for (name, value) in &texts {
        headers.set(name, value);
    }
    let service = service.unwrap_or_else(|| Some(SERVICE_DEFAULT.to_owned()))?;
    let endpoint = [&url.origin(), without_last(url.path(), b'/')].concat();
    Some(Otlp(Secret::new([&endpoint, &service, headers.as_str()].join("\n"))))
}

section! {
    Section::new(
        "otlp",
        "otlp",
        "Sends a span of each request, one of its call to the upstream, and how long requests took, to an OpenTelemetry \
         collector: by OTLP over HTTP in JSON, behind the answer.\n\nSpans belong to the client's trace, and are sent if \
         its `traceparent` says that it is sampled, or if the trace begins here. No token, cookie, query or claim is in them.",
    )
        .example(
            r#"{
                    "otlp": { "endpoint": "https://otlp.example.com", "headers": { "authorization": "$secret.OTLP_AUTHORIZATION" } },
                    "paths": [{ "method": "GET", "path": "/health", "response": { "status": "ok" } }]
                }"#,
        );

    ENDPOINT: Text = text("endpoint", ProjectUrl).required(), Destination("sends what it records to another endpoint"),
        "The address of the collector, behind which `/v1/traces` and `/v1/metrics` are. https, or http for loopback hosts; \
         without a query.",
        example("https://otlp.example.com");
    HEADERS: Value = value("headers"), Harmless("only the endpoint gets them"),
        "Names and texts of headers that the collector gets. A secret is a reference, such as `$secret.OTLP_AUTHORIZATION`.",
        shape(Shape::headers(Shape::Text(Form::HeaderValue))),
        example(object! { "authorization": "$secret.OTLP_AUTHORIZATION" });
    SERVICE_NAME: Text = text("service_name", HeaderValue), Harmless("it is a name for the collector"),
        "The name of the gateway there: `service.name` of the resource.",
        default(SERVICE_DEFAULT), example("shop-gateway");
}
