//! AWS's two places for secrets, called in its JSON protocol with signatures of our own.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::service::{Address, Answer, Body, Service};
use super::words;
use crate::error::{Error, Kind};
use crate::net::aws::{Credentials, Signer, in_region, settings};

mod parameter;
mod secret;

pub use parameter::Parameter;
pub use secret::ManagedSecret;

/// The media type of the protocol (smithy.io, "AWS JSON 1.1 protocol").
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// As whom AWS is called: by its own chain of credentials, a profile of it, or a role.
#[derive(Clone, Copy)]
struct Caller<'a> {
    region: Option<&'a str>,
    profile: Option<&'a str>,
    role: Option<&'a str>,
    external_id: Option<&'a str>,
    allow_private: bool,
}

/// A service of AWS, with the credentials for some calls.
struct Desk {
    service: Service,
    signer: Signer,
    /// Before the names of operations: `AmazonSSM`.
    prefix: &'static str,
}

/// A refusal: `{"__type": "com.amazonaws…#ResourceNotFoundException"}`.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
}

impl Desk {
    async fn open(
        caller: Caller<'_>,
        service: &'static str,
        prefix: &'static str,
    ) -> Result<Self, Error> {
        let credentials = Credentials {
            profile: caller.profile,
            role: caller.role,
            external_id: caller.external_id,
            ..Credentials::default()
        };
        let mut settings = settings(&credentials).await;
        if let Some(region) = caller.region {
            settings = in_region(settings, region);
        }
        let signer = Signer::new(&settings, service).await?;
        let address = Address::try_from(signer.endpoint().to_owned()).map_err(Error::new)?;
        let service = Service::new(&address, None, caller.allow_private)?;
        Ok(Self { service, signer, prefix })
    }

    /// One operation.
    async fn call(&self, operation: &str, asked: &impl Serialize) -> Result<Answer, Error> {
        let url = self.service.url(&[], &[])?;
        let body = Body::of(MEDIA_TYPE, asked)?;
        let target = format!("{}.{operation}", self.prefix);
        let headers = [("content-type", MEDIA_TYPE), ("x-amz-target", target.as_str())];
        let signed = self.signer.sign(url.as_str(), &headers, body.bytes())?;
        let mut further = HeaderMap::new();
        let own = ("x-amz-target".to_owned(), target);
        for (name, value) in signed.into_iter().chain([own]) {
            if let (Ok(name), Ok(mut value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                value.set_sensitive(true);
                _ = further.insert(name, value);
            }
        }
        self.service.call_with(Method::POST, url, Some(&body), further).await
    }
}

/// The word of a refusal, such as `ResourceNotFoundException`.
fn word(answer: &Answer) -> Option<String> {
    if answer.code.is_success() {
        return None;
    }
    let refusal: Refusal = answer.owned().ok()?;
    refusal.kind.rsplit('#').next().map(str::to_owned)
}

/// The error that a refusal is, with AWS's word for it, which holds no values.
fn refused(answer: &Answer, doing: &str, permission: &str) -> Error {
    let Some(word) = word(answer).filter(|word| word.chars().all(char::is_alphanumeric)) else {
        return answer.refusal(doing);
    };
    let error = Error::new(format!("AWS did not {doing}")).kind(Kind::Provider);
    let error = error.source(word.clone());
    match word.as_str() {
        "AccessDeniedException" => error.hint(format!("it needs {permission}")),
        "ExpiredTokenException" | "UnrecognizedClientException" | "InvalidSignatureException" => {
            error.hint("see what `aws sts get-caller-identity` says")
        }
        "ThrottlingException" => error.hint("try again later"),
        _ => error,
    }
}
