//! SHA-256 of values, for versions and for keys of checkpoints and caches.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The SHA-256, in hexadecimal, of a value's JSON with all keys sorted.
#[must_use]
pub fn of_json(value: &Value) -> String {
    hex::encode(Sha256::digest(sorted(value).to_string()))
}

/// The SHA-256, in hexadecimal, of anything that serialises.
///
/// # Errors
/// When it does not serialise.
pub fn of(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(of_json(&serde_json::to_value(value)?))
}

/// The SHA-256 of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Content(Sha256);

impl Content {
    /// Takes a piece in.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum, in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            Value::Object(
                names.into_iter().filter_map(|name| Some((name.clone(), sorted(fields.get(name)?)))).collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_that_of_items_does() {
        let one = of_json(&json!({"a": 1, "b": {"c": [1, 2], "d": 2}}));
        assert_eq!(one, of_json(&json!({"b": {"d": 2, "c": [1, 2]}, "a": 1})));
        assert_ne!(one, of_json(&json!({"b": {"d": 2, "c": [2, 1]}, "a": 1})));
        assert_eq!(one.len(), 64);
    }
}
