//! One call on its way: which hosts it may go to, how often it is tried, and how much of an answer is
//! read. Here alone leaves what a descriptor wants.

use std::collections::BTreeSet;
use std::time::Duration;

use keytender_core::akm::{CallBody, HttpMethod};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Url};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::failure::{Doing, Failure, Reason};
use super::{CALLS_AT_ONCE, throttle};
use crate::clock;
use crate::net::outbound::{self, Cause, Unread};

/// The most bytes of one answer: a thousand keys, the most of a page, of 16 KB each.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How often one call is tried. Where nobody says how long to wait, the pauses come to 4 to 5 seconds:
/// longer than one bad node is asked, shorter than an outage.
const MAX_TRIES: u32 = 5;
/// How long all pauses of one call may be. Limits by the minute, which most providers have, are
/// over by then.
const MAX_WAIT: Duration = Duration::from_secs(90);

/// What is done when a call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is tried again whenever that may help: nothing is done twice by it.
    Safe,
    /// It is tried again where it surely was not done.
    Unsent,
    /// It is tried once.
    Never,
}

/// A call that is ready to be made, but for what allows it.
pub(super) struct Outgoing {
    pub(super) method: HttpMethod,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: CallBody,
}

/// How a call is made.
pub(super) struct Manner<'a> {
    pub(super) doing: &'a Doing,
    pub(super) patience: Patience,
    /// Codes of which the body is read, beside those from 200 to 299.
    pub(super) codes: &'a [u16],
    /// Whether anything is to be read at all.
    pub(super) reads: bool,
    /// Whether it changes something at the provider.
    pub(super) changes: bool,
}

/// What a provider answered.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Whether it, or an attempt before it whose answer was lost, may have changed something,
    /// whatever the code says.
    pub(super) is_undecided: bool,
}

/// Why there is no answer.
enum Broken {
    /// Nothing was sent.
    Unsent(Cause),
    /// It was sent, and nothing whole came back.
    Lost(Cause),
    /// The answer has too many bytes.
    TooLarge,
}

/// The way to the hosts of one account.
pub(super) struct Wire {
    pub(super) client: Client,
    pub(super) allow_private: bool,
    /// Stands in for scheme, host and port of every URL.
    pub(super) endpoint: Option<Url>,
    /// The hosts that were approved.
    pub(super) hosts: BTreeSet<String>,
    pub(super) permits: Semaphore,
}

impl Wire {
    pub(super) fn new(
        client: Client,
        allow_private: bool,
        endpoint: Option<Url>,
        hosts: BTreeSet<String>,
    ) -> Self {
        let permits = Semaphore::new(CALLS_AT_ONCE);
        Self { client, allow_private, endpoint, hosts, permits }
    }

    /// The URL that a call goes to: on an approved host, at the very path that was meant.
    pub(super) fn place(&self, doing: &Doing, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text)
            .map_err(|_| doing.failed(Reason::Target(outbound::BadTarget::NotAUrl)))?;
        // A parser takes `..` for the way up, wherever it comes from.
        let behind = text.split_once("://").map_or("", |(_, behind)| behind);
        let path = behind.find('/').and_then(|at| behind.get(at..)).unwrap_or("/");
        if url.path() != path || url.query().is_some() || url.fragment().is_some() {
            return Err(doing.failed(Reason::Path));
        }
        let host = url.host_str().unwrap_or_default();
        if !self.hosts.contains(host) || url.port().is_some() {
            return Err(doing.failed(Reason::Host(host.to_owned())));
        }
        self.allowed(doing, self.moved(url))
    }

    /// Where a list goes on: a URL that an answer names, on the host of the page that names it.
    pub(super) fn next_place(
        &self,
        doing: &Doing,
        page: &Url,
        meant: &Url,
        text: &str,
    ) -> Result<Url, Failure> {
        let elsewhere = || doing.failed(Reason::Elsewhere);
        let next = page.join(text).map_err(|_| elsewhere())?;
        let is_web = matches!(next.scheme(), "https" | "http");
        let is_plain = next.username().is_empty() && next.password().is_none();
        let is_here = next.host() == page.host() && next.port() == page.port();
        // Behind a gateway a provider names itself; behind a proxy of its own it forgets the s.
        let is_itself = next.host() == meant.host() && next.port().is_none();
        if !is_web || !is_plain || !(is_here || is_itself) {
            return Err(elsewhere());
        }
        let mut url = page.clone();
        url.set_path(next.path());
        url.set_query(next.query());
        self.allowed(doing, url)
    }

    /// The URL at the endpoint, if there is one.
    fn moved(&self, url: Url) -> Url {
        let Some(endpoint) = &self.endpoint else { return url };
        let mut moved = endpoint.clone();
        moved.set_path(url.path());
        moved
    }

    fn allowed(&self, doing: &Doing, url: Url) -> Result<Url, Failure> {
        match outbound::check(&url, self.allow_private) {
            Ok(()) => Ok(url),
            Err(bad) => Err(doing.failed(Reason::Target(bad))),
        }
    }

    /// Makes a call, again where that is right, and gives the answer, whatever it says.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        signed: &[(HeaderName, HeaderValue)],
        manner: &Manner<'_>,
    ) -> Result<Answer, Failure> {
        let mut waited = Duration::ZERO;
        let mut attempt = 0;
        let mut is_undecided = false;
        loop {
            let outcome = self.attempt(outgoing, signed, manner).await;
            is_undecided |= manner.changes && may_be_done(&outcome);
            let headers = outcome.as_ref().ok().map(|answer| &answer.headers);
            let asked = headers.and_then(|headers| throttle::asked(headers, clock::now()));
            let pause = throttle::jittered(asked.unwrap_or_else(|| throttle::pause(attempt)));
            attempt += 1;
            waited = waited.saturating_add(pause);
            let is_over = attempt >= MAX_TRIES || waited > MAX_WAIT;
            if is_over || !may_repeat(&outcome, manner.patience) {
                return finish(outcome, asked, manner.doing, is_undecided);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(
        &self,
        outgoing: &Outgoing,
        signed: &[(HeaderName, HeaderValue)],
        manner: &Manner<'_>,
    ) -> Result<Answer, Broken> {
        // The permit is given back during pauses. The semaphore is never closed.
        let _permit = self.permits.acquire().await.map_err(|_| Broken::Unsent(Cause::Broken))?;
        let mut request = self
            .client
            .request(method(outgoing.method), outgoing.url.clone())
            .header(ACCEPT, "application/json");
        let mut headers = HeaderMap::new();
        for (name, value) in &outgoing.headers {
            // What is no header is refused before it comes here.
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        headers.extend(signed.iter().cloned());
        request = match &outgoing.body {
            CallBody::None => request,
            CallBody::Json(json) => request.json(json),
            CallBody::Form(pairs) => {
                let form =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
        };
        // The descriptor's own `Accept` takes the place of ours.
        let response = request.headers(headers).send().await.map_err(|error| {
            let cause = Cause::of(&error);
            let is_unsent = error.is_connect() || error.is_builder();
            if is_unsent { Broken::Unsent(cause) } else { Broken::Lost(cause) }
        })?;
        let code = response.status().as_u16();
        let headers = response.headers().clone();
        let reads = manner.reads && ((200..300).contains(&code) || manner.codes.contains(&code));
        let body = if reads { read(response).await? } else { Zeroizing::default() };
        Ok(Answer { code, headers, body, is_undecided: false })
    }
}

/// The body, as long as it is not too large.
async fn read(response: Response) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length.and_then(|length| length.parse().ok()).is_some_and(|length: u64| {
        usize::try_from(length).map_or(true, |length| length > MAX_ANSWER_BYTES)
    }) {
        return Err(Broken::TooLarge);
    }
    let mut body = Zeroizing::new(Vec::new());
    outbound::read(response, MAX_ANSWER_BYTES, &mut body).await.map_err(|unread| match unread {
        Unread::TooLong => Broken::TooLarge,
        Unread::Lost(error) => Broken::Lost(Cause::of(&error)),
    })?;
    Ok(body)
}

/// Whether another attempt may help and does no harm.
fn may_repeat(outcome: &Result<Answer, Broken>, patience: Patience) -> bool {
    let is_safe = patience == Patience::Safe;
    let passes = match outcome {
        Ok(answer) => match answer.code {
            429 => true,
            500 | 502..=504 => is_safe,
            _ => false,
        },
        // A name without an address and a certificate that is not trusted stay so for a while.
        Err(Broken::Unsent(cause)) => !matches!(cause, Cause::NoAddress | Cause::Certificate),
        // Whoever does not answer in time is not asked for as long again.
        Err(Broken::Lost(cause)) => is_safe && *cause != Cause::TimedOut,
        Err(Broken::TooLarge) => false,
    };
    passes && patience != Patience::Never
}

/// Whether the provider may have done what was asked, though it does not say so.
fn may_be_done(outcome: &Result<Answer, Broken>) -> bool {
    match outcome {
        Ok(answer) => matches!(answer.code, 408 | 500..),
        Err(Broken::Unsent(_)) => false,
        Err(Broken::Lost(_) | Broken::TooLarge) => true,
    }
}

fn finish(
    outcome: Result<Answer, Broken>,
    asked: Option<Duration>,
    doing: &Doing,
    is_undecided: bool,
) -> Result<Answer, Failure> {
    let after_seconds = asked.map(|asked| asked.as_secs());
    let reason = match outcome {
        Ok(Answer { code: 429, .. }) => Reason::Throttled { after_seconds },
        Ok(Answer { code: 503, .. }) if asked.is_some() => Reason::Throttled { after_seconds },
        Ok(answer) => return Ok(Answer { is_undecided, ..answer }),
        Err(Broken::Unsent(cause)) => Reason::Unreachable(cause),
        Err(Broken::Lost(cause)) => Reason::Lost(cause),
        Err(Broken::TooLarge) => Reason::TooLarge { limit: MAX_ANSWER_BYTES },
    };
    Err(doing.ended(reason, is_undecided))
}

const fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
    }
}
