//! A list in two parts, in each of the ways in which providers cut one.

use serde_json::{Value, json};

use super::fact::typed;
use super::habits::Habits;
use super::model::{Deed, Model, View};
use super::paper::Names;
use super::record::plain;
use super::script::{Body, Exchange};
use super::tree;

/// How a list is cut.
struct Cut<'p> {
    way: &'p str,
    how: &'p Value,
}

impl<'p> Model<'p> {
    /// The exchanges of a list that has these entries.
    pub(super) fn parts(
        &self,
        deed: Deed<'p>,
        names: &Names,
        view: Option<&View<'p>>,
        blank: &Value,
        entries: &[Value],
    ) -> Vec<Exchange> {
        let cut = Cut::of(deed);
        let chunks = cut.chunks(entries);
        let mut parts = Vec::new();
        let mut begin = 0;
        for (number, chunk) in chunks.iter().enumerate() {
            let mut part = self.exchange(deed, names);
            part.label = format!("{} (part {})", deed.label(), number + 1);
            let before = number.checked_sub(1).and_then(|before| chunks[before].last());
            cut.ask(&mut part, number, begin, before);
            let mut answer = blank.clone();
            tree::put(&mut answer, deed.pointer("items"), Value::Array(chunk.to_vec()));
            let is_last = number + 1 == chunks.len();
            let root = view.map(View::root);
            cut.answer(
                &mut part,
                &mut answer,
                root.as_ref(),
                self.paper.habits(),
                (number, is_last, entries.len()),
            );
            self.hold(&part.label, view, &answer);
            part.answer = answer;
            if deed.operation["success"][1] == 206 && !is_last {
                part.code = 206;
            }
            begin += chunk.len();
            parts.push(part);
        }
        parts
    }
}

impl<'p> Cut<'p> {
    fn of(deed: Deed<'p>) -> Self {
        match deed.operation["paging"].as_object().and_then(|paging| paging.iter().next()) {
            Some((way, how)) => Self { way, how },
            None => Self { way: "none", how: &Value::Null },
        }
    }

    /// The parts: two, and an empty one where nothing but that says that the list is over.
    fn chunks<'e>(&self, entries: &'e [Value]) -> Vec<&'e [Value]> {
        let (first, second) = entries.split_at(entries.len().div_ceil(2));
        let tells = |names: &[&str]| names.iter().any(|name| !self.how[*name].is_null());
        let is_told = match self.way {
            "none" => return vec![entries],
            "page" => tells(&["pages", "more"]),
            "offset" => tells(&["total"]),
            "cursor" => self.how["last"].is_null() || tells(&["more"]),
            _ => true,
        };
        let mut chunks = vec![first, second];
        if !is_told {
            chunks.push(&[]);
        }
        chunks
    }

    /// Puts into a request what asks for a part.
    fn ask(&self, part: &mut Exchange, number: usize, begin: usize, before: Option<&Value>) {
        let param = self.how["param"].as_str().unwrap_or_default();
        let sent = self.how["in"].as_str().unwrap_or("query");
        if let Some(size) = self.how["size"]["param"].as_str() {
            let place = if sent == "body" { "body" } else { "query" };
            send(part, place, size, &self.how["size"]["max"]);
        }
        let first = self.how["first"].as_u64().map(|first| usize::try_from(first).unwrap());
        match self.way {
            "page" => send(part, "query", param, &json!(first.unwrap_or(1) + number)),
            "offset" => send(part, "query", param, &json!(first.unwrap_or(0) + begin)),
            "cursor" if number > 0 => {
                let cursor = match self.how["last"].as_str() {
                    Some(last) => plain(before.unwrap().pointer(last).unwrap()),
                    None => cursor(number),
                };
                send(part, sent, param, &json!(cursor));
            }
            "next-url" | "link-header" if number > 0 => {
                part.query.insert("part".to_owned(), cursor(number));
                part.is_next = true;
            }
            _ => {}
        }
    }

    /// Puts into an answer what tells of the next part.
    fn answer(
        &self,
        part: &mut Exchange,
        answer: &mut Value,
        root: Option<&View<'_>>,
        habits: Habits<'_>,
        (number, is_last, total): (usize, bool, usize),
    ) {
        let mut tell = |name: &str, value: Value| {
            if let Some(at) = self.how[name].as_str() {
                tree::put(answer, at, value);
            }
        };
        let types = |name: &str| {
            let at = self.how[name].as_str().unwrap_or_default();
            root.map(|root| root.types(at)).unwrap_or_default()
        };
        tell("total", json!(total));
        tell("pages", json!(2));
        let more = types("more");
        tell(
            "more",
            if more.is_empty() || more.contains("boolean") {
                json!(!is_last)
            } else {
                json!(i32::from(!is_last))
            },
        );
        let next = match self.way {
            "cursor" => cursor(number + 1),
            "next-url" => next_url(part, number + 1, habits),
            "link-header" => {
                part.answer_headers.push(("link", link(part, number + 1, is_last, habits)));
                return;
            }
            _ => return,
        };
        if let Some(header) = self.how["nextHeader"].as_str() {
            if !is_last {
                part.answer_headers.push((header.to_owned().leak(), next));
            }
            return;
        }
        let Some(at) = self.how["next"].as_str() else { return };
        if !is_last {
            let next = if is_linked(root, at) { json!({"href": next}) } else { json!(next) };
            return tree::put(answer, at, typed(root, at, next));
        }
        // Behind the last part some write null, some an empty text, some nothing.
        let is_needed = root.is_some_and(|root| root.is_needed(at));
        let takes_null = root.is_none_or(|root| root.takes_null(at));
        match (is_needed, takes_null) {
            (_, true) if total.is_multiple_of(2) || is_needed => tree::put(answer, at, Value::Null),
            (true, false) => tree::put(answer, at, json!("")),
            _ => tree::remove(answer, at),
        }
    }
}

fn cursor(number: usize) -> String {
    // A time with an offset, or base64: what stands in it must come back as it was.
    format!("part-{number}+/=&")
}

/// Whether an address is told as an object with a member `href`.
fn is_linked(root: Option<&View<'_>>, at: &str) -> bool {
    root.is_some_and(|root| !root.types(&format!("{at}/href")).is_empty())
}

/// The address of a part, in one of the ways in which providers write it.
fn next_url(part: &Exchange, number: usize, habits: Habits<'_>) -> String {
    let mut query: Vec<_> = part.query.clone().into_iter().collect();
    query.retain(|(name, _)| name != "part");
    query.push(("part".to_owned(), cursor(number)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let path: Vec<_> = part.address.segments.iter().map(|segment| encoded(segment)).collect();
    let place = format!("/{}?{query}", path.join("/"));
    match habits.has_short_links() {
        true => place,
        false => format!("https://{}{place}", part.address.host),
    }
}

fn encoded(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The header `Link` of a part.
fn link(part: &Exchange, number: usize, is_last: bool, habits: Habits<'_>) -> String {
    let next = next_url(part, number, habits);
    let first = format!("<{}>; rel=\"first\"", next_url(part, 0, habits));
    match (is_last, habits.links_to_nothing()) {
        (false, false) => format!("{first}, <{next}>; rel=\"next\""),
        (true, false) => first,
        (_, true) => {
            let previous = first.replace("first", "previous");
            format!(
                "{previous}; results=\"true\"; cursor=\"0:0:1\", <{next}>; rel=\"next\"; results=\"{}\"; \
                 cursor=\"0:{number}:0\"",
                !is_last
            )
        }
    }
}

/// Puts a value into a part of a request.
fn send(part: &mut Exchange, place: &str, name: &str, value: &Value) {
    match place {
        "query" => drop(part.query.insert(name.to_owned(), plain(value))),
        "header" => drop(part.headers.insert(name.to_lowercase(), plain(value))),
        _ => match &mut part.body {
            Body::Form(form) => drop(form.insert(name.to_owned(), plain(value))),
            Body::Json(body) if name.starts_with('/') => tree::put(body, name, value.clone()),
            Body::Json(Value::Object(members)) => {
                drop(members.insert(name.to_owned(), value.clone()))
            }
            body => *body = Body::Json(json!({name: value})),
        },
    }
}
