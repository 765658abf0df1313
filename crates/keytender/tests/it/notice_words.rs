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
