//! Tokens: what proves who asks, how long one is kept, and what a refusal means.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;

fn wanted(authentication: Authentication, client: &str) -> TokenRequest {
    TokenRequest {
        path: "/token".into(),
        client_id: "an:id".into(),
        client: secret(client),
        authentication,
        parameters: vec![("scope".into(), "read write".into())],
    }
}

fn granted(token: &str, more: &Value) -> Vec<u8> {
    let mut answer = json!({ "access_token": token, "token_type": "Bearer" });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ok(answer.to_string())
}

/// A server that gives the tokens `t1`, `t2`, ... and takes those that are good.
async fn api(more: Value, good: fn(&str) -> bool) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |asked| match asked.line() {
        "POST /token HTTP/1.1" => {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            Act::Say(granted(&format!("t{number}"), &more))
        }
        _ => match asked.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) if good(token) => Act::Say(ok(token)),
            _ => Act::Say(answer("401 Unauthorized", "", "no")),
        },
    })
    .await
}

async fn fetched(client: &Client, route: &Arc<Route>, request: TokenRequest) -> Result<Token, Failure> {
    token(client, &egress(), route, request, soon()).await
}

async fn sent_with(client: &Client, route: &Arc<Route>, token: &Token) -> Result<Response, Failure> {
    let secrets = vec![Placed { placement: Placement::Bearer, secret: Material::Token(token.clone()) }];
    send(client, &egress(), route, post("/users", "{}"), secrets, Vec::new(), soon()).await
}

fn times(server: &Server, line: &str) -> usize {
    server.asked().iter().filter(|asked| asked.line().starts_with(line)).count()
}

#[tokio::test]
async fn a_client_proves_itself_by_header_or_body_and_never_shows_its_secret_elsewhere() {
    let server = api(json!({}), |_| true).await;
    let (client, route) = (Client::default(), server.route());
    let token = fetched(&client, &route, wanted(Authentication::Basic, "s:cr&t")).await.unwrap();
    assert_eq!(token.secret().expose(), b"t1");
    // RFC 6749, 2.3.1: each is percent-encoded first. `an%3Aid:s%3Acr%26t`
    let asked = &server.asked()[0];
    assert_eq!(asked.header("authorization"), Some("Basic YW4lM0FpZDpzJTNBY3IlMjZ0"));
    assert_eq!(asked.text(), "grant_type=client_credentials&scope=read%20write");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    fetched(&client, &route, wanted(Authentication::Post, "s:cr&t")).await.unwrap();
    let asked = &server.asked()[1];
    let form = "grant_type=client_credentials&client_id=an%3Aid&scope=read%20write&client_secret=s%3Acr%26t";
    assert_eq!((asked.header("authorization"), asked.text()), (None, form));
}

/// What a key signs with, the key in PEM, its public half, and what verifies with it.
type Pair = (&'static str, Vec<u8>, Vec<u8>, &'static dyn VerificationAlgorithm);

fn keys() -> [Pair; 3] {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa_private: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let random = SystemRandom::new();
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec();
    let ec_public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec();
    let ed_public = Ed25519KeyPair::from_pkcs8(&ed).unwrap();
    let pem = |der: &[u8]| pem::encode(&pem::Pem::new("PRIVATE KEY", der.to_vec())).into_bytes();
    [
        ("RS256", pem(rsa_private.as_ref()), rsa.public_key().as_ref().to_vec(), &RSA_PKCS1_2048_8192_SHA256),
        ("ES256", pem(&ec), ec_public.public_key().as_ref().to_vec(), &ECDSA_P256_SHA256_FIXED),
        ("EdDSA", pem(&ed), ed_public.public_key().as_ref().to_vec(), &ED25519),
    ]
}

#[tokio::test]
async fn a_client_proves_itself_by_a_key_that_signs_for_this_server_once_and_for_a_minute() {
    let server = api(json!({ "expires_in": 0 }), |_| true).await;
    let clock = Clock::manual("2026-11-22T13:00:00Z".parse().unwrap());
    let now = clock.now().as_second();
    let (client, route) = (Client::new(clock), server.route());
    let mut ids = Vec::new();
    for (algorithm, key, public, verifier) in keys() {
        let key = String::from_utf8(key).unwrap();
        fetched(&client, &route, wanted(Authentication::PrivateKeyJwt, &key)).await.unwrap();
        let asked = server.asked().pop().unwrap();
        let form: Vec<(String, String)> = form_urlencoded::parse(&asked.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(field("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let assertion = field("client_assertion");
        let (message, signature) = assertion.rsplit_once('.').unwrap();
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        UnparsedPublicKey::new(verifier, public).verify(message.as_bytes(), &part(signature)).unwrap();
        let (head, claims) = message.split_once('.').unwrap();
        let read = |text: &str| serde_json::from_slice::<Value>(&part(text)).unwrap();
        assert_eq!(read(head), json!({ "alg": algorithm, "typ": "JWT" }));
        let mut claims = read(claims);
        ids.push(claims.as_object_mut().unwrap().remove("jti").unwrap());
        let audience = format!("http://127.0.0.1:{}/token", server.port);
        assert_eq!(claims, json!({ "iss": "an:id", "sub": "an:id", "aud": audience, "iat": now, "exp": now + 60 }));
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    let failure = failed(fetched(&client, &route, wanted(Authentication::PrivateKeyJwt, "no key")).await);
    assert!(failure.kind == FailureKind::CredentialDenied && !failure.message.contains("no key"));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_token_is_fetched_once_however_many_wait_for_it() {
    let server = api(json!({ "expires_in": 3600 }), |_| true).await;
    let (client, route) = (Client::default(), server.route());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (client, route) = (client.clone(), Arc::clone(&route));
            tokio::spawn(async move {
                fetched(&client, &route, wanted(Authentication::Basic, "s"))
                    .await
                    .map(|token| token.secret().expose().to_vec())
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), b"t1");
    }
    assert_eq!(server.asked().len(), 1);
    // Another secret, scope, way or place is another token, and so is one after everything was forgotten.
    for (n, request) in [
        wanted(Authentication::Basic, "other"),
        wanted(Authentication::Post, "s"),
        TokenRequest { parameters: Vec::new(), ..wanted(Authentication::Basic, "s") },
        TokenRequest { client_id: "other".into(), ..wanted(Authentication::Basic, "s") },
    ]
    .into_iter()
    .enumerate()
    {
        fetched(&client, &route, request).await.unwrap();
        assert_eq!(server.asked().len(), n + 2);
    }
    fetched(&client, &server.route(), wanted(Authentication::Basic, "s")).await.unwrap();
    client.forget();
    fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
    assert_eq!(server.asked().len(), 7);
}

#[tokio::test]
async fn a_token_is_kept_as_long_as_its_server_says_and_not_for_ever() {
    for (more, kept) in [
        (json!({ "expires_in": 3600 }), true),
        (json!({ "expires_in": "3600" }), true),
        (json!({}), true),
        (json!({ "expires_in": 0 }), false),
        (json!({ "expires_in": u64::MAX }), true),
    ] {
        let server = api(more.clone(), |_| true).await;
        let (client, route) = (Client::default(), server.route());
        let token = fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
        // A handle that outlived its token sends the one there is now, and says which.
        let response = sent_with(&client, &route, &token).await.unwrap();
        let renewed: Vec<_> = response.renewed.iter().map(Secret::expose).collect();
        if kept {
            assert_eq!((response.body.as_ref(), renewed.len()), (&b"t1"[..], 0), "{more}");
        } else {
            assert_eq!((response.body.as_ref(), renewed), (&b"t2"[..], vec![&b"t2"[..]]), "{more}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_and_no_other_secret_is() {
    let server = api(json!({ "expires_in": 3600 }), |token| token != "t1").await;
    let (client, route) = (Client::default(), server.route());
    let token = fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
    let response = sent_with(&client, &route, &token).await.unwrap();
    assert_eq!((response.status, response.body.as_ref()), (StatusCode::OK, &b"t2"[..]));
    assert_eq!(response.renewed[0].expose(), b"t2");
    assert_eq!((times(&server, "POST /token"), times(&server, "POST /users")), (2, 2));
    // The old handle goes on with the new token.
    assert_eq!(sent_with(&client, &route, &token).await.unwrap().body, "t2");
    assert_eq!(times(&server, "POST /token"), 2);

    let never = api(json!({ "expires_in": 3600 }), |_| false).await;
    let (client, route) = (Client::default(), never.route());
    let token = fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
    assert_eq!(sent_with(&client, &route, &token).await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!((times(&never, "POST /token"), times(&never, "POST /users")), (2, 2));
    let secrets = vec![placed(Placement::Bearer, "own")];
    let own = send(&client, &egress(), &route, get("/own"), secrets, Vec::new(), soon()).await.unwrap();
    assert_eq!((own.status, times(&never, "GET /own")), (StatusCode::UNAUTHORIZED, 1));
}

#[tokio::test]
async fn a_server_that_refuses_every_token_gets_no_new_ones_for_ever() {
    let never = api(json!({ "expires_in": 3600 }), |_| false).await;
    let (client, route) = (Client::default(), never.route());
    let token = fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
    for _ in 0..10 {
        assert_eq!(sent_with(&client, &route, &token).await.unwrap().status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(times(&never, "POST /token"), 1 + limits::RENEWALS_BURST as usize);
}

#[tokio::test]
async fn a_password_that_may_be_what_was_refused_is_not_sent_twice() {
    let never = api(json!({ "expires_in": 3600 }), |_| false).await;
    let (client, route) = (Client::default(), never.route());
    let token = fetched(&client, &route, wanted(Authentication::Basic, "s")).await.unwrap();
    let token = Placed { placement: Placement::Bearer, secret: Material::Token(token) };
    let secrets = vec![token, placed(Placement::JsonPointer("/old".into()), "wrong")];
    let answer = send(&client, &egress(), &route, post("/users", "{}"), secrets, Vec::new(), soon()).await.unwrap();
    assert_eq!((answer.status, times(&never, "POST /users")), (StatusCode::UNAUTHORIZED, 1));
}

#[tokio::test]
async fn a_private_key_signs_and_is_never_sent() {
    let server = api(json!({}), |_| true).await;
    for authentication in [Authentication::Basic, Authentication::Post] {
        for (_, key, ..) in keys() {
            let request = wanted(authentication, std::str::from_utf8(&key).unwrap());
            let failure = failed(fetched(&Client::default(), &server.route(), request).await);
            assert_eq!(failure.kind, FailureKind::CredentialDenied, "{failure:?}");
        }
    }
    assert_eq!(server.came(), 0);
}

#[tokio::test]
async fn a_refusal_says_what_it_means_and_nothing_that_the_server_says_with_it() {
    let refusal = |status, error: &str| {
        answer(status, "", json!({ "error": error, "error_description": "c4n4ry is wrong" }).to_string())
    };
    for (bytes, kind) in [
        (refusal("401 Unauthorized", "invalid_client"), FailureKind::InvalidCredential),
        (refusal("400 Bad Request", "invalid_grant"), FailureKind::InvalidCredential),
        (refusal("400 Bad Request", "unauthorized_client"), FailureKind::PermissionDenied),
        (refusal("400 Bad Request", "invalid_scope"), FailureKind::Configuration),
        (refusal("400 Bad Request", "c4n4ry"), FailureKind::Configuration),
        (refusal("403 Forbidden", "c4n4ry"), FailureKind::PermissionDenied),
        (answer("401 Unauthorized", "", "c4n4ry"), FailureKind::InvalidCredential),
        (answer("404 Not Found", "", "c4n4ry"), FailureKind::Configuration),
        (answer("500 Internal Server Error", "", "c4n4ry"), FailureKind::Retryable),
        (answer("302 Found", "Location: /c4n4ry\r\n", ""), FailureKind::Configuration),
        (ok(r#"{"token_type":"Bearer"}"#), FailureKind::Configuration),
        (ok(r#"{"access_token":"","token_type":"Bearer"}"#), FailureKind::Configuration),
        (ok(r#"{"access_token":"c4n4ry","token_type":"DPoP"}"#), FailureKind::Configuration),
        (ok("c4n4ry"), FailureKind::Configuration),
        (answer("429 Too Many Requests", "Retry-After: 60\r\n", "c4n4ry"), FailureKind::RateLimited),
        (b"HTTP/1.1 c4n4ry\r\n\r\n".to_vec(), FailureKind::ConnectionBroken),
    ] {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let server = Server::saying(bytes).await;
        let failure =
            failed(fetched(&Client::default(), &server.route(), wanted(Authentication::Post, "c4n4ry")).await);
        assert_eq!(failure.kind, kind, "{shown}");
        assert!(!format!("{failure:?}").contains("c4n4ry"), "{failure:?}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_token_is_not_asked_for_with_words_of_the_hosts_or_at_another_place() {
    let server = api(json!({}), |_| true).await;
    let odd = |name: &str| TokenRequest {
        parameters: vec![(name.into(), "guess".into())],
        ..wanted(Authentication::Post, "s")
    };
    for (request, kind) in [
        (odd("client_secret"), FailureKind::Unsupported),
        (odd("client_id"), FailureKind::Unsupported),
        (odd("grant_type"), FailureKind::Unsupported),
        (odd("client_assertion"), FailureKind::Unsupported),
        (TokenRequest { path: "//evil.example/".into(), ..odd("a") }, FailureKind::Unsupported),
        (TokenRequest { parameters: vec![("a".into(), "b".into()); 17], ..odd("a") }, FailureKind::QuotaExceeded),
    ] {
        assert_eq!(self::kind(fetched(&Client::default(), &server.route(), request).await), kind);
    }
    assert_eq!(server.came(), 0);
}

#[tokio::test]
async fn a_client_remembers_a_number_of_tokens_and_no_more() {
    let server = api(json!({ "expires_in": 3600 }), |_| true).await;
    let (client, route) = (Client::default(), server.route());
    let of = |n: usize| TokenRequest { client_id: n.to_string(), ..wanted(Authentication::Basic, "s") };
    for n in 0..=limits::TOKENS_MAX {
        fetched(&client, &route, of(n)).await.unwrap();
    }
    fetched(&client, &route, of(limits::TOKENS_MAX)).await.unwrap();
    assert_eq!(server.asked().len(), limits::TOKENS_MAX + 1, "the last one is remembered");
    fetched(&client, &route, of(0)).await.unwrap();
    assert_eq!(server.asked().len(), limits::TOKENS_MAX + 2, "the first one is not");
}
