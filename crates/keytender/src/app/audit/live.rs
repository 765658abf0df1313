//! Audits live AWS accounts: the credential report tells ages and last uses in two calls, and one
//! more for each due principal tells its keys' ids and whether the report still holds.

use std::collections::HashMap;
use std::future::Future;

use futures_util::stream::{self, StreamExt};
use indicatif::{MultiProgress, ProgressBar};
use keytender_core::key::PrincipalKind;
use keytender_core::policy::{Assessment, Policy};
use keytender_core::report::Row;
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::{Depth, Options, Seen, Source};
use crate::app::aws;
use crate::app::rows::report_rows;
use crate::app::warnings::Warnings;
use crate::connect::aws::{Credentials, Failure, Iam, ListedKey, Reason};
use crate::error::Error;

mod fresh;
mod join;

/// How many accounts are asked at the same time.
const MAX_ACCOUNTS_AT_ONCE: usize = 8;
/// What a source of this kind is called on the wire.
const KIND: &str = "aws-account";

/// Asks every live account among `sources`.
pub(super) fn observe<'s>(
    sources: &'s [Source],
    options: &Options<'_>,
) -> HashMap<&'s Source, Result<Seen, Error>> {
    let mut accounts: Vec<(&Source, Option<&str>)> = Vec::new();
    for source in sources {
        if let Source::Aws { profile } = source
            && !accounts.iter().any(|(known, _)| *known == source)
        {
            accounts.push((source, profile.as_deref()));
        }
    }
    if accounts.is_empty() {
        return HashMap::new();
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(observe_all(accounts, options)),
        Err(error) => {
            let why = error.to_string();
            let failed = |source: &Source| cannot_audit(source).source(why.clone());
            accounts.into_iter().map(|(source, _)| (source, Err(failed(source)))).collect()
        }
    }
}

async fn observe_all<'s>(
    accounts: Vec<(&'s Source, Option<&str>)>,
    options: &Options<'_>,
) -> HashMap<&'s Source, Result<Seen, Error>> {
    let progress = MultiProgress::new();
    let order: Vec<&Source> = accounts.iter().map(|(source, _)| *source).collect();
    let mut seen: HashMap<_, _> = stream::iter(accounts)
        .map(|(source, profile)| {
            let spinner = spinner(source, options, &progress);
            async move {
                let account = Account { source, options, spinner: spinner.clone(), profile };
                let seen = account.observe().await;
                spinner.finish_and_clear();
                (source, seen)
            }
        })
        .buffer_unordered(MAX_ACCOUNTS_AT_ONCE)
        .collect()
        .await;
    count_once(&order, &mut seen);
    seen
}

fn spinner(source: &Source, options: &Options<'_>, progress: &MultiProgress) -> ProgressBar {
    if !options.shows_progress {
        return ProgressBar::hidden();
    }
    let spinner = progress.add(ProgressBar::new_spinner());
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner.set_prefix(printable(&source.to_string()).into_owned());
    spinner
}

/// Two profiles may reach one account: its keys are counted once.
fn count_once<'s>(order: &[&'s Source], seen: &mut HashMap<&'s Source, Result<Seen, Error>>) {
    let mut known: HashMap<String, String> = HashMap::new();
    for source in order {
        let Some(Ok(seen)) = seen.get_mut(source) else {
            continue;
        };
        let Some(account) = account_of(&seen.rows) else {
            continue;
        };
        match known.get(&account) {
            Some(first) => {
                seen.rows.clear();
                seen.warnings
                    .note(format!("account {account} again: its keys stand under `{first}`"));
            }
            None => _ = known.insert(account, source.to_string()),
        }
    }
}

fn account_of(rows: &[Row<'_>]) -> Option<String> {
    rows.iter().find_map(|row| Some(row.principal.as_ref()?.account.to_string()))
}

fn cannot_audit(source: &Source) -> Error {
    Error::new(format!("cannot audit `{source}`"))
}

/// One account being asked.
struct Account<'a> {
    source: &'a Source,
    profile: Option<&'a str>,
    options: &'a Options<'a>,
    spinner: ProgressBar,
}

impl Account<'_> {
    async fn observe(&self) -> Result<Seen, Error> {
        self.say("waiting for the credential report");
        let iam = Iam::open(&Credentials { profile: self.profile, ..Credentials::default() }).await;
        let mut warnings = Warnings::default();
        let report = match iam.credential_report().await {
            Ok(report) => Some(report),
            Err(failure) if failure.is_denied() => {
                warnings.note(format!(
                    "{failure}: the users' keys are listed instead; root, passwords and second \
                     factors are not seen"
                ));
                None
            }
            Err(failure) => return Err(self.refuse(failure)),
        };
        let observed_at = aws::reported_at(report.as_ref(), self.options.now, &mut warnings);
        let rows = match &report {
            Some(report) => report_rows(&report.content, &mut warnings, |row, _| row)
                .map(|read| read.rows)
                .map_err(|fault| {
                    cannot_audit(self.source).source(format!("credential report, {fault}"))
                })?,
            None => Vec::new(),
        };
        let depth = self.options.depth;
        if depth == Depth::Fresh || report.is_none() {
            let rows = self.list_all(&iam, rows, &mut warnings).await;
            let rows = rows.map_err(|failure| self.refuse(failure))?;
            return Ok(Seen { kind: KIND, observed_at: Some(self.options.now), rows, warnings });
        }
        let rows = match depth {
            Depth::ReportOnly => rows,
            _ => self.identify(&iam, rows, observed_at, &mut warnings).await,
        };
        Ok(Seen { kind: KIND, observed_at, rows, warnings })
    }

    /// Learns the ids of due keys, one call for each due principal. Root's are shown only to root.
    async fn identify(
        &self,
        iam: &Iam,
        mut rows: Vec<Row<'static>>,
        generated_at: Option<Time>,
        warnings: &mut Warnings,
    ) -> Vec<Row<'static>> {
        let due: Vec<(usize, String)> = due_users(&rows, self.options.policy, self.options.as_of);
        let found = self
            .each("asking for the ids of due keys", due, |(place, user)| async move {
                (place, iam.list_keys(Some(&user)).await, user)
            })
            .await;
        let mut failed: Option<(usize, Failure)> = None;
        for (place, listed, user) in found {
            match (listed, rows.get_mut(place)) {
                (Ok(listed), Some(row)) => {
                    join::join(row, &listed, generated_at, &user, warnings);
                }
                (Err(failure), Some(row)) if failure.reason == Reason::NotFound => {
                    row.keys = [None, None];
                    let user = printable(&user);
                    warnings.note(format!("user {user} was deleted since the report was made"));
                }
                (Err(failure), _) => {
                    let count = failed.as_ref().map_or(0, |(count, _)| *count);
                    failed = Some((count + 1, failure));
                }
                (Ok(_), None) => {}
            }
        }
        if let Some((count, failure)) = failed {
            warnings.note(format!(
                "{failure}: the key ids of {count} due users stay unknown, and so does what \
                 changed since the report; everything else stands"
            ));
        }
        rows
    }

    /// Makes a call for each of `items`, a few at a time, and says how far it is.
    async fn each<T, R, F>(&self, what: &str, items: Vec<T>, call: impl Fn(T) -> F) -> Vec<R>
    where
        F: Future<Output = R>,
    {
        let total = items.len();
        aws::each(items, call, |done| self.say(&format!("{what}: {done} of {total}"))).await
    }

    fn say(&self, what: &str) {
        self.spinner.set_message(format!("{}: {what}", self.spinner.prefix()));
    }

    fn refuse(&self, failure: Failure) -> Error {
        let hint = aws::hint(&failure, self.profile);
        let refusal = cannot_audit(self.source).source(failure);
        match hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// The users with a due key: their place among the rows, and their name.
fn due_users(rows: &[Row<'_>], policy: &Policy, now: Time) -> Vec<(usize, String)> {
    let mut assessment = Assessment::default();
    let mut is_due = |row: &Row<'_>| {
        row.keys().any(|key| {
            policy.assess(key, now, &mut assessment);
            assessment.is_due()
        })
    };
    let mut due = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if let Some(principal) = &row.principal
            && principal.kind != PrincipalKind::Root
            && is_due(row)
        {
            due.push((place, principal.name.to_string()));
        }
    }
    due
}

/// The keys that a listing holds and that a row may not hold yet.
fn born_since(
    listed: &[ListedKey],
    generated_at: Option<Time>,
) -> impl Iterator<Item = &ListedKey> {
    listed.iter().filter(move |key| generated_at.is_some_and(|made| key.created_at >= Some(made)))
}
