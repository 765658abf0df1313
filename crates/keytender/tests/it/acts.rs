//! Acts on keys: planned, asked, logged before and after, and never a deletion in haste.

use keytender::store::Store;
use keytender::store::db::Location;
use keytender_core::time::Span;

use crate::databases::block_on;
use crate::inventory::{BACKUP, DEPLOY, ROOT, key, on_each_database, run};
use crate::{Home, Ran};

fn synced(home: &Home) {
    run(home, &["accounts", "add", "aws", "prod"]);
    run(home, &["sync"]);
}

/// Lets a key have been seen disabled for so many days.
fn age_hold(home: &Home, days: u32) {
    let database = home.variable("KEYTENDER_DATABASE");
    let since = keytender::clock::now().minus(Span::days(days));
    block_on(async {
        let store = Store::open(&Location::parse(&database)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        let sql = "UPDATE keys SET suspended_seen_at = $1 WHERE provider_id = $2";
        tx.execute(sql, vec![since.into(), DEPLOY.into()]).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
}

fn log(home: &Home, id: &str) -> Vec<String> {
    let shown = run(home, &["keys", "show", id]).stdout;
    let acts = shown.lines().filter(|line| line.contains("key."));
    acts.map(|line| line.split("  ").nth(2).unwrap().to_owned()).collect()
}

fn refused(home: &Home, words: &[&str], what: &str) -> Ran {
    let ran = home.run(words);
    assert_eq!(ran.code, 1, "{words:?}: {}", ran.stdout);
    assert!(ran.stderr.contains(what), "{words:?}: {}", ran.stderr);
    ran
}

#[test]
fn a_key_is_disabled_after_the_plan_was_seen_and_enabled_again() {
    on_each_database(|fake, home| {
        synced(home);
        let words = ["keys", "disable", BACKUP, "--because", "moved to a role"];
        let dry = run(home, &[&words[..], &["--dry-run"]].concat());
        assert!(dry.stdout.contains("it is in use"), "{}", dry.stdout);
        assert!(fake.with_account(|account| account.key_mut(BACKUP).active));
        let unasked = refused(home, &words, "nobody can be asked here");
        assert!(fake.with_account(|account| account.key_mut(BACKUP).active));
        run(home, &[&words[..], &["--yes"]].concat());
        assert!(!fake.with_account(|account| account.key_mut(BACKUP).active));
        assert_eq!(key(home, BACKUP)["state"], "suspended");
        let again = run(home, &[&words[..], &["--yes"]].concat());
        assert!(again.stdout.contains("is so already"), "{}", again.stdout);
        run(home, &["keys", "enable", BACKUP, "--yes"]);
        assert!(fake.with_account(|account| account.key_mut(BACKUP).active));
        assert_eq!(
            log(home, BACKUP),
            [
                "key.disable (intent) by mia: moved to a role",
                "key.disable by mia: moved to a role",
                "key.enable (intent) by mia",
                "key.enable by mia",
            ]
        );
        run(home, &["sync"]);
        assert_eq!(key(home, BACKUP)["state"], "active");
        vec![dry, unasked, again]
    });
}

#[test]
fn a_key_is_deleted_only_after_its_hold() {
    on_each_database(|fake, home| {
        synced(home);
        let delete = ["keys", "delete", DEPLOY, "--yes"];
        let mut ran = vec![refused(home, &delete, "is not disabled")];
        run(home, &["keys", "disable", DEPLOY, "--yes"]);
        ran.push(refused(home, &delete, "its hold ends on"));
        age_hold(home, 29);
        refused(home, &delete, "its hold ends on");
        age_hold(home, 31);
        run(home, &delete);
        assert!(fake.with_account(|account| account.user_mut("deploy").keys.is_empty()));
        assert_eq!(key(home, DEPLOY)["state"], "destroyed");
        refused(home, &delete, "is gone");
        run(home, &["sync"]);
        assert_eq!(key(home, DEPLOY)["state"], "destroyed");
        ran
    });
}

#[test]
fn a_hold_begins_anew_when_somebody_let_the_key_work_in_between() {
    on_each_database(|fake, home| {
        synced(home);
        run(home, &["keys", "disable", DEPLOY, "--yes"]);
        age_hold(home, 31);
        fake.with_account(|account| account.key_mut(DEPLOY).active = true);
        let refused = refused(home, &["keys", "delete", DEPLOY, "--yes"], "is not disabled");
        assert!(fake.with_account(|account| !account.user_mut("deploy").keys.is_empty()));
        vec![refused]
    });
}

#[test]
fn a_deletion_in_haste_needs_really_and_a_reason() {
    on_each_database(|fake, home| {
        synced(home);
        assert_eq!(home.run(&["keys", "delete", DEPLOY, "--really", "--yes"]).code, 2);
        let words = ["keys", "delete", DEPLOY, "--really", "--because", "leaked", "--yes"];
        run(home, &words);
        assert!(fake.with_account(|account| account.user_mut("deploy").keys.is_empty()));
        assert_eq!(log(home, DEPLOY).last().unwrap(), "key.delete by mia: leaked");
        vec![]
    });
}

#[test]
fn what_aws_denies_is_refused_and_logged_as_failed() {
    on_each_database(|fake, home| {
        synced(home);
        fake.with_account(|account| {
            _ = account.behaviour.deny.insert("UpdateAccessKey".to_owned())
        });
        let refused = refused(home, &["keys", "disable", DEPLOY, "--yes"], "iam:UpdateAccessKey");
        assert_eq!(key(home, DEPLOY)["state"], "active");
        assert_eq!(log(home, DEPLOY).last().unwrap(), "key.disable (failed) by mia");
        vec![refused]
    });
}

#[test]
fn roots_keys_are_roots_alone() {
    on_each_database(|_, home| {
        synced(home);
        vec![refused(home, &["keys", "disable", ROOT, "--yes"], "by root alone")]
    });
}

#[test]
fn an_account_says_what_can_be_done_there() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        let good = run(home, &["accounts", "check", "prod"]);
        assert!(
            good.stdout.contains("user/auditor in AWS account 123456789012"),
            "{}",
            good.stdout
        );
        fake.with_account(|account| _ = account.behaviour.deny.insert("ListUsers".to_owned()));
        let poor = home.run(&["accounts", "check", "prod"]);
        assert_eq!(poor.code, 1);
        assert!(poor.stdout.contains("cannot watch this account"), "{}", poor.stdout);
        vec![good, poor]
    });
}

#[test]
fn tags_give_keys_their_owners() {
    on_each_database(|fake, home| {
        fake.with_account(|account| {
            account.user_mut("deploy").tags = vec![("team".to_owned(), "data".to_owned())];
        });
        synced(home);
        run(home, &["owners", "add", "data", "--address", "data@example.com"]);
        run(home, &["owners", "claim", "data", "--tag", "team=data"]);
        assert_eq!(key(home, DEPLOY)["owner"], "data");
        fake.reset_calls();
        run(home, &["sync"]);
        assert_eq!(fake.calls().get("ListUserTags"), None, "tags are read once a day");
        assert_eq!(key(home, DEPLOY)["owner"], "data");
        vec![]
    });
}
