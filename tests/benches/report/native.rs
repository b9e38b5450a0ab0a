//! The baseline of the import figures: the `csv` crate, in this process and thread, making of each record what an
//! identity product would: a list of attributes with lists of values, which a sink looks at and drops.

use std::path::Path;
use std::time::Duration;

use csv::{ReaderBuilder, StringRecord};
use hawser_tests::usage::Usage;

const BUFFER_BYTES: usize = 64 * 1024;
/// The columns that are no text.
const ACTIVE: usize = 8;
const EMPLOYEE_NUMBER: usize = 9;

enum Value {
    Text(String),
    Boolean(bool),
    Integer(i64),
}

type Record = Vec<(String, Vec<Value>)>;

/// Processor time for all records of a file, and how many those were.
pub(super) fn stream(file: &Path) -> (Duration, usize) {
    let begun = Usage::own().processor;
    let mut reader = ReaderBuilder::new().buffer_capacity(BUFFER_BYTES).from_path(file).expect("the file can be read");
    let header: Vec<String> = reader.headers().expect("the file has a header").iter().map(ToOwned::to_owned).collect();
    let (mut line, mut records, mut bytes) = (StringRecord::new(), 0, 0);
    while reader.read_record(&mut line).expect("the file is CSV") {
        let cells = header.iter().zip(&line).enumerate();
        let record: Record = cells.map(|(at, (name, text))| (name.clone(), vec![value(at, text)])).collect();
        bytes += touched(&record);
        std::hint::black_box(&record);
        records += 1;
    }
    std::hint::black_box(bytes);
    (Usage::own().processor - begun, records)
}

fn value(column: usize, text: &str) -> Value {
    match column {
        ACTIVE => Value::Boolean(text == "true"),
        EMPLOYEE_NUMBER => Value::Integer(text.parse().expect("a number")),
        _ => Value::Text(text.to_owned()),
    }
}

fn touched(record: &Record) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Boolean(truth) => usize::from(*truth),
        Value::Integer(number) => usize::from(*number != 0),
    };
    record.iter().map(|(name, values)| name.len() + values.iter().map(value).sum::<usize>()).sum()
}
