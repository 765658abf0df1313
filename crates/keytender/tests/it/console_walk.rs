//! The console in a real browser: every page, and what people do there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::moto::Partners;
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
    for page in ["/", "/keys", "/keys/*", "/accounts", "/owners", "/notices", "/policy", "/reports"]
    {
        assert!(walked.lines().any(|line| line == page), "{page} is linked: {walked}");
    }
    served.end();
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
        // A mail's link and its confirmation are two more: four clicks at most.
        assert_eq!(went_well(&output).trim(), "2");
        let keys = inside.aws("iam list-access-keys --user-name nightly-import");
        let key = &keys["AccessKeyMetadata"][0];
        assert_eq!(
            (key["AccessKeyId"].as_str(), key["Status"].as_str()),
            (Some(id), Some("Inactive"))
        );
        let log = served.get("/v1/acts?verb=key.disable").expect(200).to_string();
        assert!(log.contains("console from 127.0.0.1"), "{log}");
        served.end();
    }
}
