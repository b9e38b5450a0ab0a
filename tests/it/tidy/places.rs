//! Places: no file names a path of somebody's machine or the registry or mirror it downloads from.

use std::fs;
use std::path::{Path, PathBuf};

/// Written in halves, so that this file does not name them.
const PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/tm", "p/")];
const HOSTS: &[&str] = &[
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("static.rust-lang", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
];

/// What is wrong in the files of the repository; files that are not text are passed over.
pub(super) fn complaints(root: &Path, files: &[PathBuf]) -> Vec<String> {
    files
        .iter()
        .flat_map(|file| file_complaints(file, &fs::read(root.join(file)).expect("the file can be read")))
        .collect()
}

fn file_complaints(file: &Path, bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let numbered = text.lines().zip(1..);
    let named = numbered.filter_map(|(line, number)| Some((named(line)?, number)));
    named.map(|(place, number)| format!("{}:{number}: names {place}", file.display())).collect()
}

fn named(line: &str) -> Option<&'static str> {
    let path = PATHS.iter().find(|path| begins_a_path(line, path));
    path.or_else(|| HOSTS.iter().find(|host| line.contains(**host))).copied()
}

/// Does the path stand there from its root on? `docs/work/x` is no machine's path.
fn begins_a_path(line: &str, path: &str) -> bool {
    let inner = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || "_-.}{)/*".contains(c));
    line.match_indices(path).any(|(at, _)| !inner(&line[..at]))
}

#[test]
fn a_machines_path_and_a_registrys_host_are_named_with_their_line() {
    let file = Path::new("x.md");
    let path = format!("fine\nsee {}somebody/x", PATHS[0]);
    assert_eq!(file_complaints(file, path.as_bytes()), [format!("x.md:2: names {}", PATHS[0])]);
    let host = format!("https://{}/crates", HOSTS[0]);
    assert_eq!(file_complaints(file, host.as_bytes()), [format!("x.md:1: names {}", HOSTS[0])]);
    let inner = format!("docs{}x and ${{dir}}{}y", PATHS[1], PATHS[2]);
    assert_eq!(file_complaints(file, inner.as_bytes()), Vec::<String>::new());
}
