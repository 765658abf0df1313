//! A letter: a digest for one recipient, or an event for a webhook, ready for the outbox.

use keytender_core::id::NoticeId;
use keytender_core::notice::{self, Digest, Footer};
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::{Letter, Part, Planner, Recipient};
use crate::app::inventory::cannot_write;
use crate::app::notify::facts;
use crate::error::Error;
use crate::notify::chat::{self, Chat};
use crate::store::channels::{Channel, ChannelKind};
use crate::store::notices::{Notice, NoticeItem, NoticeState};
use crate::store::{self};

/// What this installation is called in notices: without a server it has no name.
const INSTALLATION: &str = "";

impl Planner<'_> {
    pub(super) fn letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        parts: Vec<Part>,
    ) -> Result<Letter, Error> {
        let event = parts.first().and_then(|part| self.event(part));
        let (mut items, mut shown) = (Vec::new(), Vec::new());
        for part in parts {
            items.extend(part.problems.into_iter().map(|problem| problem.item));
            shown.push(part.item);
        }
        let footer = Footer {
            report: Some("keytender report".to_owned()),
            thresholds: Some("keytender policy show".to_owned()),
        };
        let digest = Digest::new(&recipient.name, INSTALLATION, shown, footer);
        let content = match channel.kind {
            ChannelKind::Mail => mail(&digest, recipient, &items, self.now),
            ChannelKind::Webhook => event.unwrap_or_default(),
            ChannelKind::Slack => chat::message(Chat::Slack, &digest, self.now),
            ChannelKind::Teams => chat::message(Chat::Teams, &digest, self.now),
        };
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
                "stage": problem.item.stage,
                "act_by": item.act_by(),
                "reasons": item.reasons(),
                "facts": facts(item, self.now),
            },
        }))
    }
}

fn mail(digest: &Digest, recipient: &Recipient, items: &[NoticeItem], now: Time) -> Value {
    let keys: Vec<String> = items.iter().map(|item| item.key_id.to_string()).collect();
    json!({
        "to_name": recipient.name,
        "text": notice::text(digest, now),
        "html": crate::notify::html(digest, now),
        "keys": keys,
    })
}
