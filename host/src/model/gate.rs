//! What holds a guest back from the world until its call has been written down.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use super::error::{Error, Result};

/// A gate that is open until somebody makes it wait; clones are the same gate.
///
/// The edge holds it before it lets a guest begin; whatever uses a permission on the guest's behalf passes it first.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<OnceLock<Shared<BoxFuture<'static, Result<()>>>>>);

impl Gate {
    /// Keeps it shut until `opening` succeeds, and for ever if it fails; `opening` is not polled before somebody wants to
    /// pass.
    ///
    /// # Errors
    /// `internal` if it was held before: whoever passed then would not wait for this.
    pub fn hold(&self, opening: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        let held = self.0.set(opening.boxed().shared());
        held.map_err(|_| Error::internal("a gate is held once: a request has one audited call"))
    }

    /// Can everybody pass at once?
    pub fn is_open(&self) -> bool {
        self.0.get().is_none_or(|opening| opening.peek() == Some(&Ok(())))
    }

    /// Waits until it opens.
    ///
    /// # Errors
    /// Those of what opens it: it stays shut.
    pub async fn pass(&self) -> Result<()> {
        match self.0.get() {
            Some(opening) => opening.clone().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gate_that_did_not_open_lets_nobody_pass_however_often_he_tries() {
        let gate = Gate::default();
        gate.hold(async { Err(Error::internal("no")) }).unwrap();
        assert!(gate.hold(async { Ok(()) }).is_err());
        for _ in 0..2 {
            assert!(!gate.is_open());
            assert_eq!(gate.clone().pass().await, Err(Error::internal("no")));
        }
    }

    #[tokio::test]
    async fn a_gate_is_open_before_it_is_held_and_after_somebody_passed() {
        let gate = Gate::default();
        assert!(gate.is_open());
        gate.hold(async { Ok(()) }).unwrap();
        assert!(!gate.is_open(), "nobody waited for it yet");
        assert_eq!(gate.pass().await, Ok(()));
        assert!(gate.is_open());
    }
}
