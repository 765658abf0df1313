//! K2: keys are made, changed, suspended, resumed and ended.

use std::collections::BTreeMap;

use keytender_core::akm::{Given, OperationName};
use keytender_core::conform::Outcome;
use serde_json::Value;

use super::ground::{Ground, ProbeKey};
use super::made::{Made, is_over};
use super::{Trial, Why, broken, untried};
use crate::clock;
use crate::connect::descriptor::Target;

impl Ground {
    pub(super) async fn control(&mut self, say: &dyn Fn(&Outcome)) {
        let trial = self.creates().await;
        let is_made = self.keys.contains_key(&'a');
        self.note(say, "creates", trial);
        if !is_made {
            return;
        }
        let trial = self.appears().await;
        self.note(say, "appears", trial);
        for letter in ['b', 'c'] {
            if self.has_room() {
                // What cannot be made is missed by the checks that need it.
                _ = self.make(letter, None).await;
            }
        }
        if self.claims("updates") {
            let trial = self.updates().await;
            self.note(say, "updates", trial);
        }
        if self.claims("idempotent") {
            let trial = self.idempotent().await;
            self.note(say, "idempotent", trial);
        }
        if self.claims("suspends") {
            let trial = self.suspends().await;
            let is_suspended = trial.is_ok();
            self.note(say, "suspends", trial);
            if self.claims("resumes") {
                let trial = self.resumes(is_suspended).await;
                self.note(say, "resumes", trial);
            }
        }
    }

    async fn creates(&mut self) -> Trial {
        let key = self.make('a', None).await?;
        let stated = self.stated(OperationName::Create);
        match self.until_taken(&key.secret, true, stated).await {
            Ok(took) => Ok(format!("it was made, and worked after {took} ms")),
            Err(Why::Untried(why)) => Ok(format!("it was made; {why}")),
            Err(why) => Err(why),
        }
    }

    async fn appears(&self) -> Trial {
        let key = self.key('a')?;
        let limit = self.limit(self.stated(OperationName::Create))?;
        let begun = key.made.1;
        loop {
            let listing = self.listing().await?;
            let took = clock::now().since(begun).as_micros() / 1_000;
            if listing.keys.iter().any(|found| found.key.id == key.target.id) {
                return Ok(format!("it was in the list after {took} ms"));
            }
            if !self.again(begun, limit).await {
                return broken(format!("it is not in the list after {} s", took / 1_000));
            }
        }
    }

    async fn updates(&mut self) -> Trial {
        let key = self.key('b').or_else(|_| self.key('a'))?;
        let name = self.name("renamed");
        let args = BTreeMap::from([("name".to_owned(), Given::Value(Value::from(name.clone())))]);
        self.session.act(&self.kind, OperationName::Update, &key.target, args).await?;
        self.did(&key.target.id, OperationName::Update);
        let found = self.look(&key).await?;
        let shown = found.and_then(|found| found.key.name);
        let letter = if self.keys.contains_key(&'b') { 'b' } else { 'a' };
        match shown {
            Some(shown) if shown == name => {
                if let Some(key) = self.keys.get_mut(&letter) {
                    key.target.name = Some(name);
                }
                Ok("it shows the new name".to_owned())
            }
            _ => broken("it does not show the new name"),
        }
    }

    async fn idempotent(&mut self) -> Trial {
        if !self.has_room() {
            return untried("there is no room for one more key");
        }
        let name = self.name("d");
        let target = Target { within: self.place.clone(), ..Target::default() };
        let request = self.name("request");
        let mut ids = Vec::new();
        let args = self.args_of_create(&name);
        self.made.push(Made::Named(name));
        for _ in 0..2 {
            let create = OperationName::Create;
            let acted =
                self.session.act_known(&self.kind, create, &target, args.clone(), &request).await?;
            if let Some(secret) = &acted.secret {
                self.session.watch(secret);
            }
            ids.extend(acted.id);
        }
        if ids.len() < 2 {
            return broken("the answers do not say which key was made");
        }
        self.made.pop();
        ids.dedup();
        let made = |id: &String| Made::Key(Target { id: id.clone(), ..target.clone() });
        self.made.extend(ids.iter().map(made));
        match ids.as_slice() {
            [_] => Ok("the second answer names the same key".to_owned()),
            _ => broken("the same request made two keys"),
        }
    }

    async fn suspends(&mut self) -> Trial {
        let key = self.key('a')?;
        self.act(&key, OperationName::Suspend).await?;
        let stated = self.stated(OperationName::Suspend);
        let took = self.until_taken(&key.secret, false, stated).await?;
        let found = self.look(&key).await?;
        match found {
            Some(found) if found.key.state == keytender_core::key::State::Active => {
                broken("it is refused, and shown as active")
            }
            Some(_) => Ok(format!("it was refused after {took} ms")),
            None => broken("it is not there any more"),
        }
    }

    async fn resumes(&mut self, is_suspended: bool) -> Trial {
        let key = self.key('a')?;
        self.act(&key, OperationName::Resume).await?;
        if !is_suspended {
            return untried("it was never seen suspended");
        }
        let stated = self.stated(OperationName::Resume);
        let took = self.until_taken(&key.secret, true, stated).await?;
        Ok(format!("it worked again after {took} ms"))
    }

    /// A key is ended, and ended again.
    pub(super) async fn ending(&mut self, say: &dyn Fn(&Outcome)) {
        if !self.claims("deletes") {
            return;
        }
        let key = self.key('b').or_else(|_| self.key('c')).or_else(|_| self.key('a'));
        let trial = match &key {
            Ok(key) => self.deletes(key).await,
            Err(why) => Err(why.clone()),
        };
        self.note(say, "deletes", trial);
        let trial = match &key {
            Ok(key) => self.deletes_twice(key).await,
            Err(why) => Err(why.clone()),
        };
        self.note(say, "deletes-twice", trial);
    }

    async fn deletes(&mut self, key: &ProbeKey) -> Trial {
        self.act(key, OperationName::Delete).await?;
        let stated = self.stated(OperationName::Delete);
        let took = self.until_taken(&key.secret, false, stated).await?;
        Ok(format!("it was refused after {took} ms"))
    }

    async fn deletes_twice(&self, key: &ProbeKey) -> Trial {
        let delete = OperationName::Delete;
        let again = self.session.act(&self.kind, delete, &key.target, BTreeMap::new()).await?;
        let found = self.look(key).await?;
        match (again.was_gone, found) {
            (true, _) => Ok("the answer was that it is gone".to_owned()),
            (false, None) => Ok("it was done again, and it is gone".to_owned()),
            (false, Some(found)) if is_over(found.key.state) => {
                Ok("it was done again, and the key has ended".to_owned())
            }
            (false, Some(_)) => broken("it was done again, and the key is there"),
        }
    }
}
