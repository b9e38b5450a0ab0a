//! A service behind a proxy that misbehaves: nothing is done twice, nobody is lost, nothing loops.

use hawser::cli::demo::server::scim2::{BASE, Scim2, Scim2Options, TOKEN};
use hawser_tests::web::chaos::{Chaos, Mischief};
use hawser_tests::web::scim2;
use serde_json::json;

use super::Service;

/// A service behind a proxy, with five people who were imported.
async fn behind() -> (Service<Scim2>, Chaos) {
    let service = Service::of(BASE, || scim2(&Scim2Options::default())).await;
    let chaos = Chaos::before(&service.server.url(), service.server.ca()).await;
    let mut body = service.body(TOKEN, &json!({"page-size": 2}));
    body["options"]["port"] = json!(chaos.port());
    service.connect(&body).await;
    for name in ["ada", "bob", "cid", "dan", "eve"] {
        service.hire(name).await;
    }
    service.bed.import_published().await;
    chaos.forget();
    (service, chaos)
}

#[tokio::test]
async fn a_create_that_was_answered_with_500_after_it_was_done_is_unknown_and_not_made_again() {
    let (service, chaos) = behind().await;
    chaos.next(1, "POST /v2/Users", Mischief::FaultAfter);
    let draft = json!({"name": "fay", "attributes": {}});
    let answer = service.bed.core.post(&service.bed.at("/objects/account"), &draft).await;
    assert_eq!(answer.problem(504, "outcome-unknown").0["effect"], "unknown");
    let posts = chaos.recorded().into_iter().filter(|recorded| recorded.request.method == "POST").count();
    assert_eq!(posts, 1, "it was made again");
    assert_eq!(service.seen("/Users?filter=userName%20eq%20%22fay%22")["totalResults"], 1);
}

#[tokio::test]
async fn a_pass_that_meets_half_an_answer_loses_nobody() {
    for mischief in [Mischief::Truncated, Mischief::ResetInBody] {
        let (service, chaos) = behind().await;
        chaos.always("GET /v2/Users", mischief.clone());
        let task = service.bed.import().await;
        assert_eq!(task["state"], "failed", "{mischief:?}: {task}");
        assert_eq!(service.bed.published("account").await.len(), 5, "{mischief:?}");
        chaos.behave();
        service.bed.import_published().await;
        assert_eq!(service.bed.published("account").await.len(), 5, "{mischief:?}");
    }
}

#[tokio::test]
async fn a_page_that_comes_again_and_again_ends_the_pass_with_a_word_about_it() {
    let (service, chaos) = behind().await;
    chaos.always("GET /v2/Users", Mischief::SamePage);
    let task = service.bed.import().await;
    assert_eq!(task["state"], "failed", "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("same page"), "{task}");
    assert!(chaos.recorded().len() < 20, "it went round");
    assert_eq!(service.bed.published("account").await.len(), 5);
}

#[tokio::test]
async fn a_service_that_asks_for_patience_gets_it() {
    let (service, chaos) = behind().await;
    chaos.next(3, "GET /v2/Users", Mischief::too_many(Some("0")));
    service.bed.import_published().await;
    assert_eq!(service.bed.published("account").await.len(), 5);
}
