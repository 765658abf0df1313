//! Signing in at the console, and what others may try instead.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use keytender::app::inventory::Inventory;
use keytender::app::links;
use keytender::store::acts::Actor;
use reqwest::Method;
use serde_json::json;

use crate::Home;
use crate::databases::{block_on, new_databases};
use crate::served::Served;
use crate::server_ends::until;
use crate::visitor::{Visitor, form, member};

pub(crate) const PASSWORD: &str = "three geese and a lamp";

/// A served inventory in a file of its own. Whoever asks may say from where they come.
pub(crate) fn console() -> (Home, Served) {
    console_with(&[])
}

pub(crate) fn console_with(words: &[&str]) -> (Home, Served) {
    let home = Home::new();
    let database = home.path().join("inventory.db").display().to_string();
    let home = home.with("KEYTENDER_DATABASE", database);
    let served = Served::start_with(&home, &[&["--trusted-proxy", "127.0.0.1/32"], words].concat());
    (home, served)
}

/// The inventory of a home, beside its server.
pub(crate) async fn inventory(home: &Home) -> Inventory {
    let actor = Actor { name: "test".to_owned(), origin: "test".to_owned() };
    let database = home.variable("KEYTENDER_DATABASE");
    Inventory::open(&database, actor, keytender::clock::now()).await.unwrap()
}

/// The path of a new link for a user.
pub(crate) fn link(home: &Home, user: &str) -> String {
    let made = block_on(async { links::make(&inventory(home).await, user).await });
    format!("/enter/{}", made.unwrap().expose())
}

/// Changes rows behind the server's back: how time passes in a test.
pub(crate) fn change(home: &Home, sql: &str) {
    block_on(async {
        let inventory = inventory(home).await;
        let mut tx = inventory.store.db().begin().await.unwrap();
        tx.execute(sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        inventory.store.close().await;
    });
}

/// A user with a password, who is signed in.
pub(crate) fn user(home: &Home, served: &Served, name: &str, role: &str) -> Visitor {
    served.post("/v1/users", &json!({"name": name, "role": role})).expect(201);
    let visitor = Visitor::new(served);
    visitor.enter(&link(home, name));
    let set = visitor.post("/me", "/me/password", &[("new", PASSWORD)]);
    assert_eq!(set.status, 303, "{set:?}");
    visitor
}

#[test]
fn the_first_administrator_comes_in_by_a_link_and_later_by_a_password() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let (link, visitor) = (served.link(), Visitor::new(&served));
        assert_eq!(visitor.get("/").header("location"), "/sign-in");
        // A program that looks at links uses none up.
        for _ in 0..3 {
            assert!(visitor.get(&link).text.contains("administrator"));
        }
        visitor.enter(&link);
        let weak = visitor.post("/me", "/me/password", &[("new", "hunter2")]);
        assert_eq!(weak.status, 422, "{weak:?}");
        let set = visitor.post("/me", "/me/password", &[("new", PASSWORD)]);
        assert_eq!(set.header("location"), "/me");
        let again = Visitor::new(&served);
        let used = again.get(&link);
        assert_eq!(used.status, 404, "a link works once: {used:?}");
        assert_eq!(again.post("/sign-in", &link, &[]).status, 404);
        let entered = again.sign_in("administrator", PASSWORD);
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{entered:?}");
        assert!(again.is_in());
        let me = again.get("/me");
        assert!(me.text.contains("last used"), "{me:?}");
        assert_eq!(again.post("/me", "/sign-out", &[]).header("location"), "/sign-in");
        assert!(!again.is_in());
        drop(served);
        // Once there is a way in, the server makes no further link.
        let mut served = Served::start(&home);
        served.end();
        assert!(!served.talk().iter().any(|line| line.contains("/enter/")));
    }
}

#[test]
fn nobody_learns_who_is_a_user() {
    let (home, served) = console();
    user(&home, &served, "mia", "operator");
    let visitor = Visitor::new(&served);
    let ask = |name: &str| {
        let page = visitor.get("/sign-in");
        let before = served.processor_time();
        let fields = [("name", name), ("password", "four geese and a lamp")];
        let answer = visitor.post_from(&page, "/sign-in", &fields);
        assert_eq!(answer.status, 403, "{answer:?}");
        let work = served.processor_time() - before;
        (answer.text.replace(name, "NAME").replace(&member(&page, "proof"), ""), work)
    };
    // The work of a password is done for a name that nobody has, too.
    let (mut known, mut unknown) = (0, 0);
    for _ in 0..4 {
        let (of_user, of_nobody) = (ask("mia"), ask("tim"));
        assert_eq!(of_user.0, of_nobody.0);
        known += of_user.1;
        unknown += of_nobody.1;
    }
    assert!(known >= 4, "a password is work: {known} hundredths of a second");
    assert!(unknown * 2 > known && known * 2 > unknown, "{known} and {unknown}");
}

#[test]
fn whoever_guesses_must_wait() {
    let (home, served) = console();
    user(&home, &served, "mia", "operator");
    let mut visitor = Visitor::new(&served);
    // From one address for many names, and for one name from many addresses.
    let by_address = |visitor: &Visitor, number: u32| {
        visitor.sign_in(&format!("name-{number}"), "four geese and a lamp").status
    };
    let tries: Vec<u16> = (0..11).map(|number| by_address(&visitor, number)).collect();
    assert_eq!(tries[..10], [403; 10]);
    assert_eq!(tries[10], 429);
    let mut last = None;
    for number in 0..11 {
        visitor.address = format!("192.0.2.{}", 10 + number);
        last = Some(visitor.sign_in("Mia", "four geese and a lamp"));
    }
    let last = last.unwrap();
    assert_eq!(last.status, 429, "{last:?}");
    let seconds: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=21).contains(&seconds), "{seconds}");
    assert!(last.text.contains("wait"), "a page, not JSON: {last:?}");
    // The right password must wait too; and whoever has a session guesses no faster.
    assert_eq!(visitor.sign_in("mia", PASSWORD).status, 429);
    let inside = Visitor::new(&served);
    inside.enter(&link(&home, "mia"));
    change(&home, "UPDATE sessions SET created_at = created_at - 3600000000");
    let wrong = [("current", "four geese and a lamp"), ("new", "five geese and a lamp")];
    let tries = (0..11).map(|_| inside.post("/me", "/me/password", &wrong).status);
    let tries: Vec<u16> = tries.collect();
    assert_eq!((tries[0], tries[10]), (403, 429), "{tries:?}");
}

#[test]
fn whoever_guesses_at_one_server_must_wait_at_the_other() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let words = ["--trusted-proxy", "127.0.0.1/32"];
        let servers = [Served::start_with(&home, &words), Served::start_with(&home, &words)];
        let wrong = |number: usize, address: &str, name: &str| {
            let mut visitor = Visitor::new(&servers[number % 2]);
            address.clone_into(&mut visitor.address);
            visitor.sign_in(name, "four geese and a lamp")
        };
        let as_mia = |number: usize| wrong(number, &format!("192.0.2.{number}"), "mia");
        for number in 0..10 {
            assert_eq!(as_mia(number).status, 403, "{number}");
        }
        for number in [10, 11] {
            let answer = as_mia(number);
            assert_eq!(answer.status, 429, "at each: {answer:?}");
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=21).contains(&seconds), "{seconds}");
        }
        // The same for one address, whatever the name.
        let from_there = |number: usize| wrong(number, "198.51.100.1", &format!("name-{number}"));
        for number in 0..10 {
            assert_eq!(from_there(number).status, 403, "{number}");
        }
        assert_eq!([from_there(10).status, from_there(11).status], [429; 2]);
        // What is tried in vain costs nothing more: after the time of one there is one.
        change(&home, "UPDATE tries SET until = until - 20000000");
        assert_eq!([as_mia(12).status, as_mia(13).status], [403, 429]);
        change(&home, "UPDATE tries SET until = 1");
        servers[0].post("/v1/tasks/sweep/runs", &json!({})).expect(202);
        until(|| count_of(&home, "tries") == 0);
    }
}

/// How many rows a table has.
fn count_of(home: &Home, table: &str) -> i64 {
    block_on(async {
        let inventory = inventory(home).await;
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
        let rows = inventory.store.db().fetch(&sql, Vec::new()).await.unwrap();
        let count = rows[0].cells().int().unwrap();
        inventory.store.close().await;
        count
    })
}

#[test]
fn a_cookie_that_was_set_before_signing_in_is_not_the_session_after() {
    let (home, served) = console();
    user(&home, &served, "mia", "operator");
    let victim = Visitor::new(&served);
    victim.cookies.borrow_mut().insert("keytender".to_owned(), "planted".to_owned());
    let page = victim.get("/sign-in");
    assert_eq!(page.header("set-cookie"), "", "what was planted stays until the sign-in");
    let fields = [("name", "mia"), ("password", PASSWORD)];
    assert_eq!(victim.post_from(&page, "/sign-in", &fields).status, 303);
    assert_ne!(victim.held(), "planted");
    assert!(victim.is_in());
    let attacker = Visitor::new(&served);
    attacker.cookies.borrow_mut().insert("keytender".to_owned(), "planted".to_owned());
    assert!(!attacker.is_in());
    // The same by a link.
    let other = Visitor::new(&served);
    other.cookies.borrow_mut().insert("keytender".to_owned(), "planted".to_owned());
    other.enter(&link(&home, "mia"));
    assert_ne!(other.held(), "planted");
    assert!(!attacker.is_in());
}

#[test]
fn no_other_site_posts_for_somebody() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let tim = user(&home, &served, "tim", "operator");
    let path = "/me/sessions/end";
    let own = member(&mia.get("/me"), "proof");
    let post = |proof: Option<&str>, headers: &[(&str, &str)]| {
        let body = proof.map_or_else(|| "x=y".to_owned(), |proof| form(&[("proof", proof)]));
        mia.ask(&Method::POST, path, Some(body), headers).status
    };
    assert_eq!(post(None, &[]), 403, "no proof");
    assert_eq!(post(Some(""), &[]), 403);
    assert_eq!(post(Some(&member(&tim.get("/me"), "proof")), &[]), 403, "another session's proof");
    let visitor = Visitor::new(&served);
    assert_eq!(post(Some(&member(&visitor.get("/sign-in"), "proof")), &[]), 403, "a visitor's");
    for site in ["cross-site", "same-site"] {
        assert_eq!(post(Some(&own), &[("sec-fetch-site", site)]), 403, "{site}");
    }
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(post(Some(&own), &[("origin", origin)]), 403, "{origin}");
    }
    // The proof of a page in a query, or as JSON, is none.
    let query = format!("{path}?proof={own}");
    assert_eq!(mia.ask(&Method::POST, &query, Some(String::new()), &[]).status, 403);
    let json = json!({"proof": own}).to_string();
    assert_eq!(mia.ask(&Method::POST, path, Some(json), &[]).status, 403);
    assert_eq!(post(Some(&own), &[("sec-fetch-site", "same-origin")]), 303);
    assert_eq!(post(Some(&own), &[("origin", &served.url)]), 303);
    // Another method changes nothing either.
    assert_eq!(mia.get("/sign-out").status, 405);
    // A proof from before the sign-in ends with it; so does that of an earlier session.
    let before = Visitor::new(&served);
    let page = before.get("/sign-in");
    before.post_from(&page, "/sign-in", &[("name", "mia"), ("password", PASSWORD)]);
    assert_eq!(before.post_from(&page, path, &[]).status, 403);
    // An API's token is no session, and a session is no token.
    let bearer = format!("Bearer {}", served.token);
    let with_token = Visitor::new(&served);
    let asked = with_token.ask(&Method::GET, "/me", None, &[("authorization", &bearer)]);
    assert_eq!(asked.status, 303);
    assert_eq!(mia.get("/v1/me").status, 401);
}

#[test]
fn nobody_is_signed_in_as_somebody_else_by_another_site() {
    let (home, served) = console();
    user(&home, &served, "mallory", "operator");
    // Mallory has her own page's proof, and has a victim's browser post her name and password.
    let (mallory, victim) = (Visitor::new(&served), Visitor::new(&served));
    let proof = member(&mallory.get("/sign-in"), "proof");
    victim.get("/sign-in");
    let body = form(&[("proof", &proof), ("name", "mallory"), ("password", PASSWORD)]);
    for headers in
        [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "https://evil.example")]]
    {
        let answer = victim.ask(&Method::POST, "/sign-in", Some(body.clone()), headers);
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    // Nor by a link of hers: looking at it signs nobody in, and its form has a proof too.
    let link = link(&home, "mallory");
    victim.get(&link);
    assert_eq!(victim.ask(&Method::POST, &link, Some(String::new()), &[]).status, 403);
    assert!(!victim.is_in());
}

#[test]
fn nobody_is_led_to_another_site_and_no_header_is_made_of_what_was_sent() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    for (number, next) in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%5Cevil.example\r\nset-cookie: a=b",
        "/\r\nlocation: https://evil.example",
        "javascript:alert(1)",
        " /keys",
    ]
    .into_iter()
    .enumerate()
    {
        let query = form(&[("next", next)]);
        let signed = mia.get(&format!("/sign-in?{query}"));
        assert_eq!((signed.status, signed.header("location")), (303, "/"), "{next:?}");
        let mut visitor = Visitor::new(&served);
        visitor.address = format!("192.0.2.{}", 20 + number);
        if number < 3 {
            let page = visitor.get(&format!("/sign-in?{query}"));
            let fields = [("name", "mia"), ("password", PASSWORD), ("next", next)];
            let entered = visitor.post_from(&page, "/sign-in", &fields);
            assert_eq!((entered.status, entered.header("location")), (303, "/"), "{next:?}");
        }
    }
    let wanted = Visitor::new(&served).get("/me?a=b&c=%0d%0a");
    assert_eq!(wanted.header("location"), "/sign-in?next=%2Fme%3Fa%3Db%26c%3D%250d%250a");
    // What is typed in is shown as text, and makes no header.
    let visitor = Visitor::new(&served);
    let name = "\r\nset-cookie: a=b\"><script>alert(1)</script>";
    let answer = visitor.sign_in(name, "x");
    assert_eq!(answer.status, 403);
    assert!(!answer.text.contains("<script>alert"), "{answer:?}");
    assert!(!answer.header("set-cookie").contains("a=b"));
    // A word for the next page is text too, whoever put it there.
    use base64::Engine as _;
    let word = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode("<script>alert(1)</script>");
    mia.cookies.borrow_mut().insert("keytender-word".to_owned(), word);
    let page = mia.get("/me");
    assert!(!page.text.contains("<script>alert") && page.text.contains("&lt;script&gt;"));
}

#[test]
fn pages_are_not_framed_kept_or_sniffed_and_load_only_what_is_ours() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let visitor = Visitor::new(&served);
    let link = link(&home, "mia");
    for page in [mia.get("/me"), visitor.get("/sign-in"), visitor.get(&link), mia.get("/nothing")] {
        let policy = page.header("content-security-policy");
        for part in
            ["default-src 'none'", "frame-ancestors 'none'", "form-action", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{part}: {page:?}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
    }
}

#[test]
fn a_form_has_an_end_and_must_come_to_it() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let proof = member(&mia.get("/me"), "proof");
    let large = form(&[("proof", &proof), ("new", &"x".repeat(1_100_000))]);
    assert_eq!(mia.ask(&Method::POST, "/me/password", Some(large), &[]).status, 413);
    let nul = form(&[("proof", &proof), ("new", "\0")]);
    assert_eq!(mia.ask(&Method::POST, "/me/password", Some(nul), &[]).status, 400);
    let none = form(&[("proof", &proof)]);
    assert_eq!(mia.ask(&Method::POST, "/me/password", Some(none), &[]).status, 422);
    // One that stops in the middle is let go after a pause; others are served meanwhile.
    let mut stream = TcpStream::connect(served.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nproof=";
    stream.write_all(head.as_bytes()).unwrap();
    assert!(mia.is_in());
    let mut said = String::new();
    _ = stream.read_to_string(&mut said);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
}

#[test]
fn a_copied_cookie_soon_opens_nothing_and_ends_the_session() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let thief = mia.copy();
    let hour = "UPDATE sessions SET turned_at = turned_at - 3700000000";
    change(&home, hour);
    // Also on a page that sets another cookie.
    assert!(mia.get("/me").text.contains("The password is set"));
    assert_ne!(mia.held(), thief.held(), "what the cookie holds was changed");
    // Requests under way bring the old one for a moment.
    assert_eq!(thief.copy().get("/me").status, 200);
    change(&home, "UPDATE sessions SET turned_at = turned_at - 120000000");
    assert!(!thief.is_in());
    assert!(!mia.is_in(), "nobody knows which of the two is the user");
    // A session that is not used ends, and one that is used ends too.
    for late in ["used_at = used_at - 44000000000", "ends_at = ends_at - 605000000000"] {
        let again = Visitor::new(&served);
        again.sign_in("mia", PASSWORD);
        assert!(again.is_in());
        change(&home, &format!("UPDATE sessions SET {late}"));
        assert!(!again.is_in(), "{late}");
    }
}

#[test]
fn whoever_is_signed_out_suspended_or_removed_is_out_at_once() {
    let (home, served) = console();
    let mia = user(&home, &served, "mia", "operator");
    let elsewhere = Visitor::new(&served);
    elsewhere.sign_in("mia", PASSWORD);
    let tim = user(&home, &served, "tim", "operator");
    assert!(elsewhere.is_in());
    assert!(mia.get("/me").text.contains("Sign out everywhere else"));
    mia.post("/me", "/me/sessions/end", &[]);
    assert!(mia.is_in() && !elsewhere.is_in() && tim.is_in());
    elsewhere.sign_in("mia", PASSWORD);
    let new = [("current", PASSWORD), ("new", "five geese and a lamp")];
    assert_eq!(mia.post("/me", "/me/password", &new).status, 303);
    assert!(mia.is_in() && !elsewhere.is_in(), "a new password signs others out");
    served.patch("/v1/users/mia", &json!({"suspended": true})).expect(200);
    assert!(!mia.is_in());
    assert_eq!(mia.sign_in("mia", "five geese and a lamp").status, 403);
    let link = block_on(async { links::make(&inventory(&home).await, "mia").await });
    assert!(link.is_err());
    served.patch("/v1/users/mia", &json!({"suspended": false})).expect(200);
    assert!(tim.is_in());
    assert_eq!(served.delete("/v1/users/tim").status, 204);
    assert!(!tim.is_in());
}

#[test]
fn over_tls_cookies_are_of_this_host_alone() {
    let home = Home::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = home.write("chain.pem", certificate.cert.pem()).display().to_string();
    let key = home.write("key.pem", certificate.signing_key.serialize_pem()).display().to_string();
    let served = Served::start_with(&home, &["--tls-certificate", &chain, "--tls-key", &key]);
    let (link, visitor) = (served.link(), Visitor::new(&served));
    let link = link.split_once("/enter/").map(|(_, secret)| format!("/enter/{secret}")).unwrap();
    let page = visitor.get(&link);
    let entered = visitor.post_from(&page, &link, &[]);
    let cookies: Vec<&str> = [&page, &entered].map(|one| one.header("set-cookie")).to_vec();
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-keytender="), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(visitor.is_in());
    let set = visitor.post("/me", "/me/password", &[("new", PASSWORD)]);
    assert!(set.header("set-cookie").contains("; Secure"), "the word too: {set:?}");
}

#[test]
fn the_log_names_users_and_no_secret() {
    let (home, mut served) = console_with(&["--log", "json"]);
    let mia = user(&home, &served, "mia", "operator");
    let link = link(&home, "mia");
    let secret = link.strip_prefix("/enter/").unwrap();
    let visitor = Visitor::new(&served);
    visitor.get(&link);
    visitor.enter(&link);
    visitor.get("/sign-in?next=/hidden-place");
    Visitor::new(&served).sign_in("mia", "four geese and a lamp");
    let secrets = [PASSWORD, "four geese", secret, &mia.held(), &visitor.held(), "hidden-place"];
    let secrets = secrets.map(str::to_owned);
    served.end();
    let said = served.talk().join("\n");
    assert!(said.contains("\"user\":\"mia\"") && said.contains("/enter/{secret}"), "{said}");
    for secret in secrets {
        assert!(!secret.is_empty() && !said.contains(&secret), "{secret}: {said}");
    }
    // The log of acts says how somebody came in, and no more.
    let acts = home.run(&["log", "--json"]).stdout;
    assert!(acts.contains("user.sign-in") && acts.contains("\"link\""), "{acts}");
    assert!(!acts.contains(secret) && !acts.contains(PASSWORD));
}
