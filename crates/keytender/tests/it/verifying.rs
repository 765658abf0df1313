//! Keys of our own APIs, verified by the real server: by one and by several, over each of its doors, when it is
//! asked by strangers, when it is killed, and when its database is gone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::Database;
use crate::served::{Answer, Served};

mod doors;
mod gateways;
mod imported;
mod killed;
mod leaks;
mod model;
mod nodes;
mod partitions;
mod rotations;
mod shares;
mod sums;
mod verdicts;
mod wire;

/// How long something may take that is to happen at once.
const PATIENCE: Duration = Duration::from_secs(90);

/// An API `acme` with a customer and an app, at some servers of one database.
struct Gate {
    nodes: Vec<Served>,
    home: Home,
    customer: String,
    app: String,
    /// The token of a gateway.
    token: String,
    /// The last: it goes when nobody uses it any more.
    database: Database,
}

impl Gate {
    fn open(database: Database) -> Self {
        Self::open_with(database, 1, &[])
    }

    /// So many servers, each started with further words.
    fn open_with(database: Database, count: usize, words: &[&str]) -> Self {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let nodes: Vec<Served> = (0..count).map(|_| Served::start_with(&home, words)).collect();
        let first = &nodes[0];
        first.post("/v1/apis", &json!({"name": "acme"})).expect(201);
        let customer =
            text(&first.post("/v1/apis/acme/accounts", &json!({"name": "globex"})), "id");
        let token = first.token_of("operator", &json!({"name": "gateway"}), Some(&["keys:verify"]));
        let mut gate = Self { nodes, home, customer, app: String::new(), token, database };
        gate.app = gate.new_app(&json!({"name": "web-shop"}));
        gate
    }

    fn first(&self) -> &Served {
        &self.nodes[0]
    }

    /// A new app of the customer; its id.
    fn new_app(&self, asked: &Value) -> String {
        text(&self.first().post(&format!("/v1/accounts/{}/apps", self.customer), asked), "id")
    }

    /// A new key of the app.
    fn key(&self, asked: &Value) -> Issued {
        self.key_of(&self.app, asked)
    }

    /// A new key of an app, once every server knows it.
    fn key_of(&self, app: &str, asked: &Value) -> Issued {
        let mut body = json!({"label": "checkout"});
        body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        let key = Issued::of(&self.first().post(&format!("/v1/apps/{app}/keys"), &body));
        for node in &self.nodes {
            until(|| look(node, &key.text).problem() != "key-unknown");
        }
        key
    }

    /// Gives a key a successor, once every server knows it.
    fn rotate(&self, key: &Issued, asked: &Value) -> Issued {
        let place = format!("/v1/keys/{}/rotations", key.id);
        let new = Issued::of(&self.first().post(&place, asked));
        for node in &self.nodes {
            until(|| look(node, &new.text).problem() != "key-unknown");
        }
        new
    }

    fn put(&self, path: &str, body: &Value) -> Answer {
        let first = self.first();
        first.ask_with(&first.token, &Method::PUT, path, Some(body), &[])
    }

    /// What a server answers a gateway that was shown a key.
    fn ask(&self, node: usize, key: &str) -> Answer {
        self.ask_for(node, key, "api=acme", &[])
    }

    fn ask_for(&self, node: usize, key: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
        let own = [("keytender-token", self.token.as_str())];
        let path = format!("/v1/forward-auth?{query}");
        self.nodes[node].ask_with(key, &Method::GET, &path, None, &[&own, headers].concat())
    }

    /// The word of a verdict in a batch of one.
    fn word(&self, key: &str, scopes: &[&str], address: Option<&str>) -> Value {
        let asked = json!({"key": key, "scopes": scopes, "address": address});
        let body = json!({"api": "acme", "verifications": [asked]});
        let path = "/v1/key-verifications";
        let said = self.first().ask_with(&self.token, &Method::POST, path, Some(&body), &[]);
        said.expect(200)["verifications"][0].clone()
    }

    /// How a key is used, as the first server tells it.
    fn usage(&self, key: &Issued) -> Value {
        self.first().get(&format!("/v1/keys/{}/usage", key.id)).expect(200)
    }

    fn seen(&self, key: &Issued) -> Value {
        self.first().get(&format!("/v1/keys/{}", key.id)).expect(200)
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("verify.sock")
    }
}

/// A key that was made: its id, and what a program shows.
#[derive(Clone, Debug)]
struct Issued {
    id: String,
    text: String,
}

impl Issued {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        Self { id: text(answer, "key"), text: text(answer, "secret") }
    }
}

impl Answer {
    /// The name of the type of a problem; empty where there is none.
    fn problem(&self) -> String {
        let kind = serde_json::from_str::<Value>(&self.text).ok();
        let kind = kind.and_then(|body| Some(body.get("type")?.as_str()?.to_owned()));
        kind.unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }

    /// The status and the type of the problem.
    fn verdict(&self) -> (u16, String) {
        (self.status, self.problem())
    }
}

/// What a key is told of itself: no use.
fn look(node: &Served, key: &str) -> Answer {
    node.ask_with(key, &Method::GET, "/v1/keys/self", None, &[])
}

#[track_caller]
fn text(answer: &Answer, name: &str) -> String {
    answer.expect(201)[name].as_str().unwrap().to_owned()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "not in time");
        pause(Duration::from_millis(20));
    }
}

/// Does nothing for so long.
pub(crate) fn pause(length: Duration) {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    // Nobody sends.
    _ = receiver.recv_timeout(length);
    drop(sender);
}

/// So long from now.
fn within(milliseconds: i64) -> keytender_core::time::Time {
    let span = keytender_core::time::Span::from_micros(milliseconds * 1_000);
    keytender::clock::now().plus(span)
}

/// A key of the form of one of `acme` with this id and another secret, with its checksum in order.
fn forged(id: &str, letter: char) -> String {
    let before = format!("acme_live_{id}_{}", letter.to_string().repeat(32));
    format!("{before}{}", checksum(&before))
}

/// The recipe that the documentation of tokens has.
fn checksum(before: &str) -> String {
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    let crc = before.bytes().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(byte), step));
    let mut number = usize::try_from(!crc).unwrap();
    let mut text: Vec<char> = Vec::new();
    for _ in 0..6 {
        text.push(letters[number % 62]);
        number /= 62;
    }
    text.iter().rev().collect()
}

/// The words that let a server verify on a socket in its home.
fn socket_words(home: &Path) -> [String; 2] {
    ["--verify-socket".to_owned(), home.join("verify.sock").display().to_string()]
}
