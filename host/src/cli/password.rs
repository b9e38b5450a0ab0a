//! Passwords come from the terminal without an echo, or from standard input, never from an argument: arguments are
//! seen by every user of the machine and kept in the shell's history.

use std::io::{Read as _, stdin};

use console::Term;
use zeroize::Zeroizing;

use super::fault::Fault;
use crate::model::secret::SECRET_BYTES_MAX;

/// A password of the person at the terminal, wiped when dropped.
pub(super) type Typed = Zeroizing<String>;

/// Asks for a password, twice where it is a new one.
pub(super) fn prompt(label: &str, twice: bool) -> Result<Typed, Fault> {
    let typed = type_in(label)?;
    if twice && *typed != *type_in(&format!("{label} again"))? {
        return Err(Fault::usage("the two passwords differ"));
    }
    Ok(typed)
}

/// `N` passwords from standard input, one a line.
pub(super) fn from_stdin<const N: usize>() -> Result<[Typed; N], Fault> {
    let mut text = Zeroizing::new(String::new());
    let most = u64::try_from((SECRET_BYTES_MAX + 2) * N).unwrap_or(u64::MAX);
    stdin().lock().take(most).read_to_string(&mut text).map_err(Fault::io("cannot read standard input"))?;
    split(&text)
}

fn type_in(label: &str) -> Result<Typed, Fault> {
    let term = Term::stderr();
    if !term.is_term() {
        return Err(Fault::usage("there is no terminal to ask for a password: use --password-stdin"));
    }
    let asked = term.write_str(&format!("{label}: ")).and_then(|()| term.read_secure_line());
    asked.map(Zeroizing::new).map_err(Fault::io("cannot read the password"))
}

fn split<const N: usize>(text: &str) -> Result<[Typed; N], Fault> {
    let lines: Vec<Typed> = text.lines().map(|line| Zeroizing::new(line.to_owned())).collect();
    let wrong = |lines: Vec<Typed>| {
        let lines = lines.len();
        Fault::usage(format!("standard input holds {lines} lines; {N} are expected, one for each password"))
    };
    lines.try_into().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_of_lines_than_passwords_is_refused() {
        assert!(split::<1>("a\nb\n").unwrap_err().message.contains("2 lines; 1 are expected"));
        assert!(split::<2>("a\n").is_err());
        assert!(split::<1>("").is_err());
    }

    #[test]
    fn only_the_line_break_is_not_part_of_a_password() {
        let [old, new] = split("  old \r\nnéw\n").unwrap();
        assert_eq!((old.as_str(), new.as_str()), ("  old ", "néw"));
    }
}
