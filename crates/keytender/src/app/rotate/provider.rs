//! The provider of a key that is rotated: what it can do, and the calls to it.
//!
//! Whoever makes a key learns in which of four ways a call failed, because what follows differs: refused for
//! good, no room, not now, or nobody knows. A call that makes a key or changes a secret is sent once, whatever
//! happens. No call takes longer than [`Terms::timeout`]: one that would is lost, or, if it only reads, is to be
//! made again.

use std::time::Duration;

use keytender_core::key::Use;
use keytender_core::rotation::{Able, Fault, SeenKey, UseSeen, Way};
use keytender_core::secret::Secret;
use keytender_core::steps::used_where;
use keytender_core::time::{Span, Time};

use crate::error::{Error, Kind};
use crate::store::accounts::{Account, AccountKind};
use crate::store::keys::HeldKey;

#[cfg(feature = "aws")]
mod aws;
mod described;

/// The provider that is asked by code of its own.
const AWS: &str = "aws";

/// What of a provider matters to a plan.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How its keys get successors.
    pub way: Way,
    /// What it can do.
    pub able: Able,
    /// No call takes longer.
    pub timeout: Span,
}

/// A key that was made, or whose secret was changed.
#[derive(Clone, Debug)]
pub struct Minted {
    /// Its id at the provider; empty where the answer, against what its descriptor says, did not tell: the list
    /// shows it by its mark.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}

/// A call that did not do what was asked, and why; the words hold nothing of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed(pub Fault, pub String);

/// The keys of one principal at its provider, as a rotation of one of them sees them.
#[derive(Debug)]
pub struct Principal {
    terms: Terms,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    #[cfg(feature = "aws")]
    Aws(Box<aws::Keys>),
    Described(Box<described::Keys>),
}

/// Calls whichever provider it is.
macro_rules! ask {
    ($keys:expr, $known:ident => $call:expr) => {
        match $keys {
            #[cfg(feature = "aws")]
            Keys::Aws($known) => $call,
            Keys::Described($known) => $call,
        }
    };
}

impl Principal {
    /// Takes the principal of `key` in hand; nothing is asked yet.
    ///
    /// # Errors
    /// When such a key cannot be rotated by calls, and what a person can do; when the account's credential cannot be
    /// found.
    pub async fn open(account: &Account, key: &HeldKey) -> Result<Self, Error> {
        check(account, key)?;
        if account.provider == AWS {
            return open_aws(account, key, None).await;
        }
        let (keys, terms) = described::Keys::open(account, key)?;
        Ok(Self { terms, keys: Keys::Described(Box::new(keys)) })
    }

    /// The same for a successor that acts for another user of the account: the way from root to a scoped identity.
    /// The list shows the keys of both.
    ///
    /// # Errors
    /// As [`Self::open`]; also where keys of another user cannot be made.
    pub async fn open_to(account: &Account, key: &HeldKey, user: &str) -> Result<Self, Error> {
        check(account, key)?;
        if account.provider == AWS {
            return open_aws(account, key, Some(user)).await;
        }
        let message = format!("at {} a successor acts for whom its key acts", account.provider);
        Err(Error::new(message).hint("--to is for users of AWS accounts; rotate it without"))
    }

    /// What of it matters to a plan.
    pub fn terms(&self) -> Terms {
        self.terms.clone()
    }

    /// The id of the key that is replaced, as [`Self::list`] shows it. AWS tells the ids of root's keys to root
    /// alone, so such a key is called by its place: `root/1`.
    pub fn old_id(&self) -> &str {
        ask!(&self.keys, keys => keys.old_id())
    }

    /// Its keys, each with its last use.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn list(&self) -> Result<Vec<SeenKey>, Failed> {
        self.read(async { ask!(&self.keys, keys => keys.list().await) }).await
    }

    /// Makes a key with what the old one may do, and `marker` in its label where there are labels.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn create(&self, marker: &str) -> Result<Minted, Failed> {
        self.change(async { ask!(&self.keys, keys => keys.create(marker).await) }).await
    }

    /// Has the secret of the key changed.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn rotate(&self) -> Result<Minted, Failed> {
        self.change(async { ask!(&self.keys, keys => keys.rotate().await) }).await
    }

    /// Whether a key is taken, by a cheap call with it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn is_taken(&self, id: &str, secret: &Secret) -> Result<bool, Failed> {
        self.read(async { ask!(&self.keys, keys => keys.is_taken(id, secret).await) }).await
    }

    /// Whether the key `id` is the credential by which its own account is reached, as far as that can be told: by
    /// its id, or by what the provider says of the credential.
    ///
    /// # Errors
    /// [`Failed`] where it could be told and was not.
    pub async fn asks_by(&self, id: &str) -> Result<bool, Failed> {
        self.read(Box::pin(async { ask!(&self.keys, keys => keys.asks_by(id).await) })).await
    }

    /// Stops a key, which can be undone; one that is gone is as wanted.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn disable(&self, id: &str) -> Result<(), Failed> {
        self.change(async { ask!(&self.keys, keys => keys.disable(id).await) }).await
    }

    /// Lets a key work again.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn enable(&self, id: &str) -> Result<(), Failed> {
        self.change(async { ask!(&self.keys, keys => keys.enable(id).await) }).await
    }

    /// Ends a key for good; one that is gone is as wanted.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn delete(&self, id: &str) -> Result<(), Failed> {
        self.change(async { ask!(&self.keys, keys => keys.delete(id).await) }).await
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        in_time(self.terms.timeout, call, Fault::Later).await
    }

    async fn change<T>(&self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        in_time(self.terms.timeout, call, Fault::Lost).await
    }
}

async fn in_time<T>(
    timeout: Span,
    call: impl Future<Output = Result<T, Failed>>,
    late: Fault,
) -> Result<T, Failed> {
    let micros = u64::try_from(timeout.as_micros()).unwrap_or_default();
    let answer = tokio::time::timeout(Duration::from_micros(micros), call).await;
    let seconds = micros / 1_000_000;
    answer.unwrap_or_else(|_| Err(Failed(late, format!("no answer within {seconds} s"))))
}

/// Refuses keys whose provider is ourselves, or nobody who could be asked.
fn check(account: &Account, key: &HeldKey) -> Result<(), Error> {
    let id = key.record.id;
    let (message, hint) = match account.kind {
        AccountKind::Live | AccountKind::Organization => return Ok(()),
        AccountKind::Customer => (
            format!("{id} is a key that we issue: its rotation is one of ours"),
            format!("keytender keys rotate {id}"),
        ),
        AccountKind::Own => (
            format!("{id} is a token of this installation, and a token has no successor"),
            "make another with keytender tokens create, then disable this one".to_owned(),
        ),
        AccountKind::Manual => (
            format!("Keytender cannot reach {}: {id} is told by hand", account.provider),
            format!("keytender keys show {id} says the steps"),
        ),
    };
    Err(Error::new(message).kind(Kind::Conflict).hint(hint))
}

#[cfg(feature = "aws")]
async fn open_aws(account: &Account, key: &HeldKey, to: Option<&str>) -> Result<Principal, Error> {
    let (keys, terms) = aws::Keys::open(account, key, to).await?;
    Ok(Principal { terms, keys: Keys::Aws(Box::new(keys)) })
}

#[cfg(not(feature = "aws"))]
async fn open_aws(
    account: &Account,
    _key: &HeldKey,
    _to: Option<&str>,
) -> Result<Principal, Error> {
    Err(Error::new(format!("no connector for `{}`", account.provider))
        .hint("this program was built without the feature `aws`"))
}

/// A use as a rotation sees it.
fn used_at(used: &Use<'_>) -> UseSeen {
    UseSeen::At { at: used.at, place: used_where(used) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_without_an_answer_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let never = std::future::pending::<Result<(), Failed>>();
        let failed = runtime.block_on(in_time(Span::from_micros(1_000), never, Fault::Lost));
        assert_eq!(failed.unwrap_err().0, Fault::Lost);
        let soon = std::future::ready(Ok(1));
        assert_eq!(runtime.block_on(in_time(Span::days(1), soon, Fault::Lost)), Ok(1));
    }
}
