//! Keys in files.

use reqwest::Method;

use super::Desk;
use crate::app::scan::known;
use crate::app::view::{
    KeyInFile, KeyMatchRequest, KeyMatchView, KeyPlacesRequest, KeyPlacesView, KnownKeyView,
};
use crate::error::Error;

impl Desk<'_> {
    /// Which keys of the inventory these are.
    pub(in crate::cli) async fn match_keys(
        &self,
        keys: Vec<KeyInFile>,
    ) -> Result<Vec<Option<KnownKeyView>>, Error> {
        match self {
            Self::Here(inventory) => known::matches(inventory, &keys).await,
            Self::There(server) => {
                let asked = KeyMatchRequest { keys };
                let told: KeyMatchView =
                    server.ask(Method::POST, "/v1/key-matches", &asked).await?;
                Ok(told.keys)
            }
        }
    }

    /// Keeps where keys stand.
    pub(in crate::cli) async fn keep_places(
        &self,
        told: &KeyPlacesRequest,
    ) -> Result<KeyPlacesView, Error> {
        match self {
            Self::Here(inventory) => known::keep(inventory, told).await,
            Self::There(server) => server.ask(Method::POST, "/v1/key-places", told).await,
        }
    }
}
