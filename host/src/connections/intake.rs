//! What a connector says, looked at before anybody believes it: rows and edges that are no objects are set aside with
//! a reason, and never the reason that a listing fails.
//!
//! A connector may be broken or hostile. Identifiers become file names, table keys and log lines further on, so
//! control characters and oversized texts end here; a row whose cells do not answer what was asked says nothing.

use crate::model::id::UID_BYTES_MAX;
use crate::model::{AttributeName, Cell, Edge, Error, FailureKind, Key, Reference, Rejected, Row, Value, json};

/// The longest object name, in bytes.
pub const NAME_BYTES_MAX: usize = 4096;
/// The longest revision, in bytes.
pub const REVISION_BYTES_MAX: usize = 1024;
/// The largest body of one object as JSON, in bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The most characters of a foreign text shown in a reason.
const SHOWN_CHARS_MAX: usize = 120;

/// A row that may be believed, with its body as JSON text.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub row: Row,
    pub body: String,
}

/// Looks at one row.
///
/// # Errors
/// The row's key and why it is no object.
pub fn admit(columns: &[AttributeName], row: Row) -> Result<Admitted, Rejected> {
    let fault = identifier("uid", &row.uid, UID_BYTES_MAX)
        .or_else(|| identifier("name", &row.name, NAME_BYTES_MAX))
        .or_else(|| row.revision.as_deref().and_then(|text| identifier("revision", text, REVISION_BYTES_MAX)))
        .or_else(|| cells(columns, &row.cells));
    if let Some(why) = fault {
        return Err(rejected(&row.uid, why));
    }
    match body(columns, &row.cells) {
        Ok(body) => Ok(Admitted { row, body }),
        Err(why) => Err(rejected(&row.uid, why)),
    }
}

/// Looks at one edge.
///
/// # Errors
/// What the edge is about and why it is none.
pub fn admit_edge(attribute: &AttributeName, edge: Edge) -> Result<Edge, Rejected> {
    let fault = (edge.attribute != attribute.as_str())
        .then(|| format!("it is about the attribute {:?}, and {attribute} was asked for", shown(&edge.attribute)))
        .or_else(|| end("owner", &edge.owner))
        .or_else(|| end("target", &edge.target));
    match fault {
        None => Ok(edge),
        Some(why) => Err(rejected(key(&edge.owner), why)),
    }
}

/// A foreign text as people may see it: without control or direction characters, cut to a readable length.
pub fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_CHARS_MAX).map(|c| if is_deceptive(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A key that could be a uid stays whole, because what it names must not be taken for gone.
fn rejected(key: &str, why: String) -> Rejected {
    let whole = identifier("key", key, UID_BYTES_MAX).is_none();
    Rejected {
        key: if whole { key.to_owned() } else { shown(key) },
        error: Error::failure(FailureKind::SchemaViolation, why),
    }
}

fn key(reference: &Reference) -> &str {
    match &reference.key {
        Key::Uid(key) | Key::Name(key) => key,
    }
}

fn end(what: &str, reference: &Reference) -> Option<String> {
    let limit = if matches!(reference.key, Key::Uid(_)) { UID_BYTES_MAX } else { NAME_BYTES_MAX };
    identifier(what, key(reference), limit)
}

fn identifier(what: &str, text: &str, limit: usize) -> Option<String> {
    if text.is_empty() {
        return Some(format!("its {what} is empty"));
    }
    if text.len() > limit {
        return Some(format!("its {what} has {} bytes; {limit} are allowed", text.len()));
    }
    text.chars()
        .find(|c| is_deceptive(*c))
        .map(|c| format!("its {what} has the character U+{:04X}, which no identifier has", u32::from(c)))
}

/// Control characters, and the characters that turn or hide the direction of text (Unicode UAX #9, section 2).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn cells(columns: &[AttributeName], cells: &[Cell]) -> Option<String> {
    if cells.len() != columns.len() {
        return Some(format!("it answers {} attributes, and {} were asked for", cells.len(), columns.len()));
    }
    columns.iter().zip(cells).find_map(|(column, cell)| nul(cell).then(|| format!("its {column} has a NUL character")))
}

fn nul(cell: &Cell) -> bool {
    match cell {
        Cell::Text(text) => text.contains('\0'),
        Cell::Many(values) | Cell::Partial(values) => {
            values.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0')))
        }
        _ => false,
    }
}

fn body(columns: &[AttributeName], cells: &[Cell]) -> Result<String, String> {
    let body = json::object_body(columns, cells).map_err(|why| format!("it holds {why}"))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("its attributes take {} bytes; {BODY_BYTES_MAX} are allowed", body.len()));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<AttributeName> {
        vec!["mail".parse().unwrap()]
    }

    fn row(uid: &str, name: &str, cells: Vec<Cell>) -> Row {
        Row { uid: uid.into(), name: name.into(), revision: None, cells }
    }

    fn why(row: Row) -> String {
        admit(&columns(), row).unwrap_err().error.message
    }

    #[test]
    fn a_row_that_is_no_object_is_set_aside_with_a_reason() {
        let mail = || vec![Cell::Text("a@b".into())];
        assert!(why(row("", "n", mail())).contains("uid is empty"));
        assert!(why(row("u", "", mail())).contains("name is empty"));
        assert!(why(row("u\0", "n", mail())).contains("U+0000"));
        assert!(why(row("u", "admin\u{202e}", mail())).contains("U+202E"));
        assert!(why(row(&"u".repeat(5000), "n", mail())).contains("5000 bytes"));
        assert!(why(row("u", "n", vec![])).contains("answers 0 attributes, and 1 were asked for"));
        assert!(why(row("u", "n", vec![Cell::Text("a\0b".into())])).contains("mail has a NUL"));
        assert!(why(row("u", "n", vec![Cell::Real(f64::INFINITY)])).contains("not a number"));
        assert!(why(row("u", "n", vec![Cell::Text("x".repeat(10 << 20))])).contains("bytes; 2097152 are allowed"));
    }

    #[test]
    fn the_key_shown_to_people_carries_no_deception() {
        let rejected = admit(&columns(), row("ab\u{202e}c\n", "n", vec![Cell::Absent])).unwrap_err();
        assert_eq!(rejected.key, "ab\u{fffd}c\u{fffd}");
    }

    #[test]
    fn an_edge_about_another_attribute_is_set_aside() {
        let edge = |attribute: &str, target: &str| Edge {
            owner: Reference::to("group", "g"),
            attribute: attribute.into(),
            target: Reference::to("account", target),
            parameters: Vec::new(),
        };
        let members: AttributeName = "members".parse().unwrap();
        assert!(admit_edge(&members, edge("owners", "u")).unwrap_err().error.message.contains("members was asked for"));
        assert!(admit_edge(&members, edge("members", "")).unwrap_err().error.message.contains("target is empty"));
        assert!(admit_edge(&members, edge("members", "u")).is_ok());
    }

    #[test]
    fn a_good_row_comes_with_its_body() {
        let admitted = admit(&columns(), row("u", "n", vec![Cell::Text("a@b".into())])).unwrap();
        assert_eq!(admitted.body, r#"{"attributes":{"mail":["a@b"]}}"#);
    }
}
