//! Files as they come: every untidiness is read as it was meant, set aside with a reason, or refused with the remedy.

use crate::support::{Folder, edges, get, list, list_class};
use hawser_sdk::{Cell, FailureKind, Value};

#[test]
fn a_quote_that_is_never_closed_fails_the_pass_instead_of_swallowing_the_rest() {
    let folder = Folder::new("id,name\n1,ada\n2,\"bob\n3,carl\n");
    let _host = folder.enter();
    let error = list(&[]).unwrap_err();
    assert_eq!(error.kind(), FailureKind::SchemaViolation);
    assert!(error.message().contains("line 3") && error.message().contains("never closed"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_noticed_before_it_fills_the_memory() {
    let rows: String = (0..400_000).map(|n| format!("{n},somebody\n")).collect();
    let folder = Folder::new(format!("id,name\nx,\"oops\n{rows}"));
    let _host = folder.enter();
    assert!(list(&[]).unwrap_err().message().contains("line 2"));
}

#[test]
fn an_empty_file_is_no_file_without_people() {
    let folder = Folder::new("");
    let _host = folder.enter();
    assert_eq!(list(&[]).unwrap_err().kind(), FailureKind::Configuration);
}

#[test]
fn missing_columns_are_a_configuration_error_that_names_them() {
    let folder = Folder::new("number,name\n1,ada\n");
    let _host = folder.enter();
    let error = list(&[]).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    assert!(error.message().contains("`id`") && error.message().contains("number, name"), "{error}");
}

#[test]
fn an_attribute_without_a_column_is_a_schema_violation() {
    let folder = Folder::new("id\n1\n");
    let _host = folder.enter();
    let error = list(&["mail"]).unwrap_err();
    assert_eq!((error.kind(), error.attributes()), (FailureKind::SchemaViolation, &["mail".to_owned()][..]));
    assert_eq!(list_class("robot", &[]).unwrap_err().kind(), FailureKind::SchemaViolation);
    assert_eq!(list_class("group", &[]).unwrap_err().kind(), FailureKind::SchemaViolation);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let folder = Folder::new("id,mail,mail\n1,a,b\n");
    let _host = folder.enter();
    assert!(list(&[]).unwrap_err().message().contains("two columns `mail`"));
}

#[test]
fn ragged_rows_are_set_aside_and_the_others_are_read() {
    let folder = Folder::new("id,name\n1,ada\n2\n3,carl,x\n4,dora\n");
    let _host = folder.enter();
    let pass = list(&["name"]).unwrap();
    assert_eq!(pass.uids(), ["1", "4"]);
    assert_eq!(pass.aside[0].0, "2");
    assert!(pass.aside[0].1.contains("line 3 has 1 cells, the header has 2"), "{:?}", pass.aside);
    assert!(pass.aside[1].1.contains("line 4 has 3 cells"), "{:?}", pass.aside);
}

#[test]
fn rows_without_a_key_and_keys_for_the_second_time_are_set_aside_and_the_first_wins() {
    let folder = Folder::new("id,name\n2,first\n,nobody\n1,ada\n2,second\n3,carl\n3,again\n");
    let _host = folder.enter();
    let pass = list(&["name"]).unwrap();
    assert_eq!(pass.uids(), ["2", "1", "3"]);
    assert_eq!(pass.cells()[0], [Cell::from("first")]);
    let keys: Vec<_> = pass.aside.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["line 3", "2", "3"]);
    assert!(pass.aside[1].1.contains("line 5 has a key that an earlier line has"), "{:?}", pass.aside);
}

#[test]
fn nul_bytes_wrong_encodings_and_control_characters_in_keys_are_set_aside() {
    let folder = Folder::new(b"id,name\n1,a\0b\n2,J\xFCrgen\n\"3\n3\",x\n4,dora\n");
    let _host = folder.enter();
    let pass = list(&["name"]).unwrap();
    assert_eq!(pass.uids(), ["4"]);
    assert!(pass.aside[0].1.contains("NUL"), "{:?}", pass.aside);
    assert!(pass.aside[1].1.contains("not utf-8 in column `name`"), "{:?}", pass.aside);
    assert!(pass.aside[2].1.contains("control character in its key"), "{:?}", pass.aside);
}

#[test]
fn a_character_split_over_two_cells_is_no_character() {
    let folder = Folder::new(b"id,a,b\n1,\xC3,\xBC\n");
    let _host = folder.enter();
    let pass = list(&["a", "b"]).unwrap();
    assert_eq!((pass.rows.len(), pass.aside.len()), (0, 1));
}

#[test]
fn cells_of_the_wrong_type_are_set_aside_and_named() {
    let folder = Folder::new("id,size,ok\n1,12,yes\n2,12a,no\n3,1,maybe\n4,,\n")
        .options("integer-columns", &["size"])
        .options("boolean-columns", &["ok"]);
    let _host = folder.enter();
    let pass = list(&["size", "ok"]).unwrap();
    assert_eq!(pass.uids(), ["1", "4"]);
    assert_eq!(pass.cells()[0], [Cell::Integer(12), Cell::Boolean(true)]);
    assert_eq!(pass.cells()[1], [Cell::Absent, Cell::Absent]);
    assert!(pass.aside[0].1.contains("`12a` in the integer column `size`"), "{:?}", pass.aside);
}

#[test]
fn quoting_marks_line_endings_and_blank_lines_are_read_as_they_were_meant() {
    for newline in ["\n", "\r\n", "\r"] {
        let text =
            "\u{feff}id,\"full \"\"name\"\"\"\n1,\"Lovelace, Ada\"\n\n2,\"say \"\"hi\"\"\"\n".replace('\n', newline);
        let folder = Folder::new(text);
        let _host = folder.enter();
        let pass = list(&["full \"name\""]).unwrap();
        assert_eq!(pass.cells(), [[Cell::from("Lovelace, Ada")], [Cell::from("say \"hi\"")]], "{newline:?}");
        assert_eq!(pass.aside, []);
    }
}

#[test]
fn line_numbers_are_right_whatever_the_line_ending() {
    for (newline, lines) in [("\n", ["line 4", "line 6"]), ("\r\n", ["line 4", "line 6"]), ("\r", ["line 4", "line 6"])]
    {
        let folder = Folder::new("id,name\n1,\"a\nb\"\n,x\n2,c\n,y".replace('\n', newline));
        let _host = folder.enter();
        let aside = list(&[]).unwrap().aside;
        assert_eq!([&aside[0].0, &aside[1].0], lines, "{newline:?}");
    }
}

#[test]
fn a_quoted_cell_keeps_its_line_breaks() {
    let folder = Folder::new("id,note\r\n1,\"two\r\nlines\"\r\n");
    let _host = folder.enter();
    assert_eq!(list(&["note"]).unwrap().cells(), [[Cell::from("two\r\nlines")]]);
}

#[test]
fn semicolons_tabs_and_pipes_are_found_or_told() {
    for (delimiter, option) in [(";", "auto"), ("\t", "auto"), ("|", "auto"), (";", "semicolon"), ("\t", "tab")] {
        let folder = Folder::new(
            "id,name\n1,\"a,b\"\n".replace("id,", &format!("id{delimiter}")).replace("1,", &format!("1{delimiter}")),
        )
        .option("delimiter", option);
        let _host = folder.enter();
        assert_eq!(list(&["name"]).unwrap().cells(), [[Cell::from("a,b")]], "{delimiter:?} {option}");
    }
}

#[test]
fn latin_1_and_windows_1252_are_read_where_they_are_told() {
    for (encoding, expected) in [("latin-1", "J\u{fc}rgen \u{80}"), ("windows-1252", "J\u{fc}rgen €")] {
        let folder = Folder::new(b"id,n\xE4me\n1,J\xFCrgen \x80\n").option("encoding", encoding);
        let _host = folder.enter();
        assert_eq!(list(&["näme"]).unwrap().cells(), [[Cell::from(expected)]]);
    }
}

#[test]
fn long_untidy_headers_are_names_all_the_same() {
    let long = "x".repeat(100);
    let folder = Folder::new(format!("id, {long} ,\"Employee\nNumber\",\n1,a,b,c\n"));
    let _host = folder.enter();
    assert_eq!(list(&[&long, "Employee Number"]).unwrap().cells(), [[Cell::from("a"), Cell::from("b")]]);
    let folder = Folder::new(format!("id,{}\n1,a\n", "x".repeat(300)));
    let _host = folder.enter();
    assert_eq!(list(&[]).unwrap_err().kind(), FailureKind::Configuration);
}

#[test]
fn cells_a_spreadsheet_would_run_are_read_as_they_are() {
    let folder = Folder::new("id,a\n1,=1+1\n2,@x\n3,-5\n");
    let _host = folder.enter();
    assert_eq!(list(&["a"]).unwrap().cells(), [[Cell::from("=1+1")], [Cell::from("@x")], [Cell::from("-5")]]);
}

#[test]
fn lists_empty_cells_and_passwords_stay_apart() {
    let folder = Folder::new("id,tags,mail,hash\n1,a|b,,$argon2id$x\n2,,x,\n")
        .options("multi-valued", &["tags"])
        .option("password-column", "hash");
    let _host = folder.enter();
    let pass = list(&["mail", "tags", "password"]).unwrap();
    let tags = Cell::Many(vec![Value::from("a"), Value::from("b")]);
    assert_eq!(pass.cells(), [[Cell::Absent, tags, Cell::Unread], [Cell::from("x"), Cell::Absent, Cell::Unread]]);
    assert_eq!(list(&["hash"]).unwrap_err().kind(), FailureKind::SchemaViolation, "the hash is never readable");
}

#[test]
fn members_come_as_edges_and_never_as_an_empty_group() {
    let folder = Folder::with_groups("group,account\ng1,1\ng1,2\ng1,1\ng2,\ng2,2\n");
    let _host = folder.enter();
    let groups = list_class("group", &["title", "members"]).unwrap();
    assert_eq!(groups.cells()[0], [Cell::from("Admins"), Cell::Partial(vec![])]);
    assert_eq!(edges(None), (vec!["g1 -> 1".to_owned(), "g1 -> 2".to_owned(), "g2 -> 2".to_owned()], 2));
    assert_eq!(edges(Some("g2")).0, ["g2 -> 2"]);
}

#[test]
fn a_single_object_is_found_with_its_revision() {
    let folder = Folder::new("id,name\r\n1,ada\r\n2,bob\r\n2,again\r\n").option("account-name", "name");
    let _host = folder.enter();
    assert_eq!(get("7", &[]).unwrap_err().kind(), FailureKind::UnknownUid);
    assert_eq!(get("", &[]).unwrap_err().kind(), FailureKind::UnknownUid);
    let bob = get("2", &["name"]).unwrap();
    assert_eq!((bob.name.as_str(), bob.cells.as_slice()), ("bob", &[Cell::from("bob")][..]));
    assert!(bob.revision.is_some());
}
