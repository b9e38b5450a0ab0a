//! Entries as text (RFC 2849): read as the LDAP tools write them, and written as they read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    /// Names as the server spells them, each with one value, in the server's order.
    pub attributes: Vec<(String, Vec<u8>)>,
}

impl Entry {
    /// The values of an attribute, whatever the case of its name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.attributes.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }

    /// The values of an attribute that are text.
    pub fn texts<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.values(name).filter_map(|value| str::from_utf8(value).ok()).collect()
    }

    /// The first of them.
    pub fn text<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.texts(name).first().copied()
    }
}

/// Reads what `ldapsearch -LLL` wrote. Comments and the version are passed over, and so is what is no entry.
pub fn parse(text: &str) -> Vec<Entry> {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "");
    unfolded.split("\n\n").filter_map(entry).collect()
}

fn entry(block: &str) -> Option<Entry> {
    let lines = block.lines().filter(|line| !line.starts_with('#') && !line.starts_with("version:"));
    let mut attributes: Vec<_> = lines.filter_map(attribute).collect();
    let at = attributes.iter().position(|(name, _)| name == "dn")?;
    let (_, dn) = attributes.remove(at);
    Some(Entry { dn: String::from_utf8(dn).ok()?, attributes })
}

fn attribute(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, value) = line.split_once(':')?;
    let value = match value.strip_prefix(':') {
        Some(encoded) => STANDARD.decode(encoded.trim()).ok()?,
        None => value.trim_start_matches(' ').as_bytes().to_vec(),
    };
    Some((name.to_owned(), value))
}

/// One line of an entry, with its end; the value is encoded where it has to be.
pub fn line(name: &str, value: impl AsRef<[u8]>) -> String {
    let value = value.as_ref();
    match str::from_utf8(value) {
        Ok(text) if is_safe(text) => format!("{name}: {text}\n"),
        _ => format!("{name}:: {}\n", STANDARD.encode(value)),
    }
}

fn is_safe(text: &str) -> bool {
    let begins_safely = !text.starts_with([' ', ':', '<']);
    let is_safe = |byte: u8| byte.is_ascii() && !matches!(byte, b'\0' | b'\n' | b'\r');
    begins_safely && !text.ends_with(' ') && text.bytes().all(is_safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_folded_lines_comments_and_encoded_values() {
        let text = "version: 1\n\n# a comment\ndn: uid=a,\n dc=test\ncn: A\ncn:: w4Q=\nphoto:: //4=\nempty:\n\n\
                    # refldap://elsewhere.test/\n\ndn:: dWlkPcOkLGRjPXRlc3Q=\nCN: B: b\n";
        let entries = parse(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].dn, "uid=a,dc=test");
        assert_eq!(entries[0].texts("CN"), ["A", "Ä"]);
        assert_eq!(entries[0].values("photo").collect::<Vec<_>>(), [b"\xff\xfe"]);
        assert_eq!(entries[0].text("empty"), Some(""));
        assert_eq!(entries[0].text("absent"), None);
        assert_eq!(entries[1].dn, "uid=ä,dc=test");
        assert_eq!(entries[1].text("cn"), Some("B: b"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in ["plain", "", " leading", "trailing ", ":colon", "<url", "Zoë", "two\nlines", "nul\0", "a  b"] {
            let entries = parse(&format!("dn: x\n{}\n", line("cn", value)));
            assert_eq!(entries[0].text("cn"), Some(value), "{value:?}");
        }
    }
}
