//! What a feed tells: each delta about a class that was asked for, with identifiers that can be some, or set aside.

use std::collections::HashMap;

use super::{ends, identifier, key_text, misfit, set_aside, whole};
use crate::model::{ClassRow, Delta, Deltas, Edge, Gone, Result, Unfit};

/// A page of a feed as it may be used: at most `max` deltas, whose rows have as many cells as their class has `columns`.
pub(in crate::runtime) fn deltas(mut page: Deltas, columns: &HashMap<String, usize>, max: u32) -> Result<Deltas> {
    whole(page.deltas.len() + page.unfit.len(), max, &[page.token.as_ref()])?;
    for delta in std::mem::take(&mut page.deltas) {
        match strange(&delta, columns) {
            None => page.deltas.push(delta),
            Some(why) => page.unfit.push(unfit(&delta, columns, why)),
        }
    }
    Ok(page)
}

/// Why a delta cannot be used, if so.
fn strange(delta: &Delta, columns: &HashMap<String, usize>) -> Option<String> {
    match delta {
        Delta::Upsert(now) | Delta::Patch(now) => row(now, columns),
        Delta::Rename(renamed) => identifier("uid", &renamed.previous).or_else(|| row(&renamed.now, columns)),
        Delta::Delete(of) => gone(of, columns),
        Delta::LinkAdded(edge) | Delta::LinkRemoved(edge) => link(edge),
    }
}

fn row(ClassRow { class, row }: &ClassRow, columns: &HashMap<String, usize>) -> Option<String> {
    match columns.get(class) {
        Some(columns) => misfit(row, *columns),
        None => Some(foreign()),
    }
}

fn gone(gone: &Gone, columns: &HashMap<String, usize>) -> Option<String> {
    let Gone { class, uid, name } = gone;
    if class.as_ref().is_some_and(|class| !columns.contains_key(class)) {
        return Some(foreign());
    }
    if uid.is_none() && name.is_none() {
        return Some("it says that something is gone, and neither its uid nor its name".to_owned());
    }
    let named = || name.as_ref().and_then(|name| identifier("name", name));
    uid.as_ref().and_then(|uid| identifier("uid", uid)).or_else(named)
}

fn link(edge: &Edge) -> Option<String> {
    identifier("attribute", &edge.attribute).or_else(|| ends(edge))
}

fn foreign() -> String {
    "it is of a class that was not asked for".to_owned()
}

fn unfit(delta: &Delta, columns: &HashMap<String, usize>, why: String) -> Unfit {
    let (class, key) = match delta {
        Delta::Upsert(now) | Delta::Patch(now) => (Some(&now.class), now.row.uid.as_str()),
        Delta::Rename(renamed) => (Some(&renamed.now.class), renamed.previous.as_str()),
        Delta::Delete(gone) => {
            (gone.class.as_ref(), gone.uid.as_ref().or(gone.name.as_ref()).map_or("", String::as_str))
        }
        Delta::LinkAdded(edge) | Delta::LinkRemoved(edge) => (edge.owner.class.as_ref(), key_text(&edge.owner.key)),
    };
    let class = class.filter(|class| columns.contains_key(*class)).cloned();
    Unfit { class, record: set_aside(key, why) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cell, ErrorKind, Reference, Renamed, Row};
    use crate::runtime::boundary::token as token_alone;
    use crate::runtime::limits::CHECKPOINT_BYTES_MAX;

    fn columns() -> HashMap<String, usize> {
        HashMap::from([("account".to_owned(), 1)])
    }

    fn of(class: &str, uid: &str, cells: usize) -> ClassRow {
        let cells = vec![Cell::Unread; cells];
        ClassRow { class: class.into(), row: Row { uid: uid.into(), name: "n".into(), revision: None, cells } }
    }

    fn gone(class: Option<&str>, uid: Option<&str>, name: Option<&str>) -> Delta {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Delta::Delete(Gone { class: text(class), uid: text(uid), name: text(name) })
    }

    fn edge(attribute: &str, target: &str) -> Edge {
        let (owner, target) = (Reference::to("account", "u"), Reference::to("account", target));
        Edge { owner, attribute: attribute.into(), target, parameters: Vec::new() }
    }

    fn page(told: Vec<Delta>) -> Deltas {
        deltas(Deltas { deltas: told, ..Deltas::default() }, &columns(), 9).unwrap()
    }

    #[test]
    fn a_delta_that_cannot_be_is_set_aside_with_its_class_and_its_reason() {
        for (delta, class, why) in [
            (Delta::Upsert(of("account", "1", 2)), Some("account"), "2 cells for 1"),
            (Delta::Patch(of("printer", "1", 1)), None, "not asked for"),
            (Delta::Patch(of("account", "", 1)), Some("account"), "uid is empty"),
            (gone(Some("printer"), Some("1"), None), None, "not asked for"),
            (gone(Some("account"), None, None), Some("account"), "neither"),
            (gone(None, Some("a\u{202e}"), None), None, "U+202E"),
            (gone(None, None, Some("")), None, "name is empty"),
            (
                Delta::Rename(Renamed { previous: String::new(), now: of("account", "1", 1) }),
                Some("account"),
                "uid is empty",
            ),
            (Delta::LinkAdded(edge("", "1")), Some("account"), "attribute is empty"),
            (Delta::LinkRemoved(edge("members", "\0")), Some("account"), "U+0000"),
        ] {
            let page = page(vec![Delta::Upsert(of("account", "1", 1)), delta]);
            assert_eq!(page.deltas.len(), 1);
            let [unfit] = page.unfit.as_slice() else { panic!("{why}: {page:?}") };
            assert_eq!(unfit.class.as_deref(), class, "{why}");
            assert!(unfit.record.error.message.contains(why), "{}", unfit.record.error);
        }
    }

    #[test]
    fn what_can_be_keeps_its_order() {
        let told = vec![
            gone(None, None, Some("name")),
            Delta::Patch(of("account", "1", 1)),
            Delta::LinkRemoved(edge("members", "1")),
            gone(Some("account"), Some("1"), None),
        ];
        assert_eq!(page(told.clone()).deltas, told);
    }

    #[test]
    fn more_deltas_than_asked_for_and_a_giant_token_fail_the_call() {
        let two = vec![gone(None, Some("1"), None), gone(None, Some("2"), None)];
        let many = deltas(Deltas { deltas: two, ..Deltas::default() }, &columns(), 1);
        assert_eq!(many.unwrap_err().kind, ErrorKind::GuestLimit);
        let token = vec![0; CHECKPOINT_BYTES_MAX + 1];
        let giant = deltas(Deltas { token: Some(token.clone()), ..Deltas::default() }, &columns(), 1);
        assert_eq!(giant.unwrap_err().kind, ErrorKind::GuestLimit);
        assert_eq!(token_alone(token).unwrap_err().kind, ErrorKind::GuestLimit);
    }
}
