//! Signing in at an OpenID provider that does everything wrong that one can.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::console_sign_in::{change, console_with};
use crate::served::{Answer, Served};
use crate::visitor::Visitor;

const CLIENT: &str = "keytender at work";
const SECRET: &str = "a secret: with signs/+";

/// What the provider answers, and what it was asked.
struct Answers {
    issuer: String,
    claims: Value,
    header: Header,
    /// The key that the provider shows.
    own: EncodingKey,
    /// What signs instead of it.
    key: Option<EncodingKey>,
    /// The token, whatever the rest says.
    token: Option<String>,
    discovery: Value,
    status: StatusCode,
    asked: Vec<(String, String)>,
}

/// A provider on a port of its own, which ends with the test.
struct Fake {
    answers: Arc<Mutex<Answers>>,
    key: rcgen::KeyPair,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = rcgen::KeyPair::generate().unwrap();
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        let discovery = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize?kept=yes"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
        });
        let answers = Arc::new(Mutex::new(Answers {
            issuer,
            claims: json!({}),
            header,
            own: EncodingKey::from_ec_der(&key.serialize_der()),
            key: None,
            token: None,
            discovery,
            status: StatusCode::OK,
            asked: Vec::new(),
        }));
        let point = key.public_key_raw();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let keys = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one", "x": x, "y": y},
        ]});
        let router = axum::Router::new()
            .route("/.well-known/openid-configuration", get(discovery_of))
            .route("/keys", get(async move || axum::Json(keys)))
            .route("/token", post(token))
            .with_state(Arc::clone(&answers));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Self { answers, key, _runtime: runtime }
    }

    fn issuer(&self) -> String {
        self.answers.lock().unwrap().issuer.clone()
    }
}

async fn discovery_of(State(answers): State<Arc<Mutex<Answers>>>) -> axum::Json<Value> {
    axum::Json(answers.lock().unwrap().discovery.clone())
}

async fn token(
    State(answers): State<Arc<Mutex<Answers>>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut answers = answers.lock().unwrap();
    let who = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    answers.asked.push((who, body));
    if answers.status != StatusCode::OK {
        let refused =
            axum::Json(json!({"error": "invalid_grant", "error_description": "<b>no</b>"}));
        return (answers.status, [("location", "https://evil.example/")], refused).into_response();
    }
    let signed =
        || encode(&answers.header, &answers.claims, answers.key.as_ref().unwrap_or(&answers.own));
    let token = answers.token.clone().unwrap_or_else(|| signed().unwrap());
    axum::Json(json!({"id_token": token, "access_token": "access", "token_type": "Bearer"}))
        .into_response()
}

/// A server that lets people sign in at a provider, and `mia`, who has an address.
struct Desk {
    fake: Fake,
    home: Home,
    served: Served,
    url: String,
    visitors: std::cell::Cell<u32>,
}

/// Somebody who was sent to the provider.
struct Sent {
    visitor: Visitor,
    state: String,
    nonce: String,
    challenge: String,
}

impl Desk {
    fn start() -> Self {
        let fake = Fake::start();
        let issuer = fake.issuer();
        let (home, served) = console_with(&[
            "--oidc-issuer",
            &issuer,
            "--oidc-client-id",
            CLIENT,
            "--oidc-client-secret-from",
            "command:printf '%s' 'a secret: with signs/+'",
            "--log",
            "json",
        ]);
        let user = json!({"name": "mia", "role": "operator", "address": "Mia@example.com"});
        served.post("/v1/users", &user).expect(201);
        let url = served.url.replace("127.0.0.1", "localhost");
        Self { fake, home, served, url, visitors: std::cell::Cell::new(0) }
    }

    /// Another visitor, from another place.
    fn visitor(&self) -> Visitor {
        self.visitors.set(self.visitors.get() + 1);
        let mut visitor = Visitor::new(&self.served);
        visitor.url.clone_from(&self.url);
        visitor.address = format!("192.0.2.{}", self.visitors.get());
        visitor
    }

    /// Somebody goes to the provider, which will say that they are Mia.
    fn send(&self, next: &str) -> Sent {
        let visitor = self.visitor();
        visitor.get("/sign-in");
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let sent = visitor.get(&format!("/sign-in/openid?next={next}"));
        assert_eq!(sent.status, 303, "{sent:?}");
        let url = reqwest::Url::parse(sent.header("location")).unwrap();
        assert_eq!(url.path(), "/authorize");
        let value = |name: &str| {
            let mut pairs = url.query_pairs().filter(|(known, _)| known == name);
            let value = pairs.next().unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned();
            assert!(pairs.next().is_none(), "{name} twice in {url}");
            value
        };
        assert_eq!(value("kept"), "yes");
        assert_eq!(value("response_type"), "code");
        assert_eq!(value("client_id"), CLIENT);
        assert_eq!(value("scope"), "openid email");
        assert_eq!(value("code_challenge_method"), "S256");
        assert_eq!(value("redirect_uri"), format!("{}/sign-in/openid/back", self.url));
        let (state, nonce) = (value("state"), value("nonce"));
        let mut answers = self.fake.answers.lock().unwrap();
        let seconds = keytender::clock::now().as_micros() / 1_000_000;
        answers.claims = json!({
            "iss": answers.issuer, "aud": CLIENT, "sub": "mia-at-work", "nonce": nonce,
            "exp": seconds + 300, "iat": seconds, "email": "mia@EXAMPLE.com", "email_verified": true,
        });
        Sent { visitor, state, nonce, challenge: value("code_challenge") }
    }
}

impl Sent {
    fn back(&self) -> Answer {
        back(&self.visitor, &self.state, "&code=good")
    }
}

fn back(visitor: &Visitor, state: &str, rest: &str) -> Answer {
    visitor.get(&format!("/sign-in/openid/back?state={state}{rest}"))
}

#[test]
fn whoever_the_provider_knows_by_a_users_address_signs_in_and_stays_the_same_user() {
    let mut desk = Desk::start();
    let page = desk.visitor().get("/sign-in?next=/me");
    assert!(page.text.contains("href=\"/sign-in/openid?next=%2Fme\""), "{page:?}");
    assert!(page.text.contains("Sign in with 127.0.0.1"), "{page:?}");
    let sent = desk.send("/me?a=b");
    let entered = sent.back();
    assert_eq!((entered.status, entered.header("location")), (303, "/me?a=b"), "{entered:?}");
    let me = sent.visitor.get("/me");
    assert!(me.text.contains("<h1>mia</h1>") && me.text.contains("by openid"), "{me:?}");
    // We showed who we are, and that it is we who asked.
    let (who, body) = desk.fake.answers.lock().unwrap().asked.pop().unwrap();
    let pair = STANDARD.decode(who.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(pair, b"keytender+at+work:a+secret%3A+with+signs%2F%2B");
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!((&*field("grant_type"), &*field("code")), ("authorization_code", "good"));
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, field("code_verifier").as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(digest.as_ref()), sent.challenge);

    // What was brought once is good for nothing any more, in this browser and in any other.
    assert_eq!(back(&desk.visitor(), &sent.state, "&code=good").status, 404);
    assert_eq!(sent.back().status, 404);
    assert!(desk.fake.answers.lock().unwrap().asked.is_empty(), "no code is shown twice");

    // From now on it is this account, whatever its address; no other has the address.
    let sent = desk.send("/");
    desk.fake.answers.lock().unwrap().claims["email"] = json!("changed@example.com");
    assert_eq!(sent.back().status, 303);
    let sent = desk.send("/");
    desk.fake.answers.lock().unwrap().claims["sub"] = json!("another-mia");
    let refused = sent.back();
    assert!(refused.status == 403 && !sent.visitor.is_in(), "{refused:?}");
    change(&desk.home, "UPDATE users SET suspended_at = 1 WHERE name = 'mia'");
    let sent = desk.send("/");
    assert_eq!(sent.back().status, 403);
    let users = desk.served.get("/v1/users").expect(200);
    assert_eq!(users["users"].as_array().unwrap().len(), 2, "nobody is made a user: {users}");
    desk.served.end();
    let said = desk.served.talk().join("\n");
    for secret in [SECRET, "a+secret", "good", &sent.state, &sent.nonce] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

/// The path of the form that takes the only account elsewhere away.
fn removal(me: &Answer) -> String {
    let rest = me.text.split("action=\"/me/openid/").nth(1).unwrap_or_else(|| panic!("{me:?}"));
    format!("/me/openid/{}", rest.split('"').next().unwrap())
}

#[test]
fn an_account_elsewhere_is_shown_and_removed_but_never_as_the_last_way_in() {
    let desk = Desk::start();
    let sent = desk.send("/me");
    sent.back();
    let mia = &sent.visitor;
    let me = mia.get("/me");
    let issuer = desk.fake.issuer();
    assert!(me.text.contains(&issuer) && me.text.contains("Elsewhere"), "{me:?}");
    let remove = removal(&me);
    let refused = mia.post_from(&me, &remove, &[]);
    assert!(refused.status == 409 && refused.text.contains("could not sign in"), "{refused:?}");
    assert_eq!(mia.ask(&Method::POST, &remove, Some(String::new()), &[]).status, 403, "no proof");
    assert_eq!(mia.post_from(&me, "/me/openid/x/remove", &[]).status, 404);
    let new = [("new", "three geese and a lamp")];
    assert_eq!(mia.post_from(&me, "/me/password", &new).status, 303);
    // From now on there is a password to ask for.
    assert_eq!(mia.post("/me", &remove, &[]).status, 403);
    let current = [("current", "three geese and a lamp")];
    let other = remove.replace("/openid/", "/passkeys/");
    assert_eq!(mia.post("/me", &other, &current).status, 404, "it is no passkey");
    assert_eq!(mia.post("/me", &remove, &current).status, 303);
    assert!(!mia.get("/me").text.contains(&issuer));
    let log = desk.served.get("/v1/acts?verb=user.unbind-openid").expect(200);
    assert_eq!(log["acts"].as_array().unwrap().len(), 1, "{log}");
    // Another account with the address is hers now.
    let sent = desk.send("/");
    desk.fake.answers.lock().unwrap().claims["sub"] = json!("another-mia");
    assert_eq!(sent.back().status, 303);
}

#[test]
fn without_a_password_a_sign_in_of_long_ago_changes_nothing_of_how_one_signs_in() {
    let desk = Desk::start();
    let sent = desk.send("/me");
    sent.back();
    let mia = &sent.visitor;
    let fresh = mia.get("/me");
    assert!(!fresh.text.contains("Sign in again"), "{fresh:?}");
    assert_eq!(mia.post("/me", "/me/passkeys/options", &[]).status, 200);
    let remove = removal(&fresh);
    change(&desk.home, "UPDATE sessions SET created_at = created_at - 601000000");
    let me = mia.get("/me");
    assert!(me.text.contains("sign in again") && !me.text.contains("/me/password"), "{me:?}");
    let new = [("new", "three geese and a lamp")];
    for (path, fields) in
        [("/me/passkeys/options", &[][..]), ("/me/password", &new), (&remove, &[])]
    {
        let refused = mia.post_from(&me, path, fields);
        assert!(refused.status == 403 && refused.text.contains("too long ago"), "{refused:?}");
    }
    let out = mia.post_from(&me, "/sign-out", &[("next", "/me")]);
    assert_eq!((out.status, out.header("location")), (303, "/sign-in?next=%2Fme"));
    let sent = desk.send("/me");
    sent.back();
    assert_eq!(sent.visitor.post("/me", "/me/password", &new).status, 303);
}

/// What somebody did to what the provider answers.
type Change = Box<dyn Fn(&mut Answers)>;

/// Everything that may be wrong with a token.
fn faults(fake: &Fake) -> Vec<(&'static str, Change)> {
    let other = rcgen::KeyPair::generate().unwrap().serialize_der();
    let seconds = keytender::clock::now().as_micros() / 1_000_000;
    let claim = |name: &'static str, value: Value| -> Change {
        Box::new(move |answers| answers.claims[name] = value.clone())
    };
    let public = fake.key.public_key_pem();
    vec![
        ("another nonce", claim("nonce", json!("x"))),
        ("no nonce", claim("nonce", Value::Null)),
        ("for somebody else", claim("aud", json!("another"))),
        ("for two, and not ours", claim("aud", json!([CLIENT, "another"]))),
        ("given to somebody else", claim("azp", json!("another"))),
        ("of another provider", claim("iss", json!("https://evil.example"))),
        ("too old", claim("exp", json!(seconds - 3_600))),
        ("without an end", claim("exp", Value::Null)),
        ("not good yet", claim("nbf", json!(seconds + 3_600))),
        ("of nobody", claim("sub", Value::Null)),
        (
            "signed by another key",
            Box::new(move |it| it.key = Some(EncodingKey::from_ec_der(&other))),
        ),
        ("of an unknown key", Box::new(|it| it.header.kid = Some("two".to_owned()))),
        (
            "signed with what we show",
            Box::new(|it| {
                it.header.alg = Algorithm::HS256;
                it.key = Some(EncodingKey::from_secret(SECRET.as_bytes()));
            }),
        ),
        (
            "signed with what everybody knows",
            Box::new(move |it| {
                it.header.alg = Algorithm::HS256;
                it.key = Some(EncodingKey::from_secret(public.as_bytes()));
            }),
        ),
        (
            "not signed",
            Box::new(|it| {
                let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
                let claims = URL_SAFE_NO_PAD.encode(it.claims.to_string());
                it.token = Some(format!("{header}.{claims}."));
            }),
        ),
        ("no token", Box::new(|it| it.token = Some("hello".to_owned()))),
        ("refused", Box::new(|it| it.status = StatusCode::BAD_REQUEST)),
        ("elsewhere", Box::new(|it| it.status = StatusCode::FOUND)),
        ("too large", Box::new(|it| it.token = Some("x".repeat(300 * 1024)))),
    ]
}

#[test]
fn a_token_that_is_not_what_it_must_be_signs_nobody_in() {
    let desk = Desk::start();
    for (what, change) in faults(&desk.fake) {
        let sent = desk.send("/");
        let header = desk.fake.answers.lock().unwrap().header.clone();
        change(&mut desk.fake.answers.lock().unwrap());
        let answer = sent.back();
        assert_eq!(answer.status, 502, "{what}: {answer:?}");
        assert!(answer.text.contains("127.0.0.1 did not sign you in"), "{what}: {answer:?}");
        assert!(!answer.text.contains("<b>no</b>") && !sent.visitor.is_in(), "{what}");
        let mut answers = desk.fake.answers.lock().unwrap();
        (answers.header, answers.key, answers.token) = (header, None, None);
        answers.status = StatusCode::OK;
    }
    for (what, name, value) in [
        ("an address without a proof", "email_verified", json!(false)),
        ("an address of nobody", "email", json!("tim@example.com")),
        ("no address", "email", Value::Null),
    ] {
        let sent = desk.send("/");
        desk.fake.answers.lock().unwrap().claims[name] = value;
        let answer = sent.back();
        assert!(answer.status == 403 && !sent.visitor.is_in(), "{what}: {answer:?}");
    }
    assert_eq!(desk.send("/").back().status, 303, "and a good one does");
}

#[test]
fn nobody_is_signed_in_by_what_another_brought_from_the_provider() {
    let desk = Desk::start();
    // Mallory went, and has a victim's browser come back.
    let mallory = desk.send("/");
    let victim = desk.visitor();
    victim.get("/sign-in");
    let answer = back(&victim, &mallory.state, "&code=good");
    assert!(answer.status == 404 && !victim.is_in(), "{answer:?}");
    assert_eq!(mallory.back().status, 404, "and it is used up");
    // Another provider's answer (RFC 9207), no answer, one that never began.
    let sent = desk.send("/");
    let iss = "&code=good&iss=https%3A%2F%2Fevil.example";
    assert_eq!(back(&sent.visitor, &sent.state, iss).status, 502);
    assert_eq!(back(&desk.visitor(), "", "").status, 404);
    assert_eq!(back(&desk.visitor(), "made-up", "&code=good").status, 404);
    // What the provider says is told in our words.
    let sent = desk.send("/");
    let denied = "&error=access_denied&error_description=Call+555-0100";
    let said = back(&sent.visitor, &sent.state, denied);
    assert!(said.status == 502 && said.text.contains("said no"), "{said:?}");
    assert!(!said.text.contains("555"), "{said:?}");
    let sent = desk.send("/");
    let odd = "&error=%3Cscript%3E";
    let said = back(&sent.visitor, &sent.state, odd);
    assert!(said.status == 502 && !said.text.contains("script&gt;"), "{said:?}");
    // A way back that is too late.
    let sent = desk.send("/");
    change(&desk.home, "UPDATE one_time SET ends_at = ends_at - 601000000");
    assert_eq!(sent.back().status, 404);
    // To no other site, also after the provider.
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let entered = desk.send(next).back();
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{next}");
    }
    // By an address the way begins at the name, where the cookie will be found.
    let mut visitor = desk.visitor();
    visitor.url.clone_from(&desk.served.url);
    let hop = visitor.get("/sign-in/openid?next=/me");
    assert_eq!(hop.header("location"), format!("{}/sign-in/openid?next=%2Fme", desk.url));
}

#[test]
fn a_provider_that_is_not_who_it_should_be_or_is_not_there_is_told_in_words() {
    let desk = Desk::start();
    let issuer = desk.fake.issuer();
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("issuer", json!(format!("{issuer}/"))),
        ("jwks_uri", json!("http://keys.example.com/keys")),
        ("token_endpoint", Value::Null),
    ] {
        let good = desk.fake.answers.lock().unwrap().discovery.clone();
        desk.fake.answers.lock().unwrap().discovery[name] = value.clone();
        let answer = desk.visitor().get("/sign-in/openid");
        assert_eq!(answer.status, 502, "{name}: {value}: {answer:?}");
        desk.fake.answers.lock().unwrap().discovery = good;
    }
    let (_home, served) = console_with(&[
        "--oidc-issuer",
        "http://127.0.0.1:1",
        "--oidc-client-id",
        CLIENT,
        "--oidc-client-secret-from",
        "command:echo secret",
    ]);
    let mut visitor = Visitor::new(&served);
    visitor.url = served.url.replace("127.0.0.1", "localhost");
    let answer = visitor.get("/sign-in/openid");
    assert!(answer.status == 502 && answer.text.contains("cannot be reached"), "{answer:?}");
    let home = Home::new();
    for issuer in ["http://id.example.com", "id.example.com", "https://a:b@id.example.com"] {
        let words = ["--oidc-client-id", CLIENT, "--oidc-client-secret-from", "command:echo x"];
        let start = ["serve", "--listen", "127.0.0.1:0", "--oidc-issuer", issuer];
        let refused = home.run(&[&start[..], &words].concat());
        assert!(refused.code != 0 && refused.stderr.contains("issuer"), "{}", refused.stderr);
    }
    let alone =
        home.run(&["serve", "--listen", "127.0.0.1:0", "--oidc-issuer", "https://x.example"]);
    assert_eq!(alone.code, 2, "{}", alone.stderr);
}
