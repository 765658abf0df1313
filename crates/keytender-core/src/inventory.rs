//! The inventory: what is remembered of keys, and what a new listing changes in it.
//!
//! [`plan`] is pure: it is given what is known and what was seen, and says what to write. Nothing
//! is forgotten, and nothing that was known becomes unknown: a key that is missing from one listing
//! is missing, and only a second, newer one makes it destroyed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::id::{KeyId, PrincipalId};
use crate::key::{Key, LastUse, Principal, State, Use};
use crate::time::{Span, Time};

mod merge;

/// How many distinct uses must be known before the largest gap between them says how often a key
/// is used: three gaps.
pub const MIN_USES_FOR_CADENCE: u32 = 4;

/// A principal as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRecord {
    /// Our id.
    pub id: PrincipalId,
    /// What is known of it.
    pub principal: Principal<'static>,
    /// The provider's full name of it (AWS: its ARN).
    pub reference: Option<String>,
    /// Its tags, and when they were read.
    pub tags: Option<(BTreeMap<String, String>, Time)>,
    /// Whether it may do everything in its account; `None` if that is not known.
    pub is_admin: Option<bool>,
    /// Its record in the provider's credential report, cell by cell.
    pub cells: Option<Vec<String>>,
    /// Since when it is known.
    pub first_seen_at: Time,
    /// The first listing in which it was missing.
    pub gone_at: Option<Time>,
}

/// A key as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Our id.
    pub id: KeyId,
    /// Who it acts for.
    pub principal_id: Option<PrincipalId>,
    /// What is known of it. What its principal and account say is there too.
    pub key: Key<'static>,
    /// How many distinct uses are known.
    pub uses: u32,
    /// The largest gap between two of them.
    pub largest_gap: Option<Span>,
    /// Since when it is seen to be suspended.
    pub suspended_seen_at: Option<Time>,
    /// Since when it is known.
    pub first_seen_at: Time,
    /// The first listing in which it was missing.
    pub missing_since: Option<Time>,
    /// The last listing in which it was seen, once it is missing.
    pub last_seen_at: Option<Time>,
}

impl KeyRecord {
    /// The record of a key of which only `key` is known, since `first_seen_at`: no use, no principal.
    pub const fn new(id: KeyId, key: Key<'static>, first_seen_at: Time) -> Self {
        Self {
            id,
            principal_id: None,
            key,
            uses: 0,
            largest_gap: None,
            suspended_seen_at: None,
            first_seen_at,
            missing_since: None,
            last_seen_at: None,
        }
    }

    /// Fills in what policies are told of the record's history.
    pub fn derive(&mut self) {
        self.key.seen_since = Some(self.first_seen_at);
        self.key.cadence = cadence(self.uses, self.largest_gap);
        self.key.suspended_since = suspended_since(self.suspended_seen_at, self.first_seen_at);
    }
}

/// How often a key is used of which so many uses are known, with this largest gap between two.
pub fn cadence(uses: u32, largest_gap: Option<Span>) -> Option<Span> {
    largest_gap.filter(|_| uses >= MIN_USES_FOR_CADENCE)
}

/// Since when a key is suspended that is seen to be so since `seen_at`, and known since
/// `first_seen_at`: of one that was suspended when we first saw it nobody knows.
pub fn suspended_since(seen_at: Option<Time>, first_seen_at: Time) -> Option<Time> {
    seen_at.filter(|at| *at != first_seen_at)
}

/// What an account showed.
#[derive(Clone, Debug)]
pub struct Listing {
    /// When it was asked.
    pub observed_at: Time,
    /// Its principals with their keys.
    pub principals: Vec<Listed>,
    /// The names of principals whose keys could not be listed, and [`blind_spot`]s: what is not seen
    /// there may be there all the same.
    pub unseen: BTreeSet<String>,
}

/// The name of keys of one kind that could not be listed: all of them, or those in some resource.
/// `within` are the ids of the resource and of those that it stands in, the outermost first.
pub fn blind_spot(key_type: &str, within: &[String]) -> String {
    match within {
        [] => format!("keys: {key_type}"),
        within => format!("keys: {key_type} in {}", within.join("/")),
    }
}

/// Whether keys like this one, of this principal, could not be listed.
fn is_unseen(unseen: &BTreeSet<String>, key: &Key<'_>, principal: &str) -> bool {
    let in_spot = |key_type: &str| {
        (0..=key.within.len())
            .filter_map(|to| key.within.get(..to))
            .any(|within| unseen.contains(&blind_spot(key_type, within)))
    };
    !unseen.is_empty()
        && (unseen.contains(principal) || key.key_type.as_deref().is_some_and(in_spot))
}

/// A principal and all of its keys.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The principal.
    pub principal: Principal<'static>,
    /// The provider's full name of it.
    pub reference: Option<String>,
    /// Its tags, if they were read now.
    pub tags: Option<BTreeMap<String, String>>,
    /// Whether it may do everything in its account; `None` if that is not known.
    pub is_admin: Option<bool>,
    /// Its record in the credential report, if there is one.
    pub cells: Option<Vec<String>>,
    /// When this was so; a cached report is older than the listing.
    pub observed_at: Time,
    /// Its keys.
    pub keys: Vec<Key<'static>>,
}

/// An earlier look at the account.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// When.
    pub observed_at: Time,
    /// How old the credential report was that it used.
    pub reported_at: Option<Time>,
    /// Whose keys were not listed.
    pub unseen: BTreeSet<String>,
}

/// What is known of an account before a listing.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its principals.
    pub principals: Vec<PrincipalRecord>,
    /// Its keys.
    pub keys: Vec<KeyRecord>,
    /// The earlier looks at it, newest first.
    pub sightings: Vec<Sighting>,
}

/// What a listing changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// New and changed principals.
    pub principals: Vec<PrincipalRecord>,
    /// Those of them of which more than a use is new.
    pub notable: Vec<PrincipalId>,
    /// New and changed keys.
    pub keys: Vec<KeyRecord>,
    /// Uses that were not known.
    pub uses: Vec<(KeyId, Use<'static>)>,
    /// What happened, for people and programs.
    pub events: Vec<(KeyId, Event)>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.principals.is_empty() && self.keys.is_empty() && self.uses.is_empty()
    }
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was not known before.
    Found,
    /// Its secret was changed in place.
    Rotated,
    /// It does not work for now.
    Suspended,
    /// It works again.
    Resumed,
    /// Its name, its place or its end is another.
    Changed,
    /// It was used, as never before.
    FirstUsed,
    /// A listing does not show it any more.
    Missing,
    /// It is there after all.
    Back,
    /// A second listing does not show it either.
    Destroyed,
    /// It was found where a secret must not be.
    Exposed,
}

impl Event {
    /// The word in the history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Rotated => "rotated",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Changed => "changed",
            Self::FirstUsed => "first-used",
            Self::Missing => "missing",
            Self::Back => "back",
            Self::Destroyed => "destroyed",
            Self::Exposed => "exposed",
        }
    }
}

/// What `listing` changes in what is `known`; `random` gives the bits of new ids.
pub fn plan(known: Known, listing: Listing, random: impl FnMut() -> u64) -> Changes {
    let mut planner = Planner {
        by_name: HashMap::new(),
        keys: HashMap::new(),
        sightings: known.sightings,
        unseen: listing.unseen,
        random,
        changes: Changes::default(),
    };
    let mut names = HashMap::new();
    for principal in known.principals {
        let name = principal.principal.name.to_string();
        names.insert(principal.id, name.clone());
        planner.by_name.insert(name, principal);
    }
    let shown = holders(&listing.principals);
    for key in known.keys {
        // Who moved is who holds it now: a renamed user keeps their keys.
        let now =
            key.key.id.as_deref().and_then(|id| shown.get(&(key.key.key_type.as_deref(), id)));
        let before = || key.principal_id.and_then(|id| names.get(&id)).map(String::as_str);
        if let Some(name) = now.copied().or_else(before).map(str::to_owned) {
            planner.keys.entry(name).or_default().push(key);
        }
    }
    drop(shown);
    let mut seen = HashSet::new();
    for listed in listing.principals {
        seen.insert(listed.principal.name.to_string());
        planner.listed(listed);
    }
    let absent: Vec<PrincipalRecord> = planner
        .by_name
        .values()
        .filter(|record| {
            let name = record.principal.name.as_ref();
            !seen.contains(name) && !planner.unseen.contains(name)
        })
        .cloned()
        .collect();
    for record in absent {
        planner.absent(record, listing.observed_at);
    }
    planner.changes
}

/// Under which principal each key is listed, by its kind and the provider's id.
fn holders(principals: &[Listed]) -> HashMap<(Option<&str>, &str), &str> {
    let keys = principals.iter().flat_map(|listed| {
        listed.keys.iter().map(move |key| (key, listed.principal.name.as_ref()))
    });
    keys.filter_map(|(key, name)| Some(((key.key_type.as_deref(), key.id.as_deref()?), name)))
        .collect()
}

struct Planner<R> {
    by_name: HashMap<String, PrincipalRecord>,
    /// The known keys, by the name of who holds them now.
    keys: HashMap<String, Vec<KeyRecord>>,
    sightings: Vec<Sighting>,
    unseen: BTreeSet<String>,
    random: R,
    changes: Changes,
}

impl<R: FnMut() -> u64> Planner<R> {
    /// A principal that the listing shows, and its keys.
    fn listed(&mut self, listed: Listed) {
        let known = self.by_name.get(listed.principal.name.as_ref());
        let record = match known {
            Some(known) => merge::principal(known, &listed),
            None => PrincipalRecord {
                id: PrincipalId::from_random((self.random)()),
                principal: listed.principal.clone(),
                reference: listed.reference.clone(),
                tags: listed.tags.clone().map(|tags| (tags, listed.observed_at)),
                is_admin: listed.is_admin,
                cells: listed.cells.clone(),
                first_seen_at: listed.observed_at,
                gone_at: None,
            },
        };
        let mut earlier = self.keys.remove(listed.principal.name.as_ref()).unwrap_or_default();
        let tags_changed = known.is_some_and(|known| {
            known.tags.as_ref().map(|(tags, _)| tags) != record.tags.as_ref().map(|(tags, _)| tags)
        });
        if known != Some(&record) {
            if known.is_none_or(|known| merge::is_notable(known, &record)) {
                self.changes.notable.push(record.id);
            }
            self.changes.principals.push(record.clone());
        }
        for key in &listed.keys {
            match merge::matching(&earlier, key, &listed.keys) {
                Some(place) => {
                    let known = earlier.swap_remove(place);
                    let is_moved = known.principal_id != Some(record.id);
                    let known = KeyRecord { principal_id: Some(record.id), ..known };
                    self.seen(known, key, &listed, tags_changed || is_moved);
                }
                None => self.found(key, &listed, record.id),
            }
        }
        let name = record.principal.name.to_string();
        for known in earlier {
            self.missing(known, listed.observed_at, &name);
        }
    }

    /// A key that is known and was seen again.
    fn seen(&mut self, known: KeyRecord, key: &Key<'static>, listed: &Listed, is_changed: bool) {
        let mut record = merge::key(&known, key, listed.observed_at);
        if let Some(used) = merge::new_use(&known, key) {
            merge::count_use(&mut record, &known, &used);
            self.changes.uses.push((record.id, used));
        }
        record.derive();
        merge::events(&known, &record, |event| self.changes.events.push((record.id, event)));
        if record != known || is_changed {
            self.changes.keys.push(record);
        }
    }

    /// A key that was not known.
    fn found(&mut self, key: &Key<'static>, listed: &Listed, principal_id: PrincipalId) {
        let id = KeyId::from_random((self.random)());
        let at = listed.observed_at;
        let mut record = KeyRecord {
            principal_id: Some(principal_id),
            suspended_seen_at: (key.state == State::Suspended).then_some(at),
            ..KeyRecord::new(id, key.clone(), at)
        };
        if let LastUse::Used(used) = &key.last_used {
            record.uses = 1;
            self.changes.uses.push((id, used.clone()));
        }
        record.derive();
        self.changes.events.push((id, Event::Found));
        self.changes.keys.push(record);
    }

    /// A principal that the listing does not show: so are its keys.
    fn absent(&mut self, mut record: PrincipalRecord, at: Time) {
        let name = record.principal.name.to_string();
        let keys = self.keys.remove(&name).unwrap_or_default();
        let is_hidden = keys.iter().any(|key| is_unseen(&self.unseen, &key.key, &name));
        for known in keys {
            self.missing(known, at, &name);
        }
        if is_hidden {
            return;
        }
        if record.gone_at.is_none() && record.first_seen_at < at {
            record.gone_at = Some(at);
            self.changes.notable.push(record.id);
            self.changes.principals.push(record);
        }
    }

    /// A key that a listing of its principal does not show.
    fn missing(&mut self, known: KeyRecord, at: Time, principal: &str) {
        if known.key.state == State::Destroyed || is_unseen(&self.unseen, &known.key, principal) {
            return;
        }
        let mut record = known;
        match record.missing_since {
            None => {
                let last_seen_at = self.last_sighting(&record, principal, at);
                // An older listing than the last sighting, such as a cached report, says nothing.
                if at <= last_seen_at {
                    return;
                }
                record.last_seen_at = Some(last_seen_at);
                record.missing_since = Some(at);
                self.changes.events.push((record.id, Event::Missing));
            }
            Some(first) if at > first => {
                record.key.state = State::Destroyed;
                record.key.provider_state = None;
                record.suspended_seen_at = None;
                record.derive();
                self.changes.events.push((record.id, Event::Destroyed));
            }
            Some(_) => return,
        }
        self.changes.keys.push(record);
    }

    /// When a key that is missing now was last seen: nothing is written while a key is there, so
    /// the earlier looks tell.
    fn last_sighting(&self, record: &KeyRecord, principal: &str, at: Time) -> Time {
        let is_reported_only = record.key.id.is_none();
        let looked = self
            .sightings
            .iter()
            .filter(|sighting| !is_unseen(&sighting.unseen, &record.key, principal))
            .filter_map(|sighting| match is_reported_only {
                true => sighting.reported_at,
                false => Some(sighting.observed_at),
            })
            .find(|seen| *seen <= at);
        looked.map_or(record.first_seen_at, |looked| looked.max(record.first_seen_at))
    }
}
