//! Extractions: jobs a second, their times, CPU time a job.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::data::Data;
use super::process::{Memory, postgres_cpu_time, server_cpu_time};
use super::service::{Helper, Person, Service};
use super::{Profile, table};
use crate::servers::Servers;
use crate::shell::Shell;

const BINARIES: [&str; 7] = [
    "sluice-api",
    "sluice-worker",
    "sluice-sandbox",
    "sluice-ocr",
    "sluice-test-servers",
    "sluice-bench-data",
    "sluice-bench-model",
];
const PDFIUM: &str = "data/tools/lib/libpdfium.so";
/// Jobs before a measurement, so that connections are made.
const WARM_UP: usize = 8;
/// Jobs whose time is measured one by one.
const SINGLES: usize = 30;
const POLL: Duration = Duration::from_millis(10);
const SINGLE_POLL: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(180);
const HEAD: [&str; 10] =
    ["many at once", "jobs", "jobs/s", "CPU-ms a job", "worker", "children", "API", "Postgres", "Redis", "worker MiB"];
const SINGLE_HEAD: [&str; 4] = ["one at a time", "p50 ms", "p95 ms", "beside the model, p50 ms"];

/// How to measure extractions.
#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// How the services are built.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Jobs of each measurement with a model that answers at once.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u16).range(20..=2_000))]
    jobs: u16,
    /// Only the measurements whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

/// Many jobs that are asked for at once.
struct Many {
    workers: usize,
    /// Jobs that each worker has in hand at most.
    in_hand: &'static str,
    model_ms: u16,
}

const MANY: [Many; 9] = [
    Many { workers: 1, in_hand: "5", model_ms: 0 },
    Many { workers: 1, in_hand: "20", model_ms: 0 },
    Many { workers: 1, in_hand: "100", model_ms: 0 },
    Many { workers: 2, in_hand: "20", model_ms: 0 },
    Many { workers: 4, in_hand: "20", model_ms: 0 },
    Many { workers: 1, in_hand: "64", model_ms: 500 },
    Many { workers: 1, in_hand: "5", model_ms: 500 },
    Many { workers: 2, in_hand: "5", model_ms: 500 },
    Many { workers: 4, in_hand: "5", model_ms: 500 },
];
/// Jobs of a measurement with a model that takes its time.
const SLOW_JOBS: usize = 100;
const SINGLE_MODEL_MS: [u16; 3] = [0, 50, 500];

impl Many {
    fn name(&self) -> String {
        let workers = if self.workers == 1 { "1 worker".to_owned() } else { format!("{} workers", self.workers) };
        format!("{workers}, {} in hand, model {} ms", self.in_hand, self.model_ms)
    }

    fn count(&self, fast: usize) -> usize {
        if self.model_ms == 0 { fast } else { SLOW_JOBS }
    }
}

/// Everything that runs.
struct Bench<'a> {
    shell: &'a Shell,
    built: PathBuf,
    servers: Servers,
    data: Data,
    model: Helper,
    api: Service,
    person: Person,
    /// Manifests that no job has had yet.
    fresh: Vec<i32>,
}

/// CPU times so far.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    worker: Duration,
    children: Duration,
    api: Duration,
    postgres: Duration,
    redis: Duration,
}

impl Jobs {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let many: Vec<&Many> = MANY.iter().filter(|many| self.includes(&many.name())).collect();
        let singles: Vec<u16> = SINGLE_MODEL_MS.into_iter().filter(|ms| self.includes(&single_name(*ms))).collect();
        let fast = usize::from(self.jobs);
        let needed =
            many.iter().map(|many| many.count(fast) + WARM_UP).sum::<usize>() + singles.len() * (SINGLES + WARM_UP);
        let built = self.profile.build(shell, &BINARIES)?;
        let mut bench = Bench::start(shell, built, needed)?;
        let mut rows = Vec::new();
        for many in many {
            println!("{} …", many.name());
            rows.push(bench.measure_many(many, many.count(fast))?);
        }
        let mut single_rows = Vec::new();
        for model_ms in singles {
            println!("{} …", single_name(model_ms));
            single_rows.push(bench.measure_single(model_ms)?);
        }
        if !rows.is_empty() {
            table::print(&HEAD, &rows);
        }
        if !single_rows.is_empty() {
            table::print(&SINGLE_HEAD, &single_rows);
        }
        Ok(())
    }

    fn includes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|part| name.contains(part.as_str()))
    }
}

fn single_name(model_ms: u16) -> String {
    format!("model {model_ms} ms")
}

impl<'a> Bench<'a> {
    fn start(shell: &'a Shell, built: PathBuf, documents: usize) -> Result<Self> {
        let servers = Servers::start_own(shell, &built)?;
        let mut model = Helper::start(shell, &built.join("sluice-bench-model"), &[])?;
        let url = model.line()?;
        let url = url.strip_prefix("MODEL_URL=").context("the model did not say its URL")?.to_owned();
        println!("making {documents} documents …");
        let data = Data::seed(shell, &built, &servers, &["jobs", &url, &documents.to_string()])?;
        let api = Service::start_api(shell, &built, &servers, &data, &[])?;
        let person = Person::sign_in(&api, &data)?;
        let mut fresh: Vec<i32> =
            data.get("MANIFESTS")?.split(',').map(str::parse).collect::<Result<_, _>>().context("no keys")?;
        fresh.reverse();
        Ok(Self { shell, built, servers, data, model, api, person, fresh })
    }

    fn start_worker(&self, in_hand: &str) -> Result<Service> {
        let sandbox = self.built.join("sluice-sandbox");
        let pdfium = Path::new(PDFIUM).canonicalize().context("no PDFium; have you run scripts/install?")?;
        let (sandbox, pdfium) = (sandbox.to_string_lossy(), pdfium.to_string_lossy());
        let settings = [
            ("SLUICE_WORKER_CONCURRENCY", in_hand),
            ("SLUICE_SANDBOX_BINARY", &sandbox),
            ("SLUICE_SANDBOX_PDFIUM", &pdfium),
        ];
        Service::start_worker(self.shell, &self.built, &self.servers, &self.data, &settings)
    }

    fn take(&mut self, count: usize) -> Vec<i32> {
        self.fresh.split_off(self.fresh.len().saturating_sub(count))
    }

    fn measure_many(&mut self, many: &Many, count: usize) -> Result<Vec<String>> {
        self.model.say(&many.model_ms.to_string())?;
        let workers = (0..many.workers).map(|_| self.start_worker(many.in_hand)).collect::<Result<Vec<_>>>()?;
        let manifests = self.take(WARM_UP);
        self.extract(&manifests)?;
        let manifests = self.take(count);
        let before = self.spent(&workers)?;
        let elapsed = self.extract(&manifests)?;
        let after = self.spent(&workers)?;
        let memory = workers.iter().map(Service::memory).collect::<Result<Vec<Memory>>>()?;
        let peak = memory.iter().map(|memory| memory.peak).fold(0.0, f64::max);
        let each =
            |of: fn(&Spent) -> Duration| table::milliseconds(of(&after).saturating_sub(of(&before))) / as_float(count);
        let parts: [f64; 5] = [
            each(|spent| spent.worker),
            each(|spent| spent.children),
            each(|spent| spent.api),
            each(|spent| spent.postgres),
            each(|spent| spent.redis),
        ];
        let ours: f64 = parts.iter().take(3).sum();
        let rate = as_float(count) / elapsed.as_secs_f64();
        let head = [many.name(), count.to_string(), format!("{rate:.1}"), format!("{ours:.1}")];
        let tail = parts.iter().map(|part| format!("{part:.1}")).chain([format!("{peak:.0}")]);
        Ok(head.into_iter().chain(tail).collect())
    }

    /// Asks for extractions and waits until all have ended well.
    fn extract(&mut self, manifests: &[i32]) -> Result<Duration> {
        let (before, _) = self.ended()?;
        let begun = Instant::now();
        self.person.post("/api/manifests/extract-bulk", &json!({"manifestIds": manifests}))?;
        loop {
            let (completed, failed) = self.ended()?;
            ensure!(failed == 0, "{failed} jobs failed");
            if completed - before == u64::try_from(manifests.len())? {
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < PATIENCE, "only {} of {} jobs have ended", completed - before, manifests.len());
            std::thread::sleep(POLL);
        }
    }

    /// How many jobs have ended, well and badly.
    fn ended(&mut self) -> Result<(u64, u64)> {
        let stats = self.person.get("/api/jobs/stats")?;
        let count = |name: &str| stats.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}: {stats}"));
        Ok((count("completed")?, count("failed")?))
    }

    fn measure_single(&mut self, model_ms: u16) -> Result<Vec<String>> {
        self.model.say(&model_ms.to_string())?;
        let _worker = self.start_worker("16")?;
        let mut times = Vec::new();
        for (index, manifest) in self.take(SINGLES + WARM_UP).into_iter().enumerate() {
            let time = self.time_one(manifest)?;
            if index >= WARM_UP {
                times.push(time);
            }
        }
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let (half, most) = (table::milliseconds(at(50)), table::milliseconds(at(95)));
        let ours = half - f64::from(model_ms);
        Ok(vec![single_name(model_ms), format!("{half:.1}"), format!("{most:.1}"), format!("{ours:.1}")])
    }

    /// From the click to the result.
    fn time_one(&mut self, manifest: i32) -> Result<Duration> {
        let begun = Instant::now();
        self.person.post(&format!("/api/manifests/{manifest}/extract"), &json!({}))?;
        loop {
            let jobs = self.person.get(&format!("/api/jobs/history?manifestId={manifest}&limit=1"))?;
            let status = jobs.get(0).and_then(|job| job.get("status")).and_then(Value::as_str).unwrap_or_default();
            match status {
                "completed" => return Ok(begun.elapsed()),
                "failed" => anyhow::bail!("a job failed: {jobs}"),
                _ => ensure!(begun.elapsed() < PATIENCE, "a job does not end: {jobs}"),
            }
            std::thread::sleep(SINGLE_POLL);
        }
    }

    fn spent(&self, workers: &[Service]) -> Result<Spent> {
        let servers = self.servers.id().context("the servers are not ours")?;
        let mut spent = Spent {
            api: self.api.stat()?.cpu_time(),
            postgres: postgres_cpu_time(servers)?,
            redis: server_cpu_time(servers, "redis")?,
            ..Spent::default()
        };
        for worker in workers {
            let stat = worker.stat()?;
            spent.worker += stat.cpu_time();
            spent.children += stat.children_time();
        }
        Ok(spent)
    }
}

fn as_float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
