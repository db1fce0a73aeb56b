//! The REST service: requests a second, their times, CPU time of the service and of Postgres, memory.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::data::Data;
use super::load::{self, Numbers, Sample};
use super::process::{self, Memory, Stat, postgres_cpu_time};
use super::scenarios::{Client, SCENARIOS, Scenario, Target};
use super::service::{Person, Service};
use super::{Profile, table};
use crate::servers::Servers;
use crate::shell::Shell;

/// Before a measurement, so that connections are made and caches are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// Before the memory of an idle service is read.
const REST: Duration = Duration::from_secs(3);
const HEAD: [&str; 8] =
    ["request", "at a time", "req/s", "p50 ms", "p99 ms", "CPU-ms API", "CPU-ms Postgres", "peak MiB"];

/// How to measure the REST service.
#[derive(Debug, Args)]
pub(crate) struct Rest {
    /// How the service is built.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// How long each kind of request is measured.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Only the kinds of request whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

/// A kind of request and what it cost; `None` when the service has no such route.
#[derive(Debug)]
struct Row {
    name: &'static str,
    connections: u32,
    measured: Option<Measured>,
}

#[derive(Debug)]
struct Measured {
    sample: Sample,
    api_cpu: Duration,
    postgres_cpu: Duration,
    peak_mebibytes: f64,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let (name, connections) = (self.name.to_owned(), self.connections.to_string());
        let Some(Measured { sample, api_cpu, postgres_cpu, peak_mebibytes }) = &self.measured else {
            let missing = vec!["n/a".to_owned(); HEAD.len() - 2];
            return [vec![name, connections], missing].concat();
        };
        let each = |cpu: &Duration| format!("{:.2}", table::milliseconds(*cpu) / f64::from(sample.count()));
        let latency = |percent| format!("{:.1}", table::milliseconds(sample.percentile(percent)));
        let rate = format!("{:.1}", sample.rate());
        let peak = format!("{peak_mebibytes:.1}");
        vec![name, connections, rate, latency(50), latency(99), each(api_cpu), each(postgres_cpu), peak]
    }
}

impl Rest {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let binaries = ["sluice-api", "sluice-sandbox", "sluice-test-servers", "sluice-bench-data"];
        let built = self.profile.build(shell, &binaries)?;
        let servers = Servers::start_own(shell, &built)?;
        println!("making 15,000 manifests …");
        let data = Data::seed(shell, &built, &servers, &["rest"])?;
        let numbers = Numbers::default();
        let service = Service::start_api(shell, &built, &servers, &data, &[])?;
        let target = target(&service, &data)?;
        std::thread::sleep(REST);
        let idle = Memory::read(service.id())?;
        let mut rows = Vec::new();
        for scenario in SCENARIOS.iter().filter(|scenario| self.includes(scenario)) {
            println!("{} …", scenario.name);
            rows.push(self.measure(scenario, &target, &numbers, (&service, &servers))?);
        }
        std::thread::sleep(REST);
        let after = Memory::read(service.id())?;
        let lines: Vec<_> = rows.iter().map(Row::cells).collect();
        table::print(&HEAD, &lines);
        let peak = rows.iter().filter_map(|row| Some(row.measured.as_ref()?.peak_mebibytes)).fold(0.0, f64::max);
        println!(
            "memory of the service in MiB: {:.1} idle, {peak:.1} peak, {:.1} afterwards",
            idle.resident, after.resident
        );
        Ok(())
    }

    fn includes(&self, scenario: &Scenario) -> bool {
        self.only.as_ref().is_none_or(|part| scenario.name.contains(part.as_str()))
    }

    fn measure(
        &self,
        scenario: &Scenario,
        target: &Target,
        numbers: &Numbers,
        (service, servers): (&Service, &Servers),
    ) -> Result<Row> {
        let row = |measured| Row { name: scenario.name, connections: scenario.connections, measured };
        if (scenario.call)(&mut Client::new(target), target, numbers.next())? == 404 {
            return Ok(row(None));
        }
        process::forget_peak(service.id())?;
        load::run(scenario, target, numbers, WARM_UP)?;
        let server = servers.id().context("the servers are not ours")?;
        let (api_before, postgres_before) = (Stat::read(service.id())?.cpu_time(), postgres_cpu_time(server)?);
        let sample = load::run(scenario, target, numbers, Duration::from_secs(self.seconds))?;
        Ok(row(Some(Measured {
            sample,
            api_cpu: Stat::read(service.id())?.cpu_time().saturating_sub(api_before),
            postgres_cpu: postgres_cpu_time(server)?.saturating_sub(postgres_before),
            peak_mebibytes: Memory::read(service.id())?.peak,
        })))
    }
}

/// Where the service and its data are, with a token for them.
fn target(service: &Service, data: &Data) -> Result<Target> {
    let s3 = data.get("SLUICE_S3_ENDPOINT")?;
    let mut target = Target {
        api: service.host().to_owned(),
        s3: s3.strip_prefix("http://").context("the S3 server has no plain URL")?.to_owned(),
        username: data.get("USERNAME")?.to_owned(),
        password: data.get("PASSWORD")?.to_owned(),
        authorization: String::new(),
        listed_group: data.get("LISTED_GROUP")?.to_owned(),
        exported_group: data.get("EXPORTED_GROUP")?.to_owned(),
        uploaded_group: data.get("UPLOADED_GROUP")?.to_owned(),
        manifest: data.get("MANIFEST")?.to_owned(),
    };
    target.authorization = Person::sign_in(service, data)?.authorization().to_owned();
    Ok(target)
}
