//! The rotations of an API in which both keys work: when the old one stops, and who still uses it.

use keytender_core::text::thousands;
use maud::{Markup, html};

use crate::app::inventory::Inventory;
use crate::app::issued::{self, Overlap};
use crate::app::view::{ApiView, KeyView};
use crate::http::console::key_words::{name, text};
use crate::http::console::places;
use crate::http::console::words::moment;
use crate::http::problem::Refusal;

/// How many are shown: those that end first.
const SHOWN: u32 = 50;

/// The part of an API's page that shows them; `count` is how many there are.
pub(super) async fn part(
    inventory: &Inventory,
    api: &ApiView,
    count: u64,
) -> Result<Markup, Refusal> {
    let all = issued::overlaps(inventory, &api.id, SHOWN).await?;
    let shown = u64::try_from(all.len()).unwrap_or(0);
    Ok(html! {
        h2 #overlaps { "Rotations in overlap" }
        @if all.is_empty() {
            p { "None: no old key works beside the one that takes its place." }
        } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Key" } th scope="col" { "Old" } th scope="col" { "New" }
                    th scope="col" { "Since" } th scope="col" { "The old one stops" }
                    th scope="col" { "Who still uses the old one" }
                } }
                tbody { @for one in &all { (row(one, inventory)) } }
            }
            @if shown < count { p.dim { "And " (thousands(count - shown)) " that end later." } }
        }
        p { a href=(super::keys(api, &[("state", "pre-activation")])) { "New keys that wait for their first use" } }
    })
}

fn row(one: &Overlap, inventory: &Inventory) -> Markup {
    let now = inventory.now;
    html! {
        tr {
            th scope="row" { (name(&one.after)) small { (text(&one.after.account_name)) } }
            td data-label="Old" { (link(&one.before)) }
            td data-label="New" { (link(&one.after)) }
            td data-label="Since" { @if let Some(at) = one.rotation.activated_at { (moment(at, now)) } }
            td data-label="The old one stops" {
                @if let Some(at) = one.rotation.overlap_ends_at { (moment(at, now)) }
            }
            td data-label="Who still uses the old one" { (places::still(&one.rotation, now)) }
        }
    }
}

fn link(key: &KeyView) -> Markup {
    html! { a.code href={ "/keys/" (key.key) } { (key.id.as_deref().unwrap_or(&key.key)) } }
}
