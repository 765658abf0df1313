//! Signing in by everything that there is, in a real browser and at a real OpenID provider.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::served::Served;
use crate::{Home, partner};

const CLIENT: &str = "keytender";
const SECRET: &str = "a secret of the provider";

/// A file beside the tests in the browser.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(name)
}

/// An OpenID provider, which ends with this value.
struct Provider {
    issuer: String,
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Provider {
    fn start(modules: &str) -> Self {
        let mut child = Command::new("node")
            .arg(beside("openid_provider.mjs"))
            .args([modules, CLIENT, SECRET])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut issuer = String::new();
        lines.read_line(&mut issuer).unwrap();
        Self { issuer: issuer.trim().to_owned(), child, lines }
    }

    /// Tells it where it leads back to, and waits until it is ready.
    fn lead_back(&mut self, uri: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{uri}").unwrap();
        let mut ready = String::new();
        self.lines.read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), "ready");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn people_sign_in_by_a_link_a_password_a_code_a_passkey_and_elsewhere() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(chromium) = partner("KEYTENDER_TEST_CHROMIUM") else { return };
    let Some(modules) = partner("KEYTENDER_TEST_NODE_MODULES") else { return };
    let mut provider = Provider::start(&modules);
    let home = Home::new().with("OIDC_SECRET", SECRET);
    let words = ["--oidc-issuer", &provider.issuer, "--oidc-client-id", CLIENT];
    let secret = ["--oidc-client-secret-from", "env:OIDC_SECRET"];
    let served = Served::start_with(&home, &[&words[..], &secret].concat());
    let url = served.url.replace("127.0.0.1", "localhost");
    provider.lead_back(&format!("{url}/sign-in/openid/back"));
    let user = json!({"name": "mia", "role": "operator", "address": "mia@example.com"});
    served.post("/v1/users", &user).expect(201);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let axe = Path::new(&modules).join("axe-core/axe.min.js");
    let look = Command::new(python)
        .arg(beside("sign_in.py"))
        .args([Path::new(&chromium), &axe, &folder])
        .args([&url, &served.link()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&look.stderr);
    assert!(look.status.success(), "{said}");
    eprintln!("pictures: {}", folder.display());
}
