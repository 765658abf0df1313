//! Held keys that are replaced by others: what is known of each, what happened, and its sealed secrets.

use keytender_core::id::{AccountId, KeyId, RotationId};
use keytender_core::rotation::{Next, Rotation};
use keytender_core::time::Time;

use super::db::{Row, Tx, Value};
use super::{Failure, Result, Store};

/// What a rotation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The answer to a call.
    Call,
    /// A moment.
    Time,
    /// A person.
    Person,
    /// Nothing: it has ended.
    Nothing,
}

impl Waits {
    const ALL: [Self; 4] = [Self::Call, Self::Time, Self::Person, Self::Nothing];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Time => "time",
            Self::Person => "person",
            Self::Nothing => "nothing",
        }
    }
}

/// One rotation.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id.
    pub id: RotationId,
    /// The key that is replaced.
    pub key_id: KeyId,
    /// The key that replaces it, once it is there.
    pub new_key_id: Option<KeyId>,
    /// What only one rotation at a time may be of: a principal, or a key without one.
    pub subject: i64,
    /// How many times it was written.
    pub version: i64,
    /// What it waits for.
    pub waits: Waits,
    /// Nothing is to be done before.
    pub next_at: Option<Time>,
    /// Since when.
    pub started_at: Time,
    /// Who began it.
    pub started_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was last written.
    pub changed_at: Time,
    /// When the owner was told of the deadline.
    pub warned_at: Option<Time>,
    /// What is known of it.
    pub state: Rotation,
    /// Its destinations as they were when it began, in JSON.
    pub places: String,
    /// The user who gets the new key, where that is another one.
    pub target: Option<String>,
    /// The new secret, sealed.
    pub sealed_new: Option<String>,
    /// What stood at the destinations before, sealed.
    pub sealed_old: Option<String>,
}

impl Kept {
    /// What is to be done next, as far as it was written.
    pub fn next(&self) -> Next {
        match (self.waits, &self.state.pending, self.next_at) {
            (Waits::Call, Some(pending), _) => Next::Call(pending.call.clone()),
            (Waits::Person, _, _) => Next::Person,
            (Waits::Nothing, _, _) => Next::Ended,
            (Waits::Call | Waits::Time, _, at) => Next::At(at.unwrap_or(self.changed_at)),
        }
    }

    /// Writes down what is to be done next.
    pub fn set_next(&mut self, next: &Next) {
        (self.waits, self.next_at) = match next {
            Next::Call(_) => (Waits::Call, None),
            Next::At(at) => (Waits::Time, Some(*at)),
            Next::Person => (Waits::Person, None),
            Next::Ended => (Waits::Nothing, None),
        };
    }
}

/// Something that happened in a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Time,
    /// What kind of thing: `stage`, `call`, `failed`, `said`, `blocked` …
    pub kind: String,
    /// What, for people.
    pub words: String,
}

/// Which rotations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which {
    /// Of this key, as the old one or the new one.
    pub key: Option<KeyId>,
    /// Only those that have not ended, or only those that have.
    pub live: Option<bool>,
    /// Only those that need a person.
    pub waiting: bool,
}

const COLUMNS: &str = "id, key_id, new_key_id, subject, version, waits_for, next_at, started_at, \
                       started_by, reason, changed_at, warned_at, state, places, target, sealed_new, \
                       sealed_old";

fn kept(row: &Row) -> Result<Kept> {
    let mut cells = row.cells();
    Ok(Kept {
        id: RotationId::from_i64(cells.int()?),
        key_id: KeyId::from_i64(cells.int()?),
        new_key_id: cells.maybe_int()?.map(KeyId::from_i64),
        subject: cells.int()?,
        version: cells.int()?,
        waits: waits(&cells.text()?)?,
        next_at: cells.maybe_time()?,
        started_at: cells.time()?,
        started_by: cells.text()?,
        reason: cells.maybe_text()?,
        changed_at: cells.time()?,
        warned_at: cells.maybe_time()?,
        state: serde_json::from_str(&cells.text()?)
            .map_err(|error| Failure::Corrupt(format!("a rotation: {error}")))?,
        places: cells.text()?,
        target: cells.maybe_text()?,
        sealed_new: cells.maybe_text()?,
        sealed_old: cells.maybe_text()?,
    })
}

fn waits(word: &str) -> Result<Waits> {
    let known = Waits::ALL.into_iter().find(|waits| waits.as_str() == word);
    known.ok_or_else(|| Failure::Corrupt(format!("a rotation waits for `{word}`")))
}

/// What stands before the id in the names of the tasks of rotations.
pub const TASK: &str = "rotate:";

/// The name of the task of a rotation, which is its lease's too.
pub fn task_of(id: RotationId) -> String {
    format!("{TASK}{id}")
}

impl Store {
    /// A rotation, if there is one of this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_rotation(&self, id: RotationId) -> Result<Option<Kept>> {
        let sql = format!("SELECT {COLUMNS} FROM rotations WHERE tenant_id = $1 AND id = $2");
        let rows = self.db.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(kept).transpose()
    }

    /// Rotations, the newest first; at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_rotations(&self, which: &Which, limit: i64) -> Result<Vec<Kept>> {
        let mut values: Vec<Value> = vec![self.tenant().into(), limit.into()];
        let mut tests = String::new();
        if let Some(key) = which.key {
            values.push(key.as_i64().into());
            tests.push_str(" AND (key_id = $3 OR new_key_id = $3)");
        }
        match which.live {
            Some(true) => tests.push_str(" AND live = 1"),
            Some(false) => tests.push_str(" AND live = 0"),
            None => {}
        }
        if which.waiting {
            tests.push_str(" AND waits_for = 'person'");
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM rotations WHERE tenant_id = $1{tests} \
             ORDER BY started_at DESC, id DESC LIMIT $2"
        );
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(kept).collect()
    }

    /// Takes the tasks of rotations away in which nothing is left to do; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_rotations(&self) -> Result<u64> {
        let ended = Which { live: Some(false), ..Which::default() };
        let tasks = self.list_tasks().await?;
        let mut names = tasks.iter().map(|task| task.name.as_str());
        if !names.any(|name| name.starts_with(TASK)) {
            return Ok(0);
        }
        let mut count = 0;
        for row in self.list_rotations(&ended, i64::MAX).await? {
            let name = task_of(row.id);
            if row.waits == Waits::Nothing && tasks.iter().any(|task| task.name == name) {
                let mut tx = self.db.begin().await?;
                tx.remove_task(&name).await?;
                tx.commit().await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// What happened in a rotation, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rotation_events(&self, id: RotationId) -> Result<Vec<Happened>> {
        let sql = "SELECT e.at, e.kind, e.words FROM rotation_events e \
                   JOIN rotations r ON r.id = e.rotation_id AND r.tenant_id = $1 \
                   WHERE e.rotation_id = $2 ORDER BY e.number";
        let rows = self.db.fetch(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.iter()
            .map(|row| {
                let mut cells = row.cells();
                Ok(Happened { at: cells.time()?, kind: cells.text()?, words: cells.text()? })
            })
            .collect()
    }
}

impl Tx {
    /// Adds a rotation.
    ///
    /// # Errors
    /// [`Failure::Exists`] if there is one that has not ended, of the same principal.
    pub async fn insert_rotation(&mut self, new: &Kept) -> Result<()> {
        let sql = "INSERT INTO rotations (id, tenant_id, key_id, subject, started_at, started_by, \
                   reason, places, target, version, live, stage, waits_for, next_at, changed_at, \
                   warned_at, state, new_key_id, sealed_new, sealed_old) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12, $13, $14, $15, $16, \
                   $17, $18, $19)";
        let mut values = vec![
            new.id.as_i64().into(),
            self.tenant().into(),
            new.key_id.as_i64().into(),
            new.subject.into(),
            new.started_at.into(),
            new.started_by.as_str().into(),
            new.reason.as_deref().into(),
            new.places.as_str().into(),
            new.target.as_deref().into(),
        ];
        values.extend(changing(new)?);
        self.execute(sql, values).await?;
        Ok(())
    }

    /// A rotation, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_rotation(&mut self, id: RotationId) -> Result<Option<Kept>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM rotations WHERE tenant_id = $1 AND id = $2 {}",
            self.lock_rows("rotations")
        );
        let rows = self.fetch(&sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        rows.first().map(kept).transpose()
    }

    /// Writes what is known of a rotation, if nobody else has since it was read; whether that is so.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_rotation(&mut self, row: &Kept) -> Result<bool> {
        let sql = "UPDATE rotations SET version = version + 1, live = $4, stage = $5, waits_for = $6, \
                   next_at = $7, changed_at = $8, warned_at = $9, state = $10, new_key_id = $11, \
                   sealed_new = $12, sealed_old = $13 \
                   WHERE tenant_id = $1 AND id = $2 AND version = $3";
        let mut values = vec![self.tenant().into(), row.id.as_i64().into(), row.version.into()];
        values.extend(changing(row)?);
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Writes what happened in a rotation, after what is written already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_rotation_events(&mut self, id: RotationId, events: &[Happened]) -> Result<()> {
        let sql = "INSERT INTO rotation_events (rotation_id, number, at, kind, words) \
                   SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM rotation_events \
                   WHERE rotation_id = $1";
        for event in events {
            let values = vec![
                id.as_i64().into(),
                event.at.into(),
                event.kind.as_str().into(),
                event.words.as_str().into(),
            ];
            self.execute(sql, values).await?;
        }
        Ok(())
    }

    /// Says of the keys of a rotation whether it is under way; the policy is asked again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_rotating(&mut self, row: &Kept) -> Result<()> {
        let sql = "UPDATE keys SET rotating = $4, evaluate_at = 0 WHERE tenant_id = $1 \
                   AND (id = $2 OR id = $3) AND rotating <> $4";
        let values = vec![
            self.tenant().into(),
            row.key_id.as_i64().into(),
            row.new_key_id.unwrap_or(row.key_id).as_i64().into(),
            i64::from(!row.state.stage.is_ended()).into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// A rotation of a key of this account that has not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn live_rotation(&mut self, account: AccountId) -> Result<Option<RotationId>> {
        let sql = "SELECT r.id FROM rotations r JOIN keys k ON k.id = r.key_id \
                   WHERE r.tenant_id = $1 AND r.live = 1 AND k.account_id = $2 LIMIT 1";
        let rows = self.fetch(sql, vec![self.tenant().into(), account.as_i64().into()]).await?;
        let id = rows.first().map(|row| row.cells().int()).transpose()?;
        Ok(id.map(RotationId::from_i64))
    }

    /// Has the task of a rotation run as soon as can be; it is added if there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wake_rotation(&mut self, id: RotationId) -> Result<()> {
        let name = task_of(id);
        self.add_tasks(std::slice::from_ref(&name)).await?;
        let sql = "UPDATE tasks SET asked = asked + 1 WHERE tenant_id = $1 AND name = $2";
        self.execute(sql, vec![self.tenant().into(), name.into()]).await?;
        Ok(())
    }
}

/// What changes in a row, in the order of the statements.
fn changing(row: &Kept) -> Result<Vec<Value>> {
    let state = serde_json::to_string(&row.state)
        .map_err(|error| Failure::Corrupt(format!("a rotation: {error}")))?;
    Ok(vec![
        i64::from(!row.state.stage.is_ended()).into(),
        row.state.stage.as_str().into(),
        row.waits.as_str().into(),
        row.next_at.into(),
        row.changed_at.into(),
        row.warned_at.into(),
        state.into(),
        row.new_key_id.map(KeyId::as_i64).into(),
        row.sealed_new.as_deref().into(),
        row.sealed_old.as_deref().into(),
    ])
}
