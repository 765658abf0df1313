//! Who changes a table: one at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use keytender_core::id::{AccountId, ApiId, AppId};
use keytender_core::token::Brand;

use super::draft::Draft;
use super::{ApplyError, Elsewhere, Image, Table};
use crate::app::Facts;
use crate::feed::{Api, App, Changes, Imported, Key, VERSION, What};

/// What the writer of a table knows.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The last change that is applied.
    pub(super) seq: Option<u64>,
    pub(super) draft: Draft,
    /// Places never change: what is left of a limit stays with the app.
    apps: HashMap<AppId, u32>,
    apis: HashMap<ApiId, u32>,
    /// Of how many apps there are limits.
    limits: u32,
    /// How keys are recognised that were issued elsewhere.
    elsewhere: BTreeMap<ApiId, (Brand, Imported)>,
    /// Whether that is other than what readers know.
    is_elsewhere_news: bool,
}

impl Writer {
    pub(super) const fn image(&self) -> &Arc<Image> {
        self.draft.image()
    }

    /// A snapshot is taken: from now on it is known how keys are recognised.
    pub(super) const fn note_snapshot(&mut self) {
        self.is_elsewhere_news = true;
    }

    /// How keys are recognised that were issued elsewhere, if readers do not know it yet.
    pub(super) fn news_of_elsewhere(&mut self) -> Option<Elsewhere> {
        let is_news = std::mem::take(&mut self.is_elsewhere_news);
        is_news.then(|| Elsewhere::of(&self.elsewhere, self.seq.is_some()))
    }

    pub(super) const fn len(&self) -> usize {
        self.draft.len()
    }

    pub(super) const fn pending(&self) -> usize {
        self.draft.pending()
    }

    pub(super) fn app_place(&self, app: AppId) -> Option<u32> {
        self.apps.get(&app).copied()
    }

    pub(super) fn api_places(&self) -> impl Iterator<Item = (ApiId, u32)> {
        self.apis.iter().map(|(api, place)| (*api, *place))
    }

    pub(super) fn app_places(&self) -> impl Iterator<Item = u32> {
        self.apps.values().copied()
    }

    pub(super) fn apps(&self) -> impl Iterator<Item = AppId> {
        self.apps.keys().copied()
    }

    pub(super) fn apply(&mut self, table: &Table, changes: &Changes) -> Result<(), ApplyError> {
        let Some(applied) = self.check(changes)? else { return Ok(()) };
        for change in changes.changes.iter().filter(|change| change.seq > applied) {
            self.change(table, &change.what)?;
        }
        self.seq = Some(changes.through);
        Ok(())
    }

    /// The last change that is applied, if something follows it.
    fn check(&self, changes: &Changes) -> Result<Option<u64>, ApplyError> {
        if changes.version != VERSION {
            return Err(ApplyError::Version(changes.version));
        }
        let applied = self.seq.ok_or(ApplyError::NoSnapshot)?;
        if changes.after > applied {
            return Err(ApplyError::Gap { applied, after: changes.after });
        }
        // One change may be of several things, each with its number.
        let mut last = changes.after.saturating_add(1);
        for change in &changes.changes {
            if change.seq < last || change.seq > changes.through {
                return Err(ApplyError::Disordered(change.seq));
            }
            last = change.seq;
        }
        Ok((changes.through > applied).then_some(applied))
    }

    fn change(&mut self, table: &Table, what: &What) -> Result<(), ApplyError> {
        match what {
            What::PutApi(api) => self.put_api(table, api),
            What::PutApp(app) => self.put_app(table, app),
            What::PutKey(key) => self.put_key(table, key),
            What::RemoveApp { app } => self.remove_app(table, *app),
            What::RemoveKey { id, .. } => {
                self.draft.remove(*id);
                Ok(())
            }
        }
    }

    fn put_key(&mut self, table: &Table, key: &Key) -> Result<(), ApplyError> {
        let app = self.place_of_app(table, key.app)?;
        self.draft.put(key, app)
    }

    pub(super) fn put_api(&mut self, table: &Table, api: &Api) -> Result<(), ApplyError> {
        let place = self.place_of_api(api.api)?;
        table.apis.get_or_make(place).ok_or(ApplyError::Full)?.put(api);
        let imported = api.imported.clone().map(|imported| (api.brand, imported));
        let before = match &imported {
            Some(imported) => self.elsewhere.insert(api.api, imported.clone()),
            None => self.elsewhere.remove(&api.api),
        };
        self.is_elsewhere_news |= before != imported;
        Ok(())
    }

    pub(super) fn put_app(&mut self, table: &Table, app: &App) -> Result<(), ApplyError> {
        let api = self.place_of_api(app.api)?;
        let place = self.place_of_app(table, app.app)?;
        let cell = table.apps.get(place).ok_or(ApplyError::Full)?;
        let mut limits = cell.facts().limits;
        if limits == 0 && (app.rate.is_some() || !app.quotas.is_empty()) {
            self.limits += 1;
            limits = self.limits;
        }
        if limits > 0 {
            table.limits.get_or_make(limits).ok_or(ApplyError::Full)?.put(app.rate, &app.quotas);
        }
        cell.put(Facts {
            app: app.app,
            account: app.account,
            api,
            is_suspended: app.is_suspended,
            is_account_suspended: app.is_account_suspended,
            limits,
        });
        Ok(())
    }

    /// A forgotten app is of no API, so no token fits it.
    pub(super) fn remove_app(&mut self, table: &Table, app: AppId) -> Result<(), ApplyError> {
        let Some(place) = self.app_place(app) else { return Ok(()) };
        let cell = table.apps.get(place).ok_or(ApplyError::Full)?;
        let limits = cell.facts().limits;
        cell.put(Facts { limits, ..nowhere(app) });
        if let Some(limits) = table.limits(&cell.facts()) {
            limits.put(None, &[]);
        }
        Ok(())
    }

    /// Keys may come before their app; until it comes, they are of no API.
    pub(super) fn place_of_app(&mut self, table: &Table, app: AppId) -> Result<u32, ApplyError> {
        if let Some(place) = self.app_place(app) {
            return Ok(place);
        }
        let place = u32::try_from(self.apps.len()).map_err(|_| ApplyError::Full)?;
        table.apps.get_or_make(place).ok_or(ApplyError::Full)?.put(nowhere(app));
        self.apps.insert(app, place);
        Ok(place)
    }

    /// From 1: at place 0 is no API.
    fn place_of_api(&mut self, api: ApiId) -> Result<u32, ApplyError> {
        let next = u32::try_from(self.apis.len() + 1).map_err(|_| ApplyError::Full)?;
        Ok(*self.apis.entry(api).or_insert(next))
    }
}

/// What is said of an app of which nothing is known.
const fn nowhere(app: AppId) -> Facts {
    Facts {
        app,
        account: AccountId::from_i64(0),
        api: 0,
        is_suspended: false,
        is_account_suspended: false,
        limits: 0,
    }
}
