//! The table of results.

use std::time::Duration;

/// Prints rows under a head as a table in Markdown.
pub(super) fn print(head: &[&str], rows: &[Vec<String>]) {
    let first: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&first).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    println!();
    for (index, line) in lines.into_iter().enumerate() {
        print_line(line, &widths);
        if index == 0 {
            print_line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>(), &widths);
        }
    }
    println!();
}

fn print_line(cells: &[String], widths: &[usize]) {
    let padded =
        cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
    println!("| {} |", padded.collect::<Vec<_>>().join(" | "));
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
