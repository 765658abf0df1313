//! Secrets of GitHub Actions, as GitHub's API documentation says (docs.github.com/rest/actions/secrets):
//! no value is given back, an unknown key is refused, an organization's secret is told who sees it each
//! time. What was sealed is opened by libsodium.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use keytender::deliver::Written;
use keytender::error::Kind;
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::api::{Api, Asked, Said};
use super::{both, destination, home, new_key, refusal};
use crate::databases::block_on;
use crate::partner;

const TOKEN: &str = "ghp_t0ken";

struct Github {
    key: SecretKey,
    /// By the path of the place and the name.
    secrets: BTreeMap<String, Value>,
    /// Seconds that passed.
    clock: i64,
    /// How many writes come within the second of the one before.
    is_fast: u32,
    scopes: Option<&'static str>,
    puts: u32,
}

impl Github {
    fn now(&self) -> String {
        let start = Time::parse("2026-11-24T00:00:00Z").unwrap();
        start.plus(keytender_core::time::Span::from_micros(self.clock * 1_000_000)).to_string()
    }
}

fn answer(github: &mut Github, asked: &Asked) -> Said {
    let message = |code: u16, text: &str| Said::new(code, &json!({"message": text}));
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return message(401, "Bad credentials");
    }
    assert_eq!(asked.header("x-github-api-version"), "2022-11-28");
    assert_eq!(asked.header("accept"), "application/vnd.github+json");
    let steps = asked.steps();
    let known = [
        "repos/acme/shop/actions/secrets",
        "repos/acme/shop/environments/pro duction/secrets",
        "orgs/acme/actions/secrets",
    ];
    let path = steps.join("/");
    let Some(place) = known.iter().find(|place| path.starts_with(**place)) else {
        return message(404, "Not Found");
    };
    let rest = path.trim_start_matches(place).trim_start_matches('/');
    if rest == "public-key" {
        let key = STANDARD.encode(github.key.public_key().as_bytes());
        let said = Said::new(200, &json!({"key_id": "568250167242549743", "key": key}));
        return match github.scopes {
            Some(scopes) => said.header("x-oauth-scopes", scopes),
            None => said,
        };
    }
    if let Some(name) = rest.strip_suffix("/repositories") {
        let ids = github.secrets[&format!("{place}/{name}")]["ids"].as_array().unwrap().clone();
        let number = |name: &str| asked.query[name].parse::<usize>().unwrap();
        let (size, page) = (number("per_page"), number("page"));
        let page = ids.iter().skip(size * (page - 1)).take(size);
        let page: Vec<Value> = page.map(|id| json!({"id": id, "name": "x"})).collect();
        return Said::new(200, &json!({"total_count": ids.len(), "repositories": page}));
    }
    match asked.method.as_str() {
        "GET" => match github.secrets.get(&path) {
            Some(secret) => Said::new(
                200,
                &json!({
                "name": rest, "created_at": "2020-01-10T14:59:22Z",
                "updated_at": secret["updated_at"], "visibility": secret["visibility"]}),
            ),
            None => message(404, "Not Found"),
        },
        "PUT" => {
            let body = asked.json();
            if body["key_id"] != "568250167242549743" {
                return message(422, "Validation Failed");
            }
            if place.starts_with("orgs") {
                assert!(
                    body["visibility"].is_string(),
                    "an organization's secret says who sees it"
                );
            }
            github.puts += 1;
            if github.is_fast > 0 {
                github.is_fast -= 1;
            } else {
                github.clock += 1;
            }
            let new = json!({"updated_at": github.now(), "sealed": body["encrypted_value"],
                             "visibility": body["visibility"], "ids": body["selected_repository_ids"]});
            let before = github.secrets.insert(path, new);
            Said::new(if before.is_some() { 204 } else { 201 }, &Value::Null)
        }
        method => panic!("{method}"),
    }
}

fn start() -> (crate::Home, Api<Github>, Value) {
    let key = SecretKey::generate(&mut crypto_box::aead::OsRng);
    let github =
        Github { key, secrets: BTreeMap::new(), clock: 0, is_fast: 0, scopes: None, puts: 0 };
    let api = Api::start(github, answer);
    let (home, token) = home(TOKEN);
    let said = json!({"kind": "github-actions", "url": api.url, "repository": "acme/shop",
                      "secret": "KEY", "id": "KEY_ID", "token": token, "allow_private": true});
    (home, api, said)
}

/// What libsodium opens, by PyNaCl.
fn open(python: &str, api: &Api<Github>, place: &str) -> String {
    let script = "import sys, base64; from nacl.public import PrivateKey, SealedBox\n\
                  key, sealed = (base64.b64decode(line) for line in sys.stdin)\n\
                  sys.stdout.write(SealedBox(PrivateKey(key)).decrypt(sealed).decode())";
    let (key, sealed) = api.with(|github| {
        let sealed = github.secrets[place]["sealed"].as_str().unwrap().to_owned();
        (STANDARD.encode(github.key.to_bytes()), sealed)
    });
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{key}\n{sealed}\n").as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn libsodium_opens_what_github_is_given() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let (_home, api, said) = start();
    let environment = {
        let mut said = said.clone();
        said["environment"] = "pro duction".into();
        said
    };
    for (said, place) in [
        (said, "repos/acme/shop/actions/secrets"),
        (environment, "repos/acme/shop/environments/pro duction/secrets"),
    ] {
        let at = destination(said);
        block_on(at.check()).unwrap();
        assert!(!at.can_read() && block_on(at.read()).unwrap().is_none());
        // Whatever is expected there: nothing can be compared. Twice: nothing is known of the first.
        for expected in [None, Some(both("AKIAOLD", "0ld"))] {
            assert_eq!(block_on(at.write(expected.as_ref(), &new_key())).unwrap(), Written::Now);
        }
        assert_eq!(open(&python, &api, &format!("{place}/KEY")), "n3w/key\"+%=");
        assert_eq!(open(&python, &api, &format!("{place}/KEY_ID")), "AKIANEW");
    }
    for one in api.asked(&["n3w", "AKIANEW"]) {
        assert!(!one.text.contains("n3w") && !one.text.contains("AKIANEW"), "{}", one.text);
    }
}

#[test]
fn a_secret_of_an_organization_stays_seen_by_whom_it_was() {
    let (_home, api, mut said) = start();
    said.as_object_mut().unwrap().remove("repository");
    said["organization"] = "acme".into();
    let at = destination(said);
    let error = block_on(at.write(None, &new_key())).unwrap_err().report();
    assert!(
        error.contains("has no secret `KEY_ID`") && error.contains("who may see it"),
        "{error}"
    );
    let ids: Vec<u32> = (1..=250).collect();
    api.with(|github| {
        for (name, visibility) in [("KEY", "selected"), ("KEY_ID", "private")] {
            let secret = json!({"updated_at": github.now(), "visibility": visibility, "ids": ids});
            github.secrets.insert(format!("orgs/acme/actions/secrets/{name}"), secret);
        }
    });
    block_on(at.check()).unwrap();
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
    let seen = |name: &str| {
        api.with(|github| github.secrets[&format!("orgs/acme/actions/secrets/{name}")].clone())
    };
    assert_eq!(
        (&seen("KEY")["visibility"], &seen("KEY")["ids"]),
        (&json!("selected"), &json!(ids))
    );
    assert_eq!(
        (&seen("KEY_ID")["visibility"], &seen("KEY_ID")["ids"]),
        (&json!("private"), &Value::Null)
    );
}

#[test]
fn a_write_counts_once_github_tells_a_new_time() {
    let (_home, api, mut said) = start();
    said.as_object_mut().unwrap().remove("id");
    let at = destination(said);
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
    assert_eq!(api.with(|github| github.puts), 1);
    // Within the same second nothing is to be seen of the second write, so it is made again.
    api.with(|github| github.is_fast = 1);
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
    assert_eq!(api.with(|github| github.puts), 3);
    api.lose("PUT");
    let lost = block_on(at.write(None, &new_key())).unwrap_err();
    assert_eq!(lost.of_kind(), Kind::Provider);
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
    // A clock that stands still.
    api.with(|github| github.is_fast = 9);
    let error = block_on(at.write(None, &new_key())).unwrap_err().report();
    assert!(error.contains("tells no new time of it") && !error.contains("n3w"), "{error}");
}

#[test]
fn what_keeps_a_secret_of_github_from_being_written_is_told() {
    let (_home, api, said) = start();
    let told = |change: &dyn Fn(&mut Value)| refusal(&said, change);
    api.with(|github| github.scopes = Some("gist, read:org"));
    assert!(told(&|_| ()).contains("with the scope `repo`"));
    api.with(|github| github.scopes = Some("gist, repo"));
    block_on(destination(said.clone()).check()).unwrap();
    let error = told(&|said| said["repository"] = "acme/gone".into());
    assert!(error.contains("did not give the public key: it answered 404"), "{error}");
    for change in [
        json!({"repository": "shop"}),
        json!({"organization": "acme"}),
        json!({"repository": null}),
    ] {
        let error =
            told(&|said| said.as_object_mut().unwrap().extend(change.as_object().unwrap().clone()));
        assert!(error.contains("say repository=OWNER/NAME"), "{error}");
    }
}
