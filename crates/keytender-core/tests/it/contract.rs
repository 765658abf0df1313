//! Descriptors against the providers' own OpenAPI descriptions: what is sent must be known there, and
//! what is read must stand in the answers.

mod answer;
mod description;
mod operation;
mod planted;
mod providers;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use keytender_core::akm::{
    Descriptor, Field, FieldName, KeyType, Operation, OperationName, Placed, Request, Resource,
    StateRule, TimeFormat,
};

use self::answer::{Answer, Reading, Wanted, is_there, item, known};
pub(crate) use self::description::Description;
use self::description::{Endpoint, Unknown, find, whole};
use self::operation::{Sending, calls};
use self::providers::{PROVIDERS, Provider};
use crate::partner;

/// What came of holding a descriptor against descriptions.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) operations: usize,
    pub(crate) pointers: usize,
    pub(crate) open: Vec<String>,
    pub(crate) outside: Vec<String>,
    pub(crate) faults: Vec<String>,
}

/// A kind of key, or a resource.
struct Kind<'a> {
    label: &'a str,
    fields: &'a BTreeMap<FieldName, Field>,
    state: &'a [StateRule],
    times: TimeFormat,
    complete: &'a [Placed<OperationName>],
    auth: Option<&'a str>,
    keeps_id: bool,
    operations: &'a BTreeMap<OperationName, Operation>,
}

impl<'a> Kind<'a> {
    fn of_keys(kind: &'a KeyType) -> Self {
        Self {
            label: &kind.id.value,
            fields: &kind.fields,
            state: &kind.state,
            times: kind.times,
            complete: &kind.complete,
            keeps_id: kind.rotation.as_ref().is_some_and(|rotation| rotation.keeps_id),
            auth: kind.auth.as_ref().map(|auth| auth.value.as_str()),
            operations: &kind.operations,
        }
    }

    fn of_resource(resource: &'a Resource) -> Self {
        Self {
            label: &resource.id.value,
            fields: &resource.fields,
            state: &[],
            times: TimeFormat::default(),
            complete: &[],
            auth: None,
            keeps_id: false,
            operations: &resource.operations,
        }
    }

    fn is_complete_by(&self, name: OperationName) -> bool {
        self.complete.iter().any(|one| one.value == name)
    }
}

/// Holds a descriptor against the descriptions of its provider.
struct Contract<'a, 'd> {
    descriptor: &'a Descriptor,
    descriptions: &'d [Description],
    outside: &'a [&'a str],
    outcome: Outcome,
}

pub(crate) fn contract(
    descriptor: &Descriptor,
    descriptions: &[Description],
    outside: &[&str],
) -> Outcome {
    let outcome = Outcome::default();
    let mut contract = Contract { descriptor, descriptions, outside, outcome };
    for resource in &descriptor.resources {
        contract.kind(&Kind::of_resource(resource));
    }
    for kind in &descriptor.key_types {
        contract.kind(&Kind::of_keys(kind));
    }
    contract.outcome
}

impl<'d> Contract<'_, 'd> {
    fn kind(&mut self, kind: &Kind<'_>) {
        let mut answers = BTreeMap::new();
        for (name, operation, request) in calls(kind.operations) {
            if let Some(endpoint) = self.endpoint(kind, name, request) {
                self.outcome.operations += 1;
                let (answer, faults) = Answer::of(&endpoint, operation);
                self.add(kind, name.as_str(), Vec::new(), faults);
                answers.insert(name, (endpoint, answer));
            }
        }
        let mut entries = BTreeMap::new();
        for (name, operation, _) in calls(kind.operations) {
            let Some((_, answer)) = answers.get(&name) else { continue };
            entries.insert(name, self.read(kind, name, operation, answer));
        }
        for (name, operation, request) in calls(kind.operations) {
            let Some((endpoint, _)) = answers.get(&name) else { continue };
            let mut sending = Sending {
                endpoint: *endpoint,
                descriptor: self.descriptor,
                operation,
                request,
                auth: operation.auth.as_ref().map(|auth| auth.value.as_str()).or(kind.auth),
                under: request.over.as_ref().and_then(|over| known(entries.get(&over.value)?)),
                open: Vec::new(),
                faults: Vec::new(),
            };
            sending.check();
            let Sending { open, faults, .. } = sending;
            self.add(kind, name.as_str(), open, faults);
        }
        self.copies(kind, &entries);
        self.entries(kind, &entries);
    }

    fn add(&mut self, kind: &Kind<'_>, name: &str, open: Vec<String>, faults: Vec<String>) {
        let label = |what: String| format!("{}.{name}: {what}", kind.label);
        self.outcome.open.extend(open.into_iter().map(label));
        self.outcome.faults.extend(faults.into_iter().map(label));
    }

    fn endpoint(
        &mut self,
        kind: &Kind<'_>,
        name: OperationName,
        request: &Request,
    ) -> Option<Endpoint<'d>> {
        let method = request.method.value;
        let url = whole(self.descriptor, &request.url).replace('\u{0}', "{}");
        let path =
            url.split_once("://").and_then(|(_, behind)| behind.find('/').map(|at| &behind[at..]));
        let fault = match find(self.descriptions, self.descriptor, method, &request.url) {
            Ok(endpoint) => return Some(endpoint),
            Err(Unknown::Path) if path.is_some_and(|path| self.outside.contains(&path)) => {
                self.outcome.outside.push(format!("{}.{}", kind.label, name.as_str()));
                return None;
            }
            Err(Unknown::Path) => format!("{url}: no such path"),
            Err(Unknown::Method(known)) => format!("{} {url}: there are {known}", method.as_str()),
            Err(Unknown::Host(known)) => format!("{url}: the hosts are {known}"),
        };
        self.add(kind, name.as_str(), Vec::new(), vec![fault]);
        None
    }

    /// What is read of one answer; returns the entry in it.
    fn read(
        &mut self,
        kind: &Kind<'_>,
        name: OperationName,
        operation: &Operation,
        answer: &Answer<'d>,
    ) -> Answer<'d> {
        let mut reading = Reading::default();
        let entry = item(name, operation, answer, &mut reading);
        reading.outputs(&operation.outputs, kind.times, answer);
        let makes = matches!(name, OperationName::Create | OperationName::Rotate);
        if makes && !operation.outputs.contains_key(&FieldName::Id) && !kind.keeps_id {
            let id = kind.fields.get_key_value(&FieldName::Id);
            let id = id.map(|(name, field)| (*name, field.clone())).into_iter().collect();
            reading.fields(&id, kind.times, std::slice::from_ref(&entry));
        }
        reading.paging(&operation.paging, answer, &entry);
        reading.refusals(operation, answer);
        self.take(kind, name.as_str(), reading);
        entry
    }

    fn take(&mut self, kind: &Kind<'_>, name: &str, reading: Reading) {
        self.outcome.pointers += reading.pointers;
        self.add(kind, name, reading.open, reading.faults);
    }

    /// What arguments copy from the key that is replaced.
    fn copies(&mut self, kind: &Kind<'_>, entries: &BTreeMap<OperationName, Answer<'d>>) {
        let Some(shown) = entries.get(&OperationName::Get) else { return };
        for (name, operation, _) in calls(kind.operations) {
            let mut reading = Reading::default();
            for (arg, what) in &operation.args {
                if let Some(copy) = &what.copy {
                    reading.follow(&format!("copy of {arg}"), copy, shown, Wanted::Anything);
                }
            }
            self.take(kind, name.as_str(), reading);
        }
    }

    /// The facts of entries, in the list and in what completes it.
    fn entries(&mut self, kind: &Kind<'_>, entries: &BTreeMap<OperationName, Answer<'d>>) {
        let has_list = entries.contains_key(&OperationName::List);
        let is_read = |name: OperationName| match name {
            OperationName::List => true,
            OperationName::Get => !has_list || kind.is_complete_by(name),
            _ => false,
        };
        let read = entries.iter().filter(|(name, entry)| is_read(**name) && is_there(entry));
        let read: Vec<_> = read.map(|(_, entry)| entry.clone()).collect();
        let mut reading = Reading::default();
        reading.fields(kind.fields, kind.times, &read);
        reading.states(kind.state, kind.times, &read);
        self.take(kind, "list", reading);
        let Some(get) = entries.get(&OperationName::Get) else { return };
        let shows = |field: &Field| is_there(&get.at(field.at()));
        let tells =
            kind.operations.get(&OperationName::Get).is_some_and(|get| !get.outputs.is_empty());
        if !tells && !kind.fields.values().any(shows) {
            let fault = "none of the fields stands in its item".to_owned();
            self.add(kind, "get", Vec::new(), vec![fault]);
        }
    }
}

/// What came of the descriptor of a provider; `None` if it is not on the shelf.
fn held(provider: &Provider, shared: &Path) -> Option<Outcome> {
    let shelf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../providers");
    let text = fs::read_to_string(shelf.join(provider.id).join("akm.yaml")).ok()?;
    let read = Descriptor::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
    let descriptions: Vec<_> =
        provider.paths(shared).iter().map(|path| Description::read(path)).collect();
    Some(contract(&read.descriptor, &descriptions, provider.outside))
}

#[test]
fn every_descriptor_keeps_to_the_description_of_its_provider() {
    let Some(shared) = partner("KEYTENDER_TEST_SHARED") else { return };
    let mut faults = Vec::new();
    for provider in PROVIDERS {
        let id = provider.id;
        let Some(outcome) = held(&provider, Path::new(&shared)) else {
            println!("{id}: it is not on the shelf");
            continue;
        };
        println!(
            "{id}: {} operations and {} pointers held against its description, {} open, {} outside, \
             {} faults",
            outcome.operations,
            outcome.pointers,
            outcome.open.len(),
            outcome.outside.len(),
            outcome.faults.len()
        );
        outcome.open.iter().for_each(|open| println!("  left open: {open}"));
        outcome.outside.iter().for_each(|one| println!("  outside of the cut: {one}"));
        assert!(outcome.operations > 0, "{id}: nothing is held against its description");
        faults.extend(outcome.faults.into_iter().map(|fault| format!("{id}: {fault}")));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
