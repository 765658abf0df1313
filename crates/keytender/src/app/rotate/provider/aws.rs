//! Keys of AWS users and of root.

use futures_util::future::join_all;
use keytender_core::key::{LastUse, PrincipalKind, State};
use keytender_core::report::aws::ROOT;
use keytender_core::rotation::plan::Exactness;
use keytender_core::rotation::{Able, Fault, SeenKey, Standing, UseSeen, Way};
use keytender_core::secret::Secret;
use keytender_core::steps::root_page;
use keytender_core::time::Span;

use super::{Failed, Minted, Terms, used_at};
use crate::app::aws::{account_hint, open, open_as, open_itself};
use crate::app::rows::report_rows;
use crate::app::warnings::Warnings;
use crate::connect::aws::{Failure, Iam, ListedKey, Reason};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::keys::HeldKey;

/// How many keys a user may have (IAM quotas: access keys assigned to an IAM user).
const SLOTS: u32 = 2;
/// No call takes longer: two attempts of 30 s.
const TIMEOUT: Span = Span::from_micros(60_000_000);
/// Of uses within 15 minutes AWS records the first alone (IAM user guide, credential reports,
/// `access_key_1_last_used_date`).
const GRANULARITY: Span = Span::from_micros(15 * 60_000_000);
/// AWS names no time for `GetAccessKeyLastUsed`; what it tells of services that were last used "usually appears
/// within four hours" (IAM user guide, last accessed information), which is taken for both.
const LAG: Span = Span::from_micros(4 * 3_600_000_000);
/// A credential report is made again after four hours at the earliest (IAM API, `GenerateCredentialReport`).
const REPORT_AGE: Span = Span::from_micros(4 * 3_600_000_000);
/// IAM is eventually consistent, and AWS names no time (IAM user guide, troubleshooting: "changes that I make are
/// not always immediately visible"). Seconds are usual.
const PROPAGATION: Span = Span::from_micros(2 * 60_000_000);

/// Who the key that is replaced acts for.
#[derive(Debug)]
enum Holder {
    User(String),
    /// Root, with the place of the key in the report, and the page where root manages it.
    Root {
        slot: u8,
        page: String,
    },
}

/// The keys of a user; of root and of the user that takes its place.
#[derive(Debug)]
pub(super) struct Keys {
    iam: Iam,
    account: Account,
    holder: Holder,
    /// The user for whom the successor acts, if that is another.
    to: Option<String>,
    old: String,
}

impl Keys {
    pub(super) async fn open(
        account: &Account,
        key: &HeldKey,
        to: Option<&str>,
    ) -> Result<(Self, Terms), Error> {
        let holder = holder(account, key, to)?;
        let known = &key.record.key;
        let old = match &holder {
            Holder::Root { slot, .. } => format!("root/{slot}"),
            Holder::User(_) => {
                known.id.as_deref().ok_or_else(|| unknown("id", account, key))?.to_owned()
            }
        };
        let to = to.filter(|to| !matches!(&holder, Holder::User(user) if user == to));
        let terms = terms(&holder, to.is_some());
        let iam = open(account).await?;
        let to = to.map(str::to_owned);
        Ok((Self { iam, account: account.clone(), holder, to, old }, terms))
    }

    pub(super) fn old_id(&self) -> &str {
        &self.old
    }

    /// Whom a successor acts for.
    fn user(&self) -> Option<&str> {
        match (&self.to, &self.holder) {
            (Some(to), _) => Some(to),
            (None, Holder::User(user)) => Some(user),
            (None, Holder::Root { .. }) => None,
        }
    }

    /// Whose a key is that is disabled or deleted.
    ///
    /// # Errors
    /// Where AWS lets root alone do it.
    fn user_of(&self, id: &str) -> Result<&str, Failed> {
        match &self.holder {
            Holder::User(user) if id == self.old => Ok(user),
            Holder::Root { page, .. } if is_root(id) => Err(Failed(
                Fault::Refused,
                format!(
                    "root's keys are disabled and deleted by root alone: sign in as root at {page}"
                ),
            )),
            _ => self.user().ok_or_else(no_user),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<SeenKey>, Failed> {
        let mut seen = match &self.holder {
            Holder::User(user) => self.keys_of(user).await?,
            Holder::Root { .. } => self.root_keys().await?,
        };
        if let Some(to) = &self.to {
            seen.extend(self.keys_of(to).await?);
        }
        Ok(seen)
    }

    async fn keys_of(&self, user: &str) -> Result<Vec<SeenKey>, Failed> {
        let keys = match self.iam.list_keys(Some(user)).await {
            Ok(keys) => keys,
            // Its keys went with the user.
            Err(failure) if failure.reason == Reason::NotFound => Vec::new(),
            Err(failure) => return Err(self.failed(&failure, false)),
        };
        Ok(join_all(keys.into_iter().map(|key| self.seen(key))).await)
    }

    /// A key with its last use, which an error leaves unknown.
    async fn seen(&self, key: ListedKey) -> SeenKey {
        let last_use = match self.iam.last_use(&key.id).await {
            Ok(Some(used)) => seen_use(&used),
            Ok(None) => UseSeen::Never,
            Err(failure) => UseSeen::Unknown(failure.to_string()),
        };
        SeenKey { standing: standing(key.state), id: key.id, label: None, last_use }
    }

    /// Root's keys, of which others learn from the credential report alone: without ids, and up to four hours late.
    async fn root_keys(&self) -> Result<Vec<SeenKey>, Failed> {
        let report = self.iam.credential_report().await;
        let report = report.map_err(|failure| self.failed(&failure, false))?;
        let mut warnings = Warnings::default();
        let read = report_rows(&report.content, &mut warnings, |row, _| row)
            .map_err(|fault| Failed(Fault::Later, fault.to_string()))?;
        let is_root = |name: &str| name == ROOT;
        let mut rows = read.rows.into_iter();
        let root = rows.find(|row| row.principal.as_ref().is_some_and(|one| is_root(&one.name)));
        let root = root.ok_or_else(|| {
            let words = "the credential report of the account has no line of root";
            Failed(Fault::Refused, words.to_owned())
        })?;
        let seen = root.keys().filter_map(|key| {
            Some(SeenKey {
                id: format!("root/{}", key.slot?),
                label: None,
                standing: standing(key.state),
                last_use: seen_use(&key.last_used),
            })
        });
        Ok(seen.collect())
    }

    pub(super) async fn create(&self, _marker: &str) -> Result<Minted, Failed> {
        let user = self.user().ok_or_else(no_user)?;
        match self.iam.create_key(user).await {
            Ok(made) => Ok(Minted { id: made.id, secret: made.secret, expires_at: None }),
            Err((fault, failure)) => Err(Failed(fault, self.words(&failure))),
        }
    }

    pub(super) async fn rotate(&self) -> Result<Minted, Failed> {
        let words = "AWS does not change the secret of a key";
        Err(Failed(Fault::Refused, words.to_owned()))
    }

    pub(super) async fn is_taken(&self, id: &str, secret: &Secret) -> Result<bool, Failed> {
        let taken = open_as(&self.account, id, secret).await.taken_as().await;
        let Some(identity) = taken.map_err(|failure| self.failed(&failure, false))? else {
            return Ok(false);
        };
        let is_here = self.account.external_id.as_ref().is_none_or(|id| *id == identity.account);
        match is_here && identity.arn.rsplit('/').next() == self.user() {
            true => Ok(true),
            false => {
                Err(Failed(Fault::Refused, "AWS says that the new key is another's".to_owned()))
            }
        }
    }

    pub(super) async fn asks_by(&self, id: &str) -> Result<bool, Failed> {
        // A role that is assumed is entered with a key of somebody.
        let itself = open_itself(&self.account).await;
        let itself = itself.map_err(|error| Failed(Fault::Refused, error.explanation()))?;
        if is_root(id) {
            let identity = itself.taken_as().await;
            let identity = identity.map_err(|failure| self.failed(&failure, false))?;
            return Ok(identity.is_some_and(|one| one.arn.ends_with(":root")));
        }
        match itself.key_id().await {
            Some(own) => Ok(own == id),
            None => Err(Failed(Fault::Later, "no credentials were found".to_owned())),
        }
    }

    pub(super) async fn disable(&self, id: &str) -> Result<(), Failed> {
        match self.iam.set_key_active(self.user_of(id)?, id, false).await {
            Err(failure) if failure.reason == Reason::NotFound => Ok(()),
            done => done.map_err(|failure| self.failed(&failure, true)),
        }
    }

    pub(super) async fn enable(&self, id: &str) -> Result<(), Failed> {
        let done = self.iam.set_key_active(self.user_of(id)?, id, true).await;
        done.map_err(|failure| self.failed(&failure, true))
    }

    pub(super) async fn delete(&self, id: &str) -> Result<(), Failed> {
        let done = self.iam.delete_key(self.user_of(id)?, id).await;
        done.map_err(|failure| self.failed(&failure, true))
    }

    /// What follows from a failure of a call that may be made again.
    fn failed(&self, failure: &Failure, changes: bool) -> Failed {
        let unanswered = if changes { Fault::Lost } else { Fault::Later };
        let fault = match &failure.reason {
            Reason::Denied
            | Reason::BadCredentials { .. }
            | Reason::NotFound
            | Reason::EndlessList => Fault::Refused,
            Reason::NoCredentials | Reason::Throttled | Reason::ReportTooSlow => Fault::Later,
            Reason::Unreachable | Reason::TimedOut => unanswered,
            // Faults of the server (IAM API, "Common errors"), and answers that nobody understands.
            Reason::Other { code } => match code.as_str() {
                "InternalFailure" | "ServiceFailure" | "ServiceUnavailable" | "without a code" => {
                    unanswered
                }
                _ => Fault::Refused,
            },
        };
        Failed(fault, self.words(failure))
    }

    fn words(&self, failure: &Failure) -> String {
        match account_hint(failure, &self.account).filter(|_| !failure.is_denied()) {
            Some(hint) => format!("{failure}: {hint}"),
            None => failure.to_string(),
        }
    }
}

/// Whether an id is a place of one of root's keys.
fn is_root(id: &str) -> bool {
    id.starts_with("root/")
}

/// Who a key acts for.
fn holder(account: &Account, key: &HeldKey, to: Option<&str>) -> Result<Holder, Error> {
    let known = &key.record.key;
    if known.principal_kind != Some(PrincipalKind::Root) {
        let user = known.principal.as_deref().ok_or_else(|| unknown("user", account, key))?;
        return Ok(Holder::User(user.to_owned()));
    }
    let (id, page) = (key.record.id, root_page(known));
    if to.is_none() {
        let message = "a successor of root's key could do everything too, and calls make none";
        return Err(Error::new(message).kind(Kind::Conflict).hint(format!(
            "give its place to a user with only the permissions that are needed: keytender rotate {id} --to \
             user:NAME; or sign in as root at {page}"
        )));
    }
    let slot = known.slot.ok_or_else(|| unknown("place in the credential report", account, key))?;
    Ok(Holder::Root { slot, page })
}

fn unknown(what: &str, account: &Account, key: &HeldKey) -> Error {
    Error::new(format!("the {what} of {} is not known", key.record.id))
        .hint(format!("bring it up to date: keytender sync {}", account.name))
}

fn no_user() -> Failed {
    Failed(Fault::Refused, "there is no user for whom a key could be made".to_owned())
}

fn terms(holder: &Holder, is_to_another: bool) -> Terms {
    let lag = match holder {
        Holder::User(_) => LAG,
        Holder::Root { .. } => LAG.plus(REPORT_AGE),
    };
    let able = Able {
        list: true,
        label: false,
        disable: true,
        try_new: true,
        // The list shows keys of two then, and AWS itself says whether the other has room.
        slots: (!is_to_another).then_some(SLOTS),
        last_use: Some(Exactness { granularity: GRANULARITY, lag }),
        propagation: PROPAGATION,
    };
    Terms { way: Way::CreateThenDelete, able, timeout: TIMEOUT }
}

const fn standing(state: State) -> Standing {
    match state {
        State::Suspended => Standing::Suspended,
        _ => Standing::Active,
    }
}

fn seen_use(last_use: &LastUse<'_>) -> UseSeen {
    match last_use {
        LastUse::Used(used) => used_at(used),
        LastUse::Never { .. } => UseSeen::Never,
        LastUse::Unknown { why } => UseSeen::Unknown(why.to_string()),
    }
}
