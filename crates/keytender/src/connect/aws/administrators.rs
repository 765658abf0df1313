//! Who may do everything in an account: the users to whom AWS's policy AdministratorAccess applies, by
//! themselves or by a group. That policies of the account's own may allow as much is not looked at.

use std::collections::BTreeSet;

use super::{Failure, Iam, MAX_PAGES, PAGE_SIZE, Reason, patiently};

/// The permission to ask for what a policy is attached to.
pub const LIST_ENTITIES: &str = "iam:ListEntitiesForPolicy";
/// The permission to ask who is in a group.
pub const GET_GROUP: &str = "iam:GetGroup";
/// The path and name of AWS's policy, the same in each partition.
const POLICY: &str = "policy/AdministratorAccess";

/// What AWS's policy AdministratorAccess is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Users, by name.
    pub users: BTreeSet<String>,
    /// Groups, by name.
    pub groups: BTreeSet<String>,
}

impl Iam {
    /// What AWS's policy AdministratorAccess is attached to; `partition` is the second part of the
    /// account's ARNs.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read.
    pub async fn administrators(&self, partition: &str) -> Result<Attached, Failure> {
        let arn = format!("arn:{partition}:iam::aws:{POLICY}");
        let mut attached = Attached::default();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_entities_for_policy().policy_arn(&arn);
            let request = request.max_items(PAGE_SIZE).set_marker(marker);
            let page = patiently(LIST_ENTITIES, || request.clone().send()).await?;
            let users = page.policy_users().iter().filter_map(|one| one.user_name());
            attached.users.extend(users.map(str::to_owned));
            let groups = page.policy_groups().iter().filter_map(|one| one.group_name());
            attached.groups.extend(groups.map(str::to_owned));
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(attached);
            }
        }
        Err(Failure::new(LIST_ENTITIES, Reason::EndlessList))
    }

    /// The names of the users in a group.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read.
    pub async fn group_members(&self, group: &str) -> Result<BTreeSet<String>, Failure> {
        let mut members = BTreeSet::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.get_group().group_name(group);
            let request = request.max_items(PAGE_SIZE).set_marker(marker);
            let page = patiently(GET_GROUP, || request.clone().send()).await?;
            members.extend(page.users().iter().map(|user| user.user_name().to_owned()));
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(members);
            }
        }
        Err(Failure::new(GET_GROUP, Reason::EndlessList))
    }
}
