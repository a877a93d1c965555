//! Sessions, as requests see them: from the cookie to an access token, and from a login to a cookie.

pub mod access;
pub mod cookie;
pub mod lifecycle;
pub mod login_redirect;
pub mod objects;
pub mod watch;
