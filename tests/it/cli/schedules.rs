//! `hawser schedule`: added, shown, paused, run out of its turn and removed.

use hawser_tests::bed::Bed;

use super::{complained, said};

/// A line of what is shown of one thing, by its label.
fn line<'a>(shown: &'a str, label: &str) -> &'a str {
    let line = shown.lines().find_map(|line| line.strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label}: {shown}")).trim()
}

#[tokio::test]
async fn a_schedule_is_added_listed_paused_resumed_run_and_removed() {
    let bed = Bed::new(2, 0).await;
    let id = format!("{}-nightly", bed.id);
    let add = ["schedule", "add", &id, "--import", &bed.id, "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin"];
    let added = said(&add).await;
    assert_eq!((line(&added, "cron"), line(&added, "paused")), ("30 2 * * *", "false"));
    assert!(complained(&add, 8).await.contains(&id), "it is there already");
    let list = said(&["schedule", "list", "--limit", "1000"]).await;
    assert!(list.lines().any(|line| line.starts_with(&id) && line.contains("Europe/Berlin")), "{list}");

    let paused = said(&["schedule", "pause", &id]).await;
    assert!(line(&paused, "paused") == "true" && !paused.contains("next run"), "{paused}");
    let run = said(&["schedule", "run", &id]).await;
    let task = line(&run, "tasks").to_owned();
    said(&["task", "watch", &task]).await;
    assert!(said(&["task", "list", "--schedule", &id]).await.contains(&task));
    let resumed = said(&["schedule", "resume", &id]).await;
    assert!(line(&resumed, "next run").ends_with('Z'), "{resumed}");
    said(&["schedule", "remove", &id]).await;
    complained(&["schedule", "show", &id], 4).await;
    assert!(said(&["task", "show", &task]).await.contains("succeeded"), "its tasks stay");
}

#[tokio::test]
async fn a_schedule_that_says_nothing_or_names_nothing_is_refused() {
    let bed = Bed::new(1, 0).await;
    let id = format!("{}-never", bed.id);
    let add =
        async |more: &[&str], code: i32| complained(&[&["schedule", "add", id.as_str()], more].concat(), code).await;
    assert!(add(&["--import", &bed.id, "--cron", "every night"], 2).await.contains("cron"));
    assert!(
        add(&["--import", &bed.id, "--cron", "@daily", "--time-zone", "Europe/Nowhere"], 2).await.contains("Nowhere")
    );
    assert!(add(&["--import", "nowhere", "--cron", "@daily"], 2).await.contains("nowhere"));
    assert!(add(&["--import", &bed.id, "--refresh", &bed.id, "--cron", "@daily"], 2).await.contains("cannot be used"));
    assert!(add(&["--cron", "@daily"], 2).await.contains("--import"));
    for verb in ["show", "pause", "resume", "run", "remove"] {
        assert!(complained(&["schedule", verb, &id], 4).await.contains(&id));
    }
}
