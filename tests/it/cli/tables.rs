//! `hawser table` and `hawser import run`: what there is is listed, and a file is whole or not there.

use std::fs;

use hawser_tests::bed::Bed;

use super::{complained, ran, said, told};

/// A bed with its people imported, one record of which nobody can read.
async fn imported() -> Bed {
    let bed = Bed::new(3, 1).await;
    bed.people.append("accounts.csv", ",nobody,,,,,,,true,1,,");
    bed.import_published().await;
    bed
}

#[tokio::test]
async fn tables_are_listed_with_what_is_in_them_and_shown_with_their_columns() {
    let bed = imported().await;
    let list = said(&["table", "list", &bed.id]).await;
    let name = format!("{}_account", bed.id);
    let row: Vec<&str> =
        list.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().split_whitespace().collect();
    assert_eq!(row, [name.as_str(), "3", "1"], "{list}");
    let show = said(&["table", "show", &bed.id, "account"]).await;
    assert!(show.lines().any(|line| line.starts_with("employeeNumber") && line.contains("integer")), "{show}");
    let aside = said(&["table", "set-aside", &bed.id, "account"]).await;
    assert!(aside.lines().count() == 1 && aside.split('\t').count() == 3, "{aside:?}");
    assert_eq!(said(&["table", "set-aside", &bed.id, "group"]).await, "");
}

#[tokio::test]
async fn a_table_or_a_connection_that_is_not_there_ends_with_4_and_tells_which_there_are() {
    let bed = imported().await;
    for verb in ["show", "export", "set-aside"] {
        let complaint = complained(&["table", verb, &bed.id, "acount"], 4).await;
        assert!(complaint.contains("acount") && complaint.contains(&format!("{}_account, ", bed.id)), "{complaint}");
    }
    complained(&["table", "list", "nowhere"], 4).await;
    complained(&["table", "export", &bed.id, "account", "--format", "xlsx"], 2).await;
}

#[tokio::test]
async fn rows_go_to_standard_output_and_the_position_to_standard_error() {
    let bed = imported().await;
    let export = ran(&["table", "export", &bed.id, "account"]).await;
    let csv = String::from_utf8(export.stdout.clone()).unwrap();
    assert!(csv.starts_with(":uid,") && csv.lines().count() == 4, "{}", told(&export));
    let note = String::from_utf8(export.stderr).unwrap();
    let position = note.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(position.parse::<i64>().unwrap() > 0, "{note}");
    let since = said(&["table", "export", &bed.id, "account", "--since", &position]).await;
    assert_eq!(since.lines().count(), 1, "nothing happened since: {since}");
    let lines = said(&["table", "export", &bed.id, "account", "--format", "ndjson"]).await;
    assert!(lines.lines().all(|line| line.starts_with('{')), "{lines}");
}

#[tokio::test]
async fn a_file_is_there_when_it_is_whole_and_what_was_there_stays_otherwise() {
    let bed = imported().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    complained(&["table", "export", &bed.id, "acount", "-o", &path("people.csv")], 4).await;
    assert!(names().is_empty(), "{:?}", names());
    fs::write(path("people.csv"), "of yesterday").unwrap();
    complained(&["table", "export", &bed.id, "account", "--since=-5", "-o", &path("people.csv")], 2).await;
    assert_eq!(fs::read_to_string(path("people.csv")).unwrap(), "of yesterday");
    assert_eq!(said(&["table", "export", &bed.id, "account", "-o", &path("people.csv")]).await, "");
    assert_eq!(fs::read_to_string(path("people.csv")).unwrap().lines().count(), 4);
    said(&["table", "export", &bed.id, "account", "--format", "parquet", "-o", &path("people.parquet")]).await;
    assert!(fs::read(path("people.parquet")).unwrap().ends_with(b"PAR1"));
    assert_eq!(names(), ["people.csv", "people.parquet"]);
    complained(&["table", "export", &bed.id, "account", "-o", &path("nowhere/people.csv")], 1).await;
}
