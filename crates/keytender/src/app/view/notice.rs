//! Notices, in JSON: what was told, what would be told, and whether anything is.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::notify::Delivered;
use crate::store::apis::{Api, Standing};
use crate::store::channels::{Channel, ChannelKind};
use crate::store::notices::{Notice, NoticeState};

/// When a customer of an API of ours is told of its keys, and at which address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomerNoticesView {
    /// The id of the customer's account.
    #[schema(example = "acc_0dj2c8xk3v9q4")]
    pub account: String,
    /// The mail address that is written to; null: none is.
    #[schema(example = "dev@globex.example")]
    pub contact: Option<String>,
    /// Whether notices go out at all: whoever runs the API says so.
    pub started: bool,
    /// At which ages, in days.
    pub age_days: Vec<u32>,
    /// How many days before a key ends.
    pub expiry_days: Vec<u32>,
    /// After how many days without a use.
    pub unused_days: Vec<u32>,
}

/// What somebody is told about keys, and how its delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeView {
    /// The id.
    #[schema(example = "not_0dj2c8xk3v9q4")]
    pub id: String,
    /// By which channel, by its name.
    pub channel: String,
    /// What kind of channel that is; null of one that is gone.
    #[serde(default)]
    pub kind: Option<ChannelKind>,
    /// To whom: an address, or the channel's name.
    pub recipient: String,
    /// What it is about.
    pub subject: String,
    /// How its delivery stands.
    pub state: NoticeState,
    /// When it was written.
    pub created_at: Time,
    /// When it is to be tried next, of one that waits.
    pub send_at: Time,
    /// When the channel took it.
    pub sent_at: Option<Time>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What it says, if it has words; only where one notice is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it says, if it is for programs; only where one notice is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub content: Option<Value>,
}

impl NoticeView {
    /// The view of a notice, without what it says.
    pub fn of(notice: &Notice, channel: Option<&Channel>) -> Self {
        Self {
            id: notice.id.to_string(),
            channel: channel.map(|channel| channel.name.clone()).unwrap_or_default(),
            kind: channel.map(|channel| channel.kind),
            recipient: notice.recipient.clone(),
            subject: notice.subject.clone(),
            state: notice.state,
            created_at: notice.created_at,
            send_at: notice.send_at,
            sent_at: notice.sent_at,
            attempts: notice.attempts,
            error: notice.error.clone(),
            text: None,
            content: None,
        }
    }

    /// The same with what it says.
    #[must_use]
    pub fn with_content(mut self, notice: &Notice) -> Self {
        let content: Value = serde_json::from_str(&notice.content).unwrap_or_default();
        self.text = content.get("text").and_then(Value::as_str).map(str::to_owned);
        self.content = Some(content).filter(|_| self.text.is_none());
        self
    }
}

/// A page of notices.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoticeList {
    /// The notices, newest first.
    pub notices: Vec<NoticeView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Whether notices go out, and who hears of keys of which nobody else answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeSettingsView {
    /// Whether notices go out.
    pub started: bool,
    /// Since when.
    pub started_at: Option<Time>,
    /// When somebody last saw what would go out; before that, nothing does.
    pub previewed_at: Option<Time>,
    /// The mail address that hears of keys without an owner, where their account has no contact.
    pub contact: Option<String>,
}

/// One problem of a key that a notice would tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewItemView {
    /// The key's id.
    pub key: String,
    /// Which problem: a rule's id, or `expiry`.
    pub problem: String,
    /// The moment of the problem.
    pub problem_at: Time,
    /// The stage: each problem is told once in each.
    pub stage: String,
}

/// A notice that would go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewNoticeView {
    /// By which channel, by its name.
    pub channel: String,
    /// What kind of channel that is.
    pub kind: ChannelKind,
    /// To whom, for people: an owner's name or the channel's.
    pub who: String,
    /// To whom: an address, or the channel's name.
    pub recipient: String,
    /// What it is about.
    pub subject: String,
    /// How many keys it tells of.
    pub keys: u64,
    /// What it tells.
    pub items: Vec<PreviewItemView>,
    /// Its words.
    pub text: String,
}

/// Whom notices would tell what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewView {
    /// The version of this document: 1.
    pub version: u32,
    /// The notices.
    pub notices: Vec<PreviewNoticeView>,
    /// Whether there is any channel by which they could go out.
    pub has_channel: bool,
    /// How many due keys nobody would get a mail about: they have no owner and no contact.
    #[serde(default)]
    pub unheard: u64,
}

/// What a delivery came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveredView {
    /// How many notices their channel took.
    pub sent: u64,
    /// How many are to be tried again.
    pub delayed: u64,
    /// How many were given up.
    pub dead: u64,
    /// How many due keys nobody gets a mail about: they have no owner and no contact.
    #[serde(default)]
    pub unheard: u64,
}

impl From<Delivered> for DeliveredView {
    fn from(Delivered { sent, delayed, dead, unheard }: Delivered) -> Self {
        Self { sent, delayed, dead, unheard }
    }
}

/// Whether the customers of an API are told of their keys, and in whose name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiNoticesView {
    /// The API, by its name.
    #[schema(example = "acme")]
    pub api: String,
    /// The name that mail is written in: what people call the API.
    pub name: String,
    /// Whether notices go out.
    pub started: bool,
    /// Since when.
    pub started_at: Option<Time>,
    /// When somebody last saw what would go out; before that, nothing does.
    pub previewed_at: Option<Time>,
    /// The address that mail comes from; null: the mail server's own.
    pub from: Option<String>,
    /// The address that answers go to; null: the one that mail comes from.
    pub reply_to: Option<String>,
    /// The page on which customers see to their keys.
    pub keys_page: Option<String>,
    /// Where customers find help, as on the key page: a page, or a mail address.
    pub support: Option<String>,
}

impl ApiNoticesView {
    /// The view of how the notices of an API stand.
    pub fn of(api: &Api, standing: &Standing) -> Self {
        let voice = standing.voice.clone();
        Self {
            api: api.name.clone(),
            name: api.called().to_owned(),
            started: standing.started_at.is_some(),
            started_at: standing.started_at,
            previewed_at: standing.previewed_at,
            from: voice.from,
            reply_to: voice.reply_to,
            keys_page: voice.keys_page,
            support: api.settings.portal.support.clone(),
        }
    }
}
