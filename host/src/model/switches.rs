//! What an operator has switched off of a connection, and what is refused because of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::failure::FailureKind;
use super::id::ConnectionId;

/// The switches of a connection; as it is created, everything is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "four switches, each with a meaning of its own")]
pub struct Switches {
    /// Off: nothing reaches the target but a check.
    pub enabled: bool,
    /// Off: no imports.
    pub import: bool,
    /// Off: nothing is changed in the target.
    pub fulfil: bool,
    /// On: the target is being maintained; nothing is changed in it until that is over.
    pub maintenance: bool,
}

/// Switches to set; those that are left out stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchesChange {
    /// Off: nothing reaches the target but a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Off: no imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<bool>,
    /// Off: nothing is changed in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfil: Option<bool>,
    /// On: the target is being maintained; nothing is changed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<bool>,
}

impl SwitchesChange {
    /// The switches it makes of these.
    pub fn applied_to(&self, switches: Switches) -> Switches {
        Switches {
            enabled: self.enabled.unwrap_or(switches.enabled),
            import: self.import.unwrap_or(switches.import),
            fulfil: self.fulfil.unwrap_or(switches.fulfil),
            maintenance: self.maintenance.unwrap_or(switches.maintenance),
        }
    }

    /// What it sets to what.
    pub fn named(&self) -> Vec<(&'static str, bool)> {
        let all = [
            ("enabled", self.enabled),
            ("import", self.import),
            ("fulfil", self.fulfil),
            ("maintenance", self.maintenance),
        ];
        all.into_iter().filter_map(|(name, set)| set.map(|on| (name, on))).collect()
    }
}

impl From<Switches> for SwitchesChange {
    fn from(Switches { enabled, import, fulfil, maintenance }: Switches) -> Self {
        Self { enabled: Some(enabled), import: Some(import), fulfil: Some(fulfil), maintenance: Some(maintenance) }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self { enabled: true, import: true, fulfil: true, maintenance: false }
    }
}

impl Switches {
    /// May the target be reached at all?
    ///
    /// # Errors
    /// `conflict` if the connection is disabled.
    pub fn require_enabled(&self, id: &ConnectionId) -> Result<()> {
        require(self.enabled, id, "is disabled", "enabled")
    }

    /// May it be imported?
    ///
    /// # Errors
    /// `conflict` if imports are switched off, or the connection is disabled.
    pub fn require_import(&self, id: &ConnectionId) -> Result<()> {
        self.require_enabled(id)?;
        require(self.import, id, "has its imports switched off", "import")
    }

    /// May something be changed in its target?
    ///
    /// # Errors
    /// `conflict` if that is switched off, or the connection is disabled; `target-maintenance`.
    pub fn require_fulfil(&self, id: &ConnectionId) -> Result<()> {
        self.require_enabled(id)?;
        require(self.fulfil, id, "has its changes to the target switched off", "fulfil")?;
        if self.maintenance {
            let message = format!("the target of {id} is being maintained; try again when that is over");
            return Err(Error::failure(FailureKind::TargetMaintenance, message));
        }
        Ok(())
    }
}

fn require(on: bool, id: &ConnectionId, state: &str, switch: &str) -> Result<()> {
    if on {
        return Ok(());
    }
    let message = format!("the connection {id} {state}; an operator can set its switch `{switch}`");
    Err(Error::failure(FailureKind::Conflict, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ConnectionId {
        "hr".parse().unwrap()
    }

    #[test]
    fn everything_is_on_unless_somebody_switched_it_off() {
        let switches: Switches = serde_json::from_str("{}").unwrap();
        assert_eq!(switches, Switches::default());
        assert!(switches.require_import(&id()).is_ok() && switches.require_fulfil(&id()).is_ok());
    }

    #[test]
    fn a_change_sets_what_it_names_and_nothing_else() {
        let before = Switches { maintenance: true, import: false, ..Switches::default() };
        let change: SwitchesChange = serde_json::from_str(r#"{"import": true}"#).unwrap();
        assert_eq!(change.applied_to(before), Switches { maintenance: true, ..Switches::default() });
        assert_eq!(change.named(), [("import", true)]);
        assert_eq!(SwitchesChange::from(before).applied_to(Switches::default()), before);
        assert!(serde_json::from_str::<SwitchesChange>(r#"{"imports": true}"#).is_err());
    }

    #[test]
    fn what_is_off_is_refused_with_the_switch_to_set() {
        let off = |name: &str| serde_json::from_value::<Switches>(serde_json::json!({ name: false })).unwrap();
        assert!(off("import").require_import(&id()).unwrap_err().message.contains("`import`"));
        assert!(off("import").require_fulfil(&id()).is_ok());
        assert!(off("fulfil").require_fulfil(&id()).unwrap_err().is(FailureKind::Conflict));
        assert!(off("fulfil").require_import(&id()).is_ok());
        for refused in [off("enabled").require_import(&id()), off("enabled").require_fulfil(&id())] {
            assert!(refused.unwrap_err().message.contains("`enabled`"));
        }
    }

    #[test]
    fn maintenance_refuses_changes_and_nothing_else() {
        let switches = Switches { maintenance: true, ..Switches::default() };
        assert!(switches.require_fulfil(&id()).unwrap_err().is(FailureKind::TargetMaintenance));
        assert!(switches.require_import(&id()).is_ok());
    }
}
