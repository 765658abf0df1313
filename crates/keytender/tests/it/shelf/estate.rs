//! What there is at a provider of one kind of key: what keys stand in, and keys in each of their states;
//! and the exchanges by which the engine sees them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Deed, Model, View, fields};
use super::paper::Names;
use super::record::{Fact, Record, Views, plain};
use super::script::Exchange;
use super::state::{Told, Way, ways};
use super::tree;

/// How many keys stand in each place but the first, where there are some in every state.
const FEW: usize = 2;
/// In how many places there are that one kind of key stands in, of each resource.
const SPOTS: usize = 2;

/// What a key stands in.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub names: Names,
    /// Resource, id and name of each, the outermost first.
    pub spots: Vec<(String, String, Option<String>)>,
}

/// One kind of key at a provider.
pub(super) struct Estate<'p> {
    pub model: &'p Model<'p>,
    pub kind: &'p Value,
    pub views: Views<'p>,
    pub places: Vec<Place>,
    /// The exchanges that list what keys stand in.
    lists: Vec<Exchange>,
    /// Each key, with the number of its place.
    pub keys: Vec<(usize, Record)>,
}

/// A key as an answer shows it.
pub(super) struct Shown {
    pub entry: Value,
    pub filled: BTreeSet<String>,
    /// The operations that told of it beside.
    pub told: Vec<&'static str>,
}

impl<'p> Estate<'p> {
    pub(super) fn new(model: &'p Model<'p>, kind: &'p Value) -> Self {
        let mut lists = Vec::new();
        let mut places = vec![Place { names: model.paper.names(), spots: Vec::new() }];
        for resource in model.paper.chain(kind) {
            places =
                places.iter().flat_map(|place| spots(model, resource, place, &mut lists)).collect();
        }
        let mut names = places[0].names.clone();
        for name in ["id", "name", "owner"] {
            names.insert(format!("key.{name}"), "x".into());
        }
        let view = |name: &'p str| {
            let deed = Deed::find(kind, name)?;
            model.view(deed, &model.exchange(deed, &names))
        };
        let (list, get) = (view("list"), view("get"));
        let views = Views { list, get };
        let mut estate = Self { model, kind, views, places, lists, keys: Vec::new() };
        let ways = estate.ways();
        for place in 0..estate.places.len() {
            let count = if place == 0 { ways.len().max(5) } else { FEW };
            for number in 0..count {
                let way = ways[number % ways.len()].clone();
                let record = estate.record(&way);
                estate.keys.push((place, record));
            }
        }
        estate
    }

    /// Each way in which a state can be told here: where each word has a rule, no key is without one.
    pub(super) fn ways(&self) -> Vec<Way> {
        let mut ways = ways(self.kind);
        if !self.model.can_be_harmless(self.kind, &self.views) {
            let rules = &self.kind["state"];
            ways.retain(|(rule, _)| rule.is_some_and(|rule| !rules[rule]["at"].is_null()));
        }
        ways
    }

    /// A key that was not there before.
    pub(super) fn record(&self, way: &Way) -> Record {
        let number = self.keys.iter().map(|(_, key)| key.number + 1).max().unwrap_or(0);
        self.model.record(self.kind, &self.views, way, number)
    }

    pub(super) fn label(&self) -> &'p str {
        self.kind["id"].as_str().unwrap()
    }

    pub(super) fn is_secret(&self) -> bool {
        self.kind["fields"]["id"]["isSecret"] == true
    }

    /// The operations that each listed key is asked about beside.
    pub(super) fn beside(&self) -> Vec<&'static str> {
        let all = self.kind["complete"].as_array().into_iter().flatten();
        all.map(|name| if name == "get" { "get" } else { "lastUsed" }).collect()
    }

    /// What `{key.id}` and others stand for.
    pub(super) fn names(&self, place: usize, shown: &Shown) -> Names {
        let mut names = self.places[place].names.clone();
        for (name, (at, _)) in fields(&self.kind["fields"]) {
            if let ("id" | "name" | "owner", true) = (name, shown.filled.contains(at)) {
                let value = shown.entry.pointer(at).unwrap();
                names.insert(format!("key.{name}"), plain(value).into());
            }
        }
        names
    }

    /// A key in the list.
    pub(super) fn listed(&self, record: &Record) -> Shown {
        let view = self.views.list.as_ref();
        let blank = self.blank("list", view);
        // Where each key is asked about beside, the list shows what it is found by.
        let short = self.beside().contains(&"get") && view.is_none();
        let fields = fields(&self.kind["fields"]);
        let found_by: Vec<_> =
            ["id", "name", "owner"].iter().filter_map(|name| Some(fields.get(name)?.0)).collect();
        let only = |at: &str| !short || found_by.contains(&at);
        let (entry, filled) = self.model.entry(self.kind, view, &blank, record, only);
        Shown { entry, filled, told: Vec::new() }
    }

    /// A key in the answer to `get`.
    pub(super) fn got(&self, record: &Record) -> Shown {
        let view = self.views.get.as_ref();
        let blank = self.blank("get", view);
        let (entry, filled) = self.model.entry(self.kind, view, &blank, record, |_| true);
        Shown { entry, filled, told: vec!["get"] }
    }

    /// A key with what the operations beside the list tell, but for those that were asked before.
    pub(super) fn complete(&self, record: &Record, mut shown: Shown) -> Shown {
        for name in self.beside() {
            if name == "get" && !shown.told.contains(&"get") {
                let got = self.got(record);
                let (entry, more) = (shown.entry.as_object_mut(), got.entry.as_object());
                if let (Some(entry), Some(more)) = (entry, more) {
                    entry.extend(more.clone());
                }
                let gone = |at: &String| tree::find(&shown.entry, at).is_some();
                shown.filled.extend(got.filled);
                shown.filled.retain(gone);
            }
            if !shown.told.contains(&name) {
                shown.told.push(name);
            }
        }
        shown
    }

    fn blank(&self, name: &'p str, view: Option<&View<'p>>) -> Value {
        Deed::find(self.kind, name).map(|deed| self.model.blank(deed, view)).unwrap_or_default()
    }

    /// What is listed, and what is asked of each key beside.
    pub(super) fn list(&self) -> Vec<Exchange> {
        let mut exchanges = self.lists.clone();
        for place in 0..self.places.len() {
            exchanges.extend(self.list_in(place));
        }
        for (place, record) in &self.keys {
            exchanges.extend(self.ask_beside(*place, record, &self.listed(record)));
        }
        exchanges
    }

    /// The list of the keys in one place.
    pub(super) fn list_in(&self, place: usize) -> Vec<Exchange> {
        let Some(deed) = Deed::find(self.kind, "list") else { return Vec::new() };
        let here = self.keys.iter().filter(|(at, _)| *at == place);
        let entries: Vec<_> = here.map(|(_, record)| self.listed(record).entry).collect();
        let view = self.views.list.as_ref();
        let blank = self.blank("list", view);
        self.model.parts(deed, &self.places[place].names, view, &blank, &entries)
    }

    /// The parts of the list until one shows a key.
    pub(super) fn list_until(&self, place: usize, record: &Record) -> Vec<Exchange> {
        let items = self.kind["operations"]["list"]["items"].as_str().unwrap_or_default();
        let at = fields(&self.kind["fields"]).get("id").map_or("", |(at, _)| at);
        let raw = record.raw_id(self.kind);
        let shows = |part: &Exchange| {
            let entries = part.answer.pointer(items).and_then(Value::as_array).unwrap();
            entries.iter().any(|entry| entry.pointer(at).map(plain).as_ref() == Some(&raw))
        };
        let mut parts = self.list_in(place);
        let found = parts.iter().position(shows).map_or(parts.len(), |found| found + 1);
        parts.truncate(found);
        parts
    }

    /// What is asked of a key beside.
    pub(super) fn ask_beside(&self, place: usize, record: &Record, shown: &Shown) -> Vec<Exchange> {
        let asked = self.beside().into_iter().filter(|name| !shown.told.contains(name));
        asked.filter_map(|name| self.ask(name, place, record, shown)).collect()
    }

    /// The exchange of `get` or `lastUsed` about a key that is shown so.
    pub(super) fn ask(
        &self,
        name: &'static str,
        place: usize,
        record: &Record,
        shown: &Shown,
    ) -> Option<Exchange> {
        let deed = Deed::find(self.kind, name)?;
        let mut exchange = self.model.exchange(deed, &self.names(place, shown));
        let view = self.model.view(deed, &exchange);
        let mut answer = self.model.blank(deed, view.as_ref());
        if name == "get" {
            tree::put(&mut answer, deed.pointer("item"), self.got(record).entry);
        }
        record.tell(name, &mut answer);
        self.model.hold(&exchange.label, view.as_ref(), &answer);
        exchange.answer = answer;
        Some(exchange)
    }

    /// Whether the answer to `get` shows the id, so that nothing else is asked for.
    pub(super) fn is_got(&self, record: &Record) -> bool {
        let at = fields(&self.kind["fields"]).get("id").map(|(at, _)| *at);
        let has_get = Deed::find(self.kind, "get").is_some() && !self.is_secret();
        has_get && at.is_some_and(|at| self.got(record).filled.contains(at))
    }

    /// The exchanges by which one key is found, and what they show of it.
    pub(super) fn find(&self, place: usize, record: &Record) -> (Vec<Exchange>, Shown) {
        let listed = self.listed(record);
        let mut exchanges = Vec::new();
        if !self.is_secret() {
            exchanges.extend(self.ask("get", place, record, &listed));
        }
        if self.is_got(record) {
            return (exchanges, self.got(record));
        }
        exchanges.extend(self.list_until(place, record));
        (exchanges, listed)
    }

    /// The state that must be read, and whether it is the one that the key was made for.
    pub(super) fn state(&self, record: &Record, shown: &Shown) -> Told {
        let told = record.state(self.kind, &shown.entry, self.model.now);
        if told.rule != record.rule {
            self.model.fault(format!(
                "{}: rule {:?} of its state cannot tell it: {:?} holds before",
                self.label(),
                record.rule,
                told.rule
            ));
        }
        told
    }
}

/// The entries of a resource in one place, and the list that shows them.
fn spots<'p>(
    model: &'p Model<'p>,
    resource: &'p Value,
    within: &Place,
    lists: &mut Vec<Exchange>,
) -> Vec<Place> {
    let id = resource["id"].as_str().unwrap();
    let deed = Deed::find(resource, "list").unwrap();
    let exchange = model.exchange(deed, &within.names);
    let view = model.view(deed, &exchange);
    let blank = model.blank(deed, view.as_ref());
    let mut entries = Vec::new();
    let mut places = Vec::new();
    for number in 0..SPOTS {
        let number = lists.len() * SPOTS + number;
        let mut entry = match &view {
            Some(view) => blank.pointer(view.base()).cloned().unwrap_or_default(),
            None => super::model::decoys(
                &fields(&resource["fields"])
                    .values()
                    .map(|(at, _)| (*at).to_owned())
                    .collect::<Vec<_>>(),
            ),
        };
        let mut fact = |name: &str| {
            let fields = fields(&resource["fields"]);
            let (at, _) = fields.get(name)?;
            let (value, fact) = model.fact(view.as_ref(), resource, name, at, "date-time", number);
            tree::put(&mut entry, at, value?);
            match fact {
                Fact::Text(text) => Some(text),
                _ => None,
            }
        };
        let at = fields(&resource["fields"]);
        let is_one = at.get("name").is_some_and(|(name, _)| *name == at["id"].0);
        let id_text = fact("id").unwrap();
        let name = if is_one { Some(id_text.clone()) } else { fact("name") };
        let spot = (id.to_owned(), id_text, name);
        let mut place = within.clone();
        place.names.insert(format!("{id}.id"), spot.1.clone().into());
        if let Some(name) = &spot.2 {
            place.names.insert(format!("{id}.name"), name.clone().into());
        }
        place.spots.push(spot);
        entries.push(entry);
        places.push(place);
    }
    lists.extend(model.parts(deed, &within.names, view.as_ref(), &blank, &entries));
    places
}
