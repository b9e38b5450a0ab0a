//! What is known of a value before there is a row: refuses in the definition what would fail in every row.

use super::steps::name;
use crate::model::{ColumnKind, DateFormat, PropertyKind, Step, TableColumn};

/// What a value will be, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing is known: the answer of CEL, a value of a map, a property of the core.
    Any,
    Text,
    Integer,
    Real,
    Boolean,
    Instant,
    Date,
    Binary,
    List,
    Complex,
}

impl Kind {
    /// What the cells of a column are.
    pub(super) const fn of_column(column: &TableColumn) -> Self {
        match column.kind {
            ColumnKind::Text => Self::Text,
            ColumnKind::Integer => Self::Integer,
            ColumnKind::Real => Self::Real,
            ColumnKind::Boolean => Self::Boolean,
            ColumnKind::Instant => Self::Instant,
            ColumnKind::Date => Self::Date,
            ColumnKind::Binary => Self::Binary,
            ColumnKind::Json if column.multi_valued => Self::List,
            ColumnKind::Json => Self::Complex,
        }
    }

    /// What the values of a property are.
    pub(super) const fn of_property(kind: PropertyKind) -> Self {
        match kind {
            PropertyKind::Text => Self::Text,
            PropertyKind::Integer => Self::Integer,
            PropertyKind::Real => Self::Real,
            PropertyKind::Boolean => Self::Boolean,
            PropertyKind::Instant => Self::Instant,
            PropertyKind::Date => Self::Date,
            PropertyKind::Binary => Self::Binary,
            PropertyKind::TextList => Self::List,
        }
    }

    /// What a step makes of it.
    ///
    /// # Errors
    /// What the step takes, and that this is not it.
    pub(super) fn after(self, step: &Step) -> Result<Self, String> {
        let (takes, makes): (&[Self], Self) = match step {
            Step::Trim | Step::Lower | Step::Upper => (&[Self::Text, Self::List], self),
            Step::Split(split) if split.index.is_none() => (&[Self::Text], Self::List),
            Step::Split(_) => (&[Self::Text], Self::Text),
            Step::Item(_) | Step::Join(_) => (&[Self::List, Self::Text], Self::Text),
            Step::Integer => (&[Self::Text, Self::Integer], Self::Integer),
            Step::Date(DateFormat::AdFiletime | DateFormat::Unix | DateFormat::UnixMs) => {
                (&[Self::Integer, Self::Text], Self::Instant)
            }
            Step::Date(DateFormat::GeneralizedTime) => (&[Self::Text], Self::Instant),
            // A date or an instant, as the text says.
            Step::Date(DateFormat::Iso | DateFormat::Pattern(_)) => (&[Self::Text], Self::Any),
            Step::Sid | Step::Guid(_) => (&[Self::Binary], Self::Text),
            Step::Mask(_) => (&[Self::Integer], Self::Boolean),
            Step::Not => (&[Self::Boolean], Self::Boolean),
            Step::Map(_) => (
                &[Self::Text, Self::Integer, Self::Real, Self::Boolean, Self::Instant, Self::Date, Self::Complex],
                Self::Any,
            ),
        };
        if self == Self::Any || takes.contains(&self) {
            return Ok(makes);
        }
        let takes: Vec<&str> = takes.iter().map(|kind| kind.noun()).collect();
        let hint = if self == Self::Text && takes == ["integer"] { "; put `integer` before it" } else { "" };
        Err(format!("`{}` takes {}, and this is {}{hint}", name(step), takes.join(" or "), self.noun()))
    }

    /// Can it have the form of a property?
    pub(super) fn fits(self, kind: PropertyKind) -> Result<(), String> {
        let fits = match kind {
            PropertyKind::Text => !matches!(self, Self::Binary | Self::List),
            PropertyKind::Integer => matches!(self, Self::Integer | Self::Text),
            PropertyKind::Real => matches!(self, Self::Real | Self::Integer | Self::Text),
            PropertyKind::Boolean => matches!(self, Self::Boolean | Self::Text),
            PropertyKind::Instant | PropertyKind::Date => matches!(self, Self::Instant | Self::Date | Self::Text),
            PropertyKind::Binary => self == Self::Binary,
            PropertyKind::TextList => matches!(self, Self::List | Self::Text),
        };
        if fits || self == Self::Any {
            return Ok(());
        }
        let hint = match (self, kind) {
            (Self::Binary, PropertyKind::Text) => "; `sid` and `guid` make texts of bytes",
            (Self::List, PropertyKind::Text) => "; take one with `item`, or all with `join`, or make it a text-list",
            (Self::Integer, PropertyKind::Instant | PropertyKind::Date) => "; `date` says how it counts",
            _ => "",
        };
        Err(format!("{} cannot become {}{hint}", self.noun(), kind.as_str()))
    }

    /// What two choices have in common.
    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::Instant => "instant",
            Self::Date => "date",
            Self::Binary => "binary",
            Self::List => "a list",
            Self::Complex => "a complex value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_of_a_text_is_refused_with_what_to_do() {
        let why = Kind::Text.after(&Step::Mask(2)).unwrap_err();
        assert_eq!(why, "`mask` takes integer, and this is text; put `integer` before it");
        assert_eq!(Kind::Text.after(&Step::Integer).and_then(|kind| kind.after(&Step::Mask(2))), Ok(Kind::Boolean));
    }

    #[test]
    fn what_never_has_the_form_of_a_property_is_refused() {
        assert!(Kind::Binary.fits(PropertyKind::Text).unwrap_err().contains("`guid`"));
        assert!(Kind::List.fits(PropertyKind::Text).unwrap_err().contains("`join`"));
        assert!(Kind::Integer.fits(PropertyKind::Instant).unwrap_err().contains("`date`"));
        assert_eq!(Kind::Any.fits(PropertyKind::Binary), Ok(()));
    }
}
