//! The policy and reports on their pages.

use serde_json::json;

use super::verbs;
use crate::api_keys::offices_at;
use crate::server;
use crate::visitor::Visitor;

const OWN: &str = "[[rule]]\nid = \"old\"\nwhen = { state = \"active\", age_over = \"30d\" }\n\
                   severity = \"high\"\naction = \"rotate\"\ntitle = \"<i>Old</i>\"\nhelp = \"Rotate it.\"\n\
                   [[exception]]\nmatch = { principal = \"deploy\" }\nrule = \"old\"\n\
                   until = 2999-01-01T00:00:00Z\nreason = \"moves\"\napproved_by = \"mia\"\n";

/// The value of a hidden member of a form.
fn hidden<'t>(text: &'t str, name: &str) -> &'t str {
    let rest = text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    rest.unwrap_or_else(|| panic!("{name}: {text}")).split('"').next().unwrap()
}

#[test]
fn the_policy_is_read_as_people_read() {
    let (_home, served) = server::served();
    let page = Visitor::of(&served, "administrator").get("/policy");
    page.with(200).says(&["the default one", "Exceptions None"]);
    let policy = served.get("/v1/policy").expect(200);
    for rule in policy["rules"].as_array().unwrap() {
        for member in ["id", "title", "when", "severity", "action", "help"] {
            page.says(&[rule[member].as_str().unwrap()]);
        }
    }
}

#[test]
fn a_policy_is_used_only_as_it_was_checked() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        let edit = browser.open("/policy/edit");
        let present = hidden(&edit.text, "present").to_owned();
        let typed = OWN.replace('\n', "\r\n");
        let broken = typed.replace("30d", "a month");
        let wrong = browser.send("/policy/check", &[("text", &broken), ("present", &present)]);
        wrong.with(422).says(&["This is no policy: line 3, column"]);
        assert!(wrong.text.contains("data-line=\"3\"") && wrong.text.contains("a month"));
        assert!(!wrong.text.contains("<i>"), "{}", wrong.text);

        let checked = browser.send("/policy/check", &[("text", &typed), ("present", &present)]);
        let found = served.post("/v1/policy-checks", &json!({"text": OWN})).expect(200);
        let sum = format!("It would flag {} key", found["would_be_due"]);
        checked.with(200).says(&["It is right, with 1 rule.", &sum, "than now"]);
        let of = |member: &str| found[member].as_u64().unwrap();
        assert_eq!(of("would_be_due"), of("due") + of("more") - of("fewer"), "{found}");
        let old = found["by_rule"].as_array().unwrap().iter().find(|one| one["rule"] == "old");
        assert!(old.unwrap()["would_be"].as_u64().unwrap() >= 2, "{found}");
        assert!(verbs(served).iter().all(|verb| verb != "policy.use"), "nothing was changed yet");

        // Another text than the one that was checked is not used.
        let stamp = hidden(&checked.text, "checked").to_owned();
        let other = typed.replace("30d", "31d");
        let fields = [("text", other.as_str()), ("present", &present), ("checked", &stamp)];
        browser.send("/policy/use", &fields).with(422).says(&["This text was not checked"]);
        let fields = [("text", typed.as_str()), ("present", "other"), ("checked", &stamp)];
        let stale = browser.send("/policy/use", &fields);
        stale.with(412).says(&["Somebody else has changed the policy since"]);
        let fields = [("text", typed.as_str()), ("present", &present), ("checked", &stamp)];
        let used = browser.send("/policy/use", &fields);
        used.with(200).says(&[
            "The policy is used.",
            "<i>Old</i>",
            "active and older than 30 days",
        ]);
        used.says(&["Principal is deploy", "2999-01-01", "moves", "mia"]);
        assert_eq!(served.get("/v1/policy").expect(200)["text"], OWN);
        assert_eq!(verbs(served)[0], "policy.use");

        browser
            .get("/policy/default")
            .with(200)
            .says(&["Back to the default policy?", "It would flag"]);
        browser.submit("/policy/default", "/policy/default", &[]).says(&["the default one"]);
        assert_eq!(served.get("/v1/policy").expect(200)["is_default"], true);
        assert_eq!(verbs(served)[..2], ["policy.use", "policy.use"]);
    }
}

#[test]
fn whoever_may_only_read_the_policy_tries_another_and_cannot_use_it() {
    let (_home, served) = super::staffed();
    let browser = Visitor::of(&served, "auditor");
    let page = browser.submit("/policy/edit", "/policy/check", &[("text", OWN)]);
    page.with(200).says(&["It is right"]);
    assert!(!page.text.contains("/policy/use"), "{}", page.text);
}

#[test]
fn reports_are_files_and_say_what_the_api_says() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        browser.get("/reports").with(200).says(&[
            "As a file",
            "What changed",
            "prod",
            "as AWS writes it",
        ]);
        for (query, kind) in [
            ("format=wide&account=&at=", "text/csv"),
            ("format=aws&account=prod&at=", "text/csv"),
            ("format=aws&account=keytender&at=", "text/csv"),
            ("format=json&account=prod&at=", "application/json"),
        ] {
            let page = browser.get(&format!("/reports/file?{query}"));
            page.with(200);
            assert!(page.headers["content-type"].to_str().unwrap().starts_with(kind));
            let disposition = page.headers["content-disposition"].to_str().unwrap();
            assert!(disposition.starts_with("attachment; filename="), "{disposition}");
            let query = query.replace("account=&", "").replace("&at=", "");
            let api = served.get(&format!("/v1/credential-report?{query}")).text;
            assert_eq!(without_times(&page.text), without_times(&api), "{query}");
        }
        browser.get("/reports/file?format=aws").with(422);
        browser.get("/reports/file?at=yesterday").with(422);
        browser.get("/reports/file?at=2999-01-01").with(422);
        let today = keytender::clock::now().date();
        let changes = browser.get(&format!("/reports/changes?from=2020-01-01&to={today}"));
        changes.with(200).says(&["No key changed."]);
        let vain = browser.get(&format!("/reports/changes?from={today}&to=2020-01-01"));
        vain.with(422).says(&["The first moment is the earlier one"]);
        assert!(vain.text.contains(&format!("value=\"{today}\"")), "{}", vain.text);
        browser.get("/reports/changes").with(422).says(&["That is no day"]);
    }
}

/// What is the same from one moment to the next: the moment of a report and the last use of the token
/// that asks for it are not.
fn without_times(text: &str) -> String {
    let is_now = |part: &&str| !part.contains("as_of") && !part.contains("first token");
    text.lines().filter(is_now).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_owner_gets_a_report_of_their_own_keys() {
    let (home, served) = super::staffed();
    let key = ["keys", "add", "stripe", "shop", "--owner", "team"];
    crate::inventory::run(&home, &key);
    let browser = Visitor::of(&served, "olga");
    let page = browser.get("/reports");
    page.with(200);
    assert!(!page.words().contains("as AWS writes it") && !page.text.contains("name=\"account\""));
    let report = browser.get("/reports/file?format=wide").text;
    assert!(report.contains("shop") && !report.contains("first token"), "{report}");
    browser.get("/reports/file?format=aws&account=keytender").with(422);
}
