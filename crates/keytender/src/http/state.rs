//! What every handler reaches.

use std::sync::Arc;

use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;

use super::auth::Guard;
use super::base::Base;
use super::door::Door;
use super::limit::Limiter;
use super::published::Published;
use super::verify::gateway::Gateways;
use crate::app::node::Node;
use crate::connect::openid::Provider;
use crate::store::Store;
use crate::store::db::Location;
use crate::store::seal::Sealer;
use crate::task::Tasks;

/// What every handler reaches; a copy costs nothing.
#[derive(Clone, Debug)]
pub(super) struct State(Arc<Parts>);

impl std::ops::Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl State {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

/// What it is made of.
#[derive(Debug)]
pub(super) struct Parts {
    /// The inventory.
    pub(super) store: Store,
    /// Where it is.
    pub(super) location: Location,
    /// What the server does by itself.
    pub(super) tasks: Tasks,
    /// Which scope each operation needs.
    pub(super) guard: Guard,
    /// Verifies keys of our own APIs.
    pub(super) node: Arc<Node>,
    /// Where anybody tells of keys that leaked.
    pub(super) door: Door,
    /// Who may ask about them.
    pub(super) gateways: Gateways,
    /// How often one caller may ask.
    pub(super) limiter: Limiter,
    /// Proxies whose word on who asks is believed.
    pub(super) proxies: Vec<IpNet>,
    /// By which URL people reach the server.
    pub(super) base: Base,
    /// Where people may prove who they are instead.
    pub(super) openid: Option<Provider>,
    /// Whether callers come by TLS, here or at a proxy.
    pub(super) is_https: bool,
    /// Seals, and proves that forms came from our pages.
    pub(super) sealer: Sealer,
    /// Whether everything in the inventory is made up: what people see says so.
    pub(super) is_demo: bool,
    /// The document of the API, as JSON.
    pub(super) openapi: String,
    /// What is published of it.
    pub(super) published: Published,
    /// The figures of this process.
    pub(super) metrics: PrometheusHandle,
}
