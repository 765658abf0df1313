//! Accounts: where keys are held, how each is reached, and how the last look at it went.

use std::collections::BTreeMap;

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::secret::Secret;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Field, Wrong, folded};
use super::layout;
use super::listed::{Listed, with_query};
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::accounts::{self, NewAccount};
use crate::app::inventory::Inventory;
use crate::app::view::{AccountView, LastSyncView};
use crate::error::Error;
use crate::http::extract::Query;
use crate::http::problem::Refusal;
use crate::store::accounts::{Access, AccountKind};

pub(super) mod look;
pub(super) mod one;

const PATH: &str = "/accounts";

/// What is typed in of an account.
#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    provider: String,
    #[serde(default)]
    name: String,
    organization: Option<String>,
    profile: Option<String>,
    role: Option<String>,
    external_id: Option<String>,
    contact: Option<String>,
    secret: Option<String>,
    variables: Option<String>,
}

impl Typed {
    /// What the provider asks for beside, a space between two.
    fn variables(&self) -> Result<BTreeMap<String, String>, Error> {
        let words = self.variables.as_deref().unwrap_or_default().split_whitespace();
        let settings = words.map(|word| match word.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(Error::new(format!("`{word}` is no NAME=VALUE"))
                .hint("such as host=gitlab.example.com")),
        });
        settings.collect()
    }

    fn new_account(&self) -> Result<NewAccount, Error> {
        Ok(NewAccount {
            kind: accounts::kind_of(
                &self.provider,
                self.organization.is_some(),
                self.secret.is_some(),
            )?,
            provider: self.provider.clone(),
            name: self.name.clone(),
            access: Access {
                profile: self.profile.clone(),
                credential: None,
                role: self.role.clone(),
                external_id: self.external_id.clone(),
                variables: self.variables()?,
                ..Access::default()
            },
            contact: self.contact.clone(),
            secret: self.secret.clone().map(Secret::new),
        })
    }
}

/// Where an account's page is.
fn place(account: &AccountView) -> String {
    format!("{PATH}/{}", account.id)
}

/// Shows every account.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &listed, None).await
}

/// Adds an account.
pub(super) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let added = match typed.new_account() {
        Ok(new) => accounts::add(&inventory, new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(account) => {
            let word = match account.kind.is_asked() {
                true => format!("{} was added. Nothing was asked of it yet.", account.name),
                false => format!("{} was added.", account.name),
            };
            Ok(visit.done(&format!("{PATH}/{}", account.id), &word))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = show(&visit, &inventory, &Listed::default(), Some((&typed, &wrong))).await?;
            Ok(wrong.on(page))
        }
    }
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    listed: &Listed,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    let mut all = accounts::list(inventory).await?;
    let is_empty = all.iter().all(|one| one.kind == AccountKind::Own);
    all.retain(|one| {
        let [id, alias] =
            [&one.account, &one.alias].map(|text| text.as_deref().unwrap_or_default());
        listed.finds(&[&one.name, &one.provider, id, alias])
    });
    let number = all.len() as u64;
    let (shown, next) = listed.page(all, |one| one.name.clone())?;
    let content = html! {
        h1 { "Accounts" }
        p.dim { "Where keys are held. What is asked for its keys is looked at by the server by itself." }
        @if is_empty {
            p.note { "No account is known yet. Add one, and its keys are here after the first look." }
        }
        @if visit.may(Scope::AccountsWrite) { (add_form(visit, typed)) }
        (listed.search(PATH, "Name, provider or id"))
        @if shown.is_empty() {
            p { "No account like this." }
        } @else {
            table.cards {
                caption { (count(number, "account")) }
                thead { tr {
                    th scope="col" { "Account" } th scope="col" { "Provider" }
                    th scope="col" { "Reached by" } th scope="col" { "Last look" }
                    th.number scope="col" { "Keys" } th.number scope="col" { "Due" }
                } }
                tbody { @for one in &shown { (row(one, inventory)) } }
            }
        }
        (listed.more(PATH, next.as_deref()))
    };
    Ok(layout::page(visit, PATH, "Accounts", &content))
}

fn row(account: &AccountView, inventory: &Inventory) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.key href=(place(account)) { (account.name) }
                @if let Some(id) = &account.account {
                    br; small { (id) @if let Some(alias) = &account.alias { " · " (alias) } }
                }
            }
            td data-label="Provider" { (account.provider) }
            td data-label="Reached by" { (reached(account)) }
            td data-label="Last look" { (last_look(account, inventory)) }
            td.number data-label="Keys" { a href=(keys(account, false)) { (account.keys) } }
            td.number data-label="Due" {
                @if account.due == 0 { "0" } @else { a href=(keys(account, true)) { (account.due) } }
            }
        }
    }
}

/// Where the keys of an account are listed.
fn keys(account: &AccountView, is_due: bool) -> String {
    let due = if is_due { "true" } else { "" };
    with_query("/keys", &[("account", &account.name), ("due", due)], None)
}

/// How an account is reached, in words; never a secret.
fn reached(account: &AccountView) -> String {
    let access = &account.access;
    match account.kind {
        AccountKind::Own => return "this installation’s own: its keys are tokens".to_owned(),
        AccountKind::Customer => return "nobody: its keys are issued here".to_owned(),
        AccountKind::Manual => return "nobody: its keys are told by hand".to_owned(),
        AccountKind::Live | AccountKind::Organization => {}
    }
    if let Some(organization) = &account.organization {
        return format!("its organization {organization}");
    }
    let mut words = match (&access.profile, &access.credential, access.secret_kept) {
        (Some(profile), ..) => format!("the profile {profile}"),
        (_, Some(place), _) => format!("the credential at {place}"),
        (.., true) => "an access key, kept sealed".to_owned(),
        _ => "what AWS’s own tools would use on the server".to_owned(),
    };
    if let Some(role) = &access.role {
        words.push_str(&format!(", then the role {role}"));
    }
    words
}

fn last_look(account: &AccountView, inventory: &Inventory) -> Markup {
    let is_asked = account.kind.is_asked();
    html! {
        @match &account.last_sync {
            Some(look) => {
                (moment(look.started_at, inventory.now)) ": " (outcome(look))
            }
            None if is_asked => "not yet",
            None => "–",
        }
    }
}

fn outcome(look: &LastSyncView) -> Markup {
    html! {
        @match &look.error {
            Some(error) => { b.critical { "failed" } small { (error) } }
            None => {
                "seen" @if !look.warnings.is_empty() {
                    small { (look.warnings.len()) @if look.warnings.len() == 1 { " warning" } @else { " warnings" } }
                }
            }
        }
    }
}

fn add_form(visit: &Visit, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let was = |field: fn(&Typed) -> Option<&str>| typed.and_then(field);
    let line = |name, label| Field::new("add", name, label);
    let provider = typed.map_or("aws", |typed| typed.provider.as_str());
    let is_organization = typed.is_some_and(|typed| typed.organization.is_some());
    let lines = html! {
        (line("provider", "Provider").value(Some(provider)).required()
            .about("aws is asked for its keys, and so is each of the known providers with a credential. Of any other you tell the keys by hand."))
        (line("name", "Name").value(was(|typed| Some(&typed.name))).required()
            .about("What to call it here: letters, digits, and - _ . @"))
        (line("contact", "Contact").kind("email").value(was(|typed| typed.contact.as_deref()))
            .about("A mail address that hears of its keys without an owner."))
        (line("secret", "Credential").secret()
            .about("Of AWS an access key: its id, a space and its secret. It is kept sealed, and nobody gets it back."))
        (line("variables", "What else the provider asks for").value(was(|typed| typed.variables.as_deref()))
            .about("Such as host=gitlab.example.com; a space between two"))
        fieldset {
            legend { "How else AWS is reached" }
            small { "Profiles are those of the server’s machine. With nothing here it uses what AWS’s own tools \
                     would use there." }
            div.stack {
                (line("profile", "Profile").value(was(|typed| typed.profile.as_deref())))
                (line("role", "Role to assume").value(was(|typed| typed.role.as_deref()))
                    .about("By its ARN; of an organization the name that it has in each member."))
                (line("external_id", "External id").value(was(|typed| typed.external_id.as_deref()))
                    .about("If the role’s owner asks for one."))
                label.box {
                    input type="checkbox" name="organization" value="yes" checked[is_organization];
                    "It speaks for an organization: its members are watched too"
                }
            }
        }
    };
    folded(visit, "Add an account", "Add", PATH, wrong, &lines)
}
