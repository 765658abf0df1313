//! Pages of a list of keys, and how many keys the list has.

use super::{Filter, HeldKey, Order, Page, line};
use crate::store::db::Row;
use crate::store::{Result, Store};

/// So many keys are found and then put in order by their names. More are rather looked for account by
/// account, in the order of names, which ends with the page.
const MAX_SORTED: u64 = 10_000;

/// Keys that are few enough to be named.
struct Few {
    count: u64,
    /// Their ids, as the database takes them: a JSON array of objects.
    ids: String,
}

impl Store {
    /// One page of the keys that `filter` lets through, and how many there are in all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_keys(&self, filter: &Filter, page: &Page) -> Result<(Vec<HeldKey>, u64)> {
        // Of most keys a page is found soon, where the database knows that they are most: it need
        // not put all of them in order.
        let is_soon = filter.is_broad() && self.db.has_statistics();
        let is_once = filter.is_search() && !is_soon;
        if is_once && page.order != Order::Name {
            return self.search_keys(filter, page).await;
        }
        if is_once && let Some(few) = self.find_few(filter).await? {
            let total = few.count;
            return Ok((self.page_of_few(few, page).await?, total));
        }
        Ok((self.page_of_keys(filter, page).await?, self.count_keys(filter).await?))
    }

    /// How many keys `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_keys(&self, filter: &Filter) -> Result<u64> {
        let (mut condition, values) = filter.sql(&self.db);
        if *filter == Filter::default() {
            // True of every key; SQLite counts in the index that it leads to, and fetches no key.
            condition.push_str(" AND k.due >= 0");
        }
        let keys = self.table(filter);
        let count = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {keys} WHERE {condition}");
        let total = self.db.fetch(&count, values).await?;
        let total = total.first().map(|row| row.cells().int()).transpose()?.unwrap_or(0);
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// How the table of keys is looked through for `filter`.
    fn table(&self, filter: &Filter) -> String {
        if filter.is_search() { self.db.searched("keys k") } else { "keys k".to_owned() }
    }

    /// One page of the keys that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page_of_keys(&self, filter: &Filter, page: &Page) -> Result<Vec<HeldKey>> {
        let (mut condition, mut values) = filter.sql(&self.db);
        if let Some(place) = page.after.clone() {
            condition.push_str(" AND ");
            condition.push_str(&page.order.after(place, &mut values));
        }
        // The page is found by ids alone: what is sorted is small, and what is shown is fetched
        // only for its keys.
        let from = page.order.from(&self.table(filter));
        let found = format!("SELECT k.id FROM {from} {condition} ORDER BY {}", page.order.sql());
        let sql = format!("SELECT {} FROM {}", line::FIELDS, shown(&found, page));
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// The keys that `filter` lets through, if they are few.
    async fn find_few(&self, filter: &Filter) -> Result<Option<Few>> {
        let (condition, values) = filter.sql(&self.db);
        let sql = format!(
            "SELECT COUNT(*), string_agg('{{\"id\":' || id || '}}', ',') FROM \
             (SELECT k.id FROM {} WHERE {condition} LIMIT {}) AS few",
            self.table(filter),
            MAX_SORTED + 1
        );
        let rows = self.db.fetch(&sql, values).await?;
        let Some(mut cells) = rows.first().map(Row::cells) else { return Ok(None) };
        let count = u64::try_from(cells.int()?).unwrap_or(0);
        let ids = cells.maybe_text()?.unwrap_or_default();
        Ok((count <= MAX_SORTED).then(|| Few { count, ids: format!("[{ids}]") }))
    }

    /// A page of keys that are known to be these.
    async fn page_of_few(&self, few: Few, page: &Page) -> Result<Vec<HeldKey>> {
        let mut values = vec![few.ids.into(), self.tenant().into()];
        let after = page.after.clone();
        let after = after.map(|place| format!("AND {}", page.order.after(place, &mut values)));
        let found = format!(
            "SELECT k.id FROM {} CROSS JOIN {} WHERE k.id = given.id AND k.tenant_id = $2 {} \
             ORDER BY {}",
            self.db.json_rows(&[("id", "BIGINT")]),
            line::TABLES,
            after.unwrap_or_default(),
            page.order.sql()
        );
        let sql = format!("SELECT {} FROM {}", line::FIELDS, shown(&found, page));
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(|row| line::held(row.cells())).collect()
    }

    /// A page of keys for which the table must be looked through: once, to count and to sort them.
    async fn search_keys(&self, filter: &Filter, page: &Page) -> Result<(Vec<HeldKey>, u64)> {
        let (condition, mut values) = filter.sql(&self.db);
        let terms = page.order.columns();
        let after = page.after.clone();
        let after = after.map(|place| format!("WHERE {}", terms.after(place, &mut values)));
        let found = format!(
            "SELECT {} AS id FROM found {} ORDER BY {}",
            terms.id(),
            after.unwrap_or_default(),
            terms.sorted()
        );
        let sql = format!(
            "WITH found AS MATERIALIZED (SELECT {} FROM {} WHERE {condition}) \
             SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM found), {} FROM {}",
            page.order.selected(),
            self.table(filter),
            line::FIELDS,
            shown(&found, page)
        );
        let rows = self.db.fetch(&sql, values).await?;
        let mut total = 0;
        let mut keys = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut cells = row.cells();
            total = u64::try_from(cells.int()?).unwrap_or(0);
            keys.push(line::held(cells)?);
        }
        // Beyond the last page no row tells how many there are.
        if keys.is_empty() && (page.after.is_some() || page.offset > 0) {
            total = self.count_keys(filter).await?;
        }
        Ok((keys, total))
    }
}

/// The keys of the page whose ids `found` gives, in their order, with all that is shown of them.
fn shown(found: &str, page: &Page) -> String {
    format!(
        "({found} LIMIT {} OFFSET {}) AS page CROSS JOIN {} WHERE k.id = page.id ORDER BY {}",
        page.limit,
        page.offset,
        line::TABLES,
        page.order.sql()
    )
}
