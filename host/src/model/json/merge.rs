//! One body over another: what was not read keeps what was there.

use serde_json::{Map, Value as Json};

/// The largest body of one object as JSON, in bytes.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A body taken apart.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Parts {
    attributes: Map<String, Json>,
    unread: Vec<String>,
    partial: Vec<String>,
}

/// The body of an object whose cells are those of `now`, and where they were not read, those of `was`. It is written as
/// one that was read whole is, so that two equal objects have equal bodies; of columns that are no more nothing is kept.
///
/// # Errors
/// When one of them is no object's body.
pub fn merged<C: AsRef<str>>(columns: &[C], was: &str, now: &str) -> serde_json::Result<String> {
    let mut now: Parts = serde_json::from_str(now)?;
    if now.unread.is_empty() {
        return serde_json::to_string(&body(columns, now));
    }
    let mut was: Parts = serde_json::from_str(was)?;
    for name in std::mem::take(&mut now.unread) {
        if let Some(values) = was.attributes.remove(&name) {
            now.attributes.insert(name.clone(), values);
        }
        if was.unread.contains(&name) {
            now.unread.push(name.clone());
        }
        if was.partial.contains(&name) {
            now.partial.push(name);
        }
    }
    serde_json::to_string(&body(columns, now))
}

/// The parts in the order of the columns, as [`super::object_body`] writes them.
fn body<C: AsRef<str>>(columns: &[C], mut parts: Parts) -> Json {
    let names = || columns.iter().map(AsRef::as_ref);
    let attributes: Map<String, Json> = names().filter_map(|name| parts.attributes.remove_entry(name)).collect();
    let mut body = Map::from_iter([("attributes".to_owned(), Json::Object(attributes))]);
    for (key, listed) in [("unread", &parts.unread), ("partial", &parts.partial)] {
        let listed: Vec<&str> = names().filter(|name| listed.iter().any(|one| one == name)).collect();
        if !listed.is_empty() {
            body.insert(key.to_owned(), listed.into());
        }
    }
    Json::Object(body)
}

#[cfg(test)]
mod tests {
    use super::super::object_body;
    use super::*;
    use crate::model::{Cell, Part, Scalar, Value};

    const COLUMNS: &[&str] = &["a", "b", "c", "d"];

    fn text(text: &str) -> Cell {
        Cell::Text(text.into())
    }

    fn told(cells: &[Cell]) -> String {
        object_body(COLUMNS, cells).unwrap()
    }

    #[test]
    fn what_was_not_read_keeps_each_of_the_four_kinds_of_nothing() {
        let was = told(&[Cell::Absent, Cell::Many(Vec::new()), Cell::Partial(vec![Value::Integer(1)]), Cell::Unread]);
        let unread = told(&[Cell::Unread, Cell::Unread, Cell::Unread, Cell::Unread]);
        assert_eq!(merged(COLUMNS, &was, &unread).unwrap(), was);
    }

    #[test]
    fn what_was_read_replaces_what_was_there() {
        let was = told(&[text("1"), text("2"), Cell::Partial(vec![Value::Integer(3)]), Cell::Unread]);
        let now = told(&[text("9"), Cell::Absent, Cell::Many(Vec::new()), text("4")]);
        assert_eq!(merged(COLUMNS, &was, &now).unwrap(), now);
        let some = told(&[Cell::Unread, Cell::Absent, Cell::Many(Vec::new()), text("4")]);
        let expected = told(&[text("1"), Cell::Absent, Cell::Many(Vec::new()), text("4")]);
        assert_eq!(merged(COLUMNS, &was, &some).unwrap(), expected);
    }

    #[test]
    fn an_object_told_piece_by_piece_has_the_body_of_one_told_whole() {
        let part = |name: &str, value| Part { name: name.into(), value };
        let complex = Cell::Complex(vec![part("z", Scalar::Real(1.0)), part("a", Scalar::Integer(i64::MAX))]);
        let whole = [text("1"), complex, Cell::Real(0.1), Cell::Instant(1)];
        let mut so_far = told(&[Cell::Unread, Cell::Unread, Cell::Unread, Cell::Unread]);
        for at in [3, 1, 0, 2] {
            let mut cells = vec![Cell::Unread; 4];
            cells[at] = whole[at].clone();
            so_far = merged(COLUMNS, &so_far, &told(&cells)).unwrap();
        }
        assert_eq!(so_far, told(&whole));
    }

    #[test]
    fn of_a_column_that_is_no_more_nothing_is_kept() {
        let was = told(&[text("1"), text("2"), text("3"), Cell::Unread]);
        let now = object_body(&["a", "c"], &[text("9"), Cell::Unread]).unwrap();
        let expected = object_body(&["a", "c"], &[text("9"), text("3")]).unwrap();
        assert_eq!(merged(&["a", "c"], &was, &now).unwrap(), expected);
    }
}
