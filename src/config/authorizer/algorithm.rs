//! The names of signature algorithms in a config.

use crate::algorithm::Algorithm;
use crate::config::code::Code;
#[cfg(not(target_os = "unknown"))]
use crate::config::grammar::Shape;
use crate::config::reader::{Findings, Place, Written, advice, choose};

/// Reads one, and reports it if it does not fit the keys: HS256 needs a shared secret, and a shared secret HS256.
pub(crate) fn read_algorithm(
    written: &Written<'_>,
    by_secret: bool,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<Algorithm> {
    let algorithm = choose(written, &Algorithm::NAMES, place, findings)?;
    if (algorithm == Algorithm::Hs256) != by_secret {
        let (wrong, help) = match by_secret {
            true => ("needs a public key, and the authorizer has a shared secret", "write HS256, or give it a JWKS"),
            false => ("needs a shared secret, not a public key", "name the issuer's algorithm, such as RS256"),
        };
        findings.refuse(written, place, Code::AlgorithmMismatch, wrong, advice(help));
        return None;
    }
    Some(algorithm)
}

/// Returns the names of the algorithms, of which one needs a shared secret.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn algorithm_names(shared_secret: bool) -> Shape {
    let names = Algorithm::NAMES.into_iter().filter(|(_, algorithm)| shared_secret || *algorithm != Algorithm::Hs256);
    Shape::Choice(names.map(|(name, _)| name).collect())
}
