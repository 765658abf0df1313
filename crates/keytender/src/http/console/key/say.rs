//! What people say of a key: whose it is, where it is used, until when it stays as it is.
//!
//! A form carries the version of the key that it was made from. Who sends one of an older version is
//! told, and sees what they typed beside the key as it is now.

use axum::response::Response;
use keytender_core::time::{Span, Time};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Refused, is_by_link, may_write, render};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeyChange, KeyView};
use crate::error::{Error, Kind};
use crate::http::console::exposures;
use crate::http::console::key_words::{kept_until, text};
use crate::http::console::keys::{bulk, owners};
use crate::http::console::visit::{Form, Visit};
use crate::http::etag::{self, IfMatch};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::http::console) enum Part {
    /// Until when it stays as it is.
    Keep,
    /// Whose it is.
    Owner,
    /// Where it is used.
    Place,
    /// What it is called.
    Name,
    /// That it is not theirs who say so.
    Disown,
}

/// What was typed in one of the forms.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    version: Option<String>,
    until: Option<String>,
    because: Option<String>,
    owner: Option<String>,
    place: Option<String>,
    name: Option<String>,
    /// Whether what was said is taken back.
    back: Option<String>,
}

/// Writes what somebody says.
pub(in crate::http::console) async fn say(
    visit: Visit,
    inventory: Inventory,
    Path((word, part)): Path<(String, Part)>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    if part == Part::Disown {
        keys::disown(&inventory, &word, typed.because.as_deref()).await?;
        let word = "Thank you. It is not among your keys any more, and the log says so.";
        return Ok(visit.done("/keys", word));
    }
    let said = match change(part, &typed, inventory.now) {
        Ok(change) => {
            let version = IfMatch::one(Some(typed.version.as_deref().unwrap_or_default()));
            keys::set(&inventory, &word, &change, |now| version.check(now)).await
        }
        Err(error) => Err(error),
    };
    match said {
        Ok(view) => Ok(visit.done(&format!("/keys/{}", view.key), done(part, &typed))),
        Err(error)
            if matches!(error.of_kind(), Kind::Internal | Kind::NotFound)
                && part != Part::Owner =>
        {
            Err(error.into())
        }
        Err(error) if error.of_kind() == Kind::Internal => Err(error.into()),
        Err(error) => {
            let error = kindly(error);
            let refused = Refused { part, typed: &typed, error: &error };
            render(&visit, &inventory, &word, Some(refused), None).await
        }
    }
}

/// Somebody was faster: what they did stands on the page, and what was typed stands in the form.
fn kindly(error: Error) -> Error {
    match error.of_kind() {
        Kind::Stale => Error::new("the key has changed since you opened this page")
            .kind(Kind::Stale)
            .hint("look at it as it is now, and send the form again if it still holds"),
        _ => error,
    }
}

const fn done(part: Part, typed: &Typed) -> &'static str {
    match (part, typed.back.is_some()) {
        (Part::Keep, true) => "It is not kept any more.",
        (Part::Keep, false) => "It is kept as it is until then.",
        (Part::Owner, _) => "The owner is written.",
        _ => "It is written.",
    }
}

fn change(part: Part, typed: &Typed, now: Time) -> Result<KeyChange, Error> {
    let because = typed.because.clone();
    let mut change = KeyChange::default();
    match part {
        Part::Keep if typed.back.is_some() => change.keep = Some(None),
        Part::Keep => {
            let keep = bulk::keep(typed.until.as_deref(), because.as_deref(), now)?;
            change.keep = Some(Some(keep));
        }
        Part::Owner => {
            change.owner = Some(typed.owner.clone());
            change.because = because;
        }
        Part::Place => change.where_used = Some(typed.place.clone()),
        Part::Name => change.label = Some(typed.name.clone().unwrap_or_default()),
        Part::Disown => {}
    }
    Ok(change)
}

/// The forms of a key's page.
pub(super) struct Forms<'f> {
    visit: &'f Visit,
    view: &'f KeyView,
    refused: Option<&'f Refused<'f>>,
    owners: Vec<String>,
    version: String,
    now: Time,
    is_own: bool,
}

impl<'f> Forms<'f> {
    /// Reads what they need.
    pub(super) async fn read(
        visit: &'f Visit,
        inventory: &Inventory,
        view: &'f KeyView,
        refused: Option<&'f Refused<'f>>,
    ) -> Result<Self, Refusal> {
        let owners = owners(visit, inventory).await?;
        let version = etag::tag(view)?;
        let is_own = inventory.sight.owner.is_some();
        Ok(Self { visit, view, refused, owners, version, now: inventory.now, is_own })
    }

    /// The form that keeps it until a day.
    pub(super) fn keep(&self) -> Markup {
        let typed = self.typed(Part::Keep);
        let tomorrow = self.now.plus(Span::days(1)).date();
        html! {
            section.way #keep {
                h3 { "Keep until a day" }
                p { "It stays as it is: nothing is due, and nobody is told, before that day." }
                (self.wrong(Part::Keep))
                @if kept_until(self.view, self.now).is_some() {
                    form method="post" action=(self.action("keep")) {
                        (self.hidden())
                        button.quiet type="submit" name="back" value="yes" { "Do not keep it any more" }
                    }
                }
                details open[typed.is_some()] {
                    summary { "Keep it" }
                    form.stack method="post" action=(self.action("keep")) {
                        (self.hidden())
                        label for="until" { "Until" }
                        input #until type="date" name="until" required min=(tomorrow)
                            value=[typed.and_then(|typed| typed.until.as_deref())];
                        label for="keep-because" { "Because" }
                        input #keep-because name="because" required maxlength="500" aria-describedby="about-keep"
                            value=[typed.and_then(|typed| typed.because.as_deref())];
                        small #about-keep { "An auditor will ask. The day begins at midnight UTC." }
                        button type="submit" { "Keep it" }
                    }
                }
            }
        }
    }

    /// The form by which whoever answers for it says that it is not theirs.
    pub(super) fn disown(&self) -> Markup {
        html! {
            @if self.is_own {
                section.way #disown {
                    h3 { "Not mine" }
                    p { "You hear of it no more, and whoever tends the inventory sees that it needs an owner." }
                    details {
                        summary { "It is not mine" }
                        form.stack method="post" action=(self.action("disown")) {
                            (self.hidden())
                            label for="disown-because" { "Do you know whose it is?" }
                            input #disown-because name="because" maxlength="500";
                            button type="submit" { "It is not mine" }
                        }
                    }
                }
            }
        }
    }

    /// The forms for what is known: owner, place of use, name.
    pub(super) fn knowledge(&self) -> Markup {
        let is_told = self.view.principal.is_none();
        html! {
            @if may_write(self.visit) && !is_by_link(self.visit) {
                details.knowledge open[self.refused.is_some_and(|one| one.part != Part::Keep)] {
                    summary { "Say what you know of it" }
                    @if !self.owners.is_empty() { (self.owner()) }
                    (self.line(Part::Place, "place", "Where it is used", self.view.where_used.as_deref(),
                        "Such as the .env of shop: who rotates it must know."))
                    @if is_told {
                        (self.line(Part::Name, "name", "Name", self.view.label.as_deref(),
                            "Its provider is not asked, so you name it."))
                    }
                    @if self.view.exposed != Some(true) {
                        p { a href={ (exposures::PATH) "?key=" (self.view.key) } { "Say that it is exposed…" } }
                    }
                }
            }
        }
    }

    fn owner(&self) -> Markup {
        let typed = self.typed(Part::Owner);
        let now = match typed {
            Some(typed) => typed.owner.as_deref(),
            None => self.view.owner.as_deref(),
        };
        html! {
            form.stack method="post" action=(self.action("owner")) {
                (self.wrong(Part::Owner))
                (self.hidden())
                label for="owner" { "Owner" }
                select #owner name="owner" {
                    option value="" { "Whoever claims it" }
                    @for one in &self.owners { option value=(one) selected[now == Some(one)] { (one) } }
                }
                label for="owner-because" { "Because" }
                input #owner-because name="because" maxlength="500"
                    value=[typed.and_then(|typed| typed.because.as_deref())];
                button.quiet type="submit" { "Write the owner" }
            }
        }
    }

    fn line(&self, part: Part, name: &str, label: &str, now: Option<&str>, about: &str) -> Markup {
        let typed = self.typed(part).map(|typed| match part {
            Part::Name => typed.name.as_deref(),
            _ => typed.place.as_deref(),
        });
        let id = format!("key-{name}");
        let about_id = format!("about-{name}");
        html! {
            form.stack method="post" action=(self.action(name)) {
                (self.wrong(part))
                (self.hidden())
                label for=(id) { (label) }
                input id=(id) name=(name) maxlength="500" value=[typed.unwrap_or(now)]
                    required[part == Part::Name] aria-describedby=(about_id);
                small id=(about_id) { (about) }
                button.quiet type="submit" { "Write it" }
            }
        }
    }

    fn action(&self, part: &str) -> String {
        format!("/keys/{}/{part}", self.view.key)
    }

    /// What every form carries: that it is ours, and of which version.
    fn hidden(&self) -> Markup {
        html! { (self.visit.proof()) input type="hidden" name="version" value=(self.version); }
    }

    /// What was typed in a form and refused.
    fn typed(&self, part: Part) -> Option<&Typed> {
        self.refused.filter(|one| one.part == part).map(|one| one.typed)
    }

    fn wrong(&self, part: Part) -> Markup {
        let error = self.refused.filter(|one| one.part == part).map(|one| one.error);
        html! {
            @if let Some(error) = error {
                p.wrong role="alert" { (text(&error.explanation())) "."
                    @if let Some(hint) = error.advice() { " " (text(hint)) "." } }
            }
        }
    }
}
