//! Uids that are still to change: a name is resolved to the uid its object has in the end, and an edit that comes before
//! the object's renaming has to speak of the uid it has until then.

use std::collections::HashMap;

use crate::model::Result;
use crate::store::Store;
use crate::store::fault::fault;

/// The renamings among a run's edits.
#[derive(Debug, Default)]
pub(super) struct Renames {
    /// By class and new end: the number of the edit, and the end until then; in order.
    by_new: HashMap<(String, String), Vec<(i64, String)>>,
}

impl Renames {
    /// What the object of that class, in the end `end`, is called before the edit of that number is carried out.
    pub(super) fn until(&self, seq: i64, class: &str, end: String) -> String {
        let (mut now, mut before) = (end, i64::MAX);
        while let Some(renamed) = self.by_new.get(&(class.to_owned(), now.clone())) {
            let Some((at, old)) = renamed.iter().rev().find(|(at, _)| seq < *at && *at < before) else { break };
            (before, now) = (*at, old.clone());
        }
        now
    }
}

impl Store {
    /// The renamings that are not carried out yet.
    pub(super) async fn renames(&self, run: i64) -> Result<Renames> {
        let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
            "SELECT e.seq, p.class, e.owner, e.target FROM link_edit e JOIN part p ON p.number = e.part
             WHERE e.run = $1 AND e.kind = 'renamed' ORDER BY e.seq",
        )
        .bind(run)
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let mut renames = Renames::default();
        for (seq, class, old, new) in rows {
            renames.by_new.entry((class, new)).or_default().push((seq, old));
        }
        Ok(renames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_called_what_it_is_called_at_that_time() {
        let mut renames = Renames::default();
        for (seq, old, new) in [(10, "a", "b"), (20, "b", "c"), (30, "c", "b")] {
            renames.by_new.entry(("account".into(), new.into())).or_default().push((seq, old.into()));
        }
        let until = |seq| renames.until(seq, "account", "b".into());
        assert_eq!([1, 10, 19, 20, 29, 30, 99].map(until), ["a", "b", "b", "c", "c", "b", "b"]);
        assert_eq!(renames.until(1, "group", "b".into()), "b");
        assert_eq!(renames.until(1, "account", "z".into()), "z");
    }
}
