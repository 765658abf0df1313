//! Keys you issue: your own APIs, and how much there is of each.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::thousands;
use keytender_core::time::Span;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Choice, Field, Wrong, folded};
use super::layout;
use super::listed::{Listed, with_query};
use super::visit::{Form, Visit};
use crate::app::apis::{self, ApiChange, Counts, EXPOSED, NewApi};
use crate::app::inventory::Inventory;
use crate::app::view::ApiView;
use crate::error::Error;
use crate::http::extract::Query;
use crate::http::problem::Refusal;
use crate::store::apis::{ApiSettings, OnLeak};

pub(super) mod notices;
pub(super) mod one;
mod overlaps;
pub(super) mod own;
pub(super) mod portal;

/// Where the list is.
pub(super) const PATH: &str = "/apis";

/// What is typed in of an API.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    brand: Option<String>,
    title: Option<String>,
    key_life: Option<String>,
    overlap: Option<String>,
    on_leak: Option<OnLeak>,
    scanning_type: Option<String>,
}

impl Typed {
    /// What stands in the forms of an API that is there.
    fn of(api: &ApiView) -> Self {
        Self {
            name: api.name.clone(),
            brand: None,
            title: api.title.clone(),
            key_life: api.key_life.map(|life| life.to_string()),
            overlap: Some(api.overlap.to_string()),
            on_leak: Some(api.on_leak),
            scanning_type: api.scanning_type.clone(),
        }
    }

    /// What is to change: all of it.
    fn change(&self) -> Result<ApiChange, Error> {
        Ok(ApiChange {
            title: Some(self.title.clone()),
            key_life: Some(span("how long a key works", self.key_life.as_deref())?),
            overlap: Some(span("the overlap", self.overlap.as_deref())?),
            on_leak: Some(self.on_leak),
            scanning_type: Some(self.scanning_type.clone()),
            ..ApiChange::default()
        })
    }
}

/// A length of time that was typed in, if one was.
///
/// # Errors
/// When it is none.
pub(super) fn span(what: &str, text: Option<&str>) -> Result<Option<Span>, Error> {
    let parse = |text: &str| {
        Span::parse(text.trim()).map_err(|_| {
            Error::new(format!("{what}, `{text}`, is no length of time"))
                .hint("such as 90d, 36h or 2w")
        })
    };
    text.map(parse).transpose()
}

/// Where an API's page is.
fn place(api: &ApiView) -> String {
    format!("{PATH}/{}", api.id)
}

/// Where keys of an API are listed, of those that `asked` lets through.
fn keys(api: &ApiView, asked: &[(&str, &str)]) -> String {
    with_query("/keys", &[&[("provider", api.name.as_str())], asked].concat(), None)
}

/// What people call an API.
fn title(api: &ApiView) -> &str {
    api.title.as_deref().unwrap_or(&api.name)
}

/// Shows every API.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &listed, None).await
}

/// Adds an API.
pub(super) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let added = match typed.change().and_then(|change| change.apply(ApiSettings::default())) {
        Ok(settings) => {
            let new = NewApi { name: typed.name.clone(), brand: typed.brand.clone(), settings };
            apis::add(&inventory, new).await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(api) => {
            let word = format!("{} was added. Its customers come next.", api.name);
            Ok(visit.done(&format!("{PATH}/{}", api.id), &word))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = show(&visit, &inventory, &Listed::default(), Some((&typed, &wrong))).await?;
            Ok(wrong.on(page))
        }
    }
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    listed: &Listed,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    let all = apis::list(inventory).await?;
    let (shown, next) = listed.page(all, |one| one.name.clone())?;
    let mut rows = Vec::with_capacity(shown.len());
    for api in &shown {
        rows.push(row(api, &apis::counts(inventory, &api.id).await?));
    }
    let content = html! {
        h1 { "Keys you issue" }
        p.dim { "Your own APIs. Each has customers, a customer has apps, and an app has keys." }
        @if shown.is_empty() {
            p.note { "There is no API of yours yet. Add one, and the keys of its customers are made, watched, \
                rotated and revoked here." }
        }
        @if visit.may(Scope::ApisWrite) { (add_form(visit, typed)) }
        @if !shown.is_empty() {
            table.cards {
                thead { tr {
                    th scope="col" { "API" } th.number scope="col" { "Customers" }
                    th.number scope="col" { "Apps" } th.number scope="col" { "Keys" }
                    th.number scope="col" { "Due" } th.number scope="col" { "Exposed" }
                    th.number scope="col" { "In overlap" }
                } }
                tbody { @for row in rows { (row) } }
            }
            p { a href="/keys?side=issued" { "All keys that you issue" } }
        }
        (listed.more(PATH, next.as_deref()))
    };
    Ok(layout::page(visit, PATH, "Keys you issue", &content))
}

fn row(api: &ApiView, counts: &Counts) -> Markup {
    let place = place(api);
    html! {
        tr {
            th scope="row" {
                a.key href=(place) { (title(api)) }
                small { code { (api.brand) "_…" } }
            }
            (number("Customers", counts.customers, &format!("{place}#customers")))
            td.number data-label="Apps" { (thousands(counts.apps)) }
            (number("Keys", counts.keys, &keys(api, &[])))
            (number("Due", counts.due, &keys(api, &[("due", "true")])))
            (number("Exposed", counts.exposed, &keys(api, &[("rule", EXPOSED)])))
            (number("In overlap", counts.overlaps, &format!("{place}#overlaps")))
        }
    }
}

/// A number, which leads to what was counted.
fn number(label: &str, count: u64, link: &str) -> Markup {
    html! {
        td.number data-label=(label) {
            @if count == 0 { "0" } @else { a href=(link) { (thousands(count)) } }
        }
    }
}

fn add_form(visit: &Visit, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let brand = typed.and_then(|typed| typed.brand.as_deref());
    let lines = html! {
        (Field::new("add", "name", "Name").value(typed.map(|typed| typed.name.as_str())).required()
            .about("Small letters, digits and -, such as acme."))
        (Field::new("add", "brand", "What its keys begin with").value(brand)
            .about("2 to 10 small letters and digits; those of the name if nothing is said. It stays so."))
        (lines("add", typed))
    };
    folded(visit, "Add an API", "Add", PATH, wrong, &lines)
}

/// What is done about a key that was found in public, for people.
const fn on_leak(word: OnLeak) -> &'static str {
    match word {
        OnLeak::Suspend => "is suspended at once",
        OnLeak::Revoke => "is revoked at once",
        OnLeak::Mark => "works on",
    }
}

/// What a form asks of an API beside its name and brand.
fn lines(form: &str, typed: Option<&Typed>) -> Markup {
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    html! {
        (Field::new(form, "title", "What people call it").value(text(|typed| &typed.title)))
        (Field::new(form, "key_life", "How long a key works").value(text(|typed| &typed.key_life))
            .about("Such as 365d. Empty: a key of which nobody says otherwise has no end."))
        (Field::new(form, "overlap", "How long both keys of a rotation work").value(text(|typed| &typed.overlap))
            .about("Such as 2w. Empty: 8 days, so that a weekly job is seen within it."))
        (Choice::new(form, "on_leak", "A key that was found in public", OnLeak::ALL.map(|one| (one.as_str(), on_leak(one))))
            .chosen(typed.and_then(|typed| typed.on_leak).map(OnLeak::as_str))
            .about("Of all its keys. It is marked as exposed in any case."))
        (Field::new(form, "scanning_type", "How scanners call its keys").value(text(|typed| &typed.scanning_type))
            .about("Such as acme_api_key: the type under which GitHub's secret scanning knows them. Empty: none does."))
    }
}
