//! Every way to misbehave. Most never come back; what does come back says too much.

use std::time::Duration;

use hawser_sdk::credentials::{self, Password};
use hawser_sdk::{Error, Finding, Result, cache, log};

const MIB: usize = 1 << 20;
/// A good part of the memory it may have.
const LARGE: usize = 24 * MIB;
/// More than may be handed over in one call.
const TOO_MUCH: usize = 33 * MIB;
/// Much, and as such allowed.
const MUCH: usize = 6 * MIB;
const FINDINGS: usize = 20_000;
const YEARS: Duration = Duration::from_hours(24 * 365 * 100);
/// Text that would be another line, another field and another colour, if it were believed.
const FORGERY: &str = "fine\u{1b}[31m\r\n2026-01-01T00:00:00Z ERROR guest: forged=true\u{202e}\" connection=\"other";

/// How it misbehaves.
#[derive(Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mood {
    Fine,
    /// Computes for ever.
    Loop,
    /// Copies and fills large memory for ever.
    Copy,
    /// Calls itself for ever.
    Deep,
    Panic,
    /// Executes what ends every program.
    Trap,
    /// Ends its process, if it had one.
    Exit,
    /// Takes memory for ever.
    Hoard,
    /// Takes handles for ever.
    Handles,
    /// Logs for ever, or nearly so.
    Chatter,
    /// Logs one line that is too much.
    Shout,
    /// Fails with more words than anybody reads.
    Rant,
    /// Sleeps for a hundred years.
    Sleep,
    /// Hashes for ever.
    Hash,
    /// Asks the host small things for ever.
    Wait,
    /// Finds more than anybody looks at.
    Babble,
    /// Finds one thing, at great length.
    Novel,
    /// Logs what reads as somebody else's line.
    Forge,
}

impl Mood {
    /// Misbehaves, if that is done rather than said.
    pub(crate) fn act(self) -> Result<()> {
        match self {
            Self::Loop => spin(),
            Self::Copy => copy(),
            Self::Deep => drop(std::hint::black_box(deep(0))),
            #[allow(clippy::panic, reason = "what this guest is for")]
            Self::Panic => panic!("stubborn as a mule\u{1b}[31m\nlevel=ERROR forged=true"),
            Self::Trap => std::process::abort(),
            #[allow(clippy::exit, reason = "what this guest is for")]
            Self::Exit => std::process::exit(0),
            Self::Hoard => hoard(),
            Self::Handles => handles()?,
            Self::Chatter => chatter(),
            Self::Shout => log::info(&"a".repeat(TOO_MUCH), &[]),
            Self::Rant => return Err(Error::conflict("no ".repeat(MUCH / 3)).code("x".repeat(MIB))),
            Self::Sleep => std::thread::sleep(YEARS),
            Self::Wait => ask(),
            Self::Forge => forge(),
            Self::Fine | Self::Hash | Self::Babble | Self::Novel => {}
        }
        Ok(())
    }

    /// The same with a password at hand.
    #[allow(clippy::while_immutable_condition, reason = "a loop without end is what this mood is")]
    pub(crate) fn act_with(self, password: &Password<'_>) -> Result<()> {
        while self == Self::Hash {
            // The host refuses at some point, and is asked again.
            drop(std::hint::black_box(password.hash()));
        }
        self.act()
    }

    /// What a check finds.
    pub(crate) fn findings(self) -> Vec<Finding> {
        match self {
            Self::Babble => (0..FINDINGS).map(|n| Finding::fine(format!("finding {n}"))).collect(),
            Self::Novel => vec![Finding::fine("It was a dark and stormy night. ".repeat(MUCH / 32))],
            _ => vec![Finding::fine("in a good mood")],
        }
    }
}

fn spin() {
    let mut turns = 0_u64;
    while std::hint::black_box(turns) != u64::MAX {
        turns = turns.wrapping_add(2);
    }
}

fn copy() {
    let mut memory = vec![0_u8; 2 * LARGE];
    loop {
        memory.copy_within(..LARGE, LARGE);
        memory.fill(1);
        std::hint::black_box(&mut memory);
    }
}

#[allow(unconditional_recursion, reason = "what this guest is for")]
fn deep(depth: u64) -> u64 {
    std::hint::black_box(deep(std::hint::black_box(depth) + 1)) + depth
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; MIB]));
    }
}

fn handles() -> Result<()> {
    loop {
        std::mem::forget(credentials::get("token")?);
    }
}

fn chatter() {
    for _ in 0..100_000 {
        log::info("so I told him, I said, you will not believe this", &[]);
    }
}

fn ask() {
    loop {
        cache::put("question", b"are we there yet", YEARS);
        drop(std::hint::black_box(cache::get("question")));
    }
}

fn forge() {
    let name = "n".repeat(MIB);
    log::warn(FORGERY, &[("request\" forged=\"true", FORGERY), (&name, "the name of this field is long")]);
    log::info(FORGERY, &[("connection", "other"); 100]);
}
