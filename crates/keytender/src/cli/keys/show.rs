//! `keytender keys show`: a key's whole story.

use std::collections::HashMap;
use std::io::{self, Write};

use keytender_core::key::{LastUse, State};
use keytender_core::policy::Assessment;
use keytender_core::steps::{Context as StepContext, ago, last_used, last_used_where, name, steps};
use keytender_core::text::printable;

use super::list::Listed;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{evaluate, keys};
use crate::cli::context::Context;
use crate::cli::{DONE, Stop, style};
use crate::store::acts::Act;
use crate::store::keys::{HeldKey, Past};

/// How much of a key's past is told.
const MAX_PAST: i64 = 200;

/// Something in a key's story.
struct Moment {
    at: keytender_core::time::Time,
    what: String,
}

pub(super) fn run(word: &str, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.with(async |inventory| {
        evaluate::run(&inventory.store, inventory.now).await.map_err(Stop::could_not)?;
        let held = keys::get(inventory, word).await.map_err(Stop::could_not)?;
        let read = |failure| Stop::could_not(cannot_read(failure));
        let past = inventory.store.past(held.record.id, MAX_PAST).await.map_err(read)?;
        let id = held.record.id.to_string();
        let acts = inventory.store.list_acts(Some(&id), MAX_PAST).await.map_err(read)?;
        let owners = inventory.store.list_owners().await.map_err(read)?;
        let owners: HashMap<_, _> = owners.into_iter().map(|owner| (owner.id, owner)).collect();
        if as_json {
            let (_, policy) = evaluate::policy(&inventory.store).await.map_err(Stop::could_not)?;
            let keys = std::slice::from_ref(&held);
            let now = inventory.now;
            Listed { keys, total: 1, owners: &owners, policy: &policy, now }.write_json()?;
            return Ok(DONE);
        }
        let mut story: Vec<Moment> = past.iter().map(moment).collect();
        story.extend(acts.iter().map(act));
        story.sort_by_key(|moment| moment.at);
        let owner = held.owner_id.and_then(|id| owners.get(&id));
        let owner = owner.map(|owner| format!("{} <{}>", owner.name, owner.address));
        write(&held, owner, &story, inventory).await?;
        Ok(DONE)
    })
}

fn moment(past: &Past) -> Moment {
    let what = match &past.place {
        Some((Some(region), Some(service))) => format!("used: {service} in {region}"),
        Some((None, Some(service))) => format!("used: {service}"),
        Some((Some(region), None)) => format!("used in {region}"),
        _ => past.what.replace("finding ", "breaks ").replace("resolved ", "no longer breaks "),
    };
    Moment { at: past.at, what }
}

fn act(act: &Act) -> Moment {
    let why = act.why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
    let stage = if act.stage == "done" { String::new() } else { format!(" ({})", act.stage) };
    Moment { at: act.at, what: format!("{}{stage} by {}{why}", act.verb, act.actor) }
}

async fn write(
    held: &HeldKey,
    owner: Option<String>,
    story: &[Moment],
    inventory: &Inventory,
) -> Result<(), Stop> {
    let (_, policy) = evaluate::policy(&inventory.store).await.map_err(Stop::could_not)?;
    let now = inventory.now;
    let (record, key) = (&held.record, &held.record.key);
    let mut out = anstream::stdout();
    let head = style::HEAD;
    writeln!(out, "{head}{}{head:#}  {}", name(key), record.id)?;
    let mut fact = |label: &str, text: Option<String>| -> io::Result<()> {
        match text {
            Some(text) if !text.is_empty() => {
                writeln!(out, "  {label:<11} {}", printable(&text))
            }
            _ => Ok(()),
        }
    };
    let account = key.account.as_deref().unwrap_or_default();
    fact("account", Some(format!("{} {account} ({})", held.account_name, key.provider)))?;
    fact("id", key.id.as_deref().map(str::to_owned))?;
    fact("state", Some(state(held)))?;
    fact("created", key.created_at.map(|at| format!("{at}, {}", ago(at, now))))?;
    fact("expires", key.expires_at.map(|at| at.to_string()))?;
    let place = last_used_where(key).map_or_else(String::new, |place| format!(", {place}"));
    let why = match &key.last_used {
        LastUse::Unknown { why } => format!(": {why}"),
        _ => String::new(),
    };
    fact("last used", Some(format!("{}{place}{why}", last_used(key, now))))?;
    fact("cadence", key.cadence.map(|gap| format!("used at least every {}", gap.in_words())))?;
    fact("used in", held.where_used.clone())?;
    fact("secret", held.sealed.as_ref().map(|_| "kept, sealed".to_owned()))?;
    fact("owner", Some(owner.unwrap_or_else(|| "nobody".to_owned())))?;
    let tags = key.tags.iter().flatten().map(|(name, value)| format!("{name}={value}"));
    fact("tags", Some(tags.collect::<Vec<_>>().join(", ")))?;
    fact(
        "kept until",
        held.keep
            .as_ref()
            .map(|keep| format!("{} by {}: {}", keep.until.date(), keep.by, keep.reason)),
    )?;
    let mut assessment = Assessment::default();
    policy.assess(key, now, &mut assessment);
    let is_gone = key.state == State::Destroyed;
    if !is_gone && !held.standing.rules.is_empty() {
        writeln!(out, "\n{head}Why{head:#}")?;
        for finding in policy.findings(&assessment) {
            writeln!(out, "  {}", printable(&finding.rule.message(key, now).to_string()))?;
        }
    }
    if let Some(action) = held.standing.action {
        writeln!(out, "\n{head}What to do: {}{head:#}", action.as_str())?;
        for (place, step) in steps(key, action, StepContext::default(), now).iter().enumerate() {
            writeln!(out, "  {}. {}", place + 1, step.text)?;
            for line in step.command.iter().chain(&step.link) {
                writeln!(out, "     {line}")?;
            }
        }
    }
    writeln!(out, "\n{head}Story{head:#}")?;
    for moment in story {
        let at = moment.at.to_seconds();
        writeln!(out, "  {at}  {}", printable(&moment.what))?;
    }
    Ok(())
}

fn state(held: &HeldKey) -> String {
    let key = &held.record.key;
    let word = key.provider_state.as_deref().unwrap_or(key.state.as_str());
    let since = |what: &str, at: Option<keytender_core::time::Time>| {
        at.map_or_else(String::new, |at| format!("{what}{}", at.date()))
    };
    let mut text = format!("{word}{}", since(", seen so since ", held.record.suspended_seen_at));
    text.push_str(&since(", not listed since ", held.record.missing_since));
    text.push_str(&since(", last seen ", held.record.last_seen_at));
    if key.exposed == Some(true) {
        text.push_str(", exposed");
    }
    text
}
