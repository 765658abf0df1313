//! JSON Schemas of views: the shapes that the document of the API has (OpenAPI 3.1 has JSON Schema's), told once.

use rmcp::model::JsonObject;
use serde_json::Value;
use utoipa::ToSchema;

/// Where a document of OpenAPI keeps shapes, and where a schema by itself does.
const PLACES: (&str, &str) = ("#/components/schemas/", "#/$defs/");
/// What OpenAPI says beside JSON Schema.
const NOT_OURS: [&str; 2] = ["discriminator", "example"];

/// The schema of a view, with all that it refers to.
pub(super) fn of<T: ToSchema>() -> JsonObject {
    let mut shapes = Vec::new();
    T::schemas(&mut shapes);
    let shapes = shapes.into_iter().map(|(name, shape)| (name, value(&shape)));
    let shapes: JsonObject = shapes.collect();
    let mut root = match value(&T::schema()) {
        Value::Object(root) => root,
        _ => JsonObject::new(),
    };
    if !shapes.is_empty() {
        root.insert("$defs".to_owned(), Value::Object(shapes));
    }
    let mut root = Value::Object(root);
    settle(&mut root);
    match root {
        Value::Object(root) => root,
        _ => JsonObject::new(),
    }
}

fn value(shape: &impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}

/// Has references lead to where shapes stand now, and leaves out what is no JSON Schema.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for word in NOT_OURS {
                // A property may be called so: then it is a schema, and no example.
                if members.get(word).is_some_and(|example| !example.is_object()) {
                    members.remove(word);
                }
            }
            // Widths of numbers are nothing that clients know.
            if members
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|word| word.contains("int"))
            {
                members.remove("format");
            }
            if let Some(Value::String(place)) = members.get_mut("$ref") {
                *place = place.replace(PLACES.0, PLACES.1);
            }
            members.values_mut().for_each(settle);
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}
