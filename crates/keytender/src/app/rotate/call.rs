//! The calls of a rotation: to its provider and its destinations, each within its time.

use std::collections::BTreeMap;
use std::time::Duration;

use keytender_core::inventory::KeyRecord;
use keytender_core::key::LastUse;
use keytender_core::rotation::{Answer, Cadence, Call, Fault, Seen, SeenKey, Stage, Way, quiet};
use keytender_core::secret::Secret;
use keytender_core::time::Span;

use super::places::{Place, try_one};
use super::provider::{Failed, Minted, Principal};
use super::sealed::Safe;
use super::words;
use crate::deliver::{Destination, Held, Parts, Written};
use crate::error::{Error, Kind};
use crate::net::outbound::Settings;
use crate::store::keys::HeldKey;
use crate::store::rotations::Kept;

/// How long whoever is told to read a destination again may take to answer.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Whoever stops the key by which it asks can neither go on nor back.
const STILL_OWN: &str = "Keytender itself still asks the account by the key that leaves: put the new one where the \
                         account's credential is read, then resume";

/// What a rotation works with.
pub(super) struct Hands {
    /// The keys of the old one's principal; or why they cannot be reached, so that what asks them fails.
    pub(super) provider: Result<Principal, Failed>,
    pub(super) places: Vec<Place>,
    pub(super) safe: Safe,
    /// The old key as the inventory knows it.
    pub(super) held: HeldKey,
    /// Its secret, where we keep it.
    pub(super) secret: Option<Secret>,
}

/// An answer, and what is to be kept of it, sealed, in the same transaction.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) new: Option<(Minted, String)>,
    pub(super) old: Option<String>,
}

impl Answered {
    fn alone(answer: Answer) -> Self {
        Self { answer, new: None, old: None }
    }
}

fn failed(failed: Failed) -> Answered {
    let Failed(fault, because) = failed;
    Answered::alone(Answer::Failed(fault, because))
}

/// A failure of a destination. What another service or another writer did may go by; the rest needs a person.
fn misplaced(error: &Error) -> Failed {
    let fault = match error.of_kind() {
        Kind::Conflict | Kind::Provider => Fault::Later,
        _ => Fault::Refused,
    };
    Failed(fault, words::on_a_line(error))
}

impl Hands {
    /// Makes a call; what is not answered in time is lost.
    pub(super) async fn perform(&self, row: &Kept, call: &Call) -> Answered {
        let micros = u64::try_from(row.state.plan.timeout.as_micros()).unwrap_or(0);
        let made = Box::pin(self.make(row, call));
        let answered = tokio::time::timeout(Duration::from_micros(micros), made);
        let late = |_| Err(Failed(Fault::Lost, "there was no answer in time".to_owned()));
        answered.await.unwrap_or_else(late).unwrap_or_else(failed)
    }

    async fn make(&self, row: &Kept, call: &Call) -> Result<Answered, Failed> {
        let did = || Answered::alone(Answer::Did);
        Ok(match call {
            Call::Preflight => self.preflight().await?,
            Call::Create { marker } => self.made(self.provider()?.create(marker).await?)?,
            Call::Rotate => self.made(self.provider()?.rotate().await?)?,
            Call::Look => Answered::alone(Answer::Looked(self.provider()?.list().await?)),
            Call::Try => self.try_new(row).await?,
            Call::Observe => self.observe(row).await?,
            Call::Deliver { at } => self.deliver(row, *at).await.map_err(|e| misplaced(&e))?,
            Call::Restore { at } => self.restore(row, *at).await.map_err(|e| misplaced(&e))?,
            Call::Reload { at } => self.reload(*at).await.map_err(|e| misplaced(&e))?,
            Call::Disable { id } => {
                self.refuse_own(id).await?;
                self.provider()?.disable(id).await.map(|()| did())?
            }
            Call::Enable { id } => self.provider()?.enable(id).await.map(|()| did())?,
            Call::Delete { id } => {
                self.refuse_own(id).await?;
                self.provider()?.delete(id).await.map(|()| did())?
            }
        })
    }

    fn provider(&self) -> Result<&Principal, Failed> {
        self.provider.as_ref().map_err(Clone::clone)
    }

    /// Nothing ends the key by which the account is asked.
    async fn refuse_own(&self, id: &str) -> Result<(), Failed> {
        match self.provider()?.asks_by(id).await? {
            true => Err(Failed(Fault::Refused, STILL_OWN.to_owned())),
            false => Ok(()),
        }
    }

    fn made(&self, new: Minted) -> Result<Answered, Failed> {
        let sealed =
            self.safe.seal_new(&new).map_err(|e| Failed(Fault::Lost, words::on_a_line(&e)))?;
        let answer = Answer::Made {
            id: new.id.clone(),
            expires_at: new.expires_at,
            print: self.safe.print_of(&new),
        };
        Ok(Answered { answer, new: Some((new, sealed)), old: None })
    }

    /// What there is, and what stands in the way of writing a destination.
    async fn preflight(&self) -> Result<Answered, Failed> {
        let keys = self.provider()?.list().await?;
        let mut faults = BTreeMap::new();
        let mut found = Vec::with_capacity(self.places.len());
        for (at, place) in self.places.iter().enumerate() {
            let held = match self.look_at(&place.spec).await {
                Ok(held) => held,
                Err(error) => {
                    faults.insert(at, words::on_a_line(&error));
                    None
                }
            };
            found.push(held);
        }
        let prints = found.iter().map(|held| held.as_ref().map(|held| self.safe.print(held)));
        let prints = prints.collect();
        let old =
            self.safe.seal_old(&found).map_err(|e| Failed(Fault::Later, words::on_a_line(&e)))?;
        let seen = Seen { keys, prints, cadence: self.cadence() };
        Ok(Answered { answer: Answer::Preflighted(seen, faults), new: None, old: Some(old) })
    }

    /// What stands at a destination, which must be the old key, as far as anybody can tell.
    async fn look_at(&self, spec: &Destination) -> Result<Option<Held>, Error> {
        try_one(spec).await?;
        let held = spec.read().await?;
        let other = || {
            Error::new("another key stands there than the one that is replaced")
                .hint("put the present secret there, or remove the destination")
        };
        if let Some(held) = &held {
            let id = self.held.record.key.id.as_deref();
            let is_other_id =
                held.id.as_ref().zip(id).is_some_and(|(held, id)| held.expose() != id);
            let is_other_secret = self
                .secret
                .as_ref()
                .zip(held.secret.as_ref())
                .is_some_and(|(known, held)| known.expose() != held.expose());
            if is_other_id || is_other_secret {
                return Err(other());
            }
        }
        Ok(held)
    }

    fn cadence(&self) -> Cadence {
        cadence(&self.held.record)
    }

    async fn try_new(&self, row: &Kept) -> Result<Answered, Failed> {
        let new = self.new_key(row)?;
        let id = new.id.as_deref().unwrap_or_default();
        let is_taken = self.provider()?.is_taken(id, &new.secret).await?;
        Ok(Answered::alone(Answer::Tried(is_taken)))
    }

    fn new_key(&self, row: &Kept) -> Result<Parts, Failed> {
        let new =
            self.safe.new_key(row).map_err(|e| Failed(Fault::Refused, words::on_a_line(&e)))?;
        new.ok_or_else(|| Failed(Fault::Refused, "the new secret is not kept any more".to_owned()))
    }

    /// What there is, each destination in the words of the rotation: the new print where the new secret stands.
    async fn observe(&self, row: &Kept) -> Result<Answered, Failed> {
        // The secret of a key that is changed in place leaves with the call; its id stays.
        if row.state.stage == Stage::Overlap && row.state.plan.way == Way::CreateThenDelete {
            self.refuse_own(self.provider()?.old_id()).await?;
        }
        let keys: Vec<SeenKey> = self.provider()?.list().await?;
        let new = self.new_key(row).ok();
        let mut prints = Vec::with_capacity(self.places.len());
        for (place, delivery) in self.places.iter().zip(&row.state.deliveries) {
            let new_print = row.state.new.as_ref().map(|new| new.print.clone());
            if !place.spec.can_read() {
                // What was written there and not taken back is believed to stand there.
                let is_new = delivery.is_written && !delivery.is_restored;
                prints.push(if is_new { new_print } else { delivery.before.clone() });
                continue;
            }
            let held = place.spec.read().await.map_err(|error| {
                Failed(
                    Fault::Later,
                    format!("`{}` cannot be read: {}", place.name, words::on_a_line(&error)),
                )
            })?;
            let wanted = new.as_ref().and_then(|new| place.spec.wanted(new).ok());
            let both = held.as_ref().zip(wanted.as_ref());
            let is_new = both.is_some_and(|(held, wanted)| held.is_same(wanted));
            prints.push(match new_print.filter(|_| is_new) {
                Some(print) => Some(print),
                None => held.map(|held| self.safe.print(&held)),
            });
        }
        let seen = Seen { keys, prints, cadence: self.cadence() };
        Ok(Answered::alone(Answer::Observed(seen)))
    }

    fn place(&self, at: usize) -> Result<&Place, Error> {
        let place = self.places.get(at);
        place.ok_or_else(|| Error::new("there is no such destination").kind(Kind::Internal))
    }

    /// The place, what stood there before, and the new key.
    fn both(&self, row: &Kept, at: usize) -> Result<(&Place, Option<Held>, Parts), Error> {
        let old = self.safe.old(row)?.into_iter().nth(at).flatten();
        let new = self.safe.new_key(row)?;
        let new = new.ok_or_else(|| Error::new("the new secret is not kept any more"))?;
        Ok((self.place(at)?, old, new))
    }

    async fn deliver(&self, row: &Kept, at: usize) -> Result<Answered, Error> {
        let (place, old, new) = self.both(row, at)?;
        written(place.spec.write(old.as_ref(), &new).await?)
    }

    /// Puts back what stood there. Of a destination that tells nothing it is the old secret, if we keep that; else a
    /// person puts it back.
    async fn restore(&self, row: &Kept, at: usize) -> Result<Answered, Error> {
        let (place, old, new) = self.both(row, at)?;
        let wanted = place.spec.wanted(&new)?;
        let id = old.as_ref().and_then(|old| old.id.as_ref()).map(|id| id.expose().to_owned());
        let secret = old.and_then(|old| old.secret).or_else(|| self.secret.clone());
        match secret {
            Some(secret) => written(place.spec.write(Some(&wanted), &Parts { id, secret }).await?),
            None => written(Written::Foreign),
        }
    }

    async fn reload(&self, at: usize) -> Result<Answered, Error> {
        // Whoever may add a destination says where its users are.
        let settings = Settings { timeout: RELOAD_TIMEOUT, roots: None, allow_private: true };
        if let Some(hook) = &self.place(at)?.hook {
            hook.run(&settings).await?;
        }
        Ok(Answered::alone(Answer::Did))
    }
}

fn written(written: Written) -> Result<Answered, Error> {
    Ok(Answered::alone(match written {
        Written::Now | Written::Already => Answer::Written,
        Written::Foreign => Answer::Foreign,
    }))
}

/// The largest gap between two uses, if the key is known for long enough to tell. Of one that was seen in use
/// too seldom for a gap, the longest that could have been missed counts.
pub(super) fn cadence(record: &KeyRecord) -> Cadence {
    let now = crate::clock::now();
    if now.since(record.first_seen_at) < quiet::HISTORY {
        return Cadence::Since(record.first_seen_at);
    }
    Cadence::Known(match (&record.key.last_used, record.largest_gap) {
        (_, Some(gap)) => gap,
        (LastUse::Never { .. }, None) => Span::default(),
        (LastUse::Used(_) | LastUse::Unknown { .. }, None) => quiet::HISTORY,
    })
}
