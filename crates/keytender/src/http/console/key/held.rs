//! What a held key's page shows beside the key: the rotation that it is in, and where its secret is used.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{Failed, may_act, render_wrong};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::rotate::{self, places};
use crate::app::view::{DestinationView, HeldRotationView, KeyView, NewDestinationRequest};
use crate::error::Error;
use crate::http::console::form::{Choice, Field};
use crate::http::console::key_words::text;
use crate::http::console::rotations;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// The kinds that can be added here, each with its fields as an example. What runs programs of the server is added
/// at the server alone.
const KINDS: [(&str, &str, &str); 7] = [
    (
        "env",
        "variables of a file, such as .env",
        "path=/srv/shop/.env\nid=AWS_ACCESS_KEY_ID\nsecret=AWS_SECRET_ACCESS_KEY",
    ),
    ("aws-credentials", "a profile of AWS", "path=/home/ann/.aws/credentials\nprofile=prod"),
    ("file", "the whole of a file", "path=/run/secrets/stripe"),
    ("json", "a text in JSON", "path=/etc/shop.json\nsecret=/stripe/key"),
    ("yaml", "a text in YAML", "path=/etc/billing.yaml\nsecret=/stripe/key"),
    ("toml", "a text in TOML", "path=/etc/billing.toml\nsecret=/stripe/key"),
    ("by-hand", "a person puts it there", "note=the form of our partner"),
];

/// A destination to add.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    name: Option<String>,
    kind: Option<String>,
    fields: Option<String>,
    reload: Option<String>,
}

/// The destination that is meant.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Named {
    name: String,
}

impl Typed {
    fn request(&self) -> Result<NewDestinationRequest, Error> {
        let lines = self.fields.as_deref().unwrap_or_default().lines().map(str::trim);
        let fields: Vec<String> =
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let kind = self.kind.as_deref().unwrap_or_default();
        Ok(NewDestinationRequest {
            name: self.name.clone().unwrap_or_default(),
            spec: places::of_words(kind, &fields)?,
            reload: self.reload.as_deref().map(places::reload_of_words).transpose()?,
        })
    }
}

/// What stands beside a held key.
pub(super) struct Held {
    rotation: Option<HeldRotationView>,
    places: Vec<DestinationView>,
}

impl Held {
    /// Reads it; `None` of a key that is a customer's.
    pub(super) async fn read(
        inventory: &Inventory,
        view: &KeyView,
    ) -> Result<Option<Self>, Refusal> {
        if view.issued.is_some() {
            return Ok(None);
        }
        let rotations = rotate::list(inventory, Some(&view.key), None, false, 1).await?;
        let places = places::list(inventory, Some(&view.key)).await?;
        Ok(Some(Self { rotation: rotations.into_iter().next(), places }))
    }

    /// The rotation that goes on.
    pub(super) fn running(&self) -> Option<&HeldRotationView> {
        self.rotation.as_ref().filter(|one| !one.stage.is_ended())
    }

    /// The rotation that it is in, or was in last.
    pub(super) fn stands(&self, view: &KeyView) -> Markup {
        let Some(one) = &self.rotation else { return html! {} };
        let which = if one.key == view.key { "leaves" } else { "comes" };
        html! {
            p.note {
                @match one.stage.is_ended() {
                    true => { "It was in a " a href=(rotations::place(one)) { "rotation" } ". " }
                    false => { "It is in a " a href=(rotations::place(one)) { "rotation" } ", as the key that " (which) ". " }
                }
                (rotations::mark(one)) " " (rotations::spoken(&one.says))
            }
        }
    }

    /// Where its secret is used, and what can be said of that.
    pub(super) fn destinations(
        &self,
        visit: &Visit,
        view: &KeyView,
        failed: Option<&Failed<'_>>,
        now: Time,
    ) -> Markup {
        let may_write = visit.may(Scope::DestinationsWrite);
        if self.places.is_empty() && !may_write {
            return html! {};
        }
        let path = format!("/keys/{}/destinations", view.key);
        html! {
            h2 #destinations { "Where its secret is used" }
            p.dim { "A rotation reads the secret there, and puts the new one in its place." }
            @if self.places.is_empty() { p { "Nobody has told yet." } } @else {
                table.cards {
                    thead { tr {
                        th scope="col" { "Destination" } th scope="col" { "Where" } th scope="col" { "Last check" }
                        @if may_write { th scope="col" { span.unseen { "What to do" } } }
                    } }
                    tbody { @for one in &self.places { (row(visit, one, &path, may_write, now)) } }
                }
                @if may_act(visit) {
                    form.row method="post" action={ (path) "/check" } {
                        (visit.proof())
                        button.quiet type="submit" { "Check them" }
                        small { "Proves that each can be written, and changes nothing." }
                    }
                }
            }
            @if may_write { (add_form(visit, &path, failed.and_then(|one| one.place))) }
        }
    }
}

fn row(visit: &Visit, one: &DestinationView, path: &str, may_write: bool, now: Time) -> Markup {
    html! {
        tr {
            th scope="row" { (text(&one.name)) }
            td data-label="Where" {
                (text(one.spec.get("kind").and_then(Value::as_str).unwrap_or_default()))
                @for (name, value) in fields(one) { small { (text(&name)) ": " code { (text(&value)) } } }
                @if let Some(reload) = &one.reload {
                    small { "told to read it again by " code { (text(&told_by(reload))) } }
                }
            }
            td data-label="Last check" {
                @match (one.checked_at, &one.fault) {
                    (None, _) => span.dim { "never" },
                    (Some(at), None) => { "good " (moment(at, now)) }
                    (Some(at), Some(fault)) => { b.critical { "in vain" } " " (moment(at, now)) small { (text(fault)) } }
                }
            }
            @if may_write {
                td {
                    form method="post" action={ (path) "/remove" } {
                        (visit.proof())
                        input type="hidden" name="name" value=(one.name);
                        button.quiet type="submit" aria-label={ "Remove " (one.name) } { "Remove" }
                    }
                }
            }
        }
    }
}

/// The fields of a destination, as they were given.
fn fields(one: &DestinationView) -> Vec<(String, String)> {
    let fields = one.spec.as_object().into_iter().flatten().filter(|(name, _)| *name != "kind");
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// How its users are told, in the words that it was given by.
fn told_by(reload: &Value) -> String {
    let parts = reload.as_object().into_iter().flatten();
    let said: Vec<String> = parts
        .map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    said.join(" ")
}

fn add_form(visit: &Visit, path: &str, typed: Option<&Typed>) -> Markup {
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    let kinds = KINDS.map(|(kind, about, _)| (kind, format!("{kind}: {about}")));
    html! {
        details.add open[typed.is_some()] {
            summary { "Add a destination" }
            form.stack.wide method="post" action=(path) {
                (visit.proof())
                (Field::new("place", "name", "Name").required().value(text(|one| &one.name))
                    .about("What you call it, such as shop."))
                (Choice::new("place", "kind", "Kind", kinds).chosen(text(|one| &one.kind)))
                label for="place-fields" { "How to get there" }
                textarea.small #place-fields name="fields" required spellcheck="false" aria-describedby="place-fields-about" {
                    (text(|one| &one.fields).unwrap_or_default())
                }
                small #place-fields-about { "A line for each field, NAME=VALUE, as below. Never the secret itself: it is read there." }
                details {
                    summary { "The fields of each kind" }
                    dl.facts { @for (kind, _, example) in KINDS { dt { (kind) } dd { @for line in example.lines() { code { (line) } br; } } } }
                    p.dim { "Kinds that run programs of the server, or sign in by what it keeps, are added at the server: keytender destinations add --help." }
                }
                (Field::new("place", "reload", "Told to read it again by").value(text(|one| &one.reload))
                    .about("The address of a webhook, https://…. Empty: nobody is told."))
                button type="submit" { "Add it" }
            }
        }
    }
}

/// Adds a destination.
pub(in crate::http::console) async fn add(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let added = match typed.request() {
        Ok(new) => places::add(&inventory, &word, &new, false).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(one) => {
            let path = format!("/keys/{}#destinations", one.key);
            Ok(visit.done(&path, "It is added. Check whether it can be written."))
        }
        Err(error) => render_wrong(&visit, &inventory, &word, error, None, Some(&typed)).await,
    }
}

/// Proves that each could be written.
pub(in crate::http::console) async fn check(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let key = keys::view(&inventory, &word).await?.key;
    let checked = places::check(&inventory, Some(&key)).await?;
    let said = match checked.iter().filter(|one| one.fault.is_some()).count() {
        0 => "Each can be written.".to_owned(),
        1 => "1 cannot be written: see why.".to_owned(),
        count => format!("{count} cannot be written: see why."),
    };
    Ok(visit.done(&format!("/keys/{key}#destinations"), &said))
}

/// Takes one from the key.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(named): Form<Named>,
) -> Result<Response, Refusal> {
    let key = keys::view(&inventory, &word).await?.key;
    places::remove(&inventory, &key, &named.name).await?;
    let path = format!("/keys/{key}#destinations");
    Ok(visit.done(&path, "It is removed here; what stands there stays."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::Destination;

    #[test]
    fn each_kind_that_is_offered_is_understood_as_its_example_says() {
        for (kind, _, fields) in KINDS {
            let typed = Typed {
                name: Some("shop".to_owned()),
                kind: Some(kind.to_owned()),
                fields: Some(fields.to_owned()),
                reload: None,
            };
            let spec = typed.request().unwrap().spec;
            serde_json::from_value::<Destination>(spec)
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
    }
}
