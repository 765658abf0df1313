//! Indexes in APIs.json: real ones are read, and what is checked agrees with the schema that the specification
//! publishes.

use std::fs;
use std::path::Path;

use keytender_core::apis_json::{Index, check, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::partner;
use crate::schema::judge_by;

/// The files of others and the published schema, where they are.
fn real() -> Option<(Vec<(String, String)>, Value)> {
    let folder = Path::new(&partner("KEYTENDER_TEST_SHARED")?).join("apis-json");
    let mut files = Vec::new();
    let mut schema = None;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "schema_0.23.yml" {
            schema = Some(serde_saphyr::from_str(&text).unwrap());
        } else {
            files.push((name, text));
        }
    }
    files.sort();
    Some((files, schema.unwrap()))
}

/// A text as any other reader of YAML or JSON has it.
fn value(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_json::from_str(text)
        .unwrap_or_else(|_| serde_saphyr::from_str_with_options(text, options).unwrap())
}

#[test]
fn all_real_indexes_are_read() {
    let Some((files, _)) = real() else { return };
    assert_eq!(files.len(), 23);
    let mut seen = Vec::new();
    for (name, text) in &files {
        let found = read(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let theirs = value(text);
        let apis = theirs["apis"].as_array().map_or(0, Vec::len);
        let is_one = theirs["baseURL"].is_string();
        assert_eq!(found.index.apis.len(), if is_one { 1 } else { apis }, "{name}");
        assert_eq!(found.index.name, theirs["name"].as_str().unwrap().trim(), "{name}");
        assert!(
            found.warnings.iter().all(|one| one.place.line > 0),
            "{name}: {:?}",
            found.warnings
        );
        seen.push(found.warnings.len() + found.more_warnings);
    }
    // Few are without a fault.
    assert!(seen.iter().filter(|odd| **odd > 0).count() > 15, "{seen:?}");
}

/// Where each member stands that is broken.
const MEMBERS: [(&str, &str); 4] = [
    (
        "",
        "aid visibility rating type kind position access name description url image created \
         specificationVersion apis maintainers tags include common prompts overlays network x-common X-ours unknown",
    ),
    (
        "/apis/0",
        "name description image baseURL humanURL properties tags contact meta rules created",
    ),
    ("/apis/0/properties/0", "type url data mediaType description tags name"),
    ("/maintainers/0", "FN email url tel photo X-twitter x-twitter adr"),
];

/// What is put in their places.
fn odd() -> Vec<Value> {
    vec![
        Value::Null,
        json!(7),
        json!(true),
        json!(""),
        json!("x"),
        json!("https://a.example\nb"),
        json!("x".repeat(1_001)),
        json!([]),
        json!({}),
        json!([1]),
        json!([{}]),
        json!([{"name": "", "url": 1, "type": "OpenAPI", "FN": ""}]),
        json!([{"name": "abc", "url": "x", "type": "x-own", "data": {}, "FN": "A"}]),
        json!([{"type": "X-", "data": 5, "X-a": 1}]),
        json!([["type"]]),
        json!({"FN": 1}),
        json!("Consuming"),
        json!("Index"),
    ]
}

/// Breaks an index in a way of its own for each number.
fn mutate(index: &mut Value, number: usize) {
    let split = |(at, names): (&'static str, &'static str)| {
        names.split_whitespace().map(move |name| (at, name))
    };
    let all: Vec<_> = MEMBERS.into_iter().flat_map(split).collect();
    let (at, name) = all[number % all.len()];
    let odd = odd();
    let Some(Value::Object(map)) = index.pointer_mut(at) else { return };
    if number.is_multiple_of(11) {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), odd[number / all.len() % odd.len()].clone());
    }
}

#[test]
fn what_is_checked_agrees_with_the_published_schema() {
    let Some((files, schema)) = real() else { return };
    let ours = json!({
        "name": "Ours", "description": "An index that is valid", "url": "https://we.example/apis.json",
        "tags": [], "maintainers": [{"FN": "Ann", "X-twitter": "ann"}],
        "apis": [{
            "name": "One", "description": "An API", "image": "", "baseURL": "https://one.example",
            "humanURL": "http", "meta": [{"key": "a", "value": "b"}], "contact": [{"FN": "Bob"}],
            "properties": [{"type": "OpenAPI", "url": "https://one.example/openapi.json"}],
        }],
        "include": [{"name": "Another", "url": "https://other.example/apis.json"}],
    });
    let real: Vec<_> = files.iter().map(|(_, text)| value(text)).collect();
    let mut values = real.clone();
    values.push(ours.clone());
    for number in 0..900 {
        let mut mutated =
            if number % 5 == 4 { real[number % real.len()].clone() } else { ours.clone() };
        mutate(&mut mutated, number);
        values.push(mutated);
    }
    let Some(said) = judge_by(&schema, &values) else { return };
    let mut valid = 0;
    for ((place, value), theirs) in values.iter().enumerate().zip(said) {
        // The real files as they are written, the others as JSON.
        let text = files.get(place).map_or_else(|| value.to_string(), |(_, text)| text.clone());
        let ours = check(&text).unwrap();
        assert_eq!(ours.is_valid(), theirs.is_none(), "{theirs:?} {:?} {text}", ours.faults);
        valid += usize::from(ours.is_valid());
    }
    assert!(valid > 100 && valid < values.len() - 100, "{valid} of {} are valid", values.len());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail(text in "[\\-\\[\\]{}:,&*a\"'# \\n\\t|>!?%0-9.é\\\\]{0,200}") {
        _ = read(&text);
        _ = check(&text);
    }

    #[test]
    fn what_is_written_is_valid(name in ".{0,80}", description in ".{0,20}", base in ".{0,30}", kind in ".{0,20}") {
        let mut index = Index::new(&name, &description, "https://we.example/apis.json");
        let api = keytender_core::apis_json::Api {
            name: name.clone(),
            description,
            base_url: base.clone(),
            human_url: base.clone(),
            tags: vec![kind.clone()],
            properties: vec![keytender_core::apis_json::Property::new(&kind, &base)],
            ..Default::default()
        };
        index.apis.push(api);
        index.maintainers.push(keytender_core::apis_json::Contact { name, ..Default::default() });
        let checked = check(&index.to_json()).unwrap();
        prop_assert!(checked.is_valid(), "{:?}", checked.faults);
    }
}
