//! Events in the name of an API: who is told of which, how they are signed, and what was delivered.

use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::{Provider, days, listen, workday};
use crate::databases::new_databases;
use crate::hook::{Came, Hook};
use crate::partner;
use crate::webhook::{verified, verified_in_javascript};

/// What came, by key, each with its event.
fn told(came: &[Came]) -> Vec<(String, String)> {
    let name = |one: &Came| one.body()["data"]["key"]["name"].as_str().unwrap().to_owned();
    let mut told: Vec<_> = came.iter().map(|one| (name(one), one.event())).collect();
    told.sort();
    told
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(key, event)| ((*key).to_owned(), (*event).to_owned())).collect()
}

#[test]
fn the_api_hears_of_every_customers_keys_and_a_customer_of_its_own() {
    for database in new_databases() {
        let provider = Provider::new(&database);
        let (all, globex, some) =
            (Hook::start("200 OK"), Hook::start("200 OK"), Hook::start("200 OK"));
        listen(&provider, "back-end", &all, &["--api", "acme"]);
        listen(&provider, "hook", &globex, &["--account", "acme/globex"]);
        let events = ["--account", "acme/initech", "--events", "key.revoked,key.suspended"];
        listen(&provider, "hook", &some, &events);
        let now = workday();
        provider.start(now);
        let first = provider.key(&provider.globex, "checkout", now, None);
        let other = provider.key(&provider.initech, "dashboard", now, None);
        let word = first.to_string();
        provider.run(&["keys", "disable", &word, "--yes"]);
        provider.run(&["keys", "enable", &word, "--yes"]);
        provider.used(first, keytender::clock::now(), "eu-west-1", "orders", "203.0.113.5");
        provider.used(first, keytender::clock::now(), "eu-west-1", "orders", "203.0.113.5");
        let next = provider.rotate(first, keytender::clock::now(), days(8));
        provider.run(&["keys", "revoke", &other.to_string(), "--yes", "--because", "not needed"]);
        provider.run(&["notify", "--now"]);
        let own = [
            ("checkout", "key.created"),
            ("checkout", "key.created"),
            ("checkout", "key.first_used"),
            ("checkout", "key.resumed"),
            ("checkout", "key.rotated"),
            ("checkout", "key.suspended"),
        ];
        let theirs = [("dashboard", "key.created"), ("dashboard", "key.revoked")];
        let came = all.take();
        assert_eq!(told(&came), pairs(&[&own[..], &theirs].concat()));
        let of_globex = globex.take();
        assert_eq!(told(&of_globex), pairs(&own));
        assert_eq!(told(&some.take()), pairs(&[("dashboard", "key.revoked")]));
        for one in &of_globex {
            for word in ["initech", "dashboard", "reports", &other.to_string()] {
                assert!(!one.text.contains(word), "{}", one.text);
            }
        }
        let rotated = came.iter().find(|one| one.event() == "key.rotated").unwrap().body();
        let data = &rotated["data"];
        assert_eq!(data["key"]["replaced_by"], next.to_string());
        assert!(Time::parse(data["key"]["retires_at"].as_str().unwrap()).is_ok());
        assert_eq!(
            (&data["api"], &data["account"]["name"]),
            (&json!("acme"), &json!("acme/globex"))
        );
        assert_eq!(data["app"]["name"], "web-shop");
        let token = data["key"]["token"].as_str().unwrap();
        assert!(token.starts_with("acme_live_") && token.matches('_').count() == 2, "{token}");
        for one in &came {
            assert_eq!(one.headers["user-agent"], "acme-webhooks");
            assert!(!one.text.to_lowercase().contains("keytender"), "{}", one.text);
        }
        // What is asked for is told from then on.
        provider.run(&["channels", "set", "acme/initech/hook", "--events", "key.created"]);
        provider.key(&provider.initech, "spare", now, None);
        provider.run(&["notify", "--now"]);
        assert_eq!(told(&some.take()), pairs(&[("spare", "key.created")]));
    }
}

#[test]
fn two_other_languages_accept_what_both_secrets_sign_while_one_is_exchanged() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(modules) = partner("KEYTENDER_TEST_WEBHOOK_MODULES") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let hook = Hook::start("204 No Content");
        let first = listen(&provider, "hook", &hook, &["--account", "acme/globex"]);
        provider.start(workday());
        let mut count = 0;
        let mut accepted = |secrets: &[&Secret]| -> Vec<[bool; 2]> {
            count += 1;
            provider.key(&provider.globex, &format!("key {count} ☂"), workday(), None);
            provider.run(&["notify", "--now"]);
            let [came] = hook.take().try_into().unwrap_or_else(|_| panic!("one event"));
            let by = |secret: &&Secret| {
                let (headers, text) = (&came.headers, came.text.as_str());
                let python = verified(&python, secret, headers, text);
                let javascript = verified_in_javascript(&modules, secret, headers, text);
                for event in python.iter().chain(&javascript) {
                    assert_eq!(event["type"], "key.created");
                }
                [python.is_some(), javascript.is_some()]
            };
            secrets.iter().map(by).collect()
        };
        let stranger = Secret::new(format!("whsec_{}", "QUJD".repeat(10)));
        assert_eq!(accepted(&[&first, &stranger]), [[true; 2], [false; 2]]);
        let second = Secret::new(provider.run(&["channels", "rotate", "acme/globex/hook"]));
        assert_eq!(accepted(&[&first, &second, &stranger]), [[true; 2], [true; 2], [false; 2]]);
        provider.run(&["channels", "end-rotation", "acme/globex/hook"]);
        assert_eq!(accepted(&[&first, &second]), [[false; 2], [true; 2]]);
    }
}

#[test]
fn a_test_event_is_signed_and_logged_and_an_event_is_sent_again_with_its_id() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let provider = Provider::new(&database);
        let hook = Hook::start("204 No Content");
        let secret = listen(&provider, "hook", &hook, &["--account", "acme/globex"]);
        // Whether or not anything was started.
        provider.run(&["channels", "test", "acme/globex/hook"]);
        let [test] = hook.take().try_into().unwrap_or_else(|_| panic!("one event"));
        let event = verified(&python, &secret, &test.headers, &test.text).unwrap();
        assert_eq!(event["type"], "webhook.test");
        hook.answer("400 Bad Request");
        let refused = provider.home.run(&["channels", "test", "acme/globex/hook"]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("the answer was 400"), "{}", refused.stderr);
        hook.answer("204 No Content");
        hook.take();
        provider.start(workday());
        provider.key(&provider.globex, "checkout", keytender::clock::now(), None);
        provider.run(&["notify", "--now"]);
        let [first] = hook.take().try_into().unwrap_or_else(|_| panic!("one event"));
        let log = |words: &[&str]| -> Vec<Value> {
            let words = [&["notices", "list", "--json"], words].concat();
            let list = crate::inventory::run(&provider.home, &words).json();
            list["notices"].as_array().unwrap().clone()
        };
        let delivered = log(&["--channel", "acme/globex/hook"]);
        let states: Vec<&Value> = delivered.iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["sent", "dead", "sent"], "the newest first");
        assert_eq!(log(&["--account", "acme/globex"]).len(), 3);
        assert_eq!(log(&["--account", "acme/initech"]).len(), 0);
        assert_eq!(log(&["--api", "acme"]).len(), 3);
        let id = delivered[0]["id"].as_str().unwrap();
        assert_eq!(first.headers["webhook-id"], id);
        provider.run(&["notices", "send-again", id]);
        assert_eq!(provider.home.run(&["notices", "send-again", id]).code, 1, "it waits");
        assert_eq!(provider.run(&["notify", "--now"]), "1 notice sent");
        let [again] = hook.take().try_into().unwrap_or_else(|_| panic!("one event"));
        assert_eq!((again.headers["webhook-id"].as_str(), &again.text), (Some(id), &first.text));
    }
}

#[test]
fn what_a_channel_of_an_api_cannot_be_is_refused() {
    for database in new_databases() {
        let provider = Provider::new(&database);
        let url = ["--url", "https://hooks.example.com/x"];
        let add = |words: &[&str]| {
            let words = [&["channels", "add"], words, &url].concat();
            let refused = provider.home.run(&words);
            assert_ne!(refused.code, 0, "{words:?}");
            refused.stderr
        };
        let said = add(&["webhook", "a", "--api", "nowhere"]);
        assert!(said.contains("there is no API"), "{said}");
        let said = add(&["webhook", "a", "--account", "acme/nobody"]);
        assert!(said.contains("there is no account"), "{said}");
        let said = add(&["webhook", "a", "--api", "acme", "--events", "key.eaten"]);
        assert!(said.contains("there is no event `key.eaten`"), "{said}");
        provider.run(&["apis", "add", "other"]);
        let said = add(&["webhook", "a", "--api", "other", "--account", "acme/globex"]);
        assert!(said.contains("is no customer of `other`"), "{said}");
        // A private address is not reached unless it is said.
        let words = ["channels", "add", "webhook", "a", "--account", "acme/globex"];
        let private = provider.home.run(&[&words[..], &["--url", "http://127.0.0.1:9/"]].concat());
        assert_ne!(private.code, 0);
        // With a customer goes what was theirs.
        let hook = Hook::start("200 OK");
        listen(&provider, "hook", &hook, &["--account", "acme/globex"]);
        listen(&provider, "hook", &hook, &["--api", "acme"]);
        provider.start(workday());
        provider.key(&provider.globex, "checkout", workday(), None);
        provider.run(&["notify", "--now"]);
        provider.run(&["accounts", "remove", "acme/globex", "--yes"]);
        provider.run(&["accounts", "remove", "acme/initech", "--yes"]);
        let left = provider.run(&["channels", "list"]);
        assert!(!left.contains("globex") && left.contains("acme/hook"), "{left}");
        assert_eq!(provider.outbox(), Vec::<Value>::new());
        provider.run(&["apis", "remove", "acme", "--yes"]);
        assert!(provider.run(&["channels", "list"]).contains("No channels yet"));
    }
}
