//! Channels.

use keytender_core::secret::Secret;
use reqwest::Method;
use serde_json::json;

use super::Desk;
use crate::app::channels::{self, SecretSource, Whose};
use crate::app::view::{ChannelList, ChannelView, NoticeView};
use crate::client::part;
use crate::error::Error;
use crate::store::channels::{ChannelKind, Settings};

/// A channel that somebody adds.
#[derive(Debug)]
pub(in crate::cli) struct NewChannel {
    pub(in crate::cli) name: String,
    pub(in crate::cli) kind: ChannelKind,
    /// Its settings; `roots` is a file here.
    pub(in crate::cli) settings: Settings,
    pub(in crate::cli) secret: SecretSource,
    pub(in crate::cli) whose: Whose,
}

/// A secret that is sent to a server: never a place of one.
///
/// # Errors
/// When it is a place.
pub(super) fn sent(secret: SecretSource) -> Result<Option<Secret>, Error> {
    match secret {
        SecretSource::Keep(secret) => Ok(Some(secret)),
        SecretSource::None | SecretSource::Make => Ok(None),
        SecretSource::Reference(_) => Err(Error::new(
            "a server takes no place of a secret: it would be one of its own machine",
        )
        .hint(
            "write `-` and give the secret itself on standard input, to be kept sealed; \
                       or do this where the server runs, with --database",
        )),
    }
}

/// The text of a file of certificates, which the server cannot read.
fn certificates(channel: &str, path: Option<&str>) -> Result<Option<String>, Error> {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|error| {
            let cause = Error::new(format!("could not read the certificates of {path}"));
            Error::new(format!("the channel `{channel}` cannot be used"))
                .source(cause.source(error).report())
        })
    };
    path.map(read).transpose()
}

impl Desk<'_> {
    /// The channels, by name: all, or those of an API or a customer.
    pub(in crate::cli) async fn list_channels(
        &self,
        whose: &Whose,
    ) -> Result<Vec<ChannelView>, Error> {
        match self {
            Self::Here(inventory) => channels::list(inventory, whose).await,
            Self::There(server) => {
                let things = |page: ChannelList| (page.channels, page.next);
                let named = [("api", &whose.api), ("account", &whose.account)];
                let query = named.iter().filter_map(|(name, word)| Some((*name, word.as_deref()?)));
                server.all("/v1/channels", &query.collect::<Vec<_>>(), things).await
            }
        }
    }

    /// Says which events a webhook is told of.
    pub(in crate::cli) async fn subscribe_channel(
        &self,
        word: &str,
        events: Vec<String>,
    ) -> Result<ChannelView, Error> {
        match self {
            Self::Here(inventory) => channels::subscribe(inventory, word, events, |_| Ok(())).await,
            Self::There(server) => {
                let place = format!("/v1/channels/{}", part(word));
                server.ask(Method::PATCH, &place, &json!({"events": events})).await
            }
        }
    }

    /// Sends a webhook a test; how that went.
    pub(in crate::cli) async fn test_channel(&self, word: &str) -> Result<NoticeView, Error> {
        match self {
            Self::Here(inventory) => channels::test(inventory, word).await,
            Self::There(server) => {
                let place = format!("/v1/channels/{}/tests", part(word));
                server.ask(Method::POST, &place, &json!({})).await
            }
        }
    }

    /// Adds a channel.
    pub(in crate::cli) async fn add_channel(&self, new: NewChannel) -> Result<ChannelView, Error> {
        let NewChannel { name, kind, settings, secret, whose } = new;
        match self {
            Self::Here(inventory) => {
                channels::add(inventory, &name, kind, settings, secret, &whose).await
            }
            Self::There(server) => {
                let secret = sent(secret)?;
                let secret = secret.as_ref().map(|secret| secret.expose());
                let (mut password, mut signing, mut url) = (None, None, settings.url.as_deref());
                match kind {
                    ChannelKind::Mail => password = secret,
                    ChannelKind::Webhook => signing = secret,
                    ChannelKind::Slack | ChannelKind::Teams => url = secret,
                }
                let body = json!({
                    "name": name,
                    "kind": kind,
                    "host": settings.host,
                    "port": settings.port,
                    "tls": settings.tls,
                    "username": settings.username,
                    "password": password,
                    "from": settings.from,
                    "timeout_seconds": settings.timeout_seconds,
                    "url": url,
                    "secret": signing,
                    "certificates": certificates(&name, settings.roots.as_deref())?,
                    "allow_private": settings.allow_private,
                    "api": whose.api,
                    "account": whose.account,
                    "events": settings.events,
                });
                server.ask(Method::POST, "/v1/channels", &body).await
            }
        }
    }

    /// Gives a webhook another signing secret; both sign for a day.
    pub(in crate::cli) async fn rotate_channel(
        &self,
        word: &str,
        secret: SecretSource,
    ) -> Result<ChannelView, Error> {
        match self {
            Self::Here(inventory) => {
                channels::rotation::begin(inventory, word, secret, |_| Ok(())).await
            }
            Self::There(server) => {
                let secret = sent(secret)?;
                let body = json!({"secret": secret.as_ref().map(|secret| secret.expose())});
                let place = format!("/v1/channels/{}/rotation", part(word));
                server.ask(Method::POST, &place, &body).await
            }
        }
    }

    /// Forgets the old signing secret of a webhook.
    pub(in crate::cli) async fn end_rotation(&self, word: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => channels::rotation::end(inventory, word, |_| Ok(())).await,
            Self::There(server) => {
                let place = format!("/v1/channels/{}/rotation", part(word));
                server.tell(Method::DELETE, &place, &()).await
            }
        }
    }

    /// Removes a channel, with what waits for it.
    pub(in crate::cli) async fn remove_channel(&self, word: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => channels::remove(inventory, word, |_| Ok(())).await,
            Self::There(server) => {
                let place = format!("/v1/channels/{}", part(word));
                server.tell(Method::DELETE, &place, &()).await
            }
        }
    }
}
