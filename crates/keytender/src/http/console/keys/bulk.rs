//! Several keys at once: what will happen to which, and what came of it.
//!
//! Nothing happens before somebody saw the keys with their last uses and said yes. Where keys are to be
//! disabled, their providers are asked how they stand now, as far as they answer while somebody waits.

use axum::http::StatusCode;
use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PAGE, PATH, choices};
use crate::app::acts::{self, Act, Asked};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeepRequest, KeyChange, KeyView, LastUseView};
use crate::error::Error;
use crate::http::auth;
use crate::http::console::key_words::{age, last_use, name, state, text};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::problem::{Problem, Refusal};

mod done;

/// What is done to several keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::http::console) enum What {
    /// They get an owner.
    Owner,
    /// They stay as they are until a day.
    Keep,
    /// They stop working.
    Disable,
}

impl What {
    const fn scope(self) -> Scope {
        match self {
            Self::Owner | Self::Keep => Scope::KeysWrite,
            Self::Disable => Scope::KeysAct,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Give keys an owner",
            Self::Keep => "Keep keys until a day",
            Self::Disable => "Disable keys",
        }
    }
}

/// Which keys were chosen, and for what.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Chosen {
    #[serde(default)]
    key: Vec<String>,
    what: What,
    owner: Option<String>,
    until: Option<String>,
    because: Option<String>,
    /// Whether it is to be done: without it, it is shown.
    agreed: Option<String>,
}

/// Shows what will happen to the keys that were chosen; or, once somebody agreed, does it and says for
/// each key what came of it.
pub(in crate::http::console) async fn chosen(
    visit: Visit,
    inventory: Inventory,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Refusal> {
    auth::has(&visit.session()?.who, chosen.what.scope())?;
    check(&chosen)?;
    let mut views = Vec::with_capacity(chosen.key.len());
    for word in &chosen.key {
        views.push(keys::view(&inventory, word).await?);
    }
    if chosen.agreed.is_none() {
        return ask(&visit, &inventory, &chosen, views, None).await;
    }
    match change(&chosen, inventory.now) {
        Err(error) => ask(&visit, &inventory, &chosen, views, Some(&error)).await,
        Ok(change) => {
            let came = done::apply(&visit, inventory, &chosen, change, views).await?;
            Ok(done::told(&visit, chosen.what, &came))
        }
    }
}

fn check(chosen: &Chosen) -> Result<(), Refusal> {
    let most = PAGE as usize;
    let problem = match chosen.key.len() {
        0 => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no key was chosen")
            .hint("go back and tick the keys that you mean"),
        some if some > most => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{some} keys were chosen: at most {most} are changed at once"),
        ),
        _ => return Ok(()),
    };
    Err(problem.into())
}

/// What is to be written of each key; nothing where it is disabled.
fn change(chosen: &Chosen, now: Time) -> Result<Option<KeyChange>, Error> {
    let because = chosen.because.clone();
    match chosen.what {
        What::Disable => Ok(None),
        What::Owner => {
            let owner = Some(chosen.owner.clone());
            Ok(Some(KeyChange { owner, because, ..KeyChange::default() }))
        }
        What::Keep => {
            let keep = keep(chosen.until.as_deref(), because.as_deref(), now)?;
            Ok(Some(KeyChange { keep: Some(Some(keep)), ..KeyChange::default() }))
        }
    }
}

/// Until when a key is to be kept, and why, as it was typed.
pub(in crate::http::console) fn keep(
    until: Option<&str>,
    reason: Option<&str>,
    now: Time,
) -> Result<KeepRequest, Error> {
    let text = until.ok_or_else(|| Error::new("say until which day"))?;
    let until = Time::parse(text)
        .map_err(|_| Error::new(format!("`{text}` is no day")).hint("such as 2027-01-31"))?;
    if until <= now {
        return Err(Error::new(format!("{} is past", until.date())).hint("choose a later day"));
    }
    let reason = reason.ok_or_else(|| Error::new("say why: an auditor will ask"))?;
    Ok(KeepRequest { until, reason: reason.to_owned() })
}

/// A key that is meant, and how far its provider was asked how it stands now.
struct Meant {
    view: KeyView,
    /// What the view does not say of it.
    word: Option<String>,
}

/// The keys as their providers show them now, where they are to be disabled.
async fn looked_at(inventory: &Inventory, what: What, views: Vec<KeyView>) -> Vec<Meant> {
    let plain = |view: KeyView| Meant { view, word: None };
    if what != What::Disable {
        return views.into_iter().map(plain).collect();
    }
    let keys: Vec<String> = views.iter().map(|view| view.key.clone()).collect();
    let asked = Asked { act: Act::Disable, why: None, really: false };
    let plans = acts::preview_each(inventory, &keys, &asked).await;
    let meant = views.into_iter().zip(plans).map(|(view, plan)| match plan {
        Some(Ok(plan)) if plan.provider_asked => {
            Meant { view: plan.key, word: Some("as its provider shows it now".to_owned()) }
        }
        Some(Ok(plan)) => {
            let word = "here it is only recorded: do it on its key page at the provider first";
            Meant { view: plan.key, word: Some(word.to_owned()) }
        }
        Some(Err(error)) => {
            let word = format!("its provider did not say how it stands: {}", error.explanation());
            Meant { view, word: Some(word) }
        }
        None => {
            let word = "its provider was not asked, for want of time: this is of the last sync";
            Meant { view, word: Some(word.to_owned()) }
        }
    });
    meant.collect()
}

/// The page that shows what will happen, and asks.
async fn ask(
    visit: &Visit,
    inventory: &Inventory,
    chosen: &Chosen,
    views: Vec<KeyView>,
    wrong: Option<&Error>,
) -> Result<Response, Refusal> {
    let owners = choices::owners(visit, inventory).await?;
    let what = chosen.what;
    let meant = looked_at(inventory, what, views).await;
    let content = html! {
        p { a href=(PATH) { "Keys" } }
        h1 { (what.title()) }
        @if let Some(wrong) = wrong {
            p.wrong role="alert" { (wrong.explanation()) "." @if let Some(hint) = wrong.advice() { " " (hint) "." } }
        }
        p { (about(what)) }
        form.stack.wide method="post" action="/keys/chosen" {
            (visit.proof())
            input type="hidden" name="agreed" value="yes";
            @for one in &meant { input type="hidden" name="key" value=(one.view.key); }
            (fields(chosen, &owners, inventory.now))
            button type="submit" name="what" value=(word(what)) class=[(what == What::Disable).then_some("danger")] {
                (yes(what)) " " (count(meant.len(), "key"))
            }
            a href=(PATH) { "Change nothing" }
        }
        h2 { (count(meant.len(), "key")) }
        (listed(what, &meant, inventory.now))
    };
    let mut response = layout::page(visit, PATH, what.title(), &content);
    if wrong.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

const fn word(what: What) -> &'static str {
    match what {
        What::Owner => "owner",
        What::Keep => "keep",
        What::Disable => "disable",
    }
}

const fn yes(what: What) -> &'static str {
    match what {
        What::Owner => "Give the owner to",
        What::Keep => "Keep",
        What::Disable => "Disable",
    }
}

const fn about(what: What) -> &'static str {
    match what {
        What::Owner => {
            "The owner hears of these keys from now on, instead of whoever claims or owned them."
        }
        What::Keep => "They stay as they are: nothing is due, and nobody is told, before that day.",
        What::Disable => {
            "Whatever uses these keys will fail. It can be undone: a disabled key can be enabled again. \
             Each is asked for at its provider once more before."
        }
    }
}

fn fields(chosen: &Chosen, owners: &[String], now: Time) -> Markup {
    let why = chosen.because.as_deref();
    html! {
        @match chosen.what {
            What::Owner => {
                label for="owner" { "Owner" }
                select #owner name="owner" {
                    option value="" { "What claims say" }
                    @for one in owners {
                        option value=(one) selected[chosen.owner.as_deref() == Some(one)] { (one) }
                    }
                }
            }
            What::Keep => {
                label for="until" { "Until" }
                input #until type="date" name="until" required value=[chosen.until.as_deref()]
                    min=(now.plus(keytender_core::time::Span::days(1)).date());
            }
            What::Disable => {}
        }
        label for="because" { "Because" }
        input #because name="because" value=[why] maxlength="500" required[chosen.what == What::Keep]
            aria-describedby="about-because";
        small #about-because { "It stands in the log." }
    }
}

/// The keys, and what doing it may break.
fn listed(what: What, meant: &[Meant], now: Time) -> Markup {
    html! {
        table.cards.keys {
            caption.unseen { "The keys that are meant" }
            thead { tr {
                th scope="col" { "Key" } th scope="col" { "Account" } th scope="col" { "Owner" }
                th scope="col" { "Age" } th scope="col" { "State" } th scope="col" { "Last use" }
                th scope="col" { "What to know" }
            } }
            tbody { @for Meant { view, word } in meant { tr {
                th scope="row" {
                    a.key.clamp href=(format!("/keys/{}", view.key)) { (name(view)) }
                    @if let Some(id) = &view.id { small.code.clamp { (text(id)) } }
                }
                td data-label="Account" { span.clamp { (text(&view.account_name)) } }
                td data-label="Owner" { span.clamp { (text(view.owner.as_deref().unwrap_or("nobody"))) } }
                td data-label="Age" { (age(view, now)) }
                td data-label="State" { (text(state(view))) }
                td data-label="Last use" { (last_use(view, now)) }
                td data-label="What to know" {
                    (warning(what, view, now))
                    @if let Some(word) = word { small { (text(word)) } }
                }
            } } }
        }
    }
}

/// What there is to know of a key before.
fn warning(what: What, view: &KeyView, now: Time) -> Markup {
    let recent = now.minus(acts::RECENT);
    let is_in_use = matches!(&view.last_used, LastUseView::Used { at, .. } if *at > recent);
    let is_unknown = matches!(&view.last_used, LastUseView::Unknown { .. });
    html! {
        @if what == What::Disable && view.state.as_str() != "active" {
            "It is " (state(view)) " already."
        } @else if what == What::Disable && is_in_use {
            b.high { "It is in use: " } "what uses it will fail."
            @if let Some(place) = &view.where_used { " It is used in " (text(place)) "." }
        } @else if what == What::Disable && is_unknown {
            "Nobody knows whether it is used."
        } @else if let Some(until) = view.keep_until.filter(|until| *until > now) {
            "Kept until " (until.date()) ": " (text(view.keep_reason.as_deref().unwrap_or_default()))
        } @else { span.dim { "nothing" } }
    }
}
