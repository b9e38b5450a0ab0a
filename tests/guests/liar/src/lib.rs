//! A connector whose answers cannot be true, as its option `lie` says. Each listing has an honest object besides, which
//! must get through.

use hawser_sdk::{
    AttributeInfo, Cell, ClassInfo, ClassKind, Connector, Item, ListRequest, Listing, Object, ObjectRef, Record,
    Result, Row, Schema, Source, Syntax,
};

/// A value larger than any that is kept, in bytes.
const GIANT: usize = 10 * 1024 * 1024;

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
            Lie::Words => vec![ClassInfo::new(ClassKind::Account, "ac\u{1b}[31mcount\u{202e}", "x")],
            _ => vec![account()],
        })
    }
}

impl Source for Liar {
    fn list(self, _: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        Ok(Lies { lie: self.lie, told: 0 })
    }

    fn get(&self, object: &ObjectRef, _: &[String]) -> Result<Record> {
        let uid = if self.lie == Lie::Foreign { "somebody-else" } else { object.uid.as_str() };
        Ok(Object::new(uid, "name").into())
    }
}

struct Lies {
    lie: Lie,
    told: u64,
}

impl Listing<Record> for Lies {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.told += 1;
        if self.told == 1 {
            return Some(Ok(Object::new("honest", "honest").set("mail", "honest@example.com").into()));
        }
        let endless = matches!(self.lie, Lie::Endless | Lie::Stuck);
        if !endless && self.told > 4 {
            return None;
        }
        Some(Ok(Item::Found(self.record())))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        (self.lie == Lie::Stuck).then(|| b"here".to_vec())
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

hawser_sdk::export!(Liar: Schema, Source);
