//! Channels over HTTP; and the command line, which prints the same at a server as on a file.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Ran;
use crate::api_accounts::here_and_there;
use crate::databases::new_databases;
use crate::inventory::home;
use crate::served::Served;

const SECRET: &str = "hunter2-c0rrect-h0rse";

/// A certificate of nobody, in PEM.
fn certificate() -> String {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem()
}

/// The same with a made signing secret replaced.
fn without_secret(mut ran: Ran) -> Ran {
    assert!(ran.stdout.starts_with("whsec_"), "{}{}", ran.stdout, ran.stderr);
    ran.stdout = "whsec_…".to_owned();
    ran
}

#[test]
fn channels_are_the_same_here_and_at_a_server() {
    here_and_there(|place| {
        let run = |words: &[&str]| place.home.run(words);
        place.home.write("ca.pem", certificate());
        place.home.write("none.pem", "no certificate");
        let add = |words: &[&str], input: &str| {
            place.home.run_with_input(&[&["channels", "add"], words].concat(), input)
        };
        let mail = ["mail", "--host", "smtp.example.com", "--from", "keys@example.com"];
        let with = |more: &[&'static str]| [&mail[..], more].concat();
        let hook = "https://siem.example.com/keys";
        let ran = vec![
            run(&["channels", "list"]),
            add(&with(&["--user", "keys", "--password", "-", "--ca", "ca.pem"]), SECRET),
            add(&mail, ""),
            add(&["mail", "x", "--host", "h", "--from", "nobody"], ""),
            add(&["mail", "x", "--host", "h", "--from", "a@b.de", "--ca", "none.pem"], "")
                .code_only(),
            // The folder of each place is another one.
            add(&["mail", "x", "--host", "h", "--from", "a@b.de", "--ca", "nowhere.pem"], "")
                .code_only(),
            add(&["mail", "x", "--host", "h", "--from", "a@b.de", "--tls", "none"], ""),
            without_secret(add(&["webhook", "siem", "--url", hook], "")),
            add(&["webhook", "inner", "--url", "https://10.0.0.1/x"], ""),
            add(&["webhook", "inner", "--url", "http://example.com/x"], ""),
            without_secret(add(
                &["webhook", "inner", "--url", "https://10.0.0.1/x", "--allow-private"],
                "",
            )),
            add(&["webhook", "y", "--url", hook, "--secret", "-"], SECRET),
            add(&["slack", "ops", "--url", "-"], "https://hooks.example.com/services/T0/B0/x"),
            add(&["teams", "all", "--url", "-"], "not a URL"),
            run(&["channels", "list"]),
            run(&["channels", "remove", "ops", "--yes"]),
            run(&["channels", "remove", "ops", "--yes"]),
            run(&["channels", "list"]),
        ];
        assert_eq!(ran[1].code, 0, "{}", ran[1].stderr);
        let shown: String = ran.iter().map(|ran| format!("{}{}", ran.stdout, ran.stderr)).collect();
        assert!(!shown.contains(SECRET) && !shown.contains("services/T0"), "{shown}");
        assert!(ran[14].stdout.contains("kept sealed"), "{}", ran[14].stdout);
        let kept = run(&["channels", "list", "--json"]).json();
        assert_eq!(kept["channels"][1]["is_secret_kept"], true);
        ran
    });
}

impl Ran {
    /// How it ended, where what it says names another thing at a server.
    fn code_only(self) -> Self {
        assert!(self.stderr.contains("could not read the certificates"), "{}", self.stderr);
        Self { code: self.code, stdout: self.stdout, stderr: String::new() }
    }
}

#[test]
fn a_channel_keeps_its_secret_and_shows_a_made_one_once() {
    for database in new_databases() {
        let fake =
            crate::fake_iam::FakeIam::start(crate::inventory::account(keytender::clock::now()));
        let home = home(&fake, &database);
        let served = Served::start(&home);
        let pem = certificate();
        let mail = json!({"kind": "mail", "name": "mail", "host": "localhost", "from": "k@example.com",
                          "username": "keys", "password": SECRET, "certificates": pem});
        let added = served.post("/v1/channels", &mail);
        let place = added.header("location").to_owned();
        assert_eq!(added.expect(201)["certificates"], pem.as_str());
        assert_eq!(served.get(&place).expect(200)["is_secret_kept"], true);
        let hook =
            json!({"kind": "webhook", "name": "siem", "url": "https://siem.example.com/keys"});
        let made = served.post("/v1/channels", &hook).expect(201);
        let secret = made["signing_secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_"));
        let chat =
            json!({"kind": "slack", "name": "ops", "url": "https://hooks.example.com/x/T0secret"});
        served.post("/v1/channels", &chat).expect(201);
        let list = served.get("/v1/channels").text;
        for hidden in [SECRET, secret, "T0secret"] {
            assert!(!list.contains(hidden), "{list}");
        }
        let rotation = "/v1/channels/siem/rotation";
        served.post(rotation, &json!({"secret": "whsec_x"})).expect(422);
        served.post(rotation, &json!({"old": 1})).expect(422);
        served.post("/v1/channels/mail/rotation", &json!({})).expect(422);
        let other = served.post(rotation, &json!({})).expect(201);
        let other_secret = other["signing_secret"].as_str().unwrap();
        assert_ne!(other_secret, secret);
        let until = other["old_secret_until"].as_str().unwrap();
        assert!(until > other["created_at"].as_str().unwrap());
        served.post(rotation, &json!({})).expect(409);
        let read = served.get("/v1/channels/siem");
        assert_eq!(read.json()["old_secret_until"], until);
        assert!(!read.text.contains(other_secret), "{}", read.text);
        let end = |tag: &str| {
            let headers = [("if-match", tag)];
            served.ask_with(&served.token, &Method::DELETE, rotation, None, &headers)
        };
        end("\"another\"").expect(412);
        end(read.header("etag")).expect(204);
        end("*").expect(409);
        assert_eq!(served.get("/v1/channels/siem").expect(200)["old_secret_until"], Value::Null);
        let page = served.get("/v1/channels?limit=1").expect(200);
        assert_eq!(page["channels"][0]["name"], "mail");
        assert!(page["next"].is_string());
        let path = "/v1/channels/siem";
        let tag = served.get(path).header("etag").to_owned();
        let delete = |tag: &str| {
            let headers = [("if-match", tag)];
            served.ask_with(&served.token, &Method::DELETE, path, None, &headers)
        };
        delete("\"another\"").expect(412);
        delete(&tag).expect(204);
        delete(&tag).expect(404);
        served.get("/v1/channels/nowhere").expect(404);
        for role in ["operator", "auditor"] {
            let token = served.token_of(role, &json!({}), None);
            let ask = |method: Method, body: Option<&Value>| {
                served.ask_with(&token, &method, "/v1/channels", body, &[]).status
            };
            assert_eq!((ask(Method::GET, None), ask(Method::POST, Some(&hook))), (200, 403));
        }
    }
}

#[test]
fn what_cannot_be_a_channel_is_refused_and_no_place_is_taken() {
    let fake = crate::fake_iam::FakeIam::start(crate::inventory::account(keytender::clock::now()));
    let database = new_databases().remove(0);
    let home = home(&fake, &database);
    let served = Served::start(&home);
    let hook = "https://siem.example.com/keys";
    for body in [
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "password": "x"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "username": "u"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "tls": "ssl"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "tls": "none"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "url": hook}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "timeout_seconds": 0}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "timeout_seconds": 301}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "certificates": "x"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "roots": "/etc/passwd"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "port": 70_000}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "port": 0}),
        json!({"kind": "mail", "name": "m", "host": "h".repeat(256), "from": "a@b.de"}),
        json!({"kind": "mail", "name": "m", "host": "h", "from": "a@b.de", "username": "u",
               "password": "p".repeat(4_097)}),
        json!({"kind": "mail", "name": "m", "from": "a@b.de"}),
        json!({"kind": "mail", "name": " ", "host": "h", "from": "a@b.de"}),
        json!({"kind": "webhook", "name": "w"}),
        json!({"kind": "webhook", "name": "w", "url": "https://127.0.0.1/x"}),
        json!({"kind": "webhook", "name": "w", "url": "https://u:p@example.com/x"}),
        json!({"kind": "webhook", "name": "w", "url": hook, "secret": "env:HOME"}),
        json!({"kind": "webhook", "name": "w", "url": hook, "settings": {"secret": "env:HOME"}}),
        json!({"kind": "slack", "name": "s", "url": "file:/etc/passwd"}),
        json!({"kind": "slack", "name": "s", "url": hook, "secret": "whsec_x"}),
        json!({"kind": "slack", "name": "s"}),
        json!({"kind": "pigeon", "name": "p"}),
    ] {
        let answer = served.post("/v1/channels", &body);
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
    }
    assert_eq!(served.get("/v1/channels").expect(200)["channels"], json!([]));
    let at_server = served.home().with("HOOK", hook);
    for words in [
        &["slack", "s", "--url", "env:HOOK"][..],
        &["webhook", "w", "--url", hook, "--secret", "file:secret.txt"],
        &["mail", "--host", "h", "--from", "a@b.de", "--user", "u", "--password", "command:id"],
    ] {
        let refused = at_server.run(&[&["channels", "add"], words].concat());
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stderr.contains("takes no place of a secret"), "{}", refused.stderr);
    }
}
