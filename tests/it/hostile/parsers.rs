//! Text that nests without end, for every parser of the host that reads what others wrote: it is refused, and the process
//! lives.

use std::fmt::Write as _;

use hawser::registry::Manifest;
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::vendor::{Release, Vendor, built};
use reqwest::Method;

/// As deep as fits into the longest body, manifest and filter.
const BODY_DEPTH: usize = 150_000;
const MANIFEST_DEPTH: usize = 80_000;
const FILTER_DEPTH: usize = 1_300;
/// Components within components; each adds some bytes to all around it.
const COMPONENT_DEPTH: usize = 20_000;

fn nested(depth: usize, open: &str, inside: &str, close: &str) -> String {
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

#[tokio::test]
async fn bodies_filters_and_releases_that_nest_without_end_are_refused_and_the_process_lives() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(1, 1)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, "").await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    bodies(&bed).await;
    filters(&bed).await;
    releases(&bed).await;
    bed.core.get(&bed.account("u1")).await.expect(200);
}

async fn bodies(bed: &Bed) {
    let values = [
        nested(BODY_DEPTH, "[", "1", "]"),
        nested(BODY_DEPTH, "{\"a\":", "1", "}"),
        nested(BODY_DEPTH, "[", "", ""),
        nested(BODY_DEPTH, "[{\"a\":", "", ""),
    ];
    let account = bed.account("u1");
    for value in &values {
        let bodies = [
            (
                Method::POST,
                bed.at("/objects/account"),
                format!("{{\"name\":\"x\",\"attributes\":{{\"title\":{value}}}}}"),
            ),
            (Method::PATCH, account.clone(), format!("{{\"changes\":{{\"title\":{value}}}}}")),
            (Method::POST, "/v1/connections".to_owned(), value.clone()),
            (Method::POST, bed.at("/check"), value.clone()),
            (Method::PUT, format!("{account}/password"), format!("{{\"new\":{value}}}")),
        ];
        for (method, path, body) in bodies {
            let caller = if path == "/v1/connections" { &bed.operator } else { &bed.core };
            let answer = caller.request(method, &path).body("application/json", body).send().await;
            answer.problem(400, "invalid-request");
        }
    }
}

async fn filters(bed: &Bed) {
    let filters = [
        nested(FILTER_DEPTH, "(", "title pr", ")"),
        nested(FILTER_DEPTH, "not (", "title pr", ")"),
        nested(FILTER_DEPTH, "(not (", "", ""),
        format!("title eq {}", nested(FILTER_DEPTH, "[", "1", "]")),
        format!("title eq {}", nested(FILTER_DEPTH, "{\"a\":", "", "")),
        nested(FILTER_DEPTH * 10, "(", "", ""),
    ];
    for filter in filters {
        let encoded: String = filter.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").unwrap();
            text
        });
        let answer = bed.core.get(&bed.at(&format!("/objects/account?filter={encoded}"))).await;
        answer.problem(400, "invalid-request");
    }
}

async fn releases(bed: &Bed) {
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let vendor = Vendor::new();
    vendor.be_trusted(&bed.operator, "acme").await.expect(201);
    let manifest = manifest.replace("publisher = \"hawser\"", "publisher = \"acme\"");
    for statement in [nested(BODY_DEPTH, "[", "", "]"), nested(BODY_DEPTH, "{\"payload\":", "1", "}")] {
        let release = Release { statement: statement.into_bytes(), component: component.clone() };
        release.install(&bed.operator).await.problem(422, "release-refused");
    }
    let bomb = vendor.sign(&manifest, &components(COMPONENT_DEPTH));
    bomb.install(&bed.operator).await.problem(422, "release-refused");
}

/// Components within components (the binary format of the component model: section 4 holds a whole component).
fn components(depth: usize) -> Vec<u8> {
    const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
    // Written from the inside out, and backwards, since every size stands before what it is the size of.
    let mut reversed: Vec<u8> = HEADER.iter().rev().copied().collect();
    for _ in 0..depth {
        let size = leb128(reversed.len());
        reversed.extend(size.iter().rev());
        reversed.push(4);
        reversed.extend(HEADER.iter().rev());
    }
    reversed.reverse();
    reversed
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[test]
fn a_manifest_that_nests_without_end_is_refused() {
    let (good, _) = built("hawser-csv");
    let key = "a.".repeat(MANIFEST_DEPTH);
    let hostile = [
        format!("deep = {}", nested(MANIFEST_DEPTH, "[", "1", "]")),
        format!("deep = {}", nested(MANIFEST_DEPTH / 2, "{a=", "1", "}")),
        format!("deep = {}", nested(MANIFEST_DEPTH, "[", "", "")),
        format!("deep = {}", nested(MANIFEST_DEPTH, "[{a=", "", "").chars().take(200_000).collect::<String>()),
        format!("{key}a = 1"),
        format!("[{key}a]\nb = 1"),
        format!("[[{key}a]]\nb = 1"),
        format!("deep = {{{key}a = 1}}"),
        "[[option]]\n".repeat(MANIFEST_DEPTH / 4),
    ];
    for text in hostile {
        let begun = text.get(..20).unwrap().to_owned();
        for manifest in [text.clone(), format!("{text}\n{good}"), format!("{good}\n{text}")] {
            assert!(Manifest::parse(&manifest).is_err(), "{begun}");
        }
    }
}
