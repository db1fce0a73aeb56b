//! A scripted model for `cargo xtask bench`, which answers what the bench's invoices say. Prints its URL; reads how many
//! milliseconds it shall take from now on, a number a line, and ends when there are no more lines.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use sluice_test_support::builders::good_answer;
use sluice_test_support::{Reply, ScriptedLlm};

/// What stands before the number on the bench's invoices.
const LABEL: &str = "Invoice ";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let latency_ms = Arc::new(AtomicU64::new(0));
    let latency = latency_ms.clone();
    let delay = move || Duration::from_millis(latency.load(Ordering::Relaxed));
    let model = ScriptedLlm::start_with(move |request| answer(request).delay(delay())).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "MODEL_URL={}", model.base_url())?;
    out.flush()?;
    let listening = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            latency_ms.store(line?.parse()?, Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    listening.await?
}

fn answer(request: &Value) -> Reply {
    let mut answer = good_answer();
    let messages = request.get("messages").and_then(Value::as_array).into_iter().flatten();
    let texts = messages.filter_map(|message| message.get("content")?.as_str());
    let numbers = texts.flat_map(|text| text.split(LABEL).skip(1)).filter_map(|rest| {
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!number.is_empty()).then_some(number)
    });
    if let (Some(number), Some(fields)) = (numbers.last(), answer.as_object_mut()) {
        fields.insert("number".to_owned(), number.into());
    }
    Reply::content(answer)
}
