//! `ldap.import`: entries per second of wall time, from a real slapd through the sandboxed connector into the store,
//! compared and published, beside a native `ldap3` paged search of the same entries that drops them. `ldap.import.cpu`:
//! the host's processor time for the same. `ldap.import.rss`: MiB by which its peak memory grows from 10,000 entries.
//!
//! Without TLS on either side: what is compared is the way of the entries, not the cipher.

use std::fs::File;
use std::io::BufWriter;
use std::time::{Duration, Instant};

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::directory::PEOPLE;
use hawser_tests::house::House;
use hawser_tests::people::People;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapConnAsync, Scope, SearchEntry};
use serde_json::json;

use super::{Figure, MIB, RUNS_OF_LONG, median};

const FEW: u64 = 10_000;
const MANY: u64 = 100_000;
/// Entries of a page, on both sides.
const PAGE: i32 = 500;
/// Lines of the host's `hawser.toml`.
const SETTINGS: &str = "[egress]\nloopback = true\n";

/// Wall time.
pub(super) async fn rate() -> Figure {
    let company = Company::new(MANY).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS_OF_LONG {
        theirs.push(company.read_natively().await);
        ours.push(MANY as f64 / company.imported().await.wall.as_secs_f64());
    }
    Figure { name: "ldap.import", value: median(ours), unit: "entries/s", baseline: Some(median(theirs)) }
}

/// Processor time.
pub(super) async fn processor() -> Figure {
    let company = Company::new(MANY).await;
    let mut used = Vec::new();
    for _ in 0..RUNS_OF_LONG {
        used.push(company.imported().await.processor.as_secs_f64());
    }
    Figure { name: "ldap.import.cpu", value: median(used), unit: "CPU-s", baseline: None }
}

/// Peak memory.
pub(super) async fn rss() -> Figure {
    let (few, many) = (Company::new(FEW).await, Company::new(MANY).await);
    let mut growth = Vec::new();
    for _ in 0..RUNS_OF_LONG {
        let peaks = [few.imported().await.peak, many.imported().await.peak];
        growth.push((peaks[1] as f64 - peaks[0] as f64) / MIB);
    }
    Figure { name: "ldap.import.rss", value: median(growth), unit: "MiB", baseline: None }
}

/// So many people in a slapd.
struct Company {
    slapd: Slapd,
    people: u64,
}

/// What an import cost.
struct Cost {
    wall: Duration,
    processor: Duration,
    peak: u64,
}

impl Company {
    async fn new(people: u64) -> Self {
        let start = move || {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let ldif = folder.path().join("people.ldif");
            let mut file = BufWriter::new(File::create(&ldif).expect("the file can be made"));
            people::write(PEOPLE, people, &mut file).expect("people can be written");
            drop(file);
            let options = SlapdOptions { load: Some(ldif), ..SlapdOptions::default() };
            Slapd::start(&options).unwrap_or_else(|why| panic!("slapd does not start: {why}"))
        };
        Self { slapd: tokio::task::spawn_blocking(start).await.expect("starting does not panic"), people }
    }

    /// Entries per second of a paged search by a native client.
    async fn read_natively(&self) -> f64 {
        let (service, begun) = (self.slapd.service(), Instant::now());
        let url = format!("ldap://127.0.0.1:{}", self.slapd.ldap_port());
        let (connection, mut ldap) = LdapConnAsync::new(&url).await.expect("slapd takes connections");
        ldap3::drive!(connection);
        ldap.simple_bind(&service.dn, &service.password).await.unwrap().success().expect("the service may log in");
        let filter = "(objectClass=inetOrgPerson)";
        let mut search = ldap
            .streaming_search_with(
                vec![Box::new(EntriesOnly::new()) as Box<dyn Adapter<'_, _, _>>, Box::new(PagedResults::new(PAGE))],
                PEOPLE,
                Scope::Subtree,
                filter,
                people::ATTRIBUTES.to_vec(),
            )
            .await
            .expect("a search begins");
        let mut entries = 0;
        while let Some(entry) = search.next().await.expect("a search goes on") {
            std::hint::black_box(SearchEntry::construct(entry));
            entries += 1;
        }
        assert_eq!(entries, self.people);
        entries as f64 / begun.elapsed().as_secs_f64()
    }

    /// A first import, by a host in a process of its own that has done nothing before.
    async fn imported(&self) -> Cost {
        let house = House::with(|config| config.egress.loopback = true).await;
        let mut bed = self.connected(&house).await;
        let (data, tokens) = house.stop().await;
        let host = Host::start(data.path(), &tokens, SETTINGS).await;
        (bed.operator, bed.core) = (host.operator(), host.core());
        let (before, begun) = (host.usage().processor, Instant::now());
        let task = bed.import_published().await;
        let (wall, used) = (begun.elapsed(), host.usage());
        assert!(task["counts"]["inserted"].as_u64().is_some_and(|inserted| inserted >= self.people), "{task}");
        Cost { wall, processor: used.processor - before, peak: used.peak }
    }

    async fn connected(&self, house: &House) -> Bed {
        let (bed, service) = (Bed::bare(house, People::new(0, 0)).await, self.slapd.service());
        let body = json!({
            "id": bed.id, "system": bed.system, "connector": "hawser/ldap", "version": "^0.1", "title": "People",
            "options": {
                "host": "127.0.0.1", "port": self.slapd.ldap_port(), "security": "none", "bind-dn": service.dn,
                "page-size": PAGE, "attributes": people::ATTRIBUTES,
            },
            "securedOptions": {"bind-password": {"value": service.password}},
        });
        bed.create(&body).await;
        bed.approve(&["network:ldap:loopback", "plaintext:ldap"]).await;
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        bed
    }
}
