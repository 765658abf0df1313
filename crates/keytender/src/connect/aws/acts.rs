//! What is done to keys. Each act is idempotent, so that an answer that was lost is no harm: it is
//! asked for again, or the listing tells.

use aws_sdk_iam::types::StatusType;

use super::{Failure, Iam, ListedKey, Reason, patiently};

impl Iam {
    /// Lets the key `id` of `user` work, or stops it.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not do it, or its answer does not come.
    pub async fn set_key_active(
        &self,
        user: &str,
        id: &str,
        is_active: bool,
    ) -> Result<(), Failure> {
        let status = if is_active { StatusType::Active } else { StatusType::Inactive };
        let request =
            self.client.update_access_key().user_name(user).access_key_id(id).status(status);
        patiently("iam:UpdateAccessKey", || request.clone().send()).await.map(drop)
    }

    /// Deletes the key `id` of `user` for good; one that is gone already is as wanted.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not do it, or its answer does not come.
    pub async fn delete_key(&self, user: &str, id: &str) -> Result<(), Failure> {
        let request = self.client.delete_access_key().user_name(user).access_key_id(id);
        match patiently("iam:DeleteAccessKey", || request.clone().send()).await {
            Err(failure) if failure.reason == Reason::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// The key `id` of `user` as it is now; `None` if there is none.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not tell.
    pub async fn find_key(&self, user: &str, id: &str) -> Result<Option<ListedKey>, Failure> {
        match self.list_keys(Some(user)).await {
            Ok(keys) => Ok(keys.into_iter().find(|key| key.id == id)),
            Err(failure) if failure.reason == Reason::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
