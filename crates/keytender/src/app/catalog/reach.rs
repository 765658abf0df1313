//! Indexes at addresses, and those that they include: fetched within limits, by the guarded client.
//!
//! An index is a stranger's, and may name any address: only public ones are reached, by https alone and without a
//! credential, each at most once. The address that somebody gave by hand may be private if they say so; then so
//! may others on the same host, and no others.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use keytender_core::apis_json::{self, Include, MAX_BYTES, Read, Remark};
use keytender_core::text::printable;
use reqwest::Url;
use tokio::time::timeout;

use crate::app::view::catalog::warning;
use crate::connect::index::{Indexes, without_fragment};
use crate::error::Error;
use crate::store::catalog::Warning;

/// How long all that an index includes may take together.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How deep indexes may be included within each other.
const MAX_INCLUDE_DEPTH: usize = 3;
/// How many indexes come with one; the largest network that we know of names some 30.
const MAX_INCLUDED: usize = 50;
/// How many bytes all of them have together at most.
const MAX_WHOLE_BYTES: usize = 4 * MAX_BYTES;

/// An index that was read, and where it is.
#[derive(Debug)]
pub(super) struct Part {
    /// Where it is; nowhere if it came as a text.
    pub(super) url: Option<Url>,
    /// What it says.
    pub(super) read: Read,
}

/// An index with those that it includes.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The index itself first.
    pub(super) parts: Vec<Part>,
    /// Why some are not among them.
    pub(super) warnings: Vec<Warning>,
}

/// The text of an index at an address that somebody gave.
///
/// # Errors
/// When it is no address that may be reached, or nothing comes from there within the limits.
pub async fn text_at(address: &str, allow_private: bool) -> Result<String, Error> {
    let url = parse(address)?;
    let indexes = Indexes::new(allow_private.then_some(&url))?;
    let fetched = indexes.fetch(&url, MAX_BYTES).await;
    fetched.map(|(_, text)| text).map_err(|why| cannot(&url, &why))
}

/// The address of an index, as somebody gave it.
///
/// # Errors
/// When it is none.
pub(super) fn parse(address: &str) -> Result<Url, Error> {
    let refuse = |why: &str| {
        Error::new(format!("this is no address of an index: {why}"))
            .hint("such as https://example.com/apis.json")
    };
    let url = Url::parse(address.trim()).map_err(|error| refuse(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(without_fragment(url)),
        _ => Err(refuse("it does not begin with https://")),
    }
}

/// The refusal of an index that cannot be had.
pub(super) fn cannot(url: &Url, why: &str) -> Error {
    Error::new(format!("the index at {} cannot be had", shown(url))).source(why.to_owned()).hint(
        "see whether the address is right; --allow-private lets it lead into your own network",
    )
}

/// A URL without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither can fail for a URL with a host, and without one there is nothing to hide.
    _ = url.set_username("");
    _ = url.set_password(None);
    printable(url.as_str()).into_owned()
}

/// An index with those that it includes, as far as limits allow.
pub(super) async fn gather(indexes: &Indexes, root: Part, bytes: usize) -> Gathered {
    let mut walk = Walk::of(root, bytes);
    if timeout(WHOLE_TIMEOUT, walk.follow(indexes)).await.is_err() {
        let seconds = WHOLE_TIMEOUT.as_secs();
        walk.warn(None, &format!("it takes longer than {seconds} s to read all that it includes"));
    }
    Gathered { parts: walk.parts, warnings: walk.warnings }
}

/// The way through what an index includes: what it names first, then what that names.
struct Walk {
    parts: Vec<Part>,
    warnings: Vec<Warning>,
    seen: HashSet<String>,
    waiting: VecDeque<(Url, usize)>,
    bytes: usize,
}

impl Walk {
    fn of(root: Part, bytes: usize) -> Self {
        let mut walk = Self {
            parts: Vec::new(),
            warnings: Vec::new(),
            seen: HashSet::new(),
            waiting: VecDeque::new(),
            bytes,
        };
        walk.seen.extend(root.url.as_ref().map(|url| url.as_str().to_owned()));
        walk.expect(&root.read.index.include, root.url.as_ref(), 1);
        walk.parts.push(root);
        walk
    }

    fn warn(&mut self, index: Option<&str>, message: &str) {
        self.warnings.push(Warning {
            index: index.map(str::to_owned),
            line: 0,
            column: 0,
            member: "include".to_owned(),
            message: message.to_owned(),
            hint: "import it by itself if it is needed".to_owned(),
            times: 1,
        });
    }

    fn skip(&mut self, include: &Include, message: &str) {
        let remark = Remark {
            place: include.place,
            member: "include".to_owned(),
            message: format!("{}: {message}", include.url.chars().take(200).collect::<String>()),
            hint: "import it by itself if it is needed".to_owned(),
            times: 1,
        };
        if self.warnings.len() < apis_json::MAX_WARNINGS {
            self.warnings.push(warning(None, remark));
        }
    }

    /// Puts what an index includes behind what waits.
    fn expect(&mut self, includes: &[Include], from: Option<&Url>, depth: usize) {
        for include in includes {
            let url = match from {
                Some(from) => from.join(&include.url),
                None => Url::parse(&include.url),
            };
            let url = match url {
                Ok(url) if matches!(url.scheme(), "http" | "https") => without_fragment(url),
                _ => {
                    self.skip(include, "it is no address that can be reached from here");
                    continue;
                }
            };
            if depth > MAX_INCLUDE_DEPTH {
                self.skip(include, &format!("it stands deeper than {MAX_INCLUDE_DEPTH} levels"));
            } else if self.seen.len() > MAX_INCLUDED {
                self.skip(include, &format!("more than {MAX_INCLUDED} indexes are included"));
                break;
            } else if self.seen.insert(url.as_str().to_owned()) {
                self.waiting.push_back((url, depth));
            }
        }
    }

    async fn follow(&mut self, indexes: &Indexes) {
        while let Some((url, depth)) = self.waiting.pop_front() {
            let left = MAX_WHOLE_BYTES.saturating_sub(self.bytes);
            if left == 0 {
                return self
                    .warn(None, &format!("all together have more than {MAX_WHOLE_BYTES} bytes"));
            }
            let place = shown(&url);
            let (at, text) = match indexes.fetch(&url, left.min(MAX_BYTES)).await {
                Ok(fetched) => fetched,
                Err(why) => {
                    self.warn(Some(&place), &why);
                    continue;
                }
            };
            // It may be elsewhere in truth, where it was read already.
            if at != url && !self.seen.insert(at.as_str().to_owned()) {
                continue;
            }
            self.bytes += text.len();
            match apis_json::read(&text) {
                Ok(read) => {
                    self.expect(&read.index.include, Some(&at), depth + 1);
                    self.parts.push(Part { url: Some(at), read });
                }
                Err(fault) => self.warn(Some(&place), &fault.to_string()),
            }
        }
    }
}
