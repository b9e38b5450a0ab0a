//! The schema: what the headers and the options say.

use crate::columns::{Column, Columns, ENABLED, Kind, MEMBERS, PASSWORD};
use crate::{Class, Csv};
use hawser_sdk::{AttributeInfo, ClassInfo, ClassKind, Result, Schema, Syntax};

impl Schema for Csv {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let mut classes = vec![self.accounts()?];
        if self.options.groups_file.is_some() {
            classes.push(self.groups()?);
        }
        Ok(classes)
    }
}

impl Csv {
    fn accounts(&self) -> Result<ClassInfo> {
        let (table, columns) = self.open_class(Class::Account)?;
        let mut class = attributes(ClassInfo::new(ClassKind::Account, Class::ACCOUNT, "Account"), &columns);
        if let Some(header) = columns.password.and_then(|column| table.headers.get(column)) {
            class = class.attribute(AttributeInfo::text(PASSWORD).title("Password").native_name(header).confidential());
        }
        Ok(class)
    }

    fn groups(&self) -> Result<ClassInfo> {
        let (_, columns) = self.open_class(Class::Group)?;
        let class = attributes(ClassInfo::new(ClassKind::Entitlement, Class::GROUP, "Group"), &columns);
        if !columns.has_members {
            return Ok(class);
        }
        let members = AttributeInfo::reference(MEMBERS, Class::ACCOUNT).title("Members");
        Ok(class.attribute(members.multi_valued().large().read_only()).grantable_to(Class::ACCOUNT))
    }
}

fn attributes(class: ClassInfo, columns: &Columns) -> ClassInfo {
    columns.columns.iter().map(|column| attribute(columns, column)).fold(class, ClassInfo::attribute)
}

/// Key and name are there to be set and mapped; since every row carries them as uid and name, they are read a second
/// time only when they are asked for.
fn attribute(columns: &Columns, column: &Column) -> AttributeInfo {
    let syntax = match column.kind {
        Kind::Text => Syntax::Text,
        Kind::Integer => Syntax::Integer,
        Kind::Boolean => Syntax::Boolean,
    };
    let info = AttributeInfo::new(&column.attribute, syntax).native_name(&column.header);
    let info = if column.attribute == ENABLED { info.title("Enabled") } else { info.title(&column.header) };
    let info = if column.separator.is_some() { info.multi_valued() } else { info };
    match column.index {
        index if index == columns.name => info.read_only().on_request(),
        index if index == columns.key => info.required().immutable().on_request(),
        _ => info,
    }
}
