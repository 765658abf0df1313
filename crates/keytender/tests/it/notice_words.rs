//! What notices say of keys that an account showed, through the program.

use keytender_core::time::{Span, Time};
use serde_json::Value;

use crate::Home;
use crate::databases::new_databases;
use crate::fake_iam::{Account, FakeIam, Key, User, at};
use crate::inventory::{home, run};

fn ago(now: Time, days: u32) -> jiff::Timestamp {
    at(&now.minus(Span::days(days)).to_string())
}

/// A key that is in use and was made so many days ago.
fn key(now: Time, id: &str, days: u32) -> Key {
    Key::new(id, ago(now, days)).used(ago(now, 1), "eu-west-1", "s3")
}

/// The one notice that a chat would get.
fn preview(home: &Home) -> Value {
    let words = ["channels", "add", "slack", "ops", "--url", "-"];
    let added = home.run_with_input(&words, "https://hooks.example.com/services/x");
    assert_eq!(added.code, 0, "{}", added.stderr);
    let mut preview = run(home, &["notify", "--dry-run", "--json"]).json();
    assert_eq!(preview["notices"].as_array().unwrap().len(), 1);
    preview["notices"][0].take()
}

/// The text without the ends of its lines.
fn flat(text: &Value) -> String {
    text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_steps_know_a_second_key_of_the_same_user() {
    let now = keytender::clock::now();
    for database in new_databases() {
        let account = Account::new("123456789012", ago(now, 0))
            .user(
                User::new("pair", ago(now, 500))
                    .key(key(now, "AKIAQPAIR00000000001", 200))
                    .key(key(now, "AKIAQPAIR00000000002", 80).inactive()),
            )
            .user(User::new("single", ago(now, 500)).key(key(now, "AKIAQSINGLE000000001", 200)));
        let fake = FakeIam::start(account);
        let home = home(&fake, &database);
        run(&home, &["accounts", "add", "aws", "prod"]);
        run(&home, &["sync"]);
        let text = flat(&preview(&home)["text"]);
        let known = "pair has two keys, as many as AWS allows: the other one, pair/2, is disabled.";
        assert!(text.contains(known), "{text}");
        assert_eq!(text.matches("has two keys").count(), 1, "{text}");
    }
}

/// An account with four users of equal keys: one an administrator, one by a group.
fn ranked(now: Time) -> Account {
    let user = |name: &str, number: u32| {
        let id = format!("AKIAQRANK{number:011}");
        User::new(name, ago(now, 500)).key(key(now, &id, 200 + number))
    };
    Account::new("123456789012", ago(now, 0))
        .user(user("plain", 9))
        .user(user("admin", 2))
        .user(user("grouped", 1))
        .user(user("other", 3))
        .administrator("admin")
        .administrators_group("admins", &["grouped"])
        .page_size(1)
}

/// Whether each user is an administrator, as the inventory says it.
fn administrators(home: &Home) -> Vec<(String, Value)> {
    let list = run(home, &["keys", "list", "--json"]).json();
    let fact = |key: &Value| {
        (key["principal"].as_str().unwrap().to_owned(), key["principal_is_admin"].clone())
    };
    let mut facts: Vec<_> = list["keys"].as_array().unwrap().iter().map(fact).collect();
    facts.sort_by(|one, other| one.0.cmp(&other.0));
    facts
}

#[test]
fn an_administrators_keys_are_told_before_older_ones() {
    let now = keytender::clock::now();
    for database in new_databases() {
        let fake = FakeIam::start(ranked(now));
        let home = home(&fake, &database);
        run(&home, &["accounts", "add", "aws", "prod"]);
        fake.reset_calls();
        run(&home, &["sync"]);
        let calls = fake.calls();
        assert_eq!((calls["ListEntitiesForPolicy"], calls["GetGroup"]), (2, 1), "{calls:?}");
        let is = |name: &str, is_admin: bool| (name.to_owned(), Value::from(is_admin));
        let expected = [is("admin", true), is("grouped", true), is("other", false)];
        assert_eq!(administrators(&home)[..3], expected);
        let text = flat(&preview(&home)["text"]);
        let place = |name: &str| text.find(&format!(" {name}/1 at AWS")).unwrap();
        // The oldest is the last: it is nobody's who may do everything, as `other` is not.
        let order = ["admin", "grouped", "plain", "other"].map(place);
        assert!(order.is_sorted(), "{text}");
        let shown = run(&home, &["keys", "show", "admin/1"]).stdout;
        assert!(shown.contains("may do      everything"), "{shown}");
        let shown = run(&home, &["keys", "show", "other/1"]).stdout;
        assert!(!shown.contains("may do"), "{shown}");
    }
}

#[test]
fn who_is_an_administrator_is_unknown_and_not_false_where_aws_does_not_tell() {
    let now = keytender::clock::now();
    let unknown = |name: &str| (name.to_owned(), Value::Null);
    let known = |name: &str| (name.to_owned(), Value::from(true));
    for database in new_databases() {
        for (denied, expected) in [
            ("ListEntitiesForPolicy", [unknown("admin"), unknown("grouped"), unknown("other")]),
            ("GetGroup", [known("admin"), unknown("grouped"), unknown("other")]),
        ] {
            let fake = FakeIam::start(ranked(now).deny(denied));
            let home = home(&fake, &database);
            run(&home, &["accounts", "add", "aws", denied]);
            let synced = run(&home, &["sync", denied]);
            let warning = format!("iam:{denied}: these credentials lack the permission");
            assert!(synced.stderr.contains(&warning), "{}", synced.stderr);
            assert_eq!(administrators(&home)[..3], expected);
            let checked = run(&home, &["accounts", "check", denied]).stdout;
            assert!(checked.contains(&format!("iam:{denied}")), "{checked}");
            assert!(checked.contains("Keytender can watch this account"), "{checked}");
            if denied == "ListEntitiesForPolicy" {
                run(&home, &["accounts", "remove", denied, "--yes"]);
                continue;
            }
            // What was known stays known where it is not told any more.
            fake.with_account(|account| account.behaviour.deny.clear());
            run(&home, &["sync"]);
            fake.with_account(|account| _ = account.behaviour.deny.insert(denied.to_owned()));
            run(&home, &["sync"]);
            let other = (String::from("other"), Value::from(false));
            assert_eq!(administrators(&home)[..3], [known("admin"), known("grouped"), other]);
        }
    }
}
