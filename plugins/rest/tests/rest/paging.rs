//! Lists in pages: every style ends where it should, and never too early.

use crate::support::{Web, request, rest, uids};
use hawser_sdk::http::Response;
use hawser_sdk::testing::Entered;
use hawser_sdk::{FailureKind, Item, Listing, Source};
use serde_json::json;

fn mapping(paging: &str) -> String {
    format!(
        "classes: {{user: {{kind: account, uid: /id, list: {{request: GET /users, items: /items, paging: {paging}}}}}}}"
    )
}

/// An API of some objects that gives so many at a time, counted from zero, beginning with the one its parameter names.
fn by_offset(
    objects: u64,
    page: u64,
    more: impl Fn(u64) -> serde_json::Value + 'static,
) -> impl FnMut(&crate::support::Sent) -> Response {
    move |sent| {
        let from = number(&sent.line, "from=");
        let items: Vec<_> = (from..objects.min(from + page)).map(|id| json!({"id": id.to_string()})).collect();
        let mut body = json!({"items": items});
        body["more"] = more(from);
        body["total"] = json!(objects);
        body["pages"] = json!(objects.div_ceil(page));
        Response::new(200, body.to_string())
    }
}

fn number(line: &str, parameter: &str) -> u64 {
    let after = line.split(parameter).nth(1).unwrap_or("0");
    after.split('&').next().unwrap().parse().unwrap()
}

fn expected(objects: u64) -> Vec<String> {
    (0..objects).map(|id| id.to_string()).collect()
}

#[test]
fn offsets_go_on_by_what_came_until_an_empty_page() {
    let web = Web::new(&mapping("{offset: {parameter: from, size: {parameter: n, items: 10}}}"));
    let (_host, log) = web.answers(by_offset(7, 3, |_| json!(null)));
    assert_eq!(uids("user").unwrap(), expected(7));
    let asked = ["0", "3", "6", "7"].map(|from| format!("GET /api/users?n=10&from={from}"));
    assert_eq!(log.lines(), asked, "the server gives fewer than it was asked for");
}

#[test]
fn a_total_ends_the_list_and_a_list_that_ends_before_it_is_a_failure() {
    let told = mapping("{offset: {parameter: from, total: /total}}");
    let (_host, log) = Web::new(&told).answers(by_offset(6, 3, |_| json!(null)));
    assert_eq!(uids("user").unwrap(), expected(6));
    assert_eq!(log.lines().len(), 2);
    let cut = |sent: &crate::support::Sent| {
        let items = if number(&sent.line, "from=") == 0 { json!([{"id": "0"}]) } else { json!([]) };
        Response::new(200, json!({"items": items, "total": 40}).to_string())
    };
    let (_host, _log) = Web::new(&told).answers(cut);
    let error = uids("user").unwrap_err();
    assert!(error.kind() == FailureKind::Retryable && error.message().contains("1 of 40"), "{error}");
}

#[test]
fn a_total_that_shrinks_while_the_list_is_read_fails_the_pass() {
    let paging = "{offset: {parameter: from, total: /total}}";
    let shrinking = |sent: &crate::support::Sent| {
        let (id, total) = if number(&sent.line, "from=") == 0 { ("0", 3) } else { ("2", 2) };
        Response::new(200, json!({"items": [{"id": id}], "total": total}).to_string())
    };
    let (_host, _log) = Web::new(&mapping(paging)).answers(shrinking);
    let error = uids("user").unwrap_err();
    assert!(error.kind() == FailureKind::Retryable && error.message().contains("deleted while"), "{error}");
}

#[test]
fn pages_are_counted_from_where_the_mapping_says_and_end_with_the_number_of_pages() {
    let (_host, log) = Web::new(&mapping("{page: {parameter: p, pages: /pages}}")).answers(|sent| {
        let page = number(&sent.line, "p=");
        Response::new(200, json!({"items": [{"id": page.to_string()}], "pages": 3}).to_string())
    });
    assert_eq!(uids("user").unwrap(), ["1", "2", "3"]);
    assert_eq!(log.lines()[0], "GET /api/users?p=1");
}

#[test]
fn cursors_are_handed_back_until_there_is_none() {
    let (_host, log) =
        Web::new(&mapping("{cursor: {parameter: from, next: /more}}"))
            .answers(by_offset(5, 2, |from| if from < 4 { json!(from + 2) } else { json!("") }));
    assert_eq!(uids("user").unwrap(), expected(5));
    assert_eq!(log.lines(), ["GET /api/users", "GET /api/users?from=2", "GET /api/users?from=4"]);
}

#[test]
fn links_are_followed_on_this_host_alone() {
    let link = |host: &'static str| {
        by_offset(4, 2, move |from| if from < 2 { json!(format!("{host}/api/users?from=2")) } else { json!(null) })
    };
    let (_host, log) = Web::new(&mapping("{link: {next: /more}}")).answers(link("https://api.test:8443"));
    assert_eq!(uids("user").unwrap(), expected(4));
    assert_eq!(log.lines()[1], "GET /api/users?from=2");
    let (_host, log) = Web::new(&mapping("{link: {next: /more}}")).answers(link("https://evil.test"));
    assert_eq!(uids("user").unwrap_err().kind(), FailureKind::Configuration);
    assert_eq!(log.lines().len(), 1, "nothing was sent elsewhere, and nothing here in its place");
}

#[test]
fn the_link_header_leads_to_the_next_page() {
    let (_host, _log) = Web::new(&mapping("{link-header: {}}")).answers(|sent| {
        let from = number(&sent.line, "from=");
        let answer = Response::new(200, json!({"items": [{"id": from.to_string()}]}).to_string());
        if from < 2 { answer.with_header("Link", &format!("<?from={}>; rel=\"next\"", from + 1)) } else { answer }
    });
    assert_eq!(uids("user").unwrap(), expected(3));
}

#[test]
fn a_link_header_of_several_lines_is_one() {
    let (_host, _log) = Web::new(&mapping("{link-header: {}}")).answers(|sent| {
        let from = number(&sent.line, "from=");
        let answer = Response::new(200, json!({"items": [{"id": from.to_string()}]}).to_string());
        let answer = answer.with_header("Link", "</api/users>; rel=\"first\"");
        if from < 2 { answer.with_header("link", &format!("<?from={}>; rel=\"next\"", from + 1)) } else { answer }
    });
    assert_eq!(uids("user").unwrap(), expected(3));
}

#[test]
fn a_link_header_that_is_no_text_does_not_end_the_list() {
    let (_host, _log) = Web::new(&mapping("{link-header: {}}")).answers(|_| {
        let mut answer = Response::new(200, r#"{"items": [{"id": "1"}]}"#).with_header("Link", "</b>; rel=\"next\"");
        answer.headers[0].value.push(0xff);
        answer
    });
    assert_eq!(uids("user").unwrap_err().kind(), FailureKind::ConnectionBroken);
}

#[test]
fn only_what_says_that_there_is_no_next_page_ends_the_list() {
    let listed = |paging: &str, next: serde_json::Value| {
        let answer = json!({"items": [{"id": "1"}], "more": next}).to_string();
        let (_host, _log) = Web::new(&mapping(paging)).answers(move |_| Response::new(200, answer.as_str()));
        uids("user").map_err(|error| error.kind())
    };
    for paging in ["{cursor: {parameter: from, next: /more}}", "{link: {next: /more}}"] {
        for last in [json!(null), json!(""), json!(false)] {
            assert_eq!(listed(paging, last.clone()), Ok(vec!["1".to_owned()]), "{paging} {last}");
        }
        for strange in [json!({"href": "/api/users?from=2"}), json!(["/api/users?from=2"]), json!(true)] {
            assert_eq!(listed(paging, strange.clone()), Err(FailureKind::ConnectionBroken), "{paging} {strange}");
        }
    }
}

/// The same page whatever it is asked for.
fn stuck(paging: &str) -> Entered {
    let answer = |_: &crate::support::Sent| Response::new(200, r#"{"items": [{"id": "1"}], "more": "same"}"#);
    Web::new(&mapping(paging)).answers(answer).0
}

#[test]
fn a_page_that_comes_again_fails_the_pass() {
    for paging in ["{page: {parameter: p}}", "{offset: {parameter: from}}", "{cursor: {parameter: c, next: /more}}"] {
        let _host = stuck(paging);
        let error = uids("user").unwrap_err();
        assert!(error.kind() == FailureKind::Retryable && error.message().contains("again"), "{paging}: {error}");
    }
}

#[test]
fn where_no_list_stands_there_is_none_and_not_an_empty_one() {
    for body in [r#"{"items": null}"#, r#"{"items": {}}"#, r#"{"users": []}"#, "[]", "", "<html>"] {
        let (_host, _log) = Web::new(&mapping("none")).answers(move |_| Response::new(200, body));
        assert_eq!(uids("user").unwrap_err().kind(), FailureKind::ConnectionBroken, "{body}");
    }
    let (_host, _log) = Web::new(&mapping("none")).answers(|_| Response::new(200, r#"{"items": []}"#));
    assert!(uids("user").unwrap().is_empty());
}

#[test]
fn another_instance_goes_on_where_the_checkpoint_says() {
    let paging = "{offset: {parameter: from, size: {parameter: n, items: 3}}}";
    let (_host, _log) = Web::new(&mapping(paging)).answers(by_offset(7, 3, |_| json!(null)));
    for stop in 1..7 {
        let mut listing = rest().list(request("user", &[]), None).unwrap();
        let mut found: Vec<String> = (0..stop).map(|_| uid(listing.next_item())).collect();
        let mut resumed = rest().list(request("user", &[]), listing.checkpoint()).unwrap();
        while let Some(item) = resumed.next_item() {
            found.push(uid(Some(item)));
        }
        assert_eq!(found, expected(7), "stopped after {stop}");
    }
}

#[test]
fn a_checkpoint_of_a_page_that_changed_is_worth_nothing() {
    let paging = mapping("{offset: {parameter: from}}");
    let (_host, _log) = Web::new(&paging).answers(by_offset(7, 3, |_| json!(null)));
    let mut listing = rest().list(request("user", &[]), None).unwrap();
    listing.next_item();
    let checkpoint = listing.checkpoint();
    let (_host, _log) = Web::new(&paging).answers(|_| Response::new(200, r#"{"items": [{"id": "new"}, {"id": "0"}]}"#));
    for checkpoint in [checkpoint, Some(b"{".to_vec())] {
        let resumed = rest().list(request("user", &[]), checkpoint);
        let error = resumed.map(|mut listing| listing.next_item().unwrap().unwrap_err()).unwrap_or_else(|error| error);
        assert_eq!(error.kind(), FailureKind::ResyncRequired);
    }
}

fn uid(item: Option<hawser_sdk::Result<Item<hawser_sdk::Record>>>) -> String {
    match item.unwrap().unwrap() {
        Item::Found(record) => record.uid().to_owned(),
        Item::Rejected(rejected) => panic!("{rejected:?}"),
    }
}
