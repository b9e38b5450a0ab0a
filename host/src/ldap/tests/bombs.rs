//! What a server says without end: a page is handed out before it grows beyond its bound.

use super::super::limits::{ATTRIBUTES_MAX, ENTRIES_BYTES_MAX, MESSAGE_BYTES_MAX, REFERRALS_MAX};
use super::*;

const REFERENCE: u8 = 0x73;
const INTERMEDIATE: u8 = 0x79;

fn reference(id: u32, places: usize) -> Vec<u8> {
    message(id, |writer| writer.nested(REFERENCE, |writer| (0..places).for_each(|_| writer.text("ldap://a/"))))
}

/// An entry without attributes, and with a control of so many bytes.
fn laden(id: u32, bytes: usize) -> Vec<u8> {
    message(id, |writer| {
        writer.nested(0x64, |writer| {
            writer.text("cn=a");
            writer.nested(SEQUENCE, |_| {});
        });
        writer.nested(0xa0, |writer| {
            writer.nested(SEQUENCE, |writer| {
                writer.text("1.2.3");
                writer.octets(OCTETS, &vec![b'x'; bytes]);
            });
        });
    })
}

/// The first page of a server that says this, and then neither more nor that it is done.
async fn page(page_size: Option<u32>, says: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static) -> Entries {
    let server = Server::start(after_login(move |asked| Some(says(asked.id)))).await;
    let mut search = Search::new(Pool::default(), server.to(), request(page_size)).unwrap();
    search.next(&egress(), 1_000, soon()).await.unwrap()
}

#[tokio::test]
async fn a_page_ends_at_its_bound_whatever_a_server_fills_it_with() {
    let many = |count: usize, one: fn(u32) -> Vec<u8>| move |id: u32| one(id).repeat(count);
    let references = page(None, many(200, |id| reference(id, REFERRALS_MAX))).await;
    assert!((1..200 * REFERRALS_MAX).contains(&references.referrals.len()), "all of them are held");
    let empty = page(None, many(200_000, |id| message(id, |writer| writer.nested(INTERMEDIATE, |_| {})))).await;
    assert!((1..200_000).contains(&empty.intermediates.len()), "all of them are held");
    let controls = page(None, many(2, |id| laden(id, 15 << 20))).await;
    assert_eq!(controls.found.count(), 1, "more is held than one that is too large");
    // A page whose entries are all there is read to its end, which never comes.
    let full = |id: u32| [entry(id, "cn=a", &[]), reference(id, REFERRALS_MAX).repeat(200)].concat();
    let full = page(Some(1), full).await;
    assert!((1..200 * REFERRALS_MAX).contains(&full.referrals.len()) && full.found.count() == 1, "all are held");
    for page in [references, empty, controls, full] {
        assert!(!page.done && (ENTRIES_BYTES_MAX..ENTRIES_BYTES_MAX + MESSAGE_BYTES_MAX).contains(&page.bytes()));
    }
}

#[tokio::test]
async fn one_message_that_would_take_many_times_its_size_is_refused() {
    let names: Vec<String> = (0..=ATTRIBUTES_MAX).map(|n| format!("a{n}")).collect();
    let attributes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    for bomb in [reference(2, REFERRALS_MAX + 1), entry(2, "cn=a", &attributes)] {
        let server = Server::start(after_login(move |_| Some(bomb.clone()))).await;
        let failure = found(&Pool::default(), &server.to()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ConnectionBroken, "{failure:?}");
    }
    let closing = |_: &Asked| {
        let words = "x".repeat(1 << 20);
        let notice = |writer: &mut Writer| {
            writer.nested(0x78, |writer| {
                writer.number(ENUMERATED, 52);
                writer.text("");
                writer.text(&words);
            });
        };
        Some(message(0, notice))
    };
    let server = Server::start(after_login(closing)).await;
    let failure = found(&Pool::default(), &server.to()).await.unwrap_err();
    assert!(failure.message.contains("closes it (52)") && failure.message.len() < 2_000, "{}", failure.message.len());
}
