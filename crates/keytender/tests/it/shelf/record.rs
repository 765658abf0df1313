//! A key at a provider: what stands where in its entries, and what must be read of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model::{Deed, Model, View, decoys, fields, in_entry};
use super::state::Way;
use super::tree;

/// A key.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub number: usize,
    /// What stands at places of its entry; `None` where nothing stands.
    pub facts: BTreeMap<String, Option<Value>>,
    /// What stands at places of other answers about it, by operation.
    pub told: BTreeMap<String, BTreeMap<String, Option<Value>>>,
    /// What must be read, by field: of its entry, and of other answers.
    pub read: BTreeMap<String, (String, Fact)>,
    pub read_told: BTreeMap<String, BTreeMap<String, Fact>>,
    /// The moments that stand at places of its entry.
    pub moments: BTreeMap<String, i64>,
    /// The rule that tells its state.
    pub rule: Option<usize>,
}

/// What must be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    Nothing,
    Text(String),
    List(Vec<String>),
    /// A moment, and by how many microseconds it may be off.
    Moment(i64, i64),
}

/// What of a kind of key the description shows.
pub(super) struct Views<'p> {
    pub list: Option<View<'p>>,
    pub get: Option<View<'p>>,
}

impl<'p> Views<'p> {
    /// What shows a place: the list, else `get`.
    pub(super) fn of(&self, at: &str) -> Option<&View<'p>> {
        let knows = |view: &&View<'p>| view.knows(at);
        [&self.list, &self.get].into_iter().flatten().find(knows)
    }
}

impl<'p> Model<'p> {
    /// A key of a kind, whose state is told in one way.
    pub(super) fn record(
        &self,
        kind: &'p Value,
        views: &Views<'p>,
        way: &Way,
        number: usize,
    ) -> Record {
        let mut record = Record {
            number,
            facts: BTreeMap::new(),
            told: BTreeMap::new(),
            read: BTreeMap::new(),
            read_told: BTreeMap::new(),
            moments: BTreeMap::new(),
            rule: way.0,
        };
        let times = kind["times"].as_str().unwrap_or("date-time");
        let fields = fields(&kind["fields"]);
        let id_first = fields.iter().filter(|(name, _)| **name == "id");
        for (name, (at, format)) in id_first.chain(fields.iter().filter(|(name, _)| **name != "id"))
        {
            let format = format.unwrap_or(times);
            match record.facts.get(*at).cloned() {
                Some(fact) => {
                    let text = fact.map_or(Fact::Nothing, |fact| Fact::Text(plain(&fact)));
                    record.read.insert((*name).to_owned(), ((*at).to_owned(), text));
                }
                None => self.field(&mut record, kind, views, name, at, format),
            }
        }
        for (at, value) in self.copied(kind, views) {
            record.facts.entry(at).or_insert(Some(value));
        }
        self.state(&mut record, kind, views, way, times);
        for name in ["get", "lastUsed"] {
            let Some(deed) = Deed::find(kind, name) else { continue };
            let root = views.get.as_ref().filter(|_| name == "get").map(View::root);
            for (field, (at, format)) in deed.outputs() {
                let format = format.unwrap_or(times);
                let (value, fact) = self.fact(root.as_ref(), kind, field, at, format, number);
                if let (Some(at), "get") = (at.strip_prefix(deed.pointer("item")), name) {
                    record.facts.insert(at.to_owned(), value.clone());
                }
                record.told.entry(name.to_owned()).or_default().insert(at.to_owned(), value);
                record.read_told.entry(name.to_owned()).or_default().insert(field.to_owned(), fact);
            }
        }
        record
    }

    /// The entry of a key in an answer, and the places that are filled in it. `only` says which may be.
    pub(super) fn entry(
        &self,
        kind: &'p Value,
        view: Option<&View<'p>>,
        blank: &Value,
        record: &Record,
        only: impl Fn(&str) -> bool,
    ) -> (Value, BTreeSet<String>) {
        // What is described stands among what is not.
        let declared: Vec<_> = in_entry(kind).into_iter().map(str::to_owned).collect();
        let described = view.and_then(|view| blank.pointer(view.base()));
        let mut entry = match described {
            Some(described) => tree::lay(&decoys(&declared), described),
            None => decoys(&declared),
        };
        let mut filled = BTreeSet::new();
        for (at, fact) in &record.facts {
            let is_known = view.is_none_or(|view| view.knows(at)) && only(at);
            if fact.is_some() && !only(at) && view.is_some() {
                continue;
            }
            match fact {
                Some(value) if is_known => {
                    tree::put(&mut entry, at, value.clone());
                    filled.insert(at.clone());
                }
                None if view.is_some_and(|view| view.is_needed(at)) => {
                    tree::put(&mut entry, at, Value::Null);
                }
                None if view.is_some_and(|view| view.takes_null(at))
                    && record.number.is_multiple_of(2) =>
                {
                    tree::put(&mut entry, at, Value::Null);
                }
                // Where there are several shapes, it has one without this member.
                None if view.is_some_and(|view| view.other_shape(at).is_some()) => {
                    let other = view.and_then(|view| view.other_shape(at)).unwrap();
                    tree::put(&mut entry, at.rsplit_once('/').unwrap().0, other);
                }
                _ => tree::remove(&mut entry, at),
            }
        }
        (entry, filled)
    }
}

impl Record {
    /// The value of a place of its entry.
    pub(super) fn at(&self, at: &str) -> Option<&Value> {
        self.facts.get(at)?.as_ref()
    }

    /// The id as it stands in entries.
    pub(super) fn raw_id(&self, kind: &Value) -> String {
        let at = fields(&kind["fields"]).get("id").map_or("", |(at, _)| at);
        plain(self.at(at).unwrap_or(&json!("")))
    }

    /// Fills what other answers tell of it.
    pub(super) fn tell(&self, operation: &str, answer: &mut Value) {
        for (at, value) in self.told.get(operation).into_iter().flatten() {
            match value {
                Some(value) => tree::put(answer, at, value.clone()),
                None => tree::remove(answer, at),
            }
        }
    }

    /// What must be read of a field, where these places were filled and these operations told.
    pub(super) fn field(&self, name: &str, filled: &BTreeSet<String>, told: &[&str]) -> Fact {
        for operation in told {
            match self.read_told.get(*operation).and_then(|all| all.get(name)) {
                None | Some(Fact::Nothing) => {}
                Some(fact) => return fact.clone(),
            }
        }
        match self.read.get(name) {
            Some((at, fact)) if filled.contains(at) => fact.clone(),
            _ => Fact::Nothing,
        }
    }
}

/// A value as a text.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
