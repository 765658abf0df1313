//! Our own APIs: whose keys we issue.

use keytender_core::id::ApiId;
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::apps::{Quota, Rate};
use super::bulk::{json, parsed};
use super::db::{Cells, Tx};
use super::{Result, Store};

pub use notices::{NewRegion, OverlapInUse, Standing, Voice};

mod notices;

/// An API of ours.
#[derive(Clone, Debug)]
pub struct Api {
    /// The id.
    pub id: ApiId,
    /// The name: the provider of its keys in the inventory.
    pub name: String,
    /// What each of its keys begins with.
    pub brand: String,
    /// How its keys are issued.
    pub settings: ApiSettings,
    /// Since when it is known.
    pub created_at: Time,
}

impl Api {
    /// What people call it.
    pub fn called(&self) -> &str {
        self.settings.title.as_deref().unwrap_or(&self.name)
    }
}

/// How the keys of an API are issued where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSettings {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How long a key works of which nobody says how long; for ever if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_life: Option<Span>,
    /// How long both keys of a rotation work, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Span>,
    /// What is done about a key that was found where a secret must not be, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_leak: Option<OnLeak>,
    /// How the key page of its customers looks, and where it may be.
    #[serde(default, skip_serializing_if = "PortalSettings::is_default")]
    pub portal: PortalSettings,
    /// By which name secret scanners know its keys, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanning_type: Option<String>,
    /// Which apps its customers may add themselves, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_apps: Option<OwnApps>,
}

/// Which apps the customers of an API may add themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnApps {
    /// How many apps a customer has at most, with those that ended in the last 31 days: a new app has a new quota.
    #[schema(minimum = 1, maximum = 10_000)]
    pub most: u32,
    /// What the keys of such an app may do at most.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["orders:read"]))]
    pub scopes: Vec<String>,
    /// How fast the keys of each may ask together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much the keys of each may ask together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// What is done about a key of an API that was found where a secret must not be. It is marked as exposed in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnLeak {
    /// It does not work until somebody lets it.
    #[default]
    Suspend,
    /// It ends for good.
    Revoke,
    /// It works on.
    Mark,
}

impl OnLeak {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Suspend, Self::Revoke, Self::Mark];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Revoke => "revoke",
            Self::Mark => "mark",
        }
    }

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// How the key page of an API's customers looks, and where it may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalSettings {
    /// The colour of its links and buttons, such as `#2f5fb3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
    /// The picture at its top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// Whom customers ask: a mail address or an address of the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<String>,
    /// Where customers read how the API is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// Where customers read how a key is replaced and kept well, if not on the server's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<String>,
    /// The hosts to which a link may lead back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub return_hosts: Vec<String>,
    /// The hosts whose pages may hold it in a frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frame_hosts: Vec<String>,
}

/// A small picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// What kind of picture it is.
    pub media_type: String,
    /// Its bytes, in base64.
    pub data: String,
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logo({}, {} letters)", self.media_type, self.data.len())
    }
}

impl PortalSettings {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

const COLUMNS: &str = "id, name, brand, settings, created_at";

fn api(mut cells: Cells<'_>) -> Result<Api> {
    Ok(Api {
        id: ApiId::from_i64(cells.int()?),
        name: cells.text()?,
        brand: cells.text()?,
        settings: parsed(&cells.text()?, "settings of an API")?,
        created_at: cells.time()?,
    })
}

fn named() -> String {
    format!("SELECT {COLUMNS} FROM apis WHERE tenant_id = $1 AND (name = $2 OR id = $3)")
}

impl Tx {
    /// Adds an API.
    ///
    /// # Errors
    /// [`super::Failure::Exists`] if there is one of its name or brand.
    pub async fn insert_api(&mut self, api: &Api) -> Result<()> {
        let sql =
            format!("INSERT INTO apis (tenant_id, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)");
        let values = vec![
            self.tenant().into(),
            api.id.as_i64().into(),
            api.name.as_str().into(),
            api.brand.as_str().into(),
            json(&api.settings)?.into(),
            api.created_at.into(),
        ];
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Writes how the keys of an API are issued.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn update_api(&mut self, id: ApiId, settings: &ApiSettings) -> Result<()> {
        let sql = "UPDATE apis SET settings = $3 WHERE tenant_id = $1 AND id = $2";
        let values = vec![self.tenant().into(), id.as_i64().into(), json(settings)?.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes away an API that has no customers. What verifiers have yet to hear of it stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_api(&mut self, id: ApiId) -> Result<()> {
        for sql in [
            "DELETE FROM notice_items WHERE tenant_id = $1 AND channel_id IN \
             (SELECT id FROM channels WHERE api_id = $2)",
            "DELETE FROM notices WHERE tenant_id = $1 AND api_id = $2",
            "DELETE FROM channels WHERE tenant_id = $1 AND api_id = $2",
            "DELETE FROM verifiers WHERE tenant_id = $1 AND api_id = $2",
            "DELETE FROM apis WHERE tenant_id = $1 AND id = $2",
        ] {
            self.execute(sql, vec![self.tenant().into(), id.as_i64().into()]).await?;
        }
        Ok(())
    }

    /// The API of this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_api(&mut self, id: ApiId) -> Result<Option<Api>> {
        let values = vec![self.tenant().into(), "".into(), id.as_i64().into()];
        let rows = self.fetch(&named(), values).await?;
        rows.first().map(|row| api(row.cells())).transpose()
    }

    /// The API of this name or id, which nobody else changes before this transaction ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lock_api(&mut self, word: &str) -> Result<Option<Api>> {
        let sql = format!("{} {}", named(), self.lock_rows("apis"));
        let id = word.parse::<ApiId>().map_or(-1, ApiId::as_i64);
        let rows = self.fetch(&sql, vec![self.tenant().into(), word.into(), id.into()]).await?;
        rows.first().map(|row| api(row.cells())).transpose()
    }
}

impl Store {
    /// The API of this name or id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_api(&self, word: &str) -> Result<Option<Api>> {
        let id = word.parse::<ApiId>().map_or(-1, ApiId::as_i64);
        let values = vec![self.tenant().into(), word.into(), id.into()];
        let rows = self.db.fetch(&named(), values).await?;
        rows.first().map(|row| api(row.cells())).transpose()
    }

    /// Every API, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_apis(&self) -> Result<Vec<Api>> {
        let sql = format!("SELECT {COLUMNS} FROM apis WHERE tenant_id = $1 ORDER BY name");
        let rows = self.db.fetch(&sql, vec![self.tenant().into()]).await?;
        rows.iter().map(|row| api(row.cells())).collect()
    }
}
