//! Test guests: each folder of `tests/guests` is named by a test, since a guest nobody runs proves nothing.

use std::fs;
use std::path::Path;

/// What is wrong below the tests' folder.
pub(super) fn complaints(tests: &Path) -> Vec<String> {
    let Ok(folders) = fs::read_dir(tests.join("guests")) else { return Vec::new() };
    let mut text = String::new();
    collect(&tests.join("it"), &mut text);
    let names = folders.map(|folder| folder.expect("the folder can be read").path()).filter(|path| path.is_dir());
    let names = names.map(|path| path.file_name().expect("a folder has a name").to_string_lossy().into_owned());
    names
        .filter(|name| !text.contains(&format!("\"{name}\"")))
        .map(|name| format!("tests/guests/{name}: no test names it"))
        .collect()
}

fn collect(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).expect("tests are UTF-8"));
        }
    }
}

#[test]
fn a_guest_that_no_test_names_is_found() {
    let tests = tempfile::tempdir().unwrap();
    for guest in ["used", "forgotten"] {
        fs::create_dir_all(tests.path().join("guests").join(guest)).unwrap();
    }
    fs::create_dir_all(tests.path().join("it/deep")).unwrap();
    fs::write(tests.path().join("it/deep/x.rs"), "run(\"used\")").unwrap();
    assert_eq!(complaints(tests.path()), ["tests/guests/forgotten: no test names it"]);
}
