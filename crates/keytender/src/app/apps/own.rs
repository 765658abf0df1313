//! Apps that the customers of an API add, stop and end themselves, as far as the API lets them.

use keytender_core::id::AppId;
use keytender_core::time::Span;

use super::{AppChange, NewApp, check_limits, check_scopes};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::AppView;
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::acts::Which;
use crate::store::apis::{Api, OwnApps};
use crate::store::apps::{App, Limits};
use crate::store::db::Tx;

/// For how long an app that ended counts among those that a customer has: as long as the longest quota.
const COUNTED_FOR: Span = Span::days(31);
/// The most apps of a customer that can be asked for.
const MOST: u32 = 10_000;
/// The verb of the act that stops an app.
pub(super) const SUSPEND: &str = "app.suspend";

/// Refuses what customers cannot be let do.
pub(in crate::app) fn check(own: &OwnApps) -> Result<(), Error> {
    if !(1..=MOST).contains(&own.most) {
        return Err(Error::new(format!("a customer may have from 1 to {MOST} apps")));
    }
    check_scopes(&own.scopes)?;
    check_limits(&Limits { rate: own.rate, quota: own.quota })
}

/// What a customer may add of what it asked for: with the rights and limits that the API gives such apps.
pub(super) fn allowed(api: &Api, new: NewApp) -> Result<NewApp, Error> {
    let forbidden = |why: String| Error::new(why).kind(Kind::Forbidden);
    let own = api.settings.own_apps.as_ref().ok_or_else(|| {
        forbidden(format!("the customers of `{}` add no apps themselves", api.name))
    })?;
    if new.limits != Limits::default() || !new.labels.is_empty() {
        return Err(forbidden(
            "the limits and labels of an app are not for its customer".to_owned(),
        ));
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !own.scopes.contains(scope)) {
        let why = format!("an app that a customer adds has no scope `{scope}`");
        return Err(Error::new(why).hint(format!("it has some of: {}", own.scopes.join(" "))));
    }
    let scopes = if new.scopes.is_empty() { own.scopes.clone() } else { new.scopes };
    Ok(NewApp { scopes, limits: Limits { rate: own.rate, quota: own.quota }, ..new })
}

/// Refuses an app beyond the most that a customer may have.
pub(super) async fn check_count(
    inventory: &Inventory,
    tx: &mut Tx,
    api: &Api,
    account: &Account,
) -> Result<(), Error> {
    let Some(own) = &api.settings.own_apps else { return Ok(()) };
    let since = inventory.now.minus(COUNTED_FOR);
    let count = tx.count_apps(account.id, since).await.map_err(cannot_read)?;
    match count < i64::from(own.most) {
        true => Ok(()),
        false => {
            let why = format!("`{}` has {count} apps, and may have {}", account.name, own.most);
            Err(Error::new(why)
                .kind(Kind::Conflict)
                .hint("one that ended counts for 31 days; whoever runs the API may allow more"))
        }
    }
}

/// Refuses a customer all but to stop its apps, and to let those work again that it stopped itself.
pub(super) async fn check_change(
    inventory: &Inventory,
    now: &AppView,
    app: AppId,
    change: &AppChange,
) -> Result<(), Error> {
    if !inventory.sight.is_customer() {
        return Ok(());
    }
    let AppChange { scopes, rate, quota, labels, .. } = change;
    if scopes.is_some() || rate.is_some() || quota.is_some() || labels.is_some() {
        inventory.sight.refuse_customer()?;
    }
    if change.is_suspended != Some(false) || now.suspended_at.is_none() {
        return Ok(());
    }
    let which = Which {
        target_id: Some(app.to_string()),
        verb: Some(SUSPEND.to_owned()),
        ..Which::default()
    };
    let stopped = inventory.store.list_acts(&which, 1, None).await.map_err(cannot_read)?;
    match stopped.first().is_some_and(|act| act.actor == inventory.actor.name) {
        true => Ok(()),
        false => Err(Error::new("whoever runs the API stopped this app: it stays so")
            .kind(Kind::Conflict)
            .hint("ask them")),
    }
}

/// What a customer sees of an app: what the API's own people say of it is theirs.
pub(super) fn shown(inventory: &Inventory, app: &App, account: &str) -> AppView {
    let view = AppView::of(app, account);
    match inventory.sight.is_customer() {
        true => AppView { labels: std::collections::BTreeMap::new(), ..view },
        false => view,
    }
}
