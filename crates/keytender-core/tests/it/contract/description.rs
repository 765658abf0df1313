//! A provider's own OpenAPI description, and the operation in it that a request means.

use std::path::Path;

use keytender_core::akm::{Descriptor, HttpMethod, Part, Template};
use regex_lite::Regex;
use serde_json::Value;

use super::schema::Schemas;

/// Stands for whatever is filled in.
const HOLE: char = '\u{0}';

/// A description.
pub(crate) struct Description {
    document: Value,
}

/// One operation of a description.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'d> {
    /// The schemas around it.
    pub schemas: Schemas<'d>,
    item: &'d Value,
    /// The operation.
    pub operation: &'d Value,
}

/// A parameter that an operation knows.
pub(super) struct Parameter<'d> {
    pub name: &'d str,
    pub is_required: bool,
    pub schema: &'d Value,
}

/// Why a request means no operation.
#[derive(Debug, PartialEq)]
pub(super) enum Unknown {
    /// No such path.
    Path,
    /// The path is there, and these methods.
    Method(String),
    /// The path is there, at these hosts.
    Host(String),
}

impl Description {
    pub(crate) const fn new(document: Value) -> Self {
        Self { document }
    }

    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::new(serde_json::from_str(&text).unwrap())
    }

    /// Each base of its paths: host and path, with holes.
    fn servers(&self) -> Vec<(String, String)> {
        let urls = self.document["servers"].as_array().into_iter().flatten();
        let urls: Vec<_> = urls.filter_map(|server| server["url"].as_str()).collect();
        if urls.is_empty() {
            return vec![(HOLE.to_string(), String::new())];
        }
        urls.iter().map(|url| split(holed(url).trim_end_matches('/'))).collect()
    }
}

/// The operation that a request of a descriptor means, of several descriptions of one provider.
pub(super) fn find<'d>(
    descriptions: &'d [Description],
    descriptor: &Descriptor,
    method: HttpMethod,
    url: &Template,
) -> Result<Endpoint<'d>, Unknown> {
    let (host, path) = split(&whole(descriptor, url));
    let mut best: Option<(usize, &'d Description, &'d str, bool)> = None;
    for description in descriptions {
        for (server, base) in description.servers() {
            for known in description.document["paths"].as_object().unwrap().keys() {
                let full = format!("{base}{}", holed(known));
                let score = full.chars().filter(|letter| *letter != HOLE).count();
                let is_better = best.is_none_or(|(other, .., fits)| {
                    (hosts_fit(&host, &server), score) > (fits, other)
                });
                if is_better && globs(&full, &path) {
                    best = Some((score, description, known, hosts_fit(&host, &server)));
                }
            }
        }
    }
    let Some((_, description, path, at_host)) = best else { return Err(Unknown::Path) };
    if !at_host {
        let servers: Vec<_> =
            description.servers().into_iter().map(|(host, _)| host.replace(HOLE, "{}")).collect();
        return Err(Unknown::Host(servers.join(", ")));
    }
    let item = &description.document["paths"][path];
    let operation = &item[method.as_str().to_ascii_lowercase()];
    if operation.is_null() {
        let known =
            item.as_object().unwrap().keys().filter(|key| item[*key].get("responses").is_some());
        return Err(Unknown::Method(
            known.map(|name| name.to_uppercase()).collect::<Vec<_>>().join(", "),
        ));
    }
    Ok(Endpoint { schemas: Schemas(&description.document), item, operation })
}

impl<'d> Endpoint<'d> {
    /// The parameters of a part of the request: `query`, `header`.
    pub(super) fn parameters(&self, part: &str) -> Vec<Parameter<'d>> {
        let all = [&self.operation["parameters"], &self.item["parameters"]];
        let all = all.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
        all.map(|parameter| self.schemas.resolve(parameter))
            .filter(|parameter| parameter["in"] == part)
            .map(|parameter| Parameter {
                name: parameter["name"].as_str().unwrap(),
                is_required: parameter["required"] == true,
                schema: &parameter["schema"],
            })
            .collect()
    }

    /// Whether there must be a body, and its schema in one of the types that `fits`.
    pub(super) fn body(&self, fits: impl Fn(&str) -> bool) -> Option<(bool, Option<&'d Value>)> {
        let body = self.schemas.resolve(self.operation.get("requestBody")?);
        let content = body["content"].as_object()?;
        let schema =
            content.iter().find(|(name, _)| fits(name)).map(|(_, content)| &content["schema"]);
        Some((body["required"] == true, schema))
    }

    /// What the description says of a code.
    pub(super) fn response(&self, code: u16) -> Option<&'d Value> {
        let all = &self.operation["responses"];
        let range = format!("{}XX", code / 100);
        let found =
            all.get(code.to_string()).or_else(|| all.get(range)).or_else(|| all.get("default"))?;
        Some(self.schemas.resolve(found))
    }

    /// The codes from 200 to 299 that it names.
    pub(super) fn success(&self) -> Vec<u16> {
        let codes = self.operation["responses"].as_object().unwrap().keys();
        let codes = codes.map(|code| code.replace("XX", "00"));
        codes
            .filter_map(|code| code.parse().ok())
            .filter(|code| (200..300).contains(code))
            .collect()
    }
}

/// The JSON of an answer, if it has some.
pub(super) fn json(response: &Value) -> Option<&Value> {
    let content = response["content"].as_object()?;
    content.iter().find(|(name, _)| is_json(name)).map(|(_, content)| &content["schema"])
}

/// Whether a media type is JSON.
pub(super) fn is_json(name: &str) -> bool {
    let name = name.split(';').next().unwrap_or_default().trim();
    name == "application/json" || name.ends_with("+json") || name == "*/*"
}

/// The whole URL of a request, with holes for names.
pub(super) fn whole(descriptor: &Descriptor, url: &Template) -> String {
    let path = template(url);
    match descriptor.server.as_ref().filter(|_| path.starts_with('/')) {
        Some(server) => format!("{}{path}", template(server).trim_end_matches('/')),
        None => path,
    }
}

fn template(template: &Template) -> String {
    let parts = template.parts().iter();
    parts
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Name(_) => HOLE.to_string(),
        })
        .collect()
}

/// A text of a description, with holes for its `{parameters}`.
fn holed(text: &str) -> String {
    Regex::new(r"\{[^{}]*\}").unwrap().replace_all(text, HOLE.to_string()).into_owned()
}

/// Host and path of a URL.
fn split(url: &str) -> (String, String) {
    let (_, behind) = url.split_once("://").unwrap_or(("", url));
    let path = behind.find('/').unwrap_or(behind.len());
    (behind[..path].to_owned(), behind[path..].to_owned())
}

/// Whether a text fits one with holes, of which each stands for something in one segment.
fn globs(holed: &str, text: &str) -> bool {
    let pattern: Vec<_> = holed.split(HOLE).map(regex_lite::escape).collect();
    Regex::new(&format!("^{}$", pattern.join("[^/]+"))).unwrap().is_match(text)
}

fn hosts_fit(ours: &str, theirs: &str) -> bool {
    let is_own_machine = theirs.starts_with("localhost");
    let has_both = ours.contains(HOLE) && theirs.contains(HOLE);
    is_own_machine || has_both || globs(theirs, ours) || globs(ours, theirs)
}
