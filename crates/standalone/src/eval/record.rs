//! What is kept of each document that was run: its prediction, and a line about the run.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Lines about runs; a prediction alone does not tell how long it took.
const RUNS: &str = "runs.jsonl";
/// What the pipeline says of itself among the data.
const INFO: &str = "_extraction_info";

/// How a run went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// `completed`, `partial`, `failed`, `refused`, `timeout`.
    pub(crate) outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// From the job's begin to its end; without the wait in the queue.
    pub(crate) seconds: Option<f64>,
    pub(crate) stages: BTreeMap<String, f64>,
    pub(crate) attempts: u64,
    pub(crate) calls: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) pages: Option<u64>,
    /// In units of 1e-9.
    pub(crate) cost_nano: Option<i64>,
    pub(crate) currency: Option<String>,
    /// By concrete path.
    pub(crate) confidences: BTreeMap<String, f64>,
    pub(crate) confidence: Option<f64>,
    /// Issues of the severity `error` that validation found.
    pub(crate) validation_errors: Option<u64>,
}

/// Where predictions and records are.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    folder: PathBuf,
}

impl Record {
    /// Takes from data what the pipeline says of itself.
    pub(crate) fn take_info(&mut self, data: &mut Value) {
        let Some(info) = data.as_object_mut().and_then(|fields| fields.shift_remove(INFO)) else { return };
        self.confidence = info.get("confidence").and_then(Value::as_f64);
        let fields = info.get("field_confidences").and_then(Value::as_object);
        self.confidences =
            fields.into_iter().flatten().filter_map(|(path, value)| Some((path.clone(), value.as_f64()?))).collect();
    }

    /// An outcome without data.
    pub(crate) fn without_data(name: &str, outcome: &str, error: String) -> Self {
        Self { name: name.to_owned(), outcome: outcome.to_owned(), error: Some(error), ..Self::default() }
    }
}

impl Output {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Forgets runs of before.
    pub(crate) fn begin_anew(&self) -> Result<()> {
        match std::fs::remove_file(self.folder.join(RUNS)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// The prediction of a document, when there is one that can be read.
    pub(crate) fn prediction(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.path_of(name)).ok()?).ok()
    }

    /// Keeps a prediction, then the line about its run: what has a line has a prediction.
    pub(crate) fn keep(&self, record: &Record, data: Option<&Value>) -> Result<()> {
        let error = json!({"error": record.error.as_deref().unwrap_or("there is no data")});
        self.write(&format!("{}.json", record.name), &serde_json::to_string_pretty(data.unwrap_or(&error))?)?;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join(RUNS))?;
        Ok(file.write_all(format!("{}\n", serde_json::to_string(record)?).as_bytes())?)
    }

    /// The last record of each document.
    pub(crate) fn records(&self) -> BTreeMap<String, Record> {
        let text = std::fs::read_to_string(self.folder.join(RUNS)).unwrap_or_default();
        // A line that a crash has cut is none.
        let records = text.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
        records.map(|record| (record.name.clone(), record)).collect()
    }

    /// Writes a file whole or not at all.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let part = self.folder.join(format!("{name}.part"));
        std::fs::write(&part, text).with_context(|| format!("can't write {}", part.display()))?;
        Ok(std::fs::rename(&part, &path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_the_last_run_counts() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path()).unwrap();
        let mut record = Record { name: "deep/a".to_owned(), outcome: "completed".to_owned(), ..Record::default() };
        let mut data =
            json!({"total": 1.5, "_extraction_info": {"confidence": 0.7, "field_confidences": {"total": 0.4}}});
        record.take_info(&mut data);
        output.keep(&Record::without_data("deep/a", "failed", "no model".to_owned()), None).unwrap();
        assert_eq!(output.prediction("deep/a"), Some(json!({"error": "no model"})));
        output.keep(&record, Some(&data)).unwrap();
        assert_eq!(output.prediction("deep/a"), Some(json!({"total": 1.5})));
        std::fs::OpenOptions::new().append(true).open(folder.path().join(RUNS)).unwrap().write_all(b"{\"na").unwrap();
        let kept = output.records();
        assert_eq!(kept["deep/a"], record);
        assert_eq!((kept["deep/a"].confidence, kept["deep/a"].confidences["total"]), (Some(0.7), 0.4));
        output.begin_anew().unwrap();
        output.begin_anew().unwrap();
        assert!(output.records().is_empty() && output.prediction("b").is_none());
    }
}
