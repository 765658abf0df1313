//! Notices over HTTP; and the command line, which prints the same at a server as on a file.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api_accounts::here_and_there;
use crate::databases::new_databases;
use crate::inventory::home;
use crate::served::Served;
use crate::webhook::one_request;

#[test]
fn notices_are_the_same_here_and_at_a_server() {
    here_and_there(|place| {
        let run = |words: &[&str]| place.home.run(words);
        let mut ran = vec![
            run(&["notices", "list"]),
            run(&["notify"]),
            run(&["notify", "start", "--yes"]),
            run(&["notify", "--dry-run"]),
            run(&["notify", "start", "--yes"]),
        ];
        assert_eq!((ran[1].code, ran[2].code, ran[4].code), (1, 1, 1));
        let key = ["keys", "add", "stripe", "deploy", "--created", "2020-01-01"];
        crate::inventory::run(place.machine, &key);
        let (url, server) = one_request("410 Gone");
        let words = ["channels", "add", "slack", "ops", "--allow-private", "--url", "-"];
        let added = place.home.run_with_input(&words, &url);
        assert_eq!(added.code, 0, "{}", added.stderr);
        ran.extend([
            run(&["notify", "--dry-run"]),
            run(&["notify", "--dry-run", "--json"]),
            run(&["notify", "contact", "nobody"]),
            run(&["notify", "start"]),
            run(&["notify", "start", "--contact", "all@example.com", "--yes"]),
            run(&["notify", "--now"]),
        ]);
        assert!(ran[5].stdout.contains("1 notice would go out"), "{}", ran[5].stderr);
        assert_eq!(ran[6].json()["notices"][0]["channel"], "ops");
        assert!(ran[10].stderr.contains("1 notice could not be delivered"), "{}", ran[10].stderr);
        let (_, body) = server.join().unwrap();
        assert!(body.contains("deploy"), "{body}");
        let dead = run(&["notices", "list", "--state", "dead", "--json"]);
        let id = dead.json()["notices"][0]["id"].as_str().unwrap().to_owned();
        ran.extend([
            dead,
            run(&["notices", "list"]),
            run(&["notices", "list", "--limit", "0"]),
            run(&["notices", "show", &id]),
            run(&["notices", "show", "not_0000000000000"]),
            run(&["notices", "show", "x"]),
            run(&["notices", "send-again", &id]),
            run(&["notices", "send-again", &id]),
            run(&["notify", "--dry-run"]),
            run(&["notify", "test", "you@example.com"]),
            run(&["notify", "stop"]),
            run(&["notify", "--now"]),
            run(&["notices", "list"]),
        ]);
        let shown = &ran[14].stdout;
        assert!(shown.contains("410") && shown.contains("keys need you"), "{shown}");
        assert_eq!((ran[16].code, ran[17].code, ran[18].code, ran[22].code), (2, 0, 1, 1));
        ran
    });
}

#[test]
fn whether_notices_go_out_is_changed_in_the_version_that_was_read() {
    for database in new_databases() {
        let fake =
            crate::fake_iam::FakeIam::start(crate::inventory::account(keytender::clock::now()));
        let home = home(&fake, &database);
        let served = Served::start(&home);
        let path = "/v1/notice-settings";
        let read = served.get(path);
        let tag = read.header("etag").to_owned();
        assert_eq!(
            read.expect(200),
            json!({"started": false, "started_at": null,
                                            "previewed_at": null, "contact": null})
        );
        served.patch(path, &json!({"started": true})).expect(409);
        served.patch(path, &json!({"contact": "nobody"})).expect(422);
        served.patch(path, &json!({"begun": true})).expect(422);
        let set = served.patch(path, &json!({"contact": "all@example.com"})).expect(200);
        assert_eq!(set["contact"], "all@example.com");
        let ask = |tag: &str| {
            let headers = [("if-match", tag)];
            let body = json!({"contact": null});
            served.ask_with(&served.token, &Method::PATCH, path, Some(&body), &headers)
        };
        ask(&tag).expect(412);
        let now = served.get(path).header("etag").to_owned();
        assert_eq!(ask(&now).expect(200)["contact"], Value::Null);
        served.post("/v1/notice-runs", &json!({"now": true})).expect(409);
        served.post("/v1/notice-runs", &json!({"later": true})).expect(422);
        served.post("/v1/notice-tests", &json!({"address": "you@example.com"})).expect(422);
        served.post("/v1/notice-tests", &json!({"address": "nobody"})).expect(422);
        let preview = served.post("/v1/notice-previews", &json!(null)).expect(200);
        assert_eq!(
            preview,
            json!({"version": 1, "notices": [], "has_channel": false, "unheard": 0})
        );
        served.patch(path, &json!({"started": true})).expect(409);
        let hook = json!({"kind": "webhook", "name": "siem", "url": "https://siem.example.com/"});
        served.post("/v1/channels", &hook).expect(201);
        // Without a channel there was nothing to see.
        served.patch(path, &json!({"started": true})).expect(409);
        served.post("/v1/notice-previews", &json!(null)).expect(200);
        assert_eq!(served.patch(path, &json!({"started": true})).expect(200)["started"], true);
        let mail = json!({"kind": "mail", "name": "mail", "host": "127.0.0.1", "port": 9,
                          "tls": "none", "from": "keys@example.com", "timeout_seconds": 1});
        served.post("/v1/channels", &mail).expect(201);
        let refused = served.post("/v1/notice-tests", &json!({"address": "you@example.com"}));
        refused.expect(502);
        let acts = served.get("/v1/acts").text;
        assert!(acts.contains("notices.contact") && acts.contains("notices.start"), "{acts}");
        assert!(!acts.contains("all@example.com"), "{acts}");
    }
}

#[test]
fn an_owner_sees_the_notices_to_their_own_address() {
    for database in new_databases() {
        let fake =
            crate::fake_iam::FakeIam::start(crate::inventory::account(keytender::clock::now()));
        let home = home(&fake, &database);
        let served = Served::start(&home);
        let at_server = served.home();
        let run = |words: &[&str]| crate::inventory::run(&at_server, words);
        for owner in ["red", "blue", "green"] {
            run(&["owners", "add", owner, "--address", &format!("{owner}@example.com")]);
            let words =
                ["keys", "add", "stripe", owner, "--created", "2020-01-01", "--owner", owner];
            // Of keys only the machine of the inventory is sure to be told.
            crate::inventory::run(&home, &words);
        }
        let mail = json!({"kind": "mail", "name": "mail", "host": "127.0.0.1", "port": 9,
                          "tls": "none", "from": "keys@example.com", "timeout_seconds": 1});
        served.post("/v1/channels", &mail).expect(201);
        run(&["notify", "--dry-run"]);
        run(&["notify", "start", "--yes"]);
        let delivered = served.post("/v1/notice-runs", &json!({"now": true})).expect(200);
        assert_eq!(delivered, json!({"sent": 0, "delayed": 3, "dead": 0, "unheard": 0}));
        let mut seen = Vec::new();
        let mut path = "/v1/notices?state=waiting&limit=1".to_owned();
        loop {
            let page = served.get(&path).expect(200);
            assert_eq!(page["notices"].as_array().unwrap().len(), 1);
            assert_eq!(page["notices"][0].get("text"), None);
            seen.push(page["notices"][0].clone());
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/v1/notices?state=waiting&limit=1&after={next}");
        }
        assert_eq!(seen.len(), 3);
        let token = served.token_of("owner", &json!({"owner": "red"}), None);
        let ask = |method: Method, path: &str| {
            let body = (method != Method::GET).then(|| json!({}));
            served.ask_with(&token, &method, path, body.as_ref(), &[])
        };
        let own = ask(Method::GET, "/v1/notices").expect(200);
        assert_eq!(own["notices"].as_array().unwrap().len(), 1);
        assert_eq!(own["notices"][0]["recipient"], "red@example.com");
        for one in &seen {
            let is_own = one["recipient"] == "red@example.com";
            let path = format!("/v1/notices/{}", one["id"].as_str().unwrap());
            let read = ask(Method::GET, &path);
            assert_eq!(read.status, if is_own { 200 } else { 404 }, "{read:?}");
            assert!(!is_own || read.json()["text"].as_str().unwrap().contains("What to do"));
            assert_eq!(ask(Method::POST, &format!("{path}/deliveries")).status, 403);
            served.post(&format!("{path}/deliveries"), &json!(null)).expect(409);
        }
        for path in ["/v1/notice-previews", "/v1/notice-runs", "/v1/notice-tests"] {
            assert_eq!(ask(Method::POST, path).status, 403);
        }
        let asked = json!({"label": "one side", "side": "issued"});
        let made = served.post("/v1/users/administrator/tokens", &asked).expect(201);
        let issued = made["token"].as_str().unwrap();
        let list = served.ask_with(issued, &Method::GET, "/v1/notices", None, &[]).expect(200);
        assert_eq!(list["notices"], json!([]), "they tell of keys that are held");
        served.get("/v1/notices?state=lost").expect(400);
        served.get("/v1/notices?after=x").expect(400);
        served.get("/v1/notices/x").expect(404);
        served.get("/v1/notices/not_0000000000000").expect(404);
    }
}
