//! The APIs that are used.

use reqwest::Method;
use serde_json::json;

use super::Desk;
use crate::app::catalog::{self, Export};
use crate::app::view::{
    CatalogDetailView, CatalogDiscoveryRequest, CatalogEntryView, CatalogImportRequest,
    CatalogImportView, CatalogIndexList, CatalogIndexView, CatalogList, CatalogSummaryView,
};
use crate::client::part;
use crate::error::Error;

/// Where they are.
const CATALOG: &str = "/v1/catalog";
/// Where indexes are.
const INDEXES: &str = "/v1/catalog-indexes";

impl Desk<'_> {
    /// Those who run the APIs that are used, by name, and what follows.
    pub(in crate::cli) async fn list_catalog(
        &self,
    ) -> Result<(Vec<CatalogEntryView>, CatalogSummaryView), Error> {
        match self {
            Self::Here(inventory) => catalog::list(inventory).await,
            Self::There(server) => {
                let first: CatalogList = server.get(CATALOG, &[("limit", "1")]).await?;
                let things = |page: CatalogList| (page.entries, page.next);
                let mut entries = server.all(CATALOG, &[], things).await?;
                entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.id.clone()));
                Ok((entries, first.summary))
            }
        }
    }

    /// One of them.
    pub(in crate::cli) async fn get_catalog(&self, word: &str) -> Result<CatalogDetailView, Error> {
        match self {
            Self::Here(inventory) => catalog::get(inventory, word).await,
            Self::There(server) => server.get(&format!("{CATALOG}/{}", part(word)), &()).await,
        }
    }

    /// Looks at the addresses of one of them.
    pub(in crate::cli) async fn discover_catalog(
        &self,
        word: &str,
        request: &CatalogDiscoveryRequest,
    ) -> Result<CatalogDetailView, Error> {
        match self {
            Self::Here(inventory) => catalog::discover(inventory, word, request).await,
            Self::There(server) => {
                let place = format!("{CATALOG}/{}/discoveries", part(word));
                server.ask(Method::POST, &place, request).await
            }
        }
    }

    /// The indexes that were imported.
    pub(in crate::cli) async fn list_catalog_indexes(
        &self,
    ) -> Result<Vec<CatalogIndexView>, Error> {
        match self {
            Self::Here(inventory) => catalog::indexes(inventory).await,
            Self::There(server) => {
                let things = |page: CatalogIndexList| (page.indexes, page.next);
                let mut indexes = server.all(INDEXES, &[], things).await?;
                indexes.sort_by_cached_key(|index| (index.name.clone(), index.id.clone()));
                Ok(indexes)
            }
        }
    }

    /// Imports an index.
    pub(in crate::cli) async fn import_catalog(
        &self,
        request: &CatalogImportRequest,
    ) -> Result<CatalogImportView, Error> {
        match self {
            Self::Here(inventory) => catalog::import(inventory, request).await,
            Self::There(server) => server.ask(Method::POST, "/v1/catalog-imports", request).await,
        }
    }

    /// Forgets an index.
    pub(in crate::cli) async fn remove_catalog(&self, word: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => catalog::remove(inventory, word).await.map(|_| ()),
            Self::There(server) => {
                let place = format!("{INDEXES}/{}", part(word));
                server.order(Method::DELETE, &place, &json!({})).await
            }
        }
    }

    /// The APIs that are used, as an index.
    pub(in crate::cli) async fn export_catalog(&self, given: Export<'_>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Here(inventory) => {
                catalog::export(inventory, given).await.map(String::into_bytes)
            }
            Self::There(server) => {
                let said =
                    [("name", given.name), ("url", given.url), ("maintainer", given.maintainer)];
                let query: Vec<_> =
                    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                server.bytes("/v1/catalog-index", &query).await
            }
        }
    }
}
