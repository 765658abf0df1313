//! What keys stand in: the collections above theirs in the path, or what an account says.

use std::collections::BTreeMap;

use super::description::{Description, Endpoint};
use super::fact::Entry;
use super::kind::items;
use super::paging::paging;
use super::server::Variables;
use super::word::{camel, id, words};
use super::yaml::{Map, Node};
use crate::akm::operation::HttpMethod;

/// Names that templates use for something else.
const TAKEN: [&str; 5] = ["var", "arg", "key", "secret", "login"];
/// The most resources that a draft has.
const MAX_RESOURCES: usize = 30;

/// The resources and variables of a draft.
pub(super) struct Places<'d> {
    pub description: Description<'d>,
    pub variables: Variables,
    resources: Vec<Resource>,
    lists: BTreeMap<String, Endpoint<'d>>,
}

struct Resource {
    id: String,
    /// The path of its collection, as in the description.
    path: String,
    written: Map,
}

impl<'d> Places<'d> {
    pub(super) fn new(description: Description<'d>) -> Self {
        let lists = description.endpoints().filter(|one| one.method == HttpMethod::Get);
        let lists = lists.map(|one| (one.path.trim_end_matches('/').to_owned(), one)).collect();
        Self { description, variables: Variables::default(), resources: Vec::new(), lists }
    }

    /// The resources as they are written, and the variables.
    pub(super) fn finish(self) -> (Vec<Node>, Map) {
        let resources = self.resources.into_iter().map(|one| Node::Map(one.written)).collect();
        (resources, self.variables.map())
    }

    /// The resource that the keys of a collection stand in.
    pub(super) fn within(&mut self, collection: &str) -> Option<String> {
        let segments: Vec<&str> = collection.split('/').collect();
        let holes = segments.iter().enumerate().filter(|(_, segment)| segment.contains('{'));
        let places: Vec<_> = holes.map(|(at, _)| at).collect();
        let found = places.into_iter().filter_map(|at| self.resource(segments.get(..=at)?));
        found.last()
    }

    /// A path, with our names for its parameters. One behind `collection` is the key's id.
    pub(super) fn url(&mut self, path: &str, collection: Option<&str>) -> String {
        let depth = collection.map_or(usize::MAX, |all| all.split('/').count());
        let is_below = |at: usize| at >= depth;
        let segments: Vec<&str> = path.split('/').collect();
        // Items may stand elsewhere than the collection: then the last parameter is the key's.
        let last = segments.iter().rposition(|segment| segment.contains('{'));
        let is_same = collection.is_some_and(|all| path.starts_with(all));
        let mut out = Vec::new();
        for (at, segment) in segments.iter().enumerate() {
            let is_key = match is_same {
                true => is_below(at),
                false => collection.is_some() && Some(at) == last,
            };
            out.push(if !segment.contains('{') {
                (*segment).to_owned()
            } else if is_key {
                fill(segment, |_| "{key.id}".to_owned())
            } else {
                let known = segments.get(..=at).and_then(|above| self.resource(above));
                match known {
                    Some(id) => fill(segment, |_| format!("{{{id}.id}}")),
                    None => fill(segment, |name| self.variable(name)),
                }
            });
        }
        out.join("/")
    }

    fn variable(&mut self, name: &str) -> String {
        let variable = camel(name);
        self.variables.add(
            &variable,
            &format!("`{name}`, in the paths of the provider"),
            None,
            false,
        );
        format!("{{var.{variable}}}")
    }

    /// The resource whose id is the last of these segments, made if its collection is listed.
    fn resource(&mut self, segments: &[&str]) -> Option<String> {
        let (hole, above) = segments.split_last()?;
        let path = above.join("/");
        if let Some(known) = self.resources.iter().find(|one| one.path == path) {
            return Some(known.id.clone());
        }
        let is_whole = hole.starts_with('{') && hole.ends_with('}');
        let list = self.lists.get(&path).copied().filter(|_| is_whole)?;
        if self.resources.len() >= MAX_RESOURCES {
            return None;
        }
        let noun = words(above.last()?);
        let items = items(self.description, &list, &noun)?;
        let entry = Entry::new(self.description, &items.schemas);
        let param = hole.trim_matches(['{', '}']);
        let at = id_of(&entry, param, &noun)?;
        let id = self.free(&id(&noun));
        let within = self.within(&path);
        let written = self.written(&id, within.as_deref(), &list, &items.at, (&at, &entry));
        self.resources.push(Resource { id: id.clone(), path, written });
        Some(id)
    }

    fn free(&self, id: &str) -> String {
        let is_taken =
            |id: &str| TAKEN.contains(&id) || self.resources.iter().any(|one| one.id == id);
        let mut name = if id.starts_with(|one: char| one.is_ascii_alphabetic()) {
            id.to_owned()
        } else {
            format!("of-{id}")
        };
        let mut number = 2;
        while is_taken(&name) {
            name = format!("{id}-{number}");
            number += 1;
        }
        name
    }

    fn written(
        &mut self,
        id: &str,
        within: Option<&str>,
        list: &Endpoint<'d>,
        items: &str,
        (at, entry): (&str, &Entry<'d>),
    ) -> Map {
        let mut map = Map::default();
        map.text("id", id).text("noun", &id.replace('-', " "));
        let kind = match id {
            "user" | "member" => "user",
            "org" | "organization" | "account" | "group" | "team" | "workspace" => "account",
            _ => "app",
        };
        map.text("kind", kind).doubt("is it an account, an app or a user?");
        if let Some(within) = within {
            map.text("within", within);
        }
        let mut fields = Map::default();
        fields.text("id", at);
        if let Some(name) = entry.name() {
            fields.text("name", name);
        }
        map.put("fields", fields);
        let mut request = Map::default();
        let url = self.url(list.path, None);
        request.text("method", "GET").text("url", &url);
        self.parameters(&mut request, list, true);
        let mut operation = Map::default();
        operation.put("request", request);
        if let Some(id) = list.operation["operationId"].as_str() {
            operation.text("operationId", id);
        }
        operation.text("items", items);
        if let Some((way, doubts)) = paging(self.description, list, Some(entry)) {
            operation.put("paging", way);
            doubts.iter().for_each(|doubt| {
                operation.doubt(doubt);
            });
        }
        let mut operations = Map::default();
        operations.put("list", operation);
        map.put("operations", operations);
        map
    }
}

/// The member that a parameter of the path means: `projectKey` of a project is its `key`.
fn id_of(entry: &Entry<'_>, param: &str, noun: &[String]) -> Option<String> {
    let own = words(param);
    let rest: String = own.iter().filter(|word| !noun.contains(word)).cloned().collect();
    let found = entry.at(param).or_else(|| entry.at(&rest)).or_else(|| entry.id("id"));
    let named = || entry.at(noun.last().map_or("id", String::as_str));
    found.or_else(named).or_else(|| entry.at("slug")).map(str::to_owned)
}

/// A segment with something for each `{parameter}`.
fn fill(segment: &str, mut with: impl FnMut(&str) -> String) -> String {
    let mut out = String::new();
    for (place, part) in segment.split('{').enumerate() {
        match part.split_once('}').filter(|_| place > 0) {
            Some((name, behind)) => {
                out.push_str(&with(name));
                out.push_str(behind);
            }
            None => out.push_str(part),
        }
    }
    out
}
