//! How carrying a plan out ended: on the whole, and for each of its steps.
//!
//! The changes of the store are made together or not at all. Releases are activated before, one after the other; so if it
//! stops, some may serve, and only those steps are done.

use semver::Version;

use super::plan::{Kind, Plan, Step};
use crate::model::{ConnectorName, Effect, Error, Result};

/// How it ended.
#[derive(Debug)]
pub struct Applied {
    pub result: Result<()>,
    /// What became of each step, in the order of the plan.
    pub steps: Vec<Result<()>>,
}

/// The releases to activate, and how many of them serve, the first ones.
pub(super) struct Activated {
    pub(super) releases: Vec<(ConnectorName, Version)>,
    pub(super) done: usize,
}

impl Applied {
    /// All changes are made; that is how looking again at whom to trust went.
    pub(super) fn changed(plan: &Plan, trusted: Result<()>) -> Self {
        let trusted = trusted.map_err(|error| error.with_effect(Effect::Some));
        let of = |step: &Step| if step.kind == Kind::Publisher { trusted.clone() } else { Ok(()) };
        Self { steps: plan.steps.iter().map(of).collect(), result: trusted }
    }

    /// It stopped before any change of the store was made.
    pub(super) fn stopped(plan: &Plan, activated: &Activated, error: Error) -> Self {
        let of = |step: &Step| match activated.of(step) {
            (0, _) => Err(error.clone()),
            (done, all) if done == all => Ok(()),
            _ => Err(activated.told(error.clone())),
        };
        Self { steps: plan.steps.iter().map(of).collect(), result: Err(activated.told(error)) }
    }
}

impl Activated {
    /// How many of the releases of a step serve, and how many there are.
    fn of(&self, step: &Step) -> (usize, usize) {
        let its =
            |(connector, _): &&(ConnectorName, Version)| step.kind == Kind::Connector && connector.as_str() == step.id;
        (self.releases.iter().take(self.done).filter(its).count(), self.releases.iter().filter(its).count())
    }

    /// Says of an error what serves although it came to that.
    fn told(&self, error: Error) -> Error {
        let serve = self.releases.iter().take(self.done).map(|(connector, version)| format!("{connector} {version}"));
        let serve: Vec<String> = serve.collect();
        if serve.is_empty() {
            return error;
        }
        let message = format!(
            "{}; nothing else has changed, but these releases serve now: {}. Apply again, or activate the ones before",
            error.message,
            serve.join(", ")
        );
        let effect = if error.effect == Effect::Unknown { Effect::Unknown } else { Effect::Some };
        Error { message, ..error }.with_effect(effect)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Action;
    use super::*;

    fn plan(steps: &[(Kind, &str)]) -> Plan {
        let step = |(kind, id): &(Kind, &str)| Step {
            kind: *kind,
            id: (*id).to_owned(),
            action: Action::Update,
            differences: Vec::new(),
        };
        Plan { steps: steps.iter().map(step).collect(), ..Plan::default() }
    }

    fn activated(releases: &[(&str, &str)], done: usize) -> Activated {
        let release = |(name, version): &(&str, &str)| (name.parse().unwrap(), version.parse().unwrap());
        Activated { releases: releases.iter().map(release).collect(), done }
    }

    fn told(applied: &Applied) -> Vec<Option<Effect>> {
        applied.steps.iter().map(|step| step.as_ref().err().map(|error| error.effect)).collect()
    }

    const STEPS: [(Kind, &str); 4] = [
        (Kind::Connector, "acme/crm"),
        (Kind::Connector, "acme/erp"),
        (Kind::Connector, "acme/hr"),
        (Kind::Connection, "acme/crm"),
    ];

    #[test]
    fn only_the_steps_whose_releases_all_serve_are_done_if_it_stops() {
        let releases = [("acme/crm", "1.2.0"), ("acme/erp", "1.0.0"), ("acme/erp", "2.0.0"), ("acme/hr", "1.0.0")];
        let stopped = Applied::stopped(&plan(&STEPS), &activated(&releases, 2), Error::invalid("no"));
        assert_eq!(told(&stopped), [None, Some(Effect::Some), Some(Effect::None), Some(Effect::None)]);
        let error = stopped.result.unwrap_err();
        assert_eq!(error.effect, Effect::Some);
        assert!(error.message.contains("acme/crm 1.2.0, acme/erp 1.0.0."), "{}", error.message);
    }

    #[test]
    fn nothing_has_happened_if_no_release_serves_and_unknown_stays_unknown() {
        let releases = [("acme/crm", "1.2.0")];
        let stopped = Applied::stopped(&plan(&STEPS), &activated(&releases, 0), Error::invalid("no"));
        assert_eq!(stopped.result.unwrap_err(), Error::invalid("no"));
        let unknown = Error::invalid("no").with_effect(Effect::Unknown);
        let stopped = Applied::stopped(&plan(&STEPS), &activated(&releases, 1), unknown);
        assert_eq!(told(&stopped), [None, Some(Effect::Unknown), Some(Effect::Unknown), Some(Effect::Unknown)]);
        assert_eq!(stopped.result.unwrap_err().effect, Effect::Unknown);
    }

    #[test]
    fn a_fault_after_the_changes_concerns_publishers_alone() {
        let steps = [(Kind::Publisher, "acme"), (Kind::System, "hr")];
        let changed = Applied::changed(&plan(&steps), Err(Error::internal("x")));
        assert_eq!(told(&changed), [Some(Effect::Some), None]);
        assert!(changed.result.is_err() && Applied::changed(&plan(&steps), Ok(())).result.is_ok());
    }
}
