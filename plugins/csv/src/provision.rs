//! Creating, updating and deleting rows.
//!
//! The key is the uid and never changes; the name is unique, because people authenticate with it. Deleting an object
//! deletes its memberships first, so that a failure in between leaves nothing that a later object of the same key
//! would inherit.

use crate::columns::{Column, Columns, PASSWORD, writable};
use crate::lookup::{Found, revision};
use crate::splice::{Splice, apply};
use crate::table::Table;
use crate::{Class, Csv};
use hawser_sdk::{
    AttributeChange, Change, Draft, Effect, Error, ObjectRef, Outcome, Provision, Result, Secret, Update, Value,
    Written,
};

impl Provision for Csv {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        let (table, columns) = self.open_class(Class::parse(&draft.class)?)?;
        refuse_container(draft.container.as_ref())?;
        if let Some(auxiliary) = draft.auxiliary.first() {
            return Err(Error::schema_violation(format!("there is no auxiliary class `{auxiliary}`")));
        }
        let mut row = Row::new(self, &table, &columns, Found::empty(&table))?;
        row.rename(&draft.name)?;
        for attribute in &draft.attributes {
            row.set(&attribute.name, &attribute.values)?;
        }
        row.place(&draft.secrets)?;
        row.refuse_existing()?;
        apply(&table, &[Splice::append(&table, &row.found.cells)?])?;
        Ok(row.written().into())
    }

    fn update(&self, update: Update) -> Result<Outcome> {
        let (table, columns) = self.open_class(Class::parse(&update.object.class)?)?;
        refuse_container(update.container.as_ref())?;
        let found = Found::by_uid(&table, &columns, &update.object.uid)?;
        refuse_other_revision(&found, update.revision.as_deref())?;
        let before = found.cells.clone();
        let mut row = Row::new(self, &table, &columns, found)?;
        if let Some(name) = &update.name {
            row.rename_to_free(name)?;
        }
        for change in &update.changes {
            row.change(change)?;
        }
        row.place(&update.secrets)?;
        if row.found.cells != before {
            apply(&table, &[Splice::replace(&table, row.found.position, &row.found.cells)?])?;
        }
        Ok(row.written().into())
    }

    fn delete(&self, object: &ObjectRef, revision: Option<&str>) -> Result<Outcome> {
        let class = Class::parse(&object.class)?;
        let (table, columns) = self.open_class(class)?;
        let found = Found::by_uid(&table, &columns, &object.uid)?;
        refuse_other_revision(&found, revision)?;
        let removed = self.remove_memberships(class, &object.uid)?;
        let effect = if removed { Effect::Some } else { Effect::None };
        apply(&table, &[Splice::remove(found.position)]).map_err(|error| error.with_effect(effect))?;
        Ok(Written::new(found.cell(columns.key), found.cell(columns.name)).into())
    }
}

/// A row that is being written.
struct Row<'a> {
    csv: &'a Csv,
    table: &'a Table,
    columns: &'a Columns,
    found: Found,
    /// A row of the file, for how booleans are spelt in it.
    like: Found,
}

impl<'a> Row<'a> {
    fn new(csv: &'a Csv, table: &'a Table, columns: &'a Columns, found: Found) -> Result<Self> {
        let like = if found.is_empty() { Found::any(table)?.unwrap_or_else(|| found.clone()) } else { found.clone() };
        Ok(Self { csv, table, columns, found, like })
    }

    fn rename(&mut self, name: &str) -> Result<()> {
        let column = self.named(self.columns.name).ok_or_else(|| self.columns.unknown("@name", self.table))?;
        let text = column.text(&[Value::from(name)], "", self.csv.options.formulas)?;
        if text.is_empty() {
            return Err(Error::invalid_attribute_value("the name is empty").attribute("@name"));
        }
        self.found.set(self.columns.name, text);
        Ok(())
    }

    fn rename_to_free(&mut self, name: &str) -> Result<()> {
        if name == self.found.cell(self.columns.name) {
            return Ok(());
        }
        if self.columns.name == self.columns.key {
            let message =
                format!("`{}` is the key and never changes; name a column for names", self.header(self.columns.key));
            return Err(Error::invalid_attribute_value(message).attribute("@name"));
        }
        self.rename(name)?;
        self.refuse(self.columns.name, "name")
    }

    /// Replaces all values of an attribute; the key only while it has none.
    fn set(&mut self, attribute: &str, values: &[Value]) -> Result<()> {
        let column = self.writable(attribute)?;
        let text = column.text(values, self.like.cell(column.index), self.csv.options.formulas)?;
        if column.index == self.columns.key && text != self.found.cell(column.index) {
            if !self.found.cell(column.index).is_empty() {
                let message = format!("`{}` is the key and never changes", column.header);
                return Err(Error::invalid_attribute_value(message).attribute(attribute));
            }
            writable(&text, self.csv.options.formulas).map_err(Error::invalid_attribute_value)?;
        }
        self.found.set(column.index, text);
        Ok(())
    }

    fn change(&mut self, change: &AttributeChange) -> Result<()> {
        let edit = match &change.change {
            Change::Replace(values) => return self.set(&change.name, values),
            Change::Edit(edit) => edit,
        };
        let column = self.writable(&change.name)?;
        let held = column.values(self.found.cell(column.index)).map_err(|why| {
            Error::invalid_attribute_value(format!("the row {why}; replace the value")).attribute(change.name.as_str())
        })?;
        // What is removed and added again stays where it is, so that a change made twice is made once.
        let stays = |value: &Value| !edit.remove.contains(value) || edit.add.contains(value);
        let mut values: Vec<Value> = held.into_iter().filter(stays).collect();
        for value in &edit.add {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        self.set(&change.name, &values)
    }

    fn place(&mut self, secrets: &[Secret]) -> Result<()> {
        for secret in secrets {
            let column = self.columns.password.filter(|_| secret.name == PASSWORD).ok_or_else(|| {
                let message =
                    format!("there is no place for the secret `{}`; set the option `password-column`", secret.name);
                Error::schema_violation(message).attribute(secret.name.as_str())
            })?;
            self.found.set(column, secret.password.hash()?);
        }
        Ok(())
    }

    fn refuse_existing(&self) -> Result<()> {
        let key = self.header(self.columns.key);
        if self.found.cell(self.columns.key).is_empty() {
            let message = format!("the key column `{key}` needs a value; files do not number their rows themselves");
            return Err(Error::invalid_attribute_value(message).attribute(key));
        }
        self.refuse(self.columns.key, "key")?;
        self.refuse(self.columns.name, "name")
    }

    /// Refuses the text of a column if a row has it already.
    fn refuse(&self, column: usize, what: &str) -> Result<()> {
        let text = self.found.cell(column);
        let Some(other) = Found::first(self.table, column, text)? else { return Ok(()) };
        let class = self.columns.class.name();
        let mut object = ObjectRef::new(class, other.cell(self.columns.key));
        object.name = Some(other.cell(self.columns.name).to_owned());
        Err(Error::already_exists(format!("the {what} `{text}` belongs to another {class} already")).object(object))
    }

    fn writable(&self, attribute: &str) -> Result<Column> {
        let column = self.columns.find(attribute).ok_or_else(|| self.columns.unknown(attribute, self.table))?;
        if column.index == self.columns.name && column.index != self.columns.key {
            let message = format!("`{attribute}` is the name; rename the object instead");
            return Err(Error::invalid_attribute_value(message).attribute(attribute));
        }
        Ok(column.clone())
    }

    fn named(&self, index: usize) -> Option<&Column> {
        self.columns.columns.iter().find(|column| column.index == index)
    }

    fn header(&self, index: usize) -> &str {
        self.table.headers.get(index).map_or("", String::as_str)
    }

    fn written(&self) -> Written {
        let cells = &self.found.cells;
        Written::new(self.found.cell(self.columns.key), self.found.cell(self.columns.name)).revision(revision(cells))
    }
}

fn refuse_container(container: Option<&String>) -> Result<()> {
    match container {
        Some(_) => Err(Error::schema_violation("CSV files have no containers")),
        None => Ok(()),
    }
}

fn refuse_other_revision(found: &Found, expected: Option<&str>) -> Result<()> {
    match expected {
        Some(expected) if expected != revision(&found.cells) => {
            Err(Error::precondition_failed("the row was changed since that revision; read it again"))
        }
        _ => Ok(()),
    }
}
