//! What is broken, one thing at a time, between a probe and a real server of ours.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keytender_core::conform::Level;
use reqwest::Method;
use serde_json::{Value, json};

use crate::descriptor::provider::Came;
use crate::served::Caller;

/// What stands between a probe and the server.
pub(super) struct Between {
    server: Caller,
    /// The secrets of the keys that were made, the last last.
    pub(super) secrets: Mutex<Vec<String>>,
    /// How many keys were asked for.
    pub(super) made: AtomicUsize,
    /// Which keys were ended, by their path.
    ended: Mutex<Vec<String>>,
}

impl Between {
    pub(super) fn new(server: Caller) -> Self {
        let (secrets, made, ended) = Default::default();
        Self { server, secrets, made, ended }
    }

    /// The answer of the server to a request, or to another one in its place.
    pub(super) fn forward(&self, came: &Came) -> (u16, Value) {
        let (method, path) = came.line.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let token = came.authorization().strip_prefix("Bearer ").unwrap_or_default();
        let body = (!came.body.is_empty()).then(|| came.json());
        let known = came.headers["idempotency-key"].as_str();
        let known: Vec<(&str, &str)> =
            known.map(|key| ("idempotency-key", key)).into_iter().collect();
        let answer = self.server.ask_with(token, &method, path, body.as_ref(), &known);
        let value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        (answer.status, value)
    }
}

/// One thing that is broken.
pub(super) type Fault = fn(&Between, &Came) -> (u16, Value);

/// Which method and path a request has, without what the path names.
pub(super) fn is(came: &Came, method: &str, begin: &str, end: &str) -> bool {
    let (known, path) = came.line.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    known == method && path.starts_with(begin) && path.ends_with(end)
}

/// The keys that an answer shows: those of a list, or the one.
fn keys<'a>(came: &Came, answer: &'a mut Value) -> Vec<&'a mut Value> {
    if is(came, "GET", "/v1/keys", "/v1/keys") {
        return answer["keys"].as_array_mut().into_iter().flatten().collect();
    }
    let is_one = is(came, "GET", "/v1/keys/key_", "") && !came.line.ends_with("/timeline");
    if is_one && answer.is_object() { vec![answer] } else { Vec::new() }
}

/// Shows keys otherwise than they are.
fn shown(between: &Between, came: &Came, change: impl Fn(&mut Value)) -> (u16, Value) {
    let (status, mut answer) = between.forward(came);
    keys(came, &mut answer).into_iter().for_each(change);
    (status, answer)
}

/// Sends another body than came.
fn sent(between: &Between, came: &Came, change: impl Fn(&mut Value)) -> (u16, Value) {
    let mut body = came.json();
    change(&mut body);
    between.forward(&Came { body: body.to_string(), ..came.clone() })
}

pub(super) fn is_creation(came: &Came) -> bool {
    is(came, "POST", "/v1/apps/", "/keys")
}

fn is_named(value: &Value, letter: &str) -> bool {
    value["label"].as_str().is_some_and(|label| label.ends_with(letter))
}

/// The look at a key in the place of an act on it.
fn nothing_done(between: &Between, came: &Came) -> (u16, Value) {
    let path = came.line.split_once(' ').unwrap().1;
    let one: Vec<&str> = path.split('/').take(4).collect();
    between.forward(&Came {
        line: format!("GET {}", one.join("/")),
        body: String::new(),
        ..came.clone()
    })
}

/// What is broken, which check must find it, and the level that is left.
pub(super) const FAULTS: &[(&str, Option<Level>, &str, Fault)] = &[
    ("links-resolve", None, "a page that is gone", |between, came| {
        match is(came, "GET", "/docs", "") {
            true => (404, Value::Null),
            false => between.forward(came),
        }
    }),
    ("lists", Some(Level::K0), "a list without its end", |between, came| {
        let (status, mut answer) = between.forward(came);
        if is(came, "GET", "/v1/keys", "/v1/keys") && came.line.contains("limit=2") {
            answer.as_object_mut().unwrap().remove("next");
        }
        (status, answer)
    }),
    ("stable-ids", Some(Level::K0), "ids of the day", |between, came| {
        let (status, mut answer) = between.forward(came);
        if is(came, "GET", "/v1/keys", "/v1/keys") {
            for key in keys(came, &mut answer) {
                key["key"] = format!("{}-today", key["key"].as_str().unwrap()).into();
            }
        }
        (status, answer)
    }),
    ("names", Some(Level::K0), "keys without names", |between, came| {
        shown(between, came, |key| key["label"] = Value::Null)
    }),
    ("created", Some(Level::K0), "a wrong time of creation", |between, came| {
        shown(between, came, |key| key["created_at"] = "2020-01-01T00:00:00Z".into())
    }),
    ("states", Some(Level::K0), "a state of another word", |between, came| {
        shown(between, came, |key| key["state"] = "fine".into())
    }),
    ("no-secret-shown", Some(Level::K0), "secrets in the list", |between, came| {
        let secret = between.secrets.lock().unwrap().last().cloned();
        shown(between, came, |key| key["value"] = secret.clone().into())
    }),
    ("creates", Some(Level::K1), "a secret that is another key's", |between, came| {
        let (status, mut answer) = between.forward(came);
        if is_creation(came) && is_named(&came.json(), "-a") {
            answer["secret"] =
                "acme_live_000000000619_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz004LEk".into();
        }
        (status, answer)
    }),
    ("appears", Some(Level::K1), "a list that is late", |between, came| {
        let is_early = between.made.load(Ordering::SeqCst) < 2;
        let (status, mut answer) = between.forward(came);
        if is(came, "GET", "/v1/keys", "/v1/keys") && is_early {
            answer["keys"] = json!([]);
        }
        (status, answer)
    }),
    ("suspends", Some(Level::K1), "a suspension that does nothing", |between, came| {
        match is(came, "PUT", "/v1/keys/", "/suspension") {
            true => nothing_done(between, came),
            false => between.forward(came),
        }
    }),
    ("resumes", Some(Level::K1), "a key that stays suspended", |between, came| {
        match is(came, "DELETE", "/v1/keys/", "/suspension") {
            true => nothing_done(between, came),
            false => between.forward(came),
        }
    }),
    ("deletes", Some(Level::K1), "an end that is none", |between, came| {
        match is(came, "POST", "/v1/keys/", "/revocation") {
            true => nothing_done(between, came),
            false => between.forward(came),
        }
    }),
    ("deletes-twice", Some(Level::K1), "an end that fails again", |between, came| {
        let is_end = is(came, "POST", "/v1/keys/", "/revocation");
        let mut ended = between.ended.lock().unwrap();
        if is_end && ended.contains(&came.line) {
            return (500, Value::Null);
        }
        if is_end {
            ended.push(came.line.clone());
        }
        drop(ended);
        between.forward(came)
    }),
    ("updates", Some(Level::K5), "a name that stays", |between, came| {
        match is(came, "PATCH", "/v1/keys/", "") {
            true => nothing_done(between, came),
            false => between.forward(came),
        }
    }),
    ("idempotent", Some(Level::K5), "a request that is not known again", |between, came| {
        let mut other = came.clone();
        other.headers.as_object_mut().unwrap().remove("idempotency-key");
        between.forward(&other)
    }),
    ("both-work", Some(Level::K2), "an old key that ends with the new one", |between, came| {
        let answer = between.forward(came);
        if is_creation(came) && is_named(&came.json(), "-e") {
            let listed = between.server.get("/v1/keys?side=issued&limit=1000").expect(200);
            let app = came.line.split('/').nth(3).unwrap();
            let old = listed["keys"]
                .as_array()
                .unwrap()
                .iter()
                .find(|key| is_named(key, "-a") && key["issued"]["app"].as_str() == Some(app));
            let old = old.unwrap_or_else(|| panic!("{listed}"))["key"].as_str().unwrap();
            between.server.post(&format!("/v1/keys/{old}/revocation"), &json!({})).expect(200);
        }
        answer
    }),
    ("old-refused", Some(Level::K2), "an old key that never ends", |between, came| {
        // The first that is ended is another.
        let is_end = is(came, "POST", "/v1/keys/", "/revocation");
        let mut ended = between.ended.lock().unwrap();
        if is_end && !ended.contains(&came.line) {
            ended.push(came.line.clone());
        }
        let is_second = is_end && ended.first() != Some(&came.line);
        drop(ended);
        if is_second { nothing_done(between, came) } else { between.forward(came) }
    }),
    ("scopes-kept", Some(Level::K2), "a successor that may do less", |between, came| {
        match is_creation(came) && is_named(&came.json(), "-e") {
            true => sent(between, came, |body| body["scopes"] = json!(["orders:read"])),
            false => between.forward(came),
        }
    }),
    ("owners", Some(Level::K5), "a list that shows the keys of others", |between, came| {
        let (status, mut answer) = between.forward(came);
        // On the last page, in whatever parts the list is read.
        if is(came, "GET", "/v1/keys", "/v1/keys") && answer["next"].is_null() {
            let other = keys(came, &mut answer).first().map(|key| (*key).clone());
            if let (Some(mut other), Some(keys)) = (other, answer["keys"].as_array_mut()) {
                other["key"] = "key_0000000000000".into();
                other["label"] = "of another app".into();
                keys.push(other);
            }
        }
        (status, answer)
    }),
    ("scopes", Some(Level::K5), "scopes that are not shown", |between, came| {
        shown(between, came, |key| key["issued"]["scopes"] = json!([]))
    }),
    ("expiry-set", Some(Level::K2), "an end that is not kept", |between, came| {
        match is_creation(came) {
            true => sent(between, came, |body| body["expires_at"] = Value::Null),
            false => between.forward(came),
        }
    }),
    ("use-seen", Some(Level::K3), "uses that nobody records", |between, came| {
        shown(between, came, |key| {
            key["last_used"] = json!({"status": "never", "since": "2026-01-01T00:00:00Z"});
        })
    }),
    ("never-used", Some(Level::K3), "an epoch for never", |between, came| {
        shown(between, came, |key| {
            if key["last_used"]["status"] == "never" {
                key["last_used"] = json!({"status": "used", "at": "1970-01-01T00:00:00Z"});
            }
        })
    }),
    ("acts-logged", Some(Level::K3), "a log without acts", |between, came| {
        let (status, mut answer) = between.forward(came);
        if is(came, "GET", "/v1/keys/", "/timeline") {
            let events = answer["events"].as_array_mut().unwrap();
            events.retain(|event| event["what"] == "key.create");
        }
        (status, answer)
    }),
    ("use-region", Some(Level::K5), "a region of uses that never were", |between, came| {
        shown(between, came, |key| key["last_used"]["region"] = "eu-west-1".into())
    }),
    ("use-service", Some(Level::K5), "a service without a name", |between, came| {
        shown(between, came, |key| {
            if key["last_used"]["status"] == "used" {
                key["last_used"]["service"] = json!({"name": "orders"});
            }
        })
    }),
    ("use-address", Some(Level::K5), "uses from nowhere", |between, came| {
        shown(between, came, |key| {
            key["last_used"].as_object_mut().unwrap().remove("address");
        })
    }),
    ("use-address", Some(Level::K5), "an address that is none", |between, came| {
        shown(between, came, |key| {
            if key["last_used"]["status"] == "used" {
                key["last_used"]["address"] = "the internet".into();
            }
        })
    }),
    ("report", Some(Level::K5), "a report without keys", |between, came| {
        match is(came, "GET", "/v1/credential-report", "") {
            true => (200, json!({"keys": []})),
            false => between.forward(came),
        }
    }),
    ("notices-set", Some(Level::K4), "settings that are not kept", |between, came| {
        match is(came, "PATCH", "/v1/accounts/", "") {
            true => nothing_done(between, came),
            false => between.forward(came),
        }
    }),
    ("events-signed", Some(Level::K4), "events that another secret signs", |between, came| {
        let (status, mut answer) = between.forward(came);
        if is(came, "POST", "/v1/channels", "") {
            answer["signing_secret"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=".into();
        }
        (status, answer)
    }),
    ("exposed-door", Some(Level::K4), "a door behind which nobody is", |between, came| {
        match is(came, "POST", "/v1/exposures", "") {
            true => (202, json!({})),
            false => between.forward(came),
        }
    }),
    ("exposed-door", Some(Level::K4), "a door that opens once", |between, came| {
        let mut ended = between.ended.lock().unwrap();
        if is(came, "POST", "/v1/exposures", "") && ended.contains(&came.line) {
            return (409, Value::Null);
        }
        ended.push(came.line.clone());
        drop(ended);
        between.forward(came)
    }),
    ("owner-ends", Some(Level::K4), "an owner who stays", |between, came| {
        match is(came, "DELETE", "/v1/apps/", "") {
            true => (204, Value::Null),
            false => between.forward(came),
        }
    }),
];

/// What is broken in the document itself, as far as only a live key shows it.
pub(super) const UNRECOGNISED: &[(&str, &str)] = &[
    ("/keyTypes/0/format/pattern", "acme_(?:live|test)_[0-9]{12}_[0-9A-Za-z]{38}"),
    ("/keyTypes/0/format/checksum", "crc32-base62-after-prefix"),
];
