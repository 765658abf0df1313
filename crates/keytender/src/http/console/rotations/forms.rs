//! What people can say to a rotation as it stands, each with what it does.

use keytender_core::access::Scope;
use keytender_core::rotation::{Gate, Stage};
use maud::{Markup, html};

use super::place;
use super::say::Typed;
use crate::app::view::{HeldRotationView, SayWord};
use crate::http::console::form::{Reasoned, Wrong};
use crate::http::console::made;
use crate::http::console::visit::Visit;
use crate::http::problem::Refusal;

/// What was said in vain, and why.
pub(super) type Vain<'v> = Option<(&'v Typed, &'v Wrong)>;

/// Each thing that can be said now.
pub(super) fn all(
    visit: &Visit,
    view: &HeldRotationView,
    vain: Vain<'_>,
) -> Result<Markup, Refusal> {
    let may = visit.may(Scope::KeysAct);
    let forms = Forms { visit, view, vain, action: format!("{}/words", place(view)) };
    let is_due = !view.asks.is_empty() || view.is_blocked || is_by_hand(view);
    let can_speak = is_due || view.can_roll_back || view.can_abort || can_cut_short(view);
    Ok(html! {
        @if may && !view.stage.is_ended() && can_speak {
            h2 #say { "What you can say to it" }
            div.ways {
                @for gate in &view.asks { (forms.approve(*gate)) }
                @if view.is_blocked { (forms.resume()) }
                (forms.acknowledge())
                @if can_cut_short(view) { (forms.cut_short()) }
                @if view.can_abort { (forms.abort()) }
                @if view.can_roll_back { (forms.roll_back()) }
            }
        }
        @if can_show(view) && visit.may(Scope::DestinationsWrite) { (show_key(visit, view)?) }
    })
}

/// Whether a person fills one of its destinations.
fn is_by_hand(view: &HeldRotationView) -> bool {
    view.destinations.iter().any(|one| one.by_hand)
}

/// Whether there is a new key that somebody puts in place by hand.
pub(super) fn can_show(view: &HeldRotationView) -> bool {
    let is_early = matches!(
        view.stage,
        Stage::Planned | Stage::Preflight | Stage::CreateIntent | Stage::Created
    );
    is_by_hand(view) && view.new_id.is_some() && !is_early && !view.stage.is_ended()
}

/// Whether the wait for the key that goes can be cut short by whoever knows that nobody needs it.
fn can_cut_short(view: &HeldRotationView) -> bool {
    let is_waiting = matches!(view.stage, Stage::Overlap | Stage::Quiet);
    is_waiting && !view.is_blocked && !view.asks.contains(&Gate::Disable)
}

/// What an approval lets happen.
const fn lets(gate: Gate) -> &'static str {
    match gate {
        Gate::Start => {
            "The provider and the destinations are read, and then the new key is made. The old one works as before."
        }
        Gate::Deliver => "The new key is written where it is used. The old one still works.",
        Gate::Disable => {
            "The key that goes is disabled: whoever still uses it is refused. It can be enabled again."
        }
        Gate::Delete => "The key that goes is deleted, for good.",
    }
}

struct Forms<'f> {
    visit: &'f Visit,
    view: &'f HeldRotationView,
    vain: Vain<'f>,
    action: String,
}

impl Forms<'_> {
    fn approve(&self, gate: Gate) -> Markup {
        let word = gate.as_str();
        let (title, button) = (format!("Approve {word}…"), format!("Approve {word}"));
        let hidden = [("say", "approve"), ("gate", word)];
        self.way("approve", &title, lets(gate), &button, &hidden, gate == Gate::Delete)
    }

    fn cut_short(&self) -> Markup {
        let what = "Nothing waits any longer for the key that goes to be quiet: it is disabled now, \
                    although it may still be used. It can be enabled again.";
        let hidden = [("say", "approve"), ("gate", Gate::Disable.as_str())];
        self.way("cut", "Cut the wait short…", what, "Disable it now", &hidden, true)
    }

    fn resume(&self) -> Markup {
        let what = "What blocked it is mended: it looks again, and goes on.";
        self.way("resume", "Resume…", what, "Resume", &[("say", "resume")], false)
    }

    fn abort(&self) -> Markup {
        let what = "It is given up. Nothing was changed yet, and the old key works as before.";
        self.way("abort", "Give it up…", what, "Give it up", &[("say", "abort")], true)
    }

    fn roll_back(&self) -> Markup {
        let what = "The old key is let work again and put back where it is used; the new one goes once nobody uses it.";
        self.way("rollback", "Roll back…", what, "Roll back", &[("say", "rollback")], true)
    }

    fn acknowledge(&self) -> Markup {
        html! {
            @for (at, one) in self.view.destinations.iter().enumerate() {
                @if one.can_acknowledge && !one.is_acknowledged && (one.by_hand || self.is_heard()) {
                    @let title = format!("Vouch for {}…", one.name);
                    (self.way(&format!("acknowledge-{at}"), &title,
                        "The new key stands there, and whoever uses it uses that one. Once each destination is vouched for, \
                         nothing waits any longer for the key that goes to be quiet: it is disabled next, after an \
                         approval where one is asked for. It can be enabled again.",
                        "It stands there", &[("say", "acknowledge"), ("destination", &one.name)], false))
                }
            }
        }
    }

    /// Whether it would go on sooner if somebody vouched for a destination.
    fn is_heard(&self) -> bool {
        self.view.is_blocked || matches!(self.view.stage, Stage::Overlap | Stage::Quiet)
    }

    fn way(
        &self,
        form: &str,
        title: &str,
        what: &str,
        button: &str,
        hidden: &[(&str, &str)],
        is_danger: bool,
    ) -> Markup {
        let form = format!("say-{form}");
        let is_this = |typed: &Typed| typed.is_of(hidden);
        let refused = self.vain.filter(|(typed, _)| is_this(typed));
        let refused = refused.map(|(typed, _)| typed.because.as_deref());
        let action = &self.action;
        let one = Reasoned { form: &form, action, title, what, button, is_danger, hidden, refused };
        html! { section.way { (one.show(self.visit)) } }
    }
}

/// The button that shows the new key; each shows it once.
fn show_key(visit: &Visit, view: &HeldRotationView) -> Result<Markup, Refusal> {
    Ok(html! {
        h2 #secret { "The new key" }
        p { "Somebody puts it where it is used by hand. It is shown when you ask for it, and the log says that you did." }
        form method="post" action={ (place(view)) "/secret" } {
            (visit.proof())
            (made::once_member()?)
            button type="submit" { "Show the new key" }
        }
    })
}

/// What a browser is told when something was heard.
pub(super) const fn heard(word: SayWord) -> &'static str {
    match word {
        SayWord::Approve => "It is approved, and goes on.",
        SayWord::Resume => "It goes on.",
        SayWord::Rollback => "It is rolled back: the old key comes back.",
        SayWord::Abort => "It is given up.",
        SayWord::Acknowledge => "It is written that the new key stands there.",
    }
}
