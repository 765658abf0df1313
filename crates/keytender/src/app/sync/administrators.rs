//! Who is an administrator of an AWS account, as far as AWS tells it: a call an account, and one for
//! each group that has AWS's policy AdministratorAccess. What is denied is unknown, never false.

use std::collections::BTreeSet;

use crate::app::warnings::Warnings;
use crate::connect::aws::{Failure, Iam, Reason, User};

/// The administrators that are known, and whether these are all.
#[derive(Default)]
pub(super) struct Administrators {
    names: BTreeSet<String>,
    is_complete: bool,
}

impl Administrators {
    /// Asks for them, in the partition that the users' ARNs name.
    pub(super) async fn ask(iam: &Iam, users: &[User], warnings: &mut Warnings) -> Self {
        let Some(partition) = users.first().and_then(|user| user.arn.split(':').nth(1)) else {
            return Self::default();
        };
        let attached = match iam.administrators(partition).await {
            Ok(attached) => attached,
            Err(failure) => {
                warn(&failure, warnings);
                return Self::default();
            }
        };
        let mut found = Self { names: attached.users, is_complete: true };
        for group in attached.groups {
            match iam.group_members(&group).await {
                Ok(mut members) => found.names.append(&mut members),
                // It went away in between.
                Err(failure) if failure.reason == Reason::NotFound => {}
                Err(failure) => {
                    found.is_complete = false;
                    warn(&failure, warnings);
                    break;
                }
            }
        }
        found
    }

    /// Whether a user is one of them; `None` if nobody can say.
    pub(super) fn has(&self, user: &str) -> Option<bool> {
        match self.names.contains(user) {
            true => Some(true),
            false => self.is_complete.then_some(false),
        }
    }
}

fn warn(failure: &Failure, warnings: &mut Warnings) {
    warnings.note(format!("{failure}: who is an administrator is not known"));
}
