//! The table `[rotation]` of a policy.

use super::table::{Table, Value};
use super::{Wrong, unknown_rule};
use crate::policy::{Rotating, Rule};
use crate::rotation::{Gate, Window};

/// Between how many days somebody may choose how long a key is watched.
const QUIET: (i64, i64) = (35, 730);
/// The same for how long it is held disabled.
const HOLD: (i64, i64) = (1, 730);
/// The same for its end: later than it can be quiet.
const DEADLINE: (i64, i64) = (14, 730);
/// How many keys may rotate by themselves at a time.
const AT_MOST: (i64, i64) = (1, 100);

/// How keys are replaced. Beside `automatic` it must be said whether it is a dry run, so that nobody begins by
/// leaving something out.
pub(super) fn rotating(table: &Table<'_>, rules: &[Rule]) -> Result<Rotating, Wrong> {
    table.allow(&[
        "automatic",
        "dry_run",
        "at_most",
        "approve",
        "window",
        "quiet_days",
        "hold_days",
        "deadline_days",
    ])?;
    let usual = Rotating::default();
    let automatic = automatic(table, rules)?;
    let dry_run = match automatic.is_empty() {
        true => table.get("dry_run"),
        false => Some(table.need("dry_run")?),
    };
    let gates = Gate::ALL.map(|gate| (gate.as_str(), gate));
    let approve: Result<Vec<Gate>, Wrong> =
        table.list("approve")?.iter().map(|value| value.word(&gates)).collect();
    let mut approve = approve?;
    approve.sort_unstable();
    approve.dedup();
    Ok(Rotating {
        automatic,
        dry_run: dry_run.map_or(Ok(false), |value| value.boolean())?,
        at_most: within(table, "at_most", AT_MOST)?.unwrap_or(usual.at_most),
        approve,
        window: table.get("window").map(|value| window(&value)).transpose()?,
        quiet_days: within(table, "quiet_days", QUIET)?,
        hold_days: within(table, "hold_days", HOLD)?,
        deadline_days: within(table, "deadline_days", DEADLINE)?,
    })
}

fn automatic(table: &Table<'_>, rules: &[Rule]) -> Result<Vec<String>, Wrong> {
    let mut ids = Vec::new();
    for value in table.list("automatic")? {
        let id = value.text()?;
        if !rules.iter().any(|rule| rule.id == id) {
            return Err(unknown_rule(&value, id, rules));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

fn window(value: &Value<'_>) -> Result<Window, Wrong> {
    Window::parse(value.text()?).map_err(|why| value.wrong(why))
}

fn within(table: &Table<'_>, name: &str, (least, most): (i64, i64)) -> Result<Option<u32>, Wrong> {
    let Some(value) = table.get(name) else { return Ok(None) };
    let number = value.integer()?;
    let good = (least..=most).contains(&number).then(|| u32::try_from(number).ok()).flatten();
    good.map(Some).ok_or_else(|| value.wrong(format!("expected a number from {least} to {most}")))
}
