//! What Keytender can do in an AWS account, found by trying what changes nothing.

use std::borrow::Cow;

use super::{Ability, Checked};
use crate::app::aws::{account_hint, open};
use crate::connect::aws::{ASSUME_ROLE, Failure, GET_GROUP, Iam, LIST_ENTITIES, Member, Reason};
use crate::error::{Error, Kind};
use crate::store::accounts::{Access, Account, AccountKind};

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
    let (entities, group) = administrators(&iam, &identity.arn).await;
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
        ability(LIST_ENTITIES, "who is an administrator", false, Some(entities), account)?,
        ability(GET_GROUP, "administrators by a group", false, group, account)?,
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
    let is_organization = account.kind == AccountKind::Organization;
    if is_organization {
        abilities.append(&mut organization(account, &iam, &identity.account).await?);
    }
    let can_sync = abilities.iter().all(|one| !one.is_needed || one.is_there != Some(false));
    let what = if is_organization { "organization" } else { "account" };
    let sentence = match can_sync {
        true => format!("Keytender can watch this {what}; acts on root's keys are root's alone."),
        false => format!("Keytender cannot watch this {what} without what is missing."),
    };
    Ok(Checked {
        who: Some(format!("{} in AWS account {}", identity.arn, identity.account)),
        abilities,
        sentence,
    })
}

/// Whether it can be seen who is an administrator, and, if a group makes some, who is in one.
async fn administrators(
    iam: &Iam,
    arn: &str,
) -> (Result<(), Failure>, Option<Result<(), Failure>>) {
    match iam.administrators(arn.split(':').nth(1).unwrap_or("aws")).await {
        Ok(attached) => match attached.groups.first() {
            Some(group) => (Ok(()), Some(iam.group_members(group).await.map(drop))),
            None => (Ok(()), None),
        },
        Err(failure) => (Err(failure), None),
    }
}

/// What is needed beside for the members; one of them tells for all whether it can be entered.
async fn organization(account: &Account, iam: &Iam, own: &str) -> Result<Vec<Ability>, Error> {
    let members = iam.members().await;
    let mut others = members.iter().flatten().filter(|one| one.is_active && one.id != own);
    let (purpose, entered, contact) = match others.next() {
        Some(member) => {
            let inside = open(&inside(account, member)).await?;
            let entered = inside.identity().await.map(drop);
            let contact = match &entered {
                Ok(()) => Some(inside.security_contact().await),
                Err(_) => None,
            };
            let purpose = format!("entering members; tried on {} ({})", member.name, member.id);
            (purpose, Some(entered), contact)
        }
        None => ("entering members".to_owned(), None, Some(iam.security_contact().await)),
    };
    let members = Some(members.map(drop));
    let contact = contact.map(|told| told.map(drop));
    Ok(vec![
        ability("organizations:ListAccounts", "finding the members", true, members, account)?,
        ability(ASSUME_ROLE, purpose, true, entered, account)?,
        ability("account:GetAlternateContact", "security contacts", false, contact, account)?,
    ])
}

/// The member of an organization as it is entered.
fn inside(organization: &Account, member: &Member) -> Account {
    let role = organization.access.role.as_deref().map(|name| member.role(name));
    let access = Access { role, ..organization.access.clone() };
    Account { kind: AccountKind::Live, access, ..organization.clone() }
}

fn ability(
    permission: &'static str,
    purpose: impl Into<Cow<'static, str>>,
    is_needed: bool,
    tried: Option<Result<(), Failure>>,
    account: &Account,
) -> Result<Ability, Error> {
    let is_there = match tried {
        None => None,
        Some(Ok(())) => Some(true),
        Some(Err(failure)) if failure.is_denied() || failure.is_shut_out() => Some(false),
        // It went away in between: the permission is there.
        Some(Err(failure)) if failure.reason == Reason::NotFound => Some(true),
        Some(Err(failure)) => return Err(refuse(account, failure)),
    };
    Ok(Ability { permission: permission.into(), purpose: purpose.into(), is_needed, is_there })
}

fn refuse(account: &Account, failure: Failure) -> Error {
    let hint = account_hint(&failure, account);
    let error =
        Error::new(format!("cannot check `{}`", account.name)).kind(Kind::Provider).source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
