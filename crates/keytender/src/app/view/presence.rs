//! A member that may be absent (`None`), null (`Some(None)`) or there.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads a member that is there.
///
/// # Errors
/// When it is neither null nor of its type.
pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Writes a member; that an absent one is left out is for its struct to say.
///
/// # Errors
/// When it cannot be written.
pub fn serialize<S, T>(value: &Option<Option<T>>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Serialize,
{
    value.as_ref().and_then(Option::as_ref).serialize(serializer)
}
