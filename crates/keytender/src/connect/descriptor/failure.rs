//! Why a provider did not do what its descriptor says: told by codes and places, never by its words or
//! by anything that was sent.

use std::fmt;

use keytender_core::akm::NoCall;
use keytender_core::text::printable;
use thiserror::Error;

use crate::net::outbound::{BadTarget, Cause};

/// The operation that gets a token.
pub(super) const SIGN_IN: &str = "sign in";

/// What was tried: at which provider, which operation, about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doing {
    pub(super) provider: String,
    pub(super) operation: &'static str,
    pub(super) about: String,
}

impl Doing {
    /// It failed, and nothing was done.
    pub(super) fn failed(&self, reason: Reason) -> Failure {
        self.ended(reason, false)
    }

    /// It failed, and perhaps it was done.
    pub(super) fn ended(&self, reason: Reason, is_undecided: bool) -> Failure {
        Failure(Box::new(Inner { doing: self.clone(), reason, is_undecided }))
    }
}

/// An operation that failed.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    doing: Doing,
    reason: Reason,
    is_undecided: bool,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// The provider answered with a code that does not mean that it is done.
    #[error("it answered {code}{}", meaning(*code))]
    Answer {
        /// The code of HTTP.
        code: u16,
    },
    /// By the descriptor, the code of the answer means that the thing is not there.
    #[error("it is not there (the answer was {code})")]
    Gone {
        /// The code of HTTP.
        code: u16,
    },
    /// The list shows no such key.
    #[error("there is no such key in the list")]
    Absent,
    /// The answer was good by its code, and says that it was refused.
    #[error("it was refused: the answer says so at `{at}`")]
    Refused {
        /// The place in the answer.
        at: String,
    },
    /// The provider asked to slow down, and we stopped waiting.
    #[error("it asks to slow down{}", waiting(*after_seconds))]
    Throttled {
        /// How long it asks to wait, if it says.
        after_seconds: Option<u64>,
    },
    /// Nothing was sent.
    #[error("it cannot be reached: {0}")]
    Unreachable(Cause),
    /// It was sent, and no whole answer came.
    #[error("its answer was lost: {0}")]
    Lost(Cause),
    /// The answer is larger than any good one.
    #[error("its answer is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The answer is not what the descriptor says.
    #[error("its answer is not understood: {0}")]
    Unread(String),
    /// A list without an end.
    #[error("the list has no end: {0}")]
    Endless(&'static str),
    /// A list that takes too long.
    #[error("the list was not whole after {minutes} minutes")]
    TooSlow {
        /// How long it may take.
        minutes: u64,
    },
    /// A host that nobody approved.
    #[error("`{0}` is no host that was approved for this account")]
    Host(String),
    /// The provider names the next part of a list on another host.
    #[error("it continues on another host, and no call goes there")]
    Elsewhere,
    /// A place that is not called.
    #[error("its place is not called: {0}")]
    Target(BadTarget),
    /// A path that leads away from where the descriptor says.
    #[error("what is filled in would lead to another path")]
    Path,
    /// The operation is not allowed with this trust.
    #[error("{0}")]
    Trust(&'static str),
    /// There is no call for it.
    #[error("there is no call for it{}", console(page.as_deref()))]
    NoCall {
        /// The page where people do it.
        page: Option<String>,
    },
    /// The credential does not fit.
    #[error("{0}")]
    Credential(String),
    /// An argument is missing, or unknown.
    #[error("{0}")]
    Argument(String),
    /// The call cannot be made of what is given.
    #[error("{0}")]
    Call(NoCall),
}

fn meaning(code: u16) -> &'static str {
    match code {
        300..=399 => ": a redirect, and no credential follows one",
        401 => ": it does not take the credential",
        403 => ": the credential lacks the permission",
        404 => ": there is no such thing, or the credential must not see it",
        _ => "",
    }
}

fn waiting(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!(" for {seconds} s")).unwrap_or_default()
}

fn console(page: Option<&str>) -> String {
    page.map(|page| format!("; people do it at {page}")).unwrap_or_default()
}

impl Failure {
    /// Why it failed.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// Whether the provider refuses the credential, or it lacks a permission.
    pub fn is_denied(&self) -> bool {
        match self.0.reason {
            Reason::Answer { code: 401 | 403 } => true,
            // An unknown client and an assertion of an ended key are so refused (RFC 6749, 5.2).
            Reason::Answer { code: 400 } => self.0.doing.operation == SIGN_IN,
            _ => false,
        }
    }

    /// Whether the provider knows the credential, as far as it says, and does not let it do this.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.0.reason, Reason::Answer { code: 403 })
    }

    /// Whether this credential, or what is known of this account, is not enough for the call.
    pub fn is_lacking(&self) -> bool {
        let is_variable =
            |call: &NoCall| matches!(call, NoCall::Missing(name) if name.scope == "var");
        match &self.0.reason {
            Reason::Credential(_) => true,
            Reason::Call(call) => is_variable(call),
            _ => self.is_denied(),
        }
    }

    /// Whether the provider says that the thing is not there. Where the descriptor does not say
    /// which code means that, some providers answer so to whoever must not see it.
    pub fn is_gone(&self) -> bool {
        self.is_surely_gone() || matches!(self.0.reason, Reason::Answer { code: 404 | 410 })
    }

    /// Whether the thing is not there by what the descriptor says of the answer, or by the list.
    pub(super) fn is_surely_gone(&self) -> bool {
        matches!(self.0.reason, Reason::Gone { .. } | Reason::Absent)
    }

    /// Whether the provider may have done it all the same: nobody can know before looking.
    pub fn is_undecided(&self) -> bool {
        self.0.is_undecided
    }

    /// How many seconds the provider asks to be left alone, where it does.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self.0.reason {
            Reason::Throttled { after_seconds } => after_seconds,
            _ => None,
        }
    }

    /// What to do about it; `None` if nobody can say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match &self.0.reason {
            _ if self.is_undecided() => "look whether it was done before it is tried again",
            Reason::Answer { code: 401 } => "see whether the credential ended or was replaced",
            Reason::Answer { code: 403 } => "give the credential the permission for it",
            Reason::Throttled { .. } | Reason::TooSlow { .. } => "try again later",
            Reason::Unreachable(_) | Reason::Lost(_) => {
                "see whether the network or a firewall is in the way, or try again later"
            }
            Reason::Host(_) => "approve the host, if it is the provider's",
            Reason::Target(BadTarget::Private) => {
                "allow private addresses, if the provider runs in a network of yours"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { doing, reason, is_undecided } = &*self.0;
        let (provider, about) = (printable(&doing.provider), printable(&doing.about));
        let reason = reason.to_string();
        write!(f, "{provider}, {} ({about}): {}", doing.operation, printable(&reason))?;
        if *is_undecided {
            f.write_str("; it may have been done")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}
