//! Passwords: set by whoever administers, as a handle that the host writes into the request. SCIM has no way to check one,
//! and none for owners to change their own that a service account could take.

use crate::Scim;
use crate::failure::Doing;
use crate::model::PASSWORD;
use crate::object::Object;
use crate::replacing;
use crate::update::patch;
use hawser_sdk::credentials::Password;
use hawser_sdk::{Error, ObjectRef, Passwords, Result};

impl Passwords for Scim {
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, must_change: bool) -> Result<()> {
        if must_change {
            let message = "SCIM knows no password that has to be changed at the next login; set it without that";
            return Err(Error::unsupported(message));
        }
        let server = self.server()?;
        let class = server.class(&account.class)?;
        if class.attribute(PASSWORD).is_none() {
            return Err(Error::unsupported(format!("the service describes no password of a {}", class.name)));
        }
        if server.patches() {
            patch(&server, class, &account.uid, Vec::new(), None, Some(new), Doing::SettingPassword)?;
            return Ok(());
        }
        let found = Object::read(&server, class, &account.uid, None)?;
        replacing::replace(&server, class, &account.uid, &found, &[], Some(new), Doing::SettingPassword).map(drop)
    }

    fn change_password(&self, _: &ObjectRef, _: &Password<'_>, _: &Password<'_>) -> Result<()> {
        Err(Error::unsupported("SCIM cannot check the old password; set the new one instead"))
    }

    fn authenticate(&self, _: &str, _: &str, _: &Password<'_>) -> Result<String> {
        Err(Error::unsupported("SCIM checks no passwords; ask the service that people log in to"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Options, Updates};
    use crate::server::tests::{Asked, Service, ok};
    use hawser_sdk::http::{Placement, Response};
    use hawser_sdk::{Effect, FailureKind, testing};
    use serde_json::json;

    fn set(service: Service, answer: Response, updates: Updates, must_change: bool) -> (Result<()>, Vec<Asked>) {
        let (_host, requests) = service.enter(move |asked| match asked.method.as_str() {
            "GET" => ok(&json!({"id": "1", "userName": "ada", "meta": {"version": "v1"}, "groups": [{"value": "9"}]})),
            _ => answer.clone(),
        });
        let scim = Scim { options: Options { updates, ..Options::default() } };
        let set = scim.set_password(&ObjectRef::new("account", "1"), &testing::password("s3cret"), must_change);
        (set, requests.writes())
    }

    #[test]
    fn a_password_that_is_refused_is_blamed_and_one_that_was_not_answered_for_is_unknown() {
        let refused = Response::new(400, r#"{"detail": "too short"}"#);
        let error = set(Service::new(), refused, Updates::Auto, false).0.unwrap_err();
        assert_eq!(
            (error.kind(), error.attributes()),
            (FailureKind::InvalidAttributeValue, &["password".to_owned()][..])
        );
        let error = set(Service::new(), Response::new(500, ""), Updates::Auto, false).0.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown));
    }

    #[test]
    fn what_scim_cannot_do_sends_nothing() {
        let (result, writes) = set(Service::new(), Response::new(204, ""), Updates::Auto, true);
        assert_eq!(result.unwrap_err().kind(), FailureKind::Unsupported);
        assert_eq!(writes, []);
        let scim = Scim { options: Options::default() };
        let (account, password) = (ObjectRef::new("account", "1"), testing::password("x"));
        assert_eq!(scim.change_password(&account, &password, &password).unwrap_err().kind(), FailureKind::Unsupported);
        assert_eq!(scim.authenticate("account", "ada", &password).unwrap_err().kind(), FailureKind::Unsupported);
    }

    #[test]
    fn the_host_writes_it_where_the_permission_says() {
        for (updates, pointer) in [(Updates::Auto, "/Operations/0/value"), (Updates::Put, "/password")] {
            let (result, writes) = set(Service::new(), Response::new(200, "{}"), updates, false);
            result.unwrap();
            assert_eq!(writes[0].secrets, [Placement::JsonPointer(pointer.to_owned())]);
            assert_eq!(writes[0].body.pointer(pointer), Some(&json!("")), "a text that the host replaces");
            assert!(!writes[0].body.to_string().contains("s3cret"));
        }
    }
}
