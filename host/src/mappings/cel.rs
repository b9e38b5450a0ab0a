//! Programs in CEL (the Common Expression Language), parsed by the crate `cel` and held within bounds of our own.
//!
//! The crate has no budget of steps, so a program is judged before it ever runs: its length, depth and nodes; a closed
//! list of functions; of the macros only `all`, `exists` and `exists_one`, never one inside another. Nothing in that
//! language makes a list or repeats a text, so a value is at most its texts put together, and a row costs at most nodes
//! times [`LIST_VALUES_MAX`] steps. `map`, `filter`, `matches` and literals of maps are left out for that reason.
//!
//! Columns are `row["name"]`, because their names hold `:` and `-`; each is resolved once, when the program is compiled.
//! Instants and dates come as ISO texts of one width, which sort as time does.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, Value};

use super::datum::{Datum, Reason, date_text, instant_text};
use super::limits::{LIST_VALUES_MAX, PROGRAM_BYTES_MAX, PROGRAM_DEPTH_MAX, PROGRAM_NODES_MAX, VALUE_BYTES_MAX};
use super::list::list;
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

/// A program that was judged.
#[derive(Debug)]
pub(super) struct Program {
    expression: IdedExpr,
    columns: Vec<String>,
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
        Ok(Self { expression, columns: judge.columns })
    }

    /// The columns it names, each once, in the order that [`Program::run`] wants their numbers in.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Runs it over a row. `numbers` says for each of its columns which cell that is. Where one was not read, the answer
    /// is not known either.
    pub(super) fn run<'a>(&'a self, cells: &'a [TableCell<'a>], numbers: &'a [usize]) -> Result<Datum<'a>, Reason> {
        let row = Row { cells, numbers };
        if numbers.iter().any(|number| matches!(cells.get(*number), Some(TableCell::Unread))) {
            return Ok(Datum::Unread);
        }
        row.within_bounds()?;
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
    columns: Vec<String>,
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
            node.expr = Expr::Ident(format!("{COLUMN_MARK}{}", self.number(column)));
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

/// The cells a program may see.
struct Row<'a> {
    cells: &'a [TableCell<'a>],
    numbers: &'a [usize],
}

impl Row<'_> {
    /// No list in sight is longer than a program may walk through.
    fn within_bounds(&self) -> Result<(), Reason> {
        let too_long = |number: &usize| match self.cells.get(*number) {
            // A list of so many values has one comma fewer at least.
            Some(TableCell::Json(text)) => text.bytes().filter(|byte| *byte == b',').count() >= LIST_VALUES_MAX,
            _ => false,
        };
        if self.numbers.iter().any(too_long) {
            return Err(Cow::Owned(format!("a list of more than {LIST_VALUES_MAX} values is not given to CEL")));
        }
        Ok(())
    }
}

impl VariableResolver for Row<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let column: usize = variable.strip_prefix(COLUMN_MARK)?.parse().ok()?;
        Some(value(self.cells.get(*self.numbers.get(column)?)?))
    }
}

/// A cell as CEL sees it.
fn value<'b>(cell: &'b TableCell<'b>) -> CowVal<'b, 'b> {
    match cell {
        TableCell::Null | TableCell::Unread => CowVal::owned(CelNull),
        TableCell::Text(text) => CowVal::owned(CelString::from(text.as_ref())),
        TableCell::Integer(number) => CowVal::owned(CelInt::from(*number)),
        TableCell::Real(number) => CowVal::owned(CelDouble::from(*number)),
        TableCell::Boolean(truth) => CowVal::owned(CelBool::from(*truth)),
        TableCell::Instant(micros) => CowVal::owned(CelString::from(instant_text(*micros))),
        TableCell::Date(days) => CowVal::owned(CelString::from(date_text(*days))),
        TableCell::Binary(bytes) => CowVal::owned(CelBytes::from(bytes.as_ref())),
        TableCell::Json(text) => match list(text) {
            Some(texts) => {
                let values = texts.into_iter().map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'b>);
                CowVal::owned(CelList::from(values.collect::<Vec<_>>()))
            }
            None => CowVal::owned(CelString::from(text.as_ref())),
        },
    }
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
        return Ok(Datum::Real(*number.inner()));
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
