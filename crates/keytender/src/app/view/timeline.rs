//! A key's story, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::acts::Act;
use crate::store::keys::{Past, Telling};

/// Who did something, to a customer whose API's own people did.
const PROVIDER: &str = "provider";
/// The stage of an act that came to be; it is not said.
const DONE: &str = "done";
/// The stage of what did not come to be.
const FAILED: &str = "failed";
/// What a finding is called in a key's past, and what in its story.
const FINDING: (&str, &str) = ("finding ", "breaks");
/// The same of one that is resolved.
const RESOLVED: (&str, &str) = ("resolved ", "no longer breaks");

/// Something that happened to a key, or was done to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// When.
    pub at: Time,
    /// What: `found`, `used`, `suspended`, `resumed`, `rotated`, `changed`, `first-used`, `missing`, `back`,
    /// `destroyed` (several with spaces between them), `breaks`, `no longer breaks`, `told`, or the verb of
    /// an act such as `key.disable`.
    pub what: String,
    /// The rule that it breaks, or does not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of an act that is not done: `intent` or `failed`; of a notice that nobody got: `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who was told: an address, or a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why; of a notice, what it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In which of the provider's regions it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Against which of its services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A key's story.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// What happened and what was done, oldest first: the latest 200 of each.
    pub events: Vec<EventView>,
}

impl EventView {
    /// Something that happened, of which nothing else is known.
    pub fn happened(at: Time, what: &str) -> Self {
        let what = what.to_owned();
        let (rule, stage, by, to, why, region, service) = Default::default();
        Self { at, what, rule, stage, by, to, why, region, service }
    }

    /// The view of something in a key's past.
    pub fn of_past(past: &Past) -> Self {
        let rule = [FINDING, RESOLVED]
            .into_iter()
            .find_map(|(word, what)| Some((what, past.what.strip_prefix(word)?.to_owned())));
        if let Some((what, rule)) = rule {
            return Self { rule: Some(rule), ..Self::happened(past.at, what) };
        }
        let (region, service) = past.place.clone().unwrap_or_default();
        Self { region, service, ..Self::happened(past.at, &past.what) }
    }

    /// The view of a notice.
    pub fn of_telling(telling: &Telling) -> Self {
        Self {
            stage: (!telling.is_sent).then(|| FAILED.to_owned()),
            to: Some(telling.recipient.clone()),
            why: Some(telling.subject.clone()),
            ..Self::happened(telling.at, "told")
        }
    }

    /// The same for a customer of the name `own`: who of the API's own people did something, and why, is theirs.
    #[must_use]
    pub fn for_customer(self, own: &str) -> Self {
        match self.by.as_deref() {
            Some(by) if by != own => Self { by: Some(PROVIDER.to_owned()), why: None, ..self },
            _ => self,
        }
    }

    /// The view of an act.
    pub fn of_act(act: &Act) -> Self {
        Self {
            stage: Some(act.stage.clone()).filter(|stage| stage != DONE),
            by: Some(act.actor.clone()),
            why: act.why.clone(),
            ..Self::happened(act.at, &act.verb)
        }
    }
}
