//! Notices: who is told what by which channel, once; and the delivery of what is to be told.
//!
//! A notice is first written into the outbox, in one transaction with what it tells, so that each
//! problem of a key is told once in each stage to each recipient. Then it is delivered: leased,
//! tried again with growing pauses, and dead after the last. An attempt that ends without an answer
//! is made again with the same message id, by which receivers drop repeats: nobody can know whether
//! the first arrived.

use keytender_core::id::ApiId;
use keytender_core::notice::{self, Item};
use keytender_core::time::Time;
use serde_json::{Map, Value};

use super::evaluate;
use super::inventory::{Inventory, cannot_read, cannot_write};
use super::turn::Turn;
use super::view::{PreviewItemView, PreviewNoticeView, PreviewView};
use crate::error::{Error, Kind};

mod deliver;
mod event;
mod happened;
pub mod of_api;
pub mod of_customer;
mod outbox;
pub mod pages;
mod plan;
mod settings;

pub use deliver::try_event;
pub use deliver::{Delivered, test};
pub(in crate::app) use happened::{first_used, tell, tell_events};
pub(in crate::app) use outbox::delivered;
pub use outbox::{Asked, list, send_again, view};
use plan::Outlet;
pub use plan::{Letter, Plan};
pub use settings::{Change, change, settings};

/// The setting that says since when notices go out.
pub(in crate::app) const STARTED: &str = "notices_started_at";
/// The setting that says when somebody last saw what would go out.
const PREVIEWED: &str = "notices_previewed_at";
/// The setting that holds the address for keys of which nobody else answers.
pub(in crate::app) const CONTACT: &str = "contact";

/// When mail may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// On weekdays from 09:00 to 17:00, where the recipient is.
    Working,
    /// At any time.
    Any,
}

/// Whether notices go out, and who hears of keys without an owner.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Since when.
    pub started_at: Option<Time>,
    /// When somebody last saw a preview.
    pub previewed_at: Option<Time>,
    /// The installation's contact.
    pub contact: Option<String>,
}

/// Whether notices go out.
///
/// # Errors
/// When the database does not answer.
pub async fn status(inventory: &Inventory) -> Result<Status, Error> {
    let store = &inventory.store;
    let time = |text: Option<String>| text.and_then(|text| Time::parse(&text).ok());
    Ok(Status {
        started_at: time(store.find_setting(STARTED).await.map_err(cannot_read)?),
        previewed_at: time(store.find_setting(PREVIEWED).await.map_err(cannot_read)?),
        contact: store
            .find_setting(CONTACT)
            .await
            .map_err(cannot_read)?
            .filter(|contact| !contact.is_empty()),
    })
}

/// What is to be told now, as the inventory stands now. Nothing is written into the outbox.
///
/// # Errors
/// When the database does not do its part.
pub async fn letters(inventory: &Inventory, hours: Hours, turn: &Turn) -> Result<Plan, Error> {
    let mut outlet = Outlet::Shown(Vec::new());
    evaluate::run_in(&inventory.store, inventory.now, turn).await?;
    let unheard =
        plan::plan(inventory, &status(inventory).await?, hours, turn, &mut outlet).await?;
    Ok(Plan { letters: outlet.into_letters(), unheard })
}

/// What is to be told now in the name of an API of ours: to its customers, and to whoever runs it. Nothing is
/// written into the outbox.
///
/// # Errors
/// When the database does not do its part.
pub async fn letters_of_api(
    inventory: &Inventory,
    api: ApiId,
    hours: Hours,
    turn: &Turn,
) -> Result<Plan, Error> {
    let mut outlet = Outlet::Shown(Vec::new());
    evaluate::run_in(&inventory.store, inventory.now, turn).await?;
    let unheard = plan::plan_api(inventory, api, hours, turn, &mut outlet).await?;
    Ok(Plan { letters: outlet.into_letters(), unheard })
}

/// Tells what is to be told now: puts it into the outbox, and delivers what waits there. `None` if
/// no notices were started, neither the installation's nor those of an API.
///
/// # Errors
/// When the database does not do its part; what channels refuse is counted.
pub async fn run(
    inventory: &Inventory,
    hours: Hours,
    turn: &Turn,
) -> Result<Option<Delivered>, Error> {
    let is_started = status(inventory).await?.started_at.is_some();
    let apis = inventory.store.telling_apis().await.map_err(cannot_read)?;
    if !is_started && apis.is_empty() {
        return Ok(None);
    }
    let outlet = &mut Outlet::Outbox(turn);
    evaluate::run_in(&inventory.store, inventory.now, turn).await?;
    let mut unheard = 0;
    if is_started {
        unheard = plan::plan(inventory, &status(inventory).await?, hours, turn, outlet).await?;
    }
    for api in apis {
        unheard += plan::plan_api(inventory, api, hours, turn, outlet).await?;
    }
    let delivered = deliver::deliver(inventory, is_started, turn).await?;
    Ok(Some(Delivered { unheard, ..delivered }))
}

/// The refusal of those who would send before notices were started.
pub fn not_started() -> Error {
    Error::new("notices were not started: nothing was sent")
        .kind(Kind::Conflict)
        .hint("keytender notify --dry-run shows what would go out; keytender notify start")
}

/// Shows whom notices would tell what, at any hour, and remembers that somebody saw it.
///
/// # Errors
/// When the database does not do its part.
pub async fn preview(inventory: &Inventory) -> Result<PreviewView, Error> {
    let Plan { letters, unheard } = letters(inventory, Hours::Any, &Turn::free()).await?;
    let channels = inventory.store.list_channels().await.map_err(cannot_read)?;
    let has_channel = channels.iter().any(|channel| channel.of.is_none());
    // Without a channel there was nothing to see.
    if has_channel {
        let now = inventory.now.to_string();
        inventory.store.put_setting(PREVIEWED, &now).await.map_err(cannot_write)?;
    }
    Ok(shown(&Plan { letters, unheard }, has_channel, inventory.now))
}

/// A plan as somebody sees it who previews it.
fn shown(plan: &Plan, has_channel: bool, now: Time) -> PreviewView {
    let notices = plan.letters.iter().map(|letter| would_go_out(letter, now)).collect();
    PreviewView { version: 1, notices, has_channel, unheard: plan.unheard }
}

/// What is known of a key, as webhooks are told it.
fn facts(item: &Item, now: Time) -> Map<String, Value> {
    let facts = item.facts(now).into_iter();
    facts
        .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), Value::String(value)))
        .collect()
}

fn would_go_out(letter: &Letter, now: Time) -> PreviewNoticeView {
    let items = letter.items.iter().map(|item| PreviewItemView {
        key: item.key_id.to_string(),
        problem: item.problem.to_string(),
        problem_at: item.problem_at,
        stage: item.stage.to_string(),
    });
    PreviewNoticeView {
        channel: letter.channel.name.clone(),
        kind: letter.channel.kind,
        who: letter.who.clone(),
        recipient: letter.notice.recipient.clone(),
        subject: letter.notice.subject.clone(),
        keys: u64::try_from(letter.digest.keys()).unwrap_or(u64::MAX),
        items: items.collect(),
        text: notice::text(&letter.digest, now),
    }
}
