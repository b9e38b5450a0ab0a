//! What the columns of a class's file mean, and how their cells become values and back.

use crate::Class;
use crate::cells::Cells;
use crate::options::{Formulas, Options};
use crate::table::Table;
use hawser_sdk::{Cell, Error, Result, Value};
use std::borrow::Cow;

/// The attributes with a fixed meaning that an option can point at a column.
pub(crate) const PASSWORD: &str = "password";
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const MUST_CHANGE: &str = "force-password-change";
/// The accounts of a group; they come as edges from the memberships file.
pub(crate) const MEMBERS: &str = "members";

/// What a spreadsheet takes for the beginning of a formula, in both widths.
const FORMULA_STARTS: [char; 10] = ['=', '@', '\t', '\r', '+', '-', '＝', '＠', '＋', '－'];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Boolean,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) index: usize,
    pub(crate) header: String,
    pub(crate) attribute: String,
    pub(crate) kind: Kind,
    /// What stands between its values, if it can have several.
    pub(crate) separator: Option<String>,
}

/// The columns of a class.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) class: Class,
    /// Where uid and name stand; the same column if there is no column for names.
    pub(crate) key: usize,
    pub(crate) name: usize,
    pub(crate) password: Option<usize>,
    pub(crate) must_change: Option<usize>,
    /// Every named column but the password's.
    pub(crate) columns: Vec<Column>,
    pub(crate) has_members: bool,
}

impl Columns {
    /// Finds the columns the options name, and refuses options that name what is not there.
    pub(crate) fn new(options: &Options, class: Class, table: &Table) -> Result<Self> {
        let place = options.place(class)?;
        let special = |name: &Option<String>| match name {
            Some(name) if class == Class::Account => table.column(name).map(Some),
            _ => Ok(None),
        };
        let (password, enabled) = (special(&options.password_column)?, special(&options.enabled_column)?);
        let must_change = special(&options.must_change_column)?;
        let (key, name) = (table.column(place.key)?, table.column(place.name)?);
        let named =
            table.headers.iter().enumerate().filter(|(index, name)| !name.is_empty() && Some(*index) != password);
        let columns = named.map(|(index, header)| {
            let (attribute, boolean) = match Some(index) {
                at if at == enabled => (ENABLED, true),
                at if at == must_change => (MUST_CHANGE, true),
                _ => (header.as_str(), options.boolean_columns.contains(header)),
            };
            let kind = match options.integer_columns.contains(header) {
                _ if boolean => Kind::Boolean,
                true => Kind::Integer,
                false => Kind::Text,
            };
            let separator = options.multi_valued.contains(header).then(|| options.list_separator.clone());
            Column { index, header: header.clone(), attribute: attribute.to_owned(), kind, separator }
        });
        let columns: Vec<_> = columns.collect();
        let has_members = class == Class::Group && options.memberships_file.is_some();
        let this = Self { class, key, name, password, must_change, columns, has_members };
        this.refuse_two_of_a_name(table)?;
        Ok(this)
    }

    pub(crate) fn find(&self, attribute: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.attribute == attribute)
    }

    /// Can this attribute be asked for at all?
    pub(crate) fn knows(&self, attribute: &str) -> bool {
        self.find(attribute).is_some()
            || (attribute == MEMBERS && self.has_members)
            || (attribute == PASSWORD && self.password.is_some())
    }

    pub(crate) fn unknown(&self, attribute: &str, table: &Table) -> Error {
        let message = format!("{} has no column for `{attribute}`; refresh the schema", table.file);
        Error::schema_violation(message).attribute(attribute)
    }

    fn refuse_two_of_a_name(&self, table: &Table) -> Result<()> {
        let own = [(PASSWORD, self.password.is_some()), (MEMBERS, self.has_members)];
        let own = own.iter().filter(|(_, there)| *there).map(|(name, _)| *name);
        let mut names: Vec<_> = self.columns.iter().map(|column| column.attribute.as_str()).chain(own).collect();
        names.sort_unstable();
        match names.array_windows().find(|[one, other]| one == other) {
            Some([name, _]) => Err(Error::configuration(format!(
                "{} has a column `{name}`, and an option offers another one under that name; rename the column",
                table.file
            ))),
            None => Ok(()),
        }
    }
}

impl Column {
    /// The cell's value, or why it has none that can be read.
    pub(crate) fn cell(&self, text: &str) -> Result<Cell, String> {
        if text.is_empty() {
            return Ok(Cell::Absent);
        }
        if let Some(separator) = &self.separator {
            let values = text.split(separator.as_str()).filter(|value| !value.is_empty());
            return values.map(|value| self.value(value)).collect::<Result<_, _>>().map(Cell::Many);
        }
        match self.kind {
            Kind::Text => Ok(Cell::Text(text.to_owned())),
            Kind::Integer => self.integer(text).map(Cell::Integer),
            Kind::Boolean => self.boolean(text).map(Cell::Boolean),
        }
    }

    /// The values of a cell that was read before.
    pub(crate) fn values(&self, text: &str) -> Result<Vec<Value>, String> {
        match &self.separator {
            Some(separator) => text
                .split(separator.as_str())
                .filter(|value| !value.is_empty())
                .map(|value| self.value(value))
                .collect(),
            None if text.is_empty() => Ok(Vec::new()),
            None => Ok(vec![self.value(text)?]),
        }
    }

    /// The cell that holds these values. `like` is a cell of the same column, for how booleans are spelt there.
    pub(crate) fn text(&self, values: &[Value], like: &str, formulas: Formulas) -> Result<String> {
        let refuse = |why: String| Error::invalid_attribute_value(why).attribute(self.attribute.as_str());
        if values.len() > 1 && self.separator.is_none() {
            let hint = "add it to the option `multi-valued` to have lists";
            return Err(refuse(format!("the column `{}` holds one value; {hint}", self.header)));
        }
        let texts: Vec<_> =
            values.iter().map(|value| self.spell(value, like).map_err(refuse)).collect::<Result<_>>()?;
        let text = texts.join(self.separator.as_deref().unwrap_or_default());
        writable(&text, formulas).map_err(refuse)?;
        Ok(text)
    }

    fn value(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Text => Ok(Value::Text(text.to_owned())),
            Kind::Integer => self.integer(text).map(Value::Integer),
            Kind::Boolean => self.boolean(text).map(Value::Boolean),
        }
    }

    fn integer(&self, text: &str) -> Result<i64, String> {
        text.trim().parse().map_err(|_| format!("has `{}` in the integer column `{}`", shorten(text), self.header))
    }

    fn boolean(&self, text: &str) -> Result<bool, String> {
        match text {
            "true" => return Ok(true),
            "false" => return Ok(false),
            _ => {}
        }
        let word = |yes: &[&str]| yes.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
        match (word(&["true", "yes", "1"]), word(&["false", "no", "0"])) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(format!("has `{}` in the boolean column `{}`", shorten(text), self.header)),
        }
    }

    fn spell(&self, value: &Value, like: &str) -> Result<String, String> {
        match (self.kind, value) {
            (Kind::Text, Value::Text(text)) => match &self.separator {
                Some(separator) if text.contains(separator.as_str()) => {
                    Err(format!("a value of `{}` holds `{separator}`, which separates values there", self.header))
                }
                Some(_) if text.is_empty() => Err(format!("a value of `{}` is empty", self.header)),
                _ => Ok(text.clone()),
            },
            (Kind::Integer, Value::Integer(integer)) => Ok(integer.to_string()),
            (Kind::Boolean, Value::Boolean(boolean)) => Ok(spell_boolean(*boolean, like).to_owned()),
            _ => Err(format!("the column `{}` holds {}", self.header, self.kind.plural())),
        }
    }
}

impl Kind {
    fn plural(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integers",
            Self::Boolean => "booleans",
        }
    }
}

/// May this text stand in a cell? Not if a spreadsheet would run it, and never with a NUL.
pub(crate) fn writable(text: &str, formulas: Formulas) -> Result<(), String> {
    if text.contains('\0') {
        return Err("the value holds a NUL character".to_owned());
    }
    if formulas == Formulas::Refuse && is_formula(text) {
        return Err("the value would run as a formula in a spreadsheet; the option `formulas` can allow it".to_owned());
    }
    Ok(())
}

/// A number or a telephone number begins like a formula and computes nothing: after its sign it has digits, spaces,
/// dots, dashes, slashes and parentheses only.
fn is_formula(text: &str) -> bool {
    let harmless = |rest: &str| {
        rest.contains(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || " .,-/()".contains(c))
    };
    match text.strip_prefix(['+', '-']) {
        Some(rest) => !harmless(rest),
        None => text.starts_with(FORMULA_STARTS),
    }
}

fn spell_boolean(value: bool, like: &str) -> &'static str {
    let (yes, no) = match like {
        "1" | "0" => ("1", "0"),
        "yes" | "no" => ("yes", "no"),
        "Yes" | "No" => ("Yes", "No"),
        "YES" | "NO" => ("YES", "NO"),
        "True" | "False" => ("True", "False"),
        "TRUE" | "FALSE" => ("TRUE", "FALSE"),
        _ => ("true", "false"),
    };
    if value { yes } else { no }
}

/// Enough of a cell to find it by.
fn shorten(text: &str) -> &str {
    const SHOWN_CHARACTERS: usize = 40;
    text.char_indices().nth(SHOWN_CHARACTERS).map_or(text, |(end, _)| text.split_at(end).0)
}

/// The cells of a record as text.
pub(crate) struct Texts<'a> {
    record: &'a Cells,
    /// All cells joined, if that is text as it is: then no cell is looked at twice.
    whole: Option<&'a str>,
    table: &'a Table,
}

impl<'a> Texts<'a> {
    /// Refuses a record with a NUL in it.
    pub(crate) fn new(record: &'a Cells, table: &'a Table) -> Result<Self, String> {
        let bytes = record.as_slice();
        if memchr::memchr(0, bytes).is_some() {
            return Err("holds a NUL character".to_owned());
        }
        let as_it_is = table.dialect.encoding.decode(bytes);
        let whole = if let Some(Cow::Borrowed(text)) = as_it_is { Some(text) } else { None };
        Ok(Self { record, whole, table })
    }

    /// The cell of a column.
    #[inline]
    pub(crate) fn get(&self, column: usize) -> Result<Cow<'a, str>, String> {
        let text = self.whole.and_then(|whole| whole.get(self.record.range(column)?));
        text.map_or_else(|| self.decoded(column), |text| Ok(Cow::Borrowed(text)))
    }

    #[cold]
    fn decoded(&self, column: usize) -> Result<Cow<'a, str>, String> {
        let bytes = self.record.get(column).unwrap_or_default();
        self.table.dialect.encoding.decode(bytes).ok_or_else(|| {
            let header = self.table.headers.get(column).map_or("", String::as_str);
            format!("is not {} in column `{header}`", self.table.dialect.encoding.name())
        })
    }

    /// All cells.
    pub(crate) fn all(&self) -> Result<Vec<String>, String> {
        (0..self.record.len()).map(|column| self.get(column).map(Cow::into_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: Kind, separator: Option<&str>) -> Column {
        Column {
            index: 0,
            header: "Col".into(),
            attribute: "col".into(),
            kind,
            separator: separator.map(str::to_owned),
        }
    }

    #[test]
    fn formulas_are_told_from_numbers_and_telephone_numbers() {
        for formula in ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\tx", "\r=1", "-", "＝1", "+A1"] {
            assert!(writable(formula, Formulas::Refuse).is_err(), "{formula:?}");
            assert!(writable(formula, Formulas::Allow).is_ok(), "{formula:?}");
        }
        for harmless in ["", "+1-555-010-1234", "+49 (0)30 12", "-5", "-5,3", "a=b", "x@example.com", "Anne-Marie"] {
            assert!(writable(harmless, Formulas::Refuse).is_ok(), "{harmless:?}");
        }
        assert!(writable("a\0b", Formulas::Allow).is_err());
    }

    #[test]
    fn a_cell_of_the_wrong_kind_is_refused_and_named() {
        assert!(column(Kind::Integer, None).cell("12a").unwrap_err().contains("`12a`"));
        assert!(column(Kind::Boolean, None).cell("maybe").unwrap_err().contains("`Col`"));
        let error = column(Kind::Integer, None).text(&[Value::from("12")], "", Formulas::Refuse).unwrap_err();
        assert_eq!(error.attributes(), ["col"]);
        let two = [Value::from("a"), Value::from("b")];
        assert!(column(Kind::Text, None).text(&two, "", Formulas::Refuse).is_err());
        assert!(column(Kind::Text, Some("|")).text(&[Value::from("a|b")], "", Formulas::Refuse).is_err());
    }

    #[test]
    fn cells_become_values_and_back() {
        assert_eq!(column(Kind::Text, None).cell("").unwrap(), Cell::Absent);
        assert_eq!(column(Kind::Integer, None).cell(" 7 ").unwrap(), Cell::Integer(7));
        assert_eq!(column(Kind::Boolean, None).cell("YES").unwrap(), Cell::Boolean(true));
        let list = column(Kind::Text, Some("|"));
        assert_eq!(list.cell("a|b").unwrap(), Cell::Many(vec!["a".into(), "b".into()]));
        assert_eq!(list.text(&["a".into(), "b".into()], "", Formulas::Refuse).unwrap(), "a|b");
        assert_eq!(column(Kind::Boolean, None).text(&[false.into()], "1", Formulas::Refuse).unwrap(), "0");
    }
}
