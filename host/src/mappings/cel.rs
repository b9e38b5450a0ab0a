//! Programs in CEL (the Common Expression Language), parsed by the crate `cel` and held within bounds of our own.
//!
//! The crate has no budget of steps, so a program is judged before it ever runs: its length, depth and nodes; a closed
//! list of functions; of the macros only `all`, `exists` and `exists_one`, never one inside another, each over a column or
//! a list that is written out; at most [`SUMS_MAX`] sums, because each copies what is before it. `map`, `filter`, `matches`
//! and literals of maps are left out: nothing then makes a list longer or repeats a text.
//!
//! Before a run the row is judged, too: a megabyte in all its columns, a thousand values in a list. What a macro says of
//! each value may read other columns, and reads them once for each value: these are no lists, and their bytes times the
//! values are a megabyte at most. So each part of a program reads about a megabyte of a row, whatever the row holds.
//!
//! Columns are `row["name"]`, because their names hold `:` and `-`; each is found when the program is compiled, and made
//! a value once a row, when it is first asked for. Instants and dates come as ISO texts of one width, which sort as time
//! does.

mod row;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use cel::{Context, Env, Value};

use self::row::Row;
use super::datum::{Datum, Reason};
use super::limits::{PROGRAM_BYTES_MAX, PROGRAM_DEPTH_MAX, PROGRAM_NODES_MAX, SUMS_MAX, VALUE_BYTES_MAX};
use crate::model::TableCell;

/// What a program may call, besides operators.
const FUNCTIONS: [&str; 9] = ["size", "contains", "startsWith", "endsWith", "string", "int", "uint", "double", "bool"];
/// The operators, as the parser names them.
const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::IN,
    operators::NOT_STRICTLY_FALSE,
];
/// What the columns are found in.
const ROW: &str = "row";
/// Before the number of a column where its name stood: no identifier of a program begins so.
const COLUMN_MARK: char = '#';

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// Why a list is not read for each value of another.
pub(super) const LIST_WITHIN: &str = "inside `all`, `exists` and `exists_one` no column is a list: it would be walked \
     through once for each value of the other; make two properties, and compare them where they are read";

/// A program that was judged.
#[derive(Debug)]
pub(super) struct Program {
    expression: IdedExpr,
    columns: Vec<String>,
    walks: Walks,
}

/// What the macros of a program read; columns by their numbers in it.
#[derive(Debug, Default)]
struct Walks {
    /// What they walk through.
    over: Vec<usize>,
    /// What they read for each value.
    within: Vec<usize>,
    /// The longest list they walk through that is written out.
    written: usize,
}

impl Program {
    /// Parses and judges a program.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PROGRAM_BYTES_MAX {
            return Err(format!("a program in CEL has at most {PROGRAM_BYTES_MAX} bytes"));
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(PROGRAM_DEPTH_MAX);
        let mut expression = parser.parse(text).map_err(|why| first_line(&why.to_string()))?;
        let mut judge = Judge::default();
        judge.visit(&mut expression, 0)?;
        Ok(Self { expression, columns: judge.columns, walks: judge.walks })
    }

    /// The columns it names, each once, in the order that [`Program::run`] wants their numbers in.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns it reads for each value of a list, which are no lists.
    pub(super) fn columns_within(&self) -> impl Iterator<Item = &str> {
        self.walks.within.iter().filter_map(|column| self.columns.get(*column)).map(String::as_str)
    }

    /// Runs it over a row. `numbers` says for each of its columns which cell that is. Where one was not read, the answer
    /// is not known either.
    pub(super) fn run<'a>(&'a self, cells: &'a [TableCell<'a>], numbers: &'a [usize]) -> Result<Datum<'a>, Reason> {
        if numbers.iter().any(|number| matches!(cells.get(*number), Some(TableCell::Unread))) {
            return Ok(Datum::Unread);
        }
        let row = Row::new(cells, numbers);
        row.within_bounds(&self.walks)?;
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&row);
        let value = Value::resolve_val(&self.expression, &context);
        owned(value.map_err(|why| Cow::Owned(told(&why)))?.as_ref())
    }
}

/// Walks a parsed program: refuses what is out of bounds and puts numbers where columns stood.
#[derive(Default)]
struct Judge {
    nodes: usize,
    sums: usize,
    columns: Vec<String>,
    walks: Walks,
    /// What the macro it is in calls its value and its result.
    names: Vec<String>,
}

impl Judge {
    fn visit(&mut self, node: &mut IdedExpr, depth: u16) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > PROGRAM_NODES_MAX || depth > PROGRAM_DEPTH_MAX * 2 {
            return Err(format!(
                "the program is too large: {PROGRAM_NODES_MAX} parts, nested {PROGRAM_DEPTH_MAX} deep, are the most"
            ));
        }
        if let Some(column) = column_of(&node.expr)? {
            let number = self.number(column);
            node.expr = Expr::Ident(format!("{COLUMN_MARK}{number}"));
            if !self.names.is_empty() && !self.walks.within.contains(&number) {
                self.walks.within.push(number);
            }
            return Ok(());
        }
        match &mut node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) if self.names.contains(name) => Ok(()),
            Expr::Ident(name) => Err(format!("{name:?} is not known; a column is row[\"name\"]")),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
                    return Err(unknown_function(name));
                }
                self.sums += usize::from(name == operators::ADD);
                if self.sums > SUMS_MAX {
                    return Err(format!("there are at most {SUMS_MAX} sums in a program; `concat` takes more texts"));
                }
                let target = call.target.as_deref_mut().into_iter();
                target.chain(&mut call.args).try_for_each(|argument| self.visit(argument, depth + 1))
            }
            Expr::List(list) if list.optional_indices.is_empty() => {
                list.elements.iter_mut().try_for_each(|element| self.visit(element, depth + 1))
            }
            Expr::Comprehension(macro_) => {
                if !self.names.is_empty() {
                    return Err("`all`, `exists` and `exists_one` cannot stand inside one another".to_owned());
                }
                if !matches!(macro_.accu_init.expr, Expr::Literal(_)) {
                    return Err("`map` and `filter` are not offered; use `all`, `exists` or `exists_one`".to_owned());
                }
                self.visit(&mut macro_.iter_range, depth + 1)?;
                self.walk(&macro_.iter_range.expr)?;
                self.names = vec![macro_.iter_var.clone(), macro_.accu_var.clone()];
                let parts = [&mut macro_.loop_cond, &mut macro_.loop_step, &mut macro_.result];
                let visited = parts.into_iter().try_for_each(|part| self.visit(part, depth + 1));
                self.names.clear();
                visited
            }
            Expr::Select(_) => Err("a part is not read with a dot; a column is row[\"name\"]".to_owned()),
            _ => Err("maps, structures and optional values are not offered".to_owned()),
        }
    }

    /// Notes what a macro walks through.
    fn walk(&mut self, range: &Expr) -> Result<(), String> {
        let column = |name: &str| name.strip_prefix(COLUMN_MARK).and_then(|number| number.parse::<usize>().ok());
        match range {
            Expr::Ident(name) => self.walks.over.extend(column(name)),
            Expr::List(list) => self.walks.written = self.walks.written.max(list.elements.len()),
            _ => return Err("`all`, `exists` and `exists_one` walk through a column, or a list written out".to_owned()),
        }
        Ok(())
    }

    /// The number of a column in this program.
    fn number(&mut self, column: String) -> usize {
        let known = self.columns.iter().position(|known| *known == column);
        known.unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }
}

/// The column that `row["name"]` or `row.name` stands for.
fn column_of(expression: &Expr) -> Result<Option<String>, String> {
    let is_row = |node: &IdedExpr| matches!(&node.expr, Expr::Ident(name) if name == ROW);
    match expression {
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [row, name] if is_row(row) => match &name.expr {
                Expr::Literal(LiteralValue::String(name)) => Ok(Some(name.inner().to_owned())),
                _ => Err("a column's name is written out: row[\"name\"]".to_owned()),
            },
            _ => Err("only `row` can be indexed".to_owned()),
        },
        Expr::Select(select) if is_row(&select.operand) && !select.test => Ok(Some(select.field.clone())),
        Expr::Select(select) if is_row(&select.operand) => {
            Err(format!("`has` is not offered: a column always is there; say row[{:?}] != null", select.field))
        }
        _ => Ok(None),
    }
}

fn unknown_function(name: &str) -> String {
    let known = FUNCTIONS.join(", ");
    format!("there is no function {name:?} here; there are {known}, all, exists, exists_one")
}

/// What a program answered, as a value of ours.
fn owned<'a>(value: &(dyn Val + '_)) -> Result<Datum<'a>, Reason> {
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Ok(Datum::Boolean(*truth.inner()));
    }
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return text_within(text.inner());
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok(Datum::Integer(*number.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        let number = i64::try_from(*number.inner());
        return number.map(Datum::Integer).map_err(|_| Cow::Borrowed("the number is too large"));
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        let number = Some(*number.inner()).filter(|number| number.is_finite());
        return number.map(Datum::Real).ok_or(Cow::Borrowed("the number is not finite"));
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        return Ok(Datum::Binary(Cow::Owned(bytes.inner().to_vec())));
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(Datum::Null);
    }
    let Some(values) = value.downcast_ref::<CelList<'_>>() else {
        return Err(Cow::Borrowed("the program answers with what is no value"));
    };
    let texts = values.inner().iter().map(|value| value.downcast_ref::<CelString<'_>>());
    let texts: Option<Vec<_>> = texts.map(|text| Some(Cow::Owned(text?.inner().to_owned()))).collect();
    texts.map(Datum::List).ok_or(Cow::Borrowed("the program answers with a list that has not only texts"))
}

fn text_within<'a>(text: &str) -> Result<Datum<'a>, Reason> {
    if text.len() > VALUE_BYTES_MAX {
        return Err(Cow::Borrowed("the value is too large"));
    }
    Ok(Datum::Text(Cow::Owned(text.to_owned())))
}

/// A refusal of the parser, without the picture it draws.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.replace("ERROR: <input>:", "at ").chars().take(200).collect()
}

/// Why a program ended without an answer; values are not told, they may be personal.
fn told(error: &cel::ExecutionError) -> String {
    use cel::ExecutionError as E;
    match error {
        E::NoSuchOverload(overload) => {
            format!("{} does not take {}", spelled(overload.function()), overload.argument_types().join(" and "))
        }
        E::DivisionByZero(_) | E::RemainderByZero(_) => "a division by zero".to_owned(),
        E::Overflow(..) => "a number that is too large".to_owned(),
        E::FunctionError { function, .. } => format!("{} does not take this value", spelled(function)),
        E::UnsupportedBinaryOperator(operator, ..) => format!("{operator} does not take these two values"),
        E::UnexpectedType { got, want } => format!("a {got} where a {want} is needed"),
        _ => "the program has no answer for this row".to_owned(),
    }
}

/// An operator as it is written: `_<_` is `<`.
fn spelled(function: &str) -> String {
    format!("`{}`", function.trim_matches(['_', '@']))
}

#[cfg(test)]
mod tests;
