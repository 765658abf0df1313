//! Keys in files beside the inventory: known by id or fingerprint, kept where they stand, added, and asked live.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::planted::{Seeded, aws, github};
use super::{findings, seeded_key};
use crate::databases::{Database, new_databases};
use crate::descriptor::provider::{Provider, good, json_of};
use crate::fake_iam::{Account, FakeIam, Key, User, at};
use crate::{Home, Ran};

pub(super) fn done(home: &Home, words: &[&str]) -> Ran {
    let ran = home.run(words);
    assert_eq!(ran.code, 0, "{words:?}\n{}{}", ran.stdout, ran.stderr);
    ran
}

fn home(database: &Database) -> Home {
    Home::new().with("KEYTENDER_DATABASE", &database.text).with("HOSTNAME", "desk")
}

/// Where the file of a home is.
fn whole(home: &Home, name: &str) -> String {
    let path: PathBuf = home.path().join(name);
    path.canonicalize().unwrap().display().to_string()
}

pub(super) fn show(home: &Home, key: &str) -> Value {
    done(home, &["keys", "show", key, "--json"]).json()["keys"][0].clone()
}

#[test]
fn a_key_of_the_inventory_is_known_where_it_stands_until_it_stands_there_no_more() {
    for database in new_databases() {
        let home = home(&database);
        let key = aws(&mut Seeded(20));
        let id = key.text.lines().next().unwrap();
        done(&home, &["owners", "add", "ops", "--address", "ops@example.org"]);
        let created = ["--id", id, "--created", "2024-01-15", "--owner", "ops"];
        done(&home, &[&["keys", "add", "aws", "deploy"], &created[..]].concat());
        home.write("shop/.env", format!("AWS_ACCESS_KEY_ID={}\n", key.text));
        home.write("shop/other.txt", "nothing\n");

        let table = done(&home, &["scan", "shop"]).stdout;
        for part in
            ["shop/.env:1:19", id, "deploy", "old, owner ops", "due: rotate", "1 of the inventory"]
        {
            assert!(table.contains(part), "{part}: {table}");
        }
        let found = findings(&done(&home, &["scan", "shop", "--format", "json"]));
        assert_eq!((found.len(), &found[0]["key"]["owner"]), (1, &json!("ops")));
        assert!(found[0]["key"]["age_days"].as_i64().unwrap() > 412);

        let files = show(&home, id)["found_in"].clone();
        let path = whole(&home, "shop/.env");
        assert_eq!(files[0]["path"], *path);
        assert_eq!((&files[0]["host"], &files[0]["line"]), (&json!("desk"), &json!(1)));
        let story = done(&home, &["keys", "show", id]).stdout;
        assert!(story.contains(&format!("stands in   {path}:1 on desk, found ")), "{story}");

        // Another folder says nothing of this one, and a file that is left out is read again.
        home.write("empty/a.txt", "nothing\n");
        done(&home, &["scan", "empty"]);
        home.write("shop/large.txt", format!("{} {}\n", " ".repeat(1_100_000), key.text));
        done(&home, &["scan", "shop", "--max-size", "2"]);
        done(&home, &["scan", "shop", "--max-size", "1"]);
        assert_eq!(show(&home, id)["found_in"].as_array().unwrap().len(), 2);

        home.write("shop/.env", "AWS_PROFILE=shop\n");
        fs::remove_file(home.path().join("shop/large.txt")).unwrap();
        let ran = done(&home, &["scan", "shop"]);
        assert!(ran.stderr.contains("2 places forgotten"), "{}", ran.stderr);
        assert_eq!(show(&home, id).get("found_in"), None);
    }
}

#[test]
fn what_the_inventory_does_not_know_is_added_once_and_known_then() {
    for database in new_databases() {
        let home = home(&database);
        let (first, second) = (seeded_key(&mut Seeded(21)), seeded_key(&mut Seeded(22)));
        home.write("shop/.env", &first);
        home.write("shop/copy.env", &first);
        let other = home.write("shop/ci.yml", &second);
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options().write(true).open(other).unwrap().set_modified(long_ago).unwrap();
        // The command that lists makes the inventory that a scan would not.
        done(&home, &["keys", "list"]);
        let looked = done(&home, &["scan", "shop"]);
        assert!(looked.stdout.contains("not in the inventory"), "{}", looked.stdout);

        let added = done(&home, &["scan", "shop", "--add"]);
        assert!(added.stderr.contains("2 keys added"), "{}", added.stderr);
        let again = done(&home, &["scan", "shop", "--add"]);
        assert!(again.stderr.contains("0 keys added"), "{}", again.stderr);
        let keys = done(&home, &["keys", "list", "--json"]).json()["keys"].clone();
        assert_eq!(keys.as_array().unwrap().len(), 2);
        let of = |file: &str| {
            let label = |key: &&Value| key["label"].as_str().unwrap().contains(file);
            keys.as_array().unwrap().iter().find(label).unwrap().clone()
        };
        let (env, ci) = (of("env"), of("ci.yml"));
        assert_eq!(env["found_in"].as_array().unwrap().len(), 2);
        assert_eq!((&env["provider"], &env["key_type"]), (&json!("stripe"), &json!("api-key")));
        // Nobody tells when it was made: it is at least as old as its file.
        assert_eq!(
            (&ci["created_at"], &ci["first_seen_at"]),
            (&Value::Null, &json!("2023-11-14T22:13:20Z"))
        );
        assert!(ci["id"].as_str().unwrap().starts_with("sha256-"));
        let found = findings(&done(&home, &["scan", "shop", "--format", "json"]));
        assert!(found.iter().all(|one| one["key"]["key"].is_string()), "{found:?}");
        for secret in [&first, &second] {
            let secret = secret.trim().split_once('=').unwrap().1;
            let all = [&looked.stdout, &added.stdout, &added.stderr, &again.stdout];
            assert!(all.iter().all(|text| !text.contains(secret)));
            if database.text.ends_with(".db") {
                let kept = fs::read(&database.text).unwrap();
                assert!(!kept.windows(secret.len()).any(|part| part == secret.as_bytes()));
            }
        }
        assert_eq!(done(&home, &["log", "verify"]).code, 0);
    }
}

#[test]
fn a_key_that_was_issued_here_is_known() {
    let database = new_databases().remove(0);
    let home = home(&database);
    done(&home, &["apis", "add", "acme-pay", "--brand", "acme"]);
    done(&home, &["accounts", "add", "acme-pay", "globex"]);
    let app = done(&home, &["apps", "add", "acme-pay/globex", "web-shop"]).stdout;
    let key = done(&home, &["keys", "create", "--app", app.trim(), "--name", "checkout"]).stdout;
    home.write("t/.env", format!("ACME_KEY={key}"));
    let found = findings(&done(&home, &["scan", "t", "--format", "json"]));
    assert_eq!((found.len(), &found[0]["evidence"]), (1, &json!("checksum")));
    assert_eq!(found[0]["key"]["account_name"], "acme-pay/globex");
    let none = findings(&done(&home, &["scan", "t", "--format", "json", "--no-inventory"]));
    assert_eq!(none[0]["key"], Value::Null);
}

/// A GitLab that knows one token.
fn gitlab(token: &str) -> Provider {
    let token = token.to_owned();
    Provider::start(move |came| {
        assert_eq!(came.line, "GET /api/v4/personal_access_tokens/self");
        match came.headers["private-token"] == *token {
            true => good(json!({
                "id": 77, "name": "deploy", "active": true, "revoked": false,
                "created_at": "2025-01-15T08:00:00.000Z", "expires_at": null, "last_used_at": null
            })),
            false => json_of(401, &json!({"message": "401 Unauthorized"})),
        }
    })
}

#[test]
fn a_provider_is_asked_with_the_key_itself_after_a_yes_and_says_whose_it_is() {
    let home = Home::new().with("KEYTENDER_DATABASE", "here.db");
    let mut seeded = Seeded(23);
    let mut token =
        || format!("glpat-{}", seeded.of("0123456789abcdefghjkmnpqrstuvwxyzABCDEFGH", 20));
    let (good, bad) = (token(), token());
    let provider = gitlab(&good);
    home.write(
        "t/.env",
        format!("GITLAB_TOKEN={good}\nOLD={bad}\nX=sk_live_{}\n", "kT9mV2xQ7rLp4WnB8sYc3fGh"),
    );
    done(&home, &["keys", "add", "gitlab", "deploy", "--id", "77"]);
    let endpoint = format!("gitlab={}", provider.url.as_str().trim_end_matches('/'));
    let words =
        ["scan", "t", "--live", "--endpoint", &endpoint, "--allow-private", "--format", "json"];

    let refused = home.run(&words);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("GET /personal_access_tokens/self at http://127.0.0.1"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("with 2 keys") && refused.stderr.contains("nobody can be asked"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("1 key of which no provider can be asked"),
        "{}",
        refused.stderr
    );
    assert!(provider.came().is_empty(), "nobody agreed");

    let ran = done(&home, &[&words[..], &["--yes"]].concat());
    assert_eq!(provider.came().len(), 2);
    let found = findings(&ran);
    assert_eq!(
        (&found[0]["live"]["works"], &found[1]["live"]["works"]),
        (&json!(true), &json!(false))
    );
    assert!(found[0]["live"]["says"].as_str().unwrap().contains("`deploy`"));
    assert_eq!(found[0]["key"]["name"], "gitlab/deploy", "known by the id that the provider told");
    assert_eq!(found[2]["live"], Value::Null);
    // What was learned is kept: without asking, the key is known by its fingerprint.
    let later = findings(&done(&home, &["scan", "t", "--format", "json"]));
    assert_eq!(later[0]["key"]["name"], "gitlab/deploy");
    for secret in [good, bad] {
        assert!(!ran.stdout.contains(&secret) && !ran.stderr.contains(&secret));
    }
}

#[test]
fn github_is_asked_who_a_token_acts_for() {
    let home = Home::new();
    let mut seeded = Seeded(26);
    let [good, bad, installed] = ["ghp", "gho", "ghs"].map(|word| github(&mut seeded, word));
    let (works, may_not) = (format!("Bearer {good}"), format!("Bearer {installed}"));
    let provider = Provider::start(move |came| match came.authorization() {
        one if one == works => json_of(200, &json!({"login": "ann", "id": 5, "type": "User"})),
        one if one == may_not => json_of(403, &json!({"message": "Resource not accessible"})),
        _ => json_of(401, &json!({"message": "Bad credentials"})),
    });
    home.write("t/.env", format!("A={good}\nB={bad}\nC={installed}\n"));
    let endpoint = format!("github={}", provider.url.as_str().trim_end_matches('/'));
    let words = [
        "scan",
        "t",
        "--no-inventory",
        "--live",
        "--yes",
        "--allow-private",
        "--endpoint",
        &endpoint,
    ];
    let ran = done(&home, &[&words[..], &["--format", "json"]].concat());
    assert!(provider.lines().iter().all(|line| line == "GET /user"), "{:?}", provider.lines());
    let found = findings(&ran);
    let works: Vec<_> = found.iter().map(|one| one["live"]["works"].clone()).collect();
    assert_eq!(works, [json!(true), json!(false), json!(null)]);
    assert!(found[0]["live"]["says"].as_str().unwrap().contains("in ann"), "{}", found[0]);
    assert!(found[2]["live"]["says"].as_str().unwrap().contains("permission"), "{}", found[2]);
    for secret in [good, bad, installed] {
        assert!(!ran.stdout.contains(&secret) && !ran.stderr.contains(&secret));
    }
}

#[test]
fn aws_is_asked_who_a_key_is() {
    let (good, bad) = (aws(&mut Seeded(24)), aws(&mut Seeded(25)));
    let id = good.text.lines().next().unwrap();
    let made = at("2024-06-15T12:00:00Z");
    let user = User::new("ci", made).key(Key::new(id, made));
    let fake = FakeIam::start(Account::new("123456789012", at("2026-11-24T00:00:00Z")).user(user));
    let home = Home::new();
    for (name, key) in [("a", &good), ("b", &bad)] {
        home.write(&format!("t/{name}.ini"), format!("aws_access_key_id = {}\n", key.text));
    }
    let endpoint = format!("aws={}", fake.url());
    let ran =
        done(&home, &["scan", "t", "--live", "--yes", "--endpoint", &endpoint, "--format", "json"]);
    let found = findings(&ran);
    assert_eq!(
        found[0]["live"],
        json!({"works": true, "says": "arn:aws:iam::123456789012:user/ci"})
    );
    assert_eq!(found[1]["live"]["works"], false);
    assert_eq!(fake.calls().keys().collect::<Vec<_>>(), ["GetCallerIdentity"]);
}
