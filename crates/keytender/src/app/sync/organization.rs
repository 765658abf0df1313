//! Who belongs to an organization: new members are added, and those that are not asked are named.

use std::collections::HashSet;

use super::{Progress, Said, check_same};
use crate::app::accounts::members::{self, NewMember};
use crate::app::aws::{account_hint, open, secret};
use crate::app::inventory::{Inventory, cannot_read};
use crate::connect::aws::{Failure, Member, Reason};
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind};

/// How many members a warning names.
const MAX_NAMED: usize = 20;
/// AWS's word for an account without an organization.
const NO_ORGANIZATION: &str = "AWSOrganizationsNotInUseException";

/// Asks an organization for its members. Beside what it says are the accounts of the members that
/// are to be asked now: the known ones alone, where it may not tell.
pub(super) async fn ask(
    inventory: &Inventory,
    organization: &mut Account,
    progress: &Progress<'_>,
) -> (Said, Vec<Account>) {
    let mut said = Said::default();
    let mut members = match find(inventory, organization, &mut said, progress).await {
        Ok(members) => members,
        Err(Stopped { error, known }) => {
            said.failure = Some(error);
            known
        }
    };
    for member in &mut members {
        member.secret.clone_from(&organization.secret);
    }
    (said, members)
}

/// Why the members are not known, and which of the known ones are asked all the same.
struct Stopped {
    error: Error,
    known: Vec<Account>,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self { error, known: Vec::new() }
    }
}

async fn find(
    inventory: &Inventory,
    organization: &mut Account,
    said: &mut Said,
    progress: &Progress<'_>,
) -> Result<Vec<Account>, Stopped> {
    // Its place is read once for all.
    organization.secret = secret(organization)?;
    let organization = &*organization;
    progress(&organization.name, "listing the members");
    let known = inventory.store.list_accounts().await.map_err(cannot_read)?;
    let iam = open(organization).await?;
    let own = iam.identity().await.map_err(|failure| refuse(organization, failure))?.account;
    check_same(organization, &own)?;
    let listed = iam.members().await.map_err(|failure| {
        // The credentials are good: that they may not list keeps nobody from being asked.
        let is_ours = |account: &Account| account.parent_id == Some(organization.id);
        let known = match failure.is_denied() {
            true => known.iter().filter(|account| is_ours(account)).cloned().collect(),
            false => Vec::new(),
        };
        Stopped { error: refuse(organization, failure), known }
    })?;
    let sorted = Sorted::new(organization, &own, &listed, known);
    sorted.warn(&mut said.warnings);
    said.external_id = Some(own);
    let new: Vec<NewMember<'_>> =
        sorted.new.iter().map(|member| new_member(organization, member)).collect();
    let mut accounts = members::add(inventory, organization, &new).await?;
    said.added = accounts.iter().map(|account| account.name.clone()).collect();
    accounts.extend(sorted.known);
    accounts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(accounts)
}

fn new_member<'m>(organization: &Account, member: &'m Member) -> NewMember<'m> {
    let role = member.role(organization.access.role.as_deref().unwrap_or_default());
    NewMember { id: &member.id, name: &member.name, role }
}

/// The members of an organization by what is done about them.
#[derive(Default)]
struct Sorted<'l> {
    /// They are added, then asked.
    new: Vec<&'l Member>,
    /// They are asked.
    known: Vec<Account>,
    /// Suspended or closed.
    inactive: Vec<String>,
    /// Not listed any more.
    left: Vec<String>,
    /// Known as accounts whose keys are told by hand.
    told: Vec<String>,
}

impl<'l> Sorted<'l> {
    fn new(
        organization: &Account,
        own: &str,
        listed: &'l [Member],
        mut accounts: Vec<Account>,
    ) -> Self {
        let mut sorted = Self::default();
        let is_ours = |account: &Account| account.parent_id == Some(organization.id);
        let ids: HashSet<&str> = listed.iter().map(|member| member.id.as_str()).collect();
        accounts.retain(|account| account.provider == organization.provider);
        for account in accounts.iter().filter(|account| is_ours(account)) {
            match account.external_id.as_deref() {
                Some(id) if ids.contains(id) => {}
                id => sorted.left.push(named(&account.name, id.unwrap_or_default())),
            }
        }
        for member in listed.iter().filter(|member| member.id != own) {
            let is_it = |account: &Account| account.external_id.as_ref() == Some(&member.id);
            let account = accounts.iter().position(is_it).map(|place| accounts.swap_remove(place));
            match account {
                None if member.is_active => sorted.new.push(member),
                None => sorted.inactive.push(named(&member.name, &member.id)),
                Some(account) if account.kind == AccountKind::Manual => {
                    sorted.told.push(named(&account.name, &member.id));
                }
                // Somebody added it by hand, and it is asked as they said.
                Some(account) if !is_ours(&account) => {}
                Some(account) if member.is_active => sorted.known.push(account),
                Some(account) => sorted.inactive.push(named(&account.name, &member.id)),
            }
        }
        sorted
    }

    fn warn(&self, warnings: &mut Vec<String>) {
        for (names, what) in [
            (&self.inactive, "suspended or closed, so not asked"),
            (
                &self.left,
                "no longer in the organization, so not asked; what is known of them stays until \
                 you say keytender accounts remove",
            ),
            (&self.told, "told by hand, so not asked"),
        ] {
            if !names.is_empty() {
                warnings.push(format!("{what}: {}", list(names)));
            }
        }
    }
}

fn named(name: &str, id: &str) -> String {
    format!("{name} ({id})")
}

fn list(names: &[String]) -> String {
    let mut text: Vec<&str> = names.iter().take(MAX_NAMED).map(String::as_str).collect();
    let rest = names.len().saturating_sub(MAX_NAMED);
    let more = format!("and {rest} more");
    if rest > 0 {
        text.push(&more);
    }
    text.join(", ")
}

fn refuse(organization: &Account, failure: Failure) -> Error {
    let hint = match &failure.reason {
        Reason::Denied => Some(
            "the credentials of an organization's management account, or of a delegated \
             administrator, need organizations:ListAccounts; the members that are known are asked \
             all the same"
                .to_owned(),
        ),
        Reason::Other { code } if code == NO_ORGANIZATION => Some(format!(
            "it is in no organization: keytender accounts remove {}, and add it without \
             --organization",
            organization.name
        )),
        _ => account_hint(&failure, organization),
    };
    let error = Error::new(format!("cannot list the members of `{}`", organization.name));
    let error = error.source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
