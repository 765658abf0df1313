//! How much of a limit each verifier may give out, settled each second with its lease. The rule, and how exact it is,
//! is that of [`keytender_verify::share`].

use std::collections::{BTreeMap, HashMap};

use keytender_core::id::{ApiId, AppId};
use keytender_verify::feed::{Need, Share};
use keytender_verify::share::Wish;

use super::Node;
use crate::store::shares::LimitBook;
use crate::store::verify::{Verifier as Live, Which};
use crate::store::{self, Failure, Store};

/// Who gives out limits, and what whoever asked holds of those that are not divided evenly.
#[derive(Debug, Default)]
pub(super) struct Division {
    live: Vec<Live>,
    pub(super) shares: Vec<Share>,
}

impl Division {
    /// How many give out the limits of an API's apps.
    pub(super) fn verifiers(&self, api: ApiId) -> u32 {
        u32::try_from(of(&self.live, api).count()).unwrap_or(u32::MAX)
    }
}

/// Those who give out limits of an API's apps.
fn of(live: &[Live], api: ApiId) -> impl Iterator<Item = &str> {
    let is_of = move |one: &&Live| one.api_id.is_none_or(|own| own == api);
    live.iter().filter(is_of).map(|one| one.node.as_str())
}

/// Says what a verifier needs of limits, of one API or of all, and what it holds from now on.
///
/// Where nobody is short of a limit, that is two questions; and where it is alone, one. Nothing is written.
pub(super) async fn divide(
    store: &Store,
    node: &str,
    api: Option<ApiId>,
    needs: &[Need],
) -> store::Result<Division> {
    let mut live = store.live_verifiers(api).await?;
    // Who lost its lease goes on with what it had; the others divide the limit without it.
    live.retain(|one| !one.is_lost());
    let shares = Vec::new();
    let is_alone = live.iter().all(|one| one.node == node);
    if needs.is_empty() && (is_alone || store.limit_books(api).await?.is_empty()) {
        return Ok(Division { live, shares });
    }
    let apis = apis_of(store, needs).await?;
    let mut tx = store.db().begin().await?;
    let known = tx.lock_limit_books(api).await?;
    let mut books: BTreeMap<AppId, LimitBook> =
        known.into_iter().map(|book| (book.app_id, book)).collect();
    for (app_id, api_id) in apis {
        if api.is_none_or(|api| api == api_id) {
            let book = Default::default();
            books.entry(app_id).or_insert(LimitBook { app_id, api_id, book });
        }
    }
    let needs: HashMap<AppId, &Need> = needs.iter().map(|need| (need.app, need)).collect();
    let mut division = Division { live, shares };
    let mut changed = Vec::new();
    for (app, mut one) in books {
        let before = one.book.clone();
        let said =
            needs.get(&app).map(|need| (Wish { wanted: need.wanted, held: need.held }, need.freed));
        let (part, more) = one.book.settle(node, of(&division.live, one.api_id), said);
        division.shares.push(Share { app, part, more });
        if one.book != before {
            changed.push(one);
        }
    }
    tx.put_limit_books(&changed).await?;
    tx.commit().await.map_err(Failure::from)?;
    Ok(division)
}

async fn apis_of(store: &Store, needs: &[Need]) -> store::Result<Vec<(AppId, ApiId)>> {
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    let apps = needs.iter().map(|need| need.app).collect();
    let found = store.known_apps(&Which::These(apps)).await?;
    Ok(found.into_iter().map(|known| (known.app.id, known.app.api_id)).collect())
}

impl Node {
    /// Says what this server needs of limits, and holds what it is given.
    pub(super) async fn divide(&self) -> store::Result<()> {
        let table = self.verifier.table();
        let needs = table.needs(self.clock.now());
        let division = divide(&self.store, &self.name, None, &needs).await?;
        table.set_verifiers(|api| division.verifiers(api));
        table.share(&division.shares, self.clock.now());
        Ok(())
    }
}
