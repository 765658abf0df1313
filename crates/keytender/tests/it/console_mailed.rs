//! Links in mails, by which owners who are no users enter.

use std::io::BufRead;
use std::sync::{Arc, Mutex};

use keytender::app::sessions;
use keytender_core::access::{Role, Scope};
use keytender_core::time::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::console_sign_in::{change, inventory};
use crate::databases::block_on;
use crate::inventory::run;
use crate::notify::{MailServer, PASSWORD};
use crate::served::Served;
use crate::server_ends::until;
use crate::visitor::Visitor;
use crate::{Home, partner};

/// By what others reach the server.
const PUBLIC: &str = "https://keys.example.com";

/// A server with two owners, of whom `bob` is a user too, and a mail server that heard of their keys.
struct Post {
    home: Home,
    served: Served,
    mails: Arc<Mutex<Vec<Value>>>,
    _server: MailServer,
}

impl Post {
    fn start(python: &str) -> Self {
        let home = Home::new();
        let database = home.path().join("inventory.db").display().to_string();
        let home = home.with("KEYTENDER_DATABASE", database).with("SMTP_PASSWORD", PASSWORD);
        let mut server = MailServer::start(python, &home);
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (lines, inbox) = (server.lines.take().unwrap(), Arc::clone(&mails));
        // Ends with the server, whose output it reads.
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                inbox.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let words = ["--public-url", PUBLIC, "--trusted-proxy", "127.0.0.1/32", "--log", "json"];
        let served = Served::start_with(&home, &words);
        let created = keytender::clock::now().minus(Span::days(730)).date();
        let mut csv = "provider,name,created,owner\n".to_owned();
        for owner in ["ann", "bob"] {
            run(&home, &["owners", "add", owner, "--address", &format!("{owner}@example.com")]);
            csv.push_str(&format!("stripe,key of {owner},{created},{owner}\n"));
        }
        let user = json!({"name": "robert", "role": "operator", "address": "Bob@example.com"});
        served.post("/v1/users", &user).expect(201);
        home.write("keys.csv", csv);
        run(&home, &["keys", "import", "keys.csv"]);
        let port = server.port.to_string();
        let ca = server.certificate.display().to_string();
        let place = ["--host", "localhost", "--port", &port, "--ca", &ca];
        let who = ["--user", "keytender", "--password", "env:SMTP_PASSWORD"];
        let words = ["channels", "add", "mail", "--from", "keys@example.com"];
        run(&home, &[&words[..], &place, &who].concat());
        let preview = run(&home, &["notify", "--dry-run"]).stdout;
        assert!(!preview.contains("not_"), "a preview lets nobody in: {preview}");
        run(&home, &["notify", "start", "--yes"]);
        run(&home, &["notify", "--now"]);
        Self { home, served, mails, _server: server }
    }

    /// The mails to somebody, once there are so many.
    fn mails(&self, to: &str, count: usize) -> Vec<Value> {
        let found = || -> Vec<Value> {
            let mails = self.mails.lock().unwrap();
            let is_to = |mail: &&Value| mail["to"][0] == format!("{to}@example.com");
            mails.iter().filter(is_to).cloned().collect()
        };
        until(|| found().len() == count);
        found()
    }
}

/// The path of the link to the console in a mail; the same in both of its parts.
fn link(mail: &Value) -> String {
    let text = mail["parts"]["text/plain"].as_str().unwrap();
    let url = text.split_whitespace().find(|word| word.starts_with(PUBLIC)).unwrap();
    let html = mail["parts"]["text/html"].as_str().unwrap();
    assert!(html.contains(&format!("href=\"{url}\"")), "{html}");
    url.strip_prefix(PUBLIC).unwrap().to_owned()
}

/// The parts of a link: its secret and its key.
fn parts(link: &str) -> (&str, &str) {
    let rest = link.strip_prefix("/mail/").unwrap_or_else(|| panic!("{link}"));
    let (secret, key) = rest.split_once('/').unwrap();
    assert!(secret.starts_with("not_") && key.starts_with("key_"), "{link}");
    (secret, key)
}

/// Who is signed in with this browser.
fn signed(post: &Post, visitor: &Visitor) -> sessions::Signed {
    let held = visitor.cookies.borrow()["__Host-keytender"].clone();
    block_on(async {
        let inventory = inventory(&post.home).await;
        let now = keytender::clock::now();
        sessions::find(&inventory.store, &held, now).await.unwrap().unwrap()
    })
}

#[test]
fn an_owner_enters_by_a_link_in_a_mail_and_sees_own_keys_alone() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let post = Post::start(&python);
    let users = link(&post.mails("bob", 1)[0]);
    assert!(users.starts_with("/keys/key_"), "a user signs in: {users}");
    let link = link(&post.mails("ann", 1)[0]);
    let (_, key) = parts(&link);
    // Programs that look at mails follow links; nobody is in by that.
    let ann = Visitor::new(&post.served);
    for _ in 0..3 {
        let page = ann.get(&link);
        assert!(page.status == 200 && page.text.contains("<b>ann</b>"), "{page:?}");
    }
    assert_eq!(ann.ask(&Method::POST, &link, Some(String::new()), &[]).status, 403, "no proof");
    let entered = ann.post(&link, &link, &[]);
    assert_eq!((entered.status, entered.header("location")), (303, &*format!("/keys/{key}")));
    assert!(entered.header("set-cookie").starts_with("__Host-keytender="), "{entered:?}");
    assert_eq!(ann.get(&link).status, 303, "who is in goes to the key");
    let me = ann.get("/me");
    assert!(me.text.contains("You came by a link"), "{me:?}");
    // She has no password here, and ends nobody's sessions.
    let new = [("new", "three geese and a lamp")];
    assert_eq!(ann.post("/me", "/me/password", &new).status, 403);
    assert_eq!(ann.post("/me", "/me/codes", &[]).status, 403);
    assert_eq!(ann.post("/me", "/me/passkeys/options", &[]).status, 403);
    assert_eq!(ann.post("/me", "/me/sessions/end", &[]).status, 403);
    let owner = post.served.get("/v1/owners/ann").expect(200)["id"].as_str().unwrap().to_owned();
    let signed = signed(&post, &ann);
    assert!(signed.is_by_link() && signed.who.grant.role == Role::Owner);
    assert_eq!(signed.who.sight.owner, Some(Some(owner.parse().unwrap())));
    assert!(signed.who.grant.allows(Scope::KeysAct));
    assert!(!signed.who.grant.allows(Scope::OwnersWrite));
    let life = signed.session.ends_at.since(signed.session.created_at);
    assert_eq!(life.as_micros(), 3_600 * 1_000_000);
}

#[test]
fn a_link_works_once_and_its_replacement_goes_where_it_went() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let mut post = Post::start(&python);
    let link = link(&post.mails("ann", 1)[0]);
    let (_, key) = parts(&link);
    assert_eq!(Visitor::new(&post.served).post(&link, &link, &[]).status, 303);
    let thief = Visitor::new(&post.served);
    let page = thief.get(&link);
    assert_eq!(page.status, 410, "{page:?}");
    assert!(!page.text.contains("ann@"), "it does not say to whom: {page:?}");
    assert_eq!(thief.post_from(&page, &link, &[]).status, 409);
    let again = format!("{link}/again");
    assert_eq!(thief.post_from(&page, &again, &[]).status, 200);
    let soon = thief.post_from(&page, &again, &[]);
    assert_eq!(soon.status, 409, "not twice in a moment: {soon:?}");
    let new = self::link(&post.mails("ann", 2)[1]);
    assert!(new != link && new.ends_with(key), "{new}");
    assert_eq!(Visitor::new(&post.served).post(&new, &new, &[]).status, 303);
    // After two weeks no link works.
    change(&post.home, "DELETE FROM one_time");
    let days = 15 * 86_400_000_000_i64;
    change(&post.home, &format!("UPDATE notices SET sent_at = sent_at - {days}"));
    let late = Visitor::new(&post.served);
    let page = late.get(&new);
    assert!(page.status == 410 && page.text.contains("too old"), "{page:?}");
    assert_eq!(late.post_from(&page, &new, &[]).status, 409);
    // Nothing of a link is kept or logged, but of which notice it is.
    let kept = run(&post.home, &["notices", "list", "--json"]).stdout;
    post.served.end();
    let said = post.served.talk().join("\n");
    assert!(said.contains("/mail/{secret}/{key}"), "{said}");
    for link in [&link, &new] {
        let (_, proof) = parts(link).0.split_once('.').unwrap();
        assert!(proof.len() == 64 && !kept.contains(proof) && !said.contains(proof));
        for name in ["inventory.db", "inventory.db-wal"] {
            let bytes = std::fs::read(post.home.path().join(name)).unwrap_or_default();
            assert!(!bytes.windows(64).any(|window| window == proof.as_bytes()), "{name}");
        }
    }
}

#[test]
fn a_link_that_is_not_ours_says_nothing() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let post = Post::start(&python);
    let link = link(&post.mails("ann", 1)[0]);
    let (secret, key) = parts(&link);
    let (notice, proof) = secret.split_once('.').unwrap();
    let other = proof.chars().rev().collect::<String>();
    let bobs = post.served.get("/v1/notices").expect(200);
    let bobs = bobs["notices"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["recipient"] == "bob@example.com");
    let bobs = bobs.unwrap()["id"].as_str().unwrap();
    let visitor = Visitor::new(&post.served);
    let mut said = std::collections::BTreeSet::new();
    for (secret, key) in [
        (format!("{notice}.{other}"), key),
        (format!("{notice}.{proof}0"), key),
        (notice.to_owned(), key),
        (format!("{bobs}.{proof}"), key),
        (format!("not_0000000000000.{proof}"), key),
        ("x".to_owned(), key),
        (secret.to_owned(), "x"),
    ] {
        let path = format!("/mail/{secret}/{key}");
        let page = visitor.get(&path);
        assert_eq!(page.status, 404, "{path}: {page:?}");
        said.insert(page.text);
        assert_eq!(visitor.post("/sign-in", &path, &[]).status, 404, "{path}");
    }
    assert_eq!(said.len(), 1, "{said:?}");
    let again = format!("/mail/{notice}.{other}/{key}/again");
    assert_eq!(visitor.post("/sign-in", &again, &[]).status, 404);
}

#[test]
fn without_a_server_that_others_reach_mails_hold_commands_and_no_links() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let post = Post::start(&python);
    let text = |count: usize| {
        let mails = post.mails("ann", count);
        mails[count - 1]["parts"]["text/plain"].as_str().unwrap().to_owned()
    };
    assert!(text(1).contains(PUBLIC));
    // The same inventory, served for this machine alone.
    change(&post.home, "DELETE FROM notice_items");
    change(&post.home, "DELETE FROM notices");
    change(
        &post.home,
        "UPDATE settings SET value = 'http://127.0.0.1:7979' WHERE name = 'console_url'",
    );
    run(&post.home, &["notify", "--now"]);
    let told = text(2);
    assert!(told.contains("keytender keys set key_") && !told.contains("/mail/"), "{told}");
}
