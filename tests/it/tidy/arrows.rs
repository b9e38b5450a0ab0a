//! The arrows between the rooms of the host: a room uses only what stands below it.
//!
//! Read off the paths in the code: `crate::room`, `crate::{room, ...}`, `hawser::room` and chains of `super` that reach
//! the crate's root.

use std::fs;
use std::path::{Path, PathBuf};

use super::rust::{code_only, leading_word};

/// The rooms, lowest first; those on one line stand side by side and do not use each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["clock", "config"],
    &["egress", "signing", "store"],
    &["http", "ldap"],
    &["runtime"],
    &["secrets", "audit", "registry"],
    &["connections", "builder"],
    &["tables"],
    &["mappings"],
    &["tasks"],
    &["declared"],
    &["api", "console"],
    &["host"],
    &["cli"],
    &["main", "lib"],
];

/// Arrows the floors would allow and the design does not.
const FORBIDDEN: &[(&str, &str)] = &[("runtime", "store")];

/// What is wrong in the host's source folder.
pub(super) fn complaints(source: &Path) -> Vec<String> {
    let mut files = Vec::new();
    rust_files(source, &mut files);
    files.sort();
    files.iter().flat_map(|file| file_complaints(source, file)).collect()
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("the source folder can be read").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn file_complaints(source: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(source).expect("the file is in the source folder").with_extension("");
    let parts: Vec<&str> = inside.iter().map(|part| part.to_str().expect("file names are UTF-8")).collect();
    let room = parts[0];
    let Some(floor) = floor(room) else {
        return vec![format!("{}: the room {room} has no floor; add it to FLOORS", file.display())];
    };
    let code = code_only(&fs::read_to_string(file).expect("source is UTF-8"));
    let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
    let refused = |used: &&str| *used != room && !may_use(room, floor, used);
    let mut used = rooms_used(&code, depth);
    used.sort_unstable();
    used.dedup();
    let complaint = |used: &str| format!("{}: {room} may not use {used}", inside.display());
    used.into_iter().filter(refused).map(complaint).collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

fn may_use(room: &str, at: usize, used: &str) -> bool {
    floor(used).is_some_and(|below| below < at) && !FORBIDDEN.contains(&(room, used))
}

/// The rooms that the code of a module `depth` levels below the root names.
fn rooms_used(code: &str, depth: usize) -> Vec<&str> {
    let rooted = ["crate::", "hawser::"].into_iter().flat_map(|root| after_each(code, root));
    let climbed = "super::".repeat(depth);
    let climbing = after_each(code, &climbed).filter(|path| !path.starts_with("super::"));
    rooted.chain(climbing).flat_map(first_words).filter(|word| floor(word).is_some()).collect()
}

/// What follows each place where `path` begins.
fn after_each<'a>(code: &'a str, path: &str) -> impl Iterator<Item = &'a str> {
    let starts = code.match_indices(path).map(|(at, found)| (at, at + found.len())).collect::<Vec<_>>();
    let begins =
        move |&(at, _): &(usize, usize)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
    starts.into_iter().filter(begins).map(|(_, end)| &code[end..])
}

/// The first word of a path, or of each path of a group `{a::b, c}`.
fn first_words(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else { return vec![leading_word(path)] };
    let mut words = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                words.push(leading_word(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complain(files: &[(&str, &str)]) -> Vec<String> {
        let source = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = source.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        complaints(source.path())
    }

    #[test]
    fn an_arrow_upwards_is_refused_in_every_spelling() {
        assert_eq!(complain(&[("store.rs", "use crate::api::Problem;")]), ["store: store may not use api"]);
        assert_eq!(
            complain(&[("model/id.rs", "use crate::{model::x, clock};")]),
            ["model/id: model may not use clock"]
        );
        assert_eq!(complain(&[("model/id.rs", "use super::super::store;")]), ["model/id: model may not use store"]);
        assert_eq!(complain(&[("audit.rs", "fn f() { crate::tasks::run() }")]), ["audit: audit may not use tasks"]);
        assert_eq!(complain(&[("host.rs", "use hawser::cli;")]), ["host: host may not use cli"]);
    }

    #[test]
    fn neighbours_do_not_use_each_other() {
        assert_eq!(complain(&[("api/x.rs", "use crate::console::Page;")]), ["api/x: api may not use console"]);
    }

    #[test]
    fn the_runtime_does_not_know_the_store() {
        assert_eq!(
            complain(&[("runtime/call.rs", "use crate::store::Store;")]),
            ["runtime/call: runtime may not use store"]
        );
    }

    #[test]
    fn a_room_nobody_placed_is_refused() {
        let complaints = complain(&[("attic.rs", "")]);
        assert!(complaints[0].ends_with("the room attic has no floor; add it to FLOORS"), "{complaints:?}");
    }

    #[test]
    fn what_stands_below_and_what_is_only_mentioned_is_fine() {
        let code = "// see crate::cli\nuse crate::{clock::{self, Clock}, model};\nuse super::problem;";
        assert_eq!(complain(&[("api/x.rs", code)]), Vec::<String>::new());
    }
}
