//! Keys in files beside the inventory of a server: what stands for them goes there, and they do not.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::beside::{done, show};
use super::planted::{Seeded, aws};
use super::{findings, seeded_key};
use crate::Home;
use crate::customers_own::Customer;
use crate::databases::new_databases;
use crate::served::Served;

/// A server of this database, and a machine that looks beside it.
fn pair(database: &str) -> (Home, Served, Home) {
    let own = Home::new().with("KEYTENDER_DATABASE", database);
    let served = Served::start(&own);
    let machine = served.home().with("HOSTNAME", "desk");
    (own, served, machine)
}

#[test]
fn a_server_says_whose_a_key_is_and_keeps_where_it_stands() {
    for database in new_databases() {
        let (_own, mut served, machine) = pair(&database.text);
        let key = aws(&mut Seeded(30));
        let id = key.text.lines().next().unwrap();
        done(&machine, &["owners", "add", "ops", "--address", "ops@example.org"]);
        let facts = ["--id", id, "--created", "2024-01-15", "--owner", "ops"];
        done(&machine, &[&["keys", "add", "aws", "deploy"], &facts[..]].concat());
        machine.write("shop/.env", format!("AWS_ACCESS_KEY_ID={}\n", key.text));

        let table = done(&machine, &["scan", "shop"]).stdout;
        for part in ["shop/.env:1:19", id, "deploy", "old, owner ops", "1 of the inventory"] {
            assert!(table.contains(part), "{part}: {table}");
        }
        let found_in = show(&machine, id)["found_in"].clone();
        assert_eq!((&found_in[0]["host"], &found_in[0]["line"]), (&json!("desk"), &json!(1)));
        assert_eq!(found_in.as_array().unwrap().len(), 1);

        // A file that is left out, or in which the key moved, is read again; what is gone is forgotten.
        machine.write("shop/.env", format!("\n\n{} {}\n", " ".repeat(1_100_000), key.text));
        done(&machine, &["scan", "shop", "--max-size", "1"]);
        assert_eq!(show(&machine, id)["found_in"][0]["line"], 3);
        fs::remove_file(machine.path().join("shop/.env")).unwrap();
        let ran = done(&machine, &["scan", "shop"]);
        assert!(ran.stderr.contains("1 place forgotten"), "{}", ran.stderr);
        assert_eq!(show(&machine, id).get("found_in"), None);

        // What it does not know is added there, without the secret.
        let text = seeded_key(&mut Seeded(31));
        machine.write("shop/new.env", &text);
        let added = done(&machine, &["scan", "shop", "--add"]);
        assert!(added.stderr.contains("1 key added"), "{}", added.stderr);
        assert!(done(&machine, &["keys", "list"]).stdout.contains("new.env"));
        served.end();
        let secret = text.trim().split_once('=').unwrap().1;
        let said = served.talk().join("\n");
        assert!(!said.contains(secret) && !said.contains(&key.secret), "{said}");
        if database.text.ends_with(".db") {
            let kept = fs::read(&database.text).unwrap();
            assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

#[test]
fn whoever_may_only_read_is_told_and_changes_nothing() {
    let database = new_databases().remove(0);
    let (_own, served, machine) = pair(&database.text);
    let key = aws(&mut Seeded(32));
    let id = key.text.lines().next().unwrap();
    done(&machine, &["owners", "add", "ops", "--address", "ops@example.org"]);
    done(&machine, &["keys", "add", "aws", "deploy", "--id", id]);
    let text = format!("AWS_ACCESS_KEY_ID={}\n", key.text);
    let as_user = |token: String| {
        let home = Home::new().with("KEYTENDER_SERVER", &served.url).with("KEYTENDER_TOKEN", token);
        home.write("shop/.env", &text);
        home
    };
    let auditor = as_user(served.token_of("auditor", &json!({}), None));
    let ran = done(&auditor, &["scan", "shop"]);
    assert!(ran.stdout.contains("deploy"), "{}", ran.stdout);
    assert!(ran.stderr.contains("where keys stand is not kept"), "{}", ran.stderr);
    assert_eq!(auditor.run(&["scan", "shop", "--add"]).code, 1);
    assert_eq!(show(&machine, id).get("found_in"), None);
    // Who answers for other keys is not told of this one.
    let owner = served.token_of("owner", &json!({"name": "olga", "owner": "ops"}), None);
    let ran = done(&as_user(owner), &["scan", "shop", "--format", "json"]);
    assert_eq!(findings(&ran)[0]["key"], Value::Null);
    // A server that does not answer keeps nobody from what was found.
    let alone =
        Home::new().with("KEYTENDER_SERVER", "http://127.0.0.1:9").with("KEYTENDER_TOKEN", "x");
    alone.write("shop/.env", &text);
    let ran = done(&alone, &["scan", "shop"]);
    assert!(ran.stdout.contains("shop/.env:1:19"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the inventory was not asked"), "{}", ran.stderr);
    let ran = alone.run(&["scan", "shop", "--add"]);
    assert_eq!(ran.code, 1);
    assert!(!ran.stderr.contains(&key.secret), "{}", ran.stderr);
}

#[test]
fn what_is_no_finding_is_refused() {
    let (_home, served) = crate::server::served();
    let key = |changed: Value| {
        let mut key = json!({"provider": "stripe", "noun": "key", "path": "/srv/.env", "line": 1,
                             "fingerprint": "sha256-00112233445566778899aabb"});
        key.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        key
    };
    let matched = served.post("/v1/key-matches", &json!({"keys": [key(json!({}))]})).expect(200);
    assert_eq!(matched["keys"], json!([null]));
    for changed in [
        json!({"fingerprint": "sk_live_1234"}),
        json!({"fingerprint": "sha256-xyz112233445566778899aab"}),
        json!({"fingerprint": "sha256-"}),
        json!({"path": "/srv/\u{1b}[31m"}),
        json!({"path": "x".repeat(5_000)}),
        json!({"noun": ""}),
        json!({"secret": "hunter2"}),
    ] {
        let body = json!({"keys": [key(changed.clone())]});
        assert_eq!(served.post("/v1/key-matches", &body).status, 422, "{changed}");
        let body = json!({"host": "desk", "keys": [key(changed.clone())]});
        assert_eq!(served.post("/v1/key-places", &body).status, 422, "{changed}");
    }
    let many = vec![key(json!({})); 10_001];
    assert_eq!(served.post("/v1/key-matches", &json!({"keys": many})).status, 422);
    assert_eq!(served.post("/v1/key-places", &json!({"host": ""})).status, 422);
    served.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    let customer = Customer::new(&served, "acme", "globex");
    let body = json!({"keys": [key(json!({}))]});
    let asked =
        served.ask_with(&customer.token, &Method::POST, "/v1/key-matches", Some(&body), &[]);
    assert_eq!(asked.status, 403);
}
