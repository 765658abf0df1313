//! A secret that was given to the program is found nowhere in clear.

use std::path::Path;

use keytender::store::Store;
use keytender::store::db::{Kind, Location};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use crate::databases::{block_on, new_databases};
use crate::inventory::run;
use crate::notify::{one_request, verified};
use crate::{Home, Ran, partner};

const SECRET: &str = "hunter2-c0rrect-h0rse";

/// Every byte below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(bytes_below(&path));
        } else {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}

/// Every row of every table, as text.
fn rows(database: &str) -> String {
    block_on(async {
        let store = Store::open(&Location::parse(database)).await.unwrap();
        let mut text = String::new();
        if store.db().kind() == Kind::Postgres {
            for table in ["channels", "accounts", "acts", "notices", "settings", "versions"] {
                let sql = format!("SELECT CAST(t.* AS TEXT) FROM {table} t");
                for row in store.db().fetch(&sql, Vec::new()).await.unwrap() {
                    text.push_str(&row.cells().text().unwrap());
                }
            }
        }
        store.close().await;
        text
    })
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_kept_password_is_in_no_file_no_row_no_log_and_no_error() {
    for database in new_databases() {
        let home = Home::new()
            .with("KEYTENDER_DATABASE", &database.text)
            .with("RUST_LOG", "trace")
            .with("KEYTENDER_ACTOR", "mia");
        let mail =
            ["channels", "add", "mail", "--host", "127.0.0.1", "--port", "9", "--tls", "none"];
        let more = ["--from", "keys@example.com", "--user", "keys", "--password"];
        // The secret itself where a place is expected: refused, and not repeated.
        let wrong = home.run(&[&mail[..], &more, &[SECRET]].concat());
        assert_eq!(wrong.code, 2, "{}", wrong.stderr);
        let added =
            home.run_with_input(&[&mail[..], &more, &["-"]].concat(), &format!("{SECRET}\n"));
        assert_eq!(added.code, 0, "{}", added.stderr);
        let mut ran: Vec<Ran> = vec![wrong, added];
        // Nobody listens there: an error, with the password in hand.
        ran.push(home.run(&["notify", "test", "you@example.com"]));
        assert_eq!(ran[2].code, 1);
        for words in [&["channels", "list"][..], &["log", "--json"], &["log", "verify"]] {
            ran.push(run(&home, words));
        }
        for one in &ran {
            assert!(!one.stdout.contains(SECRET) && !one.stderr.contains(SECRET), "{}", one.stderr);
        }
        let mut everything = bytes_below(home.path());
        if let Location::File(path) = Location::parse(&database.text) {
            everything.extend(bytes_below(path.parent().unwrap()));
            assert!(contains(&everything, "channel.add"), "the database was read");
        } else {
            let rows = rows(&database.text);
            assert!(rows.contains("channel.add"), "the database was read");
            everything.extend(rows.into_bytes());
        }
        assert!(!contains(&everything, SECRET), "in clear");
    }
}

#[test]
fn places_of_secrets_are_asked_and_their_failures_told_without_the_secret() {
    let home = Home::new()
        .with("KEYTENDER_DATABASE", "inventory.db")
        .with("PASSWORD", SECRET)
        .with("PATH", "/usr/bin:/bin");
    let add = |name: &str, place: &str| {
        let mail = ["channels", "add", "mail", name, "--host", "127.0.0.1", "--tls", "none"];
        let more = ["--from", "keys@example.com", "--user", "keys", "--password", place];
        home.run(&[&mail[..], &more].concat())
    };
    home.write("open.txt", SECRET);
    let private = home.write("private.txt", format!("{SECRET}\n"));
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&private, PermissionsExt::from_mode(0o600)).unwrap();
    for place in ["env:PASSWORD", "file:private.txt", "command:cat private.txt"] {
        let name = place.split(':').next().unwrap();
        let added = add(name, place);
        assert_eq!(added.code, 0, "{place}: {}", added.stderr);
    }
    for (place, why) in [
        ("env:NOWHERE", "holds no secret"),
        ("file:missing.txt", "cannot read"),
        ("file:open.txt", "chmod 600"),
        ("command:false", "it failed"),
        ("command:nowhere-at-all", "cannot run"),
        ("command:true", "it is empty"),
        ("keyring:keytender/nobody", "the keyring gives no secret"),
    ] {
        let refused = add("other", place);
        assert_eq!(refused.code, 1, "{place}");
        assert!(refused.stderr.contains(why), "{place}: {}", refused.stderr);
        assert!(!refused.stderr.contains(SECRET), "{place}");
    }
}

#[test]
fn a_webhook_is_signed_with_the_secret_that_was_shown_once() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        run(&home, &["keys", "add", "stripe", "live", "--created", "2020-01-01"]);
        let (url, server) = one_request("204 No Content");
        let words = ["channels", "add", "webhook", "siem", "--allow-private", "--url", &url];
        let shown = run(&home, &words).stdout;
        let secret = Secret::new(shown.trim());
        assert!(secret.expose().starts_with("whsec_"));
        run(&home, &["notify", "--dry-run"]);
        run(&home, &["notify", "start", "--yes"]);
        let rule = "[[rule]]\nid = \"old\"\nwhen = { age_over = \"365d\" }\nseverity = \"high\"\n\
                    action = \"rotate\"\ntitle = \"Old\"\n";
        home.write("one.toml", rule);
        run(&home, &["policy", "use", "one.toml"]);
        assert_eq!(run(&home, &["notify"]).stdout, "1 notice sent\n");
        let (headers, body) = server.join().unwrap();
        let headers: Value =
            headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
        let event = verified(&python, &secret, &headers, &body).unwrap();
        assert_eq!(event["type"], "key.aged");
        assert_eq!(event["data"]["rules"], json!(["old"]));
        assert_eq!(event["data"]["action"], "rotate");
        let other = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(verified(&python, &other, &headers, &body), None);
        let private = run(&home, &["channels", "list"]).stdout;
        assert!(private.contains("kept sealed") && !private.contains(secret.expose()));
        let refused = home.run(&["channels", "add", "webhook", "inner", "--url", &url]);
        assert!(refused.stderr.contains("--allow-private"), "{}", refused.stderr);
    }
}
