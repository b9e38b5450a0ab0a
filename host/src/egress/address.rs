//! Whose an address is: everybody's, somebody's own, or nobody's. An IPv6 address that carries an IPv4 address is judged
//! by both, whatever the form, so that no wrapping makes an address better than it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

use crate::model::AddressRange;

/// Whose an address is, from the least dangerous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The internet's.
    Public,
    /// Somebody's own: reached with a permission.
    Own(AddressRange),
    /// Nobody's, or everybody's at once: unspecified, multicast, broadcast, documentation, reserved. Never reached.
    Never,
}

impl Class {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Own(range) => range.as_str(),
            Self::Never => "reserved",
        }
    }
}

/// Whose an address is. `nat64` are the prefixes under which the operator's own network translates (RFC 6052), besides
/// the two well-known ones.
pub fn classify(address: IpAddr, nat64: &[Ipv6Net]) -> Class {
    match address {
        IpAddr::V4(address) => of(address.into(), V4).unwrap_or(Class::Public),
        IpAddr::V6(address) => of_v6(address, nat64),
    }
}

const PRIVATE: Class = Class::Own(AddressRange::Private);
const LOOPBACK: Class = Class::Own(AddressRange::Loopback);
const LINK_LOCAL: Class = Class::Own(AddressRange::LinkLocal);
const METADATA: Class = Class::Own(AddressRange::Metadata);

/// What is not public of IPv4 (IANA special-purpose registry, RFC 6890), and where clouds answer.
const V4: &[(&str, Class)] = &[
    ("0.0.0.0/8", Class::Never),
    ("10.0.0.0/8", PRIVATE),
    ("100.64.0.0/10", PRIVATE),
    ("100.100.100.200/32", METADATA),
    ("127.0.0.0/8", LOOPBACK),
    ("168.63.129.16/32", METADATA),
    ("169.254.0.0/16", LINK_LOCAL),
    ("169.254.42.42/32", METADATA),
    ("169.254.169.0/24", METADATA),
    ("169.254.170.0/24", METADATA),
    ("172.16.0.0/12", PRIVATE),
    ("192.0.0.0/24", Class::Never),
    ("192.0.2.0/24", Class::Never),
    ("192.88.99.0/24", Class::Never),
    ("192.168.0.0/16", PRIVATE),
    ("198.18.0.0/15", PRIVATE),
    ("198.51.100.0/24", Class::Never),
    ("203.0.113.0/24", Class::Never),
    ("224.0.0.0/4", Class::Never),
    ("240.0.0.0/4", Class::Never),
];

/// What is known of IPv6; of the rest only 2000::/3 is given out.
const V6: &[(&str, Class)] = &[
    ("::1/128", LOOPBACK),
    ("64:ff9b::/96", Class::Public),
    ("2001::/23", Class::Never),
    ("2001::/32", Class::Public),
    ("2001:db8::/32", Class::Never),
    ("3fff::/20", Class::Never),
    ("fc00::/7", PRIVATE),
    // Amazon's, and its pods'; Oracle's, Scaleway's, Linode's, Alibaba's, Google's; OpenStack's.
    ("fd00:ec2::23/128", METADATA),
    ("fd00:ec2::254/128", METADATA),
    ("fd00:c1::a9fe:a9fe/128", METADATA),
    ("fd00:42::42/128", METADATA),
    ("fd00:a9fe:a9fe::1/128", METADATA),
    ("fd00:100::100:200/128", METADATA),
    ("fd20:ce::254/128", METADATA),
    ("fe80::/10", LINK_LOCAL),
    ("fe80::a9fe:a9fe/128", METADATA),
    ("fec0::/10", PRIVATE),
    ("::ffff:0.0.0.0/96", Class::Public),
    ("2000::/3", Class::Public),
];

/// By the smallest network that has it.
fn of(address: IpAddr, table: &[(&str, Class)]) -> Option<Class> {
    let networks = table.iter().filter_map(|(network, class)| Some((network.parse::<IpNet>().ok()?, *class)));
    let containing = networks.filter(|(network, _)| network.contains(&address));
    containing.max_by_key(|(network, _)| network.prefix_len()).map(|(_, class)| class)
}

fn of_v6(address: Ipv6Addr, nat64: &[Ipv6Net]) -> Class {
    let known = nat64.iter().filter(|prefix| prefix.contains(&address)).max_by_key(|prefix| prefix.prefix_len());
    let (own, behind) = match known {
        // It is what it translates to, and not the network the prefix was cut from.
        Some(prefix) => (Class::Public, vec![prefix.prefix_len()]),
        // Which length a site took of the prefix made for that (RFC 8215), nobody knows here: it is the worst of all.
        None if u128::from(address) >> 80 == 0x64_ff9b_0001 => (PRIVATE, vec![48, 56, 64, 96]),
        None => (of(address.into(), V6).unwrap_or(Class::Never), Vec::new()),
    };
    let behind = behind.into_iter().filter_map(|length| embedded(address, length));
    carried(address).chain(behind).map(|v4| of(v4.into(), V4).unwrap_or(Class::Public)).fold(own, Ord::max)
}

/// The IPv4 addresses that one of the known forms carries.
fn carried(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let bits = u128::from(address);
    let at = |low: u32| Ipv4Addr::from(u32::try_from((bits >> low) & u128::from(u32::MAX)).unwrap_or(u32::MAX));
    let high = |length: u32| bits >> (128 - length);
    // v4-mapped (RFC 4291, 2.5.5.2), NAT64 (RFC 6052): the last 32 bits. v4-compatible and v4-translated addresses are
    // reserved as such.
    let last = [high(96) == 0xffff, high(96) == 0x64_ff9b << 64].contains(&true).then(|| at(0));
    // 6to4 (RFC 3056): behind the first 16 bits.
    let six_to_four = (high(16) == 0x2002).then(|| at(80));
    // Teredo (RFC 4380, 4): the server, and the client with its bits turned around.
    let teredo = (high(32) == 0x2001_0000).then(|| [at(64), Ipv4Addr::from(!u32::from(at(0)))]);
    // ISATAP (RFC 5214, 6.1): in the interface's identifier, under any prefix.
    let isatap = ((bits >> 32) & 0xfdff_ffff == 0x5efe).then(|| at(0));
    last.into_iter().chain(six_to_four).chain(teredo.into_iter().flatten()).chain(isatap)
}

/// The IPv4 address behind a prefix of that length (RFC 6052, 2.2); bits 64 to 71 are skipped.
fn embedded(address: Ipv6Addr, length: u8) -> Option<Ipv4Addr> {
    let bytes = address.octets();
    let start = usize::from(length / 8);
    let mut carried = bytes.iter().enumerate().filter(|(at, _)| *at >= start && (*at != 8 || length == 96));
    let mut next = || carried.next().map(|(_, byte)| *byte);
    Some(Ipv4Addr::new(next()?, next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(address: &str) -> Class {
        classify(address.parse().unwrap(), &[])
    }

    #[test]
    fn every_network_of_the_tables_is_one() {
        for (network, _) in V4.iter().chain(V6) {
            let parsed: IpNet = network.parse().unwrap();
            assert_eq!(parsed.trunc().to_string(), *network);
        }
    }

    #[test]
    fn addresses_belong_to_whom_the_registries_gave_them() {
        for (address, expected) in [
            ("1.1.1.1", Class::Public),
            ("9.255.255.255", Class::Public),
            ("10.0.0.0", PRIVATE),
            ("10.255.255.255", PRIVATE),
            ("11.0.0.0", Class::Public),
            ("100.63.255.255", Class::Public),
            ("100.64.0.1", PRIVATE),
            ("100.100.100.200", METADATA),
            ("127.0.0.1", LOOPBACK),
            ("127.255.255.254", LOOPBACK),
            ("168.63.129.16", METADATA),
            ("169.254.1.1", LINK_LOCAL),
            ("169.254.169.254", METADATA),
            ("169.254.170.2", METADATA),
            ("169.254.170.23", METADATA),
            ("169.254.42.42", METADATA),
            ("192.0.0.192", Class::Never),
            ("172.15.255.255", Class::Public),
            ("172.16.0.1", PRIVATE),
            ("172.31.255.255", PRIVATE),
            ("172.32.0.0", Class::Public),
            ("192.0.2.1", Class::Never),
            ("192.168.1.1", PRIVATE),
            ("198.51.100.7", Class::Never),
            ("224.0.0.1", Class::Never),
            ("255.255.255.255", Class::Never),
            ("0.0.0.0", Class::Never),
            ("::", Class::Never),
            ("::1", LOOPBACK),
            ("::2", Class::Never),
            ("2606:4700::1111", Class::Public),
            ("2001:4860:4860::8888", Class::Public),
            ("2001:db8::1", Class::Never),
            ("2001:20::1", Class::Never),
            ("3fff::1", Class::Never),
            ("4000::1", Class::Never),
            ("5f00::1", Class::Never),
            ("100::1", Class::Never),
            ("fc00::1", PRIVATE),
            ("fd00:ec2::23", METADATA),
            ("fd00:ec2::254", METADATA),
            ("fd00:ec2::1", PRIVATE),
            ("fd00:c1::a9fe:a9fe", METADATA),
            ("fd00:42::42", METADATA),
            ("fd00:a9fe:a9fe::1", METADATA),
            ("fd00:100::100:200", METADATA),
            ("fd20:ce::254", METADATA),
            ("fe80::a9fe:a9fe", METADATA),
            ("fe80::1", LINK_LOCAL),
            ("fec0::1", PRIVATE),
            ("ff02::1", Class::Never),
        ] {
            assert_eq!(class(address), expected, "{address}");
        }
    }

    /// Every form that carries an IPv4 address.
    fn wrapped(v4: Ipv4Addr) -> Vec<(&'static str, Ipv6Addr)> {
        let bits = u128::from(u32::from(v4));
        let [a, b, c, d] = v4.octets();
        let at = |start: usize, prefix: u128| {
            let mut bytes = prefix.to_be_bytes();
            let places = (start..16).filter(|at| *at != 8 || start == 12);
            places.zip([a, b, c, d]).for_each(|(at, byte)| bytes[at] = byte);
            Ipv6Addr::from(bytes)
        };
        vec![
            ("v4-mapped", Ipv6Addr::from(0xffff_0000_0000 | bits)),
            ("v4-compatible", Ipv6Addr::from(bits)),
            ("v4-translated", Ipv6Addr::from(0xffff_0000_0000_0000 | bits)),
            ("NAT64", Ipv6Addr::from((0x64_ff9b << 96) | bits)),
            ("NAT64 of a site, /48", at(6, 0x64_ff9b_0001 << 80)),
            ("NAT64 of a site, /56", at(7, 0x64_ff9b_0001 << 80)),
            ("NAT64 of a site, /64", at(8, 0x64_ff9b_0001 << 80)),
            ("NAT64 of a site, /96", at(12, 0x64_ff9b_0001 << 80)),
            ("6to4", Ipv6Addr::from((0x2002 << 112) | (bits << 80))),
            ("Teredo server", Ipv6Addr::from((0x2001_0000 << 96) | (bits << 64) | u128::from(!0x0101_0101_u32))),
            ("Teredo client", Ipv6Addr::from((0x2001_0000_0101_0101 << 64) | u128::from(!u32::from(v4)))),
            ("ISATAP", Ipv6Addr::from((0x2606_4700 << 96) | (0x5efe << 32) | bits)),
            ("ISATAP, universal", Ipv6Addr::from((0x2606_4700 << 96) | (0x0200_5efe << 32) | bits)),
        ]
    }

    #[test]
    fn no_wrapping_makes_an_address_better_than_it_is() {
        for (network, expected) in V4 {
            let network: ipnet::Ipv4Net = network.parse().unwrap();
            for inner in [network.network(), network.broadcast()] {
                let plain = classify(inner.into(), &[]);
                assert!(plain >= *expected, "{inner}");
                for (form, address) in wrapped(inner) {
                    let found = classify(address.into(), &[]);
                    assert!(found >= plain, "{form} of {inner} ({address}) is {found:?}, plain it is {plain:?}");
                }
            }
        }
    }

    #[test]
    fn a_public_address_is_public_in_the_forms_that_travel_and_reserved_in_the_others() {
        for (form, address) in wrapped(Ipv4Addr::new(1, 1, 1, 1)) {
            let expected = match form {
                "v4-compatible" | "v4-translated" => Class::Never,
                form if form.starts_with("NAT64 of a site") => Class::Never,
                _ => Class::Public,
            };
            assert_eq!(classify(address.into(), &[]), expected, "{form}: {address}");
        }
    }

    #[test]
    fn a_site_that_says_how_it_translates_is_read_that_way() {
        let lengths = [48, 56, 64, 96];
        for (v4, expected) in [([1, 1, 1, 1], Class::Public), ([10, 1, 1, 1], PRIVATE), ([127, 0, 0, 1], LOOPBACK)] {
            let of_site = wrapped(v4.into()).into_iter().filter(|(form, _)| form.starts_with("NAT64 of a site"));
            for (length, (_, address)) in lengths.into_iter().zip(of_site) {
                let prefix = Ipv6Net::new("64:ff9b:1::".parse().unwrap(), length).unwrap();
                assert_eq!(classify(address.into(), &[prefix]), expected, "{address} behind {prefix}");
            }
        }
    }

    proptest! {
        #[test]
        fn behind_the_operators_own_prefix_an_address_is_what_it_carries(
            v4 in any::<u32>(), prefix in any::<u128>(), length in prop::sample::select(vec![32u8, 40, 48, 56, 64, 96])
        ) {
            let v4 = Ipv4Addr::from(v4);
            let network = Ipv6Net::new(Ipv6Addr::from((prefix >> 3) | (0x2 << 124)), length).unwrap().trunc();
            let mut bytes = network.addr().octets();
            let start = usize::from(length / 8);
            let places = (start..16).filter(|at| *at != 8 || length == 96);
            places.zip(v4.octets()).for_each(|(at, byte)| bytes[at] = byte);
            let found = classify(Ipv6Addr::from(bytes).into(), &[network]);
            prop_assert!(found >= classify(v4.into(), &[]));
        }

        #[test]
        fn every_address_has_a_class(bits in any::<u128>(), small in any::<u32>()) {
            classify(Ipv6Addr::from(bits).into(), &[]);
            let plain = classify(Ipv4Addr::from(small).into(), &[]);
            for (_, address) in wrapped(Ipv4Addr::from(small)) {
                prop_assert!(classify(address.into(), &[]) >= plain);
            }
        }
    }
}
