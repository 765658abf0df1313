//! Users on their pages, and the links by which they come in.

use keytender_core::time::Time;
use serde_json::json;

use super::{HOSTILE, listed, staffed, verbs};
use crate::databases::new_databases;
use crate::inventory::run;
use crate::served::Served;
use crate::visitor::Visitor;
use crate::{Home, server};

const PASSWORD: &str = "three geese and a lamp";

#[test]
fn the_list_of_users_says_what_the_api_says() {
    let (_home, served) = staffed();
    served.patch("/v1/users/auditor", &json!({"suspended": true})).expect(200);
    let browser = Visitor::of(&served, "administrator");
    let page = browser.get("/users");
    page.with(200).says(&["4 users", "olga", "keys of team", "suspended just now", "no password"]);
    for user in served.get("/v1/users").expect(200)["users"].as_array().unwrap() {
        let (id, name) = (user["id"].as_str().unwrap(), user["name"].as_str().unwrap());
        assert!(page.text.contains(&format!("/users/{id}\">{name}")), "{name}");
        browser
            .get(&format!("/users/{id}"))
            .with(200)
            .says(&[name, user["role"].as_str().unwrap()]);
    }
    let found = browser.get("/users?q=OLG");
    found.says(&["1 user", "olga"]);
    assert!(!found.text.contains(">auditor</a>"), "{}", found.words());
    browser.get("/users?q=nobody").says(&["No user of this name."]);
}

#[test]
fn a_user_is_added_changed_suspended_and_removed_on_pages() {
    let (_home, served) = staffed();
    let browser = Visitor::of(&served, "administrator");
    let facts =
        [("name", "mia"), ("role", "operator"), ("address", "mia@example.com"), ("owner", "")];
    browser
        .submit("/users", "/users", &facts)
        .with(200)
        .says(&["mia was added", "mia@example.com"]);
    let mia = listed(&served, "/v1/users", "users", "mia");
    assert_eq!((&mia["role"], &mia["owner"]), (&json!("operator"), &json!(null)));
    let path = format!("/users/{}", mia["id"].as_str().unwrap());

    // What is wrong is told where it was typed, and what was typed is still there.
    let again = browser.submit("/users", "/users", &facts);
    again.with(409).says(&["There is a user `mia` already"]);
    assert!(again.text.contains("value=\"mia@example.com\""), "{}", again.text);
    browser.submit("/users", "/users", &[("name", "a b"), ("role", "owner")]).with(422);
    let nobody = [("role", "owner"), ("address", "nowhere")];
    let wrong = browser.submit(&path, &path, &nobody);
    wrong.with(422).says(&["no mail address"]);
    assert!(wrong.text.contains("value=\"nowhere\""), "{}", wrong.text);

    let change = [("role", "owner"), ("address", ""), ("owner", "team")];
    browser.submit(&path, &path, &change).with(200).says(&["Changed.", "keys of team"]);
    let mia = listed(&served, "/v1/users", "users", "mia");
    assert_eq!((&mia["role"], &mia["address"]), (&json!("owner"), &json!(null)));

    let theirs = Visitor::of(&served, "mia");
    theirs.get("/owners/team");
    let suspension = format!("{path}/suspension");
    browser
        .submit(&path, &suspension, &[("is", "true")])
        .says(&["mia is suspended", "suspended just now"]);
    assert!(!listed(&served, "/v1/users", "users", "mia")["suspended_at"].is_null());
    browser
        .submit(&path, &suspension, &[("is", "false")])
        .says(&["mia may come in again", "active"]);

    let remove = format!("{path}/remove");
    browser.get(&remove).with(200).says(&["Remove mia?", "They have no tokens"]);
    browser.submit(&remove, &remove, &[]).says(&["mia was removed"]);
    assert_eq!(served.get(&format!("/v1{path}")).status, 404);
    let verbs = verbs(&served);
    let wanted = [
        "user.remove",
        "user.set",
        "user.set",
        "user.sign-in",
        "user.link",
        "user.set",
        "user.add",
    ];
    assert_eq!(verbs[..wanted.len()], wanted, "{verbs:?}");
    browser.get("/users/nobody").with(404);
}

#[test]
fn the_last_administrator_stays_one() {
    let (_home, served) = staffed();
    let browser = Visitor::of(&served, "administrator");
    let path = format!(
        "/users/{}",
        listed(&served, "/v1/users", "users", "administrator")["id"].as_str().unwrap()
    );
    let page = browser.submit(&path, &path, &[("role", "auditor")]);
    page.with(409).says(&["Nobody would be left who may administrate"]);
    browser.submit(&path, &format!("{path}/remove"), &[]).with(409);
    assert_eq!(listed(&served, "/v1/users", "users", "administrator")["role"], "administrator");
}

#[test]
fn a_link_signs_its_user_in_once_whoever_made_it() {
    let (home, served) = staffed();
    let browser = Visitor::of(&served, "administrator");
    let path = format!(
        "/users/{}",
        listed(&served, "/v1/users", "users", "auditor")["id"].as_str().unwrap()
    );
    let page = browser.submit(&path, &format!("{path}/links"), &[]);
    page.with(200).says(&["A link for auditor", "shown this once"]);
    assert_eq!(page.headers["cache-control"], "no-store");
    let shown = page.text.split("data-copy>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let here = run(&home, &["users", "link", "auditor"]);
    assert!(here.stderr.contains("signs auditor in once"), "{}", here.stderr);
    let there = run(&served.home(), &["users", "link", "auditor"]);
    for link in [shown.as_str(), here.stdout.trim(), there.stdout.trim()] {
        assert!(link.starts_with(&format!("{}/enter/", served.url)), "{link}");
        let theirs = Visitor::new(&served);
        theirs.enter(link);
        theirs.get("/me").with(200).says(&["auditor", "Role: auditor"]);
        let used = browser.get(link.strip_prefix(&served.url).unwrap());
        used.with(404).says(&["does not work any more"]);
    }
    assert_eq!(verbs(&served).iter().filter(|verb| *verb == "user.link").count(), 5);
    let log = served.get("/v1/acts").text;
    assert!(!log.contains("/enter/") && !log.contains(shown.rsplit('/').next().unwrap()), "{log}");
    browser.get(&path).says(&["by link, from 127.0.0.1"]);
    browser.submit(&path, &format!("{path}/sessions/end"), &[]).says(&["signed out everywhere"]);
    browser.get(&path).says(&["Signed in nowhere"]);
}

#[test]
fn before_a_server_ran_nobody_knows_where_a_link_leads() {
    let home = Home::new();
    run(&home, &["users", "add", "mia", "--role", "administrator"]);
    let refused = home.run(&["users", "link", "mia"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("nobody knows yet where the console is"), "{}", refused.stderr);
    let served = Served::start_with(&home, &["--public-url", "https://keys.example.com/"]);
    drop(served);
    let link = run(&home, &["users", "link", "mia"]).stdout;
    assert!(link.starts_with("https://keys.example.com/enter/"), "{link}");
    assert_eq!(home.run(&["users", "link", "nobody"]).code, 1);
    run(&home, &["users", "add", "eve", "--role", "auditor"]);
    run(&home, &["users", "set", "eve", "--suspended", "yes"]);
    assert_eq!(home.run(&["users", "link", "eve"]).code, 1);
}

#[test]
fn tokens_are_made_and_revoked_on_the_page_of_their_user() {
    let (_home, served) = staffed();
    let browser = Visitor::of(&served, "administrator");
    let path = format!(
        "/users/{}",
        listed(&served, "/v1/users", "users", "auditor")["id"].as_str().unwrap()
    );
    let tokens = format!("{path}/tokens");
    let asked =
        [("label", "nightly"), ("life", "30"), ("scopes", "keys:read"), ("scopes", "log:read")];
    let page = browser.submit(&path, &tokens, &asked);
    page.with(200).says(&["A token for auditor", "keytender_live_"]);
    let token = page.text.split("data-copy>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let me = served.ask_with(&token, &reqwest::Method::GET, "/v1/me", None, &[]).expect(200);
    assert_eq!(me["scopes"], json!(["keys:read", "log:read"]));
    let shown = browser.get(&path);
    shown.says(&["nightly", "keys:read log:read", "in 29 days"]);
    assert!(!shown.text.contains(&token), "it is shown once");

    let vain =
        browser.submit(&path, &tokens, &[("label", ""), ("life", "7"), ("scopes", "log:read")]);
    vain.with(422).says(&["a short line"]);
    assert!(vain.text.contains("value=\"log:read\" checked"), "{}", vain.text);
    browser.submit(&path, &tokens, &[("label", "x"), ("life", "1000")]).with(422);

    let revoke = format!("{tokens}/{}/revoke", me["key"].as_str().unwrap());
    browser.get(&revoke).with(200).says(&["Revoke nightly?", "auditor"]);
    browser.submit(&revoke, &revoke, &[("because", "")]).with(422);
    browser.submit(&revoke, &revoke, &[("because", "it leaked")]).says(&["The token is revoked"]);
    assert_eq!(served.ask_with(&token, &reqwest::Method::GET, "/v1/me", None, &[]).status, 401);
    browser.get(&revoke).with(404);
    assert_eq!(verbs(&served)[..2], ["key.delete", "key.delete"]);
    let whys = served.get("/v1/acts").expect(200);
    assert_eq!(whys["acts"][0]["why"], "it leaked");
}

#[test]
fn names_that_are_trouble_are_only_text() {
    let (_home, served) = server::served();
    let long = "ä".repeat(200);
    let owners = [HOSTILE, &long];
    for (number, name) in owners.into_iter().enumerate() {
        let owner = json!({"name": name, "address": "x@example.com"});
        served.post("/v1/owners", &owner).expect(201);
        let user = json!({"name": format!("user{number}"), "role": "owner", "owner": name});
        served.post("/v1/users", &user).expect(201);
    }
    let browser = Visitor::of(&served, "administrator");
    let page = browser.get("/users");
    page.with(200).says(&[HOSTILE, &long]);
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let typed = [("name", HOSTILE), ("role", "owner"), ("owner", HOSTILE), ("address", HOSTILE)];
    let page = browser.submit("/users", "/users", &typed);
    page.with(422);
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let page = browser.get(&format!("/users?q={}", "%3Cscript%3E%22"));
    assert!(!page.text.contains("<script>"), "{}", page.text);
}

#[test]
fn the_last_use_of_a_password_is_kept_and_shown_and_stands_in_the_report() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        served.post("/v1/users", &json!({"name": "mia", "role": "auditor"})).expect(201);
        let facts = || listed(&served, "/v1/users", "users", "mia");
        assert_eq!(facts()["has_password"], false);
        let browser = Visitor::of(&served, "mia");
        assert!(facts()["last_sign_in_at"].is_string(), "{}", facts());
        browser.submit("/me", "/me/password", &[("new", PASSWORD)]).with(200);
        assert_eq!(facts()["has_password"], true);
        assert_eq!(facts()["password_last_used_at"], json!(null));
        let principal = || listed(&served, "/v1/principals?text=mia", "principals", "mia");
        assert_eq!(principal()["password_last_used"]["status"], "never");
        let report = || {
            let path = "/v1/credential-report?format=aws&account=keytender";
            let text = served.get(path).text;
            let row = text.lines().find(|line| line.starts_with("mia,"));
            row.unwrap_or_else(|| panic!("{text}")).to_owned()
        };
        assert!(report().contains(",true,no_information,"), "{}", report());

        browser.submit("/me", "/sign-out", &[]);
        let signed =
            browser.submit("/sign-in", "/sign-in", &[("name", "mia"), ("password", PASSWORD)]);
        signed.with(200);
        let used: Time = facts()["password_last_used_at"].as_str().unwrap().parse_time();
        assert!(keytender::clock::now().since(used).whole_days() == 0);
        let principal = principal();
        assert_eq!(principal["has_password"], true);
        assert_eq!(principal["mfa"], false);
        assert_eq!(principal["password_last_used"]["at"], facts()["password_last_used_at"]);
        assert!(report().contains(&format!(",true,{},", used.to_seconds())), "{}", report());
        let boss = Visitor::of(&served, "administrator");
        boss.get("/users").says(&["mia auditor every key active just now just now no"]);

        served.delete("/v1/users/mia").expect(204);
        let text = served.get("/v1/credential-report?format=aws&account=keytender").text;
        assert!(!text.contains("\nmia,"), "{text}");
    }
}

trait ParseTime {
    fn parse_time(&self) -> Time;
}

impl ParseTime for str {
    fn parse_time(&self) -> Time {
        Time::parse(self).unwrap()
    }
}
