//! A provider's OpenAPI description, read within limits: it comes from a stranger.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::NoDraft;
use crate::akm::operation::HttpMethod;

/// How often a `$ref` may lead to another.
const MAX_REFERENCES: usize = 16;
/// How deep schemas may stand in schemas, and how many one may consist of.
const MAX_DEPTH: usize = 12;
const MAX_PARTS: usize = 200;
/// The most nodes of a description in YAML: the longest that we know of, GitHub's, has 400,000.
const MAX_NODES: usize = 2_000_000;

/// A description.
#[derive(Clone, Copy)]
pub(super) struct Description<'d> {
    document: &'d Value,
}

/// One operation of it.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'d> {
    pub method: HttpMethod,
    pub path: &'d str,
    item: &'d Value,
    pub operation: &'d Value,
}

/// A parameter that an operation knows.
pub(super) struct Parameter<'d> {
    pub name: &'d str,
    pub is_required: bool,
    pub schema: &'d Value,
}

/// What may stand in a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    types: BTreeSet<String>,
    pub format: Option<String>,
    /// The values, where they are counted up.
    pub words: Vec<Value>,
    pub about: String,
}

/// Reads the text of a description.
pub(super) fn read(text: &str) -> Result<Value, NoDraft> {
    let document: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| NoDraft::Unreadable(error.to_string()))?
    } else {
        let options = serde_saphyr::options! {
            with_snippet: false,
            budget: serde_saphyr::budget! {
                max_depth: 100,
                max_nodes: MAX_NODES,
                max_documents: 1,
            },
        };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| NoDraft::Unreadable(error.without_snippet().to_string()))?
    };
    match (document.get("openapi"), document.get("swagger")) {
        (Some(Value::String(version)), _) if version.starts_with("3.") => {}
        (None, Some(_)) => return Err(NoDraft::Old),
        _ => return Err(NoDraft::NoDescription),
    }
    if !document.get("paths").is_some_and(Value::is_object) {
        return Err(NoDraft::NoPaths);
    }
    Ok(document)
}

impl<'d> Description<'d> {
    pub(super) const fn new(document: &'d Value) -> Self {
        Self { document }
    }

    /// What stands at the top of it.
    pub(super) fn at(self, name: &str) -> &'d Value {
        &self.document[name]
    }

    /// What a `$ref` within the description stands for; nothing for one that leads elsewhere.
    pub(super) fn resolve(self, mut schema: &'d Value) -> &'d Value {
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = schema["$ref"].as_str() else { return schema };
            let found = reference.strip_prefix('#').and_then(|at| self.document.pointer(at));
            schema = found.unwrap_or(&Value::Null);
        }
        &Value::Null
    }

    /// Every operation, by its path.
    pub(super) fn endpoints(self) -> impl Iterator<Item = Endpoint<'d>> {
        const METHODS: [(&str, HttpMethod); 5] = [
            ("get", HttpMethod::Get),
            ("post", HttpMethod::Post),
            ("put", HttpMethod::Put),
            ("patch", HttpMethod::Patch),
            ("delete", HttpMethod::Delete),
        ];
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(move |(path, item)| {
            let item = self.resolve(item);
            METHODS.iter().filter_map(move |(name, method)| {
                let operation = item.get(*name).filter(|operation| operation.is_object())?;
                Some(Endpoint { method: *method, path, item, operation })
            })
        })
    }

    /// The parameters of an operation in a part of the request: `query`, `header`.
    pub(super) fn parameters(self, endpoint: &Endpoint<'d>, part: &str) -> Vec<Parameter<'d>> {
        let all = [&endpoint.operation["parameters"], &endpoint.item["parameters"]];
        let all = all.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
        let mut seen = BTreeSet::new();
        all.map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter["in"] == part)
            .filter_map(|parameter| {
                let name = parameter["name"].as_str()?;
                let is_required = parameter["required"] == true;
                let schema = &parameter["schema"];
                seen.insert(name).then_some(Parameter { name, is_required, schema })
            })
            .collect()
    }

    /// The schema of a body that is sent, and whether it is a form.
    pub(super) fn body(self, endpoint: &Endpoint<'d>) -> Option<(&'d Value, bool)> {
        let body = self.resolve(endpoint.operation.get("requestBody")?);
        let content = body["content"].as_object()?;
        let find = |fits: &dyn Fn(&str) -> bool| {
            content.iter().find(|(name, _)| fits(name)).map(|(_, content)| &content["schema"])
        };
        let form = |name: &str| name == "application/x-www-form-urlencoded";
        find(&is_json)
            .map(|schema| (schema, false))
            .or_else(|| find(&form).map(|schema| (schema, true)))
    }

    /// Whether there must be a body.
    pub(super) fn needs_body(self, endpoint: &Endpoint<'d>) -> bool {
        self.resolve(&endpoint.operation["requestBody"])["required"] == true
    }

    /// The codes from 200 to 299 that an operation names.
    pub(super) fn success(self, endpoint: &Endpoint<'d>) -> Vec<u16> {
        let codes = endpoint.operation["responses"].as_object().into_iter().flatten();
        let codes = codes.filter_map(|(code, _)| code.parse().ok());
        codes.filter(|code| (200..300).contains(code)).collect()
    }

    /// Whether it names a code.
    pub(super) fn has_code(self, endpoint: &Endpoint<'d>, code: &str) -> bool {
        endpoint.operation["responses"].get(code).is_some()
    }

    /// The answers to a success.
    fn answers(self, endpoint: &Endpoint<'d>) -> Vec<&'d Value> {
        let all = &endpoint.operation["responses"];
        let mut codes: Vec<_> =
            self.success(endpoint).iter().map(|code| all.get(code.to_string())).collect();
        if codes.is_empty() {
            codes = vec![all.get("2XX"), all.get("default")];
        }
        codes.into_iter().flatten().map(|answer| self.resolve(answer)).collect()
    }

    /// The JSON of a success.
    pub(super) fn answer(self, endpoint: &Endpoint<'d>) -> Vec<&'d Value> {
        let json = |answer: &&'d Value| {
            let mut content = answer["content"].as_object()?.iter();
            content.find(|(name, _)| is_json(name)).map(|(_, content)| &content["schema"])
        };
        self.answers(endpoint).iter().filter_map(json).collect()
    }

    /// Whether a success has a header.
    pub(super) fn has_header(self, endpoint: &Endpoint<'d>, name: &str) -> bool {
        let has = |answer: &&Value| {
            let mut headers = answer["headers"].as_object().into_iter().flatten();
            headers.any(|(one, _)| one.eq_ignore_ascii_case(name))
        };
        self.answers(endpoint).iter().any(has)
    }

    /// All that schemas consist of: themselves, and what stands in their `allOf`, `oneOf`, `anyOf`.
    fn parts(self, schemas: &[&'d Value]) -> Vec<&'d Value> {
        let mut parts = Vec::new();
        let mut next: Vec<_> = schemas.iter().rev().map(|schema| (*schema, 0)).collect();
        while let Some((schema, depth)) = next.pop() {
            if parts.len() >= MAX_PARTS {
                break;
            }
            let schema = self.resolve(schema);
            parts.push(schema);
            if depth < MAX_DEPTH {
                let groups = ["anyOf", "oneOf", "allOf"].into_iter();
                let below = groups.flat_map(|name| schema[name].as_array().into_iter().flatten());
                next.extend(below.take(MAX_PARTS).map(|below| (below, depth + 1)));
            }
        }
        parts
    }

    /// The members of an object, each with the schemas that speak of it.
    pub(super) fn members(self, schemas: &[&'d Value]) -> BTreeMap<&'d str, Vec<&'d Value>> {
        let mut members = BTreeMap::<&str, Vec<&Value>>::new();
        for part in self.parts(schemas) {
            for (name, schema) in part["properties"].as_object().into_iter().flatten() {
                members.entry(name).or_default().push(schema);
            }
        }
        members
    }

    /// What the entries of a list are.
    pub(super) fn entries(self, schemas: &[&'d Value]) -> Vec<&'d Value> {
        self.parts(schemas).iter().filter_map(|part| part.get("items")).collect()
    }

    /// The names of the members that must be sent.
    pub(super) fn required(self, schema: &'d Value) -> BTreeSet<&'d str> {
        self.required_in(schema, 0)
    }

    fn required_in(self, schema: &'d Value, depth: usize) -> BTreeSet<&'d str> {
        let schema = self.resolve(schema);
        if depth > 4 {
            return BTreeSet::new();
        }
        let below = |name: &str| schema[name].as_array().into_iter().flatten().take(20);
        let names = schema["required"].as_array().into_iter().flatten();
        let mut names: BTreeSet<_> = names.filter_map(Value::as_str).collect();
        names.extend(below("allOf").flat_map(|part| self.required_in(part, depth + 1)));
        for group in ["oneOf", "anyOf"] {
            let ways = below(group).map(|way| self.required_in(way, depth + 1));
            names.extend(ways.min_by_key(BTreeSet::len).unwrap_or_default());
        }
        names
    }

    /// What may stand where these speak of.
    pub(super) fn shape(self, schemas: &[&'d Value]) -> Shape {
        let mut shape = Shape::default();
        for part in self.parts(schemas) {
            let types = match &part["type"] {
                Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
                one => one.as_str().into_iter().collect::<Vec<_>>(),
            };
            shape
                .types
                .extend(types.iter().filter(|name| **name != "null").map(|one| (*one).to_owned()));
            if part.get("properties").is_some() {
                shape.types.insert("object".to_owned());
            }
            if let Some(format) = part["format"].as_str() {
                shape.format.get_or_insert_with(|| format.to_owned());
            }
            if shape.about.is_empty() {
                part["description"].as_str().unwrap_or_default().clone_into(&mut shape.about);
            }
            shape.words.extend(part["enum"].as_array().into_iter().flatten().cloned());
            shape.words.extend(part.get("const").cloned());
        }
        shape.words.retain(|word| !word.is_null());
        shape
    }

    /// What stands in a place where nobody says anything else.
    pub(super) fn default(self, schemas: &[&'d Value]) -> Option<&'d Value> {
        let parts = self.parts(schemas);
        let find = |name: &str| parts.iter().find_map(|part| part.get(name));
        let only = || match find("enum")?.as_array()?.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        find("const")
            .or_else(only)
            .or_else(|| find("default"))
            .filter(|value| value.is_string() || value.is_number() || value.is_boolean())
    }

    /// A number that schemas name.
    pub(super) fn number(self, schemas: &[&'d Value], name: &str) -> Option<u64> {
        self.parts(schemas).iter().find_map(|part| part[name].as_u64())
    }

    /// Whether schemas say that a place is read alone.
    pub(super) fn is_read_only(self, schemas: &[&'d Value]) -> bool {
        self.parts(schemas).iter().any(|part| part["readOnly"] == true)
    }
}

impl Shape {
    /// Whether one of these types may stand there, as far as is known.
    pub(super) fn may_be(&self, any: &[&str]) -> bool {
        self.types.is_empty() || any.iter().any(|one| self.types.contains(*one))
    }

    /// Whether it is known to be of this type.
    pub(super) fn is(&self, one: &str) -> bool {
        self.types.contains(one)
    }
}

fn is_json(name: &str) -> bool {
    let name = name.split(';').next().unwrap_or_default().trim();
    name == "application/json" || name.ends_with("+json") || name == "*/*"
}
