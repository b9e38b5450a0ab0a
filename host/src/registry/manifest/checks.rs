//! From the document to the manifest: bounds, no name twice, and what must fit together. The first fault is reported
//! with its key, because the second is often only its echo.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use super::destination::DestinationDeclaration;
use super::document::{ConstraintTable, Document, InterfacesTable, LimitsTable, OptionTable};
use super::error::ManifestError;
use super::option::OptionDeclaration;
use super::{Constraint, DirectoryDeclaration, Limits, Manifest};
use super::{class, destination, secured, table};
use crate::model::id::is_kebab;
use crate::model::text::{acts, cut};
use crate::model::{ConnectorName, Export, Import, OptionName, Protocol, Value};
use crate::registry::limits::{
    CONSTRAINTS_MAX, DIRECTORIES_MAX, HELP_BYTES_MAX, MEMORY_MIB_MAX, OPTION_VALUES_MAX, OPTIONS_MAX, TIME_MS_MAX,
    TITLE_BYTES_MAX, VALUE_SHOWN_BYTES_MAX,
};

pub(super) type Checked<T> = Result<T, ManifestError>;

pub(super) fn manifest(document: Document) -> Checked<Manifest> {
    let connector = connector(&document.publisher, &document.name)?;
    title("title", &document.title)?;
    help("summary", &document.summary)?;
    class::check(&document.classes, &document.interfaces.exports)?;
    directories(&document.directories)?;
    let options = options(&document.options)?;
    secured::check(&document)?;
    destination::check(&document)?;
    table::check(&document.tables)?;
    let (exports, imports) = interfaces(document.interfaces, !document.directories.is_empty())?;
    reaching(&imports, &document.destinations)?;
    let constraints = constraints(document.constraints, &options)?;
    Ok(Manifest {
        connector,
        version: document.version,
        wit: document.wit,
        title: document.title,
        summary: document.summary,
        exports,
        imports,
        classes: document.classes,
        options,
        constraints,
        directories: document.directories,
        secured: document.secured,
        destinations: document.destinations,
        reveals: document.reveals,
        tables: document.tables,
        limits: limits(&document.limits)?,
    })
}

fn connector(publisher: &str, name: &str) -> Checked<ConnectorName> {
    for (key, part) in [("publisher", publisher), ("name", name)] {
        // A hyphen more than between words is nothing a WIT package can be named.
        if !is_kebab(part) || part.ends_with('-') || part.contains("--") {
            let rule = "words of lower-case letters and digits with a hyphen between, a letter first, at most 63 long";
            return Err(ManifestError::at(key, format!("is {:?}; write {rule}", cut(part, VALUE_SHOWN_BYTES_MAX))));
        }
    }
    format!("{publisher}/{name}").parse().map_err(|error| ManifestError::at("name", format!("does not do: {error}")))
}

fn interfaces(table: InterfacesTable, has_directories: bool) -> Checked<(BTreeSet<Export>, BTreeSet<Import>)> {
    let exports = distinct("interfaces.exports", table.exports, |export| export.as_str())?;
    let imports = distinct("interfaces.imports", table.imports, |import| import.as_str())?;
    if exports.is_empty() {
        return Err(ManifestError::at("interfaces.exports", "is empty; name at least one interface it implements"));
    }
    let handed_secrets = [Export::Provision, Export::Passwords].into_iter().find(|export| exports.contains(export));
    if let Some(export) = handed_secrets.filter(|_| !imports.contains(&Import::Credentials)) {
        let problem = format!("lacks \"credentials\", whose handles {:?} is called with; add it", export.as_str());
        return Err(ManifestError::at("interfaces.imports", problem));
    }
    match (imports.contains(&Import::Files), has_directories) {
        (true, false) => Err(ManifestError::at(
            "interfaces.imports",
            "has \"files\", but there is no [[directory]] it could open; declare one or remove \"files\"",
        )),
        (false, true) => {
            Err(ManifestError::at("directory", "cannot be opened without \"files\"; add it to interfaces.imports"))
        }
        _ => Ok((exports, imports)),
    }
}

/// Interfaces that reach destinations have some, and what is sent has one that sends it.
fn reaching(imports: &BTreeSet<Import>, destinations: &[DestinationDeclaration]) -> Checked<()> {
    for (import, protocols) in
        [(Import::Ldap, [Protocol::Ldap, Protocol::Ldaps]), (Import::Http, [Protocol::Http, Protocol::Https])]
    {
        if imports.contains(&import) && !destinations.iter().any(|it| protocols.contains(&it.protocol)) {
            let problem = format!(
                "has {:?}, but there is no [[destination]] of that protocol it could open; declare one",
                import.as_str()
            );
            return Err(ManifestError::at("interfaces.imports", problem));
        }
    }
    let sends = |it: &&DestinationDeclaration| !it.sends.is_empty() || !it.tokens.is_empty();
    match destinations.iter().find(sends).filter(|_| !imports.contains(&Import::Http)) {
        Some(destination) => Err(ManifestError::at(
            format!("destination.{}", destination.name),
            "sends secrets, which takes \"http\"; add it to interfaces.imports",
        )),
        None => Ok(()),
    }
}

fn directories(directories: &[DirectoryDeclaration]) -> Checked<()> {
    at_most("directory", directories.len(), DIRECTORIES_MAX)?;
    no_name_twice("directory", directories.iter().map(|directory| directory.name.as_str()))?;
    directories.iter().try_for_each(|directory| {
        title(format!("directory.{}.label", directory.name), &directory.label)?;
        help(format!("directory.{}.help", directory.name), &directory.help)
    })
}

fn options(tables: &[OptionTable]) -> Checked<Vec<OptionDeclaration>> {
    at_most("option", tables.len(), OPTIONS_MAX)?;
    no_name_twice("option", tables.iter().map(|option| option.name.as_str()))?;
    tables.iter().map(option).collect()
}

fn option(table: &OptionTable) -> Checked<OptionDeclaration> {
    let key = |field: &str| format!("option.{}.{field}", table.name);
    title(key("label"), &table.label)?;
    help(key("help"), &table.help)?;
    table.group.iter().try_for_each(|group| title(key("group"), group))?;
    if table.required && table.default.is_some() {
        let problem = "cannot be true beside a default, which makes the option never missing; remove one of them";
        return Err(ManifestError::at(key("required"), problem));
    }
    let mut option = OptionDeclaration {
        min: bound(&key("min"), table, table.min.as_ref())?,
        max: bound(&key("max"), table, table.max.as_ref())?,
        allowed: Vec::new(),
        default: Vec::new(),
        ..declaration(table)
    };
    // In this order, so that each is admitted by what has been read before it.
    option.allowed = admitted(&key("allowed"), &option, &table.allowed)?;
    let default = match (&table.default, table.multiple) {
        (None, _) => &[],
        (Some(toml::Value::Array(values)), true) => values.as_slice(),
        (Some(_), true) => {
            return Err(ManifestError::at(key("default"), "is one value, but `multiple` is true; write a list"));
        }
        (Some(value), false) => std::slice::from_ref(value),
    };
    option.default = admitted(&key("default"), &option, default)?;
    Ok(option)
}

fn declaration(table: &OptionTable) -> OptionDeclaration {
    OptionDeclaration {
        name: table.name.clone(),
        kind: table.kind,
        label: table.label.clone(),
        help: table.help.clone(),
        group: table.group.clone(),
        required: table.required,
        multiple: table.multiple,
        default: Vec::new(),
        allowed: Vec::new(),
        min: None,
        max: None,
    }
}

fn bound(key: &str, table: &OptionTable, value: Option<&toml::Value>) -> Checked<Option<Value>> {
    let Some(value) = value else { return Ok(None) };
    if !table.kind.is_ordered() {
        return Err(ManifestError::at(key, "is for integer and real options only; remove it"));
    }
    table.kind.read(value).map(Some).map_err(|problem| ManifestError::at(key, problem))
}

fn admitted(key: &str, option: &OptionDeclaration, values: &[toml::Value]) -> Checked<Vec<Value>> {
    at_most(key, values.len(), OPTION_VALUES_MAX)?;
    let admit = |value| {
        let value = option.kind.read(value)?;
        option.admit(&value).map(|()| value)
    };
    values.iter().map(|value| admit(value).map_err(|problem| ManifestError::at(key, problem))).collect()
}

fn constraints(tables: Vec<ConstraintTable>, options: &[OptionDeclaration]) -> Checked<Vec<Constraint>> {
    at_most("constraint", tables.len(), CONSTRAINTS_MAX)?;
    tables.into_iter().map(|table| constraint(table, options)).collect()
}

fn constraint(table: ConstraintTable, options: &[OptionDeclaration]) -> Checked<Constraint> {
    let (key, names, constraint) = match (table.required_together, table.exactly_one, table.depends_on) {
        (Some(names), None, None) => ("required-together", names.clone(), Constraint::RequiredTogether(names)),
        (None, Some(names), None) => ("exactly-one", names.clone(), Constraint::ExactlyOne(names)),
        (None, None, Some(rule)) => {
            let names = vec![rule.option.clone(), rule.needs.clone()];
            ("depends-on", names, Constraint::DependsOn { option: rule.option, needs: rule.needs })
        }
        _ => {
            let problem = "needs exactly one of `required-together`, `exactly-one` and `depends-on`";
            return Err(ManifestError::at("constraint", problem));
        }
    };
    let key = format!("constraint.{key}");
    if names.len() < 2 {
        return Err(ManifestError::at(key, "names fewer than two options; a constraint is between options"));
    }
    no_name_twice(&key, names.iter().map(OptionName::as_str))?;
    match names.iter().find(|name| options.iter().all(|option| option.name != **name)) {
        Some(name) => Err(ManifestError::at(key, format!("names \"{name}\", which is no [[option]]; declare it"))),
        None => Ok(constraint),
    }
}

fn limits(table: &LimitsTable) -> Checked<Limits> {
    let memory_mib = within("limits.memory-mib", table.memory_mib, MEMORY_MIB_MAX)?;
    let call_ms = within("limits.call-ms", table.call_ms, TIME_MS_MAX)?;
    let page_ms = within("limits.page-ms", table.page_ms, TIME_MS_MAX)?;
    Ok(Limits {
        memory_bytes: memory_mib.map(|mib| u64::from(mib) * 1024 * 1024),
        call: call_ms.map(|ms| Duration::from_millis(ms.into())),
        page: page_ms.map(|ms| Duration::from_millis(ms.into())),
    })
}

fn within(key: &str, value: Option<u32>, max: u32) -> Checked<Option<u32>> {
    match value {
        Some(value) if value == 0 || value > max => {
            Err(ManifestError::at(key, format!("is {value}; it can be 1 to {max}, or left out for the host's own")))
        }
        value => Ok(value),
    }
}

fn distinct<T: Ord>(key: &str, items: Vec<T>, name: impl Fn(&T) -> &'static str) -> Checked<BTreeSet<T>> {
    no_name_twice(key, items.iter().map(name))?;
    Ok(items.into_iter().collect())
}

pub(super) fn no_name_twice<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Checked<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ManifestError::at(key, format!("names {name:?} twice; remove one of them")));
        }
    }
    Ok(())
}

pub(super) fn at_most(key: &str, count: usize, max: usize) -> Checked<()> {
    if count <= max { Ok(()) } else { Err(ManifestError::at(key, format!("has {count} entries; at most {max} do"))) }
}

pub(super) fn title(key: impl Display, text: &str) -> Checked<()> {
    if text.trim().is_empty() {
        return Err(ManifestError::at(key.to_string(), "is empty; people read it, write a few words"));
    }
    if text.contains(acts) {
        let problem = "has a character that acts on a screen; write it on one line, without control characters";
        return Err(ManifestError::at(key.to_string(), problem));
    }
    text_at_most(key, text, TITLE_BYTES_MAX)
}

/// Running text: may be empty, and may have several lines.
pub(super) fn help(key: impl Display, text: &str) -> Checked<()> {
    if text.contains(|c: char| acts(c) && c != '\n') {
        let problem = "has a character that acts on a screen; of control characters, only line breaks do";
        return Err(ManifestError::at(key.to_string(), problem));
    }
    text_at_most(key, text, HELP_BYTES_MAX)
}

fn text_at_most(key: impl Display, text: &str, max: usize) -> Checked<()> {
    if text.len() <= max {
        return Ok(());
    }
    Err(ManifestError::at(key.to_string(), format!("has {} bytes; shorten it to {max}", text.len())))
}
