//! The private servers: what each is started with, and when it is ready.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::child::{Program, Server};
use crate::data_folder::{DataFolder, Kept};
use crate::find;

const START: Duration = Duration::from_secs(90);

/// Starts Postgres; makes its cluster at the first start.
pub(crate) async fn postgres(folder: &DataFolder, kept: &Kept) -> Result<Server> {
    let home = folder.make(Path::new("postgres"), 0o700)?;
    let data = home.join("data");
    let missing = "Postgres is missing: scripts/install run, or apt-get install postgresql";
    let program = |name| find::program(name, &folder.tools, &folder.path).context(missing);
    if !data.join("PG_VERSION").exists() {
        let password = folder.write("postgres-password", &kept.database_password)?;
        folder.give(&password, 0o600)?;
        let initdb = Program {
            name: "initdb",
            binary: program("initdb")?,
            arguments: vec![
                format!("--pgdata={}", data.display()),
                "--username=sluice".to_owned(),
                "--auth=scram-sha-256".to_owned(),
                format!("--pwfile={}", password.display()),
                "--encoding=UTF8".to_owned(),
                "--locale=C.UTF-8".to_owned(),
            ],
            environment: Vec::new(),
            folder: home.clone(),
            stop: Signal::INT,
            user: folder.user,
        };
        let output = initdb.command().output().await.context("can't run initdb")?;
        std::fs::remove_file(&password)?;
        ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let port = kept.ports.postgres;
    let postgres = Program {
        name: "postgres",
        binary: program("postgres")?,
        arguments: vec![
            format!("-D{}", data.display()),
            format!("-p{port}"),
            "-clisten_addresses=127.0.0.1".to_owned(),
            "-cunix_socket_directories=".to_owned(),
            "-cmax_connections=100".to_owned(),
        ],
        environment: vec![("LC_ALL", "C.UTF-8".to_owned())],
        folder: home,
        // The fast way to end; SIGTERM waits for clients.
        stop: Signal::INT,
        user: folder.user,
    };
    let config = folder_database(kept)?;
    let mut server = postgres.start(&log(folder, "postgres")?)?;
    let pool = sluice_db::Pool::new(&config)?;
    server.ready(START, || async { pool.check().await.is_ok() }).await?;
    Ok(server)
}

fn folder_database(kept: &Kept) -> Result<sluice_db::Config> {
    let mut env = sluice_service::Env::from_pairs([("SLUICE_DB_URL", kept.database_url())]);
    let config = sluice_db::Config::read(&mut env);
    env.finish()?;
    Ok(config)
}

/// Starts Redis, which writes every second what it must not forget.
pub(crate) async fn redis(folder: &DataFolder, kept: &Kept) -> Result<Server> {
    let home = folder.make(Path::new("redis"), 0o700)?;
    let missing = "Redis is missing: scripts/install run, or apt-get install redis-server";
    let binary = find::program("redis-server", &folder.tools, &folder.path).context(missing)?;
    let port = kept.ports.redis;
    // In a file, not among the arguments: every user can read those.
    let settings = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {}\nappendonly yes\nappendfsync everysec\nsave \"\"\ndir {}\nmaxmemory-policy noeviction\n",
        kept.redis_password,
        home.display()
    );
    let file = folder.write("redis.conf", &settings)?;
    folder.give(&file, 0o600)?;
    let redis = Program {
        name: "redis",
        binary,
        arguments: vec![file.display().to_string()],
        environment: Vec::new(),
        folder: home,
        stop: Signal::TERM,
        user: folder.user,
    };
    let mut server = redis.start(&log(folder, "redis")?)?;
    server.ready(START, || is_listening(port)).await?;
    Ok(server)
}

/// Starts SeaweedFS.
pub(crate) async fn s3(folder: &DataFolder, kept: &Kept) -> Result<Server> {
    let home = folder.make(Path::new("s3"), 0o700)?;
    let missing = "SeaweedFS is missing: scripts/install run";
    let found = find::program("weed", &folder.tools, &folder.path).context(missing)?;
    let binary = reachable(folder, &found)?;
    let ports = kept.ports;
    let mut arguments = vec![
        "mini".to_owned(),
        format!("-dir={}", home.display()),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        "-webdav=false".to_owned(),
        "-admin.ui=false".to_owned(),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
    ];
    for (name, port) in [
        ("master", ports.s3_master),
        ("volume", ports.s3_volume),
        ("filer", ports.s3_filer),
        ("s3", ports.s3),
        ("admin", ports.s3_admin),
    ] {
        arguments.push(format!("-{name}.port={port}"));
    }
    let s3 = Program {
        name: "s3",
        binary,
        arguments,
        environment: vec![
            ("AWS_ACCESS_KEY_ID", kept.s3_access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", kept.s3_secret_key.clone()),
            ("HOME", home.display().to_string()),
        ],
        folder: home,
        stop: Signal::TERM,
        user: folder.user,
    };
    let mut server = s3.start(&log(folder, "s3")?)?;
    server.ready(START, || is_listening(ports.s3)).await?;
    Ok(server)
}

/// Starts the local language model when one is installed. It loads on while the rest starts.
pub(crate) fn model(folder: &DataFolder, kept: &Kept) -> Result<Option<Server>> {
    let home = folder.tools.join("llm");
    if !home.join("model.gguf").is_file() {
        return Ok(None);
    }
    let python = [folder.tools.join("venv/bin/python"), PathBuf::from("/usr/bin/python3")];
    let python =
        python.into_iter().find(|python| python.is_file()).context("Python is missing: apt-get install python3")?;
    let can_drop = find::is_open_to_all(&home.join("model.gguf"));
    if folder.user.is_some() && !can_drop {
        tracing::warn!(folder = %home.display(), "the model runs as root: other users can't reach its folder");
    }
    let model = Program {
        name: "model",
        binary: python,
        arguments: vec![
            home.join("serve-model").display().to_string(),
            home.display().to_string(),
            kept.ports.model.to_string(),
        ],
        environment: vec![("OMP_WAIT_POLICY", "passive".to_owned())],
        folder: PathBuf::from("/"),
        stop: Signal::TERM,
        user: folder.user.filter(|_| can_drop),
    };
    Ok(Some(model.start(&log(folder, "model")?)?))
}

/// A copy in the data folder of a program that the user without rights can't reach where it is.
fn reachable(folder: &DataFolder, found: &Path) -> Result<PathBuf> {
    if folder.user.is_none() || find::is_open_to_all(found) {
        return Ok(found.to_owned());
    }
    let bin = folder.make(Path::new("bin"), 0o755)?;
    let copy = bin.join(found.file_name().context("a program has no name")?);
    let length = |path: &Path| std::fs::metadata(path).map(|found| found.len()).ok();
    if length(&copy) != length(found) {
        std::fs::copy(found, &copy)?;
        folder.give(&copy, 0o755)?;
    }
    Ok(copy)
}

fn log(folder: &DataFolder, name: &str) -> Result<PathBuf> {
    Ok(folder.make(Path::new("logs"), 0o755)?.join(format!("{name}.log")))
}

async fn is_listening(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
