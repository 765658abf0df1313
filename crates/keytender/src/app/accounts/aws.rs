//! What Keytender can do in an AWS account, found by trying what changes nothing.

use super::{Ability, Checked};
use crate::app::aws::{hint, open};
use crate::connect::aws::{Failure, Reason};
use crate::error::Error;
use crate::store::accounts::Account;

/// Asks who we are, and tries each reading permission once.
pub(super) async fn look(account: &Account) -> Result<Checked, Error> {
    let iam = open(account).await?;
    let identity = iam.identity().await.map_err(|failure| refuse(account, failure))?;
    if let Some(known) = account.external_id.as_ref().filter(|known| **known != identity.account) {
        return Err(Error::new(format!(
            "`{}` is AWS account {known}, and its credentials now reach {}",
            account.name, identity.account
        )));
    }
    let users = iam.list_users().await;
    let user = users.as_ref().ok().and_then(|users| users.first()).map(|user| user.name.clone());
    let keys = iam.list_keys(user.as_deref()).await;
    let id = keys.as_ref().ok().and_then(|keys| keys.first()).map(|key| key.id.clone());
    let report = iam.credential_report().await;
    let used = match &id {
        Some(id) => Some(iam.last_use(id).await.map(drop)),
        None => None,
    };
    let tags = match &user {
        Some(user) => Some(iam.user_tags(user).await.map(drop)),
        None => None,
    };
    let alias = iam.alias().await;
    let mut abilities = vec![
        ability("iam:ListUsers", "finding the users", true, Some(users.map(drop)), account)?,
        ability("iam:ListAccessKeys", "finding their keys", true, Some(keys.map(drop)), account)?,
        ability(
            "iam:GetCredentialReport",
            "root's keys, passwords, last uses in two calls",
            false,
            Some(report.map(drop)),
            account,
        )?,
        ability("iam:GetAccessKeyLastUsed", "last uses of new keys", false, used, account)?,
        ability("iam:ListUserTags", "owners by tag", false, tags, account)?,
        ability(
            "iam:ListAccountAliases",
            "the account's name",
            false,
            Some(alias.map(drop)),
            account,
        )?,
    ];
    // These change something: they are tried when somebody asks for it.
    for (permission, purpose) in [
        ("iam:UpdateAccessKey", "keys disable, keys enable"),
        ("iam:DeleteAccessKey", "keys delete"),
    ] {
        abilities.push(ability(permission, purpose, false, None, account)?);
    }
    let can_sync = abilities.iter().all(|one| !one.is_needed || one.is_there != Some(false));
    let sentence = match can_sync {
        true => "Keytender can watch this account; acts on root's keys are root's alone.",
        false => "Keytender cannot watch this account without what is missing.",
    };
    Ok(Checked {
        who: Some(format!("{} in AWS account {}", identity.arn, identity.account)),
        abilities,
        sentence: sentence.to_owned(),
    })
}

fn ability(
    permission: &'static str,
    purpose: &'static str,
    is_needed: bool,
    tried: Option<Result<(), Failure>>,
    account: &Account,
) -> Result<Ability, Error> {
    let is_there = match tried {
        None => None,
        Some(Ok(())) => Some(true),
        Some(Err(failure)) if failure.is_denied() => Some(false),
        // It went away in between: the permission is there.
        Some(Err(failure)) if failure.reason == Reason::NotFound => Some(true),
        Some(Err(failure)) => return Err(refuse(account, failure)),
    };
    Ok(Ability { permission, purpose, is_needed, is_there })
}

fn refuse(account: &Account, failure: Failure) -> Error {
    let hint = hint(&failure, account.access.profile.as_deref());
    let error = Error::new(format!("cannot check `{}`", account.name)).source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
