//! `hawser fulfil`, `hawser task` and `hawser import run`: work that outlives a request, and how its end becomes an exit code.

use hawser_tests::bed::Bed;
use serde_json::{Value as Json, json};

use super::{complained, file, ran, said, told};

/// Orders that are carried out one after the other, so many that nobody is quicker.
const MANY: usize = 1_000;

fn title(uid: &str, title: &str) -> Json {
    json!({"type": "modified", "class": "account", "uid": uid, "changes": {"title": {"replace": [title]}}})
}

fn written(orders: &[Json]) -> (tempfile::TempDir, String) {
    file("orders.json", &Json::from(orders).to_string())
}

/// The task that a command says it began.
fn begun(output: &str) -> String {
    let line = output.lines().find_map(|line| line.strip_prefix("task ")).unwrap_or_else(|| panic!("{output}"));
    line.trim().to_owned()
}

#[tokio::test]
async fn orders_are_carried_out_and_waited_for() {
    let bed = Bed::new(3, 0).await;
    let (_folder, path) = written(&[title("u1", "Boss"), title("u2", "Chief")]);
    let done = said(&["fulfil", &bed.id, "-f", &path, "--concurrency", "2", "--wait"]).await;
    assert!(done.contains("succeeded"), "{done}");
    let file = bed.people.read("accounts.csv");
    assert!(file.contains(",Boss,") && file.contains(",Chief,"), "{file}");
    let list = said(&["task", "list", "--connection", &bed.id, "--kind", "fulfil", "--state", "succeeded"]).await;
    assert!(list.contains("fulfil") && list.lines().count() == 2, "{list}");
}

#[tokio::test]
async fn what_fails_ends_with_1_and_its_orders_are_listed_with_their_reason() {
    let bed = Bed::new(3, 0).await;
    let (_folder, path) = written(&[title("ghost", "Boss"), title("u2", "Chief"), title("u1", "Boss")]);
    let stop = ["fulfil", &bed.id, "-f", &path, "--concurrency", "1", "--on-error", "stop", "--wait"];
    let failed = ran(&stop).await;
    assert_eq!(failed.status.code(), Some(1), "{}", told(&failed));
    let stdout = String::from_utf8(failed.stdout).unwrap();
    let task = begun(&stdout).split(' ').next().unwrap().to_owned();
    let orders = said(&["task", "orders", &task, "--state", "failed"]).await;
    assert!(orders.contains("ghost") && orders.contains("unknown-uid") && !orders.contains("u2"), "{orders}");
    assert_eq!(said(&["task", "orders", &task, "--state", "skipped"]).await.lines().count(), 3, "a heading and both");
    assert!(said(&["task", "show", &task]).await.contains("1 failed, 2 skipped"));
    complained(&["task", "orders", &task, "--state", "lost"], 2).await;
}

#[tokio::test]
async fn orders_that_are_none_are_refused_before_anything_begins() {
    let bed = Bed::new(1, 0).await;
    for (content, named) in
        [("{}", "a JSON list"), ("[", "no JSON"), ("[]", "orders"), ("[{\"type\": \"x\"}]", "orders[0]")]
    {
        let (_folder, path) = file("orders.json", content);
        let complaint = complained(&["fulfil", &bed.id, "-f", &path, "--wait"], 2).await;
        assert!(complaint.contains(named), "{content}: {complaint}");
    }
    let (_folder, path) = written(&[title("u1", "Boss")]);
    complained(&["fulfil", "nowhere", "-f", &path], 4).await;
    assert!(said(&["task", "list", "--connection", &bed.id, "--kind", "fulfil"]).await.contains("none"));
}

#[tokio::test]
async fn a_task_is_paused_watched_resumed_and_cancelled() {
    let bed = Bed::new(2, 0).await;
    let many: Vec<Json> = (0..MANY).map(|n| title("u1", &format!("Step {n}"))).collect();
    let (_folder, path) = written(&many);
    let task = begun(&said(&["fulfil", &bed.id, "-f", &path, "--concurrency", "1"]).await);
    said(&["task", "pause", &task]).await;
    let watched = ran(&["task", "watch", &task]).await;
    assert_eq!(watched.status.code(), Some(5), "{}", told(&watched));
    assert!(told(&watched).contains("hawser task resume"), "{}", told(&watched));
    said(&["task", "resume", &task]).await;
    said(&["task", "cancel", &task]).await;
    let watched = ran(&["task", "watch", &task]).await;
    assert_eq!(watched.status.code(), Some(1), "{}", told(&watched));
    assert!(said(&["task", "show", &task]).await.contains("cancelled"));
    complained(&["task", "resume", &task], 8).await;
    complained(&["task", "show", "019aa000-0000-7000-8000-000000000000"], 4).await;
}
