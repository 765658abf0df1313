//! `keytender keys create`, `rotate`, `rotation` and `revoke`: keys of our own APIs.

use std::io::{self, Write};

use clap::Subcommand;
use keytender_core::steps::name;
use keytender_core::text::printable;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;

use crate::app::issued::{Activation, NewIssued, NewRotation};
use crate::app::view::{RotationStage, RotationView};
use crate::cli::apps::words;
use crate::cli::context::{Context, confirm};
use crate::cli::words::write_json;
use crate::cli::{DONE, Stop, parse_span, parse_time};
use crate::error::Error;

/// The word for no end.
const NEVER: &str = "never";

/// Make a key of an API of yours and print it, this once.
///
/// Only its digest is kept: nobody can print it again.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Create {
    /// The id of the app that it is for
    #[arg(long)]
    app: String,
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "made on the command line")]
    name: String,
    /// It is for trying: it begins with BRAND_test_
    #[arg(long)]
    test: bool,
    /// What it may do, of what its app may, such as "orders:read"; all of it if not given
    #[arg(long, value_name = "WORDS")]
    scopes: Option<String>,
    /// From where it may be used, such as 203.0.113.0/24; can be given several times
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// When it ends, or `never`; as its API says if not given
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

/// Give a key of an API of yours a successor and print it, this once.
///
/// Both work for a while, which begins with the first use of the new one.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rotate {
    /// Keytender's id, the id in the key, or its name
    key: String,
    /// How long both work, such as 7d; as its API says if not given
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    overlap: Option<Span>,
    /// The new key works at once, and the overlap begins now
    #[arg(long)]
    at_once: bool,
    /// When the new key ends, or `never`; as its API says if not given
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

/// End a key of an API of yours, for good.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Revoke {
    /// Keytender's id, the id in the key, or its name
    key: String,
    /// Somebody else may know it
    #[arg(long)]
    compromised: bool,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Rotation {
    /// Tell how a key's rotation stands
    Show {
        /// Either of the two keys
        key: String,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a rotation back: the old key works on, the new one ends
    Cancel(Change),
    /// End the overlap now: only the new key works from here on
    Finish(Change),
}

/// Change a rotation that is going on.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Change {
    /// Either of the two keys
    key: String,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

/// When a key is to end: `never`, a moment, or as its API says.
fn end(text: Option<&str>) -> Result<Option<Option<Time>>, Stop> {
    match text {
        None => Ok(None),
        Some(NEVER) => Ok(Some(None)),
        Some(text) => parse_time(text).map(Some).map(Some).map_err(|error| {
            Stop::wrong_usage(Error::new(format!("--expires: {error}, or `{NEVER}`")))
        }),
    }
}

pub(super) fn create(args: Create, context: &Context) -> Result<u8, Stop> {
    let new = NewIssued {
        label: args.name,
        environment: if args.test { Environment::Test } else { Environment::Live },
        scopes: args.scopes.as_deref().map(words).unwrap_or_default(),
        networks: args.networks,
        expires_at: end(args.expires.as_deref())?,
    };
    context.desk(async |desk| {
        let (key, text) = desk.create_key(&args.app, new).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("made {key}; this is shown once:"));
        writeln!(io::stdout().lock(), "{}", text.expose())?;
        Ok(DONE)
    })
}

pub(super) fn rotate(args: Rotate, context: &Context) -> Result<u8, Stop> {
    let new = NewRotation {
        overlap: args.overlap,
        activation: match args.at_once {
            true => Activation::Immediately,
            false => Activation::OnFirstUse,
        },
        expires_at: end(args.expires.as_deref())?,
        why: args.because,
    };
    context.desk(async |desk| {
        let (old, _) = desk.get_key(&args.key).await.map_err(Stop::could_not)?;
        let (key, text) = desk.rotate_key(&old.key, new).await.map_err(Stop::could_not)?;
        let view = desk.rotation(&key).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("made {key}. {} This is shown once:", stands(&view)));
        writeln!(io::stdout().lock(), "{}", text.expose())?;
        Ok(DONE)
    })
}

/// How a rotation stands, in a sentence.
fn stands(view: &RotationView) -> String {
    let RotationView { before, after, .. } = view;
    let end = view.overlap_ends_at.map(|at| at.to_seconds().to_string()).unwrap_or_default();
    match view.stage {
        RotationStage::Pending => {
            let overlap = view.overlap.map(|overlap| overlap.in_words()).unwrap_or_default();
            format!("The first use of {after} activates it; {before} works for {overlap} more.")
        }
        RotationStage::Overlap => format!("Both work until {end}, when {before} stops."),
        RotationStage::Done => format!("It is over: {before} was replaced by {after}."),
    }
}

pub(super) fn revoke(args: Revoke, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let (view, _) = desk.get_key(&args.key).await.map_err(Stop::could_not)?;
        let what = format!("{} of {}", name(&view.key()), printable(&view.account_name));
        confirm(&format!("Revoke {what}? It ends for good."), args.yes)?;
        let revoked = desk.revoke_key(&view.key, args.compromised, args.because.as_deref());
        revoked.await.map_err(Stop::could_not)?;
        context.talk.note(&format!("revoked {}: {what}", view.key));
        Ok(DONE)
    })
}

pub(super) fn rotation(command: Rotation, context: &Context) -> Result<u8, Stop> {
    match command {
        Rotation::Show { key, json } => context.desk(async |desk| {
            let (view, _) = desk.get_key(&key).await.map_err(Stop::could_not)?;
            let view = desk.rotation(&view.key).await.map_err(Stop::could_not)?;
            match json {
                true => write_json(&view)?,
                false => writeln!(anstream::stdout(), "{}", stands(&view))?,
            }
            Ok(DONE)
        }),
        Rotation::Cancel(args) => context.desk(async |desk| {
            let (view, _) = desk.get_key(&args.key).await.map_err(Stop::could_not)?;
            let because = args.because.as_deref();
            desk.cancel_rotation(&view.key, because).await.map_err(Stop::could_not)?;
            context.talk.note("cancelled: the old key works on, the new one has ended");
            Ok(DONE)
        }),
        Rotation::Finish(args) => context.desk(async |desk| {
            let (view, _) = desk.get_key(&args.key).await.map_err(Stop::could_not)?;
            let because = args.because.as_deref();
            desk.finish_rotation(&view.key, because).await.map_err(Stop::could_not)?;
            context.talk.note("finished: only the new key works from here on");
            Ok(DONE)
        }),
    }
}
