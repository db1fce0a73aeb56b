//! The fields of a schema with the names that they stand in.

use serde_json::{Map, Value};

/// Deeper than any form that people fill in; a schema that refers to itself ends here.
const MAX_DEPTH: usize = 10;
const MAX_FIELDS: usize = 2000;

/// One field with a single value, or one array of objects.
#[derive(Debug)]
pub(super) struct Field {
    /// The names from the root; what stands in an array begins at its row.
    pub steps: Vec<String>,
    /// The position of the array that it stands in, among all fields.
    pub array: Option<usize>,
    /// What the schema says of it.
    pub schema: Value,
    /// Whether it is an array of objects.
    pub is_array: bool,
    /// The title of the property, if any.
    pub title: Option<String>,
    /// What `x-concept` says.
    pub concept: Option<Value>,
}

/// All fields in the order of the schema.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let mut walk = Walk { root: schema, fields: Vec::new() };
    walk.object(schema, &[], None, 0);
    walk.fields
}

struct Walk<'a> {
    root: &'a Value,
    fields: Vec<Field>,
}

impl Walk<'_> {
    fn object(&mut self, schema: &Value, steps: &[String], array: Option<usize>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let schema = resolved(self.root, schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            // Names with an underscore in front are about the document's handling, not its contents.
            if name.starts_with('_') || self.fields.len() >= MAX_FIELDS {
                continue;
            }
            let told = property;
            let property = resolved(self.root, property);
            let mut steps = steps.to_vec();
            steps.push(name.clone());
            let items = property.get("items").map(|items| resolved(self.root, items));
            let rows = items.filter(|items| items.get("properties").is_some_and(Value::is_object));
            if property.get("properties").is_some_and(Value::is_object) {
                self.object(&property, &steps, array, depth + 1);
            } else if let Some(rows) = rows {
                let place = self.fields.len();
                self.fields.push(Field { is_array: true, ..field(told, property, steps, array) });
                // Rows in rows are no rows of the document.
                if array.is_none() {
                    self.object(&rows, &[], Some(place), depth + 1);
                }
            } else if property.get("items").is_none() {
                self.fields.push(field(told, property, steps, array));
            }
        }
    }
}

fn field(told: &Value, schema: Value, steps: Vec<String>, array: Option<usize>) -> Field {
    let keyword = |name: &str| told.get(name).or_else(|| schema.get(name));
    let title = keyword("title").and_then(Value::as_str).map(str::to_owned);
    let concept = keyword("x-concept").cloned();
    Field { steps, array, schema, is_array: false, title, concept }
}

/// A schema with its reference followed and its alternatives merged, so far as they say "this or nothing".
pub(crate) fn resolved(root: &Value, schema: &Value) -> Value {
    let mut current = schema.clone();
    for _ in 0..MAX_DEPTH {
        if let Some(target) = current.get("$ref").and_then(Value::as_str) {
            let Some(found) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else { break };
            let mut merged = found.as_object().cloned().unwrap_or_default();
            merged.extend(own(&current, "$ref"));
            current = Value::Object(merged);
        } else if let Some((word, only)) = single_alternative(&current) {
            let mut merged = only;
            merged.extend(own(&current, word));
            current = Value::Object(merged);
        } else {
            break;
        }
    }
    current
}

fn own(schema: &Value, without: &str) -> Map<String, Value> {
    let mut own = schema.as_object().cloned().unwrap_or_default();
    own.shift_remove(without);
    own
}

fn single_alternative(schema: &Value) -> Option<(&'static str, Map<String, Value>)> {
    ["anyOf", "oneOf", "allOf"].into_iter().find_map(|word| {
        let mut some = schema.get(word)?.as_array()?.iter().filter(|one| one.get("type") != Some(&Value::from("null")));
        let (first, second) = (some.next()?, some.next());
        if second.is_some() { None } else { Some((word, first.as_object()?.clone())) }
    })
}
