//! What a connection may reach, explained before anything is reached; addresses instead of names, so that no name server
//! has a say.

use std::process::Command;

use hawser_tests::bed::{Bed, items};
use hawser_tests::binary;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::vendor::{Vendor, built};
use serde_json::{Value as Json, json};

/// What the CSV connector does not ask for, and could.
const DESTINATION: &str = r#"
[[option]]
name = "server"
kind = "text"
label = "Server"
required = true
[[destination]]
name = "directory"
label = "The directory"
protocol = "ldaps"
address = "{server}:636"
[[destination]]
name = "plain"
label = "The same, beginning without TLS"
protocol = "ldap"
address = "{server}:389"
[[destination]]
name = "web"
label = "Its web page"
protocol = "http"
address = "{server}:80"
"#;

const PERMISSION: &str = "destination:directory:ldaps://{server}:636";

/// A house, changed, with a connector that asks for a destination.
async fn house(change: impl FnOnce(&mut hawser::config::Config)) -> House {
    let (house, vendor) = (House::with(change).await, Vendor::new());
    vendor.be_trusted(&house.operator(), "hawser").await.expect(201);
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let manifest = manifest.replacen("name = \"csv\"", "name = \"reaching\"", 1) + DESTINATION;
    vendor.sign(&manifest, &component).install(&house.operator()).await.expect(201);
    house
}

fn body(bed: &Bed, server: &str) -> Json {
    let mut body = bed.connection();
    body["connector"] = json!("hawser/reaching");
    body["options"]["server"] = json!(server);
    body
}

/// A connection to that server for which nothing is approved.
async fn bed(house: &House, server: &str) -> Bed {
    let bed = Bed::bare(house, People::new(0, 0)).await;
    bed.operator.post("/v1/connections", &body(&bed, server)).await.expect(201);
    bed
}

async fn explained(bed: &Bed, target: &str) -> Json {
    let target = target.replace(':', "%3A").replace('/', "%2F").replace('[', "%5B").replace(']', "%5D");
    bed.operator.get(&bed.at(&format!("/explain?target={target}"))).await.expect(200).json()
}

fn refusal(explained: &Json) -> &str {
    assert_eq!(explained["allowed"], false, "{explained}");
    explained["refusal"].as_str().unwrap()
}

#[tokio::test]
async fn each_refusal_names_what_would_allow_it_until_nothing_is_refused() {
    let house = house(|_| {}).await;
    let bed = bed(&house, "10.1.2.3").await;
    let target = "ldaps://10.1.2.3:636";
    let other = explained(&bed, "ldaps://10.1.2.4:636").await;
    assert!(refusal(&other).contains("none of the destinations") && refusal(&other).contains(target), "{other}");
    let unapproved = explained(&bed, target).await;
    assert!(refusal(&unapproved).contains(PERMISSION), "{unapproved}");
    assert_eq!(unapproved["addresses"], json!([]));
    bed.approve(&[PERMISSION]).await;
    let private = explained(&bed, target).await;
    assert!(refusal(&private).contains("network:directory:private"), "{private}");
    assert_eq!(private["addresses"][0]["range"], "private");
    bed.approve(&["network:directory:private"]).await;
    let allowed = explained(&bed, target).await;
    assert_eq!((&allowed["allowed"], &allowed["destination"]), (&json!(true), &json!("directory")), "{allowed}");
    let listed = items(&bed.core.get(&bed.at("/permissions")).await.expect(200));
    let network = listed.iter().find(|item| item["permission"] == "network:directory:private").unwrap();
    assert!(network["words"].as_str().unwrap().contains("The directory"), "{network}");
    bed.withdraw(&["network:directory:private"]).await;
    refusal(&explained(&bed, target).await);
    house.stop().await;
}

#[tokio::test]
async fn what_an_operator_approves_stays_within_the_hosts_ceiling() {
    let house = house(|config| config.egress.networks = Some(vec!["10.0.0.0/8".parse().unwrap()])).await;
    for (server, told) in
        [("192.168.1.1", "egress.networks"), ("127.0.0.1", "egress.networks"), ("[::ffff:10.0.0.1]", "egress.networks")]
    {
        let bed = bed(&house, server).await;
        bed.approve(&[PERMISSION, "network:directory:private", "network:directory:loopback"]).await;
        let explained = explained(&bed, &format!("ldaps://{server}:636")).await;
        assert!(refusal(&explained).contains(told), "{explained}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_hosts_own_surroundings_stay_closed_whatever_is_approved() {
    let house = house(|_| {}).await;
    let ranges = ["private", "loopback", "link-local", "metadata"].map(|range| format!("network:directory:{range}"));
    let all: Vec<&str> = ranges.iter().map(String::as_str).chain([PERMISSION]).collect();
    for (server, told) in [
        ("127.0.0.1", "egress.loopback"),
        ("[::1]", "egress.loopback"),
        ("[::ffff:127.0.0.1]", "egress.loopback"),
        ("[64:ff9b::7f00:1]", "egress.loopback"),
        ("169.254.7.7", "egress.link-local"),
        ("169.254.169.254", "egress.metadata"),
        ("[2002:a9fe:a9fe::1]", "egress.metadata"),
        ("0.0.0.0", "reserved"),
        ("255.255.255.255", "reserved"),
    ] {
        let bed = bed(&house, server).await;
        bed.approve(&all).await;
        let explained = explained(&bed, &format!("ldaps://{server}:636")).await;
        assert!(refusal(&explained).contains(told), "{explained}");
    }
    house.stop().await;
}

#[tokio::test]
async fn an_option_that_would_make_another_place_of_it_is_refused_by_name() {
    let house = house(|_| {}).await;
    let bed = Bed::bare(&house, People::new(0, 0)).await;
    for server in ["0x7f.1", "2130706433", "017700000001", "evil.example:1", "a@b", "dc1.", "dc1/x", "-x", "bücher"] {
        let refused = bed.operator.post("/v1/connections", &body(&bed, server)).await;
        refused.problem(422, "configuration").names("server");
    }
    let odd = bed.operator.get("/v1/connections/nobody/explain?target=ldaps%3A%2F%2F0x7f.1%3A636").await;
    odd.problem(400, "invalid-request").names("odd spelling");
    house.stop().await;
}

#[tokio::test]
async fn a_range_is_opened_only_for_a_destination_that_there_is() {
    let house = house(|_| {}).await;
    let bed = bed(&house, "10.1.2.3").await;
    for stray in ["network:other:private", "network:directory:public", "network:directory"] {
        let refused = bed.operator.post(&bed.at("/permissions"), &json!({"approve": [stray]})).await;
        refused.problem(400, "invalid-request").names(stray);
    }
    bed.core.get(&bed.at("/explain?target=ldaps%3A%2F%2Fdc1%3A636")).await.problem(403, "forbidden");
    house.stop().await;
}

#[tokio::test]
async fn what_would_be_sent_without_encryption_is_explained_as_it_is_decided() {
    let house = house(|_| {}).await;
    let bed = bed(&house, "10.1.2.3").await;
    let approve = async |name: &str, of: &str| {
        bed.approve(&[&format!("destination:{name}:{of}"), &format!("network:{name}:private")]).await;
    };
    approve("web", "http://{server}:80").await;
    let web = explained(&bed, "http://10.1.2.3:80").await;
    assert!(refusal(&web).contains("plaintext:web"), "{web}");
    approve("plain", "ldap://{server}:389").await;
    let plain = explained(&bed, "ldap://10.1.2.3:389").await;
    let without = plain["unprotected"].as_str().unwrap();
    assert!(plain["allowed"] == true && without.contains("plaintext:plain"), "{plain}");
    let (well, text) = told(&house, &bed, "ldap://10.1.2.3:389").await;
    assert!(well && text.contains("without TLS") && text.contains("plaintext:plain"), "{text}");
    bed.approve(&["plaintext:plain", "plaintext:web"]).await;
    for target in ["http://10.1.2.3:80", "ldap://10.1.2.3:389"] {
        let open = explained(&bed, target).await;
        assert!(open["allowed"] == true && open["unprotected"].is_null(), "{open}");
    }
    house.stop().await;
}

/// What the command line explains, and whether it says that it went well.
async fn told(house: &House, bed: &Bed, target: &str) -> (bool, String) {
    let (url, token, id, target) =
        (house.base().to_owned(), house.tokens().operator.clone(), bed.id.clone(), target.to_owned());
    let explain = move || {
        let mut command = Command::new(binary());
        command.env("HAWSER_URL", url).env("HAWSER_TOKEN", token).env("NO_COLOR", "1");
        command.args(["connection", "explain", &id, &target]).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(explain).await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn the_command_line_explains_and_says_with_its_exit_code_what_came_of_it() {
    let house = house(|_| {}).await;
    let bed = bed(&house, "10.1.2.3").await;
    let target = "ldaps://10.1.2.3:636";
    let (well, text) = told(&house, &bed, target).await;
    assert!(!well && text.contains(PERMISSION), "{text}");
    bed.approve(&[PERMISSION, "network:directory:private"]).await;
    let (well, text) = told(&house, &bed, target).await;
    assert!(well && text.contains("10.1.2.3") && text.contains("private"), "{text}");
    house.stop().await;
}

#[tokio::test]
async fn an_option_pointed_at_a_clouds_metadata_or_another_port_is_refused_whatever_is_approved() {
    let house = house(|_| {}).await;
    let bed = bed(&house, "169.254.169.254").await;
    bed.approve(&[PERMISSION, "network:directory:metadata", "network:directory:link-local"]).await;
    let metadata = explained(&bed, "ldaps://169.254.169.254:636").await;
    assert!(refusal(&metadata).contains("egress.metadata = true"), "{metadata}");
    let other = explained(&bed, "ldaps://169.254.169.254:637").await;
    assert!(refusal(&other).contains("none of the destinations"), "{other}");
}
