//! A letter: a digest for one recipient, or an event for a webhook, ready for the outbox.

use keytender_core::id::NoticeId;
use keytender_core::notice::{self, Digest, Footer};
use serde_json::{Value, json};

use super::customers::Customers;
use super::{Letter, Part, Planner, Recipient};
use crate::app::inventory::cannot_write;
use crate::app::notify::deliver::MAX_THREADS;
use crate::app::notify::facts;
use crate::error::Error;
use crate::notify::chat::{self, Chat};
use crate::notify::webhook::EventKind;
use crate::store::channels::{Channel, ChannelKind};
use crate::store::notices::{Notice, NoticeItem};
use crate::store::{self};

/// What this installation is called in notices: without a server it has no name.
const INSTALLATION: &str = "";

impl Planner<'_> {
    /// An event for a webhook, about one problem of a key.
    pub(super) fn event_letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        part: Part<'_>,
    ) -> Result<Letter, Error> {
        let content = match &self.customers {
            Some(customers) => customers.event(&part, self.kind_of(&part), self.policy, self.now),
            None => self.event(&part),
        };
        let content = content.unwrap_or_default();
        let subject = self
            .customers
            .as_ref()
            .map(|customers| customers.event_subject(part.held, self.kind_of(&part)));
        let items = part.problems.into_iter().map(|problem| problem.item).collect();
        let mut digest = self.begin(recipient);
        digest.add(part.item);
        let mut letter = self.letter(channel, recipient, digest, items, &content)?;
        letter.notice.subject = subject.unwrap_or(letter.notice.subject);
        Ok(letter)
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
            ChannelKind::Mail => self.mail(&digest, recipient, &items),
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
        let id = NoticeId::from_random(store::random().map_err(cannot_write)?);
        let (to, subject) = (recipient.address.clone(), notice::subject(&digest, self.now));
        let mut notice = Notice::new(id, channel.id, to, subject, content.to_string(), self.now);
        notice.api_id = self.customers.as_ref().map(|customers| customers.api.id);
        notice.account_id = recipient.account;
        Ok(Letter { channel: channel.clone(), who: recipient.name.clone(), digest, notice, items })
    }

    /// A digest without keys yet.
    pub(super) fn begin(&self, recipient: &Recipient) -> Digest {
        match &self.customers {
            Some(customers) => customers.begin(recipient),
            None => Digest::new(&recipient.name, INSTALLATION, [], footer()),
        }
    }

    fn mail(&self, digest: &Digest, recipient: &Recipient, items: &[NoticeItem]) -> Value {
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
        let sender = self.customers.as_ref().map(Customers::sender);
        json!({
            "to_name": recipient.name,
            "text": notice::text(digest, self.now),
            "html": crate::notify::html(digest, self.now),
            "keys": keys,
            "sender": sender.unwrap_or_default(),
            "unsubscribe": digest.no_hints(),
        })
    }

    /// The event that tells a webhook of a part.
    pub(super) fn kind_of(&self, part: &Part<'_>) -> EventKind {
        part.problems.first().map_or(EventKind::Aged, |problem| self.kind(problem))
    }

    /// What a webhook is told of one problem.
    fn event(&self, part: &Part<'_>) -> Option<Value> {
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

fn footer() -> Footer {
    Footer {
        report: Some("keytender report".to_owned()),
        thresholds: Some("keytender policy show".to_owned()),
    }
}
