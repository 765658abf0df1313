//! Users: who may use this installation, and adding one.

use axum::response::Response;
use keytender_core::access::Role;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Choice, Field, Wrong, folded};
use super::layout;
use super::listed::Listed;
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::owners;
use crate::app::users::{self, UserFacts};
use crate::app::view::UserView;
use crate::http::extract::Query;
use crate::http::problem::Refusal;
use keytender_core::access::Scope;

pub(super) mod one;
pub(super) mod tokens;

const PATH: &str = "/users";

/// Each role, and what it may do.
const ROLES: [(Role, &str); 4] = [
    (Role::Administrator, "administrator: everything"),
    (Role::Operator, "operator: tends keys; not users, policy and channels"),
    (Role::Auditor, "auditor: reads everything, changes nothing"),
    (Role::Owner, "owner: their own keys"),
];

/// What is typed in of a user.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    role: Role,
    address: Option<String>,
    owner: Option<String>,
}

impl Typed {
    fn facts(&self, is_suspended: bool) -> UserFacts {
        UserFacts {
            role: self.role,
            address: self.address.clone(),
            owner: self.owner.clone(),
            is_suspended,
        }
    }
}

/// Where a user's page is.
fn place(user: &UserView) -> String {
    format!("{PATH}/{}", user.id)
}

/// Shows who there is.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &listed, None).await
}

/// Adds a user.
pub(super) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match users::add(&inventory, &typed.name, &typed.facts(false)).await {
        Ok(user) => {
            let word = format!("{} was added. A link lets them in.", user.name);
            Ok(visit.done(&format!("{PATH}/{}", user.id), &word))
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
    let mut all = users::list(inventory).await?;
    all.retain(|one| listed.finds(&[&one.name, one.address.as_deref().unwrap_or_default()]));
    let number = all.len() as u64;
    let (shown, next) = listed.page(all, |one| one.name.clone())?;
    let content = html! {
        h1 { "Users" }
        p.dim { "Who may use this installation, in the console and by its API." }
        @if visit.may(Scope::UsersWrite) { (add_form(visit, inventory, typed).await?) }
        (listed.search(PATH, "Name or address"))
        @if shown.is_empty() {
            p { "No user of this name." }
        } @else {
            table.cards {
                caption { (count(number, "user")) }
                thead { tr {
                    th scope="col" { "User" } th scope="col" { "Role" } th scope="col" { "Sees" }
                    th scope="col" { "State" } th scope="col" { "Last sign-in" }
                    th scope="col" { "Password last used" } th scope="col" { "Second factor" }
                } }
                tbody { @for one in &shown { (row(one, inventory)) } }
            }
        }
        (listed.more(PATH, next.as_deref()))
    };
    Ok(layout::page(visit, PATH, "Users", &content))
}

fn row(user: &UserView, inventory: &Inventory) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.key href=(place(user)) { (user.name) }
                @if let Some(address) = &user.address { br; small { (address) } }
            }
            td data-label="Role" { (user.role.as_str()) }
            td data-label="Sees" { (sees(user)) }
            td data-label="State" { (state(user, inventory)) }
            td data-label="Last sign-in" { (when(user.last_sign_in_at, inventory)) }
            td data-label="Password last used" {
                @if user.has_password { (when(user.password_last_used_at, inventory)) } @else { "no password" }
            }
            td data-label="Second factor" { @if user.has_second_factor { "yes" } @else { "no" } }
        }
    }
}

fn when(at: Option<keytender_core::time::Time>, inventory: &Inventory) -> Markup {
    html! { @match at { Some(at) => (moment(at, inventory.now)), None => "never" } }
}

fn sees(user: &UserView) -> String {
    match (&user.owner, user.role) {
        (Some(owner), Role::Owner) => format!("keys of {owner}"),
        (None, Role::Owner) => "nothing".to_owned(),
        _ => "every key".to_owned(),
    }
}

fn state(user: &UserView, inventory: &Inventory) -> Markup {
    html! {
        @match user.suspended_at {
            Some(at) => { "suspended " (moment(at, inventory.now)) }
            None => "active",
        }
    }
}

async fn add_form(
    visit: &Visit,
    inventory: &Inventory,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Markup, Refusal> {
    let (typed, wrong) = typed.unzip();
    let name = typed.map(|typed| typed.name.as_str());
    let lines = html! {
        (Field::new("add", "name", "Name").value(name).required().about("Letters, digits, and - _ . @ +"))
        (lines(inventory, "add", typed).await?)
    };
    Ok(folded(visit, "Add a user", "Add", PATH, wrong, &lines))
}

/// What a form asks of a user beside the name.
async fn lines(
    inventory: &Inventory,
    form: &str,
    typed: Option<&Typed>,
) -> Result<Markup, Refusal> {
    let roles = ROLES.map(|(role, about)| (role.as_str(), about));
    let role = typed.map_or(Role::Auditor, |typed| typed.role);
    let owners = owners::list(inventory).await?.into_iter().map(|one| (one.name.clone(), one.name));
    let owners = std::iter::once((String::new(), "–".to_owned())).chain(owners);
    let owner = typed.and_then(|typed| typed.owner.as_deref());
    Ok(html! {
        (Choice::new(form, "role", "Role", roles).chosen(Some(role.as_str())))
        (Field::new(form, "address", "Mail address").kind("email")
            .value(typed.and_then(|typed| typed.address.as_deref()))
            .about("Notices about their tokens go there."))
        (Choice::new(form, "owner", "Sees the keys of", owners).chosen(owner)
            .about("For the role owner; every other sees every key."))
    })
}
