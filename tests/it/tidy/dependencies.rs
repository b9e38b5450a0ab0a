//! Dependencies: versions and features stand in the root manifest; members say `name.workspace = true`.
//!
//! The crates of this repository may be used with features of their own (a `testing` feature is the member's affair).

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

const SECTIONS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// What is wrong in the members' manifests.
pub(super) fn complaints(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let workspace = manifest(&root.join("Cargo.toml"));
    let shared = workspace["workspace"]["dependencies"].as_table().expect("the workspace has dependencies").clone();
    let is_member =
        |file: &&PathBuf| file.file_name().is_some_and(|name| name == "Cargo.toml") && file.components().count() > 1;
    files.iter().filter(is_member).flat_map(|file| member_complaints(root, file, &shared)).collect()
}

fn manifest(path: &Path) -> Table {
    fs::read_to_string(path).expect("the manifest can be read").parse().expect("the manifest is TOML")
}

fn member_complaints(root: &Path, file: &Path, shared: &Table) -> Vec<String> {
    let manifest = manifest(&root.join(file));
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = targets.filter_map(Value::as_table).chain([&manifest]);
    let sections = tables.flat_map(|table| SECTIONS.iter().filter_map(|section| table.get(*section)?.as_table()));
    let complaint = |(name, value): (&String, &Value)| {
        let why = wrong(name, value, shared)?;
        Some(format!("{}: {name} {why}", file.display()))
    };
    sections.flatten().filter_map(complaint).collect()
}

fn wrong(name: &str, value: &Value, shared: &Table) -> Option<&'static str> {
    let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
    if !inherited {
        return Some("has a version of its own; put it into [workspace.dependencies]");
    }
    let ours = shared.get(name).is_some_and(|shared| shared.get("path").is_some());
    (value.get("features").is_some() && !ours)
        .then_some("has features of its own; put them into [workspace.dependencies]")
}

#[test]
fn a_member_with_a_version_or_features_of_its_own_is_named() {
    let root = tempfile::tempdir().unwrap();
    let workspace = "[workspace.dependencies]\na = \"1\"\nours = { path = \"ours\" }\n";
    let member = "[dependencies]\na.workspace = true\nb = \"2\"\nc = { path = \"../c\" }\n\
                  [dev-dependencies]\nours = { workspace = true, features = [\"testing\"] }\n\
                  [target.'cfg(unix)'.dependencies]\na = { workspace = true, features = [\"x\"] }\n";
    fs::create_dir(root.path().join("m")).unwrap();
    fs::write(root.path().join("Cargo.toml"), workspace).unwrap();
    fs::write(root.path().join("m/Cargo.toml"), member).unwrap();
    let mut found = complaints(root.path(), &["Cargo.toml".into(), "m/Cargo.toml".into()]);
    found.sort();
    let starts = ["m/Cargo.toml: a has features", "m/Cargo.toml: b has a version", "m/Cargo.toml: c has a version"];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    assert!(found.iter().zip(starts).all(|(complaint, start)| complaint.starts_with(start)), "{found:?}");
}
