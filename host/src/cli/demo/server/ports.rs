//! Ports of the loopback that nobody listens on.
//!
//! They are below those the kernel gives to outgoing connections, so that a server that was stopped finds its port
//! free again when it is started again.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

use super::ServerError;

const PORTS: Range<u16> = 20_000..32_000;
/// Processes that look at the same time begin this far from each other.
const STRIDE: u32 = 37;

/// How many were looked at in this process.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// Two that nobody listened on a moment ago, each given once in this process.
///
/// # Errors
/// All are taken.
pub fn two() -> Result<[u16; 2], ServerError> {
    Ok([one()?, one()?])
}

/// One that nobody listened on a moment ago, given once in this process.
///
/// # Errors
/// All are taken.
pub fn one() -> Result<u16, ServerError> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    PORTS.map(|_| next()).find(free).ok_or_else(|| ServerError::failed("finding a free port", "all are taken"))
}

fn next() -> u16 {
    let count = u32::from(PORTS.end - PORTS.start);
    let looked_at = u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed));
    let offset = (std::process::id().wrapping_mul(STRIDE) % count + looked_at) % count;
    PORTS.start + u16::try_from(offset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_nor_one_that_is_taken() {
        let listener = loop {
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, next())) {
                break listener;
            }
        };
        let taken = listener.local_addr().unwrap().port();
        let given = [two().unwrap(), two().unwrap()].concat();
        let mut different = given.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), given.len());
        assert!(!given.contains(&taken));
    }
}
