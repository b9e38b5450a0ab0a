//! A connector whose answers cannot be true, as its option `lie` says. Each listing has an honest object besides, which
//! must get through.

mod links;
mod writes;

use hawser_sdk::{
    AttributeInfo, Cell, ClassInfo, ClassKind, Connector, Edge, EdgeRequest, Error, Item, ListRequest, Listing, Object,
    ObjectRef, Record, Rejected, Result, Row, Schema, Source, Syntax,
};

/// A value larger than any that is kept, in bytes.
const GIANT: usize = 10 * 1024 * 1024;
/// Attributes of a class nobody could look at.
const WIDE: usize = 100_000;

#[derive(Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Lie {
    /// NUL characters in a value.
    Nul,
    /// An identifier that reads as another.
    Bidi,
    /// Instants and numbers beyond what can be written down.
    Overflow,
    /// A value of 10 MB.
    Giant,
    /// More cells than were asked for, and fewer.
    Cells,
    /// Another object than the one asked for.
    Foreign,
    /// Objects without end.
    Endless,
    /// The same checkpoint on every page.
    Stuck,
    /// The same uid twice.
    Twins,
    /// A schema with a class twice.
    Classes,
    /// A schema whose class has a name that acts on a terminal.
    Words,
    /// Records that cannot be read, without end.
    Rejects,
    /// Edges about something else, to nobody, with parameters that cannot be.
    Edges,
    /// A schema of 100,000 attributes.
    Wide,
    /// A checkpoint of 10 MB.
    Bookmark,
}

/// The connector.
#[derive(serde::Deserialize)]
pub struct Liar {
    lie: Lie,
}

impl Connector for Liar {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Schema for Liar {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let account = || {
            ClassInfo::new(ClassKind::Account, "account", "Account").attribute(AttributeInfo::new("mail", Syntax::Text))
        };
        Ok(match self.lie {
            Lie::Classes => vec![account(), account()],
            Lie::Wide => {
                vec![(0..WIDE).fold(account(), |class, n| class.attribute(AttributeInfo::text(format!("a{n}"))))]
            }
            Lie::Words => vec![ClassInfo::new(ClassKind::Account, "ac\u{1b}[31mcount\u{202e}", "x")],
            _ => vec![account(), links::group()],
        })
    }
}

impl Source for Liar {
    fn list(self, request: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        Ok(Lies { lie: self.lie, about: request.class, told: 0 })
    }

    fn get(&self, object: &ObjectRef, _: &[String]) -> Result<Record> {
        let uid = if self.lie == Lie::Foreign { "somebody-else" } else { object.uid.as_str() };
        Ok(Object::new(uid, "name").into())
    }

    fn edges(self, request: EdgeRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Edge> + 'static> {
        Ok(links::told(self.lie == Lie::Edges, &request.attribute).into_iter().map(Ok))
    }
}

struct Lies {
    lie: Lie,
    about: String,
    told: u64,
}

impl Listing<Record> for Lies {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.told += 1;
        if self.told == 1 {
            return Some(Ok(Object::new("honest", "honest").set("mail", "honest@example.com").into()));
        }
        let endless = matches!(self.lie, Lie::Endless | Lie::Stuck | Lie::Rejects);
        if self.about == "group" || !endless && self.told > 4 {
            return None;
        }
        Some(Ok(match self.lie {
            Lie::Rejects => Rejected::new(format!("u{}", self.told), Error::conflict("cannot be read")).into(),
            _ => Item::Found(self.record()),
        }))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        match self.lie {
            Lie::Stuck => Some(b"here".to_vec()),
            Lie::Bookmark => Some(vec![b'x'; GIANT]),
            _ => None,
        }
    }
}

impl Lies {
    fn record(&self) -> Record {
        let uid = format!("u{}", self.told);
        let mail = |cell: Cell| Object::new(uid.as_str(), "liar").set("mail", cell).into();
        let row = |cells: usize| {
            Row { uid: uid.clone(), name: "liar".into(), revision: None, cells: vec![Cell::Absent; cells] }.into()
        };
        match (self.lie, self.told) {
            (Lie::Nul, _) => mail(Cell::Text("a\0b".into())),
            (Lie::Bidi, _) => Object::new(format!("admin{}\u{202e}", self.told), "liar").into(),
            (Lie::Overflow, 2) => mail(Cell::Instant(i64::MAX)),
            (Lie::Overflow, 3) => mail(Cell::Date(i32::MIN)),
            (Lie::Overflow, _) => mail(Cell::Real(f64::NAN)),
            (Lie::Giant, _) => mail(Cell::Text("x".repeat(GIANT))),
            (Lie::Cells, 2) => row(0),
            (Lie::Cells, 3) => row(7),
            (Lie::Cells, _) => row(100),
            (Lie::Twins, _) => Object::new("twin", format!("twin {}", self.told)).into(),
            _ => mail(Cell::Text("so far so good".into())),
        }
    }
}

hawser_sdk::export!(Liar: Schema, Source, Provision, Entitlements);
