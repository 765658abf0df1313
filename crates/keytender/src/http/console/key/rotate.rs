//! A rotation of a held key before it begins: what is chosen, each step that follows, and the yes.

use axum::http::StatusCode;
use axum::response::Response;
use keytender_core::rotation::{Gate, Way};
use keytender_core::text::printable;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::view::{KeyView, NewRotationRequest, OutlineView, StepView};
use crate::app::{keys, rotate};
use crate::error::{Error, Kind};
use crate::http::console::form::{Field, Wrong, capital};
use crate::http::console::key_words::{last_use, name, plain_name, text};
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::console::{layout, rotations};
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// What is chosen, as it was typed.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Typed {
    emergency: Option<String>,
    by_hand: Option<String>,
    #[serde(default)]
    approve: Vec<Gate>,
    window: Option<String>,
    quiet_days: Option<String>,
    hold_days: Option<String>,
    deadline: Option<String>,
    to: Option<String>,
    because: Option<String>,
    /// Whether it is to begin, rather than to be shown.
    begin: Option<String>,
}

impl Typed {
    fn request(&self, key: &str) -> Result<NewRotationRequest, Error> {
        let days = |what: &str, typed: &Option<String>| {
            let number = typed.as_deref().map(|text| text.trim().parse::<u32>()).transpose();
            number.map_err(|_| Error::new(format!("{what} is no number of days")))
        };
        let deadline = self.deadline.as_deref().map(Time::parse).transpose();
        let deadline =
            deadline.map_err(|error| Error::new(format!("the deadline is no day: {error}")))?;
        let to = self.to.as_deref().map(|to| match to.contains(':') {
            true => to.to_owned(),
            false => format!("user:{to}"),
        });
        Ok(NewRotationRequest {
            key: key.to_owned(),
            to,
            emergency: self.emergency.as_ref().map(|_| true),
            approve: Some(self.approve.clone()).filter(|gates| !gates.is_empty()),
            window: self.window.clone(),
            quiet_days: days("what is given for the quiet", &self.quiet_days)?,
            hold_days: days("what is given for the hold", &self.hold_days)?,
            deadline,
            by_hand: self.by_hand.as_ref().map(|_| true),
            because: self.because.clone(),
        })
    }

    /// What was chosen, as members of the form that begins it.
    fn hidden(&self) -> Markup {
        let lines = [
            ("emergency", &self.emergency),
            ("by_hand", &self.by_hand),
            ("window", &self.window),
            ("quiet_days", &self.quiet_days),
            ("hold_days", &self.hold_days),
            ("deadline", &self.deadline),
            ("to", &self.to),
        ];
        html! {
            @for gate in &self.approve { input type="hidden" name="approve" value=(gate.as_str()); }
            @for (name, value) in lines {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
        }
    }

    /// Whether anything but the usual was chosen.
    fn is_chosen(&self) -> bool {
        let Self { approve, because: _, begin: _, emergency, by_hand, .. } = self;
        let lines = [&self.window, &self.quiet_days, &self.hold_days, &self.deadline, &self.to];
        !approve.is_empty()
            || emergency.is_some()
            || by_hand.is_some()
            || lines.iter().any(|line| line.is_some())
    }
}

/// Shows the usual plan. Nothing is changed, and the provider is not asked.
pub(in crate::http::console) async fn plan(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let view = keys::view(&inventory, &word).await?;
    // Whoever else has the key is not waited for.
    let emergency = (view.exposed == Some(true)).then(|| "yes".to_owned());
    let typed = Typed { emergency, ..Typed::default() };
    let mut page = show(&visit, &inventory, &view, &typed, None).await?;
    // Nothing was asked for yet that could be refused: why there is no plan stands on the page.
    *page.status_mut() = StatusCode::OK;
    Ok(page)
}

/// Shows the plan of what is chosen, or begins it.
pub(in crate::http::console) async fn choose(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let view = keys::view(&inventory, &word).await?;
    if typed.begin.is_none() {
        return show(&visit, &inventory, &view, &typed, None).await;
    }
    let begun = match typed.request(&view.key) {
        Ok(asked) => rotate::start(&inventory, &asked).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(rotation) => {
            visit.state.node.wake();
            Ok(visit.done(&rotations::place(&rotation), "It has begun."))
        }
        Err(error) => show(&visit, &inventory, &view, &typed, Some(error)).await,
    }
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    view: &KeyView,
    typed: &Typed,
    refused: Option<Error>,
) -> Result<Response, Refusal> {
    let planned = match typed.request(&view.key) {
        Ok(asked) => rotate::preview(inventory, &asked).await,
        Err(error) => Err(error),
    };
    let (plan, error) = match (planned, refused) {
        (Ok(plan), refused) => (Some(plan), refused),
        (Err(error), refused) => (None, Some(refused.unwrap_or(error))),
    };
    let wrong = error.map(|error| kindly(error, view)).transpose()?;
    let key = format!("/keys/{}", view.key);
    let content = html! {
        p { a href="/keys" { "Keys" } " › " a href=(key) { (name(view)) } }
        h1 { "Rotate " (name(view)) "?" }
        @if let Some((wrong, is_unknown_place)) = &wrong {
            (wrong)
            @if *is_unknown_place {
                p { a href={ (key) "#destinations" } { "Add a destination" } ", or say below that a person puts the new key in place." }
            }
        }
        p { "Last used: " (last_use(view, inventory.now)) }
        @if let Some(plan) = &plan {
            h2 #plan { "What would be done" }
            (steps(plan, inventory.now))
            (begin_form(visit, &key, typed))
        }
        h2 #choices { "Choices" }
        (choices(visit, &key, typed, plan.is_none()))
    };
    let page = layout::page(visit, "/keys", &format!("Rotate {}", plain_name(view)), &content);
    Ok(match &wrong {
        Some((wrong, _)) => wrong.on(page),
        None => page,
    })
}

/// What is said of a refusal, and whether nobody told where the key is used.
fn kindly(error: Error, view: &KeyView) -> Result<(Wrong, bool), Refusal> {
    let is_unknown_place = error.of_kind() == Kind::Conflict
        && error.to_string() == format!("nobody has told where {} is used", view.key);
    Ok((Wrong::of(error)?, is_unknown_place))
}

/// Each step: when it comes, how it is undone, and what cannot be.
fn steps(plan: &OutlineView, now: Time) -> Markup {
    html! {
        @if plan.way == Way::InPlace {
            p.wrong { b { "There is no way back. " } "The provider changes the secret of this key: the old one ends at once, everywhere." }
        }
        @if let Some(to) = &plan.to { p { "The new key is one of the user " b { (text(to)) } "." } }
        ol.steps.plan { @for step in &plan.steps { li { (step_line(step, now)) } } }
        @if plan.way == Way::CreateThenDelete {
            p.dim { "Until the old key is deleted, it can be rolled back on the page of the rotation." }
        }
    }
}

fn step_line(step: &StepView, now: Time) -> Markup {
    html! {
        (rotations::spoken(&capital(&step.what))) "."
        @if step.is_final { " " b.critical { "Cannot be undone." } }
        @if let Some(at) = step.not_before { small { "Not before " (at.date()) ", " (moment(at, now)) "." } }
        @if let Some(gate) = step.gate { small { "After somebody approves " b { (gate.as_str()) } "." } }
        @if let Some(undo) = step.undo.as_deref().filter(|_| !step.is_final) { small { "Undone: " (printable(undo)) "." } }
    }
}

/// The form that begins what is shown, and nothing else.
fn begin_form(visit: &Visit, key: &str, typed: &Typed) -> Markup {
    html! {
        form.stack method="post" action={ (key) "/rotate" } {
            (visit.proof())
            (typed.hidden())
            (Field::new("begin", "because", "Because").value(typed.because.as_deref())
                .about("It stands in the log, with your name."))
            div.row {
                button type="submit" name="begin" value="yes" { "Begin" }
                a.button.quiet href=(key) { "Change nothing" }
            }
        }
    }
}

fn choices(visit: &Visit, key: &str, typed: &Typed, is_open: bool) -> Markup {
    let gates = [
        (Gate::Start, "before anything is made"),
        (Gate::Deliver, "before the new key is brought where it is used"),
        (Gate::Disable, "before the old key is disabled"),
        (Gate::Delete, "before the old key is deleted"),
    ];
    html! {
        details.add open[is_open || typed.is_chosen()] {
            summary { "Choose otherwise" }
            form.stack.wide method="post" action={ (key) "/rotate" } {
                (visit.proof())
                label.box { input type="checkbox" name="emergency" value="yes" checked[typed.emergency.is_some()];
                    "An emergency: somebody else may have it. The old key is disabled as soon as the new one stands everywhere." }
                label.box { input type="checkbox" name="by_hand" value="yes" checked[typed.by_hand.is_some()];
                    "A person puts the new key where it is used, beside the destinations that are known." }
                fieldset {
                    legend { "Somebody approves" }
                    @for (gate, about) in gates {
                        label.box { input type="checkbox" name="approve" value=(gate.as_str()) checked[typed.approve.contains(&gate)];
                            span { b { (gate.as_str()) } ": " (about) } }
                    }
                }
                (Field::new("rotate", "window", "Only in this window").value(typed.window.as_deref())
                    .about("When it is done what others may notice, such as mon-fri 02:00-05:00 Europe/Berlin."))
                (Field::new("rotate", "quiet_days", "Days without a use").kind("number").value(typed.quiet_days.as_deref())
                    .about("For so long nobody must have used the old key. Empty: 35."))
                (Field::new("rotate", "hold_days", "Days held disabled").kind("number").value(typed.hold_days.as_deref())
                    .about("For so long it can be let work again before it is deleted. Empty: 30, and 90 where last uses are not told."))
                (Field::new("rotate", "deadline", "Deadline").kind("date").value(typed.deadline.as_deref())
                    .about("The old key goes then although it is used, if its owner was told a week before."))
                (Field::new("rotate", "to", "The new key is one of the user").value(typed.to.as_deref())
                    .about("The way from a root key to a user with only what it needs."))
                button.quiet type="submit" { "Show the plan" }
            }
        }
    }
}
