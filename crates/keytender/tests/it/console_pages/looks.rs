//! How the pages look in a real browser, and what their forms answer there.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::HOSTILE;
use crate::api_keys::offices_at;
use crate::partner;
use crate::served::Served;

/// Pages, and what is clicked there; one is of this notice.
fn views(notice: &str) -> Value {
    let views: [(&str, &str, &[&str]); 21] = [
        ("accounts", "/accounts", &["Add an account"]),
        ("account", "/accounts", &["prod"]),
        ("account-looked-at", "/accounts", &["prod", "Look now"]),
        ("account-checked", "/accounts", &["prod", "Check permissions"]),
        ("account-forget", "/accounts", &["prod", "Forget…"]),
        ("owners", "/owners", &["Add an owner"]),
        ("owner", "/owners", &["it", "Claim keys"]),
        ("notices", "/notices", &[]),
        ("notices-preview", "/notices", &["Show what would go out"]),
        ("notice", notice, &[]),
        ("channel", "/notices/channels/new?kind=mail", &[]),
        ("policy", "/policy", &[]),
        ("policy-checked", "/policy/edit", &["Check"]),
        ("reports", "/reports", &[]),
        ("changes", "/reports/changes?from=2020-01-01&to=2020-01-02", &[]),
        ("tasks", "/tasks", &[]),
        ("log", "/log", &[]),
        ("log-verified", "/log", &["Prove that it is whole"]),
        ("users", "/users", &["Add a user"]),
        ("user", "/users", &["mia", "Make a token"]),
        ("settings", "/settings", &[]),
    ];
    let view = |(name, path, clicks)| json!({"name": name, "path": path, "clicks": clicks});
    views.into_iter().map(view).collect()
}

/// Fills a server with something to look at; the path of a notice.
fn furnish(served: &Served) -> String {
    let long = "a-very-long-name-without-a-place-to-break-it".repeat(4);
    for name in [HOSTILE, &long] {
        served.post("/v1/owners", &json!({"name": name, "address": "x@example.com"})).expect(201);
    }
    let mia = json!({"name": "mia", "role": "operator", "address": "mia@example.com"});
    served.post("/v1/users", &mia).expect(201);
    served.post("/v1/users/mia/tokens", &json!({"label": "laptop"})).expect(201);
    let mail = json!({"kind": "mail", "name": "mail", "host": "127.0.0.1", "port": 9,
                      "tls": "none", "from": "k@example.com", "timeout_seconds": 1});
    served.post("/v1/channels", &mail).expect(201);
    served.post("/v1/notice-previews", &json!(null)).expect(200);
    let start = json!({"started": true, "contact": "all@example.com"});
    served.patch("/v1/notice-settings", &start).expect(200);
    served.post("/v1/notice-runs", &json!({"now": true})).expect(200);
    let notices = served.get("/v1/notices").expect(200);
    format!("/notices/{}", notices["notices"][0]["id"].as_str().unwrap())
}

#[test]
fn pages_and_what_their_forms_answer_are_whole_in_every_width_and_scheme() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(chromium) = partner("KEYTENDER_TEST_CHROMIUM") else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console-pages");
    std::fs::create_dir_all(&folder).unwrap();
    let office = offices_at(keytender::clock::now()).swap_remove(0);
    let notice = furnish(&office.server);
    let link = office.server.post("/v1/users/administrator/links", &json!({})).expect(201);
    let mut look = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/pages.py"))
        .args([chromium.as_ref(), link["url"].as_str().unwrap().as_ref(), folder.as_os_str()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    look.stdin.take().unwrap().write_all(views(&notice).to_string().as_bytes()).unwrap();
    let look = look.wait_with_output().unwrap();
    assert!(look.status.success(), "{}", String::from_utf8_lossy(&look.stderr));
    eprintln!("pictures: {}", folder.display());
}
