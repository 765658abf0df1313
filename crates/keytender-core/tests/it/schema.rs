//! The JSON Schema of descriptors and the tables of the guide: both are made from the types, and take
//! and refuse what the reader does.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use keytender_core::akm::{Descriptor, schema};
use serde_json::{Map, Value, json};

use crate::{hold, partner, root};

/// Reads a schema and a list of values; says of each whether the schema takes it, and else why not.
const JUDGE: &str = "
import json, sys
from jsonschema import Draft202012Validator
given = json.load(sys.stdin)
Draft202012Validator.check_schema(given['schema'])
check = Draft202012Validator(given['schema'])
errors = (next(check.iter_errors(value), None) for value in given['values'])
json.dump([error and error.json_path + ': ' + error.message[:200] for error in errors], sys.stdout)
";

/// The descriptors of a folder, as values; `None` for what is no single value of JSON.
fn values(folder: &Path) -> Vec<(String, Option<Value>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = if path.is_dir() { path.join("akm.yaml") } else { path.clone() };
        if file.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&file).unwrap();
            let name = path.file_stem().unwrap().display().to_string();
            let options = serde_saphyr::options! { strict_booleans: true };
            found.push((name, serde_saphyr::from_str_with_options(&text, options).ok()));
        }
    }
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn samples(kind: &str) -> Vec<(String, Option<Value>)> {
    values(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/akm").join(kind))
}

/// What the schema says of each value: nothing, or why not; `None` without a Python to ask.
fn judge(values: &[Value]) -> Option<Vec<Option<String>>> {
    judge_by(&schema(), values)
}

/// What any schema says of values, as [`judge`].
pub(crate) fn judge_by(schema: &Value, values: &[Value]) -> Option<Vec<Option<String>>> {
    let python = partner("KEYTENDER_TEST_PYTHON")?;
    let mut asked = Command::new(python)
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let given = json!({"schema": schema, "values": values});
    asked.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let answer = asked.wait_with_output().unwrap();
    assert!(answer.status.success());
    Some(serde_json::from_slice(&answer.stdout).unwrap())
}

#[test]
fn the_schema_of_descriptors_is_the_one_in_the_repository() {
    hold("docs/akm/schema.json", &(serde_json::to_string_pretty(&schema()).unwrap() + "\n"));
}

#[test]
fn the_schema_takes_every_right_sample_and_the_whole_shelf() {
    let named = [samples("valid"), values(&root().join("providers"))].concat();
    let values: Vec<_> = named.iter().map(|(_, value)| value.clone().unwrap()).collect();
    let Some(said) = judge(&values) else { return };
    for ((name, _), why) in named.iter().zip(said) {
        assert_eq!(why, None, "{name}");
    }
}

#[test]
fn the_schema_refuses_what_it_can_know() {
    let named: Vec<_> =
        samples("invalid").into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let values: Vec<_> = named.iter().map(|(_, value)| value.clone()).collect();
    let Some(said) = judge(&values) else { return };
    let refused = named.iter().zip(said).filter(|(_, why)| why.is_some());
    let refused: Vec<_> = refused.map(|((name, _), _)| name.as_str()).collect();
    let known = [
        "bad-pointer",
        "bad-pointer-tilde",
        "bad-time",
        "later-version",
        "no-key-types",
        "not-yes",
        "unknown-field",
        "unknown-field-of-field",
        "unknown-field-of-scheme",
        "unknown-method",
        "unknown-operation",
        "unknown-scheme",
        "version-as-number",
    ];
    assert_eq!(refused, known);
}

/// Every value that differs from this one in one place: a member more, one less, another type.
fn mutants(value: &Value) -> Vec<Value> {
    let others = [json!(7), json!("text"), json!([]), json!({"x": 1})];
    let mut all: Vec<_> = others.into_iter().filter(|other| other != value).collect();
    match value {
        Value::Object(members) => {
            let with = |name: &str, member: Value| {
                let mut changed = members.clone();
                changed.insert(name.to_owned(), member);
                Value::Object(changed)
            };
            all.push(with("unknown", json!("text")));
            for (name, member) in members {
                let mut less: Map<_, _> = members.clone();
                less.remove(name);
                all.push(Value::Object(less));
                all.extend(mutants(member).into_iter().map(|changed| with(name, changed)));
            }
        }
        Value::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                all.extend(mutants(entry).into_iter().map(|changed| {
                    let mut list = entries.clone();
                    list[place] = changed;
                    Value::Array(list)
                }));
            }
        }
        _ => {}
    }
    all
}

/// Why a value has not the shape of a descriptor.
fn misshapen(value: &Value) -> Option<String> {
    // As `Descriptor::parse` reads, without what it holds the descriptor against afterwards.
    let options = serde_saphyr::options! { strict_booleans: true, no_schema: true };
    let read = serde_saphyr::from_str_with_options::<Descriptor>(&value.to_string(), options);
    read.err().map(|error| error.without_snippet().to_string())
}

/// Small descriptors, of which each differs in one place from a part of this one.
fn changed(sample: &Value) -> Vec<Value> {
    let list = |name: &str| sample[name].as_array().cloned().unwrap_or_default();
    let head = json!({"akm": "0.1", "provider": sample["provider"], "keyTypes": []});
    let with = |name: &str, parts: Value| {
        let mut whole = head.clone();
        whole[name] = parts;
        whole
    };
    let mut rest = sample.clone();
    rest["keyTypes"] = json!([]);
    rest["resources"] = json!([]);
    let mut all = mutants(&rest);
    for resource in list("resources") {
        all.extend(mutants(&resource).into_iter().map(|one| with("resources", json!([one]))));
    }
    for mut kind in list("keyTypes") {
        let operations = kind.as_object_mut().unwrap().remove("operations").unwrap_or_default();
        for one in mutants(&json!({"operations": operations})) {
            let Value::Object(mut one) = one else { continue };
            one.insert("id".to_owned(), json!("key"));
            one.insert("type".to_owned(), json!("api-key"));
            all.push(with("keyTypes", json!([one])));
        }
        all.extend(mutants(&kind).into_iter().map(|one| with("keyTypes", json!([one]))));
    }
    all
}

#[test]
fn the_schema_takes_and_refuses_what_the_reader_does() {
    let all: Vec<_> =
        samples("valid").iter().flat_map(|(_, sample)| changed(sample.as_ref().unwrap())).collect();
    assert!(all.len() > 2_000, "{}", all.len());
    let Some(said) = judge(&all) else { return };
    let taken = said.iter().filter(|why| why.is_none()).count();
    assert!(taken > 500 && taken < all.len() - 500, "{taken} of {}", all.len());
    let mut differing = Vec::new();
    for (value, why) in all.iter().zip(said) {
        let reader = misshapen(value);
        if reader.is_some() != why.is_some() {
            differing.push(format!("schema: {why:?}, reader: {reader:?}"));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {}:\n{}",
        differing.len(),
        all.len(),
        differing.join("\n")
    );
}

/// Each word that a schema knows: names of members, and values of enumerations.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            let listed = members.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(
                listed.chain(members.get("const")).filter_map(Value::as_str).map(str::to_owned),
            );
            members.values().for_each(|member| words(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| words(entry, found)),
        _ => {}
    }
}

/// Each name and text in a value.
fn said(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                found.insert(name.clone());
                said(member, found);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| said(entry, found)),
        Value::String(text) => _ = found.insert(text.clone()),
        _ => {}
    }
}

#[test]
fn right_samples_show_every_word_of_the_notation() {
    let (mut known, mut shown) = (BTreeSet::new(), BTreeSet::new());
    words(&schema(), &mut known);
    samples("valid").iter().for_each(|(_, value)| said(value.as_ref().unwrap(), &mut shown));
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(
        known.len() > 200 && missing.is_empty(),
        "{} words, not shown: {missing:?}",
        known.len()
    );
}

/// Where the tables of the guide begin and end.
const MARKS: [&str; 2] =
    ["<!-- The tables are made from the types. -->", "<!-- The end of the tables. -->"];

#[test]
fn the_tables_of_the_guide_are_made_from_the_types() {
    let path = "docs/guide/akm.md";
    let page = fs::read_to_string(root().join(path)).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    let schema = schema();
    let tables: String = order(&schema).iter().map(|name| section(&schema, name)).collect();
    hold(path, &format!("{before}{}\n{tables}\n{}{after}", MARKS[0], MARKS[1]));
}

#[test]
fn the_example_of_the_guide_is_a_descriptor() {
    let page = fs::read_to_string(root().join("docs/guide/akm.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let read = Descriptor::parse(example).unwrap();
    assert_eq!(read.warnings, []);
}

/// The types in the order in which they are met.
fn order(schema: &Value) -> Vec<String> {
    let mut found = vec!["Descriptor".to_owned()];
    let mut next = 0;
    while next < found.len() {
        let mut referred = Vec::new();
        references(definition(schema, &found[next]), next == 0, &mut referred);
        for name in referred {
            if !found.contains(&name) {
                found.push(name);
            }
        }
        next += 1;
    }
    found
}

fn definition<'s>(schema: &'s Value, name: &str) -> &'s Value {
    if name == "Descriptor" { schema } else { &schema["$defs"][name] }
}

fn references(schema: &Value, is_root: bool, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(name_of));
            let members = members.iter().filter(|(name, _)| !is_root || *name != "$defs");
            members.for_each(|(_, member)| references(member, false, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| references(entry, false, found)),
        _ => {}
    }
}

fn name_of(reference: &str) -> String {
    reference.rsplit('/').next().unwrap().to_owned()
}

/// One type: what it is, and its members or words.
fn section(schema: &Value, name: &str) -> String {
    let definition = definition(schema, name);
    let mut text = format!("\n### {name}\n\n{}\n", line(definition));
    let ways = definition["oneOf"].as_array().or_else(|| definition["anyOf"].as_array());
    if let Some(ways) = ways {
        text += "\n| | |\n|---|---|\n";
        text.extend(ways.iter().map(way));
    } else if definition["properties"].is_object() {
        text += "\n| member | what stands there | |\n|---|---|---|\n";
        text.extend(
            members(definition)
                .iter()
                .map(|(name, kind, is)| format!("| {name} | {kind} | {is} |\n")),
        );
    }
    text
}

/// One of several ways to write something: a word, or a member with members.
fn way(way: &Value) -> String {
    let all = way["properties"].as_object();
    let only = all.filter(|all| all.len() == 1).and_then(|all| all.iter().next());
    let nested = only.filter(|(_, inner)| inner["properties"].is_object());
    let (word, inner) = match (way["const"].as_str(), nested, only) {
        (Some(word), ..) => (format!("`{word}`"), None),
        (None, Some((name, inner)), _) => (format!("`{name}`"), Some(inner)),
        (None, None, Some((name, inner))) => (format!("`{name}`: {}", kind(inner)), None),
        (None, None, None) if all.is_some() => ("an object".to_owned(), Some(way)),
        (None, None, None) => (kind(way), None),
    };
    let members = inner.map_or_else(Vec::new, members).into_iter();
    let members: String =
        members.map(|(name, kind, is)| format!("<br>{name} ({kind}): {is}")).collect();
    format!("| {word} | {}{members} |\n", line(way))
}

/// The members of an object: name, kind, description.
fn members(schema: &Value) -> Vec<(String, String, String)> {
    let is_needed = |name: &String| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    let all = schema["properties"].as_object().unwrap().iter();
    all.map(|(name, member)| {
        let needed = if is_needed(name) { ", needed" } else { "" };
        (format!("`{name}`"), format!("{}{needed}", kind(member)), line(member))
    })
    .collect()
}

/// What may stand somewhere, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = name_of(reference);
        return format!("[{name}](#{})", name.to_ascii_lowercase());
    }
    if let Some(ways) = schema["anyOf"].as_array() {
        let ways: Vec<_> = ways.iter().filter(|way| way["type"] != "null").map(kind).collect();
        return ways.join(" or ");
    }
    let named = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match named {
        Some("string") => "text".to_owned(),
        Some("integer") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => format!("list: {}", kind(&schema["items"])),
        Some("object") => {
            let key = &schema["propertyNames"];
            let by = if key.is_null() { "name".to_owned() } else { kind(key) };
            format!("{} by {by}", kind(&schema["additionalProperties"]))
        }
        _ => "anything".to_owned(),
    }
}

/// The description, in one line of a table.
fn line(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}
