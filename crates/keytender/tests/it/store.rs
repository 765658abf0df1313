//! The store.

use std::collections::BTreeSet;

use keytender::app::inventory::{Inventory, Sight};
use keytender::app::sweep::{self, Swept};
use keytender::app::turn::Turn;
use keytender::store::accounts::{Access, Account, AccountKind};
use keytender::store::acts::{Actor, NewAct, Stage, Which};
use keytender::store::db::Location;
use keytender::store::leases::Lease;
use keytender::store::syncs::Sync;
use keytender::store::tasks::{End, Outcome, Run, Task, sync_of};
use keytender::store::{Failure, Store};
use keytender_core::id::{AccountId, SyncId};
use keytender_core::inventory::Sighting;
use keytender_core::time::{Span, Time};

use crate::Home;
use crate::databases::{block_on, new_databases};

fn now() -> Time {
    Time::parse("2026-11-24T09:30:00Z").unwrap()
}

fn account(number: u64, name: &str, external_id: &str) -> Account {
    Account {
        id: AccountId::from_random(number << 1),
        provider: "aws".to_owned(),
        name: name.to_owned(),
        kind: AccountKind::Live,
        parent_id: None,
        external_id: Some(external_id.to_owned()),
        alias: None,
        contact: None,
        security_contact: None,
        access: Access { profile: Some("ops".to_owned()), ..Access::default() },
        sealed: Some("sealed".to_owned()),
        secret: None,
        report_header: None,
        created_at: now(),
        api_id: None,
        suspended_at: None,
    }
}

/// Runs a story on a database of its own, of each kind.
fn on_a_new_store(story: impl AsyncFn(&Location, Store)) {
    for database in new_databases() {
        let location = Location::parse(&database.text);
        block_on(async {
            story(&location, Store::open(&location).await.unwrap()).await;
        });
    }
}

#[test]
fn an_account_is_kept_and_its_name_is_given_once() {
    on_a_new_store(async |location, store| {
        let mut tx = store.db().begin().await.unwrap();
        tx.insert_account(&account(1, "prod", "111111111111")).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;

        let store = Store::open(location).await.unwrap();
        let kept = store.find_account("prod").await.unwrap().unwrap();
        assert_eq!(kept.external_id.as_deref(), Some("111111111111"));
        assert_eq!(kept.access.profile.as_deref(), Some("ops"));
        assert_eq!(kept.created_at, now());
        for again in [account(2, "prod", "2"), account(3, "other", "111111111111")] {
            let mut tx = store.db().begin().await.unwrap();
            let refused = tx.insert_account(&again).await;
            assert!(matches!(refused, Err(Failure::Exists)), "{refused:?}");
        }
        assert_eq!(store.list_accounts().await.unwrap().len(), 1);
    });
}

#[test]
fn a_removed_account_gives_its_name_back_and_keeps_no_secret() {
    on_a_new_store(async |_, store| {
        let mut tx = store.db().begin().await.unwrap();
        let first = account(1, "prod", "1");
        tx.insert_account(&first).await.unwrap();
        tx.remove_account(first.id).await.unwrap();
        tx.insert_account(&account(2, "prod", "1")).await.unwrap();
        tx.commit().await.unwrap();
        let sql = "SELECT COUNT(*) FROM accounts WHERE sealed IS NOT NULL";
        let rows = store.db().fetch(sql, Vec::new()).await.unwrap();
        assert_eq!(rows[0].cells().int().unwrap(), 1);
        assert_eq!(store.list_accounts().await.unwrap().len(), 1);
    });
}

#[test]
fn an_act_that_was_not_committed_stands_in_no_log() {
    on_a_new_store(async |_, store| {
        let actor = Actor { name: "mia".to_owned(), origin: "cli".to_owned() };
        for is_committed in [false, true] {
            let mut tx = store.db().begin().await.unwrap();
            tx.log(NewAct {
                at: now(),
                actor: &actor,
                verb: "account.add",
                stage: Stage::Done,
                target_kind: "account",
                target_id: "acc_1".to_owned(),
                why: Some("audit"),
                details: serde_json::json!({ "name": "prod" }),
            })
            .await
            .unwrap();
            if is_committed {
                tx.commit().await.unwrap();
            }
        }
        let of = |id: &str| Which { target_id: Some(id.to_owned()), ..Which::default() };
        let acts = store.list_acts(&of("acc_1"), 10, None).await.unwrap();
        assert_eq!(acts.len(), 1);
        assert_eq!((acts[0].actor.as_str(), acts[0].stage.as_str()), ("mia", "done"));
        assert!(store.list_acts(&of("acc_2"), 10, None).await.unwrap().is_empty());
    });
}

#[test]
fn a_setting_is_replaced() {
    on_a_new_store(async |_, store| {
        assert_eq!(store.find_setting("x").await.unwrap(), None);
        store.put_setting("x", "one").await.unwrap();
        store.put_setting("x", "two").await.unwrap();
        assert_eq!(store.find_setting("x").await.unwrap().as_deref(), Some("two"));
    });
}

#[test]
fn a_newer_schema_is_refused() {
    on_a_new_store(async |location, store| {
        let mut tx = store.db().begin().await.unwrap();
        let sql = "INSERT INTO schema_migrations (version) VALUES (99)";
        tx.execute(sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        let refused = Store::open(location).await;
        assert!(matches!(refused, Err(Failure::Newer { found: 99, .. })), "{refused:?}");
    });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_stays() {
    let home = Home::new();
    let path = home.write("inventory.db", "not a database, ".repeat(1000));
    let opened = block_on(Store::open(&Location::File(path.clone())));
    assert!(matches!(opened, Err(Failure::Database(_))), "{opened:?}");
    assert!(std::fs::read_to_string(path).unwrap().starts_with("not a database"));
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let location = Location::parse("postgres://keytender:hunter2@127.0.0.1:5433/keys");
    assert_eq!(location.to_string(), "postgres://127.0.0.1:5433/keys");
}

const HOUR: Span = Span::from_micros(3_600_000_000);
/// A lease of this length has ended as soon as it was taken.
const NO_TIME: Span = Span::from_micros(0);

async fn acquire(store: &Store, holder: &str, length: Span) -> Option<Lease> {
    let mut tx = store.db().begin().await.unwrap();
    let lease = tx.acquire_lease("evaluate", holder, length).await.unwrap();
    tx.commit().await.unwrap();
    lease
}

async fn holds(store: &Store, lease: &Lease) -> bool {
    store.db().begin().await.unwrap().holds(lease).await.unwrap()
}

async fn renew(store: &Store, lease: &Lease, length: Span) -> bool {
    store.db().begin().await.unwrap().renew_lease(lease, length).await.unwrap()
}

async fn release(store: &Store, lease: &Lease) -> bool {
    let mut tx = store.db().begin().await.unwrap();
    let is_released = tx.release_lease(lease).await.unwrap();
    tx.commit().await.unwrap();
    is_released
}

#[test]
fn a_lease_has_one_holder_until_it_ends() {
    on_a_new_store(async |_, store| {
        let first = acquire(&store, "a", HOUR).await.unwrap();
        assert_eq!(acquire(&store, "b", HOUR).await, None);
        assert_eq!(acquire(&store, "a", NO_TIME).await, Some(first.clone()), "it is ours already");
        // It has ended and nobody took it: it is still its holder's.
        assert!(holds(&store, &first).await);
        assert!(renew(&store, &first, NO_TIME).await);
        let second = acquire(&store, "b", HOUR).await.unwrap();
        assert_eq!((first.epoch, second.epoch), (1, 2));
        assert!(!holds(&store, &first).await && holds(&store, &second).await);
        assert!(!renew(&store, &first, HOUR).await);
        assert!(!release(&store, &first).await);
        assert!(renew(&store, &second, HOUR).await);
        assert_eq!(acquire(&store, "a", HOUR).await, None);
        assert!(release(&store, &second).await);
        assert!(!release(&store, &second).await);
        assert!(!renew(&store, &second, HOUR).await);
        let third = acquire(&store, "a", HOUR).await.unwrap();
        assert_eq!(third.epoch, 3);
        assert!(!holds(&store, &first).await, "the same holder, long ago");
    });
}

#[test]
fn of_many_who_reach_for_a_lease_one_gets_it() {
    on_a_new_store(async |location, store| {
        for round in 1..=5 {
            let reach = (0..8).map(|number| {
                let holder = format!("node {round} {number}");
                async move {
                    let store = Store::open(location).await.unwrap();
                    let lease = acquire(&store, &holder, HOUR).await;
                    store.close().await;
                    lease
                }
            });
            let all = futures_util::future::join_all(reach).await;
            let got: Vec<Lease> = all.into_iter().flatten().collect();
            assert_eq!(got.len(), 1, "{got:?}");
            assert_eq!(got[0].epoch, round);
            assert!(release(&store, &got[0]).await);
        }
    });
}

/// Adds the task `evaluate`, which is to run at once.
async fn add_task(store: &Store) {
    let mut tx = store.db().begin().await.unwrap();
    tx.add_tasks(&["evaluate".to_owned()]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn begin(store: &Store, holder: &str, length: Span) -> Option<Run> {
    begin_of(store, "evaluate", holder, length).await
}

async fn begin_of(store: &Store, name: &str, holder: &str, length: Span) -> Option<Run> {
    store.db().begin().await.unwrap().begin_run(name, holder, length).await.unwrap()
}

async fn task(store: &Store) -> Task {
    let tasks = store.list_tasks().await.unwrap();
    assert_eq!(tasks.len(), 1);
    tasks[0].clone()
}

fn end(outcome: Outcome, rest: Span) -> End {
    let error = (outcome == Outcome::Failed).then(|| "no route".to_owned());
    End { outcome, error, rest }
}

#[test]
fn a_run_that_was_just_made_is_not_made_again() {
    on_a_new_store(async |_, store| {
        assert!(begin(&store, "a", HOUR).await.is_none(), "nobody knows the task");
        add_task(&store).await;
        assert_eq!(store.due_tasks().await.unwrap().len(), 1);
        let run = begin(&store, "a", HOUR).await.unwrap();
        assert!(store.due_tasks().await.unwrap().is_empty(), "somebody runs it");
        assert!(begin(&store, "b", HOUR).await.is_none());
        assert_eq!(task(&store).await.holder.as_deref(), Some("a"));
        assert!(store.end_run(&run, &end(Outcome::Done, HOUR)).await.unwrap());
        // Who saw that it was to run before it did comes too late.
        assert!(begin(&store, "b", HOUR).await.is_none());
        let done = task(&store).await;
        assert_eq!((done.outcome, done.holder), (Some(Outcome::Done), None));
        assert!(done.started_at <= done.finished_at && done.started_at.is_some());
        assert!(done.next_at > done.finished_at.unwrap().plus(Span::from_micros(3_590_000_000)));
        add_task(&store).await;
        assert_eq!(task(&store).await, Task { holder: None, ..done }, "it stays as it is");
    });
}

#[test]
fn who_lost_the_lease_says_nothing_of_the_run() {
    on_a_new_store(async |_, store| {
        add_task(&store).await;
        let stale = begin(&store, "a", NO_TIME).await.unwrap();
        let run = begin(&store, "b", HOUR).await.unwrap();
        assert!(!store.end_run(&stale, &end(Outcome::Failed, NO_TIME)).await.unwrap());
        let task = task(&store).await;
        assert_eq!((task.outcome, task.failures), (None, 0));
        assert_eq!(task.holder.as_deref(), Some("b"));
        let late = Turn::under(stale.lease.clone());
        let tx = store.db().begin().await.unwrap();
        assert!(matches!(late.commit(tx).await, Err(Failure::Lost)));
        let right = Turn::under(run.lease.clone());
        let tx = store.db().begin().await.unwrap();
        right.commit(tx).await.unwrap();
        assert!(store.end_run(&run, &end(Outcome::Done, HOUR)).await.unwrap());
    });
}

#[test]
fn what_is_asked_for_during_a_run_is_done_after_it() {
    on_a_new_store(async |_, store| {
        add_task(&store).await;
        let first = begin(&store, "a", HOUR).await.unwrap();
        assert!(!first.is_asked);
        assert_eq!(store.ask_for_runs("evaluate").await.unwrap(), 1);
        assert_eq!(store.ask_for_runs("sync:%").await.unwrap(), 0);
        assert!(store.end_run(&first, &end(Outcome::Done, HOUR)).await.unwrap());
        assert!(task(&store).await.is_asked);
        assert!(store.due_tasks().await.unwrap()[0].is_asked);
        let second = begin(&store, "b", HOUR).await.unwrap();
        assert!(second.is_asked);
        // Stopped before it was done: it is still asked for.
        assert!(store.end_run(&second, &end(Outcome::Stopped, HOUR)).await.unwrap());
        let third = begin(&store, "a", HOUR).await.unwrap();
        assert!(store.end_run(&third, &end(Outcome::Done, HOUR)).await.unwrap());
        assert!(!task(&store).await.is_asked);
        assert!(store.due_tasks().await.unwrap().is_empty());
    });
}

#[test]
fn failures_are_counted_until_one_run_succeeds() {
    on_a_new_store(async |_, store| {
        add_task(&store).await;
        for failures in [0, 1, 2] {
            let run = begin(&store, "a", HOUR).await.unwrap();
            assert_eq!(run.failures, failures);
            assert!(store.end_run(&run, &end(Outcome::Failed, NO_TIME)).await.unwrap());
        }
        let failed = task(&store).await;
        assert_eq!((failed.failures, failed.error.as_deref()), (3, Some("no route")));
        let run = begin(&store, "a", HOUR).await.unwrap();
        assert!(store.end_run(&run, &end(Outcome::Done, HOUR)).await.unwrap());
        let done = task(&store).await;
        assert_eq!((done.failures, done.error), (0, None));
        // Another node was told to run it more often.
        let mut tx = store.db().begin().await.unwrap();
        tx.shorten_rest("evaluate", NO_TIME).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.due_tasks().await.unwrap().len(), 1);
    });
}

#[test]
fn an_account_that_is_removed_takes_its_run_along() {
    on_a_new_store(async |_, store| {
        let account = account(1, "prod", "1");
        let by_hand = Account { kind: AccountKind::Manual, ..self::account(2, "vault", "2") };
        let mut tx = store.db().begin().await.unwrap();
        tx.insert_account(&account).await.unwrap();
        tx.insert_account(&by_hand).await.unwrap();
        tx.commit().await.unwrap();
        let name = sync_of(account.id);
        assert_eq!(task(&store).await.name, name, "of the one that can be asked");
        let run = begin_of(&store, &name, "a", HOUR).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        tx.remove_account(account.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(store.list_tasks().await.unwrap().is_empty());
        assert!(!store.end_run(&run, &end(Outcome::Done, HOUR)).await.unwrap());
    });
}

/// A look at an account so many days ago.
fn look(number: u32, days_ago: u32, changes: u64, is_failed: bool) -> Sync {
    let at = now().minus(Span::days(days_ago)).minus(Span::from_micros(number.into()));
    Sync {
        id: SyncId::from_random(u64::from(number) << 1),
        account_id: account(1, "prod", "1").id,
        started_at: at,
        finished_at: at,
        observed_at: (!is_failed).then_some(at),
        reported_at: None,
        unseen: BTreeSet::new(),
        keys: 0,
        changes,
        error: is_failed.then(|| "no route".to_owned()),
        warnings: Vec::new(),
    }
}

#[test]
fn old_looks_are_forgotten_but_for_those_that_tell_something() {
    on_a_new_store(async |_, store| {
        let account = account(1, "prod", "1");
        let mut tx = store.db().begin().await.unwrap();
        tx.insert_account(&account).await.unwrap();
        let old = (0..120).map(|number| look(number, 100, u64::from(number == 119), false));
        let failed = [look(500, 101, 0, true), look(501, 99, 0, true)];
        for sync in old.chain(failed) {
            tx.insert_sync(&sync).await.unwrap();
        }
        let before = tx.sightings(account.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(before.len(), 100);
        let limit = now().minus(Span::days(90));
        // 20 are older than the hundred that are asked when a key was last seen; one of them
        // changed something; an old failure goes with them.
        assert_eq!(store.sweep_syncs(account.id, limit).await.unwrap(), 20);
        assert_eq!(store.sweep_syncs(account.id, limit).await.unwrap(), 0);
        let mut tx = store.db().begin().await.unwrap();
        let after = tx.sightings(account.id).await.unwrap();
        let moments = |all: &[Sighting]| all.iter().map(|one| one.observed_at).collect::<Vec<_>>();
        assert_eq!(moments(&before), moments(&after));
        drop(tx);
        let last = store.last_syncs().await.unwrap();
        assert_eq!(last[0].id, look(501, 99, 0, true).id, "the last look, though it failed");
        // What is young stays, however much there is.
        let mut tx = store.db().begin().await.unwrap();
        for number in 1_000..1_150 {
            tx.insert_sync(&look(number, 89, 0, false)).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(store.sweep_syncs(account.id, limit).await.unwrap(), 101);
        assert_eq!(store.sweep_syncs(account.id, limit).await.unwrap(), 0);
        let rows = store.db().fetch("SELECT COUNT(*) FROM syncs", Vec::new()).await.unwrap();
        assert_eq!(rows[0].cells().int().unwrap(), 151);
    });
}

#[test]
fn answers_are_forgotten_when_nobody_may_ask_for_them_again() {
    on_a_new_store(async |_, store| {
        let mut tx = store.db().begin().await.unwrap();
        let sql = "INSERT INTO idempotency_keys (tenant_id, key_id, digest, request, created_at) \
                   VALUES (1, 1, $1, 'request', $2)";
        for (digest, hours) in [("old", 25), ("young", 23)] {
            let at = now().minus(Span::from_micros(hours * 3_600_000_000));
            tx.execute(sql, vec![digest.into(), at.into()]).await.unwrap();
        }
        tx.commit().await.unwrap();
        let inventory = Inventory {
            store,
            location: Location::File("unused".into()),
            actor: Actor { name: "keytender".to_owned(), origin: "test".to_owned() },
            now: now(),
            sight: Sight::default(),
        };
        for answers in [1, 0] {
            let swept = sweep::run(&inventory, &Turn::free()).await.unwrap();
            assert_eq!(swept, Swept { answers, ..Swept::default() });
        }
        let sql = "SELECT digest FROM idempotency_keys";
        let rows = inventory.store.db().fetch(sql, Vec::new()).await.unwrap();
        assert_eq!(rows[0].cells().text().unwrap(), "young");
    });
}
