//! Permissions on the command line: shown in plain words, approved by name.

use serde_json::{Value as Json, json};

use crate::cli::client::Call;
use crate::cli::fault::Fault;
use crate::cli::out;
use crate::cli::remote::Session;
use crate::cli::table::Column;

/// What shows first: the decision, then what it is about.
pub(super) const COLUMNS: &[Column<'_>] =
    &[("approved", "/approved"), ("permission", "/permission"), ("what it means", "/words"), ("by", "/approvedBy")];

/// How the permissions begin that nobody approves in passing.
const REVEAL: &str = "reveal:";

/// The path of a connection's permissions.
pub(super) fn path(connection: &str) -> String {
    format!("{}/permissions", super::path(connection))
}

/// Approves the permissions named, or all but those that read secrets.
pub(super) async fn approve(
    session: &Session,
    connection: &str,
    mut permissions: Vec<String>,
    all: bool,
) -> Result<(), Fault> {
    if all {
        let asked = session.ask(Call::get(path(connection))).await?.body;
        let (reveals, others): (Vec<_>, Vec<_>) =
            requested(&asked).into_iter().partition(|permission| permission.starts_with(REVEAL));
        permissions = others;
        for reveal in reveals {
            out::note(format_args!(
                "not approved, because it reads a secret; name it if that is meant: {}",
                out::visible(&reveal)
            ));
        }
    }
    change(session, connection, &json!({"approve": permissions})).await
}

/// Changes permissions and shows what holds then.
pub(super) async fn change(session: &Session, connection: &str, change: &Json) -> Result<(), Fault> {
    session.items(Call::post(path(connection), change.clone()), "/items", COLUMNS).await
}

fn requested(asked: &Json) -> Vec<String> {
    let items = asked.pointer("/items").and_then(Json::as_array).into_iter().flatten();
    let requested = items.filter(|item| item.pointer("/requested").and_then(Json::as_bool).unwrap_or_default());
    requested.filter_map(|item| item.pointer("/permission")?.as_str().map(ToOwned::to_owned)).collect()
}
