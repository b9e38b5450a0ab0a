//! Manifests and components that do not fit: each is one refused release with a name and a reason, and the good ones
//! serve on.

use std::fs;
use std::path::Path;
use std::process::Command;

use hawser_tests::bed::items;
use hawser_tests::guests;
use hawser_tests::house::House;

/// The roster's manifest with one thing wrong, and what the refusal must name.
fn malformed() -> Vec<(String, &'static str)> {
    let good = fs::read_to_string(guests::connectors().join("hawser-roster/connector.toml")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "the roster's manifest has no {from:?}");
        good.replacen(from, to, 1)
    };
    vec![
        (with("title =", "colour = \"red\"\ntitle ="), "colour"),
        (with("label =", "colour = \"red\"\nlabel ="), "colour"),
        (with("name = \"roster\"", "name = \"Roster\""), "Roster"),
        (with("publisher = \"hawser\"", ""), "publisher"),
        (with("version = \"0.1.0\"", "version = \"1\""), "version"),
        (with("wit = \"0.1\"", "wit = \"9.9\""), "9.9"),
        (with("\"probe\"", "\"levitate\""), "levitate"),
        (with("\"files\"", "\"sockets\""), "sockets"),
        (with("kind = \"text\"", "kind = \"colour\""), "colour"),
        (with("kind = \"account\"", "kind = \"robot\""), "robot"),
        (with("default = \"roster.jsonl\"", "default = 5"), "default"),
        (with("access = \"read-only\"", "access = \"execute\""), "execute"),
        (
            with(
                "[[directory]]",
                "[[constraint]]\ndepends-on = { option = \"file\", needs = \"ghost\" }\n[[directory]]",
            ),
            "ghost",
        ),
        (
            with("[[directory]]", "[[option]]\nname = \"file\"\nkind = \"text\"\nlabel = \"Twice\"\n[[directory]]"),
            "file",
        ),
        (good.clone() + "[limits]\nmemory-mib = 0\n", "memory-mib"),
        (good.clone() + "[limits]\nmemory-mib = 1000000\n", "memory-mib"),
        (with("exports = [", "exports = \""), "exports"),
        // These read well, and the component is another one.
        (with(", \"source\"", ""), "source"),
        (with("\"source\"", "\"source\", \"passwords\""), "passwords"),
        (with("\"files\", ", ""), "files"),
    ]
}

/// A folder like those `hawser build` writes.
fn release(folder: &Path, manifest: &str, component: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("connector.toml"), manifest).unwrap();
    fs::write(folder.join("component.wasm"), component).unwrap();
}

#[tokio::test]
async fn every_malformed_release_is_refused_by_name_and_the_good_one_serves() {
    let folders = tempfile::tempdir().unwrap();
    let cases = tokio::task::spawn_blocking(malformed).await.unwrap();
    let good = guests::connectors().join("hawser-roster");
    let component = fs::read(good.join("component.wasm")).unwrap();
    for (number, (manifest, _)) in cases.iter().enumerate() {
        release(&folders.path().join(format!("bad-{number:02}")), manifest, &component);
    }
    release(&folders.path().join("good"), &fs::read_to_string(good.join("connector.toml")).unwrap(), &component);
    let house = House::with(|config| config.connectors = vec![folders.path().to_owned()]).await;
    let refused = house.registry().refused();
    for (number, (_, wrong)) in cases.iter().enumerate() {
        let folder = folders.path().join(format!("bad-{number:02}"));
        let found = refused.iter().find(|refused| refused.path == folder);
        let error = &found.unwrap_or_else(|| panic!("{wrong} was loaded")).error;
        assert!(error.message.contains(wrong), "{wrong:?} is not named: {error}");
    }
    let loaded = items(&house.core().get("/v1/connectors").await.expect(200));
    assert_eq!(loaded.len(), 1, "{loaded:?}");
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let folders = tempfile::tempdir().unwrap();
    let good = tokio::task::spawn_blocking(guests::connectors).await.unwrap().join("hawser-roster");
    let manifest = fs::read_to_string(good.join("connector.toml")).unwrap();
    let component = fs::read(good.join("component.wasm")).unwrap();
    let module = b"\0asm\x01\0\0\0".to_vec();
    let garbage = [b"garbage".to_vec(), Vec::new(), module, component[..component.len() / 2].to_vec()];
    for (number, bytes) in garbage.iter().enumerate() {
        release(&folders.path().join(number.to_string()), &manifest, bytes);
    }
    let house = House::with(|config| config.connectors = vec![folders.path().to_owned()]).await;
    assert_eq!(house.registry().refused().len(), garbage.len());
    assert_eq!(items(&house.core().get("/v1/connectors").await.expect(200)).len(), 0);
    house.stop().await;
}

#[tokio::test]
async fn without_the_word_for_it_nothing_unsigned_is_loaded() {
    let house = House::with(|config| config.allow_unsigned = false).await;
    assert_eq!(items(&house.core().get("/v1/connectors").await.expect(200)).len(), 0);
    let refused = house.registry().refused();
    assert!(refused[0].error.message.contains("allow-unsigned"), "{refused:?}");
    house.stop().await;
}

#[test]
fn a_malformed_manifest_stops_the_build_before_anything_is_compiled() {
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("connector.toml"), "publisher = \"acme\"\ncolour = \"red\"\n").unwrap();
    let build = Command::new(hawser_tests::binary()).arg("build").arg(project.path()).output().unwrap();
    assert!(!build.status.success());
    let told = String::from_utf8_lossy(&build.stderr);
    assert!(told.contains("colour"), "{told}");
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 1, "nothing was written");
}
