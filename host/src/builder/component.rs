//! The component just compiled, held against its manifest before anybody installs it: what the registry would refuse
//! at load is told here, where it can still be changed.

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::error::BuildError;
use crate::registry::Manifest;

pub(super) fn check(bytes: &[u8], manifest: &Manifest) -> Result<(), BuildError> {
    let refused = |error: wasmtime::Error| BuildError::Component(vec![format!("it is no component: {error:#}")]);
    let engine = Engine::new(&Config::new()).map_err(refused)?;
    let component = Component::new(&engine, bytes).map_err(refused)?;
    let kind = component.component_type();
    let imports: Vec<&str> = kind.imports(&engine).map(|(name, _)| name).collect();
    let exports: Vec<&str> = kind.exports(&engine).map(|(name, _)| name).collect();
    // The runtime refuses at load what else of WASI it does not give.
    let inert = |name: &str| name.starts_with("wasi:") && !name.starts_with("wasi:http/");
    manifest.check_component(imports, exports, inert).map_err(BuildError::Component)
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
        assert!(complaint("(module)").contains("no component"));
        let error = check(b"#!/bin/sh", &Manifest::parse(MANIFEST).unwrap()).unwrap_err();
        assert!(error.to_string().contains("no component"), "{error}");
    }

    #[test]
    fn a_component_that_asks_for_more_than_its_manifest_is_told_of_each() {
        let component = r#"(component
            (import "hawser:connector/log@0.1.0" (instance))
            (import "hawser:connector/cache@0.1.0" (instance))
            (import "wasi:io/error@0.2.6" (instance))
            (import "wasi:http/outgoing-handler@0.2.6" (instance))
            (instance $source)
            (export "hawser:connector/source@0.1.0" (instance $source)))"#;
        let complaint = complaint(component);
        assert!(complaint.contains("add \"cache\" to interfaces.imports"), "{complaint}");
        assert!(complaint.contains("`wasi:http/outgoing-handler@0.2.6`, which no host offers"), "{complaint}");
        assert!(!complaint.contains("wasi:io") && !complaint.contains("connector/log"), "{complaint}");
    }

    #[test]
    fn a_component_that_does_what_its_manifest_says_passes() {
        let component = r#"(component (instance $source) (export "hawser:connector/source@0.1.0" (instance $source)))"#;
        assert_eq!(complaint(component), "");
    }
}
