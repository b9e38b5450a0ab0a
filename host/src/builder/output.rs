//! The folder a build leaves: written beside its place and renamed into it, so that whoever looks finds the last build
//! or this one, never a half.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::BuildError;
use super::world;
use crate::registry::{COMPONENT_FILE, MANIFEST_FILE, Manifest};

const WORLD: &str = "world.wit";

/// Writes `<publisher>-<name>/` into `out` and says where it is.
pub(super) fn write(
    out: &Path,
    manifest: &Manifest,
    manifest_text: &str,
    component: &[u8],
) -> Result<PathBuf, BuildError> {
    fs::create_dir_all(out).map_err(BuildError::io("make the folder", out))?;
    // A scanning host does not look into folders within folders, so what a killed build leaves is no release.
    let aside =
        tempfile::Builder::new().prefix(".building-").tempdir_in(out).map_err(BuildError::io("write in", out))?;
    let fresh = aside.path().join("new");
    fs::create_dir(&fresh).map_err(BuildError::io("make the folder", &fresh))?;
    let world = world::text(manifest);
    for (name, bytes) in
        [(MANIFEST_FILE, manifest_text.as_bytes()), (COMPONENT_FILE, component), (WORLD, world.as_bytes())]
    {
        let path = fresh.join(name);
        fs::write(&path, bytes).map_err(BuildError::io("write", &path))?;
    }
    let folder = out.join(manifest.connector.as_str().replace('/', "-"));
    replace(&fresh, &folder, &aside.path().join("old"))?;
    Ok(folder)
}

/// Puts `fresh` in the place of `folder`. A folder that is not empty cannot be renamed over: the old one steps aside.
fn replace(fresh: &Path, folder: &Path, aside: &Path) -> Result<(), BuildError> {
    match fs::rename(folder, aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BuildError::io("replace", folder)(error)),
        _ => fs::rename(fresh, folder).map_err(BuildError::io("put in place", folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "publisher = \"acme\"\nname = \"roster\"\nversion = \"1.0.0\"\nwit = \"0.1\"\ntitle = \"T\"\n\
                        summary = \"\"\n[interfaces]\nexports = [\"source\"]\n";

    #[test]
    fn a_second_build_takes_the_place_of_the_first_and_leaves_nothing_behind() {
        let out = tempfile::tempdir().unwrap();
        let manifest = Manifest::parse(TEXT).unwrap();
        write(out.path(), &manifest, TEXT, b"one").unwrap();
        let folder = write(out.path(), &manifest, TEXT, b"two").unwrap();
        assert_eq!(folder, out.path().join("acme-roster"));
        assert_eq!(fs::read(folder.join(COMPONENT_FILE)).unwrap(), b"two");
        assert_eq!(fs::read_to_string(folder.join(MANIFEST_FILE)).unwrap(), TEXT);
        assert!(fs::read_to_string(folder.join(WORLD)).unwrap().contains("world %roster"));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_out_folder_that_is_a_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(file.path(), &Manifest::parse(TEXT).unwrap(), TEXT, b"").unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
