//! Granting and revoking: one request each, never a rewrite of a list, so that what somebody else granted survives.
//!
//! Where the mapping can read an assignment, it is read first: what is so already is not sent, and other parameters are
//! `replaced`.

use crate::Rest;
use crate::api::{Api, With};
use crate::body;
use crate::mapping::{Assigned, Assignments as List, Attribute as Parameter, Class, Entitlement};
use crate::pages::{Paged, Pages, Position, fingerprint};
use crate::template::{Scope, is_part};
use crate::{failure, values};
use hawser_sdk::{
    Assignment, Assignments, Attribute, Entitlements, Error, FailureKind, GrantOutcome, Granted, ObjectRef, Result,
    RevokeOutcome,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

impl Entitlements for Rest {
    fn grant(&self, principal: &ObjectRef, what: &Assignment) -> Result<Granted> {
        let (api, pair) = self.pair(principal, what)?;
        pair.has(|_, parameter| parameter.required)?;
        let standing = pair.standing(&api)?;
        if standing == Standing::Same {
            return Ok(GrantOutcome::AlreadyGranted.into());
        }
        let grant = &pair.of.grant;
        let body = body::of_parameters(grant, &pair.of.parameters, &pair.parameters, &pair.scope)?;
        match api.send(grant.sketch(), &pair.scope, &With { body, ..With::default() }) {
            Ok(_) if standing == Standing::Other => Ok(GrantOutcome::Replaced.into()),
            Ok(_) => Ok(GrantOutcome::Granted.into()),
            Err(error) if says(&error, &grant.already) => Ok(GrantOutcome::AlreadyGranted.into()),
            Err(error) => Err(error),
        }
    }

    fn revoke(&self, principal: &ObjectRef, what: &Assignment) -> Result<RevokeOutcome> {
        let (api, pair) = self.pair(principal, what)?;
        let revoke = &pair.of.revoke;
        let address = revoke.sketch().address();
        pair.has(|name, parameter| {
            // Without it, the request would be about more than this one grant.
            uses(&address, name) || parameter.required && (body::has_parameters(revoke) || pair.names(name))
        })?;
        if pair.standing(&api)? == Standing::None {
            return Ok(RevokeOutcome::AlreadyRevoked);
        }
        let body = body::of_parameters(revoke, &pair.of.parameters, &pair.parameters, &pair.scope)?;
        match api.send(revoke.sketch(), &pair.scope, &With { body, ..With::default() }) {
            Ok(_) => Ok(RevokeOutcome::Revoked),
            Err(error) if says(&error, &revoke.already) => Ok(RevokeOutcome::AlreadyRevoked),
            Err(error) => Err(error),
        }
    }

    fn list_granted(&self, principal: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        let api = Api::new(self)?;
        let mut place = match after {
            Some(bytes) => serde_json::from_slice(bytes)
                .map_err(|_| Error::invalid_attribute_value("this is no place in a list of entitlements"))?,
            None => After::default(),
        };
        let granting = self.granting(&principal.class)?;
        while let Some((class, of, list)) = granting.get(place.class) {
            let mut pages = Pages::new(place.position.clone());
            let scope = principal_scope(api.scope(), principal);
            if let Some(items) = pages.next(&api, &list.paged(), &scope)? {
                if !items.is_empty() && place.previous == Some(fingerprint(&items)) {
                    return Err(Error::retryable("the API gave the page before again; see `paging` in the mapping"));
                }
                let assignments: Vec<Assignment> = items
                    .iter()
                    .skip(place.taken)
                    .filter_map(|item| assignment(class, of, list, item).transpose())
                    .take(usize::try_from(max.max(1)).unwrap_or(usize::MAX))
                    .collect::<Result<_>>()?;
                place = place.after(&items, assignments.len(), &pages, |item| {
                    assignment(class, of, list, item).ok().flatten().is_some()
                });
                let next = (place.class < granting.len()).then(|| serde_json::to_vec(&place)).transpose();
                let next = next.map_err(|error| Error::connection_broken(error.to_string()))?;
                if !assignments.is_empty() || next.is_none() {
                    return Ok(Assignments { assignments, next });
                }
            } else {
                place = After { class: place.class + 1, ..After::default() };
            }
        }
        Ok(Assignments { assignments: Vec::new(), next: None })
    }
}

/// Where a list of what somebody was granted goes on.
#[derive(Default, Serialize, Deserialize)]
struct After {
    /// Which of the classes that can be granted.
    class: usize,
    position: Position,
    /// How many items of the page were taken.
    taken: usize,
    /// What the page before was like, because an API that does not page would give this one for ever.
    previous: Option<u64>,
}

impl After {
    /// After so many assignments of a page.
    fn after(self, items: &[Json], assignments: usize, pages: &Pages, is_one: impl Fn(&Json) -> bool) -> Self {
        let rest = items.iter().enumerate().skip(self.taken).filter(|(_, item)| is_one(item)).nth(assignments);
        match (rest, pages.position()) {
            (Some((taken, _)), _) => Self { taken, ..self },
            (None, Some(position)) => {
                let previous = Some(fingerprint(items));
                Self { class: self.class, position: position.clone(), taken: 0, previous }
            }
            (None, None) => Self { class: self.class + 1, ..Self::default() },
        }
    }
}

/// A principal, an entitlement and the parameters, checked.
struct Pair<'a> {
    of: &'a Entitlement,
    parameters: Map<String, Json>,
    scope: Scope,
}

/// What is granted already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    None,
    Same,
    /// With other parameters.
    Other,
    Unknown,
}

impl Rest {
    fn pair(&self, principal: &ObjectRef, what: &Assignment) -> Result<(Api<'_>, Pair<'_>)> {
        let class = &what.entitlement.class;
        let of = self.mapping.class(class)?.entitlement.as_ref();
        let of =
            of.ok_or_else(|| Error::unsupported(format!("the mapping does not grant objects of the class {class}")))?;
        if !of.to.contains(&principal.class) {
            let message = format!("{class} is granted to {}, not to {}", of.to.join(", "), principal.class);
            return Err(Error::schema_violation(message));
        }
        if what.not_before.is_some() || what.not_after.is_some() {
            return Err(Error::unsupported("the mapping grants without a beginning and an end"));
        }
        let api = Api::new(self)?;
        let parameters = given(of, &what.parameters)?;
        let scope = entitlement_scope(principal_scope(api.scope(), principal), &what.entitlement);
        let scope = scope.with("parameters", &Json::Object(parameters.clone()));
        Ok((api, Pair { of, parameters, scope }))
    }

    /// The classes that are granted to a principal's class. What cannot be listed is not what nobody was granted.
    fn granting<'a>(&'a self, to: &str) -> Result<Vec<(&'a str, &'a Entitlement, &'a List)>> {
        self.mapping.class(to)?;
        let of = |(name, class): (&'a String, &'a Class)| {
            let of = class.entitlement.as_ref().filter(|of| of.to.iter().any(|it| it == to))?;
            let unlisted = || {
                Error::unsupported(format!(
                    "what was granted cannot be listed: the mapping has no `entitlement.list` for the class {name}"
                ))
            };
            Some(of.list.as_ref().ok_or_else(unlisted).map(|list| (name.as_str(), of, list)))
        };
        self.mapping.classes.iter().filter_map(of).collect()
    }
}

impl Pair<'_> {
    /// Are the parameters there that are needed?
    fn has(&self, needed: impl Fn(&str, &Parameter) -> bool) -> Result<()> {
        let needed = self.of.parameters.iter().filter(|(name, parameter)| needed(name, parameter));
        match needed.map(|(name, _)| name).find(|name| !self.parameters.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let message = format!("the parameter `{name}` is missing");
                Err(Error::invalid_attribute_value(message).attribute(name.as_str()))
            }
        }
    }

    /// Is it with this parameter that the mapping says which grant it is?
    fn names(&self, parameter: &str) -> bool {
        let read = self.of.read.iter().flat_map(|read| read.sketch().names()).collect::<Vec<_>>();
        uses(&self.of.revoke.sketch().names(), parameter) || uses(&read, parameter)
    }

    fn standing(&self, api: &Api<'_>) -> Result<Standing> {
        let Some(read) = &self.of.read else { return Ok(Standing::Unknown) };
        match api.send(read.sketch(), &self.scope, &With::default()) {
            Ok(answer) => Ok(self.compared(read, &answer.body)),
            Err(error) if error.kind() == FailureKind::UnknownUid => Ok(Standing::None),
            Err(error) => Err(error),
        }
    }

    /// Parameters that the answer does not have are part of the request.
    fn compared(&self, read: &Assigned, body: &Json) -> Standing {
        let item = read.item.get(body).unwrap_or(&Json::Null);
        let other = self.of.parameters.iter().any(|(name, parameter)| {
            parameter.pointer.get(item).is_some_and(|now| self.parameters.get(name) != Some(now))
        });
        if other { Standing::Other } else { Standing::Same }
    }
}

fn uses(names: &[String], parameter: &str) -> bool {
    names.iter().any(|used| used.strip_prefix("parameters.").is_some_and(|used| is_part(used, parameter)))
}

/// The parameters as the API takes them.
fn given(of: &Entitlement, given: &[Attribute]) -> Result<Map<String, Json>> {
    if let Some(strange) = given.iter().find(|it| !of.parameters.contains_key(&it.name)) {
        return Err(Error::schema_violation(format!("there is no parameter `{}`", strange.name))
            .attribute(strange.name.as_str()));
    }
    let mut said = Map::new();
    for (name, parameter) in &of.parameters {
        if let Some(it) = given.iter().find(|it| it.name == *name).filter(|it| !it.values.is_empty()) {
            said.insert(name.clone(), values::encode(name, parameter, &it.values)?);
        }
    }
    Ok(said)
}

/// The parameters of an item; nothing where a required one is missing.
pub(crate) fn parameters(of: &Entitlement, item: &Json) -> Result<Option<Vec<Attribute>>, String> {
    let mut found = Vec::new();
    for (name, parameter) in &of.parameters {
        let values = values::values(parameter, item)?;
        if values.is_empty() && parameter.required {
            return Ok(None);
        }
        if !values.is_empty() {
            found.push(Attribute { name: name.clone(), values });
        }
    }
    Ok(Some(found))
}

fn assignment(class: &str, of: &Entitlement, list: &List, item: &Json) -> Result<Option<Assignment>> {
    let Some(uid) = list.entitlement.find(item) else { return Ok(None) };
    let Some(parameters) = parameters(of, item).map_err(Error::schema_violation)? else { return Ok(None) };
    Ok(Some(Assignment { parameters, ..Assignment::direct(ObjectRef::new(class, uid)) }))
}

fn says(error: &Error, statuses: &[u16]) -> bool {
    failure::status(error).is_some_and(|status| statuses.contains(&status))
}

fn principal_scope(scope: Scope, principal: &ObjectRef) -> Scope {
    scope.with("principal", &described(principal))
}

pub(crate) fn entitlement_scope(scope: Scope, entitlement: &ObjectRef) -> Scope {
    scope.with("entitlement", &described(entitlement))
}

fn described(object: &ObjectRef) -> Json {
    let mut described = json!({"class": object.class, "uid": object.uid});
    if let (Some(name), Json::Object(members)) = (&object.name, &mut described) {
        members.insert("name".to_owned(), Json::from(name.as_str()));
    }
    described
}

impl List {
    fn paged(&self) -> Paged<'_> {
        Paged { sketch: self.sketch(), items: &self.items, paging: &self.paging }
    }
}
