//! The key page of an API's customers, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the key page of an API's customers looks, and where it may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalView {
    /// The colour of its links and buttons.
    #[schema(example = "#2f5fb3")]
    pub accent: Option<String>,
    /// The SHA-256 of the picture at its top as it was given, in hexadecimal.
    pub logo: Option<String>,
    /// Whom customers ask: a mail address or an address of the web.
    #[schema(example = "help@acme.example")]
    pub support: Option<String>,
    /// Where customers read how the API is used.
    #[schema(example = "https://acme.example/docs")]
    pub docs: Option<String>,
    /// Where customers read how a key is replaced and kept well; null: on the server's own page.
    #[serde(default)]
    #[schema(example = "https://acme.example/docs/keys")]
    pub guide: Option<String>,
    /// The hosts to which a link may lead back.
    #[schema(example = json!(["app.acme.example"]))]
    pub return_hosts: Vec<String>,
    /// The hosts whose pages may hold it in a frame; it may be in none if there is none.
    #[schema(example = json!(["app.acme.example"]))]
    pub frame_hosts: Vec<String>,
}

/// What is to change of a key page; what is absent stays, what is null is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalChange {
    /// The colour of its links and buttons: one that can be read on a light page. For the dark it is made lighter.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^#[0-9a-fA-F]{6}$", example = "#2f5fb3")]
    pub accent: Option<Option<String>>,
    /// The picture at its top, in base64: a PNG, JPEG, GIF or WebP of at most 32 KiB.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, content_encoding = "base64", max_length = 43692)]
    pub logo: Option<Option<String>>,
    /// Whom customers ask: a mail address or an address of the web.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub support: Option<Option<String>>,
    /// Where customers read how the API is used.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub docs: Option<Option<String>>,
    /// Where customers read how a key is replaced and kept well, if not on the server's own page.
    #[serde(default, with = "super::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub guide: Option<Option<String>>,
    /// The hosts to which a link may lead back: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20, example = json!(["app.acme.example"]))]
    pub return_hosts: Option<Vec<String>>,
    /// The hosts whose pages may hold it in a frame: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20, example = json!(["app.acme.example"]))]
    pub frame_hosts: Option<Vec<String>>,
}

/// A link to the key page of a customer that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalLinkRequest {
    /// Who of the customer it is for: the log says so of what is done on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, example = "dana@globex.example")]
    pub person: Option<String>,
    /// Where whoever is done goes back to: at a host that the API lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, example = "https://app.acme.example/settings")]
    pub return_url: Option<String>,
    /// Whether nothing can be changed on the page.
    #[serde(default)]
    pub read_only: bool,
}

/// A link to the key page of a customer: it works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalLinkView {
    /// Where the browser is sent.
    #[schema(example = "https://keys.acme.example/portal/enter/…")]
    pub url: String,
    /// Until when it works.
    pub expires_at: Time,
}
