//! Tokens and idempotency keys.

use super::*;
use crate::model::{ErrorKind, Role};
use crate::store::{REMEMBERED_FOR, Recalled, Remembered};

const KEY: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

#[tokio::test]
async fn a_token_is_found_by_its_hash_alone_and_its_name_is_unique() {
    let room = Room::new().await;
    let made = room.store.insert_token("core", Role::Core, KEY).await.unwrap();
    assert!(is_conflict(&room.store.insert_token("core", Role::Operator, OTHER).await.unwrap_err()));
    assert_eq!(room.store.token_by_hash(&KEY).await.unwrap(), Some(made.clone()));
    assert_eq!(room.store.token_by_hash(&OTHER).await.unwrap(), None);
    let admin = room.store.insert_token("admin", Role::Operator, OTHER).await.unwrap();
    assert_eq!(room.store.tokens().await.unwrap(), [admin, made]);
}

#[tokio::test]
async fn a_token_that_was_just_used_is_not_found_once_it_is_deleted() {
    let room = Room::new().await;
    room.store.insert_token("admin", Role::Operator, OTHER).await.unwrap();
    for role in [Role::Core, Role::Operator] {
        room.store.insert_token("core", role, KEY).await.unwrap();
        for _ in 0..2 {
            assert_eq!(room.store.token_by_hash(&KEY).await.unwrap().map(|token| token.role), Some(role));
        }
        room.store.delete_token(&"core".parse().unwrap()).await.unwrap();
        assert_eq!(room.store.token_by_hash(&KEY).await.unwrap(), None);
    }
}

fn answer() -> Remembered {
    Remembered { status: 201, headers: vec![("location".into(), "/v1/x".into())], body: b"{}".to_vec() }
}

#[tokio::test]
async fn a_key_that_comes_with_another_request_is_noticed() {
    let room = Room::new().await;
    assert_eq!(room.store.recall("core", "k", &KEY).await.unwrap(), Recalled::New);
    room.store.remember("core", "k", &answer()).await.unwrap();
    assert_eq!(room.store.recall("core", "k", &OTHER).await.unwrap(), Recalled::OtherRequest);
    assert_eq!(room.store.recall("core", "k", &KEY).await.unwrap(), Recalled::Answered(answer()));
    assert_eq!(room.store.recall("admin", "k", &OTHER).await.unwrap(), Recalled::New, "keys are a token's own");
}

#[tokio::test]
async fn a_key_without_an_answer_is_not_given_out_twice() {
    let mut room = Room::new().await;
    room.store.recall("core", "k", &KEY).await.unwrap();
    room.reopen().await;
    let error = room.store.recall("core", "k", &KEY).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("no answer yet"), "{error}");
    room.store.forget("core", "k").await.unwrap();
    assert_eq!(room.store.recall("core", "k", &KEY).await.unwrap(), Recalled::New);
    room.store.remember("core", "k", &answer()).await.unwrap();
    room.store.forget("core", "k").await.unwrap();
    let kept = room.store.recall("core", "k", &KEY).await.unwrap();
    assert_eq!(kept, Recalled::Answered(answer()), "an answer is not forgotten");
}

#[tokio::test]
async fn an_answer_is_forgotten_after_its_time() {
    let room = Room::new().await;
    room.store.recall("core", "k", &KEY).await.unwrap();
    room.store.remember("core", "k", &answer()).await.unwrap();
    room.clock.advance(REMEMBERED_FOR - Duration::from_secs(1));
    assert_eq!(room.store.sweep().await.unwrap(), 0);
    assert_eq!(room.store.recall("core", "k", &KEY).await.unwrap(), Recalled::Answered(answer()));
    room.clock.advance(Duration::from_secs(1));
    assert_eq!(room.store.recall("core", "k", &OTHER).await.unwrap(), Recalled::New);
    room.clock.advance(REMEMBERED_FOR);
    assert_eq!(room.store.sweep().await.unwrap(), 1);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable_with_what_to_do() {
    let error = Store::open(std::path::Path::new("nowhere/at/all.db"), Clock::system()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("the operator must check its path"), "{error}");
}
