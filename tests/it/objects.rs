//! Live objects: read and changed in the real files, through the sandboxed connector.

use hawser_tests::bed::Bed;
use hawser_tests::people::account_uid;
use reqwest::Method;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn an_account_is_created_read_changed_and_deleted_in_the_file() {
    let bed = Bed::new(3, 1).await;
    let draft =
        json!({"name": "new.hire", "attributes": {"id": ["n1"], "email": ["new@example.com"], "employeeNumber": [7]}});
    let created = bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201);
    assert_eq!(created.json()["uid"], "n1", "{}", created.text);
    assert_eq!(created.header("location"), bed.account("n1"));
    assert!(bed.people.read("accounts.csv").contains("new@example.com"));

    let read = bed.core.get(&bed.account("n1")).await.expect(200).json();
    assert_eq!((&read["class"], &read["uid"], &read["name"]), (&json!("account"), &json!("n1"), &json!("new.hire")));
    assert_eq!(read["attributes"]["employeeNumber"], json!([7]));
    assert_eq!(read["attributes"]["email"], json!(["new@example.com"]));

    let change = json!({"name": "hired", "changes": {"title": {"replace": ["Boss"]}, "email": {"replace": []}}});
    bed.core.patch(&bed.account("n1"), &change).await.expect(200);
    let read = bed.core.get(&bed.account("n1")).await.expect(200).json();
    assert_eq!((&read["name"], &read["attributes"]["title"]), (&json!("hired"), &json!(["Boss"])));
    assert!(read["attributes"].get("email").is_none_or(|email| email == &json!([])), "{read}");

    bed.core.delete(&bed.account("n1")).await.expect(204);
    bed.core.get(&bed.account("n1")).await.problem(404, "unknown-uid").names("n1");
    assert!(!bed.people.read("accounts.csv").contains("hired"));
}

#[tokio::test]
async fn untouched_rows_stay_byte_for_byte() {
    let bed = Bed::new(3, 0).await;
    let odd = "u77,odd, spaced ,\"quo\"\"ted\",x@example.com,\"multi\nline\",t,,true,1,,";
    bed.people.append("accounts.csv", odd);
    bed.core.patch(&bed.account("u1"), &json!({"changes": {"title": {"replace": ["Boss"]}}})).await.expect(200);
    assert!(bed.people.read("accounts.csv").contains(odd));
}

#[tokio::test]
async fn a_create_of_somebody_who_exists_names_him_and_changes_nothing() {
    let bed = Bed::new(3, 0).await;
    let before = bed.people.read("accounts.csv");
    let draft = json!({"name": "new", "attributes": {"id": ["u2"]}});
    let refused = bed.core.post(&bed.at("/objects/account"), &draft).await.problem(409, "already-exists");
    assert_eq!(refused.0["object"]["uid"], "u2", "{refused:?}");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn nobody_is_created_by_changing_or_deleting_him() {
    let bed = Bed::new(3, 0).await;
    let before = bed.people.read("accounts.csv");
    let change = json!({"changes": {"title": {"replace": ["Boss"]}}});
    bed.core.patch(&bed.account("ghost"), &change).await.problem(404, "unknown-uid").names("ghost");
    bed.core.delete(&bed.account("ghost")).await.problem(404, "unknown-uid").names("ghost");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn a_malformed_draft_is_refused_by_name_and_the_file_stays() {
    let bed = Bed::new(3, 0).await;
    let before = bed.people.read("accounts.csv");
    let drafts = [
        (json!({"attributes": {"id": ["n1"]}}), "name"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "colour": ["red"]}}), "colour"),
        (json!({"name": "x", "attributes": {"id": "n1"}}), "id"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "employeeNumber": ["seven"]}}), "employeeNumber"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "employeeNumber": [1.5]}}), "employeeNumber"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "active": ["yes"]}}), "active"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "title": ["a", "b"]}}), "title"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "title": [null]}}), "title"),
        (json!({"name": "x", "attributes": {"id": ["n1"], "title": ["=HYPERLINK(1)"]}}), "title"),
        (json!({"name": "x", "attributes": {"id": ["n1"]}, "colour": "red"}), "colour"),
        (json!({"name": 5, "attributes": {}}), "name"),
    ];
    for (draft, wrong) in drafts {
        bed.core.post(&bed.at("/objects/account"), &draft).await.refusal().names(wrong);
    }
    let unknown = bed.core.post(&bed.at("/objects/robot"), &json!({"name": "x", "attributes": {}})).await;
    unknown.refusal().names("robot");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn a_malformed_change_is_refused_by_name_and_the_file_stays() {
    let bed = Bed::new(3, 0).await;
    let before = bed.people.read("accounts.csv");
    let changes = [
        (json!({}), "change"),
        (json!({"changes": {"colour": {"replace": ["red"]}}}), "colour"),
        (json!({"changes": {"title": ["Boss"]}}), "title"),
        (json!({"changes": {"title": {"replace": ["Boss"], "add": ["x"]}}}), "title"),
        (json!({"changes": {"title": {"set": ["Boss"]}}}), "title"),
        (json!({"changes": {"title": {}}}), "title"),
        (json!({"changes": {"employeeNumber": {"replace": ["seven"]}}}), "employeeNumber"),
        (json!({"changes": {"id": {"replace": ["u9"]}}}), "id"),
        (json!({"name": 5}), "name"),
        (json!({"colour": "red"}), "colour"),
    ];
    for (change, wrong) in changes {
        bed.core.patch(&bed.account("u1"), &change).await.refusal().names(wrong);
    }
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn a_malformed_filter_is_refused_with_the_place() {
    let bed = Bed::new(3, 0).await;
    let nested = "(".repeat(100) + "title pr" + &")".repeat(100);
    let filters = [
        ("title eq", "character 8"),
        ("title is \"x\"", "operator"),
        ("colour eq \"red\"", "colour"),
        ("employeeNumber eq \"seven\"", "employeeNumber"),
        ("title eq \"x", "character"),
        ("title eq \"x\" and", "character"),
        ("title[type eq \"x\"]", "["),
        (nested.as_str(), "nest"),
    ];
    for (filter, wrong) in filters {
        let mut query = url(filter);
        query.insert_str(0, &bed.at("/objects/account?filter="));
        bed.core.get(&query).await.problem(400, "invalid-request").names(wrong);
    }
    let long = format!("title eq \"{}\"", "x".repeat(9000));
    bed.core.get(&(bed.at("/objects/account?filter=") + &url(&long))).await.refusal();
}

/// Percent-encodes everything that is not a letter or a digit.
fn url(text: &str) -> String {
    let encode =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

async fn uids(bed: &Bed, query: &str) -> Vec<String> {
    let page = bed.core.get(&bed.at(&format!("/objects/account?{query}"))).await.expect(200).json();
    page["objects"].as_array().unwrap().iter().map(|object| object["uid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_find_whom_they_describe() {
    let bed = Bed::new(30, 0).await;
    assert_eq!(uids(&bed, &format!("filter={}", url("@uid eq \"u7\""))).await, ["u7"]);
    assert_eq!(uids(&bed, &format!("filter={}", url("userName eq \"user.7\""))).await, ["u7"]);
    assert_eq!(uids(&bed, &format!("filter={}", url("employeeNumber ge 1029"))).await, ["u29", "u30"]);
    assert_eq!(uids(&bed, &format!("filter={}", url("active eq false"))).await, ["u20"]);
    assert_eq!(uids(&bed, &format!("filter={}", url("not (manager pr)"))).await, ["u1"]);
    let both = "department co \"Legal\" and (email sw \"user.2@\" or email sw \"user.3@\")";
    assert_eq!(uids(&bed, &format!("filter={}", url(both))).await, ["u2"]);
}

#[tokio::test]
async fn only_the_attributes_that_were_asked_for_come_back() {
    let bed = Bed::new(3, 0).await;
    let object = bed.core.get(&(bed.account("u1") + "?attributes=title,active")).await.expect(200).json();
    let names: Vec<&String> = object["attributes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["title", "active"]);
    bed.core.get(&(bed.account("u1") + "?attributes=colour")).await.refusal().names("colour");
    bed.core.get(&(bed.account("u1") + "?attributes=passwordHash")).await.refusal().names("passwordHash");
    bed.core.get(&bed.at("/objects/account?attributes=colour")).await.refusal().names("colour");
}

#[tokio::test]
async fn a_live_listing_goes_on_behind_its_cursor_to_the_end() {
    let bed = Bed::new(25, 0).await;
    let (mut seen, mut query) = (Vec::new(), "limit=10".to_owned());
    loop {
        let page = bed.core.get(&bed.at(&format!("/objects/account?{query}"))).await.expect(200).json();
        let objects = page["objects"].as_array().unwrap();
        assert!(objects.len() <= 10, "{}", objects.len());
        seen.extend(objects.iter().map(|object| object["uid"].as_str().unwrap().to_owned()));
        assert!(seen.len() <= 25, "the listing does not go forward: {seen:?}");
        let Some(cursor) = page["cursor"].as_str() else { break };
        query = format!("limit=10&cursor={}", url(cursor));
    }
    assert_eq!(seen, (1..=25).map(account_uid).collect::<Vec<_>>());
    let foreign = bed.core.get(&bed.at("/objects/account?cursor=nobody")).await;
    foreign.refusal().names("listing");
}

#[tokio::test]
async fn a_cursor_is_of_use_to_its_own_connection_only() {
    let (bed, other) = (Bed::new(25, 0).await, Bed::new(25, 0).await);
    let page = bed.core.get(&bed.at("/objects/account?limit=10")).await.expect(200).json();
    let cursor = url(page["cursor"].as_str().unwrap());
    other.core.get(&other.at(&format!("/objects/account?limit=10&cursor={cursor}"))).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_shown_beside_the_others() {
    let bed = Bed::new(3, 0).await;
    bed.people.append("accounts.csv", ",nobody,,,,,,,,,,");
    let page = bed.core.get(&bed.at("/objects/account")).await.expect(200).json();
    assert_eq!(page["objects"].as_array().unwrap().len(), 3, "{page}");
    assert_eq!(page["rejected"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn a_uid_with_a_slash_travels_in_both_forms() {
    let bed = Bed::new(1, 0).await;
    bed.people.append("accounts.csv", "a/b ö,slash,,,,,,,,,,");
    let percent = bed.core.get(&bed.account("a%2Fb%20%C3%B6")).await.expect(200).json();
    let base64 = bed.core.get(&bed.account("~YS9iIMO2")).await.expect(200).json();
    assert_eq!((&percent["uid"], &base64["uid"]), (&json!("a/b ö"), &json!("a/b ö")));
    bed.core.get(&bed.account("~!!")).await.problem(400, "invalid-request").names("base64");
    bed.core.get(&bed.account("a%00b")).await.problem(400, "invalid-request").names("uid");
    bed.core.get(&bed.account("a%FF")).await.problem(400, "invalid-request");
}

#[tokio::test]
async fn an_object_somebody_else_changed_meanwhile_is_not_overwritten() {
    let bed = Bed::new(3, 0).await;
    let seen = bed.core.get(&bed.account("u1")).await.expect(200);
    let etag = seen.header("etag").to_owned();
    assert!(!etag.is_empty(), "{}", seen.text);
    bed.people.replace("accounts.csv", "Engineer 1,", "Director,");
    let late = json!({"changes": {"title": {"replace": ["Boss"]}}});
    let late = bed.core.request(Method::PATCH, &bed.account("u1")).header("if-match", &etag).json(&late);
    late.send().await.problem(412, "precondition-failed");
    let late = bed.core.request(Method::DELETE, &bed.account("u1")).header("if-match", &etag);
    late.send().await.problem(412, "precondition-failed");
    assert!(bed.people.read("accounts.csv").contains("Director,"));
}

#[tokio::test]
async fn a_target_that_is_broken_is_no_fault_of_the_host() {
    let bed = Bed::new(3, 0).await;
    bed.people.write("accounts.csv", "nothing,useful\n1,2\n");
    let refused = bed.core.get(&bed.at("/objects/account")).await;
    let problem = refused.problem(refused.status, "configuration").names("accounts.csv");
    assert!(problem.0.get("effect").is_none_or(|effect| effect == &Json::from("none")), "{problem:?}");
}
