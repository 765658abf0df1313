//! The inventory, through the program: the same story on both databases.

use keytender_core::time::{Span, Time};
use serde_json::Value;

use crate::databases::{Database, new_databases};
use crate::fake_iam::{
    AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, Key, Report, Root, User, at,
};
use crate::{Home, Ran};

pub(crate) const ROOT: &str = "root/1";
const ACCOUNT: &str = "123456789012";
pub(crate) const DEPLOY: &str = "AKIAQDEPLOY000000001";
pub(crate) const BACKUP: &str = "AKIAQBACKUP000000001";

/// An account as it is at `now`: a root key, a deployer's key that was never used, a backup in use.
pub(crate) fn account(now: Time) -> Account {
    let ago = |days: u32| at(&now.minus(Span::days(days)).to_string());
    let used = |key: Key| key.used(ago(1), "eu-west-1", "s3");
    Account::new(ACCOUNT, ago(0))
        .root(Root::new(ago(3000)).key(used(Key::new("AKIAQROOT00000000001", ago(2500)))))
        .user(User::new("deploy", ago(500)).key(Key::new(DEPLOY, ago(400))))
        .user(User::new("backup@example.com", ago(50)).key(used(Key::new(BACKUP, ago(40)))))
}

/// A home whose commands reach the fake and one database.
pub(crate) fn home(fake: &FakeIam, database: &Database) -> Home {
    Home::new()
        .with("AWS_ENDPOINT_URL", fake.url())
        .with("AWS_REGION", "eu-central-1")
        .with("AWS_ACCESS_KEY_ID", AUDITOR_KEY_ID)
        .with("AWS_SECRET_ACCESS_KEY", AUDITOR_SECRET)
        .with("KEYTENDER_DATABASE", &database.text)
        .with("KEYTENDER_ACTOR", "mia")
        .with("HOSTNAME", "desk")
}

/// Runs a story on an account of its own and each database; what it printed is the same on both.
pub(crate) fn on_each_database(story: impl Fn(&FakeIam, &Home) -> Vec<Ran>) {
    let mut first: Option<Vec<String>> = None;
    let now = keytender::clock::now();
    for database in new_databases() {
        let fake = FakeIam::start(account(now));
        let home = home(&fake, &database);
        let printed: Vec<String> = story(&fake, &home)
            .iter()
            .map(|ran| without_ids(&format!("{}\n{}\n{}", ran.code, ran.stdout, ran.stderr)))
            .collect();
        match &first {
            None => first = Some(printed),
            Some(first) => assert_eq!(first, &printed, "{}", database.text),
        }
    }
}

/// The text with every id and every moment of its own replaced: they differ from run to run.
pub(crate) fn without_ids(text: &str) -> String {
    let today = keytender::clock::now().date();
    let is_letter = |one: char| one.is_ascii_alphanumeric() || "_:.-".contains(one);
    let mut plain = String::new();
    let mut word = String::new();
    for one in text.chars().chain(['\n']) {
        if is_letter(one) {
            word.push(one);
            continue;
        }
        let plain_word = word.trim_end_matches([':', '.']);
        let is_id = plain_word.len() == 17 && word.chars().nth(3) == Some('_');
        if !is_id && !word.starts_with(&today) {
            plain.push_str(&word);
        }
        word.clear();
        plain.push(one);
    }
    plain
}

#[track_caller]
pub(crate) fn run(home: &Home, words: &[&str]) -> Ran {
    let ran = home.run(words);
    assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.stdout, ran.stderr);
    ran
}

fn keys(home: &Home, words: &[&str]) -> Vec<Value> {
    let json = run(home, &[&["keys", "list", "--json"], words].concat()).json();
    json["keys"].as_array().unwrap().clone()
}

pub(crate) fn key(home: &Home, id: &str) -> Value {
    run(home, &["keys", "show", id, "--json"]).json()["keys"][0].clone()
}

#[test]
fn an_account_is_added_synced_and_remembered() {
    on_each_database(|fake, home| {
        let mut ran = vec![run(home, &["accounts", "add", "aws", "prod"])];
        ran.push(run(home, &["sync"]));
        assert!(ran[1].stdout.contains("prod: 3 keys; 3 found"), "{}", ran[1].stdout);
        fake.reset_calls();
        ran.push(run(home, &["sync", "prod"]));
        assert!(ran[2].stdout.contains("3 keys, nothing new"), "{}", ran[2].stdout);
        let calls = fake.calls();
        assert_eq!(calls.get("GetAccessKeyLastUsed"), None, "the report tells: {calls:?}");
        let listed = keys(home, &["--due"]);
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0]["principal"], "<root_account>");
        assert_eq!(listed[0]["action"], "remove");
        assert_eq!(listed[1]["id"], DEPLOY);
        assert_eq!(listed[1]["last_used"]["status"], "never");
        ran.push(run(home, &["keys", "list"]));
        ran.push(run(home, &["keys", "show", DEPLOY]));
        ran.push(run(home, &["accounts", "list"]));
        ran
    });
}

#[test]
fn a_sync_without_a_change_writes_nothing_but_that_it_was() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        run(home, &["sync"]);
        let json = run(home, &["accounts", "list", "--json"]).json();
        assert_eq!(json["accounts"][0]["last_sync"]["changes"], 0);
        assert_eq!(json["accounts"][0]["last_sync"]["keys"], 3);
        vec![]
    });
}

#[test]
fn a_deleted_key_is_gone_after_the_second_listing_without_it() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        fake.with_account(|account| account.user_mut("deploy").keys.clear());
        let mut ran = vec![run(home, &["sync"])];
        assert!(ran[0].stdout.contains("1 missing"), "{}", ran[0].stdout);
        let missing = key(home, DEPLOY);
        assert_eq!(missing["state"], "active");
        assert!(missing["missing_since"].is_string() && missing["last_seen_at"].is_string());
        ran.push(run(home, &["sync"]));
        assert!(ran[1].stdout.contains("1 gone"), "{}", ran[1].stdout);
        assert_eq!(key(home, DEPLOY)["state"], "destroyed");
        assert!(keys(home, &["--text", "deploy"]).is_empty());
        assert_eq!(keys(home, &["--state", "destroyed"]).len(), 1);
        ran.push(run(home, &["keys", "show", DEPLOY]));
        ran
    });
}

#[test]
fn the_credential_report_has_the_new_key_in_the_place_of_one_that_is_missing() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        fake.with_account(|account| {
            let made = account.now;
            account.user_mut("deploy").keys = vec![Key::new("AKIAQDEPLOY000000002", made)];
            account.user_mut("backup@example.com").keys.clear();
            account.report = Report::NeverAsked;
        });
        let synced = run(home, &["sync"]);
        assert!(synced.stdout.contains("1 found, 2 missing"), "{}", synced.stdout);
        let content = fake.with_account(|account| match &account.report {
            Report::Ready { content, .. } => content.clone(),
            other => format!("{other:?}"),
        });
        let report = run(home, &["report", "--format", "aws", "--account", "prod"]);
        assert_eq!(report.stdout, content);
        vec![synced]
    });
}

#[test]
fn an_error_is_no_listing_and_makes_nothing_never() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        fake.with_account(|account| {
            account.behaviour.fail_everything = Some((500, "ServiceFailure".to_owned()));
        });
        let failed = home.run(&["sync"]);
        assert_eq!(failed.code, 1, "{}", failed.stdout);
        assert!(failed.stderr.contains("cannot sync `prod`"), "{}", failed.stderr);
        assert_eq!(keys(home, &[]).len(), 3);
        let list = run(home, &["accounts", "list"]);
        assert!(list.stdout.contains("failed"), "{}", list.stdout);
        vec![failed, list]
    });
}

#[test]
fn credentials_that_reach_another_account_are_refused() {
    on_each_database(|fake, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        fake.with_account(|account| {
            account.id = "999999999999".to_owned();
            account.report = Report::NeverAsked;
        });
        let refused = home.run(&["sync"]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("now reach 999999999999"), "{}", refused.stderr);
        assert_eq!(keys(home, &[]).len(), 3);
        vec![refused]
    });
}

#[test]
fn owners_claim_keys_and_are_proposed() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let check = home.run(&["owners", "check"]);
        assert_eq!(check.code, 3, "{}", check.stdout);
        let mut ran = vec![
            check,
            run(home, &["owners", "add", "platform", "--address", "platform@example.com"]),
            run(home, &["owners", "claim", "platform", "--account", "prod"]),
            run(home, &["owners", "suggest"]),
        ];
        assert!(
            ran[3].stdout.contains("nobody to propose"),
            "every key has one: {}",
            ran[3].stdout
        );
        run(home, &["owners", "claim", "platform", "--account", "prod", "--remove"]);
        run(home, &["owners", "claim", "platform", "--principal", "dep*"]);
        let suggested = run(home, &["owners", "suggest", "--accept"]);
        assert!(suggested.stdout.contains("backup@example.com"), "{}", suggested.stdout);
        assert_eq!(key(home, DEPLOY)["owner"], "platform");
        assert_eq!(key(home, BACKUP)["owner"], "backup@example.com");
        assert_eq!(keys(home, &["--owner", "none"]).len(), 1);
        assert_eq!(keys(home, &["--owner", "platform"]).len(), 1);
        ran.push(run(home, &["owners", "list"]));
        run(home, &["owners", "remove", "platform", "--yes"]);
        assert_eq!(key(home, DEPLOY)["owner"], Value::Null);
        ran
    });
}

#[test]
fn a_key_that_is_kept_is_not_due_before_its_day() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let day = keytender::clock::now().plus(Span::days(30)).date();
        let without = home.run(&["keys", "set", DEPLOY, "--keep-until", &day]);
        assert_eq!(without.code, 2, "a reason is asked for: {}", without.stderr);
        run(home, &["keys", "set", DEPLOY, "--keep-until", &day, "--because", "moves in Q1"]);
        assert_eq!(key(home, DEPLOY)["due"], false);
        let shown = run(home, &["keys", "list"]);
        assert!(
            shown.stdout.contains(&format!("kept until {day}: moves in Q1")),
            "{}",
            shown.stdout
        );
        run(home, &["keys", "set", DEPLOY, "--keep-until", "none", "--because", "moved"]);
        assert_eq!(key(home, DEPLOY)["due"], true);
        vec![shown, run(home, &["keys", "show", DEPLOY])]
    });
}

#[test]
fn keys_without_an_api_are_told_by_hand() {
    on_each_database(|_, home| {
        let created = keytender::clock::now().minus(Span::days(400)).date();
        let words = ["keys", "add", "stripe", "shop live", "--created", &created];
        let more = ["--where", "the .env of shop", "--id", "sk_live_…4242"];
        run(home, &[&words[..], &more].concat());
        let twice = home.run(&words);
        assert_eq!(twice.code, 1, "{}", twice.stderr);
        let key = key(home, "shop live");
        assert_eq!(
            (&key["provider"], &key["where_used"]),
            (&"stripe".into(), &"the .env of shop".into())
        );
        assert_eq!(key["action"], "rotate");
        assert_eq!(key["last_used"]["status"], "unknown");
        vec![run(home, &["keys", "list", "--provider", "stripe"])]
    });
}

#[test]
fn filters_read_like_questions() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let soon = keytender::clock::now().plus(Span::days(10)).date();
        run(home, &["keys", "add", "github", "bot", "--expires", &soon]);
        let count = |words: &[&str]| keys(home, words).len();
        assert_eq!(count(&[]), 4);
        assert_eq!(count(&["--unused-for", "90d"]), 1);
        assert_eq!(count(&["--older-than", "365d"]), 2);
        assert_eq!(count(&["--expires-within", "30d"]), 1);
        assert_eq!(count(&["--provider", "github"]), 1);
        assert_eq!(count(&["--account", "prod"]), 3);
        assert_eq!(count(&["--action", "remove"]), 2);
        assert_eq!(count(&["--rule", "key-over-a-year"]), 2);
        assert_eq!(count(&["--text", "BACKUP"]), 1);
        assert_eq!(count(&["--text", "%"]), 0, "a pattern has no meaning here");
        assert_eq!(count(&["--limit", "1", "--offset", "3"]), 1);
        let oldest = keys(home, &["--sort", "age"]);
        assert_eq!(oldest[0]["principal"], "<root_account>");
        assert_eq!(home.run(&["keys", "list", "--account", "nowhere"]).code, 1);
        vec![]
    });
}

#[test]
fn an_imported_credential_report_is_written_again_byte_for_byte() {
    on_each_database(|_, home| {
        home.write("report.csv", crate::example());
        let words = ["keys", "import", "report.csv", "--account", "old", "--as-of"];
        run(home, &[&words[..], &["2026-11-01"]].concat());
        let report = run(home, &["report", "--format", "aws", "--account", "old"]);
        assert_eq!(report.stdout, crate::example());
        let again = run(home, &[&words[..], &["2026-11-02"]].concat());
        assert!(
            again.stderr.contains("0 keys added to old; 6 keys known already"),
            "{}",
            again.stderr
        );
        let without: Vec<String> = crate::example().lines().take(2).map(str::to_owned).collect();
        home.write("report.csv", without.join("\n"));
        run(home, &[&words[..], &["2026-11-03"]].concat());
        run(home, &[&words[..], &["2026-11-04"]].concat());
        let at = |day: &str| {
            let words = ["report", "--format", "aws", "--account", "old", "--at", day];
            run(home, &words).stdout
        };
        assert_eq!(at("2026-11-04"), without.join("\n"));
        assert_eq!(at("2026-11-02"), crate::example());
        let changed = run(home, &["report", "--compare", "2026-11-02", "2026-11-04"]);
        assert!(changed.stdout.contains("5 keys changed"), "{}", changed.stdout);
        vec![again, run(home, &["report"]), changed]
    });
}

#[test]
fn a_password_managers_export_brings_keys_in_and_no_secret() {
    on_each_database(|_, home| {
        let secret = "sk_live_thisMustNotBeSeen";
        let export = serde_json::json!({
            "version": {"major": 1, "minor": 0}, "exporterRpId": "vault.example",
            "accounts": [{"id": "a", "items": [
                {"id": "1", "title": "Stripe live", "creationAt": 1_700_000_000, "credentials": [
                    {"type": "api-key",
                     "key": {"fieldType": "concealed-string", "value": secret},
                     "url": {"fieldType": "string", "value": "https://dashboard.stripe.com"},
                     "expiryDate": {"fieldType": "date", "value": "2030-01-31"}}]},
                {"id": "2", "title": "Mail", "credentials": [
                    {"type": "basic-auth", "password": {"value": secret}}]}]}]
        });
        home.write("export.json", export.to_string());
        let ran = run(home, &["keys", "import", "export.json"]);
        assert!(ran.stderr.contains("1 key added to stripe"), "{}", ran.stderr);
        assert!(ran.stderr.contains("1 credentials are no API keys"), "{}", ran.stderr);
        let listed = keys(home, &[]);
        assert_eq!(listed[0]["label"], "Stripe live");
        assert_eq!(listed[0]["expires_at"], "2030-01-31T00:00:00Z");
        assert!(!format!("{listed:?}").contains(secret));
        home.write("broken.json", format!("{{\"accounts\": [{{\"items\": \"{secret}\"}}]}}"));
        let refused = home.run(&["keys", "import", "broken.json"]);
        assert_eq!(refused.code, 1);
        assert!(!refused.stderr.contains(secret), "{}", refused.stderr);
        vec![ran, refused, run(home, &["keys", "import", "export.json"])]
    });
}

#[test]
fn a_csv_list_brings_keys_in_with_their_owners() {
    on_each_database(|_, home| {
        run(home, &["owners", "add", "shop", "--address", "shop@example.com"]);
        let csv = "provider,name,created,expires,last_used,owner\n\
                   stripe,live,2026-01-02,,2026-11-01,shop\n\
                   github,bot,2025-01-02,2027-01-01,,nobody\n";
        home.write("keys.csv", csv);
        let ran = run(home, &["keys", "import", "keys.csv"]);
        assert!(ran.stderr.contains("2 keys added to github, stripe"), "{}", ran.stderr);
        assert!(ran.stderr.contains("there is no owner `nobody` yet"), "{}", ran.stderr);
        assert_eq!(keys(home, &["--owner", "shop"])[0]["label"], "live");
        vec![ran, run(home, &["keys", "list"])]
    });
}

#[test]
fn a_report_of_an_account_that_is_here_names_it_and_leaves_nothing_behind() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        home.write("report.csv", crate::example());
        let words = ["keys", "import", "report.csv", "--account", "old", "--as-of", "2026-11-01"];
        let refused = home.run(&words);
        assert_eq!(refused.code, 1);
        let told = "the report is of AWS account 123456789012, which is `prod`";
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
        assert!(refused.stderr.contains("keytender sync prod"), "{}", refused.stderr);
        run(home, &["accounts", "add", "aws", "twin"]);
        let twin = home.run(&["sync", "twin"]);
        assert!(twin.stderr.contains("which is known as `prod`"), "{}", twin.stderr);
        let list = run(home, &["accounts", "list", "--json"]).json();
        assert_eq!(list["accounts"].as_array().unwrap().len(), 2);
        vec![refused, twin]
    });
}

#[test]
fn that_a_key_was_found_exposed_ends_that_it_is_kept() {
    on_each_database(|_, home| {
        run(home, &["accounts", "add", "aws", "prod"]);
        run(home, &["sync"]);
        let day = keytender::clock::now().plus(Span::days(30)).date();
        run(home, &["keys", "set", DEPLOY, "--keep-until", &day, "--because", "moves in Q1"]);
        run(home, &["keys", "set", DEPLOY, "--exposed", "yes"]);
        let exposed = key(home, DEPLOY);
        assert_eq!((&exposed["due"], &exposed["keep_until"]), (&true.into(), &Value::Null));
        vec![]
    });
}

#[test]
fn more_keys_than_are_read_at_once_are_all_asked_and_all_told() {
    // Two reads of 10,000 keys, and an account that begins in the first and ends in the second.
    const USERS: usize = 3_500;
    on_each_database(|_, home| {
        let example = crate::example();
        let head = example.lines().next().unwrap();
        for (number, users) in [USERS, USERS / 2].into_iter().enumerate() {
            let mut report = head.to_owned();
            for user in 0..users {
                report.push_str(&format!(
                    "\nu{user},arn:aws:iam::{number:012}:user/u{user},2019-01-01T00:00:00Z,false,\
                     N/A,N/A,N/A,false,true,2019-01-01T00:00:00Z,N/A,N/A,N/A,false,\
                     2019-01-02T00:00:00Z,N/A,N/A,N/A,false,N/A,false,N/A"
                ));
            }
            home.write("report.csv", report);
            let name = format!("a{number}");
            let words = ["keys", "import", "report.csv", "--account", &name, "--as-of"];
            run(home, &[&words[..], &["2026-11-01"]].concat());
        }
        let keys = USERS * 3;
        let unowned = run(home, &["keys", "list", "--rule", "key-without-owner", "--json"]);
        assert_eq!(unowned.json()["total"], keys);
        // Every key is asked anew, page after page.
        let default = run(home, &["policy", "show"]).stdout;
        home.write("policy.toml", default.replace("365d", "9999d"));
        run(home, &["policy", "use", "policy.toml"]);
        let words = ["keys", "list", "--rule", "key-over-a-year", "--json", "--limit", "1"];
        assert_eq!(run(home, &words).json()["total"], 0);
        run(home, &["policy", "use", "default"]);
        assert_eq!(run(home, &words).json()["total"], keys / 2);
        let report = run(home, &["report"]).stdout;
        let rows: std::collections::BTreeSet<&str> = report.lines().collect();
        assert_eq!(rows.len(), keys + 1);
        vec![]
    });
}
