//! The tree held against the rules of `host/ARCHITECTURE.md` and `CONTRIBUTING.md` that a compiler does not know.
//!
//! Each rule is a pure function from a tree to a list of complaints, in a file of its own, and each is shown a bad
//! example there: a rule that cannot fire protects nothing.

mod arrows;
mod dependencies;
mod frozen;
mod guests;
mod modules;
mod places;
mod rust;

use std::path::{Path, PathBuf};
use std::process::Command;

use hawser_tests::workspace_root;

/// Fails with every complaint, so that one run shows all of them.
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The files of the repository, tracked or about to be, relative to its root.
fn repository_files(root: &Path) -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git lists the repository's files");
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    let names = String::from_utf8(list.stdout).expect("file names are UTF-8");
    names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).is_file()).collect()
}

#[test]
fn rooms_use_only_what_stands_below_them() {
    assert_tidy(&arrows::complaints(&workspace_root().join("host/src")));
}

#[test]
fn every_rust_file_opens_with_what_lives_in_it() {
    let root = workspace_root();
    assert_tidy(&modules::undocumented(&root, &repository_files(&root)));
}

#[test]
fn every_rust_file_is_part_of_a_crate() {
    let root = workspace_root();
    assert_tidy(&modules::dead(&root, &repository_files(&root)));
}

#[test]
fn released_contracts_are_as_they_were_released() {
    assert_tidy(&frozen::complaints(&workspace_root().join("wit")));
}

#[test]
fn versions_and_features_stand_in_the_workspace_alone() {
    let root = workspace_root();
    assert_tidy(&dependencies::complaints(&root, &repository_files(&root)));
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    let root = workspace_root();
    assert_tidy(&places::complaints(&root, &repository_files(&root)));
}

#[test]
fn every_test_guest_is_named_by_a_test() {
    assert_tidy(&guests::complaints(&workspace_root().join("tests")));
}
