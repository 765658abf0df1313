//! Places in JSON, by JSON Pointers (RFC 6901): found, filled and emptied.

use serde_json::{Map, Value, json};

/// The names of a pointer, in their order.
pub(super) fn names(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect()
}

/// What stands at a place; `None` where nothing does, or null.
pub(super) fn find<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    value.pointer(pointer).filter(|value| !value.is_null())
}

/// Puts something at a place, and makes what it stands in.
pub(super) fn put(value: &mut Value, pointer: &str, new: Value) {
    let mut here = value;
    for name in names(pointer) {
        let index: Option<usize> = name.parse().ok();
        here = match index {
            Some(index) => {
                if !here.is_array() {
                    *here = json!([]);
                }
                let list = here.as_array_mut().unwrap();
                while list.len() <= index {
                    list.push(Value::Null);
                }
                &mut list[index]
            }
            None => {
                if !here.is_object() {
                    *here = json!({});
                }
                here.as_object_mut().unwrap().entry(name).or_insert(Value::Null)
            }
        };
    }
    *here = new;
}

/// Takes away what stands at a place: an entry of a list with all behind it.
pub(super) fn remove(value: &mut Value, pointer: &str) {
    let Some((above, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(above) {
        Some(Value::Object(members)) => drop(members.remove(&last)),
        Some(Value::Array(list)) => list.truncate(last.parse().unwrap_or(usize::MAX)),
        _ => {}
    }
}

/// Lays an object over another, member by member; anything else takes the whole place.
pub(super) fn lay(under: &Value, over: &Value) -> Value {
    let (Some(below), Some(above)) = (under.as_object(), over.as_object()) else {
        return over.clone();
    };
    let mut both: Map<String, Value> = below.clone();
    for (name, value) in above {
        let laid = below.get(name).map_or_else(|| value.clone(), |below| lay(below, value));
        both.insert(name.clone(), laid);
    }
    Value::Object(both)
}
