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
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use crate::notify::{PATIENT, digest, now, run};
use crate::partner;

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
    let endpoint = Endpoint { target: hooks.target(&Secret::new(url)).unwrap(), secrets };
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
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
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
