//! What only a probe does: entries of resources made and ended, orders of events, notices set, reports and logs of
//! acts read; and a watch over answers in which a secret must not stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keytender_core::akm::{
    FieldName, Given, KeyType, Operation, OperationName, Placed, Resource, Values, text,
};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::Value;

use super::act::{Target, given};
use super::failure::{Failure, Reason};
use super::list::about;
use super::page::Pages;
use super::{Placement, Session};
use crate::clock;

/// The most entries of a log of acts that are looked at.
const MAX_ACTS: usize = 2_000;

/// Secrets that no answer to a reading call may show, and the operations that showed one.
#[derive(Default)]
pub(super) struct Watch {
    secrets: Mutex<Vec<Secret>>,
    shown: Mutex<BTreeSet<&'static str>>,
}

impl Watch {
    fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the answer to an operation.
    pub(super) fn look(&self, operation: &'static str, body: &[u8]) {
        let is_in = |secret: &Secret| {
            let secret = secret.expose().as_bytes();
            !secret.is_empty() && body.windows(secret.len()).any(|part| part == secret)
        };
        if Self::lock(&self.secrets).iter().any(is_in) {
            Self::lock(&self.shown).insert(operation);
        }
    }
}

/// One thing that is done beside what is done to keys.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'d> {
    /// What it does.
    pub name: OperationName,
    /// The operation.
    pub operation: &'d Operation,
    /// Which way of authentication, where the operation does not say.
    pub auth: Option<&'d Placed<String>>,
    /// What it is called, for people.
    pub what: &'d str,
    /// What it stands in, the outermost first.
    pub within: &'d [Placement],
    /// The key that it is about, if it is about one.
    pub target: Option<&'d Target>,
    /// The order of events that it is about, if it is about one.
    pub subscription: Option<&'d str>,
}

impl<'d> Deed<'d> {
    /// An operation in a place.
    pub const fn new(
        name: OperationName,
        operation: &'d Operation,
        what: &'d str,
        within: &'d [Placement],
    ) -> Self {
        Self { name, operation, auth: None, what, within, target: None, subscription: None }
    }
}

/// An act that a log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAct {
    /// What was done, in the provider's words.
    pub act: String,
    /// When.
    pub at: Option<Time>,
    /// To which key, if the log says.
    pub key: Option<String>,
}

impl Session {
    /// No answer to a reading call may show this from now on.
    pub fn watch(&self, secret: &Secret) {
        Watch::lock(&self.watch.secrets).push(secret.clone());
    }

    /// The operations whose answers showed what is watched for.
    pub fn shown(&self) -> Vec<&'static str> {
        Watch::lock(&self.watch.shown).iter().copied().collect()
    }

    /// The entries of a resource in one place.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn entries(
        &self,
        resource: &Resource,
        within: &[Placement],
    ) -> Result<Vec<Placement>, Failure> {
        let found = self.list_placements(resource, within).await?;
        Ok(found.into_iter().filter_map(|mut place| place.pop()).collect())
    }

    /// Does something once, and gives the answer; null where it has none.
    ///
    /// # Errors
    /// When it was not done; [`Failure::is_undecided`] says whether it may have been done.
    pub async fn perform(
        &self,
        deed: Deed<'_>,
        args: &BTreeMap<String, Given>,
        shown: Option<&Value>,
        reads: bool,
    ) -> Result<Value, Failure> {
        let mut job =
            self.job(deed.name, Some(deed.operation), deed.auth, about(deed.what, deed.within))?;
        job.is_once = true;
        let refused = |why| job.doing.failed(Reason::Argument(why));
        given(&job.operation.args, args, shown.is_some()).map_err(refused)?;
        let mut values = self.deed_values(&deed);
        values.set_args(&job.operation.args, args, shown, clock::now());
        let call = self.descriptor.call(job.request, &values, None);
        let call = call.map_err(|error| job.doing.failed(Reason::Call(error)))?;
        let (outgoing, _) = self.outgoing(&job, call)?;
        Ok(self.exchange(&job, &outgoing, reads).await?.body)
    }

    /// Whether the answer to a reading operation has a text in it, whatever its form.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn mentions(&self, deed: Deed<'_>, word: &str) -> Result<bool, Failure> {
        let job =
            self.job(deed.name, Some(deed.operation), deed.auth, about(deed.what, deed.within))?;
        let mut values = self.deed_values(&deed);
        values.set_args(&job.operation.args, &BTreeMap::new(), None, clock::now());
        let call = self.descriptor.call(job.request, &values, None);
        let call = call.map_err(|error| job.doing.failed(Reason::Call(error)))?;
        let (outgoing, _) = self.outgoing(&job, call)?;
        let answer = self.answer(&job, &outgoing, true).await?;
        let word = word.as_bytes();
        Ok(!word.is_empty() && answer.body.windows(word.len()).any(|part| part == word))
    }

    /// What a log says was done to a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn acts(&self, kind: &KeyType, target: &Target) -> Result<Vec<LoggedAct>, Failure> {
        let name = OperationName::Audit;
        let operation = kind.operations.get(&name);
        let job = self.job(name, operation, kind.auth.as_ref(), about("acts", &target.within))?;
        let (outputs, item) = (&job.operation.outputs, |name| {
            job.operation.outputs.get(&name).map(keytender_core::akm::Field::at)
        });
        let places = (item(FieldName::Act), item(FieldName::ActedAt), item(FieldName::Id));
        let format = outputs.get(&FieldName::ActedAt).and_then(|field| field.format());
        let format = format.unwrap_or(kind.times);
        let mut deed_values = self.values_of(&target.within);
        deed_values.set("key", "id", target.id.as_str());
        if let Some(name) = &target.name {
            deed_values.set("key", "name", name.as_str());
        }
        deed_values.set_args(&job.operation.args, &BTreeMap::new(), None, clock::now());
        let read = |item: &Value| {
            let fact = |place: Option<&keytender_core::akm::Pointer>| place?.find(item).cloned();
            let at = fact(places.1).and_then(|at| format.read(&at, clock::now()).ok().flatten());
            let act = fact(places.0).as_ref().and_then(text)?;
            Some(LoggedAct { act, at, key: fact(places.2).as_ref().and_then(text) })
        };
        let mut found = Vec::new();
        let mut pages = Pages::new(self, job.clone(), &deed_values, None)?;
        while let Some(items) = pages.next().await? {
            found.extend(items.iter().filter_map(read));
            if found.len() >= MAX_ACTS {
                break;
            }
        }
        Ok(found)
    }

    /// What stands at a fact of a key, as the provider writes it; `None` where nothing does.
    ///
    /// # Errors
    /// When the provider does not tell.
    pub async fn fact(
        &self,
        kind: &KeyType,
        target: &Target,
        name: FieldName,
    ) -> Result<Option<Value>, Failure> {
        let Some((item, told)) = self.look(kind, target).await? else { return Ok(None) };
        let get = kind.operations.get(&OperationName::Get);
        let output = get.and_then(|get| get.outputs.get(&name));
        let output = output.and_then(|field| field.at().find(told.as_ref()?));
        let field = kind.fields.get(&name).and_then(|field| field.at().find(&item));
        Ok(output.or(field).filter(|value| !value.is_null()).cloned())
    }

    /// Makes an entry of a resource.
    ///
    /// # Errors
    /// When it was not made, or nobody knows which it is.
    pub async fn make_entry(
        &self,
        resource: &Resource,
        operation: &Operation,
        within: &[Placement],
        args: &BTreeMap<String, Given>,
        name: &str,
    ) -> Result<Placement, Failure> {
        let deed = Deed::new(OperationName::Create, operation, &resource.noun, within);
        let told = self.perform(deed, args, None, true).await?;
        let item = operation.item.find(&told);
        let output = operation.outputs.get(&FieldName::Id).and_then(|one| one.at().find(&told));
        let in_item = || resource.fields.get(&FieldName::Id)?.at().find(item?);
        let id = output.or_else(in_item).and_then(text).filter(|id| !id.is_empty());
        let doing = self.job(deed.name, Some(operation), None, resource.noun.clone())?.doing;
        let id = id.ok_or_else(|| {
            doing.ended(Reason::Unread("it does not say which one was made".to_owned()), true)
        })?;
        Ok(Placement {
            resource: resource.id.value.clone(),
            kind: resource.kind,
            id,
            name: Some(name.to_owned()),
        })
    }

    fn deed_values(&self, deed: &Deed<'_>) -> Values {
        let mut values = match deed.target {
            Some(target) => self.values_for(target),
            None => self.values_of(deed.within),
        };
        if let Some(id) = deed.subscription {
            values.set("subscription", "id", id);
        }
        values
    }
}
