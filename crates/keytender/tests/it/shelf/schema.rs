//! What the schemas of an OpenAPI description say: where something may stand, and whether a value fits.

use std::collections::BTreeSet;

use serde_json::Value;

use super::stamp;
use super::tree::names;

/// A schema deeper than this refers to itself.
const MAX_DEPTH: usize = 24;

/// The schemas of one description.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'d>(pub &'d Value);

/// In which direction a value goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// To the provider: nothing may be sent that the description does not know.
    Request,
    /// From the provider.
    Answer,
}

/// What is said of a place.
pub(super) struct Seen<'d> {
    /// The schemas of what stands there.
    pub schemas: Vec<&'d Value>,
    /// Whether something may stand there that nothing is said of.
    pub is_open: bool,
}

impl<'d> Schemas<'d> {
    /// What a `$ref` stands for; what is none is itself.
    pub(super) fn resolve(self, mut schema: &'d Value) -> &'d Value {
        for _ in 0..MAX_DEPTH {
            let Some(reference) = schema["$ref"].as_str() else { return schema };
            schema = self.0.pointer(reference.trim_start_matches('#')).unwrap();
        }
        panic!("{schema} refers to itself")
    }

    /// What is said of a place below a schema.
    pub(super) fn at(self, schema: &'d Value, pointer: &str) -> Seen<'d> {
        let mut here = vec![schema];
        for name in names(pointer) {
            let below: Vec<_> = here.iter().map(|schema| self.member(schema, &name, 0)).collect();
            let is_open = below.iter().any(|seen| seen.is_open);
            here = below.into_iter().flat_map(|seen| seen.schemas).collect();
            if here.is_empty() {
                return Seen { schemas: here, is_open };
            }
        }
        Seen { schemas: here, is_open: false }
    }

    /// What is said of a member of an object, or of a numbered entry of a list.
    fn member(self, schema: &'d Value, name: &str, depth: usize) -> Seen<'d> {
        let schema = self.resolve(schema);
        let mut seen = Seen { schemas: Vec::new(), is_open: says_nothing(schema) };
        if depth > MAX_DEPTH {
            return seen;
        }
        if let Some(member) = schema["properties"].get(name) {
            seen.schemas.push(member);
        } else if let (Some(items), Ok(_)) = (schema.get("items"), name.parse::<usize>()) {
            seen.schemas.push(items);
        } else {
            match &schema["additionalProperties"] {
                Value::Bool(true) => seen.is_open = true,
                Value::Object(any) if any.is_empty() => seen.is_open = true,
                Value::Object(_) => seen.schemas.push(&schema["additionalProperties"]),
                _ => {}
            }
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in list(schema, key) {
                let below = self.member(part, name, depth + 1);
                seen.schemas.extend(below.schemas);
                seen.is_open |= below.is_open && key != "allOf";
            }
        }
        seen
    }

    /// The types that may stand in a place; empty where nothing is said.
    pub(super) fn types(self, schemas: &[&'d Value]) -> BTreeSet<String> {
        schemas.iter().flat_map(|schema| self.types_of(schema, 0)).collect()
    }

    fn types_of(self, schema: &'d Value, depth: usize) -> BTreeSet<String> {
        let schema = self.resolve(schema);
        let mut found = own_types(schema);
        if depth < MAX_DEPTH {
            for key in ["allOf", "oneOf", "anyOf"] {
                for part in list(schema, key) {
                    found.extend(self.types_of(part, depth + 1));
                }
            }
        }
        found
    }

    /// The values that are counted up for a place, without null; none where nothing is.
    pub(super) fn words(self, schemas: &[&'d Value]) -> Vec<&'d Value> {
        let mut words = Vec::new();
        let mut rest = schemas.to_vec();
        for _ in 0..MAX_DEPTH {
            let Some(schema) = rest.pop().map(|schema| self.resolve(schema)) else { break };
            words.extend(list(schema, "enum").filter(|word| !word.is_null()));
            words.extend(schema.get("const"));
            for key in ["allOf", "oneOf", "anyOf"] {
                rest.extend(list(schema, key));
            }
        }
        words
    }

    /// Whether the description asks for a member.
    pub(super) fn is_required(self, schema: &'d Value, name: &str, way: Way) -> bool {
        let schema = self.resolve(schema);
        let is_listed = list(schema, "required").any(|one| one == name);
        let only = match way {
            Way::Request => "readOnly",
            Way::Answer => "writeOnly",
        };
        let is_other = || {
            let schemas = self.member(schema, name, 0).schemas;
            schemas.iter().any(|member| self.resolve(member)[only] == true)
        };
        (is_listed && !is_other())
            || list(schema, "allOf").any(|part| self.is_required(part, name, way))
    }

    /// What is wrong with a value, with its place.
    pub(super) fn faults(self, schema: &'d Value, value: &Value, way: Way) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, way, "", true, &mut faults);
        faults
    }

    fn check(
        self,
        schema: &'d Value,
        value: &Value,
        way: Way,
        at: &str,
        is_whole: bool,
        faults: &mut Vec<String>,
    ) {
        let schema = self.resolve(schema);
        if at.split('/').count() > MAX_DEPTH {
            return;
        }
        let types = own_types(schema);
        let is_null = value.is_null()
            && (schema["nullable"] == true || types.contains("null") || types.is_empty());
        if is_null {
            return;
        }
        if !types.is_empty() && !kinds(value).iter().any(|kind| types.contains(*kind)) {
            faults.push(format!("{at}: {} is not {types:?}", short(value)));
            return;
        }
        let words: Vec<_> = list(schema, "enum").chain(schema.get("const")).collect();
        if !words.is_empty() && !words.contains(&value) {
            faults.push(format!("{at}: {} is not one of {words:?}", short(value)));
        }
        if let (Some(format), Some(text)) = (schema["format"].as_str(), value.as_str())
            && !stamp::is_formed(format, text)
        {
            faults.push(format!("{at}: {} is no {format}", short(value)));
        }
        if let Some(members) = value.as_object() {
            for name in list(schema, "required").filter_map(Value::as_str) {
                if !members.contains_key(name) && self.is_required(schema, name, way) {
                    faults.push(format!("{at}/{name} is required"));
                }
            }
            for (name, member) in members {
                let place = format!("{at}/{name}");
                let own = schema["properties"]
                    .get(name)
                    .or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()));
                if let Some(own) = own {
                    self.check(own, member, way, &place, true, faults);
                }
                let seen = self.member(schema, name, 0);
                if is_whole && way == Way::Request && seen.schemas.is_empty() && !seen.is_open {
                    faults.push(format!("{place} is not known"));
                }
            }
        }
        if let (Some(items), Some(all)) = (schema.get("items"), value.as_array()) {
            for (number, one) in all.iter().enumerate() {
                self.check(items, one, way, &format!("{at}/{number}"), true, faults);
            }
        }
        for part in list(schema, "allOf") {
            self.check(part, value, way, at, false, faults);
        }
        for key in ["oneOf", "anyOf"] {
            let ways = list(schema, key).map(|part| {
                let mut faults = Vec::new();
                self.check(part, value, way, at, false, &mut faults);
                faults
            });
            faults.extend(ways.min_by_key(Vec::len).into_iter().flatten());
        }
    }
}

/// Whether a schema neither names members nor another type than an object.
fn says_nothing(schema: &Value) -> bool {
    let has_parts = ["allOf", "oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some());
    let names = schema["properties"].as_object().is_some_and(|all| !all.is_empty());
    let types = own_types(schema);
    let may_be_object = types.is_empty() || types.contains("object");
    !has_parts && !names && may_be_object && schema["additionalProperties"] != false
}

/// The entries of a list, if there is one of this name.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().into_iter().flatten()
}

/// The types that a schema names itself.
fn own_types(schema: &Value) -> BTreeSet<String> {
    match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(_) => {
            list(schema, "type").filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ if schema.get("properties").is_some() => BTreeSet::from(["object".to_owned()]),
        _ if schema.get("items").is_some() => BTreeSet::from(["array".to_owned()]),
        _ => BTreeSet::new(),
    }
}

/// The types that a value is of.
fn kinds(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Null => &["null"],
        Value::Bool(_) => &["boolean"],
        Value::Number(number) if number.is_f64() => &["number"],
        Value::Number(_) => &["integer", "number"],
        Value::String(_) => &["string"],
        Value::Array(_) => &["array"],
        Value::Object(_) => &["object"],
    }
}

/// A value as a fault shows it.
fn short(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}
