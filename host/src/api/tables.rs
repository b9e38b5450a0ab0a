//! Connection tables: what there is, and their rows as CSV, Parquet or NDJSON.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::Mutex;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::connections::ConnectionPath;
use super::context::AsCore;
use super::ndjson::{self, Lines, NDJSON};
use super::problem::Problem;
use crate::model::id::InvalidId;
use crate::model::{ColumnKind, ConnectionId, Error, Position, Result, TableColumn, TableName, TableSuffix};
use crate::store::SetAside;
use crate::tables::{Aside, Counted, Download, Format, Listing};

/// Up to which position an answer is complete: where to go on from once it is read to its end.
const POSITION: HeaderName = HeaderName::from_static("hawser-position");
const CSV: &str = "text/csv";
const PARQUET: &str = "application/vnd.apache.parquet";
/// The path of a table that has no suffix.
const NO_SUFFIX: &str = "-";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(rows)).routes(routes!(set_aside))
}

/// Which table.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct TablePath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// What follows the underscore in the table's name, without regard to case; `-` where nothing does.
    #[param(value_type = String)]
    suffix: AnySuffix,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct AnySuffix(Option<TableSuffix>);

/// Which rows, and as what.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[into_params(parameter_in = Query, rename_all = "kebab-case")]
struct RowsQuery {
    /// `csv`, `parquet` or `ndjson`; else the header `Accept` chooses, and CSV where that says nothing.
    #[param(value_type = Option<String>)]
    format: Option<Wanted>,
    /// Only what changed after this position, once a row, with a column `command`.
    #[param(value_type = Option<u64>)]
    since: Option<Since>,
    /// CSV: a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets a `'` before it.
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    escape_formulas: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    Csv,
    Parquet,
    Ndjson,
}

/// A position that a caller names.
#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct Since(Position);

/// The tables of a connection.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TableList {
    /// Why there is less to see than there might be, e.g. that there is no schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    /// The run that is counted; missing before the first import.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<i64>,
    /// Up to which position the counts are.
    position: i64,
    items: Vec<TableView>,
}

/// One table.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Table)]
struct TableView {
    /// `<connection>_<suffix>`.
    #[schema(value_type = String)]
    name: TableName,
    /// Missing where the connection has one table and that bears its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    suffix: Option<TableSuffix>,
    columns: Vec<ColumnView>,
    /// Missing before the first import, and where all objects would have to be read to count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// Records that are not in the table, see `set-aside`; missing where `rows` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_aside: Option<u64>,
}

/// One column.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TableColumn)]
struct ColumnView {
    /// The host's own begin with a colon.
    name: String,
    /// `text`, `integer`, `real`, `boolean`, `instant`, `date`, `binary` or `json`.
    #[schema(value_type = String)]
    kind: ColumnKind,
    /// Its cells are lists.
    multi_valued: bool,
    /// The attribute or parameter it shows; missing for the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
}

/// A record that is not in a table.
#[derive(Serialize, ToSchema)]
#[schema(as = TableRecord)]
struct RecordView {
    /// What identifies the record; of a link its ends.
    record: String,
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

/// Lists the tables that imports of a connection offer: before the first one, from its schema.
#[utoipa::path(get, path = "/v1/connections/{id}/tables", operation_id = "list_tables", tag = "tables",
    params(ConnectionPath), responses((status = 200, body = TableList)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Json<TableList>, Problem> {
    let Listing { notice, run, position, tables } = api.tables.list(&path.id).await?;
    let items = tables.into_iter().map(TableView::from).collect();
    Ok(Json(TableList { notice, run, position: position.0, items }))
}

/// Shows one table: its columns, and how much is in it.
#[utoipa::path(get, path = "/v1/connections/{id}/tables/{suffix}", operation_id = "show_table", tag = "tables",
    params(TablePath), responses((status = 200, body = TableView)))]
async fn show(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TablePath>,
) -> Result<Json<TableView>, Problem> {
    Ok(Json(api.tables.table(&path.id, path.suffix.0.as_ref()).await?.into()))
}

/// Streams the rows of a table as of the run published last, whatever is published meanwhile. An answer that was read
/// to its end is complete up to the position its header `Hawser-Position` says.
#[utoipa::path(get, path = "/v1/connections/{id}/tables/{suffix}/rows", operation_id = "stream_table", tag = "tables",
    params(TablePath, RowsQuery),
    responses((status = 200, description = "the rows", content(("text/csv"), ("application/vnd.apache.parquet"),
        ("application/x-ndjson")), headers(("hawser-position" = i64, description = "where to go on from")))))]
async fn rows(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<TablePath, RowsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = query.format.map_or_else(|| accepted(&headers), Ok)?;
    if query.escape_formulas && wanted != Wanted::Csv {
        let message = "escape-formulas is for CSV only; leave it out, or ask for format=csv";
        return Err(Error::invalid(message).blaming("escape-formulas").into());
    }
    let format = match wanted {
        Wanted::Csv => Format::Csv { escape: query.escape_formulas },
        Wanted::Parquet => Format::Parquet,
        Wanted::Ndjson => Format::Ndjson,
    };
    let reading = api.tables.open(&path.name(), query.since.map(|since| since.0)).await?;
    let file = format!("attachment; filename=\"{}.{}\"", reading.view().name, format.extension());
    let download = Download::begin(reading, format).await?;
    let position = HeaderValue::from(download.position().0);
    let disposition = HeaderValue::try_from(file).map_err(|why| Error::internal(why.to_string()))?;
    let kind = HeaderValue::from_static(wanted.media_type());
    let head = [(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition), (POSITION, position)];
    Ok((head, Body::from_stream(pieces(download))).into_response())
}

/// Streams what is set aside of a table: records that could not be read or came twice, and links of which an end is not
/// known.
#[utoipa::path(get, path = "/v1/connections/{id}/tables/{suffix}/set-aside", operation_id = "stream_table_set_aside",
    tag = "tables", params(TablePath),
    responses((status = 200, body = RecordView, content_type = "application/x-ndjson")))]
async fn set_aside(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TablePath>,
) -> Result<Response, Problem> {
    let aside = Arc::new(Mutex::new(api.tables.set_aside(&path.name()).await?));
    let page = move |()| {
        let aside = Arc::clone(&aside);
        async move { records(&mut *aside.lock().await).await }
    };
    Ok(ndjson::stream((), page).await?)
}

async fn records(aside: &mut Aside) -> Result<Lines<()>> {
    let found = aside.next().await?;
    let more = found.is_some().then_some(());
    let view = |SetAside { key: record, kind, message }| RecordView { record, kind, message };
    let views: Vec<RecordView> = found.unwrap_or_default().into_iter().map(view).collect();
    Lines::of(&views, more, |view, text| ndjson::line(view, None, text))
}

/// A fault cuts the answer: a reader that saw its end has everything.
fn pieces(download: Download) -> impl futures_util::Stream<Item = Result<Vec<u8>>> {
    stream::try_unfold(download, async |mut download| {
        let next = download.next().await.inspect_err(|error| tracing::error!(%error, "a table was cut short"))?;
        Ok(next.map(|piece| (piece, download)))
    })
}

/// The first media type of the header that is one of ours.
fn accepted(headers: &HeaderMap) -> Result<Wanted> {
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut types =
        values.iter().flat_map(|value| value.split(',')).filter_map(|part| part.split(';').next()).peekable();
    if types.peek().is_none() {
        return Ok(Wanted::Csv);
    }
    let known = types.find_map(|name| match name.trim() {
        CSV | "text/*" | "*/*" => Some(Wanted::Csv),
        PARQUET | "application/*" => Some(Wanted::Parquet),
        NDJSON => Some(Wanted::Ndjson),
        _ => None,
    });
    known.ok_or_else(|| {
        Error::invalid(format!("Accept names none of {CSV}, {PARQUET} and {NDJSON}; name one, or say format=csv"))
            .blaming("accept")
    })
}

impl Wanted {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => PARQUET,
            Self::Ndjson => NDJSON,
        }
    }
}

impl TablePath {
    fn name(self) -> TableName {
        TableName { connection: self.id, suffix: self.suffix.0 }
    }
}

impl TryFrom<String> for AnySuffix {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        if text == NO_SUFFIX { Ok(Self(None)) } else { TableSuffix::from_str(&text).map(|suffix| Self(Some(suffix))) }
    }
}

impl TryFrom<u64> for Since {
    type Error = String;

    fn try_from(position: u64) -> Result<Self, String> {
        let beyond = |_| format!("since is {position}, which no position ever is");
        i64::try_from(position).map(|position| Self(Position(position))).map_err(beyond)
    }
}

impl From<Counted> for TableView {
    fn from(Counted { view, rows, set_aside }: Counted) -> Self {
        let columns = view.columns.iter().cloned().map(ColumnView::from).collect();
        Self { suffix: view.name.suffix.clone(), name: view.name.clone(), columns, rows, set_aside }
    }
}

impl From<TableColumn> for ColumnView {
    fn from(TableColumn { name, kind, multi_valued, attribute }: TableColumn) -> Self {
        Self { name, kind, multi_valued, attribute }
    }
}
