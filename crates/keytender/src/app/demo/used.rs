//! The APIs that the made-up company uses, as an index of its own tells of them: some with keys in the
//! inventory, some without.

use super::history::at_moment;
use super::world::days;
use crate::app::catalog;
use crate::app::inventory::Inventory;
use crate::app::view::CatalogImportRequest;
use crate::error::Error;

/// How many days ago it was imported.
const AGO: i64 = 12;
const INDEX: &str = include_str!("apis.yml");

/// Imports it.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn fill(inventory: &Inventory) -> Result<(), Error> {
    let then = at_moment(inventory, inventory.now.minus(days(AGO)));
    let request = CatalogImportRequest {
        document: Some(INDEX.to_owned()),
        source: Some("apis.yml".to_owned()),
        no_include: true,
        ..CatalogImportRequest::default()
    };
    catalog::import(&then, &request).await.map(|_| ())
}
