//! Distinguished names as strings (RFC 4514).

use std::fmt::Write as _;

/// A value as it stands in a distinguished name: `Doe, Jane` becomes `Doe\, Jane`. The equals sign may be left as it
/// is; Samba wants it escaped.
pub fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        match c {
            '\0' => escaped.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => push(&mut escaped, c),
            ' ' if at == 0 || at == last => push(&mut escaped, c),
            '#' if at == 0 => push(&mut escaped, c),
            c if c.is_control() => hexed(&mut escaped, c),
            c => escaped.push(c),
        }
    }
    escaped
}

fn push(escaped: &mut String, c: char) {
    escaped.push('\\');
    escaped.push(c);
}

fn hexed(escaped: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // A string takes all.
        let _written = write!(escaped, "\\{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_name_is_escaped_and_nothing_else() {
        let cases = [
            ("Jane Doe", "Jane Doe"),
            ("Doe, Jane", "Doe\\, Jane"),
            ("a+b\"c\\d<e>;f=g", "a\\+b\\\"c\\\\d\\<e\\>\\;f\\=g"),
            ("#1 # 2", "\\#1 # 2"),
            (" both ends ", "\\ both ends\\ "),
            (" ", "\\ "),
            ("nul\0tab\t", "nul\\00tab\\09"),
            ("Zoë 😀", "Zoë 😀"),
            ("", ""),
        ];
        for (value, expected) in cases {
            assert_eq!(escape(value), expected);
        }
    }
}
