//! The end of a key that we issued: what it breaks, and after a yes which verifiers refuse it already.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ours::can_end;
use super::render_wrong;
use crate::app::inventory::Inventory;
use crate::app::view::KeyView;
use crate::app::{issued, keys};
use crate::http::console::apis::PATH;
use crate::http::console::form::{Field, Question, ask};
use crate::http::console::key_words::{last_use, plain_name, text};
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::Path;
use crate::http::problem::{Problem, Refusal};

/// What somebody agreed to.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Agreed {
    compromised: Option<String>,
    because: Option<String>,
}

/// Asks before a key is revoked.
pub(in crate::http::console) async fn ask_first(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let view = keys::view(&inventory, &word).await?;
    if view.issued.is_none() {
        return Err(Problem::not_found("this is no key that you issue: it is disabled").into());
    }
    let (title, back) = (format!("Revoke {}?", plain_name(&view)), format!("/keys/{}", view.key));
    let action = format!("{back}/revocation");
    let question = Question {
        section: PATH,
        title: &title,
        action: &action,
        button: "Revoke it",
        back: &back,
    };
    Ok(ask(&visit, &question, &about(&view, &inventory), &lines()))
}

fn about(view: &KeyView, inventory: &Inventory) -> Markup {
    html! {
        @if can_end(view.state) {
            p { "Every verifier refuses it from then on, and nothing lets it work again. Whoever uses it needs \
                 another key: rotate it if they are to have time for that." }
        } @else {
            p.note { "It has ended already. That somebody else may know it can still be written down." }
        }
        dl.facts {
            dt { "Customer" } dd { (text(&view.account_name)) }
            dt { "Last used" } dd { (last_use(view, inventory.now)) }
        }
    }
}

fn lines() -> Markup {
    html! {
        label.box { input type="checkbox" name="compromised" value="yes"; "Somebody else may know it" }
        (Field::new("revoke", "because", "Because").about("It stands in the log, with your name."))
    }
}

/// Revokes a key, and waits until every verifier that is alive refuses it.
pub(in crate::http::console) async fn revoke(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(agreed): Form<Agreed>,
) -> Result<Response, Refusal> {
    let because = agreed.because.as_deref();
    match issued::revoke(&inventory, &word, agreed.compromised.is_some(), because).await {
        Ok(done) => {
            let node = &visit.state.node;
            node.follow().await?;
            node.wake();
            let (enforced_at, not_proven) = node.proof(done.api_id, done.seq).await?;
            let said = match enforced_at {
                Some(_) => "It is revoked, and every verifier refuses it.".to_owned(),
                None => format!(
                    "It is revoked, and this server refuses it. {} of the other verifiers have not said so yet: \
                     they refuse it when their leases end, at the latest.",
                    not_proven.len()
                ),
            };
            Ok(visit.done(&format!("/keys/{}", done.key_id), &said))
        }
        Err(error) => render_wrong(&visit, &inventory, &word, error, None, None).await,
    }
}
