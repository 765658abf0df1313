//! What to do about a key: the steps that AWS's notice asks for, with exact command lines.

use keytender_core::key::{Key, LastUse, PrincipalKind, State, Use};
use keytender_core::policy::Action;
use keytender_core::steps::{Context, Step, last_used, name, steps};

use crate::time;

const NOW: &str = "2026-11-24T00:00:00Z";

fn key(principal: &'static str) -> Key<'static> {
    Key {
        principal: Some(principal.into()),
        principal_kind: Some(PrincipalKind::User),
        created_at: Some(time("2020-06-15T12:00:04Z")),
        last_used: LastUse::Never { since: time("2020-06-15T12:00:04Z") },
        slot: Some(1),
        ..Key::new("aws")
    }
}

fn commands(steps: &[Step]) -> Vec<&str> {
    steps.iter().filter_map(|step| step.command.as_deref()).collect()
}

#[test]
fn an_unused_key_is_disabled_held_and_deleted_by_its_id() {
    let steps = steps(&key("deploy"), Action::Remove, Context::default(), time(NOW));
    assert_eq!(
        commands(&steps),
        [
            "aws iam list-access-keys --user-name deploy",
            "aws iam update-access-key --user-name deploy --access-key-id KEY_ID --status Inactive",
            "aws iam delete-access-key --user-name deploy --access-key-id KEY_ID",
        ]
    );
    assert!(steps[0].text.contains("2020-06-15T12:00:04Z"));
}

#[test]
fn a_known_id_and_profile_stand_in_the_command() {
    let mut key = key("deploy");
    key.id = Some("AKIAIOSFODNN7EXAMPLE".into());
    let context = Context { profile: Some("prod"), other: None };
    assert_eq!(
        commands(&steps(&key, Action::Rotate, context, time(NOW))),
        [
            "aws --profile prod iam create-access-key --user-name deploy",
            "aws --profile prod iam get-access-key-last-used --access-key-id NEW_KEY_ID",
            "aws --profile prod iam update-access-key --user-name deploy --access-key-id \
             AKIAIOSFODNN7EXAMPLE --status Inactive",
            "aws --profile prod iam delete-access-key --user-name deploy --access-key-id \
             AKIAIOSFODNN7EXAMPLE",
        ]
    );
}

#[test]
fn a_disabled_key_is_only_deleted() {
    let mut key = key("deploy");
    key.state = State::Suspended;
    let steps = steps(&key, Action::Remove, Context::default(), time(NOW));
    assert!(!commands(&steps).iter().any(|command| command.contains("Inactive")));
}

#[test]
fn two_keys_are_as_many_as_aws_allows() {
    let mut other = key("deploy");
    other.slot = Some(2);
    other.state = State::Suspended;
    let context = Context { profile: None, other: Some(&other) };
    let steps = steps(&key("deploy"), Action::Rotate, context, time(NOW));
    assert!(steps[0].text.contains("deploy/2, is disabled"), "{:?}", steps[0]);
}

#[test]
fn a_root_key_in_use_says_so_first_and_has_no_command_of_a_user() {
    let mut root = key("<root_account>");
    root.principal_kind = Some(PrincipalKind::Root);
    root.last_used = LastUse::Used(Use {
        at: time("2026-11-20T00:00:00Z"),
        region: Some("us-east-1".into()),
        service: Some("s3".into()),
    });
    let steps = steps(&root, Action::Remove, Context::default(), time(NOW));
    assert_eq!(
        steps[0].text,
        "It is in use: s3 in us-east-1, 4 days ago: move that before you remove it."
    );
    assert!(commands(&steps).is_empty());
    let text: String = steps.iter().map(|step| step.text.as_str()).collect();
    assert!(text.contains("whom alone AWS shows the key's id"));
    let links: Vec<&str> = steps.iter().filter_map(|step| step.link.as_deref()).collect();
    assert!(links.contains(&"https://console.aws.amazon.com/iam/home#/security_credentials"));
    assert!(links[0].contains("best-practices"));
}

#[test]
fn a_hostile_name_stays_one_word_of_the_command() {
    for (hostile, word) in [
        ("x; rm -rf ~", " 'x; rm -rf ~'"),
        ("$(id)", " '$(id)'"),
        ("--help", "=--help"),
        ("a\nb", " \"a\\\\u{a}b\""),
        ("it's", " \"it's\""),
    ] {
        let steps = steps(&key(hostile), Action::Remove, Context::default(), time(NOW));
        assert_eq!(commands(&steps)[0], format!("aws iam list-access-keys --user-name{word}"));
    }
}

#[test]
fn the_console_is_that_of_the_partition() {
    let mut key = key("Zoë+x");
    key.principal_ref = Some("arn:aws-cn:iam::123456789012:user/x".into());
    let steps = steps(&key, Action::Remove, Context::default(), time(NOW));
    let page = steps.iter().find_map(|step| step.link.clone()).unwrap();
    assert_eq!(
        page,
        "https://console.amazonaws.cn/iam/home#/users/details/Zo%C3%AB%2Bx?section=security_credentials"
    );
}

#[test]
fn each_step_that_changes_a_key_leads_to_its_page_of_the_console() {
    for action in [Action::Rotate, Action::Remove] {
        let steps = steps(&key("deploy"), action, Context::default(), time(NOW));
        let changes = |command: &str| !command.contains(" list-") && !command.contains(" get-");
        for step in steps.iter().filter(|step| step.command.as_deref().is_some_and(changes)) {
            let link = step.link.as_deref();
            assert!(link.is_some_and(|link| link.contains("/users/details/deploy")), "{step:?}");
        }
    }
}

#[test]
fn keys_of_other_providers_are_named_by_their_label() {
    let mut key = Key::new("github");
    key.label = Some("CI".into());
    assert_eq!(name(&key), "github/CI");
    assert_eq!(last_used(&key, time(NOW)), "unknown");
    assert!(commands(&steps(&key, Action::Rotate, Context::default(), time(NOW))).is_empty());
}
