//! The provider's flows (RFC 6749, OpenID Connect Core 1.0): what to ask of it, and what its answers mean.
//!
//! Requests are built here and answers are judged here; sending, sealing and randomness are the edge's.

mod answer;
mod login;
mod refresh;
mod return_to;
mod web_message;

pub use answer::{
    Exchange, ProviderAnswer, TokenAnswer, TransportError, judge_authorization_error, judge_profile, judge_tokens,
};
pub use login::{
    BINDING_COOKIE, LOGIN_STATE_MAX_SECS, LoginRandom, LoginState, PASSED_TO_PROVIDER, PLAIN_BINDING_COOKIE,
    authorize_url, binding_cookie_name, code_form, random_text, state_context,
};
pub use refresh::{
    REFRESH_BODY_MAX_BYTES, RefreshBody, expires_in, read_refresh_body, refresh_form, refresh_token_name,
};
pub use return_to::validate_return_to;
pub use web_message::web_message_page;
