//! What a probe made, and how it is taken away again.

use std::collections::BTreeMap;

use keytender_core::akm::{Given, OperationName};
use keytender_core::conform::PROBE;
use keytender_core::key::State;
use serde_json::Value;

use super::ground::Ground;
use crate::connect::descriptor::{Deed, Failure, Placement, Target};

/// One thing that must be taken away.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// A key.
    Key(Target),
    /// A key of which nothing but its name is known: the answer to its making was lost.
    Named(String),
    /// An entry of a resource, with what it stands in.
    Entry(Vec<Placement>),
    /// An entry of this resource, of which nothing but its name and what it stands in is known.
    NamedEntry(String, Vec<Placement>, String),
    /// An order of events.
    Order(String),
    /// An order of events, of which nothing but its name is known.
    NamedOrder(String),
    /// Settings of notices, as they were.
    Notices(BTreeMap<String, Given>),
}

impl Ground {
    /// Takes away everything that was made, the last first; says what could not be, and why.
    pub(super) async fn clean(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        while let Some(made) = self.made.pop() {
            if let Err(why) = self.take_away(&made).await {
                left.push(format!("{}: {why}", named(&made)));
            }
        }
        left
    }

    /// The names of everything that is still there.
    pub(super) fn names_of_made(&self) -> Vec<String> {
        self.made.iter().map(|made| format!("{}: there was no time", named(made))).collect()
    }

    async fn take_away(&self, made: &Made) -> Result<(), String> {
        match made {
            Made::Key(target) => self.end_key(target).await,
            Made::Named(name) => self.end_named(name).await,
            Made::Entry(place) => self.end_entry(place).await.map(drop),
            Made::NamedEntry(resource, within, name) => {
                self.end_named_entry(resource, within, name).await
            }
            Made::NamedOrder(_) => {
                let events = self.descriptor().events.as_ref();
                let within = self.part(events.and_then(|events| events.within.as_ref()));
                // With its place, which is taken away too, it goes.
                let goes = self.is_made(&within);
                if goes { Ok(()) } else { Err("no call finds it by its name".to_owned()) }
            }
            Made::Order(id) => {
                let events = self.descriptor().events.as_ref();
                let operation = events.and_then(|events| events.unsubscribe.as_ref());
                let Some(operation) = operation else { return Err("no call ends it".to_owned()) };
                let mut deed =
                    Deed::new(OperationName::Delete, operation, "the order of events", &self.place);
                deed.subscription = Some(id);
                let done = self.session.perform(deed, &BTreeMap::new(), None, false).await;
                ended(done.map(drop))
            }
            Made::Notices(before) => {
                let done = self.set_notices(before).await;
                done.map(drop).map_err(|failure| failure.to_string())
            }
        }
    }

    /// Ends a key; one that is gone is fine.
    async fn end_key(&self, target: &Target) -> Result<(), String> {
        let done =
            self.session.act(&self.kind, OperationName::Delete, target, BTreeMap::new()).await;
        ended(done.map(drop))
    }

    /// Ends what bears a name, if it is there.
    async fn end_named(&self, name: &str) -> Result<(), String> {
        let listing = self.session.list_in(&self.kind, &self.place).await;
        let listing = listing.map_err(|failure| failure.to_string())?;
        let has_name = |known: &Option<String>| known.as_deref() == Some(name);
        for found in listing.keys.iter().filter(|found| has_name(&found.key.name)) {
            self.end_key(&Target::from(found)).await?;
        }
        Ok(())
    }

    /// Ends the entries that bear a name, if there are any.
    async fn end_named_entry(
        &self,
        resource: &str,
        within: &[Placement],
        name: &str,
    ) -> Result<(), String> {
        let Some(resource) = self.descriptor().resource(resource) else { return Ok(()) };
        let entries = self.session.entries(resource, within).await;
        let entries = entries.map_err(|failure| failure.to_string())?;
        // Some write what it stands in before its name.
        let has_name = |known: &Option<String>| known.as_ref().is_some_and(|it| it.contains(name));
        for entry in entries.into_iter().filter(|entry| has_name(&entry.name)) {
            self.end_entry(&[within, &[entry]].concat()).await?;
        }
        Ok(())
    }

    /// Ends an entry of a resource: by deleting it, or else by suspending it.
    pub(super) async fn end_entry(&self, place: &[Placement]) -> Result<OperationName, String> {
        let Some((last, within)) = place.split_last() else { return Err("nothing".to_owned()) };
        let resource = self.descriptor().resource(&last.resource);
        let operations = resource.map(|resource| &resource.operations);
        let names = [OperationName::Delete, OperationName::Suspend];
        let found = names.into_iter().find_map(|name| {
            let operation = operations?.get(&name)?;
            operation.request.as_ref().map(|_| (name, operation))
        });
        let Some((name, operation)) = found else {
            // With what it stands in, which was made too, it goes.
            return match self.is_made(within) {
                true => Ok(OperationName::Delete),
                false => Err("no call ends it".to_owned()),
            };
        };
        let deed = Deed::new(name, operation, "what was made", place);
        let done = self.session.perform(deed, &BTreeMap::new(), None, false).await;
        ended(done.map(drop)).map(|()| name)
    }

    /// Whether a place is one that the probe made.
    pub(super) fn is_made(&self, place: &[Placement]) -> bool {
        !place.is_empty() && place.len() > self.given
    }

    /// Sets notices.
    pub(super) async fn set_notices(
        &self,
        args: &BTreeMap<String, Given>,
    ) -> Result<Value, Failure> {
        let notices = self.descriptor().notices.as_ref();
        let within = self.part(notices.and_then(|notices| notices.within.as_ref()));
        match notices.and_then(|notices| notices.set.as_ref()) {
            Some(operation) => {
                let deed = Deed::new(OperationName::Update, operation, "notices", &within);
                self.session.perform(deed, args, None, false).await
            }
            None => Ok(Value::Null),
        }
    }

    /// Forgets a key that was ended.
    pub(super) fn forget(&mut self, id: &str) {
        self.made.retain(|made| !matches!(made, Made::Key(target) if target.id == id));
    }
}

/// What is gone is ended.
fn ended(done: Result<(), Failure>) -> Result<(), String> {
    match done {
        Err(failure) if !failure.is_gone() => Err(failure.to_string()),
        _ => Ok(()),
    }
}

/// Whether a key in this state will never work again.
pub(super) const fn is_over(state: State) -> bool {
    matches!(state, State::Deactivated | State::Compromised | State::Destroyed)
}

fn named(made: &Made) -> String {
    match made {
        Made::Key(target) => {
            format!("the key {} ({})", target.id, target.name.as_deref().unwrap_or(PROBE))
        }
        Made::Named(name) => format!("the key named {name}, if it was made"),
        Made::Entry(place) => {
            let last = place.last();
            let what = last.map_or("entry", |last| last.resource.as_str());
            let id = last.map_or("", |last| last.id.as_str());
            format!("the {what} {id}")
        }
        Made::NamedEntry(resource, _, name) => {
            format!("the {resource} named {name}, if it was made")
        }
        Made::Order(id) => format!("the order of events {id}"),
        Made::NamedOrder(name) => format!("the order of events named {name}, if it was made"),
        Made::Notices(_) => "the settings of notices".to_owned(),
    }
}
