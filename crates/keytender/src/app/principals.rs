//! Principals: who keys act for.

use keytender_core::id::{AccountId, PrincipalId};
use keytender_core::key::LastUse;

use super::inventory::{Inventory, cannot_read};
use super::view::PrincipalView;
use super::{accounts, paging};
use crate::error::{Error, Kind};
use crate::store::principals::{Filter, Seen};

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
        None => inventory.sight.account,
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
    know_own(inventory, &mut found).await?;
    Ok((found.iter().map(PrincipalView::of).collect(), next))
}

/// Says of our own users how they sign in: no provider tells it.
async fn know_own(inventory: &Inventory, found: &mut [Seen]) -> Result<(), Error> {
    let is_own = |seen: &Seen| seen.record.principal.provider == super::users::OWN;
    if !found.iter().any(is_own) {
        return Ok(());
    }
    let sign_ins = inventory.store.list_sign_ins().await.map_err(cannot_read)?;
    for seen in found.iter_mut().filter(|seen| is_own(seen)) {
        let one = sign_ins.iter().find(|one| one.principal_id == seen.record.id);
        let password_at = one.and_then(|one| one.password_at);
        let used_at = one.and_then(|one| one.password_used_at);
        let principal = &mut seen.record.principal;
        principal.has_password = Some(password_at.is_some());
        principal.password_last_used =
            password_at.map(|since| used_at.map_or(LastUse::Never { since }, LastUse::at));
        principal.mfa = Some(one.is_some_and(|one| one.has_second_factor));
    }
    Ok(())
}

/// One principal, by its id.
///
/// # Errors
/// When there is none, or none that is seen.
pub async fn view(inventory: &Inventory, id: &str) -> Result<PrincipalView, Error> {
    let missing = || Error::not_found(format!("there is no principal `{id}`"));
    let filter =
        Filter { id: Some(id.parse::<PrincipalId>().map_err(|_| missing())?), ..seen(inventory) };
    let mut found = inventory.store.page_principals(&filter, None, 1).await.map_err(cannot_read)?;
    know_own(inventory, &mut found).await?;
    found.first().map(PrincipalView::of).ok_or_else(missing)
}

fn seen(inventory: &Inventory) -> Filter {
    let sight = inventory.sight;
    Filter { side: sight.side, seen_by: sight.owner, account: sight.account, ..Filter::default() }
}
