//! What stops a key for good: each is asked with what it breaks, and done after somebody typed that they mean it.

use axum::response::Response;
use keytender_core::time::{Span, Time};
use maud::{Markup, html};
use serde::Deserialize;

use super::key::{Read, show_wrong};
use super::session::{Guest, place};
use super::{hint, layout};
use crate::app::inventory::Inventory;
use crate::app::issued;
use crate::app::view::{KeyView, RotationView, UsageView};
use crate::error::Error;
use crate::http::console::form::{Field, Wrong};
use crate::http::console::key_words::{last_use, text};
use crate::http::console::places;
use crate::http::console::visit::Form;
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// A key used so recently is missed by whoever uses it.
const RECENT: Span = Span::days(7);

/// What somebody agreed to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Agreed {
    /// The name of the key, typed again.
    typed: Option<String>,
    leaked: Option<String>,
    because: Option<String>,
}

/// A question before something stops.
struct Question<'q> {
    title: String,
    /// Behind the path of the key.
    path: &'static str,
    button: &'static str,
    what: Markup,
    lines: Markup,
    wrong: Option<&'q Wrong>,
}

impl Question<'_> {
    fn page(&self, guest: &Guest, view: &KeyView) -> Response {
        let back = place(&view.key);
        let content = html! {
            p { a href=(back) { (hint::name(view)) } }
            @if let Some(wrong) = self.wrong { (wrong) }
            h1 { (self.title) }
            (self.what)
            form.stack method="post" action={ (back) (self.path) } {
                (guest.proof())
                (self.lines)
                div.row {
                    button.danger type="submit" { (self.button) }
                    a.button.quiet href=(back) { "Keep it" }
                }
            }
        };
        layout::page(guest, &self.title, &content)
    }
}

fn typed_line(view: &KeyView) -> Markup {
    let label = format!("Type {} to say that you mean it", hint::name(view));
    html! { (Field::new("stop", "typed", &label).required()) }
}

/// Refuses whoever did not type it.
fn check(view: &KeyView, agreed: &Agreed) -> Result<(), Error> {
    match agreed.typed.as_deref().map(str::trim) == Some(hint::name(view).trim()) {
        true => Ok(()),
        false => Err(Error::new("what you typed is not the name of the key: nothing was done")),
    }
}

/// Who uses a key, for whoever is about to stop it.
fn users(usage: &UsageView, now: Time) -> Markup {
    html! {
        @match usage.last_used_at {
            None => p.note { "Nothing has ever used it." },
            Some(at) if now.since(at) > RECENT => p.note { "It was last used " (moment(at, now)) "." },
            Some(at) => {
                p.wrong { "It is in use: whatever used it " (moment(at, now))
                    @if let Some(address) = &usage.address { " from " code { (text(address)) } }
                    " will fail." }
                @if !usage.places.is_empty() { (places::table(usage, now)) }
            }
        }
    }
}

fn revocation<'q>(
    read: &Read,
    now: Time,
    agreed: &Agreed,
    wrong: Option<&'q Wrong>,
) -> Question<'q> {
    let view = &read.view;
    Question {
        title: format!("Revoke {}?", hint::name(view)),
        path: "/revocation",
        button: "Revoke it",
        what: html! {
            p { "It is refused everywhere from then on, and nothing lets it work again. Whoever uses it needs another \
                key: rotate it, if they are to have time for that." }
            dl.facts { dt { "Last used" } dd { (last_use(view, now)) } }
            (users(&read.usage, now))
        },
        lines: html! {
            label.box { input type="checkbox" name="leaked" value="yes" checked[agreed.leaked.is_some()];
                "It leaked: somebody else may know it" }
            (Field::new("stop", "because", "Why").value(agreed.because.as_deref()).about("For your own log. It may stay empty."))
            (typed_line(view))
        },
        wrong,
    }
}

/// Asks before a key is revoked.
pub(super) async fn ask_revoke(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
) -> Result<Response, Refusal> {
    let read = Read::of(&inventory, &key).await?;
    Ok(revocation(&read, inventory.now, &Agreed::default(), None).page(&guest, &read.view))
}

/// Revokes a key, and waits until every verifier that is alive refuses it.
pub(super) async fn revoke(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
    Form(agreed): Form<Agreed>,
) -> Result<Response, Refusal> {
    let read = Read::of(&inventory, &key).await?;
    let is_leaked = agreed.leaked.is_some();
    let because = agreed.because.as_deref();
    let done = match check(&read.view, &agreed) {
        Ok(()) => issued::revoke(&inventory, &read.view.key, is_leaked, because).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(done) => {
            let node = &guest.state.node;
            node.follow().await?;
            node.wake();
            let (enforced_at, _) = node.proof(done.api_id, done.seq).await?;
            let word = match (is_leaked, enforced_at) {
                (true, _) => "leaked",
                (false, Some(_)) => "revoked",
                (false, None) => "revoking",
            };
            Ok(Guest::done(&place(&read.view.key), word))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let question = revocation(&read, inventory.now, &agreed, Some(&wrong));
            Ok(wrong.on(question.page(&guest, &read.view)))
        }
    }
}

/// How a rotation ends before its time: each end stops one of its keys for good.
#[derive(Clone, Copy)]
enum End {
    /// The old key stops now.
    Finish,
    /// The new key ends, and the old one works on.
    Cancel,
}

/// The two keys of a rotation.
struct Pair {
    old: Read,
    new: Read,
    rotation: RotationView,
}

impl Pair {
    /// The rotation of a key, whichever of the two it is.
    async fn of(inventory: &Inventory, key: &str) -> Result<Self, Error> {
        let missing = || Error::not_found("it is in no rotation");
        let rotation = Read::of(inventory, key).await?.rotation.ok_or_else(missing)?;
        let old = Read::of(inventory, &rotation.before).await?;
        let new = Read::of(inventory, &rotation.after).await?;
        Ok(Self { old, new, rotation })
    }
}

impl End {
    /// The key that stops.
    const fn stops(self, pair: &Pair) -> &Read {
        match self {
            Self::Finish => &pair.old,
            Self::Cancel => &pair.new,
        }
    }

    fn question<'q>(self, pair: &Pair, now: Time, wrong: Option<&'q Wrong>) -> Question<'q> {
        let stops = self.stops(pair);
        let (title, path, button) = match self {
            Self::Finish => ("Finish the rotation?", "/rotations/finish", "Stop the old key"),
            Self::Cancel => ("Cancel the rotation?", "/rotations/cancel", "End the new key"),
        };
        let what = html! {
            @match self {
                Self::Finish => {
                    p { "The old key stops now and for good; the new one works on." }
                    p { b { "Who still uses the old key?" } }
                    div.note { (places::still(&pair.rotation, now)) }
                }
                Self::Cancel => p { "The new key ends for good; the old one works on as it did." },
            }
            (users(&stops.usage, now))
        };
        Question {
            title: title.to_owned(),
            path,
            button,
            what,
            lines: typed_line(&stops.view),
            wrong,
        }
    }

    async fn ask(
        self,
        guest: &Guest,
        inventory: &Inventory,
        key: &str,
    ) -> Result<Response, Refusal> {
        let pair = Pair::of(inventory, key).await?;
        Ok(self.question(&pair, inventory.now, None).page(guest, &self.stops(&pair).view))
    }

    async fn run(
        self,
        guest: &Guest,
        inventory: &Inventory,
        key: &str,
        agreed: &Agreed,
    ) -> Result<Response, Refusal> {
        let pair = Pair::of(inventory, key).await?;
        let stops = &self.stops(&pair).view;
        if let Err(error) = check(stops, agreed) {
            let wrong = Wrong::of(error)?;
            return Ok(
                wrong.on(self.question(&pair, inventory.now, Some(&wrong)).page(guest, stops))
            );
        }
        let old = &pair.old.view.key;
        let (done, left, word) = match self {
            Self::Finish => {
                (issued::finish(inventory, old, None).await, &pair.rotation.after, "finished")
            }
            Self::Cancel => (issued::cancel(inventory, old, None).await, old, "cancelled"),
        };
        match done {
            Ok(()) => {
                // This server knows of it before it says so.
                guest.state.node.follow().await?;
                Ok(Guest::done(&place(left), word))
            }
            Err(error) => show_wrong(guest, inventory, key, error, None).await,
        }
    }
}

/// Asks before an overlap is ended.
pub(super) async fn ask_finish(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
) -> Result<Response, Refusal> {
    End::Finish.ask(&guest, &inventory, &key).await
}

/// Ends the overlap now.
pub(super) async fn finish(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
    Form(agreed): Form<Agreed>,
) -> Result<Response, Refusal> {
    End::Finish.run(&guest, &inventory, &key, &agreed).await
}

/// Asks before a rotation is taken back.
pub(super) async fn ask_cancel(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
) -> Result<Response, Refusal> {
    End::Cancel.ask(&guest, &inventory, &key).await
}

/// Takes a rotation back.
pub(super) async fn cancel(
    guest: Guest,
    inventory: Inventory,
    Path(key): Path<String>,
    Form(agreed): Form<Agreed>,
) -> Result<Response, Refusal> {
    End::Cancel.run(&guest, &inventory, &key, &agreed).await
}
