//! Faults that are planted must be reported: a check that cannot fail is worth nothing. Each kind of fault
//! is planted at every provider where there is a place for it, once into the descriptor that the engine
//! runs while the provider stays as it was, and once into both, so that the description alone can tell.

use std::sync::Arc;

use serde_json::{Value, json};

use super::drive::{Until, drive};
use super::estate::Estate;
use super::model::Model;
use super::openapi::Description;
use super::paper::Paper;
use super::sign::Credential;
use super::{LIVE, PROVIDERS, Provider};

/// A descriptor with one kind of key, and with a fault in it.
struct Planted {
    id: &'static str,
    sound: String,
    faulty: String,
    description: Option<Arc<Description>>,
}

impl Planted {
    fn reports(&self, provider: &str) -> Vec<String> {
        drive(provider, &self.faulty, self.description.as_ref(), Until::FirstFault).faults
    }
}

/// Plants a fault at each provider, in the first kind of key that has a place for it.
fn plant(fault: impl Fn(&mut Value, &Provider) -> Option<()>) -> Vec<Planted> {
    let mut planted = Vec::new();
    for provider in &*PROVIDERS {
        let whole = Paper::read(&provider.text);
        let found = whole.kinds().iter().find_map(|kind| {
            // One that nobody calls can have no fault in a call.
            let operations = kind["operations"].as_object()?;
            operations.values().find(|operation| operation.get("request").is_some())?;
            let mut root = whole.root().clone();
            root["keyTypes"] = json!([kind]);
            let sound = root.to_string();
            fault(&mut root, provider)?;
            let (id, description) = (provider.id, provider.description.clone());
            Some(Planted { id, sound, faulty: root.to_string(), description })
        });
        planted.extend(found);
    }
    planted
}

/// Each of them is reported, in these words, where the provider itself is sound.
fn are_reported(planted: &[Planted], words: &[&str], at_least: usize) {
    let missed: Vec<_> = planted
        .iter()
        .filter_map(|one| {
            let reports = one.reports(&one.sound);
            let is_reported =
                reports.iter().any(|fault| words.iter().any(|word| fault.contains(word)));
            (!is_reported).then(|| format!("{}: {reports:?}", one.id))
        })
        .collect();
    eprintln!("planted at {} providers", planted.len());
    assert!(missed.is_empty(), "not reported:\n{}", missed.join("\n"));
    assert!(planted.len() >= at_least, "planted at {} providers alone", planted.len());
}

/// Each is reported by the description, where the provider is as faulty as the engine's descriptor.
fn are_described(planted: &[Planted], words: &[&str], at_least: usize) {
    if crate::partner("KEYTENDER_TEST_SHARED").is_none() {
        return;
    }
    let described: Vec<_> = planted.iter().filter(|one| one.description.is_some()).collect();
    let reported = described.iter().filter(|one| {
        let reports = one.reports(&one.faulty);
        reports.iter().any(|fault| words.iter().any(|word| fault.contains(word)))
    });
    let reported: Vec<_> = reported.map(|one| one.id).collect();
    eprintln!("described: {} of {}: {}", reported.len(), described.len(), reported.join(", "));
    assert!(reported.len() >= at_least, "reported at {} of {}", reported.len(), described.len());
}

fn list(root: &mut Value) -> Option<&mut Value> {
    let list = root["keyTypes"][0]["operations"].get_mut("list")?;
    list.get("request").is_some().then_some(list)
}

/// Puts a letter behind a text.
fn bend(text: &mut Value) -> Option<()> {
    *text = format!("{}x", text.as_str()?).into();
    Some(())
}

/// Gives the first member of an object another name.
fn rename(members: &mut Value, is_meant: impl Fn(&str, &Value) -> bool) -> Option<()> {
    let members = members.as_object_mut()?;
    let name = members.iter().find(|(name, value)| is_meant(name, value))?.0.clone();
    let value = members.remove(&name)?;
    members.insert(format!("{name}x"), value);
    Some(())
}

#[test]
fn a_wrong_path_is_reported() {
    let planted = plant(|root, _| bend(&mut list(root)?["request"]["url"]));
    are_reported(&planted, &["the path is /"], 60);
    are_described(&planted, &["the description has no path"], 20);
}

#[test]
fn a_wrong_method_is_reported() {
    let planted = plant(|root, _| {
        let request = &mut root["keyTypes"][0]["operations"].get_mut("delete")?["request"];
        let method = request.get_mut("method")?;
        *method = if *method == "DELETE" || *method == "PUT" { "POST" } else { "PUT" }.into();
        Some(())
    });
    are_reported(&planted, &["the method is "], 45);
    are_described(&planted, &["the description has no P"], 15);
}

#[test]
fn a_wrong_pointer_is_reported() {
    let planted = plant(|root, _| {
        list(root)?;
        let fields = root["keyTypes"][0]["fields"].as_object_mut()?;
        let (_, field) = fields.iter_mut().find(|(name, at)| *name != "id" && at.is_string())?;
        bend(field)
    });
    are_reported(&planted, &["is read wrongly"], 60);
    are_described(&planted, &["nothing stands at"], 15);
}

#[test]
fn a_wrong_form_of_a_time_is_reported() {
    let planted = plant(|root, _| {
        list(root)?;
        let kind = &mut root["keyTypes"][0];
        let other = if kind["times"].is_null() { "unix" } else { "date-time" };
        let fields = kind["fields"].as_object_mut()?;
        let (_, field) =
            fields.iter_mut().find(|(name, at)| *name == "createdAt" && at.is_string())?;
        *field = json!({"at": field, "as": other});
        Some(())
    });
    are_reported(&planted, &["was not understood", "is read wrongly"], 50);
    are_described(&planted, &["is no date", "is not {"], 15);
}

#[test]
fn a_wrong_list_is_reported() {
    let planted = plant(|root, _| {
        let items = &mut list(root)?["items"];
        (items != "").then(|| bend(items))?
    });
    are_reported(&planted, &["there is no list at"], 40);
}

#[test]
fn a_wrong_word_for_a_state_is_reported() {
    let planted = plant(|root, _| {
        list(root)?;
        let rules = root["keyTypes"][0]["state"].as_array_mut()?;
        rules.iter_mut().find_map(|rule| match rule["is"].clone() {
            Value::Bool(is) => {
                rule["is"] = json!(!is);
                Some(())
            }
            Value::String(_) => bend(&mut rule["is"]),
            _ => rename(rule.get_mut("words")?, |_, _| true),
        })
    });
    are_reported(&planted, &["state"], 25);
    are_described(&planted, &["state", "is not one of"], 5);
}

#[test]
fn a_wrong_parameter_of_paging_is_reported() {
    let planted = plant(|root, _| {
        let (_, paging) = list(root)?.get_mut("paging")?.as_object_mut()?.iter_mut().next()?;
        match paging.get_mut("param") {
            Some(param) => bend(param),
            None => bend(paging.get_mut("size")?.get_mut("param")?),
        }
    });
    let words = ["parameter", "header", "the body is"];
    are_reported(&planted, &words, 35);
    are_described(&planted, &["is not known"], 14);
}

#[test]
fn a_credential_at_the_wrong_place_is_reported() {
    let planted = plant(|root, _| {
        let named = root["keyTypes"][0]["auth"].clone();
        let methods = root["authentication"]["methods"].as_array_mut()?;
        let method = methods.iter_mut().find(|one| named.is_null() || one["id"] == named)?;
        let secret = method["parts"][0]
            .as_str()
            .map_or("{secret}".to_owned(), |part| format!("{{secret.{part}}}"));
        let scheme = &mut method["scheme"];
        *scheme = match scheme.get("basic") {
            Some(pair) => {
                json!({"basic": {"username": pair["password"], "password": pair["username"]}})
            }
            None => json!({"headers": {"X-Elsewhere": secret}}),
        };
        Some(())
    });
    are_reported(&planted, &["header"], 60);
}

#[test]
fn a_wrong_field_of_a_body_is_reported() {
    let planted = plant(|root, _| {
        let operations = root["keyTypes"][0]["operations"].as_object_mut()?;
        operations.iter_mut().find_map(|(name, operation)| {
            let request = operation.get_mut("request").filter(|_| name != "list")?;
            let body = if request["json"].is_null() { "form" } else { "json" };
            rename(request.get_mut(body)?, |_, _| true)
        })
    });
    are_reported(&planted, &["the body is ", "field `"], 45);
    are_described(&planted, &["is not known", "is required"], 15);
}

#[test]
fn a_secret_that_is_shown_is_reported() {
    let planted = plant(|root, provider| {
        list(root)?;
        let place = secret_place(&root.to_string(), provider)?;
        root["keyTypes"][0]["fields"]["hint"] = place.into();
        Some(())
    });
    are_reported(&planted, &["a secret is shown"], 65);
}

/// Where the list of the first kind of key has a live secret that nothing names.
fn secret_place(text: &str, provider: &Provider) -> Option<String> {
    let paper = Paper::read(text);
    let credential = Credential::new(&paper, paper.kinds()[0]["auth"].as_str());
    let model = Model {
        paper: &paper,
        description: provider.description.as_deref(),
        credential: &credential,
        now: keytender::clock::now().as_micros(),
        faults: Vec::new().into(),
    };
    let estate = Estate::new(&model, &paper.kinds()[0]);
    let shown = estate.listed(&estate.keys[0].1);
    let places = places(&shown.entry, "");
    places.into_iter().find(|at| !shown.filled.contains(at))
}

fn places(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::String(text) if text == LIVE => vec![at.to_owned()],
        Value::Array(all) => all
            .iter()
            .enumerate()
            .flat_map(|(number, one)| places(one, &format!("{at}/{number}")))
            .collect(),
        Value::Object(all) => {
            all.iter().flat_map(|(name, one)| places(one, &format!("{at}/{name}"))).collect()
        }
        _ => Vec::new(),
    }
}
