//! The keys of an account: of each resource that they stand in, with what is asked of each beside.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use keytender_core::akm::{
    Entry, Field, FieldName, KeyType, ListedKey, ListedUse, Odd, OperationName, Resource, Values,
    text,
};
use serde_json::Value;

use super::credential::whole_text;
use super::exchange::Job;
use super::failure::{Doing, Failure, Reason};
use super::page::Pages;
use super::{CALLS_AT_ONCE, Placement, Session};
use crate::clock;

/// How long a whole list may take: 25,000 keys, each asked about beside, four at a time and a tenth of a
/// second a call, take ten minutes, and pauses come to that.
const LIST_TIME: Duration = Duration::from_secs(30 * 60);

/// A key, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What the provider shows of it.
    pub key: ListedKey,
    /// What it stands in, the outermost first.
    pub within: Vec<Placement>,
    /// Its kind, by the id in the descriptor.
    pub key_type: String,
}

/// What an account shows of one kind of key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The keys.
    pub keys: Vec<Found>,
    /// Where nobody could look, and why: what stands there is not known, and not gone.
    pub unseen: Vec<(Vec<Placement>, Failure)>,
    /// What was not understood.
    pub odd: Vec<Oddity>,
}

/// Something that was not understood, at how many keys. What stands there is not repeated: it may be
/// anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Which fact, such as `the time of its end`.
    pub what: String,
    /// At how many keys.
    pub count: usize,
    /// The first of these keys, if it has an id.
    pub key: Option<String>,
}

impl Listing {
    pub(super) fn note(&mut self, what: &str, key: Option<&str>) {
        match self.odd.iter_mut().find(|odd| odd.what == what) {
            Some(odd) => odd.count += 1,
            None => {
                let (what, key) = (what.to_owned(), key.map(str::to_owned));
                self.odd.push(Oddity { what, count: 1, key });
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.unseen.extend(other.unseen);
        for odd in other.odd {
            match self.odd.iter_mut().find(|known| known.what == odd.what) {
                Some(known) => known.count += odd.count,
                None => self.odd.push(odd),
            }
        }
    }
}

/// An entry of a list with what was asked of it beside.
pub(super) struct Complete {
    pub(super) entry: Entry,
    /// Which operations did not answer.
    failed: Vec<Failure>,
}

impl Complete {
    /// An entry of which nothing more is asked.
    pub(super) const fn alone(item: Value) -> Self {
        Self { entry: Entry::new(item), failed: Vec::new() }
    }
}

impl Session {
    /// Every key of one kind, in every resource that such keys stand in.
    ///
    /// # Errors
    /// When the list cannot be got; where there are several, when none can, or what they stand in
    /// cannot be listed.
    pub async fn list(&self, kind: &KeyType) -> Result<Listing, Failure> {
        self.in_time(kind, self.list_all(kind)).await
    }

    /// Every key of one kind that stands in one place.
    ///
    /// # Errors
    /// When the list cannot be got.
    pub async fn list_in(&self, kind: &KeyType, within: &[Placement]) -> Result<Listing, Failure> {
        self.in_time(kind, self.list_keys(kind, within)).await
    }

    async fn in_time(
        &self,
        kind: &KeyType,
        listing: impl Future<Output = Result<Listing, Failure>>,
    ) -> Result<Listing, Failure> {
        let listing = tokio::time::timeout(LIST_TIME, listing).await;
        listing.unwrap_or_else(|_| {
            let minutes = LIST_TIME.as_secs() / 60;
            Err(self.doing(OperationName::List, kind).failed(Reason::TooSlow { minutes }))
        })
    }

    pub(super) fn doing(&self, name: OperationName, kind: &KeyType) -> Doing {
        let provider = self.descriptor.provider.name.clone();
        Doing { provider, operation: name.as_str(), about: noun(kind).to_owned() }
    }

    async fn list_all(&self, kind: &KeyType) -> Result<Listing, Failure> {
        // What can never be done is said once, rather than of each resource.
        self.list_job(kind, &[])?;
        let (places, unseen) = self.places(kind).await?;
        let mut listing = Listing { unseen, ..Listing::default() };
        let mut whole = 0;
        let lists = places.into_iter().map(|within| self.list_within(kind, within));
        let mut lists = stream::iter(lists).buffered(CALLS_AT_ONCE);
        while let Some((within, list)) = lists.next().await {
            match list {
                Ok(list) => {
                    whole += 1;
                    listing.add(list);
                }
                Err(failure) => listing.unseen.push((within, failure)),
            }
        }
        match listing.unseen.first() {
            Some((_, failure)) if whole == 0 => Err(failure.clone()),
            _ => Ok(listing),
        }
    }

    /// The resources that keys of a kind stand in, each with those that it stands in itself; and
    /// those in which nobody could look.
    async fn places(
        &self,
        kind: &KeyType,
    ) -> Result<(Vec<Vec<Placement>>, Vec<(Vec<Placement>, Failure)>), Failure> {
        let mut chain: Vec<&Resource> = Vec::new();
        let mut next = kind.within.as_ref();
        while let Some(resource) = next.and_then(|id| self.descriptor.resource(&id.value)) {
            chain.insert(0, resource);
            next = resource.within.as_ref();
        }
        let mut places = vec![Vec::new()];
        let mut unseen = Vec::new();
        for resource in chain {
            let lists = places.into_iter().map(|within| self.list_resource(resource, within));
            let lists: Vec<_> = stream::iter(lists).buffered(CALLS_AT_ONCE).collect().await;
            places = Vec::new();
            for (within, list) in lists {
                match list {
                    Ok(found) => places.extend(found),
                    // Outermost there is one list: without it there is nothing.
                    Err(failure) if within.is_empty() => return Err(failure),
                    Err(failure) => unseen.push((within, failure)),
                }
            }
        }
        Ok((places, unseen))
    }

    async fn list_resource(
        &self,
        resource: &Resource,
        within: Vec<Placement>,
    ) -> (Vec<Placement>, Result<Vec<Vec<Placement>>, Failure>) {
        let found = self.list_placements(resource, &within).await;
        (within, found)
    }

    pub(super) async fn list_placements(
        &self,
        resource: &Resource,
        within: &[Placement],
    ) -> Result<Vec<Vec<Placement>>, Failure> {
        let operation = resource.operations.get(&OperationName::List);
        let about = about(&format!("{}s", resource.noun), within);
        let job = self.job(OperationName::List, operation, None, about)?;
        let id = resource.fields.get(&FieldName::Id);
        if id.is_some_and(Field::is_secret) {
            let why = "what is named by a secret cannot be asked about: a secret stands in no URL";
            return Err(job.doing.failed(Reason::Credential(why.to_owned())));
        }
        let name = resource.fields.get(&FieldName::Name);
        let doing = job.doing.clone();
        let mut pages = Pages::new(self, job, &self.values_of(within), id)?;
        let mut found = Vec::new();
        while let Some(items) = pages.next().await? {
            for item in items {
                let id = id.and_then(|field| field.at().find(&item)).and_then(whole_text);
                let id = id.filter(|id| !id.is_empty());
                // Without its id nobody can look into it, and what is in it would seem to be gone.
                let no_id = || doing.failed(Reason::Unread("an entry has no id".to_owned()));
                let mut place = within.to_vec();
                place.push(Placement {
                    resource: resource.id.value.clone(),
                    kind: resource.kind,
                    id: id.ok_or_else(no_id)?,
                    name: name.and_then(|field| field.at().find(&item)).and_then(text),
                });
                found.push(place);
            }
        }
        Ok(found)
    }

    async fn list_within(
        &self,
        kind: &KeyType,
        within: Vec<Placement>,
    ) -> (Vec<Placement>, Result<Listing, Failure>) {
        let list = self.list_keys(kind, &within).await;
        (within, list)
    }

    fn list_job<'s>(&'s self, kind: &'s KeyType, within: &[Placement]) -> Result<Job<'s>, Failure> {
        let operation = kind.operations.get(&OperationName::List);
        let about = about(&format!("{}s", noun(kind)), within);
        self.job(OperationName::List, operation, kind.auth.as_ref(), about)
    }

    /// The parts of the list of keys in one resource.
    pub(super) fn key_pages<'s>(
        &'s self,
        kind: &'s KeyType,
        within: &[Placement],
    ) -> Result<Pages<'s>, Failure> {
        let job = self.list_job(kind, within)?;
        Pages::new(self, job, &self.values_of(within), kind.fields.get(&FieldName::Id))
    }

    async fn list_keys(&self, kind: &KeyType, within: &[Placement]) -> Result<Listing, Failure> {
        let mut pages = self.key_pages(kind, within)?;
        let mut listing = Listing::default();
        while let Some(items) = pages.next().await? {
            let entries = items.into_iter().map(|item| self.complete(kind, within, item, &[]));
            let mut entries = stream::iter(entries).buffered(CALLS_AT_ONCE);
            while let Some(complete) = entries.next().await {
                let key = read(kind, &complete, &mut listing);
                let within = within.to_vec();
                let key_type = kind.id.value.clone();
                listing.keys.extend(key.map(|key| Found { key, within, key_type }));
            }
        }
        listing.unseen.extend(pages.cut().map(|failure| (within.to_vec(), failure)));
        Ok(listing)
    }

    /// An entry with what each operation of `complete` says of it, but for those that were `asked`.
    pub(super) async fn complete(
        &self,
        kind: &KeyType,
        within: &[Placement],
        item: Value,
        asked: &[OperationName],
    ) -> Complete {
        let mut complete = Complete::alone(item);
        for name in kind.complete.iter().filter(|name| !asked.contains(&name.value)) {
            if let Err(failure) = self.ask(kind, within, name.value, &mut complete.entry).await {
                complete.failed.push(failure);
            }
        }
        complete
    }

    /// Asks one operation about an entry, and adds what it says.
    async fn ask(
        &self,
        kind: &KeyType,
        within: &[Placement],
        name: OperationName,
        entry: &mut Entry,
    ) -> Result<(), Failure> {
        let fact = |name| kind.fields.get(&name).and_then(|field| field.at().find(entry.listed()));
        let mut values = self.values_of(within);
        for (field, word) in
            [(FieldName::Id, "id"), (FieldName::Name, "name"), (FieldName::Owner, "owner")]
        {
            if let Some(text) = fact(field).and_then(whole_text) {
                values.set("key", word, text);
            }
        }
        let told = self.told(kind, name, &values, about(noun(kind), within)).await?;
        let Some(operation) = kind.operations.get(&name) else { return Ok(()) };
        if name == OperationName::Get
            && let Some(item) = operation.item.find(&told)
        {
            entry.add(item);
        }
        entry.tell(&operation.outputs, &told);
        Ok(())
    }

    /// What an operation that reads says.
    pub(super) async fn told(
        &self,
        kind: &KeyType,
        name: OperationName,
        values: &Values,
        about: String,
    ) -> Result<Value, Failure> {
        let job = self.job(name, kind.operations.get(&name), kind.auth.as_ref(), about)?;
        let call = self.descriptor.call(job.request, values, None);
        let call = call.map_err(|error| job.doing.failed(Reason::Call(error)))?;
        let (outgoing, _) = self.outgoing(&job, call)?;
        Ok(self.exchange(&job, &outgoing, true).await?.body)
    }

    /// What the names of variables and resources stand for.
    pub(super) fn values_of(&self, within: &[Placement]) -> Values {
        let mut values = self.values.clone();
        for place in within {
            values.set(&place.resource, "id", place.id.as_str());
            if let Some(name) = &place.name {
                values.set(&place.resource, "name", name.as_str());
            }
        }
        values
    }
}

/// Reads a key, and notes what of it is not understood. Where an operation did not answer, nobody
/// knows when it was last used.
pub(super) fn read(
    kind: &KeyType,
    complete: &Complete,
    listing: &mut Listing,
) -> Option<ListedKey> {
    let (mut key, odd) = match kind.read(&complete.entry, clock::now()) {
        Ok(read) => read,
        Err(Odd { what, .. }) => {
            listing.note(what, None);
            return None;
        }
    };
    for Odd { what, .. } in odd {
        listing.note(what, Some(&key.id));
    }
    if let Some(failure) = complete.failed.first() {
        listing.note("what is asked of it beside the list", Some(&key.id));
        if kind.last_used.available {
            key.last_use = ListedUse::Unknown(failure.reason().to_string().into());
        }
    }
    Some(key)
}

/// What the provider calls a key of this kind.
pub(super) fn noun(kind: &KeyType) -> &str {
    kind.noun.as_deref().unwrap_or(&kind.id.value)
}

/// Something, and the innermost thing that it stands in.
pub(super) fn about(what: &str, within: &[Placement]) -> String {
    match within.last() {
        None => what.to_owned(),
        Some(place) => {
            let name = place.name.as_deref().unwrap_or(&place.id);
            format!("{what} in {} {name}", place.resource)
        }
    }
}
