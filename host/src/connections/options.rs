//! A connection's options held against its connector's manifest: every fault is told at once, and what comes out is
//! what the guest will read.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::{Connection, Error, FailureKind, OptionName, Result, Syntax, Value, json};
use crate::registry::manifest::{Constraint, Manifest, OptionDeclaration, OptionKind};

/// The most faults told at once.
const FAULTS_MAX: usize = 20;

/// What a guest reads: defaults filled in.
pub(super) type Options = BTreeMap<OptionName, Vec<Value>>;

/// Checks the options as given.
///
/// # Errors
/// `configuration`, with a sentence for every fault and the options to blame.
pub(super) fn check(manifest: &Manifest, given: &BTreeMap<OptionName, Json>) -> Result<Options> {
    let mut faults = Faults::default();
    let mut options = Options::new();
    for (name, json) in given {
        match manifest.option(name) {
            None => faults.add(name.as_str(), unknown(manifest, name)),
            Some(option) => match read(option, json) {
                Ok(values) => drop(options.insert(name.clone(), values)),
                Err(why) => faults.add(name.as_str(), format!("option `{name}` {why}")),
            },
        }
    }
    for option in &manifest.options {
        if option.required && !given.contains_key(&option.name) {
            faults.add(option.name.as_str(), format!("option `{}` ({}) is required", option.name, option.label));
        }
    }
    for constraint in &manifest.constraints {
        hold(constraint, &options, &mut faults);
    }
    faults.into_result()?;
    for option in &manifest.options {
        options.entry(option.name.clone()).or_insert_with(|| option.default.clone());
    }
    Ok(options)
}

/// Checks the directories as configured: those the manifest asks for, absolute, with no more access than it may get.
///
/// # Errors
/// `configuration`, with a sentence for every fault.
pub(super) fn check_directories(manifest: &Manifest, connection: &Connection) -> Result<()> {
    let mut faults = Faults::default();
    for (name, directory) in &connection.directories {
        match manifest.directory(name) {
            None => {
                faults.add(name.as_str(), format!("directory `{name}` is none that {} asks for", manifest.connector))
            }
            Some(declared) if directory.access > declared.access => {
                faults.add(
                    name.as_str(),
                    format!(
                        "directory `{name}` is configured read-write, and {} asks for read-only",
                        manifest.connector
                    ),
                );
            }
            Some(_) if !directory.path.is_absolute() => {
                faults.add(
                    name.as_str(),
                    format!("directory `{name}`: {} is not an absolute path", directory.path.display()),
                );
            }
            Some(_) if !directory.path.is_dir() => {
                faults.add(
                    name.as_str(),
                    format!(
                        "directory `{name}`: {} is no directory of this machine; make it first",
                        directory.path.display()
                    ),
                );
            }
            Some(_) => {}
        }
    }
    for declared in &manifest.directories {
        if !connection.directories.contains_key(&declared.name) {
            faults.add(
                declared.name.as_str(),
                format!(
                    "directory `{}` ({}) is missing: say which path and access it gets",
                    declared.name, declared.label
                ),
            );
        }
    }
    faults.into_result()
}

fn unknown(manifest: &Manifest, name: &OptionName) -> String {
    let known: Vec<&str> = manifest.options.iter().map(|option| option.name.as_str()).collect();
    format!("option `{name}` is none of {}; it has {}", manifest.connector, known.join(", "))
}

fn read(option: &OptionDeclaration, json: &Json) -> Result<Vec<Value>, String> {
    let values = match json {
        Json::Array(list) if option.multiple => {
            list.iter().map(|one| value(option.kind, one)).collect::<Result<_, _>>()?
        }
        Json::Array(_) => return Err("takes one value, not a list".to_owned()),
        one => vec![value(option.kind, one)?],
    };
    values.iter().try_for_each(|value| option.admit(value))?;
    Ok(values)
}

fn value(kind: OptionKind, json: &Json) -> Result<Value, String> {
    let syntax = match kind {
        OptionKind::Text => Syntax::Text,
        OptionKind::Integer => Syntax::Integer,
        OptionKind::Real => Syntax::Real,
        OptionKind::Boolean => Syntax::Boolean,
    };
    json::value_from_json(json, syntax).map_err(|why| format!("has the wrong kind of value: {why}"))
}

fn hold(constraint: &Constraint, options: &Options, faults: &mut Faults) {
    let set = |name: &&OptionName| options.contains_key(*name);
    match constraint {
        Constraint::RequiredTogether(names) => {
            let count = names.iter().filter(set).count();
            if count != 0 && count != names.len() {
                faults.add_all(names, format!("options {} go together: set all of them or none", list(names)));
            }
        }
        Constraint::ExactlyOne(names) => {
            let count = names.iter().filter(set).count();
            if count != 1 {
                faults.add_all(names, format!("exactly one of {} has to be set, and {count} are", list(names)));
            }
        }
        Constraint::DependsOn { option, needs } => {
            if options.contains_key(option) && !options.contains_key(needs) {
                faults.add(option.as_str(), format!("option `{option}` makes sense only with `{needs}`: set that too"));
            }
        }
    }
}

fn list(names: &[OptionName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Sentences about what is wrong, and whom to blame.
#[derive(Default)]
struct Faults {
    sentences: Vec<String>,
    blamed: Vec<String>,
}

impl Faults {
    fn add(&mut self, blamed: &str, sentence: String) {
        if self.sentences.len() < FAULTS_MAX {
            self.sentences.push(sentence);
            self.blamed.push(blamed.to_owned());
        }
    }

    fn add_all(&mut self, blamed: &[OptionName], sentence: String) {
        self.blamed.extend(blamed.iter().map(|name| name.as_str().to_owned()));
        self.sentences.push(sentence);
    }

    fn into_result(self) -> Result<()> {
        if self.sentences.is_empty() {
            return Ok(());
        }
        let mut error = Error::failure(FailureKind::Configuration, self.sentences.join("; "));
        error.attributes = self.blamed;
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = r#"
publisher = "hawser"
name = "csv"
version = "0.1.0"
wit = "0.1"
title = "CSV"
summary = ""
[interfaces]
exports = ["source"]
imports = ["files"]
[[option]]
name = "encoding"
kind = "text"
label = "Encoding"
default = "utf-8"
allowed = ["utf-8", "latin-1"]
[[option]]
name = "columns"
kind = "text"
label = "Columns"
multiple = true
[[option]]
name = "key"
kind = "text"
label = "Key"
required = true
[[option]]
name = "depth"
kind = "integer"
label = "Depth"
min = 1
[[constraint]]
depends-on = { option = "depth", needs = "columns" }
[[directory]]
name = "data"
label = "Folder"
access = "read-only"
"#;

    fn checked(given: &Json) -> Result<Options> {
        let given: BTreeMap<OptionName, Json> = serde_json::from_value(given.clone()).unwrap();
        check(&Manifest::parse(MANIFEST).unwrap(), &given)
    }

    #[test]
    fn every_fault_is_told_at_once_with_what_would_be_right() {
        let given = json!({"encoding": "ebcdic", "columns": [1], "depth": 0, "colour": "red"});
        let error = checked(&given).unwrap_err();
        for part in ["ebcdic", "`columns`", "the least is 1", "`colour` is none of", "`key` (Key) is required"] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert!(error.attributes.contains(&"colour".to_owned()), "{:?}", error.attributes);
    }

    #[test]
    fn a_dependent_option_names_what_it_needs() {
        let error = checked(&json!({"key": "id", "depth": 3})).unwrap_err();
        assert!(error.message.contains("only with `columns`"), "{error}");
        assert!(checked(&json!({"key": "id", "depth": 3, "columns": ["a"]})).is_ok());
    }

    #[test]
    fn defaults_are_what_the_guest_reads_when_nothing_was_given() {
        let options = checked(&json!({"key": "id"})).unwrap();
        let read = |name: &str| options.get(&name.parse::<OptionName>().unwrap()).unwrap().clone();
        assert_eq!(read("encoding"), [Value::Text("utf-8".into())]);
        assert_eq!(read("columns"), []);
    }

    #[test]
    fn a_directory_gets_no_more_access_than_the_manifest_asks_for() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let connection = |directories: Json| Connection {
            id: "c".parse().unwrap(),
            system: "s".parse().unwrap(),
            connector: "hawser/csv".parse().unwrap(),
            version: semver::VersionReq::STAR,
            title: String::new(),
            options: BTreeMap::new(),
            directories: serde_json::from_value(directories).unwrap(),
            destinations: Default::default(),
            thresholds: crate::model::Thresholds::default(),
            switches: crate::model::Switches::default(),
        };
        let refused = |directories| check_directories(&manifest, &connection(directories)).unwrap_err().message;
        assert!(refused(json!({})).contains("`data` (Folder) is missing"));
        assert!(refused(json!({"data": {"path": "/", "access": "read-write"}})).contains("asks for read-only"));
        assert!(refused(json!({"data": {"path": "x", "access": "read-only"}})).contains("not an absolute path"));
        assert!(refused(json!({"data": {"path": "/no/such", "access": "read-only"}})).contains("make it first"));
        assert!(
            check_directories(&manifest, &connection(json!({"data": {"path": "/", "access": "read-only"}}))).is_ok()
        );
    }
}
