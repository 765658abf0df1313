//! Delivers what waits in the outbox.

use std::collections::HashMap;

use keytender_core::id::ChannelId;
use keytender_core::time::{Span, Time};
use serde::Deserialize;
use serde_json::Value;

use super::pages;
use crate::app::channels::Opened;
use crate::app::inventory::{Inventory, cannot_read, cannot_write, commit};
use crate::app::turn::Turn;
use crate::clock;
use crate::error::{Error, Kind};
use crate::notify::mail::{Message, Sender};
use crate::notify::webhook::{self, Event, EventKind};
use crate::notify::{Accepted, Failed, Step, Verdict, Why, chat};
use crate::store::channels::{Channel, ChannelKind};
use crate::store::notices::{Notice, NoticeState};

/// How many notices are looked for at once.
const NOTICES_AT_ONCE: i64 = 100;
/// How long an attempt has a notice for itself: longer than its channel's time limits together.
const LEASE: Span = Span::from_micros(300_000_000);
/// The pause after the first attempt; each further one is twice as long.
const FIRST_PAUSE_SECONDS: i64 = 60;
/// The longest pause.
const LONGEST_PAUSE_SECONDS: i64 = 6 * 3_600;
/// After so many attempts, which take some two days, a notice is dead.
const MAX_ATTEMPTS: u32 = 14;
/// How many keys a mail names as its threads.
pub(super) const MAX_THREADS: usize = 20;

/// What a delivery came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Taken by their channel.
    pub sent: u64,
    /// To be tried again.
    pub delayed: u64,
    /// Given up.
    pub dead: u64,
    /// How many due keys nobody gets a mail about: they have no owner and no contact.
    pub unheard: u64,
}

/// Delivers every waiting notice whose time has come, each at most once, as long as it is our turn: those of
/// the installation if its notices were started, and those of each API whose were.
///
/// # Errors
/// When the database does not do its part; what channels refuse is counted.
pub(super) async fn deliver(
    inventory: &Inventory,
    is_started: bool,
    turn: &Turn,
) -> Result<Delivered, Error> {
    inventory.store.forget_old_secrets(inventory.now).await.map_err(cannot_write)?;
    let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    let channels: HashMap<ChannelId, Channel> =
        channels.into_iter().map(|channel| (channel.id, channel)).collect();
    let mut opened: HashMap<ChannelId, Result<Opened, String>> = HashMap::new();
    let mut delivered = Delivered::default();
    let begun = clock::now().max(inventory.now);
    loop {
        let waiting = inventory.store.due_notices(is_started, begun, NOTICES_AT_ONCE).await;
        let waiting = waiting.map_err(cannot_read)?;
        if waiting.is_empty() {
            return Ok(delivered);
        }
        for notice in waiting {
            if turn.is_over() {
                return Ok(delivered);
            }
            let Some(channel) = channels.get(&notice.channel_id) else { continue };
            if let std::collections::hash_map::Entry::Vacant(place) = opened.entry(channel.id) {
                place
                    .insert(Opened::open(inventory, channel).await.map_err(|error| error.report()));
            }
            let ready = opened.get(&channel.id);
            if take(inventory, &notice, begun, turn).await? {
                attempt(inventory, &notice, channel, ready, begun, MAX_ATTEMPTS, &mut delivered)
                    .await?;
            }
        }
    }
}

/// Takes the notice for one attempt; false if somebody else has it.
async fn take(
    inventory: &Inventory,
    notice: &Notice,
    begun: Time,
    turn: &Turn,
) -> Result<bool, Error> {
    let now = clock::now().max(begun);
    let mut tx = inventory.begin().await?;
    let is_ours = tx.lease_notice(notice.id, now, now.plus(LEASE)).await.map_err(cannot_write)?;
    turn.commit(tx).await.map_err(cannot_write)?;
    Ok(is_ours)
}

/// One attempt of `max_attempts` at a notice that we took: hands it over, and writes how that ended.
async fn attempt(
    inventory: &Inventory,
    notice: &Notice,
    channel: &Channel,
    opened: Option<&Result<Opened, String>>,
    begun: Time,
    max_attempts: u32,
    delivered: &mut Delivered,
) -> Result<(), Error> {
    let now = clock::now().max(begun);
    let end = match opened {
        Some(Ok(opened)) => match pages::filled(inventory, notice).await {
            Ok(filled) => match hand_over(opened, channel, &filled, now).await {
                Ok(_) => End::Sent,
                Err(failed) => End::of(&failed, notice.attempts + 1),
            },
            Err(error) => End::Later(error.explanation(), None),
        },
        Some(Err(why)) => End::Later(why.clone(), None),
        None => End::Later("the channel is not open".to_owned(), None),
    };
    let now = clock::now().max(begun);
    // Never before this run is over: it would meet the notice again.
    let next = |pause: i64| now.plus(Span::from_micros(pause.saturating_mul(1_000_000)));
    let mut tx = inventory.begin().await?;
    let id = notice.id;
    let written = match &end {
        End::Sent => {
            delivered.sent += 1;
            tx.end_attempt(id, NoticeState::Sent, notice.send_at, Some(now), None).await
        }
        End::Later(why, _) if notice.attempts + 1 >= max_attempts => {
            delivered.dead += 1;
            tx.end_attempt(id, NoticeState::Dead, notice.send_at, None, Some(why)).await
        }
        End::Later(why, asked) => {
            delivered.delayed += 1;
            let pause = pause(notice.attempts, *asked, id.as_i64());
            tx.end_attempt(id, NoticeState::Waiting, next(pause), None, Some(why)).await
        }
        End::Never(why) => {
            delivered.dead += 1;
            tx.end_attempt(id, NoticeState::Dead, notice.send_at, None, Some(why)).await
        }
    };
    written.map_err(cannot_write)?;
    commit(tx).await
}

/// How an attempt ended.
enum End {
    Sent,
    /// Why, and how many seconds the server asks to be left alone.
    Later(String, Option<u32>),
    Never(String),
}

impl End {
    fn of(failed: &Failed, attempt: u32) -> Self {
        let why = format!("{failed} (attempt {attempt})");
        // A server that does not let us in says nothing of the recipient: somebody may set it right.
        let is_ours =
            matches!(failed.step, Step::Connect | Step::Tls | Step::SignIn | Step::Sender);
        match failed.verdict {
            Verdict::Permanent if !is_ours => Self::Never(why),
            _ => Self::Later(why, failed.retry_after_seconds),
        }
    }
}

/// Seconds until the next attempt: twice as long each time, and up to a quarter more, so that many
/// notices do not come back at once.
fn pause(attempts: u32, asked: Option<u32>, seed: i64) -> i64 {
    let factor = 1_i64.checked_shl(attempts.min(20)).unwrap_or(i64::MAX);
    let pause = FIRST_PAUSE_SECONDS.saturating_mul(factor).min(LONGEST_PAUSE_SECONDS);
    let spread = seed.rem_euclid(pause / 4 + 1);
    (pause + spread).max(asked.map_or(0, i64::from))
}

/// The content of a mail in the outbox.
#[derive(Deserialize)]
struct Mail {
    to_name: Option<String>,
    text: String,
    html: String,
    keys: Vec<String>,
    #[serde(default)]
    sender: Sender,
    unsubscribe: Option<String>,
}

/// The content of a webhook in the outbox.
#[derive(Deserialize)]
struct Hook {
    r#type: String,
    data: Value,
}

async fn hand_over(
    opened: &Opened,
    channel: &Channel,
    notice: &Notice,
    now: Time,
) -> Result<Accepted, Failed> {
    let not_writable = || Failed {
        verdict: Verdict::Permanent,
        step: Step::Message,
        why: Why::NotWritable,
        retry_after_seconds: None,
    };
    match opened {
        Opened::Mail(mailer) => {
            let mail: Mail = serde_json::from_str(&notice.content).map_err(|_| not_writable())?;
            let mut keys = mail.keys;
            keys.dedup();
            let threads = keys.iter().take(MAX_THREADS).map(|key| mailer.id(key)).collect();
            let to_name = mail.to_name.filter(|name| *name != notice.recipient);
            let message = Message {
                to: notice.recipient.clone(),
                to_name,
                subject: notice.subject.clone(),
                text: mail.text,
                html: mail.html,
                message_id: mailer.id(&notice.id.to_string()),
                references: threads,
                date: notice.created_at,
                sender: mail.sender,
                unsubscribe: mail.unsubscribe,
            };
            mailer.send(&message).await
        }
        Opened::Webhook(hooks, endpoint) => {
            let hook: Hook = serde_json::from_str(&notice.content).map_err(|_| not_writable())?;
            let kind = EventKind::parse(&hook.r#type).ok_or_else(not_writable)?;
            let id = notice.id.to_string();
            let event = Event { id, kind, at: notice.created_at, data: hook.data };
            webhook::send(hooks, endpoint, &event, now).await
        }
        Opened::Chat(hooks, url) => {
            debug_assert!(matches!(channel.kind, ChannelKind::Slack | ChannelKind::Teams));
            let message: Value =
                serde_json::from_str(&notice.content).map_err(|_| not_writable())?;
            chat::send(hooks, url, &message).await
        }
    }
}

/// Makes the one attempt at a notice at once, whether or not notices were started.
///
/// # Errors
/// When the database does not do its part; what the channel refuses is in the notice.
pub async fn try_event(
    inventory: &Inventory,
    channel: &Channel,
    notice: &Notice,
) -> Result<(), Error> {
    let turn = Turn::free();
    let opened = Opened::open(inventory, channel).await.map_err(|error| error.report());
    if take(inventory, notice, inventory.now, &turn).await? {
        let mut delivered = Delivered::default();
        attempt(inventory, notice, channel, Some(&opened), inventory.now, 1, &mut delivered)
            .await?;
    }
    Ok(())
}

/// Sends a mail to one address at once, to see whether the mail server takes it.
///
/// # Errors
/// When there is no mail channel, or it does not take the mail.
pub async fn test(inventory: &Inventory, address: &str) -> Result<(), Error> {
    if !keytender_core::owner::is_address(address) {
        return Err(Error::new("this is no mail address").hint("such as you@example.com"));
    }
    let all = inventory.store.list_channels().await.map_err(cannot_read)?;
    let is_ours = |channel: &Channel| channel.kind == ChannelKind::Mail && channel.of.is_none();
    let channel = all.into_iter().find(is_ours);
    let channel = channel.ok_or_else(|| {
        Error::new("there is no mail server")
            .hint("add one: keytender channels add mail --host HOST --from ADDRESS")
    })?;
    let Opened::Mail(mailer) = Opened::open(inventory, &channel).await? else {
        return Err(Error::new("the channel is no mail server"));
    };
    let number = crate::store::random().map_err(cannot_write)?;
    let text = "This is a test: notices of Keytender reach you.\n\nNothing is to be done.\n";
    let message = Message {
        to: address.to_owned(),
        to_name: None,
        subject: "A test of Keytender's notices".to_owned(),
        text: text.to_owned(),
        html: "<p>This is a test: notices of Keytender reach you.</p><p>Nothing is to be done.</p>"
            .to_owned(),
        message_id: mailer.id(&format!("test-{number:016x}")),
        references: Vec::new(),
        date: inventory.now,
        sender: Sender::default(),
        unsubscribe: None,
    };
    mailer.send(&message).await.map(drop).map_err(|failed| {
        Error::new(format!("the test was not delivered by `{}`", channel.name))
            .kind(Kind::Provider)
            .source(failed)
    })
}
