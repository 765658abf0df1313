//! Keys, in JSON: what an audit says of a key, and what is remembered of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keytender_core::access::Side;
use keytender_core::key::{Key, LastUse, PrincipalKind, State, Use};
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::IssuedView;
use crate::store::key_files::KeyFile;
use crate::store::keys::HeldKey;
use crate::store::usage::LastSeen;

/// The version of the document that lists keys.
const VERSION: u32 = 1;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A key, held or issued. Never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Keytender's id of it.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// What people call its account here.
    pub account_name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it is used, in people's words.
    pub where_used: Option<String>,
    /// Until when it is kept as it is: nothing is due before.
    pub keep_until: Option<Time>,
    /// Why it is kept.
    pub keep_reason: Option<String>,
    /// At least how often it is used, in whole days, where enough uses are known.
    pub cadence_days: Option<i64>,
    /// Since when it was seen not to work.
    pub suspended_since: Option<Time>,
    /// Whether it was found where a secret must not be.
    pub exposed: Option<bool>,
    /// Since when it is known.
    pub first_seen_at: Time,
    /// The first listing of its account that did not show it.
    pub missing_since: Option<Time>,
    /// The last listing that did, once it is missing.
    pub last_seen_at: Option<Time>,
    /// Who issued it.
    #[schema(example = "aws")]
    pub provider: String,
    /// The provider's id of the account.
    pub account: Option<String>,
    /// Who it acts for; `<root_account>` for the root of an AWS account.
    pub principal: Option<String>,
    /// What kind of principal that is.
    pub principal_kind: Option<PrincipalKind>,
    /// The provider's public id of it.
    pub id: Option<String>,
    /// What kind of key it is, by its name at `/v1/providers`; null where there is one kind alone.
    #[serde(default)]
    #[schema(example = "personal")]
    pub key_type: Option<String>,
    /// Its place, 1 or 2, in a report that has no ids.
    pub slot: Option<u8>,
    /// What people call it.
    pub label: Option<String>,
    /// Its state, in the words of NIST SP 800-57.
    pub state: State,
    /// The provider's own word for the state.
    pub provider_state: Option<String>,
    /// When its secret came to be or last changed.
    pub created_at: Option<Time>,
    /// When it stops by itself, if that is known.
    pub expires_at: Option<Time>,
    /// How old its secret is, in whole days.
    pub age_days: Option<i64>,
    /// When it was last used.
    pub last_used: LastUseView,
    /// Whether something must be done about it.
    pub due: bool,
    /// What to do about it: the strongest action of its findings.
    pub action: Option<Action>,
    /// How serious the most serious finding is.
    pub severity: Option<Severity>,
    /// The rules that it breaks, the most serious first.
    pub findings: Vec<KeyFindingView>,
    /// The rules that it may break for now; absent if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excepted: Vec<ExceptedView>,
    /// Whether it is held at a provider, or issued by us.
    pub side: Side,
    /// The provider's full name of the principal; of AWS, its ARN.
    pub principal_ref: Option<String>,
    /// Whether the principal may do everything in its account; null where that is not known.
    #[serde(default)]
    pub principal_is_admin: Option<bool>,
    /// The provider's tags of the principal; null where they were not read.
    pub tags: Option<BTreeMap<String, String>>,
    /// The largest gap between two of its uses, in seconds, where enough uses are known.
    pub cadence_seconds: Option<i64>,
    /// Whether its secret is kept here, sealed.
    pub secret_kept: bool,
    /// Who said that it is kept as it is.
    pub keep_by: Option<String>,
    /// Where it stands in files, as scans found it; absent where none did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found_in: Vec<FileView>,
    /// What is known of it because we issued it for an API of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedView>,
}

/// A file in which a key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// The machine that the file is on.
    pub host: String,
    /// The file.
    pub path: String,
    /// The first line in which the key stands, from 1 on.
    pub line: u64,
    /// When it was found there first.
    pub first_found_at: Time,
    /// When it was found there last.
    pub found_at: Time,
}

impl FileView {
    /// The view of a place.
    pub fn of(place: KeyFile) -> Self {
        let KeyFile { host, path, line, first_found_at, found_at, .. } = place;
        Self { host, path, line, first_found_at, found_at }
    }

    /// Where it is, and when it was found there, in words.
    pub fn words(&self) -> String {
        format!("{}:{} on {}, found {}", self.path, self.line, self.host, self.found_at.date())
    }
}

/// When a key, or a password, was last used. An error is `unknown`, never `never`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum LastUseView {
    /// It was seen in use.
    Used {
        /// When.
        at: Time,
        /// In which of the provider's regions, if it says so.
        region: Option<String>,
        /// Against which of its services, if it says so.
        service: Option<String>,
        /// From which address, of a key that we issued; absent where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(example = "203.0.113.9")]
        address: Option<String>,
        /// By what kind of program, of a key that we issued; absent where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(example = "curl")]
        agent: Option<String>,
    },
    /// It was not used since then.
    Never {
        /// From when on a use would be known.
        since: Time,
    },
    /// Nobody can say.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// A rule that a key breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyFindingView {
    /// The rule.
    #[schema(example = "key-over-a-year")]
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What is wrong, with the figures.
    pub message: String,
    /// From when on, if that is known.
    pub since: Option<Time>,
    /// The controls of published standards that the rule stands for.
    pub controls: Vec<String>,
    /// Pages to read.
    pub links: Vec<String>,
    /// What is wrong, in a few words.
    #[serde(default)]
    pub title: String,
}

/// A rule that a key may break for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptedView {
    /// The rule.
    pub rule: String,
    /// From when on it applies again.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub approved_by: Option<String>,
}

/// Keys, and how many there are in all.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    /// The version of this document: 1.
    pub version: u32,
    /// The moment of which it speaks.
    pub as_of: Time,
    /// How many keys the filters let through, on all pages.
    pub total: u64,
    /// The keys.
    pub keys: Vec<KeyView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl KeyList {
    /// A list as of a moment.
    pub const fn new(as_of: Time, total: u64, keys: Vec<KeyView>, next: Option<String>) -> Self {
        Self { version: VERSION, as_of, total, keys, next }
    }
}

impl LastUseView {
    /// The view of a last use.
    pub fn of(last_used: &LastUse<'_>) -> Self {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        match last_used {
            LastUse::Used(used) => Self::Used {
                at: used.at,
                region: text(&used.region),
                service: text(&used.service),
                address: None,
                agent: None,
            },
            LastUse::Never { since } => Self::Never { since: *since },
            LastUse::Unknown { why } => Self::Unknown { why: why.as_ref().to_owned() },
        }
    }

    /// The view of what verifiers have counted last.
    pub fn seen(seen: LastSeen) -> Self {
        let LastSeen { used, address, agent } = seen;
        let text = |text: Option<Cow<'static, str>>| text.map(Cow::into_owned);
        let (region, service) = (text(used.region), text(used.service));
        Self::Used { at: used.at, region, service, address, agent }
    }

    fn last_used(&self) -> LastUse<'_> {
        match self {
            Self::Used { at, region, service, .. } => LastUse::Used(Use {
                at: *at,
                region: region.as_deref().map(Cow::Borrowed),
                service: service.as_deref().map(Cow::Borrowed),
            }),
            Self::Never { since } => LastUse::Never { since: *since },
            Self::Unknown { why } => LastUse::unknown(why),
        }
    }
}

impl KeyView {
    /// The view of a key at `now`: `assessment` is what `policy` says of it, `owner` the name of
    /// whoever answers for it.
    pub fn of(
        held: &HeldKey,
        owner: Option<String>,
        assessment: &Assessment,
        policy: &Policy,
        now: Time,
    ) -> Self {
        let (record, key) = (&held.record, &held.record.key);
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let keep = held.keep.as_ref();
        Self {
            key: record.id.to_string(),
            account_name: held.account_name.clone(),
            owner,
            where_used: held.where_used.clone(),
            keep_until: keep.map(|keep| keep.until),
            keep_reason: keep.map(|keep| keep.reason.clone()),
            cadence_days: key.cadence.map(Span::whole_days),
            suspended_since: record.suspended_seen_at,
            exposed: key.exposed,
            first_seen_at: record.first_seen_at,
            missing_since: record.missing_since,
            last_seen_at: record.last_seen_at,
            provider: key.provider.as_ref().to_owned(),
            account: text(&key.account),
            principal: text(&key.principal),
            principal_kind: key.principal_kind,
            id: text(&key.id),
            key_type: key.key_type.as_deref().map(str::to_owned),
            slot: key.slot,
            label: text(&key.label),
            state: key.state,
            provider_state: text(&key.provider_state),
            created_at: key.created_at,
            expires_at: key.expires_at,
            age_days: key.age(now).map(Span::whole_days),
            last_used: LastUseView::of(&key.last_used),
            due: held.standing.is_due,
            action: held.standing.action,
            severity: held.standing.severity,
            findings: findings(key, assessment, policy, now),
            excepted: excepted(assessment, policy),
            side: held.side,
            principal_ref: text(&key.principal_ref),
            principal_is_admin: held.is_admin,
            tags: key.tags.clone(),
            cadence_seconds: key.cadence.map(|gap| gap.as_micros() / MICROS_PER_SECOND),
            secret_kept: held.sealed.is_some(),
            keep_by: keep.map(|keep| keep.by.clone()),
            found_in: Vec::new(),
            issued: None,
        }
    }

    /// The same for the customer whose key it is: without what the API's own people say of it to each other.
    #[must_use]
    pub fn for_customer(self) -> Self {
        Self {
            owner: None,
            keep_until: None,
            keep_reason: None,
            keep_by: None,
            excepted: Vec::new(),
            tags: None,
            found_in: Vec::new(),
            ..self
        }
    }

    /// The key of the core that this is the view of: enough of it for the words and steps that people
    /// are given.
    pub fn key(&self) -> Key<'_> {
        let cadence = self.cadence_seconds.map(|seconds| seconds.saturating_mul(MICROS_PER_SECOND));
        Key {
            account: borrowed(&self.account),
            principal: borrowed(&self.principal),
            principal_kind: self.principal_kind,
            principal_ref: borrowed(&self.principal_ref),
            id: borrowed(&self.id),
            key_type: self.key_type.as_deref().map(Cow::Borrowed),
            slot: self.slot,
            label: borrowed(&self.label),
            state: self.state,
            provider_state: borrowed(&self.provider_state),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used: self.last_used.last_used(),
            suspended_since: self.suspended_since.filter(|at| *at != self.first_seen_at),
            cadence: cadence.map(Span::from_micros),
            has_owner: Some(self.owner.is_some()),
            tags: self.tags.clone(),
            exposed: self.exposed,
            ..Key::new(self.provider.as_str())
        }
    }

    /// Whether it is gone.
    pub fn is_gone(&self) -> bool {
        self.state == State::Destroyed
    }
}

fn borrowed(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

fn findings(
    key: &Key<'_>,
    assessment: &Assessment,
    policy: &Policy,
    now: Time,
) -> Vec<KeyFindingView> {
    policy
        .findings(assessment)
        .map(|finding| KeyFindingView {
            rule: finding.rule.id.clone(),
            severity: finding.rule.severity,
            message: finding.rule.message(key, now).to_string(),
            since: finding.since,
            controls: finding.rule.controls.clone(),
            links: finding.rule.links.clone(),
            title: finding.rule.title.clone(),
        })
        .collect()
}

fn excepted(assessment: &Assessment, policy: &Policy) -> Vec<ExceptedView> {
    policy
        .excepted(assessment)
        .map(|(rule, exception)| ExceptedView {
            rule: rule.id.clone(),
            until: exception.until,
            reason: exception.reason.clone(),
            approved_by: exception.approved_by.clone(),
        })
        .collect()
}
