//! K4: uses, reports, and the log of acts.

use std::collections::BTreeSet;

use keytender_core::akm::{FieldName, ListedUse, OperationName};
use keytender_core::conform::Outcome;
use keytender_core::time::Span;

use super::ground::Ground;
use super::{Trial, broken, untried};
use crate::clock;
use crate::connect::descriptor::Deed;

/// By how much the provider's clock may differ from ours.
const CLOCKS: Span = Span::from_micros(30 * 1_000_000);
/// How long a log may take: nobody states it.
const LOG_SECONDS: u32 = 15;

impl Ground {
    pub(super) async fn observe(&mut self, say: &dyn Fn(&Outcome)) {
        if self.claims("never-used") {
            let trial = self.never_used().await;
            self.note(say, "never-used", trial);
        }
        let mut is_seen = false;
        if self.claims("use-seen") {
            let trial = self.use_seen().await;
            is_seen = trial.is_ok();
            self.note(say, "use-seen", trial);
        }
        self.places_of_use(say, is_seen).await;
        if self.claims("report") {
            let trial = self.report().await;
            self.note(say, "report", trial);
        }
    }

    async fn never_used(&self) -> Trial {
        let key = self.key('b').or_else(|_| self.key('c'))?;
        // What stands there itself: a reader of times may take an epoch for none.
        let shown = self.session.fact(&self.kind, &key.target, FieldName::LastUsedAt).await?;
        if shown.is_some_and(|shown| shown != "") {
            return broken("a key that nobody used shows something as the time of its last use");
        }
        let found = self.look(&key).await?;
        match found.map(|found| found.key.last_use) {
            Some(ListedUse::Never) => Ok("a key that nobody used shows no time".to_owned()),
            Some(ListedUse::Used(_)) => {
                broken("a key that nobody used shows a time of its last use")
            }
            Some(ListedUse::Unknown(why)) => broken(format!("it does not say: {why}")),
            None => broken("the key is not there"),
        }
    }

    async fn use_seen(&self) -> Trial {
        let key = self.key('a')?;
        let used = &self.kind.last_used;
        let (exact, late) = (used.granularity_seconds.unwrap_or(0), used.lag_seconds.unwrap_or(0));
        // Where the last use is kept by whole days, it is moved at once and not seen to move.
        let limit = self.limit(Some(late.max(1)))?;
        let seconds = |seconds: u32| Span::from_micros(i64::from(seconds) * 1_000_000);
        let before = clock::now();
        self.use_key(&key.secret).await?;
        let after = clock::now();
        let from = before.minus(seconds(exact)).minus(CLOCKS);
        let to = after.plus(CLOCKS);
        loop {
            let found = self.look(&key).await?;
            let Some(found) = found else { return broken("the key is not there") };
            match found.key.last_use {
                ListedUse::Used(used) if (from..=to).contains(&used.at) => {
                    let took = clock::now().since(after).as_micros() / 1_000;
                    return Ok(format!("a use was seen after {took} ms"));
                }
                ListedUse::Used(used) if used.at > to => {
                    return broken("the last use is in the future");
                }
                _ => {}
            }
            if !self.again(after, limit).await {
                return broken(format!("a use was not seen after {late} s"));
            }
        }
    }

    async fn report(&self) -> Trial {
        let key = self.key('a')?;
        let Some(operation) = self.operation(OperationName::Report) else {
            return untried("no call gives it");
        };
        let mut deed = Deed::new(OperationName::Report, operation, "the report", &self.place);
        deed.auth = self.kind.auth.as_ref();
        let name = key.target.name.clone().unwrap_or_default();
        for word in [key.target.id.as_str(), name.as_str()] {
            if self.session.mentions(deed, word).await? {
                return Ok("it has the key that was made".to_owned());
            }
        }
        broken("it does not have the key that was made")
    }

    /// Whether what was done to a key is in the log.
    pub(super) async fn logged(&mut self, say: &dyn Fn(&Outcome)) {
        if self.claims("acts-logged") {
            let trial = self.acts_logged().await;
            self.note(say, "acts-logged", trial);
        }
        self.secrets(say);
    }

    async fn acts_logged(&self) -> Trial {
        let key = self.key('a')?;
        let done: BTreeSet<&'static str> = self
            .acts
            .get(&key.target.id)
            .map(|acts| acts.iter().map(|act| act.as_str()).collect())
            .unwrap_or_default();
        let since = key.made.0.minus(CLOCKS);
        let begun = clock::now();
        let limit = self.limit(Some(LOG_SECONDS))?;
        loop {
            let acts = self.session.acts(&self.kind, &key.target).await?;
            let is_its = |id: &Option<String>| id.as_ref().is_none_or(|id| *id == key.target.id);
            let own: Vec<_> = acts.iter().filter(|act| is_its(&act.key)).collect();
            if own.iter().any(|act| act.at.is_none()) {
                return broken("an act in the log has no time");
            }
            let fresh = own.iter().filter(|act| act.at.is_some_and(|at| at >= since));
            let words: BTreeSet<&str> = fresh.map(|act| act.act.as_str()).collect();
            if words.len() >= done.len() {
                let done: Vec<_> = done.into_iter().collect();
                return Ok(format!("it has them: {}", done.join(", ")));
            }
            if !self.again(begun, limit).await {
                let count = words.len();
                return broken(format!(
                    "{} kinds of acts were done, and {count} are in it",
                    done.len()
                ));
            }
        }
    }
}
