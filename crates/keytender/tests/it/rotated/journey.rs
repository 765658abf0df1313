//! One rotation from its begin to its end, and whoever uses the key meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keytender::store::Store;
use keytender::store::db::{Location, Tx};
use keytender::store::rotations::Kept;
use keytender_core::id::RotationId;
use keytender_core::rotation::Rotation;
use keytender_core::time::Span;
use serde_json::{Value, json};

use super::cloud::{Cloud, Door, Pair};
use crate::Home;
use crate::databases::block_on;
use crate::served::Served;
use crate::verifying::{pause, until};

/// How long a node that died keeps a rotation from others, in seconds.
pub(super) const LEASE: &str = "9";

/// A user of AWS whose key is rotated, used by the profile of a file.
pub(super) struct Shop<'c> {
    pub(super) cloud: &'c Cloud,
    pub(super) name: String,
    pub(super) old: Pair,
    pub(super) door: Arc<Door>,
    pub(super) home: Home,
    pub(super) file: PathBuf,
    server: Option<Served>,
}

impl<'c> Shop<'c> {
    /// A shop that is known to the inventory, with its destination.
    pub(super) fn open(cloud: &'c Cloud, name: &str) -> Self {
        let door = Arc::new(cloud.door());
        let home = cloud.home(&door);
        Self::open_in(cloud, name, door, home, &[])
    }

    /// The same in a home of one's own; `words` say how the account is reached.
    pub(super) fn open_in(
        cloud: &'c Cloud,
        name: &str,
        door: Arc<Door>,
        home: Home,
        words: &[&str],
    ) -> Self {
        let old = cloud.user(name);
        let (id, secret) = &old;
        let text = format!(
            "# of the shop\n[other]\naws_access_key_id = AKIAOTHER\n\n[shop]\naws_access_key_id = {id}\n\
             aws_secret_access_key = {secret}\n"
        );
        let file = home.write("credentials", text);
        let shop = Self { cloud, name: name.to_owned(), old, door, home, file, server: None };
        if words.contains(&"--profile") {
            cloud.allow(name);
        }
        shop.run(&[&["accounts", "add", "aws", "prod"], words].concat());
        shop.run(&["sync"]);
        let path = format!("path={}", shop.file.display());
        shop.run(&[
            "destinations",
            "add",
            &shop.old.0,
            "file",
            "aws-credentials",
            &path,
            "profile=shop",
        ]);
        shop.run(&["destinations", "check", &shop.old.0]);
        shop
    }

    pub(super) fn run(&self, words: &[&str]) -> String {
        let ran = self.home.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    pub(super) fn serve(&mut self) {
        self.serve_with(LEASE);
    }

    /// With leases, and so calls, of another length.
    pub(super) fn serve_with(&mut self, lease: &str) {
        self.server = Some(Served::start_with(&self.home, &["--lease", lease]));
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    fn server(&self) -> &Served {
        self.server.as_ref().expect("it serves")
    }

    pub(super) fn url(&self) -> &str {
        &self.server().url
    }

    pub(super) fn begin(&self) -> String {
        let begun = self.server().post("/v1/rotations", &json!({"key": self.old.0})).expect(201);
        begun["rotation"].as_str().unwrap().to_owned()
    }

    pub(super) fn view(&self, rotation: &str) -> Value {
        self.server().get(&format!("/v1/rotations/{rotation}")).expect(200)
    }

    /// The task that takes it on.
    pub(super) fn task(&self, rotation: &str) -> Value {
        let tasks = self.server().get("/v1/tasks?limit=1000").expect(200);
        let name = format!("rotate:{rotation}");
        let mut tasks = tasks["tasks"].as_array().unwrap().iter();
        tasks.find(|task| task["name"] == *name).unwrap().clone()
    }

    pub(super) fn say(&self, rotation: &str, said: &Value) {
        self.server().post(&format!("/v1/rotations/{rotation}/words"), said).expect(200);
    }

    /// Approves that the leaving key goes. Whoever took it from the file just before may use it a moment later still, and
    /// what was approved does not hold for a use that nobody had seen: so again, having seen it.
    pub(super) fn let_go(&self, rotation: &str) {
        until(|| {
            let view = self.view(rotation);
            if view["stage"] == "overlap" && view["waits_for"] == "time" {
                self.say(rotation, &json!({"say": "approve", "gate": "disable"}));
                pause(Duration::from_millis(500));
            }
            view["stage"] == "disabled"
        });
    }

    /// The id and the secret in the profile.
    pub(super) fn held(&self) -> Pair {
        let text = std::fs::read_to_string(&self.file).unwrap();
        let shop = text.split("[shop]").nth(1).unwrap();
        let value = |name: &str| {
            let line = shop.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches([' ', '=']).to_owned()
        };
        (value("aws_access_key_id"), value("aws_secret_access_key"))
    }

    /// Lets the rotation have been held so many days longer.
    pub(super) fn age(&self, rotation: &str, days: u32) {
        self.change(rotation, |state| {
            state.hold_from = state.hold_from.map(|at| at.minus(Span::days(days)));
            state.observed_at = None;
        });
    }

    /// Lets what was asked for hold everywhere by now, at AWS too, if it was done.
    pub(super) fn hurry(&self, rotation: &str) {
        self.change(rotation, |state| {
            let now = keytender::clock::now();
            state.look_at = state.look_at.map(|_| now);
            state.disabled_at = state.disabled_at.map(|at| at.minus(Span::days(1)));
            state.retry_at = None;
        });
    }

    fn change(&self, rotation: &str, change: impl Fn(&mut Rotation)) {
        change_row(&self.home, rotation, |row| change(&mut row.state));
    }

    /// Whoever uses the file now is let in: a whole key stands there that works.
    pub(super) fn check(&self, when: &str) {
        let held = self.held();
        assert!(self.door.lets_in(&self.old, &held), "{when}: {}", held.0);
        let listed = self.cloud.keys(&self.name);
        assert!(listed.contains(&(held.0, "Active".to_owned())), "{when}: {listed:?}");
    }

    /// Whether a secret stands anywhere in the inventory's files.
    pub(super) fn leaks(&self, secret: &str) -> bool {
        let files = std::fs::read_dir(self.home.path()).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|path| path.is_file() && *path != self.file)
            .any(|path| contains(&std::fs::read(path).unwrap(), secret.as_bytes()))
    }
}

/// Changes a rotation beside whoever runs it.
pub(super) fn change_row(home: &Home, rotation: &str, change: impl Fn(&mut Kept)) {
    let id: RotationId = rotation.parse().unwrap();
    beside(home, async |mut tx| {
        let mut row = tx.lock_rotation(id).await.unwrap().unwrap();
        change(&mut row);
        assert!(tx.update_rotation(&row).await.unwrap());
        tx.wake_rotation(id).await.unwrap();
        tx.commit().await.unwrap();
    });
}

/// Changes the database beside whoever uses it, by statements.
pub(super) fn script(home: &Home, sql: &'static str) {
    beside(home, async |mut tx| {
        tx.script(sql).await.unwrap();
        tx.commit().await.unwrap();
    });
}

fn beside(home: &Home, work: impl AsyncFnOnce(Tx)) {
    let database = home.variable("KEYTENDER_DATABASE");
    block_on(async {
        let store = Store::open(&Location::parse(&database)).await.unwrap();
        work(store.db().begin().await.unwrap()).await;
        store.close().await;
    });
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Somebody who uses the key of a profile all the time, with the official command line.
pub(super) struct Client {
    is_over: Arc<AtomicBool>,
    good: Arc<AtomicUsize>,
}

/// Ends whoever uses a key, also when the story beside it fails.
struct Over<'o>(&'o AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Client {
    /// Uses it beside `story`, until that is over; how often it was let in.
    pub(super) fn beside(
        cloud: &Cloud,
        door: &Door,
        file: &Path,
        story: impl FnOnce(&Self),
    ) -> usize {
        let client = Self { is_over: Arc::default(), good: Arc::default() };
        std::thread::scope(|scope| {
            let user = scope.spawn(|| client.uses(cloud, door, file));
            let over = Over(&client.is_over);
            story(&client);
            drop(over);
            user.join().unwrap();
        });
        client.good.load(Ordering::SeqCst)
    }

    /// Waits until they were let in by what stands in the file now: who is on the way still may have what stood there.
    pub(super) fn comes_again(&self) {
        let good = self.good.load(Ordering::SeqCst);
        until(|| self.good.load(Ordering::SeqCst) > good + 1);
    }

    fn uses(&self, cloud: &Cloud, door: &Door, file: &Path) {
        while !self.is_over.load(Ordering::SeqCst) {
            if let Err(error) = cloud.who(door, file, "shop") {
                panic!("whoever uses the key is refused: {error}");
            }
            self.good.fetch_add(1, Ordering::SeqCst);
            pause(Duration::from_millis(50));
        }
    }
}

#[test]
fn whoever_uses_the_key_sees_no_failure_from_the_begin_of_its_rotation_to_its_end() {
    let Some(cloud) = Cloud::start() else { return };
    let mut shop = Shop::open(&cloud, "shop");
    shop.serve();
    let (file, door) = (shop.file.clone(), Arc::clone(&shop.door));
    let good = Client::beside(&cloud, &door, &file, |client| {
        let rotation = shop.begin();
        until(|| shop.view(&rotation)["stage"] == "overlap");
        let new = shop.held();
        assert_ne!(new, shop.old);
        let mut keys = cloud.keys("shop");
        keys.sort_unstable_by_key(|(id, _)| *id != shop.old.0);
        let stand = |id: &str, status: &str| (id.to_owned(), status.to_owned());
        assert_eq!(keys, [stand(&shop.old.0, "Active"), stand(&new.0, "Active")]);
        client.comes_again();
        shop.let_go(&rotation);
        // One look back is possible, and forth again.
        shop.say(&rotation, &json!({"say": "rollback"}));
        until(|| shop.view(&rotation)["stage"] == "overlap");
        assert_eq!(shop.held(), shop.old);
        client.comes_again();
        shop.let_go(&rotation);
        shop.age(&rotation, 31);
        until(|| shop.view(&rotation)["stage"] == "rolled-back");
        let keys = cloud.keys("shop");
        assert_eq!(keys, [stand(&shop.old.0, "Active")]);
        assert!(!shop.leaks(&new.1) && !shop.leaks(&shop.old.1));
    });
    assert!(good > 3, "{good}");
    assert_eq!(shop.door.count("CreateAccessKey"), 1);
    // What it did stands in the story of the key, and in the log with an intent before it.
    let log = shop.run(&["log"]);
    for verb in ["create", "deliver", "disable", "enable", "restore", "delete"] {
        for stage in ["", ", intent"] {
            assert!(log.contains(&format!("rotation.{verb}{stage} ")), "{verb}{stage}: {log}");
        }
    }
    let keys = shop.run(&["keys", "list", "--json"]);
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let states = keys["keys"].as_array().unwrap().iter().map(|key| (&key["id"], &key["state"]));
    let old = states.clone().find(|(id, _)| **id == shop.old.0.as_str()).unwrap();
    assert_eq!(old.1, "active");
    shop.kill();
}

#[test]
fn a_rotation_on_the_command_line_goes_as_far_as_it_goes_and_says_what_comes() {
    let Some(cloud) = Cloud::start() else { return };
    let shop = Shop::open(&cloud, "shop");
    let plan = shop.run(&["rotate", &shop.old.0, "--dry-run"]);
    for part in ["1. read", "undone: the old key is put back", "cannot be undone", "35 days"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    assert_eq!(cloud.keys("shop").len(), 1);
    let ran = shop.home.run(&["rotate", &shop.old.0, "--yes", "--because", "it is old"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("Both keys work"), "{}", ran.stdout);
    assert!(ran.stderr.contains("writing the new key to `file`"), "{}", ran.stderr);
    assert_eq!(cloud.who(&shop.door, &shop.file, "shop"), Ok(()));
    let (new, secret) = shop.held();
    assert!(!(ran.stdout + &ran.stderr).contains(&secret));
    // One at a time, of either key.
    for key in [&shop.old.0, &new] {
        let again = shop.home.run(&["rotate", key, "--yes"]);
        assert!(again.stderr.contains("is under way"), "{}", again.stderr);
    }
    let listed = shop.run(&["rotations", "list"]);
    assert!(listed.contains(&shop.old.0) && listed.contains(&new), "{listed}");
    let back = shop.run(&["rotations", "rollback", &shop.old.0]);
    assert!(back.contains("Both keys work"), "{back}");
    assert_eq!(shop.held(), shop.old);
    let text = std::fs::read_to_string(&shop.file).unwrap();
    assert!(text.starts_with("# of the shop\n[other]\naws_access_key_id = AKIAOTHER\n"), "{text}");
}
