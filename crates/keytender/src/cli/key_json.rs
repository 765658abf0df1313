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
