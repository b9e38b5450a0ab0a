//! Catching up: a copy of what is published, with what the connector's feed says has changed, compared and published like
//! any other pass.
//!
//! A page of changes and the feed's token are applied in one transaction, so the run resumes where it stood. A feed that
//! lost the thread (`resync-required`) fails the task: whether to read everything is for whoever asked to decide.

mod ear;

use super::{Pass, RESTART_PAUSE, RESTARTS_MAX, Watch, staged_links};
use crate::model::{Edge, Error, Export, FailureKind, Key, ObjectRef, Rejected, Result};
use crate::store::{Catching, Cursor, FedChange, FedPage, Reread, RunPart, SetAside};
use crate::tasks::worker::End;
use ear::Ear;

/// Runs an incremental import to its end.
pub(super) async fn run(mut pass: Pass<'_>, plan: &[RunPart]) -> Result<End> {
    let (tasks, task, ready) = (pass.tasks, pass.task, pass.ready);
    if !ready.exports(Export::Feed) {
        let message = format!("{} tells no changes; import completely", ready.connection.connector);
        return Err(Error::failure(FailureKind::Unsupported, message));
    }
    let catching = tasks.store.begin_incremental(task.id, &task.connection, plan).await?;
    if !catching.fresh {
        pass.progress = tasks.store.task(task.id).await?.progress;
    }
    match pass.catch_up(&catching, plan).await.map_err(lost_thread)? {
        Some(end) => Ok(end),
        None => pass.conclude(catching.run.number).await,
    }
}

/// Says what to do where a feed cannot go on.
fn lost_thread(error: Error) -> Error {
    if !error.is(FailureKind::ResyncRequired) {
        return error;
    }
    let message = format!("the feed cannot go on from what is published ({}); import completely", error.message);
    Error { message, ..error }
}

impl Pass<'_> {
    /// Reads what the run still lacks; an end if somebody stops it before.
    async fn catch_up(&mut self, catching: &Catching, plan: &[RunPart]) -> Result<Option<End>> {
        if !catching.ended
            && let Some(end) = self.read_changes(catching, plan).await?
        {
            return Ok(Some(end));
        }
        self.read_again(catching.run.number).await
    }

    async fn read_changes(&mut self, catching: &Catching, plan: &[RunPart]) -> Result<Option<End>> {
        let ear = Ear::new(self.ready, plan)?;
        let (asked, token) = (ear.asked()?, catching.token.clone());
        let opened = self.ready.component().open_changes(self.context(), asked, token).await;
        let mut changes = self.took(opened.used, opened.result)?;
        let mut watch = Watch::default();
        self.progress.reading = Some("changes".to_owned());
        loop {
            let called = changes.next(self.tasks.config.page_rows).await;
            let page = self.took(called.used, called.result)?;
            watch.look(page.deltas.len() + page.unfit.len(), page.token.as_deref(), !page.more)?;
            let page = ear.hear(page)?;
            self.note(&page);
            self.require_room()?;
            let staged = self.tasks.store.apply_changes(catching.run.number, &page, &self.progress).await?;
            if let Some(end) = self.told_to_stop(staged.stop_requested).await? {
                return Ok(Some(end));
            }
            if page.ended {
                return Ok(None);
            }
        }
    }

    /// Counts what a page brings.
    fn note(&mut self, page: &FedPage) {
        self.progress.rejected += page.set_aside.len() as u64;
        for change in &page.changes {
            match change {
                FedChange::Object(object) => {
                    let links = object.relations.iter().filter_map(|relation| relation.targets.as_ref());
                    self.progress.rows += 1;
                    self.progress.links += links.map(|targets| targets.len() as u64).sum::<u64>();
                }
                FedChange::Gone(_) => self.progress.rows += 1,
                FedChange::LinkAdded(..) | FedChange::LinkRemoved(..) => self.progress.links += 1,
            }
        }
    }

    /// Reads the links of the owners that the feed told only in part.
    async fn read_again(&mut self, run: i64) -> Result<Option<End>> {
        let mut restarts = 0;
        while let Some(owner) = self.tasks.store.next_reread(run).await? {
            self.progress.reading = Some(owner.part.to_string());
            let cursor = match self.read_owner(run, &owner).await {
                Ok(None) => continue,
                Ok(end) => return Ok(end),
                // Gone meanwhile: the next feed will say so.
                Err(error) if error.is(FailureKind::UnknownUid) => Cursor { part_complete: true, ..Cursor::default() },
                Err(error) if error.is(FailureKind::ResyncRequired) && restarts < RESTARTS_MAX => {
                    restarts += 1;
                    tokio::time::sleep(RESTART_PAUSE).await;
                    Cursor::default()
                }
                Err(error) => return Err(error),
            };
            self.tasks.store.stage_reread(run, &owner, (&[], false), &[], &cursor, &self.progress).await?;
        }
        Ok(None)
    }

    async fn read_owner(&mut self, run: i64, owner: &Reread) -> Result<Option<End>> {
        let Reread { part: RunPart { class, attribute }, uid, name, checkpoint } = owner;
        let object = ObjectRef { class: class.clone(), uid: uid.clone(), name: Some(name.clone()) };
        let (class, attribute) = (class.parse()?, attribute.as_deref().unwrap_or_default().parse()?);
        let (component, from) = (self.ready.component(), checkpoint.clone());
        let opened = component.open_edges(self.context(), &class, &attribute, Some(object), from).await;
        let mut listing = self.took(opened.used, opened.result)?;
        let (mut watch, mut afresh) = (Watch::default(), checkpoint.is_none());
        loop {
            let called = listing.next(self.tasks.config.page_rows).await;
            let page = self.took(called.used, called.result)?;
            watch.look(page.edges.len() + page.rejected.len(), page.checkpoint.as_deref(), page.complete)?;
            let (edges, foreign) = of_owner(page.edges, uid);
            let set_aside: Vec<SetAside> = page.rejected.iter().chain(&foreign).map(SetAside::from).collect();
            let links = staged_links(edges)?;
            self.progress.links += links.len() as u64;
            self.progress.rejected += set_aside.len() as u64;
            self.require_room()?;
            let cursor = Cursor { checkpoint: page.checkpoint, part_complete: page.complete, token: None };
            let (store, links) = (&self.tasks.store, (links.as_slice(), afresh));
            let staged = store.stage_reread(run, owner, links, &set_aside, &cursor, &self.progress).await?;
            if let Some(end) = self.told_to_stop(staged.stop_requested).await? {
                return Ok(Some(end));
            }
            if page.complete {
                return Ok(None);
            }
            afresh = false;
        }
    }
}

/// The edges of the owner that was asked for, under its uid, and those of others.
fn of_owner(edges: Vec<Edge>, uid: &str) -> (Vec<Edge>, Vec<Rejected>) {
    let (mut own, mut foreign) = (Vec::with_capacity(edges.len()), Vec::new());
    for mut edge in edges {
        match &edge.owner.key {
            Key::Uid(owner) if owner != uid => {
                let why = format!("its owner is another one than {uid}, which was asked for");
                let error = Error::failure(FailureKind::SchemaViolation, why);
                foreign.push(Rejected { key: owner.clone(), error });
            }
            Key::Uid(_) | Key::Name(_) => {
                edge.owner.key = Key::Uid(uid.to_owned());
                own.push(edge);
            }
        }
    }
    (own, foreign)
}
