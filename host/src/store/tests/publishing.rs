//! Comparing and publishing.

use super::*;
use crate::model::{Counts, Matching, Reference, Schema, Syntax, TaskState};
use crate::store::PublishedLink;

fn groups() -> RunPart {
    RunPart::objects("group")
}

fn by_name(owner: &str, target: &str, class: Option<&str>) -> StagedLink {
    StagedLink {
        owner: Key::Name(format!("name of {owner}")),
        target_class: class.map(str::to_owned),
        target: Key::Name(format!("name of {target}")),
        parameters: "{}".into(),
    }
}

impl Room {
    async fn members(&self) -> Vec<PublishedLink> {
        self.store.published_links(&id("hr"), "group", "member", None, 100).await.unwrap()
    }

    async fn pairs(&self) -> Vec<(Key, Reference)> {
        self.members().await.into_iter().map(|link| (link.owner, link.target)).collect()
    }
}

#[tokio::test]
async fn nothing_is_visible_before_it_is_published() {
    let room = Room::new().await;
    let (task, compared) = room.compared(&[(accounts(), rows(&["1", "2"])), (members(), links(&[("g", "1")]))]).await;
    assert_eq!(compared.published_before, 0);
    assert!(room.uids("account").await.is_empty() && room.members().await.is_empty());
    assert!(room.feed(0).await.is_empty());
    assert!(room.store.published_counts(&id("hr")).await.unwrap().is_empty());

    let published = room.store.publish(task).await.unwrap();
    assert_eq!((published.state, published.counts), (TaskState::Succeeded, Some(compared.counts)));
    assert_eq!(published.finished, Some(room.clock.now()));
    assert_eq!(room.uids("account").await, ["1", "2"]);
    let counts = room.store.published_counts(&id("hr")).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|counted| (counted.part.to_string(), counted.count)).collect();
    assert_eq!(counts, [("account".to_owned(), 2), ("group.member".to_owned(), 1)]);
    assert!(is_conflict(&room.store.publish(task).await.unwrap_err()));
}

#[tokio::test]
async fn what_somebody_stopped_while_it_was_compared_is_not_published() {
    let room = Room::new().await;
    for (pause, end) in [(false, TaskState::Cancelled), (true, TaskState::Paused)] {
        let (task, _) = room.compared(&[(accounts(), rows(&["1"]))]).await;
        let asked = if pause { room.store.pause_task(task).await } else { room.store.cancel_task(task).await };
        assert_eq!(asked.unwrap().state, TaskState::Running);
        assert!(is_conflict(&room.store.publish(task).await.unwrap_err()));
        assert!(room.uids("account").await.is_empty());
        if pause {
            room.store.park_task(task).await.unwrap();
        } else {
            room.store.discard(task, TaskState::Cancelled, None).await.unwrap();
        }
        assert_eq!(room.store.task(task).await.unwrap().state, end);
    }
}

#[tokio::test]
async fn an_incomplete_pass_finds_nothing_gone() {
    let room = Room::new().await;
    room.imported(&[(accounts(), rows(&["1", "2"]))]).await;
    let (task, run) = room.begun(&[accounts()]).await;
    room.store.stage_rows(run.number, &accounts(), &[row("1")], &[], &at("1"), &Progress::default()).await.unwrap();
    let error = room.store.compare(run.number).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("not complete"), "{error}");
    assert!(is_conflict(&room.store.publish(task).await.unwrap_err()));
    assert_eq!(room.uids("account").await, ["1", "2"]);
}

#[tokio::test]
async fn the_second_import_changes_what_changed_and_nothing_else() {
    let room = Room::new().await;
    let first = [
        (accounts(), rows(&["1=1", "2=2", "3=3", "4=4", "5=5"])),
        (members(), links(&[("g", "1"), ("g", "2"), ("h", "3")])),
    ];
    let counts = room.imported(&first).await.counts;
    assert_eq!((counts.inserted, counts.links_added, counts.unchanged), (5, 3, 0));
    let seen = room.store.last_position(&id("hr")).await.unwrap().0;

    let mut second = rows(&["5=5", "3=30", "2=2", "6=6", "1=1"]);
    second.rows[4].revision = Some("a revision alone is no change".into());
    let compared = room.imported(&[(accounts(), second), (members(), links(&[("g", "2"), ("h", "6")]))]).await;
    let expected =
        Counts { inserted: 1, updated: 1, deleted: 1, unchanged: 3, links_added: 1, links_removed: 2, rejected: 0 };
    assert_eq!((compared.counts, compared.published_before), (expected, 5));
    use ChangeKind::{Delete, Insert, LinkAdded, LinkRemoved, Update};
    let news = room.news(seen).await;
    let news: Vec<_> = news.iter().map(|(kind, uid)| (*kind, uid.as_str())).collect();
    let expected =
        [(Update, "3"), (Insert, "6"), (LinkRemoved, "g"), (LinkRemoved, "h"), (LinkAdded, "h"), (Delete, "4")];
    assert_eq!(news, expected);
    assert_eq!(room.uids("account").await, ["1", "2", "3", "5", "6"]);
    let one = room.store.published_object(&id("hr"), "account", "1").await.unwrap().unwrap();
    assert_eq!(one.revision.as_deref(), Some("a revision alone is no change"));
}

#[tokio::test]
async fn a_new_name_is_a_change_and_new_parameters_replace_a_link() {
    let room = Room::new().await;
    room.imported(&[(accounts(), rows(&["1"])), (members(), links(&[("g", "1")]))]).await;
    let seen = room.store.last_position(&id("hr")).await.unwrap().0;
    let (mut renamed, mut scoped) = (rows(&["1"]), links(&[("g", "1")]));
    renamed.rows[0].name = "Another".into();
    scoped.links[0].parameters = r#"{"scope":["own"]}"#.into();
    room.imported(&[(accounts(), renamed), (members(), scoped)]).await;
    let kinds: Vec<_> = room.feed(seen).await.into_iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Update, ChangeKind::LinkRemoved, ChangeKind::LinkAdded]);
    assert_eq!(room.members().await[0].parameters, r#"{"scope":["own"]}"#);
}

#[tokio::test]
async fn a_class_that_left_the_plan_is_gone_with_its_links() {
    let room = Room::new().await;
    let both = [(accounts(), rows(&["1"])), (groups(), rows(&["g", "h"])), (members(), links(&[("g", "1")]))];
    room.imported(&both).await;
    let compared = room.imported(&[(accounts(), rows(&["1"]))]).await;
    assert_eq!((compared.counts.deleted, compared.counts.links_removed), (2, 1));
    assert_eq!(compared.published_before, 3);
    assert!(room.uids("group").await.is_empty() && room.members().await.is_empty());
}

#[tokio::test]
async fn names_in_another_case_are_joined_where_the_class_says_they_are_the_same() {
    let room = Room::new().await;
    let relation = || Content {
        links: vec![StagedLink { target: Key::Name("NAME OF 1".into()), ..by_name("g", "1", Some("account")) }],
        ..Content::default()
    };
    let pass = || [(members(), relation()), (accounts(), rows(&["1", "2"])), (groups(), rows(&["g"]))];
    room.imported(&pass()).await;
    let owner = Key::Uid("g".into());
    let by = |key: Key| vec![(owner.clone(), Reference { class: Some("account".into()), key })];
    assert_eq!(room.pairs().await, by(Key::Name("NAME OF 1".into())), "nobody said that case makes no difference");
    let mut class = crate::model::schema::tests::people();
    for (matching, joined) in [(Matching::Exact, false), (Matching::Dn, true)] {
        class.name_matching = matching;
        room.store.put_schema(&id("hr"), &Schema(vec![class.clone()]), room.clock.now()).await.unwrap();
        room.imported(&pass()).await;
        let expected = if joined { Key::Uid("1".into()) } else { Key::Name("NAME OF 1".into()) };
        assert_eq!(room.pairs().await, by(expected));
    }
}

#[tokio::test]
async fn who_refers_by_name_to_one_who_came_went_or_is_renamed_has_changed() {
    let room = Room::new().await;
    let mut class = crate::model::schema::tests::people();
    class.attributes.push(crate::model::schema::tests::plain("manager", Syntax::Reference));
    room.store.put_schema(&id("hr"), &Schema(vec![class]), room.clock.now()).await.unwrap();
    let reports = |uid: &str, to: &str| {
        let body = format!("{{\"attributes\":{{\"manager\":[{{\"name\":\"{to}\"}}],\"v\":[1]}}}}");
        StagedRow { body, ..row(uid) }
    };
    // Seven, so that there are several chunks: 5 to 7 refer to 1, in several spellings, to 2, and to nobody yet.
    let staff = |bosses: &[&str]| {
        let mut people = rows(bosses);
        people.rows.extend([reports("5", "NAME of 1"), reports("6", "name of 2"), reports("7", "name of 3")]);
        [(accounts(), people)]
    };
    let changed = async |pass: [(RunPart, Content); 1]| {
        let before = room.store.last_position(&id("hr")).await.unwrap().0;
        let counts = room.imported(&pass).await.counts;
        let told = room.news(before).await.into_iter();
        (told.map(|(kind, uid)| format!("{} {uid}", kind.as_str())).collect::<Vec<String>>(), counts)
    };
    room.imported(&staff(&["1", "2", "4"])).await;
    assert_eq!(changed(staff(&["1", "2", "4"])).await.0, Vec::<String>::new());
    let (told, counts) = changed(staff(&["2", "3", "4"])).await;
    assert_eq!(told, ["insert 3", "update 5", "update 7", "delete 1"]);
    assert_eq!((counts.inserted, counts.updated, counts.deleted, counts.unchanged), (1, 2, 1, 3));
    let mut renamed = staff(&["2", "3", "4"]);
    renamed[0].1.rows[0].name = "somebody".into();
    assert_eq!(changed(renamed).await.0, ["update 2", "update 6"]);
}

#[tokio::test]
async fn link_ends_given_by_name_are_resolved_from_this_run() {
    let room = Room::new().await;
    let mut people = rows(&["1", "2", "3", "4"]);
    people.rows[3].name = "name of 3".into();
    let relation = Content {
        links: vec![
            by_name("g", "1", Some("account")),
            by_name("g", "2", None),
            by_name("g", "3", Some("account")),
            by_name("g", "nobody", None),
            StagedLink { target_class: None, ..link("g", "4") },
            // The same as the first, spelled by uid: one link.
            link("g", "1"),
        ],
        ..Content::default()
    };
    let pass = [(members(), relation), (accounts(), people), (groups(), rows(&["g"]))];
    let counts = room.imported(&pass).await.counts;
    assert_eq!(counts.links_added, 5);
    let owner = Key::Uid("g".into());
    let name = |class: Option<&str>, name: &str| Reference {
        class: class.map(str::to_owned),
        key: Key::Name(format!("name of {name}")),
    };
    let expected = [
        name(Some("account"), "3"),
        name(None, "nobody"),
        Reference::to("account", "1"),
        Reference::to("account", "2"),
        Reference::to("account", "4"),
    ];
    assert_eq!(room.pairs().await, expected.map(|target| (owner.clone(), target)));
    let counted = room.store.published_counts(&id("hr")).await.unwrap();
    assert_eq!(counted[0].count, 5);

    let seen = room.store.last_position(&id("hr")).await.unwrap().0;
    assert_eq!(room.imported(&pass).await.counts.unchanged, 5);
    assert!(room.feed(seen).await.is_empty(), "the same pass again changes nothing");
}

#[tokio::test]
async fn links_are_read_on_after_the_last() {
    let room = Room::new().await;
    let pairs: Vec<(String, String)> = (0..7).map(|n| (format!("g{}", n / 3), format!("{n}"))).collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(owner, target)| (owner.as_str(), target.as_str())).collect();
    room.imported(&[(members(), links(&pairs))]).await;
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = room.store.published_links(&id("hr"), "group", "member", after.as_ref(), 2).await.unwrap();
        let Some(end) = page.last() else { break };
        after = Some(end.position.clone());
        read.extend(page);
    }
    assert_eq!(read, room.members().await);
    assert_eq!(read.len(), 7);
}

#[tokio::test]
async fn an_object_whose_record_was_set_aside_is_carried_over() {
    let room = Room::new().await;
    room.imported(&[(accounts(), rows(&["1=1", "2=2", "3=3", "4=4"]))]).await;
    let set_aside = vec![reject("2"), reject("name of 3"), reject("line 7")];
    let second = Content { set_aside, ..rows(&["1=1"]) };
    let counts = room.imported(&[(accounts(), second)]).await.counts;
    assert_eq!((counts.deleted, counts.unchanged, counts.rejected), (1, 3, 3));
    assert_eq!(room.uids("account").await, ["1", "2", "3"]);
    let two = room.store.published_object(&id("hr"), "account", "2").await.unwrap().unwrap();
    assert_eq!(two.body, row("2=2").body);
    let counts = room.imported(&[(accounts(), rows(&["1=1"]))]).await.counts;
    assert_eq!(counts.deleted, 2, "carried over once, not for ever");
}

#[tokio::test]
async fn links_whose_record_was_set_aside_are_carried_over() {
    let room = Room::new().await;
    let people = || (accounts(), rows(&["1", "2", "3", "4"]));
    let all = links(&[("g", "1"), ("h", "2"), ("h", "3"), ("i", "4")]);
    room.imported(&[people(), (groups(), rows(&["g", "h", "i"])), (members(), all)]).await;
    // A key may be the owner's uid or name or the target's.
    let broken = Content { set_aside: vec![reject("g"), reject("name of 3")], ..Content::default() };
    let counts = room.imported(&[people(), (groups(), rows(&["g", "h", "i"])), (members(), broken)]).await.counts;
    assert_eq!((counts.links_removed, counts.links_added), (2, 0));
    let left: Vec<_> = room.pairs().await.into_iter().map(|(owner, target)| (owner, target.key)).collect();
    let uid = |text: &str| Key::Uid(text.into());
    assert_eq!(left, [(uid("g"), uid("1")), (uid("h"), uid("3"))]);
}

#[tokio::test]
async fn comparing_again_after_a_crash_gives_the_same() {
    let mut room = Room::new().await;
    room.imported(&[(accounts(), rows(&["1=1", "2=2"])), (members(), links(&[("g", "1")]))]).await;
    let set_aside = Content { set_aside: vec![reject("2")], ..rows(&["1=9"]) };
    let relation = Content { links: vec![by_name("g", "1", None)], ..Content::default() };
    let pass = [(accounts(), set_aside), (groups(), rows(&["g"])), (members(), relation)];
    let (task, first) = room.compared(&pass).await;
    room.reopen().await;
    let run = room.store.run_of(task).await.unwrap().unwrap();
    assert_eq!(room.store.compare(run.number).await.unwrap(), first);
    room.store.publish(task).await.unwrap();
    assert_eq!(room.uids("account").await, ["1", "2"]);
    let after = room.store.last_position(&id("hr")).await.unwrap();
    assert_eq!(room.feed(0).await.last().map(|change| change.position), Some(after));
}

#[tokio::test]
async fn resolving_merging_discarding_and_sweeping_work_across_chunks() {
    let room = Room::new().await;
    let names: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    let people = || Content { rows: names.iter().map(|name| row(name)).collect(), ..Content::default() };
    // Every link twice, by uid and by name.
    let both = names.iter().flat_map(|name| [link("g", name), by_name("g", name, None)]).collect();
    let relation = Content { links: both, ..Content::default() };
    let pass = [(accounts(), people()), (groups(), rows(&["g"])), (members(), relation)];
    assert_eq!(room.imported(&pass).await.counts.links_added, 30);
    let targets: Vec<_> = room.pairs().await.into_iter().map(|(_, target)| target).collect();
    let expected: Vec<_> = names.iter().map(|name| Reference::to("account", name)).collect();
    assert_eq!(targets, expected);

    let (task, compared) = room.compared(&[(accounts(), rows(&["00"]))]).await;
    assert_eq!((compared.counts.deleted, compared.counts.links_removed), (30, 30));
    room.store.finish_task(task, TaskState::Failed, None, None).await.unwrap();
    room.store.sweep().await.unwrap();
    for (table, left) in [("object_row", 31), ("link_row", 30), ("change", 61), ("object_name", 0), ("set_aside", 0)] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(room.store.database.reader()).await.unwrap();
        assert_eq!(count, left, "{table}");
    }
}
