//! Incremental runs: copied, changed by what a feed tells, compared and published like any other.

use std::sync::Arc;

use sqlx::Executor as _;

use super::*;
use crate::model::{AttributeName, Gone, Reference, TaskState};
use crate::store::{Catching, FedChange, FedObject, FedPage, FedRelation, Reread};

fn groups() -> RunPart {
    RunPart::objects("group")
}

fn plan() -> Vec<RunPart> {
    vec![accounts(), groups(), members()]
}

/// `uid` or `uid=body`, of a class.
fn object(class: &str, text: &str) -> FedObject {
    let columns: Arc<[AttributeName]> = vec!["v".parse().unwrap(), "w".parse().unwrap()].into();
    FedObject { class: class.into(), previous: None, columns, row: row(text), relations: Vec::new() }
}

fn account(text: &str) -> FedChange {
    FedChange::Object(object("account", text))
}

fn renamed(previous: &str, text: &str) -> FedChange {
    FedChange::Object(FedObject { previous: Some(previous.into()), ..object("account", text) })
}

/// A group that has these members, and no others; none: they have to be read again.
fn group(uid: &str, targets: Option<&[&str]>) -> FedChange {
    let targets = targets.map(|targets| targets.iter().map(|uid| Reference::to("account", *uid)).collect());
    let relations = vec![FedRelation { attribute: "member".into(), targets }];
    FedChange::Object(FedObject { relations, ..object("group", uid) })
}

fn gone(class: Option<&str>, uid: Option<&str>, name: Option<&str>) -> FedChange {
    let text = |text: Option<&str>| text.map(str::to_owned);
    FedChange::Gone(Gone { class: text(class), uid: text(uid), name: text(name) })
}

fn added(owner: &str, target: &str) -> FedChange {
    FedChange::LinkAdded(members(), link(owner, target))
}

fn removed(owner: &str, target: &str) -> FedChange {
    FedChange::LinkRemoved(members(), link(owner, target))
}

/// Both ends by name, the target's class unknown.
fn named(owner: &str, target: &str) -> StagedLink {
    let name = |uid: &str| Key::Name(format!("name of {uid}"));
    StagedLink { owner: name(owner), target_class: None, target: name(target), parameters: "{}".into() }
}

fn page(changes: Vec<FedChange>, token: &str) -> FedPage {
    FedPage { changes, token: Some(token.into()), ..FedPage::default() }
}

fn end(changes: Vec<FedChange>, token: &str) -> FedPage {
    FedPage { ended: true, ..page(changes, token) }
}

impl Room {
    /// A company that is published with the token `first`: accounts 1 to 9 and groups g and h.
    async fn company(pairs: &[(&str, &str)]) -> Self {
        let room = Self::new().await;
        let everybody = rows(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        room.imported_at("first", &[(accounts(), everybody), (groups(), rows(&["g", "h"])), (members(), links(pairs))])
            .await;
        room
    }

    async fn imported_at(&self, token: &str, pass: &[(RunPart, Content)]) {
        let plan: Vec<RunPart> = pass.iter().map(|(part, _)| part.clone()).collect();
        let (task, run) = self.begun(&plan).await;
        self.store.note_token(run.number, token.as_bytes()).await.unwrap();
        for (part, content) in pass {
            self.stage(run.number, part, content).await;
        }
        self.store.compare(run.number).await.unwrap();
        self.store.publish(task).await.unwrap();
        self.store.sweep().await.unwrap();
    }

    async fn catching(&self, task: TaskId) -> Catching {
        self.store.begin_incremental(task, &id("hr"), &plan()).await.unwrap()
    }

    async fn apply(&self, run: i64, page: &FedPage) {
        self.store.apply_changes(run, page, &Progress::default()).await.unwrap();
    }

    /// Catches up with these changes, each a page of its own, and compares.
    async fn caught(&self, changes: Vec<FedChange>) -> (TaskId, Compared) {
        let task = self.claimed().await.id;
        let run = self.catching(task).await.run.number;
        for (at, change) in changes.into_iter().enumerate() {
            self.apply(run, &page(vec![change], &format!("page {at}"))).await;
        }
        self.apply(run, &end(Vec::new(), "end")).await;
        (task, self.store.compare(run).await.unwrap())
    }

    /// The same, published.
    async fn caught_up(&self, changes: Vec<FedChange>) -> Compared {
        let (task, compared) = self.caught(changes).await;
        self.store.publish(task).await.unwrap();
        self.store.sweep().await.unwrap();
        compared
    }

    /// Published members as `owner-target`, names in brackets.
    async fn member_pairs(&self) -> Vec<String> {
        let text = |key: Key| match key {
            Key::Uid(uid) => uid,
            Key::Name(name) => format!("({name})"),
        };
        let links = self.store.published_links(&id("hr"), "group", "member", None, 100).await.unwrap();
        let counted = self.store.published_counts(&id("hr")).await.unwrap();
        assert_eq!(counted.iter().find(|counted| counted.part == members()).map(|c| c.count), Some(links.len() as u64));
        links.into_iter().map(|link| format!("{}-{}", text(link.owner), text(link.target.key))).collect()
    }

    async fn body(&self, uid: &str) -> serde_json::Value {
        let row = self.store.published_object(&id("hr"), "account", uid).await.unwrap().unwrap();
        serde_json::from_str(&row.body).unwrap()
    }

    async fn token(&self) -> Option<Vec<u8>> {
        sqlx::query_scalar("SELECT feed_token FROM connection").fetch_one(self.store.database.reader()).await.unwrap()
    }

    /// How many rows of runs that are neither published nor swept are left in the tables of incremental runs.
    async fn leftovers(&self) -> i64 {
        let sql = "SELECT (SELECT COUNT(*) FROM link_edit) + (SELECT COUNT(*) FROM former_name)
            + (SELECT COUNT(*) FROM reread) + (SELECT COUNT(*) FROM object_name)";
        sqlx::query_scalar(sql).fetch_one(self.store.database.reader()).await.unwrap()
    }
}

#[tokio::test]
async fn without_a_published_pass_and_its_token_there_is_nothing_to_catch_up_with() {
    let room = Room::new().await;
    let error = room.store.require_feed_token(&id("hr")).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("nothing of it is published"), "{error}");
    room.imported(&[(accounts(), rows(&["1"]))]).await;
    let error = room.store.require_feed_token(&id("hr")).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("without a token"), "{error}");
    room.imported_at("t", &[(accounts(), rows(&["1"]))]).await;
    room.store.require_feed_token(&id("hr")).await.unwrap();
    let task = room.claimed().await.id;
    let error = room.store.begin_incremental(task, &id("hr"), &plan()).await.unwrap_err();
    assert!(error.is(FailureKind::ResyncRequired) && error.message.contains("group"), "{error}");
}

#[tokio::test]
async fn the_first_token_of_a_pass_is_the_connections_once_the_pass_is_published() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    for (token, part_complete) in [(None, false), (Some("early"), false), (Some("late"), true)] {
        let cursor = Cursor { token: token.map(Into::into), part_complete, ..Cursor::default() };
        room.store.stage_rows(run.number, &accounts(), &[], &[], &cursor, &Progress::default()).await.unwrap();
    }
    room.store.compare(run.number).await.unwrap();
    assert_eq!(room.token().await, None);
    room.store.publish(task).await.unwrap();
    assert_eq!(room.token().await.as_deref(), Some(&b"early"[..]));
    room.imported(&[(accounts(), rows(&["1"]))]).await;
    assert_eq!(room.token().await, None, "a pass without a token leaves none: the old one knows nothing of it");
}

#[tokio::test]
async fn a_feed_without_news_changes_nothing_but_the_token() {
    let room = Room::company(&[("g", "1"), ("h", "2")]).await;
    let (seen, before) = (room.store.last_position(&id("hr")).await.unwrap(), room.member_pairs().await);
    let compared = room.caught_up(Vec::new()).await;
    assert_eq!((compared.counts.unchanged, compared.published_before), (11, 11));
    assert!(room.feed(seen.0).await.is_empty());
    assert_eq!(room.uids("account").await.len(), 9);
    assert_eq!((room.member_pairs().await, room.token().await.as_deref()), (before, Some(&b"end"[..])));
}

#[tokio::test]
async fn each_kind_of_change_becomes_visible_as_what_it_is() {
    let room = Room::company(&[("g", "1"), ("g", "2"), ("h", "3")]).await;
    let seen = room.store.last_position(&id("hr")).await.unwrap().0;
    let news = vec![
        account("10"),
        account("1=7"),
        gone(Some("account"), Some("2"), None),
        renamed("3", "33"),
        added("g", "4"),
        removed("h", "nobody"),
    ];
    let compared = room.caught_up(news).await;
    assert_eq!((compared.counts.inserted, compared.counts.updated, compared.counts.deleted), (2, 1, 2));
    use ChangeKind::{Delete, Insert, LinkAdded, LinkRemoved, Update};
    let told: Vec<(ChangeKind, &str)> = vec![
        (Update, "1"),
        (Insert, "10"),
        (Insert, "33"),
        (LinkRemoved, "g"),
        (LinkRemoved, "h"),
        (LinkAdded, "g"),
        (LinkAdded, "h"),
        (Delete, "2"),
        (Delete, "3"),
    ];
    let news = room.news(seen).await;
    assert_eq!(news.iter().map(|(kind, uid)| (*kind, uid.as_str())).collect::<Vec<_>>(), told);
    assert_eq!(room.member_pairs().await, ["g-1", "g-4", "h-33"]);
    assert_eq!(room.leftovers().await, 0);
}

#[tokio::test]
async fn what_a_change_did_not_read_stays_as_it_was() {
    let room = Room::company(&[]).await;
    let told = |body: &str| {
        let mut object = object("account", "1");
        object.row.body = body.into();
        FedChange::Object(object)
    };
    room.caught_up(vec![told(r#"{"attributes":{"w":["new"]},"unread":["v"]}"#)]).await;
    assert_eq!(room.body("1").await, serde_json::json!({"attributes": {"v": [1], "w": ["new"]}}));
    room.caught_up(vec![told(r#"{"attributes":{},"unread":["v"]}"#)]).await;
    assert_eq!(room.body("1").await, serde_json::json!({"attributes": {"v": [1]}}), "absent is not unread");
    let renamed = FedChange::Object(FedObject { previous: Some("1".into()), ..object("account", "11") });
    let FedChange::Object(mut renamed) = renamed else { unreachable!() };
    renamed.row.body = r#"{"attributes":{"w":["z"]},"unread":["v"]}"#.into();
    room.caught_up(vec![FedChange::Object(renamed)]).await;
    assert_eq!(room.body("11").await, serde_json::json!({"attributes": {"v": [1], "w": ["z"]}}));
    let mut unknown = object("account", "12");
    unknown.row.body = r#"{"attributes":{},"unread":["v"]}"#.into();
    room.caught_up(vec![FedChange::Object(unknown)]).await;
    assert_eq!(room.body("12").await, serde_json::json!({"attributes": {}, "unread": ["v"]}));
}

#[tokio::test]
async fn an_object_is_gone_by_what_the_target_still_knows_of_it() {
    let room = Room::company(&[("g", "1"), ("h", "2"), ("g", "3"), ("h", "3")]).await;
    let news = vec![
        gone(None, Some("1"), None),
        gone(Some("account"), None, Some("name of 2")),
        gone(None, None, Some("name of 3")),
        gone(Some("group"), Some("4"), None),
        gone(None, None, Some("nobody")),
        gone(Some("group"), Some("h"), Some("a stale name")),
    ];
    let compared = room.caught_up(news).await;
    assert_eq!((compared.counts.deleted, compared.counts.links_removed), (4, 4));
    assert_eq!(room.uids("account").await, ["4", "5", "6", "7", "8", "9"]);
    assert_eq!((room.uids("group").await, room.member_pairs().await), (vec!["g".to_owned()], Vec::new()));
}

#[tokio::test]
async fn links_to_somebody_who_was_never_imported_go_with_him() {
    let room = Room::company(&[("g", "stranger"), ("g", "1")]).await;
    room.caught_up(vec![FedChange::LinkAdded(members(), named("g", "nobody")), added("h", "stranger")]).await;
    assert_eq!(room.member_pairs().await, ["g-(name of nobody)", "g-1", "g-stranger", "h-stranger"]);
    room.caught_up(vec![gone(None, Some("stranger"), None), gone(None, None, Some("name of nobody"))]).await;
    assert_eq!(room.member_pairs().await, ["g-1"]);
}

#[tokio::test]
async fn a_name_that_two_objects_have_tells_nobody_gone() {
    let room = Room::company(&[]).await;
    let mut twin = object("account", "2");
    twin.row.name = "name of 1".into();
    let (task, compared) =
        room.caught(vec![FedChange::Object(twin), gone(Some("account"), None, Some("name of 1"))]).await;
    assert_eq!((compared.counts.deleted, compared.counts.rejected), (0, 1));
    let aside = room.store.set_aside(task, None, 9).await.unwrap();
    assert!(aside[0].record.message.contains("more than one"), "{aside:?}");
    room.store.publish(task).await.unwrap();
    // In one page, too: who was told twice is one, and what has another name by now is not who is gone.
    let task = room.claimed().await.id;
    let run = room.catching(task).await.run.number;
    let mut other = object("account", "3");
    other.row.name = "another".into();
    let changes = vec![
        FedChange::Object(other),
        gone(None, None, Some("name of 3")),
        account("4=2"),
        gone(None, None, Some("name of 4")),
    ];
    room.apply(run, &end(changes, "t")).await;
    assert_eq!(room.store.compare(run).await.unwrap().counts.deleted, 1);
}

#[tokio::test]
async fn the_last_word_about_a_link_wins_however_its_ends_are_spelled() {
    let room = Room::company(&[("g", "1"), ("g", "2"), ("h", "9")]).await;
    let (to, from) = (FedChange::LinkAdded, FedChange::LinkRemoved);
    let news = vec![
        // Held by uid, removed by name.
        from(members(), named("g", "1")),
        // Removed by name, added by uid, and the other way round.
        from(members(), named("g", "2")),
        added("g", "2"),
        removed("g", "3"),
        to(members(), named("g", "3")),
        to(members(), named("g", "4")),
        removed("g", "4"),
        // To somebody who comes later, and to nobody.
        to(members(), named("g", "10")),
        to(members(), named("g", "nobody")),
        to(members(), named("h", "somebody")),
        account("10"),
        from(members(), named("h", "somebody")),
    ];
    room.caught_up(news).await;
    assert_eq!(room.member_pairs().await, ["g-(name of nobody)", "g-10", "g-2", "g-3", "h-9"]);
    assert_eq!(room.leftovers().await, 0);
    // The one that stayed a name is resolved when its object comes, and can be removed by it.
    room.caught_up(vec![account("nobody")]).await;
    assert_eq!(room.member_pairs().await, ["g-10", "g-2", "g-3", "g-nobody", "h-9"]);
    room.caught_up(vec![from(members(), named("g", "nobody"))]).await;
    assert_eq!(room.member_pairs().await, ["g-10", "g-2", "g-3", "h-9"]);
}

#[tokio::test]
async fn a_link_told_by_a_name_that_changed_meanwhile_is_of_who_had_it() {
    let room = Room::company(&[("g", "1")]).await;
    let mut moved = object("account", "1");
    moved.row.name = "moved".into();
    let news = vec![FedChange::Object(moved), FedChange::LinkRemoved(members(), named("g", "1"))];
    room.caught_up(news).await;
    assert!(room.member_pairs().await.is_empty());
    assert_eq!(room.leftovers().await, 0);
}

#[tokio::test]
async fn what_was_said_by_name_before_an_object_got_another_uid_is_said_of_it() {
    let room = Room::company(&[("g", "1"), ("h", "1"), ("g", "2")]).await;
    let now = |previous: &str, uid: &str| {
        let mut object = FedObject { previous: Some(previous.into()), ..object("account", uid) };
        object.row.name = "name of 1".into();
        FedChange::Object(object)
    };
    let (to, from) = (FedChange::LinkAdded, FedChange::LinkRemoved);
    let news = vec![
        from(members(), named("g", "1")),
        now("1", "a"),
        from(members(), named("h", "1")),
        to(members(), named("g", "1")),
        now("a", "b"),
        from(members(), named("g", "1")),
        // Another one under the uid that was free.
        account("a"),
        added("h", "a"),
    ];
    room.caught_up(news).await;
    assert_eq!(room.member_pairs().await, ["g-2", "h-a"]);
}

#[tokio::test]
async fn links_of_an_object_follow_it_to_its_new_uid_and_go_with_it() {
    let room = Room::company(&[("g", "1"), ("g", "2"), ("h", "1"), ("h", "3")]).await;
    let moved = FedObject { previous: Some("h".into()), ..object("group", "k") };
    room.caught_up(vec![renamed("1", "a"), FedChange::Object(moved), renamed("a", "b"), added("g", "b")]).await;
    assert_eq!(room.member_pairs().await, ["g-2", "g-b", "k-3", "k-b"]);
    // Gone and back again: nobody is a member again by that.
    room.caught_up(vec![gone(None, Some("b"), None), account("b"), added("k", "b")]).await;
    assert_eq!(room.member_pairs().await, ["g-2", "k-3", "k-b"]);
    room.caught_up(vec![added("k", "4"), gone(Some("account"), Some("4"), None), gone(None, Some("k"), None)]).await;
    assert_eq!(room.member_pairs().await, ["g-2"]);
}

#[tokio::test]
async fn a_cell_that_has_all_links_of_an_owner_replaces_them() {
    let room = Room::company(&[("g", "1"), ("g", "2"), ("h", "1")]).await;
    let compared = room.caught_up(vec![added("g", "3"), group("g", Some(&["2", "4"])), added("g", "5")]).await;
    assert_eq!((compared.counts.links_added, compared.counts.links_removed), (2, 1));
    assert_eq!(room.member_pairs().await, ["g-2", "g-4", "g-5", "h-1"]);
    room.caught_up(vec![group("g", Some(&[]))]).await;
    assert_eq!(room.member_pairs().await, ["h-1"]);
}

#[tokio::test]
async fn an_owner_told_in_part_is_read_again_and_that_is_the_last_word() {
    let room = Room::company(&[("g", "1"), ("g", "2"), ("h", "1")]).await;
    let task = room.claimed().await.id;
    let run = room.catching(task).await.run.number;
    room.apply(run, &page(vec![group("g", None), added("g", "9"), group("h", None), group("k", None)], "a")).await;
    room.apply(run, &end(vec![gone(None, Some("k"), None), removed("g", "4")], "b")).await;
    let owner = room.store.next_reread(run).await.unwrap().unwrap();
    let expected = Reread { part: members(), uid: "g".into(), name: "name of g".into(), checkpoint: None };
    assert_eq!(owner, expected);
    let stage = async |owner: &Reread, links: &[StagedLink], afresh, cursor: Cursor| {
        let aside = [reject("line 1")];
        room.store.stage_reread(run, owner, (links, afresh), &aside, &cursor, &Progress::default()).await.unwrap()
    };
    stage(&owner, &[link("g", "3")], true, at("half")).await;
    let half = room.store.next_reread(run).await.unwrap().unwrap();
    assert_eq!(half.checkpoint.as_deref(), Some(&b"half"[..]));
    stage(&half, &[link("g", "4")], false, last()).await;
    let other = room.store.next_reread(run).await.unwrap().unwrap();
    assert_eq!(other.uid, "h");
    // It is gone meanwhile: what it had stays.
    stage(&other, &[], false, last()).await;
    assert_eq!(room.store.next_reread(run).await.unwrap(), None, "an object that is gone is not read again");
    let again = room.store.stage_reread(run, &other, (&[], true), &[], &last(), &Progress::default()).await;
    assert!(is_conflict(&again.unwrap_err()));
    assert_eq!(room.store.compare(run).await.unwrap().counts.rejected, 3);
    room.store.publish(task).await.unwrap();
    assert_eq!(room.member_pairs().await, ["g-3", "g-4", "h-1"]);
}

#[tokio::test]
async fn somebody_set_aside_and_then_gone_is_gone() {
    let room = Room::company(&[]).await;
    let task = room.claimed().await.id;
    let run = room.catching(task).await.run.number;
    let set_aside = vec![(accounts(), reject("1")), (accounts(), reject("2"))];
    room.apply(run, &FedPage { set_aside, ..page(Vec::new(), "a") }).await;
    room.apply(run, &end(vec![gone(None, Some("1"), None)], "b")).await;
    let counts = room.store.compare(run).await.unwrap().counts;
    assert_eq!((counts.deleted, counts.rejected), (1, 2), "the other one stays as it was");
}

#[tokio::test]
async fn only_publishing_moves_the_token_on() {
    let room = Room::company(&[("g", "1")]).await;
    let before = room.uids("account").await;
    for end in [TaskState::Rejected, TaskState::Failed, TaskState::Cancelled] {
        let (task, compared) = room.caught(vec![gone(None, Some("1"), None)]).await;
        if end == TaskState::Rejected {
            room.store.finish_task(task, TaskState::Held, Some(&compared.counts), None).await.unwrap();
            let removals = room.store.removals(task, None, 9).await.unwrap();
            assert_eq!(removals.iter().map(|removal| removal.uid.as_str()).collect::<Vec<_>>(), ["1"]);
        }
        room.store.discard(task, end, None).await.unwrap();
        room.store.sweep().await.unwrap();
        assert_eq!(room.token().await.as_deref(), Some(&b"first"[..]));
        assert_eq!((room.uids("account").await, room.member_pairs().await), (before.clone(), vec!["g-1".to_owned()]));
    }
    let task = room.claimed().await.id;
    let run = room.catching(task).await.run.number;
    room.apply(run, &page(vec![group("g", None), FedChange::LinkAdded(members(), named("g", "2"))], "a")).await;
    assert!(room.leftovers().await > 0);
    room.store.discard(task, TaskState::Cancelled, None).await.unwrap();
    room.store.sweep().await.unwrap();
    assert_eq!(room.leftovers().await, 0);
}

#[tokio::test]
async fn a_copy_that_broke_off_goes_on_and_a_page_is_applied_whole_or_not_at_all() {
    let mut room = Room::company(&[("g", "1"), ("g", "2"), ("g", "3"), ("g", "4"), ("g", "5"), ("h", "1")]).await;
    let task = room.claimed().await.id;
    let crash = async |room: &Room, when: &str| {
        let mut tx = room.store.database.write().await.unwrap();
        let sql = format!("CREATE TRIGGER crash BEFORE {when} BEGIN SELECT RAISE(ABORT, 'crash'); END");
        tx.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        tx.commit().await.unwrap();
    };
    let repair = async |room: &Room| {
        let mut tx = room.store.database.write().await.unwrap();
        tx.execute("DROP TRIGGER crash").await.unwrap();
        tx.commit().await.unwrap();
    };
    crash(&room, "INSERT ON link_row WHEN NEW.owner = 'u:h'").await;
    room.store.begin_incremental(task, &id("hr"), &plan()).await.unwrap_err();
    room.reopen().await;
    repair(&room).await;
    let begun = room.catching(task).await;
    assert_eq!((begun.token.as_slice(), begun.fresh, begun.ended), (&b"first"[..], true, false));
    let run = begun.run.number;
    assert!(is_conflict(&room.store.compare(run).await.unwrap_err()), "a feed that has not ended has not told all");

    room.apply(run, &page(vec![account("1=2")], "a")).await;
    crash(&room, "UPDATE ON run WHEN NEW.token = CAST('b' AS BLOB)").await;
    let broken = page(vec![account("1=3"), gone(None, Some("2"), None), added("h", "9")], "b");
    room.store.apply_changes(run, &broken, &Progress::default()).await.unwrap_err();
    room.reopen().await;
    repair(&room).await;
    let again = room.catching(task).await;
    assert_eq!((again.run.number, again.token.as_slice(), again.fresh), (run, &b"a"[..], false));
    room.apply(run, &end(Vec::new(), "b")).await;
    assert!(room.catching(task).await.ended);
    let compared = room.store.compare(run).await.unwrap();
    room.reopen().await;
    assert_eq!(room.store.compare(run).await.unwrap(), compared);
    assert_eq!((compared.counts.updated, compared.counts.deleted, compared.counts.links_added), (1, 0, 0));
    room.store.publish(task).await.unwrap();
    assert_eq!(room.body("1").await["attributes"]["v"], serde_json::json!([2]));
    assert_eq!(room.member_pairs().await.len(), 6);
}

#[tokio::test]
async fn a_run_with_changes_after_its_token_begins_again_unless_its_feed_has_ended() {
    let room = Room::company(&[]).await;
    let task = room.claimed().await.id;
    let first = room.catching(task).await.run.number;
    let unmarked = FedPage { token: None, ..page(vec![gone(None, Some("1"), None)], "") };
    room.apply(first, &unmarked).await;
    let second = room.catching(task).await;
    assert!(second.run.number > first && second.fresh);
    assert_eq!(second.token, b"first");
    let second = second.run.number;
    room.apply(second, &unmarked).await;
    room.apply(second, &page(Vec::new(), "marked")).await;
    let third = room.catching(task).await;
    assert_eq!((third.run.number, third.token.as_slice()), (second, &b"marked"[..]));
    room.apply(second, &FedPage { ended: true, ..unmarked.clone() }).await;
    let ended = room.catching(task).await;
    assert_eq!((ended.run.number, ended.ended), (second, true));
    let another = room.store.begin_incremental(task, &id("hr"), &[accounts()]).await.unwrap_err();
    assert!(another.is(FailureKind::ResyncRequired), "{another}");
}

#[tokio::test]
async fn what_is_not_an_incremental_run_takes_no_changes() {
    let room = Room::company(&[]).await;
    let (task, run) = room.begun(&plan()).await;
    let complete = room.store.apply_changes(run.number, &end(Vec::new(), "t"), &Progress::default()).await;
    assert!(is_conflict(&complete.unwrap_err()));
    room.store.discard(task, TaskState::Failed, None).await.unwrap();
    let (task, _) = room.caught(vec![account("1=2")]).await;
    let compared = room.store.run_of(task).await.unwrap().unwrap().number;
    let late = room.store.apply_changes(compared, &end(Vec::new(), "t"), &Progress::default()).await;
    assert!(is_conflict(&late.unwrap_err()));
}
