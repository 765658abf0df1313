//! The APIs that are used, as indexes of others tell of them.

use keytender_core::apis_json::{Lead, SeenPlace};
use keytender_core::id::CatalogIndexId;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::bulk::{Conflict, Table, json, parsed};
use super::db::{Row, Tx};
use super::{Result, Store};

/// An index that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogIndex {
    /// Our id.
    pub id: CatalogIndexId,
    /// From where it is: a URL, or the name of a file.
    pub source: String,
    /// What it is called.
    pub name: String,
    /// What it is of.
    pub description: String,
    /// Of which version of APIs.json it says that it is.
    pub version: Option<String>,
    /// Whether its keeper makes these APIs or uses them.
    pub position: Option<String>,
    /// The SHA-256 of its text, in hexadecimal.
    pub digest: String,
    /// Where the indexes are that came with it.
    pub included: Vec<String>,
    /// What was odd.
    pub warnings: Vec<Warning>,
    /// When it came in.
    pub imported_at: Time,
}

/// Something odd in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// In which index, if it is one that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The line, from 1; 0 if it is not known.
    pub line: usize,
    /// The letter in that line, from 1.
    pub column: usize,
    /// The member that it is about; empty for all of it.
    pub member: String,
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// How often the same was found.
    pub times: usize,
}

/// An API of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogApi {
    /// The index that it came with.
    pub index: CatalogIndexId,
    /// Its id in that index.
    pub aid: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What its calls begin with; may be empty.
    pub base_url: String,
    /// Its home page; may be empty.
    pub human_url: String,
    /// What it is about.
    pub tags: Vec<String>,
    /// What leads to its keys.
    pub links: Vec<Link>,
}

/// Something that leads to keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// To what.
    pub lead: Lead,
    /// Its address.
    pub url: String,
    /// Its media type, if a program can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// What was seen at an address of whoever runs APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogLook {
    /// The address: scheme, host and port.
    pub origin: String,
    /// When.
    pub looked_at: Time,
    /// Whether the address answered each time that it was asked.
    pub is_reached: bool,
    /// Each place that was looked at.
    pub places: Vec<SeenPlace>,
}

/// A row of an API.
#[derive(Serialize)]
struct Line<'a> {
    index_id: i64,
    number: usize,
    aid: Option<&'a str>,
    name: &'a str,
    description: &'a str,
    base_url: &'a str,
    human_url: &'a str,
    tags: String,
    links: String,
}

const APIS: Table = Table {
    name: "catalog_apis",
    columns: &[
        ("index_id", "BIGINT"),
        ("number", "BIGINT"),
        ("aid", "TEXT"),
        ("name", "TEXT"),
        ("description", "TEXT"),
        ("base_url", "TEXT"),
        ("human_url", "TEXT"),
        ("tags", "TEXT"),
        ("links", "TEXT"),
    ],
    conflict: Conflict::Keep,
};

fn index(row: &Row) -> Result<CatalogIndex> {
    let mut cells = row.cells();
    Ok(CatalogIndex {
        id: CatalogIndexId::from_i64(cells.int()?),
        source: cells.text()?,
        name: cells.text()?,
        description: cells.text()?,
        version: cells.maybe_text()?,
        position: cells.maybe_text()?,
        digest: cells.text()?,
        included: parsed(&cells.text()?, "included indexes")?,
        warnings: parsed(&cells.text()?, "warnings of an index")?,
        imported_at: cells.time()?,
    })
}

fn api(row: &Row) -> Result<CatalogApi> {
    let mut cells = row.cells();
    Ok(CatalogApi {
        index: CatalogIndexId::from_i64(cells.int()?),
        aid: cells.maybe_text()?,
        name: cells.text()?,
        description: cells.text()?,
        base_url: cells.text()?,
        human_url: cells.text()?,
        tags: parsed(&cells.text()?, "tags of an API")?,
        links: parsed(&cells.text()?, "links of an API")?,
    })
}

fn look(row: &Row) -> Result<CatalogLook> {
    let mut cells = row.cells();
    Ok(CatalogLook {
        origin: cells.text()?,
        looked_at: cells.time()?,
        is_reached: cells.truth()?,
        places: parsed(&cells.text()?, "places that were looked at")?,
    })
}

impl Store {
    /// Every index that was imported, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_catalog_indexes(&self) -> Result<Vec<CatalogIndex>> {
        let sql = "SELECT id, source, name, description, version, position, digest, included, \
                   warnings, imported_at FROM catalog_indexes WHERE tenant_id = $1 ORDER BY name, id";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter().map(index).collect()
    }

    /// Every API of them, in the order of its index.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_catalog_apis(&self) -> Result<Vec<CatalogApi>> {
        let sql = "SELECT index_id, aid, name, description, base_url, human_url, tags, links \
                   FROM catalog_apis WHERE tenant_id = $1 ORDER BY index_id, number";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter().map(api).collect()
    }

    /// What was seen at addresses of those who run APIs, by address.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_catalog_looks(&self) -> Result<Vec<CatalogLook>> {
        let sql = "SELECT origin, looked_at, reached, places FROM catalog_looks \
                   WHERE tenant_id = $1 ORDER BY origin";
        let rows = self.db.fetch(sql, vec![self.tenant().into()]).await?;
        rows.iter().map(look).collect()
    }
}

impl Tx {
    /// Keeps what was seen at an address, in the place of what was seen there before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_catalog_look(&mut self, look: &CatalogLook) -> Result<()> {
        let sql = "INSERT INTO catalog_looks (tenant_id, origin, looked_at, reached, places) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, origin) DO UPDATE SET \
                   looked_at = excluded.looked_at, reached = excluded.reached, \
                   places = excluded.places";
        let values = vec![
            self.tenant().into(),
            look.origin.as_str().into(),
            look.looked_at.into(),
            look.is_reached.into(),
            json(&look.places)?.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Forgets what was seen at an address.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_catalog_look(&mut self, origin: &str) -> Result<()> {
        let sql = "DELETE FROM catalog_looks WHERE tenant_id = $1 AND origin = $2";
        self.execute(sql, vec![self.tenant().into(), origin.into()]).await?;
        Ok(())
    }

    /// Which index came from `source`, if one did, and how many APIs there are of all others.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalog_from(&mut self, source: &str) -> Result<(Option<CatalogIndexId>, u64)> {
        self.lock(LOCK ^ self.tenant()).await?;
        let sql = "SELECT id FROM catalog_indexes WHERE tenant_id = $1 AND source = $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), source.into()]).await?;
        let id = rows.first().map(|row| row.cells().int()).transpose()?;
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM catalog_apis \
                   WHERE tenant_id = $1 AND index_id <> $2";
        let rows = self.fetch(sql, vec![self.tenant().into(), id.unwrap_or(-1).into()]).await?;
        let others = rows.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0);
        Ok((id.map(CatalogIndexId::from_i64), u64::try_from(others).unwrap_or(0)))
    }

    /// Puts an index and its APIs in the place of what is there of the same id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put_catalog_index(
        &mut self,
        index: &CatalogIndex,
        apis: &[CatalogApi],
    ) -> Result<()> {
        self.remove_catalog_index(index.id).await?;
        let sql = "INSERT INTO catalog_indexes (id, tenant_id, source, name, description, version, \
                   position, digest, included, warnings, imported_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let values = vec![
            index.id.as_i64().into(),
            self.tenant().into(),
            index.source.as_str().into(),
            index.name.as_str().into(),
            index.description.as_str().into(),
            index.version.as_deref().into(),
            index.position.as_deref().into(),
            index.digest.as_str().into(),
            json(&index.included)?.into(),
            json(&index.warnings)?.into(),
            index.imported_at.into(),
        ];
        self.execute(sql, values).await?;
        let line = |(number, api)| line(index.id, number, api);
        let lines: Result<Vec<_>> = apis.iter().enumerate().map(line).collect();
        self.write_all(&APIS, &lines?).await
    }

    /// Takes an index and its APIs away; whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_catalog_index(&mut self, id: CatalogIndexId) -> Result<bool> {
        let values: super::db::Values = vec![self.tenant().into(), id.as_i64().into()];
        let sql = "DELETE FROM catalog_apis WHERE tenant_id = $1 AND index_id = $2";
        self.execute(sql, values.clone()).await?;
        let sql = "DELETE FROM catalog_indexes WHERE tenant_id = $1 AND id = $2";
        Ok(self.execute(sql, values).await? > 0)
    }
}

/// The advisory lock that those meet at who import indexes; any number, but always this one.
const LOCK: i64 = 0x6b65_7974_6361;

fn line(index: CatalogIndexId, number: usize, api: &CatalogApi) -> Result<Line<'_>> {
    Ok(Line {
        index_id: index.as_i64(),
        number,
        aid: api.aid.as_deref(),
        name: &api.name,
        description: &api.description,
        base_url: &api.base_url,
        human_url: &api.human_url,
        tags: json(&api.tags)?,
        links: json(&api.links)?,
    })
}
