//! A sync that is killed at any moment: the inventory stays whole, and ends as one that nobody
//! disturbed.
//!
//! An account changes before each look: keys are made, rotated, disabled, enabled, used, deleted,
//! users come and go. What of it a killed look wrote is known by its row in `syncs`, which comes in
//! the same transaction. A second inventory sees the account at just those moments, undisturbed;
//! both must say the same of everything but the moments at which they looked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use keytender_core::time::Time;
use serde_json::Value;

use crate::Home;
use crate::databases::{Database, new_databases};
use crate::fake_iam::{Account, FakeIam, Key, Root, User, at};
use crate::inventory::{home, run};
use crate::killed::{Chance, KILLS, assert_whole, texts};

/// Each costs a call a look, and there are hundreds of looks.
const USERS: u32 = 48;
/// So that the lists have several pages.
const PAGE: usize = 20;
/// How much of the account is another before each look.
const CHANGES: usize = 6;
/// After so many kills a look is left to end, and it is seen whether a key was forgotten.
const KILLS_BETWEEN: usize = 15;

/// What is compared, each row as one text: everything but ids and the moments of looking, of which
/// only counts whether they are there. Since when a finding is open depends on which looks were
/// followed by an evaluation, and is left out too. Rows come in any order.
const TABLES: &[(&str, &[&str], &str)] = &[
    (
        "accounts",
        &["provider", "name", "kind", "external_id", "alias", "report_header"],
        "accounts",
    ),
    (
        "principals",
        &[
            "p.name",
            "p.kind",
            "p.reference",
            "p.has_password",
            "p.password_status",
            "p.password_at",
            "p.mfa",
            "p.tags",
            "is:p.tags_at",
            "p.cells",
            "is:p.gone_at",
        ],
        "principals p",
    ),
    (
        "keys",
        &[
            "p.name",
            "k.provider_id",
            "k.slot",
            "k.label",
            "k.state",
            "k.provider_state",
            "k.created_at",
            "k.expires_at",
            "k.use_status",
            "k.use_at",
            "k.use_region",
            "k.use_service",
            "k.use_why",
            "k.uses",
            "k.largest_gap",
            "is:k.suspended_seen_at",
            "k.younger_at",
            "k.exposed_at",
            "k.owner_id",
            "k.keep_until",
            "is:k.missing_since",
            "is:k.last_seen_at",
            "k.due",
            "k.action",
            "k.severity",
            "k.rules",
            "CASE WHEN k.suspended_seen_at IS NULL THEN k.evaluate_at END",
        ],
        "keys k LEFT JOIN principals p ON p.id = k.principal_id",
    ),
    (
        "uses",
        &["p.name", "k.provider_id", "u.at", "u.region", "u.service"],
        "key_uses u JOIN keys k ON k.id = u.key_id LEFT JOIN principals p ON p.id = k.principal_id",
    ),
    (
        "findings",
        &["p.name", "k.provider_id", "f.rule", "f.severity", "f.action"],
        "findings f JOIN keys k ON k.id = f.key_id LEFT JOIN principals p ON p.id = k.principal_id \
         WHERE f.resolved_at IS NULL",
    ),
    (
        "versions",
        &[
            "COALESCE(p.name, q.name)",
            "k.provider_id",
            "v.kind",
            "v.what",
            "v.facts",
            "ROW_NUMBER() OVER (PARTITION BY v.subject_id ORDER BY v.at)",
        ],
        "versions v LEFT JOIN keys k ON k.id = v.subject_id \
         LEFT JOIN principals p ON p.id = k.principal_id \
         LEFT JOIN principals q ON q.id = v.subject_id",
    ),
    (
        "events",
        &["p.name", "k.provider_id", "i.rule", "i.stage", "i.recipient", "n.subject", "n.state"],
        "notice_items i JOIN notices n ON n.id = i.notice_id JOIN keys k ON k.id = i.key_id \
         LEFT JOIN principals p ON p.id = k.principal_id",
    ),
    (
        "looks",
        &[
            "unseen",
            "keys",
            "changes",
            "error",
            "warnings",
            "ROW_NUMBER() OVER (ORDER BY started_at)",
        ],
        "syncs",
    ),
];
/// What a killed evaluation may not have seen in between, but cannot have made up.
const RESOLVED: &str = "SELECT DISTINCT COALESCE(k.provider_id, '') || ' ' || f.rule \
    FROM findings f JOIN keys k ON k.id = f.key_id WHERE f.resolved_at IS NOT NULL";
/// What the program says of when it looked.
const MOMENTS: [&str; 5] =
    ["key", "suspended_since", "first_seen_at", "missing_since", "last_seen_at"];

/// An account that changes at random, but never back in time.
struct Estate {
    chance: Chance,
    start: Timestamp,
    made: u32,
}

impl Estate {
    fn before(&self, days: i64, seconds: u32) -> Timestamp {
        self.start - SignedDuration::from_hours(24 * days)
            + SignedDuration::from_secs(seconds.into())
    }

    /// A new key; no two are made in the same second.
    fn key(&mut self, days: i64) -> Key {
        self.made += 1;
        let id = format!("AKIAQ{:015}", self.made);
        Key::new(&id, self.before(days, self.made))
    }

    fn account(&mut self) -> Account {
        let root = Root::new(self.before(3000, 0)).key(self.key(2500));
        let mut account =
            Account::new("123456789012", self.start).alias("shop").root(root).page_size(PAGE);
        for number in 0..USERS {
            let mut user = User::new(&format!("user-{number:04}"), self.before(900, 0));
            for days in [800, 45].into_iter().take(self.chance.place(3)) {
                user = user.key(self.key(days));
            }
            account = account.user(user.tag("team", "shop"));
        }
        account.report_ready()
    }

    /// The account after some changes, with a new report.
    fn change(&mut self, mut account: Account, step: usize) -> Account {
        for _ in 0..CHANGES {
            self.change_one(&mut account, step);
        }
        let now = at(&keytender::clock::now().to_string());
        account.report_generated_at(now).report_ready()
    }

    fn change_one(&mut self, account: &mut Account, step: usize) {
        let kind = self.chance.below(16);
        if kind == 0 {
            let name = format!("user-{step:04}-{:04}", self.made);
            let user = User::new(&name, self.before(30, 0)).key(self.key(40));
            account.users.push(user);
            return;
        }
        let place = self.chance.place(account.users.len());
        if kind == 1 {
            account.users.remove(place);
            return;
        }
        let used_at = self.before(20, u32::try_from(step).unwrap());
        let next = self.key(40);
        let Some(user) = account.users.get_mut(place) else { return };
        let keys = &mut user.keys;
        match kind {
            _ if keys.is_empty() => keys.push(next),
            2..=4 if keys.len() == 1 => keys.push(next),
            2..=6 => keys[0] = next,
            7..=9 => keys[0].active = !keys[0].active,
            10..=13 => keys[0] = keys[0].clone().used(used_at, "eu-west-1", "s3"),
            _ => _ = keys.remove(0),
        }
    }
}

/// An inventory of the account, of which a webhook is told what happens.
fn watched(home: &Home) {
    run(home, &["accounts", "add", "aws", "prod"]);
    run(home, &["channels", "add", "webhook", "siem", "--url", "https://siem.example.com/keys"]);
    run(home, &["notify", "--dry-run"]);
    run(home, &["notify", "start", "--yes"]);
}

/// A moment from which on the account was so.
struct Step {
    from: Time,
    account: Account,
}

/// What was killed, and what came of it.
struct Story {
    steps: Vec<Step>,
    database: Database,
    home: Home,
}

fn killed_syncs(database: Database, seed: u64) -> Story {
    // Half a day away from where an age in days becomes another one.
    let start = at(&keytender::clock::now().to_string()) - SignedDuration::from_hours(12);
    let mut estate = Estate { chance: Chance::new(seed), start, made: 0 };
    let mut chance = Chance::new(seed);
    let mut steps = vec![Step { from: keytender::clock::now(), account: estate.account() }];
    let fake = FakeIam::start(steps[0].account.clone());
    let home = home(&fake, &database);
    watched(&home);
    // The first one is killed too, at a moment that leaves the inventory empty or full.
    home.run_and_kill(&["sync"], chance.life(Duration::from_millis(200)));
    run(&home, &["sync"]);
    let begun = Instant::now();
    run(&home, &["sync"]);
    let longest = begun.elapsed();
    let mut known = BTreeSet::new();
    for number in 1..KILLS {
        let account = estate.change(steps[number - 1].account.clone(), number);
        fake.with_account(|there| *there = account.clone());
        steps.push(Step { from: keytender::clock::now(), account });
        home.run_and_kill(&["sync"], chance.life(longest));
        if number.is_multiple_of(KILLS_BETWEEN) {
            run(&home, &["sync"]);
            let sql = "SELECT provider_id FROM keys WHERE provider_id IS NOT NULL";
            let now: BTreeSet<String> = texts(&database, sql).into_iter().collect();
            assert!(known.is_subset(&now), "seed {seed}: a key was forgotten");
            known = now;
        }
    }
    run(&home, &["sync"]);
    Story { steps, database, home }
}

impl Story {
    /// The steps at which a look was written, each as often as it was.
    fn seen(&self) -> Vec<&Account> {
        let sql = "SELECT CAST(started_at AS TEXT) FROM syncs ORDER BY started_at";
        let moments = texts(&self.database, sql);
        let moments = moments.iter().map(|text| Time::from_micros(text.parse().unwrap()));
        moments
            .map(|at| {
                let end = self.steps.partition_point(|step| step.from <= at);
                &self.steps[end - 1].account
            })
            .collect()
    }

    /// An inventory that saw the same, undisturbed.
    fn undisturbed(&self) -> (Database, Home) {
        let database = new_databases().remove(0);
        let seen = self.seen();
        let fake = FakeIam::start(seen[0].clone());
        let home = home(&fake, &database);
        watched(&home);
        for account in seen {
            fake.with_account(|there| *there = account.clone());
            run(&home, &["sync"]);
        }
        (database, home)
    }
}

/// Everything in the tables, without the moments of looking.
fn rows(database: &Database) -> BTreeMap<&'static str, Vec<String>> {
    let text = |column: &&str| match column.strip_prefix("is:") {
        Some(column) => format!("CASE WHEN {column} IS NULL THEN '-' ELSE 'is' END"),
        None => format!("COALESCE(CAST({column} AS TEXT), '-')"),
    };
    let read = |(name, columns, from): &(&'static str, &[&str], &str)| {
        let columns: Vec<String> = columns.iter().map(text).collect();
        let mut rows =
            texts(database, &format!("SELECT {} FROM {from}", columns.join(" || ' ' || ")));
        rows.sort();
        (*name, rows)
    };
    TABLES.iter().map(read).collect()
}

/// What the program says of it all, without the moments of looking.
fn said(home: &Home) -> (Vec<Value>, BTreeSet<String>, String) {
    let mut list = run(home, &["keys", "list", "--json", "--limit", "10000"]).json();
    let mut keys = list["keys"].as_array_mut().unwrap().clone();
    for key in &mut keys {
        let key = key.as_object_mut().unwrap();
        MOMENTS.iter().for_each(|name| _ = key.remove(*name));
    }
    let wide = run(home, &["report"]).stdout;
    let mut lines = wide.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let plain = |cells: Vec<&str>| {
        let cells = head.iter().zip(cells).filter(|(name, _)| !MOMENTS.contains(name));
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
    };
    let aws = run(home, &["report", "--format", "aws", "--account", "prod"]).stdout;
    (keys, lines.map(plain).collect(), aws)
}

fn compare(story: &Story, seed: u64) -> usize {
    assert_whole(&story.database, seed);
    let (database, undisturbed) = story.undisturbed();
    let (rows, expected) = (rows(&story.database), rows(&database));
    for (name, expected) in &expected {
        let (is, should): (BTreeSet<_>, BTreeSet<_>) =
            (rows[name].iter().collect(), expected.iter().collect());
        let other: Vec<_> = is.symmetric_difference(&should).take(4).collect();
        assert!(other.is_empty(), "seed {seed}: {name}: {other:#?}");
        assert_eq!(rows[name].len(), expected.len(), "seed {seed}: {name}");
    }
    let resolved = |database| texts(database, RESOLVED).into_iter().collect::<BTreeSet<_>>();
    assert!(resolved(&story.database).is_subset(&resolved(&database)), "seed {seed}");
    let (is, should) = (said(&story.home), said(&undisturbed));
    assert_eq!(is.0.len(), should.0.len(), "seed {seed}");
    for (is, should) in is.0.iter().zip(&should.0) {
        assert_eq!(is, should, "seed {seed}");
    }
    let other: Vec<_> = is.1.symmetric_difference(&should.1).take(4).collect();
    assert!(other.is_empty(), "seed {seed}: {other:#?}");
    assert_eq!(is.2, should.2, "seed {seed}");
    expected["looks"].len()
}

#[test]
fn a_sync_that_is_killed_at_any_moment_ends_as_one_that_nobody_disturbed() {
    let seed = Chance::seed();
    std::thread::scope(|scope| {
        for database in new_databases() {
            scope.spawn(move || {
                let story = killed_syncs(database, seed);
                let looks = compare(&story, seed);
                let keys =
                    texts(&story.database, "SELECT COALESCE(provider_id, '') FROM keys").len();
                let events = texts(&story.database, "SELECT rule FROM notice_items");
                let kinds: BTreeSet<&String> = events.iter().collect();
                assert!(kinds.len() >= 4, "seed {seed}: {kinds:?}");
                eprintln!(
                    "seed {seed}: {KILLS} kills, {looks} looks written, {keys} keys known, {} events",
                    events.len()
                );
            });
        }
    });
}
