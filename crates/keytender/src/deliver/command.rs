//! Programs: without a shell, within a time and a size, and ended with all that they started. The
//! secret goes through their standard input, never through arguments or the environment.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use keytender_core::secret::Secret;
use keytender_core::text::printable;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::place::{Place, Put};
use super::{Held, words};
use crate::error::Error;

/// How long a program may take where nothing else is said, and at most.
const TIMEOUT_SECONDS: u8 = 60;
pub(super) const TIMEOUT: Duration = Duration::from_secs(TIMEOUT_SECONDS as u64);
/// No secret is longer.
const MAX_BYTES: u64 = 64 * 1024;
/// What is told of a program that failed: the end of what it wrote to stderr.
const MAX_TOLD_LINES: usize = 5;
const MAX_TOLD_CHARACTERS: usize = 400;
/// Our own settings, the master key among them, are none of a program's business.
const OWN_VARIABLES: &str = "KEYTENDER_";

/// Programs that take a secret and give it back, each with its arguments: a list, or a line that is
/// split as a shell would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Takes the secret from its standard input, without a line end.
    #[serde(deserialize_with = "words::list")]
    pub write: Vec<String>,
    /// Writes the secret to its standard output; a line end after it does not count. Nothing at all
    /// says that there is none.
    #[serde(deserialize_with = "words::list")]
    pub read: Vec<String>,
    /// Whether both take and give a line with the id before the secret.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub with_id: bool,
    /// How long each may take, from 1 to 60; 60 if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "seconds")]
    pub timeout_seconds: Option<u8>,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let said = words::number(deserializer);
    let seconds = said.ok().and_then(|said| u8::try_from(said).ok());
    match seconds.filter(|seconds| (1..=TIMEOUT_SECONDS).contains(seconds)) {
        None => Err(D::Error::custom(format!(
            "`timeout_seconds` is a number from 1 to {TIMEOUT_SECONDS}"
        ))),
        seconds => Ok(seconds),
    }
}

impl Place for Program {
    type Seen = ();

    async fn look(&self) -> Result<(Option<Held>, ()), Error> {
        Ok((self.read().await?, ()))
    }

    async fn put(&self, (): (), wanted: &Held) -> Result<Put, Error> {
        let mut input = Zeroizing::new(String::with_capacity(1024));
        if let Some(id) = &wanted.id {
            input.push_str(id.expose());
            input.push('\n');
        }
        if let Some(secret) = &wanted.secret {
            input.push_str(secret.expose());
        }
        let input = Secret::new(std::mem::take(&mut *input));
        _ = run(&self.write, Some(&input), self.timeout()).await?.output(&self.write)?;
        Ok(Put::Done)
    }

    fn name(&self) -> String {
        format!("`{}`", name(&self.read))
    }
}

impl Program {
    fn timeout(&self) -> Duration {
        self.timeout_seconds.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.into()))
    }

    async fn read(&self) -> Result<Option<Held>, Error> {
        let output = run(&self.read, None, self.timeout()).await?.output(&self.read)?;
        let text = output.expose();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let (id, secret) = match (self.with_id, text.split_once('\n')) {
            (true, Some((id, secret))) => (Some(id.strip_suffix('\r').unwrap_or(id)), secret),
            _ => (None, text),
        };
        let part = |text: &str| Some(Secret::new(text)).filter(|part| !part.is_empty());
        Ok(Held::of(id.and_then(part), part(secret)))
    }

    pub(super) async fn check(&self) -> Result<(), Error> {
        find(&self.write)?;
        _ = self.read().await?;
        Ok(())
    }
}

/// What a program came to.
pub(super) struct Ran {
    status: ExitStatus,
    stdout: Zeroizing<Vec<u8>>,
    stderr: Zeroizing<Vec<u8>>,
    input: Option<Secret>,
}

impl Ran {
    /// What it wrote.
    ///
    /// # Errors
    /// When it failed: its exit code, and the last lines that it wrote to stderr, unless it repeats
    /// what it was given there.
    pub(super) fn output(&self, words: &[String]) -> Result<Secret, Error> {
        let name = name(words);
        if !self.status.success() {
            let error = Error::new(format!("`{name}` failed ({})", self.status));
            return Err(match self.told() {
                Some(told) => error.source(told),
                None => error,
            });
        }
        if u64::try_from(self.stdout.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            return Err(Error::new(format!("`{name}` wrote more than {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(&self.stdout);
        text.map(Secret::new).map_err(|_| Error::new(format!("`{name}` wrote no text")))
    }

    /// The end of what it wrote to stderr, on one line.
    fn told(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.stderr);
        let mut given = self.input.iter().flat_map(|input| input.expose().lines());
        let mut shown = std::str::from_utf8(&self.stdout).unwrap_or_default().lines();
        let repeats = |line: &str| !line.trim().is_empty() && text.contains(line.trim());
        if given.any(repeats) || shown.any(repeats) {
            return Some("it wrote a secret to stderr, which is not repeated here".to_owned());
        }
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(MAX_TOLD_LINES));
        let told: Vec<_> = last.map(|line| printable(line.trim())).collect();
        let told = told.join("; ");
        let over = told.chars().count().saturating_sub(MAX_TOLD_CHARACTERS);
        Some(told.chars().skip(over).collect()).filter(|told: &String| !told.is_empty())
    }
}

fn name(words: &[String]) -> String {
    words.first().map_or_else(String::new, |word| printable(word).into_owned())
}

/// Whether a program is there.
pub(super) fn find(words: &[String]) -> Result<(), Error> {
    let Some(program) = words.first().filter(|word| !word.is_empty()) else {
        return Err(Error::new("there is no program to run").hint("name one, with its arguments"));
    };
    let is_there = |path: &std::path::Path| {
        path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = match program.contains('/') {
        true => is_there(program.as_ref()),
        false => std::env::split_paths(&paths).any(|folder| is_there(&folder.join(program))),
    };
    match found {
        true => Ok(()),
        false => Err(Error::new(format!("there is no program `{}`", name(words)))
            .hint("install it, or write its whole path")),
    }
}

/// Ends a program and all that it started.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // None of them is left, most often.
            _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be run, or does not end in time.
pub(super) async fn run(
    words: &[String],
    input: Option<&Secret>,
    timeout: Duration,
) -> Result<Ran, Error> {
    find(words)?;
    let name = name(words);
    let cannot = |error: std::io::Error| Error::new(format!("cannot run `{name}`")).source(error);
    let mut command = tokio::process::Command::new(words.first().map_or("", String::as_str));
    command
        .args(words.iter().skip(1))
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with(OWN_VARIABLES) {
            command.env_remove(&variable);
        }
    }
    let mut child = command.spawn().map_err(cannot)?;
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut group = Group(pid);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that ends before it has read all says so by its exit code.
            _ = stdin.write_all(input.expose().as_bytes()).await;
        }
    };
    let whole = async {
        let ((), stdout, stderr) = tokio::join!(give, take(stdout), take(stderr));
        let status = child.wait().await.map_err(cannot)?;
        Ok(Ran { status, stdout, stderr, input: input.cloned() })
    };
    let ran = tokio::time::timeout(timeout, whole).await;
    if ran.is_ok() {
        // It was waited for: its number may be somebody else's by now.
        group.0 = None;
    }
    drop(group);
    ran.unwrap_or_else(|_| {
        Err(Error::new(format!("`{name}` did not end within {} s", timeout.as_secs())))
    })
}

/// What comes from a pipe: up to a size, and what is beyond is read and forgotten.
async fn take(pipe: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(pipe) = pipe {
        // What cannot be read is missing, and that is seen.
        let mut pipe = pipe.take(MAX_BYTES + 1);
        _ = pipe.read_to_end(&mut bytes).await;
        _ = tokio::io::copy(&mut pipe.into_inner(), &mut tokio::io::sink()).await;
    }
    bytes
}
