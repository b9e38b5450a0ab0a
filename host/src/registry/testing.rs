//! What the room's tests share: a compiling process that is a real process, without the product's command line.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::{CompileConfig, Config};

/// A program that is a shell script in that folder.
pub(super) fn script(folder: &Path, text: &str) -> PathBuf {
    let program = folder.join("program.sh");
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    program
}

/// Compiles in this very test binary, as a child: the test below, whose own words go to standard error. Each start adds
/// a line to the file `starts` of the folder.
pub(super) fn compile_config(folder: &Path) -> CompileConfig {
    let tests = std::env::current_exe().unwrap();
    let child = "registry::testing::the_compiling_child --exact --ignored --nocapture";
    let starts = folder.join("starts");
    let (starts, tests) = (starts.display(), tests.display());
    let program = script(folder, &format!("echo x >> '{starts}'\nexec '{tests}' {child} 3>&1 1>&2"));
    CompileConfig { program, ..Config::default().compile }
}

#[test]
#[ignore = "started by other tests, with a component on its standard input"]
fn the_compiling_child() {
    use std::io::{Read as _, Write as _};
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component).unwrap();
    match crate::runtime::precompile(&component) {
        Ok(code) => std::fs::File::create("/dev/fd/3").unwrap().write_all(&code).unwrap(),
        Err(error) => panic!("{error}"),
    }
}
