//! Which problems of a key are to be told to somebody now, and in which stage.

use keytender_core::notice::{self, News, Series};
use keytender_core::policy::{Action, Assessment, Condition, Finding, Severity};
use keytender_core::time::{Span, Time};
use serde_json::Value;

use super::{EXPIRY, Planner};
use crate::notify::webhook::EventKind;
use crate::store::channels::Channel;
use crate::store::keys::HeldKey;
use crate::store::notices::NoticeItem;

/// How far ahead the end of a key's allowed age is told.
pub(super) const AHEAD: Span = Span::days(30);

/// One problem of a key that is to be told to somebody.
pub(super) struct Problem {
    pub(super) item: NoticeItem,
    pub(super) series: Series,
    /// Until when somebody should act.
    pub(super) act_by: Option<Time>,
    /// The places of its rules in the policy.
    pub(super) rules: Vec<usize>,
    /// What happened to the key, if it is that rather than a rule.
    pub(super) news: Option<Happened>,
}

/// What happened to a customer's key that no rule tells, as it is told, and its event.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) problem: String,
    pub(super) at: Time,
    pub(super) series: Series,
    pub(super) kind: EventKind,
    pub(super) news: News,
    /// What programs are told of it.
    pub(super) data: Value,
}

impl Planner<'_> {
    /// The problems of a key whose present stage was not told yet, and of which no letter is under
    /// way.
    pub(super) fn problems(&self, channel: &Channel, who: &str, held: &HeldKey) -> Vec<Problem> {
        let key = &held.record.key;
        let mut problems = self.news(channel, who, held);
        if self.customers.as_ref().is_some_and(|customers| customers.is_left_alone(held, self.now))
        {
            return problems;
        }
        let mut assessment = Assessment::default();
        self.policy.assess(key, self.now, &mut assessment);
        let now: Vec<Finding<'_>> = self.policy.findings(&assessment).collect();
        let mut later = Assessment::default();
        self.policy.assess(key, self.now.plus(AHEAD), &mut later);
        let ahead = self.policy.findings(&later).filter(|finding| {
            let is_new = !now.iter().any(|known| known.index == finding.index);
            is_new && has_age(finding) && finding.rule.action != Action::Review
        });
        for finding in now.iter().copied().chain(ahead) {
            let (problem, at) = identity(&finding, held);
            match problems.iter_mut().find(|known| *known.item.problem == *problem) {
                Some(known) => known.rules.push(finding.index),
                None => problems.extend(self.problem(channel, who, held, &finding, (problem, at))),
            }
        }
        problems
    }

    /// A problem, if its present stage is to be told.
    fn problem(
        &self,
        channel: &Channel,
        who: &str,
        held: &HeldKey,
        finding: &Finding<'_>,
        (problem, at): (String, Time),
    ) -> Option<Problem> {
        let series = |first: Option<Time>| series(finding, held, at, first);
        let rules = vec![finding.index];
        let problem = self.stage_of(channel, who, held, (problem, at), series)?;
        Some(Problem { rules, ..problem })
    }

    /// What happened to a customer's key that is to be told.
    fn news(&self, channel: &Channel, who: &str, held: &HeldKey) -> Vec<Problem> {
        let Some(customers) = &self.customers else { return Vec::new() };
        let all = customers.happened.get(&held.record.id).map(Vec::as_slice).unwrap_or_default();
        let tell = |one: &Happened| {
            // Who heard that it is exposed while it worked is not told again when it ended.
            let thread = (channel.id, who.to_owned(), held.record.id, one.problem.clone());
            if one.news == News::ExposedAndEnded && self.told.knows(&thread) {
                return None;
            }
            let what = (one.problem.clone(), one.at);
            let problem = self.stage_of(channel, who, held, what, |_| one.series)?;
            Some(Problem { news: Some(one.clone()), ..problem })
        };
        all.iter().filter_map(tell).collect()
    }

    /// A problem whose series is `series_from` the first notice of it, if its present stage is to be told.
    fn stage_of(
        &self,
        channel: &Channel,
        who: &str,
        held: &HeldKey,
        (problem, at): (String, Time),
        series_from: impl Fn(Option<Time>) -> Series,
    ) -> Option<Problem> {
        let thread = (channel.id, who.to_owned(), held.record.id, problem);
        if self.told.is_waiting(&thread) {
            return None;
        }
        let series = series_from(self.told.begun_at(&thread, at));
        let stage = notice::stage(series, self.now)?.as_key();
        if self.told.has_stage(&thread, at, &stage) {
            return None;
        }
        // Whom no letter reached, the time to act has not begun to run.
        let known = series_from(self.told.accepted_at(&thread, at));
        let (_, _, key_id, problem) = thread;
        Some(Problem {
            item: NoticeItem {
                key_id,
                problem: problem.into(),
                problem_at: at,
                stage: stage.into(),
            },
            series,
            act_by: notice::act_by(known, self.now),
            rules: Vec::new(),
            news: None,
        })
    }

    /// The event that tells a webhook of a problem.
    pub(super) fn kind(&self, problem: &Problem) -> EventKind {
        let rules = problem.rules.iter().filter_map(|index| self.policy.rules().get(*index));
        let has = |is: fn(&Condition) -> bool| rules.clone().any(|rule| rule.when.iter().any(is));
        if let Some(news) = &problem.news {
            return news.kind;
        }
        match &*problem.item.problem {
            EXPIRY if problem.item.problem_at <= self.now => EventKind::Expired,
            EXPIRY => EventKind::Expiring,
            _ if has(is_exposed) => EventKind::Exposed,
            _ if has(is_idle) => EventKind::Unused,
            _ => EventKind::Aged,
        }
    }
}

fn has_age(finding: &Finding<'_>) -> bool {
    finding.rule.when.iter().any(|one| matches!(one, Condition::AgeOver(_)))
}

const fn is_exposed(condition: &Condition) -> bool {
    matches!(condition, Condition::Exposed(true))
}

const fn is_idle(condition: &Condition) -> bool {
    matches!(condition, Condition::IdleOver(_) | Condition::SuspendedFor(_))
}

const fn is_end(condition: &Condition) -> bool {
    matches!(condition, Condition::ExpiresWithin(_) | Condition::Expired(true))
}

/// Which problem a finding is, and its moment. That a key ends is one problem before and after.
fn identity(finding: &Finding<'_>, held: &HeldKey) -> (String, Time) {
    let end = held.record.key.expires_at.filter(|_| finding.rule.when.iter().any(is_end));
    match end {
        Some(end) => (EXPIRY.to_owned(), end),
        None => {
            let at = finding.since.unwrap_or(held.record.first_seen_at);
            (finding.rule.id.clone(), at)
        }
    }
}

/// How often somebody hears of a problem of which they first heard at `first`.
fn series(finding: &Finding<'_>, held: &HeldKey, at: Time, first: Option<Time>) -> Series {
    let rule = finding.rule;
    if rule.when.iter().any(is_exposed) {
        return match first {
            None => Series::AtOnce,
            Some(first) => Series::Discovery { first_notice_at: Some(first) },
        };
    }
    if rule.action == Action::Review || rule.severity == Severity::Low {
        return Series::Monthly;
    }
    let was_seen_coming = has_age(finding) && held.record.first_seen_at < at;
    if was_seen_coming || rule.when.iter().any(is_end) {
        return Series::Deadline { at };
    }
    Series::Discovery { first_notice_at: first }
}
