//! How calls are allowed: plain credentials, and tokens that are got for them first.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use keytender::connect::descriptor::{Binding, Session};
use keytender_core::akm::OperationName;
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::provider::{Came, Provider, Reply, good, json_of};
use super::{SECRET, binding, engine, ids, key, kind, list, parse, shown};
use crate::notify::run;

/// A session whose way of authentication is given, with its parts.
fn by(scheme: &str, parts: &str, secret: &str, provider: &Provider) -> Session {
    let descriptor = parse(&format!(
        "
variables: {{installation: {{help: the installation, default: '7'}}}}
authentication:
  methods:
    - {{id: way, parts: [{parts}], scheme: {scheme}}}
keyTypes:
  - id: key
    type: api-key
    fields: {{id: /id}}
    operations:
      list: {{request: {{method: GET, url: /keys}}, items: ''}}
      rotate: {{request: {{method: POST, url: '/keys/{{key.id}}/rotate'}}, outputs: {{secret: /token}}, retry: never}}
"
    ));
    let open = Binding { secret: Some(Secret::new(secret)), ..binding(&descriptor, provider) };
    engine().open(open).unwrap()
}

fn is_token(came: &Came) -> bool {
    !came.line.contains("/v1/keys")
}

#[test]
fn plain_credentials_stand_in_headers() {
    for (scheme, parts, secret, header, value) in [
        ("bearer", "", SECRET, "authorization", "Bearer hunter2"),
        ("{headers: {X-Key: '{secret}'}}", "", SECRET, "x-key", SECRET),
        (
            "{headers: {Authorization: 'SSWS {secret}'}}",
            "",
            SECRET,
            "authorization",
            "SSWS hunter2",
        ),
        (
            "{headers: {X-Id: '{secret.id}', X-Key: '{secret.word}'}}",
            "id, word",
            "a hunter2",
            "x-key",
            SECRET,
        ),
        (
            "{basic: {username: '{secret}', password: ''}}",
            "",
            SECRET,
            "authorization",
            "Basic aHVudGVyMjo=",
        ),
        ("none", "", SECRET, "authorization", ""),
    ] {
        let provider = Provider::start(|_| good(json!([{"id": "a"}])));
        let session = by(scheme, parts, secret, &provider);
        assert_eq!(ids(&list(&session).unwrap()), ["a"], "{scheme}");
        let came = &provider.came()[0];
        assert_eq!(came.headers[header].as_str().unwrap_or_default(), value, "{scheme}");
        assert_eq!(came.line, "GET /v1/keys");
        assert_eq!(came.headers["accept"], "application/json");
        assert!(came.headers["user-agent"].as_str().unwrap().starts_with("Keytender/"));
    }
}

const CLIENT: &str = "{oauth2-client-credentials: {tokenUrl: 'https://login.acme.example/token', \
    clientId: '{secret.id}', clientSecret: '{secret.word}', scope: 'keys:read', form: {audience: acme}}}";

/// A provider that gives numbered tokens, and takes the newest alone.
fn with_tokens(answer: impl Fn(usize) -> Value + Send + Sync + 'static) -> Provider {
    let count = AtomicUsize::new(0);
    Provider::start(move |came| {
        if is_token(came) {
            return good(answer(count.fetch_add(1, Ordering::SeqCst) + 1));
        }
        let newest = format!("Bearer token-{}", count.load(Ordering::SeqCst));
        match came.authorization() == newest {
            true => good(json!([{"id": "a"}])),
            false => json_of(401, &json!({})),
        }
    })
}

#[test]
fn a_client_gets_a_token_once() {
    let provider = with_tokens(
        |number| json!({"access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": 3600}),
    );
    let session = by(CLIENT, "id, word", "me:1 hunter2", &provider);
    list(&session).unwrap();
    list(&session).unwrap();
    assert_eq!(provider.lines(), ["POST /token", "GET /v1/keys", "GET /v1/keys"]);
    let came = &provider.came()[0];
    // The parts are encoded before they are put together (RFC 6749, section 2.3.1).
    assert_eq!(came.authorization(), format!("Basic {}", STANDARD.encode("me%3A1:hunter2")));
    let wanted =
        json!({"grant_type": "client_credentials", "scope": "keys:read", "audience": "acme"});
    assert_eq!(came.form(), wanted);
    let scheme = CLIENT
        .replace("audience: acme", "client_id: '{secret.id}', client_secret: '{secret.word}'");
    let session = by(&scheme, "id, word", "me hunter2", &provider);
    list(&session).unwrap();
    let came = &provider.came()[3];
    assert_eq!(came.authorization(), "");
    assert_eq!(came.form()["client_secret"], SECRET);
}

#[test]
fn a_token_is_got_anew_when_its_time_is_over() {
    // What is over at once is never used twice.
    let provider = with_tokens(
        |number| json!({"access_token": format!("token-{number}"), "expires_in": "0.000001"}),
    );
    let session = by(CLIENT, "id, word", "me hunter2", &provider);
    list(&session).unwrap();
    list(&session).unwrap();
    assert_eq!(provider.lines(), ["POST /token", "GET /v1/keys", "POST /token", "GET /v1/keys"]);
}

#[test]
fn a_token_that_is_refused_is_got_anew_once() {
    // The provider forgets each token after one use.
    let used = Mutex::new(Vec::new());
    let count = AtomicUsize::new(0);
    let provider = Provider::start(move |came| {
        if is_token(came) {
            assert_eq!(came.json(), json!({"user": "me", "word": SECRET}));
            let token = format!("token-{}", count.fetch_add(1, Ordering::SeqCst));
            return good(json!({"session": {"token": token}}));
        }
        let token = came.headers["x-session"].as_str().unwrap().to_owned();
        let mut used = used.lock().unwrap();
        if used.contains(&token) {
            return json_of(401, &json!({}));
        }
        used.push(token);
        good(json!([{"id": "a"}]))
    });
    let login = "{login: {request: {method: POST, url: /login, json: {user: '{secret.user}', \
                 word: '{secret.word}'}}, token: /session/token, headers: {X-Session: '{login.token}'}}}";
    let session = by(login, "user, word", "me hunter2", &provider);
    for _ in 0..3 {
        assert_eq!(ids(&list(&session).unwrap()), ["a"]);
    }
    let wanted = [
        "POST /v1/login",
        "GET /v1/keys",
        "GET /v1/keys",
        "POST /v1/login",
        "GET /v1/keys",
        "GET /v1/keys",
        "POST /v1/login",
        "GET /v1/keys",
    ];
    assert_eq!(provider.lines(), wanted);
    // What must not be tried again is not, whatever the reason.
    let kind = kind(&session);
    let target = key("a");
    let act = session.act(&kind, OperationName::Rotate, &target, BTreeMap::new());
    assert!(run(act).unwrap_err().is_denied());
    assert_eq!(provider.came().len(), wanted.len() + 1);
}

#[test]
fn an_unknown_client_is_denied() {
    for (code, is_denied) in [(400, true), (401, true), (403, true), (404, false)] {
        let provider = Provider::start(move |_| json_of(code, &json!({"error": "invalid_client"})));
        let session = by(CLIENT, "id, word", "me hunter2", &provider);
        assert_eq!(list(&session).unwrap_err().is_denied(), is_denied, "{code}");
        assert_eq!(provider.lines(), ["POST /token"]);
    }
}

#[test]
fn a_refused_credential_is_told_without_it() {
    for (reply, why) in [
        ((401, json!({"error": SECRET})), "it answered 401: it does not take the credential"),
        ((200, json!({"error": SECRET})), "its answer is not understood: it has no token"),
        ((200, json!({"access_token": ""})), "its answer is not understood: it has no token"),
        ((200, json!({"access_token": "a\nhunter2"})), "it is more than one line"),
    ] {
        let provider = Provider::start(move |_| json_of(reply.0, &reply.1));
        let session = by(CLIENT, "id, word", "me hunter2", &provider);
        let failure = list(&session).unwrap_err();
        assert!(failure.to_string().starts_with("Acme, sign in (way): "), "{failure}");
        assert!(failure.to_string().ends_with(why), "{failure}");
        assert!(!shown(&failure).contains(SECRET), "{failure:?}");
    }
}

/// An RSA key: its private half in PEM, and the public one.
pub(crate) fn pair() -> (String, DecodingKey) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    (pem, DecodingKey::from_rsa_der(key.public_key().as_ref()))
}

/// What an assertion claims, if its signature is good.
fn claims(assertion: &str, key: &DecodingKey, audience: Option<&str>) -> Value {
    let mut must = Validation::new(Algorithm::RS256);
    must.set_required_spec_claims(&["exp", "iss"]);
    match audience {
        Some(audience) => must.set_audience(&[audience]),
        None => must.validate_aud = false,
    }
    let claims = decode::<Value>(assertion, key, &must).unwrap().claims;
    let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lives, 600);
    claims
}

#[test]
fn a_service_account_shows_a_signed_assertion() {
    let (pem, public) = pair();
    let file = json!({
        "type": "service_account", "client_email": "me@acme.example", "private_key_id": "k1",
        "private_key": pem, "auth_uri": "https://evil.example/"
    });
    let scheme = "{jwt-bearer: {tokenUrl: 'https://login.acme.example/token', issuer: '{secret.client_email}', \
                  privateKey: '{secret.private_key}', keyId: '{secret.private_key_id}', scope: all}}";
    let provider = with_tokens(
        |number| json!({"access_token": format!("token-{number}"), "expires_in": 3599}),
    );
    let parts = "client_email, private_key, private_key_id";
    let session = by(scheme, parts, &file.to_string(), &provider);
    assert_eq!(ids(&list(&session).unwrap()), ["a"]);
    let form = provider.came()[0].form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let assertion = form["assertion"].as_str().unwrap();
    // It is for the provider, wherever a gateway stands.
    let claims = claims(assertion, &public, Some("https://login.acme.example/token"));
    assert_eq!((&claims["iss"], &claims["scope"]), (&json!("me@acme.example"), &json!("all")));
    assert_eq!(decode_header(assertion).unwrap().kid.as_deref(), Some("k1"));
    // What is no key is not shown to anybody, and not repeated.
    let broken = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
    let file = json!({"client_email": "a", "private_key_id": "b", "private_key": broken});
    let failure = list(&by(scheme, parts, &file.to_string(), &provider)).unwrap_err();
    assert!(failure.to_string().contains("the private key is no"), "{failure}");
    assert!(!shown(&failure).contains(SECRET), "{failure:?}");
}

#[test]
fn an_app_of_github_gets_a_token_of_its_installation() {
    let (pem, public) = pair();
    let scheme = "{github-app: {appId: '{secret.app_id}', privateKey: '{secret.private_key}', \
                  tokenUrl: 'https://api.acme.example/app/installations/{var.installation}/access_tokens'}}";
    let provider = Provider::start(|came| match is_token(came) {
        true => json_of(201, &json!({"token": "ghs_1", "expires_at": "2999-01-01T00:00:00Z"})),
        false if came.authorization() == "Bearer ghs_1" => good(json!([{"id": "a"}])),
        false => json_of(401, &json!({})),
    });
    // As it stands in environments: on one line.
    let secret = json!({"app_id": 12, "private_key": pem.replace('\n', "\\n")});
    let session = by(scheme, "app_id, private_key", &secret.to_string(), &provider);
    list(&session).unwrap();
    list(&session).unwrap();
    assert_eq!(
        provider.lines(),
        ["POST /app/installations/7/access_tokens", "GET /v1/keys", "GET /v1/keys"]
    );
    let came = provider.came();
    let assertion = came[0].authorization().strip_prefix("Bearer ").unwrap();
    assert_eq!(claims(assertion, &public, None)["iss"], "12");
}

#[test]
fn another_way_is_taken_where_it_is_named() {
    let descriptor = parse(
        "
authentication:
  methods:
    - {id: pair, parts: [id, word], scheme: {basic: {username: '{secret.id}', password: '{secret.word}'}}}
    - {id: token, scheme: bearer}
keyTypes:
  - {id: key, type: api-key, fields: {id: /id}, operations: {list: {request: {method: GET, url: /keys}, items: ''}}}
  - {id: app, type: api-key, auth: pair, fields: {id: /id}, operations: {list: {request: {method: GET, url: /apps}, items: ''}}}
",
    );
    let provider = Provider::start(|_: &Came| -> Reply { good(json!([])) });
    let bare = binding(&descriptor, &provider);
    let chosen = Binding { method: Some("token".to_owned()), ..bare.clone() };
    let session = engine().open(chosen).unwrap();
    list(&session).unwrap();
    assert_eq!(provider.came()[0].authorization(), "Bearer hunter2");
    // What needs both parts is refused without them, before it is called.
    let failure = run(session.list(&descriptor.key_types[1])).unwrap_err();
    assert!(failure.to_string().contains("2 parts, `id`, `word`"), "{failure}");
    assert_eq!(provider.came().len(), 1);
    let unknown = Binding { method: Some("magic".to_owned()), ..bare };
    let failure = engine().open(unknown).map(|_| ()).unwrap_err();
    assert!(failure.to_string().ends_with("there is no way of authentication `magic`"));
}
