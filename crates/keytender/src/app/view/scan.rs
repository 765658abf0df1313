//! Keys in files, in JSON: where they stand, never what they are.

use keytender_core::key::{Key, State};
use keytender_core::policy::{Action, Severity};
use keytender_core::steps::name;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyView;
use crate::app::scan::live::Answer;
use crate::app::scan::{Evidence, Finding, Looked};

/// The version of this document.
const VERSION: u32 = 1;

/// What a scan found.
#[derive(Clone, Debug, Serialize)]
pub struct ScanView {
    /// The version of this document: 1.
    pub version: u32,
    /// When it looked.
    pub as_of: Time,
    /// What it looked at.
    pub looked: LookedView,
    /// Whether an inventory was asked which of them it knows.
    pub has_inventory: bool,
    /// How many keys there are.
    pub summary: ScanSummary,
    /// The keys, in the order of their places.
    pub findings: Vec<FoundKeyView>,
}

/// What was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct LookedView {
    /// How many files were read.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// How many were too large to be read.
    pub too_large: u64,
    /// How many are no text.
    pub no_text: u64,
    /// How many could not be read.
    pub unread: u64,
    /// Which these are, and why: the first of them.
    pub warnings: Vec<String>,
}

/// How many keys there are.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ScanSummary {
    /// Places at which a key stands.
    pub places: usize,
    /// Different keys.
    pub keys: usize,
    /// Different keys that the inventory knows.
    pub known: usize,
}

/// A key at a place.
#[derive(Clone, Debug, Serialize)]
pub struct FoundKeyView {
    /// Whose it is: a provider, or the host that it is for.
    pub provider: String,
    /// What kind of key it is, by its name in the provider's descriptor; null where the text does not tell.
    pub key_type: Option<String>,
    /// What the provider calls one.
    pub name: String,
    /// What is public of it.
    pub id: Option<String>,
    /// What stands for its secret.
    pub fingerprint: String,
    /// By what it was told from other text.
    pub evidence: Evidence,
    /// The file, as it was named.
    pub path: String,
    /// The line, from 1 on.
    pub line: u64,
    /// The letter in the line, from 1 on.
    pub column: u64,
    /// The commit that brought it, where a history was looked through.
    pub commit: Option<String>,
    /// A moment at which it stood there: it is at least as old.
    pub stood_at: Option<Time>,
    /// How serious it is that it stands there.
    pub severity: Severity,
    /// The key of the inventory that it is.
    pub key: Option<KnownKeyView>,
    /// What its provider said of it.
    pub live: Option<AnswerView>,
}

/// A key that stands in a file, without the key itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyInFile {
    /// Whose it is: a provider, or the host that it is for.
    #[schema(example = "aws")]
    pub provider: String,
    /// What kind of key it is, by its name in the provider's descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_type: Option<String>,
    /// What the provider calls one.
    pub noun: String,
    /// What is public of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its id, as the provider told whoever asked it with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_id: Option<String>,
    /// What stands for its secret: `sha256-` and the first 24 hexadecimal digits of its SHA-256.
    #[schema(pattern = "^sha256-[0-9a-f]{24}$")]
    pub fingerprint: String,
    /// The file, from its root on.
    pub path: String,
    /// The line, from 1 on.
    pub line: u64,
    /// A moment at which it stood there: it is at least as old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood_at: Option<Time>,
}

/// Keys that stand in files, to be told from those of the inventory.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyMatchRequest {
    /// The keys.
    pub keys: Vec<KeyInFile>,
}

/// Which keys of the inventory they are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyMatchView {
    /// For each key that was asked about, the one of the inventory; null where it knows none.
    pub keys: Vec<Option<KnownKeyView>>,
}

/// A place in which a key stands, or stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPlaceView {
    /// The key.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// The file, from its root on.
    pub path: String,
    /// What stands for its secret.
    pub fingerprint: String,
}

/// What a scan of the files of a machine found.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPlacesRequest {
    /// The machine.
    #[schema(example = "build-7.example.com")]
    pub host: String,
    /// The files and folders that were looked at, from their roots on.
    #[serde(default)]
    pub looked_at: Vec<String>,
    /// The keys that stand there.
    #[serde(default)]
    pub keys: Vec<KeyInFile>,
    /// The places in which keys stand no more.
    #[serde(default)]
    pub gone: Vec<KeyPlaceView>,
    /// Whether the keys that the inventory does not know are added to it, as keys that are held.
    #[serde(default)]
    pub add: bool,
}

/// What is kept of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyPlacesView {
    /// For each key that stands there, the one of the inventory; null where it knows none.
    pub keys: Vec<Option<KnownKeyView>>,
    /// How many keys were added.
    pub added: u64,
    /// How many places are forgotten.
    pub forgotten: u64,
    /// The places in what was looked at in which keys stood, and nobody said that they do: whoever looked says what is
    /// gone.
    pub unconfirmed: Vec<KeyPlaceView>,
}

/// A key of the inventory that stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownKeyView {
    /// Keytender's id of it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What people call its account here.
    pub account_name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its state, in the words of NIST SP 800-57.
    pub state: State,
    /// How old its secret is, in whole days.
    pub age_days: Option<i64>,
    /// Its age for people.
    pub age: Option<String>,
    /// Whether something must be done about it.
    pub due: bool,
    /// What to do about it.
    pub action: Option<Action>,
    /// How serious the most serious finding is.
    pub severity: Option<Severity>,
}

/// What a provider said of a key.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerView {
    /// Whether it works; null where nobody could say.
    pub works: Option<bool>,
    /// Whose it is, or why that is not known.
    pub says: String,
}

impl KnownKeyView {
    /// Of the view of a key, at a moment.
    pub fn of(view: &KeyView, now: Time) -> Self {
        let key = Key { seen_since: Some(view.first_seen_at), ..view.key() };
        Self {
            key: view.key.clone(),
            name: name(&key),
            account_name: view.account_name.clone(),
            owner: view.owner.clone(),
            state: view.state,
            age_days: view.age_days,
            age: key.age_in_words(now),
            due: view.due,
            action: view.action,
            severity: view.severity,
        }
    }
}

impl AnswerView {
    /// Of what was said.
    pub fn of(answer: &Answer) -> Self {
        Self { works: answer.works, says: answer.says.clone() }
    }
}

impl ScanView {
    /// What was found at a moment.
    pub fn of(
        as_of: Time,
        looked: &Looked,
        has_inventory: bool,
        findings: Vec<FoundKeyView>,
    ) -> Self {
        let mut keys: Vec<&str> = findings.iter().map(|found| found.fingerprint.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut known: Vec<&str> =
            findings.iter().filter_map(|found| Some(found.key.as_ref()?.key.as_str())).collect();
        known.sort_unstable();
        known.dedup();
        let known = known.len();
        let summary = ScanSummary { places: findings.len(), keys: keys.len(), known };
        Self {
            version: VERSION,
            as_of,
            looked: LookedView::of(looked),
            has_inventory,
            summary,
            findings,
        }
    }
}

impl LookedView {
    fn of(looked: &Looked) -> Self {
        Self {
            files: looked.files,
            bytes: looked.bytes,
            too_large: looked.too_large,
            no_text: looked.no_text,
            unread: looked.unread,
            warnings: looked.named.clone(),
        }
    }
}

impl FoundKeyView {
    /// A key at a place; `is_shared` says that it is in a commit, or about to be.
    pub fn of(
        found: &Finding,
        is_shared: bool,
        key: Option<KnownKeyView>,
        live: Option<AnswerView>,
    ) -> Self {
        let severity = match (&key, is_shared) {
            // What is committed, others have or will have.
            (_, true) => Severity::Critical,
            (Some(key), false) => key.severity.unwrap_or(Severity::Low),
            (None, false) => Severity::High,
        };
        Self {
            provider: found.provider.clone(),
            key_type: found.key_type.clone(),
            name: found.noun.clone(),
            id: found.id.clone(),
            fingerprint: found.fingerprint.clone(),
            evidence: found.evidence,
            path: found.place.path.clone(),
            line: found.place.line,
            column: found.place.column,
            commit: found.place.commit.clone(),
            stood_at: found.stood_at,
            severity,
            key,
            live,
        }
    }
}
