//! The example report, and what each of its keys must give: written down by hand from DESIGN's
//! policy, before the program was run.
//!
//! As of 2026-11-24T00:00:00Z:
//!
//! | key | facts | findings | action, severity |
//! |---|---|---|---|
//! | root/1 | active, 2019-05-06, used 2026-11-20 by s3 in us-east-1 | root-key, key-over-a-year | remove, critical |
//! | Backup-bot/1 | active, 2016-02-29, used 2026-11-23 by s3 | key-over-a-year | rotate, high |
//! | Backup-bot/2 | inactive, 2018-07-01, last used 2018-07-09 | inactive-key | remove, low |
//! | carol/1 | active, 54 days, used yesterday; carol/2 is younger, but no 14 days old | none | – |
//! | carol/2 | active, 2 hours old, never used | none | – |
//! | deploy/1 | active, 2020-06-15, never used | key-over-a-year, key-unused | remove, high |

use keytender_core::key::{Key, LastUse, Principal};
use keytender_core::policy::{Action, Assessment, DEFAULT, Policy, Severity};
use keytender_core::report::Row;
use keytender_core::steps::name;

use crate::{harness, time};

const EXAMPLE: &[u8] = include_bytes!("../../../../examples/credential-report.csv");

fn rows() -> Vec<Row<'static>> {
    harness::read(EXAMPLE, 100).into_iter().map(Result::unwrap).collect()
}

#[test]
fn each_key_of_the_example_gives_what_was_written_down() {
    let expected = [
        ("root/1", vec!["root-key", "key-over-a-year"], Some((Action::Remove, Severity::Critical))),
        ("Backup-bot/1", vec!["key-over-a-year"], Some((Action::Rotate, Severity::High))),
        ("Backup-bot/2", vec!["inactive-key"], Some((Action::Remove, Severity::Low))),
        ("carol/1", vec![], None),
        ("carol/2", vec![], None),
        ("deploy/1", vec!["key-over-a-year", "key-unused"], Some((Action::Remove, Severity::High))),
    ];
    let policy = Policy::parse(DEFAULT).unwrap();
    let rows = rows();
    let keys: Vec<&Key<'_>> = rows.iter().flat_map(Row::keys).collect();
    assert_eq!(keys.len(), expected.len());
    for (key, (expected_name, rules, verdict)) in keys.into_iter().zip(expected) {
        let mut assessment = Assessment::default();
        policy.assess(key, time("2026-11-24"), &mut assessment);
        let found: Vec<&str> =
            policy.findings(&assessment).map(|finding| finding.rule.id.as_str()).collect();
        assert_eq!((name(key).as_str(), found), (expected_name, rules));
        assert_eq!(assessment.action().zip(assessment.severity()), verdict, "{expected_name}");
    }
}

#[test]
fn findings_say_since_when() {
    let policy = Policy::parse(DEFAULT).unwrap();
    let rows = rows();
    let since = |place: usize| {
        let key = rows.iter().flat_map(Row::keys).nth(place).unwrap();
        let mut assessment = Assessment::default();
        policy.assess(key, time("2026-11-24"), &mut assessment);
        let since: Vec<String> = policy
            .findings(&assessment)
            .map(|finding| finding.since.unwrap().to_string())
            .collect();
        since
    };
    assert_eq!(since(0), ["2019-05-06T12:00:01Z", "2020-05-05T12:00:01Z"]);
    assert_eq!(since(2), ["2018-10-07T11:00:00Z"]);
    assert_eq!(since(5), ["2021-06-15T12:00:04Z", "2020-07-30T12:00:04Z"]);
}

#[test]
fn principals_carry_their_passwords() {
    let rows = rows();
    let principal = |place: usize| -> &Principal<'_> { rows[place].principal.as_ref().unwrap() };
    let root = principal(0);
    assert_eq!(root.password_last_used, Some(LastUse::at(time("2026-08-30T07:41:10Z"))));
    assert_eq!(root.last_active(rows[0].keys()), Some(time("2026-11-20T03:15:00Z")));
    let alice = principal(1);
    let never = LastUse::Never { since: time("2021-04-12T08:30:00Z") };
    assert_eq!((alice.has_password, alice.mfa), (Some(true), Some(false)));
    assert_eq!(alice.password_last_used, Some(never));
    assert_eq!(alice.last_active(rows[1].keys()), None);
    assert_eq!(principal(2).password_last_used, None);
    let carol = principal(3);
    assert_eq!(carol.last_active(rows[3].keys()), Some(time("2026-11-23T21:30:00Z")));
}
