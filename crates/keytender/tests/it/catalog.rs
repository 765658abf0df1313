//! The APIs that are used: indexes of others come in as they are, stand beside the keys that are held, and go out as
//! one of ours.

mod limits;
mod looked;
mod pages;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::databases::new_databases;
use crate::inventory::run;
use crate::served::Served;
use crate::{Home, Ran, partner};

/// Three who run APIs: keys are held at one, another publishes a descriptor, of the third little is known.
pub(crate) const USED: &str = r#"name: What we call
description: The APIs that our services call
url: https://we.example/apis.yml
specificationVersion: "0.23"
tags: []
maintainers: [{FN: Platform}]
common:
- {type: Login, url: /sign-in}
apis:
- name: Stripe Charges
  description: Charges of cards
  image: ""
  baseURL: https://api.stripe.com
  humanURL: https://stripe.com
  properties: []
- name: Stripe Payouts
  description: Payouts to banks
  image: ""
  baseURL: https://api.stripe.com/v1
  humanURL: https://stripe.com
  properties: []
- name: Parcels
  description: Where parcels are
  image: ""
  baseURL: https://{region}.parcels.example
  humanURL: https://parcels.example
  properties:
  - {type: APIKeys, url: https://parcels.example/.well-known/api-keys, mediaType: application/json}
- name: Weather
  description: null
  humanURL: https://github.com/somebody/weather
  properties: [{type: Wether page, url: https://weather.example}]
"#;

/// A home of this database, in which two keys of Stripe are known, one of them old.
fn holding(database: &str) -> Home {
    let home = Home::new().with("KEYTENDER_DATABASE", database);
    run(&home, &["keys", "add", "stripe", "live", "--created", "2020-01-01"]);
    run(&home, &["keys", "add", "stripe", "test"]);
    home.write("apis.yml", USED);
    home
}

fn of<'v>(list: &'v Value, id: &str) -> &'v Value {
    let found = list["entries"].as_array().unwrap().iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("{id}: {list}"))
}

#[test]
fn what_is_used_stands_beside_the_keys_that_are_held() {
    for database in new_databases() {
        let home = holding(&database.text);
        let imported = run(&home, &["catalog", "import", "apis.yml"]);
        for odd in [
            "line 30, column 16: apis[3].description: it is empty (null)",
            "line 32, column 16: apis[3].properties[0].type: `Wether page` is no type of 0.23",
        ] {
            assert!(imported.stderr.contains(odd), "{odd}: {}", imported.stderr);
        }
        assert!(imported.stderr.contains("imported What we call: 4 APIs"), "{}", imported.stderr);
        let sentence = "You use 4 APIs and hold 2 keys at 1 of the 3 that run them; no key is \
                        recorded for Parcels, Weather.";
        assert!(imported.stdout.contains(sentence), "{}", imported.stdout);
        let list = run(&home, &["catalog", "list", "--json"]).json();
        let stripe = of(&list, "stripe");
        assert_eq!(
            (&stripe["apis"], &stripe["keys"], &stripe["due"], &stripe["how"]),
            (&json!(2), &json!(2), &json!(1), &json!("shelf"))
        );
        assert_eq!(stripe["sentence"], "You hold 2 keys here, 1 of them due.");
        assert_eq!(
            (&stripe["matched_by"], &stripe["domain"]),
            (&json!("host"), &json!("stripe.com"))
        );
        let parcels = of(&list, "parcels.example");
        assert_eq!((&parcels["keys"], &parcels["how"]), (&json!(0), &json!("akm")));
        // A relative address is beside the index, and a document for programs is no page.
        assert_eq!(parcels["keys_at"], "https://we.example/sign-in");
        let weather = of(&list, "whatwecall");
        assert_eq!((&weather["domain"], &weather["how"]), (&json!(null), &json!("page")));

        let missing = run(&home, &["catalog", "list", "--without-keys"]).stdout;
        assert!(missing.contains("Parcels (parcels.example)"), "{missing}");
        assert!(!missing.contains("Stripe (stripe.com)"), "{missing}");
        let shown = run(&home, &["catalog", "show", "Stripe"]).stdout;
        for word in ["You hold 2 keys here", "Stripe Payouts", "Account stripe: 2 keys, 1 due"] {
            assert!(shown.contains(word), "{word}: {shown}");
        }
        let refused = home.run(&["catalog", "show", "nobody"]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("keytender catalog list"), "{}", refused.stderr);
    }
}

#[test]
fn an_index_that_comes_again_takes_its_own_place_and_can_be_forgotten() {
    for database in new_databases() {
        let home = holding(&database.text);
        run(&home, &["catalog", "import", "apis.yml"]);
        let first = run(&home, &["catalog", "list", "--indexes", "--json"]).json();
        home.write("apis.yml", USED.replace("- name: Parcels", "- name: Boxes"));
        let again = run(&home, &["catalog", "import", "apis.yml"]);
        assert!(again.stderr.contains("imported again"), "{}", again.stderr);
        let second = run(&home, &["catalog", "list", "--indexes", "--json"]).json();
        assert_eq!(second["indexes"].as_array().unwrap().len(), 1);
        assert_eq!(first["indexes"][0]["id"], second["indexes"][0]["id"]);
        assert_ne!(first["indexes"][0]["sha256"], second["indexes"][0]["sha256"]);
        assert_eq!(
            (&second["indexes"][0]["apis"], &second["indexes"][0]["source"]),
            (&json!(4), &json!("apis.yml"))
        );
        let shown = run(&home, &["catalog", "show", "parcels.example"]).stdout;
        assert!(shown.contains("Boxes") && !shown.contains("Parcels\n"), "{shown}");
        let asked = home.run(&["catalog", "remove", "apis.yml"]);
        assert_eq!(asked.code, 1);
        assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
        run(&home, &["catalog", "remove", "apis.yml", "--yes"]);
        assert_eq!(run(&home, &["catalog", "list", "--json"]).json()["entries"], json!([]));
        let gone = home.run(&["catalog", "remove", "apis.yml", "--yes"]);
        assert_eq!(gone.code, 1);
        let log = run(&home, &["log", "--json"]).stdout;
        for verb in ["catalog.import", "catalog.remove"] {
            assert!(log.contains(verb), "{log}");
        }
    }
}

#[test]
fn all_real_indexes_come_in_through_the_program() {
    let Some(shared) = partner("KEYTENDER_TEST_SHARED") else { return };
    let home = Home::new();
    let mut files: Vec<_> = std::fs::read_dir(Path::new(&shared).join("apis-json"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("schema_0.23.yml"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 23);
    let mut odd = 0;
    for file in &files {
        let name = file.display().to_string();
        let ran = home.run(&["catalog", "import", &name, "--no-include"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        odd += usize::from(ran.stderr.contains("warning"));
    }
    assert!(odd > 15, "{odd} of them are odd");
    let list = run(&home, &["catalog", "list", "--json"]).json();
    assert!(list["summary"]["apis"].as_u64().unwrap() > 400, "{}", list["summary"]);
    // Whose they are is found, also where an index is old and says little.
    for id in [
        "algolia",
        "anthropic",
        "aws",
        "buildkite",
        "gitlab",
        "mailgun",
        "okta",
        "openai",
        "stripe",
        "vercel",
    ] {
        assert_eq!(of(&list, id)["provider"], id);
    }
}

/// Checks a document on standard input against the schema in the first argument.
const VALIDATE: &str = "
import json, sys, yaml, jsonschema
check = jsonschema.Draft202012Validator(yaml.safe_load(open(sys.argv[1])))
document = json.load(sys.stdin)
for error in check.iter_errors(document):
    sys.exit(f'{error.json_path}: {error.message[:300]}')
document['apis'][0]['properties'].append({'type': 'A made up type', 'url': ''})
sys.exit(0 if list(check.iter_errors(document)) else 'a wrong type was accepted')
";

#[track_caller]
fn keeps_to_the_published_schema(home: &Home, index: &str) {
    let Some(shared) = partner("KEYTENDER_TEST_SHARED") else { return };
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let schema = Path::new(&shared).join("apis-json/schema_0.23.yml");
    let file = home.write("exported.json", index);
    let output = Command::new(python)
        .args(["-c", VALIDATE])
        .arg(schema)
        .stdin(std::fs::File::open(file).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn our_own_index_is_valid_and_holds_nothing_secret() {
    for database in new_databases() {
        let home = holding(&database.text);
        let add =
            ["keys", "add", "acme-mail", "a-name-that-stays-here", "--id", "AKIAIOSFODNN7EXAMPLE"];
        run(&home, &add);
        run(&home, &["owners", "add", "ann", "--address", "ann@example.com"]);
        run(&home, &["catalog", "import", "apis.yml"]);
        let words = [
            "catalog",
            "export",
            "--url",
            "https://we.example/apis.json",
            "--name",
            "Ours",
            "--maintainer",
            "Platform",
        ];
        let written = run(&home, &words).stdout;
        let index: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(
            (&index["position"], &index["specificationVersion"]),
            (&json!("Consuming"), &json!("0.23"))
        );
        assert_eq!(
            (&index["name"], &index["maintainers"][0]["FN"]),
            (&json!("Ours"), &json!("Platform"))
        );
        let names: Vec<_> = index["apis"]
            .as_array()
            .unwrap()
            .iter()
            .map(|api| api["name"].as_str().unwrap())
            .collect();
        for name in ["Stripe Charges", "Parcels", "Weather", "acme-mail"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        for secret in ["a-name-that-stays-here", "AKIA", "ann", "live"] {
            assert!(!written.contains(secret), "{secret}: {written}");
        }
        home.write("exported.json", &written);
        let checked = run(&home, &["catalog", "check", "exported.json", "--json"]).json();
        assert_eq!((&checked["valid"], &checked["faults"]), (&json!(true), &json!([])));
        keeps_to_the_published_schema(&home, &written);
        // What was exported comes in again, and is the same APIs.
        let other = Home::new();
        other.write("exported.json", &written);
        let ran = run(&other, &["catalog", "import", "exported.json"]);
        assert!(ran.stderr.contains("imported Ours: 5 APIs"), "{}", ran.stderr);
    }
}

#[test]
fn the_index_of_the_demonstration_is_valid() {
    let home = Home::new();
    let mut served = Served::start_with(&home, &["--demo"]);
    let browser = crate::visitor::Visitor::new(&served);
    browser.enter(&served.link());
    let index = browser.get("/catalog/apis.json");
    let document = index.with(200).json();
    assert_eq!(document["position"], "Consuming");
    assert!(document["apis"].as_array().unwrap().len() > 15, "{document}");
    keeps_to_the_published_schema(&home, &index.text);
    served.end();
}

#[test]
fn each_fault_of_a_checked_index_has_its_place_and_says_what_to_do() {
    let home = Home::new();
    home.write("apis.yml", USED);
    let ran = home.run(&["catalog", "check", "apis.yml"]);
    assert_eq!(ran.code, 1);
    for line in [
        "apis.yml is no valid index of APIs.json 0.23: 4 faults",
        "  fault: line 29, column 3: apis[3].baseURL: an API needs it, and it is not there",
        "    add what its calls begin with, such as https://api.example.com",
        "  fault: line 30, column 16: apis[3].description: it is a text, and this is null",
        "  fault: line 32, column 23: apis[3].properties[0].type: `Wether page` is no type of 0.23",
        "    write `x-wether-page`",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    let gone = home.run(&["catalog", "check", "nothing.yml"]);
    assert_eq!(gone.code, 1);
    assert!(gone.stderr.contains("cannot read `nothing.yml`"), "{}", gone.stderr);
}

#[test]
fn a_token_that_may_only_read_imports_nothing() {
    let (_home, served) = crate::server::served();
    let imported =
        served.post("/v1/catalog-imports", &json!({"document": USED, "source": "apis.yml"}));
    let index = imported.expect(200)["index"].clone();
    assert_eq!(index["warnings"][0]["line"], 30);
    let listed = served.get("/v1/catalog?has_keys=false&limit=2").expect(200);
    assert_eq!(
        (listed["entries"].as_array().unwrap().len(), listed["next"].is_string()),
        (2, true)
    );
    assert_eq!(served.get("/v1/catalog?has_keys=true").expect(200)["entries"], json!([]));
    assert_eq!(served.get("/v1/catalog/parcels.example").expect(200)["apis"][0]["name"], "Parcels");
    let both = json!({"document": USED, "url": "https://x.example/apis.json"});
    for wrong in [both, json!({}), json!({"document": "a, b"}), json!({"document": "[]"})] {
        assert_eq!(served.post("/v1/catalog-imports", &wrong).status, 422, "{wrong}");
    }
    let checked = served.post("/v1/catalog-checks", &json!({"document": USED})).expect(200);
    assert_eq!(
        (&checked["valid"], &checked["faults"][0]["member"]),
        (&json!(false), &json!("apis[3].baseURL"))
    );
    let auditor = served.token_of("auditor", &json!({}), None);
    let path = format!("/v1/catalog-indexes/{}", index["id"].as_str().unwrap());
    for (method, path, status) in [
        ("POST", "/v1/catalog-imports", 403),
        ("DELETE", path.as_str(), 403),
        ("GET", "/v1/catalog", 200),
        ("GET", "/v1/catalog-index", 200),
    ] {
        let method = method.parse().unwrap();
        assert_eq!(served.ask_with(&auditor, &method, path, None, &[]).status, status, "{path}");
    }
    served.delete(&path).expect(204);
    served.delete(&path).expect(404);
}

/// What a run printed, where it went well.
#[track_caller]
fn went_well(ran: &Ran) {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
