//! Makes load: so many connections, each with one request after the other, for so long.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::scenarios::{Client, Scenario, Target};

/// What a load brought.
#[derive(Debug)]
pub(crate) struct Sample {
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// The time of each request, shortest first.
    latencies: Vec<Duration>,
}

impl Sample {
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.count()) / self.elapsed.as_secs_f64()
    }

    /// The time that so many of a hundred requests stay within.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// Numbers that no two requests of a run share.
#[derive(Debug, Default)]
pub(crate) struct Numbers(AtomicU32);

impl Numbers {
    pub(crate) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Loads the service. An answer that is not the expected one ends it with an error.
pub(crate) fn run(scenario: &Scenario, target: &Target, numbers: &Numbers, span: Duration) -> Result<Sample> {
    let started = Instant::now();
    let end = started + span;
    let results: Vec<Result<Vec<Duration>>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..scenario.connections)
            .map(|_| scope.spawn(move || one_client(scenario, target, numbers, end)))
            .collect();
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Ok(Vec::new()))).collect()
    });
    let elapsed = started.elapsed();
    let mut latencies = Vec::new();
    for result in results {
        latencies.extend(result.with_context(|| scenario.name)?);
    }
    ensure!(!latencies.is_empty(), "{}: no request was answered within {span:?}", scenario.name);
    latencies.sort_unstable();
    Ok(Sample { elapsed, latencies })
}

fn one_client(scenario: &Scenario, target: &Target, numbers: &Numbers, end: Instant) -> Result<Vec<Duration>> {
    let mut client = Client::new(target);
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        let status = (scenario.call)(&mut client, target, numbers.next())?;
        latencies.push(begun.elapsed());
        ensure!(status == scenario.status, "answered {status} instead of {}", scenario.status);
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_of_requests() {
        let latencies: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let sample = Sample { elapsed: Duration::from_secs(2), latencies };
        assert_eq!(sample.percentile(50), Duration::from_millis(100));
        assert_eq!(sample.percentile(99), Duration::from_millis(198));
        assert!((sample.rate() - 100.0).abs() < 0.001);
    }
}
