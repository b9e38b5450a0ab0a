//! What a process uses up: processor time of all its threads, and memory, read from `/proc` (see proc(5)).

use std::time::Duration;

const KIB: u64 = 1024;

/// What a process has used, at the moment it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// In user mode and in the kernel, of all threads.
    pub processor: Duration,
    /// Bytes of memory that it holds now.
    pub resident: u64,
    /// The most it ever held, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Of this process.
    pub fn own() -> Self {
        Self::of("self")
    }

    /// Of a process, by its number.
    pub(crate) fn of(process: &str) -> Self {
        let read = |file: &str| {
            std::fs::read_to_string(format!("/proc/{process}/{file}")).expect("a running process has its files")
        };
        let (stat, status) = (read("stat"), read("status"));
        Self { processor: processor(&stat), resident: bytes(&status, "VmRSS:"), peak: bytes(&status, "VmHWM:") }
    }
}

fn processor(stat: &str) -> Duration {
    // The name in parentheses may hold blanks; user and system time are the 14th and 15th column, counted with it.
    let (_, columns) = stat.rsplit_once(')').expect("stat names the process");
    let columns = columns.split_whitespace().skip(11).take(2);
    let ticks: u64 = columns.map(|ticks| ticks.parse::<u64>().expect("stat holds numbers")).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn bytes(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("status has the field");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("status holds numbers");
    kib * KIB
}
