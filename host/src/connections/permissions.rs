//! Permissions of a connection: what its connector asks for, and what an operator approved of that.
//!
//! Approved is a permission, not a release: a new release keeps what it asks for in the same words, and lacks what it
//! asks for anew until somebody approves it.

use std::collections::BTreeMap;

use super::{Connections, options, web};
use crate::model::{
    Access, ConnectionId, DestinationName, Directory, DirectoryName, Error, Permission, Permissions, Result,
};
use crate::registry::Manifest;
use crate::store::Approval;

/// A permission of a connection.
#[derive(Clone, Debug)]
pub struct Asked {
    pub permission: Permission,
    /// What it means; empty where the release that serves does not ask for just this.
    pub words: String,
    /// Does the release that serves ask for it, or for more?
    pub requested: bool,
    pub approval: Option<Approval>,
}

impl Connections {
    /// What the connector asks for and what was approved, approved or not.
    ///
    /// # Errors
    /// `not-found`; `configuration` if no release serves the connection.
    pub async fn permissions(&self, id: &ConnectionId) -> Result<Vec<Asked>> {
        let manifest = self.manifest(id).await?;
        Ok(asked(&manifest, self.store.approvals(id).await?))
    }

    /// Approves and withdraws in one step, and answers what holds then.
    ///
    /// # Errors
    /// `invalid-request` naming what the connector asks for, if something else is to be approved; `configuration` for what
    /// makes no path with the connection's options; as [`Self::permissions`].
    pub async fn approve(
        &self,
        id: &ConnectionId,
        approve: &Permissions,
        withdraw: &Permissions,
        by: &str,
    ) -> Result<Vec<Asked>> {
        let manifest = self.manifest(id).await?;
        require_known(&manifest, approve)?;
        // What makes no path with the connection's options would make it useless until somebody withdrew it.
        let connection = self.get(id).await?.value;
        if let Ok(options) = options::check(&manifest, &connection.options) {
            web::web(&Permissions::default(), approve, &options)?;
        }
        self.store.approve(id, approve, withdraw, by).await?;
        self.forget(id);
        self.permissions(id).await
    }

    async fn manifest(&self, id: &ConnectionId) -> Result<Manifest> {
        let connection = self.get(id).await?.value;
        Ok(self.registry.release(&connection.connector, &connection.version)?.manifest.clone())
    }
}

/// Refuses to approve what the connector does not ask for and only an operator could know either.
pub(super) fn require_known(manifest: &Manifest, approve: &Permissions) -> Result<()> {
    let requested = manifest.permissions();
    let known =
        |wanted: &Permission| requested.iter().any(|asked| asked.covers(wanted)) || met(manifest, wanted).is_some();
    let Some(stray) = approve.iter().find(|wanted| !known(wanted)) else { return Ok(()) };
    let asked: Vec<String> = requested.iter().map(ToString::to_string).collect();
    let message = format!("{} does not ask for {stray}; it asks for [{}]", manifest.connector, asked.join(", "));
    Err(Error::invalid(message).blaming("approve"))
}

fn asked(manifest: &Manifest, approvals: Vec<Approval>) -> Vec<Asked> {
    let requested = manifest.permissions();
    let mut asked: BTreeMap<Permission, Asked> = BTreeMap::new();
    for request in manifest.requests() {
        let permission = request.permission.clone();
        asked.insert(
            permission,
            Asked { permission: request.permission, words: request.words, requested: true, approval: None },
        );
    }
    for approval in approvals {
        let entry = asked.entry(approval.permission.clone()).or_insert_with(|| Asked {
            permission: approval.permission.clone(),
            words: met(manifest, &approval.permission).unwrap_or_default(),
            requested: requested.iter().any(|asked| asked.covers(&approval.permission)),
            approval: None,
        });
        entry.approval = Some(approval);
    }
    asked.into_values().collect()
}

/// What it means to open a range for one of the manifest's destinations, or to go there unprotected. It takes no request,
/// because only the operator knows his networks.
fn met(manifest: &Manifest, permission: &Permission) -> Option<String> {
    let label = |name: &DestinationName| {
        let declared = manifest.destinations.iter().find(|declared| declared.name == *name);
        declared.map(|declared| declared.label.as_str())
    };
    match permission {
        Permission::Network { destination, range } => {
            Some(format!("meet \"{}\" at a {} address", label(destination)?, range.as_str()))
        }
        Permission::Plaintext { destination } => {
            Some(format!("speak to \"{}\" without encryption, passwords included", label(destination)?))
        }
        _ => None,
    }
}

/// What a call may do: both asked for and approved.
pub(super) fn effective(requested: &Permissions, approved: &Permissions) -> Permissions {
    let covered = |by: &Permissions, one: &&Permission| by.iter().any(|other| other.covers(one));
    let of_requested = requested.iter().filter(|one| covered(approved, one));
    let of_approved = approved.iter().filter(|one| covered(requested, one));
    of_requested.chain(of_approved).cloned().collect()
}

/// The configured directories as far as they are permitted.
pub(super) fn directories(
    configured: &BTreeMap<DirectoryName, Directory>,
    permitted: &Permissions,
) -> BTreeMap<DirectoryName, Directory> {
    let access = |name: &DirectoryName, most: Access| {
        [Access::ReadWrite, Access::ReadOnly].into_iter().find(|access| {
            let wanted = Permission::Directory { name: name.clone(), access: *access };
            *access <= most && permitted.iter().any(|permission| permission.covers(&wanted))
        })
    };
    let permit = |(name, directory): (&DirectoryName, &Directory)| {
        let access = access(name, directory.access)?;
        Some((name.clone(), Directory { path: directory.path.clone(), access }))
    };
    configured.iter().filter_map(permit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> Permissions {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn configured(access: Access) -> BTreeMap<DirectoryName, Directory> {
        [("data".parse().unwrap(), Directory { path: "/srv/data".into(), access })].into()
    }

    #[test]
    fn what_was_not_asked_for_or_not_approved_is_not_permitted() {
        let asked = set(&["directory:data:read-only", "reveal:key"]);
        assert_eq!(effective(&asked, &set(&[])), set(&[]));
        assert_eq!(effective(&set(&[]), &asked), set(&[]));
        assert_eq!(effective(&asked, &set(&["reveal:other", "reveal:key"])), set(&["reveal:key"]));
    }

    #[test]
    fn less_may_be_approved_than_was_asked_for_and_more_gives_no_more() {
        let (read, write) = (set(&["directory:data:read-only"]), set(&["directory:data:read-write"]));
        assert_eq!(effective(&write, &read), read);
        assert_eq!(effective(&read, &write), read);
    }

    #[test]
    fn a_directory_gets_the_least_of_what_is_configured_and_permitted() {
        let (read, write) = (set(&["directory:data:read-only"]), set(&["directory:data:read-write"]));
        let of = |access, permitted: &Permissions| {
            directories(&configured(access), permitted).into_values().next().map(|directory| directory.access)
        };
        assert_eq!(of(Access::ReadWrite, &set(&[])), None);
        assert_eq!(of(Access::ReadWrite, &read), Some(Access::ReadOnly));
        assert_eq!(of(Access::ReadOnly, &write), Some(Access::ReadOnly));
        assert_eq!(of(Access::ReadWrite, &write), Some(Access::ReadWrite));
    }
}
