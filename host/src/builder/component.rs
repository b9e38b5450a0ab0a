//! The component just compiled, loaded as a host would load it: what would be refused there is told here, where it can
//! still be changed.

use super::error::BuildError;
use crate::clock::Clock;
use crate::config::EgressConfig;
use crate::egress::Egress;
use crate::model::Error;
use crate::registry::Manifest;
use crate::runtime::{Allowed, Runtime, RuntimeLimits};

pub(super) fn check(bytes: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
    let refused = |error: Error| BuildError::Component(error.message);
    let runtime = Runtime::new(RuntimeLimits::default(), Egress::new(EgressConfig::default()), Clock::system())
        .map_err(refused)?;
    let allowed = Allowed { imports: manifest.imports.clone(), exports: manifest.exports.clone() };
    runtime.load(bytes, &allowed).map(drop).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "publisher = \"acme\"\nname = \"roster\"\nversion = \"1.0.0\"\nwit = \"0.1\"\ntitle = \"T\"\n\
                            summary = \"\"\n[interfaces]\nexports = [\"source\"]\nimports = [\"log\"]\n";

    fn complaint(component: &str) -> String {
        let bytes = wat::parse_str(component).unwrap();
        check(&bytes, &Manifest::parse(MANIFEST).unwrap()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_no_component_is_refused() {
        assert!(complaint("(module)").contains("core module"));
        let error = check(b"#!/bin/sh", &Manifest::parse(MANIFEST).unwrap()).unwrap_err();
        assert!(error.to_string().contains("no component"), "{error}");
    }

    #[test]
    fn a_component_that_asks_for_more_than_its_manifest_is_told_what_to_add() {
        let cache = complaint("(component (import \"hawser:connector/cache@0.1.0\" (instance)))");
        assert!(cache.contains("add \"cache\"") && cache.contains("connector.toml"), "{cache}");
        let http = complaint("(component (import \"wasi:http/outgoing-handler@0.2.6\" (instance)))");
        assert!(http.contains("wasi:http/outgoing-handler@0.2.6"), "{http}");
    }

    #[test]
    fn a_component_that_does_less_than_its_manifest_is_told_what_is_missing() {
        let complaint = complaint("(component)");
        assert!(complaint.contains("\"source\"") && complaint.contains("implement it"), "{complaint}");
    }
}
