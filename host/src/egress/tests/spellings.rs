//! A host is decided about as what it is, however it is spelled: a spelling is either refused by the parser, or decides
//! exactly as the one spelling does, under every policy.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::*;

/// A host in its one spelling, and others of it.
#[derive(Clone, Debug)]
struct Spelled {
    canonical: String,
    /// Those that are read.
    read: Vec<String>,
    /// Those that other parsers read, and this one has to refuse.
    odd: Vec<String>,
}

fn name() -> impl Strategy<Value = Spelled> {
    prop::sample::select(vec!["crm.example", "a.crm.example", "localhost", "xn--bcher-kva.example", "10.crm.example"])
        .prop_map(|name| Spelled {
            canonical: name.to_owned(),
            read: vec![name.to_ascii_uppercase(), capitals(name)],
            odd: vec![
                format!("{name}."),
                format!("user@{name}"),
                name.replacen('.', "%2e", 1) + "%",
                format!("{name}\\"),
                format!("{name}/"),
                name.replacen('e', "ｅ", 1) + "\u{3002}x",
            ],
        })
}

fn v4() -> impl Strategy<Value = Spelled> {
    let special = prop::sample::select(vec![[127, 0, 0, 1], [10, 1, 2, 3], [169, 254, 169, 254], [1, 1, 1, 1]]);
    prop_oneof![special, any::<[u8; 4]>()].prop_map(|bytes| {
        let (address, [a, b, c, d]) = (Ipv4Addr::from(bytes), bytes);
        let bits = u32::from(address);
        let odd = vec![
            format!("{bits}"),
            format!("0x{bits:x}"),
            format!("0X{bits:08X}"),
            format!("0{bits:o}"),
            format!("0x{a:x}.{}", bits & 0xff_ffff),
            format!("{a}.{b}.{}", bits & 0xffff),
            format!("0{a:o}.{b}.{c}.{d}"),
            format!("{address}."),
            format!("[{address}]"),
        ];
        Spelled { canonical: address.to_string(), read: vec![address.to_string()], odd }
    })
}

fn v6() -> impl Strategy<Value = Spelled> {
    let carrying = any::<u32>().prop_map(|v4| (0xffff_u128 << 32) | u128::from(v4));
    let special =
        prop::sample::select(vec![1, 0xfd00_0ec2 << 96 | 0x254, 0xfe80 << 112 | 1, 0x64_ff9b << 96 | 0x7f00_0001]);
    prop_oneof![carrying, special, any::<u128>()].prop_map(|bits| {
        let address = Ipv6Addr::from(bits);
        let whole = address.segments().map(|part| format!("{part:04x}")).join(":");
        let [.., a, b, c, d] = address.octets();
        let tail = format!(
            "{}:{a}.{b}.{c}.{d}",
            address.segments()[..6].iter().map(|part| format!("{part:x}")).collect::<Vec<_>>().join(":")
        );
        Spelled {
            canonical: format!("[{address}]"),
            read: vec![format!("[{whole}]"), format!("[{}]", whole.to_ascii_uppercase()), format!("[{tail}]")],
            odd: vec![address.to_string(), format!("[{address}%1]"), format!("[{address}].")],
        }
    })
}

fn capitals(name: &str) -> String {
    name.char_indices().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect()
}

/// What a host allows at most.
fn ceiling() -> impl Strategy<Value = EgressConfig> {
    let hosts =
        prop::sample::subsequence(vec!["crm.example", "*.crm.example:443", "LOCALHOST", "10.1.2.3", "*.example"], 0..4);
    let networks =
        prop::sample::subsequence(vec!["10.0.0.0/8", "127.0.0.0/8", "::/0", "0.0.0.0/0", "1.1.1.1/32"], 0..4);
    let parsed = |hosts: Vec<&str>| hosts.iter().map(|host| host.parse().unwrap()).collect();
    let nets = |nets: Vec<&str>| nets.iter().map(|net| net.parse().unwrap()).collect();
    (prop::option::of(hosts.prop_map(parsed)), prop::option::of(networks.prop_map(nets)), any::<[bool; 3]>()).prop_map(
        |(hosts, networks, [loopback, link_local, metadata])| EgressConfig {
            hosts,
            networks,
            loopback,
            link_local,
            metadata,
            ..EgressConfig::default()
        },
    )
}

/// All that is decided about a host: allowed, or in whose words it is refused.
fn decided(rules: &Rules, ranges: &BTreeSet<AddressRange>, host: &str) -> Result<(), String> {
    let target: Target = format!("https://{host}:443").parse().map_err(|why: Error| why.message)?;
    let found = match target.host {
        Host::Address(address) => vec![address],
        // Wherever a name is, its spelling makes no difference to it.
        Host::Name(_) => vec![IpAddr::from([10, 1, 2, 3])],
    };
    let route = Route { target, ranges: ranges.clone(), ..route("https://crm.example:443") };
    rules.admit(&route).and_then(|()| rules.permit(&route, &found)).map_err(|why| why.message)
}

proptest! {
    #[test]
    fn every_spelling_of_a_host_is_refused_or_decides_as_the_one_spelling_does(
        host in prop_oneof![name(), v4(), v6()],
        ceiling in ceiling(),
        ranges in prop::sample::subsequence(AddressRange::ALL.to_vec(), 0..=AddressRange::ALL.len()),
    ) {
        let (rules, ranges) = (Rules::new(ceiling), ranges.into_iter().collect());
        let canonical = decided(&rules, &ranges, &host.canonical);
        for spelling in &host.read {
            prop_assert_eq!(&decided(&rules, &ranges, spelling), &canonical, "{}", spelling);
        }
        for spelling in &host.odd {
            prop_assert!(format!("https://{spelling}:443").parse::<Target>().is_err(), "{} is read", spelling);
        }
    }
}
