//! Many rows in one statement: they travel as one JSON text.

use serde::Serialize;

use super::db::{Tx, Value};
use super::{Failure, Result};

/// How many rows one statement takes: more is no faster, and the text stays below a megabyte.
pub(super) const ROWS_AT_ONCE: usize = 2_000;

/// A table and those of its columns that a bulk write fills, with their types.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns, `TEXT` or `BIGINT`, without `tenant_id`.
    pub(super) columns: &'static [(&'static str, &'static str)],
    /// What to do about a row that is there already.
    pub(super) conflict: Conflict,
}

/// What to do about a row that is there already.
pub(super) enum Conflict {
    /// Leave it as it is.
    Keep,
    /// Write these columns over it; it is the one of the same `id`.
    Update(&'static [&'static str]),
}

impl Tx {
    /// Inserts `rows`, whose fields are named as the table's columns.
    pub(super) async fn write_all<T: Serialize>(
        &mut self,
        table: &Table,
        rows: &[T],
    ) -> Result<()> {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let conflict = match table.conflict {
            Conflict::Keep => "ON CONFLICT DO NOTHING".to_owned(),
            Conflict::Update(columns) => {
                let set: Vec<String> =
                    columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
                format!("ON CONFLICT (id) DO UPDATE SET {}", set.join(", "))
            }
        };
        // SQLite needs the WHERE, or it takes ON for a join.
        let sql = format!(
            "INSERT INTO {} (tenant_id, {names}) SELECT {}, {names} FROM {} WHERE true \
             {conflict}",
            table.name,
            self.tenant(),
            self.json_rows(table.columns)
        );
        for rows in rows.chunks(ROWS_AT_ONCE) {
            self.execute(&sql, vec![json(&rows)?.into()]).await?;
        }
        Ok(())
    }

    /// Does `sql`, in which `{given}` stands for the rows, for each of them.
    pub(super) async fn each<T: Serialize>(
        &mut self,
        sql: &str,
        columns: &[(&str, &str)],
        rows: &[T],
    ) -> Result<()> {
        let sql = sql.replace("{given}", &self.json_rows(columns));
        for rows in rows.chunks(ROWS_AT_ONCE) {
            self.execute(&sql, vec![json(&rows)?.into()]).await?;
        }
        Ok(())
    }
}

/// The value of a statement in which `given` has a row a number, with the one column `id`.
pub(super) fn ids(numbers: impl Iterator<Item = i64>) -> Result<Value> {
    let lines: Vec<_> = numbers.map(|id| serde_json::json!({"id": id})).collect();
    Ok(json(&lines)?.into())
}

/// `value` as JSON text.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Failure::Corrupt(error.to_string()))
}

/// The value that JSON text of ours stands for.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Failure::Corrupt(format!("{what}: {error}")))
}
