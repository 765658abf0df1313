//! Every rule of safety, attacked: by a descriptor, by what an account says, and by a provider.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use keytender::connect::descriptor::{Binding, Engine, Failure, Settings, Trust, hosts};
use keytender_core::akm::OperationName;
use keytender_core::secret::Secret;
use serde_json::json;

use super::provider::{Provider, Reply, good, json_of};
use super::{SECRET, acme, binding, engine, key, kind, list, parse, session, shown};
use crate::notify::{PATIENT, run};

const LIST: &str = "      list: {request: {method: GET, url: /keys}, items: ''}";

/// A place that nobody may be led to; it would answer.
fn elsewhere() -> Provider {
    Provider::start(|_| good(json!([{"id": "stolen"}])))
}

#[track_caller]
fn refused(failure: &Failure, why: &str) {
    assert!(failure.to_string().contains(why), "{failure}");
    assert!(!shown(failure).contains(SECRET), "{failure:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let other = elsewhere();
    let place = other.url.to_string();
    for code in [301, 302, 303, 307, 308] {
        let target = place.clone();
        let provider = Provider::start(move |_| {
            Reply::Whole(code, vec![("location", target.clone())], String::new())
        });
        let failure = list(&session(&acme(LIST), &provider)).unwrap_err();
        refused(&failure, &format!("it answered {code}: a redirect"));
        assert_eq!(provider.came()[0].authorization(), format!("Bearer {SECRET}"));
        assert!(!failure.to_string().contains(&place));
    }
    assert!(other.came().is_empty());
}

#[test]
fn a_list_goes_on_nowhere_else() {
    let other = elsewhere();
    let port = other.url.port().unwrap();
    let mut places = vec![
        other.url.to_string(),
        format!("http://localhost:{port}/"),
        "https://evil.example/v1/keys".to_owned(),
        "//evil.example/v1/keys".to_owned(),
        "https://api.acme.example.evil.example/".to_owned(),
        "https://api.acme.example:444/".to_owned(),
        "https://ann:word@api.acme.example/".to_owned(),
        "https://api.acme.example@evil.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
        "https://".to_owned(),
        "\\\\evil.example\\keys".to_owned(),
    ];
    places.push(format!("https://{SECRET}.evil.example/"));
    for place in places {
        for paging in ["next-url: {next: /next}", "link-header: {}"] {
            let next = place.clone();
            let provider = Provider::start(move |_| {
                let link = vec![("link", format!("<{next}>; rel=\"next\""))];
                Reply::Whole(200, link, json!({"keys": [{"id": "a"}], "next": next}).to_string())
            });
            let operation = format!(
                "      list: {{request: {{method: GET, url: /keys}}, items: /keys, paging: {{{paging}}}}}"
            );
            let failure = list(&session(&acme(&operation), &provider)).unwrap_err();
            refused(&failure, "it continues on another host, and no call goes there");
            assert!(!shown(&failure).contains("evil"), "{failure:?}");
            assert_eq!(provider.came().len(), 1);
        }
    }
    assert!(other.came().is_empty());
}

#[test]
fn a_host_that_nobody_approved_is_not_called() {
    let provider = elsewhere();
    let descriptor = parse(
        r#"
authentication:
  methods:
    - id: token
      parts: [id, word]
      scheme: {oauth2-client-credentials: {tokenUrl: "https://login.acme.example/token", clientId: "{secret.id}", clientSecret: "{secret.word}"}}
    - {id: login, scheme: {login: {request: {method: POST, url: "https://in.acme.example/x", json: {word: "{secret}"}}, token: /t, headers: {X-T: "{login.token}"}}}}
keyTypes:
  - {id: key, type: api-key, fields: {id: /id}, operations: {list: {request: {method: GET, url: /keys}, items: ""}}}
  - {id: other, type: api-key, auth: login, fields: {id: /id}, operations: {list: {request: {method: GET, url: /keys}, items: ""}}}
"#,
    );
    let all = hosts(&descriptor, &BTreeMap::new());
    assert_eq!(all.len(), 3);
    for (missing, kind) in
        [("api.acme.example", 0), ("login.acme.example", 0), ("in.acme.example", 1)]
    {
        let hosts: BTreeSet<_> = all.iter().filter(|host| *host != missing).cloned().collect();
        let secret = Some(Secret::new(format!("me {SECRET}")));
        let open = Binding { hosts, secret, ..binding(&descriptor, &provider) };
        let session = engine().open(open).unwrap();
        let failure = run(session.list(&descriptor.key_types[kind])).unwrap_err();
        refused(&failure, &format!("`{missing}` is no host that was approved for this account"));
    }
    assert!(provider.came().is_empty());
}

#[test]
fn a_private_address_is_not_reached_by_its_name_either() {
    let private = "it leads to a private address";
    for (host, why) in [
        ("127.0.0.1", private),
        ("10.0.0.1", private),
        ("169.254.169.254", private),
        ("2130706433", private),
        ("0x7f000001", private),
        ("127.1", private),
        ("localhost", private),
    ] {
        refused(&reached(host, false), why);
    }
    let Some(name) = private_name() else {
        eprintln!("skipped: no name of this machine but localhost leads to an address");
        return;
    };
    let found = "its name leads to no address, or only to private ones";
    refused(&reached(&name, false), found);
    // Only its address is in the way: where that is allowed, it is called, and nobody listens.
    assert!(!reached(&name, true).to_string().contains(found));
}

/// What a list from a host that an account names fails with.
fn reached(host: &str, allow_private: bool) -> Failure {
    let descriptor = parse(
        r#"
variables: {host: {help: the host, isHost: true}}
authentication: {methods: [{id: token, scheme: bearer}]}
keyTypes:
  - {id: key, type: api-key, fields: {id: /id}, operations: {list: {request: {method: GET, url: "https://{var.host}/keys"}, items: ""}}}
"#,
    );
    let variables = BTreeMap::from([("host".to_owned(), host.to_owned())]);
    let binding = Binding {
        endpoint: None,
        hosts: hosts(&descriptor, &variables),
        variables,
        ..binding(&descriptor, &elsewhere())
    };
    let settings = Settings { timeout: PATIENT, roots: None, allow_private };
    list(&Engine::new(&settings).unwrap().open(binding).unwrap()).unwrap_err()
}

/// A name that the system's resolver leads to this machine, or into its network.
fn private_name() -> Option<String> {
    let own = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let names = [own.trim(), "ip6-localhost", "keys.localhost"];
    let is_private = |address: SocketAddr| match address.ip() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback(),
    };
    let leads_here = |name: &&&str| {
        let found = (**name, 443).to_socket_addrs();
        !name.is_empty() && found.is_ok_and(|mut found| found.all(is_private))
    };
    names.iter().find(leads_here).map(|name| (*name).to_owned())
}

#[test]
fn an_endpoint_is_https_or_on_this_machine() {
    let descriptor = acme(LIST);
    let allowed = |endpoint: &str, allow_private: bool| {
        let endpoint = Some(endpoint.parse().unwrap());
        let settings = Settings { timeout: PATIENT, roots: None, allow_private };
        let binding = Binding { endpoint, ..binding(&descriptor, &elsewhere()) };
        assert!(!format!("{binding:?}").contains("hunter2"));
        Engine::new(&settings).unwrap().open(binding).map(|_| ())
    };
    for good in ["https://gateway.example:8443", "https://10.0.0.1", "http://127.0.0.1:1"] {
        allowed(good, true).unwrap();
    }
    for (bad, allow_private) in [
        ("http://gateway.example", true),
        ("http://10.0.0.1", true),
        ("ftp://gateway.example", true),
        ("https://ann:hunter2@gateway.example", true),
        ("https://gateway.example/path", true),
        ("https://gateway.example/?token=hunter2", true),
        ("https://10.0.0.1", false),
        ("http://127.0.0.1:1", false),
    ] {
        refused(&allowed(bad, allow_private).unwrap_err(), "its place is not called");
    }
}

#[test]
fn what_is_filled_in_leads_to_no_other_path() {
    let provider = Provider::start(|_| json_of(404, &json!({})));
    let descriptor =
        acme("      get: {request: {method: GET, url: '/keys/{key.id}'}, gone: [404]}");
    let session = session(&descriptor, &provider);
    let kind = kind(&session);
    for (id, line) in [
        ("../users/1", "GET /v1/keys/..%2Fusers%2F1"),
        ("%2e%2e", "GET /v1/keys/%252e%252e"),
        ("a?b=c#d", "GET /v1/keys/a%3Fb%3Dc%23d"),
        ("a\r\nX-A: b", "GET /v1/keys/a%0D%0AX-A%3A%20b"),
        ("..;/x", "GET /v1/keys/..%3B%2Fx"),
    ] {
        assert_eq!(run(session.find(&kind, &key(id))).unwrap(), None);
        assert_eq!(provider.lines().last().unwrap(), line);
    }
    let count = provider.came().len();
    for id in [".", "..", ""] {
        refused(&run(session.find(&kind, &key(id))).unwrap_err(), "{key.id}");
    }
    assert_eq!(provider.came().len(), count);
}

#[test]
fn only_what_is_trusted_is_done() {
    let provider = Provider::start(|_| good(json!([])));
    let descriptor = acme(
        "      list: {request: {method: GET, url: /keys}, items: ''}
      get: {request: {method: POST, url: '/keys/{key.id}/show'}}
      whoami: {request: {method: GET, url: /me}, effect: write}
      suspend: {request: {method: POST, url: '/keys/{key.id}/off'}}
      resume: {request: {method: POST, url: '/keys/{key.id}/on'}, unsure: nobody tried}
      delete: {console: 'https://acme.example/keys'}",
    );
    let count = |trust: Trust| {
        let open = Binding { trust, ..binding(&descriptor, &provider) };
        let session = engine().open(open).unwrap();
        let kind = kind(&session);
        let before = provider.came().len();
        let act =
            |name| run(session.act(&kind, name, &key("a"), BTreeMap::new())).map(|_| ()).err();
        let failures = [
            run(session.list(&kind)).map(|_| ()).err(),
            run(session.whoami()).map(|_| ()).err(),
            act(OperationName::Suspend),
            act(OperationName::Resume),
            act(OperationName::Delete),
            act(OperationName::Rotate),
        ];
        let failed = failures.map(|failure| failure.map(|failure| failure.to_string()));
        (failed, provider.came().len() - before)
    };
    let (failed, came) = count(Trust::ReadOnly);
    assert_eq!((failed[0].is_none(), came), (true, 1));
    for failure in &failed[1..4] {
        assert!(failure.as_ref().unwrap().contains("trusted to read by GET alone"), "{failure:?}");
    }
    let (failed, came) = count(Trust::Shelf);
    assert_eq!((failed[1].is_none(), failed[2].is_none(), came), (true, true, 3));
    assert!(failed[3].as_ref().unwrap().contains("no source supports this operation"));
    let (failed, came) = count(Trust::All);
    assert_eq!((failed[3].is_none(), came), (true, 4));
    assert_eq!(
        failed[4].as_ref().unwrap(),
        "Acme, delete (API key a): there is no call for it; people do it at https://acme.example/keys"
    );
    assert_eq!(failed[5].as_ref().unwrap(), "Acme, rotate (API key a): there is no call for it");
}

#[test]
fn a_secret_never_stands_in_a_url_and_no_call_is_signed() {
    for (scheme, why) in [
        ("{query: {name: api_key}}", "the secret would stand in the URL, as `api_key`"),
        ("{request-signing: {name: HMAC}}", "calls signed by HMAC are not made from a descriptor"),
    ] {
        let provider = elsewhere();
        let descriptor = parse(&format!(
            "
authentication: {{methods: [{{id: token, scheme: {scheme}}}]}}
keyTypes:
  - {{id: key, type: api-key, fields: {{id: /id}}, operations: {{list: {{request: {{method: GET, url: /keys}}, items: ''}}}}}}
"
        ));
        let failure = engine().open(binding(&descriptor, &provider)).map(|_| ()).unwrap_err();
        refused(&failure, why);
        assert!(provider.came().is_empty());
    }
}

#[test]
fn a_credential_breaks_no_header_and_what_is_for_another_way_is_in_none() {
    let provider = elsewhere();
    let secrets = ["hunter2\r\nX-Admin: yes", r#"{"app_id": 7, "private_key": "hunter2"}"#];
    let schemes = ["bearer", "{headers: {X-Key: '{secret}'}}"];
    for (scheme, secret) in schemes.iter().flat_map(|one| secrets.map(|secret| (one, secret))) {
        let descriptor = parse(&format!(
            "
authentication: {{methods: [{{id: token, scheme: {scheme}}}]}}
keyTypes:
  - {{id: key, type: api-key, fields: {{id: /id}}, operations: {{list: {{request: {{method: GET, url: /keys}}, items: ''}}}}}}
"
        ));
        let secret = Some(Secret::new(secret));
        let open = Binding { secret, ..binding(&descriptor, &provider) };
        refused(&engine().open(open).map(|_| ()).unwrap_err(), "takes a single text");
    }
    assert!(provider.came().is_empty());
}

#[test]
fn nothing_of_an_answer_stands_in_what_is_said_of_it() {
    let body = json!({"message": format!("the key {SECRET} is bad"), SECRET: [SECRET]}).to_string();
    let operation = "      list: {request: {method: GET, url: /keys, query: {q: hunter2}}, items: /keys, refusals: [{at: /message}]}";
    for (code, text) in
        [(403, body.clone()), (500, body.clone()), (200, body.clone()), (200, format!("{{{body}"))]
    {
        let provider = Provider::start(move |_| {
            let headers = vec![("x-secret", SECRET.to_owned()), ("retry-after", SECRET.to_owned())];
            Reply::Whole(code, headers, text.clone())
        });
        let session = session(&acme(operation), &provider);
        let failure = list(&session).unwrap_err();
        assert!(!shown(&failure).contains(SECRET), "{failure:?}");
        assert!(!format!("{session:?}").contains(SECRET));
    }
    // A hostile descriptor calls the secret a time, and the provider writes it there.
    let keys = json!([
        {"id": "a", "created_at": SECRET, "expires_at": {SECRET: 1}, "token": SECRET},
        {"id": "b", "created_at": SECRET, "token": SECRET}, {"token": SECRET}
    ]);
    let provider = Provider::start(move |_| good(keys.clone()));
    let listing = list(&session(&acme(LIST), &provider)).unwrap();
    assert!(!format!("{listing:?}").contains(SECRET), "{listing:?}");
    let odd: Vec<_> =
        listing.odd.iter().map(|odd| (odd.what.as_str(), odd.count, odd.key.as_deref())).collect();
    assert_eq!(
        odd,
        [
            ("the time of its creation", 2, Some("a")),
            ("the time of its end", 1, Some("a")),
            ("its id", 1, None)
        ]
    );
}
