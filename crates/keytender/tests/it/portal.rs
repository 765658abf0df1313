//! The key page of an API's customers: who gets in, to what, and for how long.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::console_sign_in::change;
use crate::customers_own::Customer;
use crate::databases::{Database, new_databases};
use crate::inventory::run;
use crate::served::{Answer, Served};
use crate::visitor::{Visitor, form, member};

mod apps;
mod brand;
mod browser;
mod frames;

/// A server with two customers of the API `acme` and one of `birch`, and a key that is held.
struct Site {
    home: Home,
    server: Served,
    globex: Customer,
    others: Vec<Customer>,
    held: String,
    _database: Database,
}

impl Site {
    fn open() -> Self {
        Self::open_with(&[])
    }

    fn open_with(words: &[&str]) -> Self {
        let database = new_databases().remove(0);
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let server =
            Served::start_with(&home, &[words, &["--trusted-proxy", "127.0.0.0/8"]].concat());
        for api in ["acme", "birch"] {
            let new = json!({"name": api, "title": format!("The {api} API"),
                             "portal": {"return_hosts": ["app.example"]}});
            server.post("/v1/apis", &new).expect(201);
        }
        let key = json!({"provider": "stripe", "name": "stripe-live"});
        let held = server.post("/v1/keys", &key).expect(201)["key"].as_str().unwrap().to_owned();
        let globex = Customer::new(&server, "acme", "globex");
        let others = [("acme", "initech"), ("birch", "hooli")]
            .map(|(api, name)| Customer::new(&server, api, name))
            .into();
        Self { home, server, globex, others, held, _database: database }
    }

    /// The path of a link to a customer's key page.
    fn link(&self, account: &str, asked: &Value) -> String {
        let path = format!("/v1/accounts/{account}/portal-links");
        let made = self.server.post(&path, asked).expect(201);
        let url = made["url"].as_str().unwrap();
        let place = url.find("/portal/enter/").unwrap_or_else(|| panic!("{url}"));
        url.split_at(place).1.to_owned()
    }

    /// A browser in which the page of a customer is open.
    fn guest(&self, account: &str, asked: &Value) -> Visitor {
        let visitor = Visitor::new(&self.server);
        let entered = visitor.get(&self.link(account, asked));
        assert_eq!((entered.status, entered.header("location")), (303, "/portal"), "{entered:?}");
        visitor
    }

    fn keys(&self) -> Value {
        self.server.get("/v1/keys?limit=1000").expect(200)["total"].clone()
    }
}

/// What a browser sends: a method, a path, and what a form says.
type Sent = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every page of the key page that names a key: its method and path, and what its form says.
const OF_A_KEY: [Sent; 11] = [
    ("GET", "/portal/keys/{key}", &[]),
    ("POST", "/portal/keys/{key}/name", &[("label", "taken")]),
    ("POST", "/portal/keys/{key}/suspension", &[("is", "true")]),
    ("POST", "/portal/keys/{key}/rotations", &[]),
    ("GET", "/portal/keys/{key}/rotations/finish", &[]),
    ("POST", "/portal/keys/{key}/rotations/finish", &[("typed", "initech-first")]),
    ("GET", "/portal/keys/{key}/rotations/cancel", &[]),
    ("POST", "/portal/keys/{key}/rotations/cancel", &[("typed", "initech-first")]),
    ("GET", "/portal/keys/{key}/revocation", &[]),
    ("POST", "/portal/keys/{key}/revocation", &[("typed", "initech-first"), ("leaked", "yes")]),
    ("POST", "/portal/keys/{key}/revocation", &[("typed", "stripe-live")]),
];

#[test]
fn the_page_of_a_customer_shows_nothing_of_another_by_any_path_form_or_cursor() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    let page = guest.open("/portal");
    page.with(200).says(&["Your keys", "globex-first"]);
    shows(&page, &["The acme API"]);
    let hidden = ["initech", "hooli", "stripe", "birch", "pays-late", "crawler"];
    let before = site.server.get("/v1/keys?limit=1000").expect(200)["keys"].clone();
    let mut tried = 0;
    let others = site.others.iter().flat_map(|one| one.keys.iter()).chain([&site.held]);
    let names = ["initech-first", "stripe-live"].map(str::to_owned);
    for word in others.chain(&names) {
        for (method, path, fields) in OF_A_KEY {
            let ask = |word: &str| {
                let path = path.replace("{key}", word);
                // A form that makes a key is done once: each has a word of its own.
                let once = guest.open("/portal");
                let once = member(&once, "once");
                let answer = match method {
                    "GET" => guest.open(&path),
                    _ => guest.send(&path, &[&[("once", once.as_str())], fields].concat()),
                };
                let proof = member(&answer, "proof");
                (answer.status, answer.text.replace(word, "…").replace(&proof, "…"))
            };
            let (theirs, nobodys) = (ask(word), ask("key_0000000000001"));
            assert_eq!(theirs, nobodys, "{method} {path} of {word}");
            assert_eq!(theirs.0, 404, "{method} {path} of {word}");
            tried += 1;
        }
    }
    // An app of another, in the form that makes a key.
    let refused = |app: &str| {
        let page = guest.open("/portal");
        let once = member(&page, "once");
        let fields = [("once", once.as_str()), ("label", "x"), ("app", app)];
        let answer = guest.send("/portal/keys", &fields);
        assert_eq!(answer.status, 404, "{answer:?}");
        answer.text.len()
    };
    assert_eq!(refused(&site.others[0].app), refused("app_0000000000001"));
    // Cursors of an administrator's list go on with what is the customer's own.
    let mut next = site.server.get("/v1/keys?limit=1").expect(200)["next"].clone();
    while let Some(cursor) = next.as_str() {
        let page = guest.open(&format!("/portal?after={cursor}")).with(200).text.clone();
        assert!(!hidden.iter().any(|word| page.contains(word)), "{page}");
        next = site.server.get(&format!("/v1/keys?limit=1&after={cursor}")).expect(200)["next"]
            .clone();
        tried += 1;
    }
    for path in ["/portal", "/portal?q=initech", "/portal?state=ended", "/portal/report"] {
        let shown = guest.open(path);
        // What was searched for stands in the field.
        let text = shown.text.replace("value=\"initech\"", "");
        let found = hidden.iter().find(|word| text.contains(*word));
        assert_eq!((shown.status, found), (200, None), "{path}: {text}");
    }
    assert_eq!(guest.get("/portal/report").text.lines().count(), 4, "a head and three keys");
    assert!(tried > 90, "{tried}");
    let after = site.server.get("/v1/keys?limit=1000").expect(200)["keys"].clone();
    assert_eq!(after, before, "nothing was changed");
}

#[test]
fn a_link_works_once_and_not_for_long_and_looking_ahead_uses_nothing_up() {
    let site = Site::open();
    let link = site.link(&site.globex.account, &json!({}));
    let visitor = Visitor::new(&site.server);
    for (method, headers) in [
        (Method::HEAD, vec![]),
        (Method::GET, vec![("sec-purpose", "prefetch;prerender")]),
        (Method::GET, vec![("purpose", "prefetch")]),
    ] {
        let ahead = visitor.ask(&method, &link, None, &headers);
        assert_eq!((ahead.status, ahead.header("set-cookie")), (204, ""), "{ahead:?}");
    }
    visitor.open(&link).with(200).says(&["Your keys"]);
    // A second time, in this browser or another: told so, as the API looks, and nobody is in.
    for again in [&visitor, &Visitor::new(&site.server)] {
        let used = again.get(&link);
        used.with(401).says(&["Open this page again", "The acme API"]);
        assert_eq!(used.header("set-cookie"), "");
    }
    visitor.open("/portal").with(200);
    let late = site.link(&site.globex.account, &json!({}));
    change(&site.home, "UPDATE portal_links SET ends_at = 1 WHERE used = 0");
    Visitor::new(&site.server).get(&late).with(401).says(&["Open this page again"]);
    for made_up in ["/portal/enter/x", "/portal/enter/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
    {
        let unknown = Visitor::new(&site.server).get(made_up);
        unknown.with(401).says(&["Open this page from where your account is"]);
        assert!(!unknown.text.contains("acme"), "{}", unknown.text);
    }
    // The log names the customer, and nothing that opens the page.
    let secret = link.rsplit('/').next().unwrap();
    let acts = site.server.get("/v1/acts?verb=portal.open").text;
    assert!(acts.contains("acme/globex") && !acts.contains(secret), "{acts}");
}

#[test]
fn the_page_closes_by_itself_and_when_it_is_told_to() {
    let site = Site::open();
    let open =
        || site.guest(&site.globex.account, &json!({"return_url": "https://app.example/back"}));
    let is_over = |guest: &Visitor| {
        guest.open("/portal").with(401).says(&["Open this page again", "The acme API"]);
        let path = format!("/portal/keys/{}", site.globex.keys[1]);
        assert!(!guest.open(&path).text.contains("globex-first"));
    };
    for sql in [
        "UPDATE portal_sessions SET ends_at = 1",
        "UPDATE portal_sessions SET used_at = used_at - 1801000000",
    ] {
        let guest = open();
        guest.open("/portal").with(200);
        change(&site.home, sql);
        is_over(&guest);
    }
    let guest = open();
    shows(guest.open("/portal").with(200), &["Back to app.example"]);
    guest
        .send("/portal/leave", &[])
        .with(200)
        .says(&["This page is closed", "Back to app.example"]);
    is_over(&guest);
    // What is forgotten with the customer opens nothing.
    let guest = open();
    site.server.delete(&format!("/v1/accounts/{}", site.globex.account)).expect(204);
    guest.open("/portal").with(401).says(&["Open this page from where your account is"]);
}

#[test]
fn the_key_page_is_no_session_of_the_console_and_the_other_way_round() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    guest.open("/portal").with(200);
    let held = guest.cookies.borrow()["keytender-portal"].clone();
    for path in ["/", "/keys", "/apis", "/me", "/accounts", "/users"] {
        let away = guest.get(path);
        assert!(away.status == 303 && away.header("location").starts_with("/sign-in"), "{away:?}");
    }
    guest.cookies.borrow_mut().insert("keytender".to_owned(), held.clone());
    assert_eq!(guest.get("/keys").status, 303, "its cookie opens nothing there");
    let bearer = site.server.ask_with(&held, &Method::GET, "/v1/keys", None, &[]);
    assert_eq!(bearer.status, 401);
    // Nor does an administrator's session open a customer's page.
    let user = Visitor::of(&site.server, "administrator");
    let held = user.cookies.borrow()["keytender"].clone();
    user.cookies.borrow_mut().insert("keytender-portal".to_owned(), held);
    user.open("/portal").with(401).says(&["Open this page from where your account is"]);
    // What somebody else put there is not kept: whoever follows a link gets a cookie of their own.
    let victim = Visitor::new(&site.server);
    victim.cookies.borrow_mut().insert("keytender-portal".to_owned(), "chosen".to_owned());
    victim.open(&site.link(&site.globex.account, &json!({}))).with(200);
    assert_ne!(victim.cookies.borrow()["keytender-portal"], "chosen");
    let attacker = Visitor::new(&site.server);
    attacker.cookies.borrow_mut().insert("keytender-portal".to_owned(), "chosen".to_owned());
    attacker.open("/portal").with(401);
}

#[test]
fn a_form_that_is_not_from_the_page_does_nothing() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    let other = site.guest(&site.others[0].account, &json!({}));
    let path = format!("/portal/keys/{}/suspension", site.globex.keys[1]);
    let proof_of = |visitor: &Visitor| member(&visitor.open("/portal"), "proof");
    let (own, theirs) = (proof_of(&guest), proof_of(&other));
    assert_ne!(own, theirs);
    let send = |proof: &str, headers: &[(&str, &str)]| {
        let body = form(&[("proof", proof), ("is", "true")]);
        guest.ask(&Method::POST, &path, Some(body), headers).status
    };
    for (proof, headers) in [
        ("", vec![]),
        (theirs.as_str(), vec![]),
        (own.as_str(), vec![("sec-fetch-site", "cross-site")]),
        (own.as_str(), vec![("sec-fetch-site", "same-site")]),
        (own.as_str(), vec![("origin", "https://app.example")]),
        (own.as_str(), vec![("origin", "null")]),
    ] {
        assert_eq!(send(proof, &headers), 403, "{headers:?}");
    }
    let state =
        || site.server.get(&format!("/v1/keys/{}", site.globex.keys[1])).json()["state"].clone();
    assert_eq!(state(), "active");
    assert_eq!(send(&own, &[("sec-fetch-site", "same-origin")]), 303);
    assert_eq!(state(), "suspended");
    // A page that was opened for another customer meanwhile does not take the forms of the first.
    guest.open(&site.link(&site.others[0].account, &json!({}))).with(200);
    assert_eq!(send(&own, &[]), 403);
}

#[test]
fn a_form_that_makes_a_key_is_done_once_and_shows_it_once() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({"person": "dana@globex.example"}));
    let page = guest.open("/portal");
    let (once, proof) = (member(&page, "once"), member(&page, "proof"));
    let body = form(&[
        ("proof", &proof),
        ("once", &once),
        ("label", "nightly"),
        ("app", &site.globex.app),
    ]);
    let made = guest.ask(&Method::POST, "/portal/keys", Some(body.clone()), &[]);
    made.with(200).says(&["it is shown this once"]);
    let secret =
        made.text.split("data-copy>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(secret.starts_with("acme_live_"), "{secret}");
    let count = site.keys();
    let again = guest.ask(&Method::POST, "/portal/keys", Some(body), &[]);
    again.with(409).says(&["This form was sent before"]);
    assert!(!again.text.contains(&secret) && site.keys() == count);
    // The log says who of the customer it was, and holds no secret.
    let acts = site.server.get("/v1/acts?verb=key.create&actor=acme/globex").expect(200);
    let origin = acts["acts"][0]["origin"].as_str().unwrap();
    assert!(
        origin.contains("key page from 192.0.2.1") && origin.ends_with("for dana@globex.example"),
        "{origin}"
    );
    assert!(!site.server.get("/v1/acts?limit=1000").text.contains(&secret));
}

#[test]
fn what_stops_a_key_for_good_is_done_when_its_name_is_typed() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    let [old, new, leaked] = &site.globex.keys;
    let state = |key: &str| site.server.get(&format!("/v1/keys/{key}")).json()["state"].clone();
    for (key, path, name) in [
        (leaked, "revocation", "globex-leaked"),
        (old, "rotations/finish", "globex-first"),
        (new, "revocation", "globex-first"),
    ] {
        let path = format!("/portal/keys/{key}/{path}");
        guest.open(&path).with(200).says(&[&format!("Type {name}")]);
        for wrong in ["", "globex", "yes"] {
            guest.send(&path, &[("typed", wrong)]).with(422).says(&["nothing was done"]);
        }
        assert_eq!(state(key), "active", "{path}");
        guest.send(&path, &[("typed", name)]).with(200);
        assert_ne!(state(key), "active", "{path}");
    }
    guest
        .open(&format!("/portal/keys/{old}"))
        .with(200)
        .says(&["It has ended, for good", "A new key"]);
}

#[test]
fn a_link_to_look_lets_nothing_be_changed() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({"read_only": true}));
    let page = guest.open("/portal");
    page.with(200).says(&["globex-first", "Download the credential report"]);
    assert!(!page.text.contains("Make a key"), "{}", page.text);
    let key = guest.open(&format!("/portal/keys/{}", site.globex.keys[1]));
    key.with(200);
    for word in ["Revoke", "Suspend it", "another name", "Rotate it"] {
        assert!(!key.text.contains(word), "{word}: {}", key.text);
    }
    let before = site.keys();
    for (method, path, fields) in OF_A_KEY
        .iter()
        .filter(|(method, path, _)| *method == "POST" || path.ends_with("revocation"))
    {
        guest.open("/portal");
        let path = path.replace("{key}", &site.globex.keys[1]);
        let answer = match *method {
            "GET" => guest.open(&path),
            _ => guest.send(&path, fields),
        };
        assert_eq!(answer.status, 403, "{method} {path}");
    }
    let made =
        guest.submit("/portal", "/portal/keys", &[("label", "x"), ("app", &site.globex.app)]);
    assert_eq!((made.status, site.keys()), (403, before));
}

#[test]
fn a_user_opens_the_page_as_a_customer_and_the_log_says_so() {
    let site = Site::open();
    let user = Visitor::of(&site.server, "administrator");
    let place = format!("/accounts/{}", site.globex.account);
    user.open(&place).with(200).says(&["Open the key page as this customer"]);
    let page = user.send(&format!("{place}/portal"), &[]);
    shows(page.with(200), &["Your keys", "administrator looks at this page as the customer"]);
    user.submit(
        &format!("/portal/keys/{}", site.globex.keys[1]),
        &format!("/portal/keys/{}/name", site.globex.keys[1]),
        &[("label", "named by the provider")],
    );
    let acts = site.server.get("/v1/acts?verb=key.set&actor=acme/globex").expect(200);
    let origin = acts["acts"][0]["origin"].as_str().unwrap();
    assert!(origin.ends_with("user administrator as the customer"), "{origin}");
    let links = site.server.get("/v1/acts?verb=portal.link").expect(200);
    assert_eq!(links["acts"][0]["actor"], "administrator");
    // A preview changes nothing; an auditor opens none.
    user.open("/apis/acme").with(200).says(&["Preview the key page"]);
    let preview = user.send("/apis/acme/portal/preview", &[]);
    shows(preview.with(200), &["Nothing can be changed"]);
    site.server.post("/v1/users", &json!({"name": "aud", "role": "auditor"})).expect(201);
    let auditor = Visitor::of(&site.server, "aud");
    let page = auditor.open(&place);
    assert!(!page.text.contains("Open the key page"), "{}", page.text);
    auditor.send(&format!("{place}/portal"), &[]).with(403);
}

#[test]
fn a_customer_is_told_what_stops_its_keys_and_what_is_to_be_done_about_them() {
    let site = Site::open();
    let guest = site.guest(&site.globex.account, &json!({}));
    let [old, new, leaked] = &site.globex.keys;
    let page = guest.open("/portal");
    page.says(&[
        "Somebody else may know it: rotate it now",
        "It stops in 2 days",
        "the old key of two",
    ]);
    guest
        .open(&format!("/portal/keys/{old}"))
        .says(&["Who still uses the old key?", "This is the old key"]);
    guest.open(&format!("/portal/keys/{new}")).says(&["This is the new key"]);
    // One that leaked is stopped, and does not work again.
    let path = format!("/portal/keys/{leaked}");
    guest
        .submit(&path, &format!("{path}/suspension"), &[("is", "true")])
        .says(&["does not work again"]);
    guest.send(&format!("{path}/suspension"), &[("is", "false")]).with(409);
    let stop = json!({"because": "unpaid since spring"});
    let path = format!("/v1/accounts/{}/suspension", site.globex.account);
    site.server.ask_with(&site.server.token, &Method::PUT, &path, Some(&stop), &[]).expect(200);
    let app = format!("/v1/apps/{}", site.globex.app);
    site.server.patch(&app, &json!({"suspended": true, "because": "runs in circles"})).expect(200);
    let page = guest.open("/portal");
    page.says(&["Your account is suspended since", "The app globex-shop is suspended since"]);
    assert!(!page.text.contains("unpaid") && !page.text.contains("circles"), "{}", page.text);
    // A customer without an app, and so without a key.
    let account = site.server.post("/v1/apis/acme/accounts", &json!({"name": "empty"})).expect(201);
    let guest = site.guest(account["id"].as_str().unwrap(), &json!({}));
    guest.open("/portal").with(200).says(&["There is no app of yours yet"]);
    let lost = guest.open("/portal/nothing/here");
    shows(lost.with(404), &["To your keys", "The acme API"]);
}

#[test]
fn a_link_is_asked_for_on_the_command_line_here_and_at_a_server() {
    let site = Site::open();
    for home in [&site.home, &site.server.home()] {
        let words = ["accounts", "portal", "acme/globex", "--person", "dana"];
        let made = run(home, &[&words[..], &["--return", "https://app.example/x"]].concat());
        let url = made.stdout.trim();
        let path = url.split_at(url.find("/portal/enter/").unwrap()).1;
        let page = Visitor::new(&site.server).open(path);
        shows(page.with(200), &["open for dana", "Back to app.example"]);
        assert!(made.stderr.contains("it works once"), "{}", made.stderr);
        let json: Value = serde_json::from_str(
            &run(home, &[&words[..], &["--read-only", "--json"]].concat()).stdout,
        )
        .unwrap();
        assert!(json["url"].as_str().is_some() && json["expires_at"].as_str().is_some(), "{json}");
        let words = ["accounts", "portal", "acme/globex", "--return", "https://evil.example/"];
        let refused = home.run(&words);
        assert!(
            refused.code == 1 && refused.stderr.contains("does not lead back"),
            "{}",
            refused.stderr
        );
        for account in ["acme/nobody", "stripe"] {
            assert_eq!(home.run(&["accounts", "portal", account]).code, 1, "{account}");
        }
    }
}

#[test]
fn a_customers_own_token_asks_for_no_link_and_nobody_without_the_scope() {
    let site = Site::open();
    let path = format!("/v1/accounts/{}/portal-links", site.globex.account);
    let ask = |token: &str, body: &Value| {
        site.server.ask_with(token, &Method::POST, &path, Some(body), &[])
    };
    assert_eq!(ask(&site.globex.token, &json!({})).status, 403);
    let few = site.server.token_of("operator", &json!({}), Some(&["keys:issue", "accounts:write"]));
    assert_eq!(ask(&few, &json!({})).status, 403);
    let back_end = site.server.token_of("operator", &json!({}), Some(&["accounts:admit"]));
    ask(&back_end, &json!({})).expect(201);
    for wrong in [
        json!({"return_url": "https://evil.example/"}),
        json!({"return_url": "https://app.example.evil.example/"}),
        json!({"return_url": "javascript:alert(1)"}),
        json!({"return_url": "//app.example/"}),
        json!({"person": ""}),
        json!({"person": "a\nb"}),
        json!({"unknown": 1}),
    ] {
        let refused = ask(&back_end, &wrong);
        assert!((400..500).contains(&refused.status), "{wrong}: {refused:?}");
    }
}

/// Fails unless a page shows these texts, around its main part too.
#[track_caller]
fn shows(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

/// The value of a header, of which there is one.
fn only<'a>(answer: &'a Answer, name: &str) -> &'a str {
    assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{name}: {answer:?}");
    answer.header(name)
}
