//! Everything that CI runs. A section that fails does not keep the next ones from telling what they find.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::shell::Shell;
use crate::{db, lint, test, tidy};

struct Report {
    sections: Vec<(&'static str, Duration, bool)>,
}

pub(crate) fn run() -> Result<()> {
    let shell = Shell::for_ci();
    let mut report = Report { sections: Vec::new() };
    report.section("format", || lint::format(&shell));
    report.section("tidy", || tidy::run(&shell));
    report.section("clippy", || lint::clippy(&shell));
    report.section("docs", || lint::docs(&shell));
    report.section("licences", || lint::deny(&shell));
    if report.section("build", || test::build(&shell)) {
        report.section("migrations", || db::check_built(&shell));
        report.section("tests", || test::run_built(&shell, None, &[]));
    }
    report.finish()
}

impl Report {
    fn section(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let result = work();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        self.sections.push((name, start.elapsed(), result.is_ok()));
        result.is_ok()
    }

    fn finish(&self) -> Result<()> {
        println!();
        for (name, took, passed) in &self.sections {
            println!("{} {name} ({:.1} s)", if *passed { "ok    " } else { "FAILED" }, took.as_secs_f64());
        }
        let failed: Vec<&str> = self.sections.iter().filter(|(.., passed)| !passed).map(|(name, ..)| *name).collect();
        ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }
}
