//! The program is killed at any moment while customers are told: each event arrives once, and none is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keytender::store::Store;
use keytender::store::db::Location;

use super::{Provider, days, hours};
use crate::databases::{Database, block_on, new_databases};
use crate::hook::Hook;
use crate::killed::{Chance, KILLS, assert_whole};

/// The longest that one run lasts before it is killed.
const LONGEST_LIFE: Duration = Duration::from_millis(120);
/// How many keys are in an overlap.
const KEYS: usize = 30;

/// Lets the time pass after which everything that waits is tried again.
fn let_time_pass(database: &Database) {
    block_on(async {
        let store = Store::open(&Location::parse(&database.text)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        let sql = "UPDATE notices SET send_at = 0, leased_until = NULL";
        tx.execute(sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

#[test]
fn each_end_of_an_overlap_arrives_once_whenever_the_program_is_killed() {
    let seed = Chance::seed();
    for database in new_databases() {
        let provider = Provider::new(&database);
        let (all, globex) = (Hook::start("204 No Content"), Hook::start("204 No Content"));
        let add = ["channels", "add", "webhook", "hook", "--allow-private"];
        let events = ["--events", "key.overlap_ending"];
        for (hook, whose) in [(&all, ["--api", "acme"]), (&globex, ["--account", "acme/globex"])] {
            provider.run(&[&add[..], &["--url", &hook.url], &whose, &events].concat());
        }
        let now = keytender::clock::now();
        let begun = now.minus(days(6));
        for number in 0..KEYS {
            let app = if number % 2 == 0 { &provider.globex } else { &provider.initech };
            let key = provider.key(app, &format!("key {number}"), now.minus(days(60)), None);
            provider.rotate(key, begun, days(8));
            provider.used(key, now.minus(hours(1)), "eu-west-1", "orders", "203.0.113.5");
        }
        provider.start(now);
        let mut chance = Chance::new(seed);
        for _ in 0..KILLS / 2 {
            provider.home.run_and_kill(&["notify", "--now"], chance.life(LONGEST_LIFE));
            let_time_pass(&database);
        }
        provider.run(&["notify", "--now"]);
        let states: BTreeSet<String> =
            provider.outbox().iter().map(|one| one["state"].to_string()).collect();
        assert_eq!(states, BTreeSet::from(["\"sent\"".to_owned()]), "seed {seed}");
        for (hook, expected) in [(&all, KEYS), (&globex, KEYS / 2)] {
            let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for came in hook.take() {
                assert_eq!(came.event(), "key.overlap_ending");
                let key = came.body()["data"]["key"]["name"].as_str().unwrap().to_owned();
                ids.entry(key).or_default().push(came.headers["webhook-id"].to_string());
            }
            assert_eq!(ids.len(), expected, "none is lost, seed {seed}");
            for (key, ids) in ids {
                // A kill between the answer and the note of it leaves nobody to know: the id is the same.
                let distinct: BTreeSet<&String> = ids.iter().collect();
                assert_eq!(distinct.len(), 1, "{key} was told twice, seed {seed}");
            }
        }
        assert_whole(&database, seed);
    }
}
