//! Parquet as DuckDB reads it: the types of its columns, and row for row what the CSV has.

use std::fs;

use hawser::cli::demo::server::python::Python;
use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::web::{blocking, cache};

use super::open;

const REQUIREMENTS: &str = "duckdb==2.0.0\n";

/// Reads both files, compares them as texts and prints the types of the Parquet file's columns and how many rows are
/// the same. CSV's empty and null cells are told apart by its quotes.
const COMPARE: &str = r#"
import duckdb, sys
csv, parquet = sys.argv[1:]
db = duckdb.connect()
types = db.sql(f"DESCRIBE SELECT * FROM read_parquet('{parquet}')").fetchall()
names = [row[0] for row in types]
cells = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in names)
db.sql(f"CREATE TABLE p AS SELECT {cells} FROM read_parquet('{parquet}')")
db.sql(f"""CREATE TABLE c AS SELECT * FROM read_csv('{csv}', all_varchar = true, header = true, delim = ',',
    quote = '"', escape = '"', allow_quoted_nulls = false)""")
assert [row[0] for row in db.sql("DESCRIBE c").fetchall()] == names
rows = lambda sql: db.sql(f"SELECT COUNT(*) FROM ({sql})").fetchall()[0][0]
assert rows("SELECT * FROM p EXCEPT ALL SELECT * FROM c") == 0, db.sql("SELECT * FROM p EXCEPT ALL SELECT * FROM c LIMIT 3").fetchall()
assert rows("SELECT * FROM c EXCEPT ALL SELECT * FROM p") == 0, db.sql("SELECT * FROM c EXCEPT ALL SELECT * FROM p LIMIT 3").fetchall()
print(rows("SELECT * FROM p"), dict((row[0], row[1]) for row in types).get("employeeNumber"))
"#;

async fn compared(bed: &Bed, suffix: &str, query: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["csv", "parquet"].map(|format| folder.path().join(format!("table.{format}")));
    for (path, format) in paths.iter().zip(["csv", "parquet"]) {
        let path_and_query = format!("/tables/{suffix}/rows?format={format}{query}");
        let answer = open(House::shared().await, bed, &path_and_query).await.error_for_status().unwrap();
        fs::write(path, answer.bytes().await.unwrap()).unwrap();
    }
    let arguments = paths.clone();
    let compare = move || {
        let python = Python::made_once(&cache(), "duckdb", REQUIREMENTS)?;
        let mut command = python.interpreter();
        command.arg("-c").arg(COMPARE).args(&arguments);
        Python::run("duckdb", &command)
    };
    blocking(compare).await.unwrap_or_else(|why| panic!("{why}")).trim().to_owned()
}

#[tokio::test]
async fn duckdb_reads_row_for_row_what_the_csv_has() {
    let bed = Bed::new(70_000, 5).await;
    for (n, text) in ["a \"quoted\" one, with a comma", "two\nlines", "🦀 Zoë", " spaces "].iter().enumerate() {
        let quoted = text.replace('"', "\"\"");
        bed.people.append("accounts.csv", &format!("x{n},x.{n},,,,,\"{quoted}\",,true,{},,", i64::MIN));
    }
    bed.import_published().await;
    assert_eq!(compared(&bed, "account", "").await, "70004 BIGINT");
    assert_eq!(compared(&bed, "group_members", "").await, "70000 None");
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u9,"));
    let since = bed.position().await;
    bed.import_published().await;
    assert_eq!(compared(&bed, "account", &format!("&since={since}")).await, "2 BIGINT");
    assert_eq!(compared(&bed, "group", "").await, "5 None");
}
