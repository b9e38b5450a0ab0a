//! Secrets that are kept outside: where references may point, and reading there.
//!
//! A file is opened below one of the allowed directories, with the links in it (Kubernetes' volumes are made of them), and
//! no link leads out of it. It is read anew each time; nothing is kept here.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use cap_fs_ext::OpenOptionsSyncExt as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use zeroize::Zeroizing;

use super::key::KEY_FILE;
use super::refused;
use crate::config::{SecretsConfig, environment};
use crate::model::secret::SECRET_BYTES_MAX;
use crate::model::{Result, Secret, SecretReference, Source, Unread};

/// The longest line break at the end of a file, in bytes.
const LINE_BREAK_BYTES_MAX: usize = 2;

/// Reads what references point at, where the configuration allows it.
#[derive(Default)]
pub(super) struct Outside(SecretsConfig);

impl Outside {
    /// # Errors
    /// `configuration` if a directory holds `data_dir` or the vault's own key, wherever a link leads to it.
    pub(super) fn new(config: SecretsConfig, data_dir: &Path) -> Result<Self> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // The key may be a link to where the operator keeps it.
        let own = [real(data_dir), real(&data_dir.join(KEY_FILE))];
        let holds = |directory: &&PathBuf| own.iter().any(|own| own.starts_with(real(directory)));
        let Some(above) = config.directories.iter().find(holds) else { return Ok(Self(config)) };
        let told = "holds the host's own data directory or the vault's key; choose one that does not";
        Err(refused(format!("`secrets.directories`: {} {told}", above.display())))
    }

    /// Does the configuration let a reference point there?
    pub(super) fn allows(&self, reference: &SecretReference) -> bool {
        self.0.allows(reference)
    }

    /// Reads what is there now. Blocks.
    pub(super) fn read(&self, reference: &SecretReference) -> Result<Secret, Unread> {
        if !self.allows(reference) {
            return Err(Unread::NotAllowed);
        }
        match reference.source() {
            Source::Environment(name) => secret(environment(name).ok_or(Unread::Missing)?),
            Source::File(path) => {
                let (directory, rest) = self.0.inside(path).ok_or(Unread::NotAllowed)?;
                secret(content(&open(directory, rest)?)?)
            }
        }
    }
}

/// Reads a secret of the host's own, which its configuration points at: a file's folder is as far as links lead. Blocks.
///
/// # Errors
/// Why there is nothing to read.
pub fn read_own(reference: &SecretReference) -> Result<Secret, Unread> {
    let config = match reference.source() {
        Source::Environment(name) => {
            SecretsConfig { environment_prefixes: vec![name.clone()], ..SecretsConfig::default() }
        }
        Source::File(path) => {
            let folder = path.parent().map(Path::to_owned).into_iter().collect();
            SecretsConfig { directories: folder, ..SecretsConfig::default() }
        }
    };
    Outside(config).read(reference)
}

fn open(directory: &Path, rest: &Path) -> Result<File, Unread> {
    let directory = Dir::open_ambient_dir(directory, ambient_authority()).map_err(|why| unread(&why))?;
    // A pipe nobody writes to would keep the caller waiting.
    let file = directory.open_with(rest, OpenOptions::new().read(true).nonblock(true)).map_err(|why| unread(&why))?;
    if file.metadata().map_err(|why| unread(&why))?.is_file() { Ok(file) } else { Err(Unread::NotAFile) }
}

fn content(mut file: &File) -> Result<Vec<u8>, Unread> {
    let most = SECRET_BYTES_MAX + LINE_BREAK_BYTES_MAX + 1;
    // Reserved at once: a vector that grows leaves what it held behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    file.by_ref().take(most as u64).read_to_end(&mut bytes).map_err(|why| unread(&why))?;
    let length = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).map_or(bytes.len(), <[u8]>::len);
    bytes.truncate(length);
    Ok(std::mem::take(&mut *bytes))
}

fn secret(bytes: Vec<u8>) -> Result<Secret, Unread> {
    let wrong = if bytes.is_empty() { Unread::Empty } else { Unread::TooLong };
    Secret::new(bytes).ok_or(wrong)
}

fn unread(why: &std::io::Error) -> Unread {
    match why.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
        _ => Unread::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Room {
        folder: tempfile::TempDir,
        outside: Outside,
    }

    impl Room {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("allowed/deep")).unwrap();
            let directories = vec![folder.path().join("allowed")];
            let config = SecretsConfig { environment_prefixes: vec!["CARGO_PKG_".into()], directories };
            let outside = Outside::new(config, &folder.path().join("data")).unwrap();
            Self { folder, outside }
        }

        fn path(&self, rest: &str) -> PathBuf {
            self.folder.path().join(rest)
        }

        fn read(&self, rest: &str) -> Result<Vec<u8>, Unread> {
            self.read_reference(&format!("file:{}", self.path(rest).display()))
        }

        fn read_reference(&self, text: &str) -> Result<Vec<u8>, Unread> {
            let reference = text.to_owned().try_into().unwrap();
            self.outside.read(&reference).map(|secret| secret.expose().to_vec())
        }
    }

    #[test]
    fn nothing_is_read_where_nobody_allowed_it() {
        let room = Room::new();
        fs::write(room.path("secret"), "canary").unwrap();
        fs::write(room.path("allowed-too"), "canary").unwrap();
        for rest in ["secret", "allowed-too", "allowed"] {
            assert_eq!(room.read(rest), Err(Unread::NotAllowed), "{rest}");
        }
        for name in ["PATH", "cargo_pkg_name", "CARGO_PKG"] {
            assert_eq!(room.read_reference(&format!("env:{name}")), Err(Unread::NotAllowed), "{name}");
        }
        let nowhere = Outside::default();
        let reference = SecretReference::try_from("env:CARGO_PKG_NAME".to_owned()).unwrap();
        assert_eq!(nowhere.read(&reference).map(|_| ()), Err(Unread::NotAllowed));
    }

    #[test]
    fn a_variable_is_read_under_its_prefix() {
        let room = Room::new();
        assert_eq!(room.read_reference("env:CARGO_PKG_NAME").unwrap(), b"hawser");
        assert_eq!(room.read_reference("env:CARGO_PKG_NO_SUCH"), Err(Unread::Missing));
    }

    #[test]
    fn a_file_loses_one_line_break_and_is_neither_empty_nor_too_long() {
        let room = Room::new();
        let longest = "x".repeat(SECRET_BYTES_MAX);
        for (text, read) in [
            ("canary", Ok("canary")),
            ("canary\n", Ok("canary")),
            ("canary\r\n", Ok("canary")),
            ("canary\n\n", Ok("canary\n")),
            ("", Err(Unread::Empty)),
            ("\n", Err(Unread::Empty)),
            (&format!("{longest}\r\n"), Ok(&*longest)),
            (&format!("{longest}x"), Err(Unread::TooLong)),
            (&format!("{longest}\n\n\n\n"), Err(Unread::TooLong)),
        ] {
            fs::write(room.path("allowed/deep/file"), text).unwrap();
            assert_eq!(room.read("allowed/deep/file"), read.map(|text| text.as_bytes().to_vec()), "{}", text.len());
        }
    }

    #[test]
    fn links_are_followed_inside_the_directory_and_lead_out_of_it_nowhere() {
        let room = Room::new();
        fs::write(room.path("allowed/deep/file"), "canary").unwrap();
        fs::write(room.path("outside"), "canary").unwrap();
        symlink("deep", room.path("allowed/..data")).unwrap();
        symlink("..data/file", room.path("allowed/token")).unwrap();
        assert_eq!(room.read("allowed/token").unwrap(), b"canary");
        symlink("../outside", room.path("allowed/up")).unwrap();
        symlink(room.path("outside"), room.path("allowed/absolute")).unwrap();
        symlink("..", room.path("allowed/deep/above")).unwrap();
        symlink("../..", room.path("allowed/deep/far")).unwrap();
        assert_eq!(room.read("allowed/deep/above/deep/file").unwrap(), b"canary");
        for rest in ["allowed/up", "allowed/absolute", "allowed/deep/far/outside"] {
            assert_eq!(room.read(rest), Err(Unread::Unreadable), "{rest}");
        }
    }

    #[test]
    fn what_is_no_file_or_not_there_is_told_apart() {
        let room = Room::new();
        assert_eq!(room.read("allowed/none"), Err(Unread::Missing));
        assert_eq!(room.read("allowed/deep"), Err(Unread::NotAFile));
        let made = std::process::Command::new("mkfifo").arg(room.path("allowed/pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(room.read("allowed/pipe"), Err(Unread::NotAFile));
        fs::remove_dir_all(room.path("allowed")).unwrap();
        assert_eq!(room.read("allowed/deep/file"), Err(Unread::Missing));
    }

    #[test]
    fn a_directory_that_holds_the_vaults_key_is_refused() {
        let room = Room::new();
        let refused = |directory: &str, data: &str| {
            let directories = vec![room.path(directory)];
            let config = SecretsConfig { environment_prefixes: Vec::new(), directories };
            Outside::new(config, &room.path(data)).is_err()
        };
        symlink("allowed", room.path("link")).unwrap();
        assert!(refused("allowed", "allowed") && refused("allowed", "allowed/deep") && refused("link", "allowed/deep"));
        assert!(!refused("allowed/deep", "allowed"));
    }
}
