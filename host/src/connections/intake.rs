//! The body of an object as it is stored, published and shown: JSON made once, when a row comes in.
//!
//! The runtime has looked at the row before; what remains is that its attributes together stay within a size.

use crate::model::json::merge::BODY_BYTES_MAX;
use crate::model::{AttributeName, Error, FailureKind, Rejected, Row, json};

/// A row with its body as JSON text.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub row: Row,
    pub body: String,
}

/// Makes the body of a row; `columns[i]` names `row.cells[i]`.
///
/// # Errors
/// The row's uid and why it cannot be kept.
pub fn admit(columns: &[AttributeName], row: Row) -> Result<Admitted, Rejected> {
    let fault = match json::object_body(columns, &row.cells) {
        Ok(body) if body.len() <= BODY_BYTES_MAX => return Ok(Admitted { row, body }),
        Ok(body) => format!("its attributes take {} bytes as JSON; {BODY_BYTES_MAX} are kept", body.len()),
        Err(why) => format!("it holds {why}"),
    };
    Err(Rejected { key: row.uid, error: Error::failure(FailureKind::SchemaViolation, fault) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cell;

    fn admitted(cell: Cell) -> Result<Admitted, Rejected> {
        let row = Row { uid: "u".into(), name: "n".into(), revision: None, cells: vec![cell] };
        admit(&["mail".parse().unwrap()], row)
    }

    #[test]
    fn an_object_too_large_to_keep_is_set_aside_under_its_uid() {
        let rejected = admitted(Cell::Text("x".repeat(BODY_BYTES_MAX))).unwrap_err();
        assert_eq!(rejected.key, "u");
        assert!(rejected.error.message.contains("8388608 are kept"), "{}", rejected.error);
    }

    #[test]
    fn a_good_row_comes_with_its_body() {
        assert_eq!(admitted(Cell::Text("a@b".into())).unwrap().body, r#"{"attributes":{"mail":["a@b"]}}"#);
    }
}
