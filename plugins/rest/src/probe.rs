//! Probing: does the API answer, can every class be read, and what does the mapping offer?

use crate::api::{Api, With};
use crate::mapping::{Class, Mapping};
use crate::pages::{Paged, Pages, Position};
use crate::{Rest, layout, placements};
use hawser_sdk::{Aspect, Choice, Error, Finding, Probe, Result};

impl Probe for Rest {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        let api = match Api::new(self) {
            Ok(api) => api,
            Err(error) => return Ok(vec![Finding::problem(error)]),
        };
        let classes = self.mapping.classes.iter();
        Ok(match aspect {
            Aspect::Connect => vec![told(connect(&api))],
            Aspect::Complete => classes.filter_map(|(name, class)| first_page(&api, name, class)).map(told).collect(),
            Aspect::Incremental => {
                let message = "a mapping has no feed of changes; complete imports find them, deletions too";
                vec![Finding::problem(Error::unsupported(message))]
            }
            Aspect::Provision => classes.map(|(name, class)| Finding::fine(offers(name, class))).collect(),
        })
    }

    /// What the mapping wants of the options that permissions are made from.
    fn suggest(&self, option: &str) -> Result<Vec<Choice>> {
        let wanted = placements::suggested(&self.mapping, &self.options, option);
        Ok(wanted.iter().map(|value| Choice::new(value.as_str(), value.as_str())).collect())
    }
}

fn told(found: Result<String>) -> Finding {
    found.map_or_else(Finding::problem, Finding::fine)
}

fn connect(api: &Api<'_>) -> Result<String> {
    let Mapping { check, classes, .. } = api.mapping;
    if let Some(check) = check {
        let answer = api.send(check.sketch(), &api.scope(), &With::default())?;
        return Ok(format!("the API answers: {} {}: {}", answer.method, answer.path, answer.status));
    }
    let listed = classes.iter().find_map(|(name, class)| first_page(api, name, class));
    listed.unwrap_or_else(|| Err(Error::configuration("the mapping has neither `check` nor a class with `list`")))
}

/// Reads the first page of a class, so that a wrong pointer shows now and not in the night.
fn first_page(api: &Api<'_>, name: &str, class: &Class) -> Option<Result<String>> {
    let list = class.list.as_ref()?;
    let paged = Paged { sketch: list.sketch(), items: &list.items, paging: &list.paging };
    let page = Pages::new(Position::default()).next(api, &paged, &api.scope());
    Some(page.and_then(|page| {
        let items = page.unwrap_or_default();
        items.first().map(|item| layout::identify(class, item)).transpose()?;
        Ok(format!("{name}: {} objects on the first page", items.len()))
    }))
}

fn offers(name: &str, class: &Class) -> String {
    let of = class.entitlement.is_some();
    let all = [
        ("create", class.create.is_some()),
        ("update", class.update.is_some()),
        ("delete", class.delete.is_some()),
        ("set passwords", class.passwords.set.is_some()),
        ("change passwords", class.passwords.change.is_some()),
        ("check passwords", class.passwords.check.is_some()),
        ("grant and revoke", of),
    ];
    let offered: Vec<&str> = all.into_iter().filter(|(_, has)| *has).map(|(what, _)| what).collect();
    if offered.is_empty() { format!("{name}: is only read") } else { format!("{name}: {}", offered.join(", ")) }
}
