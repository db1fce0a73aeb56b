//! Extracting one field anew: the schema is cut to it, and the answer is put into the data that is there.

use std::fmt;

use serde_json::{Map, Value};

/// Where a field is: names and positions in lists.
///
/// A path that speaks of all rows of a list (`items[].amount`) leads to the list as a whole: the rows of two answers need
/// not be the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
}

/// Why a value can't be put where a path leads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no place for {path} in the extracted data")]
pub struct NoPlace {
    /// The path.
    pub path: String,
}

impl FieldPath {
    /// Reads `a.b`, `a.0.b`, `a[0].b` or `a[].b`; a `?` at the end, by which clients mark optional fields, is passed over.
    /// `None` when there is no name in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_suffix('?').unwrap_or(text).replace('[', ".[");
        let mut segments = Vec::new();
        for part in text.split('.').map(str::trim).filter(|part| !part.is_empty()) {
            let inner = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(part);
            match inner.parse() {
                Ok(index) if !segments.is_empty() => segments.push(Segment::Index(index)),
                _ if inner.is_empty() || inner == "*" => break,
                _ => segments.push(Segment::Name(inner.to_owned())),
            }
        }
        (!segments.is_empty()).then_some(Self(segments))
    }

    /// Whether another path, in which `[]`, `*` and a position stand for any row, leads to this field, into it or to
    /// what it is a part of.
    #[must_use]
    pub fn overlaps(&self, other: &str) -> bool {
        let other = other.replace("[]", ".*").replace('[', ".").replace(']', "");
        let others = other.split('.').filter(|part| !part.is_empty());
        self.0.iter().zip(others).all(|(segment, other)| match segment {
            Segment::Name(name) => name == other,
            Segment::Index(index) => other == "*" || other.parse() == Ok(*index),
        })
    }

    /// The part of a schema that the field needs: objects keep the one property on the way, lists their items. What
    /// combines schemas is passed through whole, and a field that the schema does not know may be anything.
    #[must_use]
    pub fn narrow(&self, schema: &Value) -> Value {
        Self::narrow_to(std::slice::from_ref(self), schema)
    }

    /// The part of a schema that some fields need, as [`FieldPath::narrow`].
    #[must_use]
    pub fn narrow_to(paths: &[Self], schema: &Value) -> Value {
        narrow(schema, &paths.iter().map(|path| path.0.as_slice()).collect::<Vec<_>>())
    }

    /// The schema without the field, and without asking for it.
    #[must_use]
    pub fn cut_from(&self, schema: &Value) -> Value {
        cut(schema, &self.0)
    }

    /// What a schema says of the field; `None` when it does not know it.
    #[must_use]
    pub fn schema_in<'a>(&self, schema: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(schema, |schema, segment| match segment {
            Segment::Name(name) => schema.get("properties")?.get(name),
            Segment::Index(_) => schema.get("items"),
        })
    }

    /// The value in some data; `None` when the path leads nowhere.
    #[must_use]
    pub fn find<'a>(&self, data: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(data, |value, segment| match segment {
            Segment::Name(name) => value.get(name),
            Segment::Index(index) => value.get(index),
        })
    }

    /// The data without the field; a row of a list becomes null, so that the others keep their places.
    #[must_use]
    pub fn without(&self, data: &Value) -> Value {
        let mut data = data.clone();
        let parent = match self.0.split_last() {
            Some((last, way)) => way_to(&mut data, way).map(|parent| (parent, last)),
            None => None,
        };
        match parent {
            Some((Value::Object(fields), Segment::Name(name))) => drop(fields.shift_remove(name)),
            Some((Value::Array(rows), Segment::Index(index))) => {
                if let Some(row) = rows.get_mut(*index) {
                    *row = Value::Null;
                }
            }
            _ => {}
        }
        data
    }

    /// Puts the field's new value into the data and leaves all else; no value takes the field out. What the model says of
    /// its own answer replaces what it said before, when it says anything.
    ///
    /// # Errors
    /// When a part of the way is something else than the path says, or a row is not there.
    pub fn merge(&self, data: &Value, value: Option<Value>, info: Option<&Value>) -> Result<Value, NoPlace> {
        let mut merged = match value {
            None => self.without(data),
            Some(value) => {
                let mut merged = data.clone();
                let place = self.place(&mut merged).ok_or_else(|| NoPlace { path: self.to_string() })?;
                *place = value;
                merged
            }
        };
        if let (Some(info), Some(fields)) = (info, merged.as_object_mut()) {
            fields.insert("_extraction_info".to_owned(), info.clone());
        }
        Ok(merged)
    }

    fn place<'a>(&self, data: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(data, |value, segment| match segment {
            Segment::Name(name) => {
                if value.is_null() {
                    *value = Value::Object(Map::new());
                }
                Some(value.as_object_mut()?.entry(name.as_str()).or_insert(Value::Null))
            }
            Segment::Index(index) => {
                if value.is_null() {
                    *value = Value::Array(Vec::new());
                }
                let rows = value.as_array_mut()?;
                if *index == rows.len() {
                    rows.push(Value::Null);
                }
                rows.get_mut(*index)
            }
        })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            match segment {
                Segment::Name(name) => f.write_str(name)?,
                Segment::Index(index) => write!(f, "{index}")?,
            }
        }
        Ok(())
    }
}

fn way_to<'a>(data: &'a mut Value, way: &[Segment]) -> Option<&'a mut Value> {
    way.iter().try_fold(data, |value, segment| match segment {
        Segment::Name(name) => value.get_mut(name),
        Segment::Index(index) => value.get_mut(index),
    })
}

fn narrow(schema: &Value, ways: &[&[Segment]]) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let Some(steps) = ways.iter().map(|way| way.split_first()).collect::<Option<Vec<_>>>() else {
        return schema.clone();
    };
    let Some((first, _)) = steps.first() else { return schema.clone() };
    let mut narrowed = fields.clone();
    if matches!(first, Segment::Index(_)) {
        let rests: Vec<&[Segment]> = steps.iter().map(|(_, rest)| *rest).collect();
        let items = fields.get("items").filter(|items| items.is_object());
        narrowed.insert("type".to_owned(), Value::from("array"));
        narrowed.insert("items".to_owned(), narrow(items.unwrap_or(&Value::Object(Map::new())), &rests));
        return Value::Object(narrowed);
    }
    let mut kept = Map::new();
    for (segment, _) in &steps {
        let Segment::Name(name) = segment else { continue };
        if kept.contains_key(name) {
            continue;
        }
        let property = fields.get("properties").and_then(|properties| properties.get(name));
        let combines = ["$ref", "oneOf", "anyOf", "allOf", "if"].iter().any(|word| fields.contains_key(*word));
        if property.is_none() && combines {
            return schema.clone();
        }
        let rests = steps.iter().filter(|(other, _)| other == segment).map(|(_, rest)| *rest);
        let unknown = Value::Object(Map::new());
        kept.insert(name.clone(), narrow(property.unwrap_or(&unknown), &rests.collect::<Vec<_>>()));
    }
    narrowed.insert("type".to_owned(), Value::from("object"));
    narrowed.insert("required".to_owned(), kept.keys().cloned().collect());
    narrowed.insert("properties".to_owned(), Value::Object(kept));
    drop_what_counts_properties(&mut narrowed);
    Value::Object(narrowed)
}

fn cut(schema: &Value, way: &[Segment]) -> Value {
    let (Some((Segment::Name(name), rest)), Some(fields)) = (way.split_first(), schema.as_object()) else {
        return schema.clone();
    };
    let mut kept = fields.clone();
    if let Some(properties) = kept.get_mut("properties").and_then(Value::as_object_mut) {
        if rest.is_empty() {
            properties.shift_remove(name);
        } else if let Some(property) = properties.get_mut(name) {
            *property = cut(property, rest);
        }
    }
    if let (true, Some(required)) = (rest.is_empty(), kept.get_mut("required").and_then(Value::as_array_mut)) {
        required.retain(|one| one != name);
    }
    drop_what_counts_properties(&mut kept);
    Value::Object(kept)
}

/// These speak of properties that are cut away.
fn drop_what_counts_properties(schema: &mut Map<String, Value>) {
    for word in ["minProperties", "dependencies", "dependentRequired", "dependentSchemas", "default", "examples"] {
        schema.shift_remove(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    #[test]
    fn paths_are_read_in_all_their_spellings() {
        for (text, expected) in [
            ("total", "total"),
            ("total?", "total"),
            (" invoice.po_no ? ", "invoice.po_no"),
            ("items.0.amount", "items.0.amount"),
            ("items[0].amount", "items.0.amount"),
            ("items[].amount", "items"),
            ("items.*.amount", "items"),
            ("a b.ü", "a b.ü"),
        ] {
            assert_eq!(path(text).to_string(), expected, "{text}");
        }
        for nothing in ["", " ", "?", ".", "[]", "[].a"] {
            assert_eq!(FieldPath::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn rules_and_findings_concern_a_field_when_one_leads_into_the_other() {
        for (field, other, expected) in [
            ("total", "total", true),
            ("total", "totals", false),
            ("invoice", "invoice.po", true),
            ("invoice.po", "invoice", true),
            ("invoice.po", "invoice.date", false),
            ("items.0.amount", "items[].amount", true),
            ("items.0.amount", "items.0.amount", true),
            ("items.0.amount", "items[1].amount", false),
            ("items[].amount", "items.3.name", true),
            ("total", "", true),
        ] {
            assert_eq!(path(field).overlaps(other), expected, "{field} {other}");
        }
    }

    #[test]
    fn a_schema_is_cut_to_the_field() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "title": "Invoice", "type": "object",
            "required": ["total", "invoice"], "minProperties": 2,
            "properties": {
                "total": {"type": "number"},
                "invoice": {"type": "object", "required": ["no"], "properties": {
                    "no": {"type": "string"}, "date": {"type": "string", "format": "date"}}},
                "items": {"type": "array", "items": {"type": "object", "properties": {
                    "name": {"type": "string"}, "amount": {"type": "number"}}}},
            }
        });
        assert_eq!(
            path("invoice.date").narrow(&schema),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Invoice", "type": "object",
                   "required": ["invoice"], "properties": {
                       "invoice": {"type": "object", "required": ["date"], "properties": {
                           "date": {"type": "string", "format": "date"}}}}})
        );
        let rows = path("items.1.amount").narrow(&schema);
        assert_eq!(
            rows["properties"],
            json!({"items": {"type": "array", "items": {
                "type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}}})
        );
        assert_eq!(path("items[].amount").narrow(&schema)["properties"]["items"], schema["properties"]["items"]);
        assert_eq!(
            path("more.fields").narrow(&schema)["properties"],
            json!({"more": {"type": "object", "properties": {"fields": {}}, "required": ["fields"]}})
        );
        let combined = json!({"oneOf": [{"properties": {"a": {"type": "string"}}}]});
        assert_eq!(path("a").narrow(&combined), combined);
    }

    #[test]
    fn only_the_field_changes() {
        let data = json!({"total": 1, "items": [{"q": 1}, {"q": 2}], "_extraction_info": {"confidence": 0.9}});
        let merge = |text: &str, value: Value| path(text).merge(&data, Some(value), None);
        let mut expected = data.clone();
        expected["items"][1]["q"] = json!(7);
        assert_eq!(merge("items.1.q", json!(7)), Ok(expected));
        assert_eq!(merge("items.2", json!({"q": 3})).unwrap()["items"], json!([{"q": 1}, {"q": 2}, {"q": 3}]));
        assert_eq!(merge("deep.er", json!("x")).unwrap()["deep"], json!({"er": "x"}));
        for nowhere in ["total.of", "items.5.q", "items.q"] {
            assert_eq!(merge(nowhere, json!(1)), Err(NoPlace { path: nowhere.to_owned() }));
        }
        let info = json!({"confidence": 0.5});
        let merged = path("total").merge(&data, Some(json!(2)), Some(&info)).unwrap();
        assert_eq!((&merged["total"], &merged["_extraction_info"]), (&json!(2), &info));
        assert_eq!(path("total").merge(&data, None, None).unwrap().get("total"), None);
        assert_eq!(path("none").merge(&data, None, None), Ok(data.clone()));
    }

    #[test]
    fn what_is_asked_for_is_not_told_beforehand() {
        let data = json!({"a": {"b": 1, "c": 2}, "rows": [1, 2]});
        assert_eq!(path("a.b").without(&data), json!({"a": {"c": 2}, "rows": [1, 2]}));
        assert_eq!(path("rows.0").without(&data), json!({"a": {"b": 1, "c": 2}, "rows": [null, 2]}));
        assert_eq!(path("x.y").without(&data), data);
    }

    proptest! {
        #[test]
        fn what_was_merged_is_found_and_nothing_else_moved(names in prop::collection::vec("[a-c]{1,2}", 1..4), old in 0..9, new in 0..9) {
            let path = path(&names.join("."));
            let data = json!({"a": {"a": {"b": old}, "bb": [old]}, "z": old});
            if let Ok(merged) = path.merge(&data, Some(json!(new)), None) {
                prop_assert_eq!(path.find(&merged), Some(&json!(new)));
                prop_assert_eq!(&merged["z"], &json!(old));
                let back = match path.find(&data) {
                    Some(before) => path.merge(&merged, Some(before.clone()), None).unwrap(),
                    None => path.without(&merged),
                };
                prop_assert_eq!(path.without(&back), path.without(&merged));
            }
        }
    }
}
