//! Templates: text with `{{ expressions }}` (minijinja), and three places they stand in.
//!
//! Values cannot break out of the place they are put in, whatever they hold:
//!
//! | place | how |
//! |---|---|
//! | [`Path`] | every value is percent-encoded down to the unreserved characters, so that it stays in its segment; nothing, `.` and `..` are refused |
//! | [`Shape`] | a tree of JSON whose leaves are templates: what they give are values of the tree, and text is never put together to JSON |
//! | [`Text`] | a plain text, for places that encode it themselves (query, form) or refuse what does not fit (header) |
//!
//! A leaf that is one expression gives its value as it is: `"{{ attributes.tags }}"` a list if the tags are one. Where it
//! has none, the member it belongs to is left out.

use hawser_sdk::{Error, Result};
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashSet};

/// All but the unreserved characters (RFC 3986, 2.3).
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

thread_local! {
    static PLAIN: Environment<'static> = plain();
    static PATHS: Environment<'static> = paths();
}

/// What the expressions of a template can name.
#[derive(Clone, Default)]
pub(crate) struct Scope(BTreeMap<&'static str, Value>);

impl Scope {
    /// Adds a name; one that is there already is replaced.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &Json) -> Self {
        self.0.insert(name, Value::from(Serde(value)));
        self
    }

    fn value(&self) -> Value {
        Value::from_pairs(self.0.iter().map(|(name, value)| (*name, value.clone())))
    }
}

/// A template of plain text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn render(&self, scope: &Scope) -> Result<String> {
        PLAIN.with(|plain| plain.render_str(&self.0, scope.value())).map_err(|error| failed(&self.0, &error))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(source: String) -> Result<Self, String> {
        PLAIN.with(|plain| plain.template_from_str(&source).map(drop)).map_err(|error| wrong(&error))?;
        Ok(Self(source))
    }
}

/// A template of a path: absolute, without query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        if !source.starts_with('/') {
            return Err(format!("the path `{source}` does not begin with `/`"));
        }
        PATHS.with(|paths| paths.template_from_str(source).map(drop)).map_err(|error| wrong(&error))?;
        if !source.contains("{{") && !source.contains("{%") {
            check_path(source)?;
        }
        Ok(Self(source.to_owned()))
    }

    /// The path, percent-encoded.
    ///
    /// # Errors
    /// `invalid-attribute-value` for a value that cannot stand in a path: none, `.`, `..`, or a list.
    pub(crate) fn render(&self, scope: &Scope) -> Result<String> {
        let path =
            PATHS.with(|paths| paths.render_str(&self.0, scope.value())).map_err(|error| failed(&self.0, &error))?;
        match check_path(&path) {
            Ok(()) => Ok(path),
            Err(why) => Err(Error::invalid_attribute_value(why)),
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

/// A tree of JSON with templates for leaves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Json")]
pub(crate) enum Shape {
    Fixed(Json),
    /// One expression and nothing else.
    Value(String),
    Text(Text),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl TryFrom<Json> for Shape {
    type Error = String;

    fn try_from(json: Json) -> Result<Self, String> {
        match json {
            Json::String(source) => Self::leaf(source),
            Json::Array(items) => Ok(Self::List(items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?)),
            Json::Object(members) => {
                let member = |(name, value)| Ok((name, Self::try_from(value)?));
                Ok(Self::Map(members.into_iter().map(member).collect::<Result<_, String>>()?))
            }
            fixed => Ok(Self::Fixed(fixed)),
        }
    }
}

impl Shape {
    fn leaf(source: String) -> Result<Self, String> {
        let alone = source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        if let Some(expression) = alone.filter(|inner| !inner.contains("{{")).map(inner) {
            PLAIN.with(|plain| plain.compile_expression(expression).map(drop)).map_err(|error| wrong(&error))?;
            return Ok(Self::Value(expression.to_owned()));
        }
        if source.contains("{{") || source.contains("{%") {
            return Text::try_from(source).map(Self::Text);
        }
        Ok(Self::Fixed(Json::String(source)))
    }

    /// The JSON it gives, or nothing where its expression has no value.
    pub(crate) fn render(&self, scope: &Scope) -> Result<Option<Json>> {
        Ok(Some(match self {
            Self::Fixed(json) => json.clone(),
            Self::Text(text) => Json::String(text.render(scope)?),
            Self::Value(expression) => return evaluate(expression, scope),
            Self::List(items) => {
                let items = items.iter().filter_map(|item| item.render(scope).transpose());
                Json::Array(items.collect::<Result<_>>()?)
            }
            Self::Map(members) => {
                let member = |(name, shape): &(String, Self)| {
                    shape.render(scope).map(|json| json.map(|json| (name.clone(), json))).transpose()
                };
                Json::Object(members.iter().filter_map(member).collect::<Result<_>>()?)
            }
        }))
    }

    /// The names it uses, with what is asked of them: `principal.uid`.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Value(expression) => PLAIN.with(|plain| {
                let compiled = plain.compile_expression(expression);
                compiled.map(|it| asked(expression, it.undeclared_variables(true))).unwrap_or_default()
            }),
            Self::Text(text) => text.names(),
            Self::List(items) => items.iter().flat_map(Self::names).collect(),
            Self::Map(members) => members.iter().flat_map(|(_, shape)| shape.names()).collect(),
        }
    }
}

/// Without the signs that say what becomes of white space around the braces: the `-` in `{{- a }}` is no minus.
fn inner(expression: &str) -> &str {
    let signs = ['-', '+'];
    let expression = expression.strip_prefix(signs).unwrap_or(expression);
    expression.strip_suffix(signs).unwrap_or(expression)
}

fn evaluate(expression: &str, scope: &Scope) -> Result<Option<Json>> {
    let value = PLAIN.with(|plain| plain.compile_expression(expression).and_then(|it| it.eval(scope.value())));
    let value = value.map_err(|error| failed(expression, &error))?;
    if value.is_undefined() {
        return Ok(None);
    }
    let no_json = |error| Error::configuration(format!("`{expression}` gives nothing JSON can say: {error}"));
    serde_json::to_value(&value).map(Some).map_err(no_json)
}

fn plain() -> Environment<'static> {
    let mut plain = Environment::new();
    plain.set_undefined_behavior(UndefinedBehavior::Strict);
    // No name of a template means anything here, so nothing but the place decides what is escaped.
    plain.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    plain
}

fn paths() -> Environment<'static> {
    let mut paths = plain();
    paths.set_formatter(|out, _, value| {
        let text = if let Some(text) = value.as_str() {
            text.to_owned()
        } else if value.is_number() {
            value.to_string()
        } else {
            let message = format!("a path takes a text or a number, and this is {}", value.kind());
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, message));
        };
        if text.is_empty() {
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "a value of the path is empty"));
        }
        out.write_str(&utf8_percent_encode(&text, RESERVED).to_string()).map_err(minijinja::Error::from)
    });
    paths
}

/// No value and no template makes of a path anything but a path below where it begins.
fn check_path(path: &str) -> Result<(), String> {
    if path.starts_with("//") {
        return Err(format!("the path `{path}` begins with two slashes"));
    }
    if let Some(strange) = path.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._~/%!$&'()*+,;=:@".contains(*c)) {
        return Err(format!(
            "the path `{path}` holds {strange:?}; write it percent-encoded, and a query under `query`"
        ));
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(format!("the path `{path}` has `.` or `..` for a segment, which servers take for another path"));
    }
    Ok(())
}

fn names(source: &str) -> Vec<String> {
    PLAIN.with(|plain| {
        let template = plain.template_from_str(source);
        template.map(|it| asked(source, it.undeclared_variables(true))).unwrap_or_default()
    })
}

/// `var["domain"]` is `var.domain`, and minijinja tells `var` alone.
fn asked(source: &str, names: HashSet<String>) -> Vec<String> {
    let of = |name: &String| -> Vec<String> {
        let keys = source.split(name.as_str()).skip(1).filter_map(subscript);
        keys.map(|key| format!("{name}.{key}")).collect()
    };
    let subscripts: Vec<String> = names.iter().filter(|name| !name.contains('.')).flat_map(of).collect();
    names.into_iter().chain(subscripts).collect()
}

/// Is it that name, or something of it?
pub(crate) fn is_part(used: &str, name: &str) -> bool {
    used.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The key in brackets right behind a name.
fn subscript(after: &str) -> Option<&str> {
    let inside = after.trim_start().strip_prefix('[')?.trim_start();
    let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (key, rest) = inside.strip_prefix(quote)?.split_once(quote)?;
    rest.trim_start().starts_with(']').then_some(key)
}

fn wrong(error: &minijinja::Error) -> String {
    format!("no template: {}", said(error))
}

fn failed(source: &str, error: &minijinja::Error) -> Error {
    let message = format!("the template `{}` cannot be filled in: {}", source.trim(), said(error));
    match error.kind() {
        ErrorKind::InvalidOperation => Error::invalid_attribute_value(message),
        _ => Error::configuration(message),
    }
}

fn said(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
