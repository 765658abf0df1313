//! What is said of good keys and of bad ones: to strangers one answer, to holders what became of their key.

use serde_json::json;

use super::wire::Wire;
use super::{Gate, Issued, PATIENCE, forged, look, until, within};
use crate::databases::new_databases;

#[test]
fn a_good_key_is_told_whose_it_is_what_it_may_do_and_what_is_near() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let key = gate.key(&json!({"scopes": ["orders:read", "orders:write"], "expires_at": within(60 * 86_400_000)}));
        let good = gate.ask_for(0, &key.text, "api=acme&scope=orders:write&scope=orders:read", &[]);
        assert_eq!((good.status, good.text.as_str()), (200, ""), "{good:?}");
        assert_eq!(good.header("keytender-account"), gate.customer);
        assert_eq!(good.header("keytender-app"), gate.app);
        assert_eq!(good.header("keytender-key"), key.id);
        assert_eq!(good.header("keytender-environment"), "live");
        assert_eq!(good.header("keytender-scopes"), "orders:read orders:write");
        assert_eq!(good.header("cache-control"), "no-store");
        for absent in
            ["keytender-key-expires", "keytender-key-replaced-by", "keytender-stale", "ratelimit"]
        {
            assert_eq!(good.header(absent), "", "{absent}");
        }
        // The same in another header, as another gateway would hand it on.
        let other = gate.ask_for(0, "", "api=acme", &[("x-api-key", &key.text)]);
        assert_eq!((other.status, other.header("keytender-key")), (200, key.id.as_str()));

        let end = within(10 * 86_400_000).to_seconds();
        let near = gate.key(&json!({"expires_at": end, "environment": "test"}));
        let said = gate.ask(0, &near.text);
        assert_eq!(said.header("keytender-key-expires"), end.to_string());
        assert_eq!(
            (said.header("keytender-environment"), said.header("keytender-scopes")),
            ("test", "")
        );
        let word = gate.word(&near.text, &[], None);
        assert_eq!((&word["valid"], &word["ends_soon"]), (&json!(true), &json!(true)), "{word}");

        let new = gate.rotate(&key, &json!({"activation": "immediately", "overlap": "40d"}));
        until(|| gate.ask(0, &key.text).header("keytender-key-replaced-by") == new.id);
        assert_eq!(gate.word(&key.text, &[], None)["replaced_by"], new.id);
        assert_eq!(gate.ask(0, &new.text).header("keytender-key-replaced-by"), "");
    }
}

#[test]
fn strangers_get_one_answer_whatever_is_wrong() {
    let database = new_databases().remove(0);
    let gate = Gate::open(database);
    let key = gate.key(&json!({}));
    gate.first().post("/v1/apis", &json!({"name": "other"})).expect(201);
    let customer = gate.first().post("/v1/apis/other/accounts", &json!({"name": "initech"}));
    let place = format!("/v1/accounts/{}/apps", super::text(&customer, "id"));
    let app = super::text(&gate.first().post(&place, &json!({"name": "till"})), "id");
    let other = gate.key_of(&app, &json!({}));
    until(|| gate.ask_for(0, &other.text, "api=other", &[]).status == 200);

    let id = key.text.split('_').nth(2).unwrap().to_owned();
    let mut mistyped = key.text.clone();
    let last = if mistyped.ends_with('0') { '1' } else { '0' };
    mistyped.pop();
    mistyped.push(last);
    let strangers = [
        ("no such id", forged("0000000000zz", 'a')),
        ("wrong secret", forged(&id, 'a')),
        ("bad checksum", mistyped),
        ("another API's key", other.text.clone()),
        ("other environment", key.text.replacen("_live_", "_test_", 1)),
        ("no key at all", "hunter2".to_owned()),
        ("a token of this program", gate.token.clone()),
        ("something long", "a".repeat(20_000)),
    ];
    let token = format!("Keytender-Token: {}", gate.token);
    let mut first: Option<(Vec<String>, String)> = None;
    for (what, shown) in strangers {
        let shown = format!("Authorization: Bearer {shown}");
        let path = "/v1/forward-auth?api=acme";
        let reply = Wire::to(&gate.first().url).get(path, &[&token, &shown]).unwrap();
        assert_eq!(reply.status, 401, "{what}: {reply:?}");
        let lines: Vec<String> = reply.lines().into_iter().map(str::to_owned).collect();
        let said = (lines, reply.body.clone());
        assert!(said.1.contains("/problems/key-unknown"), "{what}: {reply:?}");
        let known = first.get_or_insert_with(|| said.clone());
        assert_eq!(*known, said, "{what}");
    }
    // Nothing shown is challenged without an error, as RFC 6750 has it.
    let none = gate.ask(0, "");
    assert_eq!(none.verdict(), (401, "key-unknown".to_owned()));
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"api\"");
    assert_eq!(
        gate.ask(0, "x").header("www-authenticate"),
        "Bearer realm=\"api\", error=\"invalid_token\""
    );
}

/// Checks what each door says of a key that is not good.
#[track_caller]
fn refused(gate: &Gate, key: &Issued, status: u16, problem: &str) {
    until(|| gate.ask(0, &key.text).problem() == problem);
    let said = gate.ask(0, &key.text);
    assert_eq!(said.status, status, "{said:?}");
    let kind = said.header("content-type");
    assert_eq!((kind, said.header("cache-control")), ("application/problem+json", "no-store"));
    assert_eq!(said.header("www-authenticate").is_empty(), status != 401, "{said:?}");
    let socket = gate.socket();
    let shown = format!("Authorization: Bearer {}", key.text);
    let local = Wire::at(&socket).get("/v1/forward-auth?api=acme", &[&shown]).unwrap();
    assert_eq!((local.status, &local.body), (status, &said.text), "on the socket");
    let word = gate.word(&key.text, &[], None);
    let reason = problem.trim_start_matches("key-").replace('-', "_");
    assert_eq!((&word["valid"], &word["reason"]), (&json!(false), &json!(reason)), "{word}");
    assert!(word["key"].is_null() && word["account"].is_null(), "{word}");
    // The page that explains it is there.
    assert_eq!(gate.first().get(&format!("/problems/{problem}")).status, 200);
    assert_eq!(look(gate.first(), &key.text).problem(), problem);
}

#[test]
fn holders_are_told_what_became_of_their_key_over_each_door() {
    for database in new_databases() {
        let gate = super::doors::open(database);
        let revoked = gate.key(&json!({}));
        let place = format!("/v1/keys/{}/revocation", revoked.id);
        gate.first().post(&place, &json!({})).expect(200);
        refused(&gate, &revoked, 401, "key-revoked");
        let leaked = gate.key(&json!({}));
        let place = format!("/v1/keys/{}/revocation", leaked.id);
        gate.first().post(&place, &json!({"compromised": true})).expect(200);
        refused(&gate, &leaked, 401, "key-revoked");

        let expired = gate.key(&json!({"expires_at": within(1_500)}));
        refused(&gate, &expired, 401, "key-expired");

        let superseded = gate.key(&json!({}));
        let next = gate.rotate(&superseded, &json!({"activation": "immediately", "overlap": "1s"}));
        refused(&gate, &superseded, 401, "key-superseded");
        assert_eq!(gate.ask(0, &next.text).status, 200);

        let key = gate.key(&json!({}));
        let place = format!("/v1/keys/{}/suspension", key.id);
        gate.put(&place, &json!({})).expect(200);
        refused(&gate, &key, 401, "key-suspended");
        gate.first().delete(&place).expect(200);
        until(|| gate.ask(0, &key.text).status == 200);

        let app = format!("/v1/apps/{}", gate.app);
        gate.first().patch(&app, &json!({"suspended": true})).expect(200);
        refused(&gate, &key, 403, "app-suspended");
        gate.first().patch(&app, &json!({"suspended": false})).expect(200);
        until(|| gate.ask(0, &key.text).status == 200);
        let account = format!("/v1/accounts/{}/suspension", gate.customer);
        gate.put(&account, &json!({})).expect(200);
        refused(&gate, &key, 403, "account-suspended");
        gate.first().delete(&account).expect(200);
        until(|| gate.ask(0, &key.text).status == 200);
    }
}

#[test]
fn a_key_is_refused_for_what_it_may_not_do_and_from_where_it_may_not() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate
        .key(&json!({"scopes": ["orders:read"], "networks": ["203.0.113.0/24", "2001:db8::/32"]}));
    let from = |address: &'static str| [("x-real-ip", address)];
    let asked = |query: &str, address| gate.ask_for(0, &key.text, query, &from(address)).verdict();
    let good = (200, String::new());
    assert_eq!(asked("api=acme", "203.0.113.9"), good);
    assert_eq!(asked("api=acme&scope=orders:read", "::ffff:203.0.113.9"), good);
    assert_eq!(asked("api=acme", "2001:db8:1::2"), good);
    for elsewhere in ["203.0.114.9", "127.0.0.1", "nonsense", "2001:db9::"] {
        assert_eq!(asked("api=acme", elsewhere), (403, "ip-not-allowed".to_owned()), "{elsewhere}");
    }
    // Nobody said from where.
    assert_eq!(gate.ask(0, &key.text).verdict(), (403, "ip-not-allowed".to_owned()));
    for more in [
        "scope=orders:write",
        "scope=orders:read&scope=orders:write",
        "scope=",
        "scope=orders:read%20orders:write",
    ] {
        let said = asked(&format!("api=acme&{more}"), "203.0.113.9");
        assert_eq!(said, (403, "scope-missing".to_owned()), "{more}");
    }
    assert_eq!(
        gate.word(&key.text, &["orders:write"], Some("203.0.113.9"))["reason"],
        "scope_missing"
    );
    assert_eq!(gate.word(&key.text, &[], Some("10.0.0.1"))["reason"], "ip_not_allowed");
    assert_eq!(gate.word(&key.text, &["orders:read"], Some("203.0.113.9"))["valid"], true);
}

#[test]
fn a_key_that_is_used_too_often_is_told_when_to_come_again() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let rate = json!({"name": "hasty", "rate": {"requests": 3, "seconds": 3600}});
        let hasty = gate.key_of(&gate.new_app(&rate), &json!({}));
        let said = gate.ask(0, &hasty.text);
        assert_eq!(said.header("ratelimit-policy"), "\"app\";q=3;w=3600");
        assert!(said.header("ratelimit").starts_with("\"app\";r=2;t="), "{said:?}");
        assert_eq!([gate.ask(0, &hasty.text).status, gate.ask(0, &hasty.text).status], [200, 200]);
        let said = gate.ask(0, &hasty.text);
        assert_eq!(said.verdict(), (429, "rate-limited".to_owned()));
        let seconds: u64 = said.header("retry-after").parse().unwrap();
        assert!((1..=1200).contains(&seconds), "{seconds}");
        assert!(said.header("ratelimit").starts_with("\"app\";r=0;"), "{said:?}");
        // A successor shares the limit.
        let next = gate.rotate(&hasty, &json!({}));
        assert_eq!(gate.ask(0, &next.text).problem(), "rate-limited");
        for status in [401, 403, 429] {
            let query = format!("api=acme&limit_status={status}");
            let said = gate.ask_for(0, &hasty.text, &query, &[]);
            assert_eq!(said.verdict(), (status, "rate-limited".to_owned()));
            assert!(!said.header("retry-after").is_empty());
        }
        for bad in ["200", "500", "", "403%20"] {
            let query = format!("api=acme&limit_status={bad}");
            assert_eq!(gate.ask_for(0, &hasty.text, &query, &[]).status, 400, "{bad}");
        }
        let word = gate.word(&hasty.text, &[], None);
        assert_eq!(word["reason"], "rate_limited");
        assert_eq!((&word["limit"]["limit"], &word["limit"]["remaining"]), (&json!(3), &json!(0)));
        assert!(word["retry_after_seconds"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn a_key_that_is_used_too_much_is_told_when_the_quota_begins_again() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let quota = json!({"name": "greedy", "quota": {"requests": 2, "per": "day"}});
        let greedy = gate.key_of(&gate.new_app(&quota), &json!({}));
        assert_eq!(
            [gate.ask(0, &greedy.text).status, gate.ask(0, &greedy.text).status],
            [200, 200]
        );
        let said = gate.ask(0, &greedy.text);
        assert_eq!(said.verdict(), (429, "quota-exceeded".to_owned()));
        let seconds: u64 = said.header("retry-after").parse().unwrap();
        assert!((1..=86_400).contains(&seconds), "{seconds}");
        assert_eq!(gate.word(&greedy.text, &[], None)["reason"], "quota_exceeded");
        // What was refused is no use.
        let end = std::time::Instant::now() + PATIENCE;
        while gate.usage(&greedy)["uses"] != 2 {
            assert!(std::time::Instant::now() < end, "{}", gate.usage(&greedy));
        }
    }
}
