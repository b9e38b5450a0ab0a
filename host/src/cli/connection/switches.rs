//! `hawser connection switch`: parts of a connection turned off and on again.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value as Json};

use super::path;
use crate::cli::client::Call;
use crate::cli::fault::Fault;
use crate::cli::remote::Session;

/// Turn parts of a connection off and on again; at least one of them.
#[derive(Args)]
#[group(id = "which", required = true, multiple = true, args = ["enabled", "import", "fulfil", "maintenance"])]
pub(super) struct Set {
    connection: String,
    /// Off: nothing reaches the target but a check; what runs is stopped.
    #[arg(long)]
    enabled: Option<State>,
    /// Off: no imports.
    #[arg(long)]
    import: Option<State>,
    /// Off: nothing is changed in the target.
    #[arg(long)]
    fulfil: Option<State>,
    /// On: the target is being maintained; nothing is changed in it until that is over.
    #[arg(long)]
    maintenance: Option<State>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

impl Set {
    pub(super) async fn run(self, session: &Session) -> Result<(), Fault> {
        let all = [
            ("enabled", self.enabled),
            ("import", self.import),
            ("fulfil", self.fulfil),
            ("maintenance", self.maintenance),
        ];
        let set = all.into_iter().filter_map(|(name, state)| Some((name.to_owned(), (state? == State::On).into())));
        let call =
            Call::patch(format!("{}/switches", path(&self.connection)), Json::Object(set.collect::<Map<_, _>>()));
        session.one(call, &[("connection", "/id"), ("switches", "/switches")]).await
    }
}
