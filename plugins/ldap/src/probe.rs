//! Probing: does the connection work, what will an import and a write meet, and what could an option's value be?

use crate::Ldap;
use crate::directory::{Directory, NO_ATTRIBUTES, Place, paged};
use crate::feed::token::Way;
use crate::operational::Operational;
use crate::{controls, entry, failure, server};
use hawser_sdk::ldap::{Entry, Scope};
use hawser_sdk::{Aspect, Choice, Error, Finding, Probe, Result};

/// How many entries a look at a class asks for: more than the limits servers set by default.
const LOOKED_AT: usize = 2_500;
/// The most units that are offered for an option.
const OFFERED: usize = 200;

impl Probe for Ldap {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        let directory = match self.directory() {
            Ok(directory) => directory,
            Err(error) => return Ok(vec![Finding::problem(error)]),
        };
        Ok(match aspect {
            Aspect::Connect => connect(&directory),
            Aspect::Complete => directory.places().iter().map(|place| told(complete(&directory, place))).collect(),
            Aspect::Incremental => vec![incremental(&directory)],
            Aspect::Provision => directory.places().iter().map(|place| told(provision(&directory, place))).collect(),
        })
    }

    fn suggest(&self, option: &str) -> Result<Vec<Choice>> {
        let directory = self.directory()?;
        let offered =
            |names: Vec<String>| names.into_iter().map(|name| Choice::new(name.as_str(), name.as_str())).collect();
        match option {
            "base-dn" => {
                let root = server::root(&directory.session, &["namingContexts"])?;
                Ok(offered(server::contexts(&root).map(str::to_owned).collect()))
            }
            "account-base" | "group-base" => Ok(offered(units(&directory)?)),
            "account-name" | "group-name" => {
                let class = directory.class(if option == "account-name" {
                    crate::model::ACCOUNT
                } else {
                    crate::model::GROUP
                })?;
                let single = class
                    .attributes
                    .into_iter()
                    .filter(|native| native.equality && native.syntax == crate::model::Syntax::Text);
                Ok(offered(std::iter::once("dn".to_owned()).chain(single.map(|native| native.name)).collect()))
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn told(found: Result<String>) -> Finding {
    found.map_or_else(Finding::problem, Finding::fine)
}

fn connect(directory: &Directory) -> Vec<Finding> {
    let server = &directory.server;
    let request = directory.request(&server.base, Scope::Base, "(objectClass=*)", &[NO_ATTRIBUTES]);
    let base = match directory.session.find(&request) {
        Ok(found) if found.is_empty() => {
            Err(Error::permission_denied(format!("the service account may not read {}; let it", server.base)))
        }
        Ok(_) => Ok(format!("the base {} can be read", server.base)),
        Err(error) if failure::is(&error, failure::NO_SUCH_OBJECT) => {
            Err(Error::configuration(format!("there is no entry {}; correct the option `base-dn`", server.base)))
        }
        Err(error) => Err(error),
    };
    vec![Finding::fine(format!("the server speaks as {}", server.dialect.name())), told(base)]
}

/// Reads some pages of a class, so that a limit shows now and not in the night.
fn complete(directory: &Directory, place: &Place) -> Result<String> {
    let request = directory.request(&place.base, Scope::Subtree, &place.filter, &[directory.dialect().uid()]);
    let search = directory.session.search(&paged(request, directory.options.page_size))?;
    let mut seen: Vec<Entry> = Vec::new();
    let mut done = false;
    while !done && seen.len() < LOOKED_AT {
        let page = search.next(directory.options.page_size)?;
        seen.extend(page.entries);
        done = page.done;
    }
    if let Some(nameless) = seen.iter().find(|found| entry::uid(found, directory.dialect()).is_err()) {
        entry::uid(nameless, directory.dialect())?;
    }
    let more = if done { "" } else { " and more" };
    Ok(format!("{}: {} entries{more} below {}", place.class, seen.len(), place.base))
}

fn incremental(directory: &Directory) -> Finding {
    let way = match Way::of(directory) {
        Ok(way) => way,
        Err(error) => return Finding::problem(error),
    };
    match crate::feed::token::now(directory, way) {
        Ok(_) => Finding::fine(way.describe()),
        Err(error) => Finding::problem(error),
    }
}

/// What the service account may write, where the server says it.
fn provision(directory: &Directory, place: &Place) -> Result<String> {
    if !directory.dialect().is_ad() {
        let exchange = directory.server.has(controls::PASSWORD_MODIFY);
        let passwords = if exchange { "by the password modify operation" } else { "as userPassword" };
        let class = directory.class(&place.class)?;
        let known: Vec<&str> =
            class.operational.iter().filter(|it| it.is_writable()).map(|it: &Operational| it.name()).collect();
        return Ok(format!(
            "{}: the server does not tell rights; passwords go {passwords}; [{}] can be set",
            place.class,
            known.join(", ")
        ));
    }
    let request = directory.request(&place.base, Scope::Base, "(objectClass=*)", &["allowedChildClassesEffective"]);
    let found = directory.session.find(&request)?;
    let mut allowed = found.iter().flat_map(|entry| entry::texts(entry, "allowedChildClassesEffective"));
    if allowed.any(|class| class.eq_ignore_ascii_case(&place.object_class)) {
        return Ok(format!("{}: may be created in {}", place.class, place.base));
    }
    let message = format!(
        "{}: the service account may not create {} in {}; delegate it, or name another base",
        place.class, place.object_class, place.base
    );
    Err(Error::permission_denied(message))
}

fn units(directory: &Directory) -> Result<Vec<String>> {
    let filter = "(|(objectClass=organizationalUnit)(objectClass=container))";
    let request = directory.request(&directory.server.base, Scope::Subtree, filter, &[NO_ATTRIBUTES]);
    let search = directory.session.search(&paged(request, directory.options.page_size))?;
    let mut names = Vec::new();
    loop {
        let page = search.next(directory.options.page_size)?;
        names.extend(page.entries.map(|entry| entry::dn(&entry, directory.dialect())));
        if page.done || names.len() >= OFFERED {
            names.truncate(OFFERED);
            return Ok(names);
        }
    }
}
