//! What a model is asked, and in which form it is to answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The instruction.
    System,
    /// Who asks.
    User,
    /// The model, in an answer that it gave before.
    Assistant,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub content: String,
    /// Pictures that it speaks of.
    pub images: Vec<Image>,
}

/// How closely a model is to look at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// As the endpoint likes.
    #[default]
    Auto,
    /// At a reduced picture, for few tokens.
    Low,
    /// At all of it.
    High,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    data_url: String,
    detail: Detail,
}

impl Detail {
    /// Its word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

impl Image {
    /// A PNG.
    #[must_use]
    pub fn png(bytes: &[u8], detail: Detail) -> Self {
        Self { data_url: format!("data:image/png;base64,{}", STANDARD.encode(bytes)), detail }
    }

    fn to_json(&self) -> Value {
        json!({"type": "image_url", "image_url": {"url": self.data_url, "detail": self.detail.as_str()}})
    }
}

/// The form of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// A JSON object.
    Object,
    /// A JSON object of this schema, where the endpoint knows such a thing.
    Schema {
        /// What the endpoint calls it.
        name: &'static str,
        /// The schema.
        schema: Value,
        /// Whether it is closed, so that endpoints can be strict about it.
        is_strict: bool,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The form of the answer.
    pub format: Format,
}

impl Message {
    /// The instruction.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into(), images: Vec::new() }
    }

    /// What somebody asks.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into(), images: Vec::new() }
    }

    /// What the model answered before.
    #[must_use]
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into(), images: Vec::new() }
    }

    /// The message with a picture more.
    #[must_use]
    pub fn with_image(mut self, image: Image) -> Self {
        self.images.push(image);
        self
    }

    fn to_json(&self) -> Value {
        let role = match self.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        if self.images.is_empty() {
            return json!({"role": role, "content": self.content});
        }
        let text = json!({"type": "text", "text": self.content});
        let parts: Vec<Value> = std::iter::once(text).chain(self.images.iter().map(Image::to_json)).collect();
        json!({"role": role, "content": parts})
    }
}

/// How the form of an answer is asked for, from the strictest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Schema,
    Object,
    Plain,
}

impl Mode {
    pub(crate) const fn weaker(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Object),
            Self::Object => Some(Self::Plain),
            Self::Plain => None,
        }
    }
}

impl Question {
    /// The strictest mode that the question asks for and the endpoint is said to know.
    pub(crate) const fn mode(&self, endpoint: &Endpoint) -> Mode {
        match self.format {
            Format::Text => Mode::Plain,
            Format::Schema { .. } if endpoint.structured_output => Mode::Schema,
            Format::Object | Format::Schema { .. } => Mode::Object,
        }
    }

    /// The body of a request.
    pub(crate) fn body(&self, endpoint: &Endpoint, mode: Mode) -> Value {
        let messages: Vec<Value> = self.messages.iter().map(Message::to_json).collect();
        let mut body = json!({
            "model": endpoint.model, "messages": messages, "temperature": endpoint.temperature,
            "max_tokens": endpoint.max_tokens, "stream": true, "stream_options": {"include_usage": true},
        });
        let format = match (mode, &self.format) {
            (Mode::Schema, Format::Schema { name, schema, is_strict }) => json!({
                "type": "json_schema", "json_schema": {"name": name, "strict": is_strict, "schema": schema}}),
            (Mode::Plain, _) | (_, Format::Text) => return body,
            (Mode::Schema | Mode::Object, Format::Object | Format::Schema { .. }) => json!({"type": "json_object"}),
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("response_format".to_owned(), format);
        }
        body
    }
}
