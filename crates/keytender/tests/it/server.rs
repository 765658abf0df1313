//! The server from outside: what is refused, what is answered twice alike, what it says of itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::served::{Answer, Served};
use crate::{Home, partner};

/// The document that is kept in the repository.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// A home of its own whose inventory is served.
pub(crate) fn served() -> (Home, Served) {
    let home = Home::new().with("KEYTENDER_ACTOR", "mia");
    let served = Served::start(&home);
    (home, served)
}

#[test]
fn the_document_of_the_api_is_the_one_in_the_repository() {
    let now = keytender::http::openapi() + "\n";
    let kept = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    if kept != now && std::env::var_os("KEYTENDER_TEST_ACCEPT").is_some() {
        std::fs::write(DOCUMENT, &now).unwrap();
        return;
    }
    assert!(
        kept == now,
        "the API changed: look at it, then run again with KEYTENDER_TEST_ACCEPT=1"
    );
}

#[test]
fn a_request_with_an_idempotency_key_is_done_once() {
    let (_home, served) = served();
    let body = json!({"label": "ci", "scopes": ["keys:read"]});
    let path = "/v1/users/administrator/tokens";
    let ask = |key: &str, body: &Value| {
        served.ask_with(&served.token, &Method::POST, path, Some(body), &[("Idempotency-Key", key)])
    };
    let first = ask("one", &body);
    let again = ask("one", &body);
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("content-type"), again.header("content-type"));
    let other = ask("two", &body);
    assert_ne!(first.expect(201)["token"], other.expect(201)["token"]);
    let reused = ask("one", &json!({"label": "another"}));
    assert_eq!(reused.status, 422, "{reused:?}");
    assert_eq!(ask(&"x".repeat(256), &body).status, 400);
    let tokens = served.get("/v1/tokens").expect(200);
    assert_eq!(tokens["tokens"].as_array().unwrap().len(), 3, "{tokens}");
    // Another caller's key of the same text is another key.
    let theirs = served.token_of("administrator", &json!({"name": "second"}), None);
    let headers = [("Idempotency-Key", "one")];
    let theirs = served.ask_with(&theirs, &Method::POST, path, Some(&body), &headers);
    assert_eq!(theirs.header("idempotency-replayed"), "");
    theirs.expect(201);
    // A refusal is an answer too.
    let refused = ask("three", &json!({"label": ""}));
    assert_eq!(refused.status, 422);
    assert_eq!(ask("three", &json!({"label": ""})).text, refused.text);
}

#[test]
fn a_kept_answer_and_its_idempotency_key_are_nowhere_in_clear() {
    let (home, served) = served();
    let headers = [("Idempotency-Key", "a-key-that-nobody-else-has")];
    let body = json!({"label": "ci"});
    let path = "/v1/users/administrator/tokens";
    let made = served.ask_with(&served.token, &Method::POST, path, Some(&body), &headers);
    let token = made.expect(201)["token"].as_str().unwrap().to_owned();
    let secret = token.rsplit('_').next().unwrap();
    for entry in std::fs::read_dir(home.path().join(".local/share/keytender")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for text in [secret, "a-key-that-nobody-else-has"] {
            let is_there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!is_there, "{}: {text}", path.display());
        }
    }
}

#[test]
fn a_change_to_another_version_is_refused() {
    let (_home, served) = served();
    let new = json!({"name": "team", "address": "team@example.com"});
    let made = served.post("/v1/owners", &new);
    let id = made.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/owners/{id}");
    assert_eq!(made.header("location"), path);
    let read = served.get(&path);
    let tag = read.header("etag").to_owned();
    assert_eq!(tag, made.header("etag"));
    let same =
        served.ask_with(&served.token, &Method::GET, &path, None, &[("If-None-Match", &tag)]);
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", tag.as_str()));
    let change = |tag: &str, address: &str| {
        let body = json!({"address": address});
        served.ask_with(&served.token, &Method::PATCH, &path, Some(&body), &[("If-Match", tag)])
    };
    change(&tag, "other@example.com").expect(200);
    let stale = change(&tag, "third@example.com");
    assert_eq!(stale.status, 412, "{stale:?}");
    assert_eq!(served.get(&path).expect(200)["address"], "other@example.com");
    let gone = served.ask_with(&served.token, &Method::DELETE, &path, None, &[("If-Match", &tag)]);
    assert_eq!(gone.status, 412);
    change("*", "fourth@example.com").expect(200);
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let (_home, served) = served();
    let unknown =
        served.post("/v1/owners", &json!({"name": "a", "address": "a@example.com", "x": 1}));
    assert_eq!(unknown.status, 422);
    assert!(
        unknown.json()["detail"].as_str().unwrap().contains("unknown field `x`"),
        "{unknown:?}"
    );
    assert_eq!(served.get("/v1/owners?limit=0").status, 400);
    assert_eq!(served.get("/v1/owners?limt=1").status, 400);
    assert_eq!(served.get("/v1/owners?after=nonsense").status, 400);
    assert_eq!(served.get("/v1/owners/%00").status, 404);
    assert_eq!(served.get("/v1/owners/%ff").status, 404);
    assert_eq!(served.get("/v1/../../etc/passwd").status, 404);
    assert_eq!(served.get("/v1/owners/..%2f..%2fetc%2fpasswd").status, 404);
    let put = served.ask_with(&served.token, &Method::PUT, "/v1/owners", None, &[]);
    assert_eq!((put.status, put.header("content-type")), (405, "application/problem+json"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let form = served.ask_with(&served.token, &Method::POST, "/v1/owners", None, &form);
    assert_eq!(form.status, 415);
    let page = served.get("/problems/stale");
    assert!(page.text.contains("412") && page.header("content-type").starts_with("text/html"));
}

/// Writes to a server as it is, and reads what it says until it closes.
pub(crate) fn raw(url: &str, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    for piece in pieces {
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn headers_cannot_be_smuggled_in_and_heads_and_bodies_have_an_end() {
    let (_home, served) = served();
    let token = &served.token;
    // A line end within a value ends the value; what follows is no header of ours.
    let injected = format!(
        "GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Idempotency-Key: a\nSet-Cookie: b=c\r\n\r\n"
    );
    let answer = raw(&served.url, &[injected.as_bytes()]);
    assert!(!answer.to_lowercase().contains("set-cookie"), "{answer}");
    let in_path = raw(
        &served.url,
        &[b"GET /v1/%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    );
    assert!(in_path.starts_with("HTTP/1.1 404") && !in_path.contains("Set-Cookie:"), "{in_path}");
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(64 * 1024));
    let answer = raw(&served.url, &[long.as_bytes()]);
    assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
    let announced = format!(
        "POST /v1/owners HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{{"
    );
    let answer = raw(&served.url, &[announced.as_bytes()]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Both lengths at once is how requests are smuggled past a proxy (RFC 9112, section 6.3).
    let both = b"POST /v1/owners HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = raw(&served.url, &[both]);
    assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer}");
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn whoever_is_slow_is_let_go_and_others_are_served() {
    let (_home, served) = served();
    let host = served.url.trim_start_matches("http://").to_owned();
    let begun = keytender::clock::now();
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&host).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHos").unwrap();
            stream
        })
        .collect();
    assert_eq!(served.get("/v1/me").status, 200);
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut rest = Vec::new();
        // Closed, with or without a word.
        _ = stream.read_to_end(&mut rest);
    }
    let seconds = keytender::clock::now().since(begun).as_micros() / 1_000_000;
    assert!(seconds < 45, "{seconds}");
}

#[test]
fn a_token_has_so_many_requests_and_is_told_how_many_are_left() {
    let home = Home::new();
    let served = Served::start_with(&home, &["--rate-limit", "1"]);
    let first = served.get("/v1/me");
    assert_eq!(first.header("ratelimit-policy"), "\"token\";q=600;w=600");
    assert!(first.header("ratelimit").starts_with("\"token\";r=599"), "{first:?}");
    let mut last = first;
    for _ in 0..700 {
        last = served.get("/v1/me");
        if last.status == 429 {
            break;
        }
    }
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u32>().unwrap() >= 1, "{last:?}");
    assert!(last.header("ratelimit").starts_with("\"token\";r=0"), "{last:?}");
    assert_eq!(served.ask_with("", &Method::GET, "/healthz", None, &[]).status, 200);
}

#[test]
fn the_log_says_what_was_asked_and_no_secret() {
    let home = Home::new();
    let mut served = Served::start_with(&home, &["--log", "json"]);
    let token = served.token.clone();
    let request = format!(
        "POST /v1/users/administrator/tokens?x=hunter2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n\
         {{\"label\":\"hunter3\"}}"
    );
    let answer = raw(&served.url, &[request.as_bytes()]);
    assert!(answer.contains("keytender_live_"), "{answer}");
    assert_eq!(served.end(), 0);
    let log = served.talk();
    let whole = log.join("\n");
    assert!(
        whole.contains("/v1/users/{user}/tokens") && whole.contains("\"status\":201"),
        "{whole}"
    );
    let secret = token.rsplit('_').next().unwrap();
    for word in ["hunter2", "hunter3", secret, "keytender_live_"] {
        assert!(!whole.contains(word), "{word}: {whole}");
    }
    for line in log.iter().filter(|line| line.starts_with('{')) {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn whatever_is_sent_by_the_document_is_answered_by_the_document() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let (home, served) = served();
    let program = std::path::Path::new(&python).with_file_name("schemathesis");
    let output = Command::new(program)
        // It leaves files where it runs.
        .current_dir(home.path())
        .args(["run", &format!("{}/openapi.json", served.url)])
        .args(["--header", &format!("Authorization: Bearer {}", served.token)])
        .args([
            "--max-examples",
            "30",
            "--seed",
            "1",
            "--no-color",
            "--suppress-health-check",
            "all",
        ])
        .args(["--exclude-path-regex", "^/docs|^/problems|^/v1/forward-auth"])
        // What gateways ask is no operation of this document's tokens: it has tests of its own.
        // A refusal of what has the right form is part of the domain: an owner who is not there.
        .args(["--exclude-checks", "positive_data_acceptance"])
        // Links between operations are not in the document; guessed ones do not fit.
        .args(["--phases", "examples,coverage,fuzzing"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn everything_carries_its_number_and_keeps_browsers_out() {
    let (_home, served) = served();
    let answers: [Answer; 3] = [served.get("/v1/me"), served.get("/nothing"), served.get("/docs")];
    for answer in answers {
        assert!(answer.header("request-id").starts_with("req_"), "{answer:?}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}
