//! One key of a file, once its cells are understood.

use keytender_core::imported::{
    BadHash, BadRule, Hashing, Kept, LENGTHS, Locator, Part, Rule, Salted, is_key,
};
use keytender_core::key::LastUse;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use keytender_core::token::{Environment, Token};

use super::fault::Fault;
use super::file::{Cell, Column, Row};
use crate::app::{apps, customers};

/// The most that is shown of how a key begins.
const MAX_BEGINS: usize = 32;
/// Numbers up to this are seconds since 1970, larger ones milliseconds: 9999-12-31 in seconds.
const LAST_SECOND: i64 = 253_402_300_799;

/// What is said of all keys of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'i> {
    pub(super) account: Option<&'i str>,
    pub(super) app: &'i str,
    pub(super) hashing: Option<Hashing>,
    pub(super) part: Part,
    pub(super) locator: Option<Locator>,
    pub(super) has_uses: bool,
    pub(super) has_secret: bool,
    pub(super) now: Time,
}

/// A key of a file.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) account: String,
    pub(super) app: String,
    pub(super) label: Option<String>,
    pub(super) shown: Shown,
    pub(super) scopes: Vec<String>,
    pub(super) networks: Vec<String>,
    pub(super) environment: Environment,
    pub(super) created_at: Option<Time>,
    pub(super) expires_at: Option<Time>,
    pub(super) last_used: LastUse<'static>,
    pub(super) is_enabled: bool,
    /// How it begins, for people.
    pub(super) begins: Option<String>,
}

/// What there is of a key.
#[derive(Debug)]
pub(super) enum Shown {
    /// The key.
    Key(Secret),
    /// A hash by which it can be looked up.
    Digest(Rule, Vec<u8>),
    /// A hash to which a part of it leads.
    Salted(Rule, String, Salted),
}

impl Draft {
    /// Reads a row.
    pub(super) fn of(row: &Row, said: &Said<'_>) -> Result<Self, Fault> {
        let shown = shown(row, said)?;
        let created_at = moment(row, Column::Created)?;
        let begins = row.text(Column::Start).or_else(|| row.text(Column::Locator));
        let begins = begins.map(str::to_owned).or_else(|| match (&shown, said.locator) {
            (Shown::Key(key), Some(locator)) => locator.of(key.expose()).map(str::to_owned),
            _ => None,
        });
        let begins = begins.map(|text| text.chars().take(MAX_BEGINS).collect());
        Ok(Self {
            account: account(row, said)?,
            app: line(row, Column::App)?.unwrap_or(said.app).to_owned(),
            label: line(row, Column::Label)?.map(str::to_owned),
            scopes: scopes(row)?,
            networks: networks(row)?,
            environment: environment(row)?,
            created_at,
            expires_at: moment(row, Column::Expires)?,
            last_used: last_used(row, created_at, said)?,
            is_enabled: is_enabled(row)?,
            begins,
            shown,
        })
    }
}

fn shown(row: &Row, said: &Said<'_>) -> Result<Shown, Fault> {
    match (row.cell(Column::Key), row.cell(Column::Hash)) {
        (Some(key), None) => raw(key),
        (None, Some(hash)) => hashed(row, hash, said),
        (Some(key), Some(_)) => {
            Err(key.fault("there are both a key and a hash", "leave one of the cells empty"))
        }
        (None, None) => Err(row.fault(
            "there is neither a key nor a hash",
            "fill the column `key`, or `hash` with what the issuer kept of it",
        )),
    }
}

fn raw(cell: &Cell) -> Result<Shown, Fault> {
    let text = cell.text();
    if text.len() < *LENGTHS.start() {
        let what = format!("a key of less than {} letters can be guessed", LENGTHS.start());
        return Err(cell.fault(what, "give the customer a new one: keytender keys create"));
    }
    if !is_key(text) {
        let what = format!("a key has at most {} visible letters of ASCII", LENGTHS.end());
        return Err(cell.fault(what, "nobody could send this one in a header"));
    }
    if Token::parse(text).is_ok() {
        return Err(cell.fault(
            "this is a key that Keytender made",
            "it is verified as one: restore the inventory that it is from",
        ));
    }
    Ok(Shown::Key(Secret::new(text)))
}

fn hashed(row: &Row, cell: &Cell, said: &Said<'_>) -> Result<Shown, Fault> {
    let hashing = match row.cell(Column::Algorithm) {
        Some(word) => Some(Hashing::parse(&word.text().to_ascii_lowercase()).ok_or_else(|| {
            word.fault(BadRule::Hashing.to_string(), "or empty, where the hash says it itself")
        })?),
        None => said.hashing,
    };
    let kept =
        Kept::parse(hashing, cell.text()).map_err(|bad| cell.fault(bad.to_string(), hint(bad)))?;
    if kept.hashing() == Hashing::HmacSha256 && !said.has_secret {
        let hint = "say where it is: --hmac-secret file:PATH";
        return Err(cell.fault("an HMAC is of no use without the secret of its issuer", hint));
    }
    let salted = match kept {
        Kept::Digest(hashing, bytes) => {
            let rule = Rule::new(hashing, said.part, None);
            let rule = rule.map_err(|bad| cell.fault(bad.to_string(), ""))?;
            return Ok(Shown::Digest(rule, bytes));
        }
        Kept::Salted(salted) => salted,
    };
    let locator = said.locator.ok_or_else(|| {
        cell.fault(
            BadRule::NoLocator.to_string(),
            "say it: --locator before-first:. with that part in the column `locator`",
        )
    })?;
    let rule = Rule::new(salted.hashing(), said.part, Some(locator));
    let rule = rule.map_err(|bad| cell.fault(bad.to_string(), ""))?;
    let part = row.cell(Column::Locator).ok_or_else(|| {
        cell.fault(
            "a salted hash cannot be looked up without the part of the key that leads to it",
            "fill the column `locator`; without one, give the customer a new key",
        )
    })?;
    if !locator.fits(part.text()) {
        let hint = format!("it is what `{locator}` finds in the key");
        return Err(part.fault("no key has this as the part that leads to its hash", hint));
    }
    Ok(Shown::Salted(rule, part.text().to_owned(), salted))
}

/// What to do about a hash that cannot be taken.
fn hint(bad: BadHash) -> &'static str {
    match bad {
        BadHash::Unnamed => "say it for all, such as --hash sha256, or in the column `algorithm`",
        BadHash::Other(_) => "the column `algorithm`, or --hash, says otherwise",
        BadHash::Digest(_) | BadHash::Damaged(_) => "take it from the issuer's table as it is",
        BadHash::SaltedDigest(_)
        | BadHash::Prehashed
        | BadHash::Function
        | BadHash::TooCostly(_) => "give the customer a new key: keytender keys create",
    }
}

fn account(row: &Row, said: &Said<'_>) -> Result<String, Fault> {
    let name = match (row.cell(Column::Account), said.account) {
        (Some(cell), _) => {
            if !customers::is_name(cell.text()) {
                let hint = "such as globex, or the id that the customer has at your API";
                let what = "a customer's name consists of letters, digits, and - _ . @";
                return Err(cell.fault(what, hint));
            }
            cell.text()
        }
        (None, Some(name)) => name,
        (None, None) => {
            let hint = "fill the column `account`, or name one for all: --account NAME";
            return Err(row.fault("nobody says whose key this is", hint));
        }
    };
    Ok(name.to_owned())
}

fn line(row: &Row, column: Column) -> Result<Option<&str>, Fault> {
    let Some(cell) = row.cell(column) else { return Ok(None) };
    match crate::app::owners::is_line(cell.text()) {
        true => Ok(Some(cell.text())),
        false => Err(cell.fault(format!("`{}` is a short line", column.as_str()), "shorten it")),
    }
}

fn scopes(row: &Row) -> Result<Vec<String>, Fault> {
    let Some(cell) = row.cell(Column::Scopes) else { return Ok(Vec::new()) };
    let scopes: Vec<String> = cell.text().split_whitespace().map(str::to_owned).collect();
    apps::check_scopes(&scopes)
        .map_err(|error| cell.fault(error.to_string(), "words with a space between two"))?;
    Ok(scopes)
}

fn networks(row: &Row) -> Result<Vec<String>, Fault> {
    let Some(cell) = row.cell(Column::Networks) else { return Ok(Vec::new()) };
    let words: Vec<String> = cell.text().split_whitespace().map(str::to_owned).collect();
    super::super::networks_of(&words).map_err(|error| {
        let hint = error.advice().unwrap_or_default().to_owned();
        cell.fault(error.to_string(), hint)
    })
}

fn environment(row: &Row) -> Result<Environment, Fault> {
    let Some(cell) = row.cell(Column::Environment) else { return Ok(Environment::Live) };
    Environment::parse(cell.text())
        .ok_or_else(|| cell.fault("`environment` is live or test", "nothing is live"))
}

fn is_enabled(row: &Row) -> Result<bool, Fault> {
    let Some(cell) = row.cell(Column::Enabled) else { return Ok(true) };
    match cell.text().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Ok(true),
        "false" | "f" | "no" | "0" => Ok(false),
        _ => Err(cell.fault("`enabled` is true or false", "nothing is true")),
    }
}

fn last_used(
    row: &Row,
    created_at: Option<Time>,
    said: &Said<'_>,
) -> Result<LastUse<'static>, Fault> {
    if !said.has_uses {
        return Ok(LastUse::unknown("the issuer before did not say"));
    }
    match (moment(row, Column::LastUsed)?, created_at) {
        (Some(at), _) => Ok(LastUse::at(at.min(said.now))),
        (None, Some(since)) => Ok(LastUse::Never { since }),
        (None, None) => Ok(LastUse::unknown("never used, but not known since when")),
    }
}

/// A moment, in one of the forms that databases write.
fn moment(row: &Row, column: Column) -> Result<Option<Time>, Fault> {
    let Some(cell) = row.cell(column) else { return Ok(None) };
    let text = cell.text();
    if text.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    time(text).map(Some).ok_or_else(|| {
        let hint =
            "such as 2026-11-30, 2026-11-30T12:00:00Z, or seconds since 1970; never is empty";
        cell.fault(format!("`{}` is no moment", column.as_str()), hint)
    })
}

fn time(text: &str) -> Option<Time> {
    if let Ok(number) = text.parse::<i64>() {
        let micros = match number.unsigned_abs() <= LAST_SECOND.unsigned_abs() {
            true => number.checked_mul(1_000_000)?,
            false => number.checked_mul(1_000)?,
        };
        return Some(Time::from_micros(micros));
    }
    // `2026-11-30 12:00:00.5+00` of PostgreSQL, `2026-11-30 12:00:00` of SQLite: without an offset it is UTC.
    let text = text.replacen(' ', "T", 1);
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    let has_offset = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
    let short = |clock: &str| clock.rsplit(['+', '-']).next().map(str::len) == Some(2);
    let text = match (clock.is_empty(), has_offset) {
        (true, _) => date.to_owned(),
        (false, false) => format!("{text}Z"),
        (false, true) if !clock.ends_with(['Z', 'z']) && short(clock) => format!("{text}:00"),
        (false, true) => text,
    };
    Time::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_databases_write_them() {
        let expected = Time::parse("2026-11-30T12:34:56Z").unwrap();
        for text in [
            "2026-11-30T12:34:56Z",
            "2026-11-30 12:34:56",
            "2026-11-30 12:34:56+00",
            "2026-11-30 12:34:56.000+00:00",
            "2026-11-30T14:34:56+02:00",
            "2026-11-30 07:34:56-05",
            "1796042096",
            "1796042096000",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert_eq!(time("2026-11-30"), Time::parse("2026-11-30").ok());
        for text in ["", "soon", "2026-13-01", "30.11.2026", "2026-11-30 25:00:00"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
