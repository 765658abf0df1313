//! Which apps the customers of an API may add themselves.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::one::{Vain, Which, show};
use super::place;
use crate::app::apis::{self, ApiChange};
use crate::app::inventory::Inventory;
use crate::app::view::ApiView;
use crate::error::Error;
use crate::http::console::apps::{self, limit_lines, limits, number, scopes, words};
use crate::http::console::form::{Field, Wrong, folded};
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::Path;
use crate::http::problem::Refusal;
use crate::store::apis::OwnApps;

/// What is typed in of such apps.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    most: Option<String>,
    #[serde(flatten)]
    rights: apps::Typed,
}

impl Typed {
    fn of(api: &ApiView) -> Self {
        api.own_apps.as_ref().map_or_else(Self::default, |own| Self {
            most: Some(own.most.to_string()),
            rights: apps::Typed::of_rights(&own.scopes, own.rate, own.quota),
        })
    }

    /// What is said; nothing: customers add no apps.
    fn own(&self) -> Result<Option<OwnApps>, Error> {
        let most = number("apps", self.most.as_deref())?;
        let limits = self.rights.limits()?;
        let scopes = words(self.rights.scopes.as_deref());
        Ok(most.map(|most| OwnApps { most, scopes, rate: limits.rate, quota: limits.quota }))
    }
}

/// The part of an API's page about apps that customers add.
pub(super) fn part(visit: &Visit, api: &ApiView, vain: Option<(&Typed, &Wrong)>) -> Markup {
    html! {
        h2 #own-apps { "Apps that customers add" }
        @match &api.own_apps {
            None => p { "Apps are added here alone. You may let customers add some themselves, on their key page and by calls." }
            Some(own) => dl.facts {
                dt { "A customer has at most" } dd { (count(own.most, "app")) }
                dt { "Their keys may at most" } dd { (scopes(&own.scopes)) }
                dt { "Limits of each" } dd { (limits(own.rate, own.quota)) }
            }
        }
        @if visit.may(Scope::ApisWrite) { (form(visit, api, vain)) }
    }
}

fn form(visit: &Visit, api: &ApiView, vain: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = vain.unzip();
    let now = Typed::of(api);
    let typed = typed.unwrap_or(&now);
    let lines = html! {
        (Field::new("own", "most", "How many apps a customer may have").value(typed.most.as_deref()).kind("number")
            .about("With those that ended in the last 31 days. Empty: customers add none."))
        (Field::new("own", "scopes", "What their keys may do at most").value(typed.rights.scopes.as_deref())
            .about("Words of your API, such as orders:read: a customer chooses among them."))
        (limit_lines("own", "Limits of each such app", Some(&typed.rights)))
    };
    let action = format!("{}/own-apps", place(api));
    folded(visit, "Change what they may add", "Change", &action, wrong, &lines)
}

/// Changes which apps customers may add.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let set = match typed.own() {
        Ok(own) => {
            let change = ApiChange { own_apps: Some(own), ..ApiChange::default() };
            apis::set(&inventory, &word, |_, now| change.apply(now)).await
        }
        Err(error) => Err(error),
    };
    match set {
        Ok(api) => {
            let said = match &api.own_apps {
                Some(_) => "Customers add apps so from now on.",
                None => "Customers add no apps from now on. Those that they have stay.",
            };
            Ok(visit.done(&format!("{}#own-apps", place(&api)), said))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { own: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}
