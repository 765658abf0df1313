//! Uses are counted in a file that outlives the program.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use keytender_core::id::KeyId;
use keytender_core::token::TokenId;
use keytender_verify::feed::{Batch, Place, Row, State};
use keytender_verify::usage::{Health, Usage, UsageError};
use keytender_verify::{Request, Verifier};
use tempfile::TempDir;

use crate::sample::{at, key, text, time, token, verifier};

/// Where the records of a file begin: after the head and 4,096 names.
pub(crate) const RECORDS: usize = 4_096 + 4_096 * 64;
const ALL: usize = 1_000_000;

pub(crate) fn id(number: u64) -> KeyId {
    // Spread as random ids are.
    KeyId::from_random(number.wrapping_add(1).wrapping_mul(0xd134_2543_de82_ef95))
}

/// The public id of its tokens.
pub(crate) fn public(number: u64) -> TokenId {
    token(number).id()
}

/// Opens a file that must be whole.
pub(crate) fn open(path: &Path) -> Arc<Usage> {
    let opened = Usage::open(path, "node-1", 0, 77).unwrap();
    assert_eq!(opened.damaged, 0);
    opened.usage
}

pub(crate) fn use_once(usage: &Usage, number: u64, seconds: i64) -> bool {
    usage.record(id(number), public(number), &Request::default(), time(seconds))
}

/// The batch as it is, and its receipt.
fn told(usage: &Usage) -> BTreeMap<KeyId, Row> {
    let Some(batch) = usage.batch(ALL) else { return BTreeMap::new() };
    assert!(usage.acknowledge(batch.sequence));
    batch.rows.iter().map(|row| (row.key, row.clone())).collect()
}

#[test]
fn a_use_is_told_with_its_time_address_program_and_place() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    let from = |address: &str, service| Request {
        address: Some(address.parse().unwrap()),
        region: Some("eu-1"),
        service: Some(service),
        agent: Some("curl"),
        ..Request::default()
    };
    assert!(usage.record(id(1), public(1), &from("192.0.2.1", "mail"), time(5)));
    assert!(!usage.record(id(1), public(1), &from("2001:db8::1", "mail"), time(9)));
    assert!(!usage.record(id(1), public(1), &from("192.0.2.9", "files"), time(9)));
    assert!(!usage.record(id(1), public(1), &from("192.0.2.9", "mail"), time(2)), "a late one");
    assert!(use_once(&usage, 2, 7));
    let batch = usage.batch(ALL).unwrap();
    assert_eq!((batch.node.as_str(), batch.epoch, batch.sequence), ("node-1", usage.epoch(), 1));
    let rows = told(&usage);
    let place = |service: &str| Place {
        region: Some("eu-1".into()),
        service: Some(service.into()),
        last_used_at: time(9),
    };
    let mut places = rows[&id(1)].places.clone();
    places.sort_by_key(|place| place.service.clone());
    let expected = Row {
        key: id(1),
        count: 4,
        last_used_at: time(9),
        address: Some("2001:db8::1".parse().unwrap()),
        agent: Some("curl".into()),
        places: rows[&id(1)].places.clone(),
    };
    assert_eq!((rows[&id(1)].clone(), places), (expected, vec![place("files"), place("mail")]));
    let plain = &rows[&id(2)];
    assert_eq!((plain.count, plain.address, plain.agent.as_deref()), (1, None, None));
    assert!(usage.batch(ALL).is_none(), "nothing is new");
    let json = serde_json::to_string(batch.as_ref()).unwrap();
    assert_eq!(serde_json::from_str::<Batch>(&json).unwrap(), *batch);
}

#[test]
fn a_batch_is_given_out_as_it_was_until_it_is_acknowledged() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    use_once(&usage, 1, 0);
    let batch = usage.batch(ALL).unwrap();
    use_once(&usage, 1, 1);
    use_once(&usage, 2, 1);
    assert_eq!(usage.batch(ALL), Some(Arc::clone(&batch)));
    assert!(!usage.acknowledge(batch.sequence + 1), "another one");
    assert_eq!(usage.batch(ALL), Some(batch));
    assert!(usage.acknowledge(1));
    assert!(!usage.acknowledge(1));
    let rows = told(&usage);
    assert_eq!((rows[&id(1)].count, rows[&id(2)].count), (2, 1));
}

#[test]
fn what_is_not_acknowledged_is_told_after_a_restart_and_counts_go_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let usage = open(&path);
    let epoch = usage.epoch();
    let mail = Request { service: Some("mail"), ..Request::default() };
    usage.record(id(1), public(1), &mail, time(0));
    use_once(&usage, 2, 0);
    assert_eq!(told(&usage).len(), 2);
    usage.record(id(1), public(1), &mail, time(3));
    let lost = usage.batch(ALL).unwrap();
    drop(usage);

    let usage = open(&path);
    assert_eq!(
        (usage.epoch(), usage.count(id(1), public(1)), usage.count(id(2), public(2))),
        (epoch, 2, 1)
    );
    assert!(!use_once(&usage, 2, 9), "it was used before");
    let batch = usage.batch(ALL).unwrap();
    assert_eq!((lost.sequence, batch.sequence), (2, 3));
    let rows = told(&usage);
    assert_eq!((rows[&id(1)].count, rows[&id(2)].count), (2, 2));
    assert_eq!(rows[&id(1)].places[0].service.as_deref(), Some("mail"));
}

#[test]
fn a_large_batch_comes_in_parts() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    for number in 0..1_000 {
        use_once(&usage, number, 0);
    }
    let mut seen = BTreeMap::new();
    while let Some(batch) = usage.batch(100) {
        assert!(batch.rows.len() < 100 + 64);
        seen.extend(batch.rows.iter().map(|row| (row.key, row.count)));
        usage.acknowledge(batch.sequence);
    }
    assert_eq!(seen.len(), 1_000);
}

#[test]
fn a_file_grows_with_its_keys_and_is_put_in_order_when_it_is_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let usage = open(&path);
    let epoch = usage.epoch();
    for number in (0..20_000).chain(0..5_000) {
        let request = Request { agent: Some("curl"), ..Request::default() };
        usage.record(id(number), public(number), &request, time(1));
    }
    assert_eq!(usage.health(), Health::default());
    assert_eq!(told(&usage).len(), 20_000);
    use_once(&usage, 7, 2);
    drop(usage);
    for _ in 0..2 {
        let usage = open(&path);
        assert_eq!(usage.epoch(), epoch);
        let count = |number| usage.count(id(number), public(number));
        assert!(
            (0..20_000)
                .all(|number| count(number)
                    == 1 + u64::from(number < 5_000) + u64::from(number == 7))
        );
        let batch = usage.batch(ALL).unwrap();
        assert_eq!((batch.rows.len(), batch.rows[0].agent.as_deref()), (1, None));
    }
}

#[test]
fn a_file_with_room_for_its_keys_is_not_written_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let size = |keys| {
        let usage = Usage::open(&path, "node-1", keys, 1).unwrap().usage;
        assert!(use_once(&usage, 7, 1) || usage.count(id(7), public(7)) > 1);
        drop(usage);
        std::fs::metadata(&path).unwrap().len()
    };
    let sizes = [10_000, 11_000, 16_000, 0].map(size);
    assert_eq!(sizes[0], (RECORDS + 20_032 * 64) as u64);
    assert!(sizes[0] == sizes[1] && sizes[1] < sizes[2] && sizes[2] == sizes[3], "{sizes:?}");
    assert_eq!(open(&path).count(id(7), public(7)), 4);
}

#[test]
fn names_have_an_end_and_a_size() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    let by = |agent: &str, key| {
        usage.record(
            id(key),
            public(key),
            &Request { agent: Some(agent), ..Request::default() },
            time(0),
        );
        told(&usage)[&id(key)].agent.clone()
    };
    let long = "é".repeat(28);
    assert_eq!(by(&long, 1).as_ref(), Some(&long));
    assert!(!usage.health().is_name_lost);
    assert_eq!(by(&format!("{long}!"), 2), None);
    assert!(usage.health().is_name_lost);
    assert_eq!((by("", 3), by("curl", 4).as_deref()), (None, Some("curl")));
    for number in 0..4_093 {
        assert!(by(&format!("program {number}"), 10 + number).is_some(), "{number}");
    }
    assert_eq!((by("one too many", 5), by("curl", 6).as_deref()), (None, Some("curl")));
}

#[test]
fn threads_and_batches_beside_each_other_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    let mut seen = BTreeMap::new();
    let mut see = || {
        if let Some(batch) = usage.batch(300) {
            seen.extend(batch.rows.iter().map(|row| (row.key, row.count)));
            usage.acknowledge(batch.sequence);
        }
    };
    thread::scope(|scope| {
        let uses = || {
            for number in 0..20_000 {
                // More keys than the first piece holds, and one that everybody uses.
                use_once(&usage, number % 6_000, 0);
                use_once(&usage, 1_000_000, 0);
            }
        };
        let threads = [scope.spawn(uses), scope.spawn(uses)];
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            see();
        }
    });
    for _ in 0..40 {
        see();
    }
    assert!(usage.batch(ALL).is_none());
    assert_eq!((seen.len(), seen[&id(1_000_000)]), (6_001, 40_000));
    assert_eq!(seen.values().sum::<u64>(), 80_000);
}

#[test]
fn a_verifier_counts_what_it_accepts_and_only_that() {
    let folder = TempDir::new().unwrap();
    let usage = open(&folder.path().join("uses"));
    let pending = keytender_verify::feed::Key { state: State::Pending, ..key(3) };
    let revoked = keytender_verify::feed::Key { state: State::Revoked, ..key(2) };
    let verifier: Verifier =
        verifier(vec![key(1), revoked, pending]).with_usage(Arc::clone(&usage));
    let ask = |number, is_dry| {
        let request = Request { is_dry, cost: 5, ..Request::default() };
        let _ = verifier.verify(&text(&token(number)), &request, at(0));
        usage.is_urgent()
    };
    assert!(!ask(1, false) && !ask(1, true) && !ask(2, false) && !ask(9, false) && !ask(3, true));
    assert!(ask(3, false), "it became active");
    assert!(!usage.is_urgent(), "that was said");
    let counts = [1, 2, 3, 9].map(|number| usage.count(key(number).key, key(number).id));
    assert_eq!(counts, [1, 0, 1, 0]);
}

#[test]
fn a_file_belongs_to_one_at_a_time_and_is_known_by_its_head() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let usage = open(&path);
    use_once(&usage, 1, 0);
    assert!(matches!(Usage::open(&path, "b", 0, 1), Err(UsageError::InUse(_))));
    drop(usage);
    let whole = std::fs::read(&path).unwrap();
    let try_with = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Usage::open(&path, "b", 0, 1).map(|opened| opened.usage.count(id(1), public(1)))
    };
    for byte in 0..48 {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x10;
        let error = try_with(&damaged).unwrap_err();
        match error {
            UsageError::NotOne(_) => assert!(byte < 8),
            UsageError::Damaged(_) => assert!(error.to_string().contains("move it away")),
            _ => panic!("{error}"),
        }
    }
    for len in [1, 40, 4_095, RECORDS, whole.len() - 1] {
        let error = try_with(&whole[..len]).unwrap_err();
        assert!(matches!(error, UsageError::NotOne(_) | UsageError::CutOff(_)), "{len}: {error}");
    }
    assert!(matches!(try_with(b"# my notes"), Err(UsageError::NotOne(_))));
    assert_eq!(try_with(&whole).unwrap(), 1);
    let nowhere = Usage::open(Path::new("/nowhere/uses"), "b", 0, 1).unwrap_err();
    assert!(nowhere.to_string().contains("/nowhere/uses"), "{nowhere}");
}
