//! The mails that owners get, as a mail program shows them: sent by the program through a real mail
//! server, opened in a real browser.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::process::Command;

use keytender_core::time::{Span, Time};
use serde_json::Value;

use crate::databases::new_databases;
use crate::fake_iam::{Account, FakeIam, Key, Root, User, at};
use crate::inventory::{home, run};
use crate::notify::{MailServer, PASSWORD};
use crate::{Home, partner};

/// Who gets which mail: of one key, of several, of many with long names.
const MAILS: [&str; 3] = ["one", "several", "many"];

/// An account with a root key, an unused one, one in use for too long, and many of one team.
fn account(now: Time) -> Account {
    let ago = |days: u32| at(&now.minus(Span::days(days)).to_string());
    let used = |key: Key, days: u32| key.used(ago(days), "eu-central-1", "s3");
    let deploy = Key::new("AKIAQDEPLOY000000001", ago(400));
    let orders = used(Key::new("AKIAQORDERS000000001", ago(1200)), 1);
    let reports = used(Key::new("AKIAQREPORTS00000001", ago(800)), 213);
    let root = used(Key::new("AKIAQROOT00000000001", ago(2560)), 4);
    let account = Account::new("123456789012", ago(0))
        .alias("shop-prod")
        .root(Root::new(ago(3000)).key(root))
        .user(User::new("deploy", ago(500)).path("/ci/").key(deploy))
        .user(User::new("svc-orders", ago(1300)).key(orders))
        .user(User::new("report-bot", ago(900)).key(reports));
    (0..14).fold(account, |account, number| {
        let name = format!("warehouse-loader-of-the-quarterly-figures-for-region-{number:02}");
        let key = used(Key::new(&format!("AKIAQWAREHOUSE0000{number:02}"), ago(700 + number)), 2);
        account.user(User::new(&name, ago(900)).path("/data/pipelines/nightly/").key(key))
    })
}

/// A home in which each of [`MAILS`] is due to somebody.
fn desk(server: &MailServer, home: &Home, now: Time) {
    let port = server.port.to_string();
    let ca = server.certificate.display().to_string();
    let place = ["--host", "localhost", "--port", &port, "--ca", &ca];
    let who = ["--user", "keytender", "--password", "env:SMTP_PASSWORD"];
    let words = ["channels", "add", "mail", "--from", "keys@example.com"];
    run(home, &[&words[..], &place, &who].concat());
    run(home, &["notify", "contact", "several@example.com"]);
    for (owner, pattern) in [("one", "deploy"), ("many", "warehouse-*")] {
        run(home, &["owners", "add", owner, "--address", &format!("{owner}@example.com")]);
        run(home, &["owners", "claim", owner, "--principal", pattern]);
    }
    run(home, &["accounts", "add", "aws", "prod"]);
    run(home, &["sync"]);
    let (made, end) = (now.minus(Span::days(355)).date(), now.plus(Span::days(10)).date());
    let words = ["keys", "add", "github", "deploy <shop> & co", "--created", &made];
    let more = ["--expires", &end, "--where", "the CI of shop"];
    run(home, &[&words[..], &more].concat());
}

/// Each mail by its recipient's name.
fn mails(python: &str, now: Time) -> BTreeMap<String, Value> {
    let fake = FakeIam::start(account(now));
    let database = new_databases().remove(0);
    let home = home(&fake, &database).with("SMTP_PASSWORD", PASSWORD);
    let mut server = MailServer::start(python, &home);
    desk(&server, &home, now);
    run(&home, &["notify", "--dry-run"]);
    run(&home, &["notify", "start", "--yes"]);
    // Read beside, because a pipe holds less than these mails.
    let lines = server.lines.take().unwrap().lines();
    let reader = std::thread::spawn(move || {
        let mail = |line: std::io::Result<String>| {
            let mail: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let to = mail["to"][0].as_str().unwrap();
            (to.split_once('@').unwrap().0.to_owned(), mail)
        };
        lines.take(MAILS.len()).map(mail).collect()
    });
    assert_eq!(run(&home, &["notify", "--now"]).stdout, "3 notices sent\n");
    reader.join().unwrap()
}

#[test]
fn mails_are_whole_on_a_screen_and_a_phone_and_their_two_parts_say_the_same() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(chromium) = partner("KEYTENDER_TEST_CHROMIUM") else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mails");
    std::fs::create_dir_all(&folder).unwrap();
    let mails = mails(&python, keytender::clock::now());
    for name in MAILS {
        let mail = &mails[name];
        let subject = mail["headers"]["subject"].as_str().unwrap();
        let part = |kind: &str| mail["parts"][kind].as_str().unwrap().replace("\r\n", "\n");
        std::fs::write(folder.join(format!("{name}.html")), part("text/html")).unwrap();
        // A mail program shows the subject above the text; the page says it itself.
        let text = format!("{subject}\n\n{}", part("text/plain"));
        std::fs::write(folder.join(format!("{name}.txt")), text).unwrap();
    }
    let look = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/mail.py"))
        .args([chromium.as_ref(), folder.as_path()])
        .args(MAILS)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&look.stderr);
    assert!(look.status.success(), "{said}");
    eprintln!("pictures: {}", folder.display());
}
