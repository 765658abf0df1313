//! What happened to keys, as webhooks are told it.

use serde_json::{Value, json};

use crate::databases::new_databases;
use crate::fake_iam::{FakeIam, Key, Report, User, at};
use crate::hook::{Came, Hook};
use crate::inventory::{BACKUP, DEPLOY, account, home, run};
use crate::{Home, Ran};

/// Adds a webhook, which is told from now on.
fn listen(home: &Home, hook: &Hook) {
    let words = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &hook.url];
    run(home, &words);
    run(home, &["notify", "--dry-run"]);
    run(home, &["notify", "start", "--yes"]);
}

/// What the hook is told now beside findings.
fn told(home: &Home, hook: &Hook) -> Vec<Came> {
    run(home, &["notify", "--now"]);
    let is_event = |came: &Came| came.body()["data"].get("rules").is_none();
    let mut told: Vec<Came> = hook.take().into_iter().filter(is_event).collect();
    told.sort_by_key(Came::event);
    told
}

fn names(told: &[Came]) -> Vec<String> {
    told.iter().map(Came::event).collect()
}

fn now() -> jiff::Timestamp {
    at(&keytender::clock::now().to_string())
}

#[test]
fn webhooks_are_told_once_what_happened_to_keys_since_the_first_look() {
    for database in new_databases() {
        let fake = FakeIam::start(account(keytender::clock::now()));
        let home = home(&fake, &database);
        let hook = Hook::start("204 No Content");
        run(&home, &["accounts", "add", "aws", "prod"]);
        listen(&home, &hook);
        // What the first look finds is not new.
        run(&home, &["sync"]);
        assert_eq!(names(&told(&home, &hook)), Vec::<String>::new());
        fake.with_account(|account| {
            account.key_mut(BACKUP).active = false;
            account.report = Report::NeverAsked;
            account.report_generated_at = now();
            let used = Key::new(DEPLOY, account.key_mut(DEPLOY).created);
            *account.key_mut(DEPLOY) = used.used(now(), "eu-west-1", "s3");
            account
                .users
                .push(User::new("new", now()).key(Key::new("AKIAQNEW000000000001", now())));
        });
        run(&home, &["sync"]);
        run(&home, &["sync"]);
        let all = told(&home, &hook);
        assert_eq!(names(&all), ["key.created", "key.first_used", "key.suspended"]);
        let suspended = all[2].body();
        let facts = &suspended["data"]["facts"];
        assert_eq!(
            (&facts["key_id"], &facts["status"]),
            (&json!(BACKUP), &json!("suspended (Inactive)"))
        );
        assert_eq!(facts["owner"], "missing");
        assert!(suspended["data"]["key"].as_str().unwrap().starts_with("key_"));
        // Nobody was asked yet who answers for a key that is new.
        assert_eq!(all[0].body()["data"]["facts"].get("owner"), None);
        let list = run(&home, &["notices", "list"]).stdout;
        assert!(list.contains("key.first_used: deploy"), "{list}");
        fake.with_account(|account| {
            account.key_mut(BACKUP).active = true;
            account.user_mut("deploy").keys.clear();
        });
        run(&home, &["sync"]);
        // One listing without a key says nothing yet.
        assert_eq!(names(&told(&home, &hook)), ["key.resumed"]);
        run(&home, &["sync"]);
        run(&home, &["sync"]);
        assert_eq!(names(&told(&home, &hook)), ["key.deleted"]);
        // What Keytender does itself is told when it is done, and not again when it is seen.
        run(&home, &["keys", "disable", BACKUP, "--yes"]);
        run(&home, &["sync"]);
        assert_eq!(names(&told(&home, &hook)), ["key.suspended"]);
        run(&home, &["keys", "enable", BACKUP, "--yes"]);
        run(&home, &["keys", "delete", BACKUP, "--yes", "--really", "--because", "test"]);
        run(&home, &["sync"]);
        run(&home, &["sync"]);
        assert_eq!(names(&told(&home, &hook)), ["key.deleted", "key.resumed"]);
    }
}

#[test]
fn nothing_is_written_before_notices_were_started_or_where_no_webhook_is() {
    let more = |fake: &FakeIam, id: &str| {
        let key = Key::new(id, now());
        fake.with_account(|account| account.users.push(User::new(id, now()).key(key)));
    };
    for database in new_databases() {
        let fake = FakeIam::start(account(keytender::clock::now()));
        let home = home(&fake, &database);
        let hook = Hook::start("204 No Content");
        run(&home, &["accounts", "add", "aws", "prod"]);
        run(&home, &["sync"]);
        let outbox = || run(&home, &["notices", "list", "--json"]).json()["notices"].clone();
        let chat = home.run_with_input(
            &["channels", "add", "slack", "ops", "--allow-private", "--url", "-"],
            &hook.url,
        );
        assert_eq!(chat.code, 0);
        run(&home, &["notify", "--dry-run"]);
        run(&home, &["notify", "start", "--yes"]);
        more(&fake, "AKIAQNEW000000000001");
        run(&home, &["sync"]);
        assert_eq!(outbox(), json!([]), "a chat is not told of events");
        run(&home, &["notify", "stop"]);
        run(&home, &["channels", "add", "webhook", "siem", "--allow-private", "--url", &hook.url]);
        more(&fake, "AKIAQNEW000000000002");
        run(&home, &["sync"]);
        assert_eq!(outbox(), json!([]), "nothing goes out before it was started");
        run(&home, &["notify", "start", "--yes"]);
        more(&fake, "AKIAQNEW000000000003");
        run(&home, &["sync"]);
        let written = outbox();
        let subjects: Vec<&Value> =
            written.as_array().unwrap().iter().map(|one| &one["subject"]).collect();
        assert_eq!(subjects, ["key.created: AKIAQNEW000000000003 at AWS 123456789012 (prod)"]);
    }
}

#[test]
fn our_own_tokens_are_told_of_when_they_are_made_used_first_and_ended() {
    for database in new_databases() {
        let home =
            Home::new().with("KEYTENDER_DATABASE", &database.text).with("KEYTENDER_ACTOR", "mia");
        let hook = Hook::start("204 No Content");
        run(&home, &["users", "add", "boss", "--role", "administrator"]);
        listen(&home, &hook);
        run(&home, &["users", "add", "ci", "--role", "auditor"]);
        let made =
            |label: &str| -> Ran { run(&home, &["tokens", "create", "ci", "--name", label]) };
        let token = made("build").stdout.trim().to_owned();
        made("deploy");
        assert_eq!(names(&told(&home, &hook)), ["key.created", "key.created"]);
        let verify = || {
            crate::databases::block_on(async {
                let location = keytender::store::db::Location::parse(&database.text);
                let store = keytender::store::Store::open(&location).await.unwrap();
                let now = keytender::clock::now();
                let caller = keytender::app::tokens::verify(&store, &token, now).await.unwrap();
                store.close().await;
                caller.is_some()
            })
        };
        assert!(verify() && verify());
        let used = told(&home, &hook);
        assert_eq!(names(&used), ["key.first_used"]);
        let text = used[0].text.as_str();
        assert!(!text.contains(token.split('_').next_back().unwrap()), "{text}");
        let key = used[0].body()["data"]["key"].as_str().unwrap().to_owned();
        run(&home, &["keys", "disable", &key, "--yes"]);
        assert_eq!(names(&told(&home, &hook)), ["key.suspended"]);
        assert!(!verify());
        run(&home, &["keys", "delete", &key, "--yes", "--really", "--because", "test"]);
        assert_eq!(names(&told(&home, &hook)), ["key.revoked"]);
        // With their user the other ones end; what ended before is not told again.
        run(&home, &["users", "remove", "ci", "--yes"]);
        assert_eq!(names(&told(&home, &hook)), ["key.revoked"]);
    }
}
