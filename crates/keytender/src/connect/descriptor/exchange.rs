//! One operation as a call: whether it is allowed, the call itself, and whether its answer is a good one.

use keytender_core::akm::{
    Call, Effect, HttpMethod, KeyType, Operation, OperationName, Placed, Request, Retry,
};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::failure::{Doing, Failure, Reason};
use super::list::noun;
use super::way::Way;
use super::wire::{Answer, Manner, Outgoing, Patience};
use super::{Session, Trust};

/// An operation that is about to be done.
#[derive(Clone)]
pub(super) struct Job<'s> {
    pub(super) doing: Doing,
    pub(super) operation: &'s Operation,
    pub(super) request: &'s Request,
    way: &'s Way,
    changes: bool,
    /// Whether it is sent once, whatever the descriptor says of repeating it.
    pub(super) is_once: bool,
}

/// A good answer.
pub(super) struct Told {
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Session {
    /// Prepares an operation, if it can be done by a call and this account may do it.
    pub(super) fn job<'s>(
        &'s self,
        name: OperationName,
        operation: Option<&'s Operation>,
        auth: Option<&'s Placed<String>>,
        about: String,
    ) -> Result<Job<'s>, Failure> {
        let provider = self.descriptor.provider.name.clone();
        let doing = Doing { provider, operation: name.as_str(), about };
        let no_call = |page| doing.failed(Reason::NoCall { page });
        let operation = operation.ok_or_else(|| no_call(None))?;
        let request = operation
            .request
            .as_ref()
            .ok_or_else(|| no_call(operation.console.as_ref().map(|page| page.value.clone())))?;
        let effect = operation.effect(name);
        if let Some(why) = refused(self.trust, operation, request, effect) {
            return Err(doing.failed(Reason::Trust(why)));
        }
        let way = self.way(operation.auth.as_ref().or(auth));
        let changes = effect != Effect::Read;
        Ok(Job { doing, operation, request, way, changes, is_once: false })
    }

    /// Whether an operation is done by a call, and this account may do it with its credential.
    ///
    /// # Errors
    /// Why not, with the page where people do it instead.
    pub fn allows(&self, kind: &KeyType, name: OperationName) -> Result<(), Failure> {
        let operation = kind.operations.get(&name);
        let job = self.job(name, operation, kind.auth.as_ref(), noun(kind).to_owned())?;
        let fault = job.way.fault().map(|why| job.doing.failed(Reason::Credential(why)));
        fault.map_or(Ok(()), Err)
    }

    fn way(&self, id: Option<&Placed<String>>) -> &Way {
        let named = id.and_then(|id| self.ways.iter().find(|way| way.id() == id.value));
        named.or(self.ways.first()).unwrap_or(&self.open)
    }

    /// A call, on its way to an approved host; and where the descriptor means it to go.
    pub(super) fn outgoing(&self, job: &Job<'_>, call: Call) -> Result<(Outgoing, Url), Failure> {
        let mut url = self.wire.place(&job.doing, &call.url)?;
        let meant = Url::parse(&call.url).unwrap_or_else(|_| url.clone());
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let outgoing =
            Outgoing { method: call.method, url, headers: call.headers, body: call.body };
        Ok((outgoing, meant))
    }

    /// Makes a call and gives its answer as it came, if that is a good one by its code.
    pub(super) async fn answer(
        &self,
        job: &Job<'_>,
        outgoing: &Outgoing,
        reads: bool,
    ) -> Result<Answer, Failure> {
        let doing = &job.doing;
        let manner = Manner {
            doing,
            patience: job.patience(),
            codes: &job.operation.success,
            reads,
            changes: job.changes,
        };
        let mut signed = job.way.sign(&self.wire, doing, None).await?;
        let mut answer = self.wire.send(outgoing, &signed, &manner).await?;
        let may_renew = job.way.has_tokens() && manner.patience != Patience::Never;
        if answer.code == 401 && may_renew && !answer.is_undecided {
            signed = job.way.sign(&self.wire, doing, Some(&signed)).await?;
            answer = self.wire.send(outgoing, &signed, &manner).await?;
        }
        let code = answer.code;
        let is_undecided = answer.is_undecided;
        if job.operation.gone.contains(&code) {
            return Err(doing.ended(Reason::Gone { code }, is_undecided));
        }
        if !job.operation.is_done(code) {
            return Err(doing.ended(Reason::Answer { code }, is_undecided));
        }
        if !job.changes {
            self.watch.look(doing.operation, &answer.body);
        }
        Ok(answer)
    }

    /// Makes a call and gives its answer, if that is a good one. With `reads` its body is needed.
    pub(super) async fn exchange(
        &self,
        job: &Job<'_>,
        outgoing: &Outgoing,
        reads: bool,
    ) -> Result<Told, Failure> {
        let doing = &job.doing;
        let reads = reads || !job.operation.refusals.is_empty();
        let answer = self.answer(job, outgoing, reads).await?;
        let is_undecided = answer.is_undecided;
        let unread = |what: &str| doing.ended(Reason::Unread(what.to_owned()), job.changes);
        let body = match answer.body.trim_ascii() {
            _ if !reads => Value::Null,
            [] => Value::Null,
            text => serde_json::from_slice(text).map_err(|_| unread("it is no JSON"))?,
        };
        for refusal in &job.operation.refusals {
            let found = refusal.at.find(&body);
            if found.is_some_and(|found| refusal.is.as_ref().is_none_or(|is| is == found)) {
                let reason = Reason::Refused { at: refusal.at.to_string() };
                return Err(doing.ended(reason, is_undecided));
            }
        }
        Ok(Told { headers: answer.headers, body })
    }
}

impl Job<'_> {
    /// Reads are tried again; what changes something only where it surely was not done, unless the
    /// provider knows repeated requests.
    fn patience(&self) -> Patience {
        let is_known = self.operation.idempotency_header.is_some();
        match self.operation.retry {
            _ if self.is_once => Patience::Never,
            Some(Retry::Never) => Patience::Never,
            Some(Retry::Safe) => Patience::Safe,
            None if !self.changes || is_known => Patience::Safe,
            None => Patience::Unsent,
        }
    }
}

/// Why an operation is not allowed with this trust.
fn refused(
    trust: Trust,
    operation: &Operation,
    request: &Request,
    effect: Effect,
) -> Option<&'static str> {
    let reads = effect == Effect::Read && request.method.value == HttpMethod::Get;
    match trust {
        Trust::ReadOnly if !reads => {
            Some("this descriptor is trusted to read by GET alone: allow it more first")
        }
        Trust::ReadOnly | Trust::Shelf if operation.unsure.is_some() => {
            Some("no source supports this operation: it is not done before somebody allows it")
        }
        Trust::ReadOnly | Trust::Shelf | Trust::All => None,
    }
}
