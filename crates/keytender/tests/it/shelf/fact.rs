//! What stands for a fact of a key, in the type and the words that the description wants, and what must
//! be read of it.

use serde_json::{Value, json};

use super::model::{Deed, Model, View, copies, fields};
use super::record::{Fact, Record, Views, plain};
use super::{LIVE, stamp};

impl<'p> Model<'p> {
    /// Puts a field into a key.
    pub(super) fn field(
        &self,
        record: &mut Record,
        kind: &'p Value,
        views: &Views<'p>,
        name: &str,
        at: &str,
        format: &str,
    ) {
        let view = views.of(at);
        if view.is_none()
            && (views.list.is_some() || views.get.is_some())
            && !is_elsewhere(kind, name)
        {
            self.fault(format!("{}: nothing stands at {at} ({name})", kind["id"]));
        }
        let (value, fact) = self.fact(view, kind, name, at, format, record.number);
        if let Fact::Moment(moment, _) = fact {
            record.moments.insert(at.to_owned(), moment);
        }
        record.facts.insert(at.to_owned(), value);
        record.read.insert(name.to_owned(), (at.to_owned(), fact));
    }

    /// What stands for a field, and what must be read of it.
    pub(super) fn fact(
        &self,
        view: Option<&View<'p>>,
        kind: &'p Value,
        name: &str,
        at: &str,
        format: &str,
        number: usize,
    ) -> (Option<Value>, Fact) {
        let days = match name {
            "createdAt" => Some(-300),
            "rotatedAt" => Some(-100),
            "expiresAt" => (!number.is_multiple_of(3)).then_some(200),
            "lastUsedAt" => (number % 3 != 1).then_some(-3),
            "exposedAt" => (number % 3 == 2).then_some(-2),
            _ => return self.plain_fact(view, kind, name, at, number),
        };
        let must = || view.is_some_and(|view| view.is_needed(at) && !view.takes_null(at));
        let days = days.or_else(|| must().then_some(if name == "expiresAt" { 200 } else { -3 }));
        let habits = self.paper.habits();
        let Some(days) = days else {
            let never = habits.never().filter(|_| name == "expiresAt").map(Value::from);
            return (never, Fact::Nothing);
        };
        let moment = stamp::days_from(self.now, days) - i64::try_from(number).unwrap() * 1_000_000;
        let written = match habits.times() {
            Some(form) => stamp::formed(form, moment),
            None => stamp::write(format, moment, self.now, number),
        };
        let (moment, off) = stamp::read_back(format, moment);
        (Some(typed(view, at, written)), Fact::Moment(moment, off))
    }

    fn plain_fact(
        &self,
        view: Option<&View<'p>>,
        kind: &'p Value,
        name: &str,
        at: &str,
        number: usize,
    ) -> (Option<Value>, Fact) {
        if let Some(value) = self.wanted_copy(kind, at) {
            let words = |list: &Vec<Value>| list.iter().map(plain).collect();
            let fact = match (&value, name) {
                (Value::Array(list), _) => Fact::List(words(list)),
                (value, "scopes") => Fact::List(vec![plain(value)]),
                (value, _) => Fact::Text(plain(value)),
            };
            return (Some(value), fact);
        }
        if name == "scopes" {
            return scopes(view, at, number);
        }
        let is_secret = kind["fields"][name]["isSecret"] == true;
        let text = match (name, is_secret) {
            (_, true) => format!("{LIVE}-{number}"),
            ("id", _) => format!("{}_{number}:a", kind["id"].as_str().unwrap_or_default()),
            _ => format!("{name} {number}"),
        };
        let words = view.map(|view| view.words(at)).unwrap_or_default();
        let types = view.map(|view| view.types(at)).unwrap_or_default();
        let value = match words.get(number % words.len().max(1)) {
            Some(word) => word.clone(),
            None if types.is_empty() || types.contains("string") => json!(text),
            None if types.contains("integer") || types.contains("number") => {
                json!(4_711_000 + number)
            }
            None if types.contains("boolean") => json!(true),
            None => json!(text),
        };
        let text = plain(&value);
        (Some(value), Fact::Text(text))
    }

    /// A value of a place that is copied, where the call that it is copied to counts up what it takes.
    fn wanted_copy(&self, kind: &'p Value, at: &str) -> Option<Value> {
        let operations = kind["operations"].as_object().into_iter().flatten();
        for (name, operation) in operations {
            let Some(deed) = Deed::find(kind, name) else { continue };
            let args = operation["args"].as_object().into_iter().flatten();
            for (arg, _) in args.filter(|(_, arg)| arg["copy"] == *at) {
                let value = self.sample(deed, arg, true);
                if value.is_some() {
                    return value;
                }
            }
        }
        None
    }

    /// What is copied to a successor and is no field: as the call that makes one wants it.
    pub(super) fn copied(&self, kind: &'p Value, views: &Views<'p>) -> Vec<(String, Value)> {
        let declared: Vec<_> = fields(&kind["fields"]).into_values().map(|(at, _)| at).collect();
        let all = copies(kind).into_iter().filter(|at| !declared.contains(at));
        all.map(|at| {
            let value = self.wanted_copy(kind, at);
            let value = value.or_else(|| views.of(at).and_then(|view| view.example(at)));
            (at.to_owned(), value.unwrap_or_else(|| json!(format!("copied {at}"))))
        })
        .collect()
    }
}

/// Whether a field is told by another answer about the key than its entry.
fn is_elsewhere(kind: &Value, name: &str) -> bool {
    let tells = |operation: &str| !kind["operations"][operation]["outputs"][name].is_null();
    tells("get") || tells("lastUsed")
}

fn scopes(view: Option<&View<'_>>, at: &str, number: usize) -> (Option<Value>, Fact) {
    let types = view.map(|view| view.types(at)).unwrap_or_default();
    let is_list = if types.is_empty() { number.is_multiple_of(2) } else { types.contains("array") };
    let words = view.map(|view| view.words(&format!("{at}{}", if is_list { "/0" } else { "" })));
    let words: Vec<_> = words.unwrap_or_default().iter().map(plain).take(2).collect();
    let words =
        if words.is_empty() { vec!["read".to_owned(), format!("write-{number}")] } else { words };
    match is_list {
        true => (Some(json!(words)), Fact::List(words)),
        false => {
            let one = view.is_some_and(|view| !view.words(at).is_empty());
            let words = if one { vec![words[0].clone()] } else { words };
            (Some(json!(words.join(" "))), Fact::List(words))
        }
    }
}

/// A value in the type that a description wants.
pub(super) fn typed(view: Option<&View<'_>>, at: &str, value: Value) -> Value {
    let types = view.map(|view| view.types(at)).unwrap_or_default();
    let has = |name: &str| types.contains(name);
    match &value {
        Value::Number(number) if has("string") && !has("integer") && !has("number") => {
            json!(number.to_string())
        }
        Value::String(text) if !types.is_empty() && !has("string") => {
            text.parse::<i64>().map_or(value, |number| json!(number))
        }
        _ => value,
    }
}
