//! Single objects by their uids: one search each, or one for many.

use crate::Ldap;
use crate::directory::{is_within, paged};
use crate::layout::Layout;
use crate::{entry, filter, ranges};
use hawser_sdk::ldap::Scope;
use hawser_sdk::{Error, ObjectRef, Record, Result};
use std::collections::HashMap;

/// How many uids one search asks for.
const AT_ONCE: usize = 50;

impl Ldap {
    pub(crate) fn look_up(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        let directory = self.directory()?;
        let place = directory.place(&object.class)?;
        let layout = Layout::new(&directory, &place, &directory.class(&object.class)?, attributes)?;
        let mut found = directory.by_uid(&place, &object.uid, &layout.wanted())?;
        let target = directory.target(&found, &object.uid);
        ranges::complete(&directory, &target, &mut found, |attribute| layout.most(attribute))?;
        layout.row(found).map(Record::from)
    }

    pub(crate) fn look_up_many(
        &self,
        class: &str,
        uids: &[String],
        attributes: &[String],
    ) -> Result<Vec<Result<Record>>> {
        let directory = self.directory()?;
        let place = directory.place(class)?;
        let layout = Layout::new(&directory, &place, &directory.class(class)?, attributes)?;
        let mut found = HashMap::with_capacity(uids.len());
        for chunk in uids.chunks(AT_ONCE) {
            let filters: Vec<String> =
                chunk.iter().filter_map(|uid| filter::by_uid(uid, directory.dialect())).collect();
            if filters.is_empty() {
                continue;
            }
            let wanted = format!("(&{}{})", filter::any_of(&filters), place.filter);
            let request = directory.request(&place.base, Scope::Subtree, &wanted, &layout.wanted());
            for mut entry in directory.session.find(&paged(request, directory.options.page_size))? {
                if !is_within(&entry.dn, &place.base) {
                    continue;
                }
                let uid = entry::uid(&entry, directory.dialect())?;
                let target = directory.target(&entry, &uid);
                ranges::complete(&directory, &target, &mut entry, |attribute| layout.most(attribute))?;
                found.insert(uid, layout.row(entry));
            }
        }
        let answer = |uid: &String| match found.get(&uid.to_lowercase()) {
            Some(row) => row.clone().map(Record::from),
            None => Err(Error::unknown_uid(format!("there is no {class} with the uid `{uid}`"))),
        };
        Ok(uids.iter().map(answer).collect())
    }
}
