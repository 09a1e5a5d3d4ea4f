//! Addresses that stay free between two lives of a server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Ports below those from which the system takes some for outgoing connections: a port that is free
/// between two lives of a server must not be given to anybody else.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Ports that this process has looked at, so that it takes none twice.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// An address on the loopback that nobody uses.
pub(crate) fn free_address() -> Result<SocketAddr> {
    // Where the search begins differs from process to process, so that programs that run at the same
    // time seldom meet.
    let span = PORTS.end - PORTS.start;
    let begin = (std::process::id().wrapping_mul(97) % u32::from(span)) as u16;
    for _ in 0..span {
        let offset = LOOKED_AT.fetch_add(1, Ordering::Relaxed) % span;
        let port = PORTS.start + (begin + offset) % span;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port between {} and {} is free", PORTS.start, PORTS.end)
}
