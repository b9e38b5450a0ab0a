//! A schema as it may be used: names that can be names, each once, and no more of anything than people can look at.

use std::collections::BTreeSet;

use super::{identifier, unusable};
use crate::model::text::shown;
use crate::model::{AttributeInfo, AttributeName, ClassName, Result, Schema};
use crate::runtime::limits::{ATTRIBUTES_MAX, CLASSES_MAX, TITLE_BYTES_MAX};

/// Checks the names and makes the titles fit to be shown.
pub(in crate::runtime) fn schema(mut schema: Schema) -> Result<Schema> {
    at_most("classes", schema.0.len(), CLASSES_MAX)?;
    distinct("class", schema.0.iter().map(|class| class.name.as_str()))?;
    for class in &mut schema.0 {
        name::<ClassName>("class", &class.name)?;
        class.title = shown(&class.title, TITLE_BYTES_MAX);
        class.grantable_to.iter().try_for_each(|to| name::<ClassName>("class", to))?;
        attributes(&class.name, &mut class.attributes)?;
        attributes(&class.name, &mut class.parameters)?;
    }
    Ok(schema)
}

fn attributes(class: &str, attributes: &mut [AttributeInfo]) -> Result<()> {
    at_most("attributes", attributes.len(), ATTRIBUTES_MAX)?;
    distinct(&format!("attribute of {class}"), attributes.iter().map(|attribute| attribute.name.as_str()))?;
    for attribute in attributes {
        name::<AttributeName>("attribute", &attribute.name)?;
        attribute.refers_to.iter().try_for_each(|to| name::<ClassName>("class", to))?;
        attribute.title = shown(&attribute.title, TITLE_BYTES_MAX);
        attribute.native_name = shown(&attribute.native_name, TITLE_BYTES_MAX);
    }
    Ok(())
}

fn name<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<()> {
    if let Some(why) = identifier(&format!("{what} name"), text) {
        return Err(unusable(&format!("of a {what} of its schema {why}")));
    }
    text.parse::<T>().map(drop).map_err(|why| unusable(&why.to_string()))
}

fn at_most(what: &str, count: usize, max: usize) -> Result<()> {
    if count <= max { Ok(()) } else { Err(unusable(&format!("its schema has {count} {what}; {max} are taken"))) }
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(unusable(&format!("its schema has the {what} {:?} twice", shown(name, TITLE_BYTES_MAX))));
        }
    }
    Ok(())
}
