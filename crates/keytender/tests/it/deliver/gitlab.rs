//! CI/CD variables, as GitLab's API documentation says (docs.gitlab.com/api/project_level_variables and
//! personal_access_tokens): found by key and environment scope, one without a filter that several share
//! is refused, what an update does not name stays.

use keytender::deliver::{Destination, Parts, Written};
use keytender::error::Kind;
use keytender_core::secret::Secret;
use serde_json::{Value, json};

use super::api::{Api, Asked, Said};
use super::{both, destination, home, new_key, refusal};
use crate::databases::block_on;

const TOKEN: &str = "glpat-t0ken";

struct Project {
    variables: Vec<Value>,
    scopes: Vec<&'static str>,
}

fn variable(key: &str, value: &str, scope: &str) -> Value {
    json!({"variable_type": "env_var", "key": key, "value": value, "protected": true,
           "masked": true, "hidden": false, "raw": true, "environment_scope": scope,
           "description": "who made it"})
}

fn answer(project: &mut Project, asked: &Asked) -> Said {
    let message = |code: u16, text: &str| Said::new(code, &json!({"message": text}));
    if asked.header("private-token") != TOKEN {
        return message(401, "401 Unauthorized");
    }
    let steps = asked.steps();
    if asked.is("GET", &["api", "v4", "personal_access_tokens", "self"]) {
        return Said::new(200, &json!({"id": 4, "scopes": project.scopes, "active": true}));
    }
    let is_place = |steps: &[String]| {
        steps.starts_with(&["api", "v4", "projects", "acme/shop", "variables"].map(str::to_owned))
            || steps.starts_with(&["api", "v4", "groups", "acme", "variables"].map(str::to_owned))
    };
    if !is_place(&steps) {
        return message(404, "404 Project Not Found");
    }
    let body = if asked.text.is_empty() { Value::Null } else { asked.json() };
    // A masked variable is one line without spaces, of eight characters at least.
    let value = body["value"].as_str().unwrap_or_default();
    let is_maskable = value.len() >= 8 && !value.contains(char::is_whitespace);
    let Some(key) = steps.get(5) else {
        return match asked.method.as_str() {
            "GET" => Said::new(200, &json!(project.variables)),
            "POST" if body["masked"] == true && !is_maskable => message(400, "value is invalid"),
            "POST" => {
                let mut new = variable("", "", "*");
                new.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                project.variables.push(new.clone());
                Said::new(201, &new)
            }
            method => panic!("{method}"),
        };
    };
    let scope = asked.query.get("filter[environment_scope]");
    let mut found: Vec<&mut Value> = project
        .variables
        .iter_mut()
        .filter(|one| {
            one["key"] == *key && scope.is_none_or(|scope| one["environment_scope"] == *scope)
        })
        .collect();
    let one = match found.len() {
        0 => return message(404, "404 Variable Not Found"),
        1 => found.remove(0),
        _ => return message(409, "There are multiple variables with provided parameters."),
    };
    match asked.method.as_str() {
        "GET" => {}
        "PUT" if one["masked"] == true && !is_maskable => return message(400, "value is invalid"),
        "PUT" => one.as_object_mut().unwrap().extend(body.as_object().unwrap().clone()),
        method => panic!("{method}"),
    }
    Said::new(200, one)
}

fn start(variables: Vec<Value>) -> (crate::Home, Api<Project>, Value) {
    let api = Api::start(Project { variables, scopes: vec!["api"] }, answer);
    let (home, token) = home(TOKEN);
    let said = json!({"kind": "gitlab-variable", "url": api.url, "project": "acme/shop",
                      "secret": "KEY", "id": "KEY_ID", "environment_scope": "production/*",
                      "token": token, "allow_private": true});
    (home, api, said)
}

fn cast() -> Vec<Value> {
    vec![
        variable("KEY", "0ld-of-all", "*"),
        variable("KEY", "0ld-value", "production/*"),
        variable("KEY_ID", "AKIAOLD1", "production/*"),
        variable("OTHER", "0ther-value", "production/*"),
    ]
}

#[test]
fn only_the_values_of_variables_change() {
    let (_home, api, said) = start(cast());
    let at = destination(said.clone());
    block_on(at.check()).unwrap();
    let old = both("AKIAOLD1", "0ld-value");
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&old));
    let write =
        |expected: Option<&keytender::deliver::Held>| block_on(at.write(expected, &new_key()));
    // GitLab takes no id that is too short to be masked.
    let said_no = write(Some(&old)).unwrap_err().report();
    assert!(said_no.contains("write the variable `KEY_ID`: it answered 400"), "{said_no}");
    api.with(|project| project.variables[2]["masked"] = false.into());
    assert_eq!(write(Some(&both("AKIAOLD1", "x"))).unwrap(), Written::Foreign);
    assert_eq!(write(None).unwrap(), Written::Foreign);
    assert_eq!(write(Some(&old)).unwrap(), Written::Now);
    assert_eq!(write(Some(&old)).unwrap(), Written::Already);
    let mut wanted = cast();
    wanted[1]["value"] = "n3w/key\"+%=".into();
    wanted[2]["value"] = "AKIANEW".into();
    wanted[2]["masked"] = false.into();
    assert_eq!(api.with(|project| project.variables.clone()), wanted);
    assert!(api.asked(&["0ld", "n3w"]).len() > 5);
    // A group's, and one that several environments share.
    let mut group = said;
    let members = group.as_object_mut().unwrap();
    members.remove("project");
    members.remove("id");
    members.remove("environment_scope");
    members.insert("group".to_owned(), "acme".into());
    let at = destination(group);
    let held = block_on(at.read()).unwrap().unwrap();
    assert_eq!(held.secret.unwrap().expose(), "0ld-of-all");
}

#[test]
fn a_write_that_stopped_between_two_variables_is_taken_up_again() {
    let mut variables = cast();
    variables[2]["masked"] = false.into();
    let (_home, api, said) = start(variables);
    let at = destination(said);
    let old = both("AKIAOLD1", "0ld-value");
    // The answer about the id is lost: the secret is not sent.
    api.lose("PUT");
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap_err().of_kind(), Kind::Provider);
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&both("AKIANEW", "0ld-value")));
    assert_eq!(block_on(at.write(Some(&old), &new_key())).unwrap(), Written::Now);
    assert!(block_on(at.read()).unwrap().unwrap().is_same(&at.wanted(&new_key()).unwrap()));
}

#[test]
fn a_variable_that_is_not_there_is_made_masked_and_unexpanded() {
    let (_home, api, mut said) = start(Vec::new());
    said.as_object_mut().unwrap().remove("id");
    let at = destination(said);
    block_on(at.check()).unwrap();
    let new = Parts { id: None, secret: Secret::new("n3w-$value") };
    assert_eq!(block_on(at.write(None, &new)).unwrap(), Written::Now);
    let made = api.with(|project| project.variables[0].clone());
    assert_eq!((&made["masked"], &made["raw"]), (&true.into(), &true.into()));
    assert_eq!(made["environment_scope"], "production/*");
}

#[test]
fn what_keeps_a_variable_from_being_written_is_told() {
    let (_home, api, said) = start(cast());
    let told = |change: &dyn Fn(&mut Value)| refusal(&said, change);
    api.with(|project| project.scopes = vec!["read_api"]);
    assert!(told(&|_| ()).contains("with the scope `api`"));
    let error = told(&|said| said["project"] = "acme/gone".into());
    assert!(error.contains("did not list the variables: it answered 404"), "{error}");
    let error = told(&|said| said["group"] = "acme".into());
    assert!(error.contains("say project=PATH or group=PATH, one of them"), "{error}");
    api.with(|project| project.variables[1]["hidden"] = true.into());
    api.with(|project| project.variables[1]["value"] = Value::Null);
    assert!(told(&|_| ()).contains("`KEY` is hidden"));
    api.with(|project| project.variables = cast());
    api.with(|project| project.variables[1]["raw"] = false.into());
    let mut said = said.clone();
    said.as_object_mut().unwrap().remove("id");
    let at: Destination = destination(said);
    let new = Parts { id: None, secret: Secret::new("n3w$HOME-value") };
    let held = block_on(at.read()).unwrap();
    let error = block_on(at.write(held.as_ref(), &new)).unwrap_err().report();
    assert!(
        error.contains("has a `$`, and `KEY` is expanded") && !error.contains("n3w"),
        "{error}"
    );
}
