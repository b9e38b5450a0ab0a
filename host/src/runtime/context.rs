//! Everything one guest call may use, resolved beforehand. Plain data: a call never asks the host for more than stands
//! in here, and there is no call without one.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::credentials::Credentials;
use super::limits::CallLimits;
use super::web::Web;
use crate::egress::rules::Route;
use crate::model::{
    ConnectionId, ConnectorName, Directory, DirectoryName, Gate, OptionName, Permission, Permissions, RequestId, Value,
};

/// What one call may use. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Who asked, as the guest and the log see it.
    pub request: RequestId,
    /// The same for every attempt of one operation.
    pub idempotency_key: Option<String>,
    pub connection: ConnectionId,
    pub connector: ConnectorName,
    pub version: semver::Version,
    /// Loaded without a signature.
    pub development: bool,
    /// Checked against the manifest, defaults filled in.
    pub options: Arc<BTreeMap<OptionName, Vec<Value>>>,
    /// What the manifest requests and an operator approved for this connection.
    pub permissions: Arc<Permissions>,
    /// Permitted directories under the names the guest uses.
    pub directories: Arc<BTreeMap<DirectoryName, Directory>>,
    /// The destinations, whether permitted or not; the gate asks each time.
    pub routes: Arc<[Arc<Route>]>,
    /// What of secrets is written into requests, whether permitted or not.
    pub web: Arc<Web>,
    /// The secured options, whether permitted or not; each use asks [`Self::permits`].
    pub credentials: Arc<Credentials>,
    pub limits: CallLimits,
    /// When the caller stops waiting. Pages of an open listing have their own deadline ([`CallLimits::page`]).
    pub deadline: Timestamp,
    /// To be passed before the first use of a permission.
    pub gate: Gate,
}

impl CallContext {
    /// What serves it, for people.
    pub(super) fn release(&self) -> String {
        let unsigned = if self.development { " UNSIGNED" } else { "" };
        format!("{} {}{unsigned}", self.connector, self.version)
    }

    /// Was this approved?
    pub fn permits(&self, wanted: &Permission) -> bool {
        self.permissions.iter().any(|approved| approved.covers(wanted))
    }
}
