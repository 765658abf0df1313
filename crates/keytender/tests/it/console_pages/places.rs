//! Accounts and owners on their pages.

use serde_json::json;

use super::{HOSTILE, listed, verbs};
use crate::api_keys::offices_at;
use crate::inventory::{BACKUP, DEPLOY};
use crate::server;
use crate::visitor::Visitor;

#[test]
fn an_account_shows_how_it_is_reached_and_every_look_at_it() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        let prod = listed(served, "/v1/accounts", "accounts", "prod");
        let path = format!("/accounts/{}", prod["id"].as_str().unwrap());
        let (keys, due) = (prod["keys"].to_string(), prod["due"].to_string());
        let list = browser.get("/accounts");
        list.with(200).says(&["2 accounts", "prod 123456789012 aws", "seen", &keys, &due]);
        list.says(&["what AWS’s own tools would use on the server"]);
        let page = browser.get(&path);
        page.with(200).says(&["The provider’s id 123456789012", "Looks at it", "seen"]);

        browser.submit(&path, &format!("{path}/look"), &[]).with(200).says(&["keys were seen"]);
        let looks = served.get(&format!("/v1{path}/syncs")).expect(200);
        assert_eq!(looks["syncs"].as_array().unwrap().len(), 2);
        assert_eq!(browser.get(&path).text.matches("data-label=\"Keys seen\"").count(), 2);
        let checked = browser.submit(&path, &format!("{path}/check"), &[]);
        checked.with(200).says(&["Permissions at prod", "iam:ListUsers", "yes"]);

        let contact = format!("{path}/contact");
        browser
            .submit(&path, &contact, &[("contact", "nowhere")])
            .with(422)
            .says(&["no mail address"]);
        browser
            .submit(&path, &contact, &[("contact", "sec@example.com")])
            .says(&["sec@example.com"]);
        assert_eq!(
            listed(served, "/v1/accounts", "accounts", "prod")["contact"],
            "sec@example.com"
        );
        browser.submit(&path, &contact, &[("contact", "")]).with(200);
        assert_eq!(listed(served, "/v1/accounts", "accounts", "prod")["contact"], json!(null));

        let refusal = Some((403, "AccessDenied".to_owned()));
        office.fake.with_account(|account| account.behaviour.fail_everything = refusal);
        let failed = browser.submit(&path, &format!("{path}/look"), &[]);
        failed.with(502).says(&["failed"]);
        browser.submit(&path, &format!("{path}/check"), &[]);

        let remove = format!("{path}/remove");
        let words = format!("{keys} keys leave the inventory");
        browser.get(&remove).says(&["Forget prod?", &words, "Nothing happens at aws"]);
        browser.submit(&remove, &remove, &[]).with(200).says(&["prod is forgotten"]);
        browser.get(&path).with(404);
        assert_eq!(verbs(served)[..3], ["account.remove", "account.set", "account.set"]);
    }
}

#[test]
fn an_account_is_added_on_its_page_and_its_secret_is_nowhere() {
    let (_home, served) = server::served();
    let browser = Visitor::of(&served, "administrator");
    let secret = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let prod = [("provider", "aws"), ("name", "prod"), ("secret", secret), ("contact", "")];
    let page = browser.submit("/accounts", "/accounts", &prod);
    page.with(200)
        .says(&["prod was added. Nothing was asked of it yet", "an access key, kept sealed"]);
    let again = browser.submit("/accounts", "/accounts", &prod);
    again.with(409).says(&["There is an account `prod` already"]);
    let both = [("provider", "aws"), ("name", "two"), ("secret", secret), ("profile", "dev")];
    let both = browser.submit("/accounts", "/accounts", &both);
    both.with(422).says(&["not by both"]);
    assert!(both.text.contains("value=\"dev\""), "{}", both.text);
    for page in [&page, &again, &both, &browser.get("/accounts")] {
        assert!(!page.text.contains("wJalr"), "{}", page.text);
    }
    let role = "arn:aws:iam::123456789012:role/auditor";
    let reached = [("provider", "aws"), ("name", "stage"), ("profile", "dev"), ("role", role)];
    browser
        .submit("/accounts", "/accounts", &reached)
        .says(&["the profile dev, then the role", role]);
    let org = [("provider", "aws"), ("name", "org"), ("organization", "yes"), ("role", "Audit")];
    browser.submit("/accounts", "/accounts", &org).with(200);
    assert_eq!(listed(&served, "/v1/accounts", "accounts", "org")["kind"], "organization");
    let manual = [("provider", "stripe"), ("name", "shop")];
    browser.submit("/accounts", "/accounts", &manual).says(&["its keys are told by hand"]);
    let manual = listed(&served, "/v1/accounts", "accounts", "shop");
    let path = format!("/accounts/{}", manual["id"].as_str().unwrap());
    browser.submit(&path, &format!("{path}/look"), &[]).with(422);
    let own = listed(&served, "/v1/accounts", "accounts", "keytender");
    let own = format!("/accounts/{}", own["id"].as_str().unwrap());
    browser.submit(&own, &format!("{own}/remove"), &[]).with(409);
    browser.submit("/accounts", "/accounts", &[("provider", "aws"), ("name", HOSTILE)]).with(422);
}

#[test]
fn an_owner_is_added_changed_and_removed_with_claims() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        let new =
            [("name", HOSTILE), ("address", "team@example.com"), ("time_zone", "Europe/Berlin")];
        let page = browser.submit("/owners", "/owners", &new);
        page.with(200).says(&[HOSTILE, "was added", "team@example.com", "Europe/Berlin"]);
        assert!(!page.text.contains("<script>"), "{}", page.text);
        let wrong = [("name", "x"), ("address", "team@example.com"), ("time_zone", "Moon/Base")];
        let wrong = browser.submit("/owners", "/owners", &wrong);
        wrong.with(422).says(&["no time zone"]);
        assert!(wrong.text.contains("value=\"Moon/Base\""), "{}", wrong.text);

        let owner = listed(served, "/v1/owners", "owners", HOSTILE);
        let path = format!("/owners/{}", owner["id"].as_str().unwrap());
        let claims = format!("{path}/claims");
        let dep = [("by", "principal"), ("tag", ""), ("pattern", "dep*")];
        browser
            .submit(&path, &claims, &dep)
            .with(200)
            .says(&["answers for", "Every key whose principal is dep*"]);
        let vain =
            browser.submit(&path, &claims, &[("by", "tag"), ("tag", ""), ("pattern", "<b>")]);
        vain.with(422).says(&["names the tag"]);
        assert!(!vain.text.contains("<b>\""), "{}", vain.text);
        let key = served.get(&format!("/v1/keys/{DEPLOY}")).expect(200);
        assert_eq!(key["owner"], HOSTILE);
        let now = listed(served, "/v1/owners", "owners", HOSTILE);
        assert!(now["keys"].as_u64().unwrap() > 0, "{now}");
        browser.get("/owners").says(&["2 owners", &now["keys"].to_string()]);
        browser
            .submit(&path, &format!("{claims}/remove"), &dep)
            .says(&["taken back", "None: only keys"]);

        let change = [("address", "new@example.com"), ("time_zone", "UTC")];
        browser.submit(&path, &path, &change).says(&["Changed.", "new@example.com"]);
        browser
            .submit(&path, &path, &[("address", "nowhere")])
            .with(422)
            .says(&["no mail address"]);
        let remove = format!("{path}/remove");
        browser.get(&remove).with(200).says(&["They answer for no key"]);
        browser.submit(&remove, &remove, &[]).says(&["was removed"]);
        let wanted = ["owner.remove", "owner.set", "owner.disclaim", "owner.claim", "owner.add"];
        assert_eq!(verbs(served)[..5], wanted);
    }
}

#[test]
fn suggestions_are_accepted_all_or_none() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        served.post("/v1/users", &json!({"name": "eve", "role": "auditor"})).expect(201);
        let page = Visitor::of(served, "eve").get("/owners");
        page.says(&["Suggestions", "backup@example.com"]);
        let words = page.words();
        assert!(!words.contains("Accept all") && !words.contains("Add an owner"), "{words}");
        let browser = Visitor::of(served, "administrator");
        let page = browser.get("/owners");
        page.says(&["Suggestions", "backup@example.com is added", "the principal’s name"]);
        let ask = browser.get("/owners/suggestions");
        ask.with(200).says(&["1 key gets an owner, and 1 owner is added"]);
        browser
            .submit("/owners/suggestions", "/owners/suggestions", &[])
            .says(&["1 key got an owner"]);
        let key = served.get(&format!("/v1/keys/{BACKUP}")).expect(200);
        assert_eq!(key["owner"], "backup@example.com");
        assert!(!browser.get("/owners").words().contains("Suggestions"));
    }
}
