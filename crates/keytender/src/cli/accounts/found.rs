//! Accounts of providers that are named by their address.

use keytender_core::text::printable;

use super::{Add, source};
use crate::app::accounts::{self, NewAccount};
use crate::app::channels::SecretSource;
use crate::app::discover::{self, Address};
use crate::cli::context::{Context, confirm, wait};
use crate::cli::providers::say_descriptor;
use crate::cli::{DONE, Stop};
use crate::error::Error;
use crate::store::accounts::{Access, AccountKind};

/// Adds an account of the provider at an address, once somebody has seen what was found there.
pub(super) fn add(address: &Address, args: Add, context: &Context) -> Result<u8, Stop> {
    let secret = args.credential.as_deref().map_or(Ok(SecretSource::None), source)?;
    if matches!(secret, SecretSource::None) {
        let error = Error::new("what is found at an address is asked with a credential");
        return Err(Stop::wrong_usage(error.hint("--credential env:NAME says where it is")));
    }
    if args.profile.is_some()
        || args.role.is_some()
        || args.organization
        || args.descriptor.is_some()
    {
        let error = Error::new(
            "an address goes without --profile, --role, --organization and --descriptor",
        );
        return Err(Stop::wrong_usage(error));
    }
    let found =
        wait(discover::descriptor(address, args.allow_private))?.map_err(Stop::could_not)?;
    let access = Access {
        variables: args.variables.into_iter().collect(),
        endpoint: args.endpoint,
        allow_private: args.allow_private,
        allow_writes: args.allow_writes,
        ..Access::default()
    };
    let view = found.view(&access);
    let (provider, access) =
        accounts::bind(address, &found, access, args.hosts.into_iter().collect())
            .map_err(Stop::could_not)?;
    let name = args.name.unwrap_or_else(|| provider.clone());
    let kind = AccountKind::Live;
    let new = NewAccount { provider, name, kind, access, contact: args.contact, secret: None };
    accounts::check_reach(&new).map_err(Stop::wrong_usage)?;
    say_descriptor(&view, &context.talk);
    let may = if args.allow_writes { "list, make, disable and delete keys" } else { "list keys" };
    let host = printable(address.host());
    confirm(
        &format!("Let {host} be asked with this credential, to {may} as this document says?"),
        args.yes,
    )?;
    let added = format!("added {}; next: keytender sync {}", new.name, new.name);
    context.desk(async |desk| {
        desk.add_account(new, secret).await.map_err(Stop::could_not)?;
        context.talk.note(&added);
        Ok(DONE)
    })
}

/// Binds an account to the document as it is now.
pub(super) fn approve(name: &str, yes: bool, context: &Context) -> Result<u8, Stop> {
    context.desk(async |desk| {
        let changed = desk.changed_document(name).await.map_err(Stop::could_not)?;
        let Some(changed) = changed else {
            context.talk.note(&format!("the document of {name} is the one that was approved"));
            return Ok(DONE);
        };
        context.talk.note(&format!("{} has changed:", printable(changed.found.url.as_str())));
        for line in &changed.lines {
            context.talk.note(&format!("  {line}"));
        }
        confirm(&format!("Run {name} by the document as it is now?"), yes)?;
        desk.approve_document(name, &changed.found).await.map_err(Stop::could_not)?;
        context.talk.note(&format!("approved; next: keytender sync {name}"));
        Ok(DONE)
    })
}
