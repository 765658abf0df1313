//! How a key's state is told: what stands where its rules look, and which of them holds.

use serde_json::{Value, json};

use super::fact::typed;
use super::model::{Model, View, fields};
use super::record::{Fact, Record, Views, plain};
use super::{stamp, tree};

/// A way in which a state can be told: a rule, if one holds, and one of its words.
pub(super) type Way = (Option<usize>, Option<String>);

/// What tells the state of a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub rule: Option<usize>,
    pub state: String,
    pub word: Option<String>,
}

/// Each way in which a state can be told: a rule, and one of its words.
pub(super) fn ways(kind: &Value) -> Vec<Way> {
    let rules: Vec<_> = kind["state"].as_array().into_iter().flatten().collect();
    let mut ways = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        match rule["words"].as_object() {
            Some(words) => ways.extend(words.keys().map(|word| (Some(number), Some(word.clone())))),
            None => ways.push((Some(number), None)),
        }
    }
    if rules.last().is_none_or(|rule| !rule["at"].is_null()) {
        ways.push((None, None));
    }
    ways
}

/// The state that a way tells.
pub(super) fn state_of(kind: &Value, way: &Way) -> String {
    let Some(number) = way.0 else { return "active".to_owned() };
    let rule = &kind["state"][number];
    let state = match &way.1 {
        Some(word) => &rule["words"][word],
        None => &rule["then"],
    };
    state.as_str().unwrap().to_owned()
}

impl<'p> Model<'p> {
    /// Puts into a key what makes one way tell its state, and no other.
    pub(super) fn state(
        &self,
        record: &mut Record,
        kind: &'p Value,
        views: &Views<'p>,
        way: &Way,
        times: &str,
    ) {
        let rules: Vec<_> = kind["state"].as_array().into_iter().flatten().collect();
        for (number, rule) in rules.iter().enumerate() {
            let Some(at) = rule["at"].as_str() else { continue };
            let chosen = way.0.is_some_and(|number| rules[number]["at"] == *at);
            // Where anything at all tells a state, nothing stands, be it a field.
            let is_any = rule["is"].is_null() && rule["past"].is_null() && rule["words"].is_null();
            if is_any && !chosen && way.0.is_none_or(|way| number < way) {
                record.moments.remove(at);
                record.facts.insert(at.to_owned(), None);
                let here = record.read.values_mut().filter(|(place, _)| place == at);
                here.for_each(|(_, fact)| *fact = Fact::Nothing);
                continue;
            }
            if chosen || record.facts.contains_key(at) {
                continue;
            }
            let value = self.harmless(&rules, views.of(at), at, times, record.number);
            if let (Some(_), true) = (&value, rule["past"] == true) {
                record.moments.insert(at.to_owned(), stamp::days_from(self.now, 200));
            }
            record.facts.insert(at.to_owned(), value);
        }
        let Some(rule) = way.0.map(|number| rules[number]) else { return };
        let Some(at) = rule["at"].as_str() else { return };
        let view = views.of(at);
        let value = match (&way.1, &rule["is"]) {
            (Some(word), _) => typed(view, at, json!(word)),
            (None, Value::Null) if rule["past"] == true => {
                let moment = stamp::days_from(self.now, -20);
                let written = self.set_moment(record, kind, at, times, moment);
                typed(view, at, written)
            }
            (None, Value::Null) if is_time_at(kind, at) => {
                let moment = stamp::days_from(self.now, -20);
                let written = self.set_moment(record, kind, at, times, moment);
                typed(view, at, written)
            }
            (None, Value::Null) => view
                .and_then(|view| view.example(at))
                .unwrap_or_else(|| json!("2026-01-02T03:04:05Z")),
            (None, is) => is.clone(),
        };
        record.facts.insert(at.to_owned(), Some(value));
    }

    /// Puts a moment into a place, and says that it must be read by the fields that stand there.
    fn set_moment(
        &self,
        record: &mut Record,
        kind: &Value,
        at: &str,
        times: &str,
        moment: i64,
    ) -> Value {
        let declared = fields(&kind["fields"]).into_values().find(|(place, _)| *place == at);
        let format = declared.and_then(|(_, format)| format).unwrap_or(times);
        let (read, off) = stamp::read_back(format, moment);
        record.moments.insert(at.to_owned(), moment);
        let here = record.read.values_mut().filter(|(place, _)| place == at);
        here.for_each(|(_, fact)| *fact = Fact::Moment(read, off));
        stamp::write(format, moment, self.now, record.number)
    }

    /// What may stand where rules look, and makes none of them hold.
    fn harmless(
        &self,
        rules: &[&Value],
        view: Option<&View<'p>>,
        at: &str,
        times: &str,
        number: usize,
    ) -> Option<Value> {
        let here: Vec<_> = rules.iter().filter(|rule| rule["at"] == *at).collect();
        let must = view.is_some_and(|view| view.is_needed(at) && !view.takes_null(at));
        if !must && number.is_multiple_of(2) {
            return None;
        }
        if here.iter().any(|rule| rule["past"] == true) {
            let moment = stamp::days_from(self.now, 200);
            return Some(typed(view, at, stamp::write(times, moment, self.now, number)));
        }
        let mut words: Vec<Value> = here
            .iter()
            .filter_map(|rule| rule["words"].as_object())
            .flat_map(|words| words.keys().map(|word| json!(word)))
            .collect();
        words.extend(here.iter().map(|rule| rule["is"].clone()).filter(|is| !is.is_null()));
        if words.is_empty() {
            return None;
        }
        let words: Vec<&Value> = words.iter().collect();
        let base = view.map(View::base).unwrap_or_default();
        let other = self.other(view, base, at, &words);
        match (other.is_null(), must) {
            // Each word has a rule: one that comes behind tells nothing.
            (true, true) => words.first().map(|word| typed(view, at, (*word).clone())),
            (true, false) => None,
            (false, _) => Some(other).filter(|other| must || other.is_boolean()),
        }
    }

    /// Whether a key can be there whose state no rule tells.
    pub(super) fn can_be_harmless(&self, kind: &'p Value, views: &Views<'p>) -> bool {
        let rules: Vec<_> = kind["state"].as_array().into_iter().flatten().collect();
        rules.iter().all(|rule| {
            let Some(at) = rule["at"].as_str() else { return true };
            let Some(view) = views.of(at) else { return true };
            let words = view.words(at);
            let is_told = |word: &Value| {
                let here = rules.iter().filter(|rule| rule["at"] == *at);
                here.into_iter()
                    .any(|rule| rule["is"] == *word || rule["words"].get(plain(word)).is_some())
            };
            let must = view.is_needed(at) && !view.takes_null(at);
            !must || words.is_empty() || !words.iter().all(is_told)
        })
    }
}

impl Record {
    /// What its entry tells of its state, and what is wrong about that.
    pub(super) fn state(&self, kind: &Value, entry: &Value, now: i64) -> Told {
        let rules = kind["state"].as_array().into_iter().flatten().enumerate();
        for (number, rule) in rules {
            let told = |state: &Value, word: Option<String>| Told {
                rule: Some(number),
                state: state.as_str().unwrap().to_owned(),
                word,
            };
            let Some(at) = rule["at"].as_str() else { return told(&rule["then"], None) };
            let Some(value) = tree::find(entry, at) else { continue };
            let word = match value {
                Value::Bool(_) => tree::names(at).pop(),
                other => Some(plain(other)),
            };
            if let Some(words) = rule["words"].as_object() {
                if let Some(state) = words.get(&plain(value)) {
                    return told(state, word);
                }
            } else if rule["past"] == true {
                if self.moments.get(at).is_some_and(|moment| *moment <= now) {
                    return told(&rule["then"], None);
                }
            } else if rule["is"].is_null() || rule["is"] == *value {
                return told(&rule["then"], word);
            }
        }
        Told { rule: None, state: "active".to_owned(), word: None }
    }
}

/// Whether a time is read from a place.
fn is_time_at(kind: &Value, at: &str) -> bool {
    fields(&kind["fields"])
        .into_iter()
        .any(|(name, (place, _))| place == at && name.ends_with("At"))
}
