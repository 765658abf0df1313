//! Programs that are asked for a secret: without a shell, within a time, and up to a size.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use crate::error::Error;

/// A program may ask somebody for a fingerprint or a password.
const TIMEOUT: Duration = Duration::from_secs(60);
/// No secret is longer.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// What `line` writes to its standard output, without the line end. The words are split as a shell
/// would, and nothing else of a shell's is done.
///
/// # Errors
/// When it cannot be run, fails, or does not end in time. Nothing that it wrote is repeated.
pub(super) fn ask(line: &str) -> Result<Secret, Error> {
    let words = shlex::split(line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Error::new("the command is not understood: see its quotes"))?;
    let (program, arguments) = words.split_first().ok_or_else(|| Error::new("no command"))?;
    run(program, arguments)
}

/// As [`ask`], with the words apart.
pub(super) fn run(program: &str, arguments: &[String]) -> Result<Secret, Error> {
    let cannot =
        |why: &str| Error::new(format!("`{program}` gave no secret")).source(why.to_owned());
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| Error::new(format!("cannot run `{program}`")).source(error))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(cannot("it has no output"));
    };
    // Read beside the waiting: a receiver has a time limit, a pipe has none.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = stdout.take(MAX_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes);
        // Without a receiver nobody waits any more.
        _ = sender.send(read);
    });
    let Ok(read) = receiver.recv_timeout(TIMEOUT) else {
        _ = child.kill();
        _ = child.wait();
        return Err(cannot(&format!("it did not end within {} s", TIMEOUT.as_secs())));
    };
    let status = child.wait().map_err(|error| cannot(&error.to_string()))?;
    if !status.success() {
        return Err(cannot(&format!("it failed ({status})")));
    }
    let bytes = read.map_err(|_| cannot("its output cannot be read"))?;
    secret(&bytes).map_err(|why| cannot(&why))
}

/// Bytes as a secret: text, one line or more, not empty, not too long.
pub(super) fn secret(bytes: &[u8]) -> Result<Secret, String> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(Secret::new(text)) }
}
