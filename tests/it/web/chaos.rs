//! The proxy does what it is told, and nothing else: seen by curl, with a SCIM service behind it.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::curl::{Answer, Curl};
use hawser::cli::demo::server::scim2::{BASE, Scim2, Scim2Options, TOKEN};
use hawser::cli::demo::server::web::WebServer;
use hawser_tests::web::chaos::{Chaos, Mischief};
use hawser_tests::web::{Judge as _, blocking, scim2};
use serde_json::{Value as Json, json};

/// What curl ends with: the body was cut short, it took too long, the connection was reset.
const CUT_SHORT: i32 = 18;
const TOOK_TOO_LONG: i32 = 28;
const RESET: i32 = 56;
/// How long curl waits where it is to wait in vain, in seconds.
const IN_VAIN: u32 = 1;
/// Long enough for the service to do anything, in seconds.
const PATIENCE: u32 = 10;
const LONG: Duration = Duration::from_secs(3600);

static USERS: AtomicU32 = AtomicU32::new(1);

/// One service for all of these tests.
fn server() -> &'static WebServer<Scim2> {
    static SERVER: OnceLock<WebServer<Scim2>> = OnceLock::new();
    SERVER.get_or_init(|| scim2(&Scim2Options::default()))
}

/// A proxy of a test's own before the service, and a user that nobody else knows.
struct Before {
    proxy: Chaos,
    curl: Curl,
    user: String,
}

impl Before {
    async fn new() -> Self {
        let server = blocking(server).await;
        let proxy = Chaos::before(&server.url(), server.ca()).await;
        let curl = Curl::new(proxy.url(), server.ca().certificate()).bearer(TOKEN);
        let user = format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed));
        Self { proxy, curl, user }
    }

    /// Asks through the proxy.
    async fn ask(&self, method: &'static str, path: &str, body: Option<Json>) -> Result<Answer, i32> {
        self.ask_for(&self.curl, method, path, body).await
    }

    async fn ask_for(&self, curl: &Curl, method: &'static str, path: &str, body: Option<Json>) -> Result<Answer, i32> {
        let (curl, path) = (curl.clone(), format!("{BASE}{path}"));
        let answer = blocking(move || curl.send(method, &path, body.as_ref())).await;
        answer.map_err(|why| match why {
            ServerError::Failed { code: Some(code), .. } => code,
            other => panic!("{other}"),
        })
    }

    async fn create(&self) -> Result<Answer, i32> {
        self.create_by(&self.curl).await
    }

    async fn create_by(&self, curl: &Curl) -> Result<Answer, i32> {
        let schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
        self.ask_for(curl, "POST", "/Users", Some(json!({"schemas": schemas, "userName": self.user}))).await
    }

    /// The path of this test's user, as a search.
    fn search(&self) -> String {
        format!("/Users?filter=userName%20eq%20%22{}%22", self.user)
    }

    /// Whether the service itself has the user.
    async fn is_there(&self) -> bool {
        let path = format!("{BASE}{}", self.search());
        blocking(move || server().expect(200, "GET", &path, None)["totalResults"] == 1).await
    }

    /// Which requests came, and whether they were sent on.
    fn came(&self) -> Vec<(String, bool)> {
        self.proxy.recorded().into_iter().map(|one| (one.request.method, one.forwarded)).collect()
    }
}

#[tokio::test]
async fn everything_is_forwarded_and_written_down_until_it_is_told_otherwise() {
    let before = Before::new().await;
    let made = before.create().await.unwrap();
    assert_eq!((made.status, made.header("content-type")), (201, Some("application/scim+json")));
    let read = before.ask("GET", &before.search(), None).await.unwrap();
    assert_eq!(read.json()["Resources"][0]["userName"], before.user.as_str());
    let recorded = before.proxy.recorded();
    let [post, get] = recorded.as_slice() else { panic!("two requests: {recorded:?}") };
    assert_eq!((post.request.method.as_str(), post.request.path.as_str()), ("POST", "/v2/Users"));
    assert_eq!(post.request.json()["userName"], before.user.as_str());
    assert_eq!(post.request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!((get.request.path.clone(), get.connection), (format!("/v2{}", before.search()), 2));
    assert!(recorded.iter().all(|one| one.forwarded));
    before.proxy.forget();
    assert!(before.proxy.recorded().is_empty());
    assert_eq!(before.proxy.connections(), 2);
}

#[tokio::test]
async fn a_storm_of_429_is_over_after_so_many_requests_of_that_method_and_path() {
    let before = Before::new().await;
    before.proxy.next(2, "POST /v2/Users", Mischief::too_many(Some("7")));
    for _ in 0..2 {
        let refused = before.create().await.unwrap();
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("7")));
        assert_eq!(before.ask("GET", "/Groups", None).await.unwrap().status, 200);
    }
    assert!(!before.is_there().await);
    assert_eq!(before.create().await.unwrap().status, 201);
    let came = before.came().into_iter().filter(|(method, _)| method == "POST").map(|(_, forwarded)| forwarded);
    assert_eq!(came.collect::<Vec<_>>(), [false, false, true]);
}

#[tokio::test]
async fn maintenance_lasts_until_it_is_told_to_behave() {
    let before = Before::new().await;
    before.proxy.always("/v2", Mischief::maintenance(None));
    for path in ["/Users", "/Groups", "/Users"] {
        assert_eq!(before.ask("GET", path, None).await.unwrap().status, 503);
    }
    before.proxy.behave();
    assert_eq!(before.ask("GET", "/Users", None).await.unwrap().status, 200);
}

#[tokio::test]
async fn of_two_rules_that_fit_the_first_is_followed_until_it_is_used_up() {
    let before = Before::new().await;
    before.proxy.next(1, "GET /v2/Users", Mischief::body(200, "application/json", "[]"));
    before.proxy.always("GET /v2", Mischief::body(418, "text/plain", "short and stout"));
    let first = before.ask("GET", "/Users", None).await.unwrap();
    assert_eq!((first.status, first.json()), (200, json!([])));
    let second = before.ask("GET", "/Users", None).await.unwrap();
    assert_eq!((second.status, second.text.as_str()), (418, "short and stout"));
}

#[tokio::test]
async fn a_request_that_is_late_is_not_there_before() {
    let before = Before::new().await;
    before.proxy.next(1, "POST /v2", Mischief::Latency(LONG));
    assert_eq!(before.create_by(&before.curl.clone().seconds_max(IN_VAIN)).await.unwrap_err(), TOOK_TOO_LONG);
    assert!(!before.is_there().await);
    before.proxy.next(1, "POST /v2", Mischief::Latency(Duration::from_millis(1)));
    assert_eq!(before.create().await.unwrap().status, 201);
}

#[tokio::test]
async fn a_reset_comes_before_the_server_hears_of_it_or_in_the_middle_of_the_answer() {
    let before = Before::new().await;
    before.proxy.next(1, "POST /v2", Mischief::Reset);
    assert_eq!(before.create().await.unwrap_err(), RESET);
    assert!(!before.is_there().await);
    before.proxy.next(1, "POST /v2", Mischief::ResetInBody);
    assert_eq!(before.create().await.unwrap_err(), RESET);
    assert!(before.is_there().await);
}

#[tokio::test]
async fn a_fault_or_a_silence_after_it_was_done_tells_nothing_of_it() {
    for (mischief, answer) in [(Mischief::FaultAfter, Ok(500)), (Mischief::Silence, Err(TOOK_TOO_LONG))] {
        let before = Before::new().await;
        before.proxy.next(1, "POST /v2", mischief);
        let told = before.create_by(&before.curl.clone().seconds_max(PATIENCE)).await;
        assert_eq!(told.map(|told| told.status), answer);
        assert!(before.is_there().await);
    }
}

#[tokio::test]
async fn half_a_body_is_sent_as_if_it_were_all() {
    let before = Before::new().await;
    let whole = before.ask("GET", "/Schemas", None).await.unwrap();
    before.proxy.next(1, "GET /v2", Mischief::Truncated);
    let half = before.ask("GET", "/Schemas", None).await.unwrap();
    assert_eq!((half.status, half.json()), (200, Json::Null));
    assert!(whole.text.starts_with(&half.text) && half.text.len() == whole.text.len() / 2);
}

#[tokio::test]
async fn the_same_page_comes_again_whatever_page_is_asked_for() {
    let before = Before::new().await;
    before.create().await.unwrap();
    before.proxy.next(2, "GET /v2/Users", Mischief::SamePage);
    before.proxy.forget();
    let first = before.ask("GET", "/Users?startIndex=1&count=1", None).await.unwrap();
    let again = before.ask("GET", "/Users?startIndex=100000&count=1", None).await.unwrap();
    assert_eq!((first.json()["Resources"].as_array().map(Vec::len), &first.text), (Some(1), &again.text));
    let other = before.ask("GET", "/Users?startIndex=100000&count=1", None).await.unwrap();
    assert_ne!(other.text, first.text);
    let sent_on: Vec<bool> = before.came().into_iter().map(|(_, forwarded)| forwarded).collect();
    assert_eq!(sent_on, [true, false, true]);
}

#[tokio::test]
async fn a_body_that_drips_is_whole_for_who_waits_and_not_for_who_does_not() {
    let before = Before::new().await;
    before.proxy.next(1, "GET /v2", Mischief::Drip(LONG));
    let impatient = before.curl.clone().seconds_max(IN_VAIN);
    let dripped = before.ask_for(&impatient, "GET", "/ServiceProviderConfig", None).await;
    assert_eq!(dripped.unwrap_err(), TOOK_TOO_LONG);
    before.proxy.next(1, "GET /v2", Mischief::Drip(Duration::from_micros(1)));
    let waited = before.ask("GET", "/ServiceProviderConfig", None).await.unwrap();
    assert_eq!(waited.json()["patch"]["supported"], true);
}

#[tokio::test]
async fn a_length_that_is_wrong_cuts_the_body_short_or_leaves_some_of_it_on_the_connection() {
    let before = Before::new().await;
    before.proxy.next(1, "GET /v2", Mischief::ContentLength(10));
    assert_eq!(before.ask("GET", "/ServiceProviderConfig", None).await.unwrap_err(), CUT_SHORT);
    let whole = before.ask("GET", "/ServiceProviderConfig", None).await.unwrap();
    before.proxy.next(1, "GET /v2", Mischief::ContentLength(-10));
    let short = before.ask("GET", "/ServiceProviderConfig", None).await.unwrap();
    assert_eq!(short.text.len(), whole.text.len() - 10);
}

#[tokio::test]
async fn headers_are_added_as_they_stand() {
    let before = Before::new().await;
    let more = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")].map(|(name, value)| (name.into(), value.into()));
    before.proxy.next(1, "GET /v2", Mischief::Headers(more.into()));
    let answer = before.ask("GET", "/Users", None).await.unwrap();
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str());
    assert_eq!((answer.status, cookies.collect::<Vec<_>>()), (200, vec!["a=1", "b=2"]));
}

#[tokio::test]
async fn a_bomb_of_gzip_is_small_on_the_wire_and_large_when_it_is_opened() {
    const ZEROS: u64 = 200_000_000;
    let before = Before::new().await;
    before.proxy.next(2, "GET /v2", Mischief::GzipBomb(ZEROS));
    let url = format!("{}/v2/Users", before.proxy.url());
    let count = move |through: &str| -> u64 {
        let script = format!("curl -q --silent --noproxy '*' --cacert \"$1\" \"$2\" | {through} 2>/dev/null | wc -c");
        let counted =
            Command::new("sh").args(["-c", &script, "sh"]).arg(server().ca().certificate()).arg(&url).output();
        String::from_utf8(counted.unwrap().stdout).unwrap().trim().parse().unwrap()
    };
    let (wire, opened) = blocking(move || (count("cat"), count("gzip -dc"))).await;
    assert!(wire > 0 && wire < ZEROS / 150, "{wire} bytes on the wire");
    // gzip gives what it has in its hand when the end is missing, but for its last window.
    assert!(opened > ZEROS - 1_000_000, "{opened} bytes");
}

#[tokio::test]
async fn a_body_in_chunks_arrives_whole_and_so_do_requests_on_one_connection() {
    let before = Before::new().await;
    let (url, user) = (format!("{}/v2/Users", before.proxy.url()), before.user.clone());
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user}).to_string();
    let sent = blocking(move || {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--silent", "--noproxy", "*", "--output", "/dev/null", "--cacert"]);
        curl.arg(server().ca().certificate()).args(["--header", &format!("authorization: Bearer {TOKEN}")]);
        curl.args(["--header", "content-type: application/scim+json"]);
        curl.args(["--header", "transfer-encoding: chunked", "--data-binary", &body, &url, &url]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code} "]).output()
    });
    let sent = sent.await.unwrap();
    assert_eq!(String::from_utf8(sent.stdout).unwrap(), "201 409 ");
    let recorded = before.proxy.recorded();
    assert!(recorded.iter().all(|one| one.request.json()["userName"] == before.user.as_str()), "{recorded:?}");
    assert_eq!(recorded.iter().map(|one| one.connection).collect::<Vec<_>>(), [1, 1]);
}
