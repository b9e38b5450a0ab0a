//! A connector that tells no schema: people from a file with one JSON object a line, as its manifest declares them.

use std::io::{BufRead as _, BufReader};

use hawser_sdk::{Connector, Error, Item, ListRequest, Listing, Object, Record, Reference, Result, Source, files};

/// The connector.
#[derive(serde::Deserialize)]
pub struct Clerk {}

#[derive(serde::Deserialize)]
struct Person {
    uid: String,
    name: String,
    desk: Option<i64>,
    deputy: Option<String>,
}

impl Connector for Clerk {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Source for Clerk {
    fn list(self, _: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        let file = files::Directory::new("data").open("people.jsonl")?;
        let lines = BufReader::with_capacity(files::CHUNK_BYTES, file).lines();
        Ok(lines.map(|line| {
            let person: Person =
                serde_json::from_str(&line?).map_err(|error| Error::schema_violation(error.to_string()))?;
            let deputy = person.deputy.map(|uid| Reference::uid("person", uid));
            let object = Object::new(person.uid, person.name);
            Ok(Item::from(object.set("desk", person.desk).set("deputy", deputy)))
        }))
    }
}

hawser_sdk::export!(Clerk: Source);
