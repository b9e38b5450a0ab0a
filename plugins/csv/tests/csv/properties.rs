//! Checkpoints and changes against models of them: a file is a list of records, and an attribute a set of values that
//! keeps its order.

use crate::input;
use crate::support::{Folder, account, csv, list};
use hawser_sdk::{AttributeChange, Cell, Change, Edit, FailureKind, Provision, Result, Update, Value};
use proptest::prelude::*;

/// A cell as it stands in a file.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-c0-9]{0,2}",
        2 => "[a-cü\u{feff} ]{1,3}",
        1 => Just("\"x,\n\"\"y\"".to_owned()),
        1 => Just("x\"y".to_owned()),
    ]
}

/// Keys that ascend or do not, repeat, or are missing; rows as wide as the header or not.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let row = prop_oneof![9 => (cell(), cell(), cell()).prop_map(|(a, b, c)| format!("{a},{b},{c}")), 1 => cell()];
    let newline = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n")];
    let end = prop_oneof![4 => Just(""), 1 => Just("4,\"never closed"), 1 => Just("5,x,y")];
    let options = prop_oneof![Just("c"), Just("cn"), Just("cm"), Just("cl"), Just("")];
    let mark = prop_oneof![4 => Just(""), 1 => Just("\u{feff}")];
    (options, mark, prop::collection::vec(row, 0..14), newline, any::<bool>(), end).prop_map(
        |(options, mark, mut rows, newline, sorted, end)| {
            if sorted {
                rows.sort();
            }
            rows.insert(0, "id,name,age".to_owned());
            let rows: String = rows.into_iter().map(|row| format!("{row}{newline}")).collect();
            format!("{options}\n{mark}{rows}{end}").into_bytes()
        },
    )
}

/// Memberships, some of them twice.
fn memberships() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec("[ab]{0,2},[ab]{0,2}(,x)?\n", 0..14)
        .prop_map(|rows| format!("g\ngroup,account\n{}", rows.concat()).into_bytes())
}

type Values = Vec<String>;

fn values() -> impl Strategy<Value = Values> {
    prop::collection::vec("[a-f]", 0..4)
}

fn change() -> impl Strategy<Value = Change> {
    let list = |values: Values| values.into_iter().map(Value::from).collect::<Vec<_>>();
    prop_oneof![
        1 => values().prop_map(move |values| Change::Replace(list(values))),
        4 => (values(), values()).prop_map(move |(add, remove)| Change::Edit(Edit { add: list(add), remove: list(remove) })),
    ]
}

/// What a change makes of a list that is a set: what is removed is gone, what is added is there, and at the end if it
/// was not there before.
fn model(held: &[Value], change: &Change) -> Vec<Value> {
    let Edit { add, remove } = match change {
        Change::Replace(values) => return values.clone(),
        Change::Edit(edit) => edit,
    };
    let mut after = held.to_vec();
    after.retain(|value| !remove.contains(value) || add.contains(value));
    for value in add {
        if !after.contains(value) {
            after.push(value.clone());
        }
    }
    after
}

fn apply(change: &Change) -> Result<()> {
    let changes = vec![AttributeChange { name: "groups".into(), change: change.clone() }];
    let object = account("1");
    let update = Update { object, name: None, container: None, changes, secrets: vec![], revision: None };
    csv().update(update).map(drop)
}

/// The values the account has now.
fn held() -> Vec<Value> {
    match list(&["groups"]).unwrap().rows[1].cells.as_slice() {
        [Cell::Absent] => Vec::new(),
        [Cell::Many(values)] => values.clone(),
        other => panic!("{other:?}"),
    }
}

fn folder() -> Folder {
    Folder::new("id,groups,n\n0,a|b,x\n1,b|c|b,y\n2,,z\n").options("multi-valued", &["groups"])
}

proptest! {
    // Each case is a folder of real files, read some dozen times.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_pass_hands_out_each_record_and_resumes_at_each_checkpoint(file in file()) {
        input::file(&file);
    }

    #[test]
    fn a_relation_hands_out_each_edge_and_resumes_at_each_checkpoint(file in memberships()) {
        input::file(&file);
    }

    #[test]
    fn changes_do_to_a_cell_what_they_do_to_a_set(changes in prop::collection::vec(change(), 1..6)) {
        let folder = folder();
        let _host = folder.enter();
        let mut expected = held();
        for change in &changes {
            apply(change).unwrap();
            expected = model(&expected, change);
            prop_assert_eq!(held(), expected.clone(), "after {:?}", change);
        }
        let text = folder.text("accounts.csv");
        prop_assert!(text.starts_with("id,groups,n\n0,a|b,x\n1,") && text.ends_with(",y\n2,,z\n"), "{}", text);
    }

    #[test]
    fn a_change_that_is_made_twice_is_made_once(change in change()) {
        let folder = folder();
        let _host = folder.enter();
        apply(&change).unwrap();
        let once = folder.text("accounts.csv");
        apply(&change).unwrap();
        prop_assert_eq!(folder.text("accounts.csv"), once);
    }

    #[test]
    fn edits_that_share_no_value_can_come_in_any_order(one in edit("[a-c]"), other in edit("[d-f]")) {
        let after = |changes: [&Change; 2]| {
            let folder = folder();
            let _host = folder.enter();
            changes.into_iter().for_each(|change| apply(change).unwrap());
            let mut values: Vec<_> = held().iter().map(|value| value.as_text().unwrap().to_owned()).collect();
            values.sort();
            values
        };
        prop_assert_eq!(after([&one, &other]), after([&other, &one]));
    }

    #[test]
    fn a_value_that_would_be_two_is_refused_and_changes_nothing(before in values(), after in values()) {
        let folder = folder();
        let _host = folder.enter();
        let add = vec![Value::from(format!("{}|{}", before.concat(), after.concat()))];
        let text = folder.text("accounts.csv");
        let error = apply(&Change::Edit(Edit { add, remove: vec!["b".into()] })).unwrap_err();
        prop_assert_eq!(error.kind(), FailureKind::InvalidAttributeValue);
        prop_assert_eq!(folder.text("accounts.csv"), text);
    }
}

fn edit(letter: &'static str) -> impl Strategy<Value = Change> {
    let values = || prop::collection::vec(letter, 0..3).prop_map(|list| list.into_iter().map(Value::from).collect());
    (values(), values()).prop_map(|(add, remove)| Change::Edit(Edit { add, remove }))
}
