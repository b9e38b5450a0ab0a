//! The company as SCIM's resources, and how a service is filled with them: by bulk requests (RFC 7644, 3.7).

use serde_json::{Value as Json, json};

use super::super::people::{self, Company, Person, groups_of};
use super::super::server::ServerError;
use super::super::server::curl::Curl;
use super::super::server::scim2::{BASE, ENTERPRISE, GROUP, USER};

/// Resources of a bulk request: the server takes 1 MiB, and a group may have hundreds of members.
const USERS_PER_REQUEST: usize = 500;
const GROUPS_PER_REQUEST: usize = 25;

/// Creates everybody and every group.
///
/// # Errors
/// The service's refusal.
pub(super) fn found(curl: &Curl, company: Company) -> Result<(), ServerError> {
    let users: Vec<Json> = (0..company.people).map(|index| user(&Person::new(index))).collect();
    let ids = created(curl, "/Users", &users, USERS_PER_REQUEST)?;
    let groups: Vec<Json> = (0..).zip(&members(company, &ids)).map(|(index, members)| group(index, members)).collect();
    created(curl, "/Groups", &groups, GROUPS_PER_REQUEST).map(drop)
}

fn user(person: &Person) -> Json {
    json!({
        "schemas": [USER, ENTERPRISE], "externalId": person.id, "userName": person.user_name,
        "name": {"givenName": person.given, "familyName": person.family},
        "displayName": format!("{} {}", person.given, person.family),
        "title": person.title, "active": person.active,
        "emails": [{"value": person.mail(), "type": "work"}], "phoneNumbers": [{"value": person.phone, "type": "work"}],
        ENTERPRISE: {"department": person.department, "employeeNumber": person.employee_number.to_string()},
    })
}

fn group(index: u64, members: &[Json]) -> Json {
    json!({"schemas": [GROUP], "displayName": people::group_name(index), "members": members})
}

/// The members of each group, by the ids that the service gave to people.
fn members(company: Company, ids: &[String]) -> Vec<Vec<Json>> {
    let mut members: Vec<Vec<Json>> = (0..company.groups()).map(|_| Vec::new()).collect();
    for (index, id) in (0..).zip(ids) {
        for group in groups_of(index) {
            let group = usize::try_from(group).ok().and_then(|group| members.get_mut(group));
            group.into_iter().for_each(|members| members.push(json!({"value": id})));
        }
    }
    members
}

/// Creates resources, and gives their ids in the same order.
fn created(curl: &Curl, path: &str, resources: &[Json], per_request: usize) -> Result<Vec<String>, ServerError> {
    let mut ids = Vec::with_capacity(resources.len());
    for some in resources.chunks(per_request) {
        let answer = curl.send("POST", &format!("{BASE}/Bulk"), Some(&bulk(path, some)))?;
        let operations = answer.json();
        let done = operations.get("Operations").and_then(Json::as_array).into_iter().flatten();
        let before = ids.len();
        ids.extend(done.filter_map(id));
        if ids.len() != before + some.len() {
            return Err(ServerError::failed(&format!("filling {path}"), format!("{} {}", answer.status, answer.text)));
        }
    }
    Ok(ids)
}

fn bulk(path: &str, resources: &[Json]) -> Json {
    let create = |(number, data): (usize, &Json)| json!({"method": "POST", "path": path, "bulkId": number.to_string(), "data": data});
    let operations: Vec<Json> = resources.iter().enumerate().map(create).collect();
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
}

/// The id of a resource that was created: the last part of where it is.
fn id(done: &Json) -> Option<String> {
    let (_, id) = done.get("location")?.as_str()?.rsplit_once('/')?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_three_groups_under_the_id_the_service_gave() {
        let company = Company { people: 300 };
        let ids: Vec<String> = (0..300).map(|index| format!("id-{index}")).collect();
        let members = members(company, &ids);
        assert_eq!((members.len(), members.iter().map(Vec::len).sum::<usize>()), (200, 900));
        let of_the_first = groups_of(0).map(|group| members[usize::try_from(group).unwrap()].clone());
        assert!(of_the_first.iter().all(|members| members.contains(&json!({"value": "id-0"}))));
    }

    #[test]
    fn a_request_says_what_is_created_where_and_an_answer_without_a_place_has_no_id() {
        let request = bulk("/Users", &[user(&Person::new(0))]);
        let operation = &request["Operations"][0];
        assert_eq!((&operation["method"], &operation["path"]), (&json!("POST"), &json!("/Users")));
        assert_eq!(operation["data"]["userName"], Person::new(0).user_name);
        assert_eq!(id(&json!({"location": "https://x/v2/Users/17", "status": "201"})).as_deref(), Some("17"));
        assert_eq!(id(&json!({"status": "409", "response": {}})), None);
    }
}
