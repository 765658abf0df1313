//! A list, part by part, in every way that providers cut one; each part once, and not for ever.

use std::collections::BTreeSet;

use keytender_core::akm::{
    Call, CallBody, Field, Paging, Place, Pointer, Sent, Size, Values, fingerprint,
};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, LINK};
use serde_json::{Value, json};

use super::credential::whole_text;
use super::exchange::{Job, Told};
use super::failure::{Failure, Reason};
use super::wire::Outgoing;
use super::{Session, link};

/// The most parts of one list: fifty entries a part make as many as there may be.
pub const MAX_PAGES: usize = 5_000;
/// The most entries of one list, which bounds what is held of it: some hundred megabytes.
pub const MAX_ENTRIES: usize = 250_000;
/// The longest cursor: what most servers take in a line of a request or in a header.
const MAX_CURSOR_BYTES: usize = 8_192;

/// What the next part is asked for with.
enum Step {
    /// Nothing: it is the first.
    First,
    /// The number of a part or of an entry.
    Number(u64),
    /// What the part before said.
    Cursor(String),
    /// Where the part before said.
    At(Url),
}

/// A list that is being read.
pub(super) struct Pages<'s> {
    session: &'s Session,
    job: Job<'s>,
    call: Call,
    /// Where the id of an entry stands.
    id: Option<&'s Field>,
    next: Option<Step>,
    pages: usize,
    /// Fingerprints of ids that came.
    seen: BTreeSet<String>,
    /// Cursors and URLs that were asked for.
    visited: BTreeSet<String>,
    /// Where the descriptor means the list to be, and where it is asked for.
    place: Option<(Url, Url)>,
    /// Whether the provider says that there is more, and no source says how it is got.
    is_cut: bool,
}

impl<'s> Pages<'s> {
    pub(super) fn new(
        session: &'s Session,
        job: Job<'s>,
        values: &Values,
        id: Option<&'s Field>,
    ) -> Result<Self, Failure> {
        let call = session.descriptor.call(job.request, values, None);
        let mut call = call.map_err(|error| job.doing.failed(Reason::Call(error)))?;
        if let Some(Size { param, max }) = size(&job.operation.paging) {
            let in_body = matches!(job.operation.paging, Paging::Cursor { sent: Sent::Body, .. });
            put(&mut call, param, &json!(max), if in_body { Sent::Body } else { Sent::Query });
        }
        Ok(Self {
            session,
            job,
            call,
            id,
            next: Some(Step::First),
            pages: 0,
            seen: BTreeSet::new(),
            visited: BTreeSet::new(),
            place: None,
            is_cut: false,
        })
    }

    /// The entries of the next part that did not come before; `None` when the list is over.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        let Some(step) = self.next.take() else { return Ok(None) };
        self.pages += 1;
        if self.pages > MAX_PAGES {
            return Err(self.endless("it has more parts than any list that we know of"));
        }
        let outgoing = self.outgoing(&step)?;
        let told = match self.session.exchange(&self.job, &outgoing, true).await {
            // The descriptor says of this code that what is listed is not there: for this credential there is none.
            Err(failure) if failure.is_surely_gone() && self.pages == 1 => {
                return Ok(Some(Vec::new()));
            }
            told => told?,
        };
        let items = self.items(&told.body)?;
        let count = items.len();
        let last = items.last().cloned();
        let fresh: Vec<Value> = items.into_iter().filter(|item| self.is_fresh(item)).collect();
        if self.seen.len() > MAX_ENTRIES {
            return Err(self.endless("it has more entries than any list that we know of"));
        }
        let part = Part { told: &told, last: last.as_ref(), count, fresh: fresh.len() };
        self.is_cut |= self.job.operation.unread.as_ref().is_some_and(|at| part.has_more(at));
        self.next = self.following(&step, &part)?;
        Ok(Some(fresh))
    }

    /// Why what was not listed may be there all the same, if it may.
    pub(super) fn cut(&self) -> Option<Failure> {
        let why = "there is more than it shows, and no source says how that is asked for";
        self.is_cut.then(|| self.unread(why))
    }

    fn endless(&self, why: &'static str) -> Failure {
        self.job.doing.failed(Reason::Endless(why))
    }

    fn unread(&self, why: impl Into<String>) -> Failure {
        self.job.doing.failed(Reason::Unread(why.into()))
    }

    /// Whether an entry has an id that did not come yet. Those without one are for the reader.
    fn is_fresh(&mut self, item: &Value) -> bool {
        let id = self.id.and_then(|id| id.at().find(item)).and_then(whole_text);
        id.is_none_or(|id| self.seen.insert(fingerprint(&id)))
    }

    /// The call for a part.
    fn outgoing(&mut self, step: &Step) -> Result<Outgoing, Failure> {
        let mut call = self.call.clone();
        match (step, &self.job.operation.paging) {
            (Step::At(url), _) => {
                let (method, headers, body) = (call.method, call.headers, call.body);
                return Ok(Outgoing { method, url: url.clone(), headers, body });
            }
            (Step::First, Paging::Page { param, first, .. }) => {
                put(&mut call, param, &json!(first), Sent::Query);
            }
            (Step::First, Paging::Offset { param, first, .. }) => {
                put(&mut call, param, &json!(first), Sent::Query);
            }
            (Step::Number(number), Paging::Page { param, .. } | Paging::Offset { param, .. }) => {
                put(&mut call, param, &json!(number), Sent::Query);
            }
            (Step::Cursor(cursor), Paging::Cursor { param, sent, .. }) => {
                put(&mut call, param, &json!(cursor), *sent);
            }
            _ => {}
        }
        let (outgoing, meant) = self.session.outgoing(&self.job, call)?;
        self.place = Some((meant, outgoing.url.clone()));
        Ok(outgoing)
    }

    /// The list in an answer. Some providers write null, or nothing at all, for an empty one; an
    /// answer that has other members is another answer.
    fn items(&self, body: &Value) -> Result<Vec<Value>, Failure> {
        let empty = Pointer::default();
        let at = self.job.operation.items.as_ref().unwrap_or(&empty);
        match body.pointer(at.as_str()) {
            Some(Value::Array(items)) => return Ok(items.clone()),
            Some(Value::Null) if !at.as_str().is_empty() => return Ok(Vec::new()),
            None if body.as_object().is_some_and(serde_json::Map::is_empty) => {
                return Ok(Vec::new());
            }
            _ => {}
        }
        Err(match at.as_str() {
            "" => self.unread("it is no list"),
            at => self.unread(format!("there is no list at `{at}`")),
        })
    }

    /// What the part after this one is asked for with; `None` if this was the last.
    fn following(&mut self, step: &Step, part: &Part<'_>) -> Result<Option<Step>, Failure> {
        let operation = self.job.operation;
        match &operation.paging {
            Paging::None => Ok(None),
            Paging::Page { first, size, pages, more, .. } => {
                let number = match step {
                    Step::Number(number) => *number,
                    _ => u64::from(*first),
                };
                let last = pages.as_ref().map(|at| part.number(at));
                let is_last =
                    last.map(|last| last.is_none_or(|last| number + 1 >= last + u64::from(*first)));
                let is_last = is_last.or_else(|| more.as_ref().map(|at| !part.has_more(at)));
                self.numbered(number + 1, is_last, size.as_ref(), part)
            }
            Paging::Offset { first, size, total, .. } => {
                let first = u64::from(*first);
                let begin = if let Step::Number(number) = step { *number } else { first };
                let next = begin.saturating_add(u64::try_from(part.count).unwrap_or(u64::MAX));
                let total = total.as_ref().and_then(|at| part.number(at));
                let is_last = total.map(|total| next >= total.saturating_add(first));
                self.numbered(next, is_last, size.as_ref(), part)
            }
            Paging::Cursor { next, next_header, last, more, .. } => {
                if more.as_ref().is_some_and(|more| !part.has_more(more)) {
                    return Ok(None);
                }
                let in_body = next.as_ref().and_then(|at| at.find(&part.told.body));
                let in_last = last.as_ref().zip(part.last).and_then(|(at, last)| at.find(last));
                let cursor = in_body.or(in_last).and_then(whole_text);
                let in_header =
                    || header(&part.told.headers, next_header.as_ref()?).map(str::to_owned);
                let cursor = cursor.or_else(in_header).filter(|cursor| !cursor.is_empty());
                cursor.map(|cursor| self.cursor(cursor)).transpose()
            }
            Paging::NextUrl { next, .. } => {
                // JSON:API lets a link be an object with `href` (version 1.1, "Links").
                let url =
                    |link: &'_ Value| link.get("href").unwrap_or(link).as_str().map(str::to_owned);
                let next = next.find(&part.told.body).and_then(url);
                let next = next.filter(|next| !next.is_empty());
                next.map(|next| self.at(&next)).transpose()
            }
            Paging::LinkHeader { .. } => {
                let links = part.told.headers.get_all(LINK).iter();
                let next = links.filter_map(|value| value.to_str().ok()).find_map(link::next);
                next.map(|next| self.at(next)).transpose()
            }
        }
    }

    /// The next numbered part. Where the provider does not say how many there are, the list is over
    /// when a part brings nothing new: a provider may give fewer entries than it is asked for.
    fn numbered(
        &self,
        next: u64,
        is_last: Option<bool>,
        size: Option<&Size>,
        part: &Part<'_>,
    ) -> Result<Option<Step>, Failure> {
        match is_last {
            Some(true) => return Ok(None),
            _ if part.count == 0 => return Ok(None),
            _ if part.fresh > 0 => return Ok(Some(Step::Number(next))),
            Some(false) | None => {}
        }
        // A short part that came before is the last one again. A full one means that the provider
        // does not look at the number, and then nobody knows what is missing.
        let is_short =
            size.is_some_and(|size| usize::try_from(size.max).is_ok_and(|max| part.count < max));
        match is_last.is_none() && is_short {
            true => Ok(None),
            false => Err(self.endless("the same part comes again")),
        }
    }

    fn cursor(&mut self, cursor: String) -> Result<Step, Failure> {
        if cursor.len() > MAX_CURSOR_BYTES || HeaderValue::from_str(&cursor).is_err() {
            return Err(self.unread("what the next part is asked for with is no cursor"));
        }
        if !self.visited.insert(cursor.clone()) {
            return Err(self.endless("the same cursor comes again"));
        }
        Ok(Step::Cursor(cursor))
    }

    fn at(&mut self, next: &str) -> Result<Step, Failure> {
        let Some((meant, page)) = &self.place else {
            return Err(self.unread("it has no place"));
        };
        let url = self.session.wire.next_place(&self.job.doing, page, meant, next)?;
        let is_first = self.visited.is_empty() && url == *page;
        if is_first || !self.visited.insert(url.as_str().to_owned()) {
            return Err(self.endless("the same URL comes again"));
        }
        Ok(Step::At(url))
    }
}

/// What one part told.
struct Part<'a> {
    told: &'a Told,
    last: Option<&'a Value>,
    count: usize,
    fresh: usize,
}

impl Part<'_> {
    fn number(&self, at: &Pointer) -> Option<u64> {
        let value = at.find(&self.told.body)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Whether the answer says that there is more: true, or anything but false, 0 and nothing.
    fn has_more(&self, at: &Pointer) -> bool {
        match at.find(&self.told.body) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !matches!(text.as_str(), "" | "false" | "0"),
            Some(_) => true,
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// How many entries a part may have.
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

/// Puts a value into a call under a name, in the place of one that may be there.
fn put(call: &mut Call, name: &str, value: &Value, sent: Sent) {
    let text = whole_text(value).unwrap_or_default();
    match (sent, &mut call.body) {
        (Sent::Header, _) => set(&mut call.headers, name, text),
        (Sent::Query, _) => set(&mut call.query, name, text),
        (Sent::Body, CallBody::Form(form)) => set(form, name, text),
        (Sent::Body, CallBody::Json(body)) => put_in(body, name, value),
        (Sent::Body, body) => {
            let mut json = json!({});
            put_in(&mut json, name, value);
            *body = CallBody::Json(json);
        }
    }
}

/// Puts a value into a body: under a name, or where a pointer leads, in objects that are made where there
/// are none.
fn put_in(body: &mut Value, place: &str, value: &Value) {
    let pointer =
        place.strip_prefix('/').and_then(|_| Pointer::parse(place, Place::default()).ok());
    let names = pointer.map_or_else(|| vec![place.to_owned()], |pointer| pointer.names().collect());
    let mut here = body;
    for name in names {
        if !here.is_object() {
            *here = json!({});
        }
        let Some(members) = here.as_object_mut() else { return };
        here = members.entry(name).or_insert(Value::Null);
    }
    *here = value.clone();
}

fn set(pairs: &mut Vec<(String, String)>, name: &str, text: String) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), text));
}
