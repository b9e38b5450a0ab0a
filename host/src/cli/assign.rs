//! `NAME=TEXT` and `NAME:=JSON` on the command line: a text value, or a value of any other kind in the API's JSON.

use std::str::FromStr;

use serde_json::{Map, Value as Json};

/// One value of one attribute or parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assign {
    pub(super) name: String,
    value: Json,
}

impl FromStr for Assign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write NAME=TEXT, or NAME:=JSON for other kinds than text")?;
        let (name, value) = match name.strip_suffix(':') {
            None => (name, Json::from(value)),
            Some(name) => (name, serde_json::from_str(value).map_err(|why| format!("after := comes JSON: {why}"))?),
        };
        if name.is_empty() {
            return Err("the name before = is missing".to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

/// The values by name, each a list; a JSON list stands for its values.
pub(super) fn lists(assigns: &[Assign]) -> Map<String, Json> {
    let mut map = Map::new();
    for Assign { name, value } in assigns {
        let list = map.entry(name.clone()).or_insert_with(|| Json::Array(Vec::new()));
        match (list, value) {
            (Json::Array(list), Json::Array(values)) => list.extend(values.iter().cloned()),
            (Json::Array(list), value) => list.push(value.clone()),
            _ => {}
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(texts: &[&str]) -> Json {
        Json::Object(lists(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>()))
    }

    #[test]
    fn what_is_no_assignment_is_refused_with_how_to_write_one() {
        assert!("mail".parse::<Assign>().unwrap_err().contains("NAME=TEXT"));
        assert!("=x".parse::<Assign>().unwrap_err().contains("name"));
        assert!("age:=x".parse::<Assign>().unwrap_err().contains("JSON"));
    }

    #[test]
    fn text_stays_text_and_json_is_asked_for() {
        assert_eq!(given(&["a=true", "b:=true", "a=x=y"]), json!({"a": ["true", "x=y"], "b": [true]}));
        assert_eq!(given(&["a:=[1, 2]", "a:=3", "b:=[]"]), json!({"a": [1, 2, 3], "b": []}));
    }
}
