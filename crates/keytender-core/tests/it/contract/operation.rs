//! Holds what one operation sends against the description: parameters, headers, body.

use std::collections::BTreeMap;

use keytender_core::akm::{
    Arg, Body, Descriptor, Operation, OperationName, Paging, Request, Scheme, Sent, Size, Template,
    TimeFormat,
};
use serde_json::Value;

use super::description::{Endpoint, Parameter, is_json};
use super::schema::{Found, Shape};

/// Headers that every client sends by itself, and that descriptions need not name.
const USUAL_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// What one operation sends.
pub(super) struct Sending<'a, 'd> {
    pub endpoint: Endpoint<'d>,
    pub descriptor: &'a Descriptor,
    pub operation: &'a Operation,
    pub request: &'a Request,
    /// The way of authentication, where one is named.
    pub auth: Option<&'a str>,
    /// The answer that the body is laid over.
    pub under: Option<Vec<&'d Value>>,
    pub open: Vec<String>,
    pub faults: Vec<String>,
}

impl<'d> Sending<'_, 'd> {
    pub(super) fn check(&mut self) {
        let id = self.endpoint.operation["operationId"].as_str();
        if let Some(ours) = self.operation.operation_id.as_deref()
            && id != Some(ours)
        {
            let id = id.unwrap_or("none");
            self.faults.push(format!("operationId `{ours}`: the description has {id}"));
        }
        self.query();
        self.headers();
        self.body();
        self.paging();
    }

    fn query(&mut self) {
        let known = self.endpoint.parameters("query");
        for (name, template) in &self.request.query {
            match self.parameter(&known, name) {
                Some(schema) => {
                    let shape = self.endpoint.schemas.shape(&[schema]);
                    self.text_fits(&format!("parameter `{name}`"), template, &shape);
                }
                None => {
                    let known = names(&known);
                    self.faults.push(format!("parameter `{name}` is not known: {known}"));
                }
            }
        }
        for parameter in known.iter().filter(|parameter| parameter.is_required) {
            let given = self.request.query.get(parameter.name);
            let paged = paged(&self.operation.paging).contains(&parameter.name);
            if !paged && !given.is_some_and(|template| is_sure(template, &self.operation.args)) {
                self.faults.push(format!("parameter `{}` is required", parameter.name));
            }
        }
    }

    /// The schema of a parameter; `filter[name]` is a member of `filter`, if none has the whole name.
    fn parameter(&self, known: &[Parameter<'d>], name: &str) -> Option<&'d Value> {
        let find = |name: &str| known.iter().find(|parameter| parameter.name == name);
        if let Some(parameter) = find(name) {
            return Some(parameter.schema);
        }
        let (base, member) = name.strip_suffix(']')?.split_once('[')?;
        match self.endpoint.schemas.member(find(base)?.schema, member, 0) {
            Found::Known(schemas) => schemas.first().copied(),
            Found::Open | Found::Missing => None,
        }
    }

    fn headers(&mut self) {
        let method = self.descriptor.method(self.auth);
        let of_auth: Vec<&String> = match method.map(|method| &method.scheme.value) {
            Some(Scheme::Headers(headers) | Scheme::Login { headers, .. }) => {
                headers.keys().collect()
            }
            _ => Vec::new(),
        };
        let given = |name: &str| {
            let ours = self.request.headers.keys().chain(of_auth.iter().copied());
            let ours = ours.chain(&self.operation.idempotency_header);
            USUAL_HEADERS.iter().any(|usual| usual.eq_ignore_ascii_case(name))
                || ours.into_iter().any(|ours| ours.eq_ignore_ascii_case(name))
        };
        for parameter in self.endpoint.parameters("header") {
            if parameter.is_required && !given(parameter.name) {
                self.faults.push(format!("header `{}` is required", parameter.name));
            }
        }
    }

    fn body(&mut self) {
        let media = |name: &str| match (&self.request.json, &self.request.form) {
            (Some(_), _) => is_json(name),
            (None, Some(_)) => name == "application/x-www-form-urlencoded",
            (None, None) => true,
        };
        let has_body = self.request.json.is_some() || self.request.form.is_some();
        match (self.endpoint.body(media), has_body) {
            (None, false) => {}
            (None, true) => self.faults.push("a body, and the description has none".to_owned()),
            (Some((_, None)), true) => {
                self.faults.push("the description wants a body in another media type".to_owned());
            }
            (Some((is_required, schema)), false) => {
                let missing =
                    schema.map_or_else(Vec::new, |schema| self.missing(schema, &|_| false));
                if is_required {
                    self.faults.push(format!("a body is required, with {missing:?}"));
                }
            }
            (Some((_, Some(schema))), true) => self.content(schema),
        }
    }

    fn content(&mut self, schema: &'d Value) {
        if let Some(body) = &self.request.json {
            self.value(body, &[schema], "");
        }
        if let Some(form) = &self.request.form {
            for (name, template) in form {
                match self.endpoint.schemas.member(schema, name, 0) {
                    Found::Known(known) => {
                        let shape = self.endpoint.schemas.shape(&known);
                        self.text_fits(&format!("body /{name}"), template, &shape);
                    }
                    Found::Open => self.open.push(format!("body /{name}")),
                    Found::Missing => self.faults.push(format!("body /{name} is not known")),
                }
            }
            let missing = self.missing(schema, &|name| {
                form.get(name).is_some_and(|template| is_sure(template, &self.operation.args))
            });
            self.required("", missing);
        }
    }

    fn missing(&self, schema: &'d Value, is_given: &dyn Fn(&str) -> bool) -> Vec<String> {
        self.endpoint.schemas.required(schema, is_given)
    }

    fn required(&mut self, at: &str, missing: Vec<String>) {
        for name in missing {
            self.faults.push(format!(
                "body {at}/{name} is required: nothing is given, or an argument that need not be"
            ));
        }
    }

    /// A value of a body in JSON.
    fn value(&mut self, body: &Body, schemas: &[&'d Value], at: &str) {
        let shape = self.endpoint.schemas.shape(schemas);
        match body {
            Body::Plain(plain) => self.fits(at, plain, &shape),
            Body::Text(template) => self.text(at, template, &shape),
            Body::List(list) => {
                self.is_type(at, "array", &shape);
                self.members(
                    list.iter().enumerate().map(|(n, one)| (n.to_string(), one)),
                    schemas,
                    at,
                );
            }
            Body::Object(members) => {
                self.is_type(at, "object", &shape);
                self.members(members.iter().map(|(name, one)| (name.clone(), one)), schemas, at);
                let args = &self.operation.args;
                let is_given = |name: &str| {
                    members.get(name).is_some_and(|body| match body {
                        Body::Text(template) => is_sure(template, args),
                        Body::Plain(_) | Body::List(_) | Body::Object(_) => true,
                    }) || (self.is_under(at, name))
                };
                let ways = schemas.iter().map(|schema| self.missing(schema, &is_given));
                let missing = ways.min_by_key(Vec::len).unwrap_or_default();
                self.required(at, missing);
            }
        }
    }

    /// Whether a member stands in the answer that the body is laid over.
    fn is_under(&self, at: &str, name: &str) -> bool {
        let names = at.split('/').skip(1).chain([name]).map(str::to_owned);
        let found = self.under.as_ref().map(|under| self.endpoint.schemas.find(under, names));
        matches!(found, Some(Found::Known(_) | Found::Open))
    }

    fn members<'b>(
        &mut self,
        members: impl Iterator<Item = (String, &'b Body)>,
        schemas: &[&'d Value],
        at: &str,
    ) {
        for (name, body) in members {
            let place = format!("{at}/{name}");
            match self.endpoint.schemas.find(schemas, [name].into_iter()) {
                Found::Known(known) => {
                    if known
                        .iter()
                        .all(|one| self.endpoint.schemas.resolve(one)["readOnly"] == true)
                    {
                        self.faults.push(format!("body {place} can only be read"));
                    }
                    self.value(body, &known, &place);
                }
                Found::Open => self.open.push(format!("body {place}")),
                Found::Missing => self.faults.push(format!("body {place} is not known")),
            }
        }
    }

    /// A text of a body: what becomes of it is a text, or the value of the argument that it is.
    fn text(&mut self, at: &str, template: &Template, shape: &Shape) {
        let Some(name) = template.only_name() else {
            let text = literal(template).map(Value::from);
            match text {
                Some(text) => self.fits(at, &text, shape),
                None => self.is_type(at, "string", shape),
            }
            return;
        };
        let arg = self.operation.args.get(&name.field).filter(|_| name.scope == "arg");
        match arg {
            Some(arg) => self.arg(&format!("body {at}"), arg, shape),
            None => self.is_type(at, "string", shape),
        }
    }

    fn arg(&mut self, what: &str, arg: &Arg, shape: &Shape) {
        if let Some(default) = &arg.default
            && !shape.takes(default)
        {
            self.faults.push(format!("{what}: {default} is not {shape}"));
        }
        let is_time = arg.format.is_some() || arg.default_days.is_some();
        if is_time && !is_time_of(arg.format.unwrap_or_default(), shape) {
            let format = arg.format.unwrap_or_default();
            self.faults.push(format!("{what}: a time as {format:?} is not {shape}"));
        }
    }

    fn fits(&mut self, at: &str, value: &Value, shape: &Shape) {
        if !shape.takes(value) {
            self.faults.push(format!("body {at}: {value} is not {shape}"));
        }
    }

    fn is_type(&mut self, at: &str, kind: &str, shape: &Shape) {
        if !shape.has(&[kind]) {
            self.faults.push(format!("body {at}: a {kind} is not {shape}"));
        }
    }

    /// A text in a URL or a form.
    fn text_fits(&mut self, what: &str, template: &Template, shape: &Shape) {
        if let Some(text) = literal(template)
            && !shape.takes_text(&text)
        {
            self.faults.push(format!("{what}: `{text}` is not {shape}"));
        }
        let Some(name) = template.only_name().filter(|name| name.scope == "arg") else { return };
        let Some(arg) = self.operation.args.get(&name.field) else { return };
        let is_time = arg.format.is_some() || arg.default_days.is_some();
        if is_time && !is_time_of(arg.format.unwrap_or_default(), shape) {
            self.faults.push(format!("{what}: a time of this format is not {shape}"));
        }
    }

    fn paging(&mut self) {
        let paging = &self.operation.paging;
        for name in paged(paging) {
            let in_query = self.parameter(&self.endpoint.parameters("query"), name).is_some();
            let in_header = || {
                let headers = self.endpoint.parameters("header");
                headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
            };
            let in_body = || {
                let schema = self.endpoint.body(is_json).and_then(|(_, schema)| schema);
                schema.map(|schema| self.endpoint.schemas.member(schema, name, 0))
            };
            let is_known = match paging {
                Paging::Cursor { sent: Sent::Header, param, .. } if param == name => in_header(),
                Paging::Cursor { sent: Sent::Body, .. } => {
                    matches!(in_body(), Some(Found::Known(_) | Found::Open)) || in_query
                }
                _ => in_query,
            };
            if !is_known {
                self.faults.push(format!("paging: parameter `{name}` is not known"));
            }
        }
        let Some(size) = size(paging) else { return };
        let known = self.endpoint.parameters("query");
        let Some(limit) = self.parameter(&known, &size.param) else { return };
        let limit = self.endpoint.schemas.resolve(limit)["maximum"].as_u64();
        if limit.is_some_and(|limit| u64::from(size.max) > limit) {
            let limit = limit.unwrap();
            self.faults
                .push(format!("paging: at most {limit} of `{}`, not {}", size.param, size.max));
        }
    }
}

/// The names of the operations that are calls, with what they send.
pub(super) fn calls(
    operations: &BTreeMap<OperationName, Operation>,
) -> impl Iterator<Item = (OperationName, &Operation, &Request)> {
    operations.iter().filter_map(|(name, operation)| {
        operation.request.as_ref().map(|request| (*name, operation, request))
    })
}

fn names(known: &[Parameter<'_>]) -> String {
    let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
    if names.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

/// The parameters by which a list is paged.
fn paged(paging: &Paging) -> Vec<&str> {
    let param = match paging {
        Paging::Page { param, .. }
        | Paging::Offset { param, .. }
        | Paging::Cursor { param, .. } => Some(param.as_str()),
        Paging::None | Paging::NextUrl { .. } | Paging::LinkHeader { .. } => None,
    };
    param.into_iter().chain(size(paging).map(|size| size.param.as_str())).collect()
}

const fn size(paging: &Paging) -> Option<&Size> {
    match paging {
        Paging::None => None,
        Paging::Page { size, .. }
        | Paging::Offset { size, .. }
        | Paging::Cursor { size, .. }
        | Paging::NextUrl { size, .. }
        | Paging::LinkHeader { size } => size.as_ref(),
    }
}

/// Whether each name in it has a value, whoever calls.
fn is_sure(template: &Template, args: &BTreeMap<String, Arg>) -> bool {
    template.names().filter(|name| name.scope == "arg").all(|name| {
        args.get(&name.field)
            .is_some_and(|arg| arg.required || arg.default.is_some() || arg.default_days.is_some())
    })
}

/// The text, if there are no names in it.
fn literal(template: &Template) -> Option<String> {
    template.fill(|_| Err(())).ok()
}

/// Whether a time so written may stand in a place.
pub(super) fn is_time_of(format: TimeFormat, shape: &Shape) -> bool {
    let says = |words: &[&str]| shape.formats.iter().any(|format| words.contains(&format.as_str()));
    let is_text = shape.has(&["string"]);
    let is_number = shape.has(&["integer", "number"]);
    match format {
        TimeFormat::DateTime => is_text && !says(&["date-time-rfc-2822"]),
        TimeFormat::Date => is_text && !says(&["date-time-rfc-2822"]),
        TimeFormat::Rfc2822 => is_text && !says(&["date-time", "date", "google-datetime"]),
        TimeFormat::Unix | TimeFormat::UnixMs | TimeFormat::Seconds | TimeFormat::Days => {
            is_number || (is_text && !says(&["date-time", "date", "date-time-rfc-2822"]))
        }
    }
}
