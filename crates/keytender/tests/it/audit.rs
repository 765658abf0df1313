//! The audit of the example report: what the table says, and how the program ends.

use crate::{AS_OF, Home, audit_example, example};

#[test]
fn the_table_shows_what_is_due_the_most_serious_first() {
    let ran = audit_example(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "\
SEVERITY  KEY           AGE       LAST USED                      WHY                        DO
critical  root/1        7 years   3 days ago, s3 in us-east-1    Root key, Over a year old  remove
high      deploy/1      6 years   never                          Over a year old, Unused    remove
high      Backup-bot/1  10 years  1 hour ago, s3                 Over a year old            rotate
low       Backup-bot/2  8 years   8 years ago, ec2 in eu-west-1  Disabled, never deleted    remove

4 of 6 keys are due: 3 to remove, 1 to rotate.
  keytender audit report.csv --explain                   what to do, step by step
  keytender audit report.csv --format html > audit.html  as a page, for others
"
    );
}

#[test]
fn all_shows_the_keys_that_are_not_due_too() {
    let ran = audit_example(&["--all"]);
    assert!(
        ran.stdout.contains("–         carol/1       54 days   2 hours ago, sts in eu-central-1")
    );
    assert_eq!(ran.stdout.lines().take_while(|line| !line.is_empty()).count(), 7);
}

#[test]
fn principals_say_when_each_was_last_active() {
    let ran = audit_example(&["--principals"]);
    for line in [
        "PRINCIPAL       ACCOUNT       PASSWORD USED           MFA  KEYS  LAST ACTIVE",
        "<root_account>  123456789012  85 days ago             yes  1     3 days ago",
        "alice           123456789012  never since 2021-04-12  no   0     not known",
        "carol           123456789012  1 day ago               yes  2     2 hours ago",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
}

#[test]
fn explain_gives_each_due_key_its_reasons_steps_and_commands() {
    let ran = audit_example(&["--explain"]);
    let explained: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| {
            line.starts_with(|first: char| first.is_ascii_digit()) && line.contains(" of aws ")
        })
        .collect();
    assert_eq!(
        explained,
        [
            "1. root/1 of aws 123456789012: remove",
            "2. deploy/1 of aws 123456789012: remove",
            "3. Backup-bot/1 of aws 123456789012: rotate",
            "4. Backup-bot/2 of aws 123456789012: remove",
        ]
    );
    for line in [
        "   1) It is in use: s3 in us-east-1, 3 days ago: move that before you remove it.",
        "      aws iam update-access-key --user-name deploy --access-key-id KEY_ID --status Inactive",
        "      https://console.aws.amazon.com/iam/home#/security_credentials",
        "   1) Backup-bot has two keys, as many as AWS allows: the other one, Backup-bot/2, is disabled.",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    // Root keys are removed, not rotated: nothing sends the reader to the page on rotating.
    let root = ran.stdout.split("2. deploy/1").next().unwrap();
    assert!(!root.contains("access-keys-update"), "{root}");
}

#[test]
fn fail_on_ends_with_3_if_a_key_that_severe_is_due() {
    assert_eq!(audit_example(&["--fail-on", "critical"]).code, 3);
    assert_eq!(audit_example(&["--fail-on", "low", "--format", "json"]).code, 3);
    let home = Home::new();
    home.write("keys.csv", "provider,name,created\ngithub,ci,2026-08-01\n");
    let audit = |severity: &str| {
        home.run(&["audit", "keys.csv", "--as-of", AS_OF, "--fail-on", severity]).code
    };
    assert_eq!((audit("medium"), audit("high")), (3, 0));
}

#[test]
fn a_report_is_read_from_standard_input() {
    let home = Home::new();
    let report = example();
    let ran = home.run_with_input(&["audit", "-", "--as-of", AS_OF], &report);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.ends_with("4 of 6 keys are due: 3 to remove, 1 to rotate.\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn many_reports_are_one_audit_and_then_accounts_are_named() {
    let home = Home::new();
    let report = example();
    home.write("one.csv", &report);
    home.write("two.csv", report.replace("123456789012", "210987654321"));
    home.write("keys.csv", "provider,name,created,last_used\nstripe,live,2024-01-01,2026-11-23\n");
    let ran = home.run(&["audit", "one.csv", "two.csv", "keys.csv", "--as-of", AS_OF]);
    assert!(
        ran.stdout.contains("9 of 13 keys are due: 6 to remove, 3 to rotate."),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("root/1, 210987654321"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stripe/live"), "{}", ran.stdout);
}

#[test]
fn stamps_of_the_future_count_as_now_with_one_warning() {
    let home = Home::new();
    home.write(
        "keys.csv",
        "provider,name,created,last_used\nx,a,2030-01-01,\nx,b,2026-01-01,2031-01-01\n",
    );
    let ran = home.run(&["audit", "keys.csv", "--as-of", AS_OF, "--format", "json"]);
    let json = ran.json();
    assert_eq!(json["keys"][0]["age_days"], 0);
    assert_eq!(json["keys"][1]["last_used"]["at"], AS_OF);
    assert_eq!(
        json["sources"][0]["warnings"],
        serde_json::json!(["2 stamps lie after 2026-11-24T00:00:00Z and count as now"])
    );
}

#[test]
fn quiet_says_nothing_but_errors() {
    let home = Home::new();
    home.write("keys.csv", "provider,name,created\nx,a,2030-01-01\nx\n");
    assert_eq!(home.run(&["audit", "keys.csv", "--quiet"]).stderr, "");
    assert_ne!(home.run(&["audit", "keys.csv"]).stderr, "");
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    use std::process::{Command, Stdio};
    let home = Home::new();
    let mut text = "provider,name,created\n".to_owned();
    for place in 0..20_000 {
        text.push_str(&format!("github,key-{place},2020-01-01\n"));
    }
    home.write("keys.csv", text);
    let mut program = Command::new(env!("CARGO_BIN_EXE_keytender"))
        .args(["audit", "keys.csv", "--format", "json"])
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(program.stdout.take());
    let output = program.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (Some(0), "")
    );
}
