//! Over HTTP: the settings of an API's notices, its channels, and the link that ends hints.

use keytender::app::notify::Hours;
use reqwest::Method;
use serde_json::json;

use super::{Post, Provider, days, parts};
use crate::databases::new_databases;
use crate::hook::Hook;
use crate::partner;
use crate::served::Served;

/// By what others reach the server.
const PUBLIC: &str = "https://keys.acme.example";

#[test]
fn one_click_ends_hints_and_what_leaks_or_ends_is_told_all_the_same() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let post = Post::start(&python, &provider.home);
        let served = Served::start_with(&provider.home, &["--public-url", PUBLIC]);
        // As the server sees it, which tells by itself.
        let now = keytender::clock::now();
        let old = provider.key(&provider.globex, "mobile", now.minus(days(400)), None);
        provider.used(old, now.minus(days(1)), "eu-west-1", "orders", "203.0.113.5");
        provider.key(&provider.initech, "soon", now.minus(days(90)), Some(now.plus(days(5))));
        provider.start(now);
        // By a program that has the key of the inventory, for a proof stands in the link.
        provider.run(&["notify", "--now"]);
        let [hint, ending] = post.take(2).try_into().unwrap();
        let headers = &hint["headers"];
        let subject = headers["subject"].as_str().unwrap();
        assert!(subject.starts_with("Acme Orders: your key mobile is "), "{subject}");
        assert_eq!(headers["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
        assert_eq!(ending["headers"].get("list-unsubscribe"), None, "this is no hint");
        let link = headers["list-unsubscribe"].as_str().unwrap();
        let link = link.trim_start_matches('<').trim_end_matches('>').to_owned();
        for part in parts(&hint) {
            assert!(part.contains(&link), "{part}");
        }
        let path = link.strip_prefix(PUBLIC).unwrap();
        // Whoever only looks changes nothing; nor does a link that is not ours.
        let page = served.ask_with("", &Method::GET, path, None, &[]);
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Acme Orders") && page.text.contains("No more hints"));
        let other = path.replace("not_", "not_0");
        assert_eq!(served.ask_with("", &Method::POST, &other, None, &[]).status, 404);
        let next = now.plus(days(35));
        let clicked = served.ask_with("", &Method::POST, path, None, &[]);
        assert_eq!(clicked.status, 200);
        assert!(clicked.text.contains("no more hints"), "{}", clicked.text);
        provider.tell(next, Hours::Any);
        let hints = |provider: &Provider| {
            let is_hint = |one: &&serde_json::Value| one["recipient"] == "dev@globex.example";
            provider.outbox().iter().filter(is_hint).count()
        };
        assert_eq!(hints(&provider), 1);
        let word = old.to_string();
        provider.run(&["keys", "set", &word, "--exposed", "yes", "--because", "in a gist"]);
        provider.tell(next, Hours::Any);
        assert_eq!(hints(&provider), 2, "a leak is told");
        let again = served.ask_with("", &Method::POST, &format!("{path}/again"), None, &[]);
        assert_eq!(again.status, 200);
        provider.run(&["keys", "set", &word, "--exposed", "no", "--because", "it was another"]);
        provider.tell(next.plus(days(31)), Hours::Any);
        assert_eq!(hints(&provider), 3, "hints come again");
    }
}

#[test]
fn an_apis_notices_are_set_previewed_and_started_over_http() {
    for database in new_databases() {
        let provider = Provider::new(&database);
        let served = Served::start(&provider.home);
        let hook = Hook::start("204 No Content");
        let place = "/v1/apis/acme/notice-settings";
        let now = served.get(place).expect(200);
        assert_eq!((&now["started"], &now["name"]), (&json!(false), &json!("Acme Orders")));
        for (body, status) in [
            (json!({"from": "nobody"}), 422),
            (json!({"keys_page": "http://acme.example"}), 422),
            (json!({"started": true}), 409),
            (json!({"from": "keys@acme.example", "reply_to": "help@acme.example"}), 200),
        ] {
            let answer = served.patch(place, &body);
            assert_eq!(answer.status, status, "{body} {answer:?}");
        }
        let new = json!({"name": "hook", "kind": "webhook", "url": hook.url, "allow_private": true,
                         "api": "acme", "events": ["key.created"]});
        let channel = served.post("/v1/channels", &new).expect(201);
        assert_eq!(channel["name"], "acme/hook");
        assert!(channel["signing_secret"].as_str().unwrap().starts_with("whsec_"));
        let id = channel["id"].as_str().unwrap();
        let of_api = served.get("/v1/channels?api=acme").expect(200);
        assert_eq!(of_api["channels"].as_array().unwrap().len(), 1);
        served.get("/v1/channels?account=acme%2Fnobody").expect(404);
        let preview = served.post("/v1/apis/acme/notice-previews", &json!({})).expect(200);
        assert_eq!(preview["has_channel"], true);
        let started = served.patch(place, &json!({"started": true})).expect(200);
        assert_eq!(
            (&started["started"], &started["from"]),
            (&json!(true), &json!("keys@acme.example"))
        );
        let test = served.post(&format!("/v1/channels/{id}/tests"), &json!({})).expect(201);
        assert_eq!((&test["state"], &test["channel"]), (&json!("sent"), &json!("acme/hook")));
        let path = format!("/v1/channels/{id}");
        let changed = served.patch(&path, &json!({"events": []})).expect(200);
        assert_eq!(changed["events"], json!([]));
        let path = format!("/v1/apps/{}/keys", provider.globex);
        served.post(&path, &json!({"label": "checkout"})).expect(201);
        let log = served.get(&format!("/v1/notices?channel={id}")).expect(200);
        let subjects: Vec<String> = log["notices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["subject"].as_str().unwrap().split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(subjects, ["key.created", "webhook.test"]);
        // An API that is not there, and one that a token of the other side does not see.
        served.get("/v1/apis/nowhere/notice-settings").expect(404);
        served.post("/v1/apis/nowhere/notice-previews", &json!({})).expect(404);
    }
}
