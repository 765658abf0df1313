//! The inventory's memory. All SQL of the program is here.
//!
//! - `db`: which database it is, and the only differences between the two
//! - `migrate`: the schema
//! - one file for each kind of thing that is kept

use keytender_core::text::printable;
use thiserror::Error;

use crate::error::{Error as Refusal, Kind};
use db::{Db, Location};

pub mod accounts;
pub mod acts;
pub mod apis;
pub mod apps;
pub mod authenticators;
mod bulk;
pub mod catalog;
pub mod chain;
pub mod changes;
pub mod channels;
pub mod db;
pub mod destinations;
pub mod exposures;
pub mod findings;
pub mod idempotency;
pub mod imported;
pub mod issued;
pub mod key_files;
pub mod keys;
pub mod leases;
mod migrate;
pub mod notices;
mod one_time;
pub mod overview;
pub mod owners;

pub mod portal;
pub mod principals;
pub mod reports;
pub mod rotations;
pub mod seal;
pub mod sessions;
pub mod settings;
pub mod shares;
pub mod sign_ins;
mod sweep;
pub mod syncs;
pub mod tasks;
pub mod tokens;
pub mod tries;
pub mod usage;
pub mod users;
pub mod verify;
pub mod versions;

/// Files up to this many bytes are checked in 20 milliseconds.
const MAX_SMALL_FILE: u64 = 8 * 1024 * 1024;

/// What became of a question to the store.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why the store could not do it.
#[derive(Debug, Error)]
pub enum Failure {
    /// The schema was made by a newer program.
    #[error("its schema has number {found} and this program knows {known}")]
    Newer {
        /// The number of the schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file is damaged.
    #[error("the database file is damaged: {0}")]
    Damaged(String),
    /// Something with this name is there already.
    #[error("there is one of this name already")]
    Exists,
    /// The lease under which it was to be written is somebody else's by now.
    #[error("another node has taken it over: nothing was written")]
    Lost,
    /// What is kept cannot be understood.
    #[error("what is kept is not understood: {0}")]
    Corrupt(String),
    /// The database did not do it.
    #[error("{}", database(.0))]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(known) if known.is_unique_violation() => Self::Exists,
            _ => Self::Database(error),
        }
    }
}

/// A database's own words may repeat a URL with its password: only known kinds are told.
fn database(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => printable(error.message()).into_owned(),
        sqlx::Error::Io(error) => format!("it cannot be reached ({})", error.kind()),
        sqlx::Error::PoolTimedOut => "it did not answer in time".to_owned(),
        sqlx::Error::Tls(_) => "its TLS certificate or protocol is refused".to_owned(),
        sqlx::Error::Configuration(_) => "its URL is not understood".to_owned(),
        sqlx::Error::ColumnDecode { index, .. } => format!("column {index} holds another type"),
        _ => "the database did not answer as expected".to_owned(),
    }
}

impl Failure {
    /// Whether PostgreSQL undid it because others held what it waited for: the same again may go through.
    /// (Codes `deadlock_detected` and `lock_not_available` of its appendix A.)
    pub fn is_contended(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code());
        matches!(code.as_deref(), Some("40P01" | "55P03"))
    }

    /// The refusal that people are told: the sentence, and what to do now.
    pub fn refuse(self, what: impl Into<String>) -> Refusal {
        let hint = match &self {
            Self::Newer { .. } => {
                Some("use the newer program, or a copy of the database from before")
            }
            Self::Damaged(_) => Some("put a backup in its place; the damaged file stays as it is"),
            Self::Exists | Self::Lost | Self::Corrupt(_) | Self::Database(_) => None,
        };
        let kind = match &self {
            Self::Exists => Kind::Conflict,
            _ => Kind::Internal,
        };
        let refusal = Refusal::new(what).kind(kind).source(self);
        match hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// An open inventory.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
}

impl Store {
    /// Opens the inventory at `location`, checks it, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be opened, is damaged, or is newer than this program.
    pub async fn open(location: &Location) -> Result<Self> {
        let is_to_be_checked = is_to_be_checked(location);
        let store = Self { db: Db::open(location).await? };
        if is_to_be_checked {
            store.check().await?;
        }
        migrate::run(&store.db).await?;
        Ok(store)
    }

    /// Asks SQLite whether its file is whole: the quick check, which reads every page but compares
    /// no index.
    async fn check(&self) -> Result<()> {
        let rows = self.db.fetch("PRAGMA quick_check(1)", Vec::new()).await?;
        match rows.first().map(|row| row.cells().text()).transpose()? {
            Some(word) if word != "ok" => Err(Failure::Damaged(word)),
            _ => Ok(()),
        }
    }

    /// Which database it is.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The inventory of another tenant in the same database.
    #[must_use]
    pub fn of_tenant(&self, tenant: i64) -> Self {
        Self { db: self.db.of_tenant(tenant) }
    }

    /// Whose inventory it is.
    const fn tenant(&self) -> i64 {
        self.db.tenant()
    }

    /// Closes it, so that a file is whole without its log.
    pub async fn close(self) {
        self.db.close().await;
    }
}

/// Whether a SQLite file should be read through before it is used: it is small, or a log beside it
/// says that the last program did not end well. A large one costs a second that `keys list` has not.
fn is_to_be_checked(location: &Location) -> bool {
    let Location::File(path) = location else {
        return false;
    };
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= MAX_SMALL_FILE);
    is_small || std::fs::metadata(log).is_ok_and(|file| file.len() > 0)
}

/// 64 bits from the operating system, for ids.
pub fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Failure::Corrupt(format!("no random numbers: {error}")))
}
