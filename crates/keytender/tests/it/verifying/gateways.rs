//! Who may ask about keys, in what form, and whose word on addresses counts; what is sent to break it.

use std::collections::BTreeMap;
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use super::wire::Wire;
use super::{Gate, until};
use crate::databases::new_databases;
use crate::killed::Chance;
use crate::served::Answer;

#[path = "../../../../../fuzz/forward.rs"]
mod harness;

const BATCH: &str = "/v1/key-verifications";

#[test]
fn only_a_token_that_may_verify_asks() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let first = gate.first();
    let narrow = first.token_of("auditor", &json!({"name": "reader"}), Some(&["keys:read"]));
    let made = json!({"label": "held", "scopes": ["keys:verify"], "side": "held"});
    let held = first.post("/v1/users/gateway/tokens", &made).expect(201);
    let held = held["token"].as_str().unwrap().to_owned();
    let body = json!({"api": "acme", "verifications": [{"key": key.text}]});
    let forward = |token: &str| {
        let shown: &[(&str, &str)] = match token {
            "" => &[],
            token => &[("keytender-token", token)],
        };
        first.ask_with(&key.text, &Method::GET, "/v1/forward-auth?api=acme", None, shown)
    };
    let batch = |token: &str| first.ask_with(token, &Method::POST, BATCH, Some(&body), &[]);
    // Not 401 or 403: a gateway would take that for a word about the key.
    for (bad, status) in
        [("", 401), ("x", 401), (key.text.as_str(), 401), (&narrow, 403), (&held, 403)]
    {
        let said = forward(bad);
        assert_eq!(said.verdict(), (407, "gateway-unauthorized".to_owned()), "{bad}");
        assert_eq!(batch(bad).status, status, "{bad}");
    }
    assert_eq!((forward(&gate.token).status, batch(&gate.token).status), (200, 200));
    // One whose user is suspended asks no more, after the seconds for which it is believed.
    first.patch("/v1/users/gateway", &json!({"suspended": true})).expect(200);
    until(|| forward(&gate.token).status == 407 && batch(&gate.token).status == 401);
}

#[test]
fn an_api_that_is_none_of_ours_is_the_gateways_mistake() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    for query in ["", "api=", "api=nope", "api=ACME", "scope=x"] {
        assert_eq!(
            gate.ask_for(0, &key.text, query, &[]).verdict(),
            (400, "bad-request".to_owned()),
            "{query}"
        );
    }
    let body = json!({"api": "nope", "verifications": [{"key": key.text}]});
    let said = gate.first().ask_with(&gate.token, &Method::POST, BATCH, Some(&body), &[]);
    assert_eq!(said.status, 422);
}

#[test]
fn a_batch_has_up_to_a_thousand_keys_and_says_of_each_what_is_so() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let key = gate.key(&json!({}));
        let ask = |verifications: &[Value]| -> Answer {
            let body = json!({"api": "acme", "verifications": verifications});
            gate.first().ask_with(&gate.token, &Method::POST, BATCH, Some(&body), &[])
        };
        let good = json!({"key": key.text, "service": "orders", "region": "eu-west-1"});
        let mut all = vec![good.clone(); 999];
        all.insert(500, json!({"key": "acme_live_x"}));
        let said = ask(&all).expect(200);
        let said = said["verifications"].as_array().unwrap();
        assert_eq!(said.len(), 1_000);
        for (place, one) in said.iter().enumerate() {
            assert_eq!(one["valid"], place != 500, "{place}: {one}");
        }
        assert_eq!(said[500]["reason"], "malformed");
        all.push(good);
        assert_eq!(ask(&all).status, 422);
        assert_eq!(ask(&[]).status, 422);
        assert_eq!(ask(&[json!({"key": key.text, "colour": "red"})]).status, 422);
        let bad = ask(&[json!({"key": key.text, "address": "there"})]);
        assert!(bad.status == 422 && !bad.text.contains(&key.text), "{bad:?}");
        until(|| gate.usage(&key)["uses"] == 999);
        let used = gate.usage(&key);
        assert_eq!(
            (&used["places"][0]["service"], &used["places"][0]["region"]),
            (&json!("orders"), &json!("eu-west-1"))
        );
        assert_eq!(used["days"][0]["uses"], 999);
    }
}

#[test]
fn a_key_shows_from_where_and_by_what_it_was_used_last() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let key = gate.key(&json!({}));
        for (address, agent) in
            [("203.0.113.9", "curl/8.5.0"), ("2001:db8::9", "python-requests/2.32")]
        {
            let headers = [("x-real-ip", address), ("user-agent", agent)];
            let path = format!("/v1/keys/{}", key.id);
            // Of the uses within a second one is told.
            until(|| {
                assert_eq!(gate.ask_for(0, &key.text, "api=acme", &headers).status, 200);
                gate.first().get(&path).expect(200)["last_used"]["address"] == address
            });
            let one = gate.first().get(&path).expect(200);
            assert_eq!(one["last_used"]["agent"], agent.split('/').next().unwrap());
            let list = gate.first().get("/v1/keys?side=issued").expect(200);
            let listed = list["keys"].as_array().unwrap().iter().find(|one| one["key"] == key.id);
            assert_eq!(listed.unwrap()["last_used"]["address"], address);
        }
        // What was never used has no address.
        let path = format!("/v1/keys/{}", gate.key(&json!({})).id);
        assert!(gate.first().get(&path).expect(200)["last_used"].get("address").is_none());
    }
}

#[test]
fn an_address_is_what_the_gateway_says_last() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({"networks": ["203.0.113.9"]}));
    let asked = |headers: &[(&str, &str)]| gate.ask_for(0, &key.text, "api=acme", headers).status;
    assert_eq!(asked(&[("x-real-ip", "203.0.113.9")]), 200);
    assert_eq!(asked(&[("x-forwarded-for", "203.0.113.9")]), 200);
    // What stands left of the nearest was written by others.
    assert_eq!(asked(&[("x-forwarded-for", "10.9.9.9, 203.0.113.9")]), 200);
    assert_eq!(asked(&[("x-forwarded-for", "203.0.113.9, 10.9.9.9")]), 403);
    assert_eq!(asked(&[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.9.9.9")]), 403);
    // X-Real-IP is one gateway's word, the other a chain: it counts alone.
    assert_eq!(asked(&[("x-real-ip", "10.9.9.9"), ("x-forwarded-for", "203.0.113.9")]), 403);
    assert_eq!(asked(&[("x-real-ip", "203.0.113.9"), ("x-forwarded-for", "10.9.9.9")]), 200);
    assert_eq!(asked(&[("forwarded", "for=203.0.113.9")]), 403);
    // Who asks about the key itself comes from where the connection comes from, whatever it claims.
    let claim = [("x-real-ip", "203.0.113.9"), ("x-forwarded-for", "203.0.113.9")];
    let own = gate.first().ask_with(&key.text, &Method::GET, "/v1/keys/self", None, &claim);
    assert_eq!(own.verdict(), (403, "ip-not-allowed".to_owned()));
}

#[test]
fn a_callers_query_behind_that_of_the_gateway_says_nothing() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({"scopes": ["orders:read"]}));
    gate.first().post("/v1/apis", &json!({"name": "other"})).expect(201);
    // Envoy appends the path and the query of the request to the prefix.
    let envoy = |prefix: &str, asked: &str| {
        let own = [("keytender-token", gate.token.as_str())];
        let path = format!("/v1/forward-auth{prefix}{asked}");
        gate.first().ask_with(&key.text, &Method::GET, &path, None, &own).verdict()
    };
    let good = (200, String::new());
    assert_eq!(envoy("?api=acme&path=", "/orders?page=2"), good);
    assert_eq!(envoy("?api=acme&path=", "/orders?page=2&api=other&limit_status=200"), good);
    let other = envoy("?api=other&path=", "/orders?page=2&api=acme");
    assert!(other.0 == 400 || other.0 == 401, "{other:?}");
    assert_eq!(envoy("?api=acme&scope=orders:write&path=", "/orders?x&scope=orders:read").0, 403);
    assert_eq!(envoy("/orders", "/7?api=acme"), good);
}

#[test]
fn a_hostile_request_never_passes_and_breaks_nothing() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({"scopes": ["orders:read"]}));
    let url = gate.first().url.clone();
    let token = format!("Keytender-Token: {}", gate.token);
    let good = format!("Authorization: Bearer {}", key.text);
    let path = "/v1/forward-auth?api=acme";
    let send = |path: &str, lines: &[&[u8]]| {
        let mut bytes = format!("GET {path} HTTP/1.1\r\nHost: test\r\n{token}\r\n").into_bytes();
        for line in lines {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        // Where there is no answer, the connection was closed.
        Wire::<TcpStream>::to(&url).send(&bytes).map_or(0, |reply| reply.status)
    };
    let key_bytes = key.text.as_bytes();
    let line = |before: &[u8], behind: &[u8]| [before, key_bytes, behind].concat();
    let bearer = |behind: &[u8]| line(b"Authorization: Bearer ", behind);
    let other = b"Authorization: Bearer acme_live_x".as_slice();
    let good = good.as_bytes();
    assert_eq!(send(path, &[good]), 200);
    let huge = format!("X-Junk: {}", "a".repeat(40_000));
    let hostile: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("the key twice", vec![good.to_vec(), good.to_vec()]),
        ("a good key first", vec![good.to_vec(), other.to_vec()]),
        ("a good key last", vec![other.to_vec(), good.to_vec()]),
        ("two in X-Api-Key", vec![line(b"X-Api-Key: ", b""), b"X-Api-Key: x".to_vec()]),
        ("another in X-Api-Key", vec![b"X-Api-Key: x".to_vec(), good.to_vec()]),
        ("no text in X-Api-Key", vec![b"X-Api-Key: \xff\xfe".to_vec(), good.to_vec()]),
        ("nothing in X-Api-Key", vec![b"X-Api-Key:".to_vec(), good.to_vec()]),
        ("not UTF-8", vec![bearer(b"\xff")]),
        ("NUL behind", vec![bearer(b"\0")]),
        ("NUL within", vec![b"Authorization: Bearer acme_live\0_x".to_vec()]),
        ("a comma behind", vec![bearer(b", Bearer x")]),
        ("a word behind", vec![bearer(b" x")]),
        ("another scheme", vec![line(b"Authorization: Basic ", b"")]),
        ("no scheme", vec![line(b"Authorization: ", b"")]),
        ("a cookie", vec![line(b"Cookie: key=", b"")]),
        ("a folded line", vec![b"Authorization: Bearer".to_vec(), line(b" ", b"")]),
        ("a huge head", vec![good.to_vec(), huge.into_bytes()]),
    ];
    for (what, lines) in hostile {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let status = send(path, &lines);
        assert!([0, 400, 401, 431].contains(&status), "{what}: {status}");
    }
    let many: String = (0..1_500).map(|number| format!("&scope=s{number}")).collect();
    assert_eq!(send(&format!("{path}{many}"), &[good]), 403);
    assert_eq!(send(&format!("{path}&scope=%00"), &[good]), 403);
    assert_eq!(send(&format!("{path}&scope=%ff%fe"), &[good]), 403);
    assert_eq!(
        send(&format!("/v1/forward-auth?api=acme&key={}", key.text), &[]),
        401,
        "in the URL"
    );
    let shown_many: Vec<Vec<u8>> = (0..500).map(|n| format!("X-{n}: 1").into_bytes()).collect();
    let mut lines: Vec<&[u8]> = shown_many.iter().map(Vec::as_slice).collect();
    lines.push(good);
    assert!([0, 200, 400, 431].contains(&send(path, &lines)));
    // A name that is too long, or no name, is not kept; the key is good nevertheless.
    let long = "r".repeat(5_000);
    assert_eq!(send(&format!("{path}&region={long}&service=%3Cscript%3E"), &[good]), 200);
    let agent = format!("User-Agent: {}", "a".repeat(5_000));
    assert_eq!(send(path, &[good, agent.as_bytes()]), 200);
    until(|| gate.usage(&key)["uses"].as_u64() >= Some(3));
    let used = gate.usage(&key);
    assert!(
        !used.to_string().contains("rrr") && used["places"].as_array().unwrap().is_empty(),
        "{used}"
    );
    assert_eq!(gate.first().get("/healthz").status, 200);
}

/// How many requests are made up; each server answers some thousand of them in a second.
const MADE_UP: usize = 4_000;

#[test]
fn a_request_that_is_made_up_passes_only_with_a_good_key_and_token() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let url = gate.first().url.clone();
    let good = harness::Good { token: gate.token.clone(), key: key.text.clone() };
    let seed = Chance::seed();
    let mut chance = Chance::new(seed);
    let mut statuses = BTreeMap::new();
    for number in 0..MADE_UP {
        let bytes = made_up(&mut chance);
        harness::forward(&bytes, &good, |request| {
            let reply = Wire::<TcpStream>::to(&url).send(request)?;
            *statuses.entry(reply.status).or_insert(0) += 1;
            Some((reply.status, format!("{}{}", reply.head, reply.body)))
        });
        assert!(number % 500 != 0 || gate.first().get("/healthz").status == 200, "seed {seed}");
    }
    eprintln!("seed {seed}: {statuses:?}");
    let seen = |status| statuses.get(&status).is_some_and(|count| *count > 0);
    assert!([200, 401, 407].into_iter().all(seen), "seed {seed}: {statuses:?}");
}

/// A path, and headers that are often the ones that count, with nothing or anything behind what is good.
fn made_up(chance: &mut Chance) -> Vec<u8> {
    let any = |chance: &mut Chance| u8::try_from(chance.below(256)).unwrap();
    let queries = ["", "", "scope=x", "path=/a?api=b", "limit_status=200", "&&&=%00", "/a/%2e"];
    let mut bytes = queries[chance.place(queries.len())].as_bytes().to_vec();
    for _ in 0..chance.below(5) {
        // The good key in `Authorization`, the good token in its header, the good key in `X-Api-Key`, or anything.
        let kinds = [0, 12, 21, any(chance)];
        bytes.extend([b'\n', kinds[chance.place(kinds.len())]]);
        if chance.below(4) == 0 {
            let length = chance.below(40);
            bytes.extend((0..length).map(|_| any(chance)));
        }
    }
    bytes
}
