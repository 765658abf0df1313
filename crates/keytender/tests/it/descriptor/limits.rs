//! What has no end, is too large, comes too late or too often, and what is tried again.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use keytender::connect::descriptor::{
    Binding, Engine, Failure, MAX_ANSWER_BYTES, MAX_PAGES, Reason, Settings,
};
use keytender_core::akm::OperationName;
use serde_json::json;

use super::provider::{Came, Provider, Reply, good, json_of};
use super::{acme, binding, ids, key, kind, list, session, shown};
use crate::notify::run;

/// What a list with this paging fails with.
fn endless(paging: &str, desk: impl Fn(&Came) -> Reply + Send + Sync + 'static) -> (String, usize) {
    let provider = Provider::start(desk);
    let operation = format!(
        "      list: {{request: {{method: GET, url: /keys}}, items: /keys, paging: {{{paging}}}}}"
    );
    let failure = list(&session(&acme(&operation), &provider)).unwrap_err();
    assert!(matches!(failure.reason(), Reason::Endless(_)), "{failure}");
    (failure.to_string(), provider.came().len())
}

#[test]
fn what_comes_again_has_no_end() {
    let same = |_: &Came| {
        let body = json!({"keys": [{"id": "a"}], "next": "x"}).to_string();
        Reply::Whole(200, vec![("link", "</v1/keys?b>; rel=next".to_owned())], body)
    };
    for (paging, why) in [
        ("page: {param: p}", "the same part comes again"),
        ("page: {param: p, size: {param: n, max: 1}}", "the same part comes again"),
        ("page: {param: p, more: /next}", "the same part comes again"),
        ("offset: {param: o, size: {param: n, max: 1}}", "the same part comes again"),
        ("cursor: {param: c, next: /next}", "the same cursor comes again"),
        ("cursor: {param: c, last: /id}", "the same cursor comes again"),
        ("next-url: {next: /next}", "the same URL comes again"),
        ("link-header: {}", "the same URL comes again"),
    ] {
        let (failure, calls) = endless(paging, same);
        assert!(failure.ends_with(why), "{paging}: {failure}");
        assert!(calls <= 3, "{paging}: {calls}");
    }
    // Two that name each other.
    let ring = |came: &Came| {
        let next = if came.line.ends_with("=a") { "b" } else { "a" };
        good(json!({"keys": [], "next": next}))
    };
    assert_eq!(endless("cursor: {param: c, next: /next}", ring).1, 3);
}

#[test]
fn a_list_with_ever_new_parts_ends_all_the_same() {
    let number = Mutex::new(0_u32);
    let (failure, calls) = endless("cursor: {param: c, next: /next}", move |_| {
        let mut number = number.lock().unwrap();
        *number += 1;
        good(json!({"keys": [{"id": *number}], "next": number.to_string()}))
    });
    assert!(failure.contains("more parts"), "{failure}");
    assert_eq!(calls, MAX_PAGES);
}

const LIST: &str = "      list: {request: {method: GET, url: /keys}, items: ''}";

fn failed(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Failure, usize) {
    let provider = Provider::start(move |_| reply());
    let failure = list(&session(&acme(LIST), &provider)).unwrap_err();
    (failure, provider.came().len())
}

#[test]
fn a_huge_answer_is_not_read() {
    for reply in [|| Reply::Long, || Reply::Flood] {
        let (failure, calls) = failed(reply);
        assert_eq!(failure.reason(), &Reason::TooLarge { limit: MAX_ANSWER_BYTES });
        assert_eq!(calls, 1);
    }
    let deep = "[".repeat(100_000);
    let (failure, _) = failed(move || Reply::Whole(200, Vec::new(), deep.clone()));
    assert!(failure.to_string().ends_with("it is no JSON"), "{failure}");
}

#[test]
fn a_slow_provider_is_waited_for_so_long_and_once() {
    let provider = Provider::start(|_| Reply::Hang);
    let settings =
        Settings { timeout: Duration::from_millis(1_500), roots: None, allow_private: true };
    let engine = Engine::new(&settings).unwrap();
    let session = engine.open(binding(&acme(LIST), &provider)).unwrap();
    let failure = list(&session).unwrap_err();
    assert_eq!(failure.to_string(), "Acme, list (API keys): its answer was lost: timed out");
    assert!(!failure.is_undecided());
    assert_eq!(provider.came().len(), 1);
}

/// A provider that answers the first requests as said, and then well.
fn after(first: Vec<Reply>) -> Provider {
    let first = Mutex::new(first);
    Provider::start(move |_| {
        first.lock().unwrap().pop().unwrap_or_else(|| good(json!([{"id": "a"}])))
    })
}

fn throttled(code: u16, wait: &str) -> Reply {
    Reply::Whole(code, vec![("retry-after", wait.to_owned())], String::new())
}

#[test]
fn a_read_is_tried_again() {
    let date = "Mon, 01 Jan 2024 00:00:00 GMT";
    let provider = after(vec![
        json_of(502, &json!({})),
        throttled(429, "0"),
        throttled(503, date),
        Reply::Close,
    ]);
    let listing = list(&session(&acme(LIST), &provider)).unwrap();
    assert_eq!(ids(&listing), ["a"]);
    assert_eq!(provider.came().len(), 5);
}

#[test]
fn whoever_throttles_for_long_is_left_alone() {
    let (failure, calls) = failed(|| throttled(429, "86400"));
    assert_eq!(calls, 1);
    assert_eq!(failure.retry_after_seconds(), Some(86_400));
    let (failure, calls) = failed(|| throttled(503, "0"));
    assert_eq!(calls, 5);
    assert_eq!(failure.to_string(), "Acme, list (API keys): it asks to slow down for 0 s");
    let (failure, _) = failed(|| {
        Reply::Whole(429, vec![("x-ratelimit-reset", "99999999999".to_owned())], String::new())
    });
    assert!(failure.retry_after_seconds().unwrap() > 1_000_000_000);
}

#[test]
fn denied_and_absent_are_told_apart() {
    for (code, denied, gone) in [
        (401, true, false),
        (403, true, false),
        (404, false, true),
        (410, false, true),
        (400, false, false),
    ] {
        let (failure, calls) = failed(move || json_of(code, &json!({})));
        assert_eq!((failure.is_denied(), failure.is_gone(), calls), (denied, gone, 1), "{code}");
    }
}

/// Does `suspend` with these words in its operation, and says how it went and how often it was asked.
fn write(words: &str, first: Vec<Reply>) -> (Result<(), Failure>, usize) {
    let provider = after(first);
    let descriptor = acme(&format!(
        "      suspend: {{request: {{method: POST, url: '/keys/{{key.id}}/off'}}{words}}}"
    ));
    let session = session(&descriptor, &provider);
    let kind = kind(&session);
    let acted = run(session.act(&kind, OperationName::Suspend, &key("a"), BTreeMap::new()));
    (acted.map(|_| ()), provider.came().len())
}

#[test]
fn a_write_is_repeated_only_where_it_surely_was_not_done() {
    let (acted, calls) = write("", vec![throttled(429, "0")]);
    assert_eq!((acted.is_ok(), calls), (true, 2));
    for lost in [|| Reply::Close, || json_of(500, &json!({})), || throttled(503, "0")] {
        let (acted, calls) = write("", vec![lost()]);
        let failure = acted.unwrap_err();
        assert_eq!((failure.is_undecided(), calls), (true, 1), "{failure}");
        assert!(failure.to_string().ends_with("; it may have been done"), "{failure}");
        assert_eq!(failure.hint(), Some("look whether it was done before it is tried again"));
    }
    let (acted, _) = write("", vec![json_of(409, &json!({}))]);
    assert!(!acted.unwrap_err().is_undecided());
    // What the provider knows again, or what is so by its nature, is repeated.
    for words in [", retry: safe", ", idempotencyHeader: Idempotency-Key"] {
        let (acted, calls) = write(words, vec![Reply::Close]);
        assert_eq!((acted.is_ok(), calls), (true, 2), "{words}");
        // Perhaps the first was done, and the second is refused for that.
        let (acted, _) = write(words, vec![json_of(409, &json!({})), Reply::Close]);
        assert!(acted.unwrap_err().is_undecided());
    }
    for first in [throttled(429, "0"), Reply::Close] {
        let (acted, calls) = write(", retry: never", vec![first]);
        assert_eq!((acted.is_err(), calls), (true, 1));
    }
}

#[test]
fn a_write_that_was_not_sent_was_not_done() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let provider = Provider::start(|_| Reply::Close);
    let descriptor =
        acme("      suspend: {request: {method: POST, url: '/keys/{key.id}/off'}, retry: never}");
    let open = Binding { endpoint: Some(endpoint), ..binding(&descriptor, &provider) };
    let session = super::engine().open(open).unwrap();
    let kind = kind(&session);
    let failure =
        run(session.act(&kind, OperationName::Suspend, &key("a"), BTreeMap::new())).unwrap_err();
    assert!(!failure.is_undecided());
    assert!(shown(&failure).contains("it cannot be reached: connection refused"), "{failure}");
}
