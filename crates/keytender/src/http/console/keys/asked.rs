//! What is asked of the list of keys, as it stands in the address of the page: every state of the
//! list is a link that can be kept.

use axum::http::Uri;
use axum::http::request::Parts;
use keytender_core::steps;
use keytender_core::time::Span;

use crate::app::view::{KeyQuery, KeySort, RuleView};
use crate::http::nul;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;
use crate::http::{api, extract};
use crate::store::keys::Term;

/// What narrows the list, by the names that the API has for it.
pub(super) const FILTERS: [&str; 16] = [
    "text",
    "due",
    "action",
    "rule",
    "owner",
    "provider",
    "account",
    "app",
    "state",
    "side",
    "last_used",
    "unused_for",
    "older_than",
    "expires_within",
    "kept",
    "exposed",
];
/// The order of the list.
pub(super) const SORT: &str = "sort";
/// Where the page begins.
pub(super) const AFTER: &str = "after";
/// How many keys stand on the pages before this one.
pub(super) const BEFORE: &str = "before";

/// What is asked.
#[derive(Debug)]
pub(in crate::http::console) struct Asked {
    pairs: Vec<(String, String)>,
    /// The query; or why it is none.
    pub(super) query: Result<KeyQuery, String>,
    /// How many keys stand on the pages before this one.
    pub(super) before: u64,
}

impl Asked {
    /// Reads the query of an address. What is empty was not asked, and what is not known is not looked
    /// at: it is a person's link, not a program's.
    fn read(text: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut before = 0;
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if name == BEFORE {
                before = value.parse().unwrap_or(0);
            }
            let is_known = FILTERS.contains(&&*name) || name == SORT || name == AFTER;
            let is_new = pairs.iter().all(|(known, _)| *known != name);
            if is_known && is_new && !value.trim().is_empty() {
                pairs.push((name.into_owned(), value.trim().to_owned()));
            }
        }
        let query = query(&pairs);
        Self { pairs, query, before }
    }

    /// What a name is asked to be.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The filters that are on: name and value.
    pub(super) fn filters(&self) -> impl Iterator<Item = (&str, &str)> {
        let on = self.pairs.iter().filter(|(name, _)| FILTERS.contains(&name.as_str()));
        on.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The order.
    pub(super) fn sort(&self) -> KeySort {
        self.query.as_ref().ok().and_then(|query| query.sort).unwrap_or_default()
    }

    /// The place after which the page begins.
    pub(super) fn after(&self) -> Result<Option<Vec<Term>>, Refusal> {
        self.value(AFTER).map(|cursor| api::keys::place(cursor, self.sort())).transpose()
    }

    /// The address of the first page with something changed: `None` takes a name away.
    pub(super) fn href(&self, path: &str, changes: &[(&str, Option<&str>)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let is_kept =
            |name: &str| name != AFTER && changes.iter().all(|(changed, _)| *changed != name);
        for (name, value) in self.pairs.iter().filter(|(name, _)| is_kept(name)) {
            query.append_pair(name, value);
        }
        for (name, value) in changes {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        with_query(path, &query.finish())
    }

    /// What the filters that are on say, with the address of the list without each.
    pub(super) fn chips(&self, rules: &[RuleView]) -> Vec<(String, String)> {
        let chip = |(name, value): (&str, &str)| {
            (said(name, value, rules), self.href("/keys", &[(name, None)]))
        };
        self.filters().map(chip).collect()
    }
}

impl axum::extract::FromRequestParts<State> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Refusal> {
        let text = parts.uri.query().unwrap_or_default();
        if nul::is_in_url(text) {
            return Err(Problem::bad_request("no text holds the letter U+0000").into());
        }
        Ok(Self::read(text))
    }
}

/// A path with a query, if there is one.
pub(super) fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The query of the API that the same words make.
fn query(pairs: &[(String, String)]) -> Result<KeyQuery, String> {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let uri: Uri = with_query("/", &text).parse().map_err(|_| "it is too long".to_owned())?;
    match axum::extract::Query::<KeyQuery>::try_from_uri(&uri) {
        Ok(axum::extract::Query(query)) => Ok(query),
        Err(error) => Err(extract::cause(&error)),
    }
}

/// A filter in words.
fn said(name: &str, value: &str, rules: &[RuleView]) -> String {
    let span = || Span::parse(value).map_or_else(|_| value.to_owned(), Span::in_words);
    let rule = || rules.iter().find(|rule| rule.id == value).map(|rule| rule.title.clone());
    match (name, value) {
        ("text", _) => format!("“{value}”"),
        ("due", "true") => "Due".to_owned(),
        ("due", _) => "Due or not".to_owned(),
        ("action", "remove") => "To remove".to_owned(),
        ("action", "rotate") => "To rotate".to_owned(),
        ("action", "review") => "To review".to_owned(),
        ("rule", _) => rule().unwrap_or_else(|| value.to_owned()),
        ("owner", "none") => "Without an owner".to_owned(),
        ("owner", _) => format!("Owner: {value}"),
        ("provider", _) => steps::provider(value),
        ("account", _) => format!("Account: {value}"),
        ("app", _) => format!("App: {value}"),
        ("state", _) => state(value).to_owned(),
        ("side", "held") => "Keys you hold".to_owned(),
        ("side", "issued") => "Keys you issue".to_owned(),
        ("last_used", "never") => "Never used".to_owned(),
        ("last_used", "used") => "Used".to_owned(),
        ("last_used", "unknown") => "Last use unknown".to_owned(),
        ("unused_for", _) => format!("Not used for {}", span()),
        ("older_than", _) => format!("Older than {}", span()),
        ("expires_within", _) => format!("Ends within {}", span()),
        ("kept", "true") => "Kept".to_owned(),
        ("exposed", "true") => "Exposed".to_owned(),
        _ => format!("{name}: {value}"),
    }
}

/// A state in a word for people.
pub(super) fn state(value: &str) -> &str {
    match value {
        "pre-activation" => "Not active yet",
        "active" => "Active",
        "suspended" => "Disabled",
        "deactivated" => "Ended",
        "compromised" => "Compromised",
        "destroyed" => "Gone",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_empty_fields_asks_only_what_is_filled_in() {
        let asked =
            Asked::read("text=&due=true&owner=+none+&unused_for=90d&unknown=1&due=x&proof=p");
        let query = asked.query.as_ref().unwrap();
        assert_eq!((query.due, query.owner.as_deref()), (Some(true), Some("none")));
        assert_eq!(query.unused_for, Some(Span::days(90)));
        assert_eq!(asked.href("/keys", &[]), "/keys?due=true&owner=none&unused_for=90d");
        assert_eq!(
            asked.href("/keys", &[("due", None), ("sort", Some("age"))]),
            "/keys?owner=none&unused_for=90d&sort=age"
        );
    }

    #[test]
    fn another_filter_begins_at_the_first_page() {
        let asked = Asked::read("due=true&after=abc&before=200");
        assert_eq!((asked.before, asked.value(AFTER)), (200, Some("abc")));
        assert_eq!(asked.href("/keys", &[("due", None)]), "/keys");
    }

    #[test]
    fn what_is_no_query_is_said_and_kept() {
        let asked = Asked::read("unused_for=soon");
        assert!(asked.query.as_ref().unwrap_err().contains("not a length of time"));
        assert_eq!(asked.value("unused_for"), Some("soon"));
    }
}
