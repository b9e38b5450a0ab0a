//! What takes long to make is made once into a cache, by the first process that wants it; the others wait for it.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{ServerError, make_folder};
use crate::model::Digest;

/// How much of a digest is in a folder's name.
const DIGEST_DIGITS: usize = 16;

/// A folder in the cache that `make` has filled, now or earlier. It is known by its name and by `recipe`, all that what
/// is in it depends on: of another recipe there is another folder. What is made half is not there, and is made again.
/// It is moved when it is done, so nothing in it may say where it is.
///
/// # Errors
/// The cache cannot be written, or what `make` says.
pub fn made_once(
    cache: &Path,
    name: &str,
    recipe: &str,
    make: impl FnOnce(&Path) -> Result<(), ServerError>,
) -> Result<PathBuf, ServerError> {
    let _lock = lock(cache, name)?;
    let digest = Digest::of(recipe.as_bytes());
    let made = cache.join(format!("{name}-{:.DIGEST_DIGITS$}", digest.to_string()));
    if !made.exists() {
        let unfinished = cache.join(format!("{name}.unfinished"));
        remove(&unfinished)?;
        make_folder(&unfinished)?;
        make(&unfinished)?;
        std::fs::rename(&unfinished, &made).map_err(ServerError::io("make", &made))?;
    }
    Ok(made)
}

/// Waits until nobody else makes that in the cache, and lets nobody else until the file is dropped.
pub(super) fn lock(cache: &Path, name: &str) -> Result<File, ServerError> {
    make_folder(cache)?;
    let path = cache.join(format!("{name}.lock"));
    let file = File::create(&path).map_err(ServerError::io("write", &path))?;
    file.lock().map_err(ServerError::io("lock", &path))?;
    Ok(file)
}

fn remove(folder: &Path) -> Result<(), ServerError> {
    if folder.exists() { std::fs::remove_dir_all(folder).map_err(ServerError::io("remove", folder)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::{read, write};
    use super::*;

    #[test]
    fn what_was_made_half_is_made_again_and_what_was_made_is_not() {
        let cache = tempfile::tempdir().unwrap();
        let half = |folder: &Path| {
            write(&folder.join("half"), "")?;
            Err(ServerError::failed("making it", "no"))
        };
        made_once(cache.path(), "it", "a recipe", half).unwrap_err();
        let made = made_once(cache.path(), "it", "a recipe", |folder| write(&folder.join("whole"), "1")).unwrap();
        assert!(!made.join("half").exists());
        let again = made_once(cache.path(), "it", "a recipe", |_| unreachable!("it is there")).unwrap();
        assert_eq!((read(&again.join("whole")).unwrap().as_str(), &again), ("1", &made));
        let other = made_once(cache.path(), "it", "another recipe", |_| Ok(())).unwrap();
        assert_ne!(other, made);
    }

    #[test]
    fn of_many_who_want_it_at_the_same_time_one_makes_it() {
        let cache = tempfile::tempdir().unwrap();
        let made = std::sync::atomic::AtomicU32::new(0);
        let make = || {
            made_once(cache.path(), "it", "", |_| {
                made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Ok(())
            })
        };
        std::thread::scope(|scope| {
            let many: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            many.into_iter().for_each(|one| drop(one.join().unwrap().unwrap()));
        });
        assert_eq!(made.into_inner(), 1);
    }
}
