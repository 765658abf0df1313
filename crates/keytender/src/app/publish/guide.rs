//! What people are told of keys of our APIs: what holds for them, as it is configured.

use keytender_core::time::Span;

use super::{PORTAL, Site, Told};
use crate::app::issued::DEFAULT_OVERLAP;
use crate::store::apis::OnLeak;

/// What people are told of keys.
#[derive(Clone, Debug)]
pub struct Guide {
    /// Whose keys: what people call the API, or the host of the server.
    pub title: String,
    /// Where calls go, without a slash at the end.
    pub base: String,
    /// What holds for keys of one API.
    pub api: Option<OfApi>,
    /// The APIs, each with what people call it, where all are meant.
    pub apis: Vec<(String, String)>,
}

/// What holds for keys of one API.
#[derive(Clone, Debug)]
pub struct OfApi {
    /// Its name.
    pub name: String,
    /// What each key begins with, before a `_`.
    pub brand: String,
    /// How long a key works of which nobody says how long.
    pub key_life: Option<Span>,
    /// How long both keys of a rotation work of which nobody says how long.
    pub overlap: Span,
    /// What is done about a key that leaked.
    pub on_leak: OnLeak,
    /// Where customers see their keys.
    pub keys_page: String,
    /// Whether that is the page of this server, which the API opens.
    pub is_portal: bool,
    /// Whether customers are written to before keys end, and when they are old or not used.
    pub is_told: bool,
    /// Where customers read how the API is used.
    pub docs: Option<String>,
    /// Whom they ask: a mail address or an address of the web.
    pub support: Option<String>,
}

impl Guide {
    /// Of keys of one API.
    pub(super) fn of(site: &Site<'_>, told: &Told) -> Self {
        let settings = &told.api.settings;
        let own_page = told.standing.voice.keys_page.clone();
        let api = OfApi {
            name: told.api.name.clone(),
            brand: told.api.brand.clone(),
            key_life: settings.key_life,
            overlap: settings.overlap.unwrap_or(DEFAULT_OVERLAP),
            on_leak: settings.on_leak.unwrap_or_default(),
            is_portal: own_page.is_none(),
            keys_page: own_page.unwrap_or_else(|| site.at(PORTAL)),
            is_told: told.standing.started_at.is_some(),
            docs: settings.portal.docs.clone(),
            support: settings.portal.support.clone(),
        };
        Self { title: told.title(), base: site.base.to_owned(), api: Some(api), apis: Vec::new() }
    }

    /// Of keys of every API.
    pub(super) fn of_all(site: &Site<'_>, told: &[Told]) -> Self {
        let apis = told.iter().map(|one| (one.api.name.clone(), one.title())).collect();
        Self { title: site.host.clone(), base: site.base.to_owned(), api: None, apis }
    }
}
