//! Whatever text is written is read back as it was, and the rows around it do not notice.

use crate::support::{Folder, account, csv, list};
use hawser_sdk::{AttributeChange, Cell, Provision, Update};

/// What could go wrong in a cell.
const NASTY: [&str; 10] = ["a", "\"", ",", ";", "\t", "\n", "\r", " ", "ü", "="];

/// Every text of up to two nasty pieces.
fn texts() -> Vec<String> {
    let two = NASTY.iter().flat_map(|one| NASTY.iter().map(move |other| format!("{one}{other}")));
    NASTY.iter().map(|one| (*one).to_owned()).chain(two).collect()
}

#[test]
fn every_text_comes_back_from_every_dialect() {
    let files = [
        ("id,n,m\n1,x,y\n2,,z\n3,x,y\n", "utf-8"),
        ("\u{feff}id;n;m\r\n1;x;y\r\n2;;z\r\n3;x;y", "utf-8"),
        ("\"id\"\t\"n\"\t\"m\"\n\"1\"\t\"x\"\t\"y\"\n\"2\"\t\"\"\t\"z\"\n\"3\"\t\"x\"\t\"y\"\n", "latin-1"),
    ];
    for (file, encoding) in files {
        let folder = Folder::new(file).option("encoding", encoding).option("formulas", "allow");
        let _host = folder.enter();
        for text in texts() {
            let changes = vec![AttributeChange::replace("n", [text.as_str()])];
            let object = account("2");
            csv()
                .update(Update { object, name: None, container: None, changes, secrets: vec![], revision: None })
                .unwrap();
            let pass = list(&["n", "m"]).unwrap();
            let cells = |n: &str, m: &str| vec![Cell::from(n), Cell::from(m)];
            assert_eq!(pass.cells(), [cells("x", "y"), cells(&text, "z"), cells("x", "y")], "{text:?} in {file:?}");
        }
    }
}
