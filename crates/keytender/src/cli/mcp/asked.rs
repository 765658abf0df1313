//! What the tools take, where no request of the API has the same shape. None has a member for a secret.

use keytender_core::policy::Action;
use keytender_core::rotation::Gate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::Error;

/// How many things a list has if nobody says.
const USUAL: u32 = 20;
/// How many it has at most.
const MOST: u32 = 100;
/// The longest word that names a thing, in bytes.
const LONGEST_WORD: usize = 500;
/// The longest reason, in bytes: what a server keeps, less what is said beside it.
const LONGEST_REASON: usize = 250;

/// Which of the keys that are due.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DueKeys {
    /// Only this owner's, by name; `none`: those without an owner.
    pub(super) owner: Option<String>,
    /// Only those in this account, by its name in Keytender.
    pub(super) account: Option<String>,
    /// Only this provider's, such as `aws`.
    pub(super) provider: Option<String>,
    /// Only those that break this rule.
    pub(super) rule: Option<String>,
    /// Only those about which this must be done.
    pub(super) action: Option<Action>,
    /// How many at most: 20 if nothing is said, 100 at most.
    #[schema(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
    /// `next` of the page before, to go on from there.
    pub(super) cursor: Option<String>,
}

/// A key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfKey {
    /// Keytender's id of it (`key_…`), the provider's public id, or its name. Never a secret.
    pub(super) key: String,
}

/// Which rotations.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotations {
    /// Only those of this key.
    pub(super) key: Option<String>,
    /// Also those that have ended; they are shown anyway where a key is named.
    pub(super) ended: Option<bool>,
    /// Only those that wait for a person.
    pub(super) waiting: Option<bool>,
    /// How many at most: 20 if nothing is said, 100 at most.
    #[schema(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
    /// `next` of the page before, to go on from there.
    pub(super) cursor: Option<String>,
}

/// A rotation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRotation {
    /// Its id (`rot_…`), or a key that has one.
    pub(super) rotation: String,
}

/// A rotation, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// Its id (`rot_…`), or a key that has one.
    pub(super) rotation: String,
    /// Why, for the log.
    #[schema(min_length = 1, max_length = 250)]
    pub(super) because: String,
}

/// A step that is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approved {
    /// Its id (`rot_…`), or a key that has one.
    pub(super) rotation: String,
    /// The step, one of those that the rotation asks for.
    pub(super) step: Gate,
    /// Why, for the log.
    #[schema(min_length = 1, max_length = 250)]
    pub(super) because: String,
}

/// A destination that is vouched for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledged {
    /// Its id (`rot_…`), or a key that has one.
    pub(super) rotation: String,
    /// The destination, by its name in the rotation.
    pub(super) destination: String,
    /// How that is known, for the log.
    #[schema(min_length = 1, max_length = 250)]
    pub(super) because: String,
}

/// How many things a list has.
///
/// # Errors
/// When that is none, or too many.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Error> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        other => Err(Error::new(format!("a limit is 1 to {MOST}, and not {other}"))),
    }
}

/// Refuses what can name nothing, and what is a secret.
///
/// # Errors
/// When it is so.
pub(super) fn check_word(what: &str, word: &str) -> Result<(), Error> {
    crate::app::keys::refuse_whole(word)?;
    match word {
        _ if word.trim().is_empty() => Err(Error::new(format!("`{what}` is empty"))),
        _ if word.len() > LONGEST_WORD || word.contains('\0') => Err(Error::new(format!(
            "`{what}` is no name: it has at most {LONGEST_WORD} bytes, and no NUL"
        ))),
        _ => Ok(()),
    }
}

/// Refuses a reason that is none.
///
/// # Errors
/// When it is empty, too long, or holds a whole key.
pub(super) fn check_reason(reason: &str) -> Result<(), Error> {
    reason.split_whitespace().try_for_each(crate::app::keys::refuse_whole)?;
    match reason {
        _ if reason.trim().is_empty() => {
            Err(Error::new("say why in `because`: it stands in the log"))
        }
        _ if reason.len() > LONGEST_REASON || reason.contains('\0') => {
            Err(Error::new(format!("`because` has at most {LONGEST_REASON} bytes, and no NUL")))
        }
        _ => Ok(()),
    }
}
