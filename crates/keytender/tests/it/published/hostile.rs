//! Addresses at which somebody means harm.

use std::sync::Arc;

use super::*;
use crate::descriptor::provider::{Provider, Reply, good};

/// A descriptor of a stranger, whose calls go to `host`.
fn document(host: &str) -> Value {
    json!({
        "akm": "0.1", "provider": {"id": "github", "name": "Stranger", "url": "https://stranger.example"},
        "server": format!("https://{host}"),
        "authentication": {"methods": [{"id": "token", "scheme": "bearer"}]},
        "keyTypes": [{"id": "key", "type": "api-key", "fields": {"id": "/id"}, "operations": {
            "list": {"request": {"method": "GET", "url": "/keys"}, "items": "/keys"},
        }}],
    })
}

fn reply(code: u16, kind: &str, body: impl Into<String>) -> Reply {
    Reply::Whole(code, vec![("content-type", kind.to_owned())], body.into())
}

fn json_text(body: &Value) -> Reply {
    reply(200, "application/json", body.to_string())
}

/// What `providers discover` says of an address that answers so at some paths, and not at others.
fn looked(answers: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> (Value, Provider) {
    let provider = Provider::start(move |came| {
        let path = came.line.split(' ').nth(1).unwrap();
        assert!(came.authorization().is_empty(), "no credential comes along");
        answers(path).unwrap_or_else(|| reply(404, "text/plain", "none"))
    });
    let url = provider.url.as_str();
    let ran = Home::new().run(&["providers", "discover", url, "--allow-private", "--json"]);
    let view = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    (view, provider)
}

/// What was said of a place.
#[track_caller]
fn said(view: &Value, path: &str) -> String {
    let mut places = view["places"].as_array().unwrap().iter();
    let place = places.find(|one| one["url"].as_str().unwrap().ends_with(path));
    place.unwrap_or_else(|| panic!("{path}: {view}"))["what"].as_str().unwrap().to_owned()
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Provider::start(|_| good(json!({})));
    let place = other.url.join("/descriptor").unwrap().to_string();
    let (view, _) = looked(move |path| {
        (path == KEYS).then(|| Reply::Whole(302, vec![("location", place.clone())], String::new()))
    });
    assert!(said(&view, KEYS).contains("no redirect is followed"), "{view}");
    assert!(view["descriptor"].is_null() && other.lines().is_empty());
}

#[test]
fn a_document_of_another_type_or_size_is_not_read() {
    let page = document("127.0.0.1").to_string();
    let (view, _) =
        looked(move |path| (path == KEYS).then(|| reply(200, "text/html", page.clone())));
    assert!(said(&view, KEYS).contains("its type is `text/html`"), "{view}");
    let (view, _) =
        looked(|path| (path == KEYS).then(|| reply(200, "application/json", " ".repeat(300_000))));
    assert!(said(&view, KEYS).contains("larger than 262144 bytes"), "{view}");
    let (view, _) = looked(|path| {
        (path == INDEX).then(|| reply(200, "application/json", " ".repeat(9_000_000)))
    });
    assert!(said(&view, INDEX).contains("larger than"), "{view}");
    let (view, _) = looked(|path| (path == KEYS).then_some(Reply::Half));
    assert!(said(&view, KEYS).contains("it is no document"), "{view}");
    let (view, _) = looked(|path| (path == KEYS).then_some(Reply::Close));
    assert!(said(&view, KEYS).contains("cannot be reached"), "{view}");
    assert!(view["means"].to_string().contains("does not answer"), "{view}");
    let (view, _) = looked(|path| {
        (path == KEYS).then(|| {
            Reply::Whole(
                200,
                vec![("content-type", "application/json".to_owned())],
                "{\"akm\": \"\u{202e}0.1\"}".to_owned(),
            )
        })
    });
    let what = said(&view, KEYS);
    assert!(what.contains("it is no descriptor") && !what.contains('\u{202e}'), "{what}");
}

#[test]
fn links_to_other_sites_are_shown_and_not_followed() {
    let inside = Provider::start(|_| good(json!({})));
    let address = inside.url.to_string().replace("127.0.0.1", "10.0.0.1");
    let index = json!({"apis": [], "common": [
        {"type": "APIKeys", "url": "https://keys.other.example/akm.json"},
        {"type": "APIKeys", "url": address},
        {"type": "APIKeys", "url": "file:///etc/passwd"},
        {"type": "Console", "url": "https://console.other.example/"},
    ]});
    let (view, _) = looked(move |path| (path == INDEX).then(|| json_text(&index)));
    assert!(said(&view, "akm.json").contains("at another site"), "{view}");
    assert!(said(&view, &address).contains("at another site"), "{view}");
    assert!(!view["places"].to_string().contains("passwd"), "{view}");
    assert_eq!(view["pages"]["Console"], json!(["https://console.other.example/"]));
    assert!(view["descriptor"].is_null());
}

#[test]
fn an_address_without_an_end_is_left() {
    let many: Vec<Value> =
        (0..500).map(|at| json!({"type": "APIKeys", "url": format!("/keys/{at}")})).collect();
    let index = json!({"apis": [], "common": many});
    let (view, provider) = looked(move |path| (path == INDEX).then(|| json_text(&index)));
    assert!(view["places"].to_string().contains("documents are enough"), "{view}");
    assert!(provider.lines().len() <= 20, "{:?}", provider.lines());
}

#[test]
fn a_document_does_not_say_whose_it_is_and_where_its_calls_go() {
    // By the address of a plain host a document may name hosts of that site alone; here each call goes to the
    // address, whatever it names, and the keys are not GitHub's because it says so.
    let text = document("api.github.com");
    let provider = Provider::start(move |came| match came.line.as_str() {
        "GET /.well-known/api-keys" => json_text(&text),
        "GET /keys" => good(json!({"keys": [{"id": "one"}]})),
        _ => reply(404, "text/plain", ""),
    });
    let provider = Arc::new(provider);
    let home = Home::new().with("THE_TOKEN", "of-the-stranger");
    let words = [
        "accounts",
        "add",
        provider.url.as_str(),
        "it",
        "--credential",
        "env:THE_TOKEN",
        "--allow-private",
    ];
    let refused = home.run(&[&words[..], &["--yes"]].concat());
    assert!(refused.code == 1 && refused.stderr.contains("no call goes"), "{}", refused.stderr);
    let pinned = home.run(&[&words[..], &["--yes", "--allow-host", "api.github.com"]].concat());
    assert_eq!(pinned.code, 0, "{}", pinned.stderr);
    assert_eq!(home.run(&["sync"]).code, 0);
    let keys = home.run(&["keys", "list", "--json"]).json();
    assert_eq!(keys["keys"][0]["provider"], "127.0.0.1");
    let asked: Vec<String> =
        provider.lines().into_iter().filter(|line| line == "GET /keys").collect();
    assert!(!asked.is_empty(), "the call came here");
}

#[test]
fn what_is_no_address_is_refused_before_anybody_is_asked() {
    let home = Home::new().with("THE_TOKEN", "x");
    for (address, why) in [
        ("ftp://example.com", "is no address"),
        ("https://ann:word@example.com", "is no address"),
        ("https://", "is no address"),
        ("http://192.0.2.1", "not https"),
        ("http://example.com", "not https"),
        ("https://10.0.0.1", "private"),
        ("https://[::1]", "private"),
    ] {
        let looked = home.run(&["providers", "discover", address]);
        let all = format!("{}{}", looked.stdout, looked.stderr);
        assert!(looked.code != 0 && all.contains(why), "{address}: {all}");
        let words = ["accounts", "add", address, "it", "--credential", "env:THE_TOKEN", "--yes"];
        assert_ne!(home.run(&words).code, 0, "{address}");
    }
}
