//! The signature algorithms a token may use (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2).
//!
//! `none` is absent on purpose. HMAC has its own kind of key, which no fetched JWKS can have: a public key is no
//! secret.

use std::fmt;

/// An algorithm by which a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512
    Rs512,
    /// RSASSA-PSS with SHA-256
    Ps256,
    /// RSASSA-PSS with SHA-384
    Ps384,
    /// RSASSA-PSS with SHA-512
    Ps512,
    /// ECDSA on P-256 with SHA-256
    Es256,
    /// ECDSA on P-384 with SHA-384
    Es384,
    /// ECDSA on P-521 with SHA-512
    Es512,
    /// EdDSA on Ed25519
    EdDsa,
    /// HMAC with SHA-256
    Hs256,
}

/// The kind of key that an algorithm needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFamily {
    /// An RSA key.
    Rsa,
    /// An elliptic curve key on P-256.
    P256,
    /// An elliptic curve key on P-384.
    P384,
    /// An elliptic curve key on P-521.
    P521,
    /// An Ed25519 key.
    Ed25519,
    /// A shared secret.
    Secret,
}

impl fmt::Display for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
            Self::Secret => "shared secret",
        })
    }
}

impl Algorithm {
    /// Every algorithm by its name in `alg`; one with two names has first the one that everybody knows.
    pub const NAMES: [(&'static str, Self); 12] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("ES512", Self::Es512),
        ("EdDSA", Self::EdDsa),
        ("Ed25519", Self::EdDsa),
        ("HS256", Self::Hs256),
    ];

    /// Those that need no shared secret.
    pub const ASYMMETRIC: [Self; 10] = [
        Self::Es256,
        Self::EdDsa,
        Self::Ps256,
        Self::Rs256,
        Self::Es384,
        Self::Es512,
        Self::Ps384,
        Self::Ps512,
        Self::Rs384,
        Self::Rs512,
    ];

    /// Every name of these, with spaces between them.
    pub const ASYMMETRIC_NAMES: &str = "ES256 EdDSA Ed25519 PS256 RS256 ES384 ES512 PS384 PS512 RS384 RS512";

    /// Parses the value of `alg`, which is case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// Returns its name in `alg`, of two the first.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map(|(name, _)| *name).unwrap_or_default()
    }

    /// Returns the kind of key it needs.
    pub fn family(self) -> KeyFamily {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyFamily::Rsa,
            Self::Es256 => KeyFamily::P256,
            Self::Es384 => KeyFamily::P384,
            Self::Es512 => KeyFamily::P521,
            Self::EdDsa => KeyFamily::Ed25519,
            Self::Hs256 => KeyFamily::Secret,
        }
    }
}
