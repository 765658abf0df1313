//! A plain list of keys of any provider: the spreadsheet that people keep.
//!
//! `provider,name,created` and, in any order, `expires,last_used,owner,account,id,state`. An empty
//! cell is "not known"; `never` in `last_used` is "not used since it was created".

use std::borrow::Cow;

use super::Row;
use super::cell::{self, Fault, Names, Problem};
use super::record::Record;
use crate::key::{Key, LastUse, State};
use crate::time::Time;

const REPORT: &str = "a list of keys";
const DATE: &str = "a date such as 2026-11-24, or nothing";

/// Where the columns stand.
#[derive(Debug)]
pub struct Columns {
    width: usize,
    provider: usize,
    name: usize,
    created: usize,
    expires: Option<usize>,
    last_used: Option<usize>,
    owner: Option<usize>,
    account: Option<usize>,
    id: Option<usize>,
    state: Option<usize>,
    unknown: Vec<String>,
}

impl Columns {
    /// Finds the columns by the names of a header.
    pub(super) fn find(header: &Record<'_>, names: &[String]) -> Result<Self, Fault> {
        let columns = Names::new(header, names, REPORT);
        let known = [
            "provider",
            "name",
            "created",
            "expires",
            "last_used",
            "owner",
            "account",
            "id",
            "state",
        ];
        Ok(Self {
            width: names.len(),
            provider: columns.required("provider")?,
            name: columns.required("name")?,
            created: columns.required("created")?,
            expires: columns.optional("expires")?,
            last_used: columns.optional("last_used")?,
            owner: columns.optional("owner")?,
            account: columns.optional("account")?,
            id: columns.optional("id")?,
            state: columns.optional("state")?,
            unknown: columns.unknown(&known),
        })
    }

    /// The names of columns that are passed over.
    pub(super) fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Reads one record.
    pub(super) fn row<'a>(&self, record: &Record<'a>) -> Result<Row<'a>, Fault> {
        cell::check_width(record, self.width)?;
        let text = |index: usize| record.field(index).unwrap_or_default().trim();
        let some = |index: Option<usize>| index.map(text).filter(|cell| !cell.is_empty());
        let provider = text(self.provider);
        if provider.is_empty() {
            return Err(record.fault(self.provider, Problem::Empty { name: "provider" }));
        }
        let created_at = date(record, Some(self.created), "created")?;
        let (state, provider_state) = self.state(record)?;
        let key = Key {
            account: some(self.account).map(Cow::Borrowed),
            id: some(self.id).map(Cow::Borrowed),
            label: some(Some(self.name)).map(Cow::Borrowed),
            state,
            provider_state: provider_state.map(Cow::Borrowed),
            created_at,
            expires_at: date(record, self.expires, "expires")?,
            last_used: self.last_used(record, created_at)?,
            has_owner: some(self.owner).map(|_| true),
            ..Key::new(provider)
        };
        Ok(Row { principal: None, keys: [Some(key), None] })
    }

    fn last_used<'a>(
        &self,
        record: &Record<'a>,
        created_at: Option<Time>,
    ) -> Result<LastUse<'a>, Fault> {
        let Some(index) = self.last_used else {
            return Ok(LastUse::unknown("the file has no column last_used"));
        };
        match record.field(index).unwrap_or_default().trim() {
            "" => Ok(LastUse::unknown("the file does not say")),
            word if word.eq_ignore_ascii_case("never") => Ok(created_at
                .map_or(LastUse::unknown("never used, but not known since when"), |since| {
                    LastUse::Never { since }
                })),
            _ => {
                let expected = "a date such as 2026-11-24, never, or nothing";
                let at = date_at(record, index, "last_used", expected)?;
                Ok(LastUse::at(at))
            }
        }
    }

    fn state<'a>(&self, record: &Record<'a>) -> Result<(State, Option<&'a str>), Fault> {
        let Some(index) = self.state else {
            return Ok((State::Active, None));
        };
        let word = record.field(index).unwrap_or_default().trim();
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        if word.is_empty() {
            return Ok((State::Active, None));
        }
        if let Some(state) = State::ALL.into_iter().find(|state| is(state.as_str())) {
            return Ok((state, Some(word)));
        }
        let state = match () {
            () if is("enabled") => State::Active,
            () if is("inactive") || is("disabled") => State::Suspended,
            () if is("revoked") || is("expired") => State::Deactivated,
            () if is("deleted") => State::Destroyed,
            () => {
                let expected = "active, suspended, deactivated, compromised, destroyed or nothing";
                return Err(record.fault(index, Problem::BadWord { name: "state", expected }));
            }
        };
        Ok((state, Some(word)))
    }
}

fn date(
    record: &Record<'_>,
    index: Option<usize>,
    name: &'static str,
) -> Result<Option<Time>, Fault> {
    match index {
        Some(index) if !record.field(index).unwrap_or_default().trim().is_empty() => {
            date_at(record, index, name, DATE).map(Some)
        }
        _ => Ok(None),
    }
}

/// Spaces around a date are forgiven here: people type these files.
fn date_at(
    record: &Record<'_>,
    index: usize,
    name: &'static str,
    expected: &'static str,
) -> Result<Time, Fault> {
    match Time::parse(record.field(index).unwrap_or_default().trim()) {
        Ok(time) => Ok(time),
        Err(_) => cell::date(record, index, name, expected),
    }
}
