//! Channels, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::channels::{Channel, ChannelKind};

/// A way by which notices go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelView {
    /// The id.
    #[schema(example = "cha_0dj2c8xk3v9q4")]
    pub id: String,
    /// What people call it. That of an API begins with the API's name, or with the customer's.
    pub name: String,
    /// The id of the API of ours whose it is; null: this installation's.
    #[serde(default)]
    pub api: Option<String>,
    /// The id of the customer of that API whose it is; null: of whoever runs the API.
    #[serde(default)]
    pub account: Option<String>,
    /// The events that a webhook is told of; empty: all.
    #[serde(default)]
    #[schema(example = json!(["key.exposed", "key.overlap_ending"]))]
    pub events: Vec<String>,
    /// What kind of way it is.
    pub kind: ChannelKind,
    /// The mail server.
    pub host: Option<String>,
    /// Its port; null: the usual one.
    pub port: Option<u16>,
    /// How its connection is made secret: `starttls`, `implicit` or `none`.
    pub tls: Option<String>,
    /// The user name at the mail server.
    pub username: Option<String>,
    /// The address that mail comes from.
    pub from: Option<String>,
    /// Where events are posted. A chat's URL is a secret and not shown.
    pub url: Option<String>,
    /// Whether it may be in a private network.
    pub allow_private: bool,
    /// How many seconds one answer may take; null: 30.
    pub timeout_seconds: Option<u32>,
    /// Further certificates to trust, in PEM.
    pub certificates: Option<String>,
    /// The file of further certificates to trust, on the machine of the inventory.
    pub certificates_file: Option<String>,
    /// Whether its secret is kept here, sealed.
    pub is_secret_kept: bool,
    /// Where its secret is, on the machine of the inventory.
    #[schema(example = "env:SMTP_PASSWORD")]
    pub secret_place: Option<String>,
    /// Until when the signing secret before this one signs too; null: it signs alone.
    #[serde(default)]
    pub old_secret_until: Option<Time>,
    /// Since when it is known.
    pub created_at: Time,
    /// The signing secret that was made for it: only in the answer to adding it, or to a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

impl ChannelView {
    /// The view of a channel.
    pub fn of(channel: &Channel) -> Self {
        let settings = channel.settings.clone();
        Self {
            id: channel.id.to_string(),
            name: channel.name.clone(),
            api: channel.of.map(|of| of.api_id.to_string()),
            account: channel.of.and_then(|of| of.account_id).map(|id| id.to_string()),
            events: settings.events,
            kind: channel.kind,
            host: settings.host,
            port: settings.port,
            tls: settings.tls,
            username: settings.username,
            from: settings.from,
            url: settings.url,
            allow_private: settings.allow_private,
            timeout_seconds: settings.timeout_seconds,
            certificates: settings.certificates,
            certificates_file: settings.roots,
            is_secret_kept: channel.sealed.is_some(),
            secret_place: settings.secret,
            old_secret_until: channel.old.as_ref().map(|old| old.until),
            created_at: channel.created_at,
            signing_secret: None,
        }
    }
}

/// A page of channels.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// The channels, by name.
    pub channels: Vec<ChannelView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
