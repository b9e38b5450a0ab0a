//! A component held against its manifest. It exports exactly what the manifest says it can do, and imports nothing but
//! the host interfaces the manifest lists, the contract's words, and the WASI interfaces the runtime gives inert.

use std::collections::BTreeSet;

use super::{Manifest, WitVersion};
use crate::model::interface::CONTRACT_PACKAGE;
use crate::model::{Export, Import};

/// The interface that has only types: importing it asks for nothing.
const WORDS: &str = "model";

impl Manifest {
    /// Holds what a component imports and exports, by full names such as `hawser:connector/log@0.1.0`, against the
    /// manifest. `inert` says whether the runtime offers the interface of that full name to every guest.
    ///
    /// # Errors
    /// Every difference, each as a sentence that says what to change.
    pub fn check_component<'a>(
        &self,
        imports: impl IntoIterator<Item = &'a str>,
        exports: impl IntoIterator<Item = &'a str>,
        inert: impl Fn(&str) -> bool,
    ) -> Result<(), Vec<String>> {
        let mut differences = Vec::new();
        let unknown = imports.into_iter().filter(|name| !self.may_import(name) && !inert(name));
        differences.extend(unknown.map(|name| self.refused_import(name)));
        self.check_exports(exports, &mut differences);
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    fn may_import(&self, full_name: &str) -> bool {
        self.contract_interface(full_name).is_some_and(|name| {
            name == WORDS || Import::named(name).is_some_and(|import| self.imports.contains(&import))
        })
    }

    fn refused_import(&self, full_name: &str) -> String {
        match self.contract_interface(full_name).and_then(Import::named) {
            Some(import) => format!(
                "it imports `{full_name}`, which the manifest does not list: add \"{}\" to interfaces.imports",
                import.as_str()
            ),
            None => format!("it imports `{full_name}`, which no host offers: remove what uses it"),
        }
    }

    fn check_exports<'a>(&self, exports: impl IntoIterator<Item = &'a str>, differences: &mut Vec<String>) {
        let mut found = BTreeSet::new();
        for full_name in exports {
            match self.contract_interface(full_name).and_then(Export::named) {
                Some(export) => drop(found.insert(export)),
                None => {
                    differences.push(format!("it exports `{full_name}`, which is none of the contract's: remove it"))
                }
            }
        }
        differences.extend(found.difference(&self.exports).map(|export| {
            let name = export.as_str();
            format!("it exports `{name}`, which the manifest does not list: add \"{name}\" to interfaces.exports")
        }));
        differences.extend(self.exports.difference(&found).map(|export| {
            let name = export.as_str();
            format!("it does not export `{name}`, which the manifest lists: implement it or remove it there")
        }));
    }

    /// The interface's name within the contract this manifest was written against.
    fn contract_interface<'a>(&self, full_name: &'a str) -> Option<&'a str> {
        let (path, version) = full_name.split_once('@')?;
        let (package, name) = path.split_once('/')?;
        (package == CONTRACT_PACKAGE && version == self.wit.package_version()).then_some(name)
    }
}

impl WitVersion {
    /// The contract's version as the names of its interfaces carry it.
    pub fn package_version(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
publisher = "hawser"
name = "roster"
version = "0.1.0"
wit = "0.1"
title = "Roster"
summary = ""
[interfaces]
exports = ["source", "schema"]
imports = ["log"]
"#;

    const EXPORTS: [&str; 2] = ["hawser:connector/source@0.1.0", "hawser:connector/schema@0.1.0"];

    fn differences(imports: &[&str], exports: &[&str]) -> Vec<String> {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let inert = |name: &str| name.starts_with("wasi:io/");
        manifest.check_component(imports.iter().copied(), exports.iter().copied(), inert).err().unwrap_or_default()
    }

    #[track_caller]
    fn says(differences: &[String], what: &str, remedy: &str) {
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].contains(what) && differences[0].contains(remedy), "{differences:?}");
    }

    #[test]
    fn an_import_the_manifest_does_not_list_is_named_with_the_line_that_would_allow_it() {
        let found = differences(&["hawser:connector/files@0.1.0"], &EXPORTS);
        says(&found, "hawser:connector/files@0.1.0", "add \"files\" to interfaces.imports");
    }

    #[test]
    fn an_import_no_host_offers_is_named() {
        for foreign in [
            "wasi:http/outgoing-handler@0.2.6",
            "evil:host/exec",
            "hawser:connector/log@9.0.0",
            "hawser:connector/sql@0.1.0",
            "hawser:connector/source@0.1.0",
        ] {
            says(&differences(&[foreign], &EXPORTS), foreign, "no host offers");
        }
    }

    #[test]
    fn exports_are_exactly_the_manifests() {
        says(&differences(&[], &EXPORTS[..1]), "`schema`", "implement it or remove it");
        let more = [EXPORTS[0], EXPORTS[1], "hawser:connector/feed@0.1.0"];
        says(&differences(&[], &more), "`feed`", "add \"feed\" to interfaces.exports");
        let foreign = [EXPORTS[0], EXPORTS[1], "wasi:cli/run@0.2.6"];
        says(&differences(&[], &foreign), "wasi:cli/run@0.2.6", "none of the contract's");
    }

    #[test]
    fn every_difference_is_told_at_once() {
        assert_eq!(differences(&["evil:host/exec", "evil:host/spy"], &[]).len(), 4);
    }

    #[test]
    fn words_listed_interfaces_and_inert_ones_are_free() {
        let imports = ["hawser:connector/model@0.1.0", "hawser:connector/log@0.1.0", "wasi:io/poll@0.2.6"];
        assert_eq!(differences(&imports, &EXPORTS), Vec::<String>::new());
    }
}
