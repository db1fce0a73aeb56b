//! The gateway: how soon so many sockets hear what happens, and its memory for each.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use super::data::Data;
use super::service::{Helper, Person, Service};
use super::{Profile, table};
use crate::servers::Servers;
use crate::shell::Shell;

const BINARIES: [&str; 5] =
    ["sluice-api", "sluice-ws-gateway", "sluice-test-servers", "sluice-bench-data", "sluice-bench-sockets"];
const SOCKETS: [u32; 3] = [200, 1_000, 5_000];
/// Triggers of each measurement.
const ROUNDS: usize = 10;
const HEAD: [&str; 6] =
    ["sockets", "first to last ms, p50", "trigger to last ms, p50", "most", "CPU-µs a delivery", "kB a socket"];

/// How to measure the gateway.
#[derive(Debug, Args)]
pub(crate) struct Fanout {
    /// How the services are built.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

impl Fanout {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let built = self.profile.build(shell, &BINARIES)?;
        let servers = Servers::start_own(shell, &built)?;
        let count = SOCKETS.len() * ROUNDS;
        let data = Data::seed(shell, &built, &servers, &["jobs", "http://model", &count.to_string()])?;
        let api = Service::start_api(shell, &built, &servers, &data, &[])?;
        let mut person = Person::sign_in(&api, &data)?;
        let manifest = data.get("MANIFESTS")?.split(',').next().context("no manifest")?.to_owned();
        let mut rows = Vec::new();
        for sockets in SOCKETS {
            println!("{sockets} sockets …");
            let gateway = Service::start_gateway(shell, &built, &servers, &data)?;
            let empty = gateway.memory()?.resident;
            let token = person.authorization().trim_start_matches("Bearer ").to_owned();
            let url = format!("ws://{}", gateway.host());
            let arguments = [url.as_str(), &token, &sockets.to_string(), &manifest];
            let mut clients = Helper::start(shell, &built.join("sluice-bench-sockets"), &arguments)?;
            anyhow::ensure!(clients.line()? == "READY", "the sockets did not connect");
            let kilobytes = (gateway.memory()?.resident - empty) * 1024.0 / f64::from(sockets);
            let before = gateway.stat()?.cpu_time();
            let mut spans = Vec::new();
            for _ in 0..ROUNDS {
                spans.push(round(&mut person, &manifest, &mut clients)?);
            }
            let cpu = gateway.stat()?.cpu_time().saturating_sub(before);
            rows.push(row(sockets, &mut spans, (cpu, kilobytes)));
        }
        table::print(&HEAD, &rows);
        Ok(())
    }
}

/// Triggers one job and cancels it; answers how long the first news took from the first to the last socket, and from the
/// trigger to the last.
fn round(person: &mut Person, manifest: &str, clients: &mut Helper) -> Result<(Duration, Duration)> {
    let trigger_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let job = person.post(&format!("/api/manifests/{manifest}/extract"), &json!({}))?;
    let job = job.get("jobId").and_then(serde_json::Value::as_str).context("no job")?.to_owned();
    let (first_us, last_us) = heard(clients, &job, "waiting")?;
    person.post(&format!("/api/jobs/{job}/cancel"), &json!({}))?;
    heard(clients, &job, "canceled")?;
    let span = |from: u128| u64::try_from(last_us.saturating_sub(from)).map(Duration::from_micros);
    Ok((span(first_us)?, span(trigger_us)?))
}

/// Waits until all sockets have heard a status; answers when the first and the last did.
fn heard(clients: &mut Helper, job: &str, status: &str) -> Result<(u128, u128)> {
    let line = clients.line()?;
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["HEARD", of, what, first, last] if *of == job && *what == status => Ok((first.parse()?, last.parse()?)),
        _ => bail!("the sockets heard something else than {status} of {job}: {line}"),
    }
}

fn row(sockets: u32, spans: &mut [(Duration, Duration)], (cpu, kilobytes): (Duration, f64)) -> Vec<String> {
    let mut middle = |of: fn(&(Duration, Duration)) -> Duration| {
        spans.sort_by_key(of);
        let at = |index: usize| spans.get(index).map(of).unwrap_or_default();
        (table::milliseconds(at(spans.len() / 2)), table::milliseconds(at(spans.len().saturating_sub(1))))
    };
    let (spread, _) = middle(|(spread, _)| *spread);
    let (whole, most) = middle(|(_, whole)| *whole);
    // Each round has two events of a job, and each of them a twin for the manifest.
    let deliveries = f64::from(sockets) * f64::from(u32::try_from(spans.len()).unwrap_or(u32::MAX)) * 4.0;
    let each = cpu.as_secs_f64() * 1e6 / deliveries;
    vec![
        sockets.to_string(),
        format!("{spread:.1}"),
        format!("{whole:.1}"),
        format!("{most:.1}"),
        format!("{each:.1}"),
        format!("{kilobytes:.1}"),
    ]
}
