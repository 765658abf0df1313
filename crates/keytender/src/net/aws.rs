//! The settings with which AWS is called.
//!
//! Credentials, region and endpoint are those that AWS's own tools would use: environment,
//! profiles, SSO, assumed roles, container and instance roles, `AWS_ENDPOINT_URL`.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sts::config::SharedCredentialsProvider;
use keytender_core::secret::Secret;

pub use aws_config::SdkConfig;

/// How often one call is tried when nobody answers, or with a fault of the server: some six
/// seconds. Throttling is met with more patience by the callers.
const MAX_ATTEMPTS: u32 = 6;
/// The first pause between two attempts; each further one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one attempt may take; a report of 5,000 users is about 2 MiB.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long credentials may take to come: a role is assumed with all the attempts above. The SDK's
/// own limit of 5 s would end them while AWS asks to slow down.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);
/// IAM is one service for all regions; this one signs where the user names none.
const DEFAULT_REGION: &str = "us-east-1";

/// How long an assumed role's credentials last; they are fetched again in time.
const SESSION: Duration = Duration::from_secs(3_600);
/// How sessions of assumed roles are named in AWS's own logs.
const SESSION_NAME: &str = "keytender";

/// Which credentials: those of a profile or of AWS's own chain, or a role that they may assume.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'c> {
    /// A profile of AWS's configuration.
    pub profile: Option<&'c str>,
    /// An access key: its id and its secret.
    pub key: Option<(&'c str, &'c Secret)>,
    /// The ARN of a role to assume.
    pub role: Option<&'c str>,
    /// What the role's owner asks for beside.
    pub external_id: Option<&'c str>,
    /// What takes the place of AWS's own addresses: a gateway, or a server that does the same.
    pub endpoint: Option<&'c str>,
}

/// The settings with these credentials.
pub async fn settings(credentials: &Credentials<'_>) -> SdkConfig {
    let retry =
        RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(FIRST_PAUSE);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(retry)
        .timeout_config(timeouts)
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build());
    if let Some(profile) = credentials.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = credentials.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some((id, secret)) = credentials.key {
        let key =
            aws_sdk_sts::config::Credentials::new(id, secret.expose(), None, None, "keytender");
        loader = loader.credentials_provider(key);
    }
    let mut settings = loader.load().await;
    if settings.region().is_none() {
        settings = settings.into_builder().region(Region::from_static(DEFAULT_REGION)).build();
    }
    let Some(role) = credentials.role else {
        return settings;
    };
    let mut provider = AssumeRoleProvider::builder(role)
        .session_name(SESSION_NAME)
        .session_length(SESSION)
        .configure(&settings);
    if let Some(external_id) = credentials.external_id {
        provider = provider.external_id(external_id);
    }
    let provider = SharedCredentialsProvider::new(provider.build().await);
    settings.into_builder().credentials_provider(provider).build()
}
