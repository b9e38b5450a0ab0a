//! Connection tables: known before the first import, whole while others are published, and the same in every format.

mod duckdb;
mod ldap;
mod since;

use std::collections::BTreeMap;

use hawser_tests::bed::{Bed, items};
use hawser_tests::client::{Answer, Client};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// A table's rows as they stand in CSV: by the first column, each cell by its column.
type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// The rows of a CSV answer; the first cell of each is its own.
fn rows(answer: &Answer) -> Rows {
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        names.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    let all: Vec<BTreeMap<String, String>> = reader.records().map(|record| row(record.unwrap())).collect();
    let count = all.len();
    let key = |row: &BTreeMap<String, String>| {
        row.get(":uid").cloned().unwrap_or_else(|| format!("{}>{}", row[":owner"], row[":value"]))
    };
    let rows: Rows = all.into_iter().map(|row| (key(&row), row)).collect();
    assert_eq!(rows.len(), count, "a key twice");
    rows
}

/// A table of a bed, whole.
async fn table(bed: &Bed, suffix: &str, query: &str) -> Answer {
    bed.core.get(&bed.at(&format!("/tables/{suffix}/rows{query}"))).await.expect(200)
}

/// What a listing says of a table.
fn listed(listing: &Json, suffix: &str) -> Json {
    let found = listing["items"].as_array().unwrap().iter().find(|table| table["suffix"] == suffix);
    found.unwrap_or_else(|| panic!("no {suffix}: {listing}")).clone()
}

fn columns(table: &Json) -> Vec<&str> {
    table["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn before_a_schema_was_read_tables_are_those_of_the_manifest_and_it_is_said_why() {
    let bed = Bed::bare(House::shared().await, People::new(1, 1)).await;
    bed.create(&bed.connection()).await;
    let listing = bed.core.get(&bed.at("/tables")).await.expect(200).json();
    assert!(listing["notice"].as_str().unwrap().contains("refresh it"), "{listing}");
    assert_eq!(columns(&listed(&listing, "account")), [":uid", ":name", ":revision", ":unread"]);
}

#[tokio::test]
async fn before_the_first_import_tables_have_their_columns_and_no_rows() {
    let bed = Bed::new(3, 2).await;
    let listing = bed.core.get(&bed.at("/tables")).await.expect(200).json();
    assert!(listing.get("notice").is_none() && listing.get("run").is_none(), "{listing}");
    assert_eq!(items_suffixes(&listing), ["account", "group", "group_members"]);
    let account = listed(&listing, "account");
    assert_eq!(account["name"], format!("{}_account", bed.id));
    let number = account["columns"].as_array().unwrap().iter().find(|it| it["name"] == "employeeNumber").unwrap();
    let expected =
        json!({"name": "employeeNumber", "kind": "integer", "multiValued": false, "attribute": "employeeNumber"});
    assert_eq!(*number, expected);
    assert!(!columns(&account).contains(&"passwordHash"), "what is never read is no column: {account}");
    assert!(account.get("rows").is_none(), "{account}");
    let empty = table(&bed, "account", "").await;
    assert_eq!((empty.text.lines().count(), empty.header("hawser-position")), (1, "0"), "{}", empty.text);
}

fn items_suffixes(listing: &Json) -> Vec<&str> {
    listing["items"].as_array().unwrap().iter().map(|table| table["suffix"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_table_has_what_was_published_and_is_counted() {
    let bed = Bed::new(4_500, 3).await;
    bed.import_published().await;
    let accounts = rows(&table(&bed, "account", "").await);
    assert_eq!(accounts.len(), 4_500);
    let one = &accounts["u7"];
    assert_eq!(
        (one[":name"].as_str(), one["employeeNumber"].as_str(), one["active"].as_str()),
        ("user.7", "1007", "true")
    );
    assert_eq!(one["department"], "Legal, Compliance");
    let published = bed.published("account").await;
    assert!(published.iter().all(|object| accounts[object["uid"].as_str().unwrap()]["title"]
        == object["attributes"]["title"][0].as_str().unwrap()));

    let members = rows(&table(&bed, "GROUP_members", "").await);
    assert_eq!(members.len(), 4_500);
    assert!(members.contains_key("g2>u1"), "{:?}", members.keys().next());
    let listing = bed.core.get(&bed.at("/tables")).await.expect(200).json();
    let counts = |suffix| (listed(&listing, suffix)["rows"].clone(), listed(&listing, suffix)["setAside"].clone());
    assert_eq!(counts("account"), (json!(4_500), json!(0)));
    assert_eq!(counts("group_members"), (json!(4_500), json!(0)));
    assert_eq!(listing["position"], bed.position().await);
}

#[tokio::test]
async fn whatever_a_cell_holds_comes_back_as_it_was() {
    let bed = Bed::new(1, 0).await;
    let hostile = ["=cmd|' /C calc'!A0", "a \"quoted\" one, with a comma", "two\r\nlines", "🦀 Zoë", "'"];
    for (n, text) in hostile.iter().enumerate() {
        let quoted = text.replace('"', "\"\"");
        bed.people.append("accounts.csv", &format!("x{n},x.{n},,,,,\"{quoted}\",,true,1,,"));
    }
    bed.import_published().await;
    let plain = rows(&table(&bed, "account", "").await);
    let escaped = rows(&table(&bed, "account", "?escape-formulas=true").await);
    for (n, text) in hostile.iter().enumerate() {
        let uid = format!("x{n}");
        assert_eq!(plain[&uid]["title"], *text);
        let expected = if n == 0 { format!("'{text}") } else { (*text).to_owned() };
        assert_eq!(escaped[&uid]["title"], expected);
    }
    let lines = bed.core.get(&bed.at("/tables/account/rows?format=ndjson")).await.expect(200).lines();
    let crab = lines.iter().find(|line| line[":uid"] == "x3").unwrap();
    assert_eq!((&crab["title"], &crab["employeeNumber"], &crab["active"]), (&json!("🦀 Zoë"), &json!(1), &json!(true)));
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_by_name() {
    let bed = Bed::new(1, 1).await;
    bed.core.get(&bed.at("/tables/robots/rows")).await.problem(404, "not-found").names("group_members");
    bed.core.get(&bed.at("/tables/-/rows")).await.problem(404, "not-found").names(&format!("{}_account", bed.id));
    for (query, name) in [("format=xlsx", "xlsx"), ("since=-1", "since"), ("colour=red", "colour")] {
        bed.core
            .get(&bed.at(&format!("/tables/account/rows?{query}")))
            .await
            .problem(400, "invalid-request")
            .names(name);
    }
    let parquet = bed.core.get(&bed.at("/tables/account/rows?format=parquet&escape-formulas=true")).await;
    parquet.problem(400, "invalid-request").names("escape-formulas");
    let accept = bed.core.request(reqwest::Method::GET, &bed.at("/tables/account/rows")).header("accept", "image/png");
    accept.send().await.problem(400, "invalid-request").names("text/csv");
}

#[tokio::test]
async fn the_header_accept_chooses_the_format() {
    let bed = Bed::new(1, 1).await;
    bed.import_published().await;
    for (accept, kind) in [
        ("*/*", "text/csv; charset=utf-8; header=present"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("image/png, application/vnd.apache.parquet;q=0.5", "application/vnd.apache.parquet"),
    ] {
        let request = bed.core.request(reqwest::Method::GET, &bed.at("/tables/account/rows")).header("accept", accept);
        let answer = request.send().await.expect(200);
        assert_eq!(answer.header("content-type"), kind);
        assert!(answer.header("content-disposition").contains(&format!("filename=\"{}_account.", bed.id)));
    }
}

#[tokio::test]
async fn rows_that_were_set_aside_are_told_with_their_reason() {
    let bed = Bed::new(3, 1).await;
    bed.people.append("accounts.csv", "u2,again,,,,,,,true,1,,");
    bed.people.append("accounts.csv", ",nobody,,,,,,,true,1,,");
    bed.import_published().await;
    let listing = bed.core.get(&bed.at("/tables")).await.expect(200).json();
    let account = listed(&listing, "account");
    assert_eq!((&account["rows"], &account["setAside"]), (&json!(3), &json!(2)), "{account}");
    let told = bed.core.get(&bed.at("/tables/account/set-aside")).await.expect(200).lines();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|record| record["record"] == "u2" && record["kind"] == "schema-violation"), "{told:?}");
    assert_eq!(bed.core.get(&bed.at("/tables/group/set-aside")).await.expect(200).lines(), Vec::<Json>::new());
}

/// People with so much text that a download is longer than what waits between a host and its reader.
fn wide_people(accounts: usize) -> People {
    let people = People::new(0, 0);
    let title = "x".repeat(4_000);
    let line = |n: usize| format!("w{n},wide.{n},,,,,{title},,true,{n},,\n");
    people.write("accounts.csv", &(people.read("accounts.csv") + &(0..accounts).map(line).collect::<String>()));
    people
}

async fn open(house: &House, bed: &Bed, path: &str) -> reqwest::Response {
    let token = &house.tokens().core;
    let url = format!("{}{}", house.base(), bed.at(path));
    reqwest::Client::builder().no_proxy().build().unwrap().get(url).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_download_shows_one_run_whatever_is_published_meanwhile() {
    let house = House::start().await;
    let bed = Bed::bare(&house, wide_people(6_000)).await;
    let mut connection = bed.connection();
    connection["thresholds"] = json!({"removed": null, "removedPercent": null});
    bed.connect(&connection).await;
    bed.import_published().await;
    let before = bed.position().await;
    let mut download = open(&house, &bed, "/tables/account/rows").await;
    assert_eq!(download.headers()["hawser-position"], before.to_string().as_str());
    let mut text = download.chunk().await.unwrap().unwrap().to_vec();
    for _ in 0..2 {
        // Everybody has another title, and half of them are gone.
        let halved = bed.people.read("accounts.csv").replace("xxx,", "yyy,");
        bed.people.write("accounts.csv", &halved);
        bed.people.keep_lines("accounts.csv", |line| {
            line.split(',').next().is_some_and(|uid| uid.ends_with(['1', '3', '5']))
        });
        bed.import_published().await;
    }
    while let Some(piece) = download.chunk().await.unwrap() {
        text.extend(piece);
    }
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let titles = reader.headers().unwrap().iter().position(|name| name == "title").unwrap();
    let seen: Vec<bool> = reader.records().map(|record| record.unwrap()[titles].ends_with("xxx")).collect();
    assert_eq!(seen, vec![true; 6_000], "as it was when the download began");
    assert_eq!(rows(&table(&bed, "account", "").await).len(), 1_800, "and then as it is");
    house.stop().await;
}

#[tokio::test]
async fn a_stranger_sees_no_table() {
    let bed = Bed::new(1, 1).await;
    let stranger: Client = House::shared().await.stranger();
    stranger.get(&bed.at("/tables")).await.problem(401, "unauthenticated");
    assert!(items(&bed.core.get(&bed.at("/tables")).await.expect(200)).len() > 1);
}
