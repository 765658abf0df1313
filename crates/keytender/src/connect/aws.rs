//! The IAM service of one AWS account, by the official SDK; and of its organization the members.
//!
//! Each method is one operation of a service in the domain's words; those that change something
//! are in `acts`. AWS's own messages are never logged or repeated.

use std::borrow::Cow;
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{AccessKeyMetadata, ReportStateType, StatusType};
use keytender_core::key::{LastUse, State, Use};
use keytender_core::time::Time;

use crate::net::aws::{SdkConfig, settings};

pub use crate::net::aws::Credentials;
pub use failure::{ASSUME_ROLE, Failure, Reason};

mod account;
mod acts;
mod administrators;
mod failure;
mod making;
mod organization;

pub use account::Identity;
pub use administrators::{GET_GROUP, LIST_ENTITIES};
pub use making::MadeKey;
pub use organization::Member;

/// How long a credential report may take to be made, before it is given up.
const REPORT_TIMEOUT: Duration = Duration::from_secs(300);
/// The first pause before asking again whether the report is there; each further one is twice as
/// long. A small account's report is there at once.
const FIRST_POLL: Duration = Duration::from_millis(50);
/// The longest such pause.
const LONGEST_POLL: Duration = Duration::from_secs(5);
/// How long a call is repeated while AWS throttles it.
const THROTTLE_TIMEOUT: Duration = Duration::from_secs(120);
/// The first pause after a throttled call; each further one is twice as long.
const FIRST_THROTTLE_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_THROTTLE_PAUSE: Duration = Duration::from_secs(20);
/// How many users or keys one answer may hold: the most that IAM allows.
const PAGE_SIZE: i32 = 1_000;
/// How many pages of users are read: IAM allows 5,000 users by default, and raises it on request.
const MAX_PAGES: usize = 1_000;

/// The IAM service as one set of credentials sees it.
#[derive(Clone, Debug)]
pub struct Iam {
    client: Client,
    sts: aws_sdk_sts::Client,
    settings: SdkConfig,
}

/// A credential report as AWS gives it.
#[derive(Debug)]
pub struct CredentialReport {
    /// The CSV text.
    pub content: Vec<u8>,
    /// When AWS made it: up to 4 hours ago.
    pub generated_at: Option<Time>,
}

/// A user as the listing shows it.
#[derive(Clone, Debug)]
pub struct User {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// When the password was last used, if the listing says so.
    pub password_last_used: Option<Time>,
}

/// A key as the listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its public id.
    pub id: String,
    /// Whether it works.
    pub state: State,
    /// When it was made.
    pub created_at: Option<Time>,
    /// Whose it is; `None` for root's.
    pub user: Option<String>,
}

impl Iam {
    /// The service as these credentials reach it. Nothing is called yet, unless a role is to be
    /// assumed at the first call.
    pub async fn open(credentials: &Credentials<'_>) -> Self {
        let settings = settings(credentials).await;
        let (client, sts) = (Client::new(&settings), aws_sdk_sts::Client::new(&settings));
        Self { client, sts, settings }
    }

    /// Has the credential report made, waits for it and reads it. Where only making it is denied,
    /// one that somebody else had made within AWS's four hours is read.
    ///
    /// # Errors
    /// [`Failure`], also if the report is not there within five minutes.
    pub async fn credential_report(&self) -> Result<CredentialReport, Failure> {
        let made = tokio::time::timeout(REPORT_TIMEOUT, self.make_report()).await;
        let slow = Failure::new("iam:GenerateCredentialReport", Reason::ReportTooSlow);
        match made.map_err(|_| slow)? {
            Ok(()) => self.read_report().await,
            Err(failure) if failure.is_denied() => self.read_report().await.map_err(|_| failure),
            Err(failure) => Err(failure),
        }
    }

    async fn make_report(&self) -> Result<(), Failure> {
        let mut pause = FIRST_POLL;
        loop {
            let answer = patiently("iam:GenerateCredentialReport", || {
                self.client.generate_credential_report().send()
            })
            .await?;
            if answer.state() == Some(&ReportStateType::Complete) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
    }

    async fn read_report(&self) -> Result<CredentialReport, Failure> {
        let answer =
            patiently("iam:GetCredentialReport", || self.client.get_credential_report().send())
                .await?;
        let generated_at = answer.generated_time().and_then(time);
        let content = answer.content.map(aws_sdk_iam::primitives::Blob::into_inner);
        Ok(CredentialReport { content: content.unwrap_or_default(), generated_at })
    }

    /// Every user of the account.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read: half a list is none.
    pub async fn list_users(&self) -> Result<Vec<User>, Failure> {
        const PERMISSION: &str = "iam:ListUsers";
        let mut users = Vec::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_users().max_items(PAGE_SIZE).set_marker(marker);
            let page = patiently(PERMISSION, || request.clone().send()).await?;
            users.extend(page.users().iter().map(|user| User {
                name: user.user_name().to_owned(),
                arn: user.arn().to_owned(),
                password_last_used: user.password_last_used().and_then(time),
            }));
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(users);
            }
        }
        Err(Failure::new(PERMISSION, Reason::EndlessList))
    }

    /// The keys of `user`, or of whoever asks.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read.
    pub async fn list_keys(&self, user: Option<&str>) -> Result<Vec<ListedKey>, Failure> {
        const PERMISSION: &str = "iam:ListAccessKeys";
        let mut keys = Vec::new();
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let request = self.client.list_access_keys().set_marker(marker);
            let request = request.set_user_name(user.map(str::to_owned));
            let page = patiently(PERMISSION, || request.clone().send()).await?;
            keys.extend(page.access_key_metadata().iter().filter_map(listed_key));
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(keys);
            }
        }
        Err(Failure::new(PERMISSION, Reason::EndlessList))
    }

    /// When and where the key `id` was last used.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not say.
    pub async fn last_use(&self, id: &str) -> Result<Option<LastUse<'static>>, Failure> {
        let request = self.client.get_access_key_last_used().access_key_id(id);
        let answer = patiently("iam:GetAccessKeyLastUsed", || request.clone().send()).await?;
        Ok(answer.access_key_last_used().and_then(|used| {
            Some(LastUse::Used(Use {
                at: time(used.last_used_date()?)?,
                region: place(used.region()),
                service: place(used.service_name()),
            }))
        }))
    }
}

/// Makes a call, again after a pause while AWS throttles it. The SDK's own attempts, which end
/// after seconds, come first.
async fn patiently<T, E, R, F>(permission: &'static str, call: impl Fn() -> F) -> Result<T, Failure>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, R>>>,
{
    let mut pause = FIRST_THROTTLE_PAUSE;
    let mut waited = Duration::ZERO;
    loop {
        let failure = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => Failure::of(permission, &error),
        };
        if failure.reason != Reason::Throttled || waited >= THROTTLE_TIMEOUT {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_THROTTLE_PAUSE);
    }
}

/// AWS's own word for a state.
pub const fn word(state: State) -> &'static str {
    match state {
        State::Active => "Active",
        _ => "Inactive",
    }
}

fn listed_key(key: &AccessKeyMetadata) -> Option<ListedKey> {
    let state = match key.status() {
        Some(StatusType::Inactive) => State::Suspended,
        // A word that is new to us may still be a working key.
        _ => State::Active,
    };
    let created_at = key.create_date().and_then(time);
    let user = key.user_name().map(str::to_owned);
    Some(ListedKey { id: key.access_key_id()?.to_owned(), state, created_at, user })
}

fn place(name: &str) -> Option<Cow<'static, str>> {
    (!name.is_empty() && name != "N/A").then(|| Cow::Owned(name.to_owned()))
}

fn time(time: &DateTime) -> Option<Time> {
    let micros = time.as_nanos() / 1_000;
    i64::try_from(micros).ok().map(Time::from_micros)
}
