//! A verifier follows a server: a fake one that forgets, fails and lies as it is told to; over HTTP, too.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use keytender_core::id::ApiId;
use keytender_core::secret::Secret;
use keytender_verify::feed::{
    App, Application, Batch, Change, Changes, Feed, FeedError, Grant, HttpFeed, Key, Period, Quota,
    Rate, Receipt, Share, Snapshot, Spent, State, VERSION, What,
};
use keytender_verify::follow::FollowError;
use keytender_verify::share::Part;
use keytender_verify::table::ApplyError;
use keytender_verify::{
    Clock, Follower, Lease, OnPartition, Reason, Request, Table, Turns, Usage, Verifier,
};
use tempfile::TempDir;

use crate::sample::{app, key, snapshot, text, time, token};

/// What a server knows, and what is to go wrong.
#[derive(Default)]
struct Server {
    pages: Vec<Snapshot>,
    changes: Vec<Change>,
    /// Changes up to this one are forgotten.
    forgotten: u64,
    /// The next calls fail.
    failures: VecDeque<&'static str>,
    asked: Vec<&'static str>,
    applied: Vec<u64>,
    /// Comes into being while the next lease is asked for.
    between: Option<What>,
    /// Somebody uses this key whenever uses are told.
    busy: Option<(Arc<Usage>, Key)>,
    batches: Vec<Batch>,
    shares: Vec<Share>,
    spent: Vec<Spent>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Server>>);

impl Fake {
    fn with(keys: Vec<Key>) -> Self {
        let fake = Self::default();
        fake.set(|server| server.pages = vec![snapshot(keys)]);
        fake
    }

    fn set<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn ask<T>(
        &self,
        what: &'static str,
        answer: impl FnOnce(&mut Server) -> Result<T, FeedError>,
    ) -> Result<T, FeedError> {
        self.set(|server| {
            server.asked.push(what);
            match server.failures.front() {
                Some(failing) if *failing == what => {
                    server.failures.pop_front();
                    Err(FeedError::Failed(503))
                }
                _ => answer(server),
            }
        })
    }

    fn change(&self, what: What) {
        self.set(|server| {
            let seq = 11 + server.changes.len() as u64;
            server.changes.push(Change { seq, what });
        });
    }
}

impl Feed for Fake {
    fn snapshot(&self, page: Option<&str>) -> Result<Snapshot, FeedError> {
        self.ask("snapshot", |server| {
            let number: usize = page.map_or(0, |page| page.parse().unwrap());
            Ok(server.pages[number].clone())
        })
    }

    fn changes(&self, after: u64) -> Result<Changes, FeedError> {
        self.ask("changes", |server| {
            if after < server.forgotten {
                return Err(FeedError::Forgotten);
            }
            // Two at a time.
            let new = server.changes.iter().filter(|change| change.seq > after).take(2);
            let changes: Vec<_> = new.cloned().collect();
            let through = changes.last().map_or(after, |change| change.seq);
            Ok(Changes { version: VERSION, after, through, changes })
        })
    }

    fn lease(&self, application: &Application) -> Result<Grant, FeedError> {
        self.ask("lease", |server| {
            server.applied.push(application.applied_seq);
            if let Some(what) = server.between.take() {
                let seq = 11 + server.changes.len() as u64;
                server.changes.push(Change { seq, what });
            }
            let shares = server.shares.clone();
            let last = server.changes.last().map_or(server.pages[0].seq, |change| change.seq);
            let grant = Grant {
                version: VERSION,
                valid_for_ms: 5_000,
                head_seq: last,
                verifiers: 2,
                shares,
            };
            Ok(grant)
        })
    }

    fn leave(&self, node: &str) -> Result<(), FeedError> {
        assert_eq!(node, "node-1");
        self.ask("leave", |_| Ok(()))
    }

    fn usage(&self, batch: &Batch) -> Result<Receipt, FeedError> {
        self.ask("usage", |server| {
            server.batches.push(batch.clone());
            if let Some((usage, key)) = &server.busy {
                usage.record(key.key, key.id, &Request::default(), Clock::start().now().time);
            }
            Ok(Receipt { version: VERSION, sequence: batch.sequence, spent: server.spent.clone() })
        })
    }
}

/// A verifier that follows a server, and the clock of both.
fn following<F: Feed>(feed: F, usage: Option<Arc<Usage>>) -> (Turns<F>, Arc<Verifier>, Clock) {
    let verifier = Verifier::new(Arc::new(Table::new()), Lease::new(OnPartition::Refuse));
    let verifier = match usage {
        Some(usage) => verifier.with_usage(usage),
        None => verifier,
    };
    let (verifier, clock) = (Arc::new(verifier), Clock::start());
    (Turns::new(feed, Arc::clone(&verifier), clock, "node-1"), verifier, clock)
}

fn ask(verifier: &Verifier, clock: Clock, number: u64) -> Option<Reason> {
    verifier.verify(&text(&token(number)), &Request::default(), clock.now()).into_result().err()
}

fn uses(folder: &TempDir) -> Arc<Usage> {
    crate::usage::open(&folder.path().join("uses"))
}

#[test]
fn a_verifier_begins_with_a_snapshot_and_follows_its_changes() {
    let server = Fake::with(vec![]);
    server.set(|server| {
        let first = Snapshot { next: Some("1".into()), ..snapshot(vec![key(1)]) };
        // Made later: it has a change already that will be told again.
        let second = Snapshot { keys: vec![key(2), key(3)], ..Snapshot::empty(12) };
        server.pages = vec![first, second];
    });
    for what in [
        What::PutKey(key(3)),
        What::PutKey(key(4)),
        What::PutKey(Key { state: State::Revoked, ..key(2) }),
    ] {
        server.change(what);
    }
    let (turns, verifier, clock) = following(server.clone(), None);
    assert_eq!(ask(&verifier, clock, 1), Some(Reason::Unavailable));
    turns.take().unwrap();
    let all = [1, 2, 3, 4, 5].map(|number| ask(&verifier, clock, number));
    assert_eq!(all, [None, Some(Reason::Revoked), None, None, Some(Reason::Unknown)]);
    server.change(What::PutKey(Key { state: State::Suspended, ..key(1) }));
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), Some(Reason::Suspended));
    server.set(|server| assert_eq!(server.applied, [13, 14], "what is applied is what was said"));
}

#[test]
fn a_server_that_has_forgotten_is_asked_for_a_snapshot() {
    let server = Fake::with(vec![key(1)]);
    let (turns, verifier, clock) = following(server.clone(), None);
    turns.take().unwrap();
    server.set(|server| {
        server.pages = vec![Snapshot { seq: 50, ..snapshot(vec![key(2)]) }];
        server.forgotten = 50;
    });
    turns.take().unwrap();
    assert_eq!((ask(&verifier, clock, 1), ask(&verifier, clock, 2)), (Some(Reason::Unknown), None));
}

#[test]
fn a_server_that_was_restored_to_an_earlier_time_is_believed() {
    let server = Fake::with(vec![key(1)]);
    for number in 2..6 {
        server.change(What::PutKey(key(number)));
    }
    let (turns, verifier, clock) = following(server.clone(), None);
    turns.take().unwrap();
    server.set(|server| server.changes.truncate(1));
    turns.take().unwrap();
    server.change(What::PutKey(Key { state: State::Revoked, ..key(1) }));
    turns.take().unwrap();
    let all = [1, 2, 3].map(|number| ask(&verifier, clock, number));
    assert_eq!(all, [Some(Reason::Revoked), None, Some(Reason::Unknown)]);
}

#[test]
fn a_lease_is_counted_from_before_it_was_asked_for_and_keeps_a_margin() {
    let server = Fake::with(vec![key(1)]);
    let (turns, verifier, clock) = following(server, None);
    let before = clock.now();
    turns.take().unwrap();
    let after = clock.now();
    let at = |moment: keytender_verify::Now, millis| {
        let monotonic = moment.monotonic + Duration::from_millis(millis);
        verifier.verify(
            &text(&token(1)),
            &Request::default(),
            keytender_verify::Now { monotonic, ..moment },
        )
    };
    assert!(at(before, 4_499).into_result().is_ok());
    assert_eq!(at(after, 4_501).into_result(), Err(Reason::Unavailable));
}

#[test]
fn what_changed_before_there_was_a_lease_comes_before_it() {
    let server = Fake::with(vec![key(1)]);
    let revoked = || What::PutKey(Key { state: State::Revoked, ..key(1) });
    server.set(|server| server.between = Some(revoked()));
    let (turns, verifier, clock) = following(server.clone(), None);
    // Nobody has waited for this verifier, so it must not let pass what is proven to be refused.
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), Some(Reason::Revoked));
    // Who holds a lease is waited for until the next turn.
    server.set(|server| server.between = Some(What::PutKey(key(1))));
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), Some(Reason::Revoked));
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), None);
}

#[test]
fn a_key_that_is_used_all_the_time_does_not_keep_a_turn_from_ending() {
    let folder = TempDir::new().unwrap();
    let server = Fake::with(vec![key(1)]);
    let usage = uses(&folder);
    let (turns, verifier, clock) = following(server.clone(), Some(Arc::clone(&usage)));
    turns.take().unwrap();
    server.set(|server| server.busy = Some((usage, key(1))));
    assert_eq!(ask(&verifier, clock, 1), None);
    turns.take().unwrap();
    turns.take().unwrap();
    server.set(|server| {
        let told: Vec<_> = server.batches.iter().map(|batch| batch.rows[0].count).collect();
        assert_eq!(told, [1, 2], "one batch a turn");
    });
}

#[test]
fn a_turn_that_fails_has_done_what_it_could_and_the_next_goes_on() {
    let folder = TempDir::new().unwrap();
    let server = Fake::with(vec![key(1)]);
    let (turns, verifier, clock) = following(server.clone(), Some(uses(&folder)));
    let fail = |what| server.set(|server| server.failures.push_back(what));
    for what in ["snapshot", "changes", "lease"] {
        fail(what);
        assert!(matches!(turns.take(), Err(FollowError::Feed(FeedError::Failed(503)))), "{what}");
        assert_eq!(ask(&verifier, clock, 1), Some(Reason::Unavailable));
    }
    fail("usage");
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), None);
    assert!(turns.take().is_err());
    assert_eq!(ask(&verifier, clock, 1), None);
    turns.take().unwrap();
    turns.take().unwrap();
    server.set(|server| {
        let told: Vec<_> =
            server.batches.iter().map(|batch| (batch.sequence, batch.rows[0].count)).collect();
        assert_eq!(told, [(1, 1), (2, 2)], "as it was made first, then what came after");
    });
}

#[test]
fn a_feed_of_another_version_gives_no_lease() {
    let server = Fake::with(vec![key(1)]);
    server.set(|server| server.pages[0].version = 2);
    let (turns, verifier, clock) = following(server, None);
    assert!(matches!(turns.take(), Err(FollowError::Apply(ApplyError::Version(2)))));
    assert_eq!(ask(&verifier, clock, 1), Some(Reason::Unavailable));
}

#[test]
fn shares_and_quotas_come_with_leases_and_receipts() {
    let folder = TempDir::new().unwrap();
    let server = Fake::with(vec![key(1)]);
    let rate = Rate { limit: 100, window_seconds: 3_600, burst: None };
    let quota = Quota { period: Period::Month, limit: 4, used: 0, resets_at: time(2_000_000_000) };
    server.set(|server| {
        server.pages[0].apps = vec![App { rate: Some(rate), quotas: vec![quota], ..app(1) }];
        server.shares = vec![Share { app: app(1).app, part: Part::new(30_000), more: Part::NONE }];
        server.spent = vec![Spent { app: app(1).app, quota: Quota { used: 3, ..quota } }];
    });
    let (turns, verifier, clock) = following(server, Some(uses(&folder)));
    turns.take().unwrap();
    let request = Request::default();
    let good = verifier.verify(&text(&token(1)), &request, clock.now()).into_result().unwrap();
    assert_eq!(good.left.unwrap().remaining, 2, "of three");
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), None);
    assert!(
        matches!(ask(&verifier, clock, 1), Some(Reason::QuotaExceeded { .. })),
        "others used the rest"
    );
}

/// Waits until something holds, for ten seconds at most.
fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not come to hold");
        thread::yield_now();
    }
}

#[test]
fn a_follower_tells_a_first_use_at_once_and_the_rest_before_it_ends() {
    let folder = TempDir::new().unwrap();
    let pending = (1..=5).map(|number| Key { state: State::Pending, ..key(number) });
    let server = Fake::with(pending.chain([key(6)]).collect());
    let (turns, verifier, clock) = following(server.clone(), Some(uses(&folder)));
    let follower = Follower::start(turns).unwrap();
    until(|| ask(&verifier, clock, 9) == Some(Reason::Unknown));
    let told = || server.set(|server| server.batches.len());
    let until_told = |number| {
        let (used, before) = (Instant::now(), told());
        assert_eq!(ask(&verifier, clock, number), None);
        until(|| told() > before);
        used.elapsed()
    };
    let mut waits: Vec<_> = (1..=5).map(until_told).collect();
    waits.sort_unstable();
    // From one turn to the next is a second; a busy machine may hold one up.
    assert!(waits[2] < Duration::from_millis(700), "{waits:?}");
    assert!(follower.error().is_none());
    assert_eq!(ask(&verifier, clock, 6), None);
    drop(follower);
    server.set(|server| {
        let keys: Vec<_> =
            server.batches.iter().flat_map(|batch| batch.rows.iter().map(|row| row.key)).collect();
        assert!(keys.contains(&key(6).key));
        assert_eq!(server.asked.last(), Some(&"leave"));
    });
    assert_eq!(ask(&verifier, clock, 6), Some(Reason::Unavailable), "nobody waits for it");
}

#[test]
fn a_follower_says_why_it_cannot_follow() {
    let server = Fake::default();
    server.set(|server| server.failures.push_back("snapshot"));
    server.set(|server| server.pages = vec![snapshot(vec![key(1)])]);
    let (turns, verifier, clock) = following(server, None);
    let follower = Follower::start(turns).unwrap();
    until(|| follower.error().is_some() || ask(&verifier, clock, 1).is_none());
    until(|| follower.error().is_none() && ask(&verifier, clock, 1).is_none());
}

/// A request: its first line, its headers, its body.
type Asked = (String, String, String);

/// One request, read as a server does.
fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0);
    }
    let lower = head.to_lowercase();
    let len = lower
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    (first.to_owned(), headers.to_owned(), String::from_utf8(body).unwrap())
}

/// A server that gives these answers, one a connection, and says what it was asked.
fn serve(answers: Vec<(u16, String)>) -> (String, thread::JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let answer = |(status, body): (u16, String)| {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = read(&stream);
            let len = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
            asked
        };
        answers.into_iter().map(answer).collect()
    });
    (address, thread)
}

fn feed(server: &str) -> HttpFeed {
    HttpFeed::new(server, ApiId::from_i64(1), Secret::new("hush")).unwrap()
}

#[test]
fn a_feed_is_asked_for_over_http_with_its_token() {
    let json = |value: serde_json::Value| (200, value.to_string());
    let page = Snapshot { next: Some("a b".into()), ..snapshot(vec![key(1)]) };
    let empty = Changes { version: VERSION, after: 10, through: 10, changes: vec![] };
    let grant =
        Grant { version: VERSION, valid_for_ms: 5_000, head_seq: 10, verifiers: 1, shares: vec![] };
    let (server, asked) = serve(vec![
        json(serde_json::to_value(&page).unwrap()),
        json(serde_json::to_value(Snapshot::empty(11)).unwrap()),
        json(serde_json::to_value(empty).unwrap()),
        json(serde_json::to_value(grant).unwrap()),
    ]);
    let (turns, verifier, clock) = following(feed(&server), None);
    turns.take().unwrap();
    assert_eq!(ask(&verifier, clock, 1), None);
    let asked = asked.join().unwrap();
    let lines: Vec<_> = asked.iter().map(|(line, _, _)| line.as_str()).collect();
    let base = "/v1/apis/api_0000000000001/feed";
    assert_eq!(lines[0], format!("GET {base}/snapshot HTTP/1.1"));
    assert!(lines[1] == format!("GET {base}/snapshot?page=a%20b HTTP/1.1"), "{}", lines[1]);
    assert_eq!(lines[2], format!("GET {base}/changes?after=10 HTTP/1.1"));
    assert_eq!(lines[3], format!("POST {base}/leases HTTP/1.1"));
    assert!(
        asked
            .iter()
            .all(|(_, headers, _)| headers.to_lowercase().contains("authorization: bearer hush"))
    );
    assert_eq!(
        asked[3].2,
        r#"{"version":1,"node":"node-1","applied_seq":10,"on_partition":"refuse"}"#
    );
}

#[test]
fn what_a_server_answers_wrongly_is_named() {
    let answers = [(410, ""), (401, ""), (503, ""), (429, ""), (302, ""), (200, "{"), (200, "{}")];
    let (server, asked) = serve(answers.map(|(status, body)| (status, body.to_owned())).to_vec());
    let feed = feed(&server);
    let errors: Vec<_> = answers.iter().map(|_| feed.changes(1).unwrap_err()).collect();
    asked.join().unwrap();
    assert!(matches!(errors[0], FeedError::Forgotten));
    assert!(matches!(errors[1], FeedError::Refused(401)));
    assert!(matches!(errors[2], FeedError::Failed(503)));
    assert!(matches!(errors[3], FeedError::Failed(429)));
    assert!(matches!(errors[4], FeedError::Refused(302)), "redirects are not followed");
    assert!(matches!(
        (&errors[5], &errors[6]),
        (FeedError::Unreadable(_), FeedError::Unreadable(_))
    ));
    assert!(matches!(feed.changes(1), Err(FeedError::Unreachable(_))), "nobody listens");
    assert!(!format!("{feed:?} {errors:?}").contains("hush"));
}

#[test]
fn a_token_goes_to_https_or_to_this_machine() {
    let new = |server: &str| HttpFeed::new(server, ApiId::from_i64(1), Secret::new("hush"));
    for good in ["https://keys.example.com", "http://localhost:8080/", "http://[::1]:1"] {
        assert!(new(good).is_ok(), "{good}");
    }
    for bad in [
        "http://keys.example.com",
        "keys.example.com",
        "https://a@b",
        "ftp://localhost",
        "https://a?b",
        "",
    ] {
        assert!(new(bad).is_err(), "{bad}");
    }
}
