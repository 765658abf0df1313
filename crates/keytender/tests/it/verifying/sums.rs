//! What is counted: once, over all servers, and without keeping the database busy.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use keytender::store::db::{Db, Location};
use reqwest::Method;
use serde_json::json;

use super::wire::Wire;
use super::{Gate, until};
use crate::databases::{block_on, new_databases};

#[test]
fn a_quota_is_shared_by_all_servers() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &[]);
        let app = gate.new_app(&json!({"name": "greedy", "quota": {"requests": 20, "per": "day"}}));
        let key = gate.key_of(&app, &json!({}));
        let mut accepted = 0;
        let mut refused = [0; 2];
        // Each server hears of the other's uses when it tells its own, every second.
        while refused.iter().any(|count| *count < 3) {
            for (node, refused) in refused.iter_mut().enumerate() {
                match gate.ask(node, &key.text).verdict() {
                    (200, _) => accepted += 1,
                    (429, problem) if problem == "quota-exceeded" => *refused += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert!(accepted < 40, "two servers give out twice the quota");
            super::pause(Duration::from_millis(400));
        }
        // At most what one server lets pass until it hears, twice a second here, is given out above the quota.
        assert!((20..=28).contains(&accepted), "{accepted}");
        until(|| gate.usage(&key)["uses"] == accepted);
        assert_eq!(gate.usage(&key)["days"][0]["uses"], accepted);
    }
}

#[test]
fn a_batch_of_uses_that_is_told_twice_counts_once() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let key = gate.key(&json!({}));
        let path = "/v1/apis/acme/feed/usage";
        let tell = |node: &str, epoch: i64, sequence: u64, count: u64| {
            let row = json!({"key": key.id, "count": count, "last_used_at": keytender::clock::now().to_seconds(),
                "address": "203.0.113.9", "agent": "curl",
                "places": [{"service": "orders", "last_used_at": keytender::clock::now().to_seconds()}]});
            let batch = json!({"version": 1, "node": node, "epoch": epoch, "sequence": sequence, "rows": [row]});
            let said = gate.first().ask_with(&gate.token, &Method::POST, path, Some(&batch), &[]);
            assert_eq!(said.expect(200)["sequence"], sequence);
        };
        let uses = || {
            let used = gate.usage(&key);
            assert_eq!(used["days"][0]["uses"], used["uses"], "{used}");
            used["uses"].as_u64().unwrap()
        };
        for _ in 0..3 {
            tell("node-1", 7, 1, 5);
            assert_eq!(uses(), 5);
        }
        tell("node-1", 7, 2, 9);
        tell("node-1", 7, 1, 5);
        assert_eq!(uses(), 9, "one that comes late takes nothing back");
        tell("node-1", 8, 1, 2);
        tell("node-2", 7, 1, 3);
        tell("node-2", 7, 1, 3);
        assert_eq!(uses(), 14, "another file, another node");
    }
}

#[test]
fn however_many_verifications_the_database_is_written_to_about_once_a_second() {
    for database in new_databases() {
        let location = Location::parse(&database.text);
        let gate = Gate::open(database);
        let key = gate.key(&json!({}));
        let url = gate.first().url.clone();
        let lines = [
            format!("Keytender-Token: {}", gate.token),
            format!("Authorization: Bearer {}", key.text),
        ];
        let end = Instant::now() + Duration::from_secs(5);
        let load = std::thread::spawn(move || {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let mut wire = Wire::to(&url);
            let mut count = 0_u64;
            while Instant::now() < end {
                assert_eq!(wire.get("/v1/forward-auth?api=acme", &lines).unwrap().status, 200);
                count += 1;
            }
            count
        });
        // Under load each batch tells another sum, so the sums that are seen are the batches.
        let sums = block_on(async {
            let db = Db::open(&location).await.unwrap();
            let mut sums = BTreeSet::new();
            while Instant::now() < end {
                let rows = db.fetch("SELECT uses FROM key_usage", Vec::new()).await.unwrap();
                sums.extend(rows.iter().map(|row| row.cells().int().unwrap()));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            db.close().await;
            sums
        });
        let count = load.join().unwrap();
        assert!(count > 200, "{count}");
        assert!((2..=7).contains(&sums.len()), "{} batches of {count} uses in 5 s", sums.len());
        until(|| gate.usage(&key)["uses"] == count);
    }
}
