//! A key in JSON: the same members wherever this program writes one.

use std::fmt::Display;

use keytender_core::key::{Key, LastUse, PrincipalKind, State};
use keytender_core::policy::{Action, Assessment, Message, Policy, Rule, Severity};
use keytender_core::time::Time;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

#[derive(Serialize)]
pub(super) struct KeyJson<'k> {
    provider: &'k str,
    account: Option<&'k str>,
    principal: Option<&'k str>,
    principal_kind: Option<PrincipalKind>,
    id: Option<&'k str>,
    slot: Option<u8>,
    label: Option<&'k str>,
    state: State,
    provider_state: Option<&'k str>,
    created_at: Option<Time>,
    expires_at: Option<Time>,
    age_days: Option<i64>,
    last_used: LastUseJson<'k>,
    pub(super) due: bool,
    pub(super) action: Option<Action>,
    pub(super) severity: Option<Severity>,
    findings: Vec<FindingJson<'k>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    excepted: Vec<ExceptedJson<'k>>,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum LastUseJson<'k> {
    Used { at: Time, region: Option<&'k str>, service: Option<&'k str> },
    Never { since: Time },
    Unknown { why: &'k str },
}

#[derive(Serialize)]
struct FindingJson<'k> {
    rule: &'k str,
    severity: Severity,
    message: Text<Message<'k>>,
    since: Option<Time>,
    controls: &'k RawValue,
    links: &'k RawValue,
}

/// What is the same in every finding of a rule, as JSON already.
pub(super) struct RuleJson {
    controls: Box<RawValue>,
    links: Box<RawValue>,
}

impl RuleJson {
    pub(super) fn of(rule: &Rule) -> serde_json::Result<Self> {
        let controls = serde_json::value::to_raw_value(&rule.controls)?;
        Ok(Self { controls, links: serde_json::value::to_raw_value(&rule.links)? })
    }
}

/// Whatever can be written, as a text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A rule that the key may break for now; only where there is an exception.
#[derive(Serialize)]
struct ExceptedJson<'k> {
    rule: &'k str,
    until: Time,
    reason: &'k str,
    approved_by: Option<&'k str>,
}

impl<'k> KeyJson<'k> {
    pub(super) fn of(
        key: &'k Key<'k>,
        assessment: &'k Assessment,
        policy: &'k Policy,
        rules: &'k [RuleJson],
        as_of: Time,
    ) -> Self {
        let findings = policy.findings(assessment).filter_map(|finding| {
            let shared = rules.get(finding.index)?;
            Some(FindingJson {
                rule: &finding.rule.id,
                severity: finding.rule.severity,
                message: Text(finding.rule.message(key, as_of)),
                since: finding.since,
                controls: &shared.controls,
                links: &shared.links,
            })
        });
        let excepted = policy.excepted(assessment).map(|(rule, exception)| ExceptedJson {
            rule: &rule.id,
            until: exception.until,
            reason: &exception.reason,
            approved_by: exception.approved_by.as_deref(),
        });
        Self {
            provider: &key.provider,
            account: key.account.as_deref(),
            principal: key.principal.as_deref(),
            principal_kind: key.principal_kind,
            id: key.id.as_deref(),
            slot: key.slot,
            label: key.label.as_deref(),
            state: key.state,
            provider_state: key.provider_state.as_deref(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            age_days: key.age(as_of).map(|age| age.whole_days()),
            last_used: match &key.last_used {
                LastUse::Used(used) => LastUseJson::Used {
                    at: used.at,
                    region: used.region.as_deref(),
                    service: used.service.as_deref(),
                },
                LastUse::Never { since } => LastUseJson::Never { since: *since },
                LastUse::Unknown { why } => LastUseJson::Unknown { why },
            },
            due: assessment.is_due(),
            action: assessment.action(),
            severity: assessment.severity(),
            findings: findings.collect(),
            excepted: excepted.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use keytender_core::access::Side;
    use keytender_core::id::{AccountId, KeyId};
    use keytender_core::inventory::KeyRecord;
    use keytender_core::key::Use;
    use keytender_core::time::Span;

    use super::*;
    use crate::app::view::KeyView;
    use crate::store::keys::{HeldKey, Keep, Standing};

    const EXCEPTION: &str = "\n[[exception]]\nmatch = { provider = \"aws\" }\nrule = \"root-key\"\n\
                             until = 2027-01-01\nreason = \"moves\"\napproved_by = \"mia\"\n";

    fn now() -> Time {
        Time::parse("2026-11-24T09:30:00.25Z").unwrap()
    }

    /// A key of which everything is known, and its last use.
    fn key(last_used: LastUse<'static>) -> Key<'static> {
        let ago = |days| Some(now().minus(Span::days(days)));
        Key {
            account: Some(Cow::Borrowed("123456789012")),
            principal: Some(Cow::Borrowed("<root_account>")),
            principal_kind: Some(PrincipalKind::Root),
            principal_ref: Some(Cow::Borrowed("arn:aws-cn:iam::123456789012:root")),
            id: Some(Cow::Borrowed("AKIAQROOT00000000001")),
            slot: Some(1),
            label: Some(Cow::Borrowed("shop")),
            provider_state: Some(Cow::Borrowed("Active")),
            created_at: ago(800),
            expires_at: Some(now().plus(Span::days(3))),
            last_used,
            cadence: Some(Span::parse("5h").unwrap()),
            has_owner: Some(true),
            tags: Some([("team".to_owned(), "data".to_owned())].into()),
            exposed: Some(true),
            ..Key::new("aws")
        }
    }

    fn held(key: Key<'static>, standing: Standing) -> HeldKey {
        HeldKey {
            is_admin: Some(false),
            record: KeyRecord { uses: 9, ..KeyRecord::new(KeyId::from_random(7), key, now()) },
            side: Side::Held,
            is_customers: false,
            account_id: AccountId::from_random(7),
            account_name: "prod".to_owned(),
            where_used: None,
            sealed: Some("sealed".to_owned()),
            owner_by_hand: None,
            is_disowned: false,
            owner_id: None,
            keep: Some(Keep { until: now(), reason: "moves".to_owned(), by: "mia".to_owned() }),
            standing,
        }
    }

    /// A key's view, and what an audit's JSON says of the same key.
    fn both(last_used: LastUse<'static>, policy: &str) -> (KeyView, serde_json::Value) {
        let policy = Policy::parse(policy).unwrap();
        let mut assessment = Assessment::default();
        let key = key(last_used);
        policy.assess(&key, now(), &mut assessment);
        let rules: Vec<RuleJson> =
            policy.rules().iter().map(|rule| RuleJson::of(rule).unwrap()).collect();
        let audited = KeyJson::of(&key, &assessment, &policy, &rules, now());
        let audited = serde_json::to_string(&audited).unwrap();
        let standing = Standing {
            is_due: assessment.is_due(),
            action: assessment.action(),
            severity: assessment.severity(),
            rules: Vec::new(),
            evaluate_at: now(),
        };
        let held = held(key.clone(), standing);
        let owner = Some("shop".to_owned());
        let view = KeyView::of(&held, owner, &assessment, &policy, now());
        (view, serde_json::from_str(&audited).unwrap())
    }

    #[test]
    fn a_key_is_said_alike_by_an_audit_and_by_the_inventory() {
        let used = Use {
            at: now(),
            region: Some(Cow::Borrowed("eu-west-1")),
            service: Some(Cow::Borrowed("s3")),
        };
        let with_exception = format!("{}{EXCEPTION}", keytender_core::policy::DEFAULT);
        for last_used in [
            LastUse::Used(used),
            LastUse::Never { since: now().minus(Span::days(99)) },
            LastUse::unknown("access denied"),
        ] {
            for policy in [keytender_core::policy::DEFAULT, &with_exception] {
                let (view, audited) = both(last_used.clone(), policy);
                let mut said = serde_json::to_value(&view).unwrap();
                for finding in said["findings"].as_array_mut().unwrap() {
                    let title = finding.as_object_mut().unwrap().remove("title").unwrap();
                    let message = finding["message"].as_str().unwrap();
                    assert!(message.starts_with(title.as_str().unwrap()), "{title}: {message}");
                }
                for (name, member) in audited.as_object().unwrap() {
                    assert_eq!(said.get(name), Some(member), "{name}");
                }
                assert!(!audited["findings"].as_array().unwrap().is_empty());
                assert_eq!(said.get("excepted").is_some(), policy == with_exception);
            }
        }
    }

    #[test]
    fn members_stand_in_the_order_of_the_audit() {
        let (view, _) = both(LastUse::unknown("x"), keytender_core::policy::DEFAULT);
        let text = serde_json::to_string(&view).unwrap();
        let places: Vec<usize> =
            ["key", "first_seen_at", "provider", "last_used", "findings", "side"]
                .iter()
                .map(|name| text.find(&format!("\"{name}\":")).unwrap())
                .collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn a_view_gives_the_key_back_that_words_and_steps_are_made_of() {
        for last_used in [LastUse::at(now()), LastUse::unknown("access denied")] {
            let (view, _) = both(last_used.clone(), keytender_core::policy::DEFAULT);
            let text = serde_json::to_string(&view).unwrap();
            let read: KeyView = serde_json::from_str(&text).unwrap();
            assert_eq!(read, view);
            assert_eq!(read.key(), key(last_used));
        }
    }
}
