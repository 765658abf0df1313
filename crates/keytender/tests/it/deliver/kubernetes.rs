//! A Secret of Kubernetes, and workloads, as the API's documentation says
//! (kubernetes.io/docs/reference/using-api/server-side-apply, and `patchCoreV1NamespacedSecret` and
//! `patchAppsV1NamespacedDeployment` of the published OpenAPI description): fields have managers, what a
//! manager stops naming is removed, another version and another manager's field are conflicts.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keytender::deliver::{Destination, Hook, Parts, Written};
use keytender::error::Kind;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::{Value, json};

use super::api::{Api, Asked, Said};
use super::{both, destination, new_key, refusal};
use crate::Home;
use crate::databases::block_on;

const TOKEN: &str = "k8s-t0ken";
const SECRET: [&str; 6] = ["api", "v1", "namespaces", "shop", "secrets", "stripe"];
const APPS: [&str; 5] = ["apis", "apps", "v1", "namespaces", "shop"];

/// One Secret, and the workloads that are there.
#[derive(Clone, Default)]
struct Cluster {
    /// `None`: there is no such Secret.
    data: Option<BTreeMap<String, String>>,
    version: u64,
    managers: BTreeMap<String, BTreeSet<String>>,
    is_immutable: bool,
    /// The template's annotations of each workload.
    workloads: BTreeMap<String, Value>,
}

impl Cluster {
    fn with(data: &[(&str, &str)]) -> Self {
        let fields: BTreeSet<_> = data.iter().map(|(name, _)| (*name).to_owned()).collect();
        let data = data.iter().map(|(name, value)| ((*name).to_owned(), STANDARD.encode(value)));
        Self {
            data: Some(data.collect()),
            version: 7,
            managers: BTreeMap::from([("kubectl-create".to_owned(), fields)]),
            ..Self::default()
        }
    }

    fn value(&self, name: &str) -> String {
        let bytes = STANDARD.decode(&self.data.as_ref().unwrap()[name]).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Somebody edits the Secret.
    fn edit(&mut self, name: &str, value: &str) {
        let data = self.data.get_or_insert_default();
        data.insert(name.to_owned(), STANDARD.encode(value));
        self.version += 1;
    }

    fn object(&self) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": self.data,
               "metadata": {"name": "stripe", "namespace": "shop",
                            "resourceVersion": self.version.to_string()}})
    }

    fn apply(&mut self, asked: &Asked) -> Said {
        assert_eq!(asked.header("content-type"), "application/apply-patch+yaml");
        let manager = asked.query["fieldManager"].clone();
        assert!(!manager.is_empty() && manager.len() <= 128, "{manager}");
        let body = asked.json();
        assert_eq!((&body["apiVersion"], &body["kind"]), (&json!("v1"), &json!("Secret")));
        let metadata = &body["metadata"];
        assert_eq!((&metadata["name"], &metadata["namespace"]), (&json!("stripe"), &json!("shop")));
        let version = metadata.get("resourceVersion").map(|version| version.as_str().unwrap());
        if version.is_some_and(|version| self.data.is_none() || version != self.version.to_string())
        {
            return status(409, "Conflict");
        }
        let new: BTreeMap<String, String> = serde_json::from_value(body["data"].clone()).unwrap();
        let mut next = self.clone();
        let is_force = asked.query.get("force").is_some_and(|force| force == "true");
        let data = next.data.get_or_insert_default();
        for (other, fields) in &mut next.managers {
            let is_other = |field: &String| {
                *other != manager && new.contains_key(field) && data.get(field) != new.get(field)
            };
            if fields.iter().any(is_other) && !is_force {
                return status(409, "Conflict");
            }
            let lost: Vec<String> =
                fields.iter().filter(|field| is_other(field)).cloned().collect();
            fields.retain(|field| !lost.contains(field));
        }
        let before = next.managers.remove(&manager).unwrap_or_default();
        for field in before.iter().filter(|field| !new.contains_key(*field)) {
            if !next.managers.values().any(|fields| fields.contains(field)) {
                data.remove(field);
            }
        }
        data.extend(new.clone());
        next.managers.insert(manager, new.into_keys().collect());
        if self.is_immutable && next.data != self.data {
            return status(422, "Invalid");
        }
        next.version += 1;
        let code = if self.data.is_some() { 200 } else { 201 };
        let object = next.object();
        if asked.query.get("dryRun").is_none_or(|dry| dry != "All") {
            *self = next;
        }
        Said::new(code, &object)
    }
}

fn status(code: u16, reason: &str) -> Said {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                      "reason": reason, "code": code});
    Said::new(code, &body)
}

fn answer(cluster: &mut Cluster, asked: &Asked) -> Said {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return status(401, "Unauthorized");
    }
    let steps = asked.steps();
    match (asked.method.as_str(), &steps) {
        ("GET", steps) if *steps == SECRET => match cluster.data {
            Some(_) => Said::new(200, &cluster.object()),
            None => status(404, "NotFound"),
        },
        ("PATCH", steps) if *steps == SECRET => cluster.apply(asked),
        ("PATCH", steps) if steps.starts_with(&APPS.map(str::to_owned)) => {
            assert_eq!(asked.header("content-type"), "application/strategic-merge-patch+json");
            let Some(annotations) = cluster.workloads.get_mut(&steps[5..].join("/")) else {
                return status(404, "NotFound");
            };
            let body = asked.json();
            let new = &body["spec"]["template"]["metadata"]["annotations"];
            annotations.as_object_mut().unwrap().extend(new.as_object().unwrap().clone());
            Said::new(200, &json!({"kind": "Deployment"}))
        }
        _ => status(404, "NotFound"),
    }
}

/// A cluster, the file by which kubectl reaches it, and the destination.
fn start(cluster: Cluster) -> (Home, Api<Cluster>, Value) {
    let api = Api::start(cluster, answer);
    let home = Home::new();
    home.write("token-of-shop", format!("{TOKEN}\n"));
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\n\
         clusters:\n- name: \"other\"\n  cluster: {{server: \"https://other.example\"}}\n\
         - cluster:\n    server: {}\n  name: here\n\
         contexts:\n- context: {{cluster: other, user: other}}\n  name: other\n\
         - context: {{cluster: here, user: shop}}\n  name: here\n\
         users:\n- name: other\n  user:\n    client-certificate-data: eHl6\n\
         - name: shop\n  user:\n    tokenFile: token-of-shop\n",
        api.url
    );
    let path = home.write("kubeconfig", config);
    let said = json!({"kind": "kubernetes", "namespace": "shop", "name": "stripe", "secret": "key",
                      "id": "id", "kubeconfig": path, "context": "here", "allow_private": true});
    (home, api, said)
}

#[test]
fn only_our_fields_of_a_secret_are_written_and_they_are_ours_from_then_on() {
    let cluster = Cluster::with(&[("id", "AKIAOLD"), ("key", "0ld"), ("other", "kept")]);
    let (_home, api, said) = start(cluster);
    let at = destination(said);
    block_on(at.check()).unwrap();
    assert_eq!(api.with(|cluster| cluster.version), 7);
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&both("AKIAOLD", "0ld")));
    let old = both("AKIAOLD", "0ld");
    let write = |expected: Option<&keytender::deliver::Held>| {
        block_on(at.write(expected, &new_key())).unwrap()
    };
    assert_eq!(write(Some(&both("AKIAOLD", "x"))), Written::Foreign);
    assert_eq!(write(None), Written::Foreign);
    assert_eq!(write(Some(&old)), Written::Now);
    assert_eq!(write(Some(&old)), Written::Already);
    api.with(|cluster| {
        assert_eq!((cluster.version, cluster.value("other").as_str()), (8, "kept"));
        assert_eq!(
            (cluster.value("id"), cluster.value("key")),
            ("AKIANEW".into(), "n3w/key\"+%=".into())
        );
        assert_eq!(cluster.managers["kubectl-create"], BTreeSet::from(["other".to_owned()]));
        let ours = BTreeSet::from(["id".to_owned(), "key".to_owned()]);
        assert_eq!(cluster.managers["keytender/key/id"], ours);
    });
    let encoded = STANDARD.encode("n3w/key\"+%=");
    assert!(api.asked(&["0ld", "n3w", &encoded]).len() > 5);
}

#[test]
fn destinations_in_one_secret_do_not_take_each_others_fields() {
    let (_home, api, mut said) = start(Cluster::with(&[("a", "0ld"), ("b", "0ld")]));
    said.as_object_mut().unwrap().remove("id");
    for field in ["a", "b", "a", "b"] {
        said["secret"] = field.into();
        let at = destination(said.clone());
        let held = block_on(at.read()).unwrap();
        let new = Parts {
            id: None,
            secret: Secret::new(format!("{field}{}", api.with(|one| one.version))),
        };
        assert_eq!(block_on(at.write(held.as_ref(), &new)).unwrap(), Written::Now);
    }
    api.with(|cluster| {
        assert_eq!((cluster.value("a"), cluster.value("b")), ("a9".into(), "b10".into()))
    });
}

#[test]
fn what_others_do_to_a_secret_at_the_same_moment_is_not_lost() {
    let (_home, api, said) = start(Cluster::with(&[("id", "AKIAOLD"), ("key", "0ld")]));
    let at = destination(said);
    let old = both("AKIAOLD", "0ld");
    api.before("PATCH", |cluster| cluster.edit("beside", "theirs"));
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
    assert_eq!(api.with(|cluster| cluster.value("beside")), "theirs");
    let expected = at.wanted(&new_key()).unwrap();
    let newer = Parts { id: Some("AKIANEWER".to_owned()), secret: Secret::new("n3wer") };
    api.before("PATCH", |cluster| cluster.edit("key", "theirs"));
    assert_eq!(block_on(at.write(Some(&expected), &newer)).unwrap(), Written::Foreign);
    assert_eq!(api.with(|cluster| cluster.value("key")), "theirs");
    let expected = both("AKIANEW", "theirs");
    api.lose("PATCH");
    let lost = block_on(at.write(Some(&expected), &newer)).unwrap_err();
    assert_eq!(lost.of_kind(), Kind::Provider);
    assert_eq!(block_on(at.write(Some(&expected), &newer)).unwrap(), Written::Already);
}

#[test]
fn a_secret_that_is_not_there_is_made_unless_somebody_else_makes_it() {
    let (_home, api, said) = start(Cluster::default());
    let at = destination(said.clone());
    block_on(at.check()).unwrap();
    assert!(api.with(|cluster| cluster.data.is_none()));
    api.before("PATCH", |cluster| *cluster = Cluster::with(&[("key", "theirs")]));
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Foreign);
    assert_eq!(api.with(|cluster| cluster.value("key")), "theirs");
    api.with(|cluster| *cluster = Cluster::default());
    assert_eq!(block_on(at.write(None, &new_key())).unwrap(), Written::Now);
}

#[test]
fn what_keeps_a_secret_of_kubernetes_from_being_written_is_told() {
    let mut cluster = Cluster::with(&[("id", "AKIAOLD"), ("key", "0ld")]);
    cluster.is_immutable = true;
    let (home, _api, said) = start(cluster);
    let told = |change: &dyn Fn(&mut Value)| refusal(&said, change);
    let error = told(&|_| ());
    assert!(error.contains("did not write Secret `shop/stripe`: it answered 422"), "{error}");
    let error = told(&|said| said["context"] = "other".into());
    assert!(error.contains("its user `other` has no token"), "{error}");
    let error = told(&|said| said["context"] = "gone".into());
    assert!(error.contains("it has no `gone` in `contexts`"), "{error}");
    let error = told(&|said| said["allow_private"] = "false".into());
    assert!(error.contains("private address"), "{error}");
    home.write("token-of-shop", "another");
    let error = told(&|_| ());
    assert!(error.contains("it answered 401"), "{error}");
    let with = |data: &str| {
        let file = home.path().join("kubeconfig");
        let text = std::fs::read_to_string(&file).unwrap();
        let server = text.split("server: ").nth(2).unwrap().lines().next().unwrap().to_owned();
        let more = format!("{server}\n    certificate-authority-data: {data}");
        std::fs::write(&file, text.replace(&server, &more)).unwrap();
        let error = told(&|_| ());
        std::fs::write(&file, text).unwrap();
        error
    };
    assert!(with("\"-\"").contains("its certificates are not in base64"));
    assert!(with("eHl6").contains("could not read the certificates"));
    home.write("kubeconfig", "current-context: here\ncontexts: []\n");
    assert!(told(&|_| ()).contains("it has no `here` in `contexts`"));
}

/// Where the test is within a pod; it has the destination.
const WITHIN: &str = "KEYTENDER_TEST_WITHIN_POD";

/// What the kubelet puts into a pod, in a file system that only this process sees.
const POD: &str = r#"
set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cp "$1/ca.crt" "$1/token" /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"
"#;

#[test]
fn within_a_pod_its_service_account_signs_in_at_the_cluster_whose_authority_it_has() {
    if let Ok(said) = std::env::var(WITHIN) {
        let at = destination(serde_json::from_str(&said).unwrap());
        block_on(at.check()).unwrap();
        let old = both("AKIAOLD", "0ld");
        assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
        return;
    }
    let said = json!({"kind": "kubernetes", "namespace": "shop", "name": "stripe", "secret": "key",
                      "id": "id", "allow_private": true});
    let error = refusal(&said, &|_| ());
    assert!(error.contains("does not run within a cluster of Kubernetes"), "{error}");
    let unshare = |more: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("--mount").args(more);
        command
    };
    let may = unshare(&["mount", "-t", "tmpfs", "none", "/run"]).output();
    if !may.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: this user may not mount file systems of its own");
        return;
    }
    let cluster = Cluster::with(&[("id", "AKIAOLD"), ("key", "0ld"), ("other", "kept")]);
    let (api, authority) = Api::start_private(cluster, answer);
    let home = Home::new();
    home.write("token", format!("{TOKEN}\n"));
    home.write("ca.crt", authority);
    let port = api.url.rsplit(':').next().unwrap().to_owned();
    let name = "deliver::kubernetes::within_a_pod_its_service_account_signs_in_at_the_cluster_whose_\
                authority_it_has";
    let done = unshare(&["sh", "-c", POD, "pod"])
        .arg(home.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(WITHIN, said.to_string())
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", port)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(api.with(|cluster| cluster.value("key")), "n3w/key\"+%=");
    assert_eq!(api.with(|cluster| cluster.value("other")), "kept");
    assert!(
        api.asked(&[])
            .iter()
            .all(|asked| { asked.header("authorization") == format!("Bearer {TOKEN}") })
    );
}

#[test]
fn a_rollout_replaces_the_pods_of_a_workload_in_the_cluster_of_the_secret() {
    let mut cluster = Cluster::with(&[("key", "0ld")]);
    for name in ["deployments/web", "statefulsets/db"] {
        cluster.workloads.insert(name.to_owned(), json!({"kept": "yes"}));
    }
    let (_home, api, said) = start(cluster);
    let secret = destination(said);
    let run = |text: &str| {
        let hook = text.parse::<Hook>().unwrap().beside(&secret);
        let stored = serde_json::to_string(&hook).unwrap();
        assert_eq!(serde_json::from_str::<Hook>(&stored).unwrap(), hook);
        block_on(hook.run(&super::programs::settings()))
    };
    for (text, place) in [
        ("rollout:shop/deployment/web", "deployments/web"),
        ("rollout:shop/statefulset/db", "statefulsets/db"),
    ] {
        run(text).unwrap();
        let annotations = api.with(|cluster| cluster.workloads[place].clone());
        assert_eq!(annotations["kept"], "yes");
        let at = annotations["kubectl.kubernetes.io/restartedAt"].as_str().unwrap();
        assert!(keytender::clock::now().since(Time::parse(at).unwrap()).as_micros() < 60_000_000);
    }
    let error = run("rollout:shop/deployment/gone").unwrap_err().report();
    assert!(error.contains("did not restart `shop/deployments/gone`: it answered 404"), "{error}");
    for text in [
        "rollout:shop/web",
        "rollout:shop/pod/web",
        "rollout:shop/deployment/a/b",
        "systemd:",
        "restart",
        "ftp://x",
    ] {
        assert!(text.parse::<Hook>().is_err(), "{text}");
    }
    let alone: Destination = destination(json!({"kind": "by-hand", "note": "x"}));
    let hook = "command:docker restart 'a b'".parse::<Hook>().unwrap().beside(&alone);
    assert_eq!(hook, Hook::Command { run: vec!["docker".into(), "restart".into(), "a b".into()] });
}
