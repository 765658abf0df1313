//! K5: notices are set, events arrive, keys are recognised, a leak is reported, and an owner ends.

use std::collections::{BTreeMap, BTreeSet};

use keytender_core::akm::{FieldName, Given, OperationName, text};
use keytender_core::conform::{Outcome, recognise};
use keytender_core::secret::Secret;
use serde_json::Value;

use super::ground::Ground;
use super::listener::Listener;
use super::made::Made;
use super::{Trial, broken, untried};
use crate::clock;
use crate::connect::descriptor::Deed;

/// The events that must come.
const EVENTS: [&str; 3] = ["key.created", "key.rotated", "key.revoked"];
/// To whom notices go while it is tried: a name that leads to nobody (RFC 2606).
const NOBODY: &str = "keytender-probe@example.com";
/// The day that is added where the days of notices can be set.
const EXTRA_DAY: u32 = 77;
/// How long a report of a leak may take to do something.
const DOOR_SECONDS: u32 = 60;

impl Ground {
    /// Where events come to.
    pub(super) fn events_url(&self) -> String {
        match (&self.asked.events_url, &self.events) {
            (Some(url), _) => url.clone(),
            (None, Some(listener)) => listener.url.clone(),
            (None, None) if self.asked.listen.port() == 0 => {
                format!("a free port of {}", self.asked.listen.ip())
            }
            (None, None) => format!("http://{}/", self.asked.listen),
        }
    }

    /// Orders events, before anything is done that they would tell of.
    pub(super) async fn order_events(&mut self, say: &dyn Fn(&Outcome)) {
        if !self.claims("events-signed") {
            return;
        }
        if let Err(why) = self.ordered().await {
            self.note(say, "events-signed", Err(why));
        }
    }

    async fn ordered(&mut self) -> Result<(), super::Why> {
        let mut listener = match Listener::start(self.asked.listen).await {
            Ok(listener) => listener,
            Err(error) => return untried(format!("nothing can listen there: {error}")),
        };
        let url = match &self.asked.events_url {
            Some(url) => url.clone(),
            None => listener.url.clone(),
        };
        let events = self.descriptor().events.clone();
        let Some(events) = events else { return untried("`events` is not said") };
        let Some(subscribe) = &events.subscribe else { return untried("no call orders events") };
        let names: Vec<Value> = EVENTS
            .iter()
            .filter_map(|name| events.types.get(*name))
            .map(|name| Value::from(name.as_str()))
            .collect();
        let mut args = BTreeMap::from([("url".to_owned(), Given::Value(Value::from(url)))]);
        for (word, value) in [
            ("events", Value::from(names)),
            ("name", Value::from(self.name("hook"))),
            ("private", Value::from(self.asked.events_url.is_none())),
        ] {
            if subscribe.args.contains_key(word) {
                args.insert(word.to_owned(), Given::Value(value));
            }
        }
        let within = self.part(events.within.as_ref());
        let deed = Deed::new(OperationName::Create, subscribe, "events", &within);
        let name = self.name("hook");
        self.made.push(Made::NamedOrder(name));
        let told = match self.session.perform(deed, &args, None, true).await {
            Ok(told) => told,
            Err(failure) => {
                if !failure.is_undecided() {
                    self.made.pop();
                }
                return Err(failure.into());
            }
        };
        let output =
            |name| subscribe.outputs.get(&name).and_then(|one| one.at().find(&told)).and_then(text);
        let Some(id) = output(FieldName::Id) else {
            return broken("the answer does not say which order it is");
        };
        self.made.pop();
        self.made.push(Made::Order(id));
        let Some(secret) = output(FieldName::Secret) else {
            return broken("the answer gives no secret that signs");
        };
        listener.secret = Some(Secret::new(secret));
        self.events = Some(listener);
        Ok(())
    }

    pub(super) async fn respond(&mut self, say: &dyn Fn(&Outcome)) {
        if self.claims("recognisable") {
            let trial = self.recognised();
            self.note(say, "recognisable", trial);
        }
        if self.claims("notices-set") {
            let trial = self.notices().await;
            self.note(say, "notices-set", trial);
        }
        if self.claims("exposed-door") {
            let trial = self.exposed().await;
            self.note(say, "exposed-door", trial);
        }
        if self.events.is_some() {
            let trial = self.events_came().await;
            self.note(say, "events-signed", trial);
        }
        // With its owner everything else ends.
        if self.claims("owner-ends") {
            let trial = self.owner_ends().await;
            self.note(say, "owner-ends", trial);
        }
    }

    fn recognised(&self) -> Trial {
        let key = self.key('e').or_else(|_| self.key('a'))?;
        let mut pool = Vec::new();
        let mut is_empty = false;
        let random = || {
            if pool.is_empty() {
                let mut bytes = [0; 4096];
                is_empty |= getrandom::fill(&mut bytes).is_err();
                pool.extend_from_slice(&bytes);
            }
            pool.pop().unwrap_or_default()
        };
        let found = recognise(self.kind.format.as_ref(), key.secret.expose(), random);
        match found {
            _ if is_empty => untried("the system gives no random bytes"),
            Ok(()) => Ok("a real key was known, and none of 100,000 look-alikes".to_owned()),
            Err(why) => broken(why.to_string()),
        }
    }

    async fn notices(&mut self) -> Trial {
        let Some(notices) = self.descriptor().notices.clone() else {
            return untried("`notices` is not said");
        };
        let (Some(settings), Some(set)) = (&notices.settings, &notices.set) else {
            return untried("no call sets them");
        };
        let within = self.part(notices.within.as_ref());
        let asks = Deed::new(OperationName::Get, settings, "notices", &within);
        let before = self.session.perform(asks, &BTreeMap::new(), None, true).await?;
        let place = |word: &str| set.args.get(word).and_then(|arg| arg.copy.clone());
        let Some((word, at, now)) =
            ["email", "ageDays", "expiryDays"].into_iter().find_map(|word| {
                let at = place(word)?;
                let now = at.find(&before).cloned().unwrap_or_default();
                Some((word, at, now))
            })
        else {
            return untried("no argument of `set` says by `copy` where it stands in `settings`");
        };
        let other = match &now {
            Value::Array(days) => {
                let mut days = days.clone();
                days.push(Value::from(EXTRA_DAY));
                Value::from(days)
            }
            _ if word == "email" => Value::from(NOBODY),
            _ => return untried(format!("`{word}` is no list of days")),
        };
        let args = |value: Value| BTreeMap::from([(word.to_owned(), Given::Value(value))]);
        // What the probe made goes with all that was set of it.
        if !self.is_made(&within) {
            self.made.push(Made::Notices(args(now)));
        }
        self.set_notices(&args(other.clone())).await?;
        let after = self.session.perform(asks, &BTreeMap::new(), None, true).await?;
        match at.find(&after) == Some(&other) {
            true => Ok(format!("`{word}` was set, and is shown")),
            false => broken(format!("`{word}` was set, and is not shown")),
        }
    }

    async fn exposed(&mut self) -> Trial {
        let key = self.make('g', None).await?;
        let Some(door) = self.operation(OperationName::RevokeExposed).cloned() else {
            return untried("no call takes it");
        };
        self.until_taken(&key.secret, true, self.stated(OperationName::Create)).await?;
        let args =
            BTreeMap::from([("secret".to_owned(), Given::Value(Value::from(key.secret.expose())))]);
        for _ in 0..2 {
            let name = OperationName::RevokeExposed;
            let mut deed = Deed::new(name, &door, "a key that was found", &self.place);
            deed.auth = self.kind.auth.as_ref();
            self.session.perform(deed, &args, None, false).await?;
        }
        let stated = door.propagation_seconds.or(Some(DOOR_SECONDS));
        let took = self.until_taken(&key.secret, false, stated).await?;
        Ok(format!("202 twice, and it was refused after {took} ms"))
    }

    async fn events_came(&mut self) -> Trial {
        // Where keys are replaced by a second one, the provider has rotated none so far.
        if self.subject().makes_second() && self.operation(OperationName::Rotate).is_some() {
            self.rotated('e', 'f').await?;
        }
        let ids: BTreeSet<String> = self.acts.keys().cloned().collect();
        let Some(listener) = &self.events else { return untried("no events were ordered") };
        let types = self.descriptor().events.as_ref().map(|events| events.types.clone());
        let types = types.unwrap_or_default();
        let begun = clock::now();
        let limit = self.limit(None)?;
        loop {
            let came = listener.came();
            if let Some(bad) = came.iter().find(|event| !event.is_signed) {
                return broken(format!("the signature of `{}` is not good", bad.kind));
            }
            let is_ours = |body: &str| ids.iter().any(|id| body.contains(id.as_str()));
            let missing: Vec<&str> = EVENTS
                .into_iter()
                .filter(|name| {
                    let word = types.get(*name);
                    !came.iter().any(|one| Some(&one.kind) == word && is_ours(&one.body))
                })
                .collect();
            if missing.is_empty() {
                return Ok(format!("{} came, each with a good signature", came.len()));
            }
            if !self.again(begun, limit).await {
                return broken(format!("there came no {}", missing.join(", ")));
            }
        }
    }

    async fn owner_ends(&mut self) -> Trial {
        let Some((resource, name)) = self.subject().ending_owner() else {
            return untried("no call ends an owner");
        };
        let id = resource.id.value.clone();
        let (noun, word) = (resource.noun.clone(), name.as_str());
        let end = self.place.iter().position(|place| place.resource == id);
        let end = end.map_or(0, |end| end + 1);
        let owner: Vec<_> = self.place.iter().take(end).cloned().collect();
        if !self.is_made(&owner) {
            return untried(format!("the {noun} is not the probe's, so it is not ended"));
        }
        let key = self.make('h', None).await?;
        self.until_taken(&key.secret, true, self.stated(OperationName::Create)).await?;
        if let Err(why) = self.end_entry(&owner).await {
            return broken(why);
        }
        let stated = self.stated(OperationName::Delete);
        let took = self.until_taken(&key.secret, false, stated).await?;
        // All that stood in it is gone with it.
        self.made.retain(|made| !matches!(made, Made::Key(_) | Made::Named(_)));
        Ok(format!("with {word} of the {noun} its key was refused after {took} ms"))
    }
}
