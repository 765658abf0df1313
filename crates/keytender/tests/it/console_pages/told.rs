//! Notices and channels on their pages.

use serde_json::json;

use super::{HOSTILE, listed, verbs};
use crate::api_keys::offices_at;
use crate::inventory::DEPLOY;
use crate::server;
use crate::visitor::Visitor;
use crate::webhook::one_request;

#[test]
fn notices_are_started_only_after_somebody_saw_them() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        browser
            .get("/notices")
            .with(200)
            .says(&["Nothing goes out", "None yet: nothing can go out"]);
        let preview = browser.submit("/notices", "/notices/preview", &[]);
        preview.with(200).says(&["There is no channel"]);
        assert!(!preview.words().contains("Start notices"));
        browser.submit("/notices", "/notices/start", &[]).with(409).says(&["nobody has seen yet"]);

        let (url, receiver) = one_request("410 Gone");
        let chat =
            [("kind", "slack"), ("name", "ops"), ("url", url.as_str()), ("allow_private", "yes")];
        let form = "/notices/channels/new?kind=slack";
        let page = browser.submit(form, "/notices/channels", &chat);
        page.with(200).says(&["ops was added. Nothing was sent yet", "slack", "kept here, sealed"]);
        assert!(!page.text.contains(&url), "{}", page.text);

        let preview = browser.submit("/notices", "/notices/preview", &[]);
        preview.with(200).says(&["1 notice would go out", "In their words", "ops", DEPLOY]);
        let api = served.post("/v1/notice-previews", &json!(null)).expect(200);
        assert!(preview.words().contains(api["notices"][0]["subject"].as_str().unwrap()));
        browser.send("/notices/start", &[]).with(200).says(&["Notices go out from now on"]);
        assert_eq!(served.get("/v1/notice-settings").expect(200)["started"], true);

        served.post("/v1/notice-runs", &json!({"now": true})).expect(200);
        assert!(receiver.join().unwrap().1.contains("deploy"));
        let page = browser.get("/notices?state=dead");
        page.with(200).says(&["given up", "410", "Send again", "ops"]);
        let notice = served.get("/v1/notices?state=dead").expect(200)["notices"][0].clone();
        let path = format!("/notices/{}", notice["id"].as_str().unwrap());
        browser.get(&path).with(200).says(&[notice["subject"].as_str().unwrap(), "What it says"]);
        let again = format!("{path}/again");
        browser.submit(&path, &again, &[]).says(&["It waits again"]);
        browser.submit(&path, &again, &[]).with(409);
        assert!(!browser.get("/notices?state=dead").words().contains("given up"));
        browser.get("/notices?state=nonsense").with(400);

        browser.submit("/notices", "/notices/contact", &[("contact", "all@example.com")]).with(200);
        assert_eq!(served.get("/v1/notice-settings").expect(200)["contact"], "all@example.com");
        browser.submit("/notices", "/notices/contact", &[("contact", "nowhere")]).with(422);
        browser.get("/notices/stop").with(200).says(&["Nobody is told anything"]);
        browser.submit("/notices/stop", "/notices/stop", &[]).says(&["Nothing goes out any more"]);
        browser.submit("/notices", "/notices/run", &[]).with(409);
        let wanted = [
            "notices.stop",
            "notices.contact",
            "notice.send-again",
            "notices.start",
            "channel.add",
        ];
        assert_eq!(verbs(served)[..5], wanted);
    }
}

#[test]
fn channels_are_added_and_removed_and_their_secrets_are_nowhere() {
    let (_home, served) = server::served();
    let browser = Visitor::of(&served, "administrator");
    let form = |kind: &str| format!("/notices/channels/new?kind={kind}");
    let mail = [
        ("kind", "mail"),
        ("name", "post"),
        ("host", "localhost"),
        ("port", ""),
        ("tls", "none"),
        ("from", "k@example.com"),
        ("username", "k"),
        ("password", "a-secret-word"),
    ];
    let page = browser.submit(&form("mail"), "/notices/channels", &mail);
    page.with(200).says(&[
        "post was added",
        "localhost",
        "from k@example.com",
        "kept here, sealed",
    ]);
    let again = browser.submit(&form("mail"), "/notices/channels", &mail);
    again.with(409).says(&["There is a channel `post` already"]);
    assert!(again.text.contains("value=\"localhost\""), "{}", again.text);
    for page in [&page, &again] {
        assert!(!page.text.contains("a-secret-word"), "{}", page.text);
    }
    let hook = [("kind", "webhook"), ("name", HOSTILE), ("url", "https://siem.example.com/keys")];
    let made = browser.submit(&form("webhook"), "/notices/channels", &hook);
    made.with(200).says(&[HOSTILE, "whsec_", "shown this once"]);
    assert!(!made.text.contains("<script>"), "{}", made.text);
    let secret = made.text.split("whsec_").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let list = browser.get("/notices");
    list.says(&[HOSTILE, "https://siem.example.com/keys"]);
    assert!(!list.text.contains(&secret) && !list.text.contains("<script>"));
    let bad = [("kind", "teams"), ("name", "t"), ("url", "http://10.0.0.1/secret-path")];
    let bad = browser.submit(&form("teams"), "/notices/channels", &bad);
    bad.with(422);
    assert!(!bad.text.contains("secret-path"), "{}", bad.text);
    let id = listed(&served, "/v1/channels", "channels", "post")["id"].as_str().unwrap().to_owned();
    let remove = format!("/notices/channels/{id}/remove");
    browser.get(&remove).with(200).says(&["Remove post?", "is not delivered"]);
    browser.submit(&remove, &remove, &[]).says(&["post was removed"]);
    browser.submit("/notices", "/notices/test", &[("address", "you@example.com")]).with(422);
    assert_eq!(verbs(&served)[..3], ["channel.remove", "channel.add", "channel.add"]);
    let log = served.get("/v1/acts").text;
    assert!(!log.contains("a-secret-word") && !log.contains(&secret), "{log}");
}

#[test]
fn an_operator_is_not_offered_to_change_channels() {
    let (_home, served) = super::staffed();
    let page = Visitor::of(&served, "operator").get("/notices");
    page.with(200).says(&["Channels", "Show what would go out"]);
    assert!(!page.text.contains("/notices/channels"), "{}", page.text);
    let page = Visitor::of(&served, "auditor").get("/notices");
    page.with(200).says(&["Channels"]);
    assert_eq!(page.text.split("<main").nth(1).unwrap().matches("<form").count(), 0);
    let page = Visitor::of(&served, "olga").get("/notices");
    page.with(200);
    assert!(!page.words().contains("Channels"), "{}", page.words());
}

#[test]
fn customers_of_an_api_are_told_after_somebody_saw_what_on_its_page() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        served.post("/v1/apis", &json!({"name": "acme", "title": "Acme Orders"})).expect(201);
        let new = json!({"name": "globex", "contact": "dev@globex.example"});
        let customer = served.post("/v1/apis/acme/accounts", &new).expect(201);
        let account = customer["id"].as_str().unwrap();
        let browser = Visitor::of(served, "administrator");
        let api = served.get("/v1/apis/acme").expect(200)["id"].as_str().unwrap().to_owned();
        let page = format!("/apis/{api}/notices");
        browser.get(&format!("/apis/{api}")).says(&["Customers are told nothing yet"]);
        browser.get(&page).with(200).says(&["Nothing goes out", "None of its own"]);
        let set = format!("{page}/preview");
        browser.submit(&page, &set, &[]).with(200).says(&["There is no mail server"]);
        browser.submit(&page, &format!("{page}/start"), &[]).with(409).says(&["nobody has seen"]);
        let voice = [("from", "keys@acme.example"), ("keys_page", HOSTILE)];
        let refused = browser.submit(&page, &page, &voice);
        refused.with(422).says(&["page of keys is no URL"]);
        assert!(!refused.text.contains("<script>alert"), "{}", refused.text);
        let voice = [("from", "keys@acme.example"), ("reply_to", "help@acme.example")];
        browser.submit(&page, &page, &voice).with(200).says(&["It is set", "help@acme.example"]);

        let hook = crate::hook::Hook::start("204 No Content");
        let form = format!("/notices/channels/new?kind=webhook&account={account}");
        let typed = [
            ("kind", "webhook"),
            ("account", account),
            ("name", "hook"),
            ("url", hook.url.as_str()),
            ("events", "key.exposed, key.created"),
            ("allow_private", "yes"),
        ];
        let made = browser.submit(&form, "/notices/channels", &typed);
        made.with(200).says(&["acme/globex/hook was added", "whsec_"]);
        let secret = made.text.split("whsec_").nth(1).unwrap().split('<').next().unwrap();
        browser.get(&format!("/accounts/{account}")).says(&["acme/globex/hook"]);
        let channel = listed(served, "/v1/channels", "channels", "acme/globex/hook");
        let channel = format!("/notices/channels/{}", channel["id"].as_str().unwrap());
        let shown = browser.get(&channel);
        shown.with(200).says(&["key.exposed, key.created", "Send a test event"]);
        assert!(!shown.text.contains(secret));
        browser.submit(&channel, &format!("{channel}/test"), &[]).says(&["It took the test event"]);
        assert_eq!(hook.events(), ["webhook.test"]);
        let events = format!("{channel}/events");
        browser.submit(&channel, &events, &[("events", "key.eaten")]).with(422);
        let changed = browser.submit(&channel, &events, &[("events", "key.created")]);
        changed.with(200).says(&["The events are set"]);
        let made = browser.submit(&channel, &format!("{channel}/rotation"), &[]);
        made.with(200).says(&["Both sign for 24 hours", "whsec_"]);
        browser.get(&channel).says(&["The one before signs too"]);
        let end = format!("{channel}/rotation/end");
        browser.submit(&channel, &end, &[]).with(200).says(&["The new secret signs alone"]);

        browser.submit(&page, &set, &[]).with(200).says(&["Nothing would go out now"]);
        let start = format!("{page}/start");
        browser.send(&start, &[]).with(200).says(&["Customers are told from now on"]);
        let app = format!("/v1/accounts/{account}/apps");
        let app = served.post(&app, &json!({"name": "web-shop"})).expect(201);
        let keys = format!("/v1/apps/{}/keys", app["id"].as_str().unwrap());
        served.post(&keys, &json!({"label": "checkout"})).expect(201);
        browser.get(&page).says(&["key.created: acme_live_", "of acme/globex"]);
        browser.get(&format!("{page}/stop")).with(200).says(&["No customer is told anything"]);
        let stop = format!("{page}/stop");
        browser.submit(&stop, &stop, &[]).says(&["Nothing goes out any more"]);
        // What belongs to an API is none of the installation's channels.
        assert!(!browser.get("/notices").words().contains("acme/globex/hook None yet"));
        browser.get("/notices").says(&["None yet: nothing can go out"]);
    }
}
