//! Names as servers and people write them, and every name there could be.

use super::*;
use proptest::prelude::*;

fn spelled(text: &str) -> Option<String> {
    Dn::parse(text).map(|dn| dn.text(Letters::Lower))
}

#[test]
fn what_is_no_name_is_refused() {
    for text in ["ada", "=x", "cn", "cn=a,", "cn=\"a", "cn=a\"b", "cn=#0", "cn=#xy", "cn=a+", "c n=a", "cn=a\\"] {
        assert_eq!(spelled(text), None, "{text}");
    }
}

#[test]
fn spellings_of_one_name_become_one() {
    let one = "cn=Lovelace\\, Ada,ou=people,dc=x";
    for text in [
        "CN=Lovelace\\2C Ada,OU=people,DC=x",
        "cn = Lovelace\\2c Ada , ou = people;dc=x",
        "cn=\"Lovelace, Ada\",ou=people,dc=x",
        "OID.cn=Lovelace\\, Ada,ou=people, dc=x",
    ] {
        assert_eq!(spelled(text).as_deref(), Some(one), "{text}");
    }
}

#[test]
fn the_awkward_names_of_the_real_world_survive() {
    for (text, expected) in [
        ("cn=\\ lead", "cn=\\ lead"),
        ("cn=trail\\ ", "cn=trail\\ "),
        ("cn=\\20", "cn=\\ "),
        ("cn=\\#1", "cn=\\#1"),
        ("cn=a\\+b\\\"c\\\\d\\<e\\>f\\;g", "cn=a\\+b\\\"c\\\\d\\<e\\>f\\;g"),
        ("cn=nul\\00byte", "cn=nul\\00byte"),
        ("cn=\u{1F600}", "cn=\u{1F600}"),
        ("cn=\\F0\\9F\\98\\80", "cn=\u{1F600}"),
        ("cn=\\FF", "cn=\\ff"),
        ("cn=Gone\\0ADEL:1,cn=Deleted Objects", "cn=Gone\\0aDEL:1,cn=Deleted Objects"),
        ("cn=a+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ("1.2.3=#04024869", "1.2.3=#04024869"),
        ("cn=,dc=x", "cn=,dc=x"),
        ("cn=\u{202e}turned", "cn=\\e2\\80\\aeturned"),
    ] {
        assert_eq!(spelled(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_name_is_within_its_base_whatever_the_case() {
    let dn = |text| Dn::parse(text).unwrap();
    assert!(dn("uid=a,OU=People,dc=x").is_within(&dn("ou=people,DC=X")));
    assert!(dn("b=2+a=1,dc=x").is(&dn("A=1+B=2,DC=x")));
    assert!(!dn("uid=a,ou=people2,dc=x").is_within(&dn("ou=people,dc=x")));
    assert!(!dn("dc=x").is_within(&dn("ou=people,dc=x")));
}

#[test]
fn ordinary_names_are_told_without_being_taken_apart() {
    for text in ["uid=ada,ou=people,dc=x", "cn=Ada Lovelace+uid=a.b@c,dc=x-1"] {
        assert!(is_canonical(text, Letters::Lower), "{text}");
    }
    assert!(is_canonical("CN=Ada Lovelace,OU=People,DC=x", Letters::Upper));
    for text in ["", "ada", "UID=a", "uid=a, dc=x", "uid=a ,dc=x", "uid=,dc=x", "uid=a,", "cn=é", "cn=a\\,b", "cn=#1"]
    {
        assert!(!is_canonical(text, Letters::Lower), "{text}");
    }
}

#[test]
fn a_child_and_its_parent_find_each_other() {
    let base = Dn::parse("ou=people,dc=x").unwrap();
    let child = base.child(Rdn::new("cn", "a,b"));
    assert_eq!(child.text(Letters::Upper), "CN=a\\,b,OU=people,DC=x");
    assert_eq!(child.parent().unwrap(), base);
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ #a,+\"\\\\<>;=\u{0}é\u{1F600}\u{202e}]{0,8}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #[test]
    fn every_name_is_read_back_as_it_was(names in prop::collection::vec(prop::collection::vec(("[a-z]{1,4}", value()), 1..3), 1..4)) {
        let part = |(attribute, value): &(String, Vec<u8>)| Part { attribute: attribute.clone(), value: value.clone(), encoded: false };
        let dn = Dn { rdns: names.iter().map(|parts| Rdn { parts: parts.iter().map(part).collect() }).collect() };
        let text = dn.text(Letters::Lower);
        prop_assert!(!text.chars().any(acts), "{text:?}");
        prop_assert_eq!(Dn::parse(&text), Some(dn), "{}", text);
    }

    #[test]
    fn what_passes_for_canonical_is_its_own_spelling(text in "[a-cB=,+\\\\# ;.0]{0,24}|[a-b]=[a-cB .#]{0,5},[a-bB]=[a-c +=,]{0,6}") {
        for letters in [Letters::Lower, Letters::Upper] {
            if is_canonical(&text, letters) {
                prop_assert_eq!(Dn::parse(&text).map(|dn| dn.text(letters)), Some(text.clone()));
            }
        }
    }

    #[test]
    fn no_text_is_more_than_refused(text in "[a-c=,+\"\\\\# ;0-9é]{0,24}") {
        if let Some(dn) = Dn::parse(&text) {
            prop_assert_eq!(Dn::parse(&dn.text(Letters::Lower)).map(|dn| dn.text(Letters::Lower)), Some(dn.text(Letters::Lower)));
        }
    }
}
