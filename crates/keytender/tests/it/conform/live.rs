//! A provider is tried: a real server of ours, by the document that it publishes; and the same behind a proxy that
//! breaks one thing at a time, so that exactly the level that hangs on it is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keytender_core::conform::{CHECKS, Level, Need};
use reqwest::Method;
use serde_json::{Value, json};

use crate::descriptor::provider::{Came, Provider, Reply};
use crate::hook::Hook;
use crate::served::{Caller, Served};
use crate::verifying::until;
use crate::{Home, Ran};

const BASE: &str = "https://keys.acme.test";
const DOCUMENT: &str = "/.well-known/api-keys/acme";
/// To whom the customer's notices go.
const CONTACT: &str = "dev@globex.example";
/// How long a change may take, as the document says it in these tests, in seconds.
const STATED: u64 = 4;
/// How many probes run at the same time.
const AT_ONCE: usize = 3;

/// A server that issues keys of `acme`, and tells its customers.
struct Issuer {
    server: Served,
    home: Home,
    customer: String,
    _hook: Hook,
}

impl Issuer {
    fn open() -> Self {
        let home = Home::new();
        let server = Served::start_with(&home, &["--public-url", BASE]);
        let api = json!({"name": "acme", "own_apps": {"most": 100, "scopes": ["orders:read", "orders:write"]}});
        server.post("/v1/apis", &api).expect(201);
        let customer = json!({"name": "globex", "contact": CONTACT});
        let customer = server.post("/v1/apis/acme/accounts", &customer).expect(201);
        let customer = customer["id"].as_str().unwrap().to_owned();
        let hook = Hook::start("204 No Content");
        let channel = json!({"name": "hook", "kind": "webhook", "url": hook.url, "allow_private": true,
                             "api": "acme", "events": ["key.exposed"]});
        server.post("/v1/channels", &channel).expect(201);
        server.post("/v1/apis/acme/notice-previews", &json!({})).expect(200);
        let voice = json!({"started": true, "keys_page": format!("{BASE}/keys")});
        server.patch("/v1/apis/acme/notice-settings", &voice).expect(200);
        until(|| {
            let told = server.ask_with("", &Method::GET, DOCUMENT, None, &[]);
            told.status == 200 && told.json().get("events").is_some()
        });
        Self { server, home, customer, _hook: hook }
    }

    fn document(&self) -> Value {
        self.server.ask_with("", &Method::GET, DOCUMENT, None, &[]).expect(200)
    }

    /// The names of what a probe left here.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (path, list) in [("/v1/apis/acme/apps", "apps"), ("/v1/channels", "channels")] {
            let found = self.server.get(path).expect(200);
            let names = found[list].as_array().unwrap().iter();
            let names = names.map(|one| one["name"].as_str().unwrap().to_owned());
            left.extend(names.filter(|name| name.contains("keytender-probe-")));
        }
        left
    }
}

/// Tries what is meant by a word; what was found, and the run.
pub(super) fn tried(token: &str, words: &[&str]) -> (Value, Ran) {
    let home = Home::new().with("THE_TOKEN", token);
    let common = ["--live", "--credential", "env:THE_TOKEN", "--allow-private", "--format", "json"];
    let ran = home.run(&[&["conform"], words, &common[..]].concat());
    let view = serde_json::from_str(&ran.stdout).unwrap_or_default();
    (view, ran)
}

/// The verdict of each check.
pub(super) fn verdicts(view: &Value) -> BTreeMap<String, (String, String)> {
    let checks = view["kinds"][0]["checks"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks
        .map(|check| (text(&check["id"]), (text(&check["verdict"]), text(&check["reason"]))))
        .collect()
}

#[test]
fn our_own_issuer_is_graded_at_the_highest_level_by_its_address_alone() {
    let issuer = Issuer::open();
    let url = format!("{}{DOCUMENT}", issuer.server.url);
    let words = [url.as_str(), "--scopes", "orders:read", "--yes"];
    let (view, ran) = tried(&issuer.server.token, &words);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found = verdicts(&view);
    for check in CHECKS.iter().filter(|check| check.need == Need::Must) {
        let (verdict, reason) = &found[check.id];
        assert_eq!(verdict, "passed", "{}: {reason}", check.id);
    }
    assert_eq!((&view["level"], &view["is_claimed"]), (&json!(5), &json!(false)));
    assert_eq!(view["basis"], "live");
    for id in ["gets", "scopes", "updates", "idempotent", "report", "use-region", "use-service"] {
        assert_eq!(found[id].0, "passed", "{id}: {}", found[id].1);
    }
    // Everything that it made is gone, was named before, and what was set is as it was.
    assert_eq!(issuer.left(), Vec::<String>::new());
    let settings = issuer.server.get(&format!("/v1/accounts/{}/notice-settings", issuer.customer));
    assert_eq!(settings.expect(200)["contact"], CONTACT);
    assert!(ran.stderr.contains("make one app of acme, named keytender-probe-"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("could not take away"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("acme_live_") && !ran.stdout.contains("acme_live_"));
}

#[test]
fn nothing_is_asked_before_the_plan_was_accepted() {
    let issuer = Issuer::open();
    let asked = Provider::start(|_| Reply::Close);
    let file = issuer.home.write("acme.json", issuer.document().to_string());
    let words = [file.to_str().unwrap(), "--endpoint", asked.url.as_str()];
    let (_, ran) = tried(&issuer.server.token, &words);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("nothing was done"), "{}", ran.stderr);
    assert!(ran.stderr.contains("do to these alone: update, suspend"), "{}", ran.stderr);
    assert_eq!(asked.lines(), Vec::<String>::new());
}

/// What stands between a probe and the server.
struct Between {
    server: Caller,
    /// The secrets of the keys that were made, the last last.
    secrets: Mutex<Vec<String>>,
    /// How many keys were asked for.
    made: AtomicUsize,
    /// Which keys were ended, by their path.
    ended: Mutex<Vec<String>>,
}

impl Between {
    fn new(server: Caller) -> Self {
        let (secrets, made, ended) = Default::default();
        Self { server, secrets, made, ended }
    }

    /// The answer of the server to a request, or to another one in its place.
    fn forward(&self, came: &Came) -> (u16, Value) {
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
type Fault = fn(&Between, &Came) -> (u16, Value);

/// Which method and path a request has, without what the path names.
fn is(came: &Came, method: &str, begin: &str, end: &str) -> bool {
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

fn is_creation(came: &Came) -> bool {
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
const FAULTS: &[(&str, Option<Level>, &str, Fault)] = &[
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
const UNRECOGNISED: &[(&str, &str)] = &[
    ("/keyTypes/0/format/pattern", "acme_(?:live|test)_[0-9]{12}_[0-9A-Za-z]{38}"),
    ("/keyTypes/0/format/checksum", "crc32-base62-after-prefix"),
];

/// Tries the server behind what breaks something.
fn behind(server: &Caller, token: &str, document: &Value, fault: Fault) -> (Value, Ran) {
    let between = Between::new(server.clone());
    let proxy = Provider::start(move |came| {
        if is_creation(came) {
            between.made.fetch_add(1, Ordering::SeqCst);
        }
        let (status, answer) = fault(&between, came);
        if let Some(secret) = answer["secret"].as_str().filter(|_| is_creation(came)) {
            between.secrets.lock().unwrap().push(secret.to_owned());
        }
        let body = if answer.is_null() { String::new() } else { answer.to_string() };
        Reply::Whole(status, Vec::new(), body)
    });
    // Each has a customer of its own, whose settings nobody else changes.
    let name = format!("behind-{}", proxy.url.port().unwrap());
    let customer = server.post("/v1/apis/acme/accounts", &json!({"name": name})).expect(201);
    let within = format!("acme-customer={}", customer["id"].as_str().unwrap());
    let home = Home::new();
    let file = home.write("acme.json", document.to_string());
    let words = [
        file.to_str().unwrap(),
        "--within",
        within.as_str(),
        "--endpoint",
        proxy.url.as_str().trim_end_matches('/'),
        "--scopes",
        "orders:read orders:write",
        "--yes",
    ];
    let tried = tried(token, &words);
    proxy.end();
    tried
}

/// The document, with times that a test can wait for.
fn document(issuer: &Issuer) -> Value {
    let mut document = issuer.document();
    let kind = &mut document["keyTypes"][0];
    kind["lastUsed"]["lagSeconds"] = STATED.into();
    for name in ["create", "suspend", "resume", "delete", "revokeExposed"] {
        kind["operations"][name]["propagationSeconds"] = STATED.into();
    }
    document
}

#[test]
fn a_provider_with_one_thing_broken_loses_exactly_the_level_that_hangs_on_it() {
    let issuer = Issuer::open();
    let document = document(&issuer);
    let (server, token) = (issuer.server.caller(), issuer.server.token.clone());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((check, level, what, fault)) =
                    FAULTS.get(next.fetch_add(1, Ordering::SeqCst))
                {
                    let (view, ran) = behind(&server, &token, &document, *fault);
                    let found = verdicts(&view);
                    let verdict = found.get(*check).cloned().unwrap_or_default();
                    let expected = level.map_or(Value::Null, |level| level.number().into());
                    if verdict.0 != "failed" || view["level"] != expected {
                        let told = format!(
                            "{what}: {check} {verdict:?}, {}\n{}",
                            view["level"], ran.stderr
                        );
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn keys_that_are_not_recognised_lose_the_highest_level() {
    let issuer = Issuer::open();
    let whole = document(&issuer);
    for (at, word) in UNRECOGNISED {
        let mut document = whole.clone();
        *document.pointer_mut(at).unwrap() = (*word).into();
        let (view, ran) =
            behind(&issuer.server.caller(), &issuer.server.token, &document, Between::forward);
        assert_eq!(view["level"], 4, "{at}: {}", ran.stderr);
        assert_eq!(verdicts(&view)["recognisable"].0, "failed", "{at}");
    }
}

#[test]
fn every_check_that_is_tried_and_must_hold_is_broken_by_a_test() {
    let broken = |id: &str| FAULTS.iter().any(|(known, ..)| *known == id) || id == "recognisable";
    let tried = CHECKS.iter().filter(|check| {
        check.how == keytender_core::conform::How::Live && check.need == Need::Must
    });
    let whole: Vec<&str> = tried.map(|check| check.id).filter(|id| !broken(id)).collect();
    assert_eq!(whole, Vec::<&str>::new());
}

#[test]
fn a_probe_that_is_stopped_takes_away_what_it_made() {
    let issuer = Issuer::open();
    // The log of acts never answers, so that the probe waits where keys, an app and a webhook are there.
    let between = Between::new(issuer.server.caller());
    let reached = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&reached);
    let proxy = Provider::start(move |came| {
        if is(came, "GET", "/v1/credential-report", "") {
            seen.store(1, Ordering::SeqCst);
            return Reply::Hang;
        }
        let (status, answer) = between.forward(came);
        let body = if answer.is_null() { String::new() } else { answer.to_string() };
        Reply::Whole(status, Vec::new(), body)
    });
    let file = issuer.home.write("acme.json", document(&issuer).to_string());
    let home = Home::new().with("THE_TOKEN", &issuer.server.token);
    let mut words =
        vec!["conform", file.to_str().unwrap(), "--live", "--credential", "env:THE_TOKEN"];
    words.extend([
        "--allow-private",
        "--yes",
        "--endpoint",
        proxy.url.as_str().trim_end_matches('/'),
    ]);
    let child = home.spawn(&words);
    until(|| reached.load(Ordering::SeqCst) == 1);
    assert_eq!(issuer.left().len(), 2, "an app and a webhook: {:?}", issuer.left());
    let stopped =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("it was stopped"), "{stderr}");
    assert!(!stderr.contains("could not take away"), "{stderr}");
    assert_eq!(issuer.left(), Vec::<String>::new(), "{stderr}");
    proxy.end();
}

#[test]
fn what_cannot_be_taken_away_is_named() {
    let issuer = Issuer::open();
    let whole = document(&issuer);
    let fault: Fault = |between, came| match is(came, "DELETE", "/v1/apps/", "") {
        true => (403, Value::Null),
        false => between.forward(came),
    };
    let (view, ran) = behind(&issuer.server.caller(), &issuer.server.token, &whole, fault);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("could not take away the acme-app app_"), "{}", ran.stderr);
    assert_eq!(view["level"], 4);
}
