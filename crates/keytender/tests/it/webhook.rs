//! Notices leave by webhooks and chats.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use keytender::clock;
use keytender::notify::chat::{self, Chat};
use keytender::notify::webhook::{self, Endpoint, Event, EventKind, SigningSecret};
use keytender::notify::{Accepted, Failed, Hooks, Settings, Step, Verdict, Why};
use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use crate::databases::{Database, block_on, new_databases};
use crate::hook::Hook;
use crate::killed::texts;
use crate::notify::{PATIENT, digest, now, run};
use crate::{Home, partner};

/// The headers and the body of a request.
pub(crate) type Request = (Vec<(String, String)>, String);

/// A server for one request: answers `status`, and gives the request.
pub(crate) fn one_request(status: &'static str) -> (String, JoinHandle<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/secret-path", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line == "\r\n" { break } else { continue }
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.unwrap().1.parse().unwrap()];
        std::io::Read::read_exact(&mut lines, &mut body).unwrap();
        if !status.is_empty() {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
        (headers, String::from_utf8(body).unwrap())
    });
    (url, server)
}

fn hooks() -> Hooks {
    Hooks::new(&Settings { timeout: PATIENT, roots: None, allow_private: true }).unwrap()
}

fn event() -> Event {
    Event {
        id: "msg_0dj2c8xk3v9q4".to_owned(),
        kind: EventKind::Aged,
        at: now(),
        data: json!({"key": "key_0dj2c8xk3v9q4", "principal": "Zoë"}),
    }
}

fn posted(status: &'static str, secrets: &[Secret]) -> (Result<Accepted, Failed>, Value, String) {
    let (url, server) = one_request(status);
    let hooks = hooks();
    let secrets = secrets.iter().map(|secret| SigningSecret::parse(secret).unwrap()).collect();
    let target = hooks.target(&Secret::new(url)).unwrap();
    let endpoint = Endpoint { target, secrets, agent: None };
    let outcome = run(webhook::send(&hooks, &endpoint, &event(), clock::now()));
    let (headers, body) = server.join().unwrap();
    (outcome, headers.into_iter().map(|(name, value)| (name, json!(value))).collect(), body)
}

#[test]
fn an_event_is_posted_with_a_signature_of_each_secret() {
    let secrets = [SigningSecret::from_random(&[1; 32]), SigningSecret::from_random(&[2; 32])];
    let (outcome, headers, body) = posted("204 No Content", &secrets);
    assert_eq!(outcome, Ok(Accepted { code: 204 }));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["type"], "key.aged");
    assert_eq!(body["timestamp"], "2026-11-24T09:00:00Z");
    assert_eq!(body["data"]["principal"], "Zoë");
    assert_eq!(headers["webhook-id"], "msg_0dj2c8xk3v9q4");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["webhook-signature"].as_str().unwrap().matches("v1,").count(), 2);
}

/// What the reference library of another language makes of a request; `None` if it refuses it.
pub(crate) fn verified(
    python: &str,
    secret: &Secret,
    headers: &Value,
    body: &str,
) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/verify_webhook.py");
    asked(Command::new(python).arg(script), secret, headers, body)
}

/// What the published library of JavaScript makes of a request; `None` if it refuses it.
pub(crate) fn verified_in_javascript(
    modules: &str,
    secret: &Secret,
    headers: &Value,
    body: &str,
) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/verify_webhook.mjs");
    asked(Command::new("node").arg(script).arg(modules), secret, headers, body)
}

/// What a program that verifies says of a request.
fn asked(program: &mut Command, secret: &Secret, headers: &Value, body: &str) -> Option<Value> {
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let given = json!({"secret": secret.expose(), "headers": headers, "body": body});
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| serde_json::from_slice::<Value>(&output.stdout).unwrap())
}

#[test]
fn the_reference_library_accepts_the_signature() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let secrets = [SigningSecret::from_random(&[1; 32]), SigningSecret::from_random(&[2; 32])];
    let (_, headers, body) = posted("200 OK", &secrets);
    let verify = |secret: &Secret, body: &str| verified(&python, secret, &headers, body);
    for secret in &secrets {
        assert_eq!(verify(secret, &body).unwrap()["type"], "key.aged");
    }
    assert_eq!(verify(&SigningSecret::from_random(&[3; 32]), &body), None);
    assert_eq!(verify(&secrets[0], &body.replace("aged", "used")), None);
}

#[test]
fn what_a_receiver_answers_decides_about_the_next_attempt() {
    let secrets = [SigningSecret::from_random(&[1; 32])];
    for (status, verdict, retry_after_seconds) in [
        ("503 Busy\r\nretry-after: 120", Verdict::Temporary, Some(120)),
        ("429 Slower\r\nretry-after: 99999999", Verdict::Temporary, Some(86_400)),
        ("404 Not Found", Verdict::Temporary, None),
        ("400 Bad Request", Verdict::Permanent, None),
        ("410 Gone", Verdict::Permanent, None),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", Verdict::Permanent, None),
    ] {
        let failed = posted(status, &secrets).0.unwrap_err();
        assert_eq!((failed.verdict, failed.retry_after_seconds), (verdict, retry_after_seconds));
    }
    let lost = posted("", &secrets).0.unwrap_err();
    assert_eq!((lost.verdict, &lost.why), (Verdict::Undecided, &Why::Broken));
    assert!(!format!("{lost} {lost:?}").contains("secret-path"));
}

#[test]
fn a_private_address_is_not_reached_by_any_way() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let strict = Hooks::new(&Settings { timeout: PATIENT, roots: None, allow_private: false });
    let strict = strict.unwrap();
    let endpoint = |url: String| Endpoint {
        target: hooks().target(&Secret::new(url)).unwrap(),
        secrets: vec![SigningSecret::parse(&SigningSecret::from_random(&[1; 32])).unwrap()],
        agent: None,
    };
    // The last is a name, as the resolver sees it, for this machine.
    for host in ["127.0.0.1", "localhost", "a.localhost"] {
        let endpoint = endpoint(format!("https://{host}:{port}/"));
        let failed = run(webhook::send(&strict, &endpoint, &event(), now())).unwrap_err();
        assert_eq!((failed.step, failed.why), (Step::Connect, Why::NoAddress), "{host}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[test]
fn what_is_too_large_is_not_sent() {
    let hooks = hooks();
    let event = Event { data: json!("x".repeat(30_000)), ..event() };
    let endpoint = Endpoint {
        target: hooks.target(&Secret::new("https://127.0.0.1:1/")).unwrap(),
        secrets: vec![SigningSecret::parse(&SigningSecret::from_random(&[1; 32])).unwrap()],
        agent: None,
    };
    let failed = run(webhook::send(&hooks, &endpoint, &event, now())).unwrap_err();
    assert_eq!((failed.verdict, failed.why), (Verdict::Permanent, Why::TooLarge));
}

#[test]
fn a_chat_gets_plain_text_that_mentions_nobody() {
    let digest = digest(&["<!channel> [x](https://evil.example)"]);
    for (kind, status) in [(Chat::Slack, "200 OK"), (Chat::Teams, "202 Accepted")] {
        let (url, server) = one_request(status);
        let message = chat::message(kind, &digest, now());
        run(chat::send(&hooks(), &Secret::new(url), &message)).unwrap();
        let body: Value = serde_json::from_str(&server.join().unwrap().1).unwrap();
        match kind {
            Chat::Slack => {
                assert!(!body["text"].as_str().unwrap().contains('<'), "{body}");
                assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
                assert_eq!(body["blocks"][1]["text"]["type"], "plain_text");
            }
            Chat::Teams => {
                let card = &body["attachments"][0]["content"];
                assert_eq!(card["type"], "AdaptiveCard");
                let blocks = card["body"].as_array().unwrap();
                assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"), "{card}");
                assert_eq!(card["actions"][0]["type"], "Action.OpenUrl");
            }
        }
    }
}

/// What the signing secrets of a webhook are, one after the other.
struct Exchange<'d> {
    home: Home,
    hook: Hook,
    database: &'d Database,
    python: String,
    keys: u32,
}

impl Exchange<'_> {
    fn start<'d>(python: &str, database: &'d Database) -> (Exchange<'d>, Secret) {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let hook = Hook::start("204 No Content");
        let words = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &hook.url];
        let first = Secret::new(crate::inventory::run(&home, &words).stdout.trim());
        crate::inventory::run(&home, &["notify", "--dry-run"]);
        crate::inventory::run(&home, &["notify", "start", "--yes"]);
        (Exchange { home, hook, database, python: python.to_owned(), keys: 0 }, first)
    }

    fn run(&self, words: &[&str]) -> String {
        crate::inventory::run(&self.home, words).stdout.trim().to_owned()
    }

    /// Lets an event be sent, and says with which of these secrets the reference library of another
    /// language accepts it.
    fn accepted(&mut self, secrets: &[&Secret]) -> Vec<bool> {
        self.keys += 1;
        let name = format!("key {}", self.keys);
        self.run(&["keys", "add", "stripe", &name, "--created", "2020-01-01"]);
        self.run(&["notify", "--now"]);
        let came = self.hook.take().pop().unwrap();
        let is_good =
            |secret: &&Secret| verified(&self.python, secret, &came.headers, &came.text).is_some();
        secrets.iter().map(is_good).collect()
    }

    /// What is kept of secrets.
    fn kept(&self) -> String {
        let sql = "SELECT COALESCE(sealed, '-') || ' ' || COALESCE(old_sealed, '-') || settings \
                   FROM channels";
        texts(self.database, sql).join("")
    }
}

fn execute(database: &Database, sql: &str) {
    block_on(async {
        let store = Store::open(&Location::parse(&database.text)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.execute(sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

#[test]
fn the_old_and_the_new_secret_sign_until_the_rotation_ends() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let (mut exchange, first) = Exchange::start(&python, &database);
        let other = SigningSecret::from_random(&[9; 32]);
        assert_eq!(exchange.accepted(&[&first, &other]), [true, false]);
        let second = Secret::new(exchange.run(&["channels", "rotate", "siem"]));
        assert_eq!(exchange.accepted(&[&first, &second, &other]), [true, true, false]);
        let list = exchange.run(&["channels", "list"]);
        assert!(list.contains("kept sealed; the old one until"), "{list}");
        // A third one would shut out whoever knows only the first.
        let early = exchange.home.run(&["channels", "rotate", "siem"]);
        assert_eq!(early.code, 1);
        assert!(early.stderr.contains("channels end-rotation siem"), "{}", early.stderr);
        exchange.run(&["channels", "end-rotation", "siem"]);
        assert_eq!(exchange.accepted(&[&first, &second]), [false, true]);
        assert_eq!(exchange.home.run(&["channels", "end-rotation", "siem"]).code, 1);
        // One that is given is taken; it ends by itself.
        let rotate = ["channels", "rotate", "siem", "--secret", "-"];
        assert_eq!(exchange.home.run_with_input(&rotate, other.expose()).code, 0);
        assert_eq!(exchange.accepted(&[&second, &other]), [true, true]);
        assert!(!exchange.kept().contains(" -"), "the old one is kept sealed");
        execute(&database, "UPDATE channels SET old_until = 1");
        assert_eq!(exchange.accepted(&[&second, &other]), [false, true]);
        assert!(exchange.kept().contains(" -"), "and then forgotten");
        let log = exchange.run(&["log", "--json"]);
        assert!(log.contains("channel.rotate") && log.contains("channel.end-rotation"), "{log}");
        for secret in [&first, &second, &other] {
            assert!(!format!("{log}{}", exchange.kept()).contains(secret.expose()));
        }
    }
}

#[test]
fn what_cannot_sign_does_not_take_a_secrets_place() {
    for database in new_databases() {
        let (exchange, first) = Exchange::start("", &database);
        let rotate = ["channels", "rotate", "siem", "--secret", "-"];
        for (given, why) in
            [("whsec_short", "not a signing secret"), (first.expose(), "has this signing secret")]
        {
            let refused = exchange.home.run_with_input(&rotate, given);
            assert_eq!(refused.code, 1);
            assert!(refused.stderr.contains(why), "{}", refused.stderr);
            assert!(!refused.stderr.contains(given), "{}", refused.stderr);
        }
        let chat = ["channels", "add", "slack", "ops", "--url", "-"];
        exchange.home.run_with_input(&chat, "https://hooks.example.com/x");
        let refused = exchange.home.run(&["channels", "rotate", "ops"]);
        assert!(refused.stderr.contains("no webhook"), "{}", refused.stderr);
        assert_eq!(exchange.home.run(&["channels", "rotate", "nowhere"]).code, 1);
        assert!(exchange.kept().contains(" -"), "nothing was exchanged");
    }
}
