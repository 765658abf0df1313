//! The keys that a query lets through, as a file: page by page, so that what is held is one page.

use std::io::Write;

use super::{Form, KeyWriter, cannot_write_report, wide};
use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::keys::{Viewer, filter};
use crate::app::view::KeyQuery;
use crate::error::Error;
use crate::store::keys::{Filter, HeldKey, Page};

/// How many keys are read at once.
const PAGE: u32 = 10_000;

/// Writes the keys that are seen and asked for, in the order that is asked for: all of them, whatever
/// the page of the query. AWS's form is of whole accounts, and is not written.
///
/// # Errors
/// When the query names an owner or account that is not there, AWS's form is asked for, or `out`
/// cannot be written.
pub async fn write_listed(
    inventory: &Inventory,
    query: &KeyQuery,
    form: Form,
    out: &mut (impl Write + Send),
) -> Result<(), Error> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let asked = filter(inventory, query).await?.map(|asked| inventory.sight.narrow(asked));
    let viewer = Viewer::new(inventory).await?;
    match form {
        Form::Aws => Err(Error::new("AWS's report is one of an account")),
        Form::Wide => {
            wide::write_head(out).map_err(cannot_write_report)?;
            each_page(inventory, query, asked, |keys| {
                wide::write_keys(out, &keys, viewer.owners(), inventory.now)
                    .map_err(cannot_write_report)
            })
            .await
        }
        Form::Json => {
            let total = match &asked {
                Some(asked) => inventory.store.count_keys(asked).await.map_err(cannot_read)?,
                None => 0,
            };
            let mut writer =
                KeyWriter::begin(out, inventory.now, total).map_err(cannot_write_report)?;
            each_page(inventory, query, asked, |keys| {
                let mut views = keys.iter().map(|held| viewer.view(held));
                views.try_for_each(|view| writer.write(&view)).map_err(cannot_write_report)
            })
            .await?;
            writer.end().map_err(cannot_write_report)
        }
    }
}

/// Hands the keys of a filter to `take`, page by page in the order of the query.
async fn each_page(
    inventory: &Inventory,
    query: &KeyQuery,
    asked: Option<Filter>,
    mut take: impl FnMut(Vec<HeldKey>) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some(asked) = asked else { return Ok(()) };
    let order = query.sort.unwrap_or_default().order();
    let mut after = None;
    loop {
        let page = Page { order, limit: PAGE, offset: 0, after };
        let keys = inventory.store.page_of_keys(&asked, &page).await.map_err(cannot_read)?;
        let is_last = keys.len() < PAGE as usize;
        after = keys.last().map(|last| order.place(last));
        take(keys)?;
        if is_last {
            return Ok(());
        }
    }
}
