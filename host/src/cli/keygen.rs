//! `hawser keygen`: a publisher's keys.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::fault::{Exit, Fault};
use super::out;
use crate::registry::SigningKey;

const PRIVATE_FILE: &str = "publisher.key";
const PUBLIC_FILE: &str = "publisher.pub";

/// Make a publisher's keys: publisher.key, which signs releases and stays secret, and publisher.pub for operators
#[derive(Args)]
pub(super) struct Keygen {
    /// The folder to write them into; made if it is missing. Nothing in it is written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Keygen {
    pub(super) fn run(&self) -> Result<(), Fault> {
        fs::create_dir_all(&self.out).map_err(Fault::io(self.out.display()))?;
        let (private, public) = (self.out.join(PRIVATE_FILE), self.out.join(PUBLIC_FILE));
        // Both are looked for first, so that a refusal leaves no half of a pair behind.
        for path in [&private, &public] {
            if path.exists() {
                let message = format!("{} is there already; choose another folder", path.display());
                return Err(Fault::new(Exit::Conflict, message));
            }
        }
        let key = SigningKey::generate()?;
        key.write(&private)?;
        write_new(&public, &key.public()?.to_pem())?;
        out::line(format_args!("{}  keep it secret: whoever has it publishes in your name", private.display()))?;
        out::line(format_args!("{}  give it to operators; its id is {}", public.display(), key.public()?.id()))
    }
}

fn write_new(path: &Path, text: &str) -> Result<(), Fault> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Fault::io(path.display()))
}
