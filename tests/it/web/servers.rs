//! Each server comes up with TLS by its own CA, lets in who may, and does what the connectors' tests need of it.

use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::ca::Ca;
use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::scim2::{self, Scim2Options};
use hawser::cli::demo::server::web::{Program, WebServer};
use hawser_tests::web::canaille::{self, Canaille};
use hawser_tests::web::keystone::{self, Keystone};
use hawser_tests::web::rabbitmq::{self, RabbitMq};
use hawser_tests::web::scimmy::{self, Scimmy};
use hawser_tests::web::{Judge, scim2};
use serde_json::{Value as Json, json};

/// What curl ends with when nobody listens, and when the certificate is not by its CA.
const NOBODY_LISTENS: i32 = 7;
const ANOTHERS_CERTIFICATE: i32 = 60;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn exit_code(error: &ServerError) -> Option<i32> {
    let ServerError::Failed { code, .. } = error else { return None };
    *code
}

fn patch(operation: &Json) -> Json {
    json!({"schemas": [PATCH], "Operations": [operation]})
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}")).to_owned()
}

/// Insists on TLS by the server's own CA, and that strangers are refused.
fn is_guarded<P: Program>(server: &WebServer<P>, path: &str) {
    assert_eq!(server.anonymous().send("GET", path, None).unwrap().status, 401);
    let folder = tempfile::tempdir().unwrap();
    let stranger = Curl::new(&server.url(), Ca::create(folder.path()).unwrap().certificate());
    assert_eq!(exit_code(&stranger.send("GET", path, None).unwrap_err()), Some(ANOTHERS_CERTIFICATE));
}

/// A person as every one of the SCIM servers takes it.
fn person(name: &str) -> Json {
    json!({
        "schemas": [USER, ENTERPRISE], "userName": name, "active": true,
        "name": {"formatted": "Barbara Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        "emails": [{"value": format!("{name}@example.org")}],
        ENTERPRISE: {"department": "Tours"},
    })
}

#[test]
fn scim2_server_keeps_people_groups_and_memberships_and_minds_versions() {
    let server = scim2(&Scim2Options::default());
    let (users, groups) = (format!("{}/Users", scim2::BASE), format!("{}/Groups", scim2::BASE));
    is_guarded(&server, &users);
    let id = text(&server.expect(201, "POST", &users, Some(&person("bjensen")))["id"]);
    assert_eq!(server.expect(409, "POST", &users, Some(&person("bjensen")))["scimType"], "uniqueness");
    let user = format!("{users}/{id}");
    let read = server.expect(200, "GET", &user, None);
    assert_eq!((&read["userName"], &read[ENTERPRISE]["department"]), (&json!("bjensen"), &json!("Tours")));
    let inactive = patch(&json!({"op": "replace", "path": "active", "value": false}));
    let stale = server.admin().unwrap().header("if-match", "W/\"another\"").send("PATCH", &user, Some(&inactive));
    assert_eq!(stale.unwrap().status, 412);
    server.expect(204, "PATCH", &user, Some(&inactive));
    assert_eq!(server.expect(200, "GET", &user, None)["active"], false);

    let members = json!([{"value": id}]);
    let group = json!({"schemas": [GROUP], "displayName": "Tour Guides", "members": members});
    let group = format!("{groups}/{}", text(&server.expect(201, "POST", &groups, Some(&group))["id"]));
    assert_eq!(server.expect(200, "GET", &group, None)["members"][0]["value"], id);
    let leave = patch(&json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
    server.expect(204, "PATCH", &group, Some(&leave));
    assert_eq!(server.expect(200, "GET", &group, None)["members"], Json::Null);
    server.expect(204, "DELETE", &user, None);
    server.expect(404, "GET", &user, None);
}

#[test]
fn scim2_server_gives_pages_by_index_and_by_cursor_and_filters() {
    let server = scim2(&Scim2Options { cursor: true, page_max: 2, ..Scim2Options::default() });
    let users = format!("{}/Users", scim2::BASE);
    for name in ["anna", "berta", "carla"] {
        server.expect(201, "POST", &users, Some(&person(name)));
    }
    let page = |query: &str| server.expect(200, "GET", &format!("{users}?{query}"), None);
    let names = |page: &Json| {
        let people = page["Resources"].as_array().unwrap();
        people.iter().map(|person| text(&person["userName"])).collect::<Vec<_>>()
    };
    let first = page("startIndex=1&count=10&sortBy=userName");
    assert_eq!((names(&first), &first["totalResults"]), (vec!["anna".into(), "berta".into()], &json!(3)));
    assert_eq!(names(&page("startIndex=3&count=2&sortBy=userName")), ["carla"]);
    let first = page("cursor&count=2&sortBy=userName");
    let second = page(&format!("cursor={}&count=2&sortBy=userName", text(&first["nextCursor"])));
    assert_eq!((names(&first), names(&second)), (vec!["anna".into(), "berta".into()], vec!["carla".into()]));
    assert_eq!(second["nextCursor"], Json::Null);
    assert_eq!(names(&page("filter=userName%20eq%20%22berta%22")), ["berta"]);
    let config = server.expect(200, "GET", &format!("{}/ServiceProviderConfig", scim2::BASE), None);
    assert_eq!((&config["pagination"]["cursor"], &config["filter"]["maxResults"]), (&json!(true), &json!(2)));
}

#[test]
fn scim2_server_does_without_what_it_is_told_to_do_without() {
    let options = Scim2Options { patch: false, filter: false, etag: false, ..Scim2Options::default() };
    let server = scim2(&options);
    let users = format!("{}/Users", scim2::BASE);
    let made = server.expect(201, "POST", &users, Some(&person("bjensen")));
    assert_eq!(made["meta"]["version"], Json::Null);
    let user = format!("{users}/{}", text(&made["id"]));
    server.expect(501, "PATCH", &user, Some(&patch(&json!({"op": "remove", "path": "emails"}))));
    server.expect(501, "GET", &format!("{users}?filter=userName%20pr"), None);
    let mut changed = person("bjensen");
    changed["active"] = json!(false);
    assert_eq!(server.expect(200, "PUT", &user, Some(&changed))["active"], false);
}

#[test]
fn canaille_keeps_people_and_groups_for_who_has_a_token_of_its_own() {
    let mut server = Canaille::start();
    let (users, groups) = (format!("{}/Users", canaille::BASE), format!("{}/Groups", canaille::BASE));
    is_guarded(&server, &users);
    let wrong = server.anonymous().basic(canaille::CLIENT_ID, "wrong");
    let refused = wrong.form(canaille::TOKEN_PATH, "grant_type=client_credentials").unwrap();
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_client")));

    let id = text(&server.expect(201, "POST", &users, Some(&person("bjensen")))["id"]);
    let user = format!("{users}/{id}");
    server.expect(200, "PATCH", &user, Some(&patch(&json!({"op": "replace", "path": "displayName", "value": "Babs"}))));
    assert_eq!(server.expect(200, "GET", &user, None)["displayName"], "Babs");
    let member = json!({"value": id, "$ref": format!("{}{user}", server.url())});
    let group = json!({"schemas": [GROUP], "displayName": "Tour Guides", "members": [member]});
    let group = format!("{groups}/{}", text(&server.expect(201, "POST", &groups, Some(&group))["id"]));
    let members = |server: &WebServer<Canaille>| server.expect(200, "GET", &group, None)["members"].clone();
    assert_eq!(members(&server).as_array().map(Vec::len), Some(1));
    server.restart().unwrap();
    assert_eq!(members(&server).as_array().map(Vec::len), Some(1));
}

#[test]
fn canaille_has_the_ways_of_its_own_that_its_page_tells() {
    let server = Canaille::start();
    let (users, groups) = (format!("{}/Users", canaille::BASE), format!("{}/Groups", canaille::BASE));
    let [first, second] = ["bjensen", "jsmith"].map(|name| server.expect(201, "POST", &users, Some(&person(name))));
    server.expect(500, "GET", &format!("{users}?count=1"), None);
    let unfiltered = server.expect(200, "GET", &format!("{users}?filter=userName%20eq%20%22bjensen%22"), None);
    assert_eq!(unfiltered["Resources"].as_array().map(Vec::len), Some(2));
    assert!(text(&first["meta"]["location"]).ends_with("/Users/bjensen"), "{first}");
    let members = [&first, &second].map(|user| json!({"value": user["id"], "$ref": user["meta"]["location"]}));
    let group = json!({"schemas": [GROUP], "displayName": "Tour Guides", "members": members});
    let group = format!("{groups}/{}", text(&server.expect(201, "POST", &groups, Some(&group))["id"]));
    let leave = patch(&json!({"op": "remove", "path": "members[value eq \"jsmith\"]"}));
    server.expect(500, "PATCH", &group, Some(&leave));
    let left = patch(&json!({"op": "replace", "path": "members", "value": members[..1]}));
    let read = server.expect(200, "PATCH", &group, Some(&left));
    assert_eq!((read["members"].as_array().map(Vec::len), &read["members"][0]["value"]), (Some(1), &json!("bjensen")));
    let empty = patch(&json!({"op": "remove", "path": "members"}));
    assert_eq!(server.expect(400, "PATCH", &group, Some(&empty))["scimType"], "invalidValue");
}

#[test]
fn scimmy_keeps_people_groups_and_memberships() {
    let server = Scimmy::start();
    let (users, groups) = (format!("{}/Users", scimmy::BASE), format!("{}/Groups", scimmy::BASE));
    is_guarded(&server, &users);
    let id = text(&server.expect(201, "POST", &users, Some(&person("bjensen")))["id"]);
    assert_eq!(server.expect(409, "POST", &users, Some(&person("BJensen")))["scimType"], "uniqueness");
    let user = format!("{users}/{id}");
    server.expect(200, "PATCH", &user, Some(&patch(&json!({"op": "replace", "path": "active", "value": false}))));
    assert_eq!(server.expect(200, "GET", &user, None)["active"], false);

    let group = json!({"schemas": [GROUP], "displayName": "Tour Guides"});
    let group_id = text(&server.expect(201, "POST", &groups, Some(&group))["id"]);
    let group = format!("{groups}/{group_id}");
    let join = patch(&json!({"op": "add", "path": "members", "value": [{"value": id}]}));
    server.expect(200, "PATCH", &group, Some(&join));
    assert_eq!(server.expect(200, "GET", &group, None)["members"][0]["value"], id);
    assert_eq!(server.expect(200, "GET", &user, None)["groups"][0]["value"], group_id);
    let found = server.expect(200, "GET", &format!("{users}?filter=userName%20sw%20%22bj%22&count=1"), None);
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)));
    server.expect(204, "DELETE", &user, None);
    server.expect(404, "GET", &user, None);
    assert_eq!(server.expect(200, "GET", &group, None)["members"], json!([]));
}

#[test]
fn rabbitmq_keeps_users_and_permissions_on_a_virtual_host() {
    let mut server = RabbitMq::start();
    let at = |rest: &str| format!("{}{rest}", rabbitmq::BASE);
    is_guarded(&server, &at("/users"));
    server.expect(201, "PUT", &at("/users/jdoe"), Some(&json!({"password": "Start-Pass1", "tags": "monitoring"})));
    server.expect(201, "PUT", &at("/vhosts/tours"), None);
    let patterns = json!({"configure": "^jdoe-", "write": ".*", "read": ""});
    server.expect(201, "PUT", &at("/permissions/tours/jdoe"), Some(&patterns));
    let granted = server.expect(200, "GET", &at("/users/jdoe/permissions"), None);
    assert_eq!((&granted[0]["vhost"], &granted[0]["configure"]), (&json!("tours"), &json!("^jdoe-")));
    let own = server.anonymous().basic("jdoe", "Start-Pass1").send("GET", &at("/whoami"), None).unwrap();
    assert_eq!((own.status, &own.json()["tags"][0]), (200, &json!("monitoring")));
    server.expect(204, "DELETE", &at("/permissions/tours/jdoe"), None);
    assert_eq!(server.expect(200, "GET", &at("/users/jdoe/permissions"), None), json!([]));
    server.restart().unwrap();
    assert_eq!(server.expect(200, "GET", &at("/users/jdoe"), None)["name"], "jdoe");
}

#[test]
fn keystone_grants_a_role_on_a_project_to_who_has_a_token_from_a_header() {
    let mut server = Keystone::start();
    let at = |rest: &str| format!("{}{rest}", keystone::BASE);
    is_guarded(&server, &at("/users"));
    let wrong = keystone::log_in(keystone::ADMIN, "wrong");
    assert_eq!(server.anonymous().send("POST", &at("/auth/tokens"), Some(&wrong)).unwrap().status, 401);

    let user = json!({"user": {"name": "jdoe", "password": "Start-Pass1", "domain_id": "default"}});
    let user = text(&server.expect(201, "POST", &at("/users"), Some(&user))["user"]["id"]);
    let group = json!({"group": {"name": "guides", "domain_id": "default"}});
    let group = text(&server.expect(201, "POST", &at("/groups"), Some(&group))["group"]["id"]);
    server.expect(204, "PUT", &at(&format!("/groups/{group}/users/{user}")), None);
    let members = server.expect(200, "GET", &at(&format!("/groups/{group}/users")), None);
    assert_eq!(members["users"][0]["id"], user);

    let project = json!({"project": {"name": "tours", "domain_id": "default"}});
    let project = text(&server.expect(201, "POST", &at("/projects"), Some(&project))["project"]["id"]);
    let role = text(&server.expect(200, "GET", &at("/roles?name=member"), None)["roles"][0]["id"]);
    let grant = at(&format!("/projects/{project}/users/{user}/roles/{role}"));
    server.expect(204, "PUT", &grant, None);
    let assigned = at(&format!("/role_assignments?user.id={user}"));
    let assignments = server.expect(200, "GET", &assigned, None);
    assert_eq!(assignments["role_assignments"][0]["scope"]["project"]["id"], project);
    server.expect(204, "DELETE", &grant, None);
    server.restart().unwrap();
    assert_eq!(server.expect(200, "GET", &assigned, None)["role_assignments"], json!([]));
}

#[test]
fn a_server_that_is_stopped_is_gone_and_comes_back_on_its_port() {
    let mut server = Scimmy::start();
    let url = server.url();
    server.stop().unwrap();
    let nobody = server.anonymous().send("GET", scimmy::BASE, None).unwrap_err();
    assert_eq!(exit_code(&nobody), Some(NOBODY_LISTENS));
    server.restart().unwrap();
    assert_eq!(server.url(), url);
    server.expect(200, "GET", &format!("{}/Users", scimmy::BASE), None);
}
