//! Where keys that you issue are used: region and service, address and agent.

use keytender_core::time::Time;
use maud::{Markup, html};

use super::key_words::text;
use super::words::moment;
use crate::app::view::{PlaceView, RotationView, UsageView};

/// How many places are named in one cell of a table.
const NAMED: usize = 3;

/// Who still uses the old key of a rotation, in a few words.
pub(super) fn still(rotation: &RotationView, now: Time) -> Markup {
    html! {
        @if rotation.still_used.is_empty() && rotation.still_used_from.is_none() {
            span.dim { "nobody since the new one works" }
        } @else {
            @for place in rotation.still_used.iter().take(NAMED) {
                div { (words(place)) ", " (moment(place.last_used_at, now)) }
            }
            @if rotation.still_used.len() > NAMED {
                small { "and at " (rotation.still_used.len() - NAMED) " more places" }
            }
            @if let Some(address) = &rotation.still_used_from { small { "last from " (text(address)) } }
        }
    }
}

/// A place in words.
fn words(place: &PlaceView) -> Markup {
    html! {
        @match (&place.service, &place.region) {
            (Some(service), Some(region)) => { (text(service)) " in " (text(region)) }
            (Some(service), None) => { (text(service)) }
            (None, Some(region)) => { "somewhere in " (text(region)) }
            (None, None) => "somewhere",
        }
    }
}

/// Every place of a key, the latest first.
pub(super) fn table(usage: &UsageView, now: Time) -> Markup {
    html! {
        table.cards {
            caption { "Where it was used" }
            thead { tr {
                th scope="col" { "Service" } th scope="col" { "Region" } th scope="col" { "Last used" }
            } }
            tbody { @for place in &usage.places { tr {
                th scope="row" { (or_not_told(place.service.as_deref())) }
                td data-label="Region" { (or_not_told(place.region.as_deref())) }
                td data-label="Last used" { (moment(place.last_used_at, now)) }
            } } }
        }
    }
}

fn or_not_told(name: Option<&str>) -> Markup {
    html! { @match name { Some(name) => (text(name)), None => span.dim { "not told" } } }
}
