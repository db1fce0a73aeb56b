//! Starts the servers that tests share, prints their addresses, and ends them when its standard input ends.

use std::io::{Read, Write};

use anyhow::Result;
use sluice_test_support::servers::Started;

fn main() -> Result<()> {
    let started = Started::start()?;
    let servers = started.addresses();
    let mut out = std::io::stdout().lock();
    writeln!(out, "TEST_POSTGRES_URL={}", servers.postgres_url)?;
    writeln!(out, "TEST_REDIS_URL={}", servers.redis_url)?;
    writeln!(out, "TEST_S3_URL={}", servers.s3_url)?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(started);
    Ok(())
}
