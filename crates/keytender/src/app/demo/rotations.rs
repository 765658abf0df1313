//! Rotations of the demonstration: the real steps, with what a made-up provider answers.
//!
//! A key that leaves and the one that comes are lives of the world. The rotation is played from its first day to the
//! present moment: each call is answered with what was to be seen of the two keys then.

use std::collections::BTreeMap;

use keytender_core::id::{DestinationId, KeyId, RotationId};
use keytender_core::key::{LastUse, State};
use keytender_core::rotation::plan::{Exactness, HOLD, QUIET_FOR};
use keytender_core::rotation::{
    Able, Answer, Cadence, Call, Destination, Event, Gate, Next, OldKey, Plan, Rotation, Seen,
    SeenKey, Standing, UseSeen, Way, step,
};
use keytender_core::time::{Span, Time};
use serde_json::json;

use super::chance::Chance;
use super::life::{Change, Life, Uses};
use super::world::{World, days, minutes};
use crate::app::inventory::Inventory;
use crate::app::rotate::words;
use crate::store::Result;
use crate::store::destinations::Destination as Kept;
use crate::store::rotations::{Happened, Kept as Row, Waits};

/// How long a call takes.
const CALL: Span = Span::from_micros(1_400_000);
/// More steps than any rotation takes.
const MOST_STEPS: usize = 2_000;
/// How AWS tells last uses, as the real rotations take it.
const EXACT: Exactness = Exactness { granularity: minutes(15), lag: minutes(240) };
/// Who cleans up.
const OPERATOR: &str = "noor";

/// A rotation as it has come to be.
pub(super) struct Played {
    pub(super) row: Row,
    events: Vec<Happened>,
    places: Vec<Kept>,
}

/// A place where a key is used: its name, its file, and the unit that reads it.
type Place = (&'static str, &'static str, Option<&'static str>);

/// A rotation to play.
struct Script {
    account: &'static str,
    principal: &'static str,
    gates: &'static [Gate],
    places: &'static [Place],
    /// Why the first place cannot be written.
    fault: Option<&'static str>,
    why: &'static str,
}

const SCRIPTS: [Script; 3] = [
    // Both keys work, and the old one was used once more.
    Script {
        account: "aws-data",
        principal: "etl-orders",
        gates: &[],
        places: &[
            ("orders", "/srv/orders/.env", Some("etl-orders.service")),
            ("orders-backfill", "/srv/backfill/.env", None),
        ],
        fault: None,
        why: "older than the policy allows soon",
    },
    // Quiet, and somebody is to say yes.
    Script {
        account: "aws-prod",
        principal: "svc-checkout",
        gates: &[Gate::Disable],
        places: &[("checkout", "/srv/checkout/.env", Some("checkout.service"))],
        fault: None,
        why: "older than a year",
    },
    // Its destination cannot be written.
    Script {
        account: "aws-backup",
        principal: "backup-nightly",
        gates: &[],
        places: &[("backup-host", "/etc/backup/credentials.env", None)],
        fault: Some("/etc/backup/credentials.env cannot be written: permission denied"),
        why: "three years old",
    },
];

/// One that has ended, of a key that the world chooses.
const DONE: Script = Script {
    account: "",
    principal: "",
    gates: &[],
    places: &[("service", "/srv/service/.env", None)],
    fault: None,
    why: "rotated each year",
};

/// Plays each rotation of a world up to `now`.
pub(super) fn play(world: &mut World, seed: u64, now: Time) {
    let mut chance = Chance::of(seed ^ 0x726f_7461);
    for script in &SCRIPTS {
        let of = keys_of(world, script);
        let Some((old, new)) = of.split_first() else { continue };
        let new = new.first().copied();
        let began = new.and_then(|new| new.created_at).unwrap_or(now.minus(minutes(60 * 26)));
        let player = Player { script, old, new, now };
        let played = player.play(&mut chance, began.minus(CALL.doubled()));
        world.rotations.push(played);
    }
    for (old, new) in candidates(world, &mut chance, now) {
        let began = new.created_at.unwrap_or(now).minus(CALL.doubled());
        let player = Player { script: &DONE, old: &old, new: Some(&new), now };
        let played = player.play(&mut chance, began);
        // Of a key that is used seldom the wait is not over yet.
        if played.row.state.stage.is_ended() {
            let changes = changes(&played);
            world.rotations.push(played);
            world.lives.push(Life { changes, ..old });
            return;
        }
    }
}

/// The keys of a script's principal, the oldest first.
fn keys_of<'w>(world: &'w World, script: &Script) -> Vec<&'w Life> {
    let principals = world.places.iter().filter(|place| place.account.name == script.account);
    let mut principals = principals.flat_map(|place| &place.principals);
    let id = principals.find(|one| one.principal.name == script.principal).map(|one| one.id);
    let mut keys: Vec<&Life> =
        world.lives.iter().filter(|life| id.is_some() && life.principal == id).collect();
    keys.sort_by_key(|life| life.created_at);
    keys
}

/// Keys that may have taken the place of another long enough ago, each with that other, which is made up here.
fn candidates(world: &World, chance: &mut Chance, now: Time) -> Vec<(Life, Life)> {
    let is_alone = |life: &&Life| {
        world.lives.iter().filter(|other| other.principal == life.principal).count() == 1
    };
    let age = |life: &Life| life.created_at.map(|at| now.since(at));
    let is_old = |life: &&Life| age(life).is_some_and(|age| age > days(70) && age < days(330));
    let fit = world.lives.iter().filter(is_old).filter(|life| {
        let is_used = matches!(life.uses, Uses::Seen(_)) && life.changes.is_empty();
        life.provider == "aws" && life.principal.is_some() && is_used && is_alone(life)
    });
    fit.filter_map(|new| Some((predecessor(new, chance)?, new.clone()))).collect()
}

/// The key whose place `new` took.
fn predecessor(new: &Life, chance: &mut Chance) -> Option<Life> {
    let mut old = new.clone();
    let made_at = new.created_at?;
    old.id = KeyId::from_random(chance.bits());
    old.public_id = Some(format!("AKIA{}EXAMPLE", chance.letters(9)));
    old.created_at = Some(made_at.minus(days(chance.between(340, 380))));
    old.found_at = old.found_at.min(made_at.minus(minutes(60)));
    old.slot = new.slot.map(|slot| 3 - slot);
    if let Uses::Seen(rhythm) = &mut old.uses {
        rhythm.last = made_at.minus(minutes(30));
        rhythm.from = made_at.minus(days(300));
        rhythm.salt = chance.bits();
    }
    Some(old)
}

/// What a rotation did to the key that left.
fn changes(played: &Played) -> Vec<Change> {
    let by = Some((OPERATOR, "its rotation"));
    let change = |state, word| move |at| Change { at, state, word, by };
    let state = &played.row.state;
    let disabled = state.disabled_at.map(change(State::Suspended, Some("Inactive")));
    let deleted = Some(state.since).filter(|_| state.stage.is_ended());
    disabled.into_iter().chain(deleted.map(change(State::Destroyed, None))).collect()
}

struct Player<'p> {
    script: &'p Script,
    old: &'p Life,
    new: Option<&'p Life>,
    now: Time,
}

impl Player<'_> {
    fn play(&self, chance: &mut Chance, began: Time) -> Played {
        let mut row = self.row(chance, began);
        let said = words::said_line(&row.started_by, "rotate", row.reason.as_deref());
        let mut events = vec![Happened { at: began, kind: "said".to_owned(), words: said }];
        let (mut event, mut at) = (Event::Wake, began);
        let mut standing = Standing::Active;
        for _ in 0..MOST_STEPS {
            let made = step(&row.state, event, chance.bits(), false, at);
            row.state = made.rotation;
            row.changed_at = at;
            row.set_next(&made.next);
            events.extend(words::happened(&row, &made.news, &made.next, at));
            (event, at) = match made.next {
                Next::Call(call) => {
                    let answer = self.answer(&call, &mut standing, at);
                    (Event::Answered(answer), at.plus(CALL))
                }
                Next::At(then) if then <= self.now => (Event::Wake, then.max(at.plus(CALL))),
                Next::At(_) | Next::Person | Next::Ended => break,
            };
        }
        let is_over = row.state.stage.is_ended();
        row.new_key_id = row.state.new_id().and(self.new).map(|new| new.id);
        let user = row.new_key_id.filter(|_| is_over).unwrap_or(row.key_id);
        let places = self.script.places.iter().map(|place| kept(place, user, chance, began));
        Played { places: places.collect(), row, events }
    }

    fn row(&self, chance: &mut Chance, began: Time) -> Row {
        let places = self.script.places.iter().map(
            |(name, path, unit)| json!({"name": name, "spec": spec(path), "hook": unit.map(hook)}),
        );
        Row {
            id: RotationId::from_random(chance.bits()),
            key_id: self.old.id,
            new_key_id: None,
            subject: self.old.principal.map_or(self.old.id.as_i64(), |id| id.as_i64()),
            version: 1,
            waits: Waits::Time,
            next_at: Some(began),
            started_at: began,
            started_by: OPERATOR.to_owned(),
            reason: Some(self.script.why.to_owned()),
            changed_at: began,
            warned_at: None,
            state: Rotation::new(self.plan(), began),
            places: json!(places.collect::<Vec<_>>()).to_string(),
            target: None,
            sealed_new: None,
            sealed_old: None,
        }
    }

    fn plan(&self) -> Plan {
        let place = |(name, _, unit): &Place| Destination {
            name: (*name).to_owned(),
            by_hand: false,
            has_reload: unit.is_some(),
        };
        Plan {
            way: Way::CreateThenDelete,
            old: OldKey { id: self.old.public_id.clone().unwrap_or_default() },
            able: Able {
                list: true,
                label: false,
                disable: true,
                try_new: true,
                slots: Some(2),
                last_use: Some(EXACT),
                propagation: minutes(2),
            },
            destinations: self.script.places.iter().map(place).collect(),
            gates: self.script.gates.to_vec(),
            window: None,
            quiet_for: QUIET_FOR,
            hold: HOLD,
            poll: days(1),
            deadline: None,
            is_emergency: false,
            timeout: minutes(1),
        }
    }

    /// What the provider and the destinations answered then.
    fn answer(&self, call: &Call, standing: &mut Standing, at: Time) -> Answer {
        match call {
            Call::Preflight => {
                let fault = self.script.fault.map(|why| (0, why.to_owned()));
                Answer::Preflighted(self.seen(*standing, at), BTreeMap::from_iter(fault))
            }
            Call::Create { .. } | Call::Rotate => Answer::Made {
                id: self.new.and_then(|new| new.public_id.clone()).unwrap_or_default(),
                expires_at: None,
                print: "new".to_owned(),
            },
            Call::Look => Answer::Looked(self.seen(*standing, at).keys),
            Call::Try => Answer::Tried(true),
            Call::Deliver { .. } | Call::Restore { .. } => Answer::Written,
            Call::Observe => Answer::Observed(self.seen(*standing, at)),
            Call::Reload { .. } => Answer::Did,
            Call::Disable { .. } | Call::Enable { .. } | Call::Delete { .. } => {
                *standing = match call {
                    Call::Disable { .. } => Standing::Suspended,
                    Call::Delete { .. } => Standing::Ended,
                    _ => Standing::Active,
                };
                Answer::Did
            }
        }
    }

    fn seen(&self, standing: Standing, at: Time) -> Seen {
        let new = self.new.filter(|new| new.created_at.is_some_and(|born| born <= at));
        let keys = [Some((self.old, standing)), new.map(|new| (new, Standing::Active))];
        let keys = keys.into_iter().flatten().map(|(life, standing)| SeenKey {
            id: life.public_id.clone().unwrap_or_default(),
            label: None,
            standing,
            last_use: last_use(life, at),
        });
        let print = if new.is_some() { "new" } else { "old" };
        let cadence = match &self.old.uses {
            Uses::Seen(rhythm) => rhythm.known(self.old.found_at, at).1,
            Uses::Never | Uses::Untold => None,
        };
        Seen {
            keys: keys.collect(),
            prints: self.script.places.iter().map(|_| Some(print.to_owned())).collect(),
            cadence: cadence.map_or(Cadence::Since(self.old.found_at), Cadence::Known),
        }
    }
}

fn last_use(life: &Life, at: Time) -> UseSeen {
    match life.last_used(at) {
        LastUse::Used(one) => {
            let place = [one.service.as_deref(), one.region.as_deref()];
            let place: Vec<&str> = place.into_iter().flatten().collect();
            let place = Some(place.join(", ")).filter(|place| !place.is_empty());
            UseSeen::At { at: one.at, place }
        }
        LastUse::Never { .. } => UseSeen::Never,
        LastUse::Unknown { .. } => UseSeen::Unknown("its provider does not say".to_owned()),
    }
}

fn spec(path: &str) -> serde_json::Value {
    json!({"kind": "env", "path": path, "id": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY"})
}

fn hook(unit: &str) -> serde_json::Value {
    json!({"kind": "systemd", "unit": unit})
}

fn kept((name, path, unit): &Place, key_id: KeyId, chance: &mut Chance, at: Time) -> Kept {
    Kept {
        id: DestinationId::from_random(chance.bits()),
        key_id,
        name: (*name).to_owned(),
        spec: spec(path).to_string(),
        hook: unit.map(|unit| hook(unit).to_string()),
        created_at: at,
        checked_at: None,
        fault: None,
    }
}

/// Writes the rotations beside the keys that they are of. None has a task: nobody is ever asked.
pub(super) async fn write(inventory: &Inventory, played: &[Played]) -> Result<()> {
    let mut tx = inventory.store.db().begin().await?;
    for Played { row, events, places } in played {
        for place in places {
            tx.insert_destination(place).await?;
        }
        tx.insert_rotation(row).await?;
        tx.add_rotation_events(row.id, events).await?;
    }
    Ok(tx.commit().await?)
}
