//! Benchmarks: a service on servers of its own, loaded through the loopback, and what that cost it.

mod http;
mod load;
mod process;
mod scenarios;
mod service;
mod table;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};

use self::load::Sample;
use self::process::{Memory, Stat, postgres_cpu_time};
use self::scenarios::{Client, SCENARIOS, Scenario, Target, log_in};
use self::service::{Data, Service};
use crate::servers::Servers;
use crate::shell::Shell;

/// Before a measurement, so that connections are made and caches are warm.
const WARM_UP: Duration = Duration::from_secs(1);
/// Before the memory of an idle service is read.
const REST: Duration = Duration::from_secs(3);

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The REST service: requests a second, their times, CPU time of the service and of Postgres, memory.
    Rest(Rest),
}

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// As it is shipped.
    Release,
    /// As tests use it; for work on the benchmark itself.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    /// Where cargo puts programs.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}

/// A kind of request and what it cost; `None` when the service has no such route.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    connections: u32,
    measured: Option<Measured>,
}

#[derive(Debug)]
pub(crate) struct Measured {
    sample: Sample,
    api_cpu: Duration,
    postgres_cpu: Duration,
    peak_mebibytes: f64,
}

pub(crate) fn run(shell: &Shell, command: Command) -> Result<()> {
    match command {
        Command::Rest(rest) => rest.run(shell),
    }
}

impl Rest {
    fn run(&self, shell: &Shell) -> Result<()> {
        let binaries = ["sluice-api", "sluice-sandbox", "sluice-test-servers", "sluice-bench-data"];
        let mut build = vec!["build", "--workspace", "--profile", self.profile.name()];
        build.extend(binaries.into_iter().flat_map(|binary| ["--bin", binary]));
        shell.cargo(&build)?;
        let built = shell.built()?.with_file_name(self.profile.folder());
        let servers = Servers::start_own(shell, &built)?;
        let data = Data::seed(shell, &built, &servers)?;
        let service = Service::start(shell, &built, &servers, &data)?;
        let target = target(&service, &data)?;
        std::thread::sleep(REST);
        let idle = Memory::read(service.id())?;
        let mut rows = Vec::new();
        for scenario in SCENARIOS.iter().filter(|scenario| self.includes(scenario)) {
            println!("{} …", scenario.name);
            rows.push(self.measure(scenario, &target, &service, &servers)?);
        }
        std::thread::sleep(REST);
        let after = Memory::read(service.id())?;
        table::print(&rows);
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

    fn measure(&self, scenario: &Scenario, target: &Target, service: &Service, servers: &Servers) -> Result<Row> {
        let numbers = service.numbers();
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
    let response = log_in(&mut Client::new(&target), &target, service.numbers().next())?;
    ensure!(response.status == 201, "can't sign in: {}", String::from_utf8_lossy(&response.body));
    let body = response.json()?;
    let token = body.get("token").and_then(serde_json::Value::as_str).context("no token")?;
    target.authorization = format!("Bearer {token}");
    Ok(target)
}
