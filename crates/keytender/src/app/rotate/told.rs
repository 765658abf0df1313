//! Who is told of a rotation: webhooks of each event, people of what they must do or know.

use keytender_core::id::{ChannelId, NoticeId};
use keytender_core::rotation::{Leaving, News, Next, Stage, said};
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::words;
use crate::app::inventory::Inventory;
use crate::app::links;
use crate::app::notify::{CONTACT, STARTED};
use crate::clock;
use crate::notify::chat::{self, Chat};
use crate::notify::letter;
use crate::notify::webhook::EventKind;
use crate::store::channels::ChannelKind;
use crate::store::db::Tx;
use crate::store::notices::{Notice, NoticeItem, ONCE};
use crate::store::rotations::Kept;
use crate::store::{self, Failure};

/// What the warning of a deadline is called among what was told of a key.
pub(super) const DEADLINE: &str = "rotation-deadline";

/// Something to be told.
struct Tale {
    kind: EventKind,
    /// What it is called among what was told of the key.
    problem: &'static str,
    title: String,
    sentences: Vec<String>,
}

/// Puts what is new into the outbox, in the transaction that writes it. Nothing goes out before notices were
/// started.
///
/// # Errors
/// When the database refuses.
pub(super) async fn tell(
    inventory: &Inventory,
    tx: &mut Tx,
    row: &Kept,
    news: &[News],
    next: &Next,
) -> Result<(), Failure> {
    let tales: Vec<Tale> = news.iter().filter_map(|one| tale(row, one, next)).collect();
    if tales.is_empty() {
        return Ok(());
    }
    let console = links::public_url(inventory).await.ok().flatten();
    let place = match console {
        Some(console) => format!("{console}/rotations/{}", row.id),
        None => format!("keytender rotations show {}", row.id),
    };
    let owner = tx.owner_address(row.key_id).await?;
    for kind in ChannelKind::ALL {
        for (channel, name) in tx.channels_while(kind, STARTED).await? {
            let recipient = match kind {
                ChannelKind::Mail => match &owner {
                    Some(owner) => Some(owner.clone()),
                    None => tx.contact(CONTACT).await?.map(|address| (address.clone(), address)),
                },
                _ => Some((name.clone(), name)),
            };
            let Some(recipient) = recipient else { continue };
            for tale in &tales {
                put(tx, row, tale, (channel, kind), &recipient, &place).await?;
            }
        }
    }
    Ok(())
}

async fn put(
    tx: &mut Tx,
    row: &Kept,
    tale: &Tale,
    (channel_id, kind): (ChannelId, ChannelKind),
    (name, address): &(String, String),
    place: &str,
) -> Result<(), Failure> {
    let now = clock::now();
    let notice = Notice::new(
        NoticeId::from_random(store::random()?),
        channel_id,
        address.clone(),
        tale.title.clone(),
        content(row, tale, kind, name, place, now).to_string(),
        now,
    );
    let item = NoticeItem {
        key_id: row.key_id,
        problem: tale.problem.into(),
        problem_at: now,
        stage: ONCE.into(),
    };
    tx.insert_notice(&notice, &[item]).await.map(drop)
}

fn content(
    row: &Kept,
    tale: &Tale,
    kind: ChannelKind,
    name: &str,
    place: &str,
    now: Time,
) -> Value {
    let Tale { title, sentences, .. } = tale;
    match kind {
        ChannelKind::Mail => json!({
            "to_name": name,
            "text": format!("{}\n\n{place}\n", sentences.join("\n\n")),
            "html": letter(title, sentences, place),
            "keys": [row.key_id.to_string()],
        }),
        ChannelKind::Slack => chat::note(Chat::Slack, title, sentences, place),
        ChannelKind::Teams => chat::note(Chat::Teams, title, sentences, place),
        ChannelKind::Webhook => json!({
            "type": tale.kind.as_str(),
            "data": {
                "rotation": row.id.to_string(),
                "key": row.key_id.to_string(),
                "id": row.state.plan.old.id,
                "new_id": row.state.new_id(),
                "stage": row.state.stage.as_str(),
                "says": sentences.join(" "),
                "told_at": now,
            },
        }),
    }
}

/// What there is to be told of news, if anything.
fn tale(row: &Kept, news: &News, next: &Next) -> Option<Tale> {
    let id = &row.state.plan.old.id;
    let waits = |title: String| Tale {
        kind: EventKind::RotationWaiting,
        problem: "rotation",
        title,
        sentences: vec![words::news(row, news), said(&row.state, next)],
    };
    let mut tale = match news {
        News::Blocked { .. } => waits(format!("The rotation of {id} needs you")),
        News::Asks { gate } => {
            waits(format!("The rotation of {id} asks you to approve `{}`", gate.as_str()))
        }
        News::Doubtful { .. } => waits(format!("A key appeared beside {id}")),
        News::StillUsed { .. } => Tale {
            kind: EventKind::RotationStillUsed,
            ..waits(format!("{} is still used, and is to go", row.state.leaving_id().unwrap_or(id)))
        },
        News::Stage { stage: Stage::Delivering } if row.state.is_filled_by_hand() => {
            waits(format!("The new key for {id} is to be put where it is used"))
        }
        News::Stage { stage: Stage::Overlap } => deadline(row)?,
        News::Stage { stage: Stage::Done | Stage::RolledBack } => Tale {
            kind: EventKind::RotationEnded,
            ..waits(format!("The rotation of {id} has ended"))
        },
        News::Stage { .. } | News::Orphan { .. } | News::ByOthers { .. } => return None,
    };
    tale.sentences.dedup();
    if matches!(news, News::Stage { .. }) && tale.sentences.len() > 1 {
        // The name of a stage is for programs.
        tale.sentences.remove(0);
    }
    Some(tale)
}

/// The warning that the old key goes although it is used; not of one that is brought back.
fn deadline(row: &Kept) -> Option<Tale> {
    let goes = row.state.leaving == Leaving::Old;
    let at = row.state.plan.deadline.filter(|_| goes)?.to_seconds();
    let id = &row.state.plan.old.id;
    Some(Tale {
        kind: EventKind::RotationWaiting,
        problem: DEADLINE,
        title: format!("{id} goes at {at}, whether or not it is used"),
        sentences: vec![
            String::new(),
            format!(
                "The new key stands everywhere that was told. Whatever still uses {id} fails from {at} on."
            ),
        ],
    })
}

#[cfg(test)]
mod tests {
    use keytender_core::id::{KeyId, RotationId};
    use keytender_core::rotation::{Able, NewKey, OldKey, Plan, Rotation, Way};
    use keytender_core::time::Span;

    use super::*;
    use crate::store::rotations::Waits;

    const DEADLINE_AT: &str = "2027-02-01T00:00:00Z";

    fn row(leaving: Leaving) -> Kept {
        let now = Time::parse("2026-11-24T00:00:00Z").unwrap();
        let plan = Plan {
            way: Way::CreateThenDelete,
            old: OldKey { id: "AKIAOLD".to_owned() },
            able: Able {
                list: true,
                label: false,
                disable: true,
                try_new: true,
                slots: Some(2),
                last_use: None,
                propagation: Span::default(),
            },
            destinations: Vec::new(),
            gates: Vec::new(),
            window: None,
            quiet_for: Span::days(35),
            hold: Span::days(30),
            poll: Span::days(1),
            deadline: Some(Time::parse(DEADLINE_AT).unwrap()),
            is_emergency: false,
            timeout: Span::default(),
        };
        let new = NewKey {
            id: Some("AKIANEW".to_owned()),
            made_at: now,
            expires_at: None,
            print: String::new(),
        };
        let state =
            Rotation { stage: Stage::Overlap, leaving, new: Some(new), ..Rotation::new(plan, now) };
        Kept {
            id: RotationId::from_random(2),
            key_id: KeyId::from_random(2),
            new_key_id: None,
            subject: 1,
            version: 1,
            waits: Waits::Time,
            next_at: None,
            started_at: now,
            started_by: "mia".to_owned(),
            reason: None,
            changed_at: now,
            warned_at: None,
            state,
            places: String::new(),
            target: None,
            sealed_new: None,
            sealed_old: None,
        }
    }

    #[test]
    fn a_key_that_is_brought_back_is_not_said_to_go() {
        let overlap = News::Stage { stage: Stage::Overlap };
        let used = News::StillUsed { at: Time::parse(DEADLINE_AT).unwrap(), place: None };
        let told = |leaving, news: &News| tale(&row(leaving), news, &Next::Person);
        let warning = told(Leaving::Old, &overlap).unwrap();
        assert!(warning.title.starts_with("AKIAOLD goes at 2027-02-01"), "{}", warning.title);
        assert_eq!(warning.problem, DEADLINE);
        assert!(told(Leaving::New, &overlap).is_none());
        assert!(told(Leaving::Old, &used).unwrap().title.starts_with("AKIAOLD is still used"));
        assert!(told(Leaving::New, &used).unwrap().title.starts_with("AKIANEW is still used"));
    }
}
