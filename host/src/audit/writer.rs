//! The one task that appends. It has the end of the chain in memory, and whatever waits when it is free to write goes to
//! the disk together: one statement, one sync (decision 0012). Rows stand in the order in which they were handed over.
//!
//! A commit that fails is the failure of its rows and of no other: where the chain ends then is read from the file, which
//! alone knows whether the commit happened although it was reported to have failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::chain::{self, End, Row};
use crate::model::{Error, ErrorKind, FailureKind, Result};

/// The most rows of one commit.
const ROWS_MAX: usize = 64;
/// Orders that wait for the writer before whoever brings more has to wait, too.
const ORDERS_MAX: usize = 1024;
/// How long a row stays in memory that nobody waits for.
const LINGER: Duration = Duration::from_millis(2);

/// Where rows are handed over; clones lead to the same writer.
#[derive(Clone, Debug)]
pub(super) struct Orders(mpsc::Sender<Order>);

/// The number of a row: zero until it is written. Only the writer changes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Number(Arc<AtomicI64>);

#[derive(Debug)]
enum Order {
    Append(Waiting),
    /// Somebody waits for what was handed over before.
    Hurry,
    /// Nothing comes after this.
    Close,
}

/// A row on its way.
#[derive(Debug)]
struct Waiting {
    row: Row,
    /// Of an outcome: its begin row.
    begun: Option<Number>,
    number: Number,
    written: Written,
}

/// Whom to tell that a row is written.
type Written = oneshot::Sender<Result<()>>;

struct Writer {
    connection: PoolConnection<Sqlite>,
    /// None until it is read from the file again.
    end: Option<End>,
    orders: mpsc::Receiver<Order>,
}

/// Starts the writer; it ends with the last of its orders, or when it is closed.
pub(super) async fn start(mut connection: PoolConnection<Sqlite>) -> Result<Orders> {
    let end = chain::end(&mut connection).await?;
    let (sender, orders) = mpsc::channel(ORDERS_MAX);
    tokio::spawn(Writer { connection, end: Some(end), orders }.run());
    Ok(Orders(sender))
}

impl Orders {
    /// Hands a begin row over. It is written when somebody waits for what is returned, or soon.
    pub(super) async fn begin(&self, row: Row, number: Number) -> Result<impl Future<Output = Result<()>> + use<>> {
        let mut written = self.append(row, None, number).await?;
        let orders = self.0.clone();
        Ok(async move {
            if let Ok(written) = written.try_recv() {
                return written;
            }
            orders.send(Order::Hurry).await.map_err(|_| closed())?;
            written.await.map_err(|_| closed())?
        })
    }

    /// Writes the outcome of what has that number.
    pub(super) async fn finish(&self, row: Row, begun: Number) -> Result<()> {
        let written = self.append(row, Some(begun), Number::default()).await?;
        written.await.map_err(|_| closed())?
    }

    /// Lets the writer end once it has written what was handed over before.
    pub(super) async fn close(&self) {
        drop(self.0.send(Order::Close).await);
    }

    async fn append(&self, row: Row, begun: Option<Number>, number: Number) -> Result<oneshot::Receiver<Result<()>>> {
        let (written, told) = oneshot::channel();
        self.0.send(Order::Append(Waiting { row, begun, number, written })).await.map_err(|_| closed())?;
        Ok(told)
    }
}

impl Number {
    /// That of a row that is written.
    pub(super) fn of(seq: i64) -> Self {
        Self(Arc::new(AtomicI64::new(seq)))
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, seq: i64) {
        self.0.store(seq, Ordering::Release);
    }
}

impl Writer {
    async fn run(mut self) {
        while let Some(rows) = self.gather().await {
            self.write(rows).await;
        }
    }

    /// What is to be written next: at least what somebody waits for. None once nobody can hand over more.
    async fn gather(&mut self) -> Option<Vec<Waiting>> {
        let (first, mut rows) = (self.orders.recv().await?, Vec::new());
        let mut hurry = self.take(first, &mut rows);
        let end = Instant::now() + LINGER;
        while !hurry && rows.len() < ROWS_MAX {
            let Ok(Some(order)) = timeout_at(end, self.orders.recv()).await else { break };
            hurry = self.take(order, &mut rows);
        }
        while rows.len() < ROWS_MAX
            && let Ok(order) = self.orders.try_recv()
        {
            self.take(order, &mut rows);
        }
        Some(rows)
    }

    /// Is somebody waiting? An outcome is waited for as soon as it is there.
    fn take(&mut self, order: Order, rows: &mut Vec<Waiting>) -> bool {
        match order {
            Order::Append(waiting) => {
                let is_outcome = waiting.begun.is_some();
                rows.push(waiting);
                return is_outcome;
            }
            Order::Hurry => {}
            Order::Close => self.orders.close(),
        }
        true
    }

    /// Writes rows and tells whoever handed them over.
    async fn write(&mut self, waiting: Vec<Waiting>) {
        let (mut rows, mut told) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
        let done = match self.end().await {
            Ok(end) => {
                let last = number(end, waiting, &mut rows, &mut told);
                self.commit(&rows, last).await
            }
            Err(error) => {
                told.extend(waiting.into_iter().map(|waiting| (waiting.number, waiting.written)));
                Err(error)
            }
        };
        for (number, written) in told {
            if done.is_err() {
                number.set(0);
            }
            drop(written.send(done.clone()));
        }
    }

    /// Where the chain ends.
    async fn end(&mut self) -> Result<End> {
        match self.end {
            Some(end) => Ok(end),
            None => chain::end(&mut self.connection).await,
        }
    }

    /// Appends rows, of which `last` is the end. On an error none of them is in the file.
    async fn commit(&mut self, rows: &[(Row, End)], last: End) -> Result<()> {
        self.end = None;
        let done = chain::append(&mut self.connection, rows).await;
        self.end = match done {
            Ok(()) => Some(last),
            Err(_) => chain::end(&mut self.connection).await.ok(),
        };
        if self.end == Some(last) { Ok(()) } else { done }
    }
}

/// Gives rows their numbers behind `end`, and answers where the chain ends with them. An outcome whose begin row was not
/// written has no place in it.
fn number(mut end: End, waiting: Vec<Waiting>, rows: &mut Vec<(Row, End)>, told: &mut Vec<(Number, Written)>) -> End {
    for Waiting { mut row, begun, number, written } in waiting {
        row.begun = begun.as_ref().map_or(0, Number::get);
        if begun.is_some() && row.begun == 0 {
            drop(written.send(Err(never_began())));
            continue;
        }
        end = end.then(&row);
        number.set(end.seq);
        rows.push((row, end));
        told.push((number, written));
    }
    end
}

fn never_began() -> Error {
    Error::failure(FailureKind::Conflict, "an operation whose begin row is not in the audit trail has no outcome there")
}

fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the audit trail is closed: the host is stopping")
}
