//! Running a rotation: each step is written before its call, and what the call answered with what follows from
//! it, so that whoever comes after a crash knows what was begun and not what became of it.

use std::time::Duration;

use keytender_core::id::RotationId;
use keytender_core::rotation::{
    Answer, Call, Event, Fault, Next, Stage, Step, said, step, take_over,
};
use keytender_core::time::{Span, Time};
use serde_json::json;

use super::call::{Answered, Hands};
use super::{mirror, spool, told, words};
use crate::app::inventory::{Inventory, cannot_read, cannot_write};
use crate::app::turn::Turn;
use crate::clock;
use crate::error::{Error, Kind};
use crate::store::acts::{NewAct, Stage as ActStage};
use crate::store::db::Tx;
use crate::store::rotations::{Happened, Kept};
use crate::store::{self, Failure};

/// How long it is tried to write down what a call made, before it is written beside the database.
const PATIENCE: Span = Span::from_micros(15_000_000);
/// The pause between two such tries.
const PAUSE: Duration = Duration::from_millis(250);
/// How long before its deadline the owner of a key must have been told.
pub(super) const WARNING: Span = Span::days(7);
/// How long a rotation rests that waits for a person; what they say wakes it.
const LONGEST_REST: Span = Span::days(1);

/// Takes a rotation as far as it goes now; how long it rests then.
///
/// # Errors
/// When the database does not do its part, or what is kept of the rotation cannot be read.
pub async fn run(
    inventory: &Inventory,
    id: RotationId,
    turn: &Turn,
    limit: Span,
) -> Result<Span, Error> {
    let Some(row) = inventory.store.find_rotation(id).await.map_err(cannot_read)? else {
        return Ok(LONGEST_REST);
    };
    if row.next() == Next::Ended {
        return Ok(LONGEST_REST);
    }
    // A call of whoever had it before may be under way still.
    if let Next::At(at) = take_over(&row.state, clock::now())
        && row.state.pending.is_some()
        && at > clock::now()
    {
        return Ok(rest(at));
    }
    let hands = Box::pin(super::hands(inventory, &row)).await?;
    let mut runner = Runner { inventory, hands, turn, limit, id };
    let (mut row, mut next) = runner.take_up(&row).await?;
    while let Next::Call(call) = next {
        if turn.is_over() {
            return Ok(Span::default());
        }
        let answered = runner.hands.perform(&row, &call).await;
        (row, next) = runner.answer(&call, answered).await?;
        if let Call::Deliver { .. } | Call::Restore { .. } = call {
            // The account's own credential may be read where this was written.
            runner.hands = Box::pin(super::hands(inventory, &row)).await?;
        }
    }
    Ok(match next {
        Next::Call(_) => Span::default(),
        Next::At(at) => rest(at),
        Next::Person | Next::Ended => LONGEST_REST,
    })
}

fn rest(until: Time) -> Span {
    until.since(clock::now()).min(LONGEST_REST)
}

struct Runner<'r> {
    inventory: &'r Inventory,
    hands: Hands,
    turn: &'r Turn,
    /// No call may take longer.
    limit: Span,
    id: RotationId,
}

impl Runner<'_> {
    /// Begins: with what was made and could not be written then, or by a look at the clock.
    async fn take_up(&self, row: &Kept) -> Result<(Kept, Next), Error> {
        if let Some((new, sealed)) = spool::find(self.inventory, &self.hands.safe, self.id).await?
            && row.state.pending.as_ref().is_some_and(|pending| makes(&pending.call))
        {
            let print = self.hands.safe.print_of(&new);
            let answer = Answer::Made { id: new.id, expires_at: new.expires_at, print };
            let keep = Keep { new: Some(sealed), old: None };
            let written = self.write(Event::Answered(answer), &keep, None).await;
            let written = written.map_err(cannot_write)?;
            spool::forget(self.inventory, self.id)?;
            return Ok(written);
        }
        self.write(Event::Wake, &Keep::default(), None).await.map_err(cannot_write)
    }

    /// Writes what a call answered, and what follows.
    async fn answer(&self, call: &Call, answered: Answered) -> Result<(Kept, Next), Error> {
        let Answered { answer, new, old } = answered;
        let keep = Keep { new: new.as_ref().map(|(_, sealed)| sealed.clone()), old };
        let Some((new, _)) = new else {
            let written = self.write(Event::Answered(answer), &keep, Some(call)).await;
            let (row, next) = written.map_err(cannot_write)?;
            mirror::follow(self.inventory, &row).await?;
            return Ok((row, next));
        };
        // A key was made, and nobody else has its secret.
        let made_at = clock::now();
        loop {
            match self.write(Event::Answered(answer.clone()), &keep, Some(call)).await {
                Ok((row, next)) => {
                    mirror::follow(self.inventory, &row).await?;
                    return Ok((row, next));
                }
                Err(Failure::Lost) => {
                    self.stray(&new.id).await?;
                    return Err(cannot_write(Failure::Lost));
                }
                Err(failure) if clock::now().since(made_at) >= PATIENCE => {
                    if spool::keep(self.inventory, self.id, &self.hands.safe, &new).await.is_err() {
                        // Nobody could ever use it.
                        if let Ok(provider) = &self.hands.provider {
                            _ = provider.delete(&new.id).await;
                        }
                    }
                    return Err(cannot_write(failure));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Whoever has the rotation now learns of a key that this call made after all.
    async fn stray(&self, id: &str) -> Result<(), Error> {
        let mut tx = self.inventory.begin().await?;
        let row = tx.lock_rotation(self.id).await.map_err(cannot_write)?;
        let Some(mut row) = row else { return Ok(()) };
        let event = Event::Stray { id: id.to_owned() };
        let made = step(&row.state, event, chance()?, false, clock::now());
        let next = row.next();
        put(self.inventory, &mut tx, &mut row, made, Some(&next), None)
            .await
            .map_err(cannot_write)?;
        tx.wake_rotation(self.id).await.map_err(cannot_write)?;
        tx.commit().await.map_err(Failure::from).map_err(cannot_write)
    }

    /// One step, written under the lease.
    async fn write(
        &self,
        event: Event,
        keep: &Keep,
        call: Option<&Call>,
    ) -> Result<(Kept, Next), Failure> {
        let mut tx = self.inventory.store.db().begin().await?;
        let row = tx.lock_rotation(self.id).await?;
        let mut row = row.ok_or(Failure::Lost)?;
        let now = clock::now();
        row.state.plan.timeout = row.state.plan.timeout.min(self.limit);
        row.sealed_new = keep.new.clone().or(row.sealed_new);
        row.sealed_old = keep.old.clone().or(row.sealed_old);
        let failure = match &event {
            Event::Answered(Answer::Failed(fault, because)) => Some((*fault, because.clone())),
            _ => None,
        };
        if row.state.plan.deadline.is_some() && row.warned_at.is_none() {
            row.warned_at = tx.told_at(row.key_id, told::DEADLINE, row.started_at).await?;
        }
        let warned = is_warned(&row);
        let chance = store::random()?;
        let made = step(&row.state, event, chance, warned, now);
        if let Some(call) = call {
            outcome(self.inventory, &mut tx, &row, call, failure.as_ref()).await?;
        }
        let next = put(self.inventory, &mut tx, &mut row, made, None, failure).await?;
        self.turn.commit(tx).await?;
        row.version += 1;
        Ok((row, next))
    }
}

/// What is kept of an answer.
#[derive(Default)]
struct Keep {
    new: Option<String>,
    old: Option<String>,
}

const fn makes(call: &Call) -> bool {
    matches!(call, Call::Create { .. } | Call::Rotate)
}

fn chance() -> Result<u64, Error> {
    store::random().map_err(cannot_write)
}

/// Whether the owner was told of the deadline in time.
fn is_warned(row: &Kept) -> bool {
    let deadline = row.state.plan.deadline;
    deadline.zip(row.warned_at).is_some_and(|(deadline, at)| deadline.since(at) >= WARNING)
}

/// Writes a step: what is known, what happened, and in the log what is about to be done. What is to be done
/// next is as the step says, or stays `as_before`.
pub(super) async fn put(
    inventory: &Inventory,
    tx: &mut Tx,
    row: &mut Kept,
    made: Step,
    as_before: Option<&Next>,
    failure: Option<(Fault, String)>,
) -> Result<Next, Failure> {
    let now = clock::now();
    let Step { rotation, next, news } = made;
    let before = row.state.stage;
    row.state = rotation;
    row.changed_at = now;
    let next = as_before.cloned().unwrap_or(next);
    row.set_next(&next);
    if next == Next::Ended {
        row.sealed_old = None;
        // What the inventory keeps is with the new key by now.
        row.sealed_new = row.sealed_new.take().filter(|_| row.new_key_id.is_none());
    }
    let mut happened = words::happened(row, &news, &next, now);
    if let Some((fault, because)) = failure {
        let words = words::failed(fault, &because);
        happened.insert(0, Happened { at: now, kind: "failed".to_owned(), words });
    }
    if let Next::Call(call) = &next
        && let Some(verb) = verb(call)
    {
        tx.log(act(inventory, row, verb, ActStage::Intent, json!(null))).await?;
    }
    if !tx.update_rotation(row).await? {
        return Err(Failure::Corrupt("somebody else wrote the rotation".to_owned()));
    }
    tx.add_rotation_events(row.id, &happened).await?;
    ended(tx, row, before).await?;
    told::tell(inventory, tx, row, &news, &next).await?;
    Ok(next)
}

/// What follows for the inventory when a rotation ends: if it ended well, the new key is used where the old one was.
async fn ended(tx: &mut Tx, row: &Kept, before: Stage) -> Result<(), Failure> {
    if !row.state.stage.is_ended() || before.is_ended() {
        return Ok(());
    }
    tx.note_rotating(row).await?;
    match row.new_key_id {
        Some(new) if row.state.stage == Stage::Done => tx.move_destinations(row.key_id, new).await,
        _ => Ok(()),
    }
}

/// Writes into the log how an act went.
async fn outcome(
    inventory: &Inventory,
    tx: &mut Tx,
    row: &Kept,
    call: &Call,
    failure: Option<&(Fault, String)>,
) -> Result<(), Failure> {
    let Some(verb) = verb(call) else { return Ok(()) };
    let (stage, details) = match failure {
        None => (ActStage::Done, json!(null)),
        Some((_, because)) => (ActStage::Failed, json!(because)),
    };
    tx.log(act(inventory, row, verb, stage, details)).await
}

/// The verb in the log of a call that changes something.
const fn verb(call: &Call) -> Option<&'static str> {
    match call {
        Call::Create { .. } => Some("rotation.create"),
        Call::Rotate => Some("rotation.rotate"),
        Call::Deliver { .. } => Some("rotation.deliver"),
        Call::Restore { .. } => Some("rotation.restore"),
        Call::Reload { .. } => Some("rotation.reload"),
        Call::Disable { .. } => Some("rotation.disable"),
        Call::Enable { .. } => Some("rotation.enable"),
        Call::Delete { .. } => Some("rotation.delete"),
        Call::Preflight | Call::Look | Call::Try | Call::Observe => None,
    }
}

fn act<'a>(
    inventory: &'a Inventory,
    row: &Kept,
    verb: &'a str,
    stage: ActStage,
    error: serde_json::Value,
) -> NewAct<'a> {
    let evidence = row.state.evidence.as_ref().and_then(|one| serde_json::to_value(one).ok());
    let pending = row.state.pending.as_ref().map(|pending| words::subject(row, &pending.call));
    NewAct {
        at: clock::now(),
        actor: &inventory.actor,
        verb,
        stage,
        target_kind: "key",
        target_id: row.key_id.to_string(),
        why: None,
        details: json!({
            "rotation": row.id.to_string(),
            "of": pending,
            "evidence": evidence,
            "error": error,
        }),
    }
}

/// Applies what somebody said, and wakes whoever runs the rotation.
///
/// # Errors
/// When there is no such rotation, or it does not hear this now.
pub(super) async fn hear(
    inventory: &Inventory,
    id: RotationId,
    word: keytender_core::rotation::Word,
    words: String,
    why: Option<&str>,
) -> Result<(), Error> {
    let mut tx = inventory.begin().await?;
    let row = tx.lock_rotation(id).await.map_err(cannot_read)?;
    let mut row = row.ok_or_else(|| Error::not_found(format!("there is no rotation {id}")))?;
    let now = clock::now();
    let by = inventory.actor.name.clone();
    let made = step(&row.state, Event::Said(word, by.clone()), chance()?, is_warned(&row), now);
    // One word may be heard and change nothing: it is refused, so that nobody believes that it did.
    if made.rotation == row.state {
        return Err(Error::new(format!("{id} does not hear that now"))
            .kind(Kind::Conflict)
            .hint(said(&row.state, &row.next())));
    }
    let next = match (&row.state.pending, row.next()) {
        // A call under way goes on, and what was said is heard after it.
        (Some(_), next @ Next::Call(_)) => next,
        _ => made.next.clone(),
    };
    let verb = words::said_verb(&words);
    tx.log(NewAct {
        at: now,
        actor: &inventory.actor,
        verb: &verb,
        stage: ActStage::Done,
        target_kind: "key",
        target_id: row.key_id.to_string(),
        why,
        details: json!({"rotation": id.to_string(), "said": words}),
    })
    .await
    .map_err(cannot_write)?;
    let line =
        Happened { at: now, kind: "said".to_owned(), words: words::said_line(&by, &words, why) };
    tx.add_rotation_events(id, &[line]).await.map_err(cannot_write)?;
    put(inventory, &mut tx, &mut row, made, Some(&next), None).await.map_err(cannot_write)?;
    tx.wake_rotation(id).await.map_err(cannot_write)?;
    tx.commit().await.map_err(Failure::from).map_err(cannot_write)
}
