//! Files: the permitted directory and nothing above it, whatever lies there and whatever the options say.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::json;

const OUTSIDE: &str = "id,userName,secret\nu1,outsider,canary-outside\n";

/// A bed whose accounts file has that name.
async fn reading(name: &str) -> Bed {
    let bed = Bed::bare(House::shared().await, People::new(1, 0)).await;
    let mut body = bed.connection();
    body["options"]["accounts-file"] = json!(name);
    bed.create(&body).await;
    bed
}

/// A refresh must fail, name the file, and tell nothing of what lies outside.
async fn assert_refused(bed: &Bed, name: &str) {
    let refused = bed.operator.order(&bed.at("/schema/refresh")).await;
    refused.refusal().names(name);
    assert!(!refused.text.contains("canary"), "{}", refused.text);
}

#[tokio::test]
async fn a_name_that_leads_out_of_the_directory_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("outside.csv"), OUTSIDE).unwrap();
    let absolute = outside.path().join("outside.csv").to_str().unwrap().to_owned();
    for name in ["../outside.csv", "..", ".", "a/../../outside.csv", "./accounts.csv", "/etc/passwd", absolute.as_str()]
    {
        assert_refused(&reading(name).await, name).await;
    }
}

#[tokio::test]
async fn a_link_is_not_followed_wherever_it_leads() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("outside.csv"), OUTSIDE).unwrap();
    let bed = reading("link.csv").await;
    symlink(outside.path().join("outside.csv"), bed.people.path().join("link.csv")).unwrap();
    assert_refused(&bed, "link.csv").await;
    let inside = reading("link.csv").await;
    symlink("accounts.csv", inside.people.path().join("link.csv")).unwrap();
    assert_refused(&inside, "link.csv").await;
}

#[tokio::test]
async fn what_is_no_file_is_refused_and_keeps_nobody_waiting() {
    let pipe = reading("pipe.csv").await;
    assert!(Command::new("mkfifo").arg(pipe.people.path().join("pipe.csv")).status().unwrap().success());
    let asked = std::time::Instant::now();
    assert_refused(&pipe, "pipe.csv").await;
    assert!(asked.elapsed().as_secs() < 5, "a pipe without a writer held the call");
    let folder = reading("folder.csv").await;
    fs::create_dir(folder.people.path().join("folder.csv")).unwrap();
    assert_refused(&folder, "folder.csv").await;
}

#[tokio::test]
async fn a_write_through_a_link_changes_neither_end() {
    let bed = Bed::new(2, 0).await;
    let outside = tempfile::tempdir().unwrap();
    let (target, link) = (outside.path().join("accounts.csv"), bed.people.path().join("accounts.csv"));
    fs::rename(&link, &target).unwrap();
    symlink(&target, &link).unwrap();
    let before = fs::read_to_string(&target).unwrap();
    bed.core.delete(&bed.account("u1")).await.refusal();
    assert_eq!(fs::read_to_string(&target).unwrap(), before);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}
