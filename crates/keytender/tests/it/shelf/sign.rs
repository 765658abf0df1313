//! The credential of an account at a provider: what the engine is given, and where it must stand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::paper::{Names, Paper, fill, fill_all, fill_body};
use super::script::{Body, Exchange};
use super::tree;
use crate::descriptor::sign_in::pair;

/// Before what an assertion must claim.
pub(super) const ASSERTION: char = '\u{2}';
/// Stands for whatever there is.
pub(super) const ANYTHING: char = '\u{3}';
/// What each part of a credential begins with.
pub(super) const CREDENTIAL: &str = "cr3dential";
/// The token that a credential is changed into.
const TOKEN: &str = "cr3dential-token";

/// An RSA key of service accounts and apps.
static KEY: LazyLock<(String, DecodingKey)> = LazyLock::new(pair);

/// One credential, for one way of authentication.
pub(super) struct Credential<'p> {
    paper: &'p Paper,
    method: Option<&'p Value>,
    names: Names,
}

impl<'p> Credential<'p> {
    pub(super) fn new(paper: &'p Paper, method: Option<&str>) -> Self {
        let method = paper.method(method);
        let mut names = paper.names();
        let parts = method.map(|method| &method["parts"]).and_then(Value::as_array);
        for part in parts.into_iter().flatten().map(|part| part.as_str().unwrap()) {
            let is_key = method
                .unwrap()
                .to_string()
                .contains(&format!("\"privateKey\":\"{{secret.{part}}}\""));
            let value = if is_key { KEY.0.clone() } else { format!("{CREDENTIAL}-{part}") };
            names.insert(format!("secret.{part}"), value.into());
        }
        names.insert("secret".to_owned(), format!("{CREDENTIAL}-whole").into());
        Self { paper, method, names }
    }

    pub(super) fn id(&self) -> Option<&'p str> {
        self.method?["id"].as_str()
    }

    /// What the engine is given: the parts as JSON if one has several lines, else as words.
    pub(super) fn given(&self) -> String {
        let parts = self.method.map(|method| &method["parts"]).and_then(Value::as_array);
        let Some(parts) = parts else { return format!("{CREDENTIAL}-whole") };
        let parts = parts.iter().map(|part| part.as_str().unwrap());
        let part = |part: &str| self.names[&format!("secret.{part}")].clone();
        let all: BTreeMap<_, _> = parts.clone().map(|name| (name, part(name))).collect();
        match all.values().any(|value| value.as_str().unwrap().contains('\n')) {
            true => json!(all).to_string(),
            false => {
                let words = parts.map(|name| part(name).as_str().unwrap().to_owned());
                words.collect::<Vec<_>>().join(" ")
            }
        }
    }

    fn scheme(&self) -> (&'p str, &'p Value) {
        match self.method.map(|method| &method["scheme"]) {
            Some(Value::String(plain)) => (plain, &Value::Null),
            Some(Value::Object(one)) => {
                let (name, how) = one.iter().next().unwrap();
                (name, how)
            }
            _ => ("none", &Value::Null),
        }
    }

    fn text(&self, template: &Value) -> String {
        fill(template.as_str().unwrap(), &self.names).unwrap()
    }

    /// The headers of a call.
    pub(super) fn headers(&self) -> BTreeMap<String, String> {
        let (scheme, how) = self.scheme();
        let bearer =
            |token: &str| BTreeMap::from([("authorization".to_owned(), format!("Bearer {token}"))]);
        match scheme {
            "none" => BTreeMap::new(),
            "bearer" => bearer(&self.given()),
            "headers" => small(fill_all(how, &self.names)),
            "basic" => basic(&self.text(&how["username"]), &self.text(&how["password"])),
            "login" => {
                let mut names = self.names.clone();
                names.insert("login.token".to_owned(), TOKEN.into());
                small(fill_all(&how["headers"], &names))
            }
            _ => bearer(TOKEN),
        }
    }

    /// The call that changes the credential into a token, where there is one.
    pub(super) fn sign_in(&self) -> Option<Exchange> {
        let (scheme, how) = self.scheme();
        let mut exchange = Exchange {
            label: "sign-in".to_owned(),
            method: "POST".to_owned(),
            address: super::paper::Address::default(),
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            body: Body::None,
            code: 200,
            answer_headers: Vec::new(),
            answer: json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}),
            is_next: false,
            under: None,
            is_free: true,
            is_foreign: false,
        };
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let url = |url: &Value| self.paper.address(url.as_str().unwrap(), &self.names).unwrap();
        match scheme {
            "oauth2-client-credentials" => {
                let mut form = fill_all(&how["form"], &self.names);
                form.extend([pair("grant_type", "client_credentials".to_owned())]);
                if !how["scope"].is_null() {
                    form.extend([pair("scope", self.text(&how["scope"]))]);
                }
                if !form.contains_key("client_secret") {
                    exchange.headers =
                        basic(&self.text(&how["clientId"]), &self.text(&how["clientSecret"]));
                }
                exchange.body = Body::Form(form);
                exchange.address = url(&how["tokenUrl"]);
            }
            "jwt-bearer" => {
                exchange.address = url(&how["tokenUrl"]);
                let claims = json!({
                    "iss": self.text(&how["issuer"]), "aud": self.text(&how["tokenUrl"]),
                    "scope": how["scope"].as_str().map(|_| self.text(&how["scope"])),
                    "kid": how["keyId"].as_str().map(|_| self.text(&how["keyId"])),
                });
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
                exchange.body = Body::Form(BTreeMap::from([
                    pair("grant_type", grant),
                    pair("assertion", format!("{ASSERTION}{claims}")),
                ]));
            }
            "github-app" => {
                exchange.address = url(&how["tokenUrl"]);
                let claims = json!({"iss": self.text(&how["appId"])});
                exchange.headers.extend([pair("authorization", format!("{ASSERTION}{claims}"))]);
                exchange.code = 201;
                exchange.answer = json!({"token": TOKEN, "expires_at": "2999-01-01T00:00:00Z"});
            }
            "login" => {
                let request = &how["request"];
                exchange.method = request["method"].as_str().unwrap().to_owned();
                exchange.address = url(&request["url"]);
                exchange.query = fill_all(&request["query"], &self.names);
                exchange.headers = small(fill_all(&request["headers"], &self.names));
                exchange.body = match (&request["json"], &request["form"]) {
                    (Value::Null, Value::Null) => Body::None,
                    (Value::Null, form) => Body::Form(fill_all(form, &self.names)),
                    (json, _) => Body::Json(fill_body(json, &self.names).unwrap()),
                };
                exchange.answer = json!({});
                tree::put(&mut exchange.answer, how["token"].as_str().unwrap(), TOKEN.into());
            }
            _ => return None,
        }
        Some(exchange)
    }
}

/// Header names as they come.
pub(super) fn small(headers: BTreeMap<String, String>) -> BTreeMap<String, String> {
    headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()
}

fn basic(username: &str, password: &str) -> BTreeMap<String, String> {
    let pair = STANDARD.encode(format!("{username}:{password}"));
    BTreeMap::from([("authorization".to_owned(), format!("Basic {pair}"))])
}

/// Whether a text is an assertion, rightly signed, of what is wanted.
pub(super) fn is_assertion(wanted: &str, given: &str) -> bool {
    let wanted: Value = serde_json::from_str(wanted.trim_start_matches(ASSERTION)).unwrap();
    let token = given.strip_prefix("Bearer ").unwrap_or(given);
    let mut must = Validation::new(Algorithm::RS256);
    must.set_required_spec_claims(&["exp", "iss"]);
    must.validate_aud = false;
    let Ok(claimed) = decode::<Value>(token, &KEY.1, &must) else { return false };
    let kid = decode_header(token).unwrap().kid;
    let is_same = |name: &str| claimed.claims[name] == wanted[name];
    ["iss", "aud", "scope"].iter().all(|name| is_same(name))
        && kid.as_deref() == wanted["kid"].as_str()
}
