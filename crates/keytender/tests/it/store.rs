//! The store.

use keytender::store::accounts::{Access, Account, AccountKind};
use keytender::store::acts::{Actor, NewAct, Stage};
use keytender::store::db::Location;
use keytender::store::{Failure, Store};
use keytender_core::id::AccountId;
use keytender_core::time::Time;

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
        let acts = store.list_acts(Some("acc_1"), 10).await.unwrap();
        assert_eq!(acts.len(), 1);
        assert_eq!((acts[0].actor.as_str(), acts[0].stage.as_str()), ("mia", "done"));
        assert!(store.list_acts(Some("acc_2"), 10).await.unwrap().is_empty());
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
