//! What a request says: who signs it, and what it asks for.

use std::collections::BTreeMap;

use axum::http::HeaderMap;

use super::xml::Failure;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The two services on the port, told apart as the signature names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Iam,
    Sts,
}

impl Service {
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }

    /// The XML namespace of every answer.
    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// What the Authorization header claims.
pub(super) struct Credential {
    pub(super) key_id: String,
    pub(super) service: Service,
}

impl Credential {
    /// Reads `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…,
    /// Signature=…`. A session token is refused: the fake gives none, so it cannot be valid.
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
        if header("x-amz-security-token").is_some() {
            return Err(Failure::invalid_token());
        }
        Self::from_parts(parts)
    }

    fn from_parts(parts: &str) -> Result<Self, Failure> {
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
            _ => return Err(wrong_service()),
        };
        Ok(Self { key_id: (*key_id).to_owned(), service })
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
    pub(super) fn of(parameters: BTreeMap<String, String>) -> Self {
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
