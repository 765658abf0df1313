//! Brings a database's schema up to this program's, once and under a lock.

use super::db::{Db, Tx};
use super::{Failure, Result};

/// The migrations, from the first on; a landed one is never changed.
const MIGRATIONS: [&str; 19] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
    include_str!("migrations/0015.sql"),
    include_str!("migrations/0016.sql"),
    include_str!("migrations/0017.sql"),
    include_str!("migrations/0018.sql"),
    include_str!("migrations/0019.sql"),
];
/// The advisory lock that two programs starting at once meet at; any number, but always this one.
const LOCK: i64 = 0x6b65_7974_656e;

/// Runs what is missing; each migration stays whole or not at all.
///
/// # Errors
/// [`Failure::Newer`] when a newer program made the schema; or when the database refuses.
pub(super) async fn run(db: &Db) -> Result<()> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let mut tx = db.begin().await?;
    tx.lock(LOCK).await?;
    let mut version = version(&mut tx).await?;
    if version > known {
        return Err(Failure::Newer { found: version, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        tx.script(migration).await?;
        version += 1;
        tx.execute("INSERT INTO schema_migrations (version) VALUES ($1)", vec![version.into()])
            .await?;
    }
    Ok(tx.commit().await?)
}

async fn version(tx: &mut Tx) -> Result<i64> {
    tx.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY)",
        Vec::new(),
    )
    .await?;
    let rows = tx.fetch("SELECT COALESCE(MAX(version), 0) FROM schema_migrations", Vec::new());
    match rows.await?.first() {
        Some(row) => Ok(row.cells().int()?),
        None => Ok(0),
    }
}
