//! Sessions and searches against a server that does as it is told: the right thing, the wrong thing, or nothing.

mod bombs;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::ber::{ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, Writer, measure};
use super::*;
use crate::config::EgressConfig;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::egress::trust::Trust;
use crate::model::{AddressRange, Effect, Failure, FailureKind, Permission, Secret};

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const MODIFY: u8 = 0x66;
const EXTENDED: u8 = 0x77;

/// A request as the server sees it.
struct Asked {
    /// The n-th connection, from 1.
    connection: usize,
    id: u32,
    tag: u8,
    whole: Vec<u8>,
}

/// What the server does then: bytes to send; `None` closes the connection, no bytes leave it waiting.
type Script = dyn Fn(&Asked) -> Option<Vec<u8>> + Send + Sync;

/// A server on the loopback.
struct Server {
    port: u16,
    came: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<(usize, u8)>>>,
}

impl Server {
    async fn start(script: impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (came, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let script: Arc<Script> = Arc::new(script);
        let (counter, seen) = (Arc::clone(&came), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = counter.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(serve(stream, connection, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { port, came, asked }
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }

    /// The operations so far, each with the number of its connection.
    fn asked(&self) -> Vec<(usize, u8)> {
        self.asked.lock().unwrap().clone()
    }

    fn to(&self) -> Arc<To> {
        self.to_with(|_| {})
    }

    fn to_with(&self, change: impl FnOnce(&mut Route)) -> Arc<To> {
        let mut route = Route {
            name: "directory".parse().unwrap(),
            target: format!("ldap://127.0.0.1:{}", self.port).parse().unwrap(),
            permission: "destination:directory:ldap://{host}:389".parse().unwrap(),
            approved: true,
            ranges: [AddressRange::Loopback].into(),
            plaintext: true,
            trust: Trust::default(),
            client: None,
        };
        change(&mut route);
        let login = Login::Simple { dn: "cn=service".into(), password: Secret::new(b"secret".to_vec()).unwrap() };
        Arc::new(To { route: Arc::new(route), protection: Protection::None, login })
    }
}

async fn serve(mut stream: TcpStream, connection: usize, script: Arc<Script>, seen: Arc<Mutex<Vec<(usize, u8)>>>) {
    let mut bytes = Vec::new();
    loop {
        while let Some((header, content)) =
            measure(&bytes).unwrap().filter(|(header, content)| bytes.len() >= header + content)
        {
            let whole: Vec<u8> = bytes.drain(..header + content).collect();
            let mut message = Reader::new(&whole).enter(SEQUENCE).unwrap();
            let (id, (tag, _)) = (message.number(INTEGER).unwrap(), message.element().unwrap());
            seen.lock().unwrap().push((connection, tag));
            match script(&Asked { connection, id, tag, whole }) {
                None => return,
                Some(answer) if stream.write_all(&answer).await.is_err() => return,
                Some(_) => {}
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

fn message(id: u32, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(0);
    writer.nested(SEQUENCE, |writer| {
        writer.number(INTEGER, id);
        write(writer);
    });
    writer.finish().to_vec()
}

fn ended(id: u32, tag: u8, code: u32) -> Vec<u8> {
    message(id, |writer| outcome(writer, tag, code))
}

fn outcome(writer: &mut Writer, tag: u8, code: u32) {
    writer.nested(tag, |writer| {
        writer.number(ENUMERATED, code);
        writer.text("");
        writer.text("as scripted");
    });
}

fn entry(id: u32, dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    message(id, |writer| {
        writer.nested(0x64, |writer| {
            writer.text(dn);
            writer.nested(SEQUENCE, |writer| {
                for (name, value) in attributes {
                    writer.nested(SEQUENCE, |writer| {
                        writer.text(name);
                        writer.nested(SET, |writer| writer.text(value));
                    });
                }
            });
        });
    })
}

/// The end of a page, with the cookie of the next one.
fn page_ended(id: u32, cookie: &[u8]) -> Vec<u8> {
    message(id, |writer| {
        outcome(writer, 0x65, 0);
        let mut value = Writer::with_capacity(0);
        value.nested(SEQUENCE, |value| {
            value.number(INTEGER, 0);
            value.octets(OCTETS, cookie);
        });
        writer.nested(0xa0, |writer| {
            writer.nested(SEQUENCE, |writer| {
                writer.text("1.2.840.113556.1.4.319");
                writer.octets(OCTETS, &value.finish());
            });
        });
    })
}

/// Takes every login; the rest is the script's.
fn after_login(
    rest: impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync,
) -> impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync {
    move |asked| match asked.tag {
        BIND => Some(ended(asked.id, 0x61, 0)),
        _ => rest(asked),
    }
}

fn egress() -> Egress {
    Egress::new(EgressConfig { loopback: true, ..EgressConfig::default() })
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn request(page_size: Option<u32>) -> SearchRequest {
    SearchRequest {
        base: "dc=test".into(),
        scope: Scope::Subtree,
        deref: Deref::Never,
        filter: "(cn=*)".into(),
        attributes: vec!["cn".into()],
        page_size,
        size_limit: None,
        controls: Vec::new(),
    }
}

/// Everything a search finds.
async fn found(pool: &Pool, to: &Arc<To>) -> Result<u32, Failure> {
    let mut search = Search::new(pool.clone(), Arc::clone(to), request(None))?;
    let mut entries = 0;
    loop {
        let more = search.next(&egress(), 100, soon()).await?;
        entries += more.found.count();
        if more.done {
            return Ok(entries);
        }
    }
}

async fn changed(pool: &Pool, to: &Arc<To>, end: Instant) -> Result<(), Failure> {
    let change = Modification {
        operation: Operation::Replace,
        attribute: NewAttribute { name: "cn".into(), values: vec![b"x".to_vec().into()] },
    };
    let modify = Write::Modify { dn: "cn=a".into(), changes: vec![change] };
    write(pool, &egress(), to, &modify, Vec::new(), end).await.map(drop)
}

#[tokio::test]
async fn nothing_is_sent_unprotected_unless_that_was_approved() {
    let server = Server::start(|_| None).await;
    let refused = |to: Arc<To>| async move { Pool::default().warm(&egress(), &to, soon()).await.unwrap_err() };
    let plain = refused(server.to_with(|route| route.plaintext = false)).await;
    assert!(plain.kind == FailureKind::NotPermitted && plain.message.contains("plaintext:directory"), "{plain:?}");
    let unapproved = refused(server.to_with(|route| route.approved = false)).await;
    assert!(unapproved.message.contains("destination:directory:ldap://{host}:389"), "{unapproved:?}");
    let inner = refused(server.to_with(|route| route.ranges.clear())).await;
    assert!(inner.message.contains("network:directory:loopback"), "{inner:?}");
    let tls = refused(server.to_with(|route| route.target.protocol = crate::model::Protocol::Ldaps)).await;
    assert_eq!(tls.kind, FailureKind::Configuration);
    assert_eq!(server.came(), 0, "somebody was spoken to");
    assert!("plaintext:directory".parse::<Permission>().is_ok());
}

#[tokio::test]
async fn a_server_that_says_more_before_tls_than_its_answer_is_not_believed() {
    let script = |asked: &Asked| {
        let mut answer = ended(asked.id, 0x78, 0);
        answer.extend(ended(2, 0x61, 0));
        Some(answer)
    };
    let server = Server::start(script).await;
    let to = server.to();
    let to = Arc::new(To { route: Arc::clone(&to.route), protection: Protection::Tls, login: to.login.clone() });
    let failure = Pool::default().warm(&egress(), &to, soon()).await.unwrap_err();
    assert!(failure.kind == FailureKind::ConnectionBroken && failure.message.contains("before TLS"), "{failure:?}");
    assert_eq!(server.asked(), [(1, EXTENDED)], "it was asked for more than TLS");
}

#[tokio::test]
async fn a_server_without_tls_never_gets_the_password() {
    let server = Server::start(|asked| Some(ended(asked.id, 0x78, 2))).await;
    let to = server.to();
    let to = Arc::new(To { route: Arc::clone(&to.route), protection: Protection::Tls, login: to.login.clone() });
    let failure = Pool::default().warm(&egress(), &to, soon()).await.unwrap_err();
    assert!(failure.kind == FailureKind::ConnectionFailed && failure.message.contains("TLS"), "{failure:?}");
    assert_eq!(server.asked(), [(1, EXTENDED)]);
}

#[tokio::test]
async fn bombs_of_a_server_break_its_connection_and_nothing_else() {
    let mut giant = vec![0x30, 0x84, 0x80, 0, 0, 0];
    giant.extend([0; 64]);
    let nested = |depth: usize| {
        let mut bytes = [0x30, 0x80 | 3, 0xff, 0xff, 0xff].repeat(depth);
        bytes.truncate(48 << 10);
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[0x30, 0x84][..], &length, &bytes].concat()
    };
    let honest_nesting = {
        let mut bytes = vec![4, 0];
        for _ in 0..9_000 {
            let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes = [&[0x30, 0x84][..], &length, &bytes].concat();
        }
        bytes
    };
    let odd_control = message(1, |writer| {
        outcome(writer, 0x65, 0);
        writer.octets(0xa0, &[0x30, 5, 4, 9, 1]);
    });
    for bomb in
        [giant, nested(10_000), honest_nesting, odd_control, vec![0x1f; 100], b"HTTP/1.1 400 Bad Request\r\n".to_vec()]
    {
        let sent = bomb.clone();
        let server = Server::start(after_login(move |_| Some(sent.clone()))).await;
        let failure = found(&Pool::default(), &server.to()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ConnectionBroken, "{failure:?} of {:x?}", &bomb[..8]);
    }
}

#[tokio::test]
async fn an_answer_to_something_else_ends_the_connection() {
    let server = Server::start(after_login(|asked| Some(ended(asked.id + 1, 0x65, 0)))).await;
    assert_eq!(found(&Pool::default(), &server.to()).await.unwrap_err().kind, FailureKind::ConnectionBroken);
    let notice = Server::start(after_login(|_| Some(ended(0, 0x78, 52)))).await;
    let failure = found(&Pool::default(), &notice.to()).await.unwrap_err();
    assert!(failure.message.contains("closes it (52) as scripted"), "{failure:?}");
}

#[tokio::test]
async fn a_login_that_is_refused_is_the_connections_fault_and_not_the_callers() {
    let server = Server::start(|asked| Some(ended(asked.id, 0x61, 49))).await;
    let failure = found(&Pool::default(), &server.to()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::ConnectionFailed, Some("ldap:49")));
    let refused =
        verify(&egress(), &server.to(), "cn=a", &Secret::new(b"p".to_vec()).unwrap(), soon()).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::InvalidCredential);
    let nobody = verify(&egress(), &server.to(), "", &Secret::new(b"p".to_vec()).unwrap(), soon()).await.unwrap_err();
    assert!(nobody.kind == FailureKind::InvalidCredential && server.came() == 2, "{nobody:?}");
}

#[tokio::test]
async fn what_ended_well_is_used_again_and_what_did_not_never() {
    let silent = AtomicUsize::new(0);
    let server = Server::start(after_login(move |asked| match asked.tag {
        // The third change of all is never answered.
        MODIFY if silent.fetch_add(1, Ordering::SeqCst) == 2 => Some(Vec::new()),
        MODIFY => Some(ended(asked.id, 0x67, 0)),
        _ => Some(ended(asked.id, 0x65, 32)),
    }))
    .await;
    let (pool, to) = (Pool::default(), server.to());
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(found(&pool, &to).await.unwrap_err().kind, FailureKind::UnknownUid);
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(server.came(), 1, "a refusal does not wear a connection out");
    let lost = changed(&pool, &to, Instant::now() + Duration::from_millis(200)).await.unwrap_err();
    assert_eq!((lost.kind, lost.effect), (FailureKind::OutcomeUnknown, Effect::Unknown));
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(server.came(), 2);
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced_before_anything_depends_on_it() {
    let server = Server::start(after_login(|asked| match asked.tag {
        // Each connection takes one change and one search; then it is closed without a word.
        MODIFY => Some(ended(asked.id, 0x67, 0)),
        SEARCH if asked.connection < 3 => None,
        _ => Some(ended(asked.id, 0x65, 0)),
    }))
    .await;
    let (pool, to) = (Pool::default(), server.to());
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(
        found(&pool, &to).await.unwrap_err().kind,
        FailureKind::ConnectionBroken,
        "a fresh one is not tried again"
    );
    assert_eq!(server.came(), 2);
    assert_eq!(found(&pool, &to).await.unwrap(), 0);
    assert_eq!(server.came(), 3);
}

#[tokio::test]
async fn a_pool_that_was_told_to_forget_takes_nothing_back() {
    let server = Server::start(after_login(|asked| match asked.tag {
        SEARCH => Some([entry(asked.id, "cn=a", &[]), entry(asked.id, "cn=b", &[]), ended(asked.id, 0x65, 0)].concat()),
        _ => Some(ended(asked.id, 0x67, 0)),
    }))
    .await;
    let (pool, to) = (Pool::default(), server.to());
    changed(&pool, &to, soon()).await.unwrap();
    let mut search = Search::new(pool.clone(), Arc::clone(&to), request(None)).unwrap();
    assert_eq!(search.next(&egress(), 1, soon()).await.unwrap().found.count(), 1);
    pool.forget();
    assert!(search.next(&egress(), 5, soon()).await.unwrap().done, "what is in use goes on to its end");
    assert_eq!(server.came(), 1);
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(server.came(), 2);
}

#[tokio::test]
async fn another_login_never_gets_somebody_elses_connection() {
    let server = Server::start(after_login(|asked| Some(ended(asked.id, 0x67, 0)))).await;
    let (pool, to) = (Pool::default(), server.to());
    let login = |dn: &str, password: &str| {
        let password = Secret::new(password.as_bytes().to_vec()).unwrap();
        let login = Login::Simple { dn: dn.into(), password };
        Arc::new(To { route: Arc::clone(&to.route), protection: Protection::None, login })
    };
    for to in [&to, &login("cn=service", "changed"), &login("cn=other", "secret")] {
        changed(&pool, to, soon()).await.unwrap();
    }
    assert_eq!(server.came(), 3);
    changed(&pool, &to, soon()).await.unwrap();
    assert_eq!(server.came(), 3);
}

#[tokio::test]
async fn a_connection_of_an_older_configuration_is_never_used_under_a_newer_one() {
    let takes_changes = || after_login(|asked| Some(ended(asked.id, 0x67, 0)));
    let (old, new) = (Server::start(takes_changes()).await, Server::start(takes_changes()).await);
    let (pool, before) = (Pool::default(), old.to());
    // A call that began before the change ends after it.
    pool.forget();
    changed(&pool, &before, soon()).await.unwrap();
    changed(&pool, &new.to(), soon()).await.unwrap();
    assert_eq!((old.came(), new.came()), (1, 1));
}

#[tokio::test]
async fn a_search_keeps_its_connection_pages_ahead_and_leaves_writes_room() {
    let server = Server::start(after_login(|asked| match asked.tag {
        MODIFY => Some(ended(asked.id, 0x67, 0)),
        _ => {
            let cookie = asked.whole.windows(4).any(|bytes| bytes == b"more");
            let first = if cookie { "cn=c" } else { "cn=a" };
            let second = if cookie { "cn=d" } else { "cn=b" };
            let end = page_ended(asked.id, if cookie { b"" } else { b"more" });
            let entries = [first, second].map(|dn| entry(asked.id, dn, &[("cn", "x"), ("userPassword", "hash")]));
            Some([entries.concat(), end].concat())
        }
    }))
    .await;
    let (pool, to) = (Pool::default(), server.to());
    let mut search = Search::new(pool.clone(), Arc::clone(&to), request(Some(2))).unwrap();
    let first = search.next(&egress(), 2, soon()).await.unwrap();
    assert!(!first.done && first.found.count() == 2, "{first:?}");
    assert_eq!(first.found.into_packed().bytes, b"cn=axcn=bx", "and no password");
    changed(&pool, &to, soon()).await.unwrap();
    // The second page was asked for before anybody asked for more.
    assert_eq!(server.asked(), [(1, BIND), (1, SEARCH), (1, SEARCH), (2, BIND), (2, MODIFY)]);
    let second = search.next(&egress(), 10, soon()).await.unwrap();
    assert!(second.done && second.found.count() == 2, "{second:?}");
    assert_eq!(search.next(&egress(), 1, soon()).await.unwrap_err().kind, FailureKind::Conflict);
    assert_eq!(server.came(), 2);
}

#[tokio::test]
async fn what_was_found_before_a_failure_is_told_before_it() {
    let server =
        Server::start(after_login(|asked| Some([entry(asked.id, "cn=a", &[]), ended(asked.id, 0x65, 4)].concat())))
            .await;
    let mut search = Search::new(Pool::default(), server.to(), request(None)).unwrap();
    let first = search.next(&egress(), 10, soon()).await.unwrap();
    assert!(first.found.count() == 1 && !first.done);
    let failure = search.next(&egress(), 10, soon()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::QuotaExceeded, Some("ldap:4")));
}

#[tokio::test]
async fn places_run_out_and_are_given_back_when_a_search_is_dropped() {
    let server = Server::start(after_login(|asked| Some(entry(asked.id, "cn=a", &[])))).await;
    let (pool, to) = (Pool::default(), server.to());
    let mut searches = Vec::new();
    for _ in 0..limits::SESSIONS_MAX {
        let mut search = Search::new(pool.clone(), Arc::clone(&to), request(None)).unwrap();
        search.next(&egress(), 1, soon()).await.unwrap();
        searches.push(search);
    }
    let late = pool.warm(&egress(), &to, Instant::now() + Duration::from_millis(50)).await.unwrap_err();
    assert!(late.kind == FailureKind::OperationTimeout && late.message.contains("busy"), "{late:?}");
    searches.pop();
    pool.warm(&egress(), &to, soon()).await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_place_is_served_before_what_comes_back_is_kept() {
    let server = Server::start(after_login(|_| None)).await;
    let (pool, to) = (Pool::default(), server.to());
    let mut leases = Vec::new();
    for _ in 0..limits::SESSIONS_MAX {
        leases.push(pool.lease(&egress(), &to, soon()).await.unwrap());
    }
    let waits = {
        let (pool, to) = (pool.clone(), Arc::clone(&to));
        tokio::spawn(async move { pool.warm(&egress(), &to, soon()).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    leases.into_iter().for_each(pool::Lease::give_back);
    waits.await.unwrap().unwrap();
    assert_eq!(server.came(), limits::SESSIONS_MAX);
}
