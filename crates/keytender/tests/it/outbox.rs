//! The outbox, through the program and a real mail server: each notice once, none lost, whatever
//! the server answers and whenever the program is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::time::Span;
use serde_json::Value;

use crate::databases::{Database, block_on, new_databases};
use crate::inventory::run;
use crate::killed::{Chance, KILLS, assert_whole};
use crate::notify::{MailServer, PASSWORD};
use crate::{Home, partner};

/// The longest that one run lasts before it is killed.
const LONGEST_LIFE: Duration = Duration::from_millis(160);

/// A mail server and an inventory whose owners each have one key of two years.
struct Desk {
    home: Home,
    mails: Arc<Mutex<Vec<Value>>>,
    _server: MailServer,
}

impl Desk {
    fn new(python: &str, database: &Database, owners: &[String]) -> Self {
        let home = Home::new()
            .with("KEYTENDER_DATABASE", &database.text)
            .with("KEYTENDER_ACTOR", "mia")
            .with("SMTP_PASSWORD", PASSWORD);
        let mut server = MailServer::start(python, &home);
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (lines, inbox) = (server.lines.take().unwrap(), Arc::clone(&mails));
        // Ends with the server, whose output it reads.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                inbox.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let created = keytender::clock::now().minus(Span::days(730)).date();
        let mut csv = "provider,name,created,owner\n".to_owned();
        for owner in owners {
            let address = format!("{owner}@example.com");
            run(&home, &["owners", "add", owner, "--address", &address]);
            csv.push_str(&format!("stripe,key of {owner},{created},{owner}\n"));
        }
        home.write("keys.csv", csv);
        run(&home, &["keys", "import", "keys.csv"]);
        let port = server.port.to_string();
        let ca = server.certificate.display().to_string();
        let place = ["--host", "localhost", "--port", &port, "--ca", &ca, "--timeout", "1"];
        let who = ["--user", "keytender", "--password", "env:SMTP_PASSWORD"];
        let words = ["channels", "add", "mail", "--from", "keys@example.com"];
        run(&home, &[&words[..], &place, &who].concat());
        Self { home, mails, _server: server }
    }

    fn start(&self) {
        run(&self.home, &["notify", "--dry-run"]);
        run(&self.home, &["notify", "start", "--yes"]);
    }

    /// Lets the time pass after which everything that waits is tried again.
    fn let_time_pass(&self) {
        let database = self.home.variable("KEYTENDER_DATABASE");
        block_on(async {
            let store = Store::open(&Location::parse(&database)).await.unwrap();
            let mut tx = store.db().begin().await.unwrap();
            let sql = "UPDATE notices SET send_at = 0, leased_until = NULL";
            tx.execute(sql, Vec::new()).await.unwrap();
            tx.commit().await.unwrap();
            store.close().await;
        });
    }

    /// The message ids of the mails that the server took, by their recipients.
    fn taken(&self) -> BTreeMap<String, Vec<String>> {
        let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mail in self.mails.lock().unwrap().iter() {
            let to = mail["to"][0].as_str().unwrap().to_owned();
            let id = mail["headers"]["message-id"].as_str().unwrap().to_owned();
            taken.entry(to).or_default().push(id);
        }
        taken
    }

    fn states(&self) -> BTreeMap<String, String> {
        let json = run(&self.home, &["notices", "list", "--json", "--limit", "1000"]).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let notices = json["notices"].as_array().unwrap();
        notices.iter().map(|one| (text(&one["recipient"]), text(&one["state"]))).collect()
    }
}

/// Waits until a mail that was taken has been read from the server.
fn until(holds: impl Fn() -> bool) {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let came = (0..500).any(|_| {
        // Nobody sends: this is a pause.
        _ = receiver.recv_timeout(Duration::from_millis(20));
        holds()
    });
    drop(sender);
    assert!(came, "it did not come to be");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn nothing_goes_out_before_somebody_saw_the_preview_and_started_it() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let desk = Desk::new(&python, &database, &names(&["ann"]));
        let home = &desk.home;
        let early = home.run(&["notify", "--now"]);
        assert_eq!(early.code, 1);
        assert!(early.stderr.contains("notices were not started"), "{}", early.stderr);
        let blind = home.run(&["notify", "start", "--yes"]);
        assert!(blind.stderr.contains("nobody has seen yet"), "{}", blind.stderr);
        let preview = run(home, &["notify", "--dry-run"]);
        assert!(preview.stdout.contains("ann@example.com"), "{}", preview.stdout);
        assert!(preview.stdout.contains("1 notice would go out"), "{}", preview.stdout);
        run(home, &["notify", "start", "--yes"]);
        assert!(desk.taken().is_empty());
        assert_eq!(run(home, &["notify", "--now"]).stdout, "1 notice sent\n");
        assert_eq!(run(home, &["notify", "--now"]).stdout, "0 notices sent\n");
        let story = run(home, &["keys", "show", "key of ann"]).stdout;
        assert!(story.contains("told ann@example.com: 1 key is"), "{story}");
        run(home, &["notify", "stop"]);
        assert_eq!(home.run(&["notify", "--now"]).code, 1);
        run(home, &["notify", "test", "you@example.com"]);
        until(|| desk.taken().len() == 2);
        let mails = desk.mails.lock().unwrap();
        let subject = mails[0]["headers"]["subject"].as_str().unwrap();
        assert!(
            subject.starts_with("1 key is 730 days old") || subject.contains("2 years old"),
            "{subject}"
        );
    }
}

#[test]
fn a_preview_says_of_how_many_keys_nobody_would_hear_and_needs_a_channel_to_count() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        assert!(run(&home, &["notify", "--dry-run"]).stdout.contains("No channel yet"));
        let desk = Desk::new(&python, &database, &names(&["ann"]));
        let created = keytender::clock::now().minus(Span::days(730)).date();
        run(&desk.home, &["keys", "add", "stripe", "stray", "--created", &created]);
        let blind = desk.home.run(&["notify", "start", "--yes"]);
        assert!(blind.stderr.contains("nobody has seen yet"), "{}", blind.stderr);
        let told = run(&desk.home, &["notify", "--dry-run"]).stderr;
        assert!(told.contains("no mail is sent about 1 due key"), "{told}");
        run(&desk.home, &["notify", "contact", "all@example.com"]);
        assert_eq!(run(&desk.home, &["notify", "--dry-run"]).stderr, "");
    }
}

#[test]
fn each_notice_arrives_once_whatever_the_server_answers() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let who = names(&["fine", "refused", "busy", "lost", "silent"]);
        let desk = Desk::new(&python, &database, &who);
        desk.start();
        let first = desk.home.run(&["notify", "--now"]);
        assert_eq!(first.code, 1, "{}", first.stdout);
        assert!(first.stderr.contains("3 notices will be tried again"), "{}", first.stderr);
        assert!(first.stderr.contains("1 notice could not be delivered"), "{}", first.stderr);
        let errors = run(&desk.home, &["notices", "list"]).stdout;
        assert!(errors.contains("550 (5.1.1)"), "{errors}");
        assert!(errors.contains("but the answer was lost"), "{errors}");
        assert!(errors.contains("timed out"), "{errors}");
        // It is too early: nothing is tried again at once.
        assert_eq!(run(&desk.home, &["notify", "--now"]).stdout, "0 notices sent\n");
        desk.let_time_pass();
        assert_eq!(run(&desk.home, &["notify", "--now"]).stdout, "3 notices sent\n");
        until(|| desk.taken().values().map(Vec::len).sum::<usize>() >= 5);
        for (recipient, ids) in desk.taken() {
            let distinct: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(distinct.len(), 1, "{recipient}");
            // Whether the first one arrived nobody can know: the second has the same id.
            let copies = if recipient.starts_with("lost") { 2 } else { 1 };
            assert_eq!(ids.len(), copies, "{recipient}");
        }
        let states = desk.states();
        assert_eq!(states["refused@example.com"], "dead");
        assert_eq!(states.values().filter(|state| *state == "sent").count(), 4);
        let dead = run(&desk.home, &["notices", "list", "--state", "dead", "--json"]).json();
        let id = dead["notices"][0]["id"].as_str().unwrap().to_owned();
        run(&desk.home, &["notices", "send-again", &id]);
        assert_eq!(desk.states()["refused@example.com"], "waiting");
        assert_eq!(desk.home.run(&["notices", "send-again", &id]).code, 1);
        let shown = run(&desk.home, &["notices", "show", &id]).stdout;
        assert!(shown.contains("What to do:"), "{shown}");
        assert!(!shown.contains(PASSWORD) && !errors.contains(PASSWORD));
    }
}

#[test]
fn a_program_that_is_killed_at_any_moment_loses_no_notice_and_doubles_none() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let seed = Chance::seed();
    for database in new_databases() {
        let who: Vec<String> = (0..60).map(|number| format!("owner-{number:02}")).collect();
        let desk = Desk::new(&python, &database, &who);
        desk.start();
        let mut chance = Chance::new(seed);
        for _ in 0..KILLS {
            desk.home.run_and_kill(&["notify", "--now"], chance.life(LONGEST_LIFE));
            desk.let_time_pass();
        }
        run(&desk.home, &["notify", "--now"]);
        let states = desk.states();
        assert_eq!(states.len(), who.len(), "seed {seed}");
        assert!(states.values().all(|state| state == "sent"), "seed {seed}: {states:?}");
        until(|| desk.taken().len() == who.len());
        let taken = desk.taken();
        let mut copies = 0;
        for (recipient, ids) in &taken {
            let distinct: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(distinct.len(), 1, "{recipient} got two notices, seed {seed}");
            copies += ids.len() - 1;
        }
        // A kill between the server's answer and the note of it leaves nobody to know.
        assert!(copies <= KILLS, "seed {seed}: {copies} copies");
        assert_whole(&database, seed);
        eprintln!(
            "seed {seed}: {} notices, {KILLS} kills, {copies} copies with the same id",
            taken.len()
        );
    }
}
