//! A connector that says to a directory what no connector may, against a real one. The guest is `tests/guests/burglar`:
//! "burglar".

use std::net::Ipv4Addr;

use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser_tests::directory::{Directory, PEOPLE};
use hawser_tests::dns::{Dns, Trap};
use serde_json::{Value as Json, json};

/// The victim's password.
const FIRST: &str = "Start-Pass1";
/// A secret of the connection.
const TOKEN: &str = "a token of the tests";

async fn broken_into() -> Directory<Slapd> {
    broken_into_by(Directory::new().await, 9, 9).await
}

async fn broken_into_by(directory: Directory<Slapd>, canary: u16, resolver: u16) -> Directory<Slapd> {
    let victim = directory.person("u1", FIRST);
    let service = directory.server.service();
    let body = json!({
        "id": directory.bed.id, "system": directory.bed.system, "connector": "hawser/burglar", "version": "^0.1",
        "title": "Burglar",
        "options": {
            "host": "127.0.0.1", "port": directory.server.ldap_port(), "dn": service.dn, "victim": victim,
            "canary": canary, "resolver": resolver,
        },
        "destinations": {"directory": {"roots": directory.roots()}},
        "securedOptions": {
            "bind-password": {"value": service.password}, "token": {"value": TOKEN},
            "other-password": {"value": "a password of another place"},
        },
    });
    directory.connect(&body).await;
    directory.bed.withdraw(&["destination:elsewhere:ldap://192.0.2.1:389"]).await;
    directory.bed.operator.order(&directory.bed.at("/schema/refresh")).await.expect(200);
    directory
}

async fn findings(directory: &Directory<Slapd>, aspect: &str) -> Vec<Json> {
    let answer =
        directory.bed.core.post(&directory.bed.at("/check"), &json!({"aspect": aspect})).await.expect(200).json();
    answer["findings"].as_array().unwrap().clone()
}

/// The kind of the problem that a misdeed met, by what the burglar calls it.
fn met<'a>(findings: &'a [Json], what: &str) -> &'a str {
    let is_it = |finding: &&Json| finding["problem"]["detail"].as_str().is_some_and(|told| told.starts_with(what));
    let found = findings.iter().find(is_it).unwrap_or_else(|| panic!("{what}: {findings:?}"));
    found["problem"]["kind"].as_str().unwrap()
}

#[tokio::test]
async fn a_session_is_opened_where_it_may_be_and_in_no_other_way() {
    let (trap, dns) = (Trap::set().await, Dns::of("exfiltrate.example", Ipv4Addr::LOCALHOST).await);
    let nameservers = vec![dns.address()];
    let directory = Directory::with_config(SlapdOptions::default(), |config| config.egress.nameservers = nameservers);
    let directory = broken_into_by(directory.await, trap.address().port(), dns.address().port()).await;
    let told = findings(&directory, "connect").await;
    for (what, kind) in [
        ("go where the manifest does not say", "not-permitted"),
        ("go where nobody approved it", "not-permitted"),
        ("take a password elsewhere", "not-permitted"),
        ("go without protection", "not-permitted"),
        ("go anonymously without protection", "not-permitted"),
        ("log in without a name", "configuration"),
        ("log in with a token", "credential-denied"),
        ("log in with a guess", "credential-denied"),
        ("log in by a certificate nobody gave", "not-permitted"),
        ("connect by itself", "permission-denied"),
        ("connect to the canary", "permission-denied"),
        ("listen", "permission-denied"),
        ("send datagrams", "permission-denied"),
        ("ask the name server itself", "permission-denied"),
        ("look a name up", "permission-denied"),
    ] {
        assert_eq!(met(&told, what), kind, "{what}: {told:?}");
    }
    assert_eq!((trap.came(), dns.asked()), (0, Vec::new()), "somebody was reached");
    let text = format!("{told:?}");
    for named in [
        "destination:elsewhere:ldap://192.0.2.1:389",
        "credential:other-password:bind@directory",
        "plaintext:directory",
    ] {
        assert!(text.contains(named), "{named} is not named: {text}");
    }
}

#[tokio::test]
async fn verbs_and_controls_beyond_the_list_are_refused_and_leave_the_session_as_it_was() {
    let directory = broken_into().await;
    let mut told = findings(&directory, "complete").await;
    let last = told.pop().unwrap();
    assert_eq!(told.len(), 12, "{told:?}");
    assert!(told.iter().all(|finding| finding["problem"]["kind"] == "unsupported"), "{told:?}");
    let service = directory.server.service().dn;
    assert_eq!(last["text"], format!("it is still dn:{service}"), "{last}");
}

#[tokio::test]
async fn bombs_of_a_guest_are_refused_before_anything_parses_them_by_recursion() {
    let directory = broken_into().await;
    let told = findings(&directory, "incremental").await;
    for (what, kind) in [
        ("a filter of nested nots", "invalid-attribute-value"),
        ("a filter of nested ands", "invalid-attribute-value"),
        ("a filter that never ends", "invalid-attribute-value"),
        ("an assertion of nested nots", "unsupported"),
        ("a control without sense", "unsupported"),
        ("a thousand controls", "quota-exceeded"),
    ] {
        assert_eq!(met(&told, what), kind, "{what}: {told:?}");
    }
}

#[tokio::test]
async fn nobody_learns_a_password_by_asking_about_it() {
    let directory = broken_into().await;
    let mut told = findings(&directory, "provision").await;
    let last = told.pop().unwrap();
    assert_eq!(met(&told, "filter by a rule that fits passwords"), "invalid-attribute-value");
    let denied = [
        "filter by a password:",
        "filter by a password, hidden",
        "filter by its number:",
        "filter by its number, hidden",
        "filter by its number and a rule",
        "ask for its number",
        "sort by its number",
        "change it if its number fits",
        "guess by deleting:",
        "guess by deleting its number",
        "guess by adding:",
        "guess by adding its number",
        "guess by a name",
        "read it after a change",
        "read its number after a change",
        "read its number before a change",
    ];
    for what in denied {
        assert_eq!(met(&told, what), "credential-denied", "{what}: {told:?}");
    }
    assert_eq!(told.len(), denied.len() + 1, "{told:?}");
    assert_eq!(last["text"], "no password came back", "{last}");
    assert!(directory.server.tools().may_bind(&format!("uid=u1,{PEOPLE}"), FIRST).unwrap(), "it was changed");
}

#[tokio::test]
async fn a_secret_that_a_directory_knows_comes_back_in_nothing_that_it_says() {
    let directory = broken_into().await;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let victim = format!("uid=u1,{PEOPLE}");
    tools
        .modify(admin.bind(), &format!("dn: {victim}\nchangetype: modify\nadd: description\ndescription: {TOKEN}\n"))
        .unwrap();
    let elsewhere = format!("ldap://elsewhere.example/cn={}", TOKEN.replace(' ', "%20"));
    let classes = "objectClass: referral\nobjectClass: extensibleObject";
    tools.add(admin.bind(), &format!("dn: cn=referral,{PEOPLE}\n{classes}\ncn: referral\nref: {elsewhere}\n")).unwrap();
    for place in ["a referral of a write", "a referral of a search", "a read after a change"] {
        let attempt = json!({"class": "account", "name": place, "password": "any"});
        let answer = directory.bed.core.post(&directory.bed.at("/authenticate"), &attempt).await;
        assert!(!answer.text.contains(TOKEN), "{place}: {}", answer.text);
        answer.problem(403, "credential-denied").names("the secured option").names("token").names("directory");
    }
}

#[tokio::test]
async fn a_password_of_the_call_goes_where_passwords_go_and_a_service_password_nowhere() {
    let directory = broken_into().await;
    let set = json!({"new": "Other-Pass2"});
    let path = directory.bed.at("/objects/account/u1/password");
    let answer = directory.bed.core.put(&path, &set).await;
    let told = answer.refusal().detail().to_owned();
    for what in [
        "write it where it can be read: FailureKind::CredentialDenied",
        "write it under a name like a password's: FailureKind::CredentialDenied",
        "log the connection in with it: FailureKind::CredentialDenied",
        "make the login's password everybody's: FailureKind::CredentialDenied",
        "make it so by the operation for it: FailureKind::CredentialDenied",
        "ask whether the login's password is the victim's: FailureKind::CredentialDenied",
        "ask whether nobody has it: FailureKind::InvalidCredential",
    ] {
        assert!(told.contains(what), "{what}: {told}");
    }
    let (slapd, victim) = (&directory.server, format!("uid=u1,{PEOPLE}"));
    assert!(slapd.tools().may_bind(&victim, FIRST).unwrap(), "the victim's password was changed");
    let entry = slapd.tools().entry(slapd.admin().bind(), &victim, &["*", "+"]).unwrap().unwrap();
    let written = entry.attributes.iter().find(|(_, value)| value.windows(11).any(|part| part == b"Other-Pass2"));
    assert_eq!(written, None, "the password of the call stands there");
    assert_eq!(entry.values("description").count(), 0);
}

#[tokio::test]
async fn guesses_at_a_password_run_out() {
    let directory = broken_into().await;
    let change = json!({"old": "Wrong-Pass1", "new": "Other-Pass2"});
    let path = directory.bed.at("/objects/account/u1/password");
    let told = directory.bed.core.put(&path, &change).await.refusal().detail().to_owned();
    let answered: u32 = told.split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!((1..60).contains(&answered), "{told}");
}
