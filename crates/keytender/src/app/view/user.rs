//! Users, in JSON.

use keytender_core::access::Role;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::sign_ins::SignIns;
use crate::store::users::User;

/// Who may use the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The id.
    #[schema(example = "usr_0dj2c8xk3v9q4")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The mail address to which notices about their tokens go.
    pub address: Option<String>,
    /// Whose keys they see, if their role is `owner`.
    pub owner: Option<String>,
    /// Since when none of their tokens works.
    pub suspended_at: Option<Time>,
    /// Since when they are known.
    pub created_at: Time,
    /// Whether they can sign in to the console with a password.
    #[serde(default)]
    pub has_password: bool,
    /// When that password was last used; absent if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_last_used_at: Option<Time>,
    /// Whether they have codes or a passkey beside it.
    #[serde(default)]
    pub has_second_factor: bool,
    /// When they last signed in to the console; absent if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<Time>,
}

impl UserView {
    /// The view of a user whose owner has this name, and who signs in so.
    pub fn of(user: &User, owner: Option<String>, signs_in: Option<&SignIns>) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            role: user.role,
            address: user.address.clone(),
            owner,
            suspended_at: user.suspended_at,
            created_at: user.created_at,
            has_password: signs_in.is_some_and(|one| one.password_at.is_some()),
            password_last_used_at: signs_in.and_then(|one| one.password_used_at),
            has_second_factor: signs_in.is_some_and(|one| one.has_second_factor),
            last_sign_in_at: signs_in.and_then(|one| one.last_at),
        }
    }
}

/// A page of users.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// The users, by name.
    pub users: Vec<UserView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A link that signs its user in to the console, once. It is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewLinkView {
    /// The link.
    #[schema(example = "https://keys.example.com/enter/…")]
    pub url: String,
    /// When it stops working, if nobody has used it before.
    pub ends_at: Time,
}
