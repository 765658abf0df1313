//! Where the server listens, what it does by itself, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::time::Span;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::{block_on, new_databases};
use crate::inventory::run;
use crate::served::Served;
use crate::server::{raw, served};

#[test]
fn no_request_that_was_accepted_is_lost_when_the_server_ends() {
    let (home, mut served) = served();
    let (made, failed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let (url, token) = (served.url.clone(), served.token.clone());
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (made, failed, is_over) =
                (Arc::clone(&made), Arc::clone(&failed), Arc::clone(&is_over));
            let (url, token) = (url.clone(), token.clone());
            std::thread::spawn(move || {
                block_on(async {
                    let client = reqwest::Client::new();
                    for number in 0.. {
                        let name = format!("owner-{worker}-{number}");
                        let body = json!({"name": name, "address": "a@example.com"});
                        let request = client.post(format!("{url}/v1/owners")).bearer_auth(&token);
                        match request.json(&body).send().await {
                            Ok(answer) if answer.status() == 201 => {
                                made.fetch_add(1, Ordering::SeqCst);
                            }
                            Ok(answer) => {
                                eprintln!("{answer:?}");
                                failed.fetch_add(1, Ordering::SeqCst);
                                break;
                            }
                            // Refused at the door, or closed before it was read: not accepted. One
                            // that was done and not answered would be among those that are kept.
                            Err(_) => break,
                        }
                        if is_over.load(Ordering::SeqCst) {
                            break;
                        }
                    }
                });
            })
        })
        .collect();
    until(|| made.load(Ordering::SeqCst) > 40);
    assert_eq!(served.end(), 0);
    is_over.store(true, Ordering::SeqCst);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let owners = run(&home, &["owners", "list", "--json"]).json();
    let kept = u32::try_from(owners["owners"].as_array().unwrap().len()).unwrap();
    assert_eq!(failed.load(Ordering::SeqCst), 0);
    assert_eq!(kept, made.load(Ordering::SeqCst), "every owner that was made was answered");
}

/// Waits until something holds.
pub(crate) fn until(holds: impl Fn() -> bool) {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let came = (0..1_500).any(|_| {
        // Nobody sends: this is a pause.
        _ = receiver.recv_timeout(Duration::from_millis(20));
        holds()
    });
    drop(sender);
    assert!(came, "it did not come to be");
}

#[test]
fn a_server_with_a_certificate_speaks_tls_and_says_so() {
    let home = Home::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = home.write("chain.pem", certificate.cert.pem());
    let key = home.write("key.pem", certificate.signing_key.serialize_pem());
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let served = Served::start_with(&home, &["--tls-certificate", &chain, "--tls-key", &key]);
    assert!(served.url.starts_with("https://"), "{}", served.url);
    let answer = served.get("/v1/me");
    assert_eq!(answer.status, 200);
    assert!(answer.header("strict-transport-security").starts_with("max-age="));
    // In clear there is no answer to be had.
    let clear = served.url.replace("https://", "http://");
    let said = raw(&clear, &[b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]);
    assert!(!said.contains("200 OK"), "{said}");
}

#[test]
fn a_server_does_not_show_tokens_to_a_network() {
    let home = Home::new();
    let refused = home.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--tls-certificate"), "{}", refused.stderr);
    let bad = Home::new()
        .with("KEYTENDER_SERVER", "http://keys.example.com")
        .with("KEYTENDER_TOKEN", "x");
    let refused = bad.run(&["owners", "list"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("in clear"), "{}", refused.stderr);
    let none = Home::new().with("KEYTENDER_SERVER", "https://keys.example.com");
    let refused = none.run(&["owners", "list"]);
    assert!(refused.stderr.contains("KEYTENDER_TOKEN_FROM"), "{}", refused.stderr);
}

#[test]
fn the_tasks_run_by_themselves_and_when_they_are_asked() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let task = |name: &str| -> Value {
            let tasks = served.get("/v1/tasks").expect(200);
            let tasks = tasks["tasks"].as_array().unwrap().clone();
            tasks.into_iter().find(|task| task["name"] == name).unwrap_or_default()
        };
        until(|| task("evaluate")["outcome"] == "done" && task("seal")["outcome"] == "done");
        let before = task("sweep");
        assert_eq!(before["failures"], 0, "{before}");
        served.post("/v1/tasks/sweep/runs", &json!({})).expect(202);
        until(|| {
            let now = task("sweep");
            now["is_asked"] == false && now["started_at"] != before["started_at"]
        });
        assert_eq!(served.post("/v1/tasks/nothing/runs", &json!({})).status, 404);
        // The log of what was done so far is sealed by the server, not by a command.
        let listed = run(&home, &["tasks", "list"]).stdout;
        assert!(listed.contains("evaluate") && listed.contains("done"), "{listed}");
    }
}

/// Two servers on one PostgreSQL; one is killed while it asks an account.
#[test]
fn what_a_killed_server_was_doing_another_ends_and_nothing_is_done_twice() {
    use crate::fake_iam::{AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, Key, User, at};
    let Some(database) = new_databases().into_iter().nth(1) else { return };
    let now = keytender::clock::now();
    let ago = |days: u32| at(&now.minus(Span::days(days)).to_string());
    let mut account = Account::new("123456789012", ago(0));
    for number in 0..300 {
        let id = format!("AKIAQKILL{number:011}");
        let user = User::new(&format!("user-{number:03}"), ago(500)).key(Key::new(&id, ago(400)));
        account = account.user(user);
    }
    // The look takes some ten seconds.
    account.behaviour.latency_ms = 200;
    let fake = FakeIam::start(account);
    let home = |name: &str| {
        Home::new()
            .with("HOSTNAME", name)
            .with("AWS_ENDPOINT_URL", fake.url())
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ACCESS_KEY_ID", AUDITOR_KEY_ID)
            .with("AWS_SECRET_ACCESS_KEY", AUDITOR_SECRET)
            .with("KEYTENDER_DATABASE", &database.text)
            .with("KEYTENDER_MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    };
    let (one, two) = (home("one"), home("two"));
    run(&one, &["accounts", "add", "aws", "prod"]);
    let mut first = Served::start_with(&one, &["--lease", "3"]);
    let holder = || {
        let tasks = run(&two, &["tasks", "list", "--json"]).json();
        eprintln!("{tasks}");
        let tasks = tasks["tasks"].as_array().unwrap().clone();
        let sync = tasks.into_iter().find(|task| task["account"] == "prod").unwrap();
        sync["holder"].as_str().map(str::to_owned)
    };
    until(|| holder().is_some_and(|name| name.starts_with("one/")));
    let second = Served::start_with(&two, &["--lease", "3"]);
    assert!(holder().is_some_and(|name| name.starts_with("one/")), "{:?}", holder());
    first.kill();
    // Nobody tells the other: it ends what the first began.
    assert_eq!(looks(&database.text), 0, "the first was killed before its end");
    let words = ["keys", "list", "--provider", "aws", "--json"];
    until(|| run(&two, &words).json()["total"] == 300);
    drop(second);
    assert_eq!(looks(&database.text), 1, "one look at the account was written, once");
}

/// How many looks at accounts were written that did not fail.
fn looks(database: &str) -> i64 {
    block_on(async {
        let store = Store::open(&Location::parse(database)).await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM syncs WHERE error IS NULL";
        let rows = store.db().fetch(sql, Vec::new()).await.unwrap();
        let count = rows[0].cells().int().unwrap();
        store.close().await;
        count
    })
}
