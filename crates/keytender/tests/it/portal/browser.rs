//! A customer's journey on the key page in a real browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::*;
use crate::partner;

/// Runs a script of `tests/browser` with these words.
fn browse(script: &str, words: &[&str]) -> Option<(Output, PathBuf)> {
    let python = partner("KEYTENDER_TEST_PYTHON")?;
    let chromium = partner("KEYTENDER_TEST_CHROMIUM")?;
    let modules = partner("KEYTENDER_TEST_NODE_MODULES")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal");
    std::fs::create_dir_all(&folder).unwrap();
    eprintln!("pictures: {}", folder.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let axe = Path::new(&modules).join("axe-core/axe.min.js");
    let mut command = Command::new(python);
    command.arg("-B").arg(script).arg(chromium).arg(axe).arg(&folder).args(words);
    Some((command.output().unwrap(), folder))
}

#[track_caller]
fn went_well(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_customer_makes_uses_rotates_and_revokes_its_keys_with_a_script_and_without() {
    for script in ["on", "off"] {
        let site = Site::open();
        let brand = json!({"accent": "#0b6b5d", "support": "help@acme.example", "docs": "https://acme.example/docs",
                           "frame_hosts": []});
        site.server.patch("/v1/apis/acme", &json!({"portal": brand})).expect(200);
        let new = json!({"name": "umbrella"});
        let account = site.server.post("/v1/apis/acme/accounts", &new).expect(201);
        let account = account["id"].as_str().unwrap();
        let new = json!({"name": "web-shop", "scopes": ["orders:read", "orders:write"]});
        site.server.post(&format!("/v1/accounts/{account}/apps"), &new).expect(201);
        let asked = json!({"person": "dana@umbrella.example", "return_url": "https://app.example/settings"});
        let link = format!("{}{}", site.server.url, site.link(account, &asked));
        let gateway =
            site.server.token_of("operator", &json!({"name": "gateway"}), Some(&["keys:verify"]));
        let Some((output, folder)) = browse("portal.py", &[&link, &gateway, script]) else {
            return;
        };
        went_well(&output);
        let report = std::fs::read_to_string(folder.join(format!("report-{script}.csv"))).unwrap();
        assert_eq!(report.lines().count(), 3, "{report}");
        assert!(!report.contains("globex") && report.contains("acme/umbrella"), "{report}");
        let keys = site.server.get(&format!("/v1/keys?account={account}")).expect(200);
        let states: Vec<&str> = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["state"].as_str().unwrap())
            .collect();
        assert_eq!(states.len(), 2, "{keys}");
        assert!(states.contains(&"deactivated") && states.contains(&"compromised"), "{states:?}");
        let acts = site.server.get("/v1/acts?actor=acme/umbrella").expect(200);
        let acts = acts["acts"].as_array().unwrap();
        assert!(
            acts.iter()
                .all(|act| act["origin"].as_str().unwrap().ends_with("for dana@umbrella.example"))
        );
    }
}

#[test]
fn the_page_works_in_a_frame_of_another_site_and_shows_in_no_other() {
    let home = Home::new();
    let name = "keys.example.com";
    let certificate = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let chain = home.write("chain.pem", certificate.cert.pem()).display().to_string();
    let key =
        home.write("chain.key", certificate.signing_key.serialize_pem()).display().to_string();
    let public = format!("https://{name}");
    let site =
        Site::open_with(&["--public-url", &public, "--tls-certificate", &chain, "--tls-key", &key]);
    let hosts = json!({"portal": {"frame_hosts": ["app.acme.example"], "accent": "#0b6b5d"}});
    site.server.patch("/v1/apis/acme", &hosts).expect(200);
    let port = site.server.url.rsplit(':').next().unwrap().to_owned();
    let links = [0, 1].map(|_| site.link(&site.globex.account, &json!({})));
    let Some((output, _)) = browse("portal_frame.py", &[&public, &port, &links[0], &links[1]])
    else {
        return;
    };
    went_well(&output);
}
