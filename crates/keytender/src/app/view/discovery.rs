//! What a domain says of its keys, in JSON.

use std::collections::BTreeMap;

use keytender_core::apis_json::SeenPlace;
use serde::Serialize;

use super::ProviderView;

/// What was found at an address, and where.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DiscoveryView {
    /// The origin that was asked.
    pub origin: String,
    /// Each place that was looked at, in its order.
    pub places: Vec<SeenPlace>,
    /// The descriptor that an account would be run by: the first that was found.
    pub descriptor: Option<DescriptorFoundView>,
    /// Where other descriptors are, of single APIs.
    pub more_descriptors: Vec<String>,
    /// How a first key is got, if that is described.
    pub onboarding: Option<OnboardingFoundView>,
    /// OpenAPI descriptions, of which a first descriptor can be drafted.
    pub openapi: Vec<String>,
    /// Pages for people, by what they are for.
    pub pages: BTreeMap<String, Vec<String>>,
    /// What follows, in sentences.
    pub means: Vec<String>,
}

/// A descriptor that was found.
#[derive(Clone, Debug, Serialize)]
pub struct DescriptorFoundView {
    /// Where.
    pub url: String,
    /// The SHA-256 of its text, in hexadecimal: what an account is bound to.
    pub digest: String,
    /// What it says.
    pub provider: ProviderView,
    /// The hosts that calls would go to: of the same site as where it was found.
    pub hosts: Vec<String>,
    /// Hosts of other sites that it names: no call goes there unless you name them too.
    pub foreign_hosts: Vec<String>,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

/// A description of onboarding that was found.
#[derive(Clone, Debug, Serialize)]
pub struct OnboardingFoundView {
    /// Where.
    pub url: String,
    /// `self-serve`, `bootstrap-token` or `console-only`.
    pub maturity: String,
    /// What one walks away with.
    pub credentials: Vec<String>,
}
