//! Rotations in a made-up world where everything goes wrong: calls are refused, throttled, lost before and after
//! they act, and late; lists and last uses lag; programs die between any two steps; people meddle.
//!
//! A schedule is a number: it says which world it is and what goes wrong when, so a failure is found again by
//! `KEYTENDER_TEST_SCHEDULE=NUMBER`. `KEYTENDER_TEST_SCHEDULES=1000000` runs more of them.

mod diagram;
mod people;
mod run;
mod setup;
mod truth;
mod world;

use std::collections::BTreeMap;

use keytender_core::rotation::Stage;

use run::{End, Run};

/// How many schedules are run where nobody says.
const SCHEDULES: u64 = 10_000;

#[test]
fn whatever_goes_wrong_no_key_is_lost_and_none_is_ended_without_evidence() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(schedule) = number("KEYTENDER_TEST_SCHEDULE") {
        let mut run = Run::new(schedule);
        run.is_told = true;
        let end = run.finished();
        eprintln!("{end:?}");
        return;
    }
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut stages: BTreeMap<&str, u64> = BTreeMap::new();
    for schedule in 0..number("KEYTENDER_TEST_SCHEDULES").unwrap_or(SCHEDULES) {
        let mut run = Run::new(schedule);
        let end = run.finished();
        let word = match end {
            End::Ended(stage) => stage.as_str().to_owned(),
            End::Blocked(why) => {
                format!("blocked: {}", why.split([' ', '{']).next().unwrap_or_default())
            }
            End::Waits(stage) => format!("waits: {}", stage.as_str()),
        };
        *ends.entry(word).or_default() += 1;
        for stage in run.passed {
            *stages.entry(stage.as_str()).or_default() += 1;
        }
    }
    eprintln!("{ends:#?} {stages:#?}");
    // A world in which nothing ever comes to its end proves nothing.
    for stage in Stage::ALL {
        let is_seen = stage == Stage::Planned || stages.contains_key(stage.as_str());
        assert!(is_seen, "no schedule came to {stage:?}");
    }
    let seen = |word: &str| ends.get(word).copied().unwrap_or_default();
    assert!(seen("done") > seen("aborted"), "{ends:?}");
    for word in
        ["done", "rolled-back", "blocked: Ambiguous", "blocked: SecretLost", "blocked: Foreign"]
    {
        assert!(seen(word) > 0, "no schedule ends as {word}: {ends:?}");
    }
}
