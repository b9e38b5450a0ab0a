//! Manifests of every shape: what is valid is read as it was meant, and what is not is refused by name and without harm.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::*;
use crate::model::{ClassKind, ClassName, CredentialUse, DestinationName, Matching, Protocol, Syntax, Value, fuzz};
use crate::registry::fuzz::manifest as door;

/// What stands in a line: nothing that acts on a terminal.
const CHARACTER: &str = "[^\\p{Cc}\\x{2028}-\\x{202e}\\x{2066}-\\x{2069}]";

/// A line for people.
fn title() -> impl Strategy<Value = String> {
    (prop::char::range('!', '~'), word(0..=20)).prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn word(length: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    prop::string::string_regex(&format!("{CHARACTER}{{{},{}}}", length.start(), length.end())).unwrap()
}

/// Running text.
fn help() -> impl Strategy<Value = String> {
    let part = prop_oneof![9 => word(1..=1).boxed(), 1 => Just("\n".to_owned()).boxed()];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

/// A few names, distinct by their endings.
fn names(ending: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-z][a-z0-9]{0,6}", 0..4)
        .prop_map(move |names| names.into_iter().map(|name| format!("{name}-{ending}")).collect())
}

fn value(kind: OptionKind) -> BoxedStrategy<Value> {
    match kind {
        OptionKind::Text => "[^\u{0}]{0,10}".prop_map(Value::Text).boxed(),
        OptionKind::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        OptionKind::Real => any::<f64>().prop_filter("finite", |real| real.is_finite()).prop_map(Value::Real).boxed(),
        OptionKind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
    }
}

fn option(name: String) -> impl Strategy<Value = OptionDeclaration> {
    let kinds = vec![OptionKind::Text, OptionKind::Integer, OptionKind::Real, OptionKind::Boolean];
    select(kinds).prop_flat_map(move |kind| {
        let name = name.clone();
        let allowed = prop::collection::vec(value(kind), 0..4);
        let texts = (title(), help(), prop::option::of(title()));
        let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
        (texts, flags, allowed, value(kind)).prop_map(
            move |((label, help, group), (required, multiple, bounded, limited), allowed, other)| {
                let mut given = if allowed.is_empty() { vec![other] } else { allowed.clone() };
                given.truncate(if required {
                    0
                } else if multiple {
                    3
                } else {
                    1
                });
                let all: Vec<&Value> = given.iter().chain(&allowed).collect();
                // Bounds that hold what is inside of them.
                let bound = |greatest| all.iter().copied().reduce(|a, b| if less(a, b) == greatest { b } else { a });
                let (min, max) = if bounded && kind.is_ordered() { (bound(false), bound(true)) } else { (None, None) };
                OptionDeclaration {
                    name: name.parse().unwrap(),
                    kind,
                    label,
                    help,
                    group,
                    required,
                    multiple,
                    min: min.cloned(),
                    max: max.cloned(),
                    allowed: if limited { allowed } else { Vec::new() },
                    default: given,
                }
            },
        )
    })
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a < b,
        (Value::Real(a), Value::Real(b)) => a < b,
        _ => false,
    }
}

fn options() -> impl Strategy<Value = Vec<OptionDeclaration>> {
    names("option").prop_flat_map(|names| names.into_iter().map(option).collect::<Vec<_>>())
}

fn constraints(names: &[OptionName]) -> BoxedStrategy<Vec<Constraint>> {
    if names.len() < 2 {
        return Just(Vec::new()).boxed();
    }
    let some = subsequence(names.to_vec(), 2..=names.len());
    let constraint = (some, 0..3).prop_map(|(names, which)| match (which, names.as_slice()) {
        (0, [option, needs, ..]) => Constraint::DependsOn { option: option.clone(), needs: needs.clone() },
        (1, _) => Constraint::ExactlyOne(names),
        _ => Constraint::RequiredTogether(names),
    });
    prop::collection::vec(constraint, 0..3).boxed()
}

fn secured() -> impl Strategy<Value = Vec<SecuredDeclaration>> {
    let one = |name: String| {
        let texts = (title(), help(), prop::option::of(title()));
        (texts, any::<bool>(), any::<bool>(), select(CredentialUse::ALL)).prop_map(
            move |((label, help, group), map, required, usage)| {
                let kind = if map { SecuredKind::Map } else { SecuredKind::Field };
                SecuredDeclaration { name: name.parse().unwrap(), kind, label, help, group, required, usage }
            },
        )
    };
    names("secret").prop_flat_map(move |names| names.into_iter().map(one).collect::<Vec<_>>())
}

/// The secured options that are not written into requests.
fn unsent(secured: &[SecuredDeclaration]) -> Vec<OptionName> {
    let unsent = secured.iter().filter(|option| !matches!(option.usage, CredentialUse::Send | CredentialUse::Token));
    unsent.map(|option| option.name.clone()).collect()
}

fn directories(slots: Vec<OptionName>) -> impl Strategy<Value = Vec<DirectoryDeclaration>> {
    let one = move |name: String| {
        let accesses = vec![Access::ReadOnly, Access::ReadWrite];
        (title(), help(), select(accesses), subsequence(slots.clone(), 0..=slots.len())).prop_map(
            move |(label, help, access, credentials)| {
                let name: DirectoryName = name.parse().unwrap();
                DirectoryDeclaration { name, label, help, access, credentials }
            },
        )
    };
    names("folder").prop_flat_map(move |names| names.into_iter().map(&one).collect::<Vec<_>>())
}

/// Secrets that are written into requests, each to another path.
fn sends(slots: Vec<SecuredDeclaration>) -> impl Strategy<Value = Vec<SendDeclaration>> {
    let fit = slots.into_iter().filter(|slot| matches!(slot.usage, CredentialUse::Send | CredentialUse::Token));
    let mut secrets: Vec<String> = fit.map(|slot| slot.name.to_string()).collect();
    secrets.extend(["new-password".to_owned(), "urn:x:a@b%".to_owned()]);
    let placements =
        vec!["bearer", "basic", "header:x-key", "query:a:b", "form:pass word", "json:/urn:x:User/password"];
    let methods = subsequence(vec!["GET", "PATCH", "PUT"], 1..=3);
    let one = (select(secrets), select(placements), methods, "[a-z:@]{1,5}");
    prop::collection::vec(one, 0..4).prop_map(|sends| {
        let send =
            |(at, (secret, placement, methods, path)): (usize, (String, &str, Vec<&str>, String))| SendDeclaration {
                secret: secret.parse().unwrap(),
                placement: placement.parse().unwrap(),
                methods: methods.into_iter().map(|method| method.parse().unwrap()).collect(),
                path: format!("/{at}/{path}"),
            };
        sends.into_iter().enumerate().map(send).collect()
    })
}

fn destinations(
    secured: &[SecuredDeclaration],
    options: &[OptionDeclaration],
) -> impl Strategy<Value = Vec<DestinationDeclaration>> + use<> {
    let hosts = options.iter().filter(|it| !it.multiple && matches!(it.kind, OptionKind::Text | OptionKind::Integer));
    let mut hosts: Vec<String> = hosts.map(|option| format!("{{{}}}", option.name)).collect();
    hosts.extend(["a.example".to_owned(), "[::1]".to_owned()]);
    let (sent, slots) = (secured.to_vec(), unsent(secured));
    let of_tokens = secured.iter().filter(|option| option.usage == CredentialUse::Token);
    let clients: Vec<OptionName> = of_tokens.map(|option| option.name.clone()).collect();
    let one = move |name: String| {
        let protocols = Protocol::ALL.to_vec();
        let parts = (select(hosts.clone()), any::<u16>(), select(protocols));
        let secrets = (subsequence(slots.clone(), 0..=slots.len()), sends(sent.clone()));
        let (name, clients) = (name, clients.clone());
        (title(), help(), parts, secrets).prop_map(
            move |(label, help, (host, port, protocol), (credentials, sends))| {
                let name: DestinationName = name.parse().unwrap();
                let is_web = matches!(protocol, Protocol::Http | Protocol::Https);
                let tokens =
                    clients.iter().map(|secret| TokenDeclaration { secret: secret.clone(), path: "/token".to_owned() });
                DestinationDeclaration {
                    name,
                    label,
                    help,
                    protocol,
                    address: format!("{host}:{port}"),
                    credentials,
                    sends: if is_web { sends } else { Vec::new() },
                    tokens: if is_web { tokens.collect() } else { Vec::new() },
                }
            },
        )
    };
    names("place").prop_flat_map(move |names| names.into_iter().map(&one).collect::<Vec<_>>())
}

fn classes() -> impl Strategy<Value = Vec<ClassDeclaration>> {
    let kinds = vec![ClassKind::Account, ClassKind::Entitlement, ClassKind::Container, ClassKind::Other];
    let attributes = || prop::collection::btree_map("[a-z]{1,8}", attribute(), 0..3);
    let class = (title(), select(kinds), matching(), matching(), any::<bool>(), attributes(), attributes());
    prop::collection::btree_map(word(1..=12), class, 0..3).prop_map(|classes| {
        let names: Vec<ClassName> = classes.keys().map(|name| name.parse().unwrap()).collect();
        let one = |(name, (title, kind, uid_matching, name_matching, granted, attributes, parameters)): (String, _)| {
            ClassDeclaration {
                name: name.parse().unwrap(),
                title,
                kind,
                uid_matching,
                name_matching,
                grantable_to: if granted { names.clone() } else { Vec::new() },
                attributes: named(attributes),
                parameters: named(parameters),
            }
        };
        classes.into_iter().map(one).collect()
    })
}

fn named(attributes: std::collections::BTreeMap<String, AttributeDeclaration>) -> Vec<AttributeDeclaration> {
    let named = |(name, attribute): (String, _)| AttributeDeclaration { name: name.parse().unwrap(), ..attribute };
    attributes.into_iter().map(named).collect()
}

fn attribute() -> impl Strategy<Value = AttributeDeclaration> {
    let syntaxes = vec![Syntax::Text, Syntax::Integer, Syntax::Date, Syntax::Reference, Syntax::Complex];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let titles = (prop::option::of(title()), prop::option::of(title()));
    (titles, select(syntaxes), matching(), flags, any::<bool>()).prop_map(
        |(
            (title, native_name),
            syntax,
            matching,
            (required, multi_valued, creatable, updateable, readable, returned),
            large,
        )| {
            AttributeDeclaration {
                name: "x".parse().unwrap(),
                title,
                native_name,
                syntax,
                matching,
                required,
                multi_valued,
                creatable,
                updateable,
                readable,
                returned_by_default: returned,
                confidential: !readable,
                large,
                refers_to: Vec::new(),
            }
        },
    )
}

fn matching() -> impl Strategy<Value = Matching> {
    select(vec![Matching::Exact, Matching::CaseIgnore, Matching::Dn])
}

fn reveals() -> impl Strategy<Value = Vec<RevealDeclaration>> {
    prop::collection::btree_map(word(1..=12), title(), 0..3).prop_map(|reveals| {
        let one = |(slot, reason): (String, _)| RevealDeclaration { slot: slot.parse().unwrap(), reason };
        reveals.into_iter().map(one).collect()
    })
}

fn tables() -> impl Strategy<Value = Vec<TableDeclaration>> {
    let names = || prop::collection::btree_set("[a-zA-Zé ]{1,8}", 0..3);
    let one = (select(vec![TableOf::Objects, TableOf::Links]), names(), names(), any::<bool>());
    prop::collection::btree_map("[a-zA-Z][a-z0-9._-]{0,8}", one, 0..4).prop_map(|tables| {
        let mut seen = BTreeSet::new();
        let fresh =
            tables.into_iter().filter(|(suffix, _)| seen.insert(suffix.to_ascii_lowercase())).collect::<Vec<_>>();
        fresh
            .into_iter()
            .map(|(suffix, (of, classes, attributes, class))| table(&suffix, of, &classes, attributes, class))
            .collect()
    })
}

fn table(
    suffix: &str,
    of: TableOf,
    classes: &BTreeSet<String>,
    attributes: BTreeSet<String>,
    class: bool,
) -> TableDeclaration {
    let attribute = if of == TableOf::Links { "{attribute}" } else { "" };
    let class = if class { "{class}" } else { "" };
    let attributes = if of == TableOf::Links { attributes } else { Default::default() };
    TableDeclaration {
        suffix: Some(format!("{suffix}{class}{attribute}")),
        of,
        classes: classes.iter().map(|name| name.parse().unwrap()).collect(),
        attributes: attributes.iter().map(|name| name.parse().unwrap()).collect(),
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    let time = || prop::option::of((1..=3_600_000u64).prop_map(Duration::from_millis));
    let memory = prop::option::of((1..=4096u64).prop_map(|mib| mib * 1024 * 1024));
    (memory, time(), time()).prop_map(|(memory_bytes, call, page)| Limits { memory_bytes, call, page })
}

fn version() -> impl Strategy<Value = semver::Version> {
    ("(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-[a-z]{1,5}(\\.[1-9])?)?(\\+[a-z0-9]{1,5})?")
        .prop_map(|text| text.parse().unwrap())
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let head = ("[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", "[a-z][a-z0-9]{0,8}", version(), title(), help());
    let exports = subsequence(Export::ALL, 1..=Export::ALL.len());
    let plain = [Import::Call, Import::Log, Import::Options, Import::Cache];
    let imports = subsequence(plain.to_vec(), 0..=plain.len());
    let places = (options(), secured()).prop_flat_map(|(options, secured)| {
        let names = options.iter().map(|option| option.name.clone()).collect::<Vec<_>>();
        let places = (directories(unsent(&secured)), destinations(&secured, &options));
        (Just(options), Just(secured), constraints(&names), places)
    });
    (head, exports, imports, places, classes(), reveals(), tables(), limits()).prop_map(
        |(head, exports, imports, (options, secured, constraints, places), classes, reveals, tables, limits)| {
            let (publisher, name, version, title, summary) = head;
            let (directories, destinations) = places;
            let mut manifest = Manifest {
                connector: format!("{publisher}/{name}").parse().unwrap(),
                version,
                wit: WitVersion::V0_1,
                title,
                summary,
                exports: exports.into_iter().collect(),
                imports: imports.into_iter().collect(),
                classes,
                options,
                constraints,
                directories,
                secured,
                destinations,
                reveals,
                tables,
                limits,
            };
            let handed = [Export::Provision, Export::Passwords].iter().any(|one| manifest.exports.contains(one));
            let directory = |it: &DestinationDeclaration| matches!(it.protocol, Protocol::Ldap | Protocol::Ldaps);
            let needed = [
                (Import::Ldap, manifest.destinations.iter().any(directory)),
                (Import::Http, manifest.destinations.iter().any(|it| !directory(it))),
                (Import::Files, !manifest.directories.is_empty()),
                (Import::Reveal, !manifest.reveals.is_empty()),
                (Import::Credentials, handed || !manifest.secured.is_empty() || !manifest.reveals.is_empty()),
            ];
            if manifest.exports.contains(&Export::Schema) {
                manifest.classes.iter_mut().for_each(without_attributes);
            }
            manifest.imports.extend(needed.into_iter().filter(|(_, needed)| *needed).map(|(import, _)| import));
            manifest
        },
    )
}

/// A schema has them.
fn without_attributes(class: &mut ClassDeclaration) {
    class.attributes.clear();
    class.parameters.clear();
}

fn table_count(value: &toml::Value) -> usize {
    match value {
        toml::Value::Table(table) => 1 + table.iter().map(|(_, inner)| table_count(inner)).sum::<usize>(),
        toml::Value::Array(list) => list.iter().map(table_count).sum(),
        _ => 0,
    }
}

/// The table before which there are `at` others.
fn table_at<'a>(value: &'a mut toml::Value, at: &mut usize) -> Option<&'a mut toml::Table> {
    match value {
        toml::Value::Table(table) => {
            if *at == 0 {
                return Some(table);
            }
            *at -= 1;
            table.iter_mut().find_map(|(_, inner)| table_at(inner, at))
        }
        toml::Value::Array(list) => list.iter_mut().find_map(|inner| table_at(inner, at)),
        _ => None,
    }
}

/// What may come instead of a piece of a manifest.
const PIECES: [&str; 10] =
    ["\"", "'''", "[[option]]", "\n", "=", "\u{1b}", "\u{202e}", "9999999999999999999", "1e999", "{"];

/// A manifest of which pieces were replaced by others.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    let edits = prop::collection::vec((any::<Index>(), 0..6usize, piece), 1..4);
    (manifest(), edits).prop_map(|(manifest, edits)| {
        let mut text = print(&manifest).into_bytes();
        for (at, length, piece) in edits {
            let start = at.index(text.len());
            let end = text.len().min(start + length);
            text.splice(start..end, piece);
        }
        text
    })
}

/// With the first one a second time, if there is one.
fn doubled<T: Clone>(items: &[T]) -> Vec<T> {
    items.iter().chain(items.first()).cloned().collect()
}

proptest! {
    #[test]
    fn a_valid_manifest_is_read_as_it_was_written(manifest in manifest()) {
        let text = print(&manifest);
        prop_assert_eq!(Manifest::parse(&text), Ok(manifest), "{}", text);
        door(text.as_bytes());
    }

    #[test]
    fn a_mutated_manifest_is_still_one_or_refused_without_harm(text in mutated()) {
        door(&text);
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_wherever_it_stands(
        manifest in manifest(), at in any::<Index>(), key in "[a-z][a-z-]{0,20}-unknown"
    ) {
        let mut document: toml::Value = toml::from_str(&print(&manifest)).unwrap();
        let mut at = at.index(table_count(&document));
        table_at(&mut document, &mut at).unwrap().insert(key.clone(), true.into());
        let error = Manifest::parse(&toml::to_string(&document).unwrap()).unwrap_err().to_string();
        fuzz::readable(&error);
        prop_assert!(error.contains(&format!("unknown field `{key}`")), "{}", error);
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused(manifest in manifest()) {
        for twice in [
            Manifest { options: doubled(&manifest.options), ..manifest.clone() },
            Manifest { directories: doubled(&manifest.directories), ..manifest.clone() },
            Manifest { classes: doubled(&manifest.classes), ..manifest.clone() },
            Manifest { secured: doubled(&manifest.secured), ..manifest.clone() },
            Manifest { destinations: doubled(&manifest.destinations), ..manifest.clone() },
            Manifest { reveals: doubled(&manifest.reveals), ..manifest.clone() },
            Manifest { tables: doubled(&manifest.tables), ..manifest.clone() },
        ] {
            prop_assert_eq!(Manifest::parse(&print(&twice)).is_ok(), twice == manifest);
        }
    }
}
