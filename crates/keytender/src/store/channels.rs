//! Channels: the ways by which notices go out.

use keytender_core::id::{AccountId, ApiId, ChannelId};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{json, parsed};
use super::db::{Cells, Tx};
use super::{Failure, Result, Store};

/// What kind of way it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// A mail server.
    Mail,
    /// A receiver of Standard Webhooks.
    Webhook,
    /// A channel of Slack, or of what understands its messages.
    Slack,
    /// A channel of Microsoft Teams.
    Teams,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Mail, Self::Webhook, Self::Slack, Self::Teams];

    /// The word on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }

    fn parse(word: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| Failure::Corrupt(format!("channel kind `{word}`")))
    }
}

/// What is known of a channel that is no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How its connection is made secret: `starttls`, `implicit` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// A file with further certificates to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<String>,
    /// Further certificates to trust, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// The user name at the mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The URL of a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether it may be in a private network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// How many seconds one answer may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Where its secret is: a password, a signing secret, or a chat's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The events that a webhook is told of, by their names; all, if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// What a webhook is told is the program that sends; this one, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Whose channel it is, where it is one of an API of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfApi {
    /// Of which API.
    pub api_id: ApiId,
    /// Of which customer; of whoever runs the API, if of none.
    pub account_id: Option<AccountId>,
}

/// A way by which notices go out.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Our id.
    pub id: ChannelId,
    /// Whose it is; this installation's, if of no API.
    pub of: Option<OfApi>,
    /// What people call it.
    pub name: String,
    /// What kind it is.
    pub kind: ChannelKind,
    /// What is known of it.
    pub settings: Settings,
    /// Its secret, where we were asked to keep it, sealed to its id.
    pub sealed: Option<String>,
    /// The secret before it, while that signs too.
    pub old: Option<OldSecret>,
    /// Since when it is known.
    pub created_at: Time,
}

impl Channel {
    /// Whether it is told of events of this name.
    pub fn wants(&self, event: &str) -> bool {
        let events = &self.settings.events;
        events.is_empty() || events.iter().any(|one| one == event)
    }

    /// Whether it is told of keys of this account, of a customer of this API if it is one.
    pub fn hears_of(&self, api: Option<ApiId>, account: AccountId) -> bool {
        match self.of {
            None => true,
            Some(of) => api == Some(of.api_id) && of.account_id.is_none_or(|id| id == account),
        }
    }
}

/// A secret that was exchanged, and signs until its receivers know the new one.
#[derive(Clone, Debug)]
pub struct OldSecret {
    /// The secret, where we keep it, sealed to the channel's id.
    pub sealed: Option<String>,
    /// Where it is, where we do not.
    pub place: Option<String>,
    /// From this moment on it signs nothing.
    pub until: Time,
}

impl Tx {
    /// Adds a channel.
    ///
    /// # Errors
    /// [`Failure::Exists`] if there is one of its name.
    pub async fn insert_channel(&mut self, channel: &Channel) -> Result<()> {
        let sql = "INSERT INTO channels (tenant_id, id, name, kind, settings, sealed, created_at, \
                   api_id, account_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = vec![
            self.tenant().into(),
            channel.id.as_i64().into(),
            channel.name.as_str().into(),
            channel.kind.as_str().into(),
            json(&channel.settings)?.into(),
            channel.sealed.as_deref().into(),
            channel.created_at.into(),
            channel.of.map(|of| of.api_id.as_i64()).into(),
            channel.of.and_then(|of| of.account_id).map(AccountId::as_i64).into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Writes the settings of a channel, and which secrets it has.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_channel(&mut self, channel: &Channel) -> Result<()> {
        let sql = "UPDATE channels SET settings = $3, sealed = $4, old_sealed = $5, \
                   old_place = $6, old_until = $7 WHERE tenant_id = $1 AND id = $2";
        let old = channel.old.as_ref();
        let values = vec![
            self.tenant().into(),
            channel.id.as_i64().into(),
            json(&channel.settings)?.into(),
            channel.sealed.as_deref().into(),
            old.and_then(|old| old.sealed.as_deref()).into(),
            old.and_then(|old| old.place.as_deref()).into(),
            old.map(|old| old.until).into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes a channel away, with what it was to deliver and has delivered.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_channel(&mut self, id: ChannelId) -> Result<()> {
        for sql in [
            "DELETE FROM notice_items WHERE tenant_id = $1 AND channel_id = $2",
            "DELETE FROM notices WHERE tenant_id = $1 AND channel_id = $2",
            "DELETE FROM channels WHERE tenant_id = $1 AND id = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Forgets the old secrets that sign nothing from `now` on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_old_secrets(&self, now: Time) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        let sql = "UPDATE channels SET old_sealed = NULL, old_place = NULL, old_until = NULL \
                   WHERE tenant_id = $1 AND old_until <= $2";
        let count = tx.execute(sql, vec![self.tenant().into(), now.into()]).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Every channel, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_channels(&self) -> Result<Vec<Channel>> {
        let sql =
            format!("SELECT {COLUMNS} FROM channels c WHERE c.tenant_id = $1 ORDER BY c.name");
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| channel(row.cells())).collect()
    }
}

pub(super) const COLUMNS: &str = "c.id, c.name, c.kind, c.settings, c.sealed, c.old_sealed, c.old_place, c.old_until, \
                       c.created_at, c.api_id, c.account_id";

pub(super) fn channel(mut cells: Cells<'_>) -> Result<Channel> {
    Ok(Channel {
        id: ChannelId::from_i64(cells.int()?),
        name: cells.text()?,
        kind: ChannelKind::parse(&cells.text()?)?,
        settings: parsed(&cells.text()?, "settings of a channel")?,
        sealed: cells.maybe_text()?,
        old: {
            let (sealed, place) = (cells.maybe_text()?, cells.maybe_text()?);
            cells.maybe_time()?.map(|until| OldSecret { sealed, place, until })
        },
        created_at: cells.time()?,
        of: {
            let (api, account) = (cells.maybe_int()?, cells.maybe_int()?);
            let account_id = account.map(AccountId::from_i64);
            api.map(|api| OfApi { api_id: ApiId::from_i64(api), account_id })
        },
    })
}
