//! From what a service publishes to the classes of a connection.

use crate::documents::{self, AttributeDocument, ResourceTypeDocument, SchemaDocument};
use crate::model::{
    ACCOUNT, Attribute, Class, ENABLED, GROUP, Kind, MEMBERS, Mutability, PASSWORD, Path, Returned, Syntax,
};
use crate::options::Options;
use crate::url;
use hawser_sdk::{Error, Result};

/// What every resource has besides its schemas (RFC 7643, 3.1).
const COMMON: [&str; 4] = ["id", "schemas", "meta", "externalId"];
/// Attributes that name a resource whose class has no option for it.
const NAMES: [&str; 3] = ["displayName", "userName", "name"];
/// A reference as a URL, which is said better by its `value`.
pub(crate) const REF: &str = "$ref";

/// Builds the classes.
///
/// # Errors
/// A resource type without its schema, a chosen one that is not there, a name that is no attribute.
pub(crate) fn build(
    types: &[ResourceTypeDocument],
    schemas: &[SchemaDocument],
    options: &Options,
) -> Result<Vec<Class>> {
    for chosen in &options.resource_types {
        if !types.iter().any(|kind| kind.name.eq_ignore_ascii_case(chosen)) {
            let names: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
            let message = format!(
                "the service has no resource type `{chosen}`; correct `resource-types`: it has {}",
                names.join(", ")
            );
            return Err(Error::configuration(message));
        }
    }
    let chosen = |kind: &&ResourceTypeDocument| {
        let named = &options.resource_types;
        named.is_empty() || named.iter().any(|name| name.eq_ignore_ascii_case(&kind.name))
    };
    let types: Vec<&ResourceTypeDocument> = types.iter().filter(chosen).collect();
    let builder = Builder { schemas, options, names: names(&types) };
    types.iter().zip(&builder.names).map(|(kind, (name, _))| builder.class(kind, name)).collect()
}

/// The class of each resource type, in their order, and the type's own name.
fn names(types: &[&ResourceTypeDocument]) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = Vec::new();
    for kind in types {
        let own = match kind_of(kind) {
            Kind::Account => ACCOUNT,
            Kind::Group => GROUP,
            Kind::Other => kind.name.as_str(),
        };
        let taken = names.iter().any(|(name, _)| name == own);
        let name = if taken { kind.name.as_str() } else { own };
        names.push((name.to_owned(), kind.name.clone()));
    }
    names
}

fn kind_of(kind: &ResourceTypeDocument) -> Kind {
    match kind.schema.as_str() {
        schema if schema.eq_ignore_ascii_case(documents::USER) => Kind::Account,
        schema if schema.eq_ignore_ascii_case(documents::GROUP) => Kind::Group,
        _ => Kind::Other,
    }
}

struct Builder<'a> {
    schemas: &'a [SchemaDocument],
    options: &'a Options,
    /// Classes and the resource types they are.
    names: Vec<(String, String)>,
}

impl Builder<'_> {
    fn class(&self, document: &ResourceTypeDocument, name: &str) -> Result<Class> {
        let kind = kind_of(document);
        let mut attributes = common();
        attributes.extend(self.attributes(&document.schema, None, kind)?);
        for extension in &document.schema_extensions {
            // An extension that is named and not described has nothing to read.
            attributes.extend(self.attributes(&extension.schema, Some(&extension.schema), kind).unwrap_or_default());
        }
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        attributes.dedup_by(|a, b| a.name == b.name);
        let named_by = self.named_by(kind, &attributes)?;
        Ok(Class {
            name: name.to_owned(),
            kind,
            resource_type: document.name.clone(),
            endpoint: url::endpoint(&document.endpoint, self.options.base()),
            schema: document.schema.clone(),
            extensions: document.schema_extensions.iter().map(|it| (it.schema.clone(), it.required)).collect(),
            named_by,
            attributes,
        })
    }

    fn attributes(&self, schema: &str, extension: Option<&str>, kind: Kind) -> Result<Vec<Attribute>> {
        let found = self.schemas.iter().find(|it| it.id.eq_ignore_ascii_case(schema));
        let found = found.ok_or_else(|| {
            Error::configuration(format!("the service does not describe the schema {schema} of its own resource type"))
        })?;
        let all =
            found.attributes.iter().filter(|it| !COMMON.iter().any(|common| it.name.eq_ignore_ascii_case(common)));
        Ok(all.flat_map(|document| self.flat(document, extension, kind)).collect())
    }

    /// One attribute, or one for each of its parts.
    fn flat(&self, document: &AttributeDocument, extension: Option<&str>, kind: Kind) -> Vec<Attribute> {
        if !document.is_a("complex") {
            return vec![attribute(document, extension, None, kind)];
        }
        let refers_to = self.refers_to(document, extension, kind);
        if document.multi_valued {
            let syntax = if refers_to.is_some() { Syntax::Reference } else { Syntax::Complex };
            let parts = document.sub_attributes.iter().filter(|sub| is_part(sub));
            let adds = parts.clone().filter(|sub| sub.is_mutable("readOnly")).map(|sub| sub.name.clone()).collect();
            let parts = parts.map(|sub| (sub.name.clone(), syntax_of(sub))).collect();
            let demands = if refers_to.is_some() { demands(document) } else { Vec::new() };
            let refers_to = refers_to.unwrap_or_default();
            return vec![Attribute {
                syntax,
                parts,
                adds,
                refers_to,
                demands,
                ..attribute(document, extension, None, kind)
            }];
        }
        let part = |sub: &AttributeDocument| {
            let own = attribute(sub, extension, Some(document), kind);
            match &refers_to {
                Some(classes) if sub.name.eq_ignore_ascii_case("value") => {
                    Attribute { syntax: Syntax::Reference, refers_to: classes.clone(), ..own }
                }
                _ => own,
            }
        };
        document.sub_attributes.iter().filter(|sub| is_part(sub)).map(part).collect()
    }

    /// The classes a complex attribute points to, if it does.
    fn refers_to(&self, document: &AttributeDocument, extension: Option<&str>, kind: Kind) -> Option<Vec<String>> {
        let own = extension.is_none();
        let known: Option<&[&str]> = match (kind, document.name.as_str()) {
            (Kind::Group, MEMBERS) if own => Some(&[ACCOUNT, GROUP]),
            (Kind::Account, "groups") if own => Some(&[GROUP]),
            _ => None,
        };
        let declared = document.sub(REF).or_else(|| document.sub("ref")).map(|sub| &sub.reference_types);
        let is_declared =
            |kind: &String| declared.is_some_and(|types| types.iter().any(|it| it.eq_ignore_ascii_case(kind)));
        let named = self
            .names
            .iter()
            .filter(|(class, kind)| is_declared(kind) || known.is_some_and(|known| known.contains(&class.as_str())));
        let classes: Vec<String> = named.map(|(class, _)| class.clone()).collect();
        (known.is_some() || (!classes.is_empty() && document.sub("value").is_some())).then_some(classes)
    }

    fn named_by(&self, kind: Kind, attributes: &[Attribute]) -> Result<Option<String>> {
        let find = |name: &str| {
            let simple = |it: &&Attribute| !it.multi && it.syntax == Syntax::Text && it.is_readable();
            attributes.iter().filter(simple).find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.name.clone())
        };
        let (option, chosen) = match kind {
            Kind::Account => ("account-name", &self.options.account_name),
            Kind::Group => ("group-name", &self.options.group_name),
            Kind::Other => return Ok(NAMES.into_iter().find_map(find)),
        };
        let unfit = || {
            let message =
                format!("`{chosen}` cannot be the name of a resource here; set `{option}` to a text with one value");
            Error::configuration(message)
        };
        find(chosen).map(Some).ok_or_else(unfit)
    }
}

/// Attributes that no schema lists.
fn common() -> Vec<Attribute> {
    let of = |attribute: &str, sub: Option<&str>, syntax, mutability| Attribute {
        name: sub.map_or_else(|| attribute.to_owned(), |sub| format!("{attribute}:{sub}")),
        path: Path { extension: None, attribute: attribute.to_owned(), sub: sub.map(str::to_owned) },
        syntax,
        multi: false,
        required: false,
        case_exact: true,
        mutability,
        returned: Returned::ByDefault,
        parts: Vec::new(),
        adds: Vec::new(),
        refers_to: Vec::new(),
        demands: Vec::new(),
    };
    vec![
        of("externalId", None, Syntax::Text, Mutability::ReadWrite),
        of("meta", Some("created"), Syntax::Instant, Mutability::ReadOnly),
        of("meta", Some("lastModified"), Syntax::Instant, Mutability::ReadOnly),
    ]
}

fn is_part(sub: &AttributeDocument) -> bool {
    !sub.is_a("complex") && !sub.name.eq_ignore_ascii_case(REF) && !sub.name.eq_ignore_ascii_case("ref")
}

/// What has to stand beside the value of a reference.
fn demands(document: &AttributeDocument) -> Vec<String> {
    let required = document.sub_attributes.iter().filter(|sub| sub.required && !sub.is_mutable("readOnly"));
    required.map(|sub| sub.name.clone()).filter(|name| [REF, "type"].contains(&name.as_str())).collect()
}

fn attribute(
    document: &AttributeDocument,
    extension: Option<&str>,
    of: Option<&AttributeDocument>,
    kind: Kind,
) -> Attribute {
    let path = Path {
        extension: extension.map(str::to_owned),
        attribute: of.unwrap_or(document).name.clone(),
        sub: of.map(|_| document.name.clone()),
    };
    let name = contract_name(&path, document, kind);
    let is_any = |test: fn(&AttributeDocument) -> bool| test(document) || of.is_some_and(test);
    let mutability = if is_any(|it| it.is_mutable("readOnly")) {
        Mutability::ReadOnly
    } else if is_any(|it| it.is_mutable("immutable")) {
        Mutability::Immutable
    } else {
        Mutability::ReadWrite
    };
    let returned = if is_any(|it| it.is_returned("never") || it.is_mutable("writeOnly")) {
        Returned::Never
    } else if is_any(|it| it.is_returned("request")) {
        Returned::OnRequest
    } else {
        Returned::ByDefault
    };
    Attribute {
        name,
        path,
        syntax: syntax_of(document),
        multi: document.multi_valued,
        required: document.required && of.is_none_or(|of| of.required),
        case_exact: document.case_exact,
        mutability,
        returned,
        parts: Vec::new(),
        adds: Vec::new(),
        refers_to: Vec::new(),
        demands: Vec::new(),
    }
}

/// The name in the contract: its own words for what it knows, the path of the standard with colons for the rest.
fn contract_name(path: &Path, document: &AttributeDocument, kind: Kind) -> String {
    let own = path.extension.is_none() && path.sub.is_none();
    if own && kind == Kind::Account && document.name.eq_ignore_ascii_case("active") && document.is_a("boolean") {
        return ENABLED.to_owned();
    }
    if own && document.name.eq_ignore_ascii_case(PASSWORD) {
        return PASSWORD.to_owned();
    }
    let parts = [path.extension.as_deref(), Some(path.attribute.as_str()), path.sub.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(":")
}

fn syntax_of(document: &AttributeDocument) -> Syntax {
    let kinds = [
        ("boolean", Syntax::Boolean),
        ("integer", Syntax::Integer),
        ("decimal", Syntax::Real),
        ("dateTime", Syntax::Instant),
        ("binary", Syntax::Binary),
        ("reference", Syntax::Uri),
    ];
    kinds.into_iter().find(|(kind, _)| document.is_a(kind)).map_or(Syntax::Text, |(_, syntax)| syntax)
}

#[cfg(test)]
pub(crate) mod tests;
