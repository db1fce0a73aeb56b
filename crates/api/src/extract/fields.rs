//! A reader of fields that collects every broken rule, under the names that class-validator gave them.

use serde_json::{Map, Value};

use crate::error::{ApiError, Detail, Result};

/// Fields of an object; what is read is taken out, and what is left at the end was not expected.
///
/// A field that breaks a rule reads as its type's default until [`Fields::finish`] refuses the whole.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    object: Map<String, Value>,
    prefix: String,
    details: Vec<Detail>,
}

/// One field, to which rules are added before it is read.
pub(crate) struct Field<'a, T> {
    fields: &'a mut Fields,
    name: &'static str,
    type_rule: &'static str,
    parse: fn(Value) -> Option<T>,
    rules: Vec<Rule<T>>,
}

struct Rule<T> {
    name: &'static str,
    holds: Box<dyn Fn(&T) -> bool>,
}

impl Fields {
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self { object, ..Self::default() }
    }

    /// A text.
    pub(crate) fn string(&mut self, name: &'static str) -> Field<'_, String> {
        self.field(name, "isString", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A whole number; a text of digits counts.
    pub(crate) fn integer(&mut self, name: &'static str) -> Field<'_, i32> {
        self.field(name, "isInt", |value| parse_integer(&value))
    }

    /// A number; a text of digits counts.
    pub(crate) fn number(&mut self, name: &'static str) -> Field<'_, f64> {
        self.field(name, "isNumber", |value| match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        })
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Field<'_, bool> {
        self.field(name, "isBoolean", |value| value.as_bool())
    }

    /// An object with any content.
    pub(crate) fn object(&mut self, name: &'static str) -> Field<'_, Map<String, Value>> {
        self.field(name, "isObject", |value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
    }

    /// A list of whole numbers.

    pub(crate) fn integers(&mut self, name: &'static str) -> Field<'_, Vec<i32>> {
        self.field(name, "isArray", |value| value.as_array()?.iter().map(parse_integer).collect())
    }

    /// An object whose fields are checked too; hand it back to [`Fields::absorb`].
    pub(crate) fn child(&mut self, name: &'static str) -> Self {
        match self.object.remove(name) {
            Some(Value::Object(object)) => self.descend(object, name),
            _ => {
                self.fail(name, "isObject");
                // Nothing is demanded of what is not there at all.
                self.descend(Map::new(), name)
            }
        }
    }

    /// A list of such objects; none when absent.
    pub(crate) fn children(&mut self, name: &'static str) -> Vec<Self> {
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
                Value::Object(object) => children.push(self.descend(object, &place)),
                _ => self.fail(&place, "isObject"),
            }
        }
        children
    }

    /// Ends the reading of a child: its broken rules become ours.
    pub(crate) fn absorb(&mut self, child: Self) {
        let (details, leftover) = child.end();
        self.details.extend(details);
        self.details.extend(leftover);
    }

    /// Takes out all fields that are chosen by their name.

    pub(crate) fn take_where(&mut self, is_chosen: impl Fn(&str) -> bool) -> Vec<(String, Value)> {
        let (chosen, rest) =
            std::mem::take(&mut self.object).into_iter().partition::<Vec<_>, _>(|(name, _)| is_chosen(name));
        self.object = rest.into_iter().collect();
        chosen
    }

    /// Whether a field is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
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
        let Self { object, prefix, details } = self;
        let leftover =
            object.keys().map(|name| Detail { path: format!("{prefix}{name}"), rule: "whitelistValidation" }).collect();
        (details, leftover)
    }

    fn descend(&self, object: Map<String, Value>, place: &str) -> Self {
        Self { object, prefix: format!("{}{place}.", self.prefix), details: Vec::new() }
    }

    fn field<T>(&mut self, name: &'static str, type_rule: &'static str, parse: fn(Value) -> Option<T>) -> Field<'_, T> {
        Field { fields: self, name, type_rule, parse, rules: Vec::new() }
    }
}

impl<T> Field<'_, T> {
    /// Adds a rule.
    pub(crate) fn rule(mut self, name: &'static str, holds: impl Fn(&T) -> bool + 'static) -> Self {
        self.rules.push(Rule { name, holds: Box::new(holds) });
        self
    }

    /// The value, if there is one; null counts as none.
    pub(crate) fn optional(self) -> Option<T> {
        match self.fields.object.remove(self.name) {
            None | Some(Value::Null) => None,
            Some(value) => self.check(value),
        }
    }

    /// The value, null, or nothing: `Some(None)` stands for null.
    pub(crate) fn nullable(self) -> Option<Option<T>> {
        match self.fields.object.remove(self.name) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(self.check(value)),
        }
    }

    /// The value.
    pub(crate) fn required(self) -> T
    where
        T: Default,
    {
        let value = self.fields.object.remove(self.name).unwrap_or(Value::Null);
        self.check(value).unwrap_or_default()
    }

    fn check(self, value: Value) -> Option<T> {
        match (self.parse)(value) {
            Some(value) => {
                for rule in &self.rules {
                    if !(rule.holds)(&value) {
                        self.fields.fail(self.name, rule.name);
                    }
                }
                Some(value)
            }
            None => {
                self.fields.fail(self.name, self.type_rule);
                for rule in &self.rules {
                    self.fields.fail(self.name, rule.name);
                }
                None
            }
        }
    }
}

impl Field<'_, String> {
    /// At least so many characters.
    pub(crate) fn min_length(self, least: usize) -> Self {
        self.rule("minLength", move |text| text.chars().count() >= least)
    }

    /// At most so many characters.
    pub(crate) fn max_length(self, most: usize) -> Self {
        self.rule("maxLength", move |text| text.chars().count() <= most)
    }

    /// One of some words.
    pub(crate) fn one_of(self, words: &'static [&'static str]) -> Self {
        self.rule("isIn", move |text| words.contains(&text.as_str()))
    }
}

impl Field<'_, i32> {
    /// In a range, ends included.
    pub(crate) fn within(self, least: i32, most: i32) -> Self {
        self.rule("min", move |number| *number >= least).rule("max", move |number| *number <= most)
    }
}

impl Field<'_, f64> {
    /// Not above.
    pub(crate) fn max(self, most: f64) -> Self {
        self.rule("max", move |number| *number <= most)
    }

    /// Not below.
    pub(crate) fn min(self, least: f64) -> Self {
        self.rule("min", move |number| *number >= least)
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
        let mut project = fields.child("project");
        project.string("name").optional();
        fields.absorb(project);
        for mut rule in fields.children("rules") {
            rule.string("path").required();
            fields.absorb(rule);
        }
        let expected = json!([
            {"path": "project", "rule": "isObject"},
            {"path": "rules.2", "rule": "isObject"},
            {"path": "rules.1.path", "rule": "isString"},
            {"path": "rules.1.x", "rule": "whitelistValidation"},
        ]);
        assert_eq!(details(fields), expected);
    }
}
