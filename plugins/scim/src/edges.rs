//! Edges: the values of a relation one by one, for groups of any size. They can be resumed within a group, as long as it is
//! what it was.

use crate::layout::{Layout, Targets};
use crate::listing::resumed;
use crate::model::{Class, Syntax};
use crate::options::MembersRead;
use crate::paging::Mark;
use crate::resource;
use crate::resources::Resources;
use crate::server::Server;
use hawser_sdk::{
    Cell, Edge, EdgeRequest, Error, FailureKind, Item, Listing, ObjectRef, Reference, Rejected, Result, Row, Value,
};
use serde::{Deserialize, Serialize};

/// The edges of one relation.
pub(crate) struct Edges {
    class: Class,
    attribute: String,
    source: Source,
    /// How the values of one owner are read, where they do not come with the list.
    singly: Option<Layout>,
    current: Option<Owner>,
    /// An owner that another instance was in the middle of.
    resumed: Option<OwnerMark>,
}

enum Source {
    /// Every owner of the class.
    All(Box<Resources>),
    One,
}

/// An owner under way.
struct Owner {
    mark: OwnerMark,
    values: std::vec::IntoIter<Value>,
}

/// An owner, and how many of its values lie behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OwnerMark {
    uid: String,
    revision: Option<String>,
    passed: usize,
}

/// Where another instance can go on: before an owner in the list, and within it.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    list: Option<Mark>,
    owner: Option<OwnerMark>,
}

impl Edges {
    pub(crate) fn open(server: Server, request: &EdgeRequest, resume: Option<Vec<u8>>) -> Result<Self> {
        let class = server.class(&request.class)?.clone();
        let attribute = class.known(&request.attribute)?.clone();
        if attribute.syntax != Syntax::Reference || !attribute.multi {
            let message = format!("`{}` is no list of references, so it has no edges", attribute.name);
            return Err(Error::schema_violation(message).attribute(attribute.name));
        }
        let checkpoint: Option<Checkpoint> = resume.map(|it| resumed(&it)).transpose()?;
        let whole = Layout::of(&class, std::slice::from_ref(&attribute.name), Targets::of(&server, usize::MAX))?;
        let edges =
            Self { class, attribute: attribute.name, source: Source::One, singly: None, current: None, resumed: None };
        match &request.owner {
            Some(owner) => edges.of_one(&server, &whole, owner, checkpoint),
            None => edges.of_all(server, whole, checkpoint),
        }
    }

    fn of_one(
        mut self,
        server: &Server,
        layout: &Layout,
        owner: &ObjectRef,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self> {
        self.resumed = checkpoint.and_then(|it| it.owner);
        let row = read(server, &self.class, layout, &owner.uid)?.map_err(|rejected| rejected.reason().clone())?;
        self.current = Some(self.owner(row)?);
        Ok(self)
    }

    fn of_all(mut self, server: Server, whole: Layout, checkpoint: Option<Checkpoint>) -> Result<Self> {
        let listed = match server.options.members_read {
            MembersRead::WithGroups => whole,
            MembersRead::OneByOne => {
                let bare = Layout::of(&self.class, &[], Targets::of(&server, usize::MAX))?;
                self.singly = Some(whole);
                bare
            }
        };
        let (list, owner) = checkpoint.map_or((None, None), |it| (it.list, it.owner));
        self.resumed = owner;
        let found = match list {
            Some(mark) => Resources::resume(server, &self.class, listed, None, mark),
            None => Resources::open(server, &self.class, listed, None),
        };
        self.source = Source::All(Box::new(found));
        Ok(self)
    }

    fn item(&mut self) -> Result<Option<Item<Edge>>> {
        loop {
            if let Some(owner) = &mut self.current {
                if let Some(value) = owner.values.next() {
                    owner.mark.passed += 1;
                    let uid = owner.mark.uid.clone();
                    return Ok(Some(self.edge(&uid, value)));
                }
                self.current = None;
            }
            let Source::All(found) = &mut self.source else { return Ok(None) };
            let Some(decoded) = found.next()? else { return Ok(None) };
            let row = match decoded.into_row(&found.layout) {
                Ok(row) => row,
                Err(rejected) => return Ok(Some(rejected.into())),
            };
            let row = match self.singly.as_ref().map(|layout| read(&found.server, &self.class, layout, &row.uid)) {
                None => row,
                Some(Ok(Ok(row))) => row,
                Some(Ok(Err(rejected))) => return Ok(Some(rejected.into())),
                // It went while the list was read.
                Some(Err(error)) if error.kind() == FailureKind::UnknownUid => continue,
                Some(Err(error)) => return Err(error),
            };
            self.current = Some(self.owner(row)?);
        }
    }

    /// # Errors
    /// `resync-required` if another instance stopped in the middle of an owner, and it is not what it was.
    fn owner(&mut self, mut row: Row) -> Result<Owner> {
        let values = match row.cells.pop() {
            Some(Cell::Many(values) | Cell::Partial(values)) => values,
            _ => Vec::new(),
        };
        let mut mark = OwnerMark { uid: row.uid, revision: row.revision, passed: 0 };
        let mut values = values.into_iter();
        if let Some(resumed) = self.resumed.take() {
            if (&resumed.uid, &resumed.revision) != (&mark.uid, &mark.revision) || mark.revision.is_none() {
                return Err(Error::resync_required("the members changed since that checkpoint; begin again"));
            }
            mark.passed = resumed.passed;
            values = values.skip(resumed.passed).collect::<Vec<_>>().into_iter();
        }
        Ok(Owner { mark, values })
    }

    fn edge(&self, owner: &str, value: Value) -> Item<Edge> {
        match value {
            Value::Reference(target) => Edge {
                owner: Reference::uid(&self.class.name, owner),
                attribute: self.attribute.clone(),
                target,
                parameters: Vec::new(),
            }
            .into(),
            _ => Rejected::new(owner, Error::schema_violation("a member is no reference")).into(),
        }
    }
}

/// Reads an owner. Why it is no row is within.
fn read(server: &Server, class: &Class, layout: &Layout, uid: &str) -> Result<Result<Row, Rejected>> {
    let response = server.object(class, uid, layout.wanted.attributes.as_deref())?;
    resource::read(layout, &response.body)
}

impl Listing<Edge> for Edges {
    fn next_item(&mut self) -> Option<Result<Item<Edge>>> {
        self.item().transpose()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        let within = u64::from(self.current.is_some());
        // Without a revision nobody knows whether an owner is what it was, so it is read again from its first value.
        let owner = self.current.as_ref().map(|owner| owner.mark.clone()).filter(|mark| mark.revision.is_some());
        let list = match &self.source {
            Source::All(found) => Some(found.mark(within)),
            Source::One => None,
        };
        serde_json::to_vec(&Checkpoint { list, owner }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scim;
    use crate::options::Options;
    use crate::server::tests::{Asked, Service, ok};
    use hawser_sdk::http::Response;
    use hawser_sdk::{FailureKind, Key, Source as _, testing};
    use serde_json::{Value as Json, json};

    fn group(id: &str, members: &[&str], version: &str) -> Json {
        let members: Vec<Json> = members.iter().map(|id| json!({"value": id, "type": "User"})).collect();
        json!({"id": id, "displayName": id, "meta": {"version": version}, "members": members})
    }

    fn groups() -> [Json; 3] {
        [group("g1", &["1", "2", "3"], "v1"), group("g2", &[], "v1"), group("g3", &["4"], "v1")]
    }

    /// Shows members singly and in the list, unless it is told to leave them out.
    fn answer(asked: &Asked) -> Response {
        let path = asked.path.split('?').next().unwrap();
        if let Some(id) = path.strip_prefix("/Groups/") {
            return groups()
                .into_iter()
                .find(|group| group["id"] == id)
                .map_or_else(|| Response::new(404, ""), |it| ok(&it));
        }
        let bare = asked.path.contains("excludedAttributes=members") || !asked.path.contains("members");
        let listed = groups().map(|mut group| {
            if bare {
                group.as_object_mut().unwrap().remove("members");
            }
            group
        });
        ok(&json!({"totalResults": 3, "Resources": listed}))
    }

    fn request(owner: Option<&str>) -> EdgeRequest {
        let owner = owner.map(|uid| ObjectRef::new("group", uid));
        EdgeRequest { class: "group".to_owned(), attribute: "members".to_owned(), owner }
    }

    fn scim(members_read: MembersRead) -> Scim {
        Scim { options: Options { members_read, ..Options::default() } }
    }

    fn pairs(listing: impl Listing<Edge>) -> Vec<String> {
        let items = testing::collect(listing).unwrap().into_iter();
        items
            .map(|item| match item {
                Item::Found(Edge { owner, target, .. }) => match (owner.key, target.key) {
                    (Key::Uid(owner), Key::Uid(target)) => format!("{owner}-{target}"),
                    keys => panic!("{keys:?}"),
                },
                Item::Rejected(rejected) => panic!("{rejected:?}"),
            })
            .collect()
    }

    #[test]
    fn what_is_no_relation_has_no_edges_and_who_is_not_there_has_none_either() {
        let (_host, _) = Service::new().enter(answer);
        let request_of = |attribute: &str| EdgeRequest { attribute: attribute.to_owned(), ..request(None) };
        for attribute in ["displayName", "nosuch"] {
            let error = scim(MembersRead::WithGroups).edges(request_of(attribute), None).err().unwrap();
            assert_eq!(error.kind(), FailureKind::SchemaViolation);
        }
        let error = scim(MembersRead::WithGroups).edges(request(Some("gone")), None).err().unwrap();
        assert_eq!(error.kind(), FailureKind::UnknownUid);
    }

    #[test]
    fn members_come_with_their_groups_or_one_by_one() {
        for (way, requests) in [(MembersRead::WithGroups, 2), (MembersRead::OneByOne, 5)] {
            let (_host, asked) = Service::new().enter(answer);
            assert_eq!(pairs(scim(way).edges(request(None), None).unwrap()), ["g1-1", "g1-2", "g1-3", "g3-4"]);
            assert_eq!(asked.all().len(), requests);
        }
    }

    #[test]
    fn another_instance_goes_on_within_a_group_that_is_what_it_was() {
        let (_host, _) = Service::new().enter(answer);
        for owner in [None, Some("g1")] {
            let mut edges = scim(MembersRead::WithGroups).edges(request(owner), None).unwrap();
            for _ in 0..2 {
                edges.next_item().unwrap().unwrap();
            }
            let checkpoint = edges.checkpoint();
            let rest = pairs(scim(MembersRead::WithGroups).edges(request(owner), checkpoint.clone()).unwrap());
            assert_eq!(rest.first().map(String::as_str), Some("g1-3"));
            let changed = String::from_utf8(checkpoint.unwrap()).unwrap().replace("v1", "v0");
            let again = scim(MembersRead::WithGroups).edges(request(owner), Some(changed.into_bytes()));
            let error = again.and_then(testing::collect).unwrap_err();
            assert_eq!(error.kind(), FailureKind::ResyncRequired);
        }
    }

    #[test]
    fn a_group_that_went_or_is_odd_takes_no_other_with_it() {
        let (_host, _) = Service::new().enter(|asked| match asked.path.split('?').next().unwrap() {
            "/Groups/g1" => Response::new(404, ""),
            "/Groups/g2" => ok(&json!({"id": "g2", "displayName": "g2", "members": [{"display": "nobody"}]})),
            _ => answer(asked),
        });
        let items = testing::collect(scim(MembersRead::OneByOne).edges(request(None), None).unwrap()).unwrap();
        assert!(matches!(&items[..], [Item::Rejected(odd), Item::Found(_)] if odd.key() == "g2"), "{items:?}");
    }

    #[test]
    fn without_versions_another_instance_begins_with_the_group_again() {
        for owner in [None, Some("g1")] {
            let (_host, _) = Service::new().enter(|asked| {
                let mut answer: Json = serde_json::from_slice(&answer(asked).body).unwrap();
                answer.as_object_mut().unwrap().remove("meta");
                for group in answer["Resources"].as_array_mut().into_iter().flatten() {
                    group.as_object_mut().unwrap().remove("meta");
                }
                ok(&answer)
            });
            let mut edges = scim(MembersRead::WithGroups).edges(request(owner), None).unwrap();
            for _ in 0..2 {
                edges.next_item().unwrap().unwrap();
            }
            let rest = pairs(scim(MembersRead::WithGroups).edges(request(owner), edges.checkpoint()).unwrap());
            assert_eq!(rest.first().map(String::as_str), Some("g1-1"));
        }
    }
}
