//! Files as hostile directories and hostile names have them, and replacements that are cut off at every point.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use super::folder::Folder;
use super::replacement::{Draft, FileLocks};
use crate::model::{Access, Directory, Failure, FailureKind};

fn folder(path: &Path) -> Folder {
    Folder::open(&Directory { path: path.to_owned(), access: Access::ReadWrite }).unwrap()
}

fn draft(path: &Path, name: &str, expected: Option<&str>) -> Result<Draft, Failure> {
    Draft::begin(folder(path), name.to_owned(), expected.map(str::to_owned), &FileLocks::default())
}

fn commit(draft: Draft) -> Result<(), Failure> {
    draft.commit(&FileLocks::default(), SystemTime::UNIX_EPOCH)
}

fn replace(path: &Path, name: &str, expected: Option<&str>, content: &str) -> Result<(), Failure> {
    let mut draft = draft(path, name, expected)?;
    draft.write(content.as_bytes())?;
    commit(draft)
}

fn version_of(path: &Path, name: &str) -> String {
    folder(path).file(name).unwrap().info.version
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nothing_but_a_plain_name_can_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    fs::write(directory.path().join("sub/file"), "x").unwrap();
    fs::write(directory.path().join(".hidden"), "x").unwrap();
    let long = "a".repeat(256);
    for name in ["", ".", "..", "../etc/passwd", "/etc/passwd", "sub/file", "a\\b", "a\0b", ".hidden", "a\nb", &long] {
        let refused = folder(directory.path()).file(name).unwrap_err();
        assert_eq!(refused.kind, FailureKind::NotPermitted, "{name:?}: {}", refused.message);
        assert_eq!(draft(directory.path(), name, None).unwrap_err().kind, FailureKind::NotPermitted, "{name:?}");
    }
}

#[test]
fn links_pipes_devices_and_directories_are_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("real"), "x").unwrap();
    symlink(outside.path(), at("link-out")).unwrap();
    symlink("real", at("link-in")).unwrap();
    symlink("/dev/zero", at("device")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    for name in ["link-out", "link-in", "device", "folder", "pipe", "socket"] {
        assert_eq!(folder(directory.path()).file(name).unwrap_err().kind, FailureKind::NotPermitted, "{name}");
        assert_eq!(draft(directory.path(), name, None).unwrap_err().kind, FailureKind::NotPermitted, "{name}");
    }
    let listed: Vec<_> = folder(directory.path()).list().unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(listed, ["real"]);
}

#[test]
fn a_real_device_is_no_file() {
    assert_eq!(folder(Path::new("/dev")).file("zero").unwrap_err().kind, FailureKind::NotPermitted);
}

#[test]
fn a_missing_file_and_a_missing_directory_are_configuration_errors() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(folder(directory.path()).file("gone").unwrap_err().kind, FailureKind::Configuration);
    let gone = Directory { path: directory.path().join("gone"), access: Access::ReadOnly };
    let failure = Folder::open(&gone).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Configuration);
    assert!(!failure.message.contains(directory.path().to_str().unwrap()), "the guest learns no path of the host");
}

#[test]
fn an_open_file_is_read_as_it_was_when_somebody_replaces_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "old content").unwrap();
    let open = folder(directory.path()).file("a").unwrap();
    replace(directory.path(), "a", Some(&open.info.version), "new").unwrap();
    assert_eq!(open.read(4, 100).unwrap(), b"content");
    assert_eq!(open.read(4, 3).unwrap(), b"con");
    assert_eq!(open.read(100, 10).unwrap(), b"");
}

#[test]
fn a_file_changed_meanwhile_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one").unwrap();
    let seen = version_of(directory.path(), "a");
    let mut late = draft(directory.path(), "a", Some(&seen)).unwrap();
    late.write(b"mine").unwrap();
    replace(directory.path(), "a", Some(&seen), "theirs").unwrap();
    assert_eq!(commit(late).unwrap_err().kind, FailureKind::PreconditionFailed);
    assert_eq!(draft(directory.path(), "a", Some(&seen)).unwrap_err().kind, FailureKind::PreconditionFailed);
    assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), "theirs");
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn a_file_that_vanished_is_not_the_expected_version() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one").unwrap();
    let seen = version_of(directory.path(), "a");
    fs::remove_file(directory.path().join("a")).unwrap();
    assert_eq!(replace(directory.path(), "a", Some(&seen), "x").unwrap_err().kind, FailureKind::PreconditionFailed);
}

#[test]
fn a_link_put_in_the_place_of_the_file_meanwhile_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "precious").unwrap();
    let begun = draft(directory.path(), "a", None).unwrap();
    symlink(outside.path(), directory.path().join("a")).unwrap();
    assert_eq!(commit(begun).unwrap_err().kind, FailureKind::NotPermitted);
    assert_eq!(fs::read_to_string(outside.path()).unwrap(), "precious");
}

#[test]
fn of_many_commits_that_expect_the_same_version_one_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one").unwrap();
    let seen = version_of(directory.path(), "a");
    let locks = FileLocks::default();
    let drafts: Vec<_> = (0..8).map(|_| draft(directory.path(), "a", Some(&seen)).unwrap()).collect();
    let committed = std::thread::scope(|scope| {
        let commits: Vec<_> =
            drafts.into_iter().map(|draft| scope.spawn(|| draft.commit(&locks, SystemTime::UNIX_EPOCH))).collect();
        commits.into_iter().map(|commit| commit.join().unwrap()).filter(Result::is_ok).count()
    });
    assert_eq!(committed, 1);
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn versions_of_equal_size_written_at_once_differ() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..200 {
        replace(directory.path(), "a", None, &format!("{round:03}")).unwrap();
        assert!(seen.insert(version_of(directory.path(), "a")), "round {round} repeats a version");
    }
}

#[test]
fn a_draft_dropped_without_commit_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one").unwrap();
    let seen = version_of(directory.path(), "a");
    let mut dropped = draft(directory.path(), "a", None).unwrap();
    dropped.write(b"two").unwrap();
    assert_eq!(names(directory.path()).len(), 2);
    drop(dropped);
    assert_eq!((names(directory.path()), version_of(directory.path(), "a")), (vec!["a".into()], seen));
}

#[test]
fn what_a_killed_host_left_is_removed_and_a_draft_in_use_is_not() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "one").unwrap();
    let living = draft(directory.path(), "a", None).unwrap();
    let used = names(directory.path()).into_iter().find(|name| name.starts_with(".hawser-")).unwrap();
    // A kill closes the file, which unlocks it, and runs no destructor that would remove it.
    let dead = format!("{}-0000000000000000", used.rsplit_once('-').unwrap().0);
    fs::write(directory.path().join(&dead), "half").unwrap();
    drop(draft(directory.path(), "a", None).unwrap());
    assert_eq!(names(directory.path()), [used, "a".into()]);
    commit(living).unwrap();
    assert_eq!(names(directory.path()), ["a"]);
}

#[test]
fn a_replacement_keeps_the_mode_of_the_old_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    fs::write(&path, "one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    replace(directory.path(), "a", None, "two").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
    replace(directory.path(), "new", None, "x").unwrap();
    assert_eq!(fs::metadata(directory.path().join("new")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn the_longest_name_can_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let name = "n".repeat(255);
    replace(directory.path(), &name, None, "x").unwrap();
    assert_eq!(folder(directory.path()).file(&name).unwrap().read(0, 9).unwrap(), b"x");
}
