//! Customers of our APIs: accounts whose keys we issue.

use std::io::Write;

use keytender_core::text::printable;

use crate::app::customers::NewCustomer;
use crate::app::view::{AccountView, CustomerList, PortalLinkRequest};
use crate::cli::context::{Context, confirm};
use crate::cli::desk::Desk;
use crate::cli::grid::{Cell, Grid};
use crate::cli::words::{count, terminal_width, write_json};
use crate::cli::{DONE, Stop};

/// Stop all keys of a customer, or let them work again.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Suspend {
    /// The customer, such as acme/globex
    name: String,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
}

/// Make a link that opens the key page of a customer of an API of yours, once.
///
/// It works for five minutes. Whoever opens it is that customer for an hour at most: they see and manage its keys.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Portal {
    /// The customer, such as acme/globex
    name: String,
    /// Who of the customer it is for, for the log
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
    /// Where whoever is done goes back to; its host stands in keytender apis set --return-hosts
    #[arg(long = "return", value_name = "URL")]
    return_url: Option<String>,
    /// Let nothing be changed
    #[arg(long)]
    read_only: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn portal(args: Portal, context: &Context) -> Result<u8, Stop> {
    let asked = PortalLinkRequest {
        person: args.person,
        return_url: args.return_url,
        read_only: args.read_only,
    };
    context.desk(async |desk| {
        let link = desk.link_portal(&args.name, asked).await.map_err(Stop::could_not)?;
        if args.json {
            write_json(&link)?;
            return Ok(DONE);
        }
        context.talk.note(&format!("it works once, until {}:", link.expires_at.to_seconds()));
        writeln!(anstream::stdout(), "{}", link.url)?;
        Ok(DONE)
    })
}

pub(super) async fn add(
    desk: &Desk<'_>,
    api: &str,
    new: NewCustomer,
    context: &Context,
) -> Result<u8, Stop> {
    let added = desk.add_customer(api, new).await.map_err(Stop::could_not)?;
    context.talk.note(&format!("added {0}; next: keytender apps add {0} APP", added.name));
    Ok(DONE)
}

pub(super) fn list(api: &str, as_json: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let accounts = desk.list_customers(api).await.map_err(Stop::could_not)?;
        if as_json {
            write_json(&CustomerList { accounts, next: None })?;
            return Ok(DONE);
        }
        let mut out = anstream::stdout();
        if accounts.is_empty() {
            writeln!(out, "No customers. Add one: keytender accounts add {api} NAME")?;
            return Ok(DONE);
        }
        let mut grid = Grid::new(["CUSTOMER", "YOUR ID", "CONTACT", "SINCE"]);
        for one in &accounts {
            let text =
                |text: &Option<String>| printable(text.as_deref().unwrap_or_default()).into_owned();
            let suspended = one
                .suspended_at
                .map_or_else(String::new, |at| format!("suspended since {}", at.date()));
            grid.push([
                Cell::new([printable(&one.name).into_owned()]),
                Cell::new([text(&one.external_id)]),
                Cell::new([text(&one.contact)]),
                Cell::new([one.created_at.date(), suspended]),
            ]);
        }
        grid.write(&mut out, terminal_width())?;
        Ok(DONE)
    })
}

pub(super) fn suspend(args: &Suspend, is_suspended: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let name = &args.name;
        let done = desk.suspend_customer(name, is_suspended, args.because.as_deref());
        done.await.map_err(Stop::could_not)?;
        context.talk.note(&match is_suspended {
            true => format!("suspended {name}: none of its keys works"),
            false => format!("resumed {name}: its keys work again"),
        });
        Ok(DONE)
    })
}

/// Forgets a customer; its keys stop.
pub(super) async fn remove(
    desk: &Desk<'_>,
    account: &AccountView,
    yes: bool,
    context: &Context,
) -> Result<u8, Stop> {
    let (name, keys) = (&account.name, count(account.keys, "key"));
    let question =
        format!("Forget the customer {name}, its apps and its {keys}? The keys stop, for good.");
    confirm(&question, yes)?;
    desk.remove_account(&account.id).await.map_err(Stop::could_not)?;
    context.talk.note(&format!("forgot {name} and its {keys}: they stop for good"));
    Ok(DONE)
}
