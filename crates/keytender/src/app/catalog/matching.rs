//! Whose an API is: by the domain that its calls go to, then by that of its home page, then by its name.

use std::collections::HashMap;

use keytender_core::akm::Descriptor;
use reqwest::Url;

use super::is_shared;
use crate::app::view::MatchedView;
use crate::connect::shelf;
use crate::net::site;
use crate::store::catalog::CatalogApi;

/// Where people manage keys of AWS, which no descriptor describes.
const AWS_CONSOLE: &str = "https://console.aws.amazon.com/iam/";

/// Providers of the shelf and of the inventory, by domain and by name.
#[derive(Debug, Default)]
pub(super) struct Providers {
    all: Vec<Provider>,
    by_domain: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, usize>,
}

/// A provider that an API may be of.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    /// Its id on the shelf, or as accounts have it.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// The page on which people manage its keys, as the shelf says.
    pub(super) console: Option<String>,
    /// Whether Keytender knows how to ask it for keys.
    pub(super) is_known: bool,
}

/// Whose an API is.
#[derive(Debug)]
pub(super) struct Matched<'p> {
    /// The provider, if one is known, and by what.
    pub(super) provider: Option<(&'p Provider, MatchedView)>,
    /// The domain of its calls, else of its home page.
    pub(super) domain: Option<String>,
}

impl Providers {
    /// Those of the shelf, and these of the inventory.
    pub(super) fn with<'a>(held: impl Iterator<Item = &'a str>) -> Self {
        let mut providers = Self::default();
        let aws = Provider {
            id: "aws".to_owned(),
            name: "Amazon Web Services".to_owned(),
            console: Some(AWS_CONSOLE.to_owned()),
            is_known: true,
        };
        providers.add(aws, vec!["amazonaws.com".to_owned()]);
        for id in shelf::names() {
            if let Ok(Some(descriptor)) = shelf::find(id) {
                providers.describe(id, &descriptor);
            }
        }
        for id in held {
            if !providers.by_name.contains_key(&plain(id)) {
                let (id, name) = (id.to_owned(), id.to_owned());
                providers.add(Provider { id, name, console: None, is_known: false }, Vec::new());
            }
        }
        providers
    }

    fn describe(&mut self, id: &str, descriptor: &Descriptor) {
        let server = descriptor.server.as_ref().map(ToString::to_string);
        let urls = [Some(descriptor.provider.url.value.clone()), server];
        // A page at a place of many says nothing of whose that place is.
        let is_page = |url: &str| Url::parse(url).is_ok_and(|url| url.path() != "/");
        let own = |url: &String| domain(url).filter(|one| !(is_shared(one) && is_page(url)));
        let mut domains: Vec<_> = urls.iter().flatten().filter_map(own).collect();
        domains.dedup();
        let console = descriptor.links.console.as_ref().map(|page| page.value.clone());
        let name = descriptor.provider.name.clone();
        let provider = Provider { id: id.to_owned(), name, console, is_known: true };
        self.add(provider, domains);
    }

    fn add(&mut self, provider: Provider, domains: Vec<String>) {
        let place = self.all.len();
        for name in [plain(&provider.id), plain(&provider.name)] {
            self.by_name.entry(name).or_insert(place);
        }
        for domain in domains {
            self.by_domain.entry(domain).or_default().push(place);
        }
        self.all.push(provider);
    }

    /// The id of the provider that is called so, as entries have it.
    pub(super) fn known_as<'a>(&'a self, id: &'a str) -> &'a str {
        let place = self.by_name.get(&plain(id));
        place.and_then(|place| self.all.get(*place)).map_or(id, |provider| provider.id.as_str())
    }

    /// Whose an API is that came with an index of this name.
    pub(super) fn of(&self, api: &CatalogApi, index: &str) -> Matched<'_> {
        let base = domain(&api.base_url);
        let page = domain(&api.human_url).filter(|domain| !is_shared(domain));
        let names = names(api, index, base.as_deref().or(page.as_deref()));
        let by_domain = |domain: &Option<String>, by| {
            let places = self.by_domain.get(domain.as_deref()?)?;
            let named = names.iter().find_map(|name| {
                let place = self.by_name.get(name)?;
                places.contains(place).then_some(*place)
            });
            let only = match places.as_slice() {
                [place] => Some(*place),
                _ => None,
            };
            Some((self.all.get(named.or(only)?)?, by))
        };
        let by_name = || {
            let place = names.iter().find_map(|name| self.by_name.get(name))?;
            let provider = self.all.get(*place)?;
            // Whoever has a domain of their own is who they say only if that is called so.
            let label = base.as_deref().or(page.as_deref()).and_then(|one| one.split('.').next());
            let is_called = |label: &str| {
                [&provider.id, &provider.name].iter().any(|name| plain(name) == plain(label))
            };
            let is_it = !provider.is_known || label.is_none_or(is_called);
            is_it.then_some((provider, MatchedView::Name))
        };
        let provider = by_domain(&base, MatchedView::Host)
            .or_else(|| by_domain(&page, MatchedView::Page))
            .or_else(by_name);
        Matched { provider, domain: base.or(page) }
    }
}

/// What an API may be known as: its domain's first word, the words of its ids, and its name, the longest first.
fn names(api: &CatalogApi, index: &str, domain: Option<&str>) -> Vec<String> {
    let before = |text: &str| plain(text.split(':').next().unwrap_or_default());
    let mut names = vec![plain(&api.name)];
    names.extend(api.aid.as_deref().map(before));
    names.extend(domain.and_then(|domain| domain.split('.').next()).map(plain));
    // What another site says of an API of its own is no reason to take that for somebody else's.
    if domain.is_none() {
        names.push(plain(index));
        let words: Vec<_> = api.name.split_whitespace().take(3).collect();
        names.extend(
            (1..words.len())
                .rev()
                .map(|end| plain(&words.iter().take(end).copied().collect::<Vec<_>>().concat())),
        );
    }
    names.retain(|name| !name.is_empty());
    names
}

/// A name without what is written in different ways.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|one| one.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The registrable domain of a URL, in which parts may be left open: `https://{app}.example.net`.
pub(super) fn domain(url: &str) -> Option<String> {
    let rest = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("http"))?.1;
    let host = rest.split(['/', '?', '#', '\\']).next()?;
    let host = host.rsplit('@').next()?;
    let host = host.to_lowercase();
    let name = match host.strip_prefix('[') {
        Some(_) => return None,
        None => host.split(':').next()?,
    };
    let is_letter = |one: char| one.is_alphanumeric() || "-._{}".contains(one);
    if !name.chars().all(is_letter) {
        return None;
    }
    // A domain whose own name is left open is none.
    let domain = site::domain(name.trim_end_matches('.'))?;
    (!domain.contains(['{', '}']) && domain.contains('.')).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use keytender_core::id::CatalogIndexId;

    use super::*;

    fn api(name: &str, base_url: &str, human_url: &str) -> CatalogApi {
        CatalogApi {
            index: CatalogIndexId::from_i64(1),
            aid: None,
            name: name.to_owned(),
            description: String::new(),
            base_url: base_url.to_owned(),
            human_url: human_url.to_owned(),
            tags: Vec::new(),
            links: Vec::new(),
        }
    }

    #[test]
    fn domains_are_those_that_were_registered() {
        for (url, found) in [
            ("https://{appId}.algolia.net", Some("algolia.net")),
            ("https://api.stripe.com/v1", Some("stripe.com")),
            ("http://keys.acme.co.uk:8080/x?y", Some("acme.co.uk")),
            ("https://me@evil.example.com", Some("example.com")),
            ("https://bucket.s3.amazonaws.com/x", Some("bucket.s3.amazonaws.com")),
            ("https://{host}/api", None),
            ("https://{host}.com/api", None),
            ("https://192.0.2.1/", None),
            ("https://[2001:db8::1]/", None),
            ("https://localhost/", None),
            ("ftp://example.com", None),
            ("", None),
        ] {
            assert_eq!(domain(url).as_deref(), found, "{url}");
        }
    }

    #[test]
    fn an_api_is_of_whose_domain_it_calls_then_of_whose_name_it_has() {
        let providers = Providers::with(["acme-mail", "initech"].into_iter());
        let found = |one: &CatalogApi, index: &str| {
            let matched = providers.of(one, index);
            matched.provider.map(|(provider, by)| (provider.id.clone(), by))
        };
        for (name, base, page, index, wanted) in [
            ("Charges", "https://api.stripe.com", "", "", Some(("stripe", MatchedView::Host))),
            (
                "GitHub REST API",
                "https://api.github.com",
                "",
                "",
                Some(("github", MatchedView::Host)),
            ),
            ("Issues", "https://api.github.com", "", "", Some(("github", MatchedView::Host))),
            ("Charges", "", "https://stripe.com/docs", "", Some(("stripe", MatchedView::Page))),
            ("Stripe Accounts API", "", "", "Payments", Some(("stripe", MatchedView::Name))),
            ("Accounts API", "", "", "Stripe", Some(("stripe", MatchedView::Name))),
            (
                "Acme Mail",
                "https://api.acme.example",
                "",
                "",
                Some(("acme-mail", MatchedView::Name)),
            ),
            ("Orders", "https://api.initech.example", "", "", Some(("initech", MatchedView::Name))),
            // What merely lies at a code host is not that host's, and a name does not outweigh a domain.
            ("A tool", "", "https://github.com/somebody/tool", "", None),
            ("Stripe for cats", "https://api.cats.example", "", "", None),
            ("Stripe", "https://api.stripe-clone.example", "", "Stripe", None),
            ("Weather", "https://api.weather.example", "", "", None),
            (
                "Queues",
                "https://sqs.eu-west-1.amazonaws.com",
                "",
                "",
                Some(("aws", MatchedView::Host)),
            ),
        ] {
            let wanted = wanted.map(|(id, by)| (id.to_owned(), by));
            assert_eq!(found(&api(name, base, page), index), wanted, "{name} {base} {page}");
        }
    }
}
