//! A server that is killed while keys are made, used, rotated and revoked: what it has acknowledged is so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::wire::Wire;
use super::{Gate, Issued, until};
use crate::databases::new_databases;
use crate::killed::{Chance, assert_whole};
use crate::served::Served;

/// How often it is killed on each database; `KEYTENDER_TEST_KILLS` says another number.
const KILLS: usize = 20;
/// How long it lives at most, once it listens.
const LONGEST: Duration = Duration::from_millis(700);
/// How many use keys at once.
const CLIENTS: usize = 3;

/// One key, and how often it was asked about and let pass.
struct Used {
    key: Issued,
    asked: AtomicU64,
    passed: AtomicU64,
}

impl Used {
    fn new(key: Issued) -> Self {
        Self { key, asked: AtomicU64::new(0), passed: AtomicU64::new(0) }
    }
}

/// Uses a key until the server is gone.
fn client(url: &str, token: &str, used: &Used, is_over: &AtomicBool) {
    let lines =
        [format!("Keytender-Token: {token}"), format!("Authorization: Bearer {}", used.key.text)];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let Some(mut wire) = Wire::try_to(url) else { return };
    while !is_over.load(Ordering::SeqCst) {
        used.asked.fetch_add(1, Ordering::SeqCst);
        match wire.get("/v1/forward-auth?api=acme", &lines) {
            Some(reply) => {
                assert_eq!(reply.status, 200, "{reply:?}");
                used.passed.fetch_add(1, Ordering::SeqCst);
            }
            None => break,
        }
    }
}

/// What the server has acknowledged so far.
#[derive(Default)]
struct Acknowledged {
    made: Vec<Issued>,
    revoked: Vec<Issued>,
    /// Successors whose first use has passed.
    activated: Vec<Issued>,
}

/// Makes, rotates and revokes keys until the server is gone.
fn manage(server: &Asked, done: &mut Acknowledged, app: &str, token: &str) -> Option<()> {
    loop {
        let made = server.post(&format!("/v1/apps/{app}/keys"), &json!({"label": "made"}))?;
        done.made.push(made.clone());
        let body = json!({"overlap": "9d"});
        let next = server.post(&format!("/v1/keys/{}/rotations", made.id), &body)?;
        done.made.push(next.clone());
        let lines =
            [format!("Keytender-Token: {token}"), format!("Authorization: Bearer {}", next.text)];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut wire = Wire::try_to(&server.url)?;
        // The server hears of what was made here within a moment.
        while wire.get("/v1/forward-auth?api=acme", &lines)?.status != 200 {}
        done.activated.push(next);
        let doomed = server.post(&format!("/v1/apps/{app}/keys"), &json!({"label": "doomed"}))?;
        server.revoke(&doomed)?;
        done.revoked.push(doomed);
    }
}

/// A server that may be gone at any moment.
struct Asked {
    url: String,
    token: String,
}

impl Asked {
    fn send(&self, path: &str, body: &serde_json::Value) -> Option<super::wire::Reply> {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        Wire::try_to(&self.url)?.send(format!("{head}{body}").as_bytes())
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Option<Issued> {
        let reply = self.send(path, body)?;
        assert_eq!(reply.status, 201, "{reply:?}");
        let said: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        let word = |name: &str| said[name].as_str().unwrap().to_owned();
        Some(Issued { id: word("key"), text: word("secret") })
    }

    fn revoke(&self, key: &Issued) -> Option<()> {
        let reply = self.send(&format!("/v1/keys/{}/revocation", key.id), &json!({}))?;
        assert_eq!(reply.status, 200, "{reply:?}");
        Some(())
    }
}

#[test]
fn a_server_that_is_killed_loses_no_key_no_revocation_and_no_use() {
    let kills = std::env::var("KEYTENDER_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for database in new_databases() {
        let seed = Chance::seed();
        let mut chance = Chance::new(seed);
        let mut gate = Gate::open(database);
        let used: Vec<Arc<Used>> =
            (0..CLIENTS).map(|_| Arc::new(Used::new(gate.key(&json!({}))))).collect();
        let mut done = Acknowledged::default();
        for _ in 0..kills {
            let is_over = Arc::new(AtomicBool::new(false));
            let clients: Vec<_> = used
                .iter()
                .map(|one| {
                    let (one, is_over) = (Arc::clone(one), Arc::clone(&is_over));
                    let (url, token) = (gate.first().url.clone(), gate.token.clone());
                    std::thread::spawn(move || client(&url, &token, &one, &is_over))
                })
                .collect();
            let asked = Asked { url: gate.first().url.clone(), token: gate.first().token.clone() };
            let (app, token) = (gate.app.clone(), gate.token.clone());
            let managed = std::thread::spawn(move || {
                let mut own = Acknowledged::default();
                // It ends when the server does.
                _ = manage(&asked, &mut own, &app, &token);
                own
            });
            super::pause(Duration::from_millis(100) + chance.life(LONGEST));
            gate.nodes[0].kill();
            is_over.store(true, Ordering::SeqCst);
            for client in clients {
                client.join().unwrap();
            }
            let own = managed.join().unwrap();
            done.made.extend(own.made);
            done.revoked.extend(own.revoked);
            done.activated.extend(own.activated);
            gate.nodes[0] = Served::start(&gate.home);
        }
        check(&gate, &used, &done, seed);
        eprintln!("{kills} kills");
        drop(std::mem::take(&mut gate.nodes));
        assert_whole(&gate.database, seed);
    }
}

fn check(gate: &Gate, used: &[Arc<Used>], done: &Acknowledged, seed: u64) {
    let counts = (done.made.len(), done.revoked.len(), done.activated.len());
    assert!(counts.0 > KILLS && counts.1 > 0 && counts.2 > 0, "seed {seed}: {counts:?}");
    for one in used {
        let (asked, passed) = (one.asked.load(Ordering::SeqCst), one.passed.load(Ordering::SeqCst));
        until(|| gate.usage(&one.key)["uses"].as_u64() >= Some(passed));
        let uses = gate.usage(&one.key)["uses"].as_u64().unwrap();
        assert!(uses <= asked, "seed {seed}: {uses} of {asked} counted, {passed} passed");
    }
    for key in &done.revoked {
        let said = super::look(gate.first(), &key.text);
        assert_eq!(said.problem(), "key-revoked", "seed {seed}: {}", key.id);
    }
    for key in &done.made {
        let said = gate.first().ask_with(&key.text, &Method::GET, "/v1/keys/self", None, &[]);
        assert_eq!(said.status, 200, "seed {seed}: {} {said:?}", key.id);
    }
    for key in &done.activated {
        until(|| gate.seen(key)["state"] == "active");
    }
    eprintln!("seed {seed}: {counts:?} keys made, revoked, activated");
}
