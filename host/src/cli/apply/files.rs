//! Files that declare a configuration: YAML, one file or all of a directory, joined.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::fault::Fault;
use crate::declared::Declaration;

/// The longest file, and all files together, in bytes.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most files of a directory.
const FILES_MAX: usize = 10_000;
/// The deepest folder below a directory that is looked into.
const DEPTH_MAX: usize = 16;
/// The most values of a file, lists and mappings among them.
const NODES_MAX: usize = 2_000_000;
/// The deepest nesting of a file.
const NESTING_MAX: usize = 64;

/// What a file declares, or all `.yaml` and `.yml` files below a directory, in the order of their paths. What begins with a
/// dot is left out.
///
/// # Errors
/// `usage` with the file, the place and what is wrong there; what two files declare, with both.
pub(super) fn read(path: &Path) -> Result<Declaration, Fault> {
    if !path.is_dir() {
        return parsed(path, &mut BYTES_MAX.clone());
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Fault::usage(format!("{} has no .yaml file", path.display())));
    }
    let (mut all, mut left) = (Declaration::default(), BYTES_MAX);
    for (number, file) in files.iter().enumerate() {
        let earlier = files.get(..number).unwrap_or_default();
        all.join(parsed(file, &mut left)?).map_err(|(kind, name)| {
            let before = earlier.iter().find(|before| declares(before, kind, &name)).unwrap_or(file);
            let both = format!("{} and {}", before.display(), file.display());
            Fault::usage(format!("{kind}: {name} is declared in {both}; keep one of both"))
        })?;
    }
    Ok(all)
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let shown = folder.display();
    if depth > DEPTH_MAX {
        return Err(Fault::usage(format!("{shown} is more than {DEPTH_MAX} folders deep")));
    }
    for entry in fs::read_dir(folder).map_err(Fault::io(&shown))? {
        let path = entry.map_err(Fault::io(&shown))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.is_dir() {
            collect(&path, depth + 1, into)?;
        } else if !hidden && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            into.push(path);
        }
        if into.len() > FILES_MAX {
            return Err(Fault::usage(format!("{shown} has more than {FILES_MAX} files")));
        }
    }
    Ok(())
}

fn declares(file: &Path, kind: &str, name: &str) -> bool {
    let declared = parsed(file, &mut BYTES_MAX.clone()).ok().and_then(|declared| serde_json::to_value(declared).ok());
    declared.is_some_and(|declared| declared.get(kind).is_some_and(|kind| kind.get(name).is_some()))
}

/// `left` is how many bytes may still be read.
fn parsed(file: &Path, left: &mut u64) -> Result<Declaration, Fault> {
    let shown = file.display();
    let mut text = String::new();
    let open = fs::File::open(file).map_err(Fault::io(&shown))?;
    let length = open.take(*left + 1).read_to_string(&mut text).map_err(Fault::io(&shown))?;
    *left = left
        .checked_sub(u64::try_from(length).unwrap_or(u64::MAX))
        .ok_or_else(|| Fault::usage(format!("{shown}: the files have more than {BYTES_MAX} bytes together")))?;
    if text.trim().is_empty() {
        return Ok(Declaration::default());
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_nodes: NODES_MAX, max_depth: NESTING_MAX },
    };
    let mut place = String::new();
    serde_saphyr::with_deserializer_from_str_with_options(&text, options, |yaml| {
        serde_path_to_error::deserialize(yaml).map_err(|error| {
            place = error.path().to_string();
            error.into_inner()
        })
    })
    .map_err(|error| Fault::usage(format!("{shown} at `{place}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_files_of_a_directory_and_its_folders_are_joined() {
        let folder = folder(&[
            ("a.yaml", "systems:\n  hr: {title: HR}\n"),
            ("b/c.yml", "systems:\n  it: {title: IT}\n"),
            ("empty.yaml", "# nothing yet\n"),
            (".hidden/d.yaml", "not read"),
            ("readme.md", "not read"),
        ]);
        let declared = read(folder.path()).unwrap();
        assert_eq!(declared.systems.keys().map(ToString::to_string).collect::<Vec<_>>(), ["hr", "it"]);
    }

    #[test]
    fn the_example_of_the_guide_can_be_read() {
        let guide = include_str!("../../../../docs/operator.md");
        let example = guide.split("# yaml-language-server").nth(1).unwrap().split("```").next().unwrap();
        let declared = read(folder(&[("guide.yaml", &format!("#{example}"))]).path()).unwrap();
        assert_eq!((declared.connections.len(), declared.mappings.len(), declared.schedules.len()), (1, 1, 2));
    }

    #[test]
    fn what_two_files_declare_is_refused_with_both() {
        let same = "systems:\n  hr: {title: HR}\n";
        let folder = folder(&[("a.yaml", same), ("b.yaml", "systems: {}\n"), ("c.yaml", same)]);
        let message = read(folder.path()).unwrap_err().message;
        assert!(message.contains("a.yaml") && message.contains("c.yaml") && message.contains("hr"), "{message}");
    }

    #[test]
    fn a_mistake_is_told_with_file_place_and_line() {
        for (text, told) in [
            ("systems:\n  hr:\n    titel: HR\n", "systems.hr"),
            ("connections:\n  a_b: {}\n", "a_b"),
            ("colours: {}\n", "colours"),
            ("systems:\n  hr: {title: A}\n  hr: {title: B}\n", "hr"),
            ("systems: [\n", "line"),
            ("mappings:\n  person: {kind: entity, title: P, sources: [{tabel: hr_person}]}\n", "sources[0].tabel"),
            ("schedules:\n  nightly: {kind: import, corn: '@daily'}\n", "corn"),
        ] {
            let folder = folder(&[("wrong.yaml", text)]);
            let message = read(folder.path()).unwrap_err().message;
            assert!(message.contains("wrong.yaml") && message.contains(told), "{text}: {message}");
        }
    }

    #[test]
    fn a_directory_without_files_is_no_empty_declaration() {
        assert!(read(folder(&[]).path()).unwrap_err().message.contains("no .yaml"));
    }
}
