//! The table of results.

use std::time::Duration;

use super::{Measured, Row};

const HEAD: [&str; 8] =
    ["request", "at a time", "req/s", "p50 ms", "p99 ms", "CPU-ms API", "CPU-ms Postgres", "peak MiB"];

/// Prints the rows as a table in Markdown.
pub(super) fn print(rows: &[Row]) {
    let lines: Vec<[String; 8]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows.iter().map(cells)).collect();
    let widths: [usize; 8] = std::array::from_fn(|column| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    println!();
    for (index, line) in lines.iter().enumerate() {
        print_line(line, &widths);
        if index == 0 {
            print_line(&widths.map(|width| "-".repeat(width)), &widths);
        }
    }
    println!();
}

fn print_line(cells: &[String; 8], widths: &[usize; 8]) {
    let padded =
        cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
    println!("| {} |", padded.collect::<Vec<_>>().join(" | "));
}

fn cells(row: &Row) -> [String; 8] {
    let (name, connections) = (row.name.to_owned(), row.connections.to_string());
    let Some(Measured { sample, api_cpu, postgres_cpu, peak_mebibytes }) = &row.measured else {
        let missing = || "n/a".to_owned();
        return [name, connections, missing(), missing(), missing(), missing(), missing(), missing()];
    };
    let each = |cpu: &Duration| format!("{:.2}", milliseconds(*cpu) / f64::from(sample.count()));
    let latency = |percent| format!("{:.1}", milliseconds(sample.percentile(percent)));
    let rate = format!("{:.1}", sample.rate());
    let peak = format!("{peak_mebibytes:.1}");
    [name, connections, rate, latency(50), latency(99), each(api_cpu), each(postgres_cpu), peak]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
