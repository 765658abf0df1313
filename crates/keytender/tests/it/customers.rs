//! The customers of an API of ours are told of their keys: by mail and by webhooks, in its name, each of their own.

use std::fs::Permissions;
use std::io::BufRead;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keytender::app::inventory::Inventory;
use keytender::app::issued::{self, Activation, NewIssued, NewRotation};
use keytender::app::node::feed;
use keytender::app::notify::{self, Hours, of_api};
use keytender::app::turn::Turn;
use keytender::clock;
use keytender::store::acts::Actor;
use keytender_core::id::KeyId;
use keytender_core::secret::Secret;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;
use keytender_verify::feed::{Batch, Place, Row, VERSION};
use serde_json::Value;

use crate::Home;
use crate::databases::{Database, block_on};
use crate::hook::Hook;
use crate::inventory::run;
use crate::notify::{MailServer, PASSWORD};

mod events;
mod killed;
mod mail;
mod over_http;
mod regions;

/// An API `acme` with two customers, globex and initech, each with an app.
struct Provider {
    home: Home,
    database: String,
    globex: String,
    initech: String,
    uses: AtomicU64,
}

impl Provider {
    fn new(database: &Database) -> Self {
        let home =
            Home::new().with("KEYTENDER_DATABASE", &database.text).with("KEYTENDER_ACTOR", "mia");
        run(&home, &["apis", "add", "acme", "--title", "Acme Orders"]);
        let app = |customer: &str, name: &str| {
            let contact = format!("dev@{customer}.example");
            run(&home, &["accounts", "add", "acme", customer, "--contact", &contact]);
            let account = format!("acme/{customer}");
            run(&home, &["apps", "add", &account, name]).stdout.trim().to_owned()
        };
        let globex = app("globex", "web-shop");
        let initech = app("initech", "reports");
        let uses = AtomicU64::new(0);
        Self { home, database: database.text.clone(), globex, initech, uses }
    }

    fn run(&self, words: &[&str]) -> String {
        run(&self.home, words).stdout.trim().to_owned()
    }

    /// Does something with the inventory as it is at a moment.
    fn at<T>(&self, now: Time, act: impl AsyncFnOnce(&Inventory) -> T) -> T {
        block_on(async {
            let actor = Actor { name: "mia".to_owned(), origin: "test".to_owned() };
            let inventory = Inventory::open(&self.database, actor, now).await.unwrap();
            let done = act(&inventory).await;
            inventory.store.close().await;
            done
        })
    }

    /// A key of an app that was made then, and ends then.
    fn key(&self, app: &str, label: &str, made: Time, ends: Option<Time>) -> KeyId {
        let new = NewIssued {
            label: label.to_owned(),
            environment: Environment::Live,
            scopes: Vec::new(),
            networks: Vec::new(),
            expires_at: Some(ends),
        };
        self.at(made, async |then| issued::create(then, app, new).await.unwrap().key_id)
    }

    /// Rotates a key, so that both work from then on.
    fn rotate(&self, key: KeyId, then: Time, overlap: Span) -> KeyId {
        let new = NewRotation {
            overlap: Some(overlap),
            activation: Activation::Immediately,
            expires_at: Some(None),
            why: None,
        };
        let word = key.to_string();
        self.at(then, async |then| issued::rotate(then, &word, new).await.unwrap().key_id)
    }

    /// A use of a key: when, in which region and service, and from where.
    fn used(&self, key: KeyId, at: Time, region: &str, service: &str, address: &str) {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let place = Place { region: text(region), service: text(service), last_used_at: at };
        let row = Row {
            key,
            count: self.uses.fetch_add(1, Ordering::Relaxed) + 1,
            last_used_at: at,
            address: address.parse::<IpAddr>().ok(),
            agent: Some("curl".to_owned()),
            places: vec![place],
        };
        let (node, epoch) = ("gateway".to_owned(), 1);
        let batch = Batch { version: VERSION, node, epoch, sequence: 1, rows: vec![row] };
        self.at(at, async |then| feed::usage(then, "acme", batch).await.map(drop).unwrap());
    }

    /// Somebody sees the preview and starts notices to customers, at a moment.
    fn start(&self, now: Time) {
        self.at(now, async |then| {
            of_api::preview(then, "acme").await.unwrap();
            let change = of_api::Change { started: Some(true), ..of_api::Change::default() };
            of_api::change(then, "acme", &change, |_| Ok(())).await.map(drop).unwrap();
        });
    }

    /// Tells what is to be told at a moment.
    fn tell(&self, now: Time, hours: Hours) {
        self.at(now, async |then| {
            notify::run(then, hours, &Turn::free()).await.unwrap().expect("it was started");
        });
    }

    /// What is in the outbox, the oldest first.
    fn outbox(&self) -> Vec<Value> {
        let list = run(&self.home, &["notices", "list", "--json", "--limit", "1000"]).json();
        let mut all = list["notices"].as_array().unwrap().clone();
        all.reverse();
        all
    }
}

/// A mail server, and what came in.
struct Post {
    mails: Arc<Mutex<Vec<Value>>>,
    _server: MailServer,
}

impl Post {
    fn start(python: &str, home: &Home) -> Self {
        let mut server = MailServer::start(python, home);
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (lines, inbox) = (server.lines.take().unwrap(), Arc::clone(&mails));
        // Ends with the server, whose output it reads.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                inbox.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let (port, ca) = (server.port.to_string(), server.certificate.display().to_string());
        let place = ["--host", "localhost", "--port", &port, "--ca", &ca];
        let password = secret_file(home, "password", PASSWORD);
        let who = ["--user", "keytender", "--password", &password];
        let words = ["channels", "add", "mail", "--from", "robot@example.com"];
        run(home, &[&words[..], &place, &who].concat());
        Self { mails, _server: server }
    }

    /// The mails that came since this was asked last, once there are so many, by their recipients.
    fn take(&self, count: usize) -> Vec<Value> {
        crate::verifying::until(|| self.mails.lock().unwrap().len() >= count);
        let mut mails = std::mem::take(&mut *self.mails.lock().unwrap());
        mails.sort_by_key(|mail| mail["to"][0].as_str().unwrap().to_owned());
        assert_eq!(mails.len(), count, "{mails:#?}");
        mails
    }
}

/// A place of a secret that this program finds too, whatever its environment.
fn secret_file(home: &Home, name: &str, secret: &str) -> String {
    let path = home.write(name, secret);
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    format!("file:{}", path.display())
}

/// Adds a webhook, and gives its signing secret.
fn listen(provider: &Provider, name: &str, hook: &Hook, whose: &[&str]) -> Secret {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let place = secret_file(&provider.home, "signing", secret);
    let words = ["channels", "add", "webhook", name, "--allow-private", "--url", &hook.url];
    provider.run(&[&words[..], &["--secret", &place], whose].concat());
    Secret::new(secret)
}

/// The two parts of a mail.
fn parts(mail: &Value) -> [&str; 2] {
    ["text/plain", "text/html"].map(|kind| mail["parts"][kind].as_str().unwrap())
}

fn days(count: u32) -> Span {
    Span::days(count)
}

fn hours(count: i64) -> Span {
    Span::from_micros(count * 3_600_000_000)
}

/// A weekday's noon that is not over long ago, so that nothing waits for office hours.
fn workday() -> Time {
    let now = clock::now();
    let noon =
        |ago: u32| Time::parse(&format!("{}T12:00:00Z", now.minus(days(ago)).date())).unwrap();
    let is_open = |at: &Time| keytender_core::notice::send_at(*at, "UTC") == Ok(*at);
    (1..5).map(noon).find(is_open).unwrap()
}
