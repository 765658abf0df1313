//! Notices leave by mail, over SMTP.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use keytender::notify::mail::{Mailer, Message, Sender, Smtp, Tls};
use keytender::notify::{Accepted, Failed, Step, Verdict, Why, html};
use keytender_core::key::{Key, LastUse, PrincipalKind};
use keytender_core::notice::{About, Digest, Footer, Item, subject, text};
use keytender_core::policy::{Assessment, DEFAULT, Finding, Policy};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::{Value, json};

use crate::{Home, partner};

/// Long enough for a busy machine, where something is to come.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// Short, where nothing is to come.
const SHORT: Duration = Duration::from_millis(300);
pub(crate) const PASSWORD: &str = "pass wörd";

pub(crate) fn now() -> Time {
    Time::parse("2026-11-24T09:00:00Z").unwrap()
}

pub(crate) fn run<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(story)
}

fn items(names: &[&str]) -> Vec<Item> {
    let policy = Policy::parse(DEFAULT).unwrap();
    let mut assessment = Assessment::default();
    let about = About {
        account_alias: Some("prod <b>"),
        owner: Some("Ann & Co"),
        act_by: Time::parse("2026-12-08").ok(),
        page: Some("https://keys.example.com/mine"),
        ..About::default()
    };
    let item = |name: &&str| {
        let created_at = Time::parse("2019-11-01").ok();
        let key = Key {
            account: Some("123456789012".into()),
            principal: Some((*name).to_owned().into()),
            principal_kind: Some(PrincipalKind::User),
            id: Some("AKIAIOSFODNN7EXAMPLE".into()),
            created_at,
            last_used: LastUse::Never { since: created_at.unwrap() },
            ..Key::new("aws")
        };
        policy.assess(&key, now(), &mut assessment);
        let findings: Vec<Finding<'_>> = policy.findings(&assessment).collect();
        Item::new(&key, &findings, &about, now())
    };
    names.iter().map(item).collect()
}

pub(crate) fn digest(names: &[&str]) -> Digest {
    let footer = Footer {
        report: Some("https://keys.example.com/report".to_owned()),
        thresholds: Some("policy.toml".to_owned()),
    };
    Digest::new("Ann", "keys.example.com", items(names), footer)
}

fn smtp(port: u16) -> Smtp {
    Smtp {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        roots: None,
        username: None,
        password: None,
        from: "keys@example.com".to_owned(),
        from_name: Some("Keytender".to_owned()),
        timeout: PATIENT,
    }
}

fn message(mailer: &Mailer) -> Message {
    let digest = digest(&["deploy"]);
    Message {
        to: "ann@example.com".to_owned(),
        to_name: Some("Ann Ä.".to_owned()),
        subject: subject(&digest, now()),
        text: text(&digest, now()),
        html: html(&digest, now()),
        message_id: mailer.id("not_0dj2c8xk3v9q4"),
        references: vec![mailer.id("key_1"), mailer.id("key_2")],
        date: now(),
        sender: Sender::default(),
        unsubscribe: None,
    }
}

/// A mail server with a script: after each line that begins with the first text it says the second,
/// and hangs up where that is empty. It says its greeting first and all that it heard at the end.
fn scripted(script: &'static [(&'static str, &'static str)]) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // However a test fails, its server ends.
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        let mut heard = String::new();
        play(script, &mut stream, &mut heard);
        heard
    });
    (port, server)
}

fn play(script: &[(&str, &str)], stream: &mut TcpStream, heard: &mut String) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    for (expected, answer) in script {
        while !expected.is_empty() {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            heard.push_str(&line);
            if line.starts_with(expected) {
                break;
            }
        }
        match *answer {
            "" => return,
            // Silence: until the other side gives up.
            "…" => while lines.read_line(&mut String::new()).unwrap_or(0) > 0 {},
            answer => stream.write_all(format!("{answer}\r\n").as_bytes()).unwrap(),
        }
    }
}

/// What comes of a mail to a scripted server, and what the server heard.
fn attempt(
    script: &'static [(&'static str, &'static str)],
    timeout: Duration,
) -> (Result<Accepted, Failed>, String) {
    let (port, server) = scripted(script);
    let outcome = run(async {
        let mailer = Mailer::new(Smtp { timeout, ..smtp(port) }).unwrap();
        mailer.send(&message(&mailer)).await
    });
    (outcome, server.join().unwrap())
}

fn answer(code: u16, enhanced: &str) -> Why {
    let enhanced = (!enhanced.is_empty()).then(|| enhanced.to_owned());
    Why::Answer { code, enhanced }
}

#[test]
fn a_mail_that_the_server_takes_is_accepted() {
    let (outcome, heard) = attempt(
        &[
            ("", "220 here"),
            ("EHLO", "250 8BITMIME"),
            ("MAIL", "250 ok"),
            ("RCPT", "250 ok"),
            ("DATA", "354 go"),
            (".\r\n", "250 2.0.0 queued"),
            ("QUIT", "221 bye"),
        ],
        PATIENT,
    );
    assert_eq!(outcome, Ok(Accepted { code: 250 }));
    assert!(heard.starts_with("EHLO example.com\r\nMAIL FROM:<keys@example.com>"), "{heard}");
    assert!(heard.contains("\r\nAuto-Submitted: auto-generated\r\n"), "{heard}");
    assert!(heard.contains("\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\n"), "{heard}");
    assert!(heard.contains("\r\nMessage-ID: <not_0dj2c8xk3v9q4@example.com>\r\n"), "{heard}");
    assert!(heard.ends_with("QUIT\r\n"), "{heard}");
}

#[test]
fn a_refusal_is_temporary_or_permanent_as_the_server_says() {
    let (busy, _) =
        attempt(&[("", "220 a"), ("EHLO", "250 a"), ("MAIL", "451 4.7.1 later")], PATIENT);
    assert_eq!(
        busy,
        Err(Failed {
            verdict: Verdict::Temporary,
            step: Step::Sender,
            why: answer(451, "4.7.1"),
            retry_after_seconds: None
        })
    );
    let (unknown, _) = attempt(
        &[
            ("", "220 a"),
            ("EHLO", "250 a"),
            ("MAIL", "250 a"),
            ("RCPT", "550 5.1.1 <ann@example.com> is not known here"),
        ],
        PATIENT,
    );
    let unknown = unknown.unwrap_err();
    assert_eq!((unknown.verdict, &unknown.why), (Verdict::Permanent, &answer(550, "5.1.1")));
    assert_eq!(unknown.to_string(), "the recipient was not accepted: 550 (5.1.1)");
    assert!(!format!("{unknown:?}").contains("ann"));
    let (refused, _) = attempt(
        &[
            ("", "220 a"),
            ("EHLO", "250 a"),
            ("MAIL", "250 a"),
            ("RCPT", "250 a"),
            ("DATA", "354 a"),
            (".\r\n", "554 no"),
        ],
        PATIENT,
    );
    let refused = refused.unwrap_err();
    assert_eq!((refused.verdict, refused.step), (Verdict::Permanent, Step::Content));
    let (closed, _) = attempt(&[("", "421 4.3.2 closing")], PATIENT);
    let closed = closed.unwrap_err();
    assert_eq!((closed.verdict, closed.step), (Verdict::Temporary, Step::Connect));
}

#[test]
fn what_is_lost_before_the_end_of_the_mail_was_not_delivered() {
    for script in [
        &[("", "")][..],
        &[("", "220 a"), ("EHLO", "")],
        &[("", "220 a"), ("EHLO", "250 a"), ("MAIL", "250 a"), ("RCPT", "")],
        &[("", "220 a"), ("EHLO", "250 a"), ("MAIL", "250 a"), ("RCPT", "250 a"), ("DATA", "")],
    ] {
        let failed = attempt(script, PATIENT).0.unwrap_err();
        assert_eq!((failed.verdict, failed.why), (Verdict::Temporary, Why::Broken), "{script:?}");
    }
    for script in [
        &[("", "…")][..],
        &[("", "220 a"), ("EHLO", "250 a"), ("MAIL", "250 a"), ("RCPT", "250 a"), ("DATA", "…")],
    ] {
        let failed = attempt(script, SHORT).0.unwrap_err();
        assert_eq!((failed.verdict, failed.why), (Verdict::Temporary, Why::TimedOut), "{script:?}");
    }
}

#[test]
fn what_is_lost_after_the_end_of_the_mail_is_undecided() {
    const TO_THE_END: [(&str, &str); 5] =
        [("", "220 a"), ("EHLO", "250 a"), ("MAIL", "250 a"), ("RCPT", "250 a"), ("DATA", "354 a")];
    const LOST: [(&str, &str); 6] =
        [TO_THE_END[0], TO_THE_END[1], TO_THE_END[2], TO_THE_END[3], TO_THE_END[4], (".\r\n", "")];
    const SILENT: [(&str, &str); 6] =
        [TO_THE_END[0], TO_THE_END[1], TO_THE_END[2], TO_THE_END[3], TO_THE_END[4], (".\r\n", "…")];
    let lost = attempt(&LOST, PATIENT).0.unwrap_err();
    assert_eq!((lost.verdict, lost.why), (Verdict::Undecided, Why::Broken));
    // Long enough to come to the end of the mail.
    let silent = attempt(&SILENT, Duration::from_secs(3)).0.unwrap_err();
    assert_eq!((silent.verdict, silent.why.clone()), (Verdict::Undecided, Why::TimedOut));
    assert_eq!(
        silent.to_string(),
        "the notice was handed over, but the answer was lost: timed out"
    );
}

#[test]
fn where_nobody_listens_mail_waits() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mailer = Mailer::new(smtp(port)).unwrap();
    let failed = run(mailer.send(&message(&mailer))).unwrap_err();
    assert_eq!(
        (failed.verdict, failed.step, failed.why),
        (Verdict::Temporary, Step::Connect, Why::Refused)
    );
}

#[test]
fn a_password_is_not_sent_where_starttls_is_not_offered() {
    let (port, server) = scripted(&[("", "220 a"), ("EHLO", "250-a\r\n250 AUTH PLAIN LOGIN")]);
    let mailer = Mailer::new(Smtp {
        tls: Tls::StartTls,
        username: Some("keytender".to_owned()),
        password: Some(Secret::new(PASSWORD)),
        ..smtp(port)
    });
    let mailer = mailer.unwrap();
    let failed = run(mailer.send(&message(&mailer))).unwrap_err();
    assert_eq!((failed.step, failed.why), (Step::Tls, Why::NotOffered));
    assert_eq!(server.join().unwrap(), "EHLO example.com\r\n");
}

#[test]
fn settings_that_would_not_be_secret_are_refused() {
    let refused = |settings: Smtp| Mailer::new(settings).err().unwrap().report();
    let plain = refused(Smtp { host: "mail.example.com".to_owned(), ..smtp(25) });
    assert!(plain.starts_with("mail without TLS goes only to this machine"), "{plain}");
    let from = refused(Smtp { from: "very private".to_owned(), ..smtp(25) });
    assert!(!from.contains("private"), "{from}");
    let roots = Some(PathBuf::from("/nowhere/ca.pem").into());
    let roots = refused(Smtp { tls: Tls::StartTls, roots, ..smtp(25) });
    assert!(roots.contains("/nowhere/ca.pem"), "{roots}");
}

#[test]
fn what_would_make_another_header_is_not_written() {
    let mailer = Mailer::new(smtp(25)).unwrap();
    let good = message(&mailer);
    for bad in [
        Message { subject: "a\r\nBcc: b@example.com".to_owned(), ..good.clone() },
        Message { message_id: "<a@b>\r\nBcc: c@d".to_owned(), ..good.clone() },
        Message { references: vec!["<a b@c>".to_owned()], ..good.clone() },
        Message { to: "a@example.com\r\nRCPT TO:<b@example.com>".to_owned(), ..good.clone() },
    ] {
        let failed = run(mailer.send(&bad)).unwrap_err();
        assert_eq!((failed.verdict, failed.step), (Verdict::Permanent, Step::Message));
    }
}

/// A real mail server, which ends with the test.
pub(crate) struct MailServer {
    child: Child,
    pub(crate) lines: Option<BufReader<std::process::ChildStdout>>,
    pub(crate) port: u16,
    pub(crate) certificate: PathBuf,
}

impl MailServer {
    pub(crate) fn start(python: &str, home: &Home) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = home.write("certificate.pem", made.cert.pem());
        let key = home.write("key.pem", made.signing_key.serialize_pem());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail_server.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([&certificate, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        lines.read_line(&mut port).unwrap();
        Self { child, lines: Some(lines), port: port.trim().parse().unwrap(), certificate }
    }

    fn settings(&self) -> Smtp {
        Smtp {
            host: "localhost".to_owned(),
            tls: Tls::StartTls,
            roots: Some(self.certificate.clone().into()),
            username: Some("keytender".to_owned()),
            password: Some(Secret::new(PASSWORD)),
            ..smtp(self.port)
        }
    }

    /// The next mail that it took.
    pub(crate) fn mail(&mut self) -> Value {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn a_real_server_with_starttls_and_a_password_takes_the_mail() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let home = Home::new();
    let mut server = MailServer::start(&python, &home);
    let mailer = Mailer::new(server.settings()).unwrap();
    let message = message(&mailer);
    assert_eq!(run(mailer.send(&message)), Ok(Accepted { code: 250 }));
    let mail = server.mail();
    assert_eq!(mail["tls"], true);
    assert_eq!(mail["hello"], "example.com");
    assert_eq!(
        (&mail["from"], &mail["to"]),
        (&json!("keys@example.com"), &json!(["ann@example.com"]))
    );
    let headers = &mail["headers"];
    assert_eq!(headers["subject"], message.subject.as_str());
    assert_eq!(headers["from"], "Keytender <keys@example.com>");
    assert_eq!(headers["to"], "\"Ann Ä.\" <ann@example.com>");
    assert_eq!(headers["message-id"], "<not_0dj2c8xk3v9q4@example.com>");
    assert_eq!(headers["references"], "<key_1@example.com> <key_2@example.com>");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert!(headers["content-type"].as_str().unwrap().starts_with("multipart/alternative"));
    let part = |kind: &str| mail["parts"][kind].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(part("text/plain").trim_end(), message.text.trim_end());
    assert_eq!(part("text/html").trim_end(), message.html.trim_end());

    let wrong = Smtp { password: Some(Secret::new("wrong")), ..server.settings() };
    let failed = run(Mailer::new(wrong).unwrap().send(&message)).unwrap_err();
    assert_eq!((failed.verdict, failed.step), (Verdict::Permanent, Step::SignIn));
    let untrusted = Smtp { roots: None, ..server.settings() };
    let failed = run(Mailer::new(untrusted).unwrap().send(&message)).unwrap_err();
    assert_eq!((failed.step, failed.why), (Step::Tls, Why::Certificate));
    let elsewhere = Smtp { host: "127.0.0.1".to_owned(), ..server.settings() };
    let failed = run(Mailer::new(elsewhere).unwrap().send(&message)).unwrap_err();
    assert_eq!((failed.step, failed.why), (Step::Tls, Why::Certificate));
}

/// The same letters, as a reader sees them: without tags, entities and the places of spaces.
fn words(html: &str) -> String {
    let (_, body) = html.split_once("<body").unwrap();
    let mut words = String::new();
    for piece in body.split('<') {
        words.push(' ');
        words.push_str(piece.split_once('>').map_or("", |(_, text)| text));
    }
    let plain = words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&amp;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_html_says_what_the_text_says() {
    let digest = digest(&["deploy", "<script>alert(1)</script>"]);
    let page = html(&digest, now());
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("color-scheme") && page.contains("prefers-color-scheme: dark"));
    let seen = words(&page);
    for item in digest.items() {
        let [what, then] = item.lead(now());
        let known = [item.heading(), what, then];
        let facts = item.facts(now()).into_iter().map(|(name, value)| format!("{name} {value}"));
        let steps = item.steps().iter().cloned().chain(item.keep()).flat_map(|step| {
            // What stands between backticks is set in the letters of a command.
            [Some(step.text.replace('`', "")), step.command, step.link].into_iter().flatten()
        });
        let all = known.into_iter().chain(facts).chain(steps);
        for text in all.chain(item.reasons().to_vec()).chain(item.links().to_vec()) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(seen.contains(&text), "{text}\n{seen}");
        }
    }
    assert!(seen.contains(&digest.signature()) && seen.contains(&subject(&digest, now())));
}

#[test]
fn a_backlog_stays_below_what_gmail_cuts() {
    let names = vec!["a-rather-long-name-for-a-deployment"; 500];
    let page = html(&digest(&names), now());
    assert!(page.len() < 102_000, "{}", page.len());
}
