//! Users, in JSON.

use keytender_core::access::Role;
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}

impl UserView {
    /// The view of a user whose owner has this name.
    pub fn of(user: &User, owner: Option<String>) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            role: user.role,
            address: user.address.clone(),
            owner,
            suspended_at: user.suspended_at,
            created_at: user.created_at,
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
