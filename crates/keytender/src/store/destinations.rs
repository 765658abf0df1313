//! Where the secrets of held keys are used. What is kept is how to get there, never what stands there.

use keytender_core::id::{DestinationId, KeyId};
use keytender_core::time::Time;

use super::db::{Row, Tx};
use super::{Result, Store};

/// A place where the secret of a key is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// The key that is used there.
    pub key_id: KeyId,
    /// What people call it: one of a name for each key.
    pub name: String,
    /// How to get there, in JSON.
    pub spec: String,
    /// How its users are told to read it again, in JSON.
    pub hook: Option<String>,
    /// Since when it is known.
    pub created_at: Time,
    /// When it was last tried.
    pub checked_at: Option<Time>,
    /// What stood in the way then.
    pub fault: Option<String>,
}

const COLUMNS: &str = "id, key_id, name, spec, hook, created_at, checked_at, fault";

fn destination(row: &Row) -> Result<Destination> {
    let mut cells = row.cells();
    Ok(Destination {
        id: DestinationId::from_i64(cells.int()?),
        key_id: KeyId::from_i64(cells.int()?),
        name: cells.text()?,
        spec: cells.text()?,
        hook: cells.maybe_text()?,
        created_at: cells.time()?,
        checked_at: cells.maybe_time()?,
        fault: cells.maybe_text()?,
    })
}

impl Store {
    /// The destinations of a key, or of all, by key and name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_destinations(&self, key: Option<KeyId>) -> Result<Vec<Destination>> {
        let which = if key.is_some() { "AND key_id = $2" } else { "" };
        let sql = format!(
            "SELECT {COLUMNS} FROM destinations WHERE tenant_id = $1 {which} ORDER BY key_id, name"
        );
        let mut values = vec![self.tenant().into()];
        values.extend(key.map(|key| key.as_i64().into()));
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(destination).collect()
    }
}

impl Tx {
    /// Adds a destination.
    ///
    /// # Errors
    /// [`super::Failure::Exists`] if the key has one of this name.
    pub async fn insert_destination(&mut self, new: &Destination) -> Result<()> {
        let sql = "INSERT INTO destinations (id, tenant_id, key_id, name, spec, hook, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            new.id.as_i64().into(),
            self.tenant().into(),
            new.key_id.as_i64().into(),
            new.name.as_str().into(),
            new.spec.as_str().into(),
            new.hook.as_deref().into(),
            new.created_at.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes a destination away.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_destination(&mut self, id: DestinationId) -> Result<()> {
        let sql = "DELETE FROM destinations WHERE tenant_id = $1 AND id = $2";
        self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        Ok(())
    }

    /// Writes how trying a destination went.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_check(
        &mut self,
        id: DestinationId,
        at: Time,
        fault: Option<&str>,
    ) -> Result<()> {
        let sql =
            "UPDATE destinations SET checked_at = $3, fault = $4 WHERE tenant_id = $1 AND id = $2";
        let values = vec![self.tenant().into(), id.as_i64().into(), at.into(), fault.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// What is used where `from` was is `to` from now on; a name that `to` has already stays with it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn move_destinations(&mut self, from: KeyId, to: KeyId) -> Result<()> {
        let sql = "UPDATE destinations SET key_id = $3 WHERE tenant_id = $1 AND key_id = $2 \
                   AND NOT EXISTS (SELECT 1 FROM destinations o WHERE o.tenant_id = $1 \
                   AND o.key_id = $3 AND o.name = destinations.name)";
        let values = vec![self.tenant().into(), from.as_i64().into(), to.as_i64().into()];
        self.execute(sql, values).await?;
        Ok(())
    }
}
