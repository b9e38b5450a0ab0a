//! Paging against services that keep to the standard, that change meanwhile, and that lie.

use super::*;
use hawser_sdk::FailureKind;
use proptest::prelude::*;

fn head(total: Option<u64>) -> Head<'static> {
    Head { total, next_cursor: None }
}

fn at(paging: &Paging) -> Option<String> {
    paging.query(Url::new("/U")).map(Url::into_text)
}

fn turn(paging: &mut Paging, total: Option<u64>, ids: &[&str]) -> Result<Vec<bool>> {
    paging.turn(head(total), &ids.iter().map(|id| Some(*id)).collect::<Vec<_>>())
}

#[test]
fn a_page_that_repeats_is_an_error_and_no_loop() {
    let mut paging = Paging::new(false, Some(2));
    turn(&mut paging, Some(5), &["a", "b"]).unwrap();
    let error = turn(&mut paging, Some(5), &["a", "b"]).unwrap_err();
    assert!(error.message().contains("same page"), "{error}");
    let mut paging = Paging::new(true, Some(1));
    let cursor = |paging: &mut Paging, id, next| paging.turn(Head { total: None, next_cursor: next }, &[Some(id)]);
    cursor(&mut paging, "a", Some("1")).unwrap();
    cursor(&mut paging, "b", Some("2")).unwrap();
    assert!(cursor(&mut paging, "c", Some("1")).is_err(), "a circle of cursors");
}

#[test]
fn fewer_than_promised_is_no_end() {
    let mut paging = Paging::new(false, Some(2));
    assert_eq!(turn(&mut paging, Some(3), &[]).unwrap_err().kind(), FailureKind::Retryable);
    let mut paging = Paging::new(false, Some(2));
    turn(&mut paging, Some(5), &["a", "b"]).unwrap();
    turn(&mut paging, Some(5), &["c", "d"]).unwrap();
    assert_eq!(turn(&mut paging, Some(5), &[]).unwrap_err().kind(), FailureKind::Retryable);
}

#[test]
fn a_total_that_shrank_sends_back_to_what_moved() {
    let mut paging = Paging::new(false, Some(3));
    turn(&mut paging, Some(7), &["a", "b", "c"]).unwrap();
    // b and c are deleted: d and e stand on the first page now.
    assert_eq!(turn(&mut paging, Some(5), &["f", "g"]).unwrap(), [true, true]);
    assert_eq!(at(&paging).as_deref(), Some("/U?startIndex=2&count=3"));
    assert_eq!(turn(&mut paging, Some(5), &["d", "e", "f"]).unwrap(), [true, true, false]);
    assert_eq!(turn(&mut paging, Some(5), &["g"]).unwrap(), [false], "it was read before, and that is no circle");
    assert_eq!(at(&paging), None);
}

#[test]
fn a_list_that_never_rests_is_given_up() {
    let mut paging = Paging::new(false, Some(1));
    turn(&mut paging, Some(1_000), &["x"]).unwrap();
    let mut last = Ok(Vec::new());
    for step in 0..100_u64 {
        last = turn(&mut paging, Some(1_000 - 3 * step), &[&step.to_string()]);
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last.unwrap_err().kind(), FailureKind::ResyncRequired);
}

#[test]
fn the_size_of_a_page_is_not_the_total() {
    let mut paging = Paging::new(false, Some(2));
    turn(&mut paging, Some(2), &["a", "b"]).unwrap();
    assert_eq!(at(&paging).as_deref(), Some("/U?startIndex=3&count=2"), "a second look");
    turn(&mut paging, Some(2), &["c", "d"]).unwrap();
    turn(&mut paging, Some(1), &["e"]).unwrap();
    turn(&mut paging, Some(0), &[]).unwrap();
    assert_eq!(at(&paging), None);
}

#[test]
fn the_size_of_a_page_that_is_smaller_than_asked_for_is_not_the_total_either() {
    for totals in [[Some(2), Some(2), Some(1), Some(0)], [Some(2), Some(1), Some(1), Some(0)], [None; 4]] {
        let (mut paging, mut found) = (Paging::new(false, Some(if totals[0].is_some() { 100 } else { 1 })), Vec::new());
        for total in totals {
            let Some(url) = at(&paging) else { break };
            let start: usize = url.split(['=', '&']).nth(1).unwrap().parse().unwrap();
            let page: Vec<&str> = ["a", "b", "c", "d", "e"].into_iter().skip(start - 1).take(2).collect();
            let fresh = turn(&mut paging, total, &page).unwrap();
            found.extend(page.into_iter().zip(fresh).filter(|(_, is_new)| *is_new).map(|(id, _)| id));
        }
        assert_eq!(found, ["a", "b", "c", "d", "e"], "{totals:?}");
    }
}

#[test]
fn one_look_behind_the_end_is_enough_and_none_where_the_service_decides() {
    let mut paging = Paging::new(false, Some(2));
    turn(&mut paging, Some(2), &["a", "b"]).unwrap();
    turn(&mut paging, Some(0), &[]).unwrap();
    assert_eq!(at(&paging), None, "a total of nothing is no list that shrank");
    let mut paging = Paging::new(false, Some(2));
    turn(&mut paging, Some(2), &["a", "b"]).unwrap();
    assert!(turn(&mut paging, Some(2), &["a", "b"]).is_err(), "a full page again may be any page");
    let mut paging = Paging::new(false, None);
    turn(&mut paging, Some(2), &["a", "b"]).unwrap();
    assert_eq!(at(&paging), None);
}

#[test]
fn cursors_that_end_before_the_total_are_no_end() {
    let page = |paging: &mut Paging, total, next_cursor, ids: &[Option<&str>]| {
        paging.turn(Head { total: Some(total), next_cursor }, ids).map(drop)
    };
    for (total, is_end) in [(3, true), (4, false)] {
        let mut paging = Paging::new(true, Some(2));
        page(&mut paging, 4, Some("c"), &[Some("a"), Some("b")]).unwrap();
        assert_eq!(page(&mut paging, total, None, &[Some("c")]).is_ok(), is_end);
    }
    let mut paging = Paging::new(true, Some(2));
    page(&mut paging, 3, Some("c1"), &[Some("a")]).unwrap();
    page(&mut paging, 3, Some("c2"), &[Some("b")]).unwrap();
    let mut resumed = Paging::at(paging.mark(1), Some(2));
    page(&mut resumed, 3, Some("c2"), &[Some("b")]).unwrap();
    page(&mut resumed, 3, None, &[Some("c")]).unwrap();
}

#[test]
fn whoever_goes_on_while_pages_are_to_be_read_again_reads_them() {
    let mut paging = Paging::new(false, Some(3));
    turn(&mut paging, Some(7), &["a", "b", "c"]).unwrap();
    turn(&mut paging, Some(5), &["f", "g"]).unwrap();
    let resumed = Paging::at(paging.mark(1), Some(3));
    assert_eq!(at(&resumed).as_deref(), Some("/U?startIndex=2&count=3"));
}

#[test]
fn a_service_may_give_fewer_or_all_at_once() {
    let mut paging = Paging::new(false, Some(100));
    turn(&mut paging, Some(3), &["a", "b"]).unwrap();
    assert_eq!(at(&paging).as_deref(), Some("/U?startIndex=3&count=100"));
    turn(&mut paging, Some(3), &["c"]).unwrap();
    assert_eq!(at(&paging), None);
    for total in [None, Some(3)] {
        let mut paging = Paging::new(false, Some(1));
        turn(&mut paging, total, &["a", "b", "c"]).unwrap();
        turn(&mut paging, total, &["a", "b", "c"]).unwrap();
        assert_eq!(at(&paging), None, "all at once, whatever it is asked for");
    }
    let mut paging = Paging::new(false, None);
    assert_eq!(at(&paging).as_deref(), Some("/U"), "the service decides");
    turn(&mut paging, Some(2), &["a", "b"]).unwrap();
    assert_eq!(at(&paging), None);
}

#[test]
fn a_service_that_knows_no_cursors_is_paged_by_index() {
    let mut paging = Paging::new(true, Some(2));
    assert_eq!(at(&paging).as_deref(), Some("/U?cursor=&count=2"));
    turn(&mut paging, Some(3), &["a", "b"]).unwrap();
    assert_eq!(at(&paging).as_deref(), Some("/U?startIndex=3&count=2"));
}

#[test]
fn another_instance_goes_on_behind_what_was_passed() {
    let mut paging = Paging::new(false, Some(3));
    turn(&mut paging, Some(9), &["a", "b", "c"]).unwrap();
    let resumed = Paging::at(paging.mark(2), Some(3));
    assert_eq!(at(&resumed).as_deref(), Some("/U?startIndex=3&count=3"));
    let mut paging = Paging::new(true, Some(3));
    paging.turn(Head { total: None, next_cursor: Some("c1") }, &[Some("a")]).unwrap();
    paging.turn(Head { total: None, next_cursor: Some("c2") }, &[Some("b"), Some("c")]).unwrap();
    let mark: Mark = serde_json::from_str(&serde_json::to_string(&paging.mark(1)).unwrap()).unwrap();
    let mut resumed = Paging::at(mark, Some(3));
    assert_eq!(at(&resumed).as_deref(), Some("/U?cursor=c1&count=3"));
    assert_eq!(turn(&mut resumed, None, &["b", "c"]).unwrap(), [false, true]);
}

/// A service with a stable order from which resources are deleted while it is read.
fn read(mut list: Vec<u32>, count: u32, page_max: usize, deletions: &[(usize, usize)]) -> Result<HashSet<u32>> {
    let (mut paging, mut found) = (Paging::new(false, Some(count)), HashSet::new());
    for step in 0..1_000 {
        let Some(url) = paging.query(Url::new("")) else { return Ok(found) };
        let text = url.into_text();
        let start: usize = text.split(['=', '&']).nth(1).unwrap().parse().unwrap();
        let page: Vec<u32> = list.iter().skip(start - 1).take(page_max.min(count as usize)).copied().collect();
        let ids: Vec<String> = page.iter().map(u32::to_string).collect();
        let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
        let fresh = paging.turn(head(Some(list.len() as u64)), &ids)?;
        for (id, is_new) in page.into_iter().zip(fresh) {
            assert!(!is_new || found.insert(id), "{id} came twice");
        }
        for (_, at) in deletions.iter().filter(|(when, _)| *when == step) {
            if !list.is_empty() {
                list.remove(at % list.len());
            }
        }
    }
    panic!("no end");
}

proptest! {
    #[test]
    fn whoever_stays_is_found_while_others_are_deleted(
        size in 0_u32..40,
        count in 1_u32..8,
        page_max in 1_usize..8,
        deletions in prop::collection::vec((0_usize..12, 0_usize..40), 0..10),
    ) {
        let list: Vec<u32> = (0..size).collect();
        let mut left = list.clone();
        for step in 0..12 {
            for (_, at) in deletions.iter().filter(|(when, _)| *when == step) {
                if !left.is_empty() {
                    left.remove(at % left.len());
                }
            }
        }
        let found = read(list, count, page_max, &deletions);
        if let Ok(found) = found {
            prop_assert!(left.iter().all(|id| found.contains(id)), "of {:?} only {:?}", left, found);
        }
    }
}
