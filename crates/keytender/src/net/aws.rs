//! The settings with which AWS is called.
//!
//! Credentials, region and endpoint are those that AWS's own tools would use: environment,
//! profiles, SSO, assumed roles, container and instance roles, `AWS_ENDPOINT_URL`. A [`Signer`] has
//! them for calls that are made without an SDK.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_sts::config::SharedCredentialsProvider;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use keytender_core::secret::Secret;

use crate::clock;
use crate::error::{Error, Kind};

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

/// The settings of a region.
pub fn in_region(settings: SdkConfig, region: &str) -> SdkConfig {
    settings.into_builder().region(Region::new(region.to_owned())).build()
}

/// Signs calls to one service of AWS.
pub struct Signer {
    identity: aws_credential_types::Credentials,
    region: String,
    service: &'static str,
    endpoint: String,
}

impl Signer {
    /// With the credentials of the settings, which are fetched now.
    ///
    /// # Errors
    /// When there are none, or the region is in a part of AWS whose addresses are not known here.
    pub async fn new(settings: &SdkConfig, service: &'static str) -> Result<Self, Error> {
        let region = settings.region().map_or(DEFAULT_REGION, Region::as_ref).to_owned();
        let endpoint = match settings.endpoint_url() {
            Some(url) => url.to_owned(),
            None => endpoint(service, &region)?,
        };
        let none = || Error::new("there are no credentials for AWS").kind(Kind::Provider);
        let provider = settings.credentials_provider().ok_or_else(none)?;
        // What the SDK says of a failure may name files and profiles, never a secret.
        let identity = provider.provide_credentials().await.map_err(|error| {
            none().source(error).hint("see what `aws sts get-caller-identity` says")
        })?;
        Ok(Self { identity, region, service, endpoint })
    }

    /// Where the service is: `https://…`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The headers that sign a POST of `body` to `url` with these headers (Signature Version 4).
    ///
    /// # Errors
    /// When the URL or a header cannot be signed.
    pub fn sign(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, Error> {
        let unsigned = || Error::new("the call to AWS cannot be signed").kind(Kind::Internal);
        let identity = self.identity.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(clock::system_time(clock::now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| unsigned())?
            .into();
        let body = SignableBody::Bytes(body);
        let request = SignableRequest::new("POST", url, headers.iter().copied(), body);
        let request = request.map_err(|_| unsigned())?;
        let (signed, _) = sign(request, &parameters).map_err(|_| unsigned())?.into_parts();
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(headers.collect())
    }
}

/// Where a service is in a region (docs.aws.amazon.com/general/latest/gr/rande.html).
fn endpoint(service: &str, region: &str) -> Result<String, Error> {
    let is_name = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    let domain = match region.split('-').next().unwrap_or_default() {
        "cn" => "amazonaws.com.cn",
        "eusc" => "amazonaws.eu",
        "us" if region.contains("-iso") => "",
        "af" | "ap" | "ca" | "eu" | "il" | "me" | "mx" | "sa" | "us" => "amazonaws.com",
        _ => "",
    };
    match !domain.is_empty() && region.chars().all(is_name) {
        true => Ok(format!("https://{service}.{region}.{domain}")),
        false => {
            Err(Error::new(format!("where AWS is in the region `{region}` is not known here"))
                .hint("see its name; AWS_ENDPOINT_URL says where the service is"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn a_region_is_at_the_domain_of_its_part_of_aws() {
        let of = |region: &str| endpoint("ssm", region).ok();
        assert_eq!(of("eu-central-1").as_deref(), Some("https://ssm.eu-central-1.amazonaws.com"));
        assert_eq!(of("us-gov-west-1").as_deref(), Some("https://ssm.us-gov-west-1.amazonaws.com"));
        assert_eq!(of("cn-north-1").as_deref(), Some("https://ssm.cn-north-1.amazonaws.com.cn"));
        for region in ["us-iso-east-1", "evil.example/", "eu-x.example#", "mars-1", ""] {
            assert_eq!(of(region), None, "{region}");
        }
    }
}
