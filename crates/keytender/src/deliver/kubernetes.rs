//! Fields of a Secret of Kubernetes, and workloads that are told to start anew.
//!
//! Fields are written by server-side apply, which changes what it names and nothing else, and says
//! whose they are from then on. What one manager stops naming is removed, so each destination is a
//! manager of its own. A write names the version that was read; if the Secret is another one by then,
//! it is refused. API: kubernetes.io/docs/reference/using-api/server-side-apply, and the published
//! OpenAPI description (`patchCoreV1NamespacedSecret`, `patchAppsV1NamespacedDeployment`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::file::FilePath;
use super::place::{Place, Put};
use super::service::{Body, Service, quoted};
use super::{Held, words};
use crate::error::Error;

mod cluster;

pub use cluster::Cluster;

/// Managers of fields have this name, and the names of the fields after it.
const MANAGER: &str = "keytender";
/// What Kubernetes takes for the name of a manager (`fieldManager`), in characters.
const MAX_MANAGER: usize = 128;
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/strategic-merge-patch+json";
/// What `kubectl rollout restart` writes, and other programs know.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// Fields of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// The namespace.
    pub namespace: String,
    /// The name of the Secret.
    pub name: String,
    /// The field of its `data` that holds the secret part of the key.
    pub secret: String,
    /// The field that holds its id, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How the cluster is reached: a file as kubectl has it. Within a cluster, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<FilePath>,
    /// Which context of that file; its current one if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the cluster may be at a private address, as most are.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

/// A Secret as it is read.
#[derive(Deserialize)]
struct Found {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

/// The version of the Secret; `None` if there is none.
pub(super) struct Seen(Option<String>);

impl Place for Kubernetes {
    type Seen = Seen;

    async fn look(&self) -> Result<(Option<Held>, Seen), Error> {
        let service = self.cluster().service().await?;
        let answer = service.call(Method::GET, self.place(&service, &[])?, None).await?;
        if answer.code == 404 {
            return Ok((None, Seen(None)));
        }
        let found: Found = answer.done(&format!("give {}", self.name()))?.owned()?;
        let part = |name: &String| -> Result<Option<Secret>, Error> {
            let Some(text) = found.data.get(name) else { return Ok(None) };
            let bytes = STANDARD.decode(text).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
            let text = text.ok_or_else(|| {
                Error::new(format!("{} of {} is no text", quoted(name), self.name()))
            })?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        };
        let id = self.id.as_ref().map(part).transpose()?.flatten();
        let held = Held::of(id, part(&self.secret)?);
        Ok((held, Seen(Some(found.metadata.resource_version))))
    }

    async fn put(&self, seen: Seen, wanted: &Held) -> Result<Put, Error> {
        self.apply(seen, wanted, false).await
    }

    fn name(&self) -> String {
        format!("Secret {}", quoted(&format!("{}/{}", self.namespace, self.name)))
    }
}

impl Kubernetes {
    /// A write of no meaning, which the cluster goes through and then forgets (`dryRun`).
    pub(super) async fn check(&self) -> Result<(), Error> {
        for _ in 0..super::place::MAX_CHANGES {
            let (_, seen) = self.look().await?;
            let probe = || Some(Secret::new("keytender"));
            let trial = Held { id: self.id.as_ref().and_then(|_| probe()), secret: probe() };
            if matches!(self.apply(seen, &trial, true).await?, Put::Done) {
                return Ok(());
            }
        }
        Err(super::place::changed(&self.name()))
    }

    /// Where the cluster is.
    pub(super) fn cluster(&self) -> Cluster {
        Cluster {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            allow_private: self.allow_private,
        }
    }

    fn place(&self, service: &Service, query: &[(&str, &str)]) -> Result<Url, Error> {
        let steps = ["api", "v1", "namespaces", &self.namespace, "secrets", &self.name];
        service.url(&steps, query)
    }

    /// Who manages these fields, and no others.
    fn manager(&self) -> Result<String, Error> {
        let mut name = format!("{MANAGER}/{}", self.secret);
        if let Some(id) = &self.id {
            name = format!("{name}/{id}");
        }
        match name.chars().count() <= MAX_MANAGER {
            true => Ok(name),
            false => Err(Error::new("the names of the fields are too long together")
                .hint("make the id and the secret a destination each")),
        }
    }

    async fn apply(&self, seen: Seen, wanted: &Held, is_dry: bool) -> Result<Put, Error> {
        let service = self.cluster().service().await?;
        let parts = [(self.id.as_ref(), &wanted.id), (Some(&self.secret), &wanted.secret)];
        let data: BTreeMap<&String, String> = parts
            .into_iter()
            .filter_map(|(name, part)| Some((name?, STANDARD.encode(part.as_ref()?.expose()))))
            .collect();
        let mut metadata = json!({"namespace": self.namespace, "name": self.name});
        if let (Some(members), Some(version)) = (metadata.as_object_mut(), &seen.0) {
            _ = members.insert("resourceVersion".to_owned(), version.as_str().into());
        }
        // JSON is YAML.
        let body =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        let manager = self.manager()?;
        let mut query = vec![("fieldManager", manager.as_str())];
        // Whoever wrote our fields before gives them up. In a Secret that is made in this moment
        // they may be somebody else's.
        if seen.0.is_some() {
            query.push(("force", "true"));
        }
        if is_dry {
            query.push(("dryRun", "All"));
        }
        let place = self.place(&service, &query)?;
        let answer = service.call(Method::PATCH, place, Some(&Body::of(APPLY, &body)?)).await?;
        if answer.code == 409 {
            return Ok(Put::Changed);
        }
        answer.done(&format!("write {}", self.name())).map(|_| Put::Done)
    }
}

/// What runs in a cluster and is told to start anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The namespace.
    pub namespace: String,
    /// What it is.
    pub workload: Workload,
    /// Its name.
    pub name: String,
    /// How the cluster is reached.
    #[serde(default)]
    pub cluster: Cluster,
}

/// Kinds of what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// A Deployment.
    Deployment,
    /// A `StatefulSet`.
    Statefulset,
    /// A `DaemonSet`.
    Daemonset,
}

impl Workload {
    const fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::Statefulset => "statefulsets",
            Self::Daemonset => "daemonsets",
        }
    }
}

impl Rollout {
    /// Has its pods replaced, as `kubectl rollout restart` does.
    pub(super) async fn run(&self, now: Time) -> Result<(), Error> {
        let service = self.cluster.service().await?;
        let kind = self.workload.resource();
        let steps = ["apis", "apps", "v1", "namespaces", &self.namespace, kind, &self.name];
        let url = service.url(&steps, &[("fieldManager", MANAGER)])?;
        let annotations = json!({RESTARTED: now.to_string()});
        let body: Value = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        let answer = service.call(Method::PATCH, url, Some(&Body::of(MERGE, &body)?)).await?;
        let name = format!("{}/{kind}/{}", self.namespace, self.name);
        answer.done(&format!("restart {}", quoted(&name))).map(|_| ())
    }
}
