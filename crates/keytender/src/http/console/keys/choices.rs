//! What can be chosen in the filters: the accounts, owners, providers and rules that there are.

use keytender_core::access::{Scope, Side};

use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::view::RuleView;
use crate::http::console::visit::Visit;
use crate::http::problem::Refusal;

/// What there is to choose from, of what whoever asks sees.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Names of accounts.
    pub(super) accounts: Vec<String>,
    /// Words of providers.
    pub(super) providers: Vec<String>,
    /// Names of owners.
    pub(super) owners: Vec<String>,
    /// The rules of the policy.
    pub(super) rules: Vec<RuleView>,
    /// Whether there are keys that we issued.
    pub(super) has_issued: bool,
}

impl Choices {
    /// Reads them.
    pub(super) async fn read(visit: &Visit, inventory: &Inventory) -> Result<Self, Refusal> {
        let store = &inventory.store;
        let mut choices = Self::default();
        if visit.may(Scope::PolicyRead) {
            choices.rules = evaluate::policy_view(inventory).await?.rules;
        }
        if inventory.sight.owner.is_some() {
            return Ok(choices);
        }
        if visit.may(Scope::AccountsRead) {
            let accounts = store.list_accounts().await.map_err(cannot_read)?;
            let seen = accounts.into_iter().filter(|one| inventory.sight.covers_account(one));
            for account in seen {
                choices.has_issued |= account.kind.side() == Side::Issued;
                choices.accounts.push(account.name);
                choices.providers.push(account.provider);
            }
            if visit.may(Scope::ApisRead) {
                let apis = store.list_apis().await.map_err(cannot_read)?;
                choices.has_issued |= !apis.is_empty();
                choices.providers.extend(apis.into_iter().map(|api| api.name));
            }
            choices.providers.sort();
            choices.providers.dedup();
        }
        choices.owners = owners(visit, inventory).await?;
        Ok(choices)
    }
}

/// The names of the owners, for whoever may see them.
pub(in crate::http::console) async fn owners(
    visit: &Visit,
    inventory: &Inventory,
) -> Result<Vec<String>, Refusal> {
    if inventory.sight.owner.is_some() || !visit.may(Scope::OwnersRead) {
        return Ok(Vec::new());
    }
    let owners = inventory.store.list_owners().await.map_err(cannot_read)?;
    Ok(owners.into_iter().map(|owner| owner.name).collect())
}
