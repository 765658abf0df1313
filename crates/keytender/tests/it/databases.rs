//! Databases of both kinds, each made for one story.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use keytender::store::db::{Db, Location};

use crate::{Home, partner};

/// An empty database.
pub(crate) struct Database {
    /// What `--database` takes.
    pub(crate) text: String,
    /// The folder of a file, which ends with it.
    _home: Option<Home>,
}

/// One database of each kind that is there.
pub(crate) fn new_databases() -> Vec<Database> {
    let home = Home::new();
    let text = home.path().join("inventory.db").display().to_string();
    let mut databases = vec![Database { text, _home: Some(home) }];
    databases.extend(new_postgres());
    databases
}

fn new_postgres() -> Option<Database> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = partner("KEYTENDER_TEST_POSTGRES")?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    block_on(async {
        let db = Db::open(&Location::Postgres(format!("{server}/postgres"))).await.unwrap();
        db.fetch(&format!("CREATE DATABASE {name}"), Vec::new()).await.unwrap();
        db.close().await;
    });
    Some(Database { text: format!("{server}/{name}"), _home: None })
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
