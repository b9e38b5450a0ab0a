//! What a guest hands over, checked before anybody relies on it: rows that fit, values that can be stored and shown.
//!
//! A row that does not fit is set aside with its reason, as a record the connector could not read would be; a page that
//! breaks the contract as a whole fails the call.

mod answers;
mod deltas;
mod schema;

use jiff::Timestamp;

use super::fault;
use super::limits::{CELL_BYTES_MAX, CHECKPOINT_BYTES_MAX, NAME_CELL_BYTES_MAX};
use crate::model::text::acts;
use crate::model::{
    Attribute, Cell, Edge, EdgePage, Error, ErrorKind, FailureKind, Key, Page, Part, Reference, Rejected, Result, Row,
    Scalar, Uid, Value,
};

pub(super) use answers::{assignments, choices, findings, granted, left_behind, pending, written};
pub(super) use deltas::deltas;
pub(super) use schema::schema;

/// The first and the last day that can be written down, in days since 1970-01-01: years -9999 and 9999.
const DAYS: std::ops::RangeInclusive<i32> = -4_371_587..=2_932_896;

/// A page as it may be used: at most `max` rows of `columns` cells.
pub(super) fn page(mut page: Page, columns: usize, max: u32) -> Result<Page> {
    let handed = page.rows.len() + page.rejected.len();
    whole(handed, max, &[page.checkpoint.as_ref(), page.token.as_ref()])?;
    if page.rows.iter().all(|row| misfit(row, columns).is_none()) {
        return Ok(page);
    }
    for row in std::mem::take(&mut page.rows) {
        match misfit(&row, columns) {
            None => page.rows.push(row),
            Some(why) => page.rejected.push(set_aside(&row.uid, why)),
        }
    }
    Ok(page)
}

/// The same for the edges of one attribute.
pub(super) fn edge_page(mut page: EdgePage, attribute: &str, max: u32) -> Result<EdgePage> {
    whole(page.edges.len() + page.rejected.len(), max, &[page.checkpoint.as_ref()])?;
    for edge in std::mem::take(&mut page.edges) {
        match strange(&edge, attribute) {
            None => page.edges.push(edge),
            Some(why) => page.rejected.push(set_aside(key_text(&edge.owner.key), why)),
        }
    }
    Ok(page)
}

/// A row that was asked for alone.
pub(super) fn row(row: Row, columns: usize) -> Result<Row> {
    match misfit(&row, columns) {
        None => Ok(row),
        Some(why) => Err(unusable(&why)),
    }
}

/// A uid that was asked for alone.
pub(super) fn uid(uid: String) -> Result<Uid> {
    Uid::try_from(uid).map_err(|invalid| unusable(&invalid.to_string()))
}

/// A token that was asked for alone.
pub(super) fn token(token: Vec<u8>) -> Result<Vec<u8>> {
    marker(Some(&token))?;
    Ok(token)
}

/// As many answers as questions.
pub(super) fn answers(answered: usize, asked: usize) -> Result<()> {
    if answered == asked {
        return Ok(());
    }
    Err(unusable(&format!("{answered} answers to {asked} questions")))
}

/// A checkpoint or marker on its way back from the guest.
fn marker(marker: Option<&Vec<u8>>) -> Result<()> {
    match marker.map(Vec::len) {
        Some(bytes) if bytes > CHECKPOINT_BYTES_MAX => Err(Error::new(
            ErrorKind::GuestLimit,
            format!("the connector handed over a checkpoint of {bytes} bytes; {CHECKPOINT_BYTES_MAX} are kept"),
        )),
        _ => Ok(()),
    }
}

fn whole(handed: usize, max: u32, markers: &[Option<&Vec<u8>>]) -> Result<()> {
    for one in markers {
        marker(*one)?;
    }
    if handed > max as usize {
        let message = format!("the connector handed over {handed} records on a page of at most {max}");
        return Err(Error::new(ErrorKind::GuestLimit, message));
    }
    Ok(())
}

/// A key that could be a uid stays whole, because what it names must not be taken for gone.
fn set_aside(key: &str, why: String) -> Rejected {
    let whole = identifier("key", key).is_none();
    Rejected {
        key: if whole { key.to_owned() } else { fault::message(key) },
        error: Error::failure(FailureKind::SchemaViolation, why),
    }
}

fn unusable(why: &str) -> Error {
    Error::failure(FailureKind::SchemaViolation, format!("the connector answered with something unusable: {why}"))
}

/// Why a row cannot be used, if so.
fn misfit(row: &Row, columns: usize) -> Option<String> {
    let identity = identifier("uid", &row.uid).or_else(|| identifier("name", &row.name));
    let revision = || row.revision.as_ref().and_then(|revision| identifier("revision", revision));
    identity.or_else(revision).or_else(|| count(row.cells.len(), columns)).or_else(|| row.cells.iter().find_map(cell))
}

/// Why an edge cannot be used, if so.
fn strange(edge: &Edge, attribute: &str) -> Option<String> {
    if edge.attribute != attribute {
        let about = fault::message(&edge.attribute);
        return Some(format!("it is about {about:?}, and {attribute:?} was asked for"));
    }
    ends(edge)
}

/// Why an edge cannot be between two objects, if so.
fn ends(edge: &Edge) -> Option<String> {
    reference(&edge.owner).or_else(|| reference(&edge.target)).or_else(|| edge.parameters.iter().find_map(named))
}

fn count(cells: usize, columns: usize) -> Option<String> {
    (cells != columns).then(|| format!("it has {cells} cells for {columns} attributes"))
}

fn identifier(what: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(format!("its {what} is empty"));
    }
    if text.len() > NAME_CELL_BYTES_MAX {
        return Some(format!("its {what} is longer than {NAME_CELL_BYTES_MAX} bytes"));
    }
    // Nearly all are plain ASCII, which is told without looking at characters.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let acting = text.chars().find(|c| acts(*c));
    acting.map(|c| format!("its {what} holds U+{:04X}, which no identifier may hold", u32::from(c)))
}

fn reference(reference: &Reference) -> Option<String> {
    let class = reference.class.as_ref().and_then(|class| identifier("class", class));
    class.or_else(|| identifier("reference", key_text(&reference.key)))
}

/// An attribute by its name, in an answer that is not a row.
fn named(attribute: &Attribute) -> Option<String> {
    identifier("attribute", &attribute.name).or_else(|| attribute.values.iter().find_map(value))
}

fn key_text(key: &Key) -> &str {
    match key {
        Key::Uid(text) | Key::Name(text) => text,
    }
}

fn cell(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Absent | Cell::Unread | Cell::Integer(_) | Cell::Boolean(_) => None,
        Cell::Text(text) => self::text(text),
        Cell::Real(real) => self::real(*real),
        Cell::Binary(bytes) => size(bytes.len()),
        Cell::Instant(micros) => instant(*micros),
        Cell::Date(days) => date(*days),
        Cell::Reference(to) => reference(to),
        Cell::Complex(parts) => parts.iter().find_map(part),
        Cell::Many(values) | Cell::Partial(values) => values.iter().find_map(value),
    }
}

fn value(value: &Value) -> Option<String> {
    match value {
        Value::Integer(_) | Value::Boolean(_) => None,
        Value::Text(text) => self::text(text),
        Value::Real(real) => self::real(*real),
        Value::Binary(bytes) => size(bytes.len()),
        Value::Instant(micros) => instant(*micros),
        Value::Date(days) => date(*days),
        Value::Reference(to) => reference(to),
        Value::Complex(parts) => parts.iter().find_map(part),
    }
}

fn part(part: &Part) -> Option<String> {
    identifier("part", &part.name).or_else(|| scalar(&part.value))
}

fn scalar(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Integer(_) | Scalar::Boolean(_) => None,
        Scalar::Text(text) => self::text(text),
        Scalar::Real(real) => self::real(*real),
        Scalar::Instant(micros) => instant(*micros),
        Scalar::Date(days) => date(*days),
    }
}

fn text(text: &str) -> Option<String> {
    let nul = || text.as_bytes().contains(&0).then(|| "a text holds a NUL character".to_owned());
    size(text.len()).or_else(nul)
}

fn size(bytes: usize) -> Option<String> {
    (bytes > CELL_BYTES_MAX).then(|| format!("a value has {bytes} bytes; {CELL_BYTES_MAX} are taken"))
}

fn real(real: f64) -> Option<String> {
    (!real.is_finite()).then(|| "a number is infinite or none".to_owned())
}

fn instant(micros: i64) -> Option<String> {
    let writable = Timestamp::from_microsecond(micros).is_ok();
    (!writable).then(|| "an instant is beyond the year 9999".to_owned())
}

fn date(days: i32) -> Option<String> {
    (!DAYS.contains(&days)).then(|| "a date is beyond the year 9999".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(uid: &str, cells: Vec<Cell>) -> Row {
        Row { uid: uid.into(), name: "n".into(), revision: None, cells }
    }

    fn reason(cell: Cell) -> Option<String> {
        let page = page(Page { rows: vec![row_of("1", vec![cell])], ..Page::default() }, 1, 9).unwrap();
        page.rejected.first().map(|rejected| rejected.error.message.clone())
    }

    #[test]
    fn hostile_values_are_set_aside_with_a_reason() {
        assert!(reason(Cell::Text("a\0b".into())).unwrap().contains("NUL"));
        assert!(reason(Cell::Text("a".repeat(CELL_BYTES_MAX + 1))).unwrap().contains("bytes"));
        assert!(reason(Cell::Real(f64::NAN)).unwrap().contains("number"));
        assert!(reason(Cell::Instant(i64::MAX)).unwrap().contains("9999"));
        assert!(reason(Cell::Many(vec![Value::Date(i32::MIN)])).unwrap().contains("9999"));
        assert!(reason(Cell::Reference(Reference::to("c", ""))).unwrap().contains("empty"));
        assert!(reason(Cell::Reference(Reference::to("c\0", "u"))).unwrap().contains("class holds U+0000"));
        let part = Part { name: "\u{1b}".into(), value: Scalar::Boolean(true) };
        assert!(reason(Cell::Complex(vec![part])).unwrap().contains("part holds U+001B"));
        assert_eq!(reason(Cell::Text("=cmd|' /C calc'!A0 \u{202e}".into())), None);
    }

    #[test]
    fn an_identifier_that_deceives_is_refused_and_shown_without_its_deception() {
        let rows = vec![row_of("admin\u{202e}", vec![]), row_of("a\nb", vec![])];
        let page = page(Page { rows, ..Page::default() }, 0, 9).unwrap();
        assert_eq!(page.rejected[0].key, "admin\u{fffd}");
        assert!(page.rejected[0].error.message.contains("U+202E"), "{}", page.rejected[0].error);
        assert_eq!(page.rejected[1].key, "a\u{fffd}b");
    }

    #[test]
    fn an_edge_about_another_attribute_or_with_hostile_parameters_is_set_aside() {
        let edge = |attribute: &str, parameters: Vec<Attribute>| Edge {
            owner: Reference::to("group", "g"),
            attribute: attribute.into(),
            target: Reference::to("account", "u"),
            parameters,
        };
        let until = Attribute { name: "until".into(), values: vec![Value::Instant(i64::MIN)] };
        let edges = vec![edge("owners", vec![]), edge("members", vec![]), edge("members", vec![until])];
        let page = edge_page(EdgePage { edges, ..EdgePage::default() }, "members", 9).unwrap();
        assert_eq!((page.edges.len(), page.rejected.len()), (1, 2));
        assert!(page.rejected[0].error.message.contains("\"members\" was asked for"), "{}", page.rejected[0].error);
        assert!(page.rejected[1].error.message.contains("9999"), "{}", page.rejected[1].error);
    }

    #[test]
    fn the_writable_days_are_those_of_the_years_that_can_be_written() {
        for day in [*DAYS.start(), *DAYS.end()] {
            assert!(crate::model::json::date_text(day).is_some(), "{day}");
        }
        assert_eq!(crate::model::json::date_text(DAYS.end() + 1), None);
        assert_eq!(crate::model::json::date_text(DAYS.start() - 1), None);
    }

    #[test]
    fn a_bad_row_does_not_take_the_good_ones_with_it() {
        let rows = vec![row_of("1", vec![Cell::Absent]), row_of("", vec![Cell::Absent]), row_of("3", Vec::new())];
        let page = page(Page { rows, ..Page::default() }, 1, 9).unwrap();
        assert_eq!((page.rows.len(), page.rejected.len()), (1, 2));
    }

    #[test]
    fn more_rows_than_asked_for_and_a_giant_checkpoint_fail_the_call() {
        let rows = vec![row_of("1", Vec::new()), row_of("2", Vec::new())];
        assert_eq!(page(Page { rows, ..Page::default() }, 0, 1).unwrap_err().kind, ErrorKind::GuestLimit);
        let checkpoint = Some(vec![0; CHECKPOINT_BYTES_MAX + 1]);
        assert_eq!(page(Page { checkpoint, ..Page::default() }, 0, 1).unwrap_err().kind, ErrorKind::GuestLimit);
    }
}
