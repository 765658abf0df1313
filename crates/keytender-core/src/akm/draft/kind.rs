//! One kind of keys, or one resource that keys stand in, as it is written down.

use std::collections::BTreeMap;

use serde_json::Value;

use super::body::Body;
use super::description::{Description, Endpoint};
use super::fact::{Entry, Meaning, switch};
use super::find::Found;
use super::paging::{is_of_paging, paging};
use super::place::Places;
use super::word::{camel, escaped, flat, id};
use super::yaml::{Map, Node};
use crate::akm::operation::{HttpMethod, OperationName};

/// Why no act of a draft is done by itself.
const UNSURE: &str = "drafted from the description; nobody has tried it";
/// Members that hold the list of an answer.
const LISTS: [&str; 9] =
    ["data", "items", "results", "result", "records", "list", "values", "content", "entries"];
/// Headers that are sent anyway.
const USUAL_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// Where the entries of an answer stand, and what they are.
pub(super) struct Items<'d> {
    pub at: String,
    pub schemas: Vec<&'d Value>,
    pub doubt: Option<String>,
}

/// Where the entries of a list stand; `words` are what the path calls them.
pub(super) fn items<'d>(
    description: Description<'d>,
    endpoint: &Endpoint<'d>,
    words: &[String],
) -> Option<Items<'d>> {
    let answer = description.answer(endpoint);
    if description.shape(&answer).is("array") {
        let schemas = description.entries(&answer);
        return Some(Items { at: String::new(), schemas, doubt: None });
    }
    let mut found = lists(description, &answer, "");
    if found.is_empty() {
        for (name, schemas) in description.members(&answer) {
            found.extend(lists(description, &schemas, &format!("/{}", escaped(name))));
        }
    }
    let own = words.concat();
    let rank = |at: &str| {
        let name = flat(at.rsplit('/').next().unwrap_or_default());
        let is_own = name.trim_end_matches('s') == own || name.contains(&own);
        if is_own {
            0
        } else {
            1 + LISTS.iter().position(|list| *list == name).unwrap_or(LISTS.len())
        }
    };
    found.sort_by_key(|(at, _)| rank(at));
    let others: Vec<_> = found.iter().skip(1).map(|(at, _)| at.clone()).collect();
    let (at, schemas) = found.into_iter().next()?;
    let doubt = (!others.is_empty())
        .then(|| format!("the answer has other lists too: {}", others.join(", ")));
    Some(Items { at, schemas, doubt })
}

/// The members that are lists of objects.
fn lists<'d>(
    description: Description<'d>,
    schemas: &[&'d Value],
    above: &str,
) -> Vec<(String, Vec<&'d Value>)> {
    let members = description.members(schemas).into_iter();
    members
        .filter_map(|(name, schemas)| {
            let entries = description.entries(&schemas);
            let is_list = !description.members(&entries).is_empty();
            is_list.then(|| (format!("{above}/{}", escaped(name)), entries))
        })
        .collect()
}

/// Writes one kind of keys.
pub(super) struct Writer<'p, 'd> {
    pub description: Description<'d>,
    pub places: &'p mut Places<'d>,
    pub found: &'p Found<'d>,
    pub key_id: &'p str,
    /// What the path calls the id of one key.
    pub param: &'p str,
    pub gaps: Vec<String>,
}

/// The one key of an answer: where it stands, and what is told of it.
struct Item<'d> {
    at: String,
    schemas: Vec<&'d Value>,
}

impl<'d> Writer<'_, 'd> {
    /// The kind as it is written: what it is, its fields, its operations.
    pub(super) fn write(&mut self) -> Map {
        let list = self.found.acts.get(&OperationName::List).copied();
        let items = list.and_then(|list| items(self.description, &list, &self.found.words));
        let entry = self.entry(items.as_ref());
        let facts = entry.facts(self.param);
        let mut kind = Map::default();
        self.describe(&mut kind);
        if facts.has_last_use {
            let mut used = Map::default();
            used.put("available", Node::Plain("true".to_owned()));
            kind.put("lastUsed", used).doubt("how exact is it: granularitySeconds, lagSeconds?");
        }
        if facts.has_end {
            let mut lifetime = Map::default();
            lifetime.text("expires", "optional");
            kind.put("lifetime", lifetime)
                .doubt("optional, always or never; is there a longest: maxDays?");
        }
        if facts.times != "date-time" {
            kind.text("times", facts.times);
        }
        kind.some("fields", facts.fields);
        if !facts.state.is_empty() {
            kind.put("state", Node::List(facts.state));
        }
        let operations = self.operations(items, &entry, facts.has_secret_id);
        let has = |name: OperationName| operations.has(name.as_str());
        let mode = if has(OperationName::Rotate) {
            Some("in-place")
        } else if has(OperationName::Create) && has(OperationName::Delete) {
            Some("create-then-delete")
        } else {
            None
        };
        if let Some(mode) = mode {
            self.rotation(&mut kind, mode);
        }
        self.missing(&operations, facts.has_creation, facts.has_last_use);
        kind.some("operations", operations);
        kind
    }

    fn describe(&mut self, kind: &mut Map) {
        let word = |one: &str| self.key_id.split('-').any(|word| word == one);
        let noun = self.key_id.replace('-', " ").replace("api", "API");
        let type_ = if word("personal") || word("pat") {
            "personal-access-token"
        } else if word("service") && word("key") {
            "service-account-key"
        } else if word("webhook") {
            "webhook-secret"
        } else if word("secret") || word("client") {
            "client-secret"
        } else if word("token") && !word("api") {
            "access-token"
        } else {
            "api-key"
        };
        let is_app =
            ["service", "project", "app", "org", "organization", "bot", "client", "account"];
        let is_app = is_app
            .iter()
            .any(|one| word(one) || self.found.collection.contains(&format!("/{one}")));
        kind.text("id", self.key_id).text("noun", &noun);
        kind.doubt("what the provider calls one; `format`: what each begins with, and its pattern");
        kind.text("type", type_);
        kind.text("owner", if is_app { "app" } else { "user" });
        kind.doubt("who does such a key act for: user, app or root?");
        if let Some(within) = self.places.within(&self.found.collection) {
            kind.text("within", &within);
        }
    }

    /// What is told of a key: in the list, or else where one is shown.
    fn entry(&self, items: Option<&Items<'d>>) -> Entry<'d> {
        let listed = items.map(|items| items.schemas.clone());
        let shown = || {
            let get = self.found.acts.get(&OperationName::Get)?;
            Some(self.item(get).schemas)
        };
        let schemas = listed.or_else(shown).unwrap_or_default();
        Entry::new(self.description, &schemas)
    }

    /// The one key in an answer: all of it, or a member that has the id or looks like a listed one.
    fn item(&self, endpoint: &Endpoint<'d>) -> Item<'d> {
        let answer = self.description.answer(endpoint);
        let whole = Entry::new(self.description, &answer);
        if whole.id(self.param).is_none() {
            let members = self.description.members(&answer).into_iter();
            let members = members.filter(|(_, one)| !self.description.shape(one).is("array"));
            let rank = |schemas: &[&'d Value]| {
                let entry = Entry::new(self.description, schemas);
                let is_named = entry.id(self.param).is_some();
                (is_named, entry.known())
            };
            let best = members.max_by_key(|(_, schemas)| rank(schemas));
            let best = best.filter(|(_, schemas)| rank(schemas) > (false, whole.known()));
            if let Some((name, schemas)) = best {
                return Item { at: format!("/{}", escaped(name)), schemas };
            }
        }
        Item { at: String::new(), schemas: answer }
    }

    fn operations(
        &mut self,
        items: Option<Items<'d>>,
        entry: &Entry<'d>,
        has_secret_id: bool,
    ) -> Map {
        let mut operations = Map::default();
        let mut items = items;
        for name in OperationName::ALL {
            let Some(endpoint) = self.found.acts.get(&name) else { continue };
            let is_of_one = !matches!(
                name,
                OperationName::List | OperationName::Create | OperationName::Whoami
            );
            if is_of_one && has_secret_id {
                let method = endpoint.method.as_str();
                self.gaps.push(format!(
                    "{}: {method} {} has the secret itself in its URL and is not called.",
                    self.key_id, endpoint.path
                ));
                continue;
            }
            let operation = match name {
                OperationName::List => self.list(endpoint, items.take(), entry),
                _ => self.act(name, endpoint, entry),
            };
            operations.put(name.as_str(), operation);
        }
        if !has_secret_id && let Some(change) = self.found.change {
            self.change(&mut operations, &change);
        }
        operations
    }

    fn list(
        &mut self,
        endpoint: &Endpoint<'d>,
        items: Option<Items<'d>>,
        entry: &Entry<'d>,
    ) -> Map {
        let mut operation = self.call(OperationName::List, endpoint, Map::default(), None);
        match items {
            Some(items) => {
                operation.text("items", &items.at);
                if let Some(doubt) = &items.doubt {
                    operation.doubt(doubt);
                }
            }
            None => {
                operation
                    .text("items", "")
                    .doubt("the description does not show the list in the answer");
            }
        }
        if let Some((way, doubts)) = paging(self.description, endpoint, Some(entry)) {
            operation.put("paging", way);
            doubts.iter().for_each(|doubt| {
                operation.doubt(doubt);
            });
        }
        operation
    }

    fn act(&mut self, name: OperationName, endpoint: &Endpoint<'d>, entry: &Entry<'d>) -> Map {
        const CREATE: [Meaning; 6] = [
            Meaning::Name,
            Meaning::Description,
            Meaning::Expires,
            Meaning::Seconds,
            Meaning::Days,
            Meaning::Scopes,
        ];
        let mut request = Map::default();
        let mut body = Body::new(self.description, self.shown());
        if endpoint.method != HttpMethod::Get {
            let only = if name == OperationName::Create { &CREATE[..] } else { &[] };
            body.add(&mut request, endpoint, only);
        }
        let makes = matches!(name, OperationName::Create | OperationName::Rotate);
        let mut operation = self.call(name, endpoint, request, Some(&mut body));
        if makes {
            self.outputs(&mut operation, endpoint, entry);
        } else if name == OperationName::Get {
            let item = self.item(endpoint);
            if !item.at.is_empty() {
                operation.text("item", &item.at);
            }
        }
        if name.effect() != crate::akm::operation::Effect::Read {
            operation.text("unsure", UNSURE);
        }
        operation
    }

    /// What `get` shows of a key.
    fn shown(&self) -> BTreeMap<&'d str, Vec<&'d Value>> {
        let get = self.found.acts.get(&OperationName::Get);
        get.map(|get| self.description.members(&self.item(get).schemas)).unwrap_or_default()
    }

    /// Where the secret and the id of a new key stand.
    fn outputs(&self, operation: &mut Map, endpoint: &Endpoint<'d>, listed: &Entry<'d>) {
        let item = self.item(endpoint);
        let whole = Entry::new(self.description, &self.description.answer(endpoint));
        let entry = Entry::new(self.description, &item.schemas);
        let mut outputs = Map::default();
        let secret = entry.secret(Some(listed)).map(|at| format!("{}{at}", item.at));
        let secret = secret.or_else(|| whole.secret(None).map(str::to_owned));
        match &secret {
            Some(at) => {
                outputs.text("secret", at).doubt("is this the whole secret?");
            }
            None => {
                operation
                    .doubt("the description does not show where the secret stands: outputs.secret");
            }
        }
        if let Some(at) = entry.id(self.param) {
            outputs.text("id", &format!("{}{at}", item.at));
        }
        operation.some("outputs", outputs);
        operation.text("retry", "never");
    }

    /// The call itself, with its codes and its operation in the description.
    fn call(
        &mut self,
        name: OperationName,
        endpoint: &Endpoint<'d>,
        sent: Map,
        body: Option<&mut Body<'d>>,
    ) -> Map {
        let mut request = Map::default();
        request.text("method", endpoint.method.as_str());
        let url = self.places.url(endpoint.path, Some(&self.found.collection));
        request.text("url", &url);
        self.places.parameters(&mut request, endpoint, name == OperationName::List);
        for sent_as in ["json", "form"] {
            if let Some(node) = sent.get(sent_as) {
                request.put(sent_as, node.clone());
            }
        }
        let mut operation = Map::default();
        operation.put("request", request);
        if let Some(body) = &body
            && !body.left.is_empty()
        {
            let left: Vec<_> = body.left.iter().take(12).map(String::as_str).collect();
            operation.doubt(&format!("the provider takes these too: {}", left.join(", ")));
        }
        if let Some(id) = endpoint.operation["operationId"].as_str() {
            operation.text("operationId", id);
        }
        if let Some(body) = body {
            operation.some("args", std::mem::take(&mut body.args));
        }
        let codes: Vec<_> = self.description.success(endpoint);
        if !codes.is_empty() {
            let codes = codes.iter().map(|code| Node::Plain(code.to_string())).collect();
            operation.put("success", Node::List(codes));
        }
        let is_of_one =
            !matches!(name, OperationName::List | OperationName::Create | OperationName::Whoami);
        if is_of_one {
            let gone = ["404", "410"].into_iter();
            let gone = gone.filter(|code| self.description.has_code(endpoint, code));
            let gone: Vec<_> = gone.map(|code| Node::Plain(code.to_owned())).collect();
            if !gone.is_empty() {
                operation.put("gone", Node::List(gone));
            }
        }
        operation
    }

    /// PATCH, PUT or POST of one key: another name, and whether it works.
    fn change(&mut self, operations: &mut Map, endpoint: &Endpoint<'d>) {
        let Some((schema, is_form)) = self.description.body(endpoint) else { return };
        if !operations.has("update") {
            let mut request = Map::default();
            let mut body = Body::new(self.description, BTreeMap::new());
            body.add(&mut request, endpoint, &[Meaning::Name, Meaning::Description]);
            if !body.args.is_empty() {
                let mut update =
                    self.call(OperationName::Update, endpoint, request, Some(&mut body));
                update.text("unsure", UNSURE);
                operations.put("update", update);
            }
        }
        let members = self.description.members(&[schema]);
        let found = members.iter().find_map(|(name, schemas)| {
            let is_switch = self.description.shape(schemas).is("boolean");
            Some((*name, switch(name).filter(|_| is_switch)?))
        });
        let Some((name, works)) = found else { return };
        let has_more = self.description.required(schema).iter().any(|one| *one != name);
        for (act, value) in [(OperationName::Suspend, !works), (OperationName::Resume, works)] {
            if operations.has(act.as_str()) {
                continue;
            }
            let mut json = Map::default();
            json.put(name, Node::Plain(value.to_string()));
            let mut request = Map::default();
            request.put(if is_form { "form" } else { "json" }, json);
            let mut operation = self.call(act, endpoint, request, None);
            if has_more || endpoint.method == HttpMethod::Put {
                operation.doubt(
                    "does the provider want all of a key? Then say in the request: over: get",
                );
            }
            operation.text("unsure", UNSURE);
            operations.put(act.as_str(), operation);
        }
    }

    fn rotation(&self, kind: &mut Map, mode: &str) {
        let mut rotation = Map::default();
        rotation.text("mode", mode);
        if let Some(rotate) = self.found.acts.get(&OperationName::Rotate) {
            let item = self.item(rotate);
            let has_id = Entry::new(self.description, &item.schemas).id(self.param).is_some();
            if !has_id {
                rotation.put("keepsId", Node::Plain("true".to_owned()));
            }
            kind.put("rotation", rotation);
            kind.doubt("does the former secret work for a while: in-place-overlap? Does the id stay: keepsId?");
        } else {
            kind.put("rotation", rotation);
        }
    }

    /// Says what was not found.
    fn missing(&mut self, operations: &Map, has_creation: bool, has_last_use: bool) {
        const WANTED: [(OperationName, &str); 6] = [
            (OperationName::List, "lists them"),
            (OperationName::Get, "shows one"),
            (OperationName::Create, "makes one"),
            (OperationName::Suspend, "refuses one for a while"),
            (OperationName::Rotate, "gives one a new secret"),
            (OperationName::Delete, "deletes one"),
        ];
        let missing = WANTED.iter().filter(|(name, _)| !operations.has(name.as_str()));
        let missing: Vec<_> = missing.map(|(_, what)| *what).collect();
        let mut lines = Vec::new();
        if !missing.is_empty() {
            lines.push(format!("no operation was found that {}", missing.join(", or ")));
        }
        if !has_creation {
            lines.push("nothing was found that tells when one was made".to_owned());
        }
        if !has_last_use {
            lines.push("nothing was found that tells when one was last used".to_owned());
        }
        self.gaps.extend(lines.iter().map(|line| format!("{}: {line}.", self.key_id)));
    }
}

impl<'d> Places<'d> {
    /// Parameters and headers that must be sent.
    pub(super) fn parameters(&mut self, request: &mut Map, endpoint: &Endpoint<'d>, is_list: bool) {
        let description = self.description;
        for (part, name) in [("query", "query"), ("header", "headers")] {
            let mut map = Map::default();
            for parameter in description.parameters(endpoint, part) {
                let is_usual = part == "header"
                    && USUAL_HEADERS.iter().any(|usual| usual.eq_ignore_ascii_case(parameter.name));
                let is_paging = part == "query" && is_list && is_of_paging(parameter.name);
                if !parameter.is_required || is_usual || is_paging {
                    continue;
                }
                let known = description.default(&[parameter.schema]);
                match known.filter(|value| !value.to_string().contains(['{', '}'])) {
                    Some(Value::String(text)) => map.text(parameter.name, text),
                    Some(other) => map.text(parameter.name, &other.to_string()),
                    None => {
                        let variable = camel(parameter.name);
                        let help = format!("`{}`, which the provider wants", parameter.name);
                        self.variables.add(&variable, &help, None, false);
                        map.text(parameter.name, &format!("{{var.{variable}}}"))
                    }
                };
            }
            request.some(name, map);
        }
    }
}

/// A name for a kind of keys, of the words of its path.
pub(super) fn name(found: &Found<'_>, taken: &[String]) -> String {
    let segments: Vec<&str> = found.collection.split('/').collect();
    let before = segments.iter().rev().skip(1).filter(|segment| {
        let is_version =
            segment.starts_with('v') && segment.chars().skip(1).all(|one| one.is_ascii_digit());
        let is_plain = segment.chars().all(|one| one.is_ascii_alphanumeric() || "-_".contains(one));
        let has_letters = segment.chars().any(|one| one.is_ascii_alphabetic());
        is_plain
            && has_letters
            && !is_version
            && !matches!(**segment, "api" | "rest" | "admin" | "lifecycle")
    });
    let mut words = found.words.clone();
    let mut before = before.map(|segment| super::word::words(segment));
    if words.len() == 1
        && let Some(more) = before.next()
    {
        words = [more, words].concat();
    }
    let mut name = id(&words);
    while taken.contains(&name) {
        let Some(more) = before.next() else { break };
        words = [more, words].concat();
        name = id(&words);
    }
    let mut number = 2;
    let base = name.clone();
    while taken.contains(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}
