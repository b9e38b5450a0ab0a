//! Writing down what has happened: an outcome cannot be taken back because a database is locked or its disk is full, so
//! it waits until that is over.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::{ErrorKind, Result};

/// The wait after the first attempt; it doubles with each.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between attempts.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Writes, again and again while the host cannot do it right now. The log says `what` waits.
///
/// # Errors
/// Those of the last attempt: it was refused for good, or the host stops.
pub(crate) async fn persist<T, W>(stop: &CancellationToken, what: &str, write: impl Fn() -> W) -> Result<T>
where
    W: Future<Output = Result<T>>,
{
    let mut pause = PAUSE_FIRST;
    loop {
        let error = match write().await {
            Err(error) if error.kind == ErrorKind::Unavailable => error,
            ended => return ended,
        };
        tracing::error!(what, %error, detail = error.detail, pause_ms = pause.as_millis(), "cannot be written down yet");
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Err(error);
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::model::Error;

    fn busy() -> Error {
        Error::new(ErrorKind::Unavailable, "locked")
    }

    #[tokio::test]
    async fn what_cannot_be_written_now_is_written_later() {
        let attempts = Cell::new(0);
        let write = async || {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 2 { Err(busy()) } else { Ok(attempts.get()) }
        };
        assert_eq!(persist(&CancellationToken::new(), "it", write).await, Ok(2));
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_a_stopping_host_does_not_wait() {
        let refused = persist::<(), _>(&CancellationToken::new(), "it", async || Err(Error::invalid("no"))).await;
        assert_eq!(refused, Err(Error::invalid("no")));
        let stopped = CancellationToken::new();
        stopped.cancel();
        assert_eq!(persist::<(), _>(&stopped, "it", async || Err(busy())).await, Err(busy()));
    }
}
