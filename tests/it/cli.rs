//! The command line: what scripts rely on (exit codes, JSON, streams), and the README's tour.

mod connections;
mod example;
mod mappings;
mod schedules;
mod tables;
mod tasks;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use hawser_tests::bed::Bed;
use hawser_tests::guests::connectors;
use hawser_tests::house::House;
use hawser_tests::{binary, workspace_root};
use serde_json::Value as Json;

/// The command line as the operator of a house.
pub(crate) fn hawser(house: &House) -> Command {
    let mut command = Command::new(binary());
    command.env("HAWSER_URL", house.base()).env("HAWSER_TOKEN", &house.tokens().operator).env("NO_COLOR", "1");
    command
}

/// Runs it beside the test's own work.
pub(crate) async fn run(mut command: Command, input: &'static str) -> Output {
    let run = move || {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

pub(crate) fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs it with these arguments as the operator of the host that tests share.
async fn ran(arguments: &[&str]) -> Output {
    let mut command = hawser(House::shared().await);
    command.args(arguments);
    run(command, "").await
}

/// What a command that did what it should wrote to standard output.
async fn said(arguments: &[&str]) -> String {
    let output = ran(arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that ended with that code complained about; nothing is on standard output.
async fn complained(arguments: &[&str], code: i32) -> String {
    let output = ran(arguments).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", told(&output));
    String::from_utf8(output.stderr).unwrap()
}

/// A file with that content in a folder of its own.
fn file(name: &str, content: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[tokio::test]
async fn exit_codes_say_what_kind_of_failure_it_was() {
    let house = House::shared().await;
    let bed = Bed::new(2, 0).await;
    let cases: [(&[&str], i32); 6] = [
        (&["connection", "show", &bed.id], 0),
        (&["connection", "show", "nowhere"], 4),
        (&["connection", "show", "under_score"], 2),
        (&["connection", "shows"], 2),
        (&["object", "create", &bed.id, "account", "--name", "x", "--set", "id=u1"], 8),
        (&["connection", "show", &bed.id, "--token", "hawser_core_guessed"], 3),
    ];
    for (arguments, code) in cases {
        let mut command = hawser(house);
        command.args(arguments);
        let output = run(command, "").await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
    }
    let mut nobody = Command::new(binary());
    nobody.args(["connector", "list", "--url", "http://127.0.0.1:9", "--token", "x"]);
    let nobody = run(nobody, "").await;
    assert_eq!(nobody.status.code(), Some(6), "{}", told(&nobody));
}

#[tokio::test]
async fn json_is_what_the_api_answered_and_nothing_else_is_on_standard_output() {
    let house = House::shared().await;
    let bed = Bed::new(2, 0).await;
    let mut command = hawser(house);
    command.args(["object", "get", &bed.id, "account", "u1", "--json"]);
    let output = run(command, "").await;
    assert!(output.status.success(), "{}", told(&output));
    let printed: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, bed.core.get(&bed.account("u1")).await.expect(200).json());
}

#[tokio::test]
async fn a_password_comes_from_standard_input_and_is_not_printed() {
    let house = House::shared().await;
    let bed = Bed::new(1, 0).await;
    let mut set = hawser(house);
    set.args(["object", "password", &bed.id, "account", "u1", "--password-stdin"]);
    let set = run(set, "hush-hush\n").await;
    assert!(set.status.success() && !told(&set).contains("hush-hush"), "{}", told(&set));
    let attempt = || {
        let mut attempt = hawser(house);
        attempt.args(["object", "authenticate", &bed.id, "account", "user.1", "--password-stdin"]);
        attempt
    };
    let right = run(attempt(), "hush-hush\n").await;
    assert!(right.status.success(), "{}", told(&right));
    let wrong = run(attempt(), "guess\n").await;
    assert!(!wrong.status.success() && !told(&wrong).contains("guess"), "{}", told(&wrong));
}

/// The commands of the README's tour, but for those that build and start a host.
fn tour(readme: &str) -> String {
    let blocks = readme.split("```sh tour\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

#[tokio::test]
async fn the_tour_of_the_readme_works_as_it_is_written() {
    let house = House::with(|config| {
        config.connectors.clear();
        config.allow_unsigned = false;
    })
    .await;
    let readme = std::fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let script = tour(&readme);
    assert!(script.lines().count() > 20, "{script}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tour.sh"), script).unwrap();
    std::os::unix::fs::symlink(binary(), folder.path().join("hawser")).unwrap();
    let built = folder.path().join("target/hawser/hawser-csv");
    std::fs::create_dir_all(&built).unwrap();
    for file in ["connector.toml", "component.wasm"] {
        std::fs::copy(connectors().join("hawser-csv").join(file), built.join(file)).unwrap();
    }
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "tour.sh"]).current_dir(folder.path()).env("PATH", path);
    bash.env("HAWSER_URL", house.base()).env("HAWSER_TOKEN", &house.tokens().operator);
    let output = run(bash, "").await;
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("ada@example.org"), "{}", told(&output));
    house.stop().await;
}
