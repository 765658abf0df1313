//! A database that is gone: PostgreSQL behind a wire that is cut, a file that another program keeps locked.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keytender::store::db::{Db, Location, Tx};
use serde_json::json;

use super::wire::Wire;
use super::{Gate, socket_words, until};
use crate::databases::{Database, new_databases};

/// A server refuses without a lease after five seconds; so much more this machine may need.
const SLACK: Duration = Duration::from_secs(4);

/// A wire to a server that can be cut.
#[derive(Clone)]
struct Line {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let line = Self { address, is_cut: Arc::default(), streams: Arc::default() };
        let own = line.clone();
        // It ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !own.is_cut.load(Ordering::SeqCst) {
                    own.join(stream, TcpStream::connect(&target).unwrap());
                }
            }
        });
        line
    }

    fn join(&self, near: TcpStream, far: TcpStream) {
        let mut streams = self.streams.lock().unwrap();
        for (mut from, mut to) in
            [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)]
        {
            streams.push(from.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut bytes = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    if to.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
                _ = to.shutdown(Shutdown::Both);
            });
        }
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// A database that can be taken from its server.
enum Taken {
    Postgres(Line),
    File { location: Location, held: Option<Held> },
}

/// The right to write, which another program has.
struct Held {
    runtime: tokio::runtime::Runtime,
    db: Db,
    tx: Tx,
}

/// A gate whose database can be taken away.
fn open(mut database: Database, on_partition: &str) -> (Gate, Taken) {
    let location = Location::parse(&database.text);
    let taken =
        match database.text.strip_prefix("postgres://").and_then(|rest| rest.split_once('@')) {
            Some((user, rest)) => {
                let (target, name) = rest.split_once('/').unwrap();
                let line = Line::to(target.to_owned());
                database.text = format!("postgres://{user}@{}/{name}", line.address);
                Taken::Postgres(line)
            }
            None => Taken::File { location, held: None },
        };
    let socket = socket_words(std::path::Path::new(""));
    let words = ["--on-partition", on_partition, &socket[0], &socket[1]];
    (Gate::open_with(database, 1, &words), taken)
}

impl Taken {
    fn cut(&mut self) {
        match self {
            Self::Postgres(line) => line.cut(),
            Self::File { location, held } => {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let (db, tx) = runtime.block_on(async {
                    let db = Db::open(location).await.unwrap();
                    let tx = db.begin().await.unwrap();
                    (db, tx)
                });
                *held = Some(Held { runtime, db, tx });
            }
        }
    }

    fn mend(&mut self) {
        match self {
            Self::Postgres(line) => line.mend(),
            Self::File { held, .. } => {
                let Held { runtime, db, tx } = held.take().unwrap();
                runtime.block_on(async {
                    drop(tx);
                    db.close().await;
                });
            }
        }
    }
}

#[test]
fn a_server_that_is_to_refuse_does_so_when_its_lease_ends() {
    for database in new_databases() {
        let (gate, mut taken) = open(database, "refuse");
        let key = gate.key(&json!({}));
        assert_eq!(gate.ask(0, &key.text).status, 200);
        let cut_at = Instant::now();
        taken.cut();
        let refused = (503, "keys-unavailable".to_owned());
        until(|| gate.ask(0, &key.text).verdict() == refused);
        assert!(cut_at.elapsed() < Duration::from_secs(5) + SLACK, "{:?}", cut_at.elapsed());
        // Neither a good key nor a bad one passes, by any door, for as long as it lasts.
        let shown = format!("Authorization: Bearer {}", key.text);
        for _ in 0..5 {
            assert_eq!(gate.ask(0, "acme_live_x").status, 401, "that is no key of anybody");
            let local =
                Wire::at(&gate.socket()).get("/v1/forward-auth?api=acme", &[&shown]).unwrap();
            assert_eq!(local.status, 503, "{local:?}");
            assert_eq!(gate.word(&key.text, &[], None)["reason"], "unavailable");
            super::pause(Duration::from_millis(300));
        }
        taken.mend();
        until(|| gate.ask(0, &key.text).status == 200);
    }
}

#[test]
fn a_server_that_is_to_serve_goes_on_and_says_that_it_may_be_behind() {
    for database in new_databases() {
        let (gate, mut taken) = open(database, "serve");
        let key = gate.key(&json!({}));
        assert_eq!(gate.ask(0, &key.text).header("keytender-stale"), "");
        taken.cut();
        let mut uses = 1;
        // All that while it lets the key pass, at first without a word.
        until(|| {
            let said = gate.ask(0, &key.text);
            assert_eq!(said.status, 200, "{said:?}");
            uses += 1;
            said.header("keytender-stale") == "true"
        });
        let cut_at = Instant::now();
        let shown = format!("Authorization: Bearer {}", key.text);
        // Longer than a gateway's token is believed while the database answers.
        while cut_at.elapsed() < Duration::from_secs(7) {
            let said = gate.ask(0, &key.text);
            assert_eq!((said.status, said.header("keytender-stale")), (200, "true"), "{said:?}");
            let local =
                Wire::at(&gate.socket()).get("/v1/forward-auth?api=acme", &[&shown]).unwrap();
            assert_eq!((local.status, local.header("keytender-stale")), (200, "true"));
            assert_eq!(gate.word(&key.text, &[], None)["stale"], true);
            assert_eq!(gate.ask(0, "acme_live_x").status, 401);
            uses += 3;
            super::pause(Duration::from_millis(500));
        }
        taken.mend();
        until(|| gate.ask_for(0, &key.text, "api=acme", &[]).header("keytender-stale").is_empty());
        // What was used meanwhile is told once there is somebody to tell.
        until(|| gate.usage(&key)["uses"].as_u64() >= Some(uses));
    }
}
