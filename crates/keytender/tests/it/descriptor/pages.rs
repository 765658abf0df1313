//! Lists that come in parts, in every way that providers cut them.

use serde_json::{Value, json};

use super::provider::{Came, Provider, Reply, good};
use super::{acme, ids, list, session};

/// Five keys in parts of two.
fn part(first: usize) -> Vec<Value> {
    (first..5).take(2).map(|number| json!({"id": number.to_string()})).collect()
}

/// A parameter of a request, as a number.
fn number(came: &Came, name: &str) -> usize {
    let (_, query) = came.line.split_once('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map_or(0, |(_, value)| value.parse().unwrap())
}

/// Lists by an operation whose paging is given, and says what was asked.
#[track_caller]
fn listed(
    request: &str,
    paging: &str,
    desk: impl Fn(&Came) -> Reply + Send + Sync + 'static,
) -> Vec<String> {
    let provider = Provider::start(desk);
    let operation =
        format!("      list: {{request: {{{request}}}, items: /keys, paging: {{{paging}}}}}");
    let listing = list(&session(&acme(&operation), &provider)).unwrap();
    assert_eq!(ids(&listing), ["0", "1", "2", "3", "4"], "{paging}");
    provider.lines()
}

const GET: &str = "method: GET, url: /keys";

#[test]
fn numbered_parts_are_asked_for_until_the_last() {
    let numbered = |came: &Came| json!({"keys": part((number(came, "p") - 1) * 2), "pages": 3, "more": number(came, "p") < 3});
    for (paging, lines) in [
        ("page: {param: p, size: {param: n, max: 2}, pages: /pages}", 3),
        ("page: {param: p, size: {param: n, max: 2}, more: /more}", 3),
        ("page: {param: p, size: {param: n, max: 2}}", 4),
        // It gives fewer than it is asked for, and all are found.
        ("page: {param: p, size: {param: n, max: 100}}", 4),
        ("page: {param: p}", 4),
    ] {
        let asked = listed(GET, paging, move |came| good(numbered(came)));
        assert_eq!(asked.len(), lines, "{paging}: {asked:?}");
    }
}

#[test]
fn a_short_part_that_comes_again_is_the_last() {
    // Beyond the end this provider gives its last part again.
    let clamped = |came: &Came| good(json!({"keys": part(number(came, "p").min(2) * 2)}));
    let asked = listed(GET, "page: {param: p, first: 0, size: {param: n, max: 2}}", clamped);
    assert_eq!(asked.len(), 4);
}

#[test]
fn parts_begin_at_a_number_of_entries() {
    let offset = |came: &Came| good(json!({"keys": part(number(came, "o")), "total": 5}));
    let asked = listed(GET, "offset: {param: o, size: {param: n, max: 2}, total: /total}", offset);
    assert_eq!(asked, ["GET /v1/keys?n=2&o=0", "GET /v1/keys?n=2&o=2", "GET /v1/keys?n=2&o=4"]);
    // SCIM counts from 1 (RFC 7644, section 3.4.2.4).
    let scim = |came: &Came| good(json!({"keys": part(number(came, "o") - 1), "total": 5}));
    let paging = "offset: {param: o, first: 1, size: {param: n, max: 2}, total: /total}";
    let asked = listed(GET, paging, scim);
    assert_eq!(asked, ["GET /v1/keys?n=2&o=1", "GET /v1/keys?n=2&o=3", "GET /v1/keys?n=2&o=5"]);
    let asked = listed(GET, "offset: {param: o}", offset);
    assert_eq!(asked.last().unwrap(), "GET /v1/keys?o=5");
}

#[test]
fn cursors_stand_in_bodies_headers_and_entries() {
    let next = |first: usize| if first < 4 { json!(format!("c{}", first + 2)) } else { json!("") };
    let cursor = |text: &str| text.trim_start_matches('c').parse().unwrap_or(0);
    let in_query = move |came: &Came| {
        let first = came.line.split_once("after=").map_or(0, |(_, text)| cursor(text));
        good(json!({"keys": part(first), "next": next(first)}))
    };
    let asked =
        listed(GET, "cursor: {param: after, next: /next, size: {param: n, max: 2}}", in_query);
    assert_eq!(
        asked,
        ["GET /v1/keys?n=2", "GET /v1/keys?n=2&after=c2", "GET /v1/keys?n=2&after=c4"]
    );
    let in_body = move |came: &Came| {
        let body = came.json();
        assert_eq!((&body["n"], &body["all"]), (&json!(2), &json!(true)));
        let first = body["after"].as_str().map_or(0, cursor);
        good(json!({"keys": part(first), "next": next(first)}))
    };
    let request = "method: POST, url: /keys/list, json: {all: true}";
    let paging = "cursor: {param: after, in: body, next: /next, size: {param: n, max: 2}}";
    assert_eq!(listed(request, paging, in_body).len(), 3);
    // GraphQL has it among its variables.
    let in_variables = move |came: &Came| {
        let body = came.json();
        assert_eq!((&body["query"], &body["variables"]["of"]), (&json!("{keys}"), &json!("us")));
        let first = body["variables"]["after"].as_str().map_or(0, cursor);
        good(json!({"keys": part(first), "next": next(first)}))
    };
    let request = "method: POST, url: /graphql, json: {query: '{{keys}}', variables: {of: us}}";
    let paging = "cursor: {param: /variables/after, in: body, next: /next}";
    assert_eq!(listed(request, paging, in_variables).len(), 3);
    let in_header = move |came: &Came| {
        let first = came.headers["range"].as_str().map_or(0, cursor);
        let headers = match next(first).as_str().unwrap() {
            "" => Vec::new(),
            next => vec![("next-range", next.to_owned())],
        };
        Reply::Whole(206, headers, json!({"keys": part(first)}).to_string())
    };
    let paging = "cursor: {param: Range, in: header, nextHeader: Next-Range}";
    assert_eq!(listed(GET, paging, in_header).len(), 3);
    let in_entry = |came: &Came| {
        let after = came.line.split_once("after=");
        let first = after.map_or(0, |(_, id)| id.parse::<usize>().unwrap() + 1);
        good(json!({"keys": part(first), "has_more": first < 4}))
    };
    let asked = listed(GET, "cursor: {param: after, last: /id, more: /has_more}", in_entry);
    assert_eq!(asked, ["GET /v1/keys", "GET /v1/keys?after=1", "GET /v1/keys?after=3"]);
    assert_eq!(listed(GET, "cursor: {param: after, last: /id}", in_entry).len(), 4);
}

#[test]
fn a_part_says_where_the_next_is() {
    // It names itself, forgets the s, or writes a path; all of it leads to the same host.
    for base in ["https://api.acme.example", "http://api.acme.example", ""] {
        let place = move |came: &Came| {
            let first = came.line.split_once("at=").map_or(0, |(_, text)| text.parse().unwrap());
            (first, format!("{base}/v1/keys?at={}", first + 2))
        };
        let in_body = move |came: &Came| {
            let (first, next) = place(came);
            let next = (first < 4).then_some(next);
            good(json!({"keys": part(first), "links": {"next": next}}))
        };
        let asked = listed(GET, "next-url: {next: /links/next, size: {param: n, max: 2}}", in_body);
        assert_eq!(asked, ["GET /v1/keys?n=2", "GET /v1/keys?at=2", "GET /v1/keys?at=4"]);
        let in_header = move |came: &Came| {
            let (first, next) = place(came);
            let link = match first < 4 {
                true => format!("</v1/keys>; rel=\"first\", <{next}>; rel=\"next\""),
                false => "</v1/keys>; rel=\"first\"".to_owned(),
            };
            let body = json!({"keys": part(first)}).to_string();
            Reply::Whole(200, vec![("link", link)], body)
        };
        assert_eq!(listed(GET, "link-header: {size: {param: n, max: 2}}", in_header), asked);
    }
}

#[test]
fn a_link_may_be_an_object() {
    let place = |came: &Came| {
        let first = came.line.split_once("at=").map_or(0, |(_, text)| text.parse().unwrap());
        let next = json!({"href": format!("/v1/keys?at={}", first + 2), "meta": {}});
        let next = if first < 4 { next } else { json!({}) };
        good(json!({"keys": part(first), "links": {"next": next}}))
    };
    let asked = listed(GET, "next-url: {next: /links/next}", place);
    assert_eq!(asked, ["GET /v1/keys", "GET /v1/keys?at=2", "GET /v1/keys?at=4"]);
}

#[test]
fn a_link_to_nothing_is_not_followed() {
    let place = |came: &Came| {
        let first = came.line.split_once("at=").map_or(0, |(_, text)| text.parse().unwrap());
        let (next, is_there) = (first + 2, first < 4);
        let link = format!(
            "</v1/keys?at={next}>; rel=\"next\"; results=\"{is_there}\"; cursor=\"0:{next}:0\""
        );
        let body = json!({"keys": part(first)}).to_string();
        Reply::Whole(200, vec![("link", link)], body)
    };
    assert_eq!(listed(GET, "link-header: {}", place).len(), 3);
}

#[test]
fn a_descriptor_says_more_headers_and_what_it_accepts() {
    let provider = Provider::start(|_| good(json!([])));
    let operation = "      list: {request: {method: GET, url: /keys, query: {all: 'yes & no'}, \
         headers: {Accept: application/vnd.acme+json, X-Version: '2'}}, items: ''}";
    list(&session(&acme(operation), &provider)).unwrap();
    let came = &provider.came()[0];
    assert_eq!(came.line, "GET /v1/keys?all=yes+%26+no");
    assert_eq!(came.headers["accept"], "application/vnd.acme+json");
    assert_eq!(came.headers["x-version"], "2");
}

#[test]
fn an_empty_list_is_one_and_another_answer_is_none() {
    let operation = "      list: {request: {method: GET, url: /keys}, items: /keys}";
    let answer = |body: &'static str| {
        let provider = Provider::start(|_| Reply::Whole(200, Vec::new(), body.to_owned()));
        list(&session(&acme(operation), &provider)).map(|listing| listing.keys.len())
    };
    for empty in [r#"{"keys":[]}"#, r#"{"keys":null,"next":null}"#, "{}"] {
        assert_eq!(answer(empty).unwrap(), 0, "{empty}");
    }
    for (other, why) in [
        (r#"{"error":"slow down"}"#, "there is no list at `/keys`"),
        (r#"{"keys":{"a":1}}"#, "there is no list at `/keys`"),
        ("[]", "there is no list at `/keys`"),
        ("", "there is no list at `/keys`"),
        ("null", "there is no list at `/keys`"),
        ("<html>", "it is no JSON"),
    ] {
        let failure = answer(other).unwrap_err();
        let wanted = format!("Acme, list (API keys): its answer is not understood: {why}");
        assert_eq!(failure.to_string(), wanted, "{other}");
    }
}

#[test]
fn what_a_list_does_not_show_may_be_there_where_nobody_knows_how_to_go_on() {
    let operation =
        "      list: {request: {method: GET, url: /keys}, items: /keys, unread: /pagination/next}";
    for (next, is_cut) in [(json!(null), false), (json!(""), false), (json!(1_699_999), true)] {
        let answer = json!({"keys": [{"id": "1"}], "pagination": {"next": next}});
        let provider = Provider::start(move |_| good(answer.clone()));
        let listing = list(&session(&acme(operation), &provider)).unwrap();
        assert_eq!(ids(&listing), ["1"]);
        assert_eq!(listing.unseen.len(), usize::from(is_cut), "{next}");
        if let Some((within, failure)) = listing.unseen.first() {
            assert!(within.is_empty(), "all keys of the kind");
            let why = "there is more than it shows, and no source says how that is asked for";
            assert!(failure.to_string().ends_with(why), "{failure}");
        }
    }
}
