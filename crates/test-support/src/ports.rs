//! Free ports.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// A port of loopback that was free a moment ago.
///
/// # Errors
/// When none is to be had.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// A port that is free together with the one 10,000 above it, which SeaweedFS takes for gRPC.
///
/// # Errors
/// When none is to be had.
pub fn free_port_pair() -> Result<u16> {
    let offset = free_port()?;
    (0..2_000_u16)
        .map(|step| 20_000 + (offset.wrapping_add(step.wrapping_mul(7)) % 12_000))
        .find(|port| [*port, port + 10_000].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()))
        .context("no free pair of ports")
}
