//! An object as it is before it is changed, and what became of it.

use crate::client;
use crate::model::{Attribute, Class, Mutability, Path, Returned};
use crate::server::Server;
use crate::tree;
use hawser_sdk::http::Response;
use hawser_sdk::{Error, Result, Written};
use serde_json::Value as Json;

/// A resource that was read.
pub(crate) struct Object {
    pub(crate) json: Json,
    pub(crate) version: Option<String>,
}

impl Object {
    /// Reads the object: all of it, or these attributes with what every object shows. Services that take the attributes of
    /// extensions by their names are few, so those are read with all the others. All of it has what is shown on request only,
    /// which would be lost if the object is written as a whole.
    pub(crate) fn read(server: &Server, class: &Class, uid: &str, attributes: Option<&[String]>) -> Result<Self> {
        let plain = attributes.filter(|attributes| !attributes.iter().any(|name| name.contains(':')));
        let wanted = plain.map(|attributes| {
            let naming = class.naming().map(|it| it.path.to_string());
            let mut wanted: Vec<String> = ["id".to_owned(), "meta".to_owned()].into_iter().chain(naming).collect();
            wanted.extend_from_slice(attributes);
            wanted.sort();
            wanted.dedup();
            wanted.join(",")
        });
        let mut object = Self::ask(server, class, uid, wanted.as_deref())?;
        if attributes.is_none() {
            object.add_requested(server, class, uid)?;
        }
        Ok(object)
    }

    fn ask(server: &Server, class: &Class, uid: &str, wanted: Option<&str>) -> Result<Self> {
        let response = server.object(class, uid, wanted)?;
        let json = client::json(&response)?;
        if !json.is_object() {
            return Err(Error::connection_broken("the service answers with something that is no resource"));
        }
        let version = version(server, &response, &json);
        Ok(Self { json, version })
    }

    /// Asks by name for what can be written and is shown on request only.
    fn add_requested(&mut self, server: &Server, class: &Class, uid: &str) -> Result<()> {
        let is_kept = |it: &&Attribute| it.returned == Returned::OnRequest && it.mutability != Mutability::ReadOnly;
        let kept: Vec<&Path> = class.attributes.iter().filter(is_kept).map(|it| &it.path).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let names = ["id".to_owned(), "meta".to_owned()].into_iter().chain(kept.iter().map(|path| path.to_string()));
        let asked = Self::ask(server, class, uid, Some(&names.collect::<Vec<_>>().join(",")))?;
        if asked.version != self.version {
            return Err(Error::retryable("the object was changed while it was read; try again"));
        }
        for path in kept {
            if let Some(value) = tree::get(&asked.json, path) {
                tree::set(&mut self.json, path, Some(value.clone()));
            }
        }
        Ok(())
    }

    /// # Errors
    /// It is not of the revision that was asked for.
    pub(crate) fn require(&self, revision: Option<&str>) -> Result<()> {
        match (revision, &self.version) {
            (Some(expected), Some(version)) if expected != version => {
                Err(Error::precondition_failed("the object was changed since that revision; read it again"))
            }
            (Some(_), None) => Err(Error::unsupported(
                "the service shows no version of the object (meta.version); leave the revision out",
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn name(&self, class: &Class) -> Option<&str> {
        tree::text(&self.json, &class.naming()?.path)
    }
}

/// The version of the resource in an answer. An ETag of a service that has none is one of its web server, of the bytes.
fn version(server: &Server, response: &Response, json: &Json) -> Option<String> {
    let etag = response.header("etag").filter(|_| server.can.etag);
    let shown = tree::text(json, &tree::path("meta", Some("version"))).or(etag);
    shown.map(str::to_owned)
}

/// What a write was answered with: the object as it is now, as far as the service shows it.
pub(crate) fn written(server: &Server, response: &Response, class: &Class, uid: &str, name: Option<&str>) -> Written {
    // Without a body, or with one that is no resource, nothing more is known.
    let json: Json = serde_json::from_slice(&response.body).unwrap_or_default();
    let shown = class.naming().and_then(|naming| tree::text(&json, &naming.path));
    let written = Written::new(uid, shown.or(name).unwrap_or(uid));
    match version(server, response, &json) {
        Some(version) => written.revision(version),
        None => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::server::tests::{Service, ok};
    use hawser_sdk::FailureKind;
    use serde_json::json;

    fn read(service: Service, answer: Response, attributes: &[&str]) -> (Result<Object>, String) {
        let (_host, requests) = service.enter(move |_| answer.clone());
        let server = Server::open(&Options::default()).unwrap();
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        let object = Object::read(&server, server.class("account").unwrap(), "1", Some(&attributes));
        (object, requests.all()[0].path.clone())
    }

    #[test]
    fn what_is_no_resource_is_a_broken_answer() {
        for body in ["", "[]", "<html>", "{"] {
            let error = read(Service::new(), Response::new(200, body), &[]).0.err().unwrap();
            assert_eq!(error.kind(), FailureKind::ConnectionBroken, "{body}");
        }
    }

    #[test]
    fn the_etag_of_a_web_server_is_no_version() {
        let without = Service::new().provider("etag", json!({"supported": false}));
        let answer = || ok(&json!({"id": "1"})).with_header("ETag", "v1");
        assert_eq!(read(Service::new(), answer(), &[]).0.unwrap().version.as_deref(), Some("v1"));
        let object = read(without, answer(), &[]).0.unwrap();
        assert_eq!(object.version, None);
        assert_eq!(object.require(Some("v1")).unwrap_err().kind(), FailureKind::Unsupported);
        object.require(None).unwrap();
    }

    #[test]
    fn all_of_an_object_has_what_is_shown_on_request_only() {
        let (_host, requests) = Service::new().enter(|asked| match asked.path.contains("attributes=") {
            true => ok(&json!({"id": "1", "title": "Countess"})),
            false => ok(&json!({"id": "1", "userName": "ada"})),
        });
        let server = Server::open(&Options::default()).unwrap();
        let mut class = server.class("account").unwrap().clone();
        class.attributes.iter_mut().find(|it| it.name == "title").unwrap().returned = Returned::OnRequest;
        let object = Object::read(&server, &class, "1", None).unwrap();
        assert_eq!(object.json, json!({"id": "1", "userName": "ada", "title": "Countess"}));
        assert_eq!(requests.all()[1].path, "/Users/1?attributes=id%2Cmeta%2Ctitle");
    }

    #[test]
    fn attributes_of_extensions_are_not_asked_for_by_name() {
        let path = |attributes: &[&str]| read(Service::new(), ok(&json!({"id": "1"})), attributes).1;
        assert_eq!(path(&["title"]), "/Users/1?attributes=id%2Cmeta%2Ctitle%2CuserName");
        assert_eq!(path(&["title", "urn:x:User:y"]), "/Users/1");
    }
}
