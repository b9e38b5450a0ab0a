//! A connector that misbehaves as its option `mood` says, in the operation that its option `place` names; everywhere else
//! it is as good as gold.

mod mood;

use hawser_sdk::credentials::Password;
use hawser_sdk::{
    Aspect, Assignment, Assignments, AttributeInfo, Choice, ClassInfo, ClassKind, Connector, Draft, Edge, EdgeRequest,
    Entitlements, Finding, GrantOutcome, Granted, Item, ListRequest, Listing, Object, ObjectRef, Outcome, Passwords,
    Probe, Provision, Record, Reference, Result, RevokeOutcome, Schema, Source, Update, Written,
};

use mood::Mood;

/// Where it misbehaves.
#[derive(Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    Check,
    Suggest,
    Schema,
    Open,
    Page,
    Get,
    Edges,
    Create,
    Update,
    Delete,
    Grant,
    Revoke,
    Granted,
    Password,
    Authenticate,
}

/// The connector.
#[derive(Clone, Copy, serde::Deserialize)]
pub struct Stubborn {
    mood: Mood,
    place: Place,
}

impl Connector for Stubborn {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Stubborn {
    fn at(self, place: Place) -> Result<()> {
        if self.place == place { self.mood.act() } else { Ok(()) }
    }
}

impl Probe for Stubborn {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        self.at(Place::Check)?;
        Ok(self.mood.findings())
    }

    fn suggest(&self, _: &str) -> Result<Vec<Choice>> {
        self.at(Place::Suggest)?;
        Ok(Vec::new())
    }
}

impl Schema for Stubborn {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        self.at(Place::Schema)?;
        let group = ClassInfo::new(ClassKind::Entitlement, "group", "Group");
        let members = AttributeInfo::reference("members", "account").multi_valued().large();
        let account = ClassInfo::new(ClassKind::Account, "account", "Account").attribute(AttributeInfo::text("mail"));
        Ok(vec![account, group.attribute(members)])
    }
}

impl Source for Stubborn {
    fn list(self, request: ListRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Record> + 'static> {
        self.at(Place::Open)?;
        Ok(One {
            of: self,
            place: Place::Page,
            item: Some(Object::new(format!("the-{}", request.class), "one").into()),
        })
    }

    fn get(&self, object: &ObjectRef, _: &[String]) -> Result<Record> {
        self.at(Place::Get)?;
        Ok(Object::new(object.uid.as_str(), "one").into())
    }

    fn edges(self, request: EdgeRequest, _: Option<Vec<u8>>) -> Result<impl Listing<Edge> + 'static> {
        let edge = Edge {
            owner: Reference::uid("group", "the-group"),
            attribute: request.attribute,
            target: Reference::uid("account", "the-account"),
            parameters: Vec::new(),
        };
        Ok(One { of: self, place: Place::Edges, item: Some(edge) })
    }
}

/// A listing of one.
struct One<T> {
    of: Stubborn,
    place: Place,
    item: Option<T>,
}

impl<T> Listing<T> for One<T> {
    fn next_item(&mut self) -> Option<Result<Item<T>>> {
        match self.of.at(self.place) {
            Ok(()) => self.item.take().map(|item| Ok(Item::Found(item))),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Provision for Stubborn {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        self.at(Place::Create)?;
        Ok(Outcome::Done(Written::new(draft.name.as_str(), draft.name.as_str())))
    }

    fn update(&self, update: Update) -> Result<Outcome> {
        self.at(Place::Update)?;
        Ok(Outcome::Done(Written::new(update.object.uid, "one")))
    }

    fn delete(&self, object: &ObjectRef, _: Option<&str>) -> Result<Outcome> {
        self.at(Place::Delete)?;
        Ok(Outcome::Done(Written::new(object.uid.as_str(), "one")))
    }
}

impl Entitlements for Stubborn {
    fn grant(&self, _: &ObjectRef, _: &Assignment) -> Result<Granted> {
        self.at(Place::Grant)?;
        Ok(GrantOutcome::Granted.into())
    }

    fn revoke(&self, _: &ObjectRef, _: &Assignment) -> Result<RevokeOutcome> {
        self.at(Place::Revoke)?;
        Ok(RevokeOutcome::Revoked)
    }

    fn list_granted(&self, _: &ObjectRef, _: Option<&[u8]>, _: u32) -> Result<Assignments> {
        self.at(Place::Granted)?;
        Ok(Assignments { assignments: vec![Assignment::direct(ObjectRef::new("group", "g1"))], next: None })
    }
}

impl Passwords for Stubborn {
    fn set_password(&self, _: &ObjectRef, new: &Password<'_>, _: bool) -> Result<()> {
        if self.place == Place::Password {
            self.mood.act_with(new)?;
        }
        Ok(())
    }

    fn change_password(&self, account: &ObjectRef, _: &Password<'_>, new: &Password<'_>) -> Result<()> {
        self.set_password(account, new, false)
    }

    fn authenticate(&self, _: &str, name: &str, password: &Password<'_>) -> Result<String> {
        if self.place == Place::Authenticate {
            self.mood.act_with(password)?;
        }
        Ok(name.to_owned())
    }
}

hawser_sdk::export!(Stubborn: Probe, Schema, Source, Provision, Entitlements, Passwords);
