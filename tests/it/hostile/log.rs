//! A guest that writes into the log what reads as somebody else's line: it is one line, quoted, cut and under its name.

use std::fs;

use expect_test::expect;
use hawser_tests::child::Host;
use hawser_tests::house::House;

use super::{provoke, stubborn};

/// Longer than this no line of a guest is, in bytes.
const LINE_BYTES_MAX: usize = 12 * 1024;

/// What a host logs of a guest that forges.
async fn lines(settings: &str) -> Vec<String> {
    let house = House::start().await;
    let mut bed = stubborn(&house, "forge", "check").await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    let host = Host::logging(data.path(), &tokens, settings, &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    assert_eq!(provoke(&bed, "check").await.kind, "ok");
    drop(host);
    let written = fs::read_to_string(&log).unwrap();
    assert!(!written.contains(['\u{1b}', '\u{202e}', '\r']), "{written:?}");
    assert!(!written.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z")), "a line was forged");
    written.lines().filter(|line| line.contains("hawser/stubborn@")).map(|line| line.replace(&bed.id, "ID")).collect()
}

/// A line from its level on, without what differs from call to call.
fn settled(line: &str) -> String {
    let (_, line) = line.split_once(" guest: ").unwrap_or_else(|| panic!("no line of a guest: {line}"));
    let (before, after) = line.split_once(" request=").unwrap();
    let (_, after) = after.split_once(' ').unwrap();
    format!("{before} {after}").replace(&"n".repeat(300), "n × 300")
}

#[tokio::test]
async fn a_forged_line_stays_one_quoted_line_of_its_connector() {
    let lines = lines("").await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().all(|line| line.len() < LINE_BYTES_MAX), "{lines:#?}");
    let fields = lines[1].matches("\"connection\"=\"other\"").count();
    assert_eq!(fields, 16, "{}", lines[1]);
    expect![[r#"connector=hawser/stubborn@0.1.0 connection=ID text="fine\u{1b}[31m\r\n2026-01-01T00:00:00Z ERROR guest: forged=true\u{202e}\" connection=\"other" fields="request\" forged=\"true"="fine\u{1b}[31m\r\n2026-01-01T00:00:00Z ERROR guest: forged=true\u{202e}\" connection=\"other" "n × 300"="the name of this field is long""#]]
    .assert_eq(&settled(&lines[0]));
}

#[tokio::test]
async fn a_forged_line_is_one_object_where_the_log_is_json() {
    let lines = lines("[log]\njson = true\n").await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in &lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["target"], &line["connection"]), (&"guest".into(), &"ID".into()), "{line}");
        assert!(line["forged"].is_null(), "{line}");
    }
}
