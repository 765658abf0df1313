//! Accounts of providers that are described, through the program: added, synced, audited, acted on.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::databases::{Database, new_databases};
use crate::descriptor::provider::{Came, Provider, Reply, good, json_of};
use crate::{Home, Ran};

/// The credential, and a secret that a list shows and nobody may keep.
const CREDENTIAL: &str = "glpat-of-the-test";
const LISTED_SECRET: &str = "glpat-shown-in-the-list";

/// The tokens of a GitLab that shows two on a page.
type Tokens = Arc<Mutex<Vec<Value>>>;

fn token(id: u32, user: u32, last_used: Option<&str>) -> Value {
    json!({
        "id": id, "name": format!("token {id}"), "user_id": user, "scopes": ["api"],
        "revoked": false, "active": true, "created_at": "2024-01-15T08:00:00.000Z",
        "expires_at": null, "last_used_at": last_used, "token": LISTED_SECRET
    })
}

fn gitlab(tokens: &Tokens) -> Provider {
    let tokens = Arc::clone(tokens);
    Provider::start(move |came| {
        if came.headers["private-token"] != CREDENTIAL {
            return json_of(401, &json!({"message": "401 Unauthorized"}));
        }
        answer(&mut tokens.lock().unwrap(), came)
    })
}

fn answer(tokens: &mut Vec<Value>, came: &Came) -> Reply {
    const LIST: &str = "/api/v4/personal_access_tokens";
    let (method, place) = came.line.split_once(' ').unwrap();
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let one = path.strip_prefix(LIST).and_then(|rest| rest.strip_prefix('/'));
    let Some(id) = one else {
        assert_eq!(path, LIST);
        let is_second = query.split('&').any(|part| part == "page=2");
        let (from, to) = if is_second { (2, tokens.len()) } else { (0, tokens.len().min(2)) };
        let page = json!(tokens.get(from.min(to)..to).unwrap());
        let next = format!("<{LIST}?page=2&per_page=100>; rel=\"next\"");
        let more = !is_second && tokens.len() > 2;
        let headers = if more { vec![("link", next)] } else { Vec::new() };
        return Reply::Whole(200, headers, page.to_string());
    };
    if id == "self" {
        return good(tokens[0].clone());
    }
    let place = tokens.iter().position(|token| token["id"].as_u64() == id.parse().ok());
    match (method, place) {
        (_, None) => json_of(404, &json!({"message": "404 Not found"})),
        ("DELETE", Some(place)) => {
            tokens.remove(place);
            Reply::Whole(204, Vec::new(), String::new())
        }
        (_, Some(place)) => good(tokens[place].clone()),
    }
}

fn home(database: &Database) -> Home {
    Home::new()
        .with("KEYTENDER_DATABASE", &database.text)
        .with("KEYTENDER_ACTOR", "mia")
        .with("THE_TOKEN", CREDENTIAL)
}

fn done(home: &Home, words: &[&str]) -> Ran {
    let ran = home.run(words);
    assert_eq!(ran.code, 0, "{words:?}\n{}{}", ran.stdout, ran.stderr);
    ran
}

fn add(home: &Home, words: &[&str], provider: &Provider) {
    let url = provider.url.as_str();
    let common = ["--credential", "env:THE_TOKEN", "--endpoint", url, "--allow-private"];
    done(home, &[&["accounts", "add"], words, &common].concat());
}

fn keys(home: &Home) -> Vec<Value> {
    let listed = done(home, &["keys", "list", "--json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    listed["keys"].as_array().unwrap().clone()
}

/// Our id of the key with this id at its provider.
fn ours(home: &Home, id: &str) -> String {
    let keys = keys(home);
    let key = keys.iter().find(|key| key["id"] == id).unwrap();
    key["key"].as_str().unwrap().to_owned()
}

#[test]
fn an_account_is_added_synced_and_acted_on() {
    for database in new_databases() {
        let tokens = Tokens::new(Mutex::new(vec![
            token(1, 7, Some("2026-11-20T08:00:00Z")),
            token(2, 8, None),
            token(3, 7, None),
        ]));
        let provider = gitlab(&tokens);
        let home = home(&database);
        add(&home, &["gitlab", "work"], &provider);
        let checked = done(&home, &["accounts", "check", "work"]).stdout;
        assert!(checked.contains("the personal access token `token 1`"), "{checked}");
        let synced = done(&home, &["sync"]);
        assert!(synced.stdout.contains("work: 3 keys; 3 found"), "{}", synced.stdout);
        // A look without a change writes nothing but that it was made.
        let again = done(&home, &["sync"]).stdout;
        assert!(again.contains("work: 3 keys, nothing new"), "{again}");
        let known = keys(&home);
        let of = |id: &str| known.iter().find(|key| key["id"] == id).unwrap();
        assert_eq!(of("1")["last_used"]["at"], "2026-11-20T08:00:00Z");
        assert_eq!(of("2")["last_used"]["since"], "2024-01-15T08:00:00Z");
        assert_eq!(of("3")["action"], "remove");

        let refused = home.run(&["keys", "disable", &ours(&home, "3"), "--yes"]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("gitlab has no call to disable"), "{}", refused.stderr);
        let why = ["--yes", "--really", "--because", "nobody uses it"];
        done(&home, &[&["keys", "delete", &ours(&home, "3")], &why[..]].concat());
        assert_eq!(tokens.lock().unwrap().len(), 2);
        done(&home, &["sync"]);
        assert_eq!(keys(&home).len(), 2);
        if database.text.ends_with(".db") {
            let kept = std::fs::read(&database.text).unwrap();
            for secret in [LISTED_SECRET, CREDENTIAL] {
                let is_there = kept.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!is_there, "{secret} is in the database");
            }
        }
    }
}

#[test]
fn a_credential_that_ended_makes_nothing_missing() {
    for database in new_databases() {
        let tokens = Tokens::new(Mutex::new(vec![token(1, 7, None)]));
        let provider = gitlab(&tokens);
        let home = home(&database);
        add(&home, &["gitlab", "work"], &provider);
        done(&home, &["sync"]);
        let home = home.with("THE_TOKEN", "glpat-another");
        for _ in 0..2 {
            let ran = home.run(&["sync"]);
            assert_eq!(ran.code, 1, "{}", ran.stdout);
            assert!(ran.stderr.contains("it answered 401"), "{}", ran.stderr);
            assert!(!ran.stderr.contains("glpat"), "{}", ran.stderr);
        }
        assert_eq!(keys(&home)[0]["state"], "active");
    }
}

#[test]
fn a_kind_of_key_that_is_not_listed_any_more_loses_none() {
    for database in new_databases() {
        let denies = Arc::new(Mutex::new(false));
        let shared = Arc::clone(&denies);
        let provider = Provider::start(move |came| {
            let place = came.line.split_once(' ').unwrap().1;
            let key = |id: &str| json!({"id": id, "attributes": {"name": id, "created_at": "2026-11-01T00:00:00Z"}});
            let list = |id: &str| {
                good(json!({"data": [key(id)], "meta": {"page": {"total_filtered_count": 1}}}))
            };
            let is_first =
                place.contains("page%5Bnumber%5D=0") || !place.contains("page%5Bnumber%5D");
            match place.split('?').next().unwrap() {
                _ if !is_first => good(json!({"data": []})),
                "/api/v2/api_keys" => list("api-1"),
                "/api/v2/application_keys" if *shared.lock().unwrap() => json_of(403, &json!({})),
                "/api/v2/application_keys" => list("app-1"),
                _ => json_of(404, &json!({})),
            }
        });
        let home = home(&database).with("THE_TOKEN", "one two");
        add(&home, &["datadog", "logs"], &provider);
        done(&home, &["sync"]);
        assert_eq!(keys(&home).len(), 2, "{:?}", provider.lines());
        *denies.lock().unwrap() = true;
        for _ in 0..2 {
            let synced = done(&home, &["sync"]);
            let said = format!("{}{}", synced.stdout, synced.stderr);
            assert!(said.contains("it answered 403"), "{said}");
        }
        let states: Vec<_> = keys(&home).iter().map(|key| key["state"].clone()).collect();
        assert_eq!(states, ["active", "active"]);
    }
}

#[test]
fn a_key_is_disabled_at_its_provider_and_enabled_again() {
    let tokens = Tokens::new(Mutex::new(vec![json!({
        "id": "ed17", "name": "deploy", "status": "active", "issued_on": "2024-01-15T08:00:00Z",
        "policies": [{"id": "p", "effect": "allow"}]
    })]));
    let shared = Arc::clone(&tokens);
    let provider = Provider::start(move |came| {
        let mut tokens = shared.lock().unwrap();
        let (method, place) = came.line.split_once(' ').unwrap();
        let path = place.split('?').next().unwrap();
        let page = json!({"success": true, "result": *tokens, "result_info": {"page": 1, "total_count": 1}});
        match (method, path) {
            ("GET", "/client/v4/user/tokens") if place.contains("page=2") => {
                good(json!({"success": true, "result": []}))
            }
            ("GET", "/client/v4/user/tokens") => good(page),
            ("GET", "/client/v4/user/tokens/ed17") => {
                good(json!({"success": true, "result": tokens[0]}))
            }
            ("PUT", "/client/v4/user/tokens/ed17") => {
                tokens[0] = came.json();
                good(json!({"success": true, "result": tokens[0]}))
            }
            _ => json_of(404, &json!({"success": false})),
        }
    });
    let database = new_databases().swap_remove(0);
    let home = home(&database);
    add(&home, &["cloudflare", "edge"], &provider);
    done(&home, &["sync"]);
    let id = ours(&home, "ed17");
    done(&home, &["keys", "disable", &id, "--yes", "--because", "unused"]);
    // All of the token is sent back, with nothing changed but its state.
    let sent = tokens.lock().unwrap()[0].clone();
    assert_eq!((&sent["status"], &sent["policies"][0]["id"]), (&json!("disabled"), &json!("p")));
    done(&home, &["sync"]);
    assert_eq!(keys(&home)[0]["state"], "suspended");
    done(&home, &["keys", "enable", &id, "--yes"]);
    assert_eq!(tokens.lock().unwrap()[0]["status"], "active");
}

#[test]
fn a_provider_of_whom_only_a_descriptor_is_known_is_read_until_more_is_allowed() {
    const ACME: &str = r#"
akm: "0.1"
provider: {id: acme, name: Acme, url: https://acme.example}
server: https://api.acme.example/v1
authentication: {methods: [{id: token, scheme: bearer}]}
keyTypes:
  - id: key
    type: api-key
    fields: {id: /id, name: /name}
    operations:
      list: {request: {method: GET, url: /keys}, items: /keys}
      delete: {request: {method: DELETE, url: "/keys/{key.id}"}}
"#;
    let deleted = Arc::new(Mutex::new(false));
    let shared = Arc::clone(&deleted);
    let provider = Provider::start(move |came| {
        let mut deleted = shared.lock().unwrap();
        *deleted |= came.line == "DELETE /v1/keys/k1";
        let listed = if *deleted { json!([]) } else { json!([{"id": "k1", "name": "one"}]) };
        good(json!({"keys": listed}))
    });
    for database in new_databases() {
        *deleted.lock().unwrap() = false;
        let home = home(&database);
        let file = home.path().join("acme.yaml");
        std::fs::write(&file, ACME).unwrap();
        let descriptor = ["--descriptor", file.to_str().unwrap()];
        add(&home, &[&["acme", "reader"], &descriptor[..]].concat(), &provider);
        done(&home, &["sync"]);
        // Nobody tells when it was made: it is at least as old as it is known.
        assert_eq!(keys(&home)[0]["age_days"], 0);
        let why = ["--yes", "--really", "--because", "leaked"];
        let refused = home.run(&[&["keys", "delete", &ours(&home, "k1")], &why[..]].concat());
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(!*deleted.lock().unwrap());
        done(&home, &["accounts", "remove", "reader", "--yes"]);
        add(&home, &[&["acme", "writer", "--allow-writes"], &descriptor[..]].concat(), &provider);
        done(&home, &["sync"]);
        done(&home, &[&["keys", "delete", &ours(&home, "k1")], &why[..]].concat());
        assert!(*deleted.lock().unwrap());
        // Of another provider it is refused, and so is what is no descriptor.
        let other = [&["accounts", "add", "other", "o"], &descriptor[..]].concat();
        let refused = home.run(&other);
        assert!(
            refused.stderr.contains("the descriptor of acme, not of other"),
            "{}",
            refused.stderr
        );
        std::fs::write(&file, ACME.replace("/id", "id")).unwrap();
        let refused = home.run(&[&["accounts", "add", "acme", "o"], &descriptor[..]].concat());
        assert!(refused.stderr.contains("line 9, column 18"), "{}", refused.stderr);
    }
}

#[test]
fn an_audit_asks_a_provider_without_an_inventory() {
    let tokens = Tokens::new(Mutex::new(vec![token(1, 7, None)]));
    let provider = gitlab(&tokens);
    let home = Home::new().with("THE_TOKEN", CREDENTIAL);
    let url = provider.url.as_str();
    let reach = ["--credential", "env:THE_TOKEN", "--endpoint", url, "--allow-private"];
    let ran = done(&home, &[&["audit", "gitlab", "--format", "json"], &reach[..]].concat());
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["sources"][0]["kind"], "provider-account");
    assert_eq!(found["keys"][0]["id"], "1");
    assert_eq!(found["summary"]["due"], 1);
    let without = home.run(&["audit", "gitlab"]);
    assert_eq!(without.code, 1);
    assert!(without.stderr.contains("--credential env:GITLAB_TOKEN"), "{}", without.stderr);
}

#[test]
fn an_account_that_cannot_be_reached_is_not_added() {
    let home = Home::new().with("THE_TOKEN", CREDENTIAL);
    for (words, refusal) in [
        (&["gitlab", "a", "--set", "org=x"][..], "gitlab does not ask for `org`"),
        (&["gitlab", "a", "--set", "host=a/b"], "what is given for `host` is no host"),
        (&["gitlab", "a", "--endpoint", "gateway"], "the endpoint is no URL"),
        (&["gitlab", "a", "--profile", "x"], "with --credential it is asked"),
        (&["aws", "a", "--endpoint", "gateway"], "the endpoint is no URL"),
        (&["aws", "a", "--endpoint", "https://gw.example"], "--allow-private beside --endpoint"),
        (&["aws", "a", "--endpoint", "http://gw.example", "--allow-private"], "not https"),
        (&["okta", "a"], "okta needs `domain`"),
        (&["acme", "a"], "acme is not asked like this"),
    ] {
        let credential: &[&str] =
            if words.contains(&"--profile") { &[] } else { &["--credential", "env:THE_TOKEN"] };
        let ran = home.run(&[&["accounts", "add"], words, credential].concat());
        assert_ne!(ran.code, 0, "{words:?}");
        assert!(ran.stderr.contains(refusal), "{words:?}: {}", ran.stderr);
    }
    // Without leave, a private address is not reached.
    let provider = gitlab(&Tokens::default());
    let url = provider.url.as_str();
    done(
        &home,
        &["accounts", "add", "gitlab", "b", "--credential", "env:THE_TOKEN", "--endpoint", url],
    );
    let ran = home.run(&["sync"]);
    assert!(ran.stderr.contains("private address"), "{}", ran.stderr);
    assert_eq!(provider.came().len(), 0);
}
