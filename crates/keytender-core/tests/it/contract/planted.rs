//! Faults, planted one by one into a descriptor that keeps to its description: each must be found, or
//! the contract would hold nothing.

use keytender_core::akm::Descriptor;

use super::contract;
use super::description::Description;

const RIGHT: &str = include_str!("planted.yaml");

/// A description as providers write one, with references, alternatives and parts.
fn description() -> Description {
    Description::new(serde_json::from_str(include_str!("planted.json")).unwrap())
}

/// The faults of the descriptor in which one text stands instead of another.
fn planted(from: &str, to: &str) -> Vec<String> {
    assert_eq!(RIGHT.matches(from).count(), 1, "`{from}` stands once in the right descriptor");
    let read = Descriptor::parse(&RIGHT.replace(from, to));
    let read = read.unwrap_or_else(|faults| panic!("{to}: {faults:?}"));
    contract(&read.descriptor, &[description()], OUTSIDE).faults
}

#[test]
fn a_descriptor_that_keeps_to_its_description_has_no_faults() {
    let read = Descriptor::parse(RIGHT).unwrap();
    let outcome = contract(&read.descriptor, &[description()], OUTSIDE);
    assert_eq!(outcome.faults, [""; 0]);
    assert_eq!((outcome.operations, outcome.pointers), (5, 13));
    assert_eq!(outcome.outside, ["project.list"]);
    assert_eq!(outcome.open, ["key.suspend: refusal /error", "key.list: fields.Hint /labels/hint"]);
}

#[test]
fn a_path_outside_of_the_description_is_a_fault_unless_it_is_allowed() {
    let read = Descriptor::parse(RIGHT).unwrap();
    let outcome = contract(&read.descriptor, &[description()], &[]);
    assert_eq!(outcome.faults, ["project.list: https://api.example.org/v1/projects: no such path"]);
}

#[test]
fn every_planted_fault_is_found() {
    for (from, to, faults) in PLANTED {
        assert_eq!(planted(from, to), *faults, "`{from}` became `{to}`");
    }
}

/// What the description was cut down from.
const OUTSIDE: &[&str] = &["/v1/projects"];
/// What stands in the right descriptor, what is planted there, and what must be found.
const PLANTED: &[(&str, &str, &[&str])] = &[
    // What is asked.
    (
        r#"keys/{key.id}"} # get"#,
        r#"key/{key.id}"} # get"#,
        &["key.get: https://api.example.org/v1/projects/{}/key/{}: no such path"],
    ),
    (
        "keys # create",
        "keys/ # create",
        &["key.create: https://api.example.org/v1/projects/{}/keys/: no such path"],
    ),
    (
        "method: DELETE",
        "method: POST",
        &[
            "key.delete: POST https://api.example.org/v1/projects/{}/keys/{}: there are DELETE, GET, PATCH",
        ],
    ),
    (
        r#"url: "/projects/{project.id}/keys/{key.id}"} # delete"#,
        r#"url: "https://api.example.com/v1/projects/{project.id}/keys/{key.id}"} # delete"#,
        &[
            "key.delete: https://api.example.com/v1/projects/{}/keys/{}: the hosts are api.example.org",
        ],
    ),
    (
        "operationId: listKeys",
        "operationId: getKeys",
        &["key.list: operationId `getKeys`: the description has listKeys"],
    ),
    // What is sent.
    (
        "query: {kind: api}",
        "query: {kind: api, sort: name}",
        &["key.list: parameter `sort` is not known: there are after, limit, kind"],
    ),
    (", query: {kind: api}", "", &["key.list: parameter `kind` is required"]),
    (
        "{kind: api}",
        "{kind: app}",
        &[r#"key.list: parameter `kind`: `app` is not string of "api", "web""#],
    ),
    (
        r#", X-Version: "2""#,
        "",
        &["key.list: header `X-Version` is required", "key.create: header `X-Version` is required"],
    ),
    (
        r#"ttl: "{arg.end}""#,
        r#"lifetime: "{arg.end}""#,
        &["key.create: body /lifetime is not known"],
    ),
    ("{text: ", "{words: ", &["key.create: body /note/words is not known"]),
    (
        "            name: \"{arg.name}\"\n",
        "",
        &["key.create: body /name is required: nothing is given, or an argument that need not be"],
    ),
    (
        "name: {required: true}",
        "name: {help: its name}",
        &["key.create: body /name is required: nothing is given, or an argument that need not be"],
    ),
    (
        "name: {required: true}",
        "name: {copy: /name}",
        &["key.create: body /name is required: nothing is given, or an argument that need not be"],
    ),
    (
        "{enabled: false}",
        r#"{enabled: "no"}"#,
        &[r#"key.suspend: body /enabled: "no" is not boolean"#],
    ),
    (
        "roles: [read,",
        "roles: [admin,",
        &[r#"key.create: body /roles/0: "admin" is not string of "read", "write""#],
    ),
    (
        "{default: write}",
        "{default: 1}",
        &[r#"key.create: body /roles/1: 1 is not string of "read", "write""#],
    ),
    ("as: seconds", "as: date", &["key.create: body /ttl: a time as Date is not integer"]),
    (r#"ttl: "{arg.end}""#, "id: 5", &["key.create: body /id can only be read"]),
    (
        r#"{key.id}"} # delete"#,
        r#"{key.id}", json: {why: gone}}"#,
        &["key.delete: a body, and the description has none"],
    ),
    (
        "json: {enabled: false}",
        r#"form: {enabled: "false"}"#,
        &["key.suspend: the description wants a body in another media type"],
    ),
    // What is read.
    ("success: [201]", "success: [200, 201]", &["key.create: success 200 is not among [201]"]),
    ("items: /keys", "items: /data", &["key.list: items: nothing stands at `/data`"]),
    ("items: /keys", "items: /next", &["key.list: items at `/next` is string"]),
    (
        r#"{key.id}"} # get"#,
        "{key.id}\"}\n        item: /data",
        &[
            "key.get: item: nothing stands at `/data`",
            "key.get: none of the fields stands in its item",
        ],
    ),
    (
        "      name: /name",
        "      name: /title",
        &["key.list: fields.Name: nothing stands at `/title`"],
    ),
    ("      name: /name", "      name: /roles", &["key.list: fields.Name at `/roles` is array"]),
    ("      id: /id\n", "      id: /locked\n", &["key.list: fields.Id at `/locked` is boolean"]),
    (
        "{at: /made_at, as: unix}",
        "/made_at",
        &["key.list: fields.CreatedAt at `/made_at` is integer (int64)"],
    ),
    (
        "lastUsedAt: /used_at",
        "lastUsedAt: {at: /used_at, as: unix}",
        &["key.list: fields.LastUsedAt at `/used_at` is string (date-time)"],
    ),
    (
        r#""on": active"#,
        "enabled: active",
        &[r#"key.list: state: `enabled` at `/status` is not string of "on", "off""#],
    ),
    ("is: true", "is: locked", &[r#"key.list: state: "locked" at `/locked` is not boolean"#]),
    (
        "secret: /secret",
        "secret: /token",
        &["key.create: outputs.Secret: nothing stands at `/token`"],
    ),
    ("secret: /secret", "secret: /roles", &["key.create: outputs.Secret at `/roles` is array"]),
    // How a long list is read.
    ("next: /next", "next: /cursor", &["key.list: paging next: nothing stands at `/cursor`"]),
    ("param: after", "param: cursor", &["key.list: paging: parameter `cursor` is not known"]),
    ("max: 50", "max: 100", &["key.list: paging: at most 50 of `limit`, not 100"]),
];
