//! Why AWS did not do what it was asked, told by its error codes: its own words may repeat what
//! was sent.

use std::error::Error as StdError;

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use thiserror::Error;

/// The permission to enter an account by a role. A failure of it shows at the first call there.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// An operation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{permission}: {reason}")]
pub struct Failure {
    /// The operation, by the name of the permission that it needs.
    pub permission: &'static str,
    /// Why.
    pub reason: Reason,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// The credentials are good, the permission is missing.
    #[error("these credentials lack the permission")]
    Denied,
    /// There are no credentials, or they cannot be fetched.
    #[error("no credentials were found")]
    NoCredentials,
    /// The credentials are not, or no longer, good.
    #[error("AWS refuses these credentials ({code})")]
    BadCredentials {
        /// AWS's error code.
        code: String,
    },
    /// AWS asked to slow down, and again after every pause.
    #[error("AWS throttles the calls and did not stop")]
    Throttled,
    /// Nobody answered.
    #[error("AWS cannot be reached")]
    Unreachable,
    /// The answer did not come in time.
    #[error("no answer in time")]
    TimedOut,
    /// What was asked about, such as a user or key, does not exist or not any more.
    #[error("it does not exist")]
    NotFound,
    /// The credential report was not made in time.
    #[error("the credential report was not there after 5 minutes")]
    ReportTooSlow,
    /// A list without an end.
    #[error("the list has no end")]
    EndlessList,
    /// Anything else, by AWS's error code.
    #[error("AWS answered {code}")]
    Other {
        /// AWS's error code.
        code: String,
    },
}

impl Failure {
    pub(super) const fn new(permission: &'static str, reason: Reason) -> Self {
        Self { permission, reason }
    }

    pub(super) fn of<E: ProvideErrorMetadata, R>(
        permission: &'static str,
        error: &SdkError<E, R>,
    ) -> Self {
        if let SdkError::DispatchFailure(failure) = error
            && let Some(refused) = failure.as_connector_error().and_then(role_refused)
        {
            return refused;
        }
        let reason = match error {
            SdkError::TimeoutError(_) => Reason::TimedOut,
            SdkError::DispatchFailure(failure) => {
                failure.as_connector_error().map_or(Reason::Unreachable, unsent)
            }
            SdkError::ConstructionFailure(_) => Reason::NoCredentials,
            _ => refused(error.code().unwrap_or("without a code")),
        };
        Self::new(permission, reason)
    }

    /// Whether only a permission is missing.
    pub fn is_denied(&self) -> bool {
        self.reason == Reason::Denied && self.permission != ASSUME_ROLE
    }

    /// Whether a role does not let in whoever asks: AWS says no more, whether there is such a role
    /// or not.
    pub fn is_shut_out(&self) -> bool {
        self.reason == Reason::Denied && self.permission == ASSUME_ROLE
    }
}

/// Why a role could not be assumed, if that is what kept a call from being sent.
fn role_refused(error: &ConnectorError) -> Option<Failure> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<SdkError<AssumeRoleError>>() {
            return Some(Failure::of(ASSUME_ROLE, refused));
        }
        cause = error.source();
    }
    None
}

/// Credentials are looked for before anything is sent, and their absence shows as a failure to
/// send.
fn unsent(error: &ConnectorError) -> Reason {
    if error.is_timeout() {
        Reason::TimedOut
    } else if error.is_io() {
        Reason::Unreachable
    } else {
        Reason::NoCredentials
    }
}

fn refused(code: &str) -> Reason {
    let code = code.to_owned();
    match code.as_str() {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Reason::Denied,
        "NoSuchEntity" | "ResourceNotFoundException" => Reason::NotFound,
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => Reason::Throttled,
        "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "MissingAuthenticationToken"
        | "UnrecognizedClientException"
        | "OptInRequired"
        | "RequestExpired" => Reason::BadCredentials { code },
        _ => Reason::Other { code },
    }
}
