//! The words of the house: typed ids, values, objects, changes, filters, schema, pages, secrets, errors and who asks.
//!
//! Invariant: no IO, no HTTP, no SQL in here, and nothing waits but the [`gate`]. Types that cross to guests derive wasmtime's `Lift` and
//! `Lower` right here (see [`contract`]), so that a page of rows reaches the store without being copied into a second
//! set of types.

pub mod change;
pub mod connection;
pub mod contract;
pub mod delta;
pub mod digest;
pub mod entitlement;
pub mod error;
pub mod expression;
pub mod failure;
pub mod feed;
pub mod filter;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod gate;
pub mod host_pattern;
pub mod id;
pub mod interface;
pub mod json;
pub mod mapping;
pub mod object;
pub mod order;
pub mod output;
pub mod page;
pub mod permission;
pub mod placement;
pub mod probe;
pub mod protocol;
pub mod provision;
pub mod request;
pub mod schedule;
pub mod schema;
pub mod secret;
pub mod secret_reference;
pub mod secured;
pub mod sending;
pub mod switches;
pub mod table;
pub mod task;
pub mod text;
pub mod url_path;
pub mod value;

pub use change::{AttributeChange, Change, Edit};
pub use connection::{
    Access, Connection, Destination, Directory, SchemaFailure, SchemaSnapshot, SchemaStatus, Stored, System, Thresholds,
};
pub use delta::{ChangeKind, Position, PublishedChange};
pub use digest::{Digest, KeyId};
pub use entitlement::{Assignment, AssignmentPage, GrantOutcome, Granted, RevokeOutcome};
pub use error::{Error, ErrorKind, Result};
pub use expression::{DateFormat, Expression, Literal, Origin, Step};
pub use failure::{Effect, Failure, FailureKind};
pub use feed::{ClassAttributes, ClassRow, Delta, Deltas, Gone, Renamed, Unfit};
pub use filter::Filter;
pub use gate::Gate;
pub use host_pattern::HostPattern;
pub use id::{
    AttributeName, ClassName, ConnectionId, ConnectorName, DestinationName, DirectoryName, MappingId, MethodName,
    OptionName, OutputPlace, PlaceName, PropertyName, PublisherName, RequestId, ScheduleId, SlotName, SystemId, TaskId,
    TokenName, Uid,
};
pub use interface::{Export, Import};
pub use mapping::{
    AssociationMapping, CorrelationRule, End, EntityMapping, KeptMapping, Mapping, MappingWarning, Match, Property,
    PropertyKind, ResourceMapping, SourceTable, TargetAttribute,
};
pub use object::{Attribute, Edge, Key, ObjectRef, Reference, Row};
pub use order::{Fulfilment, OnError, Order, OrderCounts, OrderKind, OrderOutcome, OrderState, OrderStatus, Start};
pub use output::{Output, OutputFormat};
pub use page::{EdgePage, ListRequest, Page, Rejected};
pub use permission::{AddressRange, CredentialUse, Permission, Permissions};
pub use placement::Placement;
pub use probe::{Aspect, Choice, Finding};
pub use protocol::Protocol;
pub use provision::{NewObject, Outcome, PartFailure, SecretAttribute, Update, Written};
pub use request::{Caller, RequestContext, Role};
pub use schedule::{Schedule, ScheduleNote, ScheduleStatus, Timing, Work};
pub use schema::{AttributeInfo, ClassInfo, ClassKind, Matching, Schema, Syntax};
pub use secret::Secret;
pub use secret_reference::{SecretReference, Source, Unread};
pub use secured::{EntryKey, Given, Layer, ReferenceStatus, Secured, SecuredStatus};
pub use sending::Sending;
pub use switches::{Switches, SwitchesChange};
pub use table::{ColumnKind, Command, StrayLink, TableCell, TableColumn, TableEntry, TableName, TableRow, TableSuffix};
pub use task::{Asked, Counts, ImportMode, Progress, Task, TaskError, TaskKind, TaskState};
pub use url_path::UrlPath;
pub use value::{Cell, Part, Scalar, Value};
