//! What is asked of the account itself: who asks, what it is called, how its users are tagged.

use std::collections::BTreeMap;

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;

use super::{Failure, Iam, MAX_PAGES, Reason, patiently};

/// The name of the call that asks who the credentials are.
const IDENTITY: &str = "sts:GetCallerIdentity";

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id of the account.
    pub account: String,
    /// The ARN of the user or role.
    pub arn: String,
}

impl Iam {
    /// Who these credentials are; no permission is needed for it.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not know them, or does not answer.
    pub async fn identity(&self) -> Result<Identity, Failure> {
        let answer = patiently(IDENTITY, || self.sts.get_caller_identity().send()).await?;
        identity(&answer)
    }

    /// The same, without patience for throttling.
    pub(super) async fn identity_now(&self) -> Result<Identity, Failure> {
        let answer = self.sts.get_caller_identity().send().await;
        identity(&answer.map_err(|error| Failure::of(IDENTITY, &error))?)
    }

    /// The account's alias, if it has one.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not tell.
    pub async fn alias(&self) -> Result<Option<String>, Failure> {
        let answer =
            patiently("iam:ListAccountAliases", || self.client.list_account_aliases().send());
        Ok(answer.await?.account_aliases().first().cloned())
    }

    /// The tags of a user.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read.
    pub async fn user_tags(&self, user: &str) -> Result<BTreeMap<String, String>, Failure> {
        const PERMISSION: &str = "iam:ListUserTags";
        let mut tags = BTreeMap::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_user_tags().user_name(user).set_marker(marker);
            let page = patiently(PERMISSION, || request.clone().send()).await?;
            let found =
                page.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            tags.extend(found);
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(tags);
            }
        }
        Err(Failure::new(PERMISSION, Reason::EndlessList))
    }
}

fn identity(answer: &GetCallerIdentityOutput) -> Result<Identity, Failure> {
    let known = answer.account().zip(answer.arn());
    let (account, arn) = known.ok_or_else(|| {
        Failure::new(IDENTITY, Reason::Other { code: "without an account".to_owned() })
    })?;
    Ok(Identity { account: account.to_owned(), arn: arn.to_owned() })
}
