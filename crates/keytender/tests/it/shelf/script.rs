//! What a provider is asked and answers, exchange by exchange, and the desk that holds requests against it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::openapi::{Description, Meant};
use super::paper::Address;
use super::{LIVE, sign, stamp};
use crate::descriptor::provider::{Came, Provider, Reply};

/// Headers that a client sends by itself.
const USUAL: [&str; 5] = ["host", "user-agent", "content-length", "content-type", "accept"];
/// Before what stands for a time from now: such a text is not compared letter by letter.
pub(super) const ABOUT: char = '\u{1}';

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    None,
    Json(Value),
    Form(BTreeMap<String, String>),
}

/// A request that must come, and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub label: String,
    pub method: String,
    pub address: Address,
    pub query: BTreeMap<String, String>,
    /// Headers beside the usual, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Body,
    pub code: u16,
    pub answer_headers: Vec<(&'static str, String)>,
    pub answer: Value,
    /// Whether the provider gave the address.
    pub is_next: bool,
    /// What the body is laid over, which the provider itself told.
    pub under: Option<Value>,
    /// Whether it may come at any time, or never.
    pub is_free: bool,
    /// Whether another credential than this one is needed for it.
    pub is_foreign: bool,
}

/// What came of the requests so far.
#[derive(Default)]
struct State {
    exchanges: Vec<(Exchange, usize)>,
    faults: Vec<String>,
    /// How many were held against the description, and how many it was cut off from.
    described: usize,
    outside: usize,
    came: usize,
}

/// The desk of a provider.
pub(super) struct Desk {
    pub provider: Provider,
    state: Arc<Mutex<State>>,
}

impl Desk {
    pub(super) fn open(description: Option<Arc<Description>>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let provider = Provider::start(move |came| {
            shared.lock().unwrap().answer(came, description.as_deref())
        });
        Self { provider, state }
    }

    /// Sets what must come from now on.
    pub(super) fn expect(&self, exchanges: Vec<Exchange>) {
        self.state.lock().unwrap().exchanges =
            exchanges.into_iter().map(|exchange| (exchange, 0)).collect();
    }

    /// What went wrong since the last time.
    pub(super) fn end(&self) -> Vec<String> {
        let mut state = self.state.lock().unwrap();
        let mut faults = std::mem::take(&mut state.faults);
        let missing = state.exchanges.iter().filter(|(one, count)| !one.is_free && *count == 0);
        faults.extend(missing.map(|(one, _)| format!("{}: it was never asked for", one.label)));
        state.exchanges.clear();
        faults
    }

    /// How many requests came, were held against the description, and were cut off from it.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let state = self.state.lock().unwrap();
        (state.came, state.described, state.outside)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.provider.end();
    }
}

impl State {
    fn answer(&mut self, came: &Came, description: Option<&Description>) -> Reply {
        self.came += 1;
        let asked = Asked::new(came);
        let open = self.exchanges.iter_mut().filter(|(one, count)| one.is_free || *count == 0);
        let held: Vec<_> = open.map(|one| (asked.differences(&one.0), one)).collect();
        let best = held.into_iter().min_by_key(|(differences, _)| {
            differences.iter().map(|(weight, _)| weight).sum::<u32>()
        });
        let Some((differences, (exchange, count))) = best else {
            self.faults.push(format!("nothing was to be asked, and {} came", came.line));
            return refused();
        };
        *count += 1;
        if !differences.is_empty() {
            let words: Vec<_> = differences.into_iter().map(|(_, words)| words).collect();
            self.faults.push(format!("{}: {}", exchange.label, words.join("; ")));
            return refused();
        }
        match description.map(|one| one.meant(&exchange.method, &exchange.address)) {
            Some(Meant::Here(endpoint)) => {
                self.described += 1;
                let mut faults = endpoint.faults(came, &asked.query, exchange.is_next);
                // What the provider told, it gets back.
                let is_told = |fault: &String| {
                    let at = fault
                        .strip_prefix("body ")
                        .and_then(|fault| fault.strip_suffix(" is not known"));
                    at.zip(exchange.under.as_ref())
                        .is_some_and(|(at, under)| under.pointer(at).is_some())
                };
                faults.retain(|fault| !is_told(fault));
                let label = &exchange.label;
                self.faults.extend(faults.into_iter().map(|fault| format!("{label}: {fault}")));
            }
            Some(Meant::Outside) => self.outside += 1,
            Some(Meant::Unknown(why)) if !exchange.is_free => {
                self.faults.push(format!("{}: {why}", exchange.label));
            }
            Some(Meant::Unknown(_)) | None => {}
        }
        let body = match exchange.code {
            204 => String::new(),
            _ => exchange.answer.to_string(),
        };
        Reply::Whole(exchange.code, exchange.answer_headers.clone(), body)
    }
}

/// A refusal that repeats what must not be repeated.
fn refused() -> Reply {
    Reply::Whole(400, Vec::new(), json!({"error": LIVE, "message": LIVE}).to_string())
}

/// A request in its parts.
struct Asked<'a> {
    came: &'a Came,
    method: &'a str,
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Asked<'a> {
    fn new(came: &'a Came) -> Self {
        let (method, target) = came.line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let query = form_urlencoded::parse(query.as_bytes());
        Self {
            came,
            method,
            segments: path.split('/').skip(1).map(decode).collect(),
            query: query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        }
    }

    /// How it is another request than the one that must come, each with its weight.
    fn differences(&self, wanted: &Exchange) -> Vec<(u32, String)> {
        let mut all = Vec::new();
        if self.segments != wanted.address.segments {
            let (ours, theirs) = (self.segments.join("/"), wanted.address.segments.join("/"));
            all.push((8, format!("the path is /{ours} instead of /{theirs}")));
        }
        if self.method != wanted.method {
            all.push((4, format!("the method is {} instead of {}", self.method, wanted.method)));
        }
        let query: BTreeMap<_, _> = self.query.iter().cloned().collect();
        if query.len() != self.query.len() {
            all.push((2, "a parameter comes twice".to_owned()));
        }
        texts("parameter", &query, &wanted.query, &mut all);
        self.headers(wanted, &mut all);
        self.body(wanted, &mut all);
        all
    }

    fn headers(&self, wanted: &Exchange, all: &mut Vec<(u32, String)>) {
        let given: BTreeMap<_, _> = self.came.headers.as_object().unwrap().iter().collect();
        let given = given.into_iter().filter(|(name, _)| {
            !USUAL.contains(&name.as_str()) || wanted.headers.contains_key(*name)
        });
        let given = given.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        texts("header", &given.collect(), &wanted.headers, all);
        let accept = wanted.headers.get("accept").map_or("application/json", String::as_str);
        if self.came.headers["accept"] != accept {
            all.push((1, "it accepts something else".to_owned()));
        }
    }

    fn body(&self, wanted: &Exchange, all: &mut Vec<(u32, String)>) {
        let body = &self.came.body;
        let media = self.came.headers["content-type"].as_str().unwrap_or_default();
        let is_form = media == "application/x-www-form-urlencoded";
        match &wanted.body {
            Body::None if body.is_empty() => {}
            Body::None => all.push((2, "a body came, and none is wanted".to_owned())),
            Body::Json(json) => match serde_json::from_str(body) {
                Ok(given) if same(json, &given) && media.contains("json") => {}
                Ok(given) => all.push((2, format!("the body is {given} instead of {json}"))),
                Err(_) => all.push((2, "the body is no JSON".to_owned())),
            },
            Body::Form(form) => {
                let given = form_urlencoded::parse(body.as_bytes());
                let given = given.map(|(name, value)| (name.into_owned(), value.into_owned()));
                texts("field", &given.collect(), form, all);
                if !is_form {
                    all.push((1, format!("a form comes as {media}")));
                }
            }
        }
    }
}

/// Texts by name, of which none is missing and none too much.
fn texts(
    what: &str,
    given: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    all: &mut Vec<(u32, String)>,
) {
    for (name, value) in given {
        match wanted.get(name) {
            None => all.push((2, format!("{what} `{name}` is not wanted"))),
            Some(wanted) if !same_text(wanted, value) => {
                // A wrong value is nearer than none.
                all.push((1, format!("{what} `{name}` has another value")));
            }
            Some(_) => {}
        }
    }
    let missing = wanted.keys().filter(|name| !given.contains_key(*name));
    all.extend(missing.map(|name| (2, format!("{what} `{name}` is missing"))));
}

fn same(wanted: &Value, given: &Value) -> bool {
    match (wanted, given) {
        (Value::Object(wanted), Value::Object(given)) => {
            wanted.len() == given.len()
                && wanted
                    .iter()
                    .all(|(name, one)| given.get(name).is_some_and(|other| same(one, other)))
        }
        (Value::Array(wanted), Value::Array(given)) => {
            wanted.len() == given.len()
                && wanted.iter().zip(given).all(|(one, other)| same(one, other))
        }
        (Value::String(text), given) if text.starts_with(ABOUT) => stamp::is_about(text, given),
        (wanted, given) => wanted == given,
    }
}

fn same_text(wanted: &str, given: &str) -> bool {
    match wanted.chars().next() {
        Some(ABOUT) => {
            let number = given.parse::<i64>().map(Value::from);
            stamp::is_about(wanted, &given.into())
                || number.is_ok_and(|number| stamp::is_about(wanted, &number))
        }
        Some(sign::ASSERTION) => sign::is_assertion(wanted, given),
        Some(sign::ANYTHING) => !given.is_empty(),
        _ => wanted == given,
    }
}
