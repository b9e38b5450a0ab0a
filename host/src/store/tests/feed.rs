//! The change feed.

use super::*;

#[tokio::test]
async fn positions_are_resumable_anywhere_and_the_same_for_every_reader() {
    let room = Room::new().await;
    room.imported(&[(accounts(), rows(&["1", "2", "3"])), (members(), links(&[("g", "1"), ("g", "2")]))]).await;
    room.imported(&[(accounts(), rows(&["1"]))]).await;
    room.imported(&[(accounts(), rows(&["1=5", "4"]))]).await;
    let all = room.feed(0).await;
    let positions: Vec<i64> = all.iter().map(|change| change.position.0).collect();
    assert_eq!(positions, (1..=11).collect::<Vec<_>>());
    for at_most in 1..=4 {
        let (mut read, mut after) = (Vec::new(), Position(0));
        loop {
            let page = room.store.changes(&id("hr"), after, at_most).await.unwrap();
            let Some(end) = page.last() else { break };
            after = end.position;
            read.extend(page);
        }
        assert_eq!(read, all);
    }
    assert!(room.feed(11).await.is_empty());
    let beyond = room.store.changes(&id("hr"), Position(12), 1000).await.unwrap_err();
    assert!(beyond.is(FailureKind::ResyncRequired), "{beyond}");
}

#[tokio::test]
async fn a_change_keeps_the_body_it_was_published_with() {
    let room = Room::new().await;
    for body in ["1=1", "1=2", "1=3"] {
        room.imported(&[(accounts(), rows(&[body, "2"]))]).await;
    }
    room.imported(&[(accounts(), rows(&["2"]))]).await;
    room.store.sweep().await.unwrap();
    let one: Vec<_> = room.feed(0).await.into_iter().filter(|change| change.uid == "1").collect();
    let bodies: Vec<Option<String>> = one.iter().map(|change| change.body.clone()).collect();
    assert_eq!(bodies, [Some(row("1=1").body), Some(row("1=2").body), Some(row("1=3").body), None]);
    assert!(one.iter().all(|change| change.name == "name of 1" && change.class == "account"));
    let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM object_row WHERE uid = '2'")
        .fetch_one(room.store.database.reader())
        .await
        .unwrap();
    assert_eq!(kept, 2, "of an object that never changed only its insert and what is published now are kept");
}

#[tokio::test]
async fn a_link_says_its_attribute_target_and_parameters() {
    let room = Room::new().await;
    let mut content = links(&[("g", "1")]);
    content.links[0].parameters = r#"{"scope":["own"]}"#.into();
    content.links.push(StagedLink { owner: Key::Name("h".into()), ..link("", "2") });
    room.imported(&[(members(), content)]).await;
    let feed = room.feed(0).await;
    let body: serde_json::Value = serde_json::from_str(feed[1].body.as_deref().unwrap()).unwrap();
    let expected = serde_json::json!(
        {"attribute": "member", "target": {"class": "account", "uid": "1"}, "parameters": {"scope": ["own"]}}
    );
    assert_eq!((feed[1].class.as_str(), feed[1].uid.as_str(), body), ("group", "g", expected));
    assert_eq!((feed[0].uid.as_str(), feed[0].name.as_str()), ("", "h"), "an owner nobody knows stays a name");
}
