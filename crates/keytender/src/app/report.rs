//! The credential report of the inventory: every key at a moment, and what changed between two.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use keytender_core::access::Side;
use keytender_core::id::{AccountId, KeyId, PrincipalId};
use keytender_core::inventory::PrincipalRecord;
use keytender_core::key::{Key, LastUse, SecondActive, State};
use keytender_core::policy::Assessment;
use keytender_core::report::write::{self, Subject};
use keytender_core::steps::name;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluate;
use super::inventory::{Inventory, Sight, cannot_read};
use super::keys::Viewer;
use super::view::{ChangeView, DifferenceList, DifferenceView};
use crate::error::{Error, Kind};
use crate::store::accounts::{Account, AccountKind};
use crate::store::keys::{Filter, HeldKey};
use crate::store::versions::{KeyFacts, Past};

mod json;
mod kept;
mod listed;
mod own;
mod wide;

pub use json::KeyWriter;
pub use kept::{Schedule, list, make, run, schedule, set_schedule, sweep, text};
pub use listed::write_listed;

/// The form of a credential report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// CSV, one row a key, safe in spreadsheets.
    #[default]
    Wide,
    /// CSV, byte for byte as AWS writes the credential report of an account.
    Aws,
    /// For programs, one key a line.
    Json,
}

/// Writes the credential report of every key that is seen, or of one account by name, as it is now or
/// was at a moment.
///
/// # Errors
/// When there is no such account, AWS's form is asked of none of AWS's, or `out` cannot be written.
pub async fn write(
    inventory: &Inventory,
    form: Form,
    account: Option<&str>,
    at: Option<Time>,
    out: &mut (impl Write + Send),
) -> Result<(), Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    if at.is_some_and(|at| at > inventory.now) {
        return Err(Error::new("nobody knows the future: the moment is later than now"));
    }
    if at.is_some() && inventory.sight.is_customer() {
        // What was known at another moment is read of all keys.
        let error = Error::new("a customer's report is of the present moment");
        return Err(error.kind(Kind::Forbidden));
    }
    let own = inventory.sight.account.map(|own| own.to_string());
    let account = match account.or(own.as_deref()) {
        Some(name) => Some(meant(inventory, name).await?),
        None => None,
    };
    match (form, account) {
        (Form::Aws, None) => {
            Err(Error::new("AWS's report is one of an account").hint("name it: --account NAME"))
        }
        (Form::Aws, Some(account))
            if account.provider != "aws" && account.kind.side() == Side::Held =>
        {
            Err(Error::new(format!("`{}` is no account of AWS", account.name))
                .hint("--format wide holds every provider's keys"))
        }
        // It names every principal of the account; a customer's own has none but its apps.
        (Form::Aws, Some(_))
            if inventory.sight != Sight::default() && !inventory.sight.is_customer() =>
        {
            Err(Error::new("AWS's form shows more than you see")
                .hint("the wide form holds your keys"))
        }
        (Form::Aws, Some(account)) => {
            let text = aws(inventory, &account, at).await?;
            out.write_all(text.as_bytes()).map_err(cannot_write_report)
        }
        (Form::Json, account) => {
            write_json(inventory, account.map(|account| account.id), at, out).await
        }
        (Form::Wide, account) => {
            let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
            let owners = owners.into_iter().map(|owner| (owner.id, owner.name)).collect();
            wide::write_head(out).map_err(cannot_write_report)?;
            let id = account.map(|account| account.id);
            match at {
                Some(at) => {
                    let keys = keys(inventory, id, Some(at)).await?;
                    wide::write_keys(out, &keys, &owners, at).map_err(cannot_write_report)
                }
                None => {
                    let mut pages = Pages::new(inventory, id, None).await?;
                    while let Some(keys) = pages.next().await? {
                        wide::write_keys(out, &keys, &owners, inventory.now)
                            .map_err(cannot_write_report)?;
                    }
                    Ok(())
                }
            }
        }
    }
}

/// How many keys of customers are read at once.
const PAGE: u32 = 10_000;

/// The account of this name; that it is missing does not mean that the report is.
async fn meant(inventory: &Inventory, name: &str) -> Result<Account, Error> {
    super::accounts::get(inventory, name).await.map_err(|error| error.kind(Kind::Refused))
}

async fn write_json(
    inventory: &Inventory,
    account: Option<AccountId>,
    at: Option<Time>,
    out: &mut (impl Write + Send),
) -> Result<(), Error> {
    let viewer = Viewer::new(inventory).await?;
    if let Some(at) = at {
        let viewer = viewer.as_of(at);
        let keys = keys(inventory, account, Some(at)).await?;
        let total = u64::try_from(keys.len()).unwrap_or(0);
        let mut writer = KeyWriter::begin(out, at, total).map_err(cannot_write_report)?;
        for held in &keys {
            writer.write(&viewer.view(held)).map_err(cannot_write_report)?;
        }
        return writer.end().map_err(cannot_write_report);
    }
    let filter = inventory.sight.narrow(Filter { account, ..Filter::default() });
    let total = inventory.store.count_keys(&filter).await.map_err(cannot_read)?;
    let mut writer = KeyWriter::begin(out, inventory.now, total).map_err(cannot_write_report)?;
    let mut pages = Pages::new(inventory, account, None).await?;
    while let Some(keys) = pages.next().await? {
        let views = viewer.whole(inventory, &keys).await?;
        views.iter().try_for_each(|view| writer.write(view)).map_err(cannot_write_report)?;
    }
    writer.end().map_err(cannot_write_report)
}

fn cannot_write_report(error: std::io::Error) -> Error {
    Error::new("cannot write the report").source(error)
}

/// Every key that existed at `at`, as it was known then and as the present policy sees it; the
/// present moment if none is given.
///
/// # Errors
/// When the database does not answer.
pub async fn keys(
    inventory: &Inventory,
    account: Option<AccountId>,
    at: Option<Time>,
) -> Result<Vec<HeldKey>, Error> {
    let mut keys = all(inventory, account, None).await?;
    let Some(at) = at else {
        return Ok(keys);
    };
    keys.append(&mut all(inventory, account, Some(State::Destroyed)).await?);
    let past = inventory.store.past_at(at).await.map_err(cannot_read)?;
    keys.retain_mut(|held| go_back(held, &past, at));
    let policies = evaluate::policies(&inventory.store).await?;
    let mut assessment = Assessment::default();
    for held in &mut keys {
        let policy = policies.of(held.is_customers);
        held.standing =
            evaluate::standing(&held.record.key, held.keep_until(), policy, at, &mut assessment);
    }
    Ok(keys)
}

/// The keys, by account, principal, place and label.
async fn all(
    inventory: &Inventory,
    account: Option<AccountId>,
    state: Option<State>,
) -> Result<Vec<HeldKey>, Error> {
    let mut keys = Vec::new();
    let mut pages = Pages::new(inventory, account, state).await?;
    while let Some(mut more) = pages.next().await? {
        keys.append(&mut more);
    }
    Ok(keys)
}

/// Every key that is seen: account by account by their names, so that what is sorted is one account's keys;
/// then those of our APIs' customers, who may be very many, page by page.
struct Pages<'i> {
    inventory: &'i Inventory,
    account: Option<AccountId>,
    state: Option<State>,
    accounts: std::vec::IntoIter<Account>,
    after: Option<(AccountId, KeyId)>,
}

impl<'i> Pages<'i> {
    async fn new(
        inventory: &'i Inventory,
        account: Option<AccountId>,
        state: Option<State>,
    ) -> Result<Self, Error> {
        let mut accounts = inventory.store.list_accounts().await.map_err(cannot_read)?;
        let is_meant = |id| account.is_none_or(|asked| asked == id) && inventory.sight.is_in(id);
        accounts.retain(|one| is_meant(one.id));
        Ok(Self { inventory, account, state, accounts: accounts.into_iter(), after: None })
    }

    /// Some more of them; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<HeldKey>>, Error> {
        let store = &self.inventory.store;
        if let Some(one) = self.accounts.next() {
            let filter = Filter { account: Some(one.id), state: self.state, ..Filter::default() };
            let filter = self.inventory.sight.narrow(filter);
            let mut keys = store.every_key(&filter).await.map_err(cannot_read)?;
            keys.sort_by(|one, other| place(one).cmp(&place(other)));
            return Ok(Some(keys));
        }
        let (account, state) = (self.account, self.state);
        let filter = Filter { account, state, customers: Some(true), ..Filter::default() };
        let filter = self.inventory.sight.narrow(filter);
        let keys = store.keys_after(&filter, self.after, PAGE).await.map_err(cannot_read)?;
        self.after = keys.last().map(HeldKey::place);
        let keys = match self.inventory.sight.is_customer() {
            true => keys.into_iter().map(HeldKey::for_customer).collect(),
            false => keys,
        };
        Ok(self.after.map(|_| keys))
    }
}

/// Where a key stands in a report.
fn place(held: &HeldKey) -> (&str, Option<&str>, Option<u8>, Option<&str>, KeyId) {
    let key = &held.record.key;
    let (principal, label) = (key.principal.as_deref(), key.label.as_deref());
    (&held.account_name, principal, key.slot, label, held.record.id)
}

/// Sets a key back to what was known of it at `at`; false if it was not known, or gone.
fn go_back(held: &mut HeldKey, past: &Past, at: Time) -> bool {
    let Some(facts) = past.keys.get(&held.record.id) else {
        return false;
    };
    let Some(state) = State::ALL.into_iter().find(|state| state.as_str() == facts.state) else {
        return false;
    };
    if state == State::Destroyed {
        return false;
    }
    let record = &mut held.record;
    record.missing_since = record.missing_since.filter(|since| *since <= at);
    record.last_seen_at = record.last_seen_at.filter(|_| record.missing_since.is_some());
    record.suspended_seen_at =
        record.suspended_seen_at.filter(|since| *since <= at && state == State::Suspended);
    let owned = |text: &Option<String>| text.clone().map(std::borrow::Cow::Owned);
    record.key.state = state;
    record.key.provider_state = owned(&facts.provider_state);
    record.key.id = owned(&facts.provider_id);
    record.key.label = owned(&facts.label);
    record.key.slot = facts.slot;
    record.key.created_at = facts.created_at.map(Time::from_micros);
    record.key.expires_at = facts.expires_at.map(Time::from_micros);
    record.key.last_used = last_use(facts, past, record.id, record.first_seen_at);
    record.key.second_active = SecondActive::Unknown;
    record.key.exposed = None;
    record.uses = 0;
    record.largest_gap = None;
    record.derive();
    true
}

fn last_use(facts: &KeyFacts, past: &Past, id: KeyId, first_seen_at: Time) -> LastUse<'static> {
    match (past.uses.get(&id), facts.use_status.as_str()) {
        (Some(used), _) => LastUse::Used(used.clone()),
        (None, "never") => {
            LastUse::Never { since: facts.created_at.map_or(first_seen_at, Time::from_micros) }
        }
        (None, _) => LastUse::unknown("nobody had told by then"),
    }
}

/// The credential report of an AWS account, byte for byte as AWS writes it.
///
/// # Errors
/// When the database does not answer.
pub async fn aws(
    inventory: &Inventory,
    account: &Account,
    at: Option<Time>,
) -> Result<String, Error> {
    let mut held = keys(inventory, Some(account.id), at).await?;
    if account.kind.side() == Side::Issued {
        // AWS tells whole seconds; what it wrote itself is not touched.
        for key in held.iter_mut().map(|held| &mut held.record.key) {
            key.created_at = key.created_at.map(Time::to_seconds);
        }
    }
    let principals = inventory.store.list_principals(account.id).await.map_err(cannot_read)?;
    let past = match at {
        Some(at) => Some(inventory.store.past_at(at).await.map_err(cannot_read)?),
        None => None,
    };
    let columns = account.report_header.clone().unwrap_or_else(write::columns);
    let principals: Vec<PrincipalRecord> = match account.kind {
        AccountKind::Own => own_users(inventory, principals, &columns, at).await?,
        AccountKind::Customer => apps(principals, &columns, at.unwrap_or(inventory.now)),
        _ => {
            let at = |record| principal_at(record, past.as_ref());
            principals.into_iter().filter_map(at).collect()
        }
    };
    let mut by_principal: HashMap<PrincipalId, Vec<&Key<'_>>> = HashMap::new();
    // AWS would not write a key that it did not list, and another may have its place already.
    for held in held.iter().filter(|held| held.record.missing_since.is_none()) {
        if let Some(id) = held.record.principal_id {
            by_principal.entry(id).or_default().push(&held.record.key);
        }
    }
    let subjects = principals.iter().map(|record| Subject {
        principal: &record.principal,
        arn: record.reference.as_deref(),
        cells: record.cells.as_deref(),
        keys: by_principal.get(&record.id).map_or(&[], Vec::as_slice),
    });
    Ok(write::report(&columns, subjects.collect()))
}

/// The apps of a customer of ours that were there at a moment.
fn apps(
    mut principals: Vec<PrincipalRecord>,
    columns: &[String],
    at: Time,
) -> Vec<PrincipalRecord> {
    principals.retain_mut(|record| {
        record.cells = Some(own::app_cells(columns, record));
        record.first_seen_at <= at
    });
    principals
}

/// Our own users, as they are or were at a moment.
async fn own_users(
    inventory: &Inventory,
    mut principals: Vec<PrincipalRecord>,
    columns: &[String],
    at: Option<Time>,
) -> Result<Vec<PrincipalRecord>, Error> {
    let at = at.unwrap_or(inventory.now);
    let sign_ins = inventory.store.list_sign_ins().await.map_err(cannot_read)?;
    principals.retain_mut(|record| {
        let one = sign_ins.iter().find(|one| one.principal_id == record.id);
        record.cells = one.map(|one| own::cells(columns, record, one, at));
        record.first_seen_at <= at && record.gone_at.is_none_or(|gone_at| gone_at > at)
    });
    Ok(principals)
}

/// A principal as it was; `None` if it was not there.
fn principal_at(mut record: PrincipalRecord, past: Option<&Past>) -> Option<PrincipalRecord> {
    let Some(past) = past else {
        return record.gone_at.is_none().then_some(record);
    };
    let facts = past.principals.get(&record.id).filter(|facts| !facts.is_gone)?;
    record.cells.clone_from(&facts.cells);
    record.principal.has_password = facts.has_password;
    record.principal.mfa = facts.mfa;
    Some(record)
}

/// What is different about a key at two moments: the key as it is later, or as it was before it was
/// gone.
struct Difference {
    key: HeldKey,
    changes: Vec<ChangeView>,
}

/// What changed between two moments.
///
/// # Errors
/// When the database does not answer.
pub async fn compare(
    inventory: &Inventory,
    account: Option<&str>,
    from: Time,
    to: Time,
) -> Result<DifferenceList, Error> {
    inventory.sight.refuse_customer()?;
    if to > inventory.now {
        return Err(Error::new("nobody knows the future: the moment is later than now"));
    }
    if from >= to {
        return Err(Error::new("the first moment is the earlier one"));
    }
    let account = match account {
        Some(name) => Some(meant(inventory, name).await?.id),
        None => None,
    };
    let before = keys(inventory, account, Some(from)).await?;
    let after = keys(inventory, account, Some(to)).await?;
    let mut before: BTreeMap<KeyId, HeldKey> =
        before.into_iter().map(|held| (held.record.id, held)).collect();
    let mut differences = Vec::new();
    for held in after {
        let changes = match before.remove(&held.record.id) {
            Some(earlier) => changes(&earlier, &held),
            None => vec![change("new", String::new(), held.record.key.state.as_str().to_owned())],
        };
        if !changes.is_empty() {
            differences.push(Difference { key: held, changes });
        }
    }
    let gone = before.into_values().map(|held| {
        let changes =
            vec![change("gone", held.record.key.state.as_str().to_owned(), String::new())];
        Difference { key: held, changes }
    });
    differences.extend(gone);
    differences.sort_by(|one, other| place(&one.key).cmp(&place(&other.key)));
    let view = |one: Difference| DifferenceView {
        key: one.key.record.id.to_string(),
        id: one.key.record.key.id.as_deref().unwrap_or_default().to_owned(),
        account_name: one.key.account_name.clone(),
        name: name(&one.key.record.key),
        changes: one.changes,
    };
    Ok(DifferenceList { version: 1, keys: differences.into_iter().map(view).collect() })
}

fn change(what: &str, before: String, after: String) -> ChangeView {
    ChangeView { what: what.to_owned(), before, after }
}

fn changes(before: &HeldKey, after: &HeldKey) -> Vec<ChangeView> {
    let facts = |held: &HeldKey| {
        let key = &held.record.key;
        let time = |at: Option<Time>| at.map_or_else(String::new, |at| at.to_string());
        [
            ("state", key.state.as_str().to_owned()),
            ("created", time(key.created_at)),
            ("expires", time(key.expires_at)),
            ("label", key.label.as_deref().unwrap_or_default().to_owned()),
            ("last used", time(key.last_used.used_at())),
        ]
    };
    facts(before)
        .into_iter()
        .zip(facts(after))
        .filter(|((_, before), (_, after))| before != after)
        .map(|((what, before), (_, after))| change(what, before, after))
        .collect()
}
