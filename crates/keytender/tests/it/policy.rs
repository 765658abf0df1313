//! `keytender policy`, and audits by a policy of one's own.

use crate::{Home, audit_example, example};

#[test]
fn what_is_shown_can_be_kept_changed_and_used() {
    let home = Home::new();
    let shown = home.run(&["policy", "show"]);
    assert_eq!(shown.code, 0);
    home.write(
        "policy.toml",
        shown.stdout.replace("\"365d\"", "\"4000d\"").replace("\"90d\"", "\"3999d\""),
    );
    let checked = home.run(&["policy", "check", "policy.toml"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (0, "policy.toml: 10 rules, 0 exceptions\n")
    );
    let report = example();
    home.write("report.csv", report);
    let json = home
        .run(&[
            "audit",
            "report.csv",
            "--policy",
            "policy.toml",
            "--as-of",
            crate::AS_OF,
            "--format",
            "json",
        ])
        .json();
    // Backup-bot/1 is 3,920 days old: no longer due.
    assert_eq!(json["summary"]["due"], 2);
}

#[test]
fn a_mistake_is_named_with_file_line_and_column() {
    let home = Home::new();
    home.write("policy.toml", "[[rule]]\nid = \"x\"\nwhen = { age_ovr = \"90d\" }\n");
    for words in
        [vec!["policy", "check", "policy.toml"], vec!["audit", "-", "--policy", "policy.toml"]]
    {
        let ran = home.run(&words);
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.starts_with(
                "error: policy.toml: line 3, column 10: there is no condition `age_ovr`: did you \
                 mean `age_over`?\nhint: "
            ),
            "{}",
            ran.stderr
        );
    }
    let missing = home.run(&["policy", "check", "nowhere.toml"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("cannot read the policy `nowhere.toml`"));
}

#[test]
fn an_exception_is_listed_and_its_end_is_told() {
    let home = Home::new();
    let report = example();
    home.write("report.csv", report);
    home.write(
        "policy.toml",
        "extends = \"default\"\n[[exception]]\nmatch = { principal = \"Backup-bot\", slot = 1 }\n\
         rule = \"key-over-a-year\"\nuntil = 2027-01-01\nreason = \"vendor\"\napproved_by = \"kim\"\n",
    );
    let audit = |as_of: &str| {
        home.run(&[
            "audit",
            "report.csv",
            "--policy",
            "policy.toml",
            "--format",
            "json",
            "--as-of",
            as_of,
        ])
        .json()
    };
    let before = audit("2026-12-31T23:59:59Z");
    assert_eq!(before["summary"]["excepted"], 1);
    assert_eq!(before["keys"][1]["due"], false);
    assert_eq!(before["keys"][1]["findings"].as_array().unwrap().len(), 0);
    let excepted = &before["keys"][1]["excepted"][0];
    assert_eq!(excepted["rule"], "key-over-a-year");
    assert_eq!(excepted["reason"], "vendor");
    assert_eq!(excepted["approved_by"], "kim");
    let after = audit("2027-01-01");
    assert_eq!(
        (&after["summary"]["excepted"], &after["keys"][1]["due"]),
        (&0.into(), &true.into())
    );
    assert!(after["keys"][1].get("excepted").is_none());
    let table = home.run(&[
        "audit",
        "report.csv",
        "--policy",
        "policy.toml",
        "--as-of",
        crate::AS_OF,
        "--all",
    ]);
    assert!(
        table.stdout.contains("excepted until 2027-01-01: Over a year old"),
        "{}",
        table.stdout
    );
    assert!(table.stdout.contains("1 excepted."), "{}", table.stdout);
}

#[test]
fn without_a_policy_the_default_one_counts() {
    let home = Home::new();
    home.write("policy.toml", "extends = \"default\"\n");
    let own = audit_example(&["--format", "json"]).stdout;
    let report = example();
    home.write("report.csv", report);
    let extended = home.run(&[
        "audit",
        "report.csv",
        "--as-of",
        crate::AS_OF,
        "--format",
        "json",
        "--policy",
        "policy.toml",
    ]);
    assert_eq!(own, extended.stdout);
}
