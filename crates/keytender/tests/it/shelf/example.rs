//! A generated example of a schema: all that a provider may answer, with a live secret wherever a text
//! may stand.

use serde_json::{Map, Value, json};

use super::schema::{Schemas, list};

/// Below this only what must be there is made.
const WHOLE_DEPTH: usize = 6;
/// Below this nothing is made: the schema refers to itself.
const MAX_DEPTH: usize = 14;

/// Makes examples.
pub(super) struct Maker<'d> {
    pub schemas: Schemas<'d>,
    /// What stands where any text may stand.
    pub text: &'d str,
}

impl<'d> Maker<'d> {
    /// An example of a schema, in which each of the places that are `wanted` is known.
    pub(super) fn make(&self, schema: &'d Value, wanted: &[&str]) -> Value {
        let wanted: Vec<_> = wanted.iter().map(|pointer| (*pointer).to_owned()).collect();
        self.example(schema, &wanted, 0)
    }

    fn example(&self, schema: &'d Value, wanted: &[String], depth: usize) -> Value {
        let schema = self.schemas.resolve(schema);
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(word) = list(schema, "enum").find(|word| !word.is_null()) {
            return word.clone();
        }
        let mut made = self.own(schema, wanted, depth);
        for part in list(schema, "allOf") {
            made = joined(made, self.example(part, wanted, depth + 1));
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(best) = self.best(list(schema, key).collect(), wanted) {
                made = joined(made, self.example(best, wanted, depth + 1));
            }
        }
        made.unwrap_or(Value::Null)
    }

    /// Of several ways, the first that knows the most of what is wanted.
    fn best(&self, ways: Vec<&'d Value>, wanted: &[String]) -> Option<&'d Value> {
        let is_null = |way: &&'d Value| self.schemas.resolve(way)["type"] == "null";
        let known = |way: &&'d Value| {
            let is_known = |at: &&String| !self.schemas.at(way, at).schemas.is_empty();
            wanted.iter().filter(is_known).count()
        };
        ways.into_iter().filter(|way| !is_null(way)).rev().max_by_key(known)
    }

    /// What a schema says by itself; `None` where it says nothing.
    fn own(&self, schema: &'d Value, wanted: &[String], depth: usize) -> Option<Value> {
        let named = match &schema["type"] {
            Value::Array(_) => list(schema, "type").find(|one| *one != "null")?.as_str(),
            Value::String(one) => Some(one.as_str()),
            _ if schema.get("properties").is_some() => Some("object"),
            _ if schema.get("items").is_some() => Some("array"),
            _ => None,
        };
        Some(match named {
            Some("object") => self.object(schema, wanted, depth),
            Some("array") => {
                let below = below(wanted, "0");
                json!([self.example(&schema["items"], &below, depth + 1)])
            }
            Some("string") => self.string(schema),
            Some("integer") => {
                schema.get("minimum").filter(|least| least.is_i64()).cloned().unwrap_or(json!(1))
            }
            Some("number") => json!(1),
            Some("boolean") => json!(true),
            Some("null") => Value::Null,
            _ if ["allOf", "oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some()) => {
                return None;
            }
            _ => json!(self.text),
        })
    }

    fn object(&self, schema: &'d Value, wanted: &[String], depth: usize) -> Value {
        let mut members = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let is_needed = list(schema, "required").any(|one| one == name);
            let below = below(wanted, name);
            let is_made = depth < WHOLE_DEPTH || is_needed || !below.is_empty();
            if is_made && self.schemas.resolve(member)["writeOnly"] != true {
                members.insert(name.clone(), self.example(member, &below, depth + 1));
            }
        }
        match &schema["additionalProperties"] {
            Value::Bool(true) => {
                members.insert("more".to_owned(), json!(self.text));
            }
            Value::Object(any) if !any.is_empty() => {
                let more = self.example(&schema["additionalProperties"], &[], depth + 1);
                members.insert("more".to_owned(), more);
            }
            _ => {}
        }
        Value::Object(members)
    }

    fn string(&self, schema: &Value) -> Value {
        let text = match schema["format"].as_str().unwrap_or_default() {
            "date-time" | "google-datetime" => "2026-01-02T03:04:05Z",
            "date-time-rfc-2822" => "Fri, 02 Jan 2026 03:04:05 +0000",
            "date" => "2026-01-02",
            "uuid" => "0b8f7c1e-2d3a-4b5c-8d6e-7f8091a2b3c4",
            "uri" | "url" => "https://example.com/",
            "email" => "ann@example.com",
            "ipv4" => "192.0.2.1",
            _ => self.text,
        };
        let shown = schema.get("example").filter(|shown| shown.is_string());
        shown.filter(|_| schema.get("pattern").is_some()).cloned().unwrap_or_else(|| json!(text))
    }
}

/// Two examples of one value: objects have the members of both.
fn joined(one: Option<Value>, other: Value) -> Option<Value> {
    Some(match (one, other) {
        (Some(Value::Object(mut one)), Value::Object(other)) => {
            for (name, value) in other {
                let both = joined(one.remove(&name), value).unwrap_or_default();
                one.insert(name, both);
            }
            Value::Object(one)
        }
        (Some(one), Value::Null) => one,
        // Text stands where nothing is said.
        (Some(one @ (Value::Object(_) | Value::Array(_))), Value::String(_)) => one,
        (_, other) => other,
    })
}

/// What is wanted below a member.
fn below(wanted: &[String], name: &str) -> Vec<String> {
    let name = name.replace('~', "~0").replace('/', "~1");
    let rest = |at: &String| {
        let rest = at.strip_prefix('/')?.strip_prefix(name.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    };
    wanted.iter().filter_map(rest).collect()
}
