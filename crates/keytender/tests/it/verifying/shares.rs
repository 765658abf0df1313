//! The limit of an app at several servers: all together give out no more than it, wherever its keys are shown.

use std::time::{Duration, Instant};

use keytender_core::secret::Secret;
use keytender_verify::feed::HttpFeed;
use keytender_verify::{Clock, Lease, OnPartition, Request, Table, Turns, Verifier};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Gate, Issued, pause, until};
use crate::databases::{block_on, new_databases};

/// Uses a second, and at once.
const RATE: u32 = 30;
/// Until parts have moved to where the demand is.
const MOVES: Duration = Duration::from_secs(6);
/// Long enough to count.
const COUNTED: Duration = Duration::from_secs(5);

/// Shows a key at these servers for so long, several times faster than is allowed; how many uses were let pass.
fn load(gate: &Gate, nodes: &[usize], key: &Issued, length: Duration) -> u32 {
    let end = Instant::now() + length;
    let one = json!({"key": key.text});
    let body = json!({"api": "acme", "verifications": [one, one, one, one]});
    let mut passed = 0;
    while Instant::now() < end {
        for node in nodes {
            let path = "/v1/key-verifications";
            let said =
                gate.nodes[*node].ask_with(&gate.token, &Method::POST, path, Some(&body), &[]);
            let said = said.expect(200);
            let good = said["verifications"].as_array().unwrap().iter();
            passed += u32::try_from(good.filter(|one| one["valid"] == true).count()).unwrap();
        }
        pause(Duration::from_millis(20));
    }
    passed
}

/// What is allowed in so long.
fn allowed(length: Duration) -> f64 {
    f64::from(RATE) * length.as_secs_f64()
}

fn limited(gate: &Gate) -> Issued {
    let rate = json!({"requests": RATE, "seconds": 1});
    let app = gate.new_app(&json!({"name": "hasty", "rate": rate}));
    gate.key_of(&app, &json!({}))
}

#[test]
fn two_servers_together_give_out_the_limit_wherever_the_load_is() {
    for database in new_databases() {
        let mut gate = Gate::open_with(database, 2, &[]);
        let key = limited(&gate);
        // Until each has heard that there are two.
        pause(Duration::from_secs(2));
        let begun = Instant::now();
        let mut all = 0;
        for nodes in [&[0][..], &[0, 1], &[1]] {
            all += load(&gate, nodes, &key, MOVES);
            // On a busy machine it may take longer; an even part would never do.
            let mut tries = 0;
            until(|| {
                tries += 1;
                let counted = Instant::now();
                let passed = load(&gate, nodes, &key, COUNTED);
                let allowed = allowed(counted.elapsed());
                all += passed;
                let passed = f64::from(passed);
                let is_bounded = passed <= allowed + f64::from(RATE) + 2.0;
                assert!(is_bounded && tries < 4, "{passed} of {allowed} at {nodes:?}");
                passed > 0.85 * allowed
            });
        }
        let most = allowed(begun.elapsed()) + f64::from(RATE) + 2.0;
        assert!(f64::from(all) <= most, "{all} of {most}");
        // One that dies gives back what it has when its lease ends.
        gate.nodes[1].kill();
        load(&gate, &[0], &key, Duration::from_secs(5) + MOVES);
        until(|| {
            let counted = Instant::now();
            let passed = f64::from(load(&gate, &[0], &key, COUNTED));
            passed > 0.93 * allowed(counted.elapsed())
        });
    }
}

#[test]
fn a_verifier_within_an_api_shares_the_limit_with_the_server() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let key = limited(&gate);
        let api = gate.first().get("/v1/apis/acme").expect(200)["id"].as_str().unwrap().to_owned();
        let feed =
            HttpFeed::new(&gate.first().url, api.parse().unwrap(), Secret::new(gate.token.clone()));
        let clock = Clock::start();
        let verifier = Verifier::new(Table::new().into(), Lease::new(OnPartition::Refuse)).into();
        let turns = Turns::new(feed.unwrap(), std::sync::Arc::clone(&verifier), clock, "node-1");
        turns.take().unwrap();
        let left = |node: &Value| node["verifications"][0]["limit"]["remaining"].as_u64();
        // The server learns within a second that there is another: half of the limit is its own.
        until(|| {
            let asked = json!({"api": "acme", "verifications": [{"key": key.text}]});
            let path = "/v1/key-verifications";
            let said = gate.first().ask_with(&gate.token, &Method::POST, path, Some(&asked), &[]);
            turns.take().unwrap();
            pause(Duration::from_millis(300));
            left(&said.expect(200)).is_some_and(|left| left <= u64::from(RATE / 2))
        });
        let begun = Instant::now();
        let (mut passed, mut spoke) = (0, Instant::now());
        while begun.elapsed() < MOVES + COUNTED {
            let said = verifier.verify(&key.text, &Request::default(), clock.now());
            if said.into_result().is_ok() && begun.elapsed() >= MOVES {
                passed += 1;
            }
            if spoke.elapsed() >= Duration::from_secs(1) {
                spoke = Instant::now();
                turns.take().unwrap();
            }
            pause(Duration::from_millis(2));
        }
        let allowed = allowed(COUNTED);
        let passed = f64::from(passed);
        assert!((0.85 * allowed..=allowed + f64::from(RATE)).contains(&passed), "{passed}");
        // It signs off: the server does not wait for it, and has the whole limit at its next turn.
        turns.leave().unwrap();
        let place = format!("/v1/keys/{}/revocation", key.id);
        let said = gate.first().post(&place, &json!({"wait": "enforced"})).expect(200);
        assert!(said["enforced_at"].is_string(), "{said}");
        assert!(
            verifier.verify(&key.text, &Request::default(), clock.now()).into_result().is_err()
        );
    }
}

#[test]
fn nothing_is_written_of_limits_of_which_nobody_is_short() {
    for database in new_databases() {
        let location = keytender::store::db::Location::parse(&database.text);
        let gate = Gate::open_with(database, 2, &[]);
        let key = limited(&gate);
        let books = || {
            block_on(async {
                let db = keytender::store::db::Db::open(&location).await.unwrap();
                let rows = db.fetch("SELECT book FROM limit_books", Vec::new()).await.unwrap();
                db.close().await;
                rows.len()
            })
        };
        for _ in 0..8 {
            assert_eq!(gate.ask(0, &key.text).status, 200);
            assert_eq!(books(), 0);
            pause(Duration::from_millis(300));
        }
        load(&gate, &[0], &key, Duration::from_secs(3));
        until(|| books() == 1);
        // And nothing is left of it when nobody asks any more.
        until(|| books() == 0);
    }
}
