//! What a process has used, as Linux tells in `/proc`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

/// A tick of the CPU times in `/proc`: 1/100 s on every Linux, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// A line of `/proc/<pid>/stat`.
#[derive(Debug, Clone)]
pub(crate) struct Stat {
    id: u32,
    name: String,
    parent: u32,
    /// Its own time in user and kernel mode.
    own_ticks: u32,
    /// That of children which have ended.
    ended_ticks: u32,
}

impl Stat {
    pub(crate) fn read(id: u32) -> Result<Self> {
        let text = std::fs::read_to_string(file(id, "stat")).with_context(|| format!("process {id} is gone"))?;
        Self::parse(id, &text).with_context(|| format!("can't read the state of process {id}: {text}"))
    }

    fn parse(id: u32, text: &str) -> Option<Self> {
        // The name may hold spaces and parentheses.
        let (start, rest) = text.rsplit_once(')')?;
        let (_, name) = start.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
        let own_ticks = number(11)? + number(12)?;
        let ended_ticks = number(13)? + number(14)?;
        Some(Self { id, name: name.to_owned(), parent: number(1)?, own_ticks, ended_ticks })
    }

    /// CPU time of this process.
    pub(crate) fn cpu_time(&self) -> Duration {
        TICK * self.own_ticks
    }

    /// CPU time of its children that have ended.
    pub(crate) fn children_time(&self) -> Duration {
        TICK * self.ended_ticks
    }
}

/// CPU time of all processes of the Postgres server that one of the processes under `ancestor` is; also of backends that
/// have ended.
pub(crate) fn postgres_cpu_time(ancestor: u32) -> Result<Duration> {
    let all = all()?;
    let server = all
        .iter()
        .find(|stat| stat.name == "postgres" && stat.parent == ancestor)
        .context("no Postgres server was started")?;
    let backends = all.iter().filter(|stat| stat.parent == server.id).map(|stat| stat.own_ticks);
    Ok(TICK * (server.own_ticks + server.ended_ticks + backends.sum::<u32>()))
}

/// CPU time of a server that the process `ancestor` started, by its name.
pub(crate) fn server_cpu_time(ancestor: u32, name: &str) -> Result<Duration> {
    let all = all()?;
    let server = all.iter().find(|stat| stat.parent == ancestor && stat.name.starts_with(name));
    server.map(Stat::cpu_time).with_context(|| format!("no {name} was started"))
}

fn all() -> Result<Vec<Stat>> {
    let mut stats = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
            // One that ends meanwhile is none of ours.
            stats.extend(Stat::read(id).ok());
        }
    }
    Ok(stats)
}

/// Memory of a process in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What it has now.
    pub(crate) resident: f64,
    /// The most it had since the last [`forget_peak`].
    pub(crate) peak: f64,
}

impl Memory {
    pub(crate) fn read(id: u32) -> Result<Self> {
        let text = std::fs::read_to_string(file(id, "status")).with_context(|| format!("process {id} is gone"))?;
        let mebibytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u32>().ok());
            kibibytes.map(|number| f64::from(number) / 1024.0).with_context(|| format!("no {name} in {text}"))
        };
        Ok(Self { resident: mebibytes("VmRSS:")?, peak: mebibytes("VmHWM:")? })
    }
}

/// Lets the peak of a process begin anew.
pub(crate) fn forget_peak(id: u32) -> Result<()> {
    std::fs::write(file(id, "clear_refs"), "5").with_context(|| format!("can't reset the peak of process {id}"))
}

fn file(id: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{id}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_does_not_shift_the_fields() {
        let text = "12 (a (b) c) S 7 12 12 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 9 0 1";
        let stat = Stat::parse(12, text).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("a (b) c", 7));
        assert_eq!((stat.cpu_time(), stat.ended_ticks), (Duration::from_millis(1200), 7));
    }
}
