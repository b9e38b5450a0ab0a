//! How the demo looks: numbered steps, each request with its answer's status, and a few lines of what matters.
//! Colours only on a terminal, and none where NO_COLOR is set.

use console::style;
use reqwest::StatusCode;
use serde_json::Value as Json;

use super::super::client::Call;
use super::super::fault::Fault;
use super::super::out;

/// Characters of a request's body that are shown.
const BODY_CHARS: usize = 110;
/// What is never shown, wherever in a request it stands.
const SECRET_KEYS: [&str; 4] = ["password", "new", "old", "securedOptions"];

/// A step begins.
pub(super) fn step(number: u32, title: &str) -> Result<(), Fault> {
    out::line("")?;
    out::line(format_args!("{} {}", style(format!("{number:2}.")).cyan().bold(), style(title).bold()))
}

/// What a person should know, in the step's own words.
pub(super) fn say(text: &str) -> Result<(), Fault> {
    text.lines().try_for_each(|line| out::line(format_args!("    {}", out::visible(line))))
}

/// A part of an answer.
pub(super) fn detail(text: &str) -> Result<(), Fault> {
    text.lines().try_for_each(|line| out::line(format_args!("      {}", style(out::visible(line)).dim())))
}

/// A request goes out.
pub(super) fn request(call: &Call) -> Result<(), Fault> {
    let body = call.body.as_ref().map(brief).unwrap_or_default();
    let method = style(call.method.as_str()).bold();
    out::line(format_args!("    {method} {} {}", out::visible(&call.target()), style(body).dim()))
}

/// Its answer's status.
pub(super) fn status(status: StatusCode, millis: i64, as_expected: bool) -> Result<(), Fault> {
    let text = style(status.to_string());
    let text = if as_expected { text.green() } else { text.red() };
    out::line(format_args!("      {text} {}", style(format!("in {millis} ms")).dim()))
}

/// A number as people write it.
pub(super) fn number(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

/// A body on one line, cut to a readable length, without secrets.
fn brief(body: &Json) -> String {
    let text = out::visible(&concealed(body).to_string());
    let cut: String = text.chars().take(BODY_CHARS).collect();
    match (text.as_str(), cut.len() < text.len()) {
        ("{}", _) => String::new(),
        (_, true) => format!("{cut}..."),
        (_, false) => cut,
    }
}

fn concealed(body: &Json) -> Json {
    let Json::Object(fields) = body else { return body.clone() };
    let field = |(name, value): (&String, &Json)| {
        let shown = if SECRET_KEYS.contains(&name.as_str()) { Json::from("(not shown)") } else { concealed(value) };
        (name.clone(), shown)
    };
    Json::Object(fields.iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for key in SECRET_KEYS {
            assert!(!brief(&json!({key: "canary", "class": "account"})).contains("canary"), "{key}");
            assert!(!brief(&json!({"a": {key: {"b": "canary"}}})).contains("canary"), "{key}");
        }
    }

    #[test]
    fn a_long_body_is_cut_and_an_empty_one_left_out() {
        assert!(brief(&json!({"a": "ü".repeat(300)})).ends_with("..."));
        assert_eq!(brief(&json!({})), "");
        assert_eq!(brief(&json!({"a": 1})), r#"{"a":1}"#);
    }
}
