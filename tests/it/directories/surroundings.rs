//! What surrounds the host has no say in where it goes: a proxy of the environment, a search domain (N5 of the threats).

use std::net::Ipv4Addr;

use hawser::cli::demo::server::slapd::SlapdOptions;
use hawser_tests::child::Host;
use hawser_tests::directory::Directory;
use hawser_tests::dns::{Dns, Trap};
use serde_json::json;

/// A name in the certificate of the test's slapd.
const NAME: &str = "ldap.test";

#[tokio::test]
async fn proxies_and_search_domains_of_the_environment_are_passed_by() {
    let (dns, trap) = (Dns::of(NAME, Ipv4Addr::LOCALHOST).await, Trap::set().await);
    let nameserver = dns.address();
    let directory =
        Directory::with_config(SlapdOptions::default(), |config| config.egress.nameservers = vec![nameserver]).await;
    let dn = directory.person("ada", "Start-Pass1");
    let uid = directory.texts(&dn, "entryUUID").remove(0);
    let mut body = directory.body();
    body["options"]["host"] = json!(NAME);
    directory.connect_and_refresh(&body).await;
    let Directory { server: _server, mut bed, house } = directory;
    let (data, tokens) = house.stop().await;
    assert_eq!(dns.asked(), [NAME]);

    let proxy = format!("http://{}", trap.address());
    let mut environment = vec![("LOCALDOMAIN", "evil.test"), ("RES_OPTIONS", "ndots:5")];
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        environment.push((name, &proxy));
    }
    let settings = format!("[egress]\nloopback = true\nnameservers = [\"{nameserver}\"]\n");
    let host = Host::within(&environment, data.path(), &tokens, &settings).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["name"], dn.as_str());
    let attempt = json!({"class": "account", "name": dn, "password": "Start-Pass1"});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.expect(200);
    assert_eq!((dns.asked(), trap.came()), (vec![NAME.to_owned()], 0));
}
