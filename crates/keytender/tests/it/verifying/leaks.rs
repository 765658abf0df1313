//! Keys that leaked: what anybody tells, what a partner signs, and what is done then.

use reqwest::Method;
use serde_json::{Value, json};

use super::wire::Wire;
use super::{Gate, Issued, checksum, forged, look, until};
use crate::databases::new_databases;
use crate::hook::Hook;
use crate::served::{Answer, Served};

mod partner;
mod rules;

const DOOR: &str = "/v1/exposures";

/// What anybody is answered who tells something.
fn tell(node: &Served, body: &Value) -> Answer {
    node.ask_with("", &Method::POST, DOOR, Some(body), &[])
}

/// Tells of one key, found at a place.
fn found(node: &Served, key: &str, url: &str) {
    let one = json!({"credential": key, "url": url, "source": "commit"});
    tell(node, &json!({"credentials": [one]})).expect(202);
}

/// Which events came about some keys, as more of them come.
struct Events<'e> {
    hook: &'e Hook,
    keys: Vec<&'e str>,
    came: Vec<String>,
}

impl<'e> Events<'e> {
    fn of(hook: &'e Hook, keys: &[&'e Issued]) -> Self {
        let keys = keys.iter().map(|key| key.id.as_str()).collect();
        Self { hook, keys, came: Vec::new() }
    }

    /// All of them, sorted, once so many are there.
    fn all(&mut self, count: usize) -> &[String] {
        until(|| {
            let is_about = |key: &Value| self.keys.iter().any(|known| key == known);
            let new = self.hook.take().into_iter();
            let about = new.filter(|came| is_about(&came.body()["data"]["key"]));
            self.came.extend(about.map(|came| came.event()));
            self.came.len() >= count
        });
        self.came.sort();
        &self.came
    }
}

/// The page of exposed keys.
fn exposed(node: &Served) -> Vec<Value> {
    node.get(DOOR).expect(200)["exposures"].as_array().unwrap().clone()
}

/// What the log has of leaks, the last first.
fn log(node: &Served) -> Vec<Value> {
    let acts = node.get("/v1/acts").expect(200);
    let acts = acts["acts"].as_array().unwrap().iter();
    acts.filter(|act| act["verb"] == "key.leak").cloned().collect()
}

impl Gate {
    /// Says what is done about keys that leak.
    fn on_leak(&self, word: &str) {
        self.first().patch("/v1/apis/acme", &json!({"on_leak": word})).expect(200);
    }

    /// Has webhooks told of what happens.
    fn listen(&self, hook: &Hook) {
        let node = self.first();
        let new =
            json!({"kind": "webhook", "name": "siem", "url": hook.url, "allow_private": true});
        node.post("/v1/channels", &new).expect(201);
        node.post("/v1/notice-previews", &json!(null)).expect(200);
        node.patch("/v1/notice-settings", &json!({"started": true})).expect(200);
    }
}

#[test]
fn a_key_that_anybody_tells_of_is_suspended_marked_logged_and_told_once() {
    for database in new_databases() {
        let gate = Gate::open_with(database, 2, &[]);
        let hook = Hook::start("204 No Content");
        let key = gate.key(&json!({}));
        let other = gate.key(&json!({}));
        gate.listen(&hook);
        // Only looks, and no use, of which something would be told too.
        assert_eq!(look(&gate.nodes[1], &key.text).status, 200);
        let url = "https://ann:word@code.example/blob/main/config.yml?token=abc#L3";
        found(gate.first(), &key.text, url);
        for node in 0..2 {
            until(|| look(&gate.nodes[node], &key.text).problem() == "key-suspended");
        }
        assert_eq!(gate.seen(&key)["state"], "suspended");
        let all = exposed(gate.first());
        assert_eq!(all.len(), 1, "{all:?}");
        let place = &all[0]["places"][0];
        assert_eq!(place["url"], "https://code.example/blob/main/config.yml#L3");
        assert_eq!((&place["source"], &place["told_by"]), (&json!("commit"), &json!("anybody")));
        assert_eq!((&place["done"], &all[0]["key"]["key"]), (&json!("suspended"), &json!(key.id)));
        assert_eq!(all[0]["reported_by"], "anybody");
        let acts = log(gate.first());
        assert_eq!((acts.len(), &acts[0]["target"]), (1, &json!(key.id)), "{acts:?}");
        let said = acts[0].to_string();
        assert!(said.contains("127.0.0.1") && !said.contains("word@"), "{said}");
        let secret = key.text.rsplit('_').next().unwrap();
        for path in ["/v1/acts", DOOR, "/v1/notices"] {
            let text = gate.first().get(path).text;
            assert!(!text.contains(secret), "{path} holds no secret");
        }
        let mut events = Events::of(&hook, &[&key, &other]);
        assert_eq!(events.all(2), ["key.exposed", "key.suspended"]);
        // Told again it does nothing, nor does another place of a key that is known to be exposed tell anybody again.
        found(gate.first(), &key.text, url);
        found(gate.first(), &key.text, "https://elsewhere.example/");
        // What is told later is worked on later.
        found(gate.first(), &other.text, "https://third.example/");
        until(|| look(gate.first(), &other.text).problem() == "key-suspended");
        let both = ["key.exposed", "key.exposed", "key.suspended", "key.suspended"];
        assert_eq!(events.all(4), both);
        assert_eq!(log(gate.first()).len(), 3);
        let notices = gate.first().get("/v1/notices").expect(200);
        let told = notices["notices"].as_array().unwrap().iter();
        let told = told.filter(|one| one["subject"].as_str().unwrap().starts_with("key.exposed"));
        assert_eq!(told.count(), 2, "{notices}");
        let all = exposed(gate.first());
        let one = all.iter().find(|one| one["key"]["key"] == json!(key.id)).unwrap();
        assert_eq!(one["places"].as_array().unwrap().len(), 2, "{one}");
    }
}

#[test]
fn an_api_says_what_is_done_about_a_key_that_leaked() {
    for database in new_databases() {
        let gate = Gate::open(database);
        assert_eq!(gate.first().get("/v1/apis/acme").expect(200)["on_leak"], "suspend");
        let pending = gate.rotate(&gate.key(&json!({})), &json!({}));
        found(gate.first(), &pending.text, "https://code.example/pending");
        until(|| look(gate.first(), &pending.text).problem() == "key-revoked");
        let [revoked, marked, resumed] = [(); 3].map(|()| gate.key(&json!({})));
        gate.on_leak("revoke");
        found(gate.first(), &revoked.text, "https://code.example/1");
        until(|| gate.ask(0, &revoked.text).verdict() == (401, "key-revoked".to_owned()));
        assert_eq!(gate.seen(&revoked)["state"], "compromised");
        gate.on_leak("mark");
        found(gate.first(), &marked.text, "https://code.example/2");
        until(|| exposed(gate.first()).len() == 3);
        assert_eq!(gate.ask(0, &marked.text).status, 200, "it works on");
        let due = gate.seen(&marked);
        assert_eq!(
            (&due["due"], &due["findings"][0]["rule"]),
            (&json!(true), &json!("key-exposed"))
        );
        // Whoever says that it is not exposed lets it work; another place is another matter.
        gate.on_leak("suspend");
        found(gate.first(), &resumed.text, "https://code.example/3");
        until(|| gate.ask(0, &resumed.text).status == 401);
        let place = format!("/v1/keys/{}", resumed.id);
        gate.first().patch(&place, &json!({"exposed": false})).expect(200);
        gate.first().delete(&format!("{place}/suspension")).expect(200);
        until(|| gate.ask(0, &resumed.text).status == 200);
        found(gate.first(), &resumed.text, "https://code.example/3");
        found(gate.first(), &resumed.text, "https://code.example/4");
        until(|| gate.ask(0, &resumed.text).status == 401);
        let refused = gate.first().patch("/v1/apis/acme", &json!({"on_leak": "shout"}));
        assert_eq!(refused.status, 422);
    }
}

#[test]
fn a_key_that_has_ended_is_written_down_and_nothing_else() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let hook = Hook::start("204 No Content");
        let end = super::within(1_500);
        let [revoked, last] = [(); 2].map(|()| gate.key(&json!({})));
        let expired = gate.key(&json!({"expires_at": end}));
        let place = format!("/v1/keys/{}/revocation", revoked.id);
        gate.first().post(&place, &json!({})).expect(200);
        // A verifier knows ends to a second.
        until(|| keytender::clock::now() > end);
        gate.listen(&hook);
        let before = [&revoked, &expired].map(|key| gate.seen(key)["state"].clone());
        found(gate.first(), &revoked.text, "https://code.example/1");
        found(gate.first(), &expired.text, "https://code.example/2");
        until(|| log(gate.first()).len() == 2);
        assert_eq!([&revoked, &expired].map(|key| gate.seen(key)["state"].clone()), before);
        let all = exposed(gate.first());
        assert_eq!(all.len(), 2);
        for one in &all {
            assert_eq!(
                (&one["places"][0]["done"], &one["key"]["due"]),
                (&json!("nothing"), &json!(false))
            );
        }
        // The next one that works is told: of these nothing was.
        found(gate.first(), &last.text, "https://code.example/3");
        let mut events = Events::of(&hook, &[&revoked, &expired, &last]);
        assert_eq!(events.all(2), ["key.exposed", "key.suspended"]);
    }
}

#[test]
fn a_token_of_the_server_that_leaked_is_revoked() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let token = gate.first().token_of("auditor", &json!({}), None);
        let ask = || gate.first().ask_with(&token, &Method::GET, "/v1/me", None, &[]).status;
        assert_eq!(ask(), 200);
        found(gate.first(), &token, "https://code.example/ci.yml");
        until(|| ask() == 401);
        let all = exposed(gate.first());
        assert_eq!((all.len(), &all[0]["key"]["state"]), (1, &json!("compromised")));
        assert_eq!(all[0]["places"][0]["done"], "revoked");
    }
}

/// An answer without what differs from one to the next.
fn bare(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (answer.status, answer.text.clone(), headers.collect())
}

#[test]
fn nobody_learns_from_the_answer_what_was_found() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let id = key.text.split('_').nth(2).unwrap();
    let (other, unknown) = (forged(id, 'a'), forged("000000000000", 'a'));
    let mut wrong = key.text.clone();
    wrong.replace_range(wrong.len() - 1.., if key.text.ends_with('0') { "1" } else { "0" });
    let brand = key.text.replace("acme_", "acmf_");
    let before = brand.split_at(brand.len() - 6).0;
    let brand = format!("{before}{}", checksum(before));
    let told: Vec<_> = [&other, &unknown, &wrong, &brand, "anything", "", &key.text]
        .iter()
        .map(|text| bare(&tell(gate.first(), &json!({"credentials": [text]}))))
        .collect();
    assert_eq!(told[0].0, 202);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    until(|| gate.ask(0, &key.text).status == 401);
    // Only the whole key did anything.
    assert_eq!(log(gate.first()).len(), 1);
}

#[test]
fn a_public_id_alone_stops_no_key() {
    let gate = Gate::open(new_databases().remove(0));
    let [key, last] = [(); 2].map(|()| gate.key(&json!({})));
    let id = key.text.split('_').nth(2).unwrap();
    let guesses: Vec<String> = ('a'..='z').map(|letter| forged(id, letter)).collect();
    tell(gate.first(), &json!({"credentials": guesses})).expect(202);
    found(gate.first(), &last.text, "https://code.example/");
    until(|| gate.ask(0, &last.text).status == 401);
    assert_eq!(gate.ask(0, &key.text).status, 200);
    assert_eq!(exposed(gate.first()).len(), 1);
}

#[test]
fn a_batch_at_the_limit_is_taken_and_a_larger_one_is_refused_clearly() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let place = "https://code.example/a/rather/long/path/to/some/file/in/a/repository.yml";
    let made_up = |number: usize| {
        let one = forged(&format!("{number:012}"), 'a');
        json!({"credential": one, "url": place, "source": "commit"})
    };
    let mut many: Vec<Value> = (0..999).map(made_up).collect();
    many.push(json!(key.text));
    let said = tell(gate.first(), &json!({"credentials": many}));
    assert_eq!(said.expect(202), json!({"received": 1_000}));
    until(|| gate.ask(0, &key.text).status == 401);
    many.push(json!("one more"));
    let said = tell(gate.first(), &json!({"credentials": many}));
    assert!(said.status == 422 && said.text.contains("from 1 to 1000"), "{said:?}");
    assert!(said.text.contains("at most 1,000 credentials"), "{said:?}");
    for (body, status, word) in [
        (json!({"credentials": []}), 422, "from 1 to 1000"),
        (json!({"credentials": ["a".repeat(1_001)]}), 422, "at most 1000 letters"),
        (json!({"credentials": [{"credential": "x", "secret": "y"}]}), 422, "LeakedKey"),
        (json!({"credentials": [{"credential": "x", "url": "a".repeat(2_001)}]}), 422, "2000"),
        (json!({"credentials": [{"credential": "x", "source": "a".repeat(33)}]}), 422, "32"),
        (json!({"credential": "x"}), 422, "credential"),
        (json!(["x"]), 422, "no object"),
    ] {
        let said = tell(gate.first(), &body);
        assert!(said.status == status && said.text.contains(word), "{body}: {said:?}");
    }
}

#[test]
fn a_million_keys_are_refused_before_they_are_read() {
    let gate = Gate::open(new_databases().remove(0));
    let url = &gate.first().url;
    for path in [DOOR, "/v1/exposures/partner"] {
        let mut wire = Wire::to(url);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
             Content-Length: 70000000\r\n\r\n"
        );
        let said = wire.send(head.as_bytes()).unwrap();
        // Whoever signs nothing is no partner.
        let wanted = if path == DOOR { 413 } else { 400 };
        assert_eq!(said.status, wanted, "{path}: {said:?}");
    }
    // Nor is it believed that they are few: these are one byte more than the limit.
    let mut wire = Wire::to(url);
    let piece = format!("10000\r\n{}\r\n", "a".repeat(65_536));
    let head = format!(
        "POST {DOOR} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let said = wire.send(format!("{head}{}1\r\na\r\n", piece.repeat(8)).as_bytes()).unwrap();
    assert_eq!(said.status, 413, "{said:?}");
}

#[test]
fn whoever_tells_too_often_waits_and_verification_does_not() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let body = json!({"credentials": ["nothing"]});
    let mut refused = None;
    for _ in 0..40 {
        let said = tell(gate.first(), &body);
        if said.status != 202 {
            refused = Some(said);
            break;
        }
    }
    let refused = refused.expect("somebody who tells 40 times at once waits");
    assert_eq!(refused.verdict(), (429, "too-many-requests".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(gate.ask(0, &key.text).status, 200);
}

#[test]
fn the_pages_show_where_a_key_was_found_and_what_is_done_then() {
    let gate = Gate::open(new_databases().remove(0));
    let key = gate.key(&json!({}));
    let browser = crate::visitor::Visitor::of(gate.first(), "administrator");
    let api = gate.first().get("/v1/apis/acme").expect(200)["id"].as_str().unwrap().to_owned();
    let page = format!("/apis/{api}");
    browser.get(&page).with(200).says(&["A key found in public", "is suspended at once"]);
    let typed = [("on_leak", "mark")];
    browser.submit(&page, &page, &typed).says(&["works on"]);
    found(gate.first(), &key.text, "https://code.example/<b>/config.yml");
    until(|| !exposed(gate.first()).is_empty());
    browser
        .get("/exposures")
        .with(200)
        .says(&["told by anybody", "https://code.example/%3Cb%3E/config.yml"]);
}
