//! Live accounts, against a fake of IAM that is as strict as AWS: how many calls an audit needs,
//! and what it says when AWS does not do as it is asked.

use std::fmt::Write as _;
use std::sync::LazyLock;

use keytender_core::time::{Span, Time};
use serde_json::{Value, json};

use crate::fake_iam::{
    AUDITOR_KEY_ID, AUDITOR_SECRET, Account, FakeIam, Key, Report, Root, User, at,
};
use crate::{Home, Ran};

const ACCOUNT: &str = "123456789012";

/// The moment that accounts are audited at, in whole seconds: AWS keeps no report for longer than some
/// hours, and one that says so is not believed.
fn as_of() -> &'static str {
    static NOW: LazyLock<String> = LazyLock::new(|| {
        let micros = keytender::clock::now().as_micros();
        Time::from_micros(micros - micros % 1_000_000).to_string()
    });
    &NOW
}

/// So many hours before that.
fn hours_ago(hours: u32) -> String {
    let span = Span::parse(&format!("{hours}h")).unwrap();
    Time::parse(as_of()).unwrap().minus(span).to_string()
}

/// An account as of that moment.
fn account() -> Account {
    Account::new(ACCOUNT, at(as_of()))
}

/// A user with one key of this age.
fn user(name: &str, id: &str, age_days: u32) -> User {
    let created = Time::parse(as_of()).unwrap().minus(Span::days(age_days)).to_string();
    let used = Time::parse(as_of()).unwrap().minus(Span::days(1)).to_string();
    User::new(name, at(&created)).key(Key::new(id, at(&created)).used(at(&used), "eu-west-1", "s3"))
}

fn home(fake: &FakeIam) -> Home {
    Home::new()
        .with("AWS_ENDPOINT_URL", fake.url())
        .with("AWS_REGION", "eu-central-1")
        .with("AWS_ACCESS_KEY_ID", AUDITOR_KEY_ID)
        .with("AWS_SECRET_ACCESS_KEY", AUDITOR_SECRET)
}

fn audit(fake: &FakeIam, words: &[&str]) -> Ran {
    home(fake).run(&[&["audit", "aws", "--as-of", as_of(), "--format", "json"], words].concat())
}

/// The key of `principal` in an audit's JSON.
fn key<'j>(json: &'j Value, principal: &str) -> &'j Value {
    json["keys"].as_array().unwrap().iter().find(|key| key["principal"] == principal).unwrap()
}

fn warnings(json: &Value) -> String {
    json["sources"][0]["warnings"].to_string()
}

#[test]
fn a_thousand_users_of_whom_40_are_due_need_at_most_43_calls_and_the_polls() {
    let mut account = account().report_polls(3);
    for place in 0..1_000 {
        let age = if place % 25 == 0 { 400 } else { 30 };
        account = account.user(user(&format!("user-{place:04}"), &format!("AKIA{place:016}"), age));
    }
    let fake = FakeIam::start(account);
    let json = audit(&fake, &[]).json();
    assert_eq!(json["summary"]["due"], 40);
    assert!(
        json["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["due"] == false || key["id"].is_string())
    );
    let calls = fake.calls();
    assert_eq!(calls["ListAccessKeys"], 40);
    assert_eq!(calls["GetCredentialReport"], 1);
    let polls = calls["GenerateCredentialReport"] - 1;
    assert!(fake.total_calls() <= 3 + 40 + polls, "{calls:?}");
}

#[test]
fn the_report_alone_is_two_calls_and_no_ids() {
    let fake =
        FakeIam::start(account().user(user("deploy", "AKIADEPLOY0000000001", 400)).report_ready());
    let json = audit(&fake, &["--report-only"]).json();
    assert_eq!((&json["summary"]["due"], &json["keys"][0]["id"]), (&json!(1), &Value::Null));
    assert_eq!(fake.total_calls(), 2);
}

#[test]
fn a_live_account_looks_as_the_contract_says() {
    let fake = FakeIam::start(
        account().user(user("deploy", "AKIADEPLOY0000000001", 400)).root(
            Root::new(at("2014-03-02T09:11:54Z"))
                .key(Key::new("AKIAROOT000000000001", at("2019-05-06T12:00:01Z"))),
        ),
    );
    let json = audit(&fake, &[]).json();
    let source = &json["sources"][0];
    assert_eq!(source["name"], "aws");
    assert_eq!(source["kind"], "aws-account");
    assert_eq!((&source["principals"], &source["keys"]), (&json!(2), &json!(2)));
    let deploy = key(&json, "deploy");
    assert_eq!(deploy["id"], "AKIADEPLOY0000000001");
    assert_eq!(deploy["slot"], 1);
    let root = key(&json, "<root_account>");
    assert_eq!((&root["id"], &root["action"]), (&Value::Null, &json!("remove")));
}

#[test]
fn a_profile_reaches_its_account_and_stands_in_the_commands() {
    let fake = FakeIam::start(account().user(user("deploy", "AKIADEPLOY0000000001", 400)));
    let home = Home::new();
    home.write(
        ".aws/config",
        format!(
            "[profile prod]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = {AUDITOR_KEY_ID}\n\
             aws_secret_access_key = {AUDITOR_SECRET}\n",
            fake.url()
        ),
    );
    let ran = home.run(&["audit", "aws:prod", "--as-of", as_of(), "--explain"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let command = "aws --profile prod iam update-access-key --user-name deploy --access-key-id \
                   AKIADEPLOY0000000001 --status Inactive";
    assert!(ran.stdout.contains(command), "{}", ran.stdout);
}

#[test]
fn keys_made_in_the_same_second_keep_their_ids_unknown() {
    let created = at("2020-01-01T00:00:00Z");
    let twins = User::new("twins", created)
        .key(Key::new("AKIATWIN000000000001", created))
        .key(Key::new("AKIATWIN000000000002", created));
    let fake = FakeIam::start(account().user(twins));
    let json = audit(&fake, &[]).json();
    assert!(json["keys"].as_array().unwrap().iter().all(|key| key["id"].is_null()));
    assert!(warnings(&json).contains("user twins: two keys were made in the same second"));
}

#[test]
fn what_happened_since_the_report_is_seen_for_due_users() {
    let fake = FakeIam::start(
        account()
            .user(user("disabled", "AKIADISABLED00000001", 400))
            .user(user("deleted", "AKIADELETED000000001", 400))
            .user(user("gone", "AKIAGONE000000000001", 400))
            .user(user("rotating", "AKIAROTATING00000001", 400)),
    );
    audit(&fake, &[]).json();
    fake.with_account(|account| {
        account.key_mut("AKIADISABLED00000001").active = false;
        account.user_mut("deleted").keys.clear();
        account.users.retain(|user| user.name != "gone");
        let newborn = Key::new("AKIAROTATING00000002", at(as_of()));
        account.user_mut("rotating").keys.push(newborn);
    });
    let json = audit(&fake, &[]).json();
    assert_eq!(key(&json, "disabled")["state"], "suspended");
    let principals: Vec<&Value> =
        json["keys"].as_array().unwrap().iter().map(|key| &key["principal"]).collect();
    assert_eq!(principals, ["disabled", "rotating", "rotating"]);
    let said = warnings(&json);
    assert!(said.contains("user deleted: a key was deleted since the report was made"), "{said}");
    assert!(said.contains("user gone was deleted since the report was made"), "{said}");
    let newborn = &json["keys"][2];
    assert_eq!((&newborn["id"], &newborn["slot"]), (&json!("AKIAROTATING00000002"), &Value::Null));
    assert_eq!(newborn["last_used"]["status"], "unknown");
    assert_eq!(newborn["due"], false);
}

#[test]
fn fresh_lists_the_keys_of_every_user_as_they_are_now() {
    let hidden = Key::new("AKIANEWBORN000000001", at(&hours_ago(2)))
        .used(at(&hours_ago(1)), "us-east-1", "s3")
        .hidden_from_report();
    let mut account =
        account().page_size(2).user(User::new("newborn", at(&hours_ago(3))).key(hidden)).root(
            Root::new(at("2014-03-02T09:11:54Z"))
                .key(Key::new("AKIAROOT000000000001", at("2019-05-06T12:00:01Z"))),
        );
    for place in 0..5 {
        account = account.user(user(&format!("old-{place}"), &format!("AKIAOLD{place:013}"), 400));
    }
    let fake = FakeIam::start(account);
    let cached = audit(&fake, &[]).json();
    assert!(!cached.to_string().contains("AKIANEWBORN000000001"));
    fake.reset_calls();
    let fresh = audit(&fake, &["--fresh"]).json();
    let newborn = key(&fresh, "newborn");
    assert_eq!(newborn["id"], "AKIANEWBORN000000001");
    assert_eq!(newborn["last_used"]["service"], "s3");
    assert_eq!(key(&fresh, "old-3")["slot"], 1);
    assert_eq!(key(&fresh, "<root_account>")["action"], "remove");
    assert_eq!(fresh["summary"]["keys"], 7);
    let calls = fake.calls();
    assert_eq!(
        (calls["ListUsers"], calls["ListAccessKeys"], calls["GetAccessKeyLastUsed"]),
        (3, 6, 6)
    );
}

#[test]
fn throttling_is_met_with_patience() {
    let mut account = account().throttle_every(3);
    for place in 0..30 {
        account = account.user(user(&format!("user-{place}"), &format!("AKIA{place:016}"), 400));
    }
    let fake = FakeIam::start(account);
    let json = audit(&fake, &[]).json();
    assert_eq!(json["sources"][0]["warnings"], json!([]));
    assert!(json["keys"].as_array().unwrap().iter().all(|key| key["id"].is_string()));
}

#[test]
fn a_denied_listing_leaves_the_ids_unknown_and_says_so() {
    let fake = FakeIam::start(account().deny("ListAccessKeys").user(user(
        "deploy",
        "AKIADEPLOY0000000001",
        400,
    )));
    let json = audit(&fake, &[]).json();
    assert_eq!((&json["summary"]["due"], &json["keys"][0]["id"]), (&json!(1), &Value::Null));
    let said = warnings(&json);
    assert!(said.contains("iam:ListAccessKeys: these credentials lack the permission"), "{said}");
    assert!(said.contains("everything else stands"), "{said}");
}

#[test]
fn a_denied_report_leaves_the_listing_and_a_denied_last_use_stays_unknown() {
    let fake = FakeIam::start(
        account().deny("GenerateCredentialReport").deny("GetAccessKeyLastUsed").user(user(
            "deploy",
            "AKIADEPLOY0000000001",
            400,
        )),
    );
    let json = audit(&fake, &[]).json();
    let deploy = key(&json, "deploy");
    assert_eq!(
        deploy["last_used"],
        json!({"status": "unknown", "why": "iam:GetAccessKeyLastUsed is denied"})
    );
    assert_eq!(
        (&deploy["action"], &deploy["id"]),
        (&json!("rotate"), &json!("AKIADEPLOY0000000001"))
    );
    let said = warnings(&json);
    assert!(
        said.contains("iam:GenerateCredentialReport: these credentials lack the permission"),
        "{said}"
    );
    assert!(said.contains("root, passwords and second factors are not seen"), "{said}");
}

#[test]
fn a_report_that_somebody_else_had_made_is_read() {
    let user = user("deploy", "AKIADEPLOY0000000001", 400);
    let account = account().deny("GenerateCredentialReport").user(user).report_ready();
    let fake = FakeIam::start(account);
    let json = audit(&fake, &[]).json();
    assert_eq!(json["summary"]["due"], 1);
    assert_eq!(fake.calls()["GetCredentialReport"], 1);
}

#[test]
fn where_everything_is_denied_the_own_keys_are_left() {
    let own = user("auditor", AUDITOR_KEY_ID, 400);
    let fake =
        FakeIam::start(account().deny("GenerateCredentialReport").deny("ListUsers").user(own));
    let json = audit(&fake, &[]).json();
    assert!(warnings(&json).contains("only the keys of these credentials' own user are seen"));
    assert_eq!(json["keys"][0]["id"], AUDITOR_KEY_ID);
}

#[test]
fn an_account_that_cannot_be_audited_says_why_and_what_to_do() {
    let denied = FakeIam::start(
        account().deny("GenerateCredentialReport").deny("ListUsers").deny("ListAccessKeys"),
    );
    let ran = audit(&denied, &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("iam:ListAccessKeys: these credentials lack the permission"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("hint: an auditor needs iam:GenerateCredentialReport"),
        "{}",
        ran.stderr
    );

    let broken = FakeIam::start(account().fail_everything(400, "InvalidClientTokenId"));
    let ran = audit(&broken, &[]);
    assert!(
        ran.stderr.contains("AWS refuses these credentials (InvalidClientTokenId)"),
        "{}",
        ran.stderr
    );

    let home = Home::new().with("AWS_ENDPOINT_URL", denied.url());
    let ran = home.run(&["audit", "aws"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("no credentials were found\nhint: name a profile"),
        "{}",
        ran.stderr
    );

    let ran = Home::new()
        .with("AWS_ACCESS_KEY_ID", AUDITOR_KEY_ID)
        .with("AWS_SECRET_ACCESS_KEY", AUDITOR_SECRET)
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .with("AWS_MAX_ATTEMPTS", "1")
        .run(&["audit", "aws"]);
    assert!(ran.stderr.contains("AWS cannot be reached"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(AUDITOR_SECRET));
}

#[test]
fn several_accounts_are_one_audit_and_a_failing_one_hides_none() {
    let one = FakeIam::start(account().user(user("deploy", "AKIADEPLOY0000000001", 400)));
    let two = FakeIam::start(Account::new("210987654321", at(as_of())).user(user(
        "ci",
        "AKIACI00000000000001",
        400,
    )));
    let bad = FakeIam::start(account().fail_everything(400, "ExpiredToken"));
    let home = Home::new();
    let mut config = String::new();
    for (name, fake) in [("one", &one), ("two", &two), ("bad", &bad), ("again", &one)] {
        write!(
            config,
            "[profile {name}]\nregion = us-east-1\nendpoint_url = {}\naws_access_key_id = {AUDITOR_KEY_ID}\n\
             aws_secret_access_key = {AUDITOR_SECRET}\n",
            fake.url()
        )
        .unwrap();
    }
    home.write(".aws/config", config);
    let ran =
        home.run(&["audit", "aws:bad", "aws:two", "aws:one", "aws:again", "--as-of", as_of()]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("2 of 2 keys are due: 2 to rotate."), "{}", ran.stdout);
    assert!(ran.stdout.contains("210987654321") && ran.stdout.contains(ACCOUNT), "{}", ran.stdout);
    assert!(ran.stderr.contains("cannot audit `aws:bad`: iam:GenerateCredentialReport: AWS refuses these credentials (ExpiredToken)"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("account 123456789012 again: its keys stand under `aws:one`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("1 of 4 sources could not be read"), "{}", ran.stderr);
}

#[test]
fn an_expired_report_is_made_again() {
    let fake = FakeIam::start(account().user(user("deploy", "AKIADEPLOY0000000001", 400)));
    fake.with_account(|account| account.report = Report::Expired);
    assert_eq!(audit(&fake, &[]).json()["summary"]["due"], 1);
}

#[test]
fn an_old_report_tells_its_age_in_the_table() {
    let now = Time::from_unix_seconds(
        i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap(),
    );
    let made = now.minus(Span::parse("3h").unwrap()).to_string();
    let fake = FakeIam::start(account().report_generated_at(at(&made)).report_ready());
    let ran = home(&fake).run(&["audit", "aws"]);
    assert!(
        ran.stdout.contains(&format!(
            "aws: as AWS saw it at {made}, 3 hours ago: --fresh lists every user's keys now"
        )),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}
