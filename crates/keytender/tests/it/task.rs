//! The tasks of servers: several nodes on one database, in processes of their own, on the strict
//! fake of IAM and a receiver of web hooks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use keytender::store::Store;
use keytender::store::accounts::{Access, Account, AccountKind};
use keytender::store::db::Location;
use keytender::store::tasks::{Outcome, Task};
use keytender::task::{Intervals, TaskName, Tasks, Timing};
use keytender_core::id::AccountId;
use keytender_core::time::Span;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::Home;
use crate::databases::{Database, block_on, new_databases};
use crate::fake_iam::{self, AUDITOR_KEY_ID, AUDITOR_SECRET, FakeIam, Key, User};
use crate::inventory::run;

/// The variable by which this program is told to be a node, with its name.
const NODE: &str = "KEYTENDER_TEST_NODE";
/// The node looks for what is to be told this often, in milliseconds.
const NOTIFY_MS: &str = "KEYTENDER_TEST_NOTIFY_MS";
/// The node's leases last so long, in milliseconds.
const LEASE_MS: &str = "KEYTENDER_TEST_LEASE_MS";
/// How long a test waits for what must come to be.
const PATIENCE: Duration = Duration::from_secs(60);
/// The leases of nodes that die: others take over after so long. No node that lives on may have
/// them, for on a busy machine it would lose them.
const SHORT_LEASE: Duration = Duration::from_millis(2_000);

fn timing() -> Timing {
    Timing {
        lease: Timing::default().lease,
        renewal: Duration::from_millis(300),
        poll: Duration::from_millis(20),
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(3_600),
        stop: Duration::from_millis(500),
    }
}

fn timing_of_the_dying() -> Timing {
    Timing { lease: SHORT_LEASE, ..timing() }
}

/// A node of the tests below, if this process was started as one. It ends when its input does.
#[test]
fn a_process_is_a_node_if_it_was_started_as_one() {
    let Ok(name) = std::env::var(NODE) else { return };
    let location = Location::parse(&std::env::var("KEYTENDER_DATABASE").unwrap());
    let variable = |name: &str| Some(std::env::var(name).ok()?.parse().unwrap());
    let notify = variable(NOTIFY_MS).unwrap_or(60_000);
    let lease = variable(LEASE_MS).map_or(timing().lease, Duration::from_millis);
    let intervals = Intervals {
        notify: Duration::from_millis(notify),
        seal: Duration::from_millis(50),
        ..Intervals::default()
    };
    let (sender, told) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(sender);
    });
    block_on(async {
        let store = Store::open(&location).await.unwrap();
        let tasks =
            Tasks::new(store.clone(), location, &name, intervals, Timing { lease, ..timing() })
                .unwrap();
        tasks.run(async { _ = told.await }).await;
        store.close().await;
    });
}

/// A node in a process of its own; it is killed when it is dropped.
struct Node(Child);

impl Node {
    fn start(home: &Home, name: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["task::a_process_is_a_node_if_it_was_started_as_one", "--exact"])
            .env_clear()
            .env("HOME", home.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env(NODE, name)
            .envs(home.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Ends it without a word.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Tells it to end, and waits until it has.
    fn stop(&mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A home with so many accounts, each at a fake of its own; and the inventory, open.
struct World {
    home: Home,
    fakes: Vec<FakeIam>,
    store: Store,
}

impl World {
    /// To be used within one runtime.
    async fn new(database: &Database, accounts: usize) -> Self {
        let home = Home::new()
            .with("KEYTENDER_DATABASE", &database.text)
            .with("KEYTENDER_ACTOR", "mia")
            .with(NOTIFY_MS, "50");
        let now = keytender::clock::now();
        let ago = |days: u32| fake_iam::at(&now.minus(Span::days(days)).to_string());
        let mut fakes = Vec::new();
        let mut config = String::new();
        for number in 0..accounts {
            let key = Key::new(&format!("AKIAQDEPLOY{number:09}"), ago(400));
            let account = fake_iam::Account::new(&format!("{:012}", 100 + number), ago(0));
            let fake = FakeIam::start(account.user(User::new("deploy", ago(500)).key(key)));
            config.push_str(&format!(
                "[profile p{number}]\nregion = eu-central-1\nendpoint_url = {}\n\
                 aws_access_key_id = {AUDITOR_KEY_ID}\naws_secret_access_key = {AUDITOR_SECRET}\n",
                fake.url()
            ));
            fakes.push(fake);
        }
        home.write(".aws/config", config);
        for number in 0..accounts {
            let (name, profile) = (format!("prod-{number}"), format!("p{number}"));
            run(&home, &["accounts", "add", "aws", &name, "--profile", &profile]);
        }
        fakes.iter().for_each(FakeIam::reset_calls);
        let store = Store::open(&Location::parse(&database.text)).await.unwrap();
        Self { home, fakes, store }
    }

    /// How often each account was asked for its users.
    fn looks(&self) -> Vec<usize> {
        let looks = |fake: &FakeIam| fake.calls().get("ListUsers").copied().unwrap_or(0);
        self.fakes.iter().map(looks).collect()
    }

    /// Lets every answer of the first account come so much later.
    fn slow_down(&self, latency_ms: u64) {
        self.fakes[0].with_account(|account| account.behaviour.latency_ms = latency_ms);
    }

    async fn syncs(&self) -> Vec<Task> {
        let mut tasks = self.store.list_tasks().await.unwrap();
        tasks.retain(|task| task.name.starts_with("sync:"));
        tasks
    }

    async fn count(&self, what: &str) -> i64 {
        count(&self.store, what).await
    }
}

async fn count(store: &Store, what: &str) -> i64 {
    let rows = store.db().fetch(&format!("SELECT COUNT(*) FROM {what}"), Vec::new()).await;
    rows.unwrap()[0].cells().int().unwrap()
}

async fn write(store: &Store, sql: &str) {
    let mut tx = store.db().begin().await.unwrap();
    tx.execute(sql, Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn task(store: &Store, name: &str) -> Task {
    let tasks = store.list_tasks().await.unwrap();
    tasks.into_iter().find(|task| task.name == name).unwrap()
}

/// Waits until it holds.
#[track_caller]
fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await;
        assert!(came.is_ok(), "{place}: it did not come to be: {what}");
    }
}

/// Whether every account was looked at, and nobody is asked for another look.
async fn are_synced(world: &World) -> bool {
    let syncs = world.syncs().await;
    let is_done = |task: &Task| task.outcome == Some(Outcome::Done) && task.holder.is_none();
    !syncs.is_empty() && syncs.iter().all(|task| is_done(task) && !task.is_asked)
}

#[test]
fn two_nodes_ask_each_account_once_an_interval() {
    for database in new_databases() {
        block_on(async {
            let world = World::new(&database, 6).await;
            let mut nodes = [Node::start(&world.home, "one"), Node::start(&world.home, "two")];
            until("each account is looked at", async || are_synced(&world).await).await;
            // What a sync brings is held against the policy at once.
            until("keys are due", async || world.count("keys WHERE due = 1").await == 6).await;
            assert_eq!(world.looks(), [1; 6]);
            // One asks for what another may do, on whichever node.
            world.store.ask_for_runs("sync:%").await.unwrap();
            until("what is asked for is done", async || are_synced(&world).await).await;
            assert_eq!(world.looks(), [2; 6]);
            assert_eq!(world.count("syncs").await, 12);
            nodes.iter_mut().for_each(Node::stop);
            assert_eq!(world.looks(), [2; 6]);
            assert_eq!(world.count("leases WHERE holder <> ''").await, 0);
            assert_eq!(world.count("acts WHERE seq IS NULL").await, 0, "the log is sealed");
            // An account that somebody looked at by hand has its rest.
            write(&world.store, "UPDATE tasks SET next_at = 0").await;
            let mut node = Node::start(&world.home, "three");
            let rests = async || {
                let now = keytender::clock::now();
                world.syncs().await.iter().all(|task| task.next_at > now)
            };
            until("every account rests", rests).await;
            node.stop();
            assert_eq!(world.looks(), [2; 6]);
            world.store.close().await;
        });
    }
}

#[test]
fn what_a_killed_node_had_begun_another_ends() {
    for database in new_databases() {
        block_on(async {
            let mut world = World::new(&database, 1).await;
            let lease = SHORT_LEASE.as_millis().to_string();
            world.home = world.home.with(LEASE_MS, &lease);
            world.slow_down(3_000);
            let mut first = Node::start(&world.home, "first");
            until("the first has begun", async || world.looks() == [0] && is_asked(&world)).await;
            first.kill();
            let begun = world.syncs().await;
            assert!(begun[0].holder.as_ref().is_some_and(|holder| holder.starts_with("first/")));
            world.slow_down(0);
            let mut second = Node::start(&world.home, "second");
            until("the second ends it", async || are_synced(&world).await).await;
            assert!(world.syncs().await[0].started_at > begun[0].started_at);
            assert_eq!(world.count("syncs").await, 1);
            second.stop();
            world.store.close().await;
        });
    }
}

/// Others write for longer than its lease lasts: it has its whole lease when they are done.
#[test]
fn who_waited_to_begin_ends_what_it_begins() {
    let Some(database) = new_databases().into_iter().next() else { return };
    block_on(async {
        let mut world = World::new(&database, 1).await;
        let lease = SHORT_LEASE.as_millis().to_string();
        world.home = world.home.with(LEASE_MS, &lease);
        let mut node = Node::start(&world.home, "node");
        until("the account is looked at", async || are_synced(&world).await).await;
        world.fakes.iter().for_each(FakeIam::reset_calls);
        world.slow_down(250);
        // What is asked for may begin as soon as somebody's lease ends: by then others write.
        let now = world.store.db().now_sql();
        let lend = "UPDATE leases SET holder = 'another', until =";
        write(&world.store, &format!("{lend} {now} + 500000 WHERE name LIKE 'sync:%'")).await;
        world.store.ask_for_runs("sync:%").await.unwrap();
        let others = world.store.db().begin().await.unwrap();
        tokio::time::sleep(SHORT_LEASE + timing().stop).await;
        drop(others);
        until("it is looked at again", async || are_synced(&world).await).await;
        node.stop();
        let calls = world.fakes[0].calls();
        assert!(calls.values().all(|count| *count == 1), "{calls:?}");
        world.store.close().await;
    });
}

fn is_asked(world: &World) -> bool {
    world.fakes[0].total_calls() > 0
}

#[test]
fn who_lost_its_lease_writes_nothing() {
    for database in new_databases() {
        block_on(async {
            let world = World::new(&database, 1).await;
            world.slow_down(400);
            let mut node = Node::start(&world.home, "node");
            until("it has begun", async || is_asked(&world)).await;
            let steal = "UPDATE leases SET holder = 'thief', epoch = epoch + 1, \
                         until = 9000000000000000 WHERE name LIKE 'sync:%'";
            write(&world.store, steal).await;
            let is_through = async || {
                let calls = world.fakes[0].calls();
                calls.contains_key("ListUserTags") || calls.len() >= 4
            };
            // It is dropped, or comes to its end and is refused.
            tokio::select! {
                () = until("it asks on", is_through) => {}
                () = tokio::time::sleep(timing().renewal + timing().stop) => {}
            }
            world.slow_down(0);
            // That other tasks go on shows that the node did not wait for it.
            world.store.ask_for_runs("evaluate").await.unwrap();
            let is_heard = async || !task(&world.store, "evaluate").await.is_asked;
            until("it goes on", is_heard).await;
            let held = &world.syncs().await[0];
            assert_eq!((held.outcome, held.holder.as_deref()), (None, Some("thief")));
            assert_eq!((world.count("syncs").await, world.count("keys").await), (0, 0));
            write(&world.store, "UPDATE leases SET until = 0 WHERE name LIKE 'sync:%'").await;
            until("it is done after that", async || are_synced(&world).await).await;
            assert_eq!((world.count("syncs").await, world.count("keys").await), (1, 1));
            node.stop();
            world.store.close().await;
        });
    }
}

#[test]
fn a_node_that_is_told_to_stop_leaves_its_work_to_others_at_once() {
    for database in new_databases() {
        block_on(async {
            let world = World::new(&database, 1).await;
            world.slow_down(3_600_000);
            let mut first = Node::start(&world.home, "first");
            until("the first has begun", async || is_asked(&world)).await;
            first.stop();
            let stopped = &world.syncs().await[0];
            assert_eq!((stopped.outcome, stopped.failures), (Some(Outcome::Stopped), 0));
            assert_eq!(stopped.holder, None);
            assert_eq!(world.count("leases WHERE holder <> ''").await, 0);
            assert_eq!(world.count("syncs").await, 0);
            world.slow_down(0);
            let mut second = Node::start(&world.home, "second");
            until("the second does it", async || are_synced(&world).await).await;
            second.stop();
            world.store.close().await;
        });
    }
}

/// What a receiver of web hooks was told: the ids of the messages, by key and broken rules.
type Inbox = Arc<Mutex<BTreeMap<(String, String), Vec<String>>>>;

/// A receiver on loopback; it ends with the runtime.
async fn receive() -> (String, Inbox) {
    let inbox = Inbox::default();
    let kept = Arc::clone(&inbox);
    let take = post(async move |headers: HeaderMap, body: String| {
        let event: Value = serde_json::from_str(&body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let what = (text(&event["data"]["key"]), event["data"]["rules"].to_string());
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        kept.lock().unwrap().entry(what).or_default().push(id);
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/hook", take)).await });
    (url, inbox)
}

#[test]
fn two_nodes_tell_everything_once() {
    const KEYS: usize = 40;
    for database in new_databases() {
        block_on(async {
            let world = World::new(&database, 0).await;
            let (url, inbox) = receive().await;
            let add = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &url];
            run(&world.home, &add);
            run(&world.home, &["notify", "--dry-run"]);
            run(&world.home, &["notify", "start", "--yes"]);
            let mut nodes = [Node::start(&world.home, "one"), Node::start(&world.home, "two")];
            let created = keytender::clock::now().minus(Span::days(730)).date();
            let told = || -> BTreeSet<String> {
                inbox.lock().unwrap().keys().map(|(key, _)| key.clone()).collect()
            };
            for batch in 1..=4 {
                let lines =
                    (0..KEYS / 4).map(|key| format!("stripe,key {batch}-{key},{created}\n"));
                let csv = "provider,name,created\n".to_owned() + &lines.collect::<String>();
                world.home.write("keys.csv", csv);
                run(&world.home, &["keys", "import", "keys.csv"]);
                let all = batch * KEYS / 4;
                let are_told = async || told().len() == all;
                until("every key is told of", are_told).await;
            }
            let is_sent = async || world.count("notices WHERE state <> 'sent'").await == 0;
            until("the outbox is empty", is_sent).await;
            // Both look once more.
            world.store.ask_for_runs("notify").await.unwrap();
            let is_heard = async || !task(&world.store, "notify").await.is_asked;
            until("they looked again", is_heard).await;
            nodes.iter_mut().for_each(Node::stop);
            let inbox = inbox.lock().unwrap().clone();
            assert!(inbox.values().all(|ids| ids.len() == 1), "{inbox:?}");
            let notices = usize::try_from(world.count("notices").await).unwrap();
            assert_eq!(inbox.len(), notices);
            world.store.close().await;
        });
    }
}

/// A node in this process.
fn node(location: &Location, store: &Store, timing: Timing) -> Tasks {
    let intervals = Intervals::default();
    Tasks::new(store.clone(), location.clone(), "here", intervals, timing).unwrap()
}

#[test]
fn a_run_that_fails_waits_longer_each_time_and_stops_no_other() {
    for database in new_databases() {
        block_on(async {
            let location = Location::parse(&database.text);
            let store = Store::open(&location).await.unwrap();
            let account = |number: u64, kind, credential: &str| Account {
                id: AccountId::from_random(number << 1),
                provider: "aws".to_owned(),
                name: format!("prod-{number}"),
                kind,
                parent_id: None,
                external_id: None,
                alias: None,
                contact: None,
                security_contact: None,
                access: Access { credential: Some(credential.to_owned()), ..Access::default() },
                sealed: None,
                secret: None,
                report_header: None,
                created_at: keytender::clock::now(),
                api_id: None,
                suspended_at: None,
            };
            let mut tx = store.db().begin().await.unwrap();
            for (number, kind) in [(1, AccountKind::Live), (2, AccountKind::Manual)] {
                let place = "env:KEYTENDER_TEST_ABSENT_mia@example.com";
                tx.insert_account(&account(number, kind, place)).await.unwrap();
            }
            tx.commit().await.unwrap();
            let tasks = node(&location, &store, timing());
            let running = tasks.clone();
            let running = tokio::spawn(async move { running.run(std::future::pending()).await });
            let name = format!("sync:{}", account(1, AccountKind::Live, "").id);
            let mut pauses = Vec::new();
            for failures in 1..=3 {
                let has_failed = async || task(&store, &name).await.failures == failures;
                until("it fails", has_failed).await;
                let failed = task(&store, &name).await;
                let pause = failed.next_at.since(failed.finished_at.unwrap()).as_micros() / 1_000;
                pauses.push(pause);
                let error = failed.error.unwrap();
                assert!(error.contains("(address)") && !error.contains('@'), "{error}");
            }
            for (pause, wanted) in pauses.iter().zip([100, 200, 400]) {
                assert!((wanted..wanted + 50).contains(pause), "{pauses:?}");
            }
            let evaluated = async || task(&store, "evaluate").await.outcome == Some(Outcome::Done);
            until("the others run", evaluated).await;
            let names: Vec<String> =
                tasks.list().await.unwrap().into_iter().map(|task| task.name).collect();
            assert_eq!(
                names,
                ["evaluate", "notify", "report", "rotations", "seal", "sweep", &name]
            );
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled());
            store.close().await;
        });
    }
}

#[test]
fn a_signal_is_heard_at_once_where_it_is_given() {
    for database in new_databases() {
        block_on(async {
            let location = Location::parse(&database.text);
            let store = Store::open(&location).await.unwrap();
            let slow = Timing { poll: Duration::from_secs(3_600), ..timing() };
            let tasks = node(&location, &store, slow);
            let (stop, told) = oneshot::channel::<()>();
            let running = tasks.clone();
            let running = tokio::spawn(async move { running.run(async { _ = told.await }).await });
            let finished = async || {
                let all = store.list_tasks().await.unwrap();
                all.into_iter().find(|task| task.name == "evaluate")?.finished_at
            };
            until("it ran", async || finished().await.is_some()).await;
            let first = finished().await;
            tasks.ask(TaskName::Evaluate).await.unwrap();
            until("it runs again", async || finished().await > first).await;
            assert!(!task(&store, "evaluate").await.is_asked);
            drop(stop);
            running.await.unwrap();
            assert_eq!(count(&store, "leases WHERE holder <> ''").await, 0);
            store.close().await;
        });
    }
}

#[test]
fn a_node_that_is_dropped_in_the_middle_is_followed_by_another() {
    for database in new_databases() {
        block_on(async {
            let location = Location::parse(&database.text);
            let world = World::new(&database, 0).await;
            // Nobody answers here: the run does not come to its end.
            let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/hook", silent.local_addr().unwrap());
            let secret = world.home.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&secret, private).unwrap();
            let place = format!("file:{}", secret.display());
            let add = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &url];
            run(&world.home, &[&add[..], &["--secret", &place]].concat());
            let created = keytender::clock::now().minus(Span::days(730)).date();
            world.home.write("keys.csv", format!("provider,name,created\nstripe,one,{created}\n"));
            run(&world.home, &["keys", "import", "keys.csv"]);
            run(&world.home, &["notify", "--dry-run"]);
            run(&world.home, &["notify", "start", "--yes"]);
            let first = node(&location, &world.store, timing_of_the_dying());
            let running = tokio::spawn(async move { first.run(std::future::pending()).await });
            let reached = tokio::time::timeout(PATIENCE, silent.accept()).await;
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled());
            reached.unwrap().unwrap();
            drop(silent);
            let left = task(&world.store, "notify").await;
            assert!(left.holder.is_some() && left.finished_at.is_none());
            let second = node(&location, &world.store, timing());
            let (stop, told) = oneshot::channel::<()>();
            let running = tokio::spawn(async move { second.run(async { _ = told.await }).await });
            let is_done = async || task(&world.store, "notify").await.outcome.is_some();
            until("the second ends it", is_done).await;
            let done = task(&world.store, "notify").await;
            assert_eq!((done.outcome, done.failures), (Some(Outcome::Done), 0));
            assert!(done.started_at > left.started_at);
            // It was given to nobody else meanwhile: the attempt may have arrived.
            assert_eq!(world.count("notices WHERE attempts <> 1").await, 0);
            assert_eq!(world.count("notices WHERE leased_until IS NOT NULL").await, 1);
            drop(stop);
            running.await.unwrap();
            world.store.close().await;
        });
    }
}
