//! The provider's flows (RFC 6749, OpenID Connect Core 1.0): what to ask of it, and what its responses mean.
//!
//! Requests are built here and responses are read here; sending, sealing and randomness are the edge's.

mod attempts;
mod client;
mod discovery;
mod introspection;
mod login;
mod logout;
mod otp;
mod profile;
mod provider_response;
mod refresh;
mod return_to;
mod rotation;
mod target;
mod upstream_token;
mod web_message;

pub use attempts::{Attempts, Ended};
pub use client::{Form, client_assertion};
pub use discovery::Discovery;
pub use introspection::{
    introspection_body, introspection_expectations, introspection_form, parse_introspection, signed_introspection,
    unsigned_introspection,
};
pub use login::{
    LOGIN_STATE_MAX_SECS, LoginRandom, LoginState, asked_authentication, authorization_request, authorization_url,
    check_authentication, check_response_issuer, code_form, id_token_expectations, is_own_id_token, login_address,
    parse_pushed_response, pushed_endpoint, random_text, state_context,
};
pub use logout::{
    LogoutRequest, frontchannel_sid, logout_token_expectations, logout_url, revocation_form, validate_logout_token,
};
pub use otp::{OtpRequest, parse_otp_response, read_otp_request};
pub use profile::{Userinfo, id_token_profile, parse_userinfo, userinfo_expectations, validate_profile};
pub use provider_response::{
    Grant, Outcome, ProviderResponse, TokenResponse, TransportError, parse_authorization_error, parse_token_response,
    validate_renewal,
};
pub use refresh::{
    BODY_MAX_BYTES, BodyKind, Fields, check_form, expires_in, read_refresh, refresh_form, refresh_token_header,
};
pub use return_to::{RETURN_TO_MAX_BYTES, validate_return_to};
pub use rotation::{
    Answered, LOST_WINDOW_MS, Step, StoredResult, is_line_of, is_rotated, outcome_from_json, outcome_to_json,
};
pub use target::{Unfit, refusal, unfit};
pub use upstream_token::{STORED, parse_upstream_token, upstream_token_form};
pub use web_message::web_message_page;
