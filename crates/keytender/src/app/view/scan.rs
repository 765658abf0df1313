//! Keys in files, in JSON: where they stand, never what they are.

use keytender_core::policy::Severity;
use keytender_core::time::Time;
use serde::Serialize;

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
}

impl ScanView {
    /// What was found at a moment.
    pub fn of(as_of: Time, looked: &Looked, findings: Vec<FoundKeyView>) -> Self {
        let mut keys: Vec<&str> = findings.iter().map(|found| found.fingerprint.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let summary = ScanSummary { places: findings.len(), keys: keys.len(), known: 0 };
        Self { version: VERSION, as_of, looked: LookedView::of(looked), summary, findings }
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
    /// A key at a place.
    pub fn of(found: &Finding) -> Self {
        // What is committed, others have or will have.
        let severity =
            if found.place.commit.is_some() { Severity::Critical } else { Severity::High };
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
        }
    }
}
