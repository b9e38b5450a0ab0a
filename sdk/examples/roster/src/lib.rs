//! A complete read-only connector: people from a file with one JSON object a line.

use hawser_sdk::{Aspect, AttributeInfo, ClassInfo, ClassKind, Connector, Error, Finding, Item, ListRequest, Listing};
use hawser_sdk::{Object, Probe, Record, Rejected, Result, Schema, Source, files};
use std::io::{BufRead, BufReader};

#[derive(serde::Deserialize)]
pub struct Roster {
    file: String,
}

#[derive(serde::Deserialize)]
struct Person {
    id: String,
    name: String,
    mail: Option<String>,
}

impl Connector for Roster {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Roster {
    fn people(&self) -> Result<impl Iterator<Item = Result<Item<Record>>> + use<>> {
        let file = files::Directory::new("data").open(&self.file)?;
        let lines = BufReader::with_capacity(files::CHUNK_BYTES, file).lines();
        Ok(lines.enumerate().map(|(n, line)| match serde_json::from_str::<Person>(&line?) {
            Ok(person) => Ok(Object::new(person.id, person.name).set("mail", person.mail).into()),
            Err(error) => {
                Ok(Rejected::new(format!("line {}", n + 1), Error::schema_violation(error.to_string())).into())
            }
        }))
    }
}

impl Probe for Roster {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        Ok(vec![Finding::fine(format!("{} has {} lines", self.file, self.people()?.count()))])
    }
}

impl Schema for Roster {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let person = ClassInfo::new(ClassKind::Account, "account", "Person");
        Ok(vec![person.attribute(AttributeInfo::text("mail").title("E-mail").read_only())])
    }
}

impl Source for Roster {
    fn list(self, _: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
        self.people()
    }
}

hawser_sdk::export!(Roster: Probe, Schema, Source);
