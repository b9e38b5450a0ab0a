//! The room over rows made by hand: people, accounts, groups.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::model::{
    AssociationMapping, ColumnKind, CorrelationRule, EntityMapping, Mapping, ResourceMapping, Schema, TableCell,
    TableColumn, Value,
};

fn column(name: &str, kind: ColumnKind) -> TableColumn {
    TableColumn { name: name.to_owned(), kind, multi_valued: kind == ColumnKind::Json, attribute: None }
}

fn table(name: &str, columns: &[(&str, ColumnKind)]) -> Table {
    let columns = columns.iter().map(|(name, kind)| column(name, *kind)).collect();
    Table { name: name.parse().unwrap(), columns }
}

fn tables() -> Vec<Table> {
    use ColumnKind::{Binary, Integer, Json, Text};
    vec![
        table("hr_person", &[(":uid", Text), ("number", Text), ("mail", Text), ("status", Text), ("phones", Json)]),
        table("ad_entries", &[(":uid", Text), ("uac", Integer), ("objectSid", Binary), ("mail", Text), ("dn", Text)]),
        table("ad_member", &[(":owner", Text), (":value", Text)]),
        table("seats_seat", &[(":uid", Text), ("holder", Text)]),
    ]
}

fn mapping<T: serde::de::DeserializeOwned>(json: &Json) -> T {
    serde_json::from_value(json.clone()).unwrap()
}

fn person() -> Json {
    json!({
        "id": "person", "title": "People",
        "sources": [{"table": "hr_person", "where": "row[\"status\"] != \"left\""}],
        "key": "number", "unique": ["mail"],
        "properties": {
            "number": {"type": "integer", "from": {"column": "number"}},
            "mail": {"from": {"column": "mail", "then": ["trim", "lower"]}},
            "phones": {"type": "text-list", "from": {"column": "phones"}},
        },
    })
}

fn account() -> Json {
    json!({
        "id": "account", "title": "Accounts",
        "sources": [{"table": "ad_entries"}],
        "key": "uid", "unique": ["dn"],
        "properties": {
            "uid": {"from": {"column": ":uid"}},
            "dn": {"from": {"column": "dn"}},
            "mail": {"from": {"column": "mail", "then": ["lower"]}},
            "sid": {"from": {"column": "objectSid", "then": ["sid"]}},
            "active": {"type": "boolean", "from": {"column": "uac", "then": [{"mask": 2}, "not"]}},
        },
    })
}

fn member() -> Json {
    json!({
        "id": "member", "title": "Members", "table": "ad_member",
        "left": {"from": {"column": ":owner"}, "entity": "account"},
        "right": {"from": {"column": ":value"}, "entity": "account"},
    })
}

/// Who has a seat, by another property than the key.
fn seat() -> Json {
    json!({
        "id": "seat", "title": "Seats", "table": "seats_seat",
        "left": {"from": {"column": ":uid"}, "entity": "account"},
        "right": {"from": {"column": "holder"}, "entity": "account", "by": "dn"},
    })
}

fn known<'a>(tables: &'a [Table], entities: &'a [EntityMapping]) -> Known<'a> {
    Known { tables, entities, ..Known::default() }
}

/// A definition with one value changed.
fn with(mut json: Json, pointer: &str, value: Json) -> Json {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap()[key] = value;
    json
}

/// All flaws as lines, held against the tables.
fn flaws(kind: &str, mut json: Json) -> Vec<String> {
    json["kind"] = json!(kind);
    let (tables, entities) = (tables(), [mapping(&person()), mapping(&account())]);
    let found = check(&mapping::<Mapping>(&json), Some(&known(&tables, &entities)));
    found.into_iter().map(|flaw| format!("{}: {}", flaw.at, flaw.message)).collect()
}

#[test]
fn what_names_a_connection_nobody_has_read_passes_and_the_rest_is_held_against_what_is_known() {
    let two = |table: &str, column: &str| {
        let other = json!({"table": table, "properties": {"number": {"column": column}, "mail": {"column": "any"}}});
        let mut json = with(json!({"m": person()}), "/m/kind", json!("entity"))["m"].take();
        json["sources"].as_array_mut().unwrap().push(other);
        json
    };
    let (tables, open) = (tables(), ["contractors".parse().unwrap()]);
    let flaws = |json: Json| {
        let known = Known { tables: &tables, open: &open, ..Known::default() };
        check(&mapping::<Mapping>(&json), Some(&known)).into_iter().map(|flaw| flaw.at).collect::<Vec<_>>()
    };
    assert_eq!(flaws(two("Contractors_person", "any")), [""; 0]);
    assert_eq!(flaws(two("hr_persons", "any")), ["sources[1].table"]);
    assert_eq!(flaws(with(two("contractors_x", "any"), "/key", json!("id"))), ["key"]);
}

fn text(text: &str) -> TableCell<'_> {
    TableCell::Text(Cow::Borrowed(text))
}

fn row<'a>(uid: &'a str, number: &'a str, mail: &'a str, status: &'a str) -> Vec<TableCell<'a>> {
    vec![text(uid), text(number), text(mail), text(status), TableCell::Json(Cow::Borrowed(r#"["1","2"]"#))]
}

#[test]
fn a_table_or_column_that_is_not_there_is_refused_with_the_nearest_names() {
    assert_eq!(flaws("entity", person()), [""; 0]);
    let wrong = flaws("entity", with(person(), "/sources/0/table", json!("hr_persons")));
    assert_eq!(wrong, ["sources[0].table: there is no table hr_persons; did you mean hr_person?"]);
    let wrong = flaws("entity", with(person(), "/properties/mail/from/column", json!("e-mail")));
    assert_eq!(wrong, ["sources[0].properties.mail: there is no column of hr_person e-mail; did you mean mail?"]);
    let wrong = flaws("entity", with(person(), "/sources/0/where", json!("row[\"stat\"] == 'x' || row.sttaus == ''")));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong.iter().all(|line| line.starts_with("sources[0].where: ") && line.ends_with("did you mean status?")));
}

#[test]
fn table_names_are_found_without_regard_to_case() {
    assert_eq!(flaws("entity", with(person(), "/sources/0/table", json!("HR_Person"))), [""; 0]);
}

#[test]
fn keys_are_properties_of_the_right_kind_and_at_most_four() {
    let wrong = |pointer: &str, value| flaws("entity", with(person(), pointer, value)).join("; ");
    assert!(wrong("/key", json!("nummer")).contains("did you mean number?"));
    assert!(wrong("/unique", json!(["mial"])).contains("did you mean mail?"));
    assert!(wrong("/unique", json!(["number"])).contains("unique already"));
    assert!(wrong("/unique", json!(["mail", "phones", "number", "mail"])).contains("at most 3"));
    assert!(wrong("/key", json!("phones")).contains("no list"));
    assert!(wrong("/sources", json!([])).contains("1 to 16"));
    assert!(wrong("/properties/mail/from", Json::Null).contains("give it `from`"));
    assert!(wrong("/title", json!("a\nb")).starts_with("title: "));
}

#[test]
fn types_that_can_never_fit_are_refused() {
    let bit = json!({"type": "boolean", "from": {"column": "mail", "then": [{"mask": 2}]}});
    let wrong = flaws("entity", with(person(), "/properties/phones", bit));
    assert!(wrong[0].contains("`mask` takes integer, and this is text"), "{wrong:?}");
    let wrong = flaws("entity", with(account(), "/properties/sid/from/then", json!([])));
    assert!(wrong[0].contains("binary cannot become text; `sid` and `guid`"), "{wrong:?}");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let json = with(person(), "/properties/mail/from/column", json!("nope"));
    let json = with(json, "/key", json!("nope"));
    assert_eq!(flaws("entity", with(json, "/sources/0/where", json!("1 +"))).len(), 3);
}

#[test]
fn a_mapping_is_not_called_as_the_address_that_checks_them() {
    assert_eq!(
        flaws("entity", with(person(), "/id", json!("Check")))[0],
        "id: no mapping can be called `check`; give it another name"
    );
    assert_eq!(flaws("entity", with(person(), "/id", json!("checks"))), [""; 0]);
}

#[test]
fn a_list_that_would_be_walked_through_for_each_value_of_another_is_refused() {
    for program in ["size(row.phones) > 1", "p in row.phones", "row.phones == [p]", "row.phones + [p] == []"] {
        let program = format!("row.phones.exists(p, {program})");
        let wrong = flaws("entity", with(person(), "/sources/0/where", json!(program)));
        assert!(wrong[0].contains("row[\"phones\"] is a list, and inside `all`"), "{wrong:?}");
    }
    let right = json!("row.phones.exists(p, p == row.mail) && '1' in row.phones");
    assert_eq!(flaws("entity", with(person(), "/sources/0/where", right)), [""; 0]);
}

#[test]
fn without_tables_every_name_passes_and_the_shape_does_not() {
    let found =
        |json: Json| check(&mapping::<Mapping>(&with(json!({"m": json}), "/m/kind", json!("entity"))["m"]), None);
    assert_eq!(found(with(person(), "/sources/0/table", json!("unheard_of"))), []);
    assert_eq!(found(with(person(), "/sources/0/where", json!("oops"))).len(), 1);
}

#[test]
fn a_row_becomes_an_entity_or_is_set_aside_or_is_not_wanted() {
    let tables = tables();
    let entities = Entities::compile(&mapping(&person()), &known(&tables, &[])).unwrap();
    let name = &tables[0].name;
    let names: Vec<&str> = entities.names().iter().map(|name| name.as_str()).collect();
    assert_eq!((names, entities.key()), (vec!["mail", "number", "phones"], 1));

    let cells = row("u1", "7", " A@B ", "");
    let Verdict::Made(made) = entities.judge(name, &cells) else { panic!("set aside") };
    let phones = Datum::List(vec!["1".into(), "2".into()]);
    assert_eq!(made.values, [Datum::Text("a@b".into()), Datum::Integer(7), phones]);

    assert_eq!(entities.judge(name, &row("u1", "7", "a", "left")), Verdict::Unmatched);
    assert_eq!(entities.judge(&tables[1].name, &row("u1", "7", "a", "")), Verdict::Unmatched);
    let aside = |cells: &[TableCell<'_>]| match entities.judge(name, cells) {
        Verdict::SetAside(aside) => (aside.property.map(String::from).unwrap_or_default(), aside.reason.into_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(aside(&row("u1", "x7", "a", "")), ("number".to_owned(), "the text is no whole number".to_owned()));
    let mut null = row("u1", "", "a", "");
    null[1] = TableCell::Null;
    assert_eq!(aside(&null), ("number".to_owned(), "the key is null".to_owned()));
    null[1] = TableCell::Unread;
    assert_eq!(aside(&null).0, "number");
    let mut unread = row("u1", "7", "a", "");
    unread[3] = TableCell::Unread;
    assert_eq!(aside(&unread).0, "");
}

#[test]
fn a_property_that_was_not_read_is_unread_and_the_entity_stays() {
    let tables = tables();
    let entities = Entities::compile(&mapping(&person()), &known(&tables, &[])).unwrap();
    let mut cells = row("u1", "7", "a", "");
    cells[2] = TableCell::Unread;
    let Verdict::Made(made) = entities.judge(&tables[0].name, &cells) else { panic!("set aside") };
    assert_eq!(made.values[0], Datum::Unread);
}

#[test]
fn the_first_source_a_row_matches_decides() {
    let tables = tables();
    let json = with(
        person(),
        "/sources",
        json!([
            {"table": "hr_person", "where": "row.status == 'ext'", "properties": {"mail": {"text": "external"}}},
            {"table": "hr_person"},
        ]),
    );
    let entities = Entities::compile(&mapping(&json), &known(&tables, &[])).unwrap();
    assert_eq!(entities.tables(), [&tables[0].name]);
    for (status, mail) in [("ext", "external"), ("", "a")] {
        let cells = row("u1", "7", "a", status);
        let Verdict::Made(made) = entities.judge(&tables[0].name, &cells) else { panic!("set aside") };
        assert_eq!(made.values[0], Datum::Text(mail.into()));
    }
}

#[test]
fn the_second_entity_with_a_key_or_a_unique_value_is_set_aside() {
    let (tables, folder) = (tables(), std::env::temp_dir());
    let known = known(&tables, &[]);
    let entities = Entities::compile(&mapping(&person()), &known).unwrap();
    let mut unique = Uniqueness::of(&entities, &known, &folder);
    let mut admit = |number: i64, mail: Datum<'static>| {
        let entity = Entity { values: vec![mail, Datum::Integer(number), Datum::Null] };
        unique.admit(&entities, &entity).unwrap().map(|aside| aside.property.unwrap().to_string())
    };
    let mail = |text: &'static str| Datum::Text(text.into());
    assert_eq!(admit(1, mail("a")), None);
    assert_eq!(admit(1, mail("b")), Some("number".to_owned()));
    assert_eq!(admit(2, mail("a")), Some("mail".to_owned()));
    assert_eq!(admit(3, Datum::Null), None);
    assert_eq!(admit(4, Datum::Null), None);
    assert_eq!(admit(5, mail("")), None);
    assert_eq!(admit(6, mail("")), None);
}

#[test]
fn an_entity_that_was_set_aside_holds_neither_its_key_nor_a_unique_value() {
    let (tables, folder) = (tables(), std::env::temp_dir());
    let known = known(&tables, &[]);
    let json = with(account(), "/unique", json!(["dn", "mail"]));
    // Nobody looks for duplicates of a row's own identifier; so the key is another column here.
    let json = with(json, "/properties/uid/from/column", json!("mail"));
    let entities = Entities::compile(&mapping(&json), &known).unwrap();
    let mut unique = Uniqueness::of(&entities, &known, &folder);
    let mut admit = |uid: &'static str, dn: &'static str, mail: &'static str| {
        let text = |text: &'static str| Datum::Text(text.into());
        let entity = Entity { values: vec![Datum::Null, text(dn), text(mail), Datum::Null, text(uid)] };
        unique.admit(&entities, &entity).unwrap().map(|aside| aside.property.unwrap().to_string())
    };
    assert_eq!(admit("1", "a", "a"), None);
    assert_eq!(admit("2", "b", "a"), Some("mail".to_owned()));
    assert_eq!(admit("2", "b", "c"), None);
    assert_eq!(admit("2", "d", "d"), Some("uid".to_owned()));
}

#[test]
fn a_row_identifier_as_a_number_may_be_the_same_in_two_rows() {
    let (tables, folder) = (tables(), std::env::temp_dir());
    let known = known(&tables, &[]);
    let json = with(person(), "/properties/number/from/column", json!(":uid"));
    let entities = Entities::compile(&mapping(&json), &known).unwrap();
    let mut unique = Uniqueness::of(&entities, &known, &folder);
    for (uid, mail, expected) in [("7", "a", None), ("007", "b", Some("number".to_owned()))] {
        let cells = row(uid, "", mail, "");
        let Verdict::Made(entity) = entities.judge(&tables[0].name, &cells) else { panic!("set aside") };
        let aside = unique.admit(&entities, &entity).unwrap();
        assert_eq!(aside.map(|aside| aside.property.unwrap().to_string()), expected);
    }
}

#[test]
fn a_row_with_a_number_that_json_cannot_say_is_set_aside() {
    let tables = tables();
    for program in ["double(row.number)", "1.0 / double(row.number)"] {
        let cel = json!({"type": "real", "from": {"cel": program}});
        let json = with(person(), "/properties/number", json!({"from": {"column": "number"}}));
        let json = with(json, "/properties/phones", cel);
        let entities = Entities::compile(&mapping(&json), &known(&tables, &[])).unwrap();
        let number = if program.starts_with('1') { "0" } else { "inf" };
        let cells = row("u1", number, "a", "");
        let Verdict::SetAside(aside) = entities.judge(&tables[0].name, &cells) else { panic!("made") };
        assert_eq!((aside.property.unwrap().as_str(), &*aside.reason), ("phones", "the number is not finite"));
    }
}

/// Accounts a1 to a3, with their distinguished names and mails.
fn accounts(by: usize) -> Index {
    let mut index = Index::new(&std::env::temp_dir()).unwrap();
    for number in 1..4 {
        let values = [Datum::Text(format!("cn={number}").into()), Datum::Text(format!("{number}@x").into())];
        index.note(&values[by], &Datum::Text(format!("a{number}").into())).unwrap();
    }
    index
}

#[test]
fn a_pair_tells_keys_and_one_whose_end_nobody_has_is_set_aside() {
    let (tables, entities) = (tables(), [mapping(&account())]);
    let associations =
        Associations::compile(&mapping::<AssociationMapping>(&seat()), &known(&tables, &entities)).unwrap();
    let [left, right] = associations.lookups();
    assert_eq!((left, right.map(|lookup| lookup.by.to_string())), (None, Some("dn".to_owned())));
    let indexes = [None, Some(accounts(0))];
    let judge = |owner, value| {
        let cells = [owner, value];
        match associations.judge(&cells, &indexes).unwrap() {
            Verdict::Made(pair) => format!("{} {}", pair.left, pair.right),
            Verdict::SetAside(aside) => aside.reason.into_owned(),
            Verdict::Unmatched => panic!("unmatched"),
        }
    };
    assert_eq!(judge(text("g1"), text("cn=2")), "\"g1\" \"a2\"");
    assert_eq!(judge(text("g1"), text("cn=9")), "right: no entity of account has this value");
    assert_eq!(judge(TableCell::Null, text("cn=2")), "left: it is null");
}

#[test]
fn an_end_by_what_is_not_unique_is_refused() {
    let wrong = flaws("association", with(seat(), "/right/by", json!("mail")));
    assert!(wrong[0].starts_with("right.by: there is no key or unique property of account: mail"), "{wrong:?}");
    let wrong = flaws("association", with(member(), "/left/entity", json!("acount")));
    assert_eq!(wrong, ["left.entity: there is no entity mapping acount; did you mean account?"]);
}

fn rule() -> Json {
    json!({
        "id": "whose", "title": "Whose", "accounts": "account",
        "rules": [
            {"account": {"column": "dn"}, "identity": "person", "property": "mail"},
            {"account": {"column": "mail"}, "identity": "person", "property": "mail"},
        ],
    })
}

#[test]
fn the_first_way_that_finds_somebody_decides_whose_an_account_is() {
    let (tables, entities) = (tables(), [mapping(&person()), mapping(&account())]);
    let rule = Correlation::compile(&mapping::<CorrelationRule>(&rule()), &known(&tables, &entities)).unwrap();
    let mut second = accounts(1);
    second.note(&Datum::Text("3@x".into()), &Datum::Text("somebody else".into())).unwrap();
    let indexes = [accounts(0), second];
    let owner = |dn: &'static str, mail: &'static str| {
        let text = |text: &'static str| if text.is_empty() { Datum::Null } else { Datum::Text(text.into()) };
        let entity = Entity { values: vec![Datum::Boolean(true), text(dn), text(mail), Datum::Null, text("a")] };
        rule.owner(&entity, &indexes).unwrap()
    };
    let person = || "person".parse().unwrap();
    assert_eq!(owner("cn=1", "2@x"), Owner::Matched { identity: person(), key: "\"a1\"".to_owned(), by: 0 });
    assert_eq!(owner("cn=9", "2@x"), Owner::Matched { identity: person(), key: "\"a2\"".to_owned(), by: 1 });
    assert_eq!(owner("", "2@x"), owner("cn=9", "2@x"));
    assert_eq!(owner("", "3@x"), Owner::Disputed { by: 1 });
    assert_eq!(owner("", ""), Owner::Unmatched);
    assert_eq!(rule.lookups().count(), 2);
}

#[test]
fn a_rule_names_properties_that_are_there() {
    let wrong = flaws("correlation", with(rule(), "/rules/0/account/column", json!("mial")));
    assert_eq!(wrong, ["rules[0].account: there is no property of account mial; did you mean mail?"]);
    let wrong = flaws("correlation", with(rule(), "/rules/1/property", json!("mai")));
    assert_eq!(wrong, ["rules[1].property: there is no property of person mai; did you mean mail?"]);
}

fn resource() -> Json {
    json!({
        "id": "ad-account", "title": "Accounts", "connection": "ad", "class": "user",
        "name": {"concat": [{"text": "cn="}, {"column": "login"}]},
        "attributes": {
            "mail": {"from": {"column": "mail", "then": ["lower"]}},
            "sn": {"from": {"column": "last"}, "createOnly": true},
        },
    })
}

#[test]
fn an_object_is_made_of_what_the_core_tells() {
    let resources = Resources::compile(&mapping::<ResourceMapping>(&resource()), &Known::default()).unwrap();
    let make = |purpose, json: Json| resources.make(purpose, json.as_object().unwrap());
    let made = make(Purpose::Create, json!({"login": "anna", "mail": "A@B", "last": null})).unwrap();
    assert_eq!(made.name.as_deref(), Some("cn=anna"));
    assert_eq!(made.attributes[&"mail".parse().unwrap()], [Value::Text("a@b".to_owned())]);
    assert_eq!(made.attributes[&"sn".parse().unwrap()], []);

    let made = make(Purpose::Update, json!({"last": "Berg"})).unwrap();
    assert_eq!((made.name, made.attributes.len()), (None, 0));

    let error = make(Purpose::Create, json!({"mail": "a@b"})).unwrap_err();
    assert_eq!(error.attributes, ["name"]);
    assert_eq!(make(Purpose::Update, json!({"mail": 5})).unwrap_err().attributes, ["mail"]);
}

#[test]
fn an_attribute_the_target_does_not_take_is_refused_with_the_nearest_names() {
    let schema: Schema = serde_json::from_value(json!([{
        "name": "user", "title": "", "kind": "account", "auxiliary": false, "uidMatching": "exact",
        "nameMatching": "exact", "grantableTo": [], "parameters": [],
        "attributes": [attribute("mail", true, true), attribute("sn", true, false), attribute("memberOf", false, false)],
    }]))
    .unwrap();
    let flaws = |json: Json| {
        let json = with(json!({"m": json}), "/m/kind", json!("resource"));
        let found = check(&mapping::<Mapping>(&json["m"]), Some(&Known { schema: Some(&schema), ..Known::default() }));
        found.into_iter().map(|flaw| format!("{}: {}", flaw.at, flaw.message)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(flaws(resource()), "");
    let only = flaws(with(resource(), "/attributes/sn/createOnly", json!(false)));
    assert!(only.contains("attributes.sn: ") && only.contains("say `createOnly`"), "{only}");
    let wrong = flaws(with(resource(), "/attributes", json!({"mial": {"from": {"column": "a"}}})));
    assert_eq!(wrong, "attributes.mial: there is no attribute of user mial; did you mean mail?");
    let wrong = flaws(with(resource(), "/attributes", json!({"memberOf": {"from": {"column": "a"}}})));
    assert!(wrong.contains("does not let it be written"), "{wrong}");
    assert!(flaws(with(resource(), "/class", json!("User"))).contains("did you mean user?"));
}

fn attribute(name: &str, creatable: bool, updateable: bool) -> Json {
    json!({
        "name": name, "nativeName": name, "title": "", "syntax": "text", "matching": "exact", "required": false,
        "multiValued": false, "creatable": creatable, "updateable": updateable, "readable": true,
        "returnedByDefault": true, "confidential": false, "large": false, "refersTo": [], "allowed": [],
    })
}

/// Cells of any kind, whatever the columns say they are.
fn cell() -> impl Strategy<Value = TableCell<'static>> {
    prop_oneof![
        Just(TableCell::Null),
        Just(TableCell::Unread),
        any::<String>().prop_map(|text| TableCell::Text(text.into())),
        any::<i64>().prop_map(TableCell::Integer),
        (prop::num::f64::NORMAL | prop::num::f64::NEGATIVE | prop::num::f64::ZERO).prop_map(TableCell::Real),
        any::<i64>().prop_map(TableCell::Instant),
        any::<i32>().prop_map(TableCell::Date),
        any::<Vec<u8>>().prop_map(|bytes| TableCell::Binary(bytes.into())),
        any::<String>().prop_map(|text| TableCell::Json(text.into())),
        prop::collection::vec(any::<String>(), 0..4).prop_map(|texts| TableCell::Json(json!(texts).to_string().into())),
    ]
}

proptest! {
    #[test]
    fn no_row_panics_and_what_is_made_can_be_written(cells in prop::collection::vec(cell(), 0..6)) {
        let tables = tables();
        let known = known(&tables, &[]);
        let score = json!({"type": "real", "from": {"cel": "1.0 / double(row.uac) + double(row.mail)"}});
        for json in [person(), account(), with(account(), "/properties/score", score)] {
            let entities = Entities::compile(&mapping(&json), &known).unwrap();
            if let Verdict::Made(made) = entities.judge(entities.tables()[0], &cells) {
                prop_assert!(!made.values[entities.key()].is_missing());
                for value in &made.values {
                    prop_assert_eq!(value.write(&mut Vec::new()), Ok(()));
                }
            }
        }
    }
}
