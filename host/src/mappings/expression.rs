//! Expressions, compiled: bounded, their columns found once, their types held against each other; then evaluated row by
//! row with nothing copied that is not changed.

use std::borrow::Cow;

use super::cel::{LIST_WITHIN, Program};
use super::date::check_pattern;
use super::datum::{Datum, Reason};
use super::flaws::Flaws;
use super::kinds::Kind;
use super::limits::{
    EXPRESSION_DEPTH_MAX, EXPRESSIONS_MAX, MAP_ENTRIES_MAX, STEPS_MAX, TEXT_BYTES_MAX, VALUE_BYTES_MAX,
};
use super::scope::Scope;
use super::steps::apply;
use crate::model::expression::ValueMap;
use crate::model::{DateFormat, Expression, Literal, Origin, Step, TableCell};

/// An expression over the columns of one scope.
#[derive(Debug)]
pub(super) struct Compiled {
    made: Made,
    then: Vec<Step>,
}

#[derive(Debug)]
enum Made {
    Column(usize),
    Text(String),
    Concat(Vec<Compiled>),
    First(Vec<Compiled>),
    Cel(Program, Vec<usize>),
    /// It has a flaw, and is never evaluated.
    Nothing,
}

/// A condition over the columns of one scope.
#[derive(Debug)]
pub(super) struct Condition {
    program: Program,
    numbers: Vec<usize>,
}

/// Compiles the expressions of one mapping: counts them and notes what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    pub(super) flaws: Flaws,
    count: usize,
}

impl Compiler {
    /// An expression, and what it makes.
    pub(super) fn expression(&mut self, expression: &Expression, scope: &mut Scope<'_>) -> (Compiled, Kind) {
        self.nested(expression, scope, 0)
    }

    /// A condition.
    pub(super) fn condition(&mut self, text: &str, scope: &mut Scope<'_>) -> Option<Condition> {
        let (program, numbers) = self.program(text, scope)?;
        Some(Condition { program, numbers })
    }

    fn nested(&mut self, expression: &Expression, scope: &mut Scope<'_>, depth: usize) -> (Compiled, Kind) {
        self.count += 1;
        if depth > EXPRESSION_DEPTH_MAX || self.count > EXPRESSIONS_MAX {
            self.flaws.note(format!(
                "too much: {EXPRESSIONS_MAX} expressions in all, nested {EXPRESSION_DEPTH_MAX} deep, are the most"
            ));
            return (Compiled { made: Made::Nothing, then: Vec::new() }, Kind::Any);
        }
        let (made, mut kind) = self.origin(&expression.origin, scope, depth);
        if expression.then.len() > STEPS_MAX {
            self.flaws.note(format!("an expression has at most {STEPS_MAX} steps"));
        }
        for step in &expression.then {
            self.flaws.require(check_step(step));
            kind = kind.after(step).unwrap_or_else(|why| {
                self.flaws.note(why);
                Kind::Any
            });
        }
        (Compiled { made, then: expression.then.clone() }, kind)
    }

    fn origin(&mut self, origin: &Origin, scope: &mut Scope<'_>, depth: usize) -> (Made, Kind) {
        match origin {
            Origin::Column(name) => match scope.find(name, &mut self.flaws) {
                Some((number, kind)) => (Made::Column(number), kind),
                None => (Made::Nothing, Kind::Any),
            },
            Origin::Text(text) => {
                self.flaws.require(check_text("a text", text));
                (Made::Text(text.clone()), Kind::Text)
            }
            Origin::Concat(parts) => {
                let parts = self.each("concat", parts, scope, depth);
                if parts.iter().any(|(_, kind)| matches!(kind, Kind::Binary | Kind::List)) {
                    self.flaws.note("`concat` takes no bytes and no lists; `join`, `sid` or `guid` make texts of them");
                }
                (Made::Concat(parts.into_iter().map(|(part, _)| part).collect()), Kind::Text)
            }
            Origin::First(choices) => {
                let choices = self.each("first", choices, scope, depth);
                let kind = choices.iter().map(|(_, kind)| *kind).reduce(Kind::or).unwrap_or(Kind::Any);
                (Made::First(choices.into_iter().map(|(choice, _)| choice).collect()), kind)
            }
            Origin::Cel(text) => {
                let program = self.program(text, scope);
                (program.map_or(Made::Nothing, |(program, numbers)| Made::Cel(program, numbers)), Kind::Any)
            }
        }
    }

    fn each(
        &mut self,
        key: &str,
        expressions: &[Expression],
        scope: &mut Scope<'_>,
        depth: usize,
    ) -> Vec<(Compiled, Kind)> {
        if expressions.is_empty() {
            self.flaws.note(format!("`{key}` needs at least one expression"));
        }
        expressions.iter().map(|expression| self.nested(expression, scope, depth + 1)).collect()
    }

    fn program(&mut self, text: &str, scope: &mut Scope<'_>) -> Option<(Program, Vec<usize>)> {
        let program = match Program::parse(text) {
            Ok(program) => program,
            Err(why) => {
                self.flaws.note(format!("the program in CEL is not right: {why}"));
                return None;
            }
        };
        let mut numbers = Vec::with_capacity(program.columns().len());
        for column in program.columns() {
            let Some((number, kind)) = scope.find(column, &mut self.flaws) else { continue };
            if kind == Kind::List && program.columns_within().any(|within| within == column) {
                self.flaws.note(format!("row[{column:?}] is a list, and {LIST_WITHIN}"));
            }
            numbers.push(number);
        }
        (numbers.len() == program.columns().len()).then_some((program, numbers))
    }
}

impl Compiled {
    /// The value of a row.
    pub(super) fn evaluate<'a>(&'a self, cells: &'a [TableCell<'a>]) -> Result<Datum<'a>, Reason> {
        let mut value = match &self.made {
            Made::Column(number) => cells.get(*number).map_or(Datum::Unread, Datum::of),
            Made::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Made::Concat(parts) => concat(parts, cells)?,
            Made::First(choices) => first(choices, cells)?,
            Made::Cel(program, numbers) => program.run(cells, numbers)?,
            Made::Nothing => return Err(Cow::Borrowed("the expression is not right")),
        };
        for step in &self.then {
            value = apply(step, value)?;
        }
        Ok(value)
    }

    /// The column it is, if it is one as it stands.
    pub(super) const fn plain_column(&self) -> Option<usize> {
        match self.made {
            Made::Column(number) if self.then.is_empty() => Some(number),
            _ => None,
        }
    }
}

impl Condition {
    /// Is it so? None: that cannot be known, because a column was not read.
    pub(super) fn holds(&self, cells: &[TableCell<'_>]) -> Result<Option<bool>, Reason> {
        match self.program.run(cells, &self.numbers)? {
            Datum::Boolean(truth) => Ok(Some(truth)),
            Datum::Unread => Ok(None),
            other => Err(Cow::Owned(format!("the condition answers with {} instead of true or false", other.noun()))),
        }
    }
}

fn concat<'a>(parts: &'a [Compiled], cells: &'a [TableCell<'a>]) -> Result<Datum<'a>, Reason> {
    let mut text = String::new();
    let mut made = false;
    for part in parts {
        let value = part.evaluate(cells)?;
        if value == Datum::Unread {
            return Ok(Datum::Unread);
        }
        if value == Datum::Null {
            continue;
        }
        made |= !matches!(part.made, Made::Text(_));
        let part = value.text();
        text += &part.ok_or_else(|| Cow::Owned(format!("`concat` does not take {}", value.noun())))?;
        if text.len() > VALUE_BYTES_MAX {
            return Err(Cow::Borrowed("the value is too large"));
        }
    }
    Ok(if made { Datum::Text(Cow::Owned(text)) } else { Datum::Null })
}

fn first<'a>(choices: &'a [Compiled], cells: &'a [TableCell<'a>]) -> Result<Datum<'a>, Reason> {
    for choice in choices {
        match choice.evaluate(cells)? {
            Datum::Null => {}
            value => return Ok(value),
        }
    }
    Ok(Datum::Null)
}

fn check_step(step: &Step) -> Result<(), String> {
    match step {
        Step::Split(split) if split.separator.is_empty() => Err("`split` needs a separator".to_owned()),
        Step::Split(split) => check_text("a separator", &split.separator),
        Step::Join(separator) => check_text("a separator", separator),
        Step::Date(DateFormat::Pattern(pattern)) => {
            check_text("a pattern", pattern)?;
            check_pattern(pattern)
        }
        Step::Mask(0) => Err("`mask` needs at least one bit".to_owned()),
        Step::Map(map) => check_map(map),
        _ => Ok(()),
    }
}

fn check_map(map: &ValueMap) -> Result<(), String> {
    if map.values.len() > MAP_ENTRIES_MAX {
        return Err(format!("a map has at most {MAP_ENTRIES_MAX} values"));
    }
    let texts = map.values.values().chain(&map.default).filter_map(|literal| match literal {
        Literal::Text(text) => Some(text),
        _ => None,
    });
    map.values.keys().chain(texts).try_for_each(|text| check_text("a value of a map", text))
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.len() > TEXT_BYTES_MAX { Err(format!("{what} has at most {TEXT_BYTES_MAX} bytes")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn text(text: &str) -> TableCell<'_> {
        TableCell::Text(Cow::Borrowed(text))
    }

    /// Over columns of any kind, in the order they are named in.
    fn compile(json: Json) -> Compiled {
        let mut compiler = Compiler::default();
        let expression: Expression = serde_json::from_value(json).unwrap();
        let (compiled, _) = compiler.expression(&expression, &mut Scope::open());
        assert_eq!(compiler.flaws.into_found(), []);
        compiled
    }

    fn flaws(json: Json) -> String {
        let mut compiler = Compiler::default();
        let expression: Expression = serde_json::from_value(json).unwrap();
        compiler.expression(&expression, &mut Scope::open());
        compiler.flaws.into_found().into_iter().map(|flaw| flaw.message).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let deep = (0..10).fold(json!({"column": "a"}), |inner, _| json!({"first": [inner]}));
        assert!(flaws(deep).contains("8 deep"));
        assert!(flaws(json!({"concat": vec![json!({"column": "a"}); 2001]})).contains("2000 expressions"));
        assert!(flaws(json!({"column": "a", "then": vec!["trim"; 17]})).contains("16 steps"));
        assert!(flaws(json!({"text": "a".repeat(4097)})).contains("4096 bytes"));
        assert!(flaws(json!({"concat": []})).contains("at least one"));
        assert!(flaws(json!({"column": "a", "then": [{"split": {"separator": ""}}]})).contains("needs a separator"));
        assert!(flaws(json!({"column": "a", "then": [{"mask": 0}]})).contains("one bit"));
        assert!(flaws(json!({"column": "a", "then": [{"date": {"pattern": "%H:%M"}}]})).contains("whole date"));
        assert!(flaws(json!({"cel": "1 +"})).contains("CEL"));
    }

    #[test]
    fn texts_are_put_together_and_null_where_nothing_was_found() {
        let name = compile(json!({"concat": [{"column": "a"}, {"text": " "}, {"column": "b"}]}));
        let is = |a: TableCell<'_>, b, expected: Datum<'_>| {
            assert_eq!(name.evaluate(&[a, b]).unwrap(), expected);
        };
        is(text("Anna"), TableCell::Integer(7), Datum::Text("Anna 7".into()));
        is(text("Anna"), TableCell::Null, Datum::Text("Anna ".into()));
        is(TableCell::Null, TableCell::Null, Datum::Null);
        is(text("Anna"), TableCell::Unread, Datum::Unread);
        let huge = "a".repeat(VALUE_BYTES_MAX);
        assert!(name.evaluate(&[text(&huge), text("b")]).is_err());
        assert!(name.evaluate(&[TableCell::Binary(Cow::Borrowed(b"a")), text("b")]).is_err());
    }

    #[test]
    fn the_first_that_is_not_null_is_taken_and_what_was_not_read_is_not_passed_over() {
        let mail = compile(json!({"first": [{"column": "a", "then": ["trim"]}, {"column": "b"}, {"text": "-"}]}));
        let is = |a: TableCell<'_>, b, expected: Datum<'_>| {
            assert_eq!(mail.evaluate(&[a, b]).unwrap(), expected);
        };
        is(text("  "), text("b"), Datum::Text("b".into()));
        is(TableCell::Null, TableCell::Null, Datum::Text("-".into()));
        is(TableCell::Unread, text("b"), Datum::Unread);
        is(text("a"), TableCell::Unread, Datum::Text("a".into()));
    }

    #[test]
    fn steps_are_taken_in_their_order() {
        let domain =
            compile(json!({"column": "a", "then": ["lower", {"split": {"separator": "@", "index": 1}}, "trim"]}));
        assert_eq!(domain.evaluate(&[text("A@ B.C ")]).unwrap(), Datum::Text("b.c".into()));
        let enabled = compile(json!({"column": "a", "then": ["integer", {"mask": 2}, "not"]}));
        assert_eq!(enabled.evaluate(&[text("514")]).unwrap(), Datum::Boolean(false));
    }

    #[test]
    fn a_text_that_no_step_changes_is_not_copied() {
        let plain =
            compile(json!({"column": "a", "then": ["trim", "lower", {"split": {"separator": "@", "index": 0}}]}));
        let cells = [text(" anna@b ")];
        let value = plain.evaluate(&cells).unwrap();
        assert!(matches!(value, Datum::Text(Cow::Borrowed("anna"))), "{value:?}");
    }

    proptest! {
        /// Trim, lower and split do in Rust what CEL's own words say of the same row.
        #[test]
        fn steps_and_cel_agree(a in "[a-zA-Z@ é]{0,12}", b in any::<i64>()) {
            let cells = [text(&a), TableCell::Integer(b)];
            let concat = compile(json!({"concat": [{"column": "a"}, {"text": "/"}, {"column": "b"}]}));
            let cel = compile(json!({"cel": "row[\"a\"] + \"/\" + string(row[\"b\"])"}));
            prop_assert_eq!(concat.evaluate(&cells).unwrap(), cel.evaluate(&cells).unwrap());
            let contains = compile(json!({"cel": "row[\"a\"].contains(\"@\")"}));
            let second = compile(json!({"column": "a", "then": [{"split": {"separator": "@", "index": 1}}]}));
            let has = !second.evaluate(&cells).unwrap().is_missing();
            prop_assert_eq!(contains.evaluate(&cells).unwrap(), Datum::Boolean(has));
        }
    }
}
