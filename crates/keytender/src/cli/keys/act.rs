//! `keytender keys disable`, `enable` and `delete`: shows the plan, asks, and acts.

use std::io::{self, Write};

use keytender_core::steps::{ago, last_used, name};
use keytender_core::text::printable;

use crate::app::acts::{Act, Asked};
use crate::app::view::PlanView;
use crate::cli::context::{Context, confirm};
use crate::cli::words::count;
use crate::cli::{COULD_NOT, DONE, Stop, style};
use crate::error::Error;

/// Act on keys at their provider.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Keytender's id, the provider's id, or the name of a key
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Show the plan and stop
    #[arg(long)]
    dry_run: bool,
}

/// Delete keys at their provider, for good.
///
/// A key is deleted only after it was seen disabled for 30 days, whoever disabled it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DeleteArgs {
    #[command(flatten)]
    args: Args,
    /// Delete before the hold of 30 days is over; needs --because
    #[arg(long, requires = "because")]
    really: bool,
}

pub(super) fn delete(args: DeleteArgs, context: &Context) -> Result<u8, Stop> {
    run(Act::Delete, args.args, args.really, context)
}

pub(super) fn run(act: Act, args: Args, really: bool, context: &Context) -> Result<u8, Stop> {
    let asked = Asked { act, why: args.because.clone(), really };
    context.desk(async |desk| {
        let mut plans: Vec<PlanView> = Vec::new();
        for word in &args.keys {
            let (view, _) = desk.get_key(word).await.map_err(Stop::could_not)?;
            if plans.iter().any(|plan| plan.key.key == view.key) {
                let error = Error::new(format!("`{word}` is named twice"));
                return Err(Stop::wrong_usage(error));
            }
            plans.push(desk.plan(&view.key, &asked).await.map_err(Stop::could_not)?);
        }
        let mut out = anstream::stdout();
        for plan in &plans {
            write(&mut out, plan)?;
        }
        plans.retain(|plan| !plan.is_done || act == Act::Delete);
        if args.dry_run || plans.is_empty() {
            return Ok(DONE);
        }
        let keys = count(plans.len(), "key");
        confirm(&format!("{} {keys}?", capital(act.as_str())), args.yes)?;
        let mut code = DONE;
        for plan in &plans {
            match desk.act(&plan.key.key, &asked).await {
                Ok(()) => writeln!(out, "{}d {}", act.as_str(), name(&plan.key.key()))?,
                Err(error) => {
                    context.talk.error(&error);
                    code = COULD_NOT;
                }
            }
        }
        Ok(code)
    })
}

fn write(out: &mut impl Write, plan: &PlanView) -> io::Result<()> {
    let (view, now) = (&plan.key, plan.as_of);
    let key = &view.key();
    let head = style::HEAD;
    let id = view.id.as_deref().unwrap_or(&view.key);
    let done = if plan.is_done { ": is so already" } else { "" };
    writeln!(
        out,
        "{head}{} {}{head:#} {} at {}{done}",
        capital(plan.act.as_str()),
        name(key),
        printable(id),
        printable(&view.account_name)
    )?;
    let created = key.created_at.map_or_else(|| "unknown".to_owned(), |at| ago(at, now));
    writeln!(out, "  created {created}; last used: {}", last_used(key, now))?;
    for note in &plan.notes {
        writeln!(out, "  {}", printable(note))?;
    }
    Ok(())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
