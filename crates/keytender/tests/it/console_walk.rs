//! The console in a real browser: every page, and what people do there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keytender_core::time::Span;
use serde_json::{Value, json};

use crate::console_pages::issuing::Shop;
use crate::console_pages::rotating::Desk;
use crate::databases::new_databases;
use crate::inventory::run;
use crate::moto::Partners;
use crate::notify::{MailServer, PASSWORD};
use crate::served::Served;
use crate::{Home, partner};

/// Runs a script of `tests/browser` with the browser and these words.
fn browse(script: &str, words: &[&str]) -> Option<Output> {
    let python = partner("KEYTENDER_TEST_PYTHON")?;
    let chromium = partner("KEYTENDER_TEST_CHROMIUM")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let mut command = Command::new(python);
    command.arg("-B").arg(script).arg(chromium).args(words);
    Some(command.output().unwrap())
}

#[track_caller]
fn went_well(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    eprintln!("pictures: {}", folder.display());
    folder
}

#[test]
fn every_page_of_the_console_is_fit_to_be_seen() {
    let Some(modules) = partner("KEYTENDER_TEST_NODE_MODULES") else { return };
    if partner("KEYTENDER_TEST_CHROMIUM").is_none() {
        return;
    }
    let home = Home::new();
    let mut served = Served::start_with(&home, &["--demo"]);
    let axe = Path::new(&modules).join("axe-core/axe.min.js");
    let folder = pictures();
    let link = format!("{}{}", served.url, served.link());
    let words = [&link, &axe.display().to_string(), &folder.display().to_string()];
    let Some(output) = browse("walk.py", &words.map(String::as_str)) else { return };
    let walked = went_well(&output);
    let linked = [
        "/",
        "/keys",
        "/keys/*",
        "/rotations",
        "/rotations/*",
        "/apis",
        "/accounts",
        "/catalog",
        "/catalog/*",
        "/owners",
        "/notices",
        "/policy",
        "/reports",
    ];
    for page in linked {
        assert!(walked.lines().any(|line| line == page), "{page} is linked: {walked}");
    }
    served.end();
}

#[test]
fn every_page_of_the_keys_that_are_issued_is_fit_to_be_seen() {
    let Some(modules) = partner("KEYTENDER_TEST_NODE_MODULES") else { return };
    if partner("KEYTENDER_TEST_CHROMIUM").is_none() {
        return;
    }
    let mut shop = Shop::open(new_databases().swap_remove(0));
    let pages = fill(&shop);
    let axe = Path::new(&modules).join("axe-core/axe.min.js").display().to_string();
    let folder = pictures().join("issuing");
    std::fs::create_dir_all(&folder).unwrap();
    let link = shop.served.post("/v1/users/administrator/links", &json!({})).expect(201);
    let link = link["url"].as_str().unwrap().to_owned();
    let folder = folder.display().to_string();
    let mut words = vec![link.as_str(), &axe, &folder];
    words.extend(pages.iter().map(String::as_str));
    let Some(output) = browse("walk.py", &words) else { return };
    let looked = went_well(&output);
    assert_eq!(looked.lines().count(), pages.len() + 1, "{looked}");
    shop.served.end();
}

/// Gives a shop customers, and keys in every state; the pages to look at, each with a name.
fn fill(shop: &Shop) -> Vec<String> {
    for number in 0..12 {
        let new = json!({"name": format!("customer-{number}")});
        shop.served.post("/v1/apis/acme/accounts", &new).expect(201);
    }
    let key = shop.key("checkout");
    for day in (0..60_u32).rev() {
        shop.used(&key, i64::from((60 - day) * 300 - day % 7 * 40), Span::days(day));
    }
    let (old, waiting, revoked) = (shop.key("mobile"), shop.key("mails"), shop.key("old job"));
    for (key, activation) in [(&old, "immediately"), (&waiting, "on_first_use")] {
        let asked = json!({"activation": activation, "because": "once a year"});
        shop.served.post(&format!("/v1/keys/{key}/rotations"), &asked).expect(201);
    }
    shop.used(&old, 12, Span::from_micros(0));
    let leaked = json!({"compromised": true, "because": "found in a public repository"});
    shop.served.post(&format!("/v1/keys/{revoked}/revocation"), &leaked).expect(200);
    vec![
        "apis=/apis".to_owned(),
        format!("api=/apis/{}", shop.api),
        format!("customer=/accounts/{}", shop.account),
        format!("app=/apps/{}", shop.app),
        format!("key-in-use=/keys/{key}"),
        format!("key-in-overlap=/keys/{old}"),
        format!("key-that-waits=/keys/{waiting}"),
        format!("key-revoked=/keys/{revoked}"),
        format!("key-to-revoke=/keys/{key}/revocation"),
        "keys-issued=/keys?side=issued".to_owned(),
        format!("customer-to-forget=/accounts/{}/remove", shop.account),
    ]
}

#[test]
fn a_key_is_issued_in_the_browser_with_a_script_and_without_and_loading_again_makes_no_other() {
    let Some(modules) = partner("KEYTENDER_TEST_NODE_MODULES") else { return };
    if partner("KEYTENDER_TEST_CHROMIUM").is_none() {
        return;
    }
    let axe = Path::new(&modules).join("axe-core/axe.min.js").display().to_string();
    for script in ["on", "off"] {
        let home = Home::new();
        let mut served = Served::start(&home);
        let folder = pictures().display().to_string();
        let link = format!("{}{}", served.url, served.link());
        let Some(output) = browse("issuing.py", &[&link, &axe, &folder, script]) else { return };
        went_well(&output);
        let keys = served.get("/v1/keys?provider=acme").expect(200);
        assert_eq!(keys["total"], 2, "the key and its successor: {keys}");
        served.end();
    }
}

#[test]
fn a_key_is_found_kept_and_disabled_at_aws_with_a_script_and_without() {
    let Some(partners) = Partners::find() else { return };
    for (script, account) in [("on", "220000000001"), ("off", "220000000002")] {
        let inside = partners.enter(account);
        inside.aws("iam create-user --user-name nightly-import");
        let made = inside.aws("iam create-access-key --user-name nightly-import");
        let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
        let home = inside.home();
        for words in [&["accounts", "add", "aws", "prod"][..], &["sync"]] {
            let ran = home.run(words);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
        let mut served = Served::start(&home);
        let folder = pictures().display().to_string();
        let link = format!("{}{}", served.url, served.link());
        let Some(output) = browse("journey.py", &[&link, id, &folder, script]) else {
            return;
        };
        let clicks = went_well(&output);
        assert_eq!(clicks.lines().count(), 2, "{clicks}");
        assert_eq!(status(&inside, "nightly-import"), [id, "Inactive"]);
        let log = served.get("/v1/acts?verb=key.disable").expect(200).to_string();
        assert!(log.contains("console from 127.0.0.1"), "{log}");
        served.end();
    }
}

#[test]
fn a_key_is_replaced_in_the_browser_and_the_page_shows_how_it_goes_on() {
    let Some(modules) = partner("KEYTENDER_TEST_NODE_MODULES") else { return };
    let axe = Path::new(&modules).join("axe-core/axe.min.js").display().to_string();
    for (script, account) in [("on", "220000000013"), ("off", "220000000014")] {
        let Some(mut desk) = Desk::open(account) else { return };
        let folder = pictures().join(script);
        std::fs::create_dir_all(&folder).unwrap();
        let link = format!("{}{}", desk.served.url, desk.served.link());
        let (file, folder) = (desk.file(), folder.display().to_string());
        let words = [link.as_str(), &desk.key, &file, &axe, &folder, script];
        let Some(output) = browse("rotating.py", &words) else { return };
        went_well(&output);
        let new = desk.stands();
        assert_ne!(new, desk.id, "the file has the new key");
        assert_eq!(
            (desk.status(&desk.id), desk.status(&new)),
            ("Inactive".into(), "Active".into())
        );
        desk.served.end();
    }
}

/// Id and status of the only key of a user, as the aws command line shows them.
fn status(partners: &Partners, user: &str) -> [String; 2] {
    let keys = partners.aws(&format!("iam list-access-keys --user-name {user}"));
    let key = &keys["AccessKeyMetadata"][0];
    ["AccessKeyId", "Status"].map(|name| key[name].as_str().unwrap().to_owned())
}

/// By what others reach the server of a mail's link.
const PUBLIC: &str = "https://keys.example.com";
/// No user of the installation may have a key, however young.
const NO_USER_KEYS: &str = "extends = \"default\"\n[[rule]]\nid = \"user-key\"\n\
    when = { state = \"active\", principal_kind = \"user\" }\nseverity = \"high\"\n\
    action = \"remove\"\ntitle = \"Key of a user\"\n";

#[test]
fn an_owner_disables_a_key_at_aws_in_four_clicks_the_one_in_the_mail_included() {
    let Some(partners) = Partners::find() else { return };
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let inside = partners.enter("220000000003");
    inside.aws("iam create-user --user-name nightly-export");
    let made = inside.aws("iam create-access-key --user-name nightly-export");
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let home = inside.home().with("SMTP_PASSWORD", PASSWORD);
    home.write("policy.toml", NO_USER_KEYS);
    run(&home, &["policy", "use", "policy.toml"]);
    run(&home, &["accounts", "add", "aws", "prod"]);
    run(&home, &["owners", "add", "ann", "--address", "ann@example.com"]);
    run(&home, &["owners", "claim", "ann", "--principal", "nightly-*"]);
    run(&home, &["sync"]);
    let name = PUBLIC.strip_prefix("https://").unwrap().to_owned();
    let certificate = rcgen::generate_simple_self_signed([name]).unwrap();
    let chain = home.write("chain.pem", certificate.cert.pem()).display().to_string();
    let key = home.write("chain.key", certificate.signing_key.serialize_pem());
    let key = key.display().to_string();
    let words = ["--public-url", PUBLIC, "--tls-certificate", &chain, "--tls-key", &key];
    let mut served = Served::start_with(&home, &words);
    let mail = mail(&python, &home);
    let file = home.write("mail.html", mail["parts"]["text/html"].as_str().unwrap());
    let port = served.url.rsplit(':').next().unwrap().to_owned();
    let folder = pictures().display().to_string();
    let words = [&file.display().to_string(), PUBLIC, &port, &folder];
    let Some(output) = browse("mailed.py", &words) else { return };
    let clicks = went_well(&output);
    let count = clicks.lines().count();
    let is_from_the_mail = clicks.lines().next().is_some_and(|first| first.ends_with("/mail.html"));
    assert!(is_from_the_mail && count <= 4, "{clicks}");
    assert_eq!(status(&inside, "nightly-export"), [id, "Inactive"]);
    let log = served.get("/v1/acts?verb=key.disable").expect(200);
    assert!(log["acts"][0]["actor"].as_str().is_some_and(|who| who.contains("ann")), "{log}");
    served.end();
}

/// The mail to the owner whom a real mail server hears of.
fn mail(python: &str, home: &Home) -> Value {
    let mut server = MailServer::start(python, home);
    let (port, ca) = (server.port.to_string(), server.certificate.display().to_string());
    let words = ["channels", "add", "mail", "--from", "keys@example.com", "--host", "localhost"];
    let more = ["--port", &port, "--ca", &ca, "--user", "keytender"];
    run(home, &[&words[..], &more, &["--password", "env:SMTP_PASSWORD"]].concat());
    run(home, &["notify", "--dry-run"]);
    run(home, &["notify", "start", "--yes"]);
    run(home, &["notify", "--now"]);
    let mail = server.mail();
    assert_eq!(mail["to"][0], "ann@example.com");
    mail
}

#[test]
fn a_stranger_with_a_phone_sees_the_riskiest_key_and_its_last_use_at_once() {
    if partner("KEYTENDER_TEST_CHROMIUM").is_none() {
        return;
    }
    let home = Home::new();
    let mut served = Served::start_with(&home, &["--demo"]);
    let folder = pictures().display().to_string();
    let link = format!("{}{}", served.url, served.link());
    let Some(output) = browse("riskiest.py", &[&link, &folder]) else { return };
    let seen = went_well(&output);
    assert!(seen.lines().count() == 2 && seen.starts_with("root"), "{seen}");
    served.end();
}
