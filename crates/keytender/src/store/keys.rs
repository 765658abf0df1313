//! Keys: what is remembered of them, and what the policy says of them.

use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId, OwnerId};
use keytender_core::inventory::KeyRecord;
use keytender_core::key::{State, Use};
use keytender_core::policy::{Action, Severity};
use keytender_core::time::Time;
use serde::Serialize;

use super::Result;
use super::bulk::{Conflict, Table};
use super::db::Tx;

pub use case::{Case, Cases};
pub(super) use filter::{Conditions, escaped};
pub use filter::{Filter, Order, Page, Term};
pub(super) use line::{action, severity, state};
pub use read::{Past, Sibling, Telling};

mod case;
mod filter;
mod line;
mod pages;
mod read;

/// A key of the inventory.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// What is known of it.
    pub record: KeyRecord,
    /// Whether its principal may do everything in its account; `None` if that is not known.
    pub is_admin: Option<bool>,
    /// Whether we hold it at a provider, or issued it.
    pub side: Side,
    /// Whether it is one of an API of ours, which a customer holds.
    pub is_customers: bool,
    /// Where it is held.
    pub account_id: AccountId,
    /// What people call that account here.
    pub account_name: String,
    /// Where it is used, in people's words.
    pub where_used: Option<String>,
    /// Its secret, where we were asked to keep it, sealed to its id.
    pub sealed: Option<String>,
    /// Whose it is, as somebody said of this key.
    pub owner_by_hand: Option<OwnerId>,
    /// Whether whoever answered for it said that it is not theirs: no claim gives it an owner.
    pub is_disowned: bool,
    /// Whose it is.
    pub owner_id: Option<OwnerId>,
    /// Until when it is kept as it is, and why.
    pub keep: Option<Keep>,
    /// What the policy says.
    pub standing: Standing,
}

impl HeldKey {
    /// The same for the customer whose key it is: without what the API's own people say of it to each other.
    #[must_use]
    pub fn for_customer(self) -> Self {
        Self { owner_id: None, keep: None, ..self }
    }

    /// Its place in the order account by account.
    pub const fn place(&self) -> (AccountId, KeyId) {
        (self.account_id, self.record.id)
    }

    /// Until when somebody said that it stays as it is.
    pub fn keep_until(&self) -> Option<Time> {
        self.keep.as_ref().map(|keep| keep.until)
    }

    /// Whether somebody said that it stays as it is, and the day has not come.
    pub fn is_kept(&self, now: Time) -> bool {
        self.keep.as_ref().is_some_and(|keep| now < keep.until)
    }
}

/// A key stays as it is until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// From this moment on it is due again.
    pub until: Time,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
}

/// What the policy says of a key, and until when that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether something must be done.
    pub is_due: bool,
    /// What to do.
    pub action: Option<Action>,
    /// How serious it is.
    pub severity: Option<Severity>,
    /// The broken rules, the most serious first.
    pub rules: Vec<String>,
    /// When the policy must be asked again.
    pub evaluate_at: Time,
}

/// A new standing of a key.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The key.
    pub key_id: KeyId,
    /// Whose it is.
    pub owner_id: Option<OwnerId>,
    /// What is new about it.
    pub news: News,
    /// What the policy says.
    pub standing: Standing,
    /// Rules that it did not break before.
    pub opened: Vec<Opened>,
    /// Rules that it does not break any more.
    pub resolved: Vec<String>,
}

/// What is new about a key, the least first. What stays need not be written into indexes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Only when the policy must be asked again.
    Moment,
    /// What the policy says.
    Standing,
    /// Whose it is, and perhaps what the policy says.
    Owner,
}

/// A finding that is new.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The rule.
    pub rule: String,
    /// How serious it is.
    pub severity: Severity,
    /// What to do.
    pub action: Action,
    /// From when on, if that is known.
    pub since: Option<Time>,
}

/// A fact about a key that people tell.
#[derive(Clone, Debug)]
pub enum Told {
    /// Whose it is; `None` takes back what was said of that.
    Owner(Option<OwnerId>),
    /// It is nobody's, whoever claims it.
    Disowned,
    /// Where it is used.
    WhereUsed(Option<String>),
    /// It stays as it is; `None` takes it back.
    Keep(Option<Keep>),
    /// What it is called.
    Label(Option<String>),
    /// When it ends.
    Expires(Option<Time>),
    /// When its secret came to be.
    Created(Option<Time>),
    /// Its secret, sealed to its id.
    Sealed(String),
    /// When it was last used.
    Used(Time),
    /// Whether it works, as somebody saw at its provider.
    State(State),
    /// When it was found where a secret must not be.
    Exposed(Option<Time>),
}

const TABLE: Table =
    Table { name: "keys", columns: line::COLUMNS, conflict: Conflict::Update(line::UPDATED) };

const USES: Table = Table {
    name: "key_uses",
    columns: &[
        ("key_id", "BIGINT"),
        ("at", "BIGINT"),
        ("region", "TEXT"),
        ("service", "TEXT"),
        ("seen_at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

const FINDINGS: Table = Table {
    name: "findings",
    columns: &[
        ("key_id", "BIGINT"),
        ("rule", "TEXT"),
        ("severity", "BIGINT"),
        ("action", "TEXT"),
        ("since", "BIGINT"),
        ("found_at", "BIGINT"),
    ],
    conflict: Conflict::Keep,
};

#[derive(Serialize)]
struct UseLine<'u> {
    key_id: i64,
    at: i64,
    region: Option<&'u str>,
    service: Option<&'u str>,
    seen_at: i64,
}

#[derive(Serialize)]
struct FindingLine<'f> {
    key_id: i64,
    rule: &'f str,
    severity: i64,
    action: &'f str,
    since: Option<i64>,
    found_at: i64,
}

#[derive(Serialize)]
struct StandingLine<'s> {
    id: i64,
    owner_id: Option<i64>,
    due: i64,
    action: Option<&'s str>,
    severity: i64,
    rules: String,
    evaluate_at: i64,
}

impl Tx {
    /// The keys of an account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keys_of(&mut self, account: AccountId) -> Result<Vec<HeldKey>> {
        let sql = format!(
            "SELECT {} FROM {} WHERE k.tenant_id = $1 AND k.account_id = $2 ORDER BY k.id",
            line::FIELDS,
            line::TABLES
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), account.as_i64().into()]).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// The key of this id, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_key(&mut self, id: KeyId) -> Result<Option<HeldKey>> {
        let sql = format!(
            "SELECT {} FROM {} WHERE k.tenant_id = $1 AND k.id = $2 {}",
            line::FIELDS,
            line::TABLES,
            self.lock_rows("k")
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(|row| line::held(row.cells())).transpose()
    }

    /// Writes new and changed keys of an account; they are asked of the policy again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_keys(&mut self, account: AccountId, records: &[KeyRecord]) -> Result<()> {
        let lines: Vec<_> = records.iter().map(|record| line::Line::of(record, account)).collect();
        self.write_all(&TABLE, &lines).await
    }

    /// Keeps uses that were seen at `seen_at`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_uses(
        &mut self,
        uses: &[(KeyId, Use<'static>)],
        seen_at: Time,
    ) -> Result<()> {
        let line = |(id, used): &'_ (KeyId, Use<'static>)| {
            let (region, service) = (used.region.clone(), used.service.clone());
            (id.as_i64(), used.at.as_micros(), region, service)
        };
        let owned: Vec<_> = uses.iter().map(line).collect();
        let lines: Vec<UseLine<'_>> = owned
            .iter()
            .map(|(key_id, at, region, service)| UseLine {
                key_id: *key_id,
                at: *at,
                region: region.as_deref(),
                service: service.as_deref(),
                seen_at: seen_at.as_micros(),
            })
            .collect();
        self.write_all(&USES, &lines).await
    }

    /// Writes new standings, and opens and resolves their findings.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_verdicts(&mut self, verdicts: &[Verdict], now: Time) -> Result<()> {
        self.write_standings(verdicts).await?;
        let findings: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.opened.iter().map(move |one| (verdict.key_id, one)))
            .map(|(key, one)| finding_line(key, one, now))
            .collect();
        self.write_all(&FINDINGS, &findings).await?;
        let resolved: Vec<_> = verdicts
            .iter()
            .flat_map(|verdict| verdict.resolved.iter().map(move |rule| (verdict.key_id, rule)))
            .map(|(key, rule)| {
                serde_json::json!({"tenant_id": self.tenant(), "key_id": key.as_i64(), "rule": rule})
            })
            .collect();
        // The tenant comes with each row: SQLite would begin with all findings of a given one, and
        // go through the rows for each of them.
        let sql = format!(
            "UPDATE findings SET resolved_at = {} FROM {{given}} \
             WHERE findings.tenant_id = given.tenant_id AND findings.key_id = given.key_id \
             AND findings.rule = given.rule AND findings.resolved_at IS NULL",
            now.as_micros()
        );
        let columns = [("tenant_id", "BIGINT"), ("key_id", "BIGINT"), ("rule", "TEXT")];
        self.each(&sql, &columns, &resolved).await
    }

    /// Notes that a key of ours was used, if nobody ever used it before; whether that is so.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_first_use(&mut self, id: KeyId, at: Time) -> Result<bool> {
        let sql = "UPDATE keys SET use_status = 'used', use_at = $3, use_service = 'api', \
                   evaluate_at = 0 WHERE tenant_id = $1 AND id = $2 AND use_status = 'never'";
        let values = vec![self.tenant().into(), id.as_i64().into(), at.into()];
        Ok(self.execute(sql, values).await? > 0)
    }

    async fn write_standings(&mut self, verdicts: &[Verdict]) -> Result<()> {
        let columns = [
            ("id", "BIGINT"),
            ("evaluate_at", "BIGINT"),
            ("due", "BIGINT"),
            ("action", "TEXT"),
            ("severity", "BIGINT"),
            ("rules", "TEXT"),
            ("owner_id", "BIGINT"),
        ];
        for (news, width) in [(News::Moment, 2), (News::Standing, 6), (News::Owner, 7)] {
            let columns: Vec<_> = columns.into_iter().take(width).collect();
            let set = columns.iter().skip(1).map(|(name, _)| format!("{name} = given.{name}"));
            let set = set.collect::<Vec<_>>().join(", ");
            let sql = format!("UPDATE keys SET {set} FROM {{given}} WHERE keys.id = given.id");
            let verdicts = verdicts.iter().filter(|verdict| verdict.news == news);
            let lines: Vec<_> = verdicts.map(standing_line).collect();
            self.each(&sql, &columns, &lines).await?;
        }
        Ok(())
    }

    /// Notes that a key of ours was used; a later use that is written already stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_use(&mut self, id: KeyId, at: Time) -> Result<()> {
        let sql = "UPDATE keys SET use_status = 'used', use_at = $3, use_service = 'api', \
                   evaluate_at = 0 WHERE tenant_id = $1 AND id = $2 \
                   AND (use_status <> 'used' OR use_at < $3)";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into(), at.into()]).await?;
        Ok(())
    }

    /// Writes what somebody said of a key; the policy is asked again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell_key(&mut self, id: KeyId, told: Told) -> Result<()> {
        let (columns, mut values) = match told {
            Told::Owner(owner) => {
                ("owner_by_hand = $3, disowned = 0", vec![owner.map(OwnerId::as_i64).into()])
            }
            Told::Disowned => ("owner_by_hand = NULL, disowned = 1", Vec::new()),
            Told::WhereUsed(text) => ("where_used = $3", vec![text.into()]),
            Told::Sealed(text) => ("sealed = $3", vec![text.into()]),
            Told::Label(text) => ("label = $3", vec![text.into()]),
            Told::Expires(at) => ("expires_at = $3", vec![at.into()]),
            Told::Created(at) => ("created_at = $3", vec![at.into()]),
            Told::Used(at) => ("use_status = 'used', use_at = $3", vec![at.into()]),
            Told::Exposed(at) => ("exposed_at = $3", vec![at.into()]),
            Told::State(state) => ("state = $3", vec![state.as_str().into()]),
            Told::Keep(keep) => {
                let (until, reason, by) = match keep {
                    Some(keep) => (Some(keep.until), Some(keep.reason), Some(keep.by)),
                    None => (None, None, None),
                };
                let set = "keep_until = $3, keep_reason = $4, keep_by = $5";
                (set, vec![until.into(), reason.into(), by.into()])
            }
        };
        let sql =
            format!("UPDATE keys SET {columns}, evaluate_at = 0 WHERE tenant_id = $1 AND id = $2");
        let mut all = vec![self.tenant().into(), id.as_i64().into()];
        all.append(&mut values);
        self.execute(&sql, all).await?;
        Ok(())
    }
}

fn standing_line(verdict: &Verdict) -> StandingLine<'_> {
    let standing = &verdict.standing;
    StandingLine {
        id: verdict.key_id.as_i64(),
        owner_id: verdict.owner_id.map(OwnerId::as_i64),
        due: standing.is_due.into(),
        action: standing.action.map(Action::as_str),
        severity: line::severity_number(standing.severity),
        rules: standing.rules.join(" "),
        evaluate_at: standing.evaluate_at.as_micros(),
    }
}

fn finding_line(key: KeyId, opened: &Opened, now: Time) -> FindingLine<'_> {
    FindingLine {
        key_id: key.as_i64(),
        rule: &opened.rule,
        severity: line::severity_number(Some(opened.severity)),
        action: opened.action.as_str(),
        since: opened.since.map(Time::as_micros),
        found_at: now.as_micros(),
    }
}
