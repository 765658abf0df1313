//! How far a rotation has come: its steps as people see them, which are done, and which comes when.

use serde::{Deserialize, Serialize};

use super::plan::{Gate, Way};
use super::{Leaving, Rotation, Stage};
use crate::time::Time;

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// It is done.
    Done,
    /// The rotation is in it.
    Here,
    /// It is still to come.
    Ahead,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What is done.
    pub what: &'static str,
    /// How it stands.
    pub stands: Stands,
    /// Not before, as far as that is known; none of steps that are done.
    pub not_before: Option<Time>,
}

/// A step, and the stages in which a rotation is in it.
type Part = (&'static str, &'static [Stage]);

const READ: Part = ("Read the provider and the destinations", &[Stage::Planned, Stage::Preflight]);
const MAKE: Part = ("Make the new key", &[Stage::CreateIntent]);
const CHANGE: Part = ("Have the provider change the secret", &[Stage::CreateIntent]);
const TRY: Part = ("Try the new key", &[Stage::Created]);
const PLACE: Part = ("Bring it where it is used", &[Stage::Verified, Stage::Delivering]);
const TELL: Part = ("Tell whoever uses it", &[Stage::Delivered]);
const FORWARD: [Part; 4] = [
    ("Watch until nobody uses the old key", &[Stage::Overlap, Stage::Quiet]),
    ("Disable the old key", &[Stage::DisableIntent]),
    ("Hold it disabled", &[Stage::Disabled]),
    ("Delete the old key", &[Stage::DeleteIntent]),
];
const PUT_BACK: Part = ("Put the old key back where it is used", &[Stage::RollbackIntent]);
const BACK: [Part; 4] = [
    ("Watch until nobody uses the new key", &[Stage::Overlap, Stage::Quiet]),
    ("Disable the new key", &[Stage::DisableIntent]),
    ("Hold it disabled", &[Stage::Disabled]),
    ("Delete the new key", &[Stage::DeleteIntent]),
];

/// The steps of a rotation, in order; none of one that was given up.
///
/// A rotation that is rolled back has other steps than one that goes on.
pub fn progress(rotation: &Rotation) -> Vec<Mark> {
    if rotation.stage == Stage::Aborted {
        return Vec::new();
    }
    let parts = parts(rotation);
    let here = parts.iter().rposition(|(_, stages)| stages.contains(&rotation.stage));
    // A stage without a step of its own belongs to the last one before it.
    let order = |stage: &Stage| Stage::ALL.iter().position(|known| known == stage);
    let here = here.or_else(|| {
        let at = order(&rotation.stage);
        parts.iter().rposition(|(_, stages)| stages.iter().all(|stage| order(stage) < at))
    });
    let marks = parts.iter().enumerate().map(|(place, (what, _))| {
        let stands = match here {
            _ if rotation.stage.is_ended() => Stands::Done,
            Some(here) if place < here => Stands::Done,
            Some(here) if place == here => Stands::Here,
            _ => Stands::Ahead,
        };
        let not_before = earliest(rotation, what).filter(|_| stands == Stands::Ahead);
        Mark { what, stands, not_before }
    });
    marks.collect()
}

fn parts(rotation: &Rotation) -> Vec<Part> {
    let plan = &rotation.plan;
    let is_back = rotation.leaving == Leaving::New
        || matches!(rotation.stage, Stage::RollbackIntent | Stage::RolledBack);
    let has_reload = plan.destinations.iter().any(|place| place.has_reload);
    let mut parts = Vec::new();
    let leaving: &[Part] = match (is_back, rotation.new.is_some()) {
        (false, _) => &FORWARD,
        (true, true) => &BACK,
        // Where none was made, none goes.
        (true, false) => &[],
    };
    if is_back {
        parts.push(PUT_BACK);
    } else {
        parts.extend([READ, if plan.way == Way::InPlace { CHANGE } else { MAKE }]);
        parts.extend(Some(TRY).filter(|_| plan.able.try_new));
        parts.push(PLACE);
    }
    parts.extend(Some(TELL).filter(|_| has_reload));
    if plan.way == Way::CreateThenDelete {
        let stops = |stages: &[Stage]| matches!(stages, [Stage::DisableIntent | Stage::Disabled]);
        parts.extend(leaving.iter().filter(|(_, stages)| plan.able.disable || !stops(stages)));
    }
    parts
}

/// When a step that takes the old key away comes at the earliest, as far as the wait has begun.
fn earliest(rotation: &Rotation, what: &str) -> Option<Time> {
    let plan = &rotation.plan;
    let [_, (disable, _), _, (delete, _)] = FORWARD;
    let is_free = plan.is_emergency || rotation.approvals.contains_key(&Gate::Disable);
    let from = rotation.quiet_from.or(rotation.cutover_at).filter(|_| !is_free);
    let unseen = plan.able.last_use.map(|exact| exact.lag.plus(exact.granularity));
    let quiet = from.map(|from| from.plus(plan.quiet_for).plus(unseen.unwrap_or_default()));
    let knows = plan.able.last_use.is_some();
    let disabled = quiet.filter(|_| knows && rotation.leaving == Leaving::Old);
    if what == disable {
        return disabled;
    }
    if what != delete {
        return None;
    }
    match (rotation.hold_from, plan.able.disable) {
        (Some(from), _) => Some(from.plus(plan.hold)),
        (None, true) => disabled.map(|at| at.plus(plan.hold)),
        (None, false) => disabled,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;
    use crate::time::Span;

    fn rotation() -> Rotation {
        Rotation::new(Plan::sample(), Time::parse("2026-11-24").unwrap())
    }

    fn here(rotation: &Rotation) -> Vec<&'static str> {
        let marks = progress(rotation).into_iter();
        marks.filter(|mark| mark.stands == Stands::Here).map(|mark| mark.what).collect()
    }

    #[test]
    fn in_each_stage_that_has_not_ended_it_is_in_one_step_and_at_the_end_in_none() {
        for way in [Way::CreateThenDelete, Way::InPlace] {
            for able in [true, false] {
                let mut rotation = rotation();
                rotation.plan.way = way;
                rotation.plan.able.disable = able;
                rotation.plan.able.try_new = able;
                for stage in Stage::ALL {
                    rotation.stage = stage;
                    let count = usize::from(!stage.is_ended());
                    assert_eq!(here(&rotation).len(), count, "{way:?} {able} {stage:?}");
                }
            }
        }
    }

    #[test]
    fn while_both_work_it_is_said_when_the_old_one_is_disabled_and_deleted() {
        let mut rotation = rotation();
        let cutover = rotation.since;
        rotation.stage = Stage::Overlap;
        rotation.cutover_at = Some(cutover);
        let at = |what: &str| {
            let marks = progress(&rotation);
            marks.into_iter().find(|mark| mark.what == what).unwrap().not_before
        };
        assert_eq!(here(&rotation), ["Watch until nobody uses the old key"]);
        assert_eq!(at("Disable the old key"), Some(cutover.plus(Span::days(36))));
        assert_eq!(at("Delete the old key"), Some(cutover.plus(Span::days(66))));
        rotation.stage = Stage::Disabled;
        rotation.hold_from = Some(cutover.plus(Span::days(40)));
        let last = progress(&rotation).pop().unwrap();
        assert_eq!(last.not_before, Some(cutover.plus(Span::days(70))));
    }

    #[test]
    fn what_is_rolled_back_shows_the_steps_back_and_what_was_given_up_none() {
        let mut rotation = rotation();
        rotation.stage = Stage::RollbackIntent;
        assert_eq!(here(&rotation), ["Put the old key back where it is used"]);
        assert_eq!(progress(&rotation).len(), 1, "no key was made: none goes");
        rotation.stage = Stage::Aborted;
        assert_eq!(progress(&rotation), []);
    }
}
