//! What the schemas of an OpenAPI description say of a place: whether it is there, and what may stand
//! there.

use std::collections::BTreeSet;

use serde_json::Value;

/// A schema deeper than this refers to itself.
const MAX_DEPTH: usize = 24;
const SCALARS: [&str; 4] = ["string", "integer", "number", "boolean"];

/// What a description says of a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found<'d> {
    /// It is there, as one of these.
    Known(Vec<&'d Value>),
    /// Anything may be there.
    Open,
    /// It is not there.
    Missing,
}

/// What may stand in a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// The types; `None` where nothing is said.
    pub types: Option<BTreeSet<String>>,
    /// Their formats.
    pub formats: BTreeSet<String>,
    /// The values, where they are counted up.
    pub words: Option<Vec<Value>>,
}

/// The schemas of one description.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'d>(pub(super) &'d Value);

impl<'d> Schemas<'d> {
    /// What a `$ref` stands for; what is none is itself.
    pub(super) fn resolve(self, mut schema: &'d Value) -> &'d Value {
        for _ in 0..MAX_DEPTH {
            let Some(reference) = schema["$ref"].as_str() else { return schema };
            let pointer = reference.strip_prefix('#').unwrap();
            schema = self.0.pointer(pointer).unwrap_or_else(|| panic!("no {reference}"));
        }
        panic!("{schema} refers to itself")
    }

    /// What stands behind some names, one below the other.
    pub(super) fn find(self, base: &[&'d Value], names: impl Iterator<Item = String>) -> Found<'d> {
        let mut here = base.to_vec();
        for name in names {
            match either(here.iter().map(|schema| self.member(schema, &name, 0))) {
                Some(Found::Known(next)) => here = next,
                Some(Found::Open) => return Found::Open,
                Some(Found::Missing) | None => return Found::Missing,
            }
        }
        Found::Known(here)
    }

    /// What a member of an object, or a numbered entry of a list, is.
    pub(super) fn member(self, schema: &'d Value, name: &str, depth: usize) -> Found<'d> {
        let schema = self.resolve(schema);
        if schema == &Value::Bool(false) {
            return Found::Missing;
        }
        if depth > MAX_DEPTH {
            return Found::Open;
        }
        let below = |key: &str| {
            schema[key]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| self.member(one, name, depth + 1))
        };
        let mut known = Vec::new();
        let mut is_missing = false;
        let groups = ["oneOf", "anyOf"].into_iter().filter_map(|key| either(below(key)));
        for found in own_member(schema, name).into_iter().chain(below("allOf")).chain(groups) {
            match found {
                Found::Known(schemas) => known.extend(schemas),
                Found::Missing => is_missing = true,
                Found::Open => {}
            }
        }
        match (known.is_empty(), is_missing) {
            (false, _) => Found::Known(known),
            (true, true) => Found::Missing,
            (true, false) => Found::Open,
        }
    }

    /// What may stand in a place that one of these describes.
    pub(super) fn shape(self, schemas: &[&'d Value]) -> Shape {
        let shapes = schemas.iter().map(|schema| self.shape_of(schema, 0));
        shapes.reduce(Shape::or).unwrap_or_default()
    }

    fn shape_of(self, schema: &'d Value, depth: usize) -> Shape {
        let schema = self.resolve(schema);
        if depth > MAX_DEPTH {
            return Shape::default();
        }
        let below = |key: &str| {
            schema[key].as_array().into_iter().flatten().map(|one| self.shape_of(one, depth + 1))
        };
        let mut shape = own_shape(schema);
        for also in below("allOf") {
            shape = shape.and(also);
        }
        for key in ["oneOf", "anyOf"] {
            // One that is null alone adds nothing to what may stand there.
            let ways =
                below(key).filter(|way| way.types.as_ref().is_none_or(|all| !all.is_empty()));
            if let Some(ways) = ways.reduce(Shape::or) {
                shape = shape.and(ways);
            }
        }
        shape
    }

    /// The members that an object must have when it is sent.
    pub(super) fn required(
        self,
        schema: &'d Value,
        is_given: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let schema = self.resolve(schema);
        let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let is_sent = |name: &str| match self.member(schema, name, 0) {
            Found::Known(all) => all.iter().all(|one| self.resolve(one)["readOnly"] != true),
            Found::Open | Found::Missing => true,
        };
        let own = names.filter(|name| !is_given(name) && is_sent(name)).map(str::to_owned);
        let mut missing: Vec<_> = own.collect();
        let below = |key: &str| schema[key].as_array().into_iter().flatten();
        for part in below("allOf") {
            missing.extend(self.required(part, is_given));
        }
        for key in ["oneOf", "anyOf"] {
            let ways = below(key).map(|way| self.required(way, is_given));
            missing.extend(ways.min_by_key(Vec::len).unwrap_or_default());
        }
        missing
    }
}

/// The best of several ways in which a place may be there; `None` of no way.
fn either<'d>(ways: impl Iterator<Item = Found<'d>>) -> Option<Found<'d>> {
    ways.reduce(|one, other| match (one, other) {
        (Found::Known(mut one), Found::Known(other)) => {
            one.extend(other);
            Found::Known(one)
        }
        (Found::Known(known), _) | (_, Found::Known(known)) => Found::Known(known),
        (Found::Open, _) | (_, Found::Open) => Found::Open,
        (Found::Missing, Found::Missing) => Found::Missing,
    })
}

/// What a schema says of a member by itself; `None` where it says nothing of members.
fn own_member<'d>(schema: &'d Value, name: &str) -> Option<Found<'d>> {
    let types = types(schema);
    if let Some(member) = schema["properties"].get(name) {
        return Some(Found::Known(vec![member]));
    }
    if let Some(items) = schema.get("items") {
        let is_number = name.parse::<usize>().is_ok();
        return Some(if is_number { Found::Known(vec![items]) } else { Found::Missing });
    }
    match &schema["additionalProperties"] {
        Value::Bool(true) => return Some(Found::Open),
        Value::Object(any) if any.is_empty() => return Some(Found::Open),
        Value::Object(_) => return Some(Found::Known(vec![&schema["additionalProperties"]])),
        Value::Bool(false) => return Some(Found::Missing),
        _ => {}
    }
    let has_members = schema["properties"].as_object().is_some_and(|all| !all.is_empty());
    let is_other = types.as_ref().is_some_and(|types| !types.contains("object"));
    match (has_members || is_other, types) {
        (true, _) => Some(Found::Missing),
        (false, Some(_)) => Some(Found::Open),
        (false, None) => None,
    }
}

/// The types that a schema names, without null; `None` where it names none.
fn types(schema: &Value) -> Option<BTreeSet<String>> {
    let named: BTreeSet<String> = match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ if schema.get("properties").is_some() => BTreeSet::from(["object".to_owned()]),
        _ if schema.get("items").is_some() => BTreeSet::from(["array".to_owned()]),
        _ => return None,
    };
    Some(named.into_iter().filter(|name| name != "null").collect())
}

fn own_shape(schema: &Value) -> Shape {
    let listed = schema["enum"].as_array().cloned();
    let words = listed.or_else(|| schema.get("const").map(|only| vec![only.clone()]));
    Shape {
        types: types(schema),
        formats: schema["format"].as_str().map(str::to_owned).into_iter().collect(),
        words: words.map(|words| words.into_iter().filter(|word| !word.is_null()).collect()),
    }
}

impl Shape {
    fn and(self, other: Self) -> Self {
        let types = match (self.types, other.types) {
            (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
            (one, other) => one.or(other),
        };
        let formats = self.formats.into_iter().chain(other.formats).collect();
        Self { types, formats, words: self.words.or(other.words) }
    }

    fn or(self, other: Self) -> Self {
        let types = self.types.zip(other.types).map(|(one, other)| &one | &other);
        let formats = self.formats.into_iter().chain(other.formats).collect();
        let words = self.words.zip(other.words).map(|(one, other)| [one, other].concat());
        Self { types, formats, words }
    }

    /// Whether something of one of these types may stand there.
    pub(super) fn has(&self, any: &[&str]) -> bool {
        self.types.as_ref().is_none_or(|types| any.iter().any(|one| types.contains(*one)))
    }

    /// Whether a text, a number or a truth value may stand there.
    pub(super) fn is_scalar(&self) -> bool {
        self.has(&SCALARS)
    }

    /// Whether this value may stand there.
    pub(super) fn takes(&self, value: &Value) -> bool {
        let is_type = match value {
            Value::Null => true,
            Value::Bool(_) => self.has(&["boolean"]),
            Value::Number(number) if number.is_f64() => self.has(&["number"]),
            Value::Number(_) => self.has(&["integer", "number"]),
            Value::String(_) => self.has(&["string"]),
            Value::Array(_) => self.has(&["array"]),
            Value::Object(_) => self.has(&["object"]),
        };
        is_type && self.words.as_ref().is_none_or(|words| words.contains(value))
    }

    /// Whether this text may stand there, in a URL or a form.
    pub(super) fn takes_text(&self, text: &str) -> bool {
        let is_type = self.has(&["string", "array", "object"])
            || (self.has(&["integer"]) && text.parse::<i64>().is_ok())
            || (self.has(&["number"]) && text.parse::<f64>().is_ok())
            || (self.has(&["boolean"]) && matches!(text, "true" | "false"));
        let is_word =
            |word: &Value| word.as_str().map_or_else(|| word.to_string(), str::to_owned) == text;
        let words = self.words.as_ref().filter(|_| !self.has(&["array"]) || self.types.is_none());
        is_type && words.is_none_or(|words| words.iter().any(is_word))
    }
}

/// In words, for a fault.
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let types = self.types.iter().flatten().cloned().collect::<Vec<_>>().join(" or ");
        f.write_str(if types.is_empty() { "anything" } else { &types })?;
        if !self.formats.is_empty() {
            let formats: Vec<_> = self.formats.iter().map(String::as_str).collect();
            write!(f, " ({})", formats.join(", "))?;
        }
        if let Some(words) = &self.words {
            let words: Vec<_> = words.iter().map(ToString::to_string).collect();
            write!(f, " of {}", words.join(", "))?;
        }
        Ok(())
    }
}
