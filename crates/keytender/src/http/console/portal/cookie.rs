//! The cookie of the key page: which browser it is open in.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use keytender_core::secret::Secret;

use crate::http::console::cookie::find;

/// Behind TLS: browsers take it only from this host, for all of it, and send it only by TLS (RFC 6265bis).
const SECURE: &str = "__Host-keytender-portal";
/// Without TLS, on this machine alone.
const PLAIN: &str = "keytender-portal";

const fn name(is_https: bool) -> &'static str {
    if is_https { SECURE } else { PLAIN }
}

/// What the cookie holds.
pub(super) fn held(headers: &HeaderMap, is_https: bool) -> Option<Secret> {
    find(headers, name(is_https)).map(Secret::new)
}

/// Has the browser keep what the cookie holds, until it is closed. In a frame of another site it is kept for that
/// site alone (CHIPS): browsers that keep no such cookie of others show the page in a window of its own.
pub(super) fn keep(headers: &mut HeaderMap, held: &Secret, is_https: bool, is_framed: bool) {
    let cookie = Cookie::build((name(is_https), held.expose().to_owned()));
    let cookie = cookie.path("/").http_only(true).secure(is_https);
    let cookie = match is_https && is_framed {
        true => cookie.same_site(SameSite::None).partitioned(true),
        false => cookie.same_site(SameSite::Lax),
    };
    if let Ok(value) = HeaderValue::from_str(&cookie.build().to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
