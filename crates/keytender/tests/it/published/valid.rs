//! What is published, held against the schemas of those who made the notations.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::*;
use crate::partner;

/// Checks the document in the second argument against the schema in the first, and that a document without the member
/// in the third is refused.
const VALIDATE: &str = "
import json, sys, jsonschema
schema, document = [json.load(open(path)) for path in sys.argv[1:3]]
check = jsonschema.Draft202012Validator(schema)
for error in check.iter_errors(document):
    sys.exit(f'{error.json_path}: {error.message[:300]}')
# What a check is worth shows where it fails.
del document[sys.argv[3]]
sys.exit(0 if list(check.iter_errors(document)) else 'a document without a needed member was accepted')
";

/// A schema of the shared data, as JSON; `None` where there are none.
fn schema(name: &str) -> Option<Value> {
    let shared = partner("KEYTENDER_TEST_SHARED")?;
    let text = std::fs::read_to_string(Path::new(&shared).join(name)).unwrap();
    Some(serde_saphyr::from_str(&text).unwrap())
}

#[test]
fn the_published_documents_are_valid_by_the_official_schemas() {
    let home = Home::new();
    let server = Served::start(&home);
    for name in ["acme", "birch"] {
        server.post("/v1/apis", &json!({"name": name, "key_life": "365d"})).expect(201);
    }
    let files = [
        (KEYS, "keys.json"),
        ("/.well-known/api-keys/acme", "acme.json"),
        (ONBOARDING, "onboarding.json"),
        ("/.well-known/api-onboarding/acme", "of-acme.json"),
        (INDEX, "apis.json"),
    ];
    once(&server, KEYS, |document| kinds(document) == 2);
    for (path, name) in files {
        home.write(name, read(&server, path).text);
    }
    let checked = home.run(&["providers", "check", "keys.json", "acme.json"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{}", checked.stdout);
    assert!(checked.stdout.contains("2 kinds of keys"), "{}", checked.stdout);

    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(onboarding) = schema("api-onboarding/api-onboarding.schema.json") else { return };
    let Some(index) = schema("apis-json/schema_0.23.yml") else { return };
    home.write("onboarding.schema", onboarding.to_string());
    home.write("index.schema", index.to_string());
    for (name, schema, needed) in [
        ("onboarding.json", "onboarding.schema", "credentials"),
        ("of-acme.json", "onboarding.schema", "credentials"),
        ("apis.json", "index.schema", "apis"),
    ] {
        let check = Command::new(&python)
            .args(["-c", VALIDATE, schema, name, needed])
            .current_dir(home.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "{name}: {said}");
    }
}
