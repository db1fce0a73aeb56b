//! What a model is asked, and in which form it is to answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_extraction::cost::Usage;

use crate::dialect::{Dialect, Mode};
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

/// About as many tokens as a model sees in a picture of a page; it sees no more in one that takes more bytes.
const PICTURE_TOKENS: usize = 2_000;

/// A body as a text to count tokens by: with as many characters in place of a picture as text of its tokens has.
pub(crate) fn measured(mut body: Value) -> String {
    let messages = body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten();
    for part in messages.filter_map(|message| message.get_mut("content")?.as_array_mut()).flatten() {
        if let Some(url) = part.pointer_mut("/image_url/url") {
            *url = " ".repeat(PICTURE_TOKENS * 4).into();
        }
    }
    body.to_string()
}

impl Question {
    /// The most tokens that asking this can take.
    #[must_use]
    pub fn at_most(&self, endpoint: &Endpoint) -> Usage {
        Usage::at_most(&measured(self.body(endpoint, Dialect::default())), endpoint.max_tokens)
    }

    /// The body of a request.
    pub(crate) fn body(&self, endpoint: &Endpoint, dialect: Dialect) -> Value {
        let messages: Vec<Value> = self.messages.iter().map(Message::to_json).collect();
        let limit = if dialect.has_completion_limit { "max_completion_tokens" } else { "max_tokens" };
        let mut body = json!({"model": endpoint.model, "messages": messages, "stream": true});
        let Some(fields) = body.as_object_mut() else { return body };
        if !dialect.has_own_temperature {
            fields.insert("temperature".to_owned(), json!(endpoint.temperature));
        }
        fields.insert(limit.to_owned(), json!(endpoint.max_tokens));
        if !dialect.has_no_stream_options {
            fields.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
        let format = match (dialect.mode, &self.format) {
            (Mode::Schema, Format::Schema { name, schema, is_strict }) => json!({
                "type": "json_schema", "json_schema": {"name": name, "strict": is_strict, "schema": schema}}),
            (Mode::Plain, _) | (_, Format::Text) => return body,
            (Mode::Schema | Mode::Object, Format::Object | Format::Schema { .. }) => json!({"type": "json_object"}),
        };
        fields.insert("response_format".to_owned(), format);
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_counts_by_what_is_seen_and_not_by_its_bytes() {
        let question = |bytes: usize| {
            let message = Message::user("Read!").with_image(Image::png(&vec![0; bytes], Detail::Low));
            json!({"messages": [Message::system("x").to_json(), message.to_json()]})
        };
        let (small, large) = (measured(question(10)), measured(question(1_000_000)));
        assert_eq!(small, large);
        assert!((8_000..8_300).contains(&small.len()), "{}", small.len());
        let part = question(3).pointer("/messages/1/content/1").cloned().unwrap();
        assert_eq!(
            part,
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}})
        );
    }
}
