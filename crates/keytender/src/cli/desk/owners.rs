//! Owners.

use reqwest::Method;
use serde_json::{Value, json};

use super::Desk;
use crate::app::view::{
    Assigned, ClaimView, KeyQuery, OwnerList, OwnerView, SuggestionList, SuggestionView,
};
use crate::app::{evaluate, owners};
use crate::client::part;
use crate::error::{Error, Kind};

/// Where suggestions are.
const SUGGESTIONS: &str = "/v1/owner-suggestions";

fn place(owner: &str) -> String {
    format!("/v1/owners/{}", part(owner))
}

impl Desk<'_> {
    /// Every owner, by name.
    pub(in crate::cli) async fn list_owners(&self) -> Result<Vec<OwnerView>, Error> {
        match self {
            Self::Here(inventory) => {
                evaluate::run(&inventory.store, inventory.now).await?;
                owners::list(inventory).await
            }
            Self::There(server) => {
                server.all("/v1/owners", &[], |page: OwnerList| (page.owners, page.next)).await
            }
        }
    }

    /// How many keys nobody answers for.
    pub(in crate::cli) async fn count_ownerless(&self) -> Result<u64, Error> {
        let query =
            KeyQuery { owner: Some("none".to_owned()), limit: Some(1), ..KeyQuery::default() };
        Ok(self.list_keys(query).await?.total)
    }

    /// Whom names and tags suggest for the keys without an owner.
    pub(in crate::cli) async fn owner_suggestions(&self) -> Result<Vec<SuggestionView>, Error> {
        match self {
            Self::Here(inventory) => {
                evaluate::run(&inventory.store, inventory.now).await?;
                owners::suggestions(inventory).await
            }
            Self::There(server) => {
                let things = |page: SuggestionList| (page.suggestions, page.next);
                server.all(SUGGESTIONS, &[], things).await
            }
        }
    }

    /// Adds and assigns the owners that are suggested; how many keys got one.
    pub(in crate::cli) async fn accept_suggestions(&self) -> Result<u64, Error> {
        match self {
            Self::Here(inventory) => {
                let assigned = owners::accept(inventory).await?;
                evaluate::run(&inventory.store, inventory.now).await?;
                Ok(assigned)
            }
            Self::There(server) => {
                let done: Assigned = server.ask(Method::POST, SUGGESTIONS, &json!({})).await?;
                Ok(done.assigned)
            }
        }
    }

    /// An owner's name with their address; the name alone where they are not to be seen.
    pub(in crate::cli) async fn name_and_address(&self, name: &str) -> Result<String, Error> {
        let address = match self {
            Self::Here(inventory) => owners::get(inventory, name).await?.address,
            Self::There(server) => match server.get::<OwnerView>(&place(name), &()).await {
                Ok(owner) => owner.address,
                Err(error) if error.of_kind() == Kind::Refused => return Ok(name.to_owned()),
                Err(error) => return Err(error),
            },
        };
        Ok(format!("{name} <{address}>"))
    }

    /// One owner, by name, address or id.
    pub(in crate::cli) async fn get_owner(&self, word: &str) -> Result<OwnerView, Error> {
        match self {
            Self::Here(inventory) => owners::view(inventory, word).await,
            Self::There(server) => server.get(&place(word), &()).await,
        }
    }

    /// Adds an owner.
    pub(in crate::cli) async fn add_owner(
        &self,
        name: &str,
        address: &str,
        time_zone: &str,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                owners::add(inventory, name, address, time_zone).await.map(drop)
            }
            Self::There(server) => {
                let new = json!({"name": name, "address": address, "time_zone": time_zone});
                server.ask::<Value>(Method::POST, "/v1/owners", &new).await.map(drop)
            }
        }
    }

    /// Changes an owner.
    pub(in crate::cli) async fn set_owner(
        &self,
        name: &str,
        address: Option<&str>,
        time_zone: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                owners::set(inventory, name, address, time_zone, |_| Ok(())).await.map(drop)
            }
            Self::There(server) => {
                let change = json!({"address": address, "time_zone": time_zone});
                server.ask::<Value>(Method::PATCH, &place(name), &change).await.map(drop)
            }
        }
    }

    /// Removes an owner.
    pub(in crate::cli) async fn remove_owner(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                owners::remove(inventory, name, |_| Ok(())).await?;
                evaluate::run(&inventory.store, inventory.now).await.map(drop)
            }
            Self::There(server) => server.tell(Method::DELETE, &place(name), &()).await,
        }
    }

    /// Lets an owner claim keys, or takes the claim back; the owner as they are then.
    pub(in crate::cli) async fn claim(
        &self,
        owner: &str,
        claim: &ClaimView,
        takes_back: bool,
    ) -> Result<OwnerView, Error> {
        let place = format!("{}/claims", place(owner));
        match self {
            Self::Here(inventory) => {
                owners::claim(inventory, owner, claim, takes_back).await?;
                evaluate::run(&inventory.store, inventory.now).await?;
                owners::view(inventory, owner).await
            }
            Self::There(server) if takes_back => {
                server.tell(Method::DELETE, &place, claim).await?;
                self.get_owner(owner).await
            }
            Self::There(server) => server.ask(Method::POST, &place, claim).await,
        }
    }
}
