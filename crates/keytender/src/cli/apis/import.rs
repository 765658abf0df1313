//! `keytender apis import`: keys that others issued, brought into an API of ours.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use keytender_core::imported::{Hashing, Locator, Part};
use keytender_core::text::{count, printable};
use zeroize::Zeroizing;

use crate::app::import::read;
use crate::app::issued::KeyImport;
use crate::app::view::KeyImportView;
use crate::cli::context::Context;
use crate::cli::words::write_json;
use crate::cli::{DONE, Stop};
use crate::config::credential::Reference;
use crate::error::Error;

/// The word for what comes in on stdin.
const STDIN: &str = "-";
/// The most that is read from stdin, in bytes: a server takes less than a fourth of it.
const MAX_STDIN: u64 = 256 * 1024 * 1024;

/// Bring keys in that others issued: they work on as they are.
///
/// The file is CSV with a header, or a JSON list of objects. A row has a `key`, or the `hash` that its issuer kept, and
/// whose it is: `account`; and if known `app`, `label`, `scopes`, `networks`, `environment`, `created`, `expires`,
/// `last_used`, `enabled`, and `start`, the letters by which people know it. Of a key only an HMAC is kept. A salted hash
/// (bcrypt, argon2, pbkdf2) needs a `locator`, the part of the key that leads to it; after the first use it is dropped.
/// Nothing is imported if something is wrong. The same file twice adds nothing the second time.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Import {
    /// The API
    api: String,
    /// The file; - reads from stdin
    file: PathBuf,
    /// Whose the keys are that name no account, such as globex
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The app of keys that name none; `imported` if not given
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// How hashes were made that do not say it: sha256, sha512, hmac-sha256
    #[arg(long, value_name = "WORD", value_parser = hashing)]
    hash: Option<Hashing>,
    /// Which part of a key was hashed, such as after-first:. for what stands behind the first dot; all of it if not given
    #[arg(long, value_name = "PART")]
    hashed: Option<Part>,
    /// Which part of a key leads to its salted hash, such as before-first:. or first:8
    #[arg(long, value_name = "PART")]
    locator: Option<Locator>,
    /// Where the secret of HMACs is: env:NAME, file:PATH, keyring:SERVICE/USER or command:PROGRAM
    #[arg(long, value_name = "REFERENCE")]
    hmac_secret: Option<Reference>,
    /// Say what would be imported and what is wrong, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out rows that are wrong, and import the others
    #[arg(long)]
    skip_bad: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

fn hashing(word: &str) -> Result<Hashing, &'static str> {
    let known = Hashing::parse(word).filter(|hashing| !hashing.is_salted());
    known.ok_or("sha256, sha512 or hmac-sha256; salted hashes say themselves what they are")
}

pub(super) fn run(args: &Import, context: &Context) -> Result<u8, Stop> {
    let content = content(&args.file).map_err(Stop::could_not)?;
    let secret = args.hmac_secret.as_ref().map(Reference::resolve).transpose();
    let import = KeyImport {
        account: args.account.clone(),
        app: args.app.clone(),
        hashing: args.hash,
        part: args.hashed.unwrap_or_default(),
        locator: args.locator,
        hmac_secret: secret.map_err(Stop::could_not)?,
        is_dry: args.dry_run,
        skips_bad: args.skip_bad,
    };
    context.desk(async |desk| {
        let done = desk.import_keys(&args.api, &content, &import).await.map_err(Stop::could_not)?;
        let name = args.file.display().to_string();
        for fault in &done.faults {
            let (line, column, what) = (fault.line, fault.column, printable(&fault.what));
            let hint = fault.hint.as_deref().map(printable);
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            context.talk.warning(&format!("{name}: line {line}, column {column}: {what}{hint}"));
        }
        match args.json {
            true => write_json(&done)?,
            false if done.imported || args.dry_run => write(args, &done)?,
            false => {}
        }
        if done.bad > 0 && !args.skip_bad {
            let rows = if done.bad == 1 { "row is" } else { "rows are" };
            let error = Error::new(format!("{} {rows} wrong: nothing was imported", done.bad));
            return Err(Stop::could_not(error.hint("--skip-bad leaves them out")));
        }
        Ok(DONE)
    })
}

fn content(file: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    if file != Path::new(STDIN) {
        return read(file);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = MAX_STDIN + 1;
    let cannot = |error| Error::new("cannot read stdin").source(error);
    io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    match u64::try_from(bytes.len()) {
        Ok(count) if count <= MAX_STDIN => Ok(bytes),
        _ => Err(Error::new(format!("more than {MAX_STDIN} bytes came in on stdin"))),
    }
}

fn write(args: &Import, done: &KeyImportView) -> io::Result<()> {
    let mut out = anstream::stdout();
    let verb = if done.imported { "imported" } else { "would import" };
    writeln!(out, "{verb} {} into {}", count(done.keys, "key"), args.api)?;
    if done.accounts + done.apps > 0 {
        let (accounts, apps) = (count(done.accounts, "customer"), count(done.apps, "app"));
        writeln!(out, "  new         {accounts}, {apps}")?;
    }
    if !done.rules.is_empty() {
        writeln!(out, "  recognised  {}", done.rules.join(", "))?;
    }
    if done.known > 0 {
        writeln!(out, "  known       {}, which stay as they are", count(done.known, "key"))?;
    }
    if done.bad > 0 {
        writeln!(out, "  wrong       {}", count(done.bad, "row"))?;
    }
    Ok(())
}
