//! Audits accounts of providers that are described: their keys as they are now.

use std::collections::HashMap;

use keytender_core::id::AccountId;
use keytender_core::inventory::Listing;
use keytender_core::report::Row;

use super::{Options, Seen, Source};
use crate::app::accounts::NewAccount;
use crate::app::accounts::check_reach;
use crate::app::described;
use crate::app::sync;
use crate::app::warnings::Warnings;
use crate::error::Error;
use crate::store::accounts::{Access, Account, AccountKind};

/// What a source of this kind is called on the wire.
const KIND: &str = "provider-account";

/// Asks every described account among `sources`, one after the other.
pub(super) fn observe<'s>(
    sources: &'s [Source],
    options: &Options<'_>,
) -> HashMap<&'s Source, Result<Seen, Error>> {
    let described = sources.iter().filter(|source| matches!(source, Source::Described { .. }));
    let described: Vec<_> = described.collect();
    if described.is_empty() {
        return HashMap::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let seen = described.into_iter().map(|source| {
        let seen = match &runtime {
            Ok(runtime) => runtime.block_on(one(source, options)),
            Err(error) => {
                Err(Error::new(format!("cannot audit `{source}`")).source(error.to_string()))
            }
        };
        (source, seen)
    });
    seen.collect()
}

async fn one(source: &Source, options: &Options<'_>) -> Result<Seen, Error> {
    let account = account(source, options)?;
    let seen = sync::described::observe(&account, options.now, &|_, _| ()).await?;
    let mut warnings = Warnings::default();
    seen.warnings.into_iter().for_each(|line| warnings.note(line));
    Ok(Seen { kind: KIND, observed_at: Some(options.now), rows: rows(seen.listing), warnings })
}

/// The account that a source names, as if it had been added.
fn account(source: &Source, options: &Options<'_>) -> Result<Account, Error> {
    let Source::Described { provider, access } = source else {
        return Err(Error::new(format!("cannot audit `{source}`")));
    };
    if access.credential.is_none() {
        return Err(described::no_credential(provider)?);
    }
    let new = NewAccount {
        provider: provider.clone(),
        name: provider.clone(),
        kind: AccountKind::Live,
        access: Access::clone(access),
        contact: None,
        secret: None,
    };
    check_reach(&new)?;
    let hosts = described::hosts(provider, access)?;
    Ok(Account {
        id: AccountId::from_random(0),
        provider: new.provider,
        name: source.to_string(),
        kind: new.kind,
        parent_id: None,
        external_id: None,
        alias: None,
        contact: None,
        security_contact: None,
        access: Access { hosts, ..new.access },
        sealed: None,
        secret: None,
        report_header: None,
        created_at: options.now,
        api_id: None,
        suspended_at: None,
    })
}

/// A row for each key; its principal stands in the first.
fn rows(listing: Listing) -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for listed in listing.principals {
        let mut principal = Some(listed.principal);
        for key in listed.keys {
            rows.push(Row { principal: principal.take(), keys: [Some(key), None] });
        }
    }
    rows
}
