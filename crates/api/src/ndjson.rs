//! Answers that come line by line, each line a JSON object (`application/x-ndjson`).

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde_json::Value;

use crate::respond::{Raw, RawKind};

/// A line of a text that a model writes.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Line {
    /// The model is about to be asked.
    Start {
        /// What it is asked about, where that was worked out for the purpose.
        #[serde(skip_serializing_if = "Option::is_none")]
        analysis: Option<Value>,
    },
    /// A piece of the text.
    Delta {
        /// The piece.
        content: String,
    },
    /// The text is whole.
    Done,
    /// There is no more, and what there is may not be whole.
    Error {
        /// Why.
        message: String,
    },
}

impl Line {
    /// Adds nothing to the text, and shows whether somebody still reads it.
    pub(crate) const fn beat() -> Self {
        Self::Delta { content: String::new() }
    }

    fn to_bytes(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        Bytes::from(bytes)
    }
}

/// An answer of lines.
pub(crate) struct NdJson;

impl RawKind for NdJson {
    const STATUSES: &'static [u16] = &[200];
    const CONTENT_TYPES: &'static [&'static str] = &["application/x-ndjson"];
}

/// Sends each line as soon as it is there; nothing on the way may hold it back or change it.
pub(crate) fn answer(lines: impl Stream<Item = Line> + 'static) -> Raw<NdJson> {
    let chunks = lines.map(|line| Ok::<_, Infallible>(line.to_bytes()));
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-ndjson; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(chunks)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_clients_read() {
        let analysis = Some(Value::from(1));
        for (line, text) in [
            (Line::Start { analysis: None }, r#"{"type":"start"}"#),
            (Line::Start { analysis }, r#"{"type":"start","analysis":1}"#),
            (Line::Delta { content: "a\nb".to_owned() }, r#"{"type":"delta","content":"a\nb"}"#),
            (Line::beat(), r#"{"type":"delta","content":""}"#),
            (Line::Done, r#"{"type":"done"}"#),
            (Line::Error { message: "no".to_owned() }, r#"{"type":"error","message":"no"}"#),
        ] {
            assert_eq!(line.to_bytes(), format!("{text}\n"));
        }
    }
}
