//! Keys are listed where they stand, with what is asked of each beside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keytender::connect::descriptor::Target;
use keytender_core::akm::{Descriptor, ListedUse, fingerprint};
use serde_json::json;

use super::provider::{Came, Provider, Reply, good, json_of};
use super::{acme, ids, key, kind, list, parse, session};
use crate::notify::run;

/// Keys of projects of organizations, each asked about beside.
fn nested() -> Arc<Descriptor> {
    parse(
        "
authentication: {methods: [{id: token, scheme: bearer}]}
resources:
  - id: org
    noun: organization
    kind: account
    fields: {id: /slug, name: /title}
    operations: {list: {request: {method: GET, url: /orgs}, items: ''}}
  - id: project
    noun: project
    kind: app
    within: org
    fields: {id: /id}
    operations: {list: {request: {method: GET, url: '/orgs/{org.id}/projects'}, items: /projects}}
keyTypes:
  - id: key
    noun: API key
    type: api-key
    within: project
    fields: {id: /id, name: /name}
    complete: [lastUsed]
    lastUsed: {available: true}
    operations:
      list: {request: {method: GET, url: '/orgs/{org.id}/projects/{project.id}/keys'}, items: ''}
      lastUsed:
        request: {method: GET, url: '/keys/{key.id}/use'}
        outputs: {lastUsedAt: /use/at, lastUsedRegion: /use/region}
",
    )
}

fn estate(came: &Came) -> Reply {
    match came.line.as_str() {
        "GET /v1/orgs" => good(json!([{"slug": "a b", "title": "Ann"}, {"slug": "c"}])),
        "GET /v1/orgs/a%20b/projects" => good(json!({"projects": [{"id": 1}, {"id": 2}]})),
        "GET /v1/orgs/a%20b/projects/1/keys" => {
            good(json!([{"id": "used"}, {"id": "never"}, {"id": "lost"}]))
        }
        "GET /v1/keys/used/use" => {
            good(json!({"use": {"at": "2026-01-01T00:00:00Z", "region": "eu"}}))
        }
        "GET /v1/keys/never/use" => good(json!({"use": null})),
        // The second project's keys, the other organization's projects, and one use.
        _ => json_of(403, &json!({})),
    }
}

#[test]
fn keys_are_found_in_all_that_they_stand_in() {
    let provider = Provider::start(estate);
    let session = session(&nested(), &provider);
    let listing = list(&session).unwrap();
    assert_eq!(ids(&listing), ["used", "never", "lost"]);
    let within: Vec<_> = listing.keys[0]
        .within
        .iter()
        .map(|place| (place.resource.as_str(), place.id.as_str(), place.name.as_deref()))
        .collect();
    assert_eq!(within, [("org", "a b", Some("Ann")), ("project", "1", None)]);
    assert_eq!(listing.keys[0].key_type, "key");
    // Where nobody may look is said, and is no empty place.
    let unseen: Vec<_> = listing
        .unseen
        .iter()
        .map(|(within, failure)| (within.last().unwrap().id.as_str(), failure.to_string()))
        .collect();
    let denied = "it answered 403: the credential lacks the permission";
    assert_eq!(
        unseen,
        [
            ("c", format!("Acme, list (projects in org c): {denied}")),
            ("2", format!("Acme, list (API keys in project 2): {denied}"))
        ]
    );
    // What was not told is unknown, and never "never".
    let uses: Vec<_> = listing.keys.iter().map(|found| &found.key.last_use).collect();
    assert!(matches!(uses[0], ListedUse::Used(used) if used.region.as_deref() == Some("eu")));
    assert_eq!(uses[1], &ListedUse::Never);
    assert_eq!(uses[2], &ListedUse::Unknown(denied.into()));
    assert_eq!(listing.odd[0].what, "what is asked of it beside the list");
}

#[test]
fn where_nobody_may_look_anywhere_the_list_fails() {
    let provider = Provider::start(|came| match came.line.as_str() {
        "GET /v1/orgs" => good(json!([{"slug": "a"}, {"slug": "b"}])),
        _ => json_of(403, &json!({})),
    });
    assert!(list(&session(&nested(), &provider)).unwrap_err().is_denied());
    let provider = Provider::start(|_| json_of(403, &json!({})));
    assert!(list(&session(&nested(), &provider)).unwrap_err().is_denied());
    // An account without an organization has no keys.
    let provider = Provider::start(|_| good(json!([])));
    assert!(list(&session(&nested(), &provider)).unwrap().keys.is_empty());
    // What has no id cannot be looked into, so its keys are not gone.
    let provider = Provider::start(|_| good(json!([{"title": "a"}])));
    assert!(list(&session(&nested(), &provider)).is_err());
}

#[test]
fn few_calls_are_made_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, highest) = (Arc::clone(&now), Arc::clone(&most));
    let provider = Provider::start(move |came| {
        let here = inside.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(here, Ordering::SeqCst);
        let items =
            |what: &str| (0..8).map(|id| json!({what: format!("{id}")})).collect::<Vec<_>>();
        let reply = match came.line.as_str() {
            "GET /v1/orgs" => json!(items("slug")),
            line if line.ends_with("/projects") => json!({"projects": items("id")}),
            line if line.ends_with("/keys") => json!(items("id")),
            _ => json!({}),
        };
        // Others that are under way come before this one ends.
        std::thread::yield_now();
        inside.fetch_sub(1, Ordering::SeqCst);
        good(reply)
    });
    let listing = list(&session(&nested(), &provider)).unwrap();
    assert_eq!(listing.keys.len(), 512);
    assert!((1..=4).contains(&most.load(Ordering::SeqCst)));
    assert_eq!(provider.came().len(), 1 + 8 + 64 + 512);
}

/// A key is found by `get`, and told in the same words.
const FIND: &str = "      list: {request: {method: GET, url: /keys}, items: ''}
      get: {request: {method: GET, url: '/keys/{key.id}'}, item: /key, gone: [410]}";

#[test]
fn a_key_is_found_or_is_gone() {
    let provider = Provider::start(|came| match came.line.as_str() {
        "GET /v1/keys/a" => good(json!({"key": {"id": "a", "name": "Ann"}})),
        "GET /v1/keys/ended" => json_of(410, &json!({})),
        "GET /v1/keys/other" => good(json!({"key": {"id": "a"}})),
        "GET /v1/keys" => good(json!([{"id": "hidden", "name": "H"}])),
        "GET /v1/keys/broken" => json_of(400, &json!({})),
        _ => json_of(404, &json!({})),
    });
    let session = session(&acme(FIND), &provider);
    let kind = kind(&session);
    let find = |id: &str| run(session.find(&kind, &key(id)));
    let name = |id: &str| find(id).unwrap().map(|found| found.key.name.unwrap_or_default());
    assert_eq!(name("a").as_deref(), Some("Ann"));
    assert_eq!(name("ended"), None);
    // Not found may mean not allowed: the list decides.
    assert_eq!(name("hidden").as_deref(), Some("H"));
    assert_eq!(name("nobody"), None);
    assert!(find("broken").is_err());
    assert!(find("other").unwrap_err().to_string().ends_with("it shows another key"));
}

#[test]
fn without_a_list_not_found_is_no_proof() {
    let provider = Provider::start(|_| json_of(404, &json!({})));
    let session =
        session(&acme("      get: {request: {method: GET, url: '/keys/{key.id}'}}"), &provider);
    let failure = run(session.find(&kind(&session), &key("a"))).unwrap_err();
    assert!(failure.is_gone());
}

#[test]
fn a_key_whose_id_is_its_secret_is_found_by_its_fingerprint() {
    let descriptor = parse(
        "
authentication: {methods: [{id: token, scheme: bearer}]}
keyTypes:
  - id: key
    type: api-key
    fields: {id: {at: /key, isSecret: true}, name: /name}
    operations:
      list: {request: {method: GET, url: /keys}, items: ''}
",
    );
    let long = "s".repeat(200);
    let body = json!([{"key": "hunter2", "name": "a"}, {"key": long, "name": "b"}]);
    let provider = Provider::start(move |_| good(body.clone()));
    let session = session(&descriptor, &provider);
    let kind = kind(&session);
    let listing = list(&session).unwrap();
    assert_eq!(ids(&listing), [fingerprint("hunter2"), fingerprint(&long)]);
    assert!(!format!("{listing:?}").contains("hunter2"));
    let target = Target::from(&listing.keys[1]);
    let found = run(session.find(&kind, &target)).unwrap().unwrap();
    assert_eq!(found, listing.keys[1]);
    assert_eq!(run(session.find(&kind, &key("hunter2"))).unwrap(), None);
    assert!(provider.lines().iter().all(|line| line == "GET /v1/keys"));
}

#[test]
fn who_the_credential_is_is_asked_where_it_can_be() {
    let provider = Provider::start(|came| match came.line.as_str() {
        "GET /v1/me" => good(json!({"id": 5, "login": "ann", "company": "acme"})),
        _ => good(json!({"id": "k1", "name": "deploy"})),
    });
    let who = |operation: &str| {
        let session = session(&acme(operation), &provider);
        run(session.whoami()).unwrap()
    };
    let told = who("      whoami: {request: {method: GET, url: /me}, outputs: {account: /company, name: /login}}")
        .unwrap();
    assert_eq!((told.account.as_deref(), told.name.as_deref()), (Some("acme"), Some("ann")));
    // A user's id is no key's.
    assert_eq!(told.key, None);
    let told = who("      whoami: {request: {method: GET, url: /keys/self}}").unwrap();
    assert_eq!(told.key.unwrap().id, "k1");
    assert_eq!((told.name.as_deref(), told.key_type.as_str()), (Some("deploy"), "key"));
    let denied = session(
        &acme("      whoami: {request: {method: GET, url: /me}}"),
        &Provider::start(|_| json_of(403, &json!({}))),
    );
    assert!(run(denied.whoami()).unwrap_err().is_denied());
    assert_eq!(who("      list: {request: {method: GET, url: /keys}, items: ''}"), None);
}

#[test]
fn a_credential_of_another_kind_is_asked_for_as_that_kind() {
    let descriptor = parse(
        "
authentication: {methods: [{id: token, scheme: bearer}]}
keyTypes:
  - {id: user, type: api-key, fields: {id: /id}, operations: {whoami: {request: {method: GET, url: /user/key}}}}
  - {id: account, type: api-key, fields: {id: /id}, operations: {whoami: {request: {method: GET, url: /account/key}}}}
",
    );
    let who = |taken: &'static str| {
        let provider = Provider::start(move |came| match came.line.ends_with(taken) {
            true => good(json!({"id": "k1"})),
            false => json_of(401, &json!({})),
        });
        (run(session(&descriptor, &provider).whoami()), provider.lines())
    };
    let (told, lines) = who("/user/key");
    assert_eq!((told.unwrap().unwrap().key_type.as_str(), lines.len()), ("user", 1));
    let (told, lines) = who("/account/key");
    assert_eq!((told.unwrap().unwrap().key_type.as_str(), lines.len()), ("account", 2));
    let (told, _) = who("/neither");
    assert!(told.unwrap_err().is_denied());
}

#[test]
fn a_credential_is_first_asked_for_as_what_it_looks_like() {
    let descriptor = parse(
        "
authentication: {methods: [{id: token, scheme: bearer}]}
keyTypes:
  - {id: new, type: api-key, format: {pattern: 'new_[a-z]{4}'}, operations: {whoami: {request: {method: GET, url: /me}}}}
  - {id: old, type: api-key, format: {pattern: 'hunter[0-9]'}, operations: {whoami: {request: {method: GET, url: /me}}}}
",
    );
    let provider = Provider::start(|_| good(json!({"login": "ann"})));
    let told = run(session(&descriptor, &provider).whoami()).unwrap().unwrap();
    assert_eq!((told.key_type.as_str(), provider.lines().len()), ("old", 1));
}
