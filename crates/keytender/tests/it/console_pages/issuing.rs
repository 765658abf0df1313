//! The pages of the keys that we issue: from an API to a key, its use, its rotation and its end.

use keytender::store::usage::{PlaceUse, Usage};
use keytender_core::id::KeyId;
use keytender_core::time::Span;
use keytender_core::token::Token;
use reqwest::Method;
use serde_json::{Value, json};

use super::{listed, verbs};
use crate::Home;
use crate::api_issuing::beside;
use crate::databases::{Database, new_databases};
use crate::served::{Answer, Served};
use crate::visitor::Visitor;

/// What is no name of anybody, and would be a script on a page that did not escape it.
const MARKS: &str = "<script>alert(1)</script>\"'&";

/// A server with an API `acme`, its customer `globex` and their app, and an administrator's browser.
pub(crate) struct Shop {
    pub(crate) served: Served,
    pub(crate) browser: Visitor,
    pub(crate) api: String,
    pub(crate) account: String,
    pub(crate) app: String,
    database: Database,
    _home: Home,
}

impl Shop {
    pub(crate) fn open(database: Database) -> Self {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let id = |answer: Answer| answer.expect(201)["id"].as_str().unwrap().to_owned();
        let api = id(served.post("/v1/apis", &json!({"name": "acme", "title": "Acme payments"})));
        let new = json!({"name": "globex", "contact": "dev@globex.example", "external_id": "c-7"});
        let account = id(served.post("/v1/apis/acme/accounts", &new));
        let new = json!({"name": "web-shop", "scopes": ["orders:read", "orders:write"],
                         "rate": {"requests": 100, "seconds": 60, "burst": 20},
                         "quota": {"requests": 10_000, "per": "day"}, "labels": {"tier": "gold"}});
        let app = id(served.post(&format!("/v1/accounts/{account}/apps"), &new));
        let browser = Visitor::of(&served, "administrator");
        Self { served, browser, api, account, app, database, _home: home }
    }

    /// A new key of the app.
    pub(crate) fn key(&self, label: &str) -> String {
        let made =
            self.served.post(&format!("/v1/apps/{}/keys", self.app), &json!({"label": label}));
        made.expect(201)["key"].as_str().unwrap().to_owned()
    }

    fn seen(&self, key: &str) -> Value {
        self.served.get(&format!("/v1/keys/{key}")).expect(200)
    }

    /// Counts uses of a key as a verifier does: `uses` in all until now, the last so long ago.
    pub(crate) fn used(&self, key: &str, uses: i64, ago: Span) {
        let id: KeyId = key.parse().unwrap();
        beside(&self.database.text, async |inventory| {
            let last_at = inventory.now.minus(ago).as_micros();
            let used = [Usage {
                key_id: id.as_i64(),
                uses,
                last_at,
                address: Some("203.0.113.9".to_owned()),
                agent: Some("curl".to_owned()),
            }];
            let place = |service: &str, seconds: i64| PlaceUse {
                key_id: id.as_i64(),
                region: "eu-west-1".to_owned(),
                service: service.to_owned(),
                last_at: last_at - seconds * 1_000_000,
            };
            let mut tx = inventory.begin().await.unwrap();
            let places = [place("orders", 0), place(MARKS, 3_600)];
            tx.write_usage("node", 1, &used, &places, |_, _| true).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// Sends a form of a page with the word by which it is known again; the answer and that word.
    fn send_once(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> (Answer, String) {
        self.browser.open(page).with(200);
        let once = self.browser.value("once").unwrap();
        (self.browser.send(path, &[&[("once", once.as_str())], fields].concat()), once)
    }
}

fn shops() -> impl Iterator<Item = Shop> {
    new_databases().into_iter().map(Shop::open)
}

/// The secret that a page shows.
#[track_caller]
fn secret(page: &Answer) -> String {
    page.with(200).says(&["it is shown this once"]);
    assert_eq!(page.headers["cache-control"], "no-store");
    let text = page.text.split("class=\"secret\" data-copy>").nth(1).unwrap();
    let text = text.split('<').next().unwrap().to_owned();
    Token::parse(&text).unwrap();
    text
}

/// The key that a page leads to which shows a secret.
#[track_caller]
fn made(page: &Answer) -> String {
    let link = page.text.split("href=\"/keys/").nth(1).unwrap();
    link.split('"').next().unwrap().to_owned()
}

#[test]
fn an_api_its_customer_and_their_app_are_added_and_changed_on_pages() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let browser = Visitor::of(&served, "administrator");
        browser.get("/apis").with(200).says(&["There is no API of yours yet"]);
        let wrong = browser.submit("/apis", "/apis", &[("name", "Acme"), ("title", "Mine")]);
        wrong.with(422).says(&["small letters"]);
        assert!(wrong.text.contains("value=\"Mine\""), "what was typed stays");
        let soon = [("name", "acme"), ("key_life", "soon")];
        browser.submit("/apis", "/apis", &soon).with(422).says(&["is no length of time"]);
        let facts = [("name", "acme"), ("brand", ""), ("title", ""), ("key_life", "365d")];
        browser.submit("/apis", "/apis", &facts).with(200).says(&["acme was added", "365 days"]);
        let api = listed(&served, "/v1/apis", "apis", "acme");
        let api = format!("/apis/{}", api["id"].as_str().unwrap());
        let change = [("title", "Acme payments"), ("key_life", ""), ("overlap", "2w")];
        let changed = browser.submit(&api, &api, &change);
        changed.with(200).says(&["Changed", "Acme payments", "until it is revoked", "14 days"]);
        browser.submit(&api, &api, &[("overlap", "9999d")]).with(422).says(&["at most 366 days"]);

        let customers = format!("{api}/accounts");
        let nowhere = [("name", "globex"), ("contact", "nowhere")];
        browser.submit(&api, &customers, &nowhere).with(422).says(&["no mail address"]);
        let globex =
            [("name", "globex"), ("contact", "dev@globex.example"), ("external_id", "c-7")];
        let page = browser.submit(&api, &customers, &globex);
        page.with(200).says(&["acme/globex was added", "dev@globex.example", "c-7", "No app yet"]);
        browser.submit(&api, &customers, &[("name", "initech")]).with(200);
        let list = browser.get(&api);
        list.with(200).says(&["acme/globex", "acme/initech", "Customers 2"]);
        let found = browser.get(&format!("{api}?q=glo"));
        assert!(found.words().contains("acme/globex") && !found.words().contains("acme/initech"));
        browser.get(&format!("{api}?q=globex")).says(&["acme/globex"]);
        browser.get(&format!("{api}?q=x")).says(&["No customer of such a name"]);

        let account = served.get("/v1/accounts/acme%2Fglobex").expect(200);
        let account = format!("/accounts/{}", account["id"].as_str().unwrap());
        let apps = format!("{account}/apps");
        let many = [("name", "web-shop"), ("requests", "many")];
        browser.submit(&account, &apps, &many).with(422).says(&["is no whole number"]);
        browser.submit(&account, &apps, &[("name", "x"), ("burst", "3")]).with(422);
        browser
            .submit(&account, &apps, &[("name", "x"), ("labels", "gold")])
            .with(422)
            .says(&["`gold` is no label"]);
        let app = [
            ("name", "web-shop"),
            ("scopes", "orders:read, orders:write"),
            ("requests", "100"),
            ("seconds", "60"),
            ("burst", "20"),
            ("quota", "10000"),
            ("per", "day"),
            ("labels", "tier=gold\r\nteam = shop"),
        ];
        let page = browser.submit(&account, &apps, &app);
        let limits = "100 in 60 seconds, 20 at once 10,000 a day";
        page.with(200).says(&["web-shop was added", "orders:read orders:write", limits]);
        page.says(&["team=shop tier=gold", "No key yet"]);
        let apps = served.get("/v1/apis/acme/apps").expect(200);
        let app = format!("/apps/{}", apps["apps"][0]["id"].as_str().unwrap());
        let change =
            [("scopes", "orders:read"), ("quota", ""), ("requests", "5"), ("seconds", "1")];
        browser.submit(&app, &app, &change).with(200).says(&["Changed", "5 in a second"]);
        let now = served.get(&format!("/v1{app}")).expect(200);
        assert_eq!((&now["quota"], &now["labels"]), (&json!(null), &json!({})));
        assert_eq!(now["rate"], json!({"requests": 5, "seconds": 1}));
        browser.get(&account).says(&["web-shop", "orders:read"]);
        browser.get("/apps/app_0000000000000").with(404);
    }
}

#[test]
fn a_key_is_made_on_its_apps_page_and_its_secret_is_shown_once_and_nowhere_else() {
    for shop in shops() {
        let page = format!("/apps/{}", shop.app);
        let path = format!("{page}/keys");
        let wrong = [("label", "checkout"), ("networks", "everywhere")];
        let (refused, _) = shop.send_once(&page, &path, &wrong);
        refused.with(422).says(&["is no network"]);
        assert!(refused.text.contains("value=\"everywhere\""), "what was typed stays");
        let typed = [
            ("label", "checkout"),
            ("environment", "test"),
            ("scopes", "orders:read"),
            ("networks", "203.0.113.0/24 2001:db8::1"),
            ("life", "30"),
        ];
        let (shown, once) = shop.send_once(&page, &path, &typed);
        let (text, key) = (secret(&shown), made(&shown));
        assert!(text.starts_with("acme_test_"), "the brand and the environment");
        let seen = shop.seen(&key);
        assert_eq!(seen["issued"]["scopes"], json!(["orders:read"]));
        assert_eq!(seen["issued"]["networks"], json!(["203.0.113.0/24", "2001:db8::1/128"]));
        assert!(seen["expires_at"].is_string());

        // Whoever loads the answer again, or sends the form a second time, makes no other key.
        let again = [&[("once", once.as_str())], &typed[..]].concat();
        let again = shop.browser.send(&path, &again);
        again.with(409).says(&["was sent before", "makes another key"]);
        shop.browser.post(&page, &path, &typed).with(422).says(&["This form is not whole"]);
        let all = shop.served.get(&format!("/v1/keys?app={}", shop.app)).expect(200);
        assert_eq!(all["total"], 1);
        let hidden = text.rsplit('_').next().unwrap();
        let list = format!("/keys?app={}", shop.app);
        let places = [page.as_str(), &list, "/log", "/apis", &format!("/keys/{key}")];
        for place in places {
            let other = shop.browser.get(place);
            assert!(other.status == 200 && !other.text.contains(hidden), "{place}");
        }
        assert!(!again.text.contains(hidden));
        assert!(!shop.served.get("/v1/acts").text.contains(hidden));
        let row = shop.browser.get(&page);
        row.says(&["1 key", "checkout test", "Active", "never", "in 29 days"]);
        shop.browser.get(&list).says(&["web-shop/checkout", "acme/globex", "test"]);
    }
}

#[test]
fn a_customer_and_an_app_are_suspended_and_resumed_on_their_pages() {
    for shop in shops() {
        let key = shop.key("checkout");
        for (page, verbs_of) in [
            (format!("/apps/{}", shop.app), ["app.resume", "app.suspend"]),
            (format!("/accounts/{}", shop.account), ["account.resume", "account.suspend"]),
        ] {
            let path = format!("{page}/suspension");
            let unpaid = [("is", "true"), ("because", "unpaid")];
            let stopped = shop.browser.submit(&page, &path, &unpaid);
            stopped.with(200).says(&["is suspended: none of its keys works", "Suspended just now"]);
            if page.starts_with("/apps") {
                let seen = shop.browser.get(&format!("/keys/{key}"));
                seen.says(&["Its app web-shop is suspended"]);
            }
            let works = shop.browser.submit(&page, &path, &[("is", "false")]);
            works.with(200).says(&["is resumed: its keys work again", "Active"]);
            assert_eq!(verbs(&shop.served)[..2], verbs_of);
            shop.browser.submit(&page, &path, &[]).with(422);
        }
        assert!(shop.served.get("/v1/acts").text.contains("unpaid"));
        let remove = format!("/accounts/{}/remove", shop.account);
        let asked = shop.browser.get(&remove);
        asked.with(200).says(&["Forget acme/globex?", "Its keys stop for good", "1 key leave"]);
        assert!(!asked.words().contains("go on working"));
        let api = format!("/apis/{}", shop.api);
        assert!(!shop.browser.get(&api).words().contains("Remove it"), "it has a customer");
        shop.browser.submit(&api, &format!("{api}/remove"), &[]).with(409);
        let gone = shop.browser.submit(&remove, &remove, &[]);
        gone.with(200).says(&["acme/globex is forgotten", "No customer yet", "Remove it"]);
        shop.browser.get(&format!("{api}/remove")).says(&["Remove acme?"]);
        shop.browser.submit(&api, &format!("{api}/remove"), &[]).says(&["The API is removed"]);
        shop.browser.get(&api).with(404);
    }
}

#[test]
fn a_keys_page_draws_when_and_says_where_and_from_where_it_was_used() {
    for shop in shops() {
        let key = shop.key("checkout");
        let path = format!("/keys/{key}");
        let page = shop.browser.get(&path);
        page.with(200).says(&["It was never used", "Keys you issue", "orders:read orders:write"]);
        page.says(&["Environment live", "Used from everywhere"]);
        assert!(!page.words().contains("AWS") && !page.words().contains("key page"));
        shop.used(&key, 3, Span::days(2));
        shop.used(&key, 1_003, Span::days(1));
        let page = shop.browser.get(&path);
        page.says(&["Used 1,003 times in all, last 1 day ago from 203.0.113.9 by curl"]);
        page.says(&["Where it was used", "orders eu-west-1 1 day ago"]);
        assert_eq!(page.text.matches("<rect class=\"bar\"").count(), 2, "a column for each day");
        let day = |days: u32| keytender::clock::now().minus(Span::days(days)).date();
        let said = format!("<title>{}: 1,000 uses</title>", day(1));
        assert!(page.text.contains(&said), "{said}");
        assert!(page.text.contains(&format!("<title>{}: 3 uses</title>", day(2))));
        assert!(!page.text.contains("<script>alert"), "what a verifier tells is no script");
        let app = shop.browser.get(&format!("/apps/{}", shop.app));
        app.says(&["checkout", "1 day ago"]);
        shop.browser.get("/keys?side=issued").says(&["web-shop/checkout", "acme/globex"]);
    }
}

#[test]
fn a_key_is_rotated_on_its_page_which_says_who_still_uses_the_old_one() {
    for shop in shops() {
        let old = shop.key("checkout");
        let page = format!("/keys/{old}");
        let path = format!("{page}/rotations");
        let (wrong, _) = shop.send_once(&page, &path, &[("overlap", "soon")]);
        wrong.with(422).says(&["is no length of time"]);
        assert!(wrong.text.contains("value=\"soon\""), "what was typed stays");
        let typed = [("overlap", "2d"), ("activation", "immediately"), ("because", "yearly")];
        let (shown, once) = shop.send_once(&page, &path, &typed);
        let (text, new) = (secret(&shown), made(&shown));
        assert_ne!(new, old);
        let again = [&[("once", once.as_str())], &typed[..]].concat();
        let again = shop.browser.send(&path, &again);
        again.with(409).says(&["was sent before", "This is the old key"]);
        let all = shop.served.get(&format!("/v1/keys?app={}", shop.app)).expect(200);
        assert_eq!(all["total"], 2);

        let nobody = "nobody since the new one works";
        let stands = shop.browser.get(&page);
        stands.says(&["This is the old key", "The old key stops in 1 day", nobody]);
        assert!(!stands.text.contains(text.rsplit('_').next().unwrap()));
        shop.browser.get(&format!("/keys/{new}")).says(&["This is the new key", "works too"]);
        shop.used(&old, 7, Span::from_micros(0));
        let still = "orders in eu-west-1";
        let from = "last from 203.0.113.9";
        shop.browser.get(&page).says(&[still, from]);
        let api = shop.browser.get(&format!("/apis/{}", shop.api));
        api.says(&["In overlap 1", "web-shop/checkout", "in 1 day", still, from]);
        shop.browser.get("/apis").says(&["Acme payments", "1"]);

        let finish = format!("{path}/finish");
        let done = shop.browser.submit(&page, &finish, &[("because", "they have it")]);
        done.with(200).says(&["only the new key works", "It was replaced by a new key", "Ended"]);
        shop.browser.submit(&page, &finish, &[]).with(200);
        shop.browser.get(&format!("/apis/{}", shop.api)).says(&["In overlap 0"]);

        // One that waits for its first use, and is taken back.
        let page = format!("/keys/{new}");
        let path = format!("{page}/rotations");
        let (shown, _) = shop.send_once(&page, &path, &[("activation", "on_first_use")]);
        let next = made(&shown);
        shop.browser.get(&page).says(&["waits for its first use", "both work for 8 days"]);
        let waits = shop.browser.get(&format!("/keys/{next}"));
        waits.says(&["Not active yet", "works on until this one is used"]);
        let cancelled = shop.browser.submit(&page, &format!("{path}/cancel"), &[]);
        cancelled.with(200).says(&["The rotation is cancelled", "It took the place of"]);
        assert_eq!(shop.seen(&next)["state"], "deactivated");
        shop.browser.submit(&page, &format!("{path}/cancel"), &[]).with(409);
    }
}

#[test]
fn a_key_is_revoked_for_good_after_a_page_that_says_what_it_breaks() {
    for shop in shops() {
        let key = shop.key("checkout");
        shop.used(&key, 1, Span::days(3));
        let path = format!("/keys/{key}/revocation");
        shop.browser.get(&path).with(200).says(&[
            "Revoke web-shop/checkout?",
            "Every verifier refuses it",
            "acme/globex",
            "3 days ago orders in eu-west-1",
            "Somebody else may know it",
        ]);
        let leaked = [("compromised", "yes"), ("because", "found in a public repository")];
        let done = shop.browser.submit(&path, &path, &leaked);
        done.with(200).says(&["It is revoked, and every verifier refuses it", "Compromised"]);
        done.says(&["found in a public repository", "It has ended, for good"]);
        assert!(!done.words().contains("Nothing is wrong"), "{}", done.words());
        let page = done.text.split("<main").nth(1).unwrap();
        assert!(!page.contains("/revocation\"") && !page.contains("/rotations\""), "{page}");
        assert_eq!(shop.seen(&key)["state"], "compromised");
        assert_eq!(verbs(&shop.served)[0], "key.revoke");
        let held =
            json!({"provider": "stripe", "name": "theirs", "created_at": "2026-01-01T00:00:00Z"});
        shop.served.post("/v1/keys", &held).expect(201);
        shop.browser.get("/keys/theirs/revocation").with(404).says(&["no key that you issue"]);
        let refused = shop.browser.submit("/keys/theirs", "/keys/theirs/revocation", &[]);
        refused.with(409).says(&["its provider issued it"]);
    }
}

#[test]
fn whoever_only_reads_gets_no_form_that_acts_and_an_owner_gets_no_page_of_an_api() {
    let Some(shop) = shops().next() else { return };
    let key = shop.key("checkout");
    let owner = json!({"name": "team", "address": "team@example.com"});
    shop.served.post("/v1/owners", &owner).expect(201);
    shop.served.patch(&format!("/v1/keys/{key}"), &json!({"owner": "team"})).expect(200);
    for user in [
        json!({"name": "auditor", "role": "auditor"}),
        json!({"name": "operator", "role": "operator"}),
        json!({"name": "olga", "role": "owner", "owner": "team"}),
    ] {
        shop.served.post("/v1/users", &user).expect(201);
    }
    let pages = [
        "/apis".to_owned(),
        format!("/apis/{}", shop.api),
        format!("/accounts/{}", shop.account),
        format!("/apps/{}", shop.app),
    ];
    let (auditor, olga) = (Visitor::of(&shop.served, "auditor"), Visitor::of(&shop.served, "olga"));
    let operator = Visitor::of(&shop.served, "operator");
    let forms =
        |page: &Answer| page.text.split("<main").nth(1).unwrap().matches("method=\"post\"").count();
    let page = format!("/keys/{key}");
    for path in pages.iter().chain([&page]) {
        let seen = auditor.get(path);
        assert_eq!(forms(seen.with(200)), 0, "{path}: {}", seen.words());
    }
    for path in &pages {
        olga.get(path).with(403);
    }
    // They see the key that they answer for, and do not issue another.
    let seen = olga.get(&page);
    seen.with(200).says(&["web-shop/checkout"]);
    let acts = ["/rotations", "/revocation", "/apps/", "/apis/"];
    let shown = seen.text.split("<main").nth(1).unwrap();
    assert!(acts.iter().all(|act| !shown.contains(act)), "{shown}");
    assert!(forms(&operator.get(&page)) > 2, "an operator acts");
    assert_eq!(forms(&operator.get("/apis")), 0, "only administrators add APIs");
    // Where nobody issues keys, only who may begin is led there.
    shop.served.delete(&format!("/v1/accounts/{}", shop.account)).expect(204);
    let leads = |browser: &Visitor| browser.get("/me").text.contains("href=\"/apis\"");
    assert!(leads(&auditor) && leads(&operator) && leads(&shop.browser) && !leads(&olga));
    shop.served.delete("/v1/apis/acme").expect(204);
    assert!(!leads(&auditor) && !leads(&operator) && leads(&shop.browser));
}

#[test]
fn names_of_customers_are_no_scripts() {
    let Some(shop) = shops().next() else { return };
    let change = [("title", MARKS)];
    let api = format!("/apis/{}", shop.api);
    shop.browser.submit(&api, &api, &change).with(200).says(&[MARKS]);
    let app = json!({"name": MARKS, "labels": {MARKS: MARKS}});
    let apps = format!("/v1/accounts/{}/apps", shop.account);
    let app = shop.served.post(&apps, &app).expect(201)["id"].as_str().unwrap().to_owned();
    let keys = format!("/v1/apps/{app}/keys");
    let asked = [("Idempotency-Key", "one")];
    let body = json!({"label": MARKS});
    let token = &shop.served.token;
    let made = shop.served.ask_with(token, &Method::POST, &keys, Some(&body), &asked);
    let key = made.expect(201)["key"].as_str().unwrap().to_owned();
    let account = format!("/accounts/{}", shop.account);
    let pages =
        [&api, "/apis", &account, &format!("/apps/{app}"), &format!("/keys/{key}/revocation")];
    for path in pages {
        let page = shop.browser.get(path);
        page.with(200);
        assert!(!page.text.contains("<script>alert"), "{path}: {}", page.text);
    }
}

#[test]
fn a_form_is_remembered_until_nobody_can_send_it_again() {
    for database in new_databases() {
        beside(&database.text, async |inventory| {
            let word = keytender::app::once::word().unwrap();
            let first = keytender::app::once::is_first(inventory, &word).await.unwrap();
            let second = keytender::app::once::is_first(inventory, &word).await.unwrap();
            assert_eq!((first, second), (true, false));
            let other = keytender::app::once::word().unwrap();
            assert!(keytender::app::once::is_first(inventory, &other).await.unwrap());
        });
    }
}
