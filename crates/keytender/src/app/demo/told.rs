//! What people say of keys in the demonstration, and what owners were told by it.

use keytender_core::id::{ChannelId, NoticeId};
use keytender_core::time::{Span, Time};
use serde_json::json;

use super::chance::Chance;
use super::history::log;
use super::life::{Saying, What};
use super::world::days;
use crate::app::inventory::{Inventory, cannot_write, commit};
use crate::app::notify::{self, Hours, Letter};
use crate::app::turn::Turn;
use crate::error::Error;
use crate::store::acts::Stage;
use crate::store::channels::{Channel, ChannelKind, Settings};
use crate::store::keys::{Keep, Told};
use crate::store::notices::NoticeState;
use crate::store::owners::{Owner, OwnerClaim};

/// For how many days owners were told something, up to a day before now.
const DAYS: i64 = 34;
/// The day before the end on which nothing was told any more.
const LAST_DAY: i64 = 1;
/// Whose mailbox is no longer there.
const GONE: &str = "lena@example.com";
/// What a mail server says of a mailbox that is not there.
const REFUSED: &str = "the mail server refused it: 550 5.1.1 there is no such mailbox";

/// What a saying writes, and whether the key is kept by it.
pub(super) fn told(saying: &Saying, owners: &[(Owner, Vec<OwnerClaim>)]) -> Option<(Told, bool)> {
    Some(match saying.what {
        What::Exposed => (Told::Exposed(Some(saying.at)), false),
        What::WhereUsed(place) => (Told::WhereUsed(Some(place.to_owned())), false),
        What::Owner(name) => {
            let (owner, _) = owners.iter().find(|(owner, _)| owner.name == name)?;
            (Told::Owner(Some(owner.id)), false)
        }
        What::Keep(until) => {
            let (reason, by) = (saying.why.to_owned(), saying.by.to_owned());
            (Told::Keep(Some(Keep { until, reason, by })), true)
        }
    })
}

/// The channel of the demonstration. It leads to this machine's port 9, which discards: whoever starts
/// notices learns that nothing takes them.
pub(super) fn channel(chance: &mut Chance, now: Time) -> Channel {
    Channel {
        id: ChannelId::from_random(chance.bits()),
        of: None,
        name: "mail".to_owned(),
        kind: ChannelKind::Mail,
        settings: Settings {
            host: Some("127.0.0.1".to_owned()),
            port: Some(9),
            tls: Some("none".to_owned()),
            from: Some("keytender@example.com".to_owned()),
            ..Settings::default()
        },
        sealed: None,
        old: None,
        created_at: now.minus(days(DAYS + 1)),
    }
}

/// Tells owners what was to be told at a moment, if notices went out then.
pub(super) async fn run(
    then: &Inventory,
    channel: &Channel,
    now: Time,
    chance: &mut Chance,
) -> Result<(), Error> {
    let ago = now.since(then.now);
    if ago > days(DAYS) || ago < days(LAST_DAY) {
        return Ok(());
    }
    let channels = then.store.list_channels().await.map_err(cannot_write)?;
    if channels.is_empty() {
        begin(then, channel).await?;
    }
    let plan = notify::letters(then, Hours::Working, &Turn::free()).await?;
    let mut tx = then.begin().await?;
    for Letter { mut notice, items, .. } in plan.letters {
        notice.id = NoticeId::from_random(chance.bits());
        notice.attempts = 1;
        match notice.recipient == GONE {
            true => {
                notice.state = NoticeState::Dead;
                notice.error = Some(REFUSED.to_owned());
            }
            false => {
                let seconds = chance.between(2, 40);
                notice.state = NoticeState::Sent;
                notice.sent_at = Some(then.now.plus(Span::from_micros(seconds * 1_000_000)));
            }
        }
        tx.insert_notice(&notice, &items).await.map_err(cannot_write)?;
    }
    commit(tx).await
}

/// The channel, and what the log says of its beginning and its end.
async fn begin(then: &Inventory, channel: &Channel) -> Result<(), Error> {
    let mut tx = then.begin().await?;
    tx.insert_channel(channel).await.map_err(cannot_write)?;
    let at = channel.created_at;
    let end = at.plus(days(DAYS + 1 - LAST_DAY));
    let name = json!({"name": channel.name});
    let installation = || ("installation", "notices".to_owned());
    let add = (at, "noor", "channel.add", None);
    log(&mut tx, add, ("channel", channel.id.to_string()), Stage::Done, name)
        .await
        .map_err(cannot_write)?;
    let start = (at.plus(days(1)), "noor", "notices.start", None);
    let stop = (end, "noor", "notices.stop", Some("a demonstration tells nobody anything"));
    for act in [start, stop] {
        log(&mut tx, act, installation(), Stage::Done, json!({})).await.map_err(cannot_write)?;
    }
    commit(tx).await?;
    let contact = Some(Some("security@example.com".to_owned()));
    let change = notify::Change { contact, started: None };
    notify::change(then, &change, |_| Ok(())).await.map(|_| ())
}
