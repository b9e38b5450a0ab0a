//! A mapping that is wrong is refused where it is wrong.

use super::*;
use crate::template::Scope;
use hawser_sdk::FailureKind;
use serde_json::json;

pub(crate) const RABBITMQ: &str = include_str!("../../examples/rabbitmq.yaml");
pub(crate) const KEYSTONE: &str = include_str!("../../examples/keystone.yaml");

const DOCUMENTATION: &str = include_str!("../../../../docs/connectors/rest.md");

const SMALL: &str = "
classes:
  user:
    kind: account
    uid: /id
    list: {request: GET /users}
";

fn refused(text: &str) -> String {
    let error = Mapping::parse(text).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Configuration);
    error.message().to_owned()
}

/// The small mapping with more in its class.
fn with(more: &str) -> String {
    let lines: String = more.lines().map(|line| format!("    {line}\n")).collect();
    format!("{SMALL}{lines}")
}

#[test]
fn the_examples_make_sense() {
    for example in [RABBITMQ, KEYSTONE] {
        Mapping::parse(example).unwrap();
    }
    Mapping::parse(SMALL).unwrap();
}

/// The examples of the documentation; one that is a part of a mapping with classes beside it.
fn documented() -> Vec<String> {
    let blocks = DOCUMENTATION.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(|yaml| if yaml.contains("classes:") { yaml.to_owned() } else { format!("{yaml}{SMALL}") }).collect()
}

#[test]
fn the_examples_of_the_documentation_make_sense() {
    let examples = documented();
    assert_eq!(examples.len(), 3);
    for example in examples {
        Mapping::parse(&example).unwrap();
    }
}

#[test]
fn the_template_of_the_documentation_works_with_and_without_a_value() {
    let example = documented().into_iter().find(|example| example.contains("join(")).unwrap();
    let mapping = Mapping::parse(&example).unwrap();
    let Content::Json(body) = &mapping.classes["user"].create.as_ref().unwrap().content else { panic!("no JSON") };
    for (attributes, tags) in [(json!({"tags": ["a", "b"]}), "a,b"), (json!({}), "")] {
        let body = body.render(&Scope::default().with("attributes", &attributes)).unwrap();
        assert_eq!(body, Some(json!({"tags": tags})));
    }
}

#[test]
fn what_is_wrong_is_named_by_its_path_and_its_line() {
    for (more, path, line, what) in [
        ("get: {requst: GET /users}", "classes.user.get.requst", 7, "requst"),
        ("get: {request: users}", "classes.user.get.request", 7, "no request"),
        ("get: {request: FETCH /users}", "classes.user.get.request", 7, "no method"),
        ("get: {request: 'GET /users/{{ uid }'}", "classes.user.get.request", 7, "no template"),
        ("attributes:\n  mail: {pointer: mail}", "classes.user.attributes.mail.pointer", 8, "no JSON pointer"),
        ("attributes:\n  mail: {pointer: /mail, type: email}", "classes.user.attributes.mail.type", 8, "email"),
        ("kind: other", "classes.user", 7, "duplicate"),
    ] {
        let message = refused(&with(more));
        assert!(
            message.contains(path) && message.contains(&format!("line {line}")) && message.contains(what),
            "{message}"
        );
    }
}

#[test]
fn what_a_template_cannot_know_is_refused() {
    for (more, name) in [
        ("get: {request: 'GET /users/{{ name }}'}", "`name`"),
        ("create: {request: POST /users, body: {json: {a: '{{ changed.a }}'}}}", "`changed`"),
        ("name: '{{ itm.a }}'", "`itm`"),
    ] {
        let message = refused(&with(more));
        assert!(message.contains(name) && message.contains("means nothing here"), "{message}");
    }
}

#[test]
fn requests_that_would_do_harm_are_refused() {
    for (more, what) in [
        ("get: {request: 'POST /users/{{ uid }}'}", "changes things"),
        ("delete: {request: 'GET /users/{{ uid }}/delete'}", "nothing is written with it"),
        ("create: {request: 'PUT /users/{{ name }}'}", "`get` is missing"),
        ("update: {request: 'PATCH /users/{{ uid }}', send: whole}", "`get` is missing"),
        ("enable: {request: 'POST /users/{{ uid }}/enable'}", "belong together"),
        (
            "passwords: {set: {request: 'PUT /p/{{ uid }}', secrets: {password: {json: /p}}}}",
            "passwords.set: it reads the object before",
        ),
    ] {
        let message = refused(&with(more));
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn a_rule_that_fits_everything_is_refused() {
    for (rule, what) in [
        ("{status: 400, equals: 17, kind: conflict}", "`pointer`"),
        ("{status: 400, contains: gone, kind: conflict}", "`pointer`"),
        ("{kind: conflict}", "every answer"),
    ] {
        let first = "{status: 409, kind: conflict}";
        let message = refused(&format!("errors: {{rules: [{first}, {rule}]}}\n{SMALL}"));
        assert!(message.contains("errors.rules[1]") && message.contains(what), "{message}");
    }
}

#[test]
fn a_secret_needs_a_place_of_its_kind() {
    for (more, what) in [
        ("passwords: {set: {request: 'POST /p/{{ uid }}'}}", "where `password` goes"),
        (
            "passwords: {set: {request: 'POST /p/{{ uid }}', body: {form: {}}, secrets: {password: {json: /p}}}}",
            "two kinds",
        ),
        ("update: {request: 'PATCH /u/{{ uid }}', secrets: {token: {json: /p}}}", "no secret `token`"),
        ("attributes: {password: {pointer: /password}}", "passwords stand under"),
    ] {
        let message = refused(&with(more));
        assert!(message.contains(what), "{message}");
    }
    for place in ["{form: key}", "{json: /key}"] {
        let message = refused(&format!("auth: {{secret: {place}}}\n{SMALL}"));
        assert!(message.contains("only to log in"), "{message}");
    }
    let login = "{request: POST /login, secret: {form: key}, token: {header: X-Token}, as: bearer}";
    let message = refused(&format!("auth: {{login: {login}}}\n{SMALL}"));
    assert!(message.contains("the body is no form"), "{message}");
}

#[test]
fn a_whole_object_is_sent_with_what_was_taken_out_of_it() {
    let mapping = |secrets: &str| {
        let get = "get: {request: 'GET /u/{{ uid }}', item: /user, capture: {hash: {json: /user/hash}, t: {json: /t}}}";
        with(&format!(
            "{get}\nupdate: {{request: 'PUT /u/{{{{ uid }}}}', send: whole, at: /account, secrets: {secrets}}}"
        ))
    };
    for secrets in ["{}", "{hash: {json: /hash}}", "{hash: {json: /user/hash}}"] {
        let message = refused(&mapping(secrets));
        assert!(message.contains("hash: {json: /account/hash}"), "{message}");
    }
    Mapping::parse(&mapping("{hash: {json: /account/hash}}")).unwrap();
}

#[test]
fn references_and_entitlements_name_classes_of_the_mapping() {
    for (more, what) in [
        ("attributes: {boss: {pointer: /boss, type: reference}}", "needs `refers-to`"),
        ("attributes: {boss: {pointer: /boss, type: reference, refers-to: chief}}", "no class `chief`"),
        (
            "entitlement: {to: [user], grant: {request: PUT /g}, revoke: {request: DELETE /g}}",
            "for the kind entitlement",
        ),
    ] {
        let message = refused(&with(more));
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn documents_that_would_eat_memory_are_refused() {
    assert!(refused(&"#".repeat(MAPPING_BYTES_MAX + 1)).contains("at most"));
    refused("a: &a [1, 1]\nb: [*a, *a]\n");
    refused(&format!("classes: {}", "[".repeat(5_000)));
}
