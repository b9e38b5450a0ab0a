//! Test guests: each folder of `tests/guests` is named by a test or a bench, and so is everything their options allow, since
//! a guest nobody runs proves nothing, and a mood nobody asks for neither.

use std::fs;
use std::path::Path;

/// What is wrong below the tests' folder.
pub(super) fn complaints(tests: &Path) -> Vec<String> {
    let Ok(folders) = fs::read_dir(tests.join("guests")) else { return Vec::new() };
    let mut text = String::new();
    for users in ["it", "benches"].map(|users| tests.join(users)).iter().filter(|users| users.is_dir()) {
        collect(users, &mut text);
    }
    let names = folders.map(|folder| folder.expect("the folder can be read").path()).filter(|path| path.is_dir());
    let names = names.map(|path| path.file_name().expect("a folder has a name").to_string_lossy().into_owned());
    let named = |word: &str| text.contains(&format!("\"{word}\""));
    let unnamed = |name: String| {
        let installed = text.contains(&format!("\"hawser/{name}\""));
        let guest = (!named(&name) && !installed).then(|| format!("tests/guests/{name}: no test names it"));
        let manifest = tests.join("guests").join(&name).join("connector.toml");
        let words = allowed(&manifest).into_iter().filter(|word| !named(word));
        let words = words.map(|word| format!("tests/guests/{name}: no test names what its options allow: {word}"));
        guest.into_iter().chain(words).collect::<Vec<_>>()
    };
    names.flat_map(unnamed).collect()
}

/// Every value that an option of the manifest allows.
fn allowed(manifest: &Path) -> Vec<String> {
    let text = fs::read_to_string(manifest).expect("a guest has a manifest");
    let manifest: toml::Table = text.parse().expect("a manifest is TOML");
    let options = manifest.get("option").and_then(toml::Value::as_array).into_iter().flatten();
    let values = options.filter_map(|option| option.get("allowed")?.as_array()).flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
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
fn a_guest_or_a_mood_that_no_test_names_is_found() {
    let tests = tempfile::tempdir().unwrap();
    for guest in ["used", "forgotten"] {
        let folder = tests.path().join("guests").join(guest);
        fs::create_dir_all(&folder).unwrap();
        let moods = "[[option]]\nallowed = [\"used\", \"sad\"]\n";
        fs::write(folder.join("connector.toml"), if guest == "used" { moods } else { "" }).unwrap();
    }
    fs::create_dir_all(tests.path().join("it/deep")).unwrap();
    fs::write(tests.path().join("it/deep/x.rs"), "run(\"used\")").unwrap();
    let mut found = complaints(tests.path());
    found.sort();
    let expected =
        ["tests/guests/forgotten: no test names it", "tests/guests/used: no test names what its options allow: sad"];
    assert_eq!(found, expected);
}
