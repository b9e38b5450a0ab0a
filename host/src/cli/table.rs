//! Answers of the API as people read them: aligned columns for lists, labelled lines for one thing.
//!
//! A column is a heading and a JSON pointer into the item (RFC 6901), so that a command says in one line what it shows.

use console::measure_text_width;
use serde_json::Value as Json;

use super::fault::Fault;
use super::out;

/// A heading, and where in the item its text is.
pub(super) type Column<'a> = (&'a str, &'a str);

/// Between two columns.
const GAP: &str = "  ";

/// Prints items as an aligned table; says so when there are none.
pub(super) fn list(items: &[Json], columns: &[Column<'_>]) -> Result<(), Fault> {
    if items.is_empty() {
        return out::line("none");
    }
    for (index, row) in rows(items, columns).iter().enumerate() {
        if index == 0 { out::line(console::style(row).bold())? } else { out::line(row)? }
    }
    Ok(())
}

/// Prints one thing as labelled lines; what it does not have is left out.
pub(super) fn one(item: &Json, columns: &[Column<'_>]) -> Result<(), Fault> {
    let width = columns.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    for (label, pointer) in columns {
        let text = cell(item, pointer);
        if !text.is_empty() {
            out::line(format_args!("{label:width$}{GAP}{text}"))?;
        }
    }
    Ok(())
}

/// What a pointer finds, as one line of text.
pub(super) fn cell(item: &Json, pointer: &str) -> String {
    out::visible(&item.pointer(pointer).map(text).unwrap_or_default()).replace('\n', " ")
}

/// JSON as a person would write it: lists joined by commas, objects as `key=value`.
pub(super) fn text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
        }
        Json::Bool(_) | Json::Number(_) => json.to_string(),
    }
}

fn rows(items: &[Json], columns: &[Column<'_>]) -> Vec<String> {
    let headings = columns.iter().map(|(heading, _)| heading.to_uppercase()).collect::<Vec<_>>();
    let cells = items.iter().map(|item| columns.iter().map(|(_, pointer)| cell(item, pointer)).collect());
    let table: Vec<Vec<String>> = std::iter::once(headings).chain(cells).collect();
    let widths: Vec<usize> = (0..columns.len()).map(|column| width(&table, column)).collect();
    table.iter().map(|row| aligned(row, &widths)).collect()
}

fn width(table: &[Vec<String>], column: usize) -> usize {
    table.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max().unwrap_or_default()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| {
        let padding = width.saturating_sub(measure_text_width(cell));
        format!("{cell}{}", " ".repeat(padding))
    });
    padded.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_align_whatever_the_alphabet() {
        let items = [json!({"id": "zoë", "at": {"n": 1}}), json!({"id": "渡辺さん", "at": {"n": 22}})];
        assert_eq!(rows(&items, &[("id", "/id"), ("n", "/at/n")]), ["ID        N", "zoë       1", "渡辺さん  22"]);
    }

    #[test]
    fn a_cell_is_one_line_and_cannot_steer_the_terminal() {
        assert_eq!(cell(&json!({"a": "x\ny\u{1b}[1m"}), "/a"), "x y\\u{1b}[1m");
        assert_eq!(cell(&json!({"a": ["x", 2, {"k": true, "unknown": null}]}), "/a"), "x, 2, k=true");
        assert_eq!(cell(&json!({}), "/a"), "");
    }
}
