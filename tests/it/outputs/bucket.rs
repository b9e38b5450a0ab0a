//! Tables written to a bucket: OpenStack's Swift behind its S3 API, with botocore as the judge.

use std::path::PathBuf;
use std::time::Duration;

use hawser::cli::demo::server::web::WebServer;
use hawser::config::{BucketConfig, Config, PlaceConfig};
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::stall::Stall;
use hawser_tests::web::blocking;
use hawser_tests::web::swift::{self, Account, READER, REGION, Swift, WRITER};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{bed, written};

const BUCKET: &str = "hawser-lake";

/// A store with an empty bucket, and the files that a place refers to.
struct Lake {
    server: WebServer<Swift>,
    files: TempDir,
}

impl Lake {
    async fn start() -> Self {
        let server = blocking(|| {
            let server = Swift::start();
            swift::make_bucket(&server, BUCKET);
            server
        });
        Self { server: server.await, files: tempfile::tempdir().unwrap() }
    }

    /// The bucket as a place, entered with these keys.
    fn place(&self, account: Account) -> BucketConfig {
        BucketConfig {
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            endpoint: Some(self.server.url()),
            bucket_in_host: false,
            prefix: "iga/hawser".to_owned(),
            plaintext: false,
            roots: Some(self.server.ca().certificate()),
            access_key_id: self.file(account.id).try_into().unwrap(),
            secret_access_key: self.file(account.secret).try_into().unwrap(),
            session_token: None,
        }
    }

    /// A reference to a file that says so.
    fn file(&self, text: &str) -> String {
        let path = self.files.path().join(text.replace([':', '\n'], "-"));
        std::fs::write(&path, format!("{text}\n")).unwrap();
        format!("file:{}", path.display())
    }

    /// The place `lake` in the words of a host's configuration, entered through a proxy.
    fn settings(&self, through: &Stall) -> String {
        let place = self.place(WRITER);
        let roots = place.roots.unwrap();
        format!(
            "[egress]\nloopback = true\n[tables.places.lake.s3]\nbucket = {BUCKET:?}\nendpoint = \"https://{}\"\nroots = {roots:?}\n\
             access-key-id = \"{}\"\nsecret-access-key = \"{}\"\n",
            through.address(),
            place.access_key_id,
            place.secret_access_key
        )
    }

    async fn keys(&self) -> Vec<String> {
        tokio::task::block_in_place(|| swift::keys(&self.server, BUCKET, ""))
    }

    async fn uploads(&self) -> Vec<String> {
        tokio::task::block_in_place(|| swift::uploads(&self.server, BUCKET))
    }

    async fn read(&self, key: &str) -> Vec<u8> {
        tokio::task::block_in_place(|| swift::read(&self.server, BUCKET, key))
    }

    async fn stall(&self) -> Stall {
        Stall::before(([127, 0, 0, 1], self.server.port()).into()).await
    }
}

async fn house(places: Vec<(&str, BucketConfig)>, change: impl FnOnce(&mut Config)) -> House {
    House::with(|config: &mut Config| {
        config.egress.loopback = true;
        for (name, place) in places {
            config.tables.places.insert(name.parse().unwrap(), PlaceConfig::Bucket(place));
        }
        change(config);
    })
    .await
}

fn to(place: &str) -> Json {
    json!({"output": {"place": place, "format": "csv"}})
}

/// Accounts whose table takes more than one part of an upload.
async fn wide(house: &House) -> Bed {
    let bed = bed(house, 10).await;
    let text = "x".repeat(60_000);
    let lines: Vec<String> = (0..400).map(|n| format!("w{n},w.{n},,,,,{text},,true,{n},,")).collect();
    bed.people.append("accounts.csv", &lines.join("\n"));
    bed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_objects_are_what_a_download_is_and_the_manifest_says_so() {
    let lake = Lake::start().await;
    let house = house(vec![("lake", lake.place(WRITER))], |_| {}).await;
    let bed = wide(&house).await;
    let task = written(&bed, &to("lake")).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let folder = format!("iga/hawser/{}/{}", bed.id, task["id"].as_str().unwrap());
    let manifest: Json = serde_json::from_slice(&lake.read(&format!("{folder}/manifest.json")).await).unwrap();
    let mut expected = vec![format!("{folder}/manifest.json")];
    for table in manifest["tables"].as_array().unwrap() {
        let key = format!("{folder}/{}", table["file"].as_str().unwrap());
        let bytes = lake.read(&key).await;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((json!(digest), json!(bytes.len())), (table["sha256"].clone(), table["bytes"].clone()), "{table}");
        let rows = format!("/tables/{}/rows", table["suffix"].as_str().unwrap());
        assert!(bed.core.get(&bed.at(&rows)).await.expect(200).text.as_bytes() == bytes, "{table}");
        expected.push(key);
    }
    expected.sort();
    assert_eq!(lake.keys().await, expected);
    assert_eq!(manifest["tables"][0]["rows"], 410);
    assert!(manifest["tables"][0]["bytes"].as_u64().unwrap() > 20 << 20, "it should take two parts: {manifest}");
    assert_eq!(lake.uploads().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_written_fails_the_writing_at_once_and_says_why() {
    let lake = Lake::start().await;
    let wrong = Account { id: WRITER.id, secret: "swift-canary-that-is-no-secret-9z8y" };
    let nobody = Account { id: "hawser:nobody", secret: WRITER.secret };
    let wrapped = Account { id: WRITER.id, secret: "swift-canary-of-two\nlines-9z8y" };
    let unset = format!("file:{}", lake.files.path().join("none").display());
    let places = vec![
        ("reader", lake.place(READER)),
        ("wrong", lake.place(wrong)),
        ("nobody", lake.place(nobody)),
        ("wrapped", lake.place(wrapped)),
        ("gone", BucketConfig { bucket: "hawser-gone".to_owned(), ..lake.place(WRITER) }),
        ("unset", BucketConfig { secret_access_key: unset.try_into().unwrap(), ..lake.place(WRITER) }),
        ("rootless", BucketConfig { roots: Some(PathBuf::from("/nowhere/ca.pem")), ..lake.place(WRITER) }),
    ];
    let house = house(places, |_| {}).await;
    let bed = bed(&house, 3).await;
    for (place, told) in [
        ("reader", "AccessDenied"),
        ("wrong", "SignatureDoesNotMatch"),
        ("nobody", "SignatureDoesNotMatch"),
        ("gone", "NoSuchBucket"),
        ("unset", "there is no such file"),
        ("rootless", "/nowhere/ca.pem"),
        ("wrapped", "visible ASCII"),
    ] {
        let task = written(&bed, &to(place)).await;
        assert_eq!(task["error"]["kind"], "configuration", "{place}: {task}");
        let message = task["error"]["message"].as_str().unwrap();
        assert!(message.contains(told) && message.contains(&format!("tables.places.{place}.s3")), "{message}");
        for secret in [WRITER, READER, wrong, wrapped].map(|account| account.secret) {
            assert!(!task.to_string().contains(secret), "{task}");
        }
    }
    assert_eq!(bed.published("account").await.len(), 3);
    assert_eq!(lake.keys().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_ceiling_holds_for_its_own_places() {
    let lake = Lake::start().await;
    let house = house(vec![("lake", lake.place(WRITER))], |config| config.egress.hosts = Some(Vec::new())).await;
    let bed = bed(&house, 3).await;
    let task = written(&bed, &to("lake")).await;
    assert_eq!(task["error"]["kind"], "egress-denied", "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("egress.hosts"), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writing_that_is_cancelled_while_the_store_does_not_answer_leaves_nothing() {
    let lake = Lake::start().await;
    let stall = lake.stall().await;
    let place = BucketConfig { endpoint: Some(format!("https://{}", stall.address())), ..lake.place(WRITER) };
    let house = house(vec![("lake", place)], |_| {}).await;
    let bed = wide(&house).await;
    let task = writing(&bed).await;
    sent(&stall, 1 << 20).await;
    stall.stall();
    bed.core.order(&format!("/v1/tasks/{task}/cancel")).await.expect(200);
    // Long enough for it to notice, and not for it to give up what it wrote.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stall.forward();
    let task = bed.settled(&format!("/v1/tasks/{task}")).await;
    assert_eq!(task["state"], "cancelled", "{task}");
    assert_eq!((lake.keys().await, lake.uploads().await), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_it_writes_throws_away_what_it_left() {
    let lake = Lake::start().await;
    let stall = lake.stall().await;
    let house = House::start().await;
    let mut bed = wide(&house).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, &lake.settings(&stall)).await;
    bed.core = host.core();
    let task = writing(&bed).await;
    sent(&stall, 1 << 20).await;
    stall.stall();
    host.kill();
    let folder = format!("{}/{task}", bed.id);
    assert!(!lake.keys().await.contains(&format!("{folder}/manifest.json")), "killed too late to say anything");
    let left = format!("{folder}/{}_left.csv", bed.id);
    tokio::task::block_in_place(|| swift::write(&lake.server, BUCKET, &left, "of the first try"));

    stall.forward();
    let host = Host::start(data.path(), &tokens, &lake.settings(&stall)).await;
    bed.core = host.core();
    let task = bed.settled(&format!("/v1/tasks/{task}")).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let keys = lake.keys().await;
    assert!(keys.contains(&format!("{folder}/manifest.json")) && !keys.contains(&left), "{keys:?}");
    assert_eq!(keys.len(), 4, "{keys:?}");
}

/// Orders an import, and the identifier of the task that writes its tables.
async fn writing(bed: &Bed) -> String {
    let import = bed.core.post(&bed.at("/imports"), &to("lake")).await.expect(202);
    loop {
        let import = bed.core.get(import.header("location")).await.expect(200).json();
        match import["writtenBy"].as_str() {
            Some(task) => return task.to_owned(),
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Waits until the store was sent so much.
async fn sent(stall: &Stall, bytes: u64) {
    for _ in 0..30_000 {
        if stall.to_target() >= bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the store was sent {} bytes", stall.to_target());
}
