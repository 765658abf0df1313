//! How calls are allowed, of the security schemes of a description.

use serde_json::Value;

use super::description::Description;
use super::word::{flat, id, words};
use super::yaml::{Map, Node};

/// The most ways that are written down.
const MAX_METHODS: usize = 6;

/// The ways of authentication, the likeliest first.
pub(super) fn methods(description: Description<'_>, security: &Value) -> Vec<Node> {
    let schemes = &description.at("components")["securitySchemes"];
    let named = if security.is_array() { security } else { description.at("security") };
    let wanted = named.as_array().into_iter().flatten().filter_map(Value::as_object);
    let mut wanted: Vec<Vec<&str>> = wanted
        .map(|all| all.keys().map(String::as_str).collect())
        .filter(|all: &Vec<&str>| !all.is_empty())
        .collect();
    if wanted.is_empty() {
        let all = schemes.as_object().into_iter().flatten();
        wanted = all.map(|(name, _)| vec![name.as_str()]).collect();
    }
    let mut seen = Vec::<String>::new();
    let mut methods = Vec::new();
    for names in wanted.into_iter().take(MAX_METHODS) {
        let name = id(&names.iter().flat_map(|name| words(name)).collect::<Vec<_>>());
        if seen.contains(&name) {
            continue;
        }
        let all: Vec<_> =
            names.iter().map(|name| (*name, description.resolve(&schemes[*name]))).collect();
        if let Some(method) = method(&name, &all) {
            seen.push(name);
            methods.push(Node::Map(method));
        }
    }
    if methods.is_empty() {
        let mut unknown = Map::default();
        unknown.text("id", "token").text("scheme", "bearer");
        unknown.doubt("the description does not say how calls are allowed");
        methods.push(Node::Map(unknown));
    }
    methods
}

fn method(name: &str, schemes: &[(&str, &Value)]) -> Option<Map> {
    let mut method = Map::default();
    method.text("id", name);
    let headers: Option<Vec<_>> =
        schemes.iter().map(|(name, scheme)| header(name, scheme)).collect();
    if let Some(headers) = headers {
        of_headers(&mut method, &headers);
        return Some(method);
    }
    let (scheme_name, scheme) = schemes.first()?;
    one(&mut method, scheme_name, scheme)?;
    if schemes.len() > 1 {
        let all: Vec<_> = schemes.iter().map(|(name, _)| *name).collect();
        method.doubt(&format!("the description wants these together: {}", all.join(", ")));
    }
    Some(method)
}

/// The header of a scheme that is one, and a name for what stands in it.
fn header<'d>(name: &str, scheme: &'d Value) -> Option<(&'d str, String)> {
    let header = scheme["name"].as_str()?;
    let is_token = header.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one));
    let is_own = matches!(flat(header).as_str(), "cookie" | "host" | "connection" | "");
    let is_header = scheme["type"] == "apiKey" && scheme["in"] == "header";
    (is_header && is_token && !is_own).then(|| (header, id(&words(name))))
}

fn of_headers(method: &mut Map, headers: &[(&str, String)]) {
    let is_several = headers.len() > 1;
    let mut map = Map::default();
    for (header, part) in headers {
        let secret = if is_several { format!("{{secret.{part}}}") } else { "{secret}".to_owned() };
        map.text(header, &secret);
        if header.eq_ignore_ascii_case("authorization") {
            map.doubt("does a word stand before it, such as Bearer?");
        }
    }
    let mut scheme = Map::default();
    scheme.put("headers", map);
    method.put("scheme", scheme);
    if is_several {
        let parts: Vec<_> = headers.iter().map(|(_, part)| part).collect();
        method.put("parts", Node::texts(&parts));
    }
}

fn one(method: &mut Map, name: &str, scheme: &Value) -> Option<()> {
    match scheme["type"].as_str()? {
        "http" => http(method, name, scheme["scheme"].as_str()?),
        "apiKey" if scheme["in"] == "query" => {
            let mut query = Map::default();
            query.text("name", scheme["name"].as_str()?);
            let mut map = Map::default();
            map.put("query", query);
            method.put("scheme", map);
            method.doubt("a secret in a URL: such calls are not made; is there a header too?");
        }
        "oauth2" => match client_credentials(scheme) {
            Some(map) => {
                method.put("scheme", map);
                method.put("parts", Node::texts(&["client_id", "client_secret"]));
            }
            None => {
                method.text("scheme", "bearer");
                method.doubt("OAuth: how is the token got? A token made by hand does it too, if there is one");
            }
        },
        "openIdConnect" => {
            method.text("scheme", "bearer").doubt("OpenID Connect: how is the token got?");
        }
        _ => return None,
    }
    Some(())
}

fn http(method: &mut Map, name: &str, scheme: &str) {
    if scheme.eq_ignore_ascii_case("basic") {
        let mut basic = Map::default();
        basic.text("username", "{secret.username}").text("password", "{secret.password}");
        let mut map = Map::default();
        map.put("basic", basic);
        method.put("scheme", map);
        method.put("parts", Node::texts(&["username", "password"]));
    } else {
        method.text("scheme", "bearer");
        if !scheme.eq_ignore_ascii_case("bearer") {
            method.doubt(&format!("`{name}` is HTTP {scheme}, which no scheme here is"));
        }
    }
}

fn client_credentials(scheme: &Value) -> Option<Map> {
    let url = scheme.pointer("/flows/clientCredentials/tokenUrl")?.as_str()?;
    let behind = url.strip_prefix("https://")?;
    let host = behind.split('/').next()?;
    let is_plain = url.chars().all(|one| one.is_ascii_graphic() && !"{}?#\\%\"".contains(one));
    if !is_plain || !host.contains('.') || !crate::akm::call::is_host(host) {
        return None;
    }
    let mut inner = Map::default();
    inner.text("tokenUrl", url);
    inner.text("clientId", "{secret.client_id}").text("clientSecret", "{secret.client_secret}");
    let mut map = Map::default();
    map.put("oauth2-client-credentials", inner);
    Some(map)
}
