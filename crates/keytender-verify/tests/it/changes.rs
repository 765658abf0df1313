//! Snapshots and changes, in their order.

use keytender_core::id::AppId;
use keytender_verify::feed::{App, Changes, Key, Snapshot, State, What};
use keytender_verify::table::ApplyError;
use keytender_verify::{Reason, Table};

use crate::sample::{app, changes, key, refused, snapshot, token, verifier};

fn revoked(number: u64) -> What {
    What::PutKey(Key { state: State::Revoked, ..key(number) })
}

#[test]
fn changes_are_applied_once_and_in_order() {
    let verifier = verifier(vec![key(1), key(2)]);
    let table = verifier.table();
    let first = changes(10, [revoked(1), What::PutKey(key(3))]);
    table.apply(&first).unwrap();
    assert_eq!((table.seq(), table.len()), (Some(12), 3));
    assert_eq!(refused(&verifier, 1), Some(Reason::Revoked));
    assert_eq!(refused(&verifier, 3), None);
    table.apply(&changes(12, [What::PutKey(key(1))])).unwrap();
    table.apply(&first).unwrap();
    assert_eq!(refused(&verifier, 1), None, "what is applied is not applied again");
    let overlapping = changes(11, [What::PutKey(key(3)), revoked(1), revoked(2)]);
    table.apply(&overlapping).unwrap();
    assert_eq!((refused(&verifier, 1), refused(&verifier, 2)), (None, Some(Reason::Revoked)));
}

#[test]
fn numbers_may_have_gaps_but_nothing_may_be_missing() {
    let table = Table::new();
    assert_eq!(table.apply(&changes(0, [])), Err(ApplyError::NoSnapshot));
    table.load(&snapshot(vec![])).unwrap();
    let later = Changes { through: 500, ..changes(10, [revoked(1)]) };
    table.apply(&later).unwrap();
    assert_eq!(table.seq(), Some(500));
    assert_eq!(table.apply(&changes(501, [])), Err(ApplyError::Gap { applied: 500, after: 501 }));
    let mut mixed = changes(500, [revoked(1), revoked(2)]);
    mixed.changes.swap(0, 1);
    assert_eq!(table.apply(&mixed), Err(ApplyError::Disordered(501)));
    let beyond = Changes { through: 501, ..changes(500, [revoked(1), revoked(2)]) };
    assert_eq!(table.apply(&beyond), Err(ApplyError::Disordered(502)));
    assert_eq!(table.seq(), Some(500));
    let strange = Changes { version: 2, ..changes(500, []) };
    assert_eq!(table.apply(&strange), Err(ApplyError::Version(2)));
}

#[test]
fn a_key_that_is_removed_is_unknown_and_can_come_back() {
    let verifier = verifier(vec![key(1), key(2)]);
    let remove = What::RemoveKey { key: key(1).key, id: token(1).id() };
    verifier.table().apply(&changes(10, [remove.clone(), remove])).unwrap();
    assert_eq!((refused(&verifier, 1), verifier.table().len()), (Some(Reason::Unknown), 1));
    verifier.table().apply(&changes(12, [What::PutKey(key(1))])).unwrap();
    assert_eq!((refused(&verifier, 1), verifier.table().len()), (None, 2));
}

#[test]
fn a_key_without_its_app_is_unknown_until_the_app_comes() {
    let verifier = verifier(vec![key(1)]);
    let other = Key { app: AppId::from_i64(2), ..key(2) };
    verifier.table().apply(&changes(10, [What::PutKey(other)])).unwrap();
    assert_eq!(refused(&verifier, 2), Some(Reason::Unknown));
    verifier.table().apply(&changes(11, [What::PutApp(app(2))])).unwrap();
    assert_eq!(refused(&verifier, 2), None);
    verifier.table().apply(&changes(12, [What::RemoveApp { app: app(2).app }])).unwrap();
    assert_eq!((refused(&verifier, 2), refused(&verifier, 1)), (Some(Reason::Unknown), None));
}

#[test]
fn a_snapshot_takes_the_place_of_everything_once_it_is_whole() {
    let verifier = verifier(vec![key(1), key(2)]);
    let other = Key { app: AppId::from_i64(2), ..key(3) };
    let first = Snapshot { keys: vec![], apps: vec![app(2)], ..snapshot(vec![]) };
    let mut loader = verifier.table().loader(10);
    loader.add(&Snapshot { seq: 20, ..first.clone() }).unwrap();
    assert_eq!(refused(&verifier, 2), None, "keys are as they were");
    drop(loader);
    assert_eq!((refused(&verifier, 2), verifier.table().seq()), (None, Some(10)));

    let mut loader = verifier.table().loader(0);
    loader.add(&Snapshot { seq: 20, ..first }).unwrap();
    loader.add(&Snapshot { keys: vec![other], ..Snapshot::empty(25) }).unwrap();
    loader.finish().unwrap();
    assert_eq!(verifier.table().seq(), Some(20), "the first page is the oldest");
    assert_eq!(refused(&verifier, 3), None);
    assert_eq!(refused(&verifier, 1), Some(Reason::Unknown));
    verifier.table().apply(&changes(20, [What::PutKey(key(1))])).unwrap();
    assert_eq!(refused(&verifier, 1), Some(Reason::Unknown), "its app is not in the snapshot");
    let strange = Snapshot { version: 2, ..Snapshot::empty(0) };
    assert_eq!(verifier.table().load(&strange), Err(ApplyError::Version(2)));
}

#[test]
fn a_table_grows_and_forgets_without_losing_a_key() {
    let verifier = verifier(vec![]);
    let mut seq = 10;
    let mut change = |what| {
        verifier.table().apply(&changes(seq, [what])).unwrap();
        seq += 1;
    };
    for number in 0..3_000 {
        let label = Some(format!("key {number}"));
        change(What::PutKey(Key { label, ..key(number) }));
        if number >= 1_000 {
            let gone = key(number - 1_000);
            change(What::RemoveKey { key: gone.key, id: gone.id });
        }
    }
    assert_eq!(verifier.table().len(), 1_000);
    for number in 0..3_000 {
        let expected = (number < 2_000).then_some(Reason::Unknown);
        assert_eq!(refused(&verifier, number), expected, "{number}");
    }
    let good = crate::sample::accepted(&verifier, 2_500);
    assert_eq!(good.label(), Some("key 2500"));
}

#[test]
fn a_key_takes_less_than_a_hundred_bytes_however_full_the_table_is() {
    let verifier = verifier((0..2_000).map(key).collect());
    let table = verifier.table();
    for (seq, number) in (10..).zip(2_000..6_000) {
        table.apply(&changes(seq, [What::PutKey(key(number))])).unwrap();
        let bytes = table.slot_bytes() / table.len();
        assert!((72..=84).contains(&bytes), "{bytes} with {number}");
    }
}

#[test]
fn the_feed_is_written_as_it_is_documented() {
    let full = Key { scopes: vec!["read".into()], label: Some("ci".into()), ..key(1) };
    let snapshot =
        Snapshot { apps: vec![App { is_suspended: true, ..app(1) }], ..snapshot(vec![full]) };
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    let digest = "\"digest\":\"";
    assert_eq!(text.split(digest).nth(1).unwrap().find('"'), Some(43));
    let remove = What::RemoveKey { key: key(1).key, id: token(1).id() };
    let all = changes(10, [revoked(1), What::PutApp(app(1)), remove]);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Changes>(&text).unwrap(), all);
    assert!(
        text.contains(r#"{"seq":13,"what":{"kind":"remove_key","key":"key_0000000000001","id":""#)
    );
    for wrong in [text.replace("\"digest\":\"", "\"digest\":\"!"), text.replace("remove_key", "x")]
    {
        assert!(serde_json::from_str::<Changes>(&wrong).is_err());
    }
}

#[test]
fn every_key_of_a_table_that_is_nearly_full_is_found_changed_and_forgotten() {
    // As many as fit before there are more slots: of some keys both groups are full.
    let (loaded, all) = (8_000, 9_000);
    let verifier = verifier((0..loaded).map(key).collect());
    let table = verifier.table();
    let bytes = table.slot_bytes();
    table.apply(&changes(10, (loaded..all).map(|number| What::PutKey(key(number))))).unwrap();
    assert_eq!((table.slot_bytes(), table.len()), (bytes, 9_000), "it has not grown");
    assert!((0..all).all(|number| refused(&verifier, number).is_none()));
    assert!((all..2 * all).all(|number| refused(&verifier, number) == Some(Reason::Unknown)));
    let seq = table.seq().unwrap();
    table.apply(&changes(seq, (0..all).map(revoked))).unwrap();
    assert_eq!(table.len(), 9_000, "a change makes no second key");
    assert!((0..all).all(|number| refused(&verifier, number) == Some(Reason::Revoked)));
    let forget = |number| What::RemoveKey { key: key(number).key, id: token(number).id() };
    table.apply(&changes(table.seq().unwrap(), (0..all).map(forget))).unwrap();
    assert!(table.is_empty());
    assert!((0..all).all(|number| refused(&verifier, number) == Some(Reason::Unknown)));
}

#[test]
fn keys_that_wait_for_their_first_use_are_counted() {
    let pending = |number| Key { state: State::Pending, ..key(number) };
    let verifier = verifier(vec![key(1), pending(2), pending(3)]);
    let table = verifier.table();
    assert_eq!(table.pending(), 2);
    table.apply(&changes(10, [What::PutKey(key(2)), What::PutKey(pending(3))])).unwrap();
    assert_eq!(table.pending(), 1);
    let more = (4..100).map(|number| What::PutKey(pending(number)));
    table.apply(&changes(12, more)).unwrap();
    assert_eq!(table.pending(), 97, "it has grown");
    let forget = |number| What::RemoveKey { key: key(number).key, id: token(number).id() };
    let seq = table.seq().unwrap();
    table.apply(&changes(seq, (1..100).chain(1..100).map(forget))).unwrap();
    assert_eq!(table.pending(), 0);
}
