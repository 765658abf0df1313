//! What keys and principals were, from a moment on: the past of the credential report.

use std::borrow::Cow;
use std::collections::HashMap;

use keytender_core::id::{KeyId, PrincipalId};
use keytender_core::inventory::{Event, KeyRecord, PrincipalRecord};
use keytender_core::key::{LastUse, Use};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{Conflict, Table, json, parsed};
use super::db::Tx;
use super::{Result, Store};

const TABLE: Table = Table {
    name: "versions",
    columns: &[
        ("subject_id", "BIGINT"),
        ("at", "BIGINT"),
        ("kind", "TEXT"),
        ("what", "TEXT"),
        ("facts", "TEXT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct Line {
    subject_id: i64,
    at: i64,
    kind: &'static str,
    what: String,
    facts: String,
}

/// What a key was. When it was used is in the table of uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// Its state, in the word of the wire.
    pub state: String,
    /// The provider's word for it.
    pub provider_state: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// Its place in the credential report.
    pub slot: Option<u8>,
    /// Its label.
    pub label: Option<String>,
    /// When its secret came to be, in microseconds.
    pub created_at: Option<i64>,
    /// When it ends, in microseconds.
    pub expires_at: Option<i64>,
    /// Whether it was used: `used`, `never` or `unknown`.
    pub use_status: String,
}

/// What a principal was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalFacts {
    /// Whether it had a password.
    pub has_password: Option<bool>,
    /// Whether it had a second factor.
    pub mfa: Option<bool>,
    /// Whether it was there.
    pub is_gone: bool,
    /// Its record in the provider's credential report.
    pub cells: Option<Vec<String>>,
}

impl Tx {
    /// Keeps what a key is from `at` on, and what happened to it then.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_key_versions(
        &mut self,
        records: &[(&KeyRecord, Vec<Event>)],
        at: Time,
    ) -> Result<()> {
        let lines: Result<Vec<Line>> = records
            .iter()
            .map(|(record, events)| {
                let key = &record.key;
                let facts = KeyFacts {
                    state: key.state.as_str().to_owned(),
                    provider_state: key.provider_state.as_deref().map(str::to_owned),
                    provider_id: key.id.as_deref().map(str::to_owned),
                    slot: key.slot,
                    label: key.label.as_deref().map(str::to_owned),
                    created_at: key.created_at.map(Time::as_micros),
                    expires_at: key.expires_at.map(Time::as_micros),
                    use_status: match &key.last_used {
                        LastUse::Used(_) => "used",
                        LastUse::Never { .. } => "never",
                        LastUse::Unknown { .. } => "unknown",
                    }
                    .to_owned(),
                };
                let words: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
                Ok(Line {
                    subject_id: record.id.as_i64(),
                    at: at.as_micros(),
                    kind: "key",
                    what: words.join(" "),
                    facts: json(&facts)?,
                })
            })
            .collect();
        self.write_all(&TABLE, &lines?).await
    }

    /// Keeps what principals are from `at` on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_principal_versions(
        &mut self,
        records: &[&PrincipalRecord],
        at: Time,
    ) -> Result<()> {
        let lines: Result<Vec<Line>> = records
            .iter()
            .map(|record| {
                let facts = PrincipalFacts {
                    has_password: record.principal.has_password,
                    mfa: record.principal.mfa,
                    is_gone: record.gone_at.is_some(),
                    cells: record.cells.clone(),
                };
                Ok(Line {
                    subject_id: record.id.as_i64(),
                    at: at.as_micros(),
                    kind: "principal",
                    what: String::new(),
                    facts: json(&facts)?,
                })
            })
            .collect();
        self.write_all(&TABLE, &lines?).await
    }
}

/// What was known at a moment.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Each key, by its id.
    pub keys: HashMap<KeyId, KeyFacts>,
    /// Each principal, by its id.
    pub principals: HashMap<PrincipalId, PrincipalFacts>,
    /// The last known use of each key that was used.
    pub uses: HashMap<KeyId, Use<'static>>,
}

impl Store {
    /// What was known at `at` of the keys and principals that were known then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn past_at(&self, at: Time) -> Result<Past> {
        let mut past = Past::default();
        let sql = "SELECT v.subject_id, v.kind, v.facts FROM versions v \
                   WHERE v.tenant_id = $1 AND v.at = (SELECT MAX(w.at) FROM versions w \
                   WHERE w.tenant_id = $1 AND w.subject_id = v.subject_id AND w.at <= $2)";
        let values = vec![self.tenant().into(), at.into()];
        for row in self.db.fetch(sql, values.clone()).await? {
            let mut cells = row.cells();
            let (id, kind, facts) = (cells.int()?, cells.text()?, cells.text()?);
            if kind == "key" {
                past.keys.insert(KeyId::from_i64(id), parsed(&facts, "a key's past")?);
            } else {
                let facts = parsed(&facts, "a principal's past")?;
                past.principals.insert(PrincipalId::from_i64(id), facts);
            }
        }
        let sql = "SELECT u.key_id, u.at, u.region, u.service FROM key_uses u \
                   WHERE u.tenant_id = $1 AND u.at = (SELECT MAX(w.at) FROM key_uses w \
                   WHERE w.tenant_id = $1 AND w.key_id = u.key_id AND w.seen_at <= $2)";
        for row in self.db.fetch(sql, values).await? {
            let mut cells = row.cells();
            let id = KeyId::from_i64(cells.int()?);
            let at = cells.time()?;
            let (region, service) = (cells.maybe_text()?, cells.maybe_text()?);
            let used = Use { at, region: region.map(Cow::Owned), service: service.map(Cow::Owned) };
            past.uses.insert(id, used);
        }
        Ok(past)
    }
}
