//! Drafts of descriptors from OpenAPI descriptions: always descriptors, mostly right, and nothing that
//! a stranger writes does more than end in a refusal.

use std::fs;
use std::path::{Path, PathBuf};

use keytender_core::akm::draft::{Draft, Given, MAX_DESCRIPTION_BYTES, NoDraft, draft};
use keytender_core::akm::{Descriptor, FieldName, OperationName};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::contract::{Description, Outcome, contract};
use crate::partner;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/akm/draft")
}

fn drafted(text: &str) -> Draft {
    draft(text, Given::default()).unwrap()
}

fn read(draft: &Draft) -> Descriptor {
    let read = Descriptor::parse(&draft.text);
    read.unwrap_or_else(|faults| panic!("{faults:?}\n{}", draft.text)).descriptor
}

/// Holds a draft against the description that it was made of.
fn held(draft: &Draft, description: Value) -> Outcome {
    contract(&read(draft), &[Description::new(description)], &[])
}

/// Whether keys can be listed by it, and told apart.
fn has_list(descriptor: &Descriptor) -> bool {
    descriptor.key_types.iter().any(|kind| {
        kind.operations.contains_key(&OperationName::List)
            && kind.fields.contains_key(&FieldName::Id)
    })
}

/// A description with one path, at which a list is.
fn with_list(path: &str, entry: &Value) -> Value {
    let schema = json!({"type": "array", "items": entry});
    let answer = json!({"description": "", "content": {"application/json": {"schema": schema}}});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {path: {"get": {"responses": {"200": answer}}}}
    })
}

#[test]
fn drafts_of_the_samples_are_as_they_were_looked_at() {
    for name in ["meadow.openapi.yaml", "harbour.openapi.json"] {
        let text = fs::read_to_string(samples().join(name)).unwrap();
        let now = drafted(&text);
        let description: Value = serde_saphyr::from_str(&text).unwrap();
        let outcome = held(&now, description);
        assert!(outcome.operations > 3, "{name}");
        assert!(outcome.faults.is_empty(), "{name}: {:#?}", outcome.faults);
        let path = samples().join(name.split('.').next().unwrap()).with_extension("akm.yaml");
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept != now.text && std::env::var_os("KEYTENDER_TEST_ACCEPT").is_some() {
            fs::write(&path, &now.text).unwrap();
            continue;
        }
        assert!(kept == now.text, "{}: run with KEYTENDER_TEST_ACCEPT=1", path.display());
    }
}

#[test]
fn most_drafts_of_known_providers_list_keys_as_their_descriptions_say() {
    let Some(shared) = partner("KEYTENDER_TEST_SHARED") else { return };
    let folder = Path::new(&shared).join("openapi");
    let (mut all, mut right) = (0, 0);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.to_string_lossy().ends_with(".openapi.json")) {
        let name = path.file_name().unwrap().to_string_lossy();
        let text = fs::read_to_string(path).unwrap();
        let draft = drafted(&text);
        let outcome = held(&draft, serde_json::from_str(&text).unwrap());
        let is_right = has_list(&read(&draft)) && outcome.faults.is_empty();
        println!(
            "{name}: {} kinds, {} operations and {} pointers held, {} doubts{}",
            draft.kinds,
            outcome.operations,
            outcome.pointers,
            draft.doubts,
            if is_right { "" } else { ", not right" }
        );
        outcome.faults.iter().for_each(|fault| println!("  {fault}"));
        assert!(!draft.text.contains("could not be drafted"), "{name}");
        all += 1;
        right += usize::from(is_right);
    }
    println!("{right} of {all} drafts list keys and keep to their descriptions");
    assert!(all > 0 && right * 2 >= all, "{right} of {all}");
}

#[test]
fn what_is_no_description_is_refused_with_its_reason() {
    let no = |text: &str| draft(text, Given::default()).unwrap_err();
    assert_eq!(no("openapi: 3.1.0\n"), NoDraft::NoPaths);
    assert_eq!(no("{\"swagger\": \"2.0\", \"paths\": {}}"), NoDraft::Old);
    assert_eq!(no("[1, 2]"), NoDraft::NoDescription);
    assert_eq!(no("openapi: 2\npaths: {}"), NoDraft::NoDescription);
    assert!(matches!(no("{\"openapi\": "), NoDraft::Unreadable(_)));
    assert!(matches!(no("a: [\n"), NoDraft::Unreadable(_)));
    assert!(matches!(no(&"[".repeat(100_000)), NoDraft::Unreadable(_)));
    assert!(matches!(no(&"{\"a\":".repeat(100_000)), NoDraft::Unreadable(_)));
    assert_eq!(no(&" ".repeat(MAX_DESCRIPTION_BYTES + 1)), NoDraft::TooLong);
    // Aliases that refer to aliases: ten lines that would be ten thousand million texts.
    let mut bomb =
        String::from("openapi: 3.1.0\npaths: {}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..10 {
        let last = n - 1;
        bomb += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{last}"); 10].join(", "));
    }
    assert!(matches!(no(&bomb), NoDraft::Unreadable(_)));
}

#[test]
fn what_is_given_is_of_its_form() {
    let text = with_list("/keys", &json!({"properties": {"id": {"type": "string"}}})).to_string();
    let given = |id, server| draft(&text, Given { id, server });
    for id in ["", "Not", "a b", "a\n"] {
        assert_eq!(given(Some(id), None).unwrap_err(), NoDraft::Id);
    }
    for server in
        ["http://a.example", "https://a", "https://{var.x}.example", "https://a.example/?b"]
    {
        assert_eq!(given(None, Some(server)).unwrap_err(), NoDraft::Server, "{server}");
    }
    let good = given(Some("mine"), Some("https://eu.example.com/v1")).unwrap();
    let descriptor = read(&good);
    assert_eq!(descriptor.provider.id.value, "mine");
    assert_eq!(descriptor.server.unwrap().to_string(), "https://eu.example.com/v1");
}

#[test]
fn schemas_that_refer_to_themselves_end() {
    let mut document = with_list("/keys", &json!({"$ref": "#/components/schemas/Key"}));
    let many = vec![json!({"$ref": "#/components/schemas/Key"}); 50];
    document["components"]["schemas"] = json!({
        "Key": {"allOf": many, "oneOf": many, "properties": {
            "id": {"$ref": "#/components/schemas/Loop"},
            "data": {"$ref": "#/components/schemas/Key"}
        }},
        "Loop": {"$ref": "#/components/schemas/Loop"}
    });
    let draft = drafted(&document.to_string());
    assert!(has_list(&read(&draft)));
}

#[test]
fn a_list_whose_ids_are_the_secrets_keeps_digests_and_calls_nothing_by_them() {
    let entry = json!({"type": "object", "properties": {"value": {"type": "string"}}});
    let mut document = with_list("/keys", &entry);
    document["paths"]["/keys/{key}"] =
        json!({"delete": {"responses": {"204": {"description": ""}}}});
    let draft = drafted(&document.to_string());
    let descriptor = read(&draft);
    let kind = &descriptor.key_types[0];
    assert!(kind.fields[&FieldName::Id].is_secret());
    assert!(!kind.operations.contains_key(&OperationName::Delete));
    assert!(
        descriptor.gaps.iter().any(|gap| gap.contains("the secret itself")),
        "{:?}",
        descriptor.gaps
    );
}

#[test]
fn no_act_of_a_draft_is_done_before_somebody_allows_it() {
    for name in ["meadow.openapi.yaml", "harbour.openapi.json"] {
        let text = fs::read_to_string(samples().join(name)).unwrap();
        let descriptor = read(&drafted(&text));
        let operations = descriptor.key_types.iter().flat_map(|kind| &kind.operations);
        for (act, operation) in operations {
            let reads = act.effect() == keytender_core::akm::Effect::Read;
            assert_eq!(operation.unsure.is_none(), reads, "{name}: {act:?}");
        }
    }
}

/// Texts that a stranger may put anywhere.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,12}",
        "\\PC{0,20}",
        any::<String>(),
        Just("{".to_owned()),
        Just("}{key.id}".to_owned()),
        Just("{secret}".to_owned()),
        Just("a\n  scheme: none".to_owned()),
        Just("\u{202e}\u{7}# x".to_owned()),
        Just("../..".to_owned()),
        Just("x?y#z".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_a_description_says_its_draft_is_a_descriptor(
        title in odd(),
        url in odd(),
        segment in odd(),
        parameter in odd(),
        member in odd(),
        header in odd(),
        id in odd(),
    ) {
        let entry = json!({"type": "object", "properties": {
            "id": {"type": "string"}, member.as_str(): {"type": "string", "description": title},
            "status": {"enum": [member, title]},
        }});
        let path = format!("/{segment}/{{{parameter}}}/keys");
        let mut document = with_list(&path, &entry);
        let list = document["paths"][&path]["get"].clone();
        document["info"]["title"] = json!(title);
        document["servers"][0] = json!({"url": url, "variables": {parameter.as_str(): {"default": title}}});
        document["paths"][format!("/{segment}")] = json!({"get": list});
        document["paths"][format!("{path}/{{{parameter}}}")] = json!({"delete": {
            "operationId": id,
            "responses": {"204": {"description": ""}},
            "parameters": [
                {"in": "query", "name": member, "required": true, "schema": {"default": title}},
                {"in": "header", "name": header, "required": true, "schema": {"type": "string"}},
            ],
        }});
        document["components"]["securitySchemes"] = json!({
            title.as_str(): {"type": "apiKey", "in": "header", "name": header},
            "q": {"type": "apiKey", "in": "query", "name": member},
            "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": url}}},
        });
        let draft = drafted(&document.to_string());
        prop_assert!(Descriptor::parse(&draft.text).is_ok(), "{}", draft.text);
        let lines = draft.text.lines().filter(|line| line.trim_start().starts_with("scheme: none"));
        prop_assert_eq!(lines.count(), 0, "{}", draft.text);
    }
}
