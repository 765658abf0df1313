//! The APIs that are used: who runs them, where their keys are, and which keys are held there.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use keytender_core::access::Scope;
use keytender_core::apis_json::Lead;
use keytender_core::text::count;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::form::{Field, Question, Wrong, ask, folded};
use super::key_words::{link, text};
use super::layout;
use super::listed::Listed;
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::catalog::{self, Export};
use crate::app::inventory::Inventory;
use crate::app::view::{
    CatalogApiView, CatalogDetailView, CatalogDiscoveryRequest, CatalogEntryView,
    CatalogImportRequest, CatalogIndexView, CatalogLookView,
};
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;

pub(super) const PATH: &str = "/catalog";
/// How many oddities of an index are shown on its page.
const ODDITIES: usize = 20;

/// An index to import.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    url: Option<String>,
    document: Option<String>,
    name: Option<String>,
}

impl Typed {
    fn request(&self) -> CatalogImportRequest {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        CatalogImportRequest {
            url: some(&self.url),
            document: some(&self.document),
            source: some(&self.name),
            ..CatalogImportRequest::default()
        }
    }
}

/// Where the page is of somebody who runs APIs.
fn place(id: &str) -> String {
    format!("{PATH}/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// Shows all.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &listed, None).await
}

/// Imports an index.
pub(super) async fn import(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match catalog::import(&inventory, &typed.request()).await {
        Ok(done) => {
            let odd = match done.index.warnings.len() {
                0 => String::new(),
                number => format!(", {} in it are odd", count(number, "thing")),
            };
            let word = format!("{} was imported{odd}. {}", done.index.name, done.summary.sentence);
            Ok(visit.done(&format!("{PATH}#indexes"), &word))
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
    vain: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    let (mut all, summary) = catalog::list(inventory).await?;
    let indexes = catalog::indexes(inventory).await?;
    let is_empty = all.is_empty();
    all.retain(|entry| listed.finds(&[&entry.name, &entry.id]));
    let (shown, next) = listed.page(all, |entry| entry.name.to_lowercase() + &entry.id)?;
    let content = html! {
        h1 { "APIs you use" }
        p.dim { "As indexes in APIs.json tell of them, beside the keys that you hold there." }
        @if is_empty {
            p.note { "No API is known to be used yet. Import the index of one: many providers have it at /apis.json." }
        } @else {
            p { (text(&summary.sentence)) }
        }
        @if visit.may(Scope::AccountsWrite) { (import_form(visit, vain)) }
        @if !is_empty {
            (listed.search(PATH, "Name or domain"))
            @if shown.is_empty() { p { "None like this." } } @else { (table(&shown)) }
            (listed.more(PATH, next.as_deref()))
            p { a.button.quiet href={ (PATH) "/apis.json" } download="apis.json" { "Your own index, as a file" } }
            h2 #indexes { "Indexes" }
            @for index in &indexes { (one_index(visit, index, inventory)) }
        }
    };
    Ok(layout::page(visit, PATH, "APIs you use", &content))
}

fn import_form(visit: &Visit, vain: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = vain.unzip();
    let was =
        |member: fn(&Typed) -> &Option<String>| typed.and_then(|typed| member(typed).as_deref());
    let lines = html! {
        (Field::new("import", "url", "Where it is").kind("url").value(was(|typed| &typed.url))
            .about("Such as https://example.com/apis.json. The server asks for it, and for the indexes that it includes."))
        fieldset {
            legend { "Or its text" }
            div.stack {
                (Field::new("import", "name", "What it is called").value(was(|typed| &typed.name))
                    .about("Such as apis.yml; the same again takes its place."))
                label for="import-document" { "The text, in JSON or YAML" }
                textarea.small #import-document name="document" rows="4" spellcheck="false" {
                    (was(|typed| &typed.document).unwrap_or_default())
                }
            }
        }
    };
    folded(visit, "Import an index", "Import", PATH, wrong, &lines)
}

fn table(shown: &[CatalogEntryView]) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Run by" } th.number scope="col" { "APIs" } th.number scope="col" { "Keys" }
                th.number scope="col" { "Due" } th scope="col" { "Keys are managed" } th scope="col" { "Where" }
            } }
            tbody { @for entry in shown { tr {
                th scope="row" {
                    a.key href=(place(&entry.id)) { (text(&entry.name)) }
                    @if let Some(domain) = entry.domain.as_ref().filter(|domain| **domain != entry.name) {
                        small { (text(domain)) }
                    }
                }
                td.number data-label="APIs" { (entry.apis) }
                td.number data-label="Keys" { (keys(entry)) }
                td.number data-label="Due" { (entry.due) }
                td data-label="Keys are managed" { (entry.how.words()) }
                td data-label="Where" {
                    @match &entry.keys_at { Some(page) => (link(page)), None => span.dim { "not known" } }
                }
            } } }
        }
    }
}

/// How many keys are held, and the way to them.
fn keys(entry: &CatalogEntryView) -> Markup {
    html! {
        @match (&entry.provider, entry.keys) {
            (_, 0) => b { "none recorded" },
            (Some(provider), keys) => a href={ "/keys?provider=" (utf8_percent_encode(provider, NON_ALPHANUMERIC)) } { (keys) },
            (None, keys) => (keys),
        }
    }
}

fn one_index(visit: &Visit, index: &CatalogIndexView, inventory: &Inventory) -> Markup {
    html! {
        section {
            h3 { (text(&index.name)) }
            p {
                (count(index.apis, "API")) ", imported " (moment(index.imported_at, inventory.now)) ", "
                @match &index.version { Some(version) => { "version " (text(version)) }, None => "of no version" }
                br; small { "from " code.url { (text(&index.source)) } }
                @for included in &index.included { br; small { "with " code.url { (text(included)) } } }
            }
            @if !index.warnings.is_empty() {
                details {
                    summary { "What was odd in it (" (index.warnings.len()) ")" }
                    ul {
                        @for warning in index.warnings.iter().take(ODDITIES) {
                            li { (text(&warning.line())) br; small { (text(&super::form::capital(&warning.hint))) "." } }
                        }
                    }
                    @if index.warnings.len() > ODDITIES { p { "And " (index.warnings.len() - ODDITIES) " more." } }
                }
            }
            @if visit.may(Scope::AccountsWrite) {
                p { a.button.quiet href={ (PATH) "/indexes/" (index.id) "/remove" } { "Forget…" } }
            }
        }
    }
}

/// Shows one who runs APIs.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let detail = catalog::get(&inventory, &word).await?;
    let CatalogDetailView { entry, apis, accounts, looks } = &detail;
    let content = html! {
        p { a href=(PATH) { "APIs you use" } }
        h1 { (text(&entry.name)) }
        p { (text(&entry.sentence)) }
        dl.facts {
            @if let Some(domain) = &entry.domain { dt { "Domain" } dd { (text(domain)) } }
            dt { "Keys" } dd { (keys(entry)) @if entry.due > 0 { ", " (entry.due) " of them due" } }
            dt { "Keys are managed" } dd { (entry.how.words()) }
            @if let Some(page) = &entry.keys_at { dt { "Where" } dd { (link(page)) } }
            dt { "Accounts" } dd {
                @if accounts.is_empty() { "none" }
                @for (number, account) in accounts.iter().enumerate() {
                    @if number > 0 { ", " }
                    a href={ "/accounts/" (account.id) } { (text(&account.name)) } " (" (account.keys) ")"
                }
            }
        }
        @if entry.keys == 0 {
            p.note {
                "You use it and no key of it is recorded here. "
                @if visit.may(Scope::AccountsWrite) { a href="/accounts" { "Add its account" } ", or find out whose keys its calls carry." }
            }
        }
        h2 #published { "What it publishes of its keys" }
        @if looks.is_empty() { p.dim { "Nobody has looked yet." } }
        @for look in looks { (one_look(look, &inventory)) }
        @if visit.may(Scope::AccountsWrite) {
            form method="post" action={ (place(&entry.id)) "/discoveries" } {
                (visit.proof())
                button.quiet type="submit" { @if looks.is_empty() { "Look" } @else { "Look again" } }
                " " small { "Asks where its calls go and its pages are, by https and without a credential." }
            }
        }
        h2 { (count(entry.apis, "API")) }
        @for api in apis { (one_api(api)) }
    };
    Ok(layout::page(&visit, PATH, &entry.name, &content))
}

fn one_look(look: &CatalogLookView, inventory: &Inventory) -> Markup {
    html! {
        section {
            h3 { code.url { (text(&look.origin)) } }
            dl.facts {
                dt { "Looked at" } dd { (moment(look.looked_at, inventory.now)) }
                @for seen in look.found() {
                    dt { (seen.lead.map_or("Index (APIs.json)", Lead::words)) }
                    dd { (link(&seen.url)) br; small { (text(&seen.what)) } }
                }
            }
            @if let Some(sentence) = look.missing() { p.dim { (text(&sentence)) } }
            @if let Some(command) = look.command() { p { "Add an account there: " code { (text(&command)) } } }
        }
    }
}

/// Looks at the addresses of one who runs APIs.
pub(super) async fn discover(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let asked = CatalogDiscoveryRequest::default();
    let detail = Box::pin(catalog::discover(&inventory, &word, &asked)).await?;
    let found = detail.looks.iter().flat_map(CatalogLookView::found).count();
    let word = match found {
        0 => "It publishes nothing of its keys there.".to_owned(),
        found => format!("It publishes {} about its keys.", count(found, "thing")),
    };
    Ok(visit.done(&format!("{}#published", place(&detail.entry.id)), &word))
}

fn one_api(api: &CatalogApiView) -> Markup {
    html! {
        section {
            h3 { (text(&api.name)) }
            @if !api.description.is_empty() { p { (text(&api.description)) } }
            dl.facts {
                @if let Some(url) = &api.base_url { dt { "Calls begin with" } dd { code.url { (text(url)) } } }
                @if let Some(url) = &api.human_url { dt { "Page" } dd { code.url { (text(url)) } } }
                @for lead in &api.leads { dt { (lead.lead.words()) } dd { (link(&lead.url)) } }
                @if !api.tags.is_empty() { dt { "About" } dd { (text(&api.tags.join(", "))) } }
                dt { "Told by" } dd { (text(&api.index)) }
            }
        }
    }
}

/// Gives our own index as a file.
pub(super) async fn export(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let url = format!("{}/apis.json", visit.state.base.url().trim_end_matches('/'));
    let given = Export { url: Some(&url), ..Export::default() };
    let index = catalog::export(&inventory, given).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"apis.json\""),
        ),
    ];
    Ok((headers, index).into_response())
}

/// Asks before an index is forgotten.
pub(super) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let index = catalog::index(&inventory, &word).await?;
    let what = html! {
        p { (count(index.apis, "API")) " of it are not known to be used any more. Keys and accounts stay." }
    };
    let question = Question {
        section: PATH,
        title: &format!("Forget {}?", index.name),
        action: &format!("{PATH}/indexes/{}/remove", index.id),
        button: "Forget it",
        back: &format!("{PATH}#indexes"),
    };
    Ok(ask(&visit, &question, &what, &html! {}))
}

/// Forgets an index.
pub(super) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    catalog::remove(&inventory, &word).await?;
    Ok(visit.done(PATH, "The index is forgotten."))
}
