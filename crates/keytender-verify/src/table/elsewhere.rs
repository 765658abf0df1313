//! How keys are recognised that were issued elsewhere: what is shown is looked up by each digest that may be kept of it.

use std::collections::BTreeMap;

use keytender_core::id::ApiId;
use keytender_core::imported::{Pepper, Way};
use keytender_core::token::{Brand, Digest};

use crate::feed::Imported;

/// Of every API with such keys.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// Whether a snapshot has told of them.
    is_known: bool,
    apis: Vec<OfApi>,
}

#[derive(Debug)]
struct OfApi {
    brand: Brand,
    peppers: Vec<Pepper>,
    ways: Vec<Way>,
}

/// What may be kept of a key that is shown.
pub(crate) struct Candidate {
    /// Of which API.
    pub(crate) brand: Brand,
    pub(crate) digest: Digest,
    /// What is to be kept of it, if this is something else.
    pub(crate) native: Option<Digest>,
}

impl Elsewhere {
    pub(super) fn of(apis: &BTreeMap<ApiId, (Brand, Imported)>, is_known: bool) -> Self {
        let of_api = |(brand, imported): &(Brand, Imported)| OfApi {
            brand: *brand,
            peppers: imported.peppers.iter().map(|one| one.0.clone()).collect(),
            ways: imported.ways().collect(),
        };
        Self { is_known, apis: apis.values().map(of_api).collect() }
    }

    /// Whether no API has such keys.
    pub(crate) const fn is_empty(&self) -> bool {
        self.apis.is_empty()
    }

    /// Whether anything is known.
    pub(crate) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// All that may be kept of a key, of the API with this brand, or of all: what is found soonest first.
    pub(crate) fn candidates(
        &self,
        brand: Option<Brand>,
        key: &str,
    ) -> impl Iterator<Item = Candidate> {
        let apis = self.apis.iter().filter(move |api| brand.is_none_or(|brand| brand == api.brand));
        apis.flat_map(move |api| api.candidates(key))
    }

    /// What is to be kept of a key of the API with this brand.
    pub(crate) fn native(&self, brand: Brand, key: &str) -> Option<Digest> {
        let api = self.apis.iter().find(|api| api.brand == brand)?;
        api.peppers.first().map(|pepper| pepper.native(key))
    }
}

impl OfApi {
    fn candidates(&self, key: &str) -> impl Iterator<Item = Candidate> {
        let present = self.peppers.first().map(|pepper| pepper.native(key));
        let older = self.peppers.iter().skip(1).map(|pepper| pepper.native(key));
        let made = self
            .peppers
            .iter()
            .flat_map(move |pepper| self.ways.iter().filter_map(|way| way.digest(pepper, key)));
        let brand = self.brand;
        let native = present;
        let first = present.map(|digest| Candidate { brand, digest, native: None });
        let others = older.chain(made).map(move |digest| Candidate { brand, digest, native });
        // Once more, in case that it has come to its present place while the others were looked at.
        let has_others = self.peppers.len() > 1 || !self.ways.is_empty();
        let again = present.filter(|_| has_others);
        let again = again.map(|digest| Candidate { brand, digest, native: None });
        first.into_iter().chain(others).chain(again)
    }
}
