//! Checkpoints: another instance goes on exactly where the first one stopped, or begins anew.

use crate::support::{Folder, Pass, csv, request};
use hawser_sdk::{FailureKind, Listing, Source};

/// Lists `first` items, then goes on in another instance from the checkpoint.
fn in_two_halves(first: usize) -> Pass {
    let mut pass = Pass::default();
    let mut listing = csv().list(request("account", &["name"]), None).unwrap();
    for _ in 0..first {
        pass.add(listing.next_item().unwrap().unwrap());
    }
    let checkpoint = listing.checkpoint();
    drop(listing);
    let mut listing = csv().list(request("account", &["name"]), checkpoint).unwrap();
    while let Some(item) = listing.next_item() {
        pass.add(item.unwrap());
    }
    pass
}

#[test]
fn a_changed_file_answers_resync_required() {
    let folder = Folder::new("id,name\n1,ada\n2,bob\n");
    let _host = folder.enter();
    let mut listing = csv().list(request("account", &[]), None).unwrap();
    listing.next_item().unwrap().unwrap();
    let checkpoint = listing.checkpoint();
    folder.write("accounts.csv", "id,name\n1,ada\n2,eve\n");
    let error = csv().list(request("account", &[]), checkpoint).err().unwrap();
    assert_eq!(error.kind(), FailureKind::ResyncRequired);
}

#[test]
fn bytes_that_are_no_checkpoint_answer_resync_required() {
    let folder = Folder::new("id,name\n1,ada\n");
    let _host = folder.enter();
    for checkpoint in [&b""[..], b"\xFF", b"hawser-csv-1\naccounts.csv\nx\n1\n1\nany\n"] {
        let error = csv().list(request("account", &[]), Some(checkpoint.to_owned())).err().unwrap();
        assert_eq!(error.kind(), FailureKind::ResyncRequired);
    }
}

#[test]
fn a_pass_in_two_halves_is_the_pass_in_one() {
    let tidy = "id,name\n1,a\n2,b\n2,dup\n3,c\n";
    let unsorted = "id,name\n3,c\n1,a\n3,dup\n,none\n2,\"b\nb\"\n1,dup\n";
    for text in [tidy, unsorted] {
        for newline in ["\n", "\r\n", "\r"] {
            let folder = Folder::new(text.replace('\n', newline));
            let _host = folder.enter();
            let whole = in_two_halves(0);
            let items = whole.rows.len() + whole.aside.len();
            for first in 1..=items {
                let halves = in_two_halves(first);
                assert_eq!(halves.rows, whole.rows, "after {first} of {text:?} with {newline:?}");
                assert_eq!(halves.aside, whole.aside, "after {first} of {text:?} with {newline:?}");
            }
        }
    }
}

#[test]
fn the_estimate_comes_near_the_number_of_rows() {
    let rows: String = (0..1000).map(|n| format!("{n:06},somebody\n")).collect();
    let folder = Folder::new(format!("id,name\n{rows}"));
    let _host = folder.enter();
    let mut listing = csv().list(request("account", &[]), None).unwrap();
    assert_eq!(listing.estimate(), None);
    listing.next_item().unwrap().unwrap();
    assert_eq!(listing.estimate(), Some(1000));
}
