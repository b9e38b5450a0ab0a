//! Requests to the service: the base, the headers, and who asks. The credential is a handle that the host writes in.

use crate::failure::{self, Doing};
use crate::options::{Auth, Options};
use crate::url::Url;
use hawser_sdk::credentials::{self, Credential};
use hawser_sdk::http::{self, Placement, Request, Response, TokenRequest};
use hawser_sdk::{Error, Result};
use serde_json::Value as Json;

/// The destination of the manifest everything goes to, and the one of the token endpoint.
const API: &str = "api";
const LOGIN: &str = "login";
const ACCEPTED: &str = "application/scim+json, application/json;q=0.9";
const CONTENT: &str = "application/scim+json";

/// The way to the service.
pub(crate) struct Client {
    base: String,
    login: Option<(Credential<'static>, Placement)>,
}

/// A password that the host writes into a body, and where.
pub(crate) type PlacedSecret<'a> = (&'a Credential<'a>, &'static str);

impl Client {
    /// # Errors
    /// The credential is missing or not permitted, or the token endpoint gives none.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let login = match options.auth {
            Auth::Bearer => Some((credentials::get("token")?, Placement::Bearer)),
            Auth::Basic => {
                let user = options.user_name.clone().unwrap_or_default();
                Some((credentials::get("user-password")?, Placement::Basic { user }))
            }
            Auth::Oauth => Some((token(options)?, Placement::Bearer)),
            Auth::Certificate => None,
        };
        Ok(Self { base: options.base().to_owned(), login })
    }

    /// Reads something.
    ///
    /// # Errors
    /// Any answer but success, as the failure it means.
    pub(crate) fn get(&self, url: Url) -> Result<Response> {
        succeeded(self.request("GET", url).send()?, Doing::Reading)
    }

    /// Sends a body; `secret` is written into it by the host, in place of what stands there.
    ///
    /// # Errors
    /// Any answer but success, as the failure it means.
    pub(crate) fn write(
        &self,
        method: &str,
        url: Url,
        body: &Json,
        if_match: Option<&str>,
        secret: Option<PlacedSecret<'_>>,
        doing: Doing,
    ) -> Result<Response> {
        let mut request = conditional(self.request(method, url), if_match);
        request = request.header("Content-Type", CONTENT).body(body.to_string());
        if let Some((secret, pointer)) = secret {
            request = request.secret(secret, Placement::JsonPointer(pointer.to_owned()));
        }
        succeeded(request.send()?, doing)
    }

    /// # Errors
    /// Any answer but success, as the failure it means.
    pub(crate) fn delete(&self, url: Url, if_match: Option<&str>) -> Result<Response> {
        succeeded(conditional(self.request("DELETE", url), if_match).send()?, Doing::Deleting)
    }

    fn request(&self, method: &str, url: Url) -> Request<'_> {
        let request = Request::new(API, method, format!("{}{}", self.base, url.into_text()));
        let request = request.header("Accept", ACCEPTED);
        match &self.login {
            Some((secret, placement)) => request.secret(secret, placement.clone()),
            None => request,
        }
    }
}

fn conditional<'a>(request: Request<'a>, if_match: Option<&str>) -> Request<'a> {
    match if_match {
        Some(version) => request.header("If-Match", version),
        None => request,
    }
}

fn token(options: &Options) -> Result<Credential<'static>> {
    let client = credentials::get("client-secret")?;
    let parameters: Vec<_> = options.scope.iter().map(|scope| ("scope".to_owned(), scope.clone())).collect();
    http::token(&TokenRequest {
        destination: LOGIN,
        path: &options.token_path,
        client_id: options.client_id.as_deref().unwrap_or_default(),
        client: &client,
        authentication: options.client_authentication.into(),
        parameters: &parameters,
    })
}

/// A PATCH that changes nothing may be answered with 304.
fn succeeded(response: Response, doing: Doing) -> Result<Response> {
    let unchanged = response.status == 304 && doing != Doing::Reading;
    if response.is_success() || unchanged { Ok(response) } else { Err(failure::of(&response, doing)) }
}

/// The body of an answer as JSON.
///
/// # Errors
/// It is none: cut off, or a page for people.
pub(crate) fn json(response: &Response) -> Result<Json> {
    serde_json::from_slice(&response.body).map_err(|why| broken(&why))
}

/// What an answer that cannot be read means.
pub(crate) fn broken(why: &serde_json::Error) -> Error {
    Error::connection_broken(format!("the answer of the service is not the JSON of SCIM, or is cut off: {why}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use hawser_sdk::FailureKind;
    use hawser_sdk::testing::{self, Host};
    use serde_json::json;

    #[test]
    fn a_redirect_is_a_failure_and_an_unchanged_patch_is_none() {
        let kind = |status, doing| succeeded(Response::new(status, ""), doing).map_err(|error| error.kind());
        assert_eq!(kind(302, Doing::Changing).unwrap_err(), FailureKind::Configuration);
        assert_eq!(kind(304, Doing::Reading).unwrap_err(), FailureKind::Configuration);
        assert_eq!(kind(304, Doing::Changing).unwrap().status, 304);
        assert_eq!(kind(204, Doing::Deleting).unwrap().status, 204);
    }

    #[test]
    fn whoever_asks_is_a_handle_in_its_place() {
        for (auth, slot, placement) in [
            (Auth::Bearer, Some("token"), Some(Placement::Bearer)),
            (Auth::Basic, Some("user-password"), Some(Placement::Basic { user: "svc".to_owned() })),
            (Auth::Oauth, Some("client-secret"), Some(Placement::Bearer)),
            (Auth::Certificate, None, None),
        ] {
            let host = Host::new().secured("token", "t").secured("user-password", "p").secured("client-secret", "c");
            let _host = host
                .web(move |request| {
                    let sent = request.secrets.first();
                    assert_eq!(sent.and_then(|(secret, _)| testing::secret_name(secret)), slot);
                    assert_eq!(sent.map(|(_, placement)| placement), placement.as_ref());
                    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/scim/v2/Users?count=1"));
                    Ok(Response::new(200, "{}"))
                })
                .enter();
            let options = Options { auth, user_name: Some("svc".to_owned()), ..Options::default() };
            Client::open(&options).unwrap().get(Url::new("/Users").with("count", "1")).unwrap();
        }
    }

    #[test]
    fn a_condition_and_a_password_go_with_the_body() {
        let host = Host::new().secured("token", "t").web(|request| {
            let header = |name: &str| request.headers.iter().find(|it| it.name == name).map(|it| it.value.as_slice());
            assert_eq!(header("If-Match"), Some(&b"W/\"1\""[..]));
            assert_eq!(header("Content-Type"), Some(&b"application/scim+json"[..]));
            let (password, placement) = &request.secrets[1];
            assert_eq!(testing::secret_name(password), Some("password"));
            assert_eq!(*placement, Placement::JsonPointer("/password".to_owned()));
            Ok(Response::new(204, ""))
        });
        let _host = host.enter();
        let password = testing::password("s3cret");
        let client = Client::open(&Options::default()).unwrap();
        let (url, body) = (Url::new("/Users/1"), json!({"password": ""}));
        client.write("PUT", url, &body, Some("W/\"1\""), Some((&password, "/password")), Doing::Changing).unwrap();
    }
}
