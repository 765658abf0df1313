//! The members of an organization, as accounts of their own.

use std::collections::HashSet;

use keytender_core::id::AccountId;
use serde_json::json;

use super::{MAX_NAME, is_plain};
use crate::app::inventory::{Done, Inventory, cannot_read, cannot_write, commit};
use crate::error::Error;
use crate::store::accounts::{Access, Account, AccountKind};
use crate::store::{self, Failure};

/// A member that the organization names.
#[derive(Clone, Debug)]
pub struct NewMember<'m> {
    /// The provider's id of it.
    pub id: &'m str,
    /// What the organization calls it: any text.
    pub name: &'m str,
    /// The role by which it is entered.
    pub role: String,
}

/// Adds the members that are not known yet, all of them in one transaction with their acts.
///
/// # Errors
/// When the database refuses; then none is added.
pub async fn add(
    inventory: &Inventory,
    organization: &Account,
    members: &[NewMember<'_>],
) -> Result<Vec<Account>, Error> {
    let mut added = Vec::new();
    if members.is_empty() {
        return Ok(added);
    }
    let mut tx = inventory.begin().await?;
    // Of two syncs of one organization the later sees what the earlier added.
    tx.lock(organization.id.as_i64()).await.map_err(Failure::from).map_err(cannot_write)?;
    let known = tx.list_accounts().await.map_err(cannot_read)?;
    let is_known = |id: &str| {
        known.iter().any(|account| {
            account.provider == organization.provider && account.external_id.as_deref() == Some(id)
        })
    };
    let mut names: HashSet<String> = known.iter().map(|account| account.name.clone()).collect();
    let why = format!("found through organization {}", organization.name);
    for member in members.iter().filter(|member| !is_known(member.id)) {
        let account = account(inventory, organization, member, &names)?;
        names.insert(account.name.clone());
        tx.insert_account(&account).await.map_err(cannot_write)?;
        let act = Done {
            verb: "account.add",
            target_kind: "account",
            target_id: account.id.to_string(),
            why: Some(&why),
            details: json!({"provider": account.provider, "name": account.name,
                            "account": member.id, "organization": organization.name}),
        };
        inventory.log(&mut tx, act).await?;
        added.push(account);
    }
    commit(tx).await?;
    Ok(added)
}

fn account(
    inventory: &Inventory,
    organization: &Account,
    member: &NewMember<'_>,
    taken: &HashSet<String>,
) -> Result<Account, Error> {
    Ok(Account {
        id: AccountId::from_random(store::random().map_err(cannot_write)?),
        provider: organization.provider.clone(),
        name: name(member, taken),
        kind: AccountKind::Live,
        parent_id: Some(organization.id),
        external_id: Some(member.id.to_owned()),
        alias: None,
        contact: None,
        security_contact: None,
        access: Access { role: Some(member.role.clone()), ..organization.access.clone() },
        sealed: None,
        secret: organization.secret.clone(),
        report_header: None,
        created_at: inventory.now,
        api_id: None,
        suspended_at: None,
    })
}

/// The organization's name of a member made into one that an account can have; with its id where
/// that is taken.
fn name(member: &NewMember<'_>, taken: &HashSet<String>) -> String {
    let words: Vec<&str> =
        member.name.split(|one| !is_plain(one)).filter(|word| !word.is_empty()).collect();
    let mut name = words.join("-");
    while name.len() + 1 + member.id.len() > MAX_NAME {
        name.pop();
    }
    if name.is_empty() {
        member.id.to_owned()
    } else if taken.contains(&name) {
        format!("{name}-{}", member.id)
    } else {
        name
    }
}

/// The accounts that were found through an organization.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory, organization: &Account) -> Result<Vec<Account>, Error> {
    let mut accounts = inventory.store.list_accounts().await.map_err(cannot_read)?;
    accounts.retain(|account| account.parent_id == Some(organization.id));
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(given: &str, taken: &[&str]) -> String {
        let taken = taken.iter().map(|&name| name.to_owned()).collect();
        name(&NewMember { id: "222222222222", name: given, role: String::new() }, &taken)
    }

    #[test]
    fn any_name_becomes_one_of_an_account() {
        assert_eq!(named("Data & Analytics (EU)", &[]), "Data-Analytics-EU");
        assert_eq!(named("dev", &["prod"]), "dev");
        assert_eq!(named("dev", &["dev"]), "dev-222222222222");
        assert_eq!(named("\u{1b}[31m !", &[]), "31m");
        assert_eq!(named(" ", &[]), "222222222222");
        let long = named(&"ä".repeat(200), &[]);
        assert!(long.len() <= MAX_NAME && super::super::is_name(&long), "{long}");
    }
}
