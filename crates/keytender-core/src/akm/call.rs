//! Makes a call of a request: names are filled in, each in the way of the place where it stands.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};
use thiserror::Error;

use super::document::Descriptor;
use super::operation::{Arg, Body, HttpMethod, Request};
use super::read::text;
use super::template::{Name, Part, Template};
use crate::time::{Span, Time};

/// What is written with `%` in a segment of a path: all but what RFC 3986 leaves alone there.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b';')
    .add(b'=')
    .add(b'&')
    .add(b'+')
    .add(b'@')
    .add(b':')
    .add(b',');

/// What names stand for.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<Name, Value>);

impl Values {
    /// Says what a name stands for.
    pub fn set(&mut self, scope: &str, field: &str, value: impl Into<Value>) {
        self.0.insert(Name::new(scope, field), value.into());
    }

    /// What a name stands for.
    pub fn get(&self, name: &Name) -> Option<&Value> {
        self.0.get(name)
    }

    /// Says what the arguments of an operation stand for: what is given, or what it is by default.
    /// `copied` is what the key that is replaced shows of itself.
    pub fn set_args(
        &mut self,
        args: &BTreeMap<String, Arg>,
        given: &BTreeMap<String, Given>,
        copied: Option<&Value>,
        now: Time,
    ) {
        for (name, arg) in args {
            let written = |at: Time| arg.format.unwrap_or_default().write(at, now);
            let copy = || Some(arg.copy.as_ref()?.find(copied?)?.clone());
            let later = || Some(written(now.plus(Span::days(arg.default_days?))));
            let value = match given.get(name) {
                Some(Given::Time(at)) => Some(written(*at)),
                Some(Given::Value(value)) => Some(value.clone()),
                None => copy().or_else(|| arg.default.clone()).or_else(later),
            };
            if let Some(value) = value {
                self.set("arg", name, value);
            }
        }
    }
}

/// An argument that a caller gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A moment, to be written as the provider wants it.
    Time(Time),
    /// Anything else.
    Value(Value),
}

/// Why a call cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoCall {
    /// Nobody says what a name stands for.
    #[error("nothing is given for {0}")]
    Missing(Name),
    /// What a name stands for cannot stand there.
    #[error("{name} cannot be what is given: {why}")]
    Unfit {
        /// The name.
        name: Name,
        /// Why not.
        why: &'static str,
    },
}

/// A call, without what allows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method of HTTP.
    pub method: HttpMethod,
    /// The whole URL without its parameters.
    pub url: String,
    /// The parameters of the URL.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: CallBody,
}

/// The body of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallBody {
    /// There is none.
    None,
    /// JSON.
    Json(Value),
    /// A form.
    Form(Vec<(String, String)>),
}

impl Descriptor {
    /// The call of a request; its body is laid over `under`.
    ///
    /// # Errors
    /// When a name has no value, or one that cannot stand where it is.
    pub fn call(
        &self,
        request: &Request,
        values: &Values,
        under: Option<&Value>,
    ) -> Result<Call, NoCall> {
        let body = match (&request.json, &request.form) {
            (Some(body), _) => {
                let mut json = under.cloned().unwrap_or(Value::Null);
                lay(&mut json, fill_body(body, values)?.unwrap_or(Value::Null));
                CallBody::Json(json)
            }
            (None, Some(form)) => CallBody::Form(pairs(form, values)?),
            (None, None) => CallBody::None,
        };
        Ok(Call {
            method: request.method.value,
            url: self.url(&request.url, values)?,
            query: pairs(&request.query, values)?,
            headers: headers(&request.headers, values)?,
            body,
        })
    }

    /// A URL; a path stands behind the server.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn url(&self, url: &Template, values: &Values) -> Result<String, NoCall> {
        let is_path = url.to_string().starts_with('/');
        let mut whole = match self.server.as_ref().filter(|_| is_path) {
            Some(server) => fill_url(server, values, false)?,
            None => String::new(),
        };
        let path = fill_url(url, values, is_path)?;
        whole.truncate(whole.trim_end_matches('/').len());
        whole.push_str(&path);
        Ok(whole)
    }
}

/// Fills a URL: what stands in its host is a host, what stands in its path a segment.
fn fill_url(url: &Template, values: &Values, mut in_path: bool) -> Result<String, NoCall> {
    let mut text = String::new();
    for part in url.parts() {
        match part {
            Part::Text(plain) => {
                text.push_str(plain);
                let behind = text.split_once("://").map_or("", |(_, behind)| behind);
                in_path = in_path || behind.contains('/');
            }
            Part::Name(name) => {
                let value = value(name, values)?;
                let unfit = |why| NoCall::Unfit { name: name.clone(), why };
                if in_path {
                    if matches!(value.as_str(), "" | "." | "..") {
                        return Err(unfit("it would lead to another path"));
                    }
                    text.extend(utf8_percent_encode(&value, SEGMENT));
                } else {
                    if !is_host(&value) {
                        return Err(unfit("it is no host"));
                    }
                    text.push_str(&value);
                }
            }
        }
    }
    Ok(text)
}

/// Whether a text is a host name or a part of one.
pub fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|one| one.is_ascii_alphanumeric() || one == '-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Fills headers.
///
/// # Errors
/// As [`Descriptor::call`].
pub fn headers(
    headers: &BTreeMap<String, Template>,
    values: &Values,
) -> Result<Vec<(String, String)>, NoCall> {
    let filled = pairs(headers, values)?;
    for ((_, value), template) in filled.iter().zip(headers.values()) {
        if value.chars().any(char::is_control) {
            let name = template.names().next().cloned().unwrap_or_else(|| Name::new("header", ""));
            return Err(NoCall::Unfit { name, why: "a header is one line" });
        }
    }
    Ok(filled)
}

/// Fills templates; those of which an argument is not given are left out.
fn pairs(
    templates: &BTreeMap<String, Template>,
    values: &Values,
) -> Result<Vec<(String, String)>, NoCall> {
    let mut filled = Vec::new();
    for (name, template) in templates {
        match template.fill(|name| value(name, values)) {
            Ok(text) => filled.push((name.clone(), text)),
            Err(NoCall::Missing(missing)) if missing.scope == "arg" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The text that a name stands for.
fn value(name: &Name, values: &Values) -> Result<String, NoCall> {
    let value = values.get(name).ok_or_else(|| NoCall::Missing(name.clone()))?;
    let unfit = || NoCall::Unfit { name: name.clone(), why: "it is more than one text" };
    match value {
        // Lists of scopes, where the provider wants them in one text.
        Value::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(text).collect();
            texts.map(|texts| texts.join(" ")).ok_or_else(unfit)
        }
        Value::String(text) => Ok(text.clone()),
        // Null can be sent in JSON alone; elsewhere it is left out.
        Value::Null => Err(NoCall::Missing(name.clone())),
        other => text(other).ok_or_else(unfit),
    }
}

/// The value of a body; `None` where an argument is not given.
fn fill_body(body: &Body, values: &Values) -> Result<Option<Value>, NoCall> {
    Ok(match body {
        Body::Plain(plain) => Some(plain.clone()),
        Body::Text(template) => match template.only_name() {
            Some(name) => match values.get(name) {
                Some(value) => Some(value.clone()),
                None if name.scope == "arg" => None,
                None => return Err(NoCall::Missing(name.clone())),
            },
            None => match template.fill(|name| value(name, values)) {
                Ok(text) => Some(Value::String(text)),
                Err(NoCall::Missing(name)) if name.scope == "arg" => None,
                Err(error) => return Err(error),
            },
        },
        Body::List(list) => {
            let mut filled = Vec::new();
            for one in list {
                filled.extend(fill_body(one, values)?);
            }
            Some(Value::Array(filled))
        }
        Body::Object(members) => {
            let mut filled = Map::new();
            for (name, one) in members {
                if let Some(value) = fill_body(one, values)? {
                    filled.insert(name.clone(), value);
                }
            }
            Some(Value::Object(filled))
        }
    })
}

/// Lays one value over another: members of objects one by one, everything else as a whole.
fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                lay(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
