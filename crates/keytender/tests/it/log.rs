//! The log of acts: sealed, and proved from outside of the database.

use keytender::store::Store;
use keytender::store::db::Location;

use crate::Home;
use crate::databases::{Database, block_on, new_databases};
use crate::inventory::run;

/// A home with three acts in its log.
fn home(database: &Database) -> Home {
    let folder = Home::new();
    let checkpoints = folder.path().join("checkpoints.jsonl").display().to_string();
    let home = folder
        .with("KEYTENDER_DATABASE", &database.text)
        .with("KEYTENDER_CHECKPOINTS", checkpoints)
        .with("KEYTENDER_ACTOR", "mia");
    for name in ["ann", "ben", "cleo"] {
        let address = format!("{name}@example.com");
        run(&home, &["owners", "add", name, "--address", &address]);
    }
    home
}

fn change(database: &Database, sql: &str) {
    block_on(async {
        let store = Store::open(&Location::parse(&database.text)).await.unwrap();
        let mut tx = store.db().begin().await.unwrap();
        assert!(tx.execute(sql, Vec::new()).await.unwrap() > 0, "{sql}");
        tx.commit().await.unwrap();
        store.close().await;
    });
}

fn broken(home: &Home, what: &str) {
    let ran = home.run(&["log", "verify"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("NOT whole") && ran.stdout.contains(what), "{}", ran.stdout);
}

#[test]
fn every_act_is_in_the_log_with_who_and_when() {
    for database in new_databases() {
        let home = home(&database);
        let json = run(&home, &["log", "--json"]).json();
        let acts = json["acts"].as_array().unwrap();
        assert_eq!(acts.len(), 3);
        assert_eq!((&acts[0]["verb"], &acts[0]["actor"]), (&"owner.add".into(), &"mia".into()));
        assert_eq!(acts[0]["details"]["name"], "cleo");
        let whole = run(&home, &["log", "verify"]).stdout;
        assert!(whole.contains("The log is whole: 3 acts"), "{whole}");
        assert!(whole.contains("3 acts proved by a checkpoint outside"), "{whole}");
    }
}

#[test]
fn a_changed_a_missing_and_a_moved_act_are_found() {
    for (sql, what) in [
        ("UPDATE acts SET actor = 'eve' WHERE seq = 2", "act 2"),
        ("UPDATE acts SET details = '{}' WHERE seq = 3", "act 3"),
        ("DELETE FROM acts WHERE seq = 1", "act 1 is missing"),
        ("DELETE FROM acts WHERE seq = 3", "of which some are missing"),
        ("DELETE FROM acts", "of which some are missing"),
    ] {
        for database in new_databases() {
            let home = home(&database);
            change(&database, sql);
            broken(&home, what);
        }
    }
}

#[test]
fn a_log_that_was_written_anew_is_found_by_the_checkpoint() {
    for database in new_databases() {
        let home = home(&database);
        // Whoever has the master key can seal another story, but not change what stands outside.
        change(&database, "DELETE FROM acts WHERE seq = 3");
        change(&database, "UPDATE acts SET seq = NULL, mac = NULL, actor = 'eve'");
        broken(&home, "is not what the checkpoint of");
    }
}

#[test]
fn another_master_key_is_refused() {
    for database in new_databases() {
        let other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let home = home(&database).with("KEYTENDER_MASTER_KEY", other);
        let ran = home.run(&["log", "verify"]);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("not the one of the inventory"), "{}", ran.stderr);
        assert!(!ran.stderr.contains(other));
    }
}

#[test]
fn the_master_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let [database, ..] = &new_databases()[..] else { panic!() };
    let home = home(database);
    let path = std::path::Path::new(&database.text).with_file_name("master.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let ran = home.run(&["log", "verify"]);
    assert!(ran.stderr.contains("may be read by others") && ran.stderr.contains("chmod 600"));
    std::fs::remove_file(&path).unwrap();
    let ran = home.run(&["log", "verify"]);
    assert!(ran.stderr.contains("the master key of this inventory is missing"), "{}", ran.stderr);
}

#[test]
fn another_policy_is_used_shown_and_logged() {
    for database in new_databases() {
        let home = home(&database);
        run(&home, &["keys", "add", "stripe", "live", "--created", "2020-01-01"]);
        let text = "[[rule]]\nid = \"old\"\nwhen = { age_over = \"1d\" }\nseverity = \"critical\"\n\
                    action = \"remove\"\ntitle = \"Old\"\n";
        home.write("own.toml", text);
        let used = run(&home, &["policy", "use", "own.toml"]);
        assert!(used.stderr.contains("1 key of 1 stand differently"), "{}", used.stderr);
        assert_eq!(run(&home, &["policy", "show", "--inventory"]).stdout, text);
        let keys = run(&home, &["keys", "list", "--json"]).json();
        assert_eq!(keys["keys"][0]["findings"][0]["rule"], "old");
        home.write("bad.toml", "[[rule]]\nid = 1\n");
        assert_eq!(home.run(&["policy", "use", "bad.toml"]).code, 1);
        run(&home, &["policy", "use", "default"]);
        let keys = run(&home, &["keys", "list", "--json"]).json();
        assert_eq!(keys["keys"][0]["findings"][0]["rule"], "key-over-a-year");
        assert!(run(&home, &["log"]).stdout.contains("policy.use"));
    }
}
