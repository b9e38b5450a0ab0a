//! The feed: resources whose `meta.lastModified` lies behind a moment, where the service filters.
//!
//! A token is what the service's own clock showed before the pass, less a margin for what was under way then; what lies
//! within the margin is told again. Deletions leave no trace: a complete pass finds them by the host's comparison.

use crate::Scim;
use crate::failure;
use crate::layout::Layout;
use crate::model::Class;
use crate::options::{Incremental, MembersRead};
use crate::resource::Decoded;
use crate::resources::{Filter, Resources};
use crate::server::Server;
use crate::time;
use crate::url::Url;
use hawser_sdk::{Cell, ClassAttributes, ClassRow, Delta, Error, Feed, Item, Listing, Result};

/// What a service may store later than its clock says, in microseconds.
const MARGIN: i64 = 120 * 1_000_000;
const TOKEN: &str = "modified ";
pub(crate) const MODIFIED: &str = "meta.lastModified";

impl Feed for Scim {
    fn latest_token(&self, _: &[String]) -> Result<Vec<u8>> {
        let server = self.following()?;
        let response = server.client.get(Url::new("/ServiceProviderConfig"))?;
        let now = response.header("date").and_then(time::read_http);
        now.map(token_of).ok_or_else(no_clock)
    }

    fn changes(self, classes: Vec<ClassAttributes>, token: Vec<u8>) -> Result<impl Listing<Delta> + 'static> {
        let since = since(&token)?;
        let server = self.following()?;
        let asked = classes.iter().map(|asked| server.class(&asked.class).cloned()).collect::<Result<Vec<_>>>()?;
        let asked = asked.into_iter().zip(classes).rev().collect();
        Ok(Changes { scim: self, since, asked, current: None, began: None, ended: false })
    }
}

impl Scim {
    /// The service, if it can be asked for changes.
    pub(crate) fn following(&self) -> Result<Server> {
        if self.options.incremental == Incremental::Off {
            return Err(Error::unsupported("the option `incremental` is off, so only complete passes find changes"));
        }
        let server = self.server()?;
        if server.filters_by(MODIFIED) { Ok(server) } else { Err(unable()) }
    }
}

fn unable() -> Error {
    let message = "the service does not filter by meta.lastModified, so only complete passes find changes; set `incremental` to off";
    Error::unsupported(message)
}

fn no_clock() -> Error {
    Error::unsupported("the service tells no time (the header Date), so only complete passes find changes")
}

/// The token of a pass that began when the service's clock showed this.
pub(crate) fn token_of(began: i64) -> Vec<u8> {
    format!("{TOKEN}{}", began.saturating_sub(MARGIN)).into_bytes()
}

fn since(token: &[u8]) -> Result<i64> {
    let text = std::str::from_utf8(token).ok().and_then(|text| text.strip_prefix(TOKEN));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::resync_required("this token is of another way to find changes; begin with a complete pass")
    })
}

/// What changed at a moment or after it, in the words of the service.
pub(crate) fn filter(since: i64) -> Result<String> {
    let moment = time::write(since)
        .ok_or_else(|| Error::resync_required("the token is no moment; begin with a complete pass"))?;
    Ok(format!("{MODIFIED} ge \"{moment}\""))
}

struct Changes {
    scim: Scim,
    since: i64,
    /// Classes to come, the last one first.
    asked: Vec<(Class, ClassAttributes)>,
    current: Option<Current>,
    /// What the service's clock showed at the beginning.
    began: Option<i64>,
    ended: bool,
}

/// A class under way.
struct Current {
    class: String,
    found: Resources,
    /// Where in a row the members stand that are read one by one.
    singly: Vec<usize>,
}

impl Current {
    fn open(server: Server, class: &Class, attributes: &[String], filter: Filter) -> Result<Self> {
        let is_single = |name: &String| {
            server.options.members_read == MembersRead::OneByOne
                && class.attribute(name).is_some_and(|attribute| class.is_membership(attribute))
        };
        let singly = (0..).zip(attributes).filter(|(_, name)| is_single(name)).map(|(at, _)| at).collect();
        let listed: Vec<String> = attributes.iter().filter(|name| !is_single(name)).cloned().collect();
        let layout = Layout::new(&server, class, &listed)?;
        let found = Resources::open(server, class, layout, Some(filter));
        Ok(Self { class: class.name.clone(), found, singly })
    }

    /// A list that comes without members says nothing of them: partial, they are read as edges.
    fn told(&self, decoded: Decoded) -> Item<Delta> {
        match decoded.into_row(&self.found.layout) {
            Ok(mut row) => {
                self.singly.iter().for_each(|at| row.cells.insert(*at, Cell::Partial(Vec::new())));
                Item::Found(Delta::Upsert(ClassRow { class: self.class.clone(), row }))
            }
            Err(rejected) => rejected.into(),
        }
    }
}

impl Changes {
    fn item(&mut self) -> Result<Option<Item<Delta>>> {
        loop {
            if let Some(current) = &mut self.current {
                let next = current.found.next().map_err(explained)?;
                self.began = self.began.or(current.found.began());
                if let Some(decoded) = next {
                    return Ok(Some(current.told(decoded)));
                }
            }
            let Some((class, asked)) = self.asked.pop() else {
                self.ended = true;
                return Ok(None);
            };
            let server = self.scim.server()?;
            let filter = Filter::Decides(filter(self.since)?);
            self.current = Some(Current::open(server, &class, &asked.attributes, filter)?);
        }
    }
}

fn explained(error: Error) -> Error {
    if failure::is_about_filters(&error) { unable() } else { error }
}

impl Listing<Delta> for Changes {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        self.item().transpose()
    }

    /// The resources come in no order, so there is a place to go on from only at the end.
    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        self.ended.then(|| self.began.map_or_else(|| format!("{TOKEN}{}", self.since).into_bytes(), token_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::server::tests::{Service, ok};
    use hawser_sdk::http::Response;
    use hawser_sdk::{FailureKind, testing};
    use serde_json::json;

    const DATE: &str = "Thu, 01 Jan 1970 01:00:00 GMT";

    fn scim() -> Scim {
        Scim { options: Options::default() }
    }

    fn asked() -> Vec<ClassAttributes> {
        let of = |class: &str, attribute: &str| ClassAttributes {
            class: class.to_owned(),
            attributes: vec![attribute.to_owned()],
        };
        vec![of("account", "title"), of("group", "members")]
    }

    #[test]
    fn a_service_that_cannot_be_asked_says_so() {
        let kind = |service: Service, options: Options| {
            let (_host, _) = service.enter(|_| Response::new(500, ""));
            Scim { options }.latest_token(&[]).unwrap_err().kind()
        };
        let unable = || Service::new().provider("filter", json!({"supported": false}));
        assert_eq!(kind(unable(), Options::default()), FailureKind::Unsupported);
        let unfilterable = Options { unfilterable: vec![MODIFIED.to_owned()], ..Options::default() };
        assert_eq!(kind(Service::new(), unfilterable), FailureKind::Unsupported);
        let off = Options { incremental: Incremental::Off, ..Options::default() };
        assert_eq!(kind(Service::new(), off), FailureKind::Unsupported);
    }

    #[test]
    fn a_strange_token_asks_for_a_complete_pass() {
        let (_host, _) = Service::new().enter(|_| Response::new(500, ""));
        for token in [&b""[..], b"7", b"modified x", b"\xff"] {
            let error = scim().changes(asked(), token.to_vec()).err().unwrap();
            assert_eq!(error.kind(), FailureKind::ResyncRequired);
        }
    }

    #[test]
    fn a_filter_that_is_refused_is_no_empty_answer() {
        let (_host, _) = Service::new().enter(|_| Response::new(400, r#"{"scimType": "invalidFilter"}"#));
        let changes = scim().changes(asked(), token_of(0)).unwrap();
        assert_eq!(testing::collect(changes).unwrap_err().kind(), FailureKind::Unsupported);
    }

    #[test]
    fn what_changed_is_told_and_the_token_stands_at_the_end() {
        let (_host, requests) = Service::new().enter(|asked| {
            let user = json!({"id": "1", "userName": "ada", "title": "Countess"});
            let group = json!({"id": "2", "displayName": "g", "members": [{"value": "1", "type": "User"}]});
            let found = if asked.path.starts_with("/Users") { user } else { group };
            ok(&json!({"totalResults": 1, "Resources": [found]})).with_header("Date", DATE)
        });
        let mut changes = scim().changes(asked(), token_of(1_000_000_000)).unwrap();
        let mut classes = Vec::new();
        while let Some(item) = changes.next_item() {
            assert_eq!(changes.checkpoint(), None, "not before the end");
            let Item::Found(Delta::Upsert(row)) = item.unwrap() else { panic!("an upsert") };
            classes.push(row.class);
        }
        assert_eq!(classes, ["account", "group"]);
        assert_eq!(changes.checkpoint().unwrap(), token_of(3_600_000_000), "an hour after the beginning of time");
        let path = &requests.all()[0].path;
        assert!(path.contains("filter=meta.lastModified%20ge%20%221970-01-01T00%3A14%3A40Z%22"), "{path}");
    }

    #[test]
    fn members_that_are_read_one_by_one_are_not_told_to_be_gone() {
        let (_host, requests) = Service::new().enter(|_| {
            let group = json!({"id": "2", "displayName": "g", "externalId": "e"});
            ok(&json!({"totalResults": 1, "Resources": [group]}))
        });
        let options = Options { members_read: MembersRead::OneByOne, ..Options::default() };
        let attributes = ["displayName", "members", "externalId"].map(str::to_owned).to_vec();
        let asked = vec![ClassAttributes { class: "group".to_owned(), attributes }];
        let mut changes = Scim { options }.changes(asked, token_of(0)).unwrap();
        let Some(Ok(Item::Found(Delta::Upsert(told)))) = changes.next_item() else { panic!("an upsert") };
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(told.row.cells, [text("g"), Cell::Partial(Vec::new()), text("e")]);
        assert!(requests.all()[0].path.contains("excludedAttributes=members"), "{:?}", requests.all());
    }
}
