//! Acts on keys of AWS users.

use keytender_core::key::{PrincipalKind, State};
use keytender_core::time::Time;

use super::{Act, Plan};
use crate::app::aws::{account_hint, open};
use crate::connect::aws::{Failure, word};
use crate::error::{Error, Kind};

/// The note where only the state of a key could be asked.
const NOT_SAID: &str =
    "AWS did not say when it was last used: what stands here is of the last sync";

/// The user and the id of the key, which acts need.
fn subject(plan: &Plan) -> Result<(&str, &str), Error> {
    if plan.key.record.key.principal_kind == Some(PrincipalKind::Root) {
        let error = Error::new("root's keys are disabled and deleted by root alone");
        let hint = format!("keytender keys show {} says how", plan.key.record.id);
        return Err(error.hint(hint));
    }
    let key = &plan.key.record.key;
    key.principal.as_deref().zip(key.id.as_deref()).ok_or_else(|| {
        Error::new(format!("the id of {} is not known", plan.key.record.id))
            .hint(format!("bring it up to date: keytender sync {}", plan.account.name))
    })
}

/// Looks how the key stands now, and with `asks_use` when it was last used. Where AWS does not say that,
/// what the last sync knew stays.
pub(super) async fn look(plan: &mut Plan, now: Time, asks_use: bool) -> Result<(), Error> {
    let (user, id) = subject(plan)?;
    let iam = open(&plan.account).await?;
    let found = iam.find_key(user, id).await.map_err(|failure| refuse(plan, failure))?;
    let Some(found) = found else {
        if plan.act == Act::Delete {
            plan.is_done = true;
            return Ok(());
        }
        return Err(Error::new(format!("AWS shows no key {} any more", plan.key.record.id))
            .kind(Kind::Conflict)
            .hint(format!("bring it up to date: keytender sync {}", plan.account.name)));
    };
    let used = match asks_use && found.state == State::Active {
        true => iam.last_use(id).await,
        false => Ok(None),
    };
    let record = &mut plan.key.record;
    if record.key.state != found.state {
        plan.notes.push(format!("it is {} by now", word(found.state)));
        // Somebody else did it; since when nobody knows, so the hold begins now.
        record.suspended_seen_at = (found.state == State::Suspended).then_some(now);
        record.key.state = found.state;
    }
    match used {
        Ok(Some(used)) if used.used_at() > record.key.last_used.used_at() => {
            record.key.last_used = used;
        }
        Ok(_) => {}
        Err(_) => plan.notes.push(NOT_SAID.to_owned()),
    }
    plan.is_done = found.state == plan.act.state();
    Ok(())
}

/// Does it; where the answer is lost, the listing tells whether it came to be.
pub(super) async fn act(plan: &Plan) -> Result<(), Error> {
    let (user, id) = subject(plan)?;
    let iam = open(&plan.account).await?;
    let done = match plan.act {
        Act::Disable => iam.set_key_active(user, id, false).await,
        Act::Enable => iam.set_key_active(user, id, true).await,
        Act::Delete => iam.delete_key(user, id).await,
    };
    let Err(failure) = done else {
        return Ok(());
    };
    let state =
        iam.find_key(user, id).await.map(|key| key.map_or(State::Destroyed, |key| key.state));
    match state {
        Ok(state) if state == plan.act.state() => Ok(()),
        _ => Err(refuse(plan, failure)),
    }
}

fn refuse(plan: &Plan, failure: Failure) -> Error {
    let (act, id) = (plan.act.as_str(), plan.key.record.id);
    let hint = match failure.is_denied() {
        true => Some(format!(
            "the credentials of `{}` need {} for it",
            plan.account.name, failure.permission
        )),
        false => account_hint(&failure, &plan.account),
    };
    let error = Error::new(format!("cannot {act} {id}")).kind(Kind::Provider).source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
