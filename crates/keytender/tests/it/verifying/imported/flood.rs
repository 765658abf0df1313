//! Strangers who show what is no key: it costs them more than the server.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::wire::Wire;
use super::{Gate, kept_by, made, until};
use crate::databases::new_databases;

/// How many keys with a salted hash there are.
const KEYS: usize = 120;

/// A file of keys with a hash that takes some 50 ms to try.
fn costly() -> String {
    let salt = |number: usize| {
        let mut salt = [7; 16];
        salt[0] = u8::try_from(number).unwrap();
        salt
    };
    // One hash for all but the one that is used: nobody has their keys.
    let hash = |number| {
        bcrypt::hash_with_salt(b"a key that nobody has", 4, salt(number)).unwrap().to_string()
    };
    let mut lines = vec!["account,label,hash,locator".to_owned()];
    for number in 0..KEYS {
        let costly = hash(number).replace("$04$", "$10$");
        lines.push(format!("globex,key {number},{costly},k{number}"));
    }
    let own = kept_by("bcrypt", &made("own"));
    lines.push(format!("globex,own,{own},own"));
    lines.join("\n")
}

/// How many hashes were tried, and how many were not, by the outcome.
fn counted(gate: &Gate, outcome: &str) -> u64 {
    let line = format!("keytender_salted_hashes_total{{outcome=\"{outcome}\"}} ");
    let text = gate.first().get("/metrics").text;
    let found = text.lines().find_map(|one| one.strip_prefix(&line)?.parse().ok());
    found.unwrap_or(0)
}

/// The answer for a key, by a connection that is kept.
fn ask(wire: &mut Wire<std::net::TcpStream>, token: &str, key: &str) -> u16 {
    let lines = [format!("Keytender-Token: {token}"), format!("Authorization: Bearer {key}")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    wire.get("/v1/forward-auth?api=acme", &lines).unwrap().status
}

#[test]
fn strangers_cannot_burn_the_processor() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let done = gate.import(&costly(), &json!({}));
        assert_eq!(done["keys"], KEYS + 1, "{done}");
        let native = gate.key(&json!({}));
        let (url, token) = (gate.first().url.clone(), gate.token.clone());
        let mut wire = Wire::to(&url);
        let tried = || counted(&gate, "wrong") + counted(&gate, "right");
        // What leads to no hash is not tried, however often.
        for number in 0..2_000 {
            assert_eq!(ask(&mut wire, &token, &format!("nobody{number}.0123456789")), 401);
            assert_eq!(ask(&mut wire, &token, &format!("nobody-{number}-0123456789")), 401);
        }
        assert_eq!(tried(), 0);
        // The same is tried once.
        for _ in 0..20 {
            assert_eq!(ask(&mut wire, &token, "k0.wrong-0123456789"), 401);
        }
        assert_eq!(tried(), 1);
        // Many that lead to one hash are tried ten times a minute.
        let answers: Vec<u16> = (0..100)
            .map(|number| ask(&mut wire, &token, &format!("k1.wrong-{number:09}")))
            .collect();
        assert_eq!(tried(), 11);
        assert!(answers.iter().take(10).all(|status| *status == 401), "{answers:?}");
        assert!(answers.iter().skip(10).all(|status| *status == 503), "{answers:?}");
        // The right one of another hash is not held up by that.
        assert_eq!(ask(&mut wire, &token, &made("own")), 200);
        until(|| gate.kept("own") == "native");
        flood(&gate, &native.text);
    }
}

/// Everybody at once, against every hash: a few are tried, others wait or are told to come again, and good keys are
/// answered all the while.
fn flood(gate: &Gate, good: &str) {
    let (url, token) = (gate.first().url.clone(), gate.token.clone());
    let before = counted(gate, "wrong");
    let answers = Mutex::new(Vec::new());
    let mut waits = Vec::new();
    std::thread::scope(|scope| {
        for number in 2..KEYS {
            let (url, token, answers) = (&url, &token, &answers);
            scope.spawn(move || {
                let status = ask(&mut Wire::to(url), token, &format!("k{number}.wrong-0123456789"));
                answers.lock().unwrap().push(status);
            });
        }
        let mut wire = Wire::to(&url);
        for _ in 0..200 {
            let asked_at = Instant::now();
            assert_eq!(ask(&mut wire, &token, good), 200);
            waits.push(asked_at.elapsed());
        }
    });
    let answers = answers.into_inner().unwrap();
    let refused = answers.iter().filter(|status| **status == 401).count();
    let later = answers.iter().filter(|status| **status == 503).count();
    assert_eq!(refused + later, KEYS - 2, "{answers:?}");
    assert!(later > 0, "more than wait at once: {answers:?}");
    assert_eq!(counted(gate, "wrong") - before, u64::try_from(refused).unwrap());
    assert!(counted(gate, "full") + counted(gate, "late") >= u64::try_from(later).unwrap());
    waits.sort_unstable();
    let usual = waits[waits.len() * 9 / 10];
    eprintln!(
        "{refused} tried, {later} told to come again; nine of ten good keys took {usual:?} at most"
    );
    assert!(usual < Duration::from_secs(1), "{usual:?}");
}
