//! Writes the lives of the world into the inventory, from the first look to the present moment.
//!
//! At each of some moments of the last year the inventory learns what was to be seen then, the policy
//! is asked, and owners are told. A use alone is not worth a write each time: it is written when the
//! one that is known grows old.

use std::collections::{HashMap, HashSet};

use keytender_core::id::{KeyId, PrincipalId, SyncId};
use keytender_core::inventory::{Event, KeyRecord, PrincipalRecord};
use keytender_core::key::{LastUse, SecondActive, State, Use};
use keytender_core::time::{Span, Time};
use serde_json::json;

use super::cast::Looks;
use super::chance::Chance;
use super::life::{Life, Uses};
use super::rotations;
use super::told;
use super::world::{Place, World, days, minutes};
use crate::app::inventory::{Inventory, Sight, cannot_write};
use crate::app::{evaluate, keys};
use crate::error::Error;
use crate::store::Result;
use crate::store::acts::{Actor, NewAct, Stage};
use crate::store::db::Tx;
use crate::store::syncs::Sync;

/// How many days before now the inventory learns something: more often in the end, and not always on
/// the same day of the week, for mail goes out on working days.
const STEPS: [i64; 23] = [
    377, 357, 336, 315, 294, 273, 252, 231, 210, 189, 168, 147, 126, 105, 84, 63, 41, 33, 26, 17,
    9, 5, 2,
];
/// How long ago the last look was.
const LAST_LOOK: Span = minutes(4);
/// The time of day of a look: when people work.
const MORNING: Span = minutes(9 * 60 + 30);
/// A known use that is as old as this gives way to a newer one.
const STALE: Span = days(20);
/// How many of a key's latest uses are kept one by one: of an hourly one those of a day.
const USES_KEPT: i64 = 24;
/// The program by which the people of the demonstration act.
pub(super) const ORIGIN: &str = "demonstration";
/// Why an account cannot be entered.
const NO_ENTRY: &str = "cannot enter `aws-labs`: the role `auditor` does not let Keytender in (AccessDenied)\n\
     hint: its trust policy must name this installation";

/// Writes everything.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn write(
    inventory: &Inventory,
    world: &World,
    seed: u64,
) -> std::result::Result<(), Error> {
    let mut writer = Writer {
        inventory,
        world,
        chance: Chance::of(!seed),
        siblings: siblings(&world.lives),
        written: HashMap::new(),
        known: HashSet::new(),
        before: inventory.now.minus(days(4_000)),
    };
    writer.begin().await.map_err(cannot_write)?;
    let channel = told::channel(&mut writer.chance, inventory.now);
    for at in moments(inventory.now) {
        let is_last = at == inventory.now.minus(LAST_LOOK);
        writer.step(at, is_last).await.map_err(cannot_write)?;
        let then = at_moment(inventory, at);
        told::run(&then, &channel, inventory.now, &mut writer.chance).await?;
        evaluate::run(&inventory.store, at).await?;
    }
    rotations::write(inventory, &world.rotations).await.map_err(cannot_write)?;
    evaluate::run(&inventory.store, inventory.now).await.map(|_| ())
}

/// The moments at which the inventory learns something, in their order.
fn moments(now: Time) -> Vec<Time> {
    let day = days(1).as_micros();
    let midnight = Time::from_micros(now.as_micros() - now.as_micros().rem_euclid(day));
    let morning = |ago: &i64| midnight.minus(days(*ago)).plus(MORNING);
    STEPS.iter().map(morning).chain([now.minus(LAST_LOOK)]).collect()
}

/// The inventory as it was opened at another moment.
pub(super) fn at_moment(inventory: &Inventory, now: Time) -> Inventory {
    Inventory {
        store: inventory.store.clone(),
        location: inventory.location.clone(),
        actor: person("mia"),
        now,
        sight: Sight::default(),
    }
}

/// Somebody of the demonstration.
pub(super) fn person(name: &str) -> Actor {
    Actor { name: name.to_owned(), origin: ORIGIN.to_owned() }
}

/// The keys of each principal, by their places.
fn siblings(lives: &[Life]) -> HashMap<PrincipalId, Vec<usize>> {
    let mut all: HashMap<PrincipalId, Vec<usize>> = HashMap::new();
    for (place, life) in lives.iter().enumerate() {
        if let Some(principal) = life.principal {
            all.entry(principal).or_default().push(place);
        }
    }
    all
}

/// What a look at an account shows that is new.
#[derive(Default)]
struct News {
    records: Vec<KeyRecord>,
    events: Vec<(KeyRecord, Vec<Event>)>,
    uses: Vec<(KeyId, Use<'static>)>,
    seen: u64,
}

struct Writer<'w> {
    inventory: &'w Inventory,
    world: &'w World,
    chance: Chance,
    siblings: HashMap<PrincipalId, Vec<usize>>,
    /// Each key as it was last written.
    written: HashMap<KeyId, KeyRecord>,
    /// The principals that were written.
    known: HashSet<PrincipalId>,
    /// The moment before.
    before: Time,
}

impl Writer<'_> {
    /// Owners with their claims, and accounts.
    async fn begin(&mut self) -> Result<()> {
        let mut tx = self.inventory.store.db().begin().await?;
        for (owner, claims) in &self.world.owners {
            tx.insert_owner(owner).await?;
            for claim in claims {
                tx.insert_claim(claim, owner.created_at).await?;
            }
            let act = (owner.created_at, "noor", "owner.add", None);
            let details = json!({"name": owner.name});
            log(&mut tx, act, ("owner", owner.id.to_string()), Stage::Done, details).await?;
        }
        for Place { account, .. } in &self.world.places {
            tx.insert_account(account).await?;
            let act = (account.created_at, "noor", "account.add", None);
            let details = json!({"provider": account.provider, "name": account.name});
            log(&mut tx, act, ("account", account.id.to_string()), Stage::Done, details).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What was to be seen and said since the moment before.
    async fn step(&mut self, at: Time, is_last: bool) -> Result<()> {
        let mut tx = self.inventory.store.db().begin().await?;
        let world = self.world;
        for (number, place) in world.places.iter().enumerate() {
            if place.since > at {
                continue;
            }
            let news = self.look(number, at, is_last);
            self.write_look(&mut tx, place, &news, at).await?;
        }
        for life in &world.lives {
            self.said(&mut tx, life, at).await?;
        }
        for row in world.rotations.iter().map(|played| &played.row) {
            if row.started_at > self.before && row.started_at <= at {
                let act = (
                    row.started_at,
                    row.started_by.as_str(),
                    "rotation.start",
                    row.reason.as_deref(),
                );
                let details = json!({"rotation": row.id.to_string()});
                log(&mut tx, act, ("key", row.key_id.to_string()), Stage::Done, details).await?;
            }
        }
        tx.commit().await?;
        self.before = at;
        Ok(())
    }

    /// What is new of an account's keys.
    fn look(&mut self, place: usize, at: Time, is_last: bool) -> News {
        let mut news = News::default();
        let world = self.world;
        for life in world.lives.iter().filter(|life| life.account == place) {
            let Some(mut record) = life.record(at) else { continue };
            record.key.second_active = self.second_active(life, at);
            news.seen += u64::from(record.key.state != State::Destroyed);
            self.uses(life, at, &mut news.uses);
            let known = self.written.get(&life.id);
            let events = events(known, &record);
            if !events.is_empty()
                || known.is_none_or(|known| is_news(known, &record, is_last || life.is_at_rest(at)))
            {
                self.written.insert(life.id, record.clone());
                news.records.push(record.clone());
            }
            if !events.is_empty() {
                news.events.push((record, events));
            }
        }
        news
    }

    /// How a key stands to the others of its principal.
    fn second_active(&self, life: &Life, at: Time) -> SecondActive {
        let all = life.principal.and_then(|id| self.siblings.get(&id));
        let others = all.into_iter().flatten().filter_map(|place| self.world.lives.get(*place));
        let younger = others.filter(|other| other.is_active(at)).filter_map(|one| one.created_at);
        let youngest = younger.filter(|born| Some(*born) > life.created_at).max();
        match youngest.filter(|_| life.is_active(at)) {
            Some(born) => SecondActive::OlderThan(born),
            None => SecondActive::No,
        }
    }

    /// The uses that came since the moment before, of those that are kept one by one.
    fn uses(&self, life: &Life, at: Time, into: &mut Vec<(KeyId, Use<'static>)>) {
        let Uses::Seen(rhythm) = &life.uses else { return };
        let Some(newest) = rhythm.number_at(at) else { return };
        let first = if life.found_at > self.before { life.found_at } else { self.before };
        // Of a key that was just found its last use is known as well.
        let known = rhythm.number_at(first);
        let oldest = known.map_or(USES_KEPT, |known| match life.found_at > self.before {
            true => known + 1,
            false => known,
        });
        let numbers = newest..oldest.min(USES_KEPT);
        let uses = numbers.map(|number| rhythm.back(number)).filter(|one| one.at >= rhythm.from);
        into.extend(uses.map(|one| (life.id, one)));
    }

    async fn write_look(
        &mut self,
        tx: &mut Tx,
        place: &Place,
        news: &News,
        at: Time,
    ) -> Result<()> {
        let account = place.account.id;
        let ids: HashSet<_> = news.records.iter().filter_map(|one| one.principal_id).collect();
        let is_new =
            |one: &&PrincipalRecord| ids.contains(&one.id) && !self.known.contains(&one.id);
        let principals: Vec<PrincipalRecord> = place
            .principals
            .iter()
            .filter(is_new)
            .map(|one| PrincipalRecord { first_seen_at: at, ..one.clone() })
            .collect();
        self.known.extend(principals.iter().map(|one| one.id));
        tx.write_principals(account, &principals).await?;
        tx.write_principal_versions(&principals.iter().collect::<Vec<_>>(), at).await?;
        tx.write_keys(account, &news.records).await?;
        let events: Vec<_> =
            news.events.iter().map(|(record, events)| (record, events.clone())).collect();
        tx.write_key_versions(&events, at).await?;
        tx.write_uses(&news.uses, at).await?;
        if place.looks == Looks::Never {
            return Ok(());
        }
        let has_failed = place.looks == Looks::Fail;
        let changes = u64::try_from(principals.len() + news.records.len()).unwrap_or(0);
        tx.insert_sync(&Sync {
            id: SyncId::from_random(self.chance.bits()),
            account_id: account,
            started_at: at.minus(Span::from_micros(self.chance.between(2_000_000, 9_000_000))),
            finished_at: at,
            observed_at: (!has_failed).then_some(at),
            reported_at: None,
            unseen: Default::default(),
            keys: news.seen,
            changes,
            error: has_failed.then(|| NO_ENTRY.to_owned()),
            warnings: Vec::new(),
        })
        .await
    }

    /// What people did to a key and said of it since the moment before.
    async fn said(&self, tx: &mut Tx, life: &Life, at: Time) -> Result<()> {
        let is_now = |then: Time| then > self.before && then <= at && life.found_at <= at;
        let target = || ("key", life.id.to_string());
        for change in life.changes.iter().filter(|change| is_now(change.at)) {
            let Some((by, why)) = change.by else { continue };
            let verb = match change.state {
                State::Suspended => "key.disable",
                State::Destroyed => "key.delete",
                _ => "key.enable",
            };
            let details = json!({"id": life.public_id});
            let intent = change.at.minus(Span::from_micros(1_700_000));
            for (moment, stage) in [(intent, Stage::Intent), (change.at, Stage::Done)] {
                let act = (moment, by, verb, Some(why));
                log(tx, act, target(), stage, details.clone()).await?;
            }
        }
        for saying in life.sayings.iter().filter(|saying| is_now(saying.at)) {
            let told = told::told(saying, &self.world.owners);
            let verb = if matches!(told, Some((_, true))) { "key.keep" } else { "key.set" };
            let Some((told, _)) = told else { continue };
            let details = keys::details(&told);
            tx.tell_key(life.id, told).await?;
            let act = (saying.at, saying.by, verb, Some(saying.why));
            log(tx, act, target(), Stage::Done, details).await?;
        }
        Ok(())
    }
}

/// Whether a key is to be written again although nothing happened to it; `is_exact` if each use counts.
fn is_news(known: &KeyRecord, now: &KeyRecord, is_exact: bool) -> bool {
    let gap = match (known.key.last_used.used_at(), now.key.last_used.used_at()) {
        (Some(before), Some(now)) => now.since(before),
        _ => Span::default(),
    };
    known.key.second_active != now.key.second_active
        || gap > STALE
        || is_exact && gap > Span::default()
}

/// What happened to a key since it was last written.
fn events(known: Option<&KeyRecord>, now: &KeyRecord) -> Vec<Event> {
    let Some(known) = known else { return vec![Event::Found] };
    let mut events = Vec::new();
    match (known.key.state, now.key.state) {
        (before, now) if before == now => {}
        (_, State::Destroyed) => events.push(Event::Destroyed),
        (_, State::Active) => events.push(Event::Resumed),
        _ => events.push(Event::Suspended),
    }
    let was_never = matches!(known.key.last_used, LastUse::Never { .. });
    if was_never && now.key.last_used.used_at().is_some() {
        events.push(Event::FirstUsed);
    }
    events
}

/// When, who, what and why.
type Told<'t> = (Time, &'t str, &'t str, Option<&'t str>);

/// Writes into the log what somebody did.
pub(super) async fn log(
    tx: &mut Tx,
    (at, by, verb, why): Told<'_>,
    (target_kind, target_id): (&str, String),
    stage: Stage,
    details: serde_json::Value,
) -> Result<()> {
    let actor = person(by);
    tx.log(NewAct { at, actor: &actor, verb, stage, target_kind, target_id, why, details }).await
}
