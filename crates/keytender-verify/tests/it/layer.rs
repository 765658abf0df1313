//! The layer, around a service of axum.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Extensions, HeaderMap, Request, StatusCode};
use axum::routing::get;
use axum::{Extension, Router};
use keytender_core::id::KeyId;
use keytender_core::time::{Span, Time};
use keytender_verify::feed::{App, Key, Rate, Snapshot, State};
use keytender_verify::tower::KeyLayer;
use keytender_verify::{Accepted, Clock, Lease, OnPartition, Table, Verifier};
use tower::ServiceExt as _;

use crate::sample::{app, key, snapshot, text, token};

async fn hello(Extension(key): Extension<Accepted>) -> String {
    key.label().unwrap_or("no name").to_owned()
}

/// A service for keys with the scope `read`, from an address that a test names in a header.
fn service(keys: Vec<Key>, app: App, lease: Lease) -> Router {
    let table = Table::new();
    table.load(&Snapshot { apps: vec![app], ..snapshot(keys) }).unwrap();
    let verifier = Arc::new(Verifier::new(Arc::new(table), lease));
    let address = |headers: &HeaderMap, _: &Extensions| -> Option<IpAddr> {
        headers.get("test-address")?.to_str().ok()?.parse().ok()
    };
    let layer = KeyLayer::new(verifier, Clock::start()).scopes(["read"]).address_of(address);
    Router::new().route("/", get(hello)).layer(layer)
}

fn reader(number: u64) -> Key {
    Key { scopes: vec!["read".into()], label: Some("ci".into()), ..key(number) }
}

/// Status, headers and body of an answer.
fn ask(service: &Router, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
    })
}

fn bearer(number: u64) -> String {
    format!("Bearer {}", text(&token(number)))
}

#[test]
fn a_good_key_passes_by_either_header() {
    let service = service(vec![reader(1)], app(1), Lease::forever());
    let token = text(&token(1));
    for (name, value) in [
        ("authorization", bearer(1)),
        ("authorization", format!("bearer  {token}")),
        ("authorization", format!("Api-Key {token}")),
        ("x-api-key", token),
    ] {
        let (status, headers, body) = ask(&service, &[(name, &value)]);
        assert_eq!((status, body.as_str()), (StatusCode::OK, "ci"), "{name}");
        assert!(!headers.keys().any(|name| name.as_str().starts_with("keytender")));
    }
}

#[test]
fn two_keys_in_one_header_are_none() {
    let service = service(vec![reader(1)], app(1), Lease::forever());
    let (good, token) = (bearer(1), text(&token(1)));
    for (name, value) in [("authorization", good.as_str()), ("x-api-key", token.as_str())] {
        for shown in [[value, value], [value, "Bearer x"], ["Bearer x", value]] {
            let shown = shown.map(|value| (name, value));
            assert_eq!(ask(&service, &shown).0, StatusCode::UNAUTHORIZED, "{name}");
        }
    }
}

#[test]
fn strangers_get_one_answer_whatever_the_reason() {
    let service =
        service(vec![reader(1), Key { id: token(3).id(), ..reader(2) }], app(1), Lease::forever());
    let none = ask(&service, &[]);
    assert_eq!(none.1["www-authenticate"], "Bearer");
    for value in ["Bearer x", &bearer(2), &bearer(3)] {
        let (status, headers, body) = ask(&service, &[("authorization", value)]);
        assert_eq!((status, &body), (StatusCode::UNAUTHORIZED, &none.2));
        assert_eq!(headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        assert_eq!(headers["content-type"], "application/problem+json");
    }
    assert_eq!(ask(&service, &[("authorization", "Basic eDp5")]).0, StatusCode::UNAUTHORIZED);
    let problem: serde_json::Value = serde_json::from_str(&none.2).unwrap();
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["type"], "/problems/unauthorized");
}

#[test]
fn holders_are_told_the_reason() {
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    let keys = vec![
        Key { state: State::Revoked, ..reader(1) },
        Key { state: State::Suspended, ..reader(2) },
        key(3),
        Key { networks, ..reader(4) },
    ];
    let service = service(keys, app(1), Lease::forever());
    for (number, status, kind) in [
        (1, StatusCode::UNAUTHORIZED, "/revoked\""),
        (2, StatusCode::FORBIDDEN, "/suspended\""),
        (3, StatusCode::FORBIDDEN, "/scope_missing\""),
        (4, StatusCode::FORBIDDEN, "/ip_not_allowed\""),
    ] {
        let (found, _, body) = ask(&service, &[("authorization", &bearer(number))]);
        assert!(found == status && body.contains(kind), "{number}: {found} {body}");
    }
    let from = [("authorization", bearer(4)), ("test-address", "192.0.2.7".to_owned())];
    let from = from.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ask(&service, &from).0, StatusCode::OK);
}

#[test]
fn limits_are_told_and_kept() {
    let rate = Some(Rate { limit: 1, window_seconds: 3_600, burst: None });
    let service = service(vec![reader(1)], App { rate, ..app(1) }, Lease::forever());
    let (status, headers, _) = ask(&service, &[("authorization", &bearer(1))]);
    assert_eq!(
        (status, &headers["ratelimit"]),
        (StatusCode::OK, &"\"app\";r=0;t=3600".parse().unwrap())
    );
    let (status, headers, _) = ask(&service, &[("authorization", &bearer(1))]);
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(headers["ratelimit-policy"], "\"app\";q=1;w=3600");
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&wait));
}

#[test]
fn answers_name_the_end_of_a_key_and_what_comes_after_it() {
    let now = Clock::start().now().time;
    let ends = |span| Some(now.plus(span));
    let keys = vec![
        Key {
            expires_at: ends(Span::days(29)),
            replaced_by: Some(KeyId::from_i64(2)),
            ..reader(1)
        },
        Key { expires_at: ends(Span::days(31)), ..reader(2) },
    ];
    let service = service(keys, app(1), Lease::forever());
    let (_, headers, _) = ask(&service, &[("authorization", &bearer(1))]);
    let end = headers["keytender-key-expires"].to_str().unwrap();
    assert_eq!(Time::parse(end).unwrap(), now.plus(Span::days(29)).to_seconds());
    assert_eq!(headers["keytender-key-replaced-by"], KeyId::from_i64(2).to_string());
    let (_, headers, _) = ask(&service, &[("authorization", &bearer(2))]);
    assert!(!headers.contains_key("keytender-key-expires"));
}

#[test]
fn a_verifier_that_knows_nothing_yet_refuses_nobody_for_good() {
    let service = service(vec![reader(1)], app(1), Lease::new(OnPartition::Serve));
    for number in [1, 2] {
        let (status, _, body) = ask(&service, &[("authorization", &bearer(number))]);
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && body.contains("/unavailable\""));
    }
}
