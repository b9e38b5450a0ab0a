//! Programs that are refused, programs that answer, and texts that are neither.

use cel::context::VariableResolver as _;
use proptest::prelude::*;

use super::*;
use crate::mappings::limits::LIST_VALUES_MAX;

fn text(text: &str) -> TableCell<'_> {
    TableCell::Text(Cow::Borrowed(text))
}

/// A program over the columns `a`, `b`, ... in their order.
fn run<'a>(program: &str, cells: &'a [TableCell<'a>]) -> Result<Datum<'static>, Reason> {
    let program = Program::parse(program).unwrap();
    let number = |name: &String| usize::from(name.as_bytes()[0] - b'a');
    let numbers: Vec<usize> = program.columns().iter().map(number).collect();
    program.run(cells, &numbers).map(Datum::into_owned)
}

fn refused(program: &str) -> String {
    Program::parse(program).map(|_| ()).unwrap_err()
}

#[test]
fn what_could_run_long_or_grow_is_refused_before_it_runs() {
    let deep = |open: &str, close: &str, n| format!("{}1{}", open.repeat(n), close.repeat(n));
    let list = r#"row["a"]"#;
    assert!(refused(&" ".repeat(1025)).contains("1024 bytes"));
    assert!(refused(&format!("1{}", "-1".repeat(200))).contains("too large"));
    assert!(refused(&format!("1{}", "+1".repeat(17))).contains("at most 16 sums"));
    for text in [deep("(", ")", 100), deep("[", "]", 100), deep("-(", ")", 100), deep("size(", ")", 100)] {
        assert!(Program::parse(&text).is_err(), "{text}");
    }
    assert!(refused(&format!("{list}.map(x, x + x)")).contains("not offered"));
    assert!(refused(&format!("{list}.filter(x, true)")).contains("not offered"));
    assert!(refused(&format!("{list}.all(x, {list}.all(y, true))")).contains("inside one another"));
    assert!(refused("{1: 2}").contains("not offered"));
    assert!(refused(r#"row["a"].matches("a")"#).contains("matches"));
    assert!(refused(r#"row["a"].replace("a", "b")"#).contains("startsWith"));
}

#[test]
fn a_column_is_named_in_full_and_nothing_else_is_known() {
    assert!(refused("mail").contains(r#"row["name"]"#));
    assert!(refused("row").contains(r#"row["name"]"#));
    assert!(refused(r#"row[row["a"]]"#).contains("written out"));
    assert!(refused(r#"row["a"][0]"#).contains("only `row`"));
    assert!(refused("has(row.a)").contains("!= null"));
    assert!(refused(r#"row["a"] == "#).contains("at 1:"));
    let program = Program::parse(r#"row["x:y"] == 1 && row.z == row["x:y"] || row["-"].exists(v, v == row.z)"#);
    assert_eq!(program.unwrap().columns(), ["x:y", "z", "-"]);
}

#[test]
fn rows_are_told_apart_by_what_they_hold() {
    let cells = [text("Anna"), TableCell::Integer(514), TableCell::Null, TableCell::Json(Cow::Borrowed("[\"x\",1]"))];
    let is = |program: &str, truth| assert_eq!(run(program, &cells), Ok(Datum::Boolean(truth)), "{program}");
    is(r#"row["a"].startsWith("An") && row["b"] > 500"#, true);
    is(r#"row["c"] == null"#, true);
    is(r#"row["c"] != null && row["c"].endsWith("x")"#, false);
    is(r#"row["d"].exists(v, v == "1")"#, true);
    is(r#""x" in row["d"] && size(row["d"]) == 2"#, true);
    is(r#"row["a"] in ["Bert", "Anna"]"#, true);
    assert_eq!(run(r#"row["a"] + "-" + string(row["b"])"#, &cells), Ok(Datum::Text("Anna-514".into())));
    assert_eq!(run(r#"row["b"] % 2 == 0 ? 1.5 : 2.5"#, &cells), Ok(Datum::Real(1.5)));
}

#[test]
fn instants_and_dates_are_texts_that_sort_as_time_does() {
    let cells = [TableCell::Instant(1_700_000_000_000_000), TableCell::Date(19_000), TableCell::Instant(500_000)];
    assert_eq!(run(r#"row["a"] > "2023-11" && row["b"] == "2022-01-08""#, &cells), Ok(Datum::Boolean(true)));
    assert_eq!(run(r#"row["c"] < row["a"]"#, &cells), Ok(Datum::Boolean(true)));
}

#[test]
fn a_program_without_an_answer_says_why_and_tells_no_value() {
    let cells = [text("geheim"), TableCell::Null, TableCell::Integer(i64::MAX)];
    for (program, why) in [
        (r#"row["b"].startsWith("x")"#, "startsWith"),
        (r#"row["a"] + 1"#, "add"),
        (r#"row["c"] + 1"#, "too large"),
        (r#"1 / (row["c"] - row["c"])"#, "division by zero"),
        (r#"int(row["a"]) == 1"#, "int"),
        (r#"double("inf")"#, "not finite"),
        (r#"0.0 / 0.0"#, "not finite"),
    ] {
        let reason = run(program, &cells).unwrap_err();
        assert!(reason.contains(why) && !reason.contains("geheim"), "{program}: {reason}");
    }
}

#[test]
fn a_column_that_was_not_read_makes_the_answer_unknown() {
    assert_eq!(run(r#"row["a"] == null"#, &[TableCell::Unread]), Ok(Datum::Unread));
}

#[test]
fn a_list_that_is_too_long_is_not_walked_through() {
    let list = format!("[{}1]", "1,".repeat(LIST_VALUES_MAX));
    let cells = [TableCell::Json(Cow::Owned(list))];
    assert!(run(r#"row["a"].all(v, v == "1")"#, &cells).unwrap_err().contains("1000 values"));
}

#[test]
fn values_are_counted_and_not_commas() {
    let names = vec!["cn=a,ou=b,ou=c,ou=d,dc=e,dc=f,dc=g"; 200];
    let cells = [
        TableCell::Json(Cow::Owned(serde_json::json!(names).to_string())),
        TableCell::Json(Cow::Owned(format!(r#"{{"a":"{}"}}"#, ",".repeat(2000)))),
    ];
    assert_eq!(run(r#"row["a"].all(v, v.endsWith("dc=g"))"#, &cells), Ok(Datum::Boolean(true)));
    assert_eq!(run(r#"row["b"].contains(",")"#, &cells), Ok(Datum::Boolean(true)));
}

#[test]
fn what_is_read_for_each_value_of_a_list_is_no_list_and_small() {
    let list = |values: usize| TableCell::Json(Cow::Owned(serde_json::json!(vec!["x"; values]).to_string()));
    let big = "y".repeat(2000);
    let within = |values, program| run(program, &[list(values), text(&big), list(2)]);
    let contains = r#"row["a"].exists(v, row["b"].contains(v))"#;
    assert!(within(1000, contains).unwrap_err().contains("too large for so long a list"));
    assert_eq!(within(100, contains), Ok(Datum::Boolean(false)));
    assert_eq!(within(1000, r#"row["a"].exists(v, v == "z") || row["b"].contains("z")"#), Ok(Datum::Boolean(false)));
    for program in [r#"v in row["c"]"#, r#"size(row["c"]) > 1"#, r#"row["c"] == [v]"#] {
        let program = format!(r#"row["a"].exists(v, {program})"#);
        let why = run(&program, &[list(2), text(&big), list(2)]).unwrap_err();
        assert!(why.contains("no column is a list"), "{program}: {why}");
    }
    assert!(refused(r#"(row["a"] + row["a"]).all(v, true)"#).contains("a list written out"));
    assert_eq!(within(2, r#"["x", "z"].exists(v, v == "z")"#), Ok(Datum::Boolean(true)));
}

#[test]
fn sums_and_the_texts_of_a_row_are_bounded() {
    assert!(refused(&format!("1{}", "+1".repeat(17))).contains("16 sums"));
    let half = "a".repeat(VALUE_BYTES_MAX / 2 + 1);
    let size = |program| run(program, &[text(&half), text(&half)]);
    assert!(size(r#"row["a"] == row["b"]"#).unwrap_err().contains("too large"));
    assert_eq!(size(r#"row["a"] == "b""#), Ok(Datum::Boolean(false)));
}

#[test]
fn a_column_is_made_a_value_once() {
    let cells = [TableCell::Json(Cow::Borrowed("[\"a\"]"))];
    let row = Row::new(&cells, &[0]);
    assert!(row.resolve("#0").is_some_and(|value| value.is_borrowed()));
    assert!(row.resolve("#1").is_none());
}

/// Texts made of the language's own pieces, which get further into the parser than noise does.
fn programs() -> impl Strategy<Value = String> {
    let pieces = [
        "row",
        "[",
        "]",
        "(",
        ")",
        "\"a\"",
        "\"",
        "'",
        "+",
        "-",
        "!",
        "?",
        ":",
        "&&",
        "||",
        "==",
        "<",
        " in ",
        "{",
        "}",
        ",",
        ".",
        "has",
        "exists",
        "all",
        "exists_one",
        "x",
        "1",
        "0x",
        "1u",
        "1.",
        "e9",
        "b'",
        "r\"",
        "\\",
        "é",
        "😀",
        "true",
        "null",
        "//",
        "\n",
        "`",
        ".?",
        "[?",
        "\"\"\"",
        "map",
        "filter",
        "size",
        "\\u12",
        "int",
        "string",
        "row[\"a\"]",
        "row[\"b\"]",
        " ",
        "9223372036854775807",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_panics_and_what_is_taken_ends(program in prop_oneof![programs(), any::<String>()]) {
        let cells = [text("a"), TableCell::Json(Cow::Borrowed("[\"a\",\"b\"]")), TableCell::Null];
        if let Ok(program) = Program::parse(&program) {
            let numbers: Vec<usize> = program.columns().iter().map(|name| name.len() % 3).collect();
            let _answer = program.run(&cells, &numbers);
        }
    }
}
