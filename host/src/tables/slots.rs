//! Slots: which attribute of an object fills which column, and in what form its values stand there.

use std::collections::HashMap;

use crate::model::{AttributeInfo, ColumnKind, Syntax};

/// How the values of an attribute become a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The one value, of that kind.
    One(ColumnKind),
    /// The one value as JSON: it has parts.
    Complex,
    /// The uid that the one reference points to.
    Reference,
    /// All values as a JSON list.
    Many,
    /// All values as a JSON list of base64 texts.
    Binaries,
    /// All uids as a JSON list.
    References,
}

/// Where the values of one attribute go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub attribute: String,
    pub column: usize,
    /// Of references that may point to several classes.
    pub class_column: Option<usize>,
    pub shape: Shape,
    /// The classes a reference may point to; empty: any.
    pub refers_to: Vec<String>,
}

/// The slots of a class or of a relation's parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slots {
    all: Vec<Slot>,
    by_name: HashMap<String, usize>,
    /// Some of them hold references.
    pub refer: bool,
}

impl Shape {
    /// That of an attribute by itself.
    pub(super) fn of(info: &AttributeInfo) -> Self {
        let one = match info.syntax {
            Syntax::Reference => Self::Reference,
            Syntax::Complex => Self::Complex,
            Syntax::Integer => Self::One(ColumnKind::Integer),
            Syntax::Real => Self::One(ColumnKind::Real),
            Syntax::Boolean => Self::One(ColumnKind::Boolean),
            Syntax::Binary => Self::One(ColumnKind::Binary),
            Syntax::Instant => Self::One(ColumnKind::Instant),
            Syntax::Date => Self::One(ColumnKind::Date),
            Syntax::Text | Syntax::Uri | Syntax::Dn | Syntax::Uuid | Syntax::Json | Syntax::Xml | Syntax::Decimal => {
                Self::One(ColumnKind::Text)
            }
        };
        if info.multi_valued { one.many() } else { one }
    }

    /// The same as a list.
    pub(super) fn many(self) -> Self {
        match self {
            Self::One(ColumnKind::Binary) | Self::Binaries => Self::Binaries,
            Self::Reference | Self::References => Self::References,
            Self::One(_) | Self::Complex | Self::Many => Self::Many,
        }
    }

    pub(super) fn is_many(self) -> bool {
        matches!(self, Self::Many | Self::Binaries | Self::References)
    }

    /// What the cells are.
    pub(super) fn kind(self) -> ColumnKind {
        match self {
            Self::One(kind) => kind,
            Self::Reference => ColumnKind::Text,
            Self::Complex | Self::Many | Self::Binaries | Self::References => ColumnKind::Json,
        }
    }

    pub(super) fn refers(self) -> bool {
        matches!(self, Self::Reference | Self::References)
    }
}

impl Slots {
    pub(super) fn new(all: Vec<Slot>) -> Self {
        let by_name = all.iter().enumerate().map(|(at, slot)| (slot.attribute.clone(), at)).collect();
        let refer = all.iter().any(|slot| slot.shape.refers());
        Self { all, by_name, refer }
    }

    /// Has it none?
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The slot of an attribute. Bodies have their attributes in the schema's order, so it is mostly one of the next
    /// after `hint`, which moves along.
    pub(super) fn find(&self, attribute: &str, hint: &mut usize) -> Option<&Slot> {
        let at = match self.all.get(*hint) {
            Some(next) if next.attribute == attribute => *hint,
            _ => *self.by_name.get(attribute)?,
        };
        *hint = at + 1;
        self.all.get(at)
    }
}
