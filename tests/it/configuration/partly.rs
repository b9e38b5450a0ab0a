//! A declaration that stops halfway: the release that was activated serves, the rest did not happen, and the answer and the
//! trail say just that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use hawser_tests::bed::pages;
use hawser_tests::vendor::Vendor;

use super::*;
use crate::releases::{at, csv, until};

/// A program that is the product's command line, and, once there is a pipe, waits at it until somebody writes a line.
fn pausing(folder: &Path) -> PathBuf {
    let program = folder.join("pausing.sh");
    let (pipe, reached) = (folder.join("pipe"), folder.join("reached"));
    let wait = format!("if [ -p '{0}' ]; then : > '{1}'; read line < '{0}'; fi", pipe.display(), reached.display());
    fs::write(&program, format!("#!/bin/sh\n{wait}\nexec '{}' \"$@\"\n", binary().display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program
}

/// The row of an action in the trail.
fn row<'a>(trail: &'a [Json], action: &str) -> &'a Json {
    trail.iter().find(|row| row["action"] == action).unwrap_or_else(|| panic!("no {action}: {trail:?}"))
}

#[tokio::test]
async fn what_was_activated_before_it_stopped_is_told_and_each_step_has_its_own_outcome() {
    let (folder, people, vendor) = (tempfile::tempdir().unwrap(), People::new(1, 0), Vendor::new());
    let program = pausing(folder.path());
    let house = House::with(|config| {
        config.connectors.clear();
        config.allow_unsigned = false;
        config.compile.program = program;
    })
    .await;
    let operator = house.operator();
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    for version in ["0.1.0", "0.1.1"] {
        csv(&vendor, version, "").await.install(&operator).await.expect(201);
    }
    operator.order(&at("0.1.0", "/activate")).await.expect(200);
    let mut declaration = company(&people, &[WRITE]);
    applied(&house, &declaration).await;
    declaration["connections"]["people"]["title"] = json!("Changed");
    declaration["connectors"] = json!({"hawser/csv": {"versions": ["0.1.1"]}});

    // Its code is gone, so that activating compiles, which waits until the connection was changed.
    for file in fs::read_dir(house.data().join("code")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    let meanwhile = async {
        until(async || folder.path().join("reached").exists()).await;
        let switched = operator.patch("/v1/connections/people/switches", &json!({"import": false})).await;
        let pipe = folder.path().join("pipe");
        tokio::task::spawn_blocking(move || fs::write(pipe, "\n")).await.unwrap().unwrap();
        switched.expect(200);
    };
    let (answer, ()) = tokio::join!(send(&house, "apply", &declaration, json!({"approve": true})), meanwhile);

    let problem = answer.problem(412, "stale").names("hawser/csv 0.1.1");
    assert_eq!(problem.0["effect"], "some", "{}", problem.0);
    let serving = operator.get("/v1/connections/people").await.expect(200).json();
    assert_eq!((&serving["release"]["version"], &serving["title"]), (&json!("0.1.1"), &json!("People in CSV files")));
    let trail = pages(&operator, "/v1/audit?", 1000).await;
    assert_eq!(row(&trail, "connector.update")["outcome"]["status"], "succeeded", "{trail:?}");
    let connection = &row(&trail, "connection.update")["outcome"];
    assert_eq!((&connection["status"], &connection["effect"]), (&json!("failed"), &json!("none")), "{connection}");
    house.stop().await;
}
