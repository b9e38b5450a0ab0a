//! A manifest as the text of a `connector.toml`: the inverse of reading one, for the tests. Every field of [`Manifest`]
//! is taken apart by name, so that none can be forgotten here.

use toml::{Table, Value as Toml};

use super::{
    AttributeDeclaration, ClassDeclaration, Constraint, DestinationDeclaration, DirectoryDeclaration, Limits, Manifest,
    OptionDeclaration, OptionKind, RevealDeclaration, SecuredDeclaration, SendDeclaration, TableDeclaration,
    TokenDeclaration, WitVersion,
};
use crate::model::{ClassName, MethodName, OptionName, Value};

const MIB: u64 = 1024 * 1024;

/// The text of a manifest; its keys stand in another order than people write them.
pub(in crate::registry) fn print(manifest: &Manifest) -> String {
    table(manifest).to_string()
}

fn table(manifest: &Manifest) -> Table {
    let Manifest {
        connector,
        version,
        wit: WitVersion::V0_1,
        title,
        summary,
        exports,
        imports,
        classes,
        options,
        constraints,
        directories,
        secured,
        destinations,
        reveals,
        tables,
        limits: bounds,
    } = manifest;
    let (publisher, name) = connector.as_str().split_once('/').unwrap_or_default();
    let exports = texts(exports.iter().map(|export| export.as_str()));
    let imports = texts(imports.iter().map(|import| import.as_str()));
    keys([
        ("publisher", text(publisher)),
        ("name", text(name)),
        ("version", text(version.to_string())),
        ("wit", text("0.1")),
        ("title", text(title)),
        ("summary", text(summary)),
        ("interfaces", keys([("exports", exports), ("imports", imports)]).into()),
        ("class", list(classes, class)),
        ("option", list(options, option)),
        ("constraint", list(constraints, constraint)),
        ("directory", list(directories, directory)),
        ("secured-option", list(secured, secured_option)),
        ("destination", list(destinations, destination)),
        ("reveal", list(reveals, reveal)),
        ("table", list(tables, connection_table)),
        ("limits", limits(bounds).into()),
    ])
}

fn class(class: &ClassDeclaration) -> Table {
    let ClassDeclaration { name, title, kind, uid_matching, name_matching, grantable_to, attributes, parameters } =
        class;
    keys([
        ("name", text(name)),
        ("title", text(title)),
        ("kind", word(kind)),
        ("uid-matching", word(uid_matching)),
        ("name-matching", word(name_matching)),
        ("grantable-to", texts(grantable_to.iter().map(ClassName::as_str))),
        ("attribute", list(attributes, attribute)),
        ("parameter", list(parameters, attribute)),
    ])
}

fn attribute(attribute: &AttributeDeclaration) -> Table {
    let AttributeDeclaration {
        name,
        title,
        native_name,
        syntax,
        matching,
        required,
        multi_valued,
        creatable,
        updateable,
        readable,
        returned_by_default,
        confidential,
        large,
        refers_to,
    } = attribute;
    let mut table = keys([
        ("name", text(name)),
        ("syntax", word(syntax)),
        ("matching", word(matching)),
        ("required", Toml::Boolean(*required)),
        ("multi-valued", Toml::Boolean(*multi_valued)),
        ("creatable", Toml::Boolean(*creatable)),
        ("updateable", Toml::Boolean(*updateable)),
        ("readable", Toml::Boolean(*readable)),
        ("returned-by-default", Toml::Boolean(*returned_by_default)),
        ("confidential", Toml::Boolean(*confidential)),
        ("large", Toml::Boolean(*large)),
        ("refers-to", texts(refers_to.iter().map(ClassName::as_str))),
    ]);
    let optional = [("title", title), ("native-name", native_name)];
    table.extend(optional.into_iter().filter_map(|(key, given)| Some((key.to_owned(), text(given.as_ref()?)))));
    table
}

/// An enum in its serde spelling.
fn word<T: serde::Serialize>(word: &T) -> Toml {
    Toml::try_from(word).unwrap_or_else(text)
}

fn option(option: &OptionDeclaration) -> Table {
    let OptionDeclaration { name, kind, label, help, group, required, multiple, default, allowed, min, max } = option;
    let kind = match kind {
        OptionKind::Text => "text",
        OptionKind::Integer => "integer",
        OptionKind::Real => "real",
        OptionKind::Boolean => "boolean",
    };
    let default = match default.as_slice() {
        [] => None,
        values if *multiple => Some(array(values.iter().map(value))),
        [only, ..] => Some(value(only)),
    };
    let optional = [
        ("group", group.as_ref().map(text)),
        ("default", default),
        ("min", min.as_ref().map(value)),
        ("max", max.as_ref().map(value)),
    ];
    let mut table = keys([
        ("name", text(name)),
        ("kind", text(kind)),
        ("label", text(label)),
        ("help", text(help)),
        ("required", Toml::Boolean(*required)),
        ("multiple", Toml::Boolean(*multiple)),
        ("allowed", array(allowed.iter().map(value))),
    ]);
    table.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    table
}

fn constraint(constraint: &Constraint) -> Table {
    match constraint {
        Constraint::RequiredTogether(names) => keys([("required-together", slots(names))]),
        Constraint::ExactlyOne(names) => keys([("exactly-one", slots(names))]),
        Constraint::DependsOn { option, needs } => {
            keys([("depends-on", keys([("option", text(option)), ("needs", text(needs))]).into())])
        }
    }
}

fn directory(directory: &DirectoryDeclaration) -> Table {
    let DirectoryDeclaration { name, label, help, access, credentials } = directory;
    keys([
        ("name", text(name)),
        ("label", text(label)),
        ("help", text(help)),
        ("access", text(access.as_str())),
        ("credentials", slots(credentials)),
    ])
}

fn secured_option(option: &SecuredDeclaration) -> Table {
    let SecuredDeclaration { name, kind, label, help, group, required, usage } = option;
    let mut table = keys([
        ("name", text(name)),
        ("kind", text(kind.as_str())),
        ("label", text(label)),
        ("help", text(help)),
        ("required", Toml::Boolean(*required)),
        ("use", text(usage.as_str())),
    ]);
    table.extend(group.as_ref().map(|group| ("group".to_owned(), text(group))));
    table
}

fn destination(destination: &DestinationDeclaration) -> Table {
    let DestinationDeclaration { name, label, help, protocol, address, credentials, sends, tokens } = destination;
    keys([
        ("name", text(name)),
        ("label", text(label)),
        ("help", text(help)),
        ("protocol", text(protocol.as_str())),
        ("address", text(address)),
        ("credentials", slots(credentials)),
        ("send", list(sends, send)),
        ("token", list(tokens, token)),
    ])
}

fn send(SendDeclaration { secret, placement, methods, path }: &SendDeclaration) -> Table {
    let methods = texts(methods.iter().map(MethodName::as_str));
    keys([("secret", text(secret)), ("placement", text(placement)), ("methods", methods), ("path", text(path))])
}

fn token(TokenDeclaration { secret, path }: &TokenDeclaration) -> Table {
    keys([("secret", text(secret)), ("path", text(path))])
}

fn reveal(RevealDeclaration { slot, reason }: &RevealDeclaration) -> Table {
    keys([("slot", text(slot)), ("reason", text(reason))])
}

fn connection_table(TableDeclaration { suffix, of, classes, attributes }: &TableDeclaration) -> Table {
    let mut table = keys([
        ("of", text(of.as_str())),
        ("classes", texts(classes.iter().map(|class| class.as_str()))),
        ("attributes", texts(attributes.iter().map(|attribute| attribute.as_str()))),
    ]);
    table.extend(suffix.as_ref().map(|suffix| ("suffix".to_owned(), text(suffix))));
    table
}

fn limits(Limits { memory_bytes, call, page }: &Limits) -> Table {
    let number = |number: u128| Toml::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let optional = [
        ("memory-mib", memory_bytes.map(|bytes| number((bytes / MIB).into()))),
        ("call-ms", call.map(|time| number(time.as_millis()))),
        ("page-ms", page.map(|time| number(time.as_millis()))),
    ];
    optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn value(value: &Value) -> Toml {
    match value {
        Value::Integer(integer) => Toml::Integer(*integer),
        Value::Real(real) => Toml::Float(*real),
        Value::Boolean(boolean) => Toml::Boolean(*boolean),
        Value::Text(held) => text(held),
        other => text(format!("{other:?}")),
    }
}

fn keys<const N: usize>(keys: [(&str, Toml); N]) -> Table {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn list<T>(items: &[T], table: fn(&T) -> Table) -> Toml {
    array(items.iter().map(|item| table(item).into()))
}

fn slots(names: &[OptionName]) -> Toml {
    texts(names.iter().map(OptionName::as_str))
}

fn texts<'a>(items: impl Iterator<Item = &'a str>) -> Toml {
    array(items.map(text))
}

fn array(items: impl Iterator<Item = Toml>) -> Toml {
    Toml::Array(items.collect())
}

#[allow(clippy::needless_pass_by_value, reason = "what is printed is a reference, mostly")]
fn text(text: impl ToString) -> Toml {
    Toml::String(text.to_string())
}
