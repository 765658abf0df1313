//! The words by which APIs.json says what a property is, and those of them that lead to keys.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The types of properties of version 0.23, with the synonyms that it takes, in the order of the letters.
#[rustfmt::skip]
const TYPES: [&str; 245] = [
    "A2A", "ALPS", "API Documentation", "API Key", "API Keys", "APICatalog", "APIDocumentation", "APIKey",
    "APIKeys", "APIOnboarding", "APIReference", "About", "AgentCard", "AgentPrompt", "AgentSkill",
    "AgentSkills", "AgenticAccess", "AlertsTwitterHandle", "ApiExamples", "Arazzo", "AsyncAPI", "Attestation",
    "Authentication", "BackstageApi", "Blog", "BlogFeed", "BlogRSS", "Blueprint", "BrunoCollection", "CLI",
    "Careers", "CaseStudies", "Certification", "ChangeLog", "ChargebackPolicy", "CodeExamples",
    "CodeOfConduct", "Community", "Compare", "Compliance", "Components", "Conformance", "Connect Go SDK",
    "Connect Node.js SDK", "Connect Python SDK", "Console", "Contact", "ContactUs", "ContentSignal",
    "ContributionGuide", "Contributors", "Conventions", "Crunchbase", "DataContract", "DataModel",
    "DeclineCodes", "Deprecation", "Deprecation Notice", "DeprecationPolicy", "Deprecations",
    "Developer Portal", "DeveloperPortal", "Discord", "Discourse", "DockerImage", "Documentation",
    "DomainSecurity", "ErrorCatalog", "ErrorCodes", "Events", "Evolution", "Examples", "FAQ", "Facebook",
    "Features", "FinOps", "FinOpsFramework", "FocusBillingExport", "FocusConformanceReport",
    "FocusContractCommitments", "Forum", "Forums", "GHGProtocolReport", "GettingStarted", "GitHub",
    "GitHub Org", "GitHubDiscussions", "GitHubHttpUrl", "GitHubIssues", "GitHubOrg", "GitHubOrganization",
    "GitHubRepo", "GitHubRepository", "GitHubSshUrl", "Go SDK", "GovernanceRules", "GraphQL", "GraphQLSchema",
    "HelmChart", "Help Center", "HelpCenter", "Idempotency", "InsomniaCollection", "Instagram", "Integrations",
    "InterfaceLicense", "InvestorRelations", "InvoiceReconciliation", "IssueTracker", "JSON Schema",
    "JSON-LD Context", "JSONForms", "JSONLD", "JSONLDContext", "JSONSchema", "JSONStructure", "Java SDK",
    "JavaScript SDK", "Knowledge Base", "Knowledge Center", "KnowledgeBase", "KnowledgeCenter",
    "KubernetesOperator", "LLMsText", "LLMsTxt", "License", "Licensing", "Lifecycle", "LinkedIn", "LlmsText",
    "LlmsTxt", "Login", "MCPClient", "MCPServer", "Mailing List", "Mailing Lists", "MailingList",
    "MailingLists", "Maintainers", "MockMCPServer", "MockRestServer", "ModelContextProtocol", "Newsletter",
    "Newsroom", "Node.js SDK", "OAuthScopes", "OpenAIPluginManifest", "OpenAPI", "OpenCostAllocationAPI",
    "OpenCostSpecification", "OpenIDConnect", "Overlay", "PHP SDK", "Packages", "ParentCompany", "Partners",
    "Plans", "Playground", "Portal", "Postman", "Postman Collection", "PostmanCollection", "PostmanWorkspace",
    "PressReleases", "Pricing", "Privacy", "PrivacyPolicy", "Prompt", "PromptTemplate", "Protobuf",
    "Provenance", "PublicAPIsListing", "Python SDK", "Quickstart", "RAML", "RateLimits", "Reference",
    "Register", "Registration", "ReleaseNotes", "Releases", "Repository", "Review", "RoadMap", "Roadmap",
    "Ruby SDK", "Rules", "SBOM", "SCIReport", "SDK", "SDKs", "Sandbox", "Security", "Security Policy",
    "SecurityPolicy", "SecurityTxt", "ServerlessWorkflow", "ServiceLevelAgreement", "Services", "Sign Up",
    "SignUp", "Signup", "Slack", "SoftwareCarbonIntensity", "Solutions", "Source Code", "SourceCode",
    "Specification", "Spectral", "Spectral Rules", "SpectralRules", "SpectralRuleset", "StackOverflow",
    "Standard", "Standards", "StatusPage", "Summary", "Support", "Sustainability", "Swagger", "TaggingPolicy",
    "Terms of Service", "Terms of Use", "TermsOfService", "TermsOfUse", "Tools", "Training", "Trust",
    "TrustCenter", "Tutorials", "Twitter", "UnitEconomics", "UseCases", "Versioning", "Vocabulary",
    "VulnerabilityDisclosure", "WADL", "WSDL", "Webhooks", "Website", "WellKnown", "Wikipedia", "Workflow",
    "X", "YouTube",
];
/// How near a word must be to one of APIs.json to be taken for it (Jaro-Winkler, 1 is the same).
const NEAR: f64 = 0.92;

/// What a property leads to that is of use to whoever holds keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Lead {
    /// Where keys are made, replaced and revoked: a page or a document.
    ApiKeys,
    /// A document that says how a first key is got.
    ApiOnboarding,
    /// What the provider publishes about its APIs (RFC 9727).
    ApiCatalog,
    /// Metadata of OAuth (RFC 8414, RFC 9728) or OpenID Connect.
    #[serde(rename = "oauth")]
    OAuth,
    /// How calls are signed in.
    Authentication,
    /// Where people manage what they have.
    Console,
    /// Where people sign in.
    Login,
    /// Where people sign up.
    SignUp,
    /// The provider's pages for developers.
    Portal,
}

/// A place at which something about keys was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SeenPlace {
    /// Where.
    pub url: String,
    /// What was looked for there; null for an index of APIs (APIs.json).
    pub lead: Option<Lead>,
    /// Whether it is there.
    pub is_found: bool,
    /// What is there, or why nothing is.
    pub what: String,
}

impl Lead {
    /// What a property of this type leads to, however the type is spelled: with or without `x-`, spaces and
    /// capital letters.
    pub fn of(kind: &str) -> Option<Self> {
        let lead = match bare(kind).as_str() {
            "apikeys" | "apikey" | "keys" | "apikeymanagement" | "credentials" => Self::ApiKeys,
            "apionboarding" => Self::ApiOnboarding,
            "apicatalog" => Self::ApiCatalog,
            "openidconnect" | "openidconfiguration" | "oauthmetadata" | "oauth" | "oauth2" => {
                Self::OAuth
            }
            "authentication" | "authenticationoverview" | "auth" | "authorization" => {
                Self::Authentication
            }
            "console" | "dashboard" | "adminconsole" => Self::Console,
            "login" | "signin" => Self::Login,
            "signup" | "register" | "registration" | "selfserviceregistration" => Self::SignUp,
            "portal" | "developerportal" | "developers" | "developer" => Self::Portal,
            _ => return None,
        };
        Some(lead)
    }

    /// What it leads to, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ApiKeys => "Keys",
            Self::ApiOnboarding => "How a first key is got",
            Self::ApiCatalog => "Catalog of its APIs",
            Self::OAuth => "OAuth metadata",
            Self::Authentication => "How calls sign in",
            Self::Console => "Console",
            Self::Login => "Sign in",
            Self::SignUp => "Sign up",
            Self::Portal => "For developers",
        }
    }

    /// The word for it in JSON, such as `api-keys`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeys => "api-keys",
            Self::ApiOnboarding => "api-onboarding",
            Self::ApiCatalog => "api-catalog",
            Self::OAuth => "oauth",
            Self::Authentication => "authentication",
            Self::Console => "console",
            Self::Login => "login",
            Self::SignUp => "sign-up",
            Self::Portal => "portal",
        }
    }
}

/// Letters and digits alone, small, without the `x-` of words that are not in the specification.
fn bare(kind: &str) -> String {
    let kind = kind.trim();
    let kind = match kind.get(..2) {
        Some("x-" | "X-") => kind.get(2..).unwrap_or_default(),
        _ => kind,
    };
    let letters = kind.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|one| one.to_ascii_lowercase()).collect()
}

/// Whether version 0.23 takes a word as the type of a property.
pub fn is_type(kind: &str) -> bool {
    let is_own = |rest: &str| {
        rest.chars().all(|one| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-'))
    };
    TYPES.binary_search(&kind).is_ok()
        || matches!(kind.get(..2), Some("x-" | "X-")) && kind.get(2..).is_some_and(is_own)
}

/// The word of version 0.23 that was probably meant; else the word as one of one's own.
pub(super) fn meant(kind: &str) -> Cow<'static, str> {
    let wanted = bare(kind);
    if let Some(same) = TYPES.iter().find(|one| bare(one) == wanted) {
        return Cow::Borrowed(same);
    }
    let near = |one: &'static str| (strsim::jaro_winkler(&bare(one), &wanted), one);
    let best = TYPES.iter().map(|one| near(one)).max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((nearness, word)) if nearness >= NEAR => Cow::Borrowed(word),
        _ => Cow::Owned(format!("x-{}", dashed(kind))),
    }
}

/// A word as a name of one's own: `Rate Limiting` as `rate-limiting`.
fn dashed(kind: &str) -> String {
    let mut out = String::new();
    for one in kind.trim().chars().take(60) {
        if one.is_ascii_alphanumeric() || matches!(one, '.' | '_') {
            out.push(one.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}
