//! A partner that scans what is public, and signs what it tells.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Events, exposed, log};
use crate::databases::{Database, block_on, new_databases};
use crate::hook::Hook;
use crate::served::{Answer, Served};
use crate::verifying::{Gate, forged};

const PATH: &str = "/v1/exposures/partner";

/// A key with which a partner signs, and what its list calls it.
struct Signer {
    id: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { id, pair }
    }

    fn entry(&self, is_current: bool) -> Value {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let (first, rest) = text.split_at(64);
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{first}\n{rest}\n-----END PUBLIC KEY-----\n");
        json!({"key_identifier": self.id, "key": pem, "is_current": is_current})
    }

    fn sign(&self, body: &str) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap())
    }
}

/// Where a partner's list of keys is. It ends with the tests.
struct List {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<Mutex<usize>>,
}

impl List {
    fn of(keys: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let list = Self { url, keys: Arc::new(Mutex::new(keys)), asked: Arc::default() };
        let (keys, asked) = (Arc::clone(&list.keys), Arc::clone(&list.asked));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                *asked.lock().unwrap() += 1;
                let body = json!({"public_keys": *keys.lock().unwrap()}).to_string();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}", body.len());
                _ = write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}");
            }
        });
        list
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

fn open(database: Database, list: &List) -> Gate {
    Gate::open_with(database, 1, &["--scanning-partner", &list.url])
}

/// Sends a body, with these words about its signature.
fn send(node: &Served, body: &str, id: &str, signature: &str) -> Answer {
    let url = format!("{}{PATH}", node.url);
    block_on(async {
        let request = reqwest::Client::new()
            .post(url)
            .header("Content-Type", "application/json")
            .header("Github-Public-Key-Identifier", id)
            .header("Github-Public-Key-Signature", signature)
            .body(body.to_owned());
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    })
}

fn tell(node: &Served, body: &str, signer: &Signer) -> Answer {
    send(node, body, signer.id, &signer.sign(body))
}

fn one(token: &str) -> Value {
    let url = "https://code.example/octocat/hello/blob/1234/config.yml?plain=1";
    // What else a partner says of a match is its own.
    json!({"token": token, "type": "acme_api_key", "url": url, "source": "content", "more": 1})
}

fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_signed_batch_is_believed_answered_token_by_token_and_done_once() {
    for database in new_databases() {
        let signer = Signer::new("one");
        let list = List::of(vec![Signer::new("older").entry(false), signer.entry(true)]);
        let gate = open(database, &list);
        let hook = Hook::start("204 No Content");
        let [key, last] = [(); 2].map(|()| gate.key(&json!({})));
        gate.listen(&hook);
        let made_up = forged("000000000000", 'a');
        let body = json!([one(&key.text), one(&made_up), one("no key at all")]).to_string();
        let said = tell(gate.first(), &body, &signer);
        let feedback = |text: &str, label: &str| json!({"token_hash": hash(text), "token_type": "acme_api_key", "label": label});
        let wanted = json!([
            feedback(&key.text, "true_positive"),
            feedback(&made_up, "false_positive"),
            feedback("no key at all", "false_positive"),
        ]);
        assert_eq!(said.expect(200), wanted);
        // When it is answered it is done.
        assert_eq!(gate.ask(0, &key.text).verdict(), (401, "key-suspended".to_owned()));
        let all = exposed(gate.first());
        let place = &all[0]["places"][0];
        assert_eq!((&place["told_by"], &place["source"]), (&json!("127.0.0.1"), &json!("content")));
        assert_eq!(place["url"], "https://code.example/octocat/hello/blob/1234/config.yml");
        // Replayed, it is answered in the same way and nothing is done.
        assert_eq!(tell(gate.first(), &body, &signer).text, said.text);
        assert_eq!(exposed(gate.first()), all);
        assert_eq!(log(gate.first()).len(), 1);
        tell(gate.first(), &json!([one(&last.text)]).to_string(), &signer).expect(200);
        let mut events = Events::of(&hook, &[&key, &last]);
        let all = ["key.exposed", "key.exposed", "key.suspended", "key.suspended"];
        assert_eq!(events.all(4), all);
        assert_eq!(list.asked(), 1, "the list is remembered");
    }
}

#[test]
fn what_no_current_key_has_signed_is_refused_with_one_answer() {
    let (signer, old, stranger) = (Signer::new("now"), Signer::new("old"), Signer::new("now"));
    let list = List::of(vec![old.entry(false), signer.entry(true)]);
    let gate = open(new_databases().remove(0), &list);
    let key = gate.key(&json!({}));
    let node = gate.first();
    let body = json!([one(&key.text)]).to_string();
    let signature = signer.sign(&body);
    let wrong: Vec<Answer> = vec![
        // A wrong key under a right name, one that is not current any more, and one that nobody knows.
        send(node, &body, "now", &stranger.sign(&body)),
        tell(node, &body, &old),
        tell(node, &body, &Signer::new("unknown")),
        // A body that was changed, by a letter or in form only.
        send(node, &body.replace("content", "contend"), "now", &signature),
        send(node, &format!("{body} "), "now", &signature),
        // No signature.
        send(node, &body, "now", ""),
        send(node, &body, "", &signature),
        send(node, &body, "now", "????"),
        send(node, &body, "now", &"A".repeat(300)),
    ];
    for said in &wrong {
        assert_eq!((said.status, &said.text), (400, &wrong[0].text), "{said:?}");
        assert!(said.text.contains("not signed by a current key"), "{said:?}");
    }
    assert_eq!(gate.ask(0, &key.text).status, 200);
    assert!(exposed(node).is_empty());
    // Unknown names do not have the list asked for again and again.
    assert_eq!(list.asked(), 1);
    tell(node, &body, &signer).expect(200);
    assert_eq!(gate.ask(0, &key.text).status, 401);
}

#[test]
fn a_batch_of_a_partner_has_its_limits() {
    let signer = Signer::new("one");
    let list = List::of(vec![signer.entry(true)]);
    let gate = open(new_databases().remove(0), &list);
    let key = gate.key(&json!({}));
    let node = gate.first();
    let mut many: Vec<Value> =
        (0..4_999).map(|number| one(&forged(&format!("{number:012}"), 'a'))).collect();
    many.push(one(&key.text));
    let said = tell(node, &json!(many).to_string(), &signer).expect(200);
    let labels = said.as_array().unwrap();
    let hits = labels.iter().filter(|one| one["label"] == "true_positive").count();
    assert_eq!((labels.len(), hits), (5_000, 1));
    assert_eq!(gate.ask(0, &key.text).status, 401);
    many.push(one("one more"));
    let said = tell(node, &json!(many).to_string(), &signer);
    assert!(said.status == 422 && said.text.contains("at most 5000 matches"), "{said:?}");
    let said = tell(node, "{\"token\": 1}", &signer);
    assert!(said.status == 400 && said.text.contains("no list of matches"), "{said:?}");
    // A million: nothing of it is read.
    let mut wire = super::Wire::to(&node.url);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Github-Public-Key-Identifier: one\r\nGithub-Public-Key-Signature: AAAA\r\n\
         Content-Length: 200000000\r\n\r\n"
    );
    let said = wire.send(head.as_bytes()).unwrap();
    assert!(said.status == 413 && said.body.contains("at most 2097152 bytes"), "{said:?}");
}

#[test]
fn without_a_list_nobody_is_believed() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nowhere}/keys");
    let gate = Gate::open_with(new_databases().remove(0), 1, &["--scanning-partner", &url]);
    let said = tell(gate.first(), "[]", &Signer::new("one"));
    assert_eq!(said.status, 503, "{said:?}");
    for (word, why) in [
        ("gitlab", "relative URL without a base"),
        ("http://keys.example/list", "not https"),
        ("https://ann:word@keys.example/", "a user name or a password"),
    ] {
        let ran = gate.home.run(&["serve", "--listen", "127.0.0.1:0", "--scanning-partner", word]);
        assert!(ran.code == 2 && ran.stderr.contains(why), "{word}: {}", ran.stderr);
    }
}
