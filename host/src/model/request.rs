//! Who asks: the first parameter of everything below the edge.

use super::gate::Gate;
use super::id::RequestId;
use jiff::Timestamp;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Run operations on connections.
    Core,
    /// Everything else as well: load connectors, configure connections, approve what they may reach.
    Operator,
}

impl Role {
    /// The spelling in the store, the API and the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Operator => "operator",
        }
    }
}

/// The holder of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name, never the token.
    pub name: String,
    pub role: Role,
}

/// One request, from the edge down.
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub caller: Caller,
    pub id: RequestId,
    /// When the caller stops waiting.
    pub deadline: Timestamp,
    /// The same for every attempt of one operation.
    pub idempotency_key: Option<String>,
    /// Shut while a call of it is not yet in the audit trail.
    pub gate: Gate,
}
