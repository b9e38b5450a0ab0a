//! The WASI interfaces that a language's runtime cannot start without, all inert: nothing in here reaches anything.
//!
//! | interface | what it gives |
//! |---|---|
//! | `cli` | no arguments, no environment, empty stdin, stdout and stderr into the log |
//! | `clocks` | coarse clocks |
//! | `random` | the system's generator |
//! | `io` | what the others are made of |
//! | `filesystem` | a file system without any directory |
//! | `sockets` | sockets and name look-ups that always refuse |

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{self, AsyncWrite};
use tokio::time::Instant;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::guest_log::{GuestLog, Level};
use super::limits::{GUEST_CLOCK_RESOLUTION, LOG_TEXT_BYTES_MAX, RANDOM_BYTES_MAX};
use crate::clock::Clock;

/// Every WASI interface a component may import, without versions.
pub const INERT: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Is an import, given with or without its version, one of [`INERT`]?
pub fn is_inert(import: &str) -> bool {
    let name = import.split_once('@').map_or(import, |(name, _)| name);
    INERT.contains(&name)
}

/// WASI for one call. Sockets, look-ups and directories are what the builder denies unless told otherwise.
pub(super) fn inert(clock: &Clock, log: &GuestLog) -> WasiCtx {
    WasiCtxBuilder::new()
        .wall_clock(Coarse { clock: clock.clone(), start: Instant::now() })
        .monotonic_clock(Coarse { clock: clock.clone(), start: Instant::now() })
        .max_random_size(RANDOM_BYTES_MAX)
        .stdout(Lines { log: log.clone(), write: |log, line| log.write(Level::Info, line, &[]) })
        .stderr(Lines { log: log.clone(), write: GuestLog::stderr })
        .build()
}

/// Time in steps too long to measure the host with.
struct Coarse {
    clock: Clock,
    start: Instant,
}

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        GUEST_CLOCK_RESOLUTION
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0))
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        nanos(GUEST_CLOCK_RESOLUTION)
    }

    fn now(&self) -> u64 {
        let step = nanos(GUEST_CLOCK_RESOLUTION);
        nanos(self.start.elapsed()) / step * step
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// An output stream whose lines go into the log.
#[derive(Clone)]
struct Lines {
    log: GuestLog,
    write: fn(&GuestLog, &str),
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(LineWriter { lines: self.clone(), begun: Vec::new() })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(LineWriter { lines: self.clone(), begun: Vec::new() })
    }
}

struct LineWriter {
    lines: Lines,
    begun: Vec<u8>,
}

impl LineWriter {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.begun.len() >= LOG_TEXT_BYTES_MAX {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.begun);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            (self.lines.write)(&self.lines.log, text);
        }
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.end_line();
    }
}

impl OutputStream for LineWriter {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LOG_TEXT_BYTES_MAX)
    }
}

impl Pollable for LineWriter {
    fn ready<'a, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for LineWriter {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_recognised_with_any_version_and_no_other_is() {
        assert!(is_inert("wasi:io/poll@0.2.6") && is_inert("wasi:io/poll"));
        assert!(!is_inert("wasi:http/outgoing-handler@0.2.6") && !is_inert("wasi:io/polls"));
    }
}
