//! What a document says of each check: the fact that it claims, or what is missing in it.

use crate::akm::{
    Absent, Descriptor, Display, EventScheme, Expires, FieldName, KeyType, Method, Operation,
    OperationName, Resource, RotationMode, Scheme,
};

/// What a document says; or what it lacks.
pub type Said = Result<String, String>;

/// One kind of key of a document.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'d> {
    /// The document.
    pub descriptor: &'d Descriptor,
    /// The kind of key.
    pub kind: &'d KeyType,
}

impl<'d> Subject<'d> {
    /// One kind of key of a document.
    pub const fn new(descriptor: &'d Descriptor, kind: &'d KeyType) -> Self {
        Self { descriptor, kind }
    }

    /// What the provider calls such a key.
    pub fn noun(&self) -> &'d str {
        self.kind.noun.as_deref().unwrap_or(&self.kind.id.value)
    }

    /// What such keys stand in, the outermost first.
    pub fn within(&self) -> Vec<&'d Resource> {
        self.chain(self.kind.within.as_ref().map(|within| within.value.as_str()))
    }

    /// A resource with what it stands in, the outermost first.
    pub fn chain(&self, innermost: Option<&str>) -> Vec<&'d Resource> {
        let mut chain = Vec::new();
        let mut next = innermost.and_then(|id| self.descriptor.resource(id));
        while let Some(resource) = next {
            chain.insert(0, resource);
            let within = resource.within.as_ref();
            next = within.and_then(|within| self.descriptor.resource(&within.value));
        }
        chain
    }

    /// An operation that is a call, and of which a source is sure.
    ///
    /// # Errors
    /// Why it is none.
    pub fn call(&self, name: OperationName) -> Result<&'d Operation, String> {
        is_call(name.as_str(), self.kind.operations.get(&name))
    }

    /// The way of authentication of an operation.
    pub fn method(&self, operation: &Operation) -> Option<&'d Method> {
        let auth = operation.auth.as_ref().or(self.kind.auth.as_ref());
        self.descriptor.method(auth.map(|auth| auth.value.as_str()))
    }

    fn field(&self, name: FieldName) -> bool {
        let told = self.kind.operations.values();
        self.kind.fields.contains_key(&name)
            || told.into_iter().any(|one| one.outputs.contains_key(&name))
    }

    fn shown(&self, name: FieldName, what: &str) -> Said {
        self.call(OperationName::List)?;
        match self.kind.fields.contains_key(&name) {
            true => Ok(format!("the list shows {what}")),
            false => Err(format!("the list does not show {what}")),
        }
    }

    pub(super) fn is_read(&self) -> Said {
        Ok("it is a descriptor of AKM 0.1".to_owned())
    }

    pub(super) fn keys_page(&self) -> Said {
        let pages = self.kind.operations.values().filter_map(|one| one.console.as_ref());
        let page = self.descriptor.links.console.as_ref().or_else(|| pages.into_iter().next());
        page.map(|page| page.value.clone()).ok_or_else(|| "`links.console` is not said".to_owned())
    }

    /// The pages that it names, each once.
    pub fn pages(&self) -> Vec<&'d str> {
        let links = &self.descriptor.links;
        let named = [
            &links.console,
            &links.rotate_guide,
            &links.best_practices,
            &links.docs,
            &links.report,
            &links.support,
        ];
        let consoles = self.kind.operations.values().filter_map(|one| one.console.as_ref());
        let docs = self.descriptor.authentication.methods.iter();
        let docs = docs.filter_map(|method| method.docs.as_ref());
        let mut pages: Vec<&str> = Vec::new();
        for page in named.into_iter().flatten().chain(consoles).chain(docs) {
            if !pages.contains(&page.value.as_str()) {
                pages.push(&page.value);
            }
        }
        pages
    }

    pub(super) fn links(&self) -> Said {
        match self.pages().len() {
            0 => Err("it links to no page".to_owned()),
            1 => Ok("it links to 1 page".to_owned()),
            count => Ok(format!("it links to {count} pages")),
        }
    }

    pub(super) fn authentication(&self) -> Said {
        let calls = self.kind.operations.values().filter(|one| one.request.is_some());
        let mut used = calls.filter_map(|one| self.method(one)).peekable();
        if used.peek().is_none() {
            let has_calls = self.kind.operations.values().any(|one| one.request.is_some());
            return match has_calls {
                true => Err("calls are described, and not how they are allowed".to_owned()),
                false => Ok("everything is done by hand, on pages".to_owned()),
            };
        }
        let is_explained = |method: &&Method| {
            method.bootstrap.is_some()
                || method.docs.is_some()
                || method.scheme.value == Scheme::None
        };
        let first = used.peek().map_or("", |method| method.scheme.value.as_str());
        match used.find(|method| !is_explained(method)) {
            None => Ok(format!("by `{first}`")),
            Some(method) => {
                let id = &method.id.value;
                Err(format!("neither `bootstrap` nor `docs` says how `{id}` is got"))
            }
        }
    }

    pub(super) fn operations(&self) -> Said {
        let names = [OperationName::List, OperationName::Create, OperationName::Delete];
        let open: Vec<_> =
            names.into_iter().filter(|name| !self.kind.operations.contains_key(name)).collect();
        match (open.first(), self.descriptor.gaps.is_empty()) {
            (None, _) => Ok("each is described".to_owned()),
            (Some(_), false) => Ok("what is not described stands in `gaps`".to_owned()),
            (Some(name), true) => {
                Err(format!("`{}` is not described, and `gaps` is empty", name.as_str()))
            }
        }
    }

    pub(super) fn onboarding(&self) -> Said {
        let methods = &self.descriptor.authentication.methods;
        match &self.descriptor.onboarding {
            Some(url) => Ok(url.clone()),
            None if methods.iter().any(|method| method.bootstrap.is_some()) => {
                Ok("`bootstrap` says it".to_owned())
            }
            None => Err("neither `onboarding` nor `bootstrap` is said".to_owned()),
        }
    }

    pub(super) fn permissions(&self) -> Said {
        let methods = &self.descriptor.authentication.methods;
        match methods.iter().any(|method| !method.permissions.is_empty()) {
            true => Ok("`permissions` names them".to_owned()),
            false => Err("`permissions` is not said".to_owned()),
        }
    }

    pub(super) fn lists(&self) -> Said {
        self.call(OperationName::List).map(|_| "there is a call that lists".to_owned())
    }

    pub(super) fn ids(&self) -> Said {
        self.shown(FieldName::Id, "an id")?;
        match self.kind.fields.get(&FieldName::Id).is_some_and(|field| field.is_secret()) {
            true => Err("the id is the secret itself".to_owned()),
            false => Ok("the list shows an id".to_owned()),
        }
    }

    pub(super) fn names(&self) -> Said {
        self.shown(FieldName::Name, "a name")
    }

    pub(super) fn created(&self) -> Said {
        self.shown(FieldName::CreatedAt, "when a key was made")
    }

    pub(super) fn states(&self) -> Said {
        self.call(OperationName::List)?;
        match self.kind.state.iter().any(|rule| rule.at.is_some()) {
            true => Ok("the list shows the state".to_owned()),
            false => Err("the list does not show the state".to_owned()),
        }
    }

    pub(super) fn secret_hidden(&self) -> Said {
        self.call(OperationName::List)?;
        match self.kind.display {
            Some(Display::Once) => Ok("a secret is shown once".to_owned()),
            Some(Display::Never) => Ok("the holder makes the secret".to_owned()),
            Some(Display::Always) => Err("the list shows secrets".to_owned()),
            Some(Display::OnDemand) => Err("secrets are shown to whoever asks".to_owned()),
            None => Err("`display` is not said".to_owned()),
        }
    }

    pub(super) fn read_only(&self) -> Said {
        let list = self.call(OperationName::List)?;
        let words = |operation, name| {
            self.method(operation).and_then(|method| method.permissions.get(&name))
        };
        let reads = words(list, OperationName::List).filter(|words| !words.is_empty());
        let reads = reads.ok_or("the permission to list is not named")?;
        let changing = [OperationName::Create, OperationName::Suspend, OperationName::Delete];
        for name in changing {
            let Ok(operation) = self.call(name) else { continue };
            let name_of = name.as_str();
            let needs = words(operation, name);
            let needs = needs.ok_or_else(|| format!("the permission to {name_of} is not named"))?;
            if needs.iter().all(|word| reads.contains(word)) {
                return Err(format!("whoever may list may also {name_of}"));
            }
        }
        Ok(format!("{} suffices to list", reads.join(", ")))
    }

    pub(super) fn gets(&self) -> Said {
        self.call(OperationName::Get).map(|_| "there is a call that reads one".to_owned())
    }

    pub(super) fn owners(&self) -> Said {
        match (self.kind.fields.contains_key(&FieldName::Owner), &self.kind.within) {
            (true, _) => Ok("the list shows it".to_owned()),
            (false, Some(within)) => Ok(format!("it is the {} that it stands in", within.value)),
            (false, None) => Err("who a key acts for is not shown".to_owned()),
        }
    }

    pub(super) fn scopes(&self) -> Said {
        self.shown(FieldName::Scopes, "what a key may do")
    }

    pub(super) fn creates(&self) -> Said {
        let create = self.call(OperationName::Create)?;
        let tells = |name| create.outputs.contains_key(&name);
        match (tells(FieldName::Secret), tells(FieldName::Id)) {
            (true, true) => Ok("there is a call that makes one".to_owned()),
            (true, false) => Err("the answer does not say which key it is".to_owned()),
            (false, _) => Err("the answer gives no secret".to_owned()),
        }
    }

    pub(super) fn appears(&self) -> Said {
        self.call(OperationName::List)?;
        let create = self.call(OperationName::Create)?;
        Ok(create
            .propagation_seconds
            .map_or_else(|| "there are calls that make and list".to_owned(), within_seconds))
    }

    pub(super) fn suspends(&self) -> Said {
        let suspend = self.call(OperationName::Suspend)?;
        Ok(suspend
            .propagation_seconds
            .map_or_else(|| "there is a call that suspends".to_owned(), within_seconds))
    }

    pub(super) fn resumes(&self) -> Said {
        self.call(OperationName::Resume).map(|_| "there is a call that resumes".to_owned())
    }

    pub(super) fn deletes(&self) -> Said {
        self.call(OperationName::Delete).map(|_| "there is a call that deletes".to_owned())
    }

    pub(super) fn times(&self) -> Said {
        let names = [OperationName::Create, OperationName::Suspend, OperationName::Delete];
        let mut longest = None;
        for name in names {
            let Ok(operation) = self.call(name) else { continue };
            let seconds = operation.propagation_seconds;
            longest = longest.max(Some(seconds.ok_or_else(|| unstated(name.as_str()))?));
        }
        longest.map(within_seconds).ok_or_else(|| "nothing is done by calls".to_owned())
    }

    pub(super) fn updates(&self) -> Said {
        let update = self.call(OperationName::Update)?;
        match update.args.contains_key("name") {
            true => Ok("there is a call that gives another name".to_owned()),
            false => Err("`update` has no argument `name`".to_owned()),
        }
    }

    pub(super) fn idempotent(&self) -> Said {
        let create = self.call(OperationName::Create)?;
        let header = create.idempotency_header.as_ref();
        header
            .map(|header| format!("by the header {header}"))
            .ok_or_else(|| "`create` names no `idempotencyHeader`".to_owned())
    }

    /// Whether a key is replaced by a second one rather than by another secret.
    pub fn makes_second(&self) -> bool {
        let mode = self.kind.rotation.as_ref().map(|rotation| rotation.mode);
        !matches!(mode, Some(RotationMode::InPlace | RotationMode::InPlaceOverlap))
    }

    pub(super) fn both_work(&self) -> Said {
        let mode = self.kind.rotation.as_ref().map(|rotation| rotation.mode);
        match mode {
            None => Err("`rotation` is not said".to_owned()),
            Some(RotationMode::None) => Err("keys are replaced by hand alone".to_owned()),
            Some(RotationMode::InPlace) => {
                Err("the old secret ends in the moment in which the new one is made".to_owned())
            }
            Some(RotationMode::InPlaceOverlap) => {
                self.call(OperationName::Rotate)?;
                Ok("the old secret works on for a while".to_owned())
            }
            Some(RotationMode::CreateThenDelete | RotationMode::TwoSlots) => {
                self.creates()?;
                let most = self.kind.limits.as_ref().and_then(|limits| limits.max_per_owner);
                match most {
                    Some(0 | 1) => Err("an owner has room for one key".to_owned()),
                    _ => Ok("a second key is made beside the first".to_owned()),
                }
            }
        }
    }

    pub(super) fn old_refused(&self) -> Said {
        self.both_work()?;
        let overlap = self.kind.rotation.as_ref().and_then(|rotation| rotation.overlap_seconds);
        match (self.makes_second(), overlap) {
            (true, _) => self.deletes().map(|_| "the old key is deleted".to_owned()),
            (false, Some(seconds)) => Ok(format!("it ends after {seconds} s")),
            (false, None) => Err("`overlapSeconds` is not said".to_owned()),
        }
    }

    pub(super) fn scopes_kept(&self) -> Said {
        self.both_work()?;
        if !self.makes_second() {
            return Ok("it stays the same key".to_owned());
        }
        let create = self.call(OperationName::Create)?;
        let has_scopes = self.kind.fields.contains_key(&FieldName::Scopes);
        match (has_scopes, create.args.contains_key("scopes")) {
            (_, true) => Ok("`create` takes `scopes`".to_owned()),
            (false, false) => Ok("keys of an owner may all do the same".to_owned()),
            (true, false) => Err("`create` does not take `scopes`".to_owned()),
        }
    }

    pub(super) fn expiry(&self) -> Said {
        let takes = |name| {
            self.call(name).is_ok_and(|operation: &Operation| {
                operation.args.get("expires").is_some_and(|arg| arg.format.is_some())
            })
        };
        if self.kind.lifetime.as_ref().is_some_and(|one| one.expires == Expires::Never) {
            return Err("keys do not end".to_owned());
        }
        if ![OperationName::Create, OperationName::Rotate].into_iter().any(takes) {
            return Err("no call takes `expires`".to_owned());
        }
        self.shown(FieldName::ExpiresAt, "when a key ends")
    }

    pub(super) fn use_seen(&self) -> Said {
        match self.kind.last_used.available && self.field(FieldName::LastUsedAt) {
            true => Ok("the last use is told".to_owned()),
            false => Err("the last use is not told".to_owned()),
        }
    }

    pub(super) fn never_used(&self) -> Said {
        self.use_seen()?;
        match self.kind.last_used.absent {
            Absent::Never => Ok("no time means no use".to_owned()),
            Absent::Unknown => Err("where there is no time, nobody knows".to_owned()),
        }
    }

    pub(super) fn exactness(&self) -> Said {
        self.use_seen()?;
        let used = &self.kind.last_used;
        match (used.granularity_seconds, used.lag_seconds) {
            (Some(exact), Some(late)) => Ok(format!("exact to {exact} s, at most {late} s late")),
            (None, _) => Err("`granularitySeconds` is not said".to_owned()),
            (_, None) => Err("`lagSeconds` is not said".to_owned()),
        }
    }

    pub(super) fn acts_logged(&self) -> Said {
        self.call(OperationName::Audit).map(|_| "there is a call that reads the log".to_owned())
    }

    pub(super) fn tells(&self, name: FieldName) -> Said {
        match self.field(name) {
            true => Ok("it is told".to_owned()),
            false => Err("it is not told".to_owned()),
        }
    }

    pub(super) fn report(&self) -> Said {
        self.call(OperationName::Report).map(|_| "there is a call that gives it".to_owned())
    }

    pub(super) fn notices(&self) -> Said {
        let notices = self.descriptor.notices.as_ref().ok_or("`notices` is not said")?;
        if notices.age_days.is_empty() {
            return Err("it does not tell of keys that grow old".to_owned());
        }
        if notices.expiry_days.is_empty() {
            return Err("it does not tell of keys that end soon".to_owned());
        }
        is_call("settings", notices.settings.as_ref())?;
        is_call("set", notices.set.as_ref()).map(|_| "there is a call that sets them".to_owned())
    }

    pub(super) fn events(&self) -> Said {
        let events = self.descriptor.events.as_ref().ok_or("`events` is not said")?;
        if !events.scheme.contains(&EventScheme::StandardWebhooks) {
            return Err("none are signed as Standard Webhooks are".to_owned());
        }
        for name in ["key.created", "key.rotated", "key.revoked"] {
            if !events.types.contains_key(name) {
                return Err(format!("there is no event `{name}`"));
            }
        }
        let subscribe = is_call("subscribe", events.subscribe.as_ref())?;
        is_call("unsubscribe", events.unsubscribe.as_ref())?;
        match subscribe.outputs.contains_key(&FieldName::Secret) {
            true => Ok("they are ordered by a call, and signed".to_owned()),
            false => Err("`subscribe` gives no `secret` that signs".to_owned()),
        }
    }

    pub(super) fn recognisable(&self) -> Said {
        let format = self.kind.format.as_ref();
        let has = |is_said: Option<bool>| is_said == Some(true);
        if !has(format.map(|format| format.pattern.is_some())) {
            return Err("`format.pattern` is not said".to_owned());
        }
        match has(format.map(|format| format.checksum.is_some())) {
            true => Ok("`format` has a pattern and a checksum".to_owned()),
            false => Err("keys have no checksum".to_owned()),
        }
    }

    pub(super) fn exposed_door(&self) -> Said {
        let door = self.call(OperationName::RevokeExposed)?;
        let method = self.method(door);
        if method.is_some_and(|method| method.scheme.value != Scheme::None) {
            return Err("it needs a credential".to_owned());
        }
        if !door.args.contains_key("secret") {
            return Err("`revokeExposed` has no argument `secret`".to_owned());
        }
        match door.success.as_slice() {
            [202] => Ok("anybody may report one".to_owned()),
            _ => Err("it is not answered by 202 alone".to_owned()),
        }
    }

    /// The innermost of what keys stand in that can be ended or suspended by a call.
    pub fn ending_owner(&self) -> Option<(&'d Resource, OperationName)> {
        let names = [OperationName::Delete, OperationName::Suspend];
        self.within().into_iter().rev().find_map(|resource| {
            let can = |name: &OperationName| {
                is_call(name.as_str(), resource.operations.get(name)).is_ok()
            };
            names.into_iter().find(can).map(|name| (resource, name))
        })
    }

    pub(super) fn owner_ends(&self) -> Said {
        match self.ending_owner() {
            Some((resource, name)) => {
                Ok(format!("there is a call to {} a {}", name.as_str(), resource.noun))
            }
            None => Err("no call ends or suspends what keys stand in".to_owned()),
        }
    }

    pub(super) fn unused_notice(&self) -> Said {
        let days = self.descriptor.notices.as_ref().map(|notices| notices.unused_days.is_empty());
        match days {
            Some(false) => Ok("`notices.unusedDays` says when".to_owned()),
            _ => Err("`notices.unusedDays` is not said".to_owned()),
        }
    }

    pub(super) fn exposed_notice(&self) -> Said {
        let events = self.descriptor.events.as_ref();
        match events.is_some_and(|events| events.types.contains_key("key.exposed")) {
            true => Ok("there is an event for it".to_owned()),
            false => Err("there is no event `key.exposed`".to_owned()),
        }
    }

    pub(super) fn guidance(&self) -> Said {
        let links = &self.descriptor.links;
        match (&links.rotate_guide, &links.best_practices) {
            (Some(_), Some(_)) => Ok("it links to both".to_owned()),
            (None, _) => Err("`links.rotateGuide` is not said".to_owned()),
            (_, None) => Err("`links.bestPractices` is not said".to_owned()),
        }
    }

    pub(super) fn scanning(&self) -> Said {
        let format = self.kind.format.as_ref();
        let name = format.and_then(|format| format.secret_scanning_type.as_ref());
        name.map(|name| format!("as {name}"))
            .ok_or_else(|| "`format.secretScanningType` is not said".to_owned())
    }
}

/// An operation, if it is a call of which a source is sure.
fn is_call<'o>(name: &str, operation: Option<&'o Operation>) -> Result<&'o Operation, String> {
    let operation = operation.ok_or_else(|| format!("`{name}` is not described"))?;
    if operation.request.is_none() {
        return Err(format!("`{name}` is done by hand, on a page"));
    }
    match &operation.unsure {
        Some(_) => Err(format!("no source is sure of `{name}`")),
        None => Ok(operation),
    }
}

fn within_seconds(seconds: u32) -> String {
    format!("within {seconds} s")
}

fn unstated(name: &str) -> String {
    format!("how long `{name}` takes is not said: `propagationSeconds`")
}
