//! `hawser demo` on each of its targets: every step insists on its answer, so the exit code is the judge.

use std::process::{Command, Output};

use hawser::cli::demo::server::scim2;
use hawser_tests::guests::connectors;
use hawser_tests::{binary, workspace_root};

/// Runs it to its end, beside the test's own work.
async fn demo(arguments: &'static [&'static str]) -> Output {
    let run = move || {
        connectors();
        let mut demo = Command::new(binary());
        demo.arg("demo").args(arguments).env("NO_COLOR", "1").current_dir(workspace_root());
        demo.output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// It ended well, and none of its passwords is on the screen.
fn assert_told_to_its_end(output: &Output) -> String {
    let told = told(output);
    assert!(output.status.success(), "{told}");
    for secret in ["Correct horse", "Not for long", "Svc-Passw0rd!", "Adm1n-Pass!", scim2::TOKEN] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    told
}

#[tokio::test]
async fn the_demo_does_what_it_says() {
    assert_told_to_its_end(&demo(&["--rows", "500"]).await);
}

#[tokio::test]
async fn on_openldap_it_ends_with_a_bind_by_the_new_password() {
    let told = assert_told_to_its_end(&demo(&["--target", "ldap", "--rows", "300"]).await);
    assert!(told.contains("dn:uid=grace.hopper,ou=people,dc=ldap,dc=test"), "{told}");
}

#[tokio::test]
async fn in_active_directory_it_ends_with_a_bind_by_the_new_password() {
    let told = assert_told_to_its_end(&demo(&["--target", "ad", "--rows", "200"]).await);
    assert!(told.contains("sAMAccountName: grace.hopper"), "{told}");
}

#[tokio::test]
async fn on_a_scim_service_it_ends_with_what_curl_reads_there() {
    let told = assert_told_to_its_end(&demo(&["--target", "scim", "--rows", "200"]).await);
    let read =
        told.lines().find(|line| line.contains("\"userName\":\"grace.hopper\"")).unwrap_or_else(|| panic!("{told}"));
    assert!(read.contains("Information Security") && !read.contains("password"), "{read}");
    assert!(told.contains("cloud's metadata") && told.contains("egress.metadata"), "{told}");
    assert!(told.trim_end().contains("steps did what they should"), "{told}");
}

#[tokio::test]
async fn the_worked_example_of_mappings_ends_with_entities_that_are_right() {
    let told = assert_told_to_its_end(&demo(&["--target", "mapping", "--rows", "300"]).await);
    assert!(told.contains("did you mean email?") && told.contains("\"number\":900001"), "{told}");
}

#[tokio::test]
async fn a_company_too_small_for_the_story_is_refused_before_anything_is_started() {
    let output = demo(&["--target", "ldap", "--rows", "5"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(output.stdout.is_empty(), "{}", told(&output));
}
