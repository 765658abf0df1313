//! A provider is tried: a real server of ours, by the document that it publishes; and the same behind a proxy that
//! breaks one thing at a time, so that exactly the level that hangs on it is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keytender_core::conform::{CHECKS, How, Need};
use reqwest::Method;
use serde_json::{Value, json};

use super::faults::{Between, FAULTS, Fault, UNRECOGNISED, is, is_creation};
use crate::descriptor::provider::{Provider, Reply};
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
        let api = json!({"name": "acme", "scanning_type": "acme_api_key", "own_apps": {"most": 100, "scopes": ["orders:read", "orders:write"]}});
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

    /// A key of another app of the customer's, which was used behind a gateway in a region.
    fn used_in(&self, region: &str) {
        let app = format!("/v1/accounts/{}/apps", self.customer);
        let app = self.server.post(&app, &json!({"name": "web-shop"})).expect(201);
        let keys = format!("/v1/apps/{}/keys", app["id"].as_str().unwrap());
        let key = self.server.post(&keys, &json!({"label": "checkout"})).expect(201);
        let asked = json!({"api": "acme", "verifications": [
            {"key": key["secret"], "region": region, "service": "orders", "address": "203.0.113.9"}]});
        until(|| {
            // Those who verify hear of a new API, and of its keys, a moment later.
            let told = self.server.post("/v1/key-verifications", &asked);
            told.status == 200 && told.json()["verifications"][0]["valid"] == true
        });
        let key = format!("/v1/keys/{}", key["key"].as_str().unwrap());
        until(|| self.server.get(&key).expect(200)["last_used"]["region"] == region);
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
    issuer.used_in("eu-west-1");
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
    for (id, (verdict, reason)) in &found {
        assert_eq!(verdict, "passed", "{id}: {reason}");
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
fn every_check_that_is_tried_is_broken_by_a_test() {
    let broken = |id: &str| FAULTS.iter().any(|(known, ..)| *known == id) || id == "recognisable";
    let tried = CHECKS.iter().filter(|check| check.how == How::Live);
    let whole: Vec<&str> = tried.map(|check| check.id).filter(|id| !broken(id)).collect();
    // Where one key cannot be read by its id, nothing else can be looked at either.
    assert_eq!(whole, ["gets"]);
}

#[test]
fn what_no_use_shows_is_not_tried_and_says_why() {
    let issuer = Issuer::open();
    let whole = document(&issuer);
    let (server, token) = (issuer.server.caller(), issuer.server.token.clone());
    let (view, ran) = behind(&server, &token, &whole, Between::forward);
    let found = verdicts(&view);
    let why = "a use by the probe has no region, and there is no other key in use".to_owned();
    assert_eq!(found["use-region"], ("not tried".to_owned(), why), "{}", ran.stderr);
    assert_eq!((found["use-address"].0.as_str(), &view["level"]), ("passed", &json!(5)));
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
