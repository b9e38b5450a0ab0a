//! The property that the feed is for: replaying it gives what is published.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::TaskState;

/// What a pass of the property holds: per class uids with a version, members, keys set aside.
#[derive(Clone, Debug)]
struct Drawn {
    people: BTreeMap<u8, u8>,
    groups: Option<BTreeMap<u8, u8>>,
    members: Vec<(u8, u8, bool)>,
    set_aside: Vec<u8>,
    /// Published, rejected, or broken off in the middle.
    fate: u8,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let objects = || prop::collection::btree_map(0..12u8, 0..3u8, 0..12);
    let members = prop::collection::vec((0..4u8, 0..12u8, any::<bool>()), 0..15);
    let set_aside = prop::collection::vec(0..12u8, 0..3);
    (objects(), prop::option::weighted(0.8, objects()), members, set_aside, 0..4u8)
        .prop_map(|(people, groups, members, set_aside, fate)| Drawn { people, groups, members, set_aside, fate })
}

impl Drawn {
    fn pass(&self) -> Vec<(RunPart, Content)> {
        let objects = |map: &BTreeMap<u8, u8>| Content {
            rows: map.iter().map(|(uid, version)| row(&format!("{uid}={version}"))).collect(),
            ..Content::default()
        };
        let set_aside = self.set_aside.iter().map(|key| reject(&key.to_string())).collect();
        let mut pass = vec![(accounts(), Content { set_aside, ..objects(&self.people) })];
        if let Some(groups) = &self.groups {
            pass.push((RunPart::objects("group"), objects(groups)));
            pass.push((members(), Content { links: self.links(), ..Content::default() }));
        }
        pass
    }

    fn links(&self) -> Vec<StagedLink> {
        let one = |(owner, target, named): &(u8, u8, bool)| {
            let by_uid = link(&owner.to_string(), &target.to_string());
            let by_name = Key::Name(format!("name of {target}"));
            if *named { StagedLink { target: by_name, target_class: None, ..by_uid } } else { by_uid }
        };
        self.members.iter().map(one).collect()
    }
}

type State = BTreeMap<(String, String, String), String>;

/// What the feed says when it is done as it says.
fn replayed(feed: Vec<PublishedChange>) -> State {
    let mut state = State::new();
    for change in feed {
        let body: serde_json::Value =
            change.body.as_deref().map_or(serde_json::Value::Null, |body| serde_json::from_str(body).unwrap());
        let object = (change.class.clone(), change.uid.clone(), String::new());
        let link = (change.class, change.uid, body["target"].to_string());
        match change.kind {
            ChangeKind::Insert => assert_eq!(state.insert(object, body.to_string()), None),
            ChangeKind::Update => assert_ne!(state.insert(object, body.to_string()).unwrap(), body.to_string()),
            ChangeKind::Delete => assert!(state.remove(&object).is_some()),
            ChangeKind::LinkAdded => assert_eq!(state.insert(link, String::new()), None),
            ChangeKind::LinkRemoved => assert!(state.remove(&link).is_some()),
        }
    }
    state
}

async fn published(room: &Room) -> State {
    let mut state = State::new();
    for class in ["account", "group"] {
        for row in room.store.published(&id("hr"), class, None, 100).await.unwrap() {
            let body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
            state.insert((class.into(), row.uid, String::new()), body.to_string());
        }
    }
    for link in room.store.published_links(&id("hr"), "group", "member", None, 100).await.unwrap() {
        let target = crate::model::json::value_to_json(&crate::model::Value::Reference(link.target));
        let Key::Uid(owner) = link.owner else { panic!("owners come by uid here") };
        state.insert(("group".into(), owner, target.to_string()), String::new());
    }
    state
}

async fn live(room: &mut Room, drawn: &Drawn) {
    match drawn.fate {
        0 => {
            let (task, _) = room.compared(&drawn.pass()).await;
            room.store.finish_task(task, TaskState::Held, None, None).await.unwrap();
            room.store.discard(task, TaskState::Rejected, None).await.unwrap();
        }
        1 => {
            let (task, _) = room.compared(&drawn.pass()).await;
            room.reopen().await;
            room.store.sweep().await.unwrap();
            let run = room.store.run_of(task).await.unwrap().unwrap();
            room.store.compare(run.number).await.unwrap();
            room.store.publish(task).await.unwrap();
        }
        _ => {
            room.imported(&drawn.pass()).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn replaying_the_feed_from_the_beginning_gives_what_is_published(
        passes in prop::collection::vec(drawn(), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut room = Room::new().await;
            for drawn in &passes {
                live(&mut room, drawn).await;
                assert_eq!(replayed(room.feed(0).await), published(&room).await, "after {drawn:?}");
            }
        });
    }
}
