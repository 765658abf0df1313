//! What an AWS account shows: its users and their keys as they are now, with passwords, second
//! factors and last uses from the credential report.
//!
//! The listing says which keys there are; the report, which may be four hours old, tells when they
//! were used, in no more calls. Only of keys that it does not tell apart AWS is asked one by one.
//! Root's keys are in the report alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use keytender_core::inventory::{Listed, Listing};
use keytender_core::key::{
    Key, LastUse, Principal, PrincipalKind, SecondActive, mark_second_active,
};
use keytender_core::owner::is_address;
use keytender_core::report::record::Record;
use keytender_core::report::{Row, aws as report};
use keytender_core::time::Time;

use super::administrators::Administrators;
use super::{Progress, Seen};
use crate::app::aws::{account_hint, each, open, reported_at};
use crate::app::rows::{cells, report_rows};
use crate::app::warnings::Warnings;
use crate::connect::aws::{Failure, Iam, ListedKey, Reason, User};
use crate::error::Error;
use crate::store::accounts::{Account, AccountKind, Learned};

/// A row of the credential report.
struct Reported {
    row: Row<'static>,
    cells: Vec<String>,
}

impl Reported {
    fn new(row: Row<'static>, record: &Record<'_>) -> Self {
        Self { row, cells: cells(record) }
    }
}

/// A user and what was asked about them.
struct Asked {
    user: User,
    keys: Vec<(ListedKey, Option<LastUse<'static>>)>,
    tags: Option<BTreeMap<String, String>>,
}

/// Asks an account for everything; the tags of the users in `tagged` are known.
pub(super) async fn observe(
    account: &Account,
    tagged: &HashSet<String>,
    now: Time,
    progress: &Progress<'_>,
) -> Result<Seen, Error> {
    let say = |what: &str| progress(&account.name, what);
    let mut warnings = Warnings::default();
    let iam = open(account).await?;
    let asker = Asker { iam: &iam, account, now };
    say("waiting for the credential report");
    let report = match asker.iam.credential_report().await {
        Ok(report) => Some(report),
        Err(failure) if failure.is_denied() => {
            warnings.note(format!("{failure}: root's keys and passwords are not seen"));
            None
        }
        Err(failure) => return Err(asker.refuse(failure)),
    };
    let made = reported_at(report.as_ref(), now, &mut warnings);
    let (header, rows) = match &report {
        Some(report) => report_rows(&report.content, &mut warnings, Reported::new)
            .map(|read| (read.columns, read.rows))
            .map_err(|fault| asker.cannot().source(format!("credential report, {fault}")))?,
        None => (Vec::new(), Vec::new()),
    };
    let mut reported: HashMap<String, Reported> = rows
        .into_iter()
        .filter_map(|one| Some((one.row.principal.as_ref()?.name.to_string(), one)))
        .collect();
    let root = reported.remove(report::ROOT);
    say("listing the users");
    let users = asker.iam.list_users().await.map_err(|failure| asker.refuse(failure))?;
    let administrators = Administrators::ask(&iam, &users, &mut warnings).await;
    let (asked, unseen) = asker.users(users, &reported, tagged, &mut warnings, &say).await?;
    let mut principals: Vec<Listed> =
        root.into_iter().filter_map(|root| listed_root(root, made.unwrap_or(now))).collect();
    for one in asked {
        let reported = reported.remove(&one.user.name);
        let is_admin = administrators.has(&one.user.name);
        principals.extend(listed_user(one, reported, is_admin, now));
    }
    let learned = Learned {
        external_id: principals.first().map(|one| one.principal.account.to_string()),
        alias: asker.alias(&mut warnings).await,
        security_contact: asker.security_contact(&mut warnings).await,
        report_header: (!header.is_empty()).then_some(header),
    };
    Ok(Seen {
        listing: Listing { observed_at: now, principals, unseen },
        reported_at: made.or_else(|| report.map(|_| now)),
        learned,
        warnings: warnings.into_lines(),
    })
}

/// An account being asked.
struct Asker<'a> {
    iam: &'a Iam,
    account: &'a Account,
    now: Time,
}

impl Asker<'_> {
    /// Lists the keys of every user, and asks for what the report does not tell. A user whose keys
    /// cannot be listed is named as unseen.
    async fn users(
        &self,
        users: Vec<User>,
        reported: &HashMap<String, Reported>,
        tagged: &HashSet<String>,
        warnings: &mut Warnings,
        say: &(dyn Fn(&str) + Sync + '_),
    ) -> Result<(Vec<Asked>, BTreeSet<String>), Error> {
        let total = users.len();
        let done = |done: usize| say(&format!("listing keys: {done} of {total} users"));
        let answers = each(
            users,
            |user| async {
                let answer = self.user(&user, reported.get(&user.name), tagged).await;
                (user, answer)
            },
            done,
        )
        .await;
        let mut seen = Vec::new();
        let mut unseen = BTreeSet::new();
        let mut first: Option<Failure> = None;
        let mut untold = Untold::default();
        for (user, answer) in answers {
            match answer {
                Ok(answer) => {
                    untold.add(&answer);
                    seen.push(Asked { user, keys: answer.keys, tags: answer.tags });
                }
                // Deleted while the listing was under way.
                Err(failure) if failure.reason == Reason::NotFound => {}
                Err(failure) => {
                    unseen.insert(user.name);
                    first.get_or_insert(failure);
                }
            }
        }
        if let Some(failure) = first {
            if seen.is_empty() {
                return Err(self.refuse(failure));
            }
            let count = unseen.len();
            warnings.note(format!("{failure}: the keys of {count} of {total} users were not seen"));
        }
        untold.note(warnings);
        seen.sort_by(|one, other| one.user.name.cmp(&other.user.name));
        Ok((seen, unseen))
    }

    /// The keys of a user, their last uses and the user's tags.
    async fn user(
        &self,
        user: &User,
        reported: Option<&Reported>,
        tagged: &HashSet<String>,
    ) -> Result<Answer, Failure> {
        let listed = self.iam.list_keys(Some(&user.name)).await?;
        let mut answer = Answer::default();
        let born: Vec<Option<Time>> = listed.iter().map(|key| key.created_at).collect();
        for key in listed {
            let twins = born.iter().filter(|made| **made == key.created_at).count();
            let told = reported
                .filter(|_| twins == 1)
                .and_then(|one| reported_use(&one.row, key.created_at));
            let last_use = match told {
                Some(last_use) => Some(last_use),
                None => match self.iam.last_use(&key.id).await {
                    Ok(last_use) => Some(last_use.unwrap_or_else(|| never(&key, self.now))),
                    Err(failure) => {
                        answer.untold_uses += 1;
                        answer.failure.get_or_insert(failure);
                        None
                    }
                },
            };
            answer.keys.push((key, last_use));
        }
        if !answer.keys.is_empty() && !tagged.contains(&user.name) {
            match self.iam.user_tags(&user.name).await {
                Ok(tags) => answer.tags = Some(tags),
                Err(failure) => answer.tag_failure = Some(failure),
            }
        }
        Ok(answer)
    }

    async fn alias(&self, warnings: &mut Warnings) -> Option<String> {
        self.iam.alias().await.unwrap_or_else(|failure| {
            warnings.note(format!("{failure}: the account's alias is not known"));
            None
        })
    }

    /// Whom AWS writes to about the security of an organization's account; the outer `None` if
    /// that is not known.
    async fn security_contact(&self, warnings: &mut Warnings) -> Option<Option<String>> {
        let account = self.account;
        if account.parent_id.is_none() && account.kind != AccountKind::Organization {
            return None;
        }
        match self.iam.security_contact().await {
            Ok(contact) => Some(contact.filter(|address| is_address(address))),
            Err(failure) => {
                warnings.note(format!("{failure}: the security contact is not known"));
                None
            }
        }
    }

    fn cannot(&self) -> Error {
        Error::new(format!("cannot sync `{}`", self.account.name))
    }

    fn refuse(&self, failure: Failure) -> Error {
        let hint = match failure.is_denied() {
            true => Some(
                "a sync needs iam:ListUsers and iam:ListAccessKeys, and is better with \
                 iam:GenerateCredentialReport, iam:GetCredentialReport, iam:GetAccessKeyLastUsed, \
                 iam:ListUserTags, iam:ListEntitiesForPolicy and iam:GetGroup (all in AWS's managed policy SecurityAudit)"
                    .to_owned(),
            ),
            false => account_hint(&failure, self.account),
        };
        let refusal = self.cannot().source(failure);
        match hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// What was learned of a user.
#[derive(Default)]
struct Answer {
    keys: Vec<(ListedKey, Option<LastUse<'static>>)>,
    tags: Option<BTreeMap<String, String>>,
    untold_uses: u64,
    failure: Option<Failure>,
    tag_failure: Option<Failure>,
}

/// What AWS would not tell, added up.
#[derive(Default)]
struct Untold {
    uses: u64,
    first: Option<Failure>,
    tags: u64,
    first_tags: Option<Failure>,
}

impl Untold {
    fn add(&mut self, answer: &Answer) {
        self.uses += answer.untold_uses;
        self.first = self.first.take().or_else(|| answer.failure.clone());
        self.tags += u64::from(answer.tag_failure.is_some());
        self.first_tags = self.first_tags.take().or_else(|| answer.tag_failure.clone());
    }

    fn note(self, warnings: &mut Warnings) {
        if let Some(failure) = self.first {
            warnings.note(format!("{failure}: the last use of {} keys is unknown", self.uses));
        }
        if let Some(failure) = self.first_tags {
            warnings.note(format!("{failure}: the tags of {} users were not read", self.tags));
        }
    }
}

/// What the report says of the key that was made at this moment, if it is the only one.
fn reported_use(row: &Row<'static>, created_at: Option<Time>) -> Option<LastUse<'static>> {
    let mut same = row.keys().filter(|key| key.created_at == created_at && created_at.is_some());
    match (same.next(), same.next()) {
        (Some(key), None) => Some(key.last_used.clone()),
        _ => None,
    }
}

fn never(key: &ListedKey, now: Time) -> LastUse<'static> {
    let since = key.created_at.unwrap_or(now).max(report::KEY_USE_RECORDED_SINCE);
    LastUse::Never { since }
}

fn listed_root(root: Reported, observed_at: Time) -> Option<Listed> {
    let reference = root.cells.get(1).cloned();
    Some(Listed {
        keys: root.row.keys().cloned().collect(),
        principal: root.row.principal?,
        reference,
        tags: None,
        is_admin: Some(true),
        cells: Some(root.cells),
        observed_at,
    })
}

fn listed_user(
    asked: Asked,
    reported: Option<Reported>,
    is_admin: Option<bool>,
    now: Time,
) -> Option<Listed> {
    let (row, cells) = match reported {
        Some(one) => (Some(one.row), Some(one.cells)),
        None => (None, None),
    };
    let slot = |made: Option<Time>| {
        let mut same = row.iter().flat_map(Row::keys).filter(|key| key.created_at == made);
        same.next().and_then(|key| key.slot)
    };
    let slots: Vec<Option<u8>> = asked.keys.iter().map(|(key, _)| slot(key.created_at)).collect();
    let principal = match row.and_then(|row| row.principal) {
        Some(principal) => principal,
        None => principal_of(&asked.user)?,
    };
    let mut keys: Vec<Key<'static>> = asked
        .keys
        .into_iter()
        .zip(slots)
        .map(|((listed, last_use), slot)| Key {
            account: Some(principal.account.clone()),
            principal: Some(principal.name.clone()),
            principal_kind: Some(principal.kind),
            principal_ref: Some(Cow::Owned(asked.user.arn.clone())),
            id: Some(Cow::Owned(listed.id)),
            slot,
            state: listed.state,
            provider_state: Some(Cow::Borrowed(crate::connect::aws::word(listed.state))),
            created_at: listed.created_at,
            last_used: last_use.unwrap_or(LastUse::unknown("AWS did not tell when it was asked")),
            tags: asked.tags.clone(),
            ..Key::new("aws")
        })
        .collect();
    mark(&mut keys);
    Some(Listed {
        principal,
        reference: Some(asked.user.arn),
        tags: asked.tags,
        is_admin,
        cells,
        observed_at: now,
        keys,
    })
}

/// Tells the keys of a user how they stand to each other; AWS allows two.
fn mark(keys: &mut Vec<Key<'static>>) {
    let mut rest = keys.split_off(keys.len().min(2));
    let mut both = keys.drain(..);
    let mut pair = [both.next(), both.next()];
    drop(both);
    mark_second_active(&mut pair);
    keys.extend(pair.into_iter().flatten());
    rest.iter_mut().for_each(|key| key.second_active = SecondActive::Unknown);
    keys.append(&mut rest);
}

/// A user that the report does not know yet, as the listing shows it.
fn principal_of(user: &User) -> Option<Principal<'static>> {
    let account = user.arn.split(':').nth(4)?.to_owned();
    let password = user.password_last_used.map(LastUse::at);
    let why = "the listing does not say whether there is a password";
    Some(Principal {
        provider: Cow::Borrowed("aws"),
        account: Cow::Owned(account),
        name: Cow::Owned(user.name.clone()),
        kind: PrincipalKind::User,
        has_password: password.as_ref().map(|_| true),
        password_last_used: Some(password.unwrap_or(LastUse::unknown(why))),
        mfa: None,
    })
}
