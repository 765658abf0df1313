//! The program from outside: run as its users run it, in a home folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that meets the unexpected should panic, and says when it is skipped"
)]

mod acts;
mod api_accounts;
mod api_channels;
mod api_issuing;
mod api_keys;
mod api_notices;
mod api_same;
mod architecture;
mod audit;
mod aws;
mod catalog;
mod conform;
mod console_browser;
mod console_codes;
mod console_keys;
mod console_mailed;
mod console_openid;
mod console_pages;
mod console_passkeys;
mod console_sign_in;
mod console_walk;
mod customers;
mod customers_own;
mod damaged;
mod databases;
mod deliver;
mod demo;
mod described;
mod descriptor;
mod discovery;
mod docs;
mod evaluate;
mod events;
mod exposed_and_kept;
mod fake_iam;
mod formats;
mod gateways;
mod help;
mod hook;
mod inventory;
mod killed;
mod log;
mod mail_page;
mod mcp;
mod moto;
mod notice_words;
mod notify;
mod organization;
mod outbox;
mod overview;
mod page;
mod policy;
mod portal;
mod providers;
mod published;
mod rotate_providers;
mod rotated;
mod scan;
mod secrets;
mod series;
mod served;
mod server;
mod server_access;
mod server_ends;
mod shelf;
mod store;
mod sync_killed;
mod task;
mod verifying;
mod visitor;
mod webhook;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The moment that the example is audited at.
const AS_OF: &str = "2026-11-24T00:00:00Z";

/// A home and a working folder for one test.
struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the program came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// The same home with a variable in its environment, in the place of one of that name.
    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// What a variable of its environment holds.
    fn variable(&self, name: &str) -> String {
        self.variables.iter().find(|(known, _)| known == name).unwrap().1.clone()
    }

    /// Writes a file in it.
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Ran {
        self.run_with_input(words, "")
    }

    fn run_with_input<S: AsRef<OsStr>>(&self, words: &[S], input: &str) -> Ran {
        let mut program = self.spawn(words);
        // A program that stops before it has read all closes the pipe: that is for it to say.
        _ = program.stdin.take().unwrap().write_all(input.as_bytes());
        let output = program.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the program and kills it, without a word, after so long; or lets it end before.
    fn run_and_kill<S: AsRef<OsStr>>(&self, words: &[S], life: Duration) {
        let mut program = self.spawn(words);
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        // Nobody sends: this is a pause.
        _ = receiver.recv_timeout(life);
        drop(sender);
        _ = program.kill();
        program.wait().unwrap();
    }

    fn spawn<S: AsRef<OsStr>>(&self, words: &[S]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_keytender"))
            .args(words)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Ran {
    /// The JSON that it wrote.
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The example report of the repository.
fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/credential-report.csv");
    std::fs::read_to_string(path).unwrap()
}

/// Audits a file of this repository as of the example's moment, with further words.
fn audit_example(words: &[&str]) -> Ran {
    let home = Home::new();
    home.write("report.csv", example());
    home.run(&[&["audit", "report.csv", "--as-of", AS_OF], words].concat())
}

/// What the tests run beside, by the variable that `scripts/test` sets; says so where it is not
/// there.
fn partner(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        eprintln!("skipped: {variable} is not set; scripts/test sets it");
    }
    value
}
