//! What is told of runs to whoever collects events: names, lengths, outcomes and causes. Never a
//! secret, a token, a mail address or a body.

use keytender_core::time::Span;

use crate::error::Error;
use crate::store::Failure;
use crate::store::tasks::End;

/// What stands in place of a mail address.
const ADDRESS: &str = "(address)";

/// A run began.
pub(super) fn started(task: &str) {
    tracing::debug!(task, "task started");
}

/// A run ended.
pub(super) fn finished(task: &str, end: &End, took: Span) {
    let (outcome, duration_ms) = (end.outcome.as_str(), took.as_micros() / 1_000);
    match &end.error {
        None => tracing::info!(task, outcome, duration_ms, "task finished"),
        Some(error) => tracing::error!(task, outcome, duration_ms, error, "task finished"),
    }
}

/// A run lost its lease, and what it came to is not recorded.
pub(super) fn lost(task: &str, took: Span) {
    let duration_ms = took.as_micros() / 1_000;
    tracing::warn!(task, outcome = "lost", duration_ms, "another node has taken the task over");
}

/// The database did not let a run begin or end.
pub(super) fn not_kept(task: &str, failure: Failure) {
    let error = told(&failure.refuse("cannot keep how the task stands"));
    tracing::error!(task, error, "task not kept");
}

/// The database did not say what is to be done.
pub(super) fn not_read(failure: Failure) {
    let error = told(&failure.refuse("cannot read which tasks are to run"));
    tracing::error!(error, "tasks not read");
}

/// A run ended in a way in which none should.
pub(super) fn broken(task: &str) {
    tracing::error!(task, outcome = "broken", "task ended without a word; its lease runs out");
}

/// An error with its causes, without the addresses that other people's texts may hold.
pub(super) fn told(error: &Error) -> String {
    let is_part = |one: char| one.is_alphanumeric() || "._%+-@".contains(one);
    let report = error.report();
    let mut told = String::with_capacity(report.len());
    let mut word = String::new();
    for one in report.chars().map(Some).chain([None]) {
        if let Some(one) = one.filter(|one| is_part(*one)) {
            word.push(one);
            continue;
        }
        told.push_str(if word.contains('@') { ADDRESS } else { &word });
        word.clear();
        told.extend(one);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_without_addresses() {
        let error = Error::new("cannot sync `prod`")
            .source("arn:aws:iam::1:user/mia.b+x@example.com is denied")
            .hint("ask it@example.com.");
        assert_eq!(
            told(&error),
            "cannot sync `prod`: arn:aws:iam::1:user/(address) is denied\nhint: ask (address)"
        );
    }
}
