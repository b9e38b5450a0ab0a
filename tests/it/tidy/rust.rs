//! As much of Rust's grammar as the rules need: code without its comments and strings.

/// The code with comments and the insides of strings and character literals blanked; lines stay lines.
pub(super) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = skipped_bytes(rest, &code);
        if skipped == 0 {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    code
}

/// How much of the beginning is a comment or a literal; zero: code.
fn skipped_bytes(rest: &str, before: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with('"') {
        return string_bytes(rest);
    }
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if !in_word && let Some(raw) = raw_string_bytes(rest) {
        return raw;
    }
    character_bytes(rest)
}

fn string_bytes(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string_bytes(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let open = rest.len() - body.len();
    Some(body.find(&close).map_or(rest.len(), |end| open + end + close.len()))
}

/// `'x'` and `'\n'`, but not the lifetime `'a`.
fn character_bytes(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix('\'') else { return 0 };
    if after.starts_with('\\') {
        return after[2..].find('\'').map_or(0, |end| end + 4);
    }
    let mut chars = after.chars();
    match (chars.next(), chars.next()) {
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// The identifier a text begins with.
pub(super) fn leading_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[test]
fn comments_and_strings_are_no_code() {
    let source = "a // x\nb /* y\n*/ \"s \\\" t\" r#\"q \"w\" \"# 'c' '\\'' &'life d";
    let code = code_only(source);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "b", "&'life", "d"]);
    assert_eq!(code.lines().count(), source.lines().count());
}
