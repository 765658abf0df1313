//! The policy of the inventory.

use reqwest::Method;
use serde_json::json;

use super::Desk;
use crate::app::evaluate::{self, Evaluated};
use crate::app::view::PolicyView;
use crate::error::Error;

/// Where it is.
const PLACE: &str = "/v1/policy";

impl Desk<'_> {
    /// The text of the policy that keys are held against.
    pub(in crate::cli) async fn policy_text(&self) -> Result<String, Error> {
        match self {
            Self::Here(inventory) => Ok(evaluate::policy(&inventory.store).await?.0),
            Self::There(server) => {
                server.get(PLACE, &()).await.map(|policy: PolicyView| policy.text)
            }
        }
    }

    /// Uses another policy from now on, or the default one.
    pub(in crate::cli) async fn use_policy(&self, text: Option<&str>) -> Result<Evaluated, Error> {
        match (self, text) {
            (Self::Here(inventory), text) => {
                evaluate::use_policy(inventory, text, |_| Ok(())).await
            }
            (Self::There(server), Some(text)) => {
                server.ask(Method::PUT, PLACE, &json!({"text": text})).await
            }
            (Self::There(server), None) => server.ask(Method::DELETE, PLACE, &()).await,
        }
    }
}
