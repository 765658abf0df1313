//! Principals: who keys act for.

use keytender_core::id::{AccountId, PrincipalId};

use super::inventory::{Inventory, cannot_read};
use super::view::PrincipalView;
use super::{accounts, paging};
use crate::error::{Error, Kind};
use crate::store::principals::Filter;

/// Where a principal stands among the others: the number of its account, and its name.
pub type Place = (i64, String);

/// At most `limit` of the principals that are seen, after a place; and the place of the last if there
/// are more.
///
/// # Errors
/// When there is no such account, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    account: Option<&str>,
    text: Option<&str>,
    limit: u32,
    after: Option<&Place>,
) -> Result<(Vec<PrincipalView>, Option<Place>), Error> {
    let account = match account {
        None => None,
        Some(name) => match accounts::get(inventory, name).await {
            Ok(account) => Some(account.id),
            // Whoever sees only their own is not told what else is there.
            Err(error) if error.of_kind() != Kind::Internal && inventory.sight.owner.is_some() => {
                return Ok((Vec::new(), None));
            }
            Err(error) => return Err(error),
        },
    };
    let filter = Filter { account, text: text.map(str::to_owned), ..seen(inventory) };
    let after = after.map(|(account, name)| (AccountId::from_i64(*account), name.as_str()));
    let found = inventory.store.page_principals(&filter, after, limit.saturating_add(1)).await;
    let mut found = found.map_err(cannot_read)?;
    let next = paging::cut(&mut found, limit, |last| {
        (last.account_id.as_i64(), last.record.principal.name.as_ref().to_owned())
    });
    Ok((found.iter().map(PrincipalView::of).collect(), next))
}

/// One principal, by its id.
///
/// # Errors
/// When there is none, or none that is seen.
pub async fn view(inventory: &Inventory, id: &str) -> Result<PrincipalView, Error> {
    let missing = || Error::not_found(format!("there is no principal `{id}`"));
    let filter =
        Filter { id: Some(id.parse::<PrincipalId>().map_err(|_| missing())?), ..seen(inventory) };
    let found = inventory.store.page_principals(&filter, None, 1).await.map_err(cannot_read)?;
    found.first().map(PrincipalView::of).ok_or_else(missing)
}

fn seen(inventory: &Inventory) -> Filter {
    let sight = inventory.sight;
    Filter { side: sight.side, seen_by: sight.owner, ..Filter::default() }
}
