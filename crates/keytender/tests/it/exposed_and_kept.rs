//! Exposed keys, and credential reports that are kept: over HTTP, on their pages, and at the command line.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use keytender::app::inventory::{Inventory, Sight};
use keytender::app::report;
use keytender::store::Store;
use keytender::store::acts::Actor;
use keytender::store::db::Location;
use keytender_core::time::Span;
use reqwest::Method;
use serde_json::{Value, json};

use crate::Home;
use crate::databases::{block_on, new_databases};
use crate::served::Served;
use crate::verifying::until;
use crate::visitor::Visitor;

/// A key that is held, and one that is issued: the ids of both.
fn keys(served: &Served) -> [String; 2] {
    let held = json!({"provider": "mailer", "name": "newsletter"});
    let held = served.post("/v1/keys", &held).expect(201)["key"].as_str().unwrap().to_owned();
    served.post("/v1/apis", &json!({"name": "acme"})).expect(201);
    served.post("/v1/apis/acme/accounts", &json!({"name": "globex"})).expect(201);
    let app = served.post("/v1/accounts/acme%2Fglobex/apps", &json!({"name": "shop"})).expect(201);
    let place = format!("/v1/apps/{}/keys", app["id"].as_str().unwrap());
    let issued = served.post(&place, &json!({"label": "checkout"})).expect(201);
    [held, issued["key"].as_str().unwrap().to_owned()]
}

/// A token that sees only keys that are held.
fn of_side(served: &Served) -> String {
    let asked = json!({"label": "held", "side": "held"});
    let made = served.post("/v1/users/administrator/tokens", &asked).expect(201);
    made["token"].as_str().unwrap().to_owned()
}

#[test]
fn exposed_keys_are_listed_with_who_said_so_and_why() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let [held, issued] = keys(&served);
        let all = || served.get("/v1/exposures").expect(200);
        assert_eq!(all()["total"], 0);
        let said = json!({"exposed": true, "because": "found in a paste"});
        served.patch(&format!("/v1/keys/{held}"), &said).expect(200);
        let found = all();
        let one = &found["exposures"][0];
        assert_eq!((&found["total"], &one["key"]["key"]), (&json!(1), &json!(held)));
        assert_eq!(one["reported_by"], "administrator");
        assert_eq!(one["reason"], "found in a paste");
        assert!(one["reported_at"].is_string(), "{one}");
        let leaked = json!({"compromised": true, "because": "mailed to a list"});
        served.post(&format!("/v1/keys/{issued}/revocation"), &leaked).expect(200);
        let found = all();
        let names: BTreeSet<&str> = found["exposures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["key"]["key"].as_str().unwrap())
            .collect();
        assert_eq!(names, [held.as_str(), issued.as_str()].into());
        assert_eq!(found["exposures"][1]["reason"], "mailed to a list", "it works no more: last");
        let page = served.get("/v1/exposures?limit=1").expect(200);
        let next = page["next"].as_str().unwrap();
        let rest = served.get(&format!("/v1/exposures?limit=1&after={next}")).expect(200);
        assert_eq!(
            (&rest["exposures"][0]["key"]["key"], &rest["next"]),
            (&json!(issued), &Value::Null)
        );
        assert_eq!(served.get("/v1/keys?exposed=true").expect(200)["total"], 2);
        // Whoever sees only one side is told of that alone.
        let only = of_side(&served);
        let seen = served.ask_with(&only, &Method::GET, "/v1/exposures", None, &[]).expect(200);
        assert_eq!(seen["total"], 1);
    }
}

#[test]
fn the_page_of_exposed_keys_says_it_and_takes_it_back() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let [held, issued] = keys(&served);
        let browser = Visitor::of(&served, "administrator");
        browser.get("/exposures").with(200).says(&["No key is known to be exposed."]);
        let typed = [("key", issued.as_str()), ("because", "in a <public> repository")];
        let page = browser.submit("/exposures", "/exposures", &typed);
        page.with(200).says(&[
            "shop/checkout",
            "administrator",
            "in a <public> repository",
            "Revoke",
        ]);
        assert!(page.text.contains(&format!("/keys/{issued}/revocation")));
        let lost = browser.submit("/exposures", "/exposures", &[("key", "no-such-key")]);
        lost.with(404).says(&["There is no key"]);
        assert!(lost.text.contains("value=\"no-such-key\""), "what was typed is not lost");
        browser.get(&format!("/keys/{held}")).says(&["Say that it is exposed"]);
        let back = [("key", issued.as_str()), ("back", "yes")];
        browser.submit("/exposures", "/exposures", &back).says(&["No key is known"]);
    }
}

#[test]
fn reports_are_kept_and_read_as_they_were_made() {
    for database in new_databases() {
        let home = Home::new().with("KEYTENDER_DATABASE", &database.text);
        let served = Served::start(&home);
        let [held, _] = keys(&served);
        let made = served.post("/v1/credential-reports", &json!({})).expect(201);
        let id = made["id"].as_str().unwrap();
        let text = served.get(&format!("/v1/credential-reports/{id}"));
        assert!(text.expect(200).to_string().contains(&held));
        let hashed = digest(&SHA256, text.text.as_bytes());
        let hashed: String = hashed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(made["sha256"], hashed);
        assert_eq!(made["bytes"], text.text.len());
        // What changes later changes nothing of it.
        served.patch(&format!("/v1/keys/{held}"), &json!({"exposed": true})).expect(200);
        assert_eq!(served.get(&format!("/v1/credential-reports/{id}")).text, text.text);
        let log = served.get("/v1/acts?verb=report.").expect(200).to_string();
        assert!(log.contains(&hashed), "{log}");
        assert_eq!(served.get("/v1/credential-reports/rep_0000000000001").status, 404);
        // The server makes one when it is to, and no second one.
        let daily = json!({"schedule": "daily"});
        let place = "/v1/credential-report-schedule";
        served.ask_with(&served.token, &Method::PUT, place, Some(&daily), &[]).expect(200);
        served.post("/v1/tasks/report/runs", &json!({}));
        let scheduled = || {
            let found = served.get("/v1/credential-reports").expect(200);
            assert_eq!(found["schedule"], "daily");
            let all = found["reports"].as_array().unwrap().clone();
            all.iter().filter(|one| one["scheduled"] == true).count()
        };
        until(|| scheduled() == 1);
        // They are of every key: not for whoever sees only some.
        let only = of_side(&served);
        let ask = |method, path: &str| served.ask_with(&only, &method, path, None, &[]);
        let seen = ask(Method::GET, "/v1/credential-reports").expect(200);
        assert_eq!(seen["reports"], json!([]));
        assert_eq!(ask(Method::GET, &format!("/v1/credential-reports/{id}")).status, 404);
        assert_eq!(ask(Method::POST, "/v1/credential-reports").status, 403);
        let browser = Visitor::of(&served, "administrator");
        browser.get("/reports").with(200).says(&["Each day", "the schedule", &hashed]);
        let weekly = browser.submit("/reports", "/reports/schedule", &[("schedule", "weekly")]);
        weekly.with(200).says(&["How often one is made and kept: Each week"]);
        assert_eq!(browser.get(&format!("/reports/kept/{id}")).text, text.text);
    }
}

#[test]
fn a_schedule_makes_one_a_day_and_forgets_the_oldest() {
    for database in new_databases() {
        let location = Location::parse(&database.text);
        block_on(async {
            let store = Store::open(&location).await.unwrap();
            let begin = keytender::clock::now();
            let at = |hours: i64| Inventory {
                store: store.clone(),
                location: location.clone(),
                actor: Actor { name: "test".to_owned(), origin: "test".to_owned() },
                now: begin.plus(Span::from_micros(hours * 3_600_000_000)),
                sight: Sight::default(),
            };
            assert_eq!(report::run(&at(0)).await.unwrap(), None, "nothing unless it is asked for");
            report::set_schedule(&at(0), report::Schedule::Daily).await.unwrap();
            let count = async |hours| report::list(&at(hours)).await.unwrap().reports.len();
            for (hours, kept) in [(0, 1), (5, 1), (23, 1), (24, 2), (40, 2), (49, 3)] {
                report::run(&at(hours)).await.unwrap();
                assert_eq!(count(hours).await, kept, "after {hours} hours");
            }
            for day in 3..45 {
                report::run(&at(day * 24 + 1)).await.unwrap();
            }
            assert_eq!(count(45 * 24).await, 31);
            report::set_schedule(&at(45 * 24), report::Schedule::Off).await.unwrap();
            assert_eq!(report::run(&at(90 * 24)).await.unwrap(), None);
            assert_eq!(report::sweep(&at(44 * 24 + 1 + 401 * 24)).await.unwrap(), 31);
            store.close().await;
        });
    }
}
