//! A rotation in plain words: where it stands, and what happens next and when.

use super::{Block, Gate, Leaving, Next, Rotation, Stage, Way};

/// Where it stands and what comes next, in two or three sentences.
pub fn said(rotation: &Rotation, next: &Next) -> String {
    if let Some(why) = &rotation.blocked {
        return blocked(rotation, why);
    }
    let stands = stands(rotation);
    let then = match next {
        Next::Ended => return stands,
        Next::Call(_) => "The next step is being done.".to_owned(),
        Next::At(at) => match rotation.asks().next() {
            Some(gate) => format!(
                "It waits until somebody approves `{}`, and looks again at {}.",
                gate.as_str(),
                at.to_seconds()
            ),
            None => format!("It goes on at {}.", at.to_seconds()),
        },
        Next::Person => waits(rotation),
    };
    format!("{stands} {then}")
}

fn key(leaving: Leaving) -> &'static str {
    match leaving {
        Leaving::Old => "old",
        Leaving::New => "new",
    }
}

fn stands(rotation: &Rotation) -> String {
    let leaving = key(rotation.leaving);
    let words = match rotation.stage {
        Stage::Planned => "Planned; nothing was changed yet.",
        Stage::Preflight => {
            "The provider and the destinations are being read; nothing was changed yet."
        }
        Stage::CreateIntent if rotation.look_at.is_some() => {
            "A call that makes a key was not answered: the provider's list will tell what became of it. \
             The old key works as before."
        }
        Stage::CreateIntent => "A new key is about to be made. The old key works as before.",
        Stage::Created => {
            "The new key is made and kept sealed; it is being tried. The old key works as before."
        }
        Stage::Verified => "The new key works, and is not in use yet. The old key works as before.",
        Stage::Delivering => "The new key is being brought where it is used. Both keys work.",
        Stage::Delivered => {
            "The new key stands everywhere; whoever uses it is being told. Both keys work."
        }
        Stage::Overlap => return overlap(rotation),
        Stage::Quiet => {
            return format!("Nobody uses the {leaving} key any more. Both keys still work.");
        }
        Stage::DisableIntent => {
            return format!("The {leaving} key is being disabled, which can be undone.");
        }
        Stage::Disabled => return held(rotation),
        Stage::DeleteIntent => {
            return format!("The {leaving} key was held disabled and is being deleted.");
        }
        Stage::Done if rotation.plan.way == Way::InPlace => {
            "Done: the secret was changed, and stands everywhere."
        }
        Stage::Done => "Done: the new key is in use, and the old one is gone.",
        Stage::RollbackIntent => {
            "It is being rolled back: the old key is let work again and put back."
        }
        Stage::RolledBack => "Rolled back: the old key is in use, and the new one is gone.",
        Stage::Aborted => "Given up; nothing was changed.",
    };
    words.to_owned()
}

fn overlap(rotation: &Rotation) -> String {
    let leaving = key(rotation.leaving);
    match rotation.told_use {
        Some(at) => {
            let at = at.to_seconds();
            format!(
                "Both keys work. The {leaving} key was still used at {at}, so the wait began again then."
            )
        }
        None => {
            format!("Both keys work, and it is watched whether the {leaving} one is still used.")
        }
    }
}

fn held(rotation: &Rotation) -> String {
    let leaving = key(rotation.leaving);
    let from = rotation.hold_from.map(|from| from.date()).unwrap_or_default();
    let until =
        rotation.hold_from.map(|from| from.plus(rotation.plan.hold).date()).unwrap_or_default();
    format!(
        "The {leaving} key is disabled since {from}, and held until {until} before it is deleted: until then it \
         can be let work again."
    )
}

fn waits(rotation: &Rotation) -> String {
    let gate = match rotation.stage {
        Stage::Planned => Gate::Start,
        Stage::Verified => Gate::Deliver,
        Stage::Quiet if rotation.evidence.is_some() => Gate::Delete,
        Stage::Delivering | Stage::RollbackIntent => {
            return "A person fills a destination by hand, and then acknowledges it.".to_owned();
        }
        Stage::Disabled => Gate::Delete,
        _ => Gate::Disable,
    };
    format!("It waits until somebody approves `{}`.", gate.as_str())
}

/// Why a person is needed, and what they can do.
fn blocked(rotation: &Rotation, why: &Block) -> String {
    let place = |at: &usize| {
        let destination = rotation.plan.destinations.get(*at);
        destination.map_or_else(|| "a destination".to_owned(), |one| format!("`{}`", one.name))
    };
    let old = &rotation.plan.old.id;
    match why {
        Block::OldMissing => {
            format!("The provider shows no key {old}: there is nothing to rotate. Abort.")
        }
        Block::OldNotActive => {
            format!(
                "The key {old} is disabled already. Enable it and resume, or abort and delete it."
            )
        }
        Block::SlotsFull { ids } => format!(
            "There is no room for another key beside {}. Delete one that nobody uses, then resume.",
            ids.join(" and ")
        ),
        Block::Destination { at, because } => {
            format!("{} cannot be read or written: {because}. Mend that, then resume.", place(at))
        }
        Block::Foreign { at } => format!(
            "Something else stands at {}: somebody wrote there. Put back what stood there and resume, or \
             acknowledge it as it is.",
            place(at)
        ),
        Block::Refused { because } => {
            format!("It is refused: {because}. Mend that, then resume.")
        }
        Block::Unreachable { because } => {
            format!("It was tried for long: {because}. Resume to try on.")
        }
        Block::Ambiguous { ids } => format!(
            "A call that makes a key was not answered, and the provider shows {} since, which may be ours or \
             somebody's. Nothing was touched: find out, delete what nobody uses, then resume.",
            ids.join(" and ")
        ),
        Block::CannotTell => {
            "A call that makes a key was not answered, and the provider lists no keys. Look there \
                              by hand, delete what is new, then resume."
                .to_owned()
        }
        Block::SecretLost => {
            "The call that changes the secret was not answered: it is changed perhaps, and then \
                              nobody has it. Resume to change it again."
                .to_owned()
        }
        Block::WrongId { id } => {
            format!("The provider named {id} as the new key, which was there before. Roll back.")
        }
        Block::NewMissing => {
            "The provider does not list the new key. Resume to look again, or roll back.".to_owned()
        }
        Block::NewNotActive => {
            "The new key does not work any more, so the old one stays. Let it work and resume, \
                                or roll back."
                .to_owned()
        }
        Block::StayingNotActive => {
            "The old key does not work, so the new one stays. Enable it, then resume.".to_owned()
        }
        Block::EnabledAgain => {
            format!("Somebody let {old} work again. Resume to watch it anew, or roll back.")
        }
    }
}
