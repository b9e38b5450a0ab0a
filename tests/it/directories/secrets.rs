//! Passwords on their way through a connector that never holds them, and what a reset costs.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hawser::clock::Clock;
use hawser::config::EgressConfig;
use hawser::egress::Egress;
use hawser::egress::rules::Route;
use hawser::egress::trust::Trust;
use hawser::model::{AddressRange, CredentialUse, Gate, ObjectRef, OptionName, Permission, Secret, Secured, Value};
use hawser::registry::Manifest;
use hawser::runtime::{Allowed, CallContext, CallLimits, Credentials, Runtime, Slot};
use hawser_tests::directory::{Directory, PEOPLE, Server};
use hawser_tests::memory::{Seen, Watched};
use hawser_tests::vendor::built;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::samba::uid_of;

const OLD: &str = "Start-Pass1-of-some-length-and-1st";
const NEW: &str = "Second-Pass2-longer-than-it-and-2nd";
const NEWEST: &str = "Third-Pass3-the-longest-of-all-3rd";

/// A context that permits all that the manifest asks for.
fn context<S: Server>(directory: &Directory<S>, manifest: &Manifest) -> CallContext {
    let (service, (host, port)) = (directory.server.service(), directory.server.place());
    let mut options: BTreeMap<OptionName, Vec<Value>> =
        manifest.options.iter().map(|option| (option.name.clone(), option.default.clone())).collect();
    options.insert("host".parse().unwrap(), vec![Value::Text(host.clone())]);
    options.insert("port".parse().unwrap(), vec![Value::Integer(port.into())]);
    options.insert("bind-dn".parse().unwrap(), vec![Value::Text(service.dn)]);
    let permission: Permission = "destination:ldaps:ldaps://{host}:{port}".parse().unwrap();
    let route = Route {
        name: "ldaps".parse().unwrap(),
        target: format!("ldaps://{host}:{port}").parse().unwrap(),
        permission,
        approved: true,
        ranges: [AddressRange::Loopback].into(),
        plaintext: false,
        trust: Trust::new(Some(&directory.roots()), None).unwrap(),
        client: None,
    };
    let password = Secret::new(service.password.into_bytes()).unwrap();
    let slot = Slot { usage: CredentialUse::Bind, value: Some(Secured::Field(password)) };
    CallContext {
        request: "memory".parse().unwrap(),
        idempotency_key: None,
        connection: "memory".parse().unwrap(),
        connector: manifest.connector.clone(),
        version: manifest.version.clone(),
        development: true,
        options: Arc::new(options),
        permissions: Arc::new(manifest.permissions()),
        directories: Arc::default(),
        routes: [Arc::new(route)].into(),
        web: Arc::default(),
        credentials: Arc::new(Credentials::from_iter([("bind-password".parse().unwrap(), slot)])),
        limits: CallLimits::default(),
        deadline: jiff::Timestamp::MAX,
        gate: Gate::default(),
    }
}

/// Sets, changes and checks somebody's password in guests that are watched; what was seen in them.
async fn passing_through<S: Server>(directory: &Directory<S>, ada: ObjectRef, login: &str) -> Seen {
    let name = ada.name.clone().unwrap();
    let watched = Arc::new(Watched::new(&[
        ("the service's password", leaked(directory.server.service().password)),
        ("the old password", OLD),
        ("the new password", NEW),
        ("the newest password", NEWEST),
        // What a guest does hold: without it, the search would prove nothing.
        ("the account's name", leaked(name)),
    ]));
    let egress = Egress::new(EgressConfig { loopback: true, ..EgressConfig::default() });
    let runtime = Runtime::observed(watched.clone(), egress, Clock::system()).unwrap();
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-ldap")).await.unwrap();
    let manifest = Manifest::parse(&manifest).unwrap();
    let allowed = Allowed { imports: manifest.imports.clone(), exports: manifest.exports.clone() };
    let component = runtime.load(&component, &allowed).unwrap();
    let context = context(directory, &manifest);
    let secret = |text: &str| Secret::new(text.as_bytes().to_vec()).unwrap();

    component.set_password(context.clone(), ada.clone(), secret(NEW), false).await.result.unwrap();
    component.change_password(context.clone(), ada, secret(NEW), secret(NEWEST)).await.result.unwrap();
    let class = "account".parse().unwrap();
    component.authenticate(context.clone(), &class, login, secret(NEWEST)).await.result.unwrap();
    watched.seen()
}

/// Only what a guest may hold was found.
fn holds_no_password(seen: &Seen) {
    assert!(seen.memories >= 3 && seen.bytes > 100_000, "{seen:?}");
    assert!(!seen.found.is_empty() && seen.found.iter().all(|found| *found == "the account's name"), "{seen:?}");
}

#[tokio::test]
async fn no_guest_memory_ever_holds_a_password_that_passes_through() {
    let directory = Directory::new().await;
    let dn = directory.person("ada", OLD);
    let entry = directory.server.tools().entry(directory.server.admin().bind(), &dn, &["entryUUID"]).unwrap().unwrap();
    let uid = entry.text("entryUUID").unwrap().to_owned();
    let ada = ObjectRef { class: "account".into(), uid, name: Some(dn.clone()) };
    let seen = passing_through(&directory, ada, &dn).await;
    assert!(directory.server.tools().may_bind(&dn, NEWEST).unwrap());
    holds_no_password(&seen);
}

/// There the host quotes it and writes it in UTF-16 (MS-ADTS 3.1.1.3.1.5).
#[tokio::test]
async fn no_guest_memory_ever_holds_a_password_on_its_way_to_active_directory() {
    let directory = Directory::samba().await;
    directory.server.samba_tool(&["user", "create", "ada", OLD, "--userou=OU=People"]).unwrap();
    let dn = "CN=ada,OU=People,DC=ad,DC=test".to_owned();
    let ada = ObjectRef { class: "account".into(), uid: uid_of(&directory, &dn), name: Some(dn) };
    let seen = passing_through(&directory, ada, "ada").await;
    assert!(directory.server.tools().may_bind("ada@ad.test", NEWEST).unwrap());
    holds_no_password(&seen);
}

/// For the names of a test that ends with its process.
fn leaked(text: String) -> &'static str {
    text.leak()
}

#[tokio::test]
async fn a_reset_on_a_warm_connection_costs_one_round_trip_more_than_the_tool() {
    let directory = Directory::new().await;
    let dn = directory.person("ada", OLD);
    let (port, asked) = counting(directory.server.ldap_port()).await;
    let mut body = directory.body();
    body["options"]["port"] = json!(port);
    body["options"]["security"] = json!("none");
    directory.connect(&body).await;
    directory.bed.approve(&["plaintext:ldap"]).await;
    directory.bed.operator.order(&directory.bed.at("/schema/refresh")).await.expect(200);
    let entry = directory.server.tools().entry(directory.server.admin().bind(), &dn, &["entryUUID"]).unwrap().unwrap();
    let password = format!("{}/password", directory.bed.account(entry.text("entryUUID").unwrap()));
    directory.bed.core.put(&password, &json!({"new": NEW})).await.expect(204);
    let before = asked.load(Ordering::SeqCst);
    directory.bed.core.put(&password, &json!({"new": NEWEST})).await.expect(204);
    let requests = asked.load(Ordering::SeqCst) - before;
    assert!((1..=2).contains(&requests), "{requests} requests: `ldappasswd` makes one");
    assert!(directory.server.tools().may_bind(&dn, NEWEST).unwrap());
    assert_eq!(entry.dn, format!("uid=ada,{PEOPLE}"));
}

/// A proxy that counts the LDAP messages (RFC 4511, 5.1) that clients send through it.
async fn counting(port: u16) -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let ((mut from, mut back), (mut answers, mut to)) = (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                loop {
                    let message = message(&mut from).await?;
                    counter.fetch_add(1, Ordering::SeqCst);
                    to.write_all(&message).await?;
                }
                #[allow(unreachable_code, reason = "says what the loop fails with")]
                io::Result::Ok(())
            });
        }
    });
    (own, asked)
}

async fn message(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut whole = vec![0; 2];
    from.read_exact(&mut whole).await?;
    let long = if whole[1] & 0x80 == 0 { 0 } else { usize::from(whole[1] & 0x7f) };
    let mut length = if long == 0 { usize::from(whole[1]) } else { 0 };
    for _ in 0..long {
        let byte = from.read_u8().await?;
        whole.push(byte);
        length = length << 8 | usize::from(byte);
    }
    let begun = whole.len();
    whole.resize(begun + length, 0);
    from.read_exact(&mut whole[begun..]).await?;
    Ok(whole)
}
