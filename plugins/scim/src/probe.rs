//! Probing: does the connection work, what will an import and a write meet, and what could an option's value be?

use crate::Scim;
use crate::client;
use crate::documents::{self, ResourceTypeDocument};
use crate::feed;
use crate::layout::{Layout, Targets};
use crate::model::{ACCOUNT, Class, GROUP, PASSWORD, Syntax};
use crate::page;
use crate::server::Server;
use crate::url::Url;
use hawser_sdk::{Aspect, Choice, Error, Finding, Probe, Result};

impl Probe for Scim {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        let server = match Server::read(&self.options) {
            Ok(server) => server,
            Err(error) => return Ok(vec![Finding::problem(error)]),
        };
        Ok(match aspect {
            Aspect::Connect => connect(&server),
            Aspect::Complete => server.classes.iter().map(|class| told(complete(&server, class))).collect(),
            Aspect::Incremental => vec![told(self.incremental())],
            Aspect::Provision => provision(&server),
        })
    }

    fn suggest(&self, option: &str) -> Result<Vec<Choice>> {
        let offered = |names: Vec<String>| names.iter().map(|name| Choice::new(name.as_str(), name.as_str())).collect();
        match option {
            "resource-types" => Ok(offered(self.resource_types()?)),
            "account-name" => Ok(offered(texts(self.server()?.class(ACCOUNT)?))),
            "group-name" => Ok(offered(texts(self.server()?.class(GROUP)?))),
            _ => Ok(Vec::new()),
        }
    }
}

impl Scim {
    /// What the service has, whatever is chosen of it.
    fn resource_types(&self) -> Result<Vec<String>> {
        let client = client::Client::open(&self.options)?;
        let types: Vec<ResourceTypeDocument> = match client.get(Url::new("/ResourceTypes")) {
            Ok(response) => documents::list(&response.body, "/ResourceTypes")?,
            Err(_) => documents::core_types(),
        };
        Ok(types.into_iter().map(|kind| kind.name).collect())
    }

    /// Asks for everything since the beginning, which has to find everything.
    fn incremental(&self) -> Result<String> {
        let server = self.following()?;
        let Some(class) = server.classes.first() else { return Ok("there is nothing to follow".to_owned()) };
        let since = total(&server, class, Some(&feed::filter(0)?))?;
        let all = total(&server, class, None)?;
        if since < all {
            let message = format!(
                "the service has {all} of {} and finds {since} of them by meta.lastModified, so changes would be missed; set \
                 `incremental` to off",
                class.name
            );
            return Err(Error::unsupported(message));
        }
        Ok("changes are found by meta.lastModified, deletions by complete passes".to_owned())
    }
}

fn told(found: Result<String>) -> Finding {
    found.map_or_else(Finding::problem, Finding::fine)
}

fn texts(class: &Class) -> Vec<String> {
    let texts = class.attributes.iter().filter(|it| it.syntax == Syntax::Text && !it.multi && it.is_readable());
    texts.map(|it| it.name.clone()).collect()
}

fn connect(server: &Server) -> Vec<Finding> {
    let can = server.can;
    let word = |can: bool, what: &str| if can { what.to_owned() } else { format!("no {what}") };
    let names: Vec<&str> = server.classes.iter().map(|class| class.resource_type.as_str()).collect();
    let can =
        [word(can.patch, "PATCH"), word(can.filter, "filters"), word(can.etag, "ETags"), word(can.cursor, "cursors")];
    vec![
        Finding::fine(format!("the service describes {}", names.join(", "))),
        Finding::fine(format!("it says that it has {}", can.join(", "))),
    ]
}

fn complete(server: &Server, class: &Class) -> Result<String> {
    Ok(format!("{}: {} at {}", class.name, total(server, class, None)?, class.endpoint))
}

/// How many there are, with a look at the first page, so that what goes wrong shows now and not in the night.
fn total(server: &Server, class: &Class, filter: Option<&str>) -> Result<u64> {
    let layout = Layout::of(class, &[], Targets::of(server, 0))?;
    let count = server.page_size().map(|count| count.to_string());
    let url = Url::new(&class.endpoint)
        .with_some("filter", filter)
        .with_some("attributes", layout.wanted.attributes.as_deref())
        .with_some("count", count.as_deref());
    let page = page::read(&layout, &server.client.get(url)?.body)?;
    let found = page.items.unwrap_or_default();
    let total = page.total.unwrap_or(found.len() as u64);
    if let Some(first) = found.into_iter().next() {
        first.into_row(&layout).map_err(|rejected| rejected.reason().clone())?;
    }
    Ok(total)
}

/// What is written how, and what writing cannot rest on.
fn provision(server: &Server) -> Vec<Finding> {
    let way = if server.patches() { "by PATCH, only what differs" } else { "as a whole, by PUT" };
    let mut findings =
        vec![Finding::fine(format!("objects are written {way}; the service does not tell rights before"))];
    if !server.can.etag {
        findings.push(Finding::fine("the service has no ETags: a revision is compared before a write and not by it"));
        if !server.patches() {
            let message = "without PATCH and without ETags no group can be changed, because members could be lost";
            findings.push(Finding::problem(Error::unsupported(message)));
        }
    }
    let has_password = server.class(ACCOUNT).is_ok_and(|class| class.attribute(PASSWORD).is_some());
    if !has_password {
        findings.push(Finding::fine("the service describes no password of a user, so none can be set"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Options, Updates};
    use crate::server::tests::{Service, ok};
    use hawser_sdk::FailureKind;
    use hawser_sdk::http::Response;
    use serde_json::json;

    fn problems(findings: &[Finding]) -> Vec<String> {
        findings.iter().filter(|it| it.failure.is_some()).map(|it| it.text.clone()).collect()
    }

    fn scim() -> Scim {
        Scim { options: Options::default() }
    }

    fn counted(total: u64) -> Response {
        ok(&json!({"totalResults": total, "Resources": [{"id": "1", "userName": "a", "displayName": "a"}]}))
    }

    #[test]
    fn a_service_that_cannot_be_reached_is_a_finding() {
        let host = hawser_sdk::testing::Host::new().secured("token", "t").web(|_| Ok(Response::new(401, "")));
        let _host = host.enter();
        let findings = scim().check(Aspect::Connect).unwrap();
        assert!(problems(&findings)[0].contains("enter it again"), "{findings:?}");
    }

    #[test]
    fn a_list_that_fails_or_has_no_names_is_a_finding_of_its_class() {
        let (_host, _) = Service::new().enter(|asked| match asked.path.starts_with("/Users") {
            true => Response::new(500, ""),
            false => ok(&json!({"totalResults": 1, "Resources": [{"id": "1"}]})),
        });
        let findings = scim().check(Aspect::Complete).unwrap();
        assert_eq!(problems(&findings).len(), 2, "{findings:?}");
    }

    #[test]
    fn a_filter_that_finds_too_little_is_no_way_to_follow() {
        let check = |found: u64| {
            let (_host, _) =
                Service::new().enter(move |asked| counted(if asked.path.contains("filter=") { found } else { 3 }));
            scim().check(Aspect::Incremental).unwrap()
        };
        assert!(problems(&check(0))[0].contains("`incremental`"));
        assert_eq!(problems(&check(3)), Vec::<String>::new());
    }

    #[test]
    fn what_would_lose_members_is_told_before() {
        let findings = |service: Service, updates| {
            let (_host, _) = service.enter(|_| counted(1));
            problems(&Scim { options: Options { updates, ..Options::default() } }.check(Aspect::Provision).unwrap())
        };
        let without = || Service::new().provider("etag", json!({"supported": false}));
        assert!(findings(without(), Updates::Put)[0].contains("members"));
        assert_eq!(findings(without(), Updates::Auto), Vec::<String>::new());
        assert_eq!(findings(Service::new(), Updates::Put), Vec::<String>::new());
    }

    #[test]
    fn resource_types_and_names_are_offered() {
        let (_host, _) = Service::new().enter(|_| counted(1));
        let values = |option| scim().suggest(option).unwrap().into_iter().map(|it| it.label).collect::<Vec<_>>();
        assert_eq!(values("resource-types"), ["User", "Group"]);
        assert!(values("account-name").contains(&"name:formatted".to_owned()));
        assert!(values("host").is_empty());
        let chosen = Scim { options: Options { resource_types: vec!["nosuch".to_owned()], ..Options::default() } };
        assert_eq!(chosen.suggest("resource-types").unwrap().len(), 2, "a wrong choice can be corrected");
        assert_eq!(chosen.suggest("group-name").unwrap_err().kind(), FailureKind::Configuration);
    }
}
