//! The cookies of the console: who is signed in, and a word for the next page.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};
use keytender_core::secret::Secret;

/// Behind TLS: browsers take it only from this host, for all of it, and send it only by TLS (RFC 6265bis).
const SECURE: &str = "__Host-keytender";
/// Without TLS, on this machine alone.
const PLAIN: &str = "keytender";
/// A word for the next page.
const WORD: &str = "keytender-word";
/// How long the word waits for the next page.
const WORD_LIFE: Duration = Duration::minutes(1);

const fn name(is_https: bool) -> &'static str {
    if is_https { SECURE } else { PLAIN }
}

/// What the session's cookie holds.
pub(super) fn held(headers: &HeaderMap, is_https: bool) -> Option<Secret> {
    find(headers, name(is_https)).map(Secret::new)
}

/// Has the browser keep what the session's cookie holds, until it is closed.
pub(super) fn keep(headers: &mut HeaderMap, held: &Secret, is_https: bool) {
    set(headers, Cookie::build((name(is_https), held.expose().to_owned())), is_https);
}

/// Has the browser forget it.
pub(super) fn forget(headers: &mut HeaderMap, is_https: bool) {
    let cookie = Cookie::build((name(is_https), "")).max_age(Duration::ZERO);
    set(headers, cookie, is_https);
}

/// Whether an answer changes what the session's cookie holds.
pub(super) fn is_changed(headers: &HeaderMap, is_https: bool) -> bool {
    let name = name(is_https);
    let mut lines =
        headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.any(|line| line.split_once('=').is_some_and(|(set, _)| set == name))
}

/// The word that the page before left.
pub(super) fn word(headers: &HeaderMap) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(find(headers, WORD)?).ok()?;
    String::from_utf8(bytes).ok()
}

/// Leaves a word for the next page.
pub(super) fn leave_word(headers: &mut HeaderMap, word: &str, is_https: bool) {
    let cookie = Cookie::build((WORD, URL_SAFE_NO_PAD.encode(word)));
    set(headers, cookie.max_age(WORD_LIFE), is_https);
}

/// Takes the word away, once it was shown.
pub(super) fn take_word(headers: &mut HeaderMap, is_https: bool) {
    set(headers, Cookie::build((WORD, "")).max_age(Duration::ZERO), is_https);
}

pub(super) fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(|line| Cookie::split_parse(line).flatten());
    cookies.into_iter().find(|one| one.name() == name).map(|one| one.value().to_owned())
}

fn set(headers: &mut HeaderMap, cookie: CookieBuilder<'static>, is_https: bool) {
    // Lax: whoever follows a link in a mail is still signed in. What changes anything is posted, and
    // proves that it came from a page of ours.
    let cookie = cookie.path("/").http_only(true).secure(is_https).same_site(SameSite::Lax).build();
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
}
