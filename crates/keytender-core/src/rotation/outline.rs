//! A plan as people are shown it before it runs: each step, when it comes at the earliest, and how it is undone.

use super::plan::{Gate, Plan, Way};
use crate::time::Time;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is done.
    pub what: String,
    /// Not before; at once where there is none.
    pub not_before: Option<Time>,
    /// How it is undone; `None` if it cannot be, or changes nothing.
    pub undo: Option<String>,
    /// Whether it changes something for good.
    pub is_final: bool,
    /// Who is asked before.
    pub gate: Option<Gate>,
}

/// A step that is taken at once, changes nothing for good and needs nobody.
fn line(what: impl Into<String>) -> Line {
    Line { what: what.into(), not_before: None, undo: None, is_final: false, gate: None }
}

/// The gate, if the plan has it.
fn gated(plan: &Plan, gate: Gate) -> Option<Gate> {
    Some(gate).filter(|gate| plan.has_gate(*gate))
}

/// When the window is open from `at` on.
fn opens(plan: &Plan, at: Time) -> Time {
    let window = plan.window.as_ref().filter(|_| !plan.is_emergency);
    window.and_then(|window| window.opens_at(at)).unwrap_or(at)
}

/// The steps of a plan that begins at `now`, if nothing holds it up.
pub fn outline(plan: &Plan, now: Time) -> Vec<Line> {
    let mut lines = vec![Line {
        gate: gated(plan, Gate::Start),
        ..line("read the provider and the destinations; nothing is changed")
    }];
    lines.push(match plan.way {
        Way::CreateThenDelete => Line {
            undo: Some("it is disabled and deleted again".to_owned()),
            ..line("make a second key; the old one works as before")
        },
        Way::InPlace => Line {
            is_final: true,
            ..line(
                "single-phase: have the provider change the secret; the old one ends in this moment, there is no \
                 overlap and no way back",
            )
        },
    });
    if plan.able.try_new {
        lines.push(line("try the new key with a call that changes nothing"));
    }
    let cutover = opens(plan, now);
    placing(plan, Some(cutover).filter(|at| *at > now), &mut lines);
    if plan.way == Way::CreateThenDelete {
        leaving(plan, now, cutover, &mut lines);
    }
    lines
}

/// How the new key comes where it is used.
fn placing(plan: &Plan, not_before: Option<Time>, lines: &mut Vec<Line>) {
    for destination in &plan.destinations {
        let what = match destination.by_hand {
            true => format!("wait until somebody has put it to `{}`", destination.name),
            false => format!("write it to `{}` and read it back", destination.name),
        };
        let undo = match plan.way {
            Way::CreateThenDelete => Some("the old key is put back".to_owned()),
            Way::InPlace => None,
        };
        lines.push(Line { not_before, undo, gate: gated(plan, Gate::Deliver), ..line(what) });
    }
    for destination in plan.destinations.iter().filter(|destination| destination.has_reload) {
        let what = format!("tell whoever uses `{}` to read it again", destination.name);
        lines.push(Line { not_before, ..line(what) });
    }
}

/// How the old key goes.
fn leaving(plan: &Plan, now: Time, cutover: Time, lines: &mut Vec<Line>) {
    let later = |at: Time| Some(at).filter(|at| *at > now);
    let quiet = quiet_at(plan, cutover);
    lines.push(line(watching(plan)));
    let disabled = opens(plan, quiet);
    if plan.able.disable {
        lines.push(Line {
            not_before: later(disabled),
            undo: Some("it is enabled again".to_owned()),
            gate: gated(plan, Gate::Disable).or_else(|| (!knows(plan)).then_some(Gate::Disable)),
            ..line("disable the old key")
        });
    }
    let held = if plan.able.disable { disabled.plus(plan.hold) } else { disabled };
    lines.push(Line {
        not_before: later(opens(plan, held)),
        is_final: true,
        gate: gated(plan, Gate::Delete).or_else(|| (!plan.able.disable).then_some(Gate::Delete)),
        ..line("delete the old key")
    });
}

/// Whether the provider tells last uses.
const fn knows(plan: &Plan) -> bool {
    plan.able.last_use.is_some() || plan.is_emergency
}

/// When the old key can be quiet at the earliest.
fn quiet_at(plan: &Plan, cutover: Time) -> Time {
    if plan.is_emergency {
        return cutover;
    }
    let unseen = plan.able.last_use.map(|exact| exact.lag.plus(exact.granularity));
    cutover.plus(plan.quiet_for).plus(unseen.unwrap_or_default())
}

fn watching(plan: &Plan) -> String {
    let days = plan.quiet_for.whole_days();
    let deadline = plan.deadline.map(|at| {
        format!(
            "; at {} it goes although it is used, if its owner was warned a week before",
            at.to_seconds()
        )
    });
    let deadline = deadline.unwrap_or_default();
    match (plan.is_emergency, knows(plan)) {
        (true, _) => "do not wait for the old key to be quiet: somebody else has it".to_owned(),
        (false, true) => format!(
            "watch until nobody has used the old key for {days} days, or longer if it is used seldom{deadline}"
        ),
        (false, false) => {
            "wait for a person: the provider does not tell whether the old key is still used"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn plan(way: Way) -> Plan {
        let mut plan = Plan { way, gates: vec![Gate::Delete], ..Plan::sample() };
        plan.destinations.iter_mut().for_each(|destination| destination.has_reload = true);
        plan
    }

    #[test]
    fn a_plan_says_when_each_step_comes_and_what_cannot_be_undone() {
        let now = Time::parse("2026-11-24").unwrap();
        let lines = outline(&plan(Way::CreateThenDelete), now);
        let at = |days: u32| Some(now.plus(Span::days(days)));
        let last = lines.last().unwrap();
        assert_eq!((last.not_before, last.is_final, last.gate), (at(66), true, Some(Gate::Delete)));
        let disable = lines.iter().find(|line| line.what == "disable the old key").unwrap();
        assert_eq!((disable.not_before, disable.is_final), (at(36), false));
        assert_eq!(lines.iter().filter(|line| line.is_final).count(), 1);
    }

    #[test]
    fn a_plan_in_place_says_so_before_it_runs_and_has_no_way_back() {
        let lines = outline(&plan(Way::InPlace), Time::parse("2026-11-24").unwrap());
        let change = lines.iter().find(|line| line.is_final).unwrap();
        assert!(change.what.starts_with("single-phase"), "{}", change.what);
        assert!(lines.iter().all(|line| line.undo.is_none()));
    }
}
