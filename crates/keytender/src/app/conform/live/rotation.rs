//! K3: a key is replaced by another.

use std::collections::BTreeMap;

use keytender_core::akm::{Given, OperationName};
use keytender_core::conform::Outcome;
use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde_json::Value;

use super::ground::{Ground, ProbeKey};
use super::made::Made;
use super::{Trial, broken, untried};
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
        match self.subject().makes_second() {
            true => self.by_second(say).await,
            false => self.in_place(say).await,
        }
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

    async fn by_second(&mut self, say: &dyn Fn(&Outcome)) {
        let old = self.key('a');
        let new = match &old {
            Ok(old) => self.make('e', Some(&old.target)).await,
            Err(why) => Err(why.clone()),
        };
        let (old, new) = match (old, new) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(why), _) | (_, Err(why)) => {
                self.note(say, "both-work", Err(why));
                return;
            }
        };
        let trial = self.both(&old.secret, &new.secret).await;
        self.note(say, "both-work", trial);
        let trial = self.same_scopes(&old, &new).await;
        self.note(say, "scopes-kept", trial);
        let trial = self.old_deleted(&old, &new).await;
        self.note(say, "old-refused", trial);
    }

    async fn both(&self, old: &Secret, new: &Secret) -> Trial {
        self.until_taken(new, true, self.stated(OperationName::Create)).await?;
        match self.is_taken(old).await? {
            true => Ok("both were taken".to_owned()),
            false => broken("the old one is refused once the new one is there"),
        }
    }

    async fn same_scopes(&self, old: &ProbeKey, new: &ProbeKey) -> Trial {
        let scopes = |found: Option<crate::connect::descriptor::Found>| {
            let mut scopes = found.map(|found| found.key.scopes).unwrap_or_default();
            scopes.sort();
            scopes
        };
        let (of_old, of_new) = (scopes(self.look(old).await?), scopes(self.look(new).await?));
        match of_old == of_new {
            true => Ok("both may do the same".to_owned()),
            false => broken("the new one may do other things"),
        }
    }

    async fn old_deleted(&mut self, old: &ProbeKey, new: &ProbeKey) -> Trial {
        self.act(old, OperationName::Delete).await?;
        let stated = self.stated(OperationName::Delete);
        let took = self.until_taken(&old.secret, false, stated).await?;
        match self.is_taken(&new.secret).await? {
            true => Ok(format!("the old one was refused after {took} ms, and the new one works")),
            false => broken("with the old one the new one ended"),
        }
    }

    async fn in_place(&mut self, say: &dyn Fn(&Outcome)) {
        let (old, new) = match self.rotated('a', 'e').await {
            Ok(pair) => pair,
            Err(why) => {
                self.note(say, "both-work", Err(why));
                return;
            }
        };
        let trial = self.both(&old.secret, &new.secret).await;
        self.note(say, "both-work", trial);
        let trial = self.same_scopes(&old, &new).await;
        self.note(say, "scopes-kept", trial);
        let trial = self.overlap_over(&old, &new).await;
        self.note(say, "old-refused", trial);
    }

    async fn overlap_over(&self, old: &ProbeKey, new: &ProbeKey) -> Trial {
        let rotate = self.operation(OperationName::Rotate);
        let asks = rotate.is_some_and(|rotate| rotate.args.contains_key("overlap"));
        let stated = self.kind.rotation.as_ref().and_then(|rotation| rotation.overlap_seconds);
        let seconds = if asks { Some(3) } else { stated };
        let took = self.until_taken(&old.secret, false, seconds).await?;
        match self.is_taken(&new.secret).await? {
            true => Ok(format!("the old one was refused after {took} ms, and the new one works")),
            false => broken("with the old one the new one ended"),
        }
    }

    /// Has the provider rotate a key: the old one, and the new one under another letter.
    pub(super) async fn rotated(
        &mut self,
        from: char,
        to: char,
    ) -> Result<(ProbeKey, ProbeKey), super::Why> {
        let old = self.key(from)?;
        let Some(rotate) = self.operation(OperationName::Rotate) else {
            return untried("no call rotates");
        };
        let mut args = BTreeMap::new();
        let before = clock::now();
        if let Some(arg) = rotate.args.get("overlap") {
            let until = before.plus(OVERLAP);
            let given = arg.format.map(|_| Given::Time(until));
            args.extend(given.map(|given| ("overlap".to_owned(), given)));
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
