//! Tasks, the log and the settings on their pages.

use serde_json::json;

use super::{HOSTILE, staffed};
use crate::Home;
use crate::api_keys::offices_at;
use crate::databases::new_databases;
use crate::served::Served;
use crate::server;
use crate::visitor::Visitor;

#[test]
fn tasks_are_shown_and_run_when_somebody_asks() {
    for office in offices_at(keytender::clock::now()) {
        let served = &office.server;
        let browser = Visitor::of(served, "administrator");
        let page = browser.get("/tasks");
        page.with(200).says(&["evaluate holds keys against the policy", "notify", "seal", "sweep"]);
        for task in served.get("/v1/tasks").expect(200)["tasks"].as_array().unwrap() {
            let name = task["account"].as_str().map(|name| format!("sync of {name}"));
            let name = name.unwrap_or_else(|| task["name"].as_str().unwrap().to_owned());
            page.says(&[&name]);
        }
        browser.get("/tasks?q=prod").says(&["sync of prod"]);
        browser
            .submit("/tasks", "/tasks/run", &[("task", "sweep")])
            .with(200)
            .says(&["It was asked for"]);
        browser.submit("/tasks", "/tasks/run", &[("task", HOSTILE)]).with(404);
        browser.submit("/tasks", "/tasks/run", &[]).with(422);
    }
}

#[test]
fn the_log_is_read_page_by_page_and_filtered() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        for number in 0..60 {
            let owner = json!({"name": format!("o{number}"), "address": "o@example.com"});
            served.post("/v1/owners", &owner).expect(201);
        }
        let browser = Visitor::of(&served, "administrator");
        let mut path = "/log?verb=owner.&actor=administrator".to_owned();
        let mut found = Vec::new();
        loop {
            let page = browser.get(&path);
            page.with(200);
            let names =
                page.text.split("/owners/own_").skip(1).map(|rest| {
                    rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
                });
            found.extend(names);
            let next =
                page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
            if !page.text.contains("rel=\"next\"") {
                break;
            }
            path = next.split('"').next().unwrap().replace("&amp;", "&");
        }
        let wanted: Vec<String> = (0..60).rev().map(|number| format!("o{number}")).collect();
        assert_eq!(found, wanted);

        let acts = served.get("/v1/acts?verb=user.&limit=1000").expect(200);
        let verbs = acts["acts"].as_array().unwrap();
        assert!(
            verbs.iter().all(|act| act["verb"].as_str().unwrap().starts_with("user.")),
            "{acts}"
        );
        assert!(verbs.len() >= 3, "{acts}");
        let page = browser.get("/log?verb=user.");
        for act in verbs {
            page.says(&[act["verb"].as_str().unwrap(), act["origin"].as_str().unwrap()]);
        }
        let none =
            ["/v1/acts?verb=%25", "/v1/acts?actor=nobody", "/v1/acts?since=2999-01-01T00:00:00Z"];
        for path in none {
            assert_eq!(served.get(path).expect(200)["acts"], json!([]), "{path}");
        }
        let id = served.get("/v1/owners/o7").expect(200)["id"].as_str().unwrap().to_owned();
        let page = browser.get(&format!("/log?target={id}"));
        page.says(&["owner.add", "o7"]);
        assert_eq!(page.text.matches("owner.add").count(), 1);
        browser.get("/log?since=2999-01-01").says(&["Nothing like this was done"]);
        browser.get("/log?since=soon").with(422).says(&["That is no day"]);
        browser.get("/log?after=nonsense").with(400);
        let hostile = browser.get("/log?actor=%3Cscript%3E&verb=%22%3E%3Cscript%3E");
        assert!(!hostile.text.contains("<script>"), "{}", hostile.text);
    }
}

#[test]
fn the_log_is_proved_whole_on_its_page() {
    let (_home, served) = server::served();
    let browser = Visitor::of(&served, "administrator");
    let page = browser.submit("/log", "/log/verify", &[]);
    page.with(200).says(&["The log is whole", "none is missing"]);
    let verified = served.post("/v1/log-verifications", &json!({})).expect(200);
    page.says(&[
        &format!("Proved from outside {}", verified["proved"]),
        verified["checkpoints"].as_str().unwrap(),
    ]);
}

#[test]
fn the_settings_say_what_this_is_and_hold_no_secret() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let page = Visitor::of(&served, "administrator").get("/settings");
        page.with(200).says(&[
            env!("CARGO_PKG_VERSION"),
            &served.url,
            "as many as it likes",
            "do not go out",
        ]);
        let is_postgres = database.text.starts_with("postgres");
        page.says(&[if is_postgres { "PostgreSQL" } else { "SQLite" }]);
        assert!(!page.text.contains(&database.text), "{}", page.text);
        assert!(page.text.contains("href=\"/docs\""), "{}", page.text);
    }
}

#[test]
fn an_auditor_is_offered_nothing_that_changes_anything() {
    let (_home, served) = staffed();
    let browser = Visitor::of(&served, "auditor");
    for path in ["/accounts", "/owners", "/notices", "/tasks", "/users", "/settings", "/policy"] {
        let page = browser.get(path);
        page.with(200);
        let main = page.text.split("<main").nth(1).unwrap();
        assert_eq!(main.matches("method=\"post\"").count(), 0, "{path}: {main}");
    }
}
