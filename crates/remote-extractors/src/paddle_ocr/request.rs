//! The body of a request, made while it is sent.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, stream};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt;

use super::{File, Settings};

/// Bytes that are encoded at a time; whole groups of three, so that the pieces make one text.
const PIECE_BYTES: u64 = 3 * 64 * 1024;

/// How the file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Image,
    File,
}

/// A JSON object with a file in it.
pub(super) struct Body {
    before: String,
    file: tokio::fs::File,
    file_bytes: u64,
    after: String,
}

impl Body {
    pub(super) async fn open(settings: &Settings, file: &File, form: Form) -> io::Result<Self> {
        let mut fields = Map::new();
        if let Some(model) = settings.model() {
            fields.insert("model".to_owned(), model.into());
        }
        let name = match form {
            Form::Image => "image",
            Form::File => "file",
        };
        fields.insert(name.to_owned(), "".into());
        fields.insert("fileType".to_owned(), json!(u8::from(!file.is_pdf)));
        if let Value::Object(options) = serde_json::to_value(&settings.options).map_err(io::Error::other)? {
            fields.extend(options.into_iter().map(|(key, value)| (key, plain(value))));
        }
        let text = Value::Object(fields).to_string();
        let mark = format!("\"{name}\":\"");
        let (before, after) = text.split_once(&mark).unwrap_or_default();
        let (before, after) = (format!("{before}{mark}"), after.to_owned());
        let file = tokio::fs::File::open(&file.path).await?;
        let file_bytes = file.metadata().await?.len();
        Ok(Self { before, file, file_bytes, after })
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
        length(&self.before) + self.file_bytes.div_ceil(3) * 4 + length(&self.after)
    }

    pub(super) fn into_stream(self) -> reqwest::Body {
        reqwest::Body::wrap_stream(self.into_pieces())
    }

    fn into_pieces(self) -> impl Stream<Item = io::Result<String>> + Send + 'static {
        let Self { before, file, file_bytes, after } = self;
        stream::try_unfold((Some(before), file, file_bytes, Some(after)), |state| async move {
            let (before, mut file, left, after) = state;
            if let Some(before) = before {
                return Ok(Some((before, (None, file, left, after))));
            }
            if left == 0 {
                return Ok(after.map(|after| (after, (None, file, 0, None))));
            }
            let mut bytes = Vec::new();
            let read = (&mut file).take(PIECE_BYTES.min(left)).read_to_end(&mut bytes).await?;
            let read = u64::try_from(read).unwrap_or(0);
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Some((STANDARD.encode(&bytes), (None, file, left - read, after))))
        })
    }
}

/// Whole numbers as such: what clients of other makes send.
fn plain(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 => format!("{number:.0}").parse::<i64>().map_or(value, Value::from),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures_util::TryStreamExt;
    use sluice_service::SecretBox;

    use super::*;

    #[tokio::test]
    async fn a_body_is_as_long_as_it_says_and_holds_the_file() {
        let secrets = SecretBox::from_base64(&SecretBox::generate_key().unwrap()).unwrap();
        for size in [0, 1, 2, 3, 200_000, 400_001] {
            let bytes: Vec<u8> = (0..size).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let settings = Settings::read("Scans", &json!({"temperature": 0.5}), &secrets).unwrap();
            let file = File { path: file.path().to_owned(), is_pdf: true };
            let body = Body::open(&settings, &file, Form::Image).await.unwrap();
            let length = body.length();
            let sent: Vec<String> = body.into_pieces().try_collect().await.unwrap();
            let sent = sent.concat();
            assert_eq!(u64::try_from(sent.len()).unwrap(), length);
            let sent: Value = serde_json::from_str(&sent).unwrap();
            assert_eq!(STANDARD.decode(sent["image"].as_str().unwrap()).unwrap(), bytes);
            assert_eq!(sent["fileType"], json!(0));
        }
    }
}
