//! Which variables of an account a kind of key needs.

use std::collections::BTreeSet;

use super::document::{Descriptor, Scheme};
use super::key_type::KeyType;
use super::operation::{Body, Operation, OperationName, Request};
use super::template::Template;

impl Descriptor {
    /// The variables that are needed to list keys of a kind, with and without a default.
    pub fn needs<'d>(&'d self, kind: &'d KeyType) -> BTreeSet<&'d str> {
        let mut lists: Vec<&Operation> =
            kind.operations.get(&OperationName::List).into_iter().collect();
        let mut next = kind.within.as_ref();
        while let Some(resource) = next.and_then(|id| self.resource(&id.value)) {
            lists.extend(resource.operations.get(&OperationName::List));
            next = resource.within.as_ref().filter(|_| lists.len() <= self.resources.len());
        }
        let method = self.method(kind.auth.as_ref().map(|auth| auth.value.as_str()));
        let calls = lists.iter().filter_map(|list| list.request.as_ref()).flat_map(templates);
        let allowed = method.map(|method| of_scheme(&method.scheme.value)).unwrap_or_default();
        let all = calls.chain(allowed).chain(&self.server);
        let names = all.flat_map(Template::names).filter(|name| name.scope == "var");
        names.map(|name| name.field.as_str()).collect()
    }
}

/// Every text of a request in which names may stand.
fn templates(request: &Request) -> Vec<&Template> {
    let body = request.json.iter().flat_map(Body::templates);
    let form = request.form.iter().flat_map(|form| form.values());
    let url = std::iter::once(&request.url);
    url.chain(request.query.values())
        .chain(request.headers.values())
        .chain(body)
        .chain(form)
        .collect()
}

/// Every text of a way of authentication.
fn of_scheme(scheme: &Scheme) -> Vec<&Template> {
    match scheme {
        Scheme::None | Scheme::Bearer | Scheme::Query { .. } | Scheme::RequestSigning { .. } => {
            Vec::new()
        }
        Scheme::Headers(headers) => headers.values().collect(),
        Scheme::Basic { username, password } => vec![username, password],
        Scheme::Oauth2ClientCredentials { token_url, client_id, client_secret, scope, form } => {
            let texts = [token_url, client_id, client_secret].into_iter().chain(scope);
            texts.chain(form.values()).collect()
        }
        Scheme::JwtBearer { token_url, issuer, private_key, key_id, scope } => {
            [token_url, issuer, private_key].into_iter().chain(key_id).chain(scope).collect()
        }
        Scheme::GithubApp { app_id, token_url, private_key } => {
            vec![app_id, token_url, private_key]
        }
        Scheme::Login { request, headers, .. } => {
            templates(request).into_iter().chain(headers.values()).collect()
        }
    }
}
