//! Providers, as they are described, in JSON.

use std::collections::BTreeMap;

use keytender_core::akm::{
    Descriptor, KeyType, Links, Method, Operation, OperationName, RotationMode, Scheme,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an operation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationView {
    /// By a call.
    Call,
    /// By a call of which not everything is known for sure: it is not made before somebody allows it.
    Unsure,
    /// By people, on a page of the provider.
    Page,
    /// By a call that Keytender does not make: it would need a signature, or a secret in a URL.
    Described,
}

impl OperationView {
    /// The word of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Unsure => "unsure",
            Self::Page => "page",
            Self::Described => "described",
        }
    }

    fn of(descriptor: &Descriptor, kind: &KeyType, operation: &Operation) -> Self {
        let auth = operation.auth.as_ref().or(kind.auth.as_ref());
        let method = descriptor.method(auth.map(|auth| auth.value.as_str()));
        let is_made = |scheme: &Scheme| {
            !matches!(scheme, Scheme::Query { .. } | Scheme::RequestSigning { .. })
        };
        match (&operation.request, &operation.unsure) {
            (None, _) => Self::Page,
            (Some(_), _) if !method.is_none_or(|method| is_made(&method.scheme.value)) => {
                Self::Described
            }
            (Some(_), Some(_)) => Self::Unsure,
            (Some(_), None) => Self::Call,
        }
    }
}

/// A kind of key of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyTypeView {
    /// Its name.
    #[schema(example = "personal")]
    pub id: String,
    /// What the provider calls such a key.
    pub noun: String,
    /// The resource that each stands in: `project`, `service-account`.
    pub within: Option<String>,
    /// What can be done, and how.
    #[schema(value_type = BTreeMap<String, OperationView>)]
    pub operations: BTreeMap<String, OperationView>,
    /// Whether the provider tells when one was last used.
    pub last_used: bool,
    /// Whether the provider tells when one was made.
    pub created_at: bool,
    /// How one is replaced: `create-then-delete`, `in-place`, `in-place-overlap`, `two-slots`, `none`.
    pub rotation: String,
    /// What such keys begin with.
    pub prefix: Option<String>,
}

/// How calls to a provider are allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MethodView {
    /// Its name.
    pub id: String,
    /// What is done with the credential: `bearer`, `headers`, `basic`, …
    pub scheme: String,
    /// The parts of the credential, if it has some.
    pub parts: Vec<String>,
    /// The least permission for each operation, in the provider's words.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// How a first such credential is got.
    pub bootstrap: Option<String>,
}

/// What an account says of itself beside its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariableView {
    /// What it is.
    pub help: String,
    /// What it is where nobody says.
    pub default: Option<String>,
}

/// Where facts are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// A page or a document.
    pub name: String,
    /// Where it is.
    pub url: Option<String>,
    /// What it supports.
    pub supports: String,
}

/// A provider whose keys Keytender knows how to manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    /// Its name here: `accounts add` takes it.
    #[schema(example = "gitlab")]
    pub id: String,
    /// The name that people know.
    #[schema(example = "GitLab")]
    pub name: String,
    /// Its home page.
    pub url: String,
    /// The day on which this was last held against the provider's own description.
    pub updated: Option<String>,
    /// Its kinds of keys.
    pub key_types: Vec<KeyTypeView>,
    /// How calls are allowed.
    pub authentication: Vec<MethodView>,
    /// What an account says of itself.
    pub variables: BTreeMap<String, VariableView>,
    /// Pages for people, by what they are for.
    pub links: BTreeMap<String, String>,
    /// What cannot be done, or is not known.
    pub gaps: Vec<String>,
    /// Where the facts are from.
    pub sources: Vec<SourceView>,
}

/// A page of providers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderList {
    /// They, by name.
    pub providers: Vec<ProviderView>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl ProviderView {
    /// What a descriptor says of its provider.
    pub fn of(descriptor: &Descriptor) -> Self {
        let provider = &descriptor.provider;
        Self {
            id: provider.id.value.clone(),
            name: provider.name.clone(),
            url: provider.url.value.clone(),
            updated: descriptor.updated.clone(),
            key_types: descriptor.key_types.iter().map(|kind| key_type(descriptor, kind)).collect(),
            authentication: descriptor.authentication.methods.iter().map(method).collect(),
            variables: descriptor
                .variables
                .iter()
                .map(|(name, variable)| {
                    let default = variable.default.as_ref().map(|one| one.value.clone());
                    (name.clone(), VariableView { help: variable.help.clone(), default })
                })
                .collect(),
            links: links(&descriptor.links),
            gaps: descriptor.gaps.clone(),
            sources: descriptor
                .sources
                .iter()
                .map(|source| SourceView {
                    name: source.name.clone(),
                    url: source.url.as_ref().map(|url| url.value.clone()),
                    supports: source.supports.clone(),
                })
                .collect(),
        }
    }
}

fn key_type(descriptor: &Descriptor, kind: &KeyType) -> KeyTypeView {
    let operations = kind.operations.iter().map(|(name, operation)| {
        (name.as_str().to_owned(), OperationView::of(descriptor, kind, operation))
    });
    let rotation = kind.rotation.as_ref().map_or(RotationMode::None, |rotation| rotation.mode);
    KeyTypeView {
        id: kind.id.value.clone(),
        noun: kind.noun.clone().unwrap_or_else(|| "key".to_owned()),
        within: kind.within.as_ref().map(|within| within.value.clone()),
        operations: operations.collect(),
        last_used: kind.last_used.available,
        created_at: kind.fields.contains_key(&keytender_core::akm::FieldName::CreatedAt),
        rotation: rotation.as_str().to_owned(),
        prefix: kind.format.as_ref().and_then(|format| format.prefix.clone()),
    }
}

fn method(method: &Method) -> MethodView {
    let permissions = method.permissions.iter();
    MethodView {
        id: method.id.value.clone(),
        scheme: method.scheme.value.as_str().to_owned(),
        parts: method.parts.iter().map(|part| part.value.clone()).collect(),
        permissions: permissions
            .map(|(name, words): (&OperationName, _)| (name.as_str().to_owned(), words.clone()))
            .collect(),
        bootstrap: method.bootstrap.clone(),
    }
}

fn links(links: &Links) -> BTreeMap<String, String> {
    let all = [
        ("console", &links.console),
        ("rotate-guide", &links.rotate_guide),
        ("best-practices", &links.best_practices),
        ("docs", &links.docs),
        ("report", &links.report),
        ("support", &links.support),
    ];
    let there = all.into_iter().filter_map(|(name, link)| Some((name, link.as_ref()?)));
    there.map(|(name, link)| (name.to_owned(), link.value.clone())).collect()
}
