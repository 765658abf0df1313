//! The log of acts.

use reqwest::Method;

use super::Desk;
use crate::app::log;
use crate::app::view::{ActList, ActView, VerifiedView};
use crate::error::Error;
use crate::store::acts::Which;

/// How many acts a page of a server has at most.
const PAGE: u32 = 1_000;

impl Desk<'_> {
    /// The latest acts, the newest first; of one target if a word is given.
    pub(in crate::cli) async fn list_acts(
        &self,
        target: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ActView>, Error> {
        let server = match self {
            Self::Here(inventory) => {
                let which = Which { target_id: target.map(str::to_owned), ..Which::default() };
                return log::list(inventory, which, limit, None).await.map(|(acts, _)| acts);
            }
            Self::There(server) => server,
        };
        let mut acts: Vec<ActView> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let wanted = limit.saturating_sub(u32::try_from(acts.len()).unwrap_or(limit));
            let page = wanted.min(PAGE).to_string();
            let query = [("target", target), ("limit", Some(&page)), ("after", after.as_deref())];
            let query: Vec<_> =
                query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let mut list: ActList = server.get("/v1/acts", &query).await?;
            acts.append(&mut list.acts);
            after = list.next;
            if after.is_none() || wanted <= PAGE {
                return Ok(acts);
            }
        }
    }

    /// Holds the log against its chain and its checkpoints.
    pub(in crate::cli) async fn verify_log(&self) -> Result<VerifiedView, Error> {
        match self {
            Self::Here(inventory) => {
                log::seal(inventory).await?;
                log::verify(inventory).await
            }
            Self::There(server) => server.ask(Method::POST, "/v1/log-verifications", &()).await,
        }
    }
}
