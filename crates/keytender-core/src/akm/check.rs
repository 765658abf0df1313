//! Holds a descriptor against itself: every name has a meaning where it stands, every reference leads
//! somewhere, and nothing is asked for that a descriptor must not have.

mod address;
mod words;

use std::collections::BTreeMap;

use self::address::is_name;
use super::document::{Descriptor, Method, Resource, Scheme};
use super::key_type::{KeyType, RotationMode};
use super::operation::{
    Effect, FieldName, HttpMethod, Operation, OperationName, Paging, Request, Sent,
};
use super::place::{Fault, Place, Placed};
use super::pointer::Pointer;
use super::read::Field;
use super::template::Template;
use crate::time::Time;

/// The most kinds of keys, or of resources.
const MAX_KINDS: usize = 40;

/// What can be done with what keys stand in.
const ON_RESOURCES: [OperationName; 6] = [
    OperationName::List,
    OperationName::Get,
    OperationName::Create,
    OperationName::Suspend,
    OperationName::Resume,
    OperationName::Delete,
];

/// What is odd; or everything that is wrong.
pub(super) fn check(descriptor: &Descriptor) -> Result<Vec<Fault>, Vec<Fault>> {
    let mut checker = Checker { descriptor, faults: Vec::new(), warnings: Vec::new() };
    checker.provider();
    checker.texts();
    checker.variables();
    checker.server();
    checker.methods();
    checker.resources();
    checker.key_types();
    checker.told();
    checker.links();
    let Checker { mut faults, warnings, .. } = checker;
    faults.sort_by_key(|fault| fault.place);
    if faults.is_empty() { Ok(warnings) } else { Err(faults) }
}

struct Checker<'d> {
    descriptor: &'d Descriptor,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// Which names may stand in a template.
#[derive(Clone, Copy, Default)]
struct Allowed<'d> {
    /// The resources that the call is about.
    within: &'d [&'d str],
    /// What it is about by itself, beside what that stands in.
    one: One<'d>,
    /// What the caller decides.
    args: Option<&'d BTreeMap<String, super::operation::Arg>>,
    /// The parts of the secret, where it may stand.
    secret: Option<&'d [Placed<String>]>,
    /// Whether a token of a login may stand here.
    login: bool,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum One<'d> {
    /// No one thing.
    #[default]
    Nothing,
    /// One key.
    Key,
    /// One entry of the resource of this name.
    Entry(&'d str),
    /// One order of events.
    Order,
}

impl One<'_> {
    /// Whether a name of this scope says which it is.
    fn is_named_by(self, scope: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Key => scope == "key",
            Self::Entry(resource) => scope == resource,
            Self::Order => scope == "subscription",
        }
    }

    /// The word in a descriptor for an operation on it.
    const fn word(self, name: OperationName) -> &'static str {
        match (self, name) {
            (Self::Order, OperationName::Create) => "subscribe",
            (Self::Order, OperationName::Delete) => "unsubscribe",
            (Self::Nothing, OperationName::Get) => "settings",
            (Self::Nothing, OperationName::Update) => "set",
            _ => name.as_str(),
        }
    }
}

/// Whose operation one is.
#[derive(Clone, Copy)]
struct Bearer<'d> {
    /// What it stands in.
    within: &'d [&'d str],
    /// One of its kind.
    one: One<'d>,
    /// The fields of one, if it is listed.
    fields: Option<&'d BTreeMap<FieldName, Field>>,
    /// Where it stands in the text.
    place: Place,
}

impl<'d> Checker<'d> {
    fn fault(&mut self, place: Place, message: impl Into<String>) {
        self.faults.push(Fault::new(place, message));
    }

    fn warn(&mut self, place: Place, message: impl Into<String>) {
        self.warnings.push(Fault::new(place, message));
    }

    fn provider(&mut self) {
        let provider = &self.descriptor.provider;
        self.word(&provider.id, "a provider");
        self.page(&provider.url);
        if let Some(url) = &provider.apis_json_url {
            self.page(url);
        }
        for url in self.descriptor.onboarding.iter().chain(&self.descriptor.openapi) {
            self.page_at(url, provider.id.place);
        }
        for source in &self.descriptor.sources {
            if let Some(url) = &source.url {
                self.page(url);
            }
        }
    }

    fn variables(&mut self) {
        for (name, variable) in &self.descriptor.variables {
            let Some(default) = &variable.default else { continue };
            if variable.is_host && !is_name(&default.value) {
                self.fault(default.place, format!("`{}` is no host", default.value));
            }
            if default.value.is_empty() {
                self.fault(default.place, format!("an empty `{name}`: leave `default` out"));
            }
        }
    }

    fn server(&mut self) {
        if let Some(server) = &self.descriptor.server {
            self.url(server, Allowed::default());
            if server.to_string().starts_with('/') {
                self.fault(server.place(), "a server begins with https://");
            }
        }
    }

    fn methods(&mut self) {
        let methods = &self.descriptor.authentication.methods;
        self.unique(methods.iter().map(|method| &method.id), "way of authentication");
        for method in methods {
            self.method(method);
        }
    }

    fn method(&mut self, method: &'d Method) {
        self.texts_of_method(method);
        for part in &method.parts {
            self.word_with(&part.value, part.place, "a part", |one| one == '_');
        }
        let secret = Allowed { secret: Some(&method.parts), ..Allowed::default() };
        let place = method.scheme.place;
        match &method.scheme.value {
            Scheme::None | Scheme::Bearer => {}
            Scheme::Headers(headers) => self.secret_headers(headers, secret),
            Scheme::Basic { username, password } => {
                self.template(username, secret);
                self.template(password, secret);
            }
            Scheme::Query { name } => self.warn(
                place,
                format!("a secret in a URL is read by others: calls with `{name}` are not made"),
            ),
            Scheme::RequestSigning { name } => {
                self.warn(place, format!("calls signed by {name} are not made from a descriptor"));
            }
            Scheme::Oauth2ClientCredentials {
                token_url,
                client_id,
                client_secret,
                scope,
                form,
            } => {
                self.url(token_url, Allowed::default());
                for template in [client_id, client_secret].into_iter().chain(scope) {
                    self.template(template, secret);
                }
                form.values().for_each(|template| self.template(template, secret));
            }
            Scheme::JwtBearer { token_url, issuer, private_key, key_id, scope } => {
                self.url(token_url, Allowed::default());
                for template in [issuer, private_key].into_iter().chain(key_id).chain(scope) {
                    self.template(template, secret);
                }
            }
            Scheme::GithubApp { app_id, token_url, private_key } => {
                self.url(token_url, Allowed::default());
                self.template(app_id, secret);
                self.template(private_key, secret);
            }
            Scheme::Login { request, headers, .. } => {
                self.request(request, Allowed::default(), secret, OperationName::Create);
                self.secret_headers(headers, Allowed { login: true, ..secret });
            }
        }
        if let Some(docs) = &method.docs {
            self.page(docs);
        }
    }

    fn resources(&mut self) {
        let resources = &self.descriptor.resources;
        if resources.len() > MAX_KINDS {
            let place = resources.last().map(|one| one.id.place).unwrap_or_default();
            self.fault(place, format!("at most {MAX_KINDS} resources"));
        }
        self.unique(resources.iter().map(|resource| &resource.id), "resource");
        for resource in resources {
            if ["var", "arg", "key", "secret", "login", "subscription"]
                .contains(&resource.id.value.as_str())
            {
                let message = format!("`{}` has a meaning of its own", resource.id.value);
                self.fault(resource.id.place, message);
            }
            let within = self.within(resource.within.as_ref());
            let has_list = resource.operations.contains_key(&OperationName::List);
            if !has_list || !resource.fields.contains_key(&FieldName::Id) {
                let message = "a resource has an operation `list` and a field `id`";
                self.fault(resource.id.place, message);
            }
            if resource.fields.get(&FieldName::Id).is_some_and(Field::is_secret) {
                self.fault(
                    resource.id.place,
                    "the id of a resource stands in URLs: it is no secret",
                );
            }
            for name in resource.operations.keys() {
                if !ON_RESOURCES.contains(name) {
                    let message = format!("a resource has no operation `{}`", name.as_str());
                    self.fault(resource.id.place, message);
                }
            }
            self.fields(&resource.fields, false);
            let (one, fields) = (One::Entry(&resource.id.value), Some(&resource.fields));
            let bearer = Bearer { within: &within, one, fields, place: resource.id.place };
            self.operations(&resource.operations, bearer);
        }
    }

    fn key_types(&mut self) {
        let kinds = &self.descriptor.key_types;
        if kinds.is_empty() || kinds.len() > MAX_KINDS {
            self.fault(Place::default(), format!("`keyTypes` has 1 to {MAX_KINDS} entries"));
        }
        self.unique(kinds.iter().map(|kind| &kind.id), "kind of key");
        for kind in kinds {
            let within = self.within(kind.within.as_ref());
            if let Some(auth) = &kind.auth {
                self.method_of(auth);
            }
            self.texts_of_kind(kind);
            self.fields(&kind.fields, false);
            self.states(kind);
            let (one, fields) = (One::Key, Some(&kind.fields));
            let bearer = Bearer { within: &within, one, fields, place: kind.id.place };
            self.operations(&kind.operations, bearer);
            self.rest(kind);
        }
    }

    /// What goes beyond single operations of a kind of key.
    fn rest(&mut self, kind: &KeyType) {
        let is_call = |name: OperationName| {
            kind.operations.get(&name).is_some_and(|operation| operation.request.is_some())
        };
        if is_call(OperationName::List) && !kind.fields.contains_key(&FieldName::Id) {
            self.fault(kind.id.place, "keys that are listed need `fields.id`");
        }
        for name in &kind.complete {
            let is_detail = matches!(name.value, OperationName::Get | OperationName::LastUsed);
            if !is_detail || !is_call(name.value) {
                let message = "`complete` names `get` or `lastUsed`, where these are calls";
                self.fault(name.place, message);
            }
        }
        if let Some(since) = &kind.last_used.since
            && Time::parse(&since.value).is_err()
        {
            self.fault(since.place, format!("`{}` is no date", since.value));
        }
        let tells_use = kind.fields.contains_key(&FieldName::LastUsedAt)
            || kind
                .operations
                .values()
                .any(|operation| operation.outputs.contains_key(&FieldName::LastUsedAt));
        if is_call(OperationName::List) && kind.last_used.available != tells_use {
            let message = match tells_use {
                true => "`lastUsedAt` is read: say `lastUsed: {available: true}`",
                false => "`lastUsed.available`, and no field `lastUsedAt`",
            };
            self.fault(kind.id.place, message);
        }
        if let Some(rotation) = &kind.rotation {
            let needed = match rotation.mode {
                RotationMode::CreateThenDelete => {
                    &[OperationName::Create, OperationName::Delete][..]
                }
                RotationMode::InPlace | RotationMode::InPlaceOverlap => &[OperationName::Rotate],
                RotationMode::TwoSlots | RotationMode::None => &[],
            };
            for name in needed.iter().filter(|name| !kind.operations.contains_key(name)) {
                let message =
                    format!("this way of rotation needs the operation `{}`", name.as_str());
                self.fault(kind.id.place, message);
            }
        }
    }

    fn states(&mut self, kind: &KeyType) {
        for rule in &kind.state {
            let place = rule.at.as_ref().map_or(kind.id.place, Pointer::place);
            let says = usize::from(rule.is.is_some())
                + usize::from(!rule.words.is_empty())
                + usize::from(rule.past);
            if says > 1 || (rule.at.is_none() && says > 0) {
                self.fault(
                    place,
                    "a rule has `at` and one of `is`, `words` and `past`, or `then` alone",
                );
            }
            if rule.words.is_empty() == rule.then.is_none() {
                self.fault(place, "a rule says the state by `words`, or by `then`");
            }
        }
    }

    fn fields(&mut self, fields: &BTreeMap<FieldName, Field>, may_be_secret: bool) {
        for (name, field) in fields {
            let place = field.at().place();
            if *name == FieldName::Secret && !may_be_secret {
                self.fault(place, "a secret is read from `create` and `rotate` alone");
            }
            if field.format().is_some() && !name.is_time() {
                self.fault(place, "`as` is for times");
            }
            if field.is_secret() && *name != FieldName::Id {
                self.fault(place, "`isSecret` is for an id that is the secret itself");
            }
        }
    }

    /// What the provider tells by itself, and when it writes to people.
    fn told(&mut self) {
        let place = self.descriptor.provider.id.place;
        if let Some(events) = &self.descriptor.events {
            let within = self.within(events.within.as_ref());
            let bearer = Bearer { within: &within, one: One::Order, fields: None, place };
            events
                .operations()
                .for_each(|(name, operation)| self.operation(name, operation, bearer));
            let lacks = |name: &FieldName, one: &Operation| !one.outputs.contains_key(name);
            if let Some(subscribe) = events.subscribe.as_ref().filter(|one| one.request.is_some())
                && (lacks(&FieldName::Id, subscribe) || !subscribe.args.contains_key("url"))
            {
                self.fault(place, "`subscribe` has an argument `url`, and `outputs` with the `id`");
            }
        }
        if let Some(notices) = &self.descriptor.notices {
            let within = self.within(notices.within.as_ref());
            let bearer = Bearer { within: &within, one: One::Nothing, fields: None, place };
            notices
                .operations()
                .for_each(|(name, operation)| self.operation(name, operation, bearer));
        }
    }

    fn operations(
        &mut self,
        operations: &'d BTreeMap<OperationName, Operation>,
        bearer: Bearer<'_>,
    ) {
        for (name, operation) in operations {
            self.operation(*name, operation, bearer);
            let over = operation.request.as_ref().and_then(|request| request.over.as_ref());
            if let Some(over) = over {
                let there = operations.get(&over.value);
                let is_call = there.is_some_and(|there| there.request.is_some());
                if over.value != OperationName::Get || !is_call {
                    self.fault(over.place, "`over` names `get`, where that is a call");
                }
            }
        }
    }

    fn operation(&mut self, name: OperationName, operation: &'d Operation, bearer: Bearer<'_>) {
        let place = place_of(operation).unwrap_or(bearer.place);
        match (&operation.request, &operation.console) {
            (Some(_), None) => {}
            (None, Some(console)) => self.page(console),
            _ => {
                let word = bearer.one.word(name);
                let message = format!("`{word}` has either a `request` or a `console`");
                self.fault(place, message);
            }
        }
        if let Some(auth) = &operation.auth {
            self.method_of(auth);
        }
        if let Some(docs) = &operation.docs {
            self.page(docs);
        }
        if let Some(effect) = &operation.effect
            && effect.value < name.effect()
        {
            let message = format!("`{}` does more than that, whatever is said", name.as_str());
            self.fault(effect.place, message);
        }
        self.texts_of_operation(operation, place);
        let Some(request) = &operation.request else { return };
        // A list and a new key are about no key that there is.
        let one = match name {
            OperationName::List | OperationName::Create | OperationName::Whoami => One::Nothing,
            _ => bearer.one,
        };
        let args = Some(&operation.args);
        let allowed = Allowed { within: bearer.within, one, args, ..Allowed::default() };
        self.request(request, allowed, allowed, name);
        self.answer(name, operation, place);
        self.named(name, request, bearer);
    }

    /// What is read from the answer.
    fn answer(&mut self, name: OperationName, operation: &Operation, place: Place) {
        let makes = matches!(name, OperationName::Create | OperationName::Rotate);
        self.fields(&operation.outputs, makes);
        let lists = matches!(name, OperationName::List | OperationName::Audit);
        if lists && operation.items.is_none() {
            let message = format!("`{}` says where its `items` stand", name.as_str());
            self.fault(place, message);
        }
        if !lists && operation.items.is_some() {
            self.fault(place, "`items` is for `list` and `audit`; others have an `item`");
        }
        if operation.paging != Paging::None && !lists {
            self.fault(place, "only `list` and `audit` have `paging`");
        }
        let tells = |name| operation.outputs.contains_key(&name);
        let is_told = tells(FieldName::ActedAt) && tells(FieldName::Act);
        if name == OperationName::Audit && !is_told {
            self.fault(place, "`audit` says where `act` and `actedAt` stand, in `outputs`");
        }
        if operation.unread.is_some() && name != OperationName::List {
            self.fault(place, "only `list` has `unread`");
        }
        if let Paging::Cursor { next, next_header, last, param, sent, .. } = &operation.paging {
            let ways = [next.is_some(), next_header.is_some(), last.is_some()];
            if ways.into_iter().filter(|way| *way).count() != 1 {
                self.fault(place, "a cursor has one of `next`, `nextHeader` and `last`");
            }
            match sent {
                Sent::Header => self.header(param, place),
                Sent::Body if param.starts_with('/') => {
                    if let Err(why) = Pointer::parse(param, place) {
                        self.fault(place, why);
                    }
                }
                Sent::Query | Sent::Body => {}
            }
            if let Some(header) = next_header {
                self.header(header, place);
            }
        }
        if operation.success.iter().any(|code| !(200..300).contains(code)) {
            self.fault(place, "a success is a code from 200 to 299");
        }
        if operation.gone.iter().any(|code| !(400..500).contains(code)) {
            self.fault(place, "what is gone is answered by a code from 400 to 499");
        }
        if let Some(header) = &operation.idempotency_header {
            self.header(header, place);
        }
        for (arg, what) in &operation.args {
            if what.required && what.default.is_some() {
                self.fault(place, format!("`{arg}` is required, and has a default"));
            }
        }
    }

    /// An operation on one thing says which; one that holds a secret does not say it in a URL.
    fn named(&mut self, name: OperationName, request: &Request, bearer: Bearer<'_>) {
        let one = bearer.one;
        let is_id = |template: &Template| template.names().any(|name| one.is_named_by(&name.scope));
        let in_url = is_id(&request.url) || request.query.values().any(is_id);
        let in_body = request.json.iter().flat_map(super::operation::Body::templates).any(is_id)
            || request.form.iter().flat_map(BTreeMap::values).any(is_id);
        let is_about_none = matches!(
            name,
            OperationName::Create | OperationName::Use | OperationName::RevokeExposed
        );
        let needs_one = name.effect() != Effect::Read && !is_about_none;
        let place = request.url.place();
        if needs_one && !in_url && !in_body {
            let named = match one {
                One::Nothing => None,
                One::Key => Some(("key", "key")),
                One::Entry(resource) => Some(("entry", resource)),
                One::Order => Some(("order", "subscription")),
            };
            if let Some((what, scope)) = named {
                let name = one.word(name);
                self.fault(place, format!("`{name}` does not say which {what}: {{{scope}.id}}"));
            }
        }
        let id = bearer.fields.and_then(|fields| fields.get(&FieldName::Id));
        if in_url && id.is_some_and(Field::is_secret) {
            self.fault(place, "its id is the secret itself, which never stands in a URL");
        }
        let is_secret = |template: &Template| {
            template.names().any(|name| name.scope == "arg" && name.field == "secret")
        };
        if is_secret(&request.url) || request.query.values().any(is_secret) {
            self.fault(place, "a secret never stands in a URL, not in an argument either");
        }
    }

    fn request(
        &mut self,
        request: &Request,
        url: Allowed<'_>,
        body: Allowed<'_>,
        name: OperationName,
    ) {
        let method = &request.method;
        let reads = name.effect() == Effect::Read;
        let fits = match method.value {
            HttpMethod::Get => reads || name == OperationName::Use,
            HttpMethod::Post => true,
            HttpMethod::Put | HttpMethod::Patch | HttpMethod::Delete => !reads,
        };
        if !fits {
            let message = format!("`{}` is not done by {}", name.as_str(), method.value.as_str());
            self.fault(method.place, message);
        }
        self.url(&request.url, url);
        for (parameter, template) in &request.query {
            if parameter.is_empty() {
                self.fault(template.place(), "a parameter has a name");
            }
            self.template(template, url);
        }
        self.headers(&request.headers, url);
        if request.json.is_some() && request.form.is_some() {
            self.fault(method.place, "a body is `json` or `form`, not both");
        }
        if method.value == HttpMethod::Get && (request.json.is_some() || request.form.is_some()) {
            self.fault(method.place, "GET has no body");
        }
        let json = request.json.iter().flat_map(super::operation::Body::templates);
        json.for_each(|template| self.template(template, body));
        let form = request.form.iter().flat_map(BTreeMap::values);
        form.for_each(|template| self.template(template, body));
    }

    fn template(&mut self, template: &Template, allowed: Allowed<'_>) {
        let names: Vec<_> = template.names().cloned().collect();
        for name in names {
            let field = name.field.as_str();
            let is_known = match name.scope.as_str() {
                "var" => self.descriptor.variables.contains_key(field),
                "arg" => allowed.args.is_some_and(|args| args.contains_key(field)),
                "key" => allowed.one == One::Key && matches!(field, "id" | "name" | "owner"),
                "subscription" => allowed.one == One::Order && field == "id",
                "secret" => allowed.secret.is_some_and(|parts| match field {
                    "" => parts.is_empty(),
                    part => parts.iter().any(|known| known.value == part),
                }),
                "login" => allowed.login && field == "token",
                resource => {
                    let is_there =
                        allowed.within.contains(&resource) || allowed.one == One::Entry(resource);
                    is_there && matches!(field, "id" | "name")
                }
            };
            if !is_known {
                let why = match name.scope.as_str() {
                    "secret" => {
                        "the secret stands in authentication alone, by its parts if it has some"
                    }
                    "var" => "there is no such variable",
                    "arg" => "there is no such argument",
                    "key" => {
                        "this is not about one key, or asks for another field than id, name, owner"
                    }
                    _ => "nothing is meant by it here",
                };
                self.fault(template.place(), format!("{name}: {why}"));
            }
        }
    }

    /// The resource that something stands in, and those that this one stands in.
    fn within(&mut self, first: Option<&'d Placed<String>>) -> Vec<&'d str> {
        let mut chain: Vec<&'d str> = Vec::new();
        let mut next = first;
        while let Some(id) = next {
            if chain.contains(&id.value.as_str()) {
                self.fault(id.place, format!("`{}` stands within itself", id.value));
                break;
            }
            let found: Option<&'d Resource> = self.descriptor.resource(&id.value);
            match found {
                Some(resource) => {
                    chain.push(&id.value);
                    next = resource.within.as_ref();
                }
                None => {
                    self.fault(id.place, format!("there is no resource `{}`", id.value));
                    break;
                }
            }
        }
        chain
    }

    fn method_of(&mut self, auth: &Placed<String>) {
        if self.descriptor.method(Some(&auth.value)).is_none() {
            self.fault(auth.place, format!("there is no way of authentication `{}`", auth.value));
        }
    }

    fn links(&mut self) {
        let links = &self.descriptor.links;
        let pages = [
            &links.console,
            &links.rotate_guide,
            &links.best_practices,
            &links.docs,
            &links.report,
            &links.support,
        ];
        for page in pages.into_iter().flatten() {
            self.page(page);
        }
        if let Some(url) =
            self.descriptor.events.as_ref().and_then(|all| all.subscribe_url.as_ref())
        {
            self.page(url);
        }
    }
}

fn place_of(operation: &Operation) -> Option<Place> {
    let request = operation.request.as_ref().map(|request| request.method.place);
    request.or_else(|| Some(operation.console.as_ref()?.place))
}
