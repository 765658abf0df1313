//! Accounts, and looks at them.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::Desk;
use super::channels::sent;
use crate::app::accounts::{self, Changed, NewAccount};
use crate::app::channels::SecretSource;
use crate::app::discover::FoundDescriptor;
use crate::app::sync::{self, Progress};
use crate::app::view::{AccountList, AccountView, CheckView, SyncedView};
use crate::client::{Client, part};
use crate::error::Error;
use crate::store::accounts::{Access, AccountKind};

fn place(account: &str) -> String {
    format!("/v1/accounts/{}", part(account))
}

impl Desk<'_> {
    /// Every account, by name.
    pub(in crate::cli) async fn list_accounts(&self) -> Result<Vec<AccountView>, Error> {
        match self {
            Self::Here(inventory) => accounts::list(inventory).await,
            Self::There(server) => all(server).await,
        }
    }

    /// One account, by name or id.
    pub(in crate::cli) async fn get_account(&self, word: &str) -> Result<AccountView, Error> {
        match self {
            Self::Here(inventory) => accounts::view(inventory, word).await,
            Self::There(server) => server.get(&place(word), &()).await,
        }
    }

    /// Adds an account, whose access key comes from `secret`.
    pub(in crate::cli) async fn add_account(
        &self,
        mut new: NewAccount,
        secret: SecretSource,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                match secret {
                    SecretSource::Reference(place) => {
                        new.access.credential = Some(place.to_string());
                    }
                    SecretSource::Keep(secret) => new.secret = Some(secret),
                    SecretSource::None | SecretSource::Make => {}
                }
                accounts::add(inventory, new).await.map(drop)
            }
            Self::There(server) => {
                let Access { endpoint, allow_private, descriptor, .. } = &new.access;
                if endpoint.is_some() || *allow_private || descriptor.is_some() {
                    let error = Error::new(
                        "a server takes no endpoint, no private address and no descriptor",
                    );
                    return Err(error.hint("add the account on its machine, beside the inventory"));
                }
                let secret = sent(secret)?;
                let body = json!({
                    "provider": new.provider,
                    "name": new.name,
                    "organization": new.kind == AccountKind::Organization,
                    "profile": new.access.profile,
                    "role": new.access.role,
                    "external_id": new.access.external_id,
                    "variables": new.access.variables,
                    "contact": new.contact,
                    "secret": secret.as_ref().map(|secret| secret.expose()),
                });
                server.ask::<Value>(Method::POST, "/v1/accounts", &body).await.map(drop)
            }
        }
    }

    /// Sets who hears of an account's keys without an owner.
    pub(in crate::cli) async fn set_account_contact(
        &self,
        word: &str,
        contact: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                accounts::set_contact(inventory, word, contact, |_| Ok(())).await
            }
            Self::There(server) => {
                let change = json!({"contact": contact});
                server.ask::<Value>(Method::PATCH, &place(word), &change).await.map(drop)
            }
        }
    }

    /// Gives an account another credential.
    pub(in crate::cli) async fn set_account_credential(
        &self,
        word: &str,
        secret: SecretSource,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                accounts::set_credential(inventory, word, secret, |_| Ok(())).await
            }
            Self::There(server) => {
                let secret = sent(secret)?;
                let change = json!({"secret": secret.as_ref().map(|secret| secret.expose())});
                server.ask::<Value>(Method::PATCH, &place(word), &change).await.map(drop)
            }
        }
    }

    /// How the document of an account has changed since it was approved, if it has.
    pub(in crate::cli) async fn changed_document(
        &self,
        word: &str,
    ) -> Result<Option<Changed>, Error> {
        match self {
            Self::Here(inventory) => accounts::changed(inventory, word).await,
            Self::There(_) => Err(beside()),
        }
    }

    /// Runs an account by a document from now on.
    pub(in crate::cli) async fn approve_document(
        &self,
        word: &str,
        found: &FoundDescriptor,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => accounts::approve(inventory, word, found).await,
            Self::There(_) => Err(beside()),
        }
    }

    /// Forgets an account.
    pub(in crate::cli) async fn remove_account(&self, word: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => accounts::remove(inventory, word, |_| Ok(())).await.map(drop),
            Self::There(server) => server.tell(Method::DELETE, &place(word), &()).await,
        }
    }

    /// Who we are at an account, and what we can do there.
    pub(in crate::cli) async fn check_account(&self, word: &str) -> Result<CheckView, Error> {
        match self {
            Self::Here(inventory) => accounts::check_seen(inventory, word).await,
            Self::There(server) => {
                server.ask(Method::POST, &format!("{}/checks", place(word)), &()).await
            }
        }
    }

    /// Looks at the accounts of these names, or at all that are asked if none is named; `None` if there
    /// is no account at all.
    pub(in crate::cli) async fn sync(
        &self,
        words: &[String],
        progress: &Progress<'_>,
    ) -> Result<Option<Vec<SyncedView>>, Error> {
        match self {
            Self::Here(inventory) => sync::looks(inventory, words, progress).await,
            Self::There(server) => {
                let mut accounts = self.named(words).await?;
                if accounts.is_empty() {
                    return Ok(None);
                }
                without_members(&mut accounts);
                let mut looks = Vec::new();
                for account in accounts.iter().filter(|one| one.kind.is_asked()) {
                    progress(&account.name, "the server asks it");
                    let place = format!("{}/syncs", place(&account.id));
                    let mut look: SyncedView = server.ask(Method::POST, &place, &()).await?;
                    let members = std::mem::take(&mut look.members);
                    looks.push(look);
                    looks.extend(members);
                }
                Ok(Some(looks))
            }
        }
    }

    async fn named(&self, words: &[String]) -> Result<Vec<AccountView>, Error> {
        if words.is_empty() {
            let mut all = self.list_accounts().await?;
            all.retain(|account| account.kind.is_asked());
            return Ok(all);
        }
        let mut accounts = Vec::new();
        for word in words {
            accounts.push(self.get_account(word).await?);
        }
        Ok(accounts)
    }
}

/// The refusal of what is trusted on the machine of the inventory alone.
fn beside() -> Error {
    Error::new("a server approves no document")
        .hint("approve it on its machine, beside the inventory")
}

/// Members are asked with their organization, where that is asked.
fn without_members(accounts: &mut Vec<AccountView>) {
    let organizations: HashSet<String> = accounts
        .iter()
        .filter(|account| account.kind == AccountKind::Organization)
        .map(|account| account.id.clone())
        .collect();
    accounts.retain(|one| !one.parent.as_ref().is_some_and(|id| organizations.contains(id)));
}

async fn all(server: &Client) -> Result<Vec<AccountView>, Error> {
    server.all("/v1/accounts", &[], |page: AccountList| (page.accounts, page.next)).await
}
