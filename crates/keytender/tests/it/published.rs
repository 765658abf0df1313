//! What a server publishes of itself, and what another finds and does by it alone.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::served::{Answer, Served};
use crate::verifying::until;

mod guides;
mod hostile;
mod second;
mod valid;

const KEYS: &str = "/.well-known/api-keys";
const ONBOARDING: &str = "/.well-known/api-onboarding";
const CATALOG: &str = "/.well-known/api-catalog";
const INDEX: &str = "/apis.json";

/// What anybody reads.
fn read(server: &Served, path: &str) -> Answer {
    server.ask_with("", &Method::GET, path, None, &[])
}

/// What is published once it says what is wanted: what was made a moment ago may be given again.
#[track_caller]
fn once(server: &Served, path: &str, says: impl Fn(&Value) -> bool) -> Answer {
    let mut last = None;
    until(|| {
        let answer = read(server, path);
        let is_so = answer.status == 200 && says(&answer.json());
        last = Some(answer);
        is_so
    });
    last.unwrap()
}

/// How many kinds of keys a descriptor has.
fn kinds(document: &Value) -> usize {
    document["keyTypes"].as_array().map_or(0, Vec::len)
}

#[test]
fn without_an_api_nothing_is_said_of_keys() {
    let home = Home::new();
    let server = Served::start(&home);
    // Without an API there are no keys to speak of, and nothing claims that there were.
    for path in [KEYS, ONBOARDING] {
        assert_eq!(read(&server, path).status, 404, "{path}");
    }
    let texts = [INDEX, CATALOG].map(|path| read(&server, path).text);
    assert!(texts.iter().all(|text| text.contains("/openapi.json")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("api-keys")), "{texts:?}");
}

#[test]
fn what_is_published_is_what_is_configured() {
    let home = Home::new();
    let server = Served::start(&home);
    let acme = json!({"name": "acme", "title": "Acme Orders", "brand": "acm", "key_life": "90d", "overlap": "3d",
                      "portal": {"docs": "https://acme.example/docs", "support": "https://acme.example/help"}});
    server.post("/v1/apis", &acme).expect(201);
    server
        .post("/v1/apis/acme/accounts", &json!({"name": "globex", "contact": "dev@globex.example"}))
        .expect(201);
    let told = once(&server, KEYS, |document| kinds(document) == 1);
    let document = told.json();
    assert_eq!(document["provider"]["name"], "Acme Orders");
    assert_eq!(document["provider"]["url"], "https://acme.example/docs");
    assert_eq!(document["links"]["support"], "https://acme.example/help");
    let kind = &document["keyTypes"][0];
    assert_eq!((&kind["id"], &kind["format"]["prefix"]), (&json!("acme"), &json!("acm_")));
    assert_eq!(kind["format"]["pattern"], "acm_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}");
    assert_eq!(kind["lifetime"], json!({"expires": "always", "defaultDays": 90, "maxDays": 90}));
    assert_eq!(kind["rotation"]["overlapSeconds"], 3 * 86_400);
    // Nobody is told by mail or webhook before somebody started that.
    assert!(document.get("notices").is_none() && document.get("events").is_none());
    assert_eq!(read(&server, &format!("{KEYS}/acme")).json()["keyTypes"], document["keyTypes"]);
    assert_eq!(read(&server, &format!("{KEYS}/birch")).status, 404);

    // The same until something that it says changes, and then another.
    let tag = told.header("etag").to_owned();
    assert_eq!(read(&server, KEYS).header("etag"), tag);
    let again = server.ask_with("", &Method::GET, KEYS, None, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    server.patch("/v1/apis/acme", &json!({"overlap": "5d", "key_life": null})).expect(200);
    let changed = once(&server, KEYS, |document| {
        document["keyTypes"][0]["rotation"]["overlapSeconds"] == 5 * 86_400
    });
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(changed.json()["keyTypes"][0]["lifetime"], json!({"expires": "optional"}));
}

#[test]
fn of_several_apis_each_is_a_kind_of_key_and_has_a_document() {
    let home = Home::new();
    let server = Served::start(&home);
    server.post("/v1/apis", &json!({"name": "acme", "title": "Acme Orders"})).expect(201);
    server.post("/v1/apis", &json!({"name": "birch"})).expect(201);
    let both = once(&server, KEYS, |document| kinds(document) == 2).json();
    let ids: Vec<&Value> =
        both["keyTypes"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["acme", "birch"]);
    let index = once(&server, INDEX, |index| index.to_string().contains("api-keys/birch")).json();
    let named: Vec<&Value> =
        index["apis"].as_array().unwrap().iter().map(|api| &api["name"]).collect();
    assert_eq!(named, ["Management of API keys", "Acme Orders", "birch"]);
}

/// Lets the customers of `acme` be told of their keys.
fn start_notices(server: &Served) {
    let hook = json!({"name": "siem", "kind": "webhook", "url": "https://siem.acme.example/keys", "api": "acme"});
    server.post("/v1/channels", &hook).expect(201);
    server.post("/v1/apis/acme/notice-previews", &json!({})).expect(200);
    let voice = json!({"started": true, "keys_page": "https://acme.example/keys"});
    server.patch("/v1/apis/acme/notice-settings", &voice).expect(200);
}

#[test]
fn notices_and_events_are_claimed_where_they_go_out() {
    let home = Home::new();
    let server = Served::start(&home);
    for name in ["acme", "birch"] {
        server.post("/v1/apis", &json!({"name": name})).expect(201);
    }
    start_notices(&server);
    let own = format!("{KEYS}/acme");
    let document = once(&server, &own, |document| document.get("notices").is_some()).json();
    let notices = &document["notices"];
    assert_eq!((&notices["ageDays"], &notices["unusedDays"]), (&json!([365]), &json!([180])));
    assert_eq!(notices["expiryDays"], json!([30, 14, 7, 3, 1]));
    assert_eq!(document["events"]["scheme"], json!(["standard-webhooks"]));
    assert_eq!(document["events"]["types"]["key.overlap_ending"], "key.overlap_ending");
    assert_eq!(document["links"]["console"], "https://acme.example/keys");
    // What holds for one of two is not said of both.
    let both = read(&server, KEYS).json();
    assert!(both.get("notices").is_none() && both.get("events").is_none(), "{both}");
    assert!(both["gaps"].to_string().contains("of: birch"), "{}", both["gaps"]);
}

#[test]
fn anybody_reads_what_is_published_and_nothing_of_customers_is_in_it() {
    let home = Home::new();
    let server = Served::start(&home);
    server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    let customer =
        json!({"name": "globex", "external_id": "globex-77", "contact": "dev@globex.example"});
    let account = server.post("/v1/apis/acme/accounts", &customer).expect(201);
    let account = account["id"].as_str().unwrap().to_owned();
    let app = server
        .post(&format!("/v1/accounts/{account}/apps"), &json!({"name": "gx-shop"}))
        .expect(201);
    let app = app["id"].as_str().unwrap().to_owned();
    let key = server.post(&format!("/v1/apps/{app}/keys"), &json!({"label": "gx-key"})).expect(201);
    once(&server, KEYS, |document| kinds(document) == 1);
    let hidden = [
        "globex",
        "gx-",
        account.as_str(),
        app.as_str(),
        key["key"].as_str().unwrap(),
        "administrator",
    ];
    let catalog = "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
    for (path, media_type) in [
        (KEYS, "application/json"),
        ("/.well-known/api-keys/acme", "application/json"),
        (ONBOARDING, "application/json"),
        ("/.well-known/api-onboarding/acme", "application/json"),
        (INDEX, "application/json"),
        (CATALOG, catalog),
        ("/openapi.json", "application/json"),
    ] {
        let answer = read(&server, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, media_type), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300", "{path}");
        assert!(answer.header("etag").starts_with('"'), "{path}");
        let shown =
            hidden.iter().find(|word| path != "/openapi.json" && answer.text.contains(**word));
        assert_eq!(shown, None, "{path}");
        let head = server.ask_with("", &Method::HEAD, path, None, &[]);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
    let link = read(&server, CATALOG).header("link").to_owned();
    assert!(link.ends_with("/.well-known/api-catalog>; rel=\"api-catalog\""), "{link}");
}

/// A path with `{}` for what is filled in.
fn plain(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The calls of a descriptor by the names of their operations: method and path.
fn calls(document: &Value) -> BTreeSet<(String, String, String)> {
    let mut calls = BTreeSet::new();
    let mut add = |name: &str, operation: &Value| {
        let text = |name: &str| operation["request"][name].as_str().unwrap().to_owned();
        calls.insert((name.to_owned(), text("method"), plain(&text("url"))));
    };
    for list in ["keyTypes", "resources"] {
        let all = document[list].as_array().unwrap().iter();
        all.flat_map(|one| one["operations"].as_object().unwrap())
            .for_each(|(name, one)| add(name, one));
    }
    for (list, names) in
        [("events", ["subscribe", "unsubscribe"]), ("notices", ["settings", "set"])]
    {
        let Some(all) = document.get(list) else { continue };
        names
            .iter()
            .filter_map(|name| Some((name, all.get(*name)?)))
            .for_each(|(name, one)| add(name, one));
    }
    calls
}

#[test]
fn whatever_is_described_is_there_for_a_customers_own_token() {
    let home = Home::new();
    let server = Served::start(&home);
    let own = json!({"most": 5, "scopes": ["orders:read"]});
    server.post("/v1/apis", &json!({"name": "acme", "own_apps": own})).expect(201);
    start_notices(&server);
    let document = once(&server, KEYS, |document| document.get("notices").is_some()).json();
    let api: Value = serde_json::from_str(&keytender::http::openapi()).unwrap();
    let paths = api["paths"].as_object().unwrap();
    let own = "/v1/apis/acme/";
    let calls = calls(&document);
    assert!(calls.len() > 20, "{calls:?}");
    for (_, method, path) in calls {
        // The key itself is shown to ask who it is.
        if path.starts_with("/v1/keys/self") {
            continue;
        }
        let path = path.replace(own, "/v1/apis/{}/");
        // A path that is written out comes before one with a part that is filled in.
        let exact = paths.iter().find(|(known, _)| **known == path);
        let found = exact.or_else(|| paths.iter().find(|(known, _)| plain(known) == path));
        let operation =
            &found.unwrap_or_else(|| panic!("{method} {path}")).1[method.to_lowercase()];
        let ways: Vec<String> = operation["security"]
            .as_array()
            .unwrap_or_else(|| panic!("{method} {path}"))
            .iter()
            .flat_map(|way| way.as_object().unwrap().keys().cloned())
            .collect();
        let is_own = ways.is_empty() || ways.iter().any(|way| way == "customer_token");
        assert!(is_own, "{method} {path}: {ways:?}");
    }
}

#[test]
fn the_descriptor_on_the_shelf_makes_the_calls_that_are_published() {
    let home = Home::new();
    let server = Served::start(&home);
    server.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    let document = once(&server, KEYS, |document| kinds(document) == 1).json();
    let shelf: Value =
        serde_saphyr::from_str(keytender::connect::shelf::text("keytender").unwrap()).unwrap();
    let keys = json!({"resources": [], "keyTypes": [shelf["keyTypes"][0]]});
    let shelved = calls(&keys);
    assert!(shelved.len() > 8, "{shelved:?}");
    let of_keys = json!({"resources": [], "keyTypes": document["keyTypes"]});
    // What only whoever holds such keys asks for is published alone.
    let more = ["use", "report", "audit", "revokeExposed"];
    let published = calls(&of_keys).into_iter().filter(|(name, ..)| !more.contains(&name.as_str()));
    assert_eq!(published.collect::<BTreeSet<_>>(), shelved);
}
