//! The index of the shelf in APIs.json: made from the descriptors, and of the form of version 0.23.

use std::fs;
use std::path::Path;

use keytender_core::akm::{Descriptor, Placed};
use keytender_core::apis_json::{Api, Contact, Index, Property};
use serde_json::{Value, json};

use crate::partner;
use crate::schema::judge_by;
use crate::{hold, root};

/// The descriptors of the shelf, by the names of their folders.
fn shelf() -> Vec<(String, Descriptor)> {
    let folders = fs::read_dir(root().join("providers")).unwrap().map(|one| one.unwrap().path());
    let mut found: Vec<_> = folders
        .filter(|folder| folder.is_dir())
        .map(|folder| {
            let text = fs::read_to_string(folder.join("akm.yaml")).unwrap();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            (name, Descriptor::parse(&text).unwrap().descriptor)
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn index() -> String {
    let mut index = Index::new(
        "Providers of API keys",
        "How the keys of each provider are listed, made, suspended, rotated and deleted.",
        "https://keytender.example/providers/apis.json",
    );
    index.tags = vec!["api keys".to_owned(), "credentials".to_owned()];
    let authors = Contact { name: "The Keytender authors".to_owned(), ..Contact::default() };
    index.maintainers.push(authors);
    index.apis = shelf().iter().map(|(folder, one)| entry(folder, one)).collect();
    index.to_json()
}

fn entry(folder: &str, one: &Descriptor) -> Api {
    let kinds: Vec<_> = one
        .key_types
        .iter()
        .map(|kind| kind.noun.clone().unwrap_or_else(|| kind.id.value.clone()))
        .collect();
    let server = one.server.as_ref().map(|server| server.to_string().replace("{var.", "{"));
    let mut properties = vec![Property {
        media_type: Some("application/yaml".to_owned()),
        description: Some("The descriptor of its keys (AKM 0.1)".to_owned()),
        ..Property::new("APIKeys", &format!("{folder}/akm.yaml"))
    }];
    let page = |page: &Option<Placed<String>>| page.as_ref().map(|page| page.value.clone());
    let pages = [
        ("Documentation", page(&one.links.docs)),
        ("Console", page(&one.links.console)),
        ("OpenAPI", one.openapi.clone()),
        ("APIOnboarding", one.onboarding.clone()),
    ];
    for (kind, url) in pages {
        properties.extend(url.map(|url| Property::new(kind, &url)));
    }
    Api {
        aid: Some(format!("keytender:{folder}")),
        name: one.provider.name.clone(),
        description: format!("Keys: {}.", kinds.join(", ")),
        base_url: server.unwrap_or_else(|| one.provider.url.value.clone()),
        human_url: one.provider.url.value.clone(),
        properties,
        ..Api::default()
    }
}

#[test]
fn the_index_of_the_shelf_is_the_one_in_the_repository() {
    hold("providers/apis.json", &index());
}

#[test]
fn the_index_keeps_to_the_schema_of_apis_json() {
    let Some(shared) = partner("KEYTENDER_TEST_SHARED") else { return };
    let schema = fs::read_to_string(Path::new(&shared).join("apis-json/schema_0.23.yml")).unwrap();
    let schema: Value = serde_saphyr::from_str(&schema).unwrap();
    let text = fs::read_to_string(root().join("providers/apis.json")).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = kept.clone();
    wrong["apis"][0]["properties"][0]["type"] = json!("Keys of an API");
    let mut extended = kept.clone();
    extended["akm"] = json!({});
    let Some(said) = judge_by(&schema, &[kept, wrong, extended]) else { return };
    assert_eq!(said[0], None);
    assert!(said[1].is_some() && said[2].is_some(), "{said:?}");
}
