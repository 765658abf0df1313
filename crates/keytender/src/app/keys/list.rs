//! Keys as people and programs see them: lists, one key, its story.

use std::collections::HashMap;

use keytender_core::id::{KeyId, OwnerId, PrincipalId};
use keytender_core::policy::Assessment;
use keytender_core::time::Time;

use crate::app::evaluate::Policies;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::{
    EventView, FileView, IssuedView, KeyQuery, KeyView, LastUseView, Timeline, UseStatus,
};
use crate::app::{accounts, apps, evaluate, owners, paging};
use crate::error::{Error, Kind};
use crate::store::acts;
use crate::store::keys::{Filter, HeldKey, Page, Telling, Term};

/// The word for nobody, where an owner is named.
const NOBODY: &str = "none";
/// How much of a key's past is told.
const MAX_PAST: i64 = 200;

/// Makes views of keys: what the policy says of each, and who answers for it.
#[derive(Debug)]
pub struct Viewer {
    owners: HashMap<OwnerId, String>,
    policies: Policies,
    now: Time,
    is_for_customer: bool,
}

impl Viewer {
    /// With the inventory's owners and policy, at its moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn new(inventory: &Inventory) -> Result<Self, Error> {
        let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
        let owners = owners.into_iter().map(|owner| (owner.id, owner.name)).collect();
        let policies = evaluate::policies(&inventory.store).await?;
        let is_for_customer = inventory.sight.is_customer();
        Ok(Self { owners, policies, now: inventory.now, is_for_customer })
    }

    /// The same at another moment.
    #[must_use]
    pub const fn as_of(mut self, now: Time) -> Self {
        self.now = now;
        self
    }

    /// Names of owners by their ids.
    pub const fn owners(&self) -> &HashMap<OwnerId, String> {
        &self.owners
    }

    /// The view of a key.
    pub fn view(&self, held: &HeldKey) -> KeyView {
        let mut assessment = Assessment::default();
        let policy = self.policies.of(held.is_customers);
        policy.assess(&held.record.key, self.now, &mut assessment);
        let owner = held.owner_id.and_then(|id| self.owners.get(&id)).cloned();
        let view = KeyView::of(held, owner, &assessment, policy, self.now);
        if self.is_for_customer { view.for_customer() } else { view }
    }

    /// The views of keys, with what we know of those that we issued.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn whole(
        &self,
        inventory: &Inventory,
        keys: &[HeldKey],
    ) -> Result<Vec<KeyView>, Error> {
        let ours = keys.iter().filter(|held| held.is_customers).map(|held| held.record.id);
        let ours: Vec<_> = ours.collect();
        let issued = inventory.store.find_issued(&ours).await.map_err(cannot_read)?;
        let issued: HashMap<_, _> = issued.iter().map(|one| (one.key_id, one)).collect();
        let mut used = inventory.store.last_uses(&ours).await.map_err(cannot_read)?;
        let ids: Vec<_> = keys.iter().map(|held| held.record.id).collect();
        let mut places = match self.is_for_customer {
            // On whose machines of the API's own people a key stands is not told.
            true => HashMap::new(),
            false => inventory.store.files_with_keys(&ids).await.map_err(cannot_read)?,
        };
        let whole = |held: &HeldKey| {
            let places = places.remove(&held.record.id).unwrap_or_default();
            let found_in = places.into_iter().map(FileView::of).collect();
            let known = issued.get(&held.record.id).map(|one| IssuedView::of(one));
            let known = match self.is_for_customer {
                // Why, is what the API's own people said to each other.
                true => known.map(|one| IssuedView { revoked_why: None, ..one }),
                false => known,
            };
            let mut view = KeyView { issued: known, found_in, ..self.view(held) };
            // The key itself shows its last use to a minute.
            if let Some(used) = used.remove(&held.record.id) {
                view.last_used = LastUseView::seen(used);
            }
            view
        };
        Ok(keys.iter().map(whole).collect())
    }

    /// As [`Viewer::whole`], of one key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn whole_one(&self, inventory: &Inventory, held: &HeldKey) -> Result<KeyView, Error> {
        let mut views = self.whole(inventory, std::slice::from_ref(held)).await?;
        views.pop().ok_or_else(|| Error::new("no view of a key").kind(Kind::Internal))
    }
}

/// A page of keys.
#[derive(Debug)]
pub struct Found {
    /// The keys.
    pub keys: Vec<KeyView>,
    /// How many there are on all pages.
    pub total: u64,
    /// The place of the last key, if there are more.
    pub next: Option<Vec<Term>>,
}

/// Those of the keys that are seen which `query` asks for: at most `limit`, after `offset` of them or
/// after a place. The cursor within the query is not looked at.
///
/// # Errors
/// When it names an owner or account that is not there, or the database does not answer.
pub async fn list(
    inventory: &Inventory,
    query: &KeyQuery,
    limit: u32,
    after: Option<Vec<Term>>,
) -> Result<Found, Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let Some(filter) = filter(inventory, query).await? else {
        return Ok(Found { keys: Vec::new(), total: 0, next: None });
    };
    let filter = inventory.sight.narrow(filter);
    let order = query.sort.unwrap_or_default().order();
    // One more tells whether there are more.
    let page = Page {
        order,
        limit: limit.saturating_add(1),
        offset: query.offset.unwrap_or_default(),
        after,
    };
    let (mut keys, total) = inventory.store.list_keys(&filter, &page).await.map_err(cannot_read)?;
    let next = paging::cut(&mut keys, limit, |last| order.place(last));
    let viewer = Viewer::new(inventory).await?;
    let keys = viewer.whole(inventory, &keys).await?;
    Ok(Found { keys, total, next })
}

/// What the query lets through; `None`: nothing.
pub(in crate::app) async fn filter(
    inventory: &Inventory,
    query: &KeyQuery,
) -> Result<Option<Filter>, Error> {
    let now = inventory.now;
    let mut filter = Filter {
        is_due: query.due == Some(true),
        is_exposed: query.exposed == Some(true),
        finding_by: None,
        customers: None,
        action: query.action,
        rule: query.rule.clone(),
        provider: query.provider.clone(),
        account: None,
        principal: None,
        owner: None,
        state: query.state,
        use_status: query.last_used.map(UseStatus::as_str),
        kept_at: query.kept.filter(|is_kept| *is_kept).map(|_| now),
        idle_since: query.unused_for.map(|span| now.minus(span)),
        created_before: query.older_than.map(|span| now.minus(span)),
        expires_by: query.expires_within.map(|span| now.plus(span)),
        text: query.text.clone(),
        named: query.named.clone(),
        side: query.side,
        seen_by: None,
    };
    match resolve(inventory, query, &mut filter).await {
        // Whoever sees only their own is not told what else is there.
        Err(error) if error.of_kind() != Kind::Internal && inventory.sight.owner.is_some() => {
            return Ok(None);
        }
        other => other?,
    }
    Ok(Some(filter))
}

/// Fills in which account and owner are meant.
async fn resolve(
    inventory: &Inventory,
    query: &KeyQuery,
    filter: &mut Filter,
) -> Result<(), Error> {
    if let Some(name) = &query.account {
        filter.account = Some(accounts::get(inventory, name).await?.id);
    }
    if let Some(app) = &query.app {
        let app = apps::get(inventory, app).await?;
        filter.principal = Some(PrincipalId::from_i64(app.id.as_i64()));
    }
    if query.owner.is_some() {
        // Who answers for keys among the API's own people is not told.
        inventory.sight.refuse_customer()?;
    }
    filter.owner = match query.owner.as_deref() {
        Some(NOBODY) => Some(None),
        Some(name) => Some(Some(owners::get(inventory, name).await?.id)),
        None => None,
    };
    Ok(())
}

/// The view of the one key that a word means, of those that are seen.
///
/// # Errors
/// When no key is meant, or several are.
pub async fn view(inventory: &Inventory, word: &str) -> Result<KeyView, Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let held = super::get(inventory, word).await?;
    Viewer::new(inventory).await?.whole_one(inventory, &held).await
}

/// What happened to a key and what was done to it, oldest first.
///
/// # Errors
/// When no key is meant, or several are.
pub async fn timeline(inventory: &Inventory, word: &str) -> Result<Timeline, Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let id = super::get(inventory, word).await?.record.id;
    let past = inventory.store.past(id, MAX_PAST).await.map_err(cannot_read)?;
    let which = acts::Which { target_id: Some(id.to_string()), ..acts::Which::default() };
    let acts = inventory.store.list_acts(&which, MAX_PAST, None).await;
    let mut events: Vec<EventView> = past.iter().map(EventView::of_past).collect();
    let by = |event: EventView| match inventory.sight.is_customer() {
        true => event.for_customer(&inventory.actor.name),
        false => event,
    };
    events.extend(acts.map_err(cannot_read)?.iter().map(EventView::of_act).map(by));
    events.extend(tellings(inventory, id).await?.iter().map(EventView::of_telling));
    // What was done in one breath has no order of its own.
    let act = |event: &EventView| event.by.as_ref().map(|_| event.what.clone());
    events.sort_by_cached_key(|event| (event.at, act(event)));
    Ok(Timeline { events })
}

/// The notices that told of a key; a customer none, and whoever sees only an owner's keys, those to that owner's address.
async fn tellings(inventory: &Inventory, id: KeyId) -> Result<Vec<Telling>, Error> {
    if inventory.sight.is_customer() {
        return Ok(Vec::new());
    }
    let mut tellings = inventory.store.tellings(id, MAX_PAST).await.map_err(cannot_read)?;
    if let Some(owner) = inventory.sight.owner {
        let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
        let own = owners.into_iter().find(|one| Some(one.id) == owner);
        let address = own.map(|one| one.address).unwrap_or_default();
        tellings.retain(|one| one.recipient == address);
    }
    Ok(tellings)
}
