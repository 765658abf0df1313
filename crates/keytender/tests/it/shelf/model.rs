//! What a descriptor promises: which request each operation makes, and what its answer looks like. Where
//! the provider's own description is there, answers are examples of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::example::Maker;
use super::openapi::{Description, Endpoint, Meant};
use super::paper::{Address, Names, Paper, fill_all, fill_body, only_name};
use super::schema::{Seen, Way, list};
use super::script::{Body, Exchange};
use super::sign::{ANYTHING, Credential, small};
use super::{LIVE, tree};

/// Members that a provider may show beside what a descriptor names.
const DECOYS: [&str; 8] =
    ["secret", "token", "key", "value", "api_key", "client_secret", "password", "plaintext"];

/// A provider as its descriptor says that it is.
pub(super) struct Model<'p> {
    pub paper: &'p Paper,
    pub description: Option<&'p Description>,
    pub credential: &'p Credential<'p>,
    /// Microseconds since 1970.
    pub now: i64,
    /// What does not go together.
    pub faults: RefCell<Vec<String>>,
}

/// An operation of a kind of key, or of a resource.
#[derive(Clone, Copy)]
pub(super) struct Deed<'p> {
    pub kind: &'p Value,
    pub name: &'p str,
    pub operation: &'p Value,
}

/// What the description says of an entry in an answer.
pub(super) struct View<'p> {
    pub endpoint: Endpoint<'p>,
    /// The schema of the whole answer.
    schema: &'p Value,
    /// Where the entry stands in it.
    base: String,
}

impl<'p> Deed<'p> {
    /// An operation that is a call.
    pub(super) fn find(kind: &'p Value, name: &'p str) -> Option<Self> {
        let operation = kind["operations"].get(name)?;
        operation.get("request")?;
        Some(Self { kind, name, operation })
    }

    pub(super) fn label(&self) -> String {
        format!("{}.{}", self.kind["id"].as_str().unwrap(), self.name)
    }

    pub(super) fn pointer(&self, name: &str) -> &'p str {
        self.operation[name].as_str().unwrap_or_default()
    }

    /// The first code of success that is named.
    fn named_code(&self) -> Option<u16> {
        u16::try_from(self.operation["success"][0].as_u64()?).ok()
    }

    /// Where outputs stand, by what they are.
    pub(super) fn outputs(&self) -> BTreeMap<&'p str, (&'p str, Option<&'p str>)> {
        fields(&self.operation["outputs"])
    }
}

/// Places of facts, and how a time is written there.
pub(super) fn fields(all: &Value) -> BTreeMap<&str, (&str, Option<&str>)> {
    let all = all.as_object().into_iter().flatten();
    all.map(|(name, field)| match field {
        Value::String(at) => (name.as_str(), (at.as_str(), None)),
        long => (name.as_str(), (long["at"].as_str().unwrap(), long["as"].as_str())),
    })
    .collect()
}

impl<'p> Model<'p> {
    pub(super) fn fault(&self, fault: String) {
        let mut faults = self.faults.borrow_mut();
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// The request of an operation, with an empty answer.
    pub(super) fn exchange(&self, deed: Deed<'p>, names: &Names) -> Exchange {
        let request = &deed.operation["request"];
        let address = self.paper.address(request["url"].as_str().unwrap(), names);
        let allowed = self.allowed(deed);
        let is_foreign = allowed.is_none();
        let mut headers = allowed.unwrap_or_default();
        headers.extend(small(fill_all(&request["headers"], names)));
        if let Some(header) = deed.operation["idempotencyHeader"].as_str() {
            headers.insert(header.to_lowercase(), ANYTHING.to_string());
        }
        if headers.contains_key("content-type") {
            headers.remove("content-type");
        }
        let body = match (&request["json"], &request["form"]) {
            (Value::Null, Value::Null) => Body::None,
            (Value::Null, form) => Body::Form(fill_all(form, names)),
            (json, _) => Body::Json(fill_body(json, names).unwrap_or_default()),
        };
        let mut exchange = Exchange {
            label: deed.label(),
            method: request["method"].as_str().unwrap().to_owned(),
            address: address.unwrap_or_else(|name| panic!("{}: {name}", deed.label())),
            query: fill_all(&request["query"], names),
            headers,
            body,
            code: 0,
            answer_headers: Vec::new(),
            answer: Value::Null,
            is_next: false,
            under: None,
            is_free: false,
            is_foreign,
        };
        let endpoint = || self.endpoint(&exchange.method, &exchange.address);
        let code = || endpoint().and_then(|endpoint| endpoint.success());
        exchange.code = deed.named_code().or_else(code).unwrap_or(200);
        exchange
    }

    /// The headers that allow an operation; `None` if another credential would.
    fn allowed(&self, deed: Deed<'p>) -> Option<BTreeMap<String, String>> {
        let named = deed.operation["auth"].as_str().or_else(|| deed.kind["auth"].as_str());
        match named {
            Some(other) if Some(other) != self.credential.id() => {
                let method = self.paper.method(Some(other)).unwrap();
                (method["scheme"] == "none").then(BTreeMap::new)
            }
            _ => Some(self.credential.headers()),
        }
    }

    /// What the description says of a request.
    fn endpoint(&self, method: &str, address: &Address) -> Option<Endpoint<'p>> {
        match self.description?.meant(method, address) {
            Meant::Here(endpoint) => Some(endpoint),
            Meant::Outside | Meant::Unknown(_) => None,
        }
    }

    /// What the description says of an entry in the answer to an operation.
    pub(super) fn view(&self, deed: Deed<'p>, exchange: &Exchange) -> Option<View<'p>> {
        let endpoint = self.endpoint(&exchange.method, &exchange.address)?;
        let schema = endpoint.answer(exchange.code)?;
        let base = match deed.name {
            "list" => format!("{}/0", deed.pointer("items")),
            _ => deed.pointer("item").to_owned(),
        };
        Some(View { endpoint, schema, base })
    }

    /// An answer with whatever may stand in it, in which what the descriptor reads is known.
    pub(super) fn blank(&self, deed: Deed<'p>, view: Option<&View<'p>>) -> Value {
        let Some(view) = view else {
            return decoys(&self.read_names(deed));
        };
        let in_entry = in_entry(deed.kind).into_iter().map(|at| format!("{}{at}", view.base));
        let mut wanted: Vec<String> = in_entry.collect();
        wanted.extend(self.read_names(deed));
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let maker = Maker { schemas: view.endpoint.schemas, text: LIVE };
        let mut answer = maker.make(view.schema, &wanted);
        if answer.is_null() {
            answer = json!({});
        }
        for refusal in deed.operation["refusals"].as_array().into_iter().flatten() {
            let at = refusal["at"].as_str().unwrap();
            match &refusal["is"] {
                Value::Null => tree::remove(&mut answer, at),
                is if answer.pointer(at) == Some(is) => {
                    let other = self.other(Some(view), "", at, std::slice::from_ref(&is));
                    tree::put(&mut answer, at, other);
                }
                _ => {}
            }
        }
        answer
    }

    /// The places outside of entries that an operation reads.
    fn read_names(&self, deed: Deed<'p>) -> Vec<String> {
        let mut all: Vec<String> =
            deed.outputs().values().map(|(at, _)| (*at).to_owned()).collect();
        let paging = deed.operation["paging"].as_object().into_iter().flatten();
        for (_, how) in paging {
            let names = ["next", "more", "total", "pages"];
            all.extend(names.iter().filter_map(|name| how[*name].as_str()).map(str::to_owned));
        }
        all.push(deed.pointer("items").to_owned());
        all.push(deed.pointer("item").to_owned());
        all
    }

    /// Something that may stand in a place and is none of some values.
    pub(super) fn other(
        &self,
        view: Option<&View<'p>>,
        base: &str,
        at: &str,
        none_of: &[&Value],
    ) -> Value {
        let base_view = view.map(|view| View { base: base.to_owned(), ..*view });
        let words = base_view.as_ref().map(|view| view.words(at)).unwrap_or_default();
        if !words.is_empty() {
            return words.into_iter().find(|one| !none_of.contains(&one)).unwrap_or_default();
        }
        let other = match none_of.first() {
            Some(Value::Bool(is)) => json!(!is),
            Some(Value::Number(_)) => json!(77),
            Some(Value::String(_)) => json!("something else"),
            _ => Value::Null,
        };
        if none_of.contains(&&other) { Value::Null } else { other }
    }

    /// A value for an argument, as the description wants it where it stands; with `counted` only where the
    /// values are counted up.
    pub(super) fn sample(&self, deed: Deed<'p>, arg: &str, counted: bool) -> Option<Value> {
        let mut place = None;
        let request = &deed.operation["request"];
        for body in [&request["json"], &request["form"]] {
            seek(body, &format!("arg.{arg}"), "", &mut place);
        }
        let mut names = self.paper.names();
        let resources = self.paper.chain(deed.kind).into_iter();
        let ids = resources.map(|resource| resource["id"].as_str().unwrap()).chain(["key"]);
        for id in ids {
            names.extend(["id", "name", "owner"].map(|name| (format!("{id}.{name}"), json!("x"))));
        }
        let args = deed.operation["args"].as_object().into_iter().flatten();
        names.extend(args.map(|(name, _)| (format!("arg.{name}"), json!("x"))));
        let address = self.paper.address(request["url"].as_str()?, &names).ok()?;
        let endpoint = self.endpoint(request["method"].as_str()?, &address)?;
        let seen = endpoint.schemas.at(endpoint.body()?, &place?);
        let schema = *seen.schemas.first()?;
        let of_list: Vec<_> = endpoint.schemas.at(schema, "/0").schemas;
        let is_counted =
            [&seen.schemas, &of_list].iter().any(|all| !endpoint.schemas.words(all).is_empty());
        let maker = Maker { schemas: endpoint.schemas, text: "given" };
        (is_counted || !counted).then(|| maker.make(schema, &[]))
    }

    /// Holds an answer against the description.
    pub(super) fn hold(&self, label: &str, view: Option<&View<'p>>, answer: &Value) {
        let Some(view) = view else { return };
        for fault in view.endpoint.schemas.faults(view.schema, answer, Way::Answer) {
            self.fault(format!("{label}: the answer is not as described: {fault}"));
        }
    }
}

impl<'p> View<'p> {
    fn at(&self, pointer: &str) -> Seen<'p> {
        self.endpoint.schemas.at(self.schema, &format!("{}{pointer}", self.base))
    }

    /// Whether something may stand in a place of the entry.
    pub(super) fn knows(&self, pointer: &str) -> bool {
        let seen = self.at(pointer);
        seen.is_open || !seen.schemas.is_empty()
    }

    pub(super) fn types(&self, pointer: &str) -> BTreeSet<String> {
        self.endpoint.schemas.types(&self.at(pointer).schemas)
    }

    /// The values that are counted up for a place.
    pub(super) fn words(&self, pointer: &str) -> Vec<Value> {
        if self.types(pointer).iter().eq(["boolean"]) {
            return vec![json!(false), json!(true)];
        }
        self.endpoint.schemas.words(&self.at(pointer).schemas).into_iter().cloned().collect()
    }

    /// An example of what stands in a place.
    pub(super) fn example(&self, pointer: &str) -> Option<Value> {
        let seen = self.at(pointer);
        let maker = Maker { schemas: self.endpoint.schemas, text: "copied" };
        Some(maker.make(seen.schemas.first()?, &[]))
    }

    /// Whether something must stand in a place, be it null.
    pub(super) fn is_needed(&self, pointer: &str) -> bool {
        let Some((above, last)) = pointer.rsplit_once('/') else { return true };
        let above = self.at(above).schemas;
        above.iter().any(|one| self.endpoint.schemas.is_required(one, last, Way::Answer))
    }

    /// What stands above a place where it is not there, if some of the shapes that may stand there need it and
    /// others do not know it.
    pub(super) fn other_shape(&self, pointer: &str) -> Option<Value> {
        let (above, last) = pointer.rsplit_once('/')?;
        let schemas = self.endpoint.schemas;
        let shapes: Vec<_> = self
            .at(above)
            .schemas
            .into_iter()
            .flat_map(|schema| list(schemas.resolve(schema), "oneOf"))
            .collect();
        let mut needing = shapes.iter().filter(|one| schemas.is_required(one, last, Way::Answer));
        needing.next()?;
        let other =
            shapes.iter().find(|one| schemas.at(one, &format!("/{last}")).schemas.is_empty())?;
        let maker = Maker { schemas, text: LIVE };
        Some(maker.make(other, &[]))
    }

    /// Whether null may stand in a place.
    pub(super) fn takes_null(&self, pointer: &str) -> bool {
        let seen = self.at(pointer).schemas;
        seen.iter()
            .any(|one| self.endpoint.schemas.faults(one, &Value::Null, Way::Answer).is_empty())
    }

    /// Whether a value may stand in a place.
    pub(super) fn takes(&self, pointer: &str, value: &Value) -> bool {
        let seen = self.at(pointer);
        let fits = |schema: &&'p Value| {
            self.endpoint.schemas.faults(schema, value, Way::Answer).is_empty()
        };
        seen.schemas.iter().any(fits) || (seen.schemas.is_empty() && seen.is_open)
    }

    /// Where the entry stands in the answer.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The whole answer.
    pub(super) fn root(&self) -> Self {
        View { base: String::new(), ..*self }
    }
}

/// The places in an entry that a kind of key reads, or copies.
pub(super) fn in_entry(kind: &Value) -> Vec<&str> {
    let mut all: Vec<&str> = fields(&kind["fields"]).values().map(|(at, _)| *at).collect();
    let rules = kind["state"].as_array().into_iter().flatten();
    all.extend(rules.filter_map(|rule| rule["at"].as_str()));
    all.extend(copies(kind));
    all
}

/// The places in an entry from which arguments are copied.
pub(super) fn copies(kind: &Value) -> Vec<&str> {
    let operations = kind["operations"].as_object().unwrap().values();
    let args = operations.filter_map(|operation| operation["args"].as_object()).flatten();
    args.filter_map(|(_, arg)| arg["copy"].as_str()).collect()
}

/// An object full of secrets that no descriptor names.
pub(super) fn decoys(declared: &[String]) -> Value {
    let is_free = |name: &&&str| !declared.iter().any(|at| at.starts_with(&format!("/{name}")));
    let mut members: serde_json::Map<_, _> =
        DECOYS.iter().filter(is_free).map(|name| ((*name).to_owned(), json!(LIVE))).collect();
    members.insert("undeclared".to_owned(), json!({"deep": [LIVE, {"er": LIVE}]}));
    Value::Object(members)
}

/// Finds where a name stands alone in a body.
fn seek(body: &Value, name: &str, at: &str, place: &mut Option<String>) {
    match body {
        Value::String(text) if only_name(text).as_deref() == Some(name) => {
            *place = Some(at.to_owned());
        }
        Value::Object(members) => {
            for (member, below) in members {
                seek(below, name, &format!("{at}/{member}"), place);
            }
        }
        Value::Array(list) => {
            for (number, below) in list.iter().enumerate() {
                seek(below, name, &format!("{at}/{number}"), place);
            }
        }
        _ => {}
    }
}
