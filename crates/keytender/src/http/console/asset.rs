//! The style and the script of the pages, compiled in.

use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

use crate::app::ticket::digest_of;

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");
const ICON: &str = include_str!("icon.svg");

/// A year: the address of an asset changes with its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// A day.
const A_DAY: &str = "public, max-age=86400";

static STYLE_URL: LazyLock<String> = LazyLock::new(|| url("/assets/console.css", STYLE));
static SCRIPT_URL: LazyLock<String> = LazyLock::new(|| url("/assets/console.js", SCRIPT));

fn url(path: &str, content: &str) -> String {
    let digest = digest_of(content);
    format!("{path}?v={}", digest.get(..12).unwrap_or_default())
}

/// Where the style is.
pub(super) fn style_url() -> &'static str {
    &STYLE_URL
}

/// Where the script is.
pub(super) fn script_url() -> &'static str {
    &SCRIPT_URL
}

pub(super) async fn style() -> Response {
    (kept("text/css; charset=utf-8", FOR_GOOD), STYLE).into_response()
}

pub(super) async fn script() -> Response {
    (kept("text/javascript; charset=utf-8", FOR_GOOD), SCRIPT).into_response()
}

pub(super) async fn icon() -> Response {
    (kept("image/svg+xml", A_DAY), ICON).into_response()
}

const fn kept(media_type: &'static str, how_long: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, how_long)]
}
