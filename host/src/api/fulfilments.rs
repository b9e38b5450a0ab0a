//! Fulfilments: provisioning orders handed over by the hundred, and what came of each.
//!
//! Orders name a connection, or resource types that bring their own; never both.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as AnyJson, json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::{At, Body};
use super::connections::ConnectionPath;
use super::context::AsCore;
use super::page::{self, Limit, Listed};
use super::problem::Problem;
use super::tasks::{TaskPath, TaskView, accepted};
use crate::mappings::{Purpose, Resources};
use crate::model::json::value_to_json;
use crate::model::order::{
    CONCURRENCY_MAX, ORDER_KEY_BYTES_MAX, ORDERS_MAX, OWNER_BYTES_MAX, OrderError, PartProblem, Step,
};
use crate::model::{
    ClassName, ConnectionId, Error, Fulfilment, MappingId, OnError, Order, OrderKind, OrderState, OrderStatus, Result,
    Start, Uid, Value,
};

/// Why a resource type is not taken together with a connection.
const BRINGS_CONNECTION: &str = "brings its own connection; send the order to /v1/fulfilments, which names none";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(start_mapped)).routes(routes!(orders))
}

/// Orders to carry out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FulfilmentDraft {
    /// 1 to 1000 of them. Those for one object follow each other; others do not wait for them.
    orders: Vec<OrderDraft>,
    /// How many are carried out at the same time, 1 to 32.
    #[serde(default = "concurrency")]
    #[schema(default = 4, minimum = 1, maximum = 32)]
    concurrency: u8,
    /// `continue`, or `stop`: after the first that fails no other is begun.
    #[serde(default)]
    #[schema(value_type = String, default = "continue")]
    on_error: OnError,
    /// `now`, or `scheduled`: the task is paused until a schedule of its connection begins it.
    #[serde(default)]
    #[schema(value_type = String, default = "now")]
    start: Start,
}

/// One provisioning order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderDraft {
    /// The caller's own name of it, 1 to 256 bytes, once in a request.
    id: Option<String>,
    /// `created`, `modified` or `deleted`.
    #[schema(value_type = String)]
    r#type: OrderKind,
    /// The object's class; of an order to a connection.
    #[schema(value_type = Option<String>)]
    class: Option<ClassName>,
    /// The mapping of kind `resource` that says where and how; of an order to no connection.
    #[schema(value_type = Option<String>)]
    resource_type: Option<MappingId>,
    /// Of what is created or modified as a resource type: what the core knows of it, by name, in place of `name`,
    /// `attributes` and `changes`. What is not told stays as it is.
    #[schema(value_type = Option<std::collections::BTreeMap<String, AnyJson>>)]
    properties: Option<Map<String, AnyJson>>,
    /// Of what is modified or deleted.
    #[schema(value_type = Option<String>)]
    uid: Option<Uid>,
    /// Of what is created; a new one of what is modified.
    name: Option<String>,
    /// The uid of the container it is made in or moved to.
    #[schema(value_type = Option<String>)]
    container: Option<Uid>,
    /// Of what is created: lists of values by attribute name.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Vec<AnyJson>>>)]
    attributes: Option<Map<String, AnyJson>>,
    /// Of what is modified: `{"replace": [..]}` (an empty list clears) or `{"add": [..], "remove": [..]}` by name.
    #[schema(value_type = Option<std::collections::BTreeMap<String, AnyJson>>)]
    changes: Option<Map<String, AnyJson>>,
    /// Only if what is modified or deleted still has this revision.
    revision: Option<String>,
    /// Whose it is, in the core's words, at most 512 bytes; kept with its outcome.
    owner: Option<String>,
}

/// The tasks that orders became.
#[derive(Serialize, ToSchema)]
struct Started {
    /// One for each connection, in the order of their first orders.
    tasks: Vec<TaskView>,
}

/// Which orders of a task.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// Only those in this state: `pending`, `running`, `succeeded`, `failed`, `skipped` or `outcome-unknown`.
    #[param(value_type = Option<String>)]
    state: Option<OrderState>,
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A provisioning order and what came of it. What it said is not kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
struct OrderView {
    /// From 1, in the order they came.
    number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `created`, `modified` or `deleted`.
    r#type: &'static str,
    class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// `pending`, `running`, `succeeded`, `failed`, `skipped` or `outcome-unknown`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished: Option<jiff::Timestamp>,
    /// The object's, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Side effects the connector knows of.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    attributes: Map<String, AnyJson>,
    /// Attributes for which the target made a secret; the secret is not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issued: Vec<String>,
    /// The target answers later: the connector's own handle of what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<String>,
    /// Parts that failed although the rest was done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<OrderFailureSchema>)]
    failures: Vec<PartProblem>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderErrorSchema>)]
    error: Option<OrderError>,
}

/// A part of an order that failed.
#[derive(ToSchema)]
#[schema(as = OrderFailure)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct OrderFailureSchema {
    attribute: String,
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

/// Why an order failed.
#[derive(ToSchema)]
#[schema(as = OrderError)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct OrderErrorSchema {
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
    /// What it did to the target: `none`, `some` or `unknown`.
    effect: String,
    /// Attributes to blame.
    attributes: Vec<String>,
    /// The target's own code.
    code: Option<String>,
}

/// Queues provisioning orders, to be carried out some at a time.
///
/// Each has an outcome of its own. The task succeeds if all of them do; else it fails with `partially-applied`.
#[utoipa::path(post, path = "/v1/connections/{id}/fulfilments", operation_id = "start_fulfilment", tag = "tasks",
    params(ConnectionPath), request_body = FulfilmentDraft, responses((status = 202, body = TaskView)))]
async fn start(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    Body(draft): Body<FulfilmentDraft>,
) -> Result<Response, Problem> {
    let fulfilment = draft.fulfilment()?;
    let orders = orders_of(draft.orders, OrderDraft::order)?;
    let entry = act(&rc, "fulfilment.start").on(&path.id).parameter("orders", orders.len());
    let starting = api.tasks.start_fulfilments(&rc, fulfilment, vec![(path.id, orders)]);
    let started = audited(&api, entry, starting).await?.into_iter().next();
    Ok(accepted(started.ok_or_else(|| Error::internal("a fulfilment was started and is no task"))?))
}

/// Queues provisioning orders whose resource types say where and how, a task for each connection.
///
/// All of the tasks are queued or none. Orders of different connections do not wait for each other.
#[utoipa::path(post, path = "/v1/fulfilments", operation_id = "start_mapped_fulfilments", tag = "tasks",
    request_body = FulfilmentDraft, responses((status = 202, body = Started)))]
async fn start_mapped(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    _: At,
    Body(draft): Body<FulfilmentDraft>,
) -> Result<Response, Problem> {
    let fulfilment = draft.fulfilment()?;
    let types = ResourceTypes::of(&api, &draft.orders).await?;
    let orders = orders_of(draft.orders, |draft| draft.mapped(&types))?;
    let entry = act(&rc, "fulfilment.start").parameter("orders", orders.len());
    let starting = api.tasks.start_fulfilments(&rc, fulfilment, by_connection(orders));
    let tasks = audited(&api, entry, starting).await?.into_iter().map(TaskView::from).collect();
    Ok((StatusCode::ACCEPTED, Json(Started { tasks })).into_response())
}

/// Lists the orders of a fulfilment, in the order they came.
#[utoipa::path(get, path = "/v1/tasks/{id}/orders", operation_id = "list_orders", tag = "tasks",
    params(TaskPath, OrdersQuery), responses((status = 200, body = Listed<OrderView>)))]
async fn orders(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<TaskPath, OrdersQuery>,
) -> Result<Json<Listed<OrderView>>, Problem> {
    let after = page::key(query.cursor.as_deref())?;
    let orders = api.tasks.orders(path.id, query.state, after, query.limit.and_one()).await?;
    Ok(Json(Listed::cut(orders, query.limit, |order| order.number, OrderView::from)))
}

fn concurrency() -> u8 {
    Fulfilment::default().concurrency
}

fn bounded(concurrency: u8) -> Result<u8> {
    if (1..=CONCURRENCY_MAX).contains(&concurrency) {
        return Ok(concurrency);
    }
    Err(Error::invalid(format!("concurrency is from 1 to {CONCURRENCY_MAX}")).blaming("concurrency"))
}

/// The resource types that orders name, by identifier in lower case.
struct ResourceTypes(HashMap<String, Resources>);

impl ResourceTypes {
    async fn of(api: &ApiState, drafts: &[OrderDraft]) -> Result<Self> {
        let mut types = HashMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let Some(id) = &draft.resource_type else { continue };
            if let Entry::Vacant(place) = types.entry(id.folded()) {
                let named = |error: Error| error.blaming("resourceType").blaming(format!("orders[{index}]"));
                place.insert(api.mappings.resource(id).await.map_err(named)?);
            }
        }
        Ok(Self(types))
    }
}

/// Orders by connection, as they came.
fn by_connection(orders: Vec<(ConnectionId, Order)>) -> Vec<(ConnectionId, Vec<Order>)> {
    let mut grouped: Vec<(ConnectionId, Vec<Order>)> = Vec::new();
    for (connection, order) in orders {
        match grouped.iter_mut().find(|(known, _)| known.folded() == connection.folded()) {
            Some((_, orders)) => orders.push(order),
            None => grouped.push((connection, vec![order])),
        }
    }
    grouped
}

fn orders_of<T>(drafts: Vec<OrderDraft>, read: impl Fn(OrderDraft) -> Result<T>) -> Result<Vec<T>> {
    if drafts.is_empty() || drafts.len() > ORDERS_MAX {
        let message = format!("a request has 1 to {ORDERS_MAX} orders, and this one {}", drafts.len());
        return Err(Error::invalid(message).blaming("orders"));
    }
    let mut keys = HashSet::new();
    let numbered = drafts.into_iter().enumerate().map(|(index, draft)| {
        if draft.id.as_ref().is_some_and(|id| !keys.insert(id.clone())) {
            return Err(refused("id", "was given to an order before").blaming(format!("orders[{index}]")));
        }
        read(draft).map_err(|error| error.blaming(format!("orders[{index}]")))
    });
    numbered.collect()
}

impl FulfilmentDraft {
    fn fulfilment(&self) -> Result<Fulfilment> {
        Ok(Fulfilment { concurrency: bounded(self.concurrency)?, on_error: self.on_error, start: self.start })
    }
}

impl OrderDraft {
    /// An order to a connection.
    fn order(mut self) -> Result<Order> {
        forbid("resourceType", self.resource_type.is_some(), BRINGS_CONNECTION)?;
        forbid("properties", self.properties.is_some(), "belong to a resource type; give attributes or changes")?;
        check_text("id", self.id.as_deref(), ORDER_KEY_BYTES_MAX)?;
        check_text("owner", self.owner.as_deref(), OWNER_BYTES_MAX)?;
        let (key, owner, class) = (self.id.take(), self.owner.take(), self.class.take());
        let class = class.ok_or_else(|| refused("class", "is missing"))?;
        Ok(Order { key, owner, class, step: self.step()? })
    }

    /// An order as its resource type says, and the connection it is for.
    fn mapped(mut self, types: &ResourceTypes) -> Result<(ConnectionId, Order)> {
        let mapped = "is said by the resource type; give properties";
        forbid("class", self.class.is_some(), mapped)?;
        forbid("name", self.name.is_some(), mapped)?;
        forbid("attributes", self.attributes.is_some(), mapped)?;
        forbid("changes", self.changes.is_some(), mapped)?;
        let id = self.resource_type.take().ok_or_else(|| refused("resourceType", "is missing, and says where"))?;
        let resources = types.0.get(&id.folded()).ok_or_else(|| refused("resourceType", "is unknown"))?;
        let told = self.properties.take();
        match self.r#type {
            OrderKind::Created => {
                let made = resources.make(Purpose::Create, &told.unwrap_or_default())?;
                self.name = made.name;
                self.attributes =
                    Some(made.attributes.iter().map(|(name, values)| (name.to_string(), list(values))).collect());
            }
            OrderKind::Modified => {
                let made = resources.make(Purpose::Update, &told.unwrap_or_default())?;
                self.name = made.name;
                let replaced = |values: &[Value]| json!({"replace": list(values)});
                self.changes =
                    Some(made.attributes.iter().map(|(name, values)| (name.to_string(), replaced(values))).collect());
            }
            OrderKind::Deleted => forbid("properties", told.is_some(), "mean nothing where an object is deleted")?,
        }
        self.class = Some(resources.class().clone());
        Ok((resources.connection().clone(), self.order()?))
    }

    fn step(self) -> Result<Step> {
        let kind = self.r#type;
        let what = format!("means nothing where an object is {}", kind.as_str());
        let forbid = |name: &str, given: bool| forbid(name, given, &what);
        if kind != OrderKind::Modified {
            forbid("changes", self.changes.is_some())?;
        }
        if kind != OrderKind::Created {
            forbid("attributes", self.attributes.is_some())?;
            let uid = self.uid.ok_or_else(|| refused("uid", "is missing"))?;
            if kind == OrderKind::Modified {
                let (name, container, changes) = (self.name, self.container, self.changes.unwrap_or_default());
                return Ok(Step::Update { uid, name, container, changes, revision: self.revision });
            }
            forbid("name", self.name.is_some())?;
            forbid("container", self.container.is_some())?;
            return Ok(Step::Delete { uid, revision: self.revision });
        }
        forbid("uid", self.uid.is_some())?;
        forbid("revision", self.revision.is_some())?;
        let name = self.name.ok_or_else(|| refused("name", "is missing"))?;
        Ok(Step::Create { name, container: self.container, attributes: self.attributes.unwrap_or_default() })
    }
}

fn check_text(name: &str, text: Option<&str>, bytes_max: usize) -> Result<()> {
    match text {
        Some(text) if text.is_empty() || text.len() > bytes_max || text.chars().any(char::is_control) => {
            Err(refused(name, &format!("takes 1 to {bytes_max} bytes without control characters")))
        }
        _ => Ok(()),
    }
}

fn forbid(name: &str, given: bool, why: &str) -> Result<()> {
    if given { Err(refused(name, why)) } else { Ok(()) }
}

fn list(values: &[Value]) -> AnyJson {
    values.iter().map(value_to_json).collect()
}

fn refused(name: &str, what: &str) -> Error {
    Error::invalid(format!("{name} {what}")).blaming(name)
}

impl From<OrderStatus> for OrderView {
    fn from(order: OrderStatus) -> Self {
        let outcome = order.outcome.unwrap_or_default();
        Self {
            number: order.number,
            id: order.key,
            r#type: order.kind.as_str(),
            class: order.class,
            owner: order.owner,
            state: order.state.as_str(),
            started: order.started,
            finished: order.finished,
            uid: outcome.uid,
            name: outcome.name,
            revision: outcome.revision,
            attributes: outcome.attributes,
            issued: outcome.issued,
            pending: outcome.pending,
            failures: outcome.failures,
            error: outcome.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(body: AnyJson) -> Result<Order> {
        serde_json::from_value::<OrderDraft>(body).unwrap().order()
    }

    fn blamed(body: AnyJson) -> String {
        order(body).err().unwrap().attributes.remove(0)
    }

    #[test]
    fn an_order_that_lacks_something_or_says_too_much_names_it() {
        let class = "account";
        assert_eq!(blamed(json!({"type": "created", "name": "a"})), "class");
        assert_eq!(blamed(json!({"type": "created", "class": class})), "name");
        assert_eq!(blamed(json!({"type": "created", "class": class, "name": "a", "uid": "1"})), "uid");
        assert_eq!(blamed(json!({"type": "created", "class": class, "name": "a", "changes": {}})), "changes");
        assert_eq!(blamed(json!({"type": "modified", "class": class, "changes": {}})), "uid");
        assert_eq!(blamed(json!({"type": "modified", "class": class, "uid": "1", "attributes": {}})), "attributes");
        assert_eq!(blamed(json!({"type": "deleted", "class": class, "uid": "1", "name": "a"})), "name");
        assert_eq!(blamed(json!({"type": "deleted", "class": class, "uid": "1", "owner": ""})), "owner");
    }

    #[test]
    fn a_resource_type_beside_a_connection_is_refused_with_where_it_is_taken() {
        let error = order(json!({"type": "deleted", "resourceType": "ad-user", "uid": "1"})).err().unwrap();
        assert!(error.message.contains("/v1/fulfilments"), "{error}");
        assert_eq!(blamed(json!({"type": "created", "class": "c", "name": "a", "properties": {}})), "properties");
    }

    #[test]
    fn an_id_is_given_once_and_the_faulty_order_is_named_by_its_place() {
        let one = || serde_json::from_value(json!({"id": "a", "type": "deleted", "class": "c", "uid": "1"})).unwrap();
        assert_eq!(orders_of(vec![one(), one()], OrderDraft::order).err().unwrap().attributes, ["id", "orders[1]"]);
        assert_eq!(orders_of(Vec::new(), OrderDraft::order).err().unwrap().attributes, ["orders"]);
    }
}
