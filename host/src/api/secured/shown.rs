//! What is shown of a secured option: what is declared, and who set what, when and from where; never a value.

use serde::Serialize;
use utoipa::ToSchema;

use crate::connections::SecuredOption;
use crate::model::{SecuredStatus, Unread};

/// A secured option as its connector declares it, and what is set of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecuredOption)]
pub(super) struct SecuredView {
    name: String,
    /// `field` or `map`.
    kind: &'static str,
    label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    /// Calls are refused while it is not set.
    required: bool,
    /// What a connector may do with it: `bind`, `send`, `token`, `client-key` or `sign`.
    r#use: &'static str,
    /// What is set: at most a value and a reference of a field, and of each entry of a map.
    set: Vec<StatusView>,
    /// It is set and cannot be used any more, because where it goes was changed: enter it again.
    needs_entry: bool,
}

/// What may be known of a value or a reference.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecuredStatus)]
struct StatusView {
    /// The key in a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Where it comes from: `stored` in the host, `env` or `file`; `unknown` for a reference whose row was changed.
    source: &'static str,
    /// The reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Equal for equal values of the same option or entry, until the host's key is rotated. Of a reference: that of the
    /// value it led to last.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    set_at: jiff::Timestamp,
    /// The token's name.
    set_by: String,
    /// When a value was last found where the reference points, while this host runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<jiff::Timestamp>,
    /// The last reading found none; calls are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<FailedView>,
}

/// Why a reference leads to no value.
#[derive(Serialize, ToSchema)]
#[schema(as = SecuredFailure)]
struct FailedView {
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// `not-allowed`, `missing`, `not-a-file`, `unreadable`, `empty` or `too-long`.
    kind: &'static str,
    message: String,
}

impl From<SecuredOption> for SecuredView {
    fn from(option: SecuredOption) -> Self {
        let declared = option.declaration;
        Self {
            name: declared.name.into(),
            kind: declared.kind.as_str(),
            label: declared.label,
            help: declared.help,
            required: declared.required,
            r#use: declared.usage.as_str(),
            set: option.set.into_iter().map(StatusView::from).collect(),
            needs_entry: option.needs_entry,
        }
    }
}

impl From<SecuredStatus> for StatusView {
    fn from(status: SecuredStatus) -> Self {
        let SecuredStatus { entry, fingerprint, set_at, set_by, reference } = status;
        let from = reference.as_ref().and_then(|reference| reference.from.as_ref());
        let source = match &reference {
            None => "stored",
            Some(_) => from.map_or("unknown", |from| from.source().as_str()),
        };
        let failed = |(at, why): (jiff::Timestamp, Unread)| {
            Some(FailedView { at, kind: why.as_str(), message: why.told(from?) })
        };
        Self {
            key: entry,
            source,
            from: from.map(ToString::to_string),
            fingerprint,
            set_at,
            set_by,
            read_at: reference.as_ref().and_then(|reference| reference.read_at),
            failed: reference.as_ref().and_then(|reference| reference.failed).and_then(failed),
        }
    }
}
