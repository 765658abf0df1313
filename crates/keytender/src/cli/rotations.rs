//! `keytender rotate` and `keytender rotations`: held keys that are replaced by others.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::rotation::{Gate, Way};
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::context::{Context, confirm};
use super::desk::WhichRotations;
use super::grid::{Cell, Grid};
use super::words::{terminal_width, write_json};
use super::{COULD_NOT, DONE, Stop, parse_time, style};
use crate::app::view::{
    HeldRotationList, HeldRotationView, NewRotationRequest, OutlineView, SayRequest, SayWord,
};
use crate::error::Error;

/// Replace a held key by a new one, without breaking whoever uses it.
///
/// Shows the plan: each step, when it comes, and how it is undone. Then a second key is made, tried, written to the
/// destinations of the key and read back; the old one works meanwhile, and goes once nobody has used it for long
/// enough. What takes days is done by a server, or by `rotations run`.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Keytender's id, the provider's id, or the name of a key
    key: String,
    /// Who gets the new key: the way from a root key to a user with only what it needs
    #[arg(long, value_name = "user:NAME")]
    to: Option<String>,
    /// Somebody else may have it: disable the old one as soon as the new one stands everywhere
    #[arg(long)]
    emergency: bool,
    /// A step that waits until somebody approves it; can be given several times
    #[arg(long, value_name = "STEP", value_parser = gate)]
    approve: Vec<Gate>,
    /// When it is done what others may notice, "mon-fri 02:00-05:00 Europe/Berlin"
    #[arg(long, value_name = "TEXT")]
    window: Option<String>,
    /// For how many days nobody must have used the old key [default: 35]
    #[arg(long, value_name = "DAYS")]
    quiet_days: Option<u32>,
    /// For how many days the old key is held disabled [default: 30; 90 where last uses are not told]
    #[arg(long, value_name = "DAYS")]
    hold_days: Option<u32>,
    /// When the old key goes although it is used, if its owner was told a week before
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    deadline: Option<Time>,
    /// A person puts the new key where it is used
    #[arg(long)]
    by_hand: bool,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Show the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Write JSON: the plan with --dry-run, else the rotation
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List rotations, the newest first
    List {
        /// Of this key
        #[arg(long)]
        key: Option<String>,
        /// Also those that have ended
        #[arg(long)]
        all: bool,
        /// Only those that wait for a person
        #[arg(long)]
        waiting: bool,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell all that happened in one, and what comes next
    Show {
        /// Its id, or a key that has one
        rotation: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Take one as far as it goes now
    Run {
        /// Its id, or a key that has one
        rotation: String,
    },
    /// Let it take a step that waits for you: start, deliver, disable or delete
    Approve {
        /// Its id, or a key that has one
        rotation: String,
        /// The step; what it asks for if not given
        #[arg(value_parser = gate)]
        step: Option<Gate>,
        #[command(flatten)]
        why: Why,
    },
    /// Let it go on after what blocked it is mended
    Resume(Word),
    /// Bring the old key back, and end the new one
    Rollback(Word),
    /// Give up one that has changed nothing yet
    Abort(Word),
    /// Say that the new key stands at a destination, and whoever uses it uses that one; once all are acknowledged,
    /// the old key is disabled next
    Acknowledge {
        /// Its id, or a key that has one
        rotation: String,
        /// The destination
        destination: String,
        #[command(flatten)]
        why: Why,
    },
    /// Say which keys the policy rotates by itself, or would
    Trial {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the new key, for whoever puts it where it is used by hand
    Secret {
        /// Its id, or a key that has one
        rotation: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Word {
    /// Its id, or a key that has one
    rotation: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, clap::Args)]
pub(super) struct Why {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

/// The step that a word names.
pub(super) fn gate(text: &str) -> Result<Gate, String> {
    let known = Gate::ALL.into_iter().find(|gate| gate.as_str() == text);
    known.ok_or_else(|| "start, deliver, disable or delete".to_owned())
}

pub(super) fn rotate(args: Rotate, context: &Context) -> Result<u8, Stop> {
    let asked = NewRotationRequest {
        key: args.key,
        to: args.to,
        emergency: args.emergency.then_some(true),
        approve: Some(args.approve).filter(|gates| !gates.is_empty()),
        window: args.window,
        quiet_days: args.quiet_days,
        hold_days: args.hold_days,
        deadline: args.deadline,
        by_hand: args.by_hand.then_some(true),
        because: args.because,
    };
    context.desk(async |desk| {
        let plan = desk.plan_rotation(&asked).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        match args.json {
            true if args.dry_run => write_json(&plan)?,
            true => {}
            false => write_plan(&mut out, &plan)?,
        }
        if args.dry_run {
            return Ok(DONE);
        }
        confirm("Begin?", args.yes)?;
        let begun = desk.start_rotation(&asked).await.map_err(Stop::could_not)?;
        let mut told = Told::new(context, begun.events.len());
        let view = desk.advance_rotation(&begun.rotation, |view| told.tell(view)).await;
        let view = view.map_err(Stop::could_not)?;
        match args.json {
            true => write_json(&view)?,
            false => write_end(&mut out, &view)?,
        }
        Ok(code(&view))
    })
}

/// Whether it stands still because a person is needed.
fn code(view: &HeldRotationView) -> u8 {
    match view.is_blocked {
        true => COULD_NOT,
        false => DONE,
    }
}

/// Says on stderr what happens, while it happens.
struct Told<'c> {
    context: &'c Context,
    known: usize,
}

impl<'c> Told<'c> {
    const fn new(context: &'c Context, known: usize) -> Self {
        Self { context, known }
    }

    fn tell(&mut self, view: &HeldRotationView) {
        for event in view.events.iter().skip(self.known) {
            // Stages are for programs; the calls say the same.
            if event.kind != "stage" {
                self.context.talk.note(&printable(&event.words));
            }
        }
        self.known = view.events.len();
    }
}

fn write_plan(out: &mut impl Write, plan: &OutlineView) -> io::Result<()> {
    let head = style::HEAD;
    let id = plan.id.as_deref().unwrap_or(&plan.key);
    let to = plan.to.as_deref().map(|user| format!(" to user {}", printable(user)));
    writeln!(
        out,
        "{head}Rotate {}{}{head:#} at {}",
        printable(id),
        to.unwrap_or_default(),
        printable(&plan.account)
    )?;
    for (number, step) in (1..).zip(&plan.steps) {
        writeln!(out, "{number:>3}. {}", printable(&step.what))?;
        let mut more = Vec::new();
        if let Some(at) = step.not_before {
            more.push(format!("not before {}", at.to_seconds()));
        }
        if let Some(gate) = step.gate {
            more.push(format!("after somebody approves `{}`", gate.as_str()));
        }
        match (&step.undo, step.is_final) {
            (_, true) => more.push("cannot be undone".to_owned()),
            (Some(undo), false) => more.push(format!("undone: {undo}")),
            (None, false) => {}
        }
        if !more.is_empty() {
            writeln!(out, "     {}", printable(&more.join("; ")))?;
        }
    }
    if plan.way == Way::CreateThenDelete {
        writeln!(
            out,
            "Until the old key is deleted, `keytender rotations rollback` brings it back."
        )?;
    }
    Ok(())
}

fn write_end(out: &mut impl Write, view: &HeldRotationView) -> io::Result<()> {
    writeln!(out, "{}: {}", view.rotation, printable(&view.says))?;
    if view.waits_for == "time" || view.waits_for == "person" {
        writeln!(out, "Its story: keytender rotations show {}", view.rotation)?;
    }
    Ok(())
}

pub(super) fn run(command: Command, context: &Context) -> Result<u8, Stop> {
    let said = |say, word: Word| (word.rotation, request(say, word.why));
    let (rotation, request) = match command {
        Command::List { key, all, waiting, json } => {
            return list(context, key.as_deref(), all, waiting, json);
        }
        Command::Show { rotation, json } => return show(context, &rotation, json),
        Command::Run { rotation } => return advance(context, &rotation),
        Command::Trial { json } => return trial(context, json),
        Command::Secret { rotation } => return secret(context, &rotation),
        Command::Approve { rotation, step, why } => {
            let mut said = request(SayWord::Approve, why);
            said.gate = step;
            (rotation, said)
        }
        Command::Acknowledge { rotation, destination, why } => {
            let mut said = request(SayWord::Acknowledge, why);
            said.destination = Some(destination);
            (rotation, said)
        }
        Command::Resume(word) => said(SayWord::Resume, word),
        Command::Rollback(word) => said(SayWord::Rollback, word),
        Command::Abort(word) => said(SayWord::Abort, word),
    };
    context.desk(async |desk| {
        let before = desk.get_rotation(&rotation).await.map_err(Stop::could_not)?;
        let mut request = request.clone();
        if request.say == SayWord::Approve && request.gate.is_none() {
            request.gate = asked(&before).map(Some)?;
        }
        desk.say(&before.rotation, &request).await.map_err(Stop::could_not)?;
        let mut told = Told::new(context, before.events.len());
        let view = desk.advance_rotation(&before.rotation, |view| told.tell(view)).await;
        let view = view.map_err(Stop::could_not)?;
        write_end(&mut anstream::stdout(), &view)?;
        Ok(code(&view))
    })
}

/// The one step that a rotation asks for.
fn asked(view: &HeldRotationView) -> Result<Gate, Stop> {
    match view.asks.as_slice() {
        [gate] => Ok(*gate),
        [] => Err(Stop::could_not(
            Error::new(format!("{} asks for nothing", view.rotation)).hint(view.says.clone()),
        )),
        several => {
            let words: Vec<&str> = several.iter().map(|gate| gate.as_str()).collect();
            let message = format!("{} asks for {}", view.rotation, words.join(" and "));
            Err(Stop::could_not(Error::new(message).hint("name the one that you approve")))
        }
    }
}

fn request(say: SayWord, why: Why) -> SayRequest {
    SayRequest { say, gate: None, destination: None, because: why.because }
}

fn advance(context: &Context, rotation: &str) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let before = desk.get_rotation(rotation).await.map_err(Stop::could_not)?;
        let mut told = Told::new(context, before.events.len());
        let view = desk.advance_rotation(&before.rotation, |view| told.tell(view)).await;
        let view = view.map_err(Stop::could_not)?;
        write_end(&mut anstream::stdout(), &view)?;
        Ok(code(&view))
    })
}

fn secret(context: &Context, rotation: &str) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let new = desk.reveal(rotation).await.map_err(Stop::could_not)?;
        let mut out = io::stdout().lock();
        if let Some(id) = &new.id {
            writeln!(out, "{id}")?;
        }
        writeln!(out, "{}", new.secret)?;
        context.talk.note("say when it stands there: keytender rotations acknowledge");
        Ok(DONE)
    })
}

fn trial(context: &Context, as_json: bool) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let trial = desk.rotation_trial().await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&trial)?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        let rules = trial.rules.join(", ");
        match (trial.rules.is_empty(), trial.is_dry, trial.begins_at) {
            (true, ..) => {
                writeln!(
                    out,
                    "No key rotates by itself: the policy names no rule in rotation.automatic."
                )?;
                return Ok(DONE);
            }
            (false, true, None) => writeln!(out, "A dry run: nothing is begun. Rules: {rules}")?,
            (false, true, Some(at)) => {
                writeln!(
                    out,
                    "On trial: nothing is begun before {}. Rules: {rules}",
                    at.to_seconds()
                )?;
            }
            (false, false, _) => {
                writeln!(out, "At most {} at a time. Rules: {rules}", trial.at_most)?;
            }
        }
        if trial.would.is_empty() {
            writeln!(out, "No key waits for it.")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["KEY", "ACCOUNT", "RULE", "SINCE", "STANDS IN THE WAY"]);
        for one in &trial.would {
            let fault = one.fault.as_deref().unwrap_or("–");
            let look = if one.fault.is_some() { style::WARNING } else { anstyle::Style::new() };
            grid.push([
                Cell::new([printable(one.id.as_deref().unwrap_or(&one.key)).into_owned()]),
                Cell::new([printable(&one.account).into_owned()]),
                Cell::new([one.rule.clone()]),
                Cell::new([one.since.date().to_string()]),
                Cell::new([printable(fault).into_owned()]).styled(look),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn list(
    context: &Context,
    key: Option<&str>,
    all: bool,
    waiting: bool,
    as_json: bool,
) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let live = (!all && key.is_none()).then_some(true);
        let which = WhichRotations { key, live, waiting, limit: 1_000 };
        let rotations = desk.list_rotations(&which).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&HeldRotationList { rotations })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if rotations.is_empty() {
            writeln!(
                out,
                "No key is being replaced. keytender rotate KEY --dry-run shows a plan."
            )?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["ROTATION", "KEY", "ACCOUNT", "STAGE", "NEXT"]);
        for view in &rotations {
            let attention = match view.waits_for.as_str() {
                "person" => style::WARNING,
                _ => anstyle::Style::new(),
            };
            let new = view.new_id.as_deref().map(|id| format!("→ {}", printable(id)));
            grid.push([
                Cell::new([view.rotation.clone()]),
                Cell::new([printable(&view.id).into_owned(), new.unwrap_or_default()]),
                Cell::new([printable(&view.account).into_owned()]),
                Cell::new([view.stage.as_str().to_owned()]),
                Cell::new([next(view)]).styled(attention),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

fn next(view: &HeldRotationView) -> String {
    match (view.waits_for.as_str(), view.next_at) {
        ("person", _) if view.is_blocked => "blocked: a person is needed".to_owned(),
        ("person", _) => "a person is needed".to_owned(),
        ("time", Some(at)) => at.to_seconds().to_string(),
        ("nothing", _) => "–".to_owned(),
        _ => "under way".to_owned(),
    }
}

fn show(context: &Context, rotation: &str, as_json: bool) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let view = desk.get_rotation(rotation).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&view)?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        let head = style::HEAD;
        let new = view.new_id.as_deref().unwrap_or("a new key");
        writeln!(
            out,
            "{head}{}{head:#} {} → {} at {}, begun by {} on {}",
            view.rotation,
            printable(&view.id),
            printable(new),
            printable(&view.account),
            printable(&view.started_by),
            view.started_at.date()
        )?;
        writeln!(out, "{}", printable(&view.says))?;
        for place in &view.destinations {
            let stands = match (place.is_written, place.is_acknowledged, place.by_hand) {
                (_, true, _) => "acknowledged",
                (true, false, _) => "has the new key",
                (false, false, true) => "filled by hand",
                (false, false, false) => "has the old key",
            };
            writeln!(out, "  {}: {stands}", printable(&place.name))?;
        }
        for event in &view.events {
            writeln!(out, "  {}  {}", event.at.to_seconds(), printable(&event.words))?;
        }
        Ok(DONE)
    })
}
