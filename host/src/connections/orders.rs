//! Provisioning orders: carried out by the same functions as what callers of the API do one at a time, and sealed for as
//! long as they wait.

use zeroize::Zeroizing;

use super::{Connections, ObjectDraft, ObjectPatch};
use crate::model::order::Step;
use crate::model::{ConnectionId, Error, FailureKind, Order, Outcome, RequestContext, Result, TaskId};
use crate::runtime::Called;
use crate::store::{NewOrder, SealedOrder};

impl Connections {
    /// Carries an order out.
    pub async fn carry_out(&self, rc: &RequestContext, id: &ConnectionId, order: Order) -> Called<Outcome> {
        let class = order.class;
        match order.step {
            Step::Create { name, container, attributes } => {
                self.create_object(rc, id, &class, ObjectDraft { name, container, attributes }).await
            }
            Step::Update { uid, name, container, changes, revision } => {
                let patch = ObjectPatch { name, container, changes };
                self.update_object(rc, id, &class, &uid, patch, revision).await
            }
            Step::Delete { uid, revision } => self.delete_object(rc, id, &class, &uid, revision).await,
        }
    }

    /// An order as it waits in the store.
    ///
    /// # Errors
    /// `internal` if it cannot be written as JSON or sealed.
    pub fn seal_order(&self, task: TaskId, number: i64, order: &Order) -> Result<NewOrder> {
        let text = serde_json::to_vec(order).map_err(|why| Error::internal(why.to_string()))?;
        Ok(NewOrder {
            key: order.key.clone(),
            kind: order.kind(),
            class: order.class.to_string(),
            owner: order.owner.clone(),
            sealed: self.vault.seal_order(task, number, Zeroizing::new(text))?,
        })
    }

    /// Back from the store.
    ///
    /// # Errors
    /// `configuration` if it was sealed by a key that is gone, or is another order's.
    pub fn open_order(&self, task: TaskId, number: i64, sealed: &SealedOrder) -> Result<Order> {
        let refused = |_| {
            let message = "the order cannot be opened: the vault's key that sealed it is gone, or somebody changed the \
                           database; order it again";
            Error::failure(FailureKind::Configuration, message)
        };
        let text = self.vault.open_order(task, number, sealed).ok_or(()).map_err(refused)?;
        serde_json::from_slice(&text).map_err(|_| refused(()))
    }
}
