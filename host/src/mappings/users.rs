//! Mappings that name what changes: they are not less right afterwards than they were before. What was wrong with one already
//! stands in nobody's way.

use std::sync::Arc;

use super::survey::{Ahead, Survey};
use super::{Flaw, Mappings, names};
use crate::model::{Error, FailureKind, Mapping, Result};

impl Mappings {
    /// Definitions that stay as they are while what they name changes are not less right then than they are now.
    ///
    /// # Errors
    /// `conflict` if one would no longer be right; those of the store.
    pub async fn check_kept(&self, kept: &[&Mapping], ahead: Ahead) -> Result<()> {
        let entities = self.all().await?.into_iter().filter_map(Mapping::into_entity).collect();
        let mut now = Survey::new(Arc::clone(&self.source), entities);
        let mut then = Survey::ahead(Arc::clone(&self.source), ahead);
        for mapping in kept {
            let after = then.hold(mapping).await?.flaws;
            check_no_new(mapping, &now.hold(mapping).await?.into_flaws(), after)?;
        }
        Ok(())
    }

    /// The mappings that name this one are not less right with it than they are now.
    pub(super) async fn check_users(&self, new: &Mapping) -> Result<()> {
        let Mapping::Entity(entity) = new else { return Ok(()) };
        for user in self.all().await?.iter().filter(|user| names(user, &entity.id)) {
            let mut survey = self.survey(user).await?;
            let before = survey.hold(user).await?.into_flaws();
            let after = survey.with(entity).hold(user).await?.into_flaws();
            check_no_new(user, &before, after)?;
        }
        Ok(())
    }
}

/// Refuses what a mapping has not been wrong with before.
fn check_no_new(mapping: &Mapping, before: &[Flaw], after: Vec<Flaw>) -> Result<()> {
    let Some(Flaw { at, message, .. }) = after.into_iter().find(|flaw| !before.contains(flaw)) else { return Ok(()) };
    let message = format!(
        "the mapping {} would not be right any more: {at}: {message}; change that one first, or remove it",
        mapping.id()
    );
    Err(Error::failure(FailureKind::Conflict, message))
}
