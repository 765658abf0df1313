//! Keys that others issued: brought in from a file, verified at every door, and kept otherwise from their first use on.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Gate, Issued, look, pause, until};
use crate::databases::new_databases;
use crate::killed::texts;

mod files;
mod flood;
mod killed;
mod migrated;

/// The secret with which an issuer made HMACs.
const SECRET: &str = "the secret of an issuer";
/// The ways in which issuers keep keys.
const KINDS: [&str; 8] =
    ["key", "sha256", "sha512", "hmac-sha256", "bcrypt", "argon2", "pbkdf2", "passlib"];

/// A key as an issuer makes them, of this name.
fn made(name: &str) -> String {
    format!("{name}.Zq81bnVw4tTd")
}

/// What an issuer that keeps keys so has of one.
fn kept_by(kind: &str, key: &str) -> String {
    use argon2::PasswordHasher as _;
    let bytes = key.as_bytes();
    let digest = |algorithm| hex(aws_lc_rs::digest::digest(algorithm, bytes).as_ref());
    match kind {
        "key" => key.to_owned(),
        "sha256" => format!("sha256:{}", digest(&aws_lc_rs::digest::SHA256)),
        "sha512" => format!("sha512$${}", digest(&aws_lc_rs::digest::SHA512)),
        "hmac-sha256" => {
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
            format!("hmac-sha256:{}", hex(aws_lc_rs::hmac::sign(&secret, bytes).as_ref()))
        }
        "bcrypt" => bcrypt::hash_with_salt(bytes, 6, salt(key)).unwrap().to_string(),
        "argon2" => {
            let params = argon2::Params::new(1024, 1, 1, None).unwrap();
            let hasher = argon2::Argon2::from(params);
            hasher.hash_password_with_salt(bytes, &salt(key)).unwrap().to_string()
        }
        "pbkdf2" => {
            format!(
                "pbkdf2_sha256$1000${}${}",
                hex(&salt(key)),
                base64(&derived(bytes, hex(&salt(key)).as_bytes()))
            )
        }
        "passlib" => {
            let text = |bytes: &[u8]| base64(bytes).trim_end_matches('=').replace('+', ".");
            format!(
                "$pbkdf2-sha256$1000${}${}",
                text(&salt(key)),
                text(&derived(bytes, &salt(key)))
            )
        }
        other => panic!("{other}"),
    }
}

fn derived(bytes: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut derived = [0; 32];
    let count = std::num::NonZero::new(1_000).unwrap();
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        count,
        salt,
        bytes,
        &mut derived,
    );
    derived
}

/// A salt that is another for each key.
fn salt(key: &str) -> [u8; 16] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    digest.as_ref()[..16].try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A file with these keys of `globex`, each with a label and how its issuer keeps it.
fn file(keys: &[(String, &str, String)]) -> String {
    let mut lines = vec!["account,app,label,key,hash,locator,created,last_used".to_owned()];
    for (label, kind, key) in keys {
        let kept = kept_by(kind, key);
        let (raw, hash) =
            if *kind == "key" { (kept, String::new()) } else { (String::new(), kept) };
        let locator = key.split('.').next().unwrap();
        lines.push(format!("globex,old,{label},{raw},\"{hash}\",{locator},2024-05-01,"));
    }
    lines.join("\n")
}

impl Gate {
    /// What an import comes to.
    fn import(&self, content: &str, said: &Value) -> Value {
        let mut body =
            json!({"content": content, "locator": "before-first:.", "hmac_secret": SECRET});
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        self.first().post("/v1/apis/acme/imports", &body).expect(200)
    }

    /// Imports keys, and waits until every server knows them.
    fn bring(&self, keys: &[(String, &str, String)]) {
        let done = self.import(&file(keys), &json!({}));
        assert_eq!(
            (&done["imported"], &done["keys"]),
            (&json!(true), &json!(keys.len())),
            "{done}"
        );
        self.settle();
    }

    /// Waits until every server knows what was imported: changes come in their order.
    fn settle(&self) {
        let made = self.key(&json!({"label": "made after the import"}));
        for node in &self.nodes {
            until(|| look(node, &made.text).status == 200);
        }
    }

    /// A key by its label.
    fn labelled(&self, label: &str) -> Value {
        self.first().get(&format!("/v1/keys/{}", label.replace(' ', "%20"))).expect(200)
    }

    /// How it is recognised.
    fn kept(&self, label: &str) -> String {
        self.labelled(label)["issued"]["imported"]["kept"].as_str().unwrap().to_owned()
    }

    /// The same as one that was made here.
    fn as_issued(&self, label: &str, text: &str) -> Issued {
        let id = self.labelled(label)["id"].as_str().unwrap().to_owned();
        Issued { id, text: text.to_owned() }
    }
}

/// The doors of a server.
const DOORS: [&str; 3] = ["forward-auth", "key-verifications", "keys-self"];

/// Whether a key is good at a door of a server.
fn is_good(gate: &Gate, node: usize, door: &str, key: &str) -> bool {
    match door {
        "forward-auth" => gate.ask(node, key).status == 200,
        "key-verifications" => {
            let body = json!({"api": "acme", "verifications": [{"key": key}]});
            let said = gate.nodes[node].ask_with(
                &gate.token,
                &Method::POST,
                "/v1/key-verifications",
                Some(&body),
                &[],
            );
            said.expect(200)["verifications"][0]["valid"] == true
        }
        _ => look(&gate.nodes[node], key).status == 200,
    }
}

#[test]
fn keys_that_others_issued_work_at_every_door_and_are_kept_otherwise_after_the_first_use() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let pairs = || KINDS.iter().flat_map(|kind| DOORS.iter().map(move |door| (*kind, *door)));
        let name = |kind: &str, door: &str| format!("{kind}-{door}");
        let keys: Vec<_> = pairs()
            .map(|(kind, door)| (format!("{kind} {door}"), kind, made(&name(kind, door))))
            .collect();
        gate.bring(&keys);
        for (kind, door) in pairs() {
            let (label, key) = (format!("{kind} {door}"), made(&name(kind, door)));
            let before = gate.kept(&label);
            assert_eq!(before == "native", kind == "key", "{label}: {before}");
            assert!(!is_good(&gate, 0, door, &format!("{key}x")), "{label}");
            assert!(is_good(&gate, 0, door, &key), "{label}");
            until(|| gate.kept(&label) == "native");
            assert!(is_good(&gate, 0, door, &key), "{label}");
            assert!(!is_good(&gate, 0, door, &format!("{key}x")), "{label}");
        }
        let hashes =
            texts(&gate.database, "SELECT salted FROM imported_keys WHERE salted IS NOT NULL");
        assert_eq!(hashes.len(), 0, "the salted hashes are dropped");
        // Uses are counted as those of any key, a first one too, and under one id.
        let used = gate.as_issued("bcrypt forward-auth", &made("bcrypt-forward-auth"));
        until(|| gate.usage(&used)["uses"] == 2);
        assert_eq!(gate.seen(&used)["last_used"]["status"], "used");
        let seen = gate.labelled("sha256 keys-self");
        assert_eq!(seen["issued"]["imported"]["begins"], "sha256-keys-self");
        assert_eq!(seen["created_at"], "2024-05-01T00:00:00Z");
        let listed = gate.first().get("/v1/apis/acme/imports").expect(200);
        let native = json!({"rule": "native", "keys": KINDS.len() * DOORS.len()});
        assert!(listed["recognisers"].as_array().unwrap().contains(&native), "{listed}");
    }
}

#[test]
fn what_is_said_of_an_imported_key_holds_for_it() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let content = "account,label,key,scopes,networks,expires,enabled,environment\n\
            globex,plain,plain.0123456789,orders:read,,,,\n\
            globex,test,test.0123456789,,,,yes,test\n\
            globex,bound,bound.0123456789,,203.0.113.0/24,,1,\n\
            globex,over,over.0123456789,,,2020-01-01,,\n\
            globex,off,off.0123456789,,,,false,\n\
            initech,other,other.0123456789,,,,,\n";
        let done = gate.import(content, &json!({"app": "web-shop"}));
        assert_eq!(
            (&done["keys"], &done["accounts"], &done["apps"]),
            (&json!(6), &json!(1), &json!(1))
        );
        gate.settle();
        let key = |label: &str| made(label).replace("Zq81bnVw4tTd", "0123456789");
        let ask = |label: &str, query: &str, from: &str| {
            let said =
                gate.ask_for(0, &key(label), &format!("api=acme{query}"), &[("x-real-ip", from)]);
            (said.status, said.problem())
        };
        assert_eq!(ask("plain", "&scope=orders:read", "192.0.2.1").0, 200);
        assert_eq!(ask("plain", "&scope=orders:write", "192.0.2.1").1, "scope-missing");
        assert_eq!(ask("bound", "", "203.0.113.9").0, 200);
        assert_eq!(ask("bound", "", "192.0.2.1").1, "ip-not-allowed");
        assert_eq!(ask("over", "", "192.0.2.1").1, "key-expired");
        assert_eq!(ask("off", "", "192.0.2.1").1, "key-suspended");
        let said = gate.ask(0, &key("test"));
        assert_eq!(said.header("keytender-environment"), "test");
        assert_eq!(
            said.header("keytender-app"),
            gate.app,
            "the app of the customer that was there"
        );
        assert_eq!(
            gate.labelled("over")["last_used"]["status"],
            "unknown",
            "the file does not say"
        );
        // Suspended and resumed, rotated and revoked like any other.
        let other = gate.as_issued("other", &key("other"));
        gate.first().post(&format!("/v1/keys/{}/revocation", other.id), &json!({})).expect(200);
        assert_eq!(ask("other", "", "192.0.2.1").1, "key-revoked");
        let off = gate.labelled("off")["id"].as_str().unwrap().to_owned();
        gate.first().delete(&format!("/v1/keys/{off}/suspension")).expect(200);
        until(|| ask("off", "", "192.0.2.1").0 == 200);
        let plain = gate.as_issued("plain", &key("plain"));
        let next = gate.rotate(&plain, &json!({"overlap": "1h"}));
        assert!(next.text.starts_with("acme_live_"), "the successor is a token");
        assert_eq!(gate.ask(0, &next.text).status, 200);
        assert_eq!(ask("plain", "", "192.0.2.1").0, 200, "both work");
        let patched =
            gate.first().patch(&format!("/v1/apps/{}", gate.app), &json!({"suspended": true}));
        patched.expect(200);
        until(|| ask("plain", "", "192.0.2.1").1 == "app-suspended");
    }
}

#[test]
fn keys_of_another_api_and_of_none_are_unknown() {
    for database in new_databases() {
        let gate = Gate::open(database);
        gate.first().post("/v1/apis", &json!({"name": "other"})).expect(201);
        gate.bring(&[("one".into(), "bcrypt", made("one")), ("two".into(), "sha256", made("two"))]);
        for key in [made("one"), made("two")] {
            let said = gate.ask_for(0, &key, "api=other", &[]);
            assert_eq!(said.verdict(), (401, "key-unknown".to_owned()));
        }
        // The same key may be one of each: under other peppers.
        let body = json!({"content": file(&[("same".into(), "key", made("one"))])});
        gate.first().post("/v1/apis/other/imports", &body).expect(200);
        until(|| gate.ask_for(0, &made("one"), "api=other", &[]).status == 200);
        let account = |query: &str| {
            let said = gate.ask_for(0, &made("one"), query, &[]);
            said.header("keytender-account").to_owned()
        };
        assert_ne!(account("api=acme"), account("api=other"));
        until(|| gate.kept("one") == "native");
        let sql = "SELECT DISTINCT digest FROM issued_keys WHERE kept = 'native'";
        assert_eq!(texts(&gate.database, sql).len(), 2);
    }
}

#[test]
fn a_first_use_at_one_server_is_known_to_the_others() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &[]);
        let keys: Vec<_> =
            KINDS.iter().map(|kind| ((*kind).to_owned(), *kind, made(kind))).collect();
        gate.bring(&keys);
        for kind in KINDS {
            // At both at once, and again.
            for _ in 0..3 {
                for node in [0, 1] {
                    assert!(is_good(&gate, node, "forward-auth", &made(kind)), "{kind} at {node}");
                }
            }
            until(|| gate.kept(kind) == "native");
            let key = gate.as_issued(kind, &made(kind));
            until(|| gate.usage(&key)["uses"] == 6);
        }
    }
}

#[test]
fn under_a_new_pepper_each_key_is_kept_from_its_next_use_on() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let renew = || gate.first().post("/v1/peppers", &json!({"because": "a theft"}));
        assert_eq!(renew().status, 409, "the first import makes the first");
        let keys: Vec<_> =
            KINDS.iter().map(|kind| ((*kind).to_owned(), *kind, made(kind))).collect();
        gate.bring(&keys);
        assert!(is_good(&gate, 0, "forward-auth", &made("sha512")));
        until(|| gate.kept("sha512") == "native");
        assert_eq!(renew().expect(201), json!({"version": 2}));
        gate.settle();
        let kept = || texts(&gate.database, "SELECT CAST(pepper AS TEXT) FROM imported_keys");
        for kind in KINDS {
            assert!(is_good(&gate, 0, "forward-auth", &made(kind)), "{kind}");
        }
        until(|| kept().iter().all(|pepper| pepper == "2"));
        for kind in KINDS {
            assert!(is_good(&gate, 0, "forward-auth", &made(kind)), "{kind}");
        }
        let again = gate.import(&file(&keys), &json!({}));
        assert_eq!((&again["keys"], &again["known"]), (&json!(0), &json!(KINDS.len())), "{again}");
        let logged = gate.first().get("/v1/acts").text;
        assert!(logged.contains("pepper.renew") && logged.contains("a theft"), "{logged}");
    }
}

/// A verifier within somebody's API has the pepper of that API: it knows keys that were used, and unsalted hashes.
#[test]
fn a_verifier_within_an_api_recognises_what_can_be_looked_up() {
    use keytender_core::secret::Secret;
    use keytender_verify::feed::HttpFeed;
    use keytender_verify::{Clock, Lease, OnPartition, Request, Table, Turns, Verifier};
    for database in new_databases() {
        let gate = Gate::open(database);
        let keys: Vec<_> =
            KINDS.iter().map(|kind| ((*kind).to_owned(), *kind, made(kind))).collect();
        gate.bring(&keys);
        let api = gate.first().get("/v1/apis/acme").expect(200)["id"].as_str().unwrap().to_owned();
        let token = Secret::new(gate.token.clone());
        let feed = HttpFeed::new(&gate.first().url, api.parse().unwrap(), token).unwrap();
        let clock = Clock::start();
        let verifier = Verifier::new(Table::new().into(), Lease::new(OnPartition::Refuse)).into();
        let turns = Turns::new(feed, std::sync::Arc::clone(&verifier), clock, "node-1");
        turns.take().unwrap();
        let knows = |kind: &str| {
            let said = verifier.verify(&made(kind), &Request::default(), clock.now());
            said.into_result().is_ok()
        };
        for kind in KINDS {
            // The secret of HMACs stays at the server, and so do salted hashes.
            assert_eq!(knows(kind), ["key", "sha256", "sha512"].contains(&kind), "{kind}");
            assert!(is_good(&gate, 0, "forward-auth", &made(kind)), "{kind}");
            until(|| gate.kept(kind) == "native");
            until(|| {
                turns.take().unwrap();
                pause(Duration::from_millis(50));
                knows(kind)
            });
        }
    }
}

#[test]
fn a_key_that_others_issued_and_that_leaked_is_suspended() {
    let gate = Gate::open(new_databases().remove(0));
    let kinds = ["key", "sha256", "bcrypt"];
    let keys = kinds.map(|kind| (kind.to_owned(), kind, made(kind)));
    gate.bring(&keys);
    let tell = || {
        let told = kinds.map(|kind| [made(kind), format!("{}x", made(kind))]).concat();
        let body = json!({"credentials": told});
        gate.first().ask_with("", &Method::POST, "/v1/exposures", Some(&body), &[]).expect(202);
    };
    let is_suspended =
        |kind: &str| gate.ask(0, &made(kind)).verdict() == (401, "key-suspended".to_owned());
    tell();
    until(|| is_suspended("key") && is_suspended("sha256"));
    // Nothing tells which key leads to a salted hash, until it was used.
    assert_eq!(gate.ask(0, &made("bcrypt")).status, 200);
    until(|| gate.kept("bcrypt") == "native");
    tell();
    until(|| is_suspended("bcrypt"));
    let exposed = gate.first().get("/v1/exposures").expect(200);
    assert_eq!(exposed["total"], 3, "{exposed}");
}
