//! The stages as a table, from which the diagram of the guide is made.

use super::Stage;

/// A stage, for people who want to know what happens when something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The stage.
    pub stage: Stage,
    /// What is written before the call.
    pub written: &'static str,
    /// The call.
    pub call: &'static str,
    /// What follows when its answer is lost.
    pub lost: &'static str,
    /// The stages that can follow.
    pub next: &'static [Stage],
}

/// Every stage.
pub const ROWS: [Row; 16] = [
    Row {
        stage: Stage::Planned,
        written: "the plan",
        call: "none",
        lost: "nothing was asked",
        next: &[Stage::Preflight, Stage::Aborted],
    },
    Row {
        stage: Stage::Preflight,
        written: "the plan and the old key's id",
        call: "list keys, who am I, read each destination",
        lost: "ask again: nothing is changed",
        next: &[Stage::CreateIntent, Stage::Aborted],
    },
    Row {
        stage: Stage::CreateIntent,
        written: "the ids of all keys that are there, and a random mark for the new one's label",
        call: "make a key, once",
        lost: "wait, list: what bears the mark is disabled and deleted, and a key made anew; where no mark proves \
               it, a person is asked and nothing is touched",
        next: &[Stage::Preflight, Stage::Created, Stage::RollbackIntent, Stage::Aborted],
    },
    Row {
        stage: Stage::Created,
        written: "the new key's id and its sealed secret, in one transaction",
        call: "a cheap call with the new key; list keys",
        lost: "ask again; past its time: roll back",
        next: &[Stage::Verified, Stage::RollbackIntent],
    },
    Row {
        stage: Stage::Verified,
        written: "that the new key works",
        call: "none",
        lost: "nothing was asked",
        next: &[Stage::Delivering, Stage::RollbackIntent],
    },
    Row {
        stage: Stage::Delivering,
        written: "the destination, the print of what stood there and of the new secret",
        call: "read; write if the old one stands there; read back",
        lost: "read first: the new one is there, or the old one and it is written, or another and a person is asked",
        next: &[Stage::Delivered, Stage::RollbackIntent],
    },
    Row {
        stage: Stage::Delivered,
        written: "that it stands everywhere",
        call: "tell whoever uses it to read it again",
        lost: "tell them again",
        next: &[Stage::Overlap, Stage::RollbackIntent],
    },
    Row {
        stage: Stage::Overlap,
        written: "since when the new key stands everywhere",
        call: "list keys and last uses, read each destination",
        lost: "ask again: nothing is changed",
        next: &[
            Stage::Quiet,
            Stage::Disabled,
            Stage::Done,
            Stage::RollbackIntent,
            Stage::RolledBack,
        ],
    },
    Row {
        stage: Stage::Quiet,
        written: "that the old key is quiet",
        call: "the same, so that what is known is fresh",
        lost: "ask again: nothing is changed",
        next: &[
            Stage::Overlap,
            Stage::DisableIntent,
            Stage::Disabled,
            Stage::DeleteIntent,
            Stage::Done,
            Stage::RollbackIntent,
            Stage::RolledBack,
        ],
    },
    Row {
        stage: Stage::DisableIntent,
        written: "the evidence, or who allowed it",
        call: "disable the old key; list keys",
        lost: "list: disabled is as wanted, active is disabled again",
        next: &[
            Stage::Quiet,
            Stage::Disabled,
            Stage::Done,
            Stage::RollbackIntent,
            Stage::RolledBack,
        ],
    },
    Row {
        stage: Stage::Disabled,
        written: "since when the provider shows it disabled",
        call: "list keys and last uses once a day",
        lost: "ask again: nothing is changed",
        next: &[
            Stage::Overlap,
            Stage::DeleteIntent,
            Stage::Done,
            Stage::RollbackIntent,
            Stage::RolledBack,
        ],
    },
    Row {
        stage: Stage::DeleteIntent,
        written: "that the hold is over",
        call: "list keys; delete the old key",
        lost: "list: gone is as wanted, disabled is deleted, active and a person is asked",
        next: &[Stage::Quiet, Stage::Disabled, Stage::Done, Stage::RolledBack],
    },
    Row {
        stage: Stage::Done,
        written: "that the old key is gone",
        call: "for 7 days after a lost making: list keys",
        lost: "ask again",
        next: &[],
    },
    Row {
        stage: Stage::RollbackIntent,
        written: "that the old key comes back",
        call: "enable the old key; put it back at each destination; tell whoever uses it",
        lost: "list, read: do it again",
        next: &[Stage::Overlap, Stage::DisableIntent, Stage::DeleteIntent, Stage::RolledBack],
    },
    Row {
        stage: Stage::RolledBack,
        written: "that the new key is gone",
        call: "for 7 days after a lost making: list keys",
        lost: "ask again",
        next: &[],
    },
    Row {
        stage: Stage::Aborted,
        written: "that it was given up",
        call: "for 7 days after a lost making: list keys",
        lost: "ask again",
        next: &[],
    },
];

/// The row of a stage.
pub fn row(stage: Stage) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.stage == stage)
}
