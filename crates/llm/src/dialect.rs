//! How an endpoint wants to be asked: begun as strictly as it is said to understand, and changed by what it refuses.

use crate::capabilities::{ResponseFormat, TokenLimit};
use crate::endpoint::Endpoint;
use crate::question::{Format, Question};

/// How the form of an answer is asked for, from the strictest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Mode {
    #[default]
    Schema,
    Object,
    Plain,
}

/// How an endpoint wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dialect {
    pub(crate) mode: Mode,
    /// It limits answers by `max_completion_tokens`.
    pub(crate) has_completion_limit: bool,
    /// It refuses any temperature but its own.
    pub(crate) has_own_temperature: bool,
    /// It does not know that usage can be asked for.
    pub(crate) has_no_stream_options: bool,
}

impl Mode {
    const fn weaker(self) -> Option<Self> {
        match self {
            Self::Schema => Some(Self::Object),
            Self::Object => Some(Self::Plain),
            Self::Plain => None,
        }
    }
}

impl From<ResponseFormat> for Mode {
    fn from(format: ResponseFormat) -> Self {
        match format {
            ResponseFormat::JsonSchema => Self::Schema,
            ResponseFormat::JsonObject => Self::Object,
            ResponseFormat::None => Self::Plain,
        }
    }
}

impl From<Mode> for ResponseFormat {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Schema => Self::JsonSchema,
            Mode::Object => Self::JsonObject,
            Mode::Plain => Self::None,
        }
    }
}

impl Dialect {
    /// As strict as the question asks for and the endpoint is said to know.
    pub(crate) fn first(question: &Question, endpoint: &Endpoint) -> Self {
        let asked = match question.format {
            Format::Text => Mode::Plain,
            Format::Schema { .. } if endpoint.structured_output => Mode::Schema,
            Format::Object | Format::Schema { .. } => Mode::Object,
        };
        let known = &endpoint.capabilities;
        Self {
            mode: known.response_format.map_or(asked, |format| asked.max(format.into())),
            has_completion_limit: known.token_limit == Some(TokenLimit::MaxCompletionTokens),
            ..Self::default()
        }
    }

    /// Both restrictions.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            mode: self.mode.max(other.mode),
            has_completion_limit: self.has_completion_limit || other.has_completion_limit,
            has_own_temperature: self.has_own_temperature || other.has_own_temperature,
            has_no_stream_options: self.has_no_stream_options || other.has_no_stream_options,
        }
    }

    /// What to try after a refusal; `None` when nothing is left that could be meant.
    pub(crate) fn after(self, reason: &str) -> Option<Self> {
        let reason = reason.to_ascii_lowercase();
        if !self.has_completion_limit && reason.contains("max_completion_tokens") {
            return Some(Self { has_completion_limit: true, ..self });
        }
        if !self.has_no_stream_options && reason.contains("stream_options") {
            return Some(Self { has_no_stream_options: true, ..self });
        }
        if !self.has_own_temperature && reason.contains("temperature") {
            return Some(Self { has_own_temperature: true, ..self });
        }
        self.mode.weaker().map(|mode| Self { mode, ..self })
    }

    /// What is worth remembering of it for other questions, when it began as `begun`.
    pub(crate) fn learnt(self, begun: Self) -> Self {
        // A question that asked for less says nothing about more.
        let mode = if self.mode == begun.mode { Mode::Schema } else { self.mode };
        Self { mode, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_changes_what_it_names_and_else_the_form() {
        let first = Dialect::default();
        let limited = first.after("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.").unwrap();
        assert_eq!((limited.has_completion_limit, limited.mode), (true, Mode::Schema));
        let cold = limited.after("'temperature' does not support 0 with this model").unwrap();
        assert!(cold.has_own_temperature && cold.has_completion_limit);
        let quiet = cold.after("unknown field stream_options").unwrap();
        let object = quiet.after("temperature, stream_options and max_completion_tokens again").unwrap();
        assert_eq!((object.mode, object.has_no_stream_options), (Mode::Object, true));
        let plain = object.after("no").unwrap();
        assert_eq!((plain.mode, plain.after("no")), (Mode::Plain, None));
        assert_eq!(cold.learnt(first).mode, Mode::Schema);
        assert_eq!(plain.learnt(first).mode, Mode::Plain);
    }
}
