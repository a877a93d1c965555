//! Where an `oidc` authorizer's documents are, and the tenants that its issuer stands for.

use super::keys::oidc;
use crate::config::address::read_https;
use crate::config::code::Code;
use crate::config::reader::{Findings, ObjectReader, Place, Written, advice};
use crate::split::without_last;

/// A tenant of an issuer that has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Its id, which is their `tid`.
    pub id: String,
}

/// Length of a tenant's id, a UUID, in bytes.
const TENANT_ID_BYTES: usize = 36;

/// Returns where the discovery document of the issuer is, at its `own` address or at the usual one; `None` if that is wrong, or not
/// known here.
pub(super) fn discovery_url(
    own: Option<&Written<'_>>,
    issuer: Option<&Written<'_>>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    if let Some(written) = own {
        return read_https(written, &oidc::DISCOVERY_URL.at(place), findings);
    }
    let written = issuer?;
    let issuer = written.value()?;
    if template(issuer).is_some() {
        let message = format_args!("an issuer with \"{{tenantid}}\" needs a \"discovery_url\"");
        let help = advice(
            "add it, as in https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration",
        );
        findings.note(written.offset, &oidc::ISSUER.at(place), Code::MissingKey, message, help);
    }
    Some(usual_discovery_url(issuer))
}

/// Returns where the discovery document of an issuer is, if nothing else is said (OpenID Connect Discovery 1.0 section 4.1).
pub(crate) fn usual_discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", without_last(issuer, b'/'))
}

/// Reads the tenants of an issuer; `None` if one is wrong or not known here.
pub(super) fn read_tenants(
    object: &mut ObjectReader<'_, '_>,
    issuer: Option<&Written<'_>>,
    findings: &mut Findings<'_>,
) -> Option<Vec<Tenant>> {
    let place = oidc::TENANTS.at(object.place());
    let offset = object.node(&oidc::TENANTS).map(|node| node.offset);
    let listed = object.texts(&oidc::TENANTS, findings);
    if let Some(offset) = offset.filter(|_| listed.is_empty()) {
        let help = advice("list the ids of the tenants that are accepted");
        findings.note(offset, &place, Code::EmptyList, format_args!("no tenant is accepted"), help);
    }
    let issuer = issuer?;
    let parts = template(issuer.value()?);
    match offset {
        None if parts.is_some() => {
            let message = format_args!("an issuer with \"{{tenantid}}\" needs the \"tenants\" that are accepted");
            let help = advice("list their ids as \"tenants\"");
            findings.note(issuer.offset, &oidc::ISSUER.at(object.place()), Code::MissingKey, message, help);
        }
        Some(offset) if parts.is_none() => {
            let message = format_args!("\"tenants\" has no effect without \"{{tenantid}}\" in the issuer");
            let help = advice("write the \"issuer\" of the discovery document, or remove \"tenants\"");
            findings.note(offset, &place, Code::UnusedKey, message, help);
        }
        _ => {}
    }
    let (before, after) = parts.unwrap_or_default();
    // Each is read, so that every mistake is reported.
    let mut tenants = Vec::new();
    for (index, written) in listed.iter().enumerate() {
        if let Some(id) = read_tenant_id(written, &Place::Index(&place, index), findings) {
            tenants.push(Tenant { issuer: [before, id, after].concat(), id: id.to_owned() });
        }
    }
    (tenants.len() == listed.len()).then_some(tenants)
}

fn read_tenant_id<'n>(written: &Written<'n>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<&'n str> {
    let id = written.value()?;
    let is_id = id.len() == TENANT_ID_BYTES && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    if !is_id {
        let wrong = "is not the id of a tenant";
        let help = advice("write the directory (tenant) ID in small letters, as tokens have it in \"tid\"");
        findings.refuse(written, place, Code::InvalidName, wrong, help);
    }
    is_id.then_some(id)
}

/// Returns what an issuer has before and after the placeholder for a tenant, if it has one.
fn template(issuer: &str) -> Option<(&str, &str)> {
    let (before, rest) = issuer.split_once('{')?;
    Some((before, rest.strip_prefix("tenantid}")?))
}
