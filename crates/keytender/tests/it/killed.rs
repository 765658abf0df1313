//! The program is killed at random moments: when, and what must hold of a database afterwards.

use std::time::Duration;

use keytender::store::db::{Db, Kind, Location};

use crate::databases::{Database, block_on};

/// How often the program is killed on each database.
pub(crate) const KILLS: usize = 150;

/// Random numbers from a seed, which a failure should name: with it they come again.
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A seed that is another one in each run.
    pub(crate) fn seed() -> u64 {
        keytender::clock::now().as_micros().cast_unsigned()
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % end
    }

    /// A place in a list of this length.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    /// How long the program may run, at most `longest`.
    pub(crate) fn life(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(longest.as_micros()).unwrap()))
    }
}

/// What `sql` gives, of which each row has one text.
pub(crate) fn texts(database: &Database, sql: &str) -> Vec<String> {
    block_on(async {
        let db = Db::open(&Location::parse(&database.text)).await.unwrap();
        let rows = db.fetch(sql, Vec::new()).await.unwrap();
        let texts = rows.iter().map(|row| row.cells().text().unwrap()).collect();
        db.close().await;
        texts
    })
}

/// Fails if a SQLite file is damaged, an index of it tells another story than its table, or a row
/// speaks of one that is not there. PostgreSQL sees to that itself.
pub(crate) fn assert_whole(database: &Database, seed: u64) {
    let kind = block_on(async {
        let db = Db::open(&Location::parse(&database.text)).await.unwrap();
        let kind = db.kind();
        db.close().await;
        kind
    });
    if kind == Kind::Sqlite {
        assert_eq!(texts(database, "PRAGMA integrity_check"), ["ok"], "seed {seed}");
        let none: [String; 0] = [];
        assert_eq!(texts(database, "PRAGMA foreign_key_check"), none, "seed {seed}");
    }
}
