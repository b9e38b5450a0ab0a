//! The world of one connector: the contract, and which parts of it this connector uses. Some languages' tools import a
//! whole world whether the code uses it or not, so a world is made for each connector from its manifest, and the file
//! holds the contract too, so that no checkout is needed.

use crate::model::interface::CONTRACT_PACKAGE;
use crate::registry::Manifest;
use crate::registry::manifest::WitVersion;

/// The text of the connector's world, as one self-contained WIT file.
pub(super) fn text(manifest: &Manifest) -> String {
    let (publisher, name) = manifest.connector.as_str().split_once('/').unwrap_or_default();
    let version = manifest.wit.package_version();
    let imports = manifest.imports.iter().map(|import| ("import", import.as_str()));
    let exports = manifest.exports.iter().map(|export| ("export", export.as_str()));
    let lines: String = imports
        .chain(exports)
        .map(|(verb, interface)| format!("  {verb} {CONTRACT_PACKAGE}/{interface}@{version};\n"))
        .collect();
    // `%` lets a name be a word of WIT, such as `list`.
    format!(
        "// Made by `hawser build` from connector.toml; what is changed here is overwritten.\n\
         package %{publisher}:%{name};\n\nworld %{name} {{\n{lines}}}\n\n{}",
        nested(contract(manifest.wit))
    )
}

fn contract(version: WitVersion) -> &'static str {
    match version {
        WitVersion::V0_1 => include_str!("../../../wit/v0.1/connector.wit"),
    }
}

/// A file's package as one among several in a file: `package a:b;` becomes `package a:b { ... }`.
fn nested(contract: &str) -> String {
    let header = |line: &&str| line.starts_with("package ") && line.ends_with(';');
    let body = contract.lines().map(|line| match Some(line).filter(header) {
        Some(header) => format!("{} {{\n", header.trim_end_matches(';')),
        None => format!("{line}\n"),
    });
    body.chain(std::iter::once("}\n".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use wit_parser::{Resolve, WorldItem, WorldKey};

    use super::*;

    fn manifest(connector: &str, exports: &str, imports: &str) -> Manifest {
        let (publisher, name) = connector.split_once('/').unwrap();
        let head =
            format!("publisher = {publisher:?}\nname = {name:?}\nversion = \"1.0.0\"\nwit = \"0.1\"\ntitle = \"T\"");
        let directory = "[[directory]]\nname = \"d\"\nlabel = \"D\"\naccess = \"read-only\"";
        let directory = if imports.contains("files") { directory } else { "" };
        let reveal = if imports.contains("reveal") { "[[reveal]]\nslot = \"password\"\nreason = \"R\"" } else { "" };
        let place = |protocol: &str| {
            format!(
                "[[destination]]\nname = {protocol:?}\nlabel = \"P\"\nprotocol = {protocol:?}\naddress = \"h:636\"\n"
            )
        };
        let reached = [("\"ldap\"", "ldaps"), ("\"http\"", "https")];
        let places = reached.iter().filter(|(import, _)| imports.contains(import)).map(|(_, protocol)| place(protocol));
        let places: String = places.collect();
        let text = format!(
            "{head}\nsummary = \"\"\n[interfaces]\nexports = {exports}\nimports = {imports}\n{directory}\n{reveal}\n{places}"
        );
        Manifest::parse(&text).unwrap()
    }

    /// The interfaces of a world as its tools see them.
    fn interfaces(manifest: &Manifest) -> (Vec<String>, Vec<String>) {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("world.wit", &text(manifest)).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let names =
            |items: Vec<(&WorldKey, &WorldItem)>| items.iter().map(|(key, _)| resolve.name_world_key(key)).collect();
        let world = &resolve.worlds[world];
        (names(world.imports.iter().collect()), names(world.exports.iter().collect()))
    }

    #[test]
    fn a_world_has_the_manifests_interfaces_and_the_words_they_need_and_no_more() {
        let (mut imports, exports) = interfaces(&manifest("acme/csv", "[\"source\"]", "[\"log\", \"files\"]"));
        imports.sort();
        assert_eq!(exports, ["hawser:connector/source@0.1.0"]);
        let expected = ["hawser:connector/files@0.1.0", "hawser:connector/log@0.1.0", "hawser:connector/model@0.1.0"];
        assert_eq!(imports, expected);
    }

    #[test]
    fn every_interface_a_manifest_can_name_is_one_of_the_contract() {
        let all = |names: Vec<&str>| format!("{names:?}");
        let exports = all(crate::model::Export::ALL.iter().map(|export| export.as_str()).collect());
        let imports = all(crate::model::Import::ALL.iter().map(|import| import.as_str()).collect());
        let (found_imports, found_exports) = interfaces(&manifest("acme/all", &exports, &imports));
        assert_eq!(found_exports.len(), crate::model::Export::ALL.len());
        assert_eq!(found_imports.len(), crate::model::Import::ALL.len() + 1, "and the model");
    }

    #[test]
    fn a_connector_may_be_named_like_a_word_of_wit_or_like_the_contract() {
        for name in ["acme/list", "world/package", "hawser/connector", "import/a-1"] {
            assert_eq!(interfaces(&manifest(name, "[\"probe\"]", "[]")).1, ["hawser:connector/probe@0.1.0"], "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_a_manifest_takes_makes_a_world(
            name in "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,3}/[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5}){0,3}"
        ) {
            let exports = interfaces(&manifest(&name, "[\"probe\"]", "[]")).1;
            proptest::prop_assert_eq!(exports, ["hawser:connector/probe@0.1.0"]);
        }
    }
}
