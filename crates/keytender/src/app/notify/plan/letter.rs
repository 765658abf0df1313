//! A letter: a digest for one recipient, or an event for a webhook, ready for the outbox.

use keytender_core::id::NoticeId;
use keytender_core::notice::{self, Digest, Footer};
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::{Letter, Part, Planner, Recipient};
use crate::app::inventory::cannot_write;
use crate::app::notify::deliver::MAX_THREADS;
use crate::app::notify::facts;
use crate::error::Error;
use crate::notify::chat::{self, Chat};
use crate::store::channels::{Channel, ChannelKind};
use crate::store::notices::{Notice, NoticeItem, NoticeState};
use crate::store::{self};

/// What this installation is called in notices: without a server it has no name.
const INSTALLATION: &str = "";

impl Planner<'_> {
    /// An event for a webhook, about one problem of a key.
    pub(super) fn event_letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        part: Part,
    ) -> Result<Letter, Error> {
        let content = self.event(&part).unwrap_or_default();
        let items = part.problems.into_iter().map(|problem| problem.item).collect();
        let digest = Digest::new(&recipient.name, INSTALLATION, [part.item], footer());
        self.letter(channel, recipient, digest, items, &content)
    }

    /// A digest for people.
    pub(super) fn digest_letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        digest: Digest,
        items: Vec<NoticeItem>,
    ) -> Result<Letter, Error> {
        let content = match channel.kind {
            ChannelKind::Mail => mail(&digest, recipient, &items, self.now),
            ChannelKind::Slack => chat::message(Chat::Slack, &digest, self.now),
            ChannelKind::Teams => chat::message(Chat::Teams, &digest, self.now),
            ChannelKind::Webhook => Value::Null,
        };
        self.letter(channel, recipient, digest, items, &content)
    }

    fn letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        digest: Digest,
        items: Vec<NoticeItem>,
        content: &Value,
    ) -> Result<Letter, Error> {
        let notice = Notice {
            id: NoticeId::from_random(store::random().map_err(cannot_write)?),
            channel_id: channel.id,
            recipient: recipient.address.clone(),
            subject: notice::subject(&digest, self.now),
            content: content.to_string(),
            state: NoticeState::Waiting,
            created_at: self.now,
            send_at: self.now,
            attempts: 0,
            sent_at: None,
            error: None,
        };
        Ok(Letter { channel: channel.clone(), who: recipient.name.clone(), digest, notice, items })
    }

    /// What a webhook is told of one problem.
    fn event(&self, part: &Part) -> Option<Value> {
        let (problem, item) = (part.problems.first()?, &part.item);
        let rules = problem.rules.iter().filter_map(|index| self.policy.rules().get(*index));
        Some(json!({
            "type": self.kind(problem).as_str(),
            "data": {
                "key": problem.item.key_id.to_string(),
                "rules": rules.map(|rule| rule.id.as_str()).collect::<Vec<_>>(),
                "action": item.action().as_str(),
                "severity": item.severity().as_str(),
                "stage": &*problem.item.stage,
                "act_by": item.act_by(),
                "reasons": item.reasons(),
                "facts": facts(item, self.now),
            },
        }))
    }
}

/// A digest without keys yet.
pub(super) fn begin(recipient: &Recipient) -> Digest {
    Digest::new(&recipient.name, INSTALLATION, [], footer())
}

fn footer() -> Footer {
    Footer {
        report: Some("keytender report".to_owned()),
        thresholds: Some("keytender policy show".to_owned()),
    }
}

fn mail(digest: &Digest, recipient: &Recipient, items: &[NoticeItem], now: Time) -> Value {
    // Those that the mail names as its threads.
    let mut keys: Vec<String> = Vec::new();
    for item in items {
        let key = item.key_id.to_string();
        if keys.last() != Some(&key) {
            keys.push(key);
        }
        if keys.len() == MAX_THREADS {
            break;
        }
    }
    json!({
        "to_name": recipient.name,
        "text": notice::text(digest, now),
        "html": crate::notify::html(digest, now),
        "keys": keys,
    })
}
