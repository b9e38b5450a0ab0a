//! Secrets taken to where they do not belong.

use std::time::Duration;

use hawser_sdk::credentials::{self, Credential};
use hawser_sdk::http::{self, ClientAuthentication, Placement, Request, Source, TokenRequest};
use hawser_sdk::{Finding, Result};

use crate::told::tried;

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn secrets() -> Result<Vec<Finding>> {
    let (token, other, client) = (credentials::get("token")?, credentials::get("other")?, credentials::get("client")?);
    let (signing, sealed) = (credentials::get("signing")?, credentials::seal(b"guessed by me")?);
    let bearer = |secret: &Credential<'_>, to: &str, method: &str, path: &str| {
        Request::new(to, method, path).secret(secret, Placement::Bearer).send().map(drop)
    };
    let placed =
        |placement: Placement| Request::new("api", "GET", "/v2/users").secret(&token, placement).send().map(drop);
    let header = |name: &str| Placement::Header { name: name.to_owned(), prefix: String::new() };
    let mut told = vec![
        tried("take the token where it belongs", bearer(&token, "api", "GET", "/v2/users")),
        tried("take the token elsewhere", bearer(&token, "elsewhere", "GET", "/v2/users")),
        tried("take the other token here", bearer(&other, "api", "GET", "/v2/users")),
        tried("use a method nobody asked for", bearer(&token, "api", "PATCH", "/v2/users")),
        tried("use a method nobody approved", bearer(&token, "api", "DELETE", "/v2/users/7")),
        tried("leave the path", bearer(&token, "api", "GET", "/admin")),
        tried("leave the path by its name", bearer(&token, "api", "GET", "/v22/users")),
        tried("leave the path by an encoded slash", bearer(&token, "api", "GET", "/v2%2Fusers")),
        tried("leave the path by its case", bearer(&token, "api", "GET", "/V2/users")),
        tried("leave the path upwards", bearer(&token, "api", "GET", "/v2/%2E%2E/admin")),
        tried("place it in another header", placed(header("X-Other"))),
        tried("place it in the header of another path", placed(header("X-Key"))),
        tried("place it as basic", placed(Placement::Basic { user: "me".to_owned() })),
        tried("place it in the query", placed(Placement::Query("x".to_owned()))),
        tried("place it in the host's header", placed(header("Host"))),
        tried("place it in a header that is none", placed(header("X-A\r\nHost"))),
        tried("send a key that signs", bearer(&signing, "api", "GET", "/v2/users")),
        tried("send the client's secret itself", bearer(&client, "api", "GET", "/v2/users")),
        tried("send what it sealed", bearer(&sealed, "api", "GET", "/v2/users")),
        tried("send it without encryption", bearer(&token, "plain", "GET", "/")),
    ];
    told.extend(captured()?);
    Ok(told)
}

/// What an answer brought.
fn captured() -> Result<Vec<Finding>> {
    let login = Request::new("api", "POST", "/v2/login")
        .capture(Source::Header("X-Session".to_owned()), "session", MINUTE)
        .capture(Source::Cookie("sid".to_owned()), "cookie", MINUTE)
        .capture(Source::JsonPointer("/token/id".to_owned()), "body", MINUTE);
    let answer = login.send()?;
    let mut seen = String::from_utf8_lossy(&answer.body).into_owned();
    for header in &answer.headers {
        seen.push_str(&format!(" {}: {}", header.name, String::from_utf8_lossy(&header.value)));
    }
    let mut told = vec![Finding::fine(format!("of the login it sees {seen}"))];
    for name in ["session", "cookie", "body"] {
        let Some(secret) = credentials::captured(name) else {
            told.push(Finding::fine(format!("{name} was not kept")));
            continue;
        };
        let placement = || Placement::Header { name: "Cookie".to_owned(), prefix: "sid=".to_owned() };
        let send = |to: &str| Request::new(to, "PATCH", "/anywhere").secret(&secret, placement()).send().map(drop);
        told.push(tried(&format!("take {name} back"), send("api")));
        told.push(tried(&format!("take {name} elsewhere"), send("elsewhere")));
        for misleading in ["X-Original-URL", "X_HTTP_Method_Override", "x-forwarded-host"] {
            let placement = Placement::Header { name: misleading.to_owned(), prefix: "/admin?".to_owned() };
            let request = Request::new("api", "GET", "/v2/users").secret(&secret, placement);
            told.push(tried(&format!("write {name} into {misleading}"), request.send()));
        }
        told.push(tried(&format!("keep {name} under another name"), secret.keep("mine", MINUTE)));
        told.push(tried(&format!("verify {name}"), secret.verify("$argon2id$")));
    }
    Ok(told)
}

pub(crate) fn tokens() -> Vec<Finding> {
    let fetch = |slot: &str, from: &str, path: &str, parameters: &[(String, String)]| {
        let client = credentials::get(slot)?;
        let authentication = ClientAuthentication::Post;
        http::token(&TokenRequest {
            destination: from,
            path,
            client_id: "me",
            client: &client,
            authentication,
            parameters,
        })
    };
    let fetched = || fetch("client", "api", "/token", &[]);
    let send = |to: &str, method: &str, path: &str| {
        let token = fetched()?;
        Request::new(to, method, path).secret(&token, Placement::Bearer).send().map(drop)
    };
    let other = [("grant_type".to_owned(), "password".to_owned())];
    vec![
        tried("fetch a token where they are", fetched()),
        tried("fetch a token with another secret", fetch("token", "api", "/token", &[])),
        tried("fetch a token from another path", fetch("client", "api", "/v2/token", &[])),
        tried("fetch a token from below", fetch("client", "api", "/token/x", &[])),
        tried("fetch a token elsewhere", fetch("client", "elsewhere", "/token", &[])),
        tried("fetch a token by another grant", fetch("client", "api", "/token", &other)),
        tried("take it where it belongs", send("api", "GET", "/v2/users")),
        tried("take it elsewhere", send("elsewhere", "GET", "/v2/users")),
        tried("take it by another method", send("api", "POST", "/v2/users")),
        tried("take it to another path", send("api", "GET", "/admin")),
    ]
}
