//! A target that keeps a journal. What it is stands in `state.json` of its directory, what happened to it in
//! `journal.jsonl`, a line for each thing; a token is how many lines were read. A test writes both.

mod journal;
mod state;

use std::io::Read as _;

use hawser_sdk::files::Directory;
use hawser_sdk::{
    AttributeInfo, ClassAttributes, ClassInfo, ClassKind, Connector, Delta, Edge, EdgeRequest, Error, Feed, Item,
    ListRequest, Listing, Record, Result, Schema, Source,
};
use journal::Journal;
use state::State;

/// Where it has tokens.
#[derive(Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tokens {
    /// Wherever one is asked for.
    Each,
    /// In its feed only at the end.
    Late,
    /// A complete pass hands one out, but nobody can ask for it.
    Pass,
    None,
}

/// The connector.
#[derive(serde::Deserialize)]
pub struct Ticker {
    tokens: Tokens,
}

impl Connector for Ticker {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Schema for Ticker {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        let account = ClassInfo::new(ClassKind::Account, "account", "Account")
            .attribute(AttributeInfo::text("mail"))
            .attribute(AttributeInfo::text("title"));
        let members = AttributeInfo::reference("members", "account").multi_valued().large();
        let group = ClassInfo::new(ClassKind::Entitlement, "group", "Group")
            .attribute(AttributeInfo::text("description"))
            .attribute(members);
        Ok(vec![account, group])
    }
}

impl Source for Ticker {
    fn list(self, request: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        let token = if self.tokens == Tokens::Pass { Some(Journal::read()?.end()) } else { None };
        let records = State::read()?.records(&request.class, &request.attributes);
        Ok(Pass { records: records.into_iter(), token })
    }

    fn edges(self, request: EdgeRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Edge> + 'static> {
        let owner = request.owner.map(|owner| owner.uid);
        Ok(State::read()?.members(owner.as_deref())?.into_iter().map(Ok))
    }
}

impl Feed for Ticker {
    fn latest_token(&self, _: &[String]) -> Result<Vec<u8>> {
        match self.tokens {
            Tokens::Each | Tokens::Late => Ok(Journal::read()?.end()),
            Tokens::Pass | Tokens::None => Err(Error::unsupported("a token comes with a complete pass, if at all")),
        }
    }

    fn changes(self, classes: Vec<ClassAttributes>, token: Vec<u8>) -> Result<impl Listing<Delta> + 'static> {
        Journal::read()?.since(classes, &token, self.tokens == Tokens::Late)
    }
}

/// A complete pass.
struct Pass {
    records: std::vec::IntoIter<Record>,
    token: Option<Vec<u8>>,
}

impl Listing<Record> for Pass {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.records.next().map(|record| Ok(Item::Found(record)))
    }

    fn feed_token(&mut self) -> Option<Vec<u8>> {
        self.token.clone()
    }
}

fn text(name: &str) -> Result<String> {
    let mut text = String::new();
    let read = Directory::new("data").open(name)?.read_to_string(&mut text);
    read.map_err(|why| Error::connection_broken(format!("{name}: {why}")))?;
    Ok(text)
}

fn unreadable(name: &str, why: &serde_json::Error) -> Error {
    Error::configuration(format!("{name}: {why}"))
}

hawser_sdk::export!(Ticker: Schema, Source, Feed);
