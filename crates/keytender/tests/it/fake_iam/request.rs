//! What a request says: who signs it, and what it asks for.

use std::collections::BTreeMap;

use axum::http::HeaderMap;

use super::xml::Failure;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The services on the port, told apart as the signature names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Iam,
    Sts,
    /// In JSON, as the next.
    Organizations,
    Account,
}

impl Service {
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
            Self::Organizations => "2016-11-28",
            Self::Account => "2021-02-01",
        }
    }

    /// The XML namespace of every answer.
    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Organizations | Self::Account => "",
        }
    }

    /// Whether it is spoken to in JSON.
    pub(super) fn is_json(self) -> bool {
        matches!(self, Self::Organizations | Self::Account)
    }

    /// Its code for a caller who asks too fast.
    pub(super) fn throttling(self) -> &'static str {
        if self.is_json() { "TooManyRequestsException" } else { "Throttling" }
    }
}

/// What the Authorization header claims.
pub(super) struct Credential {
    pub(super) key_id: String,
    pub(super) service: Service,
    /// The token of the session that the key is of.
    pub(super) token: Option<String>,
}

impl Credential {
    /// Reads `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…,
    /// Signature=…`, and the token of a session.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let parts = header("authorization").and_then(|text| text.strip_prefix(ALGORITHM));
        let parts = parts.ok_or_else(|| {
            Failure::new(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            )
        })?;
        if header("x-amz-date").is_none() {
            return Err(incomplete("X-Amz-Date"));
        }
        Self::from_parts(parts, header("x-amz-security-token").map(str::to_owned))
    }

    fn from_parts(parts: &str, token: Option<String>) -> Result<Self, Failure> {
        let parts: BTreeMap<&str, &str> =
            parts.split(',').filter_map(|part| part.trim().split_once('=')).collect();
        let part = |name: &str| parts.get(name).copied().ok_or_else(|| incomplete(name));
        let signature = part("Signature")?;
        if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(incomplete("Signature"));
        }
        if !part("SignedHeaders")?.split(';').any(|name| name == "host") {
            return Err(incomplete("SignedHeaders with host"));
        }
        let scope: Vec<&str> = part("Credential")?.split('/').collect();
        let [key_id, _date, _region, service, "aws4_request"] = scope.as_slice() else {
            return Err(incomplete("Credential"));
        };
        let service = match *service {
            "iam" => Service::Iam,
            "sts" => Service::Sts,
            "organizations" => Service::Organizations,
            "account" => Service::Account,
            _ => return Err(wrong_service()),
        };
        Ok(Self { key_id: (*key_id).to_owned(), service, token })
    }
}

fn incomplete(part: &str) -> Failure {
    Failure::new(400, "IncompleteSignature", &format!("Authorization header requires '{part}'."))
}

fn wrong_service() -> Failure {
    let message = "Credential should be scoped to correct service: 'iam'.";
    Failure::new(403, "SignatureDoesNotMatch", message)
}

/// The parameters of a request.
pub(super) struct Call {
    parameters: BTreeMap<String, String>,
}

impl Call {
    /// Of a form's fields.
    pub(super) fn of(parameters: BTreeMap<String, String>) -> Self {
        Self { parameters }
    }

    /// Of a request in JSON, with the action and the version of its service.
    pub(super) fn of_json(action: &str, service: Service, body: &[u8]) -> Self {
        let fields: serde_json::Map<_, _> = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut parameters: BTreeMap<String, String> =
            fields.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        parameters.insert("Action".to_owned(), action.to_owned());
        parameters.insert("Version".to_owned(), service.version().to_owned());
        Self { parameters }
    }

    /// The action's name, empty if there is none.
    pub(super) fn action(&self) -> &str {
        self.find("Action").unwrap_or_default()
    }

    /// A parameter that may be absent.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub(super) fn get(&self, name: &str) -> Result<&str, Failure> {
        self.find(name).ok_or_else(|| {
            Failure::validation(&format!("Value null at '{name}' failed: Member must not be null"))
        })
    }
}
