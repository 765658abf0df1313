//! The formats that other programs read.

use std::process::Command;

use serde_json::{Value, json};

use crate::{AS_OF, Home, audit_example, partner};

#[test]
fn the_json_keeps_its_contract() {
    let json = audit_example(&["--format", "json"]).json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["as_of"], AS_OF);
    assert_eq!(
        json["sources"],
        json!([{
            "name": "report.csv", "kind": "aws-credential-report", "observed_at": null,
            "principals": 5, "keys": 6, "warnings": []
        }])
    );
    assert_eq!(
        json["summary"],
        json!({
            "keys": 6, "due": 4, "to_review": 0, "excepted": 0,
            "by_action": {"remove": 3, "rotate": 1, "review": 0},
            "by_severity": {"critical": 1, "high": 2, "medium": 0, "low": 1}
        })
    );
    let mut deploy = json["keys"][5].clone();
    let rules =
        [&deploy["findings"][0], &deploy["findings"][1]].map(|finding| finding["rule"].clone());
    assert_eq!(rules, ["key-over-a-year", "key-unused"]);
    for finding in deploy["findings"].as_array_mut().unwrap() {
        let finding = finding.as_object_mut().unwrap();
        assert!(!finding.remove("controls").unwrap().as_array().unwrap().is_empty());
        assert!(!finding.remove("links").unwrap().as_array().unwrap().is_empty());
        assert!(finding.remove("message").unwrap().as_str().unwrap().contains("2352 days"));
    }
    assert_eq!(
        deploy,
        json!({
            "provider": "aws", "account": "123456789012", "principal": "deploy",
            "principal_kind": "user", "id": null, "slot": 1, "label": null, "state": "active",
            "provider_state": "Active", "created_at": "2020-06-15T12:00:04Z", "expires_at": null,
            "age_days": 2352, "last_used": {"status": "never", "since": "2020-06-15T12:00:04Z"},
            "due": true, "action": "remove", "severity": "high",
            "findings": [
                {"rule": "key-over-a-year", "severity": "high", "since": "2021-06-15T12:00:04Z"},
                {"rule": "key-unused", "severity": "medium", "since": "2020-07-30T12:00:04Z"}
            ]
        })
    );
}

#[test]
fn a_key_without_findings_and_the_principals_keep_the_contract() {
    let json = audit_example(&["--format", "json"]).json();
    assert_eq!(
        json["keys"][3],
        json!({
            "provider": "aws", "account": "123456789012", "principal": "carol",
            "principal_kind": "user", "id": null, "slot": 1, "label": null, "state": "active",
            "provider_state": "Active", "created_at": "2026-10-01T00:00:00Z", "expires_at": null,
            "age_days": 54,
            "last_used": {
                "status": "used", "at": "2026-11-23T21:30:00Z", "region": "eu-central-1", "service": "sts"
            },
            "due": false, "action": null, "severity": null, "findings": []
        })
    );
    assert_eq!(json["keys"][0]["principal"], "<root_account>");
    assert_eq!(
        json["principals"][3],
        json!({
            "provider": "aws", "account": "123456789012", "principal": "carol",
            "principal_kind": "user", "has_password": true,
            "password_last_used": {"status": "used", "at": "2026-11-22T09:02:17Z"},
            "mfa": true, "last_active": "2026-11-23T21:30:00Z"
        })
    );
    assert_eq!(json["principals"][2]["password_last_used"], Value::Null);
    assert_eq!(json["principals"][1]["last_active"], Value::Null);
}

#[test]
fn an_audit_of_no_keys_is_valid_json_too() {
    let home = Home::new();
    home.write("keys.csv", "provider,name,created\n");
    let json = home.run(&["audit", "keys.csv", "--format", "json", "--as-of", AS_OF]).json();
    assert_eq!((&json["keys"], &json["principals"]), (&json!([]), &json!([])));
    assert_eq!(json["summary"]["keys"], 0);
}

#[test]
fn the_csv_has_a_row_for_each_due_key_and_with_all_for_each_key() {
    let due = audit_example(&["--format", "csv"]).stdout;
    let all = audit_example(&["--format", "csv", "--all"]).stdout;
    assert_eq!((due.lines().count(), all.lines().count()), (5, 7));
    let header: Vec<&str> = due.lines().next().unwrap().split(',').collect();
    let row = due.lines().find(|line| line.contains(",deploy,")).unwrap();
    let cell = |name: &str| {
        let place = header.iter().position(|known| *known == name).unwrap();
        row.split(',').nth(place).unwrap().to_owned()
    };
    assert_eq!(header.len(), 24);
    assert_eq!(cell("age_days"), "2352");
    assert_eq!(cell("last_used_status"), "never");
    assert_eq!(cell("never_used_since"), "2020-06-15T12:00:04Z");
    assert_eq!(
        (cell("due"), cell("action"), cell("severity")),
        ("true".into(), "remove".into(), "high".into())
    );
    assert_eq!(cell("findings"), "key-over-a-year key-unused");
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_is_made_text() {
    let home = Home::new();
    home.write(
        "keys.csv",
        "provider,name,created\nx,\"=HYPERLINK(\"\"http://evil\"\",1)\",2020-01-01\nx,+1,2020-01-01\n\
         x,-1,2020-01-01\nx,@SUM(A1),2020-01-01\nx,\"two\nlines\",2020-01-01\n",
    );
    let csv = home.run(&["audit", "keys.csv", "--format", "csv", "--as-of", AS_OF]).stdout;
    for cell in [
        ",\"'=HYPERLINK(\"\"http://evil\"\",1)\",",
        ",'+1,",
        ",'-1,",
        ",'@SUM(A1),",
        ",\"two\nlines\",",
    ] {
        assert!(csv.contains(cell), "{cell}: {csv}");
    }
}

#[test]
fn the_sarif_is_read_by_the_types_of_its_standard() {
    let text = audit_example(&["--format", "sarif"]).stdout;
    let log: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
    let run = &log.runs[0];
    let results = run.results.as_ref().unwrap();
    let rules = run.tool.driver.rules.as_ref().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let rule = &rules[usize::try_from(result.rule_index.unwrap()).unwrap()];
        assert_eq!(Some(&rule.id), result.rule_id.as_ref());
    }
    let first = serde_json::to_value(&results[0]).unwrap();
    assert_eq!(first["ruleId"], "root-key");
    assert_eq!(first["level"], "error");
    let place = &first["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "report.csv");
    assert_eq!(place["region"]["startLine"], 2);
    let logical = &first["locations"][0]["logicalLocations"][0];
    assert_eq!(logical["fullyQualifiedName"], "aws/123456789012/<root_account>/1");
}

/// Checks documents on standard input, one a line, against the schema in the first argument.
const VALIDATE: &str = "
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
check = jsonschema.Draft7Validator(schema)
documents = [json.loads(line) for line in sys.stdin]
for document in documents:
    for error in check.iter_errors(document):
        sys.exit(f'{error.json_path}: {error.message[:300]}')
# What a check is worth shows where it fails.
documents[0]['runs'][0]['results'][0]['level'] = 'catastrophe'
sys.exit(0 if list(check.iter_errors(documents[0])) else 'a wrong level was accepted')
";

#[test]
fn the_sarif_is_accepted_by_its_json_schema() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let home = Home::new();
    home.write(
        "policy.toml",
        "extends = \"default\"\n[[exception]]\nmatch = { provider = \"*\" }\nrule = \"key-age\"\n\
         until = 2027-01-01\nreason = \"vendor\"\n",
    );
    home.write("a b#1.csv", "provider,name,created\nx,young,2026-08-01\ncut\n");
    let excepted = home.run(&[
        "audit",
        "a b#1.csv",
        "--format",
        "sarif",
        "--as-of",
        AS_OF,
        "--policy",
        "policy.toml",
    ]);
    let suppressed: Value = serde_json::from_str(&excepted.stdout).unwrap();
    assert_eq!(suppressed["runs"][0]["results"][0]["suppressions"][0]["justification"], "vendor");
    let one_line = |text: &str| serde_json::from_str::<Value>(text).unwrap().to_string();
    let documents = [audit_example(&["--format", "sarif"]).stdout, excepted.stdout];
    home.write("documents", documents.map(|text| one_line(&text)).join("\n"));
    let check = Command::new(python)
        .args(["-c", VALIDATE, &sarif_schema()])
        .stdin(std::fs::File::open(home.path().join("documents")).unwrap())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// The schema of SARIF 2.1.0, which lies in the sources of a crate that is built from it.
fn sarif_schema() -> String {
    // Only what was built for this machine is sure to have been fetched.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = package["manifest_path"].as_str().unwrap();
    manifest.replace("Cargo.toml", "src/schema.json")
}

#[test]
fn the_page_escapes_names_and_asks_nothing_of_the_network() {
    let home = Home::new();
    home.write(
        "keys.csv",
        "provider,name,created\nx,<script>alert(1)</script>,2020-01-01\nx,\"\"\"><img src=//evil>\",2020-01-01\n",
    );
    let page = home.run(&["audit", "keys.csv", "--format", "html", "--as-of", AS_OF]).stdout;
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for asking in ["src=", "url(", "@import", "<link", "<iframe", "<object", "<form"] {
        assert!(!page.replace("src=//evil", "").contains(asking), "{asking}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_page_counts_every_control_over_its_population() {
    let page = audit_example(&["--format", "html"]).stdout;
    // Population, passed, failed, excepted, not assessable: the one root fails; of 5 active keys 3
    // are too old and 1 is unused; none of 5 principals has a second key to review.
    for (control, counts) in [
        ("<b>1.4</b> (1.4, 1.5, 2.0, 3.0, 4.0) ", ["1", "0", "1", "0", "0"]),
        ("<b>2.12</b> (7.0) ", ["5", "2", "3", "0", "0"]),
        ("<b>2.11</b> (6.0, 7.0) ", ["5", "4", "1", "0", "0"]),
        ("<b>2.12</b> (6.0) ", ["5", "5", "0", "0", "0"]),
        ("<b>IAM.4</b>", ["1", "0", "1", "0", "0"]),
    ] {
        let row = page.split("<tr>").find(|row| row.contains(control)).unwrap();
        let cells: Vec<&str> = row
            .split("class=\"number")
            .skip(1)
            .map(|cell| cell.split('>').nth(1).unwrap().split('<').next().unwrap())
            .collect();
        assert_eq!(cells, counts, "{control}");
    }
    assert!(page.contains("X.509 signing certificates"));
}
