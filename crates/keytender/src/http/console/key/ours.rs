//! What a key's page shows of a key that we issued: its app, its rights, its rotation and its use.

use keytender_core::key::State;
use keytender_core::time::{Span, Time};
use maud::{Markup, html};

use super::rotation::{self, Typed};
use crate::app::inventory::Inventory;
use crate::app::view::{ApiView, AppView, IssuedView, KeyView, RotationView, UsageView};
use crate::app::{apis, apps, issued};
use crate::error::Kind;
use crate::http::console::key_words::text;
use crate::http::console::visit::Visit;
use crate::http::console::words::moment;
use crate::http::console::{apps as pages, chart, places};
use crate::http::problem::Refusal;

/// How many days are drawn.
const DAYS: u32 = 90;

/// A key that we issued, with what stands beside it.
pub(super) struct Ours<'t> {
    /// Its API.
    pub(super) api: ApiView,
    app: AppView,
    /// The rotation that it is in or was in.
    pub(super) rotation: Option<RotationView>,
    /// The rotation that was asked for in vain.
    pub(super) asked: Option<&'t Typed>,
    usage: UsageView,
}

impl<'t> Ours<'t> {
    /// Reads it; `None` of a key that is held, and for whoever sees only an owner's keys.
    pub(super) async fn read(
        inventory: &Inventory,
        view: &KeyView,
        asked: Option<&'t Typed>,
    ) -> Result<Option<Self>, Refusal> {
        let seen = view.issued.as_ref().filter(|_| inventory.sight.owner.is_none());
        let Some(issued) = seen else {
            return Ok(None);
        };
        let rotation = match issued::rotation_view(inventory, &view.key).await {
            Ok(rotation) => Some(rotation),
            Err(error) if error.of_kind() == Kind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let api = ApiView::of(&apis::get(inventory, &issued.api).await?);
        let app = apps::view(inventory, &issued.app).await?;
        let usage = issued::usage(inventory, &view.key).await?;
        Ok(Some(Self { api, app, rotation, asked, usage }))
    }

    /// Where it stands among the keys that are issued.
    pub(super) fn way(&self) -> Markup {
        let section = crate::http::console::apis::PATH;
        html! {
            p { a href=(section) { "Keys you issue" } " › "
                a href={ (section) "/" (self.api.id) } { (self.api.name) } " › "
                a href={ "/accounts/" (self.app.account) } { (self.app.account_name) } " › "
                a href=(pages::place(&self.app)) { (text(&self.app.name)) } }
        }
    }

    /// What may stop it beside itself: its customer, its app.
    pub(super) fn stopped(&self, now: Time) -> Markup {
        html! {
            @if let Some(at) = self.app.suspended_at {
                p.note { "Its app " a href=(pages::place(&self.app)) { (text(&self.app.name)) }
                    " is suspended since " (moment(at, now)) ": it does not work until the app is resumed." }
            }
        }
    }

    /// What can be done: the rotation, the end.
    pub(super) fn ways(&self, visit: &Visit, view: &KeyView, now: Time) -> Result<Markup, Refusal> {
        Ok(html! {
            (rotation::section(visit, view, self, now)?)
            @if visit.may(keytender_core::access::Scope::KeysIssue) && can_end(view.state) {
                section.way {
                    h3 { "Revoke" }
                    p { "Every verifier refuses it, at once and for good." }
                    p { a.button.quiet href={ "/keys/" (view.key) "/revocation" } { "Revoke…" } }
                }
            }
        })
    }

    /// How it was used: a picture of days, and the places.
    pub(super) fn used(&self, now: Time) -> Markup {
        let usage = &self.usage;
        html! {
            @match usage.last_used_at {
                None => p { "It was never used." },
                Some(at) => {
                    p { "Used " b { (keytender_core::text::count(usage.uses, "time")) } " in all, last "
                        (moment(at, now))
                        @if let Some(address) = &usage.address { " from " code { (text(address)) } }
                        @if let Some(agent) = &usage.agent { " by " (text(agent)) }
                        "." }
                    (drawn(usage, now))
                    @if !usage.places.is_empty() { (places::table(usage, now)) }
                }
            }
        }
    }
}

/// How often a key was used on each day, as a picture.
pub(in crate::http::console) fn drawn(usage: &UsageView, now: Time) -> Markup {
    let first = now.minus(Span::days(DAYS - 1));
    let uses = |place| {
        let date = first.plus(Span::days(place)).date();
        usage.days.iter().find(|day| day.day == date).map_or(0, |day| day.uses)
    };
    let days: Vec<u64> = (0..DAYS).map(uses).collect();
    chart::columns("Uses a day, the last 90 days", "use", &days, first)
}

/// Whether a key has not ended yet.
pub(in crate::http::console) const fn can_end(state: State) -> bool {
    matches!(state, State::PreActivation | State::Active | State::Suspended)
}

/// What is known of a key because we issued it, as lines of its facts.
pub(super) fn facts(issued: &IssuedView, now: Time) -> Markup {
    let key = |id: &String| html! { a.code href={ "/keys/" (id) } { (id) } };
    html! {
        dt { "Environment" } dd { (issued.environment) }
        @if let Some(imported) = &issued.imported { dt { "Issued elsewhere" } dd { (text(&imported.words())) } }
        dt { "It may" } dd {
            @if issued.scopes.is_empty() { span.dim { "nothing is said" } } @else { code { (issued.scopes.join(" ")) } }
        }
        dt { "Used from" } dd {
            @if issued.networks.is_empty() { "everywhere" } @else { code { (issued.networks.join(" ")) } }
        }
        @if let Some(at) = issued.activated_at { dt { "Works since" } dd { (moment(at, now)) } }
        @if let Some(id) = &issued.replaces { dt { "Takes the place of" } dd { (key(id)) } }
        @if let Some(id) = &issued.replaced_by { dt { "Replaced by" } dd { (key(id)) } }
        @if let Some(at) = issued.retires_at { dt { "Its overlap ends" } dd { (at.date()) ", " (moment(at, now)) } }
        @if let Some(at) = issued.revoked_at {
            dt { "Ended" } dd { (at.date()) ", " (moment(at, now))
                @if let Some(why) = &issued.revoked_why { ": " (text(why)) } }
        }
    }
}
