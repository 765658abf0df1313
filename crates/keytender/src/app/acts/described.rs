//! Acts on keys of providers that are described.

use std::collections::BTreeMap;

use keytender_core::akm::{KeyType, OperationName};
use keytender_core::key::State;
use keytender_core::time::Time;

use super::{Act, Plan};
use crate::app::described;
use crate::connect::descriptor::{Failure, Found, Session, Target};
use crate::error::{Error, Kind};

/// A key at its provider.
struct Subject {
    session: Session,
    kind: KeyType,
    target: Target,
}

impl Subject {
    fn open(plan: &Plan) -> Result<Self, Error> {
        let session = described::open(&plan.account)?;
        let (kind, target) = described::subject(&session, &plan.account, &plan.key)?;
        Ok(Self { session, kind, target })
    }

    async fn find(&self, plan: &Plan) -> Result<Option<Found>, Error> {
        let found = self.session.find(&self.kind, &self.target).await;
        found.map_err(|failure| refuse(plan, failure))
    }
}

/// The operation of a descriptor that does it.
const fn operation(act: Act) -> OperationName {
    match act {
        Act::Disable => OperationName::Suspend,
        Act::Enable => OperationName::Resume,
        Act::Delete => OperationName::Delete,
    }
}

/// Looks how the key stands now, and whether the provider has a call for the act.
pub(super) async fn look(plan: &mut Plan, now: Time) -> Result<(), Error> {
    let subject = Subject::open(plan)?;
    let done = subject.kind.operations.get(&operation(plan.act));
    if let Some(page) = done.and_then(|operation| operation.console.as_ref()) {
        return Err(no_call(plan).hint(format!("people do it at {}", page.value)));
    }
    if done.is_none_or(|operation| operation.request.is_none()) {
        let links = &subject.session.descriptor().links;
        return Err(match (&links.console, plan.act) {
            (Some(page), _) => no_call(plan).hint(format!("its keys are at {}", page.value)),
            (None, Act::Delete) => no_call(plan),
            (None, _) => no_call(plan).hint("keytender keys delete ends it for good"),
        });
    }
    let Some(found) = subject.find(plan).await? else {
        if plan.act == Act::Delete {
            plan.is_done = true;
            return Ok(());
        }
        let message = format!("{} shows no such key any more", plan.account.provider);
        return Err(Error::new(message)
            .kind(Kind::Conflict)
            .hint(format!("bring it up to date: keytender sync {}", plan.account.name)));
    };
    let record = &mut plan.key.record;
    if record.key.state != found.key.state {
        let word = found.key.provider_state.as_deref().unwrap_or(found.key.state.as_str());
        plan.notes.push(format!("it is {} by now", keytender_core::text::printable(word)));
        record.suspended_seen_at = (found.key.state == State::Suspended).then_some(now);
        record.key.state = found.key.state;
    }
    // What it was last used for is newest at the provider.
    if found.key.last_use(now).used_at() > record.key.last_used.used_at() {
        record.key.last_used = found.key.last_use(now);
    }
    plan.is_done = found.key.state == plan.act.state();
    Ok(())
}

/// Does it; where the answer is lost, the provider is asked whether it came to be.
pub(super) async fn act(plan: &Plan) -> Result<(), Error> {
    let subject = Subject::open(plan)?;
    let done = subject
        .session
        .act(&subject.kind, operation(plan.act), &subject.target, BTreeMap::new())
        .await;
    let Err(failure) = done else { return Ok(()) };
    let found = subject.session.find(&subject.kind, &subject.target).await;
    match found.map(|found| found.map_or(State::Destroyed, |found| found.key.state)) {
        Ok(state) if state == plan.act.state() => Ok(()),
        _ => Err(refuse(plan, failure)),
    }
}

fn no_call(plan: &Plan) -> Error {
    let (act, provider) = (plan.act.as_str(), &plan.account.provider);
    Error::new(format!("{provider} has no call to {act} such a key")).kind(Kind::Conflict)
}

fn refuse(plan: &Plan, failure: Failure) -> Error {
    let hint = failure.hint();
    let message = format!("cannot {} {}", plan.act.as_str(), plan.key.record.id);
    let error = Error::new(message).kind(Kind::Provider).source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
