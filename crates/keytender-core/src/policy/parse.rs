//! Reads a policy from TOML and checks all of it, with the place of whatever is wrong.

use std::collections::BTreeSet;

use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::{Action, Condition, DEFAULT, Exception, Policy, Population, Rule, Severity, States};
use crate::time::Time;
use conditions::conditions;
use table::{Table, Value};

mod conditions;
mod rotating;
mod table;

/// The version of the notation.
const VERSION: i64 = 1;

/// What is not understood in a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// What is wrong and what is right.
    pub message: String,
}

/// Something wrong at a byte of the text.
pub(super) struct Wrong {
    at: usize,
    message: String,
}

impl Wrong {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    fn place(self, text: &str) -> PolicyError {
        let before = text.get(..self.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        PolicyError {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: self.message,
        }
    }
}

pub(super) fn policy(text: &str) -> Result<Policy, PolicyError> {
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Wrong::new(at, format!("not TOML: {}", error.message())).place(text)
    })?;
    read(document.get_ref()).map_err(|wrong| wrong.place(text))
}

fn read(document: &DeTable<'_>) -> Result<Policy, Wrong> {
    let table = Table::new(document, 0);
    table.allow(&["version", "extends", "disable", "rule", "exception", "rotation"])?;
    if let Some(version) = table.get("version")
        && version.integer()? != VERSION
    {
        return Err(version.wrong(format!("this program reads policies of version {VERSION}")));
    }
    let mut rules = base(&table)?;
    let mut own = BTreeSet::new();
    for value in table.list("rule")? {
        let entry = value.table()?;
        let rule = rule(&entry)?;
        if !own.insert(rule.id.clone()) {
            let message = format!("there is a rule `{}` above already", rule.id);
            return Err(entry.need("id")?.wrong(message));
        }
        match rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => *known = rule,
            None => rules.push(rule),
        }
    }
    disable(&table, &mut rules)?;
    // The most severe first; of equal ones, in the order of the file.
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.severity));
    let entries = table.list("exception")?;
    let exceptions: Result<Vec<_>, _> =
        entries.iter().map(|value| exception(&value.table()?, &rules)).collect();
    let rotation = table.get("rotation").map(|value| rotating::rotating(&value.table()?, &rules));
    Ok(Policy {
        rules,
        exceptions: exceptions?,
        rotation: rotation.transpose()?.unwrap_or_default(),
    })
}

/// The rules of the policy that this one extends.
fn base(table: &Table<'_>) -> Result<Vec<Rule>, Wrong> {
    match table.get("extends") {
        None => Ok(Vec::new()),
        Some(name) if name.text()? == "default" => match policy(DEFAULT) {
            Ok(policy) => Ok(policy.rules),
            Err(error) => Err(name.wrong(format!("the default policy is broken: {error}"))),
        },
        Some(name) => Err(name.wrong("only `extends = \"default\"` is known")),
    }
}

fn disable(table: &Table<'_>, rules: &mut Vec<Rule>) -> Result<(), Wrong> {
    for value in table.list("disable")? {
        let id = value.text()?;
        let place = rules.iter().position(|rule| rule.id == id);
        rules.remove(place.ok_or_else(|| unknown_rule(&value, id, rules))?);
    }
    Ok(())
}

fn rule(table: &Table<'_>) -> Result<Rule, Wrong> {
    table.allow(&[
        "id",
        "when",
        "severity",
        "action",
        "title",
        "help",
        "links",
        "controls",
        "population",
    ])?;
    let id = table.need("id")?;
    let is_id_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.text()?.is_empty() || !id.text()?.bytes().all(is_id_byte) {
        return Err(id.wrong("an id consists of lower-case letters, digits and hyphens"));
    }
    let when = table.need("when")?;
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let actions = Action::ALL.map(|action| (action.as_str(), action));
    let populations = [("keys", Population::Keys), ("principals", Population::Principals)];
    let when = conditions(&when)?;
    let is_check = |condition: &&Condition| !matches!(condition, Condition::State(_));
    Ok(Rule {
        id: id.text()?.to_owned(),
        states: States::allowed_by(&when),
        checks: when.iter().filter(is_check).cloned().collect(),
        when,
        severity: table.need("severity")?.word(&severities)?,
        action: table.need("action")?.word(&actions)?,
        title: table.need("title")?.text()?.to_owned(),
        help: table.get("help").map_or(Ok(""), |help| help.text())?.to_owned(),
        links: texts(table, "links")?,
        controls: texts(table, "controls")?,
        population: table
            .get("population")
            .map_or(Ok(Population::Keys), |population| population.word(&populations))?,
    })
}

fn texts(table: &Table<'_>, name: &str) -> Result<Vec<String>, Wrong> {
    table.list(name)?.iter().map(|value| value.text().map(str::to_owned)).collect()
}

fn exception(table: &Table<'_>, rules: &[Rule]) -> Result<Exception, Wrong> {
    table.allow(&["match", "rule", "until", "reason", "approved_by"])?;
    let rule = table.need("rule")?;
    let id = rule.text()?;
    if id != "*" && !rules.iter().any(|known| known.id == id) {
        return Err(unknown_rule(&rule, id, rules));
    }
    let reason = table.need("reason")?;
    if reason.text()?.trim().is_empty() {
        return Err(reason.wrong("say why: an auditor will ask"));
    }
    let approved_by = table.get("approved_by").map(|name| name.text().map(str::to_owned));
    Ok(Exception {
        matches: conditions(&table.need("match")?)?,
        rule: (id != "*").then(|| id.to_owned()),
        until: until(&table.need("until")?)?,
        reason: reason.text()?.to_owned(),
        approved_by: approved_by.transpose()?,
    })
}

/// A date or time, as TOML writes it or as text.
fn until(value: &Value<'_>) -> Result<Time, Wrong> {
    let text = match value.raw() {
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => String::new(),
    };
    Time::parse(&text)
        .map_err(|_| value.wrong("expected a date such as 2027-06-30, or a time with its zone"))
}

fn unknown_rule(value: &Value<'_>, id: &str, rules: &[Rule]) -> Wrong {
    let known: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    value.wrong(table::unknown("rule", id, &known))
}
