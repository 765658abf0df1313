//! `/v1/channels`: the ways by which notices go out.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use keytender_core::secret::Secret;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::channels::{self, SecretSource, Whose};
use crate::app::inventory::Inventory;
use crate::app::view::{ChannelList, ChannelView, NoticeView};
use crate::error::Error;
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::{Problem, Refusal};
use crate::store::channels::{ChannelKind, Settings};

/// The longest name of a host (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 255;
/// The longest user name: mail servers take addresses for names, with 64 bytes before the `@` and
/// 255 behind it (RFC 5321, section 4.5.3.1).
const MAX_USERNAME: usize = 320;
/// The longest mail address (RFC 5321, section 4.5.3.1.3, without the brackets).
const MAX_ADDRESS: usize = 254;
/// The longest URL: those of chats have some 300 bytes.
const MAX_URL: usize = 2_048;
/// The longest secret.
const MAX_SECRET: usize = 4_096;

/// A channel to add. Which members it has is a matter of its kind: `mail` needs `host` and `from`,
/// `webhook` a `url`, and `slack` and `teams` a `url`, which is their secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewChannel {
    /// What to call it, a line of text.
    #[schema(min_length = 1, max_length = 100, example = "mail")]
    pub(in crate::http) name: String,
    /// What kind of way it is.
    pub(in crate::http) kind: ChannelKind,
    /// The mail server's name, which its certificate must carry.
    #[schema(min_length = 1, max_length = 255, example = "smtp.example.com")]
    pub(in crate::http) host: Option<String>,
    /// The mail server's port; 587, or 465 for implicit TLS, if none is given.
    #[schema(minimum = 1)]
    pub(in crate::http) port: Option<u16>,
    /// How the connection to the mail server is made secret: `starttls` (if nothing is said),
    /// `implicit`, or `none`, which goes only to the server's own machine.
    #[schema(example = "starttls")]
    pub(in crate::http) tls: Option<String>,
    /// The user name at the mail server.
    #[schema(max_length = 320)]
    pub(in crate::http) username: Option<String>,
    /// The password at the mail server. It is kept sealed, and nobody gets it back.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, write_only, max_length = 4096)]
    pub(in crate::http) password: Option<Secret>,
    /// The address that mail comes from, and that answers go to.
    #[schema(max_length = 254, example = "keys@example.com")]
    pub(in crate::http) from: Option<String>,
    /// How many seconds one answer may take; 30 if nothing is said.
    #[schema(minimum = 1, maximum = 300)]
    pub(in crate::http) timeout_seconds: Option<u32>,
    /// Where events of a webhook are posted; of a chat the URL of its incoming webhook, which is kept
    /// sealed, and nobody gets it back.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, max_length = 2048, example = "https://siem.example.com/keys")]
    pub(in crate::http) url: Option<Secret>,
    /// The signing secret of a webhook (`whsec_…`), kept sealed; one is made if none is given, and
    /// shown in the answer alone.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, write_only, max_length = 4096)]
    pub(in crate::http) secret: Option<Secret>,
    /// Further certificates to trust, in PEM.
    #[schema(max_length = 65536)]
    pub(in crate::http) certificates: Option<String>,
    /// Whether a webhook or chat may be in a private network.
    #[serde(default)]
    pub(in crate::http) allow_private: bool,
    /// The id or name of an API of yours: the channel is for what is told in its name. It is called
    /// `API/NAME`; of an API there are mail servers and webhooks.
    #[schema(max_length = 100, example = "acme")]
    pub(in crate::http) api: Option<String>,
    /// The id or name of a customer of your API: a webhook that is told of their keys alone. It is called
    /// `API/CUSTOMER/NAME`.
    #[schema(max_length = 200, example = "acme/globex")]
    pub(in crate::http) account: Option<String>,
    /// The events that a webhook is told of; all, if there are none.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["key.exposed", "key.overlap_ending"]))]
    pub(in crate::http) events: Vec<String>,
}

impl NewChannel {
    /// Refuses members that a channel of this kind has not.
    ///
    /// # Errors
    /// When there is one, or a member is longer than it may be.
    pub(in crate::http) fn check(&self) -> Result<(), Error> {
        let is_mail = self.kind == ChannelKind::Mail;
        let is_webhook = self.kind == ChannelKind::Webhook;
        for (member, is_there, fits) in [
            ("host", self.host.is_some(), is_mail),
            ("port", self.port.is_some(), is_mail),
            ("tls", self.tls.is_some(), is_mail),
            ("username", self.username.is_some(), is_mail),
            ("password", self.password.is_some(), is_mail),
            ("from", self.from.is_some(), is_mail),
            ("url", self.url.is_some(), !is_mail),
            ("allow_private", self.allow_private, !is_mail),
            ("secret", self.secret.is_some(), is_webhook),
        ] {
            if is_there && !fits {
                let kind = self.kind.as_str();
                return Err(Error::new(format!("a channel of kind {kind} has no `{member}`")));
            }
        }
        if self.port == Some(0) {
            return Err(Error::new("no server has the port 0"));
        }
        fn length(secret: Option<&Secret>) -> usize {
            secret.map_or(0, |secret| secret.expose().len())
        }
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        for (member, bytes, max) in [
            ("host", text(&self.host), MAX_HOST),
            ("username", text(&self.username), MAX_USERNAME),
            ("from", text(&self.from), MAX_ADDRESS),
            ("url", length(self.url.as_ref()), MAX_URL),
            ("password", length(self.password.as_ref()), MAX_SECRET),
            ("secret", length(self.secret.as_ref()), MAX_SECRET),
        ] {
            if bytes > max {
                return Err(Error::new(format!("`{member}` has more than {max} bytes")));
            }
        }
        Ok(())
    }

    /// What is known of it, and its secret.
    pub(in crate::http) fn into_parts(
        self,
    ) -> (String, ChannelKind, Settings, SecretSource, Whose) {
        let keep = |secret: Option<Secret>| secret.map(SecretSource::Keep);
        let url = self.url;
        let (shown, secret) = match self.kind {
            ChannelKind::Mail => (None, keep(self.password).unwrap_or(SecretSource::None)),
            ChannelKind::Webhook => {
                let shown = url.map(|url| url.expose().to_owned());
                (shown, keep(self.secret).unwrap_or(SecretSource::Make))
            }
            ChannelKind::Slack | ChannelKind::Teams => {
                (None, keep(url).unwrap_or(SecretSource::None))
            }
        };
        let settings = Settings {
            host: self.host,
            port: self.port,
            tls: self.tls,
            roots: None,
            certificates: self.certificates,
            username: self.username,
            from: self.from,
            url: shown,
            allow_private: self.allow_private,
            timeout_seconds: self.timeout_seconds,
            secret: None,
            events: self.events,
            agent: None,
        };
        let whose = Whose { api: self.api, account: self.account };
        (self.name, self.kind, settings, secret, whose)
    }
}

/// Which channels, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichChannels {
    /// Only those of this API of yours and of its customers: its id or name.
    api: Option<String>,
    /// Only those of this customer of your API: its id or name.
    account: Option<String>,
    /// How many channels the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// The events that a webhook is to be told of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ChannelChange {
    /// Their names; all, if there are none.
    #[schema(max_items = 50, example = json!(["key.exposed", "key.overlap_ending"]))]
    events: Vec<String>,
}

/// List channels
///
/// By name. No secret is shown.
#[utoipa::path(get, path = "/v1/channels", tag = "channels", params(WhichChannels),
    responses((status = 200, body = ChannelList, description = "A page of channels"),
              (status = 404, body = Problem, description = "There is no such API or customer",
               content_type = "application/problem+json")),
    security(("token" = ["channels:read"]), ("customer_token" = ["notices:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichChannels>,
) -> Result<Tagged<ChannelList>, Refusal> {
    let whose = Whose { api: which.api, account: which.account };
    let all = channels::list(&inventory, &whose).await?;
    let (channels, next) =
        page::slice(all, which.limit, which.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(ChannelList { channels, next }))
}

/// Add a channel
///
/// The server will connect to it, so that only administrators may do this; and a customer's own token, which adds
/// webhooks of its own, at public addresses and ten at most. Nothing is sent yet. A signing secret that was made is in
/// this answer and nowhere else.
#[utoipa::path(post, path = "/v1/channels", tag = "channels", request_body = NewChannel,
    responses((status = 201, body = ChannelView, description = "The channel",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewChannel>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ChannelView>), Refusal> {
    new.check()?;
    let (name, kind, settings, secret, whose) = new.into_parts();
    let view = channels::add(&inventory, &name, kind, settings, secret, &whose).await?;
    let place = format!("/v1/channels/{}", view.id);
    // Without an ETag: that would be one of an answer which is not given again.
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(view)))
}

/// Read a channel
#[utoipa::path(get, path = "/v1/channels/{channel}", tag = "channels",
    params(("channel" = String, Path, description = "The id or the name")),
    responses((status = 200, body = ChannelView, description = "The channel")),
    security(("token" = ["channels:read"]), ("customer_token" = ["notices:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<ChannelView>, Refusal> {
    Ok(Tagged(channels::view(&inventory, &word).await?))
}

/// Say which events a webhook is told of
///
/// From now on: what waits for it goes out.
#[utoipa::path(patch, path = "/v1/channels/{channel}", tag = "channels", request_body = ChannelChange,
    params(("channel" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = ChannelView, description = "The channel as it is now")),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn subscribe(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<ChannelChange>,
) -> Result<Tagged<ChannelView>, Refusal> {
    let allows = |now: &ChannelView| version.check(now);
    Ok(Tagged(channels::subscribe(&inventory, &word, change.events, allows).await?))
}

/// Send a webhook a test
///
/// A signed event, `webhook.test`, at once and whether or not notices were started. How that went is in the
/// answer, and among the notices.
#[utoipa::path(post, path = "/v1/channels/{channel}/tests", tag = "channels",
    params(("channel" = String, Path, description = "The id or the name")),
    responses((status = 201, body = NoticeView, description = "The event, and how its delivery went")),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn test(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<(StatusCode, Json<NoticeView>), Refusal> {
    Ok((StatusCode::CREATED, Json(channels::test(&inventory, &word).await?)))
}

/// Remove a channel
///
/// With what waits for it and what it delivered.
#[utoipa::path(delete, path = "/v1/channels/{channel}", tag = "channels",
    params(("channel" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It is gone")),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    channels::remove(&inventory, &word, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A signing secret to sign with from now on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewSigningSecret {
    /// The secret (`whsec_…`), kept sealed; one is made if none is given, and shown in the answer
    /// alone.
    #[serde(default, deserialize_with = "crate::app::view::write_only::deserialize")]
    #[schema(value_type = Option<String>, write_only, max_length = 4096)]
    secret: Option<Secret>,
}

/// Give a webhook another signing secret
///
/// Both sign for a day, so that its receiver can learn the new one without a gap; after that, or when
/// the rotation is ended, the old one is forgotten. A secret that was made is in this answer and nowhere
/// else.
#[utoipa::path(post, path = "/v1/channels/{channel}/rotation", tag = "channels",
    request_body = NewSigningSecret,
    params(("channel" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 201, body = ChannelView, description = "The channel")),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn rotate(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(new): Body<NewSigningSecret>,
) -> Result<(StatusCode, Json<ChannelView>), Refusal> {
    if new.secret.as_ref().is_some_and(|secret| secret.expose().len() > MAX_SECRET) {
        return Err(Error::new(format!("`secret` has more than {MAX_SECRET} bytes")).into());
    }
    let secret = new.secret.map_or(SecretSource::Make, SecretSource::Keep);
    let allows = |now: &ChannelView| version.check(now);
    let view = channels::rotation::begin(&inventory, &word, secret, allows).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Forget the old signing secret of a webhook
///
/// From now on the new one signs alone.
#[utoipa::path(delete, path = "/v1/channels/{channel}/rotation", tag = "channels",
    params(("channel" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It is forgotten")),
    security(("token" = ["channels:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn end_rotation(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    channels::rotation::end(&inventory, &word, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}
