//! The settings with which AWS is called.
//!
//! Credentials, region and endpoint are those that AWS's own tools would use: environment,
//! profiles, SSO, assumed roles, container and instance roles, `AWS_ENDPOINT_URL`.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

/// How often one call is tried when nobody answers, or with a fault of the server: some six
/// seconds. Throttling is met with more patience by the callers.
const MAX_ATTEMPTS: u32 = 6;
/// The first pause between two attempts; each further one is up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one attempt may take; a report of 5,000 users is about 2 MiB.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// IAM is one service for all regions; this one signs where the user names none.
const DEFAULT_REGION: &str = "us-east-1";

/// The settings of `profile`, or of what AWS's tools would use without one.
pub async fn settings(profile: Option<&str>) -> SdkConfig {
    let retry =
        RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(FIRST_PAUSE);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(retry)
        .timeout_config(timeouts);
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    let settings = loader.load().await;
    if settings.region().is_some() {
        return settings;
    }
    settings.into_builder().region(Region::from_static(DEFAULT_REGION)).build()
}
