//! Leaks: a secret that a connector read, and gives out. Every exit is watched, in the forms secrets usually leak in.

use std::fs;

use hawser_tests::bed::Bed;
use hawser_tests::canary::{Canaries, Search};
use hawser_tests::child::Host;
use hawser_tests::client::Answer;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// With characters that every form writes differently.
const TOKEN: &str = "tok/+\"%? of-the-target";
const FORMS: [&str; 5] = ["plain", "base64", "url", "json", "utf-16"];

fn search() -> Search {
    let mut canaries = Canaries::new();
    canaries.planted_elsewhere("the token", TOKEN);
    canaries.search()
}

fn mirror(bed: &Bed, exit: &str, form: &str) -> Json {
    json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/mirror", "version": "^0.1", "title": "Mirror",
        "options": {"exit": exit, "form": form},
        "directories": {"data": {"path": bed.people.path(), "access": "read-write"}},
        "securedOptions": {
            "token": {"value": TOKEN}, "key": {"value": "Jefe"}, "headers": {"entries": {"x-one": "first-header"}},
        },
    })
}

/// A bed whose connector may read its token, and gives it out at that exit in that form.
async fn leaking(exit: &str, form: &str) -> Bed {
    let bed = Bed::bare(House::shared().await, People::new(0, 0)).await;
    bed.create(&mirror(&bed, "none", "plain")).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    bed.operator.put(&bed.at(""), &mirror(&bed, exit, form)).await.expect(200);
    bed
}

/// Makes the call that passes the exit.
async fn pass(bed: &Bed, exit: &str) -> Answer {
    match exit {
        "choice" => bed.operator.post(&bed.at("/suggest"), &json!({"option": "exit"})).await,
        "schema" => bed.operator.order(&bed.at("/schema/refresh")).await,
        "uid" | "name" | "cell" | "binary" => bed.core.get(&bed.account("u1")).await,
        "checkpoint" => bed.core.get(&bed.at("/objects/account")).await,
        _ => bed.core.post(&bed.at("/check"), &json!({})).await,
    }
}

#[tokio::test]
async fn a_secret_in_any_exit_and_any_form_fails_the_call_and_is_in_the_trail() {
    let exits =
        ["finding", "failure", "code", "cache", "choice", "schema", "uid", "name", "cell", "binary", "checkpoint"];
    let search = search();
    for (exit, form) in exits.into_iter().flat_map(|exit| FORMS.map(|form| (exit, form))) {
        let bed = leaking(exit, form).await;
        let answer = pass(&bed, exit).await;
        assert_eq!(answer.status, 403, "{exit}, {form}: {}", answer.text);
        answer.problem(403, "credential-denied").names("\\\"token\\\"");
        assert!(search.leak(answer.text.as_bytes()).is_none(), "{exit}, {form}: {}", answer.text);
        let trail = bed.audit().await;
        let outcome = &trail.last().unwrap()["outcome"];
        assert_eq!((&outcome["error"], &outcome["revealed"]), (&json!("credential-denied"), &json!(["token"])));
        assert!(search.leak(format!("{trail:?}").as_bytes()).is_none(), "{exit}, {form}: {trail:?}");
    }
}

#[tokio::test]
async fn what_leaks_nothing_passes_though_the_connector_read_the_secret() {
    let bed = leaking("log", "plain").await;
    pass(&bed, "log").await.expect(200);
    assert_eq!(bed.audit().await.last().unwrap()["outcome"]["revealed"], json!(["token"]));
    for exit in ["choice", "schema", "uid", "checkpoint"] {
        pass(&bed, exit).await.expect(200);
    }
}

#[tokio::test]
async fn an_import_that_would_publish_a_secret_fails_and_publishes_nothing() {
    let bed = leaking("cell", "base64").await;
    let task = bed.import().await;
    assert_eq!(task["state"], "failed", "{task}");
    assert!(task.to_string().contains("credential-denied"), "{task}");
    assert_eq!(bed.published("account").await, Vec::<Json>::new());
}

#[tokio::test]
async fn a_password_of_the_call_that_comes_back_is_withheld_and_nobody_knows_what_was_written() {
    let bed = leaking("failure", "url").await;
    let new = "correct horse battery";
    let answer = bed.core.put(&format!("{}/password", bed.account("u1")), &json!({"new": new})).await;
    let problem = answer.problem(403, "credential-denied").names("new-password");
    assert_eq!(problem.0["effect"], "unknown");
    let outcome = bed.audit().await.last().unwrap()["outcome"].clone();
    assert_eq!((&outcome["status"], &outcome["revealed"]), (&json!("outcome-unknown"), &json!(["new-password"])));
}

#[tokio::test]
async fn what_may_not_be_revealed_never_reaches_the_connector() {
    let bed = leaking("cell", "plain").await;
    bed.withdraw(&["reveal:token"]).await;
    pass(&bed, "cell").await.problem(403, "not-permitted").names("reveal:token");
}

#[tokio::test]
async fn a_line_of_the_log_that_holds_a_secret_is_withheld_and_another_says_so() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(0, 0)).await;
    bed.create(&mirror(&bed, "none", "plain")).await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    let host = Host::logging(data.path(), &tokens, "[log]\nfilter = \"trace\"\n", &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    for form in FORMS {
        bed.operator.put(&bed.at(""), &mirror(&bed, "log", form)).await.expect(200);
        pass(&bed, "log").await.expect(200);
    }
    drop(host);
    let written = fs::read(&log).unwrap();
    assert!(search().leak(&written).is_none(), "{:?}", search().leak(&written));
    let withheld = String::from_utf8_lossy(&written).matches("a line was withheld").count();
    assert_eq!(withheld, FORMS.len());
}
