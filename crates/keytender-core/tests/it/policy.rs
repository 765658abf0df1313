//! Policies: each rule's refusal beside its success, three-valued truth, and errors with a place.

use keytender_core::key::{Key, LastUse, PrincipalKind, SecondActive, State};
use keytender_core::policy::{Action, Assessment, DEFAULT, Policy, PolicyError};
use keytender_core::time::{Span, Time};

use crate::{broken, time};

const NOW: &str = "2026-11-24T00:00:00Z";

/// An active key of a user, made so many days ago and used an hour ago.
fn key(age_days: u32) -> Key<'static> {
    let now = time(NOW);
    Key {
        principal_kind: Some(PrincipalKind::User),
        principal: Some("deploy".into()),
        created_at: Some(now.minus(Span::days(age_days))),
        last_used: LastUse::at(now.minus(Span::parse("1h").unwrap())),
        ..Key::new("aws")
    }
}

fn ago(days: u32) -> Time {
    time(NOW).minus(Span::days(days))
}

/// What the default policy says of `key`.
fn found(key: &Key<'_>) -> Vec<String> {
    broken(&Policy::parse(DEFAULT).unwrap(), key, time(NOW))
}

fn rule(when: &str) -> String {
    format!(
        "[[rule]]\nid = \"it\"\nwhen = {when}\nseverity = \"low\"\naction = \"review\"\n\
         title = \"It\"\n"
    )
}

/// Whether a rule with these conditions fires for `key`.
fn fires(when: &str, key: &Key<'_>) -> bool {
    !broken(&Policy::parse(&rule(when)).unwrap(), key, time(NOW)).is_empty()
}

fn error(text: &str) -> PolicyError {
    Policy::parse(text).unwrap_err()
}

#[test]
fn a_young_key_in_use_keeps_to_every_rule() {
    assert!(found(&key(90)).is_empty());
}

#[test]
fn key_age_begins_after_90_days_and_ends_after_365() {
    assert!(found(&key(90)).is_empty());
    assert_eq!(found(&key(91)), ["key-age"]);
    assert_eq!(found(&key(365)), ["key-age"]);
    assert_eq!(found(&key(366)), ["key-over-a-year"]);
}

#[test]
fn key_over_a_year_carries_the_controls_of_key_age() {
    let policy = Policy::parse(DEFAULT).unwrap();
    let rule = |id: &str| policy.rules().iter().find(|rule| rule.id == id).unwrap();
    assert_eq!(rule("key-age").controls, rule("key-over-a-year").controls);
    assert!(!rule("key-age").controls.is_empty());
}

#[test]
fn a_root_key_is_to_be_removed_only_while_active() {
    let mut root = key(1);
    root.principal_kind = Some(PrincipalKind::Root);
    assert_eq!(found(&root), ["root-key"]);
    root.state = State::Suspended;
    assert!(found(&root).is_empty());
}

#[test]
fn idle_time_counts_from_the_last_use_or_from_creation() {
    let mut used = key(80);
    used.last_used = LastUse::at(ago(45));
    assert!(found(&used).is_empty());
    used.last_used = LastUse::at(ago(46));
    assert_eq!(found(&used), ["key-unused"]);
    let mut never = key(46);
    never.last_used = LastUse::Never { since: ago(46) };
    assert_eq!(found(&never), ["key-unused"]);
    let mut newborn = key(44);
    newborn.last_used = LastUse::Never { since: ago(44) };
    assert!(found(&newborn).is_empty());
}

#[test]
fn unknown_last_use_never_makes_a_key_unused() {
    let mut unknown = key(80);
    unknown.last_used = LastUse::unknown("access denied");
    assert!(found(&unknown).is_empty());
}

#[test]
fn a_quarterly_job_is_not_unused_between_its_runs() {
    let mut quarterly = key(80);
    quarterly.last_used = LastUse::at(ago(70));
    quarterly.cadence = Some(Span::days(36));
    assert!(found(&quarterly).is_empty());
    quarterly.cadence = Some(Span::days(34));
    assert_eq!(found(&quarterly), ["key-unused"]);
    quarterly.cadence = Some(Span::days(2));
    assert_eq!(found(&quarterly), ["key-unused"]);
}

#[test]
fn a_second_key_is_to_be_reviewed_once_the_younger_is_over_14_days_old() {
    let mut older = key(60);
    older.second_active = SecondActive::OlderThan(ago(14));
    assert!(found(&older).is_empty());
    older.second_active = SecondActive::OlderThan(ago(15));
    assert_eq!(found(&older), ["second-active-key"]);
    older.rotation_open = true;
    assert!(found(&older).is_empty());
    older.rotation_open = false;
    older.second_active = SecondActive::Unknown;
    assert!(found(&older).is_empty());
}

#[test]
fn an_inactive_key_counts_from_our_record_and_else_from_its_last_use() {
    let mut inactive = key(400);
    inactive.state = State::Suspended;
    inactive.last_used = LastUse::at(ago(91));
    assert_eq!(found(&inactive), ["inactive-key"]);
    inactive.suspended_since = Some(ago(10));
    assert!(found(&inactive).is_empty());
    inactive.suspended_since = Some(ago(91));
    assert_eq!(found(&inactive), ["inactive-key"]);
    inactive.rotation_open = true;
    assert!(found(&inactive).is_empty());
}

#[test]
fn ends_are_told_before_and_after() {
    let mut ending = key(10);
    ending.expires_at = Some(time(NOW).plus(Span::days(31)));
    assert!(found(&ending).is_empty());
    ending.expires_at = Some(time(NOW).plus(Span::days(30)));
    assert_eq!(found(&ending), ["key-expiring"]);
    ending.expires_at = Some(time(NOW));
    assert_eq!(found(&ending), ["key-expired"]);
    ending.state = State::Destroyed;
    assert!(found(&ending).is_empty());
}

#[test]
fn owners_are_asked_for_only_where_they_are_known() {
    let mut key = key(10);
    assert!(found(&key).is_empty());
    key.has_owner = Some(true);
    assert!(found(&key).is_empty());
    key.has_owner = Some(false);
    assert_eq!(found(&key), ["key-without-owner"]);
}

#[test]
fn an_exposed_key_comes_before_its_age() {
    let mut exposed = key(100);
    exposed.exposed = Some(true);
    assert_eq!(found(&exposed), ["key-exposed", "key-age"]);
}

#[test]
fn the_strongest_action_and_the_worst_severity_win() {
    let policy = Policy::parse(DEFAULT).unwrap();
    let mut key = key(400);
    key.last_used = LastUse::Never { since: ago(400) };
    key.second_active = SecondActive::OlderThan(ago(20));
    let mut assessment = Assessment::default();
    policy.assess(&key, time(NOW), &mut assessment);
    assert_eq!(assessment.action(), Some(Action::Remove));
    assert_eq!(assessment.severity().unwrap().as_str(), "high");
    assert!(assessment.is_due());
}

#[test]
fn a_review_alone_is_not_due() {
    let policy = Policy::parse(DEFAULT).unwrap();
    let mut key = key(60);
    key.second_active = SecondActive::OlderThan(ago(20));
    let mut assessment = Assessment::default();
    policy.assess(&key, time(NOW), &mut assessment);
    assert_eq!((assessment.action(), assessment.is_due()), (Some(Action::Review), false));
}

#[test]
fn conditions_match_what_a_key_is() {
    let mut key = key(100);
    key.account = Some("123456789012".into());
    key.label = Some("nightly".into());
    key.slot = Some(2);
    key.tags = Some([("env".to_owned(), "prod".to_owned())].into());
    for when in [
        "{ provider = \"aws\" }",
        "{ provider = [\"github\", \"a?s\"] }",
        "{ account = \"1234*\" }",
        "{ principal = \"dep*\" }",
        "{ principal_kind = [\"root\", \"user\"] }",
        "{ label = \"*ight*\" }",
        "{ slot = 2 }",
        "{ tag.env = \"prod\" }",
        "{ state = [\"active\", \"suspended\"] }",
        "{ age_over = \"99d\", age_under = \"101d\" }",
        "{ last_used = \"used\" }",
        "{ not = { tag.env = \"dev\" } }",
        "{ any = [{ slot = 1 }, { principal = \"deploy\" }] }",
        "{ expired = false, rotation_open = false }",
    ] {
        assert!(fires(when, &key), "{when}");
        assert!(!fires(&format!("{{ not = {when} }}"), &key), "not {when}");
    }
}

#[test]
fn unknown_stays_unknown_under_not() {
    let key = key(100);
    for when in
        ["{ tag.env = \"prod\" }", "{ account = \"1\" }", "{ id = \"*\" }", "{ has_owner = true }"]
    {
        assert!(!fires(when, &key), "{when}");
        assert!(!fires(&format!("{{ not = {when} }}"), &key), "not {when}");
        assert!(
            fires(&format!("{{ any = [{when}, {{ state = \"active\" }}] }}"), &key),
            "any {when}"
        );
    }
}

#[test]
fn since_is_when_the_last_condition_came_to_hold() {
    let policy = Policy::parse(&rule("{ age_over = \"90d\", idle_over = \"45d\" }")).unwrap();
    let mut key = key(200);
    key.last_used = LastUse::at(ago(100));
    let mut assessment = Assessment::default();
    policy.assess(&key, time(NOW), &mut assessment);
    let since = policy.findings(&assessment).next().unwrap().since;
    assert_eq!(since, Some(ago(55)));
    let either = "{ any = [{ age_over = \"90d\" }, { idle_over = \"45d\" }] }";
    let policy = Policy::parse(&rule(either)).unwrap();
    policy.assess(&key, time(NOW), &mut assessment);
    assert_eq!(policy.findings(&assessment).next().unwrap().since, Some(ago(110)));
}

#[test]
fn messages_give_the_figures() {
    let policy = Policy::parse(DEFAULT).unwrap();
    let mut key = key(2352);
    key.last_used = LastUse::Never { since: ago(2352) };
    let mut assessment = Assessment::default();
    policy.assess(&key, time(NOW), &mut assessment);
    let messages: Vec<String> = policy
        .findings(&assessment)
        .map(|finding| finding.rule.message(&key, time(NOW)).to_string())
        .collect();
    assert_eq!(
        messages,
        [
            "Over a year old: 2352 days (limit 365 days)",
            "Unused: never used in 2352 days (limit 45 days)"
        ]
    );
}

#[test]
fn an_exception_lists_the_key_until_its_day_and_not_beyond() {
    let text = "extends = \"default\"\n\
        [[exception]]\nmatch = { principal = \"dep*\" }\nrule = \"key-age\"\nuntil = 2026-12-01\n\
        reason = \"vendor migrates in December\"\napproved_by = \"kim\"\n";
    let policy = Policy::parse(text).unwrap();
    let mut assessment = Assessment::default();
    policy.assess(&key(100), time("2026-11-30T23:59:59Z"), &mut assessment);
    assert!(assessment.is_excepted() && !assessment.is_due());
    let (rule, exception) = policy.excepted(&assessment).next().unwrap();
    assert_eq!((rule.id.as_str(), exception.approved_by.as_deref()), ("key-age", Some("kim")));
    policy.assess(&key(100), time("2026-12-01"), &mut assessment);
    assert!(assessment.is_due() && !assessment.is_excepted());
    let mut other = key(100);
    other.principal = Some("backup".into());
    policy.assess(&other, time(NOW), &mut assessment);
    assert!(assessment.is_due());
}

#[test]
fn an_exception_from_one_rule_leaves_the_others() {
    let text = "extends = \"default\"\n\
        [[exception]]\nmatch = { provider = \"aws\" }\nrule = \"key-unused\"\nuntil = \"2027-06-30\"\n\
        reason = \"break-glass\"\n";
    let policy = Policy::parse(text).unwrap();
    let mut key = key(100);
    key.last_used = LastUse::Never { since: ago(100) };
    assert_eq!(broken(&policy, &key, time(NOW)), ["key-age"]);
    let all = text.replace("key-unused", "*");
    assert!(broken(&Policy::parse(&all).unwrap(), &key, time(NOW)).is_empty());
}

#[test]
fn a_policy_extends_the_default_by_replacing_adding_and_disabling() {
    let text = format!(
        "extends = \"default\"\ndisable = [\"key-unused\"]\n{}{}",
        rule("{ age_over = \"10d\" }"),
        rule("{ state = \"active\", age_over = \"180d\" }").replace("\"it\"", "\"key-age\"")
    );
    let policy = Policy::parse(&text).unwrap();
    let mut key = key(100);
    key.last_used = LastUse::Never { since: ago(100) };
    assert_eq!(broken(&policy, &key, time(NOW)), ["it"]);
}

#[test]
fn mistakes_are_named_with_line_and_column() {
    let cases = [
        ("x = 1", (1, 1), "there is no field `x`"),
        ("version = 2", (1, 11), "policies of version 1"),
        ("extends = \"mine\"", (1, 11), "only `extends = \"default\"`"),
        ("extends = \"default\"\ndisable = [\"key-agee\"]", (2, 12), "did you mean `key-age`?"),
        ("rule = 1", (1, 8), "expected a list"),
        ("[[rule]]\nid = \"it\"", (1, 1), "`when` is missing"),
        ("[[rule]]\nid = \"It\"", (2, 6), "lower-case letters"),
        ("a = [", (1, 6), "not TOML"),
    ];
    for (text, place, part) in cases {
        let error = error(text);
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!((error.line, error.column), place, "{text}: {error}");
    }
}

#[test]
fn mistakes_in_conditions_are_named_with_line_and_column() {
    let cases = [
        ("{ age_ovr = \"90d\" }", 10, "there is no condition `age_ovr`: did you mean `age_over`?"),
        ("{ age_over = \"90\" }", 21, "not a length of time"),
        ("{ age_over = 90 }", 21, "expected a text in quotes"),
        ("{ state = \"inactive\" }", 18, "expected pre-activation, active, suspended"),
        ("{ state = [] }", 18, "an empty list matches nothing"),
        ("{ slot = 3 }", 17, "a slot is 1 or 2"),
        ("{ exposed = \"yes\" }", 20, "expected true or false"),
        ("{}", 8, "at least one condition"),
        ("{ any = [{}] }", 17, "at least one condition"),
        ("{ last_used = \"2026-01-01\" }", 22, "expected used, never, unknown"),
    ];
    for (when, column, part) in cases {
        let error = error(&rule(when));
        assert!(error.message.contains(part), "{when}: {error}");
        assert_eq!((error.line, error.column), (3, column), "{when}: {error}");
    }
}

#[test]
fn mistakes_in_exceptions_are_named() {
    let exception = |rest: &str| {
        format!("extends = \"default\"\n[[exception]]\nmatch = {{ slot = 1 }}\n{rest}")
    };
    let cases = [
        ("rule = \"key-age\"\nreason = \"x\"", "`until` is missing"),
        ("rule = \"key-age\"\nuntil = 2027-01-01", "`reason` is missing"),
        ("rule = \"key-age\"\nuntil = 2027-01-01\nreason = \" \"", "say why"),
        ("rule = \"nope\"\nuntil = 2027-01-01\nreason = \"x\"", "there is no rule `nope`"),
        ("rule = \"*\"\nuntil = \"soon\"\nreason = \"x\"", "expected a date"),
        ("until = 2027-01-01\nreason = \"x\"", "`rule` is missing"),
    ];
    for (rest, part) in cases {
        let error = error(&exception(rest));
        assert!(error.message.contains(part), "{rest}: {error}");
    }
}

#[test]
fn conditions_nested_without_end_are_refused() {
    let when = format!("{}{{ slot = 1 }}{}", "{ not = ".repeat(20), " }".repeat(20));
    assert!(error(&rule(&when)).message.contains("inside each other"));
}

#[test]
fn a_policy_says_how_keys_rotate_and_which_do_so_by_themselves() {
    let policy = |more: &str| Policy::parse(&format!("extends = \"default\"\n[rotation]\n{more}"));
    let usual = Policy::parse(DEFAULT).unwrap();
    assert!(usual.rotation().automatic.is_empty() && usual.rotation().window.is_none());
    let full = policy(
        "automatic = [\"key-age\"]\ndry_run = false\nat_most = 2\napprove = [\"delete\", \"disable\"]\n\
         window = \"sat 02:00-05:00\"\nquiet_days = 45\nhold_days = 60\ndeadline_days = 120\n",
    );
    let full = full.unwrap();
    let rotation = full.rotation();
    assert_eq!((rotation.automatic.as_slice(), rotation.at_most), (&["key-age".to_owned()][..], 2));
    let gates: Vec<&str> = rotation.approve.iter().map(|gate| gate.as_str()).collect();
    assert_eq!(gates, ["disable", "delete"]);
    assert_eq!(rotation.window.as_ref().unwrap().days, [6]);
    assert_eq!((rotation.quiet_days, rotation.deadline_days), (Some(45), Some(120)));
    for (bad, what) in [
        ("automatic = [\"key-age\"]", "`dry_run` is missing"),
        ("automatic = [\"key-aged\"]\ndry_run = true", "there is no rule `key-aged`"),
        ("quiet_days = 7", "from 35 to 730"),
        ("window = \"02:00\"", "no hours"),
        ("approve = [\"all\"]", "expected start, deliver, disable, delete"),
        ("at_once = true", "there is no field `at_once`"),
    ] {
        let error = policy(bad).unwrap_err();
        assert!(error.message.contains(what), "{bad}: {error}");
        assert!(error.line >= 2, "{bad}: {error}");
    }
}
