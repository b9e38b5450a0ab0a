//! Files: each opens with what lives in it, and each is declared by the module above it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::rust::{code_only, leading_word};

/// Rust files that do not open with `//!`.
pub(super) fn undocumented(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let opens = |file: &&PathBuf| fs::read_to_string(root.join(file)).expect("source is UTF-8").starts_with("//! ");
    let complaint =
        |file: &PathBuf| format!("{}: open it with `//!`: what lives here, what it promises", file.display());
    rust(files).filter(|file| !opens(file)).map(complaint).collect()
}

/// Rust files that no crate reaches.
pub(super) fn dead(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut reached = BTreeSet::new();
    for crate_root in files.iter().filter(|file| is_crate_root(root, file)) {
        reach(root, crate_root, true, &mut reached);
    }
    let complaint =
        |file: &PathBuf| format!("{}: no crate reaches it; declare it with `mod`, or delete it", file.display());
    rust(files).filter(|file| !reached.contains(*file)).map(complaint).collect()
}

fn rust(files: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
}

/// What cargo compiles as a crate of its own: the usual names, and what a manifest names in a `path`.
fn is_crate_root(root: &Path, file: &Path) -> bool {
    let usual = ["src/lib.rs", "src/main.rs", "build.rs"];
    file.ancestors().skip(1).any(|folder| {
        let Ok(manifest) = fs::read_to_string(root.join(folder).join("Cargo.toml")) else { return false };
        let inside = file.strip_prefix(folder).expect("an ancestor is a prefix");
        let alone = |kind| inside.parent() == Some(Path::new(kind)) && inside.extension().is_some_and(|e| e == "rs");
        let own_folder = inside.components().count() == 3 && inside.starts_with("tests") && inside.ends_with("main.rs");
        let named = format!("path = \"{}\"", inside.display());
        usual.iter().any(|name| inside == Path::new(name))
            || (manifest.contains("[package]")
                && (own_folder || ["tests", "benches", "examples", "src/bin"].into_iter().any(alone)))
            || manifest.contains(&named)
    })
}

fn reach(root: &Path, file: &Path, is_root: bool, reached: &mut BTreeSet<PathBuf>) {
    if !reached.insert(file.to_owned()) {
        return;
    }
    let code = code_only(&fs::read_to_string(root.join(file)).expect("source is UTF-8"));
    let beside = file.parent().expect("a file has a folder");
    let is_folder_file = is_root || file.file_stem().is_some_and(|stem| stem == "mod");
    let folder = if is_folder_file { beside.to_owned() } else { file.with_extension("") };
    for module in declared(&code) {
        let candidates = [folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs")];
        for candidate in candidates.iter().filter(|candidate| root.join(candidate).is_file()) {
            reach(root, candidate, false, reached);
        }
    }
}

/// The modules that a file declares elsewhere: `mod name;`.
fn declared(code: &str) -> Vec<&str> {
    let begins = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let after = code.match_indices("mod ").filter(|(at, _)| begins(*at)).map(|(at, found)| &code[at + found.len()..]);
    after
        .map(|rest| (leading_word(rest), rest))
        .filter(|(word, rest)| rest[word.len()..].starts_with(';'))
        .map(|(word, _)| word)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let names = files.iter().map(|(name, _)| PathBuf::from(name)).collect();
        (root, names)
    }

    #[test]
    fn a_file_without_a_module_doc_is_named() {
        let (root, files) = tree(&[("a.rs", "//! A.\n"), ("b.rs", "use x;\n"), ("c.rs", "/// C.\n")]);
        let complaints = undocumented(root.path(), &files);
        assert_eq!(complaints.len(), 2);
        assert!(complaints[0].starts_with("b.rs: ") && complaints[1].starts_with("c.rs: "), "{complaints:?}");
    }

    #[test]
    fn a_file_that_no_crate_reaches_is_named() {
        let (root, files) = tree(&[
            ("x/Cargo.toml", "[package]\n[[test]]\npath = \"it/main.rs\"\n"),
            ("x/src/lib.rs", "pub mod a;\n// mod ghost;\n"),
            ("x/src/a.rs", "mod b;"),
            ("x/src/a/b.rs", ""),
            ("x/src/a/orphan.rs", ""),
            ("x/src/ghost.rs", ""),
            ("x/tests/topic/main.rs", ""),
            ("x/it/main.rs", "mod c;"),
            ("x/it/c/mod.rs", "mod d;"),
            ("x/it/c/d.rs", ""),
        ]);
        let complaints = dead(root.path(), &files);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("x/src/a/orphan.rs: ") && complaints[1].starts_with("x/src/ghost.rs: "));
    }
}
