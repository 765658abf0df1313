//! The JSON Schema of a descriptor, made from the types that read it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::document::Descriptor;

/// Its name.
const ID: &str = "https://keytender.example/akm/0.1/schema.json";
const TITLE: &str = "API Key Management (AKM) 0.1";

/// The schema, in JSON Schema 2020-12. It knows the shape of a descriptor; which names may stand where,
/// and what leads where, [`Descriptor::parse`] knows.
pub fn schema() -> Value {
    let made = schemars::schema_for!(Descriptor).to_value();
    let Value::Object(made) = made else { return made };
    let mut schema = Map::new();
    schema.insert("$id".to_owned(), ID.into());
    schema.extend(made);
    schema.insert("title".to_owned(), TITLE.into());
    Value::Object(schema)
}

/// The schema of an object whose members have the names of an enumeration.
pub(super) fn keyed<K: JsonSchema, V: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": generator.subschema_for::<K>(),
        "additionalProperties": generator.subschema_for::<V>(),
    })
}
