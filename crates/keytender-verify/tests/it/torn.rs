//! What becomes of the file of uses when the program is killed, or when a write is torn.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use keytender_verify::Request;
use keytender_verify::usage::Usage;
use tempfile::TempDir;

use crate::sample::time;
use crate::usage::{RECORDS, id, open, public, use_once};

/// Tells the child of the test below where its file is.
const CHILD: &str = "KEYTENDER_TEST_USES";
/// How often it is killed; `KEYTENDER_TEST_KILLS` says another number.
const KILLS: u64 = 40;
const KEYS: u64 = 3_000;

/// Not a test of its own: with the variable it counts uses until it is killed, and says of each that it is counted.
#[test]
fn child_that_counts_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let usage = open(Path::new(&path));
    for number in 0.. {
        let request = Request { agent: Some("child"), ..Request::default() };
        usage.record(
            id(number % KEYS),
            public(number % KEYS),
            &request,
            time(i64::try_from(number / 100).unwrap()),
        );
        println!("counted {number}");
        if number % 700 == 0
            && let Some(batch) = usage.batch(100)
        {
            usage.acknowledge(batch.sequence);
        }
    }
}

#[test]
fn a_program_that_is_killed_has_lost_no_use() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let mut acknowledged = 0;
    let mut sequence = 0;
    let kills = std::env::var("KEYTENDER_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "torn::child_that_counts_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Killed after another number of uses each time, while it goes on counting.
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut counted = lines.filter(|line| line.starts_with("counted "));
        counted.nth(usize::try_from(kill * 397 % 5_000).unwrap()).unwrap();
        child.kill().unwrap();
        acknowledged += kill * 397 % 5_000 + 1 + counted.count() as u64;
        child.wait().unwrap();

        let usage = open(&path);
        let counts: u64 = (0..KEYS).map(|number| usage.count(id(number), public(number))).sum();
        // One more may be counted that was not said.
        assert!((acknowledged..=acknowledged + 1).contains(&counts), "{acknowledged} {counts}");
        acknowledged = counts;
        if let Some(batch) = usage.batch(10) {
            assert!(batch.sequence > sequence, "a number is used once");
            sequence = batch.sequence;
        }
    }
}

/// The one record in a file whose bytes differ.
fn record_that_differs(old: &[u8], new: &[u8]) -> usize {
    let differ = |at: &usize| old[*at..at + 64] != new[*at..at + 64];
    let places: Vec<usize> = (RECORDS..old.len()).step_by(64).filter(differ).collect();
    assert_eq!(places.len(), 1);
    places[0]
}

/// Opens what is left of `new` when its write over `old` was torn after `whole` bytes of the record.
fn torn(
    path: &Path,
    old: &[u8],
    new: &[u8],
    record: usize,
    whole: usize,
) -> (u64, usize, [u64; 2]) {
    let mut bytes = new.to_vec();
    bytes[record + whole..record + 64].copy_from_slice(&old[record + whole..record + 64]);
    std::fs::write(path, bytes).unwrap();
    let opened = Usage::open(path, "node-1", 0, 1_000).unwrap();
    let usage = opened.usage;
    let last = [1, 2].map(|number| usage.count(id(number), public(number)));
    // It goes on, whatever there was.
    use_once(&usage, 5, 70_000);
    assert_eq!(
        usage.count(id(5), public(5)),
        usage.batch(100).unwrap().rows.iter().find(|row| row.key == id(5)).unwrap().count
    );
    (usage.count(id(5), public(5)) - 1, opened.damaged, last)
}

#[test]
fn a_record_torn_at_any_byte_is_whole_or_dropped_and_the_others_live() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let usage = open(&path);
    use_once(&usage, 1, 0);
    use_once(&usage, 2, 0);
    let none = std::fs::read(&path).unwrap();
    let from =
        |address: &str| Request { address: Some(address.parse().unwrap()), ..Request::default() };
    usage.record(id(5), public(5), &from("2001:db8::77"), time(1));
    let one = std::fs::read(&path).unwrap();
    for number in 0..0x0001_0203 {
        usage.record(id(5), public(5), &from("192.0.2.200"), time(number));
    }
    let many = std::fs::read(&path).unwrap();
    let count = usage.count(id(5), public(5));
    drop(usage);

    let record = record_that_differs(&one, &many);
    assert_eq!(record, record_that_differs(&none, &one));
    let mut dropped = 0;
    for whole in 0..=64 {
        let (found, damaged, others) = torn(&path, &one, &many, record, whole);
        assert_eq!(others, [1, 1], "torn after {whole}");
        match damaged {
            0 => assert!(found == 1 || found == count, "torn after {whole}: {found}"),
            _ => assert_eq!((found, damaged), (0, 1), "torn after {whole}"),
        }
        dropped += damaged;
        let (found, _, others) = torn(&path, &none, &one, record, whole);
        assert!(found <= 1 && others == [1, 1], "torn after {whole}");
    }
    assert!(dropped > 5, "{dropped}");
    assert_eq!(torn(&path, &one, &many, record, 64), (count, 0, [1, 1]));
}

#[test]
fn what_is_left_after_damage_is_told_once_under_a_new_epoch() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("uses");
    let usage = open(&path);
    for number in 0..3 {
        use_once(&usage, number, 0);
        use_once(&usage, number, 0);
    }
    let epoch = usage.epoch();
    let batch = usage.batch(100).unwrap();
    usage.acknowledge(batch.sequence);
    use_once(&usage, 1, 5);
    let before = std::fs::read(&path).unwrap();
    use_once(&usage, 0, 5);
    let mut bytes = std::fs::read(&path).unwrap();
    let record = record_that_differs(&before, &bytes);
    drop(usage);
    bytes[record] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let opened = Usage::open(&path, "node-1", 0, 1_000).unwrap();
    assert_eq!((opened.damaged, opened.usage.epoch() == epoch), (1, false));
    let batch = opened.usage.batch(100).unwrap();
    let rows: Vec<_> = batch.rows.iter().map(|row| (row.key, row.count)).collect();
    assert_eq!(rows, [(id(1), 1)]);
    drop(opened);
    assert_eq!(Usage::open(&path, "node-1", 0, 1).unwrap().damaged, 0, "it was put in order");
}
