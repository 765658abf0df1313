//! The verifier from outside: what it answers, what it counts, and what becomes of both when things go wrong.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "../../../../fuzz/verify.rs"]
mod harness;

mod changes;
mod elsewhere;
mod follow;
mod layer;
mod limits;
mod model;
mod sample;
mod seqlock;
mod shares;
mod torn;
mod usage;
mod verdicts;
