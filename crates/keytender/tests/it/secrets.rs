//! A secret that was given to the program is found nowhere in clear.

use std::path::Path;

use keytender::store::Store;
use keytender::store::db::{Kind, Location};
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use crate::databases::{block_on, new_databases};
use crate::fake_iam::{AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, at};
use crate::inventory::run;
use crate::webhook::{one_request, verified};
use crate::{Home, Ran, partner};

const SECRET: &str = "hunter2-c0rrect-h0rse";

/// Every byte below a folder.
pub(crate) fn bytes_below(folder: &Path) -> Vec<u8> {
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
pub(crate) fn rows(database: &str) -> String {
    block_on(async {
        let store = Store::open(&Location::parse(database)).await.unwrap();
        let mut text = String::new();
        if store.db().kind() == Kind::Postgres {
            for table in [
                "channels",
                "accounts",
                "keys",
                "issued_keys",
                "apps",
                "idempotency_keys",
                "acts",
                "notices",
                "settings",
                "versions",
            ] {
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

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
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

#[test]
fn an_account_is_reached_with_a_key_that_is_kept_sealed_or_referenced() {
    for database in new_databases() {
        let account = Account::new("123456789012", at(&keytender::clock::now().to_string()));
        let fake = FakeIam::start(account);
        let key = format!("{AUDITOR_KEY_ID} {AUDITOR_SECRET}");
        let home = Home::new()
            .with("AWS_ENDPOINT_URL", fake.url())
            .with("KEYTENDER_DATABASE", &database.text)
            .with("PROD_KEY", format!("{{\"AccessKeyId\":\"{AUDITOR_KEY_ID}\",\"SecretAccessKey\":\"{AUDITOR_SECRET}\"}}"))
            .with("BAD_KEY", AUDITOR_SECRET);
        let words = ["accounts", "add", "aws", "prod", "--credential"];
        for (place, code) in [(AUDITOR_SECRET, 2), ("env:BAD_KEY", 1), ("env:PROD_KEY", 0)] {
            let ran = home.run(&[&words[..], &[place]].concat());
            assert_eq!(ran.code, code, "{}", ran.stderr);
            assert!(!ran.stderr.contains(AUDITOR_SECRET), "{}", ran.stderr);
        }
        run(&home, &["sync"]);
        run(&home, &["accounts", "remove", "prod", "--yes"]);
        let added = home.run_with_input(&[&words[..], &["-"]].concat(), &key);
        assert_eq!(added.code, 0, "{}", added.stderr);
        run(&home, &["sync"]);
        let checked = run(&home, &["accounts", "check", "prod"]).stdout;
        assert!(checked.contains("user/auditor"), "{checked}");
        let listed = run(&home, &["accounts", "list", "--json"]).stdout;
        let mut everything = [listed.into_bytes(), bytes_below(home.path())].concat();
        match Location::parse(&database.text) {
            Location::File(path) => everything.extend(bytes_below(path.parent().unwrap())),
            Location::Postgres(_) => everything.extend(rows(&database.text).into_bytes()),
        }
        assert!(contains(&everything, "account.add") && !contains(&everything, AUDITOR_SECRET));
    }
}

#[test]
fn the_secrets_of_an_export_are_kept_sealed_only_if_somebody_asks_for_it() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        for keeps in [false, true] {
            let export = json!({"accounts": [{"items": [{"title": format!("live {keeps}"),
                "credentials": [{"type": "api-key", "key": {"value": SECRET}}]}]}]});
            let file = home.write("export.json", export.to_string());
            let words = ["keys", "import", "export.json"];
            let more: &[&str] = if keeps { &["--keep-secrets"] } else { &[] };
            run(&home, &[&words[..], more].concat());
            std::fs::remove_file(file).unwrap();
            let shown = run(&home, &["keys", "show", &format!("live {keeps}")]).stdout;
            assert_eq!(shown.contains("kept, sealed"), keeps, "{shown}");
            assert!(!shown.contains(SECRET));
            let mut everything = bytes_below(home.path());
            if let Location::File(path) = Location::parse(&database.text) {
                everything.extend(bytes_below(path.parent().unwrap()));
            }
            assert!(!contains(&everything, SECRET) && !rows(&database.text).contains(SECRET));
        }
    }
}
