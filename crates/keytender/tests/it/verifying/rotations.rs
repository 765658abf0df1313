//! A rotation as its holder meets it: the new key waits, its first use begins the overlap, the old key ends.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Gate, Issued, look, until};
use crate::databases::new_databases;

fn rotation(gate: &Gate, key: &Issued) -> Value {
    gate.first().get(&format!("/v1/keys/{}/rotations", key.id)).expect(200)
}

#[test]
fn a_look_at_a_new_key_is_no_use_and_its_first_use_begins_the_overlap() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &[]);
        let old = gate.key(&json!({"scopes": ["orders:read"]}));
        let new = gate.rotate(&old, &json!({"overlap": "6s"}));
        for node in &gate.nodes {
            let own = look(node, &new.text).expect(200);
            assert_eq!((&own["key"], &own["scopes"]), (&json!(new.id), &json!(["orders:read"])));
            assert!(own["replaced_by"].is_null() && own["ends_at"].is_null(), "{own}");
            until(|| look(node, &old.text).expect(200)["replaced_by"] == new.id);
        }
        // However often it looks, also in a header of its own kind.
        for _ in 0..20 {
            let headers = [("x-api-key", new.text.as_str())];
            gate.first().ask_with("", &Method::GET, "/v1/keys/self", None, &headers).expect(200);
        }
        super::pause(Duration::from_millis(1_500));
        assert_eq!(gate.usage(&new)["uses"], 0);
        assert_eq!(gate.seen(&new)["state"], "pre-activation");
        assert_eq!(rotation(&gate, &old)["stage"], "pending");
        assert!(gate.seen(&old)["issued"]["retires_at"].is_null());

        // The second server lets the first use pass: all of them hear of it.
        assert_eq!(gate.ask(1, &new.text).status, 200);
        let used_at = Instant::now();
        until(|| gate.seen(&new)["state"] == "active");
        assert!(used_at.elapsed() < Duration::from_secs(2), "a first use is written at once");
        assert!(gate.seen(&old)["issued"]["retires_at"].is_string());
        assert_eq!(rotation(&gate, &old)["stage"], "overlap");
        // Both work until the end, which every server keeps by itself.
        for node in 0..2 {
            until(|| {
                let said = gate.ask(node, &old.text);
                !said.header("keytender-key-expires").is_empty() || said.status == 401
            });
            until(|| gate.ask(node, &old.text).problem() == "key-superseded");
            // Ends are kept to a second.
            assert!(used_at.elapsed() >= Duration::from_millis(4_900), "both work for the overlap");
            assert!(used_at.elapsed() < Duration::from_secs(13));
            assert_eq!(gate.ask(node, &new.text).status, 200);
        }
        assert_eq!(look(gate.first(), &old.text).problem(), "key-superseded");
    }
}

#[test]
fn a_key_that_a_person_ends_during_its_overlap_is_revoked_and_not_superseded() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let [by_hand, finished] = [gate.key(&json!({})), gate.key(&json!({}))];
        for old in [&by_hand, &finished] {
            gate.rotate(old, &json!({"activation": "immediately", "overlap": "1d"}));
            assert_eq!(gate.ask(0, &old.text).status, 200);
        }
        gate.first().post(&format!("/v1/keys/{}/revocation", by_hand.id), &json!({})).expect(200);
        assert_eq!(gate.ask(0, &by_hand.text).problem(), "key-revoked");
        let place = format!("/v1/keys/{}/rotations/completion", finished.id);
        gate.first().post(&place, &json!({})).expect(200);
        until(|| gate.ask(0, &finished.text).problem() == "key-superseded");
    }
}

#[test]
fn who_still_uses_the_old_key_is_named_by_place_and_address() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let old = gate.key(&json!({}));
        assert_eq!(gate.ask_for(0, &old.text, "api=acme&service=before", &[]).status, 200);
        let new = gate.rotate(&old, &json!({"overlap": "1d"}));
        assert_eq!(gate.ask(0, &new.text).status, 200);
        until(|| rotation(&gate, &old)["stage"] == "overlap");
        // Uses are told to a second: one of the same second is no proof.
        super::pause(Duration::from_millis(2_100));
        assert_eq!(rotation(&gate, &old)["still_used"], json!([]), "nobody has used it since");
        let from = [
            ("x-real-ip", "203.0.113.9"),
            ("keytender-service", "nightly-job"),
            ("keytender-region", "eu-west-1"),
        ];
        assert_eq!(gate.ask_for(0, &old.text, "api=acme", &from).status, 200);
        until(|| rotation(&gate, &old)["still_used"][0]["service"] == "nightly-job");
        let stands = rotation(&gate, &old);
        assert_eq!(stands["still_used"][0]["region"], "eu-west-1");
        assert_eq!(stands["still_used"].as_array().unwrap().len(), 1, "{stands}");
        assert_eq!(stands["still_used_from"], "203.0.113.9");
        // Last use is visible within about a second.
        let before = gate.usage(&old)["uses"].as_u64().unwrap();
        assert_eq!(gate.ask(0, &old.text).status, 200);
        let used_at = Instant::now();
        until(|| gate.usage(&old)["uses"].as_u64() == Some(before + 1));
        assert!(used_at.elapsed() < Duration::from_secs(4), "{:?}", used_at.elapsed());
    }
}
