//! Distinguished names (RFC 4514): read as leniently as servers write them, written in one spelling only.
//!
//! A member is named by its DN, and the host joins names that are equal byte for byte, so every DN that leaves this
//! connector goes through here: blanks around separators go, every escape has one form, attribute types have the case
//! of the dialect, and what acts on a screen is escaped. The case of values stays as the server gives it. No DN is
//! ever put together from text that was not escaped here.

use std::fmt::Write as _;

/// A distinguished name, from the entry up to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dn {
    rdns: Vec<Rdn>,
}

/// A relative distinguished name: usually one attribute and its value, sometimes several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rdn {
    pub(crate) parts: Vec<Part>,
}

/// One attribute of a relative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) attribute: String,
    /// The value's bytes; those of a `#` value are its encoding in BER.
    pub(crate) value: Vec<u8>,
    encoded: bool,
}

/// How attribute types are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    Lower,
    Upper,
}

impl Dn {
    /// Reads a name; nothing if it is none. The empty text is the root's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self { rdns: Vec::new() });
        }
        let mut reader = Reader { rest: text };
        let mut rdns = Vec::new();
        loop {
            rdns.push(reader.rdn()?);
            match reader.next() {
                None => return Some(Self { rdns }),
                Some(',' | ';') => {}
                Some(_) => return None,
            }
        }
    }

    /// The name in its one spelling.
    pub(crate) fn text(&self, letters: Letters) -> String {
        let rdns: Vec<String> = self.rdns.iter().map(|rdn| rdn.text(letters)).collect();
        rdns.join(",")
    }

    pub(crate) fn rdn(&self) -> Option<&Rdn> {
        self.rdns.first()
    }

    pub(crate) fn is_root(&self) -> bool {
        self.rdns.is_empty()
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, above) = self.rdns.split_first()?;
        Some(Self { rdns: above.to_vec() })
    }

    pub(crate) fn child(&self, rdn: Rdn) -> Self {
        let rdns = std::iter::once(rdn).chain(self.rdns.iter().cloned()).collect();
        Self { rdns }
    }

    /// Is it this name or below it, whatever the case?
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        let above = self.rdns.len().checked_sub(base.rdns.len()).and_then(|from| self.rdns.get(from..));
        above.is_some_and(|above| above.iter().zip(&base.rdns).all(|(a, b)| a.folded() == b.folded()))
    }

    /// Is it the same name, whatever the case?
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.rdns.len() == other.rdns.len() && self.is_within(other)
    }
}

impl Rdn {
    /// A relative name of one attribute.
    pub(crate) fn new(attribute: &str, value: &str) -> Self {
        let value = value.as_bytes().to_vec();
        Self { parts: vec![Part { attribute: attribute.to_owned(), value, encoded: false }] }
    }

    /// The same name with another value in one of its parts.
    pub(crate) fn with(&self, at: usize, value: &str) -> Self {
        let mut renamed = self.clone();
        if let Some(part) = renamed.parts.get_mut(at) {
            (part.value, part.encoded) = (value.as_bytes().to_vec(), false);
        }
        renamed
    }

    /// Reads a relative name alone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut dn = Dn::parse(text)?;
        if dn.rdns.len() == 1 { dn.rdns.pop() } else { None }
    }

    pub(crate) fn text(&self, letters: Letters) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| part.text(letters)).collect();
        parts.join("+")
    }

    /// The value of an attribute of it, as text.
    pub(crate) fn value(&self, attribute: &str) -> Option<&str> {
        let part = self.parts.iter().find(|part| part.attribute.eq_ignore_ascii_case(attribute) && !part.encoded)?;
        std::str::from_utf8(&part.value).ok()
    }

    /// A form in which equal names are equal: case and the order of parts do not matter.
    fn folded(&self) -> Vec<String> {
        let mut parts: Vec<String> = self.parts.iter().map(|part| part.text(Letters::Lower).to_lowercase()).collect();
        parts.sort_unstable();
        parts
    }
}

impl Part {
    fn text(&self, letters: Letters) -> String {
        let mut text = match letters {
            Letters::Lower => self.attribute.to_ascii_lowercase(),
            Letters::Upper => self.attribute.to_ascii_uppercase(),
        };
        text.push('=');
        if self.encoded {
            text.push('#');
            self.value.iter().for_each(|byte| push_hex(&mut text, *byte));
        } else {
            escape(&self.value, &mut text);
        }
        text
    }
}

fn push_hex(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{byte:02x}");
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push('\\');
        push_hex(text, *byte);
    }
}

/// Writes a value (RFC 4514, 2.4); what is no UTF-8 or acts on a screen as pairs of hex digits.
fn escape(value: &[u8], text: &mut String) {
    for chunk in value.utf8_chunks() {
        let offset = chunk.valid().as_ptr() as usize - value.as_ptr() as usize;
        for (at, c) in chunk.valid().char_indices() {
            let (first, last) = (offset + at == 0, offset + at + c.len_utf8() == value.len());
            match c {
                ',' | '+' | '"' | '\\' | '<' | '>' | ';' => text.extend(['\\', c]),
                '#' if first => text.push_str("\\#"),
                ' ' if first || last => text.push_str("\\ "),
                c if acts(c) => push_escaped(text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        push_escaped(text, chunk.invalid());
    }
}

/// What no identifier of the contract may hold: control characters, and those that turn the direction of a line.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Is it in its one spelling already? Nearly all are, and are told without being taken apart; a name that is told
/// otherwise may be, too.
pub(crate) fn is_canonical(text: &str, letters: Letters) -> bool {
    let (mut in_value, mut last) = (false, b',');
    for byte in text.bytes() {
        let begins = matches!(last, b',' | b'+' | b'=');
        let fits = match byte {
            b'=' if !in_value => {
                in_value = true;
                !begins
            }
            b',' | b'+' if in_value => {
                in_value = false;
                !matches!(last, b' ' | b'=')
            }
            b' ' => in_value && !begins,
            b'"' | b'\\' | b'<' | b'>' | b';' | b'=' | b',' | b'+' => false,
            b'#' => in_value && !begins,
            b'A'..=b'Z' => in_value || letters == Letters::Upper,
            b'a'..=b'z' => in_value || letters == Letters::Lower,
            b'0'..=b'9' | b'-' => true,
            b'.' => in_value,
            byte => in_value && byte.is_ascii_graphic(),
        };
        if !fits {
            return false;
        }
        last = byte;
    }
    in_value && !matches!(last, b' ' | b'=')
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..)?;
        Some(c)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r']);
    }

    fn rdn(&mut self) -> Option<Rdn> {
        let mut parts = vec![self.part()?];
        while self.peek() == Some('+') {
            self.next();
            parts.push(self.part()?);
        }
        Some(Rdn { parts })
    }

    fn part(&mut self) -> Option<Part> {
        let (attribute, rest) = self.rest.split_once('=')?;
        let attribute = attribute.trim_matches([' ', '\n', '\r']);
        let attribute = attribute.strip_prefix("OID.").or_else(|| attribute.strip_prefix("oid.")).unwrap_or(attribute);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | '_');
        if attribute.is_empty() || !attribute.chars().all(fits) {
            return None;
        }
        let attribute = attribute.to_owned();
        self.rest = rest;
        self.skip_blanks();
        let (value, encoded) = match self.peek() {
            Some('#') => (self.hex_string()?, true),
            Some('"') => (self.quoted()?, false),
            _ => (self.plain()?, false),
        };
        Some(Part { attribute, value, encoded })
    }

    fn hex_string(&mut self) -> Option<Vec<u8>> {
        self.next();
        let end = self.rest.find([',', '+', ';']).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let digits = digits.trim_end_matches(' ');
        self.rest = rest;
        if digits.is_empty() { None } else { unhex(digits) }
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        self.next();
        let mut value = Vec::new();
        loop {
            match self.next()? {
                '"' => break,
                '\\' => self.escaped(&mut value)?,
                c => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.skip_blanks();
        matches!(self.peek(), None | Some(',' | '+' | ';')).then_some(value)
    }

    fn plain(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        // Blanks at the end belong to the separator unless they are escaped.
        let mut kept = 0;
        while let Some(c) = self.peek().filter(|c| !matches!(c, ',' | '+' | ';')) {
            self.next();
            match c {
                '\\' => self.escaped(&mut value)?,
                '"' => return None,
                c => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            if c != ' ' {
                kept = value.len();
            }
        }
        value.truncate(kept);
        Some(value)
    }

    fn escaped(&mut self, value: &mut Vec<u8>) -> Option<()> {
        let hex = self.rest.get(..2).and_then(unhex);
        if let Some(bytes) = hex {
            value.extend(bytes);
            self.rest = self.rest.get(2..)?;
            return Some(());
        }
        let c = self.next()?;
        value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Some(())
    }
}

/// Pairs of hex digits as bytes.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests;
