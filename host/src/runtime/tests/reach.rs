//! What guests reach for through the host's interfaces, and what the context lets them have.

use std::sync::Arc;

use super::{component, context, loaded, prober, runtime, with_directory, with_option};
use crate::model::{Access, Aspect, CredentialUse, ErrorKind, Export, Import, Secret, Secured};
use crate::runtime::{Allowed, CallContext, Credentials, Slot};

/// `files.list("data")`, or `files.replace("data", "file", none)`, and a trap unless the answer is the one expected.
fn lister(expected: u8) -> String {
    let import = r#"(import "hawser:connector/files@0.1.0" "list" (func (param i32 i32 i32)))"#;
    let work = format!(
        r#"(i32.store (i32.const 64) (i32.const 0x61746164))
        (call 0 (i32.const 64) (i32.const 4) (i32.const 128))
        (if (i32.ne (i32.load8_u (i32.const 128)) (i32.const {expected})) (then (unreachable)))"#
    );
    prober(import, &work)
}

fn replacer(expected: u8) -> String {
    let import = r#"(import "hawser:connector/files@0.1.0" "replace"
        (func (param i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let work = format!(
        r#"(i32.store (i32.const 64) (i32.const 0x61746164))
        (call 0 (i32.const 64) (i32.const 4) (i32.const 64) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128))
        (if (i32.ne (i32.load8_u (i32.const 128)) (i32.const {expected})) (then (unreachable)))"#
    );
    prober(import, &work)
}

const ANSWERED: u8 = 0;
const REFUSED: u8 = 1;

#[tokio::test]
async fn a_directory_that_is_not_permitted_is_refused_and_not_counted_as_reached() {
    let called = loaded(&[Import::Files], &lister(REFUSED)).check(context("none"), Aspect::Connect).await;
    called.result.unwrap();
    assert!(called.used.directories.is_empty());
}

#[tokio::test]
async fn a_permitted_directory_is_read_and_named_in_what_was_used() {
    let directory = tempfile::tempdir().unwrap();
    let permitted = with_directory("read", directory.path(), Access::ReadOnly);
    let called = loaded(&[Import::Files], &lister(ANSWERED)).check(permitted, Aspect::Connect).await;
    called.result.unwrap();
    assert_eq!(called.used.directories, [("data".parse().unwrap(), Access::ReadOnly)].into());
}

#[tokio::test]
async fn writing_takes_a_read_write_permission_and_leaves_nothing_behind_without_a_commit() {
    let directory = tempfile::tempdir().unwrap();
    let read_only = with_directory("write", directory.path(), Access::ReadOnly);
    let called = loaded(&[Import::Files], &replacer(REFUSED)).check(read_only, Aspect::Connect).await;
    called.result.unwrap();
    let read_write = with_directory("write", directory.path(), Access::ReadWrite);
    let called = loaded(&[Import::Files], &replacer(ANSWERED)).check(read_write, Aspect::Connect).await;
    called.result.unwrap();
    assert_eq!(called.used.directories, [("data".parse().unwrap(), Access::ReadWrite)].into());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_option_is_what_the_context_says_and_an_unknown_one_is_empty() {
    let import = r#"(import "hawser:connector/options@0.1.0" "get" (func (param i32 i32 i32)))"#;
    let work = r#"(i32.store (i32.const 64) (i32.const 0x61746164))
        (call 0 (i32.const 64) (i32.const 4) (i32.const 128))
        (if (i32.eqz (i32.load offset=4 (i32.const 128))) (then (unreachable)))"#;
    let guest = loaded(&[Import::Options], &prober(import, work));
    guest.check(with_option("options", "data", "x"), Aspect::Connect).await.result.unwrap();
    let unset = guest.check(with_option("options", "other", "x"), Aspect::Connect).await.result;
    assert_eq!(unset.unwrap_err().kind, ErrorKind::GuestTrap);
}

#[tokio::test]
async fn the_cache_is_kept_per_connection_until_it_is_forgotten() {
    let imports = r#"(import "hawser:connector/cache@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "hawser:connector/cache@0.1.0" "put" (func $put (param i32 i32 i32 i32 i32)))"#;
    // The first aspect puts, any other traps unless it finds something.
    let work = "(if (i32.eqz (local.get 0))
        (then (call $put (i32.const 64) (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 60000)))
        (else (call $get (i32.const 64) (i32.const 1) (i32.const 128))
              (if (i32.eqz (i32.load8_u (i32.const 128))) (then (unreachable)))))";
    let guest = loaded(&[Import::Cache], &prober(imports, work));
    guest.check(context("cached"), Aspect::Connect).await.result.unwrap();
    guest.check(context("cached"), Aspect::Complete).await.result.unwrap();
    assert!(guest.check(context("uncached"), Aspect::Complete).await.result.is_err());
    runtime().forget(&"cached".parse().unwrap());
    assert!(guest.check(context("cached"), Aspect::Complete).await.result.is_err());
}

#[tokio::test]
async fn a_handle_that_was_guessed_ends_the_guest_whatever_the_connection_may_use() {
    let import = r#"(import "hawser:connector/credentials@0.1.0" "sign" (func (param i32 i32 i32 i32 i32)))"#;
    let work = "(call 0 (local.get 0) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 128))";
    let guest = loaded(&[Import::Credentials], &prober(import, work));
    let usage = CredentialUse::Sign;
    let value = Secret::new(b"a key of the connection".to_vec()).map(Secured::Field);
    let credentials: Credentials = [("key".parse().unwrap(), Slot { usage, value })].into_iter().collect();
    let permissions = Arc::new(["credential:key:sign".parse().unwrap()].into());
    let context = CallContext { credentials: Arc::new(credentials), permissions, ..context("guesser") };
    for handle in [Aspect::Connect, Aspect::Complete, Aspect::Incremental] {
        let called = guest.check(context.clone(), handle).await;
        assert_eq!(called.result.unwrap_err().kind, ErrorKind::GuestTrap);
        assert!(called.used.credentials.is_empty());
    }
}

#[tokio::test]
async fn a_password_arrives_as_a_handle_whose_use_is_counted() {
    let hash = r#"(import "hawser:connector/credentials@0.1.0" "hash" (func $hash (param i32 i32 i32)))
        (import "hawser:connector/credentials@0.1.0" "[resource-drop]credential" (func $drop (param i32)))"#;
    let answer = "(call $drop (local.get $secret)) (i32.store8 (i32.const 1024) (i32.const 0)) (i32.const 1024)";
    let function = |name: &str, params: &str, work: &str| {
        format!(r#"(func (export "hawser:connector/passwords@0.1.0#{name}") {params} (result i32) {work})"#)
    };
    let set = format!(
        "(call $hash (local.get $secret) (i32.const 0) (i32.const 256))
        (if (i32.load8_u (i32.const 256)) (then (unreachable)))
        (if (i32.ne (i32.load8_u (i32.load offset=4 (i32.const 256))) (i32.const 36)) (then (unreachable))) {answer}"
    );
    let object = "(param i32 i32 i32 i32 i32 i32 i32)";
    let module = format!(
        "(module {hash} {} {} {} {})",
        super::MEMORY,
        function("set-password", &format!("{object} (param $secret i32) (param i32)"), &set),
        function("change-password", &format!("{object} (param i32 i32)"), "(unreachable)"),
        function("authenticate", "(param i32 i32 i32 i32 i32)", "(unreachable)"),
    );
    let bytes =
        component("import hawser:connector/credentials@0.1.0; export hawser:connector/passwords@0.1.0;", &module);
    let allowed = Allowed { imports: [Import::Credentials].into(), exports: [Export::Passwords].into() };
    let guest = runtime().load(&bytes, &allowed).unwrap();
    let account = crate::model::ObjectRef { class: "account".into(), uid: "1".into(), name: None };
    let secret = Secret::new(b"correct horse".to_vec()).unwrap();
    let called = guest.set_password(context("passwords"), account, secret, false).await;
    called.result.unwrap();
    assert_eq!(called.used.credentials, ["new-password".to_owned()].into());
}
