//! A key as the policy is asked of it: what rules and claims look at, and what was said last time.
//!
//! All of them travel as one text, with a JSON array a line: a million keys are read whenever the
//! policy changes, and each row and each cell that is handed over costs more than what is in it.

use std::borrow::Cow;

use keytender_core::id::{AccountId, KeyId, OwnerId};
use keytender_core::inventory;
use keytender_core::key::{Key, LastUse};
use keytender_core::time::{Span, Time};
use serde::Deserialize;

use super::{Standing, line};
use crate::store::db::{Db, Row, Tx, Values};
use crate::store::{Failure, Result, principals};

/// What [`Cells`] holds, in its order.
const FIELDS: &str = "k.account_id, k.id, a.api_id, a.provider, a.external_id, a.name, p.name, p.kind, p.tags, \
    k.provider_id, k.slot, k.label, k.state, k.created_at, k.expires_at, k.use_status, k.use_at, \
    k.uses, k.largest_gap, k.suspended_seen_at, k.first_seen_at, k.younger_at, k.rotating, k.exposed_at, \
    k.owner_by_hand, k.disowned, k.owner_id, k.keep_until, k.due, k.action, k.severity, k.rules, k.evaluate_at";

/// A key, as far as the policy and the claims of owners look at it.
#[derive(Clone, Debug)]
pub struct Case<'c> {
    /// Its id.
    pub id: KeyId,
    /// What rules look at. What only people read (regions, the provider's words) is not there, and
    /// whether it has an owner is for whoever looks at the claims to say.
    pub key: Key<'c>,
    /// Whether it is one of an API of ours, which a customer holds.
    pub is_customers: bool,
    /// What people call its account here.
    pub account_name: Cow<'c, str>,
    /// Whose it is, as somebody said of this key.
    pub owner_by_hand: Option<OwnerId>,
    /// Whether no claim may give it an owner.
    pub is_disowned: bool,
    /// Whose it is.
    pub owner_id: Option<OwnerId>,
    /// Until when it is kept as it is.
    pub keep_until: Option<Time>,
    /// What the policy said last time.
    pub standing: Standing,
}

/// Some keys, as the database gave them.
#[derive(Debug)]
pub struct Cases(String);

impl Cases {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.lines().count()
    }

    /// Each of them.
    ///
    /// # Errors
    /// Each may be something that this program does not understand.
    pub fn each(&self) -> impl Iterator<Item = Result<Case<'_>>> {
        self.0.lines().map(|line| case(cells(line)?))
    }

    /// The last place among them in the order account by account.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn last_place(&self) -> Result<Place> {
        let mut last = None;
        for line in self.0.lines() {
            last = last.max(Some(place(line).ok_or_else(|| Failure::Corrupt("a key".to_owned()))?));
        }
        Ok(last)
    }
}

/// The place of a line, which begins with it.
fn place(line: &str) -> Option<(AccountId, KeyId)> {
    let mut numbers = line.strip_prefix('[')?.split(',').map(|number| number.trim().parse().ok());
    let (account, key) = (numbers.next()??, numbers.next()??);
    Some((AccountId::from_i64(account), KeyId::from_i64(key)))
}

impl Tx {
    /// Some keys after `after`, account by account, which nobody else changes before this
    /// transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_cases_after(&mut self, after: Place, limit: i64) -> Result<Cases> {
        let which = places_after(self.tenant(), after, limit);
        self.lock_cases(which).await
    }

    /// Some keys of which the policy must be asked by `at`, which nobody else changes before this
    /// transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_cases_to_ask(&mut self, at: Time, limit: i64) -> Result<Cases> {
        let which = "k.evaluate_at <= $2 ORDER BY k.evaluate_at LIMIT $3";
        let values = vec![self.tenant().into(), at.into(), limit.into()];
        self.lock_cases((which, values)).await
    }

    async fn lock_cases(&mut self, (which, values): Which) -> Result<Cases> {
        let sql = sql(&self.json_array(FIELDS), which, &self.lock_rows("k"));
        cases(&self.fetch(&sql, values).await?)
    }
}

impl Db {
    /// As [`Tx::lock_cases_after`], where nobody else can change them: see [`Tx::beside`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cases_after(&self, after: Place, limit: i64) -> Result<Cases> {
        let (which, values) = places_after(self.tenant(), after, limit);
        cases(&self.fetch(&sql(&self.json_array(FIELDS), which, ""), values).await?)
    }
}

/// A place in the order account by account; none is before all of them.
type Place = Option<(AccountId, KeyId)>;

/// A condition with an order and a limit, and its values.
type Which = (&'static str, Values);

fn places_after(tenant: i64, after: Place, limit: i64) -> Which {
    // What was written together is read together: in the order of ids alone, which are random,
    // each key is on another page of the file.
    let which = "(k.account_id, k.id) > ($2, $3) ORDER BY k.account_id, k.id LIMIT $4";
    let (account, key) = after.map_or((-1, -1), |(account, key)| (account.as_i64(), key.as_i64()));
    (which, vec![tenant.into(), account.into(), key.into(), limit.into()])
}

fn sql(line: &str, which: &str, lock: &str) -> String {
    format!(
        "SELECT string_agg(line, '\n') FROM (SELECT {line} AS line FROM {} \
         WHERE k.tenant_id = $1 AND {which} {lock}) AS page",
        line::TABLES
    )
}

fn cases(rows: &[Row]) -> Result<Cases> {
    let text = rows.first().map(|row| row.cells().maybe_text()).transpose()?.flatten();
    Ok(Cases(text.unwrap_or_default()))
}

/// A text that is borrowed where it can be.
#[derive(Deserialize)]
struct Text<'c>(#[serde(borrow)] Cow<'c, str>);

/// The cells of [`FIELDS`].
#[derive(Deserialize)]
struct Cells<'c> {
    /// Only a place has it.
    _account_id: i64,
    id: i64,
    api_id: Option<i64>,
    #[serde(borrow)]
    provider: Text<'c>,
    account: Option<Text<'c>>,
    account_name: Text<'c>,
    principal: Option<Text<'c>>,
    principal_kind: Option<Text<'c>>,
    tags: Option<String>,
    provider_id: Option<Text<'c>>,
    slot: Option<i64>,
    label: Option<Text<'c>>,
    state: Text<'c>,
    created_at: Option<i64>,
    expires_at: Option<i64>,
    use_status: Text<'c>,
    use_at: Option<i64>,
    uses: i64,
    largest_gap: Option<i64>,
    suspended_seen_at: Option<i64>,
    first_seen_at: i64,
    younger_at: Option<i64>,
    rotating: i64,
    exposed_at: Option<i64>,
    owner_by_hand: Option<i64>,
    disowned: i64,
    owner_id: Option<i64>,
    keep_until: Option<i64>,
    due: i64,
    action: Option<Text<'c>>,
    severity: i64,
    rules: Text<'c>,
    evaluate_at: i64,
}

fn cells(text: &str) -> Result<Cells<'_>> {
    serde_json::from_str(text).map_err(|error| Failure::Corrupt(format!("a key: {error}")))
}

fn text(text: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    text.map(|text| text.0)
}

fn case(cells: Cells<'_>) -> Result<Case<'_>> {
    let time = |at: Option<i64>| at.map(Time::from_micros);
    let owner = |id: Option<i64>| id.map(OwnerId::from_i64);
    let mut key = Key::new(cells.provider.0);
    key.account = text(cells.account);
    key.principal = text(cells.principal);
    let kind = cells.principal_kind.map(|word| principals::kind(&word.0));
    key.principal_kind = kind.transpose()?;
    key.tags = principals::tags(cells.tags)?;
    key.id = text(cells.provider_id);
    key.slot = cells.slot.and_then(|slot| u8::try_from(slot).ok());
    key.label = text(cells.label);
    key.state = line::state(&cells.state.0)?;
    key.created_at = time(cells.created_at);
    key.expires_at = time(cells.expires_at);
    key.last_used = match (&*cells.use_status.0, time(cells.use_at)) {
        ("used", Some(at)) => LastUse::at(at),
        ("never", Some(since)) => LastUse::Never { since },
        _ => LastUse::unknown(""),
    };
    let uses = u32::try_from(cells.uses).unwrap_or(u32::MAX);
    key.cadence = inventory::cadence(uses, cells.largest_gap.map(Span::from_micros));
    let (suspended, first) =
        (time(cells.suspended_seen_at), Time::from_micros(cells.first_seen_at));
    key.seen_since = Some(first);
    key.suspended_since = inventory::suspended_since(suspended, first);
    key.second_active = line::second_active(cells.younger_at);
    key.rotation_open = cells.rotating != 0;
    key.exposed = Some(cells.exposed_at.is_some());
    Ok(Case {
        id: KeyId::from_i64(cells.id),
        key,
        is_customers: cells.api_id.is_some(),
        account_name: cells.account_name.0,
        owner_by_hand: owner(cells.owner_by_hand),
        is_disowned: cells.disowned != 0,
        owner_id: owner(cells.owner_id),
        keep_until: time(cells.keep_until),
        standing: Standing {
            is_due: cells.due != 0,
            action: cells.action.map(|word| line::action(&word.0)).transpose()?,
            severity: line::severity(cells.severity),
            rules: line::rules(&cells.rules.0),
            evaluate_at: Time::from_micros(cells.evaluate_at),
        },
    })
}
