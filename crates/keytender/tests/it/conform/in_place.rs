//! A provider that changes the secret of a key in its place: the old one works on for a while. It keeps its keys here,
//! and breaks what a test asks for.

use std::collections::BTreeMap;
use std::sync::Mutex;

use keytender_core::time::{Span, Time};
use serde_json::{Value, json};

use super::live::{tried, verdicts};
use crate::Home;
use crate::descriptor::provider::{Came, Provider, Reply, json_of};

/// How long both secrets of a key work, in seconds.
const OVERLAP: i64 = 3;
const TOKEN: &str = "manages-keys";

/// What it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// The old secret ends with the rotation.
    NoOverlap,
    /// The old secret ends too early.
    ShortOverlap,
    /// The old secret never ends.
    NoEnd,
    /// The new secret is refused.
    NewRefused,
    /// The new secret ends with the old one.
    BothEnd,
    /// The key is another one after the rotation.
    OtherId,
    /// The answer gives the old secret.
    SameSecret,
    /// What the key may do is lost.
    NoScopes,
}

/// A key of it.
struct Key {
    shown: Value,
    /// Its secrets, each with its end.
    secrets: Vec<(String, Option<Time>)>,
}

struct Issuer {
    fault: Fault,
    keys: Mutex<BTreeMap<String, Key>>,
}

fn now() -> Time {
    keytender::clock::now()
}

impl Issuer {
    fn answer(&self, came: &Came) -> Reply {
        let (method, path) = came.line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let shown = came.authorization().strip_prefix("Bearer ").unwrap_or_default();
        let mut keys = self.keys.lock().unwrap();
        if let ["me"] = parts.as_slice() {
            let is_good = |key: &&Key| {
                key.shown["state"] == "working"
                    && key
                        .secrets
                        .iter()
                        .any(|(secret, ends)| secret == shown && ends.is_none_or(|at| at > now()))
            };
            return match keys.values().find(is_good) {
                Some(key) => json_of(200, &key.shown),
                None => json_of(401, &json!({})),
            };
        }
        if shown != TOKEN {
            return json_of(401, &json!({}));
        }
        match (method, parts.as_slice()) {
            ("GET", ["team"]) => json_of(200, &json!({})),
            ("GET", ["keys"]) => {
                let all: Vec<&Value> = keys.values().map(|key| &key.shown).collect();
                json_of(200, &json!({"keys": all}))
            }
            ("POST", ["keys"]) => {
                let id = format!("k{}", keys.len() + 1);
                let body = came.json();
                let shown = json!({"id": id, "name": body["name"], "scopes": body["scopes"],
                                   "expires": body["expires"], "created": now(), "state": "working"});
                let secret = format!("secret-of-{id}");
                let told = json!({"id": id, "secret": secret});
                keys.insert(id, Key { shown, secrets: vec![(secret, None)] });
                json_of(201, &told)
            }
            (_, ["keys", id, ..]) => {
                let Some(key) = keys.get_mut(*id) else { return json_of(404, &json!({})) };
                match (method, parts.get(2)) {
                    ("GET", None) => {}
                    ("DELETE", None) => {
                        keys.remove(*id);
                        return json_of(204, &Value::Null);
                    }
                    ("POST", Some(&"stop")) => key.shown["state"] = "stopped".into(),
                    ("POST", Some(&"start")) => key.shown["state"] = "working".into(),
                    ("POST", Some(&"rotate")) => return self.rotated(&mut keys, id),
                    _ => return json_of(405, &json!({})),
                }
                json_of(200, &key.shown)
            }
            _ => json_of(404, &json!({})),
        }
    }

    fn rotated(&self, keys: &mut BTreeMap<String, Key>, id: &str) -> Reply {
        let key = keys.get_mut(id).unwrap();
        let old = key.secrets.last().unwrap().0.clone();
        let new = format!("{old}-{}", key.secrets.len());
        let overlap = match self.fault {
            Fault::NoOverlap => 0,
            Fault::ShortOverlap => 1,
            _ => OVERLAP,
        };
        let over = now().plus(Span::from_micros(overlap * 1_000_000));
        let ends = (self.fault != Fault::NoEnd).then_some(over);
        for (_, end) in &mut key.secrets {
            *end = ends;
        }
        match self.fault {
            Fault::NewRefused | Fault::SameSecret => {}
            Fault::BothEnd => key.secrets.push((new.clone(), ends)),
            _ => key.secrets.push((new.clone(), None)),
        }
        if self.fault == Fault::NoScopes {
            key.shown["scopes"] = json!([]);
        }
        let secret = if self.fault == Fault::SameSecret { old } else { new };
        if self.fault == Fault::OtherId {
            let mut key = keys.remove(id).unwrap();
            key.shown["id"] = format!("{id}b").into();
            keys.insert(format!("{id}b"), key);
            return json_of(200, &json!({"id": format!("{id}b"), "secret": secret}));
        }
        json_of(200, &json!({"id": id, "secret": secret}))
    }
}

/// What the provider says of itself.
fn document() -> Value {
    let operation = |method: &str, path: &str| json!({"request": {"method": method, "url": path}, "propagationSeconds": 2});
    let mut create = operation("POST", "/keys");
    create["request"]["json"] =
        json!({"name": "{arg.name}", "scopes": "{arg.scopes}", "expires": "{arg.expires}"});
    create["args"] = json!({"name": {"required": true}, "scopes": {"copy": "/scopes"},
                            "expires": {"as": "date-time"}});
    create["outputs"] = json!({"secret": "/secret", "id": "/id"});
    let mut rotate = operation("POST", "/keys/{key.id}/rotate");
    rotate["outputs"] = json!({"secret": "/secret", "id": "/id"});
    let mut list = operation("GET", "/keys");
    list["items"] = "/keys".into();
    let mut delete = operation("DELETE", "/keys/{key.id}");
    delete["gone"] = json!([404]);
    json!({
        "akm": "0.1",
        "provider": {"id": "in-place", "name": "In Place", "url": "https://in-place.example"},
        "server": "https://in-place.example",
        "authentication": {"methods": [{
            "id": "token", "scheme": "bearer", "bootstrap": "It is given out.",
            "permissions": {"list": ["read"], "create": ["write"], "suspend": ["write"], "delete": ["write"]},
        }]},
        "links": {"console": "https://in-place.example/team"},
        "keyTypes": [{
            "id": "key", "type": "api-key", "display": "once",
            "presentation": {"in": "header", "name": "Authorization", "scheme": "Bearer"},
            "lifetime": {"expires": "optional"},
            "fields": {"id": "/id", "name": "/name", "scopes": "/scopes", "createdAt": "/created",
                       "expiresAt": "/expires"},
            "state": [{"at": "/state", "words": {"working": "active", "stopped": "suspended"}}],
            "rotation": {"mode": "in-place-overlap", "keepsId": true, "overlapSeconds": OVERLAP},
            "operations": {
                "list": list, "get": operation("GET", "/keys/{key.id}"), "whoami": operation("GET", "/me"),
                "create": create, "suspend": operation("POST", "/keys/{key.id}/stop"),
                "resume": operation("POST", "/keys/{key.id}/start"), "rotate": rotate, "delete": delete,
            },
        }],
    })
}

/// Tries a provider with a fault: its level, the verdict and reason of each check, and what it keeps at the end.
fn with(fault: Fault) -> (Value, BTreeMap<String, (String, String)>, String) {
    let issuer = std::sync::Arc::new(Issuer { fault, keys: Mutex::default() });
    let desk = std::sync::Arc::clone(&issuer);
    let provider = Provider::start(move |came| desk.answer(came));
    let home = Home::new();
    let file = home.write("in-place.json", document().to_string());
    let endpoint = provider.url.as_str().trim_end_matches('/');
    let words =
        [file.to_str().unwrap(), "--endpoint", endpoint, "--scopes", "orders:read", "--yes"];
    let (view, ran) = tried(TOKEN, &words);
    provider.end();
    let left: Vec<String> = issuer.keys.lock().unwrap().keys().cloned().collect();
    assert_eq!(left, Vec::<String>::new(), "{fault:?}: {}", ran.stderr);
    assert_eq!(ran.code, 0, "{fault:?}: {}", ran.stderr);
    (view["level"].clone(), verdicts(&view), ran.stderr)
}

#[test]
fn a_secret_that_is_changed_in_its_place_is_seen_to_overlap_and_to_end() {
    let (level, found, told) = with(Fault::None);
    for check in ["both-work", "old-refused", "scopes-kept", "expiry-set"] {
        assert_eq!(found[check].0, "passed", "{check}: {told}");
    }
    assert_eq!(found["both-work"].1, "both were taken, and it is one key still");
    // It tells of no uses, so that is all.
    assert_eq!(level, 3, "{told}");
}

#[test]
fn a_rotation_in_place_that_does_one_thing_wrong_loses_its_level() {
    for (fault, check) in [
        (Fault::NoOverlap, "both-work"),
        (Fault::ShortOverlap, "old-refused"),
        (Fault::NoEnd, "old-refused"),
        (Fault::NewRefused, "both-work"),
        (Fault::BothEnd, "old-refused"),
        (Fault::OtherId, "both-work"),
        (Fault::SameSecret, "both-work"),
        (Fault::NoScopes, "scopes-kept"),
    ] {
        let (level, found, told) = with(fault);
        assert_eq!(found[check].0, "failed", "{fault:?} {check}: {told}");
        assert_eq!(level, 2, "{fault:?}: {told}");
    }
}
