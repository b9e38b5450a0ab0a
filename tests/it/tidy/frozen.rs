//! Released contracts: a folder of `wit/` that is listed in `wit/FROZEN` never changes again.
//!
//! A line of `wit/FROZEN` is a folder's name and the SHA-256 over its files (names and contents, sorted); lines that
//! begin with `#` are comments. A folder is frozen by adding the line this rule prints for it.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// What is wrong below the folder of contracts.
pub(super) fn complaints(wit: &Path) -> Vec<String> {
    let list = match fs::read_to_string(wit.join("FROZEN")) {
        Ok(list) => list,
        Err(why) => return vec![format!("wit/FROZEN cannot be read: {why}")],
    };
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line_complaint(wit, line)).collect()
}

fn line_complaint(wit: &Path, line: &str) -> Option<String> {
    let Some((folder, frozen)) = line.split_once(' ') else {
        return Some(format!("wit/FROZEN: {line:?} is not a folder and a hash"));
    };
    let Some(now) = folder_hash(&wit.join(folder)) else {
        return Some(format!("wit/{folder} was released and is gone; restore it"));
    };
    let message =
        || format!("wit/{folder} was released and has changed (now {folder} {now}); wishes go to wit/PENDING.md");
    (now != frozen.trim()).then(message)
}

/// The hash over a folder's files; none: there is no such folder.
fn folder_hash(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?;
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).expect("file names are UTF-8");
        let text = fs::read(&file).expect("the contract can be read");
        hash.update(format!("{name} {}\n", text.len()));
        hash.update(text);
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn released() -> (tempfile::TempDir, String) {
        let wit = tempfile::tempdir().unwrap();
        fs::create_dir(wit.path().join("v0.1")).unwrap();
        let contract = hawser_tests::workspace_root().join("wit/v0.1/connector.wit");
        fs::copy(contract, wit.path().join("v0.1/connector.wit")).unwrap();
        let line = format!("v0.1 {}", folder_hash(&wit.path().join("v0.1")).unwrap());
        fs::write(wit.path().join("FROZEN"), format!("# released\n{line}\n")).unwrap();
        (wit, line)
    }

    #[test]
    fn a_released_folder_that_was_not_touched_is_fine() {
        let (wit, _) = released();
        assert_eq!(complaints(wit.path()), Vec::<String>::new());
    }

    #[test]
    fn one_blank_more_in_a_released_contract_is_noticed() {
        let (wit, line) = released();
        let contract = wit.path().join("v0.1/connector.wit");
        let text = fs::read_to_string(&contract).unwrap();
        fs::write(&contract, text + " ").unwrap();
        let complaints = complaints(wit.path());
        assert!(complaints[0].starts_with("wit/v0.1 was released and has changed"), "{complaints:?}");
        assert!(!complaints[0].contains(&line));
    }

    #[test]
    fn a_file_more_or_a_folder_less_is_noticed() {
        let (wit, _) = released();
        fs::write(wit.path().join("v0.1/more.wit"), "").unwrap();
        assert_eq!(complaints(wit.path()).len(), 1);
        fs::remove_dir_all(wit.path().join("v0.1")).unwrap();
        assert_eq!(complaints(wit.path()), ["wit/v0.1 was released and is gone; restore it"]);
    }

    #[test]
    fn a_list_that_is_missing_or_garbled_is_noticed() {
        let (wit, _) = released();
        fs::write(wit.path().join("FROZEN"), "v0.1\n").unwrap();
        assert!(complaints(wit.path())[0].contains("is not a folder and a hash"));
        fs::remove_file(wit.path().join("FROZEN")).unwrap();
        assert!(complaints(wit.path())[0].contains("cannot be read"));
    }
}
