//! The world of the demonstration: the tables made into accounts, owners, principals and lives.

use std::collections::{BTreeMap, HashMap};

use keytender_core::id::{AccountId, KeyId, OwnerId, PrincipalId};
use keytender_core::inventory::PrincipalRecord;
use keytender_core::key::{Principal, PrincipalKind, State};
use keytender_core::time::{Span, Time};

use super::cast::{ACCOUNTS, AccountPlan, Looks, OWNERS, PEOPLE, SERVICES, TEAM};
use super::chance::Chance;
use super::groups::{GROUPS, Group, Habit, places};
use super::life::{Change, Life, Saying, Uses, What};
use super::rhythm::Rhythm;
use super::rotations::{self, Played};
use super::stories::{STORIES, Said, Story, TOLD, Who};
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::owners::{Owner, OwnerClaim};

/// The name that AWS gives the root of an account.
const ROOT_NAME: &str = "<root_account>";
/// One of so many keys that are used has no predecessor.
const FIRST_OF_ITS_KIND: i64 = 4;
/// Who cleans up after a rotation.
const CLEANERS: &[(&str, &str)] = &[
    ("noor", "rotated: the new key is in use"),
    ("tomas", "rotated: the new key is in use"),
    ("mia", "its successor is in use since last week"),
    ("aiko", "rotated, and nobody missed it"),
];

/// An account, how it is looked at, and who is in it.
pub(super) struct Place {
    pub(super) account: Account,
    pub(super) looks: Looks,
    /// Since when it is watched.
    pub(super) since: Time,
    pub(super) principals: Vec<PrincipalRecord>,
}

/// Everything that is made up.
#[derive(Default)]
pub(super) struct World {
    pub(super) owners: Vec<(Owner, Vec<OwnerClaim>)>,
    pub(super) places: Vec<Place>,
    pub(super) lives: Vec<Life>,
    /// Keys that are replaced, or were.
    pub(super) rotations: Vec<Played>,
}

/// So many days.
pub(super) const fn days(count: i64) -> Span {
    hours(count * 24)
}

/// So many hours.
const fn hours(count: i64) -> Span {
    minutes(count * 60)
}

/// So many minutes.
pub(super) const fn minutes(count: i64) -> Span {
    Span::from_micros(count * 60_000_000)
}

/// The world as it is at `now`.
pub(super) fn make(seed: u64, now: Time) -> World {
    let mut maker =
        Maker { now, chance: Chance::of(seed), world: World::default(), by_name: HashMap::new() };
    OWNERS.iter().for_each(|plan| maker.owner(plan));
    ACCOUNTS.iter().for_each(|plan| maker.place(plan));
    STORIES.iter().for_each(|story| maker.story(story));
    GROUPS.iter().for_each(|group| maker.group(group));
    TOLD.iter().for_each(|told| maker.told(*told));
    rotations::play(&mut maker.world, seed, now);
    maker.world
}

struct Maker {
    now: Time,
    chance: Chance,
    world: World,
    by_name: HashMap<&'static str, usize>,
}

impl Maker {
    fn owner(&mut self, plan: &super::cast::OwnerPlan) {
        let owner = Owner {
            id: OwnerId::from_random(self.chance.bits()),
            name: plan.name.to_owned(),
            address: plan.address.to_owned(),
            time_zone: plan.time_zone.to_owned(),
            created_at: self.now.minus(days(370)),
        };
        let claim = |(kind, pattern): &(keytender_core::owner::ClaimKind, &str)| OwnerClaim {
            owner_id: owner.id,
            kind: *kind,
            name: match kind {
                keytender_core::owner::ClaimKind::Tag => TEAM.to_owned(),
                _ => String::new(),
            },
            pattern: (*pattern).to_owned(),
        };
        let claims = plan.claims.iter().map(claim).collect();
        self.world.owners.push((owner, claims));
    }

    fn place(&mut self, plan: &AccountPlan) {
        let since = self.now.minus(days(plan.days.into()));
        let parent = plan.parent.and_then(|name| self.by_name.get(name));
        let parent = parent.and_then(|place| self.world.places.get(*place));
        let account = Account {
            id: AccountId::from_random(self.chance.bits()),
            provider: plan.provider.to_owned(),
            name: plan.name.to_owned(),
            // Nobody is ever asked for the keys of a demonstration.
            kind: AccountKind::Manual,
            parent_id: parent.map(|place| place.account.id),
            external_id: Some(plan.external_id.to_owned()),
            alias: (plan.provider == "aws").then(|| plan.name.replace("aws-", "example-")),
            contact: None,
            security_contact: None,
            access: Access::default(),
            sealed: None,
            secret: None,
            report_header: None,
            created_at: since,
            api_id: None,
            suspended_at: None,
        };
        self.by_name.insert(plan.name, self.world.places.len());
        let principals = Vec::new();
        self.world.places.push(Place { account, looks: plan.looks, since, principals });
    }

    /// The key of a story, and who it acts for.
    fn story(&mut self, story: &Story) {
        let Some((place, provider)) = self.found(story.account) else { return };
        let created = story.age.map(|age| self.now.minus(days(age)).minus(hours(3)));
        let mut life = self.life(place, provider, created);
        life.uses = self.uses(provider, story.habit, created, story.idle_hours);
        if let (Uses::Seen(rhythm), false) = (&mut life.uses, story.places.is_empty()) {
            rhythm.places = story.places;
        }
        life.principal = match story.who {
            Who::Root => Some(self.principal(place, ROOT_NAME, PrincipalKind::Root, None)),
            Who::App(name) => Some(self.principal(place, name, PrincipalKind::App, story.team)),
            Who::User(name) => Some(self.principal(place, name, PrincipalKind::User, story.team)),
        };
        if self.world.lives.iter().any(|other| other.principal == life.principal) {
            life.slot = life.slot.map(|_| 2);
        }
        life.expires_at = story.ends.map(|ends| self.in_days(ends));
        let at = |ago: i64| self.now.minus(days(ago)).plus(hours(2));
        let change = |turn: &super::stories::Turn| Change {
            at: at(turn.0),
            state: turn.1,
            word: turn.2,
            by: turn.3,
        };
        life.changes = story.turns.iter().map(change).collect();
        let saying = |(ago, by, said, why): &super::stories::Sentence| Saying {
            at: at(*ago),
            by,
            why,
            what: match said {
                Said::Exposed => What::Exposed,
                Said::KeepFor(count) => What::Keep(self.in_days((*count).into())),
                Said::Owner(name) => What::Owner(name),
                Said::WhereUsed(place) => What::WhereUsed(place),
            },
        };
        life.sayings = story.said.iter().map(saying).collect();
        self.world.lives.push(life);
    }

    /// The keys of a group, and those that they took the places of.
    fn group(&mut self, group: &Group) {
        let Some((place, provider)) = self.found(group.account) else { return };
        for number in 0..usize::try_from(group.keys).unwrap_or(0) {
            let name = self.name(group, number);
            let principal = self.principal(place, &name, group.kind, group.team);
            let age = self.chance.between(group.age.0, group.age.1);
            let created = self.now.minus(days(age)).minus(minutes(self.chance.between(1, 1_400)));
            let idle_hours = match group.habit {
                Habit::Ended(least, most) => 24 * self.chance.between(least, most.min(age - 5)),
                _ => 0,
            };
            let mut life = self.life(place, provider, Some(created));
            life.principal = Some(principal);
            life.expires_at = group.ends.map(|(least, most)| {
                let ends = self.chance.between(least, most);
                self.in_days(ends)
            });
            life.uses = self.uses(provider, group.habit, Some(created), idle_hours);
            let is_used = !matches!(group.habit, Habit::Ended(..) | Habit::Never);
            if is_used && age < 340 && !self.chance.once_in(FIRST_OF_ITS_KIND) {
                self.predecessors(&life, created, group.habit);
            }
            self.world.lives.push(life);
        }
    }

    /// The keys that `life` took the place of, one after the other: each gone some days after the
    /// next was made. In former times they were let grow old.
    fn predecessors(&mut self, life: &Life, created: Time, habit: Habit) {
        let (mut next, mut slot) = (created, life.slot);
        loop {
            let born = next.minus(days(self.chance.between(110, 480)));
            let gone = next.plus(hours(self.chance.between(30, 290)));
            let mut before = self.life(life.account, life.provider, Some(born));
            if gone <= before.found_at || gone > self.now.minus(days(1)) {
                return;
            }
            before.principal = life.principal;
            // The two places of a principal take turns.
            before.slot = slot.map(|slot| 3 - slot);
            slot = before.slot;
            before.uses = self.uses(life.provider, habit, Some(born), 0);
            if let Uses::Seen(rhythm) = &mut before.uses {
                rhythm.last = next.plus(hours(20));
            }
            let by = self.chance.pick(CLEANERS).copied();
            before.changes.push(Change { at: gone, state: State::Destroyed, word: None, by });
            self.world.lives.push(before);
            next = born;
        }
    }

    /// A key that somebody told of.
    fn told(&mut self, (account, label, age, owner, place_of_use): super::stories::Told) {
        let Some((place, provider)) = self.found(account) else { return };
        let created = age.map(|age| self.now.minus(days(age)));
        let mut life = self.life(place, provider, created);
        life.public_id = None;
        life.label = Some(label);
        let at = life.found_at;
        let mut say = |what| life.sayings.push(Saying { at, by: "mia", why: "told by hand", what });
        owner.map(What::Owner).into_iter().for_each(&mut say);
        place_of_use.map(What::WhereUsed).into_iter().for_each(&mut say);
        self.world.lives.push(life);
    }

    fn found(&self, account: &str) -> Option<(usize, &'static str)> {
        let place = *self.by_name.get(account)?;
        Some((place, ACCOUNTS.get(place)?.provider))
    }

    fn in_days(&self, count: i64) -> Time {
        match count < 0 {
            true => self.now.minus(days(-count)),
            false => self.now.plus(days(count)).plus(hours(5)),
        }
    }

    fn life(&mut self, place: usize, provider: &'static str, created: Option<Time>) -> Life {
        let since = self.world.places.get(place).map_or(self.now, |place| place.since);
        let public_id = match provider {
            // As in AWS's own examples.
            "aws" => format!("AKIA{}EXAMPLE", self.chance.letters(9)),
            _ => format!("example-{}", self.chance.letters(8).to_lowercase()),
        };
        Life {
            id: KeyId::from_random(self.chance.bits()),
            account: place,
            provider,
            principal: None,
            slot: (provider == "aws").then_some(1),
            label: None,
            public_id: Some(public_id),
            created_at: created,
            found_at: created.map_or(since, |created| since.max(created.plus(minutes(40)))),
            expires_at: None,
            uses: Uses::Untold,
            changes: Vec::new(),
            sayings: Vec::new(),
        }
    }

    fn uses(
        &mut self,
        provider: &str,
        habit: Habit,
        created: Option<Time>,
        idle_hours: i64,
    ) -> Uses {
        let period = match habit {
            Habit::Untold => return Uses::Untold,
            Habit::Never => return Uses::Never,
            Habit::Hourly => hours(1),
            Habit::Daily | Habit::Ended(..) => days(1),
            Habit::Weekly => days(7),
            Habit::Monthly => days(30),
            Habit::Quarterly => days(91),
        };
        let longest = period.as_micros() / 60_000_000;
        let idle = match idle_hours {
            0 => minutes(self.chance.between(6, longest - 1)),
            count => hours(count),
        };
        Uses::Seen(Rhythm {
            last: self.now.minus(idle),
            period,
            from: created.unwrap_or(self.now.minus(days(400))).plus(minutes(20)),
            places: places(provider),
            salt: self.chance.bits(),
        })
    }

    /// A name for a principal of a group.
    fn name(&mut self, group: &Group, number: usize) -> String {
        let from = if group.stem.is_empty() { PEOPLE } else { SERVICES };
        let word = self.chance.pick(from).copied().unwrap_or_default();
        let name = match group.stem {
            "" => format!("{word}@example.com"),
            stem => format!("{stem}-{word}"),
        };
        let place = self.by_name.get(group.account).and_then(|at| self.world.places.get(*at));
        let is_taken = |name: &str| {
            let mut all = place.iter().flat_map(|place| &place.principals);
            all.any(|one| one.principal.name == name)
        };
        match is_taken(&name) {
            false => name,
            true if group.stem.is_empty() => {
                let free = PEOPLE.iter().map(|person| format!("{person}@example.com"));
                free.into_iter().find(|name| !is_taken(name)).unwrap_or(name)
            }
            true => {
                let free = SERVICES.iter().map(|service| format!("{}-{service}", group.stem));
                let name = free.into_iter().find(|name| !is_taken(name));
                name.unwrap_or_else(|| format!("{}-{number}", group.stem))
            }
        }
    }

    /// The principal of a name, who is made if there is none.
    fn principal(
        &mut self,
        place: usize,
        name: &str,
        kind: PrincipalKind,
        team: Option<&str>,
    ) -> PrincipalId {
        let id = PrincipalId::from_random(self.chance.bits());
        let has_mfa = !self.chance.once_in(5);
        let Some(place) = self.world.places.get_mut(place) else { return id };
        if let Some(known) = place.principals.iter().find(|one| one.principal.name == name) {
            return known.id;
        }
        let account = &place.account;
        let number = account.external_id.clone().unwrap_or_default();
        let is_aws = account.provider == "aws";
        let reference = is_aws.then(|| match kind {
            PrincipalKind::Root => format!("arn:aws:iam::{number}:root"),
            _ => format!("arn:aws:iam::{number}:user/{name}"),
        });
        let tags =
            team.map(|team| (BTreeMap::from([(TEAM.to_owned(), team.to_owned())]), place.since));
        let is_person = kind != PrincipalKind::App;
        place.principals.push(PrincipalRecord {
            id,
            principal: Principal {
                provider: account.provider.clone().into(),
                account: number.into(),
                name: name.to_owned().into(),
                kind,
                has_password: is_aws.then_some(is_person),
                password_last_used: None,
                mfa: is_aws.then_some(is_person && has_mfa),
            },
            reference,
            is_admin: is_aws.then_some(kind == PrincipalKind::Root),
            tags,
            cells: None,
            first_seen_at: place.since,
            gone_at: None,
        });
        id
    }
}
