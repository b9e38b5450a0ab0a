//! The guides held against the house: what a page lists is all there is, and what it points at exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hawser::model::Export;
use hawser_tests::house::House;
use hawser_tests::workspace_root;

fn read(file: &str) -> String {
    fs::read_to_string(workspace_root().join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

/// The texts between back quotes in the first column of a page's tables.
fn first_column(page: &str) -> BTreeSet<&str> {
    page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[test]
fn the_page_of_errors_lists_every_kind() {
    let (page, contract, host) =
        (read("docs/errors.md"), read("wit/v0.1/connector.wit"), read("host/src/model/error.rs"));
    let kinds = contract.split("enum failure-kind {").nth(1).unwrap().split('}').next().unwrap();
    let of_contract = kinds.split([',', '\n']).map(str::trim).filter(|kind| !kind.is_empty());
    let of_host =
        host.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1.split('"').next());
    let kinds: BTreeSet<&str> = of_contract.chain(of_host).collect();
    assert!(kinds.len() > 35, "{kinds:?}");
    let listed = first_column(&page);
    let missing: Vec<_> = kinds.difference(&listed).collect();
    assert!(missing.is_empty(), "docs/errors.md does not list {missing:?}");
}

#[test]
fn the_page_of_each_connector_lists_every_option() {
    for (page, manifest) in [("csv", "csv"), ("openldap", "ldap"), ("rest", "rest"), ("scim", "scim")] {
        let page = format!("docs/connectors/{page}.md");
        let manifest: toml::Table = read(&format!("plugins/{manifest}/connector.toml")).parse().unwrap();
        let text = read(&page);
        let listed = first_column(&text);
        for option in manifest["option"].as_array().unwrap() {
            let name = option["name"].as_str().unwrap();
            assert!(listed.contains(name), "{page} does not list {name}");
        }
    }
}

/// The manifests of the connectors of this repository.
fn manifests() -> Vec<hawser::registry::Manifest> {
    let folders = fs::read_dir(workspace_root().join("plugins")).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<String> = folders.map(|folder| read(folder.join("connector.toml").to_str().unwrap())).collect();
    texts.sort();
    let mut manifests: Vec<_> = texts.iter().map(|text| hawser::registry::Manifest::parse(text).unwrap()).collect();
    manifests.sort_by(|a, b| a.connector.cmp(&b.connector));
    manifests
}

/// What each connector does, as the README shows it: a column for each interface, whose operations it is headed with.
fn table_of_connectors() -> String {
    let words = |export: &Export| export.operations().join(", ").replace('-', " ");
    let heads: Vec<String> = Export::ALL.iter().map(words).collect();
    let mut table = format!("| connector | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for manifest in manifests() {
        let marks = Export::ALL.iter().map(|export| if manifest.exports.contains(export) { "yes" } else { "" });
        let row = marks.collect::<Vec<_>>().join(" | ");
        table += &format!("| `{}`: {} | {row} |\n", manifest.connector, manifest.title);
    }
    table
}

#[test]
fn the_readme_shows_what_each_connector_does() {
    let (path, table) = (workspace_root().join("README.md"), table_of_connectors());
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- connectors -->\n").expect("the README has the table's place");
    let (shown, after) = rest.split_once("<!-- /connectors -->").expect("the table's place has an end");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}<!-- connectors -->\n{table}<!-- /connectors -->{after}")).unwrap();
    } else {
        assert_eq!(shown, table, "run the test with UPDATE_EXPECT=1");
    }
}

#[tokio::test]
async fn the_api_tells_the_same_of_each_connector() {
    let web = ["hawser/rest", "hawser/scim"];
    for manifest in manifests() {
        let is_web = web.contains(&manifest.connector.as_str());
        let house = if is_web { House::shared_web().await } else { House::shared().await };
        let shown = house.core().get(&format!("/v1/connectors/{}", manifest.connector)).await.expect(200).json();
        let told: Vec<String> = serde_json::from_value(shown["operations"].clone()).unwrap();
        let declared: Vec<&str> = manifest.exports.iter().flat_map(|export| export.operations()).copied().collect();
        assert_eq!(told, declared, "{}", manifest.connector);
    }
}

#[test]
fn the_guide_to_the_api_names_only_what_exists() {
    let document = serde_json::to_value(hawser::api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let page = read("docs/core.md");
    let named = page
        .split('`')
        .filter_map(|code| code.split_once(" /v1/").map(|(method, path)| (method, format!("/v1/{path}"))));
    let named: Vec<_> = named.filter(|(method, _)| method.chars().all(|c| c.is_ascii_uppercase())).collect();
    assert!(named.len() > 15, "{named:?}");
    for (method, path) in named {
        let operation = paths.get(&path).and_then(|item| item.get(method.to_lowercase()));
        assert!(operation.is_some(), "docs/core.md names {method} {path}, which does not exist");
    }
}

#[test]
fn links_in_the_guides_point_at_files() {
    let root = workspace_root();
    let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "host/ARCHITECTURE.md"];
    let guides = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let guides = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let dead: Vec<String> =
        pages.map(|page| root.join(page)).into_iter().chain(guides).flat_map(|page| dead_links(&page)).collect();
    assert!(dead.is_empty(), "{dead:#?}");
}

fn dead_links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let local = targets.filter(|target| !target.contains("://") && !target.is_empty());
    let dead = local.filter(|target| !page.parent().unwrap().join(target).exists());
    dead.map(|target| format!("{}: {target}", page.display())).collect()
}

#[test]
fn a_dead_link_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("a.md");
    fs::write(&page, "[a](a.md) [b](b.md#x) [c](https://example.com)").unwrap();
    assert_eq!(dead_links(&page), [format!("{}: b.md", page.display())]);
}
