//! A reader of fields that collects every broken rule, under the names that class-validator gave them.

use serde_json::{Map, Value};
use utoipa::openapi::Object;

use super::description::{Description, Need, Shape};
use crate::error::{ApiError, Detail, Result};

mod nullable;

/// Fields of an object; what is read is taken out, and what is left at the end was not expected.
///
/// A field that breaks a rule reads as its type's default until [`Fields::finish`] refuses the whole.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    object: Map<String, Value>,
    prefix: String,
    details: Vec<Detail>,
    /// What was asked for, when a reader is run to describe what it reads.
    description: Option<Description>,
}

/// One field, to which rules are added before it is read.
pub(crate) struct Field<'a, T> {
    fields: &'a mut Fields,
    name: &'static str,
    kind: Kind<T>,
    rules: Vec<Rule<T>>,
    shape: Option<Shape>,
}

/// What a field may be.
struct Kind<T> {
    rule: &'static str,
    parse: fn(Value) -> Option<T>,
    shape: fn() -> Shape,
}

struct Rule<T> {
    name: &'static str,
    holds: Box<dyn Fn(&T) -> bool>,
}

impl Fields {
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self { object, ..Self::default() }
    }

    /// Runs a reader to learn what it reads.
    pub(crate) fn describe(read: impl FnOnce(&mut Self)) -> Object {
        let mut fields = Self { description: Some(Description::default()), ..Self::default() };
        read(&mut fields);
        fields.description.unwrap_or_default().into_object()
    }

    /// A text.
    pub(crate) fn string(&mut self, name: &'static str) -> Field<'_, String> {
        let parse = |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        self.field(name, Kind { rule: "isString", parse, shape: Shape::string })
    }

    /// A whole number; a text of digits counts.
    pub(crate) fn integer(&mut self, name: &'static str) -> Field<'_, i32> {
        let parse = |value: Value| parse_integer(&value);
        self.field(name, Kind { rule: "isInt", parse, shape: Shape::integer })
    }

    /// A number; a text of digits counts.
    pub(crate) fn number(&mut self, name: &'static str) -> Field<'_, f64> {
        let parse = |value| match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        self.field(name, Kind { rule: "isNumber", parse, shape: Shape::number })
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Field<'_, bool> {
        let parse = |value: Value| value.as_bool();
        self.field(name, Kind { rule: "isBoolean", parse, shape: Shape::boolean })
    }

    /// An object with any content.
    pub(crate) fn object(&mut self, name: &'static str) -> Field<'_, Map<String, Value>> {
        let parse = |value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        };
        self.field(name, Kind { rule: "isObject", parse, shape: Shape::object })
    }

    /// True or false, as a text; in a body also as what it is.
    pub(crate) fn flag(&mut self, name: &'static str) -> Field<'_, bool> {
        let parse = |value: Value| match value.as_str() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => value.as_bool(),
        };
        self.field(name, Kind { rule: "isIn", parse, shape: || Shape::string().words(&["true", "false"]) })
    }

    /// A list of whole numbers.
    pub(crate) fn integers(&mut self, name: &'static str) -> Field<'_, Vec<i32>> {
        let parse = |value: Value| value.as_array()?.iter().map(parse_integer).collect();
        self.field(name, Kind { rule: "isArray", parse, shape: Shape::integers })
    }

    /// A list of texts.
    pub(crate) fn strings(&mut self, name: &'static str) -> Field<'_, Vec<String>> {
        let parse = |value: Value| value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        self.field(name, Kind { rule: "isArray", parse, shape: Shape::strings })
    }

    /// An object whose fields are read by a reader of their own.
    pub(crate) fn child<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        let object = match self.object.remove(name) {
            Some(Value::Object(object)) => object,
            _ => {
                self.fail(name, "isObject");
                // Nothing is demanded of what is not there at all.
                let mut nothing = self.descend(Map::new(), name);
                let value = read(&mut nothing);
                self.describe_child(name, nothing, Need::Required);
                return value;
            }
        };
        self.read_child(object, name, read)
    }

    /// The same for an object that may be absent.
    pub(crate) fn optional_child<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.description.is_some() {
            let mut child = self.descend(Map::new(), name);
            let value = read(&mut child);
            self.describe_child(name, child, Need::Optional);
            return Some(value);
        }
        match self.object.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => Some(self.read_child(object, name, read)),
            Some(_) => {
                self.fail(name, "isObject");
                None
            }
        }
    }

    /// A list of such objects; none when absent.
    pub(crate) fn children<T>(&mut self, name: &'static str, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        if let Some(description) = &mut self.description {
            let item = Self::describe(|fields| drop(read(fields)));
            description.list(name, item);
            return Vec::new();
        }
        let items = match self.object.remove(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fail(name, "isArray");
                return Vec::new();
            }
        };
        let mut children = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = format!("{name}.{index}");
            match item {
                Value::Object(object) => children.push(self.read_child(object, &place, &mut read)),
                _ => self.fail(&place, "isObject"),
            }
        }
        children
    }

    fn read_child<T>(&mut self, object: Map<String, Value>, place: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut child = self.descend(object, place);
        let value = read(&mut child);
        let (details, leftover) = child.end();
        self.details.extend(details);
        self.details.extend(leftover);
        value
    }

    fn describe_child(&mut self, name: &'static str, child: Self, need: Need) {
        if let (Some(description), Some(of_child)) = (&mut self.description, child.description) {
            description.property(name, Shape::from(of_child.into_object()), need);
        }
    }

    /// The fields `name[key]` of a query, by their keys.
    pub(crate) fn bracketed(&mut self, name: &'static str) -> Vec<(String, Value)> {
        if let Some(description) = &mut self.description {
            description.property(name, Shape::texts_by_key(), Need::Optional);
        }
        let mut found = Vec::new();
        let mut rest = Map::new();
        for (field, value) in std::mem::take(&mut self.object) {
            match field.strip_prefix(name).and_then(|key| key.strip_prefix('[')?.strip_suffix(']')) {
                Some(key) => found.push((key.to_owned(), value)),
                None => drop(rest.insert(field, value)),
            }
        }
        self.object = rest;
        found
    }

    /// Notes a broken rule that a handler found.
    pub(crate) fn fail(&mut self, name: &str, rule: &'static str) {
        self.details.push(Detail { path: format!("{}{name}", self.prefix), rule });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `ValidationFailed` with every broken rule, unexpected fields last.
    pub(crate) fn finish(self) -> Result<()> {
        let (mut details, leftover) = self.end();
        details.extend(leftover);
        if details.is_empty() { Ok(()) } else { Err(ApiError::validation(details)) }
    }

    fn end(self) -> (Vec<Detail>, Vec<Detail>) {
        let Self { object, prefix, details, .. } = self;
        let leftover =
            object.keys().map(|name| Detail { path: format!("{prefix}{name}"), rule: "whitelistValidation" }).collect();
        (details, leftover)
    }

    fn descend(&self, object: Map<String, Value>, place: &str) -> Self {
        let description = self.description.is_some().then(Description::default);
        Self { object, prefix: format!("{}{place}.", self.prefix), details: Vec::new(), description }
    }

    fn field<T>(&mut self, name: &'static str, kind: Kind<T>) -> Field<'_, T> {
        let shape = self.description.is_some().then(kind.shape);
        Field { fields: self, name, kind, rules: Vec::new(), shape }
    }
}

impl<T> Field<'_, T> {
    /// Adds a rule.
    pub(crate) fn rule(mut self, name: &'static str, holds: impl Fn(&T) -> bool + 'static) -> Self {
        self.rules.push(Rule { name, holds: Box::new(holds) });
        self
    }

    /// The value, if there is one; null counts as none.
    pub(crate) fn optional(mut self) -> Option<T> {
        self.record(Need::Optional);
        match self.fields.object.remove(self.name) {
            None | Some(Value::Null) => None,
            Some(value) => self.check(value),
        }
    }

    /// The value, null, or nothing: `Some(None)` stands for null.
    pub(crate) fn nullable(mut self) -> Option<Option<T>> {
        self.record(Need::Optional);
        match self.fields.object.remove(self.name) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(self.check(value)),
        }
    }

    /// The value.
    pub(crate) fn required(mut self) -> T
    where
        T: Default,
    {
        self.record(Need::Required);
        let value = self.fields.object.remove(self.name).unwrap_or(Value::Null);
        self.check(value).unwrap_or_default()
    }

    /// Notes what the field is, when the reader is run to describe it.
    fn record(&mut self, need: Need) {
        if let (Some(description), Some(shape)) = (&mut self.fields.description, self.shape.take()) {
            description.property(self.name, shape, need);
        }
    }

    fn check(self, value: Value) -> Option<T> {
        match (self.kind.parse)(value) {
            Some(value) => {
                for rule in &self.rules {
                    if !(rule.holds)(&value) {
                        self.fields.fail(self.name, rule.name);
                    }
                }
                Some(value)
            }
            None => {
                self.fields.fail(self.name, self.kind.rule);
                for rule in &self.rules {
                    self.fields.fail(self.name, rule.name);
                }
                None
            }
        }
    }

    fn shaped(mut self, shape: impl FnOnce(Shape) -> Shape) -> Self {
        self.shape = self.shape.map(shape);
        self
    }
}

impl Field<'_, String> {
    /// At least so many characters.
    pub(crate) fn min_length(self, least: usize) -> Self {
        self.rule("minLength", move |text| text.chars().count() >= least).shaped(|shape| shape.min_length(least))
    }

    /// At most so many characters.
    pub(crate) fn max_length(self, most: usize) -> Self {
        self.rule("maxLength", move |text| text.chars().count() <= most).shaped(|shape| shape.max_length(most))
    }

    /// One of some words, by the rule for lists of them.
    pub(crate) fn one_of(self, words: &'static [&'static str]) -> Self {
        self.word("isIn", words)
    }

    /// One of some words, by the rule for enumerations.
    pub(crate) fn enumeration(self, words: &'static [&'static str]) -> Self {
        self.word("isEnum", words)
    }

    /// One of some words, in capitals or not.
    pub(crate) fn one_of_any_case(self, words: &'static [&'static str]) -> Self {
        let is_known = |text: &String| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        self.rule("isIn", is_known).shaped(|shape| shape.words(words))
    }

    fn word(self, rule: &'static str, words: &'static [&'static str]) -> Self {
        self.rule(rule, move |text| words.contains(&text.as_str())).shaped(|shape| shape.words(words))
    }

    /// A text of a form that a regular expression describes to clients and a function checks.
    pub(crate) fn matches(self, pattern: &'static str, holds: impl Fn(&str) -> bool + 'static) -> Self {
        self.rule("matches", move |text| holds(text)).shaped(|shape| shape.pattern(pattern))
    }

    /// A text of a format that JSON Schema has a word for.
    pub(crate) fn format(self, rule: &'static str, word: &'static str, holds: impl Fn(&str) -> bool + 'static) -> Self {
        self.rule(rule, move |text| holds(text)).shaped(|shape| shape.format(word))
    }
}

impl Field<'_, i32> {
    /// In a range, ends included.
    pub(crate) fn within(self, least: i32, most: i32) -> Self {
        self.rule("min", move |number| *number >= least)
            .rule("max", move |number| *number <= most)
            .shaped(|shape| shape.at_least(least.into()).at_most(most.into()))
    }
}

impl Field<'_, f64> {
    /// Not below.
    pub(crate) fn min(self, least: f64) -> Self {
        self.rule("min", move |number| *number >= least).shaped(|shape| shape.at_least(least))
    }

    /// Not above.
    pub(crate) fn max(self, most: f64) -> Self {
        self.rule("max", move |number| *number <= most).shaped(|shape| shape.at_most(most))
    }
}

impl<T> Field<'_, Vec<T>> {
    /// At least one.
    pub(crate) fn not_empty(self) -> Self {
        self.rule("arrayNotEmpty", |items: &Vec<T>| !items.is_empty()).shaped(|shape| shape.count(1, None))
    }

    /// At least one and at most so many.
    pub(crate) fn count_up_to(self, most: usize) -> Self {
        self.not_empty()
            .rule("arrayMaxSize", move |items: &Vec<T>| items.len() <= most)
            .shaped(|shape| shape.count(1, Some(most)))
    }
}

fn parse_integer(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => i32::try_from(number).ok(),
            // 3.0 is whole too.
            None => format!("{}", number.as_f64()?).parse().ok(),
        },
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone())
    }

    fn details(fields: Fields) -> Value {
        fields.finish().unwrap_err().to_fields()["details"].clone()
    }

    #[test]
    fn every_broken_rule_has_its_entry() {
        let mut fields = fields(json!({"name": "", "age": "x", "more": 1}));
        fields.string("name").min_length(1).required();
        fields.integer("age").within(0, 10).required();
        fields.string("missing").max_length(3).required();
        let expected = json!([
            {"path": "name", "rule": "minLength"},
            {"path": "age", "rule": "isInt"},
            {"path": "age", "rule": "min"},
            {"path": "age", "rule": "max"},
            {"path": "missing", "rule": "isString"},
            {"path": "missing", "rule": "maxLength"},
            {"path": "more", "rule": "whitelistValidation"},
        ]);
        assert_eq!(details(fields), expected);
    }

    #[test]
    fn numbers_may_be_texts_and_null_may_be_told_from_absent() {
        let mut fields = fields(json!({"a": "12", "b": 3.0, "c": "0.5", "d": null, "e": null}));
        assert_eq!(fields.integer("a").required(), 12);
        assert_eq!(fields.integer("b").optional(), Some(3));
        assert_eq!(fields.number("c").optional(), Some(0.5));
        assert_eq!(fields.string("d").nullable(), Some(None));
        assert_eq!(fields.string("e").optional(), None);
        assert_eq!(fields.string("f").nullable(), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn children_report_under_their_place() {
        let mut fields = fields(json!({"rules": [{"path": "a"}, {"path": 1, "x": 0}, 3], "project": 7}));
        fields.child("project", |project| project.string("name").optional());
        fields.children("rules", |rule| rule.string("path").required());
        let expected = json!([
            {"path": "project", "rule": "isObject"},
            {"path": "rules.1.path", "rule": "isString"},
            {"path": "rules.1.x", "rule": "whitelistValidation"},
            {"path": "rules.2", "rule": "isObject"},
        ]);
        assert_eq!(details(fields), expected);
    }

    #[test]
    fn a_reader_describes_what_it_reads() {
        let described = Fields::describe(|fields| {
            fields.string("name").min_length(1).required();
            fields.integer("age").within(0, 10).optional();
            fields.string("kind").one_of(&["a", "b"]).nullable();
            fields.optional_child("more", |more| more.boolean("flag").required());
            fields.children("rows", |row| row.number("amount").min(0.5).required());
        });
        let expected = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "age": {"type": ["integer", "null"], "format": "int32", "minimum": 0, "maximum": 10},
                "kind": {"type": ["string", "null"], "enum": ["a", "b", null]},
                "more": {
                    "type": ["object", "null"], "required": ["flag"], "additionalProperties": false,
                    "properties": {"flag": {"type": "boolean"}},
                },
                "rows": {
                    "type": ["array", "null"],
                    "items": {
                        "type": "object", "required": ["amount"], "additionalProperties": false,
                        "properties": {"amount": {"type": "number", "minimum": 0.5}},
                    },
                },
            },
            "additionalProperties": false,
        });
        assert_eq!(serde_json::to_value(described).unwrap(), expected);
    }
}
