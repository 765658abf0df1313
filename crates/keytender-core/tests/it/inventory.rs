//! What a listing changes: nothing is forgotten, nothing known becomes unknown, and only a second
//! newer listing makes a missing key destroyed.

use std::collections::BTreeSet;

use keytender_core::inventory::{
    Changes, Event, KeyRecord, Known, Listed, Listing, PrincipalRecord, Sighting, blind_spot, plan,
};
use keytender_core::key::{Key, LastUse, Principal, PrincipalKind, State, Use};
use keytender_core::time::{Span, Time};

use crate::time;

fn day(day: u32) -> Time {
    time("2026-11-01T00:00:00Z").plus(Span::days(day))
}

fn key(id: &str) -> Key<'static> {
    Key {
        id: Some(id.to_owned().into()),
        principal: Some("deploy".into()),
        created_at: Some(time("2026-01-01T00:00:00Z")),
        last_used: LastUse::Never { since: time("2026-01-01T00:00:00Z") },
        ..Key::new("aws")
    }
}

fn used(id: &str, at: Time) -> Key<'static> {
    let used = Use { at, region: Some("eu-west-1".into()), service: Some("s3".into()) };
    Key { last_used: LastUse::Used(used), ..key(id) }
}

fn principal() -> Principal<'static> {
    Principal {
        provider: "aws".into(),
        account: "111111111111".into(),
        name: "deploy".into(),
        kind: PrincipalKind::User,
        has_password: Some(false),
        password_last_used: None,
        mfa: Some(false),
    }
}

/// An account with a memory, as a database would keep it.
#[derive(Default)]
struct Memory {
    principals: Vec<PrincipalRecord>,
    keys: Vec<KeyRecord>,
    sightings: Vec<Sighting>,
    ids: u64,
}

impl Memory {
    fn see(&mut self, at: Time, keys: Vec<Key<'static>>) -> Changes {
        self.see_as_of(at, at, keys)
    }

    fn see_as_of(&mut self, at: Time, reported_at: Time, keys: Vec<Key<'static>>) -> Changes {
        let listed = Listed {
            principal: principal(),
            reference: None,
            tags: None,
            is_admin: None,
            cells: None,
            observed_at: reported_at,
            keys,
        };
        let principals = vec![listed];
        self.apply(Listing { observed_at: at, principals, unseen: BTreeSet::new() }, reported_at)
    }

    fn apply(&mut self, listing: Listing, reported_at: Time) -> Changes {
        let sighting = Sighting {
            observed_at: listing.observed_at,
            reported_at: Some(reported_at),
            unseen: listing.unseen.clone(),
        };
        let known = Known {
            principals: self.principals.clone(),
            keys: self.keys.clone(),
            sightings: self.sightings.clone(),
        };
        let ids = &mut self.ids;
        let changes = plan(known, listing, || {
            *ids += 2;
            *ids
        });
        for record in &changes.principals {
            self.principals.retain(|known| known.id != record.id);
            self.principals.push(record.clone());
        }
        for record in &changes.keys {
            self.keys.retain(|known| known.id != record.id);
            self.keys.push(record.clone());
        }
        self.sightings.insert(0, sighting);
        changes
    }

    fn key(&self, id: &str) -> &KeyRecord {
        self.keys.iter().find(|record| record.key.id.as_deref() == Some(id)).unwrap()
    }
}

fn events(changes: &Changes) -> Vec<Event> {
    changes.events.iter().map(|(_, event)| *event).collect()
}

#[test]
fn a_listing_without_a_change_writes_nothing() {
    let mut memory = Memory::default();
    let first = memory.see(day(1), vec![key("A"), used("B", day(0))]);
    assert_eq!(events(&first), [Event::Found, Event::Found]);
    assert_eq!(first.uses.len(), 1);
    assert!(memory.see(day(2), vec![key("A"), used("B", day(0))]).is_empty());
}

#[test]
fn a_key_is_destroyed_after_two_listings_newer_than_its_last_sighting() {
    let mut memory = Memory::default();
    memory.see(day(1), vec![key("A")]);
    memory.see(day(2), vec![key("A")]);
    assert_eq!(events(&memory.see(day(3), vec![])), [Event::Missing]);
    let missing = memory.key("A");
    assert_eq!(missing.key.state, State::Active);
    assert_eq!((missing.missing_since, missing.last_seen_at), (Some(day(3)), Some(day(2))));
    assert!(memory.see(day(3), vec![]).is_empty(), "the same listing again proves nothing");
    assert_eq!(events(&memory.see(day(4), vec![])), [Event::Destroyed]);
    let destroyed = memory.key("A");
    assert_eq!(destroyed.key.state, State::Destroyed);
    assert_eq!(destroyed.last_seen_at, Some(day(2)));
    assert!(memory.see(day(5), vec![]).is_empty());
}

#[test]
fn a_key_that_comes_back_was_not_destroyed() {
    let mut memory = Memory::default();
    memory.see(day(1), vec![key("A")]);
    memory.see(day(2), vec![]);
    assert_eq!(events(&memory.see(day(3), vec![key("A")])), [Event::Back]);
    assert_eq!(memory.key("A").missing_since, None);
    assert_eq!(events(&memory.see(day(4), vec![])), [Event::Missing]);
}

#[test]
fn a_cached_report_proves_nothing() {
    let mut memory = Memory::default();
    let root = || Key { id: None, slot: Some(1), ..key("") };
    memory.see_as_of(day(1), day(1), vec![root()]);
    memory.see_as_of(day(5), day(4), vec![]);
    assert!(memory.see_as_of(day(6), day(4), vec![]).is_empty());
    assert_eq!(memory.keys[0].key.state, State::Active);
    assert_eq!(events(&memory.see_as_of(day(7), day(7), vec![])), [Event::Destroyed]);
}

#[test]
fn a_principal_whose_keys_could_not_be_listed_loses_none() {
    let mut memory = Memory::default();
    memory.see(day(1), vec![key("A")]);
    for at in [day(2), day(3), day(4)] {
        let listing = Listing {
            observed_at: at,
            principals: Vec::new(),
            unseen: BTreeSet::from(["deploy".to_owned()]),
        };
        assert!(memory.apply(listing, at).is_empty());
    }
    assert_eq!(memory.key("A").missing_since, None);
}

#[test]
fn a_principal_that_is_gone_takes_its_keys_along_after_two_listings() {
    let mut memory = Memory::default();
    memory.see(day(1), vec![key("A")]);
    for at in [day(2), day(3)] {
        let listing = Listing { observed_at: at, principals: Vec::new(), unseen: BTreeSet::new() };
        memory.apply(listing, at);
    }
    assert_eq!(memory.key("A").key.state, State::Destroyed);
    assert_eq!(memory.principals[0].gone_at, Some(day(2)));
}

#[test]
fn unknown_and_older_stamps_never_replace_what_is_known() {
    let mut memory = Memory::default();
    memory.see(day(5), vec![used("A", day(4))]);
    let denied = Key { last_used: LastUse::unknown("denied"), ..key("A") };
    assert!(memory.see(day(6), vec![denied]).is_empty());
    assert!(memory.see(day(7), vec![key("A")]).is_empty(), "never after used");
    let older = memory.see(day(8), vec![used("A", day(3))]);
    assert_eq!(memory.key("A").key.last_used.used_at(), Some(day(4)));
    assert_eq!(older.uses.len(), 1, "a use that was not known is kept all the same");
}

#[test]
fn four_uses_tell_the_cadence() {
    let mut memory = Memory::default();
    for (seen, at) in [(1, 0), (3, 2), (9, 8)] {
        memory.see(day(seen), vec![used("A", day(at))]);
        assert_eq!(memory.key("A").key.cadence, None);
    }
    memory.see(day(10), vec![used("A", day(9))]);
    assert_eq!(memory.key("A").key.cadence, Some(Span::days(6)));
}

#[test]
fn since_when_a_key_is_suspended_is_known_only_if_it_was_seen_to_work() {
    let mut memory = Memory::default();
    let suspended = |id: &str| Key { state: State::Suspended, ..key(id) };
    memory.see(day(1), vec![key("A"), suspended("B")]);
    assert_eq!(
        events(&memory.see(day(2), vec![suspended("A"), suspended("B")])),
        [Event::Suspended]
    );
    assert_eq!(memory.key("A").key.suspended_since, Some(day(2)));
    assert_eq!(memory.key("B").key.suspended_since, None);
    assert_eq!(memory.key("B").suspended_seen_at, Some(day(1)));
    assert_eq!(events(&memory.see(day(3), vec![key("A"), suspended("B")])), [Event::Resumed]);
    assert_eq!(memory.key("A").suspended_seen_at, None);
}

#[test]
fn a_key_of_a_report_without_ids_is_known_again_by_its_creation() {
    let mut memory = Memory::default();
    let reported = Key { id: None, slot: Some(2), ..key("") };
    memory.see(day(1), vec![reported]);
    let changes = memory.see(day(2), vec![key("A")]);
    assert!(changes.events.is_empty());
    assert_eq!(memory.keys.len(), 1);
    assert_eq!(memory.key("A").key.slot, Some(2));
}

#[test]
fn twins_without_ids_are_known_again_by_their_slots() {
    let mut memory = Memory::default();
    let twin = |slot: u8| Key { id: None, slot: Some(slot), ..key("") };
    memory.see(day(1), vec![twin(1), twin(2)]);
    assert!(memory.see(day(2), vec![twin(1), twin(2)]).is_empty());
}

/// A principal of this name with these keys.
fn listed(name: &'static str, at: Time, keys: Vec<Key<'static>>) -> Listed {
    Listed {
        principal: Principal { name: name.into(), ..principal() },
        reference: None,
        tags: None,
        is_admin: None,
        cells: None,
        observed_at: at,
        keys,
    }
}

#[test]
fn a_renamed_principal_keeps_its_keys() {
    for (before, after) in [("ann", "zoe"), ("zoe", "ann")] {
        let mut memory = Memory::default();
        let see = |memory: &mut Memory, at, name| {
            let principals =
                vec![listed("mia", at, vec![key("B")]), listed(name, at, vec![key("A")])];
            memory.apply(Listing { observed_at: at, principals, unseen: BTreeSet::new() }, at)
        };
        see(&mut memory, day(1), before);
        let id = memory.key("A").id;
        let changes = see(&mut memory, day(2), after);
        assert_eq!(events(&changes), []);
        assert_eq!(memory.keys.len(), 2);
        let holder = memory.principals.iter().find(|one| one.principal.name == after).unwrap();
        assert_eq!((memory.key("A").id, memory.key("A").principal_id), (id, Some(holder.id)));
        let gone = memory.principals.iter().find(|one| one.principal.name == before).unwrap();
        assert_eq!(gone.gone_at, Some(day(2)));
        assert!(see(&mut memory, day(3), after).is_empty());
    }
}

#[test]
fn keys_of_a_kind_or_a_place_that_could_not_be_listed_are_not_missing() {
    let token = |id: &str, project: &str| Key {
        key_type: Some("token".into()),
        within: vec!["org".to_owned(), project.to_owned()],
        ..key(id)
    };
    for (spot, keeps) in [
        (blind_spot("token", &[]), true),
        (blind_spot("token", &["org".to_owned(), "one".to_owned()]), true),
        (blind_spot("token", &["org".to_owned()]), true),
        (blind_spot("token", &["org".to_owned(), "two".to_owned()]), false),
        (blind_spot("secret", &[]), false),
    ] {
        let mut memory = Memory::default();
        memory.see(day(1), vec![token("A", "one"), key("B")]);
        for at in [day(2), day(3)] {
            let principals = vec![listed("deploy", at, vec![key("B")])];
            let unseen = BTreeSet::from([spot.clone()]);
            memory.apply(Listing { observed_at: at, principals, unseen }, at);
        }
        assert_eq!(memory.key("A").key.state == State::Active, keeps, "{spot}");
        // Nor is who holds only such keys.
        for at in [day(4), day(5)] {
            let unseen = BTreeSet::from([spot.clone()]);
            memory.apply(Listing { observed_at: at, principals: Vec::new(), unseen }, at);
        }
        assert_eq!(memory.principals[0].gone_at.is_none(), keeps, "{spot}");
    }
}

#[test]
fn two_kinds_may_have_keys_of_one_id() {
    let of_kind = |kind: &'static str| Key { key_type: Some(kind.into()), ..key("1") };
    let mut memory = Memory::default();
    memory.see(day(1), vec![of_kind("personal"), of_kind("project")]);
    assert_eq!(memory.keys.len(), 2);
    assert!(memory.see(day(2), vec![of_kind("project"), of_kind("personal")]).is_empty());
}
