//! What a reader reads, as JSON Schema.

use serde_json::Value;
use utoipa::Number;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};

/// The fields that a reader asked for.
#[derive(Debug, Default)]
pub(crate) struct Description {
    properties: Vec<(&'static str, Schema)>,
    required: Vec<&'static str>,
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    /// It may be absent, and null counts as absent.
    Optional,
}

/// What one field may be.
#[derive(Debug)]
pub(crate) struct Shape(Schema);

impl Description {
    pub(crate) fn property(&mut self, name: &'static str, shape: Shape, need: Need) {
        let schema = match need {
            Need::Required => {
                self.required.push(name);
                shape.0
            }
            Need::Optional => nullable(shape.0),
        };
        self.properties.push((name, schema));
    }

    /// A list of objects, which may be absent.
    pub(crate) fn list(&mut self, name: &'static str, item: Object) {
        let list = ArrayBuilder::new().items(RefOr::T(Schema::Object(item))).build();
        self.property(name, Shape(Schema::Array(list)), Need::Optional);
    }

    pub(crate) fn into_object(self) -> Object {
        let mut object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
        for (name, schema) in self.properties {
            object = object.property(name, schema);
        }
        for name in self.required {
            object = object.required(name);
        }
        object.build()
    }
}

fn nullable(schema: Schema) -> Schema {
    let or_null = |schema_type: SchemaType| match schema_type {
        SchemaType::Type(one) => SchemaType::from_iter([one, Type::Null]),
        other => other,
    };
    match schema {
        Schema::Object(mut object) => {
            object.schema_type = or_null(object.schema_type);
            if let Some(words) = &mut object.enum_values {
                words.push(Value::Null);
            }
            Schema::Object(object)
        }
        Schema::Array(mut array) => {
            array.schema_type = or_null(array.schema_type);
            Schema::Array(array)
        }
        other => other,
    }
}

impl From<Shape> for Schema {
    fn from(shape: Shape) -> Self {
        shape.0
    }
}

impl From<Object> for Shape {
    fn from(object: Object) -> Self {
        Self(Schema::Object(object))
    }
}

impl Shape {
    fn of(one: Type) -> Self {
        Self(Schema::Object(Object::with_type(one)))
    }

    pub(crate) fn string() -> Self {
        Self::of(Type::String)
    }

    pub(crate) fn integer() -> Self {
        Self::of(Type::Integer).change(|object| object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
    }

    pub(crate) fn number() -> Self {
        Self::of(Type::Number)
    }

    pub(crate) fn boolean() -> Self {
        Self::of(Type::Boolean)
    }

    pub(crate) fn object() -> Self {
        Self::of(Type::Object)
    }

    pub(crate) fn integers() -> Self {
        Self(Schema::Array(ArrayBuilder::new().items(RefOr::T(Self::integer().0)).build()))
    }

    pub(crate) fn strings() -> Self {
        Self(Schema::Array(ArrayBuilder::new().items(RefOr::T(Self::string().0)).build()))
    }

    /// An object of texts under any keys.
    pub(crate) fn texts_by_key() -> Self {
        let texts = AdditionalProperties::RefOr(RefOr::T(Self::string().0));
        Self::object().change(|object| object.additional_properties = Some(Box::new(texts)))
    }

    fn change(mut self, change: impl FnOnce(&mut Object)) -> Self {
        if let Schema::Object(object) = &mut self.0 {
            change(object);
        }
        self
    }

    pub(crate) fn min_length(self, least: usize) -> Self {
        self.change(|object| object.min_length = Some(least))
    }

    pub(crate) fn max_length(self, most: usize) -> Self {
        self.change(|object| object.max_length = Some(most))
    }

    pub(crate) fn words(self, words: &[&str]) -> Self {
        self.change(|object| object.enum_values = Some(words.iter().map(|word| Value::from(*word)).collect()))
    }

    pub(crate) fn pattern(self, pattern: &str) -> Self {
        self.change(|object| object.pattern = Some(pattern.to_owned()))
    }

    pub(crate) fn format(self, word: &str) -> Self {
        self.change(|object| object.format = Some(SchemaFormat::Custom(word.to_owned())))
    }

    pub(crate) fn at_least(self, least: f64) -> Self {
        self.change(|object| object.minimum = Some(number(least)))
    }

    pub(crate) fn at_most(self, most: f64) -> Self {
        self.change(|object| object.maximum = Some(number(most)))
    }

    pub(crate) fn count(mut self, least: usize, most: Option<usize>) -> Self {
        if let Schema::Array(array) = &mut self.0 {
            array.min_items = Some(least);
            array.max_items = most;
        }
        self
    }
}

/// A bound without a fraction is written without one.
fn number(bound: f64) -> Number {
    format!("{bound}").parse().map_or(Number::Float(bound), Number::Int)
}
