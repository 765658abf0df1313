//! Principals: who keys act for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keytender_core::access::Side;
use keytender_core::id::{AccountId, OwnerId, PrincipalId};
use keytender_core::inventory::PrincipalRecord;
use keytender_core::key::{LastUse, Principal, PrincipalKind};
use keytender_core::time::Time;
use serde::Serialize;

use super::bulk::{Conflict, Table, json, parsed};
use super::db::{Cells, Tx};
use super::keys::{Conditions, escaped};
use super::{Failure, Result, Store};

const TABLE: Table = Table {
    name: "principals",
    columns: &[
        ("id", "BIGINT"),
        ("account_id", "BIGINT"),
        ("name", "TEXT"),
        ("kind", "TEXT"),
        ("reference", "TEXT"),
        ("has_password", "BIGINT"),
        ("password_status", "TEXT"),
        ("password_at", "BIGINT"),
        ("mfa", "BIGINT"),
        ("tags", "TEXT"),
        ("tags_at", "BIGINT"),
        ("is_admin", "BIGINT"),
        ("cells", "TEXT"),
        ("first_seen_at", "BIGINT"),
        ("gone_at", "BIGINT"),
    ],
    conflict: Conflict::Update(&[
        "kind",
        "reference",
        "has_password",
        "password_status",
        "password_at",
        "mfa",
        "tags",
        "tags_at",
        "is_admin",
        "cells",
        "gone_at",
    ]),
};

/// A row, as it is written.
#[derive(Serialize)]
struct Line<'r> {
    id: i64,
    account_id: i64,
    name: &'r str,
    kind: &'r str,
    reference: Option<&'r str>,
    has_password: Option<i64>,
    password_status: Option<&'r str>,
    password_at: Option<i64>,
    mfa: Option<i64>,
    tags: Option<String>,
    tags_at: Option<i64>,
    is_admin: Option<i64>,
    cells: Option<String>,
    first_seen_at: i64,
    gone_at: Option<i64>,
}

impl<'r> Line<'r> {
    fn of(record: &'r PrincipalRecord, account: AccountId) -> Result<Self> {
        let (status, at) = match &record.principal.password_last_used {
            None => (None, None),
            Some(LastUse::Used(used)) => (Some("used"), Some(used.at)),
            Some(LastUse::Never { since }) => (Some("never"), Some(*since)),
            Some(LastUse::Unknown { .. }) => (Some("unknown"), None),
        };
        let tags = record.tags.as_ref();
        Ok(Self {
            id: record.id.as_i64(),
            account_id: account.as_i64(),
            name: &record.principal.name,
            kind: record.principal.kind.as_str(),
            reference: record.reference.as_deref(),
            has_password: record.principal.has_password.map(i64::from),
            password_status: status,
            password_at: at.map(Time::as_micros),
            mfa: record.principal.mfa.map(i64::from),
            tags: tags.map(|(tags, _)| json(tags)).transpose()?,
            tags_at: tags.map(|(_, at)| at.as_micros()),
            is_admin: record.is_admin.map(i64::from),
            cells: record.cells.as_ref().map(json).transpose()?,
            first_seen_at: record.first_seen_at.as_micros(),
            gone_at: record.gone_at.map(Time::as_micros),
        })
    }
}

/// The kind that a word stands for.
pub(super) fn kind(word: &str) -> Result<PrincipalKind> {
    PrincipalKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| Failure::Corrupt(format!("principal kind `{word}`")))
}

/// Tags, as they are kept.
pub(super) fn tags(text: Option<String>) -> Result<Option<BTreeMap<String, String>>> {
    text.map(|text| parsed(&text, "tags")).transpose()
}

fn record(cells: &mut Cells<'_>) -> Result<PrincipalRecord> {
    let id = PrincipalId::from_i64(cells.int()?);
    let provider = Cow::Owned(cells.text()?);
    let account = Cow::Owned(cells.maybe_text()?.unwrap_or_default());
    let name = Cow::Owned(cells.text()?);
    let kind = kind(&cells.text()?)?;
    let reference = cells.maybe_text()?;
    let has_password = cells.maybe_truth()?;
    let password_last_used = match (cells.maybe_text()?.as_deref(), cells.maybe_time()?) {
        (Some("used"), Some(at)) => Some(LastUse::at(at)),
        (Some("never"), Some(since)) => Some(LastUse::Never { since }),
        (Some(_), _) => Some(LastUse::unknown("the provider does not say")),
        (None, _) => None,
    };
    let mfa = cells.maybe_truth()?;
    let tags = tags(cells.maybe_text()?)?.zip(cells.maybe_time()?);
    let is_admin = cells.maybe_truth()?;
    let raw = cells.maybe_text()?.map(|text| parsed(&text, "cells")).transpose()?;
    let principal =
        Principal { provider, account, name, kind, has_password, password_last_used, mfa };
    Ok(PrincipalRecord {
        id,
        principal,
        reference,
        tags,
        is_admin,
        cells: raw,
        first_seen_at: cells.time()?,
        gone_at: cells.maybe_time()?,
    })
}

impl Tx {
    /// As [`Store::list_principals`], within the transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_principals(&mut self, account: AccountId) -> Result<Vec<PrincipalRecord>> {
        let rows =
            self.fetch(OF_ACCOUNT, vec![self.tenant().into(), account.as_i64().into()]).await?;
        rows.iter().map(|row| record(&mut row.cells())).collect()
    }

    /// Writes new and changed principals of an account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_principals(
        &mut self,
        account: AccountId,
        records: &[PrincipalRecord],
    ) -> Result<()> {
        let lines: Result<Vec<_>> =
            records.iter().map(|record| Line::of(record, account)).collect();
        self.write_all(&TABLE, &lines?).await
    }
}

/// Which principals; every part that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The one of this id.
    pub id: Option<PrincipalId>,
    /// In this account.
    pub account: Option<AccountId>,
    /// A part of the name.
    pub text: Option<String>,
    /// On this side.
    pub side: Option<Side>,
    /// Only those of this owner's keys, of which alone is told; `None` within: nobody's.
    pub seen_by: Option<Option<OwnerId>>,
}

/// A principal with what is known of its keys.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The principal.
    pub record: PrincipalRecord,
    /// Where it is.
    pub account_id: AccountId,
    /// What people call that account here.
    pub account_name: String,
    /// How many keys it has that are not destroyed.
    pub keys: u64,
    /// The latest known use of its keys.
    pub last_use_at: Option<Time>,
}

/// The columns that [`record`] reads.
const COLUMNS: &str = "p.id, a.provider, a.external_id, p.name, p.kind, p.reference, \
    p.has_password, p.password_status, p.password_at, p.mfa, p.tags, p.tags_at, p.is_admin, p.cells, \
    p.first_seen_at, p.gone_at";

/// Every principal of an account, by its id.
const OF_ACCOUNT: &str = "SELECT p.id, a.provider, a.external_id, p.name, p.kind, p.reference, \
    p.has_password, p.password_status, p.password_at, p.mfa, p.tags, p.tags_at, p.is_admin, p.cells, \
    p.first_seen_at, p.gone_at FROM principals p JOIN accounts a ON a.id = p.account_id \
    WHERE p.tenant_id = $1 AND p.account_id = $2 ORDER BY p.id";

impl Store {
    /// Every principal of an account that is known, by its id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_principals(&self, account: AccountId) -> Result<Vec<PrincipalRecord>> {
        let rows =
            self.db.fetch(OF_ACCOUNT, vec![self.tenant().into(), account.as_i64().into()]).await?;
        rows.iter().map(|row| record(&mut row.cells())).collect()
    }

    /// The first `limit` of the principals that `filter` lets through, those of an account together, by
    /// name; after the one of this account and name if it is given.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_principals(
        &self,
        filter: &Filter,
        after: Option<(AccountId, &str)>,
        limit: u32,
    ) -> Result<Vec<Seen>> {
        // What is told of the keys of each: those that are seen.
        let mut keys = Conditions::of_tenant("k", self.tenant());
        keys.plain("k.principal_id = p.id");
        keys.seen_by(filter.seen_by);
        let mut sql = Conditions { text: "p.tenant_id = $1".to_owned(), values: keys.values };
        if filter.seen_by.is_some() {
            sql.plain(&format!("EXISTS (SELECT 1 FROM keys k WHERE {})", keys.text));
        }
        if let Some(id) = filter.id {
            sql.and("p.id =", id.as_i64());
        }
        if let Some(account) = filter.account {
            sql.and("p.account_id =", account.as_i64());
        }
        if let Some(side) = filter.side {
            sql.and("a.side =", side.as_str());
        }
        if let Some(text) = &filter.text {
            sql.and("LOWER(p.name) LIKE", format!("%{}%", escaped(&text.to_lowercase())));
            sql.text.push_str(" ESCAPE '\\'");
        }
        if let Some((account, name)) = after {
            let (account, name) = (sql.place(account.as_i64()), sql.place(name));
            sql.plain(&format!(
                "p.account_id >= {account} AND (p.account_id > {account} OR p.name > {name})"
            ));
        }
        let text = format!(
            "SELECT {COLUMNS}, p.account_id, a.name, \
             (SELECT CAST(COUNT(*) AS BIGINT) FROM keys k \
             WHERE {0} AND k.state <> 'destroyed'), \
             (SELECT MAX(k.use_at) FROM keys k WHERE {0} AND k.use_status = 'used') \
             FROM principals p JOIN accounts a ON a.id = p.account_id \
             WHERE {1} ORDER BY p.tenant_id, p.account_id, p.name LIMIT {limit}",
            keys.text, sql.text
        );
        let rows = self.db.fetch(&text, sql.values).await?;
        rows.iter().map(|row| seen(row.cells())).collect()
    }
}

fn seen(mut cells: Cells<'_>) -> Result<Seen> {
    Ok(Seen {
        record: record(&mut cells)?,
        account_id: AccountId::from_i64(cells.int()?),
        account_name: cells.text()?,
        keys: u64::try_from(cells.int()?).unwrap_or(0),
        last_use_at: cells.maybe_time()?,
    })
}
