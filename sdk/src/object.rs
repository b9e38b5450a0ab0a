//! An object as a connector's author thinks of it: a uid, a name, attributes by name. Laid out as a row of cells
//! in the order that was asked for.

use crate::model::{Cell, Row, Value};

/// An object of the target.
///
/// An attribute that is never set is *absent*: known to have no value. One that was not read has to say so with
/// [`Object::unread`]; confusing the two would take values away from people.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    uid: String,
    name: String,
    revision: Option<String>,
    cells: Vec<(String, Cell)>,
}

impl Object {
    /// An object without attributes.
    pub fn new(uid: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uid: uid.into(), name: name.into(), revision: None, cells: Vec::new() }
    }

    /// The target's own version of the object, for optimistic locking.
    #[must_use]
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Sets an attribute: a value, an `Option` (absent), a `Vec` of values or any [`Cell`].
    #[must_use]
    pub fn set(mut self, attribute: impl Into<String>, value: impl Into<Cell>) -> Self {
        self.cells.push((attribute.into(), value.into()));
        self
    }

    /// Says that an attribute was not read.
    #[must_use]
    pub fn unread(self, attribute: impl Into<String>) -> Self {
        self.set(attribute, Cell::Unread)
    }

    /// Sets some of an attribute's values; the others come as edges.
    #[must_use]
    pub fn partial<V: Into<Value>>(self, attribute: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        self.set(attribute, Cell::Partial(values.into_iter().map(Into::into).collect()))
    }

    /// The row that answers these attributes, in their order.
    pub fn into_row(mut self, attributes: &[String]) -> Row {
        let cells = attributes.iter().map(|name| self.take(name)).collect();
        Row { uid: self.uid, name: self.name, revision: self.revision, cells }
    }

    fn take(&mut self, name: &str) -> Cell {
        match self.cells.iter().rposition(|(held, _)| held == name) {
            Some(at) => self.cells.swap_remove(at).1,
            None => Cell::Absent,
        }
    }
}

/// What a source hands over for one object: the easy [`Object`], or a [`Row`] whose cells already stand in the order
/// of the attributes that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Attributes by name.
    Object(Object),
    /// Cells by position.
    Row(Row),
}

impl Record {
    /// The object's uid.
    pub fn uid(&self) -> &str {
        match self {
            Self::Object(object) => &object.uid,
            Self::Row(row) => &row.uid,
        }
    }

    pub(crate) fn into_row(self, attributes: &[String]) -> Row {
        match self {
            Self::Object(object) => object.into_row(attributes),
            Self::Row(row) => row,
        }
    }
}

impl From<Object> for Record {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        Self::Row(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn absent_unread_partial_and_an_empty_list_stay_apart() {
        let row = Object::new("1", "ada")
            .set("none", None::<String>)
            .set("empty", Vec::<Value>::new())
            .unread("photo")
            .partial("members", ["x"])
            .into_row(&names(&["photo", "none", "never-set", "empty", "members"]));
        let expected =
            [Cell::Unread, Cell::Absent, Cell::Absent, Cell::Many(vec![]), Cell::Partial(vec![Value::from("x")])];
        assert_eq!(row.cells, expected);
    }

    #[test]
    fn the_last_value_set_is_the_one_that_counts() {
        let row = Object::new("1", "ada").set("mail", "old").set("mail", "new").into_row(&names(&["mail"]));
        assert_eq!(row.cells, [Cell::from("new")]);
    }
}
