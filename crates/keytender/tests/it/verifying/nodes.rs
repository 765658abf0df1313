//! Several servers on one database: what is revoked at one is refused by all, and that is proven or said not to be.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Gate, Issued, until};
use crate::databases::new_databases;

fn revoke(gate: &Gate, key: &Issued) -> Value {
    let place = format!("/v1/keys/{}/revocation", key.id);
    gate.first().post(&place, &json!({"wait": "enforced"})).expect(200)
}

#[test]
fn a_revocation_that_is_enforced_is_refused_by_every_server_from_then_on() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &[]);
        let mut longest = Duration::ZERO;
        for _ in 0..10 {
            let key = gate.key(&json!({}));
            assert_eq!(gate.ask(1, &key.text).status, 200);
            let asked_at = Instant::now();
            let said = revoke(&gate, &key);
            longest = longest.max(asked_at.elapsed());
            assert!(said["enforced_at"].is_string() && said["not_proven"] == json!([]), "{said}");
            for node in [1, 0] {
                assert_eq!(gate.ask(node, &key.text).problem(), "key-revoked");
            }
            // Again it is as it was, and proven as well.
            assert!(revoke(&gate, &key)["enforced_at"].is_string());
        }
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
}

#[test]
fn a_server_that_does_not_answer_and_would_serve_on_is_named() {
    for database in new_databases() {
        let mut gate = Gate::open_with(database, 2, &[]);
        let [first, second] = [gate.key(&json!({})), gate.key(&json!({}))];
        gate.nodes[1].signal("STOP");
        let asked_at = Instant::now();
        let said = revoke(&gate, &first);
        assert!(said["enforced_at"].is_null(), "nobody knows what it will do: {said}");
        assert_eq!(said["not_proven"].as_array().unwrap().len(), 1, "{said}");
        assert!(asked_at.elapsed() < Duration::from_secs(12));
        assert_eq!(gate.ask(0, &first.text).problem(), "key-revoked");
        // Once it is lost for longer than a lease it is not waited for, and named all the same.
        until(|| {
            let asked_at = Instant::now();
            let said = revoke(&gate, &first);
            assert!(said["enforced_at"].is_null(), "{said}");
            asked_at.elapsed() < Duration::from_secs(2)
        });
        gate.nodes[1].signal("CONT");
        until(|| gate.ask(1, &first.text).problem() == "key-revoked");
        until(|| revoke(&gate, &first)["enforced_at"].is_string());
        // One that is killed is followed by the one that takes its place, and nobody waits for the dead.
        gate.nodes[1].kill();
        gate.nodes[1] = crate::served::Served::start(&gate.home);
        let asked_at = Instant::now();
        let said = revoke(&gate, &second);
        assert!(said["enforced_at"].is_string(), "{said}");
        assert!(asked_at.elapsed() < Duration::from_secs(5));
        assert_eq!(gate.ask(1, &second.text).problem(), "key-revoked");
        // One that ends in order is not waited for either.
        assert_eq!(gate.nodes[1].end(), 0);
        let third =
            gate.nodes[0].post(&format!("/v1/apps/{}/keys", gate.app), &json!({"label": "third"}));
        let said = revoke(&gate, &Issued::of(&third));
        assert!(said["enforced_at"].is_string(), "{said}");
    }
}

#[test]
fn a_server_that_refuses_without_a_lease_is_waited_for_no_longer_than_that() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &["--on-partition", "refuse"]);
        let key = gate.key(&json!({}));
        assert_eq!(gate.ask(1, &key.text).status, 200);
        gate.nodes[1].signal("STOP");
        let asked_at = Instant::now();
        let said = revoke(&gate, &key);
        assert!(said["enforced_at"].is_string(), "its lease has ended: {said}");
        assert!(asked_at.elapsed() < Duration::from_secs(8), "{:?}", asked_at.elapsed());
        gate.nodes[1].signal("CONT");
        // It wakes with what it knew, and must let nothing pass on it.
        until(|| {
            let said = gate.ask(1, &key.text).verdict();
            assert!(said.0 == 503 || said == (401, "key-revoked".to_owned()), "{said:?}");
            said.0 == 401
        });
    }
}
