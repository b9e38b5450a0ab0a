//! `hawser build`: connectors from their folders to what a host loads.

use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::out;
use crate::builder::toolchain::{Choice, cache_folder};
use crate::builder::{self, BuildError, Care, Order};

/// Build connectors: compile each, check it against its connector.toml, and write what a host loads
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// Folders of connectors, each with a connector.toml and a Cargo.toml
    #[arg(required = true, value_name = "DIR")]
    projects: Vec<PathBuf>,
    /// Write <publisher>-<name>/ into this folder [default: target/hawser of the connector's workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compile quickly rather than well, to try something; not for what is shipped
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    guest: GuestArgs,
}

/// Where the compiler for guests comes from; for every command that builds connectors.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct GuestArgs {
    /// How to get a compiler for connectors
    #[arg(long, value_enum, default_value_t, env = "HAWSER_GUEST_TOOLCHAIN", value_name = "WAY")]
    guest_toolchain: Choice,
}

impl Build {
    /// Builds them one after the other, telling the person at the terminal what happens.
    ///
    /// # Errors
    /// The first that cannot be built.
    pub(super) fn run(&self) -> Result<(), Fault> {
        let care = if self.quick { Care::Quick } else { Care::Well };
        for project in &self.projects {
            let built = self.guest.build(project, self.out.as_deref(), care, &mut tell)?;
            let kib = built.component_bytes.div_ceil(1024);
            tell(&format!("built {} {} ({kib} KiB) in {}", built.connector, built.version, built.folder.display()));
        }
        Ok(())
    }
}

impl GuestArgs {
    /// Builds one connector with the toolchain these arguments choose.
    ///
    /// # Errors
    /// Whatever keeps it from being built.
    pub(super) fn build(
        &self,
        project: &Path,
        out: Option<&Path>,
        care: Care,
        say: &mut dyn FnMut(&str),
    ) -> Result<builder::Built, BuildError> {
        let cache = cache_folder()?;
        let order = Order { project, out, toolchain: self.guest_toolchain, care, cache: &cache };
        builder::build(&order, say)
    }
}

/// To stderr, as cargo does.
fn tell(line: &str) {
    out::note(line);
}

impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        Self::failed(error.to_string())
    }
}
