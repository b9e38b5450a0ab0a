//! What happened at the target, a line for each thing.

use std::collections::HashMap;

use hawser_sdk::{
    Cell, ClassAttributes, ClassRow, Delta, Edge, Error, Gone, Item, Key, Listing, Reference, Rejected, Renamed,
    Result, Row, Value,
};
use serde_json::Value as Json;

const FILE: &str = "journal.jsonl";

/// The journal, whole.
pub(crate) struct Journal(Vec<String>);

/// An object, or what is told of it; attributes by name.
#[derive(serde::Deserialize)]
pub(crate) struct Told {
    #[serde(default)]
    class: String,
    pub(crate) uid: String,
    name: String,
    #[serde(flatten)]
    cells: HashMap<String, Json>,
}

/// What an attribute means that is not mentioned.
#[derive(Clone, Copy)]
pub(crate) enum Missing {
    Absent,
    Unread,
}

#[derive(serde::Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Happened {
    Upsert(Told),
    Patch(Told),
    Delete {
        class: Option<String>,
        uid: Option<String>,
        name: Option<String>,
    },
    Rename {
        previous: String,
        #[serde(flatten)]
        now: Told,
    },
    Join {
        group: Pointer,
        account: Pointer,
    },
    Leave {
        group: Pointer,
        account: Pointer,
    },
    /// What cannot be read.
    Garble {
        key: String,
    },
    /// The target has forgotten what was here.
    Cut,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pointer {
    Uid(String),
    /// The target does not say of which class.
    Name(String),
}

impl Journal {
    pub(crate) fn read() -> Result<Self> {
        Ok(Self(crate::text(FILE)?.lines().map(str::to_owned).collect()))
    }

    /// The token of what happens from now on.
    pub(crate) fn end(&self) -> Vec<u8> {
        self.0.len().to_string().into_bytes()
    }

    /// What happened since; with `late`, only the end has a token.
    pub(crate) fn since(self, classes: Vec<ClassAttributes>, token: &[u8], late: bool) -> Result<Since> {
        let lost = || Error::resync_required("the journal does not go back that far");
        let at: usize = String::from_utf8_lossy(token).parse().map_err(|_| lost())?;
        if at > self.0.len() {
            return Err(lost());
        }
        let classes = classes.into_iter().map(|asked| (asked.class, asked.attributes)).collect();
        Ok(Since { lines: self.0, at, classes, late })
    }
}

/// What happened since a token.
pub(crate) struct Since {
    lines: Vec<String>,
    at: usize,
    classes: HashMap<String, Vec<String>>,
    late: bool,
}

impl Listing<Delta> for Since {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        let line = self.lines.get(self.at)?;
        self.at += 1;
        let happened = serde_json::from_str(line).map_err(|why| crate::unreadable(FILE, &why));
        Some(happened.and_then(|happened| self.item(happened)))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        let has_one = !self.late || self.at == self.lines.len();
        has_one.then(|| self.at.to_string().into_bytes())
    }
}

impl Since {
    fn item(&self, happened: Happened) -> Result<Item<Delta>> {
        Ok(Item::Found(match happened {
            Happened::Upsert(told) => Delta::Upsert(self.row(told, Missing::Absent)),
            Happened::Patch(told) => Delta::Patch(self.row(told, Missing::Unread)),
            Happened::Delete { class, uid, name } => Delta::Delete(Gone { class, uid, name }),
            Happened::Rename { previous, now } => {
                Delta::Rename(Renamed { previous, now: self.row(now, Missing::Unread) })
            }
            Happened::Join { group, account } => Delta::LinkAdded(edge(group, account)),
            Happened::Leave { group, account } => Delta::LinkRemoved(edge(group, account)),
            Happened::Garble { key } => {
                return Ok(Rejected::new(key, Error::schema_violation("it cannot be read")).into());
            }
            Happened::Cut => return Err(Error::resync_required("the journal was cut")),
        }))
    }

    fn row(&self, told: Told, missing: Missing) -> ClassRow {
        let none = Vec::new();
        let row = told.row(self.classes.get(&told.class).unwrap_or(&none), missing);
        ClassRow { class: told.class, row }
    }
}

impl Told {
    pub(crate) fn row(&self, attributes: &[String], missing: Missing) -> Row {
        let cell = |name: &String| match (self.cells.get(name), missing) {
            (Some(json), _) => cell(name, json),
            (None, Missing::Absent) => Cell::Absent,
            (None, Missing::Unread) => Cell::Unread,
        };
        let cells = attributes.iter().map(cell).collect();
        Row { uid: self.uid.clone(), name: self.name.clone(), revision: None, cells }
    }

    /// The accounts it has as members.
    pub(crate) fn members(&self) -> Vec<Reference> {
        self.cells.get("members").map(references).unwrap_or_default()
    }
}

/// Null is absent, a list has all values, `{"partial": [...]}` some of them.
fn cell(name: &str, json: &Json) -> Cell {
    let references = |json: &Json| references(json).into_iter().map(Value::Reference).collect();
    match json {
        Json::Null => Cell::Absent,
        Json::String(text) => Cell::Text(text.clone()),
        Json::Object(object) => Cell::Partial(object.get("partial").map(references).unwrap_or_default()),
        list if name == "members" => Cell::Many(references(list)),
        other => Cell::Text(other.to_string()),
    }
}

fn references(json: &Json) -> Vec<Reference> {
    let uids = json.as_array().into_iter().flatten().filter_map(Json::as_str);
    uids.map(|uid| Reference::uid("account", uid)).collect()
}

fn edge(group: Pointer, account: Pointer) -> Edge {
    let (owner, mut target) = (group.to("group"), account.to("account"));
    if matches!(target.key, Key::Name(_)) {
        target.class = None;
    }
    Edge { owner, attribute: "members".into(), target, parameters: Vec::new() }
}

impl Pointer {
    fn to(self, class: &str) -> Reference {
        match self {
            Self::Uid(uid) => Reference::uid(class, uid),
            Self::Name(name) => Reference::name(class, name),
        }
    }
}
