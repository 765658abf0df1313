//! How a cluster is reached: as a kubeconfig says, or as programs within a cluster do. We sign in by a
//! token, which is what Kubernetes has for programs.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::super::file::{self, FilePath};
use super::super::pointer::Pointer;
use super::super::service::{Address, Service, quoted};
use super::super::{words, yaml};
use crate::error::Error;
use crate::net::outbound::Roots;

/// Where a pod finds who it is (kubernetes.io/docs, "Accessing the Kubernetes API from a Pod").
const WITHIN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";
/// No such file is larger.
const MAX_BYTES: u64 = 1024 * 1024;
/// No such file names more clusters, contexts or users.
const MAX_NAMED: usize = 1_000;

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// A file as kubectl has it; without one, this program runs within the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<FilePath>,
    /// Which context of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether it may be at a private address.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

/// What is known of the way.
struct Way {
    server: Address,
    roots: Option<Roots>,
    token: Secret,
}

impl Cluster {
    pub(in super::super) async fn service(&self) -> Result<Service, Error> {
        let (file, context) = (self.kubeconfig.clone(), self.context.clone());
        let way = file::blocking(move || match file {
            Some(path) => Kubeconfig::read(&PathBuf::from(path))?.way(context.as_deref()),
            None => within(),
        });
        let way = way.await?;
        Service::new(&way.server, way.roots, self.allow_private)?
            .with("authorization", &format!("Bearer {}", way.token.expose().trim()))?
            .with("accept", "application/json")
    }
}

fn within() -> Result<Way, Error> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(host), Some(port)) = (variable(HOST), variable(PORT)) else {
        return Err(Error::new("this program does not run within a cluster of Kubernetes")
            .hint("say kubeconfig=FILE of the destination"));
    };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let folder = Path::new(WITHIN);
    let server = Address::try_from(format!("https://{host}:{port}")).map_err(Error::new)?;
    let token = Secret::new(text_of(&folder.join("token"))?);
    Ok(Way { server, roots: Some(Roots::File(folder.join("ca.crt"))), token })
}

/// The text of a file of a moderate size.
fn text_of(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.map_err(|error| Error::new(format!("cannot read `{}`", path.display())).source(error))?;
    Ok(text)
}

/// A file of kubectl's: lists of clusters, contexts and users, each with a name.
struct Kubeconfig {
    path: PathBuf,
    text: Secret,
}

impl Kubeconfig {
    fn read(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), text: Secret::new(text_of(path)?) })
    }

    fn way(&self, context: Option<&str>) -> Result<Way, Error> {
        let current = match context {
            Some(name) => name.to_owned(),
            None => self.must("/current-context")?,
        };
        let context = format!("{}/context", self.named("contexts", &current)?);
        let cluster = self.named("clusters", &self.must(&format!("{context}/cluster"))?)?;
        let user = self.must(&format!("{context}/user"))?;
        let server = Address::try_from(self.must(&format!("{cluster}/cluster/server"))?);
        let server = server.map_err(|why| self.refuse(&why))?;
        let roots = self.roots(&format!("{cluster}/cluster"))?;
        Ok(Way { server, roots, token: self.token(&user)? })
    }

    fn roots(&self, cluster: &str) -> Result<Option<Roots>, Error> {
        if let Some(data) = self.get(&format!("{cluster}/certificate-authority-data"))? {
            let pem = STANDARD.decode(data.trim()).ok();
            let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
            let pem = pem.ok_or_else(|| self.refuse("its certificates are not in base64"))?;
            return Ok(Some(Roots::Pem(pem)));
        }
        let file = self.get(&format!("{cluster}/certificate-authority"))?;
        Ok(file.map(|file| Roots::File(self.beside(&file))))
    }

    fn token(&self, user: &str) -> Result<Secret, Error> {
        let place = format!("{}/user", self.named("users", user)?);
        if let Some(token) = self.get(&format!("{place}/token"))? {
            return Ok(Secret::new(token));
        }
        match self.get(&format!("{place}/tokenFile"))? {
            Some(file) => text_of(&self.beside(&file)).map(Secret::new),
            None => Err(self.refuse(&format!("its user {} has no token", quoted(user))).hint(
                "programs sign in by the token of a service account: `kubectl create token`, or a \
                 Secret of the type kubernetes.io/service-account-token",
            )),
        }
    }

    /// Where a list has the entry of this name.
    fn named(&self, list: &str, name: &str) -> Result<String, Error> {
        for place in (0..MAX_NAMED).map(|place| format!("/{list}/{place}")) {
            match self.get(&format!("{place}/name"))? {
                Some(found) if found == name => return Ok(place),
                Some(_) => {}
                None => break,
            }
        }
        Err(self.refuse(&format!("it has no {} in `{list}`", quoted(name))))
    }

    fn must(&self, place: &str) -> Result<String, Error> {
        self.get(place)?.ok_or_else(|| self.refuse(&format!("it has no `{place}`")))
    }

    fn get(&self, place: &str) -> Result<Option<String>, Error> {
        let pointer = Pointer::try_from(place.to_owned()).map_err(|why| self.refuse(why))?;
        let found = yaml::get(self.text.expose(), &pointer);
        let found = found.map_err(|fault| self.refuse(&fault.to_string()))?;
        Ok(found.map(|text| text.expose().to_owned()).filter(|text| !text.is_empty()))
    }

    /// A file that it names, from its own folder on.
    fn beside(&self, file: &str) -> PathBuf {
        self.path.parent().unwrap_or(&self.path).join(file)
    }

    fn refuse(&self, why: &str) -> Error {
        Error::new(format!("cannot use the kubeconfig `{}`", self.path.display()))
            .source(why.to_owned())
    }
}
