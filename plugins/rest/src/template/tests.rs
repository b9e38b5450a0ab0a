//! Whatever a value holds, it stays in its place.

use super::*;
use hawser_sdk::FailureKind;
use proptest::prelude::*;
use serde_json::json;

fn scope(value: &Json) -> Scope {
    Scope::default().with("uid", value).with("changed", &json!({"tags": ["a", "b"], "gone": null}))
}

fn shape(json: Json) -> Shape {
    Shape::try_from(json).unwrap()
}

#[test]
fn a_template_that_is_none_is_refused_where_it_stands() {
    assert!(Text::try_from("{{ uid".to_owned()).unwrap_err().contains("no template"));
    assert!(Path::parse("/a/{{ uid }").is_err());
    assert!(Shape::try_from(json!({"a": ["{{ 1 + }}"]})).is_err());
}

#[test]
fn a_path_that_could_be_another_is_refused() {
    for path in ["a", "//host/a", "/a?b=c", "/a#b", "/a/../b", "/a/./b", "/a b", "/a\\b"] {
        assert!(Path::parse(path).is_err(), "{path}");
    }
    Path::parse("/a/b:c@d/%2F").unwrap();
}

#[test]
fn a_value_that_cannot_stand_in_a_path_is_refused() {
    let path = Path::parse("/users/{{ uid }}").unwrap();
    for value in [json!(""), json!("."), json!(".."), json!(null), json!([1]), json!({"a": 1})] {
        let error = path.render(&scope(&value)).unwrap_err();
        assert_eq!(error.kind(), FailureKind::InvalidAttributeValue, "{value}: {error}");
    }
    assert_eq!(path.render(&Scope::default()).unwrap_err().kind(), FailureKind::Configuration);
}

#[test]
fn nothing_is_safe_in_a_path_because_somebody_says_so() {
    for source in ["/u/{{ uid | safe }}", "/u/{% autoescape false %}{{ uid }}{% endautoescape %}"] {
        let path = Path::parse(source).unwrap();
        assert_eq!(path.render(&scope(&json!("a/../b"))).unwrap(), "/u/a%2F..%2Fb", "{source}");
    }
}

#[test]
fn a_leaf_that_is_one_expression_gives_the_value_as_it_is() {
    let shape =
        shape(json!({"n": "{{ uid }}", "t": "no {{ uid }}", "tags": "{{ changed.tags }}", "fixed": [true, "x"]}));
    let expected = json!({"n": 7, "t": "no 7", "tags": ["a", "b"], "fixed": [true, "x"]});
    assert_eq!(shape.render(&scope(&json!(7))).unwrap(), Some(expected));
}

#[test]
fn white_space_control_is_no_arithmetic() {
    for leaf in ["{{- uid }}", "{{ uid -}}", "{{-uid-}}", "{{+ uid +}}"] {
        assert_eq!(shape(json!(leaf)).render(&scope(&json!(7))).unwrap(), Some(json!(7)), "{leaf}");
    }
    assert_eq!(shape(json!("{{ -uid }}")).render(&scope(&json!(7))).unwrap(), Some(json!(-7)));
}

#[test]
fn a_member_without_a_value_is_left_out_and_null_is_a_value() {
    let shape =
        shape(json!({"mail": "{{ changed.mail }}", "gone": "{{ changed.gone }}", "in": ["{{ changed.mail }}"]}));
    assert_eq!(shape.render(&scope(&json!(1))).unwrap(), Some(json!({"gone": null, "in": []})));
}

#[test]
fn the_names_a_template_uses_are_known() {
    let mut names = shape(json!(["{{ changed.a }}", "x {{ uid }}"])).names();
    names.sort();
    assert_eq!(names, ["changed.a", "uid"]);
    assert_eq!(Path::parse("/{{ principal.uid }}").unwrap().names(), ["principal.uid"]);
    for source in ["{{ var['a b'] }}", "{{ var [ \"a b\" ] }}", "x{{ var[\"a b\"] }}"] {
        assert!(shape(json!(source)).names().contains(&"var.a b".to_owned()), "{source}");
    }
}

proptest! {
    #[test]
    fn a_value_stays_in_its_segment_of_a_path(value in "\\PC{1,20}|[./%?#\\\\]{1,6}|[\\x00-\\x1f]{1,3}") {
        let path = Path::parse("/a/{{ uid }}/b").unwrap();
        match path.render(&scope(&json!(value))) {
            Ok(path) => {
                let segments: Vec<&str> = path.split('/').collect();
                let [empty, first, encoded, last] = segments.as_slice() else { panic!("{path}") };
                prop_assert_eq!((*empty, *first, *last), ("", "a", "b"));
                let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
                prop_assert_eq!(decoded.as_ref(), value.as_str());
            }
            Err(_) => prop_assert!(value == "." || value == ".."),
        }
    }

    #[test]
    fn a_value_stays_in_its_leaf_of_a_body(value in "\\PC{0,20}|[\"{}\\[\\],:\\\\]{1,8}|[\\x00-\\x1f]{1,3}") {
        let shape = shape(json!({"a": "{{ uid }}", "b": {"c": "<{{ uid }}>"}, "d": true}));
        let body = serde_json::to_vec(&shape.render(&scope(&json!(value))).unwrap()).unwrap();
        let read: Json = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(read, json!({"a": value, "b": {"c": format!("<{value}>")}, "d": true}));
    }
}
