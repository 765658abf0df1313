//! Lists the keys of every user as they are now, for those that are newer than the credential
//! report, or where the report is denied.

use std::borrow::Cow;

use keytender_core::key::{Key, LastUse, Principal, PrincipalKind, mark_second_active};
use keytender_core::report::{Row, aws};
use keytender_core::time::Time;

use super::Account;
use crate::app::warnings::Warnings;
use crate::connect::aws::{Failure, Iam, ListedKey, User, word};

/// A user's key, whose last use is still to be asked for.
struct Found {
    user: usize,
    listed: ListedKey,
}

impl Account<'_> {
    /// The rows of the account as they are now. `reported` are those of the credential report, from
    /// which passwords, second factors and root are taken.
    ///
    /// A denied listing of users leaves the keys of whoever asks; a denied last use is unknown.
    pub(super) async fn list_all(
        &self,
        iam: &Iam,
        reported: Vec<Row<'static>>,
        warnings: &mut Warnings,
    ) -> Result<Vec<Row<'static>>, Failure> {
        self.say("listing the users");
        let users = match iam.list_users().await {
            Err(failure) if failure.is_denied() => {
                return self.without_users(iam, reported, &failure, warnings).await;
            }
            users => users?,
        };
        let names: Vec<(usize, String)> =
            users.iter().enumerate().map(|(place, user)| (place, user.name.clone())).collect();
        let listed = self
            .each("listing keys", names, |(user, name)| async move {
                (user, iam.list_keys(Some(&name)).await)
            })
            .await;
        let mut found = Vec::new();
        let mut denied = Failures::default();
        for (user, keys) in listed {
            match keys {
                Ok(keys) => found.extend(keys.into_iter().map(|listed| Found { user, listed })),
                Err(failure) => denied.add(failure)?,
            }
        }
        denied.note("their keys are not seen", warnings);
        let keys = self.last_uses(iam, found, warnings).await?;
        Ok(rows(users, keys, reported, self.options.now))
    }

    /// What is left where users cannot be listed: the report, or else the keys of whoever asks.
    async fn without_users(
        &self,
        iam: &Iam,
        reported: Vec<Row<'static>>,
        failure: &Failure,
        warnings: &mut Warnings,
    ) -> Result<Vec<Row<'static>>, Failure> {
        if !reported.is_empty() {
            warnings.note(format!("{failure}: the keys are those of the credential report"));
            return Ok(reported);
        }
        warnings.note(format!("{failure}: only the keys of these credentials' own user are seen"));
        let own = iam.list_keys(None).await?;
        let found = own.into_iter().map(|listed| Found { user: 0, listed }).collect();
        let mut keys =
            self.last_uses(iam, found, warnings).await?.into_iter().map(|(found, last_use)| {
                let principal = found.listed.user.clone().map(Cow::Owned);
                let key = key(found.listed, last_use);
                Key {
                    principal_kind: principal.as_ref().map(|_| PrincipalKind::User),
                    principal,
                    ..key
                }
            });
        let mut row = Row { principal: None, keys: [keys.next(), keys.next()] };
        mark_second_active(&mut row.keys);
        Ok(vec![row])
    }

    /// Asks when each key was last used.
    async fn last_uses(
        &self,
        iam: &Iam,
        found: Vec<Found>,
        warnings: &mut Warnings,
    ) -> Result<Vec<(Found, Option<LastUse<'static>>)>, Failure> {
        let asked = self
            .each("asking for last uses", found, |found| async move {
                let last_use = iam.last_use(&found.listed.id).await;
                (found, last_use)
            })
            .await;
        let mut denied = Failures::default();
        let mut keys = Vec::with_capacity(asked.len());
        for (found, last_use) in asked {
            let last_use = match last_use {
                Ok(last_use) => {
                    Some(last_use.unwrap_or_else(|| never(&found.listed, self.options.now)))
                }
                Err(failure) => {
                    denied.add(failure)?;
                    None
                }
            };
            keys.push((found, last_use));
        }
        denied.note("their last use is unknown", warnings);
        Ok(keys)
    }
}

/// Calls that failed one by one, where the rest still says something.
#[derive(Default)]
struct Failures {
    count: usize,
    first: Option<Failure>,
}

impl Failures {
    /// Keeps a missing permission or a vanished thing; gives back anything else.
    fn add(&mut self, failure: Failure) -> Result<(), Failure> {
        use crate::connect::aws::Reason;
        match failure.reason {
            // Deleted while the listing was under way.
            Reason::NotFound => Ok(()),
            Reason::Denied => {
                self.count += 1;
                self.first.get_or_insert(failure);
                Ok(())
            }
            _ => Err(failure),
        }
    }

    fn note(self, what: &str, warnings: &mut Warnings) {
        if let Some(failure) = self.first {
            warnings.note(format!("{failure} ({} times): {what}", self.count));
        }
    }
}

fn never(listed: &ListedKey, now: Time) -> LastUse<'static> {
    let since = listed.created_at.unwrap_or(now).max(aws::KEY_USE_RECORDED_SINCE);
    LastUse::Never { since }
}

/// Puts users and keys together as rows, in the order of the report's: root, then users.
fn rows(
    users: Vec<User>,
    keys: Vec<(Found, Option<LastUse<'static>>)>,
    reported: Vec<Row<'static>>,
    now: Time,
) -> Vec<Row<'static>> {
    let mut known: std::collections::HashMap<String, Row<'static>> = reported
        .into_iter()
        .filter_map(|row| Some((row.principal.as_ref()?.name.to_string(), row)))
        .collect();
    let root = known.remove(aws::ROOT);
    let mut listed: Vec<Vec<Key<'static>>> = users.iter().map(|_| Vec::new()).collect();
    for (found, last_use) in keys {
        if let Some(keys) = listed.get_mut(found.user) {
            keys.push(key(found.listed, last_use));
        }
    }
    let users = users.into_iter().zip(listed).map(|(user, keys)| {
        let reported = known.remove(&user.name);
        user_row(user, keys, reported, now)
    });
    root.into_iter().chain(users).collect()
}

fn user_row(
    user: User,
    keys: Vec<Key<'static>>,
    reported: Option<Row<'static>>,
    now: Time,
) -> Row<'static> {
    let arn: Cow<'static, str> = Cow::Owned(user.arn.clone());
    let mut row = match reported {
        Some(row) => row,
        None => Row { principal: principal(user, now), keys: [None, None] },
    };
    let mut keys = keys.into_iter().map(|key| {
        let is_same = |reported: &&Key<'_>| reported.created_at == key.created_at;
        Key {
            account: row.principal.as_ref().map(|principal| principal.account.clone()),
            principal: row.principal.as_ref().map(|principal| principal.name.clone()),
            principal_kind: Some(PrincipalKind::User),
            principal_ref: Some(arn.clone()),
            slot: row.keys().find(is_same).and_then(|reported| reported.slot),
            ..key
        }
    });
    let mut keys = [keys.next(), keys.next()];
    mark_second_active(&mut keys);
    row.keys = keys;
    row
}

fn principal(user: User, now: Time) -> Option<Principal<'static>> {
    let account = user.arn.split(':').nth(4)?.to_owned();
    let password = user.password_last_used.map(|at| LastUse::at(at.min(now)));
    let why = "the listing does not say whether there is a password";
    Some(Principal {
        provider: Cow::Borrowed("aws"),
        account: Cow::Owned(account),
        name: Cow::Owned(user.name),
        kind: PrincipalKind::User,
        has_password: password.as_ref().map(|_| true),
        password_last_used: Some(password.unwrap_or(LastUse::unknown(why))),
        mfa: None,
    })
}

/// What the listing tells of a key.
fn key(listed: ListedKey, last_use: Option<LastUse<'static>>) -> Key<'static> {
    Key {
        id: Some(Cow::Owned(listed.id)),
        state: listed.state,
        provider_state: Some(Cow::Borrowed(word(listed.state))),
        created_at: listed.created_at,
        last_used: last_use.unwrap_or(LastUse::unknown("iam:GetAccessKeyLastUsed is denied")),
        ..Key::new("aws")
    }
}
