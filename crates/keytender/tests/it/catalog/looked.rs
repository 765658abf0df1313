//! What those who run APIs publish of their keys, found at their own addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::of;
use crate::Home;
use crate::databases::new_databases;
use crate::descriptor::provider::{Provider, Reply};
use crate::inventory::run;
use crate::served::Served;
use crate::server;
use crate::visitor::Visitor;

const CLAIMED: &str = "/docs/keys.json";

/// An index of one API at `base`, of whose keys it says that a document at `CLAIMED` tells.
fn index(base: &str) -> String {
    let base = base.trim_end_matches('/');
    json!({
        "name": "Ours", "description": "What we call", "url": "https://we.example/apis.json",
        "specificationVersion": "0.23", "position": "Consuming", "tags": [], "maintainers": [{"FN": "Ann"}],
        "apis": [{
            "name": "Parcels", "description": "Where parcels are", "image": "", "baseURL": format!("{base}/v1"),
            "humanURL": base, "tags": [],
            "properties": [{"type": "APIKeys", "url": format!("{base}{CLAIMED}"), "mediaType": "application/json"}],
        }],
    })
    .to_string()
}

fn answer(document: &Value) -> Reply {
    let kind = ("content-type", "application/json".to_owned());
    Reply::Whole(200, vec![kind], document.to_string())
}

/// Imports the index of `base` and looks.
fn look(home: &Home, base: &str) -> Value {
    home.write("apis.json", index(base));
    run(home, &["catalog", "import", "apis.json"]);
    run(home, &["catalog", "discover", "parcels", "--allow-private", "--json"]).json()["entries"][0]
        .take()
}

/// A provider with an index and metadata of OAuth, and a descriptor once it is published.
fn provider(is_published: &Arc<AtomicBool>) -> Provider {
    let is_published = Arc::clone(is_published);
    Provider::start(move |came| match came.line.as_str() {
        "GET /apis.json" => answer(&json!({
            "name": "Parcels", "url": "https://parcels.example/apis.json",
            "apis": [{"name": "Parcels", "properties": [{"type": "Console", "url": "/settings/keys"}]}],
        })),
        "GET /.well-known/oauth-authorization-server" => {
            answer(&json!({"issuer": "https://sign-in.parcels.example"}))
        }
        "GET /docs/keys.json" if is_published.load(Ordering::Relaxed) => answer(&json!({
            "akm": "0.1", "provider": {"id": "parcels", "name": "Parcels", "url": "https://parcels.example"},
            "server": "https://api.parcels.example",
            "authentication": {"methods": [{"id": "token", "scheme": "bearer"}]},
            "keyTypes": [{"id": "key", "type": "api-key", "fields": {"id": "/id"}, "operations": {
                "list": {"request": {"method": "GET", "url": "/keys"}, "items": "/keys"},
            }}],
        })),
        _ => Reply::Whole(404, Vec::new(), String::new()),
    })
}

#[test]
fn what_an_index_claims_gives_way_to_what_is_there() {
    for database in new_databases() {
        let is_published = Arc::new(AtomicBool::new(false));
        let provider = provider(&is_published);
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        home.write("apis.json", index(provider.url.as_str()));
        run(&home, &["catalog", "import", "apis.json"]);
        let parcels = || of(&run(&home, &["catalog", "list", "--json"]).json(), "parcels").clone();
        assert_eq!((&parcels()["how"], &parcels()["looked_at"]), (&json!("akm"), &json!(null)));
        assert!(provider.lines().is_empty(), "nobody is asked unasked");

        let words = ["catalog", "discover", "Parcels", "--allow-private"];
        let looked = run(&home, &words).stdout;
        let page = provider.url.join("/settings/keys").unwrap();
        for line in ["Parcels: OAuth metadata", "https://sign-in.parcels.example", page.as_str()] {
            assert!(looked.contains(line), "{line}: {looked}");
        }
        let came = provider.came();
        assert!(came.iter().all(|came| came.authorization().is_empty()), "{came:?}");
        let found = parcels();
        assert_eq!((&found["how"], &found["keys_at"]), (&json!("oauth"), &json!(page.as_str())));
        assert!(found["looked_at"].is_string(), "{found}");
        let shown = run(&home, &["catalog", "show", "parcels"]).stdout;
        assert!(shown.contains("Nothing is at 5 other places."), "{shown}");

        is_published.store(true, Ordering::Relaxed);
        let looked = run(&home, &words).stdout;
        assert!(looked.contains("Parcels: its own descriptor"), "{looked}");
        assert!(looked.contains("a descriptor (AKM) of Parcels with 1 kind of keys"), "{looked}");
        assert!(looked.contains("keytender accounts add http://127.0.0.1"), "{looked}");
        assert_eq!(parcels()["how"], "akm");
        assert!(run(&home, &["log", "--json"]).stdout.contains("catalog.discover"));
        // Whoever no index names any more is forgotten.
        run(&home, &["catalog", "remove", "apis.json", "--yes"]);
        run(&home, &["catalog", "import", "apis.json"]);
        assert_eq!(parcels()["looked_at"], json!(null));
        provider.end();
    }
}

#[test]
fn another_keytender_is_found_by_an_index_that_says_only_where_calls_go() {
    let first = Home::new();
    let mut served = Served::start(&first);
    served.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    crate::verifying::until(|| {
        let place = "/.well-known/api-keys";
        served.ask_with("", &reqwest::Method::GET, place, None, &[]).status == 200
    });
    let home = Home::new();
    let found = look(&home, &served.url);
    assert_eq!(found["entry"]["how"], "akm", "{found}");
    let places = found["looks"][0]["places"].as_array().unwrap();
    for lead in ["api-keys", "api-onboarding", "api-catalog"] {
        let is_there = |place: &Value| place["lead"] == lead && place["is_found"] == true;
        assert!(places.iter().any(is_there), "{lead}: {found}");
    }
    served.end();
}

#[test]
fn nobody_is_asked_where_it_is_private_and_who_is_silent_is_not_taken_for_gone() {
    let home = Home::new();
    let silent = Provider::start(|_| Reply::Close);
    home.write("apis.json", index(silent.url.as_str()));
    run(&home, &["catalog", "import", "apis.json"]);
    let looked = run(&home, &["catalog", "discover", "parcels"]).stdout;
    assert!(looked.contains("Nothing is there: it is not called"), "{looked}");
    assert!(silent.lines().is_empty(), "{:?}", silent.lines());
    assert!(looked.contains("Parcels: its own descriptor"), "{looked}");
    let looked = look(&home, silent.url.as_str());
    assert_eq!(looked["entry"]["how"], "akm", "{looked}");
    assert_eq!(looked["looks"][0]["places"][0]["is_found"], false);
    silent.end();
}

#[test]
fn of_many_each_is_looked_at_for_itself() {
    let provider = provider(&Arc::new(AtomicBool::new(true)));
    let home = Home::new();
    let mut both: Value = serde_json::from_str(&index(provider.url.as_str())).unwrap();
    let nowhere = json!({"name": "Weather", "humanURL": "https://github.com/somebody/weather"});
    both["apis"].as_array_mut().unwrap().push(nowhere);
    home.write("apis.json", both.to_string());
    run(&home, &["catalog", "import", "apis.json"]);
    let unasked = home.run(&["catalog", "discover", "--all"]);
    assert!(unasked.code == 1 && unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert!(provider.lines().is_empty(), "{:?}", provider.lines());
    let all = home.run(&["catalog", "discover", "--all", "--yes", "--allow-private"]);
    assert_eq!(all.code, 1);
    assert!(all.stdout.contains("Parcels: its own descriptor"), "{}", all.stdout);
    assert!(all.stderr.contains("nothing says at which address `weather` is"), "{}", all.stderr);
    for (words, code) in [(&["nobody"][..], 1), (&[], 2), (&["parcels", "--all"], 2)] {
        let ran = home.run(&[&["catalog", "discover"], words].concat());
        assert_eq!(ran.code, code, "{words:?}: {}", ran.stderr);
    }
    provider.end();
}

#[test]
fn a_server_looks_for_whoever_may_import_and_shows_it_on_its_page() {
    let (_home, served) = server::served();
    let given = json!({"document": index("https://127.0.0.1:1"), "source": "apis.json"});
    served.post("/v1/catalog-imports", &given).expect(200);
    let place = "/v1/catalog/parcels/discoveries";
    let auditor = served.token_of("auditor", &json!({}), None);
    let body = json!({});
    let refused = served.ask_with(&auditor, &reqwest::Method::POST, place, Some(&body), &[]);
    assert_eq!(refused.status, 403);
    let found = served.post(place, &body).expect(200);
    assert_eq!(found["looks"][0]["origin"], "https://127.0.0.1:1");
    let browser = Visitor::of(&served, "administrator");
    browser.open("/catalog/parcels").says(&["What it publishes of its keys", "Nothing is there"]);
    let page = browser.submit("/catalog/parcels", "/catalog/parcels/discoveries", &[]);
    page.with(200).says(&["It publishes nothing of its keys there.", "https://127.0.0.1:1"]);

    let provider = provider(&Arc::new(AtomicBool::new(true)));
    let given = json!({"document": index(provider.url.as_str()), "source": "apis.json"});
    served.post("/v1/catalog-imports", &given).expect(200);
    served.post(place, &json!({"allow_private": true})).expect(200);
    browser.open("/catalog/parcels").says(&["a descriptor (AKM) of Parcels", "Index (APIs.json)"]);
    provider.end();
}
