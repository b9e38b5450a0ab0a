//! The turn to compute: a guest runs only in its connection's turn, and gives it back whenever it waits for something or
//! gives way, so that politeness starves nobody and waiting holds nobody up.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::ready;

use tokio::sync::Semaphore;
use tokio_util::sync::PollSemaphore;

/// Runs a guest, each time it can go on, in a turn of its own; first come, first served.
pub(super) async fn in_turns<F: Future + Unpin>(turns: &Arc<Semaphore>, mut guest: F) -> F::Output {
    let mut turns = PollSemaphore::new(turns.clone());
    poll_fn(|cx| {
        let turn = ready!(turns.poll_acquire(cx));
        let polled = Pin::new(&mut guest).poll(cx);
        drop(turn);
        polled
    })
    .await
}
