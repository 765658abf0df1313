//! K3: a key is replaced by another.

use std::collections::BTreeMap;

use keytender_core::akm::{Given, OperationName};
use keytender_core::conform::Outcome;
use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde_json::Value;

use super::ground::{Ground, ProbeKey};
use super::made::Made;
use super::{Trial, Why, broken, untried};
use crate::clock;
use crate::connect::descriptor::Target;

/// How far the end that is shown may be from the one that was asked for: some providers keep the day alone.
const WHOLE_DAY: Span = Span::days(1);
/// The overlap that is asked for where the caller decides it.
const OVERLAP: Span = Span::from_micros(3_000_000);

impl Ground {
    pub(super) async fn rotation(&mut self, say: &dyn Fn(&Outcome)) {
        if self.claims("expiry-set") {
            let trial = self.expiry().await;
            self.note(say, "expiry-set", trial);
        }
        if !self.claims("both-work") {
            return;
        }
        let is_second = self.subject().makes_second();
        // Where the secret is changed in its place, the old key is not there afterwards.
        let before = match self.key('a') {
            Ok(old) => self.scopes_of(&old).await,
            Err(why) => Err(why),
        };
        let pair = match is_second {
            true => self.second().await,
            false => self.rotated('a', 'e').await,
        };
        let (old, new) = match pair {
            Ok(pair) => pair,
            Err(why) => return self.note(say, "both-work", Err(why)),
        };
        let trial = match is_second {
            true => self.both(&old.secret, &new.secret).await,
            false => self.both_in_place(&old, &new).await,
        };
        self.note(say, "both-work", trial);
        let trial = match before {
            Ok(before) => self.same_scopes(&before, &new).await,
            Err(why) => Err(why),
        };
        self.note(say, "scopes-kept", trial);
        let trial = self.old_refused(&old, &new, is_second).await;
        self.note(say, "old-refused", trial);
    }

    async fn expiry(&self) -> Trial {
        let key = self.key('a')?;
        let create = self.operation(OperationName::Create);
        if !create.is_some_and(|create| create.args.contains_key("expires")) {
            return untried("only a rotation takes an end");
        }
        let found = self.look(&key).await?;
        let wanted = key.made.0.plus(super::ground::LIFE);
        match found.and_then(|found| found.key.expires_at) {
            Some(at) if at >= wanted.minus(WHOLE_DAY) && at <= wanted.plus(WHOLE_DAY) => {
                Ok("it shows the end that it was given".to_owned())
            }
            Some(_) => broken("it shows another end than it was given"),
            None => broken("it was given an end, and shows none"),
        }
    }

    /// Makes another key beside the first one.
    async fn second(&mut self) -> Result<(ProbeKey, ProbeKey), Why> {
        let old = self.key('a')?;
        let new = self.make('e', Some(&old.target)).await?;
        Ok((old, new))
    }

    async fn both(&self, old: &Secret, new: &Secret) -> Trial {
        self.until_taken(new, true, self.stated(OperationName::Create)).await?;
        match self.is_taken(old).await? {
            true => Ok("both were taken".to_owned()),
            false => broken("the old one is refused once the new one is there"),
        }
    }

    /// The same of one key whose secret was changed: it is one key still, if the document says so.
    async fn both_in_place(&self, old: &ProbeKey, new: &ProbeKey) -> Trial {
        if old.secret.expose() == new.secret.expose() {
            return broken("the answer gives the old secret");
        }
        let keeps = self.kind.rotation.as_ref().is_some_and(|rotation| rotation.keeps_id);
        if keeps && old.target.id != new.target.id {
            return broken("it has another id, and by the document it keeps its own");
        }
        self.both(&old.secret, &new.secret).await?;
        let listed = self.listing().await?.keys;
        match listed.iter().filter(|found| found.key.id == new.target.id).count() {
            1 if keeps => Ok("both were taken, and it is one key still".to_owned()),
            1 => Ok("both were taken".to_owned()),
            count => broken(format!("after the rotation it is in the list {count} times")),
        }
    }

    async fn scopes_of(&self, key: &ProbeKey) -> Result<Vec<String>, Why> {
        let found = self.look(key).await?;
        let mut scopes = found.map(|found| found.key.scopes).unwrap_or_default();
        scopes.sort();
        Ok(scopes)
    }

    async fn same_scopes(&self, before: &[String], new: &ProbeKey) -> Trial {
        match self.scopes_of(new).await? == before {
            true => Ok("both may do the same".to_owned()),
            false => broken("the new one may do other things"),
        }
    }

    /// The old one ends: by a call where it is another key, else with the overlap.
    async fn old_refused(&mut self, old: &ProbeKey, new: &ProbeKey, is_second: bool) -> Trial {
        let took = match is_second {
            true => {
                self.act(old, OperationName::Delete).await?;
                let stated = self.stated(OperationName::Delete);
                self.until_taken(&old.secret, false, stated).await?
            }
            false => self.overlap(old, new).await?,
        };
        match self.is_taken(&new.secret).await? {
            true => Ok(format!("the old one was refused after {took} ms, and the new one works")),
            false => broken("with the old one the new one ended"),
        }
    }

    /// Waits until the overlap is over, and holds it against what was said: how long it was, in milliseconds.
    async fn overlap(&self, old: &ProbeKey, new: &ProbeKey) -> Result<i64, Why> {
        let said = self.kind.rotation.as_ref().and_then(|rotation| rotation.overlap_seconds);
        let stated = match self.asks_overlap() {
            true => u32::try_from(OVERLAP.as_micros() / 1_000_000).ok(),
            false => said,
        };
        self.until_taken(&old.secret, false, stated).await?;
        // It began while the answer was on its way.
        let took = clock::now().since(new.made.0).as_micros() / 1_000;
        match stated.map(|seconds| i64::from(seconds) * 1_000) {
            Some(least) if took < least => broken(format!(
                "the old one was refused after {took} ms, and was to work for {least} ms"
            )),
            _ => Ok(took),
        }
    }

    /// Whether the caller says until when both work. A length in the provider's own words is left to the provider.
    fn asks_overlap(&self) -> bool {
        let overlap = self.operation(OperationName::Rotate).and_then(|one| one.args.get("overlap"));
        overlap.is_some_and(|arg| arg.format.is_some())
    }

    /// Has the provider rotate a key: the old one, and the new one under another letter.
    pub(super) async fn rotated(
        &mut self,
        from: char,
        to: char,
    ) -> Result<(ProbeKey, ProbeKey), Why> {
        let old = self.key(from)?;
        let Some(rotate) = self.operation(OperationName::Rotate) else {
            return untried("no call rotates");
        };
        let mut args = BTreeMap::new();
        let before = clock::now();
        if self.asks_overlap() {
            args.insert("overlap".to_owned(), Given::Time(before.plus(OVERLAP)));
        }
        if let (Some(name), true) = (&old.target.name, rotate.args.contains_key("name")) {
            args.insert("name".to_owned(), Given::Value(Value::from(name.clone())));
        }
        let acted =
            self.session.act_once(&self.kind, OperationName::Rotate, &old.target, args).await?;
        self.did(&old.target.id, OperationName::Rotate);
        let Some(secret) = acted.secret else { return broken("the answer gives no secret") };
        self.session.watch(&secret);
        let id = acted.id.unwrap_or_else(|| old.target.id.clone());
        let target = Target { id, ..old.target.clone() };
        if target.id != old.target.id {
            self.made.push(Made::Key(target.clone()));
        }
        let new = ProbeKey { target, secret, made: (before, clock::now()) };
        self.keys.insert(to, new.clone());
        Ok((old, new))
    }
}
