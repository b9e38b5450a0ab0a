//! The worked example of mappings, as it is written: from an empty host to people, accounts and owners.
//!
//! Only where things are differs: the files in a folder of the test, the directory on the loopback.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser_tests::directory::{GROUPS, PEOPLE};
use hawser_tests::guests::connectors;
use hawser_tests::house::House;
use hawser_tests::{binary, workspace_root};
use serde_json::{Value as Json, json};

use super::{hawser, run, told};

/// The blocks of a page whose first line begins so: what else that line says, and the block.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let begin = format!("```{kind} ");
    let rest = page.split(begin.as_str()).skip(1);
    let block = |rest: &'a str| {
        let (name, text) = rest.split_once('\n').unwrap();
        (name, text.split("```").next().unwrap())
    };
    rest.map(block).collect()
}

/// Two people, one of whom has no number, and a group.
fn fill(server: &Slapd) {
    let person = |uid: &str, number: &str| {
        format!(
            "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
             mail: {uid}@example.com\n{number}\n"
        )
    };
    let people = person("ada.lovelace", "employeeNumber: 100000\n") + &person("bob.kahn", "");
    let group = format!(
        "dn: cn=research,{GROUPS}\nobjectClass: groupOfNames\ncn: research\nmember: uid=ada.lovelace,{PEOPLE}\n"
    );
    server.tools().add(server.admin().bind(), &format!("{people}{group}")).unwrap_or_else(|why| panic!("{why}"));
}

/// What the page has as files, and its commands, where this test has things.
fn laid_out(folder: &Path, server: &Slapd) -> String {
    let page = fs::read_to_string(workspace_root().join("docs/mapping-example.md")).unwrap();
    let folders =
        ["hr", "secrets", "target/hawser/hawser-csv", "target/hawser/hawser-ldap"].map(|name| folder.join(name));
    folders.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
    let here = |text: &str| {
        let (secrets, hr) = (folder.join("secrets"), folder.join("hr"));
        let moved = text.replace("/srv/hr", hr.to_str().unwrap()).replace("/run/secrets", secrets.to_str().unwrap());
        let moved = moved.replace("ldap.example", "127.0.0.1").replace("636", &server.ldaps_port().to_string());
        moved.replace("cn=hawser,dc=ldap,dc=test", &server.service().dn).replace(":private", ":loopback")
    };
    for (name, text) in blocks(&page, "csv") {
        fs::write(folder.join("hr").join(name), text).unwrap();
    }
    for (name, text) in blocks(&page, "json") {
        let mut definition: Json = serde_json::from_str(&here(text)).unwrap();
        if name == "directory" {
            definition["destinations"] = json!({"ldaps": {"roots": server.ca().pem().unwrap()}});
        }
        fs::write(folder.join(format!("{name}.json")), definition.to_string()).unwrap();
    }
    fs::write(folder.join("secrets/ldap"), server.service().password + "\n").unwrap();
    for connector in ["hawser-csv", "hawser-ldap"] {
        for file in ["connector.toml", "component.wasm"] {
            let built = connectors().join(connector).join(file);
            fs::copy(built, folder.join("target/hawser").join(connector).join(file)).unwrap();
        }
    }
    symlink(binary(), folder.join("hawser")).unwrap();
    blocks(&page, "sh").into_iter().filter(|(name, _)| *name == "example").map(|(_, text)| here(text)).collect()
}

#[tokio::test]
async fn the_worked_example_works_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let started = tokio::task::spawn_blocking(|| Slapd::start(&SlapdOptions::default())).await.unwrap();
    let server = started.unwrap_or_else(|why| panic!("the server does not start: {why}"));
    fill(&server);
    let script = laid_out(folder.path(), &server);
    assert!(script.lines().count() > 25, "{script}");
    fs::write(folder.path().join("example.sh"), script).unwrap();
    let secrets = folder.path().join("secrets");
    let house = House::with(|config| {
        config.connectors.clear();
        config.allow_unsigned = false;
        config.egress.loopback = true;
        config.secrets.directories = vec![secrets];
    })
    .await;

    let mut bash = Command::new("bash");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    bash.args(["-euo", "pipefail", "example.sh"]).current_dir(folder.path()).env("PATH", path);
    bash.env("HAWSER_URL", house.base()).env("HAWSER_TOKEN", &house.tokens().operator);
    let output = run(bash, "").await;
    assert!(output.status.success(), "{}", told(&output));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Json> = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let keys = |key: &str| lines.iter().filter_map(|line| line.pointer(key)?.as_u64()).collect::<Vec<_>>();
    assert_eq!(keys("/key"), [100_000, 100_001], "{stdout}");
    let mut owners = keys("/owner/key");
    owners.sort_unstable();
    assert_eq!(owners, [100_000, 100_001], "by number and by mail: {stdout}");
    assert_eq!(lines.iter().filter(|line| line.get("left").is_some()).count(), 1, "{stdout}");

    let accounts = lines.iter().filter_map(|line| line.pointer("/end/position")?.as_str()).nth(1).unwrap();
    let mut since = hawser(&house);
    since.args(["mapping", "entities", "account", "--since", accounts]);
    let since = run(since, "").await;
    assert!(since.status.success() && told(&since).contains("grace.hopper@example.com"), "{}", told(&since));
    assert_eq!(String::from_utf8(since.stdout).unwrap().lines().count(), 2);
    house.stop().await;
}
