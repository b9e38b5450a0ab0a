//! An import: a pass over a target, staged page by page, compared with what is published, and published in one step, or
//! held for a person to look at. A pass is complete, or catches up with what changed (see `incremental`).
//!
//! A page and its checkpoint are staged in one transaction, so the pass resumes where it stood, whatever stopped it.
//! A target that changed meanwhile (`resync-required`) costs the pass, not the truth: it begins again.

mod ahead;
mod incremental;
mod stuck;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Tasks;
use super::worker::End;
use crate::connections::{Ready, intake};
use crate::model::{
    Asked, AttributeName, ClassInfo, ClassName, Counts, Edge, Error, ErrorKind, Export, FailureKind, ImportMode,
    ListRequest, Progress, Rejected, RequestContext, Result, Row, Task, TaskError, TaskKind, TaskState, Thresholds,
    json,
};
use crate::runtime::{CallContext, Used};
use crate::store::{Cursor, PartProgress, Run, RunPart, SetAside, StagedLink, StagedRow};
use ahead::Ahead;
use stuck::Watch;

/// How often a pass begins again because the target changed under it.
const RESTARTS_MAX: u32 = 3;
/// The wait before a pass begins again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Runs the import of a task to its end.
///
/// # Errors
/// What stopped it. The staged pages stay for another attempt, until the worker gives the task up.
pub(super) async fn run(
    tasks: &Tasks,
    task: &Task,
    rc: &RequestContext,
    stop: &CancellationToken,
    used: &mut Used,
) -> Result<End> {
    let mut ready = tasks.connections.ready(&task.connection).await?;
    // It may have been switched off while the task waited.
    ready.connection.switches.require_import(&task.connection)?;
    if !ready.schema_current {
        let called = tasks.refresh_schema(rc, &task.connection).await;
        used.merge(called.used);
        called.result?;
        ready = tasks.connections.ready(&task.connection).await?;
    }
    let plan = plan(&ready);
    if task.mode == Some(ImportMode::Incremental) {
        return incremental::run(Pass::new(tasks, task, rc, stop, &ready, used), &plan).await;
    }
    for _ in 0..RESTARTS_MAX {
        let run = tasks.store.begin_run(task.id, &task.connection, &plan).await?;
        let mut pass = Pass { progress: progress(&run), ..Pass::new(tasks, task, rc, stop, &ready, used) };
        if run.is_new() && run.token.is_none() {
            pass.note_latest_token(&run).await?;
        }
        match pass.read(&run).await {
            Ok(None) => return pass.conclude(run.number).await,
            Ok(Some(end)) => return Ok(end),
            Err(error) if error.is(FailureKind::ResyncRequired) => {
                tracing::info!(task = %task.id, %error, "the target changed; the pass begins again");
                tasks.store.restart_run(task.id).await?;
                tokio::time::sleep(RESTART_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    let message = "the target changes faster than it can be read; import it when it is quiet";
    Err(Error::failure(FailureKind::Conflict, message))
}

/// What a complete pass reads: the objects of every class, then the relations that come as edges.
fn plan(ready: &Ready) -> Vec<RunPart> {
    let objects = classes(ready).map(|class| RunPart::objects(&class.name));
    let relations = classes(ready)
        .flat_map(|class| class.large_attributes().map(|info| RunPart::relation(&class.name, &info.name)));
    objects.chain(relations).collect()
}

fn classes(ready: &Ready) -> impl Iterator<Item = &ClassInfo> {
    ready.schema.iter().flat_map(|schema| &schema.0).filter(|class| !class.auxiliary)
}

/// How far the run has come already.
fn progress(run: &Run) -> Progress {
    let staged = |relations: bool| {
        let parts = run.parts.iter().filter(|part| part.part.attribute.is_some() == relations);
        parts.map(|part| part.staged).sum()
    };
    Progress { rows: staged(false), links: staged(true), rejected: run.rejected, ..Progress::default() }
}

/// The threshold that holds the pass, in words that say what to do.
fn tripped(thresholds: Thresholds, counts: &Counts, published_before: u64) -> Option<String> {
    let removed = counts.deleted;
    let next = "look at the removals, then approve or reject the task";
    if let Some(limit) = thresholds.removed.filter(|limit| removed > *limit) {
        return Some(format!("it would remove {removed} objects, and {limit} are allowed without asking; {next}"));
    }
    #[allow(clippy::cast_precision_loss, reason = "a share in per cent needs no 64 bits")]
    let share = if published_before == 0 { 0.0 } else { 100.0 * removed as f64 / published_before as f64 };
    thresholds.removed_percent.filter(|limit| share > *limit).map(|limit| {
        format!("it would remove {removed} of {published_before} objects ({share:.1} %), and {limit} % are allowed without asking; {next}")
    })
}

/// One attempt at reading a target.
struct Pass<'a> {
    tasks: &'a Tasks,
    task: &'a Task,
    rc: &'a RequestContext,
    stop: &'a CancellationToken,
    ready: &'a Ready,
    progress: Progress,
    used: &'a mut Used,
}

impl<'a> Pass<'a> {
    fn new(
        tasks: &'a Tasks,
        task: &'a Task,
        rc: &'a RequestContext,
        stop: &'a CancellationToken,
        ready: &'a Ready,
        used: &'a mut Used,
    ) -> Self {
        Self { tasks, task, rc, stop, ready, progress: Progress::default(), used }
    }

    /// Before anything is read: what happens meanwhile is then told by a feed. A connector that cannot say where its feed
    /// stands may hand out a token with its pages, and one that does neither cannot be imported incrementally.
    async fn note_latest_token(&mut self, run: &Run) -> Result<()> {
        if !self.ready.exports(Export::Feed) {
            return Ok(());
        }
        let classes: Vec<ClassName> = self.classes().map(|class| Ok(class.name.parse()?)).collect::<Result<_>>()?;
        let called = self.ready.component().latest_token(self.context(), &classes).await;
        match self.took(called.used, called.result) {
            Ok(token) => self.tasks.store.note_token(run.number, &token).await,
            Err(error) => {
                tracing::info!(task = %self.task.id, %error, "the connector does not say where its feed stands");
                Ok(())
            }
        }
    }

    fn classes(&self) -> impl Iterator<Item = &'a ClassInfo> {
        classes(self.ready)
    }

    /// Reads what the run still lacks; an end if somebody stops it before.
    async fn read(&mut self, run: &Run) -> Result<Option<End>> {
        for part in run.parts.iter().filter(|part| !part.complete) {
            self.progress.reading = Some(part.part.to_string());
            self.progress.estimate = None;
            let end = match &part.part.attribute {
                None => self.read_objects(run, part).await?,
                Some(attribute) => self.read_relation(run, part, attribute).await?,
            };
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    async fn read_objects(&mut self, run: &Run, part: &PartProgress) -> Result<Option<End>> {
        let class: ClassName = part.part.class.parse()?;
        let columns = columns(self.ready.class(&class)?)?;
        let request = ListRequest { class, attributes: columns.clone(), filter: None, container: None };
        let component = self.ready.component();
        let opened = component.open_listing(self.context(), request, part.checkpoint.clone()).await;
        let listing = self.took(opened.used, opened.result)?;
        let mut pages = Ahead::objects(listing, self.tasks.config.page_rows);
        let mut watch = Watch::default();
        loop {
            let called = pages.next().await;
            let page = self.took(called.used, called.result)?;
            watch.look(page.rows.len() + page.rejected.len(), page.checkpoint.as_deref(), page.complete)?;
            let (rows, set_aside) = intake_rows(&columns, page.rows, &page.rejected);
            self.progress.estimate = page.estimate.or(self.progress.estimate);
            self.progress.rows += rows.len() as u64;
            self.progress.rejected += set_aside.len() as u64;
            self.require_room()?;
            let cursor = Cursor { checkpoint: page.checkpoint, part_complete: page.complete, token: page.token };
            let store = &self.tasks.store;
            let staged = store.stage_rows(run.number, &part.part, &rows, &set_aside, &cursor, &self.progress).await?;
            let end = self.told_to_stop(staged.stop_requested).await?;
            if page.complete || end.is_some() {
                return Ok(end);
            }
        }
    }

    async fn read_relation(&mut self, run: &Run, part: &PartProgress, attribute: &str) -> Result<Option<End>> {
        let (class, attribute): (ClassName, AttributeName) = (part.part.class.parse()?, attribute.parse()?);
        let component = self.ready.component();
        let opened = component.open_edges(self.context(), &class, &attribute, None, part.checkpoint.clone()).await;
        let listing = self.took(opened.used, opened.result)?;
        let mut pages = Ahead::edges(listing, self.tasks.config.page_rows);
        let mut watch = Watch::default();
        loop {
            let called = pages.next().await;
            let page = self.took(called.used, called.result)?;
            watch.look(page.edges.len() + page.rejected.len(), page.checkpoint.as_deref(), page.complete)?;
            let set_aside: Vec<SetAside> = page.rejected.iter().map(SetAside::from).collect();
            let links = staged_links(page.edges)?;
            self.progress.links += links.len() as u64;
            self.progress.rejected += set_aside.len() as u64;
            self.require_room()?;
            let cursor = Cursor { checkpoint: page.checkpoint, part_complete: page.complete, token: None };
            let store = &self.tasks.store;
            let staged = store.stage_links(run.number, &part.part, &links, &set_aside, &cursor, &self.progress).await?;
            let end = self.told_to_stop(staged.stop_requested).await?;
            if page.complete || end.is_some() {
                return Ok(end);
            }
        }
    }

    /// A listing that never ends must not fill the disk, with what is set aside neither.
    fn require_room(&self) -> Result<()> {
        let Progress { rows, links, rejected, .. } = self.progress;
        let (held, max) = (rows + links + rejected, self.tasks.config.records_max);
        if held <= max {
            return Ok(());
        }
        let message = format!(
            "the import holds {held} objects, links and rejected records, and {max} are allowed: the connector does not \
             end, or `imports.records-max` in the host's configuration is too low for this target"
        );
        Err(Error::new(ErrorKind::GuestLimit, message))
    }

    /// Compares the pass with what is published, and publishes or holds it, unless somebody asked to stop meanwhile.
    async fn conclude(&self, run: i64) -> Result<End> {
        let (tasks, task) = (self.tasks, self.task);
        let compared = tasks.store.compare(run).await?;
        if let Some(end) = self.asked().await? {
            return Ok(end);
        }
        let counts = compared.counts;
        if let Some(why) = tripped(self.ready.connection.thresholds, &counts, compared.published_before) {
            tracing::warn!(task = %task.id, connection = %task.connection, why, "the import is held");
            let error = TaskError { kind: "threshold".to_owned(), message: why };
            tasks.store.finish_task(task.id, TaskState::Held, Some(&counts), Some(&error)).await?;
            return Ok(End::Held);
        }
        match tasks.store.publish(task.id).await {
            Ok(published) if published.written_by.is_some() => tasks.wakes.wake(TaskKind::WriteTables),
            Ok(_) => {}
            Err(error) => return self.asked().await?.ok_or(error),
        }
        tracing::info!(task = %task.id, connection = %task.connection, inserted = counts.inserted, updated = counts.updated, deleted = counts.deleted, rejected = counts.rejected, "the import is published");
        Ok(End::Succeeded)
    }

    fn context(&self) -> CallContext {
        self.tasks.connections.context(self.rc, self.ready)
    }

    fn took<T>(&mut self, used: Used, result: Result<T>) -> Result<T> {
        self.used.merge(used);
        result
    }

    async fn told_to_stop(&self, stop_requested: bool) -> Result<Option<End>> {
        let asked = if stop_requested { self.asked().await? } else { None };
        if asked.is_none() && self.stop.is_cancelled() {
            tracing::info!(task = %self.task.id, "the host stops; the import goes on from its checkpoint");
            return Ok(Some(End::Interrupted));
        }
        Ok(asked)
    }

    /// What a person asked of the import.
    async fn asked(&self) -> Result<Option<End>> {
        Ok(self.tasks.store.asked(self.task.id).await?.map(|asked| match asked {
            Asked::Cancel => End::Cancelled,
            Asked::Pause => End::Paused,
        }))
    }
}

/// Everything readable that does not come as edges: an import is the whole truth, not only what is shown by default.
fn columns(class: &ClassInfo) -> Result<Vec<AttributeName>> {
    let readable = class.attributes.iter().filter(|info| info.readable && !info.confidential && !info.large);
    readable.map(|info| Ok(info.name.parse()?)).collect()
}

fn intake_rows(columns: &[AttributeName], rows: Vec<Row>, rejected: &[Rejected]) -> (Vec<StagedRow>, Vec<SetAside>) {
    let mut staged = Vec::with_capacity(rows.len());
    let mut set_aside: Vec<SetAside> = rejected.iter().map(SetAside::from).collect();
    for row in rows {
        match intake::admit(columns, row) {
            Ok(intake::Admitted { row, body }) => {
                staged.push(StagedRow { uid: row.uid, name: row.name, revision: row.revision, body });
            }
            Err(rejected) => set_aside.push(SetAside::from(&rejected)),
        }
    }
    (staged, set_aside)
}

fn staged_links(edges: Vec<Edge>) -> Result<Vec<StagedLink>> {
    edges.into_iter().map(staged_link).collect()
}

fn staged_link(edge: Edge) -> Result<StagedLink> {
    let parameters = json::parameters_body(&edge.parameters).map_err(|why| Error::internal(why.to_string()))?;
    let (owner, target) = (edge.owner.key, edge.target.key);
    Ok(StagedLink { owner, target_class: edge.target.class, target, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(deleted: u64) -> Counts {
        Counts { deleted, ..Counts::default() }
    }

    #[test]
    fn a_pass_that_would_remove_too_much_is_held_by_number_or_by_share() {
        let default = Thresholds::default();
        assert!(tripped(default, &counts(101), 1_000_000).is_some_and(|why| why.contains("101 objects, and 100")));
        assert!(tripped(default, &counts(20), 100).is_some_and(|why| why.contains("20.0 %")));
        assert_eq!(tripped(default, &counts(100), 10_000), None);
        assert_eq!(tripped(default, &counts(0), 0), None);
    }

    #[test]
    fn a_threshold_can_be_switched_off() {
        let off = Thresholds { removed: None, removed_percent: None };
        assert_eq!(tripped(off, &counts(1_000), 1_000), None);
    }
}
