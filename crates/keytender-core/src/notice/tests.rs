//! What people read, from keys to lines.

use super::*;
use crate::id::KeyId;
use crate::key::{Key, LastUse, PrincipalKind, State};
use crate::policy::{Assessment, Finding, Policy};
use crate::time::{Span, Time};

fn now() -> Time {
    Time::parse("2026-11-24T09:00:00Z").unwrap()
}

fn day(text: &str) -> Option<Time> {
    Some(Time::parse(text).unwrap())
}

fn root() -> Key<'static> {
    Key {
        account: Some("123456789012".into()),
        principal: Some("<root_account>".into()),
        principal_kind: Some(PrincipalKind::Root),
        slot: Some(1),
        created_at: day("2019-11-01"),
        last_used: LastUse::at(Time::parse("2026-11-20T09:00:00Z").unwrap()),
        ..Key::new("aws")
    }
}

fn user(name: &'static str, created: &str) -> Key<'static> {
    Key {
        account: Some("123456789012".into()),
        principal: Some(name.into()),
        principal_kind: Some(PrincipalKind::User),
        id: Some("AKIAIOSFODNN7EXAMPLE".into()),
        created_at: day(created),
        last_used: LastUse::at(Time::parse("2026-11-23T09:00:00Z").unwrap()),
        ..Key::new("aws")
    }
}

fn about() -> About<'static> {
    About {
        account_alias: Some("prod"),
        owner: Some("Ann"),
        observed_at: Some(now()),
        act_by: day("2026-12-08"),
        ..About::default()
    }
}

fn item(key: &Key<'_>, about: &About<'_>) -> Item {
    let policy = Policy::parse(crate::policy::DEFAULT).unwrap();
    let mut assessment = Assessment::default();
    policy.assess(key, now(), &mut assessment);
    let findings: Vec<Finding<'_>> = policy.findings(&assessment).collect();
    Item::new(key, &findings, about, now())
}

fn digest(items: Vec<Item>) -> Digest {
    let footer = Footer {
        report: Some("https://keys.example.com/report".to_owned()),
        thresholds: Some("https://keys.example.com/policy".to_owned()),
    };
    Digest::new("Ann", "keys.example.com", items, footer)
}

#[test]
fn the_subject_of_one_key_is_a_fact_and_a_date() {
    let subject_of = |key: &Key<'_>| subject(&digest(vec![item(key, &about())]), now());
    assert_eq!(
        subject_of(&root()),
        "1 root access key is 7 years old at AWS 123456789012: act by 2026-12-08"
    );
    assert_eq!(
        subject_of(&user("deploy", "2026-07-01")),
        "1 access key of deploy is 146 days old at AWS 123456789012: act by 2026-12-08"
    );
    let mut unused = user("deploy", "2024-07-01");
    unused.last_used = LastUse::Never { since: unused.created_at.unwrap() };
    assert_eq!(
        subject_of(&unused),
        "1 access key of deploy was never used in 2 years at AWS 123456789012: act by 2026-12-08"
    );
    let expiring = Key { expires_at: day("2026-12-01"), ..Key::new("github") };
    assert_eq!(subject_of(&expiring), "1 key expires on 2026-12-01 at GitHub: act by 2026-12-08");
    let exposed = Key { exposed: Some(true), ..user("deploy", "2026-11-01") };
    assert!(subject_of(&exposed).contains("was found where others can read it"));
}

#[test]
fn the_subject_of_several_keys_counts_what_to_do() {
    let unused = Key {
        last_used: LastUse::Never { since: Time::parse("2026-01-01").unwrap() },
        ..user("idle", "2026-01-01")
    };
    let keys = [user("a", "2026-07-01"), unused, user("b", "2025-01-01")];
    let digest = digest(keys.iter().map(|key| item(key, &about())).collect());
    assert_eq!(
        subject(&digest, now()),
        "3 keys need you: 1 to remove, 2 to rotate: act by 2026-12-08"
    );
    assert!(
        subject(&digest, Time::parse("2026-12-09").unwrap()).ends_with("overdue since 2026-12-08")
    );
}

#[test]
fn the_most_serious_key_comes_first() {
    let unused = Key {
        last_used: LastUse::Never { since: Time::parse("2026-01-01").unwrap() },
        ..user("unused", "2026-01-01")
    };
    let exposed = Key { exposed: Some(true), ..user("exposed", "2026-11-01") };
    let line = About { in_a_line: true, ..about() };
    let items = vec![
        item(&user("line", "2010-01-01"), &line),
        item(&user("old", "2020-01-01"), &about()),
        item(&user("older", "2015-01-01"), &about()),
        item(&unused, &about()),
        item(&user("admin", "2026-07-01"), &About { is_admin: true, ..about() }),
        item(&root(), &about()),
        item(&exposed, &about()),
    ];
    let digest = digest(items);
    let order: Vec<String> = digest.items().iter().map(Item::line).collect();
    let names: Vec<&str> = order.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["exposed", "root/1", "admin", "unused", "older", "old", "line"]);
    assert_eq!(digest.in_full().len(), 6);
    assert_eq!(digest.in_lines().len(), 1);
}

#[test]
fn the_text_of_a_root_key() {
    let text = text(&digest(vec![item(&root(), &about())]), now());
    let expected = "\
The root access key at AWS 123456789012 (prod) is 7 years old. Its owner
is Ann.
Nothing happens to it by itself: please act by 2026-12-08. Disabling it
can be undone until it is deleted.


root/1 at AWS 123456789012 (prod): remove
------------------------------------------------------------------------
Why:
- Root key
- Over a year old: 2580 days (limit 365 days)

What to do:
1. It is in use: somewhere, 4 days ago: move that before you remove it.
2. Give what uses it a role, or a user of its own, with only the
   permissions it needs.
   https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles
3. Sign in as root, whom alone AWS shows the key's id, and deactivate
   the key, wait, then delete it.
   https://console.aws.amazon.com/iam/home#/security_credentials
";
    assert!(text.starts_with(expected), "{text}");
    let end = "
What is known:
Severity       critical
Provider       AWS
Account        123456789012 (prod)
Principal      <root_account> (root)
Key id         not known
Created        2019-11-01, 7 years ago
Expires        no end is known
Last used      2026-11-20T09:00:00Z, 4 days ago
Observed       2026-11-24T09:00:00Z
Status         active
Owner          Ann
";
    assert!(text.contains(end), "{text}");
    assert!(
        text.ends_with(
            "
-- 
Written to Ann by Keytender at keys.example.com.
Best practice  https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
Full report    https://keys.example.com/report
Thresholds     https://keys.example.com/policy
"
        ),
        "{text}"
    );
}

#[test]
fn lines_are_at_most_72_columns_unless_they_must_be_copied_whole() {
    let keys = [root(), user("deploy-with-a-name-that-is-rather-long", "2020-01-01")];
    let places: Vec<String> = (0..20).map(|place| format!("cluster {place}")).collect();
    let about = About { destinations: &places, ..about() };
    let text = text(&digest(keys.iter().map(|key| item(key, &about)).collect()), now());
    for line in text.lines().filter(|line| line.chars().count() > 72) {
        assert!(line.contains("https://") || line.trim_start().starts_with("aws "), "{line}");
    }
    assert!(text.contains("cluster 7, and 12 places more"), "{text}");
}

#[test]
fn what_happens_is_said_with_its_end() {
    let second = |about: About<'_>, key: &Key<'_>| item(key, &about).lead(now())[1].clone();
    let (at, key) = (Time::parse("2026-12-08").unwrap(), user("deploy", "2020-01-01"));
    let next = |next| About { next, ..about() };
    assert_eq!(
        second(next(Next::Disable { at, undo_until: day("2027-01-07") }), &key),
        "Keytender disables it by itself on 2026-12-08; that can be undone until 2027-01-07."
    );
    assert_eq!(
        second(next(Next::Delete { at }), &Key { state: State::Suspended, ..key.clone() }),
        "It is disabled, which can be undone until 2026-12-08: then Keytender deletes it by itself."
    );
    assert_eq!(
        second(next(Next::Expires { at }), &key),
        "It stops working by itself on 2026-12-08; that cannot be undone, so replace it before."
    );
    assert_eq!(
        second(About { act_by: None, ..about() }, &key),
        "Nothing happens to it by itself: there is no hurry. \
         Disabling it can be undone until it is deleted."
    );
}

#[test]
fn a_missing_owner_and_an_unknown_use_are_said() {
    let key =
        Key { last_used: LastUse::unknown("access was denied"), ..user("deploy", "2020-01-01") };
    let text = text(&digest(vec![item(&key, &About { owner: None, ..about() })]), now());
    let flat = text.replace('\n', " ");
    assert!(flat.contains("Nobody is known to answer for it: please name an owner."), "{text}");
    assert!(text.contains("Owner          missing"), "{text}");
    assert!(text.contains("Last used      unknown because access was denied"), "{text}");
}

#[test]
fn an_id_that_is_a_secret_is_nowhere() {
    let key = Key {
        id: Some("sk-very-secret".into()),
        created_at: day("2020-01-01"),
        ..Key::new("openai")
    };
    let own_id = KeyId::from_random(42);
    let about = About { id_is_secret: true, own_id: Some(own_id), ..about() };
    let digest = digest(vec![item(&key, &about)]);
    let all = format!("{}{}{digest:?}", subject(&digest, now()), text(&digest, now()));
    assert!(!all.contains("very-secret"), "{all}");
    assert!(all.contains(&own_id.to_string()), "{all}");
}

#[test]
fn hostile_names_cannot_make_lines_or_headers() {
    let key = Key {
        label: Some("x\r\nBcc: all@example.com\u{202e}".into()),
        ..user("e\r\nil\u{1b}[2J", "2020-01-01")
    };
    let about = About { owner: Some("O\nwner"), account_alias: Some("a\u{7}"), ..about() };
    let digest = digest(vec![item(&key, &about)]);
    let subject = subject(&digest, now());
    assert!(!subject.chars().any(char::is_control), "{subject}");
    let text = text(&digest, now());
    assert!(!text.chars().any(|one| one.is_control() && one != '\n'), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
}

#[test]
fn a_backlog_is_cut_to_what_a_mail_program_shows() {
    let items = (0..1_000).map(|_| item(&user("deploy", "2020-01-01"), &about())).collect();
    let digest = digest(items);
    assert_eq!((digest.in_full().len(), digest.in_lines().len()), (10, 50));
    let text = text(&digest, now());
    assert!(text.contains("And 940 more keys: the full report has them."), "{text}");
    assert!(text.len() < 40_000, "{}", text.len());
}

#[test]
fn a_digest_names_the_same_keys_in_whatever_order_they_come() {
    let all: Vec<Item> = (0..300)
        .map(|number| {
            let day = format!("20{:02}-0{}-1{}", 10 + number % 7, 1 + number / 7 % 9, number / 63);
            let key = Key { label: Some(format!("{number}").into()), ..user("deploy", &day) };
            item(&key, &about())
        })
        .collect();
    let (one, other) = (digest(all.clone()), digest(all.into_iter().rev().collect()));
    assert_eq!((one.keys(), one.items().len(), one.unlisted()), (300, 60, 240));
    assert_eq!(
        (text(&one, now()), subject(&one, now())),
        (text(&other, now()), subject(&other, now()))
    );
}

#[test]
fn a_review_is_a_line_without_a_date() {
    let line = About { in_a_line: true, act_by: None, ..about() };
    let younger = now().minus(Span::days(60));
    let key = Key {
        second_active: crate::key::SecondActive::OlderThan(younger),
        ..user("deploy", "2026-09-10")
    };
    let digest = digest(vec![item(&key, &line), item(&key, &line)]);
    assert_eq!(subject(&digest, now()), "2 keys need you: 2 to look at");
    let text = text(&digest, now());
    assert!(text.contains("- deploy at AWS 123456789012 (prod): look at. Second active"), "{text}");
    assert!(!text.contains("What to do"), "{text}");
}

#[test]
fn what_comes_is_told_with_its_day() {
    let policy = Policy::parse(crate::policy::DEFAULT).unwrap();
    let mut assessment = Assessment::default();
    let key = user("deploy", "2025-12-04");
    policy.assess(&key, now().plus(Span::days(30)), &mut assessment);
    let findings: Vec<Finding<'_>> = policy.findings(&assessment).collect();
    let item = Item::new(&key, &findings, &about(), now());
    let reasons = item.reasons().join("\n");
    let ahead = "Over a year old: 365 days (limit 365 days), from 2026-12-04 on";
    assert!(reasons.contains(ahead), "{reasons}");
}

#[test]
fn pages_are_about_the_keys_provider() {
    let of = |provider: &'static str| {
        item(&Key { created_at: day("2020-01-01"), ..Key::new(provider) }, &about())
    };
    assert!(of("aws").links().iter().all(|link| link.contains("docs.aws.amazon.com")));
    assert!(!of("aws").links().is_empty());
    assert!(of("github").links().is_empty());
    assert!(of("github").steps()[0].text.contains("GitHub's key page"));
}

#[test]
fn an_id_that_may_be_a_secret_is_not_told() {
    let hidden = About { id_is_secret: true, own_id: Some(KeyId::from_random(2)), ..about() };
    let id = |key: Key<'_>| {
        let facts = item(&key, &hidden).facts(now());
        facts.into_iter().find(|(name, _)| *name == "Key id").unwrap().1
    };
    let told = Key { id: Some("sk_live_1234".into()), ..Key::new("stripe") };
    assert!(id(told).ends_with("(Keytender's own: the provider's would tell the secret)"));
    let nameless = Key::new("stripe");
    assert!(id(nameless).ends_with("(Keytender's own: the provider's is not known)"));
}
