//! Tables written as files: where the operator allows it, whole or not at all, and none of the import's business.

mod bucket;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::cli;
use crate::incremental::{Ticker, company};
use hawser::config::{Config, PlaceConfig};
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

/// A host with one place, `lake`.
async fn house(lake: &Path) -> House {
    let directory = lake.to_owned();
    House::with(|config: &mut Config| {
        config.tables.places.insert("lake".parse().unwrap(), PlaceConfig::Directory(directory));
    })
    .await
}

async fn bed(house: &House, accounts: usize) -> Bed {
    let bed = Bed::bare(house, People::new(accounts, 2)).await;
    bed.connect(&bed.connection()).await;
    bed
}

/// Runs an import to its end, and the task that writes its tables.
async fn written(bed: &Bed, order: &Json) -> Json {
    let task = bed.core.post(&bed.at("/imports"), order).await.expect(202);
    let import = bed.settled(task.header("location")).await;
    assert_eq!(import["state"], "succeeded", "{import}");
    bed.settled(&format!("/v1/tasks/{}", import["writtenBy"].as_str().unwrap())).await
}

/// The manifest of a task's folder, its files held against what it says of them.
fn manifest(lake: &Path, bed: &Bed, task: &Json) -> Json {
    let folder = lake.join(&bed.id).join(task["id"].as_str().unwrap());
    let manifest: Json = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let tables = manifest["tables"].as_array().unwrap();
    for table in tables {
        let bytes = fs::read(folder.join(table["file"].as_str().unwrap())).unwrap();
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((json!(digest), json!(bytes.len())), (table["sha256"].clone(), table["bytes"].clone()), "{table}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), tables.len() + 1, "{manifest}");
    manifest
}

/// The names in the folder of a connection, hidden ones as well.
fn folders(lake: &Path, bed: &Bed) -> Vec<String> {
    let Ok(folder) = fs::read_dir(lake.join(&bed.id)) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn an_import_names_a_place_and_tables_there_are_or_is_refused() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(lake.path()).await;
    let bed = bed(&house, 3).await;
    for (output, blamed, told) in [
        (json!({"place": "attic", "format": "csv"}), "output.place", "[lake]"),
        (json!({"place": "lake", "format": "csv", "tables": ["nothing"]}), "output.tables", "_account"),
        (json!({"place": "lake", "format": "csv", "tables": []}), "output.tables", "leave them out"),
        (json!({"place": "lake", "format": "csv", "tables": ["group", "GROUP"]}), "output.tables", "twice"),
    ] {
        let answer = bed.core.post(&bed.at("/imports"), &json!({"output": output})).await;
        let problem = answer.problem(400, "invalid-request");
        assert!(problem.detail().contains(told), "{}", answer.text);
        assert!(answer.text.contains(blamed), "{}", answer.text);
    }
    for output in
        [json!({"place": "/etc", "format": "csv"}), json!({"place": "lake", "format": "xml"}), json!({"path": "/"})]
    {
        let answer = bed.core.post(&bed.at("/imports"), &json!({"output": output})).await;
        answer.problem(400, "invalid-request");
    }
    assert_eq!(folders(lake.path(), &bed), Vec::<String>::new());
}

#[tokio::test]
async fn the_files_are_what_a_download_is_and_the_manifest_says_so() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(lake.path()).await;
    let bed = bed(&house, 5_000).await;
    let task = written(&bed, &json!({"output": {"place": "lake", "format": "csv"}})).await;
    assert_eq!((task["state"].clone(), task["kind"].clone()), (json!("succeeded"), json!("write-tables")), "{task}");
    let manifest = manifest(lake.path(), &bed, &task);
    let names: Vec<&str> =
        manifest["tables"].as_array().unwrap().iter().map(|it| it["suffix"].as_str().unwrap()).collect();
    assert_eq!(names, ["account", "group", "group_members"]);
    assert_eq!(manifest["tables"][0]["rows"], 5_000);
    assert_eq!(manifest["tables"][0]["setAside"], 0);
    assert_eq!(manifest["position"], bed.position().await);
    let file = lake.path().join(&bed.id).join(task["id"].as_str().unwrap()).join(format!("{}_account.csv", bed.id));
    let download = bed.core.get(&bed.at("/tables/account/rows")).await.expect(200);
    assert_eq!(fs::read_to_string(file).unwrap(), download.text);
}

#[tokio::test]
async fn only_the_tables_that_are_named_are_written_as_what_was_asked_for() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(lake.path()).await;
    let bed = bed(&house, 10).await;
    let task = written(&bed, &json!({"output": {"place": "lake", "format": "parquet", "tables": ["GROUP"]}})).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let manifest = manifest(lake.path(), &bed, &task);
    assert_eq!(manifest["tables"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["tables"][0]["file"], format!("{}_group.parquet", bed.id));
}

#[tokio::test]
async fn an_incremental_import_leaves_what_changed_since_the_place_had_it_last() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(lake.path()).await;
    let ticker = Ticker::new(&house, "each", &company()).await;
    let bed = &ticker.bed;
    bed.import_published().await;
    let order = |tables: &[&str]| json!({"mode": "incremental", "output": {"place": "lake", "format": "csv", "tables": tables}});
    let task = written(bed, &order(&["account"])).await;
    let first = manifest(lake.path(), bed, &task);
    assert!(first["tables"][0].get("since").is_none(), "nothing was there to go on from: {first}");
    // Nothing of this import is written: the next one has to make up for it.
    ticker.happened(&[json!({"do": "delete", "uid": "1"})]);
    ticker.caught_up().await;
    ticker.happened(&[json!({"do": "delete", "uid": "2"})]);
    let task = written(bed, &order(&["account", "group"])).await;
    let second = manifest(lake.path(), bed, &task);
    assert_eq!((&second["tables"][0]["since"], &second["tables"][0]["rows"]), (&first["position"], &json!(2)));
    assert!(second["tables"][1].get("since").is_none(), "it was never written there: {second}");
    let file = lake.path().join(&bed.id).join(task["id"].as_str().unwrap()).join(format!("{}_account.csv", bed.id));
    let text = fs::read_to_string(file).unwrap();
    assert!(text.lines().next().unwrap().contains("command") && text.matches("delete").count() == 2, "{text}");
}

#[tokio::test]
async fn a_schedule_writes_files_with_every_import_it_orders() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(lake.path()).await;
    let bed = bed(&house, 10).await;
    let add = async |id: &str, arguments: &[&str]| {
        let mut command = cli::hawser(&house);
        command.args(["schedule", "add", id, "--cron", "@yearly"]).args(arguments);
        cli::run(command, "").await
    };
    let to_lake = ["--output", "lake", "--format", "parquet", "--table", "account"];
    let added = add("yearly", &[&["--import", &bed.id], &to_lake[..]].concat()).await;
    assert!(added.status.success(), "{}", cli::told(&added));
    for (what, place) in [(["--import", &bed.id], "attic"), (["--refresh", &bed.id], "lake")] {
        let refused = add("odd", &[&what[..], &["--output", place]].concat()).await;
        assert_eq!(refused.status.code(), Some(2), "{place}: {}", cli::told(&refused));
        assert!(cli::told(&refused).contains("output"), "{place}: {}", cli::told(&refused));
    }
    let ordered = bed.operator.order("/v1/schedules/yearly/run").await.expect(202).json();
    let import = bed.settled(&format!("/v1/tasks/{}", ordered["tasks"][0].as_str().unwrap())).await;
    let task = bed.settled(&format!("/v1/tasks/{}", import["writtenBy"].as_str().unwrap())).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let manifest = manifest(lake.path(), &bed, &task);
    assert_eq!(manifest["tables"][0]["file"], format!("{}_account.parquet", bed.id), "{manifest}");
    assert_eq!(manifest["tables"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_place_that_is_not_there_fails_the_writing_and_not_the_import() {
    let lake = tempfile::tempdir().unwrap();
    let house = house(&lake.path().join("not-mounted")).await;
    let bed = bed(&house, 3).await;
    let task = written(&bed, &json!({"output": {"place": "lake", "format": "csv"}})).await;
    assert_eq!(
        (task["state"].clone(), task["error"]["kind"].clone()),
        (json!("failed"), json!("configuration")),
        "{task}"
    );
    assert!(task["error"]["message"].as_str().unwrap().contains("The import is published"), "{task}");
    assert_eq!(bed.published("account").await.len(), 3);
    assert!(!lake.path().join("not-mounted").exists(), "a volume that is not mounted is not made up for");
}

#[tokio::test]
async fn a_host_that_is_killed_while_it_writes_leaves_no_manifest_and_writes_again() {
    let lake = tempfile::tempdir().unwrap();
    let house = House::start().await;
    let mut bed = bed(&house, 60_000).await;
    let (data, tokens) = house.stop().await;
    let settings = format!("[tables.places.lake]\ndirectory = {:?}\n", lake.path());
    let host = Host::start(data.path(), &tokens, &settings).await;
    bed.core = host.core();
    let order = json!({"output": {"place": "lake", "format": "csv"}});
    let task = bed.core.post(&bed.at("/imports"), &order).await.expect(202);
    let hidden = || folders(lake.path(), &bed).iter().any(|name| name.starts_with('.'));
    for _ in 0..120_000 {
        if hidden() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    host.kill();
    let left = folders(lake.path(), &bed);
    assert!(
        !left.is_empty() && left.iter().all(|name| name.starts_with('.')),
        "killed too late to say anything: {left:?}"
    );

    let host = Host::start(data.path(), &tokens, &settings).await;
    bed.core = host.core();
    let import = bed.core.get(task.header("location")).await.expect(200).json();
    assert_eq!(import["state"], "succeeded", "{import}");
    let task = bed.settled(&format!("/v1/tasks/{}", import["writtenBy"].as_str().unwrap())).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    assert_eq!(manifest(lake.path(), &bed, &task)["tables"][0]["rows"], 60_000);
    assert_eq!(folders(lake.path(), &bed), [task["id"].as_str().unwrap()]);
}
