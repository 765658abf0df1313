//! The one act that is not idempotent: a key is made. It is sent once, and whoever asked learns what is known
//! of a key that is not in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::create_access_key::CreateAccessKeyError;
use aws_sdk_sts::config::{ConfigBag, ProvideCredentials};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use keytender_core::rotation::Fault;
use keytender_core::secret::Secret;

use super::{Failure, Iam, Reason};

/// The permission to make a key.
const CREATE: &str = "iam:CreateAccessKey";
/// The first pause of the two attempts to ask who a new key is.
const TRY_PAUSE: Duration = Duration::from_millis(200);

/// A key that was made.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// Its public id.
    pub id: String,
    /// Its secret, which AWS shows this once.
    pub secret: Secret,
}

/// Whether a request was about to leave: credentials are there, and it is signed.
#[derive(Clone, Debug, Default)]
struct Sending(Arc<AtomicBool>);

#[dyn_dispatch_hint]
impl Intercept for Sending {
    fn name(&self) -> &'static str {
        "Sending"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl Iam {
    /// Makes a key for `user`. The request is sent once, and never again whatever happens to it.
    ///
    /// # Errors
    /// What is known of a key that is not in hand, and why there is none.
    pub async fn create_key(&self, user: &str) -> Result<MadeKey, (Fault, Failure)> {
        let sending = Sending::default();
        let once = aws_sdk_iam::config::Config::builder().retry_config(RetryConfig::disabled());
        let request = self.client.create_access_key().user_name(user).customize();
        let request = request.config_override(once).interceptor(sending.clone());
        let lost = |code: &str| {
            (Fault::Lost, Failure::new(CREATE, Reason::Other { code: code.to_owned() }))
        };
        match request.send().await {
            Ok(answer) => {
                let key = answer.access_key.ok_or_else(|| lost("without a key"))?;
                let is_whole = !key.access_key_id.is_empty() && !key.secret_access_key.is_empty();
                match is_whole {
                    true => Ok(MadeKey {
                        id: key.access_key_id,
                        secret: Secret::new(key.secret_access_key),
                    }),
                    false => Err(lost("without the whole key")),
                }
            }
            Err(error) => {
                let failure = Failure::of(CREATE, &error);
                Err((fault(&error, &failure, sending.0.load(Ordering::SeqCst)), failure))
            }
        }
    }

    /// Whether these credentials are taken, by asking who they are; `None` is no. It is asked twice at the most:
    /// whoever asks comes again.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not say.
    pub async fn taken_as(&self) -> Result<Option<super::Identity>, Failure> {
        let short = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(TRY_PAUSE);
        let config = aws_sdk_sts::config::Builder::from(&self.settings).retry_config(short).build();
        let asked = Self { sts: aws_sdk_sts::Client::from_conf(config), ..self.clone() };
        match asked.identity_now().await {
            Ok(identity) => Ok(Some(identity)),
            Err(Failure { reason: Reason::BadCredentials { .. } | Reason::Denied, .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The id of the access key by which calls are signed; `None` if there is none.
    pub async fn key_id(&self) -> Option<String> {
        let credentials = self.settings.credentials_provider()?.provide_credentials().await.ok()?;
        Some(credentials.access_key_id().to_owned())
    }
}

/// What is known of a key whose making failed.
fn fault(
    error: &SdkError<CreateAccessKeyError, HttpResponse>,
    failure: &Failure,
    was_sending: bool,
) -> Fault {
    // Who may not enter the account comes no nearer to it by asking again.
    let is_shut_out = failure.is_shut_out();
    match error {
        _ if is_shut_out => Fault::Refused,
        _ if !was_sending => Fault::Later,
        SdkError::DispatchFailure(failed) => {
            match failed.as_connector_error().is_some_and(is_unconnected) {
                true => Fault::Later,
                false => Fault::Lost,
            }
        }
        SdkError::ServiceError(refused) => {
            of_answer(refused.raw().status().as_u16(), error.code().unwrap_or_default())
        }
        _ => Fault::Lost,
    }
}

/// What an answer with this status and error code says of a key that was asked for.
/// Source: IAM API reference, `CreateAccessKey` and "Common errors".
fn of_answer(status: u16, code: &str) -> Fault {
    match (code, status) {
        ("LimitExceeded" | "LimitExceededException", _) => Fault::Full,
        (
            "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "EntityTemporarilyUnmodifiable"
            | "ConcurrentModification",
            _,
        )
        | (_, 429) => Fault::Later,
        (_, 408) => Fault::Lost,
        (_, 400..=499) => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// Whether there was no connection by which anything could be sent.
fn is_unconnected(error: &ConnectorError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_so_means_that_no_key_was_made() {
        for (status, code, fault) in [
            (409, "LimitExceeded", Fault::Full),
            (400, "Throttling", Fault::Later),
            (409, "ConcurrentModification", Fault::Later),
            (403, "AccessDenied", Fault::Refused),
            (404, "NoSuchEntity", Fault::Refused),
            (400, "ValidationError", Fault::Refused),
            (429, "", Fault::Later),
            (408, "", Fault::Lost),
            (500, "ServiceFailure", Fault::Lost),
            (502, "", Fault::Lost),
            (503, "ServiceUnavailable", Fault::Lost),
            (302, "", Fault::Lost),
        ] {
            assert_eq!(of_answer(status, code), fault, "{status} {code}");
        }
    }
}
