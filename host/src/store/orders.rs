//! Provisioning orders of fulfilments, from being sealed to having an outcome.
//!
//! Invariant: an order is running in here before anything of it is sent, and what it says is gone from here as soon as it
//! is done. One that was running when its host died has an unknown outcome; it is never begun again.

use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{count, from_json, json, limit, maybe_instant, parsed, word};
use super::tasks::{NewTask, insert_task, read_task};
use crate::model::order::OrderError;
use crate::model::{
    ConnectionId, Effect, Error, FailureKind, Fulfilment, OrderCounts, OrderKind, OrderOutcome, OrderState,
    OrderStatus, Result, ScheduleId, Start, Task, TaskId, TaskKind, TaskState,
};

/// What an order says, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOrder {
    /// Which key sealed it.
    pub key_id: String,
    pub bytes: Vec<u8>,
}

/// An order to keep.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub key: Option<String>,
    pub kind: OrderKind,
    pub class: String,
    pub owner: Option<String>,
    pub sealed: SealedOrder,
}

impl Store {
    /// The keys that sealed orders that wait.
    pub(super) async fn order_sealing_keys(&self) -> Result<Vec<String>> {
        sqlx::query_scalar("SELECT DISTINCT key_id FROM task_order WHERE key_id IS NOT NULL")
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)
    }

    /// Seals anew, in one transaction, at most so many orders that another key than that one sealed; how many.
    pub async fn seal_orders_anew(
        &self,
        key_id: &str,
        at_most: u32,
        seal: impl Fn(TaskId, i64, &SealedOrder) -> Result<SealedOrder> + Send,
    ) -> Result<u64> {
        let mut tx = self.database.write_erasing().await?;
        let rows: Vec<(String, i64, String, Vec<u8>)> =
            sqlx::query_as("SELECT task, number, key_id, sealed FROM task_order WHERE key_id <> $1 LIMIT $2")
                .bind(key_id)
                .bind(limit(at_most))
                .fetch_all(&mut *tx)
                .await
                .map_err(fault)?;
        let found = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        for (task, number, key_id, bytes) in rows {
            let sealed = seal(parsed("task id", &task)?, number, &SealedOrder { key_id, bytes })?;
            sqlx::query("UPDATE task_order SET key_id = $3, sealed = $4 WHERE task = $1 AND number = $2")
                .bind(task)
                .bind(number)
                .bind(&sealed.key_id)
                .bind(&sealed.bytes)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        }
        self.database.commit_erasing(tx, found > 0).await?;
        Ok(found)
    }

    /// Queues fulfilments, all of them or none; each with the orders that `seal` makes for its id, in their order.
    pub async fn enqueue_fulfilments<O: Sync>(
        &self,
        new: &[(NewTask, O)],
        fulfilment: Fulfilment,
        seal: impl Fn(TaskId, &O) -> Result<Vec<NewOrder>> + Send,
    ) -> Result<Vec<Task>> {
        let mut tx = self.database.write().await?;
        let mut tasks = Vec::with_capacity(new.len());
        for (new, orders) in new {
            let id = insert_task(&mut tx, new, self.now()).await?;
            for (number, order) in (1..).zip(seal(id, orders)?) {
                insert(&mut tx, id, number, &order).await?;
            }
            let state = match fulfilment.start {
                Start::Now => TaskState::Queued,
                Start::Scheduled => TaskState::Paused,
            };
            sqlx::query("UPDATE task SET fulfilment = $2, state = $3 WHERE id = $1")
                .bind(id.to_string())
                .bind(json(&fulfilment)?)
                .bind(state.as_str())
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
            recount(&mut tx, id).await?;
            tasks.push(read_task(&mut *tx, id).await?);
        }
        tx.commit().await.map_err(fault)?;
        Ok(tasks)
    }

    /// The orders of a task that wait, by number.
    pub async fn pending_orders(&self, task: TaskId) -> Result<Vec<(i64, SealedOrder)>> {
        let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
            "SELECT number, key_id, sealed FROM task_order WHERE task = $1 AND state = 'pending' ORDER BY number",
        )
        .bind(task.to_string())
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(number, key_id, bytes)| (number, SealedOrder { key_id, bytes })).collect())
    }

    /// Gives the orders that nobody is working on, although they have begun, the outcome nobody knows. To be called before
    /// the first of a task's orders is begun.
    pub async fn abandon_orders(&self, task: TaskId) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        abandon(&mut tx, task, self.now()).await?;
        self.database.commit_erasing(tx, false).await
    }

    /// Sets a waiting order running. `conflict` if it does not wait.
    pub async fn begin_order(&self, task: TaskId, number: i64) -> Result<()> {
        self.move_order(task, number, (OrderState::Pending, OrderState::Running)).await
    }

    /// Lets a running order of which nothing was done wait again.
    pub async fn return_order(&self, task: TaskId, number: i64) -> Result<()> {
        self.move_order(task, number, (OrderState::Running, OrderState::Pending)).await
    }

    /// Writes down what came of a running order, and erases what it said. `conflict` if it does not run.
    pub async fn end_order(
        &self,
        task: TaskId,
        number: i64,
        state: OrderState,
        outcome: Option<&OrderOutcome>,
    ) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let done = sqlx::query(
            "UPDATE task_order SET state = $3, outcome = $4, finished = $5, key_id = NULL, sealed = NULL
             WHERE task = $1 AND number = $2 AND state = 'running'",
        )
        .bind(task.to_string())
        .bind(number)
        .bind(state.as_str())
        .bind(outcome.map(json).transpose()?)
        .bind(self.now())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        require_one(task, number, done.rows_affected())?;
        recount(&mut tx, task).await?;
        self.database.commit_erasing(tx, false).await
    }

    /// The orders of a task after a number, in their order, of one state or of all. `not-found` if there is no such task.
    pub async fn orders(
        &self,
        task: TaskId,
        state: Option<OrderState>,
        after: Option<i64>,
        at_most: u32,
    ) -> Result<Vec<OrderStatus>> {
        self.task(task).await?;
        let rows = sqlx::query(
            "SELECT number, order_key, kind, class, owner, state, started, finished, outcome FROM task_order
             WHERE task = $1 AND state = COALESCE($2, state) AND number > $3 ORDER BY number LIMIT $4",
        )
        .bind(task.to_string())
        .bind(state.map(OrderState::as_str))
        .bind(after.unwrap_or_default())
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.iter().map(order).collect()
    }

    async fn move_order(&self, task: TaskId, number: i64, (from, to): (OrderState, OrderState)) -> Result<()> {
        let mut tx = self.database.write().await?;
        let done = sqlx::query(
            "UPDATE task_order SET state = $4, started = $5 WHERE task = $1 AND number = $2 AND state = $3",
        )
        .bind(task.to_string())
        .bind(number)
        .bind(from.as_str())
        .bind(to.as_str())
        .bind((to == OrderState::Running).then(|| self.now()))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        require_one(task, number, done.rows_affected())?;
        recount(&mut tx, task).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Queues the fulfilments of a connection that wait for a schedule, as this one's, inside a transaction: the oldest first.
pub(super) async fn release_fulfilments(
    at: &mut SqliteConnection,
    connection: &ConnectionId,
    schedule: &ScheduleId,
) -> Result<Vec<TaskId>> {
    let (number, _) = identify(at, connection).await?;
    let paused: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, fulfilment FROM task WHERE connection = $1 AND kind = $2 AND state = $3 ORDER BY id",
    )
    .bind(number)
    .bind(TaskKind::Fulfil.as_str())
    .bind(TaskState::Paused.as_str())
    .fetch_all(&mut *at)
    .await
    .map_err(fault)?;
    let mut released = Vec::new();
    for (id, fulfilment) in paused {
        let fulfilment: Fulfilment = from_json("fulfilment", &fulfilment)?;
        // Somebody else paused it, and resumes it.
        if fulfilment.start != Start::Scheduled {
            continue;
        }
        sqlx::query("UPDATE task SET state = $2, schedule = $3 WHERE id = $1")
            .bind(&id)
            .bind(TaskState::Queued.as_str())
            .bind(schedule.as_str())
            .execute(&mut *at)
            .await
            .map_err(fault)?;
        let id = parsed("task id", &id)?;
        begin_now(at, id).await?;
        released.push(id);
    }
    Ok(released)
}

/// The orders of a task wait for no schedule any more, inside a transaction: not when they are paused later either.
pub(super) async fn begin_now(at: &mut SqliteConnection, task: TaskId) -> Result<()> {
    let Some(fulfilment) = read_task(&mut *at, task).await?.fulfilment else { return Ok(()) };
    sqlx::query("UPDATE task SET fulfilment = $2 WHERE id = $1")
        .bind(task.to_string())
        .bind(json(&Fulfilment { start: Start::Now, ..fulfilment })?)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

/// What becomes of the orders of a task that ends: nothing of them is begun any more, and what they said goes. Answers
/// whether the task had any.
pub(super) async fn settle(at: &mut SqliteConnection, task: TaskId, now: i64) -> Result<bool> {
    let fulfilment: bool = sqlx::query_scalar("SELECT fulfilment IS NOT NULL FROM task WHERE id = $1")
        .bind(task.to_string())
        .fetch_one(&mut *at)
        .await
        .map_err(fault)?;
    if !fulfilment {
        return Ok(false);
    }
    abandon(at, task, now).await?;
    let done = sqlx::query(
        "UPDATE task_order SET state = 'skipped', finished = $2, key_id = NULL, sealed = NULL
         WHERE task = $1 AND state = 'pending'",
    )
    .bind(task.to_string())
    .bind(now)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if done.rows_affected() > 0 {
        recount(at, task).await?;
    }
    Ok(true)
}

async fn abandon(at: &mut SqliteConnection, task: TaskId, now: i64) -> Result<()> {
    let error = OrderError {
        kind: FailureKind::OutcomeUnknown.as_str().to_owned(),
        message: "the host stopped while it carried this out; look at the target before ordering it again".to_owned(),
        effect: Effect::Unknown.as_str().to_owned(),
        attributes: Vec::new(),
        code: None,
    };
    let outcome = OrderOutcome { error: Some(error), ..OrderOutcome::default() };
    let done = sqlx::query(
        "UPDATE task_order SET state = 'outcome-unknown', outcome = $2, finished = $3, key_id = NULL, sealed = NULL
         WHERE task = $1 AND state = 'running'",
    )
    .bind(task.to_string())
    .bind(json(&outcome)?)
    .bind(now)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if done.rows_affected() > 0 { recount(at, task).await } else { Ok(()) }
}

async fn insert(at: &mut SqliteConnection, task: TaskId, number: i64, order: &NewOrder) -> Result<()> {
    sqlx::query(
        "INSERT INTO task_order (task, number, order_key, kind, class, owner, state, key_id, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)",
    )
    .bind(task.to_string())
    .bind(number)
    .bind(&order.key)
    .bind(order.kind.as_str())
    .bind(&order.class)
    .bind(&order.owner)
    .bind(&order.sealed.key_id)
    .bind(&order.sealed.bytes)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

/// Skips orders that nobody can open any more, inside a transaction; how many. What came of one that had begun stays
/// unknown.
pub(super) async fn forget_orders(at: &mut SqliteConnection, key_id: &str, now: i64) -> Result<u64> {
    let tasks: Vec<String> = sqlx::query_scalar("SELECT DISTINCT task FROM task_order WHERE key_id = $1")
        .bind(key_id)
        .fetch_all(&mut *at)
        .await
        .map_err(fault)?;
    let mut count = 0;
    for task in tasks {
        let task = parsed("task id", &task)?;
        abandon(&mut *at, task, now).await?;
        let done = sqlx::query(
            "UPDATE task_order SET state = 'skipped', finished = $3, key_id = NULL, sealed = NULL
             WHERE task = $1 AND key_id = $2",
        )
        .bind(task.to_string())
        .bind(key_id)
        .bind(now)
        .execute(&mut *at)
        .await
        .map_err(fault)?;
        count += done.rows_affected();
        recount(&mut *at, task).await?;
    }
    Ok(count)
}

/// Counts the orders of a task anew, where whoever looks at the task sees it.
async fn recount(at: &mut SqliteConnection, task: TaskId) -> Result<()> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT kind, state, COUNT(*) FROM task_order WHERE task = $1 GROUP BY kind, state")
            .bind(task.to_string())
            .fetch_all(&mut *at)
            .await
            .map_err(fault)?;
    let mut counts = OrderCounts::default();
    for (kind, state, orders) in rows {
        *counted(&mut counts, word("order", kind)?, word("order state", state)?) += count(orders);
    }
    sqlx::query("UPDATE task SET orders = $2 WHERE id = $1")
        .bind(task.to_string())
        .bind(json(&counts)?)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

fn counted(counts: &mut OrderCounts, kind: OrderKind, state: OrderState) -> &mut u64 {
    match (state, kind) {
        (OrderState::Pending, _) => &mut counts.pending,
        (OrderState::Running, _) => &mut counts.running,
        (OrderState::Succeeded, OrderKind::Created) => &mut counts.created,
        (OrderState::Succeeded, OrderKind::Modified) => &mut counts.modified,
        (OrderState::Succeeded, OrderKind::Deleted) => &mut counts.deleted,
        (OrderState::Failed, _) => &mut counts.failed,
        (OrderState::Skipped, _) => &mut counts.skipped,
        (OrderState::OutcomeUnknown, _) => &mut counts.outcome_unknown,
    }
}

fn require_one(task: TaskId, number: i64, rows: u64) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    let message = format!("the order {number} of the task {task} is not where it should be");
    Err(Error::failure(FailureKind::Conflict, message))
}

fn order(row: &SqliteRow) -> Result<OrderStatus> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let maybe_text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(fault);
    let time = |column: &str| row.try_get::<Option<i64>, _>(column).map_err(fault).and_then(maybe_instant);
    Ok(OrderStatus {
        number: row.try_get("number").map_err(fault)?,
        key: maybe_text("order_key")?,
        kind: word("order", text("kind")?)?,
        class: text("class")?,
        owner: maybe_text("owner")?,
        state: word("order state", text("state")?)?,
        started: time("started")?,
        finished: time("finished")?,
        outcome: maybe_text("outcome")?.map(|json| from_json("outcome of an order", &json)).transpose()?,
    })
}
