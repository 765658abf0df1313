//! A provider's own OpenAPI description: which operation a request means, and whether it may be made so.

use std::path::PathBuf;

use serde_json::Value;

use super::paper::Address;
use super::schema::{Schemas, Way, list};
use crate::descriptor::provider::Came;

/// The descriptions of one provider.
pub(super) struct Description {
    documents: Vec<Value>,
    /// Paths that were cut off.
    outside: Vec<String>,
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'d> {
    pub schemas: Schemas<'d>,
    item: &'d Value,
    operation: &'d Value,
}

/// What a description says of a request.
pub(super) enum Meant<'d> {
    Here(Endpoint<'d>),
    /// It was cut off from the description.
    Outside,
    /// It is not there.
    Unknown(String),
}

impl Description {
    pub(super) fn read(files: &[PathBuf], outside: &[&str]) -> Self {
        let document =
            |path: &PathBuf| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let outside = outside.iter().map(|path| (*path).to_owned()).collect();
        Self { documents: files.iter().map(document).collect(), outside }
    }

    /// The operation that a method at an address means.
    pub(super) fn meant(&self, method: &str, address: &Address) -> Meant<'_> {
        let mut best: Option<(usize, &Value, &Value)> = None;
        for document in &self.documents {
            let servers = list(document, "servers").filter_map(|server| server["url"].as_str());
            let bases: Vec<_> = servers.map(path_of).collect();
            let bases = if bases.is_empty() { vec![String::new()] } else { bases };
            for (template, item) in document["paths"].as_object().unwrap() {
                let whole = bases.iter().map(|base| format!("{base}{template}"));
                let whole = whole.filter(|whole| fits(whole, &address.segments));
                let Some(score) = whole.map(|whole| literal(&whole)).max() else { continue };
                let has_method = !item[method.to_lowercase()].is_null();
                let score = score * 2 + usize::from(has_method);
                if best.is_none_or(|(other, ..)| score > other) {
                    best = Some((score, document, item));
                }
            }
        }
        match best {
            _ if self.outside.contains(&address.shape) => Meant::Outside,
            None => Meant::Unknown(format!("the description has no path {}", address.shape)),
            Some((_, document, item)) => {
                let operation = &item[method.to_lowercase()];
                if operation.is_null() {
                    let shape = &address.shape;
                    return Meant::Unknown(format!("the description has no {method} at {shape}"));
                }
                Meant::Here(Endpoint { schemas: Schemas(document), item, operation })
            }
        }
    }
}

impl<'d> Endpoint<'d> {
    fn parameters(&self, part: &'d str) -> impl Iterator<Item = &'d Value> {
        let schemas = self.schemas;
        let all = list(self.operation, "parameters").chain(list(self.item, "parameters"));
        all.map(move |one| schemas.resolve(one)).filter(move |one| one["in"] == part)
    }

    /// The schema of a JSON answer with a code, if there is one.
    pub(super) fn answer(&self, code: u16) -> Option<&'d Value> {
        let all = &self.operation["responses"];
        let range = format!("{}XX", code / 100);
        let found = all.get(code.to_string()).or_else(|| all.get(range));
        let response = self.schemas.resolve(found.or_else(|| all.get("default"))?);
        content(response, is_json)
    }

    /// A code from 200 to 299 that it names.
    pub(super) fn success(&self) -> Option<u16> {
        let codes = self.operation["responses"].as_object()?.keys();
        codes
            .filter_map(|code| code.replace("XX", "00").parse().ok())
            .find(|code| (200..300).contains(code))
    }

    /// The schema of the body that it takes.
    pub(super) fn body(&self) -> Option<&'d Value> {
        let body = self.schemas.resolve(self.operation.get("requestBody")?);
        content(body, |media| is_json(media) || media == FORM)
    }

    /// What is wrong with a request. Where it goes on with a list by an address that the provider gave,
    /// its parameters are the provider's.
    pub(super) fn faults(
        &self,
        came: &Came,
        query: &[(String, String)],
        is_next: bool,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in query {
            match self.parameter(name) {
                Some(schema) => {
                    let ways = [
                        Value::from(value.as_str()),
                        serde_json::from_str(value).unwrap_or_default(),
                    ];
                    let wrong =
                        ways.iter().map(|way| self.schemas.faults(schema, way, Way::Request));
                    let is_list = self.schemas.types(&[schema]).contains("array");
                    let wrong = wrong.min_by_key(Vec::len).unwrap();
                    faults.extend(
                        wrong
                            .into_iter()
                            .filter(|_| !is_list)
                            .map(|fault| format!("parameter `{name}`{fault}")),
                    );
                }
                None if is_next => {}
                None => faults.push(format!("parameter `{name}` is not known")),
            }
        }
        let is_given = |name: &str| {
            query.iter().any(|(given, _)| given == name || given.starts_with(&format!("{name}[")))
        };
        for parameter in self.parameters("query").filter(|one| one["required"] == true) {
            let name = parameter["name"].as_str().unwrap();
            if !is_given(name) {
                faults.push(format!("parameter `{name}` is required"));
            }
        }
        for parameter in self.parameters("header").filter(|one| one["required"] == true) {
            let name = parameter["name"].as_str().unwrap().to_lowercase();
            if came.headers.get(&name).is_none() {
                faults.push(format!("header `{name}` is required"));
            }
        }
        faults.extend(self.body_faults(came));
        faults
    }

    /// The schema of a parameter; `filter[name]` is a member of `filter`, if none has the whole name.
    fn parameter(&self, name: &str) -> Option<&'d Value> {
        let find = |name: &str| self.parameters("query").find(|one| one["name"] == name);
        if let Some(parameter) = find(name) {
            return Some(&parameter["schema"]);
        }
        let (base, member) = name.strip_suffix(']')?.split_once('[')?;
        let seen = self.schemas.at(&find(base)?["schema"], &format!("/{member}"));
        seen.schemas.first().copied()
    }

    fn body_faults(&self, came: &Came) -> Vec<String> {
        let body = self.operation.get("requestBody").map(|body| self.schemas.resolve(body));
        let media = came.headers["content-type"].as_str().unwrap_or_default();
        let schema = body.and_then(|body| {
            content(body, |known| known == media || (is_json(known) && is_json(media)))
        });
        match (body, schema) {
            (None, _) if came.body.is_empty() => Vec::new(),
            (None, _) => vec!["a body, and the description has none".to_owned()],
            (Some(body), _) if came.body.is_empty() => {
                let is_required = body["required"] == true;
                is_required.then(|| "a body is required".to_owned()).into_iter().collect()
            }
            (Some(_), None) => vec![format!("the description has no body of {media}")],
            (Some(_), Some(schema)) => {
                let sent = if media == FORM { came.form() } else { came.json() };
                let faults = self.schemas.faults(schema, &sent, Way::Request);
                // In a form all is text.
                let is_text = |fault: &String| media == FORM && fault.contains(" is not {");
                faults
                    .into_iter()
                    .filter(|fault| !is_text(fault))
                    .map(|fault| format!("body {fault}"))
                    .collect()
            }
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn content(of: &Value, fits: impl Fn(&str) -> bool) -> Option<&Value> {
    let content = of["content"].as_object()?;
    content.iter().find(|(media, _)| fits(media)).map(|(_, content)| &content["schema"])
}

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim();
    media == "application/json" || media.ends_with("+json") || media == "*/*"
}

/// The path of a server, which may be a path alone.
fn path_of(server: &str) -> String {
    let behind = server.split_once("://").map_or(server, |(_, behind)| behind);
    let path = behind.split_once('/').map(|(_, path)| path.trim_end_matches('/'));
    path.filter(|path| !path.is_empty()).map(|path| format!("/{path}")).unwrap_or_default()
}

/// Whether a template of a path takes segments, each parameter for something within one.
fn fits(template: &str, segments: &[String]) -> bool {
    let known: Vec<_> = template.split('/').skip(1).collect();
    known.len() == segments.len()
        && known.iter().zip(segments).all(|(known, given)| fits_segment(known, given))
}

fn fits_segment(template: &str, given: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else { return template == given };
    let Some(rest_given) = given.strip_prefix(before) else { return false };
    let (_, behind) = rest.split_once('}').unwrap();
    let ends = (1..=rest_given.len()).rev().filter_map(|end| rest_given.get(end..));
    ends.into_iter().any(|left| fits_segment(behind, left))
}

/// How much of a template is no parameter.
fn literal(template: &str) -> usize {
    let parts = template.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    parts.map(str::len).sum()
}
