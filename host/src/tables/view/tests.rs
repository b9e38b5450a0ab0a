//! Tables of schemas: what is in which, how columns and suffixes come out, whatever classes and attributes are named.

use proptest::prelude::*;

use super::*;
use crate::model::schema::tests::{people, plain};
use crate::registry::manifest::TableOf;

fn hr() -> ConnectionId {
    "hr".parse().unwrap()
}

fn reference(name: &str, refers_to: &[&str]) -> AttributeInfo {
    AttributeInfo { refers_to: refers_to.iter().map(|it| (*it).to_owned()).collect(), ..plain(name, Syntax::Reference) }
}

/// Groups with members, which are a relation of their own.
fn groups() -> ClassInfo {
    let members = AttributeInfo { large: true, multi_valued: true, ..reference("member", &["account"]) };
    ClassInfo { name: "group".into(), attributes: vec![members, plain("mail", Syntax::Text)], ..people() }
}

fn declared(suffix: &str, of: TableOf) -> TableDeclaration {
    TableDeclaration { suffix: Some(suffix.into()), of, ..TableDeclaration::default() }
}

fn shown(views: &[View]) -> Vec<(String, Vec<&str>)> {
    views.iter().map(|view| (view.name.to_string(), columns(view))).collect()
}

fn columns(view: &View) -> Vec<&str> {
    view.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn without_a_declaration_each_class_and_each_relation_has_a_table() {
    let views = views(&hr(), &[], &Schema(vec![people(), groups()]));
    let own = [":uid", ":name", ":revision", ":unread"];
    assert_eq!(
        shown(&views),
        [
            ("hr_account".to_owned(), [&own[..], &["mail", "age", "First Name", "hired"]].concat()),
            ("hr_group".to_owned(), [&own[..], &["mail"]].concat()),
            ("hr_group_member".to_owned(), vec![":owner", ":value"]),
        ]
    );
}

#[test]
fn one_table_of_all_classes_says_the_class_and_has_each_attribute_once() {
    let tables = [declared("entries", TableOf::Objects), declared("{attribute}", TableOf::Links)];
    let views = views(&hr(), &tables, &Schema(vec![people(), groups()]));
    let columns = vec![":uid", ":name", ":revision", ":unread", ":class", "mail", "age", "First Name", "hired"];
    let expected = [("hr_entries".to_owned(), columns), ("hr_member".to_owned(), vec![":owner", ":value"])];
    assert_eq!(shown(&views), expected);
    let mail = &views[0].columns[5];
    assert!(mail.multi_valued && mail.kind == ColumnKind::Json, "one of the classes has several values: {mail:?}");
}

#[test]
fn a_reference_that_may_point_to_several_classes_says_to_which() {
    let mut people = people();
    people.attributes = vec![reference("manager", &["account"]), reference("owner", &["account", "group"])];
    let views = views(&hr(), &[], &Schema(vec![people]));
    let expected = [
        ("hr_account".to_owned(), vec![":uid", ":name", ":revision", ":unread", "manager", "owner", "owner:class"]),
        ("hr_account_manager".to_owned(), vec![":owner", ":value"]),
        ("hr_account_owner".to_owned(), vec![":owner", ":value", ":value-class"]),
    ];
    assert_eq!(shown(&views), expected);
}

#[test]
fn a_connector_with_one_table_may_leave_the_suffix_out() {
    let views = views(&hr(), &[TableDeclaration::default()], &Schema(vec![people(), groups()]));
    assert_eq!(views.iter().map(|view| view.name.to_string()).collect::<Vec<_>>(), ["hr"]);
}

#[test]
fn a_relation_goes_to_the_first_table_that_takes_it() {
    let members =
        TableDeclaration { attributes: vec!["member".parse().unwrap()], ..declared("members_{class}", TableOf::Links) };
    let tables = [members, declared("{class}_{attribute}", TableOf::Links)];
    let views = views(&hr(), &tables, &Schema(vec![groups()]));
    assert_eq!(shown(&views), [("hr_members_group".to_owned(), vec![":owner", ":value"])]);
}

#[test]
fn what_a_grant_takes_is_a_column_of_its_links() {
    let class = ClassInfo { parameters: vec![plain("scope", Syntax::Text)], ..groups() };
    let views = views(&hr(), &[], &Schema(vec![class]));
    assert_eq!(shown(&views)[1], ("hr_group_member".to_owned(), vec![":owner", ":value", "scope"]));
}

fn schema() -> impl Strategy<Value = Schema> {
    let name = "[a-cA-C :é-]{1,3}|:uid|command|account";
    let syntax = prop::sample::select(vec![Syntax::Text, Syntax::Reference, Syntax::Complex, Syntax::Binary]);
    let attribute = (name, syntax, any::<bool>(), any::<bool>());
    let class = (name, prop::collection::btree_map(name, attribute, 0..5));
    prop::collection::vec(class, 0..5).prop_map(|classes| {
        let class = |(name, attributes): (String, std::collections::BTreeMap<String, _>)| ClassInfo {
            name,
            attributes: attributes
                .into_iter()
                .map(|(name, (_, syntax, multi_valued, large))| AttributeInfo {
                    multi_valued,
                    large: large && syntax == Syntax::Reference,
                    ..plain(&name, syntax)
                })
                .collect(),
            ..people()
        };
        Schema(classes.into_iter().map(class).collect())
    })
}

proptest! {
    #[test]
    fn no_two_tables_and_no_two_columns_share_a_name(schema in schema(), together: bool) {
        let tables = [declared("entries", TableOf::Objects), declared("{attribute}", TableOf::Links)];
        let views = views(&hr(), if together { &tables } else { &[] }, &schema);
        let mut names: Vec<String> = views.iter().map(|view| view.name.to_string().to_ascii_lowercase()).collect();
        prop_assert!(names.iter().all(|name| name.parse::<TableName>().is_ok_and(|it| it.suffix.is_some())));
        names.sort();
        prop_assert!(names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
        for view in &views {
            let mut columns: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
            prop_assert!(!columns.contains(&COMMAND));
            columns.sort_unstable();
            prop_assert!(columns.windows(2).all(|two| two[0] != two[1]), "{columns:?}");
        }
    }
}
