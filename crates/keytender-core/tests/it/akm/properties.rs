//! Properties: what is filled in stays where it is put, and no text at all makes the reader panic.

use keytender_core::akm::{Descriptor, OperationName, Part, Place, Template, Values};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use crate::harness;

const GITLAB: &str = include_str!("../../../../../providers/gitlab/akm.yaml");
const CALL: &str = r#"
akm: "0.1"
provider: {id: call, name: Call, url: https://example.org}
server: https://{var.host}/v1
variables: {host: {help: the host, isHost: true}}
resources:
  - id: project
    noun: project
    kind: app
    fields: {id: /id}
    operations: {list: {request: {method: GET, url: /projects}, items: ""}}
keyTypes:
  - id: key
    type: api-key
    within: project
    operations:
      get:
        request:
          method: GET
          url: /projects/{project.id}/keys/{key.id}.json
          headers: {X-Name: "a {key.name}"}
"#;

/// Any text, and often what does harm in a URL.
fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[./?#\\\\\r\n\t @:%&a-z2eE]{0,8}",
        Just("..".to_owned()),
        Just("a/../b".to_owned()),
        Just("%2e%2e".to_owned()),
    ]
}

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![values(), "[a-z0-9.-]{1,12}", Just("api.example.org".to_owned())]
}

/// Parts of a template: plain text and names in turn.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let name = ("[a-z][a-z0-9_-]{0,5}", "([a-z][A-Za-z0-9]{0,5})?");
    let name = name.prop_map(|(scope, field)| keytender_core::akm::Name::new(&scope, &field));
    prop::collection::vec(("[{}a/. ]{1,5}", name), 0..4).prop_map(|parts| {
        parts.into_iter().flat_map(|(text, name)| [Part::Text(text), Part::Name(name)]).collect()
    })
}

proptest! {
    #[test]
    fn templates_are_written_as_they_are_read(parts in parts()) {
        let text: String = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
                Part::Name(name) => name.to_string(),
            })
            .collect();
        let template = Template::parse(&text, Place::default()).unwrap();
        prop_assert_eq!(template.parts(), parts.as_slice());
        prop_assert_eq!(template.to_string(), text);
    }

    #[test]
    fn any_text_that_is_a_template_is_written_as_it_is_read(text in "[{}.a-c/]{0,12}|\\PC{0,30}") {
        if let Ok(template) = Template::parse(&text, Place::default()) {
            prop_assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn what_is_filled_in_stays_where_it_is_put(
        host in hosts(), project in values(), key in values(), name in values(),
    ) {
        let descriptor = Descriptor::parse(CALL).unwrap().descriptor;
        let mut given = Values::default();
        given.set("var", "host", host.as_str());
        given.set("project", "id", project.as_str());
        given.set("key", "id", key.as_str());
        given.set("key", "name", name.as_str());
        let get = &descriptor.key_types[0].operations[&OperationName::Get];
        if let Ok(call) = descriptor.call(get.request.as_ref().unwrap(), &given, None) {
            let segments: Vec<_> = call.url.split('/').collect();
            let [scheme, empty, at, version, projects, one, keys, other] = segments[..] else {
                return Err(TestCaseError::fail(call.url.clone()));
            };
            prop_assert_eq!([scheme, empty, version, projects, keys], ["https:", "", "v1", "projects", "keys"]);
            prop_assert_eq!(at, host);
            prop_assert!(at.chars().all(|one| one.is_ascii_alphanumeric() || one == '.' || one == '-'));
            for (segment, value) in [(one, project), (other.strip_suffix(".json").unwrap(), key)] {
                prop_assert!(segment.chars().all(|one| one.is_ascii_graphic() && !"?#\\".contains(one)));
                prop_assert!(!matches!(segment, "" | "." | ".."));
                prop_assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), value);
            }
            prop_assert!(!call.headers[0].1.contains(char::is_control));
            prop_assert_eq!(&call.headers[0].1, &format!("a {name}"));
        }
    }

    #[test]
    fn any_text_as_a_descriptor_never_panics(text in "\\PC{0,200}") {
        harness::descriptor(text.as_bytes());
    }

    #[test]
    fn changed_descriptors_never_panic(
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = GITLAB.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        harness::descriptor(&bytes);
        harness::descriptor(&bytes[..cut.index(bytes.len())]);
    }
}
