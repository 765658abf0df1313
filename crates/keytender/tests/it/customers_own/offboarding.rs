//! What a customer's own token does beside keys: apps that come and go, its webhooks, and who is told.

use super::*;
use crate::verifying::until;

/// Lets customers of an API add apps.
fn let_add(street: &Street, most: u32) {
    let own = json!({"most": most, "scopes": ["orders:read"], "rate": {"requests": 10, "seconds": 1},
                     "quota": {"requests": 1000, "per": "month"}});
    street.server.patch("/v1/apis/acme", &json!({"own_apps": own})).expect(200);
}

fn passes(street: &Street, key: &str) -> bool {
    let body = json!({"api": "acme", "verifications": [{"key": key}]});
    street.server.post("/v1/key-verifications", &body).expect(200)["verifications"][0]["valid"]
        == true
}

#[test]
fn a_customer_adds_stops_and_ends_its_own_apps() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let place = format!("/v1/accounts/{}/apps", street.globex.account);
        let post = |path: &str, body: Value| street.ask(&Method::POST, path, Some(&body));
        let closed = post(&place, json!({"name": "mobile"}));
        assert!(closed.status == 403 && closed.text.contains("add no apps"), "{closed:?}");
        let_add(&street, 3);
        for (body, status) in [
            (json!({"name": "x", "scopes": ["admin:all"]}), 422),
            (json!({"name": "x", "labels": {"a": "b"}}), 403),
            (json!({"name": "x", "quota": {"requests": 9, "per": "day"}}), 403),
        ] {
            assert_eq!(post(&place, body.clone()).status, status, "{body}");
        }
        let app = post(&place, json!({"name": "mobile"})).expect(201);
        assert_eq!(
            (&app["scopes"], &app["quota"]["requests"]),
            (&json!(["orders:read"]), &json!(1000))
        );
        let app = app["id"].as_str().unwrap().to_owned();
        let key = post(&format!("/v1/apps/{app}/keys"), json!({"label": "one"})).expect(201);
        let text = key["secret"].as_str().unwrap().to_owned();
        until(|| passes(&street, &text));

        let path = format!("/v1/apps/{app}");
        let patch = |body: Value| street.ask(&Method::PATCH, &path, Some(&body));
        for body in [
            json!({"scopes": []}),
            json!({"quota": null}),
            json!({"labels": {}, "suspended": true}),
        ] {
            assert_eq!(patch(body.clone()).status, 403, "{body}");
        }
        patch(json!({"suspended": true})).expect(200);
        until(|| !passes(&street, &text));
        patch(json!({"suspended": false})).expect(200);
        until(|| passes(&street, &text));
        // What the API's own people stopped stays so.
        street.server.patch(&path, &json!({"suspended": true})).expect(200);
        let kept = patch(json!({"suspended": false}));
        assert!(kept.status == 409 && kept.text.contains("stopped this app"), "{kept:?}");
        street.server.patch(&path, &json!({"suspended": false})).expect(200);

        // With the app end its keys, for good.
        assert_eq!(street.ask(&Method::DELETE, &path, None).status, 204);
        until(|| !passes(&street, &text));
        let ended = format!("/v1/keys/{}", key["key"].as_str().unwrap());
        assert_eq!(street.get(&ended).expect(200)["state"], "deactivated");
        let why = &street.server.get(&ended).expect(200)["issued"]["revoked_why"];
        assert_eq!(why, "its app has ended");
        for answer in [
            street.get(&path),
            street.ask(&Method::DELETE, &path, None),
            post(&format!("/v1/apps/{app}/keys"), json!({"label": "two"})),
            patch(json!({"suspended": false})),
        ] {
            assert_eq!(answer.status, 404, "{answer:?}");
        }
        let apps = street.get("/v1/apis/acme/apps").expect(200);
        assert_eq!(apps["apps"].as_array().unwrap().len(), 1);
        // A new app has a new quota, so one that ended counts for a while; names are not used again.
        assert_eq!(post(&place, json!({"name": "mobile"})).status, 409);
        post(&place, json!({"name": "tablet"})).expect(201);
        let full = post(&place, json!({"name": "watch"}));
        assert!(full.status == 409 && full.text.contains("may have 3"), "{full:?}");
        let acts = street.server.get("/v1/acts?actor=acme/globex&verb=app.").expect(200);
        let verbs: Vec<&Value> =
            acts["acts"].as_array().unwrap().iter().map(|act| &act["verb"]).collect();
        assert_eq!(verbs, ["app.add", "app.remove", "app.resume", "app.suspend", "app.add"]);
    }
}

#[test]
fn a_customer_orders_events_of_its_own_keys_by_its_own_token() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let post = |path: &str, body: Value| street.ask(&Method::POST, path, Some(&body));
    let hook =
        |name: &str| json!({"name": name, "kind": "webhook", "url": "https://globex.example/keys"});
    let made = post("/v1/channels", hook("siem")).expect(201);
    assert_eq!(
        (&made["name"], &made["account"]),
        (&json!("acme/globex/siem"), &json!(street.globex.account))
    );
    assert!(made["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/channels/{}", made["id"].as_str().unwrap());
    let change = json!({"events": ["key.exposed"]});
    assert_eq!(
        street.ask(&Method::PATCH, &path, Some(&change)).expect(200)["events"],
        json!(["key.exposed"])
    );
    assert_eq!(street.get("/v1/channels").expect(200)["channels"].as_array().unwrap().len(), 2);
    // The server is led nowhere that it would not go for a stranger.
    for more in [
        json!({"allow_private": true}),
        json!({"timeout_seconds": 300}),
        json!({"certificates": "x"}),
        json!({"kind": "slack"}),
        json!({"kind": "mail", "url": null, "host": "mail.example", "from": "a@b.example"}),
    ] {
        let mut body = hook("other");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(post("/v1/channels", body).status, 403, "{more}");
    }
    for url in
        ["http://127.0.0.1:9/", "https://10.0.0.1/", "https://[::1]/", "http://globex.example/"]
    {
        let refused = post("/v1/channels", json!({"name": "x", "kind": "webhook", "url": url}));
        assert_eq!(refused.status, 422, "{url}: {refused:?}");
    }
    for (member, word) in [("account", "acme/initech"), ("api", "birch")] {
        let mut body = hook("theirs");
        body[member] = json!(word);
        assert_eq!(post("/v1/channels", body).status, 404, "{word}");
    }
    assert_eq!(street.ask(&Method::DELETE, &path, None).status, 204);
    for at in 0..9 {
        post("/v1/channels", hook(&format!("number {at}"))).expect(201);
    }
    assert_eq!(post("/v1/channels", hook("one too many")).status, 409);
}

#[test]
fn a_customer_says_where_it_is_told_of_its_keys() {
    for database in new_databases() {
        let street = Street::open(&database.text);
        let path = format!("/v1/accounts/{}/notice-settings", street.globex.account);
        let now = street.get(&path).expect(200);
        assert_eq!(
            (&now["contact"], &now["started"]),
            (&json!("dev@globex.example"), &json!(false))
        );
        assert_eq!(now["expiry_days"], json!([30, 14, 7, 3, 1]));
        let set =
            |contact: Value| street.ask(&Method::PATCH, &path, Some(&json!({"contact": contact})));
        assert_eq!(set(json!("ops@globex.example")).expect(200)["contact"], "ops@globex.example");
        assert_eq!(set(json!("no address")).status, 422);
        assert_eq!(set(Value::Null).expect(200)["contact"], Value::Null);
        // Whoever runs the API says so too.
        let back = json!({"contact": "dev@globex.example"});
        assert_eq!(street.server.patch(&path, &back).expect(200)["contact"], "dev@globex.example");
        let held = format!("/v1/accounts/{}/notice-settings", street.held[1]);
        assert_eq!(street.server.get(&held).status, 422);
    }
}

#[test]
fn whoever_holds_a_key_makes_a_use_of_it_that_is_seen() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let text = &street.globex.secrets[0];
    let ask = |method: &Method, path: &str| street.server.ask_with(text, method, path, None, &[]);
    ask(&Method::GET, "/v1/keys/self").expect(200);
    let path = format!("/v1/keys/{}", street.globex.keys[0]);
    assert_eq!(street.get(&path).expect(200)["last_used"]["status"], "never");
    assert_eq!(
        ask(&Method::POST, "/v1/keys/self/uses").expect(200)["key"],
        street.globex.keys[0].as_str()
    );
    until(|| street.get(&path).expect(200)["last_used"]["status"] == "used");
    let stranger =
        street.server.ask_with("acme_live_x", &Method::POST, "/v1/keys/self/uses", None, &[]);
    assert_eq!(stranger.status, 401);
}

#[test]
fn an_app_ends_on_the_command_line_here_and_at_a_server() {
    let database = new_databases().remove(0);
    let street = Street::open(&database.text);
    let here = Home::new().with("KEYTENDER_DATABASE", &database.text);
    for (home, customer) in [(here, &street.globex), (street.server.home(), &street.others[0])] {
        let unasked = home.run(&["apps", "remove", &customer.app]);
        assert!(unasked.code == 1 && unasked.stderr.contains("--yes"), "{}", unasked.stderr);
        run(&home, &["apps", "remove", &customer.app, "--yes", "--because", "they left"]);
        let gone = home.run(&["apps", "show", &customer.app]);
        assert_eq!(gone.code, 1, "{}", gone.stdout);
        let words = [
            "apis",
            "set",
            "acme",
            "--own-apps",
            "5",
            "--own-scopes",
            "orders:read",
            "--own-rate",
            "10/1s",
            "--own-quota",
            "1000/month",
        ];
        run(&home, &words);
        let shown = run(&home, &["apis", "show", "acme"]).stdout;
        assert!(
            shown.contains("own apps     5 a customer: orders:read, 10/1s, 1,000/month"),
            "{shown}"
        );
        run(&home, &["apis", "set", "acme", "--own-apps", "none"]);
        assert!(!run(&home, &["apis", "show", "acme"]).stdout.contains("own apps"));
    }
}
