//! A connector that misbehaves as its option `mood` says: it loops, panics, hoards memory or talks without end.

use hawser_sdk::{Aspect, ClassInfo, ClassKind, Connector, Finding, Probe, Result, Schema, log};

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mood {
    Fine,
    Loop,
    Panic,
    Hoard,
    Chatter,
}

/// The connector.
#[derive(serde::Deserialize)]
pub struct Stubborn {
    mood: Mood,
}

impl Connector for Stubborn {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Probe for Stubborn {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        match self.mood {
            Mood::Fine => {}
            Mood::Loop => spin(),
            #[allow(clippy::panic, reason = "what this guest is for")]
            Mood::Panic => panic!("stubborn as a mule\u{1b}[31m\nlevel=ERROR forged=true"),
            Mood::Hoard => hoard(),
            Mood::Chatter => chatter(),
        }
        Ok(vec![Finding::fine("in a good mood")])
    }
}

impl Schema for Stubborn {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(vec![ClassInfo::new(ClassKind::Account, "account", "Account")])
    }
}

fn spin() {
    let mut turns = 0_u64;
    while std::hint::black_box(turns) != u64::MAX {
        turns = turns.wrapping_add(2);
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 1024 * 1024]));
    }
}

fn chatter() {
    for _ in 0..100_000 {
        log::info("so I told him, I said, you will not believe this", &[]);
    }
}

hawser_sdk::export!(Stubborn: Probe, Schema);
