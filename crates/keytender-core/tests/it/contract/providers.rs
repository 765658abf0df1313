//! The providers whose own descriptions are among the shared data, and what these were cut down from.

use std::path::{Path, PathBuf};

/// What stands for our own description, which is in this repository.
const OWN: &str = "keytender";

/// A provider whose description is among the shared data.
pub(crate) struct Provider {
    pub(crate) id: &'static str,
    pub(crate) files: &'static [&'static str],
    /// Paths that the descriptions were cut down from: they are not there to hold against.
    pub(crate) outside: &'static [&'static str],
}

impl Provider {
    /// The descriptions, in the folder of the shared data.
    pub(crate) fn paths(&self, shared: &Path) -> Vec<PathBuf> {
        let path = |file: &&str| match *file {
            OWN => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json"),
            file => shared.join("openapi").join(format!("{file}.openapi.json")),
        };
        self.files.iter().map(path).collect()
    }
}

/// The files of each, and what is outside of them.
pub(crate) const PROVIDERS: [Provider; 29] = [
    provider("akamai", &["akamai"], &["/identity-management/v3/api-clients"]),
    provider("algolia", &["algolia"], &[]),
    provider("auth0", &["auth0"], &["/api/v2/clients"]),
    provider("axiom", &["axiom"], &[]),
    provider(
        "azure-devops",
        &["azure-devops-pats", "azure-devops-tokenadmin"],
        &["/{}/_apis/graph/users"],
    ),
    provider(
        "cloudflare",
        &["cloudflare"],
        &[
            "/client/v4/accounts/{}/access/service_tokens",
            "/client/v4/accounts/{}/access/service_tokens/{}",
            "/client/v4/accounts/{}/access/service_tokens/{}/rotate",
        ],
    ),
    provider("datadog", &["datadog-v2", "datadog-v1"], &[]),
    provider("elastic-cloud", &["elastic-cloud"], &[]),
    provider("exoscale", &["exoscale"], &[]),
    provider("github", &["github"], &["/orgs/{}/repos", "/user"]),
    provider("gitlab", &["gitlab"], &["/api/v4/groups", "/api/v4/projects"]),
    provider(
        "google-cloud",
        &["gcp-apikeys", "gcp-iam-serviceaccount-keys", "gcp-policyanalyzer"],
        &["/v1/projects/{}/serviceAccounts"],
    ),
    provider("grafana", &["grafana"], &[]),
    provider("keytender", &[OWN], &[]),
    provider("konnect", &["konnect"], &["/v3/system-accounts", "/v3/users"]),
    provider(
        "launchdarkly",
        &["launchdarkly"],
        &["/api/v2/projects", "/api/v2/projects/{}/environments"],
    ),
    provider("mongodb-atlas", &["mongodb-atlas"], &[]),
    provider("netlify", &["netlify-deploykeys"], &[]),
    provider("okta", &["okta"], &["/api/v1/apps"]),
    provider("openai", &["openai"], &["/v1/organization/projects"]),
    provider("pinecone", &["pinecone"], &["/admin/projects"]),
    provider("pulumi", &["pulumi"], &["/api/orgs/{}/teams"]),
    provider("sendgrid", &["sendgrid"], &[]),
    provider("sentry", &["sentry-dsn"], &["/api/0/organizations/{}/projects/"]),
    provider("snyk", &["snyk"], &[]),
    provider("sumologic", &["sumologic"], &[]),
    provider("twilio", &["twilio", "twilio-2010", "twilio-accounts"], &[]),
    provider("typesense", &["typesense"], &[]),
    provider("unkey", &["unkey"], &[]),
];

const fn provider(
    id: &'static str,
    files: &'static [&'static str],
    outside: &'static [&'static str],
) -> Provider {
    Provider { id, files, outside }
}
